//! The file that the alerts of a site are kept in, between two processes.
//!
//! Written in a task of its own, the latest only: a disk that hangs holds up no judgement.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use offpeak_alerts::Board;
use tokio::time::{MissedTickBehavior, interval};

use super::{Alerts, EVERY};

/// How long the last writing may hold up the end.
const FAREWELL: Duration = Duration::from_secs(2);

/// Where a board is kept.
#[derive(Debug)]
pub(super) struct Kept {
    path: PathBuf,
    /// The changes of the board that is in the file.
    changes: AtomicU64,
    /// Held while it is written.
    writing: Mutex<()>,
}

impl Kept {
    /// With the board that is in it. One that is not understood is moved aside and told of: no site waits for it.
    pub(super) fn open(path: PathBuf) -> (Self, Board) {
        let read = std::fs::read_to_string(&path).map(|text| Board::read(&text));
        let board = match read {
            Ok(Ok(board)) => board,
            Ok(Err(error)) => {
                let aside = path.with_extension("unread");
                let moved = std::fs::rename(&path, &aside).is_ok();
                tracing::warn!(file = %path.display(), %error, moved, "no kept alerts: they begin anew");
                Board::default()
            }
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    tracing::warn!(file = %path.display(), %error, "no kept alerts: they begin anew");
                }
                Board::default()
            }
        };
        (Self { path, changes: AtomicU64::new(board.changes()), writing: Mutex::default() }, board)
    }

    /// What is to be written, unless it is in the file.
    fn due(&self, board: &Board) -> Option<(u64, String)> {
        let changes = board.changes();
        if changes == self.changes.load(Ordering::Acquire) {
            return None;
        }
        board.write().ok().map(|text| (changes, text))
    }

    /// Writes it, unless something newer was written meanwhile.
    fn write(&self, changes: u64, text: &str) -> io::Result<()> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if self.changes.load(Ordering::Acquire) >= changes {
            return Ok(());
        }
        let begun = self.path.with_extension("new");
        let mut file = std::fs::File::create(&begun)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&begun, &self.path)?;
        self.changes.store(changes, Ordering::Release);
        Ok(())
    }
}

impl Alerts {
    /// Keeps the board whenever it has changed, for ever.
    pub(super) async fn keep(self: Arc<Self>) {
        let Some(kept) = &self.kept else { return };
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            let Some((changes, text)) = self.with_board(|board| kept.due(board)) else { continue };
            let file = Arc::clone(kept);
            let written = tokio::task::spawn_blocking(move || file.write(changes, &text)).await;
            if let Ok(Err(error)) = written {
                tracing::warn!(%error, "the alerts could not be kept");
            }
        }
    }

    /// Keeps the board once more at the end; a disk that hangs holds that up for a moment only.
    pub(crate) fn keep_last(&self) {
        let Some(kept) = &self.kept else { return };
        let Some((changes, text)) = self.with_board(|board| kept.due(board)) else { return };
        let (done, written) = mpsc::channel();
        let file = Arc::clone(kept);
        std::thread::spawn(move || done.send(file.write(changes, &text)));
        match written.recv_timeout(FAREWELL) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the last of the alerts could not be kept"),
            Err(_) => tracing::warn!("the last of the alerts could not be kept: the disk does not answer"),
        }
    }
}
