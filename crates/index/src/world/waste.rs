//! Electronic waste and water.
//!
//! For: waste by the method of de Vries and Stoll (2021): the installed mass over the mean life of a
//! machine; water by published factors a kWh.
//! Not for: what happens to the machines. The method takes each as scrap when it stops paying at one
//! price; many are sold on to where power is cheaper, which makes it an upper figure.

use std::collections::BTreeMap;

use crate::electricity::{Assumption, Band};

use super::assumption::given_number;
use super::carbon::{factor_sets, singles};
use super::generation::{Fuel, Mix};

/// Mean life of a machine in years, by de Vries and Stoll (2021).
pub const EWASTE_LIFE_YEARS: f64 = 1.29;

/// Litres in a US gallon, by definition (231 cubic inches).
const LITRES_A_GALLON: f64 = 3.785_411_784;

/// Waste with what it rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct EWaste {
    /// Kilotonnes a year.
    pub kt_per_year: f64,
    /// From what it was computed.
    pub assumptions: Vec<Assumption>,
}

/// Mass of the machines that pay (the electricity index gives it) over life; `None` unless both are above zero and finite.
#[must_use]
pub fn ewaste(installed_kg: f64, life_years: f64) -> Option<EWaste> {
    let good = |value: f64| value.is_finite() && value > 0.0;
    if !good(installed_kg) || !good(life_years) {
        return None;
    }
    let source =
        "de Vries and Stoll, Resources, Conservation and Recycling 175 105901 (2021), unless changed";
    let assumptions = vec![
        given_number("installed_mass", installed_kg, "kg", "argument"),
        given_number("machine_life", life_years, "years", source),
    ];
    Some(EWaste { kt_per_year: installed_kg / life_years / 1e6, assumptions })
}

/// Water with what it rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct Water {
    /// Gigalitres (millions of cubic metres) for the energy asked about.
    pub gigalitres: Band,
    /// Litres a kWh.
    pub l_per_kwh: f64,
    /// Which part of the generation has a factor, 0 to 1; the rest is taken as like it.
    pub covered: f64,
    /// From what it was computed.
    pub assumptions: Vec<Assumption>,
}

/// Water by one factor for all power; `None` asks for Digiconomist's.
#[must_use]
pub fn water(energy_twh: Band, factor: Option<(f64, &str)>) -> Water {
    let published = || {
        let all = singles().into_iter().find(|one| one.key == "digiconomist_water");
        all.expect("the embedded figures have it: a test reads it")
    };
    let factor = match factor {
        Some((value, source)) => given_number("water_factor", value, "l/kWh", source),
        None => published(),
    };
    let l_per_kwh = factor.value.parse().expect("written from a number");
    Water { gigalitres: energy_twh.times(l_per_kwh), l_per_kwh, covered: 1.0, assumptions: vec![factor] }
}

/// Water consumption of power plants by source.
#[derive(Clone, Debug, PartialEq)]
pub struct WaterFactors {
    /// A short name for files and arguments.
    pub key: String,
    /// Who published them, where and when.
    pub source: String,
    /// Litres a kWh; a source that is absent has no factor.
    pub l_per_kwh: BTreeMap<Fuel, f64>,
}

impl WaterFactors {
    /// The embedded sets: the medians of Macknick and others (2012).
    #[must_use]
    pub fn embedded() -> Vec<Self> {
        let sets = factor_sets(include_str!("../../data/world/factors/water.csv"));
        let litres = |gal_per_mwh: f64| gal_per_mwh * LITRES_A_GALLON / 1e3;
        let set = |(key, _, source, values): (String, String, String, BTreeMap<Fuel, f64>)| Self {
            key,
            source,
            l_per_kwh: values.into_iter().map(|(fuel, gallons)| (fuel, litres(gallons))).collect(),
        };
        sets.into_iter().map(set).collect()
    }
}

/// Water of the plants behind a country's mix; `None` when no source of the mix has a factor.
#[must_use]
pub fn water_by_mix(energy_twh: Band, mix: &Mix, factors: &WaterFactors) -> Option<Water> {
    let mut assumptions = Vec::new();
    let (mut litres, mut covered) = (0.0, 0.0);
    for (fuel, twh) in &mix.twh {
        let vintage = format!("{}, {} of {}", mix.source, mix.country.name(), mix.year);
        assumptions.push(given_number(&format!("generation_{}", fuel.name()), *twh, "TWh", vintage));
        if let Some(factor) = factors.l_per_kwh.get(fuel) {
            let key = format!("water_{}", fuel.name());
            assumptions.push(given_number(&key, *factor, "l/kWh", factors.source.clone()));
            litres += factor * twh;
            covered += twh;
        }
    }
    if covered <= 0.0 {
        return None;
    }
    let l_per_kwh = litres / covered;
    let covered = covered / mix.total_twh();
    Some(Water { gigalitres: energy_twh.times(l_per_kwh), l_per_kwh, covered, assumptions })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::exactly;
    use crate::world::{CountryCode, Generation};

    #[test]
    fn the_published_result_of_may_2021_comes_back() {
        // 30.7 kt a year at 1.29 years means 39.6 kt installed.
        let waste = ewaste(39.603e6, EWASTE_LIFE_YEARS).unwrap();
        assert!((waste.kt_per_year - 30.7).abs() < 1e-3);
        let published = singles().into_iter().find(|one| one.key == "ewaste_life").unwrap();
        assert_eq!(published.value, EWASTE_LIFE_YEARS.to_string());
        assert_eq!(ewaste(1.0, 0.0), None);
        assert_eq!(ewaste(f64::NAN, 1.0), None);
    }

    #[test]
    fn water_by_one_factor_and_by_the_mix() {
        let one = water(exactly(141.9), None);
        assert!((one.gigalitres.guess - 2_237.0).abs() < 1.0, "de Vries 2023: 2,237 GL at 141.9 TWh");
        assert_eq!(water(exactly(10.0), Some((2.0, "stated"))).gigalitres.guess, 20.0);
        let mix = Generation::embedded().mix(CountryCode::KAZAKHSTAN, 2021).unwrap();
        let by_mix = water_by_mix(exactly(8.06), &mix, &WaterFactors::embedded()[0]).unwrap();
        // Hydropower is 8 % of the mix and 43 % of the water.
        assert!((by_mix.l_per_kwh - 3.15).abs() < 0.01, "{}", by_mix.l_per_kwh);
        assert!(by_mix.covered < 1.0 && by_mix.covered > 0.99);
    }
}
