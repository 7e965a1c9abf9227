//! ePIC's PowerPlay and UMC OS: JSON over HTTP at the port where others have a TCP API. Anybody may read;
//! each write carries the password.
//!
//! Sources: the firmware's OpenAPI description, version 1.38.3; asic-rs 0.8.6; the recorded replies in
//! `tests/fixtures/epic`.
//!
//! What is known of it:
//! - A refusal has the status 200 and says `"result": false` with a word for why.
//! - It tunes to a hash rate, and with some models to watts (`PowerTune`), instead of modes. Which rate goes with
//!   which watts is told in its table of presets.
//! - A machine that lost its pool may idle and says so with the word of one that was stopped.
//! - A supply that cannot measure reports zero watts.
//!
//! Not here: connections (`http`), what the REST families share (`rest`).

pub(crate) mod drive;
pub mod full;
pub mod reply;

pub use reply::{Capabilities, Network, Summary};

/// The pages.
pub mod page {
    /// State, rate, watts, temperatures.
    pub const SUMMARY: &str = "/summary";
    /// Model, serial numbers, what it can be tuned to.
    pub const CAPABILITIES: &str = "/capabilities";
    /// Its hardware address.
    pub const NETWORK: &str = "/network";
    /// Stops and starts mining.
    pub const MINER: &str = "/miner";
    /// What to tune to.
    pub const TUNE: &str = "/perpetualtune/algo";
    /// Restarts the control board.
    pub const REBOOT: &str = "/reboot";
    /// The light.
    pub const IDENTIFY: &str = "/identify";
    /// The pools.
    pub const COIN: &str = "/coin";
}
