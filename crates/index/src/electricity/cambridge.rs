//! Cambridge's bottom-up method (CBECI): which machines pay their power on a day, and what the network
//! draws if it consists of them.
//!
//! For: revisions 1.2 to 1.3 and 1.4 on, at any price and facility overhead, daily since mining had a
//! price. [`Prepared`] does all that does not depend on the price once, so that another price costs well
//! under a millisecond.
//! Not for: what the method leaves out (see `offpeak`).
//!
//! Source: Cambridge Centre for Alternative Finance, Cambridge Bitcoin Electricity Consumption Index,
//! methodology and change log (ccaf.io/cbnsi/cbeci), and the rules of its open interface code.

use jiff::ToSpan;
use jiff::civil::{Date, date};

use super::assumption::{self, Assumption, AssumptionError, Field};
use super::series::{Band, Row, earning_days, mean_gw, trailing_means};
use crate::hardware::Model;
use crate::network::NetworkDay;

/// Which of Cambridge's rules on the fleet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Revision {
    /// 1.2 and 1.3: a model counts from its release until five years after it, all alike.
    V1_2,
    /// 1.4 (August 2023) and later: from two months after its release, less with each year.
    #[default]
    V1_4,
}

impl Revision {
    /// As written in files and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::V1_2 => "1.2",
            Self::V1_4 => "1.4",
        }
    }
    /// From a published revision number.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let (major, minor) = name.trim().trim_start_matches(['v', 'r']).split_once('.')?;
        let minor: u32 = minor.split('.').next()?.parse().ok()?;
        match (major, minor) {
            ("1", 2 | 3) => Some(Self::V1_2),
            ("1", 4..) => Some(Self::V1_4),
            _ => None,
        }
    }
}

/// A model counts until this long after its release: five years of 365 days.
const LIFE_DAYS: i64 = 5 * 365;
/// From revision 1.4 on a model is deployed from the second calendar month after its release.
const DEPLOYED_AFTER_MONTHS: i32 = 2;
/// Its weight in each twelve calendar months of deployment.
const WEIGHTS: [f64; 5] = [1.0, 0.8, 0.6, 0.4, 0.2];
/// Seconds of a day.
const DAY_S: f64 = 86_400.0;
/// Joules of a kilowatt-hour.
const KWH_J: f64 = 3.6e6;

/// Cambridge's method with its assumptions.
#[derive(Clone, Debug, PartialEq)]
pub struct Cambridge {
    /// Which rules on the fleet.
    pub revision: Revision,
    /// Whether to repeat what only the published figures do: see [`Cambridge::parity_rules`].
    pub parity: bool,
    /// What all miners pay, in US dollars a kilowatt-hour.
    pub price_usd_per_kwh: f64,
    /// Facility power over machine power in the lower bound.
    pub pue_lower: f64,
    /// Facility power over machine power in the best guess.
    pub pue_guess: f64,
    /// Facility power over machine power in the upper bound.
    pub pue_upper: f64,
    /// Rows of the series over which the profitability threshold is averaged.
    pub threshold_rows: usize,
    /// Days over which the result is averaged.
    pub mean_days: usize,
}

impl Default for Cambridge {
    fn default() -> Self {
        Self {
            revision: Revision::V1_4,
            parity: false,
            price_usd_per_kwh: 0.05,
            pue_lower: 1.01,
            pue_guess: 1.10,
            pue_upper: 1.20,
            threshold_rows: 14,
            mean_days: 7,
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "whole numbers within the range of their field"
)]
const FIELDS: &[Field<Cambridge>] = &[
    Field {
        key: "price_usd_per_kwh",
        unit: "USD/kWh",
        source: "CBECI methodology: a global average of 0.05, from interviews with miners",
        range: (1e-6, 10.0),
        whole: false,
        get: |method| method.price_usd_per_kwh,
        set: |method, value| method.price_usd_per_kwh = value,
    },
    Field {
        key: "pue_lower",
        unit: "1",
        source: "CBECI methodology: lower-bound facility overhead",
        range: (1.0, 3.0),
        whole: false,
        get: |method| method.pue_lower,
        set: |method, value| method.pue_lower = value,
    },
    Field {
        key: "pue_guess",
        unit: "1",
        source: "CBECI methodology: best-guess facility overhead",
        range: (1.0, 3.0),
        whole: false,
        get: |method| method.pue_guess,
        set: |method, value| method.pue_guess = value,
    },
    Field {
        key: "pue_upper",
        unit: "1",
        source: "CBECI methodology: upper-bound facility overhead",
        range: (1.0, 3.0),
        whole: false,
        get: |method| method.pue_upper,
        set: |method, value| method.pue_upper = value,
    },
    Field {
        key: "threshold_rows",
        unit: "rows",
        source: "CBECI methodology: the profitability threshold is a 14-day mean",
        range: (1.0, 1_000.0),
        whole: true,
        get: |method| method.threshold_rows as f64,
        set: |method, value| method.threshold_rows = value as usize,
    },
    Field {
        key: "mean_days",
        unit: "days",
        source: "CBECI methodology: published as 7-day means",
        range: (1.0, 1_000.0),
        whole: true,
        get: |method| method.mean_days as f64,
        set: |method, value| method.mean_days = value as usize,
    },
];

impl Cambridge {
    /// The name in files and on the command line.
    pub const NAME: &'static str = "cbeci";

    /// What the parity switch repeats of the published figures beyond the published rules, in words.
    #[must_use]
    pub const fn parity_rules() -> &'static [&'static str] {
        &[
            "the best guess takes power over hash rate rounded half up to whole TH/s (machines of 1 TH/s and more)",
            "the WhatsMiner M50 counts as released in March 2022, the Core i5-650 in January 2009 (sold from January 2010), the GTX 570 in September 2010 (sold from December)",
            "M60S++, M63S++, M66S++ and S21 XP+ Hyd are left out: the published list had none of them by November 2025",
        ]
    }
    pub(crate) fn assumptions(&self) -> Vec<Assumption> {
        assumption::describe(FIELDS, self)
    }
    pub(crate) fn set(&mut self, key: &str, value: &str) -> Result<(), AssumptionError> {
        assumption::set(FIELDS, self, key, value)
            .unwrap_or_else(|| Err(AssumptionError::Unknown { key: key.to_owned(), method: Self::NAME }))
    }
}

/// Calendar months since year 0.
fn month_of(day: Date) -> i32 {
    i32::from(day.year()) * 12 + i32::from(day.month()) - 1
}

/// A machine as the method sees it.
struct Candidate {
    release: Date,
    retired: Date,
    deployed_month: i32,
    /// For profitability and the bounds, J/TH.
    efficiency: f64,
    /// In the mean of the best guess, J/TH.
    efficiency_in_mean: f64,
    /// Where the table has its weight.
    kg_per_ths: Option<f64>,
}

impl Candidate {
    fn of(model: &Model, method: &Cambridge) -> Option<Self> {
        if !model.counts_for_cambridge {
            return None;
        }
        let mut release = model.release;
        let mut efficiency_in_mean = model.power_over_rate_j_per_th();
        if method.parity {
            let name = model.name.trim_end_matches('.').to_ascii_lowercase();
            let is = |end: &str| name == end || name.ends_with(&format!(" {end}"));
            if ["m60s++", "m63s++", "m66s++", "s21 xp+ hyd"].into_iter().any(is) {
                return None;
            }
            if is("m50") {
                release = date(2022, 3, 1);
            } else if is("core i5-650") {
                release = date(2009, 1, 1);
            } else if is("gtx 570 (overclocked)") {
                release = date(2010, 9, 1);
            }
            if model.hash_rate_ths >= 1.0 {
                efficiency_in_mean = model.power_w / (model.hash_rate_ths + 0.5).floor();
            }
        }
        Some(Self {
            release,
            retired: release.checked_add(LIFE_DAYS.days()).ok()?,
            deployed_month: month_of(release) + DEPLOYED_AFTER_MONTHS,
            efficiency: model.efficiency_j_per_th(),
            efficiency_in_mean,
            kg_per_ths: model.weight_kg.map(|kg| kg / model.hash_rate_ths),
        })
    }
    /// Its weight on a day, or none.
    fn weight(&self, day: Date, revision: Revision) -> Option<f64> {
        if day < self.release || day >= self.retired {
            return None;
        }
        match revision {
            Revision::V1_2 => Some(1.0),
            Revision::V1_4 => {
                let months = usize::try_from(month_of(day) - self.deployed_month).ok()?;
                WEIGHTS.get(months / 12).copied()
            }
        }
    }
}

/// Machines that count through a stretch of days, most efficient first, with running sums over them.
#[derive(Clone, Debug, Default, PartialEq)]
struct Fleet {
    efficiency: Vec<f64>,
    /// Weighted mean efficiency of the first `n + 1`.
    mean: Vec<f64>,
    /// Weighted mean kilograms a terahash a second of those of the first `n + 1` whose mass is known.
    mass: Vec<Option<f64>>,
}

impl Fleet {
    /// `candidates` stand in order of efficiency.
    fn on(day: Date, candidates: &[Candidate], revision: Revision) -> Self {
        let mut fleet = Self::default();
        let (mut weights, mut products) = (0.0, 0.0);
        let (mut weighed, mut masses) = (0.0, 0.0);
        for candidate in candidates {
            if let Some(weight) = candidate.weight(day, revision) {
                weights += weight;
                products += weight * candidate.efficiency_in_mean;
                fleet.efficiency.push(candidate.efficiency);
                fleet.mean.push(products / weights);
                if let Some(kg) = candidate.kg_per_ths {
                    weighed += weight;
                    masses += weight * kg;
                }
                fleet.mass.push((weighed > 0.0).then(|| masses / weighed));
            }
        }
        fleet
    }
}

/// A day with all that does not depend on the price.
#[derive(Clone, Copy, Debug)]
struct PreparedDay {
    date: Date,
    hash_rate_ths: f64,
    /// The mean threshold at 1 USD a kilowatt-hour, J/TH.
    threshold_at_one_usd: f64,
    fleet: usize,
}

/// The method on given inputs, ready for any price.
#[derive(Clone, Debug)]
pub struct Prepared {
    method: Cambridge,
    days: Vec<PreparedDay>,
    fleets: Vec<Fleet>,
}

impl Prepared {
    /// Does all that does not depend on the price.
    #[must_use]
    pub fn new(method: &Cambridge, network: &[NetworkDay], catalogue: &[Model]) -> Self {
        let earning = earning_days(network);
        let mut candidates: Vec<_> =
            catalogue.iter().filter_map(|model| Candidate::of(model, method)).collect();
        candidates.sort_by(|a, b| a.efficiency.total_cmp(&b.efficiency));
        let mut changes: Vec<Date> = candidates.iter().flat_map(|one| [one.release, one.retired]).collect();
        changes.sort_unstable();
        // Revenue a terahash and day, over the energy that a dollar buys: the efficiency that just pays.
        let thresholds: Vec<f64> =
            earning.iter().map(|day| day.revenue_usd / (day.hash_rate_ths * DAY_S) * KWH_J).collect();
        let thresholds = trailing_means(&thresholds, method.threshold_rows);
        let mut fleets: Vec<Fleet> = Vec::new();
        let mut last: Option<(i32, usize)> = None;
        let mut days = Vec::with_capacity(earning.len());
        for (day, threshold_at_one_usd) in earning.iter().zip(thresholds) {
            // Who counts changes only with the month, a release or a retirement.
            let key = (month_of(day.date), changes.partition_point(|change| *change <= day.date));
            if last != Some(key) {
                fleets.push(Fleet::on(day.date, &candidates, method.revision));
                last = Some(key);
            }
            days.push(PreparedDay {
                date: day.date,
                hash_rate_ths: day.hash_rate_ths,
                threshold_at_one_usd,
                fleet: fleets.len() - 1,
            });
        }
        Self { method: method.clone(), days, fleets }
    }

    /// The mass in kilograms of all machines of the network on a day, if it consists of those that pay
    /// at the method's own price and of whose mass the table knows; none where there are none.
    #[must_use]
    pub fn installed_mass_kg(&self, date: Date) -> Option<f64> {
        let day = &self.days[self.days.binary_search_by_key(&date, |day| day.date).ok()?];
        let fleet = &self.fleets[day.fleet];
        let threshold = day.threshold_at_one_usd / self.method.price_usd_per_kwh;
        let profitable = fleet.efficiency.partition_point(|efficiency| *efficiency < threshold);
        Some(fleet.mass[profitable.checked_sub(1)?]? * day.hash_rate_ths)
    }

    /// The daily rows at the method's own price.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        self.rows_at(self.method.price_usd_per_kwh)
    }

    /// The daily rows at a price in US dollars a kilowatt-hour. Before the first day on which any
    /// machine pays there is nothing to stand for the network, and no row; later the last values stand.
    #[must_use]
    pub fn rows_at(&self, price_usd_per_kwh: f64) -> Vec<Row> {
        let Cambridge { pue_lower, pue_guess, pue_upper, .. } = self.method;
        let mut rows = Vec::with_capacity(self.days.len());
        let mut daily_gw: Vec<Band> = Vec::with_capacity(self.days.len());
        let mut standing: Option<Band> = None;
        for day in &self.days {
            let fleet = &self.fleets[day.fleet];
            let threshold = day.threshold_at_one_usd / price_usd_per_kwh;
            let profitable = fleet.efficiency.partition_point(|efficiency| *efficiency < threshold);
            if profitable > 0 {
                standing = Some(Band {
                    lower: Some(fleet.efficiency[0] * pue_lower),
                    guess: fleet.mean[profitable - 1] * pue_guess,
                    upper: fleet.efficiency[profitable - 1] * pue_upper,
                });
            }
            let Some(joules_per_terahash) = standing else { continue };
            daily_gw.push(joules_per_terahash.times(day.hash_rate_ths / 1e9));
            let gw = mean_gw(&daily_gw, self.method.mean_days, daily_gw.len() - 1);
            rows.push(Row {
                profitable: u32::try_from(profitable).ok(),
                threshold_j_per_th: Some(threshold),
                ..Row::from_gw(day.date, gw)
            });
        }
        rows
    }
}
