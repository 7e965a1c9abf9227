//! Questions to lake and book.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use super::SiteDir;
use super::values::duration;

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SqlFormat {
    /// Lines and columns, at most 10,000 rows
    Table,
    /// With a header
    Csv,
    /// An array of objects
    Json,
    /// A Parquet file; needs --out
    Parquet,
}

impl SqlFormat {
    /// The word on the command line.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Parquet => "parquet",
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Sql {
    /// The question
    #[arg(required_unless_present = "tables", value_name = "SELECT")]
    pub(crate) statement: Option<String>,
    /// Show the tables and their columns instead
    #[arg(long, conflicts_with = "statement")]
    pub(crate) tables: bool,
    /// How the answer is written [default: table on a terminal, else csv; by the ending of --out]
    #[arg(long, value_name = "FORM")]
    pub(crate) format: Option<SqlFormat>,
    /// Write the answer to a file
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Say how the engine goes about it instead
    #[arg(long)]
    pub(crate) plan: bool,
    #[command(flatten)]
    pub(crate) at: SiteDir,
    /// A lake elsewhere: a folder, or s3://bucket/prefix with the usual AWS_… variables
    #[arg(long, value_name = "PLACE")]
    pub(crate) lake: Option<String>,
    /// Megabytes of memory that a question may take
    #[arg(long, value_name = "MB", default_value_t = 1_024, value_parser = clap::value_parser!(u32).range(16..))]
    pub(crate) memory_mb: u32,
}

/// Where a site's book and lake are, whether it runs or not.
#[derive(Debug, Args)]
pub(crate) struct DataDir {
    /// The site's data folder [default: the only one under ./offpeak-data with a lake]
    #[arg(long, value_name = "DIR", env = "OFFPEAK_DIR")]
    pub(crate) dir: Option<PathBuf>,
}

/// The lake's files.
#[derive(Debug, Subcommand)]
pub(crate) enum LakeCommand {
    /// Put the lake's files into an S3-compatible store; goes on where it was when it is called again
    #[command(after_help = "Examples:
  offpeak lake upload --to s3://mine/lake
  offpeak lake upload --to s3://mine/lake --every 5m      for as long as it runs
  offpeak sql \"select count(*) from machine\" --lake s3://mine/lake

The store's address and keys: AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY;
AWS_ALLOW_HTTP=true for a store of your own without TLS.")]
    Upload(Upload),
}

#[derive(Debug, Args)]
pub(crate) struct Upload {
    /// The bucket
    #[arg(long, value_name = "s3://BUCKET/PREFIX")]
    pub(crate) to: String,
    /// Again and again
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) every: Option<Duration>,
    #[command(flatten)]
    pub(crate) at: DataDir,
}
