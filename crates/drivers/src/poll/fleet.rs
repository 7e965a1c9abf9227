//! The machines under one driver, each with its link and its last word.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use offpeak_site::{Action, Endpoint, Family, MacAddress, MachineIx, Outcome, Reading, Trouble};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;

use crate::call::{Link, Order};
use crate::driver::Driver;
use crate::http::Credentials;

/// How many machines are asked for tokens at once.
const ARMED_AT_ONCE: usize = 32;

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

/// The machines under one driver.
#[derive(Debug)]
pub struct Fleet {
    driver: Driver,
    stations: Vec<Station>,
    places: BTreeMap<MachineIx, usize>,
    latest: Mutex<Vec<Latest>>,
}

#[derive(Debug)]
pub(super) struct Station {
    pub(super) target: Target,
    /// Held while a request is under way: at most one a machine.
    pub(super) link: tokio::sync::Mutex<Link>,
    /// Closes the reading that is under way: a reduction is to be sent.
    hurry: Notify,
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
            })
            .collect();
        Self { driver, stations, places, latest: Mutex::new(latest) }
    }
    /// Opens a machine with a login of its own; before it is shared.
    pub fn set_login(&mut self, machine: MachineIx, login: Arc<Credentials>) {
        if let Some(&place) = self.places.get(&machine) {
            self.stations[place].link.get_mut().login = Some(login);
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
        // A table whose writer panicked is still whole: each entry is written at once.
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// One fast reading of the machine at this place, written to the table.
    pub(super) async fn poll(&self, place: usize, buffer: &mut Vec<u8>) -> Result<(), Trouble> {
        let station = &self.stations[place];
        let mut link = station.link.lock().await;
        let target = station.target;
        let reading = self.driver.read_fast(target.family, target.endpoint, &mut link, buffer);
        let outcome = tokio::select! {
            biased;
            // What it would have said is asked again soon.
            () = station.hurry.notified() => return Ok(()),
            outcome = reading => outcome,
        };
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

    /// Asks a machine to do something. A reduction closes the reading that is under way to the same
    /// machine; anything else waits for its end.
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
        let Station { target, link, hurry } = &self.stations[place];
        if *order == Order::Sleep {
            hurry.notify_one();
        }
        let mut link = link.lock().await;
        self.driver.order(target.family, target.endpoint, &mut link, order).await
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
        let Station { target, link, .. } = &self.stations[place];
        let mut link = link.lock().await;
        if let Err(trouble) = self.driver.keep_armed(target.family, target.endpoint, &mut link).await {
            tracing::debug!(machine = target.machine.0, %trouble, "not armed");
        }
    }
}
