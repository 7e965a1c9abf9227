//! Whether headers follow the rules, one after the other.
//!
//! For: proof of work, links, the target each header must have, median time, the bound on clocks that run
//! ahead, versions and checkpoints: what a node checks of a header before it asks for the block. Every
//! refusal says at which height and why.
//! Not for: blocks. A chain of valid headers may still hold invalid blocks, and of two valid chains the
//! one with more work counts: compare [`Tip::work`]. Fetching and storing headers is the caller's.
//!
//! Rules as in Bitcoin Core 27, `validation.cpp`, `CheckBlockHeader` and `ContextualCheckBlockHeader`, and
//! `pow.cpp`. The work splits in two: [`super::hash_all`], which any number of cores may share, and
//! [`link`], which is quick and goes in order.

use std::collections::BTreeMap;

use super::header::{BlockHash, Header, LengthError, RawHeader, hash_all, split_headers};
use super::target::{CompactTarget, RETARGET_BLOCKS, Target, TargetError, Work, retarget};

/// How far ahead of the verifier's clock a header's time may be: two hours.
pub const FUTURE_SECONDS_MAX: i64 = 2 * 3_600;
/// How many headers the median time looks back.
const MEDIAN_HEADERS: usize = 11;

/// What a network demands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The hash of its first block.
    pub genesis: BlockHash,
    /// The highest target.
    pub limit: Target,
    /// Whether targets are adjusted every [`RETARGET_BLOCKS`]; if not, all headers keep the first's.
    pub retargets: bool,
    /// The least version from a height on, heights rising.
    pub versions: Vec<(u32, i32)>,
    /// Hashes that are known at some heights; may be empty.
    pub checkpoints: BTreeMap<u32, BlockHash>,
}

impl Rules {
    /// Bitcoin's. The versions are those of BIP 34, 66 and 65 from the heights of BIP 90; no checkpoints.
    #[must_use]
    pub fn mainnet() -> Self {
        Self {
            genesis: MAINNET_GENESIS.parse().expect("a constant of 64 digits"),
            limit: Target::mainnet_limit(),
            retargets: true,
            versions: vec![(227_931, 2), (363_725, 3), (388_381, 4)],
            checkpoints: BTreeMap::new(),
        }
    }
    /// Those of the chain that tests make for themselves (Bitcoin Core, `kernel/chainparams.cpp`): the easiest
    /// target, never adjusted.
    #[must_use]
    pub fn regtest() -> Self {
        Self {
            genesis: REGTEST_GENESIS.parse().expect("a constant of 64 digits"),
            limit: Target::regtest_limit(),
            retargets: false,
            versions: Vec::new(),
            checkpoints: BTreeMap::new(),
        }
    }
    /// The same with hashes that must be found at some heights.
    #[must_use]
    pub fn with_checkpoints(mut self, checkpoints: impl IntoIterator<Item = (u32, BlockHash)>) -> Self {
        self.checkpoints.extend(checkpoints);
        self
    }
    fn version_min(&self, height: u32) -> i32 {
        let held = self.versions.iter().take_while(|(from, _)| *from <= height);
        held.last().map_or(i32::MIN, |(_, version)| *version)
    }
}

/// The hash of Bitcoin's first block (Nakamoto, 3 January 2009).
const MAINNET_GENESIS: &str = "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f";

/// The hash of the first block of every test chain.
const REGTEST_GENESIS: &str = "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206";

/// Why headers are refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// Not whole headers.
    #[error(transparent)]
    Length(#[from] LengthError),
    /// As many hashes as headers are needed.
    #[error("{headers} headers with {hashes} hashes")]
    Hashes {
        /// How many headers.
        headers: usize,
        /// How many hashes.
        hashes: usize,
    },
    /// Another network's first block, or a run that does not begin at the first.
    #[error("height 0: {found} is not the first block {expected}")]
    Genesis {
        /// The rules' first block.
        expected: BlockHash,
        /// The hash found.
        found: BlockHash,
    },
    /// A header that does not follow the one before: reordered, missing or of another chain.
    #[error("height {height}: follows {found}, but the block before is {expected}")]
    Link {
        /// Of the header.
        height: u32,
        /// The hash of the header before.
        expected: BlockHash,
        /// The hash it names.
        found: BlockHash,
    },
    /// Bits that stand for no target.
    #[error("height {height}: bits {bits}: {source}")]
    Malformed {
        /// Of the header.
        height: u32,
        /// As it has them.
        bits: CompactTarget,
        /// Why.
        source: TargetError,
    },
    /// Another target than the rules give here.
    #[error("height {height}: bits {found}, but the rules give {expected}")]
    Bits {
        /// Of the header.
        height: u32,
        /// What it should be.
        expected: CompactTarget,
        /// As it is.
        found: CompactTarget,
    },
    /// A hash above the target: the work was not done.
    #[error("height {height}: hash {hash} is above the target of bits {bits}")]
    Work {
        /// Of the header.
        height: u32,
        /// Its hash.
        hash: BlockHash,
        /// Its target.
        bits: CompactTarget,
    },
    /// A time not after the median of the eleven headers before.
    #[error("height {height}: time {time} is not after {median}, the median of the 11 before")]
    MedianTime {
        /// Of the header.
        height: u32,
        /// Its time.
        time: u32,
        /// The median.
        median: u32,
    },
    /// A time too far ahead.
    #[error("height {height}: time {time} is more than two hours ahead of {now}")]
    Future {
        /// Of the header.
        height: u32,
        /// Its time.
        time: u32,
        /// The verifier's clock.
        now: i64,
    },
    /// A version that is no longer accepted.
    #[error("height {height}: version {version} is below {least}")]
    Version {
        /// Of the header.
        height: u32,
        /// Its version.
        version: i32,
        /// The least here.
        least: i32,
    },
    /// Another hash than is known at this height.
    #[error("height {height}: hash {found} is not the known {expected}")]
    Checkpoint {
        /// Of the header.
        height: u32,
        /// The known hash.
        expected: BlockHash,
        /// The hash found.
        found: BlockHash,
    },
    /// More headers than heights of 32 bits.
    #[error("more headers than there are heights")]
    Height,
}

/// The last verified header and what the next ones are judged by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tip {
    /// Its height.
    pub height: u32,
    /// Its hash.
    pub hash: BlockHash,
    /// Its time.
    pub time: u32,
    /// Its target.
    pub bits: CompactTarget,
    /// The work of all headers up to it, or since the header that [`Tip::trusted`] began with.
    pub work: Work,
    /// The time of the first header of its period of 2,016.
    pub period_start: u32,
    times: Times,
}

/// The times of up to eleven headers, the newest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Times {
    ring: [u32; MEDIAN_HEADERS],
    next: usize,
    known: usize,
}

impl Times {
    const NONE: Self = Self { ring: [0; MEDIAN_HEADERS], next: 0, known: 0 };

    fn push(&mut self, time: u32) {
        self.ring[self.next] = time;
        self.next = (self.next + 1) % MEDIAN_HEADERS;
        self.known = (self.known + 1).min(MEDIAN_HEADERS);
    }
    /// The median that a new time must lie after, unless it does.
    fn not_after(&self, time: u32) -> Option<u32> {
        let known = &self.ring[..self.known];
        if known.iter().all(|known| *known < time) {
            return None;
        }
        let mut sorted = [0; MEDIAN_HEADERS];
        sorted[..self.known].copy_from_slice(known);
        sorted[..self.known].sort_unstable();
        Some(sorted[self.known / 2]).filter(|median| self.known > 0 && time <= *median)
    }
}

impl Tip {
    /// A tip that is taken on trust, to verify what follows without everything before: the headers from
    /// the first of its period up to itself, the first of them at `first_height`. Only times, targets and
    /// links are taken from them, nothing is judged; median times hold once eleven are known.
    ///
    /// `None` without headers, or when the first is not the first of a period of 2,016, or they go past it.
    #[must_use]
    pub fn trusted(first_height: u32, headers: &[RawHeader]) -> Option<Self> {
        let last = headers.last()?;
        let more = u32::try_from(headers.len()).ok()? - 1;
        if !first_height.is_multiple_of(RETARGET_BLOCKS) || more >= RETARGET_BLOCKS {
            return None;
        }
        let mut times = Times::NONE;
        headers.iter().for_each(|raw| times.push(Header::read(raw).time));
        let header = Header::read(last);
        Some(Self {
            height: first_height.checked_add(more)?,
            hash: BlockHash::of(last),
            time: header.time,
            bits: header.bits,
            work: Work::ZERO,
            period_start: Header::read(&headers[0]).time,
            times,
        })
    }
    /// The target that the next header must have.
    ///
    /// # Errors
    /// A target of this tip that stands for none.
    pub fn next_bits(&self, rules: &Rules) -> Result<CompactTarget, TargetError> {
        let starts_a_period = self.height.wrapping_add(1).is_multiple_of(RETARGET_BLOCKS);
        if rules.retargets && starts_a_period {
            retarget(self.bits, i64::from(self.time) - i64::from(self.period_start), rules.limit)
        } else {
            Ok(self.bits)
        }
    }
}

/// The target in use, expanded once for all the headers that share it.
struct Expanded {
    bits: CompactTarget,
    target: Target,
    work: Work,
}

impl Expanded {
    fn of(bits: CompactTarget) -> Result<Self, TargetError> {
        let target = bits.target()?;
        Ok(Self { bits, target, work: target.work() })
    }
}

/// Judges a run of headers, given the tip before it (`None` at the first block), and gives the new tip.
/// `hashes` are those of [`super::hash_all`]; they are believed. `now` is the verifier's clock in seconds
/// since 1970; without it no header is refused for being ahead.
///
/// # Errors
/// The first header that breaks a rule, with its height.
pub fn link(
    rules: &Rules,
    before: Option<Tip>,
    headers: &[RawHeader],
    hashes: &[BlockHash],
    now: Option<i64>,
) -> Result<Option<Tip>, VerifyError> {
    if headers.len() != hashes.len() {
        return Err(VerifyError::Hashes { headers: headers.len(), hashes: hashes.len() });
    }
    let mut tip = before;
    let mut expanded: Option<Expanded> = None;
    for (raw, hash) in headers.iter().zip(hashes) {
        let next = judge(rules, tip, &Header::read(raw), *hash, now, &mut expanded)?;
        tip = Some(next);
    }
    Ok(tip)
}

/// Judges one header and makes it the tip.
fn judge(
    rules: &Rules,
    before: Option<Tip>,
    header: &Header,
    hash: BlockHash,
    now: Option<i64>,
    expanded: &mut Option<Expanded>,
) -> Result<Tip, VerifyError> {
    let height = match &before {
        None => 0,
        Some(tip) => tip.height.checked_add(1).ok_or(VerifyError::Height)?,
    };
    let expected = match &before {
        None if hash != rules.genesis => {
            return Err(VerifyError::Genesis { expected: rules.genesis, found: hash });
        }
        None => header.bits,
        Some(tip) if header.previous != tip.hash => {
            return Err(VerifyError::Link { height, expected: tip.hash, found: header.previous });
        }
        Some(tip) => tip.next_bits(rules).map_err(|source| malformed(height, tip.bits, source))?,
    };
    let current = match expanded.take().filter(|known| known.bits == header.bits) {
        Some(known) => known,
        None => Expanded::of(header.bits).map_err(|source| malformed(height, header.bits, source))?,
    };
    if header.bits != expected || current.target > rules.limit {
        let expected = if header.bits == expected { rules.limit.compact() } else { expected };
        return Err(VerifyError::Bits { height, expected, found: header.bits });
    }
    if !current.target.allows(hash.as_bytes()) {
        return Err(VerifyError::Work { height, hash, bits: header.bits });
    }
    contextual(rules, before.as_ref(), header, height, now)?;
    if let Some(known) = rules.checkpoints.get(&height).filter(|known| **known != hash) {
        return Err(VerifyError::Checkpoint { height, expected: *known, found: hash });
    }
    let mut times = before.as_ref().map_or(Times::NONE, |tip| tip.times);
    times.push(header.time);
    let next = Tip {
        height,
        hash,
        time: header.time,
        bits: header.bits,
        work: before.as_ref().map_or(Work::ZERO, |tip| tip.work).plus(current.work),
        period_start: before
            .filter(|_| !height.is_multiple_of(RETARGET_BLOCKS))
            .map_or(header.time, |tip| tip.period_start),
        times,
    };
    *expanded = Some(current);
    Ok(next)
}

fn malformed(height: u32, bits: CompactTarget, source: TargetError) -> VerifyError {
    VerifyError::Malformed { height, bits, source }
}

/// Times and versions.
fn contextual(
    rules: &Rules,
    before: Option<&Tip>,
    header: &Header,
    height: u32,
    now: Option<i64>,
) -> Result<(), VerifyError> {
    if let Some(median) = before.and_then(|tip| tip.times.not_after(header.time)) {
        return Err(VerifyError::MedianTime { height, time: header.time, median });
    }
    if let Some(now) = now.filter(|now| i64::from(header.time) > now.saturating_add(FUTURE_SECONDS_MAX)) {
        return Err(VerifyError::Future { height, time: header.time, now });
    }
    let least = rules.version_min(height);
    if header.version < least {
        return Err(VerifyError::Version { height, version: header.version, least });
    }
    Ok(())
}

/// Hashes and judges a run of headers on one core; see [`link`].
///
/// # Errors
/// As [`link`], and a length that is no multiple of 80.
pub fn verify(
    rules: &Rules,
    before: Option<Tip>,
    bytes: &[u8],
    now: Option<i64>,
) -> Result<Option<Tip>, VerifyError> {
    let headers = split_headers(bytes)?;
    link(rules, before, headers, &hash_all(headers), now)
}
