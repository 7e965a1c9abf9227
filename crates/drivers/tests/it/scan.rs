//! A scan finds every machine, names what is there besides, and asks each endpoint.

use std::time::Duration;

use offpeak_drivers::clock::Clock;
use offpeak_drivers::driver::Driver;
use offpeak_drivers::scan::{Effort, Found, ScanRange, WebPort, scan};
use offpeak_site::{Family, Trouble};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::hosts::{Hosts, Manner, api};
use crate::recorded::recorded;

#[tokio::test(start_paused = true)]
async fn none_is_missed() {
    let hosts = Hosts::default();
    for n in 0..1_000 {
        match n % 10 {
            3 => hosts.manner(api(n), Manner::Silent),
            7 => {
                let other =
                    br#"{"STATUS":[{"STATUS":"S"}],"VERSION":[{"API":"3.7","BOSminer+":"1"}],"id":1}"#;
                hosts.manner(api(n), Manner::Nul(other.to_vec()));
            }
            8 | 9 => {}
            _ => hosts.manner(api(n), Manner::Nul(recorded!("antminer/v2020/version.json"))),
        }
    }
    let driver = Driver::new(hosts.connector(), Clock::starting_at("2022-10-03T00:00:00Z".parse().unwrap()));
    let range: ScanRange = "10.0.0.1-10.0.3.232".parse().unwrap();
    assert_eq!(range.places_count(), 1_000);
    let (mut steps, mut machines, mut told) = (0, 0, Vec::new());
    let found = scan(&driver, &[range], WebPort::Fixed(80), Effort::default(), |now, what| {
        steps += 1;
        assert_eq!(now.done, steps);
        assert!(now.machines >= machines, "none is lost again");
        machines = now.machines;
        told.extend(what.cloned());
    })
    .await;
    assert_eq!(machines, 600);
    assert_eq!((found.asked, steps), (1_000, 1_000));
    let count = |kind: fn(&Found) -> bool| found.found.iter().filter(|(_, found)| kind(found)).count();
    let antminer =
        |found: &Found| matches!(found, Found::Machine(who) if who.family == Family::AntminerStock);
    assert_eq!(count(antminer), 600);
    assert_eq!(count(|found| *found == Found::Other), 100);
    assert_eq!(count(|found| *found == Found::Trouble(Trouble::Silent)), 100);
    assert!(found.found.is_sorted_by_key(|(endpoint, _)| *endpoint));
    told.sort_by_key(|(endpoint, _)| *endpoint);
    assert_eq!(told, found.found, "each is told as it is found");
}

/// A machine that loses the first request is found in the second round.
#[tokio::test(start_paused = true)]
async fn who_was_slow_is_asked_again() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    let hosts = Hosts::default();
    let asked = AtomicUsize::new(0);
    hosts.at(api(0), move |stream| {
        // The probe and the first question are lost.
        let manner = match asked.fetch_add(1, Ordering::SeqCst) {
            0 | 1 => Manner::Silent,
            _ => Manner::Nul(recorded!("antminer/v2020/version.json")),
        };
        tokio::spawn(crate::hosts::serve(manner, stream));
    });
    let mut driver =
        Driver::new(hosts.connector(), Clock::starting_at("2022-10-03T00:00:00Z".parse().unwrap()));
    driver.patience.slow = Duration::from_secs(1);
    let range: ScanRange = "10.0.0.1".parse().unwrap();
    let found = scan(&driver, &[range], WebPort::Above(10), Effort::default(), |_, _| {}).await;
    assert!(matches!(&found.found[..], [(at, Found::Machine(_))] if at.http_port == 4_038));
}

/// What a Bitaxe says of itself, as recorded.
const AXE: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/bitaxe/v2_0/system_info.json"));

/// Puts one of four kinds of machine at an address: with the TCP API, with pages only, with pages only while it drops
/// what comes to other ports, and with WhatsMiner's newer API only.
fn put(hosts: &Hosts, n: u32, kind: u32) -> (Family, u16) {
    let port = |port| std::net::SocketAddr::new(api(n).ip(), port);
    if kind != 2 {
        hosts.refuses(api(n).ip());
    }
    match kind {
        0 => {
            hosts.manner(api(n), Manner::Nul(recorded!("antminer/v2020/version.json")));
            (Family::AntminerStock, 4028)
        }
        1 | 2 => {
            hosts.pages(port(80), &[("/api/system/info", AXE)]);
            (Family::Bitaxe, 4028)
        }
        _ => {
            let told =
                offpeak_drivers::whatsminer_v3::framed(&recorded!("whatsminer/v3/get_device_info.json"));
            hosts.manner(port(4433), Manner::Close(told));
            (Family::WhatsminerV3, 4433)
        }
    }
}

/// Of 65,024 addresses one in twenty has a machine, at whichever port; the others drop what they are sent, as empty
/// addresses of a real network do. In virtual time, so what counts is how long is waited for whom.
#[tokio::test(start_paused = true)]
async fn among_mostly_empty_addresses_none_is_missed_at_1500_a_second() {
    let (hosts, last) = (Hosts::dropping(), 65_024);
    let put: std::collections::BTreeMap<_, _> =
        (0..last).step_by(20).map(|n| (api(n).ip(), put(&hosts, n, n / 20 % 4))).collect();
    let driver = Driver::new(hosts.connector(), Clock::starting_at("2022-10-03T00:00:00Z".parse().unwrap()));
    let range: ScanRange = format!("10.0.0.1-{}", api(last - 1).ip()).parse().unwrap();
    let begun = tokio::time::Instant::now();
    let effort = Effort::default();
    let found = scan(&driver, &[range], WebPort::Fixed(80), effort, |_, _| {}).await;
    let per_second = found.asked as f64 / begun.elapsed().as_secs_f64();
    let seen: std::collections::BTreeMap<_, _> = found
        .found
        .iter()
        .map(|(at, found)| match found {
            Found::Machine(who) => (at.ip, (who.family, at.api_port)),
            other => panic!("{at:?}: {other:?}"),
        })
        .collect();
    assert_eq!(found.asked, u64::from(last));
    assert_eq!(seen, put);
    assert!(per_second >= 1_500.0, "{per_second} addresses a second");
    assert!(effort.empty_per_second() >= 1_500.0);
}

/// A port that is named is asked, and no other.
#[tokio::test(start_paused = true)]
async fn a_named_port_is_the_only_one() {
    let hosts = Hosts::default();
    for (n, kind) in [(0, 0), (1, 3)] {
        put(&hosts, n, kind);
    }
    let driver = Driver::new(hosts.connector(), Clock::starting_at("2022-10-03T00:00:00Z".parse().unwrap()));
    let families = async |range: &str| {
        let found =
            scan(&driver, &[range.parse().unwrap()], WebPort::Fixed(80), Effort::default(), |_, _| {}).await;
        let family = |found: Found| match found {
            Found::Machine(who) => who.family,
            other => panic!("{other:?}"),
        };
        found.found.into_iter().map(|(_, found)| family(found)).collect::<Vec<_>>()
    };
    assert_eq!(families("10.0.0.1-10.0.0.2:4028").await, [Family::AntminerStock]);
    assert_eq!(families("10.0.0.1-10.0.0.2:4433").await, [Family::WhatsminerV3]);
    assert_eq!(families("10.0.0.1-10.0.0.2").await, [Family::AntminerStock, Family::WhatsminerV3]);
}

/// A WhatsMiner that speaks both of its APIs is found where it takes orders.
#[tokio::test(start_paused = true)]
async fn the_newer_of_two_apis_counts() {
    let hosts = Hosts::default();
    let older = recorded!("whatsminer/v2/get_version.json");
    let refusal = br#"{"STATUS":"E","When":1,"Code":14,"Msg":"invalid cmd","Description":""}"#.to_vec();
    hosts.at(api(0), move |mut stream| {
        let (older, refusal) = (older.clone(), refusal.clone());
        tokio::spawn(async move {
            let mut request = [0; 256];
            let read = stream.read(&mut request).await.unwrap_or(0);
            let knows = String::from_utf8_lossy(&request[..read]).contains("get_version");
            let _ = stream.write_all(if knows { &older } else { &refusal }).await;
        });
    });
    let driver = Driver::new(hosts.connector(), Clock::starting_at("2022-10-03T00:00:00Z".parse().unwrap()));
    let who = async || {
        let range = ["10.0.0.1".parse().unwrap()];
        let found = scan(&driver, &range, WebPort::Fixed(80), Effort::default(), |_, _| {}).await.found;
        let [(at, Found::Machine(who))] = &found[..] else { panic!("{found:?}") };
        (at.api_port, who.family)
    };
    assert_eq!(who().await, (4028, Family::WhatsminerV2));
    put(&hosts, 0, 3);
    assert_eq!(who().await, (4433, Family::WhatsminerV3));
}

/// Something at a port of machines that is none is listed, once.
#[tokio::test(start_paused = true)]
async fn what_is_no_machine_is_listed() {
    let hosts = Hosts::default();
    let port = |n, port| std::net::SocketAddr::new(api(n).ip(), port);
    hosts.pages(port(0, 80), &[("/", "<title>Printer</title>")]);
    hosts.manner(port(1, 4433), Manner::Close(b"220 mail\r\n".to_vec()));
    let driver = Driver::new(hosts.connector(), Clock::starting_at("2022-10-03T00:00:00Z".parse().unwrap()));
    let range = ["10.0.0.1-10.0.0.3".parse().unwrap()];
    let found = scan(&driver, &range, WebPort::Fixed(80), Effort::default(), |_, _| {}).await;
    let told: Vec<_> = found.found.iter().map(|(at, found)| (at.ip, at.api_port, found.clone())).collect();
    assert_eq!(told, [(api(0).ip(), 4028, Found::Other), (api(1).ip(), 4433, Found::Other)]);
    assert_eq!(found.asked, 3);
}

/// A twin whose TCP API is closed.
struct PagesOnly(offpeak_drivers::fronts::Fronts);

impl offpeak_drivers::connect::MemoryHost for PagesOnly {
    fn connect(&self, to: std::net::SocketAddr) -> std::io::Result<tokio::io::DuplexStream> {
        if to.port() == 4028 {
            return Err(std::io::ErrorKind::ConnectionRefused.into());
        }
        self.0.connect(to)
    }
}

#[tokio::test(start_paused = true)]
async fn families_with_pages_are_found_by_them_alone() {
    use offpeak_drivers::connect::Connector;
    for family in
        [Family::BraiinsOs, Family::BraiinsOsGraphQl, Family::Vnish, Family::ProtoRig, Family::Bitaxe]
    {
        let model = crate::families::sample(family).unwrap();
        let (fronts, ix) = crate::families::stage(family, model, &crate::fronts::running());
        let at = fronts.layout().endpoints()[ix.ix()];
        let clock = fronts.clock();
        let driver = Driver::new(Connector::Memory(std::sync::Arc::new(PagesOnly(fronts))), clock);
        let range = [at.ip.to_string().parse().unwrap()];
        let found =
            scan(&driver, &range, WebPort::Fixed(at.http_port), Effort::default(), |_, _| {}).await.found;
        let [(_, Found::Machine(who))] = &found[..] else { panic!("{family:?}: {found:?}") };
        assert_eq!(who.family, family);
        assert!(driver.read_state(family, at).await.unwrap().is_some(), "{family:?} is read by them too");
    }
}
