//! Writes entries on a thread of its own, so that shedding load never waits for a disk.
//!
//! A start waits for its entry, since after a crash the book must know what was started. An entry that finds
//! the queue full is not written and its starts are not sent; both are counted.

use std::error::Error as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::book::{Book, Change, MeterVerdict};
use crate::counts::Counts;
use crate::history::PlanSummary;

/// Entries waiting at most: about as many seconds of cycles.
const QUEUE: usize = 120;
/// How long an entry may wait before that is told: a write takes milliseconds, and waits 5 s for another's lock.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is written together.
pub struct Entry {
    /// The changes.
    pub changes: Vec<Change>,
    /// What the meters made of them.
    pub verdicts: Vec<MeterVerdict>,
    /// What the minute's plan came to, once a minute.
    pub summary: Option<PlanSummary>,
    /// What is counted, where it has changed.
    pub counts: Counts,
    /// Called once they are on disk; dropped uncalled when they could not be written.
    pub then: Box<dyn FnOnce() + Send>,
}

/// The writing thread.
#[derive(Debug)]
pub struct Recorder {
    queue: Option<SyncSender<(Instant, Entry)>>,
    thread: Option<JoinHandle<()>>,
    lost: Arc<AtomicU64>,
    state: Arc<Mutex<State>>,
}

/// How the writing goes.
#[derive(Debug, Default)]
struct State {
    /// Why an entry was not written, until one is again.
    error: Option<String>,
    /// Since when the one that is being written waits: no other waits for longer.
    oldest: Option<Instant>,
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Recorder {
    /// Starts it.
    ///
    /// # Panics
    /// If the system can start no thread.
    #[must_use]
    pub fn start(book: Arc<Book>) -> Self {
        let (queue, entries) = sync_channel::<(Instant, Entry)>(QUEUE);
        let (lost, state) = (Arc::new(AtomicU64::new(0)), Arc::new(Mutex::new(State::default())));
        let (losing, showing) = (Arc::clone(&lost), Arc::clone(&state));
        let thread = std::thread::Builder::new()
            .name("book".into())
            .spawn(move || {
                for (since, entry) in entries {
                    lock(&showing).oldest = Some(since);
                    write(&book, entry, &losing, &showing);
                    lock(&showing).oldest = None;
                }
            })
            .expect("a process that just opened its book can start a thread");
        Self { queue: Some(queue), thread: Some(thread), lost, state }
    }

    /// Hands an entry over; never waits. Says whether there was room.
    pub fn write(&self, entry: Entry) -> bool {
        let Some(queue) = &self.queue else { return false };
        match queue.try_send((Instant::now(), entry)) {
            Ok(()) => true,
            Err(TrySendError::Full((_, entry)) | TrySendError::Disconnected((_, entry))) => {
                lock(&self.state).error =
                    Some(format!("{QUEUE} entries wait for it, and one more was refused"));
                self.lost.fetch_add(entry.changes.len() as u64, Ordering::Relaxed);
                false
            }
        }
    }

    /// Changes that were not written since the start.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Why nothing is written at present, in words: the last try failed or was refused, or the oldest entry waits for too long.
    #[must_use]
    pub fn error(&self) -> Option<String> {
        self.error_at(Instant::now())
    }

    fn error_at(&self, now: Instant) -> Option<String> {
        let state = lock(&self.state);
        let waits = state.oldest.map(|since| now.saturating_duration_since(since));
        let waits = waits.filter(|waits| *waits > PATIENCE);
        state
            .error
            .clone()
            .or_else(|| waits.map(|waits| format!("an entry has waited for {} s", waits.as_secs())))
    }
}

/// Writes one entry, and then does what waits for it.
fn write(book: &Book, entry: Entry, lost: &AtomicU64, state: &Mutex<State>) {
    match book.record_with(&entry.changes, &entry.verdicts, entry.summary.as_ref(), &entry.counts) {
        Ok(()) => {
            lock(state).error = None;
            (entry.then)();
        }
        Err(failed) => {
            lost.fetch_add(entry.changes.len() as u64, Ordering::Relaxed);
            // The book's own words say only that it failed; their source says why.
            let why = failed.source().map_or_else(|| failed.to_string(), ToString::to_string);
            lock(state).error = Some(why);
        }
    }
}

impl Drop for Recorder {
    /// Writes what is waiting.
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    fn entry(then: impl FnOnce() + Send + 'static) -> Entry {
        let (changes, verdicts, counts) = (Vec::new(), Vec::new(), Counts::default());
        Entry { changes, verdicts, summary: None, counts, then: Box::new(then) }
    }

    #[test]
    fn a_book_that_hangs_is_told_and_one_that_writes_again_is_well() {
        let folder = tempfile::tempdir().unwrap();
        let book = Arc::new(Book::open(&folder.path().join("book.sqlite")).unwrap());
        let recorder = Recorder::start(book);
        let (begun, hangs) = channel();
        let (free, freed) = channel::<()>();
        let then = move || {
            begun.send(()).unwrap();
            freed.recv().unwrap();
        };
        assert!(recorder.write(entry(then)));
        hangs.recv().unwrap();
        assert_eq!(recorder.error_at(Instant::now()), None);
        let later = Instant::now() + PATIENCE + Duration::from_secs(1);
        let told = recorder.error_at(later).unwrap();
        assert!(told.starts_with("an entry has waited for 1"), "{told}");

        while recorder.write(entry(|| ())) {}
        assert_eq!(recorder.error().unwrap(), "120 entries wait for it, and one more was refused");
        free.send(()).unwrap();
        let (written, last) = channel();
        let write = || {
            let written = written.clone();
            recorder.write(entry(move || written.send(()).unwrap()))
        };
        // There is room as soon as the first is written.
        while !write() {}
        last.recv().unwrap();
        assert_eq!(recorder.error(), None);
    }

    #[test]
    fn what_failed_is_told_until_something_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let book = Arc::new(Book::open(&folder.path().join("book.sqlite")).unwrap());
        let beside = rusqlite::Connection::open(book.path()).unwrap();
        let recorder = Recorder::start(book);
        let failing = || {
            let change = Change {
                generation: 1,
                machine: "m1".into(),
                action: "start".into(),
                at: jiff::Timestamp::UNIX_EPOCH,
                state: "issued",
                detail: None,
                now: None,
            };
            let (done, written) = channel();
            let mut entry = entry(move || done.send(()).unwrap());
            entry.changes = vec![change];
            assert!(recorder.write(entry));
            // A closed channel says that it was dropped unwritten.
            written.recv().is_ok()
        };
        beside
            .execute_batch(
                "CREATE TRIGGER full BEFORE INSERT ON command BEGIN SELECT RAISE(ABORT, 'full'); END",
            )
            .unwrap();
        assert!(!failing());
        assert_eq!(recorder.error().as_deref(), Some("full"));
        beside.execute_batch("DROP TRIGGER full").unwrap();
        assert!(failing());
        assert_eq!((recorder.error(), recorder.lost()), (None, 1));
    }
}
