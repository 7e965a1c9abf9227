//! What full readings of the CGMiner-like families share: their pools.
//!
//! Not here: boards and fans, which each family writes otherwise.

use serde_json::Value;

use super::tree::{Tree, section, tree};
use super::{LIST_MAX, PoolReading};
use crate::refusal::ReplyError;

/// The request.
pub const POOLS: &[u8] = b"{\"command\":\"pools\"}";

/// Reads a reply to `pools`.
///
/// # Errors
/// The machine's refusal, or that it is no such reply.
pub fn pools(bytes: &[u8]) -> Result<Vec<PoolReading>, ReplyError> {
    listed(&tree(bytes)?)
}

/// As [`pools`], of a reply that was read.
pub(crate) fn listed(reply: &Value) -> Result<Vec<PoolReading>, ReplyError> {
    Ok(section(reply, "POOLS")?.iter().take(LIST_MAX).map(pool).collect())
}

fn pool(pool: &Value) -> PoolReading {
    let alive = pool.text("/Status").and_then(|word| match word.as_str() {
        "Alive" => Some(true),
        "Dead" | "Disabled" | "Rejecting" => Some(false),
        _ => None,
    });
    PoolReading {
        url: pool.text("/URL"),
        user: pool.text("/User"),
        is_active: pool.flag("/Stratum Active"),
        is_alive: alive,
        accepted: pool.count("/Accepted"),
        rejected: pool.count("/Rejected"),
        stale: pool.count("/Stale"),
    }
}
