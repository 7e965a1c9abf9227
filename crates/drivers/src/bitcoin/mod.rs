//! A Bitcoin node: its chain's name and tip, block headers, and what blocks paid in fees.
//!
//! For: reading over the node's JSON-RPC (Bitcoin Core and what follows it) or its REST interface (`-rest`,
//! no login). Everything read is only shaped here: that it is of the right length and count.
//! Not for: believing it. Whoever asked verifies headers and decides which chain counts. And not for sending
//! anything: no transaction, no block, no wallet.
//!
//! Sources: Bitcoin Core, `doc/REST-interface.md`, `doc/JSON-RPC-interface.md`, and the help of the calls
//! `getblockchaininfo`, `getblockhash`, `getblockheader`, `getblockstats`.

mod address;
mod rest;
mod rpc;

use std::time::Duration;

use offpeak_site::Trouble;

pub use address::{AddressError, NodeAddress};

use crate::connect::Connector;
use crate::http::{Credentials, Login, Pages};

/// Bytes of a header.
pub const HEADER_BYTES: usize = 80;
/// A header as the node has it.
pub type NodeHeader = [u8; HEADER_BYTES];
/// The most headers that one call asks for: what REST gives at most.
pub const HEADERS_MAX: u32 = 2_000;
/// The most blocks whose fees one call asks for.
pub const FEES_MAX: u32 = 500;
/// How long one request may take: a node that checks blocks answers slowly.
const WITHIN: Duration = Duration::from_secs(20);

/// Why a node could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NodeError {
    /// Something between us and the node.
    #[error("the node {0}")]
    Trouble(Trouble),
    /// It does not take the login.
    #[error("the node does not take the login")]
    Login,
    /// A page that answers with another status.
    #[error("the node answers {page} with status {status}: {said}")]
    Status {
        /// Which page.
        page: String,
        /// Its status.
        status: u16,
        /// What it said, cut to a line.
        said: String,
    },
    /// The node's own error.
    #[error("the node refuses {method}: {message} (code {code})")]
    Refused {
        /// The call.
        method: &'static str,
        /// The node's code.
        code: i64,
        /// The node's words, cut to a line.
        message: String,
    },
    /// A reply of another shape.
    #[error("the node's reply to {what} is not {expected}")]
    Shape {
        /// What was asked.
        what: &'static str,
        /// What was expected.
        expected: &'static str,
    },
    /// REST has no fees.
    #[error("REST tells no fees: ask the node over RPC")]
    NoFees,
    /// More than one call may ask for.
    #[error("{asked} at once are more than {most}")]
    TooMany {
        /// How many were asked for.
        asked: u32,
        /// The most.
        most: u32,
    },
}

impl From<Trouble> for NodeError {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

/// Where the node's chain ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeTip {
    /// The chain's name: `main`, `test`, `testnet4`, `signet`, `regtest`.
    pub chain: String,
    /// The height of its last block.
    pub height: u32,
    /// How many headers it knows, blocks or not.
    pub headers: u32,
    /// Whether it is still catching up with the network.
    pub catching_up: bool,
}

/// What a block paid its miner beyond the subsidy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockFees {
    /// Its height.
    pub height: u32,
    /// Its time, seconds since 1970.
    pub time: i64,
    /// Fees in satoshis.
    pub fees_sat: u64,
}

/// How a node is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// Over REST, which needs no login and is off unless the node's owner turned it on.
    Rest,
    /// Over JSON-RPC with a user and a password, or the cookie that the node writes.
    Rpc(Credentials),
}

/// A connection to a node. One request at a time; the connection is kept.
#[derive(Debug)]
pub struct Node<'a> {
    pages: Pages<'a>,
    rest: bool,
}

impl<'a> Node<'a> {
    /// Of a node at this address. Nothing is asked yet.
    #[must_use]
    pub fn new(connector: &'a Connector, at: NodeAddress, way: &'a Way) -> Self {
        let (login, rest) = match way {
            Way::Rest => (Login::Open, true),
            Way::Rpc(credentials) => (Login::Basic(credentials), false),
        };
        Self { pages: Pages::new(connector, at.socket(), login, WITHIN), rest }
    }

    /// Which chain it follows and how far.
    ///
    /// # Errors
    /// A node that cannot be reached, refuses or answers something else.
    pub async fn tip(&mut self) -> Result<NodeTip, NodeError> {
        if self.rest { rest::tip(&mut self.pages).await } else { rpc::tip(&mut self.pages).await }
    }

    /// The headers from a height on, at most `count` (up to [`HEADERS_MAX`]); fewer where the chain ends.
    ///
    /// # Errors
    /// As [`Node::tip`]; a height that the node's chain does not have.
    pub async fn headers(&mut self, from: u32, count: u32) -> Result<Vec<NodeHeader>, NodeError> {
        if count > HEADERS_MAX {
            return Err(NodeError::TooMany { asked: count, most: HEADERS_MAX });
        }
        if self.rest {
            rest::headers(&mut self.pages, from, count).await
        } else {
            rpc::headers(&mut self.pages, from, count).await
        }
    }

    /// What these blocks paid in fees; at most [`FEES_MAX`] heights. The node needs the blocks themselves.
    ///
    /// # Errors
    /// As [`Node::tip`]; REST does not tell.
    pub async fn fees(&mut self, heights: &[u32]) -> Result<Vec<BlockFees>, NodeError> {
        let asked = u32::try_from(heights.len()).unwrap_or(u32::MAX);
        if asked > FEES_MAX {
            return Err(NodeError::TooMany { asked, most: FEES_MAX });
        }
        if self.rest { Err(NodeError::NoFees) } else { rpc::fees(&mut self.pages, heights).await }
    }
}

/// What a node said, as one short line without anything that a terminal would obey.
fn one_line(text: &str) -> String {
    let clean = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
    clean.take(200).collect::<String>().trim().to_owned()
}
