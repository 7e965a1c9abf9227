//! Bitmain Antminer on stock firmware (S19 and later): the CGMiner API on TCP 4028 for statistics, and
//! digest-authenticated HTTP pages for everything else.
//!
//! Sources: cgminer's API-README; the recorded replies in `tests/fixtures/antminer`; for the work mode,
//! pyasic 0.79.0 (`config/mining.py`, `miners/backends/antminer.py`) and asic-rs issue reports of S19j Pro
//! and S19 XP: `get_miner_conf.cgi` names it `bitmain-work-mode` (text), `set_miner_conf.cgi` heeds only
//! `miner-mode` (a number) in a full configuration sent as `text/plain`.
//!
//! Not here: connections (`exchange`, `http`).

pub mod conf;
pub(crate) mod drive;
pub mod reply;

pub use conf::{Conf, Saved, SystemInfo, WorkMode};
pub use reply::{Stats, Version};

/// The request for a CGMiner command without parameters.
#[must_use]
pub fn request(command: &str) -> Vec<u8> {
    format!("{{\"command\":\"{command}\"}}").into_bytes()
}

/// The pages.
pub mod page {
    /// Model, MAC address, serial number, firmware.
    pub const SYSTEM_INFO: &str = "/cgi-bin/get_system_info.cgi";
    /// Pools, fans and work mode.
    pub const CONF: &str = "/cgi-bin/get_miner_conf.cgi";
    /// Where they are saved.
    pub const SET_CONF: &str = "/cgi-bin/set_miner_conf.cgi";
}
