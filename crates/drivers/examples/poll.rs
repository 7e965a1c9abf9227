//! Measures the poller: `poll whatsminer|antminer PORT MACHINES SECONDS` reads that many loopback addresses
//! (127.1.0.1 and up) where a server such as the `emulator` example listens.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use offpeak_drivers::bench::bench_poll;
use offpeak_drivers::poll::Target;
use offpeak_site::{Endpoint, Family, MachineIx};

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let usage = || std::io::Error::other("usage: poll whatsminer|antminer PORT MACHINES SECONDS");
    let [family, port, machines, seconds] = arguments.as_slice() else { return Err(usage()) };
    let family = match family.as_str() {
        "whatsminer" => Family::WhatsminerV2,
        "antminer" => Family::AntminerStock,
        _ => return Err(usage()),
    };
    let port = port.parse().map_err(|_| usage())?;
    let machines: u32 = machines.parse().map_err(|_| usage())?;
    let seconds = seconds.parse().map_err(|_| usage())?;
    let first = u32::from(Ipv4Addr::new(127, 1, 0, 1));
    let targets = (0..machines)
        .map(|place| {
            let ip = IpAddr::V4(Ipv4Addr::from(first + place));
            let endpoint = Endpoint { api_port: port, ..Endpoint::standard(ip) };
            Target { machine: MachineIx(place), family, endpoint, mac: None }
        })
        .collect();
    println!("{:#?}", bench_poll(targets, Duration::from_secs(seconds))?);
    Ok(())
}
