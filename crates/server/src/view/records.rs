//! What was recorded: reports, a machine's minutes, the audit chain's proof, copies of the book, answers in SQL.

use jiff::Timestamp;
use offpeak_store::{AuditEntry, hex};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// A report out of the lake. Numbers are whole watt-hours, seconds, or 10⁹ hashes, as their column's name ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReportView {
    /// `energy`, `availability` or `hash`.
    pub about: String,
    /// What its lines are by: `day`, `hour`, `hall`, `circuit`, `owner`, `model`, `machine`.
    pub by: Vec<String>,
    /// From when.
    pub from: Timestamp,
    /// Until before when.
    pub until: Timestamp,
    /// Where its days and hours are those of the clock.
    pub time_zone: String,
    /// The columns, in order.
    pub columns: Vec<String>,
    /// One object a line, by column; what is not known is `null`.
    pub lines: Vec<Map<String, Value>>,
    /// What the revenue meter counted; `null` where the caller sees a part of the site only.
    pub metered: Option<MeteredView>,
}

impl ReportView {
    /// As CSV with a header; what is not known is empty.
    #[must_use]
    pub fn csv(&self) -> String {
        let quoted = |text: &str| match text.contains([',', '"', '\n', '\r']) {
            true => format!("\"{}\"", text.replace('"', "\"\"")),
            false => text.to_owned(),
        };
        let row = |cells: Vec<String>| cells.join(",") + "\n";
        let header = row(self.columns.clone());
        let line = |line: &Map<String, Value>| {
            let cell = |column: &String| match line.get(column) {
                None | Some(Value::Null) => String::new(),
                Some(Value::String(text)) => quoted(text),
                Some(number) => number.to_string(),
            };
            row(self.columns.iter().map(cell).collect())
        };
        self.lines.iter().fold(header, |text, of| text + &line(of))
    }
}

/// What the revenue meter says of a report's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MeteredView {
    /// All of it.
    pub metered_wh: Option<i64>,
    /// What it counted beyond the machines: house load, losses, unattributed. Of energy reports.
    pub rest_wh: Option<i64>,
    /// Seconds that are missing and in no sum.
    pub missing_s: u64,
    /// Seconds measured in full.
    pub measured_s: u64,
    /// Seconds known by its register alone.
    pub register_s: u64,
    /// Seconds estimated.
    pub estimated_s: u64,
}

/// A machine's recorded time in equal steps, oldest first. Where nothing is recorded there is no step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MinutesView {
    /// Which machine.
    pub machine: String,
    /// Seconds of a step.
    pub step_s: u32,
    /// When each step begins.
    pub at: Vec<Timestamp>,
    /// Mean power over the step, scaled to the meters: what is billed. `null` where it is missing.
    pub power_w: Vec<Option<f64>>,
    /// The same by the machine's own word.
    pub said_w: Vec<Option<f64>>,
    /// Mean hash rate over the step by its own word, in TH/s.
    pub hash_rate_ths: Vec<Option<f64>>,
    /// Share of what is known of the step in which it hashed; `null` where nothing is.
    pub hashing: Vec<Option<f64>>,
}

/// One entry of the audit chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditView {
    /// Its place, from 1 without gaps.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub who: String,
    /// What.
    pub what: String,
    /// About what.
    pub subject: String,
    /// Why.
    pub why: String,
    /// The chain's hash up to and including it.
    pub hash: String,
}

impl From<AuditEntry> for AuditView {
    fn from(entry: AuditEntry) -> Self {
        Self {
            seq: entry.seq,
            at: entry.at,
            who: entry.who,
            what: entry.what,
            subject: entry.subject,
            why: entry.why,
            hash: hex(&entry.hash),
        }
    }
}

/// Something ordered or lifted, as the audit chain has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderDeedView {
    /// Its place in the audit chain.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub who: String,
    /// What: `order`, `order lifted`, `stop`, `resume`, `lockout`, `lockout lifted`, `authority`, `machines held`,
    /// `machines released`.
    pub what: String,
    /// About what.
    pub subject: String,
    /// How, and why.
    pub why: String,
}

impl From<AuditEntry> for OrderDeedView {
    fn from(entry: AuditEntry) -> Self {
        let AuditEntry { seq, at, who, what, subject, why, .. } = entry;
        Self { seq, at, who, what, subject, why }
    }
}

/// A page of what was ordered and lifted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderDeedsView {
    /// Newest first.
    pub deeds: Vec<OrderDeedView>,
    /// What `before` is to be for the next page; `null` on the last.
    pub next: Option<u64>,
}

/// Whether the audit chain holds, by recomputing all of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VerificationView {
    /// Whether it does.
    pub holds: bool,
    /// How many entries it has.
    pub entries: u64,
    /// The hash of the last; `null` for an empty chain.
    pub head: Option<String>,
    /// Signed checkpoints.
    pub checkpoints: u64,
    /// The entry up to which it is signed.
    pub signed_up_to: u64,
    /// The public keys that signed.
    pub keys: Vec<String>,
    /// The key that must have signed, where one is known.
    pub expected_key: Option<String>,
    /// What does not hold.
    pub fault: Option<String>,
}

/// A copy of the book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BackupView {
    /// Its name in the site's folder of copies.
    pub name: String,
    /// When it was made.
    pub at: Timestamp,
    /// Its size.
    pub bytes: u64,
}

/// An answer in SQL.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RowsView {
    /// The rows, one object each.
    pub rows: Vec<Map<String, Value>>,
    /// Whether there are more than are told.
    pub is_cut: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_keeps_what_is_not_known_apart_from_zero() {
        let line = |hall: &str, wh: Option<i64>| {
            [("hall".to_owned(), Value::from(hall)), ("energy_wh".to_owned(), Value::from(wh))]
                .into_iter()
                .collect()
        };
        let view = ReportView {
            about: "energy".into(),
            by: vec!["hall".into()],
            from: Timestamp::UNIX_EPOCH,
            until: Timestamp::UNIX_EPOCH,
            time_zone: "UTC".into(),
            columns: vec!["hall".into(), "energy_wh".into()],
            lines: vec![line("a,\"b\"", Some(-7)), line("c", None), line("d", Some(0))],
            metered: None,
        };
        assert_eq!(view.csv(), "hall,energy_wh\n\"a,\"\"b\"\"\",-7\nc,\nd,0\n");
    }
}
