//! `offpeak chain`: what the chain says, bringing it up to date, holding a pool to it.
//!
//! Not here: the arithmetic (`offpeak-index`), and what is printed (`commands/observatory/chain`).

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use jiff::civil::Date;
use offpeak_drivers::bitcoin::NodeAddress;

use super::observatory::{Sources, factor_above_zero, percent};

/// Which chain headers are of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ChainName {
    /// Bitcoin.
    #[default]
    Main,
    /// A chain that a test node makes for itself.
    Regtest,
}

impl ChainName {
    /// As nodes call it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Regtest => "regtest",
        }
    }
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Chain {
    #[command(subcommand)]
    pub(crate) what: Option<ChainWhat>,
    #[command(flatten)]
    pub(crate) show: ChainShow,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ChainWhat {
    /// Bring headers, prices and fees up to date, from a node or from a CSV file
    #[command(after_help = "Examples:
  offpeak chain sync --node 127.0.0.1 --cookie ~/.bitcoin/.cookie --fees-days 30
  offpeak chain sync --node 127.0.0.1 --rest                       a node with -rest, no login
  offpeak chain sync --csv prices.csv                              date,price_usd,fees_btc

Headers are verified before they are kept, and again whenever they are read.")]
    Sync(ChainSync),
    /// Hold what a pool paid against what the work was worth
    #[command(after_help = "Examples:
  offpeak chain audit --ths 9500 --from 2024-05-01 --to 2024-05-31 --paid-sat 16200000 --pool-fee 2")]
    Audit(ChainAudit),
}

#[derive(Debug, Args)]
pub(crate) struct ChainShow {
    /// Raw 80-byte headers to verify, in place of what is built in or kept
    #[arg(long, value_name = "FILE", conflicts_with = "chain")]
    pub(crate) headers: Option<PathBuf>,
    /// The height of the first of them; above 0 a multiple of 2016, and that header is trusted
    #[arg(long, value_name = "HEIGHT", default_value_t = 0, requires = "headers")]
    pub(crate) first_height: u32,
    /// Which chain they are of
    #[arg(long, value_name = "NAME", default_value = "main")]
    pub(crate) network_name: ChainName,
    /// Hash rate over so many last blocks; may be repeated [default: 144, 1008 and 2016]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) blocks: Vec<u32>,
    /// Hash rate from the start of this day (UTC), with headers
    #[arg(long, value_name = "DATE", requires = "to")]
    pub(crate) from: Option<Date>,
    /// To the end of this day
    #[arg(long, value_name = "DATE", requires = "from")]
    pub(crate) to: Option<Date>,
    /// In what share of all cases the intervals are to hold the true figure, percent
    #[arg(long, value_name = "PERCENT", default_value_t = 95.0, value_parser = confidence)]
    pub(crate) confidence: f64,
    /// Subsidy and supply at this height [default: the next block]
    #[arg(long, value_name = "HEIGHT")]
    pub(crate) height: Option<u32>,
    #[command(flatten)]
    pub(crate) kept: Kept,
    /// In a CSV, what it rests on as `#` lines
    #[arg(long, requires = "csv")]
    pub(crate) assumptions: bool,
    /// The hash rates as CSV
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
    /// As JSON, with what it rests on
    #[arg(long)]
    pub(crate) json: bool,
}

/// Where headers, prices and fees are kept that were brought up to date.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Kept {
    /// The folder that `chain sync` fills; without it only what is built in counts
    #[arg(long, value_name = "FOLDER", env = "OFFPEAK_CHAIN")]
    pub(crate) chain: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("from").required(true).multiple(true).args(["node", "csv"]))]
pub(crate) struct ChainSync {
    /// A Bitcoin node: http://127.0.0.1:8332
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) node: Option<NodeAddress>,
    /// Ask over REST in place of RPC: the node must run with -rest
    #[arg(long, requires = "node", conflicts_with_all = ["cookie", "user"])]
    pub(crate) rest: bool,
    /// The node's cookie file, its login for RPC
    #[arg(long, value_name = "FILE", requires = "node", conflicts_with = "user")]
    pub(crate) cookie: Option<PathBuf>,
    /// A user of the node's RPC, with --password-file
    #[arg(long, value_name = "NAME", requires_all = ["node", "password_file"])]
    pub(crate) user: Option<String>,
    /// The file that holds the password
    #[arg(long, value_name = "FILE", requires = "user")]
    pub(crate) password_file: Option<PathBuf>,
    /// Which chain the node must follow
    #[arg(long, value_name = "NAME", default_value = "main")]
    pub(crate) network_name: ChainName,
    /// Begin at the period of this height [default: the last that is built in from a header]
    #[arg(long, value_name = "HEIGHT", requires = "node")]
    pub(crate) from_height: Option<u32>,
    /// Also the fees of so many last days, a block in six asked (RPC, a node with its blocks)
    #[arg(long, value_name = "DAYS", requires = "node", conflicts_with = "rest", value_parser = clap::value_parser!(u32).range(1..=400))]
    pub(crate) fees_days: Option<u32>,
    /// Prices and fees by day: date,price_usd,fees_btc
    #[arg(long, value_name = "FILE.csv")]
    pub(crate) csv: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) kept: Kept,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ChainAudit {
    /// The mean hash rate that was pointed at the pool, TH/s
    #[arg(long, value_name = "TH_PER_S", value_parser = factor_above_zero)]
    pub(crate) ths: f64,
    /// First day
    #[arg(long, value_name = "DATE")]
    pub(crate) from: Date,
    /// Last day
    #[arg(long, value_name = "DATE")]
    pub(crate) to: Date,
    /// What the pool paid, satoshis
    #[arg(long, value_name = "SAT", value_parser = satoshis)]
    pub(crate) paid_sat: f64,
    /// What it says it takes, percent
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0, value_parser = percent)]
    pub(crate) pool_fee: f64,
    #[command(flatten)]
    pub(crate) sources: Sources,
    /// In a CSV, what it rests on as `#` lines
    #[arg(long, requires = "csv")]
    pub(crate) assumptions: bool,
    /// As CSV, a row a day
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
    /// As JSON, with what it rests on
    #[arg(long)]
    pub(crate) json: bool,
}

fn confidence(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| *number > 0.0 && *number < 100.0);
    number.ok_or_else(|| format!("`{text}` is no percentage between 0 and 100"))
}

fn satoshis(text: &str) -> Result<f64, String> {
    let number = text.parse::<u64>().ok().filter(|number| *number <= 2_100_000_000_000_000);
    #[expect(clippy::cast_precision_loss, reason = "all satoshis that there will be fit a float")]
    number.map(|number| number as f64).ok_or_else(|| format!("`{text}` is no number of satoshis"))
}
