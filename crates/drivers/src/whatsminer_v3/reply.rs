//! The replies of API version 3, every field typed. Pure: bytes in, values out.

use serde::Deserialize;
use serde_json::Value;

use offpeak_site::{MacAddress, ModeName, Trouble};
use offpeak_units::{HashRate, Power, Temperature};

use crate::cgminer::{Nothing, Said, Text, members};
use crate::exchange::shape;
use crate::json::{Flag, Number};
use crate::refusal::{Refusal, ReplyError};

/// No machine has as many faults.
const ERRORS_MAX: usize = 64;

/// What every reply has: `code` is 0 where it was done.
#[derive(Deserialize)]
struct Reply<'a, T> {
    #[serde(default)]
    code: Number,
    #[serde(borrow, default = "Option::default", bound(deserialize = "T: Deserialize<'de>"))]
    msg: Option<Said<'a, T>>,
}

impl<'a, T: Deserialize<'a>> Reply<'a, T> {
    fn parse(bytes: &'a [u8]) -> Result<Self, ReplyError> {
        let reply: Self =
            serde_json::from_slice(bytes).map_err(|error| ReplyError::Broken(shape(&error, bytes)))?;
        match reply.code.get() {
            Some(0.0) => Ok(reply),
            Some(code) => {
                let words = reply.msg.as_ref().and_then(Said::text).filter(|words| !words.is_empty());
                let words = format!("{} (code {code})", words.unwrap_or("no reason given"));
                // The codes are negative, which a refusal's own field does not hold.
                Err(ReplyError::Refused(Refusal { code: None, words }))
            }
            None => Err(ReplyError::Broken(Trouble::Garbled)),
        }
    }
    fn message(bytes: &'a [u8]) -> Result<T, ReplyError> {
        match Self::parse(bytes)?.msg {
            Some(Said::Object(object)) => Ok(object),
            _ => Err(ReplyError::Broken(Trouble::Garbled)),
        }
    }
}

/// Whether a write was done.
///
/// # Errors
/// The refusal, or that it is no reply.
pub fn accepted(bytes: &[u8]) -> Result<(), ReplyError> {
    Reply::<serde::de::IgnoredAny>::parse(bytes).map(drop)
}

members! {
    /// The reply to `get.miner.status` with `summary`. Rates are in TH/s, powers in W, temperatures in
    /// °C, fans in revolutions a minute, times in seconds.
    Summary<'a> {
        "elapsed" elapsed: Number,
        "bootup-time" booted: Number,
        "freq-avg" frequency_mean: Number,
        "target-freq" frequency_target: Number,
        "factory-hash" rate_factory: Number,
        "hash-realtime" rate_now: Number,
        "hash-1min" rate_1m: Number,
        "hash-15min" rate_15m: Number,
        "hash-average" rate_mean: Number,
        "power-realtime" power_now: Number,
        "power-5min" power_5m: Number,
        "power-rate" power_rate: Number,
        "power-limit" power_limit: Number,
        "environment-temperature" temperature_around: Number,
        "board-temperature" temperature_boards: Numbers,
        "chip-temp-min" temperature_chip_min: Number,
        "chip-temp-avg" temperature_chip_mean: Number,
        "chip-temp-max" temperature_chip_max: Number,
        "up-freq-finish" frequency_found: Number,
        "fan-speed-in" fan_in: Number,
        "fan-speed-out" fan_out: Number,
        "Debug" debug: Text<'a>,
    } Nothing
}

/// A list of numbers; anything else in its place is an empty one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Numbers(pub Vec<f64>);

impl<'de> Deserialize<'de> for Numbers {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let list = value.as_array().into_iter().flatten().take(16).filter_map(Value::as_f64);
        Ok(Self(list.collect()))
    }
}

#[derive(Deserialize)]
struct StatusParts<'a> {
    #[serde(borrow, default)]
    summary: Option<Summary<'a>>,
}

impl<'a> Summary<'a> {
    /// Reads a reply.
    ///
    /// # Errors
    /// The refusal, or that it is no such reply.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ReplyError> {
        let parts = Reply::<StatusParts<'a>>::message(bytes)?;
        parts.summary.ok_or(ReplyError::Broken(Trouble::Garbled))
    }
    /// The hash rate over the shortest window that it names.
    #[must_use]
    pub fn hash_rate(&self) -> Option<HashRate> {
        let windows = [self.rate_now, self.rate_1m, self.rate_15m, self.rate_mean];
        HashRate::from_terahashes_f64(windows.into_iter().find_map(Number::get)?)
    }
    /// The watts that it claims.
    #[must_use]
    pub fn power(&self) -> Option<Power> {
        let watts = self.power_now.get().or(self.power_5m.get())?;
        Power::from_watts_f64(watts).filter(|power| !power.is_negative())
    }
    /// The hottest of chips and boards.
    #[must_use]
    pub fn temperature(&self) -> Option<Temperature> {
        let boards = self.temperature_boards.0.iter().copied();
        let all = boards.chain(self.temperature_chip_max.get());
        all.filter_map(Temperature::from_celsius_f64).max()
    }
}

members! {
    /// `network` of the device's information.
    Network<'a> {
        "mac" mac: Text<'a>,
        "ip" ip: Text<'a>,
        "hostname" hostname: Text<'a>,
        "proto" protocol: Text<'a>,
    } Nothing
}

members! {
    /// `miner` of the device's information.
    Miner<'a> {
        /// Whether the mining service runs.
        "working" working: Flag,
        /// Such as `M60S_VK40`.
        "type" model: Text<'a>,
        "miner-sn" serial: Text<'a>,
        "board-num" boards: Number,
        "hash-board" board: Text<'a>,
        "fast-boot" fast_boot: Text<'a>,
        "power-limit-set" power_limit: Number,
    } Nothing
}

members! {
    /// `system` of the device's information.
    System<'a> {
        "api" api: Text<'a>,
        "fwversion" firmware: Text<'a>,
        "platform" platform: Text<'a>,
        "control-board-version" board: Text<'a>,
        /// 1 while writing is switched on.
        "apiswitch" writes: Flag,
        "ledstatus" light: Text<'a>,
    } Nothing
}

members! {
    /// `power` of the device's information: the supply.
    Supply<'a> {
        "model" model: Text<'a>,
        "sn" serial: Text<'a>,
        /// Watts in.
        "pin" power_in: Number,
        "fanspeed" fan: Number,
    } Nothing
}

members! {
    /// The reply to `get.device.info`.
    DeviceInfo<'a> {
        "network" network: Network<'a>,
        "miner" miner: Miner<'a>,
        "system" system: System<'a>,
        "power" supply: Supply<'a>,
        /// Part of what tokens are made of.
        "salt" salt: Text<'a>,
        "error-code" errors_raw: Value,
    } Nothing
}

impl<'a> DeviceInfo<'a> {
    /// Reads a reply.
    ///
    /// # Errors
    /// The refusal, or that it is no such reply.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ReplyError> {
        Reply::message(bytes)
    }
    /// Its hardware address.
    #[must_use]
    pub fn mac(&self) -> Option<MacAddress> {
        self.network.mac.get()?.parse().ok()
    }
    /// Present faults, by their numbers.
    #[must_use]
    pub fn errors(&self) -> Vec<u32> {
        let entries = self.errors_raw.as_array().into_iter().flatten().filter_map(Value::as_object);
        entries.flat_map(|entry| entry.keys()).filter_map(|key| key.parse().ok()).take(ERRORS_MAX).collect()
    }
}

members! {
    /// The reply to `get.miner.setting`.
    Setting<'a> {
        "power-mode" mode: Text<'a>,
        "power-limit" power_limit: Number,
        "power" power: Number,
        "power-percent" power_percent: Number,
        "target-freq" frequency_target: Number,
        "fast-boot" fast_boot: Text<'a>,
    } Nothing
}

impl<'a> Setting<'a> {
    /// Reads a reply.
    ///
    /// # Errors
    /// The refusal, or that it is no such reply.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ReplyError> {
        Reply::message(bytes)
    }
    /// The mode that it claims.
    #[must_use]
    pub fn mode(&self) -> Option<ModeName> {
        let text = self.mode.get()?;
        let modes = [ModeName::Low, ModeName::Normal, ModeName::High];
        modes.into_iter().find(|mode| text.eq_ignore_ascii_case(mode.name()))
    }
}
