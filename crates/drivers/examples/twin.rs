//! Serves a site's twin on this machine's loopback addresses: `twin SITE.toml [MACHINES]`. All machines
//! hash and answer; more of them, of the first one's model, are added until there are MACHINES.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use offpeak_drivers::fronts::{Addressing, Layout, Ports, serve};
use offpeak_site::{Endpoint, Site};
use offpeak_twin::{Initial, Plant, Scenario};

fn read(path: &str) -> Result<Site, Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string(path)?;
    offpeak_site::file::load(path, &text, &|_| None).map_err(|mistakes| format!("{mistakes:?}").into())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut site = read(&arguments.next().ok_or("usage: twin SITE.toml [MACHINES]")?)?;
    let machines: usize = arguments.next().map_or(Ok(0), |count| count.parse())?;
    if machines > 0 {
        site.machines.truncate(1);
        let first = site.machines.first().cloned().ok_or("the site has no machine")?;
        site.machines = (0..machines)
            .map(|place| {
                let ip = Ipv4Addr::from(u32::from(Ipv4Addr::new(127, 1, 0, 1)) + place as u32);
                let endpoint = Some(Endpoint::standard(IpAddr::V4(ip)));
                offpeak_site::Machine { id: format!("machine-{place}"), endpoint, ..first.clone() }
            })
            .collect();
    }
    let layout = Layout::plan(&site, Addressing::AddressPerMachine(Ports::for_this_user()))?;
    layout.apply(&mut site);
    let scenario = Scenario { initial: Initial::Running, ..Scenario::healthy() };
    let plant = Plant::new(Arc::new(site), &scenario, 1, "2022-10-03T00:00:00Z".parse()?);
    let ready = |fronts: &offpeak_drivers::fronts::Fronts| {
        for (machine, endpoint) in fronts.layout().endpoints().iter().enumerate().take(3) {
            eprintln!(
                "machine {machine} at {}, API {}, pages {}",
                endpoint.ip, endpoint.api_port, endpoint.http_port
            );
        }
    };
    serve(plant, layout, 1, ready, std::future::pending())?;
    Ok(())
}
