//! The forms that results share: bands, assumptions, inputs.

use anyhow::Result;
use clap::CommandFactory as _;
use clap::error::ErrorKind;
use offpeak_index::electricity::{Assumption, Band, Vintage};
use offpeak_index::world::with_header;
use serde_json::{Value, json};

use crate::cli::Cli;
use crate::commands::print;
use crate::commands::table::table;

/// A command line whose parts do not go together: said as clap says it, with its exit code.
pub(super) fn misused(message: &str) -> ! {
    Cli::command().error(ErrorKind::ArgumentConflict, message).exit()
}

/// A number that tells small from large alike: four significant digits or whole.
pub(super) fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 1_000.0 || size == 0.0 => format!("{value:.0}"),
        size if size >= 100.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        size if size >= 0.01 => format!("{value:.4}"),
        _ => format!("{value:.3e}"),
    }
}

/// Lower, guess and upper as three cells.
pub(super) fn cells(band: Option<Band>) -> [String; 3] {
    band.map_or_else(
        || ["-".to_owned(), "-".to_owned(), "-".to_owned()],
        |band| {
            let lower = band.lower.map_or_else(|| "-".to_owned(), short);
            [lower, short(band.guess), short(band.upper)]
        },
    )
}

pub(super) fn band_json(band: Band) -> Value {
    json!({ "lower": band.lower, "guess": band.guess, "upper": band.upper })
}

pub(super) fn assumptions_json(list: &[Assumption]) -> Value {
    let one = |one: &Assumption| {
        json!({
            "key": one.key, "value": one.value, "default": one.default, "unit": one.unit, "source": one.source,
        })
    };
    list.iter().map(one).collect()
}

/// Assumptions as a table for readers, each thing once.
pub(super) fn assumptions_text(list: &[Assumption]) -> String {
    let mut rows: Vec<Vec<String>> = Vec::new();
    for one in list {
        let changed =
            if one.value == one.default { String::new() } else { format!(" (default {})", one.default) };
        let row = vec![
            one.key.clone(),
            format!("{}{changed}", one.value),
            if one.unit == "1" { String::new() } else { one.unit.to_owned() },
            one.source.clone(),
        ];
        if !rows.contains(&row) {
            rows.push(row);
        }
    }
    table(&["assumption", "value", "unit", "source"], &rows)
}

pub(super) fn vintage_json(vintage: &Vintage) -> Value {
    let span = vintage.network_span;
    json!({
        "network": {
            "fingerprint": vintage.network_fingerprint,
            "days": vintage.network_days,
            "first": span.map(|(first, _)| first.to_string()),
            "last": span.map(|(_, last)| last.to_string()),
            "price_to": vintage.price_to.map(|day| day.to_string()),
            "fees_to": vintage.fees_to.map(|day| day.to_string()),
        },
        "catalogue": { "fingerprint": vintage.catalogue_fingerprint, "models": vintage.catalogue_models },
    })
}

/// CSV, with what it rests on above it where that was asked for.
pub(super) fn print_csv(what: &str, list: &[Assumption], csv: &str, header: bool) -> Result<()> {
    if header { print(&with_header(what, list, csv)) } else { print(csv) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_four_digits() {
        let told: Vec<String> = [0.0, 0.000_123_4, 0.3019, 8.33, 178.95, 2_176.4].map(short).to_vec();
        assert_eq!(told, ["0", "1.234e-4", "0.3019", "8.33", "178.9", "2176"].map(str::to_owned));
    }
}
