//! Proto Rig's replies, every field typed. Pure: bytes in, values out.

use offpeak_site::{Activity, MacAddress};
use offpeak_units::{HashRate, Power, Temperature};
use serde::Deserialize;

use crate::cgminer::Text;
use crate::json::Number;
use crate::refusal::ReplyError;
use crate::rest::object;

/// What the rig does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// `Uninitialized` or `PoweringOn`.
    PoweringOn,
    /// `Mining`, and `DegradedMining` with fewer boards.
    Mining,
    /// `PoweringOff`: it still draws.
    PoweringOff,
    /// `Stopped`.
    Stopped,
    /// `Curtailed`: somebody else's curtailment holds it, and may let it go.
    Curtailed,
    /// `NoPools`: awake with nothing to do.
    NoPools,
    /// `Error`.
    Error,
}

impl State {
    fn of(word: &str) -> Option<Self> {
        Some(match word {
            "Uninitialized" | "PoweringOn" => Self::PoweringOn,
            "Mining" | "DegradedMining" => Self::Mining,
            "PoweringOff" => Self::PoweringOff,
            "Stopped" => Self::Stopped,
            "Curtailed" => Self::Curtailed,
            "NoPools" => Self::NoPools,
            "Error" => Self::Error,
            _ => return None,
        })
    }
    /// As a reading says it. What powers off counts as hashing until it has stopped, and what may start
    /// without an order of ours as starting.
    #[must_use]
    pub const fn activity(self) -> Activity {
        match self {
            Self::Mining | Self::PoweringOff => Activity::Hashing,
            Self::PoweringOn | Self::Curtailed => Activity::Starting,
            Self::Stopped => Activity::Asleep,
            Self::NoPools | Self::Error => Activity::Failed,
        }
    }
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
struct MiningStatus<'a> {
    #[serde(borrow, default)]
    status: Text<'a>,
    #[serde(default)]
    hashrate_ghs: Number,
    #[serde(default)]
    power_usage_watts: Number,
    #[serde(default)]
    average_asic_temp_c: Number,
    #[serde(default)]
    power_target_watts: Number,
}

/// The reply to `mining`.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Mining<'a> {
    #[serde(borrow, rename = "mining-status")]
    status: MiningStatus<'a>,
}

impl<'a> Mining<'a> {
    /// Reads a reply to `mining`.
    ///
    /// # Errors
    /// That it is no such reply.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ReplyError> {
        object(bytes)
    }
    /// The state; absent where the word is none of the known ones.
    #[must_use]
    pub fn state(&self) -> Option<State> {
        State::of(self.status.status.get()?)
    }
    /// What it hashes.
    #[must_use]
    pub fn hash_rate(&self) -> Option<HashRate> {
        HashRate::from_terahashes_f64(self.status.hashrate_ghs.get()? / 1e3)
    }
    /// What it draws for mining.
    #[must_use]
    pub fn power(&self) -> Option<Power> {
        Power::from_watts_f64(self.status.power_usage_watts.get()?).filter(|power| !power.is_negative())
    }
    /// The mean of its chips: it does not tell the hottest.
    #[must_use]
    pub fn temperature(&self) -> Option<Temperature> {
        Temperature::from_celsius_f64(self.status.average_asic_temp_c.get()?)
    }
    /// The watts it is to keep to.
    #[must_use]
    pub fn target(&self) -> Option<Power> {
        Power::from_watts_f64(self.status.power_target_watts.get()?).filter(|power| !power.is_negative())
    }
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
struct Os<'a> {
    #[serde(borrow, default)]
    version: Text<'a>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
struct SystemInfo<'a> {
    #[serde(borrow, default)]
    product_name: Text<'a>,
    #[serde(borrow, default)]
    manufacturer: Text<'a>,
    #[serde(borrow, default)]
    cb_sn: Text<'a>,
    #[serde(borrow, default)]
    os: Option<Os<'a>>,
}

/// The reply to `system`.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct System<'a> {
    #[serde(borrow, rename = "system-info")]
    info: SystemInfo<'a>,
}

impl<'a> System<'a> {
    /// Reads a reply to `system`.
    ///
    /// # Errors
    /// That it is no such reply.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ReplyError> {
        object(bytes)
    }
    /// Such as `Proto Rig`.
    #[must_use]
    pub fn model(&self) -> Option<&str> {
        self.info.product_name.get()
    }
    /// Such as `Proto`.
    #[must_use]
    pub fn manufacturer(&self) -> Option<&str> {
        self.info.manufacturer.get()
    }
    /// The control board's.
    #[must_use]
    pub fn serial(&self) -> Option<&str> {
        self.info.cb_sn.get()
    }
    /// Such as `1.8.0`.
    #[must_use]
    pub fn firmware(&self) -> Option<&str> {
        self.info.os.as_ref()?.version.get()
    }
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
struct NetworkInfo<'a> {
    #[serde(borrow, default)]
    mac: Text<'a>,
}

/// The reply to `network`.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Network<'a> {
    #[serde(borrow, rename = "network-info")]
    info: NetworkInfo<'a>,
}

impl<'a> Network<'a> {
    /// Reads a reply to `network`.
    ///
    /// # Errors
    /// That it is no such reply.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ReplyError> {
        object(bytes)
    }
    /// Its hardware address.
    #[must_use]
    pub fn mac(&self) -> Option<MacAddress> {
        self.info.mac.get()?.parse().ok()
    }
}

/// The reply to `auth/login`.
#[derive(Clone, Deserialize)]
pub struct Access {
    /// Never logged.
    pub access_token: String,
}

impl core::fmt::Debug for Access {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Access(..)")
    }
}

impl Access {
    /// Reads a reply to `auth/login`.
    ///
    /// # Errors
    /// That it is no such reply.
    pub fn parse(bytes: &[u8]) -> Result<Self, ReplyError> {
        object(bytes)
    }
}
