//! Reports out of a site's lake: for the command line on a folder, and for whoever asks a running site.
//!
//! Not here: how sums are made (`offpeak-accounts`), rows read (`offpeak-lake`), or words put.

mod sheet;
mod sums;

use std::num::NonZero;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context as _, Result, anyhow, bail};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use offpeak_accounts::{By, Report, ReportError, Span};
use offpeak_lake::{Asked, LakeError, Table, files, read, stretches};
use offpeak_rows::MeterRow;
use offpeak_server::view::{MeteredView, ReportView};
use offpeak_server::{ReportAbout, ReportBy, ReportQuery};

use crate::cli::instant;
use crate::exit::WrongUsage;
use crate::runtime::{LAKE, Recorded};

pub(crate) use sums::{WattHours, energies, sheet, watt_hours};

/// How often the lake's files are listed at most.
const TRIES: u32 = 5;

/// A report of what is recorded in a data folder.
pub(crate) fn made(dir: &Path, query: &ReportQuery) -> Result<Report> {
    let lake = dir.join(LAKE);
    let recorded = Recorded::read(dir)?;
    let zone = TimeZone::get(&recorded.time_zone)
        .with_context(|| format!("`{}` is not a time zone", recorded.time_zone))?;
    let span = span_of(query, &lake, &zone)?;
    let mut by: Vec<By> = query.by.iter().map(|by| by_of(*by)).collect();
    // One owner's lines are told from others' by their name.
    if query.owner.is_some() && !by.contains(&By::Owner) {
        by.push(By::Owner);
    }
    match Report::new(&by, zone, span, &recorded.revenue_meter) {
        Ok(empty) => summed(&lake, &empty, query.about),
        Err(error) => Err(WrongUsage(error.to_string()).into()),
    }
}

/// As it is shown to programs.
pub(crate) fn view(dir: &Path, query: &ReportQuery) -> Result<ReportView> {
    let made = made(dir, query)?;
    let recorded = Recorded::read(dir)?;
    Ok(view_of(&made, query, recorded.time_zone))
}

/// A report in the shape that programs read.
pub(crate) fn view_of(made: &Report, query: &ReportQuery, time_zone: String) -> ReportView {
    let mut sheet = sheet(made, query.about);
    let whole = made.whole();
    let rest_wh = (query.about == ReportAbout::Energy).then(|| watt_hours(made).rest);
    let mut metered = Some(MeteredView {
        metered_wh: i64::try_from(whole.energy.to_watt_hours()).ok(),
        rest_wh,
        missing_s: whole.missing_s,
        measured_s: whole.measured_s,
        register_s: whole.register_s,
        estimated_s: whole.estimated_s,
    });
    let mut lines = sheet.json();
    if let Some(owner) = &query.owner {
        // A hall's or the site's meter counts what is others'.
        sheet.drop("metered_wh");
        metered = None;
        let is_theirs = |line: &serde_json::Map<_, _>| {
            line.get("owner").and_then(serde_json::Value::as_str) == Some(owner)
        };
        lines = sheet.json().into_iter().filter(is_theirs).collect();
    }
    let span = made.span();
    ReportView {
        about: word(query.about).to_owned(),
        by: made.by().iter().map(|by| by.name().to_owned()).collect(),
        from: span.from,
        until: span.until,
        time_zone,
        columns: sheet.names(),
        lines,
        metered,
    }
}

const fn word(about: ReportAbout) -> &'static str {
    match about {
        ReportAbout::Energy => "energy",
        ReportAbout::Availability => "availability",
        ReportAbout::Hash => "hash",
    }
}

/// What must be read of machines.
fn asked(by: &[By], about: ReportAbout) -> Vec<Asked> {
    let names = by.iter().filter_map(|by| match by {
        By::Day | By::Hour => None,
        By::Hall => Some(Asked::Hall),
        By::Circuit => Some(Asked::Circuit),
        By::Owner => Some(Asked::Owner),
        By::Model => Some(Asked::Model),
        By::Machine => Some(Asked::Machine),
    });
    let values: &[Asked] = match about {
        ReportAbout::Energy => &[Asked::Energy],
        ReportAbout::Availability => &[Asked::Seconds],
        ReportAbout::Hash => &[Asked::Energy, Asked::Hashes, Asked::Seconds],
    };
    names.chain(values.iter().copied()).collect()
}

/// The report of what is recorded. Files that are merged while they are read are listed again.
fn summed(lake: &Path, empty: &Report, about: ReportAbout) -> Result<Report> {
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
fn summed_once(lake: &Path, empty: &Report, about: ReportAbout) -> Result<Report> {
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

const fn by_of(by: ReportBy) -> By {
    match by {
        ReportBy::Day => By::Day,
        ReportBy::Hour => By::Hour,
        ReportBy::Hall => By::Hall,
        ReportBy::Circuit => By::Circuit,
        ReportBy::Owner => By::Owner,
        ReportBy::Model => By::Model,
        ReportBy::Machine => By::Machine,
    }
}

/// From the first to the last record of a meter, where nothing else is asked for.
fn span_of(query: &ReportQuery, lake: &Path, zone: &TimeZone) -> Result<Span> {
    let named = |text: &Option<String>| text.as_deref().map(|text| instant(text, zone)).transpose();
    let (from, until) = (named(&query.from)?, named(&query.until)?);
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
