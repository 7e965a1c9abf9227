//! Energy accounting: what was drawn, how it is known, and that it adds up.
//!
//! Four steps, each pure and exact in integers: a meter's readings become minutes ([`MeterAccount`]); a machine's
//! words become minutes ([`MachineAccount`]); a minute's machines are scaled to the circuits' meters and those to the
//! revenue meter ([`settle`]); minutes become totals that say what is missing ([`Sum`], [`Uptime`]). [`Ledger`] does the
//! first three for a whole site and makes rows of them; [`Report`] does the last over rows. The rules stand
//! in `docs/accounts.md`. Not here: clocks, files, prices, contracts.

mod ledger;
mod machine;
mod meter;
mod report;
mod settle;
mod split;
mod sum;

pub use ledger::{Batch, LastWord, Ledger, Picture, RULE_GAP, claim, last_anchor, rules_of, why_off};
pub use machine::{Claim, Doing, MachineAccount, MachineMinute};
pub use meter::{Anchor, MeterAccount, MeterCounts, MeterMinute, MeterRules, RULE_BOTH_ENDS};
pub use report::{By, Cell, Key, LINES_MAX, Report, ReportError, Span};
pub use settle::{CircuitPart, Settled, settle};
pub use split::split;
pub use sum::{Sum, Uptime, rounded};

/// The length of an interval in seconds.
pub const MINUTE_S: i64 = 60;
