//! A meter's readings become minutes: what was counted, and how that is known.
//!
//! The register leads. Between two readings it says how much went through, whatever happened meanwhile; integrated
//! power only fills in between the register's steps, and what it gives is drawn back to within one step of the register.
//! Where the register says nothing (none there, exchanged), integrated power stands alone, a short silence is
//! estimated and a longer one is missing. Recorded time never goes back.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use offpeak_rows::Known;
use offpeak_units::{Energy, Power};

use crate::MINUTE_S;

/// Readings at most so far apart belong together; as stale as the controller lets a meter become.
const TOGETHER: SignedDuration = SignedDuration::from_secs(10);
/// The longest silence that is estimated, where no register bridges it.
const ESTIMATED_MAX: SignedDuration = SignedDuration::from_secs(60);
/// Added to the time in which a register may have moved: readings carry their own clocks.
const CLOCK_SLACK_MS: i64 = 60_000;
/// After a silence as long as this the account begins anew: the instant or the meter is another one.
const SILENCE_MAX: SignedDuration = SignedDuration::from_hours(400 * 24);

/// The rule by which a short silence is estimated.
pub const RULE_BOTH_ENDS: &str = "mean of both ends of a silence of at most 60 s";

/// What is known of a meter beforehand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeterRules {
    /// More than this never goes through it: a register that moved faster was exchanged.
    pub power_max: Power,
    /// The register's step; zero where it is exact.
    pub step: Energy,
    /// Where the register may begin again at zero.
    pub rollovers: Vec<Energy>,
}

/// Where an account goes on after a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// The end of the last minute that was written.
    pub at: Timestamp,
    /// The register there, as it was written.
    pub register: Option<Energy>,
}

/// A meter's minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeterMinute {
    /// Its start.
    pub start: Timestamp,
    /// The seconds of which the energy is known.
    pub known_s: u32,
    /// The energy of these, in whole joules; `None` if there are none.
    pub energy: Option<Energy>,
    /// The register at the minute's end, in whole joules: with all energies before it, it adds up.
    pub register: Option<Energy>,
    /// The least reading of the minute
    pub power_min: Option<Power>,
    /// and the greatest.
    pub power_max: Option<Power>,
    /// The worst of what the energy is known by.
    pub known: Known,
}

/// What happened to a meter so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MeterCounts {
    /// Readings taken in.
    pub taken: u64,
    /// Readings of an instant that was known already.
    pub duplicate: u64,
    /// Readings from before the last one.
    pub late: u64,
    /// Registers that began again at zero.
    pub rollovers: u64,
    /// Registers that cannot have come from the one before: another meter.
    pub exchanges: u64,
    /// Silences that the register bridged.
    pub bridged: u64,
    /// Silences that nothing bridged.
    pub missing: u64,
}

#[derive(Clone, Copy, Debug)]
struct Reading {
    at: Timestamp,
    power: Option<Power>,
}

/// A minute that is being filled.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    /// Microjoules.
    energy: i128,
    known_ms: i64,
    worst: Option<Known>,
    least: Option<Power>,
    most: Option<Power>,
}

/// One meter's account.
#[derive(Clone, Debug)]
pub struct MeterAccount {
    rules: MeterRules,
    last: Option<Reading>,
    /// The last register read.
    register: Option<(Timestamp, Energy)>,
    /// Microjoules that the register says went through and that are in no minute yet.
    owed: i128,
    /// How far late readings reached beyond the first of them: a clock that was set back lives that time twice.
    late_from: Option<Timestamp>,
    late_ms: i64,
    /// Minutes from `first` on, without gaps.
    slots: VecDeque<Slot>,
    first: i64,
    /// Microjoules in minutes that were taken out, from the register's first value on: whole joules are taken of it.
    counted: i128,
    /// The same with the minutes that are being filled.
    total: i128,
    /// What the register shows less `total`, in microjoules; `None` without a register.
    offset: Option<i128>,
    done: Vec<MeterMinute>,
    counts: MeterCounts,
}

impl MeterAccount {
    /// An account of a meter of which nothing is known, or that goes on from an anchor.
    #[must_use]
    pub fn new(rules: MeterRules, anchor: Option<Anchor>) -> Self {
        let mut account = Self {
            rules,
            last: None,
            register: None,
            owed: 0,
            late_from: None,
            late_ms: 0,
            slots: VecDeque::new(),
            first: i64::MIN,
            counted: 0,
            total: 0,
            offset: None,
            done: Vec::new(),
            counts: MeterCounts::default(),
        };
        if let Some(Anchor { at, register }) = anchor {
            account.last = Some(Reading { at, power: None });
            account.first = minute_of(at);
            account.anchor(at, register);
        }
        account
    }

    /// What happened so far.
    #[must_use]
    pub const fn counts(&self) -> &MeterCounts {
        &self.counts
    }

    /// Until when everything is determined; `None` before the first reading.
    #[must_use]
    pub fn known_until(&self) -> Option<Timestamp> {
        self.last.map(|last| last.at)
    }

    /// Takes a reading in.
    pub fn read(&mut self, at: Timestamp, power: Power, register: Option<Energy>) {
        let Some(last) = self.last else {
            self.begin(at, power, register);
            return;
        };
        if at <= last.at {
            self.late(at, last.at);
            return;
        }
        let apart = last.at.duration_until(at);
        if apart > SILENCE_MAX {
            self.begin_anew(at, power, register);
            return;
        }
        self.counts.taken += 1;
        let moved = register.and_then(|register| self.moved(at, register));
        self.owed += moved.unwrap_or(0);
        let millis = apart.as_millis() as i64;
        let integrated = last.power.map(|power| power.over_millis(millis).to_microjoules());
        let bridged = moved.is_some();
        let (energy, known) = match integrated {
            Some(integrated) if apart <= TOGETHER => {
                let step = self.rules.step.to_microjoules();
                let given =
                    if bridged { integrated.clamp(self.owed - step, self.owed + step) } else { integrated };
                (Some(given), Known::Measured)
            }
            _ if bridged => {
                self.counts.bridged += 1;
                (Some(self.owed), Known::Register)
            }
            Some(_) if apart <= ESTIMATED_MAX => {
                let both =
                    last.power.map_or(power, |before| before + power).over_millis(millis).to_microjoules();
                (Some(both / 2), Known::Estimated)
            }
            _ => {
                self.counts.missing += 1;
                (None, Known::Missing)
            }
        };
        if self.register.is_some() {
            self.owed -= energy.unwrap_or(0);
        }
        self.spread(last.at, at, energy, known);
        if let Some(register) = register {
            // Another register begins here: what the old one still owed is below its step, or nobody can say.
            if !bridged {
                self.owed = 0;
            }
            self.register = Some((at, register));
            self.offset = Some(register.to_microjoules() - self.owed - self.total);
        }
        self.note_power(at, power);
        (self.late_from, self.late_ms) = (None, 0);
        self.last = Some(Reading { at, power: Some(power) });
    }

    fn begin(&mut self, at: Timestamp, power: Power, register: Option<Energy>) {
        self.counts.taken += 1;
        self.first = minute_of(at);
        self.last = Some(Reading { at, power: Some(power) });
        self.anchor(at, register);
        self.note_power(at, power);
    }

    fn anchor(&mut self, at: Timestamp, register: Option<Energy>) {
        let Some(register) = register else { return };
        self.register = Some((at, register));
        self.counted = register.to_microjoules();
        self.total = self.counted;
        self.offset = Some(0);
    }

    fn late(&mut self, at: Timestamp, last: Timestamp) {
        if at == last {
            self.counts.duplicate += 1;
            return;
        }
        self.counts.late += 1;
        let from = *self.late_from.get_or_insert(at);
        let millis = from.duration_until(at).as_millis() as i64;
        self.late_ms = self.late_ms.max(millis);
    }

    /// How far the register moved since it was last read, in microjoules; `None` where it says nothing.
    fn moved(&mut self, at: Timestamp, register: Energy) -> Option<i128> {
        let (since, before) = self.register?;
        let millis = since.duration_until(at).as_millis() as i64 + self.late_ms + CLOCK_SLACK_MS;
        let most = self.rules.power_max.over_millis(millis);
        let credible = |moved: &Energy| !moved.is_negative() && *moved <= most;
        if let Some(moved) = Some(register - before).filter(credible) {
            return Some(moved.to_microjoules());
        }
        let around = self.rules.rollovers.iter().map(|end| register + *end - before).filter(credible).min();
        if let Some(moved) = around {
            self.counts.rollovers += 1;
            return Some(moved.to_microjoules());
        }
        self.counts.exchanges += 1;
        None
    }

    /// Puts energy into the minutes of a stretch, evenly over its time; the last takes what division leaves.
    fn spread(&mut self, from: Timestamp, to: Timestamp, energy: Option<i128>, known: Known) {
        let (from_ms, to_ms) = (from.as_millisecond(), to.as_millisecond());
        let length = i128::from(to_ms - from_ms);
        let (mut at, mut given) = (from_ms, 0);
        while at < to_ms {
            let minute = at.div_euclid(MINUTE_S * 1_000);
            let end = ((minute + 1) * MINUTE_S * 1_000).min(to_ms);
            let so_far = energy.map_or(0, |energy| energy * i128::from(end - from_ms) / length.max(1));
            self.total += so_far - given;
            let slot = self.slot(minute);
            slot.energy += so_far - given;
            if energy.is_some() {
                slot.known_ms += end - at;
                slot.worst = slot.worst.max(Some(known));
            }
            (at, given) = (end, so_far);
        }
        // A stretch that ends on a minute's edge leaves the next one to come.
        self.slot(to_ms.div_euclid(MINUTE_S * 1_000));
    }

    /// The account ends, what is in it is kept, and another begins.
    fn begin_anew(&mut self, at: Timestamp, power: Power, register: Option<Energy>) {
        self.counts.missing += 1;
        while let Some(slot) = self.slots.pop_front() {
            let minute = self.finish(slot);
            self.done.push(minute);
            self.first += 1;
        }
        (self.owed, self.register, self.offset, self.counted, self.total) = (0, None, None, 0, 0);
        self.begin(at, power, register);
    }

    fn slot(&mut self, minute: i64) -> &mut Slot {
        let place = usize::try_from(minute - self.first).expect("recorded time never goes back");
        while self.slots.len() <= place {
            self.slots.push_back(Slot::default());
        }
        &mut self.slots[place]
    }

    fn note_power(&mut self, at: Timestamp, power: Power) {
        let slot = self.slot(minute_of(at));
        slot.least = Some(slot.least.map_or(power, |least| least.min(power)));
        slot.most = Some(slot.most.map_or(power, |most| most.max(power)));
    }

    /// Takes out the minutes that are over and determined.
    pub fn take(&mut self) -> Vec<MeterMinute> {
        let Some(last) = self.last else { return Vec::new() };
        let over = minute_of(last.at);
        let mut minutes = std::mem::take(&mut self.done);
        while self.first < over && !self.slots.is_empty() {
            let slot = self.slots.pop_front().unwrap_or_default();
            minutes.push(self.finish(slot));
            self.first += 1;
        }
        minutes
    }

    fn finish(&mut self, slot: Slot) -> MeterMinute {
        let before = Energy::from_microjoules(self.counted).to_joules();
        self.counted += slot.energy;
        let after = Energy::from_microjoules(self.counted).to_joules();
        let known_s = u32::try_from(slot.known_ms / 1_000).unwrap_or(0).min(MINUTE_S as u32);
        let known = slot.worst.unwrap_or(Known::Missing);
        MeterMinute {
            start: Timestamp::from_second(self.first * MINUTE_S).expect("a minute of a valid instant"),
            known_s,
            energy: slot.worst.map(|_| Energy::from_joules(after - before)),
            register: self.offset.map(|offset| self.shown(offset)),
            power_min: slot.least,
            power_max: slot.most,
            known,
        }
    }
}

impl MeterAccount {
    /// What the register shows at the end of the minutes taken out, in whole joules.
    fn shown(&self, offset: i128) -> Energy {
        let shown = offset + self.counted;
        // Before a rollover that came later in the minutes being filled.
        let around = self.rules.rollovers.iter().find(|_| shown < 0).map_or(0, |end| end.to_microjoules());
        Energy::from_joules(Energy::from_microjoules(shown + around).to_joules())
    }
}

fn minute_of(at: Timestamp) -> i64 {
    at.as_millisecond().div_euclid(MINUTE_S * 1_000)
}
