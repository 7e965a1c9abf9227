//! Which rows a day has already, so that none is taken twice.
//!
//! One bit an interval: a day of 55,000 machines by the minute takes 10 MB. Days are let go of when newer ones
//! come; a late row brings its day's keys back from the day's files.

use std::collections::BTreeMap;

use hashbrown::{HashMap, HashSet};

use crate::block::DAY_MS;
use crate::names::Names;
use crate::record::Key;
use crate::table::Table;

/// Days of one table that are kept in memory at most.
const DAYS_MAX: usize = 3;
/// A day in seconds.
const DAY_S: i64 = DAY_MS / 1_000;

/// The keys of one day of one table.
#[derive(Debug, Default)]
struct Day {
    /// By site, name and length: a bit for each interval of the day.
    intervals: HashMap<(u32, u32, u32), Vec<u64>>,
    events: HashSet<(u32, u32, u32, u64, i64)>,
    /// When it was last asked, in calls.
    asked: u64,
}

/// The keys of the days at hand.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    days: BTreeMap<(Table, i64), Day>,
    names: Names,
    calls: u64,
}

/// The day of a key, in days since 1970.
pub(crate) fn day_of(key: &Key<'_>) -> i64 {
    match key {
        Key::Interval { start_s, .. } => start_s.div_euclid(DAY_S),
        Key::Event { at_ms, .. } => at_ms.div_euclid(DAY_MS),
    }
}

impl Keys {
    /// Whether a day's keys are at hand.
    pub(crate) fn knows(&self, table: Table, day: i64) -> bool {
        self.days.contains_key(&(table, day))
    }

    /// Takes a day in, with no keys yet, and lets go of the day that was asked for longest ago.
    pub(crate) fn begin_day(&mut self, table: Table, day: i64) {
        let of_table = |days: &BTreeMap<(Table, i64), Day>| -> Vec<(u64, i64)> {
            days.range((table, i64::MIN)..=(table, i64::MAX))
                .map(|((_, day), keys)| (keys.asked, *day))
                .collect()
        };
        let mut kept = of_table(&self.days);
        kept.sort_unstable();
        for (_, oldest) in kept.iter().take((kept.len() + 1).saturating_sub(DAYS_MAX)) {
            self.days.remove(&(table, *oldest));
        }
        self.days.insert((table, day), Day { asked: self.calls, ..Day::default() });
    }

    /// Notes a key of a day that is at hand. Says whether it is new.
    pub(crate) fn note(&mut self, table: Table, key: &Key<'_>) -> bool {
        self.calls += 1;
        let Some(day) = self.days.get_mut(&(table, day_of(key))) else { return false };
        day.asked = self.calls;
        match *key {
            Key::Interval { site, of, length_s, start_s } => {
                let name = (self.names.number(site), self.names.number(of), length_s);
                let slot = (start_s.rem_euclid(DAY_S) / i64::from(length_s.max(1))) as usize;
                let slots = (DAY_S / i64::from(length_s.max(1))) as usize;
                let bits = day.intervals.entry(name).or_insert_with(|| vec![0; slots.div_ceil(64)]);
                let (word, bit) = (slot / 64, 1_u64 << (slot % 64));
                let new = bits[word] & bit == 0;
                bits[word] |= bit;
                new
            }
            Key::Event { site, of, by, number, at_ms } => {
                let [site, of, by] = [site, of, by].map(|name| self.names.number(name));
                day.events.insert((site, of, by, number, at_ms))
            }
        }
    }

    /// Forgets a key whose row could not be written.
    pub(crate) fn forget(&mut self, table: Table, key: &Key<'_>) {
        let Some(day) = self.days.get_mut(&(table, day_of(key))) else { return };
        match *key {
            Key::Interval { site, of, length_s, start_s } => {
                let name = (self.names.number(site), self.names.number(of), length_s);
                let slot = (start_s.rem_euclid(DAY_S) / i64::from(length_s.max(1))) as usize;
                if let Some(bits) = day.intervals.get_mut(&name) {
                    bits[slot / 64] &= !(1 << (slot % 64));
                }
            }
            Key::Event { site, of, by, number, at_ms } => {
                let [site, of, by] = [site, of, by].map(|name| self.names.number(name));
                day.events.remove(&(site, of, by, number, at_ms));
            }
        }
    }
}
