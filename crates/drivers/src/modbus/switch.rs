//! A switch with channels: coils; a set coil carries power.

use std::time::Duration;

use offpeak_site::Outcome;
use offpeak_site::observe::ModbusAddress;
use tokio_modbus::{Request, Response};

use super::line::{Line, ModbusError};
use crate::connect::Connector;

/// One read asks for at most this many coils (Modbus Application Protocol V1.1b3, 6.1).
const COILS_MAX: u16 = 2_000;

/// A switch behind Modbus TCP.
#[derive(Debug)]
pub struct ModbusSwitch {
    line: Line,
}

impl ModbusSwitch {
    /// A switch at an address; each request gets `within`. Nothing is sent yet.
    #[must_use]
    pub const fn new(connector: Connector, at: ModbusAddress, within: Duration) -> Self {
        Self { line: Line::new(connector, at, within) }
    }
    /// Asks for a channel to be opened.
    pub async fn cut(&mut self, channel: u16) -> Outcome {
        self.write(channel, false).await
    }
    /// Asks for a channel to be closed.
    pub async fn restore(&mut self, channel: u16) -> Outcome {
        self.write(channel, true).await
    }
    async fn write(&mut self, channel: u16, closed: bool) -> Outcome {
        match self.line.ask(Request::WriteSingleCoil(channel, closed)).await {
            // The protocol echoes what was written.
            Ok(Response::WriteSingleCoil(at, state)) if (at, state) == (channel, closed) => Outcome::Accepted,
            Ok(_) => ModbusError::Garbled(self.line.address()).outcome(),
            Err(error) => error.outcome(),
        }
    }
    /// Whether each of `count` channels from `first` on carries power: the readback that a command is
    /// judged by.
    ///
    /// # Errors
    /// Why that is not known; also when more than 2,000 channels are asked for at once.
    pub async fn read(&mut self, first: u16, count: u16) -> Result<Vec<bool>, ModbusError> {
        let expected = usize::from(count);
        if count == 0 {
            return Ok(Vec::new());
        }
        let address = self.line.address();
        if count > COILS_MAX {
            return Err(ModbusError::Short { address, expected, found: COILS_MAX.into() });
        }
        match self.line.ask(Request::ReadCoils(first, count)).await? {
            // Coils come packed in bytes: what fills the last byte is not asked for.
            Response::ReadCoils(mut coils) if coils.len() >= expected => {
                coils.truncate(expected);
                Ok(coils)
            }
            Response::ReadCoils(coils) => Err(ModbusError::Short { address, expected, found: coils.len() }),
            _ => Err(ModbusError::Garbled(address)),
        }
    }
}
