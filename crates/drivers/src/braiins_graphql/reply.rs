//! The GraphQL replies of Braiins OS, every field typed. Pure: bytes in, values out.

use offpeak_site::{MacAddress, Trouble};
use offpeak_units::{HashRate, Power, Temperature};
use serde::Deserialize;
use serde_json::Value;

use crate::cgminer::Text;
use crate::json::Number;
use crate::refusal::ReplyError;
use crate::rest::object;

/// Longer words are cut.
const WORDS_MAX: usize = 400;

#[derive(Deserialize)]
struct Fault<'a> {
    #[serde(borrow, default)]
    message: Text<'a>,
}

#[derive(Deserialize)]
struct Reply<'a, T> {
    data: Option<T>,
    #[serde(borrow, default)]
    errors: Option<Vec<Fault<'a>>>,
}

/// What a reply carries.
///
/// # Errors
/// The words of its first error, or that it is no such reply.
pub fn data<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, ReplyError> {
    let reply: Reply<'a, T> = object(bytes)?;
    match (reply.data, reply.errors.unwrap_or_default().first()) {
        (_, Some(fault)) => {
            let words = fault.message.get().unwrap_or("no reason given");
            Err(ReplyError::refused(words.chars().take(WORDS_MAX).collect::<String>()))
        }
        (Some(data), None) => Ok(data),
        (None, None) => Err(ReplyError::Broken(Trouble::Garbled)),
    }
}

/// Reads the reply to a mutation, whose result stands at this place.
///
/// # Errors
/// The machine's refusal, in its own words, or that it is no such reply.
pub fn done(bytes: &[u8], place: &str) -> Result<(), ReplyError> {
    let data: Value = data(bytes)?;
    let result = data.pointer(place).ok_or(ReplyError::Broken(Trouble::Garbled))?;
    match result.get("message").and_then(Value::as_str) {
        Some(words) => Err(ReplyError::refused(words.chars().take(WORDS_MAX).collect::<String>())),
        None => Ok(()),
    }
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
struct Consumption {
    #[serde(default, rename = "approxConsumptionW")]
    watts: Number,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
struct Summary {
    #[serde(default)]
    power: Option<Consumption>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
struct Rate {
    #[serde(default, rename = "mhs5S")]
    mhs: Number,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
struct Sensor<'a> {
    #[serde(borrow, default)]
    name: Text<'a>,
    #[serde(default, rename = "degreesC")]
    degrees: Number,
}

/// A hash board.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
pub struct Board<'a> {
    #[serde(borrow, default)]
    temperatures: Option<Vec<Sensor<'a>>>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
struct Solver<'a> {
    #[serde(default)]
    real_hashrate: Option<Rate>,
    #[serde(borrow, default)]
    child_solvers: Option<Vec<Board<'a>>>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
struct MinerInfo<'a> {
    #[serde(borrow, default)]
    model_name: Text<'a>,
    #[serde(default)]
    summary: Option<Summary>,
    #[serde(borrow, default)]
    work_solver: Option<Solver<'a>>,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
struct Miner<'a> {
    #[serde(borrow)]
    info: MinerInfo<'a>,
}

/// What the miner tells of its work.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Info<'a> {
    #[serde(borrow)]
    bosminer: Miner<'a>,
}

impl<'a> Info<'a> {
    /// Reads a reply.
    ///
    /// # Errors
    /// The words of its first error, or that it is no such reply.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ReplyError> {
        data(bytes)
    }
    /// What it hashes.
    #[must_use]
    pub fn hash_rate(&self) -> Option<HashRate> {
        let rate = self.bosminer.info.work_solver.as_ref()?.real_hashrate?;
        HashRate::from_terahashes_f64(rate.mhs.get()? / 1e6)
    }
    /// What it draws, by its own estimate.
    #[must_use]
    pub fn power(&self) -> Option<Power> {
        let watts = self.bosminer.info.summary?.power?.watts.get()?;
        Power::from_watts_f64(watts).filter(|power| !power.is_negative())
    }
    /// Its hottest chip: sensors are called `Chip`, or `MAX_CHIP` from 25.05 on.
    #[must_use]
    pub fn temperature(&self) -> Option<Temperature> {
        let boards = self.bosminer.info.work_solver.as_ref()?.child_solvers.as_ref()?;
        let sensors = boards.iter().flat_map(|board| board.temperatures.iter().flatten());
        let of_chips = sensors.filter(|sensor| matches!(sensor.name.get(), Some("Chip" | "MAX_CHIP")));
        Temperature::from_celsius_f64(of_chips.filter_map(|sensor| sensor.degrees.get()).reduce(f64::max)?)
    }
    /// Such as `Antminer S19j Pro`.
    #[must_use]
    pub fn model(&self) -> Option<&str> {
        self.bosminer.info.model_name.get()
    }
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
struct Uptime {
    #[serde(default, rename = "durationS")]
    seconds: Number,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
struct Version<'a> {
    #[serde(borrow, default)]
    full: Text<'a>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
struct SystemInfo<'a> {
    #[serde(borrow, default)]
    version: Option<Version<'a>>,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
struct Bos<'a> {
    #[serde(borrow, default)]
    info: Option<SystemInfo<'a>>,
    #[serde(default)]
    uptime: Option<Uptime>,
    #[serde(borrow, default)]
    mac_address: Text<'a>,
    #[serde(borrow, default)]
    serial_number: Text<'a>,
}

/// What the system tells of itself.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct System<'a> {
    #[serde(borrow)]
    bos: Bos<'a>,
}

impl<'a> System<'a> {
    /// Reads a reply.
    ///
    /// # Errors
    /// The words of its first error, or that it is no such reply.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ReplyError> {
        data(bytes)
    }
    /// Seconds since its system came up.
    #[must_use]
    pub fn uptime(&self) -> Option<f64> {
        self.bos.uptime?.seconds.get()
    }
    /// Such as `2024-09-26-0-…-24.09-plus`.
    #[must_use]
    pub fn firmware(&self) -> Option<&str> {
        self.bos.info.as_ref()?.version.as_ref()?.full.get()
    }
    /// Its hardware address.
    #[must_use]
    pub fn mac(&self) -> Option<MacAddress> {
        self.bos.mac_address.get()?.parse().ok()
    }
    /// Its serial number.
    #[must_use]
    pub fn serial(&self) -> Option<&str> {
        self.bos.serial_number.get()
    }
}
