//! The book: what must never be lost, in SQLite.
//!
//! What a call has returned from is on disk. One process has the book open at a time. Keys are the
//! names of the site file (circuits, machines), so that a changed file does not shift them.
//!
//! Kept now: operator's stops, lockouts, orders, authority by hall, generations, commands with their
//! changes of state, and what a restarted controller must know of each machine. Not here: telemetry,
//! and any decision.

mod book;
mod error;
mod recorder;
mod schema;

pub use book::{Book, Change, InForce, LockoutEntry, MachineState, MeterVerdict, OrderEntry, StopEntry};
pub use error::BookError;
pub use recorder::{Entry, Recorder};
