//! The network day by day: what it hashed and what it earned.
//!
//! For: the daily series that every estimate here is computed from, and reading one from text.
//! Not for: where such a series comes from (the chain's own arithmetic, an embedded table, a file).

use jiff::civil::Date;

/// One day of the network, UTC.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NetworkDay {
    /// The day.
    pub date: Date,
    /// Blocks found, where known.
    pub blocks: Option<u32>,
    /// Mean hash rate, terahashes a second.
    pub hash_rate_ths: f64,
    /// Price of a bitcoin in US dollars, where there was one.
    pub price_usd: Option<f64>,
    /// Newly issued bitcoins.
    pub issuance_btc: f64,
    /// Fees in bitcoins, where known.
    pub fees_btc: Option<f64>,
}

/// What is wrong with a daily series.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// A needed column is not in the header.
    #[error("no column `{0}` in the header of the network series")]
    Column(&'static str),
    /// A line that is not CSV.
    #[error("line {line} of the network series: {reason}")]
    Line {
        /// Counted from 1, the header included.
        line: u64,
        /// What the CSV reader says.
        reason: String,
    },
    /// A field that cannot be read.
    #[error("line {line} of the network series: `{value}` is no {column}")]
    Field {
        /// Counted from 1, the header included.
        line: u64,
        /// The column.
        column: &'static str,
        /// What stands there.
        value: String,
    },
    /// A day that does not follow the one before.
    #[error("line {line} of the network series: {date} does not come after {before}")]
    Order {
        /// Counted from 1, the header included.
        line: u64,
        /// The day of this line.
        date: Date,
        /// The day of the line before.
        before: Date,
    },
    /// More rows than there are days in three hundred years.
    #[error("the network series has more than {0} rows")]
    TooLong(usize),
}

const DAYS_MAX: usize = 110_000;
const COLUMNS: [&str; 6] = ["date", "blocks", "hash_rate_ths", "price_usd", "issuance_btc", "fees_btc"];

/// Reads a daily series: CSV with a header, columns `date,blocks,hash_rate_ths,price_usd,issuance_btc,
/// fees_btc` by name in any order, days rising. `blocks`, `price_usd` and `fees_btc` may be empty; others
/// and `#` lines are skipped.
///
/// # Errors
/// The first line that cannot be read, with its number.
pub fn parse_network_csv(text: &str) -> Result<Vec<NetworkDay>, NetworkError> {
    let mut reader = csv::ReaderBuilder::new()
        .comment(Some(b'#'))
        .trim(csv::Trim::All)
        .flexible(true)
        .from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| not_csv(&error))?;
    let mut places = [0; COLUMNS.len()];
    for (place, name) in places.iter_mut().zip(COLUMNS) {
        let found = header.iter().position(|cell| cell.eq_ignore_ascii_case(name));
        *place = found.ok_or(NetworkError::Column(name))?;
    }
    let mut days: Vec<NetworkDay> = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| not_csv(&error))?;
        if days.len() == DAYS_MAX {
            return Err(NetworkError::TooLong(DAYS_MAX));
        }
        let day = network_day(&record, &places)?;
        if let Some(before) = days.last().map(|day| day.date).filter(|before| *before >= day.date) {
            return Err(NetworkError::Order { line: line_of(&record), date: day.date, before });
        }
        days.push(day);
    }
    Ok(days)
}

fn not_csv(error: &csv::Error) -> NetworkError {
    let line = error.position().map_or(0, csv::Position::line);
    NetworkError::Line { line, reason: error.to_string() }
}

fn line_of(record: &csv::StringRecord) -> u64 {
    record.position().map_or(0, csv::Position::line)
}

fn network_day(record: &csv::StringRecord, places: &[usize; 6]) -> Result<NetworkDay, NetworkError> {
    let cell = |column: usize| record.get(places[column]).unwrap_or("");
    let wrong = |column: usize| NetworkError::Field {
        line: line_of(record),
        column: COLUMNS[column],
        value: cell(column).to_owned(),
    };
    let number = |column: usize| {
        let number = cell(column).parse::<f64>().ok();
        number.filter(|number| (0.0..1e30).contains(number)).ok_or_else(|| wrong(column))
    };
    let optional = |column: usize| if cell(column).is_empty() { Ok(None) } else { number(column).map(Some) };
    let blocks = if cell(1).is_empty() { None } else { Some(cell(1).parse().map_err(|_| wrong(1))?) };
    Ok(NetworkDay {
        date: cell(0).parse().map_err(|_| wrong(0))?,
        blocks,
        hash_rate_ths: number(2)?,
        price_usd: optional(3)?,
        issuance_btc: number(4)?,
        fees_btc: optional(5)?,
    })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    const SERIES: &str = "date,blocks,hash_rate_ths,price_usd,issuance_btc,fees_btc
2009-01-09,19,9.44495122962963e-07,,950.0,0.0
2010-07-18,,0.0013,0.0858,10000.0,
";

    #[test]
    fn a_series_is_read_with_its_gaps() {
        let days = parse_network_csv(SERIES).unwrap();
        assert_eq!((days[0].blocks, days[0].price_usd, days[0].fees_btc), (Some(19), None, Some(0.0)));
        let second = NetworkDay {
            date: date(2010, 7, 18),
            blocks: None,
            hash_rate_ths: 0.0013,
            price_usd: Some(0.0858),
            issuance_btc: 10_000.0,
            fees_btc: None,
        };
        assert_eq!(days[1], second);
    }

    #[test]
    fn wrong_lines_are_named() {
        assert_eq!(parse_network_csv("date,blocks\n"), Err(NetworkError::Column("hash_rate_ths")));
        let error = parse_network_csv(&SERIES.replace("0.0013", "NaN")).unwrap_err();
        assert_eq!(error, NetworkError::Field { line: 3, column: "hash_rate_ths", value: "NaN".into() });
        let error = parse_network_csv(&SERIES.replace("2010-07-18", "2009-01-09")).unwrap_err();
        assert!(matches!(error, NetworkError::Order { line: 3, .. }));
    }
}
