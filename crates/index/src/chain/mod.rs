//! The chain of blocks, from its headers.
//!
//! For: reading and verifying headers, exact targets and retargets, work, hash rate over any window with
//! its interval, subsidy by height, and the facts about the chain that are built in.
//! Not for: fetching headers, or blocks and transactions.

mod days;
mod facts;
mod facts_csv;
mod header;
mod rate;
mod stats;
mod subsidy;
mod synthetic;
mod target;
mod u256;
mod verify;

pub use days::{HeaderDay, days_of};
pub use facts::{
    Epoch, Facts, FactsError, FactsVintage, MonthFees, PricePoint, daily_network, epochs_of, facts,
};
pub use facts_csv::{FactsCsvError, fees_csv, parse_day_values, prices_csv};
pub use header::{
    BlockHash, HEADER_BYTES, HashError, Header, LengthError, RawHeader, hash_all, split_headers,
};
pub use rate::{NextRetarget, RateEstimate, Sampling, Window, next_retarget};
pub use subsidy::{HALVING_BLOCKS, SAT_PER_BTC, next_halving, subsidy_sat, supply_sat};
pub use synthetic::synthetic_chain;
pub use target::{
    BLOCK_SECONDS, CompactTarget, HASHES_PER_DIFFICULTY, RETARGET_BLOCKS, RETARGET_SECONDS, Target,
    TargetError, Work, retarget,
};
pub use u256::U256;
pub use verify::{FUTURE_SECONDS_MAX, Rules, Tip, VerifyError, link, verify};
