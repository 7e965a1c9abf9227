//! Chains that nobody mined: valid headers of a target so high that every second hash will do.
//!
//! For: tests and for timing the verifier on as many headers as the real chain has, with its mix of
//! work: two compressions of SHA-256 for the first hash, one for the second, a link, a median, a sum.
//! Not for: anything that looks like Bitcoin's history; there are no retargets and no real times.

use std::collections::BTreeMap;

use super::header::{BlockHash, Header, RawHeader};
use super::target::{BLOCK_SECONDS, CompactTarget, Target};
use super::verify::Rules;

/// The time of the first synthetic header.
const START: u32 = 1_231_006_505;
/// The target of all of them: half of all hashes will do.
const BITS: CompactTarget = CompactTarget::from_bits(0x207f_ffff);

/// A chain of `count` headers and the rules it follows. The same count gives the same chain; a longer one
/// begins with a shorter one.
///
/// # Panics
/// With more headers than heights of 32 bits have times (5,106,602).
#[must_use]
pub fn synthetic_chain(count: usize) -> (Rules, Vec<RawHeader>) {
    let mut headers: Vec<RawHeader> = Vec::with_capacity(count);
    let mut previous = BlockHash::default();
    for height in 0..count.max(1) {
        let (raw, hash) = mine(height, previous);
        previous = hash;
        headers.push(raw);
    }
    let rules = Rules {
        genesis: BlockHash::of(&headers[0]),
        limit: Target::regtest_limit(),
        retargets: false,
        versions: Vec::new(),
        checkpoints: BTreeMap::new(),
    };
    headers.truncate(count);
    (rules, headers)
}

/// Counts until the hash is low enough: twice on average.
fn mine(height: usize, previous: BlockHash) -> (RawHeader, BlockHash) {
    let seconds = u32::try_from(height).ok().and_then(|height| height.checked_mul(BLOCK_SECONDS));
    let time = seconds.and_then(|seconds| seconds.checked_add(START)).expect("fewer than 5,106,602 headers");
    let mut header = Header { version: 4, previous, merkle_root: [0; 32], time, bits: BITS, nonce: 0 };
    let target = BITS.target().expect("a constant that stands for a target");
    loop {
        let raw = header.write();
        let hash = BlockHash::of(&raw);
        if target.allows(hash.as_bytes()) {
            return (raw, hash);
        }
        header.nonce += 1;
    }
}
