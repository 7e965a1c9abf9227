//! Proto Rig: recorded replies, tokens, power targets.

use std::time::Duration;

use offpeak_drivers::call::{Order, Pool};
use offpeak_drivers::http::Credentials;
use offpeak_drivers::proto::{Access, Mining, Network, System};
use offpeak_drivers::refusal::ReplyError;
use offpeak_site::{Activity, Family, Outcome, Trouble};
use offpeak_units::{HashRate, Power, Temperature};
use proptest::prelude::*;

use super::{HTTP_FAULTS, is_never_believed, keeps_a_power_limit, later, misbehaves, obeys, order, stage};
use crate::fronts::{running, seat};
use crate::recorded::recorded;

const MODEL: &str = "Proto Rig";

#[test]
fn a_rig_tells_all_at_once() {
    let reply = recorded!("proto/v1/mining.json");
    let mining = Mining::parse(&reply).unwrap();
    assert_eq!(mining.state().unwrap().activity(), Activity::Hashing);
    assert_eq!(mining.hash_rate(), HashRate::from_terahashes_f64(141.147_435_031_471_1));
    assert_eq!(mining.power(), Power::from_watts_f64(3_447.008_523_267_969));
    assert_eq!(mining.temperature(), Temperature::from_celsius_f64(71.902_681_702_474_48));
    assert_eq!(mining.target(), Some(Power::from_watts(3_400)));
}

#[test]
fn it_tells_who_it_is() {
    let reply = recorded!("proto/v1/system.json");
    let system = System::parse(&reply).unwrap();
    assert_eq!((system.model(), system.manufacturer()), (Some("Proto Rig"), Some("Proto")));
    assert_eq!((system.serial(), system.firmware()), (Some("PROTO-SIM-b6bdaf86"), Some("1.8.0")));
    let reply = recorded!("proto/v1/network.json");
    assert_eq!(Network::parse(&reply).unwrap().mac().unwrap().to_string(), "02:00:00:AD:66:39");
}

#[test]
fn every_known_state_and_no_other() {
    let activity = |word: &str| {
        let reply = format!(r#"{{"mining-status":{{"status":"{word}"}}}}"#);
        Mining::parse(reply.as_bytes()).unwrap().state().map(|state| state.activity())
    };
    for (word, is) in [
        ("Mining", Activity::Hashing),
        ("DegradedMining", Activity::Hashing),
        ("PoweringOff", Activity::Hashing),
        ("PoweringOn", Activity::Starting),
        ("Uninitialized", Activity::Starting),
        ("Curtailed", Activity::Starting),
        ("Stopped", Activity::Asleep),
        ("NoPools", Activity::Failed),
        ("Error", Activity::Failed),
    ] {
        assert_eq!(activity(word), Some(is), "{word}");
    }
    assert_eq!(activity("Dreaming"), None);
}

#[test]
fn what_is_not_said_is_absent() {
    let mining = Mining::parse(br#"{"mining-status":{}}"#).unwrap();
    assert_eq!((mining.state(), mining.hash_rate(), mining.power()), (None, None, None));
    assert_eq!((mining.temperature(), mining.target()), (None, None));
    for none in [&b"{}"[..], b"[]", b"null"] {
        assert!(matches!(Mining::parse(none), Err(ReplyError::Broken(Trouble::Garbled))));
        assert!(System::parse(none).is_err() && Network::parse(none).is_err());
    }
    let access = Access::parse(br#"{"access_token":"secret"}"#).unwrap();
    assert_eq!(format!("{access:?}"), "Access(..)", "it is never logged");
}

#[tokio::test(start_paused = true)]
async fn it_obeys() {
    obeys(Family::ProtoRig, MODEL, MODEL).await;
}

#[tokio::test(start_paused = true)]
async fn it_is_never_believed() {
    is_never_believed(Family::ProtoRig, MODEL).await;
    misbehaves(Family::ProtoRig, MODEL, &HTTP_FAULTS).await;
}

#[tokio::test(start_paused = true)]
async fn a_token_that_ended_is_renewed_and_a_wrong_password_is_denied() {
    let (fronts, ix) = stage(Family::ProtoRig, MODEL, &running());
    let mut seat = seat(&fronts, ix);
    seat.read().await.unwrap();
    let first = seat.link.bearer.clone().unwrap();
    seat.read().await.unwrap();
    assert_eq!(seat.link.bearer.as_ref(), Some(&first), "it is kept");
    tokio::time::advance(Duration::from_secs(601)).await;
    assert_eq!(seat.read().await.unwrap().activity, Activity::Hashing);
    assert_ne!(seat.link.bearer.as_ref(), Some(&first));

    let mut stranger = crate::fronts::seat(&fronts, ix);
    let wrong = Credentials { user: String::new(), password: "wrong".into() };
    stranger.link.login = Some(std::sync::Arc::new(wrong));
    assert_eq!(stranger.read().await, Err(Trouble::Denied));
    let outcome = order(&mut stranger, Order::Sleep).await;
    assert_eq!(outcome, Outcome::Refused("Invalid password (code 401)".into()));
}

#[tokio::test(start_paused = true)]
async fn a_power_limit_holds_and_wakes_nobody() {
    keeps_a_power_limit(Family::ProtoRig, MODEL, "power_target_watts must be at least 2000 (code 422)").await;
}

#[tokio::test(start_paused = true)]
async fn a_light_a_restart_and_pools() {
    let (fronts, ix) = stage(Family::ProtoRig, MODEL, &running());
    let mut seat = seat(&fronts, ix);
    assert_eq!(order(&mut seat, Order::Locate(true)).await, Outcome::Accepted);
    let refused = Outcome::Refused("a Proto Rig's light goes out by itself".into());
    assert_eq!(order(&mut seat, Order::Locate(false)).await, refused);
    let pool =
        Pool { url: "stratum+tcp://new.example:3333".into(), user: "a.b".into(), password: "x".into() };
    assert_eq!(order(&mut seat, Order::SetPools(vec![pool.clone()])).await, Outcome::Accepted);
    assert!(matches!(order(&mut seat, Order::SetPools(vec![pool; 4])).await, Outcome::Refused(_)));
    assert_eq!(order(&mut seat, Order::Reboot).await, Outcome::Accepted);
    later(1).await;
    assert_eq!(seat.read().await.unwrap().activity, Activity::Starting);
}

proptest! {
    #[test]
    fn nothing_that_arrives_panics(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        prop_assert!(Mining::parse(&bytes).is_err());
        let _ = (System::parse(&bytes), Network::parse(&bytes), Access::parse(&bytes));
    }

    #[test]
    fn a_mutated_recording_never_panics(place in 0_usize..4_000, with in any::<u8>(), end in 0_usize..5_000) {
        let mut reply = recorded!("proto/v1/mining.json");
        let length = reply.len();
        reply[place % length] = with;
        reply.truncate(end.max(1));
        if let Ok(mining) = Mining::parse(&reply) {
            let _ = (mining.state(), mining.hash_rate(), mining.power(), mining.temperature());
        }
    }
}
