//! A power meter: power and energy register in one read.

use std::time::Duration;

use offpeak_site::MeterReading;
use offpeak_site::observe::ModbusAddress;
use tokio_modbus::{Request, Response};

use super::line::{Line, ModbusError};
use super::map::{RegisterMap, Table, Unusable};
use crate::clock::Clock;
use crate::connect::Connector;

/// A meter behind Modbus TCP. The connection stays open; after trouble it is opened anew.
#[derive(Debug)]
pub struct ModbusMeter {
    line: Line,
    map: RegisterMap,
    clock: Clock,
}

impl ModbusMeter {
    /// A meter at an address; each read gets `within`. Nothing is sent yet.
    #[must_use]
    pub const fn new(
        connector: Connector,
        clock: Clock,
        at: ModbusAddress,
        map: RegisterMap,
        within: Duration,
    ) -> Self {
        Self { line: Line::new(connector, at, within), map, clock }
    }

    /// Reads both registers in one request. The reading is stamped with the moment of the answer.
    ///
    /// # Errors
    /// Why there is no reading. Never a partial one.
    pub async fn read(&mut self) -> Result<MeterReading, ModbusError> {
        let (first, count) = self.map.span();
        let request = match self.map.table() {
            Table::Input => Request::ReadInputRegisters(first, count),
            Table::Holding => Request::ReadHoldingRegisters(first, count),
        };
        let response = self.line.ask(request).await?;
        let address = self.line.address();
        let (Response::ReadInputRegisters(words) | Response::ReadHoldingRegisters(words)) = response else {
            return Err(ModbusError::Garbled(address));
        };
        if words.len() != usize::from(count) {
            return Err(ModbusError::Short { address, expected: count.into(), found: words.len() });
        }
        let named = |what: &'static str| {
            let address = address.clone();
            move |unusable: Unusable| match unusable {
                Unusable::NotANumber => ModbusError::NotANumber { address, what },
                Unusable::Impossible => ModbusError::Impossible { address, what },
            }
        };
        let power = self.map.power(&words).map_err(named("power"))?;
        let energy = self.map.energy(&words).map_err(named("energy"))?;
        Ok(MeterReading { at: self.clock.now(), power, energy })
    }
}
