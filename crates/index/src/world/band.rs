//! What the whole network draws, as an argument: gigawatts by month, lower, guess and upper.
//!
//! For: handing one estimate of the network to the functions that split it by country.
//! Not for: making that estimate.

use std::collections::BTreeMap;

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
    /// The mean over a period's months; `None` when one of them is missing.
    #[must_use]
    pub fn over(&self, period: Period) -> Option<Band> {
        let months: Option<Vec<Band>> = period.months().map(|month| self.gw.get(&month).copied()).collect();
        let months = months.filter(|months| !months.is_empty())?;
        let mean = |of: fn(&Band) -> f64| months.iter().map(of).sum::<f64>() / months.len() as f64;
        Some(Band { lower: mean(|b| b.lower), guess: mean(|b| b.guess), upper: mean(|b| b.upper) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
