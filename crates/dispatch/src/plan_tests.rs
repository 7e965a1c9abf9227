//! The planner, alone and against its judge.

use jiff::SignedDuration;
use offpeak_site::{Activity, ModeName, Trouble};
use proptest::prelude::*;

use super::*;
use crate::aim::{Aim, Want};
use crate::check::check;
use crate::directive::{Directives, Hold, Lockout, Order, Stop};
use crate::envelope::envelope;
use crate::rank::rank;
use crate::testing::{MACHINE_W, memory, monday, says, site, site_with_modes, snapshot};

fn planned(snapshot: &Snapshot, site: &Site, memory: &Memory) -> Plan {
    let envelope = envelope(site, &snapshot.directives, snapshot.at);
    let frame = Frame::new(site);
    let loads = Loads::new(site, &frame, snapshot, memory);
    plan(site, &frame, snapshot, &envelope, &loads, &rank(site, &memory.machines, None, None), memory)
}

#[test]
fn a_steady_mine_stays_as_it_is() {
    let site = site();
    for hashing in 0..=32 {
        let snapshot = snapshot(monday(7 * 3_600), hashing);
        let plan = planned(&snapshot, &site, &memory(&site, &snapshot));
        let stopped = plan.setpoints[..hashing].iter().filter(|s| s.target == Target::Off).count();
        assert_eq!(stopped, 0, "{hashing} machines under the limit keep running");
    }
}

#[test]
fn above_the_limit_just_enough_is_shed() {
    let site = site();
    let snapshot = snapshot(monday(3_600), 40);
    let plan = planned(&snapshot, &site, &memory(&site, &snapshot));
    let left = plan.setpoints.iter().filter(|s| matches!(s.target, Target::Run(_))).count() as i64;
    assert!(left * MACHINE_W <= 100_000 && (left + 2) * MACHINE_W > 100_000, "{left} left on");
}

#[test]
fn a_zero_order_means_zero_and_names_what_remains() {
    let site = site();
    let mut snapshot = snapshot(monday(3_600), 10);
    snapshot.directives.orders.push(Order::at_most(7, CircuitIx::ROOT, Power::ZERO, monday(0), None));
    let plan = planned(&snapshot, &site, &memory(&site, &snapshot));
    assert!(plan.setpoints.iter().all(|setpoint| setpoint.target == Target::Off));
    assert_eq!(plan.unmet[0].floor, Power::from_watts(40 * 20));
}

fn held(machines: &[u32], until: Option<Timestamp>) -> Directives {
    let hold = || Hold { at: monday(0), until, by: "anna".into(), why: "a board is swapped".into() };
    let holds = machines.iter().map(|ix| (MachineIx(*ix), hold())).collect();
    Directives { holds: std::sync::Arc::new(holds), ..Directives::default() }
}

#[test]
fn a_machine_that_is_held_sleeps_and_starts_only_when_it_is_released() {
    let mut site = site();
    site.rules.pinned = [(MachineIx(3), true)].into();
    let mut snapshot = snapshot(monday(3_600), 10);
    snapshot.machines[4] = says(monday(3_600), Activity::Starting);
    snapshot.machines[5].trouble = Some((Trouble::Silent, monday(3_590)));
    let memory = memory(&site, &snapshot);
    snapshot.directives = held(&[3, 4, 5, 30], Some(monday(4_000)));
    let of = |snapshot: &Snapshot, ix: usize| planned(snapshot, &site, &memory).setpoints[ix];
    // One that is pinned on, one on its way up, one that hashed when it was last heard, one that sleeps.
    for ix in [3, 4, 5, 30] {
        assert_eq!(of(&snapshot, ix), Setpoint { target: Target::Off, reason: Reason::Held }, "{ix}");
    }
    assert!(matches!(of(&snapshot, 6).target, Target::Run(_)), "the others run on");
    assert_eq!(snapshot.directives.next_release(snapshot.at), Some(monday(4_000)));
    snapshot.directives = held(&[3, 4, 5, 30], Some(monday(3_600)));
    assert_eq!(of(&snapshot, 3).reason, Reason::Runs, "its time is over");
    assert_eq!(of(&snapshot, 5).reason, Reason::NoWord);
    assert_eq!(snapshot.directives.next_release(snapshot.at), None);
}

#[test]
fn a_hold_goes_no_further_than_authority_and_a_stop_goes_before_it() {
    let mut site = site();
    let mut snapshot = snapshot(monday(3_600), 10);
    let memory = memory(&site, &snapshot);
    snapshot.directives = held(&[3], None);
    snapshot.directives.stops.push(Stop { circuit: CircuitIx(1), at: monday(0), reason: "test".into() });
    let reason = planned(&snapshot, &site, &memory).setpoints[3].reason;
    assert_eq!(reason, Reason::Blocked(CircuitIx(1), Source::Stop));
    snapshot.directives.stops.clear();
    let mut circuits: Vec<_> = site.circuits.iter().map(|(_, circuit)| circuit.clone()).collect();
    circuits.iter_mut().for_each(|circuit| circuit.authority = Authority::Observe);
    site.circuits = offpeak_site::CircuitTree::new(circuits).unwrap();
    let setpoint = planned(&snapshot, &site, &memory).setpoints[3];
    assert_eq!(setpoint, Setpoint { target: Target::Leave, reason: Reason::ObserveOnly });
}

/// Who is off for money is told whether the hour or the plan of the hours ahead decides it.
#[test]
fn a_machine_that_the_plan_ahead_keeps_out_is_told_so() {
    let site = site();
    let snapshot = snapshot(monday(3_600), 10);
    let memory = memory(&site, &snapshot);
    let (frame, envelope) = (Frame::new(&site), envelope(&site, &snapshot.directives, snapshot.at));
    let loads = Loads::new(&site, &frame, &snapshot, &memory);
    for (kept_out, told) in [(true, Reason::KeptOut), (false, Reason::Uneconomic)] {
        let mut ranking = rank(&site, &[], None, None);
        ranking.earns.fill(Some(false));
        ranking.kept_out.fill(kept_out);
        let plan = plan(&site, &frame, &snapshot, &envelope, &loads, &ranking, &memory);
        let expected = Setpoint { target: Target::Off, reason: told };
        assert!(plan.setpoints.iter().all(|setpoint| *setpoint == expected), "{:?}", plan.setpoints);
    }
    assert!(Reason::KeptOut.describe(&site).contains("hours ahead"));
}

/// Of the site's two halls one is only watched: nothing is asked of its machines, and what would be is told.
#[test]
fn a_watched_hall_is_told_what_would_be_done() {
    let mut site = site();
    let first_hall = site.circuits.hall_of(site.machines[0].circuit).unwrap();
    let mut circuits: Vec<_> = site.circuits.iter().map(|(_, circuit)| circuit.clone()).collect();
    let snapshot = snapshot(monday(9 * 3_600), 40);
    assert_eq!(planned(&snapshot, &site, &memory(&site, &snapshot)).advice, None, "every hall is ours");

    for (place, circuit) in circuits.iter_mut().enumerate() {
        if site.circuits.is_within(CircuitIx(place as u32), first_hall) {
            circuit.authority = Authority::Observe;
        }
    }
    site.circuits = offpeak_site::CircuitTree::new(circuits).unwrap();
    let plan = planned(&snapshot, &site, &memory(&site, &snapshot));
    let advice = plan.advice.unwrap();
    for (ix, machine) in site.machines() {
        let watched = site.circuits.hall_of(machine.circuit) == Some(first_hall);
        let (done, would) = (plan.setpoints[ix.ix()], advice[ix.ix()]);
        assert_eq!(would.target, Target::Off, "the window is closed");
        assert_eq!(done.target, if watched { Target::Leave } else { Target::Off });
        assert_eq!(done.reason == Reason::ObserveOnly, watched);
    }
}

fn any_activity() -> impl Strategy<Value = Option<Activity>> {
    prop_oneof![
        3 => Just(Some(Activity::Hashing)),
        3 => Just(Some(Activity::Asleep)),
        1 => Just(Some(Activity::Starting)),
        1 => Just(Some(Activity::Failed)),
        1 => Just(None),
    ]
}

fn any_mode() -> impl Strategy<Value = Option<ModeName>> {
    prop_oneof![
        Just(None),
        Just(Some(ModeName::Low)),
        Just(Some(ModeName::Normal)),
        Just(Some(ModeName::High))
    ]
}

fn any_want() -> impl Strategy<Value = Option<Want>> {
    let mode = any_mode().prop_map(|mode| mode.map(Want::Mode));
    prop_oneof![1 => Just(Some(Want::Sleep)), 2 => mode]
}

proptest! {
    /// Whatever words and corrections say below it, a circuit never counts for less than its meter shows.
    #[test]
    fn a_load_is_never_below_its_meter(
        states in proptest::collection::vec(any_activity(), 40),
        modes in proptest::collection::vec(any_mode(), 40),
        percent in 50_i64..160,
        corrected in 900_000_i64..1_200_000,
    ) {
        let site = site_with_modes();
        let at = monday(3_600);
        let mut snapshot = snapshot(at, 0);
        for ((seen, state), mode) in snapshot.machines.iter_mut().zip(&states).zip(&modes) {
            *seen = says(at, state.unwrap_or(Activity::Asleep));
            seen.reading.as_mut().unwrap().mode = *mode;
            seen.trouble = state.is_none().then_some((Trouble::Silent, at - SignedDuration::from_secs(5)));
        }
        snapshot.meters[0].as_mut().unwrap().power = Power::from_watts(MACHINE_W * 40 * percent / 100);
        let mut memory = memory(&site, &snapshot);
        memory.corrections[0] = Some(crate::Correction::new(corrected, at));
        let loads = Loads::new(&site, &Frame::new(&site), &snapshot, &memory);
        let root = loads.circuit(CircuitIx::ROOT);
        prop_assert!(root.measured.is_some() && root.upper >= root.measured.unwrap());
    }

    /// Whatever is seen and ordered, at whatever time, the sound plan passes the judge.
    #[test]
    fn the_judge_never_objects_to_the_planner(
        states in proptest::collection::vec(any_activity(), 40),
        second in 0_i64..10 * 3_600,
        limit_w in 0_i64..150_000,
        order_w in proptest::option::of(0_i64..150_000),
        stop in proptest::option::of(0_u32..7),
        lockout in proptest::option::of(0_u32..7),
        modes in proptest::option::of(proptest::collection::vec(any_mode(), 40)),
        wants in proptest::collection::vec(any_want(), 40),
        meter_factor in 0.8_f64..1.1,
        meter_age in 0_i64..20,
    ) {
        let mut site = if modes.is_some() { site_with_modes() } else { site() };
        site.contract.windows[0].limit = Power::from_watts(limit_w);
        let at = monday(second);
        let mut snapshot = snapshot(at, 0);
        let mut drawn = 0.0;
        for (seen, state) in snapshot.machines.iter_mut().zip(&states) {
            match state {
                Some(activity) => *seen = says(at, *activity),
                None => seen.trouble = Some((Trouble::Silent, at - SignedDuration::from_secs(5))),
            }
            drawn += if *state == Some(Activity::Hashing) { 3_000.0 } else { 20.0 };
        }
        for (seen, mode) in snapshot.machines.iter_mut().zip(modes.iter().flatten()) {
            if let Some(reading) = &mut seen.reading {
                reading.mode = *mode;
            }
        }
        if let Some(reading) = &mut snapshot.meters[0] {
            reading.power = Power::from_watts_f64(drawn * meter_factor).unwrap();
            reading.at = at - SignedDuration::from_secs(meter_age);
        }
        let order = order_w.map(|watts| {
            Order::at_most(1, CircuitIx(1), Power::from_watts(watts), monday(0), None)
        });
        snapshot.directives = Directives {
            stops: stop.map(|c| Stop { circuit: CircuitIx(c), at, reason: String::new() }).into_iter().collect(),
            lockouts: lockout.map(|c| Lockout { circuit: CircuitIx(c), at, by: String::new() }).into_iter().collect(),
            orders: order.into_iter().collect(),
            ..Directives::default()
        };
        let mut memory = memory(&site, &snapshot);
        let wants = wants.into_iter().enumerate().filter_map(|(ix, want)| Some((MachineIx(ix as u32), want?)));
        let envelope = envelope(&site, &snapshot.directives, at);
        memory.aim = Aim::wanting(at, wants).under(&envelope);
        let plan = planned(&snapshot, &site, &memory);
        prop_assert_eq!(check(&site, &Frame::new(&site), &snapshot, &envelope, &memory, &plan), vec![]);
    }
}
