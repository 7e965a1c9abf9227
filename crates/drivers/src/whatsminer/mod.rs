//! MicroBT WhatsMiner, TCP API version 2 (and the readable part of version 1, which differs little):
//! JSON over TCP 4028, one command a connection. Reading is plain, writing is encrypted.
//!
//! Sources: MicroBT, "WhatsMiner API V2.0.5" (message codes, token, commands); the recorded replies in
//! `tests/fixtures/whatsminer`.
//!
//! Not here: connections (`exchange`).

pub(crate) mod drive;
pub mod full;
pub mod reply;
pub mod write;

pub use reply::{DeviceDetails, MinerInfo, Salts, State, Summary, Version};
pub use write::{Secret, Token, Write};

/// The plain request for a command without parameters.
#[must_use]
pub fn request(command: &str) -> Vec<u8> {
    format!("{{\"cmd\":\"{command}\"}}").into_bytes()
}

/// Message codes (API V2.0.5, section 2).
pub mod code {
    /// Invalid API command or data; also what the API daemon says of commands that it would hand to
    /// btminer when btminer does not run.
    pub const INVALID_COMMAND: u64 = 14;
    /// Invalid JSON message.
    pub const INVALID_JSON: u64 = 23;
    /// Permission denied: the API, or its write part, is not switched on.
    pub const DENIED: u64 = 45;
    /// Command OK.
    pub const OK: u64 = 131;
    /// Command error.
    pub const ERROR: u64 = 132;
    /// Get token message OK.
    pub const TOKEN: u64 = 134;
    /// Check token error.
    pub const TOKEN_WRONG: u64 = 135;
    /// Token over max times.
    pub const TOKENS_EXHAUSTED: u64 = 136;
    /// Base64 decode error.
    pub const NOT_BASE64: u64 = 137;
}
