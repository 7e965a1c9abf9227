//! Small tables of facts from CSV text, whatever the order of their columns.
//!
//! For: the embedded tables and those that a user gives, with errors that name line and column.
//! Not for: what the rows mean.

use std::str::FromStr;

/// What is wrong with a table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// A needed column is not in the header.
    #[error("no column `{0}` in the header")]
    Column(String),
    /// A line that is not CSV.
    #[error("line {line}: {reason}")]
    Line {
        /// Counted from 1, the header included.
        line: u64,
        /// What the CSV reader says.
        reason: String,
    },
    /// A field that cannot be read.
    #[error("line {line}, column `{column}`: `{value}` is not {expected}")]
    Field {
        /// Counted from 1, the header included.
        line: u64,
        /// The column's name.
        column: String,
        /// What stands there.
        value: String,
        /// What was expected.
        expected: &'static str,
    },
    /// The same thing twice.
    #[error("line {line}: {what} stands there already")]
    Twice {
        /// Counted from 1, the header included.
        line: u64,
        /// Its key.
        what: String,
    },
    /// More rows than any such table has.
    #[error("more than {0} rows")]
    TooLong(usize),
}

/// More rows than two centuries of months of all countries.
const ROWS_MAX: usize = 500_000;

/// A table read in whole: its header and its rows.
pub(crate) struct Table {
    header: Vec<String>,
    rows: Vec<(u64, Vec<String>)>,
}

impl Table {
    /// Reads CSV text with a header line. Fields are trimmed; rows may be short.
    pub(crate) fn read(text: &str) -> Result<Self, TableError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut reader = csv::ReaderBuilder::new()
            .flexible(true)
            .has_headers(false)
            .comment(Some(b'#'))
            .from_reader(text.as_bytes());
        let mut header = None;
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|error| TableError::Line {
                line: error.position().map_or(0, csv::Position::line),
                reason: error.to_string(),
            })?;
            let line = record.position().map_or(0, csv::Position::line);
            let cells: Vec<String> = record.iter().map(|cell| cell.trim().to_owned()).collect();
            if header.is_none() {
                header = Some(cells);
            } else if rows.len() >= ROWS_MAX {
                return Err(TableError::TooLong(ROWS_MAX));
            } else if cells.iter().any(|cell| !cell.is_empty()) {
                rows.push((line, cells));
            }
        }
        Ok(Self { header: header.unwrap_or_default(), rows })
    }
    /// Where a column stands that goes by one of these names; case does not matter.
    pub(crate) fn find(&self, names: &[&str]) -> Option<usize> {
        self.header.iter().position(|cell| names.iter().any(|name| cell.eq_ignore_ascii_case(name)))
    }
    /// As [`find`](Self::find), for a column that must be there.
    pub(crate) fn need(&self, names: &[&str]) -> Result<usize, TableError> {
        let named = names.first().copied().unwrap_or_default();
        self.find(names).ok_or_else(|| TableError::Column(named.to_owned()))
    }
    /// The header's cells.
    pub(crate) fn header(&self) -> &[String] {
        &self.header
    }
    /// The rows with content, in order.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|(line, cells)| Row { line: *line, cells, header: &self.header })
    }
}

/// One row, read by column.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    pub(crate) line: u64,
    cells: &'a [String],
    header: &'a [String],
}

impl<'a> Row<'a> {
    /// The text of a column; empty where the row ends before it.
    pub(crate) fn text(self, column: usize) -> &'a str {
        self.cells.get(column).map_or("", String::as_str)
    }
    /// The error that this field is not what was expected.
    pub(crate) fn error(self, column: usize, expected: &'static str) -> TableError {
        TableError::Field {
            line: self.line,
            column: self.header.get(column).cloned().unwrap_or_default(),
            value: self.text(column).to_owned(),
            expected,
        }
    }
    /// The column read as something.
    pub(crate) fn parse<T: FromStr>(self, column: usize, expected: &'static str) -> Result<T, TableError> {
        self.text(column).parse().map_err(|_| self.error(column, expected))
    }
    /// A finite number of zero or more; `None` where the field is empty.
    pub(crate) fn amount(self, column: usize) -> Result<Option<f64>, TableError> {
        const EXPECTED: &str = "a number of zero or more";
        if self.text(column).is_empty() {
            return Ok(None);
        }
        let value: f64 = self.parse(column, EXPECTED)?;
        if value.is_finite() && value >= 0.0 { Ok(Some(value)) } else { Err(self.error(column, EXPECTED)) }
    }
    /// As [`amount`](Self::amount), for a field that must not be empty.
    pub(crate) fn need_amount(self, column: usize) -> Result<f64, TableError> {
        self.amount(column)?.ok_or_else(|| self.error(column, "a number of zero or more"))
    }
}

impl Row<'_> {
    /// As [`need_amount`](Self::need_amount), above zero.
    pub(crate) fn need_positive(self, column: usize) -> Result<f64, TableError> {
        let value = self.need_amount(column)?;
        if value > 0.0 { Ok(value) } else { Err(self.error(column, "a number above zero")) }
    }
}

/// A result as it is written: nine significant digits, no trailing zeros.
pub(crate) fn digits(value: f64) -> String {
    let rounded = format!("{value:.8e}").parse::<f64>();
    rounded.unwrap_or(value).to_string()
}

/// A line of CSV from fields, quoted where needed.
pub(crate) fn csv_line<'a>(fields: impl IntoIterator<Item = &'a str>) -> String {
    let mut line = String::new();
    for (index, field) in fields.into_iter().enumerate() {
        if index > 0 {
            line.push(',');
        }
        if field.contains([',', '"', '\n', '\r']) || field.starts_with('#') {
            line.push('"');
            line.push_str(&field.replace('"', "\"\""));
            line.push('"');
        } else {
            line.push_str(field);
        }
    }
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_names_its_line_and_column() {
        let table = Table::read("name,amount\na,1\nb,minus two\n").unwrap();
        let amount = table.need(&["AMOUNT"]).unwrap();
        let values: Vec<_> = table.rows().map(|row| row.amount(amount)).collect();
        assert_eq!(values[0], Ok(Some(1.0)));
        assert_eq!(
            values[1].clone().unwrap_err().to_string(),
            "line 3, column `amount`: `minus two` is not a number of zero or more"
        );
        assert_eq!(table.need(&["other"]), Err(TableError::Column("other".to_owned())));
    }

    #[test]
    fn results_have_nine_digits() {
        assert_eq!(digits(113.44 - 114.89), "-1.45");
        assert_eq!(digits(1e9 / 3.0), "333333333");
        assert_eq!(digits(0.0), "0");
    }

    #[test]
    fn nothing_is_not_a_number_and_infinity_is_neither() {
        let table = Table::read("amount\n\"\"\nNaN\ninf\n-1\n").unwrap();
        assert!(table.rows().all(|row| row.need_amount(0).is_err()));
    }
}
