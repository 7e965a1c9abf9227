//! A nation's grid: its balance, what mining takes of it by each estimate, and what if.

use std::collections::BTreeMap;

use jiff::civil::Date;
use offpeak_index::answers::{Bracket, Loaded, MarketEmissions, MixEmissions};
use offpeak_index::grid::{
    Balance, ClaimCheck, ClaimRow, Event, HourOfDay, MiningOnGrid, NationYear, PeakUse, Totals,
};
use offpeak_index::world::{Against, CountryCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{AssumptionView, BandView};

/// A country's year, by one source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BalanceView {
    /// A short name of the source.
    pub series: String,
    /// Terawatt-hours generated.
    pub generation_twh: f64,
    /// Terawatt-hours used, losses included.
    pub demand_twh: f64,
    /// What is left over and exported, or below zero lacking and imported.
    pub surplus_twh: f64,
    /// Who published it.
    pub source: String,
}

impl From<&Balance> for BalanceView {
    fn from(one: &Balance) -> Self {
        Self {
            series: one.series.clone(),
            generation_twh: one.generation_twh,
            demand_twh: one.demand_twh,
            surplus_twh: one.surplus_twh(),
            source: one.source.clone(),
        }
    }
}

/// The highest load of a year.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PeakView {
    /// Megawatts drawn.
    pub load_mw: f64,
    /// Megawatts generated at home in that hour.
    pub generation_mw: f64,
    /// Whether it is published for the year, or scaled from another.
    pub published: bool,
    /// The year whose published load it rests on.
    pub from_year: i16,
    /// Who published that.
    pub source: String,
}

impl From<&PeakUse> for PeakView {
    fn from(peak: &PeakUse) -> Self {
        Self {
            load_mw: peak.load_mw,
            generation_mw: peak.generation_mw,
            published: peak.published,
            from_year: peak.from_year,
            source: peak.source.clone(),
        }
    }
}

/// Mining by one estimate against the year's grid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EstimateView {
    /// A short name.
    pub estimate: String,
    /// A name for readers.
    pub title: String,
    /// The period it is of, which may be another year.
    pub period: String,
    /// Who published its inputs.
    pub source: String,
    /// Mean gigawatts.
    pub gw: f64,
    /// Percent of the year's generation.
    pub percent_of_generation: f64,
    /// Percent of the year's demand.
    pub percent_of_demand: f64,
    /// Percent of the highest load.
    pub percent_of_peak: Option<f64>,
    /// The year's surplus or deficit had this load not been there, terawatt-hours.
    pub surplus_without_twh: f64,
}

impl From<&MiningOnGrid> for EstimateView {
    fn from(one: &MiningOnGrid) -> Self {
        Self {
            estimate: one.estimate.key.clone(),
            title: one.estimate.title.clone(),
            period: one.estimate.period.to_string(),
            source: one.estimate.source.clone(),
            gw: one.gw,
            percent_of_generation: one.percent_of_generation,
            percent_of_demand: one.percent_of_demand,
            percent_of_peak: one.percent_of_peak,
            surplus_without_twh: one.surplus_without_twh,
        }
    }
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EventView {
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
    /// Megawatts that it is about.
    pub mw: Option<f64>,
    /// What happened.
    pub what: String,
    /// Who said so.
    pub source: String,
}

impl From<&Event> for EventView {
    fn from(one: &Event) -> Self {
        let Event { from, to, mw, what, source, .. } = one.clone();
        Self { from, to, mw, what, source }
    }
}

/// A country's year.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NationYearView {
    /// The year.
    pub year: i16,
    /// By each source; the first is the one that the rest is held against.
    pub balances: Vec<BalanceView>,
    /// Its highest load.
    pub peak: Option<PeakView>,
    /// Terawatt-hours by what they are made from.
    pub mix_twh: BTreeMap<String, f64>,
    /// The year of that mix.
    pub mix_year: Option<i16>,
    /// Mean gCO2e a kilowatt-hour, as published.
    pub g_per_kwh: Option<f64>,
    /// Mining by each estimate, never merged.
    pub mining: Vec<EstimateView>,
    /// What happened.
    pub events: Vec<EventView>,
}

impl From<&NationYear> for NationYearView {
    fn from(year: &NationYear) -> Self {
        let mix = year.mix.as_ref();
        Self {
            year: year.year,
            balances: year.balances.iter().map(Into::into).collect(),
            peak: year.peak.as_ref().map(Into::into),
            mix_twh: mix
                .map(|mix| mix.twh.iter().map(|(fuel, twh)| (fuel.name().to_owned(), *twh)).collect())
                .unwrap_or_default(),
            mix_year: mix.map(|mix| mix.year),
            g_per_kwh: year.intensity.as_ref().map(|one| one.g_per_kwh),
            mining: year.mining.iter().map(Into::into).collect(),
            events: year.events.iter().map(Into::into).collect(),
        }
    }
}

/// An estimate beside a claim.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ClaimRowView {
    /// The estimate's short name.
    pub estimate: String,
    /// Its name for readers.
    pub title: String,
    /// Its gigawatts.
    pub gw: f64,
    /// Its percent of the year's generation.
    pub percent_of_generation: f64,
    /// How often it goes into the claim: above one, the claim is larger.
    pub claim_over_estimate: f64,
}

impl From<&ClaimRow> for ClaimRowView {
    fn from(row: &ClaimRow) -> Self {
        Self {
            estimate: row.key.clone(),
            title: row.title.clone(),
            gw: row.gw,
            percent_of_generation: row.percent_of_generation,
            claim_over_estimate: row.claim_over_estimate,
        }
    }
}

/// "Mining takes X % of the country's power" held against each estimate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ClaimView {
    /// What is claimed, percent.
    pub claim_percent: f64,
    /// Of which year's generation.
    pub year: i16,
    /// The gigawatts that it means.
    pub claim_gw: f64,
    /// One an estimate.
    pub against: Vec<ClaimRowView>,
}

impl From<&ClaimCheck> for ClaimView {
    fn from(check: &ClaimCheck) -> Self {
        Self {
            claim_percent: check.claim_percent,
            year: check.year,
            claim_gw: check.claim_gw,
            against: check.rows.iter().map(Into::into).collect(),
        }
    }
}

/// A country's share in a period, by one source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ShareView {
    /// The source's short name.
    pub series: String,
    /// The period.
    pub period: String,
    /// Percent of the world's hash rate.
    pub share_percent: f64,
    /// Its rank; `null` for a reported zero.
    pub rank: Option<u64>,
}

/// A load in percent of a figure of the grid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AgainstView {
    /// `generation`, `demand`, `net imports` or `highest load`.
    pub what: String,
    /// The year of the figure.
    pub year: i16,
    /// Who published it.
    pub source: String,
    /// Percent; `null` where the country exports more than it imports.
    pub percent: Option<BandView>,
}

impl From<&Against> for AgainstView {
    fn from(one: &Against) -> Self {
        Self {
            what: one.what.to_owned(),
            year: one.fact.year,
            source: one.fact.source.clone(),
            percent: one.percent.map(Into::into),
        }
    }
}

/// What a load emits by one reading of its grid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EmissionsView {
    /// Which reading.
    pub by: String,
    /// Of it, gCO2e a kilowatt-hour.
    pub g_per_kwh: f64,
    /// Tonnes CO2e a year.
    pub tonnes_per_year: BandView,
}

impl From<MixEmissions> for EmissionsView {
    fn from(one: MixEmissions) -> Self {
        Self { by: one.by, g_per_kwh: one.g_per_kwh, tonnes_per_year: one.tonnes.into() }
    }
}

/// A country's mining load by one source of shares and one method. The band is the method's alone: no source gives an
/// error of the share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LoadOfCountryView {
    /// The source of the share.
    pub series: String,
    /// The method.
    pub method: String,
    /// The period.
    pub period: String,
    /// Percent of the world's hash rate.
    pub share_percent: f64,
    /// Gigawatts.
    pub gw: BandView,
    /// Terawatt-hours a year at that power.
    pub twh_per_year: BandView,
    /// Against its grid, as far as that is known.
    pub against: Vec<AgainstView>,
    /// What it emits, location-based.
    pub emissions: Vec<EmissionsView>,
    /// What its best guess emits by the contracts asked for, market-based; empty without any.
    pub market: Vec<MarketView>,
}

/// What a load's best guess emits by contracts of a year, what they do not cover at the grid's mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MarketView {
    /// Which reading of the grid.
    pub by: String,
    /// Location-based, tonnes CO2e a year.
    pub location_tonnes: f64,
    /// Market-based, tonnes CO2e a year.
    pub tonnes: f64,
    /// Megawatt-hours a year under contracts.
    pub contracted_mwh: f64,
    /// Megawatt-hours a year without one.
    pub residual_mwh: f64,
    /// Megawatt-hours under contracts beyond what is used, which lower nothing.
    pub unused_mwh: f64,
}

impl From<&MarketEmissions> for MarketView {
    fn from(of: &MarketEmissions) -> Self {
        Self {
            by: of.by.clone(),
            location_tonnes: of.location_tonnes,
            tonnes: of.market.tonnes,
            contracted_mwh: of.market.contracted_mwh,
            residual_mwh: of.market.residual_mwh,
            unused_mwh: of.market.unused_mwh,
        }
    }
}

impl LoadOfCountryView {
    pub(crate) fn of(one: &Loaded<'_>, emissions: Vec<MixEmissions>, market: &[MarketEmissions]) -> Self {
        Self {
            series: one.series.key.clone(),
            method: one.method.clone(),
            period: one.load.period.to_string(),
            share_percent: one.load.share_percent,
            gw: one.load.gw.into(),
            twh_per_year: one.load.twh_per_year.into(),
            against: one.load.against.iter().map(Into::into).collect(),
            emissions: emissions.into_iter().map(Into::into).collect(),
            market: market.iter().map(Into::into).collect(),
        }
    }
}

/// A country against its grid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CountryView {
    /// Its code of three letters.
    pub country: String,
    /// Its name.
    pub name: String,
    /// Its balance by year, where tables are built in.
    pub years: Vec<NationYearView>,
    /// The claim against each estimate.
    pub claim: Option<ClaimView>,
    /// Its share in every period and source.
    pub shares: Vec<ShareView>,
    /// Its load by each source and method, top-down.
    pub loads: Vec<LoadOfCountryView>,
    /// What it rests on.
    pub assumptions: Vec<AssumptionView>,
}

/// A year in sums and extremes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TotalsView {
    /// Asked for.
    pub demand_kwh: i64,
    /// Generated at home.
    pub generation_kwh: i64,
    /// Imported, summed over the hours with net imports.
    pub import_kwh: i64,
    /// Exported, summed over the hours with net exports.
    pub export_kwh: i64,
    /// Not served.
    pub unserved_kwh: i64,
    /// The highest load.
    pub highest_load_kw: i64,
    /// What plants at home could give less the load, in the tightest hour; below zero it must be imported.
    pub least_reserve_kw: i64,
    /// The most imported in an hour.
    pub highest_import_kw: i64,
    /// Hours in which the load is above what plants at home could give.
    pub deficit_hours: u32,
    /// Energy above it.
    pub deficit_kwh: i64,
    /// Hours with net imports.
    pub import_hours: u32,
    /// Hours in which not all is served.
    pub unserved_hours: u32,
    /// Tonnes CO2e of what is used.
    pub tonnes_co2e: f64,
}

impl From<&Totals> for TotalsView {
    fn from(sum: &Totals) -> Self {
        Self {
            demand_kwh: sum.demand_kwh,
            generation_kwh: sum.generation_kwh,
            import_kwh: sum.import_kwh,
            export_kwh: sum.export_kwh,
            unserved_kwh: sum.unserved_kwh,
            highest_load_kw: sum.peak_kw,
            least_reserve_kw: sum.reserve_kw,
            highest_import_kw: sum.import_peak_kw,
            deficit_hours: sum.deficit_hours,
            deficit_kwh: sum.deficit_kwh,
            import_hours: sum.import_hours,
            unserved_hours: sum.unserved_hours,
            tonnes_co2e: sum.tonnes,
        }
    }
}

/// Means of an hour of the day over the year.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HourView {
    /// Load without the change.
    pub demand_mw: f64,
    /// Load with it.
    pub changed_demand_mw: f64,
    /// Generation at home without it.
    pub generation_mw: f64,
    /// Generation at home with it.
    pub changed_generation_mw: f64,
}

impl From<&HourOfDay> for HourView {
    fn from(hour: &HourOfDay) -> Self {
        Self {
            demand_mw: hour.demand_mw,
            changed_demand_mw: hour.changed_demand_mw,
            generation_mw: hour.generation_mw,
            changed_generation_mw: hour.changed_generation_mw,
        }
    }
}

/// The year with and without the change, by one rule of what plants at home could add.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BracketView {
    /// The rule's short name.
    pub capacity: String,
    /// The rule in words.
    pub told: String,
    /// How far the shape of demand had to be stretched; near 1 it fits.
    pub stretch: f64,
    /// Without the change.
    pub base: TotalsView,
    /// With it.
    pub changed: TotalsView,
    /// Tonnes CO2e that the change adds, or takes away.
    pub tonnes_more: f64,
    /// Means by hour of the day, from midnight on.
    pub by_hour: Vec<HourView>,
}

impl From<&Bracket> for BracketView {
    fn from(one: &Bracket) -> Self {
        Self {
            capacity: one.name.to_owned(),
            told: one.told.to_owned(),
            stretch: one.stretch,
            base: (&one.out.base).into(),
            changed: (&one.out.changed).into(),
            tonnes_more: one.out.tonnes_more(),
            by_hour: one.out.by_hour.iter().map(Into::into).collect(),
        }
    }
}

/// What if mining were more or less.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WhatIfView {
    /// The country.
    pub country: String,
    /// The year.
    pub year: i16,
    /// Megawatts more, or below zero less.
    pub change_mw: f64,
    /// When, in hours of the week.
    pub hours: String,
    /// How many of the 168.
    pub hours_of_week: u32,
    /// Hours of the year in which it acts.
    pub active_hours: u32,
    /// Energy that it adds, or takes away.
    pub change_kwh: i64,
    /// The highest load that it rests on.
    pub peak: PeakView,
    /// What the hours are: not measured.
    pub shape: String,
    /// By each rule of what plants at home could add.
    pub brackets: Vec<BracketView>,
    /// What it rests on.
    pub assumptions: Vec<AssumptionView>,
}

impl WhatIfView {
    pub(crate) fn of(
        country: CountryCode,
        year: i16,
        change: offpeak_index::grid::MiningChange,
        all: &[Bracket],
    ) -> Option<Self> {
        let first = all.first()?;
        Some(Self {
            country: country.to_string(),
            year,
            change_mw: change.mw,
            hours: change.hours.to_string(),
            hours_of_week: change.hours.count(),
            active_hours: first.out.active_hours,
            change_kwh: first.out.change_kwh,
            peak: (&first.peak).into(),
            shape: first.out.shape.clone(),
            brackets: all.iter().map(Into::into).collect(),
            assumptions: AssumptionView::list(all.iter().flat_map(|one| one.out.assumptions.iter().cloned())),
        })
    }
}
