//! Why a query has no answer.

use std::path::PathBuf;

use datafusion::arrow::error::ArrowError;
use datafusion::error::DataFusionError;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The statement is wrong, asks for what is not there, or takes more memory than it may.
    #[error("the query failed")]
    Statement(#[source] Box<DataFusionError>),
    /// There is no lake in a folder.
    #[error("there is no lake in {}", .0.display())]
    NoLake(PathBuf),
    /// A bucket's address that cannot be used.
    #[error("`{0}` is not a folder, and no bucket such as s3://bucket/prefix")]
    Place(String),
    /// The object store answered wrongly or not at all.
    #[error("the object store")]
    Store(#[from] object_store::Error),
    /// The book cannot be read.
    #[error("{}", path.display())]
    Book {
        /// The book.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The answer could not be written.
    #[error("the answer could not be written")]
    Output(#[from] std::io::Error),
    /// The answer cannot be put into the form that was asked for.
    #[error("the answer cannot be written in this form")]
    Form(#[from] ArrowError),
    /// The same for Parquet.
    #[error("the answer cannot be written as Parquet")]
    Parquet(#[from] datafusion::parquet::errors::ParquetError),
    /// More rows than a table on a screen is made for.
    #[error("the answer has more than {0} rows; choose csv, json or parquet")]
    Rows(usize),
}

impl From<DataFusionError> for QueryError {
    fn from(source: DataFusionError) -> Self {
        Self::Statement(Box::new(source))
    }
}
