//! WhatsMiner API version 3: recorded replies, lengths, salts.

use std::time::Duration;

use offpeak_drivers::call::{Order, Pool};
use offpeak_drivers::driver::api;
use offpeak_drivers::refusal::ReplyError;
use offpeak_drivers::whatsminer_v3::{DeviceInfo, Setting, Summary, accepted, framed, request};
use offpeak_site::{Activity, Family, ModeName, Outcome, Trouble};
use offpeak_twin::Fault;
use offpeak_units::{HashRate, Power, Temperature};
use proptest::prelude::*;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{is_never_believed, is_read_in, later, misbehaves, obeys, order, stage};
use crate::fronts::{running, seat};
use crate::recorded::recorded;

const MODEL: &str = "M60S";

#[test]
fn an_m60s() {
    let reply = recorded!("whatsminer/v3/get_miner_status_summary.json");
    let summary = Summary::parse(&reply).unwrap();
    assert_eq!(summary.hash_rate(), HashRate::from_terahashes_f64(171.259));
    assert_eq!(summary.power(), Some(Power::from_watts(3_156)));
    assert_eq!(summary.temperature(), Some(Temperature::from_celsius(82)));
    assert_eq!(summary.temperature_boards.0, [41.1, 40.1, 41.5]);
    assert_eq!((summary.power_limit.whole(), summary.elapsed.whole()), (Some(3_600), Some(50_000)));
    assert_eq!(summary.frequency_target.get(), None);

    let reply = recorded!("whatsminer/v3/get_device_info.json");
    let info = DeviceInfo::parse(&reply).unwrap();
    assert_eq!(info.mac().unwrap().to_string(), "CE:02:01:00:8C:36");
    assert_eq!((info.miner.working.get(), info.system.writes.get()), (Some(true), Some(true)));
    assert_eq!((info.miner.model.get(), info.salt.get()), (Some("M60S_VK40"), Some("uhCiDyVj")));
    assert_eq!(info.system.firmware.get(), Some("20251209.16.Rel2"));
    assert_eq!((info.errors(), info.supply.power_in.get()), (vec![], None));
    let reply = recorded!("whatsminer/v3/get_device_info_with_errors.json");
    assert_eq!(DeviceInfo::parse(&reply).unwrap().errors(), [264, 265, 266, 267, 270]);
}

#[test]
fn answers_of_the_vendor_s_document() {
    let setting = br#"{"code":0,"when":1692858102,"msg":{"power-limit":3500,"power-mode":"normal","power":3500},"desc":"get.miner.setting"}"#;
    assert_eq!(Setting::parse(setting).unwrap().mode(), Some(ModeName::Normal));
    accepted(br#"{"code":0,"when":1692685512,"msg":"ok","desc":"set.miner.service"}"#).unwrap();
    let denied = br#"{"code":-4,"when":1,"msg":"no permission","desc":"set.miner.service"}"#;
    let Err(ReplyError::Refused(refusal)) = accepted(denied) else { panic!() };
    assert_eq!(refusal.to_string(), "no permission (code -4)");
    assert!(matches!(accepted(b"{}"), Err(ReplyError::Broken(Trouble::Garbled))), "no code is no success");
}

#[tokio::test(start_paused = true)]
async fn it_obeys() {
    obeys(Family::WhatsminerV3, MODEL, "M60SVK30").await;
}

#[tokio::test(start_paused = true)]
async fn it_is_never_believed() {
    is_never_believed(Family::WhatsminerV3, MODEL).await;
    let faults = [
        (Fault::Dead, Trouble::Unreachable),
        (Fault::Hung, Trouble::Silent),
        // Its first bytes are taken for a length.
        (Fault::Garbage, Trouble::Oversized),
        (Fault::Flood, Trouble::Oversized),
        (Fault::CloseMidReply, Trouble::Truncated),
        (Fault::Nul, Trouble::Garbled),
    ];
    misbehaves(Family::WhatsminerV3, MODEL, &faults).await;
}

#[tokio::test(start_paused = true)]
async fn limits_modes_and_a_wrong_password() {
    let (fronts, ix) = stage(Family::WhatsminerV3, MODEL, &running());
    let mut seat = seat(&fronts, ix);
    seat.driver.keep_armed(seat.family, seat.at, &mut seat.link).await.unwrap();
    assert_eq!(seat.read().await.unwrap().mode, None, "the statistics do not name it");
    fronts.open_writes(ix, false);
    let refused = Outcome::Refused("no permission (code -4)".into());
    assert_eq!(order(&mut seat, Order::Sleep).await, refused);
    fronts.open_writes(ix, true);
    for (limit, mode) in [(2_500, ModeName::Low), (3_500, ModeName::Normal)] {
        assert_eq!(order(&mut seat, Order::LimitPower(Power::from_watts(limit))).await, Outcome::Accepted);
        later(60).await;
        assert_eq!(fronts.with(|plant| plant.truth(ix)).mode, mode);
    }
    // Asleep, a mode wakes it.
    assert_eq!(order(&mut seat, Order::Sleep).await, Outcome::Accepted);
    later(10).await;
    assert_eq!(seat.read().await.unwrap().activity, Activity::Asleep);
    assert_eq!(order(&mut seat, Order::SetMode(ModeName::High)).await, Outcome::Accepted);
    later(10).await;
    assert_eq!(seat.read().await.unwrap().activity, Activity::Starting, "the device says no more than that");
    assert!(is_read_in(&mut seat, ModeName::High).await);

    seat.link.login = Some(std::sync::Arc::new(offpeak_drivers::http::Credentials {
        user: "super".into(),
        password: "other".into(),
    }));
    assert_eq!(order(&mut seat, Order::Sleep).await, refused);
}

/// One framed request on an open connection.
async fn told(stream: &mut offpeak_drivers::connect::Stream, message: &[u8]) -> Value {
    stream.write_all(&framed(message)).await.unwrap();
    let mut length = [0; 4];
    stream.read_exact(&mut length).await.unwrap();
    let mut reply = vec![0; u32::from_le_bytes(length) as usize];
    stream.read_exact(&mut reply).await.unwrap();
    serde_json::from_slice(&reply).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_light_a_restart_pools_and_what_is_left_out() {
    let (fronts, ix) = stage(Family::WhatsminerV3, MODEL, &running());
    let mut seat = seat(&fronts, ix);
    let at = api(fronts.layout().endpoints()[ix.ix()]);
    let mut stream = fronts.connector().connect(at).await.unwrap();
    assert_eq!(order(&mut seat, Order::Locate(true)).await, Outcome::Accepted);
    let info = told(&mut stream, request::DEVICE).await;
    assert_eq!(info["msg"]["system"]["ledstatus"], "manual");
    let salt = told(&mut stream, br#"{"cmd":"get.device.info","param":"salt"}"#).await;
    assert_eq!(salt["msg"].as_object().unwrap().keys().collect::<Vec<_>>(), ["salt"]);
    let both = told(&mut stream, br#"{"cmd":"get.miner.status","param":"pools+edevs"}"#).await;
    assert_eq!(both["msg"]["edevs"].as_array().unwrap().len(), 3);
    assert_eq!(told(&mut stream, br#"{"cmd":"get.nothing"}"#).await["code"], -2);

    let pool =
        Pool { url: "stratum+tcp://new.example:3333".into(), user: "a.b".into(), password: "x".into() };
    assert_eq!(order(&mut seat, Order::SetPools(vec![pool.clone()])).await, Outcome::Accepted);
    assert!(matches!(order(&mut seat, Order::SetPools(vec![pool; 4])).await, Outcome::Refused(_)));
    assert_eq!(order(&mut seat, Order::Reboot).await, Outcome::Accepted);
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(seat.read().await.unwrap().activity, Activity::Starting);
}

proptest! {
    #[test]
    fn nothing_that_arrives_panics(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        let _ = (Summary::parse(&bytes), DeviceInfo::parse(&bytes), Setting::parse(&bytes));
        prop_assert!(accepted(&bytes).is_err());
    }

    #[test]
    fn a_mutated_recording_never_panics(place in 0_usize..2_000, with in any::<u8>(), end in 0_usize..3_000) {
        let replies = [
            recorded!("whatsminer/v3/get_miner_status_summary.json"),
            recorded!("whatsminer/v3/get_device_info_with_errors.json"),
        ];
        for mut reply in replies {
            let length = reply.len();
            reply[place % length] = with;
            reply.truncate(end.max(1));
            if let Ok(summary) = Summary::parse(&reply) {
                let _ = (summary.hash_rate(), summary.power(), summary.temperature());
            }
            if let Ok(info) = DeviceInfo::parse(&reply) {
                let _ = (info.mac(), info.errors());
            }
        }
    }

    #[test]
    fn what_is_left_out_is_absent(keep in proptest::collection::vec(any::<bool>(), 30)) {
        let mut reply: Value =
            serde_json::from_slice(&recorded!("whatsminer/v3/get_miner_status_summary.json")).unwrap();
        let object = reply["msg"]["summary"].as_object_mut().unwrap();
        let keys: Vec<String> = object.keys().cloned().collect();
        for (key, _) in keys.iter().zip(&keep).filter(|(_, keep)| !**keep) {
            object.remove(key);
        }
        let has = |key: &str| object.contains_key(key);
        let rate = ["hash-realtime", "hash-1min", "hash-15min", "hash-average"].into_iter().any(has);
        let power = has("power-realtime") || has("power-5min");
        let hot = has("board-temperature") || has("chip-temp-max");
        let bytes = serde_json::to_vec(&reply).unwrap();
        let summary = Summary::parse(&bytes).unwrap();
        prop_assert_eq!(summary.hash_rate().is_some(), rate);
        prop_assert_eq!(summary.power().is_some(), power);
        prop_assert_eq!(summary.temperature().is_some(), hot);
    }
}
