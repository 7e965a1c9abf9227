//! A nation's years and what-ifs, by bracket of what its plants could add.

use std::collections::BTreeMap;

use crate::grid::{
    Capacity, DemandShape, EmissionRates, GridBook, GridInputs, GridYear, GridYearError, MiningChange,
    NationYear, PeakUse, WhatIf, WhatIfError, what_if,
};
use crate::world::{CountryCode, Generation, with_header};

/// What is asked of a nation's year by the hour.
#[derive(Clone, Debug, PartialEq)]
pub struct GridQuestion<'a> {
    /// The tables.
    pub book: &'a GridBook,
    /// The country.
    pub country: CountryCode,
    /// The year; without one the last with a published highest load.
    pub year: Option<i16>,
    /// How demand runs through the year.
    pub shape: &'a DemandShape,
    /// MW that plants at home can give in each month; without it both brackets are told.
    pub capacity: Option<[f64; 12]>,
    /// MW that neighbours can deliver; `None` is without limit.
    pub import_limit_mw: Option<f64>,
    /// Whom it imports from, for emissions; without one Russia for Kazakhstan, else a grid like its own.
    pub neighbour: Option<CountryCode>,
    /// How mining changes.
    pub change: MiningChange,
}

/// A result under one rule of what plants at home could add.
#[derive(Clone, Debug, PartialEq)]
pub struct Bracket {
    /// A short name.
    pub name: &'static str,
    /// The rule in words.
    pub told: &'static str,
    /// How far the shape of demand had to be stretched.
    pub stretch: f64,
    /// The highest load it rests on.
    pub peak: PeakUse,
    /// The year with and without the change.
    pub out: WhatIf,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum GridQuestionError {
    /// No balance of that country or year.
    #[error("there is no balance of {country}{}", .year.map(|year| format!(" for {year}")).unwrap_or_default())]
    Balance {
        /// Its name.
        country: &'static str,
        /// The year, where one was asked for.
        year: Option<i16>,
    },
    /// No highest load of that country.
    #[error("no highest load of {0} is known")]
    Peak(&'static str),
    /// No emissions of the country or of whom it imports from.
    #[error("no emissions are published for {0} or {1} up to {2}")]
    Emissions(&'static str, &'static str, i16),
    /// Figures that contradict each other.
    #[error("{0} {1} cannot be laid out by the hour")]
    Year(&'static str, i16, #[source] GridYearError),
    /// A change that cannot be.
    #[error(transparent)]
    Change(#[from] WhatIfError),
}

/// The year with and without the change: by the given capacity, else by both brackets.
///
/// # Errors
/// [`GridQuestionError`] where something is not known, or cannot be.
pub fn brackets(asked: &GridQuestion<'_>) -> Result<(i16, Vec<Bracket>), GridQuestionError> {
    let GridQuestion { book, country, .. } = asked;
    let name = country.name();
    let missing = || GridQuestionError::Balance { country: name, year: asked.year };
    let years = book.years(*country);
    let published = |year: &&i16| book.peak(*country, **year).is_some_and(|peak| peak.published);
    let year = asked.year.or_else(|| years.iter().rev().find(published).copied());
    let year = year.or(years.last().copied()).ok_or_else(missing)?;
    let balance = book.balance(*country, year).ok_or_else(missing)?;
    let peak = book.peak(*country, year).ok_or(GridQuestionError::Peak(name))?;
    let own = if *country == CountryCode::KAZAKHSTAN { CountryCode::RUSSIA } else { *country };
    let neighbour = asked.neighbour.unwrap_or(own);
    let rates = EmissionRates::published(Generation::embedded(), *country, neighbour, year)
        .ok_or(GridQuestionError::Emissions(name, neighbour.name(), year))?;
    let rules = match asked.capacity {
        Some(months) => vec![("given", "plants at home up to the given capacity", Capacity::Months(months))],
        None => vec![
            (
                "as-at-peak",
                "plants at home could add up to what they gave in the highest hour",
                Capacity::AsAtPeak,
            ),
            ("no-spare", "plants at home could add nothing", Capacity::NoSpare),
        ],
    };
    let mut list = Vec::new();
    for (rule, told, capacity) in rules {
        let inputs = GridInputs {
            balance,
            peak: &peak,
            shape: asked.shape,
            capacity,
            import_limit_mw: asked.import_limit_mw,
        };
        let grid = GridYear::build(&inputs).map_err(|source| GridQuestionError::Year(name, year, source))?;
        let out = what_if(&grid, &asked.change, &rates)?;
        list.push(Bracket { name: rule, told, stretch: grid.stretch, peak: peak.clone(), out });
    }
    Ok((year, list))
}

/// All brackets, each under its own header where that was asked for, since their capacity differs.
#[must_use]
pub fn brackets_csv(brackets: &[Bracket], header: bool) -> String {
    let mut text = String::from("capacity,what,unit,base,changed\n");
    let mut heads = String::new();
    for one in brackets {
        if header {
            heads.push_str(&with_header(&format!("what if, {}", one.name), &one.out.assumptions, ""));
        }
        for line in one.out.to_csv().lines().skip(1) {
            text.push_str(&format!("{},{line}\n", one.name));
        }
    }
    heads + &text
}

/// The years one below the other: `year` before the columns of a year's table.
#[must_use]
pub fn nation_csv(shown: &[NationYear]) -> String {
    let mut text = String::from("year,what,value,unit,period\n");
    for one in shown {
        for line in one.to_csv().lines().skip(1) {
            text.push_str(&format!("{},{line}\n", one.year));
        }
    }
    text
}

/// The year that most estimates of a country's mining are of, where the book has it.
#[must_use]
pub fn estimates_year(book: &GridBook, country: CountryCode) -> Option<i16> {
    let years = book.years(country);
    let mut count: BTreeMap<i16, usize> = BTreeMap::new();
    for estimate in book.estimates.iter().filter(|one| one.country == country) {
        *count.entry(estimate.period.first().year()).or_default() += 1;
    }
    let known = count.into_iter().filter(|(year, _)| years.contains(year));
    known.max_by_key(|(_, count)| *count).map(|(year, _)| year)
}
