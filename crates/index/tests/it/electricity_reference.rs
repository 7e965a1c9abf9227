//! The methods against published figures. The reference files may not be passed on, so these tests run by
//! hand: `OFFPEAK_REFERENCE=<folder> cargo test -p offpeak-index -- --ignored electricity --nocapture`.
//! `docs/observatory.md` says where each file comes from.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::civil::{Date, date};
use offpeak_index::chain::daily_network;
use offpeak_index::electricity::{
    Cambridge, Digiconomist, Method, Offpeak, Prepared, Revision, Row, read_csv, recompute, to_csv,
};
use offpeak_index::hardware::{Model, machines, parse_catalogue_csv};
use offpeak_index::network::{NetworkDay, parse_network_csv};

#[expect(clippy::disallowed_methods, reason = "a test reads the reference files")]
fn reference(name: &str) -> String {
    let folder = std::env::var_os("OFFPEAK_REFERENCE").expect("OFFPEAK_REFERENCE names the folder");
    std::fs::read_to_string(PathBuf::from(folder).join(name)).expect("a reference file")
}

fn inputs() -> (Vec<NetworkDay>, Vec<Model>) {
    let network = parse_network_csv(&reference("network_daily.csv")).expect("rows that read");
    let catalogue = parse_catalogue_csv(&reference("asic_catalogue.csv")).expect("rows that read");
    (network, catalogue)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Pairs of ours and published, by day.
fn pairs<'a>(ours: &'a [Row], published: &'a [Row], from: Date, to: Date) -> Vec<(&'a Row, &'a Row)> {
    let ours: BTreeMap<Date, &Row> = ours.iter().map(|row| (row.date, row)).collect();
    published.iter().filter(|row| (from..=to).contains(&row.date)).map(|row| (ours[&row.date], row)).collect()
}

#[test]
#[ignore = "needs reference files that may not be passed on"]
fn cambridge_parity() {
    let (network, catalogue) = inputs();
    let published = read_csv(&reference("cbeci_daily_to_2021.csv")).unwrap().rows;
    let method = Cambridge { parity: true, ..Cambridge::default() };
    let ours = Method::Cambridge(method).series(&network, &catalogue).rows;
    let pairs = pairs(&ours, &published, date(2011, 1, 1), date(2021, 12, 31));
    let error = |of: fn(&Row) -> f64| -> Vec<f64> {
        pairs.iter().map(|(ours, published)| (of(ours) / of(published) - 1.0).abs()).collect()
    };
    for (name, errors) in [
        ("lower", error(|row| row.twh.lower.unwrap())),
        ("guess", error(|row| row.twh.guess)),
        ("upper", error(|row| row.twh.upper)),
        ("guess GW", error(|row| row.gw.guess)),
    ] {
        let within = errors.iter().filter(|error| **error <= 1e-4).count();
        let mean = errors.iter().sum::<f64>() / errors.len() as f64;
        let most = errors.iter().fold(0.0_f64, |most, error| most.max(*error));
        println!("{name}: {within} of {} days within 0.01 %, mean {mean:.2e}, most {most:.2e}", errors.len());
        match name {
            "lower" => assert!(mean <= 1e-4),
            "upper" => assert!(mean <= 1e-3),
            _ => assert!(within as f64 >= 0.99 * errors.len() as f64),
        }
    }
}

#[test]
#[ignore = "needs reference files that may not be passed on"]
fn digiconomist_dailies() {
    let (network, catalogue) = inputs();
    let ours = Method::Digiconomist(Digiconomist::default()).series(&network, &catalogue);
    let (mut guess, mut minimum) = (Vec::new(), Vec::new());
    for line in reference("digiconomist_daily_2018_2020.csv").lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let row = ours.on(cells[0].parse().unwrap()).unwrap();
        guess.push((row.twh.guess / cells[1].parse::<f64>().unwrap() - 1.0).abs());
        minimum.push((row.twh.lower.unwrap() / cells[2].parse::<f64>().unwrap() - 1.0).abs());
        assert!(row.twh.is_ordered());
    }
    let days = guess.len();
    let (guess, minimum) = (median(guess), median(minimum));
    println!("estimate: median error {guess:.4}; minimum: {minimum:.4}; {days} days");
    assert!(guess <= 0.12 && minimum <= 0.12);
}

#[test]
#[ignore = "needs reference files that may not be passed on"]
fn revisions_and_methods_by_year() {
    let (network, catalogue) = inputs();
    let parity = Cambridge { parity: true, ..Cambridge::default() };
    let earlier = Cambridge { revision: Revision::V1_2, ..Cambridge::default() };
    let all: Vec<_> = [
        Method::Cambridge(parity),
        Method::Cambridge(Cambridge::default()),
        Method::Cambridge(earlier),
        Method::Digiconomist(Digiconomist::default()),
        Method::Offpeak(Box::<Offpeak>::default()),
    ]
    .iter()
    .map(|method| method.series(&network, &catalogue))
    .collect();
    for year in 2011..=2026 {
        print!("{year}");
        for series in &all {
            print!("  {} {:8.3}", series.method.label(), series.year_guess_twh(year).unwrap().0);
        }
        let ours = all[4].on(date(year, 5, 31)).unwrap();
        println!("  31 May: {:.3} to {:.3}", ours.twh.lower.unwrap_or_default(), ours.twh.upper);
    }
    let mass =
        Prepared::new(&Cambridge::default(), &network, &catalogue).installed_mass_kg(date(2021, 5, 15));
    println!("installed mass in May 2021: {:.1} kt", mass.unwrap() / 1e6);
    let year_2021 = |at: usize| all[at].year_guess_twh(2021).unwrap().0;
    assert!(
        (0.10..0.20).contains(&(year_2021(2) / year_2021(1) - 1.0)),
        "a revision moved 2021 by about 15 %"
    );
    for series in &all {
        let text = to_csv(series, true);
        let again = recompute(&read_csv(&text).unwrap(), &network, &catalogue).unwrap();
        assert_eq!(to_csv(&again, true), text);
    }
}

/// Nothing but what is built in: epochs, price, fees and the table of machines.
#[test]
#[ignore = "needs reference files that may not be passed on"]
fn cambridge_from_embedded_facts() {
    let published = read_csv(&reference("cbeci_daily_to_2021.csv")).unwrap().rows;
    let method = Cambridge { parity: true, ..Cambridge::default() };
    let (network, machines) = (daily_network(None, None), machines());
    let (given, _) = inputs();
    for (name, network) in [("built-in network", &network), ("reference network", &given)] {
        let ours = Method::Cambridge(method.clone()).series(network, &machines).rows;
        let mut all = Vec::new();
        for year in 2010..=2021 {
            let span = (date(year, 1, 1), date(year, 12, 31));
            let have: BTreeMap<Date, &Row> = ours.iter().map(|row| (row.date, row)).collect();
            let days: Vec<(&Row, &Row)> = published
                .iter()
                .filter(|row| (span.0..=span.1).contains(&row.date))
                .filter_map(|row| Some((*have.get(&row.date)?, row)))
                .collect();
            let sum = |of: fn(&(&Row, &Row)) -> f64| days.iter().map(of).sum::<f64>();
            let off = sum(|pair| pair.0.twh.guess) / sum(|pair| pair.1.twh.guess) - 1.0;
            let errors: Vec<f64> =
                days.iter().map(|(ours, row)| (ours.twh.guess / row.twh.guess - 1.0).abs()).collect();
            println!(
                "{name} {year}: year {:+.2} %, days {:.2} %",
                off * 100.0,
                errors.iter().sum::<f64>() / errors.len() as f64 * 100.0
            );
            assert!(off.abs() <= 0.01, "{name}, {year}: {off}");
            all.extend(errors);
        }
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        println!("{name}: days {:.2} % on average", mean * 100.0);
        assert!(mean <= 0.03, "{name}: {mean}");
    }
}
