//! Commands on a running site, through its socket.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::table::{number, table};
use super::{load, print, print_json};
use crate::cli::{
    Authority, Explain, Lockout, Machine, Machines, Power, Resume, SiteDir, Status, Stop, instant,
};
use crate::exit::Exit;
use crate::handle::{HandleError, MachineFilter};
use crate::protocol::{Request, Response};
use crate::socket;
use crate::view::{AdviceView, Explanation, LimitView, MachineView, SiteView};

/// Where data folders are looked for.
pub(crate) const DATA: &str = "offpeak-data";

/// The folder of the site that is meant: the one named, or the only one that answers.
fn folder(site: &SiteDir) -> Result<Option<PathBuf>> {
    if let Some(dir) = &site.dir {
        return Ok(Some(dir.clone()));
    }
    let Ok(entries) = std::fs::read_dir(DATA) else { return Ok(None) };
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| std::os::unix::net::UnixStream::connect(socket::path_in(path)).is_ok())
        .collect();
    found.sort();
    match found.len() {
        0 | 1 => Ok(found.pop()),
        _ => {
            let names: Vec<_> = found.iter().map(|path| path.display().to_string()).collect();
            bail!("several sites run: {}\nhint: say which with --dir", names.join(", "))
        }
    }
}

pub(super) fn ask(site: &SiteDir, request: Request) -> Result<Option<Response>> {
    let Some(dir) = folder(site)? else {
        eprintln!("error: no site is running under ./{DATA}");
        eprintln!("hint: start one with `offpeak run SITE` or `offpeak demo`, or name its folder with --dir");
        return Ok(None);
    };
    match socket::ask(&dir, request) {
        Ok(response) => Ok(Some(response)),
        Err(error)
            if matches!(
                error.kind(),
                std::io::ErrorKind::NotFound | std::io::ErrorKind::ConnectionRefused
            ) =>
        {
            eprintln!("error: no site is running in {}", dir.display());
            eprintln!("hint: `offpeak run SITE --dir {}` starts one", dir.display());
            Ok(None)
        }
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            bail!(
                "the site in {} is another user's\nhint: only who started it, or root, may ask it",
                dir.display()
            )
        }
        Err(error) => Err(error).with_context(|| format!("the site in {} did not answer", dir.display())),
    }
}

/// Carries a request out that is done or refused.
pub(super) fn order(site: &SiteDir, request: Request) -> Result<Exit> {
    match ask(site, request)? {
        None => Ok(Exit::NothingRuns),
        Some(Response::Done(words)) => {
            print(&words)?;
            Ok(Exit::Done)
        }
        Some(other) => refused(other),
    }
}

pub(super) fn refused(response: Response) -> Result<Exit> {
    match response {
        Response::Refused(why) => {
            eprintln!("error: {why}");
            Ok(Exit::Refused)
        }
        other => bail!("the site answered something else: {other:?}"),
    }
}

pub(crate) fn status(args: Status) -> Result<Exit> {
    match ask(&args.site, Request::Status)? {
        None => Ok(Exit::NothingRuns),
        Some(Response::Status(view)) => {
            if args.json {
                print_json(&view)?
            } else {
                print(&status_text(&view))?
            }
            Ok(Exit::Done)
        }
        Some(other) => refused(other),
    }
}

fn zone(view: &SiteView) -> TimeZone {
    TimeZone::get(&view.time_zone).unwrap_or(TimeZone::UTC)
}

/// The running site's zone; `None` if nothing runs.
pub(super) fn site_zone(site: &SiteDir) -> Result<Option<TimeZone>> {
    match ask(site, Request::Status)? {
        None => Ok(None),
        Some(Response::Status(view)) => Ok(Some(zone(&view))),
        Some(other) => bail!("the site answered something else: {other:?}"),
    }
}

/// As the site's clocks show it.
pub(super) fn civil(zone: &TimeZone, at: Timestamp) -> String {
    zone.to_datetime(at).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn status_text(view: &SiteView) -> String {
    let limit = |limit: &LimitView| format!("{:.1} kW by {}", limit.limit_kw, limit.source);
    let zone = zone(view);
    let mut lines = vec![
        format!("{} ({}), {} {}", view.name, view.site, civil(&zone, view.at), view.time_zone),
        format!(
            "power      {} kW of {}",
            number(view.power_kw, 1),
            view.limit.as_ref().map_or_else(|| "no limit".to_owned(), limit)
        ),
    ];
    if let Some(next) = &view.next {
        lines.push(format!("next       {} at {}: {:.1} kW", next.text, civil(&zone, next.at), next.limit_kw));
    }
    if let Some(block) = &view.block {
        lines.push(format!("blocked    {block}"));
    }
    lines.push(format!("machines   {}", view.counts.words()));
    lines.push(format!(
        "hashing    {:.1} TH/s, {} J/TH",
        view.hash_rate_ths,
        number(view.efficiency_j_per_th, 1)
    ));
    lines.push(format!("readings   each machine every {:.1} s", view.read_every_s));
    let money = &view.money;
    lines.push(format!(
        "money      {} {}/h now; today cost {:.2}, revenue {:.2}, margin {:.2}",
        number(money.margin_per_h, 2),
        money.currency,
        money.cost_today,
        money.revenue_today,
        money.margin_today
    ));
    let commands = view.commands;
    lines.push(format!(
        "commands   {} issued, {} confirmed, {} refused, {} unanswered, {} timed out",
        commands.issued, commands.confirmed, commands.refused, commands.unanswered, commands.timed_out
    ));
    lines.extend(commands.meter_words().map(|words| format!("meters     {words}")));
    let rows: Vec<_> = view
        .halls
        .iter()
        .map(|hall| {
            vec![
                hall.id.clone(),
                hall.authority.clone(),
                number(hall.power_kw, 1),
                number(hall.limit_kw, 1),
                hall.counts.running.to_string(),
                hall.counts.total.to_string(),
                hall.block.clone().or(hall.advice.map(AdviceView::words)).unwrap_or_default(),
            ]
        })
        .collect();
    lines.push(table(&["hall", "authority", "kW", "limit", "running", "of", "word"], &rows));
    lines.extend(
        view.fans.iter().map(|fans| format!("fans       {} at {}: {}", fans.id, fans.circuit, fans.state)),
    );
    lines.extend(view.alarms.iter().map(|alarm| format!("! {alarm}")));
    lines.join("\n")
}

pub(crate) fn machines(args: Machines) -> Result<Exit> {
    let filter = MachineFilter { hall: args.hall, state: args.state };
    match ask(&args.site, Request::Machines(filter))? {
        None => Ok(Exit::NothingRuns),
        Some(Response::Machines(machines)) => {
            if args.json {
                print_json(&machines)?;
            } else {
                let rows: Vec<_> = machines.iter().map(row).collect();
                print(&table(&["id", "model", "address", "state", "W", "TH/s", "why"], &rows))?;
                if rows.is_empty() {
                    eprintln!("no machine is like that");
                }
            }
            Ok(Exit::Done)
        }
        Some(other) => refused(other),
    }
}

fn row(machine: &MachineView) -> Vec<String> {
    vec![
        machine.id.clone(),
        machine.model.clone(),
        machine.address.clone().unwrap_or_else(|| "-".to_owned()),
        machine.state.clone(),
        number(machine.power_w, 0),
        number(machine.hash_rate_ths, 1),
        machine.trouble.clone().unwrap_or_else(|| machine.reason.clone()),
    ]
}

pub(crate) fn machine(args: Machine) -> Result<Exit> {
    match ask(&args.site, Request::Machine(args.machine.clone()))? {
        None => Ok(Exit::NothingRuns),
        Some(Response::Machine(Some(machine))) => {
            if args.json {
                print_json(&machine)?
            } else {
                print(&machine_text(&machine))?
            }
            Ok(Exit::Done)
        }
        Some(Response::Machine(None)) => {
            eprintln!("error: there is no machine `{}`", args.machine);
            eprintln!("hint: `offpeak machines` lists them by id and address");
            Ok(Exit::Refused)
        }
        Some(other) => refused(other),
    }
}

fn machine_text(machine: &MachineView) -> String {
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    let why = match &machine.advice {
        Some(advice) => format!("{}; with authority: {advice}", machine.reason),
        None => machine.reason.clone(),
    };
    let mut lines = vec![
        format!("{} ({}, owner {})", machine.id, machine.model, machine.owner),
        format!("state      {}, asked to {}", machine.state, machine.target),
        format!("why        {why}"),
        format!("trouble    {}", text(&machine.trouble)),
        format!("last word  {} s ago", number(machine.age_s, 1)),
        format!(
            "says       {} W, {} TH/s, {} °C",
            number(machine.power_w, 0),
            number(machine.hash_rate_ths, 1),
            number(machine.temperature_c, 1)
        ),
        format!("command    {}", text(&machine.command)),
        format!(
            "address    {}, MAC {}, serial {}, firmware {}",
            text(&machine.address),
            text(&machine.mac),
            text(&machine.serial),
            text(&machine.firmware)
        ),
        format!("outlet     {}", if machine.has_outlet { "switched" } else { "none: it cannot be cut" }),
    ];
    lines.extend(machine.fans.iter().map(|fans| format!("fans       {fans}")));
    lines.join("\n")
}

pub(crate) fn explain(args: Explain) -> Result<Exit> {
    let explained = match &args.site {
        Some(path) => explain_file(path, &args)?,
        None => explain_running(&args)?,
    };
    match explained {
        Ok((explanation, zone)) => {
            if args.json {
                print_json(&explanation)?
            } else {
                print(&explain_text(&explanation, &zone))?
            }
            Ok(Exit::Done)
        }
        Err(exit) => Ok(exit),
    }
}

/// What binds, and the zone to show it in; or how the command ends without it.
type Explained = Result<(Explanation, TimeZone), Exit>;

fn explain_file(path: &Path, args: &Explain) -> Result<Explained> {
    let Some(site) = load(path)? else { return Ok(Err(Exit::Mistakes)) };
    let Some(circuit) = site.circuits.find(&args.circuit) else {
        eprintln!("error: {}", HandleError::no_circuit(&site, &args.circuit));
        return Ok(Err(Exit::Refused));
    };
    let at = instant(args.at.as_deref().unwrap_or_default(), &site.time_zone)?;
    let none = offpeak_dispatch::Directives::default();
    let envelope = offpeak_dispatch::envelope(&site, &none, at);
    let mut explanation = crate::runtime::explain(&site, &envelope, circuit);
    let every = offpeak_dispatch::every_limit(&site, &none, at);
    crate::runtime::explain_all(&site, &every, circuit, &mut explanation);
    Ok(Ok((explanation, site.time_zone.clone())))
}

fn explain_running(args: &Explain) -> Result<Explained> {
    let Some(zone) = site_zone(&args.dir)? else { return Ok(Err(Exit::NothingRuns)) };
    let at = args.at.as_deref().map(|text| instant(text, &zone)).transpose()?;
    match ask(&args.dir, Request::Explain { circuit: args.circuit.clone(), at })? {
        None => Ok(Err(Exit::NothingRuns)),
        Some(Response::Explain(explanation)) => Ok(Ok((*explanation, zone))),
        Some(other) => refused(other).map(Err),
    }
}

fn explain_text(explanation: &Explanation, zone: &TimeZone) -> String {
    let limit = |limit: &Option<LimitView>| {
        limit.as_ref().map_or_else(
            || "none of its own".to_owned(),
            |limit| {
                let until = limit.until.map(|until| format!(", until {}", civil(zone, until)));
                format!("{:.1} kW by {}{}", limit.limit_kw, limit.source, until.unwrap_or_default())
            },
        )
    };
    let name = zone.iana_name().unwrap_or("UTC");
    let mut lines = vec![
        format!("{} at {} {name}", explanation.circuit, civil(zone, explanation.at)),
        format!("binds      {}", limit(&explanation.binding)),
        format!("then       {}", limit(&explanation.next)),
        format!("blocked    {}", explanation.block.as_deref().unwrap_or("no")),
    ];
    if explanation.floor_kw.is_some() {
        lines.push(format!("measured   {} kW", number(explanation.power_kw, 1)));
        lines.push(format!(
            "margin     {} kW kept free for what is not known",
            number(explanation.margin_kw, 2)
        ));
        lines.push(format!("floor      {} kW with everything asleep", number(explanation.floor_kw, 1)));
    }
    lines.extend(explanation.fans.iter().map(|fans| format!("fans       {fans}")));
    lines.extend(explanation.above.iter().map(|(id, above)| format!("above      {id}: {}", limit(above))));
    lines.push(format!("changes    {}", civil(zone, explanation.changes_at)));
    let one =
        |(id, of): &(String, LimitView)| format!("           {:.1} kW by {} at {id}", of.limit_kw, of.source);
    if explanation.every.len() > 2 {
        lines.push("all limits, tightest first".to_owned());
        lines.extend(explanation.every.iter().map(one));
    }
    lines.join("\n")
}

pub(crate) fn stop(args: Stop) -> Result<Exit> {
    order(&args.site, Request::Stop { circuit: args.circuit, reason: args.reason })
}

pub(crate) fn resume(args: Resume) -> Result<Exit> {
    order(&args.site, Request::Resume { circuit: args.circuit })
}

pub(crate) fn lockout(args: Lockout) -> Result<Exit> {
    let Lockout { circuit, by, lift, manager, site } = args;
    let request =
        if lift { Request::LiftLockout { circuit, by, manager } } else { Request::Lockout { circuit, by } };
    order(&site, request)
}

pub(crate) fn authority(args: Authority) -> Result<Exit> {
    order(&args.site, Request::Authority { hall: args.hall, control: args.power == Power::Control })
}
