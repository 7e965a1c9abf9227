//! From a closed segment of the journal to files of tables.

use std::path::Path;

use crate::arrays::Batches;
use crate::block::{Block, DAY_MS};
use crate::error::LakeError;
use crate::files::{self, Writer};
use crate::layout;
use crate::names::Names;

/// A closed segment: all its rows.
#[derive(Debug)]
pub(crate) struct Sealed {
    pub(crate) number: u64,
    pub(crate) names: Names,
    /// One a table.
    pub(crate) blocks: Vec<Block>,
}

impl Sealed {
    /// Joins blocks of the same table.
    pub(crate) fn of(number: u64, names: Names, blocks: Vec<Block>) -> Self {
        let mut joined: Vec<Block> = Vec::new();
        for block in blocks {
            match joined.iter_mut().find(|before| before.table == block.table) {
                Some(before) => {
                    let all: Vec<u32> = (0..block.len() as u32).collect();
                    before.gather(&block, &all);
                }
                None => joined.push(block),
            }
        }
        Self { number, names, blocks: joined }
    }

    /// Writes every day of every table that does not have this segment's rows yet, then removes the segment.
    /// Can be called again after a failure, and after a crash at any point.
    pub(crate) fn publish(&self, dir: &Path) -> Result<(), LakeError> {
        let ranks = self.names.ranks();
        for block in &self.blocks {
            let order = block.order(&ranks);
            let batches = Batches::new(block.table, &self.names);
            let day = |row: &u32| block.time_ms(*row as usize).div_euclid(DAY_MS);
            for rows in order.chunk_by(|a, b| day(a) == day(b)) {
                self.publish_day(dir, block, &batches, rows)?;
            }
        }
        let path = layout::segment(dir, self.number);
        match std::fs::remove_file(&path) {
            Ok(()) => layout::sync_folder(&layout::journal(dir)),
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(LakeError::file(&path, source)),
        }
    }

    fn publish_day(
        &self,
        dir: &Path,
        block: &Block,
        batches: &Batches,
        rows: &[u32],
    ) -> Result<(), LakeError> {
        let Some(first) = rows.first() else { return Ok(()) };
        let table = block.table;
        let date = layout::date_of(block.time_ms(*first as usize).div_euclid(DAY_MS));
        let there = layout::day_files(dir, table, date)?;
        if there.iter().any(|file| (file.first..=file.last).contains(&self.number)) {
            return Ok(());
        }
        let path = layout::staging(dir).join(format!("{table}-{date}-{:09}", self.number));
        let mut writer = Writer::begin(path, table, false)?;
        writer.write(batches, block, rows)?;
        let made = writer.finish()?;
        files::put(&made, dir, table, date, &layout::file_name(self.number, self.number))
    }
}
