//! What the whole network draws, as an argument: gigawatts by month, lower, guess and upper.
//!
//! For: handing one estimate of the network to the functions that split it by country.
//! Not for: making that estimate.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::month::{Month, Period};

/// A lower bound, a best guess and an upper bound of the same thing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Band {
    /// The lower bound.
    pub lower: f64,
    /// The best guess.
    pub guess: f64,
    /// The upper bound.
    pub upper: f64,
}

impl Band {
    /// The same value three times.
    #[must_use]
    pub const fn exactly(value: f64) -> Self {
        Self { lower: value, guess: value, upper: value }
    }
    /// All three times a factor.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        Self { lower: self.lower * factor, guess: self.guess * factor, upper: self.upper * factor }
    }
}

/// Gigawatts of the network by month, by one method.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NetworkLoad {
    /// The method, with its revision and price.
    pub method: String,
    /// From which inputs and up to which day it was computed.
    pub vintage: String,
    /// Mean gigawatts of each month.
    pub gw: BTreeMap<Month, Band>,
}

impl NetworkLoad {
    /// Monthly means of a daily series. A month in which a day is missing has no mean.
    #[must_use]
    pub fn from_days(method: &str, vintage: &str, days: impl IntoIterator<Item = (Date, Band)>) -> Self {
        let mut months: BTreeMap<Month, BTreeMap<Date, Band>> = BTreeMap::new();
        for (day, band) in days {
            if let Some(month) = Month::of(day) {
                months.entry(month).or_default().insert(day, band);
            }
        }
        let whole = |days: &BTreeMap<Date, Band>| {
            let last = days.keys().next().map(|day| day.days_in_month().unsigned_abs());
            last.map(usize::from) == Some(days.len())
        };
        let means = months.iter().filter(|(_, days)| whole(days));
        let gw = means.filter_map(|(month, days)| Some((*month, mean(days.values())?))).collect();
        Self { method: method.to_owned(), vintage: vintage.to_owned(), gw }
    }
    /// The mean over a period's months; `None` when one of them is missing.
    #[must_use]
    pub fn over(&self, period: Period) -> Option<Band> {
        let months: Option<Vec<Band>> = period.months().map(|month| self.gw.get(&month).copied()).collect();
        mean(&months?)
    }
}

fn mean<'a>(bands: impl IntoIterator<Item = &'a Band>) -> Option<Band> {
    let (mut sum, mut count) = (Band::default(), 0_u32);
    for band in bands {
        sum.lower += band.lower;
        sum.guess += band.guess;
        sum.upper += band.upper;
        count += 1;
    }
    let over = |total: f64| total / f64::from(count);
    let mean = Band { lower: over(sum.lower), guess: over(sum.guess), upper: over(sum.upper) };
    (count > 0).then_some(mean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_needs_all_its_days() {
        let days = |from: i8, to: i8| {
            (from..=to).map(move |day| (jiff::civil::date(2021, 2, day), Band::exactly(f64::from(day))))
        };
        let february = Month::new(2021, 2).unwrap();
        let whole = NetworkLoad::from_days("given", "test", days(1, 28));
        assert!((whole.gw[&february].guess - 14.5).abs() < 1e-12);
        assert!(NetworkLoad::from_days("given", "test", days(1, 27)).gw.is_empty());
    }

    #[test]
    fn a_quarter_needs_all_its_months() {
        let mut load = NetworkLoad::default();
        let quarter: Period = "2025-Q2".parse().unwrap();
        for (at, month) in quarter.months().enumerate() {
            assert_eq!(load.over(quarter), None);
            load.gw.insert(month, Band::exactly(18.0 + at as f64));
        }
        assert_eq!(load.over(quarter), Some(Band::exactly(19.0)));
    }
}
