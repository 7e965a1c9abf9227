//! The sites that come with offpeak.

use std::collections::BTreeSet;

use jiff::civil::date;
use offpeak_site::summary::summary;
use offpeak_site::{Authority, CircuitIx, CircuitKind};
use offpeak_units::Power;

use crate::site;

#[test]
fn the_small_site_has_64_machines_that_sleep_by_command() {
    let site = site("small");
    assert_eq!((site.id.as_str(), site.machines.len(), site.circuits.len()), ("small", 64, 16));
    assert!(site.models.iter().all(|model| model.is_put_to_sleep()));
    assert_eq!(site.machines[0].id, "hall-1/rack-1/pdu-1/1");
    assert_eq!(site.machines[63].id, "hall-2/rack-2/pdu-2/8");
    insta::assert_snapshot!("small-summary", summary(&site).to_string());
}

#[test]
fn ekibastuz_is_the_site_of_the_story() {
    let site = site("ekibastuz");
    assert_eq!(site.machines.len(), 55_040);
    let sum: Power = site.machines.iter().map(|machine| site.model(machine.model).power_max()).sum();
    assert_eq!(sum.to_string(), "170.633 MW");
    for model in &site.models {
        let efficiency = model.efficiency().unwrap().to_joules_per_terahash_f64();
        assert!((35.0..=60.0).contains(&efficiency), "{}: {efficiency}", model.name);
    }
    let root = site.circuits.get(CircuitIx::ROOT);
    assert_eq!(root.rating, Some(Power::from_kilowatts(180_000)));
    assert!(site.contract.windows.iter().all(|window| window.limit == Power::from_kilowatts(150_000)));
    let halls = || site.circuits.iter().filter(|(_, circuit)| circuit.kind == CircuitKind::Hall);
    assert_eq!(halls().count(), 8);
    assert!(halls().all(|(_, hall)| hall.authority == Authority::Control && hall.meter.is_some()));
    let ramp = root.ramp.unwrap();
    assert!(ramp.up_per_minute.unwrap() * 10 >= Power::from_kilowatts(150_000));
    assert!(ramp.down_per_minute.unwrap() * 10 >= Power::from_kilowatts(150_000));
    insta::assert_snapshot!("ekibastuz-summary", summary(&site).to_string());
}

#[test]
fn ekibastuz_house_load_covers_the_sleepers_with_a_fifth_to_spare() {
    let site = site("ekibastuz");
    let floor = offpeak_site::summary::floor(&site);
    assert_eq!(floor, Power::from_watts(2_200_800));
    assert!(floor.scale(1.2) <= site.contract.house_load);
}

#[test]
fn ekibastuz_outlets_and_addresses_are_there_for_each_machine() {
    let site = site("ekibastuz");
    let with_outlet = site.machines.iter().filter(|machine| machine.outlet.is_some());
    let halls: BTreeSet<_> =
        with_outlet.clone().map(|machine| site.circuits.hall_of(machine.circuit).unwrap()).collect();
    assert_eq!((with_outlet.count(), halls.len()), (20_640, 3));
    let stoppable = site
        .machines
        .iter()
        .all(|machine| machine.outlet.is_some() || site.model(machine.model).is_put_to_sleep());
    assert!(stoppable);
    let addresses: BTreeSet<_> = site.machines.iter().map(|machine| machine.endpoint.unwrap().ip).collect();
    assert_eq!(addresses.len(), site.machines.len());
    assert!(addresses.iter().all(|ip| ip.is_loopback()));
}

#[test]
fn ekibastuz_prices_are_those_of_the_time() {
    let site = site("ekibastuz");
    let at = |day: i8, hour: i8| site.time_zone.to_timestamp(date(2022, 10, day).at(hour, 30, 0, 0)).unwrap();
    let tariff = |day, hour| {
        site.economics
            .power_price_at(&site.time_zone, at(day, hour))
            .unwrap()
            .to_per_kilowatt_hour()
            .to_string()
    };
    // Monday 3 October 2022; Saturday the 8th; Tuesday the 25th was a holiday.
    assert_eq!([tariff(3, 7), tariff(3, 8), tariff(8, 12), tariff(25, 12)], ["26", "46", "26", "26"]);
    let hash_price = site.economics.hash_price_at(&site.time_zone, at(3, 7)).unwrap();
    assert_eq!(hash_price.to_per_terahash_day().to_string(), "37.130");
}
