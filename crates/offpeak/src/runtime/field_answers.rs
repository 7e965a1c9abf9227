//! Answers what is asked of machines by hand on a running site: searches, a close look, orders beside the loop.
//!
//! Everything that talks to a machine runs where the plant's streams do; who asks waits on a thread of their own.

use std::collections::HashMap;
use std::future::Future;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use offpeak_drivers::call::{Order, Pool};
use offpeak_drivers::connect::Connector;
use offpeak_drivers::driver::Driver;
use offpeak_drivers::scan::WebPort;
use offpeak_server::view::{LookView, MachineView, ScanView};
use offpeak_server::{By, Field, HandOrder, HandleError};
use offpeak_site::{MachineIx, Outcome, Site};
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
            found: Vec::new(),
        };
        let site = self.site();
        let others = matches!(self.shared.wire.connector, Connector::Tcp);
        // With the factory's logins: the site's own are not for whoever stands in a range that somebody names.
        let driver = self.factory_driver();
        let looking = Looking { driver, web: web_port(&site), budget, others };
        let (told, kept) = (Arc::clone(&self.scans), Arc::clone(&self.scans));
        let task = self.runtime().spawn(async move {
            let progress = |now: offpeak_drivers::scan::Progress| {
                note(&told, id, |scan| scan.asked = now.done);
            };
            let mut found = look(&looking, &parsed, progress).await;
            for row in &mut found {
                row.machine = standing(&site, row.mac.as_deref(), &row.address, row.port);
            }
            note(&kept, id, |scan| {
                (scan.found, scan.asked) = (found, scan.of);
                scan.state = "done".to_owned();
            });
        });
        scans.last = Some((scan.clone(), task.abort_handle()));
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
        match scans.last.as_mut() {
            Some((scan, task)) if scan.state == RUNNING => {
                task.abort();
                scan.state = "ended".to_owned();
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
fn note(scans: &Mutex<Scans>, id: u64, change: impl FnOnce(&mut ScanView)) {
    if let Some((scan, _)) = &mut lock(scans).last
        && scan.id == id
        && scan.state == RUNNING
    {
        change(scan);
    }
}

/// Which machine of the site it is: by hardware address, else by address where none is known.
fn standing(site: &Site, mac: Option<&str>, address: &str, port: u16) -> Option<String> {
    let mac = mac.and_then(|mac| mac.parse().ok());
    let by_mac = site.machines.iter().find(|machine| mac.is_some() && machine.mac == mac);
    let at = |machine: &&offpeak_site::Machine| {
        (machine.mac.is_none() || mac.is_none())
            && machine.endpoint.is_some_and(|at| at.ip.to_string() == address && at.api_port == port)
    };
    by_mac.or_else(|| site.machines.iter().find(at)).map(|machine| machine.id.clone())
}
