//! VNish's replies, every field typed. Pure: bytes in, values out.

use offpeak_site::{Activity, MacAddress, Trouble};
use offpeak_units::{HashRate, Power, Temperature};
use serde::Deserialize;
use serde_json::Value;

use crate::cgminer::Text;
use crate::json::{Flag, Number};
use crate::refusal::ReplyError;
use crate::rest::{list, object};

/// What the mining process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// `initializing`, `starting` or `restarting`.
    Starting,
    /// `mining`, and `auto-tuning`, in which it hashes too.
    Mining,
    /// `shutting-down`: it still draws.
    ShuttingDown,
    /// `stopped`.
    Stopped,
    /// `failure`.
    Failure,
}

impl State {
    fn of(word: &str) -> Option<Self> {
        Some(match word {
            "initializing" | "starting" | "restarting" => Self::Starting,
            "mining" | "auto-tuning" => Self::Mining,
            "shutting-down" => Self::ShuttingDown,
            "stopped" => Self::Stopped,
            "failure" => Self::Failure,
            _ => return None,
        })
    }
    /// As a reading says it. What shuts down counts as hashing until it has stopped.
    #[must_use]
    pub const fn activity(self) -> Activity {
        match self {
            Self::Starting => Activity::Starting,
            Self::Mining | Self::ShuttingDown => Activity::Hashing,
            Self::Stopped => Activity::Asleep,
            Self::Failure => Activity::Failed,
        }
    }
}

/// The reply to `status`, and the same inside `summary`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
pub struct Status<'a> {
    #[serde(borrow, rename = "miner_state", default)]
    word: Text<'a>,
    /// Why it failed.
    #[serde(borrow, default)]
    pub description: Text<'a>,
    /// The firmware's number of that failure.
    #[serde(default)]
    pub failure_code: Number,
    /// Whether the light blinks.
    #[serde(default)]
    pub find_miner: Flag,
}

impl<'a> Status<'a> {
    /// Reads a reply to `status`.
    ///
    /// # Errors
    /// That it is no such reply.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ReplyError> {
        object(bytes)
    }
    /// The state; absent where the word is none of the documented ones.
    #[must_use]
    pub fn state(&self) -> Option<State> {
        State::of(self.word.get()?)
    }
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
struct Range {
    #[serde(default)]
    max: Number,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
struct Miner<'a> {
    #[serde(borrow, default)]
    miner_status: Status<'a>,
    #[serde(default)]
    hr_realtime: Number,
    #[serde(default)]
    power_consumption: Number,
    #[serde(default)]
    chip_temp: Option<Range>,
}

/// The reply to `summary`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
pub struct Summary<'a> {
    #[serde(borrow, default)]
    miner: Option<Miner<'a>>,
}

impl<'a> Summary<'a> {
    /// Reads a reply to `summary`.
    ///
    /// # Errors
    /// That it is no such reply.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ReplyError> {
        object(bytes)
    }
    /// The state; absent while no mining process runs.
    #[must_use]
    pub fn state(&self) -> Option<State> {
        self.miner.as_ref()?.miner_status.state()
    }
    /// What it hashes; sent in GH/s.
    #[must_use]
    pub fn hash_rate(&self) -> Option<HashRate> {
        HashRate::from_terahashes_f64(self.miner.as_ref()?.hr_realtime.get()? / 1e3)
    }
    /// What it says it draws.
    #[must_use]
    pub fn power(&self) -> Option<Power> {
        let watts = self.miner.as_ref()?.power_consumption.get()?;
        Power::from_watts_f64(watts).filter(|power| !power.is_negative())
    }
    /// Its hottest chip.
    #[must_use]
    pub fn temperature(&self) -> Option<Temperature> {
        let celsius = self.miner.as_ref()?.chip_temp?.max.get()?;
        Temperature::from_celsius_f64(celsius)
    }
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
struct Network<'a> {
    #[serde(borrow, default)]
    mac: Text<'a>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
struct System<'a> {
    #[serde(borrow, default)]
    network_status: Network<'a>,
}

/// The reply to `info`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
pub struct Info<'a> {
    /// Such as `Antminer S19j Pro`.
    #[serde(borrow, default)]
    pub miner: Text<'a>,
    /// Such as `Vnish`.
    #[serde(borrow, default)]
    pub fw_name: Text<'a>,
    /// Such as `1.2.6`.
    #[serde(borrow, default)]
    pub fw_version: Text<'a>,
    /// The machine's.
    #[serde(borrow, default)]
    pub serial: Text<'a>,
    #[serde(borrow, default)]
    system: System<'a>,
}

impl<'a> Info<'a> {
    /// Reads a reply to `info`.
    ///
    /// # Errors
    /// That it is no such reply.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ReplyError> {
        object(bytes)
    }
    /// Its hardware address.
    #[must_use]
    pub fn mac(&self) -> Option<MacAddress> {
        self.system.network_status.mac.get()?.parse().ok()
    }
}

/// The reply to `unlock`.
#[derive(Clone, Deserialize)]
pub struct Unlocked {
    /// The token; never logged.
    pub token: String,
}

impl core::fmt::Debug for Unlocked {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Unlocked(..)")
    }
}

impl Unlocked {
    /// Reads a reply to `unlock`.
    ///
    /// # Errors
    /// That it is no such reply.
    pub fn parse(bytes: &[u8]) -> Result<Self, ReplyError> {
        object(bytes)
    }
}

/// The reply to saved settings: what is needed before they hold.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
pub struct Saved {
    /// The mining process is to be started anew.
    #[serde(default)]
    pub restart_required: Flag,
    /// The control board is to be restarted.
    #[serde(default)]
    pub reboot_required: Flag,
}

impl Saved {
    /// Reads a reply to saved settings.
    ///
    /// # Errors
    /// That it is no such reply.
    pub fn parse(bytes: &[u8]) -> Result<Self, ReplyError> {
        object(bytes)
    }
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
struct Preset<'a> {
    #[serde(borrow, default)]
    name: Text<'a>,
    #[serde(borrow, default)]
    status: Text<'a>,
}

/// The reply to `autotune/presets`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Presets<'a>(Vec<Preset<'a>>);

impl<'a> Presets<'a> {
    /// Reads a reply to `autotune/presets`.
    ///
    /// # Errors
    /// That it is no such reply.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ReplyError> {
        Ok(Self(list(bytes)?))
    }
    /// The largest tuned preset that draws no more than this. A preset is named after its watts.
    #[must_use]
    pub fn within(&self, limit: Power) -> Option<&str> {
        let tuned = self.0.iter().filter(|preset| preset.status.get() == Some("tuned"));
        let watts = tuned.filter_map(|preset| {
            let name = preset.name.get()?;
            Some((name.parse::<i64>().ok().filter(|watts| (1..100_000).contains(watts))?, name))
        });
        watts.filter(|(watts, _)| Power::from_watts(*watts) <= limit).max().map(|(_, name)| name)
    }
}

/// The saved overclock settings with another preset, as they are to be sent.
///
/// # Errors
/// That these are no settings.
pub fn with_preset(settings: &[u8], preset: &str) -> Result<Value, ReplyError> {
    let mut settings: Value = object(settings)?;
    let overclock = settings.pointer_mut("/miner/overclock").and_then(Value::as_object_mut);
    let overclock = overclock.ok_or(ReplyError::Broken(Trouble::Garbled))?;
    overclock.insert("preset".to_owned(), Value::from(preset));
    Ok(serde_json::json!({"miner": {"overclock": overclock}}))
}
