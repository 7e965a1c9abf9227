//! Answers as a table on the screen, CSV, JSON or Parquet.

use std::io::Write;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::csv::WriterBuilder;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::json::ArrayWriter;
use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::file::properties::WriterProperties;

use crate::error::QueryError;

/// Rows of a table on a screen at most.
const SCREEN_ROWS: usize = 10_000;

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Lines and columns for people.
    Table,
    /// Comma-separated values with a header (RFC 4180).
    Csv,
    /// An array of objects; what is `NULL` is absent.
    Json,
    /// A Parquet file, zstd.
    Parquet,
}

/// Takes an answer batch by batch.
pub(crate) enum Export<W: Write + Send> {
    Table(W, SchemaRef, Vec<RecordBatch>, usize),
    Csv(Box<datafusion::arrow::csv::Writer<W>>),
    Json(ArrayWriter<W>),
    Parquet(Box<ArrowWriter<W>>),
}

impl<W: Write + Send> Export<W> {
    pub(crate) fn begin(format: Format, schema: SchemaRef, out: W) -> Result<Self, QueryError> {
        Ok(match format {
            Format::Table => Self::Table(out, schema, Vec::new(), 0),
            Format::Csv => {
                let mut writer = WriterBuilder::new().with_header(true).build(out);
                // The header stands even over no rows.
                writer.write(&RecordBatch::new_empty(schema))?;
                Self::Csv(Box::new(writer))
            }
            Format::Json => Self::Json(ArrayWriter::new(out)),
            Format::Parquet => {
                let zstd = Compression::ZSTD(ZstdLevel::default());
                let properties = WriterProperties::builder().set_compression(zstd).build();
                Self::Parquet(Box::new(ArrowWriter::try_new(out, schema, Some(properties))?))
            }
        })
    }

    pub(crate) fn take(&mut self, batch: RecordBatch) -> Result<(), QueryError> {
        match self {
            Self::Table(_, _, batches, rows) => {
                *rows += batch.num_rows();
                if *rows > SCREEN_ROWS {
                    return Err(QueryError::Rows(SCREEN_ROWS));
                }
                batches.push(batch);
            }
            Self::Csv(writer) => writer.write(&batch)?,
            Self::Json(writer) => writer.write(&batch)?,
            Self::Parquet(writer) => writer.write(&batch)?,
        }
        Ok(())
    }

    pub(crate) fn finish(self) -> Result<(), QueryError> {
        match self {
            Self::Table(mut out, schema, mut batches, _) => {
                if batches.is_empty() {
                    batches.push(RecordBatch::new_empty(schema));
                }
                writeln!(out, "{}", pretty_format_batches(&batches)?)?;
                out.flush()?;
            }
            Self::Csv(writer) => writer.into_inner().flush()?,
            Self::Json(mut writer) => {
                writer.finish()?;
                let mut out = writer.into_inner();
                writeln!(out)?;
                out.flush()?;
            }
            Self::Parquet(writer) => writer.into_inner()?.flush()?,
        }
        Ok(())
    }
}
