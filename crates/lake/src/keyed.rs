//! The keys of rows that are in blocks or files already.

use crate::block::Block;
use crate::error::LakeError;
use crate::files::Blocks;
use crate::layout::LakeFile;
use crate::names::Names;
use crate::record::Key;
use crate::table::Table;

/// A row's key, as its row would give it; `None` where a name is missing, which no row of ours lacks.
fn key_of<'a>(block: &Block, names: &'a Names, row: usize) -> Option<Key<'a>> {
    let name = |column: usize| names.get(block.name(column, row));
    let long = |column: usize| block.columns[column].long(row);
    let site = name(0)?;
    Some(match block.table {
        Table::Meter | Table::MeterSecond => Key::Interval {
            site,
            of: name(1)?,
            length_s: u32::try_from(long(4)?).ok()?,
            start_s: long(3)?.div_euclid(1_000),
        },
        Table::Machine => Key::Interval {
            site,
            of: name(1)?,
            length_s: u32::try_from(long(7)?).ok()?,
            start_s: long(6)?.div_euclid(1_000),
        },
        Table::Command => {
            Key::Event { site, of: name(6)?, by: name(2)?, number: long(1)?.cast_unsigned(), at_ms: long(5)? }
        }
        Table::Signal => Key::Event { site, of: name(2)?, by: name(1)?, number: 0, at_ms: long(3)? },
    })
}

/// Names every key of a block.
pub(crate) fn each_key(block: &Block, names: &Names, note: &mut dyn FnMut(&Key<'_>)) {
    let rows = block.columns[block.table.time()].len();
    (0..rows).filter_map(|row| key_of(block, names, row)).for_each(|key| note(&key));
}

/// Names every key of a file, of which only the key's columns are read.
pub(crate) fn each_key_of_file(file: &LakeFile, note: &mut dyn FnMut(&Key<'_>)) -> Result<(), LakeError> {
    let mut blocks = Blocks::open(&file.path, file.table, Some(file.table.key_columns()))?;
    let mut names = Names::default();
    while let Some(block) = blocks.take(&mut names)? {
        each_key(&block, &names, note);
    }
    Ok(())
}
