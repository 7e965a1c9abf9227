//! SQL over lake and book, by DataFusion. Apart because the engine is most of the build.
//!
//! Reads only: no statement changes anything, and neither lake nor book is locked. Not here: what the rows mean,
//! and who may ask.

mod book;
mod date_trunc;
mod error;
mod export;
mod lake_table;
mod mirror;
mod place;
mod query;
mod span;

pub use error::QueryError;
pub use export::Format;
pub use mirror::{MirrorError, PART_BYTES, Uploaded, upload};
pub use place::Place;
pub use query::{ColumnInfo, Limits, Query, TableInfo};
