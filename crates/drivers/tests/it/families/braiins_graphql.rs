//! Braiins OS before 25.07: recorded replies, sessions, and what is never said outright.

use std::sync::Arc;
use std::time::Duration;

use offpeak_drivers::braiins_graphql::reply::done;
use offpeak_drivers::braiins_graphql::{Info, System};
use offpeak_drivers::call::{Order, Pool};
use offpeak_drivers::http::Credentials;
use offpeak_drivers::refusal::ReplyError;
use offpeak_site::{Activity, Family, Outcome, Trouble};
use offpeak_units::{HashRate, Power, Temperature};
use proptest::prelude::*;

use super::{HTTP_FAULTS, is_never_believed, keeps_a_power_limit, misbehaves, obeys, order, stage};
use crate::fronts::{running, seat};
use crate::recorded::recorded;

const MODEL: &str = "S19j Pro";

#[test]
fn four_years_of_firmware_tell_their_work() {
    let told = [
        (recorded!("braiins/v21_09/gql_system.json"), 7.160_208_944_955_902, 735),
        (recorded!("braiins/v24_09/gql_system.json"), 230.700_949_214_837_8, 3_572),
        (recorded!("braiins/v25_05/gql_system.json"), 205.749_605_597_877_23, 3_698),
    ];
    for (reply, terahashes, watts) in told {
        let info = Info::parse(&reply).unwrap();
        assert_eq!(info.hash_rate(), HashRate::from_terahashes_f64(terahashes));
        assert_eq!(info.power(), Some(Power::from_watts(watts)));
        assert_eq!(info.temperature(), None, "that is another question");
        assert!(System::parse(&reply).unwrap().uptime().unwrap() > 1_000.0);
    }
    let reply = recorded!("braiins/v25_05/gql_system.json");
    assert_eq!(System::parse(&reply).unwrap().firmware(), Some("2025-06-25-0-45f356ea-25.05.1-plus"));
}

#[test]
fn the_hottest_chip_under_both_of_its_names() {
    let told = [
        (recorded!("braiins/v21_09/gql_boards.json"), 89_250),
        (recorded!("braiins/v25_05/gql_boards.json"), 69_500),
    ];
    for (reply, millicelsius) in told {
        let info = Info::parse(&reply).unwrap();
        assert_eq!(info.temperature(), Some(Temperature::from_millicelsius(millicelsius)));
        assert_eq!((info.hash_rate(), info.power()), (None, None));
    }
}

#[test]
fn errors_are_refusals_and_what_is_not_said_is_absent() {
    let fault = br#"{"data":null,"errors":[{"message":"BOSminer is not running"}]}"#;
    let Err(ReplyError::Refused(refusal)) = Info::parse(fault) else { panic!("refused") };
    assert_eq!(refusal.to_string(), "BOSminer is not running");
    for none in [&b"{}"[..], b"[]", b"null", br#"{"data":null}"#] {
        assert!(matches!(Info::parse(none), Err(ReplyError::Broken(Trouble::Garbled))));
    }
    let info = Info::parse(br#"{"data":{"bosminer":{"info":{"summary":{"power":null}}}}}"#).unwrap();
    assert_eq!((info.hash_rate(), info.power(), info.temperature(), info.model()), (None, None, None, None));

    let place = "/bosminer/stop";
    assert_eq!(done(br#"{"data":{"bosminer":{"stop":{"void":null}}}}"#, place), Ok(()));
    // asic-rs 0.8.6 takes this for a success: it does not ask for the message.
    let refused = done(br#"{"data":{"bosminer":{"stop":{"message":"not now"}}}}"#, place);
    assert_eq!(refused, Err(ReplyError::refused("not now")));
    assert_eq!(done(br#"{"data":{"bosminer":{}}}"#, place), Err(ReplyError::Broken(Trouble::Garbled)));
}

#[tokio::test(start_paused = true)]
async fn it_obeys() {
    obeys(Family::BraiinsOsGraphQl, MODEL, "Antminer S19j Pro").await;
}

#[tokio::test(start_paused = true)]
async fn it_is_never_believed() {
    is_never_believed(Family::BraiinsOsGraphQl, MODEL).await;
    misbehaves(Family::BraiinsOsGraphQl, MODEL, &HTTP_FAULTS).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_that_ended_is_renewed_and_a_wrong_user_is_refused() {
    let (fronts, ix) = stage(Family::BraiinsOsGraphQl, MODEL, &running());
    let mut seat = seat(&fronts, ix);
    seat.read().await.unwrap();
    assert_eq!(seat.link.bearer, None, "asking needs no session");
    assert_eq!(order(&mut seat, Order::Locate(true)).await, Outcome::Accepted);
    let first = seat.link.bearer.clone().unwrap();
    tokio::time::advance(Duration::from_secs(3_601)).await;
    assert_eq!(order(&mut seat, Order::Locate(false)).await, Outcome::Accepted);
    assert_ne!(seat.link.bearer, Some(first));

    let mut stranger = crate::fronts::seat(&fronts, ix);
    let wrong = Credentials { user: "admin".into(), password: String::new() };
    stranger.link.login = Some(Arc::new(wrong));
    let refused = Outcome::Refused("Invalid username or password".into());
    assert_eq!(order(&mut stranger, Order::Sleep).await, refused);
    assert_eq!(stranger.read().await.unwrap().activity, Activity::Hashing);
}

#[tokio::test(start_paused = true)]
async fn a_power_limit_holds_and_wakes_nobody() {
    keeps_a_power_limit(
        Family::BraiinsOsGraphQl,
        MODEL,
        "power target 1500 W is below the minimum of 2000 W",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn new_pools_restart_nothing() {
    let (fronts, ix) = stage(Family::BraiinsOsGraphQl, MODEL, &running());
    let mut seat = seat(&fronts, ix);
    let pool =
        Pool { url: "stratum+tcp://new.example:3333".into(), user: "a.b".into(), password: "x".into() };
    assert_eq!(order(&mut seat, Order::SetPools(vec![pool])).await, Outcome::Accepted);
    assert!(matches!(order(&mut seat, Order::SetPools(Vec::new())).await, Outcome::Refused(_)));
    assert_eq!(seat.read().await.unwrap().activity, Activity::Hashing);
}

proptest! {
    #[test]
    fn a_mutated_recording_never_panics(place in 0_usize..4_000, with in any::<u8>(), end in 0_usize..4_000) {
        for recording in [recorded!("braiins/v25_05/gql_system.json"), recorded!("braiins/v25_05/gql_boards.json")] {
            let mut reply = recording;
            let length = reply.len();
            reply[place % length] = with;
            reply.truncate(end.max(1));
            if let Ok(info) = Info::parse(&reply) {
                let _ = (info.hash_rate(), info.power(), info.temperature());
            }
            let _ = System::parse(&reply).map(|system| (system.uptime(), system.mac()));
        }
    }
}
