//! How a machine stands with us: what it does by its own fresh word and by the commands in flight.

use jiff::{SignedDuration, Timestamp};
use offpeak_site::{Activity, Distribution, Model};

use crate::limits;
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

/// Derives the standing.
#[must_use]
pub fn standing(model: &Model, seen: &Seen, memory: &MachineMemory, now: Timestamp) -> Standing {
    if let Some(outstanding) = &memory.outstanding {
        return if outstanding.is_increase() { Standing::Rising } else { Standing::Falling };
    }
    if memory.cut {
        return Standing::Cut;
    }
    let fresh = seen
        .reading
        .filter(|reading| seen.trouble.is_none() && reading.at.duration_until(now) <= limits::READING_STALE);
    match fresh.map(|reading| reading.activity) {
        None => Standing::Unknown,
        Some(Activity::Asleep) => Standing::Asleep,
        Some(Activity::Failed) => Standing::Failed,
        Some(Activity::Starting) => Standing::Rising,
        Some(Activity::Hashing) if settled_at(model, memory).is_none_or(|at| at <= now) => Standing::Running,
        Some(Activity::Hashing) => Standing::Rising,
    }
}

/// When a hashing machine's whole load is certain to be in the meter; `None` if it has been since
/// before anything is remembered.
pub(crate) fn settled_at(model: &Model, memory: &MachineMemory) -> Option<Timestamp> {
    let ramp = p95(model.transitions.ramp_up) + limits::SETTLE_GRACE;
    let by_start = memory.started_at.map(|at| at + p95(model.transitions.wake) + ramp);
    let by_sight = memory.hashing_since.map(|at| at + ramp);
    // Seen to hash is the better knowledge; the start alone is what a restart has.
    by_sight.or(by_start)
}

/// The slow end of a distribution.
pub(crate) fn p95(distribution: Distribution) -> SignedDuration {
    SignedDuration::from_millis(i64::from(distribution.p95_ms))
}
