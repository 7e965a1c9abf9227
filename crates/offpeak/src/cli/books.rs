//! What was recorded: reports, the audit chain, backup and restore.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::SiteDir;

/// What a report is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum About {
    /// What was drawn, by the meters
    Energy,
    /// How the machines' time went by
    Availability,
    /// What was hashed, by the machines' own words
    Hash,
}

/// What its lines are by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LinesBy {
    /// The civil day at the site
    Day,
    /// The civil hour at the site
    Hour,
    /// The hall
    Hall,
    /// The circuit that a machine hangs on
    Circuit,
    /// The owner
    Owner,
    /// The model
    Model,
    /// The machine
    Machine,
}

#[derive(Debug, Args)]
pub(crate) struct Report {
    /// What it is about
    pub(crate) about: About,
    /// What its lines are by; without it one line for all
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) by: Vec<LinesBy>,
    /// From this instant, or civil time at the site [default: the first record]
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<String>,
    /// Until before this one [default: the last record]
    #[arg(long, value_name = "TIME")]
    pub(crate) to: Option<String>,
    #[command(flatten)]
    pub(crate) site: SiteDir,
    /// As CSV, in whole watt-hours and seconds
    #[arg(long, conflicts_with_all = ["json", "parquet"])]
    pub(crate) csv: bool,
    /// As JSON, in whole watt-hours and seconds
    #[arg(long, conflicts_with = "parquet")]
    pub(crate) json: bool,
    /// Into a new Parquet file, in whole watt-hours and seconds
    #[arg(long, value_name = "FILE")]
    pub(crate) parquet: Option<PathBuf>,
}

/// The audit chain: who changed what, and why.
#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Recompute the whole chain and its signatures
    #[command(after_help = "Examples:
  offpeak audit verify
  offpeak audit verify --dir /var/lib/offpeak --key 9f…   against a key that was kept elsewhere
  offpeak audit verify --book old-book.sqlite

It ends with 7 where an entry is not what was written, and names it. It works while the site runs.")]
    Verify(AuditVerify),
    /// Show the last entries
    #[command(after_help = "Examples:
  offpeak audit show --last 50
  offpeak audit show --json | jq -r '.[] | select(.what == \"stop\") | .who'")]
    Show(AuditShow),
}

#[derive(Debug, Args)]
pub(crate) struct AuditVerify {
    #[command(flatten)]
    pub(crate) site: SiteDir,
    /// A book by itself, such as a backup
    #[arg(long, value_name = "FILE", conflicts_with = "dir")]
    pub(crate) book: Option<PathBuf>,
    /// The public key that must have signed it, in hexadecimal digits, or a file that holds it [default:
    /// audit.pub beside the book, where there is one]
    #[arg(long, value_name = "KEY|FILE")]
    pub(crate) key: Option<String>,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AuditShow {
    #[command(flatten)]
    pub(crate) site: SiteDir,
    /// How many
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) last: u32,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// A new file, or a folder in which it gets a name by the time; a site elsewhere (--site) has a folder of its own
    pub(crate) target: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) site: SiteDir,
    /// Why, for the audit chain of a site elsewhere (--site)
    #[arg(long, value_name = "TEXT", requires = "site")]
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The backup
    pub(crate) backup: PathBuf,
    /// The data folder that it is put back into; no site may run there
    #[arg(long, value_name = "DIR", env = "OFFPEAK_DIR")]
    pub(crate) dir: PathBuf,
    /// Who does it, for those who come after
    #[arg(long, value_name = "NAME", default_value = "command line")]
    pub(crate) by: String,
}
