//! Antminer's pages: who it is and how it is configured. Pure: bytes in, values out, and the body of a
//! changed configuration.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use offpeak_site::{MacAddress, ModeName, Trouble};

use crate::call::Pool;
use crate::cgminer::{Nothing, Text, members};
use crate::exchange::shape;
use crate::json::Number;
use crate::refusal::{Refusal, ReplyError};

members! {
    /// `get_system_info.cgi`.
    SystemInfo<'a> {
        "minertype" model: Text<'a>,
        "macaddr" mac: Text<'a>,
        "serinum" serial: Text<'a>,
        "hostname" hostname: Text<'a>,
        "ipaddress" ip: Text<'a>,
        "netmask" netmask: Text<'a>,
        "gateway" gateway: Text<'a>,
        "dnsservers" dns: Text<'a>,
        "netdevice" device: Text<'a>,
        "nettype" network_type: Text<'a>,
        "firmware_type" firmware_type: Text<'a>,
        "system_mode" system_mode: Text<'a>,
        "system_kernel_version" kernel: Text<'a>,
        "system_filesystem_version" firmware: Text<'a>,
    } Nothing
}

impl<'a> SystemInfo<'a> {
    /// Reads the page.
    ///
    /// # Errors
    /// That it is no such page.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ReplyError> {
        serde_json::from_slice(bytes).map_err(|error| ReplyError::Broken(shape(&error, bytes)))
    }
    /// Its hardware address.
    #[must_use]
    pub fn mac(&self) -> Option<MacAddress> {
        self.mac.get()?.parse().ok()
    }
}

/// What a machine is set to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkMode {
    /// 0.
    Normal,
    /// 1: the boards are off, the control board answers.
    Sleep,
    /// 3.
    Low,
}

impl WorkMode {
    /// The number that pages use.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Normal => 0,
            Self::Sleep => 1,
            Self::Low => 3,
        }
    }
    /// From the number that pages use; `None` for one that is not known.
    #[must_use]
    pub const fn from_number(number: u64) -> Option<Self> {
        match number {
            0 => Some(Self::Normal),
            1 => Some(Self::Sleep),
            3 => Some(Self::Low),
            _ => None,
        }
    }
    /// The running mode it stands for.
    #[must_use]
    pub const fn mode(self) -> Option<ModeName> {
        match self {
            Self::Normal => Some(ModeName::Normal),
            Self::Sleep => None,
            Self::Low => Some(ModeName::Low),
        }
    }
    /// The work mode of a running mode; stock firmware has no high one.
    #[must_use]
    pub const fn of(mode: ModeName) -> Option<Self> {
        match mode {
            ModeName::Low => Some(Self::Low),
            ModeName::Normal => Some(Self::Normal),
            ModeName::High => None,
        }
    }
}

/// `get_miner_conf.cgi`. What is written back is kept as it was read.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Conf {
    /// Kept as read.
    #[serde(default)]
    pools: Option<Value>,
    #[serde(rename = "bitmain-fan-ctrl", default)]
    fan_control: Option<Value>,
    #[serde(rename = "bitmain-fan-pwm", default)]
    fan_pwm: Option<Value>,
    #[serde(rename = "bitmain-freq-level", default)]
    frequency_level: Option<Value>,
    #[serde(rename = "freq-level", default)]
    frequency_level_old: Option<Value>,
    #[serde(rename = "bitmain-work-mode", default)]
    work_mode: Number,
    #[serde(rename = "miner-mode", default)]
    miner_mode: Number,
}

/// The body of `set_miner_conf.cgi`, as the machine's own page sends it.
#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "bitmain-fan-ctrl", skip_serializing_if = "Option::is_none")]
    fan_control: Option<&'a Value>,
    #[serde(rename = "bitmain-fan-pwm", skip_serializing_if = "Option::is_none")]
    fan_pwm: Option<&'a Value>,
    #[serde(rename = "miner-mode")]
    work_mode: u8,
    #[serde(rename = "freq-level", skip_serializing_if = "Option::is_none")]
    frequency_level: Option<&'a Value>,
    pools: &'a Value,
}

impl Conf {
    /// Reads the page.
    ///
    /// # Errors
    /// That it is no such page: it must at least name pools or a work mode.
    pub fn parse(bytes: &[u8]) -> Result<Self, ReplyError> {
        let conf: Self =
            serde_json::from_slice(bytes).map_err(|error| ReplyError::Broken(shape(&error, bytes)))?;
        let named = conf.pools.is_some() || conf.mode_number().is_some();
        if named { Ok(conf) } else { Err(ReplyError::Broken(Trouble::Garbled)) }
    }
    fn mode_number(&self) -> Option<u64> {
        self.work_mode.whole().or(self.miner_mode.whole())
    }
    /// The work mode; absent when it names none, or one that is not known.
    #[must_use]
    pub fn work_mode(&self) -> Option<WorkMode> {
        WorkMode::from_number(self.mode_number()?)
    }
    /// Whether it names a work mode, known or not; firmwares without a sleep command name none.
    #[must_use]
    pub fn has_work_mode(&self) -> bool {
        self.mode_number().is_some()
    }
    /// The body that saves this configuration with another work mode.
    ///
    /// # Errors
    /// `Garbled` when the page named no pools: they would be wiped.
    pub fn with_work_mode(&self, mode: WorkMode) -> Result<Vec<u8>, ReplyError> {
        let pools = self.pools.as_ref().ok_or(ReplyError::Broken(Trouble::Garbled))?;
        Ok(self.body(mode, pools))
    }
    /// The body that saves this configuration with other pools, and the work mode that it has.
    ///
    /// # Errors
    /// A refusal when its work mode is not known: it would be changed.
    pub fn with_pools(&self, pools: &[Pool]) -> Result<Vec<u8>, ReplyError> {
        let Some(mode) = self.work_mode() else {
            return Err(ReplyError::refused("its work mode is not known, and saving pools would change it"));
        };
        let entry = |pool: &Pool| json!({"url": pool.url, "user": pool.user, "pass": pool.password});
        Ok(self.body(mode, &pools.iter().map(entry).collect()))
    }
    /// Whether this is what was sent to be saved: the same work mode and the same pools, with their passwords where the
    /// machine tells them.
    #[must_use]
    pub fn is_as_saved(&self, body: &[u8]) -> bool {
        let Ok(sent) = serde_json::from_slice::<Self>(body) else { return false };
        let same = match (sent.pools.as_ref().map(told_pools), self.pools.as_ref().map(told_pools)) {
            (Some(sent), Some(told)) => {
                sent.len() == told.len() && sent.iter().zip(&told).all(|(sent, told)| told.is_of(sent))
            }
            (sent, told) => sent.is_none() && told.is_none(),
        };
        sent.mode_number() == self.mode_number() && same
    }
    fn body(&self, mode: WorkMode, pools: &Value) -> Vec<u8> {
        let body = Body {
            fan_control: self.fan_control.as_ref(),
            fan_pwm: self.fan_pwm.as_ref(),
            work_mode: mode.number(),
            frequency_level: self.frequency_level.as_ref().or(self.frequency_level_old.as_ref()),
            pools,
        };
        serde_json::to_vec(&body).expect("what was read from JSON can be written as JSON")
    }
}

/// A pool as a page tells it; machines may write the rest otherwise than it was sent.
struct ToldPool<'a> {
    url: &'a str,
    user: &'a str,
    password: &'a str,
}

impl ToldPool<'_> {
    /// Whether a machine that tells this holds what was sent. A password that it keeps to itself, or tells as stars,
    /// says nothing.
    fn is_of(&self, sent: &Self) -> bool {
        let is_told = self.password.chars().any(|letter| letter != '*');
        (self.url, self.user) == (sent.url, sent.user) && (!is_told || self.password == sent.password)
    }
}

/// The pools that are set; empty places are none.
fn told_pools(pools: &Value) -> Vec<ToldPool<'_>> {
    fn pool(pool: &Value) -> ToldPool<'_> {
        let text = |key: &str| pool[key].as_str().unwrap_or_default();
        ToldPool { url: text("url"), user: text("user"), password: text("pass") }
    }
    pools.as_array().into_iter().flatten().map(pool).filter(|pool| !pool.url.is_empty()).collect()
}

members! {
    /// The answer of `set_miner_conf.cgi`.
    Saved<'a> {
        /// `success` or `error`.
        "stats" outcome: Text<'a>,
        /// `M000` is success.
        "code" code: Text<'a>,
        "msg" words: Text<'a>,
    } Nothing
}

impl Saved<'_> {
    /// Whether the machine accepted the configuration.
    ///
    /// # Errors
    /// The refusal, or that it is no answer.
    pub fn accepted(bytes: &[u8]) -> Result<(), ReplyError> {
        let saved: Saved<'_> =
            serde_json::from_slice(bytes).map_err(|error| ReplyError::Broken(shape(&error, bytes)))?;
        match (saved.outcome.get(), saved.code.get()) {
            (Some("success"), _) | (None, Some("M000")) => Ok(()),
            (None, None) => Err(ReplyError::Broken(Trouble::Garbled)),
            (outcome, code) => {
                let words = saved.words.get().or(outcome).unwrap_or("no reason given");
                let words = code.map_or_else(|| words.to_owned(), |code| format!("{words} ({code})"));
                Err(ReplyError::Refused(Refusal { code: None, words }))
            }
        }
    }
}

/// Whether the light does as it was told: `B000` blinks, `B100` does not.
///
/// # Errors
/// The refusal, or that it is no answer.
pub fn light_is(bytes: &[u8], on: bool) -> Result<(), ReplyError> {
    let answer: Saved<'_> =
        serde_json::from_slice(bytes).map_err(|error| ReplyError::Broken(shape(&error, bytes)))?;
    match (answer.code.get(), on) {
        (Some("B000"), true) | (Some("B100"), false) => Ok(()),
        (None, _) => Err(ReplyError::Broken(Trouble::Garbled)),
        (Some(code), _) => Err(ReplyError::refused(format!("its light answers {code}"))),
    }
}
