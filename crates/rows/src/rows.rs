//! One struct a table.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Name;
use crate::words::{Known, MachineMode, MachineState};

/// What a meter counted in an interval: table `meter` (a minute or more, kept for good) or `meter_1s` (below a
/// minute).
///
/// Key: site, meter, length, start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeterRow {
    /// The site.
    pub site: Name,
    /// The meter.
    pub meter: Name,
    /// The circuit whose whole load it measures.
    pub circuit: Name,
    /// The interval's start; a multiple of its length.
    pub start: Timestamp,
    /// The interval's length in seconds.
    pub length_s: u32,
    /// Of these, seconds that readings cover.
    pub covered_s: u32,
    /// The energy in joules, import positive; `None` exactly when `known` is missing.
    pub energy_j: Option<i64>,
    /// The import register at the interval's end in joules, where the meter has one and it was read.
    pub register_j: Option<i64>,
    /// The mean power of the covered seconds in milliwatts,
    pub power_mean_mw: Option<i64>,
    /// the least reading
    pub power_min_mw: Option<i64>,
    /// and the greatest.
    pub power_max_mw: Option<i64>,
    /// How the energy is known.
    pub known: Known,
    /// By which rule, where it is estimated.
    pub rule: Option<Name>,
}

/// A machine's minute: table `machine`.
///
/// `hashing_s`, `starting_s` and the seconds of `down` add up to `length_s`. Key: site, machine, length, start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineRow {
    /// The site.
    pub site: Name,
    /// The machine.
    pub machine: Name,
    /// Whose it is; `None` where nobody said so.
    pub owner: Option<Name>,
    /// The hall it stands in.
    pub hall: Name,
    /// What it is.
    pub model: Name,
    /// The circuit it hangs on.
    pub circuit: Name,
    /// The interval's start; a multiple of its length.
    pub start: Timestamp,
    /// The interval's length in seconds.
    pub length_s: u32,
    /// Of these, seconds that its readings cover.
    pub covered_s: u32,
    /// Joules by the machine's own word, or by `rule`; `None` exactly when `known` is missing.
    pub energy_j: Option<i64>,
    /// Joules after scaling to the circuits' and the revenue meter: what is billed.
    pub billed_j: Option<i64>,
    /// Hashes by its own word, in units of 10⁹.
    pub hashes_gh: Option<i64>,
    /// The mode it ran in, or would.
    pub mode: Option<MachineMode>,
    /// What it did most of the time.
    pub state: MachineState,
    /// Seconds in which it hashed.
    pub hashing_s: u32,
    /// Seconds on its way up, without hashing.
    pub starting_s: u32,
    /// The rest of the time, by reason.
    pub down: Downtime,
    /// The hottest chip or board, in tenths of a degree Celsius.
    pub chip_max_dc: Option<i16>,
    /// The air it breathes in, in tenths of a degree Celsius.
    pub inlet_dc: Option<i16>,
    /// How the energy is known.
    pub known: Known,
    /// By which rule, where it is estimated.
    pub rule: Option<Name>,
}

/// Seconds of an interval in which a machine was down, by reason; disjoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Downtime {
    /// Outside the contract's hours, or no room below a rating.
    pub outside_hours_s: u32,
    /// An order or an operator's stop.
    pub ordered_s: u32,
    /// Its power cost more than it earned.
    pub price_s: u32,
    /// A fault of its own.
    pub fault_s: u32,
    /// It did not answer.
    pub unreachable_s: u32,
    /// Somebody worked there.
    pub maintenance_s: u32,
    /// Nothing is known.
    pub no_data_s: u32,
}

impl Downtime {
    /// All reasons together, in seconds.
    #[must_use]
    pub const fn total_s(&self) -> u64 {
        self.outside_hours_s as u64
            + self.ordered_s as u64
            + self.price_s as u64
            + self.fault_s as u64
            + self.unreachable_s as u64
            + self.maintenance_s as u64
            + self.no_data_s as u64
    }
}

/// A command's change of state: table `command`.
///
/// Key: site, generation, state, at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandRow {
    /// The site.
    pub site: Name,
    /// The command's number.
    pub generation: u64,
    /// To whom.
    pub machine: Name,
    /// The hall it stands in.
    pub hall: Name,
    /// What was asked.
    pub action: Name,
    /// When it came to this state.
    pub at: Timestamp,
    /// The state: issued, confirmed, refused, unanswered, timed out, superseded.
    pub state: Name,
    /// Why it was given, or the machine's words.
    pub detail: Option<Name>,
}

/// An order, price or limit as it came in: table `signal`.
///
/// Key: site, source, id, at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignalRow {
    /// The site.
    pub site: Name,
    /// Who sent it.
    pub source: Name,
    /// Its number or name with the sender.
    pub id: Name,
    /// When it arrived.
    pub at: Timestamp,
    /// What it is: limit, stop, lockout, price, level, lifted and so on.
    pub kind: Name,
    /// Where it applies; `None` for the whole site.
    pub circuit: Option<Name>,
    /// The limit in milliwatts, where it sets one. Zero means zero.
    pub limit_mw: Option<i64>,
    /// In force from,
    pub from: Option<Timestamp>,
    /// until.
    pub until: Option<Timestamp>,
    /// Its words.
    pub text: Option<Name>,
}
