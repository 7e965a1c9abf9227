//! Writes entries on a thread of its own, so that shedding load never waits for a disk.
//!
//! A start waits for its entry, since after a crash the book must know what was started. An entry that finds
//! the queue full is not written and its starts are not sent; both are counted.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::book::{Book, Change, MeterVerdict};
use crate::counts::Counts;
use crate::history::PlanSummary;

/// Entries waiting at most: about as many seconds of cycles.
const QUEUE: usize = 120;

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
    queue: Option<SyncSender<Entry>>,
    thread: Option<JoinHandle<()>>,
    lost: Arc<AtomicU64>,
    error: Arc<Mutex<Option<String>>>,
}

impl Recorder {
    /// Starts it.
    ///
    /// # Panics
    /// If the system can start no thread.
    #[must_use]
    pub fn start(book: Arc<Book>) -> Self {
        let (queue, entries) = sync_channel::<Entry>(QUEUE);
        let (lost, error) = (Arc::new(AtomicU64::new(0)), Arc::new(Mutex::new(None)));
        let (losing, failing) = (Arc::clone(&lost), Arc::clone(&error));
        let thread = std::thread::Builder::new()
            .name("book".into())
            .spawn(move || {
                for entry in entries {
                    match book.record_with(
                        &entry.changes,
                        &entry.verdicts,
                        entry.summary.as_ref(),
                        &entry.counts,
                    ) {
                        Ok(()) => (entry.then)(),
                        Err(failed) => {
                            losing.fetch_add(entry.changes.len() as u64, Ordering::Relaxed);
                            *failing.lock().unwrap_or_else(PoisonError::into_inner) =
                                Some(failed.to_string());
                        }
                    }
                }
            })
            .expect("a process that just opened its book can start a thread");
        Self { queue: Some(queue), thread: Some(thread), lost, error }
    }

    /// Hands an entry over; never waits. Says whether there was room.
    pub fn write(&self, entry: Entry) -> bool {
        let Some(queue) = &self.queue else { return false };
        match queue.try_send(entry) {
            Ok(()) => true,
            Err(TrySendError::Full(entry) | TrySendError::Disconnected(entry)) => {
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

    /// The last failure in words.
    #[must_use]
    pub fn error(&self) -> Option<String> {
        self.error.lock().unwrap_or_else(PoisonError::into_inner).clone()
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
