//! Digiconomist's top-down method: a share of what miners earn goes to the power company.
//!
//! For: its estimate, its minimum, and the emissions and water that its page implies.
//! Not for: an exact copy of its daily figures. Its page changed the averaging window several times
//! without saying by how much; here one window is used throughout, and stated.
//!
//! Sources: Digiconomist, Bitcoin Energy Consumption Index (digiconomist.net/bitcoin-energy-consumption)
//! with its "Bitcoin Electricity Consumption: An Economic Approach"; A. de Vries, "Bitcoin's Growing
//! Energy Problem", Joule 2, 2018.

use jiff::civil::{Date, date};

use super::assumption::{self, Assumption, AssumptionError, Field};
use super::series::{Band, Row, earning_days, trailing_means};
use crate::network::NetworkDay;

/// Digiconomist's method with its assumptions.
#[derive(Clone, Debug, PartialEq)]
pub struct Digiconomist {
    /// The part of revenue that is spent on power.
    pub share_of_revenue: f64,
    /// What all miners pay, in US dollars a kilowatt-hour.
    pub price_usd_per_kwh: f64,
    /// Days over which revenue is averaged.
    pub window_days: usize,
    /// Days of recent revenue that must cover the power before the estimate may fall; 0 lets it fall
    /// with the average.
    pub hold_days: usize,
    /// The part of revenue behind the upper figure; the page publishes none.
    pub upper_share: f64,
    /// Days over which the hash rate of the minimum is averaged.
    pub minimum_mean_days: usize,
    /// Days over which the minimum passes from one reference machine to the next.
    pub minimum_change_days: usize,
    /// Grams of CO2 a kilowatt-hour.
    pub emissions_g_per_kwh: f64,
    /// Litres of water a kilowatt-hour.
    pub water_l_per_kwh: f64,
}

impl Default for Digiconomist {
    fn default() -> Self {
        Self {
            share_of_revenue: 0.60,
            price_usd_per_kwh: 0.05,
            window_days: 365,
            hold_days: 30,
            upper_share: 1.0,
            minimum_mean_days: 7,
            minimum_change_days: 180,
            emissions_g_per_kwh: 557.8,
            water_l_per_kwh: 15.76,
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "whole numbers within the range of their field"
)]
const FIELDS: &[Field<Digiconomist>] = &[
    Field {
        key: "share_of_revenue",
        unit: "1",
        source: "Digiconomist, Bitcoin Energy Consumption Index: 60 % of revenue goes to electricity",
        range: (0.0, 1.0),
        whole: false,
        get: |method| method.share_of_revenue,
        set: |method, value| method.share_of_revenue = value,
    },
    Field {
        key: "price_usd_per_kwh",
        unit: "USD/kWh",
        source: "Digiconomist, final release of the index: 5 US cents",
        range: (1e-6, 10.0),
        whole: false,
        get: |method| method.price_usd_per_kwh,
        set: |method, value| method.price_usd_per_kwh = value,
    },
    Field {
        key: "window_days",
        unit: "days",
        source: "our choice: the page's own window varied (60 to 439 days by January 2018, M. Bevand, \"Serious faults in Digiconomist's index\")",
        range: (1.0, 3_000.0),
        whole: true,
        get: |method| method.window_days as f64,
        set: |method, value| method.window_days = value as usize,
    },
    Field {
        key: "hold_days",
        unit: "days",
        source: "Digiconomist, An Economic Approach: a machine once running is stopped only when it breaks or no longer pays; the 30 days are our choice",
        range: (0.0, 3_000.0),
        whole: true,
        get: |method| method.hold_days as f64,
        set: |method, value| method.hold_days = value as usize,
    },
    Field {
        key: "upper_share",
        unit: "1",
        source: "ours, for the column: above all of revenue miners as a whole would lose money; the page publishes no upper figure",
        range: (0.0, 3.0),
        whole: false,
        get: |method| method.upper_share,
        set: |method, value| method.upper_share = value,
    },
    Field {
        key: "minimum_mean_days",
        unit: "days",
        source: "our choice, after its daily minimum of 2018",
        range: (1.0, 3_000.0),
        whole: true,
        get: |method| method.minimum_mean_days as f64,
        set: |method, value| method.minimum_mean_days = value as usize,
    },
    Field {
        key: "minimum_change_days",
        unit: "days",
        source: "Digiconomist, footnote on the minimum: a rolling average of 180 days",
        range: (1.0, 3_000.0),
        whole: true,
        get: |method| method.minimum_change_days as f64,
        set: |method, value| method.minimum_change_days = value as usize,
    },
    Field {
        key: "emissions_g_per_kwh",
        unit: "gCO2/kWh",
        source: "implied by the emissions and electricity on Digiconomist's page",
        range: (0.0, 2_000.0),
        whole: false,
        get: |method| method.emissions_g_per_kwh,
        set: |method, value| method.emissions_g_per_kwh = value,
    },
    Field {
        key: "water_l_per_kwh",
        unit: "L/kWh",
        source: "implied by the water and electricity on Digiconomist's page",
        range: (0.0, 1_000.0),
        whole: false,
        get: |method| method.water_l_per_kwh,
        set: |method, value| method.water_l_per_kwh = value,
    },
];

/// The reference machine of the minimum from a day on, in joules per terahash.
///
/// Digiconomist's footnote: Antminer S9 at 1,500 W (125 J/TH is what its daily minimum of 2018 implies),
/// S15 per 13 February 2019, S17e per 7 November 2019, S19 Pro per 31 October 2020, each with a rolling
/// average of 180 days. Efficiencies of the later three: the maker's.
const REFERENCES: [(Date, f64); 4] = [
    (date(2016, 6, 1), 125.0),
    (date(2019, 2, 13), 57.0),
    (date(2019, 11, 7), 45.0),
    (date(2020, 10, 31), 29.5),
];

impl Digiconomist {
    /// The name in files and on the command line.
    pub const NAME: &'static str = "digiconomist";

    pub(crate) fn assumptions(&self) -> Vec<Assumption> {
        assumption::describe(FIELDS, self)
    }
    pub(crate) fn set(&mut self, key: &str, value: &str) -> Result<(), AssumptionError> {
        assumption::set(FIELDS, self, key, value)
            .unwrap_or_else(|| Err(AssumptionError::Unknown { key: key.to_owned(), method: Self::NAME }))
    }

    /// Megatonnes of CO2 a year at some terawatt-hours a year.
    #[must_use]
    pub fn emissions_mt(&self, twh: f64) -> f64 {
        twh * self.emissions_g_per_kwh / 1e3
    }
    /// Gigalitres (million cubic metres) of water a year at some terawatt-hours a year.
    #[must_use]
    pub fn water_gl(&self, twh: f64) -> f64 {
        twh * self.water_l_per_kwh
    }

    /// What all machines together would draw if all were the reference of the day, in J/TH; none
    /// before the first reference machine was sold.
    #[expect(clippy::cast_precision_loss, reason = "a number of days")]
    fn reference_j_per_th(&self, day: Date) -> Option<f64> {
        let mut reference = None;
        for (from, efficiency) in REFERENCES {
            let days = (day - from).get_days();
            if days < 0 {
                break;
            }
            let passed = (f64::from(days) / self.minimum_change_days.max(1) as f64).min(1.0);
            reference = Some(reference.map_or(efficiency, |before| before + (efficiency - before) * passed));
        }
        reference
    }

    /// The daily rows: lower is the page's minimum (none before June 2016), guess its estimate,
    /// upper the whole of revenue.
    #[must_use]
    pub fn rows(&self, network: &[NetworkDay]) -> Vec<Row> {
        let days = earning_days(network);
        let revenue: Vec<f64> = days.iter().map(|day| day.revenue_usd).collect();
        let rates: Vec<f64> = days.iter().map(|day| day.hash_rate_ths).collect();
        let smooth = trailing_means(&revenue, self.window_days);
        let recent = trailing_means(&revenue, self.hold_days.max(1));
        let rate = trailing_means(&rates, self.minimum_mean_days);
        // US dollars a day buy kilowatt-hours a day; over 24 h and 1e6 kW that is gigawatts.
        let gw = |usd_a_day: f64| usd_a_day / self.price_usd_per_kwh / 24.0 / 1e6;
        let mut held = 0.0_f64;
        let mut rows = Vec::with_capacity(days.len());
        for (at, day) in days.iter().enumerate() {
            let spent = gw(smooth[at] * self.share_of_revenue);
            held = if self.hold_days == 0 { spent } else { spent.max(held.min(gw(recent[at]))) };
            let lower = self.reference_j_per_th(day.date).map(|joules| joules * rate[at] / 1e9);
            // The page never shows an estimate below its own minimum.
            let guess = lower.map_or(held, |lower| held.max(lower));
            let upper = gw(smooth[at] * self.upper_share).max(guess);
            rows.push(Row::from_gw(day.date, Band { lower, guess, upper }));
        }
        rows
    }
}
