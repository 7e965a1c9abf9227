//! The families as data: what each can do and how that was verified, its factory login, its quirks.
//!
//! Not here: models and their watts (the hardware catalogue in `site`), and how anything is asked (the
//! families' own modules).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::OnceLock;

use offpeak_site::{Family, family_times};
use serde::Deserialize;

use crate::http::Credentials;

const TEXT: &str = include_str!("../devices/families.toml");

/// How a function was verified, from weak to strong.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// The maker's own API document.
    Document,
    /// Recorded replies of real machines.
    Recorded,
    /// Our twin's front end.
    Twin,
    /// asic-rs, against the same front end.
    AsicRs,
    /// pyasic, against the same front end.
    Pyasic,
    /// A real machine, tried by this project.
    Hardware,
}

impl Mark {
    /// The letter of the table, and the word.
    #[must_use]
    pub const fn names(self) -> (char, &'static str) {
        match self {
            Self::Document => ('D', "document"),
            Self::Recorded => ('R', "recorded"),
            Self::Twin => ('T', "twin"),
            Self::AsicRs => ('A', "asic-rs"),
            Self::Pyasic => ('P', "pyasic"),
            Self::Hardware => ('H', "hardware"),
        }
    }
}

/// Whether a function is there.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(untagged)]
pub enum Support {
    /// With these marks.
    Yes(Vec<Mark>),
    /// Missing, for this reason.
    No(String),
}

impl Support {
    /// Whether it is there.
    #[must_use]
    pub const fn is_there(&self) -> bool {
        matches!(self, Self::Yes(_))
    }
}

/// What can be asked of a machine.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Functions {
    /// Who it is.
    pub identify: Support,
    /// Its state, fast and fully.
    pub read: Support,
    /// Sleep.
    pub sleep: Support,
    /// Wake.
    pub wake: Support,
    /// Low, normal and high modes.
    pub mode: Support,
    /// A power limit in watts.
    pub power_limit: Support,
    /// Restart.
    pub reboot: Support,
    /// Blink.
    pub locate: Support,
    /// Pools.
    pub pools: Support,
}

impl Functions {
    /// All of them with their names, in the table's order.
    #[must_use]
    pub const fn all(&self) -> [(&'static str, &Support); 9] {
        [
            ("identify", &self.identify),
            ("read", &self.read),
            ("sleep", &self.sleep),
            ("wake", &self.wake),
            ("mode", &self.mode),
            ("power limit", &self.power_limit),
            ("reboot", &self.reboot),
            ("locate", &self.locate),
            ("pools", &self.pools),
        ]
    }
}

#[derive(Clone, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
struct Login {
    user: String,
    password: String,
}

/// A family.
#[derive(Clone, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// As in site files.
    pub name: String,
    /// In words.
    pub title: String,
    /// Who makes the firmware.
    pub maker: String,
    /// Which versions.
    pub firmware: String,
    /// What the driver was written after.
    pub document: String,
    login: Option<Login>,
    /// What is odd about it.
    pub quirks: Vec<String>,
    /// What its machines do when the controller is gone.
    pub without_controller: String,
    /// How that is known.
    pub without_controller_source: String,
    /// What it can do.
    pub functions: Functions,
}

impl Device {
    /// Whether a machine as made asks for a login, be it one without a password.
    #[must_use]
    pub const fn has_login(&self) -> bool {
        self.login.is_some()
    }
}

impl core::fmt::Debug for Device {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Device({})", self.name)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    families: Vec<Device>,
}

/// Every family with a driver.
///
/// # Panics
/// Never: a test loads the table.
#[must_use]
pub fn devices() -> &'static BTreeMap<Family, Device> {
    static DEVICES: OnceLock<BTreeMap<Family, Device>> = OnceLock::new();
    DEVICES.get_or_init(|| {
        let file: File = toml::from_str(TEXT).expect("a test loads the table");
        let family = |name: &str| {
            Family::ALL.into_iter().find(|family| family.name() == name).expect("a test checks every name")
        };
        file.families.into_iter().map(|device| (family(&device.name), device)).collect()
    })
}

/// What a machine of this family is opened with as made; empty where it has no login.
#[must_use]
pub fn factory_login(family: Family) -> Credentials {
    let login = devices().get(&family).and_then(|device| device.login.as_ref());
    login.map_or_else(
        || Credentials { user: String::new(), password: String::new() },
        |login| Credentials { user: login.user.clone(), password: login.password.clone() },
    )
}

fn cell(support: &Support) -> String {
    match support {
        Support::No(_) => "–".to_owned(),
        Support::Yes(marks) => marks.iter().map(|mark| mark.names().0).collect(),
    }
}

/// The capability table, as `docs/devices.md`.
#[must_use]
pub fn table() -> String {
    let mut page = "# Machines and what can be done with them\n\n\
        This page is made from `crates/drivers/devices/families.toml`; a test holds it to that file and to the drivers.\n\n\
        How each function was verified: **D** the maker's own API document, **R** recorded replies of real machines, \
        **T** our twin's front end, **A** asic-rs and **P** pyasic against the same front end, **H** a real machine, \
        tried by this project. Nothing carries an H yet: offpeak has not been tried on real machines.\n\n"
        .to_owned();
    let names = ["identify", "read", "sleep", "wake", "mode", "power limit", "reboot", "locate", "pools"];
    let _ = writeln!(page, "| family | firmware | {} |", names.join(" | "));
    let _ = writeln!(page, "|---|---|{}", "---|".repeat(names.len()));
    for device in devices().values() {
        let cells: Vec<String> = device.functions.all().iter().map(|(_, support)| cell(support)).collect();
        let _ = writeln!(page, "| `{}` | {} | {} |", device.name, device.firmware, cells.join(" | "));
    }
    for (family, device) in devices() {
        let _ = writeln!(page, "\n## `{}`: {}\n", device.name, device.title);
        let _ = writeln!(page, "Firmware by {}. Written after: {}.", device.maker, device.document);
        for quirk in &device.quirks {
            let _ = writeln!(page, "- {quirk}");
        }
        if let Some(times) = family_times(*family) {
            let sleep = times.transitions.sleep;
            let _ = writeln!(
                page,
                "- asleep {} to {} s after the order, nine of ten; {} s at most ({})",
                sleep.p5_ms / 1_000,
                sleep.p95_ms / 1_000,
                times.sleep_max_ms / 1_000,
                times.source
            );
        }
        let _ = writeln!(
            page,
            "- without a controller: {} ({})",
            device.without_controller, device.without_controller_source
        );
        for (name, support) in device.functions.all() {
            if let Support::No(reason) = support {
                let _ = writeln!(page, "- no {name}: {reason}");
            }
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_is_described_once_and_the_same_everywhere() {
        let file: File = toml::from_str(TEXT).unwrap();
        assert_eq!(file.families.len(), devices().len(), "no name stands twice");
        for (family, device) in devices() {
            assert_eq!(family.name(), device.name);
            assert_eq!(family.without_controller(), device.without_controller, "{}", device.name);
            for (function, support) in device.functions.all() {
                let said = match support {
                    Support::Yes(marks) => !marks.is_empty() && marks.is_sorted(),
                    Support::No(reason) => !reason.is_empty(),
                };
                assert!(said, "{}: {function}", device.name);
            }
            assert!(!device.without_controller_source.is_empty() && !device.document.is_empty());
        }
    }

    #[test]
    fn the_page_is_the_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/devices.md");
        if std::env::var_os("OFFPEAK_REGENERATE").is_some() {
            std::fs::write(path, table()).unwrap();
        }
        let page = std::fs::read_to_string(path).unwrap();
        assert!(
            page == table(),
            "docs/devices.md is old: OFFPEAK_REGENERATE=1 cargo test -p offpeak-drivers --lib devices"
        );
    }
}
