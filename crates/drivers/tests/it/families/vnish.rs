//! VNish: replies as its OpenAPI description has them, tokens, presets.

use std::time::Duration;

use offpeak_drivers::call::{Order, Pool};
use offpeak_drivers::http::Credentials;
use offpeak_drivers::refusal::ReplyError;
use offpeak_drivers::vnish::reply::with_preset;
use offpeak_drivers::vnish::{Info, Presets, Saved, Status, Summary, Unlocked};
use offpeak_site::{Activity, Family, ModeName, Outcome, Trouble};
use offpeak_units::{HashRate, Power, Temperature};
use proptest::prelude::*;
use serde_json::json;

use super::{HTTP_FAULTS, is_never_believed, later, misbehaves, obeys, order, stage};
use crate::fronts::{running, seat};

const MODEL: &str = "S19j Pro";

/// After the `Summary` of the description, with a stopped and a failed machine's differences.
fn summary(state: &str) -> String {
    json!({"miner": {
        "miner_type": "Antminer S19j Pro (Vnish 1.2.6)",
        "miner_status": {"miner_state": state, "miner_state_time": 3_600},
        "hr_realtime": 104_512.5, "hr_average": 104_000.0, "hr_nominal": 104_700.0,
        "instant_hashrate": 104.5125, "power_consumption": 3_068, "power_usage": 29, "power_efficiency": 29.4,
        "chip_temp": {"min": 58, "max": 76}, "pcb_temp": {"min": 41, "max": 63},
        "chains": [], "pools": [], "cooling": {"fan_num": 4, "fan_duty": 70, "fans": []},
    }})
    .to_string()
}

#[test]
fn a_summary_tells_all_at_once() {
    let reply = summary("mining");
    let seen = Summary::parse(reply.as_bytes()).unwrap();
    assert_eq!(seen.state().unwrap().activity(), Activity::Hashing);
    assert_eq!(seen.hash_rate(), HashRate::from_terahashes_f64(104.5125));
    assert_eq!(seen.power(), Some(Power::from_watts(3_068)), "and not the deprecated `power_usage`");
    assert_eq!(seen.temperature(), Some(Temperature::from_celsius(76)));
}

#[test]
fn every_documented_state_and_no_other() {
    let activity =
        |word: &str| Summary::parse(summary(word).as_bytes()).unwrap().state().map(|state| state.activity());
    for (word, is) in [
        ("mining", Activity::Hashing),
        ("auto-tuning", Activity::Hashing),
        ("shutting-down", Activity::Hashing),
        ("initializing", Activity::Starting),
        ("starting", Activity::Starting),
        ("restarting", Activity::Starting),
        ("stopped", Activity::Asleep),
        ("failure", Activity::Failed),
    ] {
        assert_eq!(activity(word), Some(is), "{word}");
    }
    assert_eq!(activity("dreaming"), None);
}

#[test]
fn what_is_not_said_is_absent() {
    for reply in [r#"{"miner":null}"#, "{}", r#"{"miner":{}}"#] {
        let seen = Summary::parse(reply.as_bytes()).unwrap();
        assert_eq!(
            (seen.state(), seen.hash_rate(), seen.power(), seen.temperature()),
            (None, None, None, None)
        );
    }
    let info = Info::parse(br#"{"miner":"Antminer S19"}"#).unwrap();
    assert_eq!((info.mac(), info.serial.get(), info.fw_name.get()), (None, None, None));
    assert_eq!(Status::parse(b"{}").unwrap().state(), None);
    assert_eq!(Saved::parse(b"{}").unwrap().restart_required.get(), None);
    assert!(matches!(Summary::parse(b"[]"), Err(ReplyError::Broken(Trouble::Garbled))));
    assert!(matches!(Summary::parse(b"{\"miner\":{"), Err(ReplyError::Broken(Trouble::Truncated))));
}

#[test]
fn a_limit_picks_the_largest_tuned_preset_within_it() {
    let reply = json!([
        {"name": "2000", "pretty": "2000 watt ~ 70 TH", "status": "tuned", "modded_psu_required": false},
        {"name": "3250", "pretty": "3250 watt ~ 110 TH", "status": "tuned", "modded_psu_required": false},
        {"name": "1500", "pretty": "1500 watt ~ 50 TH", "status": "untuned", "modded_psu_required": false},
        {"name": "disabled", "pretty": "disabled", "status": "tuned", "modded_psu_required": false},
    ])
    .to_string();
    let presets = Presets::parse(reply.as_bytes()).unwrap();
    let within = |watts| presets.within(Power::from_watts(watts));
    assert_eq!((within(9_000), within(3_249), within(1_999)), (Some("3250"), Some("2000"), None));
    let settings = br#"{"miner":{"overclock":{"preset":"3250","globals":{"volt":0}},"pools":[]},"ui":{}}"#;
    let saved = with_preset(settings, "2000").unwrap();
    assert_eq!(saved, json!({"miner": {"overclock": {"preset": "2000", "globals": {"volt": 0}}}}));
    assert!(with_preset(b"{}", "2000").is_err());
}

#[tokio::test(start_paused = true)]
async fn it_obeys() {
    obeys(Family::Vnish, MODEL, "Antminer S19j Pro").await;
}

#[tokio::test(start_paused = true)]
async fn it_is_never_believed() {
    is_never_believed(Family::Vnish, MODEL).await;
    misbehaves(Family::Vnish, MODEL, &HTTP_FAULTS).await;
}

#[tokio::test(start_paused = true)]
async fn a_token_that_ended_is_renewed_and_a_wrong_password_is_denied() {
    let (fronts, ix) = stage(Family::Vnish, MODEL, &running());
    let mut seat = seat(&fronts, ix);
    seat.read().await.unwrap();
    let first = seat.link.bearer.clone().unwrap();
    seat.read().await.unwrap();
    assert_eq!(seat.link.bearer.as_ref(), Some(&first), "it is kept");
    tokio::time::advance(Duration::from_secs(601)).await;
    assert_eq!(seat.read().await.unwrap().activity, Activity::Hashing);
    assert_ne!(seat.link.bearer.as_ref(), Some(&first));
    tokio::time::advance(Duration::from_secs(301)).await;
    let second = seat.link.bearer.clone();
    seat.driver.keep_armed(Family::Vnish, seat.at, &mut seat.link).await.unwrap();
    assert_ne!(seat.link.bearer, second, "renewed before it is needed");

    let mut stranger = crate::fronts::seat(&fronts, ix);
    let wrong = Credentials { user: String::new(), password: "wrong".into() };
    stranger.link.login = Some(std::sync::Arc::new(wrong));
    assert_eq!(stranger.read().await, Err(Trouble::Denied));
    let outcome = order(&mut stranger, Order::Sleep).await;
    assert_eq!(outcome, Outcome::Refused("Forbidden (code 403)".into()));
}

#[tokio::test(start_paused = true)]
async fn a_limit_holds_from_a_restart_on_and_wakes_nobody() {
    let (fronts, ix) = stage(Family::Vnish, MODEL, &running());
    let mut seat = seat(&fronts, ix);
    assert_eq!(order(&mut seat, Order::LimitPower(Power::from_watts(2_500))).await, Outcome::Accepted);
    later(60).await;
    let reading = seat.read().await.unwrap();
    assert_eq!(reading.activity, Activity::Hashing);
    assert!(reading.power.unwrap() < Power::from_watts(2_500), "{reading:?}");
    let refused = Outcome::Refused("no tuned preset draws as little as 1500 W".into());
    assert_eq!(order(&mut seat, Order::LimitPower(Power::from_watts(1_500))).await, refused);
    assert!(matches!(order(&mut seat, Order::SetMode(ModeName::High)).await, Outcome::Refused(_)));

    assert_eq!(order(&mut seat, Order::Sleep).await, Outcome::Accepted);
    later(10).await;
    assert_eq!(order(&mut seat, Order::LimitPower(Power::from_watts(3_500))).await, Outcome::Accepted);
    later(10).await;
    assert_eq!(seat.read().await.unwrap().activity, Activity::Asleep, "a limit is no order to start");
    assert_eq!(order(&mut seat, Order::Wake).await, Outcome::Accepted);
    later(60).await;
    assert!(seat.read().await.unwrap().power.unwrap() > Power::from_watts(2_500));
}

#[tokio::test(start_paused = true)]
async fn a_light_a_restart_and_pools() {
    let (fronts, ix) = stage(Family::Vnish, MODEL, &running());
    let mut seat = seat(&fronts, ix);
    for on in [true, false] {
        assert_eq!(order(&mut seat, Order::Locate(on)).await, Outcome::Accepted);
    }
    let pool =
        Pool { url: "stratum+tcp://new.example:3333".into(), user: "a.b".into(), password: "x".into() };
    assert_eq!(order(&mut seat, Order::SetPools(vec![pool.clone()])).await, Outcome::Accepted);
    later(1).await;
    assert_eq!(seat.read().await.unwrap().activity, Activity::Starting, "its mining process starts anew");
    assert!(matches!(order(&mut seat, Order::SetPools(vec![pool; 4])).await, Outcome::Refused(_)));
    later(60).await;
    assert_eq!(order(&mut seat, Order::Reboot).await, Outcome::Accepted);
    later(1).await;
    assert_eq!(seat.read().await.unwrap().activity, Activity::Starting);
}

proptest! {
    #[test]
    fn nothing_that_arrives_panics(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        prop_assert!(Summary::parse(&bytes).is_err());
        let _ = (Status::parse(&bytes), Info::parse(&bytes), Presets::parse(&bytes), Saved::parse(&bytes));
        let _ = (Unlocked::parse(&bytes), with_preset(&bytes, "1"));
    }

    #[test]
    fn a_mutated_reply_never_panics(place in 0_usize..4_000, with in any::<u8>(), end in 0_usize..5_000) {
        let mut reply = summary("mining").into_bytes();
        let length = reply.len();
        reply[place % length] = with;
        reply.truncate(end.max(1));
        if let Ok(seen) = Summary::parse(&reply) {
            let _ = (seen.state(), seen.hash_rate(), seen.power(), seen.temperature());
        }
    }
}
