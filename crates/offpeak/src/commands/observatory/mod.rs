//! The observatory: what mining draws from the world, from the command line.
//!
//! For: reading the files that an estimate is computed from, and printing results as text, CSV or JSON,
//! each with what it rests on. Not here: the arithmetic, which is `offpeak-index`.

mod chain;
mod grid;
mod hashprice;
mod index;
mod inputs;
mod output;
mod world;
mod worth;

use anyhow::Result;

use crate::cli::Observatory;
use crate::exit::Exit;

pub(crate) use chain::hash_on_all_cores;

/// Does what was asked.
pub(super) fn observatory(command: Observatory) -> Result<Exit> {
    match command {
        Observatory::Index(args) => index::index(args),
        Observatory::World(args) => world::world(&args),
        Observatory::Grid(args) => grid::grid(&args),
        Observatory::Hashprice(args) => hashprice::hashprice(&args),
        Observatory::Breakeven(args) => hashprice::breakeven(&args),
        Observatory::Chain(args) => chain::chain(*args),
    }
}
