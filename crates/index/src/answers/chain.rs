//! The built-in difficulty epochs as rows, each with the hash rate that its length shows.

use jiff::civil::Date;

use crate::chain::{Facts, HASHES_PER_DIFFICULTY, RETARGET_BLOCKS};
use crate::world::Assumption;
use crate::world::assumption::given_text;
use crate::world::table::{csv_line, digits};

/// A difficulty epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpochRow {
    /// The height of its first block.
    pub height: u32,
    /// The UTC day on which it began.
    pub date: Date,
    /// Its difficulty.
    pub difficulty: f64,
    /// Mean hash rate over it, terahashes a second; not known while it lasts.
    pub hash_rate_ths: Option<f64>,
    /// Whether its start is from a block's header; else it was reconstructed from targets.
    pub from_header: bool,
}

/// All epochs, oldest first.
#[must_use]
pub fn epochs(facts: &Facts) -> Vec<EpochRow> {
    let row = |at: usize| {
        let epoch = &facts.epochs[at];
        let hashes = epoch.difficulty() * HASHES_PER_DIFFICULTY * f64::from(RETARGET_BLOCKS);
        #[expect(clippy::cast_precision_loss, reason = "seconds of some weeks")]
        let lasted = facts.epochs.get(at + 1).map(|next| (next.start - epoch.start) as f64);
        EpochRow {
            height: epoch.first_height(),
            date: epoch.start_date(),
            difficulty: epoch.difficulty(),
            hash_rate_ths: lasted.filter(|seconds| *seconds > 0.0).map(|seconds| hashes / seconds / 1e12),
            from_header: epoch.from_header,
        }
    };
    (0..facts.epochs.len()).map(row).collect()
}

/// What they rest on.
#[must_use]
pub fn epochs_assumptions(facts: &Facts) -> Vec<Assumption> {
    let Some(vintage) = facts.vintage() else { return Vec::new() };
    let source = "docs/chain.md";
    vec![
        given_text("epochs_to", vintage.epochs_to.to_string(), source),
        given_text(
            "headers_to",
            vintage.headers_to.to_string(),
            "later starts are reconstructed from targets",
        ),
        given_text("price_to", vintage.price.1.to_string(), source),
        given_text("fees_to", vintage.fees.1.to_string(), source),
        given_text(
            "hash_rate",
            "difficulty x 2^32 x 2016 over the time to the next epoch",
            "Nakamoto 2008, section 4",
        ),
    ]
}

/// CSV, one row an epoch.
#[must_use]
pub fn epochs_csv(rows: &[EpochRow]) -> String {
    let mut csv = csv_line(["height", "date", "difficulty", "hash_rate_ths", "from_header"]);
    for row in rows {
        let cells = [
            row.height.to_string(),
            row.date.to_string(),
            row.difficulty.to_string(),
            row.hash_rate_ths.map(digits).unwrap_or_default(),
            row.from_header.to_string(),
        ];
        csv.push_str(&csv_line(cells.iter().map(String::as_str)));
    }
    csv
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::facts;

    #[test]
    fn the_drop_of_july_2021_is_seen_and_the_last_epoch_has_no_rate() {
        let rows = epochs(&facts());
        // Retarget at height 689,472 on 3 July 2021: -27.94 %.
        let at = rows.iter().position(|row| row.height == 689_472).unwrap();
        let change = rows[at].difficulty / rows[at - 1].difficulty - 1.0;
        assert!((change + 0.2794).abs() < 5e-4, "{change}");
        assert!(rows[..rows.len() - 1].iter().all(|row| row.hash_rate_ths.is_some_and(|rate| rate > 0.0)));
        assert_eq!(rows.last().unwrap().hash_rate_ths, None);
        assert_eq!(epochs_csv(&rows).lines().count(), rows.len() + 1);
    }
}
