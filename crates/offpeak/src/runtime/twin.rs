//! `offpeak twin`: a plant behind sockets in the place of a mine, and how `offpeak run --twin` joins it.
//!
//! Not here: the demo, which has a twin of its own, and how the two find each other (`notice`).

use std::sync::Arc;

use anyhow::Result;
use offpeak_drivers::clock::Clock;
use offpeak_drivers::fronts::{Addressing, Fronts, Layout, Ports, serve};
use offpeak_site::Site;
use offpeak_twin::{Initial, Plant, Scenario};

use super::ending::end;
use super::files;
use super::notice::{Notice, unix_ms};
use super::stage;
use crate::cli;
use crate::commands::{load, print};
use crate::exit::Exit;

/// The first port of a twin that tells its machines apart by ports.
const FIRST_PORT: u16 = 20_000;

fn addressing(ports: bool, http_port: u16) -> Addressing {
    if ports {
        Addressing::PortPerMachine { first: FIRST_PORT }
    } else {
        Addressing::AddressPerMachine(Ports { http: http_port, ..Ports::STANDARD })
    }
}

pub(crate) fn twin_command(args: cli::Twin) -> Result<Exit> {
    let Some(mut site) = load(&args.site)? else { return Ok(Exit::Mistakes) };
    files::raise_limit();
    Notice::prepare()?;
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
    let mut posted = None;
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
        match notice.post() {
            Ok(there) => posted = Some(there),
            Err(error) => tracing::error!(error = format!("{error:#}"), "run --twin will not find this twin"),
        }
        let _ = print(&serde_json::to_string(&notice).unwrap_or_default());
    };
    let until = async {
        end(args.lasts, None).await;
    };
    serve(plant, layout, args.speed, ready, until)?;
    Ok(Exit::Done)
}

/// The running twin's time, and the site as it serves it.
pub(super) fn join_twin(site: &mut Site) -> Result<(Clock, u32)> {
    let notice = Notice::of(site)?;
    Layout::plan(site, addressing(notice.ports, notice.http_port))?.apply(site);
    Ok((notice.clock(), notice.speed))
}
