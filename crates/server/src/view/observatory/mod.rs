//! The observatory: estimates of the whole network, each with what it rests on. Nothing of it is the site's own.
//!
//! Columns of one answer have equal lengths, oldest first. A band is lower bound, best guess, upper bound.

mod nation;
mod world;
mod worth;

use jiff::civil::Date;
use offpeak_index::answers::{Inputs, Thinned};
use offpeak_index::electricity::{Assumption, Band, Series};
use offpeak_index::slider;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use nation::*;
pub use world::*;
pub use worth::*;

/// Something that an answer takes for granted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AssumptionView {
    /// Its name, as in files and as the parameter `set` takes it.
    pub key: String,
    /// Its value here.
    pub value: String,
    /// What is taken when nothing else is said.
    pub default: String,
    /// Its unit; `1` for a bare factor, empty for words.
    pub unit: String,
    /// Who says so.
    pub source: String,
    /// Whether the parameter `set` can change it.
    pub can_be_set: bool,
}

impl AssumptionView {
    fn of(one: Assumption, can_be_set: bool) -> Self {
        let Assumption { key, value, default, unit, source } = one;
        Self { key, value, default, unit: unit.to_owned(), source, can_be_set }
    }
    /// Each thing once, in their order; none can be set.
    pub(crate) fn list(all: impl IntoIterator<Item = Assumption>) -> Vec<Self> {
        Self::list_with(all, &[])
    }
    /// Each thing once, in their order; those of a method can be set.
    pub(crate) fn list_with(all: impl IntoIterator<Item = Assumption>, method: &[Assumption]) -> Vec<Self> {
        let mut list: Vec<Self> = Vec::new();
        for one in all {
            let can_be_set = method.contains(&one);
            let one = Self::of(one, can_be_set);
            if !list.contains(&one) {
                list.push(one);
            }
        }
        list
    }
}

/// A lower bound, a best guess and an upper bound.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BandView {
    /// The lower bound; `null` where the method has none.
    pub lower: Option<f64>,
    /// The best guess.
    pub guess: f64,
    /// The upper bound.
    pub upper: f64,
}

impl From<Band> for BandView {
    fn from(Band { lower, guess, upper }: Band) -> Self {
        Self { lower, guess, upper }
    }
}

/// From which inputs an estimate was computed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InputsView {
    /// Where the network series comes from.
    pub network_source: String,
    /// Its first day.
    pub network_first: Option<Date>,
    /// Its last day.
    pub network_last: Option<Date>,
    /// The last day with a price.
    pub network_price_to: Option<Date>,
    /// The last day with known fees; later ones count none.
    pub network_fees_to: Option<Date>,
    /// Names its numbers.
    pub network_fingerprint: String,
    /// Where the table of machines comes from.
    pub catalogue_source: String,
    /// How many models it has.
    pub catalogue_models: u64,
    /// Names its numbers.
    pub catalogue_fingerprint: String,
}

/// The network's electricity by one method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct IndexView {
    /// The method's name.
    pub method: String,
    /// The method with its revision, for a legend.
    pub label: String,
    /// The days; of months their first.
    pub date: Vec<Date>,
    /// From how many days each row was computed.
    pub days: Vec<u32>,
    /// Lower bound, terawatt-hours a year at that rate; `null` where the method has none.
    pub lower_twh: Vec<Option<f64>>,
    /// Best guess, terawatt-hours a year.
    pub guess_twh: Vec<f64>,
    /// Upper bound, terawatt-hours a year.
    pub upper_twh: Vec<f64>,
    /// Lower bound, gigawatts; `null` where the method has none.
    pub lower_gw: Vec<Option<f64>>,
    /// Best guess, gigawatts.
    pub guess_gw: Vec<f64>,
    /// Upper bound, gigawatts.
    pub upper_gw: Vec<f64>,
    /// Everything it takes for granted.
    pub assumptions: Vec<AssumptionView>,
    /// The inputs.
    pub inputs: InputsView,
}

impl IndexView {
    pub(crate) fn of(series: &Series, rows: &[Thinned], inputs: &Inputs) -> Self {
        let column = |of: fn(&Thinned) -> f64| rows.iter().map(of).collect();
        let vintage = &series.vintage;
        Self {
            method: series.method.name().to_owned(),
            label: series.method.label(),
            date: rows.iter().map(|one| one.row.date).collect(),
            days: rows.iter().map(|one| one.days).collect(),
            lower_twh: rows.iter().map(|one| one.row.twh.lower).collect(),
            guess_twh: column(|one| one.row.twh.guess),
            upper_twh: column(|one| one.row.twh.upper),
            lower_gw: rows.iter().map(|one| one.row.gw.lower).collect(),
            guess_gw: column(|one| one.row.gw.guess),
            upper_gw: column(|one| one.row.gw.upper),
            assumptions: series
                .method
                .assumptions()
                .into_iter()
                .map(|one| AssumptionView::of(one, true))
                .collect(),
            inputs: InputsView {
                network_source: inputs.network_source.clone(),
                network_first: vintage.network_span.map(|(first, _)| first),
                network_last: vintage.network_span.map(|(_, last)| last),
                network_price_to: vintage.price_to,
                network_fees_to: vintage.fees_to,
                network_fingerprint: vintage.network_fingerprint.clone(),
                catalogue_source: inputs.catalogue_source.clone(),
                catalogue_models: vintage.catalogue_models as u64,
                catalogue_fingerprint: vintage.catalogue_fingerprint.clone(),
            },
        }
    }
}

/// Cambridge's series at one price, while somebody moves it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PricedView {
    /// The price, US dollars a kilowatt-hour.
    pub price_usd_per_kwh: f64,
    /// The days, one in so many; the latest always is among them.
    pub date: Vec<Date>,
    /// Lower bound, terawatt-hours a year; `null` where the method has none.
    pub lower_twh: Vec<Option<f64>>,
    /// Best guess, terawatt-hours a year.
    pub guess_twh: Vec<f64>,
    /// Upper bound, terawatt-hours a year.
    pub upper_twh: Vec<f64>,
    /// Best guess of the latest day, gigawatts.
    pub latest_guess_gw: Option<f64>,
    /// The worst machine that pays on the latest day, joules a terahash.
    pub worst_paying_j_per_th: Option<f64>,
    /// How many models of the table pay on it.
    pub models_paying: Option<u64>,
    /// Of how many.
    pub models: u64,
}

impl From<slider::Priced> for PricedView {
    fn from(of: slider::Priced) -> Self {
        Self {
            price_usd_per_kwh: of.price_usd_per_kwh,
            date: of.date,
            lower_twh: of.lower_twh,
            guess_twh: of.guess_twh,
            upper_twh: of.upper_twh,
            latest_guess_gw: of.latest_guess_gw,
            worst_paying_j_per_th: of.worst_paying_j_per_th,
            models_paying: of.models_paying.map(|models| models as u64),
            models: of.models as u64,
        }
    }
}
