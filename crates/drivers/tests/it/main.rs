//! The drivers against recorded replies, broken ones, misbehaving machines and independent servers.

#![expect(clippy::unwrap_used, reason = "a test may")]

mod bitcoin;
mod control;
mod corpus;
mod families;
mod fronts;
mod fronts_clients;
mod fronts_quirks;
mod full;
mod hosts;
mod malformed;
mod misbehaving;
mod mixed;
mod modbus;
mod pace;
mod python;
mod recorded;
mod scan;
mod snmp;
