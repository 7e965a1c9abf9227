//! A grid's year by the hour: demand, what is generated at home, and what could be.
//!
//! For: the base of a what-if. Demand follows a shape; generation at home is taken to follow demand on a
//! straight line, so that its sum is the year's and its value in the hour of the highest load is the
//! published one. The rest is exchanged with neighbours.
//! Not for: units, reserves by kind, losses on lines, or zones: the country is one node.

use crate::world::assumption::{given_number, given_text};
use crate::world::{Assumption, CountryCode};

use super::book::{Balance, PeakUse};
use super::shape::{DemandShape, HourOf, ShapeError, hours_of, scale, whole};

/// What can be generated at home. Nothing is published by the hour; the first two bracket it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Capacity {
    /// In every hour what is generated in it: no plant has room, and any more load is imported.
    NoSpare,
    /// In every hour what was generated in the hour of the highest load: too much for the summer, when
    /// units are under repair.
    AsAtPeak,
    /// MW in each month; in an hour that generates more, what is generated.
    Months([f64; 12]),
}

/// What a year by the hour is made from.
#[derive(Clone, Debug, PartialEq)]
pub struct GridInputs<'a> {
    /// Generation and demand of the year.
    pub balance: &'a Balance,
    /// Highest load, and generation in that hour.
    pub peak: &'a PeakUse,
    /// The shape of demand.
    pub shape: &'a DemandShape,
    /// What can be generated at home.
    pub capacity: Capacity,
    /// MW that neighbours can deliver; `None` is without limit.
    pub import_limit_mw: Option<f64>,
}

/// A grid's year by the hour, in whole kilowatts.
#[derive(Clone, Debug, PartialEq)]
pub struct GridYear {
    /// The country.
    pub country: CountryCode,
    /// The year.
    pub year: i16,
    pub(super) hours: Vec<HourOf>,
    pub(super) demand_kw: Vec<i64>,
    pub(super) generation_kw: Vec<i64>,
    pub(super) capacity_kw: Vec<i64>,
    pub(super) import_limit_kw: Option<i64>,
    /// How far the shape had to be stretched; near 1 it fits.
    pub stretch: f64,
    /// From what it was made.
    pub assumptions: Vec<Assumption>,
}

/// Why there is no year by the hour.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum GridYearError {
    /// Demand cannot be given this shape.
    #[error("demand: {0}")]
    Demand(#[source] ShapeError),
    /// Generation cannot follow demand to these figures.
    #[error("generation cannot follow demand: mean {mean_mw:.0} MW, at the highest load {peak_mw:.0} MW")]
    Generation {
        /// Generation over hours.
        mean_mw: f64,
        /// Generation at the highest load.
        peak_mw: f64,
    },
    /// An amount that is below zero, not finite or larger than any grid.
    #[error("{what} of {value} is no amount of a grid")]
    Amount {
        /// Which.
        what: &'static str,
        /// As given.
        value: f64,
    },
}

/// More than the world draws: 100 TW in kilowatts.
const MOST_KW: f64 = 1e11;

/// Whole kilowatts or kilowatt-hours from an amount.
pub(super) fn kilo(what: &'static str, value: f64, per_unit: f64, most: f64) -> Result<i64, GridYearError> {
    let kilo = value * per_unit;
    if kilo.is_finite() && (0.0..=most).contains(&kilo) {
        Ok(kilo.round() as i64)
    } else {
        Err(GridYearError::Amount { what, value })
    }
}

impl GridYear {
    /// Builds the hours.
    ///
    /// # Errors
    /// [`GridYearError`] where the figures contradict each other or the shape.
    pub fn build(inputs: &GridInputs<'_>) -> Result<Self, GridYearError> {
        let GridInputs { balance, peak, shape, .. } = *inputs;
        let energy = |what, twh| kilo(what, twh, 1e9, MOST_KW * 8_784.0);
        let power = |what, mw| kilo(what, mw, 1e3, MOST_KW);
        let relative = shape.relative(balance.year).map_err(GridYearError::Demand)?;
        let hours = hours_of(balance.year).map_err(GridYearError::Demand)?;
        let peak_kw = power("highest load", peak.load_mw)?;
        let (demand_kw, stretch) = scale(&relative, energy("demand", balance.demand_twh)?, peak_kw)
            .map_err(GridYearError::Demand)?;
        let at_peak = power("generation at the highest load", peak.generation_mw)?;
        let generation = energy("generation", balance.generation_twh)?;
        let generation_kw = follow(&demand_kw, peak_kw, generation, at_peak)?;
        let capacity_kw = capacity(inputs.capacity, &hours, &generation_kw, at_peak)?;
        let import_limit_kw = inputs.import_limit_mw.map(|mw| power("import limit", mw)).transpose()?;
        let assumptions = assumptions(inputs, stretch);
        let (country, year) = (balance.country, balance.year);
        Ok(Self {
            country,
            year,
            hours,
            demand_kw,
            generation_kw,
            capacity_kw,
            import_limit_kw,
            stretch,
            assumptions,
        })
    }
}

fn capacity(
    rule: Capacity,
    hours: &[HourOf],
    generation: &[i64],
    at_peak: i64,
) -> Result<Vec<i64>, GridYearError> {
    let mut months = [at_peak; 12];
    match rule {
        Capacity::NoSpare => return Ok(generation.to_vec()),
        Capacity::AsAtPeak => {}
        Capacity::Months(mw) => {
            for (kw, mw) in months.iter_mut().zip(mw) {
                *kw = kilo("capacity", mw, 1e3, MOST_KW)?;
            }
        }
    }
    Ok(hours.iter().zip(generation).map(|(hour, kw)| months[hour.month()].max(*kw)).collect())
}

/// Generation on a straight line with demand: its sum and its value at the highest load are given.
fn follow(demand: &[i64], peak: i64, sum: i64, at_peak: i64) -> Result<Vec<i64>, GridYearError> {
    let hours = demand.len() as f64;
    let mean = sum as f64 / hours;
    let error = || GridYearError::Generation { mean_mw: mean / 1e3, peak_mw: at_peak as f64 / 1e3 };
    let below_peak = peak as f64 - demand.iter().sum::<i64>() as f64 / hours;
    let slope = if below_peak > 0.0 { (at_peak as f64 - mean) / below_peak } else { 0.0 };
    if slope < 0.0 {
        return Err(error());
    }
    let line: Vec<f64> = demand.iter().map(|kw| at_peak as f64 - slope * (peak - kw) as f64).collect();
    if line.iter().any(|kw| *kw < 0.0) {
        return Err(error());
    }
    whole(&line, sum, at_peak).ok_or_else(error)
}

fn assumptions(inputs: &GridInputs<'_>, stretch: f64) -> Vec<Assumption> {
    let GridInputs { balance, peak, shape, .. } = inputs;
    let source = format!("{}, {}", balance.source, balance.year);
    let mut list = vec![
        given_text("country", balance.country.code(), "argument"),
        given_number("year", f64::from(balance.year), "1", "argument"),
        given_number("demand", balance.demand_twh, "TWh", source.clone()),
        given_number("generation", balance.generation_twh, "TWh", source),
        given_text("demand_shape", shape.name.clone(), shape.source.clone()),
        given_number("demand_shape_stretch", stretch, "1", "computed: near 1 the shape fits the year"),
        given_text("generation_by_hour", "on a straight line with demand", "a rule of our own"),
    ];
    list.extend(peak.assumptions());
    match inputs.capacity {
        Capacity::NoSpare => {
            let source = "the lower bracket: any more load is imported";
            list.push(given_text("home_capacity", "what is generated in each hour", source));
        }
        Capacity::AsAtPeak => {
            let source = "the upper bracket: generation in the hour of the highest load, for all hours; too \
                          much for the summer, when units are under repair";
            list.push(given_number("home_capacity", peak.generation_mw, "MW", source));
        }
        Capacity::Months(months) => {
            for (at, mw) in months.iter().enumerate() {
                let key = format!("home_capacity_month_{}", at + 1);
                list.push(given_number(&key, *mw, "MW", "argument"));
            }
        }
    }
    list.push(match inputs.import_limit_mw {
        None => given_text("import_limit", "none", "no figure of what neighbours can deliver"),
        Some(mw) => given_number("import_limit", mw, "MW", "argument"),
    });
    list
}
