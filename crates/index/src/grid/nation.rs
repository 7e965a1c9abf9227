//! A nation's year on one page: balance, peak, mix, and mining by each estimate.
//!
//! For: all that is known of a country's year, competing figures side by side.
//! Not for: hours (see the what-if).

use crate::world::assumption::given_number;
use crate::world::{Assumption, CountryCode, Generation, GridIntensity, Mix, hours_of_year};

use crate::world::table::{csv_line, digits};

use super::book::{Balance, Event, GridBook, PeakUse};
use super::estimate::{ClaimCheck, MiningEstimate, check_claim};

/// Mining by one estimate against the year's grid.
#[derive(Clone, Debug, PartialEq)]
pub struct MiningOnGrid {
    /// The estimate with its inputs and its own period, which may be another year.
    pub estimate: MiningEstimate,
    /// Its gigawatts.
    pub gw: f64,
    /// TWh over the year at that power.
    pub twh: f64,
    /// In percent of generation.
    pub percent_of_generation: f64,
    /// In percent of demand.
    pub percent_of_demand: f64,
    /// In percent of the highest load, where known or scaled.
    pub percent_of_peak: Option<f64>,
    /// The year's surplus (positive) or deficit in TWh had this load not been there.
    pub surplus_without_twh: f64,
}

/// A country's year.
#[derive(Clone, Debug, PartialEq)]
pub struct NationYear {
    /// The country.
    pub country: CountryCode,
    /// The year.
    pub year: i16,
    /// By each source; the first is the one used below.
    pub balances: Vec<Balance>,
    /// Highest load, published or scaled.
    pub peak: Option<PeakUse>,
    /// Generation by source, with its own vintage.
    pub mix: Option<Mix>,
    /// Mean emissions as published, with their own vintage.
    pub intensity: Option<GridIntensity>,
    /// Mining by each estimate, never merged.
    pub mining: Vec<MiningOnGrid>,
    /// What happened in the year.
    pub events: Vec<Event>,
    /// From what it was computed.
    pub assumptions: Vec<Assumption>,
}

/// A country's year from a book and the table of generation; `None` without a balance.
#[must_use]
pub fn nation_year(
    book: &GridBook,
    generation: &Generation,
    country: CountryCode,
    year: i16,
) -> Option<NationYear> {
    let used = book.balance(country, year)?;
    let peak = book.peak(country, year);
    let mut assumptions = Vec::new();
    for balance in book.balances_of(country, year) {
        let key = |what: &str| format!("{what}_{}", balance.series);
        let source = format!("{}, {year}", balance.source);
        assumptions.push(given_number(&key("generation"), balance.generation_twh, "TWh", source.clone()));
        assumptions.push(given_number(&key("demand"), balance.demand_twh, "TWh", source));
    }
    assumptions.extend(peak.iter().flat_map(PeakUse::assumptions));
    let hours = f64::from(hours_of_year(year));
    assumptions.push(given_number("hours_of_year", hours, "h", "calendar"));
    let mut mining = Vec::new();
    for estimate in book.estimates.iter().filter(|estimate| estimate.country == country) {
        let gw = estimate.gw();
        let twh = gw * hours / 1e3;
        assumptions.extend(estimate.assumptions());
        mining.push(MiningOnGrid {
            estimate: estimate.clone(),
            gw,
            twh,
            percent_of_generation: twh / used.generation_twh * 100.0,
            percent_of_demand: twh / used.demand_twh * 100.0,
            percent_of_peak: peak.as_ref().map(|peak| gw * 1e5 / peak.load_mw),
            surplus_without_twh: used.surplus_twh() + twh,
        });
    }
    let touches =
        |event: &&Event| event.country == country && (event.from.year()..=event.to.year()).contains(&year);
    Some(NationYear {
        country,
        year,
        balances: book.balances_of(country, year).cloned().collect(),
        peak,
        mix: generation.mix(country, year),
        intensity: GridIntensity::published(generation, country, year),
        mining,
        events: book.events.iter().filter(touches).cloned().collect(),
        assumptions,
    })
}

impl NationYear {
    /// A claim "mining takes X % of the country's power" against each estimate.
    #[must_use]
    pub fn claim(&self, percent: f64) -> Option<ClaimCheck> {
        let estimates: Vec<MiningEstimate> = self.mining.iter().map(|one| one.estimate.clone()).collect();
        self.balances.first().map(|balance| check_claim(percent, balance, &estimates))
    }
    /// CSV: `what,value,unit,period`; an estimate's period is its own.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let mut text = String::from("what,value,unit,period\n");
        let year = self.year.to_string();
        let mut line = |what: String, value: f64, unit: &str, period: &str| {
            text.push_str(&csv_line([what.as_str(), &digits(value), unit, period]));
        };
        for balance in &self.balances {
            line(format!("generation_{}", balance.series), balance.generation_twh, "TWh", &year);
            line(format!("demand_{}", balance.series), balance.demand_twh, "TWh", &year);
            line(format!("surplus_{}", balance.series), balance.surplus_twh(), "TWh", &year);
        }
        if let Some(peak) = &self.peak {
            let how = if peak.published { "published" } else { "scaled" };
            line(format!("highest_load_{how}"), peak.load_mw, "MW", &year);
            line(format!("generation_at_highest_load_{how}"), peak.generation_mw, "MW", &year);
        }
        for one in &self.mining {
            let (key, period) = (&one.estimate.key, one.estimate.period.to_string());
            line(format!("mining_{key}"), one.gw, "GW", &period);
            line(format!("mining_{key}_of_generation"), one.percent_of_generation, "%", &period);
            line(format!("mining_{key}_of_demand"), one.percent_of_demand, "%", &period);
            line(format!("surplus_without_mining_{key}"), one.surplus_without_twh, "TWh", &period);
        }
        text
    }
}
