//! How a machine stands with us: what it does by its own fresh word and by the commands in flight.

use jiff::{SignedDuration, Timestamp};
use offpeak_site::{Activity, Distribution};

use crate::memory::MachineMemory;
use crate::snapshot::Seen;

/// How a machine stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Its outlet is open.
    Cut,
    /// Asleep by its own fresh word.
    Asleep,
    /// It hashes, and long enough for the meter to hold all of its load.
    Running,
    /// On its way up: a start is in flight, or it has not hashed long enough.
    Rising,
    /// A sleep or cut is in flight.
    Falling,
    /// Awake with a fault of its own.
    Failed,
    /// No fresh word.
    Unknown,
}

/// Derives the standing. A word from before `stale_before` counts as none.
#[must_use]
pub(crate) fn standing(
    seen: &Seen,
    memory: &MachineMemory,
    now: Timestamp,
    stale_before: Timestamp,
) -> Standing {
    if let Some(outstanding) = &memory.outstanding {
        return if outstanding.is_increase() { Standing::Rising } else { Standing::Falling };
    }
    if memory.cut {
        return Standing::Cut;
    }
    let Some(reading) = seen.reading.as_ref().filter(|_| seen.trouble.is_none()) else {
        return Standing::Unknown;
    };
    if reading.at < stale_before {
        return Standing::Unknown;
    }
    match reading.activity {
        Activity::Failed => Standing::Failed,
        // It stops and starts by itself meanwhile.
        _ if memory.mode_under_way(now).is_some() => Standing::Rising,
        Activity::Asleep => Standing::Asleep,
        Activity::Starting => Standing::Rising,
        Activity::Hashing if memory.settles_at.is_none_or(|at| at <= now) => Standing::Running,
        Activity::Hashing => Standing::Rising,
    }
}

/// The slow end of a distribution.
pub(crate) fn p95(distribution: Distribution) -> SignedDuration {
    SignedDuration::from_millis(i64::from(distribution.p95_ms))
}
