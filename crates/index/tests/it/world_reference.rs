//! The parsers against the published files, which may not be passed on; so these tests run by hand:
//! `OFFPEAK_REFERENCE=<folder> cargo test -p offpeak-index -- --ignored world`.
//! `docs/world.md` says where each file comes from.

use std::path::PathBuf;

use offpeak_index::electricity::Method;
use offpeak_index::grid::GridBook;
use offpeak_index::hardware::parse_catalogue_csv;
use offpeak_index::network::parse_network_csv;
use offpeak_index::world::{
    CountryCode, Generation, NetworkLoad, Period, Place, SeriesHeader, country_load, embedded_shares, flows,
    parse_shares_csv, share_within,
};

#[expect(clippy::disallowed_methods, reason = "a test reads the reference files")]
fn reference(name: &str) -> String {
    let folder = std::env::var_os("OFFPEAK_REFERENCE").expect("OFFPEAK_REFERENCE names the folder");
    std::fs::read_to_string(PathBuf::from(folder).join(name)).expect("a reference file")
}

#[test]
#[ignore = "needs reference files that may not be passed on"]
fn world_cambridges_full_map_reads() {
    let text = reference("mining_map_2019-09_2021-08.csv");
    let map = parse_shares_csv(&text, SeriesHeader::cambridge_map()).unwrap();
    assert_eq!((map.points.len(), map.places().len()), (24, 10));
    for (period, places) in &map.points {
        assert_eq!(places.len(), 10);
        assert!(map.remainder_percent(*period).unwrap().abs() < 0.05, "{period}");
        assert!(places[&Place::from_name("DE")].marked && places[&Place::from_name("IE")].marked);
    }
    // The quoted figures are those of the map, rounded.
    let quoted = &embedded_shares()[0];
    for period in ["2021-04", "2021-08"].map(|text| text.parse::<Period>().unwrap()) {
        for (place, point) in &quoted.points[&period] {
            assert!((map.percent(period, place).unwrap() - point.percent).abs() < 0.06, "{period} {place:?}");
        }
    }
    let august: Period = "2021-08".parse().unwrap();
    let ranks = map.ranks(august);
    println!("{ranks:?}");
    assert_eq!(ranks[1].place, Place::Country(CountryCode::KAZAKHSTAN));
    let flows = flows(&map, "2021-04".parse().unwrap(), august).unwrap();
    println!("{}", flows.to_csv());
    let lost: f64 = flows.changes.iter().map(|change| change.points().min(0.0)).sum();
    let moved: f64 = flows.flows.iter().map(|flow| flow.amount).sum();
    assert!((lost + moved).abs() < 1e-9);
}

#[test]
#[ignore = "needs reference files that may not be passed on"]
fn world_the_provinces_of_china_read() {
    let text = reference("china_provinces_2019-09_2021-07.csv");
    let china = parse_shares_csv(&text, SeriesHeader::cambridge_provinces()).unwrap();
    let map = reference("mining_map_2019-09_2021-08.csv");
    let map = parse_shares_csv(&map, SeriesHeader::cambridge_map()).unwrap();
    assert_eq!(china.points.len(), 23);
    let xinjiang = Place::from_name("Xinjiang");
    let april: Period = "2021-04".parse().unwrap();
    let percent = share_within(&map, &china, april, &xinjiang).unwrap();
    assert!((20.0..30.0).contains(&percent), "{percent}");
    assert_eq!(china.percent("2021-07".parse().unwrap(), &xinjiang), Some(0.0), "a reported zero");
}

#[test]
#[ignore = "needs reference files that may not be passed on"]
fn world_kazakhstan_by_each_method() {
    let network = parse_network_csv(&reference("network_daily.csv")).unwrap();
    let catalogue = parse_catalogue_csv(&reference("asic_catalogue.csv")).unwrap();
    let period: Period = "2021-08".parse().unwrap();
    let place = Place::Country(CountryCode::KAZAKHSTAN);
    let facts = GridBook::embedded().facts(Generation::embedded(), CountryCode::KAZAKHSTAN, 2021);
    let mut guesses = Vec::new();
    for method in Method::all() {
        let load = NetworkLoad::from_series(&method.series(&network, &catalogue));
        let found = country_load(&embedded_shares()[0], &load, period, &place, &facts).unwrap();
        println!("{}: {:?} GW, {:?}", load.method, found.gw, found.against[0].percent);
        assert!(found.gw.lower.unwrap() <= found.gw.guess && found.gw.guess <= found.gw.upper);
        assert!(load.assumptions.iter().all(|one| found.assumptions.contains(one)));
        guesses.push(found.gw.guess);
    }
    // Cambridge's comes first: the published 8.33 GW times 18.1 %.
    assert!((guesses[0] - 1.51).abs() < 0.05, "{guesses:?}");
}
