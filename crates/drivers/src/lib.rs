//! Machines, meters and switches over their real protocols.
//!
//! A driver reads and commands; it never decides. Bytes are understood by pure codecs, carried by a
//! connector over TCP or in-memory streams, so the same code runs against real machines and against
//! a twin in virtual time.
//!
//! Not here: when to read or command whom, and whether a command was obeyed (`dispatch` tells that
//! from later readings).

pub mod antminer;
pub mod avalon;
pub mod bench;
pub mod bitaxe;
pub mod bitcoin;
pub mod braiins;
pub mod braiins_graphql;
pub mod call;
pub mod cgminer;
pub mod clock;
pub mod connect;
pub mod devices;
pub mod driver;
pub mod epic;
pub mod exchange;
pub mod fronts;
pub mod full;
pub mod http;
pub mod json;
pub mod luxos;
pub mod modbus;
pub mod parsers;
pub mod poll;
pub mod proto;
pub mod refusal;
mod rest;
pub mod scan;
pub mod secrets;
pub mod snmp;
pub mod switch;
pub mod transcript;
pub mod vnish;
pub mod whatsminer;
pub mod whatsminer_v3;
