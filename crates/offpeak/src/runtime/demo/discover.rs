//! Finds the demo's machines by asking every address of their networks who is there, as a new mine would,
//! and writes down what the scan learned of each.
//!
//! Not here: the scan itself (`offpeak-drivers`), and what is shown meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use anyhow::{Result, bail};
use offpeak_drivers::driver::{Driver, Identity};
use offpeak_drivers::scan::{Effort, Found, Progress, ScanRange, WebPort, scan};
use offpeak_site::{Endpoint, Site};

use crate::runtime::entries::{SITE_FILE, places};
use crate::runtime::live::{Search, Shared, lock};

/// How a search ended.
#[derive(Clone, Debug, Default)]
pub(super) struct Census {
    pub(super) found: usize,
    /// Machines that did not answer the scan: none, or behind an open outlet.
    pub(super) not_found: Vec<String>,
}

/// Searches for the machines of the shared site; how far it is stands there.
pub(super) async fn discover(shared: &Shared) -> Result<Census> {
    let site = shared.site();
    let endpoints: Vec<Endpoint> = site.machines.iter().filter_map(|machine| machine.endpoint).collect();
    let driver = Driver::new(shared.wire.connector.clone(), shared.wire.clock);
    let mut known = BTreeMap::new();
    let expected = site.machines.len();
    let tell = |found: usize| *lock(&shared.search) = Some(Search { found, expected });
    for (web, ranges) in networks(&endpoints)? {
        let before = known.len();
        let progress = |now: Progress, _: Option<&_>| {
            tell(before + usize::try_from(now.machines).unwrap_or(usize::MAX));
        };
        for (endpoint, what) in scan(&driver, &ranges, web, Effort::default(), progress).await.found {
            if let Found::Machine(identity) = what {
                known.insert(endpoint, identity);
            }
        }
    }
    let mut not_found = Vec::new();
    shared.change_site(|site| not_found = write_down(site, known));
    let found = expected - not_found.len();
    shared.book.note_positions(&places(&shared.site()), shared.wire.clock.now(), SITE_FILE)?;
    let told = format!("search over: {found} of {expected} machines answer");
    lock(&shared.story).decide(shared.wire.clock.now(), told);
    Ok(Census { found, not_found })
}

/// Into the site; who is missing comes back.
fn write_down(site: &mut Site, mut known: BTreeMap<Endpoint, Identity>) -> Vec<String> {
    let mut not_found = Vec::new();
    for machine in &mut site.machines {
        match machine.endpoint.and_then(|endpoint| known.remove(&endpoint)) {
            Some(identity) => {
                machine.mac = machine.mac.or(identity.mac);
                machine.serial = machine.serial.take().or(identity.serial);
            }
            None => not_found.push(machine.id.clone()),
        }
    }
    not_found
}

/// The ranges that hold these endpoints, by where their pages are: one for each /24 and port, from the first
/// address to the last.
fn networks(endpoints: &[Endpoint]) -> Result<Vec<(WebPort, Vec<ScanRange>)>> {
    let mut spans: BTreeMap<(u16, [u8; 3], u16), (IpAddr, IpAddr)> = BTreeMap::new();
    for endpoint in endpoints {
        let IpAddr::V4(ip) = endpoint.ip else { bail!("{} is not an IPv4 address", endpoint.ip) };
        let [a, b, c, _] = ip.octets();
        // Zero for pages just above the API, which is how machines share an address.
        let web = if endpoint.http_port == endpoint.api_port + 1 { 0 } else { endpoint.http_port };
        let span = spans.entry((web, [a, b, c], endpoint.api_port)).or_insert((endpoint.ip, endpoint.ip));
        *span = (span.0.min(endpoint.ip), span.1.max(endpoint.ip));
    }
    let webs: BTreeSet<u16> = spans.keys().map(|(web, ..)| *web).collect();
    let of_web = |web: u16| {
        let ranges = spans
            .iter()
            .filter(|((of, ..), _)| *of == web)
            .map(|((.., port), (first, last))| Ok(format!("{first}-{last}:{port}").parse::<ScanRange>()?))
            .collect::<Result<_>>()?;
        Ok((if web == 0 { WebPort::Above(1) } else { WebPort::Fixed(web) }, ranges))
    };
    webs.into_iter().map(of_web).collect()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn endpoint(last: u8, api_port: u16, http_port: u16) -> Endpoint {
        Endpoint { ip: Ipv4Addr::new(127, 16, 0, last).into(), api_port, http_port }
    }

    #[test]
    fn one_scan_asks_all_that_have_their_pages_alike() {
        let by_address = networks(&[endpoint(1, 4028, 80), endpoint(9, 4028, 80)]).unwrap();
        assert_eq!(by_address, [(WebPort::Fixed(80), vec!["127.16.0.1-127.16.0.9:4028".parse().unwrap()])]);
        let by_port = networks(&[endpoint(1, 20_000, 20_001), endpoint(1, 20_002, 20_003)]).unwrap();
        let [(WebPort::Above(1), ranges)] = &by_port[..] else { panic!("{by_port:?}") };
        assert_eq!(ranges.iter().map(ScanRange::places_count).sum::<u64>(), 2);
    }
}
