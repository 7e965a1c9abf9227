//! The live terminal view: draws a [`SiteView`] four times a second and passes keys on. Keeps no state of
//! the mine; not here: where the view comes from.

mod chart;
mod draw;

use std::io::stdout;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
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

/// What the screen remembers between pictures.
#[derive(Clone, Debug, Default)]
pub(crate) struct UiState {
    /// The chosen hall.
    pub(crate) hall: usize,
    /// Set by the first press of an emergency stop.
    pub(crate) stop_asked: Option<Instant>,
    /// What the last key did.
    pub(crate) message: String,
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
        let control_c = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
        let asked = self.stop_asked.take().filter(|at| now.duration_since(*at) < SECOND_PRESS);
        match key.code {
            _ if control_c => Wish::Leave,
            KeyCode::Char('q') => Wish::Leave,
            KeyCode::Char('s') if asked.is_some() => Wish::Stop,
            KeyCode::Char('s') => {
                self.stop_asked = Some(now);
                self.message = "Emergency stop of the whole site: press s again".to_owned();
                Wish::Nothing
            }
            KeyCode::Char('r') => Wish::Resume,
            KeyCode::Down | KeyCode::Right => {
                self.hall = (self.hall + 1) % halls.max(1);
                Wish::Nothing
            }
            KeyCode::Up | KeyCode::Left => {
                self.hall = (self.hall + halls.max(1) - 1) % halls.max(1);
                Wish::Nothing
            }
            _ => {
                self.message.clear();
                Wish::Nothing
            }
        }
    }
}

/// Gives the terminal back whatever happens.
struct Restore;

impl Drop for Restore {
    fn drop(&mut self) {
        let _ = disable_raw_mode();
        let _ = execute!(stdout(), LeaveAlternateScreen, crossterm::cursor::Show);
    }
}

/// Shows a site until it is left, a time comes, or somebody else says so.
pub(crate) fn run(handle: Arc<dyn SiteHandle>, until: Option<Instant>, stop: Arc<AtomicBool>) -> Result<()> {
    enable_raw_mode().context("this is no terminal\nhint: --headless needs none")?;
    let _restore = Restore;
    execute!(stdout(), EnterAlternateScreen)?;
    let mut terminal = Terminal::new(CrosstermBackend::new(stdout()))?;
    let mut state = UiState::default();
    while !stop.load(Ordering::Relaxed) && until.is_none_or(|until| Instant::now() < until) {
        let view = handle.view(TRACE_POINTS);
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
            wish => state.message = carry_out(handle.as_ref(), wish),
        }
    }
    Ok(())
}

fn carry_out(handle: &dyn SiteHandle, wish: Wish) -> String {
    let done = match wish {
        Wish::Stop => handle.stop(None, "emergency stop at the screen").map(|()| "stopped".to_owned()),
        _ => handle.resume(None).map(|lifted| format!("{lifted} stop(s) lifted")),
    };
    done.unwrap_or_else(|error| error.to_string())
}

/// The view's time as the site's clocks show it.
fn civil(view: &SiteView, at: jiff::Timestamp, format: &str) -> String {
    let zone = jiff::tz::TimeZone::get(&view.time_zone).unwrap_or(jiff::tz::TimeZone::UTC);
    zone.to_datetime(at).strftime(format).to_string()
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
