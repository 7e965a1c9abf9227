//! Luxor LuxOS on Antminers: a CGMiner-like API on TCP 4028, one request a connection, with sessions.
//!
//! Sources: Luxor's API documentation (docs.luxor.tech/firmware/api: introduction, sessions, `logon`,
//! `session`, `curtail`, `profileset`, `atm`, power targeting), read in 2026; the recorded replies in
//! `tests/fixtures/luxos`; for `ledset`, `rebootdevice` and the pools also asic-rs 0.8.6 and pyasic 0.79.0.
//!
//! What is known of it:
//! - Commands without parameters may be joined by `+`: one request tells rate, watts, temperatures and
//!   whether it sleeps.
//! - Changes need a session. There is one at a time, for everybody; it ends a minute after its last use.
//!   It orders those who share a machine and protects nothing. So it is taken for one order and given
//!   back; only an order that reduces load goes on in somebody else's.
//! - It has profiles, from which a power limit picks, instead of modes.
//!
//! Not here: connections (`exchange`).

pub(crate) mod drive;
pub mod full;
pub mod reply;

pub use reply::{Config, Fast, Pools, Power, Profiles, Session, Summary, Temperatures, Version};

/// The one request of a fast reading.
pub const FAST: &[u8] = b"{\"command\":\"summary+power+temps+config\"}";

/// A request; `parameter` is a list with commas, empty for none.
#[must_use]
pub fn request(command: &str, parameter: &str) -> Vec<u8> {
    let parameter = serde_json::Value::from(parameter);
    if parameter == "" {
        return format!("{{\"command\":\"{command}\"}}").into_bytes();
    }
    format!("{{\"command\":\"{command}\",\"parameter\":{parameter}}}").into_bytes()
}
