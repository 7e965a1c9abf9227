//! Bitmain Antminer on stock firmware: the CGMiner API on TCP 4028 for statistics, and
//! digest-authenticated HTTP pages for everything else. Firmwares before the S19's have no sleep command
//! (S9, S15, S17 and the T series beside them): those machines are read here and stopped at their outlet.
//!
//! Sources: cgminer's API-README; the recorded replies in `tests/fixtures/antminer`; for the pages of
//! light and restart, asic-rs 0.8.6 and pyasic 0.79.0 (Bitmain publishes no document); for the work mode,
//! pyasic 0.79.0 (`config/mining.py`, `miners/backends/antminer.py`) and asic-rs issue reports of S19j Pro
//! and S19 XP: `get_miner_conf.cgi` names it `bitmain-work-mode` (text), `set_miner_conf.cgi` heeds only
//! `miner-mode` (a number) in a full configuration sent as `text/plain`.
//!
//! Not here: connections (`exchange`, `http`).

pub mod conf;
pub(crate) mod drive;
pub mod full;
pub mod reply;

pub use conf::{Conf, Saved, SystemInfo, WorkMode};
pub use reply::{Stats, Version};

/// The request for a CGMiner command without parameters.
#[must_use]
pub fn request(command: &str) -> Vec<u8> {
    format!("{{\"command\":\"{command}\"}}").into_bytes()
}

/// Whether a machine of this name, such as `Antminer S17 Pro`, is of the S or T series before the 19th,
/// whose stock firmware has no sleep command and means other things by its work modes.
#[must_use]
pub fn is_sleepless(model: &str) -> bool {
    let name = model.trim_start_matches("Antminer").trim_start();
    let Some(series) = name.strip_prefix(['S', 'T']) else { return false };
    let digits = series.len() - series.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    series[..digits].parse::<u32>().is_ok_and(|series| series < 19)
}

/// Puts the comma that firmwares of the 9 and 17 series leave out between the two objects of their
/// statistics (known to pyasic 0.79.0 too): `}{` stands in no text that they send.
pub fn mend(reply: &mut Vec<u8>) {
    let mut from = 0;
    while let Some(place) = memchr::memmem::find(&reply[from..], b"}{") {
        reply.insert(from + place + 1, b',');
        from += place + 2;
    }
}

/// The pages.
pub mod page {
    /// Model, MAC address, serial number, firmware.
    pub const SYSTEM_INFO: &str = "/cgi-bin/get_system_info.cgi";
    /// Pools, fans and work mode.
    pub const CONF: &str = "/cgi-bin/get_miner_conf.cgi";
    /// Where they are saved.
    pub const SET_CONF: &str = "/cgi-bin/set_miner_conf.cgi";
    /// The light, to be found.
    pub const BLINK: &str = "/cgi-bin/blink.cgi";
    /// Restarts the control board.
    pub const REBOOT: &str = "/cgi-bin/reboot.cgi";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_19_series_and_others_sleep() {
        for old in ["Antminer S9", "Antminer S9i", "Antminer S17+", "Antminer T17", "T15", "S17 Pro"] {
            assert!(is_sleepless(old), "{old}");
        }
        for new in ["Antminer S19 Pro", "Antminer T21", "Antminer L9", "Antminer S19", "", "S", "M30S"] {
            assert!(!is_sleepless(new), "{new}");
        }
    }

    #[test]
    fn a_missing_comma_is_put_in() {
        let mut reply = br#"{"STATS":[{"a":1}{"b":2}{"c":3}]}"#.to_vec();
        mend(&mut reply);
        assert_eq!(reply, br#"{"STATS":[{"a":1},{"b":2},{"c":3}]}"#);
        let whole = reply.clone();
        mend(&mut reply);
        assert_eq!(reply, whole);
    }
}
