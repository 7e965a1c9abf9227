//! A nation's grid through the public interface: what holds for any change, and Kazakhstan's story.

use offpeak_index::grid::{
    Balance, Capacity, DemandShape, EmissionRates, GridBook, GridInputs, GridYear, MiningChange, PeakUse,
    Totals, WeekHours, WhatIf, nation_year, what_if,
};
use offpeak_index::world::{CountryCode, Generation, read_header, with_header};
use proptest::prelude::*;

const KAZAKHSTAN: CountryCode = CountryCode::KAZAKHSTAN;

fn year_of_hours(year: i16, import_limit_mw: Option<f64>) -> GridYear {
    grid_with(year, Capacity::AsAtPeak, import_limit_mw)
}

fn grid_with(year: i16, capacity: Capacity, import_limit_mw: Option<f64>) -> GridYear {
    let book = GridBook::embedded();
    let inputs = GridInputs {
        balance: book.balance(KAZAKHSTAN, year).expect("a year of the book"),
        peak: &book.peak(KAZAKHSTAN, year).expect("a year of the book"),
        shape: &DemandShape::kazakhstan(),
        capacity,
        import_limit_mw,
    };
    GridYear::build(&inputs).expect("figures that fit the shape")
}

fn rates() -> EmissionRates {
    EmissionRates::published(Generation::embedded(), KAZAKHSTAN, CountryCode::RUSSIA, 2022).expect("embedded")
}

fn ask(grid: &GridYear, mw: f64, hours: &str) -> WhatIf {
    let hours = hours.parse().expect("a window");
    what_if(grid, &MiningChange { mw, hours }, &rates()).expect("a change that fits")
}

#[test]
fn the_base_is_the_published_year_to_the_kilowatt_hour() {
    for (year, generation, demand) in
        [(2022, 113_440_000_000, 114_890_000_000), (2023, 113_590_000_000, 115_660_000_000)]
    {
        let base = ask(&year_of_hours(year, None), 0.0, "always").base;
        assert_eq!((base.generation_kwh, base.demand_kwh), (generation, demand));
        assert_eq!(base.import_kwh - base.export_kwh, demand - generation);
        let peak = GridBook::embedded().peak(KAZAKHSTAN, year).unwrap();
        assert_eq!(base.peak_kw, peak.load_mw as i64 * 1_000);
        // What the operator reported for that hour: the load less what was generated at home.
        assert_eq!(base.import_peak_kw, (peak.load_mw - peak.generation_mw) as i64 * 1_000);
        assert_eq!(base.reserve_kw, -base.import_peak_kw);
        assert!(base.import_hours > 1_000 && base.import_hours < 8_000, "{}", base.import_hours);
    }
}

#[test]
fn every_embedded_year_can_be_asked() {
    for year in 2017..=2024 {
        let grid = year_of_hours(year, None);
        assert!((0.9..1.3).contains(&grid.stretch), "{year}: {}", grid.stretch);
        let nation = nation_year(GridBook::embedded(), Generation::embedded(), KAZAKHSTAN, year).unwrap();
        assert_eq!(nation.mining.len(), 3);
        assert!(nation.to_csv().contains("mining_top-down_of_demand"));
    }
}

#[test]
fn mining_at_night_costs_the_peak_nothing() {
    let grid = year_of_hours(2022, None);
    let always = ask(&grid, 920.0, "always");
    let window = ask(&grid, 920.0, "00-08, weekend");
    assert_eq!((always.active_hours, always.change_kwh), (8_760, 8_059_200_000));
    assert_eq!(always.changed.reserve_kw, always.base.reserve_kw - 920_000);
    // The tightest hour is a December workday's evening. Nights leave it alone; weekends have evenings
    // of their own, a little lower.
    let nights = ask(&grid, 920.0, "00-08");
    assert_eq!(nights.changed.reserve_kw, nights.base.reserve_kw);
    assert!(window.changed.reserve_kw < window.base.reserve_kw);
    assert!(window.changed.reserve_kw > always.changed.reserve_kw);
    assert!(always.changed.deficit_hours > 2 * always.base.deficit_hours);
    let more = |out: &WhatIf| out.changed.deficit_hours - out.base.deficit_hours;
    assert!(more(&window) < more(&always) / 2 && more(&nights) < more(&window));
    assert!(window.active_hours > 8_760 * 88 / 168 - 20 && window.active_hours < 8_760 * 88 / 168 + 20);
    assert!(window.shape.contains("estimate of our own"));
    assert!(window.assumptions.iter().all(|one| !one.source.is_empty()));
}

#[test]
#[ignore = "prints the figures that the documentation quotes"]
fn grid_figures_for_the_documentation() {
    for year in [2021, 2022, 2023] {
        for capacity in [Capacity::AsAtPeak, Capacity::NoSpare] {
            let grid = grid_with(year, capacity, None);
            println!("{year}: {capacity:?}, stretch {:.3}", grid.stretch);
            for (mw, hours) in [
                (0.0, "always"),
                (920.0, "always"),
                (920.0, "00-08, weekend"),
                (920.0, "00-08"),
                (-920.0, "always"),
            ] {
                let out = ask(&grid, mw, hours);
                let sum = &out.changed;
                println!(
                    "{mw} MW {hours}: {} h active, least reserve {} MW, {} h deficit, {:.2} TWh deficit, {} h \
                 imports, {:.2} TWh imports, {:.2} TWh exports, {:+.2} Mt",
                    out.active_hours,
                    sum.reserve_kw / 1_000,
                    sum.deficit_hours,
                    sum.deficit_kwh as f64 / 1e9,
                    sum.import_hours,
                    sum.import_kwh as f64 / 1e9,
                    sum.export_kwh as f64 / 1e9,
                    out.tonnes_more() / 1e6,
                );
            }
            for (hour, mean) in ask(&grid, 0.0, "always").by_hour.iter().enumerate().step_by(3) {
                println!("{hour:02}: {:.0} {:.0}", mean.demand_mw, mean.generation_mw);
            }
        }
    }
}

#[test]
fn without_the_mines_the_deficit_of_2022_shrinks() {
    let out = ask(&year_of_hours(2022, None), -920.0, "always");
    assert!(out.changed.deficit_hours < out.base.deficit_hours);
    assert!(out.changed.import_kwh < out.base.import_kwh / 3, "{:?}", out.changed);
    let rates = rates();
    let home = (out.base.generation_kwh - out.changed.generation_kwh) as f64 * rates.home_g_per_kwh;
    let imports = (out.base.import_kwh - out.changed.import_kwh) as f64 * rates.import_g_per_kwh;
    assert!((out.tonnes_more() + (home + imports) / 1e6).abs() < 1.0);
    assert_eq!(out.changed.export_kwh, out.base.export_kwh, "less load cuts imports, then home plants");
}

#[test]
fn without_spare_plants_all_of_it_is_imported() {
    let out = ask(&grid_with(2022, Capacity::NoSpare, None), 920.0, "always");
    assert_eq!(out.changed.generation_kwh, out.base.generation_kwh);
    let net = |sum: &Totals| sum.import_kwh - sum.export_kwh;
    assert_eq!(net(&out.changed) - net(&out.base), out.change_kwh);
    assert_eq!((out.base.deficit_hours, out.base.deficit_kwh), (out.base.import_hours, out.base.import_kwh));
    // A stated capacity below what is generated does not take generation away.
    let months = ask(&grid_with(2022, Capacity::Months([0.0; 12]), None), 920.0, "always");
    assert_eq!(months.changed, out.changed);
}

#[test]
fn neighbours_that_deliver_less_leave_load_unserved() {
    let free = ask(&year_of_hours(2022, None), 500.0, "always").changed;
    let tight = ask(&year_of_hours(2022, Some(1_300.0)), 500.0, "always");
    assert_eq!(tight.base.unserved_kwh, 0);
    assert!(tight.changed.unserved_hours > 0 && tight.changed.import_peak_kw == 1_300_000);
    assert_eq!(free.unserved_kwh, 0);
}

#[test]
fn more_than_there_is_cannot_be_taken_away() {
    let grid = year_of_hours(2022, None);
    let change = |mw| MiningChange { mw, hours: WeekHours::always() };
    let error = what_if(&grid, &change(-12_000.0), &rates()).unwrap_err().to_string();
    assert!(error.starts_with("taking 12000 MW away leaves less than nothing in hour"), "{error}");
    assert!(what_if(&grid, &change(f64::NAN), &rates()).is_err());
}

#[test]
fn a_file_recomputes_from_its_own_assumptions() {
    let nation = nation_year(GridBook::embedded(), Generation::embedded(), KAZAKHSTAN, 2021).unwrap();
    let check = nation.claim(7.0).unwrap();
    let file = offpeak_index::world::assumptions_csv(&check.assumptions);
    let number = |key: &str| -> f64 {
        let line = file.lines().find(|line| line.split(',').next() == Some(key)).unwrap();
        line.split(',').nth(1).unwrap().parse().unwrap()
    };
    let declared = number("declared_receipts") / number("declared_fee") / number("declared_hours") / 1e6;
    let reported =
        number("reported_share") / 100.0 * number("reported_energy") * 1e3 / number("reported_hours");
    let top_down = number("top-down_share") / 100.0 * number("top-down_network_power");
    for (row, gw) in check.rows.iter().zip([declared, reported, top_down]) {
        assert_eq!(row.gw, gw);
        let percent = gw * number("hours_of_year") / 1e3 / number("generation") * 100.0;
        assert_eq!(row.percent_of_generation, percent);
    }
}

#[test]
fn a_what_if_recomputes_from_its_own_file() {
    let out = ask(&year_of_hours(2021, Some(2_000.0)), 920.0, "00-08, weekend");
    let file = with_header("what if", &out.assumptions, &out.to_csv());
    let read = read_header(&file);
    let number = |key: &str| -> f64 { read[key].parse().unwrap() };
    let balance = Balance {
        country: read["country"].parse().unwrap(),
        year: number("year") as i16,
        series: "file".to_owned(),
        generation_twh: number("generation"),
        demand_twh: number("demand"),
        source: "file".to_owned(),
    };
    let peak = PeakUse {
        load_mw: number("peak_load"),
        generation_mw: number("generation_at_peak"),
        from_year: 0,
        published: false,
        source: "file".to_owned(),
    };
    let shape = DemandShape::kazakhstan();
    assert_eq!(read["demand_shape"], shape.name);
    let inputs = GridInputs {
        balance: &balance,
        peak: &peak,
        shape: &shape,
        capacity: Capacity::Months([number("home_capacity"); 12]),
        import_limit_mw: Some(number("import_limit")),
    };
    let change = MiningChange { mw: number("mining_change"), hours: read["mining_hours"].parse().unwrap() };
    let rates = EmissionRates {
        home_g_per_kwh: number("home_emissions"),
        import_g_per_kwh: number("import_emissions"),
        ..rates()
    };
    let again = what_if(&GridYear::build(&inputs).unwrap(), &change, &rates).unwrap();
    let csv: String =
        file.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect();
    assert_eq!(again.to_csv(), csv);
}

fn window() -> impl Strategy<Value = String> {
    let term = prop_oneof![
        Just("weekend".to_owned()),
        Just("weekdays".to_owned()),
        Just("always".to_owned()),
        (0_u32..24, 0_u32..=24)
            .prop_filter("two hours", |(a, b)| a != b)
            .prop_map(|(a, b)| format!("{a:02}-{b:02}")),
        (0_usize..7, 0_u32..24, 1_u32..=24).prop_filter("two hours", |(_, a, b)| a != b).prop_map(
            |(d, a, b)| format!("{} {a}-{b}", ["mon", "tue", "wed", "thu", "fri", "sat", "sun"][d])
        ),
    ];
    prop::collection::vec(term, 1..4).prop_map(|terms| terms.join(", "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn nothing_added_changes_nothing(year in 2017_i16..=2024, hours in window(), limit in prop::option::of(0.0..3e3)) {
        let out = ask(&year_of_hours(year, limit), 0.0, &hours);
        prop_assert_eq!(&out.base, &out.changed);
        prop_assert!(out.hours().iter().all(|(base, changed)| base == changed));
        prop_assert_eq!(out.tonnes_more(), 0.0);
    }

    #[test]
    fn energy_is_conserved_in_every_hour(
        year in 2017_i16..=2024,
        mw in -3_000.0..6_000.0_f64,
        hours in window(),
        limit in prop::option::of(0.0..4e3),
    ) {
        let out = ask(&year_of_hours(year, limit), mw, &hours);
        for (base, changed) in out.hours() {
            for row in [base, changed] {
                prop_assert_eq!(row.demand_kw, row.generation_kw + row.net_import_kw + row.unserved_kw);
                prop_assert!(row.generation_kw >= 0 && row.unserved_kw >= 0);
                prop_assert!(limit.is_none_or(|mw| row.net_import_kw <= (mw * 1e3).round() as i64));
            }
        }
        for sum in [&out.base, &out.changed] {
            let served = sum.generation_kwh + sum.import_kwh - sum.export_kwh;
            prop_assert_eq!(sum.demand_kwh, served + sum.unserved_kwh);
        }
        prop_assert_eq!(out.changed.demand_kwh - out.base.demand_kwh, out.change_kwh);
        let by_month: (i64, i64) =
            out.net_import_kwh.iter().fold((0, 0), |sum, month| (sum.0 + month.1, sum.1 + month.2));
        prop_assert_eq!(by_month.0, out.base.import_kwh - out.base.export_kwh);
        prop_assert_eq!(by_month.1, out.changed.import_kwh - out.changed.export_kwh);
    }

    #[test]
    fn any_text_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), header in any::<bool>()) {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let with = |head: &str| if header { format!("{head}\n{text}") } else { text.clone() };
        let balance = with("code,year,series,generation_twh,demand_twh,source");
        let peak = with("code,date,load_mw,generation_mw,source");
        let estimate = with("code,estimate,title,rule,amount,amount_unit,rate,hours,period,source");
        let _ = GridBook::from_csv(&balance, "", "");
        let _ = GridBook::from_csv("", &peak, "");
        let _ = GridBook::from_csv("", "", &estimate);
        let _ = DemandShape::from_csv(&with("kind,index,value"), "", "");
        let _ = text.parse::<WeekHours>();
    }

    #[test]
    fn any_figures_are_a_year_to_the_kilowatt_hour_or_refused(
        demand_twh in 0.01..2_000.0_f64,
        generation_ratio in 0.5..1.5_f64,
        load_factor in 0.4..1.1_f64,
        home_at_peak in 0.5..1.5_f64,
    ) {
        let load_mw = demand_twh * 1e6 / 8_760.0 / load_factor;
        let balance = Balance {
            country: KAZAKHSTAN,
            year: 2022,
            series: "any".to_owned(),
            generation_twh: demand_twh * generation_ratio,
            demand_twh,
            source: "any".to_owned(),
        };
        let peak = PeakUse {
            load_mw,
            generation_mw: load_mw * home_at_peak,
            from_year: 2022,
            published: true,
            source: "any".to_owned(),
        };
        let inputs = GridInputs {
            balance: &balance,
            peak: &peak,
            shape: &DemandShape::kazakhstan(),
            capacity: Capacity::AsAtPeak,
            import_limit_mw: None,
        };
        if let Ok(grid) = GridYear::build(&inputs) {
            let base = ask(&grid, 0.0, "never").base;
            prop_assert_eq!(base.demand_kwh, (demand_twh * 1e9).round() as i64);
            prop_assert_eq!(base.generation_kwh, (balance.generation_twh * 1e9).round() as i64);
            prop_assert_eq!(base.peak_kw, (load_mw * 1e3).round() as i64);
        }
    }

    #[test]
    fn a_window_reads_back(hours in window()) {
        let hours: WeekHours = hours.parse().unwrap();
        prop_assert_eq!(hours.to_string().parse::<WeekHours>(), Ok(hours));
    }
}
