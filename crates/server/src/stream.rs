//! The live stream: one picture a second for everybody who watches, made once.
//!
//! A watcher that cannot keep up is told so by a `resync`; nobody waits for it. Before each picture it is asked again who
//! watches: who was signed out, disabled or given another role sees no further one. Not here: the views themselves.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::sse::Event;
use serde::Serialize;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast};
use tokio::time::{MissedTickBehavior, interval};

use crate::access::{Caller, Permission};
use crate::handle::{Columns, SiteHandle};
use crate::problem::Problem;
use crate::view::SiteView;

/// From one picture to the next.
const EVERY: Duration = Duration::from_secs(1);
/// Watchers at once.
const WATCHERS_MAX: usize = 200;
/// Pictures that a watcher may be behind before it loses some.
const BEHIND_MAX: usize = 4;

/// What of the site as a whole somebody sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sees {
    money: bool,
    machines: bool,
}

impl Sees {
    pub(crate) fn of(caller: &Caller) -> Self {
        Self { money: caller.may(Permission::MoneyRead), machines: caller.may(Permission::MachinesRead) }
    }
    /// What is left of all that there is to see.
    pub(crate) fn narrowed(self, mut view: SiteView) -> SiteView {
        if !self.money {
            view.without_money();
        }
        if !self.machines {
            view.without_machines();
        }
        view
    }
    const fn place(self) -> usize {
        self.money as usize * 2 + self.machines as usize
    }
}

/// One second's picture.
#[derive(Debug)]
struct Picture {
    view: SiteView,
    /// As it is sent to those who see so much of it, by [`Sees::place`]: made for the first of them.
    sent: [OnceLock<String>; 4],
    machines: Option<String>,
}

impl Picture {
    fn of(&self, sees: Sees) -> &str {
        let made = || serde_json::to_string(&sees.narrowed(self.view.clone())).unwrap_or_default();
        self.sent[sees.place()].get_or_init(made)
    }
}

/// Machines that changed state since the picture before.
#[derive(Debug, Serialize)]
struct Changed {
    at: jiff::Timestamp,
    /// Place in the order of the floor, and the letter of its state.
    changed: Vec<(u32, char)>,
}

/// Everybody who watches.
#[derive(Debug)]
pub(crate) struct Stream {
    pictures: broadcast::Sender<Arc<Picture>>,
    places: Arc<Semaphore>,
    painting: AtomicBool,
    before: Mutex<String>,
}

impl Default for Stream {
    fn default() -> Self {
        let places = Arc::new(Semaphore::new(WATCHERS_MAX));
        Self {
            pictures: broadcast::channel(BEHIND_MAX).0,
            places,
            painting: AtomicBool::new(false),
            before: Mutex::default(),
        }
    }
}

/// Whether whoever watches may still do so, with all that they might when they began.
pub(crate) type Still = Box<dyn Fn() -> bool + Send>;

impl Stream {
    /// A watcher's events, as long as they may see them.
    pub(crate) fn subscribe(
        &self,
        handle: &Arc<dyn SiteHandle>,
        caller: &Caller,
        still: Still,
    ) -> Result<impl Watch + use<>, Problem> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
            let detail = format!("{WATCHERS_MAX} watch already, and there is room for no more");
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too-many-watchers", detail).hint("try again later")
        })?;
        let first = paint(handle.as_ref(), None);
        let watcher = Watcher {
            pictures: self.pictures.subscribe(),
            first: Some(Arc::new(first)),
            waiting: None,
            still,
            sees: Sees::of(caller),
            _place: place,
        };
        Ok(watcher.events())
    }

    /// Paints for ever, while somebody watches.
    pub(crate) async fn run(&self, handle: Arc<dyn SiteHandle>) {
        if self.painting.swap(true, Ordering::Relaxed) {
            return;
        }
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            if self.pictures.receiver_count() == 0 {
                self.before.lock().unwrap_or_else(PoisonError::into_inner).clear();
                continue;
            }
            let picture = {
                let mut before = self.before.lock().unwrap_or_else(PoisonError::into_inner);
                paint(handle.as_ref(), Some(&mut before))
            };
            // Nobody there any more is no trouble.
            let _ = self.pictures.send(Arc::new(picture));
        }
    }
}

/// A stream of events.
pub(crate) trait Watch:
    futures_core::Stream<Item = Result<Event, Infallible>> + Send + 'static
{
}
impl<T: futures_core::Stream<Item = Result<Event, Infallible>> + Send + 'static> Watch for T {}

fn paint(handle: &dyn SiteHandle, before: Option<&mut String>) -> Picture {
    let view = handle.view(0);
    let machines = before.and_then(|before| {
        let states = handle.states(Columns::default());
        let changed = changed(before, &states.state);
        *before = states.state;
        let any = !changed.is_empty();
        any.then(|| serde_json::to_string(&Changed { at: states.at, changed }).unwrap_or_default())
    });
    Picture { view, sent: Default::default(), machines }
}

/// Places and letters that differ; nothing at the first look, and everything when machines came or went.
fn changed(before: &str, now: &str) -> Vec<(u32, char)> {
    if before.is_empty() {
        return Vec::new();
    }
    let all = before.len() != now.len();
    let pairs = (0_u32..).zip(now.bytes().zip(before.bytes().chain(std::iter::repeat(0))));
    pairs
        .filter(|(_, (now, before))| all || now != before)
        .map(|(place, (now, _))| (place, now.into()))
        .collect()
}

struct Watcher {
    pictures: broadcast::Receiver<Arc<Picture>>,
    first: Option<Arc<Picture>>,
    /// The second event of a picture.
    waiting: Option<Event>,
    still: Still,
    sees: Sees,
    _place: OwnedSemaphorePermit,
}

impl Watcher {
    fn events(self) -> impl Watch {
        futures_util::stream::unfold(self, |mut watcher| async move {
            let event = watcher.next().await?;
            Some((Ok(event), watcher))
        })
    }

    async fn next(&mut self) -> Option<Event> {
        if let Some(event) = self.waiting.take() {
            return Some(event);
        }
        let picture = match self.first.take() {
            Some(first) => first,
            None => match self.pictures.recv().await {
                Ok(picture) => picture,
                Err(RecvError::Lagged(_)) => return Some(Event::default().event("resync").data("{}")),
                Err(RecvError::Closed) => return None,
            },
        };
        if !(self.still)() {
            return None;
        }
        if self.sees.machines {
            let event = |text: &String| Event::default().event("machines").data(text);
            self.waiting = picture.machines.as_ref().map(event);
        }
        Some(Event::default().event("site").data(picture.of(self.sees)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changed_is_told() {
        assert_eq!(changed("", "rrs"), []);
        assert_eq!(changed("rrs", "rrs"), []);
        assert_eq!(changed("rrs", "rus"), [(1, 'u')]);
        assert_eq!(changed("r", "rs"), [(0, 'r'), (1, 's')]);
    }
}
