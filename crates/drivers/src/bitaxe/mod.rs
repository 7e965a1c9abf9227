//! Bitaxe and its relatives with ESP-Miner (`AxeOS`), from firmware 2.0 on: JSON over HTTP, open to anybody in its
//! network.
//!
//! Sources: ESP-Miner's OpenAPI description (github.com/bitaxeorg/ESP-Miner); the pause of 2.14 in its pull request
//! 1608; asic-rs 0.8.6; the recorded reply in `tests/fixtures/bitaxe`.
//!
//! What is known of it:
//! - One request, `system/info`, tells everything. It has no TCP API and no password.
//! - It can be paused from 2.14 on; before, `miningPaused` is not told and the page for it is not there.
//! - Its watts are those of its own direct current, without the power supply's loss.
//! - It has no modes and keeps no power target: frequency and voltage are set by hand.
//! - New pools hold from its next restart on.
//!
//! Not here: connections (`http`), what the REST families share (`rest`).

pub(crate) mod drive;
pub mod full;
pub mod reply;

pub use reply::Info;

/// The pages.
pub mod page {
    /// Everything.
    pub const INFO: &str = "/api/system/info";
    /// Settings, for `PATCH`.
    pub const SYSTEM: &str = "/api/system";
    /// Stops hashing.
    pub const PAUSE: &str = "/api/system/pause";
    /// Hashes again.
    pub const RESUME: &str = "/api/system/resume";
    /// Restarts.
    pub const RESTART: &str = "/api/system/restart";
    /// Shows itself for a while.
    pub const IDENTIFY: &str = "/api/system/identify";
}
