//! WhatsMiner's replies, every field typed. Pure: bytes in, values out.

use serde::Deserialize;
use serde::de::MapAccess;

use offpeak_site::{MacAddress, ModeName, Trouble};
use offpeak_units::{HashRate, Power, Temperature};

use crate::cgminer::{First, Members, Nothing, Said, Status, Text, members};
use crate::exchange::shape;
use crate::json::{Flag, Number};
use crate::refusal::ReplyError;

#[derive(Deserialize)]
struct Reply<'a, T> {
    #[serde(borrow, rename = "STATUS")]
    status: Status<'a>,
    #[serde(rename = "Code", default)]
    code: Number,
    #[serde(borrow, rename = "Msg", bound(deserialize = "T: Deserialize<'de>"))]
    message: Option<Said<'a, T>>,
}

/// The object in `Msg`.
fn message<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, ReplyError> {
    let reply: Reply<'a, T> =
        serde_json::from_slice(bytes).map_err(|error| ReplyError::Broken(shape(&error, bytes)))?;
    let words = reply.message.as_ref().and_then(Said::text);
    reply.status.verdict(reply.code, words).map_err(ReplyError::Refused)?;
    match reply.message {
        Some(Said::Object(object)) => Ok(object),
        _ => Err(ReplyError::Broken(Trouble::Garbled)),
    }
}

/// Whether a command was accepted.
///
/// # Errors
/// The refusal, or that it is no reply.
pub fn accepted(bytes: &[u8]) -> Result<(), ReplyError> {
    let reply: Reply<'_, serde::de::IgnoredAny> =
        serde_json::from_slice(bytes).map_err(|error| ReplyError::Broken(shape(&error, bytes)))?;
    let words = reply.message.as_ref().and_then(Said::text);
    reply.status.verdict(reply.code, words).map_err(ReplyError::Refused)
}

/// `Error Code 0`, `Factory Error Code 0` and so on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ErrorCodes<'a> {
    /// Present faults.
    pub present: Vec<u32>,
    /// Faults from the factory's own test.
    pub factory: Vec<u32>,
    life: core::marker::PhantomData<&'a ()>,
}

impl<'de> Members<'de> for ErrorCodes<'_> {
    fn take<M: MapAccess<'de>>(&mut self, key: &str, map: &mut M) -> Result<bool, M::Error> {
        let (list, place) = match (key.strip_prefix("Error Code "), key.strip_prefix("Factory Error Code ")) {
            (Some(place), _) => (&mut self.present, place),
            (None, Some(place)) => (&mut self.factory, place),
            (None, None) => return Ok(false),
        };
        if place.is_empty() || !place.bytes().all(|byte| byte.is_ascii_digit()) || list.len() >= 64 {
            return Ok(false);
        }
        if let Some(code) = map.next_value::<Number>()?.whole().and_then(|code| u32::try_from(code).ok()) {
            list.push(code);
        }
        Ok(true)
    }
}

members! {
    /// The reply to `summary`. Hash rates are in MH/s, `Factory GHS` in GH/s, powers in W,
    /// temperatures in °C, fan speeds in revolutions a minute.
    Summary<'a> {
        "Elapsed" elapsed: Number,
        "Uptime" uptime: Number,
        "MHS av" rate_mean: Number,
        "MHS 5s" rate_5s: Number,
        "MHS 1m" rate_1m: Number,
        "MHS 5m" rate_5m: Number,
        "MHS 15m" rate_15m: Number,
        "HS RT" rate_now: Number,
        "Target MHS" rate_target: Number,
        "Factory GHS" rate_factory: Number,
        "Total MH" work_total: Number,
        "Accepted" accepted: Number,
        "Rejected" rejected: Number,
        "Stale" stale: Number,
        "Discarded" discarded: Number,
        "Getworks" getworks: Number,
        "Get Failures" get_failures: Number,
        "Remote Failures" remote_failures: Number,
        "Last getwork" last_getwork: Number,
        "Local Work" local_work: Number,
        "Hardware Errors" hardware_errors: Number,
        "Utility" utility: Number,
        "Work Utility" work_utility: Number,
        "Found Blocks" found_blocks: Number,
        "Network Blocks" network_blocks: Number,
        "Best Share" best_share: Number,
        "Difficulty Accepted" difficulty_accepted: Number,
        "Difficulty Rejected" difficulty_rejected: Number,
        "Difficulty Stale" difficulty_stale: Number,
        "Device Hardware%" device_hardware_percent: Number,
        "Device Rejected%" device_rejected_percent: Number,
        "Pool Rejected%" pool_rejected_percent: Number,
        "Pool Stale%" pool_stale_percent: Number,
        "Temperature" temperature: Number,
        "Env Temp" temperature_around: Number,
        "Chip Temp Min" temperature_chip_min: Number,
        "Chip Temp Avg" temperature_chip_mean: Number,
        "Chip Temp Max" temperature_chip_max: Number,
        "Liquid Cooling" liquid_cooling: Flag,
        "freq_avg" frequency_mean: Number,
        "Target Freq" frequency_target: Number,
        "Fan Speed In" fan_in: Number,
        "Fan Speed Out" fan_out: Number,
        "Power" power: Number,
        "Power_RT" power_now: Number,
        "Power Limit" power_limit: Number,
        "Power Mode" power_mode: Text<'a>,
        "Power Current" power_current: Number,
        "Power Fanspeed" power_fan: Number,
        "Power Rate" power_rate: Number,
        "Power Voltage Input" voltage_input: Number,
        "Power Current Input" current_input: Number,
        "Voltage" voltage: Number,
        "Hash Stable" stable: Flag,
        "Hash Stable Cost Seconds" stable_after: Number,
        "Hash Deviation%" deviation_percent: Number,
        "Error Code Count" error_count: Number,
        "Factory Error Code Count" factory_error_count: Number,
        "Security Mode" security_mode: Number,
        "Btminer Fast Boot" fast_boot: Text<'a>,
        "Firmware Version" firmware: Text<'a>,
        "CB Platform" board_platform: Text<'a>,
        "CB Version" board_version: Text<'a>,
        "Chip Data" chip_data: Text<'a>,
        "MAC" mac: Text<'a>,
        "Debug" debug: Text<'a>,
    } ErrorCodes
}

#[derive(Deserialize)]
struct SummaryReply<'a> {
    #[serde(borrow, rename = "STATUS")]
    status: Status<'a>,
    #[serde(rename = "Code", default)]
    code: Number,
    #[serde(borrow, rename = "Msg", default)]
    words: Text<'a>,
    #[serde(borrow, rename = "SUMMARY", default)]
    summary: Option<First<Summary<'a>>>,
}

impl<'a> Summary<'a> {
    /// Reads a reply to `summary`.
    ///
    /// # Errors
    /// The refusal, or that it is no such reply.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ReplyError> {
        let reply: SummaryReply<'a> =
            serde_json::from_slice(bytes).map_err(|error| ReplyError::Broken(shape(&error, bytes)))?;
        reply.status.verdict(reply.code, reply.words.get()).map_err(ReplyError::Refused)?;
        reply.summary.and_then(|list| list.0).ok_or(ReplyError::Broken(Trouble::Garbled))
    }
    /// The hash rate over the shortest window that it names.
    #[must_use]
    pub fn hash_rate(&self) -> Option<HashRate> {
        let windows =
            [self.rate_5s, self.rate_now, self.rate_1m, self.rate_5m, self.rate_15m, self.rate_mean];
        let megahashes = windows.into_iter().find_map(Number::get)?;
        HashRate::from_terahashes_f64(megahashes / 1e6)
    }
    /// The watts that it claims.
    #[must_use]
    pub fn power(&self) -> Option<Power> {
        let watts = self.power_now.get().or(self.power.get())?;
        Power::from_watts_f64(watts).filter(|power| !power.is_negative())
    }
    /// The hottest of what it names.
    #[must_use]
    pub fn temperature(&self) -> Option<Temperature> {
        [self.temperature, self.temperature_chip_max]
            .into_iter()
            .filter_map(|celsius| Temperature::from_celsius_f64(celsius.get()?))
            .max()
    }
    /// The mode that it claims.
    #[must_use]
    pub fn mode(&self) -> Option<ModeName> {
        mode(self.power_mode.get()?)
    }
    /// Its hardware address.
    #[must_use]
    pub fn mac(&self) -> Option<MacAddress> {
        self.mac.get()?.parse().ok()
    }
}

/// `Low`, `Normal` or `High` in either case; anything else is no mode that is known.
fn mode(text: &str) -> Option<ModeName> {
    [ModeName::Low, ModeName::Normal, ModeName::High]
        .into_iter()
        .find(|mode| text.eq_ignore_ascii_case(mode.name()))
}

members! {
    /// The reply to `status`: the only word that says whether the hash boards are off by command.
    State<'a> {
        /// Version 2.
        "mineroff" off: Flag,
        /// Version 1.
        "btmineroff" off_v1: Flag,
        "mineroff_reason" off_reason: Text<'a>,
        "mineroff_time" off_time: Text<'a>,
        "FirmwareVersion" firmware: Text<'a>,
        "Firmware Version" firmware_v1: Text<'a>,
        "power_mode" power_mode: Text<'a>,
        "power_limit_set" power_limit: Number,
        "hash_percent" hash_percent: Number,
        "power_pct" power_percent: Number,
        "liquid_temp" liquid_temperature: Number,
        "fast_mining" fast_mining: Flag,
        "fast_hash" fast_hash: Flag,
    } Nothing
}

impl<'a> State<'a> {
    /// Reads a reply to `status`.
    ///
    /// # Errors
    /// The refusal, or that it is no such reply.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ReplyError> {
        message(bytes)
    }
    /// Whether it is off by command; absent when it does not say.
    #[must_use]
    pub fn is_off(&self) -> Option<bool> {
        self.off.get().or(self.off_v1.get())
    }
    /// The mode that it claims.
    #[must_use]
    pub fn mode(&self) -> Option<ModeName> {
        mode(self.power_mode.get()?)
    }
}

members! {
    /// The reply to `get_version`.
    Version<'a> {
        "api_ver" api: Text<'a>,
        "fw_ver" firmware: Text<'a>,
        "platform" platform: Text<'a>,
        "chip" chip: Text<'a>,
    } Nothing
}

impl<'a> Version<'a> {
    /// Reads a reply to `get_version`.
    ///
    /// # Errors
    /// The refusal, or that it is no such reply.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ReplyError> {
        message(bytes)
    }
}

members! {
    /// The reply to `get_miner_info`.
    MinerInfo<'a> {
        "mac" mac: Text<'a>,
        "hostname" hostname: Text<'a>,
        "ip" ip: Text<'a>,
        "proto" protocol: Text<'a>,
        "netmask" netmask: Text<'a>,
        "gateway" gateway: Text<'a>,
        "dns" dns: Text<'a>,
        "ledstat" led: Text<'a>,
        "minersn" serial: Text<'a>,
        "powersn" power_serial: Text<'a>,
    } Nothing
}

impl<'a> MinerInfo<'a> {
    /// Reads a reply to `get_miner_info`.
    ///
    /// # Errors
    /// The refusal, or that it is no such reply.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ReplyError> {
        message(bytes)
    }
    /// Its hardware address.
    #[must_use]
    pub fn mac(&self) -> Option<MacAddress> {
        self.mac.get()?.parse().ok()
    }
}

members! {
    /// One board in the reply to `devdetails`; `Model` names the machine, such as `M30SVE20`.
    DeviceDetails<'a> {
        "DEVDETAILS" place: Number,
        "ID" id: Number,
        "Name" name: Text<'a>,
        "Driver" driver: Text<'a>,
        "Kernel" kernel: Text<'a>,
        "Model" model: Text<'a>,
    } Nothing
}

#[derive(Deserialize)]
struct DetailsReply<'a> {
    #[serde(borrow, rename = "STATUS")]
    status: Status<'a>,
    #[serde(rename = "Code", default)]
    code: Number,
    #[serde(borrow, rename = "Msg", default)]
    words: Text<'a>,
    #[serde(borrow, rename = "DEVDETAILS", default)]
    details: Option<First<DeviceDetails<'a>>>,
}

impl<'a> DeviceDetails<'a> {
    /// Reads a reply to `devdetails`.
    ///
    /// # Errors
    /// The refusal, or that it is no such reply.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ReplyError> {
        let reply: DetailsReply<'a> =
            serde_json::from_slice(bytes).map_err(|error| ReplyError::Broken(shape(&error, bytes)))?;
        reply.status.verdict(reply.code, reply.words.get()).map_err(ReplyError::Refused)?;
        reply.details.and_then(|list| list.0).ok_or(ReplyError::Broken(Trouble::Garbled))
    }
}

members! {
    /// The reply to `get_token`.
    Salts<'a> {
        /// Four digits or more: part of what the token is made of.
        "time" time: Text<'a>,
        /// The salt of the stored password.
        "salt" salt: Text<'a>,
        /// The salt of the token.
        "newsalt" newsalt: Text<'a>,
    } Nothing
}

impl<'a> Salts<'a> {
    /// Reads a reply to `get_token`.
    ///
    /// # Errors
    /// The refusal, or that it is no such reply.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ReplyError> {
        message(bytes)
    }
}
