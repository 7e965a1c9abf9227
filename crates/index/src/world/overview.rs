//! The world in one period: each place's rank, load and emissions, and what that says of the whole.
//!
//! For: one table a series and period, and the network's mean emissions implied by where the series puts
//! it: the mean of the grids' intensities, weighted by share.
//! Not for: places without a known grid ("other", and what is not reported): they have no emissions here,
//! and the part of the hash rate that has is stated.

use crate::electricity::{Assumption, Band};

use super::assumption::{given_number, given_text};
use super::band::NetworkLoad;
use super::country::Place;
use super::generation::Generation;
use super::month::Period;
use super::shares::{ShareSeries, Whole};
use super::table::{csv_line, digits};

/// Hours of the mean year (365.25 days).
const HOURS_A_YEAR: f64 = 8_766.0;

/// A place in the table.
#[derive(Clone, Debug, PartialEq)]
pub struct OverviewRow {
    /// The place.
    pub place: Place,
    /// Its rank; `None` for a reported zero and for what the source calls other.
    pub rank: Option<usize>,
    /// Percent of the world's hash rate.
    pub percent: f64,
    /// Whether the source marks it as doubtful.
    pub marked: bool,
    /// Gigawatts; `None` when the network's power is not known for the period.
    pub gw: Option<Band>,
    /// Percent of the country's generation, by the best guess, and the year of that generation.
    pub percent_of_generation: Option<(f64, i16)>,
    /// gCO2e/kWh of its grid as published, and the year.
    pub g_per_kwh: Option<(f64, i16)>,
    /// Megatonnes CO2e a year at that power, location-based.
    pub mt_per_year: Option<Band>,
}

/// The world in one period, by one series.
#[derive(Clone, Debug, PartialEq)]
pub struct Overview {
    /// The series' key.
    pub series: String,
    /// The period.
    pub period: Period,
    /// Places, the largest first.
    pub rows: Vec<OverviewRow>,
    /// Percent of the hash rate that is not reported for any place.
    pub remainder_percent: f64,
    /// Mean gCO2e/kWh of the places whose grid is known, weighted by share.
    pub g_per_kwh: Option<f64>,
    /// Percent of the hash rate that this mean stands for.
    pub covered_percent: f64,
    /// From what it was computed.
    pub assumptions: Vec<Assumption>,
}

/// The table of a period; `None` when the series has no figures for it or is not of the world.
#[must_use]
pub fn overview(
    series: &ShareSeries,
    network: Option<&NetworkLoad>,
    period: Period,
    generation: &Generation,
) -> Option<Overview> {
    if series.whole != Whole::World {
        return None;
    }
    let places = series.points.get(&period)?;
    let power = network.and_then(|network| network.over(period));
    let ranks = series.ranks(period);
    let year = period.first().year();
    let mut assumptions = series.assumptions();
    assumptions.push(given_text("period", period.to_string(), "argument"));
    if let (Some(network), Some(power)) = (network, power) {
        let source = format!("{}; {}", network.method, network.vintage);
        for (key, value) in power.known() {
            let key = format!("network_gw_{key}");
            assumptions.push(given_number(&key, value, "GW", source.clone()));
        }
        assumptions.extend(network.assumptions.iter().cloned());
    }
    let mut rows = Vec::new();
    for (place, point) in places {
        let mut row = OverviewRow {
            place: place.clone(),
            rank: ranks.iter().find(|rank| rank.place == *place).map(|rank| rank.rank),
            percent: point.percent,
            marked: point.marked,
            gw: power.map(|power| power.times(point.percent / 100.0)),
            percent_of_generation: None,
            g_per_kwh: None,
            mt_per_year: None,
        };
        let key = format!("share_{}", place.key());
        assumptions.push(given_number(&key, point.percent, "%", series.source.clone()));
        ground(&mut row, generation, year, &mut assumptions);
        rows.push(row);
    }
    rows.sort_by(|a, b| b.percent.total_cmp(&a.percent));
    let known = || rows.iter().filter_map(|row| row.g_per_kwh.map(|(grams, _)| (row.percent, grams)));
    let covered_percent: f64 = known().map(|(percent, _)| percent).sum();
    let weighted: f64 = known().map(|(percent, grams)| percent * grams).sum();
    Some(Overview {
        series: series.key.clone(),
        period,
        remainder_percent: series.remainder_percent(period).unwrap_or_default(),
        g_per_kwh: (covered_percent > 0.0).then(|| weighted / covered_percent),
        covered_percent,
        rows,
        assumptions,
    })
}

/// What is known of the place's grid.
fn ground(row: &mut OverviewRow, generation: &Generation, year: i16, assumptions: &mut Vec<Assumption>) {
    let Place::Country(country) = row.place else { return };
    let source = |year: i16| format!("{}, {year}", generation.source());
    if let Some(mix) = generation.mix(country, year) {
        let total = mix.total_twh();
        let key = format!("generation_{country}");
        assumptions.push(given_number(&key, total, "TWh", source(mix.year)));
        let percent = |gw: Band| gw.guess * HOURS_A_YEAR / 1e3 / total * 100.0;
        row.percent_of_generation = row.gw.filter(|_| total > 0.0).map(|gw| (percent(gw), mix.year));
    }
    if let Some((of, grams)) = generation.intensity(country, year) {
        let key = format!("grid_intensity_{country}");
        assumptions.push(given_number(&key, grams, "gCO2e/kWh", source(of)));
        row.g_per_kwh = Some((grams, of));
        // GW x hours are GWh; x g/kWh are tonnes.
        row.mt_per_year = row.gw.map(|gw| gw.times(HOURS_A_YEAR * grams / 1e6));
    }
}

impl Overview {
    /// CSV, one row a place.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let mut text = csv_line([
            "rank",
            "place",
            "name",
            "share_percent",
            "gw_lower",
            "gw_guess",
            "gw_upper",
            "percent_of_generation",
            "generation_year",
            "g_per_kwh",
            "intensity_year",
            "mt_per_year",
        ]);
        let number = |value: Option<f64>| value.map(digits).unwrap_or_default();
        let year = |value: Option<(f64, i16)>| value.map(|(_, year)| year.to_string()).unwrap_or_default();
        for row in &self.rows {
            let cells = [
                row.rank.map(|rank| rank.to_string()).unwrap_or_default(),
                row.place.key().to_owned(),
                row.place.name().to_owned(),
                row.percent.to_string(),
                number(row.gw.and_then(|gw| gw.lower)),
                number(row.gw.map(|gw| gw.guess)),
                number(row.gw.map(|gw| gw.upper)),
                number(row.percent_of_generation.map(|(percent, _)| percent)),
                year(row.percent_of_generation),
                number(row.g_per_kwh.map(|(grams, _)| grams)),
                year(row.g_per_kwh),
                number(row.mt_per_year.map(|mt| mt.guess)),
            ];
            text.push_str(&csv_line(cells.iter().map(String::as_str)));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{Month, embedded_shares};

    fn august() -> NetworkLoad {
        let gw = [(Month::new(2021, 8).unwrap(), Band { lower: Some(4.0), guess: 8.33, upper: 18.0 })];
        NetworkLoad {
            method: "given".to_owned(),
            vintage: "test".to_owned(),
            assumptions: Vec::new(),
            gw: gw.into_iter().collect(),
        }
    }

    #[test]
    fn the_world_in_august_2021() {
        let period = "2021-08".parse().unwrap();
        let all = overview(&embedded_shares()[0], Some(&august()), period, Generation::embedded()).unwrap();
        let places: Vec<_> = all.rows.iter().map(|row| (row.rank, row.place.key())).collect();
        let expected =
            [(Some(1), "USA"), (Some(2), "KAZ"), (Some(3), "RUS"), (Some(4), "CAN"), (None, "CHN")];
        assert_eq!(places, expected);
        let kazakhstan = &all.rows[1];
        assert!((kazakhstan.gw.unwrap().guess - 1.50773).abs() < 1e-9);
        assert!((kazakhstan.mt_per_year.unwrap().guess - 1.50773 * 8.766 * 0.8339).abs() < 1e-9);
        assert!((kazakhstan.percent_of_generation.unwrap().0 - 11.56).abs() < 0.01);
        assert!((all.covered_percent - 74.3).abs() < 1e-9 && (all.remainder_percent - 25.7).abs() < 1e-9);
        assert!((450.0..550.0).contains(&all.g_per_kwh.unwrap()), "{:?}", all.g_per_kwh);
        assert_eq!(all.to_csv().lines().count(), 6);
    }

    #[test]
    fn without_the_networks_power_the_shares_remain() {
        let period = "2022-01".parse().unwrap();
        let all = overview(&embedded_shares()[0], Some(&august()), period, Generation::embedded()).unwrap();
        assert!(all.rows.iter().all(|row| row.gw.is_none() && row.mt_per_year.is_none()));
        assert!(all.g_per_kwh.is_some());
        let none = overview(&embedded_shares()[0], None, "2020-01".parse().unwrap(), Generation::embedded());
        assert_eq!(none, None);
    }
}
