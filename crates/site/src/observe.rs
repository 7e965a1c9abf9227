//! What is seen of machines and meters, and what can be asked of a machine. Shared by whoever
//! reads (drivers), decides (dispatch) and plays the plant (twin).

use core::fmt;

use jiff::Timestamp;
use offpeak_units::{Energy, HashRate, Power, Temperature};

use crate::circuit::CircuitIx;
use crate::hardware::ModeName;

/// A meter's place in the site's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MeterIx(pub u32);

impl MeterIx {
    /// As an index.
    #[must_use]
    pub const fn ix(self) -> usize {
        self.0 as usize
    }
}

/// A switch's place in the site's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SwitchIx(pub u32);

impl SwitchIx {
    /// As an index.
    #[must_use]
    pub const fn ix(self) -> usize {
        self.0 as usize
    }
}

/// A power meter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meter {
    /// Its id.
    pub id: String,
    /// The circuit whose whole load it measures.
    pub circuit: CircuitIx,
    /// Its accuracy class: a reading's standard error in parts per million of the reading
    /// (class 0.5 is 5,000).
    pub error_ppm: u32,
    /// Its Modbus TCP address `host:port` and unit, where it is read by Modbus.
    pub modbus: Option<ModbusAddress>,
    /// The name of its register map.
    pub register_map: String,
}

/// A Modbus TCP device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModbusAddress {
    /// `host:port`.
    pub address: String,
    /// The unit identifier, 1 to 247 (0 and 255 address a TCP device itself).
    pub unit: u8,
}

/// A PDU's address over SNMP.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SnmpAddress {
    /// `host:port`.
    pub address: String,
    /// What kind of PDU it is.
    pub pdu: String,
}

/// A switch with channels: Modbus coils, where a set coil carries power, or outlets of a PDU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switch {
    /// Its id.
    pub id: String,
    /// Where it is commanded over Modbus.
    pub modbus: Option<ModbusAddress>,
    /// Where it is commanded over SNMP.
    pub snmp: Option<SnmpAddress>,
}

/// One reading of a meter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeterReading {
    /// When it was taken.
    pub at: Timestamp,
    /// The active power; import is positive.
    pub power: Power,
    /// The import register, where the meter has one.
    pub energy: Option<Energy>,
}

/// What a machine was doing, by its own word, when it last answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Activity {
    /// It hashes.
    Hashing,
    /// Awake (booting, tuning, waiting for a pool) without hashing.
    Starting,
    /// Asleep by command: the control board answers, the hash boards are off.
    Asleep,
    /// Awake, not hashing and not about to: a fault of its own.
    Failed,
}

/// What is wrong between us and a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trouble {
    /// No connection.
    Unreachable,
    /// Connected, but no complete reply in time.
    Silent,
    /// A reply that is not the protocol's: garbage, a wrong shape, a NUL inside.
    Garbled,
    /// A reply beyond the size limit.
    Oversized,
    /// The connection closed in the middle of a reply.
    Truncated,
    /// It refused the request (credentials, API switched off).
    Denied,
    /// Another machine answers at its address.
    Impostor,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreachable => "unreachable",
            Self::Silent => "answers nothing in time",
            Self::Garbled => "answers garbage",
            Self::Oversized => "answers more than the size limit",
            Self::Truncated => "closes in the middle of its reply",
            Self::Denied => "refuses to be read",
            Self::Impostor => "another machine answers at its address",
        })
    }
}

/// The last word from a machine, and whether it still speaks. Values that it did not send are absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// When it last answered properly.
    pub at: Timestamp,
    /// What it was doing then.
    pub activity: Activity,
    /// The watts it claims. Never believed over a meter.
    pub power: Option<Power>,
    /// The hash rate it claims, averaged over its shortest window.
    pub hash_rate: Option<HashRate>,
    /// The hottest board or chip.
    pub temperature: Option<Temperature>,
    /// The mode it claims.
    pub mode: Option<ModeName>,
}

/// What can be asked of a machine, or of the outlet that feeds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Stop hashing and power the boards down.
    Sleep,
    /// Hash again, in the mode it last had.
    Wake,
    /// Hash in this mode.
    SetMode(ModeName),
    /// Open its outlet.
    Cut,
    /// Close its outlet.
    Restore,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sleep => f.write_str("sleep"),
            Self::Wake => f.write_str("wake"),
            Self::SetMode(mode) => write!(f, "mode {}", mode.name()),
            Self::Cut => f.write_str("cut at the outlet"),
            Self::Restore => f.write_str("restore at the outlet"),
        }
    }
}

/// How the sending of a command ended. Being accepted is not being done: that shows in a reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The machine or switch accepted it.
    Accepted,
    /// It refused, in its own words.
    Refused(String),
    /// Nobody can say whether it arrived.
    Unanswered(Trouble),
}
