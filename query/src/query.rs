//! Opening lake and book for questions, and asking.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use datafusion::catalog::{CatalogProvider, MemoryCatalogProvider, MemorySchemaProvider, SchemaProvider};
use datafusion::error::DataFusionError;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::logical_expr::ScalarUDF;
use datafusion::prelude::{SQLOptions, SessionConfig, SessionContext};
use futures_util::StreamExt as _;
use object_store::ObjectStore;
use offpeak_lake::Table;
use url::Url;

use crate::book;
use crate::date_trunc::DateTrunc;
use crate::error::QueryError;
use crate::export::{Export, Format};
use crate::lake_table::{LakeTable, STORE};

/// What one query may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of memory for what it has to hold; beyond them sorts and groups go to the disk, or it fails.
    pub memory_bytes: usize,
    /// Threads.
    pub threads: usize,
    /// Rows of an answer; the rest is left out.
    pub rows: Option<usize>,
}

impl Default for Limits {
    /// 1 GiB, all cores, every row.
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self { memory_bytes: 1 << 30, threads, rows: None }
    }
}

/// A column as `--tables` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnInfo {
    /// Its name; it carries the unit.
    pub name: String,
    /// Its type in SQL's terms.
    pub of: String,
    /// Whether it can be `NULL`.
    pub nullable: bool,
}

/// A table as `--tables` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableInfo {
    /// Its name with its schema, `lake.machine`.
    pub name: String,
    /// What it holds.
    pub about: &'static str,
    /// Its columns.
    pub columns: Vec<ColumnInfo>,
}

/// Lake and book, open for questions.
pub struct Query {
    context: SessionContext,
    tables: Vec<TableInfo>,
    rows: Option<usize>,
}

impl Query {
    /// Opens a lake in a store, and a book where there is one.
    ///
    /// # Errors
    /// If the book cannot be read.
    pub fn open(
        store: Arc<dyn ObjectStore>,
        book: Option<&Path>,
        limits: Limits,
    ) -> Result<Self, QueryError> {
        let runtime = RuntimeEnvBuilder::new().with_memory_limit(limits.memory_bytes, 1.0).build_arc()?;
        let address = Url::parse(STORE).map_err(|_| QueryError::Place(STORE.to_owned()))?;
        runtime.register_object_store(&address, Arc::clone(&store));
        let config = SessionConfig::new()
            .with_target_partitions(limits.threads.max(1))
            .with_create_default_catalog_and_schema(false)
            .with_default_catalog_and_schema("offpeak", "lake");
        let state = SessionStateBuilder::new()
            .with_config(config)
            .with_runtime_env(runtime)
            .with_default_features()
            .build();
        let context = SessionContext::new_with_state(state);
        let catalog = MemoryCatalogProvider::new();
        let mut tables = Vec::new();
        let lake = MemorySchemaProvider::new();
        for table in Table::ALL {
            let provider = Arc::new(LakeTable::new(table, Arc::clone(&store)));
            tables.push(info("lake", table.name(), table.about(), provider.as_ref()));
            lake.register_table(table.name().to_owned(), provider)?;
        }
        catalog.register_schema("lake", Arc::new(lake))?;
        if let Some(path) = book {
            let book_schema = MemorySchemaProvider::new();
            for (name, provider) in book::tables(path)? {
                tables.push(info("book", &name, "of the book, as it is", &provider));
                book_schema.register_table(name, Arc::new(provider))?;
            }
            catalog.register_schema("book", Arc::new(book_schema))?;
        }
        context.register_catalog("offpeak", Arc::new(catalog));
        context.register_udf(ScalarUDF::from(DateTrunc::new()));
        Ok(Self { context, tables, rows: limits.rows })
    }

    /// What can be asked for.
    #[must_use]
    pub fn tables(&self) -> &[TableInfo] {
        &self.tables
    }

    /// Asks, and writes the answer as it comes. Says how many rows it has.
    ///
    /// # Errors
    /// If the statement is wrong, would change something, takes too much memory, or the answer cannot be written.
    pub async fn run(&self, sql: &str, format: Format, out: impl Write + Send) -> Result<u64, QueryError> {
        let reads =
            SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
        let mut frame = self.context.sql_with_options(sql, reads).await?;
        if let Some(rows) = self.rows {
            frame = frame.limit(0, Some(rows))?;
        }
        let mut answer = frame.execute_stream().await?;
        let mut export = Export::begin(format, answer.schema(), out)?;
        let mut rows = 0;
        while let Some(batch) = answer.next().await {
            let batch = batch?;
            rows += batch.num_rows() as u64;
            if batch.num_rows() > 0 {
                export.take(batch)?;
            }
        }
        export.finish()?;
        Ok(rows)
    }

    /// How the engine would go about a statement, for people who look for what is slow.
    ///
    /// # Errors
    /// If the statement is wrong.
    pub async fn plan(&self, sql: &str) -> Result<String, QueryError> {
        let frame = self.context.sql(sql).await?;
        let plan = frame.create_physical_plan().await?;
        Ok(datafusion::physical_plan::displayable(plan.as_ref()).indent(false).to_string())
    }
}

fn info(
    schema: &str,
    name: &str,
    about: &'static str,
    provider: &dyn datafusion::catalog::TableProvider,
) -> TableInfo {
    use datafusion::arrow::datatypes::DataType;
    let column = |field: &Arc<datafusion::arrow::datatypes::Field>| ColumnInfo {
        name: field.name().clone(),
        of: match field.data_type() {
            DataType::Utf8 | DataType::Utf8View => "text".to_owned(),
            DataType::Int64 => "bigint".to_owned(),
            DataType::Int32 => "integer".to_owned(),
            DataType::Int16 => "smallint".to_owned(),
            DataType::Float64 => "double".to_owned(),
            DataType::Date32 => "date".to_owned(),
            DataType::Binary => "bytes".to_owned(),
            DataType::Timestamp(_, _) => "timestamp, UTC".to_owned(),
            other => other.to_string(),
        },
        nullable: field.is_nullable(),
    };
    let columns = provider.schema().fields().iter().map(column).collect();
    TableInfo { name: format!("{schema}.{name}"), about, columns }
}

/// A statement's error is the engine's own words; ours adds nothing to them.
impl QueryError {
    /// The engine's words, without its name for the kind of error.
    #[must_use]
    pub fn statement(&self) -> Option<String> {
        match self {
            Self::Statement(error) => Some(match error.as_ref() {
                DataFusionError::Diagnostic(_, inner) => inner.strip_backtrace(),
                other => other.strip_backtrace(),
            }),
            _ => None,
        }
    }
}
