//! A controller over time: what becomes of commands.

use std::sync::Arc;

use jiff::SignedDuration;
use offpeak_site::{Action, Activity, CircuitIx, MachineIx, Outcome, Trouble};

use crate::directive::{Order, OrderKind, Stop};
use crate::reconcile::CommandState;
use crate::snapshot::Returned;
use crate::testing::{memory, monday, says, site, snapshot};
use crate::{Controller, Cycle, Memory, Snapshot};

/// An hour into the window, all asleep: one cycle that starts machines.
fn opened() -> (Controller, Snapshot, Cycle) {
    let site = Arc::new(site());
    let snapshot = snapshot(monday(3_600), 0);
    let mut controller = Controller::new(Arc::clone(&site), memory(&site, &snapshot));
    let cycle = controller.cycle(&snapshot);
    (controller, snapshot, cycle)
}

fn pass(snapshot: &mut Snapshot, seconds: i64) {
    snapshot.at += SignedDuration::from_secs(seconds);
    for seen in &mut snapshot.machines {
        if let (Some(reading), None) = (&mut seen.reading, seen.trouble) {
            reading.at = snapshot.at;
        }
    }
    if let Some(meter) = &mut snapshot.meters[0] {
        meter.at = snapshot.at;
    }
    snapshot.returned.clear();
}

fn ends(cycle: &Cycle, machine: MachineIx) -> Vec<CommandState> {
    cycle.transitions.iter().filter(|t| t.machine == machine).map(|t| t.state.clone()).collect()
}

#[test]
fn a_yes_is_not_the_deed() {
    let (mut controller, mut snapshot, cycle) = opened();
    let command = cycle.commands[0];
    assert_eq!(command.action, Action::Wake);
    pass(&mut snapshot, 1);
    snapshot.returned = vec![Returned {
        machine: command.machine,
        generation: command.generation,
        outcome: Outcome::Accepted,
    }];
    assert_eq!(ends(&controller.cycle(&snapshot), command.machine), [CommandState::Accepted]);
    pass(&mut snapshot, 5);
    snapshot.machines[command.machine.ix()] = says(snapshot.at, Activity::Starting);
    assert_eq!(ends(&controller.cycle(&snapshot), command.machine), [CommandState::Confirmed]);
}

#[test]
fn a_refusal_keeps_its_words_and_rests() {
    let (mut controller, mut snapshot, cycle) = opened();
    let command = cycle.commands[0];
    pass(&mut snapshot, 1);
    let words = "permission denied".to_owned();
    snapshot.returned = vec![Returned {
        machine: command.machine,
        generation: command.generation,
        outcome: Outcome::Refused(words.clone()),
    }];
    let cycle = controller.cycle(&snapshot);
    assert_eq!(ends(&cycle, command.machine), [CommandState::Refused(words)]);
    assert!(!cycle.commands.iter().any(|again| again.machine == command.machine));
}

#[test]
fn an_old_generation_is_ignored() {
    let (mut controller, mut snapshot, cycle) = opened();
    let command = cycle.commands[0];
    pass(&mut snapshot, 1);
    snapshot.returned = vec![Returned {
        machine: command.machine,
        generation: command.generation + 1_000,
        outcome: Outcome::Refused("late".into()),
    }];
    assert_eq!(ends(&controller.cycle(&snapshot), command.machine), []);
}

/// Runs a stop, or a wish for zero, against machine 0 (with an outlet) or 1 (without), which accepts and ignores it.
fn ignored(place: usize, urgent: bool) -> Vec<(Action, CommandState)> {
    let site = Arc::new(site());
    let mut snapshot = snapshot(monday(3_600), 2);
    let mut controller = Controller::new(Arc::clone(&site), memory(&site, &snapshot));
    if urgent {
        let stop = Stop { circuit: CircuitIx::ROOT, at: snapshot.at, reason: "test".into() };
        snapshot.directives.stops.push(stop);
    } else {
        let order = Order::at_most(1, CircuitIx::ROOT, offpeak_units::Power::ZERO, snapshot.at, None);
        snapshot.directives.orders.push(Order { kind: OrderKind::Wish, ..order });
    }
    let mut story = Vec::new();
    for _ in 0..180 {
        let cycle = controller.cycle(&snapshot);
        let own = |t: &&crate::Transition| t.machine.ix() == place;
        story.extend(cycle.transitions.iter().filter(own).map(|t| (t.action, t.state.clone())));
        pass(&mut snapshot, 1);
        snapshot.returned = cycle
            .commands
            .iter()
            .map(|c| Returned { machine: c.machine, generation: c.generation, outcome: Outcome::Accepted })
            .collect();
    }
    story
}

#[test]
fn who_ignores_is_cut_at_the_outlet() {
    let story = ignored(0, false);
    let timeouts =
        story.iter().filter(|(action, state)| *action == Action::Sleep && *state == CommandState::TimedOut);
    assert_eq!(timeouts.count(), 2, "{story:?}");
    assert_eq!(story.last().unwrap(), &(Action::Cut, CommandState::Confirmed));
}

#[test]
fn in_an_emergency_there_is_one_try_before_the_outlet() {
    let ends = [CommandState::Issued, CommandState::Accepted, CommandState::TimedOut];
    let sleep = ends.map(|state| (Action::Sleep, state));
    let cut = [CommandState::Issued, CommandState::Confirmed].map(|state| (Action::Cut, state));
    assert_eq!(ignored(0, true), [&sleep[..], &cut].concat());
}

#[test]
fn who_ignores_without_an_outlet_is_left_for_a_while() {
    let story = ignored(1, true);
    assert_eq!(story.last().unwrap(), &(Action::Sleep, CommandState::TimedOut));
    assert_eq!(story.iter().filter(|(_, state)| *state == CommandState::Issued).count(), 2, "{story:?}");
}

#[test]
fn a_stop_supersedes_a_start_in_flight() {
    let (mut controller, mut snapshot, cycle) = opened();
    let started = cycle.commands[0].machine;
    pass(&mut snapshot, 1);
    snapshot.directives.stops.push(Stop { circuit: CircuitIx::ROOT, at: snapshot.at, reason: "test".into() });
    let cycle = controller.cycle(&snapshot);
    assert_eq!(ends(&cycle, started), [CommandState::Superseded, CommandState::Issued]);
    let sleeps = cycle.commands.iter().find(|command| command.machine == started).unwrap();
    assert_eq!(sleeps.action, Action::Sleep);
}

#[test]
fn nothing_starts_before_everything_was_asked() {
    let site = Arc::new(site());
    let mut snapshot = snapshot(monday(3_600), 0);
    snapshot.machines[39] = crate::Seen::default();
    let mut controller = Controller::new(Arc::clone(&site), Memory::new(&site, 1));
    assert_eq!(controller.cycle(&snapshot).commands, []);
    pass(&mut snapshot, 1);
    snapshot.machines[39].trouble = Some((Trouble::Unreachable, snapshot.at));
    assert!(!controller.cycle(&snapshot).commands.is_empty());
}

#[test]
fn a_restarted_controller_counts_what_was_started_before_it() {
    // Thirty-one machines were woken ten seconds ago and already say that they hash; the meter holds
    // next to nothing of it. A controller that knows the starts from the book adds none on top.
    let site = Arc::new(site());
    let mut snapshot = snapshot(monday(3_600), 31);
    snapshot.meters[0].as_mut().unwrap().power = offpeak_units::Power::from_watts(5_000);
    let mut memory = Memory::new(&site, 1);
    for remembered in &mut memory.machines[..31] {
        remembered.started_at = Some(snapshot.at - SignedDuration::from_secs(10));
    }
    let mut controller = Controller::new(Arc::clone(&site), memory);
    assert_eq!(controller.cycle(&snapshot).commands, []);
}
