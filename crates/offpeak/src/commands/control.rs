//! Orders and the calendar, on a running site or a site file.

use std::path::PathBuf;

use anyhow::{Result, bail};
use jiff::tz::TimeZone;
use offpeak_dispatch::Directives;
use offpeak_server::HandleError;
use offpeak_server::view::{
    CalendarView, HoldPreviewView, HoldView, LimitView, OrderDeedView, OrderDeedsView, OrderView,
    PreviewView, WhyView,
};
use offpeak_site::CircuitIx;
use reqwest::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::running::{civil, client, get, order, site_zone, told};
use super::table::{number, table};
use super::{load, print, print_json};
use crate::cli::{Calendar, Control, Hold, Order, Orders, OrdersOf, Plan, Release, SiteDir, Why, instant};
use crate::exit::{Exit, WrongUsage};

pub(crate) fn control(command: Control) -> Result<Exit> {
    match command {
        Control::Order(args) => give(args),
        Control::Plan(args) => plan(args),
        Control::Why(args) => why(args),
        Control::Hold(args) => hold(args),
        Control::Release(args) => release(args),
        Control::Holds(args) => holds(args),
        Control::Orders(args) => list(args),
        Control::Calendar(args) => calendar(args),
    }
}

fn give(args: Order) -> Result<Exit> {
    if let Some(id) = args.lift {
        return order(
            &args.site,
            Method::DELETE,
            &["orders", &id.to_string()],
            &[("reason", args.why.reason)],
            None,
        );
    }
    let (words, reason) = (args.words.unwrap_or_default(), args.why.reason);
    let body = json!({ "words": words, "kind": args.kind, "reason": reason });
    match asked::<OrderView>(&args.site, &["orders"], &body)? {
        Ok((given, zone)) => show(&[given], args.json, |orders| orders_text(orders, &zone)),
        Err(exit) => Ok(exit),
    }
}

fn list(OrdersOf { past, of: args }: OrdersOf) -> Result<Exit> {
    let zone = match site_zone(&args.site)? {
        Ok(zone) => zone,
        Err(exit) => return Ok(exit),
    };
    if let Some(past) = past {
        return match deeds(&args.site, past)? {
            Ok(deeds) => show(&deeds[..], args.json, |deeds| deeds_text(deeds, &zone)),
            Err(exit) => Ok(exit),
        };
    }
    match get::<Vec<OrderView>>(&args.site, &["orders"], &[])? {
        Ok(orders) => show(&orders[..], args.json, |orders| orders_text(orders, &zone)),
        Err(exit) => Ok(exit),
    }
}

/// What was last ordered and lifted: so many, over as many pages as they take.
fn deeds(site: &SiteDir, most: u32) -> Result<Result<Vec<OrderDeedView>, Exit>> {
    let (mut found, mut before) = (Vec::new(), None);
    loop {
        let left = most as usize - found.len();
        let mut query = vec![("limit", left.min(1_000).to_string())];
        query.extend(before.map(|before: u64| ("before", before.to_string())));
        let page = match get::<OrderDeedsView>(site, &["orders", "history"], &query)? {
            Ok(page) => page,
            Err(exit) => return Ok(Err(exit)),
        };
        found.extend(page.deeds);
        before = page.next;
        if before.is_none() || found.len() >= most as usize {
            return Ok(Ok(found));
        }
    }
}

fn deeds_text(deeds: &[OrderDeedView], zone: &TimeZone) -> String {
    if deeds.is_empty() {
        return "nothing was ordered yet".to_owned();
    }
    let row = |deed: &OrderDeedView| {
        let (what, subject) = (deed.what.clone(), deed.subject.clone());
        vec![civil(zone, deed.at), what, subject, deed.who.clone(), deed.why.clone()]
    };
    table(&["at", "what", "about", "by", "how and why"], &deeds.iter().map(row).collect::<Vec<_>>())
}

/// What a POST answers, and the site's zone; or how the command ends without it.
fn asked<T: DeserializeOwned>(
    site: &SiteDir,
    parts: &[&str],
    body: &Value,
) -> Result<Result<(T, TimeZone), Exit>> {
    let zone = match site_zone(site)? {
        Ok(zone) => zone,
        Err(exit) => return Ok(Err(exit)),
    };
    let answer = match client(site)? {
        Ok(client) => told(site, client.change::<T>(Method::POST, parts, &[], Some(body)))?,
        Err(exit) => return Ok(Err(exit)),
    };
    Ok(answer.map(|answer| (answer, zone)))
}

/// As JSON, or in words.
fn show<T: Serialize + ?Sized>(of: &T, json: bool, words: impl FnOnce(&T) -> String) -> Result<Exit> {
    if json {
        print_json(&of)?
    } else {
        print(&words(of))?
    }
    Ok(Exit::Done)
}

fn orders_text(orders: &[OrderView], zone: &TimeZone) -> String {
    if orders.is_empty() {
        return "no order is in force or announced".to_owned();
    }
    let row = |order: &OrderView| {
        let what = if order.setpoint { "hold" } else { "at most" };
        let mean = order.mean_min.map_or_else(String::new, |minutes| format!(" (mean of {minutes} min)"));
        vec![
            order.id.to_string(),
            order.kind.clone(),
            order.circuit.clone(),
            format!("{what} {:.3} kW{mean}", order.limit_kw),
            civil(zone, order.from),
            order.until.map_or_else(|| "until lifted".to_owned(), |until| civil(zone, until)),
            order.by.clone().unwrap_or_else(|| "-".to_owned()),
            order.reason.clone().filter(|reason| !reason.is_empty()).unwrap_or_else(|| "-".to_owned()),
        ]
    };
    let heading = ["order", "kind", "circuit", "what", "from", "until", "by", "why"];
    table(&heading, &orders.iter().map(row).collect::<Vec<_>>())
}

/// Machines named before the rest is counted.
const NAMED: usize = 12;

fn plan(args: Plan) -> Result<Exit> {
    let body = json!({ "words": args.order, "kind": args.kind });
    match asked::<PreviewView>(&args.site, &["orders", "preview"], &body)? {
        Ok((preview, zone)) => show(&preview, args.json, |preview| plan_text(preview, &zone)),
        Err(exit) => Ok(exit),
    }
}

/// The first of some names, and how many more there are.
fn named(names: &[&str]) -> String {
    let more = names.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", names.iter().take(NAMED).copied().collect::<Vec<_>>().join(", "))
}

fn money(amount: Option<f64>, currency: &str) -> String {
    amount.map_or("not known".to_owned(), |amount| format!("{amount:.2} {currency}"))
}

fn hold(args: Hold) -> Result<Exit> {
    let zone = match site_zone(&args.site)? {
        Ok(zone) => zone,
        Err(exit) => return Ok(exit),
    };
    let until = args.until.as_deref().map(|until| instant(until, &zone)).transpose()?;
    let mut body = json!({ "machines": args.machines, "until": until });
    if args.preview {
        return match asked::<HoldPreviewView>(&args.site, &["holds", "preview"], &body)? {
            Ok((preview, _)) => show(&preview, args.json, hold_text),
            Err(exit) => Ok(exit),
        };
    }
    body["reason"] = args.reason.unwrap_or_default().into();
    order(&args.site, Method::POST, &["holds"], &[], Some(body))
}

fn release(args: Release) -> Result<Exit> {
    let body = json!({ "machines": args.machines, "reason": args.reason });
    order(&args.site, Method::POST, &["holds", "release"], &[], Some(body))
}

fn holds(args: Orders) -> Result<Exit> {
    let zone = match site_zone(&args.site)? {
        Ok(zone) => zone,
        Err(exit) => return Ok(exit),
    };
    match get::<Vec<HoldView>>(&args.site, &["holds"], &[])? {
        Ok(holds) => show(&holds[..], args.json, |holds| holds_text(holds, &zone)),
        Err(exit) => Ok(exit),
    }
}

fn holds_text(holds: &[HoldView], zone: &TimeZone) -> String {
    if holds.is_empty() {
        return "no machine is held off".to_owned();
    }
    let row = |hold: &HoldView| {
        vec![
            hold.machine.clone(),
            civil(zone, hold.at),
            hold.until.map_or_else(|| "released".to_owned(), |until| civil(zone, until)),
            hold.by.clone().unwrap_or_else(|| "-".to_owned()),
            hold.reason.clone().unwrap_or_else(|| "-".to_owned()),
        ]
    };
    table(&["machine", "since", "until", "by", "why"], &holds.iter().map(row).collect::<Vec<_>>())
}

fn hold_text(of: &HoldPreviewView) -> String {
    let ids =
        |pairs: &[(String, String)]| named(&pairs.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>());
    let cut = of.stops.iter().filter(|(_, action)| action != "sleep").count();
    let mut lines = vec![
        format!("power      {:.1} kW now, then {:.1} kW", of.before_kw, of.after_kw),
        format!("stops      {} of {} machine(s), {cut} of them at the outlet", of.stops.len(), of.machines),
    ];
    if !of.stops.is_empty() {
        lines.push(format!("           {}", ids(&of.stops)));
    }
    if !of.off_already.is_empty() {
        lines.push(format!("off        {} of them as it is", of.off_already.len()));
    }
    lines.extend(of.left.iter().take(NAMED).map(|(id, reason)| format!("not        {id}: {reason}")));
    if of.left.len() > NAMED {
        lines.push(format!("not        {} more", of.left.len() - NAMED));
    }
    if of.waiting > 0 {
        lines.push(format!("room       {} machine(s) wait for some and may take it", of.waiting));
    }
    lines.push(format!("takes      {:.0} s until nineteen in twenty have followed", of.takes_s));
    let (hour, all) = (money(of.cost_per_h, &of.currency), money(of.cost, &of.currency));
    lines.push(format!("costs      {hour} an hour, {all} in all"));
    lines.push("nothing was sent; machines as they run now".to_owned());
    lines.join("\n")
}

fn plan_text(of: &PreviewView, zone: &TimeZone) -> String {
    let money = |amount: Option<f64>| money(amount, &of.currency);
    let cut = of.stops.iter().filter(|(_, action)| action != "sleep").count();
    let mut lines = vec![
        orders_text(std::slice::from_ref(&of.order), zone),
        format!("way down   begins {}", civil(zone, of.begins)),
        format!("power      {:.1} kW now, then {:.1} kW", of.before_kw, of.after_kw),
        format!("stops      {} machine(s), {cut} of them at the outlet", of.stops.len()),
    ];
    if !of.stops.is_empty() {
        lines.push(format!(
            "           {}",
            named(&of.stops.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>())
        ));
    }
    if !of.starts.is_empty() {
        lines.push(format!(
            "starts     {}: {}",
            of.starts.len(),
            named(&of.starts.iter().map(String::as_str).collect::<Vec<_>>())
        ));
    }
    lines.push(format!("takes      {:.0} s until nineteen in twenty have followed", of.takes_s));
    lines.push(format!("costs      {} an hour, {} in all", money(of.cost_per_h), money(of.cost)));
    lines.extend(
        of.binds.iter().map(|limit| format!("binds      {:.1} kW by {}", limit.limit_kw, limit.source)),
    );
    lines.extend(of.unmet.iter().map(|unmet| format!("cannot     be met: {unmet}")));
    lines.push("nothing was sent; machines as they run now, as if the order held now".to_owned());
    lines.join("\n")
}

fn why(args: Why) -> Result<Exit> {
    match get::<WhyView>(&args.site, &["machines", &args.machine, "why"], &[])? {
        Ok(why) => show(&why, args.json, why_text),
        Err(exit) => Ok(exit),
    }
}

fn why_text(of: &WhyView) -> String {
    let binds = match (&of.binds_at, &of.binds) {
        (Some(at), Some(limit)) => {
            format!(
                "{:.1} kW by {} at {at}, {} kW of it free",
                limit.limit_kw,
                limit.source,
                number(of.room_kw, 1)
            )
        }
        _ => "nothing".to_owned(),
    };
    let mut lines = vec![
        of.machine.clone(),
        format!("state      {}, asked to {}", of.state, of.target),
        format!("why        {}", of.reason),
        format!("binds      {binds}"),
        format!("rank       {} of {}; a start needs {:.2} kW", of.rank, of.machines, of.needs_kw),
    ];
    lines.extend(of.changes.iter().chain(&of.earns_again).map(|change| format!("change     {change}")));
    lines.join("\n")
}

fn calendar(args: Calendar) -> Result<Exit> {
    let file = args.site.site.as_ref().filter(|site| !site.contains("://")).map(PathBuf::from);
    let (rows, zone) = match file {
        Some(path) => {
            let Some(from) = args.from.as_deref() else {
                bail!(WrongUsage("a site file has no now\nhint: say when with --from".to_owned()));
            };
            let Some(site) = load(&path)? else { return Ok(Exit::Mistakes) };
            let name = args.circuit.as_deref();
            let Some(circuit) = name.map_or(Some(CircuitIx::ROOT), |name| site.circuits.find(name)) else {
                eprintln!("error: {}", HandleError::no_circuit(&site, name.unwrap_or_default()));
                return Ok(Exit::Refused);
            };
            let from = instant(from, &site.time_zone)?;
            let none = Directives::default();
            let rows = crate::runtime::calendar_view(&site, &none, None, circuit, from, args.days);
            (rows, site.time_zone.clone())
        }
        None => {
            let zone = match site_zone(&args.site)? {
                Ok(zone) => zone,
                Err(exit) => return Ok(exit),
            };
            let mut query = vec![("days", args.days.to_string())];
            query.extend(args.circuit.clone().map(|circuit| ("circuit", circuit)));
            match get::<Vec<CalendarView>>(&args.site, &["calendar"], &query)? {
                Ok(rows) => (rows, zone),
                Err(exit) => return Ok(exit),
            }
        }
    };
    show(&rows[..], args.json, |rows| calendar_text(rows, &zone))
}

fn calendar_text(rows: &[CalendarView], zone: &TimeZone) -> String {
    let row = |row: &CalendarView| {
        let limit = |limit: &Option<LimitView>| {
            limit.as_ref().map_or_else(
                || ("-".to_owned(), "-".to_owned()),
                |limit| (format!("{:.1}", limit.limit_kw), limit.source.clone()),
            )
        };
        let ((kw, source), (next_kw, next)) = (limit(&row.binding), limit(&row.next));
        vec![
            zone.to_datetime(row.from).strftime("%a %Y-%m-%d %H:%M").to_string(),
            zone.to_datetime(row.until).strftime("%a %H:%M").to_string(),
            kw,
            source,
            row.at.clone().unwrap_or_else(|| "-".to_owned()),
            format!("{next_kw} {next}"),
            number(row.power_price, 2),
            row.block.clone().unwrap_or_else(|| "-".to_owned()),
        ]
    };
    let heading = ["from", "until", "kW", "by", "at", "then", "price/kWh", "blocked"];
    table(&heading, &rows.iter().map(row).collect::<Vec<_>>())
}
