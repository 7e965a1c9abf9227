//! Braiins OS 25.07 and newer on Antminers: JSON over HTTP under `/api/v1`, behind a session token.
//!
//! Sources: Braiins' Public REST API (OpenAPI 1.7.0, developer.braiins-os.com) and the gRPC contract it mirrors
//! (`miner.proto` of bos-plus-api names the states), read in 2026; the recorded replies in `tests/fixtures/braiins`.
//!
//! What is known of it:
//! - `miner/stats` tells rate and watts, `miner/details` the state: two questions.
//! - Every page needs a token, which ends some time after its last use; the machine names that time with it.
//! - `pause` stops the boards and leaves the process running; `resume` undoes it. A machine that is stopped
//!   in another way, or suspended for its own safety, may start by itself, so it counts as starting and not as asleep.
//! - It keeps to a power target by tuning, which takes a while.
//!
//! Not here: connections (`http`), tokens (`rest`), Braiins OS before 25.07 (`braiins_graphql`).

pub(crate) mod drive;
pub mod full;
pub mod reply;

pub use reply::{Details, State, Stats, Token};

/// What the pages' paths begin with.
pub const ROOT: &str = "/api/v1/";

/// The pages.
pub mod page {
    /// Gives a token for user and password.
    pub const LOGIN: &str = "/api/v1/auth/login";
    /// Rate and watts.
    pub const STATS: &str = "/api/v1/miner/stats";
    /// Who it is, and its state.
    pub const DETAILS: &str = "/api/v1/miner/details";
    /// Stops mining.
    pub const PAUSE: &str = "/api/v1/actions/pause";
    /// Mines again.
    pub const RESUME: &str = "/api/v1/actions/resume";
    /// Restarts the control board.
    pub const REBOOT: &str = "/api/v1/actions/reboot";
    /// The light, to be found.
    pub const LOCATE: &str = "/api/v1/actions/locate";
    /// The watts to keep to.
    pub const POWER_TARGET: &str = "/api/v1/performance/power-target";
    /// Its boards.
    pub const BOARDS: &str = "/api/v1/miner/hw/hashboards";
    /// Its fans.
    pub const COOLING: &str = "/api/v1/cooling/state";
    /// What went wrong.
    pub const ERRORS: &str = "/api/v1/miner/errors";
    /// All groups of pools, to read.
    pub const POOLS_TOLD: &str = "/api/v1/pools";
    /// All groups of pools, to write.
    pub const POOLS: &str = "/api/v1/pools/batch";
}
