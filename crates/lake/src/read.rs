//! Rows read back, in the order of the files: a day at a time, each sorted by its table's key.
//!
//! This is for who wants rows; `runs` adds up much of the lake.

use std::path::Path;

use jiff::Timestamp;

use crate::block::{DAY_MS, Taker};
use crate::error::LakeError;
use crate::files::Blocks;
use crate::layout;
use crate::names::Names;
use crate::record::Record;
use crate::table::Table;

/// Hands over every published row of a table whose time is from `from` until before `until`. The lake may be
/// written meanwhile; rows that are still in its journal are not seen.
///
/// # Errors
/// If a file cannot be read, is not of the lake, or the table does not hold rows of this kind.
pub fn read<R: Record>(
    dir: &Path,
    table: Table,
    from: Timestamp,
    until: Timestamp,
    mut each: impl FnMut(R),
) -> Result<(), LakeError> {
    if !R::stands_in(table) {
        let what = format!("table {table} holds rows of another kind");
        return Err(LakeError::Foreign { path: dir.to_owned(), what });
    }
    let (from, until) = (from.as_millisecond(), until.as_millisecond());
    for (date, _) in layout::days(dir, table)? {
        let begins = layout::day_of(date) * DAY_MS;
        if begins >= until || begins + DAY_MS <= from {
            continue;
        }
        for file in layout::day_files(dir, table, date)? {
            let mut blocks = Blocks::open(&file.path, table, None)?;
            let mut names = Names::default();
            while let Some(block) = blocks.take(&mut names)? {
                for row in (0..block.len()).filter(|row| (from..until).contains(&block.time_ms(*row))) {
                    let taken = R::take(&mut Taker::new(&block, &names, row));
                    each(taken.ok_or_else(|| LakeError::Foreign {
                        path: file.path.clone(),
                        what: format!("row {row} of a batch lacks what every row has"),
                    })?);
                }
            }
        }
    }
    Ok(())
}
