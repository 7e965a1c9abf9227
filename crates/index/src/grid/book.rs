//! Published figures of national grids, as each source has them.
//!
//! For: balances by year, highest loads, mining estimates and events; several sources of one year stand
//! side by side and the first in the table is the one used where one is needed.
//! Not for: reconciling them.

use std::sync::LazyLock;

use jiff::civil::Date;

use crate::world::assumption::given_number;
use crate::world::{Assumption, CountryCode, Generation, GridFact, GridFacts, TableError};

use super::estimate::{MiningEstimate, parse_estimates};
use crate::world::table::Table;

/// A country's year, by one source.
#[derive(Clone, Debug, PartialEq)]
pub struct Balance {
    /// The country.
    pub country: CountryCode,
    /// The year.
    pub year: i16,
    /// A short name of the source, to tell competing figures apart.
    pub series: String,
    /// TWh generated.
    pub generation_twh: f64,
    /// TWh used, losses included.
    pub demand_twh: f64,
    /// Who published it.
    pub source: String,
}

impl Balance {
    /// TWh left over (positive, exported) or lacking (negative, imported).
    #[must_use]
    pub fn surplus_twh(&self) -> f64 {
        self.generation_twh - self.demand_twh
    }
}

/// The highest load of a year, and what the country generated in that hour.
#[derive(Clone, Debug, PartialEq)]
pub struct Peak {
    /// The country.
    pub country: CountryCode,
    /// The day.
    pub date: Date,
    /// MW drawn.
    pub load_mw: f64,
    /// MW generated at home in the same hour.
    pub generation_mw: f64,
    /// Who published it.
    pub source: String,
}

/// Something that happened, as a fact beside the figures.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The country.
    pub country: CountryCode,
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
    /// MW that it is about, where stated.
    pub mw: Option<f64>,
    /// What happened.
    pub what: String,
    /// Who said so.
    pub source: String,
}

/// A peak for a year: published, or scaled from the nearest year that has one.
#[derive(Clone, Debug, PartialEq)]
pub struct PeakUse {
    /// MW drawn.
    pub load_mw: f64,
    /// MW generated at home in the same hour.
    pub generation_mw: f64,
    /// The year whose published peak it rests on.
    pub from_year: i16,
    /// Whether it is of the year itself, or scaled by the year's demand and generation.
    pub published: bool,
    /// Who published what it rests on.
    pub source: String,
}

/// All figures of one or more countries.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GridBook {
    /// Balances in the table's order.
    pub balances: Vec<Balance>,
    /// Highest loads.
    pub peaks: Vec<Peak>,
    /// What mining drew, by estimate.
    pub estimates: Vec<MiningEstimate>,
    /// What happened.
    pub events: Vec<Event>,
}

static EMBEDDED: LazyLock<GridBook> = LazyLock::new(|| {
    const GOOD: &str = "the embedded tables are well formed: a test reads them";
    GridBook {
        balances: balances(include_str!("../../data/world/kazakhstan/balance.csv")).expect(GOOD),
        peaks: peaks(include_str!("../../data/world/kazakhstan/peaks.csv")).expect(GOOD),
        estimates: parse_estimates(include_str!("../../data/world/kazakhstan/estimates.csv")).expect(GOOD),
        events: events(include_str!("../../data/world/kazakhstan/events.csv")).expect(GOOD),
    }
});

impl GridBook {
    /// Kazakhstan, 2017 to 2024.
    #[must_use]
    pub fn embedded() -> &'static Self {
        &EMBEDDED
    }
    /// A book from text: balances `code,year,series,generation_twh,demand_twh,source`, peaks
    /// `code,date,load_mw,generation_mw,source`, estimates as in the embedded table. Empty texts are
    /// empty tables.
    ///
    /// # Errors
    /// [`TableError`] with the line of the first row that cannot be read.
    pub fn from_csv(balance: &str, peak: &str, estimate: &str) -> Result<Self, TableError> {
        Ok(Self {
            balances: balances(balance)?,
            peaks: peaks(peak)?,
            estimates: parse_estimates(estimate)?,
            events: Vec::new(),
        })
    }
    /// The years of a country that have a balance, in order.
    #[must_use]
    pub fn years(&self, country: CountryCode) -> Vec<i16> {
        let own = self.balances.iter().filter(|balance| balance.country == country);
        let mut years: Vec<i16> = own.map(|balance| balance.year).collect();
        years.sort_unstable();
        years.dedup();
        years
    }
    /// The balances of a year, by each source.
    pub fn balances_of(&self, country: CountryCode, year: i16) -> impl Iterator<Item = &Balance> {
        self.balances.iter().filter(move |balance| balance.country == country && balance.year == year)
    }
    /// The balance used where one is needed: the first of the table.
    #[must_use]
    pub fn balance(&self, country: CountryCode, year: i16) -> Option<&Balance> {
        self.balances_of(country, year).next()
    }
    /// The highest load of a year. Where none is published, that of the nearest year with one, scaled:
    /// load by the ratio of demands, generation by the ratio of generations.
    #[must_use]
    pub fn peak(&self, country: CountryCode, year: i16) -> Option<PeakUse> {
        let own = self.peaks.iter().filter(|peak| peak.country == country);
        let nearest = own.min_by_key(|peak| (i32::from(peak.date.year()) - i32::from(year)).abs())?;
        let from_year = nearest.date.year();
        let source = format!("{}, {}", nearest.source, nearest.date);
        let (load_mw, generation_mw) = (nearest.load_mw, nearest.generation_mw);
        if from_year == year {
            return Some(PeakUse { load_mw, generation_mw, from_year, published: true, source });
        }
        let (own, other) = (self.balance(country, year)?, self.balance(country, from_year)?);
        Some(PeakUse {
            load_mw: load_mw * own.demand_twh / other.demand_twh,
            generation_mw: generation_mw * own.generation_twh / other.generation_twh,
            from_year,
            published: false,
            source,
        })
    }
    /// What is known of a country's grid for a year: from the balances, else the generation of the
    /// latest year up to it.
    #[must_use]
    pub fn facts(&self, generation: &Generation, country: CountryCode, year: i16) -> GridFacts {
        let balance = self.balance(country, year);
        let fact = |value: f64| {
            balance.map(|balance| GridFact { value, year: balance.year, source: balance.source.clone() })
        };
        let from_mix = || {
            let mix = generation.mix(country, year)?;
            Some(GridFact { value: mix.total_twh(), year: mix.year, source: mix.source })
        };
        let peak = self.peak(country, year).filter(|peak| peak.published);
        GridFacts {
            generation_twh: balance.and_then(|b| fact(b.generation_twh)).or_else(from_mix),
            demand_twh: balance.and_then(|b| fact(b.demand_twh)),
            net_import_twh: balance.and_then(|b| fact(-b.surplus_twh())),
            peak_mw: peak.map(|peak| GridFact { value: peak.load_mw, year, source: peak.source }),
        }
    }
}

impl PeakUse {
    /// The peak as inputs of a result.
    #[must_use]
    pub fn assumptions(&self) -> Vec<Assumption> {
        let source = if self.published {
            self.source.clone()
        } else {
            format!("scaled from {} by demand and generation: {}", self.from_year, self.source)
        };
        vec![
            given_number("peak_load", self.load_mw, "MW", source.clone()),
            given_number("generation_at_peak", self.generation_mw, "MW", source),
        ]
    }
}

fn balances(text: &str) -> Result<Vec<Balance>, TableError> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let table = Table::read(text)?;
    let [code, year] = [table.need(&["code"])?, table.need(&["year"])?];
    let [generation, demand] = [table.need(&["generation_twh"])?, table.need(&["demand_twh"])?];
    let [series, source] = [table.need(&["series"])?, table.need(&["source"])?];
    let mut list: Vec<Balance> = Vec::new();
    for row in table.rows() {
        let balance = Balance {
            country: row.parse(code, "a country")?,
            year: row.parse(year, "a year")?,
            series: row.text(series).to_owned(),
            generation_twh: row.need_positive(generation)?,
            demand_twh: row.need_positive(demand)?,
            source: row.text(source).to_owned(),
        };
        let key = |b: &Balance| (b.country, b.year, b.series.clone());
        if list.iter().any(|other| key(other) == key(&balance)) {
            let what = format!("{} of {} by {}", balance.country, balance.year, balance.series);
            return Err(TableError::Twice { line: row.line, what });
        }
        list.push(balance);
    }
    Ok(list)
}

fn peaks(text: &str) -> Result<Vec<Peak>, TableError> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let table = Table::read(text)?;
    let [code, date] = [table.need(&["code"])?, table.need(&["date"])?];
    let [load, generation] = [table.need(&["load_mw"])?, table.need(&["generation_mw"])?];
    let source = table.need(&["source"])?;
    let read = |row: crate::world::table::Row<'_>| {
        Ok(Peak {
            country: row.parse(code, "a country")?,
            date: row.parse(date, "a date")?,
            load_mw: row.need_positive(load)?,
            generation_mw: row.need_positive(generation)?,
            source: row.text(source).to_owned(),
        })
    };
    table.rows().map(read).collect()
}

fn events(text: &str) -> Result<Vec<Event>, TableError> {
    let table = Table::read(text)?;
    let read = |row: crate::world::table::Row<'_>| {
        Ok(Event {
            country: row.parse(0, "a country")?,
            from: row.parse(1, "a date")?,
            to: row.parse(2, "a date")?,
            mw: row.amount(3)?,
            what: row.text(4).to_owned(),
            source: row.text(5).to_owned(),
        })
    };
    table.rows().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KAZAKHSTAN: CountryCode = CountryCode::KAZAKHSTAN;

    #[test]
    fn surplus_became_deficit() {
        let book = GridBook::embedded();
        assert_eq!(book.years(KAZAKHSTAN), (2017..=2024).collect::<Vec<_>>());
        let surplus: Vec<f64> =
            (2017..=2024).map(|year| book.balance(KAZAKHSTAN, year).unwrap().surplus_twh()).collect();
        assert!(surplus[..5].iter().all(|twh| *twh > 0.0) && surplus[5..].iter().all(|twh| *twh < 0.0));
        assert!((surplus[0] - 4.36).abs() < 1e-9 && (surplus[7] + 2.41).abs() < 1e-9);
        let both: Vec<_> = book.balances_of(KAZAKHSTAN, 2023).map(|b| b.series.as_str()).collect();
        assert_eq!(both, ["owid", "kegoc"]);
    }

    #[test]
    fn a_year_without_a_peak_borrows_the_nearest_and_says_so() {
        let book = GridBook::embedded();
        let own = book.peak(KAZAKHSTAN, 2022).unwrap();
        assert_eq!((own.load_mw, own.generation_mw, own.published), (16_459.0, 15_203.0, true));
        let borrowed = book.peak(KAZAKHSTAN, 2021).unwrap();
        assert!(!borrowed.published && borrowed.from_year == 2022);
        assert!((borrowed.load_mw - 16_459.0 * 114.52 / 114.89).abs() < 1e-9);
        assert!(borrowed.assumptions()[0].source.starts_with("scaled from 2022"));
        assert_eq!(book.peak(CountryCode::CHINA, 2022), None);
    }

    #[test]
    fn a_country_without_a_book_has_its_generation_only() {
        let facts = GridBook::embedded().facts(Generation::embedded(), CountryCode::RUSSIA, 2024);
        assert_eq!(facts.generation_twh.as_ref().map(|fact| fact.year), Some(2022));
        assert_eq!((facts.demand_twh, facts.peak_mw), (None, None));
    }

    #[test]
    fn the_same_year_twice_by_one_source_is_refused() {
        let text = "code,year,series,generation_twh,demand_twh,source\nKZ,2020,a,1,1,\nKAZ,2020,a,1,1,\n";
        assert!(matches!(GridBook::from_csv(text, "", ""), Err(TableError::Twice { line: 3, .. })));
    }
}
