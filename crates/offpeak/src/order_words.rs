//! An order in words: `hall-3 to 4 MW at 18:00 for 2 h`.
//!
//! ```text
//! CIRCUIT  to|hold  POWER  [over 15|30|60 min]  [at TIME]  [for DURATION | until TIME]
//! ```
//! `to` is a limit, `hold` a setpoint; a time without a date is the next one that comes. Not here: who may give
//! an order, and what it is recorded as.

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use offpeak_units::Power;

/// What the words say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OrderWords {
    pub(crate) circuit: String,
    pub(crate) limit: Power,
    pub(crate) holds: bool,
    pub(crate) mean_min: Option<u8>,
    pub(crate) from: Timestamp,
    pub(crate) until: Option<Timestamp>,
}

/// Why words are no order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OrderWordsError {
    #[error(
        "`{0}` is no order\nhint: say it as in \"hall-3 to 4 MW at 18:00 for 2 h\", or \"grid hold 120 MW until 20:00\""
    )]
    Shape(String),
    #[error("`{0}` is no power\nhint: give it in W, kW, MW or GW, such as 4 MW; 0 kW means zero")]
    Power(String),
    #[error(
        "`{0}` is no time\nhint: 18:00 is the next one at the site; else 2022-10-03T18:00 or 2022-10-03T12:00:00Z"
    )]
    Time(String),
    #[error("`{0}` is no duration\nhint: give it as 90 min, 2 h or 1h30m")]
    Duration(String),
    #[error("a mean over `{0}` is not kept\nhint: 15, 30 or 60 min")]
    Mean(String),
    #[error("it would end at {until}, before it begins at {from}")]
    Order { from: String, until: String },
    #[error("it would be over already at {0}")]
    Over(String),
}

/// The most words an order has.
const WORDS_MAX: usize = 24;

impl OrderWords {
    /// Reads an order given at `now`.
    pub(crate) fn parse(text: &str, zone: &TimeZone, now: Timestamp) -> Result<Self, OrderWordsError> {
        let shape = || OrderWordsError::Shape(text.chars().take(80).collect());
        let words: Vec<&str> = text.split_whitespace().collect();
        let [circuit, verb, rest @ ..] = &words[..] else { return Err(shape()) };
        if words.len() > WORDS_MAX {
            return Err(shape());
        }
        let holds = match *verb {
            "to" => false,
            "hold" => true,
            _ => return Err(shape()),
        };
        // Each clause goes from its word to the next one.
        let is_clause = |word: &str| matches!(word, "over" | "at" | "for" | "until");
        let first = rest.iter().position(|word| is_clause(word)).unwrap_or(rest.len());
        let limit = power(&rest[..first].concat())?;
        let mut order =
            Self { circuit: (*circuit).to_owned(), limit, holds, mean_min: None, from: now, until: None };
        let mut lasts = None;
        let mut clauses = &rest[first..];
        while let [clause, more @ ..] = clauses {
            let ends = more.iter().position(|word| is_clause(word)).unwrap_or(more.len());
            let said = more[..ends].concat();
            match *clause {
                "over" => order.mean_min = Some(mean(&said)?),
                "at" => order.from = time(&said, zone, now)?,
                "for" => lasts = Some(duration(&said)?),
                "until" => order.until = Some(time(&said, zone, order.from)?),
                _ => return Err(shape()),
            }
            clauses = &more[ends..];
        }
        if let Some(lasts) = lasts {
            order.until = Some(order.from.checked_add(lasts).map_err(|_| shape())?);
        }
        if let Some(until) = order.until.filter(|until| *until <= order.from) {
            return Err(OrderWordsError::Order { from: civil(order.from, zone), until: civil(until, zone) });
        }
        if let Some(until) = order.until.filter(|until| *until <= now) {
            return Err(OrderWordsError::Over(civil(until, zone)));
        }
        Ok(order)
    }
}

/// To the minute in the site's time, with its offset.
fn civil(at: Timestamp, zone: &TimeZone) -> String {
    format!("{} {}", zone.to_datetime(at).strftime("%Y-%m-%d %H:%M"), zone.to_offset(at))
}

fn power(said: &str) -> Result<Power, OrderWordsError> {
    let wrong = || OrderWordsError::Power(said.chars().take(40).collect());
    let unit = said.find(|letter: char| letter.is_ascii_alphabetic()).ok_or_else(wrong)?;
    let watts = match said[unit..].to_ascii_lowercase().as_str() {
        "w" => 1.0,
        "kw" => 1e3,
        "mw" => 1e6,
        "gw" => 1e9,
        _ => return Err(wrong()),
    };
    let number: f64 = said[..unit].replace('_', "").parse().map_err(|_| wrong())?;
    let watts = number * watts;
    let sensible = (0.0..=1e11).contains(&watts);
    sensible.then(|| Power::from_watts_f64(watts)).flatten().ok_or_else(wrong)
}

fn mean(said: &str) -> Result<u8, OrderWordsError> {
    let wrong = || OrderWordsError::Mean(said.chars().take(40).collect());
    let minutes = duration(said).map_err(|_| wrong())?.as_mins();
    u8::try_from(minutes).ok().filter(|minutes| matches!(minutes, 15 | 30 | 60)).ok_or_else(wrong)
}

fn duration(said: &str) -> Result<SignedDuration, OrderWordsError> {
    let wrong = || OrderWordsError::Duration(said.chars().take(40).collect());
    let parsed: SignedDuration = said.parse().map_err(|_| wrong())?;
    let longest = SignedDuration::from_hours(24 * 366);
    (parsed > SignedDuration::ZERO && parsed <= longest).then_some(parsed).ok_or_else(wrong)
}

/// An instant, civil time at the site, or the next such time of day after `after`.
fn time(said: &str, zone: &TimeZone, after: Timestamp) -> Result<Timestamp, OrderWordsError> {
    let wrong = || OrderWordsError::Time(said.chars().take(40).collect());
    if let Ok(instant) = said.parse::<Timestamp>() {
        return Ok(instant);
    }
    if let Ok(civil) = said.parse::<DateTime>() {
        return zone.to_timestamp(civil).map_err(|_| wrong());
    }
    let (hour, minute) = said.split_once(':').ok_or_else(wrong)?;
    let clock = Time::new(hour.parse().map_err(|_| wrong())?, minute.parse().map_err(|_| wrong())?, 0, 0)
        .map_err(|_| wrong())?;
    let today = zone.to_datetime(after).date();
    for day in [Ok(today), today.tomorrow(), today.tomorrow().and_then(jiff::civil::Date::tomorrow)] {
        let at = zone.to_timestamp(day.map_err(|_| wrong())?.to_datetime(clock)).map_err(|_| wrong())?;
        if at > after {
            return Ok(at);
        }
    }
    Err(wrong())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn zone() -> TimeZone {
        TimeZone::get("Asia/Almaty").unwrap()
    }
    fn now() -> Timestamp {
        "2022-10-03T06:00:00Z".parse().unwrap() // 12:00 at the site
    }
    fn read(text: &str) -> Result<OrderWords, OrderWordsError> {
        OrderWords::parse(text, &zone(), now())
    }

    #[test]
    fn words_become_an_order() {
        let order = read("hall-3 to 4 MW at 18:00 for 2 h").unwrap();
        assert_eq!((&*order.circuit, order.limit.to_watts(), order.holds), ("hall-3", 4_000_000, false));
        assert_eq!(order.from.to_string(), "2022-10-03T12:00:00Z");
        assert_eq!(order.until.unwrap().to_string(), "2022-10-03T14:00:00Z");
        let order = read("grid hold 120_000kW over 15 min until 2022-10-04T01:00").unwrap();
        assert_eq!((order.limit.to_watts(), order.holds, order.mean_min), (120_000_000, true, Some(15)));
        assert_eq!(
            (order.from, order.until.unwrap().to_string()),
            (now(), "2022-10-03T19:00:00Z".to_owned())
        );
        assert_eq!(read("grid to 0 kW").unwrap().limit, Power::ZERO);
        assert_eq!(read("grid to 1 MW at 11:00").unwrap().from.to_string(), "2022-10-04T05:00:00Z");
    }

    #[test]
    fn what_is_no_order_says_which_word() {
        for (text, part) in [
            ("", "is no order"),
            ("hall-3", "is no order"),
            ("hall-3 from 4 MW", "is no order"),
            ("hall-3 to 4", "no power"),
            ("hall-3 to -4 MW", "no power"),
            ("hall-3 to nan MW", "no power"),
            ("hall-3 to 1e30 MW", "no power"),
            ("hall-3 to 4 MW at six", "no time"),
            ("hall-3 to 4 MW at 25:00", "no time"),
            ("hall-3 to 4 MW for 0 s", "no duration"),
            ("hall-3 to 4 MW over 20 min", "is not kept"),
            (
                "hall-3 to 4 MW at 18:00 until 2022-10-03T17:00",
                "end at 2022-10-03 17:00 +06, before it begins at 2022-10-03 18:00 +06",
            ),
            ("hall-3 to 4 MW at 2022-10-01T18:00 for 1 h", "over already"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_words_make_it_fall(text in "[ a-z0-9:.TZ/-]{0,80}", rest in ".{0,60}") {
            let _ = read(&text);
            let _ = read(&format!("hall to 4 MW {rest}"));
            let _ = read(&format!("hall to {rest}"));
        }
    }
}
