//! What is known of a site at one moment, as far as rules look at it.

use jiff::{SignedDuration, Timestamp};

/// How a machine stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MachineState {
    /// It hashes.
    Running,
    /// On its way up or down, asleep or cut, as it should be.
    Other,
    /// Nothing fresh is known of it, or it says that it fails.
    Lost,
}

/// One machine.
#[derive(Clone, Debug, PartialEq)]
pub struct MachineFact {
    /// Its id.
    pub id: String,
    /// The circuit that feeds it, as a place in [`Facts::circuits`].
    pub circuit: usize,
    /// How it stands.
    pub state: MachineState,
    /// The hottest it tells of, in °C.
    pub temperature_c: Option<f64>,
    /// What it says it hashes, over what its model hashes. Only while it runs and has done so for long enough.
    pub hash_share: Option<f64>,
    /// Its firmware, by its own word.
    pub firmware: Option<String>,
    /// Whose it is.
    pub owner: String,
    /// The pool that it mines for, by its own word, and as whom.
    pub pool: Option<PoolFact>,
    /// It lets commands pass.
    pub disobeys: bool,
}

/// A pool, and the account and worker that it knows a machine by.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PoolFact {
    /// Such as `stratum+tcp://pool.example:3333`.
    pub url: String,
    /// Such as `acme.rig7`.
    pub user: String,
}

/// One circuit; parents come before their children.
#[derive(Clone, Debug, PartialEq)]
pub struct CircuitFact {
    /// Its id.
    pub id: String,
    /// Its parent's place.
    pub parent: Option<usize>,
    /// Whether it is a hall.
    pub is_hall: bool,
    /// Whether it has a meter.
    pub metered: bool,
    /// Where its meter is asked; meters behind one gateway have one address.
    pub gateway: Option<String>,
    /// Measured now, in kW; `None` without a meter or while it is silent.
    pub power_kw: Option<f64>,
    /// The most it may draw, in kW, and who says so. On the way down before a window closes there is none: the load
    /// follows a line then.
    pub limit: Option<(f64, String)>,
}

/// Everything that is known at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// When.
    pub at: Timestamp,
    /// The circuits, parents first; the first is the connection.
    pub circuits: Vec<CircuitFact>,
    /// The machines.
    pub machines: Vec<MachineFact>,
    /// Free space where the book is, as a share of the file system.
    pub disk_free: Option<f64>,
    /// How far the system's clock is off, where something says so.
    pub clock_off: Option<SignedDuration>,
    /// Signals that should come regularly: their names, and the ages of the last.
    pub signals: Vec<(String, Option<SignedDuration>)>,
    /// How long the control loop has decided nothing, if so; everything else is then as old.
    pub stalled: Option<SignedDuration>,
    /// Why the book cannot be written, if so.
    pub book_error: Option<String>,
}
