//! Where mining is said to be, and who gained what others lost.

use offpeak_index::answers::Whole as Network;
use offpeak_index::world::{Flow, Flows, NetworkLoad, Overview, OverviewRow, Place, ShareSeries};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{AssumptionView, BandView};

/// Who reports shares of the hash rate by country.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SourceView {
    /// A short name.
    pub key: String,
    /// A name for readers.
    pub title: String,
    /// Who published it.
    pub source: String,
    /// Where.
    pub url: String,
    /// Under which licence.
    pub licence: String,
    /// The least part of the network that it sees, percent.
    pub sample_low_percent: Option<f64>,
    /// The largest.
    pub sample_high_percent: Option<f64>,
    /// What is known of its error, in words: no source gives an interval.
    pub error: String,
    /// The months, quarters or years it reports.
    pub periods: Vec<String>,
}

impl From<&ShareSeries> for SourceView {
    fn from(series: &ShareSeries) -> Self {
        Self {
            key: series.key.clone(),
            title: series.title.clone(),
            source: series.source.clone(),
            url: series.url.clone(),
            licence: series.licence.clone(),
            sample_low_percent: series.sample.map(|sample| sample.low_percent),
            sample_high_percent: series.sample.map(|sample| sample.high_percent),
            error: series.error.clone(),
            periods: series.points.keys().map(ToString::to_string).collect(),
        }
    }
}

/// A place in a period.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlaceView {
    /// Its rank; `null` for a reported zero and for what the source calls other.
    pub rank: Option<u64>,
    /// A country's code of three letters, or the place as the source names it.
    pub place: String,
    /// Its name.
    pub name: String,
    /// Percent of the world's hash rate.
    pub share_percent: f64,
    /// Whether the source marks it as doubtful.
    pub marked: bool,
    /// Gigawatts; `null` where the network's power is not known for the period.
    pub gw: Option<BandView>,
    /// Percent of the country's generation, by the best guess.
    pub percent_of_generation: Option<f64>,
    /// The year of that generation.
    pub generation_year: Option<i16>,
    /// gCO2e a kilowatt-hour of its grid, as published.
    pub g_per_kwh: Option<f64>,
    /// The year of that.
    pub intensity_year: Option<i16>,
    /// Megatonnes CO2e a year at that power, location-based.
    pub mt_per_year: Option<BandView>,
}

impl From<&OverviewRow> for PlaceView {
    fn from(row: &OverviewRow) -> Self {
        Self {
            rank: row.rank.map(|rank| rank as u64),
            place: row.place.key().to_owned(),
            name: row.place.name().to_owned(),
            share_percent: row.percent,
            marked: row.marked,
            gw: row.gw.map(Into::into),
            percent_of_generation: row.percent_of_generation.map(|(percent, _)| percent),
            generation_year: row.percent_of_generation.map(|(_, year)| year),
            g_per_kwh: row.g_per_kwh.map(|(grams, _)| grams),
            intensity_year: row.g_per_kwh.map(|(_, year)| year),
            mt_per_year: row.mt_per_year.map(Into::into),
        }
    }
}

/// The world in one period, by one source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OverviewView {
    /// The source's short name.
    pub series: String,
    /// The period.
    pub period: String,
    /// What the network as a whole drew, gigawatts.
    pub network_gw: Option<BandView>,
    /// Places, the largest first.
    pub places: Vec<PlaceView>,
    /// Percent that is not reported for any place.
    pub not_reported_percent: f64,
    /// Mean gCO2e a kilowatt-hour of the places whose grid is known, weighted by share.
    pub g_per_kwh: Option<f64>,
    /// Percent of the hash rate that this mean stands for.
    pub covered_percent: f64,
    /// Electronic waste of the whole network, kilotonnes a year: the mass of the machines that pay over their mean life.
    pub ewaste_kt_per_year: Option<f64>,
    /// What it rests on.
    pub assumptions: Vec<AssumptionView>,
}

impl OverviewView {
    pub(crate) fn of(all: Overview, load: &NetworkLoad, ewaste_kt_per_year: Option<f64>) -> Self {
        Self {
            series: all.series,
            period: all.period.to_string(),
            network_gw: load.over(all.period).map(Into::into),
            places: all.rows.iter().map(Into::into).collect(),
            not_reported_percent: all.remainder_percent,
            g_per_kwh: all.g_per_kwh,
            covered_percent: all.covered_percent,
            ewaste_kt_per_year,
            assumptions: AssumptionView::list_with(all.assumptions, &load.assumptions),
        }
    }
}

/// Where mining is said to be, by each source that reports the period.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WorldView {
    /// By which method the network's power is estimated.
    pub method: String,
    /// All sources.
    pub sources: Vec<SourceView>,
    /// One a source that reports the period; without a period each source's latest.
    pub tables: Vec<OverviewView>,
}

/// A place's share in two periods.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ShareChangeView {
    /// The place.
    pub place: String,
    /// Its name.
    pub name: String,
    /// Percent in the first period.
    pub before_percent: f64,
    /// Percent in the second.
    pub after_percent: f64,
}

/// What a stated rule takes from one place to another: a picture, not a measurement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FlowView {
    /// Who lost.
    pub from: String,
    /// Their name.
    pub from_name: String,
    /// Who gained.
    pub to: String,
    /// Their name.
    pub to_name: String,
    /// How much, above zero.
    pub amount: f64,
}

impl From<&Flow> for FlowView {
    fn from(flow: &Flow) -> Self {
        let (key, name) = (|place: &Place| place.key().to_owned(), |place: &Place| place.name().to_owned());
        Self {
            from: key(&flow.from),
            from_name: name(&flow.from),
            to: key(&flow.to),
            to_name: name(&flow.to),
            amount: flow.amount,
        }
    }
}

/// Flows in one unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct UnitFlowsView {
    /// `points` (percent of the network), `EH/s` or `GW`.
    pub unit: String,
    /// What the network as a whole was in the first period.
    pub network_before: f64,
    /// And in the second.
    pub network_after: f64,
    /// The flows; what was switched off goes nowhere, what is new comes from nowhere.
    pub flows: Vec<FlowView>,
}

/// Who gained what others lost, by one source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SeriesFlowsView {
    /// The source's short name.
    pub series: String,
    /// Each place that is reported in both periods, and the rest.
    pub changes: Vec<ShareChangeView>,
    /// Places reported in one of the periods only, and so part of the rest.
    pub reported_once: Vec<String>,
    /// The flows by unit.
    pub units: Vec<UnitFlowsView>,
}

impl SeriesFlowsView {
    pub(crate) fn of(series: &ShareSeries, flows: &Flows, wholes: &[Network]) -> Self {
        let points = UnitFlowsView {
            unit: "points".to_owned(),
            network_before: 100.0,
            network_after: 100.0,
            flows: flows.flows.iter().map(Into::into).collect(),
        };
        let absolute = wholes.iter().map(|whole| UnitFlowsView {
            unit: whole.unit.to_owned(),
            network_before: whole.before,
            network_after: whole.after,
            flows: flows.absolute_flows(whole.before, whole.after).iter().map(Into::into).collect(),
        });
        let change = |one: &offpeak_index::world::Change| ShareChangeView {
            place: one.place.key().to_owned(),
            name: one.place.name().to_owned(),
            before_percent: one.before,
            after_percent: one.after,
        };
        Self {
            series: series.key.clone(),
            changes: flows.changes.iter().map(change).collect(),
            reported_once: flows.folded.iter().map(|place| place.name().to_owned()).collect(),
            units: std::iter::once(points).chain(absolute).collect(),
        }
    }
}

/// Who gained what others lost between two periods, by each source that reports both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FlowsView {
    /// The first period.
    pub from_period: String,
    /// The second.
    pub to_period: String,
    /// One a source.
    pub series: Vec<SeriesFlowsView>,
    /// What it rests on.
    pub assumptions: Vec<AssumptionView>,
}
