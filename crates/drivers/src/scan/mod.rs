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

/// How hard to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// How many addresses are asked at once.
    pub at_once: usize,
    /// How many at once in the second round, for those that did not answer in time.
    pub at_once_again: usize,
}

impl Default for Effort {
    fn default() -> Self {
        Self { at_once: 256, at_once_again: 32 }
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
    round(driver, all, effort.at_once, |endpoint, first| {
        scan.asked += 1;
        each(endpoint, first, false, &mut scan, &mut again);
    })
    .await;
    let second = std::mem::take(&mut again);
    round(driver, second.into_iter(), effort.at_once_again, |endpoint, first| {
        each(endpoint, first, true, &mut scan, &mut again);
    })
    .await;
    scan.found.sort_by_key(|(endpoint, _)| *endpoint);
    scan
}

async fn round(
    driver: &Driver,
    endpoints: impl Iterator<Item = Endpoint>,
    at_once: usize,
    mut each: impl FnMut(Endpoint, First),
) {
    let places = Arc::new(Semaphore::new(at_once.max(1)));
    let mut tasks = JoinSet::new();
    for endpoint in endpoints {
        while let Some(finished) = tasks.try_join_next() {
            let (endpoint, first) = finished.expect("asking does not panic and is not cancelled");
            each(endpoint, first);
        }
        let place = Arc::clone(&places).acquire_owned().await.expect("the semaphore is never closed");
        let driver = driver.clone();
        tasks.spawn(async move {
            let first = ask(&driver, endpoint).await;
            drop(place);
            (endpoint, first)
        });
    }
    while let Some(finished) = tasks.join_next().await {
        let (endpoint, first) = finished.expect("asking does not panic and is not cancelled");
        each(endpoint, first);
    }
}

async fn ask(driver: &Driver, endpoint: Endpoint) -> First {
    match timeout(driver.patience.fast, driver.connector.connect(api(endpoint))).await {
        Ok(Ok(stream)) => drop(stream),
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            return web_only(driver, endpoint).await;
        }
        Ok(Err(_)) | Err(_) => return First::NoWord,
    }
    First::Answer(match driver.identify(endpoint).await {
        Ok(Some(identity)) => Found::Machine(identity),
        Ok(None) => Found::Other,
        // What took the connection has nobody behind it.
        Err(Trouble::Unreachable) => return First::NoWord,
        Err(trouble) => Found::Trouble(trouble),
    })
}

/// The host is there without our API: does it serve pages?
async fn web_only(driver: &Driver, endpoint: Endpoint) -> First {
    let web = SocketAddr::new(endpoint.ip, endpoint.http_port);
    match timeout(driver.patience.fast, driver.connector.connect(web)).await {
        Ok(Ok(_)) => First::Answer(Found::Other),
        Ok(Err(_)) => First::Closed,
        Err(_) => First::NoWord,
    }
}
