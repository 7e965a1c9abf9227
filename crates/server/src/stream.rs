//! The live stream: one picture a second for everybody who watches, made once.
//!
//! A watcher that cannot keep up is told so by a `resync`; nobody waits for it. Before each picture it is asked again who
//! watches: who was signed out, disabled or given another role sees no further one. Not here: the views themselves.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
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

/// From one picture to the next.
const EVERY: Duration = Duration::from_secs(1);
/// Watchers at once.
const WATCHERS_MAX: usize = 200;
/// Pictures that a watcher may be behind before it loses some.
const BEHIND_MAX: usize = 4;

/// One second's picture, ready to be sent.
#[derive(Debug)]
struct Picture {
    site: String,
    site_without_money: String,
    machines: Option<String>,
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
            money: caller.may(Permission::MoneyRead),
            machines: caller.may(Permission::MachinesRead),
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
    let mut view = handle.view(0);
    let json = |view: &crate::view::SiteView| serde_json::to_string(view).unwrap_or_default();
    let site = json(&view);
    view.without_money();
    let site_without_money = json(&view);
    let machines = before.and_then(|before| {
        let states = handle.states(Columns::default());
        let changed = changed(before, &states.state);
        *before = states.state;
        let any = !changed.is_empty();
        any.then(|| serde_json::to_string(&Changed { at: states.at, changed }).unwrap_or_default())
    });
    Picture { site, site_without_money, machines }
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
    money: bool,
    machines: bool,
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
        if self.machines {
            let event = |text: &String| Event::default().event("machines").data(text);
            self.waiting = picture.machines.as_ref().map(event);
        }
        let site = if self.money { &picture.site } else { &picture.site_without_money };
        Some(Event::default().event("site").data(site))
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
