//! Fast readings: as many as go, of each kind of machine; and a whole mine's at its usual pace.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use offpeak_drivers::bench::{bench_plan, bench_poll};

use super::fleet::{KINDS, Kind, Served, Written, served, targets};
use super::{Figures, in_own_process};
use crate::runtime::plant_io;

/// Machines polled, and for how long.
const MACHINES: u32 = 5_000;
const POLL_FOR: Duration = Duration::from_secs(6);
/// The story's mine.
const MINE: u32 = 55_040;
/// Some rounds of a mine.
const PLAN_FOR: Duration = Duration::from_secs(45);

/// Ours and asic-rs's readings of one kind, in one run against one twin.
pub(super) fn of_kind(kind: &Kind) -> Result<Figures> {
    let site = Written::new(MACHINES, &[kind])?;
    let twin = Served::new(&site.path)?;
    let mut figures = in_own_process("poll", &site.path)?;
    figures.append(&mut in_own_process("peer", &site.path)?);
    drop(twin);
    let label = kind.label;
    Ok(figures.into_iter().map(|(name, value)| (format!("poll_{label}_{name}"), value)).collect())
}

/// Reads one kind of machine as fast as it answers.
pub(super) fn poll_here(path: &Path) -> Result<Figures> {
    let targets = targets(&served(path)?);
    let machines = targets.len();
    let found = bench_poll(targets, POLL_FOR)?;
    ensure!(found.read == machines, "{} of {machines} machines were read", found.read);
    ensure!(found.troubles == 0, "{} readings ended in trouble", found.troubles);
    let mut figures = Figures::from([("per_s".to_owned(), found.per_second)]);
    // Not known outside Linux, and then not among the figures.
    figures.extend(found.cpu_ms.map(|cpu| ("cpu_ms".to_owned(), cpu)));
    figures.extend(found.rss_mb.map(|rss| ("rss_mb".to_owned(), rss)));
    Ok(figures)
}

/// A mine of the story's size and of all kinds, read fast and fully at the pace of `offpeak run`: what that costs, and how
/// old its readings are.
pub(super) fn of_a_whole_mine() -> Result<Figures> {
    let site = Written::new(MINE, &KINDS.each_ref())?;
    let _twin = Served::new(&site.path)?;
    in_own_process("plan", &site.path)
}

/// The usual pace, in this process.
pub(super) fn plan_here(path: &Path) -> Result<Figures> {
    let targets = targets(&served(path)?);
    let pace = plant_io::pace_at_speed_one();
    let every = pace.every_of(targets.len());
    let found = bench_plan(targets, pace, PLAN_FOR)?;
    let cores = found.cores.context("this system does not tell CPU time")?;
    let mut figures = Figures::from([
        ("plan_55040_every_s".to_owned(), every.as_secs_f64()),
        ("plan_55040_oldest_s".to_owned(), found.oldest.as_secs_f64()),
        ("plan_55040_cores".to_owned(), cores),
        ("plan_55040_full_every_s".to_owned(), pace.survey.as_secs_f64()),
        ("plan_55040_full_per_s".to_owned(), found.full_per_second),
    ]);
    figures.extend(found.rss_mb.map(|rss| ("plan_55040_rss_mb".to_owned(), rss)));
    Ok(figures)
}
