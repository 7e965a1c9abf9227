//! Meters and switches over Modbus TCP (Modbus Application Protocol V1.1b3, 2012), through tokio-modbus.
//! Which registers a meter has is data: `registers/*.toml`.
//!
//! Not here: what a reading means for the site, and when to switch.

mod line;
mod map;
mod meter;
mod switch;

pub use line::ModbusError;
pub use map::{MapError, Number, RegisterMap, Table, Unit, WordOrder};
pub use meter::ModbusMeter;
pub use switch::ModbusSwitch;
