//! `offpeak run` and `offpeak twin`: a site at work, and the plant in its place.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use jiff::{SignedDuration, Timestamp};
use offpeak_dispatch::Controller;
use offpeak_drivers::clock::Clock;
use offpeak_drivers::connect::Connector;
use offpeak_drivers::fronts::{Addressing, Fronts, Layout, Ports, serve};
use offpeak_site::Site;
use offpeak_store::Book;
use offpeak_twin::{Initial, Plant, Scenario};
use serde::{Deserialize, Serialize};

use super::answer::Answers;
use super::ending::{Screen, end};
use super::farewell::farewell;
use super::files;
use super::live::{self, Shared};
use super::plant_io::{Wire, without_address};
use super::stage;
use crate::cli;
use crate::commands::{load, print};
use crate::exit::Exit;
use crate::handle::SiteHandle;
use crate::screen::Leaving;

/// The first port of a twin that tells its machines apart by ports.
const FIRST_PORT: u16 = 20_000;

/// What a serving twin says of itself, on stdout and in a file that `run --twin` reads.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Notice {
    site: String,
    machines: usize,
    /// Its time at the moment `origin_unix_ms` of the system's clock.
    start: Timestamp,
    origin_unix_ms: u64,
    speed: u32,
    ports: bool,
    http_port: u16,
    pid: u32,
}

/// Where the twin of a site leaves its notice: one twin a site file and user.
fn notice_path(site: &str) -> PathBuf {
    std::env::temp_dir().join(format!("offpeak-twin-{}-{site}.json", rustix::process::getuid().as_raw()))
}

fn addressing(ports: bool, http_port: u16) -> Addressing {
    if ports {
        Addressing::PortPerMachine { first: FIRST_PORT }
    } else {
        Addressing::AddressPerMachine(Ports { http: http_port, ..Ports::STANDARD })
    }
}

fn unix_ms() -> u64 {
    let passed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(passed.as_millis()).unwrap_or(u64::MAX)
}

pub(crate) fn twin_command(args: cli::Twin) -> Result<Exit> {
    let Some(mut site) = load(&args.site)? else { return Ok(Exit::Mistakes) };
    files::raise_limit();
    let ports = args.ports || !cfg!(target_os = "linux");
    let http_port = Ports::for_this_user().http;
    let layout = Layout::plan(&site, addressing(ports, http_port))?;
    layout.apply(&mut site);
    let site = Arc::new(site);
    let start = match &args.start {
        Some(text) => cli::instant(text, &site.time_zone)?,
        None => stage::opening(&site),
    };
    let initial = if args.running { Initial::Running } else { Initial::Asleep };
    let scenario = if args.healthy { Scenario::healthy() } else { Scenario::default() };
    let plant = Plant::new(Arc::clone(&site), &Scenario { initial, ..scenario }, args.seed, start);
    let path = notice_path(&site.id);
    let ready = |fronts: &Fronts| {
        let notice = Notice {
            site: site.id.clone(),
            machines: site.machines.len(),
            start: fronts.clock().now(),
            origin_unix_ms: unix_ms(),
            speed: args.speed,
            ports,
            http_port,
            pid: std::process::id(),
        };
        let line = serde_json::to_string(&notice).unwrap_or_default();
        if let Err(error) = std::fs::write(&path, &line) {
            tracing::error!(path = %path.display(), %error, "run --twin will not find this twin");
        }
        let _ = print(&line);
    };
    let until = async {
        end(args.lasts, None).await;
    };
    serve(plant, layout, args.speed, ready, until)?;
    let _ = std::fs::remove_file(&path);
    Ok(Exit::Done)
}

/// The running twin's time, and the site as it serves it.
fn join_twin(site: &mut Site) -> Result<(Clock, u32)> {
    let path = notice_path(&site.id);
    let text = std::fs::read_to_string(&path).with_context(|| {
        format!("no twin of `{}` is running here\nhint: start `offpeak twin SITE` first", site.id)
    })?;
    let notice: Notice = serde_json::from_str(&text).context("the twin's notice cannot be read")?;
    Layout::plan(site, addressing(notice.ports, notice.http_port))?.apply(site);
    let passed_ms = unix_ms().saturating_sub(notice.origin_unix_ms).saturating_mul(notice.speed.into());
    let now = notice.start + SignedDuration::from_millis(i64::try_from(passed_ms).unwrap_or(i64::MAX));
    Ok((Clock::starting_at_speed(now, notice.speed), notice.speed))
}

pub(crate) fn run_command(args: cli::Run) -> Result<Exit> {
    if args.screen {
        Screen::possible("without --screen it runs anywhere, and `offpeak status` shows the site")?;
    }
    let Some(mut site) = load(&args.site)? else { return Ok(Exit::Mistakes) };
    files::raise_limit();
    let dir = args.dir.clone().unwrap_or_else(|| PathBuf::from("offpeak-data").join(&site.id));
    let book = Book::open(&files::book(&dir)?).map_err(anyhow::Error::from)?;
    live::give_authority(&mut site, &book)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let (clock, speed) = if args.twin { join_twin(&mut site)? } else { (Clock::System, 1) };
        let missing = without_address(&site).len();
        if missing > 0 {
            tracing::warn!(machines = missing, "no address in the site file: they count as unreachable");
        }
        let site = Arc::new(site);
        let controller = Controller::new(Arc::clone(&site), live::recall(&site, &book)?);
        let wire = Wire { connector: Connector::Tcp, clock, speed };
        let shared = Shared::new(site, wire, Arc::new(book), None)?;
        let handle = Arc::new(Answers::new(Arc::clone(&shared), speed, "sockets"));
        let _server = crate::socket::serve(Arc::clone(&handle) as Arc<dyn SiteHandle>, &dir)?;
        let mut screen =
            args.screen.then(|| Screen::open(handle.clone(), Leaving::Controller, args.lasts)).transpose()?;
        let ended = tokio::select! {
            result = live::run(shared, controller) => return result.map(|()| Exit::Done),
            ended = end(args.lasts, screen.as_mut()) => ended,
        };
        screen.map_or(Ok(()), Screen::close)?;
        eprintln!("{}", farewell(&handle.view(0), ended));
        Ok(Exit::Done)
    })
}
