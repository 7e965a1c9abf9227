//! Fans before machines and after them, under the real controller over the plant.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use offpeak_dispatch::Reason;
use offpeak_site::{CircuitIx, FanIx, Site};
use offpeak_twin::{Pace, Scenario, Simulation};
use offpeak_units::Power;

const SMALL: &str = include_str!("../../../../sites/small.toml");

/// The small site with fans in its halls: two contactors each, 2 kW, of which the house load has room.
fn breezy() -> Arc<Site> {
    let fans = "[[switches]]\nid = \"contactors\"\n\n[[fans]]\nid = \"fans-[1-2]\"\ncircuit = \"hall-[1-2]\"\n\
        switch = \"contactors\"\nchannels = 2\npower_kw = 2\nlead_s = 30\nrun_on_s = 240\n\n[[owners]]";
    let text = SMALL.replacen("[[owners]]", fans, 1);
    Arc::new(offpeak_site::file::load("small.toml", &text, &|_| None).unwrap())
}

fn at(hour: i8, minute: i8) -> Timestamp {
    breezy().time_zone.to_timestamp(jiff::civil::date(2022, 10, 3).at(hour, minute, 0, 0)).unwrap()
}

fn run(scenario: &Scenario, seed: u64, pace: Pace, from: Timestamp) -> Simulation {
    Simulation::new(breezy(), scenario, seed, from, pace)
}

fn hall(number: u32) -> CircuitIx {
    breezy().circuits.find(&format!("hall-{number}")).unwrap()
}

#[test]
fn no_machine_hashes_without_fans_and_no_limit_is_exceeded() {
    for seed in 1..=4 {
        let mut simulation = run(&Scenario::default(), seed, Pace::Leap, at(0, 0));
        simulation.run_until(at(0, 0) + SignedDuration::from_hours(33));
        let verdict = simulation.judge().verdict();
        assert_eq!(verdict.seconds_without_fans, 0, "seed {seed}");
        assert_eq!(verdict.seconds, 0, "seed {seed}: {:?}", verdict.worst);
        assert_eq!(simulation.totals().vetoes, 0, "seed {seed}");
        assert!(simulation.totals().confirmed > 50, "seed {seed}: it did run");
    }
}

#[test]
fn fans_go_off_after_the_last_machine_and_come_on_before_the_first() {
    let mut simulation = run(&Scenario::healthy(), 1, Pace::Leap, at(7, 0));
    simulation.run_until(at(7, 30));
    assert!((1..=2).all(|n| simulation.plant().hashing_below(hall(n)) > 0));
    let mut last_hash = at(7, 30);
    let mut off_at = None;
    while simulation.plant().now() < at(9, 0) {
        simulation.second();
        let now = simulation.plant().now();
        if simulation.plant().hashing_below(hall(1)) > 0 {
            last_hash = now;
        }
        if simulation.plant().fans_running(FanIx(0)) == 0 {
            off_at = off_at.or(Some(now));
        }
    }
    let ran_on = off_at.expect("the fans went off").duration_since(last_hash);
    assert!((240..=300).contains(&ran_on.as_secs()), "{ran_on}");
    let drawn = simulation.plant().circuit_power(hall(1));
    assert!(drawn < Power::from_watts(3_000), "base load and sleepers remain: {drawn}");
    let tuesday = at(0, 0) + SignedDuration::from_hours(24);
    simulation.run_until(tuesday + SignedDuration::from_mins(5));
    assert_eq!(simulation.plant().fans_running(FanIx(0)), 2);
    assert!(simulation.plant().hashing_below(hall(1)) > 0);
    assert_eq!(simulation.judge().verdict().seconds_without_fans, 0);
}

#[test]
fn a_contactor_that_stays_open_keeps_its_hall_asleep_and_no_other() {
    let mut simulation = run(&Scenario::healthy(), 2, Pace::Leap, at(12, 0));
    simulation.run_until(at(13, 0));
    let contactors: Vec<_> = breezy().fans[0].contactors().collect();
    assert_eq!(simulation.plant().fans_running(FanIx(0)), 0, "asleep all day");
    simulation.plant_mut().jam(contactors[1].switch, contactors[1].channel, true);
    let tuesday = at(0, 0) + SignedDuration::from_hours(24);
    let mut reasons = std::collections::BTreeSet::new();
    while simulation.plant().now() < tuesday + SignedDuration::from_hours(1) {
        let Some(cycle) = simulation.second().cycle else { continue };
        if cycle.at > tuesday + SignedDuration::from_mins(1) {
            reasons.insert(format!("{:?}", cycle.plan.setpoints[0].reason));
        }
    }
    assert_eq!(reasons, [format!("{:?}", Reason::Fans(FanIx(0)))].into());
    assert_eq!(simulation.plant().hashing_below(hall(1)), 0);
    assert!(simulation.plant().hashing_below(hall(2)) > 0);
    assert_eq!(simulation.judge().verdict().seconds_without_fans, 0);
}

#[test]
fn machines_whose_fans_stop_are_stopped_in_their_time() {
    let mut simulation = run(&Scenario::healthy(), 3, Pace::Leap, at(0, 0));
    simulation.run_until(at(1, 0));
    let contactor = breezy().fans[0].contactors().next().unwrap();
    simulation.plant_mut().switch(contactor.switch, contactor.channel, false);
    simulation.plant_mut().jam(contactor.switch, contactor.channel, true);
    simulation.run_until(at(2, 0));
    assert_eq!(simulation.plant().hashing_below(hall(1)), 0);
    assert!(simulation.plant().hashing_below(hall(2)) > 0);
    let without = simulation.judge().verdict().seconds_without_fans;
    assert!((120..=180).contains(&without), "{without} s: the time they may, and what sleep takes");
}

#[test]
fn leaping_and_stepping_agree_about_fans() {
    let pace = |pace| {
        let mut simulation = run(&Scenario::default(), 5, pace, at(0, 0));
        simulation.run_until(at(9, 0));
        simulation
    };
    let (leapt, stepped) = (pace(Pace::Leap), pace(Pace::Step));
    assert_eq!(leapt.controller().memory(), stepped.controller().memory());
    assert_eq!(leapt.plant().energy(CircuitIx::ROOT), stepped.plant().energy(CircuitIx::ROOT));
    assert!(leapt.totals().leapt > leapt.totals().cycles, "{:?}", leapt.totals());
}
