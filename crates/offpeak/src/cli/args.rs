//! Commands and their arguments.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use jiff::civil::Date;

use super::books::{Audit, Backup, Report, Restore};
use super::control::Control;
use super::device::Device;
use super::observatory::Observatory;
use super::people::{Token, User};
use super::records::{LakeCommand, Sql};
use super::values::duration;
use crate::exit;

/// Runs a Bitcoin mine on the power the grid can spare, and proves that it did.
#[derive(Debug, Parser)]
#[command(version, after_long_help = exit::TABLE, arg_required_else_help = true, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show a mine at work: the twin's machines behind sockets, found and driven
    #[command(after_help = "Examples:
  offpeak demo                                   64 machines, ten times real time
  offpeak demo --machines 1000 --speed 100       in virtual time
  offpeak demo --machines 1000 --headless --for 60s --json")]
    Demo(Demo),
    /// Run a site: read its machines and meters, keep it inside its limits
    #[command(after_help = "Examples:
  offpeak check my-site.toml && offpeak run my-site.toml
  offpeak run my-site.toml --dir /var/lib/offpeak

A new hall is only observed; give authority with `offpeak authority hall-1 control`.")]
    Run(Run),
    /// Serve the twin's machines, meters and switches behind sockets, for `offpeak run`
    #[command(after_help = "Examples:
  offpeak twin sites/small.toml --speed 10 &
  offpeak run sites/small.toml --twin")]
    Twin(Twin),
    /// Simulate days of a site in virtual time
    #[command(after_help = "Examples:
  offpeak simulate sites/ekibastuz.toml --from 2022-10-03 --days 7 --seed 1 --json
  offpeak simulate sites/small.toml --from 2022-10-03 --days 1 --seed 2 --unswitched")]
    Simulate(Simulate),
    /// Check a site file: every mistake with its line, then what the site comes to
    #[command(after_help = "Examples:
  offpeak check sites/small.toml
  offpeak check --schema > site.schema.json")]
    Check(Check),
    /// Show the running site
    #[command(after_help = "Examples:
  offpeak status
  offpeak status --json | jq .power_kw
  offpeak status --dir /var/lib/offpeak")]
    Status(Status),
    /// List the running site's machines
    #[command(after_help = "Examples:
  offpeak machines --hall hall-1 --state unknown
  offpeak machines --json | jq -r '.[] | select(.trouble) | .id'")]
    Machines(Machines),
    /// Show one machine: its state, why it is in it, what it was asked
    #[command(after_help = "Examples:
  offpeak machine hall-1/rack-1/pdu-2/4
  offpeak machine 127.1.1.7
  offpeak machine 127.0.0.1:20012")]
    Machine(Machine),
    /// Find machines on networks
    #[command(after_help = "Examples:
  offpeak scan 10.1.0.0/22
  offpeak scan 10.1.0.0/22:4433                  only WhatsMiners of the third API
  offpeak scan 10.1.0.1-10.1.3.254:4028,4100-4110 --json")]
    Scan(Scan),
    /// Look closely at one machine, for whoever mends its driver
    #[command(subcommand)]
    Device(Device),
    /// Say what binds on a circuit, now or at another time
    #[command(after_help = "Examples:
  offpeak explain grid
  offpeak explain hall-1 --at 2022-10-03T08:00
  offpeak explain grid --at 2022-10-08T12:00 --site sites/ekibastuz.toml

Where --site names a file, that site file is asked instead of a running site.")]
    Explain(Explain),
    /// Stop a circuit, or the whole site: everything below it goes to sleep and stays so
    #[command(after_help = "Examples:
  offpeak stop --reason \"grid operator called\"
  offpeak stop hall-3 --reason \"fan failure\"")]
    Stop(Stop),
    /// Lift the operator's stop of a circuit, or all stops
    #[command(after_help = "Examples:
  offpeak resume hall-3
  offpeak resume")]
    Resume(Resume),
    /// Lock a circuit out because somebody works there, or lift that
    #[command(after_help = "Examples:
  offpeak lockout hall-3/rack-07 --by anna
  offpeak lockout hall-3/rack-07 --by anna --lift")]
    Lockout(Lockout),
    /// Give or take the authority to act in a hall
    #[command(after_help = "Examples:
  offpeak authority hall-1 control
  offpeak authority hall-1 observe")]
    Authority(Authority),
    /// Report what was drawn, what was hashed, and how the machines' time went by
    #[command(after_help = "Examples:
  offpeak report energy --by hall,hour --from 2022-10-03 --to 2022-10-04
  offpeak report availability --by owner --json
  offpeak report hash --by model --dir /var/lib/offpeak --csv

What is missing is in no sum, and told. Rows come to the lake's tables every five minutes.")]
    Report(Report),
    /// Read the audit chain: who changed what, and why
    #[command(subcommand)]
    Audit(Audit),
    /// Copy the book, whole and checked, also while the site runs
    #[command(after_help = "Examples:
  offpeak backup /mnt/backup/                    a name by the time, in that folder
  offpeak backup book.sqlite --dir /var/lib/offpeak

`offpeak run --backup-to` does so by itself. The signing key is not in the copy.")]
    Backup(Backup),
    /// Put a copy of the book back; what stood there is moved aside
    #[command(after_help = "Example:
  offpeak restore /mnt/backup/book-20261003T000000Z.sqlite --dir /var/lib/offpeak --by anna")]
    Restore(Restore),
    /// Who may use a running site
    #[command(
        subcommand,
        after_help = "Examples:
  offpeak user add anna --role operator
  offpeak user add carl --role customer --owner customer-a
  offpeak user disable anna"
    )]
    User(User),
    /// Tokens by which programs use a running site
    #[command(
        subcommand,
        after_help = "Examples:
  offpeak token create grafana --person anna --scopes site.read,machines.read --days 30
  offpeak token revoke 3"
    )]
    Token(Token),
    #[command(flatten)]
    Control(Control),
    #[command(flatten)]
    Observatory(Observatory),
    /// Solve one moment: a mode for each machine, the most value, no circuit above its limit
    #[command(after_help = "Examples:
  offpeak dispatch moment.json
  offpeak dispatch - --json < moment.json | jq .gap

Input:
  {\"circuits\": [{\"id\": \"poi\", \"parent\": null, \"limit_w\": 150000000}],
   \"machines\": [{\"id\": \"m1\", \"circuit\": \"poi\", \"modes\": [
     {\"name\": \"sleep\", \"power_w\": 40, \"value_per_h\": 0.0},
     {\"name\": \"normal\", \"power_w\": 3400, \"value_per_h\": 0.31}]}]}
No limit_w, or null, is no limit; 0 means zero.")]
    Dispatch(Dispatch),
    /// Ask lake and book in SQL
    #[command(after_help = "Examples:
  offpeak sql --tables
  offpeak sql \"select owner, sum(billed_j) / 3.6e6 as kwh from machine where date = '2022-10-03' group by owner\"
  offpeak sql \"select * from book.stop where lifted_at is null\" --format json
  offpeak sql \"select * from machine where machine = 'm1'\" --out m1.parquet

Nothing can be changed by a question, and a running site is not held up by one.")]
    Sql(Sql),
    /// Look after the lake's files
    #[command(subcommand)]
    Lake(LakeCommand),
    /// Measure this machine's figures
    #[command(after_help = "Example:
  offpeak bench --out target/bench.json
  offpeak bench --only lake")]
    Bench(Bench),
    /// Print completions for a shell
    #[command(after_help = "Example:
  offpeak completions bash > /etc/bash_completion.d/offpeak")]
    Completions(Completions),
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// A site file; without it a small mine of its own
    pub(crate) site: Option<PathBuf>,
    /// How many machines the mine has, without a site file
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=60_000), conflicts_with = "site")]
    pub(crate) machines: Option<u32>,
    /// Plant seconds a second: up to 10 over sockets, above that in virtual time
    #[arg(long, value_name = "X", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) speed: u32,
    /// No screen: stop one hall for a while after the opening, then report
    #[arg(long)]
    pub(crate) headless: bool,
    /// End after this time on the clock on the wall
    #[arg(long = "for", value_name = "DURATION", value_parser = duration, required_if_eq("headless", "true"))]
    pub(crate) lasts: Option<Duration>,
    /// Report as JSON
    #[arg(long, requires = "headless")]
    pub(crate) json: bool,
    /// Replays the plant
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) listen: Listen,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The site file
    pub(crate) site: PathBuf,
    /// The data folder [default: ./offpeak-data/SITE]
    #[arg(long, value_name = "DIR", env = "OFFPEAK_DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// Drive the twin that `offpeak twin` serves on this machine, in its time
    #[arg(long)]
    pub(crate) twin: bool,
    /// End after this time on the clock on the wall
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    pub(crate) lasts: Option<Duration>,
    /// Show the terminal view
    #[arg(long)]
    pub(crate) screen: bool,
    /// Serve /metrics to Prometheus at this loopback address
    #[arg(long, value_name = "ADDR:PORT")]
    pub(crate) metrics: Option<SocketAddr>,
    /// The most that the lake may take up on disk; the oldest raw days go first [default: what the disk has, less 1 GiB]
    #[arg(long, value_name = "GIB", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) lake_gb: Option<u32>,
    /// Days that the machines' minutes are kept in the lake [default: for good]
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) machine_days: Option<u16>,
    /// Write no telemetry into the lake
    #[arg(long, conflicts_with_all = ["lake_gb", "machine_days"])]
    pub(crate) no_lake: bool,
    /// Copy the book into this folder now and then
    #[arg(long, value_name = "DIR")]
    pub(crate) backup_to: Option<PathBuf>,
    /// How often
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "24h", requires = "backup_to")]
    pub(crate) backup_every: Duration,
    /// How many copies stay; the oldest go
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..), requires = "backup_to")]
    pub(crate) backup_keep: u16,
    /// The program that plans the hours ahead [default: offpeak-horizon beside this one]
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) horizon: Option<PathBuf>,
    /// Days that commands, plans and signals stay in the book
    #[arg(long, value_name = "DAYS", default_value_t = 400, value_parser = clap::value_parser!(u16).range(7..))]
    pub(crate) book_days: u16,
    #[command(flatten)]
    pub(crate) listen: Listen,
}

#[derive(Debug, Args)]
pub(crate) struct Twin {
    /// The site file
    pub(crate) site: PathBuf,
    /// Plant seconds a second
    #[arg(long, value_name = "X", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10))]
    pub(crate) speed: u32,
    /// When its time begins [default: five minutes before an opening]
    #[arg(long, value_name = "TIME")]
    pub(crate) start: Option<String>,
    /// Let all machines hash at the start
    #[arg(long)]
    pub(crate) running: bool,
    /// Without faults
    #[arg(long)]
    pub(crate) healthy: bool,
    /// Replays the plant
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// One port a machine on 127.0.0.1, for systems that answer nowhere else
    #[arg(long)]
    pub(crate) ports: bool,
    /// End after this time on the clock on the wall
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    pub(crate) lasts: Option<Duration>,
}

#[derive(Debug, Args)]
pub(crate) struct Simulate {
    /// The site file
    pub(crate) site: PathBuf,
    /// The first day, from its midnight at the site
    #[arg(long, value_name = "DATE")]
    pub(crate) from: Date,
    /// How many days
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=3_660))]
    pub(crate) days: u32,
    /// Replays everything
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Run a cycle every second instead of leaping over quiet ones
    #[arg(long)]
    pub(crate) step: bool,
    /// Decide each hour by its own prices, without plans for the hours ahead
    #[arg(long)]
    pub(crate) hour_by_hour: bool,
    /// Let disobedient machines stand anywhere, also where no switch can cut them
    #[arg(long)]
    pub(crate) unswitched: bool,
    /// Record it into a new lake in this folder, for `offpeak report` and `offpeak sql`
    #[arg(long, value_name = "DIR")]
    pub(crate) record: Option<PathBuf>,
    /// Report as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The site file
    #[arg(required_unless_present = "schema")]
    pub(crate) site: Option<PathBuf>,
    /// Report as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Print the JSON Schema of site files, for editors
    #[arg(long, conflicts_with = "site")]
    pub(crate) schema: bool,
}

/// Where a site is served beside its local socket.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Listen {
    /// Serve the API and the pages at this address: over TLS, without it on loopback only [demo: 127.0.0.1:8085]
    #[arg(long, value_name = "IP:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    /// The site's own certificate (PEM) [default: one of its own making in the data folder]
    #[arg(long, value_name = "FILE", requires = "key", requires = "listen")]
    pub(crate) cert: Option<PathBuf>,
    /// The certificate's private key (PEM)
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(crate) key: Option<PathBuf>,
    /// The rule file of alerts (TOML); without it they are shown and sent to nobody
    #[arg(long, value_name = "FILE")]
    pub(crate) alerts: Option<PathBuf>,
}

/// Where a running site is.
#[derive(Debug, Args)]
pub(crate) struct SiteDir {
    /// The running site's data folder [default: the only one under ./offpeak-data]
    #[arg(long, value_name = "DIR", env = "OFFPEAK_DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// A running site elsewhere, as `https://mine.example:8443`; its token stands in OFFPEAK_TOKEN or a file
    #[arg(long, value_name = "URL", env = "OFFPEAK_SITE")]
    pub(crate) site: Option<String>,
    /// The file that holds the token for --site
    #[arg(long, value_name = "FILE", env = "OFFPEAK_TOKEN_FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// The certificate (PEM) that --site is known by, where it is of its own making
    #[arg(long, value_name = "FILE", env = "OFFPEAK_CA")]
    pub(crate) ca: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    #[command(flatten)]
    pub(crate) site: SiteDir,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Machines {
    /// Only this hall
    #[arg(long)]
    pub(crate) hall: Option<String>,
    /// Only this state: running, rising, falling, asleep, cut, failed, unknown
    #[arg(long, value_parser = ["running", "rising", "falling", "asleep", "cut", "failed", "unknown"])]
    pub(crate) state: Option<String>,
    #[command(flatten)]
    pub(crate) site: SiteDir,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Machine {
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
pub(crate) struct Scan {
    /// Networks or ranges; without ports each address is asked at 4028, 4433 and the web pages'
    #[arg(value_name = "CIDR[:PORTS]", required = true)]
    pub(crate) ranges: Vec<String>,
    /// Where machines have their web pages
    #[arg(long, value_name = "PORT", default_value_t = 80)]
    pub(crate) http_port: u16,
    /// Of a site elsewhere (--site): it searches its own networks
    #[command(flatten)]
    pub(crate) site: SiteDir,
    /// Why, for the audit chain of a site elsewhere (--site)
    #[arg(long, value_name = "TEXT", requires = "site")]
    pub(crate) reason: Option<String>,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The circuit, as in the site file
    pub(crate) circuit: String,
    /// An instant, or civil time at the site
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
    #[command(flatten)]
    pub(crate) site: SiteDir,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Why something is changed.
#[derive(Debug, Args)]
pub(crate) struct Because {
    /// Why, for those who come after
    #[arg(long, value_name = "TEXT", default_value = "by the operator")]
    pub(crate) reason: String,
}

#[derive(Debug, Args)]
pub(crate) struct Stop {
    /// The circuit; without it the whole site
    pub(crate) circuit: Option<String>,
    /// Why, for those who come after
    #[arg(long, value_name = "TEXT", default_value = "by the operator")]
    pub(crate) reason: String,
    #[command(flatten)]
    pub(crate) site: SiteDir,
}

#[derive(Debug, Args)]
pub(crate) struct Resume {
    /// The circuit; without it every stop is lifted
    pub(crate) circuit: Option<String>,
    #[command(flatten)]
    pub(crate) why: Because,
    #[command(flatten)]
    pub(crate) site: SiteDir,
}

#[derive(Debug, Args)]
pub(crate) struct Lockout {
    /// The circuit
    pub(crate) circuit: String,
    /// Who works there, or lifts it
    #[arg(long, value_name = "NAME")]
    pub(crate) by: String,
    /// Lift it
    #[arg(long)]
    pub(crate) lift: bool,
    /// Lift somebody else's, as a manager
    #[arg(long, requires = "lift")]
    pub(crate) manager: bool,
    #[command(flatten)]
    pub(crate) why: Because,
    #[command(flatten)]
    pub(crate) site: SiteDir,
}

/// What offpeak may do in a hall.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Power {
    /// Read and report; send nothing.
    Observe,
    /// Act.
    Control,
}

#[derive(Debug, Args)]
pub(crate) struct Authority {
    /// The hall
    pub(crate) hall: String,
    /// What offpeak may do there
    pub(crate) power: Power,
    #[command(flatten)]
    pub(crate) why: Because,
    #[command(flatten)]
    pub(crate) site: SiteDir,
}

#[derive(Debug, Args)]
pub(crate) struct Dispatch {
    /// Circuits and machines as JSON; `-` reads stdin
    pub(crate) file: PathBuf,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// Write the figures there as JSON, one number a name
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Measure one part only: observatory, dispatch, ahead, week, poll, mine, scan, shed, lake, api
    #[arg(long, value_name = "PART")]
    pub(crate) only: Option<String>,
    /// Measure one part only, in this process
    #[arg(long, hide = true)]
    pub(crate) part: Option<String>,
    /// The site file of the simulated week
    #[arg(long, value_name = "FILE", default_value = "sites/ekibastuz.toml")]
    pub(crate) site: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell
    pub(crate) shell: Shell,
}
