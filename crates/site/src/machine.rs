//! Machines, where they stand and whose they are.

use core::fmt;
use std::net::IpAddr;

use crate::circuit::CircuitIx;
use crate::hardware::{Family, ModelIx};
use crate::observe::SwitchIx;

/// A machine's place in the site's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MachineIx(pub u32);

impl MachineIx {
    /// As an index into a slice with one element a machine.
    #[must_use]
    pub const fn ix(self) -> usize {
        self.0 as usize
    }
}

/// An owner's place in the site's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnerIx(pub u16);

/// Whose machines stand here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Its id in site files.
    pub id: String,
    /// Its full name.
    pub name: String,
}

/// A network card's hardware address: what a command is bound to, because addresses move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacAddress(pub [u8; 6]);

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02X}:{b:02X}:{c:02X}:{d:02X}:{e:02X}:{g:02X}")
    }
}

impl core::str::FromStr for MacAddress {
    type Err = String;
    /// Accepts colons, dashes or nothing between the pairs.
    fn from_str(text: &str) -> Result<Self, String> {
        let error = || format!("`{text}` is not a MAC address such as `C8:11:05:00:00:01`");
        let digits: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b':' | b'-')).collect();
        if digits.len() != 12 {
            return Err(error());
        }
        let mut mac = [0; 6];
        for (byte, pair) in mac.iter_mut().zip(digits.chunks_exact(2)) {
            let pair = core::str::from_utf8(pair).map_err(|_| error())?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| error())?;
        }
        Ok(Self(mac))
    }
}

/// Where a machine answers. The ports are the protocol's standard ones unless a site (or the twin,
/// for an ordinary user) moves them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    /// The address.
    pub ip: IpAddr,
    /// The TCP API (4028 as a standard).
    pub api_port: u16,
    /// The web pages (80 as a standard).
    pub http_port: u16,
}

impl Endpoint {
    /// The ports at an address that most families have: 4028 and 80.
    #[must_use]
    pub const fn standard(ip: IpAddr) -> Self {
        Self { ip, api_port: 4028, http_port: 80 }
    }
    /// A family's standard ports at an address.
    #[must_use]
    pub const fn of(family: Family, ip: IpAddr) -> Self {
        Self { ip, api_port: family.api_port(), http_port: 80 }
    }
}

/// The switched outlet that feeds a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Outlet {
    /// The switch.
    pub switch: SwitchIx,
    /// The channel (Modbus coil) of that switch.
    pub channel: u16,
}

/// One machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Its position path, such as `hall-3/rack-07/pdu-2/4`, unless an inventory names it.
    pub id: String,
    /// What it is.
    pub model: ModelIx,
    /// What feeds it.
    pub circuit: CircuitIx,
    /// Whose it is.
    pub owner: OwnerIx,
    /// From the inventory, or learned by identification.
    pub serial: Option<String>,
    /// From the inventory, or learned by identification.
    pub mac: Option<MacAddress>,
    /// Where it should answer; `None` until found by a scan.
    pub endpoint: Option<Endpoint>,
    /// What can cut it when it does not obey.
    pub outlet: Option<Outlet>,
}
