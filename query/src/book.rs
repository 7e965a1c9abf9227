//! The book's tables for the engine: read from SQLite, without a lock that its writer would feel.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::array::{
    ArrayRef, BinaryBuilder, Float64Builder, Int64Builder, RecordBatch, StringBuilder,
};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};

use crate::error::QueryError;

/// Rows of a batch.
const BATCH: usize = 8_192;
/// Rows of a table that are read at most; beyond them a query fails rather than answer by a part.
const ROWS_MAX: usize = 5_000_000;

/// What opens doors is nobody's to read: tables and columns that a query never sees.
const WITHHELD_TABLES: [&str; 3] = ["session", "setup_link", "once"];
const WITHHELD_COLUMNS: [(&str, &str); 2] = [("person", "password_hash"), ("api_token", "hash")];

/// A table of a book.
#[derive(Debug)]
pub(crate) struct BookTable {
    path: PathBuf,
    name: String,
    schema: SchemaRef,
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
}

/// A name as it may stand in a statement.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Every table of a book, by name.
pub(crate) fn tables(path: &Path) -> Result<Vec<(String, BookTable)>, QueryError> {
    let read = || -> rusqlite::Result<Vec<(String, BookTable)>> {
        let book = connect(path)?;
        let mut names = book.prepare(
            "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
             ORDER BY name",
        )?;
        let names: Vec<String> = names.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let mut tables = Vec::with_capacity(names.len());
        for name in names.into_iter().filter(|name| !WITHHELD_TABLES.contains(&name.as_str())) {
            let schema = Arc::new(schema_of(&book, &name)?);
            tables.push((name.clone(), BookTable { path: path.to_owned(), name, schema }));
        }
        Ok(tables)
    };
    read().map_err(|source| QueryError::Book { path: path.to_owned(), source })
}

fn schema_of(book: &Connection, name: &str) -> rusqlite::Result<Schema> {
    let mut columns = book.prepare(&format!("PRAGMA table_info({})", quoted(name)))?;
    let told =
        |row: &rusqlite::Row<'_>| -> rusqlite::Result<(String, String)> { Ok((row.get(1)?, row.get(2)?)) };
    let is_told = |column: &(String, String)| !WITHHELD_COLUMNS.contains(&(name, column.0.as_str()));
    let columns: Vec<_> = columns.query_map([], told)?.collect::<Result<_, _>>()?;
    let fields = columns.into_iter().filter(is_told).map(|(name, declared)| {
        let of = match declared.to_ascii_uppercase().as_str() {
            "INTEGER" | "INT" => DataType::Int64,
            "REAL" => DataType::Float64,
            "BLOB" => DataType::Binary,
            _ => DataType::Utf8,
        };
        Field::new(name, of, true)
    });
    Ok(Schema::new(fields.collect::<Vec<_>>()))
}

/// A column that is being filled.
enum Column {
    Integers(Int64Builder),
    Reals(Float64Builder),
    Bytes(BinaryBuilder),
    Texts(StringBuilder),
}

impl Column {
    fn of(field: &Field) -> Self {
        match field.data_type() {
            DataType::Int64 => Self::Integers(Int64Builder::new()),
            DataType::Float64 => Self::Reals(Float64Builder::new()),
            DataType::Binary => Self::Bytes(BinaryBuilder::new()),
            _ => Self::Texts(StringBuilder::new()),
        }
    }
    /// Says whether the column can hold it.
    fn push(&mut self, value: ValueRef<'_>) -> bool {
        match (self, value) {
            (Self::Integers(column), ValueRef::Integer(value)) => column.append_value(value),
            (Self::Integers(column), ValueRef::Null) => column.append_null(),
            (Self::Reals(column), ValueRef::Real(value)) => column.append_value(value),
            (Self::Reals(column), ValueRef::Null) => column.append_null(),
            (Self::Bytes(column), ValueRef::Blob(value)) => column.append_value(value),
            (Self::Bytes(column), ValueRef::Null) => column.append_null(),
            (Self::Texts(column), ValueRef::Null) => column.append_null(),
            (Self::Texts(column), ValueRef::Integer(value)) => column.append_value(value.to_string()),
            (Self::Texts(column), ValueRef::Real(value)) => column.append_value(value.to_string()),
            (Self::Texts(column), ValueRef::Text(text)) => match std::str::from_utf8(text) {
                Ok(text) => column.append_value(text),
                Err(_) => return false,
            },
            _ => return false,
        }
        true
    }
    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Integers(column) => Arc::new(column.finish()),
            Self::Reals(column) => Arc::new(column.finish()),
            Self::Bytes(column) => Arc::new(column.finish()),
            Self::Texts(column) => Arc::new(column.finish()),
        }
    }
}

impl BookTable {
    /// Reads some columns of the table, as they are at one moment.
    fn read(&self, schema: &SchemaRef, limit: Option<usize>) -> Result<Vec<RecordBatch>> {
        let failed = |source: rusqlite::Error| DataFusionError::External(Box::new(source));
        let book = connect(&self.path).map_err(failed)?;
        let columns: Vec<String> = schema.fields().iter().map(|field| quoted(field.name())).collect();
        // Of no column the rows still count.
        let chosen = if columns.is_empty() { "1".to_owned() } else { columns.join(", ") };
        let most = limit.unwrap_or(usize::MAX).min(ROWS_MAX + 1);
        let statement = format!("SELECT {chosen} FROM {} LIMIT {most}", quoted(&self.name));
        let mut query = book.prepare(&statement).map_err(failed)?;
        let mut rows = query.query([]).map_err(failed)?;
        let mut filling: Vec<Column> = schema.fields().iter().map(|field| Column::of(field)).collect();
        let (mut batches, mut count, mut total) = (Vec::new(), 0, 0);
        while let Some(row) = rows.next().map_err(failed)? {
            for (place, column) in filling.iter_mut().enumerate() {
                if !column.push(row.get_ref(place).map_err(failed)?) {
                    let column = schema.field(place).name();
                    let what =
                        format!("book.{}: `{column}` holds what its column is not declared for", self.name);
                    return Err(DataFusionError::Execution(what));
                }
            }
            (count, total) = (count + 1, total + 1);
            if total > ROWS_MAX {
                let what = format!("book.{} has more than {ROWS_MAX} rows", self.name);
                return Err(DataFusionError::ResourcesExhausted(what));
            }
            if count == BATCH {
                batches.push(batch(schema, &mut filling, std::mem::take(&mut count))?);
            }
        }
        batches.push(batch(schema, &mut filling, count)?);
        Ok(batches)
    }
}

fn batch(schema: &SchemaRef, filling: &mut [Column], rows: usize) -> Result<RecordBatch> {
    use datafusion::arrow::array::RecordBatchOptions;
    let arrays = filling.iter_mut().map(Column::finish).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), arrays, &options)?)
}

#[async_trait]
impl TableProvider for BookTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
    fn table_type(&self) -> TableType {
        TableType::View
    }
    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = match projection {
            Some(chosen) => Arc::new(self.schema.project(chosen)?),
            None => Arc::clone(&self.schema),
        };
        let batches = self.read(&schema, limit)?;
        Ok(MemorySourceConfig::try_new_exec(&[batches], schema, None)?)
    }
}
