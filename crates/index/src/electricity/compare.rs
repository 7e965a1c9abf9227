//! Methods and revisions side by side on a day.
//!
//! For: showing how far they lie apart. Not for: a mean of them; they answer different questions, and a
//! mean would hide that.

use jiff::civil::Date;

use super::series::{Row, Series};

/// What one method says of a day.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// The method with its revision.
    pub label: String,
    /// Its row, where it has one for that day.
    pub row: Option<Row>,
}

/// What several methods say of the same day.
#[derive(Clone, Debug, PartialEq)]
pub struct SideBySide {
    /// The day.
    pub date: Date,
    /// In the order they were given.
    pub estimates: Vec<Estimate>,
}

impl SideBySide {
    /// The lowest and the highest best guess in terawatt-hours a year, where there are any.
    #[must_use]
    pub fn guess_span_twh(&self) -> Option<(f64, f64)> {
        self.estimates.iter().filter_map(|one| one.row).map(|row| row.twh.guess).fold(None, |span, guess| {
            let (least, most) = span.unwrap_or((guess, guess));
            Some((guess.min(least), guess.max(most)))
        })
    }
}

/// What each of these series says of a day.
#[must_use]
pub fn side_by_side(date: Date, series: &[Series]) -> SideBySide {
    let estimates =
        series.iter().map(|one| Estimate { label: one.method.label(), row: one.on(date).copied() }).collect();
    SideBySide { date, estimates }
}
