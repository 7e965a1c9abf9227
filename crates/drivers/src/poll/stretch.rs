//! How far the rotation slows down when machines, or this computer, are too slow for its pace.
//!
//! Readings that begin late pile up behind each other and take the time that decisions need. So once a round the
//! rotation looks how late its readings began. What they were late by is what the time between two readings of a
//! machine was too short by, and is added to it; when they begin in time it shrinks again by a seventh a round. What
//! it is can be asked, and readings carry their age as ever.

use std::time::Duration;

use tokio::time::Instant;

/// It is judged once a round, and no more often than this.
const JUDGED_EVERY: Duration = Duration::from_secs(1);
/// Readings that begin later than this on average are too many,
const LATE: Duration = Duration::from_millis(100);
/// and earlier than this leave room for more.
const EARLY: Duration = Duration::from_millis(20);
/// In a round.
const SHRINKS: f64 = 6.0 / 7.0;
/// The most: sixteen times the usual interval.
const FACTOR_MAX: f64 = 16.0;

/// The state.
#[derive(Debug)]
pub(super) struct Stretch {
    factor: f64,
    since: Instant,
    late: Duration,
    readings: u32,
}

impl Stretch {
    pub(super) const fn new(now: Instant) -> Self {
        Self { factor: 1.0, since: now, late: Duration::ZERO, readings: 0 }
    }
    /// An interval as it is now.
    pub(super) fn of(&self, usual: Duration) -> Duration {
        usual.mul_f64(self.factor)
    }
    /// Takes in a reading that begins now and was due then, of machines that are usually read once in `usual`.
    pub(super) fn note(&mut self, now: Instant, due: Instant, usual: Duration) {
        self.late += now.saturating_duration_since(due);
        self.readings += 1;
        let every = self.of(usual);
        if now.saturating_duration_since(self.since) < every.max(JUDGED_EVERY) {
            return;
        }
        let late = self.late / self.readings;
        let factor = if late > LATE {
            (every + late).as_secs_f64() / usual.as_secs_f64().max(1e-3)
        } else if late < EARLY {
            self.factor * SHRINKS
        } else {
            self.factor
        };
        *self = Self { factor: factor.clamp(1.0, FACTOR_MAX), ..Self::new(now) };
    }
}
