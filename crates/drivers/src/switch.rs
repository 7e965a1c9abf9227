//! A switch with channels, over whichever protocol: coils of a Modbus device, or outlets of a PDU over SNMP.
//!
//! Not here: when to switch.

use std::time::Duration;

use offpeak_site::{Outcome, Trouble};
use offpeak_units::Power;
use thiserror::Error;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use crate::modbus::{ModbusError, ModbusSwitch};
use crate::snmp::{SnmpError, SnmpSwitch};

/// How long an outlet may take to follow. Ours: PDUs tell a state in between (Eaton's 2 and 3, pending) and close their
/// relays one after another, some hundred milliseconds apart.
const FOLLOWS_WITHIN: Duration = Duration::from_millis(2_500);
/// How often it is read meanwhile.
const READ_EVERY: Duration = Duration::from_millis(250);

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

/// The readback of one channel after it was switched.
struct Readback {
    closed: bool,
    until: Instant,
}

impl Readback {
    fn begin(closed: bool) -> Self {
        Self { closed, until: Instant::now() + FOLLOWS_WITHIN }
    }
    /// What has come of it; `None` while it may still follow.
    fn judge(&self, read: Result<Vec<Option<bool>>, SwitchError>) -> Option<Outcome> {
        let state = match read {
            Ok(states) => states.first().copied().flatten(),
            Err(error) => return Some(Outcome::Unanswered(error.trouble())),
        };
        if state == Some(self.closed) {
            return Some(Outcome::Accepted);
        }
        let is_over = Instant::now() >= self.until;
        is_over.then(|| match state {
            Some(_) => Outcome::Refused("the outlet did not follow".into()),
            None => Outcome::Unanswered(Trouble::Silent),
        })
    }
}

impl Switch {
    /// Opens or closes a channel, and reads it back until it has followed or its time is over: an echo is not the deed, a
    /// relay may take a while, and what is neither on nor off by then is not known.
    pub async fn set(&mut self, channel: u16, closed: bool) -> Outcome {
        let asked = self.write(channel, closed).await;
        if asked != Outcome::Accepted {
            return asked;
        }
        let readback = Readback::begin(closed);
        loop {
            if let Some(outcome) = readback.judge(self.read(channel, 1).await) {
                return outcome;
            }
            sleep(READ_EVERY).await;
        }
    }
    /// As [`Switch::set`], of a switch that others use as well: it is free for them while a channel is waited for.
    pub async fn set_shared(switch: &Mutex<Self>, channel: u16, closed: bool) -> Outcome {
        let asked = switch.lock().await.write(channel, closed).await;
        if asked != Outcome::Accepted {
            return asked;
        }
        let readback = Readback::begin(closed);
        loop {
            let read = switch.lock().await.read(channel, 1).await;
            if let Some(outcome) = readback.judge(read) {
                return outcome;
            }
            sleep(READ_EVERY).await;
        }
    }
    async fn write(&mut self, channel: u16, closed: bool) -> Outcome {
        match (&mut *self, closed) {
            (Self::Modbus(switch), true) => switch.restore(channel).await,
            (Self::Modbus(switch), false) => switch.cut(channel).await,
            (Self::Snmp(switch), true) => switch.restore(channel).await,
            (Self::Snmp(switch), false) => switch.cut(channel).await,
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
