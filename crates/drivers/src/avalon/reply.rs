//! Avalon's replies, every field typed. Pure: bytes in, values out.

use std::borrow::Cow;

use serde::Deserialize;

use offpeak_site::{Activity, MacAddress, ModeName, Trouble};
use offpeak_units::{HashRate, Power, Temperature};

use crate::cgminer::{First, Nothing, Status, Text, members};
use crate::exchange::shape;
use crate::json::Number;
use crate::refusal::ReplyError;

/// No machine has more boards, and no supply names more values.
const LIST_MAX: usize = 16;

members! {
    /// One element of `STATS`; the module's own values stand in one text.
    Element<'a> {
        "ID" id: Text<'a>,
        "Elapsed" elapsed: Number,
        "MM Count" modules: Number,
        "MM ID0" module: Text<'a>,
        "MM ID0:Summary" module_new: Text<'a>,
    } Nothing
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
    stats: Option<First<Element<'a>>>,
}

/// The reply to `estats` (or `stats`, or `litestats`): its first module's text.
#[derive(Clone, Debug, PartialEq)]
pub struct Stats<'a> {
    text: Cow<'a, str>,
}

impl<'a> Stats<'a> {
    /// Reads a reply.
    ///
    /// # Errors
    /// The refusal, or that it is no such reply.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ReplyError> {
        let reply: StatsReply<'a> =
            serde_json::from_slice(bytes).map_err(|error| ReplyError::Broken(shape(&error, bytes)))?;
        reply.status.verdict(reply.code, reply.words.get()).map_err(ReplyError::Refused)?;
        let garbled = || ReplyError::Broken(Trouble::Garbled);
        let element = reply.stats.and_then(|list| list.0).ok_or_else(garbled)?;
        let text = element.module.into_inner().or(element.module_new.into_inner()).ok_or_else(garbled)?;
        Ok(Self { text })
    }
    /// Its values.
    #[must_use]
    pub fn module(&self) -> Module<'_> {
        Module::parse(&self.text)
    }
}

/// `Key[value]`, one after the other, whatever stands between.
pub(super) fn pairs(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = text;
    core::iter::from_fn(move || {
        let open = memchr::memchr(b'[', rest.as_bytes())?;
        let before = &rest[..open];
        let start = before.bytes().rposition(|byte| !(byte.is_ascii_alphanumeric() || byte == b'_'));
        let key = &before[start.map_or(0, |place| place + 1)..];
        let after = &rest[open + 1..];
        let close = memchr::memchr(b']', after.as_bytes())?;
        rest = &after[close + 1..];
        Some((key, after[..close].trim()))
    })
}

/// A number, with or without a percent sign; absent when it is none or not finite.
fn number(text: &str) -> Option<f64> {
    text.trim_end_matches('%').parse::<f64>().ok().filter(|value| value.is_finite())
}

fn numbers(text: &str) -> Vec<f64> {
    text.split_ascii_whitespace().map_while(number).take(LIST_MAX).collect()
}

/// What a module says of itself. Rates are in GH/s, powers in W, temperatures in °C, fans in
/// revolutions a minute, times in seconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Module<'a> {
    /// `Ver`: model and firmware, such as `1246-83-21072802_4ec6bb0_211fc46`.
    pub version: Option<&'a str>,
    /// `DNA`: the module's number.
    pub dna: Option<&'a str>,
    /// `SYSTEMSTATU`, such as `Work: In Work, Hash Board: 3`.
    pub state: Option<&'a str>,
    /// `SoftOFF`: 0, or why it was switched off.
    pub soft_off: Option<f64>,
    /// `Elapsed`.
    pub elapsed: Option<f64>,
    /// `GHSspd`: now. Not known to firmwares of 2019.
    pub rate_now: Option<f64>,
    /// `GHSavg`: the mean of an hour, or since the start; goes on while the machine is off.
    pub rate_mean: Option<f64>,
    /// `GHSmm`: what its frequency should give.
    pub rate_ideal: Option<f64>,
    /// `MGHS`, by board.
    pub rate_boards: Vec<f64>,
    /// `TMax`, of all chips; 0 when they are off.
    pub temperature_max: Option<f64>,
    /// `TAvg`, of all chips.
    pub temperature_mean: Option<f64>,
    /// `Temp`, or `ITemp` of home machines: the air around it.
    pub temperature_around: Option<f64>,
    /// `MTmax`, by board.
    pub temperature_boards: Vec<f64>,
    /// `Fan1` to `Fan4`.
    pub fans: Vec<f64>,
    /// `PS`: error, volts to the controller, volts to the boards, amperes, watts to the boards, volts
    /// set; and since the A12 the watts at the wall. Volts in hundredths.
    pub supply: Vec<f64>,
    /// `WALLPOWER`: watts at the wall (A15).
    pub wall: Option<f64>,
    /// `WORKMODE`.
    pub work_mode: Option<f64>,
    /// `MPO`: the watts that it aims at.
    pub power_target: Option<f64>,
    /// `Led`: 1 while its light is on.
    pub light: Option<f64>,
    /// `ECHU`, by board: 0 is sound.
    pub board_errors: Vec<f64>,
}

impl<'a> Module<'a> {
    /// Reads a module's text. What it does not hold is absent.
    #[must_use]
    pub fn parse(text: &'a str) -> Self {
        let mut module = Self::default();
        for (key, value) in pairs(text) {
            let said = (!value.is_empty()).then_some(value);
            match key {
                "Ver" => module.version = said,
                "DNA" => module.dna = said,
                "SYSTEMSTATU" => module.state = said,
                "SoftOFF" => module.soft_off = number(value),
                "Elapsed" => module.elapsed = number(value),
                "GHSspd" => module.rate_now = number(value),
                "GHSavg" => module.rate_mean = number(value),
                "GHSmm" => module.rate_ideal = number(value),
                "MGHS" => module.rate_boards = numbers(value),
                "TMax" => module.temperature_max = number(value),
                "TAvg" => module.temperature_mean = number(value),
                "Temp" | "ITemp" => module.temperature_around = number(value),
                "MTmax" => module.temperature_boards = numbers(value),
                "Fan1" | "Fan2" | "Fan3" | "Fan4" if module.fans.len() < LIST_MAX => {
                    module.fans.extend(number(value));
                }
                "PS" => module.supply = numbers(value),
                "WALLPOWER" => module.wall = number(value),
                "WORKMODE" => module.work_mode = number(value),
                "MPO" => module.power_target = number(value),
                "Led" => module.light = number(value),
                "ECHU" => module.board_errors = numbers(value),
                _ => {}
            }
        }
        module
    }

    /// `In Work`, `In Idle`, `In Init` and the like, out of `SYSTEMSTATU`.
    fn work(&self) -> Option<&'a str> {
        self.state?.strip_prefix("Work: ")?.split(',').next().map(str::trim)
    }
    fn works(&self) -> bool {
        self.work() == Some("In Work")
    }
    /// Whether it is a home machine: those name themselves before their number.
    #[must_use]
    pub fn is_home(&self) -> bool {
        self.version.is_some_and(|version| !version.starts_with(|first: char| first.is_ascii_digit()))
    }

    /// The hash rate now; the mean of firmwares that tell no other, while they work.
    #[must_use]
    pub fn hash_rate(&self) -> Option<HashRate> {
        let gigahashes = self.rate_now.or(self.rate_mean.filter(|_| self.works()))?;
        HashRate::from_terahashes_f64(gigahashes / 1e3)
    }
    /// The watts that it claims: at the wall, or, of an A10 or A11, what its boards get (a tenth less).
    #[must_use]
    pub fn power(&self) -> Option<Power> {
        let boards = || self.supply.get(4).filter(|_| self.supply.len() == 6);
        let watts = self.wall.or(self.supply.get(6).or_else(boards).copied())?;
        Power::from_watts_f64(watts).filter(|power| !power.is_negative())
    }
    /// The hottest chip; absent while they are off, for then it says 0.
    #[must_use]
    pub fn temperature(&self) -> Option<Temperature> {
        Temperature::from_celsius_f64(self.temperature_max.filter(|&celsius| celsius != 0.0)?)
    }
    /// The mode that it claims. Industrial machines have a normal and a high one, home machines a low one
    /// too.
    #[must_use]
    pub fn mode(&self) -> Option<ModeName> {
        let number = self.work_mode?;
        let modes: &[ModeName] = if self.is_home() {
            &[ModeName::Low, ModeName::Normal, ModeName::High]
        } else {
            &[ModeName::Normal, ModeName::High]
        };
        let found = modes.iter().zip(0_u8..).find(|(_, place)| f64::from(*place) == number);
        found.map(|(mode, _)| *mode)
    }
    /// What it does; absent when it does not say.
    ///
    /// Switched off by command it idles with `SoftOFF` set (4 of a Q, 5 of an A1346, as recorded; the other
    /// numbers are not published). An A10, which has no `SoftOFF`, idles with nothing going to its boards.
    #[must_use]
    pub fn activity(&self) -> Option<Activity> {
        let work = self.work()?;
        let hashing = self.hash_rate().is_some_and(|rate| !rate.is_zero());
        let unfed = self.supply.get(4).is_some_and(|&watts| watts == 0.0);
        let off = match self.soft_off {
            Some(reason) => reason != 0.0,
            None => unfed,
        };
        Some(match work {
            "In Idle" if off => Activity::Asleep,
            "In Work" if hashing => Activity::Hashing,
            "In Work" | "In Init" => Activity::Starting,
            // Idle of itself, in fault, or a word that is not known.
            _ => Activity::Failed,
        })
    }
}

members! {
    /// The reply to `version`.
    VersionElement<'a> {
        "API" api: Text<'a>,
        "CGMiner" cgminer: Text<'a>,
        /// Such as `AvalonMiner 1246` or `Avalon Q`.
        "PROD" product: Text<'a>,
        /// Such as `1246-83`.
        "MODEL" model: Text<'a>,
        "HWTYPE" hardware: Text<'a>,
        "SWTYPE" software: Text<'a>,
        "VERSION" firmware: Text<'a>,
        /// Of home machines.
        "LVERSION" firmware_new: Text<'a>,
        "DNA" dna: Text<'a>,
        "MAC" mac: Text<'a>,
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
    version: Option<First<VersionElement<'a>>>,
}

/// Who it is, and what its clock says.
#[derive(Clone, Debug, PartialEq)]
pub struct Version<'a> {
    /// Its names.
    pub names: VersionElement<'a>,
    /// The machine's own second: since its start, or of the day's time.
    pub when: Option<u64>,
}

impl<'a> Version<'a> {
    /// Reads a reply to `version`.
    ///
    /// # Errors
    /// The refusal, or that it is no such reply of an Avalon.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ReplyError> {
        let reply: VersionReply<'a> =
            serde_json::from_slice(bytes).map_err(|error| ReplyError::Broken(shape(&error, bytes)))?;
        reply.status.verdict(reply.code, reply.words.get()).map_err(ReplyError::Refused)?;
        let when = match &reply.status {
            Status::Listed(status) => status.when.whole(),
            Status::Letter(_) => None,
        };
        let names = reply.version.and_then(|list| list.0);
        let names = names.filter(|names| names.product.get().is_some_and(|name| name.starts_with("Avalon")));
        Ok(Self { names: names.ok_or(ReplyError::Broken(Trouble::Garbled))?, when })
    }
    /// Its hardware address.
    #[must_use]
    pub fn mac(&self) -> Option<MacAddress> {
        self.names.mac.get()?.parse().ok()
    }
    /// Its module's number; some say zeros.
    #[must_use]
    pub fn serial(&self) -> Option<&str> {
        self.names.dna.get().filter(|dna| dna.bytes().any(|byte| byte != b'0'))
    }
    /// Whether it is a home machine.
    #[must_use]
    pub fn is_home(&self) -> bool {
        self.names.product.get().is_some_and(|product| !product.starts_with("AvalonMiner"))
    }
    /// Whether it is an A10: `MODEL` is `10` and two digits.
    #[must_use]
    pub fn is_a10(&self) -> bool {
        let model = self.names.model.get().and_then(|model| model.split('-').next()).unwrap_or_default();
        model.len() == 4 && model.starts_with("10")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_in_brackets() {
        let text = "'STATS':{Ver[Q-1] X[] A b[1 2] Half[3";
        assert_eq!(pairs(text).collect::<Vec<_>>(), [("Ver", "Q-1"), ("X", ""), ("b", "1 2")]);
        assert_eq!(pairs("[[]]").collect::<Vec<_>>(), [("", "[")]);
        assert_eq!(pairs("é[ü]").collect::<Vec<_>>(), [("", "ü")]);
        assert_eq!((number("72%"), number("inf"), number("")), (Some(72.0), None, None));
    }

    #[test]
    fn an_a10_has_no_rate_of_now_and_no_watts_at_the_wall() {
        // Values of the reply in section 3.3 of the A10 manual.
        let text = "Ver[1066-19101244_fe411a8_71edeca] SYSTEMSTATU[Work: In Work, Hash Board: 3 ] TMax[74] \
                    PS[0 1217 1279 221 2834 1280] GHSmm[51062.40] GHSavg[50291.83] WORKMODE[1]";
        let module = Module::parse(text);
        assert_eq!(module.hash_rate(), HashRate::from_terahashes_f64(50.291_83));
        assert_eq!(module.power(), Some(Power::from_watts(2_834)));
        assert_eq!((module.mode(), module.activity()), (Some(ModeName::High), Some(Activity::Hashing)));
        let off = text.replace("In Work", "In Idle").replace("221 2834", "0 0");
        let module = Module::parse(&off);
        assert_eq!((module.hash_rate(), module.activity()), (None, Some(Activity::Asleep)));
    }

    #[test]
    fn an_a1346_that_was_switched_off() {
        // As an A1346-110 with firmware 24041001 was seen asleep.
        let text = "Ver[1346-110-24041001_08b0955_0196aba] Elapsed[1168] SoftOFF[5] \
                    SYSTEMSTATU[Work: In Idle, Hash Board: 3 ] GHSspd[0.00] GHSmm[0.00] GHSavg[22622.40] \
                    PS[0 1198 0 0 0 1393 11]";
        let module = Module::parse(text);
        assert_eq!(module.activity(), Some(Activity::Asleep));
        assert_eq!(
            (module.hash_rate(), module.power()),
            (HashRate::from_terahashes_f64(0.0), Some(Power::from_watts(11)))
        );
        assert_eq!((module.temperature(), module.mode()), (None, None));
        let idle = text.replace("SoftOFF[5]", "SoftOFF[0]");
        assert_eq!(Module::parse(&idle).activity(), Some(Activity::Failed));
        let init = text.replace("In Idle", "In Init");
        assert_eq!(Module::parse(&init).activity(), Some(Activity::Starting));
        assert_eq!(Module::parse("GHSspd[1]").activity(), None);
    }
}
