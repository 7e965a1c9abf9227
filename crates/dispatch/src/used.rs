//! What was used of each energy budget in its running period, and what follows for its circuit.
//!
//! Time of which no meter tells anything is never counted as nothing: it counts at the most that the circuit may
//! credibly draw, and that part is told apart.
//!
//! Not here: the highest mean of the month (`peak`), where the counts are kept over a restart (`store`).

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use offpeak_site::{CircuitIx, EnergyBudget, MeterReading, Site};
use offpeak_units::{Energy, Power};

use crate::limits;

/// A meter's last reading, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Last {
    pub(crate) at: Timestamp,
    /// `None` after a restart.
    pub(crate) power: Option<Power>,
    pub(crate) register: Option<Energy>,
}

/// What a circuit drew from one reading of its meter to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Drawn {
    pub(crate) from: Timestamp,
    pub(crate) until: Timestamp,
    pub(crate) energy: Energy,
    pub(crate) how: How,
}

/// How it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// Second by second.
    Measured,
    /// The meter's register bridges a gap: how it was spread over the gap is not known.
    Register,
    /// Nobody measured: the most that is credible.
    Assumed,
}

/// A register may be ahead of what is credible by this share: the meter's own error and a rating that is exceeded.
const REGISTER_PERCENT: i64 = 110;

impl Last {
    pub(crate) const fn of(reading: &MeterReading) -> Self {
        Self { at: reading.at, power: Some(reading.power), register: reading.energy }
    }

    /// What was drawn until the next reading; `None` where that is no newer.
    pub(crate) fn until(&self, next: &MeterReading, most: Power) -> Option<Drawn> {
        let gap = self.at.duration_until(next.at);
        if gap <= SignedDuration::ZERO {
            return None;
        }
        let most = over(most, gap);
        let (energy, how) = match (self.power, self.register, next.energy) {
            (Some(power), ..) if gap <= limits::METER_STALE => {
                let mean = (power + next.power).to_milliwatts().max(0) / 2;
                (over(Power::from_milliwatts(mean), gap), How::Measured)
            }
            (_, Some(before), Some(after))
                if after >= before
                    && (after - before).to_microjoules() * 100
                        <= most.to_microjoules() * i128::from(REGISTER_PERCENT) =>
            {
                (after - before, How::Register)
            }
            _ => (most, How::Assumed),
        };
        Some(Drawn { from: self.at, until: next.at, energy, how })
    }
}

/// A power held for some time.
pub(crate) fn over(power: Power, lasts: SignedDuration) -> Energy {
    let millis = i64::try_from(lasts.as_millis()).unwrap_or(i64::MAX);
    power.over_millis(millis.max(0))
}

/// A part of an energy: `part` of `whole` milliseconds, rounded up.
pub(crate) fn part(energy: Energy, part: SignedDuration, whole: SignedDuration) -> Energy {
    let (part, whole) = (part.as_millis().max(0), whole.as_millis().max(1));
    Energy::from_microjoules(-(-energy.to_microjoules() * part).div_euclid(whole))
}

/// The running period of a budget, as it is kept over a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Running {
    /// When the period began,
    pub from: Timestamp,
    /// and when it ends.
    pub until: Timestamp,
    /// From when on it was counted.
    pub since: Timestamp,
    /// Until when: the meter's last reading.
    pub at: Timestamp,
    /// What the meter showed in that time.
    pub seen: Energy,
    /// What counts for time in it of which the meter told nothing.
    pub assumed: Energy,
    /// The meter's register at the last reading.
    pub register: Option<Energy>,
}

/// What is to be done about a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// There is enough, at least until then.
    Enough(Timestamp),
    /// Too little is left for what would be started now.
    NoStarts,
    /// The way down: so much may be drawn now, and whether what runs already is enough for what is left.
    Ending(Power, bool),
    /// Used up, but for what cannot be shed.
    Spent,
}

/// How it stands with a budget, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BudgetStanding {
    /// It limits nothing.
    Enough,
    /// The way down has begun, or no start is worth it any more.
    Ending,
    /// It is used up: nothing below its circuit runs until the period ends.
    Spent,
}

/// One budget's use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Used {
    /// The circuit with everything asleep, and the most that it may credibly draw.
    pub(crate) least: Power,
    pub(crate) most: Power,
    running: Option<Running>,
    last: Option<Last>,
    /// By the last cycle, with the end of the period.
    pub(crate) word: Option<(Timestamp, Word, Timestamp)>,
}

/// How it stands with a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetState {
    /// When its period began,
    pub from: Timestamp,
    /// and when it ends.
    pub until: Timestamp,
    /// What counts as used, all told.
    pub used: Energy,
    /// How much of that nobody measured: time without readings at the most that is credible.
    pub assumed: Energy,
    /// From when on in the period it was measured; `None`: not at all.
    pub since: Option<Timestamp>,
    /// What is left; zero once more was used.
    pub left: Energy,
    /// What of that will go even with everything asleep until the period ends.
    pub reserved: Energy,
}

/// What is left is drawn down no faster than over this time: stragglers are asked twice and cut meanwhile.
const WAY_DOWN: SignedDuration = limits::CLOSING_TAIL;
/// At this share of the circuit's range the way down ends.
const WAY_DOWN_ENDS_PERCENT: i64 = 5;

impl Used {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(site: &Site, budget: &EnergyBudget) -> Self {
        let (least, most) = (site.least_draw(budget.circuit), site.most_draw(budget.circuit));
        Self { least, most: most.max(least), running: None, last: None, word: None }
    }

    /// Goes on from what was kept.
    pub fn recall(&mut self, kept: Running) {
        self.last = Some(Last { at: kept.at, power: None, register: kept.register });
        self.running = Some(kept);
    }

    /// What is to be kept over a restart.
    #[must_use]
    pub const fn running(&self) -> Option<&Running> {
        self.running.as_ref()
    }

    /// Takes a reading of the circuit's meter.
    pub(crate) fn feed(&mut self, budget: &EnergyBudget, zone: &TimeZone, reading: &MeterReading) {
        let drawn = match self.last {
            None => None,
            Some(last) => match last.until(reading, self.most) {
                None => return,
                drawn => drawn,
            },
        };
        let period = self.running.filter(|running| (running.from..running.until).contains(&reading.at));
        let (from, until) = period
            .map_or_else(|| budget.period.span(zone, reading.at), |running| (running.from, running.until));
        let since = drawn.map_or(reading.at, |drawn| drawn.from.max(from));
        let fresh = Running {
            from,
            until,
            since,
            at: reading.at,
            seen: Energy::ZERO,
            assumed: Energy::ZERO,
            register: reading.energy,
        };
        let mut running = period.unwrap_or(fresh);
        if let Some(drawn) = drawn {
            let (seen, assumed) = self.within(&drawn, from);
            running.seen += seen;
            running.assumed += assumed;
        }
        (running.at, running.register) = (reading.at, reading.energy);
        self.running = Some(running);
        self.last = Some(Last::of(reading));
    }

    /// What of a stretch lies after an instant: measured, and assumed. A register says nothing about when in a gap
    /// it was drawn, so the later part is counted at its most.
    fn within(&self, drawn: &Drawn, from: Timestamp) -> (Energy, Energy) {
        let whole = drawn.from.duration_until(drawn.until);
        let later = drawn.from.max(from).duration_until(drawn.until);
        let even = part(drawn.energy, later, whole);
        match drawn.how {
            How::Assumed => (Energy::ZERO, even),
            How::Register if later < whole => {
                let most = drawn.energy.min(over(self.most, later));
                (even, most.saturating_sub(even))
            }
            How::Measured | How::Register => (even, Energy::ZERO),
        }
    }

    /// How it stands.
    #[must_use]
    pub fn state(&self, budget: &EnergyBudget, zone: &TimeZone, now: Timestamp) -> BudgetState {
        let (from, until) = budget.period.span(zone, now);
        let at_most = |lasts: SignedDuration| over(self.most, lasts);
        let mut used = BudgetState {
            from,
            until,
            used: Energy::ZERO,
            assumed: Energy::ZERO,
            since: None,
            left: Energy::ZERO,
            reserved: over(self.least, now.duration_until(until)),
        };
        // What lies before the first reading of the period, from the site file or at its most.
        let before = |since: Timestamp| {
            let told = budget.before.filter(|told| (from..=since).contains(&told.until));
            let (value, after) = told.map_or((Energy::ZERO, from), |told| (told.value, told.until));
            (value, at_most(after.duration_until(since)))
        };
        let running = self.running.filter(|running| running.from == from);
        let counted_to = self.last.map(|last| last.at).filter(|at| *at < from);
        let (known, guessed) = match running {
            Some(running) => {
                used.since = Some(running.since);
                let (known, guessed) = before(running.since);
                (known + running.seen, guessed + running.assumed + self.silent(running.at, now))
            }
            // Silent since before the period began: all of it counts at its most.
            None if counted_to.is_some() => (Energy::ZERO, at_most(from.duration_until(now))),
            None => before(now),
        };
        used.assumed = guessed;
        used.used = known + guessed;
        used.left = budget.energy.saturating_sub(used.used);
        used
    }

    /// What counts since the last reading.
    fn silent(&self, since: Timestamp, now: Timestamp) -> Energy {
        let lasts = since.duration_until(now);
        let power = self.last.and_then(|last| last.power).filter(|_| lasts <= limits::METER_STALE);
        over(power.unwrap_or(self.most), lasts)
    }

    /// How it stands with it, as last decided.
    #[must_use]
    pub fn standing(&self, now: Timestamp) -> BudgetStanding {
        match self.word_at(now) {
            Some((Word::Spent, _)) => BudgetStanding::Spent,
            Some((Word::NoStarts | Word::Ending(..), _)) => BudgetStanding::Ending,
            Some((Word::Enough(_), _)) | None => BudgetStanding::Enough,
        }
    }

    /// What was decided, with the end of the period, for the instant at which it was. For later ones it is only known
    /// that what is used up stays so; and of another period nothing.
    pub(crate) fn word_at(&self, at: Timestamp) -> Option<(Word, Timestamp)> {
        let (judged_at, word, until) = self.word?;
        let told = at == judged_at || (word == Word::Spent && (judged_at..until).contains(&at));
        told.then_some((word, until))
    }

    /// Decides what is to be done about it now.
    pub(crate) fn judge(&mut self, budget: &EnergyBudget, site: &Site, now: Timestamp) {
        let state = self.state(budget, &site.time_zone, now);
        let range = self.most - self.least;
        let way_down = way_down(site, budget.circuit, range);
        let spare = state.left.saturating_sub(state.reserved);
        let worth = over(range, way_down + limits::RUN_MIN);
        let was_spent = matches!(self.word, Some((_, Word::Spent, until)) if until == state.until);
        let seconds = i128::from(way_down.as_secs().max(1)) * 1_000_000;
        let above = Power::from_milliwatts(
            i64::try_from(spare.to_microjoules() * 1_000 / seconds).unwrap_or(i64::MAX),
        );
        // What runs now has use for all that is left.
        let running = self.last.and_then(|last| last.power).map(|power| power.saturating_sub(self.least));
        let no_starts = running.is_none_or(|running| over(running, way_down + limits::RUN_MIN) >= spare);
        // What sleepers do not draw comes back little by little; that alone starts nobody.
        let word = if range.is_zero() {
            Word::Enough(state.until)
        } else if above * 100 <= range * WAY_DOWN_ENDS_PERCENT || (was_spent && spare < worth) {
            Word::Spent
        } else if above < range {
            Word::Ending(self.least + above, no_starts)
        } else if spare < worth && no_starts {
            Word::NoStarts
        } else if spare < worth {
            Word::Enough(now + limits::BUDGET_LOOK)
        } else {
            // At its most the circuit has used up the rest after so many milliseconds.
            let lasts = (spare - worth).to_microjoules() / i128::from(range.to_milliwatts());
            let millis = i64::try_from(lasts).unwrap_or(i64::MAX).min(MILLIS_AHEAD);
            Word::Enough(now + SignedDuration::from_millis(millis))
        };
        self.word = Some((now, word, state.until));
    }
}

/// A budget is looked at again after this at the latest.
const MILLIS_AHEAD: i64 = 3_600_000;

/// How long the way down takes: as long as stragglers need, and no steeper than the circuit's ramp.
fn way_down(site: &Site, circuit: CircuitIx, range: Power) -> SignedDuration {
    let down = |ix| site.circuits.get(ix).ramp.and_then(|ramp| ramp.down_per_minute);
    let rate = site.circuits.path(circuit).find_map(down).filter(|rate| !rate.is_zero());
    let by_ramp = rate.map_or(0, |rate| range.to_milliwatts() * 60 / rate.to_milliwatts().max(1));
    WAY_DOWN.max(SignedDuration::from_secs(by_ramp))
}

#[cfg(test)]
#[path = "used_tests.rs"]
mod tests;
