//! The live terminal view: draws a [`SiteView`] four times a second and passes keys on. Keeps no state of
//! the mine; not here: where the view comes from.

mod chart;
mod draw;
mod halls;
mod terminal;
mod words;

use std::io::stdout;
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use anyhow::Result;
use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;

use offpeak_server::view::SiteView;
use offpeak_server::{By, SiteHandle, Stopped};

/// Between two pictures.
const FRAME: Duration = Duration::from_millis(250);
/// The second press of an emergency stop comes within this,
const SECOND_STOP: Duration = Duration::from_secs(3);
/// and that of leaving a controller within this.
const SECOND_LEAVE: Duration = Duration::from_secs(10);
/// Points of the trace that a chart can use: all that are kept, so that an hour of two days has its detail.
const TRACE_POINTS: usize = 4_096;

/// What is noted at the start is told so much longer.
const NOTE_SHOWN: Duration = Duration::from_secs(50);
/// What a key did is told this long.
const MESSAGE_SHOWN: Duration = Duration::from_secs(10);

/// Who acts by a key, and why.
const AT_THE_SCREEN: By<'_> = By { who: "the screen", why: "emergency stop at the screen" };

/// What leaving the screen ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Leaving {
    /// A demo: it may be left at once.
    #[default]
    Demo,
    /// The controller of a mine: it asks first.
    Controller,
}

/// What was asked and waits for a second press of the same key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    Stop,
    Leave,
}

impl Question {
    const fn waits(self) -> Duration {
        match self {
            Self::Stop => SECOND_STOP,
            Self::Leave => SECOND_LEAVE,
        }
    }
}

/// How far back the chart goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Span {
    #[default]
    All,
    SixHours,
    Hour,
}

impl Span {
    const fn next(self) -> Self {
        match self {
            Self::All => Self::SixHours,
            Self::SixHours => Self::Hour,
            Self::Hour => Self::All,
        }
    }
    const fn seconds(self) -> Option<f64> {
        match self {
            Self::All => None,
            Self::SixHours => Some(6.0 * 3_600.0),
            Self::Hour => Some(3_600.0),
        }
    }
}

/// What the screen remembers between pictures.
#[derive(Clone, Debug, Default)]
pub(crate) struct UiState {
    /// What leaving ends.
    pub(crate) leaving: Leaving,
    /// The chosen hall.
    pub(crate) hall: usize,
    /// Whether that hall is shown in detail, in place of the list.
    pub(crate) details: bool,
    /// How far back the chart goes.
    pub(crate) span: Span,
    /// Set by the first press of a key that takes two.
    pub(crate) asked: Option<(Question, Instant)>,
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
    /// Takes a key in; a stop takes two, and so does leaving a controller.
    fn press(&mut self, key: KeyEvent, halls: usize, now: Instant) -> Wish {
        self.forget(now);
        let asked = self.asked.take();
        self.message = None;
        let control_c = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('q') => return self.second(Question::Leave, asked, key.kind, now),
            _ if control_c => return self.second(Question::Leave, asked, key.kind, now),
            KeyCode::Char('s') => return self.second(Question::Stop, asked, key.kind, now),
            KeyCode::Char('r') => return Wish::Resume,
            KeyCode::Char('t') => self.span = self.span.next(),
            KeyCode::Down | KeyCode::Right => self.hall = (self.hall + 1) % halls.max(1),
            KeyCode::Up | KeyCode::Left => self.hall = (self.hall + halls.max(1) - 1) % halls.max(1),
            KeyCode::Enter => self.details = !self.details,
            KeyCode::Esc => self.details = false,
            _ => {}
        }
        Wish::Nothing
    }

    /// A key that asks at its first press and acts at its second; a demo is left at the first.
    fn second(
        &mut self,
        question: Question,
        asked: Option<(Question, Instant)>,
        kind: KeyEventKind,
        now: Instant,
    ) -> Wish {
        let again = asked.is_some_and(|(before, _)| before == question);
        match question {
            Question::Leave if self.leaving == Leaving::Demo => return Wish::Leave,
            // A held key is no second press, where the terminal tells the two apart.
            _ if kind == KeyEventKind::Repeat => self.asked = again.then_some((question, now)),
            Question::Leave if again => return Wish::Leave,
            Question::Stop if again => return Wish::Stop,
            _ => self.asked = Some((question, now)),
        }
        Wish::Nothing
    }

    /// Drops what has been shown for long enough.
    fn forget(&mut self, now: Instant) {
        self.asked = self.asked.filter(|(question, at)| now.duration_since(*at) < question.waits());
        self.message = self.message.take().filter(|(_, at)| now.duration_since(*at) < MESSAGE_SHOWN);
    }
}

/// Why a screen closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closed {
    /// By a key.
    Left,
    /// Its time came, or somebody else said so.
    Over,
    /// Its terminal is gone: a line that broke, a window that was closed.
    Gone,
}

/// Shows a site until it is left, a time comes, somebody else says so, or the terminal is gone. What waits for the
/// first picture hears of it, or that there will be none.
pub(crate) fn run(
    handle: &dyn SiteHandle,
    leaving: Leaving,
    until: Option<Instant>,
    stop: &AtomicBool,
    note: Option<String>,
    first: Sender<()>,
) -> Result<Closed> {
    let mut first = Some(first);
    let _borrowed = terminal::Borrowed::take()?;
    // Dropped, it shows the cursor, which is done already, and panics where it cannot: the terminal may be gone.
    let mut terminal = ManuallyDrop::new(Terminal::new(CrosstermBackend::new(stdout()))?);
    // A message is forgotten after its time; this one has some more.
    let message = note.map(|note| (note, Instant::now() + NOTE_SHOWN));
    let mut state = UiState { leaving, message, ..UiState::default() };
    while !stop.load(Ordering::Relaxed) && until.is_none_or(|until| Instant::now() < until) {
        let view = handle.view(TRACE_POINTS);
        state.forget(Instant::now());
        let drawn = terminal.draw(|frame| draw::draw(frame, &view, &state)).map(drop);
        first.take();
        if terminal::wait(FRAME)? == terminal::Waited::Gone {
            return Ok(Closed::Gone);
        }
        drawn?;
        while event::poll(Duration::ZERO)? {
            let Event::Key(key) = event::read()? else { continue };
            if key.kind == KeyEventKind::Release {
                continue;
            }
            match state.press(key, view.halls.len(), Instant::now()) {
                Wish::Leave => return Ok(Closed::Left),
                Wish::Nothing => {}
                wish => state.message = Some((carry_out(handle, wish), Instant::now())),
            }
        }
    }
    Ok(Closed::Over)
}

fn carry_out(handle: &dyn SiteHandle, wish: Wish) -> String {
    let done = match wish {
        Wish::Stop => handle.stop(None, AT_THE_SCREEN).map(|stopped| match stopped {
            Stopped::InBook => "the whole site is stopped; r resumes".to_owned(),
            Stopped::InMemory(why) => format!("the whole site is stopped, in memory only: {why}"),
        }),
        _ => handle.resume(None, AT_THE_SCREEN).map(|lifted| format!("{lifted} stop(s) lifted")),
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
