//! Braiins OS with its REST API: recorded replies, tokens, power targets.

use std::time::Duration;

use offpeak_drivers::braiins::{Details, State, Stats, Token};
use offpeak_drivers::call::{Order, Pool};
use offpeak_drivers::http::Credentials;
use offpeak_drivers::refusal::ReplyError;
use offpeak_site::{Activity, Family, Outcome, Trouble};
use offpeak_units::{HashRate, Power};
use proptest::prelude::*;

use super::{HTTP_FAULTS, is_never_believed, keeps_a_power_limit, later, misbehaves, obeys, order, stage};
use crate::fronts::{running, seat};
use crate::recorded::recorded;

const MODEL: &str = "S19j Pro";

#[test]
fn an_s19_xp_and_an_s21_pro_tell_rate_and_watts() {
    let (old, new) =
        (recorded!("braiins/v25_07/miner_stats.json"), recorded!("braiins/v26_04/miner_stats.json"));
    let (old, new) = (Stats::parse(&old).unwrap(), Stats::parse(&new).unwrap());
    assert_eq!(old.hash_rate(), HashRate::from_terahashes_f64(141.463_565_400_720_63));
    assert_eq!(old.power(), Some(Power::from_watts(3_137)));
    assert_eq!(new.hash_rate(), HashRate::from_terahashes_f64(248.186_677_200_024_98));
    assert_eq!(new.power(), Some(Power::from_watts(3_480)));
}

#[test]
fn they_tell_who_they_are_and_that_they_are_well() {
    let old = recorded!("braiins/v25_07/miner_details.json");
    let old = Details::parse(&old).unwrap();
    assert_eq!((old.model(), old.state()), (Some("Antminer S19 XP"), Some(State::Normal)));
    assert_eq!(old.mac().unwrap().to_string(), "02:EE:DA:A9:B6:4A");
    assert_eq!(old.firmware(), Some("2025-08-06-0-3881c51d-25.07-plus"));
    assert_eq!(old.serial_number.get(), None, "null is absent");
    let new = recorded!("braiins/v26_04/miner_details.json");
    let new = Details::parse(&new).unwrap();
    assert_eq!((new.model(), new.serial_number.get()), (Some("Antminer S21 Pro"), Some("THQGFKUBDJIAH0E9G")));
}

#[test]
fn only_a_pause_is_sleep() {
    let activity = |status: &str| {
        let reply = format!(r#"{{"status":{status}}}"#);
        Details::parse(reply.as_bytes()).unwrap().state().map(State::activity_without_rate)
    };
    assert_eq!(activity("3"), Some(Activity::Asleep));
    for awake in ["1", "2", "4", "5"] {
        assert_eq!(activity(awake), Some(Activity::Starting), "{awake}");
    }
    for unknown in ["0", "6", "null", "\"\"", "-1"] {
        assert_eq!(activity(unknown), None, "{unknown}");
    }
}

#[test]
fn what_is_not_said_is_absent() {
    for reply in
        ["{}", r#"{"miner_stats":null,"power_stats":null}"#, r#"{"miner_stats":{"real_hashrate":{}}}"#]
    {
        let stats = Stats::parse(reply.as_bytes()).unwrap();
        assert_eq!((stats.hash_rate(), stats.power()), (None, None), "{reply}");
    }
    let details = Details::parse(b"{}").unwrap();
    assert_eq!(
        (details.state(), details.mac(), details.model(), details.firmware()),
        (None, None, None, None)
    );
    assert!(matches!(Stats::parse(b"[]"), Err(ReplyError::Broken(Trouble::Garbled))));
    let token = Token::parse(br#"{"token":"a","timeout_s":3600}"#).unwrap();
    assert_eq!(token.ends_after(), Some(Duration::from_secs(3_600)));
    assert_eq!(format!("{token:?}"), "Token(..)", "it is never logged");
}

#[tokio::test(start_paused = true)]
async fn it_obeys() {
    obeys(Family::BraiinsOs, MODEL, "Antminer S19j Pro").await;
}

#[tokio::test(start_paused = true)]
async fn it_is_never_believed() {
    is_never_believed(Family::BraiinsOs, MODEL).await;
    misbehaves(Family::BraiinsOs, MODEL, &HTTP_FAULTS).await;
}

#[tokio::test(start_paused = true)]
async fn what_the_statistics_said_keeps_its_own_time_and_is_dropped_asleep() {
    let (fronts, ix) = stage(Family::BraiinsOs, MODEL, &running());
    let mut seat = seat(&fronts, ix);
    seat.read().await.unwrap();
    // It restarts: without a rate, and with the watts of one that is awake.
    assert_eq!(order(&mut seat, Order::Reboot).await, Outcome::Accepted);
    tokio::time::advance(Duration::from_secs(60)).await;
    let mut buffer = Vec::new();
    let said_at = fronts.clock().now();
    let read = seat.driver.read_fast(seat.family, seat.at, &mut seat.link, &mut buffer).await;
    assert_eq!(read, Ok(None), "the statistics do not say why");
    tokio::time::advance(Duration::from_secs(10)).await;
    let mut asleep = seat.link.clone();
    let starting = seat.read().await.unwrap();
    assert_eq!(starting.activity, Activity::Starting);
    assert!(starting.power.is_some());
    assert_eq!(starting.at, said_at, "the watts are those of ten seconds ago");

    // What is told next is that it sleeps: the watts of before are not those of a sleeper.
    fronts.with(|plant| plant.command(ix, offpeak_site::Action::Sleep));
    later(10).await;
    std::mem::swap(&mut seat.link, &mut asleep);
    let reading = seat.read().await.unwrap();
    assert_eq!((reading.activity, reading.power, reading.hash_rate), (Activity::Asleep, None, None));
    assert_eq!(reading.at, fronts.clock().now());
}

#[tokio::test(start_paused = true)]
async fn a_token_lives_as_long_as_it_is_used() {
    let (fronts, ix) = stage(Family::BraiinsOs, MODEL, &running());
    let mut seat = seat(&fronts, ix);
    seat.read().await.unwrap();
    let first = seat.link.bearer.clone().unwrap();
    for _ in 0..3 {
        tokio::time::advance(Duration::from_secs(500)).await;
        seat.read().await.unwrap();
        assert_eq!(seat.link.bearer.as_ref(), Some(&first));
    }
    tokio::time::advance(Duration::from_secs(601)).await;
    assert_eq!(seat.read().await.unwrap().activity, Activity::Hashing);
    assert_ne!(seat.link.bearer.as_ref(), Some(&first));

    let mut stranger = crate::fronts::seat(&fronts, ix);
    let wrong = Credentials { user: "admin".into(), password: String::new() };
    stranger.link.login = Some(std::sync::Arc::new(wrong));
    assert_eq!(stranger.read().await, Err(Trouble::Denied));
    let outcome = order(&mut stranger, Order::Sleep).await;
    assert_eq!(outcome, Outcome::Refused("Invalid username or password (code 401)".into()));
}

#[tokio::test(start_paused = true)]
async fn a_power_limit_holds_and_wakes_nobody() {
    keeps_a_power_limit(
        Family::BraiinsOs,
        MODEL,
        "power target 1500 W is below the minimum of 2000 W (code 400)",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_light_a_restart_and_pools() {
    let (fronts, ix) = stage(Family::BraiinsOs, MODEL, &running());
    let mut seat = seat(&fronts, ix);
    for on in [true, false] {
        assert_eq!(order(&mut seat, Order::Locate(on)).await, Outcome::Accepted);
    }
    let pool =
        Pool { url: "stratum+tcp://new.example:3333".into(), user: "a.b".into(), password: "x".into() };
    assert_eq!(order(&mut seat, Order::SetPools(vec![pool.clone()])).await, Outcome::Accepted);
    assert!(matches!(order(&mut seat, Order::SetPools(vec![pool; 9])).await, Outcome::Refused(_)));
    assert_eq!(order(&mut seat, Order::Reboot).await, Outcome::Accepted);
    later(1).await;
    assert_eq!(seat.read().await.unwrap().activity, Activity::Starting);
}

proptest! {
    #[test]
    fn nothing_that_arrives_panics(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        prop_assert!(Stats::parse(&bytes).is_err());
        let _ = (Details::parse(&bytes), Token::parse(&bytes));
    }

    #[test]
    fn a_mutated_recording_never_panics(place in 0_usize..4_000, with in any::<u8>(), end in 0_usize..5_000) {
        for mut reply in [recorded!("braiins/v25_07/miner_stats.json"), recorded!("braiins/v25_07/miner_details.json")] {
            let length = reply.len();
            reply[place % length] = with;
            reply.truncate(end.max(1));
            if let Ok(stats) = Stats::parse(&reply) {
                let _ = (stats.hash_rate(), stats.power());
            }
            let _ = Details::parse(&reply).map(|details| (details.state(), details.mac()));
        }
    }
}
