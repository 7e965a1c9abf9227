//! A nation's grid: what it generates, needs and lacks, what mining draws from it by each estimate, and
//! what would happen with more or less of it.
//!
//! For: yearly balances and peaks side by side by source, mining estimates that disagree shown as they
//! are, a claim held against each of them, and an hourly what-if. Kazakhstan 2017 to 2024 is embedded;
//! other countries' tables are read from text given by the caller.
//! Not for: dispatching a real grid. The hours are a typical shape scaled to a year, not measurements.

mod book;
mod estimate;
mod nation;
mod shape;
mod supply;
mod week;
mod whatif;

pub use book::{Balance, Event, GridBook, Peak, PeakUse};
pub use estimate::{ClaimCheck, ClaimRow, MiningEstimate, Rule, check_claim};
pub use nation::{MiningOnGrid, NationYear, nation_year};
pub use shape::{DemandShape, ShapeError};
pub use supply::{Capacity, GridInputs, GridYear, GridYearError};
pub use week::{WeekHours, WeekHoursError};
pub use whatif::{EmissionRates, HourOfDay, HourRow, MiningChange, Totals, WhatIf, WhatIfError, what_if};
