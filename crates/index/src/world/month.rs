//! Months and runs of months, as published tables name them.
//!
//! For: `2021-08`, `2025-Q2`, `2021` and the first day of a month (`2021-08-01`).
//! Not for: days and times.

use std::fmt;
use std::str::FromStr;

/// A calendar month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    year: i16,
    month: u8,
}

/// A text that names no month or period.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no month: expected YYYY-MM, YYYY-Qn or YYYY")]
pub struct MonthError(pub String);

impl Month {
    /// Month 1 to 12 of a year 1 to 9999.
    #[must_use]
    pub fn new(year: i16, month: u8) -> Option<Self> {
        ((1..=9999).contains(&year) && (1..=12).contains(&month)).then_some(Self { year, month })
    }
    /// The year.
    #[must_use]
    pub const fn year(self) -> i16 {
        self.year
    }
    /// 1 to 12.
    #[must_use]
    pub const fn month(self) -> u8 {
        self.month
    }
    /// The month after; `None` after December 9999.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        if self.month < 12 { Self::new(self.year, self.month + 1) } else { Self::new(self.year + 1, 1) }
    }
    /// The month in which a day lies.
    #[must_use]
    pub fn of(date: jiff::civil::Date) -> Option<Self> {
        Self::new(date.year(), u8::try_from(date.month()).ok()?)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:04}-{:02}", self.year, self.month)
    }
}

impl FromStr for Month {
    type Err = MonthError;
    /// `2021-08`, or the first day of a month.
    fn from_str(text: &str) -> Result<Self, MonthError> {
        let error = || MonthError(text.to_owned());
        let month = text.strip_suffix("-01").filter(|rest| rest.len() == 7).unwrap_or(text);
        let (year, month) = month.split_once('-').ok_or_else(error)?;
        if year.len() != 4
            || month.len() != 2
            || !(year.to_owned() + month).bytes().all(|b| b.is_ascii_digit())
        {
            return Err(error());
        }
        let year = year.parse().map_err(|_| error())?;
        Self::new(year, month.parse().map_err(|_| error())?).ok_or_else(error)
    }
}

/// A month, a quarter or a year: what a published figure is a mean of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period {
    first: Month,
    months: u8,
}

impl Period {
    /// One month.
    #[must_use]
    pub const fn month(month: Month) -> Self {
        Self { first: month, months: 1 }
    }
    /// Its first month.
    #[must_use]
    pub const fn first(self) -> Month {
        self.first
    }
    /// 1, 3 or 12.
    #[must_use]
    pub const fn length_months(self) -> u8 {
        self.months
    }
    /// Its months in order.
    pub fn months(self) -> impl Iterator<Item = Month> {
        std::iter::successors(Some(self.first), |month| month.next()).take(usize::from(self.months))
    }
}

impl From<Month> for Period {
    fn from(month: Month) -> Self {
        Self::month(month)
    }
}

impl fmt::Display for Period {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.months {
            12 => write!(out, "{:04}", self.first.year),
            3 => write!(out, "{:04}-Q{}", self.first.year, self.first.month.div_ceil(3)),
            _ => self.first.fmt(out),
        }
    }
}

impl FromStr for Period {
    type Err = MonthError;
    fn from_str(text: &str) -> Result<Self, MonthError> {
        let error = || MonthError(text.to_owned());
        let run = |year: &str, month: u8, months: u8| {
            let digits = year.len() == 4 && year.bytes().all(|b| b.is_ascii_digit());
            let year = year.parse().ok().filter(|_| digits);
            let first = year.and_then(|year| Month::new(year, month)).ok_or_else(error)?;
            Ok(Self { first, months })
        };
        if let Some((year, quarter)) = text.split_once("-Q") {
            return match quarter {
                "1" => run(year, 1, 3),
                "2" => run(year, 4, 3),
                "3" => run(year, 7, 3),
                "4" => run(year, 10, 3),
                _ => Err(error()),
            };
        }
        if text.contains('-') { text.parse().map(Self::month) } else { run(text, 1, 12) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_read_back_as_written() {
        for text in ["2021-08", "2025-Q2", "2022-Q4", "2021"] {
            assert_eq!(text.parse::<Period>().unwrap().to_string(), text);
        }
        assert_eq!("2021-08-01".parse::<Period>().unwrap().to_string(), "2021-08");
        let quarter: Period = "2025-Q2".parse().unwrap();
        assert_eq!(
            quarter.months().map(|m| m.to_string()).collect::<Vec<_>>(),
            ["2025-04", "2025-05", "2025-06"]
        );
        let year: Period = "2021".parse().unwrap();
        assert_eq!(year.months().last().unwrap().to_string(), "2021-12");
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "-",
            "2021-13",
            "2021-00",
            "21-08",
            "2021-8",
            "2021-08-02",
            "2021-Q5",
            "0000",
            "+021-08",
            "2021-+1",
            "é021-08",
        ] {
            assert!(text.parse::<Period>().is_err(), "{text}");
        }
    }
}
