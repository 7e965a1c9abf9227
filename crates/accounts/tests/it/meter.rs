use offpeak_accounts::{Anchor, MeterAccount, MeterMinute, MeterRules, Sum};
use offpeak_rows::Known;
use offpeak_units::{Energy, Power};
use proptest::prelude::*;

use super::at;

const DAY: i64 = 86_400;
const FLAT: Power = Power::from_kilowatts(20_000);

fn rules() -> MeterRules {
    MeterRules { power_max: Power::from_kilowatts(25_000), step: Energy::ZERO, rollovers: Vec::new() }
}

fn drawn(seconds: i64) -> Energy {
    FLAT.over_millis(seconds * 1_000)
}

/// 20 MW from second to second, with the register that this makes.
fn feed(
    account: &mut MeterAccount,
    seconds: impl Iterator<Item = i64>,
    register: impl Fn(i64) -> Option<Energy>,
) {
    for second in seconds {
        account.read(at(second), FLAT, register(second));
    }
}

fn sum(minutes: &[MeterMinute]) -> Sum {
    let mut sum = Sum::default();
    for minute in minutes {
        sum.add(minute.energy, minute.known, minute.known_s.into(), 60);
    }
    sum
}

/// The day's sum, which must be 480.000 MWh of a whole day.
fn assert_a_day(minutes: &[MeterMinute]) -> Sum {
    let sum = sum(minutes);
    assert_eq!(sum.energy.to_string(), "480.000 MWh");
    assert_eq!(sum.energy, Energy::from_watt_hours(480_000_000));
    assert_eq!((minutes.len(), sum.length_s, sum.missing_s), (1_440, 86_400, 0));
    for (place, minute) in minutes.iter().enumerate() {
        assert_eq!(minute.start, at(place as i64 * 60));
    }
    sum
}

#[test]
fn a_flat_day() {
    for register in [true, false] {
        let mut account = MeterAccount::new(rules(), None);
        feed(&mut account, 0..=DAY, |second| register.then(|| drawn(second)));
        let day = assert_a_day(&account.take());
        assert_eq!(day.measured_s, 86_400);
    }
}

#[test]
fn a_restart_is_bridged_by_the_register() {
    let mut account = MeterAccount::new(rules(), None);
    feed(&mut account, 0..=40_037, |second| Some(drawn(second)));
    let mut minutes = account.take();
    let last = minutes.last().unwrap();
    // The process dies with 17 s of a minute in hand, and comes back after an hour and some.
    let anchor = Anchor { at: at(minutes.len() as i64 * 60), register: last.register };
    let mut again = MeterAccount::new(rules(), Some(anchor));
    feed(&mut again, 44_444..=DAY, |second| Some(drawn(second)));
    minutes.extend(again.take());
    let day = assert_a_day(&minutes);
    assert!(day.register_s > 4_000 && day.register_s < 4_600, "{day:?}");
    assert_eq!(again.counts().bridged, 1);
}

#[test]
fn a_register_begins_again_at_zero() {
    let end = Energy::from_watt_hours(1_000_000_000);
    let start = Energy::from_watt_hours(999_800_000);
    let rules = MeterRules { rollovers: vec![end], ..rules() };
    let shown = |second| {
        let all = start + drawn(second);
        Some(if all >= end { all - end } else { all })
    };
    let mut account = MeterAccount::new(rules.clone(), None);
    feed(&mut account, 0..=DAY, shown);
    assert_a_day(&account.take());
    assert_eq!((account.counts().rollovers, account.counts().exchanges), (1, 0));

    // The same in a silence of two hours around it.
    let mut account = MeterAccount::new(rules, None);
    feed(&mut account, (0..=33_000).chain(40_000..=DAY), shown);
    let day = assert_a_day(&account.take());
    assert_eq!(account.counts().rollovers, 1);
    assert!((6_900..=7_100).contains(&day.register_s));
}

#[test]
fn a_meter_is_exchanged() {
    // Out for 40 s; the new one begins elsewhere, lower or higher.
    for base in [Energy::ZERO, Energy::from_watt_hours(77_000_000_000)] {
        let old = Energy::from_watt_hours(5_000_000_000);
        let shown =
            |second| Some(if second < 50_000 { old + drawn(second) } else { base + drawn(second - 50_000) });
        let mut account = MeterAccount::new(rules(), None);
        feed(&mut account, (0..=49_980).chain(50_020..=DAY), shown);
        let day = assert_a_day(&account.take());
        assert_eq!(account.counts().exchanges, 1);
        assert_eq!(day.estimated_s, 40 + 20, "the minute that holds the silence is estimated");
    }
}

#[test]
fn a_long_exchange_is_missing_and_says_how_much() {
    let shown = |second| Some(if second < 50_000 { drawn(second) } else { drawn(second - 50_000) });
    let mut account = MeterAccount::new(rules(), None);
    feed(&mut account, (0..=49_980).chain(53_580..=DAY), shown);
    let day = sum(&account.take());
    assert_eq!((day.length_s, day.missing_s), (86_400, 3_600));
    assert_eq!(day.energy, drawn(DAY - 3_600));
}

#[test]
fn a_daylight_saving_change_is_nothing_to_utc_and_a_day_of_23_hours_has_23_hours() {
    let mut account = MeterAccount::new(rules(), None);
    feed(&mut account, 0..=DAY - 3_600, |second| Some(drawn(second)));
    assert_eq!(sum(&account.take()).energy.to_string(), "460.000 MWh");
}

#[test]
fn a_clock_stepped_by_an_hour_either_way_counts_nothing_twice() {
    // Forward: the clock says an hour more from then on.
    let mut account = MeterAccount::new(rules(), None);
    for second in 0..=DAY - 3_600 {
        let shown = if second < 30_000 { second } else { second + 3_600 };
        account.read(at(shown), FLAT, Some(drawn(second)));
    }
    let minutes = account.take();
    assert_eq!(sum(&minutes).energy, drawn(DAY - 3_600), "the energy is the register's");
    assert_eq!(minutes.len(), 1_440);

    // Back: an hour is lived twice. It is in the minutes after it.
    let mut account = MeterAccount::new(rules(), None);
    for second in 0..=DAY + 3_600 {
        let shown = if second < 30_000 { second } else { second - 3_600 };
        account.read(at(shown), FLAT, Some(drawn(second)));
    }
    let minutes = account.take();
    assert_eq!(sum(&minutes).energy, drawn(DAY + 3_600));
    assert_eq!(minutes.len(), 1_440, "no minute twice");
    assert!(account.counts().late >= 3_599 && account.counts().exchanges == 0);
}

#[test]
fn duplicates_and_late_readings_change_nothing() {
    let mut account = MeterAccount::new(rules(), None);
    for second in 0..=DAY {
        account.read(at(second), FLAT, Some(drawn(second)));
        account.read(at(second), FLAT, Some(drawn(second)));
        if second > 5 {
            account.read(at(second - 3), Power::ZERO, Some(drawn(second - 3)));
        }
    }
    assert_a_day(&account.take());
    assert_eq!(account.counts().duplicate as i64, DAY + 1);
}

#[test]
fn a_coarse_register_draws_the_integral_to_within_its_step() {
    // The power reads 2 % high; the register counts in whole 100 kWh.
    let step = Energy::from_watt_hours(100_000);
    let coarse = |second| {
        let steps = drawn(second).to_microjoules() / step.to_microjoules();
        Some(Energy::from_microjoules(steps * step.to_microjoules()))
    };
    let mut account = MeterAccount::new(MeterRules { step, ..rules() }, None);
    for second in 0..=DAY {
        account.read(at(second), FLAT.scale(1.02), coarse(second));
    }
    let day = sum(&account.take());
    assert!((day.energy - drawn(DAY)).abs() <= step * 2, "{}", day.energy);
    assert_eq!(day.measured_s, 86_400);
}

#[test]
fn a_silence_without_a_register_is_estimated_or_missing() {
    let without = |_| None;
    let mut account = MeterAccount::new(rules(), None);
    feed(&mut account, (0..=100).chain(150..=400).chain(1_000..=1_200), without);
    let minutes = account.take();
    let sum = sum(&minutes);
    assert_eq!(sum.missing_s, 600);
    assert_eq!(sum.energy, drawn(1_200 - 600));
    assert_eq!(minutes[8].known, Known::Missing);
    assert_eq!(minutes[8].energy, None, "missing, not zero");
    assert_eq!(account.counts().missing, 1);
}

#[test]
fn an_instant_of_another_century_begins_anew() {
    let mut account = MeterAccount::new(rules(), None);
    feed(&mut account, 0..=120, |second| Some(drawn(second)));
    account.read(at(30 * 365 * DAY), FLAT, Some(Energy::ZERO));
    assert!(account.take().len() < 5);
}

proptest! {
    /// Whatever is read when, with restarts at any minute: the minutes' energies are the register's difference.
    #[test]
    fn the_minutes_come_to_the_register(
        steps in prop::collection::vec((1..200_i64, 0..24_000_000_000_i64, prop::bool::weighted(0.05)), 50..400),
    ) {
        let rules = MeterRules { power_max: Power::from_kilowatts(25_000), step: Energy::ZERO, rollovers: Vec::new() };
        let mut account = MeterAccount::new(rules.clone(), None);
        let (mut second, mut register) = (0, Energy::from_joules(12_345));
        let first = register;
        account.read(at(0), Power::ZERO, Some(register));
        let mut minutes = Vec::new();
        for (seconds, milliwatts, restart) in steps {
            let power = Power::from_milliwatts(milliwatts);
            second += seconds;
            register += power.over_millis(seconds * 1_000);
            account.read(at(second), power, Some(register));
            if restart {
                minutes.extend(account.take());
                if let Some(last) = minutes.last() {
                    let last: &MeterMinute = last;
                    let end = last.start + jiff::SignedDuration::from_secs(60);
                    account = MeterAccount::new(rules.clone(), Some(Anchor { at: end, register: last.register }));
                    account.read(at(second) + jiff::SignedDuration::from_millis(1), power, Some(register));
                }
            }
        }
        minutes.extend(account.take());
        let total = sum(&minutes);
        prop_assert_eq!(total.missing_s, 0);
        for (before, after) in minutes.iter().zip(minutes.iter().skip(1)) {
            prop_assert_eq!(before.start + jiff::SignedDuration::from_secs(60), after.start);
            let moved = after.register.unwrap() - before.register.unwrap();
            prop_assert_eq!(Some(moved), after.energy);
        }
        if let Some(last) = minutes.last() {
            prop_assert_eq!(total.energy, last.register.unwrap() - first);
        }
    }
}
