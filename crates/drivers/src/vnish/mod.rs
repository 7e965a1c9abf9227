//! VNish 1.2 and 1.3 on Antminers: JSON over HTTP under `/api/v1`, behind a session token.
//!
//! Sources: the firmware's own OpenAPI description (served by each machine; read in 2026 in a published
//! rendering of it, and as asic-rs 0.8.6 and pyasic 0.79.0 use it). No recorded reply of a whole summary under a free
//! licence was found.
//!
//! What is known of it:
//! - One request, `summary`, tells state, rate, watts and temperatures. Its `miner` is null while no mining
//!   process runs; `status` tells the state then.
//! - Writing needs a token, which `unlock` gives for the password; too many wrong ones are answered with 429.
//! - It has presets, named after their watts, instead of modes. One that is not tuned yet takes hours to tune.
//! - A saved setting may ask for a restart of the mining process before it holds.
//!
//! Not here: connections (`http`), tokens (`rest`).

pub(crate) mod drive;
pub mod full;
pub mod reply;

pub use reply::{Info, Presets, Saved, State, Status, Summary, Unlocked};

/// What the pages' paths begin with.
pub const ROOT: &str = "/api/v1/";

/// The pages.
pub mod page {
    /// State, rate, watts, temperatures.
    pub const SUMMARY: &str = "/api/v1/summary";
    /// The state alone.
    pub const STATUS: &str = "/api/v1/status";
    /// Who it is.
    pub const INFO: &str = "/api/v1/info";
    /// Gives a token for the password.
    pub const UNLOCK: &str = "/api/v1/unlock";
    /// Stops mining.
    pub const STOP: &str = "/api/v1/mining/stop";
    /// Starts mining.
    pub const START: &str = "/api/v1/mining/start";
    /// Starts the mining process anew.
    pub const RESTART: &str = "/api/v1/mining/restart";
    /// The settings, read and saved.
    pub const SETTINGS: &str = "/api/v1/settings";
    /// The presets.
    pub const PRESETS: &str = "/api/v1/autotune/presets";
    /// The light, to be found.
    pub const FIND: &str = "/api/v1/find-miner";
    /// Restarts the control board.
    pub const REBOOT: &str = "/api/v1/system/reboot";
}
