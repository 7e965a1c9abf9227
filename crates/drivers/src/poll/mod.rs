//! Reads every machine of a site again and again and keeps the last word of each.
//!
//! At most one request is under way to a machine, and at most so many to all; a machine that takes
//! its time gives its place to the next, so that it delays nobody. A machine in trouble is asked less often.
//!
//! Not here: what the readings mean.

mod fleet;
mod poller;
mod stretch;

pub use fleet::{Fleet, Known, Latest, Target};
pub use poller::{Pace, Poller};
