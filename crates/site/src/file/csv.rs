//! Comma-separated text as spreadsheets write it (RFC 4180, and semicolons where the comma is the
//! decimal sign), each cell with its place. Not here: what the columns mean.

/// A cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) text: String,
    /// From 1, in characters.
    pub(crate) column: u32,
    /// From 1.
    pub(crate) line: u32,
}

/// Text that is not CSV.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CsvError {
    pub(crate) line: u32,
    pub(crate) column: u32,
}

/// The rows, heading first; empty lines are left out. A quote that is never closed is the one thing
/// that is not CSV: the rows before it are given all the same.
pub(crate) fn rows(text: &str) -> (Vec<Vec<Cell>>, Option<CsvError>) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let heading = text.lines().next().unwrap_or("");
    let separator = if heading.contains(';') && !heading.contains(',') { ';' } else { ',' };
    let mut rows = Vec::new();
    let mut row: Vec<Cell> = Vec::new();
    let (mut line, mut column) = (1, 1);
    let mut cell = Cell { text: String::new(), column, line };
    let mut quoted_at: Option<CsvError> = None;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        column += 1;
        if quoted_at.is_some() {
            match letter {
                '"' if letters.peek() == Some(&'"') => {
                    letters.next();
                    column += 1;
                    cell.text.push('"');
                }
                '"' => quoted_at = None,
                _ => cell.text.push(letter),
            }
            if letter == '\n' {
                (line, column) = (line + 1, 1);
            }
            continue;
        }
        if letter == '"' && cell.text.trim().is_empty() {
            cell.text.clear();
            quoted_at = Some(CsvError { line, column: column - 1 });
        } else if letter == separator || letter == '\n' {
            if letter == '\n' {
                (line, column) = (line + 1, 1);
            }
            row.push(std::mem::replace(&mut cell, Cell { text: String::new(), column, line }));
            if letter == '\n' {
                finish_row(&mut row, &mut rows);
            }
        } else {
            cell.text.push(letter);
        }
    }
    if quoted_at.is_none() {
        row.push(cell);
        finish_row(&mut row, &mut rows);
    }
    (rows, quoted_at)
}

fn finish_row(row: &mut Vec<Cell>, rows: &mut Vec<Vec<Cell>>) {
    let mut done = std::mem::take(row);
    for cell in &mut done {
        cell.text.truncate(cell.text.trim_end().len());
        let lead = cell.text.len() - cell.text.trim_start().len();
        cell.text.drain(..lead);
    }
    if done.iter().any(|cell| !cell.text.is_empty()) {
        rows.push(done);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<Vec<String>> {
        rows(text).0.into_iter().map(|row| row.into_iter().map(|cell| cell.text).collect()).collect()
    }

    #[test]
    fn what_spreadsheets_write() {
        assert_eq!(
            texts("a,b\r\n1, 2 \r\n\r\n\"x,\"\"y\"\"\",\n"),
            [["a", "b"], ["1", "2"], ["x,\"y\"", ""]]
        );
        assert_eq!(texts("\u{feff}a;b\n1;2"), [["a", "b"], ["1", "2"]]);
    }

    #[test]
    fn places_are_kept() {
        let (rows, error) = rows("a,b\n\"1\n2\",x\nä,y\n");
        assert_eq!(error, None);
        assert_eq!((rows[1][1].line, rows[1][1].column), (3, 4));
        assert_eq!((rows[2][1].line, rows[2][1].column), (4, 3));
    }

    #[test]
    fn an_open_quote_is_told() {
        assert_eq!(rows("a\n\"b").1, Some(CsvError { line: 2, column: 1 }));
    }
}
