//! The book: what must never be lost, in SQLite.
//!
//! What a call has returned from is on disk. One process has the book open at a time. Keys are the
//! names of the site file (circuits, machines), so that a changed file does not shift them.
//!
//! Kept: operator's stops, lockouts, orders, authority by hall, generations, commands with their changes of
//! state, what a restarted controller must know of each machine, what is counted by the month, where each machine
//! stood and whose it was, signals, plans' summaries, contracts, people with their sessions and tokens, and the audit chain. Not here:
//! telemetry, and any decision.

mod audit;
mod backup;
mod book;
mod counts;
mod error;
mod history;
mod holds;
mod key;
mod machines;
mod orders;
mod people;
mod recorder;
mod schema;

pub use audit::{
    AuditEntry, AuditFault, AuditSound, ChainHash, Checkpoint, Deed, audit_entries, hex, public_key_path,
    verify_audit,
};
pub use backup::{BackupError, Copied, Restored, back_up, check, restore};
pub use book::{Book, By, Change, InForce, LockoutEntry, MachineState, MeterVerdict, PastChange, StopEntry};
pub use counts::{BudgetEntry, Counts, PeakEntry, ServedEntry};
pub use error::BookError;
pub use history::{ContractEntry, FORGET_AT_ONCE, KeepFrom, PlanSummary, SignalEntry};
pub use holds::HoldEntry;
pub use key::key_from_hex;
pub use machines::{CustodyEntry, Moved, Standing, Stay};
pub use orders::{Given, OrderEntry};
pub use people::{ApiToken, Keep, Once, Person, PersonChange, Session, SetupLink};
pub use recorder::{Entry, Recorder};
