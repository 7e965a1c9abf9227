//! Hands rows to the lake on a thread of its own, so that control never waits for a disk.
//!
//! The journal is brought to the disk every second, rows go to the tables every few minutes. When the disk is
//! full, rows are held and tried again each second; what finds too many held is lost, and counted.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use offpeak_rows::{CommandRow, MachineRow, MeterRow, SignalRow};

use crate::error::LakeError;
use crate::lake::{Lake, Status, Taken};
use crate::publisher::words;

/// Hand-overs that wait at most.
const QUEUE: usize = 256;
/// Hand-overs that are held at most while the disk is full.
const HELD: usize = 256;
/// How often the journal is brought to the disk.
const SYNC_EVERY: Duration = Duration::from_secs(1);
/// How often the lake is tended.
const TEND_EVERY: Duration = Duration::from_secs(60);

/// Rows that are handed over together.
#[derive(Clone, Debug)]
pub enum Rows {
    /// Of meters.
    Meter(Vec<MeterRow>),
    /// Of machines.
    Machine(Vec<MachineRow>),
    /// Of commands.
    Command(Vec<CommandRow>),
    /// Of signals.
    Signal(Vec<SignalRow>),
}

impl Rows {
    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Meter(rows) => rows.len(),
            Self::Machine(rows) => rows.len(),
            Self::Command(rows) => rows.len(),
            Self::Signal(rows) => rows.len(),
        }
    }
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    fn append(&self, lake: &mut Lake) -> Result<Taken, LakeError> {
        match self {
            Self::Meter(rows) => lake.append(rows),
            Self::Machine(rows) => lake.append(rows),
            Self::Command(rows) => lake.append(rows),
            Self::Signal(rows) => lake.append(rows),
        }
    }
}

/// What became of all rows so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Rows that the lake took.
    pub taken: u64,
    /// Rows that it had already.
    pub duplicates: u64,
    /// Rows that broke a rule.
    pub refused: u64,
    /// Rows that found the queue full, or no room on the disk.
    pub lost: u64,
    /// The last failure in words.
    pub error: Option<String>,
    /// How the lake is, as of the last second.
    pub lake: Status,
}

#[derive(Debug, Default)]
struct Shared {
    tally: Mutex<Tally>,
    lost: AtomicU64,
}

impl Shared {
    fn update(&self, change: impl FnOnce(&mut Tally)) {
        change(&mut self.tally.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// The recording thread.
#[derive(Debug)]
pub struct LakeRecorder {
    queue: Option<SyncSender<Rows>>,
    thread: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
}

impl LakeRecorder {
    /// Starts it.
    ///
    /// # Panics
    /// If the system can start no thread.
    #[must_use]
    pub fn start(lake: Lake) -> Self {
        let (queue, rows) = sync_channel(QUEUE);
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("recorder".into())
            .spawn(move || Recording::new(lake, theirs).run(&rows))
            .expect("a process that just opened its lake can start a thread");
        Self { queue: Some(queue), thread: Some(thread), shared }
    }

    /// Hands rows over; never waits. Says whether there was room.
    pub fn record(&self, rows: Rows) -> bool {
        let Some(queue) = &self.queue else { return false };
        if rows.is_empty() {
            return true;
        }
        match queue.try_send(rows) {
            Ok(()) => true,
            Err(TrySendError::Full(rows) | TrySendError::Disconnected(rows)) => {
                self.shared.lost.fetch_add(rows.len() as u64, Ordering::Relaxed);
                false
            }
        }
    }

    /// Hands rows over and waits for room: for a simulation, whose time is not ours. Says whether the thread lives.
    pub fn record_all(&self, rows: Rows) -> bool {
        rows.is_empty() || self.queue.as_ref().is_some_and(|queue| queue.send(rows).is_ok())
    }

    /// What became of all rows so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let mut tally = self.shared.tally.lock().unwrap_or_else(PoisonError::into_inner).clone();
        tally.lost += self.shared.lost.load(Ordering::Relaxed);
        tally
    }

    /// Waits until everything is in its table, and says what became of all rows.
    #[must_use]
    pub fn close(mut self) -> Tally {
        self.end();
        self.tally()
    }

    fn end(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for LakeRecorder {
    /// Writes what is waiting.
    fn drop(&mut self) {
        self.end();
    }
}

/// What the thread does.
struct Recording {
    lake: Lake,
    /// What the disk had no room for yet, oldest first.
    held: VecDeque<Rows>,
    shared: Arc<Shared>,
    synced: Instant,
    published: Instant,
    tended: Instant,
}

impl Recording {
    fn new(lake: Lake, shared: Arc<Shared>) -> Self {
        let now = Instant::now();
        Self { lake, held: VecDeque::new(), shared, synced: now, published: now, tended: now }
    }

    fn run(mut self, rows: &Receiver<Rows>) {
        loop {
            let until_sync = SYNC_EVERY.saturating_sub(self.synced.elapsed());
            match rows.recv_timeout(until_sync) {
                Ok(rows) => self.take(rows),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if self.synced.elapsed() >= SYNC_EVERY {
                self.each_second();
            }
        }
        self.take_held();
        let lost: u64 = self.held.iter().map(|rows| rows.len() as u64).sum();
        let shared = self.shared;
        shared.update(|tally| tally.lost += lost);
        match self.lake.close() {
            Ok(()) => shared.update(|tally| tally.lake = Status::default()),
            Err(error) => shared.update(|tally| tally.error = Some(words(&error))),
        }
    }

    fn take(&mut self, rows: Rows) {
        self.held.push_back(rows);
        self.take_held();
        if self.held.len() > HELD {
            let lost = self.held.pop_back().map_or(0, |rows| rows.len() as u64);
            self.shared.update(|tally| tally.lost += lost);
        }
    }

    /// Hands what is held to the lake, in order, as far as there is room.
    fn take_held(&mut self) {
        while let Some(rows) = self.held.front() {
            let count = rows.len() as u64;
            let taken = rows.append(&mut self.lake);
            self.shared.update(|tally| match &taken {
                Ok(taken) => {
                    tally.taken += taken.rows;
                    tally.duplicates += taken.duplicates;
                }
                Err(error) => {
                    tally.error = Some(words(error));
                    if matches!(error, LakeError::Row { .. }) {
                        tally.refused += count;
                    }
                }
            });
            match taken {
                Ok(_) | Err(LakeError::Row { .. }) => drop(self.held.pop_front()),
                Err(_) => return,
            }
        }
    }

    fn each_second(&mut self) {
        let now = Instant::now();
        self.synced = now;
        self.take_held();
        let mut done = self.lake.sync();
        if now - self.published >= self.lake.publish_every() {
            self.published = now;
            done = done.and_then(|()| self.lake.publish());
        }
        if now - self.tended >= TEND_EVERY {
            self.tended = now;
            self.lake.tend(Timestamp::now());
        }
        let status = self.lake.status();
        self.shared.update(|tally| {
            tally.lake = status;
            if let Err(error) = &done {
                tally.error = Some(words(error));
            }
        });
    }
}
