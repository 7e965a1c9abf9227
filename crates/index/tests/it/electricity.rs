//! Each published rule on inputs small enough to work out by hand.

use jiff::ToSpan;
use jiff::civil::{Date, date};
use offpeak_index::electricity::{
    Cambridge, Digiconomist, ExportError, Method, Offpeak, Prepared, Revision, Row, read_csv, recompute,
    side_by_side, to_csv,
};
use offpeak_index::hardware::{Model, parse_catalogue_csv};
use offpeak_index::network::NetworkDay;

/// 1 EH/s.
const RATE_THS: f64 = 1e6;

/// Days from one on, each with the revenue that makes machines below this many J/TH pay at 0.05 USD/kWh:
/// an exahash a second does 8.64e10 TH a day; at 1 J/TH that is 24,000 kWh, or 1,200 USD.
fn network(from: Date, thresholds: &[f64]) -> Vec<NetworkDay> {
    (0_i64..)
        .zip(thresholds)
        .map(|(day, threshold)| NetworkDay {
            date: from + day.days(),
            blocks: Some(144),
            hash_rate_ths: RATE_THS,
            price_usd: Some(10.0),
            issuance_btc: threshold * 100.0,
            fees_btc: Some(threshold * 20.0),
        })
        .collect()
}

/// A table from `name,maker,release,TH/s,W` lines.
fn table(lines: &[&str]) -> Vec<Model> {
    parse_catalogue_csv(&format!("name,maker,release,hash_rate_ths,power_w\n{}\n", lines.join("\n")))
        .expect("a table that reads")
}

/// No smoothing, so that a day stands alone.
fn plain() -> Cambridge {
    Cambridge { threshold_rows: 1, mean_days: 1, ..Cambridge::default() }
}

fn rows(method: &Cambridge, network: &[NetworkDay], catalogue: &[Model]) -> Vec<Row> {
    Prepared::new(method, network, catalogue).rows()
}

/// What the best guess takes for the fleet's mean on a single rich day, in J/TH.
fn mean_on(method: &Cambridge, day: Date, catalogue: &[Model]) -> f64 {
    let rows = rows(method, &network(day, &[1e5]), catalogue);
    rows[0].gw.guess * 1e9 / RATE_THS / method.pue_guess
}

#[track_caller]
fn assert_near(value: f64, expected: f64) {
    assert!((value - expected).abs() <= 1e-9 * expected.abs(), "{value} is not {expected}");
}

#[test]
fn bounds_take_the_extremes_and_the_guess_the_mean() {
    let fleet = table(&[
        "A,Bitmain,2020-01-01,100,2000",
        "B,Bitmain,2020-01-01,100,4000",
        "C,Bitmain,2020-01-01,100,9000",
    ]);
    let row = rows(&plain(), &network(date(2020, 6, 1), &[60.0]), &fleet)[0];
    assert_eq!((row.profitable, row.threshold_j_per_th.map(f64::round)), (Some(2), Some(60.0)));
    assert_near(row.gw.lower.unwrap(), 20.0 * 1.01 / 1e3);
    assert_near(row.gw.guess, 30.0 * 1.10 / 1e3);
    assert_near(row.gw.upper, 40.0 * 1.20 / 1e3);
    assert_near(row.twh.guess, 30.0 * 1.10 * 1e6 * 8_766.0 / 1e12);
    let other = Cambridge { pue_lower: 1.02, pue_guess: 1.05, pue_upper: 1.5, ..plain() };
    let row = rows(&other, &network(date(2020, 6, 1), &[60.0]), &fleet)[0];
    assert_near(row.gw.lower.unwrap(), 20.0 * 1.02 / 1e3);
    assert_near(row.gw.upper, 40.0 * 1.5 / 1e3);
}

#[test]
fn a_machine_at_the_threshold_does_not_pay() {
    let fleet = table(&["A,Bitmain,2020-01-01,1,20", "B,Bitmain,2020-01-01,1,30"]);
    let days = network(date(2020, 6, 1), &[30.0, 30.1]);
    let counts: Vec<_> = rows(&plain(), &days, &fleet).iter().map(|row| row.profitable).collect();
    assert_eq!(counts, [Some(1), Some(2)]);
}

#[test]
fn weights_fall_by_a_fifth_each_twelve_months_of_deployment() {
    // Deployed in March: A in 2020, B in 2017, so B is in its fourth twelve months until February 2021.
    let fleet = table(&["A,Bitmain,2020-01-15,100,2000", "B,Bitmain,2017-01-15,100,4000"]);
    assert_near(mean_on(&plain(), date(2020, 6, 1), &fleet), (20.0 + 0.4 * 40.0) / 1.4);
    assert_near(mean_on(&plain(), date(2021, 2, 28), &fleet), (20.0 + 0.4 * 40.0) / 1.4);
    assert_near(mean_on(&plain(), date(2021, 3, 1), &fleet), (0.8 * 20.0 + 0.2 * 40.0) / 1.0);
}

#[test]
fn a_machine_is_deployed_from_the_second_calendar_month_after_its_release() {
    let fleet = table(&["A,Bitmain,2020-01-31,100,2000", "Old,Bitmain,2018-01-01,100,4000"]);
    assert_near(mean_on(&plain(), date(2020, 2, 29), &fleet), 40.0);
    assert_near(mean_on(&plain(), date(2020, 3, 1), &fleet), (20.0 + 0.6 * 40.0) / 1.6);
}

#[test]
fn a_machine_counts_until_five_times_365_days_after_its_release() {
    // Two leap days lie between: 20 January 2016 and 1,825 days is 18 January 2021.
    let fleet = table(&["Old,Bitmain,2016-01-20,100,4000", "New,Bitmain,2020-01-01,100,2000"]);
    assert_near(mean_on(&plain(), date(2021, 1, 17), &fleet), (20.0 + 0.2 * 40.0) / 1.2);
    assert_near(mean_on(&plain(), date(2021, 1, 18), &fleet), 20.0);
}

#[test]
fn from_july_2014_on_only_three_makers_count() {
    let fleet = table(&[
        "A,Bitmain,2014-07-01,100,2000",
        "B,Ebang,2014-07-01,100,4000",
        "C,Ebang,2014-06-30,100,9000",
    ]);
    assert_near(mean_on(&plain(), date(2014, 12, 1), &fleet), (20.0 + 90.0) / 2.0);
}

#[test]
fn earlier_revisions_neither_weigh_nor_wait() {
    let method = Cambridge { revision: Revision::V1_2, ..plain() };
    let fleet = table(&["Old,Bitmain,2016-01-20,100,4000", "New,Bitmain,2021-01-17,100,2000"]);
    assert_near(mean_on(&method, date(2021, 1, 16), &fleet), 40.0);
    assert_near(mean_on(&method, date(2021, 1, 17), &fleet), 30.0);
    assert_near(mean_on(&method, date(2021, 1, 18), &fleet), 20.0);
}

#[test]
fn the_threshold_is_the_mean_of_the_last_fourteen_rows() {
    let mut thresholds = vec![10.0; 13];
    thresholds.extend([150.0, 10.0, 10.0]);
    thresholds.extend([10.0; 14]);
    let fleet = table(&["A,Bitmain,2020-01-01,1,5"]);
    let rows = rows(&Cambridge::default(), &network(date(2020, 6, 1), &thresholds), &fleet);
    assert_near(rows[0].threshold_j_per_th.unwrap(), 10.0);
    assert_near(rows[13].threshold_j_per_th.unwrap(), (13.0 * 10.0 + 150.0) / 14.0);
    assert_near(rows[26].threshold_j_per_th.unwrap(), (13.0 * 10.0 + 150.0) / 14.0);
    assert_near(rows[27].threshold_j_per_th.unwrap(), 10.0);
}

#[test]
fn with_none_profitable_the_last_values_stand() {
    let fleet = table(&["A,Bitmain,2020-01-01,1,20", "B,Bitmain,2020-01-01,1,30"]);
    let mut days = network(date(2020, 6, 1), &[10.0, 25.0, 10.0]);
    days[2].hash_rate_ths *= 2.0;
    days[2].issuance_btc *= 2.0;
    let rows = rows(&plain(), &days, &fleet);
    assert_eq!(rows.len(), 2, "before the first machine pays there is nothing to stand for the network");
    assert_eq!((rows[1].date, rows[1].profitable), (date(2020, 6, 3), Some(0)));
    assert_near(rows[1].gw.guess, 2.0 * rows[0].gw.guess);
}

#[test]
fn another_price_scales_the_threshold() {
    let fleet = table(&["A,Bitmain,2020-01-01,1,20", "B,Bitmain,2020-01-01,1,30"]);
    let prepared = Prepared::new(&plain(), &network(date(2020, 6, 1), &[40.0]), &fleet);
    for (price, threshold, profitable) in [(0.05, 40.0, 2), (0.08, 25.0, 1), (0.1, 20.0, 0), (0.025, 80.0, 2)]
    {
        let rows = prepared.rows_at(price);
        if profitable == 0 {
            assert!(rows.is_empty());
        } else {
            assert_near(rows[0].threshold_j_per_th.unwrap(), threshold);
            assert_eq!(rows[0].profitable, Some(profitable));
        }
    }
}

#[test]
fn results_are_means_of_seven_days() {
    let fleet = table(&["A,Bitmain,2020-01-01,1,20"]);
    let mut days = network(date(2020, 6, 1), &[1e3; 8]);
    days[7].hash_rate_ths *= 8.0;
    let rows = rows(&Cambridge::default(), &days, &fleet);
    assert_near(rows[6].gw.guess, 0.022);
    assert_near(rows[7].gw.guess, 0.022 * (6.0 + 8.0) / 7.0);
}

#[test]
fn a_month_is_the_sum_of_its_days() {
    let fleet = table(&["A,Bitmain,2020-01-01,1,20"]);
    let series = Method::Cambridge(plain()).series(&network(date(2020, 5, 30), &[1e3; 5]), &fleet);
    let (may, days) = series.month_twh(2020, 5).unwrap();
    assert_eq!(days, 2);
    assert_near(may.guess, 2.0 * 0.022 * 24.0 / 1e3);
    assert_eq!(series.month_twh(2020, 7), None);
}

#[test]
fn the_installed_mass_is_that_of_those_that_pay() {
    let text = "name,maker,release,hash_rate_ths,power_w,weight_kg
A,Bitmain,2020-01-15,100,2000,10
B,Bitmain,2017-01-15,10,400,5
Unweighed,Bitmain,2020-01-15,10,300,
Dear,Bitmain,2020-01-15,10,3000,50
";
    let day = date(2020, 6, 1);
    let of = |threshold: f64| {
        let fleet = parse_catalogue_csv(text).expect("a table that reads");
        Prepared::new(&plain(), &network(day, &[threshold]), &fleet).installed_mass_kg(day)
    };
    assert_near(of(60.0).unwrap(), (0.1 + 0.4 * 0.5) / 1.4 * RATE_THS);
    assert_near(of(25.0).unwrap(), 0.1 * RATE_THS);
    assert_eq!(of(10.0), None);
}

#[test]
fn days_without_a_price_are_no_rows_of_any_mean() {
    let fleet = table(&["A,Bitmain,2020-01-01,1,20"]);
    let mut days = network(date(2020, 6, 1), &[1e3; 3]);
    days[1].price_usd = None;
    days[2].fees_btc = None;
    let rows = rows(&plain(), &days, &fleet);
    assert_eq!(rows.iter().map(|row| row.date).collect::<Vec<_>>(), [days[0].date, days[2].date]);
    assert_near(rows[1].threshold_j_per_th.unwrap(), 1e3 * 100.0 / 120.0);
}

#[test]
fn parity_rounds_rates_half_up_and_follows_the_published_list() {
    let parity = Cambridge { parity: true, ..plain() };
    let day = date(2020, 6, 1);
    assert_near(mean_on(&parity, day, &table(&["A,Bitmain,2020-01-01,11.5,1127"])), 1127.0 / 12.0);
    assert_near(mean_on(&parity, day, &table(&["A,Bitmain,2020-01-01,12.5,1225"])), 1225.0 / 13.0);
    assert_near(mean_on(&parity, day, &table(&["A,Bitmain,2020-01-01,0.6,60"])), 100.0);
    let row = rows(&parity, &network(day, &[1e3]), &table(&["A,Bitmain,2020-01-01,11.5,1127"]))[0];
    assert_near(row.gw.lower.unwrap(), 1127.0 / 11.5 * 1.01 / 1e3);
    let m50 =
        table(&["MicroBT Whatsminer M50,MicroBT,2022-04-01,114,3306", "M50S,MicroBT,2021-01-01,100,4000"]);
    assert_near(mean_on(&parity, date(2022, 4, 30), &m50), 40.0);
    assert_near(mean_on(&parity, date(2022, 5, 1), &m50), (29.0 + 0.8 * 40.0) / 1.8);
    assert_near(mean_on(&plain(), date(2022, 5, 1), &m50), 40.0);
    let late = table(&[
        "Bitmain Antminer S21 XP+ Hyd,Bitmain,2025-01-01,500,5500",
        "MicroBT Whatsminer M60S++,MicroBT,2025-01-01,226,3600",
        "M63S++,MicroBT,2025-01-01,464,7200",
        "M66S++,MicroBT,2025-01-01,356,5518",
        "Bitmain Antminer S21,Bitmain,2025-01-01,200,3500",
    ]);
    assert_near(mean_on(&parity, date(2025, 6, 1), &late), 17.5);
}

#[test]
fn digiconomist_spends_a_share_of_smoothed_revenue() {
    let method = Digiconomist { hold_days: 0, window_days: 2, ..Digiconomist::default() };
    let rows = method.rows(&network(date(2012, 6, 1), &[10.0, 20.0, 20.0]));
    // 12,000 then 24,000 USD a day buy 240,000 and 480,000 kWh a day, or 10 and 20 MW; 60 % of that.
    let guesses: Vec<f64> = rows.iter().map(|row| row.gw.guess).collect();
    for (guess, expected) in guesses.into_iter().zip([0.006, 0.009, 0.012]) {
        assert_near(guess, expected);
    }
    assert_near(rows[2].gw.upper, 0.020);
    assert_near(method.emissions_mt(100.0), 55.78);
    assert_near(method.water_gl(100.0), 1_576.0);
}

#[test]
fn digiconomist_falls_only_when_recent_revenue_no_longer_covers_the_power() {
    let method = Digiconomist { hold_days: 1, window_days: 1, ..Digiconomist::default() };
    let rows = method.rows(&network(date(2012, 6, 1), &[100.0, 70.0, 50.0]));
    for (row, expected) in rows.iter().zip([0.060, 0.060, 0.050]) {
        assert_near(row.gw.guess, expected);
    }
}

#[test]
fn digiconomist_takes_one_reference_machine_for_its_minimum() {
    let method = Digiconomist { minimum_mean_days: 1, ..Digiconomist::default() };
    let lower = |day: Date| method.rows(&network(day, &[1e3]))[0].gw.lower.unwrap() * 1e3;
    assert_near(lower(date(2018, 6, 1)), 125.0);
    assert_near(lower(date(2019, 5, 14)), (125.0 + 57.0) / 2.0);
    assert_near(lower(date(2019, 9, 1)), 57.0);
    assert_near(lower(date(2021, 12, 1)), 29.5);
    let poor = method.rows(&network(date(2018, 6, 1), &[1.0]))[0];
    assert_near(poor.gw.guess, poor.gw.lower.unwrap());
}

/// The S9 was first sold on 1 June 2016: before there is no minimum, which is not a minimum of nothing.
#[test]
fn a_bound_that_a_method_does_not_have_stays_empty() {
    let days = network(date(2016, 5, 30), &[1e6; 4]);
    let series = Method::Digiconomist(Digiconomist::default()).series(&days, &[]);
    let known: Vec<bool> = series.rows.iter().map(|row| row.gw.lower.is_some()).collect();
    assert_eq!(known, [false, false, true, true]);
    assert!(series.rows.iter().all(|row| row.gw.is_ordered() && row.gw.guess > 0.0));
    // No sum over some days that have one and some that do not.
    assert_eq!(series.month_twh(2016, 5).unwrap().0.lower, None);
    assert!(series.month_twh(2016, 6).unwrap().0.lower.is_some());
    let text = to_csv(&series, true);
    let line = |day: &str| text.lines().find(|line| line.starts_with(day)).unwrap().to_owned();
    let cells: Vec<String> = line("2016-05-31").split(',').map(str::to_owned).collect();
    assert_eq!((cells.len(), cells[1].as_str(), cells[4].as_str()), (7, "", ""));
    assert!(!line("2016-06-01").contains(",,"));
    let exported = read_csv(&text).unwrap();
    assert_eq!(exported.rows.iter().map(|row| row.twh.lower.is_some()).collect::<Vec<_>>(), known);
    assert_eq!(to_csv(&recompute(&exported, &days, &[]).unwrap(), true), text);
    // Only a lower bound may be missing, and not in one unit alone.
    for wrong in ["2016-06-01,,2,3,4,5,6", "2016-06-01,1,,3,4,5,6", "2016-06-01,1,2,3,,5,6"] {
        let text = format!("date,lower_twh,guess_twh,upper_twh,lower_gw,guess_gw,upper_gw\n{wrong}\n");
        assert!(matches!(read_csv(&text), Err(ExportError::Row { line: 2, .. })), "{wrong}");
    }
}

/// A file says how far fees are known: later days count none.
#[test]
fn a_header_says_how_far_prices_and_fees_reach() {
    let mut days = network(date(2020, 6, 1), &[1e6; 3]);
    days[2].fees_btc = None;
    days[1].fees_btc = Some(1.0);
    let series = Method::Digiconomist(Digiconomist::default()).series(&days, &[]);
    let text = to_csv(&series, true);
    let line = text.lines().find(|line| line.starts_with("# network = ")).unwrap();
    let reach = "; 3 days, 2020-06-01 to 2020-06-03, prices to 2020-06-03, fees to 2020-06-02";
    assert!(line.ends_with(reach), "{line}");
}

/// Our method with nothing uncertain.
fn certain() -> Offpeak {
    Offpeak {
        price_spread: 0.0,
        power_spread: 0.0,
        pue_spread: 0.0,
        survival_spread: 0.0,
        sale_spread: 0.0,
        draws: 1.0,
        mean_days: 1.0,
        curtailed_share: 0.0,
        ..Offpeak::default()
    }
}

#[test]
fn ours_with_one_machine_is_that_machine_and_its_overhead() {
    let air = table(&["A,Bitmain,2015-01-01,100,2000"]);
    let days = network(date(2020, 6, 1), &[1e4; 3]);
    for row in certain().rows(&days, &air) {
        assert_near(row.gw.guess, 20.0 * 1.10 / 1e3);
        assert_eq!((row.gw.lower, row.gw.upper), (Some(row.gw.guess), row.gw.guess));
    }
    let asleep = Offpeak { curtailed_share: 0.5, standby_share: 0.02, ..certain() };
    assert_near(asleep.rows(&days, &air)[0].gw.guess, 20.0 * 1.10 * 1.02 / 1e3);
    let mut wet = air;
    wet[0].cooling = Some(offpeak_index::hardware::Cooling::Hydro);
    assert_near(certain().rows(&days, &wet)[0].gw.guess, 20.0 * 1.05 / 1e3);
}

#[test]
fn ours_keeps_what_survives_and_buys_the_rest_new() {
    // Bought in June 2018 when only A is sold; two years later B is, and everything pays.
    let fleet = table(&["A,Bitmain,2018-01-01,100,4000", "B,Bitmain,2020-04-01,100,2000"]);
    let days: Vec<_> = network(date(2018, 6, 1), &vec![1e4; 750]);
    let method = Offpeak { sale_months: 6.0, survival_scale_years: 2.0, survival_shape: 1.0, ..certain() };
    let rows = method.rows(&days, &fleet);
    let at = rows.iter().find(|row| row.date == date(2020, 6, 15)).unwrap().gw.guess * 1e3 / 1.10;
    // All of A is replaced by A until May 2020; in June one month's deaths, 1 - exp(-1/24), come back as B.
    let dead = 1.0 - (-1.0_f64 / 24.0).exp();
    let june = 40.0 - 20.0 * dead;
    assert!((at - june).abs() < 0.06, "{at} is not about {june}");
}

#[test]
fn ours_lets_old_machines_stand_where_power_is_dear() {
    let fleet = table(&["Old,Bitmain,2017-01-01,100,9000", "New,Bitmain,2020-03-01,100,3000"]);
    let mut method = Method::Offpeak(Box::new(Offpeak { delivery_months: 0.0, ..certain() }));
    let days: Vec<_> = network(date(2019, 1, 1), &vec![150.0; 700]);
    let cheap = method.series(&days, &fleet).year_guess_twh(2020).unwrap().0;
    for key in ["china", "rest", "off-grid"] {
        for from in ["2020-05-01", "2020-11-01"] {
            for number in ["low", "typical", "high"] {
                method.set(&format!("{key}.{from}.{number}"), "0.2").unwrap();
            }
        }
    }
    let dear = method.series(&days, &fleet).year_guess_twh(2020).unwrap().0;
    assert!(dear < cheap, "{dear} is not below {cheap}");
    assert!(method.set("atlantis.2020-05-01.low", "0.2").is_err());
    assert!(method.set("china.2020-05-01.low", "dear").is_err());
}

#[test]
fn ours_repeats_with_its_seed() {
    let fleet = table(&["A,Bitmain,2017-01-01,100,9000", "B,Bitmain,2020-03-01,100,3000"]);
    let days = network(date(2020, 6, 1), &[90.0; 40]);
    let of = |seed: f64| Offpeak { seed, draws: 40.0, ..Offpeak::default() }.rows(&days, &fleet);
    assert_eq!(of(1.0), of(1.0));
    assert_ne!(of(1.0), of(2.0));
    assert!(of(1.0).iter().all(|row| row.gw.is_ordered() && row.gw.lower.unwrap() < row.gw.upper));
}

/// A few years and machines, enough for every method to say something.
fn small() -> (Vec<NetworkDay>, Vec<Model>) {
    let fleet = table(&[
        "A,Bitmain,2017-01-01,14,1372",
        "B,Ebang,2018-03-01,18,1650",
        "C,MicroBT,2020-04-01,86,3268",
    ]);
    let thresholds: Vec<f64> = (0..900).map(|day| 150.0 + 60.0 * (f64::from(day) / 40.0).sin()).collect();
    (network(date(2018, 1, 1), &thresholds), fleet)
}

#[test]
fn an_exported_file_is_recomputed_from_its_own_header() {
    let (network, fleet) = small();
    for mut method in Method::all() {
        match method.name() {
            "cbeci" => {
                method.set("parity", "true").unwrap();
                method.set("pue_guess", "1.13").unwrap();
                method.set("price_usd_per_kwh", "0.062").unwrap();
            }
            "digiconomist" => method.set("window_days", "200").unwrap(),
            _ => {
                method.set("seed", "77").unwrap();
                method.set("draws", "20").unwrap();
                method.set("rest.2018-05-01.share", "0.4").unwrap();
            }
        }
        let series = method.series(&network, &fleet).between(Some(date(2018, 5, 5)), Some(date(2019, 7, 7)));
        let text = to_csv(&series, true);
        let read = read_csv(&text).unwrap();
        assert_eq!((read.method.as_ref(), read.rows.len()), (Some(&method), series.rows.len()));
        assert_eq!(to_csv(&recompute(&read, &network, &fleet).unwrap(), true), text);
        let mut other = network.clone();
        other[3].hash_rate_ths += 1.0;
        let refused = recompute(&read, &other, &fleet).unwrap_err();
        assert!(matches!(refused, ExportError::Inputs { input: "network", .. }));
        let refused = recompute(&read, &network, &fleet[..2]).unwrap_err();
        assert!(matches!(refused, ExportError::Inputs { input: "catalogue", .. }));
    }
}

#[test]
fn every_assumption_is_listed_with_its_source_and_can_be_set() {
    for mut method in Method::all() {
        let list = method.assumptions();
        let changed = method.clone();
        for one in &list {
            assert!(!one.source.is_empty() && !one.unit.is_empty() && !one.source.contains('\n'), "{one:?}");
            assert!(
                list.iter().filter(|other| other.key == one.key).count() == 1,
                "{} stands twice",
                one.key
            );
            method.set(&one.key, &one.value).unwrap();
        }
        assert_eq!(method, changed);
        assert!(method.set("phase_of_the_moon", "1").is_err());
    }
}

#[test]
fn a_bare_file_reads_and_a_damaged_one_names_its_line() {
    let (network, fleet) = small();
    let text = to_csv(&Method::from_name("cambridge").unwrap().series(&network, &fleet), false);
    assert!(text.starts_with("date,lower_twh,guess_twh,upper_twh,lower_gw,guess_gw,upper_gw\n2018-01-01,"));
    let read = read_csv(&text).unwrap();
    assert_eq!(read.method, None);
    assert_eq!(recompute(&read, &network, &fleet), Err(ExportError::NoHeader));
    let damaged = text.replacen(',', ";", 7);
    assert!(matches!(read_csv(&damaged), Err(ExportError::Columns { line: 1 })));
    let columns = text.lines().next().unwrap();
    let twice = format!("{columns}\n2018-01-02,1,1,1,1,1,1\n2018-01-02,1,1,1,1,1,1\n");
    assert!(matches!(read_csv(&twice), Err(ExportError::Row { line: 3, .. })));
    let short = format!("{columns}\n2018-01-02,1,1,1,1,1\n");
    assert!(matches!(read_csv(&short), Err(ExportError::Row { line: 2, .. })));
}

#[test]
fn methods_stand_side_by_side_and_are_never_merged() {
    let (network, fleet) = small();
    let series: Vec<_> = Method::all().iter().map(|method| method.series(&network, &fleet)).collect();
    let day = side_by_side(date(2019, 6, 1), &series);
    let labels: Vec<_> = day.estimates.iter().map(|one| one.label.as_str()).collect();
    assert_eq!(labels, ["cbeci 1.4", "cbeci 1.2", "digiconomist", "offpeak"]);
    let (least, most) = day.guess_span_twh().unwrap();
    assert!(least < most);
    let before = side_by_side(date(2009, 1, 3), &series);
    assert!(before.estimates.iter().all(|one| one.row.is_none()) && before.guess_span_twh().is_none());
}
