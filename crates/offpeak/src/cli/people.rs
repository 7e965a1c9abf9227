//! Arguments of `offpeak user` and `offpeak token`.

use clap::{Args, Subcommand};

use super::{Because, SiteDir};

/// Who may use a running site.
#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// Add somebody: prints the link by which they set their password
    Add(UserAdd),
    /// List everybody
    List(Listed),
    /// Print a new link, for who forgot their password
    Link(Named),
    /// Let somebody in no more; their sessions end and their tokens open nothing
    Disable(Named),
    /// Let them in again
    Enable(Named),
}

#[derive(Debug, Args)]
pub(crate) struct UserAdd {
    /// The name: letters, digits, dots, dashes and underlines
    pub(crate) name: String,
    /// What they are
    #[arg(long, value_parser = ["owner", "manager", "operator", "technician", "customer", "grid-operator", "read-only"])]
    pub(crate) role: String,
    /// Whose machines a customer sees, as in the site file
    #[arg(long, value_name = "OWNER", required_if_eq("role", "customer"))]
    pub(crate) owner: Option<String>,
    #[command(flatten)]
    pub(crate) why: Because,
    #[command(flatten)]
    pub(crate) site: SiteDir,
}

#[derive(Debug, Args)]
pub(crate) struct Named {
    /// The name
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) why: Because,
    #[command(flatten)]
    pub(crate) site: SiteDir,
}

#[derive(Debug, Args)]
pub(crate) struct Listed {
    #[command(flatten)]
    pub(crate) site: SiteDir,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// What programs use a running site with.
#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Make a token: it is printed this once
    Create(TokenCreate),
    /// List the tokens, without their secrets
    List(Listed),
    /// Revoke a token
    Revoke(TokenRevoke),
}

#[derive(Debug, Args)]
pub(crate) struct TokenCreate {
    /// What it is for: letters, digits, dots, dashes and underlines
    pub(crate) name: String,
    /// What it may do, with commas between: site.read, machines.read, stop, ...
    #[arg(long, value_name = "SCOPES", value_delimiter = ',', required = true)]
    pub(crate) scopes: Vec<String>,
    /// Ends after so many days
    #[arg(long, value_name = "N", default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=366))]
    pub(crate) days: u32,
    /// Whose it is: it may do no more than they; the caller's own unless given
    #[arg(long, value_name = "NAME")]
    pub(crate) person: Option<String>,
    #[command(flatten)]
    pub(crate) why: Because,
    #[command(flatten)]
    pub(crate) site: SiteDir,
}

#[derive(Debug, Args)]
pub(crate) struct TokenRevoke {
    /// Its number
    pub(crate) id: u64,
    #[command(flatten)]
    pub(crate) why: Because,
    #[command(flatten)]
    pub(crate) site: SiteDir,
}
