//! What a result took for granted, listed so that an exported file can carry it.
//!
//! For: name, value, unit and source of each input of a result.
//! Not for: changing one; every input is an argument of the function that used it, so `default` is its
//! value.

use std::collections::BTreeMap;

use crate::electricity::Assumption;

use super::table::csv_line;

/// An input that is a number; it reads back exactly.
pub(crate) fn given_number(
    key: &str,
    value: f64,
    unit: &'static str,
    source: impl Into<String>,
) -> Assumption {
    given(key, value.to_string(), unit, source.into())
}

/// An input that is a text, or a rule in words.
pub(crate) fn given_text(key: &str, value: impl Into<String>, source: impl Into<String>) -> Assumption {
    given(key, value.into(), "", source.into())
}

fn given(key: &str, value: String, unit: &'static str, source: String) -> Assumption {
    Assumption { key: key.to_owned(), default: value.clone(), value, unit, source }
}

/// CSV of a list of assumptions: `assumption,value,unit,source`.
#[must_use]
pub fn assumptions_csv(list: &[Assumption]) -> String {
    let mut text = csv_line(["assumption", "value", "unit", "source"]);
    for one in list {
        text.push_str(&csv_line([one.key.as_str(), &one.value, one.unit, &one.source]));
    }
    text
}

/// A CSV text under `#` lines that say what it is and list its assumptions:
/// `# assume key = value ; unit ; source`.
#[must_use]
pub fn with_header(what: &str, list: &[Assumption], csv: &str) -> String {
    // A header line is one line, whatever a caller's names hold.
    let flat = |text: &str| text.replace(['\n', '\r'], " ");
    let mut text = format!("# offpeak {}\n", flat(what));
    for one in list {
        let line = format!("{} = {} ; {} ; {}", one.key, one.value, one.unit, one.source);
        text.push_str("# assume ");
        text.push_str(&flat(&line));
        text.push('\n');
    }
    text.push_str(csv);
    text
}

/// Keys and values of such a header; lines that are none of it are passed over.
#[must_use]
pub fn read_header(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("# assume "));
    let pair = |line: &str| {
        let (key, rest) = line.split_once(" = ")?;
        let value = rest.split_once(" ; ").map_or(rest, |(value, _)| value);
        Some((key.to_owned(), value.to_owned()))
    };
    lines.filter_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_reads_back() {
        let list = [
            given_number("share_percent", 18.1, "%", "a source; with = and ; in it"),
            given_text("rule", "two\nlines", "argument"),
        ];
        let text = with_header("country", &list, "a,b\n1,2\n");
        assert_eq!(text.lines().count(), 5);
        let read = read_header(&text);
        assert_eq!((read["share_percent"].as_str(), read["rule"].as_str()), ("18.1", "two lines"));
    }
}
