//! The rows of the lake: one struct a table, as they are handed over and read back.
//!
//! Energy is in whole joules: milliwatts over seconds with the part below a joule carried into the next
//! interval, so that sums stay exact. Times are UTC, an interval is named by its start and half-open.
//! `None` is "not known"; zero is zero. Not here: where rows come from (accounting), and files (`lake`).

mod rows;
mod rules;
mod run;
mod words;

pub use rows::{CommandRow, Downtime, MachineRow, MeterRow, SignalRow};
pub use rules::RowError;
pub use run::MachineRun;
pub use words::{Known, MachineMode, MachineState};

/// A name: cheap to hand on.
pub type Name = std::sync::Arc<str>;
