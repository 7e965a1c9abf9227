//! Where things are in a lake's folder.
//!
//! ```text
//! lake.lock                                  who writes
//! journal/000000012.jnl                      what is not in a table yet
//! staging/                                   what is being made; emptied when the lake is opened
//! machine/date=2022-10-03/000000001-000000011.parquet
//! ```
//! A file is named by the segments of the journal whose rows of that day it holds. A segment is published as a
//! whole and in order, so a file that spans a segment's number holds all that the segment has for that day.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use jiff::{Timestamp, tz::TimeZone};

use crate::block::DAY_MS;
use crate::error::LakeError;
use crate::table::Table;

/// A published file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LakeFile {
    /// Its table.
    pub table: Table,
    /// Its day in UTC.
    pub date: Date,
    /// The first segment of the journal in it,
    pub first: u64,
    /// and the last.
    pub last: u64,
    /// Its size in bytes.
    pub bytes: u64,
    /// Where it is.
    pub path: PathBuf,
}

impl LakeFile {
    /// Its place within a lake, `machine/date=2022-10-03/000000001.parquet`: the same in a folder and in a bucket.
    #[must_use]
    pub fn place(&self) -> String {
        format!("{}/{}/{}", self.table, day_folder(self.date), file_name(self.first, self.last))
    }

    /// Reads a place within a lake; `None` if no file of a lake stands there.
    #[must_use]
    pub fn parse(place: &str, bytes: u64) -> Option<Self> {
        let (table, rest) = place.split_once('/')?;
        let (folder, name) = rest.split_once('/')?;
        let date: Date = folder.strip_prefix("date=")?.parse().ok()?;
        let (first, last) = segments(name)?;
        Some(Self { table: Table::of_name(table)?, date, first, last, bytes, path: PathBuf::from(place) })
    }

    /// Its day, counted from 1970.
    #[must_use]
    pub fn day(&self) -> i64 {
        day_of(self.date)
    }
}

pub(crate) fn journal(dir: &Path) -> PathBuf {
    dir.join("journal")
}

pub(crate) fn staging(dir: &Path) -> PathBuf {
    dir.join("staging")
}

pub(crate) fn segment(dir: &Path, number: u64) -> PathBuf {
    journal(dir).join(format!("{number:09}.jnl"))
}

/// The name of a day's folder.
pub(crate) fn day_folder(date: Date) -> String {
    format!("date={date}")
}

pub(crate) fn file_name(first: u64, last: u64) -> String {
    if first == last { format!("{first:09}.parquet") } else { format!("{first:09}-{last:09}.parquet") }
}

/// The segments that a file's name tells.
pub(crate) fn segments(name: &str) -> Option<(u64, u64)> {
    let stem = name.strip_suffix(".parquet")?;
    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    match stem.split_once('-') {
        None => number(stem).map(|only| (only, only)),
        Some((first, last)) => number(first).zip(number(last)).filter(|(first, last)| first <= last),
    }
}

/// A day's date; days count from 1970.
pub(crate) fn date_of(day: i64) -> Date {
    let at = Timestamp::from_millisecond(day * DAY_MS).unwrap_or(Timestamp::UNIX_EPOCH);
    TimeZone::UTC.to_datetime(at).date()
}

/// The day of a date.
pub(crate) fn day_of(date: Date) -> i64 {
    let start = TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0));
    start.map_or(0, |at| at.as_millisecond().div_euclid(DAY_MS))
}

/// The entries of a folder by name, in order; none if it is not there.
pub(crate) fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>, LakeError> {
    let failed = |source| LakeError::file(folder, source);
    let mut found = Vec::new();
    match fs::read_dir(folder) {
        Ok(all) => {
            for entry in all {
                let entry = entry.map_err(failed)?;
                if let Ok(name) = entry.file_name().into_string() {
                    found.push((name, entry.path()));
                }
            }
        }
        Err(source) if source.kind() == std::io::ErrorKind::NotFound => {}
        Err(source) => return Err(failed(source)),
    }
    found.sort();
    Ok(found)
}

/// The days that a table has a folder for, oldest first.
pub(crate) fn days(dir: &Path, table: Table) -> Result<Vec<(Date, PathBuf)>, LakeError> {
    let named = |(name, path): (String, PathBuf)| {
        name.strip_prefix("date=").and_then(|date| date.parse().ok()).map(|date: Date| (date, path))
    };
    Ok(entries(&dir.join(table.name()))?.into_iter().filter_map(named).collect())
}

/// A day's files in the order of their segments; one that another spans whole is left out.
pub(crate) fn day_files(dir: &Path, table: Table, date: Date) -> Result<Vec<LakeFile>, LakeError> {
    let folder = dir.join(table.name()).join(day_folder(date));
    let mut found: Vec<LakeFile> = Vec::new();
    for (name, path) in entries(&folder)? {
        let Some((first, last)) = segments(&name) else { continue };
        let bytes = match fs::metadata(&path) {
            Ok(metadata) => metadata.len(),
            // Merged into another since the folder was read.
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => continue,
            Err(source) => return Err(LakeError::file(&path, source)),
        };
        found.push(LakeFile { table, date, first, last, bytes, path });
    }
    Ok(without_spanned(found))
}

/// Files in the order of their segments, without those that another file of the same table and day spans.
#[must_use]
pub fn without_spanned(mut files: Vec<LakeFile>) -> Vec<LakeFile> {
    files.sort_by_key(|file| (file.table, file.date, file.first, std::cmp::Reverse(file.last)));
    let mut kept: Vec<LakeFile> = Vec::with_capacity(files.len());
    for file in files {
        let spanned = kept.last().is_some_and(|before| {
            (before.table, before.date) == (file.table, file.date) && file.last <= before.last
        });
        if !spanned {
            kept.push(file);
        }
    }
    kept
}

/// Every published file of a table, by day and segment.
///
/// # Errors
/// If a folder cannot be read.
pub fn files(dir: &Path, table: Table) -> Result<Vec<LakeFile>, LakeError> {
    let mut found = Vec::new();
    for (date, _) in days(dir, table)? {
        found.append(&mut day_files(dir, table, date)?);
    }
    Ok(found)
}

/// Makes a change of names in a folder last.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), LakeError> {
    fs::File::open(folder).and_then(|file| file.sync_all()).map_err(|source| LakeError::file(folder, source))
}

/// Makes a folder, and makes it last.
pub(crate) fn make_folder(folder: &Path) -> Result<(), LakeError> {
    if folder.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(folder).map_err(|source| LakeError::file(folder, source))?;
    folder.parent().map_or(Ok(()), sync_folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_read_as_they_are_written() {
        for (first, last) in [(1, 1), (1, 12), (999_999_999, 12_345_678_901)] {
            assert_eq!(segments(&file_name(first, last)), Some((first, last)));
        }
        for bad in
            ["", "x.parquet", "1.parquet.tmp", "2-1.parquet", "+1.parquet", "1-2-3.parquet", ".parquet"]
        {
            assert_eq!(segments(bad), None, "{bad}");
        }
        let place = "machine/date=2022-10-03/000000001-000000012.parquet";
        let file = LakeFile::parse(place, 9).unwrap();
        assert_eq!(
            (file.table, file.first, file.last, file.place().as_str()),
            (Table::Machine, 1, 12, place)
        );
        assert_eq!(LakeFile::parse("machine/000000001.parquet", 9), None);
        let date = jiff::civil::date(2022, 10, 3);
        assert_eq!(date_of(day_of(date)), date);
    }

    #[test]
    fn a_file_that_another_spans_is_not_counted_twice() {
        let file = |first, last| LakeFile {
            table: Table::Machine,
            date: jiff::civil::date(2022, 10, 3),
            first,
            last,
            bytes: 1,
            path: PathBuf::new(),
        };
        let kept = without_spanned(vec![file(3, 3), file(1, 1), file(1, 4), file(5, 5), file(4, 4)]);
        assert_eq!(kept.iter().map(|file| (file.first, file.last)).collect::<Vec<_>>(), [(1, 4), (5, 5)]);
    }
}
