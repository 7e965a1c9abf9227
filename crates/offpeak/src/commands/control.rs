//! Orders and the calendar, on a running site or a site file.

use anyhow::Result;
use jiff::tz::TimeZone;
use offpeak_dispatch::Directives;
use offpeak_site::CircuitIx;

use super::running::{ask, civil, order, refused, site_zone};
use super::table::{number, table};
use super::{load, print, print_json};
use crate::cli::{Calendar, Control, Order, Orders, Plan, Why, instant};
use crate::exit::Exit;
use crate::handle::HandleError;
use crate::protocol::{Request, Response};
use crate::view::{CalendarView, OrderView, PreviewView, WhyView};

pub(crate) fn control(command: Control) -> Result<Exit> {
    match command {
        Control::Order(args) => give(args),
        Control::Plan(args) => plan(args),
        Control::Why(args) => why(args),
        Control::Orders(args) => list(args),
        Control::Calendar(args) => calendar(args),
    }
}

fn give(args: Order) -> Result<Exit> {
    if let Some(id) = args.lift {
        return order(&args.site, Request::LiftOrder(id));
    }
    let words = args.words.unwrap_or_default();
    show(&args.site, Request::Order { words, kind: args.kind }, args.json)
}

fn list(args: Orders) -> Result<Exit> {
    show(&args.site, Request::Orders, args.json)
}

fn show(site: &crate::cli::SiteDir, request: Request, json: bool) -> Result<Exit> {
    let Some(zone) = site_zone(site)? else { return Ok(Exit::NothingRuns) };
    match ask(site, request)? {
        None => Ok(Exit::NothingRuns),
        Some(Response::Orders(orders)) => {
            if json {
                print_json(&orders)?
            } else {
                print(&orders_text(&orders, &zone))?
            }
            Ok(Exit::Done)
        }
        Some(other) => refused(other),
    }
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
        ]
    };
    let heading = ["order", "kind", "circuit", "what", "from", "until"];
    table(&heading, &orders.iter().map(row).collect::<Vec<_>>())
}

/// Machines named before the rest is counted.
const NAMED: usize = 12;

fn plan(args: Plan) -> Result<Exit> {
    let Some(zone) = site_zone(&args.site)? else { return Ok(Exit::NothingRuns) };
    match ask(&args.site, Request::Plan { words: args.order, kind: args.kind })? {
        None => Ok(Exit::NothingRuns),
        Some(Response::Plan(preview)) => {
            if args.json {
                print_json(&preview)?
            } else {
                print(&plan_text(&preview, &zone))?
            }
            Ok(Exit::Done)
        }
        Some(other) => refused(other),
    }
}

fn plan_text(of: &PreviewView, zone: &TimeZone) -> String {
    let named = |names: Vec<&str>| {
        let more = names.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("{}{more}", names.iter().take(NAMED).copied().collect::<Vec<_>>().join(", "))
    };
    let money = |amount: Option<f64>| {
        amount.map_or("not known".to_owned(), |amount| format!("{amount:.2} {}", of.currency))
    };
    let cut = of.stops.iter().filter(|(_, action)| action != "sleep").count();
    let mut lines = vec![
        orders_text(std::slice::from_ref(&of.order), zone),
        format!("way down   begins {}", civil(zone, of.begins)),
        format!("power      {:.1} kW now, then {:.1} kW", of.before_kw, of.after_kw),
        format!("stops      {} machine(s), {cut} of them at the outlet", of.stops.len()),
    ];
    if !of.stops.is_empty() {
        lines.push(format!("           {}", named(of.stops.iter().map(|(id, _)| id.as_str()).collect())));
    }
    if !of.starts.is_empty() {
        lines.push(format!(
            "starts     {}: {}",
            of.starts.len(),
            named(of.starts.iter().map(String::as_str).collect())
        ));
    }
    lines.push(format!("takes      {:.0} s until nineteen in twenty have followed", of.takes_s));
    lines.push(format!("costs      {} an hour, {} in all", money(of.cost_per_h), money(of.cost)));
    lines.extend(of.unmet.iter().map(|unmet| format!("cannot     be met: {unmet}")));
    lines.push("nothing was sent; machines as they run now, as if the order held now".to_owned());
    lines.join("\n")
}

fn why(args: Why) -> Result<Exit> {
    match ask(&args.site, Request::Why(args.machine.clone()))? {
        None => Ok(Exit::NothingRuns),
        Some(Response::Why(Some(of))) => {
            if args.json {
                print_json(&of)?
            } else {
                print(&why_text(&of))?
            }
            Ok(Exit::Done)
        }
        Some(Response::Why(None)) => {
            eprintln!("error: there is no machine `{}`", args.machine);
            eprintln!("hint: `offpeak machines` lists them by id and address");
            Ok(Exit::Refused)
        }
        Some(other) => refused(other),
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
    lines.extend(of.changes.iter().map(|change| format!("change     {change}")));
    lines.join("\n")
}

fn calendar(args: Calendar) -> Result<Exit> {
    let (rows, zone) = match &args.site {
        Some(path) => {
            let Some(site) = load(path)? else { return Ok(Exit::Mistakes) };
            let name = args.circuit.as_deref();
            let Some(circuit) = name.map_or(Some(CircuitIx::ROOT), |name| site.circuits.find(name)) else {
                eprintln!("error: {}", HandleError::no_circuit(&site, name.unwrap_or_default()));
                return Ok(Exit::Refused);
            };
            let from = instant(args.from.as_deref().unwrap_or_default(), &site.time_zone)?;
            let none = Directives::default();
            let rows = crate::runtime::calendar_view(&site, &none, circuit, from, args.days);
            (rows, site.time_zone.clone())
        }
        None => {
            let Some(zone) = site_zone(&args.dir)? else { return Ok(Exit::NothingRuns) };
            let request = Request::Calendar { circuit: args.circuit.clone(), days: args.days };
            match ask(&args.dir, request)? {
                None => return Ok(Exit::NothingRuns),
                Some(Response::Calendar(rows)) => (rows, zone),
                Some(other) => return refused(other),
            }
        }
    };
    if args.json {
        print_json(&rows)?
    } else {
        print(&calendar_text(&rows, &zone))?
    }
    Ok(Exit::Done)
}

fn calendar_text(rows: &[CalendarView], zone: &TimeZone) -> String {
    let row = |row: &CalendarView| {
        let limit = |limit: &Option<crate::view::LimitView>| {
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
