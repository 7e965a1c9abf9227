//! Switched outlets of PDUs over SNMP, versions 2c and 3 (authPriv), through async-snmp. What a PDU is asked is data:
//! `pdus/*.toml`.
//!
//! What is known of the protocol here:
//! - A PDU does not answer a wrong community at all: it is silent, not denied. A wrong user or password of version 3 it
//!   reports, but not authenticated, so the report is not believed: silent too.
//! - Writing is not switching: the outlet is read back.
//! - A community travels in the clear. Keep PDUs that know only version 2c in a network of their own.
//!
//! Not here: when to switch.

mod login;
mod pdu;
mod switch;

pub use login::{SnmpLogin, SnmpUser};
pub use pdu::{Pdu, PduError};
pub use switch::{SnmpError, SnmpSwitch};
