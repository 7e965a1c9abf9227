//! Who fails too often waits: a pure count of failures, and of requests a second.
//!
//! A name is locked for one address after five failures, so that a stranger elsewhere does not lock its holder out; an
//! address after twenty with any names; a name from everywhere after fifty. All within a quarter of an hour, and for
//! as long. The local socket is never locked.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

/// In what time failures count, and how long a lock lasts.
const WINDOW: SignedDuration = SignedDuration::from_mins(15);
/// Failures of a name from one address,
const OF_NAME_FROM_ADDRESS: u32 = 5;
/// of all names from one address,
const FROM_ADDRESS: u32 = 20;
/// and of a name from all addresses.
const OF_NAME: u32 = 50;
/// Counts kept at most; beyond, the oldest go.
const KEPT_MAX: usize = 10_000;

/// What is counted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    NameFromAddress(String, String),
    Address(String),
    Name(String),
}

impl Key {
    const fn limit(&self) -> u32 {
        match self {
            Self::NameFromAddress(..) => OF_NAME_FROM_ADDRESS,
            Self::Address(_) => FROM_ADDRESS,
            Self::Name(_) => OF_NAME,
        }
    }
    fn all(name: &str, address: &str) -> [Self; 3] {
        let name = name.to_lowercase();
        [
            Self::NameFromAddress(name.clone(), address.to_owned()),
            Self::Address(address.to_owned()),
            Self::Name(name),
        ]
    }
}

/// Failures so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Failures {
    counts: BTreeMap<Key, (u32, Timestamp)>,
}

impl Failures {
    /// How long to wait before the next try, if at all.
    pub(crate) fn wait(&self, name: &str, address: &str, now: Timestamp) -> Option<SignedDuration> {
        let left = |key: &Key| {
            let (count, since) = self.counts.get(key)?;
            let until = *since + WINDOW;
            (*count >= key.limit() && now < until).then(|| now.duration_until(until))
        };
        Key::all(name, address).iter().filter_map(left).max()
    }

    /// Counts a failure. A lock lasts from its last failure on.
    pub(crate) fn failed(&mut self, name: &str, address: &str, now: Timestamp) {
        self.counts.retain(|_, (_, since)| now < *since + WINDOW);
        for key in Key::all(name, address) {
            let counted = self.counts.entry(key).or_insert((0, now));
            *counted = (counted.0.saturating_add(1), now);
        }
        while self.counts.len() > KEPT_MAX {
            let oldest = self.counts.iter().min_by_key(|(_, (_, since))| *since).map(|(key, _)| key.clone());
            oldest.and_then(|oldest| self.counts.remove(&oldest));
        }
    }

    /// Somebody got in: their own count begins anew; the address's does not.
    pub(crate) fn succeeded(&mut self, name: &str, address: &str) {
        let [own, _, of_name] = Key::all(name, address);
        self.counts.remove(&own);
        self.counts.remove(&of_name);
    }
}

/// Requests a second: a bucket for each caller that fills steadily and is emptied by requests.
#[derive(Clone, Debug)]
pub(crate) struct Rate {
    per_second: f64,
    burst: f64,
    buckets: BTreeMap<String, (f64, Timestamp)>,
}

impl Rate {
    /// So many a second, and so many at once.
    pub(crate) const fn new(per_second: f64, burst: f64) -> Self {
        Self { per_second, burst, buckets: BTreeMap::new() }
    }

    /// Takes one request in; says whether there was room for it.
    pub(crate) fn take(&mut self, who: &str, now: Timestamp) -> bool {
        let (per_second, burst) = (self.per_second, self.burst);
        let full = |left: f64, since: Timestamp| {
            (since.duration_until(now).as_secs_f64().max(0.0) * per_second + left).min(burst)
        };
        if self.buckets.len() >= KEPT_MAX {
            // A full bucket says nothing.
            self.buckets.retain(|_, (left, since)| full(*left, *since) < burst);
        }
        let bucket = self.buckets.entry(who.to_owned()).or_insert((burst, now));
        let left = full(bucket.0, bucket.1);
        let room = left >= 1.0;
        *bucket = (if room { left - 1.0 } else { left }, now);
        room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    #[test]
    fn five_failures_lock_a_name_for_one_address_only() {
        let mut failures = Failures::default();
        for n in 0..5 {
            assert_eq!(failures.wait("anna", "1.1.1.1", at(n)), None, "{n}");
            failures.failed("Anna", "1.1.1.1", at(n));
        }
        assert_eq!(failures.wait("anna", "1.1.1.1", at(5)), Some(SignedDuration::from_secs(899)));
        assert_eq!(failures.wait("anna", "2.2.2.2", at(5)), None, "she gets in from elsewhere");
        assert_eq!(failures.wait("anna", "1.1.1.1", at(4 + 900)), None, "it ends");
        failures.succeeded("anna", "1.1.1.1");
        assert_eq!(failures.wait("anna", "1.1.1.1", at(6)), None);
    }

    #[test]
    fn an_address_that_tries_many_names_and_a_name_tried_from_everywhere_are_locked() {
        let mut failures = Failures::default();
        (0..20).for_each(|n| failures.failed(&format!("n{n}"), "1.1.1.1", at(0)));
        assert!(failures.wait("somebody", "1.1.1.1", at(1)).is_some());
        (0..50).for_each(|n| failures.failed("bert", &format!("10.0.0.{n}"), at(0)));
        assert!(failures.wait("bert", "9.9.9.9", at(1)).is_some());
        (0..20_000).for_each(|n| failures.failed(&format!("x{n}"), &format!("a{n}"), at(2)));
        assert!(failures.counts.len() <= KEPT_MAX, "it is bounded");
    }

    #[test]
    fn a_bucket_fills_and_empties() {
        let mut rate = Rate::new(2.0, 3.0);
        let taken: Vec<_> = [0, 0, 0, 0, 1, 1, 1].iter().map(|second| rate.take("a", at(*second))).collect();
        assert_eq!(taken, [true, true, true, false, true, true, false]);
        assert!(rate.take("b", at(1)), "another's is another");
        (0..30_000).for_each(|n| {
            rate.take(&format!("x{n}"), at(100 + n));
        });
        assert!(rate.buckets.len() <= KEPT_MAX, "it is bounded");
    }
}
