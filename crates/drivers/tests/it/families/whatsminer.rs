//! WhatsMiner API version 2: the orders beside sleep and modes.

use offpeak_drivers::call::{Order, Pool};
use offpeak_site::{Activity, Family, Outcome};

use super::{TCP_FAULTS, is_never_believed, later, misbehaves, obeys, order, stage};
use crate::fronts::{ask, running, seat};

const FAMILY: Family = Family::WhatsminerV2;
const MODEL: &str = "M30S";

#[tokio::test(start_paused = true)]
async fn it_obeys() {
    obeys(FAMILY, MODEL, "M30SVE10").await;
}

#[tokio::test(start_paused = true)]
async fn it_is_never_believed() {
    is_never_believed(FAMILY, MODEL).await;
    misbehaves(FAMILY, MODEL, &TCP_FAULTS).await;
}

#[tokio::test(start_paused = true)]
async fn a_light_a_restart_and_pools() {
    let (fronts, ix) = stage(FAMILY, MODEL, &running());
    let mut seat = seat(&fronts, ix);
    for (on, light) in [(true, "manual"), (false, "auto")] {
        assert_eq!(order(&mut seat, Order::Locate(on)).await, Outcome::Accepted);
        assert_eq!(ask(&fronts, ix, br#"{"cmd":"get_miner_info"}"#).await["Msg"]["ledstat"], light);
    }
    let pool = |user: &str| Pool {
        url: "stratum+tcp://new.example:3333".into(),
        user: user.into(),
        password: "x".into(),
    };
    assert_eq!(order(&mut seat, Order::SetPools(vec![pool("a.\"b"), pool("a.c")])).await, Outcome::Accepted);
    let pools = ask(&fronts, ix, br#"{"cmd":"pools"}"#).await;
    let users: Vec<&str> =
        pools["POOLS"].as_array().unwrap().iter().map(|p| p["User"].as_str().unwrap()).collect();
    assert_eq!(users, ["a.\"b", "a.c"], "those that were not given are gone");
    for bad in [vec![], vec![pool("a"); 4]] {
        assert!(matches!(order(&mut seat, Order::SetPools(bad)).await, Outcome::Refused(_)));
    }
    assert_eq!(order(&mut seat, Order::Reboot).await, Outcome::Accepted);
    later(1).await;
    assert_eq!(seat.read().await.unwrap().activity, Activity::Starting);
}
