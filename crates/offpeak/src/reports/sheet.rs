//! A table of names and whole numbers, handed on as JSON or Parquet.

use std::fs::OpenOptions;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use arrow::array::{ArrayRef, Int64Array, StringArray};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use serde_json::{Map, Value};

/// A column.
#[derive(Clone, Debug)]
pub(crate) enum Column {
    /// Names.
    Names(&'static str, Vec<String>),
    /// Numbers; `None` is not known.
    Numbers(&'static str, Vec<Option<i64>>),
}

impl Column {
    const fn name(&self) -> &'static str {
        match self {
            Self::Names(name, _) | Self::Numbers(name, _) => name,
        }
    }
    fn len(&self) -> usize {
        match self {
            Self::Names(_, values) => values.len(),
            Self::Numbers(_, values) => values.len(),
        }
    }
}

/// Columns of one length.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sheet {
    pub(crate) columns: Vec<Column>,
}

impl Sheet {
    /// The columns' names.
    pub(crate) fn names(&self) -> Vec<String> {
        self.columns.iter().map(|column| column.name().to_owned()).collect()
    }
    /// Without a column.
    pub(crate) fn drop(&mut self, name: &str) {
        self.columns.retain(|column| column.name() != name);
    }
    fn rows(&self) -> usize {
        self.columns.first().map_or(0, Column::len)
    }

    /// One object a row.
    pub(crate) fn json(&self) -> Vec<Map<String, Value>> {
        let row = |row: usize| {
            let cells = self.columns.iter().map(|column| {
                let value = match column {
                    Column::Names(_, values) => Value::from(values[row].as_str()),
                    Column::Numbers(_, values) => Value::from(values[row]),
                };
                (column.name().to_owned(), value)
            });
            cells.collect::<Map<_, _>>()
        };
        (0..self.rows()).map(row).collect()
    }

    /// Into a new file.
    pub(crate) fn parquet(&self, path: &Path) -> Result<()> {
        let arrays = self.columns.iter().map(|column| match column {
            Column::Names(name, values) => (*name, Arc::new(StringArray::from(values.clone())) as ArrayRef),
            Column::Numbers(name, values) => (*name, Arc::new(Int64Array::from(values.clone())) as ArrayRef),
        });
        let what = || format!("{} could not be written", path.display());
        let batch = RecordBatch::try_from_iter(arrays).with_context(what)?;
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(path)
            .with_context(|| format!("{} cannot be made", path.display()))?;
        let mut writer = ArrowWriter::try_new(file, batch.schema(), None).with_context(what)?;
        writer.write(&batch).with_context(what)?;
        writer.into_inner().and_then(|file| Ok(file.sync_all()?)).with_context(what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet() -> Sheet {
        Sheet {
            columns: vec![
                Column::Names("hall", vec!["a,\"b\"".into(), "c".into()]),
                Column::Numbers("energy_wh", vec![Some(-7), None]),
            ],
        }
    }

    #[test]
    fn json_keeps_what_is_not_known_apart_from_zero() {
        assert_eq!(
            Value::Object(sheet().json()[1].clone()),
            serde_json::json!({"hall": "c", "energy_wh": null})
        );
    }

    #[test]
    fn parquet_is_read_back_and_never_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.parquet");
        sheet().parquet(&path).unwrap();
        assert!(sheet().parquet(&path).is_err());
        let file = std::fs::File::open(&path).unwrap();
        let mut batches = parquet::arrow::arrow_reader::ParquetRecordBatchReader::try_new(file, 10).unwrap();
        let batch = batches.next().unwrap().unwrap();
        assert_eq!((batch.num_rows(), batch.column(1).null_count()), (2, 1));
    }
}
