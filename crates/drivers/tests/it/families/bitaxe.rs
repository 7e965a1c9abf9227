//! Bitaxe: its recorded reply, pauses, pools.

use offpeak_drivers::bitaxe::Info;
use offpeak_drivers::call::{Order, Pool};
use offpeak_drivers::refusal::ReplyError;
use offpeak_site::{Activity, Family, ModeName, Outcome, Trouble};
use offpeak_units::{HashRate, Power, Temperature};
use proptest::prelude::*;

use super::{HTTP_FAULTS, is_never_believed, later, misbehaves, obeys, order, stage};
use crate::fronts::{running, seat};
use crate::recorded::recorded;

const MODEL: &str = "BM1370";

#[test]
fn its_info_tells_all_at_once() {
    let reply = recorded!("bitaxe/v2_0/system_info.json");
    let info = Info::parse(&reply).unwrap();
    assert_eq!(info.activity(), Activity::Hashing);
    assert_eq!(info.hash_rate(), HashRate::from_terahashes_f64(1.0));
    assert_eq!(info.power(), Power::from_watts_f64(2.650_000_095_367_43));
    assert_eq!(info.temperature(), Some(Temperature::from_millicelsius(59_875)));
    assert_eq!((info.model(), info.version()), (Some("BM1368"), Some("v2.4.5-3-gb5d1e36-dirty")));
    assert_eq!(info.mac().unwrap().to_string(), "AA:BB:CC:DD:EE:FF");
}

#[test]
fn what_it_does_is_read_from_four_fields() {
    let activity = |fields: &str| {
        let reply = format!(r#"{{"ASICModel":"BM1370","macAddr":""{fields}}}"#);
        Info::parse(reply.as_bytes()).unwrap().activity()
    };
    assert_eq!(activity(""), Activity::Starting, "no rate is no proof of sleep");
    assert_eq!(activity(r#","hashRate":0"#), Activity::Starting);
    assert_eq!(activity(r#","hashRate":900.5,"miningPaused":false"#), Activity::Hashing);
    assert_eq!(activity(r#","hashRate":900.5,"miningPaused":true"#), Activity::Asleep);
    assert_eq!(activity(r#","hashRate":0,"overheat_mode":1"#), Activity::Failed);
    assert_eq!(activity(r#","hashRate":0,"power_fault":"over temperature""#), Activity::Failed);
}

#[test]
fn what_is_not_said_is_absent() {
    let info = Info::parse(br#"{"ASICModel":"BM1370","macAddr":"none"}"#).unwrap();
    assert_eq!((info.hash_rate(), info.power(), info.temperature(), info.mac()), (None, None, None, None));
    for none in [&b"{}"[..], b"[]", b"null"] {
        assert!(matches!(Info::parse(none), Err(ReplyError::Broken(Trouble::Garbled))));
    }
}

#[tokio::test(start_paused = true)]
async fn it_obeys() {
    obeys(Family::Bitaxe, MODEL, MODEL).await;
}

#[tokio::test(start_paused = true)]
async fn it_is_never_believed() {
    is_never_believed(Family::Bitaxe, MODEL).await;
    misbehaves(Family::Bitaxe, MODEL, &HTTP_FAULTS).await;
}

#[tokio::test(start_paused = true)]
async fn what_it_cannot_do_is_refused_in_words() {
    let (fronts, ix) = stage(Family::Bitaxe, MODEL, &running());
    let mut seat = seat(&fronts, ix);
    let pool = |url: &str| Pool { url: url.into(), user: "a.b".into(), password: "x".into() };
    for each in [
        Order::SetMode(ModeName::High),
        Order::LimitPower(Power::from_watts(10)),
        Order::Locate(false),
        Order::SetPools(Vec::new()),
        Order::SetPools(vec![pool("stratum+ssl://new.example:3333")]),
        Order::SetPools(vec![pool("new.example:many")]),
    ] {
        let Outcome::Refused(words) = order(&mut seat, each.clone()).await else { panic!("{each:?}") };
        assert!(!words.is_empty());
    }
    assert_eq!(order(&mut seat, Order::Locate(true)).await, Outcome::Accepted);
    let new = pool("stratum+tcp://new.example:4444");
    assert_eq!(order(&mut seat, Order::SetPools(vec![new])).await, Outcome::Accepted);
    assert_eq!(seat.read().await.unwrap().activity, Activity::Hashing, "pools restart nothing");
    assert_eq!(order(&mut seat, Order::Reboot).await, Outcome::Accepted);
    later(1).await;
    assert_eq!(seat.read().await.unwrap().activity, Activity::Starting);
}

proptest! {
    #[test]
    fn a_mutated_recording_never_panics(place in 0_usize..2_000, with in any::<u8>(), end in 0_usize..2_000) {
        let mut reply = recorded!("bitaxe/v2_0/system_info.json");
        let length = reply.len();
        reply[place % length] = with;
        reply.truncate(end.max(1));
        if let Ok(info) = Info::parse(&reply) {
            let _ = (info.activity(), info.hash_rate(), info.power(), info.temperature(), info.mac());
        }
    }
}
