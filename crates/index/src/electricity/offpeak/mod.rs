//! Our own estimate: what Cambridge and Digiconomist leave out, with a band.
//!
//! For: power prices that differ by region and time, machines that die of age by a survival law and not
//! at a cliff, off-grid power, sleepers of curtailed load, overhead by cooling; and a band from drawing
//! all of that many times within stated spreads. The seed is an assumption like any other, so that the
//! same seed gives the same band.
//! Not for: precision. No survey covers all years; each row of data says what is an estimate.

mod draw;
mod fleet;
mod regions;

pub use regions::Region;

use super::assumption::{self, Assumption, AssumptionError, Field};
use super::series::{Band, EarningDay, Row, earning_days, mean_gw};
use crate::hardware::Model;
use crate::network::NetworkDay;
use draw::Draw;
use fleet::{Parameters, month_number};

/// Our method with its assumptions.
#[derive(Clone, Debug, PartialEq)]
pub struct Offpeak {
    /// Scale of the Weibull survival law, years.
    pub survival_scale_years: f64,
    /// Shape of the Weibull survival law.
    pub survival_shape: f64,
    /// Months from a model's release to its first machines running.
    pub delivery_months: f64,
    /// Months during which a model is bought.
    pub sale_months: f64,
    /// Facility power over machine power, air.
    pub pue_air: f64,
    /// Facility power over machine power, water on the chips.
    pub pue_hydro: f64,
    /// Facility power over machine power, immersed.
    pub pue_immersion: f64,
    /// Part of machine-hours that are curtailed: asleep, waiting for cheaper power or on an order.
    pub curtailed_share: f64,
    /// What a sleeping machine draws, as a part of what it draws running.
    pub standby_share: f64,
    /// Days over which the result is averaged.
    pub mean_days: f64,
    /// Spread of all prices together, either way.
    pub price_spread: f64,
    /// Spread of machine power against the datasheet, either way.
    pub power_spread: f64,
    /// Spread of the overhead above one, either way.
    pub pue_spread: f64,
    /// Spread of the survival scale, either way.
    pub survival_spread: f64,
    /// Spread of the months on sale, either way.
    pub sale_spread: f64,
    /// How many times all of that is drawn.
    pub draws: f64,
    /// The seed of the draws.
    pub seed: f64,
    /// Which quantile of the draws the lower bound is.
    pub quantile_lower: f64,
    /// Which quantile of the draws the upper bound is.
    pub quantile_upper: f64,
    /// Power prices by region and time.
    pub regions: Vec<Region>,
}

impl Default for Offpeak {
    fn default() -> Self {
        Self {
            survival_scale_years: 7.75,
            survival_shape: 1.5,
            delivery_months: 2.0,
            sale_months: 18.0,
            pue_air: 1.10,
            pue_hydro: 1.05,
            pue_immersion: 1.04,
            curtailed_share: 0.01,
            standby_share: 0.01,
            mean_days: 7.0,
            price_spread: 0.25,
            power_spread: 0.05,
            pue_spread: 0.6,
            survival_spread: 0.3,
            sale_spread: 0.4,
            draws: 200.0,
            seed: 1.0,
            quantile_lower: 0.05,
            quantile_upper: 0.95,
            regions: regions::defaults(),
        }
    }
}

/// A field of [`Offpeak`] in one line.
macro_rules! field {
    ($name:ident, $unit:literal, $least:literal ..= $most:literal, $whole:literal, $source:literal) => {
        Field {
            key: stringify!($name),
            unit: $unit,
            source: $source,
            range: ($least, $most),
            whole: $whole,
            get: |method| method.$name,
            set: |method, value| method.$name = value,
        }
    };
}

const FIELDS: &[Field<Offpeak>] = &[
    field!(
        survival_scale_years,
        "years",
        0.1..=100.0,
        false,
        "a mean life of 7 years (Soluna, 2022: 7 years on average); 7.75 is that mean over gamma(1 + 1 / 1.5)"
    ),
    field!(
        survival_shape,
        "1",
        0.2..=20.0,
        false,
        "with the scale of 7.75 years, 4.5 % fail in the first year (Soluna, 2022: 3 to 5 % a year)"
    ),
    field!(
        delivery_months,
        "months",
        0.0..=24.0,
        true,
        "as in CBECI from revision 1.4 on: two calendar months"
    ),
    field!(
        sale_months,
        "months",
        1.0..=120.0,
        true,
        "an estimate: makers replaced their leading model every one to two years (S9 to S23)"
    ),
    field!(
        pue_air,
        "1",
        1.0..=3.0,
        false,
        "CBECI's best guess; a range of 1.1 to 1.5 is reported for halls with fans (D-Central, 2025)"
    ),
    field!(
        pue_hydro,
        "1",
        1.0..=3.0,
        false,
        "an estimate between air and immersion: pumps and dry coolers; containers are quoted at 1.05 (Drolin, 2026)"
    ),
    field!(
        pue_immersion,
        "1",
        1.0..=3.0,
        false,
        "1.03 measured at a mine in Texas (Green Revolution Cooling, 2025), 1.03 to 1.10 reported (D-Central, 2025)"
    ),
    field!(
        curtailed_share,
        "1",
        0.0..=0.9,
        false,
        "an estimate: curtailment of listed miners, about one part in a hundred of all machine-hours"
    ),
    field!(
        standby_share,
        "1",
        0.0..=1.0,
        false,
        "25 to 35 W asleep of 3,300 W running, as in the site's hardware catalogue"
    ),
    field!(mean_days, "days", 1.0..=1000.0, true, "as Cambridge publishes"),
    field!(price_spread, "1", 0.0..=0.9, false, "an estimate: surveys of one year differ by a quarter"),
    field!(
        power_spread,
        "1",
        0.0..=0.9,
        false,
        "datasheets allow 5 % on power (Bitmain, S19 Pro: 3,250 W within 5 %); firmware tunes both ways"
    ),
    field!(pue_spread, "1", 0.0..=1.0, false, "spans CBECI's 1.04 to 1.16 around its best guess of 1.10"),
    field!(survival_spread, "1", 0.0..=0.9, false, "an estimate: lives of 5 to 10 years are reported"),
    field!(sale_spread, "1", 0.0..=0.9, false, "an estimate: from under one year to over two"),
    field!(draws, "draws", 1.0..=10000.0, true, "enough for quantiles of 5 and 95 %"),
    field!(seed, "1", 0.0..=9007199254740991.0, true, "any; the same seed gives the same band"),
    field!(quantile_lower, "1", 0.0..=0.5, false, "a band that nine of ten draws fall into"),
    field!(quantile_upper, "1", 0.5..=1.0, false, "a band that nine of ten draws fall into"),
];

/// The numbers of a region, as the last part of their keys.
const REGION_NUMBERS: [(&str, &str); 4] =
    [("share", "1"), ("low", "USD/kWh"), ("typical", "USD/kWh"), ("high", "USD/kWh")];

impl Offpeak {
    /// The name in files and on the command line.
    pub const NAME: &'static str = "offpeak";

    pub(crate) fn assumptions(&self) -> Vec<Assumption> {
        let defaults = regions::defaults();
        let mut list = assumption::describe(FIELDS, self);
        for (at, region) in self.regions.iter().enumerate() {
            let default = defaults.get(at).unwrap_or(region);
            let numbers = |of: &Region| [of.share, of.low, of.typical, of.high];
            for (((number, unit), now), before) in
                REGION_NUMBERS.into_iter().zip(numbers(region)).zip(numbers(default))
            {
                list.push(Assumption {
                    key: format!("{}.{}.{number}", region.name, region.from),
                    value: now.to_string(),
                    default: before.to_string(),
                    unit,
                    source: region.source.to_owned(),
                });
            }
        }
        list
    }

    pub(crate) fn set(&mut self, key: &str, value: &str) -> Result<(), AssumptionError> {
        if let Some(result) = assumption::set(FIELDS, self, key, value) {
            return result;
        }
        let unknown = || AssumptionError::Unknown { key: key.to_owned(), method: Self::NAME };
        let (row, number) = key.rsplit_once('.').ok_or_else(unknown)?;
        let region = self
            .regions
            .iter_mut()
            .find(|region| row == format!("{}.{}", region.name, region.from))
            .ok_or_else(unknown)?;
        let target = match number {
            "share" => &mut region.share,
            "low" => &mut region.low,
            "typical" => &mut region.typical,
            "high" => &mut region.high,
            _ => return Err(unknown()),
        };
        let range = if number == "share" { (0.0, 1.0) } else { (0.0, 10.0) };
        *target = assumption::number(key, value, range, false)?;
        Ok(())
    }

    /// The daily rows; days before any machine pays have none.
    #[must_use]
    pub fn rows(&self, network: &[NetworkDay], catalogue: &[Model]) -> Vec<Row> {
        let days = earning_days(network);
        let months = fleet::months(&days, &self.regions);
        let Some(first) = months.first().map(|month| month.number) else { return Vec::new() };
        let monthly = self.monthly_band(&months, catalogue);
        let sleepers = 1.0 + self.standby_share * self.curtailed_share / (1.0 - self.curtailed_share);
        let mut daily = Vec::with_capacity(days.len());
        let mut rows = Vec::with_capacity(days.len());
        for day in &days {
            let Some(joules) = between_months(&monthly, first, day) else { continue };
            daily.push(joules.times(day.hash_rate_ths / 1e9 * sleepers));
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 1,000")]
            let gw = mean_gw(&daily, self.mean_days as usize, daily.len() - 1);
            rows.push(Row::from_gw(day.date, gw));
        }
        rows
    }

    /// Joules a terahash by month: quantiles over all draws, none where a draw has none.
    fn monthly_band(&self, months: &[fleet::Month], catalogue: &[Model]) -> Vec<Option<Band>> {
        let kinds = fleet::kinds(catalogue);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, within range")]
        let (mut draw, draws) = (Draw::new(self.seed as u64), self.draws as usize);
        let mut by_month: Vec<Vec<f64>> = vec![Vec::with_capacity(draws); months.len()];
        for _ in 0..draws {
            let drawn = Parameters::draw(self, &mut draw);
            for (month, joules) in fleet::joules_per_terahash(&kinds, months, &drawn).into_iter().enumerate()
            {
                by_month[month].extend(joules);
            }
        }
        by_month
            .into_iter()
            .map(|mut drawn| {
                drawn.sort_by(f64::total_cmp);
                (drawn.len() == draws).then(|| Band {
                    lower: Some(quantile(&drawn, self.quantile_lower)),
                    guess: quantile(&drawn, 0.5),
                    upper: quantile(&drawn, self.quantile_upper),
                })
            })
            .collect()
    }
}

/// A quantile of sorted values, on a straight line between neighbours.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a place in a list"
)]
fn quantile(sorted: &[f64], part: f64) -> f64 {
    let place = part * (sorted.len() - 1) as f64;
    let below = sorted[place.floor() as usize];
    let above = sorted[place.ceil() as usize];
    below + (above - below) * place.fract()
}

/// A day's value on the straight line between the middles of its month and the next or the last one.
fn between_months(monthly: &[Option<Band>], first: i32, day: &EarningDay) -> Option<Band> {
    let at = usize::try_from(month_number(day.date) - first).ok()?;
    let here = (*monthly.get(at)?)?;
    let from_middle = (f64::from(day.date.day()) - 0.5) / f64::from(day.date.days_in_month()) - 0.5;
    let neighbour = if from_middle < 0.0 { at.checked_sub(1) } else { Some(at + 1) };
    let other = neighbour.and_then(|at| monthly.get(at).copied().flatten()).unwrap_or(here);
    let weight = from_middle.abs();
    Some(here.times(1.0 - weight).plus(other.times(weight)))
}
