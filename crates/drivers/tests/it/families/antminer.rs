//! Antminer's stock firmware: the orders beside sleep, and the machines that have no sleep command.

use std::time::Duration;

use offpeak_drivers::antminer::{Conf, Stats, mend, page};
use offpeak_drivers::call::{Order, Pool};
use offpeak_drivers::clock::Clock;
use offpeak_drivers::driver::{Driver, Link};
use offpeak_drivers::http::{Challenge, Login, Pages};
use offpeak_site::{Action, Activity, Family, Outcome};
use offpeak_twin::Fault;
use offpeak_units::{HashRate, Temperature};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::{is_never_believed, later, obeys, order, stage};
use crate::fronts::{Seat, running, seat};
use crate::hosts::{Hosts, endpoint};

const FAMILY: Family = Family::AntminerStock;

#[tokio::test(start_paused = true)]
async fn it_obeys() {
    obeys(FAMILY, "S19 Pro", "Antminer S19 Pro").await;
}

#[tokio::test(start_paused = true)]
async fn it_is_never_believed() {
    is_never_believed(FAMILY, "S19 Pro").await;
}

/// The page of this name, behind the factory's login.
async fn page_of(seat: &Seat, name: &str) -> Vec<u8> {
    let mut challenge = Challenge::default();
    let login = Login::Digest(seat.driver.access.of(FAMILY), &mut challenge);
    let at = std::net::SocketAddr::new(seat.at.ip, seat.at.http_port);
    let mut pages = Pages::new(&seat.driver.connector, at, login, Duration::from_secs(5));
    pages.get(name).await.unwrap().to_vec()
}

#[tokio::test(start_paused = true)]
async fn a_light_a_restart_and_pools() {
    let (fronts, ix) = stage(FAMILY, "S19 Pro", &running());
    let mut seat = seat(&fronts, ix);
    for on in [true, false] {
        assert_eq!(order(&mut seat, Order::Locate(on)).await, Outcome::Accepted);
        let status: serde_json::Value =
            serde_json::from_slice(&page_of(&seat, "/cgi-bin/get_blink_status.cgi").await).unwrap();
        assert_eq!(status["blink"], on);
    }
    let pool =
        Pool { url: "stratum+tcp://new.example:3333".into(), user: "a.\"b".into(), password: "x".into() };
    // Asleep, it goes on sleeping with its new pools.
    assert_eq!(order(&mut seat, Order::Sleep).await, Outcome::Accepted);
    later(10).await;
    assert_eq!(order(&mut seat, Order::SetPools(vec![pool.clone()])).await, Outcome::Accepted);
    later(10).await;
    let conf: serde_json::Value = serde_json::from_slice(&page_of(&seat, page::CONF).await).unwrap();
    assert_eq!(conf["pools"], serde_json::json!([{"url": pool.url, "user": pool.user, "pass": "x"}]));
    assert_eq!(seat.read().await.unwrap().activity, Activity::Asleep);
    assert!(matches!(order(&mut seat, Order::SetPools(vec![pool; 4])).await, Outcome::Refused(_)));
    assert_eq!(order(&mut seat, Order::Wake).await, Outcome::Accepted);
    later(60).await;
    assert_eq!(order(&mut seat, Order::Reboot).await, Outcome::Accepted);
    later(1).await;
    assert_ne!(fronts.with(|plant| plant.truth(ix)).activity, Some(Activity::Hashing));
}

/// As firmwares of 2018 send it: without a comma between the two objects, three boards at 6 to 8, rates as
/// text. The values are made up.
const S9: &[u8] = br#"{"STATUS":[{"STATUS":"S","When":1544000000,"Code":70,"Msg":"CGMiner stats","Description":"cgminer 4.9.0"}],"STATS":[{"BMMiner":"2.0.0","Miner":"30.0.1.3","CompileTime":"Tue Nov 13 15:40:44 CST 2018","Type":"Antminer S9"}{"STATS":0,"ID":"BC50","Elapsed":1804,"Calls":0,"Wait":0.0,"Max":0.0,"Min":99999999.0,"GHS 5s":"13521.45","GHS av":13480.12,"miner_count":3,"frequency":"637","fan_num":2,"fan1":0,"fan5":5040,"fan6":5160,"temp_num":3,"temp6":61,"temp7":60,"temp8":62,"temp2_6":76,"temp2_7":75,"temp2_8":77,"chain_rate1":"","chain_rate6":"4507.15","chain_rate7":"4507.15","chain_rate8":"4507.15","chain_acn6":63,"chain_acn7":63,"chain_acn8":63,"total_rate":13521.45,"no_matching_work":7,"miner_version":"30.0.1.3"}],"id":1}"#;

#[test]
fn an_s9_of_2018_leaves_a_comma_out() {
    assert!(Stats::parse(S9).is_err());
    let mut reply = S9.to_vec();
    mend(&mut reply);
    let stats = Stats::parse(&reply).unwrap();
    assert_eq!(stats.model.get(), Some("Antminer S9"));
    assert_eq!(stats.hash_rate(), HashRate::from_terahashes_f64(13.521_45));
    assert_eq!(stats.temperature(), Some(Temperature::from_celsius(77)));
    assert_eq!((stats.numbered.chips[5].whole(), stats.numbered.rates[0].get()), (Some(63), None));
}

/// A read fast, and the clear word that leads to the outlet.
#[tokio::test(start_paused = true)]
async fn machines_without_a_sleep_command_are_read_and_say_so() {
    for model in ["S9", "S15", "S17 Pro", "T17+"] {
        let (fronts, ix) = stage(FAMILY, model, &running());
        let mut seat = seat(&fronts, ix);
        let identity = seat.driver.identify(seat.at).await.unwrap().unwrap();
        assert_eq!((identity.family, identity.model), (FAMILY, Some(format!("Antminer {model}"))));
        let reading = seat.read().await.unwrap();
        assert_eq!((reading.activity, reading.power), (Activity::Hashing, None));
        let words = "this firmware has no sleep command: the machine is stopped at its outlet";
        for refused in [Order::Sleep, Order::Wake] {
            assert_eq!(order(&mut seat, refused).await, Outcome::Refused(words.into()), "{model}");
        }
        assert!(matches!(order(&mut seat, Order::Locate(true)).await, Outcome::Refused(_)));
        later(10).await;
        assert_eq!(seat.read().await.unwrap().activity, Activity::Hashing);
        assert_eq!(order(&mut seat, Order::Reboot).await, Outcome::Accepted);
        // Powered on again it is awake without hashing: no page is asked why.
        for action in [Action::Cut, Action::Restore] {
            fronts.with(|plant| plant.command(ix, action));
            later(2).await;
        }
        let mut link = Link::default();
        let read = seat.driver.read_fast(FAMILY, seat.at, &mut link, &mut Vec::new()).await;
        assert_eq!(read.unwrap().unwrap().activity, Activity::Starting, "{model}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_dead_one_without_a_sleep_command_is_dead() {
    let (fronts, ix) = super::faulty(FAMILY, "S17", Fault::Dead);
    let outcome = order(&mut seat(&fronts, ix), Order::Sleep).await;
    assert_eq!(outcome, Outcome::Unanswered(offpeak_site::Trouble::Unreachable));
}

/// A real machine answers the saving only after a minute: that is no refusal, and no reason to save again, once its
/// configuration says what was sent. A silence without that is no success.
#[tokio::test(start_paused = true)]
async fn a_page_that_answers_after_a_minute_has_been_saved_if_the_machine_says_so() {
    let silent = Outcome::Unanswered(offpeak_site::Trouble::Silent);
    for (saves, outcome) in [(true, Outcome::Accepted), (false, silent)] {
        let hosts = Hosts::default();
        let at = endpoint(0);
        answers_late(&hosts, at, saves);
        let driver =
            Driver::new(hosts.connector(), Clock::starting_at("2026-01-01T00:00:00Z".parse().unwrap()));
        let (mut link, before) = (Link::default(), tokio::time::Instant::now());
        assert_eq!(driver.order(FAMILY, at, &mut link, &Order::Sleep).await, outcome);
        assert_eq!(before.elapsed(), driver.patience.slow);
    }
}

/// Passwords count where the machine tells them; many tell none, or stars.
#[test]
fn a_configuration_is_as_saved_with_its_passwords_where_they_are_told() {
    let told = |pass: &str| {
        let pools = format!(r#"[{{"url":"stratum+tcp://pool.example:3333","user":"a.b"{pass}}}]"#);
        Conf::parse(format!(r#"{{"pools":{pools},"bitmain-work-mode":"0"}}"#).as_bytes()).unwrap()
    };
    let pool =
        Pool { url: "stratum+tcp://pool.example:3333".into(), user: "a.b".into(), password: "new".into() };
    let sent = told(r#","pass":"old""#).with_pools(&[pool]).unwrap();
    assert!(told(r#","pass":"new""#).is_as_saved(&sent));
    assert!(!told(r#","pass":"old""#).is_as_saved(&sent));
    for untold in ["", r#","pass":"""#, r#","pass":null"#, r#","pass":"***""#] {
        assert!(told(untold).is_as_saved(&sent), "{untold}");
    }
}

/// A machine that answers a saving after a minute, having saved it at once or not at all.
fn answers_late(hosts: &Hosts, at: offpeak_site::Endpoint, saves: bool) {
    let mode = std::sync::Arc::new(std::sync::atomic::AtomicU8::new(0));
    hosts.at(std::net::SocketAddr::new(at.ip, at.http_port), move |mut stream: DuplexStream| {
        let mode = std::sync::Arc::clone(&mode);
        tokio::spawn(async move {
            let mut request = vec![0; 4_096];
            while let Ok(read) = stream.read(&mut request).await {
                let head = String::from_utf8_lossy(&request[..read]).into_owned();
                let body = match head.split(' ').nth(1) {
                    Some(path) if path == page::SYSTEM_INFO => {
                        r#"{"minertype":"Antminer S19","macaddr":"02:00:00:00:00:01"}"#.to_owned()
                    }
                    Some(path) if path == page::CONF => {
                        let mode = mode.load(std::sync::atomic::Ordering::Relaxed);
                        format!("{{\"pools\":[],\"bitmain-work-mode\":\"{mode}\"}}")
                    }
                    Some(path) if path == page::SET_CONF => {
                        mode.store(u8::from(saves), std::sync::atomic::Ordering::Relaxed);
                        tokio::time::sleep(Duration::from_secs(60)).await;
                        String::new()
                    }
                    _ => return,
                };
                let reply = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                let _ = stream.write_all(reply.as_bytes()).await;
            }
        });
    });
}

proptest! {
    #[test]
    fn mending_never_panics_and_only_adds_commas(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let mut reply = bytes.clone();
        mend(&mut reply);
        let _ = (Stats::parse(&reply), Conf::parse(&reply));
        let left_out = reply.windows(2).any(|two| two == [b'}', b'{']);
        prop_assert!(!left_out);
        prop_assert!(reply.len() >= bytes.len());
    }
}
