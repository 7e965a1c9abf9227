//! Prices and fees of the chain's facts as text.
//!
//! For: reading daily prices and fees that bring the built-in facts up to date, and writing and reading what was
//! brought. Not for: the whole daily series (`network`).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::civil::Date;

use super::facts::{MonthFees, PricePoint};

/// More rows than days in three hundred years.
const ROWS_MAX: usize = 110_000;

/// What is wrong with such a text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FactsCsvError {
    /// A needed column is not in the header.
    #[error("no column `date`, or neither `price_usd` nor `fees_btc`, in the header of the prices")]
    Columns,
    /// A line that cannot be read.
    #[error("line {line} of the prices: `{value}` is no {expected}")]
    Field {
        /// Counted from 1, the header included.
        line: u64,
        /// What stands there.
        value: String,
        /// What was expected.
        expected: &'static str,
    },
    /// A line that is not CSV.
    #[error("line {line} of the prices: {reason}")]
    Line {
        /// Counted from 1, the header included.
        line: u64,
        /// What the CSV reader says.
        reason: String,
    },
    /// Too many.
    #[error("the prices have more than {0} rows")]
    TooLong(usize),
}

/// Reads CSV with the columns `date` and `price_usd` (or `usd`), and where known `fees_btc` (bitcoins that all
/// blocks of the day took in fees), in any order and by name; `#` lines and empty cells are skipped. A price is
/// taken as that of the day's start (00:00 UTC). Fees become means by month.
///
/// # Errors
/// The first line that cannot be read.
pub fn parse_day_values(text: &str) -> Result<(Vec<PricePoint>, Vec<MonthFees>), FactsCsvError> {
    let mut reader = csv::ReaderBuilder::new()
        .comment(Some(b'#'))
        .trim(csv::Trim::All)
        .flexible(true)
        .from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| not_csv(&error))?;
    let find = |names: &[&str]| {
        header.iter().position(|cell| names.iter().any(|name| cell.eq_ignore_ascii_case(name)))
    };
    let (date, price, fees) = (find(&["date"]), find(&["price_usd", "usd"]), find(&["fees_btc"]));
    let date = date.filter(|_| price.is_some() || fees.is_some()).ok_or(FactsCsvError::Columns)?;
    let mut prices = BTreeMap::new();
    let mut months = BTreeMap::<Date, (f64, u32)>::new();
    for (count, record) in reader.records().enumerate() {
        let record = record.map_err(|error| not_csv(&error))?;
        if count == ROWS_MAX {
            return Err(FactsCsvError::TooLong(ROWS_MAX));
        }
        let line = record.position().map_or(0, csv::Position::line);
        let wrong = |value: &str, expected| FactsCsvError::Field { line, value: value.to_owned(), expected };
        let cell = |column: usize| record.get(column).unwrap_or("");
        let day: Date = cell(date).parse().map_err(|_| wrong(cell(date), "day such as 2026-05-01"))?;
        let number = |column: Option<usize>, least: f64, expected| {
            let text = column.map(cell).filter(|text| !text.is_empty());
            text.map(|text| {
                let number = text.parse::<f64>().ok().filter(|number| (least..1e9).contains(number));
                number.ok_or_else(|| wrong(text, expected))
            })
            .transpose()
        };
        if let Some(usd) = number(price, 1e-9, "price in US dollars above zero")? {
            prices.insert(day, usd);
        }
        if let Some(btc) = number(fees, 0.0, "amount of bitcoins from zero")? {
            let month = months.entry(day.first_of_month()).or_default();
            *month = (month.0 + btc, month.1 + 1);
        }
    }
    let fees = |(month, (sum, days)): (Date, (f64, u32))| MonthFees {
        month,
        btc_per_day: sum / f64::from(days),
        days,
    };
    Ok((
        prices.into_iter().map(|(date, usd)| PricePoint { date, usd }).collect(),
        months.into_iter().map(fees).collect(),
    ))
}

fn not_csv(error: &csv::Error) -> FactsCsvError {
    let line = error.position().map_or(0, csv::Position::line);
    FactsCsvError::Line { line, reason: error.to_string() }
}

/// Prices as CSV that [`parse_day_values`] reads back.
#[must_use]
pub fn prices_csv(prices: &[PricePoint]) -> String {
    let mut csv = "date,price_usd\n".to_owned();
    for point in prices {
        let _ = writeln!(csv, "{},{}", point.date, point.usd);
    }
    csv
}

/// Fees by month as CSV that [`parse_day_values`] reads back, each month as its first day.
#[must_use]
pub fn fees_csv(fees: &[MonthFees]) -> String {
    let mut csv = "date,fees_btc\n".to_owned();
    for month in fees {
        let _ = writeln!(csv, "{},{}", month.month, month.btc_per_day);
    }
    csv
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn days_are_read_and_written_back() {
        let text = "price_usd,date,fees_btc\n60000,2026-05-01,2\n,2026-05-02,4\n61000,2026-05-03,\n";
        let (prices, fees) = parse_day_values(text).unwrap();
        assert_eq!(prices.iter().map(|point| point.usd).collect::<Vec<_>>(), [60_000.0, 61_000.0]);
        assert_eq!(fees, [MonthFees { month: date(2026, 5, 1), btc_per_day: 3.0, days: 2 }]);
        assert_eq!(parse_day_values(&prices_csv(&prices)).unwrap().0, prices);
        assert_eq!(parse_day_values(&fees_csv(&fees)).unwrap().1[0].btc_per_day, 3.0);
    }

    #[test]
    fn what_cannot_be_read_names_its_line() {
        assert_eq!(parse_day_values("date,close\n2026-05-01,1\n"), Err(FactsCsvError::Columns));
        for (cell, what) in [("0", "price"), ("-1", "price"), ("NaN", "price"), ("free", "price")] {
            let error = parse_day_values(&format!("date,price_usd\n2026-05-01,1\n2026-05-02,{cell}\n"));
            let told = error.unwrap_err().to_string();
            assert!(told.starts_with("line 3 ") && told.contains(what), "{told}");
        }
        assert!(parse_day_values("date,price_usd\nMay,1\n").is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,200}") {
            let _ = parse_day_values(&text);
            let _ = parse_day_values(&format!("date,price_usd,fees_btc\n{text}"));
        }
    }
}
