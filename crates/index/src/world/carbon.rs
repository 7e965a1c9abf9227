//! Emissions of a load: by the mix of its grid, and by contracts it declares.
//!
//! For: both of the Greenhouse Gas Protocol's views (Scope 2 Guidance, 2015) side by side: location-based
//! (energy times the grid's mean) and market-based (contracts first, the rest by a residual mix).
//! Not for: the effect of one more megawatt, which the mean of a grid does not tell.

use std::collections::BTreeMap;

use crate::electricity::{Assumption, Band};

use super::assumption::{given_number, given_text};
use super::country::CountryCode;
use super::generation::{Fuel, Generation, Mix};
use super::table::Table;

/// Emission factors by source, as one publisher has them.
#[derive(Clone, Debug, PartialEq)]
pub struct EmissionFactors {
    /// A short name for files and arguments.
    pub key: String,
    /// A name for readers.
    pub title: String,
    /// Who published them, where and when.
    pub source: String,
    /// gCO2e/kWh; a source that is absent has no factor.
    pub g_per_kwh: BTreeMap<Fuel, f64>,
}

impl EmissionFactors {
    /// The embedded sets: Cambridge's and the IPCC's medians of 2014.
    #[must_use]
    pub fn embedded() -> Vec<Self> {
        let text = include_str!("../../data/world/factors/emission.csv");
        let sets = factor_sets(text).into_iter();
        sets.map(|(key, title, source, g_per_kwh)| Self { key, title, source, g_per_kwh }).collect()
    }
}

/// Sets of factors by fuel: key, title, source, values.
pub(super) fn factor_sets(factors: &str) -> Vec<(String, String, String, BTreeMap<Fuel, f64>)> {
    const EMBEDDED: &str = "the embedded factors are well formed: a test reads them";
    let sets = Table::read(include_str!("../../data/world/factors/sets.csv")).expect(EMBEDDED);
    let factors = Table::read(factors).expect(EMBEDDED);
    let mut found = Vec::new();
    for set in sets.rows() {
        let mut values = BTreeMap::new();
        for row in factors.rows().filter(|row| row.text(0) == set.text(0)) {
            let fuel = row.parse(1, "a source").expect(EMBEDDED);
            values.insert(fuel, row.need_amount(2).expect(EMBEDDED));
        }
        if !values.is_empty() {
            found.push((set.text(0).to_owned(), set.text(1).to_owned(), set.text(2).to_owned(), values));
        }
    }
    found
}

/// Published intensities of the whole network, and other single figures: key, value, unit, source.
#[must_use]
pub fn network_intensities() -> Vec<Assumption> {
    singles().into_iter().filter(|one| one.unit == "gCO2e/kWh").collect()
}

/// All single published figures.
pub(super) fn singles() -> Vec<Assumption> {
    const EMBEDDED: &str = "the embedded figures are well formed: a test reads them";
    let table = Table::read(include_str!("../../data/world/factors/single.csv")).expect(EMBEDDED);
    let unit = |text: &str| match text {
        "l/kWh" => "l/kWh",
        "years" => "years",
        "kt/year" => "kt/year",
        _ => "gCO2e/kWh",
    };
    let row = |row: super::table::Row<'_>| {
        let value = row.need_amount(1).expect(EMBEDDED);
        given_number(row.text(0), value, unit(row.text(2)), row.text(3))
    };
    table.rows().map(row).collect()
}

/// A grid's mean emissions per energy.
#[derive(Clone, Debug, PartialEq)]
pub struct GridIntensity {
    /// gCO2e/kWh.
    pub g_per_kwh: f64,
    /// Which part of the generation has a factor, 0 to 1; the rest is taken as like it.
    pub covered: f64,
    /// From what it was computed.
    pub assumptions: Vec<Assumption>,
}

impl GridIntensity {
    /// The mean of a mix by one set of factors; `None` when no source of the mix has a factor.
    #[must_use]
    pub fn of_mix(mix: &Mix, factors: &EmissionFactors) -> Option<Self> {
        let mut assumptions = Vec::new();
        let (mut grams, mut covered) = (0.0, 0.0);
        for (fuel, twh) in &mix.twh {
            let vintage = format!("{}, {} of {}", mix.source, mix.country.name(), mix.year);
            assumptions.push(given_number(&format!("generation_{}", fuel.name()), *twh, "TWh", vintage));
            if let Some(factor) = factors.g_per_kwh.get(fuel) {
                let key = format!("factor_{}", fuel.name());
                assumptions.push(given_number(&key, *factor, "gCO2e/kWh", factors.source.clone()));
                grams += factor * twh;
                covered += twh;
            }
        }
        let total = mix.total_twh();
        let share = covered / total;
        (covered > 0.0).then(|| Self { g_per_kwh: grams / covered, covered: share, assumptions })
    }
    /// As published for a country and the latest year up to this one.
    #[must_use]
    pub fn published(generation: &Generation, country: CountryCode, year: i16) -> Option<Self> {
        let (year, g_per_kwh) = generation.intensity(country, year)?;
        let source = format!("{}, {} of {year}", generation.source(), country.name());
        let one = given_number("grid_intensity", g_per_kwh, "gCO2e/kWh", source);
        Some(Self { g_per_kwh, covered: 1.0, assumptions: vec![one] })
    }
}

/// Emissions with what they rest on.
#[derive(Clone, Debug, PartialEq)]
pub struct Emissions {
    /// Tonnes of CO2 equivalent.
    pub tonnes: Band,
    /// From what they were computed.
    pub assumptions: Vec<Assumption>,
}

/// Energy times the mean of the grid it is taken from.
#[must_use]
pub fn location_based(energy_mwh: Band, grid: &GridIntensity) -> Emissions {
    let mut assumptions = grid.assumptions.clone();
    assumptions.push(given_number("energy", energy_mwh.guess, "MWh", "argument"));
    assumptions.push(given_text("emissions_view", "location-based", "GHG Protocol Scope 2 Guidance, 2015"));
    Emissions { tonnes: energy_mwh.times(grid.g_per_kwh / 1e3), assumptions }
}

/// A contract for power of a stated origin.
#[derive(Clone, Debug, PartialEq)]
pub struct Contract {
    /// Its name.
    pub name: String,
    /// Energy it covers in the period.
    pub energy_mwh: f64,
    /// gCO2e/kWh of what it buys.
    pub g_per_kwh: f64,
    /// The instrument: a supply contract, a guarantee of origin, a declaration without proof.
    pub instrument: String,
}

/// What the power without a contract is taken to emit.
#[derive(Clone, Debug, PartialEq)]
pub struct Residual {
    /// gCO2e/kWh.
    pub g_per_kwh: f64,
    /// Where it comes from.
    pub source: String,
}

impl Residual {
    /// The grid's mean where no residual mix is published. It counts clean power that others have
    /// bought a second time, so it is too low.
    #[must_use]
    pub fn grid_mean(grid: &GridIntensity) -> Self {
        let source = "mean of the grid, for want of a published residual mix: too low where others have \
                      bought the clean power";
        Self { g_per_kwh: grid.g_per_kwh, source: source.to_owned() }
    }
}

impl core::str::FromStr for Contract {
    type Err = String;
    /// `wind farm:900000:13`: a name, MWh a year, gCO2e/kWh. Nothing proves it.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            |what: &str| format!("`{text}`: {what}; expected NAME:MWH:G_PER_KWH, such as wind:900000:13");
        let number = |text: &str, most: f64, what: &str| {
            let number = text.parse().ok().filter(|number: &f64| (0.0..=most).contains(number));
            number.ok_or_else(|| wrong(&format!("`{text}` is no number of {what} from 0 to {most}")))
        };
        let mut parts = text.rsplitn(3, ':').map(str::trim);
        let (Some(grams), Some(energy), Some(name)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(wrong("a part is missing"));
        };
        if name.is_empty() {
            return Err(wrong("the contract has no name"));
        }
        Ok(Self {
            name: name.to_owned(),
            energy_mwh: number(energy, 1e9, "MWh")?,
            g_per_kwh: number(grams, 10_000.0, "gCO2e/kWh")?,
            instrument: "declared by who asks, without proof".to_owned(),
        })
    }
}

/// Emissions by declared contracts.
#[derive(Clone, Debug, PartialEq)]
pub struct MarketBased {
    /// Tonnes of CO2 equivalent.
    pub tonnes: f64,
    /// Energy under contracts, at most the energy used.
    pub contracted_mwh: f64,
    /// Energy without a contract, at the residual mix.
    pub residual_mwh: f64,
    /// Contracted energy beyond what was used, which lowers nothing.
    pub unused_mwh: f64,
    /// From what they were computed.
    pub assumptions: Vec<Assumption>,
}

/// Contracts first, the rest by the residual mix. Contracts for more than was used are scaled down
/// alike. Amounts below zero or not finite count as zero.
#[must_use]
pub fn market_based(energy_mwh: f64, contracts: &[Contract], residual: &Residual) -> MarketBased {
    let amount = |value: f64| if value.is_finite() { value.max(0.0) } else { 0.0 };
    let energy_mwh = amount(energy_mwh);
    let declared: f64 = contracts.iter().map(|contract| amount(contract.energy_mwh)).sum();
    let contracted_mwh = declared.min(energy_mwh);
    let credited = if declared > 0.0 { contracted_mwh / declared } else { 0.0 };
    let residual_mwh = energy_mwh - contracted_mwh;
    let mut assumptions = vec![
        given_number("energy", energy_mwh, "MWh", "argument"),
        given_number("residual_mix", residual.g_per_kwh, "gCO2e/kWh", residual.source.clone()),
        given_text("emissions_view", "market-based", "GHG Protocol Scope 2 Guidance, 2015"),
    ];
    let mut kilograms = residual_mwh * residual.g_per_kwh;
    for (at, contract) in contracts.iter().enumerate() {
        let energy = amount(contract.energy_mwh);
        kilograms += energy * credited * contract.g_per_kwh;
        let source = format!("{}: {}", contract.name, contract.instrument);
        let key = |what: &str| format!("contract_{}_{what}", at + 1);
        assumptions.push(given_number(&key("energy"), energy, "MWh", source.clone()));
        assumptions.push(given_number(&key("factor"), contract.g_per_kwh, "gCO2e/kWh", source));
    }
    let unused_mwh = declared - contracted_mwh;
    MarketBased { tonnes: kilograms / 1e3, contracted_mwh, residual_mwh, unused_mwh, assumptions }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::exactly;

    fn kazakhstan(key: &str) -> GridIntensity {
        let mix = Generation::embedded().mix(CountryCode::KAZAKHSTAN, 2021).unwrap();
        let sets = EmissionFactors::embedded();
        GridIntensity::of_mix(&mix, sets.iter().find(|set| set.key == key).unwrap()).unwrap()
    }

    #[test]
    fn two_sets_of_factors_and_the_published_mean_disagree() {
        let cambridge = kazakhstan("cambridge");
        // (69.29 x 1001 + 0.09 x 840 + 32.92 x 486 + 1.29 x 35.5 + 1.67 x 13 + 9.09 x 21) / 114.35
        assert!((cambridge.g_per_kwh - 749.387).abs() < 1e-3, "{}", cambridge.g_per_kwh);
        assert_eq!(cambridge.covered, 1.0);
        let ipcc = kazakhstan("ipcc2014");
        assert!((ipcc.covered - (1.0 - 0.09 / 114.35)).abs() < 1e-12);
        assert!((ipcc.g_per_kwh - 641.0).abs() < 1.0, "{}", ipcc.g_per_kwh);
        let published = GridIntensity::published(Generation::embedded(), CountryCode::KAZAKHSTAN, 2021);
        assert_eq!(published.unwrap().g_per_kwh, 833.9);
    }

    #[test]
    fn a_gigawatt_for_a_year_on_that_grid() {
        let emissions = location_based(exactly(8.76e6), &kazakhstan("cambridge"));
        assert!((emissions.tonnes.guess / 1e6 - 6.5646).abs() < 1e-3);
        assert!(emissions.assumptions.iter().any(|one| one.key == "factor_coal" && one.value == "1001"));
    }

    #[test]
    fn contracts_come_first_and_never_cover_more_than_was_used() {
        let residual = Residual { g_per_kwh: 800.0, source: "stated".to_owned() };
        let wind = |energy_mwh| Contract {
            name: "wind farm".to_owned(),
            energy_mwh,
            g_per_kwh: 13.0,
            instrument: "supply contract".to_owned(),
        };
        let part = market_based(1_000.0, &[wind(400.0)], &residual);
        assert_eq!((part.contracted_mwh, part.residual_mwh, part.unused_mwh), (400.0, 600.0, 0.0));
        assert!((part.tonnes - (400.0 * 13.0 + 600.0 * 800.0) / 1e3).abs() < 1e-9);
        let more = market_based(1_000.0, &[wind(3_000.0), wind(1_000.0)], &residual);
        assert_eq!((more.contracted_mwh, more.residual_mwh, more.unused_mwh), (1_000.0, 0.0, 3_000.0));
        assert!((more.tonnes - 13.0).abs() < 1e-9);
        assert_eq!(market_based(1_000.0, &[], &residual).tonnes, 800.0);
    }

    #[test]
    fn the_networks_intensities_compete() {
        let values: Vec<_> = network_intensities().into_iter().map(|one| one.value).collect();
        assert_eq!(values, ["506.7", "288", "557.8"]);
    }
}
