//! A table of the lake for the engine: which files there are and which of them a query needs.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DFSchema, Result};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::scalar::ScalarValue;
use futures_util::TryStreamExt as _;
use object_store::ObjectStore;
use object_store::path::Path;
use offpeak_lake::{LakeFile, Table, without_spanned};

use crate::span;

/// Under this address the engine finds the lake's store.
pub(crate) const STORE: &str = "lake://lake";

/// A table of a lake in a store.
#[derive(Debug)]
pub(crate) struct LakeTable {
    table: Table,
    store: Arc<dyn ObjectStore>,
    schema: TableSchema,
}

impl LakeTable {
    pub(crate) fn new(table: Table, store: Arc<dyn ObjectStore>) -> Self {
        // The engine works quicker on views of texts; it is handed them as such.
        let as_view = |field: &Arc<Field>| match field.data_type() {
            DataType::Utf8 => Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8View)),
            _ => Arc::clone(field),
        };
        let file = offpeak_lake::schema(table);
        let file = Arc::new(Schema::new(file.fields().iter().map(as_view).collect::<Vec<_>>()));
        let date = Arc::new(Field::new("date", DataType::Date32, false));
        Self {
            table,
            store,
            schema: TableSchema::builder(file).with_table_partition_cols(vec![date]).build(),
        }
    }

    /// The files of the days that the filters leave.
    async fn files(&self, filters: &[Expr]) -> Result<Vec<LakeFile>> {
        let days = span::days(filters, self.table.time_column());
        let listed = self.store.list(Some(&Path::from(self.table.name())));
        let listed: Vec<_> = listed.try_collect().await?;
        let files = listed.iter().filter_map(|found| LakeFile::parse(found.location.as_ref(), found.size));
        let needed =
            files.filter(|file| file.table == self.table && (days.first..=days.last).contains(&file.day()));
        Ok(without_spanned(needed.collect()))
    }
}

#[async_trait]
impl TableProvider for LakeTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(self.schema.table_schema())
    }
    fn table_type(&self) -> TableType {
        TableType::Base
    }
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let files = self.files(filters).await?;
        let groups = files.len().clamp(1, state.config().target_partitions());
        let mut groups: Vec<Vec<PartitionedFile>> = vec![Vec::new(); groups];
        let count = groups.len();
        for (place, file) in files.iter().enumerate() {
            let day = i32::try_from(file.day()).ok();
            let listed = PartitionedFile::new(file.place(), file.bytes)
                .with_partition_values(vec![ScalarValue::Date32(day)]);
            groups[place % count].push(listed);
        }
        let mut source = ParquetSource::new(self.schema.clone()).with_pushdown_filters(true);
        if let Some(all) = conjunction(filters.to_vec()) {
            let schema = DFSchema::try_from(self.schema())?;
            source = source.with_predicate(state.create_physical_expr(all, &schema)?);
        }
        let config = FileScanConfigBuilder::new(ObjectStoreUrl::parse(STORE)?, Arc::new(source))
            .with_file_groups(groups.into_iter().map(FileGroup::new).collect())
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}
