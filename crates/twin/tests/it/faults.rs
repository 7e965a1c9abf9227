//! Every fault shows, and meters are within their class.

use jiff::SignedDuration;
use offpeak_site::{Action, Activity, CircuitIx, MachineIx, MeterIx, Outcome, Trouble};
use offpeak_twin::{Answering, Climate, Fault, Faults, Initial, MeterGap, Pinned, Plant, Scenario};
use offpeak_units::{Power, Temperature};

use crate::common::{pass, plant};

const M: MachineIx = MachineIx(0);

fn with(fault: Fault, after: i64) -> Plant {
    let pinned = Pinned { fault, after: SignedDuration::from_secs(after) };
    let scenario = Scenario {
        pinned: [(M, pinned)].into(),
        initial: Initial::Running,
        climate: Climate::Constant(Temperature::from_celsius(23)),
        ..Scenario::healthy()
    };
    plant(&scenario, 21)
}

#[test]
fn a_dead_machine_draws_nothing_and_stays_dead() {
    for after in [0, 500] {
        let mut plant = with(Fault::Dead, after);
        pass(&mut plant, after);
        assert_eq!(plant.truth(M).power, Power::ZERO);
        assert_eq!((plant.truth(M).activity, plant.truth(M).fault), (None, Some(Fault::Dead)));
        assert_eq!(plant.answering(M), Answering::Unreachable);
        plant.command(M, Action::Cut);
        plant.command(M, Action::Restore);
        pass(&mut plant, 900);
        assert_eq!(plant.reading(M), Err(Trouble::Unreachable));
    }
}

#[test]
fn a_hung_machine_draws_on_until_its_power_is_cut() {
    let mut plant = with(Fault::Hung, 100);
    let before = plant.truth(M).power;
    assert_eq!(plant.answering(M), Answering::Properly);
    pass(&mut plant, 100);
    assert_eq!((plant.answering(M), plant.reading(M)), (Answering::Silent, Err(Trouble::Silent)));
    assert_eq!(plant.command(M, Action::Sleep), Outcome::Unanswered(Trouble::Silent));
    pass(&mut plant, 900);
    assert_eq!(plant.truth(M).power, before);
    assert_eq!(plant.defiant().collect::<Vec<_>>(), [M]);
    plant.command(M, Action::Cut);
    plant.command(M, Action::Restore);
    pass(&mut plant, 900);
    assert_eq!(plant.truth(M).fault, None);
    assert!(plant.reading(M).is_ok());
}

#[test]
fn machines_that_do_not_obey_draw_on() {
    for (fault, accepts) in [(Fault::IgnoresCommands, true), (Fault::RefusesCommands, false)] {
        let mut plant = with(fault, 0);
        let before = plant.truth(M).power;
        assert_eq!(plant.command(M, Action::Sleep) == Outcome::Accepted, accepts);
        pass(&mut plant, 900);
        assert_eq!(plant.truth(M).power, before);
        assert_eq!(plant.reading(M).unwrap().activity, Activity::Hashing);
        assert_eq!(plant.defiant().collect::<Vec<_>>(), [M]);
        plant.command(M, Action::Cut);
        assert_eq!(plant.defiant().count(), 0);
    }
}

#[test]
fn broken_apis_show_as_what_they_are() {
    for (fault, answering, trouble) in [
        (Fault::Garbage, Answering::Garbage, Trouble::Garbled),
        (Fault::Flood, Answering::Flood, Trouble::Oversized),
        (Fault::CloseMidReply, Answering::CloseMidReply, Trouble::Truncated),
        (Fault::Nul, Answering::Nul, Trouble::Garbled),
        (Fault::NoTerminator, Answering::NoTerminator, Trouble::Silent),
    ] {
        let mut plant = with(fault, 0);
        assert_eq!((plant.answering(M), plant.reading(M)), (answering, Err(trouble)));
        assert_eq!(plant.command(M, Action::Sleep), Outcome::Unanswered(trouble));
        assert!(plant.truth(M).power > Power::from_kilowatts(3));
    }
}

#[test]
fn a_slow_machine_obeys() {
    let delay = SignedDuration::from_millis(2_400);
    let mut plant = with(Fault::Slow(delay), 0);
    assert_eq!((plant.reply_delay(M), plant.reply_delay(MachineIx(1))), (delay, SignedDuration::ZERO));
    assert_eq!(plant.command(M, Action::Sleep), Outcome::Accepted);
    pass(&mut plant, 60);
    assert_eq!(plant.reading(M).unwrap().activity, Activity::Asleep);
}

#[test]
fn a_liar_is_off_and_a_dead_board_shows() {
    let plant = with(Fault::LiesAboutPower { error_ppm: -200_000 }, 0);
    let claimed = plant.reading(M).unwrap().power.unwrap();
    assert!((claimed.ratio_to(plant.truth(M).power).unwrap() - 0.8).abs() < 1e-3);

    let mut plant = with(Fault::BoardDead, 50);
    let before = plant.truth(M);
    pass(&mut plant, 60);
    let after = plant.truth(M);
    assert!((after.power.ratio_to(before.power).unwrap() - 2.0 / 3.0).abs() < 1e-6);
    assert!((after.hash_rate.ratio_to(before.hash_rate).unwrap() - 2.0 / 3.0).abs() < 1e-6);
}

#[test]
fn shares_are_met_and_the_deaf_stand_behind_a_switch() {
    let faults = Faults { ignoring_ppm: 200_000, dead_ppm: 100_000, ..Faults::NONE };
    let (mut deaf, mut dead) = (0, 0);
    for seed in 0..40 {
        let plant = plant(&Scenario { faults, ..Scenario::default() }, seed);
        for (machine, noun) in plant.site().machines() {
            match plant.truth(machine).fault {
                Some(Fault::IgnoresCommands) => {
                    assert!(noun.outlet.is_some());
                    deaf += 1;
                }
                Some(Fault::Dead) => dead += 1,
                other => assert_eq!(other, None),
            }
        }
    }
    // 40 plants of 60 machines, half of them with an outlet.
    assert!((190..290).contains(&deaf) && (190..290).contains(&dead), "{deaf} {dead}");
    let faults = Faults { unswitched: true, ..faults };
    let plant = plant(&Scenario { faults, ..Scenario::default() }, 1);
    let loose = |(machine, noun): &(MachineIx, &offpeak_site::Machine)| {
        noun.outlet.is_none() && plant.truth(*machine).fault == Some(Fault::IgnoresCommands)
    };
    assert!(plant.site().machines().filter(loose).count() > 0);
}

#[test]
fn machines_reboot_hang_and_die_by_themselves() {
    let faults = Faults { reboots_per_day: 2.0, deaths_per_day: 0.2, hangs_per_day: 0.3, ..Faults::NONE };
    let mut plant = plant(&Scenario { faults, initial: Initial::Running, ..Scenario::default() }, 4);
    let mut booting = 0;
    for _ in 0..1_440 {
        pass(&mut plant, 60);
        booting += plant
            .site()
            .machines()
            .filter(|(m, _)| plant.truth(*m).fault.is_none() && plant.truth(*m).activity.is_none())
            .count();
    }
    // 60 machines, two reboots a day, each under a minute or so.
    assert!((60..300).contains(&booting), "{booting}");
    let count = |fault| plant.site().machines().filter(|(m, _)| plant.truth(*m).fault == Some(fault)).count();
    assert!((3..25).contains(&count(Fault::Dead)), "{}", count(Fault::Dead));
    // A reboot cures a hang, so few are left at any time.
    assert!(count(Fault::Hung) < 20);
}

#[test]
fn meters_are_within_their_class_and_bounded() {
    let mut plant = with(Fault::BoardDead, 0);
    let power = plant.circuit_power(CircuitIx::ROOT);
    let (low, high) = plant.meter_span(MeterIx(0));
    let errors: Vec<f64> = (0..20_000)
        .map(|_| {
            pass(&mut plant, 1);
            let reading = plant.meter(MeterIx(0)).unwrap();
            assert_eq!(reading, plant.meter(MeterIx(0)).unwrap());
            assert!((low..=high).contains(&reading.power));
            assert_eq!(reading.energy, Some(plant.energy(CircuitIx::ROOT)));
            (reading.power - power).ratio_to(power).unwrap()
        })
        .collect();
    let mean = errors.iter().sum::<f64>() / errors.len() as f64;
    let deviation = (errors.iter().map(|e| e * e).sum::<f64>() / errors.len() as f64).sqrt();
    assert!(mean.abs() < 0.0002 && (0.0047..0.0051).contains(&deviation), "{mean} {deviation}");
    assert!(((high - power).ratio_to(power).unwrap() - 0.015).abs() < 1e-6);
    assert_eq!(high - power, power - low);
}

#[test]
fn gaps_come_when_they_were_said_to_and_by_chance() {
    let gap = MeterGap {
        meter: MeterIx(0),
        after: SignedDuration::from_secs(100),
        length: SignedDuration::from_secs(15),
    };
    let mut plant = plant(&Scenario { meter_gaps: vec![gap], ..Scenario::healthy() }, 1);
    let silent: Vec<i64> = (1..400)
        .filter(|_| {
            pass(&mut plant, 1);
            plant.meter(MeterIx(0)).is_none()
        })
        .collect();
    assert_eq!(silent, (100..115).collect::<Vec<_>>());

    let faults = Faults { meter_gaps_per_day: 12.0, ..Faults::NONE };
    let mut plant = crate::common::plant(&Scenario { faults, ..Scenario::default() }, 1);
    let mut silent = 0;
    for _ in 0..86_400 {
        pass(&mut plant, 1);
        silent += i64::from(plant.meter(MeterIx(0)).is_none());
    }
    // About twelve gaps of 2 to 30 s.
    assert!((60..400).contains(&silent), "{silent}");
}
