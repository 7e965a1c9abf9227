//! What machines do when they are asked, cut and restored.

use jiff::Timestamp;
use offpeak_site::{Action, Activity, CircuitIx, MachineIx, ModeName, Outcome, SwitchIx, Trouble};
use offpeak_twin::{Climate, Initial, Plant, Scenario};
use offpeak_units::{HashRate, Power, Temperature};

use crate::common::{pass, plant};

const W: MachineIx = MachineIx(0);
const A: MachineIx = MachineIx(1);
const OLD: MachineIx = MachineIx(2);
const OLD_WITHOUT_OUTLET: MachineIx = MachineIx(5);

fn calm() -> Scenario {
    Scenario { climate: Climate::Constant(Temperature::from_celsius(23)), ..Scenario::healthy() }
}

fn running() -> Scenario {
    Scenario { initial: Initial::Running, ..calm() }
}

/// Until when something holds, at most an hour.
fn until(plant: &mut Plant, holds: impl Fn(&Plant) -> bool) -> i64 {
    let from: Timestamp = plant.now();
    for _ in 0..3_600 {
        if !holds(plant) {
            break;
        }
        pass(plant, 1);
    }
    from.duration_until(plant.now()).as_secs()
}

fn is(machine: MachineIx, activity: Option<Activity>) -> impl Fn(&Plant) -> bool {
    move |plant| plant.truth(machine).activity == activity
}

#[test]
fn a_sleeper_wakes_ramps_and_sleeps_again() {
    let mut plant = plant(&calm(), 3);
    let asleep = plant.truth(W);
    assert_eq!(asleep.activity, Some(Activity::Asleep));
    assert!((Power::from_watts(18)..=Power::from_watts(22)).contains(&asleep.power), "{}", asleep.power);

    assert_eq!(plant.command(W, Action::Wake), Outcome::Accepted);
    let waking = until(&mut plant, is(W, Some(Activity::Starting)));
    assert!((8..=300).contains(&waking), "{waking}");
    assert_eq!(
        plant.hashing(),
        plant.site().machines().filter(|(m, _)| plant.truth(*m).activity == Some(Activity::Hashing)).count()
    );

    let mut last = plant.truth(W);
    let ramp = until(&mut plant, |plant| plant.truth(W).power < Power::from_watts(3_000));
    assert!((10..=400).contains(&ramp), "{ramp}");
    for _ in 0..400 {
        pass(&mut plant, 1);
        let now = plant.truth(W);
        assert!(now.power >= last.power && now.hash_rate >= last.hash_rate);
        last = now;
    }
    let watts = last.power.to_watts();
    assert!((3_300 * 94 / 100..=3_300 * 106 / 100).contains(&watts), "{watts}");
    let rate = last.hash_rate;
    assert!(
        (HashRate::from_gigahashes(63_900)..=HashRate::from_gigahashes(72_100)).contains(&rate),
        "{rate}"
    );
    let reading = plant.reading(W).unwrap();
    assert_eq!(reading.power, Some(Power::from_watts(watts)));
    assert_eq!((reading.mode, reading.activity), (Some(ModeName::Normal), Activity::Hashing));

    assert_eq!(plant.command(W, Action::Sleep), Outcome::Accepted);
    assert_eq!(plant.truth(W).power, last.power);
    let falling = until(&mut plant, is(W, Some(Activity::Hashing)));
    assert!((1..=25).contains(&falling), "{falling}");
    assert_eq!(plant.truth(W), asleep);
}

#[test]
fn an_antminer_says_neither_watts_nor_mode() {
    let plant = plant(&running(), 3);
    let reading = plant.reading(A).unwrap();
    assert_eq!((reading.power, reading.mode), (None, None));
    assert_eq!(reading.hash_rate, Some(plant.truth(A).hash_rate));
}

#[test]
fn times_follow_the_models_percentiles() {
    let (mut quick, mut slow, mut all) = (0, 0, 0);
    for seed in 0..20 {
        let mut plant = plant(&calm(), seed);
        let machines: Vec<MachineIx> = (0..60).filter(|m| m % 3 != 2).map(MachineIx).collect();
        for machine in &machines {
            plant.command(*machine, Action::Wake);
        }
        all += machines.len();
        pass(&mut plant, 19);
        quick += machines.iter().filter(|m| plant.truth(**m).activity == Some(Activity::Hashing)).count();
        pass(&mut plant, 101);
        slow += machines.iter().filter(|m| plant.truth(**m).activity == Some(Activity::Starting)).count();
    }
    // One in twenty is faster than 20 s, one in twenty slower than 120 s.
    let (low, high) = (all * 2 / 100, all * 8 / 100);
    assert!((low..high).contains(&quick) && (low..high).contains(&slow), "{quick} {slow} of {all}");
}

#[test]
fn a_cut_is_at_once_and_a_restored_machine_resumes() {
    let mut plant = plant(&running(), 5);
    for (machine, state) in [(W, Activity::Hashing), (MachineIx(4), Activity::Asleep)] {
        if state == Activity::Asleep {
            plant.command(machine, Action::Sleep);
            pass(&mut plant, 60);
        }
        let before = plant.circuit_power(CircuitIx::ROOT);
        let drew = plant.truth(machine).power;
        assert_eq!(plant.command(machine, Action::Cut), Outcome::Accepted);
        assert_eq!(plant.circuit_power(CircuitIx::ROOT), before - drew);
        assert_eq!(plant.reading(machine), Err(Trouble::Unreachable));
        assert!(!plant.switch_state(SwitchIx(0), machine.0 as u16) && !plant.truth(machine).powered);
        assert_eq!(plant.command(machine, Action::Wake), Outcome::Unanswered(Trouble::Unreachable));
        pass(&mut plant, 600);
        assert_eq!(plant.truth(machine).power, Power::ZERO);

        assert_eq!(plant.command(machine, Action::Restore), Outcome::Accepted);
        let boot = until(&mut plant, is(machine, None));
        assert!((15..=180).contains(&boot), "{boot}");
        pass(&mut plant, 600);
        assert_eq!(plant.truth(machine).activity, Some(state));
    }
}

#[test]
fn a_model_without_sleep_is_cut_at_its_outlet_or_runs() {
    let mut plant = plant(&calm(), 5);
    assert_eq!(plant.truth(OLD).activity, None);
    assert!(!plant.switch_state(SwitchIx(0), OLD.0 as u16));
    assert_eq!(plant.truth(OLD_WITHOUT_OUTLET).activity, Some(Activity::Hashing));
    assert!(matches!(plant.command(OLD_WITHOUT_OUTLET, Action::Sleep), Outcome::Refused(_)));
    assert!(matches!(plant.command(OLD_WITHOUT_OUTLET, Action::Cut), Outcome::Refused(_)));
    plant.command(OLD, Action::Restore);
    pass(&mut plant, 900);
    assert_eq!(plant.truth(OLD).activity, Some(Activity::Hashing));
}

#[test]
fn a_mode_takes_a_restart_and_changes_both_figures() {
    let mut plant = plant(&running(), 9);
    let before = plant.truth(W);
    assert_eq!(plant.command(W, Action::SetMode(ModeName::Low)), Outcome::Accepted);
    pass(&mut plant, 30);
    assert_eq!(plant.truth(W).activity, Some(Activity::Starting));
    pass(&mut plant, 900);
    let after = plant.truth(W);
    assert_eq!((after.activity, after.mode), (Some(Activity::Hashing), ModeName::Low));
    assert!((after.power.ratio_to(before.power).unwrap() - 0.8).abs() < 1e-3);
    assert!((after.hash_rate.ratio_to(before.hash_rate).unwrap() - 0.9).abs() < 1e-3);
    assert!(matches!(plant.command(W, Action::SetMode(ModeName::High)), Outcome::Refused(_)));
}

#[test]
fn commands_that_cross_end_where_the_last_one_said() {
    let mut plant = plant(&running(), 11);
    plant.command(W, Action::Sleep);
    pass(&mut plant, 1);
    plant.command(W, Action::Wake);
    pass(&mut plant, 900);
    assert_eq!(plant.truth(W).activity, Some(Activity::Hashing));
    plant.command(W, Action::SetMode(ModeName::Low));
    plant.command(W, Action::Sleep);
    pass(&mut plant, 900);
    assert_eq!(plant.truth(W).activity, Some(Activity::Asleep));
    plant.command(W, Action::Wake);
    pass(&mut plant, 3);
    plant.command(W, Action::Sleep);
    pass(&mut plant, 900);
    assert_eq!(plant.truth(W).activity, Some(Activity::Asleep));
}

#[test]
fn a_halls_switch_takes_down_all_of_it() {
    let mut plant = plant(&running(), 13);
    let hall = plant.site().circuits.find("hall-1").unwrap();
    plant.switch(SwitchIx(1), 0, false);
    assert_eq!(plant.circuit_power(hall), Power::ZERO);
    // An outlet restored meanwhile feeds nothing.
    plant.command(W, Action::Cut);
    plant.command(W, Action::Restore);
    pass(&mut plant, 600);
    assert_eq!(plant.circuit_power(hall), Power::ZERO);
    plant.switch(SwitchIx(1), 0, true);
    pass(&mut plant, 1_200);
    assert!(plant.circuit_power(hall) > Power::from_kilowatts(60));
}

#[test]
fn changes_are_told_once() {
    let mut plant = plant(&calm(), 1);
    assert!(plant.take_changed().is_empty());
    plant.command(W, Action::Wake);
    assert_eq!(plant.take_changed(), [W]);
    assert!(plant.take_changed().is_empty());
    let waking = until(&mut plant, is(W, Some(Activity::Starting)));
    assert!(waking > 0);
    assert_eq!(plant.take_changed(), [W]);
}

#[test]
fn machines_differ_by_a_few_percent() {
    let plant = plant(&running(), 17);
    let ratios: Vec<f64> = plant
        .site()
        .machines()
        .map(|(m, _)| plant.truth(m).power.ratio_to(plant.site().model_of(m).normal().power).unwrap())
        .collect();
    let mean = ratios.iter().sum::<f64>() / ratios.len() as f64;
    let deviation = (ratios.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / ratios.len() as f64).sqrt();
    assert!((mean - 1.0).abs() < 0.01 && (0.01..0.03).contains(&deviation), "{mean} {deviation}");
    assert!(ratios.iter().all(|ratio| (ratio - 1.0).abs() <= 0.0601));
}
