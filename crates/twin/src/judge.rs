//! The judge of a run: counts the seconds in which a circuit drew more than it may, on the plant's
//! noise-free power, to the second, however far the plant was advanced at a time.
//!
//! It shares no code with whatever controlled the plant. Not here: why it happened.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use offpeak_site::{CircuitIx, LimitSpan, MachineIx, Site};
use offpeak_units::Power;

use crate::plant::Plant;
use crate::trace::Stretch;

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
    /// Seconds in which machines hashed below fans of which not all ran, at the times it looked; each set counts.
    pub seconds_without_fans: u64,
    /// The worst excess; the earliest of equals.
    pub worst: Option<Excess>,
    /// Below the worst excess' circuit, the machines that drew against a command when it was seen.
    pub culprits: Vec<Culprit>,
}

/// The judge.
#[derive(Clone, Debug)]
pub struct Judge {
    site: Arc<Site>,
    /// Until when each circuit is judged, one element a circuit.
    judged: Vec<Timestamp>,
    /// Circuits whose present line lies above their limit, or rises and may come to.
    suspects: BTreeSet<CircuitIx>,
    /// The contract's span in which the last look lay.
    span: LimitSpan,
    /// The number of the next stretch to look at.
    next: u64,
    /// When it looked last.
    looked: Timestamp,
    verdict: Verdict,
}

impl Judge {
    /// A judge of everything from `start` on; seconds before it are none of its business.
    #[must_use]
    pub fn new(site: &Arc<Site>, start: Timestamp) -> Self {
        Self {
            site: Arc::clone(site),
            judged: vec![start; site.circuits.len()],
            suspects: site.circuits.iter().map(|(ix, _)| ix).filter(|ix| is_limited(site, *ix)).collect(),
            span: site.contract.limit_at(&site.time_zone, start),
            next: 0,
            looked: start,
            verdict: Verdict::default(),
        }
    }

    /// Looks at everything up to the plant's present second, which itself is not over yet. Call it
    /// after each [`Plant::advance`].
    pub fn observe(&mut self, plant: &Plant) {
        let worst_before = self.verdict.worst;
        let (stretches, next) = match plant.stretches_since(self.next) {
            Ok(kept) => kept,
            Err(missed) => {
                self.miss(plant);
                plant.stretches_since(self.next + missed).expect("counted from the first one kept")
            }
        };
        self.next = next;
        for stretch in stretches {
            self.judge(stretch);
            self.suspects.insert(stretch.circuit);
        }
        for circuit in std::mem::take(&mut self.suspects) {
            let open = plant.open_stretch(circuit);
            self.judge(&open);
            if self.is_suspect(&open) {
                self.suspects.insert(circuit);
            }
        }
        self.judge_fans(plant);
        // The connection's limit changes with the hour, so its line is never above suspicion.
        self.suspects.insert(CircuitIx::ROOT);
        if let Some(worst) = self.verdict.worst.filter(|_| self.verdict.worst != worst_before) {
            self.verdict.culprits = culprits(&self.site, plant, worst.circuit);
        }
    }

    fn judge_fans(&mut self, plant: &Plant) {
        let passed = seconds_between(self.looked, plant.now()).max(0).cast_unsigned();
        self.looked = plant.now().max(self.looked);
        for (ix, fans) in self.site.fans() {
            if plant.fans_running(ix) < fans.channels && plant.hashing_below(fans.circuit) > 0 {
                self.verdict.seconds_without_fans += passed;
            }
        }
    }

    /// What was found so far.
    #[must_use]
    pub const fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    /// Stretches were dropped before they were seen: the time up to now cannot be judged where
    /// something changed, so nowhere.
    fn miss(&mut self, plant: &Plant) {
        let from = self.judged[CircuitIx::ROOT.ix()];
        self.verdict.seconds_unseen += seconds_between(from, plant.now()).cast_unsigned();
        for (ix, judged) in self.judged.iter_mut().enumerate() {
            *judged = plant.now().max(*judged);
            if is_limited(&self.site, CircuitIx(ix as u32)) {
                self.suspects.insert(CircuitIx(ix as u32));
            }
        }
    }

    /// Whether a line may come above its limit as long as nothing changes it.
    fn is_suspect(&self, open: &Stretch) -> bool {
        let Some(rating) = self.site.circuits.get(open.circuit).rating else { return false };
        !open.rise.is_zero() && !open.rise.is_negative() || power_at(open, open.until) > rating
    }

    /// Judges the part of a stretch that is not judged yet, split where the limit changes.
    fn judge(&mut self, stretch: &Stretch) {
        let circuit = stretch.circuit;
        let mut from = stretch.from.max(self.judged[circuit.ix()]);
        while from < stretch.until {
            let (limit, until) = self.limit(circuit, from);
            let until = until.min(stretch.until);
            if let Some(limit) = limit {
                self.judge_part(stretch, from, until, limit);
            }
            from = until;
        }
        self.judged[circuit.ix()] = stretch.until.max(self.judged[circuit.ix()]);
    }

    /// What a circuit may draw at an instant, and until when that is so.
    fn limit(&mut self, circuit: CircuitIx, at: Timestamp) -> (Option<Power>, Timestamp) {
        let rating = self.site.circuits.get(circuit).rating;
        if circuit != CircuitIx::ROOT {
            return (rating, Timestamp::MAX);
        }
        if !(self.span.from..self.span.until).contains(&at) {
            self.span = self.site.contract.limit_at(&self.site.time_zone, at);
        }
        let limit = rating.map_or(self.span.limit, |rating| rating.min(self.span.limit));
        (Some(limit), self.span.until)
    }

    /// Judges the seconds `from..until` under one limit.
    fn judge_part(&mut self, stretch: &Stretch, from: Timestamp, until: Timestamp, limit: Power) {
        // An edge inside a second counts from the next whole one.
        let last = until - SignedDuration::from_nanos(1);
        let last = Timestamp::from_second(last.as_second()).expect("a whole second of a valid instant");
        let (first_power, last_power) = (power_at(stretch, from), power_at(stretch, last));
        let count = seconds_between(from, last) + 1;
        let (first, rise) = ((first_power - limit).to_milliwatts(), stretch.rise.to_milliwatts());
        let above = seconds_above(first, rise, count);
        if above == 0 {
            return;
        }
        self.verdict.seconds += above.cast_unsigned();
        let (power, at) = if last_power > first_power { (last_power, last) } else { (first_power, from) };
        let excess = Excess { circuit: stretch.circuit, at, power, limit };
        if self.verdict.worst.is_none_or(|worst| excess.above() > worst.above()) {
            self.verdict.worst = Some(excess);
        }
    }
}

/// Of `count` values `first`, `first + rise`, ... how many are above zero.
const fn seconds_above(first: i64, rise: i64, count: i64) -> i64 {
    if rise == 0 {
        return if first > 0 { count } else { 0 };
    }
    if rise > 0 {
        // Those at or below zero come first: i <= -first / rise.
        let below = if first > 0 { 0 } else { -first / rise + 1 };
        return if below >= count { 0 } else { count - below };
    }
    // Those above zero come first: i < first / -rise, rounded up.
    let above = if first <= 0 { 0 } else { (first - rise - 1) / -rise };
    if above < count { above } else { count }
}

fn seconds_between(from: Timestamp, until: Timestamp) -> i64 {
    from.duration_until(until).as_secs()
}

fn power_at(stretch: &Stretch, at: Timestamp) -> Power {
    stretch.power + stretch.rise * seconds_between(stretch.from, at)
}

fn is_limited(site: &Site, circuit: CircuitIx) -> bool {
    circuit == CircuitIx::ROOT || site.circuits.get(circuit).rating.is_some()
}

/// The machines below a circuit that draw against a command.
fn culprits(site: &Site, plant: &Plant, circuit: CircuitIx) -> Vec<Culprit> {
    plant
        .defiant()
        .filter(|machine| site.circuits.is_within(site.machine(*machine).circuit, circuit))
        .map(|machine| Culprit { machine, power: plant.truth(machine).power })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::seconds_above;

    #[test]
    fn seconds_above_agrees_with_counting() {
        for first in -25..25 {
            for rise in -7..8 {
                for count in 0..12 {
                    let counted = (0..count).filter(|i| first + rise * i > 0).count() as i64;
                    assert_eq!(seconds_above(first, rise, count), counted, "{first} {rise} {count}");
                }
            }
        }
    }
}
