//! A seeded mine in virtual time: machines that boot, ramp, sleep and misbehave; meters with noise
//! and silence; weather; and the judge of a run.
//!
//! No clock, no I/O, no threads: the caller moves time with [`Plant::advance`], and one seed replays
//! everything. Not here: decisions (`dispatch`), protocols and sockets (`drivers`).
//!
//! ```text
//! Scenario + seed ─▶ Plant ─ advance, command ─▶ reading, meter ─▶ whoever controls it
//!                      └───── stretches of exact power ─▶ Judge
//! ```

mod command;
mod draw;
pub mod judge;
mod line;
mod machine;
mod meter;
pub mod plant;
pub mod scenario;
pub mod simulate;
mod trace;
mod view;
mod weather;

pub use judge::{Culprit, Excess, Judge, Verdict};
pub use plant::Plant;
pub use scenario::{Climate, Fault, Faults, Initial, MeterGap, Pinned, Scenario};
pub use simulate::{Pace, Second, Simulation, Totals};
pub use trace::Stretch;
pub use view::{Answering, Truth};
