//! LuxOS's replies, every field typed. Pure: bytes in, values out.

use serde::Deserialize;

use offpeak_site::{Activity, MacAddress, ModeName, Trouble};
use offpeak_units::{HashRate, Power as Watts, Temperature};

use crate::cgminer::{First, Nothing, Status, Text, members};
use crate::exchange::shape;
use crate::json::{Flag, Number};
use crate::refusal::ReplyError;

/// A machine has four boards at most; what is longer is not kept.
const BOARDS_MAX: usize = 16;
/// Profiles and pools beyond this number are not kept.
const LIST_MAX: usize = 128;

members! {
    /// The reply to `summary`. Rates are in GH/s.
    Summary<'a> {
        "Elapsed" elapsed: Number,
        "GHS 5s" rate_5s: Number,
        "GHS 1m" rate_1m: Number,
        "GHS 5m" rate_5m: Number,
        "GHS 15m" rate_15m: Number,
        "GHS 30m" rate_30m: Number,
        "GHS 24h" rate_24h: Number,
        "GHS av" rate_mean: Number,
        "Accepted" accepted: Number,
        "Rejected" rejected: Number,
        "Stale" stale: Number,
        "Hardware Errors" hardware_errors: Number,
        "Pool Rejected%" pool_rejected_percent: Number,
    } Nothing
}

members! {
    /// The reply to `power`.
    Power<'a> {
        /// What it draws.
        "Watts" watts: Number,
        /// Whether the supply measured that; otherwise it is estimated.
        "PSU" measured: Flag,
    } Nothing
}

members! {
    /// One board in the reply to `temps`, in °C.
    BoardTemperatures<'a> {
        "ID" id: Number,
        "TopLeft" top_left: Number,
        "TopRight" top_right: Number,
        "BottomLeft" bottom_left: Number,
        "BottomRight" bottom_right: Number,
    } Nothing
}

members! {
    /// The reply to `config`.
    Config<'a> {
        "CurtailMode" curtail: Text<'a>,
        "SystemStatus" system: Text<'a>,
        "IsPowerSupplyOn" supply_on: Flag,
        "IsTuning" tuning: Flag,
        "Model" model: Text<'a>,
        "MACAddr" mac: Text<'a>,
        "SerialNumber" serial: Text<'a>,
        "Hostname" hostname: Text<'a>,
        "Profile" profile: Text<'a>,
        "ProfileStep" profile_step: Number,
        "NameplateTHS" nameplate: Number,
        "ActualPowerTarget" power_target: Number,
        "RedLed" light: Text<'a>,
    } Nothing
}

members! {
    /// One profile in the reply to `profiles`.
    Profile<'a> {
        "Profile Name" name: Text<'a>,
        /// 0 is the default one.
        "Step" step: Number,
        "Watts" watts: Number,
        /// In TH/s.
        "Hashrate" rate: Number,
    } Nothing
}

members! {
    /// One pool in the reply to `pools`.
    PoolEntry<'a> {
        "POOL" place: Number,
        "URL" url: Text<'a>,
        "User" user: Text<'a>,
        "Stratum Active" active: Flag,
    } Nothing
}

members! {
    /// The reply to `logon` and `session`.
    Session<'a> {
        /// Empty where there is none.
        "SessionID" id: Text<'a>,
    } Nothing
}

members! {
    /// The reply to `version`.
    Version<'a> {
        "API" api: Text<'a>,
        "LUXminer" luxminer: Text<'a>,
        "Miner" miner: Text<'a>,
        "Type" model: Text<'a>,
        "CompileTime" compiled: Text<'a>,
    } Nothing
}

/// A reply to one command: its status and its list, whatever the list is called.
#[derive(Deserialize)]
struct Reply<'a, T> {
    #[serde(borrow, rename = "STATUS")]
    status: Status<'a>,
    #[serde(
        alias = "SUMMARY",
        alias = "POWER",
        alias = "TEMPS",
        alias = "CONFIG",
        alias = "PROFILES",
        alias = "POOLS",
        alias = "SESSION",
        alias = "VERSION",
        bound(deserialize = "T: Deserialize<'de>")
    )]
    list: Option<T>,
}

impl<'a, T: Deserialize<'a>> Reply<'a, T> {
    fn parse(bytes: &'a [u8]) -> Result<T, ReplyError> {
        let reply: Self =
            serde_json::from_slice(bytes).map_err(|error| ReplyError::Broken(shape(&error, bytes)))?;
        reply.accepted()
    }
    fn accepted(self) -> Result<T, ReplyError> {
        self.status.verdict(Number::default(), None).map_err(ReplyError::Refused)?;
        self.list.ok_or(ReplyError::Broken(Trouble::Garbled))
    }
}

fn first<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, ReplyError> {
    Reply::<First<T>>::parse(bytes)?.0.ok_or(ReplyError::Broken(Trouble::Garbled))
}

/// Whether a command was accepted.
///
/// # Errors
/// The refusal, or that it is no reply.
pub fn accepted(bytes: &[u8]) -> Result<(), ReplyError> {
    #[derive(Deserialize)]
    struct Answer<'a> {
        #[serde(borrow, rename = "STATUS")]
        status: Status<'a>,
    }
    let answer: Answer<'_> =
        serde_json::from_slice(bytes).map_err(|error| ReplyError::Broken(shape(&error, bytes)))?;
    answer.status.verdict(Number::default(), None).map_err(ReplyError::Refused)
}

macro_rules! parsed_from {
    ($($name:ident)*) => {$(
        impl<'a> $name<'a> {
            /// Reads a reply.
            ///
            /// # Errors
            /// The refusal, or that it is no such reply.
            pub fn parse(bytes: &'a [u8]) -> Result<Self, ReplyError> {
                first(bytes)
            }
        }
    )*};
}
parsed_from!(Summary Power Config Session Version);

/// The reply to `temps`, by board.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct Temperatures<'a>(#[serde(borrow)] pub Vec<BoardTemperatures<'a>>);

/// The reply to `profiles`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profiles<'a>(pub Vec<Profile<'a>>);

/// The reply to `pools`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pools<'a>(pub Vec<PoolEntry<'a>>);

impl<'a> Temperatures<'a> {
    /// Reads a reply.
    ///
    /// # Errors
    /// The refusal, or that it is no such reply.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ReplyError> {
        Reply::<Self>::parse(bytes)
    }
    /// The hottest of all sensors; those that are not fitted, or have no power, say 0.
    #[must_use]
    pub fn hottest(&self) -> Option<Temperature> {
        let sensors = self
            .0
            .iter()
            .take(BOARDS_MAX)
            .flat_map(|board| [board.top_left, board.top_right, board.bottom_left, board.bottom_right]);
        let told = sensors.filter_map(Number::get).filter(|&celsius| celsius != 0.0);
        told.filter_map(Temperature::from_celsius_f64).max()
    }
}

impl<'a> Profiles<'a> {
    /// Reads a reply.
    ///
    /// # Errors
    /// The refusal, or that it is no such reply.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ReplyError> {
        let mut list = Reply::<Vec<Profile<'a>>>::parse(bytes)?;
        list.truncate(LIST_MAX);
        Ok(Self(list))
    }
    /// The name of the profile with the most watts within a limit.
    #[must_use]
    pub fn within(&self, limit: Watts) -> Option<&str> {
        let watts =
            |profile: &&Profile<'a>| profile.watts.get().filter(|&watts| watts <= limit.to_watts_f64());
        let fitting = self.0.iter().filter_map(|profile| Some((watts(&profile)?, profile.name.get()?)));
        fitting.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name)
    }
}

impl<'a> Pools<'a> {
    /// Reads a reply.
    ///
    /// # Errors
    /// The refusal, or that it is no such reply.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ReplyError> {
        let mut list = Reply::<Vec<PoolEntry<'a>>>::parse(bytes)?;
        list.truncate(LIST_MAX);
        Ok(Self(list))
    }
    /// Their places.
    #[must_use]
    pub fn places(&self) -> Vec<u64> {
        self.0.iter().filter_map(|pool| pool.place.whole()).collect()
    }
}

impl Summary<'_> {
    /// The hash rate over the shortest window that it names.
    #[must_use]
    pub fn hash_rate(&self) -> Option<HashRate> {
        let windows =
            [self.rate_5s, self.rate_1m, self.rate_5m, self.rate_15m, self.rate_30m, self.rate_mean];
        HashRate::from_terahashes_f64(windows.into_iter().find_map(Number::get)? / 1e3)
    }
}

impl Power<'_> {
    /// The watts that it claims.
    #[must_use]
    pub fn power(&self) -> Option<Watts> {
        Watts::from_watts_f64(self.watts.get()?).filter(|power| !power.is_negative())
    }
}

impl Config<'_> {
    /// Its hardware address.
    #[must_use]
    pub fn mac(&self) -> Option<MacAddress> {
        self.mac.get()?.parse().ok()
    }
    /// Whether it was put to sleep.
    #[must_use]
    pub fn sleeps(&self) -> Option<bool> {
        Some(self.curtail.get()?.eq_ignore_ascii_case("sleep"))
    }
    /// The mode nearest to its profile: below, at or above the default one.
    #[must_use]
    pub fn mode(&self) -> Option<ModeName> {
        let step = self.profile_step.get()?;
        Some(match step {
            step if step < 0.0 => ModeName::Low,
            step if step > 0.0 => ModeName::High,
            _ => ModeName::Normal,
        })
    }
}

/// The reply to [`super::FAST`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fast<'a> {
    /// Its rates.
    pub summary: Summary<'a>,
    /// Its watts; absent when it refused to tell them.
    pub power: Option<Power<'a>>,
    /// Its temperatures, likewise.
    pub temperatures: Option<Temperatures<'a>>,
    /// What it is set to do.
    pub config: Config<'a>,
}

#[derive(Deserialize)]
struct FastReply<'a> {
    /// Instead of everything else, where it refuses.
    #[serde(borrow, rename = "STATUS", default)]
    status: Option<Status<'a>>,
    #[serde(borrow, default)]
    summary: Option<First<Reply<'a, First<Summary<'a>>>>>,
    #[serde(borrow, default)]
    power: Option<First<Reply<'a, First<Power<'a>>>>>,
    #[serde(borrow, default)]
    temps: Option<First<Reply<'a, Temperatures<'a>>>>,
    #[serde(borrow, default)]
    config: Option<First<Reply<'a, First<Config<'a>>>>>,
}

impl<'a> Fast<'a> {
    /// Reads a reply. Summary and configuration must be there: they say what the machine does.
    ///
    /// # Errors
    /// The refusal, or that it is no such reply.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ReplyError> {
        let reply: FastReply<'a> =
            serde_json::from_slice(bytes).map_err(|error| ReplyError::Broken(shape(&error, bytes)))?;
        if let Some(status) = &reply.status {
            status.verdict(Number::default(), None).map_err(ReplyError::Refused)?;
        }
        let garbled = || ReplyError::Broken(Trouble::Garbled);
        let summary = reply.summary.and_then(|list| list.0).ok_or_else(garbled)?.accepted()?;
        let config = reply.config.and_then(|list| list.0).ok_or_else(garbled)?.accepted()?;
        let power = reply.power.and_then(|list| list.0).and_then(|power| power.accepted().ok());
        let temperatures = reply.temps.and_then(|list| list.0).and_then(|temps| temps.accepted().ok());
        Ok(Self {
            summary: summary.0.ok_or_else(garbled)?,
            config: config.0.ok_or_else(garbled)?,
            power: power.and_then(|power| power.0),
            temperatures,
        })
    }
    /// What it does; absent when it does not say.
    #[must_use]
    pub fn activity(&self) -> Option<Activity> {
        let hashing = self.summary.hash_rate().map(|rate| !rate.is_zero());
        let supply = self.config.supply_on.get();
        Some(match (self.config.sleeps()?, hashing) {
            // The rate is a mean of seconds: what is left of it does not count once the supply is off.
            (true, hashing) if supply == Some(false) || hashing != Some(true) => Activity::Asleep,
            (_, Some(true)) => Activity::Hashing,
            (_, Some(false)) if self.config.system.get().is_none_or(|state| state == "Normal") => {
                Activity::Starting
            }
            (_, Some(false)) => Activity::Failed,
            (_, None) => return None,
        })
    }
}
