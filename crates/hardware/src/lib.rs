//! The one table of mining machines: one row a model, from the processors of 2009 to the machines of 2026.
//!
//! For: reading such a table from text, whatever the order of its columns; the table that is built in, each
//! row with its source; the few facts that follow from a row (efficiency, whether Cambridge counts it). Sites
//! take their models' watts and hash rates from it, the observatory's estimates their fleet.
//! Not for: how a model is switched and how long that takes; that is the site's catalogue.
//!
//! Rates and watts are floats here, not the whole units of `offpeak-units`: the table begins with a
//! processor of 5.1 MH/s, which whole megahashes would round by 2 %.
//!
//! Sources: `data/SOURCES`, which [`sources`] gives as text, and the column `source` of each row.

mod built_in;
mod table;

pub use built_in::{machines, named, sources};
pub use table::{Cooling, HardwareError, Model, counts_for_cambridge, parse_catalogue_csv};
