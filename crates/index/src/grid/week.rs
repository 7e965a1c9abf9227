//! Hours of the week in which something runs.
//!
//! For: windows such as midnight to 8 and weekends, written `00-08, weekend`.
//! Not for: holidays, half hours and time zones; hours are those of the demand shape's civil time.

use std::fmt;
use std::str::FromStr;

/// Hours of the week, Monday to Sunday, 0 to 23.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeekHours([u32; 7]);

/// A text that is no window.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no window: expected terms such as `00-08`, `weekend`, `mon-fri 22-24`, `sat`, `always`")]
pub struct WeekHoursError(pub String);

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const ALL_DAY: u32 = (1 << 24) - 1;

impl WeekHours {
    /// Every hour.
    #[must_use]
    pub const fn always() -> Self {
        Self([ALL_DAY; 7])
    }
    /// None.
    #[must_use]
    pub const fn never() -> Self {
        Self([0; 7])
    }
    /// Whether an hour (0 to 23) of a day (0 is Monday) is in it.
    #[must_use]
    pub fn contains(self, day: usize, hour: usize) -> bool {
        hour < 24 && self.0.get(day).is_some_and(|hours| hours >> hour & 1 == 1)
    }
    /// How many hours of the 168.
    #[must_use]
    pub fn count(self) -> u32 {
        self.0.iter().map(|hours| hours.count_ones()).sum()
    }
    fn add(&mut self, days: impl Iterator<Item = usize>, hours: u32) {
        for day in days {
            self.0[day] |= hours;
        }
    }
}

fn days(text: &str) -> Option<Vec<usize>> {
    let day = |name: &str| DAYS.iter().position(|known| *known == name);
    match text {
        "weekend" => Some(vec![5, 6]),
        "weekdays" => Some((0..5).collect()),
        _ => match text.split_once('-') {
            None => day(text).map(|day| vec![day]),
            Some((from, to)) => {
                let (from, to) = (day(from)?, day(to)?);
                // Past Sunday it goes on with Monday.
                Some((from..=if to < from { to + 7 } else { to }).map(|day| day % 7).collect())
            }
        },
    }
}

fn hours(text: &str) -> Option<(u32, u32)> {
    let (from, to) = text.split_once('-')?;
    let number = |text: &str| {
        let digits = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u32>().ok().filter(|_| digits)
    };
    let (from, to) = (number(from)?, number(to)?);
    (from < 24 && to <= 24 && from != to).then_some((from, to))
}

impl FromStr for WeekHours {
    type Err = WeekHoursError;
    /// Terms parted by commas, joined: days (`sat`, `mon-fri`, `weekend`, `weekdays`), hours (`00-08`,
    /// `22-06` past midnight into the next day) or both (`mon-fri 09-17`); `always` and `never`.
    fn from_str(text: &str) -> Result<Self, WeekHoursError> {
        let error = || WeekHoursError(text.to_owned());
        let lower = text.to_ascii_lowercase();
        let mut found = Self::never();
        for term in lower.split(',') {
            let words: Vec<&str> = term.split_whitespace().collect();
            let (on, span) = match words[..] {
                ["always"] => ((0..7).collect(), (0, 24)),
                ["never"] => continue,
                [one] => match (days(one), hours(one)) {
                    (Some(days), _) => (days, (0, 24)),
                    (None, Some(span)) => ((0..7).collect(), span),
                    (None, None) => return Err(error()),
                },
                [on, span] => (days(on).ok_or_else(error)?, hours(span).ok_or_else(error)?),
                _ => return Err(error()),
            };
            let (from, to) = span;
            let mask = |from: u32, to: u32| (from..to).fold(0, |mask, hour| mask | 1 << hour);
            if from < to {
                found.add(on.into_iter(), mask(from, to));
            } else {
                found.add(on.iter().copied(), mask(from, 24));
                found.add(on.iter().map(|day| (day + 1) % 7), mask(0, to));
            }
        }
        Ok(found)
    }
}

impl fmt::Display for WeekHours {
    /// Terms that read back, a day each.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::always() {
            return out.write_str("always");
        }
        let mut terms = Vec::new();
        for (day, name) in DAYS.iter().enumerate() {
            let mut hour = 0;
            while hour < 24 {
                let from = hour;
                while hour < 24 && self.contains(day, hour) {
                    hour += 1;
                }
                if hour > from {
                    terms.push(format!("{name} {from:02}-{hour:02}"));
                }
                hour += 1;
            }
        }
        if terms.is_empty() { out.write_str("never") } else { out.write_str(&terms.join(", ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_storys_window_leaves_88_of_168_hours() {
        let window: WeekHours = "00-08, weekend".parse().unwrap();
        assert_eq!(window.count(), 88);
        assert!(window.contains(0, 7) && !window.contains(0, 8) && window.contains(6, 23));
        assert_eq!(window.to_string().parse(), Ok(window));
    }

    #[test]
    fn windows_past_midnight_and_past_sunday() {
        let night: WeekHours = "fri 22-06".parse().unwrap();
        assert!(night.contains(4, 23) && night.contains(5, 5) && !night.contains(4, 5) && night.count() == 8);
        assert_eq!("sat-mon".parse::<WeekHours>().unwrap().count(), 72);
        assert_eq!("always".parse(), Ok(WeekHours::always()));
        assert_eq!("never".parse::<WeekHours>().unwrap().to_string(), "never");
        for text in ["", "08", "8-8", "24-01", "noon", "mon 08", "00-25", "mon 0-8 x", "+0-8", "00-08,"] {
            assert!(text.parse::<WeekHours>().is_err(), "{text}");
        }
    }
}
