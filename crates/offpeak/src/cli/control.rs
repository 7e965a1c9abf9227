//! Commands that tell a site what to do and ask it what it will: orders and the calendar.

use clap::{Args, Subcommand};

use super::args::{Because, SiteDir};

#[derive(Debug, Subcommand)]
pub(crate) enum Control {
    /// Give an order: a limit or a setpoint for a circuit, for some time; or lift one
    #[command(after_help = "Examples:
  offpeak order \"hall-3 to 4 MW at 18:00 for 2 h\" --kind dispatch
  offpeak order \"grid hold 120 MW until 20:00\" --kind dispatch
  offpeak order \"grid to 100 MW over 15 min\" --kind wish
  offpeak order \"hall-2/rack-07 to 0 kW at 2022-10-05T09:00 for 4 h\" --kind maintenance
  offpeak order --lift 7")]
    Order(Order),
    /// Show what an order would do: which machines, how fast, at what cost
    #[command(after_help = "Examples:
  offpeak plan --order \"hall-3 to 4 MW at 18:00 for 2 h\"
  offpeak plan --order \"grid to 0 kW\" --json | jq .unmet")]
    Plan(Plan),
    /// Say why a machine is as it is: its state, what binds, its rank, what would change it
    #[command(after_help = "Examples:
  offpeak why hall-1/rack-1/pdu-2/4
  offpeak why 127.1.1.7 --json")]
    Why(Why),
    /// Hold single machines off: they go to sleep and stay so until they are released or the time is over
    #[command(after_help = "Examples:
  offpeak hold hall-1/rack-1/pdu-2/4 --reason \"smells of smoke\"
  offpeak hold 10.1.0.7 10.1.0.8 --until 2022-10-05T18:00 --reason \"boards are swapped\"
  offpeak hold hall-1/rack-1/pdu-2/4 --preview")]
    Hold(Hold),
    /// Let go of machines that somebody holds off; whether they start is the plan's to decide
    #[command(after_help = "Example:
  offpeak release hall-1/rack-1/pdu-2/4 --reason \"board 2 is new\"")]
    Release(Release),
    /// List the machines that somebody holds off
    #[command(after_help = "Example:
  offpeak holds --json")]
    Holds(Orders),
    /// List the orders that are neither lifted nor over
    #[command(after_help = "Examples:
  offpeak orders --json
  offpeak orders --past 50")]
    Orders(OrdersOf),
    /// Show what binds on a circuit in the days to come
    #[command(after_help = "Examples:
  offpeak calendar --days 3
  offpeak calendar --circuit hall-3 --json
  offpeak calendar --site sites/ekibastuz.toml --from 2022-10-03T00:00 --days 7

Where --site names a file, that site file is asked instead of a running site.")]
    Calendar(Calendar),
}

#[derive(Debug, Args)]
pub(crate) struct Order {
    /// CIRCUIT to|hold POWER [over 15|30|60 min] [at TIME] [for DURATION | until TIME]
    #[arg(value_name = "WORDS", required_unless_present = "lift")]
    pub(crate) words: Option<String>,
    /// Whose order it is, which is its place in the precedence
    #[arg(long, default_value = "wish", value_parser = ["emergency", "dispatch", "wish", "maintenance"])]
    pub(crate) kind: String,
    /// Lift the order of this number
    #[arg(long, value_name = "N", conflicts_with = "words")]
    pub(crate) lift: Option<u64>,
    #[command(flatten)]
    pub(crate) why: Because,
    #[command(flatten)]
    pub(crate) site: SiteDir,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Plan {
    /// CIRCUIT to|hold POWER [over 15|30|60 min] [at TIME] [for DURATION | until TIME]
    #[arg(long, value_name = "WORDS")]
    pub(crate) order: String,
    /// Whose order it would be
    #[arg(long, default_value = "wish", value_parser = ["emergency", "dispatch", "wish", "maintenance"])]
    pub(crate) kind: String,
    #[command(flatten)]
    pub(crate) site: SiteDir,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Hold {
    /// Their ids or IP addresses, with the port where several machines share one
    #[arg(value_name = "ID|IP[:PORT]", required = true)]
    pub(crate) machines: Vec<String>,
    /// Why, for those who come after
    #[arg(long, value_name = "TEXT", required_unless_present = "preview")]
    pub(crate) reason: Option<String>,
    /// Until this instant, or civil time at the site; until they are released unless given
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    /// Only show what it would do
    #[arg(long)]
    pub(crate) preview: bool,
    #[command(flatten)]
    pub(crate) site: SiteDir,
    /// The preview as JSON
    #[arg(long, requires = "preview")]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Release {
    /// Their ids or IP addresses, with the port where several machines share one
    #[arg(value_name = "ID|IP[:PORT]", required = true)]
    pub(crate) machines: Vec<String>,
    /// Why, for those who come after
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    #[command(flatten)]
    pub(crate) site: SiteDir,
}

#[derive(Debug, Args)]
pub(crate) struct Why {
    /// Its id or IP address, with the port where several machines share one
    #[arg(value_name = "ID|IP[:PORT]")]
    pub(crate) machine: String,
    #[command(flatten)]
    pub(crate) site: SiteDir,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Orders {
    #[command(flatten)]
    pub(crate) site: SiteDir,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct OrdersOf {
    /// Instead, what was last ordered and lifted, with stops, lockouts, holds and authority: so many, newest first
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) past: Option<u32>,
    #[command(flatten)]
    pub(crate) of: Orders,
}

#[derive(Debug, Args)]
pub(crate) struct Calendar {
    /// How many days
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=60))]
    pub(crate) days: u16,
    /// The circuit; the grid connection unless given
    #[arg(long)]
    pub(crate) circuit: Option<String>,
    /// The first instant, or civil time at the site, where --site names a site file
    #[arg(long, value_name = "TIME", requires = "site")]
    pub(crate) from: Option<String>,
    #[command(flatten)]
    pub(crate) site: SiteDir,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}
