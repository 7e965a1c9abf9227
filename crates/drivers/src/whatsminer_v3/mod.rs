//! MicroBT WhatsMiner, TCP API version 3 (firmware of May 2024 and later): JSON on TCP 4433, each message
//! behind its length in four bytes, least first. Reading is open; a write carries a token made of the
//! command, the password, a salt that the machine tells and a time; pools are encrypted as well.
//!
//! Sources: MicroBT, "WhatsMiner API 3.0.3" (apidoc.whatsminer.com; as kept in the crate matroskin 0.1.0,
//! `docs/api-doc`); the recorded replies in `tests/fixtures/whatsminer/v3`.
//!
//! What is known of it:
//! - Writing is refused as long as the API's switch is off or the password is the factory's.
//! - The statistics do not say that the mining service is stopped; the device's information does.
//! - Nobody says that a salt is one machine's own: before each write it is asked who answers.
//! - A stopped service starts again with the machine's next start.
//!
//! Not here: connections (`connect`).

pub(crate) mod drive;
pub(crate) mod frame;
pub mod full;
pub mod reply;
pub mod write;

pub use reply::{DeviceInfo, Setting, Summary, accepted};
pub use write::{Key, Write};

/// The requests without their length; [`framed`] puts it before them.
pub mod request {
    /// Rates, watts and temperatures.
    pub const SUMMARY: &[u8] = br#"{"cmd":"get.miner.status","param":"summary"}"#;
    /// Who it is, its salt, and whether its service runs.
    pub const DEVICE: &[u8] = br#"{"cmd":"get.device.info"}"#;
    /// Its mode.
    pub const SETTING: &[u8] = br#"{"cmd":"get.miner.setting"}"#;
}

/// A message behind its length.
///
/// # Panics
/// If the message is longer than 4 GB.
#[must_use]
pub fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).expect("messages are far below 4 GB");
    [&length.to_le_bytes(), message].concat()
}
