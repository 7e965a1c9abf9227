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
    /// A start, plus what tokio's clock has counted since.
    Anchored {
        /// The first instant.
        start: Timestamp,
        /// Tokio's clock at that instant.
        origin: Instant,
    },
}

impl Clock {
    /// A clock that shows `start` now and follows tokio's, paused or not.
    #[must_use]
    pub fn starting_at(start: Timestamp) -> Self {
        Self::Anchored { start, origin: Instant::now() }
    }
    /// The present instant.
    ///
    /// # Panics
    /// If an anchored clock runs past the last timestamp jiff can hold (year 9999).
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => Timestamp::now(),
            Self::Anchored { start, origin } => {
                let passed = SignedDuration::try_from(origin.elapsed()).unwrap_or(SignedDuration::MAX);
                start.checked_add(passed).expect("a process does not live past the year 9999")
            }
        }
    }
}
