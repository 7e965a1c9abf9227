//! An estimate as a file that says how it was computed, and the way back.
//!
//! For: `date,lower_twh,guess_twh,upper_twh,lower_gw,guess_gw,upper_gw` under a header of `#` lines that
//! hold the method, every assumption with its source, and the fingerprints of the inputs; reading such
//! a file, with or without that header; recomputing it from its own header. Numbers have nine
//! significant digits; a bound that a method does not have on a day is an empty cell.
//! Not for: the inputs themselves, which stay with whoever may pass them on.

use jiff::civil::Date;

use super::Method;
use super::assumption::AssumptionError;
use super::series::{Band, Row, Series, Vintage};
use crate::hardware::Model;
use crate::network::NetworkDay;

/// The columns, in order.
const COLUMNS: &str = "date,lower_twh,guess_twh,upper_twh,lower_gw,guess_gw,upper_gw";
/// The first line of a file with a header.
const MARK: &str = "offpeak electricity index, format 1";
/// More rows than there are days in three hundred years.
const ROWS_MAX: usize = 110_000;

/// What is wrong with an exported file.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ExportError {
    /// A header line that cannot be understood.
    #[error("line {line}: `{text}` is no header line of an exported index")]
    Header {
        /// Counted from 1.
        line: usize,
        /// What stands there.
        text: String,
    },
    /// An assumption that the method does not know or cannot take.
    #[error("line {line}")]
    Assumption {
        /// Counted from 1.
        line: usize,
        /// Why.
        #[source]
        source: AssumptionError,
    },
    /// No row of column names, or another one.
    #[error("line {line}: expected the columns `{COLUMNS}`")]
    Columns {
        /// Counted from 1.
        line: usize,
    },
    /// A row that cannot be read, or is out of order.
    #[error(
        "line {line}: `{text}` is no row of a date later than the last and six numbers of 0 or more, of which both lower ones may be empty"
    )]
    Row {
        /// Counted from 1.
        line: usize,
        /// What stands there.
        text: String,
    },
    /// Too many rows.
    #[error("more than {0} rows")]
    TooLong(usize),
    /// A file without a header cannot be recomputed.
    #[error("the file does not say how it was computed")]
    NoHeader,
    /// Other inputs than those the file was computed from.
    #[error("the {input} given has fingerprint {given}; the file was computed from {expected}")]
    Inputs {
        /// `network` or `catalogue`.
        input: &'static str,
        /// Of what is at hand.
        given: String,
        /// As the file says.
        expected: String,
    },
}

/// An exported file as read.
#[derive(Clone, Debug, PartialEq)]
pub struct Exported {
    /// The method with its assumptions, where the file says so.
    pub method: Option<Method>,
    /// The fingerprint of the network series, where the file says so.
    pub network_fingerprint: Option<String>,
    /// The fingerprint of the table of machines, where the file says so.
    pub catalogue_fingerprint: Option<String>,
    /// Its rows.
    pub rows: Vec<Row>,
}

/// A number with nine significant digits; a bound that a method does not have on a day is an empty cell.
fn digits(number: f64) -> String {
    if number == 0.0 || !number.is_finite() {
        return number.to_string();
    }
    #[expect(clippy::cast_possible_truncation, reason = "a power of ten of a finite number")]
    let magnitude = number.abs().log10().floor() as i32;
    let decimals = usize::try_from(8 - magnitude).unwrap_or(0);
    format!("{number:.decimals$}")
}

/// Writes an estimate; with `header`, everything needed to compute it again from the same inputs.
#[must_use]
pub fn to_csv(series: &Series, header: bool) -> String {
    let mut text = String::with_capacity(series.rows.len() * 100 + 8_000);
    if header {
        push_header(&mut text, series);
    }
    text.push_str(COLUMNS);
    text.push('\n');
    for row in &series.rows {
        text.push_str(&row.date.to_string());
        for band in [row.twh, row.gw] {
            for number in [band.lower, Some(band.guess), Some(band.upper)] {
                text.push(',');
                text.push_str(&number.map_or_else(String::new, digits));
            }
        }
        text.push('\n');
    }
    text
}

fn push_header(text: &mut String, series: &Series) {
    let Vintage { network_fingerprint, catalogue_models, catalogue_fingerprint, .. } = &series.vintage;
    let reach = series.vintage.network_reach();
    let mut line = |content: &str| {
        text.push_str("# ");
        text.push_str(content);
        text.push('\n');
    };
    line(MARK);
    line(&format!("method = {}", series.method.name()));
    for one in series.method.assumptions() {
        line(&format!("assume {} = {} ; {} ; {}", one.key, one.value, one.unit, one.source));
    }
    line(&format!("network = {network_fingerprint} ; {reach}"));
    line(&format!("catalogue = {catalogue_fingerprint} ; {catalogue_models} models"));
}

/// Reads an exported file, or a bare one with the same columns.
///
/// # Errors
/// The first line that cannot be read.
pub fn read_csv(text: &str) -> Result<Exported, ExportError> {
    let mut exported =
        Exported { method: None, network_fingerprint: None, catalogue_fingerprint: None, rows: Vec::new() };
    let mut marked = false;
    let mut columns = false;
    for (at, raw) in text.lines().enumerate() {
        let line = at + 1;
        let content = raw.trim();
        if content.is_empty() {
            continue;
        }
        if let Some(comment) = content.strip_prefix('#') {
            let comment = comment.trim();
            if comment == MARK {
                marked = true;
            } else if marked {
                read_header_line(&mut exported, line, comment)?;
            }
        } else if !columns {
            if content != COLUMNS {
                return Err(ExportError::Columns { line });
            }
            columns = true;
        } else {
            let last = exported.rows.last().map(|row| row.date);
            let row = read_row(content).filter(|row| last.is_none_or(|last| last < row.date));
            let row = row.ok_or_else(|| ExportError::Row { line, text: content.to_owned() })?;
            if exported.rows.len() == ROWS_MAX {
                return Err(ExportError::TooLong(ROWS_MAX));
            }
            exported.rows.push(row);
        }
    }
    if columns { Ok(exported) } else { Err(ExportError::Columns { line: text.lines().count() + 1 }) }
}

fn read_header_line(exported: &mut Exported, line: usize, comment: &str) -> Result<(), ExportError> {
    let wrong = || ExportError::Header { line, text: comment.to_owned() };
    let (key, rest) = comment.split_once(" = ").ok_or_else(wrong)?;
    let value = rest.split(" ; ").next().unwrap_or("").trim();
    match key.trim() {
        "method" => exported.method = Some(Method::from_name(value).ok_or_else(wrong)?),
        "network" => exported.network_fingerprint = Some(value.to_owned()),
        "catalogue" => exported.catalogue_fingerprint = Some(value.to_owned()),
        key => {
            let key = key.strip_prefix("assume ").ok_or_else(wrong)?;
            let method = exported.method.as_mut().ok_or_else(wrong)?;
            method.set(key.trim(), value).map_err(|source| ExportError::Assumption { line, source })?;
        }
    }
    Ok(())
}

fn read_row(content: &str) -> Option<Row> {
    let mut cells = content.split(',');
    let date: Date = cells.next()?.trim().parse().ok()?;
    let number = |cell: &str| {
        let number: f64 = cell.parse().ok()?;
        (number.is_finite() && number >= 0.0).then_some(number)
    };
    let mut band = || {
        let lower = match cells.next()?.trim() {
            "" => None,
            cell => Some(number(cell)?),
        };
        let mut next = || number(cells.next()?.trim());
        Some(Band { lower, guess: next()?, upper: next()? })
    };
    let (twh, gw) = (band()?, band()?);
    if twh.lower.is_some() != gw.lower.is_some() {
        return None;
    }
    let row = Row { date, twh, gw, profitable: None, threshold_j_per_th: None };
    cells.next().is_none().then_some(row)
}

/// Computes a file again from its own header and the inputs it names, for the same days.
///
/// # Errors
/// When the file has no header, or the inputs are not those it was computed from.
pub fn recompute(
    exported: &Exported,
    network: &[NetworkDay],
    catalogue: &[Model],
) -> Result<Series, ExportError> {
    let method = exported.method.as_ref().ok_or(ExportError::NoHeader)?;
    let given = Vintage::of(network, catalogue);
    let check = |input, given: &str, expected: &Option<String>| match expected {
        None => Err(ExportError::NoHeader),
        Some(expected) if expected == given => Ok(()),
        Some(expected) => {
            Err(ExportError::Inputs { input, given: given.to_owned(), expected: expected.clone() })
        }
    };
    check("network", &given.network_fingerprint, &exported.network_fingerprint)?;
    check("catalogue", &given.catalogue_fingerprint, &exported.catalogue_fingerprint)?;
    let span = exported.rows.first().zip(exported.rows.last());
    let mut series = method.series(network, catalogue);
    match span {
        Some((first, last)) => series = series.between(Some(first.date), Some(last.date)),
        None => series.rows.clear(),
    }
    Ok(series)
}
