//! The drivers against recorded replies, broken ones, misbehaving machines and independent servers.

#![expect(clippy::unwrap_used, reason = "a test may")]

mod control;
mod hosts;
mod malformed;
mod misbehaving;
mod modbus;
mod recorded;
mod scan;
