//! The judge of a run: counts the seconds in which a circuit drew more than it may, on the plant's
//! noise-free power, to the second, however far the plant was advanced at a time.
//!
//! It shares no code with whatever controlled the plant. Not here: why it happened.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use offpeak_site::{CircuitIx, LimitSpan, MachineIx, Site};
use offpeak_units::Power;

use crate::plant::{Plant, Stretch};

/// One limit exceeded, in its worst second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Excess {
    /// Where.
    pub circuit: CircuitIx,
    /// In the second that begins then.
    pub at: Timestamp,
    /// What it drew.
    pub power: Power,
    /// What it may: the lower of its rating and, at the connection, the contract's limit.
    pub limit: Power,
}

impl Excess {
    /// By how much.
    #[must_use]
    pub fn above(&self) -> Power {
        self.power - self.limit
    }
}

/// A machine that drew power although it was last asked to sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Culprit {
    /// Which.
    pub machine: MachineIx,
    /// What it drew.
    pub power: Power,
}

/// What was found so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Seconds above a limit; a second in which two circuits were above theirs counts twice.
    pub seconds: u64,
    /// Seconds that could not be judged, because the plant was advanced twice without a look.
    pub seconds_unseen: u64,
    /// The worst excess; the earliest of equals.
    pub worst: Option<Excess>,
    /// Below the worst excess' circuit, the machines that drew against a command when it was seen.
    pub culprits: Vec<Culprit>,
}

/// The judge.
#[derive(Clone, Debug)]
pub struct Judge {
    site: Arc<Site>,
    /// Every circuit that something limits.
    limited: Vec<CircuitIx>,
    /// Until when each circuit is judged, one element a circuit.
    judged: Vec<Timestamp>,
    /// Circuits whose present line lies above their limit, or rises and may come to.
    suspects: BTreeSet<CircuitIx>,
    /// The contract's span in which the last look lay.
    span: LimitSpan,
    /// The number of the next stretch to look at.
    next: u64,
    verdict: Verdict,
}
