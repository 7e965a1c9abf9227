//! The thread that writes files of tables, merges them and keeps to the budget. What it does waits for the disk;
//! who hands rows over does not.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tracing::{info, warn};

use crate::error::LakeError;
use crate::keep::{self, Keep, Removed, Room, Space};
use crate::merge;
use crate::publish::Sealed;

/// How long it waits before it tries again.
const PATIENCE: Duration = Duration::from_secs(1);

/// What it is asked to do.
#[derive(Debug)]
pub(crate) enum Job {
    /// Bring what is pending to the tables; every other job does so first.
    Publish,
    Tend(Timestamp),
    /// Answers once everything before is done.
    Settle(Sender<()>),
}

/// What both sides know.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// Closed segments that are not all in tables yet.
    pub(crate) pending: VecDeque<Arc<Sealed>>,
    /// Why the last try failed; `None` once one succeeds.
    pub(crate) failing: Option<String>,
    pub(crate) space: Space,
    /// What was removed since the lake was opened, the latest only.
    pub(crate) removed: Vec<Removed>,
    pub(crate) closing: bool,
    /// The thread is gone.
    ended: bool,
}

/// Days that are remembered as removed.
const REMOVED_MAX: usize = 1_000;

#[derive(Debug, Default)]
pub(crate) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
    pub(crate) fn close(&self) {
        self.update(|state| state.closing = true);
    }
    /// Waits until at most so many segments are pending, or none can be written.
    pub(crate) fn wait_for_room(&self, at_most: usize) {
        let mut state = self.state();
        while state.pending.len() > at_most && state.failing.is_none() && !state.ended {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
    fn update(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.notify_all();
    }
}

pub(crate) struct Publisher {
    pub(crate) dir: PathBuf,
    pub(crate) keep: Keep,
    pub(crate) shared: Arc<Shared>,
}

impl Publisher {
    pub(crate) fn run(self, jobs: Receiver<Job>) {
        loop {
            let job = match jobs.recv_timeout(PATIENCE) {
                Ok(job) => job,
                // What failed is tried again.
                Err(RecvTimeoutError::Timeout) => Job::Publish,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            if self.shared.state().closing {
                break;
            }
            while self.publish_one() {}
            match job {
                Job::Publish => {}
                Job::Tend(now) => self.tend(now),
                Job::Settle(done) => drop(done.send(())),
            }
        }
        self.shared.update(|state| state.ended = true);
    }

    /// Brings the oldest pending segment to the tables, in order: a later one must not overtake it. Says whether
    /// there may be more to do.
    fn publish_one(&self) -> bool {
        let Some(sealed) = self.shared.state().pending.front().cloned() else { return false };
        match sealed.publish(&self.dir) {
            Ok(()) => {
                self.shared.update(|state| {
                    state.pending.pop_front();
                    state.failing = None;
                });
                if let Err(error) = self.hold_budget() {
                    self.failed(&error);
                }
                true
            }
            Err(error) => {
                self.failed(&error);
                error.is_full() && self.make_room(1)
            }
        }
    }

    fn failed(&self, error: &LakeError) {
        let words = words(error);
        if self.shared.state().failing.as_ref() != Some(&words) {
            warn!(lake = %self.dir.display(), error = %words, "the lake cannot be written");
        }
        self.shared.update(|state| state.failing = Some(words));
    }

    /// Removes old data for room; says whether any was.
    fn make_room(&self, at_least: usize) -> bool {
        match keep::make_room(&self.dir, &self.keep, at_least) {
            Ok(removed) => {
                let any = !removed.is_empty();
                self.note_removed(removed);
                any
            }
            Err(error) => {
                self.failed(&error);
                false
            }
        }
    }

    fn note_removed(&self, removed: Vec<Removed>) {
        for day in &removed {
            if day.for_room {
                warn!(table = %day.table, date = %day.date, "removed for want of room");
            } else {
                info!(table = %day.table, date = %day.date, "removed: its time is over");
            }
        }
        let mut state = self.shared.state();
        state.removed.extend(removed);
        let surplus = state.removed.len().saturating_sub(REMOVED_MAX);
        state.removed.drain(..surplus);
    }

    fn tend(&self, now: Timestamp) {
        let done = (|| {
            merge::remove_replaced(&self.dir)?;
            self.note_removed(keep::expire(&self.dir, &self.keep, now)?);
            // Merging takes as much room again as what is merged, for a while.
            if self.hold_budget()? != Room::Full && keep::merge_some(&self.dir, now)? > 0 {
                self.hold_budget()?;
            }
            Ok(())
        })();
        if let Err(error) = done {
            self.failed(&error);
        }
    }

    /// Measures, and removes what is too much.
    fn hold_budget(&self) -> Result<Room, LakeError> {
        let mut space = keep::space(&self.dir, &self.keep)?;
        if space.room == Room::Full {
            self.note_removed(keep::make_room(&self.dir, &self.keep, 0)?);
            space = keep::space(&self.dir, &self.keep)?;
        }
        self.note_space(space);
        Ok(space.room)
    }

    fn note_space(&self, space: Space) {
        let before = std::mem::replace(&mut self.shared.state().space, space);
        if space.room > before.room {
            warn!(bytes = space.bytes, free_bytes = space.free_bytes, room = ?space.room, "room for the lake grows scarce");
        }
    }
}

/// An error with its causes, in one line.
pub(crate) fn words(error: &LakeError) -> String {
    let mut words = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        words = format!("{words}: {cause}");
        source = cause.source();
    }
    words
}

/// Where a lake's lock is.
pub(crate) fn lock_path(dir: &Path) -> PathBuf {
    dir.join("lake.lock")
}
