//! `offpeak report`: energy, time and hashes out of the lake.

use std::num::NonZero;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context as _, Result, anyhow, bail};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use offpeak_accounts::{By, Cell, Doing, Report, ReportError, Span, Sum, rounded};
use offpeak_lake::{Asked, LakeError, Table, files, read, stretches};
use offpeak_rows::MeterRow;
use offpeak_units::Energy;
use serde_json::json;

use super::folder_with;
use super::sheet::{Column, Sheet};
use crate::cli::{self, About, LinesBy, instant};
use crate::commands::table::table;
use crate::commands::{print, print_json};
use crate::exit::{Exit, WrongUsage};
use crate::runtime::{LAKE, Recorded};

/// What the revenue meter counted beyond the machines.
const REST: &str = "(house load, losses, unattributed)";
/// All of it.
const TOTAL: &str = "(all)";
/// How often the lake's files are listed at most.
const TRIES: u32 = 5;
const WATT_HOUR: Energy = Energy::from_watt_hours(1);

pub(crate) fn report(args: &cli::Report) -> Result<Exit> {
    let dir = folder_with(&args.site, LAKE)?;
    let lake = dir.join(LAKE);
    let recorded = Recorded::read(&dir)?;
    let zone = TimeZone::get(&recorded.time_zone)
        .with_context(|| format!("`{}` is not a time zone", recorded.time_zone))?;
    let span = span_of(args, &lake, &zone)?;
    let by: Vec<By> = args.by.iter().map(|by| by_of(*by)).collect();
    let made = match Report::new(&by, zone, span, &recorded.revenue_meter) {
        Ok(empty) => summed(&lake, &empty, args.about)?,
        Err(error) => return Err(WrongUsage(error.to_string()).into()),
    };
    show(args, &made)?;
    Ok(Exit::Done)
}

/// What must be read of machines.
fn asked(by: &[By], about: About) -> Vec<Asked> {
    let names = by.iter().filter_map(|by| match by {
        By::Day | By::Hour => None,
        By::Hall => Some(Asked::Hall),
        By::Circuit => Some(Asked::Circuit),
        By::Owner => Some(Asked::Owner),
        By::Model => Some(Asked::Model),
        By::Machine => Some(Asked::Machine),
    });
    let values: &[Asked] = match about {
        About::Energy => &[Asked::Energy],
        About::Availability => &[Asked::Seconds],
        About::Hash => &[Asked::Energy, Asked::Hashes, Asked::Seconds],
    };
    names.chain(values.iter().copied()).collect()
}

/// The report of what is recorded. Files that are merged while they are read are listed again.
fn summed(lake: &Path, empty: &Report, about: About) -> Result<Report> {
    let mut tries = 1;
    loop {
        match summed_once(lake, empty, about) {
            Err(error)
                if tries < TRIES && error.downcast_ref::<LakeError>().is_some_and(LakeError::is_gone) =>
            {
                tries += 1;
            }
            other => return other,
        }
    }
}

/// Meters row by row; machines by as many threads as there are cores, each with a report of its own.
fn summed_once(lake: &Path, empty: &Report, about: About) -> Result<Report> {
    let Span { from, until } = empty.span();
    let stretches = stretches(lake, from, until)?;
    let asked = asked(empty.by(), about);
    let next = AtomicUsize::new(0);
    let part = || -> Result<Report> {
        let mut part = empty.clone();
        while let Some(stretch) = stretches.get(next.fetch_add(1, Ordering::Relaxed)) {
            let mut taken = Ok(());
            stretch.runs(&asked, from, until, empty.step_s(), |run| {
                if taken.is_ok() {
                    taken = part.run(run);
                }
            })?;
            taken.map_err(too_long)?;
        }
        Ok(part)
    };
    let mut made = empty.clone();
    read::<MeterRow>(lake, Table::Meter, from, until, |row| made.meter(&row))?;
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get).min(stretches.len());
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(part)).collect();
        for thread in threads {
            let part = thread.join().map_err(|_| anyhow!("a thread that read the lake has ended"))??;
            made.merge(part).map_err(too_long)?;
        }
        made.complete();
        Ok(made)
    })
}

fn too_long(error: ReportError) -> anyhow::Error {
    anyhow!(
        "{error}\nhint: ask for a shorter time (--from, --to) or fewer names; `offpeak sql` has no such limit"
    )
}

const fn by_of(by: LinesBy) -> By {
    match by {
        LinesBy::Day => By::Day,
        LinesBy::Hour => By::Hour,
        LinesBy::Hall => By::Hall,
        LinesBy::Circuit => By::Circuit,
        LinesBy::Owner => By::Owner,
        LinesBy::Model => By::Model,
        LinesBy::Machine => By::Machine,
    }
}

/// From the first to the last record of a meter, where nothing else is asked for.
fn span_of(args: &cli::Report, lake: &Path, zone: &TimeZone) -> Result<Span> {
    let named = |text: &Option<String>| text.as_deref().map(|text| instant(text, zone)).transpose();
    let (from, until) = (named(&args.from)?, named(&args.to)?);
    if let (Some(from), Some(until)) = (from, until) {
        return Ok(Span { from, until });
    }
    let mut dates: Vec<_> = files(lake, Table::Meter)?.into_iter().map(|file| file.date).collect();
    dates.sort();
    let (Some(first), Some(last)) = (dates.first(), dates.last()) else {
        bail!(
            "nothing is recorded in {} yet\nhint: rows come to the tables every five minutes",
            lake.display()
        );
    };
    let mut ends: Option<(Timestamp, Timestamp)> = None;
    for date in [*first, *last] {
        let begins = TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).context("a day of the lake")?;
        let ends_at = begins + SignedDuration::from_hours(24);
        read::<MeterRow>(lake, Table::Meter, begins, ends_at, |row| {
            let end = row.start + SignedDuration::from_secs(row.length_s.into());
            ends = Some(ends.map_or((row.start, end), |(a, b)| (a.min(row.start), b.max(end))));
        })?;
    }
    let (first, last) = ends.context("the lake's days have no rows")?;
    Ok(Span { from: from.unwrap_or(first), until: until.unwrap_or(last) })
}

/// The lines' names, and what stands in each.
fn lines(made: &Report) -> (Vec<Column>, Vec<Cell>) {
    let mut names: Vec<Vec<String>> = vec![Vec::new(); made.by().len()];
    let mut cells = Vec::new();
    for (key, cell) in made.lines() {
        for (column, name) in names.iter_mut().zip(key) {
            column.push(name.to_string());
        }
        cells.push(*cell);
    }
    let columns = made.by().iter().zip(names).map(|(by, values)| Column::Names(by.name(), values));
    (columns.collect(), cells)
}

fn numbers(name: &'static str, cells: &[Cell], value: impl Fn(&Cell) -> i64) -> Column {
    Column::Numbers(name, cells.iter().map(|cell| Some(value(cell))).collect())
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The energy of the lines and of the rest, in watt-hours that come to the total as it is printed.
struct WattHours {
    lines: Vec<i64>,
    rest: i64,
    total: i64,
}

fn watt_hours(made: &Report, cells: &[Cell]) -> WattHours {
    let parts: Vec<Energy> = cells.iter().map(|cell| cell.machines.energy).chain([made.rest()]).collect();
    let (total, mut lines) = rounded(&parts, WATT_HOUR);
    let rest = lines.pop().unwrap_or(0);
    WattHours { lines, rest, total }
}

/// Where there is no record of any machine, their energy is not known.
fn energies(cells: &[Cell], wh: &WattHours) -> Vec<Option<i64>> {
    cells.iter().zip(&wh.lines).map(|(cell, wh)| (cell.machines.length_s > 0).then_some(*wh)).collect()
}

fn energy(made: &Report) -> (Sheet, WattHours) {
    let (mut columns, cells) = lines(made);
    let wh = watt_hours(made, &cells);
    columns.push(Column::Numbers("energy_wh", energies(&cells, &wh)));
    if made.is_metered() {
        let counted = made
            .lines()
            .map(|(key, _)| made.metered(key).and_then(|sum| i64::try_from(sum.energy.to_watt_hours()).ok()));
        columns.push(Column::Numbers("metered_wh", counted.collect()));
    }
    columns.push(numbers("said_wh", &cells, |cell| {
        i64::try_from(cell.said.to_watt_hours()).unwrap_or(i64::MAX)
    }));
    columns.push(numbers("measured_s", &cells, |cell| whole(cell.machines.measured_s)));
    columns.push(numbers("estimated_s", &cells, |cell| whole(cell.machines.estimated_s)));
    columns.push(numbers("missing_s", &cells, |cell| whole(cell.machines.missing_s)));
    (Sheet { columns }, wh)
}

const TIMES: [(Doing, &str); 9] = [
    (Doing::Hashing, "hashing_s"),
    (Doing::Starting, "starting_s"),
    (Doing::OutsideHours, "outside_hours_s"),
    (Doing::Ordered, "ordered_s"),
    (Doing::Price, "price_s"),
    (Doing::Fault, "fault_s"),
    (Doing::Unreachable, "unreachable_s"),
    (Doing::Maintenance, "maintenance_s"),
    (Doing::NoData, "no_data_s"),
];

fn availability(made: &Report) -> Sheet {
    let (mut columns, cells) = lines(made);
    columns.push(numbers("total_s", &cells, |cell| whole(cell.uptime.total())));
    for (doing, name) in TIMES {
        columns.push(numbers(name, &cells, |cell| whole(cell.uptime.of(doing))));
    }
    let ppm = cells.iter().map(|cell| cell.uptime.availability_ppm().map(whole)).collect();
    columns.push(Column::Numbers("availability_ppm", ppm));
    Sheet { columns }
}

fn hashes(made: &Report) -> Sheet {
    let (mut columns, cells) = lines(made);
    let giga = |cell: &Cell| i64::try_from(cell.hashes_gh).unwrap_or(i64::MAX);
    columns.push(numbers("hashes_gh", &cells, giga));
    columns.push(numbers("hashing_s", &cells, |cell| whole(cell.uptime.of(Doing::Hashing))));
    columns.push(numbers("energy_wh", &cells, |cell| {
        i64::try_from(cell.machines.energy.to_watt_hours()).unwrap_or(i64::MAX)
    }));
    Sheet { columns }
}

fn show(args: &cli::Report, made: &Report) -> Result<()> {
    let (sheet, wh) = match args.about {
        About::Energy => {
            let (sheet, wh) = energy(made);
            (sheet, Some(wh))
        }
        About::Availability => (availability(made), None),
        About::Hash => (hashes(made), None),
    };
    if let Some(path) = &args.parquet {
        return sheet.parquet(path);
    }
    if args.csv {
        return print(&sheet.csv());
    }
    let whole = made.whole();
    if args.json {
        let span = made.span();
        return print_json(&json!({
            "from": span.from, "until": span.until,
            "lines": sheet.json(),
            "metered_wh": i64::try_from(whole.energy.to_watt_hours()).ok(),
            "rest_wh": wh.map(|wh| wh.rest),
            "metered_missing_s": whole.missing_s,
            "metered_measured_s": whole.measured_s,
            "metered_register_s": whole.register_s,
            "metered_estimated_s": whole.estimated_s,
        }));
    }
    print(&match args.about {
        About::Energy => energy_words(made, &wh.context("an energy report has watt-hours")?),
        About::Availability => availability_words(made),
        About::Hash => hash_words(made),
    })
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
