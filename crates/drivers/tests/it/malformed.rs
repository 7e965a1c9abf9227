//! Bytes that are no reply give an error and never a value.

use offpeak_drivers::antminer::{Conf, Saved, Stats, SystemInfo, Version as AntminerVersion};
use offpeak_drivers::whatsminer::{DeviceDetails, MinerInfo, Salts, State, Summary, Version};
use offpeak_site::Trouble;
use proptest::prelude::*;

use crate::recorded::recorded;

/// Runs every codec; true if any took the bytes for an answer that says what a machine does.
fn any_believes(bytes: &[u8]) -> bool {
    let _ =
        (Version::parse(bytes), MinerInfo::parse(bytes), Salts::parse(bytes), DeviceDetails::parse(bytes));
    let _ = (AntminerVersion::parse(bytes), Saved::accepted(bytes), SystemInfo::parse(bytes));
    Summary::parse(bytes).is_ok_and(|summary| summary.hash_rate().is_some())
        || Stats::parse(bytes).is_ok_and(|stats| stats.hash_rate().is_some())
        || State::parse(bytes).is_ok_and(|state| state.is_off().is_some())
        || Conf::parse(bytes).is_ok_and(|conf| conf.work_mode().is_some())
}

#[test]
fn a_reply_cut_anywhere_is_truncated() {
    for reply in [recorded!("whatsminer/v1/summary.json"), recorded!("antminer/v2020/stats.json")] {
        for end in 1..reply.len() {
            let cut = &reply[..end];
            let (summary, stats) = (Summary::parse(cut).unwrap_err(), Stats::parse(cut).unwrap_err());
            assert_eq!(
                (summary.trouble(), stats.trouble()),
                (Trouble::Truncated, Trouble::Truncated),
                "{end}"
            );
        }
    }
}

#[test]
fn a_corpus_of_things_that_are_no_reply() {
    let corpus: [&[u8]; 16] = [
        b"",
        b" ",
        b"\0",
        b"null",
        b"[]",
        b"{}",
        b"<html><body>502 Bad Gateway</body></html>",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\xff\xfe\xfd",
        b"{\"STATUS\":\"S\"}",
        b"{\"STATUS\":[]}",
        b"{\"STATUS\":[{\"STATUS\":\"S\"}],\"SUMMARY\":[]}",
        b"{\"STATUS\":[{\"STATUS\":\"S\"}],\"SUMMARY\":[{\"MHS av\":{}}]}",
        b"{\"STATUS\":[{\"STATUS\":\"S\"}],\"SUMMARY\":[{}],\"STATS\":[{}]}",
        b"{\"STATUS\":\"S\",\"Msg\":{}}",
        b"{\"STATUS\":\"S\",\"Msg\":{\"mineroff\":\"perhaps\"}}",
    ];
    for bytes in corpus {
        assert!(!any_believes(bytes), "{}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn a_deeply_nested_reply_is_refused() {
    let deep = [b"{\"STATUS\":".as_slice(), &b"[".repeat(100_000)].concat();
    assert!(!any_believes(&deep));
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_never_believed(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        prop_assert!(!any_believes(&bytes));
    }

    #[test]
    fn a_mutated_recording_never_panics(
        place in 0_usize..2_000, with in any::<u8>(), end in 0_usize..3_000, which in 0_usize..3,
    ) {
        let mut reply = match which {
            0 => recorded!("whatsminer/v1/summary.json"),
            1 => recorded!("antminer/v2020/stats.json"),
            _ => recorded!("whatsminer/v2/status.json"),
        };
        let length = reply.len();
        reply[place % length] = with;
        reply.truncate(end.max(1));
        any_believes(&reply);
    }

    /// Whatever is left out is absent: no other field, and no zero, stands in for it.
    #[test]
    fn what_is_left_out_is_absent(keep in proptest::collection::vec(any::<bool>(), 80)) {
        let mut reply: serde_json::Value =
            serde_json::from_slice(&recorded!("whatsminer/v1/summary.json")).unwrap();
        let object = reply["SUMMARY"][0].as_object_mut().unwrap();
        let keys: Vec<String> = object.keys().cloned().collect();
        for (key, _) in keys.iter().zip(&keep).filter(|(_, keep)| !**keep) {
            object.remove(key);
        }
        let has = |key: &str| object.contains_key(key);
        let rates = ["MHS 5s", "HS RT", "MHS 1m", "MHS 5m", "MHS 15m", "MHS av"];
        let (rate, power) = (rates.into_iter().any(has), has("Power") || has("Power_RT"));
        let (hot, mode) = (has("Temperature") || has("Chip Temp Max"), has("Power Mode"));
        let bytes = serde_json::to_vec(&reply).unwrap();
        let summary = Summary::parse(&bytes).unwrap();
        prop_assert_eq!(summary.hash_rate().is_some(), rate);
        prop_assert_eq!(summary.power().is_some(), power);
        prop_assert_eq!(summary.temperature().is_some(), hot);
        prop_assert_eq!(summary.mode().is_some(), mode);
    }
}
