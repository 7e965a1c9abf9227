//! The time that readings are stamped with. In virtual time it follows tokio's clock, so a paused
//! runtime stamps virtual instants.
//!
//! Not here: timeouts (tokio's own) and civil time (the site's).

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// Where timestamps come from.
#[derive(Clone, Copy, Debug)]
pub enum Clock {
    /// The operating system's clock.
    System,
    /// A start, plus what tokio's clock has counted since, times the speed.
    Anchored {
        /// The first instant.
        start: Timestamp,
        /// Tokio's clock at that instant.
        origin: Instant,
        /// Seconds it counts in a second of tokio's clock.
        speed: u32,
    },
}

impl Clock {
    /// A clock that shows `start` now and follows tokio's, paused or not.
    #[must_use]
    pub fn starting_at(start: Timestamp) -> Self {
        Self::starting_at_speed(start, 1)
    }
    /// A clock that shows `start` now and runs so many times as fast as tokio's; a plant's, say.
    #[must_use]
    pub fn starting_at_speed(start: Timestamp, speed: u32) -> Self {
        Self::Anchored { start, origin: Instant::now(), speed }
    }
    /// How many seconds it counts in a second of tokio's clock.
    #[must_use]
    pub const fn speed(&self) -> u32 {
        match self {
            Self::System => 1,
            Self::Anchored { speed, .. } => *speed,
        }
    }
    /// The present instant.
    ///
    /// # Panics
    /// If an anchored clock runs past the last timestamp jiff can hold (year 9999).
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => Timestamp::now(),
            Self::Anchored { start, origin, speed } => {
                let passed = origin.elapsed().saturating_mul(*speed);
                let passed = SignedDuration::try_from(passed).unwrap_or(SignedDuration::MAX);
                start.checked_add(passed).expect("a process does not live past the year 9999")
            }
        }
    }
}
