//! ePIC: recorded replies, passwords, targets.

use std::sync::Arc;

use offpeak_drivers::call::{Order, Pool};
use offpeak_drivers::driver::Identity;
use offpeak_drivers::epic::reply::done;
use offpeak_drivers::epic::{Capabilities, Network, Summary};
use offpeak_drivers::http::Credentials;
use offpeak_drivers::refusal::ReplyError;
use offpeak_site::{Activity, Family, Outcome, Trouble};
use offpeak_units::{HashRate, Power, Temperature};
use proptest::prelude::*;

use super::{HTTP_FAULTS, is_never_believed, keeps_a_power_limit, later, misbehaves, obeys, order, stage};
use crate::fronts::{running, seat};
use crate::recorded::recorded;

const MODEL: &str = "S19j Pro";

#[test]
fn a_summary_tells_all_at_once() {
    let reply = recorded!("epic/v1/summary.json");
    let summary = Summary::parse(&reply).unwrap();
    assert_eq!(summary.activity(), Some(Activity::Hashing));
    assert_eq!(summary.hash_rate(), HashRate::from_terahashes_f64(99.365_848));
    assert_eq!(summary.power(), Power::from_watts_f64(2_166.617_4));
    assert_eq!(summary.temperature(), Some(Temperature::from_celsius(67)));
    assert_eq!(summary.software(), Some("PowerPlay-BMS v1.5.13"));
}

#[test]
fn it_tells_who_it_is_and_what_it_can_be_tuned_to() {
    let reply = recorded!("epic/v1/network.json");
    assert_eq!(Network::parse(&reply).unwrap().mac().unwrap().to_string(), "E6:D4:41:51:64:28");
    let fixed = br#"{"static":{"mac_address":"E2:FA:20:0A:43:1D"}}"#;
    assert_eq!(Network::parse(fixed).unwrap().mac().unwrap().to_string(), "E2:FA:20:0A:43:1D");

    let reply = recorded!("epic/v1/capabilities.json");
    let capabilities = Capabilities::parse(&reply).unwrap();
    assert_eq!(capabilities.model(), Some("AntMiner S19 XP"));
    assert_eq!(capabilities.serial(), Some("002000353232510933363631"), "the machine's own is not told");
    let target = |watts: i64| capabilities.target_below(Power::from_watts(watts));
    for (watts, rate) in [(1_700, 80), (2_199, 80), (2_200, 100), (3_400, 142), (9_999, 169)] {
        let target = target(watts).unwrap();
        assert_eq!((target.algorithm.as_str(), target.value), ("VoltageOptimizer", rate), "{watts} W");
    }
    assert!(matches!(target(1_699), Err(ReplyError::Refused(_))), "no preset draws so little");
    let by_watts = br#"{"Model":"x","PerpetualTune":[{"algorithm":"PowerTune","min":1500,"max":5000}]}"#;
    let by_watts = Capabilities::parse(by_watts).unwrap();
    assert_eq!(by_watts.target_below(Power::from_watts(2_750)).unwrap().value, 2_750);
    assert!(by_watts.target_below(Power::from_watts(1_499)).is_err());
}

#[test]
fn every_known_state_and_no_other() {
    let activity = |word: &str| {
        let reply = format!(r#"{{"Status":{{"Operating State":"{word}"}}}}"#);
        Summary::parse(reply.as_bytes()).unwrap().activity()
    };
    assert_eq!(activity("Mining"), Some(Activity::Hashing));
    assert_eq!(activity("Stopping"), Some(Activity::Hashing), "it still draws");
    assert_eq!(activity("Idling"), Some(Activity::Asleep));
    for word in ["Initializing", "Loading", "PreInitCooldown", "Rebooting", "SoftRebooting", "Testing"] {
        assert_eq!(activity(word), Some(Activity::Starting), "{word}");
    }
    assert_eq!(activity("Dreaming"), None);
}

#[test]
fn what_is_not_said_is_absent() {
    let summary =
        Summary::parse(br#"{"Status":{},"HBs":[],"Power Supply Stats":{"Input Power":0.0}}"#).unwrap();
    assert_eq!((summary.activity(), summary.hash_rate()), (None, None));
    assert_eq!((summary.power(), summary.temperature()), (None, None), "zero watts were not measured");
    for none in [&b"{}"[..], b"[]", b"null", b"\"Mining\""] {
        assert!(matches!(Summary::parse(none), Err(ReplyError::Broken(Trouble::Garbled))));
    }
    assert!(done(br#"{"result":true,"error":null}"#).is_ok());
    assert_eq!(done(b"{}"), Err(ReplyError::Broken(Trouble::Garbled)));
    let words = |body: &[u8]| match done(body) {
        Err(ReplyError::Refused(refusal)) => refusal.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(words(br#"{"result":false,"error":"BadPassword"}"#), "BadPassword");
    assert_eq!(
        words(br#"{"result":false,"error":{"LastCmdStillPending":"Stop"}}"#),
        r#"{"LastCmdStillPending":"Stop"}"#
    );
    assert_eq!(words(br#"{"result":false}"#), "no reason given");
}

#[tokio::test(start_paused = true)]
async fn it_obeys() {
    obeys(Family::Epic, MODEL, "Antminer S19j Pro").await;
}

#[tokio::test(start_paused = true)]
async fn it_is_never_believed() {
    is_never_believed(Family::Epic, MODEL).await;
    misbehaves(Family::Epic, MODEL, &HTTP_FAULTS).await;
}

#[tokio::test(start_paused = true)]
async fn reading_is_open_and_writing_is_not() {
    let (fronts, ix) = stage(Family::Epic, MODEL, &running());
    let mut seat = seat(&fronts, ix);
    let wrong = Credentials { user: String::new(), password: "wrong".into() };
    seat.link.login = Some(Arc::new(wrong));
    assert_eq!(seat.read().await.unwrap().activity, Activity::Hashing);
    assert_eq!(order(&mut seat, Order::Sleep).await, Outcome::Refused("BadPassword".into()));
    later(10).await;
    assert_eq!(seat.read().await.unwrap().activity, Activity::Hashing);
}

#[tokio::test(start_paused = true)]
async fn a_power_limit_holds_and_wakes_nobody() {
    keeps_a_power_limit(Family::Epic, MODEL, "the machine has no preset that draws so little").await;
}

#[tokio::test(start_paused = true)]
async fn a_light_a_restart_and_pools() {
    let (fronts, ix) = stage(Family::Epic, MODEL, &running());
    let mut seat = seat(&fronts, ix);
    for each in [Order::Locate(true), Order::Locate(false), Order::Reboot] {
        assert_eq!(order(&mut seat, each.clone()).await, Outcome::Accepted, "{each:?}");
    }
    let pool =
        Pool { url: "stratum+tcp://new.example:3333".into(), user: "a.b".into(), password: "x".into() };
    assert_eq!(order(&mut seat, Order::SetPools(vec![pool.clone()])).await, Outcome::Accepted);
    assert!(matches!(order(&mut seat, Order::SetPools(vec![pool; 4])).await, Outcome::Refused(_)));
    later(1).await;
    assert_eq!(seat.read().await.unwrap().activity, Activity::Starting);
    let identity: Identity = seat.driver.identify(seat.at).await.unwrap().unwrap();
    assert_eq!(identity.firmware.as_deref(), Some("PowerPlay-BMS v1.5.13"));
}

proptest! {
    #[test]
    fn a_mutated_recording_never_panics(place in 0_usize..9_000, with in any::<u8>(), end in 0_usize..9_000) {
        for recording in [recorded!("epic/v1/summary.json"), recorded!("epic/v1/capabilities.json")] {
            let mut reply = recording;
            let length = reply.len();
            reply[place % length] = with;
            reply.truncate(end.max(1));
            if let Ok(summary) = Summary::parse(&reply) {
                let _ = (summary.activity(), summary.hash_rate(), summary.power(), summary.temperature());
            }
            if let Ok(capabilities) = Capabilities::parse(&reply) {
                let _ = capabilities.target_below(Power::from_watts(2_000));
            }
        }
    }
}
