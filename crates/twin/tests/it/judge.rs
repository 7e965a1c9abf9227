//! The judge counts as a clerk who looks at every second would, wherever the plant leaps.

use std::sync::Arc;

use jiff::SignedDuration;
use offpeak_site::{Action, CircuitIx, MachineIx, Site};
use offpeak_twin::{Faults, Initial, Judge, Pinned, Plant, Scenario};
use offpeak_units::Power;
use proptest::prelude::*;

use crate::common::{SMALL, monday, pass, site};

/// A site whose halls and racks are rated low enough to be exceeded.
fn tight() -> Arc<Site> {
    let mut site = site(SMALL);
    let circuits = site
        .circuits
        .iter()
        .map(|(_, circuit)| {
            let mut circuit = circuit.clone();
            circuit.rating = circuit.rating.map(|rating| rating.scale(0.5));
            circuit
        })
        .collect();
    site.circuits = offpeak_site::CircuitTree::new(circuits).unwrap();
    site.contract.windows[0].limit = Power::from_kilowatts(120);
    Arc::new(site)
}

/// What a clerk sees in the present second, at every circuit.
fn clerk(plant: &Plant) -> Vec<(CircuitIx, Power, Power)> {
    let site = plant.site();
    let span = site.contract.limit_at(&site.time_zone, plant.now());
    site.circuits
        .iter()
        .filter_map(|(ix, circuit)| {
            let limit = if ix == CircuitIx::ROOT { Some(span.limit) } else { circuit.rating };
            limit.map(|limit| (ix, plant.circuit_power(ix), limit))
        })
        .filter(|(_, power, limit)| power > limit)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_judge_agrees_with_the_clerk(
        seed in any::<u64>(),
        begin in 20_000_i64..30_000,
        deeds in prop::collection::vec((0..500_i64, 0..60_u32, any::<bool>()), 1..80),
    ) {
        let site = tight();
        let scenario = Scenario {
            faults: Faults { ignoring_ppm: 50_000, reboots_per_day: 10.0, ..Faults::NONE },
            ..Scenario::default()
        };
        let new = || Plant::new(Arc::clone(&site), &scenario, seed, monday(begin));
        let (mut steps, mut leaps) = (new(), new());
        let mut judge = Judge::new(&site, monday(begin));
        let mut close = judge.clone();
        let (mut seconds, mut worst) = (0_u64, Power::ZERO);
        for (wait, machine, wake) in deeds {
            for _ in 0..wait {
                for (_, power, limit) in clerk(&steps) {
                    seconds += 1;
                    worst = worst.max(power - limit);
                }
                pass(&mut steps, 1);
                close.observe(&steps);
                prop_assert_eq!(close.verdict().seconds, seconds);
            }
            pass(&mut leaps, wait);
            judge.observe(&leaps);
            prop_assert_eq!(judge.verdict().seconds, seconds);
            prop_assert_eq!(judge.verdict().worst.map_or(Power::ZERO, |worst| worst.above()), worst);
            for place in 0..4 {
                let action = if wake { Action::Wake } else { Action::Sleep };
                steps.command(MachineIx((machine + place * 7) % 60), action);
                leaps.command(MachineIx((machine + place * 7) % 60), action);
            }
        }
        prop_assert_eq!((judge.verdict().seconds_unseen, close.verdict().seconds_unseen), (0, 0));
    }
}

#[test]
fn the_disobedient_are_named_with_the_excess() {
    let site = Arc::new(site(SMALL));
    let scenario = Scenario {
        pinned: [3, 7, 31]
            .map(|m| (MachineIx(m), Pinned::always(offpeak_twin::Fault::IgnoresCommands)))
            .into(),
        initial: Initial::Running,
        ..Scenario::healthy()
    };
    let mut plant = Plant::new(Arc::clone(&site), &scenario, 1, monday(7 * 3_600));
    let mut judge = Judge::new(&site, plant.now());
    for (machine, noun) in site.machines() {
        if noun.outlet.is_some() && noun.model.0 == 2 {
            plant.command(machine, Action::Cut);
        } else {
            plant.command(machine, Action::Sleep);
        }
    }
    plant.advance(monday(8 * 3_600));
    judge.observe(&plant);
    assert_eq!(judge.verdict().seconds, 0);
    // The window has closed; the machines that cannot sleep and those that would not are left.
    pass(&mut plant, 60);
    judge.observe(&plant);
    let verdict = judge.verdict();
    assert_eq!(verdict.seconds, 60);
    let worst = verdict.worst.unwrap();
    assert_eq!((worst.circuit, worst.at), (CircuitIx::ROOT, monday(8 * 3_600)));
    let named: Vec<u32> = verdict.culprits.iter().map(|culprit| culprit.machine.0).collect();
    assert_eq!(named, [3, 5, 7, 11, 17, 23, 29, 31, 35, 41, 47, 53, 59]);
    let drawn: Power = verdict.culprits.iter().map(|culprit| culprit.power).sum();
    let rest = worst.power - drawn;
    assert!(rest < site.contract.house_load, "{rest} is drawn by nobody named");
}

#[test]
fn an_unseen_advance_is_owned_up_to() {
    let site = Arc::new(site(SMALL));
    let mut plant = Plant::new(Arc::clone(&site), &Scenario::default(), 1, monday(0));
    let mut judge = Judge::new(&site, plant.now());
    for _ in 0..3 {
        plant.command(MachineIx(0), Action::Wake);
        pass(&mut plant, 600);
        plant.command(MachineIx(0), Action::Sleep);
        pass(&mut plant, 600);
    }
    judge.observe(&plant);
    assert_eq!(judge.verdict().seconds_unseen, 3_600);
    plant.advance(plant.now() + SignedDuration::from_secs(60));
    judge.observe(&plant);
    assert_eq!(judge.verdict().seconds_unseen, 3_600);
}
