//! `offpeak report`: energy, time and hashes out of the lake.

use anyhow::Result;
use offpeak_accounts::{Cell, Doing, Report, Sum};
use offpeak_server::view::ReportView;
use offpeak_server::{ReportAbout, ReportBy, ReportQuery};
use serde_json::{Map, Value};

use super::folder_with;
use crate::cli::{self, About, LinesBy};
use crate::commands::running::get;
use crate::commands::table::table;
use crate::commands::{print, print_json};
use crate::exit::{Exit, WrongUsage};
use crate::reports::{self, WattHours, energies, watt_hours};
use crate::runtime::{LAKE, Recorded};

/// What the revenue meter counted beyond the machines.
const REST: &str = "(house load, losses, unattributed)";
/// All of it.
const TOTAL: &str = "(all)";

pub(crate) fn report(args: &cli::Report) -> Result<Exit> {
    let query = query(args);
    if args.site.site.is_some() {
        return remote(args, query);
    }
    let dir = folder_with(&args.site, LAKE)?;
    let made = reports::made(&dir, &query)?;
    if let Some(path) = &args.parquet {
        reports::sheet(&made, query.about).parquet(path)?;
    } else if args.csv || args.json {
        show(args, &reports::view_of(&made, &query, Recorded::read(&dir)?.time_zone))?;
    } else {
        print(&match args.about {
            About::Energy => energy_words(&made, &watt_hours(&made)),
            About::Availability => availability_words(&made),
            About::Hash => hash_words(&made),
        })?;
    }
    Ok(Exit::Done)
}

/// As programs read it, or as a plain table.
fn show(args: &cli::Report, made: &ReportView) -> Result<()> {
    if args.json {
        return print_json(made);
    }
    if args.csv {
        return print(&made.csv());
    }
    let columns: Vec<&str> = made.columns.iter().map(String::as_str).collect();
    let cell = |value: Option<&Value>| match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(number) => number.to_string(),
    };
    let row = |line: &Map<String, Value>| columns.iter().map(|column| cell(line.get(*column))).collect();
    let rows: Vec<Vec<String>> = made.lines.iter().map(row).collect();
    print(&format!("{}\n\n{} until {}", table(&columns, &rows), made.from, made.until))
}

fn query(args: &cli::Report) -> ReportQuery {
    ReportQuery {
        about: match args.about {
            About::Energy => ReportAbout::Energy,
            About::Availability => ReportAbout::Availability,
            About::Hash => ReportAbout::Hash,
        },
        by: args.by.iter().map(|by| by_of(*by)).collect(),
        from: args.from.clone(),
        until: args.to.clone(),
        owner: None,
    }
}

const fn by_of(by: LinesBy) -> ReportBy {
    match by {
        LinesBy::Day => ReportBy::Day,
        LinesBy::Hour => ReportBy::Hour,
        LinesBy::Hall => ReportBy::Hall,
        LinesBy::Circuit => ReportBy::Circuit,
        LinesBy::Owner => ReportBy::Owner,
        LinesBy::Model => ReportBy::Model,
        LinesBy::Machine => ReportBy::Machine,
    }
}

/// A site elsewhere sums up what it recorded, of which the caller gets what they may see.
fn remote(args: &cli::Report, query: ReportQuery) -> Result<Exit> {
    if args.parquet.is_some() {
        let words = "--parquet is of a data folder here\nhint: --csv or --json with --site";
        return Err(WrongUsage(words.to_owned()).into());
    }
    let word = |value: Value| value.as_str().unwrap_or_default().to_owned();
    let by = query.by.iter().map(|by| Ok(word(serde_json::to_value(by)?))).collect::<Result<Vec<_>>>()?;
    let asked = [("by", Some(by.join(","))), ("from", query.from), ("to", query.until)];
    let asked: Vec<_> = asked.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let about = word(serde_json::to_value(query.about)?);
    match get::<ReportView>(&args.site, &["reports", &about], &asked)? {
        Ok(made) => show(args, &made).map(|()| Exit::Done),
        Err(exit) => Ok(exit),
    }
}

fn names(made: &Report, key: &[offpeak_rows::Name]) -> Vec<String> {
    let mut names: Vec<String> = key.iter().map(ToString::to_string).collect();
    if made.by().is_empty() {
        names.push("machines".to_owned());
    }
    names
}

/// A line that is of no key: its word stands in the first column.
fn named(made: &Report, word: &str) -> Vec<String> {
    let mut names = vec![String::new(); made.by().len().max(1)];
    names[0] = word.to_owned();
    names
}

fn header<'a>(made: &Report, columns: &[&'a str]) -> Vec<&'a str> {
    let mut header: Vec<&'a str> = made.by().iter().map(|by| by.name()).collect();
    if header.is_empty() {
        header.push("what");
    }
    header.extend(columns);
    header
}

/// Kilowatt-hours with the watt-hours behind the point.
fn kwh(wh: i64) -> String {
    let sign = if wh < 0 { "-" } else { "" };
    format!("{sign}{}.{:03}", wh.unsigned_abs() / 1_000, wh.unsigned_abs() % 1_000)
}

/// Hours with two decimals.
fn hours(seconds: u64) -> String {
    format!("{}.{:02}", seconds / 3_600, seconds % 3_600 * 100 / 3_600)
}

/// What is missing of the whole, in words.
fn missing(whole: &Sum) -> String {
    match whole.missing_s {
        0 => "nothing is missing".to_owned(),
        s => format!("{} h of {} h are missing and in no sum", hours(s), hours(whole.length_s)),
    }
}

fn energy_words(made: &Report, wh: &WattHours) -> String {
    let cells: Vec<Cell> = made.lines().map(|(_, cell)| *cell).collect();
    let lines: Vec<Vec<String>> = made
        .lines()
        .zip(energies(&cells, wh))
        .map(|((key, cell), wh)| {
            let mut row = names(made, key);
            if made.is_metered() {
                row.push(made.metered(key).map_or_else(
                    || "-".to_owned(),
                    |sum| kwh(i64::try_from(sum.energy.to_watt_hours()).unwrap_or(i64::MAX)),
                ));
            }
            row.push(wh.map_or_else(|| "-".to_owned(), kwh));
            row.push(hours(cell.machines.missing_s));
            row
        })
        .collect();
    let mut rows = lines;
    let mut end = |word: &str, wh: i64, is_total: bool| {
        let mut row = named(made, word);
        if made.is_metered() {
            row.push(if is_total { kwh(wh) } else { String::new() });
        }
        row.push(kwh(wh));
        row.push(String::new());
        rows.push(row);
    };
    end(REST, wh.rest, false);
    end(TOTAL, wh.total, true);
    let columns: &[&str] =
        if made.is_metered() { &["metered kWh", "machines kWh", "missing h"] } else { &["kWh", "missing h"] };
    let whole = made.whole();
    let span = made.span();
    format!(
        "{}\n\n{} until {}; the revenue meter: {}, {} h by its register alone, {} h estimated",
        table(&header(made, columns), &rows),
        span.from,
        span.until,
        missing(&whole),
        hours(whole.register_s),
        hours(whole.estimated_s),
    )
}

fn availability_words(made: &Report) -> String {
    let cells = |cell: &Cell| {
        let percent = cell
            .uptime
            .availability_ppm()
            .map_or_else(|| "-".to_owned(), |ppm| format!("{}.{:02} %", ppm / 10_000, ppm % 10_000 / 100));
        [percent, hours(cell.uptime.total())]
            .into_iter()
            .chain(Doing::ALL.map(|doing| hours(cell.uptime.of(doing))))
            .collect::<Vec<_>>()
    };
    let mut rows: Vec<Vec<String>> =
        made.lines().map(|(key, cell)| names(made, key).into_iter().chain(cells(cell)).collect()).collect();
    rows.push(named(made, TOTAL).into_iter().chain(cells(&made.machines())).collect());
    let columns = [
        "available",
        "hours",
        "hashing",
        "starting",
        "outside",
        "ordered",
        "price",
        "fault",
        "unreachable",
        "maintenance",
        "no data",
    ];
    table(&header(made, &columns), &rows)
}

fn hash_words(made: &Report) -> String {
    let cells = |cell: &Cell| {
        let exa = cell.hashes_gh / 1_000_000;
        let hashing = i128::from(cell.uptime.of(Doing::Hashing)).max(1);
        let tera = cell.hashes_gh / hashing;
        let joules = i128::from(cell.machines.energy.to_joules());
        let efficiency = (joules * 10_000).checked_div(cell.hashes_gh);
        [
            format!("{}.{:03}", exa / 1_000, exa % 1_000),
            format!("{}.{:03}", tera / 1_000, tera % 1_000),
            efficiency.map_or_else(|| "-".to_owned(), |e| format!("{}.{}", e / 10, e % 10)),
        ]
    };
    let mut rows: Vec<Vec<String>> =
        made.lines().map(|(key, cell)| names(made, key).into_iter().chain(cells(cell)).collect()).collect();
    rows.push(named(made, TOTAL).into_iter().chain(cells(&made.machines())).collect());
    table(&header(made, &["EH", "TH/s while hashing", "J/TH"]), &rows)
}
