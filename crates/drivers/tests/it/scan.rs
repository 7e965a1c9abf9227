//! A scan finds every machine, names what is there besides, and asks each endpoint.

use std::time::Duration;

use offpeak_drivers::clock::Clock;
use offpeak_drivers::driver::Driver;
use offpeak_drivers::scan::{Effort, Found, ScanRange, WebPort, scan};
use offpeak_site::{Family, Trouble};

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
    assert_eq!(range.endpoints(), 1_000);
    let (mut steps, mut machines) = (0, 0);
    let found = scan(&driver, &[range], WebPort::Fixed(80), Effort::default(), |now| {
        steps += 1;
        assert_eq!(now.done, steps);
        assert!(now.machines >= machines, "none is lost again");
        machines = now.machines;
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
    let found = scan(&driver, &[range], WebPort::Above(10), Effort::default(), |_| {}).await;
    assert!(matches!(&found.found[..], [(at, Found::Machine(_))] if at.http_port == 4_038));
}

/// Of 65,024 addresses one in twenty has a machine; the others drop what they are sent, as empty addresses of a real
/// network do. In virtual time, so what counts is how long is waited for whom.
#[tokio::test(start_paused = true)]
async fn among_mostly_empty_addresses_none_is_missed_at_1500_a_second() {
    let (hosts, last) = (Hosts::dropping(), 65_024);
    for n in (0..last).step_by(20) {
        hosts.manner(api(n), Manner::Nul(recorded!("antminer/v2020/version.json")));
        // Its pages close.
        hosts.manner(std::net::SocketAddr::new(api(n).ip(), 80), Manner::Close(Vec::new()));
    }
    let driver = Driver::new(hosts.connector(), Clock::starting_at("2022-10-03T00:00:00Z".parse().unwrap()));
    let range: ScanRange = format!("10.0.0.1-{}", api(last - 1).ip()).parse().unwrap();
    let begun = tokio::time::Instant::now();
    let found = scan(&driver, &[range], WebPort::Fixed(80), Effort::default(), |_| {}).await;
    let per_second = found.asked as f64 / begun.elapsed().as_secs_f64();
    let machines = found.found.iter().filter(|(_, found)| matches!(found, Found::Machine(_))).count();
    assert_eq!((found.asked, machines), (u64::from(last), last.div_ceil(20) as usize));
    assert!(per_second >= 1_500.0, "{per_second} addresses a second");
}
