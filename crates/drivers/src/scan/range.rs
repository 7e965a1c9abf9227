//! Ranges of addresses and ports, as people write them: `10.0.0.0/22`, `10.0.0.1-10.0.3.254`,
//! `10.0.0.7`, each with `:4028` or `:4028,4100-4200` behind it, or without for the ports that machines have. IPv4 only.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

use thiserror::Error;

/// A scan of more endpoints is a mistake in the range.
const ENDPOINTS_MAX: u64 = 4_194_304;

/// Why a text is no range.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RangeError {
    /// The part before the colon.
    #[error(
        "`{0}` is neither an address, nor a network such as 10.0.0.0/22, nor a range such as 10.0.0.1-10.0.3.254"
    )]
    Addresses(String),
    /// The part behind the colon.
    #[error("`{0}` is not a list of ports such as 4028,4100-4200")]
    Ports(String),
    /// It ends before it starts.
    #[error("the range `{0}` ends before it starts")]
    Backwards(String),
    /// Too many endpoints.
    #[error("`{text}` is {endpoints} endpoints; one scan asks at most {ENDPOINTS_MAX}")]
    TooMany {
        /// The range.
        text: String,
        /// How many it is.
        endpoints: u64,
    },
}

/// Addresses and ports to ask, both ends included. A network's first and last address are asked too:
/// sites do use them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanRange {
    first: u32,
    last: u32,
    /// Empty for those that machines have.
    ports: Vec<(u16, u16)>,
}

/// What is asked as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A port of an address.
    Port(SocketAddr),
    /// An address, at each of the ports that machines have.
    Host(IpAddr),
}

impl FromStr for ScanRange {
    type Err = RangeError;

    fn from_str(text: &str) -> Result<Self, RangeError> {
        let text = text.trim();
        let (addresses, ports) = match text.split_once(':') {
            Some((addresses, ports)) => (addresses, parse_ports(ports)?),
            None => (text, Vec::new()),
        };
        let (first, last) = parse_addresses(addresses)?;
        let range = Self { first, last, ports };
        let endpoints = range.places_count();
        if endpoints > ENDPOINTS_MAX {
            return Err(RangeError::TooMany { text: text.to_owned(), endpoints });
        }
        Ok(range)
    }
}

fn parse_addresses(text: &str) -> Result<(u32, u32), RangeError> {
    let error = || RangeError::Addresses(text.to_owned());
    let address = |part: &str| part.trim().parse::<Ipv4Addr>().map(u32::from).map_err(|_| error());
    if let Some((network, bits)) = text.split_once('/') {
        let bits: u32 = bits.trim().parse().map_err(|_| error())?;
        if bits > 32 {
            return Err(error());
        }
        let hosts = u32::MAX.checked_shr(bits).unwrap_or(0);
        let first = address(network)? & !hosts;
        return Ok((first, first | hosts));
    }
    if let Some((first, last)) = text.split_once('-') {
        let (first, last) = (address(first)?, address(last)?);
        return if first <= last { Ok((first, last)) } else { Err(RangeError::Backwards(text.to_owned())) };
    }
    address(text).map(|single| (single, single))
}

fn parse_ports(text: &str) -> Result<Vec<(u16, u16)>, RangeError> {
    let port = |part: &str| match part.trim().parse::<u16>() {
        Ok(port) if port > 0 => Ok(port),
        _ => Err(RangeError::Ports(text.to_owned())),
    };
    let mut ports: Vec<(u16, u16)> = Vec::new();
    for part in text.split(',') {
        let (first, last) = match part.split_once('-') {
            Some((first, last)) => (port(first)?, port(last)?),
            None => (port(part)?, port(part)?),
        };
        if first > last {
            return Err(RangeError::Backwards(part.to_owned()));
        }
        ports.push((first, last));
    }
    ports.sort_unstable();
    // Overlaps are asked once.
    let mut merged: Vec<(u16, u16)> = Vec::new();
    for (first, last) in ports {
        match merged.last_mut() {
            Some(before) if first <= before.1 => before.1 = before.1.max(last),
            _ => merged.push((first, last)),
        }
    }
    Ok(merged)
}

impl ScanRange {
    /// How many places: addresses, or ports of them.
    #[must_use]
    pub fn places_count(&self) -> u64 {
        let addresses = u64::from(self.last - self.first) + 1;
        let ports: u64 = self.ports.iter().map(|(first, last)| u64::from(last - first) + 1).sum();
        addresses * ports.max(1)
    }
    /// Every place, each once, by address and port.
    pub fn places(&self) -> impl Iterator<Item = Place> {
        (self.first..=self.last).flat_map(|address| {
            let ip = IpAddr::V4(Ipv4Addr::from(address));
            let ports = self.ports.iter().flat_map(|&(first, last)| first..=last);
            let each = ports.map(move |port| Place::Port(SocketAddr::new(ip, port)));
            each.chain(self.ports.is_empty().then_some(Place::Host(ip)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(text: &str) -> Vec<String> {
        let text_of = |place| match place {
            Place::Port(at) => at.to_string(),
            Place::Host(ip) => ip.to_string(),
        };
        text.parse::<ScanRange>().unwrap().places().map(text_of).collect()
    }

    #[test]
    fn every_way_to_write_a_range() {
        assert_eq!(addresses("10.0.0.7"), ["10.0.0.7"]);
        assert_eq!(addresses("10.0.0.9/31:80"), ["10.0.0.8:80", "10.0.0.9:80"]);
        assert_eq!(addresses("10.0.0.255-10.0.1.0"), ["10.0.0.255", "10.0.1.0"]);
        assert_eq!(
            addresses("127.0.0.1:4028,4100-4102,4101"),
            ["127.0.0.1:4028", "127.0.0.1:4100", "127.0.0.1:4101", "127.0.0.1:4102"]
        );
        assert_eq!("10.0.0.0/22:4028,4100-4200".parse::<ScanRange>().unwrap().places_count(), 1024 * 102);
        assert_eq!(addresses("255.255.255.255/32"), ["255.255.255.255"]);
    }

    #[test]
    fn what_is_no_range_is_named() {
        let error = |text: &str| text.parse::<ScanRange>().unwrap_err();
        for text in ["", "10.0.0", "10.0.0.0/33", "10.0.0.1-", "miner.local", "::1"] {
            assert!(matches!(error(text), RangeError::Addresses(_) | RangeError::Ports(_)), "{text}");
        }
        for text in ["10.0.0.1:", "10.0.0.1:0", "10.0.0.1:70000", "10.0.0.1:a-b"] {
            assert!(matches!(error(text), RangeError::Ports(_)), "{text}");
        }
        assert!(matches!(error("10.0.0.2-10.0.0.1"), RangeError::Backwards(_)));
        assert!(matches!(error("10.0.0.1:5-4"), RangeError::Backwards(_)));
        assert!(matches!(error("0.0.0.0/0:1-65535"), RangeError::TooMany { .. }));
    }
}
