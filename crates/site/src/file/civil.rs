//! Days, dates and times as a manager writes them. Not here: what a time zone makes of them.

use jiff::Timestamp;
use jiff::civil::{Date, Time, Weekday};
use toml::de::DeValue;

/// What a time should look like.
pub(crate) const TIME: &str = "a time from \"00:00\" to \"24:00\"";
/// What a date should look like.
pub(crate) const DATE: &str = "a date such as 2022-10-25";
/// What an instant should look like.
pub(crate) const INSTANT: &str = "an instant with its offset, such as 2022-10-03T08:00:00+06:00";
/// What days should look like.
pub(crate) const DAYS: &str =
    "days: \"every day\", \"workdays\", \"weekend\", or a list such as [\"monday\", \"friday\"]";

/// The days of the week from Monday.
const WEEK: [(&str, Weekday); 7] = [
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("saturday", Weekday::Saturday),
    ("sunday", Weekday::Sunday),
];

/// A time, `"08:00"` or TOML's own `08:00:00`. `"24:00"` is midnight, as an end.
pub(crate) fn time(value: &DeValue<'_>) -> Option<Time> {
    if let Some(moment) = value.as_datetime() {
        let (None, Some(time), None) = (moment.date, moment.time, moment.offset) else { return None };
        let second = i8::try_from(time.second.unwrap_or(0)).ok()?;
        return Time::new(i8::try_from(time.hour).ok()?, i8::try_from(time.minute).ok()?, second, 0).ok();
    }
    let (hour, minute) = value.as_str()?.split_once(':')?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(hour) || !digits(minute) || !(1..=2).contains(&hour.len()) || minute.len() != 2 {
        return None;
    }
    let (hour, minute): (i8, i8) = (hour.parse().ok()?, minute.parse().ok()?);
    if (hour, minute) == (24, 0) { Some(Time::midnight()) } else { Time::new(hour, minute, 0, 0).ok() }
}

/// An instant, TOML's own or as text; without an offset it is none.
pub(crate) fn instant(value: &DeValue<'_>) -> Option<Timestamp> {
    match value.as_datetime() {
        Some(moment) => moment.to_string().parse().ok(),
        None => value.as_str()?.parse().ok(),
    }
}

/// A date, TOML's own or as text.
pub(crate) fn date(value: &DeValue<'_>) -> Option<Date> {
    if let Some(moment) = value.as_datetime() {
        let (Some(date), None) = (moment.date, moment.time) else { return None };
        let (month, day) = (i8::try_from(date.month).ok()?, i8::try_from(date.day).ok()?);
        return Date::new(i16::try_from(date.year).ok()?, month, day).ok();
    }
    value.as_str()?.parse().ok()
}

/// Some days of the week, in their order; one text or a list.
pub(crate) fn days(value: &DeValue<'_>) -> Option<Vec<Weekday>> {
    let mut chosen = Vec::new();
    match value.as_array() {
        Some(list) => {
            for item in list.iter() {
                chosen.extend(day_word(item.get_ref().as_str()?)?);
            }
        }
        None => chosen = day_word(value.as_str()?)?,
    }
    Some(WEEK.iter().map(|(_, day)| *day).filter(|day| chosen.contains(day)).collect())
}

fn day_word(word: &str) -> Option<Vec<Weekday>> {
    let word = word.trim().to_ascii_lowercase();
    let of = |range: core::ops::Range<usize>| Some(WEEK[range].iter().map(|(_, day)| *day).collect());
    match word.as_str() {
        "every day" | "everyday" | "daily" => of(0..7),
        "workdays" | "working days" | "weekdays" => of(0..5),
        "weekend" | "weekends" => of(5..7),
        _ => {
            let fits = |name: &str| name == word || (word.len() == 3 && name.starts_with(&word));
            WEEK.iter().find(|(name, _)| fits(name)).map(|(_, day)| vec![*day])
        }
    }
}
