//! Stops: in force at once, then in the book. Power is taken away whether or not a disk answers, so one that the book
//! does not take holds all the same, is said to be nowhere but in memory, and is written as soon as the book takes it.
//!
//! Not here: everything else that is ordered, which is in the book before it is in force.

use std::collections::BTreeSet;
use std::sync::MutexGuard;

use anyhow::Result;
use offpeak_dispatch::{Directives, Stop};
use offpeak_server::{By, HandleError, Stopped};
use offpeak_site::{CircuitIx, Site};
use offpeak_store::{Deed, StopEntry};
use tracing::{info, warn};

use super::answer::{Answers, book_error};
use super::live::{Shared, lock};

/// Stops that the book does not have.
#[derive(Debug, Default)]
pub(crate) struct Unbooked {
    stops: Vec<InMemory>,
    next: u64,
}

#[derive(Clone, Debug)]
struct InMemory {
    number: u64,
    entry: StopEntry,
    by: String,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It is being written for the first time.
    Underway,
    /// The book did not take it, and is asked again.
    Refused,
    /// The next start has no such circuit, so it cannot outlast this one.
    UntilRestart,
}

impl Unbooked {
    /// Adds them to those of the book.
    pub(super) fn add_to(&self, directives: &mut Directives, site: &Site) {
        for InMemory { entry, .. } in &self.stops {
            if let Some(circuit) = site.circuits.find(&entry.circuit) {
                directives.stops.push(Stop { circuit, at: entry.at, reason: entry.reason.clone() });
            }
        }
    }

    /// How many are told to be nowhere but in memory.
    fn told(&self) -> usize {
        self.stops.iter().filter(|stop| stop.state != State::Underway).count()
    }

    fn forget(&mut self, number: u64) {
        self.stops.retain(|stop| stop.number != number);
    }
}

impl Shared {
    /// Puts a stop in force before anything is written.
    fn stop_now(&self, circuit: CircuitIx, entry: StopEntry, by: &str, state: State) -> InMemory {
        let mut directives = lock(&self.directives);
        let mut unbooked = lock(&self.unbooked);
        let stop = InMemory { number: unbooked.next, entry, by: by.to_owned(), state };
        unbooked.next += 1;
        directives.stops.push(Stop { circuit, at: stop.entry.at, reason: stop.entry.reason.clone() });
        unbooked.stops.push(stop.clone());
        drop((directives, unbooked));
        self.changed();
        stop
    }

    /// Writes one that is in force.
    fn book_stop(&self, stop: &InMemory) -> Result<()> {
        let StopEntry { circuit, at, reason } = &stop.entry;
        self.book.stop(circuit, *at, reason, &stop.by)?;
        self.reload_directives_and(|shared| lock(&shared.unbooked).forget(stop.number))
    }

    /// Writes what the book did not take before. One that it refuses again ends this.
    pub(crate) fn book_stops(&self) -> Result<()> {
        // Two at once would write each twice.
        let alone = lock(&self.booking);
        self.book_refused(&alone)
    }

    /// As [`Self::book_stops`], unless somebody is at it: a disk that hangs takes one thread and no more.
    pub(crate) fn ask_book_again(&self) {
        let Ok(alone) = self.booking.try_lock() else { return };
        if let Err(error) = self.book_refused(&alone) {
            warn!(error = %format!("{error:#}"), "the book still does not take a stop that is in force");
        }
    }

    fn book_refused(&self, _alone: &MutexGuard<'_, ()>) -> Result<()> {
        let of = |stop: &&InMemory| stop.state == State::Refused;
        let refused: Vec<InMemory> = lock(&self.unbooked).stops.iter().filter(of).cloned().collect();
        for stop in refused {
            self.book_stop(&stop)?;
            info!(circuit = stop.entry.circuit, "a stop is in the book now");
        }
        Ok(())
    }

    /// On which of these circuits a stop is that is still to be written, if there is one.
    pub(super) fn books_later(&self, circuits: &BTreeSet<String>) -> Option<String> {
        let unbooked = lock(&self.unbooked);
        let mut waiting = unbooked.stops.iter().filter(|stop| stop.state != State::UntilRestart);
        waiting.find(|stop| circuits.contains(&stop.entry.circuit)).map(|stop| stop.entry.circuit.clone())
    }

    /// Whether the book is to be asked again.
    pub(crate) fn has_refused_stops(&self) -> bool {
        lock(&self.unbooked).stops.iter().any(|stop| stop.state == State::Refused)
    }

    /// How many stops a restart would forget.
    pub(super) fn stops_in_memory(&self) -> usize {
        lock(&self.unbooked).told()
    }
}

impl Answers {
    pub(super) fn stop_circuit(&self, circuit: Option<&str>, by: By<'_>) -> Result<Stopped, HandleError> {
        let site = self.site();
        let ix = circuit.map_or(Ok(CircuitIx::ROOT), |id| self.circuit(id))?;
        let id = site.circuits.get(ix).id.clone();
        let entry = StopEntry { circuit: id.clone(), at: self.now(), reason: by.why.to_owned() };
        let is_dropped = self.site_file.as_ref().is_some_and(|place| place.drops(&id));
        let state = if is_dropped { State::UntilRestart } else { State::Underway };
        let stop = self.shared.stop_now(ix, entry, by.who, state);
        self.tell(format!("operator's stop at {id}"), by);
        if is_dropped {
            let why = format!("the site file that the next start takes has no `{id}`");
            self.note_stop("stop until the next start", &id, by);
            return Ok(Stopped::InMemory(why));
        }
        match self.shared.book_stop(&stop) {
            Ok(()) => Ok(Stopped::InBook),
            Err(error) => {
                warn!(circuit = id, error = %format!("{error:#}"), "a stop is in force and not in the book");
                let mut unbooked = lock(&self.shared.unbooked);
                let kept = unbooked.stops.iter_mut().filter(|kept| kept.number == stop.number);
                kept.for_each(|kept| kept.state = State::Refused);
                Ok(Stopped::InMemory(format!("the book did not take it: {error:#}")))
            }
        }
    }

    /// What no table of the book holds is in the audit chain all the same.
    fn note_stop(&self, what: &str, subject: &str, by: By<'_>) {
        let deed = Deed { who: by.who, what, subject, why: by.why };
        if let Err(error) = self.shared.book.note(self.now(), &deed) {
            warn!(%error, what, subject, "the audit chain did not take it");
        }
    }

    /// Lifts the stops of a circuit, or all of them. What is in memory alone goes into the book first, so that the
    /// audit chain has it.
    pub(super) fn lift_stops(&self, circuit: Option<&str>, by: By<'_>) -> Result<usize, HandleError> {
        circuit.map(|circuit| self.circuit(circuit)).transpose()?;
        self.shared.book_stops().map_err(|error| HandleError::Book(format!("{error:#}")))?;
        let lifted = self.shared.book.resume(circuit, self.now(), by).map_err(book_error)?;
        let mut in_memory = 0;
        let forget = |shared: &Shared| {
            let stops = &mut lock(&shared.unbooked).stops;
            let before = stops.len();
            let is_lifted = |stop: &InMemory| {
                stop.state == State::UntilRestart && circuit.is_none_or(|id| stop.entry.circuit == id)
            };
            stops.retain(|stop| !is_lifted(stop));
            in_memory = before - stops.len();
        };
        let reloaded = self.shared.reload_directives_and(forget);
        reloaded.map_err(|error| HandleError::Book(format!("{error:#}")))?;
        if lifted + in_memory == 0 {
            return Err(HandleError::NothingThere(
                circuit.map_or_else(|| "the site".to_owned(), |id| format!("`{id}`")),
            ));
        }
        if lifted == 0 {
            self.note_stop("resume", circuit.unwrap_or("every circuit"), by);
        }
        self.tell(format!("{} stop(s) lifted", lifted + in_memory), by);
        Ok(lifted + in_memory)
    }
}

#[cfg(test)]
mod tests {
    use offpeak_server::SiteHandle as _;
    use rusqlite::Connection;

    use super::super::ahead::live_tests::{mine, until};
    use super::*;

    const BY: By<'_> = By { who: "anna", why: "smoke in the hall" };

    fn reasons(shared: &Shared) -> Vec<String> {
        let in_force = shared.book.in_force(shared.now()).unwrap();
        in_force.stops.into_iter().map(|stop| stop.reason).collect()
    }

    /// The book of a full disk: it is read, and takes nothing.
    #[tokio::test(start_paused = true)]
    async fn a_stop_holds_without_the_book_and_is_in_it_once_the_book_takes_it() {
        let dir = tempfile::tempdir().unwrap();
        let (shared, answers) = mine(dir.path());
        until("the first cycle", || answers.picture().is_some()).await;
        let beside = Connection::open(dir.path().join("book.sqlite")).unwrap();
        let full = "CREATE TRIGGER full BEFORE INSERT ON stop BEGIN SELECT RAISE(ABORT, 'disk is full'); END";
        beside.execute_batch(full).unwrap();

        let Stopped::InMemory(why) = answers.stop(None, BY).unwrap() else { panic!("the book is full") };
        assert!(why.contains("disk is full"), "{why}");
        assert!(reasons(&shared).is_empty());
        until("the stop binds", || answers.view(0).limit.is_some_and(|limit| limit.limit_kw == 0.0)).await;
        // Whatever else makes the book be read anew does not forget it.
        shared.reload_directives().unwrap();
        assert_eq!(answers.directives().stops.len(), 1);
        let told = || answers.view(0).alarms.iter().any(|alarm| alarm.contains("not in the book"));
        assert!(told(), "{:?}", answers.view(0).alarms);
        let failed = answers.resume(None, BY).unwrap_err();
        assert!(matches!(&failed, HandleError::Book(why) if why.contains("disk is full")), "{failed}");
        assert_eq!(answers.directives().stops.len(), 1, "it stays until the chain has it");

        beside.execute_batch("DROP TRIGGER full").unwrap();
        until("the book has it", || !reasons(&shared).is_empty()).await;
        until("nothing is only in memory", || shared.stops_in_memory() == 0).await;
        assert_eq!(reasons(&shared), ["smoke in the hall"]);
        assert_eq!((answers.directives().stops.len(), told()), (1, false));
        assert_eq!(answers.resume(None, BY).unwrap(), 1);
        assert!(answers.directives().stops.is_empty() && reasons(&shared).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_is_in_the_book_when_it_is_answered() {
        let dir = tempfile::tempdir().unwrap();
        let (shared, answers) = mine(dir.path());
        until("the first cycle", || answers.picture().is_some()).await;
        assert_eq!(answers.stop(None, BY).unwrap(), Stopped::InBook);
        assert_eq!((reasons(&shared).len(), answers.directives().stops.len()), (1, 1));
        let there = HandleError::Circuit { asked: "attic".into(), hint: String::new() };
        let error = answers.stop(Some("attic"), BY).unwrap_err();
        assert_eq!(std::mem::discriminant(&error), std::mem::discriminant(&there), "{error}");
    }
}
