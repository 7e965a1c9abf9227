//! Who fails too often waits: a pure count of failures, and of requests a second.
//!
//! A name is locked for one address after five failures, so that a stranger elsewhere does not lock its holder out; an
//! address after twenty with any names; a name from everywhere after fifty. All within a quarter of an hour, and for
//! as long. Set-up links, whose keys nobody guesses, are locked for one address after twenty failures and for nobody
//! else. The local socket is never locked.

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

/// Where somebody tries.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Try<'a> {
    /// A name and a password from an address.
    SignIn(&'a str, &'a str),
    /// A link's key from an address.
    SetUp(&'a str),
}

/// What a failure locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lock {
    /// The name, for the address.
    NameFromAddress,
    /// Every name, for the address.
    Address,
    /// The name, for everybody.
    Name,
    /// Set-up, for the address.
    SetUp,
}

impl Lock {
    /// What happened and what follows, for the records.
    pub(crate) fn words(self) -> String {
        let minutes = WINDOW.as_secs() / 60;
        let (failures, locked) = match self {
            Self::NameFromAddress => (OF_NAME_FROM_ADDRESS, "this name from this address"),
            Self::Address => (FROM_ADDRESS, "every name from this address"),
            Self::Name => (OF_NAME, "this name from everywhere"),
            Self::SetUp => (FROM_ADDRESS, "set-up from this address"),
        };
        format!("{failures} tries failed within {minutes} min: locked for {minutes} min, {locked}")
    }
}

/// What is counted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    NameFromAddress(String, String),
    Address(String),
    Name(String),
    SetUp(String),
}

impl Key {
    const fn limit(&self) -> u32 {
        match self {
            Self::NameFromAddress(..) => OF_NAME_FROM_ADDRESS,
            Self::Address(_) | Self::SetUp(_) => FROM_ADDRESS,
            Self::Name(_) => OF_NAME,
        }
    }
    /// All that a failure there counts for.
    fn of(tried: Try<'_>) -> Vec<Self> {
        match tried {
            Try::SetUp(address) => vec![Self::SetUp(address.to_owned())],
            Try::SignIn(name, address) => {
                let (name, address) = (name.to_lowercase(), address.to_owned());
                vec![
                    Self::NameFromAddress(name.clone(), address.clone()),
                    Self::Address(address),
                    Self::Name(name),
                ]
            }
        }
    }
    const fn lock(&self) -> Lock {
        match self {
            Self::NameFromAddress(..) => Lock::NameFromAddress,
            Self::Address(_) => Lock::Address,
            Self::Name(_) => Lock::Name,
            Self::SetUp(_) => Lock::SetUp,
        }
    }
    fn is_of_name(&self, name: &str) -> bool {
        matches!(self, Self::NameFromAddress(of, _) | Self::Name(of) if of == name)
    }
}

/// Failures so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Failures {
    counts: BTreeMap<Key, (u32, Timestamp)>,
}

impl Failures {
    /// How long to wait before the next try, if at all.
    pub(crate) fn wait(&self, tried: Try<'_>, now: Timestamp) -> Option<SignedDuration> {
        let left = |key: &Key| {
            let (count, since) = self.counts.get(key)?;
            let until = *since + WINDOW;
            (*count >= key.limit() && now < until).then(|| now.duration_until(until))
        };
        Key::of(tried).iter().filter_map(left).max()
    }

    /// Counts a failure; says what it locked, once for each lock. A lock lasts from its last failure on.
    pub(crate) fn failed(&mut self, tried: Try<'_>, now: Timestamp) -> Vec<Lock> {
        self.counts.retain(|_, (_, since)| now < *since + WINDOW);
        let mut locks = Vec::new();
        for key in Key::of(tried) {
            let (limit, lock) = (key.limit(), key.lock());
            let counted = self.counts.entry(key).or_insert((0, now));
            *counted = (counted.0.saturating_add(1), now);
            if counted.0 == limit {
                locks.push(lock);
            }
        }
        while self.counts.len() > KEPT_MAX {
            let oldest = self.counts.iter().min_by_key(|(_, (_, since))| *since).map(|(key, _)| key.clone());
            oldest.and_then(|oldest| self.counts.remove(&oldest));
        }
        locks
    }

    /// Somebody got in: their own count begins anew; the address's does not.
    pub(crate) fn succeeded(&mut self, name: &str, address: &str) {
        let name = name.to_lowercase();
        self.counts.remove(&Key::NameFromAddress(name.clone(), address.to_owned()));
        self.counts.remove(&Key::Name(name));
    }

    /// Somebody has a new password: what was tried before was tried against another.
    pub(crate) fn renewed(&mut self, name: &str) {
        let name = name.to_lowercase();
        self.counts.retain(|key, _| !key.is_of_name(&name));
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
            assert_eq!(failures.wait(Try::SignIn("anna", "1.1.1.1"), at(n)), None, "{n}");
            failures.failed(Try::SignIn("Anna", "1.1.1.1"), at(n));
        }
        assert_eq!(
            failures.wait(Try::SignIn("anna", "1.1.1.1"), at(5)),
            Some(SignedDuration::from_secs(899))
        );
        assert_eq!(failures.wait(Try::SignIn("anna", "2.2.2.2"), at(5)), None, "she gets in from elsewhere");
        assert_eq!(failures.wait(Try::SignIn("anna", "1.1.1.1"), at(4 + 900)), None, "it ends");
        failures.succeeded("anna", "1.1.1.1");
        assert_eq!(failures.wait(Try::SignIn("anna", "1.1.1.1"), at(6)), None);
    }

    #[test]
    fn an_address_that_tries_many_names_and_a_name_tried_from_everywhere_are_locked() {
        let mut failures = Failures::default();
        (0..20).for_each(|n| drop(failures.failed(Try::SignIn(&format!("n{n}"), "1.1.1.1"), at(0))));
        assert!(failures.wait(Try::SignIn("somebody", "1.1.1.1"), at(1)).is_some());
        (0..50).for_each(|n| drop(failures.failed(Try::SignIn("bert", &format!("10.0.0.{n}")), at(0))));
        assert!(failures.wait(Try::SignIn("bert", "9.9.9.9"), at(1)).is_some());
        (0..20_000)
            .for_each(|n| drop(failures.failed(Try::SignIn(&format!("x{n}"), &format!("a{n}")), at(2))));
        assert!(failures.counts.len() <= KEPT_MAX, "it is bounded");
    }

    #[test]
    fn a_lock_is_told_once() {
        let mut failures = Failures::default();
        let told: Vec<_> = (0..7).map(|n| failures.failed(Try::SignIn("anna", "1.1.1.1"), at(n))).collect();
        assert!(told.iter().enumerate().all(|(n, locks)| locks.is_empty() || n == 4), "{told:?}");
        assert_eq!(told[4], [Lock::NameFromAddress]);
        let told: Vec<_> =
            (0..20).flat_map(|n| failures.failed(Try::SignIn(&format!("n{n}"), "1.1.1.1"), at(8))).collect();
        assert_eq!(told, [Lock::Address]);
        let again: Vec<_> =
            (0..5).flat_map(|_| failures.failed(Try::SignIn("anna", "1.1.1.1"), at(8 + 900))).collect();
        assert_eq!(again, [Lock::NameFromAddress], "the next quarter of an hour is another");
        assert_eq!(
            Lock::Name.words(),
            "50 tries failed within 15 min: locked for 15 min, this name from everywhere"
        );
    }

    #[test]
    fn set_up_is_locked_for_the_address_that_fails_and_for_nobody_else() {
        let mut failures = Failures::default();
        (0..200).for_each(|n| drop(failures.failed(Try::SetUp(&format!("10.0.0.{n}")), at(0))));
        assert_eq!(failures.wait(Try::SetUp("9.9.9.9"), at(1)), None, "strangers lock nobody out");
        (0..20).for_each(|_| drop(failures.failed(Try::SetUp("1.1.1.1"), at(0))));
        assert!(failures.wait(Try::SetUp("1.1.1.1"), at(1)).is_some());
        assert_eq!(failures.wait(Try::SignIn("anna", "1.1.1.1"), at(1)), None, "signing in is another door");
        (0..50).for_each(|n| drop(failures.failed(Try::SignIn("set-up", &format!("10.1.0.{n}")), at(0))));
        assert_eq!(failures.wait(Try::SetUp("10.1.0.1"), at(1)), None, "somebody's name may be anything");
    }

    #[test]
    fn a_new_password_ends_the_locks_of_its_name() {
        let mut failures = Failures::default();
        (0..50).for_each(|n| drop(failures.failed(Try::SignIn("anna", &format!("10.0.0.{}", n % 9)), at(0))));
        failures.failed(Try::SignIn("annabel", "10.0.0.1"), at(0));
        assert!(failures.wait(Try::SignIn("anna", "10.0.0.1"), at(1)).is_some());
        failures.renewed("Anna");
        assert_eq!(failures.wait(Try::SignIn("anna", "10.0.0.1"), at(1)), None);
        assert!(failures.counts.keys().any(|key| key.is_of_name("annabel")), "others' counts stand");
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
