//! One seed replays everything, however time is cut; sums are exact.

use std::sync::Arc;

use offpeak_site::{Action, CircuitIx, MachineIx, MeterIx, ModeName, SwitchIx};
use offpeak_twin::{Faults, Plant, Scenario};
use offpeak_units::{Energy, HashRate, Power};
use proptest::prelude::*;

use crate::common::{Size, added_up, monday, pass, picture, plant, site};

/// Something done to a plant after some seconds.
#[derive(Clone, Debug)]
enum Deed {
    Command(u32, Action),
    Hall(bool),
}

fn deeds() -> impl Strategy<Value = Vec<(i64, Deed)>> {
    let action = prop_oneof![
        4 => Just(Action::Sleep),
        4 => Just(Action::Wake),
        1 => Just(Action::SetMode(ModeName::Low)),
        1 => Just(Action::SetMode(ModeName::Normal)),
        1 => Just(Action::SetMode(ModeName::High)),
        2 => Just(Action::Cut),
        2 => Just(Action::Restore),
    ];
    let deed = prop_oneof![
        20 => (0..60_u32, action).prop_map(|(machine, action)| Deed::Command(machine, action)),
        1 => any::<bool>().prop_map(Deed::Hall),
    ];
    prop::collection::vec((prop_oneof![0..3_i64, 0..400_i64], deed), 1..60)
}

fn troubled() -> Scenario {
    let many = Faults {
        dead_ppm: 50_000,
        slow_ppm: 50_000,
        lying_ppm: 50_000,
        board_dead_ppm: 50_000,
        ignoring_ppm: 50_000,
        refusing_ppm: 50_000,
        broken_api_ppm: 20_000,
        unswitched: true,
        reboots_per_day: 20.0,
        deaths_per_day: 1.0,
        hangs_per_day: 5.0,
        meter_gaps_per_day: 20.0,
    };
    Scenario { faults: many, ..Scenario::default() }
}

fn apply(plant: &mut Plant, deed: &Deed) -> String {
    match deed {
        Deed::Command(machine, action) => format!("{:?}", plant.command(MachineIx(*machine), *action)),
        Deed::Hall(closed) => {
            plant.switch(SwitchIx(1), 0, *closed);
            String::new()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn stepping_and_leaping_are_the_same(seed in any::<u64>(), deeds in deeds()) {
        let scenario = troubled();
        let (mut steps, mut leaps) = (plant(&scenario, seed), plant(&scenario, seed));
        let (mut energy, mut hashes) = (0_i128, 0_i128);
        for (wait, deed) in &deeds {
            for _ in 0..*wait {
                energy += i128::from(steps.circuit_power(CircuitIx::ROOT).to_milliwatts()) * 1_000;
                hashes += steps
                    .site()
                    .machines()
                    .map(|(machine, _)| steps.truth(machine).hash_rate)
                    .sum::<HashRate>()
                    .over_millis(1_000)
                    .to_count();
                pass(&mut steps, 1);
            }
            pass(&mut leaps, *wait);
            prop_assert_eq!(apply(&mut steps, deed), apply(&mut leaps, deed));
            prop_assert_eq!(steps.next_event(), leaps.next_event());
            prop_assert_eq!(picture(&steps), picture(&leaps));
            prop_assert_eq!(steps.energy(CircuitIx::ROOT), Energy::from_microjoules(energy));
            prop_assert_eq!(steps.hashes().to_count(), hashes);
        }
        prop_assert_eq!(steps.take_changed(), leaps.take_changed());
    }

    #[test]
    fn every_circuit_is_the_sum_of_its_machines(seed in any::<u64>(), deeds in deeds()) {
        let mut plant = plant(&troubled(), seed);
        for (wait, deed) in &deeds {
            pass(&mut plant, *wait);
            apply(&mut plant, deed);
            for place in 0..plant.site().circuits.len() as u32 {
                let circuit = CircuitIx(place);
                prop_assert_eq!(plant.circuit_power(circuit), added_up(&plant, circuit));
            }
            for (machine, _) in plant.site().machines() {
                prop_assert!(!plant.truth(machine).power.is_negative());
                prop_assert!(!plant.truth(machine).hash_rate.is_negative());
            }
            let hashing = plant.site().machines().filter(|(machine, _)| !plant.truth(*machine).hash_rate.is_zero());
            prop_assert!(plant.hashing() >= hashing.count());
        }
    }

    #[test]
    fn until_the_next_event_everything_is_straight(seed in any::<u64>(), deeds in deeds()) {
        let mut plant = plant(&troubled(), seed);
        for (wait, deed) in &deeds {
            pass(&mut plant, *wait);
            apply(&mut plant, deed);
            let next = plant.next_event().unwrap();
            prop_assert!(next > plant.now());
            let seconds = plant.now().duration_until(next).as_secs();
            let before = plant.circuit_power(CircuitIx::ROOT);
            if seconds < 3 {
                continue;
            }
            plant.take_changed();
            pass(&mut plant, 1);
            let rise = plant.circuit_power(CircuitIx::ROOT) - before;
            pass(&mut plant, seconds - 2);
            prop_assert_eq!(plant.circuit_power(CircuitIx::ROOT), before + rise * (seconds - 1));
            prop_assert!(plant.take_changed().is_empty());
        }
    }
}

#[test]
fn a_seed_replays_and_another_differs() {
    let run = |seed| {
        let mut plant = plant(&troubled(), seed);
        let mut pictures = String::new();
        for hour in 0..12 {
            pass(&mut plant, 3_600);
            plant.command(MachineIx(hour), Action::Wake);
            pictures += &picture(&plant);
        }
        pictures
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn time_does_not_go_back() {
    let mut plant = plant(&Scenario::default(), 1);
    pass(&mut plant, 5_000);
    let before = picture(&plant);
    plant.advance(monday(10));
    assert_eq!(picture(&plant), before);
}

/// A day of the size the twin is for, every machine woken and put to sleep once.
#[test]
fn fifty_five_thousand_machines_for_a_day() {
    let size = Size { halls: 8, racks: 275, machines: 25 };
    let site = Arc::new(site(size));
    let mut plant = Plant::new(Arc::clone(&site), &Scenario::default(), 1, monday(0));
    assert_eq!(site.machines.len(), 55_000);
    let mut peak = Power::ZERO;
    for second in 1..=86_400_i64 {
        plant.advance(monday(second));
        let (wake, sleep) = ((second - 60) * 50, (second - 25_000) * 50);
        for place in (wake..wake + 50).filter(|place| (0..55_000).contains(place)) {
            plant.command(MachineIx(place as u32), Action::Wake);
        }
        for place in (sleep..sleep + 50).filter(|place| (0..55_000).contains(place)) {
            plant.command(MachineIx(place as u32), Action::Sleep);
        }
        peak = peak.max(plant.circuit_power(CircuitIx::ROOT));
        assert!(plant.meter(MeterIx(0)).is_none_or(|reading| reading.at == plant.now()));
    }
    // Two thirds of the machines sleep and wake by command, at 2.7 to 3.5 kW each.
    assert!(peak > Power::from_kilowatts(100_000), "{peak}");
    assert!(plant.circuit_power(CircuitIx::ROOT) < Power::from_kilowatts(20_000));
    for circuit in [0, 1, 2, 600, 2_000] {
        assert_eq!(plant.circuit_power(CircuitIx(circuit)), added_up(&plant, CircuitIx(circuit)));
    }
}

#[test]
fn a_plant_may_move_to_another_thread() {
    fn is_send<T: Send>() {}
    is_send::<Plant>();
    is_send::<offpeak_twin::Judge>();
}
