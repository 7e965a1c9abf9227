//! Recorded replies give the values that a person reads in them; what they lack stays absent.

use offpeak_drivers::antminer::{Conf, Stats, SystemInfo, WorkMode};
use offpeak_drivers::refusal::ReplyError;
use offpeak_drivers::whatsminer::{MinerInfo, State, Summary, Version, code};
use offpeak_drivers::{antminer, whatsminer};
use offpeak_site::{ModeName, Trouble};
use offpeak_units::{HashRate, Power, Temperature};

/// A recorded reply on one line, as machines send it.
macro_rules! recorded {
    ($path:literal) => {{
        let text = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/", $path));
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        serde_json::to_vec(&value).unwrap()
    }};
}
pub(crate) use recorded;

#[test]
fn a_whatsminer_m20s_of_version_1() {
    let reply = recorded!("whatsminer/v1/summary.json");
    let summary = Summary::parse(&reply).unwrap();
    assert_eq!(summary.hash_rate(), HashRate::from_terahashes_f64(70.668_114_52));
    assert_eq!(summary.power(), Some(Power::from_watts(3_427)));
    assert_eq!(summary.temperature(), Some(Temperature::from_millicelsius(92_500)));
    assert_eq!(summary.mode(), Some(ModeName::Normal));
    assert_eq!(summary.mac().unwrap().to_string(), "C4:08:28:00:A4:19");
    assert_eq!(summary.firmware.get(), Some("'20210322.22.REL'"));
    assert_eq!(summary.error_count.whole(), Some(0));
    assert_eq!(summary.power_limit.whole(), Some(3_500));
    assert_eq!(summary.liquid_cooling.get(), Some(false));
    assert_eq!(summary.stable.get(), Some(true));
    assert_eq!(summary.temperature_around.get(), None);
    assert_eq!(summary.numbered.present, [0_u32; 0]);
    let reply = recorded!("whatsminer/v1/summary_with_errors.json");
    assert_eq!(Summary::parse(&reply).unwrap().numbered.present, [110, 600]);
}

#[test]
fn every_field_of_a_recorded_summary_is_read() {
    let summary: serde_json::Value =
        serde_json::from_slice(&recorded!("whatsminer/v1/summary_with_errors.json")).unwrap();
    for (key, value) in summary["SUMMARY"][0].as_object().unwrap() {
        let alone = serde_json::json!({ key: value }).to_string();
        let read: Summary<'_> = serde_json::from_str(&alone).unwrap();
        assert_ne!(read, Summary::default(), "`{key}` is not read");
    }
    let stats: serde_json::Value = serde_json::from_slice(&recorded!("antminer/v2020/stats.json")).unwrap();
    // Chip maps and sensors that are not fitted tell nothing more.
    let silent = |key: &str| key.starts_with("chain_acs") || key.ends_with('4') && key.starts_with("temp");
    for object in stats["STATS"].as_array().unwrap() {
        for (key, value) in object.as_object().unwrap().iter().filter(|(key, _)| !silent(key)) {
            let whole = serde_json::json!({"STATUS": "S", "STATS": [{ key: value }]}).to_string();
            let read = Stats::parse(whole.as_bytes()).unwrap();
            assert_ne!(read, Stats::default(), "`{key}` is not read");
        }
    }
}

#[test]
fn a_whatsminer_of_version_2() {
    let reply = recorded!("whatsminer/v2/summary.json");
    let summary = Summary::parse(&reply).unwrap();
    assert_eq!(summary.hash_rate(), HashRate::from_terahashes_f64(124.5));
    assert_eq!(summary.power(), Some(Power::from_watts(3_200)));
    assert_eq!(summary.temperature(), Some(Temperature::from_celsius(81)));
    assert_eq!(summary.mac().unwrap().to_string(), "D4:01:02:03:04:05");

    let reply = recorded!("whatsminer/v2/status.json");
    let state = State::parse(&reply).unwrap();
    assert_eq!(state.is_off(), Some(false));
    assert_eq!(state.mode(), Some(ModeName::Low));
    assert_eq!(state.power_limit.whole(), Some(3_600));
    let reply = recorded!("whatsminer/v1/status.json");
    assert_eq!(State::parse(&reply).unwrap().is_off(), Some(false));

    let reply = recorded!("whatsminer/v2/get_version.json");
    let version = Version::parse(&reply).unwrap();
    assert_eq!((version.api.get(), version.firmware.get()), (Some("2.0.5"), Some("20230803.11.REL")));
    let reply = recorded!("whatsminer/v2/get_miner_info.json");
    assert_eq!(MinerInfo::parse(&reply).unwrap().mac().unwrap().to_string(), "D4:01:02:03:04:05");
}

#[test]
fn a_whatsminer_that_is_off_says_so_itself() {
    // Recorded of an M31S with firmware 20210109.22.REL; Msg is the whole of what it says.
    let reply = br#"{"STATUS":"S","When":1613790817,"Code":131,"Msg":{"btmineroff":"true","Firmware Version":"'20210109.22.REL'"},"Description":"whatsminer v1.3"}"#;
    assert_eq!(State::parse(reply).unwrap().is_off(), Some(true));
    let silent = br#"{"STATUS":"S","Code":131,"Msg":{"power_mode":""}}"#;
    let state = State::parse(silent).unwrap();
    assert_eq!((state.is_off(), state.mode()), (None, None));
}

#[test]
fn refusals_keep_their_code_and_words() {
    let denied = br#"{"STATUS":"E","When":1,"Code":45,"Msg":"can't access write cmd","Description":""}"#;
    let Err(ReplyError::Refused(refusal)) = whatsminer::reply::accepted(denied) else { panic!() };
    assert_eq!((refusal.code, refusal.words.as_str()), (Some(code::DENIED), "can't access write cmd"));
    assert_eq!(refusal.to_string(), "can't access write cmd (code 45)");
    let listed = br#"{"STATUS":[{"STATUS":"E","When":1,"Code":14,"Msg":"Invalid command","Description":"cgminer 1.0.0"}],"id":1}"#;
    let Err(ReplyError::Refused(refusal)) = Stats::parse(listed) else { panic!() };
    assert_eq!((refusal.code, refusal.words.as_str()), (Some(14), "Invalid command"));
    assert_eq!(Summary::parse(listed).unwrap_err().trouble(), Trouble::Denied);
}

#[test]
fn an_antminer_s19_pro() {
    let reply = recorded!("antminer/v2020/stats.json");
    let stats = Stats::parse(&reply).unwrap();
    assert_eq!(stats.model.get(), Some("Antminer S19 Pro"));
    assert_eq!(stats.hash_rate(), HashRate::from_terahashes_f64(110.566_89));
    assert_eq!(stats.temperature(), Some(Temperature::from_celsius(78)));
    assert_eq!(stats.elapsed.whole(), Some(50_474));
    assert_eq!(stats.numbered.chips[..3].iter().filter_map(|n| n.whole()).collect::<Vec<_>>(), [114; 3]);
    assert_eq!(stats.numbered.rates[0].get(), Some(37_603.30));
    assert_eq!(stats.numbered.rates[3].get(), None);
    assert_eq!(stats.numbered.fans[2].whole(), Some(5_040));
    assert_eq!(stats.work_mode.whole(), None);

    let reply = recorded!("antminer/v2020/version.json");
    assert_eq!(antminer::Version::parse(&reply).unwrap().model.get(), Some("Antminer S19 Pro"));
    let reply = recorded!("antminer/v2020/system_info.json");
    let info = SystemInfo::parse(&reply).unwrap();
    assert_eq!((info.model.get(), info.serial.get()), (Some("Antminer S21"), Some("THQING0BDJAB024NF")));
    // The publisher blotted a digit out: that is no address, and none is made up.
    assert_eq!(info.mac(), None);
}

#[test]
fn later_antminers_name_units_and_sensors_otherwise() {
    let reply = recorded!("antminer/v2023_07/l9_stats.json");
    let stats = Stats::parse(&reply).unwrap();
    assert_eq!(stats.hash_rate(), HashRate::from_terahashes_f64(0.011_48));
    assert_eq!(stats.temperature(), Some(Temperature::from_celsius(81)));
}

#[test]
fn the_work_mode_is_read_under_one_name_and_written_under_another() {
    let page = br#"{"pools":[{"url":"stratum+tcp://pool.example:3333","user":"a.b","pass":"x"}],
        "bitmain-fan-ctrl":false,"bitmain-fan-pwm":"100","bitmain-freq-level":"100","bitmain-work-mode":"1"}"#;
    let conf = Conf::parse(page).unwrap();
    assert_eq!(conf.work_mode(), Some(WorkMode::Sleep));
    let body: serde_json::Value =
        serde_json::from_slice(&conf.with_work_mode(WorkMode::Low).unwrap()).unwrap();
    assert_eq!(body["miner-mode"], 3);
    assert_eq!(body["pools"][0]["user"], "a.b");
    assert_eq!(body["freq-level"], "100");
    assert_eq!(body.get("bitmain-work-mode"), None);
    let unknown = Conf::parse(br#"{"pools":[],"bitmain-work-mode":"7"}"#).unwrap();
    assert_eq!(unknown.work_mode(), None);
    assert!(Conf::parse(br#"{"bitmain-work-mode":"0"}"#).unwrap().with_work_mode(WorkMode::Sleep).is_err());
    assert!(Conf::parse(b"{}").is_err());
}
