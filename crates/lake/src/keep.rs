//! How long things are kept, how much room they may take, and what goes first when there is none.

use std::path::Path;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan as _, tz::TimeZone};

use crate::error::LakeError;
use crate::layout::{self, LakeFile};
use crate::merge;
use crate::table::Table;

/// What is kept, and in how much room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Days of the revenue meter's seconds.
    pub meter_second_days: u32,
    /// Days of the machines' minutes; `None` for good.
    pub machine_days: Option<u32>,
    /// Bytes that tables and journal may take together; `None` for as many as the disk has.
    pub budget_bytes: Option<u64>,
    /// Bytes of the disk that stay free, for the book.
    pub free_bytes_min: u64,
}

impl Default for Keep {
    /// 40 days of seconds, machines for good, no budget, 1 GiB left for the book.
    fn default() -> Self {
        Self { meter_second_days: 40, machine_days: None, budget_bytes: None, free_bytes_min: 1 << 30 }
    }
}

/// How much room there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Room {
    /// Enough.
    #[default]
    Plenty,
    /// More than four fifths of the budget are taken, or less than four times the least is free on the disk.
    Scarce,
    /// The budget is used up, or the least is reached on the disk.
    Full,
}

/// What a lake takes up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Space {
    /// Bytes of tables and journal.
    pub bytes: u64,
    /// Bytes that are free on its disk.
    pub free_bytes: u64,
    /// What follows from it.
    pub room: Room,
}

/// A day of a table that was removed, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removed {
    /// The table.
    pub table: Table,
    /// The day in UTC.
    pub date: Date,
    /// For want of room; otherwise its time was over.
    pub for_room: bool,
}

/// What goes first for want of room: raw data, then what tells of commands and signals, then the minutes of meters.
const ORDER: [&[Table]; 3] =
    [&[Table::MeterSecond, Table::Machine], &[Table::Command, Table::Signal], &[Table::Meter]];

/// Measures a lake.
pub(crate) fn space(dir: &Path, keep: &Keep) -> Result<Space, LakeError> {
    let mut bytes = 0;
    for table in Table::ALL {
        bytes += layout::files(dir, table)?.iter().map(|file| file.bytes).sum::<u64>();
    }
    for (_, path) in layout::entries(&layout::journal(dir))? {
        bytes += path.metadata().map_or(0, |metadata| metadata.len());
    }
    let disk = rustix::fs::statvfs(dir).map_err(|errno| LakeError::file(dir, errno.into()))?;
    let free_bytes = disk.f_bavail.saturating_mul(disk.f_frsize);
    let over = |share: u64| {
        keep.budget_bytes.is_some_and(|budget| bytes >= budget / 100 * share)
            || free_bytes <= keep.free_bytes_min.saturating_mul(if share < 100 { 4 } else { 1 })
    };
    let room = if over(100) {
        Room::Full
    } else if over(80) {
        Room::Scarce
    } else {
        Room::Plenty
    };
    Ok(Space { bytes, free_bytes, room })
}

/// Removes days until there is room, oldest raw data first; never the newest day of a table. Leaves a twentieth
/// of the budget free, so that this is not done for every file. `at_least` days go even if there is room by our
/// count: the disk has said otherwise.
pub(crate) fn make_room(dir: &Path, keep: &Keep, at_least: usize) -> Result<Vec<Removed>, LakeError> {
    if merge::remove_replaced(dir)? && at_least > 0 {
        // That may be enough: whoever asks tries again.
        return Ok(Vec::new());
    }
    let goal = Keep { budget_bytes: keep.budget_bytes.map(|budget| budget / 100 * 95), ..keep.clone() };
    let mut removed = Vec::new();
    let is_full = |removed: &[Removed]| -> Result<bool, LakeError> {
        let measure = if removed.is_empty() { keep } else { &goal };
        Ok(removed.len() < at_least || space(dir, measure)?.room == Room::Full)
    };
    for tables in ORDER {
        while is_full(&removed)? {
            let mut oldest: Option<(Date, Table)> = None;
            for table in tables.iter().copied() {
                let days = layout::days(dir, table)?;
                if let [(date, _), _, ..] = days[..]
                    && oldest.is_none_or(|(before, _)| date < before)
                {
                    oldest = Some((date, table));
                }
            }
            let Some((date, table)) = oldest else { break };
            remove_day(dir, table, date)?;
            removed.push(Removed { table, date, for_room: true });
        }
    }
    Ok(removed)
}

/// Removes days whose time is over: one a table at most, so that a clock that jumps ahead costs one day.
pub(crate) fn expire(dir: &Path, keep: &Keep, now: Timestamp) -> Result<Vec<Removed>, LakeError> {
    let today = TimeZone::UTC.to_datetime(now).date();
    let limits = [(Table::MeterSecond, Some(keep.meter_second_days)), (Table::Machine, keep.machine_days)];
    let mut removed = Vec::new();
    for (table, days) in limits {
        let Some(first_kept) = days.and_then(|days| today.checked_sub(i64::from(days).days()).ok()) else {
            continue;
        };
        if let [(date, _), _, ..] = layout::days(dir, table)?[..]
            && date < first_kept
        {
            remove_day(dir, table, date)?;
            removed.push(Removed { table, date, for_room: false });
        }
    }
    Ok(removed)
}

/// Takes a day away at once, then frees its room.
fn remove_day(dir: &Path, table: Table, date: Date) -> Result<(), LakeError> {
    let day = dir.join(table.name()).join(layout::day_folder(date));
    let gone = layout::staging(dir).join(format!("gone-{table}-{date}"));
    let failed = |source| LakeError::file(&day, source);
    if gone.exists() {
        std::fs::remove_dir_all(&gone).map_err(failed)?;
    }
    std::fs::rename(&day, &gone).map_err(failed)?;
    layout::sync_folder(&dir.join(table.name()))?;
    std::fs::remove_dir_all(&gone).map_err(failed)
}

/// Merges what there is to merge, one day of each table at most. Says how many files went into others.
pub(crate) fn merge_some(dir: &Path, now: Timestamp) -> Result<usize, LakeError> {
    // A day is over an hour after its end: late rows come in that hour, if they do.
    let running = TimeZone::UTC.to_datetime(now - SignedDuration::from_hours(1)).date();
    let mut merged = 0;
    for table in Table::ALL {
        for (date, _) in layout::days(dir, table)? {
            let files: Vec<LakeFile> = layout::day_files(dir, table, date)?;
            if let Some(range) = merge::choose(&files, date < running) {
                merged += range.len();
                merge::merge(dir, &files, range)?;
                break;
            }
        }
    }
    Ok(merged)
}
