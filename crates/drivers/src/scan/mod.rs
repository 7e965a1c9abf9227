//! Finds machines in ranges of addresses and ports.
//!
//! Our own families are identified here, on any port; each address is asked, and asked again when it
//! did not answer in time, so that none is missed. What answers and is of neither family is
//! listed for whoever knows more (asic-rs).
//!
//! Not here: adopting what was found into a site.

mod range;

pub use range::{RangeError, ScanRange};

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

/// How hard to look. An address that drops what it is sent costs twice `connect_within`: on 4,096 places a scan
/// gets through 1,700 of them a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// How many addresses are waited for at once: most of them are empty.
    pub at_once: usize,
    /// How many of those that answer are asked at once.
    pub talks: usize,
    /// How long an address may take to accept a connection. A lost first packet is sent again after a
    /// second (RFC 6298), so a little more.
    pub connect_within: Duration,
}

impl Default for Effort {
    fn default() -> Self {
        Self { at_once: 4_096, talks: 256, connect_within: Duration::from_millis(1_200) }
    }
}

/// What a scan came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scan {
    /// What answers, in the order of addresses and ports.
    pub found: Vec<(Endpoint, Found)>,
    /// How many endpoints were asked.
    pub asked: u64,
}

/// How far a scan is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Endpoints that will not be asked again.
    pub done: u64,
    /// Machines of our families among them.
    pub machines: u64,
}

enum First {
    /// Nothing listens, and the host said so.
    Closed,
    /// No word in time: maybe lost, maybe nobody.
    NoWord,
    Answer(Found),
}

/// Asks every endpoint of these ranges who it is. `progress` is called for each that is done.
pub async fn scan(
    driver: &Driver,
    ranges: &[ScanRange],
    web: WebPort,
    effort: Effort,
    mut progress: impl FnMut(Progress),
) -> Scan {
    let mut scan = Scan::default();
    let mut again = Vec::new();
    let mut so_far = Progress::default();
    let all = ranges.iter().flat_map(ScanRange::addresses).map(|at| web.endpoint(at));
    let mut each = |endpoint, first, last: bool, scan: &mut Scan, again: &mut Vec<Endpoint>| {
        match first {
            First::NoWord if !last => return again.push(endpoint),
            First::Answer(Found::Trouble(_)) if !last => return again.push(endpoint),
            First::Answer(found) => {
                so_far.machines += u64::from(matches!(found, Found::Machine(_)));
                scan.found.push((endpoint, found));
            }
            First::Closed | First::NoWord => {}
        }
        so_far.done += 1;
        progress(so_far);
    };
    round(driver, all, effort, |endpoint, first| {
        scan.asked += 1;
        each(endpoint, first, false, &mut scan, &mut again);
    })
    .await;
    let second = std::mem::take(&mut again);
    round(driver, second.into_iter(), effort, |endpoint, first| {
        each(endpoint, first, true, &mut scan, &mut again);
    })
    .await;
    scan.found.sort_by_key(|(endpoint, _)| *endpoint);
    scan
}

async fn round(
    driver: &Driver,
    endpoints: impl Iterator<Item = Endpoint>,
    effort: Effort,
    mut each: impl FnMut(Endpoint, First),
) {
    let places = Arc::new(Semaphore::new(effort.at_once.max(1)));
    let talks = Arc::new(Semaphore::new(effort.talks.max(1)));
    let mut tasks = JoinSet::new();
    for endpoint in endpoints {
        while let Some(finished) = tasks.try_join_next() {
            let (endpoint, first) = finished.expect("asking does not panic and is not cancelled");
            each(endpoint, first);
        }
        let place = Arc::clone(&places).acquire_owned().await.expect("the semaphore is never closed");
        let (driver, talks) = (driver.clone(), Arc::clone(&talks));
        tasks.spawn(async move {
            let reached = reach(&driver, endpoint, effort.connect_within).await;
            // The next address is waited for while this one waits for its talk.
            drop(place);
            let first = match reached {
                Reached::Api | Reached::Web => {
                    let _talk = talks.acquire().await.expect("the semaphore is never closed");
                    ask(&driver, endpoint, reached).await
                }
                Reached::Closed => First::Closed,
                Reached::NoWord => First::NoWord,
            };
            (endpoint, first)
        });
    }
    while let Some(finished) = tasks.join_next().await {
        let (endpoint, first) = finished.expect("asking does not panic and is not cancelled");
        each(endpoint, first);
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
        Ok(Some(identity)) => First::Answer(Found::Machine(identity)),
        Ok(None) => First::Answer(Found::Other),
        // Pages of no family that we know; the API's port was closed before.
        Err(Trouble::Unreachable) if reached == Reached::Web => First::Answer(Found::Other),
        // What took the connection has nobody behind it.
        Err(Trouble::Unreachable) => First::NoWord,
        Err(trouble) => First::Answer(Found::Trouble(trouble)),
    }
}
