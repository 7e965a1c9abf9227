//! Fans: they run before machines start and until after the last has stopped.
//!
//! What is believed is the contactor read back, never what was asked. Unknown means on the safe side both
//! ways: of fans that may stand still nothing is started, and for a machine that may run fans are not
//! switched off. Nor are they for a limit: machines without air are the greater harm, so fans count to what
//! cannot be shed until their run-on is over.
//!
//! Not here: which machines run (`plan`), and the second opinion (`check_fans`).

use jiff::Timestamp;
use offpeak_site::{Authority, FanIx, Fans, Site};
use offpeak_units::Power;

use crate::limits;
use crate::memory::Memory;
use crate::reconcile::CommandState;
use crate::snapshot::Snapshot;
use crate::standing::Standing;

/// What the switch last said of a set of fans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FansSeen {
    /// How many of its contactors are closed.
    pub closed: u16,
    /// When the switch was asked.
    pub at: Timestamp,
}

/// What is remembered of a set of fans.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FansMemory {
    /// All its contactors have been seen closed since then, without a silence.
    pub running_since: Option<Timestamp>,
    /// At least one has been seen open since then.
    pub still_since: Option<Timestamp>,
    /// Every machine that needs them has been seen asleep or cut since then.
    pub idle_since: Option<Timestamp>,
    /// What was asked of them and has not been seen yet.
    pub asked: Option<FansAsked>,
    /// Tries of the present wish that were not followed.
    pub tries: u8,
    /// Not asked again before this.
    pub rests_until: Option<Timestamp>,
}

/// A command to fans in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FansAsked {
    /// Its number.
    pub generation: u64,
    /// To run, or to stop.
    pub run: bool,
    /// When.
    pub at: Timestamp,
}

/// What a set of fans should do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FanTarget {
    /// Nothing is asked of it.
    Leave,
    /// Run.
    Run,
    /// Stand still.
    Stop,
}

/// To be sent to a set of fans. Worthless after `expires_at`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FanCommand {
    /// Its number, from the same count as the machines'.
    pub generation: u64,
    /// To which.
    pub fans: FanIx,
    /// To run, or to stop.
    pub run: bool,
    /// Not to be sent after this.
    pub expires_at: Timestamp,
}

/// A fan command's change of state, for the book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FanTransition {
    /// The command.
    pub generation: u64,
    /// To which.
    pub fans: FanIx,
    /// To run, or to stop.
    pub run: bool,
    /// When it changed.
    pub at: Timestamp,
    /// To what.
    pub state: CommandState,
}

/// What the switch said, unless that is too old to count.
pub(crate) fn fresh(snapshot: &Snapshot, fans: FanIx) -> Option<FansSeen> {
    let seen = snapshot.fans.get(fans.ix()).copied().flatten()?;
    (seen.at.duration_until(snapshot.at) <= limits::FANS_STALE).then_some(seen)
}

/// Takes in what was seen since the last cycle.
pub(crate) fn settle(site: &Site, snapshot: &Snapshot, memory: &mut Memory) -> Vec<FanTransition> {
    let mut transitions = Vec::new();
    for (ix, fans) in site.fans() {
        let remembered = &mut memory.fans[ix.ix()];
        let seen = fresh(snapshot, ix);
        let runs = seen.is_some_and(|seen| seen.closed == fans.channels);
        let still = seen.is_some_and(|seen| seen.closed < fans.channels);
        let since = |held: Option<Timestamp>| held.or(seen.map(|seen| seen.at));
        remembered.running_since = if runs { since(remembered.running_since) } else { None };
        remembered.still_since = if still { since(remembered.still_since) } else { None };
        if let (Some(asked), Some(seen)) = (remembered.asked, seen) {
            let done = if asked.run { runs } else { seen.closed == 0 };
            if done && seen.at > asked.at {
                (remembered.asked, remembered.tries) = (None, 0);
                transitions.push(transition(ix, asked, snapshot.at, CommandState::Confirmed));
            }
        }
    }
    transitions
}

const fn transition(fans: FanIx, of: FansAsked, at: Timestamp, state: CommandState) -> FanTransition {
    FanTransition { generation: of.generation, fans, run: of.run, at, state }
}

/// When the passing of time alone will next change something.
pub(crate) fn next_change(site: &Site, memory: &Memory, now: Timestamp) -> Option<Timestamp> {
    let all = site.fans().flat_map(|(ix, fans)| times(fans, &memory.fans[ix.ix()]));
    all.flatten().filter(|at| *at > now).min()
}

fn times(fans: &Fans, remembered: &FansMemory) -> [Option<Timestamp>; 6] {
    [
        remembered.running_since.map(|at| at + fans.lead),
        remembered.running_since.map(|at| at + limits::SETTLE_GRACE),
        remembered.still_since.map(|at| at + fans.without),
        remembered.idle_since.map(|at| at + fans.run_on),
        remembered.asked.map(|asked| asked.at + limits::FANS_AGAIN_AFTER),
        remembered.rests_until,
    ]
}

/// What a set of fans adds to its circuit's load.
pub(crate) struct FanLoad {
    /// The most it may be drawing.
    pub(crate) credible: Power,
    /// What of that the meter may not hold yet.
    pub(crate) pending: Power,
}

/// What fans draw, and may come to draw: nothing only while all are seen open and none was asked to run.
pub(crate) fn load(fans: &Fans, seen: Option<FansSeen>, remembered: &FansMemory, now: Timestamp) -> FanLoad {
    let coming = remembered.asked.is_some_and(|asked| asked.run);
    if !coming && seen.is_some_and(|seen| seen.closed == 0) {
        return FanLoad { credible: Power::ZERO, pending: Power::ZERO };
    }
    let settled = remembered.running_since.is_some_and(|since| since + limits::SETTLE_GRACE <= now);
    FanLoad { credible: fans.power, pending: if settled { Power::ZERO } else { fans.power } }
}

/// Whether a machine may be started below these fans.
pub(crate) fn is_ready(fans: &Fans, remembered: &FansMemory, now: Timestamp) -> bool {
    let stops = remembered.asked.is_some_and(|asked| !asked.run);
    !stops && remembered.running_since.is_some_and(|since| since + fans.lead <= now)
}

/// Whether machines below have run without them for as long as they may.
pub(crate) fn is_airless(fans: &Fans, remembered: &FansMemory, now: Timestamp) -> bool {
    remembered.still_since.is_some_and(|since| since + fans.without <= now)
}

/// By circuit: the sets of fans that a machine there needs.
pub(crate) fn by_circuit(site: &Site) -> Vec<Vec<FanIx>> {
    let mut needed: Vec<Vec<FanIx>> = vec![Vec::new(); site.circuits.len()];
    for (ix, fans) in site.fans() {
        needed[fans.circuit.ix()].push(ix);
    }
    for (ix, circuit) in site.circuits.iter() {
        if let Some(parent) = circuit.parent.filter(|_| !site.fans.is_empty()) {
            let above = needed[parent.ix()].clone();
            needed[ix.ix()].extend(above);
        }
    }
    needed
}

/// Whether they run or were asked to, so that their power is counted already.
pub(crate) fn is_on(remembered: &FansMemory) -> bool {
    remembered.asked.map_or(remembered.running_since.is_some(), |asked| asked.run)
}

/// What each set should do. `granted` says of each whether it may come on for machines that need it.
pub(crate) fn targets(site: &Site, memory: &Memory, now: Timestamp, granted: &[bool]) -> Vec<FanTarget> {
    let target = |(ix, fans): (FanIx, &Fans)| {
        let remembered = &memory.fans[ix.ix()];
        let acts = memory.ready && site.authority(fans.circuit) == Authority::Control;
        match remembered.idle_since {
            _ if !acts => FanTarget::Leave,
            _ if granted[ix.ix()] => FanTarget::Run,
            None if remembered.running_since.is_some() => FanTarget::Run,
            Some(since) if since + fans.run_on <= now => FanTarget::Stop,
            // They run on, or may not come on now.
            _ => FanTarget::Leave,
        }
    };
    site.fans().map(target).collect()
}

/// Notes since when every machine below is known to be off.
pub(crate) fn note_idle(site: &Site, standings: &[Standing], now: Timestamp, memory: &mut Memory) {
    if site.fans.is_empty() {
        return;
    }
    let mut may_run = vec![false; site.circuits.len()];
    for ((_, machine), standing) in site.machines().zip(standings) {
        may_run[machine.circuit.ix()] |= !matches!(standing, Standing::Asleep | Standing::Cut);
    }
    for (ix, circuit) in site.circuits.iter().rev() {
        if let Some(parent) = circuit.parent {
            may_run[parent.ix()] |= may_run[ix.ix()];
        }
    }
    for (ix, fans) in site.fans() {
        let idle = &mut memory.fans[ix.ix()].idle_since;
        *idle = if may_run[fans.circuit.ix()] { None } else { idle.or(Some(now)) };
    }
}

/// Turns the targets into commands.
pub(crate) fn issue(
    site: &Site,
    snapshot: &Snapshot,
    targets: &[FanTarget],
    memory: &mut Memory,
) -> (Vec<FanCommand>, Vec<FanTransition>) {
    let (mut commands, mut transitions) = (Vec::new(), Vec::new());
    let now = snapshot.at;
    for ((ix, fans), target) in site.fans().zip(targets) {
        let seen = fresh(snapshot, ix);
        let run = match target {
            FanTarget::Run if seen.is_none_or(|seen| seen.closed < fans.channels) => true,
            FanTarget::Stop if seen.is_none_or(|seen| seen.closed > 0) => false,
            _ => continue,
        };
        let (generation, remembered) = (memory.generation, &mut memory.fans[ix.ix()]);
        if let Some(asked) = remembered.asked {
            let due = asked.at + limits::FANS_AGAIN_AFTER <= now;
            if asked.run == run && !due {
                continue;
            }
            let (state, tries) = if asked.run == run {
                (CommandState::TimedOut, remembered.tries + 1)
            } else {
                (CommandState::Superseded, 0)
            };
            (remembered.asked, remembered.tries) = (None, tries);
            transitions.push(transition(ix, asked, now, state));
            if tries >= limits::FANS_TRIES_MAX {
                (remembered.tries, remembered.rests_until) = (0, Some(now + limits::RETRY_AFTER));
            } else if tries == 0 {
                remembered.rests_until = None;
            }
        }
        if remembered.rests_until.is_some_and(|at| at > now) {
            continue;
        }
        let asked = FansAsked { generation, run, at: now };
        remembered.asked = Some(asked);
        memory.generation += 1;
        transitions.push(transition(ix, asked, now, CommandState::Issued));
        let expires_at = now + limits::FANS_AGAIN_AFTER;
        commands.push(FanCommand { generation, fans: ix, run, expires_at });
    }
    (commands, transitions)
}

#[cfg(test)]
#[path = "fans_tests.rs"]
mod tests;
