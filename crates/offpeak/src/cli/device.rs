//! What can be done with one machine by hand, and its arguments.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What can be done with one machine.
#[derive(Debug, Subcommand)]
pub(crate) enum Device {
    /// Show what a driver understands of a machine, and everything that was said, secrets taken out
    #[command(after_help = "Examples:
  offpeak device try 10.1.4.17
  offpeak device try 10.1.4.17 --out report.txt      fit to attach to a bug report
  offpeak device try 10.1.4.17 --site mine.toml      with the login of the site's secrets file
  OFFPEAK_LOGIN_ANTMINER_STOCK=root:secret offpeak device try 10.1.4.17 --family antminer-stock

Nothing is changed on the machine: it is only read.")]
    Try(DeviceTry),
    /// Restart the control board of a machine
    #[command(after_help = "Examples:
  offpeak device reboot 10.1.4.17 --mac C4:08:28:00:A4:19 --site mine.toml --yes")]
    Reboot(DeviceOrder),
    /// Let the light of a machine blink, to be found
    #[command(after_help = "Examples:
  offpeak device locate 10.1.4.17 --mac C4:08:28:00:A4:19 --yes
  offpeak device locate 10.1.4.17 --mac C4:08:28:00:A4:19 --yes --off")]
    Locate(DeviceLocate),
    /// Let a machine mine for these pools instead of those that it has
    #[command(after_help = "Examples:
  offpeak device pools 10.1.4.17 --mac C4:08:28:00:A4:19 --yes \\
    --pool stratum+tcp://pool.example:3333,acme.rig7 --pool stratum+tcp://other.example:3333,acme.rig7,x")]
    Pools(DevicePools),
    /// Keep a machine below a power; how close it comes is its firmware's matter
    #[command(after_help = "Examples:
  offpeak device limit 10.1.4.17 2500 --mac C4:08:28:00:A4:19 --site mine.toml --yes

A running site goes on as it was: it counts the machine at what it reads of it.")]
    Limit(DeviceLimit),
}

/// Which machine an order is for.
#[derive(Debug, Args)]
pub(crate) struct DeviceOrder {
    /// Its address, with the API's port where that is not the family's usual one
    pub(crate) address: String,
    /// Its hardware address: whoever else answers there, or does not say who it is, gets no order
    #[arg(long, value_name = "MAC")]
    pub(crate) mac: String,
    /// That it is to be done
    #[arg(long)]
    pub(crate) yes: bool,
    /// Where its pages are
    #[arg(long, value_name = "PORT", default_value_t = 80)]
    pub(crate) http_port: u16,
    /// The family it speaks, where that is found at another port than the usual one
    #[arg(long, value_name = "FAMILY")]
    pub(crate) family: Option<String>,
    /// Open it with what this site's secrets file says
    #[arg(long, value_name = "FILE")]
    pub(crate) site: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct DeviceLocate {
    #[command(flatten)]
    pub(crate) order: DeviceOrder,
    /// Stop it again
    #[arg(long)]
    pub(crate) off: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DevicePools {
    #[command(flatten)]
    pub(crate) order: DeviceOrder,
    /// A pool and the account there, first to last; a password where it wants one
    #[arg(long = "pool", value_name = "URL,USER[,PASSWORD]", required = true)]
    pub(crate) pools: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct DeviceLimit {
    #[command(flatten)]
    pub(crate) order: DeviceOrder,
    /// The most it may draw, in watts at the wall as it measures them
    #[arg(value_name = "WATTS")]
    pub(crate) watts: u32,
}

#[derive(Debug, Args)]
pub(crate) struct DeviceTry {
    /// Its address, with the API's port where that is not the family's usual one
    pub(crate) address: String,
    /// Where its pages are
    #[arg(long, value_name = "PORT", default_value_t = 80)]
    pub(crate) http_port: u16,
    /// Read it as this family, whoever it says it is
    #[arg(long, value_name = "FAMILY")]
    pub(crate) family: Option<String>,
    /// Open it with what this site's secrets file says
    #[arg(long, value_name = "FILE")]
    pub(crate) site: Option<PathBuf>,
    /// Show its pools' addresses and accounts too: no longer fit for strangers
    #[arg(long)]
    pub(crate) accounts: bool,
    /// Write the report to this new file
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub(crate) out: Option<PathBuf>,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}
