//! Machines of the twin that misbehave: each gets its state by name, over streams and over sockets, and
//! what nobody serves is unreachable.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use jiff::SignedDuration;
use offpeak_drivers::clock::Clock;
use offpeak_drivers::connect::Connector;
use offpeak_drivers::driver::{Driver, Link, Patience};
use offpeak_drivers::fronts::{Addressing, FrontsError, Ports};
use offpeak_drivers::http::{Challenge, Login, Pages};
use offpeak_drivers::poll::{Fleet, Pace, Poller, Target};
use offpeak_drivers::scan::{Effort, Found, ScanRange, WebPort, scan};
use offpeak_site::observe::ModbusAddress;
use offpeak_site::{Activity, Endpoint, Family, MachineIx, Site, Trouble};
use offpeak_twin::{Fault, Pinned, Scenario};

use crate::fronts::{in_memory, running, seat, small, start, twin};

const QUIRKS: [(Fault, Trouble); 7] = [
    (Fault::Dead, Trouble::Unreachable),
    (Fault::Hung, Trouble::Silent),
    (Fault::Garbage, Trouble::Garbled),
    (Fault::Flood, Trouble::Oversized),
    (Fault::CloseMidReply, Trouble::Truncated),
    (Fault::Nul, Trouble::Garbled),
    (Fault::NoTerminator, Trouble::Silent),
];

/// Machines of either family with each quirk, and what becomes of them.
fn quirky(site: &Site) -> (Scenario, Vec<(MachineIx, Fault, Trouble)>) {
    let mut expected = Vec::new();
    for family in [Family::WhatsminerV2, Family::AntminerStock] {
        let machines = site.machines().filter(|(ix, _)| site.model_of(*ix).family == family);
        expected.extend(machines.zip(QUIRKS).map(|((ix, _), (fault, trouble))| (ix, fault, trouble)));
    }
    let pinned = expected.iter().map(|(ix, fault, _)| (*ix, Pinned::always(*fault))).collect();
    (Scenario { pinned, ..running() }, expected)
}

#[tokio::test(start_paused = true)]
async fn each_quirk_has_a_name() {
    let (scenario, expected) = quirky(&small());
    let fronts = in_memory(&scenario);
    for (ix, fault, trouble) in expected {
        let mut seat = seat(&fronts, ix);
        assert_eq!(seat.read().await, Err(trouble), "{fault:?} of a {:?}", seat.family);
        if seat.family == Family::AntminerStock {
            let web = SocketAddr::new(seat.at.ip, seat.at.http_port);
            let (connector, access, mut challenge) =
                (fronts.connector(), seat.driver.access.clone(), Challenge::default());
            let mut pages = Pages::new(
                &connector,
                web,
                Login::Digest(access.of(Family::AntminerStock), &mut challenge),
                Duration::from_secs(5),
            );
            // A NUL in a page is for its reader to find.
            let read = pages.get("/cgi-bin/get_miner_conf.cgi").await;
            let read = read.and_then(|body| if body.contains(&0) { Err(Trouble::Garbled) } else { Ok(body) });
            assert_eq!(read, Err(trouble), "{fault:?} in pages");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_machine_answers_late_and_truly() {
    let late = SignedDuration::from_millis(2_200);
    let site = small();
    let ix = crate::fronts::machine(&site, "M30S");
    let pinned = [(ix, Pinned::always(Fault::Slow(late)))].into();
    let fronts = in_memory(&Scenario { pinned, ..running() });
    let reading = seat(&fronts, ix).read().await.unwrap();
    assert_eq!(reading.activity, Activity::Hashing);
    assert_eq!(reading.at, start() + late);
}

/// A site whose meters and switches have ports that are free now.
pub(crate) fn with_free_ports(mut site: Site) -> Site {
    let mut held = Vec::new();
    let mut free = || {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        held.push(listener);
        Some(ModbusAddress { address, unit: 1 })
    };
    site.meters.iter_mut().for_each(|meter| meter.modbus = free());
    site.switches.iter_mut().for_each(|switch| switch.modbus = free());
    site
}

fn targets(endpoints: &[Endpoint], site: &Site) -> Vec<Target> {
    site.machines()
        .map(|(machine, entry)| Target {
            machine,
            family: site.model(entry.model).family,
            endpoint: endpoints[machine.ix()],
            mac: None,
        })
        .collect()
}

/// All quirks over sockets, beside healthy machines, whom they do not delay.
async fn poll_over_sockets(addressing: Addressing) {
    let site = with_free_ports(small());
    let (scenario, expected) = quirky(&site);
    let fronts = twin(site.clone(), &scenario, addressing, Clock::starting_at(start()));
    let listening = fronts.listen().unwrap();
    let devices = site.meters.len() + site.switches.len();
    let listeners = match addressing {
        Addressing::AddressPerMachine(_) => 2,
        _ => 2 * site.machines.len(),
    };
    assert_eq!(listening.listeners(), listeners + devices);
    let mut driver = Driver::new(Connector::Tcp, fronts.clock());
    driver.patience = Patience { fast: Duration::from_millis(800), slow: Duration::from_secs(2) };
    let fleet = std::sync::Arc::new(Fleet::new(driver, targets(fronts.layout().endpoints(), &site)));
    let poller = Poller::new(
        std::sync::Arc::clone(&fleet),
        Pace { every: Duration::from_millis(100), ..Pace::default() },
    );
    let all_told = async {
        loop {
            let mut untold = 0;
            fleet.each(|_, latest| {
                untold += usize::from(latest.reading.is_none() && latest.trouble.is_none())
            });
            if untold == 0 {
                break;
            }
            tokio::task::yield_now().await;
        }
    };
    let told = async {
        tokio::select! {
            _ = poller.run() => {}
            () = all_told => {}
        }
    };
    tokio::time::timeout(Duration::from_secs(60), told).await.expect("each machine gets a state");
    let mut quirky = BTreeSet::new();
    fleet.each(|machine, latest| {
        let quirk = expected.iter().find(|(ix, ..)| *ix == machine);
        match (quirk, latest.trouble.map(|(trouble, _)| trouble)) {
            (None, trouble) => {
                assert_eq!(trouble, None, "{machine:?}");
                assert_eq!(latest.reading.unwrap().activity, Activity::Hashing);
            }
            (Some((_, fault, due)), trouble) => {
                assert_eq!(trouble, Some(*due), "{fault:?} at {machine:?}");
                quirky.insert(machine);
            }
        }
    });
    assert_eq!(quirky.len(), expected.len());
}

#[tokio::test]
async fn one_listener_a_port_serves_every_address() {
    poll_over_sockets(Addressing::AddressPerMachine(Ports { api: 14_028, http: 18_080 })).await;
}

#[tokio::test]
async fn where_only_one_address_answers_each_machine_has_its_ports() {
    poll_over_sockets(Addressing::PortPerMachine { first: 21_300 }).await;
}

#[tokio::test]
async fn a_scan_finds_the_machines_and_nobody_else() {
    let mut site = with_free_ports(small());
    for (place, machine) in site.machines.iter_mut().enumerate() {
        let ip = IpAddr::V4(Ipv4Addr::new(127, 3, 1, 1 + 2 * place as u8));
        machine.endpoint = Some(Endpoint::standard(ip));
    }
    let ports = Ports { api: 14_029, http: 18_081 };
    let fronts = twin(site, &running(), Addressing::AddressPerMachine(ports), Clock::starting_at(start()));
    let _listening = fronts.listen().unwrap();
    let driver = Driver::new(Connector::Tcp, fronts.clock());
    let ranges: Vec<ScanRange> = vec!["127.3.1.0/24:14029".parse().unwrap()];
    let result = scan(&driver, &ranges, WebPort::Fixed(ports.http), Effort::default(), |_, _| ()).await;
    let machines = result.found.iter().filter(|(_, found)| matches!(found, Found::Machine(_))).count();
    assert_eq!(
        (machines, result.found.len()),
        (64, 64),
        "every second address has a machine, the rest nobody"
    );
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let mut site = with_free_ports(small());
    site.meters[0].modbus = Some(ModbusAddress { address: taken.local_addr().unwrap().to_string(), unit: 1 });
    let fronts =
        twin(site, &running(), Addressing::PortPerMachine { first: 21_500 }, Clock::starting_at(start()));
    let error = fronts.listen().unwrap_err();
    assert!(matches!(error, FrontsError::Listen { at, .. } if at == taken.local_addr().unwrap()), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_command_that_is_ignored_is_accepted() {
    let site = small();
    let ix = crate::fronts::machine(&site, "S19");
    let pinned = [(ix, Pinned::always(Fault::IgnoresCommands))].into();
    let fronts = in_memory(&Scenario { pinned, ..running() });
    let mut seat = seat(&fronts, ix);
    let mut link = Link::default();
    let outcome = seat.driver.command(seat.family, seat.at, &mut link, offpeak_site::Action::Sleep).await;
    assert_eq!(outcome, offpeak_site::Outcome::Accepted);
    tokio::time::advance(Duration::from_secs(600)).await;
    assert_eq!(seat.read().await.unwrap().activity, Activity::Hashing);
}
