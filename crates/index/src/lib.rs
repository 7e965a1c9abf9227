//! The observatory's arithmetic: what can be said of mining from outside, and with what error.
//!
//! For: the chain (headers, difficulty, hash rate, hash price), the published electricity methods side
//! by side, geography and national grids. Pure: files, networks and clocks are the caller's; every
//! result says from which inputs it was computed.
//! Not for: running a mine. Floats are allowed here, because everything is an estimate; nothing here
//! feeds a power limit or a bill.

pub mod answers;
pub mod breakeven;
pub mod chain;
pub mod electricity;
mod fingerprint;
pub mod grid;
pub mod hardware;
pub mod hashprice;
pub mod network;
pub mod quote;
pub mod slider;
pub mod world;
