//! A country's mining load: its share of the network's power, against its own grid.
//!
//! For: gigawatts with the network estimate's band, in percent of generation, demand, net imports and
//! highest load, each input with its vintage.
//! Not for: an interval of the share itself. No source gives one, so the band is the network's alone
//! and too narrow.

use crate::electricity::{Assumption, Band};

use super::assumption::{given_number, given_text};
use super::band::NetworkLoad;
use super::country::Place;
use super::month::Period;
use super::shares::{ShareSeries, Whole};
use super::table::{csv_line, digits};

/// A published figure of a grid.
#[derive(Clone, Debug, PartialEq)]
pub struct GridFact {
    /// Its value in the unit of the field it stands in.
    pub value: f64,
    /// The year it is of.
    pub year: i16,
    /// Who published it.
    pub source: String,
}

/// What is known of a country's grid; what is not known is `None`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GridFacts {
    /// TWh generated in a year.
    pub generation_twh: Option<GridFact>,
    /// TWh used in a year, losses included.
    pub demand_twh: Option<GridFact>,
    /// TWh imported less TWh exported in a year; below zero for a country that exports more.
    pub net_import_twh: Option<GridFact>,
    /// Highest load of a year in MW.
    pub peak_mw: Option<GridFact>,
}

/// The load in percent of one thing.
#[derive(Clone, Debug, PartialEq)]
pub struct Against {
    /// `generation`, `demand`, `net imports` or `highest load`.
    pub what: &'static str,
    /// The figure it is compared with.
    pub fact: GridFact,
    /// Percent; `None` where the country exports more than it imports.
    pub percent: Option<Band>,
}

/// A place's mining load in a period.
#[derive(Clone, Debug, PartialEq)]
pub struct CountryLoad {
    /// The place.
    pub place: Place,
    /// The period of the share.
    pub period: Period,
    /// Percent of the world's hash rate.
    pub share_percent: f64,
    /// Gigawatts.
    pub gw: Band,
    /// TWh a year at that power (8,766 hours).
    pub twh_per_year: Band,
    /// Against the grid, as far as it is known.
    pub against: Vec<Against>,
    /// From what it was computed.
    pub assumptions: Vec<Assumption>,
}

/// Hours of the mean year (365.25 days).
const HOURS_A_YEAR: f64 = 8_766.0;

/// Hours of a calendar year.
#[must_use]
pub(crate) fn hours_of_year(year: i16) -> u16 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if leap { 8_784 } else { 8_760 }
}

/// A place's share times the network's power; `None` when the share or the power of a month is missing,
/// or when the series is not of the world. It takes the place's machines as efficient as the rest.
#[must_use]
pub fn country_load(
    series: &ShareSeries,
    network: &NetworkLoad,
    period: Period,
    place: &Place,
    grid: &GridFacts,
) -> Option<CountryLoad> {
    if series.whole != Whole::World {
        return None;
    }
    let share_percent = series.percent(period, place)?;
    let whole = network.over(period)?;
    let gw = whole.times(share_percent / 100.0);
    let mut assumptions = series.assumptions();
    assumptions.push(given_number("share_percent", share_percent, "%", series.source.clone()));
    let method = format!("{}; {}", network.method, network.vintage);
    for (key, value) in whole.known() {
        assumptions.push(given_number(&format!("network_gw_{key}"), value, "GW", method.clone()));
    }
    assumptions.extend(network.assumptions.iter().cloned());
    assumptions.push(given_text("efficiency", "as the network's mean", "no source by country"));
    let against = against(gw, grid);
    for one in &against {
        let unit = if one.what == "highest load" { "MW" } else { "TWh/year" };
        let key = one.what.replace(' ', "_");
        let source = format!("{}, {}", one.fact.source, one.fact.year);
        assumptions.push(given_number(&key, one.fact.value, unit, source));
    }
    let twh_per_year = gw.times(HOURS_A_YEAR / 1e3);
    Some(CountryLoad { place: place.clone(), period, share_percent, gw, twh_per_year, against, assumptions })
}

fn against(gw: Band, grid: &GridFacts) -> Vec<Against> {
    let of_energy = |what, fact: &Option<GridFact>| {
        let fact = fact.clone()?;
        let twh_per_gw = f64::from(hours_of_year(fact.year)) / 1e3;
        let percent = (fact.value > 0.0).then(|| gw.times(twh_per_gw / fact.value * 100.0));
        Some(Against { what, fact, percent })
    };
    let peak = grid.peak_mw.clone().map(|fact| {
        let percent = (fact.value > 0.0).then(|| gw.times(1e3 / fact.value * 100.0));
        Against { what: "highest load", fact, percent }
    });
    let energies = [
        of_energy("generation", &grid.generation_twh),
        of_energy("demand", &grid.demand_twh),
        of_energy("net imports", &grid.net_import_twh),
        peak,
    ];
    energies.into_iter().flatten().collect()
}

impl CountryLoad {
    /// CSV: `what,year,value,percent_lower,percent_guess,percent_upper`, the load itself first in GW.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let mut text = csv_line(["what", "year", "value", "lower", "guess", "upper"]);
        let band = |band: Option<Band>| {
            band.map_or_else(Default::default, |b| {
                [b.lower.map_or_else(String::new, digits), digits(b.guess), digits(b.upper)]
            })
        };
        let [lower, guess, upper] = band(Some(self.gw));
        text.push_str(&csv_line(["load_gw", &self.period.to_string(), "", &lower, &guess, &upper]));
        for one in &self.against {
            let what = format!("percent_of_{}", one.what.replace(' ', "_"));
            let [lower, guess, upper] = band(one.percent);
            let (year, value) = (one.fact.year.to_string(), digits(one.fact.value));
            text.push_str(&csv_line([what.as_str(), &year, &value, &lower, &guess, &upper]));
        }
        text
    }
}
