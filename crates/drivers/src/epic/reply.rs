//! ePIC's replies, every field typed. Pure: bytes in, values out.

use offpeak_site::{Activity, MacAddress, Trouble};
use offpeak_units::{HashRate, Power, Temperature};
use serde::Deserialize;
use serde_json::Value;

use crate::cgminer::Text;
use crate::json::{Flag, Number};
use crate::refusal::{Refusal, ReplyError};
use crate::rest::object;

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
struct Status<'a> {
    #[serde(borrow, default, rename = "Operating State")]
    state: Text<'a>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
struct Board {
    /// Megahashes a second, and what share of the expected.
    #[serde(default, rename = "Hashrate")]
    rate: Vec<Number>,
    #[serde(default, rename = "Temperature")]
    temperature: Number,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
struct Supply {
    #[serde(default, rename = "Input Power")]
    power: Number,
}

/// The reply to `summary`.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Summary<'a> {
    #[serde(borrow, rename = "Status")]
    status: Status<'a>,
    #[serde(default, rename = "HBs")]
    boards: Vec<Board>,
    #[serde(default, rename = "Power Supply Stats")]
    supply: Option<Supply>,
    #[serde(borrow, default, rename = "Software")]
    software: Text<'a>,
}

impl<'a> Summary<'a> {
    /// Reads a reply to `summary`.
    ///
    /// # Errors
    /// That it is no such reply.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ReplyError> {
        object(bytes)
    }
    /// What it does; absent where the word is none of the known ones. What stops counts as hashing until it idles.
    #[must_use]
    pub fn activity(&self) -> Option<Activity> {
        Some(match self.status.state.get()? {
            "Mining" | "Stopping" => Activity::Hashing,
            "Idling" => Activity::Asleep,
            "AdjustingClockVoltage"
            | "Initializing"
            | "Loading"
            | "PreInitCooldown"
            | "Rebooting"
            | "SoftRebooting"
            | "Testing"
            | "UpdatingFirmware" => Activity::Starting,
            _ => return None,
        })
    }
    /// What its boards hash; absent where none of them says.
    #[must_use]
    pub fn hash_rate(&self) -> Option<HashRate> {
        let rates = self.boards.iter().filter_map(|board| board.rate.first()?.get());
        HashRate::from_terahashes_f64(rates.reduce(|sum, rate| sum + rate)? / 1e6)
    }
    /// What it draws; absent where its supply does not measure, which it reports as zero.
    #[must_use]
    pub fn power(&self) -> Option<Power> {
        let watts = self.supply.as_ref()?.power.get().filter(|watts| *watts > 0.0)?;
        Power::from_watts_f64(watts)
    }
    /// Its hottest board.
    #[must_use]
    pub fn temperature(&self) -> Option<Temperature> {
        let hottest = self.boards.iter().filter_map(|board| board.temperature.get()).reduce(f64::max)?;
        Temperature::from_celsius_f64(hottest)
    }
    /// Such as `PowerPlay-BMS v1.5.13`.
    #[must_use]
    pub fn software(&self) -> Option<&str> {
        self.software.get()
    }
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
struct ControlBoard<'a> {
    #[serde(borrow, default, rename = "cpuSerial")]
    serial: Text<'a>,
}

/// What a tuning algorithm takes: watts for `PowerTune`, terahashes a second for the others.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
struct Algorithm<'a> {
    #[serde(borrow, default)]
    algorithm: Text<'a>,
    #[serde(default)]
    min: Number,
    #[serde(default)]
    max: Number,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
struct Preset {
    #[serde(default)]
    hashrate: Number,
    #[serde(default)]
    power: Number,
}

/// The reply to `capabilities`.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Capabilities<'a> {
    #[serde(borrow, rename = "Model")]
    model: Text<'a>,
    #[serde(borrow, default, rename = "Miner Serial Number")]
    serial: Text<'a>,
    #[serde(borrow, default, rename = "Control Board Version")]
    board: Option<ControlBoard<'a>>,
    #[serde(borrow, default, rename = "PerpetualTune")]
    algorithms: Vec<Algorithm<'a>>,
    #[serde(default, rename = "Tune Presets")]
    presets: Vec<Preset>,
}

/// What to tune to.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// The algorithm that keeps it.
    pub algorithm: String,
    /// Watts or terahashes a second, whichever the algorithm takes.
    pub value: u64,
}

/// Watts instead of terahashes a second.
const POWER_TUNE: &str = "PowerTune";

impl<'a> Capabilities<'a> {
    /// Reads a reply to `capabilities`.
    ///
    /// # Errors
    /// That it is no such reply.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ReplyError> {
        object(bytes)
    }
    /// Such as `AntMiner S19 XP`.
    #[must_use]
    pub fn model(&self) -> Option<&str> {
        self.model.get()
    }
    /// The machine's, or else its control board's.
    #[must_use]
    pub fn serial(&self) -> Option<&str> {
        self.serial.get().or_else(|| self.board.as_ref()?.serial.get())
    }
    /// What keeps it at or below this power: the watts where it tunes to watts, or else the rate of the largest
    /// preset that draws no more.
    ///
    /// # Errors
    /// That it has no such target, in words.
    pub fn target_below(&self, limit: Power) -> Result<Target, ReplyError> {
        let named = |algorithm: &&Algorithm<'_>| algorithm.algorithm.get().is_some();
        let by_power = |algorithm: &&Algorithm<'_>| algorithm.algorithm.get() == Some(POWER_TUNE);
        let limit = limit.to_watts_f64();
        if let Some(tune) = self.algorithms.iter().find(by_power) {
            return target(tune, limit, "W");
        }
        let tune = self.algorithms.iter().find(named);
        let tune = tune.ok_or_else(|| ReplyError::refused("the machine has nothing that tunes it"))?;
        let fitting = self.presets.iter().filter_map(|preset| {
            let (power, rate) = (preset.power.get()?, preset.hashrate.get()?);
            (power > 0.0 && power <= limit).then_some(rate)
        });
        let rate = fitting.reduce(f64::max);
        let rate =
            rate.ok_or_else(|| ReplyError::refused("the machine has no preset that draws so little"))?;
        target(tune, rate, "TH/s")
    }
}

fn target(tune: &Algorithm<'_>, value: f64, unit: &str) -> Result<Target, ReplyError> {
    let least = tune.min.get().unwrap_or(0.0);
    if value < least {
        return Err(ReplyError::refused(format!("the machine keeps no target below {least} {unit}")));
    }
    let value = tune.max.get().map_or(value, |most| value.min(most));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "rounded down, at least zero"
    )]
    let value = value.max(0.0) as u64;
    Ok(Target { algorithm: tune.algorithm.owned().unwrap_or_default(), value })
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
struct Interface<'a> {
    #[serde(borrow, default)]
    mac_address: Text<'a>,
}

/// The reply to `network`.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Network<'a> {
    #[serde(borrow, default)]
    dhcp: Option<Interface<'a>>,
    #[serde(borrow, default, rename = "static")]
    fixed: Option<Interface<'a>>,
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
        self.dhcp.as_ref().or(self.fixed.as_ref())?.mac_address.get()?.parse().ok()
    }
}

#[derive(Deserialize)]
struct Done {
    #[serde(default)]
    result: Flag,
    #[serde(default)]
    error: Value,
}

/// Reads the reply to a write.
///
/// # Errors
/// The machine's refusal, in its own words, or that it is no such reply.
pub fn done(bytes: &[u8]) -> Result<(), ReplyError> {
    const WORDS_MAX: usize = 400;
    let done: Done = object(bytes)?;
    match done.result.get() {
        Some(true) => Ok(()),
        None => Err(ReplyError::Broken(Trouble::Garbled)),
        Some(false) => {
            let words = match done.error {
                Value::Null => "no reason given".to_owned(),
                Value::String(words) => words,
                // `{"LastCmdStillPending": "…"}`
                other => other.to_string(),
            };
            Err(ReplyError::Refused(Refusal { code: None, words: words.chars().take(WORDS_MAX).collect() }))
        }
    }
}
