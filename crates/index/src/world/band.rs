//! What the whole network draws, as an argument: gigawatts by month, lower, guess and upper.
//!
//! For: handing one estimate of the network to the functions that split it by country.
//! Not for: making that estimate.

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::electricity::{Assumption, Band, Series};

use super::month::{Month, Period};

/// The same value as lower bound, best guess and upper bound.
#[must_use]
pub const fn exactly(value: f64) -> Band {
    Band { lower: Some(value), guess: value, upper: value }
}

/// Gigawatts of the network by month, by one method.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NetworkLoad {
    /// The method, with its revision and price.
    pub method: String,
    /// From which inputs and up to which day it was computed.
    pub vintage: String,
    /// What the method takes for granted, carried into each result.
    pub assumptions: Vec<Assumption>,
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
        let (method, vintage) = (method.to_owned(), vintage.to_owned());
        Self { method, vintage, assumptions: Vec::new(), gw }
    }
    /// Monthly means of an electricity estimate, with its method, assumptions and inputs.
    #[must_use]
    pub fn from_series(series: &Series) -> Self {
        let of = &series.vintage;
        let vintage = format!(
            "network {} ({}), machines {} ({} models)",
            of.network_fingerprint,
            of.network_reach(),
            of.catalogue_fingerprint,
            of.catalogue_models
        );
        let days = series.rows.iter().map(|row| (row.date, row.gw));
        let load = Self::from_days(&series.method.label(), &vintage, days);
        Self { assumptions: series.method.assumptions(), ..load }
    }
    /// The mean over a period's months; `None` when one of them is missing.
    #[must_use]
    pub fn over(&self, period: Period) -> Option<Band> {
        let months: Option<Vec<Band>> = period.months().map(|month| self.gw.get(&month).copied()).collect();
        mean(&months?)
    }
}

fn mean<'a>(bands: impl IntoIterator<Item = &'a Band>) -> Option<Band> {
    let (mut sum, mut count) = (Band::ZERO, 0_u32);
    for band in bands {
        sum = sum.plus(*band);
        count += 1;
    }
    let over = |total: f64| total / f64::from(count);
    let mean = Band { lower: sum.lower.map(over), guess: over(sum.guess), upper: over(sum.upper) };
    (count > 0).then_some(mean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_needs_all_its_days() {
        let days = |from: i8, to: i8| {
            (from..=to).map(move |day| (jiff::civil::date(2021, 2, day), exactly(f64::from(day))))
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
            load.gw.insert(month, exactly(18.0 + at as f64));
        }
        assert_eq!(load.over(quarter), Some(exactly(19.0)));
    }
}
