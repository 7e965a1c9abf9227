//! The rotation: who is read next, and how many at once.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use offpeak_site::Trouble;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout};

use super::fleet::Fleet;

/// How fast to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// From the end of one reading of a machine to the next.
    pub every: Duration,
    /// How many prompt requests are under way at most.
    pub prompt_max: usize,
    /// How many requests may outlast `prompt` besides; each holds a socket.
    pub overdue_max: usize,
    /// After this long a request gives its prompt place to another.
    pub prompt: Duration,
    /// A machine in trouble is asked again after this long, twice as long each time,
    pub retry: Duration,
    /// but at least this often.
    pub retry_max: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            every: Duration::from_secs(1),
            prompt_max: 256,
            overdue_max: 2_048,
            prompt: Duration::from_millis(250),
            retry: Duration::from_secs(1),
            retry_max: Duration::from_secs(16),
        }
    }
}

#[derive(Debug)]
struct Rotation {
    /// When each idle machine is due.
    due: BinaryHeap<Reverse<(Instant, usize)>>,
    /// How often each was in trouble in a row.
    failures: Vec<u8>,
    prompt: usize,
    overdue: usize,
    /// Buffers of finished requests, for the next.
    buffers: Vec<Vec<u8>>,
}

#[derive(Debug)]
struct Shared {
    fleet: Arc<Fleet>,
    pace: Pace,
    rotation: Mutex<Rotation>,
    changed: Notify,
    polls: AtomicU64,
    troubles: AtomicU64,
}

/// Reads a fleet in rotation.
#[derive(Clone, Debug)]
pub struct Poller(Arc<Shared>);

/// A buffer that a flood has grown is not kept.
const BUFFER_KEPT_MAX: usize = 16 * 1024;

impl Poller {
    /// All machines due at once.
    #[must_use]
    pub fn new(fleet: Arc<Fleet>, pace: Pace) -> Self {
        let now = Instant::now();
        let rotation = Rotation {
            due: (0..fleet.len()).map(|place| Reverse((now, place))).collect(),
            failures: vec![0; fleet.len()],
            prompt: 0,
            overdue: 0,
            buffers: Vec::new(),
        };
        Self(Arc::new(Shared {
            fleet,
            pace,
            rotation: Mutex::new(rotation),
            changed: Notify::new(),
            polls: AtomicU64::new(0),
            troubles: AtomicU64::new(0),
        }))
    }
    /// Readings tried so far.
    #[must_use]
    pub fn polls(&self) -> u64 {
        self.0.polls.load(Ordering::Relaxed)
    }
    /// Of these, those that ended in trouble.
    #[must_use]
    pub fn troubles(&self) -> u64 {
        self.0.troubles.load(Ordering::Relaxed)
    }

    /// Reads until the future is dropped; requests that are under way then run to their end.
    pub async fn run(&self) {
        loop {
            let next = self.0.next();
            match next {
                Next::Start(place, buffer) => {
                    tokio::spawn(Arc::clone(&self.0).poll(place, buffer));
                }
                Next::At(due) => {
                    tokio::select! {
                        () = sleep_until(due) => {}
                        () = self.0.changed.notified() => {}
                    }
                }
                Next::Full => self.0.changed.notified().await,
            }
        }
    }
}

enum Next {
    Start(usize, Vec<u8>),
    At(Instant),
    Full,
}

impl Shared {
    fn rotation(&self) -> MutexGuard<'_, Rotation> {
        self.rotation.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Next {
        let mut rotation = self.rotation();
        if rotation.prompt >= self.pace.prompt_max {
            return Next::Full;
        }
        match rotation.due.peek() {
            None => Next::Full,
            Some(&Reverse((due, _))) if due > Instant::now() => Next::At(due),
            Some(&Reverse((_, place))) => {
                rotation.due.pop();
                rotation.prompt += 1;
                let buffer = rotation.buffers.pop().unwrap_or_default();
                Next::Start(place, buffer)
            }
        }
    }

    async fn poll(self: Arc<Self>, place: usize, mut buffer: Vec<u8>) {
        let fleet = Arc::clone(&self.fleet);
        let mut overdue = false;
        let outcome = {
            let reading = fleet.poll(place, &mut buffer);
            tokio::pin!(reading);
            match timeout(self.pace.prompt, reading.as_mut()).await {
                Ok(outcome) => outcome,
                Err(_) => {
                    overdue = self.step_aside();
                    reading.await
                }
            }
        };
        self.polls.fetch_add(1, Ordering::Relaxed);
        self.finish(place, outcome, overdue, buffer);
    }

    /// Gives the prompt place away, unless too many are overdue already.
    fn step_aside(&self) -> bool {
        let mut rotation = self.rotation();
        let moved = rotation.overdue < self.pace.overdue_max;
        if moved {
            rotation.prompt -= 1;
            rotation.overdue += 1;
            self.changed.notify_one();
        }
        moved
    }

    fn finish(&self, place: usize, outcome: Result<(), Trouble>, overdue: bool, mut buffer: Vec<u8>) {
        let mut rotation = self.rotation();
        let wait = match outcome {
            Ok(()) => {
                rotation.failures[place] = 0;
                self.pace.every
            }
            Err(_) => {
                self.troubles.fetch_add(1, Ordering::Relaxed);
                let failures = rotation.failures[place].min(16);
                rotation.failures[place] = failures + 1;
                (self.pace.retry * (1 << failures)).min(self.pace.retry_max)
            }
        };
        rotation.due.push(Reverse((Instant::now() + wait, place)));
        if overdue {
            rotation.overdue -= 1;
        } else {
            rotation.prompt -= 1;
        }
        if buffer.capacity() <= BUFFER_KEPT_MAX {
            buffer.clear();
            rotation.buffers.push(buffer);
        }
        drop(rotation);
        self.changed.notify_one();
    }
}
