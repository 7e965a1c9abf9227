//! Each misbehaviour has its name, and none delays anybody else.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use offpeak_drivers::clock::Clock;
use offpeak_drivers::connect::Connector;
use offpeak_drivers::driver::{Driver, Link};
use offpeak_drivers::poll::{Fleet, Pace, Poller, Target};
use offpeak_site::{Activity, Endpoint, Family, MacAddress, MachineIx, Trouble};
use tokio::net::TcpListener;

use crate::hosts::{Hosts, Manner, api, endpoint, serve};
use crate::recorded::recorded;

const START: &str = "2022-10-03T00:00:00Z";

fn manners() -> Vec<(Manner, Result<(), Trouble>)> {
    let good = recorded!("whatsminer/v1/summary.json");
    let short = br#"{"STATUS":"#.to_vec();
    vec![
        (Manner::Nul(good.clone()), Ok(())),
        (Manner::Close(good.clone()), Ok(())),
        (Manner::NoEnd(good.clone()), Err(Trouble::Silent)),
        (Manner::Silent, Err(Trouble::Silent)),
        (Manner::Half(good.clone()), Err(Trouble::Truncated)),
        (Manner::Nul(short), Err(Trouble::Truncated)),
        (Manner::NulInside(good), Err(Trouble::Garbled)),
        (Manner::Close(b"\x16\x03\x01 what?".to_vec()), Err(Trouble::Garbled)),
        (Manner::Close(Vec::new()), Err(Trouble::Truncated)),
        (Manner::Flood, Err(Trouble::Oversized)),
        (
            Manner::Close(br#"{"STATUS":"E","When":1,"Code":45,"Msg":"permission denied"}"#.to_vec()),
            Err(Trouble::Denied),
        ),
    ]
}

async fn read(driver: &Driver, at: Endpoint, mac: Option<MacAddress>) -> Result<(), Trouble> {
    let (mut link, mut buffer) = (Link::to(mac), Vec::new());
    let reading = driver.read_fast(Family::WhatsminerV2, at, &mut link, &mut buffer).await?;
    assert_eq!(reading.unwrap().activity, Activity::Hashing);
    Ok(())
}

#[tokio::test]
async fn over_sockets_each_misbehaviour_is_named() {
    let mut driver = Driver::new(Connector::Tcp, Clock::System);
    driver.patience.fast = Duration::from_millis(500);
    for (manner, expected) in manners() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let served = manner.clone();
        let server = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            serve(served, stream).await;
        });
        let at = Endpoint { api_port: at.port(), ..Endpoint::standard(at.ip()) };
        assert_eq!(read(&driver, at, None).await, expected, "{manner:?}");
        server.abort();
    }
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let at = Endpoint { api_port: closed.port(), ..Endpoint::standard(closed.ip()) };
    assert_eq!(read(&driver, at, None).await, Err(Trouble::Unreachable));
}

#[tokio::test(start_paused = true)]
async fn in_memory_each_misbehaviour_has_the_same_name() {
    let hosts = Hosts::default();
    let driver = Driver::new(hosts.connector(), Clock::starting_at(START.parse().unwrap()));
    for (n, (manner, expected)) in manners().into_iter().enumerate() {
        let n = n as u32;
        hosts.manner(api(n), manner.clone());
        assert_eq!(read(&driver, endpoint(n), None).await, expected, "{manner:?}");
    }
    assert_eq!(read(&driver, endpoint(99), None).await, Err(Trouble::Unreachable));
    let other: MacAddress = "02:00:00:00:00:01".parse().unwrap();
    assert_eq!(read(&driver, endpoint(0), Some(other)).await, Err(Trouble::Impostor));
    let own: MacAddress = "C4:08:28:00:A4:19".parse().unwrap();
    assert_eq!(read(&driver, endpoint(0), Some(own)).await, Ok(()));
}

fn fleet(hosts: &Hosts, machines: u32) -> Arc<Fleet> {
    let start: Timestamp = START.parse().unwrap();
    let driver = Driver::new(hosts.connector(), Clock::starting_at(start));
    let targets = (0..machines)
        .map(|n| Target {
            machine: MachineIx(n),
            family: Family::WhatsminerV2,
            endpoint: endpoint(n),
            mac: None,
        })
        .collect();
    Arc::new(Fleet::new(driver, targets))
}

/// Three in four machines misbehave, many more than there are places: every healthy one is read each second all the same.
#[tokio::test(start_paused = true)]
async fn none_delays_another() {
    let hosts = Hosts::default();
    let good = recorded!("whatsminer/v1/summary.json");
    let bad: Vec<Manner> =
        manners().into_iter().filter(|(_, expected)| expected.is_err()).map(|(manner, _)| manner).collect();
    for n in 0..200 {
        let manner = if n % 4 == 0 { Manner::Nul(good.clone()) } else { bad[n as usize % bad.len()].clone() };
        hosts.manner(api(n), manner);
    }
    let fleet = fleet(&hosts, 200);
    let pace = Pace { prompt_max: 8, overdue_max: 16, ailing_max: 8, ..Pace::default() };
    let poller = Poller::new(Arc::clone(&fleet), pace);
    let start: Timestamp = START.parse().unwrap();
    // Past the first round, in which all troubles are met for the first time and at once, and past what it slowed
    // down for.
    let _ = tokio::time::timeout(Duration::from_secs(80), poller.run()).await;
    assert_eq!(poller.every(), pace.every);
    for second in 81..110 {
        let _ = tokio::time::timeout(Duration::from_secs(1), poller.run()).await;
        let now = start + SignedDuration::from_secs(second);
        for (machine, latest) in fleet.snapshot() {
            if machine.0 % 4 == 0 {
                let age = now.duration_since(latest.reading.unwrap().at);
                assert!(age < SignedDuration::from_millis(1_700), "{machine:?} was read {age:?} ago");
                assert_eq!(latest.trouble, None);
            } else {
                assert_eq!(latest.reading, None);
                let (_, since) = latest.trouble.unwrap();
                assert!(since < start + SignedDuration::from_secs(10), "{machine:?} since {since}");
            }
        }
    }
}

/// A reading that was once good stays with its age; the trouble stands beside it.
#[tokio::test(start_paused = true)]
async fn a_machine_that_falls_silent_keeps_its_last_word() {
    let hosts = Hosts::default();
    hosts.manner(api(0), Manner::Nul(recorded!("whatsminer/v1/summary.json")));
    let fleet = fleet(&hosts, 1);
    let poller = Poller::new(Arc::clone(&fleet), Pace::default());
    let _ = tokio::time::timeout(Duration::from_millis(1_500), poller.run()).await;
    let before = fleet.latest(MachineIx(0)).unwrap();
    assert_eq!(before.trouble, None);
    assert_eq!(before.mac.unwrap().to_string(), "C4:08:28:00:A4:19");
    hosts.manner(api(0), Manner::Silent);
    let _ = tokio::time::timeout(Duration::from_secs(20), poller.run()).await;
    let after = fleet.latest(MachineIx(0)).unwrap();
    assert_eq!(after.reading, before.reading);
    assert_eq!(after.trouble.unwrap().0, Trouble::Silent);
    hosts.manner(api(0), Manner::Nul(recorded!("whatsminer/v1/summary.json")));
    let _ = tokio::time::timeout(Duration::from_secs(20), poller.run()).await;
    let again = fleet.latest(MachineIx(0)).unwrap();
    assert_eq!(again.trouble, None);
    assert!(again.reading.unwrap().at > before.reading.unwrap().at);
}

/// At most one request to a machine is under way, whatever asks.
#[tokio::test(start_paused = true)]
async fn one_request_a_machine() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    let hosts = Hosts::default();
    let (open, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (open_here, most_here) = (Arc::clone(&open), Arc::clone(&most));
    hosts.at(SocketAddr::from((endpoint(0).ip, 4028)), move |stream| {
        let (open, most) = (Arc::clone(&open_here), Arc::clone(&most_here));
        tokio::spawn(async move {
            most.fetch_max(open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(400)).await;
            serve(Manner::Close(recorded!("whatsminer/v1/summary.json")), stream).await;
            open.fetch_sub(1, Ordering::SeqCst);
        });
    });
    let fleet = fleet(&hosts, 1);
    let poller = Poller::new(Arc::clone(&fleet), Pace { every: Duration::ZERO, ..Pace::default() });
    let commands = async {
        for _ in 0..5 {
            fleet.command(MachineIx(0), offpeak_site::Action::Sleep).await;
        }
    };
    let both = async { tokio::join!(poller.run(), commands) };
    let _ = tokio::time::timeout(Duration::from_secs(30), both).await;
    assert!(poller.polls() > 10);
    assert_eq!(most.load(Ordering::SeqCst), 1);
}
