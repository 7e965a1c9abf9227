//! Where a lake is: a folder, or a prefix in an S3-compatible store.

use std::path::PathBuf;
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use url::Url;

use crate::error::QueryError;

/// Where a lake is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A folder of this machine.
    Folder(PathBuf),
    /// `s3://bucket/prefix`. Keys, region and endpoint come from the usual `AWS_…` variables.
    Bucket(Url),
}

impl Place {
    /// Reads what was given: an address that begins with `s3://`, else a folder.
    ///
    /// # Errors
    /// If it is an address of another kind.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        if !text.contains("://") {
            return Ok(Self::Folder(PathBuf::from(text)));
        }
        match Url::parse(text) {
            Ok(url) if url.scheme() == "s3" && url.host_str().is_some() => Ok(Self::Bucket(url)),
            _ => Err(QueryError::Place(text.to_owned())),
        }
    }

    /// The store with the lake at its root.
    ///
    /// # Errors
    /// If there is no such folder, or the store's settings are wrong.
    pub fn store(&self) -> Result<Arc<dyn ObjectStore>, QueryError> {
        match self {
            Self::Folder(dir) if dir.is_dir() => Ok(Arc::new(LocalFileSystem::new_with_prefix(dir)?)),
            Self::Folder(dir) => Err(QueryError::NoLake(dir.clone())),
            Self::Bucket(url) => {
                let store = AmazonS3Builder::from_env().with_url(url.as_str()).build()?;
                let prefix =
                    Path::from_url_path(url.path()).map_err(|_| QueryError::Place(url.to_string()))?;
                Ok(Arc::new(PrefixStore::new(store, prefix)))
            }
        }
    }
}
