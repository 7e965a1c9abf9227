//! The lake as it is written: rows in, journal first, tables behind it.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::Timestamp;
use offpeak_rows::Name;
use tracing::warn;

use crate::block::{Block, Filler};
use crate::error::LakeError;
use crate::frame;
use crate::journal::{self, Segment};
use crate::keep::{Keep, Removed, Room, Space};
use crate::keys::{self, Keys};
use crate::names::Names;
use crate::publish::Sealed;
use crate::publisher::{Job, Publisher, Shared, State, lock_path};
use crate::record::{Key, Record};
use crate::table::Table;
use crate::{keyed, layout};

/// The format of a lake's folder.
const FORMAT: u32 = 1;
/// Closed segments that wait for the writing thread at most.
const QUEUE: usize = 2;
/// So many times [`Options::publish_rows`] are held at most when nothing can be written to tables.
const HELD: usize = 4;

/// How a lake is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Rows after which the journal's segment is closed and written to the tables.
    pub publish_rows: usize,
    /// How long rows wait for the tables at most, where a recorder writes them.
    pub publish_every: Duration,
    /// What is kept, and in how much room.
    pub keep: Keep,
}

impl Default for Options {
    fn default() -> Self {
        Self { publish_rows: 1 << 20, publish_every: Duration::from_secs(300), keep: Keep::default() }
    }
}

/// What became of rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// New rows; on disk after the next [`Lake::sync`].
    pub rows: u64,
    /// Rows of which the lake had one of the same key already; the first stands.
    pub duplicates: u64,
}

/// What was found when a lake was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Segments of the journal that were not in tables.
    pub segments: usize,
    /// Their rows.
    pub rows: u64,
    /// Bytes of a write that was under way when the writer died.
    pub torn_bytes: u64,
    /// Bytes within the journal that the disk damaged; what they held is lost.
    pub damaged_bytes: u64,
}

/// How a lake is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Rows in the journal's open segment.
    pub open_rows: usize,
    /// Closed segments that are not in tables yet.
    pub pending_segments: usize,
    /// Why the last write to a table failed.
    pub failing: Option<String>,
    /// What it takes up, as last measured.
    pub space: Space,
    /// Days that were removed since it was opened.
    pub removed: Vec<Removed>,
}

/// The open lake. One process writes; any may read.
#[derive(Debug)]
pub struct Lake {
    dir: PathBuf,
    options: Options,
    segment: Segment,
    names: Names,
    blocks: BTreeMap<Table, Block>,
    last: BTreeMap<Table, Vec<Option<(Name, u32)>>>,
    rows: usize,
    keys: Keys,
    frames: Vec<u8>,
    /// The disk failed to keep the segment: it is written anew before anything is acknowledged.
    distrusted: bool,
    recovered: Recovered,
    jobs: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
    /// Held for as long as the lake is open; the system lets go of it when the process dies.
    _lock: File,
}

impl Lake {
    /// Opens a lake, or begins one, and brings what an earlier writer left in the journal to the tables.
    ///
    /// # Errors
    /// If another process writes to it, or it cannot be read or written.
    pub fn open(dir: &Path, options: Options) -> Result<Self, LakeError> {
        layout::make_folder(dir)?;
        let lock = take_lock(dir)?;
        check_format(dir)?;
        for folder in [layout::journal(dir), layout::staging(dir)] {
            layout::make_folder(&folder)?;
        }
        empty(&layout::staging(dir))?;
        let left = journal::segments(dir)?;
        // Begun before the others are removed, so that no number is ever used twice.
        let next = left.last().map_or(0, |(number, _)| *number).max(last_segment(dir)?) + 1;
        let segment = Segment::begin(dir, next)?;
        let mut recovered = Recovered::default();
        for (number, path) in left {
            recover(dir, number, &path, &options, &mut recovered)?;
        }
        let shared = Arc::new(Shared::default());
        shared.state().space = crate::keep::space(dir, &options.keep)?;
        let (jobs, receiver) = sync_channel(QUEUE);
        let publisher =
            Publisher { dir: dir.to_owned(), keep: options.keep.clone(), shared: Arc::clone(&shared) };
        let thread = std::thread::Builder::new()
            .name("lake".into())
            .spawn(move || publisher.run(receiver))
            .map_err(|source| LakeError::file(dir, source))?;
        Ok(Self {
            segment,
            dir: dir.to_owned(),
            options,
            names: Names::default(),
            blocks: BTreeMap::new(),
            last: BTreeMap::new(),
            rows: 0,
            keys: Keys::default(),
            frames: Vec::new(),
            distrusted: false,
            recovered,
            jobs: Some(jobs),
            thread: Some(thread),
            shared,
            _lock: lock,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// How long rows wait for the tables at most.
    pub(crate) const fn publish_every(&self) -> Duration {
        self.options.publish_every
    }
    /// What was found when it was opened.
    #[must_use]
    pub fn recovered(&self) -> Recovered {
        self.recovered
    }

    /// Takes rows, all or none. A row whose key is there already is not taken and counted as a duplicate. What is
    /// taken is on disk after the next [`Lake::sync`], and in its table some time after that.
    ///
    /// # Errors
    /// If a row breaks a rule, the disk is full or cannot be written; then none of the rows were taken.
    pub fn append<R: Record>(&mut self, rows: &[R]) -> Result<Taken, LakeError> {
        for (place, row) in rows.iter().enumerate() {
            row.judge().map_err(|source| LakeError::Row { place, source })?;
        }
        self.make_way(rows.iter().any(|row| row.table().is_raw()))?;
        let before: BTreeMap<Table, usize> =
            self.blocks.iter().map(|(table, block)| (*table, block.len())).collect();
        let mut taken = Taken::default();
        let mut accepted: Vec<bool> = Vec::with_capacity(rows.len());
        let place = |row: &R| (row.table(), keys::day_of(&row.key()));
        for part in rows.chunk_by(|a, b| place(a) == place(b)) {
            if let Err(error) = self.take(part, &mut accepted) {
                self.undo(rows, &accepted, &before);
                return Err(error);
            }
        }
        taken.rows = accepted.iter().filter(|new| **new).count() as u64;
        taken.duplicates = accepted.len() as u64 - taken.rows;
        self.frames.clear();
        for (table, block) in &self.blocks {
            let start = before.get(table).copied().unwrap_or(0);
            frame::encode_all(block, start..block.len(), &self.names, &mut self.frames);
        }
        if let Err(error) = self.segment.append(&self.frames) {
            self.undo(rows, &accepted, &before);
            return Err(error);
        }
        self.rows += taken.rows as usize;
        Ok(taken)
    }

    /// Sees to it that there is room in memory and, for raw rows, in the budget.
    fn make_way(&mut self, raw: bool) -> Result<(), LakeError> {
        if raw && self.shared.state().space.room == Room::Full {
            return Err(LakeError::Full { path: self.dir.clone() });
        }
        if self.rows >= self.options.publish_rows {
            let status = self.status();
            if status.failing.is_none() || status.pending_segments <= QUEUE {
                return self.publish();
            }
            if self.rows >= self.options.publish_rows * HELD {
                return Err(LakeError::Full { path: self.dir.clone() });
            }
        }
        Ok(())
    }

    /// Takes rows of one day of one table into its block.
    fn take<R: Record>(&mut self, rows: &[R], accepted: &mut Vec<bool>) -> Result<(), LakeError> {
        let Some(first) = rows.first() else { return Ok(()) };
        let (table, day) = (first.table(), keys::day_of(&first.key()));
        if !self.keys.knows(table, day) {
            self.bring_keys(table, day)?;
        }
        let block = self.blocks.entry(table).or_insert_with(|| Block::new(table));
        let mut filler = Filler::new(block, &mut self.names, self.last.entry(table).or_default());
        for row in rows {
            let new = self.keys.note(table, &row.key());
            accepted.push(new);
            if new {
                filler.begin();
                row.fill(&mut filler);
            }
        }
        Ok(())
    }

    /// Makes as if rows had never been handed over.
    fn undo<R: Record>(&mut self, rows: &[R], accepted: &[bool], before: &BTreeMap<Table, usize>) {
        for (table, block) in &mut self.blocks {
            block.truncate(before.get(table).copied().unwrap_or(0));
        }
        for (row, _) in rows.iter().zip(accepted).filter(|(_, new)| **new) {
            self.keys.forget(row.table(), &row.key());
        }
    }

    /// Reads the keys of a day from its files and from what is not in files yet.
    fn bring_keys(&mut self, table: Table, day: i64) -> Result<(), LakeError> {
        self.keys.begin_day(table, day);
        let pending = self.shared.state().pending.clone();
        let mut note = |key: &Key<'_>| {
            if keys::day_of(key) == day {
                self.keys.note(table, key);
            }
        };
        let open = self.blocks.get(&table).map(|block| (block, &self.names));
        let closed =
            pending.iter().flat_map(|sealed| sealed.blocks.iter().map(|block| (block, &sealed.names)));
        for (block, names) in closed.filter(|(block, _)| block.table == table).chain(open) {
            keyed::each_key(block, names, &mut note);
        }
        for file in layout::day_files(&self.dir, table, layout::date_of(day))? {
            keyed::each_key_of_file(&file, &mut note)?;
        }
        Ok(())
    }

    /// Brings everything that was taken to the disk; what this has returned from may be acknowledged.
    ///
    /// # Errors
    /// If the disk failed. What was taken is held and tried again with the next call.
    pub fn sync(&mut self) -> Result<(), LakeError> {
        if self.distrusted {
            self.rewrite()?;
        }
        let synced = self.segment.sync();
        // A page whose writing failed may be dropped by the system and pass for written the next time.
        self.distrusted = synced.is_err();
        synced
    }

    /// Writes what is held in memory anew, in place of a segment that the disk failed to keep.
    fn rewrite(&mut self) -> Result<(), LakeError> {
        self.frames.clear();
        for block in self.blocks.values() {
            frame::encode_all(block, 0..block.len(), &self.names, &mut self.frames);
        }
        self.segment.replace(&self.dir, &self.frames)
    }

    /// Closes the journal's segment, whose rows then go to the tables. Waits while two are on their way.
    ///
    /// # Errors
    /// If the disk failed; the segment then stays open.
    pub fn publish(&mut self) -> Result<(), LakeError> {
        if self.rows == 0 {
            return Ok(());
        }
        self.shared.wait_for_room(QUEUE);
        self.seal()
    }

    fn seal(&mut self) -> Result<(), LakeError> {
        self.sync()?;
        let number = self.segment.number;
        self.segment = Segment::begin(&self.dir, number + 1)?;
        self.rows = 0;
        self.last.clear();
        let blocks = std::mem::take(&mut self.blocks).into_values().collect();
        let sealed = Sealed { number, names: std::mem::take(&mut self.names), blocks };
        self.shared.state().pending.push_back(Arc::new(sealed));
        // A thread that has as much to do already comes to this segment, too.
        match self.jobs.as_ref().map(|jobs| jobs.try_send(Job::Publish)) {
            Some(Ok(()) | Err(TrySendError::Full(_))) => Ok(()),
            Some(Err(TrySendError::Disconnected(_))) | None => Err(LakeError::Ended),
        }
    }

    /// Waits until everything published before is in its table, or has failed.
    ///
    /// # Errors
    /// If the writing thread has ended.
    pub fn settle(&self) -> Result<(), LakeError> {
        let (done, waits) = channel();
        self.jobs.as_ref().and_then(|jobs| jobs.send(Job::Settle(done)).ok()).ok_or(LakeError::Ended)?;
        waits.recv().map_err(|_| LakeError::Ended)
    }

    /// Sets the writing thread to what is due: removing what is old, keeping to the budget, merging small files.
    /// To be called about once a minute. Never waits.
    pub fn tend(&self, now: Timestamp) {
        // A thread that is busy is asked again the next minute.
        if let Some(jobs) = &self.jobs {
            let _ = jobs.try_send(Job::Tend(now));
        }
    }

    /// How it is.
    #[must_use]
    pub fn status(&self) -> Status {
        let State { pending, failing, space, removed, .. } = &*self.shared.state();
        Status {
            open_rows: self.rows,
            pending_segments: pending.len(),
            failing: failing.clone(),
            space: *space,
            removed: removed.clone(),
        }
    }

    /// Brings everything to the tables and closes the lake.
    ///
    /// # Errors
    /// If something could not be brought to its table; it is in the journal then, and goes there when the lake is
    /// opened again.
    pub fn close(mut self) -> Result<(), LakeError> {
        self.publish()?;
        self.settle()?;
        match self.shared.state().failing {
            Some(ref why) => Err(LakeError::Behind { path: self.dir.clone(), why: why.clone() }),
            None => Ok(()),
        }
    }
}

impl Drop for Lake {
    /// Brings what was taken to the disk. What is not in tables is in the journal.
    fn drop(&mut self) {
        if let Err(error) = self.sync() {
            warn!(lake = %self.dir.display(), %error, "the journal's last second could not be written");
        }
        self.shared.close();
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Brings a segment that an earlier writer left to the tables.
fn recover(
    dir: &Path,
    number: u64,
    path: &Path,
    options: &Options,
    recovered: &mut Recovered,
) -> Result<(), LakeError> {
    let replayed = journal::read(path)?;
    let rows: usize = replayed.blocks.iter().map(Block::len).sum();
    if rows > 0 {
        recovered.segments += 1;
        recovered.rows += rows as u64;
    }
    recovered.torn_bytes += replayed.torn_bytes;
    recovered.damaged_bytes += replayed.damaged_bytes;
    if replayed.damaged_bytes > 0 {
        warn!(segment = %path.display(), bytes = replayed.damaged_bytes, "the journal is damaged: stepped over");
    }
    let sealed = Sealed::of(number, replayed.names, replayed.blocks);
    loop {
        match sealed.publish(dir) {
            Err(error) if error.is_full() => {
                if crate::keep::make_room(dir, &options.keep, 1)?.is_empty() {
                    return Err(error);
                }
            }
            other => return other,
        }
    }
}

/// The highest segment that any file of a table names.
fn last_segment(dir: &Path) -> Result<u64, LakeError> {
    let mut last = 0;
    for table in Table::ALL {
        last = layout::files(dir, table)?.iter().map(|file| file.last).max().unwrap_or(0).max(last);
    }
    Ok(last)
}

/// Removes what was being made when an earlier writer died.
fn empty(folder: &Path) -> Result<(), LakeError> {
    for (_, path) in layout::entries(folder)? {
        let removed =
            if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
        removed.map_err(|source| LakeError::file(&path, source))?;
    }
    Ok(())
}

fn check_format(dir: &Path) -> Result<(), LakeError> {
    let path = dir.join("format");
    match std::fs::read_to_string(&path) {
        Ok(text) => match text.trim().parse::<u32>() {
            Ok(found) if found <= FORMAT => Ok(()),
            _ => Err(LakeError::Newer { path: dir.to_owned(), found: text.trim().to_owned(), known: FORMAT }),
        },
        Err(source) if source.kind() == std::io::ErrorKind::NotFound => {
            let staged = dir.join(".format");
            let written = File::create(&staged)
                .and_then(|mut file| writeln!(file, "{FORMAT}").and_then(|()| file.sync_all()))
                .and_then(|()| std::fs::rename(&staged, &path));
            written.map_err(|source| LakeError::file(&path, source))?;
            layout::sync_folder(dir)
        }
        Err(source) => Err(LakeError::file(&path, source)),
    }
}

fn take_lock(dir: &Path) -> Result<File, LakeError> {
    let path = lock_path(dir);
    let failed = |source| LakeError::file(&path, source);
    let mut file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let _ = file.read_to_string(&mut holder);
            return Err(LakeError::InUse { path: dir.to_owned(), pid: holder.trim().parse().ok() });
        }
        Err(TryLockError::Error(source)) => return Err(failed(source)),
    }
    // Who holds it is for people; a full disk must not keep the lake closed.
    let _ =
        file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{}", std::process::id()));
    Ok(file)
}
