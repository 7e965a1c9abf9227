//! The table that is built in.

use super::table::{Model, parse_catalogue_csv};

const MACHINES: &str = include_str!("../data/machines.csv");
const SOURCES: &str = include_str!("../data/SOURCES");

/// The machines that are built in, oldest release first.
///
/// # Panics
/// If the compiled-in text is not the table that it was when the tests ran.
#[must_use]
pub fn machines() -> Vec<Model> {
    parse_catalogue_csv(MACHINES).expect("a test reads the compiled-in table")
}

/// The row of this name.
#[must_use]
pub fn named(name: &str) -> Option<Model> {
    machines().into_iter().find(|model| model.name == name)
}

/// Where the table comes from, and its limits.
#[must_use]
pub const fn sources() -> &'static str {
    SOURCES
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::civil::date;

    use super::*;
    use crate::{Cooling, counts_for_cambridge};

    #[test]
    fn the_table_is_whole() {
        let machines = machines();
        assert!(machines.len() >= 250, "{}", machines.len());
        let names: BTreeSet<_> = machines.iter().map(|model| &model.name).collect();
        assert_eq!(names.len(), machines.len(), "each name once");
        assert!(machines.is_sorted_by_key(|model| model.release));
        for model in &machines {
            assert!(
                model.source.as_ref().is_some_and(|source| source.len() > 10),
                "{}: a source",
                model.name
            );
            assert!(model.cooling.is_some() && !model.maker.is_empty(), "{}", model.name);
            assert!((date(2008, 1, 1)..date(2026, 12, 1)).contains(&model.release), "{}", model.name);
            assert!(
                model.weight_kg.is_none_or(|kg| kg > 0.5),
                "{}: unknown is empty, never zero",
                model.name
            );
            if model.counts_for_cambridge {
                assert!(counts_for_cambridge(&model.maker, model.release), "{}", model.name);
            }
        }
        assert_eq!(machines.iter().filter(|model| model.release < date(2009, 6, 1)).count(), 3);
        let of = |cooling| machines.iter().filter(|model| model.cooling == Some(cooling)).count();
        assert!(of(Cooling::Hydro) > 30 && of(Cooling::Immersion) > 10);
    }

    #[test]
    fn efficiency_fell_by_six_powers_of_ten() {
        let machines = machines();
        let best = machines.iter().map(Model::power_over_rate_j_per_th).fold(f64::MAX, f64::min);
        assert!((9.0..10.0).contains(&best), "{best} J/TH");
        assert!(named("Intel Core i5-650").unwrap().power_over_rate_j_per_th() > 1e7);
        assert_eq!(named("no such machine"), None);
    }
}
