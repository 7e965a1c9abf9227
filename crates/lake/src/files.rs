//! Writing and reading one Parquet file of a table.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::statistics::Statistics;

use crate::arrays::{self, Batches};
use crate::block::Block;
use crate::error::LakeError;
use crate::layout;
use crate::names::Names;
use crate::table::Table;

/// Rows of a batch that is handed to the library.
const BATCH_ROWS: usize = 65_536;

/// A file that is being written, under a name that no reader looks for.
pub(crate) struct Writer {
    path: PathBuf,
    /// `None` once the file is finished.
    writer: Option<ArrowWriter<File>>,
}

impl Drop for Writer {
    /// Half a file is in the way of whoever needs the room.
    fn drop(&mut self) {
        if self.writer.take().is_some() {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl Writer {
    pub(crate) fn begin(path: PathBuf, table: Table, merged: bool) -> Result<Self, LakeError> {
        let file = File::create(&path).map_err(|source| LakeError::file(&path, source))?;
        let options = ArrowWriterOptions::new()
            .with_properties(arrays::properties(table, merged))
            // Every reader is to see plain texts, not our way of handing them over.
            .with_skip_arrow_metadata(true);
        let writer = ArrowWriter::try_new_with_options(file, arrays::inner_schema(table), options)
            .map_err(|source| LakeError::parquet(&path, source))?;
        Ok(Self { path, writer: Some(writer) })
    }

    /// Adds rows of a block in a given order.
    pub(crate) fn write(&mut self, batches: &Batches, block: &Block, order: &[u32]) -> Result<(), LakeError> {
        let Self { path, writer: Some(writer) } = self else { return Ok(()) };
        for part in order.chunks(BATCH_ROWS) {
            let batch = batches.batch(block, part).map_err(Into::into).and_then(|batch| writer.write(&batch));
            batch.map_err(|source| LakeError::parquet(path, source))?;
        }
        Ok(())
    }

    /// Ends the file and brings it to the disk.
    pub(crate) fn finish(mut self) -> Result<PathBuf, LakeError> {
        let written = match &mut self.writer {
            Some(writer) => writer.finish().map(drop),
            None => Ok(()),
        };
        written.map_err(|source| LakeError::parquet(&self.path, source))?;
        if let Some(writer) = &self.writer {
            writer.inner().sync_all().map_err(|source| LakeError::file(&self.path, source))?;
        }
        self.writer = None;
        Ok(self.path.clone())
    }
}

/// The row groups of a file that, as their statistics tell, may have something in a span of milliseconds, and of a
/// machine where one is named.
pub(crate) fn row_groups(
    path: &Path,
    table: Table,
    wanted: &core::ops::Range<i64>,
    machine: Option<&str>,
) -> Result<Vec<usize>, LakeError> {
    let file = File::open(path).map_err(|source| LakeError::file(path, source))?;
    let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::default());
    let metadata = metadata.map_err(|source| LakeError::parquet(path, source))?;
    let groups = metadata.metadata().row_groups().iter().enumerate();
    let may_have = |group: &RowGroupMetaData| {
        let time = group.columns().iter().find(|column| column.column_descr().name() == table.time_column());
        let times = time.and_then(|column| match column.statistics()? {
            Statistics::Int64(times) => Some((*times.min_opt()?, *times.max_opt()?)),
            _ => None,
        });
        times.is_none_or(|(least, greatest)| least < wanted.end && wanted.start <= greatest)
    };
    // Statistics may be cut short, the greatest then being greater than any: what they leave out is not there.
    let may_have_machine = |group: &RowGroupMetaData| {
        let Some(machine) = machine.map(str::as_bytes) else { return true };
        let names = group.columns().iter().find(|column| column.column_descr().name() == "machine");
        let names = names.and_then(|column| match column.statistics()? {
            Statistics::ByteArray(names) => Some((names.min_opt()?.data(), names.max_opt()?.data())),
            _ => None,
        });
        names.is_none_or(|(least, greatest)| least <= machine && machine <= greatest)
    };
    Ok(groups
        .filter(|(_, group)| may_have(group) && may_have_machine(group))
        .map(|(place, _)| place)
        .collect())
}

/// Reads a file, or one of its row groups, in batches, texts by number.
fn open(
    path: &Path,
    columns: Option<&[&str]>,
    group: Option<usize>,
) -> Result<ParquetRecordBatchReader, LakeError> {
    let failed = |source| LakeError::parquet(path, source);
    let file = File::open(path).map_err(|source| LakeError::file(path, source))?;
    let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::default()).map_err(failed)?;
    let by_number = |field: &Arc<Field>| match field.data_type() {
        DataType::Utf8 => {
            let of = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
            Arc::new(field.as_ref().clone().with_data_type(of))
        }
        _ => Arc::clone(field),
    };
    let schema = Arc::new(Schema::new(metadata.schema().fields().iter().map(by_number).collect::<Vec<_>>()));
    let options = ArrowReaderOptions::default().with_schema(schema);
    let metadata = ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options).map_err(failed)?;
    let mut builder =
        ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata).with_batch_size(8_192);
    if let Some(columns) = columns {
        let mask = parquet::arrow::ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
        builder = builder.with_projection(mask);
    }
    if let Some(group) = group {
        builder = builder.with_row_groups(vec![group]);
    }
    builder.build().map_err(failed)
}

/// Reads a file, part by part, into blocks of the same names.
pub(crate) struct Blocks<'a> {
    path: PathBuf,
    table: Table,
    columns: Option<&'a [&'static str]>,
    reader: ParquetRecordBatchReader,
}

impl<'a> Blocks<'a> {
    /// Of `columns` only, where they are given; the others are left empty.
    pub(crate) fn open(
        path: &Path,
        table: Table,
        columns: Option<&'a [&'static str]>,
    ) -> Result<Self, LakeError> {
        Ok(Self { path: path.to_owned(), table, columns, reader: open(path, columns, None)? })
    }

    /// The same of one row group.
    pub(crate) fn open_group(
        path: &Path,
        table: Table,
        columns: &'a [&'static str],
        group: usize,
    ) -> Result<Self, LakeError> {
        let reader = open(path, Some(columns), Some(group))?;
        Ok(Self { path: path.to_owned(), table, columns: Some(columns), reader })
    }

    /// The next rows, in the file's order; `None` at the end.
    pub(crate) fn take(&mut self, names: &mut Names) -> Result<Option<Block>, LakeError> {
        let Some(batch) = self.reader.next() else { return Ok(None) };
        let batch = batch.map_err(|source| LakeError::parquet(&self.path, source.into()))?;
        let mut block = Block::new(self.table);
        arrays::extend_block(&mut block, names, &batch, self.columns)
            .map_err(|what| LakeError::Foreign { path: self.path.clone(), what })?;
        Ok(Some(block))
    }
}

/// Gives a finished file its name among its day's, at once and for good.
pub(crate) fn put(
    from: &Path,
    dir: &Path,
    table: Table,
    date: jiff::civil::Date,
    name: &str,
) -> Result<(), LakeError> {
    let folder = dir.join(table.name()).join(layout::day_folder(date));
    layout::make_folder(&dir.join(table.name()))?;
    layout::make_folder(&folder)?;
    let to = folder.join(name);
    std::fs::rename(from, &to).map_err(|source| LakeError::file(&to, source))?;
    layout::sync_folder(&folder)
}
