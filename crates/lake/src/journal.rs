//! The journal: rows are here, on disk, before they are in a table.
//!
//! A segment is one file of frames. When it is closed its rows are written to the tables, and then it is
//! removed. A segment that is found when the lake is opened is read as far as it is whole.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::block::Block;
use crate::error::LakeError;
use crate::frame::{self, Found};
use crate::layout;
use crate::names::Names;

/// The segment that is being written.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) number: u64,
    path: PathBuf,
    file: File,
    /// Bytes of whole frames.
    length: u64,
    /// Whether something was written since the last sync.
    unsynced: bool,
    /// Bytes of a failed write may stand behind `length`.
    ragged: bool,
}

impl Segment {
    /// Begins a segment; its name is on disk when this returns.
    pub(crate) fn begin(dir: &Path, number: u64) -> Result<Self, LakeError> {
        let path = layout::segment(dir, number);
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .open(&path)
            .map_err(|source| LakeError::file(&path, source))?;
        layout::sync_folder(&layout::journal(dir))?;
        Ok(Self { number, path, file, length: 0, unsynced: false, ragged: false })
    }

    /// Puts other frames in the place of everything that was added, on disk when this returns.
    pub(crate) fn replace(&mut self, dir: &Path, frames: &[u8]) -> Result<(), LakeError> {
        let staged = layout::staging(dir).join("journal");
        let written = (|| {
            let mut file = OpenOptions::new().append(true).create(true).open(&staged)?;
            file.set_len(0)?;
            file.write_all(frames)?;
            file.sync_all()?;
            std::fs::rename(&staged, &self.path)?;
            Ok(file)
        })();
        self.file = written.map_err(|source| LakeError::file(&self.path, source))?;
        (self.length, self.unsynced, self.ragged) = (frames.len() as u64, false, false);
        layout::sync_folder(&layout::journal(dir))
    }

    /// Adds frames, all or none.
    pub(crate) fn append(&mut self, frames: &[u8]) -> Result<(), LakeError> {
        let failed = |source| LakeError::file(&self.path, source);
        if self.ragged {
            self.file.set_len(self.length).map_err(failed)?;
            self.ragged = false;
        }
        match self.file.write_all(frames) {
            Ok(()) => {
                self.length += frames.len() as u64;
                self.unsynced = true;
                Ok(())
            }
            Err(source) => {
                self.ragged = self.file.set_len(self.length).is_err();
                Err(failed(source))
            }
        }
    }

    /// Everything added is on disk when this returns.
    ///
    /// # Errors
    /// If the disk failed. What was added before may then be lost: the caller must not acknowledge it.
    pub(crate) fn sync(&mut self) -> Result<(), LakeError> {
        if std::mem::take(&mut self.unsynced) {
            self.file.sync_data().map_err(|source| LakeError::file(&self.path, source))?;
        }
        Ok(())
    }
}

/// What was found in a segment.
#[derive(Debug)]
pub(crate) struct Replayed {
    pub(crate) blocks: Vec<Block>,
    pub(crate) names: Names,
    /// Bytes behind the last whole frame: a write that was under way.
    pub(crate) torn_bytes: u64,
    /// Bytes that were stepped over, with whole frames behind them: the disk's doing.
    pub(crate) damaged_bytes: u64,
}

/// Reads a segment as far as it is whole.
///
/// # Errors
/// If it cannot be read, or a whole frame is not one of ours.
pub(crate) fn read(path: &Path) -> Result<Replayed, LakeError> {
    let bytes = std::fs::read(path).map_err(|source| LakeError::file(path, source))?;
    let mut replayed =
        Replayed { blocks: Vec::new(), names: Names::default(), torn_bytes: 0, damaged_bytes: 0 };
    let (mut at, mut skipped) = (0, 0_u64);
    while at < bytes.len() {
        match frame::whole(&bytes[at..]) {
            Found::Frame(payload, length) => {
                let block = frame::decode(payload, &mut replayed.names)
                    .map_err(|source| LakeError::Frame { path: path.to_owned(), source })?;
                replayed.blocks.push(block);
                replayed.damaged_bytes += std::mem::take(&mut skipped);
                at += length;
            }
            Found::Torn => {
                let step = frame::next_magic(&bytes[at..]).unwrap_or(bytes.len() - at);
                skipped += step as u64;
                at += step;
            }
        }
    }
    replayed.torn_bytes = skipped;
    Ok(replayed)
}

/// The segments of a lake, oldest first.
pub(crate) fn segments(dir: &Path) -> Result<Vec<(u64, PathBuf)>, LakeError> {
    let numbered = |(name, path): (String, PathBuf)| {
        name.strip_suffix(".jnl").and_then(|number| number.parse().ok()).map(|number: u64| (number, path))
    };
    Ok(layout::entries(&layout::journal(dir))?.into_iter().filter_map(numbered).collect())
}
