//! Electricity generation of countries by source, and the carbon intensity published for it.
//!
//! For: a country's mix and its vintage. The embedded table is Our World in Data's (CC BY 4.0), mixes
//! from 2009 to 2022, intensities to 2024.
//! Not for: demand and peaks, which that table does not have (see `grid`).

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::LazyLock;

use super::country::CountryCode;
use super::table::{Row, Table, TableError};

/// What electricity is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fuel {
    /// Coal and lignite.
    Coal,
    /// Oil products.
    Oil,
    /// Natural gas.
    Gas,
    /// Nuclear.
    Nuclear,
    /// Hydropower.
    Hydro,
    /// Wind.
    Wind,
    /// Photovoltaics and solar heat.
    Solar,
    /// Biomass and biogas.
    Bioenergy,
    /// Geothermal, waves and the rest of the renewables.
    Other,
}

impl Fuel {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Coal,
        Self::Oil,
        Self::Gas,
        Self::Nuclear,
        Self::Hydro,
        Self::Wind,
        Self::Solar,
        Self::Bioenergy,
        Self::Other,
    ];
    /// The name in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Coal => "coal",
            Self::Oil => "oil",
            Self::Gas => "gas",
            Self::Nuclear => "nuclear",
            Self::Hydro => "hydro",
            Self::Wind => "wind",
            Self::Solar => "solar",
            Self::Bioenergy => "bioenergy",
            Self::Other => "other",
        }
    }
}

impl FromStr for Fuel {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|fuel| fuel.name() == text).ok_or(())
    }
}

/// A country's generation of a year by source.
#[derive(Clone, Debug, PartialEq)]
pub struct Mix {
    /// The country.
    pub country: CountryCode,
    /// The year: the figures' vintage.
    pub year: i16,
    /// TWh by source; a source that is absent is zero or unreported.
    pub twh: BTreeMap<Fuel, f64>,
    /// Who published it.
    pub source: String,
}

impl Mix {
    /// The sum of the sources, in TWh.
    #[must_use]
    pub fn total_twh(&self) -> f64 {
        self.twh.values().sum()
    }
}

/// Tables of generation and carbon intensity.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Generation {
    mixes: BTreeMap<(CountryCode, i16), BTreeMap<Fuel, f64>>,
    intensities: BTreeMap<(CountryCode, i16), f64>,
    source: String,
}

static EMBEDDED: LazyLock<Generation> = LazyLock::new(|| {
    Generation::from_csv(
        include_str!("../../data/world/generation/mix.csv"),
        include_str!("../../data/world/generation/intensity.csv"),
        "Our World in Data (CC BY 4.0), from Ember and the Energy Institute",
    )
    .expect("the embedded tables are well formed: a test reads them")
});

impl Generation {
    /// The embedded tables.
    #[must_use]
    pub fn embedded() -> &'static Self {
        &EMBEDDED
    }
    /// Tables of the embedded form: `code,source,2009,2010,...` in TWh and `code,2009,2010,...` in
    /// gCO2e/kWh. An empty field was not reported.
    ///
    /// # Errors
    /// [`TableError`] with the line, for an unknown country or source, a header that is no year, or a
    /// figure that is no number of zero or more.
    pub fn from_csv(mix: &str, intensity: &str, source: &str) -> Result<Self, TableError> {
        let mut new = Self { source: source.to_owned(), ..Self::default() };
        let table = Table::read(mix)?;
        let (code, fuel) = (table.need(&["code"])?, table.need(&["source"])?);
        let columns = years(&table, 2)?;
        for row in table.rows() {
            let country = row.parse(code, "a country")?;
            let fuel: Fuel = row.parse(fuel, "a source such as coal")?;
            for (year, value) in values(row, &columns)? {
                if new.mixes.entry((country, year)).or_default().insert(fuel, value).is_some() {
                    let what = format!("{} of {country} in {year}", fuel.name());
                    return Err(TableError::Twice { line: row.line, what });
                }
            }
        }
        let table = Table::read(intensity)?;
        let code = table.need(&["code"])?;
        let columns = years(&table, 1)?;
        for row in table.rows() {
            let country = row.parse(code, "a country")?;
            for (year, value) in values(row, &columns)? {
                if new.intensities.insert((country, year), value).is_some() {
                    return Err(TableError::Twice { line: row.line, what: format!("{country} in {year}") });
                }
            }
        }
        Ok(new)
    }
    /// Who published the tables.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }
    /// The mix of the latest year up to this one; `None` when there is none.
    #[must_use]
    pub fn mix(&self, country: CountryCode, year: i16) -> Option<Mix> {
        let mut up_to = self.mixes.range((country, i16::MIN)..=(country, year));
        let ((_, year), twh) = up_to.next_back()?;
        Some(Mix { country, year: *year, twh: twh.clone(), source: self.source.clone() })
    }
    /// Year and gCO2e/kWh of the latest year up to this one.
    #[must_use]
    pub fn intensity(&self, country: CountryCode, year: i16) -> Option<(i16, f64)> {
        let mut up_to = self.intensities.range((country, i16::MIN)..=(country, year));
        up_to.next_back().map(|((_, year), value)| (*year, *value))
    }
}

/// The columns that are headed by a year.
fn years(table: &Table, skip: usize) -> Result<Vec<(usize, i16)>, TableError> {
    let cells = table.header().iter().enumerate().skip(skip);
    let year = |(at, cell): (usize, &String)| {
        let year = cell.parse().ok().filter(|year| (1..=9999).contains(year));
        year.map(|year| (at, year)).ok_or_else(|| TableError::Column(format!("{cell} (a year)")))
    };
    cells.map(year).collect()
}

fn values(row: Row<'_>, columns: &[(usize, i16)]) -> Result<Vec<(i16, f64)>, TableError> {
    let mut values = Vec::new();
    for &(column, year) in columns {
        values.extend(row.amount(column)?.map(|value| (year, value)));
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kazakhstan_runs_on_coal() {
        let mix = Generation::embedded().mix(CountryCode::KAZAKHSTAN, 2024).unwrap();
        assert_eq!((mix.year, mix.twh[&Fuel::Coal]), (2022, 67.73));
        assert!((mix.total_twh() - 112.78).abs() < 1e-9);
        assert_eq!(Generation::embedded().intensity(CountryCode::KAZAKHSTAN, 2024), Some((2024, 801.9)));
        assert_eq!(Generation::embedded().mix(CountryCode::KAZAKHSTAN, 2008), None);
    }

    #[test]
    fn a_table_with_a_mistake_names_it() {
        let wrong = Generation::from_csv("code,source,2020\nKAZ,peat,1\n", "code,2020\n", "").unwrap_err();
        assert_eq!(wrong.to_string(), "line 2, column `source`: `peat` is not a source such as coal");
        let twice = Generation::from_csv("code,source,2020\nKAZ,coal,1\nKZ,coal,1\n", "code\n", "");
        assert!(matches!(twice, Err(TableError::Twice { line: 3, .. })));
        assert!(Generation::from_csv("code,source,x\n", "code\n", "").is_err());
    }
}
