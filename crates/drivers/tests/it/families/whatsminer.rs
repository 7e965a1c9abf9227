//! WhatsMiner API version 2: the orders beside sleep and modes.

use offpeak_drivers::call::{Order, Pool};
use offpeak_drivers::refusal::ReplyError;
use offpeak_drivers::whatsminer::{Secret, Token};
use offpeak_site::{Activity, Family, Outcome, Trouble};

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

/// Anybody can say that something was done; only who holds the secret can seal it.
#[test]
fn only_a_refusal_may_come_unsealed() {
    let given = br#"{"STATUS":"S","Code":134,"Msg":{"time":"4812","salt":"BQ5hoXV9","newsalt":"Xx2Yy3Zz"}}"#;
    let token = Token::from_reply(given, "admin").unwrap();
    let said = |letter: &str, code: u32, words: &str| {
        format!(r#"{{"STATUS":"{letter}","When":1,"Code":{code},"Msg":"{words}","Description":""}}"#)
    };
    let done = said("S", 131, "API command OK");
    assert!(matches!(token.accepted(done.as_bytes()), Err(ReplyError::Broken(Trouble::Garbled))));
    let denied = said("E", 45, "can't access write cmd");
    let Err(ReplyError::Refused(refusal)) = token.accepted(denied.as_bytes()) else { panic!() };
    assert_eq!(refusal.to_string(), "can't access write cmd (code 45)");
    let sealed = |plain: &str| {
        let sealed = Secret::derive("admin", "BQ5hoXV9").seal(plain.as_bytes());
        format!(r#"{{"enc":"{sealed}"}}"#)
    };
    token.accepted(sealed(&done).as_bytes()).unwrap();
    assert!(matches!(token.accepted(sealed(&denied).as_bytes()), Err(ReplyError::Refused(_))));
    assert!(matches!(token.accepted(b"{}"), Err(ReplyError::Broken(Trouble::Garbled))));
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
