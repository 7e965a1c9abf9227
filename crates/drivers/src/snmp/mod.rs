//! Switched outlets of PDUs over SNMP version 2c, through async-snmp. What a PDU is asked is data: `pdus/*.toml`.
//!
//! What is known of the protocol here:
//! - A PDU does not answer a wrong community at all: it is silent, not denied.
//! - Writing is not switching: the outlet is read back.
//! - The community travels in the clear. Keep PDUs in a network of their own.
//!
//! Not here: version 3, and when to switch.

mod pdu;
mod switch;

pub use pdu::{Pdu, PduError};
pub use switch::{SnmpError, SnmpSwitch};
