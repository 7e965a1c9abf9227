//! Fans over time, and the planner's fan rules against their judge.

use std::sync::Arc;

use jiff::SignedDuration;
use offpeak_site::{Action, Activity, CircuitIx, MachineIx, Trouble};
use proptest::prelude::*;

use super::*;
use crate::check::{VetoCause, check};
use crate::directive::{Directives, Lockout, Stop};
use crate::envelope::{Source, envelope};
use crate::frame::Frame;
use crate::load::Loads;
use crate::plan::{Flaw, Plan, Planner, Reason};
use crate::rank::rank;
use crate::snapshot::Seen;
use crate::testing::{memory, monday, says, site_with_fans, snapshot};
use crate::{Controller, Cycle};

/// A controller whose fans do what `obeys` says of each command.
struct Story {
    controller: Controller,
    snapshot: Snapshot,
    closed: u16,
    obeys: bool,
}

impl Story {
    /// An hour into the window; the first machines hash, the rest sleep.
    fn new(hashing: usize, closed: u16) -> Self {
        let site = Arc::new(site_with_fans());
        let mut snapshot = snapshot(monday(3_600), hashing);
        snapshot.fans = vec![Some(FansSeen { closed, at: snapshot.at })];
        let controller = Controller::new(Arc::clone(&site), memory(&site, &snapshot));
        Self { controller, snapshot, closed, obeys: true }
    }
    fn cycle(&mut self) -> Cycle {
        let cycle = self.controller.cycle(&self.snapshot);
        for command in cycle.fan_commands.iter().filter(|_| self.obeys) {
            self.closed = if command.run { 2 } else { 0 };
        }
        cycle
    }
    fn second(&mut self) -> Cycle {
        let cycle = self.cycle();
        self.snapshot.at += SignedDuration::from_secs(1);
        let at = self.snapshot.at;
        for seen in &mut self.snapshot.machines {
            if let (Some(reading), None) = (&mut seen.reading, seen.trouble) {
                reading.at = at;
            }
        }
        if let Some(meter) = &mut self.snapshot.meters[0] {
            meter.at = at;
            // One that shows the same for a minute is not believed.
            meter.power += Power::from_watts(if at.as_second() % 2 == 0 { 1 } else { -1 });
        }
        self.snapshot.fans = vec![Some(FansSeen { closed: self.closed, at })];
        cycle
    }
    /// Seconds until a cycle does this; at most half an hour.
    fn until(&mut self, does: impl Fn(&Cycle) -> bool) -> Option<u32> {
        (0..1_800).find(|_| does(&self.second()))
    }
}

fn wakes(cycle: &Cycle, hall: CircuitIx) -> usize {
    let site = site_with_fans();
    let here = |machine: MachineIx| site.circuits.is_within(site.machine(machine).circuit, hall);
    cycle.commands.iter().filter(|command| command.action == Action::Wake && here(command.machine)).count()
}

const HALL_1: CircuitIx = CircuitIx(1);
const HALL_2: CircuitIx = CircuitIx(2);

#[test]
fn machines_wait_for_their_fans() {
    let mut story = Story::new(0, 0);
    let cycle = story.second();
    assert_eq!(cycle.fan_commands.len(), 1);
    assert!(cycle.fan_commands[0].run);
    assert_eq!((wakes(&cycle, HALL_1), cycle.plan.setpoints[0].reason), (0, Reason::Fans(FanIx(0))));
    assert!(wakes(&cycle, HALL_2) > 0, "a hall without fans waits for none");
    let load = cycle.loads.circuit(HALL_1).upper;
    assert!(
        story.second().loads.circuit(HALL_1).upper >= load + Power::from_watts(6_000),
        "they are counted"
    );
    // Seen running a second after the command; 30 s later the first starts. Two cycles have gone by.
    assert_eq!(story.until(|cycle| wakes(cycle, HALL_1) > 0), Some(29));
}

#[test]
fn fans_that_do_not_come_on_are_asked_six_times_and_then_rest() {
    let mut story = Story::new(0, 0);
    story.obeys = false;
    let mut asked = Vec::new();
    for second in 0..1_500 {
        let cycle = story.second();
        assert_eq!(wakes(&cycle, HALL_1), 0);
        asked.extend(cycle.fan_commands.iter().map(|_| second));
    }
    assert_eq!(asked, [0, 10, 20, 30, 40, 50, 960, 970, 980, 990, 1_000, 1_010]);
    story.closed = 1;
    assert_eq!(story.until(|cycle| wakes(cycle, HALL_1) > 0), None, "one contactor of two is not enough");
}

#[test]
fn a_silent_switch_starts_nothing() {
    let mut story = Story::new(0, 2);
    story.second();
    for _ in 0..300 {
        let at = story.snapshot.fans[0];
        assert_eq!(wakes(&story.second(), HALL_1), 0);
        story.snapshot.fans[0] = at;
    }
}

#[test]
fn fans_run_on_until_all_is_known_to_be_off() {
    let mut story = Story::new(3, 2);
    story.snapshot.directives.stops.push(Stop {
        circuit: CircuitIx::ROOT,
        at: story.snapshot.at,
        reason: "test".into(),
    });
    story.second();
    for machine in 0..2 {
        story.snapshot.machines[machine] = says(story.snapshot.at, Activity::Asleep);
    }
    story.snapshot.machines[2].trouble = Some((Trouble::Silent, story.snapshot.at));
    assert_eq!(story.until(|cycle| !cycle.fan_commands.is_empty()), None, "unknown may run");
    story.snapshot.machines[2] = says(story.snapshot.at, Activity::Asleep);
    assert_eq!(story.until(|cycle| !cycle.fan_commands.is_empty()), Some(240));
    assert_eq!(story.closed, 0);
}

#[test]
fn fans_that_stop_under_machines_come_back_or_the_machines_stop() {
    let mut story = Story::new(20, 2);
    assert!(story.second().fan_commands.is_empty());
    (story.closed, story.obeys) = (1, false);
    story.second();
    let cycle = story.second();
    assert!(cycle.fan_commands[0].run, "asked at once");
    assert_eq!(cycle.plan.setpoints[0].reason, Reason::Runs);
    let off = |cycle: &Cycle| cycle.commands.iter().any(|command| command.action == Action::Sleep);
    assert_eq!(story.until(off), Some(119));
    assert_eq!(story.controller.memory().fans[0].idle_since, None);
}

#[test]
fn nothing_is_asked_of_fans_without_authority_or_where_somebody_works() {
    let mut story = Story::new(5, 0);
    story.snapshot.directives.lockouts.push(Lockout {
        circuit: HALL_1,
        at: story.snapshot.at,
        by: "electrician".into(),
    });
    for _ in 0..300 {
        assert!(story.second().fan_commands.is_empty());
    }
    let mut site = site_with_fans();
    let mut circuits: Vec<_> = site.circuits.iter().map(|(_, circuit)| circuit.clone()).collect();
    for circuit in &mut circuits {
        circuit.authority = Authority::Observe;
    }
    site.circuits = offpeak_site::CircuitTree::new(circuits).unwrap();
    let mut story = Story::new(5, 0);
    story.controller = Controller::new(Arc::new(site.clone()), memory(&site, &story.snapshot));
    for _ in 0..300 {
        assert!(story.second().fan_commands.is_empty());
    }
}

#[test]
fn fans_need_room_too() {
    let mut story = Story::new(0, 0);
    // The hall's rating has room for a machine, and none for the fans.
    let mut site = site_with_fans();
    let mut circuits: Vec<_> = site.circuits.iter().map(|(_, circuit)| circuit.clone()).collect();
    circuits[1].rating = Some(Power::from_watts(5_500));
    site.circuits = offpeak_site::CircuitTree::new(circuits).unwrap();
    story.controller = Controller::new(Arc::new(site.clone()), memory(&site, &story.snapshot));
    for _ in 0..60 {
        let cycle = story.second();
        assert_eq!((cycle.fan_commands.len(), wakes(&cycle, HALL_1)), (0, 0));
        assert_eq!(cycle.plan.setpoints[0].reason, Reason::NoRoom(HALL_1));
    }
}

/// A plan at a moment, sound or with the planner's mistake.
fn planned(site: &Site, snapshot: &Snapshot, memory: &Memory, flaw: Option<Flaw>) -> Plan {
    let envelope = envelope(site, &snapshot.directives, snapshot.at);
    let frame = Frame::new(site);
    let loads = Loads::new(site, &frame, snapshot, memory);
    let ranking = rank(site, &[], None, None);
    let mut planner = Planner::new(site, &frame, snapshot, &envelope, &loads, &ranking, memory);
    planner.flaw = flaw;
    planner.run()
}

fn judged(site: &Site, snapshot: &Snapshot, memory: &Memory, plan: &Plan) -> Vec<VetoCause> {
    let envelope = envelope(site, &snapshot.directives, snapshot.at);
    let vetoes = check(site, &Frame::new(site), snapshot, &envelope, memory, plan);
    vetoes.into_iter().map(|veto| veto.cause).collect()
}

/// Fans seen like this for so long, and everything below known to be off for so long.
fn moment(hashing: usize, closed: u16, seen_s: i64, idle_s: Option<i64>) -> (Site, Snapshot, Memory) {
    let (site, mut snapshot) = (site_with_fans(), snapshot(monday(3_600), hashing));
    let at = snapshot.at;
    let ago = |seconds: i64| at - SignedDuration::from_secs(seconds);
    snapshot.fans = vec![Some(FansSeen { closed, at })];
    let mut memory = memory(&site, &snapshot);
    memory.fans[0] = FansMemory {
        running_since: (closed == 2).then(|| ago(seen_s)),
        still_since: (closed < 2).then(|| ago(seen_s)),
        idle_since: idle_s.map(ago),
        ..FansMemory::default()
    };
    (site, snapshot, memory)
}

#[test]
fn every_mistake_with_fans_is_caught() {
    let unknown = |mut case: (Site, Snapshot, Memory)| {
        case.1.machines[0] = Seen { trouble: Some((Trouble::Silent, monday(0))), ..Seen::default() };
        case
    };
    let locked = |mut case: (Site, Snapshot, Memory)| {
        case.1.directives.lockouts.push(Lockout { circuit: HALL_1, at: monday(0), by: "x".into() });
        case
    };
    let closed = |mut case: (Site, Snapshot, Memory)| {
        case.0.contract.windows.clear();
        case
    };
    for (flaw, cause, (site, snapshot, memory)) in [
        (Flaw::FansNotRun, VetoCause::StartWithoutFans, moment(0, 2, 29, Some(500))),
        (Flaw::FansNotRun, VetoCause::StartWithoutFans, moment(0, 1, 500, Some(500))),
        (Flaw::FansOffEarly, VetoCause::FansOffTooEarly, closed(moment(0, 2, 500, Some(239)))),
        (Flaw::FansOffUnknown, VetoCause::FansOffTooEarly, unknown(moment(0, 2, 500, None))),
        (Flaw::FansGone, VetoCause::LeftWithoutFans, moment(20, 0, 120, None)),
        (Flaw::FansLockedOut, VetoCause::FansOnInSpite(Source::Lockout), locked(moment(20, 0, 5, None))),
    ] {
        let sound = planned(&site, &snapshot, &memory, None);
        assert_eq!(judged(&site, &snapshot, &memory, &sound), vec![], "{flaw:?}: the sound plan passes");
        let flawed = planned(&site, &snapshot, &memory, Some(flaw));
        let found = judged(&site, &snapshot, &memory, &flawed);
        assert!(found.contains(&cause), "{flaw:?} gave {found:?}");
        let mut held = flawed.clone();
        let envelope = envelope(&site, &snapshot.directives, snapshot.at);
        let vetoes = check(&site, &Frame::new(&site), &snapshot, &envelope, &memory, &held);
        crate::check::apply(&site, &vetoes, &mut held);
        assert_eq!(judged(&site, &snapshot, &memory, &held), vec![], "{flaw:?}: harmless once held");
    }
}

proptest! {
    /// Whatever is seen of machines and fans, the sound plan passes the judge.
    #[test]
    fn the_judge_never_objects_to_what_is_done_with_fans(
        states in proptest::collection::vec(proptest::option::weighted(0.9, 0_u8..3), 40),
        second in 0_i64..10 * 3_600,
        closed in 0_u16..=2,
        seen_s in 0_i64..400,
        age_s in 0_i64..30,
        asked in proptest::option::of((any::<bool>(), 0_i64..30)),
        lockout in proptest::option::of(0_u32..7),
    ) {
        let (site, at) = (site_with_fans(), monday(second));
        let mut snapshot = snapshot(at, 0);
        for (seen, state) in snapshot.machines.iter_mut().zip(&states) {
            let activity = [Activity::Hashing, Activity::Asleep, Activity::Starting];
            match state {
                Some(state) => *seen = says(at, activity[usize::from(*state)]),
                None => seen.trouble = Some((Trouble::Silent, at - SignedDuration::from_secs(5))),
            }
        }
        let ago = |seconds: i64| at - SignedDuration::from_secs(seconds);
        snapshot.fans = vec![Some(FansSeen { closed, at: ago(age_s) })];
        let lockout = lockout.map(|c| Lockout { circuit: CircuitIx(c), at, by: String::new() });
        snapshot.directives = Directives { lockouts: lockout.into_iter().collect(), ..Directives::default() };
        let mut memory = memory(&site, &snapshot);
        memory.fans[0] = FansMemory {
            running_since: Some(ago(age_s + seen_s)),
            still_since: Some(ago(age_s + seen_s)),
            asked: asked.map(|(run, s)| FansAsked { generation: 0, run, at: ago(s) }),
            ..FansMemory::default()
        };
        settle(&site, &snapshot, &mut memory);
        let frame = Frame::new(&site);
        let loads = Loads::new(&site, &frame, &snapshot, &memory);
        for idle in [None, Some(ago(seen_s))] {
            memory.fans[0].idle_since = idle;
            note_idle(&site, &loads.standings, at, &mut memory);
            let plan = planned(&site, &snapshot, &memory, None);
            prop_assert_eq!(judged(&site, &snapshot, &memory, &plan), vec![]);
        }
    }
}
