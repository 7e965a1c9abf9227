//! Bitaxe's replies, every field typed. Pure: bytes in, values out.

use offpeak_site::{Activity, MacAddress};
use offpeak_units::{HashRate, Power, Temperature};
use serde::Deserialize;

use crate::cgminer::Text;
use crate::json::{Flag, Number};
use crate::refusal::ReplyError;
use crate::rest::object;

/// The reply to `system/info`.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Info<'a> {
    /// Present in every version, and what tells these machines from others.
    #[serde(borrow, rename = "ASICModel")]
    model: Text<'a>,
    #[serde(borrow, default, rename = "macAddr")]
    mac: Text<'a>,
    #[serde(borrow, default)]
    version: Text<'a>,
    #[serde(default, rename = "hashRate")]
    rate: Number,
    #[serde(default)]
    power: Number,
    #[serde(default)]
    temp: Number,
    #[serde(default, rename = "miningPaused")]
    paused: Flag,
    #[serde(default)]
    overheat_mode: Number,
    #[serde(borrow, default)]
    power_fault: Text<'a>,
}

impl<'a> Info<'a> {
    /// Reads a reply to `system/info`.
    ///
    /// # Errors
    /// That it is no such reply.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ReplyError> {
        object(bytes)
    }
    /// What it does. A firmware that cannot be paused does not say that it is not.
    #[must_use]
    pub fn activity(&self) -> Activity {
        if self.paused.get() == Some(true) {
            Activity::Asleep
        } else if self.overheat_mode.get().is_some_and(|mode| mode != 0.0) || self.power_fault.get().is_some()
        {
            Activity::Failed
        } else if self.rate.get().is_some_and(|rate| rate > 0.0) {
            Activity::Hashing
        } else {
            Activity::Starting
        }
    }
    /// Its chip, such as `BM1368`.
    #[must_use]
    pub fn model(&self) -> Option<&str> {
        self.model.get()
    }
    /// Its hardware address.
    #[must_use]
    pub fn mac(&self) -> Option<MacAddress> {
        self.mac.get()?.parse().ok()
    }
    /// Such as `v2.4.5`.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.version.get()
    }
    /// What it hashes.
    #[must_use]
    pub fn hash_rate(&self) -> Option<HashRate> {
        HashRate::from_terahashes_f64(self.rate.get()? / 1e3)
    }
    /// What it draws behind its power supply.
    #[must_use]
    pub fn power(&self) -> Option<Power> {
        Power::from_watts_f64(self.power.get()?).filter(|power| !power.is_negative())
    }
    /// The mean of its chips.
    #[must_use]
    pub fn temperature(&self) -> Option<Temperature> {
        Temperature::from_celsius_f64(self.temp.get()?)
    }
}
