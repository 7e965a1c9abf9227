//! What each limited circuit drew, as exact stretches: what the judge is shown.
//!
//! Not here: judging (`judge`).

use jiff::Timestamp;
use offpeak_site::CircuitIx;
use offpeak_units::Power;

use crate::plant::Plant;

/// A circuit's exact power over some seconds: linear, or constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Whose.
    pub circuit: CircuitIx,
    /// The first second,
    pub from: Timestamp,
    /// and the first one no longer in it.
    pub until: Timestamp,
    /// The power in the first second.
    pub power: Power,
    /// By how much each second is above the one before it.
    pub rise: Power,
}

/// Finished stretches of the limited circuits, in order. Those of the last advance, and of commands
/// since, are kept until the next advance.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trace {
    stretches: Vec<Stretch>,
    /// How many were dropped before the first one kept.
    dropped: u64,
    /// How many of the kept ones the next advance drops.
    old: usize,
}

impl Trace {
    /// Drops what has been kept through one advance.
    pub(crate) fn begin_advance(&mut self) {
        self.stretches.drain(..self.old);
        self.dropped += self.old as u64;
    }
    /// What is there now is dropped by the next advance.
    pub(crate) fn end_advance(&mut self) {
        self.old = self.stretches.len();
    }
}

impl Plant {
    /// Keeps what a limited circuit drew until now, before its line changes.
    pub(crate) fn finish_stretch(&mut self, circuit: CircuitIx) {
        let sums = self.circuits[circuit.ix()];
        if sums.since == self.t {
            return;
        }
        if sums.is_limited {
            let stretch = self.open_stretch(circuit);
            self.trace.stretches.push(stretch);
        }
        self.circuits[circuit.ix()].since = self.t;
    }

    /// A circuit's present line, from its last change until now (exclusive).
    #[must_use]
    pub fn open_stretch(&self, circuit: CircuitIx) -> Stretch {
        let sums = &self.circuits[circuit.ix()];
        let line = sums.power.line();
        Stretch {
            circuit,
            from: self.at(sums.since),
            until: self.now(),
            power: Power::from_milliwatts(line.at(sums.since)),
            rise: Power::from_milliwatts(line.slope()),
        }
    }
    /// The stretches finished since number `from`, and the number of the next one; `Err` with the
    /// count of those already dropped when some are missing. Stretches are kept of every circuit
    /// with a rating and of the connection, through one more advance.
    ///
    /// # Errors
    /// If stretches from that number on are no longer kept.
    pub fn stretches_since(&self, from: u64) -> Result<(&[Stretch], u64), u64> {
        let next = self.trace.dropped + self.trace.stretches.len() as u64;
        match from.checked_sub(self.trace.dropped) {
            Some(skip) => Ok((self.trace.stretches.get(skip as usize..).unwrap_or(&[]), next)),
            None => Err(self.trace.dropped - from),
        }
    }
}
