//! Commands on a running site, through its API.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use offpeak_server::view::{
    AdviceView, AheadState, AheadView, Explanation, LimitView, MachinePage, MachineView, MoneyView, SiteView,
};
use offpeak_server::{HandleError, socket_in};
use reqwest::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::sums::{budget_words, peak_words};
use super::table::{number, table};
use super::{load, print, print_json};
use crate::cli::{
    Authority, Explain, Lockout, Machine, Machines, Power, Resume, SiteDir, Status, Stop, instant,
};
use crate::client::{Client, Unanswered};
use crate::exit::{Exit, WrongUsage};

/// Machines asked for at a time.
const PAGE: usize = 1_000;
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
        .filter(|path| std::os::unix::net::UnixStream::connect(socket_in(path)).is_ok())
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

/// The site that is meant, or how the command ends because there is none.
pub(super) fn client(site: &SiteDir) -> Result<Result<Client, Exit>> {
    if let Some(text) = &site.site {
        return remote(site, text).map(Ok);
    }
    let Some(dir) = folder(site)? else {
        eprintln!("error: no site is running under ./{DATA}");
        eprintln!("hint: start one with `offpeak run SITE` or `offpeak demo`, or name its folder with --dir");
        return Ok(Err(Exit::NothingRuns));
    };
    Ok(Ok(Client::local(&dir)?))
}

fn remote(site: &SiteDir, text: &str) -> Result<Client> {
    let url: reqwest::Url = text.parse().map_err(|_| {
        WrongUsage(format!("`{text}` is no address\nhint: as in `--site https://mine.example:8443`"))
    })?;
    let loopback = url.host_str().is_some_and(|host| {
        host == "localhost"
            || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    });
    if url.scheme() != "https" && !(url.scheme() == "http" && loopback) {
        bail!(WrongUsage(format!(
            "`{text}` is not https; without TLS a token is open to everybody on the way"
        )));
    }
    let token = match &site.token_file {
        Some(path) => {
            let text = std::fs::read_to_string(path);
            Some(text.with_context(|| format!("the token file {} cannot be read", path.display()))?)
        }
        None => std::env::var("OFFPEAK_TOKEN").ok(),
    };
    let ca = site.ca.as_ref().map(|path| {
        std::fs::read(path).with_context(|| format!("the certificate {} cannot be read", path.display()))
    });
    Client::remote(url, token.map(|token| token.trim().to_owned()), ca.transpose()?.as_deref())
}

/// What came back, or how the command ends without it.
pub(super) fn told<T>(site: &SiteDir, answer: Result<T, Unanswered>) -> Result<Result<T, Exit>> {
    match answer {
        Ok(answer) => Ok(Ok(answer)),
        Err(Unanswered::Refused(problem)) => {
            eprintln!("error: {}", problem.detail);
            if let Some(hint) = problem.hint {
                eprintln!("hint: {hint}");
            }
            Ok(Err(Exit::Refused))
        }
        Err(Unanswered::NothingRuns) => {
            match (&site.site, folder(site)?) {
                (Some(url), _) => eprintln!("error: nothing answers at {url}"),
                (None, Some(dir)) => {
                    eprintln!("error: no site is running in {}", dir.display());
                    eprintln!("hint: `offpeak run SITE --dir {}` starts one", dir.display());
                }
                (None, None) => eprintln!("error: no site is running under ./{DATA}"),
            }
            Ok(Err(Exit::NothingRuns))
        }
        Err(Unanswered::Failed(error)) => Err(error),
    }
}

/// Reads something of the site that is meant.
pub(super) fn get<T: DeserializeOwned>(
    site: &SiteDir,
    parts: &[&str],
    query: &[(&str, String)],
) -> Result<Result<T, Exit>> {
    match client(site)? {
        Ok(client) => told(site, client.get(parts, query)),
        Err(exit) => Ok(Err(exit)),
    }
}

/// What an order answers.
#[derive(Deserialize)]
struct Done {
    done: String,
}

/// Carries an order out, which is done or refused.
pub(super) fn order(
    site: &SiteDir,
    method: Method,
    parts: &[&str],
    query: &[(&str, String)],
    body: Option<serde_json::Value>,
) -> Result<Exit> {
    let answer = match client(site)? {
        Ok(client) => told(site, client.change::<Done>(method, parts, query, body.as_ref()))?,
        Err(exit) => return Ok(exit),
    };
    match answer {
        Ok(Done { done }) => {
            print(&done)?;
            Ok(Exit::Done)
        }
        Err(exit) => Ok(exit),
    }
}

pub(crate) fn status(args: Status) -> Result<Exit> {
    let view: SiteView = match get(&args.site, &["site"], &[])? {
        Ok(view) => view,
        Err(exit) => return Ok(exit),
    };
    if args.json {
        print_json(&view)?
    } else {
        print(&status_text(&view))?
    }
    Ok(Exit::Done)
}

fn zone(view: &SiteView) -> TimeZone {
    TimeZone::get(&view.time_zone).unwrap_or(TimeZone::UTC)
}

/// As the site's clocks show it.
pub(super) fn civil(zone: &TimeZone, at: Timestamp) -> String {
    zone.to_datetime(at).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn money_line(money: &MoneyView) -> String {
    format!(
        "money      {} {}/h now; today cost {:.2}, revenue {:.2}, margin {:.2}",
        number(money.margin_per_h, 2),
        money.currency,
        money.cost_today,
        money.revenue_today,
        money.margin_today
    )
}

/// The plan for the hours ahead in one line.
fn ahead_words(ahead: &AheadView, currency: &str, zone: &TimeZone) -> String {
    let why = |with: &str| ahead.why.as_ref().map_or_else(String::new, |why| format!("{with}{why}"));
    let plan = ahead.made_at.zip(ahead.reaches).zip(ahead.age_s).map(|((made_at, reaches), age_s)| {
        let minutes = (age_s / 60.0).max(0.0);
        let (made_at, reaches) = (civil(zone, made_at), civil(zone, reaches));
        format!("plan of {made_at} ({minutes:.0} min old) until {reaches}")
    });
    let Some(plan) = plan else { return format!("no plan{}", why(": ")) };
    let mut parts = vec![plan];
    match ahead.state {
        AheadState::InForce => {
            let percent = ahead.more_percent.map(|percent| format!("{percent:.2} % more than hour by hour"));
            let money = ahead.more.filter(|_| !currency.is_empty());
            let money = money.map_or_else(String::new, |more| format!(" ({more:.2} {currency})"));
            parts.extend(percent.map(|percent| format!("{percent}{money}")));
            let kept = ahead.keeps_out.iter().map(|kept| {
                let until = kept.until.map(|until| format!(" until {}", civil(zone, until)));
                format!("{}{}", kept.model, until.unwrap_or_default())
            });
            let kept: Vec<_> = kept.collect();
            parts.push(if kept.is_empty() {
                "keeps nobody out".into()
            } else {
                format!("keeps out {}", kept.join(", "))
            });
        }
        AheadState::TooOld | AheadState::None => {
            parts.push("too old: each hour is decided by its own prices".to_owned());
        }
    }
    parts.extend(ahead.why.clone());
    parts.join("; ")
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
    if view.restart_due {
        lines.push("restart    due: the site file was changed since the start".to_owned());
    }
    lines.push(format!("machines   {}", view.counts.words()));
    lines.push(format!(
        "hashing    {} TH/s, {} J/TH",
        number(view.hash_rate_ths, 1),
        number(view.efficiency_j_per_th, 1)
    ));
    let currency = view.money.as_ref().map_or("", |money| money.currency.as_str());
    lines.push(format!("ahead      {}", ahead_words(&view.ahead, currency, &zone)));
    lines.extend(view.budgets.iter().map(|budget| format!("budget     {}", budget_words(budget, &zone))));
    lines.extend(view.peak.iter().map(|peak| format!("peak       {}", peak_words(peak, &zone))));
    lines.push(format!("readings   each machine every {:.1} s", view.read_every_s));
    lines.extend(view.money.as_ref().map(money_line));
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
    let client = match client(&args.site)? {
        Ok(client) => client,
        Err(exit) => return Ok(exit),
    };
    let mut machines: Vec<MachineView> = Vec::new();
    let mut after = None;
    loop {
        let mut query = vec![("limit", PAGE.to_string())];
        query.extend(args.hall.clone().map(|hall| ("hall", hall)));
        query.extend(args.state.clone().map(|state| ("state", state)));
        query.extend(after.map(|after| ("after", after)));
        let page: MachinePage = match told(&args.site, client.get(&["machines"], &query))? {
            Ok(page) => page,
            Err(exit) => return Ok(exit),
        };
        machines.extend(page.machines);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
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
    let machine: MachineView = match get(&args.site, &["machines", &args.machine], &[])? {
        Ok(machine) => machine,
        Err(exit) => return Ok(exit),
    };
    if args.json {
        print_json(&machine)?
    } else {
        print(&machine_text(&machine))?
    }
    Ok(Exit::Done)
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
    let file = args.site.site.as_ref().filter(|site| !site.contains("://")).map(PathBuf::from);
    let explained = match &file {
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
    let Some(at) = args.at.as_deref() else {
        bail!(WrongUsage("a site file has no now\nhint: say when with --at".to_owned()));
    };
    let Some(site) = load(path)? else { return Ok(Err(Exit::Mistakes)) };
    let Some(circuit) = site.circuits.find(&args.circuit) else {
        eprintln!("error: {}", HandleError::no_circuit(&site, &args.circuit));
        return Ok(Err(Exit::Refused));
    };
    let at = instant(at, &site.time_zone)?;
    let none = offpeak_dispatch::Directives::default();
    let envelope = offpeak_dispatch::envelope(&site, &none, at);
    let mut explanation = crate::runtime::explain(&site, &envelope, circuit);
    let every = offpeak_dispatch::every_limit(&site, &none, None, at);
    crate::runtime::explain_all(&site, &every, circuit, &mut explanation);
    Ok(Ok((explanation, site.time_zone.clone())))
}

/// The running site's zone.
pub(super) fn site_zone(site: &SiteDir) -> Result<Result<TimeZone, Exit>> {
    let me: Result<Me, Exit> = get(site, &["me"], &[])?;
    Ok(me.map(|me| TimeZone::get(&me.time_zone).unwrap_or(TimeZone::UTC)))
}

fn explain_running(args: &Explain) -> Result<Explained> {
    let zone = match site_zone(&args.site)? {
        Ok(zone) => zone,
        Err(exit) => return Ok(Err(exit)),
    };
    let at = args.at.as_deref().map(|text| instant(text, &zone)).transpose()?;
    let query: Vec<_> = at.map(|at| ("at", at.to_string())).into_iter().collect();
    let explained = get(&args.site, &["circuits", &args.circuit, "explanation"], &query)?;
    Ok(explained.map(|explanation| (explanation, zone)))
}

/// Of who asks, what the command line needs.
#[derive(Deserialize)]
struct Me {
    time_zone: String,
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
        if let Some(percent) = explanation.catalogue_percent {
            lines.push(format!("machines   count at {percent:.1} % of the catalogue, as meters have shown"));
        }
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
    let body = json!({ "circuit": args.circuit, "reason": args.reason });
    order(&args.site, Method::POST, &["stops"], &[], Some(body))
}

pub(crate) fn resume(args: Resume) -> Result<Exit> {
    let mut query = vec![("reason", args.why.reason)];
    query.extend(args.circuit.map(|circuit| ("circuit", circuit)));
    order(&args.site, Method::DELETE, &["stops"], &query, None)
}

pub(crate) fn lockout(args: Lockout) -> Result<Exit> {
    let Lockout { circuit, by, lift, manager, why, site } = args;
    let reason = why.reason;
    if lift {
        let query = [("circuit", circuit), ("by", by), ("manager", manager.to_string()), ("reason", reason)];
        return order(&site, Method::DELETE, &["lockouts"], &query, None);
    }
    let body = json!({ "circuit": circuit, "by": by, "reason": reason });
    order(&site, Method::POST, &["lockouts"], &[], Some(body))
}

pub(crate) fn authority(args: Authority) -> Result<Exit> {
    let word = if args.power == Power::Control { "control" } else { "observe" };
    let body = json!({ "authority": word, "reason": args.why.reason });
    order(&args.site, Method::PUT, &["halls", &args.hall, "authority"], &[], Some(body))
}

#[cfg(test)]
#[path = "running_tests.rs"]
mod tests;
