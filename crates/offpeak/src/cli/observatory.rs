//! The observatory's commands: what mining draws from the world, and what it pays.
//!
//! Not here: the arithmetic (`offpeak-index`), and what is printed (`commands/observatory`).

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use jiff::civil::Date;
use offpeak_index::electricity::Revision;
use offpeak_index::grid::WeekHours;
use offpeak_index::world::{Contract, CountryCode, Period};

use super::chain::{Chain, Kept};

#[derive(Debug, Subcommand)]
pub(crate) enum Observatory {
    /// Show what the whole network draws, by each method, with every assumption
    #[command(after_help = "Examples:
  offpeak index                                        every method on the latest day, side by side
  offpeak index --method cbeci --csv > cbeci.csv       daily since 2010
  offpeak index --method cbeci --revision 1.2 --price 0.07 --from 2021-01-01 --to 2021-12-31
  offpeak index --method offpeak --set pue_air=1.2 --csv --assumptions > ours.csv
  offpeak index --recompute ours.csv                   computes a file again from its own header

Methods are never merged: they answer different questions.")]
    Index(Index),
    /// Show where mining is said to be, what it draws from each country and emits there
    #[command(after_help = "Examples:
  offpeak world                                        the latest month of every series
  offpeak world --month 2021-08 --csv
  offpeak world --from-month 2021-04 --to-month 2021-08          who gained what others lost
  offpeak world --country KZ --month 2021-08           its load against its grid, by each method
  offpeak world --country KZ --contract wind:900000:13 --csv     emissions by declared contracts
  offpeak world --shares mining_map.csv --shares china_provinces.csv --month 2020-04")]
    World(World),
    /// Show a nation's grid: its balance, what mining takes by each estimate, and what if
    #[command(after_help = "Examples:
  offpeak grid KZ                                      2017 to 2024, three estimates, the claim of 7 %
  offpeak grid KZ --year 2022 --json
  offpeak grid KZ --year 2022 --what-if \"+920MW 00-08, weekend\"
  offpeak grid KZ --what-if -500MW --csv > whatif.csv

Kazakhstan is built in; another country needs its tables: --balance, --peaks, --shape.")]
    Grid(Grid),
    /// Show what a terahash a second earns in a day, in dollars and satoshis
    #[command(after_help = "Examples:
  offpeak hashprice                                    the last two weeks
  offpeak hashprice --from 2024-04-01 --to 2024-05-01  around the halving
  offpeak hashprice --mean-days 7 --csv > hashprice.csv")]
    Hashprice(HashPrice),
    /// Show at which price of power a machine stops paying, and when each model did
    #[command(after_help = "Examples:
  offpeak breakeven --efficiency 34.5 --price 0.05
  offpeak breakeven --efficiency 34.5 --hash-price 0.06 --overhead 1.1 --pool-fee 2
  offpeak breakeven --classes 10,20,30,40,60           whole classes of the table
  offpeak breakeven --efficiency 17.5 --ths 200 --price 0.04 --difficulty-growth 30   what it will still earn
  offpeak breakeven --price 0.05                       every machine of the table
  offpeak breakeven --catalogue machines.csv --price 0.05 --csv > lives.csv")]
    Breakeven(Breakeven),
    /// Show what the chain says: hash rate, next retarget, subsidy, what work earns
    #[command(after_help = "Examples:
  offpeak chain                                        from what is built in
  offpeak chain --headers headers.bin --json           verifies every header first
  offpeak chain --headers headers.bin --from 2024-04-01 --to 2024-04-30
  offpeak chain --height 1050000                       the subsidy after the next halving
  offpeak chain sync --node 127.0.0.1 --cookie ~/.bitcoin/.cookie --chain ~/.offpeak-chain
  offpeak chain audit --ths 9500 --from 2024-05-01 --to 2024-05-31 --paid-sat 16200000 --pool-fee 2")]
    Chain(Box<Chain>),
}

/// Which series and which machines an estimate is computed from.
#[derive(Debug, Default, Args)]
pub(crate) struct Sources {
    /// The network by day: date,blocks,hash_rate_ths,price_usd,issuance_btc,fees_btc
    #[arg(long, value_name = "FILE.csv")]
    pub(crate) network: Option<PathBuf>,
    /// The machines: name,maker,release_date,hash_rate_ths,power_w and more [default: built in]
    #[arg(long, value_name = "FILE.csv")]
    pub(crate) catalogue: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) kept: Kept,
}

/// By which method the network's electricity is estimated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum MethodName {
    /// Cambridge's, bottom up: which machines pay their power at one price.
    #[value(alias = "cambridge")]
    Cbeci,
    /// Digiconomist's, top down: a share of revenue buys power.
    Digiconomist,
    /// Ours: prices by region and time, machines that die of age, a band by drawing.
    Offpeak,
}

impl MethodName {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Cbeci => "cbeci",
            Self::Digiconomist => "digiconomist",
            Self::Offpeak => "offpeak",
        }
    }
}

/// How a method is changed from what was published.
#[derive(Debug, Default, Args)]
pub(crate) struct Changes {
    /// Cambridge's rules of this release: 1.2, 1.3, 1.4 and later [default: 1.4]
    #[arg(long, value_name = "R", value_parser = revision)]
    pub(crate) revision: Option<Revision>,
    /// Repeat what only Cambridge's published figures do
    #[arg(long)]
    pub(crate) parity: bool,
    /// What all miners pay, USD/kWh [default: 0.05]
    #[arg(long, value_name = "USD_PER_KWH", value_parser = price)]
    pub(crate) price: Option<f64>,
    /// Change any assumption by its name; `--assumptions` lists them
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    pub(crate) set: Vec<(String, String)>,
}

#[derive(Debug, Args)]
pub(crate) struct Index {
    /// One method; without it all of them side by side
    #[arg(long, value_name = "NAME")]
    pub(crate) method: Option<MethodName>,
    #[command(flatten)]
    pub(crate) changes: Changes,
    #[command(flatten)]
    pub(crate) sources: Sources,
    /// The first day
    #[arg(long, value_name = "DATE")]
    pub(crate) from: Option<Date>,
    /// The last day
    #[arg(long, value_name = "DATE")]
    pub(crate) to: Option<Date>,
    /// Show the assumptions; in a CSV, as `#` lines from which it can be computed again
    #[arg(long)]
    pub(crate) assumptions: bool,
    /// Day by day as CSV
    #[arg(long, requires = "method", conflicts_with = "json")]
    pub(crate) csv: bool,
    /// As JSON, with assumptions and inputs; day by day with --method
    #[arg(long)]
    pub(crate) json: bool,
    /// Compute an exported file again from its own header, and compare
    #[arg(long, value_name = "FILE", conflicts_with_all = ["method", "csv", "from", "to", "revision", "parity", "price", "set"])]
    pub(crate) recompute: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct World {
    /// A month, quarter or year: 2021-08, 2025-Q2 [default: the latest of each series]
    #[arg(long, value_name = "PERIOD")]
    pub(crate) month: Option<Period>,
    /// Only this series, by its short name; may be repeated
    #[arg(long, value_name = "KEY")]
    pub(crate) series: Vec<String>,
    /// A table of shares by country, or by province of China; may be repeated
    #[arg(long, value_name = "FILE.csv")]
    pub(crate) shares: Vec<PathBuf>,
    /// Compare with a later period: the earlier one
    #[arg(long, value_name = "PERIOD", requires = "to_month", conflicts_with_all = ["month", "country"])]
    pub(crate) from_month: Option<Period>,
    /// Compare with an earlier period: the later one
    #[arg(long, value_name = "PERIOD", requires = "from_month")]
    pub(crate) to_month: Option<Period>,
    /// One country: its load against its grid, by each method
    #[arg(long, value_name = "COUNTRY")]
    pub(crate) country: Option<CountryCode>,
    /// With --country, power that is declared for a year: emissions by contracts beside those by its grid; may be repeated
    #[arg(long, value_name = "NAME:MWH:G_PER_KWH", requires = "country", value_parser = str::parse::<Contract>)]
    pub(crate) contract: Vec<Contract>,
    /// By which method the network's power is estimated
    #[arg(long, value_name = "NAME", default_value = "cbeci", conflicts_with = "country")]
    pub(crate) method: MethodName,
    #[command(flatten)]
    pub(crate) changes: Changes,
    #[command(flatten)]
    pub(crate) sources: Sources,
    /// Show the assumptions; in a CSV, as `#` lines
    #[arg(long)]
    pub(crate) assumptions: bool,
    /// As CSV
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
    /// As JSON, with assumptions
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Grid {
    /// The country: KZ, KAZ or Kazakhstan
    #[arg(value_name = "COUNTRY")]
    pub(crate) country: CountryCode,
    /// The year [default: that of the estimates; for --what-if the last with a published highest load]
    #[arg(long, value_parser = clap::value_parser!(i16).range(1..=9998))]
    pub(crate) year: Option<i16>,
    /// Mining that is added or taken away, and when: "+300MW 00-08, weekend"
    #[arg(long, value_name = "CHANGE", allow_hyphen_values = true, value_parser = change)]
    pub(crate) what_if: Option<Change>,
    /// The most that neighbours can deliver, MW [default: no limit]
    #[arg(long, value_name = "MW", requires = "what_if", value_parser = amount)]
    pub(crate) import_limit: Option<f64>,
    /// What plants at home can generate, MW in each month, instead of the two brackets
    #[arg(long, value_name = "MW,...", requires = "what_if", value_delimiter = ',', num_args = 12, value_parser = amount)]
    pub(crate) capacity: Vec<f64>,
    /// Whom it imports from, for emissions [default: Russia for Kazakhstan, else like its own]
    #[arg(long, value_name = "COUNTRY", requires = "what_if")]
    pub(crate) neighbour: Option<CountryCode>,
    /// A claim "mining takes X % of the country's power"
    #[arg(long, value_name = "PERCENT", default_value_t = 7.0, value_parser = amount)]
    pub(crate) claim: f64,
    /// Balances: code,year,series,generation_twh,demand_twh,source
    #[arg(long, value_name = "FILE.csv")]
    pub(crate) balance: Option<PathBuf>,
    /// Highest loads: code,date,load_mw,generation_mw,source
    #[arg(long, value_name = "FILE.csv", requires = "balance")]
    pub(crate) peaks: Option<PathBuf>,
    /// Estimates of mining: code,estimate,title,rule,amount,amount_unit,rate,rate_unit,hours,period,source
    #[arg(long, value_name = "FILE.csv", requires = "balance")]
    pub(crate) estimates: Option<PathBuf>,
    /// The shape of demand: kind,index,value
    #[arg(long, value_name = "FILE.csv", requires = "what_if")]
    pub(crate) shape: Option<PathBuf>,
    /// Show the assumptions; in a CSV, as `#` lines
    #[arg(long)]
    pub(crate) assumptions: bool,
    /// As CSV
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
    /// As JSON, with assumptions
    #[arg(long)]
    pub(crate) json: bool,
}

/// A change of mining load and its hours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Change {
    pub(crate) mw: f64,
    pub(crate) hours: WeekHours,
}

fn revision(text: &str) -> Result<Revision, String> {
    Revision::from_name(text)
        .ok_or_else(|| format!("`{text}` is no release that is known: 1.2, 1.3, 1.4 and later"))
}

fn price(text: &str) -> Result<f64, String> {
    let price = text.parse().ok().filter(|price| (1e-6..=10.0).contains(price));
    price.ok_or_else(|| format!("`{text}` is no price from 0.000001 to 10 USD/kWh"))
}

/// A number of zero or more.
fn amount(text: &str) -> Result<f64, String> {
    let amount = text.parse::<f64>().ok().filter(|amount| (0.0..1e9).contains(amount));
    amount.ok_or_else(|| format!("`{text}` is no number of zero or more"))
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or_else(|| format!("`{text}` is not KEY=VALUE"))?;
    Ok((key.trim().to_owned(), value.trim().to_owned()))
}

/// `+300MW 00-08, weekend`: an amount with its sign and unit, then hours of the week, else always.
fn change(text: &str) -> Result<Change, String> {
    let wrong = || format!("`{text}` is no change such as \"+300MW 00-08, weekend\" or \"-1.5GW\"");
    let text = text.trim();
    let end = text.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(wrong)?;
    let (number, rest) = text.split_at(end);
    let (unit, hours) = rest.split_at(rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len()));
    let scale = match unit.to_ascii_lowercase().as_str() {
        "kw" => 1e-3,
        "mw" => 1.0,
        "gw" => 1e3,
        _ => return Err(wrong()),
    };
    let number: f64 = number.trim().parse().map_err(|_| wrong())?;
    let hours = hours.trim().trim_start_matches(',').trim();
    let hours =
        if hours.is_empty() { WeekHours::always() } else { hours.parse().map_err(|e| format!("{e}"))? };
    let mw = number * scale;
    if mw.abs() < 1e7 { Ok(Change { mw, hours }) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_of_load() {
        let story = change("+300MW 00-08, weekend").unwrap();
        assert_eq!((story.mw, story.hours.count()), (300.0, 88));
        assert_eq!(change("-1.5 GW").unwrap(), Change { mw: -1_500.0, hours: WeekHours::always() });
        assert_eq!(change("500kW, mon-fri 22-24").unwrap().mw, 0.5);
        for wrong in ["", "300", "MW", "+300 horses", "+300MW noon", "1e99MW", "NaN MW", "infMW"] {
            assert!(change(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn contracts() {
        let wind: Contract = "wind farm: phase 2:900000:13".parse().unwrap();
        let told = (wind.name.as_str(), wind.energy_mwh, wind.g_per_kwh);
        assert_eq!(told, ("wind farm: phase 2", 900_000.0, 13.0));
        for (text, says) in [
            ("wind:900000", "a part is missing"),
            (":900000:13", "has no name"),
            ("wind:much:13", "`much` is no number of MWh from 0"),
            ("wind:-5:13", "`-5` is no number of MWh"),
            ("wind:5:NaN", "`NaN` is no number of gCO2e/kWh"),
        ] {
            let error = text.parse::<Contract>().unwrap_err();
            assert!(error.contains(says) && error.contains("NAME:MWH:G_PER_KWH"), "{error}");
        }
    }

    #[test]
    fn prices_and_pairs() {
        assert_eq!(price("0.05"), Ok(0.05));
        assert!(price("0").is_err() && price("NaN").is_err() && price("5 cents").is_err());
        assert_eq!(key_value("pue_air = 1.2"), Ok(("pue_air".to_owned(), "1.2".to_owned())));
        assert!(key_value("pue_air").is_err());
        assert_eq!(revision("1.3"), Ok(Revision::V1_2));
        assert!(revision("2").is_err());
    }
}

#[derive(Debug, Args)]
pub(crate) struct HashPrice {
    /// The first day
    #[arg(long, value_name = "DATE")]
    pub(crate) from: Option<Date>,
    /// The last day
    #[arg(long, value_name = "DATE")]
    pub(crate) to: Option<Date>,
    /// Over how many days each figure is averaged: a day's own is noisy
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = days)]
    pub(crate) mean_days: usize,
    #[command(flatten)]
    pub(crate) sources: Sources,
    /// In a CSV, what it rests on as `#` lines
    #[arg(long, requires = "csv")]
    pub(crate) assumptions: bool,
    /// As CSV
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
    /// As JSON, with what it rests on
    #[arg(long)]
    pub(crate) json: bool,
}

/// What a mine takes for granted when it asks whether a machine pays.
#[derive(Debug, Args)]
pub(crate) struct TermsOf {
    /// Power drawn over power of the machines: cooling, losses
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = factor)]
    pub(crate) overhead: f64,
    /// What the pool takes, percent
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0, value_parser = percent)]
    pub(crate) pool_fee: f64,
    /// Other cost that comes with a kWh of machine power, USD
    #[arg(long, value_name = "USD_PER_KWH", default_value_t = 0.0, value_parser = amount)]
    pub(crate) other: f64,
}

#[derive(Debug, Args)]
pub(crate) struct Breakeven {
    /// What power costs, USD/kWh
    #[arg(long, value_name = "USD_PER_KWH", default_value_t = 0.05, value_parser = price)]
    pub(crate) price: f64,
    /// One machine's joules a terahash; without it every machine of the table
    #[arg(long, value_name = "J_PER_TH", value_parser = factor_above_zero, conflicts_with = "catalogue")]
    pub(crate) efficiency: Option<f64>,
    /// What a TH/s earns in a day, USD [default: the latest of the series]
    #[arg(long, value_name = "USD_PER_TH_DAY", value_parser = factor_above_zero, requires = "efficiency")]
    pub(crate) hash_price: Option<f64>,
    /// Over how many days the hash price is averaged
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = days)]
    pub(crate) mean_days: usize,
    /// How many days in a row without pay make an owner give up
    #[arg(long, value_name = "N", default_value_t = 14, value_parser = days)]
    pub(crate) hold_days: usize,
    /// Shut-down prices of whole classes, cut at these joules a terahash
    #[arg(long, value_name = "J_PER_TH,...", value_delimiter = ',', value_parser = factor_above_zero, conflicts_with = "efficiency")]
    pub(crate) classes: Vec<f64>,
    #[command(flatten)]
    pub(crate) residual: Residual,
    #[command(flatten)]
    pub(crate) terms: TermsOf,
    #[command(flatten)]
    pub(crate) sources: Sources,
    /// In a CSV, what it rests on as `#` lines
    #[arg(long, requires = "csv")]
    pub(crate) assumptions: bool,
    /// As CSV
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
    /// As JSON, with what it rests on
    #[arg(long)]
    pub(crate) json: bool,
}

/// What a machine will still earn: the scenario is its author's.
#[derive(Debug, Args)]
pub(crate) struct Residual {
    /// What a machine of this hash rate (TH/s) and --efficiency will still earn
    #[arg(long, value_name = "TH_PER_S", requires = "efficiency", value_parser = factor_above_zero)]
    pub(crate) ths: Option<f64>,
    /// Growth of difficulty a year, percent
    #[arg(long, value_name = "PERCENT", default_value_t = 40.0, allow_negative_numbers = true, value_parser = growth)]
    pub(crate) difficulty_growth: f64,
    /// Growth of the price of a bitcoin a year, percent
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0, allow_negative_numbers = true, value_parser = growth)]
    pub(crate) price_growth: f64,
    /// What money costs a year, percent
    #[arg(long, value_name = "PERCENT", default_value_t = 10.0, value_parser = percent)]
    pub(crate) discount: f64,
    /// For how many days it works at most
    #[arg(long, value_name = "DAYS", default_value_t = 1_826, value_parser = clap::value_parser!(u32).range(1..=18_263))]
    pub(crate) days: u32,
    /// What is paid for it at the end, USD
    #[arg(long, value_name = "USD", default_value_t = 0.0, value_parser = amount)]
    pub(crate) scrap: f64,
    /// Fees, bitcoins a block [default: of the last known month]
    #[arg(long, value_name = "BTC", value_parser = amount)]
    pub(crate) fees_per_block: Option<f64>,
    /// The height at the start [default: the last known period's]
    #[arg(long, value_name = "HEIGHT")]
    pub(crate) height: Option<u32>,
}

fn growth(text: &str) -> Result<f64, String> {
    number_within(text, -99.0, 1_000.0, "percentage")
}

fn number_within(text: &str, least: f64, most: f64, what: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| (least..=most).contains(number));
    number.ok_or_else(|| format!("`{text}` is no {what} from {least} to {most}"))
}

fn factor(text: &str) -> Result<f64, String> {
    number_within(text, 1.0, 10.0, "factor")
}

pub(super) fn percent(text: &str) -> Result<f64, String> {
    number_within(text, 0.0, 100.0, "percentage")
}

pub(super) fn factor_above_zero(text: &str) -> Result<f64, String> {
    number_within(text, 1e-6, 1e9, "number")
}

fn days(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|days: &usize| (1..=3_660).contains(days));
    number.ok_or_else(|| format!("`{text}` is no number of days from 1 to 3660"))
}
