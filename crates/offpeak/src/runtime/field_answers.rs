//! Answers what is asked of machines by hand on a running site: searches, a close look, orders beside the loop.
//!
//! Everything that talks to a machine runs where the plant's streams do; who asks waits on a thread of their own.

use std::collections::HashMap;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use offpeak_drivers::call::{Order, Pool};
use offpeak_drivers::connect::Connector;
use offpeak_drivers::driver::Driver;
use offpeak_drivers::scan::{Progress, WebPort};
use offpeak_server::view::{FoundView, LookView, MachineView, ScanView};
use offpeak_server::{By, Field, HandOrder, HandleError};
use offpeak_site::{MacAddress, MachineIx, Outcome, Site};
use offpeak_store::Deed;
use tokio::task::AbortHandle;

use super::answer::{Answers, book_error};
use super::live::lock;
use super::views::find_machine;
use crate::commands::{Keys, Looking, attempt, give, look, ranges_of, scan_budget};

/// How long a machine may take.
const PATIENCE: Duration = Duration::from_secs(25);

/// The last search, and what ends it.
#[derive(Default)]
pub(super) struct Scans {
    last: Option<(ScanView, AbortHandle)>,
    /// Whom it has found while it runs.
    so_far: Vec<FoundView>,
}

const RUNNING: &str = "running";

/// Where this site's machines have their pages: where most of them have.
fn web_port(site: &Site) -> WebPort {
    let mut of_port: HashMap<u16, usize> = HashMap::new();
    let endpoints = || site.machines.iter().filter_map(|machine| machine.endpoint);
    if endpoints().any(|at| at.http_port == at.api_port + 1) {
        return WebPort::Above(1);
    }
    for at in endpoints() {
        *of_port.entry(at.http_port).or_default() += 1;
    }
    WebPort::Fixed(of_port.into_iter().max_by_key(|(_, machines)| *machines).map_or(80, |(port, _)| port))
}

impl Answers {
    /// Does something where the plant's streams are, and waits for it.
    fn there<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, HandleError> {
        let (done, waits) = channel();
        let task = self.runtime().spawn(async move {
            let _ = done.send(work.await);
        });
        waits.recv_timeout(PATIENCE).map_err(|error| {
            task.abort();
            HandleError::Conflict(match error {
                RecvTimeoutError::Timeout => {
                    "the machine takes too long\nhint: what it was asked may have been done; look again"
                        .to_owned()
                }
                RecvTimeoutError::Disconnected => "the site is ending".to_owned(),
            })
        })
    }

    fn factory_driver(&self) -> Driver {
        Driver::new(self.shared.wire.connector.clone(), self.shared.wire.clock)
    }

    /// With the site's logins.
    fn driver(&self) -> Driver {
        let mut driver = self.factory_driver();
        if let Some(logins) = &self.shared.wire.logins {
            driver.access = Arc::new(logins.access.clone());
        }
        driver
    }

    fn placed(&self, machine: &str) -> Result<(Arc<Site>, MachineIx, MachineView), HandleError> {
        let nowhere = || HandleError::Invalid(format!("there is no machine `{machine}`"));
        let site = self.site();
        let ix = find_machine(&site, machine)?.ok_or_else(nowhere)?;
        let view = offpeak_server::SiteHandle::machine(self, machine)?.ok_or(HandleError::TooEarly)?;
        Ok((site, ix, view))
    }
}

impl Field for Answers {
    fn scan(&self, ranges: &[String], by: By<'_>) -> Result<ScanView, HandleError> {
        let (parsed, of) = ranges_of(ranges).map_err(|wrong| HandleError::Invalid(wrong.to_string()))?;
        let budget = scan_budget().map_err(|error| HandleError::Conflict(format!("{error:#}")))?;
        let mut scans = lock(&self.scans);
        if scans.last.as_ref().is_some_and(|(scan, task)| scan.state == RUNNING && !task.is_finished()) {
            return Err(HandleError::Conflict("a search runs already\nhint: wait for it, or end it".into()));
        }
        let deed = Deed { who: by.who, what: "scan", subject: &ranges.join(" "), why: by.why };
        self.shared.book.note(self.now(), &deed).map_err(book_error)?;
        let id = scans.last.as_ref().map_or(1, |(scan, _)| scan.id + 1);
        let scan = ScanView {
            id,
            ranges: ranges.to_vec(),
            began: Timestamp::now(),
            state: RUNNING.to_owned(),
            trouble: None,
            asked: 0,
            of,
            machines: 0,
            found: Vec::new(),
        };
        let site = self.site();
        let others = matches!(self.shared.wire.connector, Connector::Tcp);
        // With the factory's logins: the site's own are not for whoever stands in a range that somebody names.
        let driver = self.factory_driver();
        let looking = Looking { driver, web: web_port(&site), budget, others };
        let (told, kept) = (Arc::clone(&self.scans), Arc::clone(&self.scans));
        let task = self.runtime().spawn(async move {
            let places = Places::of(&site);
            let progress = |now: Progress, row: Option<FoundView>| {
                note(&told, id, |scan, so_far| {
                    (scan.asked, scan.machines) = (now.done, now.machines);
                    so_far.extend(row.map(|row| places.put(row)));
                });
            };
            let found = look(&looking, &parsed, progress).await;
            let found = found.into_iter().map(|row| places.put(row)).collect();
            note(&kept, id, |scan, so_far| {
                (scan.found, scan.asked) = (found, scan.of);
                scan.state = "done".to_owned();
                *so_far = Vec::new();
            });
        });
        *scans = Scans { last: Some((scan.clone(), task.abort_handle())), so_far: Vec::new() };
        Ok(scan)
    }

    fn last_scan(&self) -> Option<ScanView> {
        let mut scans = lock(&self.scans);
        let (scan, task) = scans.last.as_mut()?;
        // A task that is over without a word has panicked, or went with its runtime.
        if scan.state == RUNNING && task.is_finished() {
            scan.state = "failed".to_owned();
            scan.trouble = Some("the search broke off".to_owned());
        }
        Some(scan.clone())
    }

    fn end_scan(&self, by: By<'_>) -> Result<ScanView, HandleError> {
        let mut scans = lock(&self.scans);
        let mut found = std::mem::take(&mut scans.so_far);
        match scans.last.as_mut() {
            Some((scan, task)) if scan.state == RUNNING => {
                task.abort();
                scan.state = "ended".to_owned();
                found.sort_by_cached_key(|row| (row.address.parse::<IpAddr>().ok(), row.port));
                scan.found = found;
                let deed =
                    Deed { who: by.who, what: "scan ended", subject: &scan.ranges.join(" "), why: by.why };
                self.shared.book.note(self.now(), &deed).map_err(book_error)?;
                Ok(scan.clone())
            }
            _ => Err(HandleError::Conflict("no search runs".into())),
        }
    }

    fn blink_found(&self, address: &str, on: bool, by: By<'_>) -> Result<(), HandleError> {
        let nothing = || {
            HandleError::Conflict(format!(
                "the last search found no machine at `{address}`\nhint: search again"
            ))
        };
        let scan = self.last_scan().ok_or_else(nothing)?;
        let row = scan.found.iter().find(|row| format!("{}:{}", row.address, row.port) == address);
        let mac = row.and_then(|row| row.mac.as_deref()?.parse().ok()).ok_or_else(nothing)?;
        let api = address.parse().map_err(|_| nothing())?;
        let endpoint = web_port(&self.site()).endpoint(api);
        let deed = Deed {
            who: by.who,
            what: if on { "blink" } else { "blink no more" },
            subject: address,
            why: by.why,
        };
        self.shared.book.note(self.now(), &deed).map_err(book_error)?;
        // The site's logins are for who stands in a place of the site; a stranger is tried with the factory's.
        let is_ours = row.is_some_and(|row| row.machine.is_some());
        let driver = if is_ours { self.driver() } else { self.factory_driver() };
        let given =
            self.there(async move { give(&driver, endpoint, mac, None, &Order::Locate(on)).await })?;
        answered(given.map_err(|error| HandleError::Conflict(format!("{error:#}")))?)
    }

    fn look(&self, machine: &str) -> Result<LookView, HandleError> {
        let (site, ix, view) = self.placed(machine)?;
        let Some(endpoint) = site.machines[ix.ix()].endpoint else {
            return Err(HandleError::Conflict(format!("{} has no address yet", view.id)));
        };
        let wire = &self.shared.wire;
        let keys = match &wire.logins {
            Some(logins) => Keys { access: logins.access.clone(), own: logins.own[ix.ix()].clone() },
            None => Keys::default(),
        };
        let (connector, clock) = (wire.connector.clone(), wire.clock);
        self.there(async move { attempt(connector, clock, endpoint, None, keys, false).await.view() })
    }

    fn by_hand(&self, machine: &str, order: &HandOrder, by: By<'_>) -> Result<(), HandleError> {
        let (_, ix, view) = self.placed(machine)?;
        let (what, order) = match order {
            HandOrder::Locate(on) => (if *on { "blink" } else { "blink no more" }, Order::Locate(*on)),
            // A control board that starts again may hash until the loop sees it.
            HandOrder::Reboot if view.target != "run" || view.state != "running" => {
                return Err(HandleError::Conflict(format!(
                    "{} is {}, and a machine that restarts may hash\nhint: one that runs can be restarted",
                    view.id, view.state
                )));
            }
            HandOrder::Reboot => ("restart", Order::Reboot),
            HandOrder::Pools(pools) => ("pools", Order::SetPools(pools.iter().map(pool).collect())),
        };
        let fleet = lock(&self.shared.fleet).clone().ok_or(HandleError::TooEarly)?;
        let why = match &order {
            Order::SetPools(pools) => {
                let urls: Vec<_> = pools.iter().map(|pool| format!("{} {}", pool.url, pool.user)).collect();
                format!("{}: {}", urls.join(", "), by.why)
            }
            _ => by.why.to_owned(),
        };
        let deed = Deed { who: by.who, what, subject: &view.id, why: &why };
        self.shared.book.note(self.now(), &deed).map_err(book_error)?;
        answered(self.there(async move { fleet.order(ix, &order).await })?)
    }
}

fn answered(outcome: Outcome) -> Result<(), HandleError> {
    match outcome {
        Outcome::Accepted => Ok(()),
        Outcome::Refused(words) => Err(HandleError::Conflict(format!("the machine refuses: {words}"))),
        Outcome::Unanswered(trouble) => Err(HandleError::Conflict(format!(
            "no answer that counts: {trouble}\nhint: it may have been done; look at the machine"
        ))),
    }
}

fn pool(order: &offpeak_server::PoolOrder) -> Pool {
    Pool { url: order.url.clone(), user: order.user.clone(), password: order.password.clone() }
}

/// Changes what is told of a search that is still the last, and was not ended.
fn note(scans: &Mutex<Scans>, id: u64, change: impl FnOnce(&mut ScanView, &mut Vec<FoundView>)) {
    let mut scans = lock(scans);
    let Scans { last, so_far } = &mut *scans;
    if let Some((scan, _)) = last
        && scan.id == id
        && scan.state == RUNNING
    {
        change(scan, so_far);
    }
}

/// Who stands where in the site: by hardware address, else by address where none is known.
struct Places<'a> {
    site: &'a Site,
    of_mac: HashMap<MacAddress, MachineIx>,
    of_address: HashMap<SocketAddr, MachineIx>,
}

impl<'a> Places<'a> {
    fn of(site: &'a Site) -> Self {
        let of_mac = site.machines().filter_map(|(ix, machine)| Some((machine.mac?, ix))).collect();
        let at =
            |machine: &offpeak_site::Machine| machine.endpoint.map(|at| SocketAddr::new(at.ip, at.api_port));
        let of_address = site.machines().filter_map(|(ix, machine)| Some((at(machine)?, ix))).collect();
        Self { site, of_mac, of_address }
    }

    /// With the machine that it is.
    fn put(&self, row: FoundView) -> FoundView {
        let mac: Option<MacAddress> = row.mac.as_deref().and_then(|mac| mac.parse().ok());
        let by_mac = mac.and_then(|mac| self.of_mac.get(&mac));
        let stands = || {
            let at = SocketAddr::new(row.address.parse().ok()?, row.port);
            self.of_address.get(&at).filter(|ix| mac.is_none() || self.site.machine(**ix).mac.is_none())
        };
        let machine = by_mac.or_else(stands).map(|ix| self.site.machine(*ix).id.clone());
        FoundView { machine, ..row }
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::yield_now;

    use super::super::ahead::live_tests::{mine, until};
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_search_that_somebody_ends_tells_whom_it_had_found() {
        let dir = tempfile::tempdir().unwrap();
        let (_shared, answers) = mine(dir.path());
        until("the first cycle", || answers.latest().is_some()).await;
        let site = answers.site();
        let first = site.machines.iter().find_map(|machine| machine.endpoint).unwrap();
        // Its neighbours are there, and hundreds of thousands of addresses that nobody has.
        let ranges = [format!("{}/13:{}", first.ip, first.api_port)];
        let by = By { who: "anna", why: "test" };
        let begun = answers.scan(&ranges, by).unwrap();
        assert!(begun.found.is_empty() && begun.machines == 0);
        for _ in 0..1_000_000 {
            if answers.last_scan().unwrap().machines >= 3 {
                break;
            }
            yield_now().await;
        }
        let ended = answers.end_scan(by).unwrap();
        assert_eq!(ended.state, "ended");
        assert!(ended.asked < ended.of, "{} of {}", ended.asked, ended.of);
        let machines = ended.found.iter().filter(|row| row.family.is_some());
        let machines: Vec<_> = machines.map(|row| row.machine.clone().unwrap()).collect();
        assert_eq!(machines.len() as u64, ended.machines);
        assert!(machines.len() >= 3 && machines.iter().all(|id| site.machines.iter().any(|of| of.id == *id)));
        assert_eq!(answers.last_scan().unwrap(), ended, "and goes on to tell so");
    }
}
