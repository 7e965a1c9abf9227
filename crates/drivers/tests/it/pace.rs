//! The rotation's pace follows what machines and this computer can do.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::SignedDuration;
use offpeak_drivers::clock::Clock;
use offpeak_drivers::driver::Driver;
use offpeak_drivers::poll::{Fleet, Pace, Poller, Target};
use offpeak_site::{Family, MachineIx};

use crate::hosts::{Hosts, Manner, api, endpoint, serve};
use crate::recorded::recorded;

/// Two hundred machines that take so long to answer, four of which are asked at a time, once a second if that went.
#[tokio::test(start_paused = true)]
async fn it_slows_down_with_its_machines_and_recovers() {
    let (hosts, delay_ms) = (Hosts::default(), Arc::new(AtomicU64::new(1)));
    for n in 0..200 {
        let delay_ms = Arc::clone(&delay_ms);
        hosts.at(api(n), move |stream| {
            let delay = Duration::from_millis(delay_ms.load(Ordering::Relaxed));
            tokio::spawn(async move {
                tokio::time::sleep(delay).await;
                serve(Manner::Close(recorded!("whatsminer/v1/summary.json")), stream).await;
            });
        });
    }
    let clock = Clock::starting_at("2022-10-03T00:00:00Z".parse().unwrap());
    let target =
        |n| Target { machine: MachineIx(n), family: Family::WhatsminerV2, endpoint: endpoint(n), mac: None };
    let fleet = Arc::new(Fleet::new(Driver::new(hosts.connector(), clock), (0..200).map(target).collect()));
    let pace = Pace { prompt_max: 4, overdue_max: 0, ..Pace::default() };
    let poller = Poller::new(Arc::clone(&fleet), pace);
    let run = |seconds| tokio::time::timeout(Duration::from_secs(seconds), poller.run());
    let _ = run(30).await;
    assert_eq!(poller.every(), pace.every, "quick machines are read at the usual pace");

    // Four at a time take 0.1 s each: forty a second, so 200 are read every 5 s at best.
    delay_ms.store(100, Ordering::Relaxed);
    let _ = run(120).await;
    let before = poller.polls();
    let _ = run(60).await;
    let every = poller.every().as_secs_f64();
    assert!((4.0..6.5).contains(&every), "{every} s");
    let rate = (poller.polls() - before) / 60;
    assert!((34..=40).contains(&rate), "{rate} a second: nearly all that goes");
    let oldest = fleet
        .snapshot()
        .into_iter()
        .map(|(_, latest)| clock.now().duration_since(latest.reading.unwrap().at));
    assert!(oldest.max().unwrap() < SignedDuration::from_secs(8), "none is forgotten");

    delay_ms.store(1, Ordering::Relaxed);
    let _ = run(240).await;
    assert_eq!(poller.every(), pace.every, "back at the usual pace");
}
