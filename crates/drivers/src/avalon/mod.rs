//! Canaan Avalon, A10 to A15 (and the home machines Nano, Mini and Q, which differ little): a CGMiner
//! API on TCP 4028, one command a connection, whose values stand in brackets inside one text.
//!
//! Sources: Canaan, "Avalon A10 API manual" v0.3 (github.com/Canaan-Creative/avalon10-docs); the
//! recorded replies in `tests/fixtures/avalon`; for `softoff` of industrial machines, what Canaan's
//! management tool sends to an A1346 and Tether's `miningos-wrk-miner-avalon` sends to thousands;
//! for the time argument of `softoff` and `softon`, Canaan's support page of the Avalon Q.
//!
//! What is known of it:
//! - Reading is asked in JSON; writing as plain text, as in the manual: some firmwares do nothing upon
//!   an `ascset` in JSON.
//! - Industrial machines count their clock from their start (`When` is 986 beside `Elapsed` 975), home
//!   machines have the time of day. A time argument therefore starts from the machine's own `When`.
//! - An industrial machine that was switched off is woken by a reboot.
//! - Success is `S` for some commands and `I`, with words that say what was done, for others.
//!
//! Not here: connections (`exchange`).

pub(crate) mod drive;
pub mod full;
pub mod reply;
pub mod write;

pub use reply::{Module, Stats, Version};
pub use write::{Answer, Write};

/// The request for the statistics: smaller than `stats`, which repeats every pool.
pub const ESTATS: &[u8] = b"{\"command\":\"estats\"}";
/// The request for who it is.
pub const VERSION: &[u8] = b"{\"command\":\"version\"}";
