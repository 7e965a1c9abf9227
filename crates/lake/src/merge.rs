//! Several files of a day into one, sorted.
//!
//! The day's folder is made anew beside the old one and the two change places at once, so that a reader sees
//! either the small files or the large one. Who is listing the old one at that moment lists it to its end: it is
//! removed with the next look, a minute later. Where the file system cannot do that, the large one comes first and
//! the small ones go after it; a reader of ours leaves out what another file spans.

use std::cmp::Ordering;
use std::fs;
use std::path::Path;

use jiff::civil::Date;

use crate::arrays::Batches;
use crate::block::Block;
use crate::error::LakeError;
use crate::files::{Blocks, Writer};
use crate::layout::{self, LakeFile};
use crate::names::{NO_NAME, Names};
use crate::table::Table;

/// Files that are merged at once at most: each is open and has some rows in memory.
const FILES_MAX: usize = 64;
/// Files of a running day that are left as they are.
const FILES_LEFT: usize = 12;
/// Rows that are handed on together.
const ROWS: usize = 131_072;

/// Which files of a day to merge; they follow one another. `over` tells that no more rows are expected.
pub(crate) fn choose(files: &[LakeFile], over: bool) -> Option<std::ops::Range<usize>> {
    if over {
        return (files.len() > 1).then(|| 0..files.len().min(FILES_MAX));
    }
    if files.len() < FILES_LEFT {
        return None;
    }
    // From the newest back, as long as the next older file is not much larger than those together: so that a
    // row is written about as many times as the day has orders of magnitude.
    let (mut start, mut bytes) = (files.len(), 0);
    while start > 0
        && files.len() - start < FILES_MAX
        && (files.len() - start < 8 || files[start - 1].bytes <= 2 * bytes)
    {
        start -= 1;
        bytes += files[start].bytes;
    }
    Some(start..files.len())
}

/// Merges some of a day's files and puts the result in their place. Says how many rows it has.
pub(crate) fn merge(dir: &Path, files: &[LakeFile], range: std::ops::Range<usize>) -> Result<u64, LakeError> {
    let chosen = &files[range.clone()];
    let (Some(first), Some(last)) = (chosen.first(), chosen.last()) else { return Ok(0) };
    let (table, date) = (first.table, first.date);
    let folder = layout::staging(dir).join(format!("{table}-{}", layout::day_folder(date)));
    remove_folder(&folder)?;
    layout::make_folder(&folder)?;
    let name = layout::file_name(first.first, last.last);
    let result = (|| {
        let rows = write_merged(chosen, table, &folder.join(&name))?;
        for (place, file) in files.iter().enumerate() {
            if !range.contains(&place) {
                let to = folder.join(layout::file_name(file.first, file.last));
                fs::hard_link(&file.path, &to)
                    .or_else(|_| fs::copy(&file.path, &to).and_then(|_| fs::File::open(&to)?.sync_all()))
                    .map_err(|source| LakeError::file(&to, source))?;
            }
        }
        layout::sync_folder(&folder)?;
        exchange(dir, table, date, &folder, &name, chosen)?;
        Ok(rows)
    })();
    match result {
        Ok(rows) => {
            let gone = layout::staging(dir).join(format!("{GONE}{table}-{date}-{}", last.last));
            remove_folder(&gone)?;
            fs::rename(&folder, &gone).map_err(|source| LakeError::file(&folder, source))?;
            Ok(rows)
        }
        Err(error) => {
            remove_folder(&folder)?;
            Err(error)
        }
    }
}

/// What the names of folders begin with that were replaced.
const GONE: &str = "replaced-";

/// Removes the folders that were replaced before. Says whether there were any.
pub(crate) fn remove_replaced(dir: &Path) -> Result<bool, LakeError> {
    let mut any = false;
    for (_, path) in layout::entries(&layout::staging(dir))?.iter().filter(|(name, _)| name.starts_with(GONE))
    {
        remove_folder(path)?;
        any = true;
    }
    Ok(any)
}

fn remove_folder(folder: &Path) -> Result<(), LakeError> {
    match fs::remove_dir_all(folder) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(LakeError::file(folder, source)),
        _ => Ok(()),
    }
}

fn exchange(
    dir: &Path,
    table: Table,
    date: Date,
    folder: &Path,
    name: &str,
    merged: &[LakeFile],
) -> Result<(), LakeError> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    let day = dir.join(table.name()).join(layout::day_folder(date));
    match renameat_with(CWD, folder, CWD, &day, RenameFlags::EXCHANGE) {
        Ok(()) => {
            layout::sync_folder(&dir.join(table.name()))?;
            layout::sync_folder(&layout::staging(dir))
        }
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::NOTSUP) => {
            let to = day.join(name);
            fs::rename(folder.join(name), &to).map_err(|source| LakeError::file(&to, source))?;
            layout::sync_folder(&day)?;
            for file in merged.iter().filter(|file| file.path != to) {
                fs::remove_file(&file.path).map_err(|source| LakeError::file(&file.path, source))?;
            }
            layout::sync_folder(&day)
        }
        Err(errno) => Err(LakeError::file(&day, errno.into())),
    }
}

/// A file that is being read from front to back.
struct Cursor {
    blocks: Blocks<'static>,
    block: Block,
    row: usize,
}

impl Cursor {
    /// Steps to a row that is there; `false` at the end of the file.
    fn settle(&mut self, names: &mut Names) -> Result<bool, LakeError> {
        while self.row >= self.block.len() {
            match self.blocks.take(names)? {
                Some(block) => (self.block, self.row) = (block, 0),
                None => return Ok(false),
            }
        }
        Ok(true)
    }
    fn compare(&self, row: usize, other: &Self, other_row: usize, names: &Names) -> Ordering {
        for column in self.block.table.sorted_by() {
            let (a, b) = (self.block.name(*column, row), other.block.name(*column, other_row));
            if a != b {
                // No name comes before every name.
                let text = |number| if number == NO_NAME { None } else { names.get(number) };
                return text(a).cmp(&text(b));
            }
        }
        self.block.time_ms(row).cmp(&other.block.time_ms(other_row))
    }
}

fn write_merged(files: &[LakeFile], table: Table, path: &Path) -> Result<u64, LakeError> {
    let mut names = Names::default();
    let mut cursors = Vec::with_capacity(files.len());
    for file in files {
        let mut cursor =
            Cursor { blocks: Blocks::open(&file.path, table, None)?, block: Block::new(table), row: 0 };
        if cursor.settle(&mut names)? {
            cursors.push(cursor);
        }
    }
    let mut writer = Writer::begin(path.to_owned(), table, true)?;
    let (mut out, mut rows) = (Block::new(table), 0_u64);
    while !cursors.is_empty() {
        let (least, next) = two_least(&cursors, &names);
        let cursor = &cursors[least];
        let until = match next {
            Some(next) => {
                let limit = &cursors[next];
                let goes = |row: &usize| {
                    let order = cursor.compare(*row, limit, limit.row, &names);
                    order == Ordering::Less || order == Ordering::Equal && least < next
                };
                (cursor.row + 1..cursor.block.len()).find(|row| !goes(row)).unwrap_or(cursor.block.len())
            }
            None => cursor.block.len(),
        };
        let taken: Vec<u32> = (cursor.row as u32..until as u32).collect();
        out.gather(&cursor.block, &taken);
        rows += taken.len() as u64;
        cursors[least].row = until;
        if !cursors[least].settle(&mut names)? {
            cursors.remove(least);
        }
        if out.len() >= ROWS || cursors.is_empty() {
            write_out(&mut writer, &names, &mut out)?;
        }
    }
    writer.finish()?;
    Ok(rows)
}

/// The cursor with the least row, and the one with the next. Equal rows go by the age of their files.
fn two_least(cursors: &[Cursor], names: &Names) -> (usize, Option<usize>) {
    let (mut least, mut next) = (0, None);
    for (place, cursor) in cursors.iter().enumerate().skip(1) {
        let before = |other: usize| {
            cursor.compare(cursor.row, &cursors[other], cursors[other].row, names) == Ordering::Less
        };
        if before(least) {
            next = Some(least);
            least = place;
        } else if next.is_none_or(before) {
            next = Some(place);
        }
    }
    (least, next)
}

fn write_out(writer: &mut Writer, names: &Names, out: &mut Block) -> Result<(), LakeError> {
    if out.len() > 0 {
        let order: Vec<u32> = (0..out.len() as u32).collect();
        writer.write(&Batches::new(out.table, names), out, &order)?;
        out.truncate(0);
    }
    Ok(())
}
