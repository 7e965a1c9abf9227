//! Antminer's replies on TCP 4028, every field typed. Pure: bytes in, values out.

use core::marker::PhantomData;

use serde::Deserialize;
use serde::de::MapAccess;

use offpeak_site::Trouble;
use offpeak_units::{HashRate, Temperature};

use crate::cgminer::{Members, Nothing, Status, Text, members};
use crate::exchange::shape;
use crate::json::Number;
use crate::refusal::ReplyError;

/// Boards, fans and sensors beyond this number are not kept; no machine has as many.
const NUMBERED_MAX: usize = 16;

/// Values that stand under numbered keys (`chain_rate1`, `fan2`, `temp_chip3`), by their number less one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Numbered<'a> {
    /// `chain_acn`: chips that answer, a board.
    pub chips: Vec<Number>,
    /// `chain_rate`: in `rate_unit`, a board.
    pub rates: Vec<Number>,
    /// `chain_hw`: hardware errors, a board.
    pub hardware_errors: Vec<Number>,
    /// `freq`: MHz, a board.
    pub frequencies: Vec<Number>,
    /// `fan`: revolutions a minute.
    pub fans: Vec<Number>,
    /// The hottest of every sensor of boards and chips, in °C.
    pub hottest: Option<f64>,
    life: PhantomData<&'a ()>,
}

fn put(list: &mut Vec<Number>, place: usize, value: Number) {
    if list.len() <= place {
        list.resize(place + 1, Number::default());
    }
    list[place] = value;
}

/// `chain_rate12` as `("chain_rate", 11)`.
fn numbered(key: &str) -> Option<(&str, usize)> {
    let stem = key.trim_end_matches(|c: char| c.is_ascii_digit());
    let number: usize = key[stem.len()..].parse().ok()?;
    (1..=NUMBERED_MAX).contains(&number).then(|| (stem, number - 1))
}

/// The hottest of `78-50-69-70`, or of a single number.
fn hottest(text: &str) -> Option<f64> {
    let text = text.trim();
    match text.parse::<f64>() {
        Ok(single) => Some(single),
        Err(_) => text.split('-').filter_map(|part| part.trim().parse::<f64>().ok()).reduce(f64::max),
    }
    .filter(|celsius| celsius.is_finite())
}

impl<'de> Members<'de> for Numbered<'_> {
    fn take<M: MapAccess<'de>>(&mut self, key: &str, map: &mut M) -> Result<bool, M::Error> {
        let Some((stem, place)) = numbered(key) else {
            return Ok(false);
        };
        let list = match stem {
            "chain_acn" => &mut self.chips,
            "chain_rate" => &mut self.rates,
            "chain_hw" => &mut self.hardware_errors,
            "freq" => &mut self.frequencies,
            "fan" => &mut self.fans,
            "temp" | "temp2_" | "temp_chip" | "temp_pcb" | "temp_pic" | "temp_in_pcb_" | "temp_out_pcb_"
            | "temp_in_chip_" | "temp_out_chip_" => {
                let text = map.next_value::<Text<'de>>()?;
                // A sensor that is not fitted reads 0.
                let here = text.get().and_then(hottest).filter(|&celsius| celsius != 0.0);
                self.hottest = match (self.hottest, here) {
                    (Some(a), Some(b)) => Some(a.max(b)),
                    (a, b) => a.or(b),
                };
                return Ok(true);
            }
            _ => return Ok(false),
        };
        put(list, place, map.next_value()?);
        Ok(true)
    }
}

members! {
    /// The reply to `stats`: its list's elements in one. Rates are in `rate_unit`, GH/s when it names
    /// none. It does not say whether the machine is asleep: asleep, the mining process still answers,
    /// with rates of zero.
    Stats<'a> {
        "BMMiner" bmminer: Text<'a>,
        "CompileTime" compiled: Text<'a>,
        "Miner" miner: Text<'a>,
        "Type" model: Text<'a>,
        "ID" id: Text<'a>,
        "STATS" place: Number,
        "Calls" calls: Number,
        "Wait" wait: Number,
        "Max" max: Number,
        "Min" min: Number,
        "Mode" mode: Number,
        "Elapsed" elapsed: Number,
        "GHS 5s" rate_5s: Number,
        "GHS av" rate_mean: Number,
        "rate_30m" rate_30m: Number,
        "total rate" rate_total: Number,
        "total_rate" rate_total_new: Number,
        "total_rateideal" rate_ideal: Number,
        "rate_unit" rate_unit: Text<'a>,
        "miner-mode" work_mode: Number,
        "miner_count" boards: Number,
        "miner_id" miner_id: Text<'a>,
        "miner_version" miner_version: Text<'a>,
        "frequency" frequency: Number,
        "total_freqavg" frequency_mean: Number,
        "fan_num" fan_count: Number,
        "temp_num" temperature_count: Number,
        "temp_max" temperature_max: Number,
        "total_acn" chips_total: Number,
        "no_matching_work" no_matching_work: Number,
    } Numbered
}

struct StatsList<'a>(Stats<'a>);

impl<'de: 'a, 'a> Deserialize<'de> for StatsList<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Merge;
        impl<'de> serde::de::Visitor<'de> for Merge {
            type Value = StatsList<'de>;
            fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str("a list of objects")
            }
            fn visit_seq<S: serde::de::SeqAccess<'de>>(
                self,
                mut list: S,
            ) -> Result<StatsList<'de>, S::Error> {
                let mut merged = Stats::default();
                while list.next_element_seed(Into(&mut merged))?.is_some() {}
                Ok(StatsList(merged))
            }
        }
        deserializer.deserialize_seq(Merge)
    }
}

/// Reads one object into statistics that may already hold others' members.
struct Into<'s, 'a>(&'s mut Stats<'a>);

impl<'de> serde::de::DeserializeSeed<'de> for Into<'_, 'de> {
    type Value = ();
    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> serde::de::Visitor<'de> for Into<'_, 'de> {
    type Value = ();
    fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("an object")
    }
    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        crate::cgminer::read_members(self.0, &mut map)
    }
}

#[derive(Deserialize)]
struct StatsReply<'a> {
    #[serde(borrow, rename = "STATUS")]
    status: Status<'a>,
    #[serde(rename = "Code", default)]
    code: Number,
    #[serde(borrow, rename = "Msg", default)]
    words: Text<'a>,
    #[serde(borrow, rename = "STATS", default)]
    stats: Option<StatsList<'a>>,
}

impl<'a> Stats<'a> {
    /// Reads a reply to `stats`.
    ///
    /// # Errors
    /// The refusal, or that it is no such reply.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ReplyError> {
        let reply: StatsReply<'a> =
            serde_json::from_slice(bytes).map_err(|error| ReplyError::Broken(shape(&error, bytes)))?;
        reply.status.verdict(reply.code, reply.words.get()).map_err(ReplyError::Refused)?;
        reply.stats.map(|list| list.0).ok_or(ReplyError::Broken(Trouble::Garbled))
    }
    /// The hash rate over the shortest window that it names.
    #[must_use]
    pub fn hash_rate(&self) -> Option<HashRate> {
        let windows = [self.rate_5s, self.rate_total, self.rate_total_new, self.rate_30m, self.rate_mean];
        let value = windows.into_iter().find_map(Number::get)?;
        let unit = self.rate_unit.get().unwrap_or("GH");
        let terahashes = match unit.trim_end_matches("/s").to_ascii_uppercase().as_str() {
            "MH" => value / 1e6,
            "GH" => value / 1e3,
            "TH" => value,
            _ => return None,
        };
        HashRate::from_terahashes_f64(terahashes)
    }
    /// The hottest of boards and chips.
    #[must_use]
    pub fn temperature(&self) -> Option<Temperature> {
        Temperature::from_celsius_f64(self.numbered.hottest?)
    }
}

members! {
    /// The reply to `version`.
    Version<'a> {
        "API" api: Text<'a>,
        "BMMiner" bmminer: Text<'a>,
        "CGMiner" cgminer: Text<'a>,
        "CompileTime" compiled: Text<'a>,
        "Miner" miner: Text<'a>,
        "Type" model: Text<'a>,
    } Nothing
}

#[derive(Deserialize)]
struct VersionReply<'a> {
    #[serde(borrow, rename = "STATUS")]
    status: Status<'a>,
    #[serde(rename = "Code", default)]
    code: Number,
    #[serde(borrow, rename = "Msg", default)]
    words: Text<'a>,
    #[serde(borrow, rename = "VERSION", default)]
    version: Option<crate::cgminer::First<Version<'a>>>,
}

impl<'a> Version<'a> {
    /// Reads a reply to `version`.
    ///
    /// # Errors
    /// The refusal, or that it is no such reply.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ReplyError> {
        let reply: VersionReply<'a> =
            serde_json::from_slice(bytes).map_err(|error| ReplyError::Broken(shape(&error, bytes)))?;
        reply.status.verdict(reply.code, reply.words.get()).map_err(ReplyError::Refused)?;
        reply.version.and_then(|list| list.0).ok_or(ReplyError::Broken(Trouble::Garbled))
    }
}
