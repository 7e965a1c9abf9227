//! What a result took for granted, listed so that an exported file can carry it.
//!
//! For: name, value, unit and source of each input of a result.
//! Not for: changing one; every input is an argument of the function that used it.

use super::table::csv_line;

/// One input of a result.
#[derive(Clone, Debug, PartialEq)]
pub struct Assumption {
    /// Its name in files, such as `share_percent`.
    pub key: String,
    /// Its value, as it is written in files; numbers read back exactly.
    pub value: String,
    /// Its unit; `1` for a bare factor, empty for a text.
    pub unit: &'static str,
    /// Where it comes from.
    pub source: String,
}

impl Assumption {
    pub(crate) fn number(key: &str, value: f64, unit: &'static str, source: impl Into<String>) -> Self {
        Self { key: key.to_owned(), value: value.to_string(), unit, source: source.into() }
    }
    pub(crate) fn text(key: &str, value: impl Into<String>, source: impl Into<String>) -> Self {
        Self { key: key.to_owned(), value: value.into(), unit: "", source: source.into() }
    }
    /// The value as a number, where it is one.
    #[must_use]
    pub fn to_f64(&self) -> Option<f64> {
        self.value.parse().ok()
    }
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
