//! Where a node listens.

use core::fmt;
use core::str::FromStr;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Bitcoin Core's port for RPC and REST on the main chain.
const PORT: u16 = 8_332;

/// A node's address: `http://127.0.0.1:8332`, `127.0.0.1`, `[::1]:18443`, `localhost`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeAddress(SocketAddr);

impl NodeAddress {
    /// As a socket address.
    #[must_use]
    pub const fn socket(self) -> SocketAddr {
        self.0
    }
}

/// Text that is no address of a node.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Encrypted HTTP, which no node speaks by itself.
    #[error(
        "`{0}`: a node speaks plain HTTP; for one elsewhere use a tunnel (`ssh -L 8332:127.0.0.1:8332 HOST`)"
    )]
    Encrypted(String),
    /// Anything else.
    #[error("`{0}` is no address of a node such as http://127.0.0.1:8332")]
    Address(String),
}

impl FromStr for NodeAddress {
    type Err = AddressError;
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let shown: String = text.chars().take(80).collect();
        if text.starts_with("https:") {
            return Err(AddressError::Encrypted(shown));
        }
        let rest = text.strip_prefix("http://").unwrap_or(text).trim_end_matches('/');
        let rest = match rest.strip_prefix("localhost") {
            Some(port) => format!("{}{port}", Ipv4Addr::LOCALHOST),
            None => rest.to_owned(),
        };
        if let Ok(socket) = rest.parse::<SocketAddr>() {
            return Ok(Self(socket));
        }
        let bare = rest.trim_start_matches('[').trim_end_matches(']');
        let ip: IpAddr = bare.parse().map_err(|_| AddressError::Address(shown))?;
        Ok(Self(SocketAddr::new(ip, PORT)))
    }
}

impl fmt::Display for NodeAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_is_read_in_each_of_its_forms() {
        let read = |text: &str| text.parse::<NodeAddress>().map(|address| address.to_string());
        assert_eq!(read("http://127.0.0.1:18443/").unwrap(), "http://127.0.0.1:18443");
        assert_eq!(read("127.0.0.1").unwrap(), "http://127.0.0.1:8332");
        assert_eq!(read("localhost").unwrap(), "http://127.0.0.1:8332");
        assert_eq!(read("localhost:18443").unwrap(), "http://127.0.0.1:18443");
        assert_eq!(read("[::1]").unwrap(), "http://[::1]:8332");
        assert_eq!(read("http://[::1]:1").unwrap(), "http://[::1]:1");
        assert!(matches!(read("https://127.0.0.1"), Err(AddressError::Encrypted(_))));
        for wrong in ["", "http://", "node", "127.0.0.1:x", "127.0.0.1:99999", "file:///etc"] {
            assert!(matches!(read(wrong), Err(AddressError::Address(_))), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_an_address_or_refused(text in ".{0,60}") {
            let _ = text.parse::<NodeAddress>();
        }
    }
}
