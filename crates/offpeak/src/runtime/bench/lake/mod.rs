//! The lake's figures: rows in, bytes on disk, questions answered; and the same rows in PostgreSQL beside it.
//!
//! Rows come from the twin's simulation of the story's site. The twin's machines are steadier than real ones, so
//! each machine-minute gets noise of its own: power ±1 %, hash rate ±3 %, temperature ±1 °C, evenly spread.

mod postgres;
mod rows;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use jiff::Timestamp;
use offpeak_lake::{Keep, Lake, Options, Table, files};
use offpeak_rows::MachineRow;

use self::rows::{Day, Fleet};
use super::Figures;
use crate::commands::{load, program};

/// Machines of the smaller mine, of which a month is written.
pub(super) const MONTH_MACHINES: usize = 5_500;
/// Days of that month.
const MONTH_DAYS: i64 = 30;
/// Minutes of all machines that are made before the clock starts.
const AHEAD: usize = 60;
/// How often a question is asked; the median counts.
const TIMES: &str = "5";

/// A folder that goes with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Result<Self> {
        let path = PathBuf::from("target").join(format!("bench-lake-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).with_context(|| path.display().to_string())?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn open(dir: &Path) -> Result<Lake> {
    let keep = Keep { free_bytes_min: 4 << 30, ..Keep::default() };
    Ok(Lake::open(dir, Options { keep, ..Options::default() })?)
}

/// Hands a minute's rows over as the recorder does, and brings them to the disk.
fn write(lake: &mut Lake, rows: &[MachineRow]) -> Result<()> {
    ensure!(lake.append(rows)?.rows == rows.len() as u64, "a row was there already");
    lake.sync()?;
    Ok(())
}

/// Everything to tables, and the days that are over into one file each.
fn settle(lake: &mut Lake, now: Timestamp) -> Result<()> {
    lake.publish()?;
    lake.settle()?;
    let count = |lake: &Lake| files(lake.dir(), Table::Machine).map(|files| files.len());
    let mut before = usize::MAX;
    while count(lake)? < before {
        before = count(lake)?;
        lake.tend(now);
        lake.settle()?;
    }
    match lake.status().failing {
        Some(why) => anyhow::bail!("the lake: {why}"),
        None => Ok(()),
    }
}

pub(super) fn lake_here(path: &Path) -> Result<Figures> {
    let site = Arc::new(load(path)?.context("the site file has mistakes")?);
    let fleet = Fleet::of(&site);
    let mut figures = Figures::new();
    let (big, month) = (Folder::new("day")?, Folder::new("month")?);
    let day = whole_day(&site, &fleet, &big.0, &mut figures)?;
    write_month(&fleet, &day, &month.0, &mut figures)?;
    questions(&big.0, &month.0, &mut figures)?;
    postgres::beside(&fleet, &day, &month.0, &mut figures)?;
    Ok(figures)
}

/// A day of all machines: the first hour with the clock running, then the rest.
fn whole_day(
    site: &Arc<offpeak_site::Site>,
    fleet: &Fleet,
    dir: &Path,
    figures: &mut Figures,
) -> Result<Day> {
    let mut simulated = rows::Simulated::new(site);
    let mut day = Day::new(MONTH_MACHINES);
    let mut ahead = Vec::with_capacity(AHEAD);
    for _ in 0..AHEAD {
        ahead.push(simulated.minute(fleet, &mut day));
    }
    let mut lake = open(dir)?;
    let began = Instant::now();
    let count: usize = ahead.iter().map(Vec::len).sum();
    for rows in &ahead {
        write(&mut lake, rows)?;
    }
    lake.publish()?;
    lake.settle()?;
    figures.insert("lake_rows_per_s".to_owned(), count as f64 / began.elapsed().as_secs_f64());
    drop(ahead);
    for _ in AHEAD..rows::MINUTES {
        write(&mut lake, &simulated.minute(fleet, &mut day))?;
    }
    let began = Instant::now();
    settle(&mut lake, simulated.now() + jiff::SignedDuration::from_hours(48))?;
    figures.insert("lake_merge_day_s".to_owned(), began.elapsed().as_secs_f64());
    let bytes: u64 = files(dir, Table::Machine)?.iter().map(|file| file.bytes).sum();
    let total = fleet.len() * rows::MINUTES;
    figures.insert("lake_bytes_per_machine_minute".to_owned(), bytes as f64 / total as f64);
    Ok(day)
}

/// The smaller mine's month: the same day with other noise, day after day.
fn write_month(fleet: &Fleet, day: &Day, dir: &Path, figures: &mut Figures) -> Result<()> {
    let mut lake = open(dir)?;
    for number in 0..MONTH_DAYS {
        for minute in 0..rows::MINUTES {
            lake.append(&day.rows(fleet, number, minute))?;
        }
        lake.sync()?;
    }
    settle(&mut lake, rows::start() + jiff::SignedDuration::from_hours(24 * (MONTH_DAYS + 2)))?;
    let bytes: u64 = files(dir, Table::Machine)?.iter().map(|file| file.bytes).sum();
    figures.insert("lake_month_mb".to_owned(), bytes as f64 / 1e6);
    Ok(())
}

/// Asks a question of a lake, some times; milliseconds of the median.
fn ask(dir: &Path, sql: &str) -> Result<f64> {
    let output = program().args(["sql", "--times", TIMES, "--lake"]).arg(dir).args(["--", sql]).output();
    let output = output.context("offpeak-query cannot be started\nhint: `make query` builds it")?;
    ensure!(output.status.success(), "the question failed: {}", String::from_utf8_lossy(&output.stderr));
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    ensure!(answer["rows"].as_u64().is_some_and(|rows| rows > 0), "an answer without rows: {sql}");
    answer["median_ms"].as_f64().context("no time in the answer")
}

/// The questions of the figures' names. `{owner}` has a hundredth of the machines or so.
pub(super) const BY_HOUR: &str = "select date_trunc('hour', start) as hour, sum(energy_j) as energy_j, sum(billed_j) as billed_j,
  sum(hashes_gh) as hashes_gh, sum(hashing_s) as hashing_s, count(*) as rows from machine group by 1 order by 1";

fn questions(day: &Path, month: &Path, figures: &mut Figures) -> Result<()> {
    let owner = format!(
        "select machine, sum(energy_j) as energy_j, sum(billed_j) as billed_j, sum(hashes_gh) as hashes_gh,
         sum(hashing_s) as hashing_s, sum(fault_s + unreachable_s + no_data_s) as lost_s, count(*) as rows
         from machine where owner = '{}' group by machine order by machine",
        rows::owner_of(7)
    );
    figures.insert("query_owner_month_ms".to_owned(), ask(month, &owner)?);
    figures.insert("query_day_by_hour_ms".to_owned(), ask(day, BY_HOUR)?);
    Ok(())
}
