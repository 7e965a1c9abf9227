//! The twin's tests through its public face.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod budgets;
mod common;
mod day;
mod fans;
mod faults;
mod judge;
mod physics;
mod power_return;
mod replay;
mod simulate;
mod weather;
