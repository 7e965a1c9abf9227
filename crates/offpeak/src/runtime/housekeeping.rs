//! What the book needs while a site runs: signed checkpoints, copies by schedule, and an end to what grows.
//!
//! A thread of its own, which the loop never waits for. Time here is that of the clock on the wall.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use offpeak_store::{Book, FORGET_AT_ONCE, KeepFrom, back_up};
use tracing::{info, warn};

use crate::cli;
use crate::commands::{copy_name, copy_time};

/// The chain is signed this often, where something was added.
const SIGN_EVERY: Duration = Duration::from_secs(3_600);
/// What is too old is looked for this often.
const FORGET_EVERY: Duration = Duration::from_secs(600);
/// Whether a copy is due is looked at this often.
const COPY_LOOK_EVERY: Duration = Duration::from_secs(60);
/// Between two portions of what is forgotten, so that others can write.
const BREATHE: Duration = Duration::from_secs(1);

/// Where copies go.
#[derive(Clone, Debug)]
pub(crate) struct Copies {
    folder: PathBuf,
    every: Duration,
    keep: usize,
}

impl Copies {
    pub(crate) fn of(args: &cli::Run) -> Option<Self> {
        let folder = args.backup_to.clone()?;
        Some(Self { folder, every: args.backup_every, keep: args.backup_keep.into() })
    }

    /// When the newest copy was made, by its name; a copy of the future counts as none.
    fn newest(&self, now: Timestamp) -> Option<Timestamp> {
        let names = self.all().into_iter().filter_map(|path| copy_time(path.file_name()?.to_str()?));
        names.filter(|at| *at <= now).max()
    }

    /// Makes a copy, and lets the oldest go. Says whether one was made.
    fn make(&self, book: &Path) -> bool {
        let target = self.folder.join(copy_name(Timestamp::now()));
        let made = std::fs::create_dir_all(&self.folder).map_err(|error| error.to_string()).and_then(|()| {
            back_up(book, &target).map_err(|error| format!("{:#}", anyhow::Error::from(error)))
        });
        match made {
            Ok(copied) => info!(copy = %target.display(), bytes = copied.bytes, "the book was copied"),
            Err(error) => {
                warn!(folder = %self.folder.display(), error, "the book could not be copied");
                return false;
            }
        }
        for old in self.oldest() {
            if let Err(error) = std::fs::remove_file(&old) {
                warn!(copy = %old.display(), %error, "an old copy stays");
            }
        }
        true
    }

    /// Copies beyond those that stay.
    fn oldest(&self) -> Vec<PathBuf> {
        let mut copies = self.all();
        copies.truncate(copies.len().saturating_sub(self.keep));
        copies
    }

    /// Every copy. Their names sort by time.
    fn all(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let is_copy = |path: &PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            name.len() == copy_name(Timestamp::UNIX_EPOCH).len()
                && name.starts_with("book-")
                && name.ends_with(".sqlite")
        };
        let mut copies: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_copy).collect();
        copies.sort();
        copies
    }
}

/// The thread; it ends, and signs once more, when this is dropped.
#[derive(Debug)]
pub(crate) struct Housekeeping {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Housekeeping {
    pub(crate) fn start(book: Arc<Book>, copies: Option<Copies>, days: u16) -> std::io::Result<Self> {
        let (stop, stopped) = channel::<()>();
        let thread = std::thread::Builder::new().name("housekeeping".into()).spawn(move || {
            let mut keeper = Keeper { book, copies, days, signed: None, forgot: None, tried: None };
            loop {
                let wait = keeper.turn();
                match stopped.recv_timeout(wait) {
                    Err(RecvTimeoutError::Timeout) => {}
                    Ok(()) | Err(RecvTimeoutError::Disconnected) => break,
                }
            }
            keeper.sign();
        })?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Housekeeping {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Keeper {
    book: Arc<Book>,
    copies: Option<Copies>,
    days: u16,
    signed: Option<Instant>,
    forgot: Option<Instant>,
    /// When a copy was last tried.
    tried: Option<Instant>,
}

impl Keeper {
    /// Does what is due, and says how long to wait.
    fn turn(&mut self) -> Duration {
        let due = |last: Option<Instant>, every: Duration| last.is_none_or(|last| last.elapsed() >= every);
        if due(self.signed, SIGN_EVERY) {
            self.sign();
        }
        if due(self.tried, COPY_LOOK_EVERY) {
            self.copy(Timestamp::now());
            self.tried = Some(Instant::now());
        }
        if due(self.forgot, FORGET_EVERY) && self.forget() {
            self.forgot = Some(Instant::now());
        }
        if self.forgot.is_some() { Duration::from_secs(10) } else { BREATHE }
    }

    fn sign(&mut self) {
        self.signed = Some(Instant::now());
        if let Err(error) = self.book.sign_checkpoint(Timestamp::now()) {
            warn!(%error, "the audit chain could not be signed");
        }
    }

    /// Makes a copy where the newest is old enough: a site that starts again and again makes no more of them, and one that
    /// failed is tried again.
    fn copy(&self, now: Timestamp) {
        let Some(copies) = &self.copies else { return };
        let every = SignedDuration::try_from(copies.every).unwrap_or(SignedDuration::MAX);
        if copies.newest(now).is_none_or(|newest| newest.duration_until(now) >= every) {
            copies.make(self.book.path());
        }
    }

    /// A portion; says whether it was the last. A look goes a day beyond the oldest plan at most, so that a clock that
    /// is set ahead by years costs days and not the book.
    fn forget(&self) -> bool {
        let oldest = match self.book.oldest_plan() {
            Ok(Some(oldest)) => oldest,
            Ok(None) => return true,
            Err(error) => {
                warn!(%error, "the book could not be tidied");
                return true;
            }
        };
        let before = Timestamp::now() - SignedDuration::from_hours(24 * i64::from(self.days));
        let before = before.min(oldest + SignedDuration::from_hours(24));
        let keep = KeepFrom { commands: Some(before), plans: Some(before), signals: Some(before) };
        match self.book.forget(&keep) {
            Ok(rows) => {
                if rows > 0 {
                    info!(rows, "what was too old was taken out of the book");
                }
                rows < FORGET_AT_ONCE as usize
            }
            Err(error) => {
                warn!(%error, "the book could not be tidied");
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use offpeak_store::PlanSummary;
    use offpeak_units::Power;

    use super::*;

    #[test]
    fn a_copy_is_made_the_oldest_go_and_what_is_not_ours_stays() {
        let dir = tempfile::tempdir().unwrap();
        let book = Book::open(&dir.path().join("book.sqlite")).unwrap();
        let folder = dir.path().join("copies");
        std::fs::create_dir(&folder).unwrap();
        for old in ["book-20200101T000000Z.sqlite", "book-20210101T000000Z.sqlite", "notes.txt"] {
            std::fs::write(folder.join(old), "old").unwrap();
        }
        let copies = Copies { folder: folder.clone(), every: Duration::from_secs(86_400), keep: 2 };
        let keeper = |book: Book| Keeper {
            book: Arc::new(book),
            copies: Some(copies.clone()),
            days: 400,
            signed: None,
            forgot: None,
            tried: None,
        };
        let keeper = keeper(book);
        keeper.copy(Timestamp::now());
        let mut names: Vec<_> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names.len(), 3, "{names:?}");
        assert_eq!((names[0].as_str(), names[2].as_str()), ("book-20210101T000000Z.sqlite", "notes.txt"));

        // A site that starts again and again makes no more; the next is due when the newest is a day old.
        let made = copies.newest(Timestamp::now()).unwrap();
        keeper.copy(made + SignedDuration::from_hours(23));
        assert_eq!(copies.newest(Timestamp::now()), Some(made));
        assert_eq!(copies.oldest(), Vec::<PathBuf>::new());
        std::fs::rename(folder.join(&names[1]), folder.join("book-20220101T000000Z.sqlite")).unwrap();
        keeper.copy(Timestamp::now());
        assert!(copies.newest(Timestamp::now()).unwrap() >= made, "one is made again");
        assert_eq!(copies.all().len(), 2);
    }

    #[test]
    fn a_clock_set_ahead_costs_a_day_at_a_look() {
        let dir = tempfile::tempdir().unwrap();
        let book = Arc::new(Book::open(&dir.path().join("book.sqlite")).unwrap());
        let long_ago: Timestamp = "2020-01-01T00:00:00Z".parse().unwrap();
        let days = (0..10).map(|day| PlanSummary {
            at: long_ago + SignedDuration::from_hours(24 * day),
            limit: None,
            source: "rating".to_owned(),
            measured: None,
            expected: Power::ZERO,
            running: 0,
            rising: 0,
            falling: 0,
            asleep: 0,
            other: 0,
            commands: 0,
            vetoes: 0,
        });
        for day in days {
            book.record_with(&[], &[], Some(&day), &offpeak_store::Counts::default()).unwrap();
        }
        let left = || book.plan_summaries(long_ago, 100).unwrap().len();
        let mut keeper = Keeper {
            book: Arc::clone(&book),
            copies: None,
            days: 1,
            signed: None,
            forgot: None,
            tried: None,
        };
        assert_eq!(left(), 10);
        keeper.turn();
        assert_eq!(left(), 9, "a day at a look");
        keeper.turn();
        assert_eq!(left(), 9, "and a look only every ten minutes");
    }
}
