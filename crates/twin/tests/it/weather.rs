//! The weather keeps near its normals, and machines draw more in the warmth.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use offpeak_site::CircuitIx;
use offpeak_twin::{Climate, Initial, Plant, Scenario};
use offpeak_units::Temperature;

use crate::common::{SMALL, site};

#[test]
fn months_are_near_their_normals() {
    let site = Arc::new(site(SMALL));
    let (mut means, mut count) = ([0.0; 12], [0_u32; 12]);
    let (mut coldest, mut warmest) = (Temperature::from_celsius(0), Temperature::from_celsius(0));
    for seed in 0..12 {
        let start: Timestamp = "2022-01-01T00:00:00Z".parse().unwrap();
        let mut plant = Plant::new(Arc::clone(&site), &Scenario::healthy(), seed, start);
        for hour in 0..365 * 24 {
            plant.advance(start + SignedDuration::from_hours(hour));
            let month = jiff::tz::TimeZone::UTC.to_datetime(plant.now()).month() as usize - 1;
            means[month] += plant.outdoor().to_celsius_f64();
            count[month] += 1;
            coldest = coldest.min(plant.outdoor());
            warmest = warmest.max(plant.outdoor());
        }
    }
    let normals = [-15.8, -14.8, -7.0, 5.8, 13.7, 19.7, 21.5, 19.2, 12.8, 4.7, -5.6, -13.2];
    for (month, normal) in normals.into_iter().enumerate() {
        let mean = means[month] / f64::from(count[month]);
        assert!((mean - normal).abs() < 2.5, "month {}: {mean:.1}, normally {normal}", month + 1);
    }
    assert!(coldest < Temperature::from_celsius(-30), "{coldest}");
    assert!((Temperature::from_celsius(30)..Temperature::from_celsius(43)).contains(&warmest), "{warmest}");
}

#[test]
fn afternoons_are_warmer_than_mornings() {
    let site = Arc::new(site(SMALL));
    let mut plant = Plant::new(site, &Scenario::healthy(), 1, "2022-07-01T00:00:00Z".parse().unwrap());
    let mut warmer = 0;
    for day in 1..=30 {
        let at = |hour: &str| format!("2022-07-{day:02}T{hour}:00:00Z").parse::<Timestamp>().unwrap();
        // 04:00 and 15:00 by the sun.
        plant.advance(at("00") - SignedDuration::from_hours(1));
        let morning = plant.outdoor();
        plant.advance(at("10"));
        warmer += i32::from(plant.outdoor() > morning);
    }
    assert_eq!(warmer, 30);
}

#[test]
fn warmth_costs_power_and_no_hash_rate() {
    let at = |celsius| {
        let climate = Climate::Constant(Temperature::from_celsius(celsius));
        let scenario = Scenario { climate, initial: Initial::Running, ..Scenario::healthy() };
        let plant = crate::common::plant(&scenario, 2);
        let machines: i64 =
            plant.site().machines().map(|(machine, _)| plant.truth(machine).hash_rate.to_megahashes()).sum();
        (plant.circuit_power(CircuitIx::ROOT).to_watts_f64(), machines, plant)
    };
    let ((cool, rate, _), (warm, same, _)) = (at(23), at(33));
    assert_eq!(rate, same);
    // Ten degrees at 0.3 % each, but for the base loads.
    assert!((warm / cool - 1.03).abs() < 0.001, "{}", warm / cool);
    // In the cold the halls mix their exhaust in: the inlet stays at 5 °C.
    assert_eq!(at(-10).0, at(-40).0);
    assert!(at(-10).0 < cool);
    let (_, _, mut plant) = at(23);
    assert_eq!(plant.next_event(), None);
    plant.advance(plant.now() + SignedDuration::from_hours(100));
    assert_eq!(plant.circuit_power(CircuitIx::ROOT).to_watts_f64(), cool);
}
