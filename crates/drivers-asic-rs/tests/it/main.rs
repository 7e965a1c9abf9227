//! asic-rs as an independent client of the twin's front ends.

#![expect(clippy::unwrap_used, reason = "a test may")]

mod families;
mod fronts;
mod recorded;
