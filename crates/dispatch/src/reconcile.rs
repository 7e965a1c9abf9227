//! The difference between what is wanted and what is seen becomes commands; each ends as
//! confirmed, refused, unanswered, timed out or superseded. A machine confirms itself by its own
//! later reading. One that does not obey holds up nobody.

use jiff::{SignedDuration, Timestamp};
use offpeak_site::{Action, Activity, Family, MachineIx, ModeName, Model, Outcome, Site, Timing, Trouble};
use offpeak_units::Power;

use crate::aim::restarts_for;
use crate::envelope::Source;
use crate::frame::{Frame, Rated};
use crate::limits;
use crate::load::Loads;
use crate::memory::{MachineMemory, Memory, Outstanding};
use crate::plan::{Plan, Reason, Setpoint, Target};
use crate::snapshot::{Seen, Snapshot};
use crate::standing::{Standing, p95};

/// Something to be sent. Worthless after `expires_at`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command {
    /// Its number, never used twice.
    pub generation: u64,
    /// To whom.
    pub machine: MachineIx,
    /// What.
    pub action: Action,
    /// When it was decided.
    pub issued_at: Timestamp,
    /// Not to be sent after this.
    pub expires_at: Timestamp,
    /// Why.
    pub reason: Reason,
}

/// How a command stands or has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandState {
    /// Decided.
    Issued,
    /// The machine said yes. That is not the deed.
    Accepted,
    /// The machine's own later reading (or the switch's own state) shows it done.
    Confirmed,
    /// The machine said no, in these words.
    Refused(String),
    /// Nobody can say whether it arrived.
    Unanswered(Trouble),
    /// Accepted or sent, and not seen done in time.
    TimedOut,
    /// Another wish took its place.
    Superseded,
}

/// A command's change of state, for the book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The command.
    pub generation: u64,
    /// To whom.
    pub machine: MachineIx,
    /// What.
    pub action: Action,
    /// When it changed.
    pub at: Timestamp,
    /// To what.
    pub state: CommandState,
    /// What the meter certainly falls by once it is done; zero for a start, and for a machine that was
    /// still ramping.
    pub relief: Power,
}

/// What has changed since the last cycle.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    /// Commands that changed state.
    pub(crate) transitions: Vec<Transition>,
    /// Machines that may have come up or gone down by themselves.
    pub(crate) surprised: Vec<MachineIx>,
    /// When the passing of time alone will next change a machine's standing.
    pub(crate) changes_at: Option<Timestamp>,
}

/// Takes in what was seen and returned since the last cycle: commands end, histories move on.
pub(crate) fn settle(site: &Site, frame: &Frame, snapshot: &Snapshot, memory: &mut Memory) -> Settled {
    let Settled { mut transitions, mut surprised, mut changes_at } = Settled::default();
    for returned in &snapshot.returned {
        let remembered = &mut memory.machines[returned.machine.ix()];
        if let Some(outstanding) =
            remembered.outstanding.filter(|held| held.generation == returned.generation)
        {
            let outlet = frame.places()[returned.machine.ix()].has_outlet;
            let state = take_outcome(remembered, outstanding, &returned.outcome, outlet, snapshot.at);
            transitions.push(transition(returned.machine, &outstanding, snapshot.at, state));
        }
    }
    let machines = frame.places().iter().zip(&snapshot.machines).zip(&mut memory.machines);
    for (ix, ((place, seen), remembered)) in machines.enumerate() {
        follow_outlet(seen, remembered);
        let rated = frame.rated(place.model);
        if follow_activity(rated, seen, remembered, snapshot.at) {
            surprised.push(MachineIx(ix as u32));
            for circuit in site.circuits.path(place.circuit) {
                let admitted = &mut memory.admitted[circuit.ix()];
                *admitted = admitted.map(|admitted| admitted + rated.need());
            }
        }
        if let Some(outstanding) = remembered.outstanding {
            let ended = if is_done(&outstanding, seen) {
                confirm(remembered, outstanding.action, snapshot.at);
                Some(CommandState::Confirmed)
            } else if snapshot.at >= outstanding.deadline {
                let tries = if outstanding.urgent { limits::ATTEMPTS_MAX } else { 1 };
                fail(remembered, outstanding, place.has_outlet, snapshot.at, tries);
                let gave_up = remembered.attempts == 0 || remembered.attempts >= limits::ATTEMPTS_MAX;
                // One try in an emergency is no proof that it never obeys.
                remembered.disobeys |= gave_up && !outstanding.is_increase() && !outstanding.urgent;
                Some(CommandState::TimedOut)
            } else {
                None
            };
            if let Some(state) = ended {
                transitions.push(transition(MachineIx(ix as u32), &outstanding, snapshot.at, state));
            }
        }
        changes_at = sooner(changes_at, next_change(seen, remembered, site.rules.timing, snapshot.at));
    }
    Settled { transitions, surprised, changes_at }
}

/// It did what was asked.
fn confirm(remembered: &mut MachineMemory, action: Action, at: Timestamp) {
    remembered.outstanding = None;
    remembered.attempts = 0;
    if action == Action::Sleep {
        // One that was restarting for a mode stays on its way until it has had time to: its firmware sleeps meanwhile.
        remembered.rests_since = Some(at);
        remembered.started_at = None;
        remembered.disobeys = false;
    }
}

fn transition(machine: MachineIx, of: &Outstanding, at: Timestamp, state: CommandState) -> Transition {
    Transition { generation: of.generation, machine, action: of.action, at, state, relief: of.relief }
}

/// What a reply means. A switch's reply is its own readback, so a cut is done when it is accepted.
fn take_outcome(
    remembered: &mut MachineMemory,
    outstanding: Outstanding,
    outcome: &Outcome,
    outlet: bool,
    at: Timestamp,
) -> CommandState {
    match outcome {
        Outcome::Accepted if outstanding.action == Action::Cut => {
            remembered.outstanding = None;
            remembered.attempts = 0;
            remembered.cut = true;
            remembered.changes_mode = None;
            remembered.switched_at = Some(at);
            remembered.rests_since = Some(at);
            remembered.started_at = None;
            CommandState::Confirmed
        }
        Outcome::Accepted => {
            if outstanding.action == Action::Restore {
                remembered.cut = false;
                remembered.switched_at = Some(at);
            }
            remembered.outstanding = Some(Outstanding { accepted: true, ..outstanding });
            CommandState::Accepted
        }
        Outcome::Refused(words) => {
            fail(remembered, outstanding, outlet, at, limits::ATTEMPTS_MAX);
            remembered.disobeys |= !outstanding.is_increase();
            CommandState::Refused(words.clone())
        }
        Outcome::Unanswered(trouble) => {
            fail(
                remembered,
                outstanding,
                outlet,
                at,
                if outstanding.urgent { limits::ATTEMPTS_MAX } else { 1 },
            );
            if remembered.attempts > 0 && remembered.attempts < limits::ATTEMPTS_MAX {
                remembered.sleep_retry_at = Some(at + limits::TRY_AGAIN_AFTER);
            }
            CommandState::Unanswered(*trouble)
        }
    }
}

/// A try has failed. Reductions are tried again at once and then at the outlet; increases rest.
fn fail(remembered: &mut MachineMemory, outstanding: Outstanding, outlet: bool, at: Timestamp, tries: u8) {
    remembered.outstanding = None;
    if matches!(outstanding.action, Action::SetMode(_)) {
        // It may have taken it, or may still: until then it counts as on its way.
        remembered.mode_retry_at = Some(at + limits::MODE_AGAIN_AFTER);
        return;
    }
    remembered.attempts = remembered.attempts.saturating_add(tries);
    if remembered.attempts < limits::ATTEMPTS_MAX {
        return;
    }
    if outstanding.is_increase() {
        remembered.attempts = 0;
        remembered.wake_retry_at = Some(at + limits::RETRY_AFTER);
    } else if !outlet || outstanding.action == Action::Cut {
        remembered.attempts = 0;
        remembered.sleep_retry_at = Some(at + limits::RETRY_AFTER);
    }
}

/// Whether a reading taken after the command shows it done.
fn is_done(outstanding: &Outstanding, seen: &Seen) -> bool {
    let Some(reading) = seen.reading.filter(|reading| reading.at > outstanding.issued_at) else {
        return false;
    };
    match outstanding.action {
        Action::Sleep => reading.activity == Activity::Asleep,
        Action::Wake => matches!(reading.activity, Activity::Starting | Activity::Hashing),
        Action::SetMode(mode) => reading.activity == Activity::Hashing && reading.mode == Some(mode),
        Action::Restore => outstanding.accepted && seen.trouble.is_none(),
        Action::Cut => false,
    }
}

/// The switch's own word on an outlet goes before what is remembered of it.
fn follow_outlet(seen: &Seen, remembered: &mut MachineMemory) {
    let switching =
        remembered.outstanding.is_some_and(|held| matches!(held.action, Action::Cut | Action::Restore));
    let news = seen.outlet_closed.filter(|(_, at)| remembered.switched_at.is_none_or(|last| *at > last));
    if let Some((closed, _)) = news.filter(|_| !switching) {
        remembered.cut = !closed;
    }
}

/// Notes when a machine begins to hash, so that its ramp is not mistaken for its full load. Returns
/// whether it may come to draw more without a start of ours: it fell silent while it was up (it may have
/// been off the meter for some seconds already), or it comes up by itself.
fn follow_activity(rated: &Rated, seen: &Seen, remembered: &mut MachineMemory, now: Timestamp) -> bool {
    let was = remembered.activity;
    let was_up = matches!(was, Some(Activity::Starting | Activity::Hashing));
    let changing = remembered.mode_under_way(now).is_some();
    if seen.trouble.is_some() {
        let falls_silent = was.is_some() && !remembered.lost;
        remembered.lost = true;
        return falls_silent && was_up && !changing;
    }
    let Some(reading) = &seen.reading else { return false };
    if !remembered.lost && was == Some(reading.activity) {
        return false;
    }
    let goes_on = was_up && reading.activity == Activity::Hashing || was.is_none();
    let ours = remembered.outstanding.is_some_and(|held| held.is_increase()) || changing;
    let rises = matches!(reading.activity, Activity::Starting | Activity::Hashing);
    let surprises = rises && !changing && (remembered.lost || !(goes_on || ours));
    if reading.activity == Activity::Hashing {
        let began = remembered.lost || remembered.activity.is_some_and(|was| was != Activity::Hashing);
        if began {
            remembered.hashing_since = Some(reading.at);
            remembered.settles_at = Some(reading.at + rated.settles);
        } else {
            // First seen hashing: the start that the book remembers is all there is to go by.
            remembered.settles_at = remembered.started_at.map(|at| at + rated.settles_from_start);
        }
    } else {
        remembered.hashing_since = None;
        remembered.settles_at = None;
    }
    remembered.returns = match reading.activity {
        Activity::Starting => remembered.returns || remembered.lost && !ours,
        Activity::Hashing => remembered.returns,
        Activity::Asleep | Activity::Failed => false,
    };
    remembered.activity = Some(reading.activity);
    remembered.lost = false;
    surprises
}

/// Turns the plan into commands.
pub(crate) fn issue(
    site: &Site,
    frame: &Frame,
    now: Timestamp,
    plan: &Plan,
    loads: &Loads,
    memory: &mut Memory,
) -> (Vec<Command>, Vec<Transition>) {
    let (mut commands, mut transitions) = (Vec::new(), Vec::new());
    for (place, (setpoint, standing)) in plan.setpoints.iter().zip(&loads.standings).enumerate() {
        if memory.machines[place].returns && matches!(setpoint.target, Target::Run(_)) {
            // It has its turn: from here on it counts like one that we started.
            memory.machines[place].returns = false;
            memory.machines[place].started_at = Some(now);
        }
        let mode = new_mode(*setpoint);
        if mode.is_none() && is_as_wanted(setpoint.target, *standing) {
            continue;
        }
        let ix = MachineIx(place as u32);
        let remembered = &mut memory.machines[place];
        let model = site.model_of(ix);
        let action = match setpoint.target {
            Target::Off => reduction(remembered, *standing, model, frame.places()[place].has_outlet, now),
            Target::Run(_) => {
                let changes = mode.filter(|_| *standing == Standing::Running).map(Action::SetMode);
                changes.or_else(|| increase(remembered, *standing))
            }
            Target::Leave => None,
        };
        let Some(action) = action else { continue };
        if let Some(superseded) = remembered.outstanding.take() {
            transitions.push(transition(ix, &superseded, now, CommandState::Superseded));
        }
        if setpoint.reason == Reason::Swapped {
            remembered.swapped_until = Some(now + limits::SWAP_RESTS);
        }
        let generation = memory.generation;
        memory.generation += 1;
        let settled = *standing == Standing::Running && setpoint.target == Target::Off;
        let relief = if settled { loads.relief(ix, model.sleep) } else { Power::ZERO };
        let urgent = frame.places()[place].has_outlet && is_urgent(setpoint.reason);
        let outstanding = begin(remembered, (action, urgent), relief, model, generation, now);
        transitions.push(transition(ix, &outstanding, now, CommandState::Issued));
        commands.push(Command {
            generation,
            machine: ix,
            action,
            issued_at: now,
            expires_at: now + limits::COMMAND_EXPIRY,
            reason: setpoint.reason,
        });
    }
    (commands, transitions)
}

/// The mode that a machine is told to take.
const fn new_mode(setpoint: Setpoint) -> Option<ModeName> {
    match (setpoint.target, setpoint.reason) {
        (Target::Run(mode), Reason::Lowers | Reason::Raises) => Some(mode),
        _ => None,
    }
}

/// Whether nothing can be left to ask.
const fn is_as_wanted(target: Target, standing: Standing) -> bool {
    match target {
        Target::Leave => true,
        Target::Off => matches!(standing, Standing::Asleep | Standing::Cut | Standing::Falling),
        Target::Run(_) => matches!(standing, Standing::Running | Standing::Rising),
    }
}

/// What, if anything, is to be sent so that a machine goes off.
fn reduction(
    remembered: &MachineMemory,
    standing: Standing,
    model: &Model,
    outlet: bool,
    now: Timestamp,
) -> Option<Action> {
    let in_flight = remembered.outstanding.is_some_and(|held| !held.is_increase());
    let resting = remembered.sleep_retry_at.is_some_and(|at| at > now);
    if in_flight || resting || matches!(standing, Standing::Asleep | Standing::Cut) {
        return None;
    }
    let by_command = model.sleeps_by_command && model.family != Family::Other;
    let give_up = remembered.disobeys || remembered.attempts >= limits::ATTEMPTS_MAX || !by_command;
    match (give_up, outlet) {
        (true, true) => Some(Action::Cut),
        (_, _) if by_command => Some(Action::Sleep),
        (_, _) => None,
    }
}

/// What, if anything, is to be sent so that a machine runs.
fn increase(remembered: &MachineMemory, standing: Standing) -> Option<Action> {
    match standing {
        _ if remembered.outstanding.is_some() => None,
        Standing::Cut => Some(Action::Restore),
        Standing::Asleep => Some(Action::Wake),
        _ => None,
    }
}

/// Whether somebody is in danger, or the grid: then there is no time for a second try.
const fn is_urgent(reason: Reason) -> bool {
    matches!(reason, Reason::Blocked(_, Source::Stop | Source::Lockout | Source::Emergency(_)))
}

/// Notes a command as outstanding.
fn begin(
    remembered: &mut MachineMemory,
    (action, urgent): (Action, bool),
    relief: Power,
    model: &Model,
    generation: u64,
    now: Timestamp,
) -> Outstanding {
    let takes = match action {
        Action::Sleep | Action::Cut => p95(model.transitions.sleep),
        Action::Wake => p95(model.transitions.wake),
        Action::SetMode(_) => restarts_for(model),
        Action::Restore => p95(model.transitions.boot) + p95(model.transitions.wake),
    };
    let urgent = urgent && action == Action::Sleep;
    let patience = if urgent { limits::URGENT_AFTER } else { takes + limits::CONFIRM_GRACE };
    let outstanding = Outstanding {
        generation,
        action,
        issued_at: now,
        deadline: now + patience,
        accepted: false,
        urgent,
        relief,
    };
    if let Action::SetMode(mode) = action {
        remembered.changes_mode = Some((mode, outstanding.deadline));
    } else if outstanding.is_increase() {
        remembered.started_at = Some(now);
    }
    if outstanding.is_increase() {
        remembered.hashing_since = None;
        remembered.settles_at = None;
        remembered.activity = Some(Activity::Asleep);
    }
    remembered.returns = false;
    remembered.outstanding = Some(outstanding);
    outstanding
}

/// When this machine's standing changes by the passing of time alone.
fn next_change(seen: &Seen, remembered: &MachineMemory, timing: Timing, now: Timestamp) -> Option<Timestamp> {
    let mut next = None;
    let mut note = |at: Option<Timestamp>| {
        if at.is_some_and(|at| at > now) {
            next = sooner(next, at);
        }
    };
    note(remembered.outstanding.map(|held| held.deadline));
    note(remembered.settles_at);
    note(remembered.changes_mode.map(|(_, until)| until));
    note(remembered.wake_retry_at);
    note(remembered.swapped_until);
    note(remembered.sleep_retry_at);
    note(remembered.started_at.map(|at| at + timing.least_run));
    note(remembered.rests_since.map(|at| at + timing.least_rest));
    if let Some((_, since)) = seen.trouble {
        note(Some(since + limits::READING_STALE));
        note(Some(since + limits::RETURN_HORIZON + SignedDuration::from_secs(1)));
        note(seen.reading.map(|reading| reading.at + limits::READING_STALE + SignedDuration::from_secs(1)));
    }
    next
}

/// The earlier of two instants that may be absent.
pub(crate) fn sooner(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
