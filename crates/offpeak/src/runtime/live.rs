//! The running loop: reads what was seen, lets the controller decide, writes it down, sends it.
//!
//! A cycle runs every plant second and at once when an order is given. Reductions are sent before
//! anything is written; a start is sent once the book holds it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use offpeak_dispatch::{
    Command, Controller, Cycle, Directives, FanCommand, Lockout, Memory, Order, OrderKind, Returned,
    Snapshot, Stop,
};
use offpeak_drivers::poll::Fleet;
use offpeak_site::{Action, Authority, CircuitIx, FanIx, Measure, Site};
use offpeak_store::{Book, Entry, Given, InForce, OrderEntry, PlanSummary, Recorder};
use tokio::sync::{Notify, mpsc};
use tokio::time::{MissedTickBehavior, interval};
use tracing::{info, warn};

use super::ahead::Asking;
use super::counted::{self, Counted};
use super::entries::{Minutes, change, fan_change, verdict};
use super::plant_io::{PlantIo, Wire};
use super::record::Recording;
use super::stopping::Unbooked;
use super::story::Story;

/// Generations are taken from the book in blocks of this size; what a crash leaves over is lost.
const GENERATIONS: u64 = 1_000_000;

/// The book is asked this often to take the stops that it refused.
const ASK_AGAIN_S: i64 = 10;

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is held is replaced whole, so a holder that panicked left it usable.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The last picture and what was decided on it.
pub(crate) struct Latest {
    pub(crate) snapshot: Snapshot,
    pub(crate) cycle: Cycle,
    pub(crate) memory: Memory,
    /// What the switches said of commands to fans that failed.
    pub(crate) fan_refusals: BTreeMap<FanIx, String>,
}

/// How far the search for the machines is, which goes before the first cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Search {
    pub(crate) found: usize,
    pub(crate) expected: usize,
}

/// What the loop shares with those who ask it something.
pub(crate) struct Shared {
    site: RwLock<Arc<Site>>,
    pub(crate) wire: Wire,
    pub(crate) book: Arc<Book>,
    pub(crate) directives: Mutex<Directives>,
    /// Who gave the orders among them, by their numbers, where the book knows.
    pub(crate) givers: Mutex<BTreeMap<u64, Given>>,
    /// Held by whoever reads the book anew, until what they read is in force: else an older reading could come after a
    /// newer one, and something ordered would be forgotten.
    reading: Mutex<()>,
    /// Stops that are in force and not in the book; locked after `directives` where both are.
    pub(super) unbooked: Mutex<Unbooked>,
    /// Held by whoever asks the book anew to take them.
    pub(super) booking: Mutex<()>,
    /// Wakes the loop for an order.
    pub(crate) nudge: Notify,
    pub(crate) latest: Mutex<Option<Arc<Latest>>>,
    /// The machines as they are driven, once the loop runs.
    pub(crate) fleet: Mutex<Option<Arc<Fleet>>>,
    /// Where machines are searched for at the start.
    pub(crate) search: Mutex<Option<Search>>,
    pub(crate) story: Mutex<Story>,
    pub(crate) recorder: Recorder,
    /// How it stands with the plan for the hours ahead; the plan itself is in the directives.
    pub(crate) asking: Mutex<Asking>,
    /// What is wrong with the feed file, if anything is.
    pub(crate) feed_trouble: Mutex<Option<String>>,
    /// What goes into the lake; `None` where nothing is recorded.
    pub(crate) recording: Option<Recording>,
    /// Readings tried so far.
    pub(crate) polls: AtomicU64,
    /// From one reading of a machine to the next as the load lets it be, in plant milliseconds.
    pub(crate) read_every_ms: AtomicU64,
    /// How often the site, its orders or its latest picture were replaced.
    pictures: AtomicU64,
    began: Timestamp,
}

impl Shared {
    /// Opens a site's shared state. Orders of the book are in force from the first cycle on; the story goes
    /// on from what is told of its past.
    pub(crate) fn new(
        site: Arc<Site>,
        wire: Wire,
        book: Arc<Book>,
        past: Option<Story>,
        recording: Option<Recording>,
    ) -> Result<Arc<Self>> {
        let now = wire.clock.now();
        let in_force = book.in_force(now)?;
        let givers = givers(&in_force);
        let directives = directives(&site, in_force)?;
        Ok(Arc::new(Self {
            story: Mutex::new(past.unwrap_or_else(|| Story::new(&site, now))),
            recorder: Recorder::start(Arc::clone(&book)),
            directives: Mutex::new(directives),
            givers: Mutex::new(givers),
            reading: Mutex::new(()),
            unbooked: Mutex::default(),
            booking: Mutex::new(()),
            nudge: Notify::new(),
            latest: Mutex::new(None),
            fleet: Mutex::new(None),
            search: Mutex::new(None),
            asking: Mutex::new(Asking::Off),
            feed_trouble: Mutex::new(None),
            recording,
            polls: AtomicU64::new(0),
            read_every_ms: AtomicU64::new(0),
            pictures: AtomicU64::new(0),
            site: RwLock::new(site),
            began: now,
            wire,
            book,
        }))
    }

    /// Plant time, for those outside the loop: that of the last cycle, since a thread of its own does not
    /// share a virtual clock.
    pub(crate) fn now(&self) -> Timestamp {
        lock(&self.latest).as_ref().map_or(self.began, |latest| latest.cycle.at)
    }

    /// Shows what was seen and decided last.
    pub(crate) fn show(&self, latest: Arc<Latest>) {
        *lock(&self.latest) = Some(latest);
        self.pictures.fetch_add(1, Ordering::Release);
    }

    /// The number of what is shown: who reads it first and the picture then has no older one than it says.
    pub(crate) fn pictures(&self) -> u64 {
        self.pictures.load(Ordering::Acquire)
    }

    /// The site, with authority as it is now.
    pub(crate) fn site(&self) -> Arc<Site> {
        Arc::clone(&self.site.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the site, and lets the loop know. Nobody else changes it meanwhile.
    pub(crate) fn change_site<R>(&self, change: impl FnOnce(&mut Site) -> R) -> R {
        let mut held = self.site.write().unwrap_or_else(PoisonError::into_inner);
        let mut site = Site::clone(&held);
        let result = change(&mut site);
        *held = Arc::new(site);
        self.changed();
        result
    }

    /// Reads authority anew from the book, and lets the loop know.
    pub(crate) fn reload_authority(&self) -> Result<()> {
        let _turn = lock(&self.reading);
        self.change_site(|site| give_authority(site, &self.book))
    }

    /// Reads the orders in force anew from the book, and lets the loop know.
    pub(crate) fn reload_directives(&self) -> Result<()> {
        self.reload_directives_and(|_| ())
    }

    /// As [`Self::reload_directives`]; once the book is read and before anybody else reads it, something more is done.
    pub(super) fn reload_directives_and(&self, then: impl FnOnce(&Self)) -> Result<()> {
        let _turn = lock(&self.reading);
        let in_force = self.book.in_force(self.now())?;
        let givers = givers(&in_force);
        let site = self.site();
        let mut ordered = directives(&site, in_force)?;
        then(self);
        *lock(&self.givers) = givers;
        let mut held = lock(&self.directives);
        lock(&self.unbooked).add_to(&mut ordered, &site);
        let (feeds, ahead) = (std::mem::take(&mut held.feeds), held.ahead.take());
        *held = Directives { feeds, ahead, ..ordered };
        drop(held);
        self.changed();
        Ok(())
    }

    /// Makes a new picture of what is shown, and wakes the loop.
    pub(super) fn changed(&self) {
        self.pictures.fetch_add(1, Ordering::Release);
        self.nudge.notify_one();
    }
}

/// Gives a site authority as the book has it: it goes before the site file's.
pub(crate) fn give_authority(site: &mut Site, book: &Book) -> Result<()> {
    let given = book.authority()?;
    let mut circuits: Vec<_> = site.circuits.iter().map(|(_, circuit)| circuit.clone()).collect();
    for (ix, _) in site.circuits.iter() {
        let hall = site.circuits.hall_of(ix).map(|hall| site.circuits.get(hall).id.as_str());
        if let Some(control) = hall.and_then(|hall| given.get(hall)) {
            circuits[ix.ix()].authority = if *control { Authority::Control } else { Authority::Observe };
        }
    }
    site.circuits = offpeak_site::CircuitTree::new(circuits).context("the tree stays a tree")?;
    Ok(())
}

/// A controller's memory from the book: what was started, cut or disobedient, and what is counted over months and other
/// periods.
pub(crate) fn recall(site: &Site, book: &Book, now: Timestamp) -> Result<Memory> {
    let block = book.reserve_generations(GENERATIONS)?;
    let mut memory = Memory::new(site, block.start);
    let known = book.machines()?;
    for (ix, machine) in site.machines() {
        if let Some(state) = known.get(&machine.id) {
            let remembered = &mut memory.machines[ix.ix()];
            remembered.started_at = state.started_at;
            remembered.cut = state.cut;
            remembered.disobeys = state.disobeys;
        }
    }
    counted::recall(site, book, now, &mut memory)?;
    Ok(memory)
}

fn givers(in_force: &InForce) -> BTreeMap<u64, Given> {
    in_force.orders.iter().filter_map(|order| Some((order.id, order.given.clone()?))).collect()
}

/// The book's orders on this site's circuits. One on a circuit that the file no longer has is an
/// error: it must not be forgotten silently.
pub(crate) fn directives(site: &Site, in_force: InForce) -> Result<Directives> {
    let by_id: BTreeMap<&str, CircuitIx> =
        site.circuits.iter().map(|(ix, circuit)| (circuit.id.as_str(), ix)).collect();
    let find = |id: &str| {
        by_id.get(id).copied().with_context(|| {
            format!("the book holds an order for circuit `{id}`, which the site file does not have")
        })
    };
    let mut found = Directives::default();
    for stop in in_force.stops {
        found.stops.push(Stop { circuit: find(&stop.circuit)?, at: stop.at, reason: stop.reason });
    }
    for lockout in in_force.lockouts {
        found.lockouts.push(Lockout { circuit: find(&lockout.circuit)?, at: lockout.at, by: lockout.by });
    }
    found.holds = super::holds::in_force(site, in_force.holds);
    for order in in_force.orders {
        let circuit = find(&order.circuit)?;
        // One of a kind that this program does not know ranks as the highest.
        let kind = OrderKind::named(&order.kind).unwrap_or(OrderKind::Emergency);
        let measure = order.mean_min.map_or(Measure::Instant, Measure::Mean);
        let OrderEntry { id, limit, holds, from, until, .. } = order;
        found.orders.push(Order { id, kind, circuit, limit, measure, holds, from, until });
    }
    Ok(found)
}

/// Runs cycles until the future is dropped.
pub(crate) async fn run(shared: Arc<Shared>, mut controller: Controller) -> Result<()> {
    let (returned_to, mut returned) = mpsc::unbounded_channel();
    let mut site = shared.site();
    let io = PlantIo::start(Arc::clone(&site), shared.wire.clone(), returned_to)?;
    *lock(&shared.fleet) = Some(io.fleet());
    let io = Arc::new(Mutex::new(io));
    let mut reserved = controller.memory().generation + GENERATIONS;
    let mut ticks = interval(shared.wire.real(Duration::from_secs(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let (mut minutes, mut counted) = (Minutes::default(), Counted::default());
    info!(site = site.id, machines = site.machines.len(), "control loop begins");
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = shared.nudge.notified() => {}
        }
        if controller.memory().generation + GENERATIONS / 2 > reserved {
            // Half a block is left, and a book that takes nothing must not end the loop.
            match shared.book.reserve_generations(GENERATIONS) {
                Ok(block) => {
                    controller.set_generation(block.start);
                    reserved = block.end;
                }
                Err(error) => warn!(%error, "the book gives no generations"),
            }
        }
        if shared.has_refused_stops() && shared.wire.clock.now().as_second() % ASK_AGAIN_S == 0 {
            let shared = Arc::clone(&shared);
            drop(tokio::task::spawn_blocking(move || shared.ask_book_again()));
        }
        if !Arc::ptr_eq(&site, &shared.site()) {
            site = shared.site();
            controller = Controller::new(Arc::clone(&site), controller.memory().clone());
        }
        let snapshot = picture(&shared, &io, &mut returned);
        let cycle = controller.cycle(&snapshot);
        let summary = minutes.add(&cycle);
        send(&shared, &site, &io, &cycle, controller.memory(), summary, &mut counted);
        tell(&cycle);
        lock(&shared.story).add(&site, &snapshot, &cycle);
        let memory = controller.memory().clone();
        let fan_refusals = lock(&io).fans().refusals();
        let latest = Arc::new(Latest { snapshot, cycle, memory, fan_refusals });
        if let Some(recording) = &shared.recording {
            recording.offer(&latest);
        }
        shared.show(latest);
    }
}

fn picture(
    shared: &Shared,
    io: &Mutex<PlantIo>,
    returned: &mut mpsc::UnboundedReceiver<Returned>,
) -> Snapshot {
    let io = lock(io);
    shared.polls.store(io.polls(), Ordering::Relaxed);
    let every = u64::try_from(io.read_every().as_millis()).unwrap_or(u64::MAX);
    shared.read_every_ms.store(every, Ordering::Relaxed);
    Snapshot {
        at: shared.wire.clock.now(),
        machines: io.machines(),
        meters: io.meters(),
        fans: io.fans().seen(),
        directives: lock(&shared.directives).clone(),
        returned: std::iter::from_fn(|| returned.try_recv().ok()).collect(),
    }
}

/// Reductions leave at once; starts when the book holds them.
fn send(
    shared: &Shared,
    site: &Site,
    io: &Arc<Mutex<PlantIo>>,
    cycle: &Cycle,
    memory: &Memory,
    summary: Option<PlanSummary>,
    counted: &mut Counted,
) {
    let (downs, ups): (Vec<Command>, Vec<Command>) =
        cycle.commands.iter().partition(|command| matches!(command.action, Action::Sleep | Action::Cut));
    let (blow, rest): (Vec<FanCommand>, Vec<FanCommand>) =
        cycle.fan_commands.iter().partition(|command| command.run);
    lock(io).send(downs);
    lock(io).send_to_fans(&rest);
    let nothing =
        cycle.transitions.is_empty() && cycle.batches.is_empty() && cycle.fan_transitions.is_empty();
    let counts = counted.news(site, memory, summary.is_some());
    if nothing && summary.is_none() && counts.is_empty() {
        return;
    }
    let of_machines = cycle.transitions.iter().map(|of| change(site, memory, of));
    let changes = of_machines.chain(cycle.fan_transitions.iter().map(|of| fan_change(site, of))).collect();
    let verdicts = cycle.batches.iter().map(|of| verdict(site, of)).collect();
    let (io, runtime) = (Arc::clone(io), tokio::runtime::Handle::current());
    let then = Box::new(move || {
        if !ups.is_empty() || !blow.is_empty() {
            let _inside = runtime.enter();
            let mut io = lock(&io);
            io.send_to_fans(&blow);
            io.send(ups);
        }
    });
    match shared.recorder.write(Entry { changes, verdicts, summary, counts, then }) {
        true => counted.is_written(memory),
        false => warn!(lost = shared.recorder.lost(), "the book is behind: starts wait"),
    }
}

/// One line a change of state that somebody should see.
fn tell(cycle: &Cycle) {
    for batch in &cycle.batches {
        let measured_w = batch.measured.map(offpeak_units::Power::to_watts);
        info!(
            circuit = batch.circuit.0, commands = batch.commands, confirmed = batch.confirmed,
            least_w = batch.least.to_watts(), most_w = batch.most.to_watts(), measured_w, meter = %batch.says,
            "a batch of commands has ended"
        );
    }
    for veto in &cycle.vetoes {
        warn!(circuit = veto.circuit.0, cause = %veto.cause, "the checker objects");
    }
    if !cycle.commands.is_empty() {
        let downs = cycle.commands.iter().filter(|c| matches!(c.action, Action::Sleep | Action::Cut)).count();
        info!(at = %cycle.at, down = downs, up = cycle.commands.len() - downs, "commands");
    }
}
