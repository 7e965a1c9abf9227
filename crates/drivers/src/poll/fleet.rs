//! The machines under one driver, each with its link and its last word.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use offpeak_site::{
    Action, Activity, Endpoint, Family, MacAddress, MachineIx, ModeName, Outcome, Reading, Trouble,
};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::call::{Link, Order};
use crate::driver::{Driver, Identity};
use crate::full::Details;
use crate::http::Credentials;

/// How many machines are asked for tokens at once.
const ARMED_AT_ONCE: usize = 32;
/// After an order a machine is watched until it has obeyed, and no longer than this.
const WATCHED_FOR: Duration = Duration::from_secs(180);

/// A machine to drive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its place in the site's list.
    pub machine: MachineIx,
    /// What it speaks.
    pub family: Family,
    /// Where it answers.
    pub endpoint: Endpoint,
    /// Its hardware address, where the site knows it.
    pub mac: Option<MacAddress>,
}

/// The last word of a machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latest {
    /// Its last reading, however old. `None` until there was one.
    pub reading: Option<Reading>,
    /// What is wrong now, and since when.
    pub trouble: Option<(Trouble, Timestamp)>,
    /// Its hardware address, from the site or from itself.
    pub mac: Option<MacAddress>,
}

/// Who a machine said it was, what it is made of and mines for, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// What it said.
    pub identity: Identity,
    /// Its boards, fans, pools and faults; `None` when an order went before. Pools that were set since are not in it.
    pub details: Option<Details>,
    /// When.
    pub at: Timestamp,
}

/// The machines under one driver.
#[derive(Debug)]
pub struct Fleet {
    driver: Driver,
    stations: Vec<Station>,
    places: BTreeMap<MachineIx, usize>,
    latest: Mutex<Vec<Latest>>,
    /// How many machines have an order that shows in no reading yet.
    watched: AtomicUsize,
    /// Places of machines that were given an order since they were last taken from here.
    ordered: Mutex<Vec<usize>>,
    /// Woken when there is something new for the rotation.
    pub(super) changed: Notify,
}

/// What an order must lead to, and until when that is waited for.
#[derive(Clone, Copy, Debug)]
struct Watch {
    wanted: Activity,
    until: Instant,
}

#[derive(Debug)]
pub(super) struct Station {
    pub(super) target: Target,
    /// Held while a request is under way: at most one a machine.
    pub(super) link: tokio::sync::Mutex<Link>,
    /// Closes what is under way to it: a reduction is to be sent.
    hurry: Notify,
    /// How many reductions wait to be sent.
    urgent: AtomicUsize,
    watch: Mutex<Option<Watch>>,
    known: Mutex<Option<Arc<Known>>>,
}

/// A reduction that waits to be sent.
struct Urgent<'a>(&'a AtomicUsize);

impl Drop for Urgent<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Station {
    /// Closes what is under way, and keeps anything else from starting until the result is dropped.
    fn hasten(&self) -> Urgent<'_> {
        self.urgent.fetch_add(1, Ordering::AcqRel);
        self.hurry.notify_waiters();
        Urgent(&self.urgent)
    }
    /// Does this unless a reduction waits to be sent; `None` when one does, or comes meanwhile.
    async fn unhurried<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        // Made before the count is looked at, so that none comes between.
        let called = self.hurry.notified();
        if self.urgent.load(Ordering::Acquire) > 0 {
            return None;
        }
        tokio::select! {
            biased;
            () = called => None,
            done = work => Some(done),
        }
    }
    /// What it said of its pools is old; it is asked again in its turn.
    fn forget_pools(&self) {
        let mut known = lock(&self.known);
        if let Some(details) = known.as_mut().and_then(|known| Arc::make_mut(known).details.as_mut()) {
            details.pools = None;
        }
    }
}

fn lock<T>(held: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is behind these locks is replaced as a whole, so it is whole whoever panicked.
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Fleet {
    /// All of these machines, not yet read.
    #[must_use]
    pub fn new(driver: Driver, targets: Vec<Target>) -> Self {
        let places = targets.iter().enumerate().map(|(place, target)| (target.machine, place)).collect();
        let latest = targets.iter().map(|target| Latest { mac: target.mac, ..Latest::default() }).collect();
        let stations = targets
            .into_iter()
            .map(|target| Station {
                target,
                link: tokio::sync::Mutex::new(Link::to(target.mac)),
                hurry: Notify::new(),
                urgent: AtomicUsize::new(0),
                watch: Mutex::default(),
                known: Mutex::default(),
            })
            .collect();
        Self {
            driver,
            stations,
            places,
            latest: Mutex::new(latest),
            watched: AtomicUsize::new(0),
            ordered: Mutex::default(),
            changed: Notify::new(),
        }
    }
    /// Opens a machine with a login of its own; before it is shared.
    pub fn set_login(&mut self, machine: MachineIx, login: Arc<Credentials>) {
        if let Some(&place) = self.places.get(&machine) {
            self.stations[place].link.get_mut().login = Some(login);
        }
    }
    /// Has a machine's mode asked with every reading, also where that is a request more; before it is shared.
    pub fn ask_mode_always(&mut self, machine: MachineIx) {
        if let Some(&place) = self.places.get(&machine) {
            self.stations[place].link.get_mut().tells_mode = true;
        }
    }
    /// Binds a machine without a known hardware address to its serial number; before it is shared. It is asked for
    /// it before its first order.
    pub fn set_serial(&mut self, machine: MachineIx, serial: &str) {
        if let Some(&place) =
            self.places.get(&machine).filter(|place| self.stations[**place].target.mac.is_none())
        {
            self.stations[place].link.get_mut().serial = Some(serial.into());
        }
    }
    /// How many machines.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.stations.len()
    }
    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.stations.is_empty()
    }
    /// What drives them.
    #[must_use]
    pub const fn driver(&self) -> &Driver {
        &self.driver
    }
    fn table(&self) -> MutexGuard<'_, Vec<Latest>> {
        lock(&self.latest)
    }
    /// The last word of one machine; `None` if it is not of this fleet.
    #[must_use]
    pub fn latest(&self, machine: MachineIx) -> Option<Latest> {
        self.places.get(&machine).map(|&place| self.table()[place])
    }
    /// The last word of every machine, in the order of the targets.
    #[must_use]
    pub fn snapshot(&self) -> Vec<(MachineIx, Latest)> {
        let table = self.table();
        self.stations
            .iter()
            .zip(table.iter())
            .map(|(station, latest)| (station.target.machine, *latest))
            .collect()
    }
    /// Calls `with` for the last word of every machine, without a copy; readers wait meanwhile.
    pub fn each(&self, mut with: impl FnMut(MachineIx, &Latest)) {
        let table = self.table();
        for (station, latest) in self.stations.iter().zip(table.iter()) {
            with(station.target.machine, latest);
        }
    }

    /// Who a machine last said it was; `None` until it was asked.
    #[must_use]
    pub fn known(&self, machine: MachineIx) -> Option<Arc<Known>> {
        lock(&self.stations[*self.places.get(&machine)?].known).clone()
    }
    /// How many machines were read fully.
    pub(crate) fn known_count(&self) -> usize {
        let full =
            |station: &&Station| lock(&station.known).as_ref().is_some_and(|known| known.details.is_some());
        self.stations.iter().filter(full).count()
    }
    /// How many machines have an order that shows in no reading yet.
    pub(super) fn watched(&self) -> usize {
        self.watched.load(Ordering::Relaxed)
    }
    /// Whether the machine at this place has such an order.
    pub(super) fn is_watched(&self, place: usize) -> bool {
        let mut watch = lock(&self.stations[place].watch);
        let Some(waiting) = *watch else { return false };
        let seen = self.table()[place].reading.map(|reading| reading.activity);
        if seen != Some(waiting.wanted) && Instant::now() < waiting.until {
            return true;
        }
        *watch = None;
        self.watched.fetch_sub(1, Ordering::Relaxed);
        false
    }
    fn watch(&self, place: usize, order: &Order) {
        let wanted = match order {
            Order::Sleep => Activity::Asleep,
            Order::Wake | Order::SetMode(_) => Activity::Hashing,
            _ => return,
        };
        let watch = Watch { wanted, until: Instant::now() + WATCHED_FOR };
        if lock(&self.stations[place].watch).replace(watch).is_none() {
            self.watched.fetch_add(1, Ordering::Relaxed);
        }
        lock(&self.ordered).push(place);
        self.changed.notify_one();
    }
    /// The places of machines that were given an order since the last call.
    pub(super) fn take_ordered(&self) -> Vec<usize> {
        std::mem::take(&mut lock(&self.ordered))
    }

    /// Asks the machine at this place who it is. One that is not the machine of this place is in trouble
    /// as long as it is there; its readings do not count meanwhile.
    pub(super) async fn survey(&self, place: usize) {
        let station = &self.stations[place];
        let Station { target, link, known, .. } = station;
        if self.table()[place].trouble.is_some() {
            return;
        }
        let mut link = link.lock().await;
        let identity = station.unhurried(self.identify(target, &mut link)).await;
        let Some(Ok(Some(identity))) = identity else { return };
        // Of another machine at its address nothing more is of use.
        let details = if link.moved { None } else { self.details(station, &mut link).await };
        let seen = Arc::new(Known { identity, details, at: self.driver.clock.now() });
        // An order that waits for the link makes some of this old.
        let before = lock(known).replace(Arc::clone(&seen));
        drop(link);
        let was = before.as_ref().map(|known| (known.identity.family, &known.identity.firmware));
        if was.is_some_and(|was| was != (seen.identity.family, &seen.identity.firmware)) {
            let firmware = seen.identity.firmware.as_deref().unwrap_or("unknown");
            tracing::warn!(
                machine = target.machine.0,
                family = seen.identity.family.name(),
                firmware,
                "another firmware"
            );
        }
    }

    /// What a machine is made of and mines for.
    async fn details(&self, station: &Station, link: &mut Link) -> Option<Details> {
        let Target { family, endpoint, .. } = station.target;
        let mut buffer = Vec::new();
        let asked = self.driver.details_over(family, endpoint, link, &mut buffer);
        station.unhurried(Box::pin(asked)).await
    }

    /// Asks who answers there, and notes whether it is another machine.
    async fn identify(&self, target: &Target, link: &mut Link) -> Result<Option<Identity>, Trouble> {
        let identity = self.driver.identify_with(target.endpoint, link.login.clone()).await?;
        let Some(seen) = &identity else {
            link.moved = false;
            return Ok(None);
        };
        let told = seen.serial.as_deref();
        let other =
            link.serial.as_deref().zip(told).is_some_and(|(own, told)| !own.eq_ignore_ascii_case(told));
        if other {
            // What was learned of it before is the other machine's.
            link.mac = target.mac;
        } else if link.serial.is_some() && told.is_some() && seen.mac.is_some() {
            // From here on its hardware address does. Without one it is asked for its serial number each time.
            link.serial = None;
        }
        link.moved = other || link.bind(seen.mac).is_err();
        Ok(identity)
    }

    /// One fast reading of the machine at this place, written to the table.
    pub(super) async fn poll(&self, place: usize, buffer: &mut Vec<u8>) -> Result<(), Trouble> {
        let station = &self.stations[place];
        let mut link = station.link.lock().await;
        let target = station.target;
        let reading = async {
            // A reading of another machine would not count: whether that has gone is asked instead.
            if link.moved {
                self.identify(&target, &mut link).await?;
                return if link.moved { Err(Trouble::Impostor) } else { Ok(None) };
            }
            self.driver.read_fast(target.family, target.endpoint, &mut link, buffer).await
        };
        // What it would have said is asked again soon.
        let Some(outcome) = station.unhurried(reading).await else { return Ok(()) };
        let mac = link.mac;
        drop(link);
        let mut table = self.table();
        let latest = &mut table[place];
        latest.mac = mac;
        match outcome {
            Ok(reading) => {
                latest.trouble = None;
                if reading.is_some() {
                    latest.reading = reading;
                }
                Ok(())
            }
            Err(trouble) => {
                let since = match latest.trouble {
                    Some((known, since)) if known == trouble => since,
                    _ => self.driver.clock.now(),
                };
                latest.trouble = Some((trouble, since));
                Err(trouble)
            }
        }
    }

    /// Whether an order may lower what a machine draws. Of a mode or watts that are not known it may.
    fn reduces(&self, place: usize, order: &Order) -> bool {
        let seen = self.table()[place].reading;
        match order {
            Order::Sleep => true,
            Order::SetMode(ModeName::High) => false,
            Order::SetMode(mode) => seen.and_then(|seen| seen.mode).is_none_or(|now| now > *mode),
            Order::LimitPower(limit) => seen.and_then(|seen| seen.power).is_none_or(|drawn| drawn > *limit),
            Order::Wake | Order::Reboot | Order::Locate(_) | Order::SetPools(_) => false,
        }
    }

    /// Asks a machine to do something. A reduction closes whatever is under way to the same machine, a
    /// reading or the renewal of a token; anything else waits for its end.
    pub async fn command(&self, machine: MachineIx, action: Action) -> Outcome {
        match Order::of(action) {
            Some(order) => self.order(machine, &order).await,
            None => Outcome::Refused("an outlet is commanded at its switch".to_owned()),
        }
    }
    /// Gives a machine an order, as [`Fleet::command`].
    pub async fn order(&self, machine: MachineIx, order: &Order) -> Outcome {
        let Some(&place) = self.places.get(&machine) else {
            return Outcome::Refused("it has no address yet".to_owned());
        };
        let station = &self.stations[place];
        let Station { target, link, .. } = station;
        let urgent = self.reduces(place, order).then(|| station.hasten());
        let mut link = link.lock().await;
        drop(urgent);
        if !link.moved && link.serial.is_some() {
            match self.identify(target, &mut link).await {
                Ok(Some(seen)) if seen.serial.is_some() => {}
                // Who does not say who it is may be anybody.
                Ok(_) => return Outcome::Unanswered(Trouble::Impostor),
                Err(trouble) => return Outcome::Unanswered(trouble),
            }
        }
        if link.moved {
            return Outcome::Unanswered(Trouble::Impostor);
        }
        let outcome = self.driver.order(target.family, target.endpoint, &mut link, order).await;
        if outcome == Outcome::Accepted {
            self.watch(place, order);
        }
        if matches!(order, Order::SetPools(_)) && !matches!(outcome, Outcome::Refused(_)) {
            station.forget_pools();
        }
        outcome
    }
    /// Renews the tokens of these machines that soon run out, so that a command to them is one request. For
    /// machines that may be commanded; the others are not logged in to.
    pub async fn keep_armed(self: &Arc<Self>, machines: &[MachineIx]) {
        let places = Arc::new(Semaphore::new(ARMED_AT_ONCE));
        let mut tasks = JoinSet::new();
        for machine in machines {
            let Some(&place) = self.places.get(machine) else { continue };
            let turn = Arc::clone(&places).acquire_owned().await.expect("the semaphore is never closed");
            let fleet = Arc::clone(self);
            tasks.spawn(async move {
                fleet.arm(place).await;
                drop(turn);
            });
            while tasks.try_join_next().is_some() {}
        }
        while tasks.join_next().await.is_some() {}
    }
    async fn arm(&self, place: usize) {
        if self.table()[place].trouble.is_some() {
            return;
        }
        let station = &self.stations[place];
        let Station { target, link, .. } = station;
        let mut link = link.lock().await;
        // A command takes the token that it needs itself where none is held.
        let armed = self.driver.keep_armed(target.family, target.endpoint, &mut link);
        if let Some(Err(trouble)) = station.unhurried(armed).await {
            tracing::debug!(machine = target.machine.0, %trouble, "not armed");
        }
    }
}
