//! Copies of the book while it is written, and the way back.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use crate::audit::{AuditFault, AuditSound, Deed, append, verify_audit};
use crate::book::take_lock;
use crate::error::BookError;
use crate::schema;

/// After a restore the next generation lies this far above the copy's: more than a book hands out in a lifetime, so
/// that none given since the copy was made is given again.
const GENERATIONS_SKIPPED: i64 = 1 << 40;

/// What a copy holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Where it is.
    pub path: PathBuf,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its audit chain.
    pub audit: AuditSound,
}

/// Why a copy is not one to go back to.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// It could not be read or written.
    #[error(transparent)]
    Book(#[from] BookError),
    /// Something is there that must not be written over.
    #[error("{} is there already", .0.display())]
    Exists(PathBuf),
    /// SQLite finds it broken.
    #[error("{} is damaged: {found}", path.display())]
    Broken {
        /// The copy.
        path: PathBuf,
        /// In SQLite's words.
        found: String,
    },
    /// Its audit chain does not hold.
    #[error("the audit chain of {} does not hold", path.display())]
    Audit {
        /// The copy.
        path: PathBuf,
        /// What is wrong.
        source: AuditFault,
    },
}

/// Opens a book only to read, also while another process writes to it.
pub(crate) fn open_read_only(path: &Path) -> Result<Connection, BookError> {
    let damaged = |source| BookError::Damaged { path: path.to_owned(), source };
    if let Err(source) = fs::metadata(path) {
        return Err(BookError::File { path: path.to_owned(), source });
    }
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(damaged)?;
    connection.execute_batch("PRAGMA query_only = ON; PRAGMA busy_timeout = 10000;").map_err(damaged)?;
    schema::recognise(&connection, path)?;
    Ok(connection)
}

/// Copies the book to a new file, whole and as of one instant, while its owner may be writing. The copy is checked
/// (SQLite's own check and the audit chain), synced, and only then given its name.
///
/// # Errors
/// If the target exists, or the copy could not be made or is not sound.
pub fn back_up(book: &Path, target: &Path) -> Result<Copied, BackupError> {
    if target.exists() {
        return Err(BackupError::Exists(target.to_owned()));
    }
    let begun = beside(target, ".part");
    let copied = copy_to(book, &begun).and_then(|()| check(&begun)).and_then(|audit| {
        put_in_place(&begun, target)?;
        let bytes = fs::metadata(target).map_err(|source| file(target, source))?.len();
        Ok(Copied { path: target.to_owned(), bytes, audit })
    });
    if copied.is_err() {
        let _ = fs::remove_file(&begun);
    }
    copied
}

fn copy_to(book: &Path, begun: &Path) -> Result<(), BackupError> {
    let source = open_read_only(book)?;
    // Closed to others from its first byte on.
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(begun)
        .map_err(|source| file(begun, source))?;
    let mut copy = Connection::open(begun).map_err(BookError::from)?;
    {
        let backup = Backup::new(&source, &mut copy).map_err(BookError::from)?;
        // All pages in one step: one snapshot, however much is written meanwhile.
        match backup.step(-1).map_err(BookError::from)? {
            StepResult::Done => {}
            _ => {
                let found = "the book was too busy to be copied".to_owned();
                return Err(BackupError::Broken { path: begun.to_owned(), found });
            }
        }
    }
    // One file by itself, without a log beside it.
    copy.execute_batch("PRAGMA journal_mode = DELETE;").map_err(BookError::from)?;
    drop(copy);
    File::open(begun).and_then(|copied| copied.sync_all()).map_err(|source| file(begun, source))?;
    Ok(())
}

/// Whether a copy is one to go back to.
///
/// # Errors
/// If it is not, or cannot be read.
pub fn check(copy: &Path) -> Result<AuditSound, BackupError> {
    let connection = open_read_only(copy)?;
    let found: String = connection
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(|source| BookError::Damaged { path: copy.to_owned(), source })?;
    if found != "ok" {
        return Err(BackupError::Broken { path: copy.to_owned(), found });
    }
    drop(connection);
    match verify_audit(copy, None)? {
        Ok(sound) => Ok(sound),
        Err(source) => Err(BackupError::Audit { path: copy.to_owned(), source }),
    }
}

/// What a restore did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Where the book that stood there was moved, if one did.
    pub aside: Option<PathBuf>,
    /// The copy's audit chain.
    pub audit: AuditSound,
}

/// Puts a copy in a book's place. The book that stood there is moved aside, never written over. Refused while a
/// process has the book open, and where the copy is not sound. Generations go on far above the copy's.
///
/// # Errors
/// If it is refused or something could not be read or written; then the old book stands as it was.
pub fn restore(copy: &Path, book: &Path, at: Timestamp, who: &str) -> Result<Restored, BackupError> {
    let lock = take_lock(book)?;
    let audit = check(copy)?;
    let begun = beside(book, ".part");
    fs::copy(copy, &begun).map_err(|source| file(&begun, source))?;
    prepare(&begun, copy, at, who)?;
    File::open(&begun).and_then(|copied| copied.sync_all()).map_err(|source| file(&begun, source))?;
    let mut aside = None;
    if book.exists() {
        let name = beside(book, &format!(".before-{}", at.strftime("%Y%m%dT%H%M%SZ")));
        if name.exists() {
            return Err(BackupError::Exists(name));
        }
        // Its log goes with it: it may hold what was acknowledged last.
        for suffix in ["-wal", "-shm", ""] {
            let from = beside(book, suffix);
            if from.exists() {
                fs::rename(&from, beside(&name, suffix)).map_err(|source| file(&from, source))?;
            }
        }
        aside = Some(name);
    }
    put_in_place(&begun, book)?;
    drop(lock);
    Ok(Restored { aside, audit })
}

/// Brings the copy up to date, skips generations and notes the restore.
fn prepare(begun: &Path, copy: &Path, at: Timestamp, who: &str) -> Result<(), BookError> {
    let damaged = |source| BookError::Damaged { path: begun.to_owned(), source };
    let mut connection = Connection::open(begun).map_err(damaged)?;
    schema::migrate(&mut connection, begun)?;
    let transaction = connection.transaction()?;
    transaction.execute("UPDATE generation SET next = next + ?1", [GENERATIONS_SKIPPED])?;
    // A session of the copy's time is no session of today's.
    transaction.execute("DELETE FROM session", [])?;
    let subject = copy.display().to_string();
    append(
        &transaction,
        at,
        &Deed { who, what: "restore", subject: &subject, why: "the book was put back" },
    )?;
    transaction.commit()?;
    Ok(())
}

fn put_in_place(begun: &Path, target: &Path) -> Result<(), BackupError> {
    fs::rename(begun, target).map_err(|source| file(target, source))?;
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|source| file(folder, source))?;
    Ok(())
}

fn file(path: &Path, source: std::io::Error) -> BookError {
    BookError::File { path: path.to_owned(), source }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
