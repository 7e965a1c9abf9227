//! Proto Rig (Block), MDK-API 1.8: JSON over HTTP under `/api/v1`, behind a session token.
//!
//! Sources: Proto's API as its open fleet software uses it (github.com/block/proto-fleet: the generated types name
//! every state and field), read in 2026; asic-rs 0.8.6; the recorded replies in `tests/fixtures/proto`.
//!
//! What is known of it:
//! - One request, `mining`, tells state, rate, watts and temperatures; before the rig is set up it has no content.
//! - It has no TCP API: it is recognised by its pages.
//! - A power target instead of modes. A rig without pools is awake and does not hash.
//! - Its light goes out by itself and not before.
//!
//! Not here: connections (`http`), tokens (`rest`).

pub(crate) mod drive;
pub mod full;
pub mod reply;

pub use reply::{Access, Mining, Network, State, System};

/// What the pages' paths begin with.
pub const ROOT: &str = "/api/v1/";

/// The pages.
pub mod page {
    /// Gives a token for the password.
    pub const LOGIN: &str = "/api/v1/auth/login";
    /// State, rate, watts, temperatures.
    pub const MINING: &str = "/api/v1/mining";
    /// What it is.
    pub const SYSTEM: &str = "/api/v1/system";
    /// Its hardware address.
    pub const NETWORK: &str = "/api/v1/network";
    /// Stops mining.
    pub const STOP: &str = "/api/v1/mining/stop";
    /// Starts mining.
    pub const START: &str = "/api/v1/mining/start";
    /// The watts to keep to.
    pub const TARGET: &str = "/api/v1/mining/target";
    /// Its boards' names and chips.
    pub const HARDWARE: &str = "/api/v1/hardware";
    /// Its boards' rates and temperatures.
    pub const TELEMETRY: &str = "/api/v1/telemetry";
    /// Its fans.
    pub const COOLING: &str = "/api/v1/cooling";
    /// What is wrong.
    pub const ERRORS: &str = "/api/v1/errors";
    /// The pools.
    pub const POOLS: &str = "/api/v1/pools";
    /// Lets the light blink for a while.
    pub const LOCATE: &str = "/api/v1/system/locate";
    /// Restarts the control board.
    pub const REBOOT: &str = "/api/v1/system/reboot";
}
