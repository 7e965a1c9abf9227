//! LuxOS: recorded replies, sessions and profiles.

use std::time::Duration;

use offpeak_drivers::call::{Order, Pool};
use offpeak_drivers::luxos::{
    Config, Fast, Pools, Power, Profiles, Session, Summary, Temperatures, Version, request,
};
use offpeak_drivers::refusal::ReplyError;
use offpeak_site::{Activity, Family, ModeName, Outcome};
use offpeak_units::{HashRate, Power as Watts, Temperature};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{TCP_FAULTS, is_never_believed, later, misbehaves, obeys, order, stage};
use crate::fronts::{ask, running, seat};
use crate::recorded::recorded;

const MODEL: &str = "S19j Pro";

/// The recorded replies as one joined reply.
fn joined() -> Value {
    let part = |bytes: Vec<u8>| json!([serde_json::from_slice::<Value>(&bytes).unwrap()]);
    json!({
        "summary": part(recorded!("luxos/v1/summary.json")),
        "power": part(recorded!("luxos/v1/power.json")),
        "temps": part(recorded!("luxos/v1/temps.json")),
        "config": part(recorded!("luxos/v1/config.json")),
        "id": 1,
    })
}

#[test]
fn an_s19k_pro_tells_all_at_once() {
    let reply = joined().to_string();
    let fast = Fast::parse(reply.as_bytes()).unwrap();
    assert_eq!(fast.activity(), Some(Activity::Hashing));
    assert_eq!(fast.summary.hash_rate(), HashRate::from_terahashes_f64(59.756_06));
    assert_eq!(fast.power.as_ref().unwrap().power(), Some(Watts::from_watts(1_051)));
    assert_eq!(fast.power.as_ref().unwrap().measured.get(), Some(false));
    assert_eq!(fast.temperatures.as_ref().unwrap().hottest(), Some(Temperature::from_celsius(47)));
    assert_eq!(fast.config.mac().unwrap().to_string(), "62:F7:5E:B7:10:46");
    assert_eq!(
        (fast.config.serial.get(), fast.config.mode()),
        (Some("JYZZB0UBDJABF06RB"), Some(ModeName::Low))
    );
    assert_eq!((fast.config.sleeps(), fast.config.power_target.get()), (Some(false), None));
}

#[test]
fn each_reply_alone() {
    let (summary, power, config) = (
        recorded!("luxos/v1/summary.json"),
        recorded!("luxos/v1/power.json"),
        recorded!("luxos/v1/config.json"),
    );
    assert_eq!(Summary::parse(&summary).unwrap().elapsed.whole(), Some(3_453));
    assert!(Power::parse(&power).unwrap().power().is_some());
    assert_eq!(Config::parse(&config).unwrap().hostname.get(), Some("UrlacherS19k"));
    let version = recorded!("luxos/v1/version.json");
    let version = Version::parse(&version).unwrap();
    assert_eq!(
        (version.model.get(), version.luxminer.get()),
        (Some("Antminer S19k Pro"), Some("2025.4.8.220305-57b389c7"))
    );
    let temps = recorded!("luxos/v1/temps.json");
    assert_eq!(Temperatures::parse(&temps).unwrap().0.len(), 3);
    let pools = recorded!("luxos/v1/pools.json");
    assert_eq!(Pools::parse(&pools).unwrap().places(), [0, 1, 2, 3]);
    let profiles = recorded!("luxos/v1/profiles.json");
    let profiles = Profiles::parse(&profiles).unwrap();
    assert_eq!(profiles.0.len(), 25);
    assert_eq!(profiles.within(Watts::from_watts(900)), Some("215MHz"), "850 W or so, never more than 900 W");
    assert_eq!(profiles.within(Watts::from_watts(9_000)), Some("790MHz"));
    assert_eq!(profiles.within(Watts::from_watts(500)), None);
    // Luxor's own examples.
    let none = br#"{"SESSION":[{"SessionID":""}],"STATUS":[{"Code":319,"Description":"LUXminer 0.1.0","Msg":"Session information","STATUS":"S","When":1667917088}],"id":1}"#;
    assert_eq!(Session::parse(none).unwrap().id.get(), None);
    let sent = br#"{"CURTAIL":[{"Action":"sleep mode"}],"STATUS":[{"Code":335,"Description":"LUXminer 0.1.0","Msg":"Curtailment command sent","STATUS":"S","When":1681332079}],"id":1}"#;
    assert!(offpeak_drivers::luxos::reply::accepted(sent).is_ok());
    assert_eq!(request("logon", ""), br#"{"command":"logon"}"#);
    assert_eq!(
        request("curtail", "yJN2nlj1,sleep"),
        br#"{"command":"curtail","parameter":"yJN2nlj1,sleep"}"#
    );
}

#[test]
fn asleep_counts_once_the_supply_is_off() {
    let with = |curtail: &str, supply: bool, rate: f64| {
        let mut reply = joined();
        let config = &mut reply["config"][0]["CONFIG"][0];
        (config["CurtailMode"], config["IsPowerSupplyOn"]) = (json!(curtail), json!(supply));
        reply["summary"][0]["SUMMARY"][0]["GHS 5s"] = json!(rate);
        Fast::parse(reply.to_string().as_bytes()).unwrap().activity()
    };
    assert_eq!(with("Sleep", true, 40_000.0), Some(Activity::Hashing));
    assert_eq!(with("Sleep", false, 40_000.0), Some(Activity::Asleep));
    assert_eq!(with("Sleep", true, 0.0), Some(Activity::Asleep));
    assert_eq!(with("None", true, 0.0), Some(Activity::Starting));
}

#[test]
fn what_a_join_leaves_out_is_absent() {
    for left in ["power", "temps", "summary", "config"] {
        let mut reply = joined();
        reply[left] = json!([{"STATUS": [{"STATUS": "E", "Code": 14, "Msg": "Invalid command"}], "id": 1}]);
        let reply = reply.to_string();
        match (left, Fast::parse(reply.as_bytes())) {
            ("power", Ok(fast)) => assert_eq!(fast.power, None),
            ("temps", Ok(fast)) => assert_eq!(fast.temperatures, None),
            ("summary" | "config", Err(ReplyError::Refused(refusal))) => {
                assert_eq!(refusal.words, "Invalid command");
            }
            (left, other) => panic!("{left}: {other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn it_obeys() {
    obeys(Family::LuxOs, MODEL, "Antminer S19j Pro").await;
}

#[tokio::test(start_paused = true)]
async fn it_is_never_believed() {
    is_never_believed(Family::LuxOs, MODEL).await;
    misbehaves(Family::LuxOs, MODEL, &TCP_FAULTS).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_is_given_back_and_only_load_goes_down_in_another_s() {
    let (fronts, ix) = stage(Family::LuxOs, MODEL, &running());
    let mut seat = seat(&fronts, ix);
    assert_eq!(order(&mut seat, Order::Sleep).await, Outcome::Accepted);
    let session = ask(&fronts, ix, br#"{"command":"session"}"#).await;
    assert_eq!(session["SESSION"][0]["SessionID"], "");
    let theirs = ask(&fronts, ix, br#"{"command":"logon"}"#).await;
    later(0).await;
    let refused = Outcome::Refused("Another session is already active (code 402)".into());
    assert_eq!(order(&mut seat, Order::Wake).await, refused);
    assert_eq!(order(&mut seat, Order::Sleep).await, Outcome::Accepted);
    let session = ask(&fronts, ix, br#"{"command":"session"}"#).await;
    assert_eq!(session["SESSION"], theirs["SESSION"], "theirs is not ended");
    tokio::time::advance(Duration::from_secs(61)).await;
    assert_eq!(order(&mut seat, Order::Wake).await, Outcome::Accepted, "it ended by itself");
}

/// A limit that raises what a machine may draw waits for whoever is at work on it; one that lowers it does not.
#[tokio::test(start_paused = true)]
async fn a_limit_goes_on_in_another_s_session_only_where_it_lowers() {
    let (fronts, ix) = stage(Family::LuxOs, MODEL, &running());
    let mut seat = seat(&fronts, ix);
    ask(&fronts, ix, br#"{"command":"logon"}"#).await;
    let limit = |watts| Order::LimitPower(Watts::from_watts(watts));
    assert_eq!(order(&mut seat, limit(2_500)).await, Outcome::Accepted);
    later(60).await;
    assert!(seat.read().await.unwrap().power.unwrap() < Watts::from_watts(2_500));
    ask(&fronts, ix, br#"{"command":"logon"}"#).await;
    let refused = Outcome::Refused("Another session is already active (code 402)".into());
    assert_eq!(order(&mut seat, limit(3_500)).await, refused);
    tokio::time::advance(Duration::from_secs(61)).await;
    assert_eq!(order(&mut seat, limit(3_500)).await, Outcome::Accepted, "nobody holds one any more");
}

#[tokio::test(start_paused = true)]
async fn a_limit_picks_a_profile() {
    let (fronts, ix) = stage(Family::LuxOs, MODEL, &running());
    let mut seat = seat(&fronts, ix);
    assert_eq!(order(&mut seat, Order::LimitPower(Watts::from_watts(2_500))).await, Outcome::Accepted);
    later(60).await;
    let reading = seat.read().await.unwrap();
    assert_eq!((reading.activity, reading.mode), (Activity::Hashing, Some(ModeName::Low)));
    assert!(reading.power.unwrap() < Watts::from_watts(2_500));
    let refused = Outcome::Refused("no profile draws as little as 1500 W".into());
    assert_eq!(order(&mut seat, Order::LimitPower(Watts::from_watts(1_500))).await, refused);
    assert!(matches!(order(&mut seat, Order::SetMode(ModeName::High)).await, Outcome::Refused(_)));
    assert_eq!(order(&mut seat, Order::Sleep).await, Outcome::Accepted);
    later(10).await;
    assert_eq!(order(&mut seat, Order::SetMode(ModeName::Normal)).await, Outcome::Accepted);
    later(60).await;
    let reading = seat.read().await.unwrap();
    assert_eq!((reading.activity, reading.mode), (Activity::Hashing, Some(ModeName::Normal)));
}

#[tokio::test(start_paused = true)]
async fn a_light_a_restart_and_pools() {
    let (fronts, ix) = stage(Family::LuxOs, MODEL, &running());
    let mut seat = seat(&fronts, ix);
    for (on, light) in [(true, "blink"), (false, "auto")] {
        assert_eq!(order(&mut seat, Order::Locate(on)).await, Outcome::Accepted);
        assert_eq!(ask(&fronts, ix, br#"{"command":"config"}"#).await["CONFIG"][0]["RedLed"], light);
    }
    let pool = |user: &str| Pool {
        url: "stratum+tcp://new.example:3333".into(),
        user: user.into(),
        password: "x".into(),
    };
    assert_eq!(order(&mut seat, Order::SetPools(vec![pool("a.b"), pool("a.c")])).await, Outcome::Accepted);
    let pools = ask(&fronts, ix, br#"{"command":"pools"}"#).await;
    let users: Vec<&str> =
        pools["POOLS"].as_array().unwrap().iter().map(|p| p["User"].as_str().unwrap()).collect();
    assert_eq!(users, ["a.b", "a.c"]);
    assert!(matches!(order(&mut seat, Order::SetPools(vec![pool("a,b")])).await, Outcome::Refused(_)));
    assert_eq!(order(&mut seat, Order::Reboot).await, Outcome::Accepted);
    later(1).await;
    assert_eq!(seat.read().await.unwrap().activity, Activity::Starting);
}

proptest! {
    #[test]
    fn nothing_that_arrives_panics(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        prop_assert!(Fast::parse(&bytes).is_err());
        let _ = (Config::parse(&bytes), Profiles::parse(&bytes), Pools::parse(&bytes), Session::parse(&bytes), Version::parse(&bytes));
    }

    #[test]
    fn a_mutated_recording_never_panics(place in 0_usize..4_000, with in any::<u8>(), end in 0_usize..5_000) {
        let mut reply = joined().to_string().into_bytes();
        let length = reply.len();
        reply[place % length] = with;
        reply.truncate(end.max(1));
        if let Ok(fast) = Fast::parse(&reply) {
            let _ = (fast.activity(), fast.config.mode());
        }
    }
}
