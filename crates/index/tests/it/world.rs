//! Geography through the public interface: what holds for any table, and figures that trace back.

use offpeak_index::grid::GridBook;
use offpeak_index::world::{
    Band, CountryCode, EmissionFactors, Generation, GridIntensity, Month, NetworkLoad, Period, Place,
    SeriesHeader, ShareSeries, assumptions_csv, country_load, embedded_shares, flows, location_based,
    parse_shares_csv, share_within, shares_csv,
};
use proptest::prelude::*;

fn network(gw: Band, month: &str) -> NetworkLoad {
    let month: Month = month.parse().expect("a month");
    NetworkLoad {
        method: "given".to_owned(),
        vintage: "test".to_owned(),
        assumptions: Vec::new(),
        gw: [(month, gw)].into_iter().collect(),
    }
}

fn place(name: &str) -> Place {
    Place::from_name(name)
}

#[test]
fn kazakhstans_load_against_its_grid() {
    let series = embedded_shares();
    let band = Band { lower: Some(4.0), guess: 8.33, upper: 18.0 };
    let network = network(band, "2021-08");
    let facts = GridBook::embedded().facts(Generation::embedded(), CountryCode::KAZAKHSTAN, 2021);
    let period = "2021-08".parse().unwrap();
    let load = country_load(&series[0], &network, period, &place("KZ"), &facts).unwrap();
    assert!((load.gw.guess - 1.50773).abs() < 1e-9);
    assert!((load.gw.lower.unwrap() - 0.724).abs() < 1e-9 && (load.gw.upper - 3.258).abs() < 1e-9);
    let percent = |what: &str| load.against.iter().find(|one| one.what == what).unwrap().percent;
    assert!((percent("generation").unwrap().guess - 11.4768).abs() < 1e-3);
    assert!((percent("demand").unwrap().guess - 11.5329).abs() < 1e-3);
    assert_eq!(percent("net imports"), None, "a net exporter in 2021");
    assert!(load.to_csv().contains("percent_of_net_imports,2021,-0.5"));
    // No peak of 2021 is published here, and none is put in its place.
    assert!(load.against.iter().all(|one| one.what != "highest load"));
    // Missing is missing: Iran is not in this series, and September has no figures.
    assert_eq!(country_load(&series[0], &network, period, &place("IR"), &facts), None);
    assert_eq!(country_load(&series[0], &network, "2021-09".parse().unwrap(), &place("KZ"), &facts), None);
}

#[test]
fn a_load_and_its_emissions_recompute_from_the_exported_assumptions() {
    let series = embedded_shares();
    let network = network(Band { lower: Some(4.0), guess: 8.33, upper: 18.0 }, "2021-08");
    let facts = GridBook::embedded().facts(Generation::embedded(), CountryCode::KAZAKHSTAN, 2021);
    let load = country_load(&series[0], &network, "2021-08".parse().unwrap(), &place("KZ"), &facts).unwrap();
    let mix = Generation::embedded().mix(CountryCode::KAZAKHSTAN, 2021).unwrap();
    let factors = &EmissionFactors::embedded()[0];
    let grid = GridIntensity::of_mix(&mix, factors).unwrap();
    let emissions = location_based(load.twh_per_year.times(1e6), &grid);
    let file = assumptions_csv(&[load.assumptions.clone(), emissions.assumptions.clone()].concat());

    let mut reader = csv::Reader::from_reader(file.as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let number = |key: &str| -> f64 { rows.iter().find(|row| &row[0] == key).unwrap()[1].parse().unwrap() };
    let gw = number("network_gw_guess") * (number("share_percent") / 100.0);
    assert_eq!(gw, load.gw.guess);
    let twh = |row: &csv::StringRecord| row[0].strip_prefix("generation_").map(str::to_owned);
    let (mut grams, mut total) = (0.0, 0.0);
    for fuel in rows.iter().filter_map(twh) {
        let twh = number(&format!("generation_{fuel}"));
        grams += number(&format!("factor_{fuel}")) * twh;
        total += twh;
    }
    let tonnes = number("energy") * (grams / total / 1e3);
    assert!((tonnes / emissions.tonnes.guess - 1.0).abs() < 1e-12);
    assert!(rows.iter().all(|row| !row[3].is_empty()), "every assumption names its source");
}

#[test]
fn a_province_is_a_part_of_its_country() {
    let map = "date,country,monthly_hashrate_%\n2020-04-01,Mainland China,60%\n2020-04-01,Other,40%\n";
    let parts = "Date,Province,Share of Chinese hashrate\n2020-04-01,Xinjiang,50\n";
    let world = parse_shares_csv(map, SeriesHeader::cambridge_map()).unwrap();
    let china = parse_shares_csv(parts, SeriesHeader::cambridge_provinces()).unwrap();
    let april: Period = "2020-04".parse().unwrap();
    assert_eq!(share_within(&world, &china, april, &place("Xinjiang")), Some(30.0));
    assert_eq!(share_within(&world, &china, april, &place("Sichuan")), None);
    assert_eq!(share_within(&world, &world, april, &place("Other")), None, "parts of a country only");
    assert_eq!(
        country_load(&china, &NetworkLoad::default(), april, &place("Xinjiang"), &Default::default()),
        None
    );
}

/// A series of two months with any shares, not all places in both.
fn two_months() -> impl Strategy<Value = ShareSeries> {
    let month = || prop::collection::btree_map(0_usize..8, 0_u32..1_250, 1..8);
    (month(), month()).prop_map(|months| {
        let names = ["CHN", "USA", "KAZ", "RUS", "CAN", "IRN", "Other", "Sichuan"];
        let mut text = String::from("period,place,share_percent\n");
        for (period, places) in [("2021-04", months.0), ("2021-08", months.1)] {
            for (name, hundredths) in places {
                text.push_str(&format!("{period},{},{}\n", names[name], f64::from(hundredths) / 100.0));
            }
        }
        parse_shares_csv(&text, SeriesHeader::cambridge_map()).expect("rows that read")
    })
}

proptest! {
    #[test]
    fn flows_conserve_totals(series in two_months()) {
        let flows = flows(&series, "2021-04".parse().unwrap(), "2021-08".parse().unwrap()).unwrap();
        prop_assert!(flows.changes.iter().map(|change| change.points()).sum::<f64>().abs() < 1e-9);
        for change in &flows.changes {
            let given: f64 = flows.flows.iter().filter(|f| f.from == change.place).map(|f| f.amount).sum();
            let taken: f64 = flows.flows.iter().filter(|f| f.to == change.place).map(|f| f.amount).sum();
            prop_assert!((taken - given - change.points()).abs() < 1e-9);
            prop_assert!(given == 0.0 || taken == 0.0, "nobody both gains and loses");
        }
        prop_assert!(flows.flows.iter().all(|flow| flow.amount > 0.0));
        let absolute = flows.absolute(16.0, 8.0);
        prop_assert!((absolute.values().sum::<f64>() + 8.0).abs() < 1e-9);
        for (before, after) in [(16.0, 8.0), (8.0, 16.0)] {
            let moved = flows.absolute_flows(before, after);
            for (place, change) in flows.absolute(before, after) {
                let given: f64 = moved.iter().filter(|f| f.from == place).map(|f| f.amount).sum();
                let taken: f64 = moved.iter().filter(|f| f.to == place).map(|f| f.amount).sum();
                prop_assert!((taken - given - change).abs() < 1e-8);
            }
        }
    }

    #[test]
    fn ranks_are_in_order_and_name_each_place_once(series in two_months()) {
        let ranks = series.ranks("2021-08".parse().unwrap());
        for pair in ranks.windows(2) {
            prop_assert!(pair[0].percent >= pair[1].percent && pair[0].rank <= pair[1].rank);
            prop_assert!((pair[0].percent == pair[1].percent) == (pair[0].rank == pair[1].rank));
            prop_assert!(pair[0].place != pair[1].place);
        }
        prop_assert!(ranks.iter().all(|rank| rank.percent > 0.0 && rank.place != Place::Other));
    }

    #[test]
    fn a_table_reads_back_as_written(series in two_months()) {
        let again = parse_shares_csv(&shares_csv(std::slice::from_ref(&series)), SeriesHeader::cambridge_map());
        prop_assert_eq!(again.unwrap().points, series.points);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300), header in any::<bool>()) {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let with = |head: &str| if header { format!("{head}\n{text}") } else { text.clone() };
        let _ = parse_shares_csv(&with("date,country,share"), SeriesHeader::cambridge_map());
        let mix = with("code,source,2020,2021");
        let intensity = with("code,2020,2021");
        let _ = Generation::from_csv(&mix, "code,2020\n", "");
        let _ = Generation::from_csv("code,source,2020\n", &intensity, "");
        let _ = text.parse::<Period>();
        let _ = text.parse::<Month>();
        let _ = text.parse::<CountryCode>();
        let _ = Place::from_name(&text);
    }

    #[test]
    fn rows_that_look_right_are_read_or_refused(
        rows in prop::collection::vec(("[0-9]{4}-[0-9]{2}(-01)?", "[A-Z]{2,3}|Other|Germany \\*", "-?[0-9]{1,3}(\\.[0-9]+)?%?"), 0..20)
    ) {
        let mut text = String::from("date,country,monthly_hashrate_%\n");
        for (date, country, share) in &rows {
            text.push_str(&format!("{date},{country},{share}\n"));
        }
        if let Ok(series) = parse_shares_csv(&text, SeriesHeader::cambridge_map()) {
            let points: usize = series.points.values().map(|places| places.len()).sum();
            prop_assert_eq!(points, rows.len());
        }
    }
}
