//! The highest mean of the billing month at the connection: of each stretch of 15, 30 or 60 minutes from the full
//! civil hour.
//!
//! A stretch of which half or more was not measured has no mean: the month's peak is then at least what was seen,
//! and the time that nobody saw is told.
//!
//! Not here: what it costs (`ahead`), where it is kept over a restart (`store`).

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use offpeak_site::{Economics, MeterReading, Period};
use offpeak_units::{Energy, Power};

use crate::mean::begins;
use crate::used::{Drawn, How, Last, part};

/// One stretch so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// When it began.
    pub from: Timestamp,
    /// What was drawn in it, as far as it was seen.
    pub energy: Energy,
    /// How long that was.
    pub seen: SignedDuration,
}

/// The billing month so far, as it is kept over a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Month {
    /// When the month began.
    pub from: Timestamp,
    /// From when on it was counted.
    pub since: Timestamp,
    /// Until when: the meter's last reading.
    pub at: Timestamp,
    /// The highest mean, and the beginning of its stretch; `None` before one was measured.
    pub peak: Option<(Power, Timestamp)>,
    /// How much of the time since then nobody saw as it was: without readings, or bridged by the register alone.
    pub unseen: SignedDuration,
    /// The stretch under way.
    pub stretch: Option<Stretch>,
    /// The meter's register at the last reading.
    pub register: Option<Energy>,
}

/// The month's highest mean, counted as readings come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeakUse {
    month: Option<Month>,
    last: Option<Last>,
    /// The month's end, and that of the stretch under way, so that the time-zone rules are seldom asked.
    ends: Option<(Timestamp, Timestamp)>,
}

/// How it stands with the month's peak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeakState {
    /// When the month began,
    pub from: Timestamp,
    /// and when it ends.
    pub until: Timestamp,
    /// The highest mean so far; `None` before one is known.
    pub peak: Option<Power>,
    /// The beginning of its stretch; `None` where the site file tells the peak.
    pub at: Option<Timestamp>,
    /// From when on in the month it was measured; `None`: not at all.
    pub since: Option<Timestamp>,
    /// How much of the month so far nobody saw: the peak may have been higher then.
    pub unseen: SignedDuration,
    /// The mean of the stretch under way if nothing more were drawn in it.
    pub under_way: Option<Power>,
}

impl PeakState {
    /// The least that will be billed: the peak so far, or what the stretch under way has come to.
    #[must_use]
    pub fn at_least(&self) -> Option<Power> {
        self.peak.max(self.under_way)
    }
}

impl PeakUse {
    /// Goes on from what was kept.
    pub fn recall(&mut self, kept: Month) {
        self.last = Some(Last { at: kept.at, power: None, register: kept.register });
        self.month = Some(kept);
        self.ends = None;
    }

    /// What is to be kept over a restart.
    #[must_use]
    pub const fn month(&self) -> Option<&Month> {
        self.month.as_ref()
    }

    /// Takes a reading of the connection's meter; `most` is the most that it may credibly draw, `minutes` the length
    /// of a stretch.
    pub(crate) fn feed(&mut self, zone: &TimeZone, minutes: u8, reading: &MeterReading, most: Power) {
        let drawn = match self.last {
            None => None,
            Some(last) => match last.until(reading, most) {
                None => return,
                drawn => drawn,
            },
        };
        self.last = Some(Last::of(reading));
        let begins_at = drawn.map_or(reading.at, |drawn| drawn.from);
        if self.month.is_none() {
            let (from, _) = Period::Month.span(zone, begins_at);
            self.month = Some(fresh(from, begins_at));
        }
        if let Some(drawn) = drawn {
            self.add(zone, minutes, &drawn);
        }
        // The stretch and the month in which the reading lies begin with it, even if nothing was drawn in them yet.
        self.reach(zone, minutes, reading.at);
        if let Some(month) = &mut self.month {
            (month.at, month.register) = (reading.at, reading.energy);
        }
    }

    /// Adds what was drawn, stretch by stretch.
    fn add(&mut self, zone: &TimeZone, minutes: u8, drawn: &Drawn) {
        let whole = drawn.from.duration_until(drawn.until);
        let mut at = drawn.from;
        while at < drawn.until {
            let ends = self.reach(zone, minutes, at);
            let next = ends.min(drawn.until);
            let lasts = at.duration_until(next);
            if let Some(month) = &mut self.month {
                if drawn.how != How::Measured {
                    month.unseen += lasts;
                }
                if let Some(stretch) = month.stretch.as_mut().filter(|_| drawn.how != How::Assumed) {
                    stretch.energy += part(drawn.energy, lasts, whole);
                    stretch.seen += lasts;
                }
            }
            at = next;
        }
    }

    /// Goes on to the stretch in which an instant lies, and says when that ends. One that is over gives its mean to
    /// its month.
    fn reach(&mut self, zone: &TimeZone, minutes: u8, at: Timestamp) -> Timestamp {
        if let Some((_, ends)) = self.ends.filter(|(_, ends)| at < *ends)
            && self.month.is_some_and(|month| month.stretch.is_some_and(|stretch| stretch.from <= at))
        {
            return ends;
        }
        let (month_from, month_until) = Period::Month.span(zone, at);
        let offset_s = i64::from(zone.to_offset(at).seconds());
        let second = begins(at, minutes, offset_s);
        let from = Timestamp::from_second(second).unwrap_or(at).max(month_from);
        let ends = Timestamp::from_second(second + i64::from(minutes) * 60).unwrap_or(month_until);
        let ends = ends.min(month_until);
        self.ends = Some((month_until, ends));
        let Some(month) = &mut self.month else { return ends };
        if month.stretch.is_some_and(|stretch| stretch.from == from) {
            return ends;
        }
        month.close(from);
        if month.from != month_from {
            *month = fresh(month_from, at);
        }
        month.stretch = Some(Stretch { from, energy: Energy::ZERO, seen: SignedDuration::ZERO });
        ends
    }

    /// How it stands.
    #[must_use]
    pub fn state(&self, economics: &Economics, zone: &TimeZone, now: Timestamp) -> PeakState {
        let (from, until) = Period::Month.span(zone, now);
        let month = self.month.filter(|month| month.from == from);
        let since = month.map_or(now, |month| month.since);
        let told = economics.costs.peak_before.filter(|told| (from..=since).contains(&told.until));
        let counted_from = told.map_or(from, |told| told.until);
        let seen = month.and_then(|month| month.peak);
        let peak = seen.map(|(peak, _)| peak).max(told.map(|told| told.value));
        let silent = month.map_or(SignedDuration::ZERO, |month| {
            Some(month.at.duration_until(now))
                .filter(|gap| *gap > crate::limits::METER_STALE)
                .unwrap_or_default()
        });
        let unseen = month.map_or(SignedDuration::ZERO, |month| month.unseen);
        PeakState {
            from,
            until,
            peak,
            at: seen.filter(|(seen, _)| Some(*seen) == peak).map(|(_, at)| at),
            since: month.map(|month| month.since),
            unseen: counted_from.duration_until(since) + unseen + silent,
            under_way: month.and_then(|month| self.under_way(month.stretch?)),
        }
    }

    fn under_way(&self, stretch: Stretch) -> Option<Power> {
        let (_, ends) = self.ends?;
        mean(stretch.energy, stretch.from.duration_until(ends))
    }
}

const fn fresh(from: Timestamp, since: Timestamp) -> Month {
    let unseen = SignedDuration::ZERO;
    Month { from, since, at: since, peak: None, unseen, stretch: None, register: None }
}

impl Month {
    /// Takes the mean of the stretch that is over, where enough of it was seen.
    fn close(&mut self, next: Timestamp) {
        let Some(stretch) = self.stretch.take() else { return };
        let whole = stretch.from.duration_until(next);
        // After a gap the next one seen need not follow it; the gap itself was added stretch by stretch.
        let Some(mean) = mean(stretch.energy, stretch.seen).filter(|_| stretch.seen * 2 >= whole) else {
            return;
        };
        if self.peak.is_none_or(|(peak, _)| mean > peak) {
            self.peak = Some((mean, stretch.from));
        }
    }
}

/// To the milliwatt, rounded up.
fn mean(energy: Energy, lasts: SignedDuration) -> Option<Power> {
    let millis = lasts.as_millis();
    (millis > 0)
        .then(|| -(-energy.to_microjoules()).div_euclid(millis))
        .and_then(|power| Some(Power::from_milliwatts(i64::try_from(power).ok()?)))
}

#[cfg(test)]
#[path = "peak_tests.rs"]
mod tests;
