//! Why the book could not be opened or written.

use std::path::PathBuf;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum BookError {
    /// Another process has it open.
    #[error("{} is open in another process{}", path.display(), pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default())]
    InUse {
        /// The book.
        path: PathBuf,
        /// Who holds it, as it wrote itself.
        pid: Option<u32>,
    },
    /// Not a book of ours.
    #[error("{} is a database, but not offpeak's book", .0.display())]
    Foreign(PathBuf),
    /// Written by a newer version.
    #[error("{} has version {found}, and this program knows none above {known}", path.display())]
    Newer {
        /// The book.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest known.
        known: i64,
    },
    /// Not a database, or a broken one.
    #[error("{} is not readable as a database", path.display())]
    Damaged {
        /// The book.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The folder or the lock file.
    #[error("{}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A statement failed.
    #[error("the book could not be read or written")]
    Statement(#[from] rusqlite::Error),
    /// A row that this program would not have written.
    #[error("the book holds `{found}` where {expected} is due")]
    Row {
        /// What stands there.
        found: String,
        /// What should.
        expected: &'static str,
    },
    /// The signing key is open to others.
    #[error("{} is open to others than its owner\nhint: chmod 600 {}", .0.display(), .0.display())]
    OpenKey(PathBuf),
    /// The signing key is not one.
    #[error("{} does not hold a signing key: 64 hexadecimal digits", .0.display())]
    BadKey(PathBuf),
}
