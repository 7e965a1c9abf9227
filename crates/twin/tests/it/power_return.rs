//! Power goes and comes back, and machines start by themselves.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use offpeak_site::{CircuitIx, Site, SwitchIx};
use offpeak_twin::{Pace, Scenario, Simulation};
use offpeak_units::Power;

const SMALL: &str = include_str!("../../../../sites/small.toml");

/// The small site with a switch on this circuit, by which the test takes its power away. The controller does not act
/// by it.
fn with_outage_at(circuit: &str) -> Arc<Site> {
    let text = SMALL.replacen("[[owners]]", "[[switches]]\nid = \"mains\"\n\n[[owners]]", 1);
    let text = match circuit {
        "grid" => text.replacen("[grid]\n", "[grid]\nswitch = \"mains\"\n", 1),
        _ => text.replacen(
            "id = \"hall-[1-2]\"\n",
            "id = \"hall-2\"\nkind = \"hall\"\nparent = \"transformer-1\"\nrating_kw = 125\nbase_load_kw = 2\n\
             authority = \"control\"\n\n[[circuits]]\nid = \"hall-1\"\nswitch = \"mains\"\n",
            1,
        ),
    };
    Arc::new(offpeak_site::file::load("small.toml", &text, &|_| None).unwrap())
}

fn at(site: &Site, hour: i8, minute: i8) -> Timestamp {
    site.time_zone.to_timestamp(jiff::civil::date(2022, 10, 3).at(hour, minute, 0, 0)).unwrap()
}

fn mains(site: &Site) -> SwitchIx {
    SwitchIx(site.switches.iter().position(|switch| switch.id == "mains").unwrap() as u32)
}

/// Runs on, and tells the largest rise of the load within a minute.
fn steepest(simulation: &mut Simulation, until: Timestamp) -> Power {
    let (mut last, mut steepest) = (std::collections::VecDeque::new(), Power::ZERO);
    while simulation.plant().now() < until {
        simulation.second();
        let now = simulation.plant().circuit_power(CircuitIx::ROOT);
        last.push_back(now);
        if last.len() > 60 {
            steepest = steepest.max(now - last.pop_front().unwrap());
        }
    }
    steepest
}

#[test]
fn a_hall_comes_back_into_room_that_others_have_taken() {
    let site = with_outage_at("hall-1");
    for (seed, minutes) in [(1, 5), (2, 30), (3, 30), (4, 90)] {
        let mut simulation =
            Simulation::new(Arc::clone(&site), &Scenario::healthy(), seed, at(&site, 0, 0), Pace::Leap);
        simulation.run_until(at(&site, 1, 30));
        simulation.plant_mut().switch(mains(&site), 0, false);
        let returns = at(&site, 1, 30) + SignedDuration::from_mins(minutes);
        simulation.run_until(returns);
        let hall_2 = site.circuits.find("hall-2").unwrap();
        let others = simulation.plant().hashing_below(hall_2);
        assert!(minutes < 30 || others >= 30, "seed {seed}: hall 2 took the room: {others} run");
        simulation.plant_mut().switch(mains(&site), 0, true);
        simulation.run_until(returns + SignedDuration::from_mins(60));
        let verdict = simulation.judge().verdict();
        assert_eq!(verdict.seconds, 0, "seed {seed}, {minutes} min: {:?}", verdict.worst);
        assert_eq!(simulation.totals().vetoes, 0, "seed {seed}");
        let hall_1 = site.circuits.find("hall-1").unwrap();
        assert!(simulation.plant().hashing_below(hall_1) > 0, "seed {seed}: it works again");
    }
}

#[test]
fn a_whole_mine_comes_back_in_stages() {
    let site = with_outage_at("grid");
    let ramp = site.circuits.get(CircuitIx::ROOT).ramp.unwrap().up_per_minute.unwrap();
    for (seed, minutes) in [(1, 2), (2, 30), (3, 120)] {
        let mut simulation =
            Simulation::new(Arc::clone(&site), &Scenario::healthy(), seed, at(&site, 0, 0), Pace::Leap);
        simulation.run_until(at(&site, 1, 30));
        let before = simulation.plant().circuit_power(CircuitIx::ROOT);
        assert!(before > Power::from_kilowatts(150), "{before}");
        simulation.plant_mut().switch(mains(&site), 0, false);
        let returns = at(&site, 1, 30) + SignedDuration::from_mins(minutes);
        simulation.run_until(returns);
        assert_eq!(simulation.plant().circuit_power(CircuitIx::ROOT), Power::ZERO);
        simulation.plant_mut().switch(mains(&site), 0, true);
        let steepest = steepest(&mut simulation, returns + SignedDuration::from_mins(60));
        let verdict = simulation.judge().verdict();
        assert_eq!(verdict.seconds, 0, "seed {seed}, {minutes} min: {:?}", verdict.worst);
        assert_eq!(simulation.totals().vetoes, 0, "seed {seed}");
        // What is let start in a minute may come up within less of one.
        assert!(steepest < ramp * 2, "seed {seed}, {minutes} min: {steepest} in a minute, {ramp} allowed");
        let after = simulation.plant().circuit_power(CircuitIx::ROOT);
        assert!(after > Power::from_kilowatts(150), "seed {seed}: back at {after}");
    }
}
