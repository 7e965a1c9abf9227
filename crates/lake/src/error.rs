//! Why the lake could not be opened, written or read.

use std::path::{Path, PathBuf};

use offpeak_rows::RowError;

use crate::frame::FrameError;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    /// Another process writes to it.
    #[error("{} is being written by another process{}", path.display(), pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default())]
    InUse {
        /// The lake.
        path: PathBuf,
        /// Who holds it, as it wrote itself.
        pid: Option<u32>,
    },
    /// Written by a newer version.
    #[error("{} has format {found}, and this program knows none above {known}", path.display())]
    Newer {
        /// The lake.
        path: PathBuf,
        /// Its format.
        found: String,
        /// The newest known.
        known: u32,
    },
    /// No space is left, or what is left is kept for the book; the rows of this call were not taken.
    #[error("{}: the disk is full", path.display())]
    Full {
        /// The lake.
        path: PathBuf,
    },
    /// Rows that are in the journal could not be brought to their tables.
    #[error("{} could not bring all rows to the tables; they are in its journal: {why}", path.display())]
    Behind {
        /// The lake.
        path: PathBuf,
        /// The last failure in words.
        why: String,
    },
    /// A file or folder.
    #[error("{}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A Parquet file that cannot be written or read.
    #[error("{}", path.display())]
    Parquet {
        /// Which.
        path: PathBuf,
        /// What the library says.
        source: parquet::errors::ParquetError,
    },
    /// A Parquet file that is not of the lake.
    #[error("{}: {what}", path.display())]
    Foreign {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A row that breaks a rule; none of the call's rows were taken.
    #[error("row {place} is not taken")]
    Row {
        /// Which of the rows handed over.
        place: usize,
        /// The rule.
        source: RowError,
    },
    /// A frame of the journal that its checksum holds for whole and that this program would not have written.
    #[error("{}", path.display())]
    Frame {
        /// The journal's segment.
        path: PathBuf,
        /// What is wrong with it.
        source: FrameError,
    },
    /// The thread that writes files has ended.
    #[error("the lake's writing thread has ended")]
    Ended,
}

impl LakeError {
    /// A file's error; a disk without space is told apart.
    pub(crate) fn file(path: &Path, source: std::io::Error) -> Self {
        if is_full(&source) {
            Self::Full { path: path.to_owned() }
        } else {
            Self::File { path: path.to_owned(), source }
        }
    }

    /// An error of the Parquet library; a disk without space is told apart.
    pub(crate) fn parquet(path: &Path, source: parquet::errors::ParquetError) -> Self {
        use parquet::errors::ParquetError::External;
        match source {
            External(inner) if inner.downcast_ref::<std::io::Error>().is_some_and(is_full) => {
                Self::Full { path: path.to_owned() }
            }
            source => Self::Parquet { path: path.to_owned(), source },
        }
    }

    /// Whether it is for want of space.
    #[must_use]
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Full { .. })
    }

    /// Whether a file is gone that had been listed before: it was merged, or its time was over.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        matches!(self, Self::File { source, .. } if source.kind() == std::io::ErrorKind::NotFound)
    }
}

/// No space, a quota reached, or a file beyond the size that the process may write.
fn is_full(source: &std::io::Error) -> bool {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(source.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}
