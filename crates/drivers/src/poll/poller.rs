//! The rotation: who is read next, and how many at once.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use offpeak_site::Trouble;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout};

use super::fleet::Fleet;
use super::stretch::Stretch;

/// How fast to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// From the end of one fast reading of a machine to the next.
    pub every: Duration,
    /// The same while it has an order that shows in no reading yet.
    pub eager: Duration,
    /// From one survey of a machine, a full reading of it, to the next.
    pub survey: Duration,
    /// Fast readings a second at most, and as many again of machines with orders: where a fleet is too large
    /// for `every` and `eager`, these grow.
    pub per_second: u32,
    /// How many prompt requests are under way at most.
    pub prompt_max: usize,
    /// How many requests may outlast `prompt` besides.
    pub overdue_max: usize,
    /// How many requests to machines in trouble may be under way besides: these never take a place
    /// from those that answer.
    pub ailing_max: usize,
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
            eager: Duration::from_secs(1),
            survey: Duration::from_secs(3_600),
            per_second: 4_000,
            prompt_max: 256,
            overdue_max: 2_048,
            ailing_max: 512,
            prompt: Duration::from_millis(250),
            retry: Duration::from_secs(1),
            retry_max: Duration::from_secs(16),
        }
    }
}

/// Surveys under way at once.
const SURVEYS_MAX: usize = 8;

impl Pace {
    /// From one fast reading of a machine to the next in a fleet of so many.
    #[must_use]
    pub fn every_of(&self, machines: usize) -> Duration {
        self.every.max(self.spread(machines))
    }
    /// The same of machines with an order, when so many have one.
    #[must_use]
    pub fn eager_of(&self, ordered: usize) -> Duration {
        self.eager.max(self.spread(ordered))
    }
    fn spread(&self, machines: usize) -> Duration {
        Duration::from_secs(1).saturating_mul(u32::try_from(machines).unwrap_or(u32::MAX))
            / self.per_second.max(1)
    }
    /// How many sockets it may hold at once.
    #[must_use]
    pub const fn sockets(&self) -> usize {
        self.prompt_max + self.overdue_max + self.ailing_max
    }
    /// The usual pace, with no more sockets open at once than this process may have files, less a
    /// reserve for everything else. Without a socket a machine cannot be told from one that is gone.
    #[must_use]
    pub fn within(open_files: usize) -> Self {
        let usual = Self::default();
        let sockets = open_files.saturating_sub(256).max(64);
        let wanted = usual.sockets();
        if wanted <= sockets {
            return usual;
        }
        let share = |places: usize| (places * sockets / wanted).max(1);
        Self {
            prompt_max: share(usual.prompt_max),
            overdue_max: share(usual.overdue_max),
            ailing_max: share(usual.ailing_max),
            ..usual
        }
    }
}

/// Machines by the moment at which they are due, and how many of them are being read.
#[derive(Debug, Default)]
struct Lane {
    due: BinaryHeap<Reverse<(Instant, usize)>>,
    running: usize,
}

impl Lane {
    /// When the next is due; `None` while all places are taken or nobody waits.
    fn next(&self, places: usize) -> Option<Instant> {
        let free = self.running < places;
        self.due.peek().filter(|_| free).map(|Reverse((due, _))| *due)
    }
    fn start(&mut self) -> Option<usize> {
        let Reverse((_, place)) = self.due.pop()?;
        self.running += 1;
        Some(place)
    }
    /// Forgets entries at the top that were replaced by earlier ones.
    fn drop_replaced(&mut self, due_at: &[Option<Instant>]) {
        while self.due.peek().is_some_and(|Reverse((due, place))| due_at[*place] != Some(*due)) {
            self.due.pop();
        }
    }
}

/// Whose place a request holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holds {
    Prompt,
    Overdue,
    Ailing,
}

#[derive(Debug)]
struct Rotation {
    /// Machines that answered when they were last asked, or were never asked.
    well: Lane,
    /// Machines in trouble.
    ailing: Lane,
    /// Requests to the former that took their time.
    overdue: usize,
    /// When each is due; `None` while it is being read.
    due_at: Vec<Option<Instant>>,
    /// Whether each has its turn in the round: all are asked at once at first, and evenly spread from then on.
    in_turn: Vec<bool>,
    /// How often each was in trouble in a row.
    failures: Vec<u8>,
    /// How far it slows down.
    stretch: Stretch,
    /// Buffers of finished requests, for the next.
    buffers: Vec<Vec<u8>>,
}

impl Rotation {
    /// Reads a machine that answers sooner than it is due.
    fn hasten(&mut self, place: usize, due: Instant) {
        if self.failures[place] == 0 && self.due_at[place].is_some_and(|later| later > due) {
            self.due_at[place] = Some(due);
            self.well.due.push(Reverse((due, place)));
        }
    }
}

#[derive(Debug)]
struct Shared {
    fleet: Arc<Fleet>,
    pace: Pace,
    rotation: Mutex<Rotation>,
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
            well: Lane { due: (0..fleet.len()).map(|place| Reverse((now, place))).collect(), running: 0 },
            ailing: Lane::default(),
            overdue: 0,
            due_at: vec![Some(now); fleet.len()],
            in_turn: vec![false; fleet.len()],
            failures: vec![0; fleet.len()],
            stretch: Stretch::new(now),
            buffers: Vec::new(),
        };
        Self(Arc::new(Shared {
            fleet,
            pace,
            rotation: Mutex::new(rotation),
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

    /// From one fast reading of a machine to the next, as the load lets it be now.
    #[must_use]
    pub fn every(&self) -> Duration {
        self.0.rotation().stretch.of(self.0.pace.every_of(self.0.fleet.len()))
    }

    /// Reads every machine fully, evenly spread over the time of a survey, until the future is dropped.
    pub async fn survey(&self) {
        let Shared { fleet, pace, .. } = &*self.0;
        if fleet.is_empty() {
            return std::future::pending().await;
        }
        let step = pace.survey / u32::try_from(fleet.len()).unwrap_or(u32::MAX);
        let turns = Arc::new(Semaphore::new(SURVEYS_MAX));
        let mut asked = JoinSet::new();
        // Sleeping so long each time would add up what each wait is too long by.
        let step = step.max(Duration::from_millis(1));
        let mut steps = interval_at(Instant::now() + step, step);
        steps.set_missed_tick_behavior(MissedTickBehavior::Skip);
        for place in (0..fleet.len()).cycle() {
            steps.tick().await;
            let turn = Arc::clone(&turns).acquire_owned().await.expect("the semaphore is never closed");
            let fleet = Arc::clone(fleet);
            asked.spawn(async move {
                fleet.survey(place).await;
                drop(turn);
            });
            while asked.try_join_next().is_some() {}
        }
    }

    /// Reads until the future is dropped; requests that are under way then run to their end.
    pub async fn run(&self) {
        loop {
            let next = self.0.next();
            match next {
                Next::Start(place, holds, buffer) => {
                    tokio::spawn(Arc::clone(&self.0).poll(place, holds, buffer));
                }
                Next::At(due) => {
                    tokio::select! {
                        () = sleep_until(due) => {}
                        () = self.0.fleet.changed.notified() => {}
                    }
                }
                Next::Full => self.0.fleet.changed.notified().await,
            }
        }
    }
}

enum Next {
    Start(usize, Holds, Vec<u8>),
    At(Instant),
    Full,
}

impl Shared {
    fn rotation(&self) -> MutexGuard<'_, Rotation> {
        self.rotation.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Next {
        let mut rotation = self.rotation();
        let now = Instant::now();
        for place in self.fleet.take_ordered() {
            rotation.hasten(place, now + self.pace.eager_of(self.fleet.watched()));
        }
        let Rotation { well, ailing, due_at, .. } = &mut *rotation;
        well.drop_replaced(due_at);
        ailing.drop_replaced(due_at);
        let well = rotation.well.next(self.pace.prompt_max);
        let ailing = rotation.ailing.next(self.pace.ailing_max);
        let started = if well.is_some_and(|due| due <= now) {
            rotation.well.start().map(|place| (place, Holds::Prompt))
        } else if ailing.is_some_and(|due| due <= now) {
            rotation.ailing.start().map(|place| (place, Holds::Ailing))
        } else {
            None
        };
        match (started, well, ailing) {
            (Some((place, holds)), ..) => {
                let due = rotation.due_at[place].take();
                if let Some(due) = due.filter(|_| holds == Holds::Prompt && rotation.in_turn[place]) {
                    let usual = self.pace.every_of(self.fleet.len());
                    rotation.stretch.note(now, due, usual);
                }
                Next::Start(place, holds, rotation.buffers.pop().unwrap_or_default())
            }
            (None, Some(well), Some(ailing)) => Next::At(well.min(ailing)),
            (None, Some(due), None) | (None, None, Some(due)) => Next::At(due),
            (None, None, None) => Next::Full,
        }
    }

    async fn poll(self: Arc<Self>, place: usize, mut holds: Holds, mut buffer: Vec<u8>) {
        let fleet = Arc::clone(&self.fleet);
        let outcome = {
            let reading = fleet.poll(place, &mut buffer);
            tokio::pin!(reading);
            match timeout(self.pace.prompt, reading.as_mut()).await {
                Ok(outcome) => outcome,
                Err(_) => {
                    holds = self.step_aside(holds);
                    reading.await
                }
            }
        };
        self.polls.fetch_add(1, Ordering::Relaxed);
        self.finish(place, outcome, holds, buffer);
    }

    /// Gives a prompt place away, unless too many are overdue already.
    fn step_aside(&self, holds: Holds) -> Holds {
        let mut rotation = self.rotation();
        if holds != Holds::Prompt || rotation.overdue >= self.pace.overdue_max {
            return holds;
        }
        rotation.well.running -= 1;
        rotation.overdue += 1;
        self.fleet.changed.notify_one();
        Holds::Overdue
    }

    fn finish(&self, place: usize, outcome: Result<(), Trouble>, holds: Holds, mut buffer: Vec<u8>) {
        let is_watched = self.fleet.is_watched(place);
        let mut rotation = self.rotation();
        let every = rotation.stretch.of(self.pace.every_of(self.fleet.len()));
        let wait = if is_watched {
            self.pace.eager_of(self.fleet.watched())
        } else if std::mem::replace(&mut rotation.in_turn[place], true) {
            every
        } else {
            every.mul_f64((place + 1) as f64 / self.fleet.len() as f64)
        };
        match holds {
            Holds::Prompt => rotation.well.running -= 1,
            Holds::Overdue => rotation.overdue -= 1,
            Holds::Ailing => rotation.ailing.running -= 1,
        }
        let (wait, lane) = match outcome {
            Ok(()) => {
                rotation.failures[place] = 0;
                (wait, &mut rotation.well)
            }
            Err(_) => {
                self.troubles.fetch_add(1, Ordering::Relaxed);
                let failures = rotation.failures[place].min(16);
                rotation.failures[place] = failures + 1;
                ((self.pace.retry * (1 << failures)).min(self.pace.retry_max), &mut rotation.ailing)
            }
        };
        let due = Instant::now() + wait;
        lane.due.push(Reverse((due, place)));
        rotation.due_at[place] = Some(due);
        if buffer.capacity() <= BUFFER_KEPT_MAX {
            buffer.clear();
            rotation.buffers.push(buffer);
        }
        drop(rotation);
        self.fleet.changed.notify_one();
    }
}
