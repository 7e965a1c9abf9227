//! What a value of the site file may be: one table of keys serves the reader, its messages and the
//! JSON Schema. Not here: the keys themselves (`fields`) and what they become.

use core::str::FromStr as _;
use std::net::IpAddr;

use offpeak_units::{Currency, Power, Temperature};
use rust_decimal::Decimal;
use toml::de::DeValue;

use super::civil;
use super::pattern::{self, Pattern};

/// What a value must be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// Text that is not empty.
    Text,
    /// A name, or a pattern that stands for several.
    Names,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// True or false.
    Flag,
    /// Kilowatts, 0 or more.
    Kilowatts,
    /// Several of them.
    KilowattsList,
    /// Watts, 0 or more.
    Watts,
    /// An outdoor temperature.
    Celsius,
    /// Terahashes a second, above 0.
    Terahashes,
    /// A whole number within these bounds.
    Count(u32, u32),
    /// Slots of a PDU: how many, or which.
    Slots,
    /// A meter's accuracy class.
    AccuracyClass,
    /// A price, of any sign.
    Amount,
    /// A price above zero.
    AmountAboveZero,
    /// A price, 0 or more.
    AmountFromZero,
    /// The 5th and 95th percentile in seconds.
    Seconds,
    /// An instant, with its offset from UTC.
    Instant,
    /// A date.
    Date,
    /// Some dates.
    Dates,
    /// A time of day.
    Time,
    /// Days of the week.
    Days,
    /// A time zone's name.
    TimeZone,
    /// A currency's code.
    Currency,
    /// An IP address, or a pattern of it.
    Addresses,
    /// `host:port`, or a pattern of it.
    Sockets,
    /// A section.
    Section(&'static Shape),
    /// Sections, one after another.
    Sections(&'static Shape),
}

/// One key.
#[derive(Debug)]
pub(crate) struct Field {
    /// As written.
    pub(crate) key: &'static str,
    /// What its value must be.
    pub(crate) kind: Kind,
    /// Whether it must be there.
    pub(crate) required: bool,
    /// What it is for, for editors.
    pub(crate) about: &'static str,
}

/// The keys of a section.
#[derive(Debug)]
pub(crate) struct Shape {
    /// What the section is, for editors.
    pub(crate) about: &'static str,
    /// Its keys.
    pub(crate) fields: &'static [Field],
}

impl Shape {
    pub(crate) fn field(&self, key: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.key == key)
    }

    /// The known key that a wrong one was probably meant to be.
    pub(crate) fn nearest(&self, wrong: &str) -> Option<&'static str> {
        nearest(wrong, self.fields.iter().map(|field| field.key))
    }
}

/// The known word within a few letters of a wrong one, for a hint.
#[must_use]
pub fn nearest<'w>(wrong: &str, known: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    let distances = known.map(|word| (distance(&wrong.to_lowercase(), &word.to_lowercase()), word));
    let allowed = (wrong.chars().count() / 3).clamp(2, 5);
    distances.min().filter(|(letters, _)| *letters <= allowed).map(|(_, word)| word)
}

/// How many letters must be inserted, removed or changed (Levenshtein, 1965).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(60).collect(), b.chars().take(60).collect());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, other) in b.iter().enumerate() {
            let change = diagonal + usize::from(letter != other);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

impl Kind {
    /// What is expected, for a message.
    pub(crate) fn expected(self) -> String {
        match self {
            Self::Text => "text in quotes, not empty".to_owned(),
            Self::Names => {
                "a name of letters, digits, `-`, `_`, `.` and `/`, with ranges such as `[1-8]`".to_owned()
            }
            Self::Choice(words) => {
                format!(
                    "one of {}",
                    words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ")
                )
            }
            Self::Flag => "true or false".to_owned(),
            Self::Kilowatts => "a number of kilowatts, 0 or more".to_owned(),
            Self::KilowattsList => "a list of kilowatts such as [0, 50_000], each 0 or more".to_owned(),
            Self::Watts => "a number of watts, 0 or more".to_owned(),
            Self::Celsius => "a temperature in °C from -70 to 70".to_owned(),
            Self::Terahashes => "a number of terahashes a second, above 0".to_owned(),
            Self::Count(least, most) => format!("a whole number from {least} to {most}"),
            Self::Slots => "how many slots, such as 32, or which, such as \"1-16\"".to_owned(),
            Self::AccuracyClass => "an accuracy class such as 0.5, above 0 and at most 5".to_owned(),
            Self::Amount => "a number".to_owned(),
            Self::AmountAboveZero => "a number above 0".to_owned(),
            Self::AmountFromZero => "a number, 0 or more".to_owned(),
            Self::Seconds => {
                "two numbers of seconds such as [20, 45]: one in twenty is faster, one in twenty slower"
                    .to_owned()
            }
            Self::Instant => civil::INSTANT.to_owned(),
            Self::Date => civil::DATE.to_owned(),
            Self::Dates => "a list of dates such as [2022-10-25, 2022-12-16]".to_owned(),
            Self::Time => civil::TIME.to_owned(),
            Self::Days => civil::DAYS.to_owned(),
            Self::TimeZone => "a time zone of the IANA list such as \"Asia/Almaty\"".to_owned(),
            Self::Currency => "a currency code of three capital letters such as \"KZT\"".to_owned(),
            Self::Addresses => {
                "an IP address such as \"10.1.0.1\", with ranges such as \"10.[1-8].0.1\"".to_owned()
            }
            Self::Sockets => "an address and port such as \"10.0.0.5:502\"".to_owned(),
            Self::Section(_) => "a section".to_owned(),
            Self::Sections(_) => "a list of sections".to_owned(),
        }
    }

    /// Whether a value is of this kind; the error says what was expected.
    pub(crate) fn check(self, value: &DeValue<'_>) -> Result<(), String> {
        let expected = || self.expected();
        let holds = match self {
            Self::Text => value.as_str().is_some_and(|text| !text.trim().is_empty()),
            Self::Names => return names(value).map(|_| ()),
            Self::Choice(words) => value.as_str().is_some_and(|word| words.contains(&word)),
            Self::Flag => value.is_bool(),
            Self::Kilowatts => power(value, 1_000).is_some(),
            Self::KilowattsList => powers(value).is_some(),
            Self::Watts => power(value, 1).is_some(),
            Self::Celsius => celsius(value).is_some(),
            Self::Terahashes => {
                number(value).is_some_and(|n| n > Decimal::ZERO && n < Decimal::from(1_000_000))
            }
            Self::Count(least, most) => count(value).is_some_and(|n| (least..=most).contains(&n)),
            Self::Slots => return slots(value).map(|_| ()),
            Self::AccuracyClass => number(value).is_some_and(|n| n > Decimal::ZERO && n <= Decimal::from(5)),
            Self::Amount => number(value).is_some(),
            Self::AmountAboveZero => number(value).is_some_and(|n| n > Decimal::ZERO),
            Self::AmountFromZero => number(value).is_some_and(|n| n >= Decimal::ZERO),
            Self::Seconds => seconds(value).is_some(),
            Self::Instant => civil::instant(value).is_some(),
            Self::Date => civil::date(value).is_some(),
            Self::Dates => value
                .as_array()
                .is_some_and(|list| list.iter().all(|item| civil::date(item.get_ref()).is_some())),
            Self::Time => civil::time(value).is_some(),
            Self::Days => civil::days(value).is_some(),
            Self::TimeZone => value.as_str().is_some_and(|name| time_zone(name).is_some()),
            Self::Currency => value.as_str().is_some_and(|code| Currency::from_str(code).is_ok()),
            Self::Addresses => names(value)
                .is_ok_and(|pattern| pattern.names().iter().all(|name| name.parse::<IpAddr>().is_ok())),
            Self::Sockets => {
                names(value).is_ok_and(|pattern| pattern.names().iter().all(|name| is_socket(name)))
            }
            // The reader walks into these itself.
            Self::Section(_) => value.is_table(),
            Self::Sections(_) => value.is_array(),
        };
        if holds { Ok(()) } else { Err(expected()) }
    }
}

/// A number, exactly as written.
pub(crate) fn number(value: &DeValue<'_>) -> Option<Decimal> {
    let number = match value {
        DeValue::Integer(whole) => Decimal::from_i128_with_scale(
            i128::from(i64::from_str_radix(whole.as_str(), whole.radix()).ok()?),
            0,
        ),
        DeValue::Float(float) => {
            let text = float.as_str();
            Decimal::from_str(text).or_else(|_| Decimal::from_scientific(text)).ok()?
        }
        _ => return None,
    };
    // Beyond this no figure of a mine lies, and sums stay far from any overflow.
    (number.abs() <= Decimal::from(1_000_000_000_000_i64)).then_some(number)
}

/// A power of 0 to 100 GW, given in units of so many watts.
pub(crate) fn power(value: &DeValue<'_>, unit_w: i64) -> Option<Power> {
    use rust_decimal::prelude::ToPrimitive as _;
    let watts = number(value)?.checked_mul(Decimal::from(unit_w))?;
    let sensible = (Decimal::ZERO..=Decimal::from(100_000_000_000_i64)).contains(&watts);
    let milliwatts = sensible.then(|| (watts * Decimal::from(1_000)).round().to_i64()).flatten()?;
    Some(Power::from_milliwatts(milliwatts))
}

/// Several powers in kilowatts; at least one.
pub(crate) fn powers(value: &DeValue<'_>) -> Option<Vec<Power>> {
    let list: Option<Vec<_>> = value.as_array()?.iter().map(|item| power(item.get_ref(), 1_000)).collect();
    list.filter(|list| !list.is_empty())
}

/// An outdoor temperature.
pub(crate) fn celsius(value: &DeValue<'_>) -> Option<Temperature> {
    use rust_decimal::prelude::ToPrimitive as _;
    let celsius = number(value)?;
    let sensible = celsius.abs() <= Decimal::from(70);
    let millis = sensible.then(|| (celsius * Decimal::from(1_000)).round().to_i32()).flatten()?;
    Some(Temperature::from_millicelsius(millis))
}

/// A whole number from 0.
pub(crate) fn count(value: &DeValue<'_>) -> Option<u32> {
    match value {
        DeValue::Integer(whole) => u32::from_str_radix(whole.as_str(), whole.radix()).ok(),
        _ => None,
    }
}

/// A pattern of names.
pub(crate) fn names(value: &DeValue<'_>) -> Result<Pattern, String> {
    let text = value.as_str().ok_or_else(|| Kind::Names.expected())?;
    let plain = |letter: char| letter.is_alphanumeric() || "-_./:[], ".contains(letter);
    if text.trim().is_empty() || text != text.trim() || !text.chars().all(plain) {
        return Err(Kind::Names.expected());
    }
    Pattern::parse(text)
}

/// The slots of a PDU from 1: `32` is 1 to 32, `"1-16"` and `"1,3"` name them.
pub(crate) fn slots(value: &DeValue<'_>) -> Result<Vec<String>, String> {
    const SLOTS_MAX: usize = 10_000;
    let list = match (count(value), value.as_str()) {
        (Some(slots), _) if slots >= 1 => pattern::range(&format!("1-{slots}"))?,
        (_, Some(text)) => pattern::range(text)?,
        _ => return Err(Kind::Slots.expected()),
    };
    let numbers = list.iter().all(|slot| slot.parse::<u32>().is_ok());
    if numbers && list.len() <= SLOTS_MAX { Ok(list) } else { Err(Kind::Slots.expected()) }
}

/// Two percentiles as milliseconds.
pub(crate) fn seconds(value: &DeValue<'_>) -> Option<(u32, u32)> {
    use rust_decimal::prelude::ToPrimitive as _;
    let list = value.as_array()?;
    let millis = |item: usize| -> Option<u32> {
        let seconds = number(list.get(item)?.get_ref())?;
        let day = Decimal::from(86_400);
        (seconds > Decimal::ZERO && seconds <= day)
            .then(|| (seconds * Decimal::from(1_000)).to_u32())
            .flatten()
    };
    let (p5, p95) = (millis(0)?, millis(1)?);
    (list.len() == 2 && p5 >= 1 && p5 <= p95).then_some((p5, p95))
}

/// A zone of the compiled-in IANA list.
pub(crate) fn time_zone(name: &str) -> Option<jiff::tz::TimeZone> {
    jiff::tz::TimeZoneDatabase::bundled().get(name).ok()
}

fn is_socket(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(host, port)| {
        !host.is_empty() && !host.contains(' ') && port.parse::<u16>().is_ok_and(|port| port > 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_close_or_none() {
        let known = ["limit_kw", "days", "from"];
        assert_eq!(nearest("limt_kw", known.into_iter()), Some("limit_kw"));
        assert_eq!(nearest("form", known.into_iter()), Some("from"));
        assert_eq!(nearest("colour", known.into_iter()), None);
        assert_eq!((distance("kitten", "sitting"), distance("", "abc")), (3, 3));
    }

    #[test]
    fn numbers_are_exact() {
        let parse = |text: &str| {
            let table = toml::de::DeTable::parse(text).unwrap();
            number(table.get_ref().get("x").unwrap().get_ref())
        };
        assert_eq!(parse("x = 0.079").unwrap().to_string(), "0.079");
        assert_eq!(parse("x = 7.9e-2").unwrap().to_string(), "0.079");
        assert_eq!(parse("x = 0x10").unwrap().to_string(), "16");
        assert_eq!((parse("x = nan"), parse("x = inf"), parse("x = 1e300")), (None, None, None));
    }
}
