//! Braiins OS's replies, every field typed. Pure: bytes in, values out.

use core::time::Duration;

use offpeak_site::{Activity, MacAddress};
use offpeak_units::{HashRate, Power};
use serde::Deserialize;

use crate::cgminer::Text;
use crate::json::Number;
use crate::refusal::ReplyError;
use crate::rest::object;

/// The state of the miner, as `miner.proto` numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// 1: the mining process does not run.
    NotStarted,
    /// 2.
    Normal,
    /// 3: paused by command.
    Paused,
    /// 4: it has stopped itself for a while.
    Suspended,
    /// 5: it mines with restrictions of its licence.
    Restricted,
}

impl State {
    fn of(number: u64) -> Option<Self> {
        Some(match number {
            1 => Self::NotStarted,
            2 => Self::Normal,
            3 => Self::Paused,
            4 => Self::Suspended,
            5 => Self::Restricted,
            _ => return None,
        })
    }
    /// As a reading of a machine without hash rate says it.
    #[must_use]
    pub const fn activity_without_rate(self) -> Activity {
        match self {
            Self::Paused => Activity::Asleep,
            Self::NotStarted | Self::Normal | Self::Suspended | Self::Restricted => Activity::Starting,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
struct Rate {
    #[serde(default)]
    gigahash_per_second: Number,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
struct Rates {
    #[serde(default)]
    last_5s: Option<Rate>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
struct Solver {
    #[serde(default)]
    real_hashrate: Option<Rates>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
struct Watts {
    #[serde(default)]
    watt: Number,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
struct Drawn {
    #[serde(default)]
    approximated_consumption: Option<Watts>,
}

/// The reply to `miner/stats`.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
pub struct Stats {
    #[serde(default)]
    miner_stats: Option<Solver>,
    #[serde(default)]
    power_stats: Option<Drawn>,
}

impl Stats {
    /// Reads a reply to `miner/stats`.
    ///
    /// # Errors
    /// That it is no such reply.
    pub fn parse(bytes: &[u8]) -> Result<Self, ReplyError> {
        object(bytes)
    }
    /// What it hashed in the last five seconds.
    #[must_use]
    pub fn hash_rate(&self) -> Option<HashRate> {
        let rate = self.miner_stats?.real_hashrate?.last_5s?.gigahash_per_second.get()?;
        HashRate::from_terahashes_f64(rate / 1e3)
    }
    /// What it reckons to draw.
    #[must_use]
    pub fn power(&self) -> Option<Power> {
        let watts = self.power_stats?.approximated_consumption?.watt.get()?;
        Power::from_watts_f64(watts).filter(|power| !power.is_negative())
    }
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
struct MinerIdentity<'a> {
    #[serde(borrow, default)]
    miner_model: Text<'a>,
    #[serde(borrow, default)]
    name: Text<'a>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
struct BosVersion<'a> {
    #[serde(borrow, default)]
    current: Text<'a>,
}

/// The reply to `miner/details`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
pub struct Details<'a> {
    #[serde(default)]
    status: Number,
    #[serde(borrow, default)]
    mac_address: Text<'a>,
    /// The machine's.
    #[serde(borrow, default)]
    pub serial_number: Text<'a>,
    #[serde(borrow, default)]
    miner_identity: Option<MinerIdentity<'a>>,
    #[serde(borrow, default)]
    bos_version: Option<BosVersion<'a>>,
}

impl<'a> Details<'a> {
    /// Reads a reply to `miner/details`.
    ///
    /// # Errors
    /// That it is no such reply.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ReplyError> {
        object(bytes)
    }
    /// The state; absent where its number is none of the contract's.
    #[must_use]
    pub fn state(&self) -> Option<State> {
        State::of(self.status.whole()?)
    }
    /// Its hardware address.
    #[must_use]
    pub fn mac(&self) -> Option<MacAddress> {
        self.mac_address.get()?.parse().ok()
    }
    /// Such as `Antminer S19 XP`.
    #[must_use]
    pub fn model(&self) -> Option<&str> {
        let identity = self.miner_identity.as_ref()?;
        identity.miner_model.get().or_else(|| identity.name.get())
    }
    /// Such as `2025-08-06-0-3881c51d-25.07-plus`.
    #[must_use]
    pub fn firmware(&self) -> Option<&str> {
        self.bos_version.as_ref()?.current.get()
    }
}

/// The reply to `auth/login`.
#[derive(Clone, Deserialize)]
pub struct Token {
    /// Never logged.
    pub token: String,
    #[serde(default)]
    timeout_s: Number,
}

impl core::fmt::Debug for Token {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Token(..)")
    }
}

impl Token {
    /// Reads a reply to `auth/login`.
    ///
    /// # Errors
    /// That it is no such reply.
    pub fn parse(bytes: &[u8]) -> Result<Self, ReplyError> {
        object(bytes)
    }
    /// How long after its last use it ends.
    #[must_use]
    pub fn ends_after(&self) -> Option<Duration> {
        self.timeout_s.whole().map(Duration::from_secs)
    }
}
