//! What ends a run: its time, a signal, or leaving its screen. Whichever it is, the screen's thread is
//! waited for, so that the terminal is given back before anything else is said.
//!
//! Not here: the terminal itself (`screen`), and what is left behind (`farewell`).

use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tokio::time::sleep;

use crate::screen::{self, Closed, Leaving};
use offpeak_server::SiteHandle;

/// How long a screen may take to close.
const CLOSES_WITHIN: Duration = Duration::from_secs(2);

/// How long a demo waits for its first picture: not for ever, on a terminal that takes nothing.
const DRAWN_WITHIN: Duration = Duration::from_secs(10);

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

/// What ends a run from outside, heard from the moment on that this is there.
#[derive(Debug)]
struct Signals {
    interrupt: Option<Signal>,
    terminate: Option<Signal>,
    hang_up: Option<Signal>,
}

impl Signals {
    /// A hang-up is heard with a screen only.
    fn heard(with_screen: bool) -> Self {
        let of = |kind| signal(kind).ok();
        Self {
            interrupt: of(SignalKind::interrupt()),
            terminate: of(SignalKind::terminate()),
            hang_up: with_screen.then(|| of(SignalKind::hangup())).flatten(),
        }
    }
}

/// The terminal view on a thread of its own. Dropped, also by a panic, it gives the terminal back.
#[derive(Debug)]
pub(crate) struct Screen {
    leaving: Leaving,
    over: Arc<AtomicBool>,
    closed: oneshot::Receiver<Closed>,
    thread: Option<JoinHandle<Result<()>>>,
    signals: Option<Signals>,
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

    /// Opens it, for so long at most, with a note for the first minute. Within tokio: a signal that comes as soon as
    /// the screen is there must not leave the terminal as it is. A demo begins with its first picture, so that
    /// its search is seen; a controller does not wait for a terminal.
    pub(crate) fn open(
        handle: Arc<dyn SiteHandle>,
        leaving: Leaving,
        lasts: Option<Duration>,
        note: Option<String>,
    ) -> Result<Self> {
        let signals = Some(Signals::heard(true));
        let over = Arc::new(AtomicBool::new(false));
        let (tell, closed) = oneshot::channel();
        let (first, drawn) = mpsc::channel();
        let (stop, until) = (Arc::clone(&over), lasts.map(|lasts| Instant::now() + lasts));
        let thread = std::thread::Builder::new().name("screen".into()).spawn(move || {
            // An error or a panic drops the sender, which is heard too.
            let how = screen::run(handle.as_ref(), leaving, until, &stop, note, first)?;
            let _ = tell.send(how);
            Ok(())
        })?;
        if leaving == Leaving::Demo {
            // Its sender is dropped, whether it could be drawn or not.
            let _ = drawn.recv_timeout(DRAWN_WITHIN);
        }
        Ok(Self { leaving, over, closed, thread: Some(thread), signals })
    }

    /// Until what it shows is to end with it. A controller outlives its terminal: a line that breaks must not
    /// leave a mine to itself.
    async fn left(&mut self) {
        let how = (&mut self.closed).await;
        if how == Ok(Closed::Gone) && self.leaving == Leaving::Controller {
            tracing::warn!("the terminal is gone; the controller goes on without a screen");
            std::future::pending().await
        }
    }

    /// Closes it and waits until the terminal is given back.
    pub(crate) fn close(mut self) -> Result<()> {
        self.join()
    }

    fn join(&mut self) -> Result<()> {
        self.over.store(true, Ordering::Relaxed);
        let Some(thread) = self.thread.take() else { return Ok(()) };
        let until = Instant::now() + CLOSES_WITHIN;
        while !thread.is_finished() {
            if Instant::now() > until {
                bail!("the view did not close; `reset` puts the terminal right");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        thread.join().map_err(|_| anyhow!("the view panicked"))?
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.join();
    }
}

/// Waits for the end: so long on tokio's clock, a signal, or that the screen is left. A hang-up ends a demo with
/// its screen, but not a controller; without a screen `nohup` and its like decide.
pub(crate) async fn end(lasts: Option<Duration>, mut screen: Option<&mut Screen>) -> Ended {
    let leaving = screen.as_ref().map(|screen| screen.leaving);
    let held = screen.as_mut().and_then(|screen| screen.signals.take());
    let mut signals = held.unwrap_or_else(|| Signals::heard(leaving.is_some()));
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
    let hung_up = async {
        next(&mut signals.hang_up).await;
        if leaving == Some(Leaving::Controller) {
            // Heard once, the signal kills no more.
            std::future::pending().await
        }
    };
    tokio::select! {
        () = late => Ended::Late,
        () = left => Ended::Left,
        () = next(&mut signals.interrupt) => Ended::Signal("SIGINT"),
        () = next(&mut signals.terminate) => Ended::Signal("SIGTERM"),
        () = hung_up => Ended::Signal("SIGHUP"),
    }
}

async fn next(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}
