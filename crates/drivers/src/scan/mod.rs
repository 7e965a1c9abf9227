//! Finds machines in ranges of addresses and ports.
//!
//! Our own families are identified here, on any port; each address is asked, and asked again when it
//! did not answer in time, so that none is missed. What answers and is of neither family is
//! listed for whoever knows more (asic-rs).
//!
//! Without ports an address is asked at those that machines have, one after the other, until one is open: an
//! address that is in use refuses the others at once. One that says nothing costs a wait at the first port and a second
//! one at all of them together.
//!
//! Not here: adopting what was found into a site, which ports a host has open (`host`).

mod host;
mod range;

pub use range::{Place, RangeError, ScanRange};

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use offpeak_site::{Endpoint, Trouble};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::driver::{Driver, Identity, api};

/// Where a machine's pages are, given where its API is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebPort {
    /// At one port, 80 as a standard.
    Fixed(u16),
    /// So many ports above the API's.
    Above(u16),
}

impl WebPort {
    /// The endpoint of an API's address; the port stays within range.
    #[must_use]
    pub const fn endpoint(self, api: SocketAddr) -> Endpoint {
        let http_port = match self {
            Self::Fixed(port) => port,
            Self::Above(ports) => api.port().saturating_add(ports),
        };
        Endpoint { ip: api.ip(), api_port: api.port(), http_port }
    }
}

/// What answers at an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A machine of our families.
    Machine(Identity),
    /// Something else: no API of ours, but something listens.
    Other,
    /// It accepts connections, and then this.
    Trouble(Trouble),
}

/// How hard to look. An address that drops what it is sent costs `connect_within` once at one port and once at three:
/// on 8,192 connections a scan gets through 1,700 of them a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// How many connections are waited for at once: most addresses are empty.
    pub at_once: usize,
    /// How many of those that answer are asked at once.
    pub talks: usize,
    /// How long an address may take to accept a connection. A lost first packet is sent again after a
    /// second (RFC 6298), so a little more.
    pub connect_within: Duration,
}

impl Effort {
    /// How many addresses without anybody a scan gets through in a second, where nothing says that nobody is there.
    #[must_use]
    pub fn empty_per_second(self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "some thousand connections")]
        let at_once = self.at_once as f64;
        at_once / (f64::from(1 + host::PORTS) * self.connect_within.as_secs_f64())
    }
}

impl Default for Effort {
    fn default() -> Self {
        Self { at_once: 8_192, talks: 256, connect_within: Duration::from_millis(1_200) }
    }
}

/// What a scan came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scan {
    /// What answers, in the order of addresses and ports.
    pub found: Vec<(Endpoint, Found)>,
    /// How many places were asked: addresses, or ports of them.
    pub asked: u64,
}

/// How far a scan is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Places that will not be asked again.
    pub done: u64,
    /// Machines of our families among them.
    pub machines: u64,
}

enum First {
    /// Nothing listens, and the host said so.
    Closed,
    /// No word in time: maybe lost, maybe nobody.
    NoWord,
    Answer(Endpoint, Found),
}

/// Which time a place is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Round {
    First,
    Again,
}

/// Asks every place of these ranges who is there. `progress` is called for each that is done, with what answers there.
pub async fn scan(
    driver: &Driver,
    ranges: &[ScanRange],
    web: WebPort,
    effort: Effort,
    mut progress: impl FnMut(Progress, Option<&(Endpoint, Found)>),
) -> Scan {
    let mut scan = Scan::default();
    let mut again = Vec::new();
    let mut so_far = Progress::default();
    let all = ranges.iter().flat_map(ScanRange::places);
    let mut each = |place, first, last: bool, scan: &mut Scan, again: &mut Vec<Place>| {
        if !last && matches!(first, First::NoWord | First::Answer(_, Found::Trouble(_))) {
            return again.push(place);
        }
        so_far.done += 1;
        match first {
            First::Answer(endpoint, found) => {
                so_far.machines += u64::from(matches!(found, Found::Machine(_)));
                scan.found.push((endpoint, found));
                progress(so_far, scan.found.last());
            }
            First::Closed | First::NoWord => progress(so_far, None),
        }
    };
    round(driver, all, web, effort, Round::First, |place, first| {
        scan.asked += 1;
        each(place, first, false, &mut scan, &mut again);
    })
    .await;
    let second = std::mem::take(&mut again);
    round(driver, second.into_iter(), web, effort, Round::Again, |place, first| {
        each(place, first, true, &mut scan, &mut again);
    })
    .await;
    scan.found.sort_by_key(|(endpoint, _)| *endpoint);
    scan
}

async fn round(
    driver: &Driver,
    places: impl Iterator<Item = Place>,
    web: WebPort,
    effort: Effort,
    round: Round,
    mut each: impl FnMut(Place, First),
) {
    let connections = Arc::new(Semaphore::new(effort.at_once.max(host::PORTS as usize)));
    let talks = Arc::new(Semaphore::new(effort.talks.max(1)));
    let mut tasks = JoinSet::new();
    for place in places {
        while let Some(finished) = tasks.try_join_next() {
            let (place, first) = finished.expect("asking does not panic and is not cancelled");
            each(place, first);
        }
        let needed = if round == Round::Again && matches!(place, Place::Host(_)) { host::PORTS } else { 1 };
        let held = Arc::clone(&connections).acquire_many_owned(needed);
        let held = held.await.expect("the semaphore is never closed");
        let (driver, talks) = (driver.clone(), Arc::clone(&talks));
        tasks.spawn(async move {
            let first = match place {
                Place::Port(at) => {
                    let endpoint = web.endpoint(at);
                    let reached = reach(&driver, endpoint, effort.connect_within).await;
                    // The next address is waited for while this one waits for its talk.
                    drop(held);
                    match reached {
                        Reached::Api | Reached::Web => {
                            let _talk = talks.acquire().await.expect("the semaphore is never closed");
                            ask(&driver, endpoint, reached).await
                        }
                        Reached::Closed => First::Closed,
                        Reached::NoWord => First::NoWord,
                    }
                }
                Place::Host(ip) => {
                    let endpoint = web.endpoint(SocketAddr::new(ip, host::API));
                    let open = match round {
                        Round::First => host::in_turn(&driver, endpoint, effort.connect_within).await,
                        Round::Again => host::together(&driver, endpoint, effort.connect_within).await,
                    };
                    drop(held);
                    if open.any() {
                        let _talk = talks.acquire().await.expect("the semaphore is never closed");
                        host::ask(&driver, endpoint, open, effort.connect_within).await
                    } else if open.is_certain() {
                        First::Closed
                    } else {
                        First::NoWord
                    }
                }
            };
            (place, first)
        });
    }
    while let Some(finished) = tasks.join_next().await {
        let (place, first) = finished.expect("asking does not panic and is not cancelled");
        each(place, first);
    }
}

/// What takes a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reached {
    Api,
    /// Not the API, but pages.
    Web,
    Closed,
    NoWord,
}

async fn reach(driver: &Driver, endpoint: Endpoint, within: Duration) -> Reached {
    match timeout(within, driver.connector.connect(api(endpoint))).await {
        Ok(Ok(_)) => Reached::Api,
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            let web = SocketAddr::new(endpoint.ip, endpoint.http_port);
            match timeout(within, driver.connector.connect(web)).await {
                Ok(Ok(_)) => Reached::Web,
                Ok(Err(_)) => Reached::Closed,
                Err(_) => Reached::NoWord,
            }
        }
        Ok(Err(_)) | Err(_) => Reached::NoWord,
    }
}

async fn ask(driver: &Driver, endpoint: Endpoint, reached: Reached) -> First {
    match driver.identify(endpoint).await {
        Ok(Some(identity)) => First::Answer(endpoint, Found::Machine(identity)),
        Ok(None) => First::Answer(endpoint, Found::Other),
        // Pages of no family that we know; the API's port was closed before.
        Err(Trouble::Unreachable) if reached == Reached::Web => First::Answer(endpoint, Found::Other),
        // What took the connection has nobody behind it.
        Err(Trouble::Unreachable) => First::NoWord,
        Err(trouble) => First::Answer(endpoint, Found::Trouble(trouble)),
    }
}
