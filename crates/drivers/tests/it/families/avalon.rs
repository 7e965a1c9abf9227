//! Avalon: recorded replies, orders in the manual's words, and what differs from one generation to the
//! next.

use std::sync::{Arc, Mutex};

use offpeak_drivers::avalon::{Answer, Stats, Version, Write};
use offpeak_drivers::call::{Order, Pool};
use offpeak_drivers::clock::Clock;
use offpeak_drivers::driver::{Driver, Link};
use offpeak_drivers::refusal::ReplyError;
use offpeak_site::{Activity, Family, ModeName, Outcome, Trouble};
use offpeak_units::{HashRate, Power, Temperature};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::{TCP_FAULTS, is_never_believed, later, misbehaves, obeys, order, stage};
use crate::fronts::{ask, running, seat};
use crate::hosts::{Hosts, api, endpoint};
use crate::recorded::recorded;

const MODEL: &str = "A1346";

#[test]
fn an_a1246_that_hashes() {
    let reply = recorded!("avalon/a1246/stats.json");
    let stats = Stats::parse(&reply).unwrap();
    let module = stats.module();
    assert_eq!(module.activity(), Some(Activity::Hashing));
    assert_eq!(module.hash_rate(), HashRate::from_terahashes_f64(81.072_68));
    assert_eq!(module.power(), Some(Power::from_watts(3_504)), "at the wall, not the 3189 W of the boards");
    assert_eq!(module.temperature(), Some(Temperature::from_celsius(77)));
    assert_eq!(module.mode(), Some(ModeName::High));
    assert_eq!(module.dna, Some("02010000cbd2fd6d"));
    assert_eq!(module.rate_boards, [26_907.01, 26_025.06, 26_724.56]);
    assert_eq!(module.temperature_boards, [77.0, 77.0, 76.0]);
    assert_eq!(module.fans, [5_344.0, 5_392.0, 5_349.0, 5_309.0]);
    assert_eq!((module.soft_off, module.elapsed, module.wall), (Some(0.0), Some(24_684.0), None));
    assert_eq!((module.power_target, module.light), (Some(3_200.0), Some(0.0)));
    assert_eq!((module.temperature_around, module.rate_ideal), (Some(30.0), Some(83_923.04)));
}

#[test]
fn an_a15_names_the_wall() {
    let reply = recorded!("avalon/a15/stats.json");
    let stats = Stats::parse(&reply).unwrap();
    let module = stats.module();
    assert_eq!((module.wall, module.supply.get(6)), (Some(3_731.0), Some(&3_731.0)));
    assert_eq!(module.power(), Some(Power::from_watts(3_731)));
    assert_eq!(module.hash_rate(), HashRate::from_terahashes_f64(199.241_07));
    let reply = recorded!("avalon/a15/version.json");
    let version = Version::parse(&reply).unwrap();
    assert_eq!(version.mac().unwrap().to_string(), "12:34:56:78:90:12");
    assert_eq!((version.serial(), version.when), (Some("020100008c699117"), Some(986)));
    assert!(!version.is_home() && !version.is_a10());
}

#[test]
fn a_home_machine_in_standby() {
    for reply in [recorded!("avalon/q/stats.json"), recorded!("avalon/q/litestats.json")] {
        let stats = Stats::parse(&reply).unwrap();
        let module = stats.module();
        assert_eq!(module.activity(), Some(Activity::Asleep));
        assert!(module.hash_rate().unwrap().is_zero(), "not the mean of before");
        assert_eq!(module.power(), Some(Power::from_watts(146)), "not the 2245 that stand for volts");
        assert_eq!((module.temperature(), module.mode()), (None, Some(ModeName::Low)));
    }
    let reply = recorded!("avalon/q/version.json");
    let version = Version::parse(&reply).unwrap();
    assert!(version.is_home());
    assert_eq!(version.names.product.get(), Some("Avalon Q"));
    assert_eq!(version.names.firmware_new.get(), Some("25052801_14a19a2"));
}

#[test]
fn answers_of_a_home_machine() {
    let accepted = |reply: &[u8], write: &Write| Answer::parse(reply).unwrap().accepted(write);
    accepted(&recorded!("avalon/q/ascset_softoff.json"), &Write::SoftOffAt(1)).unwrap();
    accepted(&recorded!("avalon/q/ascset_softon.json"), &Write::SoftOnAt(1)).unwrap();
    accepted(&recorded!("avalon/q/ascset_workmode.json"), &Write::WorkModeHome(1)).unwrap();
    let help = recorded!("avalon/q/ascset_help.json");
    assert!(
        matches!(accepted(&help, &Write::SoftOffAt(1)), Err(ReplyError::Refused(_))),
        "no word of success"
    );
}

#[tokio::test(start_paused = true)]
async fn it_obeys() {
    obeys(Family::Avalon, MODEL, "AvalonMiner 1346").await;
}

#[tokio::test(start_paused = true)]
async fn it_is_never_believed() {
    is_never_believed(Family::Avalon, MODEL).await;
    misbehaves(Family::Avalon, MODEL, &TCP_FAULTS).await;
}

#[tokio::test(start_paused = true)]
async fn modes_count_after_a_restart_and_there_is_no_low_one() {
    let (fronts, ix) = stage(Family::Avalon, MODEL, &running());
    let mut seat = seat(&fronts, ix);
    assert_eq!(seat.read().await.unwrap().mode, Some(ModeName::Normal));
    assert_eq!(order(&mut seat, Order::SetMode(ModeName::High)).await, Outcome::Accepted);
    later(60).await;
    let reading = seat.read().await.unwrap();
    assert_eq!((reading.activity, reading.mode), (Activity::Hashing, Some(ModeName::High)));
    assert!(reading.power.unwrap() > Power::from_watts(3_300));
    // Asleep, a mode wakes it; awake, waking it again does not restart it.
    assert_eq!(order(&mut seat, Order::Sleep).await, Outcome::Accepted);
    later(10).await;
    assert_eq!(order(&mut seat, Order::SetMode(ModeName::High)).await, Outcome::Accepted);
    later(60).await;
    assert_eq!(order(&mut seat, Order::Wake).await, Outcome::Accepted);
    assert_eq!(seat.read().await.unwrap().activity, Activity::Hashing);
    for refused in [Order::SetMode(ModeName::Low), Order::LimitPower(Power::from_watts(3_000))] {
        assert!(matches!(order(&mut seat, refused).await, Outcome::Refused(_)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_light_a_restart_and_pools() {
    let (fronts, ix) = stage(Family::Avalon, MODEL, &running());
    let mut seat = seat(&fronts, ix);
    assert_eq!(order(&mut seat, Order::Locate(true)).await, Outcome::Accepted);
    let query = ask(&fronts, ix, br#"{"command":"ascset","parameter":"0,led,1-255"}"#).await;
    assert_eq!(query["STATUS"][0]["Msg"], "ASC 0 set info: LED[1]");
    assert_eq!(order(&mut seat, Order::Locate(false)).await, Outcome::Accepted);
    assert_eq!(order(&mut seat, Order::Reboot).await, Outcome::Accepted, "it closes without a word");
    later(1).await;
    assert_eq!(seat.read().await.unwrap().activity, Activity::Starting);
    later(60).await;
    let pool = |user: &str| Pool {
        url: "stratum+tcp://pool.example:3333".into(),
        user: user.into(),
        password: "x".into(),
    };
    let outcome = order(&mut seat, Order::SetPools(vec![pool("a.b"), pool("a.c")])).await;
    assert_eq!(outcome, Outcome::Accepted);
    for bad in [vec![], vec![pool("a,b")], vec![pool("a"), pool("b"), pool("c"), pool("d")]] {
        assert!(matches!(order(&mut seat, Order::SetPools(bad)).await, Outcome::Refused(_)));
    }
}

/// A machine by hand: answers each request by what this says, and keeps what was asked.
fn by_hand(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> (Hosts, Arc<Mutex<Vec<String>>>) {
    let (hosts, asked) = (Hosts::default(), Arc::new(Mutex::new(Vec::new())));
    let (log, answer) = (Arc::clone(&asked), Arc::new(answer));
    hosts.at(api(0), move |mut stream: DuplexStream| {
        let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
        tokio::spawn(async move {
            let mut request = vec![0; 1_024];
            let read = stream.read(&mut request).await.unwrap();
            let request = String::from_utf8(request[..read].to_vec()).unwrap();
            log.lock().unwrap().push(request.clone());
            let _ = stream.write_all(answer(&request).as_bytes()).await;
        });
    });
    (hosts, asked)
}

const OK: &str = "STATUS=S,When=1,Code=119,Msg=ASC 0 set OK,Description=cgminer 4.11.1|";

async fn sent(hosts: &Hosts, order: &Order) -> Outcome {
    let driver = Driver::new(hosts.connector(), Clock::starting_at("2026-01-01T00:00:00Z".parse().unwrap()));
    driver.order(Family::Avalon, endpoint(0), &mut Link::default(), order).await
}

/// An A10 knows neither form of `softoff`; its manual has `hashpower`, and one pool.
#[tokio::test(start_paused = true)]
async fn an_a10_is_switched_off_by_its_supply() {
    let (hosts, asked) = by_hand(|request| {
        match request {
        r#"{"command":"version"}"# => r#"{"STATUS":[{"STATUS":"S","When":18633,"Code":22,"Msg":"CGMiner versions"}],"VERSION":[{"PROD":"AvalonMiner 1066","MODEL":"1066","DNA":"0000000000000000","MAC":"aaa5836a0f14"}],"id":1}"#.to_owned(),
        "ascset|0,hashpower,0" => "STATUS=I,When=20159,Code=118,Msg=ASC 0 set info: Power off hash now ...,Description=cgminer 4.11.1|".to_owned(),
        other if other.starts_with("ascset|0,setpool,") => "STATUS=I,When=1,Code=118,Msg=ASC 0 set info:\npool success set to stratum+tcp://p:1,Description=x|".to_owned(),
        "ascset|0,reboot,0" => String::new(),
        other => {
            let name = other.trim_start_matches("ascset|0,").split(',').next().unwrap();
            format!("STATUS=E,When=1,Code=120,Msg=ASC 0 set failed: Unknown option: {name},Description=cgminer 4.11.1|")
        }
    }
    });
    assert_eq!(sent(&hosts, &Order::Sleep).await, Outcome::Accepted);
    let version = r#"{"command":"version"}"#;
    assert_eq!(
        *asked.lock().unwrap(),
        [version, "ascset|0,softoff", "ascset|0,softoff,1:18638", "ascset|0,hashpower,0"]
    );
    asked.lock().unwrap().clear();
    let pool = Pool { url: "stratum+tcp://p:1".into(), user: "a.b".into(), password: "123".into() };
    assert_eq!(sent(&hosts, &Order::SetPools(vec![pool.clone()])).await, Outcome::Accepted);
    assert_eq!(
        *asked.lock().unwrap(),
        [version, "ascset|0,setpool,root,root,stratum+tcp://p:1,a.b,123", "ascset|0,reboot,0"]
    );
    assert!(matches!(sent(&hosts, &Order::SetPools(vec![pool.clone(), pool])).await, Outcome::Refused(_)));
    assert_eq!(
        sent(&hosts, &Order::Locate(true)).await,
        Outcome::Refused("ASC 0 set failed: Unknown option: led (code 120)".into())
    );
}

/// Home machines are told when, by their own clock.
#[tokio::test(start_paused = true)]
async fn a_home_machine_is_told_when() {
    let (hosts, asked) = by_hand(|request| match request {
        r#"{"command":"version"}"# => String::from_utf8(recorded!("avalon/q/version.json")).unwrap(),
        other if other.contains("softoff") => {
            String::from_utf8(recorded!("avalon/q/ascset_softoff.json")).unwrap()
        }
        // As one firmware does upon `softon`.
        other if other.contains("softon") => String::new(),
        _ => OK.to_owned(),
    });
    assert_eq!(sent(&hosts, &Order::Sleep).await, Outcome::Accepted);
    assert_eq!(sent(&hosts, &Order::Wake).await, Outcome::Accepted);
    let version = r#"{"command":"version"}"#;
    assert_eq!(
        *asked.lock().unwrap(),
        [version, "ascset|0,softoff,1:1753432249", version, "ascset|0,softon,1:1753432249"]
    );
}

/// Success without the words of success is none, and a machine that falls silent neither.
#[tokio::test(start_paused = true)]
async fn half_a_success_is_none() {
    let (hosts, _) = by_hand(|request| match request {
        r#"{"command":"version"}"# => String::from_utf8(recorded!("avalon/a15/version.json")).unwrap(),
        "ascset|0,softoff" => "STATUS=I,When=1,Code=118,Msg=ASC 0 set info: busy,Description=x|".to_owned(),
        _ => String::new(),
    });
    assert_eq!(sent(&hosts, &Order::Sleep).await, Outcome::Refused("ASC 0 set info: busy (code 118)".into()));
    assert_eq!(sent(&hosts, &Order::Wake).await, Outcome::Unanswered(Trouble::Truncated));
}

#[tokio::test(start_paused = true)]
async fn text_is_answered_with_text() {
    let (fronts, ix) = stage(Family::Avalon, MODEL, &running());
    let at = offpeak_drivers::driver::api(fronts.layout().endpoints()[ix.ix()]);
    let mut stream = fronts.connector().connect(at).await.unwrap();
    stream.write_all(b"version").await.unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).await.unwrap();
    let text = String::from_utf8(reply).unwrap();
    assert!(
        text.starts_with("STATUS=S,When=") && text.contains("|VERSION,") && text.ends_with("|\0"),
        "{text}"
    );
}

proptest! {
    #[test]
    fn nothing_that_arrives_panics(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        let _ = (Stats::parse(&bytes), Version::parse(&bytes));
        prop_assert!(Answer::parse(&bytes).and_then(|answer| answer.accepted(&Write::SoftOff)).is_err());
    }

    #[test]
    fn a_mutated_recording_never_panics(place in 0_usize..9_000, with in any::<u8>(), end in 0_usize..9_000) {
        for mut reply in [recorded!("avalon/a1246/stats.json"), recorded!("avalon/q/litestats.json")] {
            let length = reply.len();
            reply[place % length] = with;
            reply.truncate(end.max(1));
            if let Ok(stats) = Stats::parse(&reply) {
                let module = stats.module();
                let _ = (module.activity(), module.hash_rate(), module.power(), module.temperature(), module.mode());
            }
        }
    }

    /// Whatever is left out is absent: no other value, and no zero, stands in for it.
    #[test]
    fn what_is_left_out_is_absent(keep in proptest::collection::vec(any::<bool>(), 6)) {
        let parts = ["SYSTEMSTATU[Work: In Work, Hash Board: 3 ]", "GHSspd[81072.68]", "PS[0 1214 1316 242 3189 1320 3504]",
            "TMax[77]", "WORKMODE[1]", "SoftOFF[0]"];
        let text: Vec<&str> = parts.iter().zip(&keep).filter(|(_, keep)| **keep).map(|(part, _)| *part).collect();
        let text = text.join(" ");
        let module = offpeak_drivers::avalon::Module::parse(&text);
        prop_assert_eq!(module.activity().is_some(), keep[0]);
        prop_assert_eq!(module.hash_rate().is_some(), keep[1]);
        prop_assert_eq!(module.power().is_some(), keep[2]);
        prop_assert_eq!(module.temperature().is_some(), keep[3]);
        prop_assert_eq!(module.mode().is_some(), keep[4]);
    }
}
