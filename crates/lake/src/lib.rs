//! The lake: what was measured, by table and day, in Parquet files that any reader opens.
//!
//! One process writes ([`Lake`], or [`LakeRecorder`] on a thread of its own); any may read, while it is written.
//! Rows go to a journal first; what [`Lake::sync`] has returned from survives a kill and the loss of power, and
//! is counted once, whatever happens on its way to the tables. A row is known by its key: a second one of the
//! same key is not taken. `docs/lake.md` describes the folder. Not here: SQL (`query`), and what the rows mean
//! (accounting).

mod arrays;
mod block;
mod error;
mod files;
mod frame;
mod journal;
mod keep;
mod keyed;
mod keys;
mod lake;
mod layout;
mod merge;
mod names;
mod publish;
mod publisher;
mod read;
mod record;
mod recorder;
mod runs;
mod table;

pub use arrays::schema;
pub use error::LakeError;
pub use frame::{FrameError, fuzz_frame};
pub use keep::{Keep, Removed, Room, Space};
pub use lake::{Lake, Options, Recovered, Status, Taken};
pub use layout::{LakeFile, files, without_spanned};
pub use read::read;
pub use record::Record;
pub use recorder::{LakeRecorder, Rows, Tally};
pub use runs::{Asked, Stretch, stretches, stretches_of};
pub use table::Table;
