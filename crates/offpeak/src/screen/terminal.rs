//! The terminal while the view is on it. It is given back whatever happens: a return, an error, a signal that
//! ends the run, or a panic, whose message is printed after that and not onto the picture.
//!
//! Not here: what ends a run, and what is drawn.

use std::io::{Write as _, stderr, stdin, stdout};
use std::panic::{self, PanicHookInfo};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use crossterm::cursor::Show;
use crossterm::execute;
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

/// How a wait for keys ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waited {
    /// A key came, or nothing did for so long.
    Here,
    /// Nobody is at the other end any more.
    Gone,
}

/// Waits for keys. The terminal's end is looked for here, since crossterm 0.29 reads an ended terminal again and
/// again and never comes back.
pub(super) fn wait(most: Duration) -> Result<Waited> {
    let stdin = stdin();
    let mut keys = [PollFd::new(&stdin, PollFlags::IN)];
    let most = Timespec::try_from(most).context("a picture's time")?;
    match poll(&mut keys, Some(&most)) {
        // A signal, the one of a changed size among them.
        Ok(_) | Err(Errno::INTR) => {}
        Err(error) => return Err(error).context("the terminal cannot be waited for"),
    }
    let gone = keys[0].revents().intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL);
    Ok(if gone { Waited::Gone } else { Waited::Here })
}

type Hook = Arc<dyn Fn(&PanicHookInfo<'_>) + Send + Sync>;

/// What other threads had to say when they panicked, until the terminal is given back; so many at most.
const HELD_MAX: usize = 16;

struct State {
    /// Out of raw mode and off the other screen.
    release: fn(),
    /// Once only: leaving a second time moves the cursor back over what was printed meanwhile.
    given_back: AtomicBool,
    held: Mutex<Vec<String>>,
}

/// The terminal, in raw mode and on its other screen until this is dropped. Belongs to the thread that borrows
/// it.
pub(super) struct Borrowed {
    before: Hook,
    state: Arc<State>,
}

impl Borrowed {
    /// Takes the terminal.
    ///
    /// # Errors
    /// When this is no terminal.
    pub(super) fn take() -> Result<Self> {
        enable_raw_mode().context("the view needs a terminal")?;
        let borrowed = Self::arm(release);
        execute!(stdout(), EnterAlternateScreen)?;
        Ok(borrowed)
    }

    fn arm(release: fn()) -> Self {
        let before: Hook = Arc::from(panic::take_hook());
        let state = Arc::new(State { release, given_back: AtomicBool::new(false), held: Mutex::default() });
        let (drawing, next, shared) = (thread::current().id(), Arc::clone(&before), Arc::clone(&state));
        panic::set_hook(Box::new(move |info| {
            if thread::current().id() == drawing {
                shared.give_back();
                next(info);
            } else if !shared.hold(info) {
                next(info);
            }
        }));
        Self { before, state }
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        self.state.give_back();
        // A panicking thread may not set the hook; ours does no harm once the terminal is given back.
        if !thread::panicking() {
            let before = Arc::clone(&self.before);
            panic::set_hook(Box::new(move |info| before(info)));
        }
    }
}

/// Errors are nobody's to hear: this is the way out.
fn release() {
    let _ = disable_raw_mode();
    let _ = execute!(stdout(), LeaveAlternateScreen, Show);
}

impl State {
    fn give_back(&self) {
        if self.given_back.swap(true, Ordering::SeqCst) {
            return;
        }
        (self.release)();
        for message in self.held.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let _ = writeln!(stderr(), "{message}");
        }
    }

    /// Keeps a panic's message for later; says no once the terminal is given back.
    fn hold(&self, info: &PanicHookInfo<'_>) -> bool {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if self.given_back.load(Ordering::SeqCst) {
            return false;
        }
        if held.len() < HELD_MAX {
            held.push(format!("thread {}: {info}", thread::current().name().unwrap_or("without a name")));
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The loop panics while another thread draws: its message waits until the picture is gone.
    #[test]
    fn another_thread_s_panic_is_held_until_the_terminal_is_back() {
        let borrowed = Borrowed::arm(|| ());
        let state = Arc::clone(&borrowed.state);
        let panicking = || thread::Builder::new().name("loop".into()).spawn(|| panic!("out of watts"));
        assert!(panicking().unwrap().join().is_err());
        let held = || state.held.lock().unwrap().clone();
        let ours = |held: &[String]| held.iter().any(|m| m.contains("loop") && m.contains("out of watts"));
        assert!(ours(&held()), "{:?}", held());
        drop(borrowed);
        assert!(state.given_back.load(Ordering::SeqCst) && held().is_empty());
    }
}
