//! What a kind of PDU is asked, as data.

use async_snmp::Oid;
use serde::Deserialize;
use thiserror::Error;

/// In an object identifier: the outlet's number as printed on the PDU.
const OUTLET: &str = "{outlet}";

/// The kinds that come with offpeak.
const KNOWN: [(&str, &str); 5] = [
    ("apc-masterswitch", include_str!("../pdus/apc-masterswitch.toml")),
    ("apc-rpdu", include_str!("../pdus/apc-rpdu.toml")),
    ("cyberpower-epdu", include_str!("../pdus/cyberpower-epdu.toml")),
    ("eaton-epdu", include_str!("../pdus/eaton-epdu.toml")),
    ("raritan-px2", include_str!("../pdus/raritan-px2.toml")),
];

/// Why there is no such kind.
#[derive(Debug, Error)]
pub enum PduError {
    /// None has this name.
    #[error("no kind of PDU is called `{name}`; those that are: {}", KNOWN.map(|(name, _)| name).join(", "))]
    Unknown {
        /// What was looked for.
        name: String,
    },
    /// It is not TOML of this shape.
    #[error(transparent)]
    Malformed(#[from] toml::de::Error),
    /// An object identifier that is none, or names no outlet.
    #[error("PDU `{name}`: `{oid}` is no object identifier with {OUTLET} in it")]
    Oid {
        /// The kind.
        name: String,
        /// What stands there.
        oid: String,
    },
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
struct State {
    oid: String,
    on: Vec<i64>,
    off: Vec<i64>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
struct Write {
    oid: String,
    value: i32,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Measured {
    oid: String,
    watts: f64,
}

/// A kind of PDU.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Pdu {
    name: String,
    title: String,
    source: String,
    state: State,
    on: Write,
    off: Write,
    power: Option<Measured>,
}

impl Pdu {
    /// A kind that comes with offpeak.
    ///
    /// # Errors
    /// When none has this name.
    pub fn named(name: &str) -> Result<Self, PduError> {
        let found = KNOWN.iter().find(|(known, _)| *known == name);
        let (_, text) = found.ok_or_else(|| PduError::Unknown { name: name.to_owned() })?;
        Self::parse(text)
    }
    /// Reads a kind from TOML.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, PduError> {
        let pdu: Self = toml::from_str(text)?;
        let power = pdu.power.iter().map(|power| &power.oid);
        for oid in [&pdu.state.oid, &pdu.on.oid, &pdu.off.oid].into_iter().chain(power) {
            if oid.matches(OUTLET).count() != 1 || place(oid, 1).is_none() {
                return Err(PduError::Oid { name: pdu.name.clone(), oid: oid.clone() });
            }
        }
        Ok(pdu)
    }
    /// The kinds that come with offpeak.
    pub fn known() -> impl Iterator<Item = &'static str> {
        KNOWN.iter().map(|(name, _)| *name)
    }
    /// Its name in site files.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
    /// What it is.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }
    /// Where its identifiers come from.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }
    /// Whether it meters its outlets.
    #[must_use]
    pub const fn is_metered(&self) -> bool {
        self.power.is_some()
    }
    pub(super) fn state_of(&self, outlet: u16) -> Option<Oid> {
        place(&self.state.oid, outlet)
    }
    /// Whether such a state carries power; `None` for what is neither on nor off.
    pub(super) fn carries_power(&self, state: i64) -> Option<bool> {
        match (self.state.on.contains(&state), self.state.off.contains(&state)) {
            (true, false) => Some(true),
            (false, true) => Some(false),
            _ => None,
        }
    }
    /// What is written where to switch an outlet.
    pub(super) fn command(&self, outlet: u16, closed: bool) -> Option<(Oid, i32)> {
        let write = if closed { &self.on } else { &self.off };
        Some((place(&write.oid, outlet)?, write.value))
    }
    pub(super) fn power_of(&self, outlet: u16) -> Option<Oid> {
        place(&self.power.as_ref()?.oid, outlet)
    }
    pub(super) fn watts(&self, value: i64) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "watts of an outlet")]
        let value = value as f64;
        Some(value * self.power.as_ref()?.watts)
    }
}

fn place(oid: &str, outlet: u16) -> Option<Oid> {
    Oid::parse(&oid.replace(OUTLET, &outlet.to_string())).ok()
}
