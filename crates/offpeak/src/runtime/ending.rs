//! What ends a run: its time, a signal, or leaving its screen. Whichever it is, the screen's thread is
//! waited for, so that the terminal is given back before anything else is said.
//!
//! Not here: the terminal itself (`screen`), and what is left behind (`farewell`).

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tokio::time::sleep;

use crate::handle::SiteHandle;
use crate::screen::{self, Leaving};

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Its time was over.
    Late,
    /// A signal, by name.
    Signal(&'static str),
    /// The screen was left.
    Left,
}

/// The terminal view on a thread of its own. Dropped, also by a panic, it gives the terminal back.
#[derive(Debug)]
pub(crate) struct Screen {
    over: Arc<AtomicBool>,
    left: oneshot::Receiver<()>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Screen {
    /// Says early that there is no terminal, before minutes of work end in that.
    ///
    /// # Errors
    /// When stdin or stdout is none; the hint is what to do instead.
    pub(crate) fn possible(hint: &str) -> Result<()> {
        if !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
            bail!("the view needs a terminal\nhint: {hint}");
        }
        Ok(())
    }

    /// Opens it, for so long at most.
    pub(crate) fn open(
        handle: Arc<dyn SiteHandle>,
        leaving: Leaving,
        lasts: Option<Duration>,
    ) -> Result<Self> {
        let over = Arc::new(AtomicBool::new(false));
        let (leave, left) = oneshot::channel();
        let (stop, until) = (Arc::clone(&over), lasts.map(|lasts| Instant::now() + lasts));
        let thread = std::thread::Builder::new().name("screen".into()).spawn(move || {
            // Dropped when this thread ends, by whatever.
            let _leave: oneshot::Sender<()> = leave;
            screen::run(handle.as_ref(), leaving, until, &stop)
        })?;
        Ok(Self { over, left, thread: Some(thread) })
    }

    async fn left(&mut self) {
        // An error is the sender's end, which is what is waited for.
        let _ = (&mut self.left).await;
    }

    /// Closes it and waits until the terminal is given back.
    pub(crate) fn close(mut self) -> Result<()> {
        self.join()
    }

    fn join(&mut self) -> Result<()> {
        self.over.store(true, Ordering::Relaxed);
        match self.thread.take().map(JoinHandle::join) {
            Some(Err(_)) => Err(anyhow!("the view panicked")),
            Some(Ok(result)) => result,
            None => Ok(()),
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.join();
    }
}

/// Waits for the end: so long on tokio's clock, a signal, or that the screen is left. A hang-up ends only what
/// has a screen: without one, `nohup` and its like decide.
pub(crate) async fn end(lasts: Option<Duration>, screen: Option<&mut Screen>) -> Ended {
    let with_screen = screen.is_some();
    let late = async {
        match lasts {
            Some(lasts) => sleep(lasts).await,
            None => std::future::pending().await,
        }
    };
    let left = async {
        match screen {
            Some(screen) => screen.left().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = late => Ended::Late,
        () = left => Ended::Left,
        () = heard(SignalKind::interrupt(), true) => Ended::Signal("SIGINT"),
        () = heard(SignalKind::terminate(), true) => Ended::Signal("SIGTERM"),
        () = heard(SignalKind::hangup(), with_screen) => Ended::Signal("SIGHUP"),
    }
}

async fn heard(kind: SignalKind, wanted: bool) {
    let mut signal: Option<Signal> = wanted.then(|| signal(kind)).and_then(Result::ok);
    match &mut signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}
