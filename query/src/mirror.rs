//! The lake's files in an object store: what is published is put there, what was merged takes the place of its
//! parts.
//!
//! An object appears whole or not at all. What was not put when the line broke is put the next time: the store's
//! own listing says what is there. What the disk lets go of for want of room stays in the store.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use futures_util::TryStreamExt as _;
use object_store::path::Path as Place;
use object_store::{MultipartUpload as _, ObjectStore, ObjectStoreExt as _, PutPayload};

use offpeak_lake::{LakeError, LakeFile, Table, files, without_spanned};

/// Files above this size are put in parts of it, as a rule; S3 takes none below 5 MiB.
pub const PART_BYTES: usize = 8 << 20;

/// What an upload did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Uploaded {
    /// Files put.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Objects removed: parts of what was merged since.
    pub removed: u64,
    /// Files that were there already.
    pub present: u64,
}

/// Why an upload ended early. What it had done is done.
#[derive(Debug, thiserror::Error)]
pub enum MirrorError {
    /// The lake cannot be listed.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// A file of the lake cannot be read.
    #[error("{}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// There.
    #[error("the object store failed at {place}")]
    Store {
        /// The object, or the table that was listed.
        place: String,
        /// What it said.
        source: object_store::Error,
    },
}

fn store_failed(place: &str) -> impl FnOnce(object_store::Error) -> MirrorError {
    let place = place.to_owned();
    move |source| MirrorError::Store { place, source }
}

/// Puts every published file that the store does not have yet, oldest first, in parts of so many bytes where it is larger, and
/// removes there what a merged file holds. The lake may be written meanwhile.
///
/// # Errors
/// If a file cannot be read, or the store fails; the next call goes on from there.
pub async fn upload(dir: &Path, store: &dyn ObjectStore, part_bytes: usize) -> Result<Uploaded, MirrorError> {
    let mut done = Uploaded::default();
    for table in Table::ALL {
        let listed = store.list(Some(&Place::from(table.name())));
        let listed: Vec<_> = listed.try_collect().await.map_err(store_failed(table.name()))?;
        let mut there: Vec<LakeFile> =
            listed.iter().filter_map(|found| LakeFile::parse(found.location.as_ref(), found.size)).collect();
        for file in files(dir, table)? {
            let place = file.place();
            if there.iter().any(|other| other.place() == place && other.bytes == file.bytes) {
                done.present += 1;
                continue;
            }
            match put(&file, &place, store, part_bytes).await {
                // Merged into another since the folder was read: that one is put the next time.
                Err(MirrorError::File { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
                Ok(()) => {
                    (done.files, done.bytes) = (done.files + 1, done.bytes + file.bytes);
                    there.push(LakeFile::parse(&place, file.bytes).unwrap_or(file));
                }
            }
        }
        let kept = without_spanned(there.clone());
        for gone in there.iter().filter(|file| !kept.contains(file)) {
            let place = gone.place();
            if kept.iter().any(|kept| kept.place() == place) {
                continue;
            }
            store.delete(&Place::from(place.as_str())).await.map_err(store_failed(&place))?;
            done.removed += 1;
        }
    }
    Ok(done)
}

async fn put(
    file: &LakeFile,
    place: &str,
    store: &dyn ObjectStore,
    part_bytes: usize,
) -> Result<(), MirrorError> {
    let local = |source| MirrorError::File { path: file.path.clone(), source };
    let mut from = File::open(&file.path).map_err(local)?;
    let to = Place::from(place);
    let failed = || store_failed(place);
    if file.bytes <= part_bytes as u64 {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).map_err(local)?;
        store.put(&to, bytes.into()).await.map_err(failed())?;
        return Ok(());
    }
    let mut parts = store.put_multipart(&to).await.map_err(failed())?;
    let all = async {
        loop {
            let mut part = Vec::with_capacity(part_bytes);
            from.by_ref().take(part_bytes as u64).read_to_end(&mut part).map_err(local)?;
            if part.is_empty() {
                break;
            }
            parts.put_part(PutPayload::from(part)).await.map_err(failed())?;
        }
        parts.complete().await.map_err(failed())
    };
    let put = all.await;
    if put.is_err() {
        // Parts without a whole cost money and can be read by nobody.
        let _ = parts.abort().await;
    }
    put.map(drop)
}
