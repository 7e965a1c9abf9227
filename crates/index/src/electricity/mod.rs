//! Electricity of the whole network by several methods, side by side.
//!
//! For: computing Cambridge's, Digiconomist's and our own estimate from a daily network series and a
//! table of machines, with every assumption named, sourced and changeable; writing an estimate to a
//! file that can be recomputed from its own header; showing the spread between methods.
//! Not for: merging them into one number, and for splitting by country (see geography).
//!
//! Powers and energies of whole nations are floats in gigawatts (GW) and terawatt-hours a year (TWh).

mod assumption;
mod cambridge;
mod compare;
mod digiconomist;
mod export;
mod method;
mod offpeak;
mod series;

pub use assumption::{Assumption, AssumptionError};
pub use cambridge::{Cambridge, Prepared, Revision};
pub use compare::{Estimate, SideBySide, side_by_side};
pub use digiconomist::Digiconomist;
pub use export::{ExportError, Exported, read_csv, recompute, to_csv};
pub use method::Method;
pub use offpeak::{Offpeak, Region};
pub use series::{Band, Row, Series, Vintage};
