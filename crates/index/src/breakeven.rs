//! When a machine pays, when it stopped paying, and what it is still worth.
//!
//! For: the price of power at which a machine, or the whole class of its efficiency, is shut down; the
//! day in history on which each model stopped paying at a given price; the value of what a machine will
//! still earn under a stated scenario.
//! Not for: forecasts. A scenario is what its author says: growth of difficulty, path of price, rate of
//! discount are all arguments. And not for the mine's own decisions each hour, which the dispatch makes.
//!
//! A machine of e joules a terahash takes e x 86,400 / 3.6e6 kilowatt-hours for a terahash a second and
//! day. It pays while the hash price is above that energy times overhead times the price of power.

use jiff::civil::Date;

use crate::chain::{BLOCK_SECONDS, HALVING_BLOCKS};
use crate::hardware::{Model, fingerprint};
use crate::hashprice::{HashPriceSeries, NetworkVintage, hash_price_series};
use crate::network::NetworkDay;

/// Kilowatt-hours of a joule a terahash, kept up for a day at a terahash a second.
const KWH_PER_J_PER_TH: f64 = 86_400.0 / 3.6e6;
const DAYS_PER_YEAR: f64 = 365.25;
/// The longest life that a scenario may ask for, in days: fifty years.
const DAYS_MAX: u32 = 18_263;

/// What a mine takes for granted when it asks whether a machine pays.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Terms {
    /// Power drawn over power of the machines (cooling, losses): 1 and more.
    pub overhead: f64,
    /// The share of earnings that goes to the pool.
    pub pool_fee: f64,
    /// Other cost that a kilowatt-hour of machine power brings along, in US dollars (hands, spares).
    pub other_usd_per_kwh: f64,
}

impl Default for Terms {
    /// Machines alone: no overhead, no fee, no other cost.
    fn default() -> Self {
        Self { overhead: 1.0, pool_fee: 0.0, other_usd_per_kwh: 0.0 }
    }
}

impl Terms {
    /// Energy that a terahash a second takes in a day, overhead included, in kilowatt-hours.
    fn kwh(&self, efficiency_j_per_th: f64) -> f64 {
        efficiency_j_per_th * KWH_PER_J_PER_TH * self.overhead
    }
    /// US dollars that a terahash a second costs in a day.
    fn cost(&self, efficiency_j_per_th: f64, power_usd_per_kwh: f64) -> f64 {
        let other = efficiency_j_per_th * KWH_PER_J_PER_TH * self.other_usd_per_kwh;
        self.kwh(efficiency_j_per_th) * power_usd_per_kwh + other
    }
    /// US dollars that are left of a hash price.
    fn income(&self, usd_per_th_day: f64) -> f64 {
        usd_per_th_day * (1.0 - self.pool_fee)
    }
}

/// The price of power, in US dollars a kilowatt-hour, from which on a machine of this efficiency is shut
/// down. Below zero it would have to be paid for the power.
///
/// ```
/// use offpeak_index::breakeven::{Terms, shutdown_price_usd_per_kwh};
/// // An S19 (34.5 J/TH) at 50 dollars a petahash and day.
/// let price = shutdown_price_usd_per_kwh(34.5, 0.050, &Terms::default());
/// assert_eq!((price * 1e4).round(), 604.0);
/// ```
#[must_use]
pub fn shutdown_price_usd_per_kwh(efficiency_j_per_th: f64, usd_per_th_day: f64, terms: &Terms) -> f64 {
    let other = terms.cost(efficiency_j_per_th, 0.0);
    (terms.income(usd_per_th_day) - other) / terms.kwh(efficiency_j_per_th)
}

/// The efficiency, in joules a terahash, of the worst machine that still pays at a price of power.
#[must_use]
pub fn worst_paying_j_per_th(power_usd_per_kwh: f64, usd_per_th_day: f64, terms: &Terms) -> f64 {
    terms.income(usd_per_th_day) / terms.cost(1.0, power_usd_per_kwh)
}

/// A class of machines: all from one efficiency to before another.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassShutdown {
    /// From this efficiency on, in joules a terahash.
    pub from_j_per_th: f64,
    /// Before this one.
    pub to_j_per_th: f64,
    /// The models in it, best first.
    pub models: Vec<String>,
    /// The shut-down prices of its worst and of its best machine, US dollars a kilowatt-hour; unknown without any.
    pub price_usd_per_kwh: Option<(f64, f64)>,
}

/// The shut-down prices of whole classes of a table, cut at these efficiencies (rising, joules a
/// terahash): between two neighbours lies one class.
#[must_use]
pub fn class_shutdown(
    models: &[Model],
    cuts_j_per_th: &[f64],
    usd_per_th_day: f64,
    terms: &Terms,
) -> Vec<ClassShutdown> {
    let class = |pair: &[f64]| {
        let (from, to) = (pair[0], pair[1]);
        let within = |model: &&Model| (from..to).contains(&model.efficiency_j_per_th());
        let mut members: Vec<&Model> = models.iter().filter(within).collect();
        members.sort_by(|a, b| a.efficiency_j_per_th().total_cmp(&b.efficiency_j_per_th()));
        let price =
            |model: &&Model| shutdown_price_usd_per_kwh(model.efficiency_j_per_th(), usd_per_th_day, terms);
        ClassShutdown {
            from_j_per_th: from,
            to_j_per_th: to,
            price_usd_per_kwh: members.last().map(price).zip(members.first().map(price)),
            models: members.iter().map(|model| model.name.clone()).collect(),
        }
    };
    cuts_j_per_th.windows(2).filter(|pair| pair[0] < pair[1]).map(class).collect()
}

/// How a model fared at one price of power.
#[derive(Clone, Debug, PartialEq)]
pub struct Life {
    /// The model.
    pub model: String,
    /// When it was released.
    pub release: Date,
    /// Its joules a terahash.
    pub efficiency_j_per_th: f64,
    /// The first day from its release on, of those in the series, on which it paid.
    pub first_paid: Option<Date>,
    /// The day after the last on which it paid: when it stopped. None while it pays on the last day of the
    /// series, or if it never paid.
    pub stopped: Option<Date>,
    /// The first day of the first stretch of at least `hold_days` without pay after it had paid: when an
    /// owner who waits that long gave up first. It may have paid again later.
    pub first_given_up: Option<Date>,
    /// On how many days it paid.
    pub days_paid: usize,
    /// Of how many in the series from its release on.
    pub days: usize,
    /// Whether it pays on the last day of the series.
    pub pays_now: bool,
    /// Its shut-down price on that day, US dollars a kilowatt-hour.
    pub shutdown_now_usd_per_kwh: Option<f64>,
}

/// How models fared at one price of power, and what this rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct Lives {
    /// The network series.
    pub vintage: NetworkVintage,
    /// Names the table of machines.
    pub catalogue_fingerprint: String,
    /// The price of power.
    pub power_usd_per_kwh: f64,
    /// What else was taken for granted.
    pub terms: Terms,
    /// Over how many days the hash price is averaged.
    pub mean_days: usize,
    /// How many days in a row without pay make an owner give up.
    pub hold_days: usize,
    /// One a model, in the order of the table.
    pub lives: Vec<Life>,
}

/// The day on which each model stopped paying at a price of power: the hash price is averaged over the
/// last `mean_days` rows, and `hold_days` in a row without pay count as giving up.
#[must_use]
pub fn lives(
    network: &[NetworkDay],
    models: &[Model],
    power_usd_per_kwh: f64,
    terms: &Terms,
    mean_days: usize,
    hold_days: usize,
) -> Lives {
    let series = hash_price_series(network, mean_days);
    Lives {
        catalogue_fingerprint: fingerprint(models),
        power_usd_per_kwh,
        terms: *terms,
        mean_days: series.mean_days,
        hold_days,
        lives: models.iter().map(|model| life(&series, model, power_usd_per_kwh, terms, hold_days)).collect(),
        vintage: series.vintage,
    }
}

fn life(series: &HashPriceSeries, model: &Model, price: f64, terms: &Terms, hold_days: usize) -> Life {
    let efficiency = model.efficiency_j_per_th();
    let cost = terms.cost(efficiency, price);
    let priced: Vec<(Date, f64)> = series
        .rows
        .iter()
        .filter(|row| row.date >= model.release)
        .filter_map(|row| Some((row.date, row.usd_per_th_day?)))
        .collect();
    let pays: Vec<bool> = priced.iter().map(|(_, usd)| terms.income(*usd) > cost).collect();
    let first = pays.iter().position(|pays| *pays);
    let last = pays.iter().rposition(|pays| *pays);
    let given_up = first.and_then(|first| first_stretch(&pays, first, hold_days.max(1)));
    Life {
        model: model.name.clone(),
        release: model.release,
        efficiency_j_per_th: efficiency,
        first_paid: first.map(|at| priced[at].0),
        stopped: last.and_then(|at| priced.get(at + 1)).map(|(date, _)| *date),
        first_given_up: given_up.map(|at| priced[at].0),
        days_paid: pays.iter().filter(|pays| **pays).count(),
        days: pays.len(),
        pays_now: pays.last() == Some(&true),
        shutdown_now_usd_per_kwh: priced
            .last()
            .map(|(_, usd)| shutdown_price_usd_per_kwh(efficiency, *usd, terms)),
    }
}

/// Where, after a place, the first run of at least `least` days without pay begins.
fn first_stretch(pays: &[bool], after: usize, least: usize) -> Option<usize> {
    let mut begun = None;
    for (at, pays) in pays.iter().enumerate().skip(after) {
        if *pays {
            begun = None;
            continue;
        }
        let from = *begun.get_or_insert(at);
        if at + 1 - from >= least {
            return Some(from);
        }
    }
    None
}

/// How the price of a bitcoin goes on.
#[derive(Clone, Debug, PartialEq)]
pub enum PricePath {
    /// It grows by this share a year, compounding; 0 holds it, below 0 it falls (never below -1).
    Growth(f64),
    /// It passes through these points: days from the start and US dollars, days rising; in between by
    /// straight lines, before and after them it stays.
    Points(Vec<(f64, f64)>),
}

impl PricePath {
    fn at(&self, start_usd: f64, day: f64) -> f64 {
        match self {
            Self::Growth(yearly) => start_usd * (1.0 + yearly).max(0.0).powf(day / DAYS_PER_YEAR),
            Self::Points(points) => {
                let next = points.partition_point(|(at, _)| *at <= day);
                let (before, after) = (next.checked_sub(1).and_then(|at| points.get(at)), points.get(next));
                match (before, after) {
                    (Some((from, low)), Some((to, high))) => low + (high - low) * (day - from) / (to - from),
                    (Some((_, usd)), None) | (None, Some((_, usd))) => *usd,
                    (None, None) => start_usd,
                }
            }
        }
    }
}

/// A future, as its author states it.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// The price of a bitcoin at the start, US dollars.
    pub price_usd: f64,
    /// How it goes on.
    pub price_path: PricePath,
    /// The network's hash rate at the start, terahashes a second.
    pub hash_rate_ths: f64,
    /// By what share difficulty grows a year, compounding.
    pub difficulty_growth: f64,
    /// The height at the start; from it subsidies and halvings follow, a block every ten minutes.
    pub height: u32,
    /// Fees, bitcoins a block.
    pub fees_btc_per_block: f64,
    /// The price of power, US dollars a kilowatt-hour.
    pub power_usd_per_kwh: f64,
    /// Overhead, pool fee and other cost.
    pub terms: Terms,
    /// The rate of discount a year, compounding.
    pub discount: f64,
    /// For how many days the machine works at most (beyond fifty years it is fifty).
    pub days: u32,
    /// What is paid for it at the end, US dollars.
    pub scrap_usd: f64,
    /// Whether it is switched off on days that do not pay (and on again when they do).
    pub stops_at_a_loss: bool,
}

/// Why a scenario cannot be computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScenarioError {
    /// A number out of its range.
    #[error("{0} of the scenario is out of range")]
    Range(&'static str),
    /// Points of a price path that do not rise in time.
    #[error("the points of the price path do not rise in time")]
    Path,
}

/// What a machine will still earn under a scenario.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ResidualValue {
    /// The value today of all it earns over its power, and of its scrap, US dollars.
    pub value_usd: f64,
    /// The same for a terahash a second.
    pub usd_per_th: f64,
    /// Earnings after the pool's fee, discounted.
    pub income_usd: f64,
    /// Cost of power and the like, discounted.
    pub cost_usd: f64,
    /// On how many days it works.
    pub days_on: u32,
    /// After how many days it pays for the last time; none if it never does.
    pub last_paying_day: Option<u32>,
}

impl Scenario {
    fn check(&self) -> Result<(), ScenarioError> {
        let above_zero =
            [("price", self.price_usd), ("hash rate", self.hash_rate_ths), ("overhead", self.terms.overhead)];
        let not_below = [("fees", self.fees_btc_per_block), ("scrap", self.scrap_usd)];
        let growths = [("difficulty growth", self.difficulty_growth), ("discount", self.discount)];
        let finite = [("power price", self.power_usd_per_kwh), ("other cost", self.terms.other_usd_per_kwh)];
        let wrong = above_zero.iter().find(|(_, value)| !(*value > 0.0 && value.is_finite()));
        let wrong =
            wrong.or_else(|| not_below.iter().find(|(_, value)| !(*value >= 0.0 && value.is_finite())));
        let wrong = wrong.or_else(|| growths.iter().find(|(_, value)| !(*value > -1.0 && value.is_finite())));
        if let Some((name, _)) = wrong.or_else(|| finite.iter().find(|(_, value)| !value.is_finite())) {
            return Err(ScenarioError::Range(name));
        }
        if !(0.0..=1.0).contains(&self.terms.pool_fee) {
            return Err(ScenarioError::Range("pool fee"));
        }
        match &self.price_path {
            PricePath::Growth(yearly) if !(*yearly >= -1.0 && yearly.is_finite()) => {
                Err(ScenarioError::Range("price growth"))
            }
            PricePath::Points(points) if !points.windows(2).all(|pair| pair[0].0 < pair[1].0) => {
                Err(ScenarioError::Path)
            }
            PricePath::Points(points)
                if points.iter().any(|(day, usd)| !(day.is_finite() && usd.is_finite() && *usd >= 0.0)) =>
            {
                Err(ScenarioError::Range("price path"))
            }
            _ => Ok(()),
        }
    }
    /// Subsidy in bitcoins after so many days.
    fn subsidy_btc(&self, day: f64) -> f64 {
        let height = f64::from(self.height) + day * 86_400.0 / f64::from(BLOCK_SECONDS);
        50.0 * 0.5f64.powf((height / f64::from(HALVING_BLOCKS)).floor())
    }
    /// US dollars that a terahash a second earns on a day of the scenario, before the pool's fee.
    #[must_use]
    pub fn hash_price_usd(&self, day: f64) -> f64 {
        let reward = self.subsidy_btc(day) + self.fees_btc_per_block;
        let blocks = 86_400.0 / f64::from(BLOCK_SECONDS);
        let hash_rate = self.hash_rate_ths * (1.0 + self.difficulty_growth).powf(day / DAYS_PER_YEAR);
        reward * blocks * self.price_path.at(self.price_usd, day) / hash_rate
    }
}

/// What a machine of this hash rate (terahashes a second) and efficiency (joules a terahash) will still
/// earn under a scenario, day by day, discounted to today. Deterministic: run several scenarios for a
/// range.
///
/// # Errors
/// A number of the scenario, or of the machine, that is out of its range.
pub fn residual_value(
    hash_rate_ths: f64,
    efficiency_j_per_th: f64,
    scenario: &Scenario,
) -> Result<ResidualValue, ScenarioError> {
    scenario.check()?;
    if !(hash_rate_ths > 0.0 && hash_rate_ths.is_finite()) {
        return Err(ScenarioError::Range("the machine's hash rate"));
    }
    if !(efficiency_j_per_th > 0.0 && efficiency_j_per_th.is_finite()) {
        return Err(ScenarioError::Range("the machine's efficiency"));
    }
    let cost = scenario.terms.cost(efficiency_j_per_th, scenario.power_usd_per_kwh) * hash_rate_ths;
    let (mut income_usd, mut cost_usd, mut days_on, mut last_paying_day) = (0.0, 0.0, 0, None);
    let days = scenario.days.min(DAYS_MAX);
    for day in 0..days {
        let middle = f64::from(day) + 0.5;
        let income = scenario.terms.income(scenario.hash_price_usd(middle)) * hash_rate_ths;
        if income > cost {
            last_paying_day = Some(day);
        } else if scenario.stops_at_a_loss {
            continue;
        }
        let today = (1.0 + scenario.discount).powf(-middle / DAYS_PER_YEAR);
        income_usd += income * today;
        cost_usd += cost * today;
        days_on += 1;
    }
    let scrap = scenario.scrap_usd * (1.0 + scenario.discount).powf(-f64::from(days) / DAYS_PER_YEAR);
    let value_usd = income_usd - cost_usd + scrap;
    let usd_per_th = value_usd / hash_rate_ths;
    Ok(ResidualValue { value_usd, usd_per_th, income_usd, cost_usd, days_on, last_paying_day })
}
