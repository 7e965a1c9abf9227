use offpeak_accounts::{Claim, Doing, MachineAccount, Uptime};
use offpeak_rows::{Known, MachineState};
use offpeak_units::{Energy, HashRate, Power, Temperature};
use proptest::prelude::*;

use super::at;

fn hashing(watts: i64) -> Claim {
    Claim {
        power: Some(Power::from_watts(watts)),
        hash_rate: Some(HashRate::from_gigahashes(100_000)),
        state: MachineState::Hashing,
        chip: Some(Temperature::from_millicelsius(70_000)),
        doing: Doing::Hashing,
        ..Claim::NOTHING
    }
}

#[test]
fn a_minute_of_hashing_and_sleep() {
    let mut account = MachineAccount::new(at(0));
    account.set(at(0), hashing(3_000));
    let asleep = Claim {
        power: Some(Power::from_watts(30)),
        state: MachineState::Asleep,
        doing: Doing::OutsideHours,
        ..Claim::NOTHING
    };
    account.set(at(20), asleep);
    let minute = account.close(at(60), 60);
    assert_eq!(minute.energy, Some(Energy::from_joules(20 * 3_000 + 40 * 30)));
    assert_eq!((minute.hashing_s, minute.down.outside_hours_s), (20, 40));
    assert_eq!((minute.state, minute.known, minute.known_s), (MachineState::Asleep, Known::Measured, 60));
    assert_eq!(minute.chip_max, Some(Temperature::from_millicelsius(70_000)));
    let next = account.close(at(120), 60);
    assert_eq!((next.energy, next.hashes), (Some(Energy::from_joules(1_800)), None));
}

#[test]
fn what_is_not_known_is_missing_and_not_zero() {
    let mut account = MachineAccount::new(at(0));
    let minute = account.close(at(60), 60);
    assert_eq!((minute.energy, minute.known, minute.state), (None, Known::Missing, MachineState::Unknown));
    assert_eq!(minute.down.no_data_s, 60);
    account.set(at(60), Claim { doing: Doing::Unreachable, ..Claim::NOTHING });
    account.set(at(90), hashing(3_000));
    let minute = account.close(at(120), 60);
    assert_eq!((minute.energy, minute.known_s), (Some(Energy::from_joules(90_000)), 30));
    assert_eq!((minute.down.unreachable_s, minute.hashing_s), (30, 30));
}

#[test]
fn an_account_that_begins_late_has_no_data_before() {
    let mut account = MachineAccount::new(at(45));
    account.set(at(45), Claim { rule: Some("catalogue"), ..hashing(2_000) });
    let minute = account.close(at(60), 60);
    assert_eq!((minute.down.no_data_s, minute.hashing_s), (45, 15));
    assert_eq!((minute.known, minute.rule), (Known::Estimated, Some("catalogue")));
    // A clock that was set back adds no time.
    account.set(at(30), hashing(2_000));
    assert_eq!(account.close(at(120), 60).hashing_s, 60);
}

proptest! {
    /// The reasons add up to the time, the joules to the energy, over any course of claims.
    #[test]
    fn time_and_energy_add_up(
        course in prop::collection::vec((1..90_000_i64, 0..9_usize, 0..4_000_000_i64), 1..200),
    ) {
        let mut account = MachineAccount::new(at(0));
        let (mut now, mut end) = (0_i64, 60_000_i64);
        let (mut claimed, mut joules, mut uptime) = (Energy::ZERO, Energy::ZERO, Uptime::default());
        let mut power = None;
        let millis = |ms: i64| at(0) + jiff::SignedDuration::from_millis(ms);
        for (length, doing, milliwatts) in course {
            let until = now + length;
            while end <= until {
                claimed += power.map_or(Energy::ZERO, |power: Power| power.over_millis(end - now));
                now = end;
                let minute = account.close(millis(end), 60);
                let all = u64::from(minute.hashing_s) + u64::from(minute.starting_s) + minute.down.total_s();
                prop_assert_eq!(all, 60);
                uptime.add(Doing::Hashing, minute.hashing_s.into());
                uptime.add(Doing::NoData, all - u64::from(minute.hashing_s));
                joules += minute.energy.unwrap_or(Energy::ZERO);
                end += 60_000;
            }
            claimed += power.map_or(Energy::ZERO, |power: Power| power.over_millis(until - now));
            now = until;
            let doing = Doing::ALL[doing];
            power = (doing != Doing::Unreachable).then(|| Power::from_milliwatts(milliwatts));
            account.set(millis(now), Claim { power, doing, ..Claim::NOTHING });
        }
        claimed += power.map_or(Energy::ZERO, |power: Power| power.over_millis(end - now));
        joules += account.close(millis(end), 60).energy.unwrap_or(Energy::ZERO);
        // Below a joule is carried on, never dropped.
        let off = claimed - joules;
        prop_assert!(off >= Energy::ZERO && off < Energy::from_joules(1), "{} off", off.to_microjoules());
        prop_assert_eq!(uptime.total(), ((end - 60_000) / 1_000).cast_unsigned());
    }
}
