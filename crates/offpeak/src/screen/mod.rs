//! The live terminal view: draws a [`SiteView`] four times a second and passes keys on. Keeps no state of
//! the mine; not here: where the view comes from.

mod chart;
mod draw;
mod halls;
mod words;

use std::io::stdout;
use std::panic::{self, PanicHookInfo};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use crossterm::execute;
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;

use crate::handle::SiteHandle;
use crate::view::SiteView;

/// Between two pictures.
const FRAME: Duration = Duration::from_millis(250);
/// The second press of an emergency stop comes within this.
const SECOND_PRESS: Duration = Duration::from_secs(3);
/// Points of the trace that a chart can use: two a column of a wide screen.
const TRACE_POINTS: usize = 2_000;

/// What a key did is told this long.
const MESSAGE_SHOWN: Duration = Duration::from_secs(10);

/// What the screen remembers between pictures.
#[derive(Clone, Debug, Default)]
pub(crate) struct UiState {
    /// The chosen hall.
    pub(crate) hall: usize,
    /// Whether that hall is shown in detail, in place of the list.
    pub(crate) details: bool,
    /// Set by the first press of an emergency stop.
    pub(crate) stop_asked: Option<Instant>,
    /// What the last key did, and when.
    pub(crate) message: Option<(String, Instant)>,
}

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Leave,
    Stop,
    Resume,
    Nothing,
}

impl UiState {
    /// Takes a key in; a stop takes two.
    fn press(&mut self, key: KeyEvent, halls: usize, now: Instant) -> Wish {
        self.forget(now);
        let asked = self.stop_asked.take().is_some();
        self.message = None;
        match key.code {
            KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => return Wish::Leave,
            KeyCode::Char('q') => return Wish::Leave,
            // A held key is no second press, where the terminal tells the two apart.
            KeyCode::Char('s') if key.kind == KeyEventKind::Repeat => self.stop_asked = asked.then_some(now),
            KeyCode::Char('s') if asked => return Wish::Stop,
            KeyCode::Char('s') => self.stop_asked = Some(now),
            KeyCode::Char('r') => return Wish::Resume,
            KeyCode::Down | KeyCode::Right => self.hall = (self.hall + 1) % halls.max(1),
            KeyCode::Up | KeyCode::Left => self.hall = (self.hall + halls.max(1) - 1) % halls.max(1),
            KeyCode::Enter => self.details = !self.details,
            KeyCode::Esc => self.details = false,
            _ => {}
        }
        Wish::Nothing
    }

    /// Drops what has been shown for long enough.
    fn forget(&mut self, now: Instant) {
        self.stop_asked = self.stop_asked.filter(|at| now.duration_since(*at) < SECOND_PRESS);
        self.message = self.message.take().filter(|(_, at)| now.duration_since(*at) < MESSAGE_SHOWN);
    }
}

type Hook = Arc<dyn Fn(&PanicHookInfo<'_>) + Send + Sync>;

/// Gives the terminal back whatever happens: a return, an error, or a panic of this thread, whose message is
/// printed after that and not onto the picture.
struct Restore {
    before: Hook,
    /// Once only: leaving a second time moves the cursor back over what was printed meanwhile.
    given_back: Arc<AtomicBool>,
}

impl Restore {
    fn arm() -> Self {
        let before: Hook = Arc::from(panic::take_hook());
        let given_back = Arc::new(AtomicBool::new(false));
        let (screen, next, given) = (thread::current().id(), Arc::clone(&before), Arc::clone(&given_back));
        panic::set_hook(Box::new(move |info| {
            if thread::current().id() == screen {
                give_back(&given);
            }
            next(info);
        }));
        Self { before, given_back }
    }
}

impl Drop for Restore {
    fn drop(&mut self) {
        give_back(&self.given_back);
        // A panicking thread may not set the hook; ours does no harm once the terminal is given back.
        if !thread::panicking() {
            let before = Arc::clone(&self.before);
            panic::set_hook(Box::new(move |info| before(info)));
        }
    }
}

/// Errors are nobody's to hear: this is the way out.
fn give_back(given: &AtomicBool) {
    if given.swap(true, Ordering::Relaxed) {
        return;
    }
    let _ = disable_raw_mode();
    let _ = execute!(stdout(), LeaveAlternateScreen, crossterm::cursor::Show);
}

/// Shows a site until it is left, a time comes, or somebody else says so.
pub(crate) fn run(handle: Arc<dyn SiteHandle>, until: Option<Instant>, stop: Arc<AtomicBool>) -> Result<()> {
    enable_raw_mode().context("this is no terminal\nhint: --headless needs none")?;
    let _restore = Restore::arm();
    execute!(stdout(), EnterAlternateScreen)?;
    let mut terminal = Terminal::new(CrosstermBackend::new(stdout()))?;
    let mut state = UiState::default();
    while !stop.load(Ordering::Relaxed) && until.is_none_or(|until| Instant::now() < until) {
        let view = handle.view(TRACE_POINTS);
        state.forget(Instant::now());
        terminal.draw(|frame| draw::draw(frame, &view, &state))?;
        if !event::poll(FRAME)? {
            continue;
        }
        let Event::Key(key) = event::read()? else { continue };
        if key.kind == KeyEventKind::Release {
            continue;
        }
        match state.press(key, view.halls.len(), Instant::now()) {
            Wish::Leave => break,
            Wish::Nothing => {}
            wish => state.message = Some((carry_out(handle.as_ref(), wish), Instant::now())),
        }
    }
    Ok(())
}

fn carry_out(handle: &dyn SiteHandle, wish: Wish) -> String {
    let done = match wish {
        Wish::Stop => handle
            .stop(None, "emergency stop at the screen")
            .map(|()| "the whole site is stopped; r resumes".to_owned()),
        _ => handle.resume(None).map(|lifted| format!("{lifted} stop(s) lifted")),
    };
    done.unwrap_or_else(|error| format!("not done: {error}"))
}

/// The view's time as the site's clocks show it.
fn civil(view: &SiteView, at: jiff::Timestamp, format: &str) -> String {
    let zone = jiff::tz::TimeZone::get(&view.time_zone).unwrap_or(jiff::tz::TimeZone::UTC);
    zone.to_datetime(at).strftime(format).to_string()
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
