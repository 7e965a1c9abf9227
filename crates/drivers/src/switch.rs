//! A switch with channels, over whichever protocol: coils of a Modbus device, or outlets of a PDU over SNMP.
//!
//! Not here: when to switch.

use offpeak_site::{Outcome, Trouble};
use offpeak_units::Power;
use thiserror::Error;

use crate::modbus::{ModbusError, ModbusSwitch};
use crate::snmp::{SnmpError, SnmpSwitch};

/// A switch.
#[derive(Debug)]
pub enum Switch {
    /// Coils; a set coil carries power.
    Modbus(ModbusSwitch),
    /// Outlets of a PDU.
    Snmp(Box<SnmpSwitch>),
}

/// Why a channel is not known.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SwitchError {
    /// Of a Modbus device.
    #[error(transparent)]
    Modbus(#[from] ModbusError),
    /// Of a PDU.
    #[error(transparent)]
    Snmp(#[from] SnmpError),
}

impl SwitchError {
    /// The kind of trouble.
    #[must_use]
    pub const fn trouble(&self) -> Trouble {
        match self {
            Self::Modbus(error) => error.trouble(),
            Self::Snmp(error) => error.trouble(),
        }
    }
}

impl Switch {
    /// Opens or closes a channel, and reads it back: an echo is not the deed.
    pub async fn set(&mut self, channel: u16, closed: bool) -> Outcome {
        let outcome = match (&mut *self, closed) {
            (Self::Modbus(switch), true) => switch.restore(channel).await,
            (Self::Modbus(switch), false) => switch.cut(channel).await,
            (Self::Snmp(switch), true) => switch.restore(channel).await,
            (Self::Snmp(switch), false) => switch.cut(channel).await,
        };
        match outcome {
            Outcome::Accepted => match self.read(channel, 1).await {
                Ok(state) if state.first() == Some(&Some(closed)) => Outcome::Accepted,
                Ok(_) => Outcome::Refused("the outlet did not follow".into()),
                Err(error) => Outcome::Unanswered(error.trouble()),
            },
            other => other,
        }
    }
    /// Whether each of `count` channels from `first` on carries power; `None` for one that the switch does not know, or
    /// that is neither on nor off.
    ///
    /// # Errors
    /// Why nothing is known.
    pub async fn read(&mut self, first: u16, count: u16) -> Result<Vec<Option<bool>>, SwitchError> {
        match self {
            Self::Modbus(switch) => Ok(switch.read(first, count).await?.into_iter().map(Some).collect()),
            Self::Snmp(switch) => Ok(switch.read(first, count).await?),
        }
    }
    /// What each of `count` channels from `first` on delivers, by the switch's own meters; `None` where it has none.
    ///
    /// # Errors
    /// Why nothing is known.
    pub async fn watts(&mut self, first: u16, count: u16) -> Result<Vec<Option<Power>>, SwitchError> {
        match self {
            Self::Modbus(_) => Ok(vec![None; usize::from(count)]),
            Self::Snmp(switch) => Ok(switch.watts(first, count).await?),
        }
    }
    /// How many channels one question may be about.
    #[must_use]
    pub const fn channels_at_once(&self) -> u16 {
        match self {
            Self::Modbus(_) => 1_000,
            Self::Snmp(_) => 64,
        }
    }
}
