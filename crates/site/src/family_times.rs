//! How long machines of a family take to sleep and to wake, as data with its sources (`families.toml`).
//!
//! Not here: models that state their own times (`catalogue.toml`, site files).

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

use crate::hardware::{Distribution, Family, Transitions};

/// A family's times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FamilyTimes {
    /// From and to sleep.
    pub transitions: Transitions,
    /// The longest that one of its machines takes to sleep, in milliseconds.
    pub sleep_max_ms: u32,
    /// Where these stand; it begins with "assumed" where nothing published was found.
    pub source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    boot_s: [u16; 2],
    wake_s: [u16; 2],
    ramp_up_s: [u16; 2],
    sleep_s: [u16; 2],
    sleep_max_s: u16,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    families: Vec<Entry>,
}

const fn distribution([p5, p95]: [u16; 2]) -> Distribution {
    Distribution { p5_ms: p5 as u32 * 1_000, p95_ms: p95 as u32 * 1_000 }
}

fn file() -> File {
    toml::from_str(include_str!("families.toml")).expect("a test loads the table")
}

/// A family's times; `None` for machines of others.
///
/// # Panics
/// Never: a test loads the table.
#[must_use]
pub fn family_times(family: Family) -> Option<&'static FamilyTimes> {
    static TIMES: OnceLock<BTreeMap<Family, FamilyTimes>> = OnceLock::new();
    let times = TIMES.get_or_init(|| {
        let family = |name: &str| {
            Family::ALL.into_iter().find(|family| family.name() == name).expect("a test checks every name")
        };
        let entry = |entry: Entry| {
            let transitions = Transitions {
                boot: distribution(entry.boot_s),
                wake: distribution(entry.wake_s),
                ramp_up: distribution(entry.ramp_up_s),
                sleep: distribution(entry.sleep_s),
            };
            let sleep_max_ms = u32::from(entry.sleep_max_s) * 1_000;
            (family(&entry.name), FamilyTimes { transitions, sleep_max_ms, source: entry.source })
        };
        file().families.into_iter().map(entry).collect()
    });
    times.get(&family)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where a log-normal through its 5th and 95th percentile stands at three sigma, beyond which none is drawn.
    fn at_three_sigma(of: Distribution) -> f64 {
        let (p5, p95) = (f64::from(of.p5_ms), f64::from(of.p95_ms));
        p5 * (p95 / p5).powf((3.0 + 1.644_853_627) / (2.0 * 1.644_853_627))
    }

    #[test]
    fn every_family_has_its_times_once_with_a_source() {
        assert_eq!(file().families.len(), Family::ALL.len() - 1, "no name stands twice, and none is missing");
        for family in Family::ALL {
            let Some(times) = family_times(family) else {
                assert_eq!(family, Family::Other);
                continue;
            };
            assert!(times.source.len() > 20, "{family:?}");
            let Transitions { boot, wake, ramp_up, sleep } = times.transitions;
            for of in [boot, wake, ramp_up, sleep] {
                assert!(of.p5_ms >= 1_000 && of.p5_ms < of.p95_ms, "{family:?} {of:?}");
            }
            let longest = at_three_sigma(sleep);
            let stated = f64::from(times.sleep_max_ms);
            assert!((longest..longest * 1.5).contains(&stated), "{family:?}: {stated} states {longest}");
        }
    }
}
