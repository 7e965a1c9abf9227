//! What hashing earns, when machines stop paying, and what the chain says.

use jiff::civil::Date;
use offpeak_index::answers::EpochRow;
use offpeak_index::breakeven::{ClassShutdown, Life};
use offpeak_index::hashprice::{HashPriceDay, NetworkVintage};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AssumptionView;

/// The network series that an answer rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NetworkView {
    /// Where it comes from.
    pub source: String,
    /// Its first day.
    pub first: Option<Date>,
    /// Its last day.
    pub last: Option<Date>,
    /// The last day with a price.
    pub price_to: Option<Date>,
    /// The last day with known fees.
    pub fees_to: Option<Date>,
    /// Names its numbers.
    pub fingerprint: String,
}

impl NetworkView {
    pub(crate) fn of(vintage: &NetworkVintage, source: &str) -> Self {
        Self {
            source: source.to_owned(),
            first: vintage.span.map(|(first, _)| first),
            last: vintage.span.map(|(_, last)| last),
            price_to: vintage.price_to,
            fees_to: vintage.fees_to,
            fingerprint: vintage.fingerprint.clone(),
        }
    }
}

/// What a terahash a second earns in a day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HashPriceView {
    /// Over how many days each figure is averaged.
    pub mean_days: u64,
    /// The days.
    pub date: Vec<Date>,
    /// US dollars; `null` where bitcoin had no price.
    pub usd_per_th_day: Vec<Option<f64>>,
    /// Satoshis.
    pub sat_per_th_day: Vec<f64>,
    /// The share that came from fees; `null` where they are not known.
    pub fee_share: Vec<Option<f64>>,
    /// What it rests on.
    pub assumptions: Vec<AssumptionView>,
    /// The series.
    pub network: NetworkView,
}

impl HashPriceView {
    /// The columns of some days.
    pub(crate) fn of(
        rows: &[HashPriceDay],
        mean_days: usize,
        assumptions: Vec<AssumptionView>,
        network: NetworkView,
    ) -> Self {
        Self {
            mean_days: mean_days as u64,
            date: rows.iter().map(|day| day.date).collect(),
            usd_per_th_day: rows.iter().map(|day| day.usd_per_th_day).collect(),
            sat_per_th_day: rows.iter().map(|day| day.sat_per_th_day).collect(),
            fee_share: rows.iter().map(|day| day.fee_share).collect(),
            assumptions,
            network,
        }
    }
}

/// How a model fared at a price of power.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LifeView {
    /// The model.
    pub model: String,
    /// When it was released.
    pub release: Date,
    /// Its joules a terahash.
    pub efficiency_j_per_th: f64,
    /// The first day on which it paid.
    pub first_paid: Option<Date>,
    /// The day after the last on which it paid; `null` while it pays, or if it never did.
    pub stopped: Option<Date>,
    /// When an owner who waits `hold_days` gave up first.
    pub first_given_up: Option<Date>,
    /// On how many days it paid.
    pub days_paid: u64,
    /// Of how many from its release on.
    pub days: u64,
    /// Whether it pays on the last day of the series.
    pub pays_now: bool,
    /// The price of power at which it is shut down on that day, US dollars a kilowatt-hour.
    pub shutdown_now_usd_per_kwh: Option<f64>,
}

impl From<&Life> for LifeView {
    fn from(life: &Life) -> Self {
        Self {
            model: life.model.clone(),
            release: life.release,
            efficiency_j_per_th: life.efficiency_j_per_th,
            first_paid: life.first_paid,
            stopped: life.stopped,
            first_given_up: life.first_given_up,
            days_paid: life.days_paid as u64,
            days: life.days as u64,
            pays_now: life.pays_now,
            shutdown_now_usd_per_kwh: life.shutdown_now_usd_per_kwh,
        }
    }
}

/// A class of machines: all from one efficiency to before another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ClassView {
    /// From this efficiency on, joules a terahash.
    pub from_j_per_th: f64,
    /// Before this one.
    pub to_j_per_th: f64,
    /// How many models are in it.
    pub models: u64,
    /// At which price of power its worst machine is shut down, US dollars a kilowatt-hour.
    pub worst_usd_per_kwh: Option<f64>,
    /// And its best.
    pub best_usd_per_kwh: Option<f64>,
}

impl From<&ClassShutdown> for ClassView {
    fn from(class: &ClassShutdown) -> Self {
        Self {
            from_j_per_th: class.from_j_per_th,
            to_j_per_th: class.to_j_per_th,
            models: class.models.len() as u64,
            worst_usd_per_kwh: class.price_usd_per_kwh.map(|(worst, _)| worst),
            best_usd_per_kwh: class.price_usd_per_kwh.map(|(_, best)| best),
        }
    }
}

/// When machines stop paying, at a price of power.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BreakevenView {
    /// The price of power, US dollars a kilowatt-hour.
    pub power_usd_per_kwh: f64,
    /// The day whose hash price counts as now.
    pub now: Option<Date>,
    /// That hash price, US dollars for a terahash a second and day.
    pub usd_per_th_day: Option<f64>,
    /// The worst machine that pays at it, joules a terahash.
    pub worst_paying_j_per_th: Option<f64>,
    /// One a model.
    pub models: Vec<LifeView>,
    /// Whole classes of efficiency.
    pub classes: Vec<ClassView>,
    /// What it rests on.
    pub assumptions: Vec<AssumptionView>,
    /// The series.
    pub network: NetworkView,
}

/// What a machine will still earn under a stated scenario: no forecast.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ResidualView {
    /// What all that it earns over its power is worth today, with its scrap, US dollars.
    pub value_usd: f64,
    /// The same for a terahash a second.
    pub usd_per_th: f64,
    /// Earnings after the pool's fee, discounted, US dollars.
    pub income_usd: f64,
    /// Power and the like, discounted, US dollars.
    pub cost_usd: f64,
    /// On how many days it works.
    pub days_on: u32,
    /// After how many days it pays for the last time; `null` if it never does.
    pub last_paying_day: Option<u32>,
    /// The day of the series that the scenario starts from.
    pub start: Date,
    /// The machine, and the whole scenario.
    pub assumptions: Vec<AssumptionView>,
}

/// The chain's difficulty epochs, and how far the built-in facts reach.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ChainView {
    /// The height of each epoch's first block.
    pub height: Vec<u32>,
    /// The UTC day on which it began.
    pub date: Vec<Date>,
    /// Its difficulty.
    pub difficulty: Vec<f64>,
    /// Mean hash rate over it, terahashes a second; `null` for the last, which is not over.
    pub hash_rate_ths: Vec<Option<f64>>,
    /// Whether its start is from a block's header; else it was reconstructed from targets.
    pub from_header: Vec<bool>,
    /// What the first block of the last epoch created, satoshis.
    pub subsidy_sat: u64,
    /// The height at which that halves.
    pub halves_at: u32,
    /// The first day with a price.
    pub price_from: Option<Date>,
    /// The last day with a price.
    pub price_to: Option<Date>,
    /// The first day of the last month with known fees.
    pub fees_to: Option<Date>,
    /// Where all of it comes from, in words.
    pub sources: String,
    /// What it rests on.
    pub assumptions: Vec<AssumptionView>,
}

impl ChainView {
    /// The columns of the epochs; the rest is the caller's.
    pub(crate) fn columns(rows: &[EpochRow]) -> Self {
        Self {
            height: rows.iter().map(|row| row.height).collect(),
            date: rows.iter().map(|row| row.date).collect(),
            difficulty: rows.iter().map(|row| row.difficulty).collect(),
            hash_rate_ths: rows.iter().map(|row| row.hash_rate_ths).collect(),
            from_header: rows.iter().map(|row| row.from_header).collect(),
            subsidy_sat: 0,
            halves_at: 0,
            price_from: None,
            price_to: None,
            fees_to: None,
            sources: String::new(),
            assumptions: Vec::new(),
        }
    }
}
