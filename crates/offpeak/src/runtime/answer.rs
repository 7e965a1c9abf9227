//! Answers what is asked of a running site, and turns orders into entries of the book.
//!
//! Not here: the shapes of what is shown (`views`), and the socket.

use std::sync::Arc;

use jiff::Timestamp;
use offpeak_dispatch::{Directives, Order, envelope, every_limit};
use offpeak_site::{CircuitIx, CircuitKind, Site};
use offpeak_units::Power;

use super::live::{self, Latest, Shared, lock};
use super::orders;
use super::views::{explain, explain_all, find_machine, machine_view, site_view};
use crate::handle::{HandleError, MachineFilter, SiteHandle};
use crate::view::{CalendarView, Explanation, MachineView, OrderView, PreviewView, SiteView, WhyView};

/// Who asks through the local socket: the user that the data folder belongs to. It tells nothing finer.
const LOCAL: &str = "local socket";

/// A running site's answers.
pub(crate) struct Answers {
    pub(super) shared: Arc<Shared>,
    /// Plant seconds a second of wall time.
    pub(super) speed: u32,
    pub(super) transport: String,
}

impl Answers {
    pub(crate) fn new(shared: Arc<Shared>, speed: u32, transport: &str) -> Self {
        Self { shared, speed, transport: transport.to_owned() }
    }
    pub(super) fn site(&self) -> Arc<Site> {
        self.shared.site()
    }
    pub(super) fn now(&self) -> Timestamp {
        self.shared.now()
    }
    fn latest(&self) -> Option<Arc<Latest>> {
        lock(&self.shared.latest).clone()
    }
    pub(super) fn circuit(&self, id: &str) -> Result<CircuitIx, HandleError> {
        let site = self.site();
        site.circuits.find(id).ok_or_else(|| HandleError::no_circuit(&site, id))
    }
    /// What is ordered and told now, or was ordered at a time that has passed; what was told then is not kept.
    fn directives_at(&self, site: &Site, at: Option<Timestamp>) -> Result<Directives, HandleError> {
        match at.filter(|at| *at < self.now()) {
            None => Ok(lock(&self.shared.directives).clone()),
            Some(then) => {
                let ordered = self.shared.book.in_force_then(then).map_err(book_error)?;
                live::directives(site, ordered).map_err(|error| HandleError::Book(format!("{error:#}")))
            }
        }
    }
    /// After a change in the book: the loop takes it in at once.
    pub(super) fn reload(&self) -> Result<(), HandleError> {
        self.shared.reload_directives().map_err(|error| HandleError::Book(format!("{error:#}")))
    }
}

pub(super) fn book_error(error: offpeak_store::BookError) -> HandleError {
    HandleError::Book(error.to_string())
}

impl SiteHandle for Answers {
    fn view(&self, trace_points: usize) -> SiteView {
        let story = lock(&self.shared.story).clone();
        let latest = self.latest();
        site_view(self, latest.as_deref(), &story, trace_points)
    }

    fn machines(&self, filter: &MachineFilter) -> Result<Vec<MachineView>, HandleError> {
        let site = self.site();
        if let Some(hall) = &filter.hall
            && site.circuits.get(self.circuit(hall)?).kind != CircuitKind::Hall
        {
            return Err(HandleError::NotAHall(hall.clone()));
        }
        let Some(latest) = self.latest() else { return Ok(Vec::new()) };
        let story = lock(&self.shared.story);
        let all = site.machines().map(|(ix, _)| machine_view(self, &latest, &story, ix));
        Ok(all
            .filter(|view| filter.hall.as_ref().is_none_or(|hall| *hall == view.hall))
            .filter(|view| filter.state.as_ref().is_none_or(|state| *state == view.state))
            .collect())
    }

    fn machine(&self, name: &str) -> Result<Option<MachineView>, HandleError> {
        let Some(latest) = self.latest() else { return Ok(None) };
        let site = self.site();
        Ok(find_machine(&site, name)?.map(|ix| machine_view(self, &latest, &lock(&self.shared.story), ix)))
    }

    fn explain(&self, circuit: &str, at: Option<Timestamp>) -> Result<Explanation, HandleError> {
        let ix = self.circuit(circuit)?;
        let latest = self.latest();
        let site = self.site();
        let when = at.unwrap_or_else(|| self.now());
        let directives = self.directives_at(&site, at)?;
        // The present cycle knows the meters' means and what imports are worth.
        let present = latest.as_ref().filter(|_| at.is_none());
        let envelope = present
            .map_or_else(|| envelope(&site, &directives, when), |latest| latest.cycle.envelope.clone());
        let mut explanation = explain(&site, &envelope, ix);
        explain_all(&site, &every_limit(&site, &directives, when), ix, &mut explanation);
        if let (None, Some(latest)) = (at, latest) {
            let load = latest.cycle.loads.circuit(ix);
            explanation.power_kw = load.measured.map(Power::to_kilowatts_f64);
            explanation.floor_kw = Some(load.floor.to_kilowatts_f64());
            let binding = latest.cycle.envelope.circuit(ix).binding;
            let margin =
                binding.zip(latest.cycle.plan.sheds_above(ix)).map(|(limit, above)| limit.power - above);
            explanation.margin_kw = margin.map(Power::to_kilowatts_f64);
            explanation.fans = super::fan_views::words_at(&site, &latest, ix);
        }
        Ok(explanation)
    }

    fn stop(&self, circuit: Option<&str>, reason: &str) -> Result<(), HandleError> {
        let root = self.site().circuits.get(CircuitIx::ROOT).id.clone();
        let circuit = circuit.unwrap_or(&root);
        self.circuit(circuit)?;
        self.shared.book.stop(circuit, self.now(), reason, LOCAL).map_err(book_error)?;
        lock(&self.shared.story).decide(self.now(), format!("operator's stop at {circuit}: {reason}"));
        self.reload()
    }

    fn resume(&self, circuit: Option<&str>) -> Result<usize, HandleError> {
        circuit.map(|circuit| self.circuit(circuit)).transpose()?;
        let lifted = self.shared.book.resume(circuit, self.now(), LOCAL).map_err(book_error)?;
        if lifted == 0 {
            return Err(HandleError::NothingThere(
                circuit.map_or_else(|| "the site".to_owned(), |id| format!("`{id}`")),
            ));
        }
        lock(&self.shared.story).decide(self.now(), format!("{lifted} stop(s) lifted"));
        self.reload()?;
        Ok(lifted)
    }

    fn lockout(&self, circuit: &str, by: &str) -> Result<(), HandleError> {
        self.circuit(circuit)?;
        self.shared.book.lock_out(circuit, self.now(), by).map_err(book_error)?;
        lock(&self.shared.story).decide(self.now(), format!("lockout at {circuit} by {by}"));
        self.reload()
    }

    fn lift_lockout(&self, circuit: &str, by: &str, manager: bool) -> Result<(), HandleError> {
        let ix = self.circuit(circuit)?;
        let whose = (!manager).then_some(by);
        let lifted = self.shared.book.lift_lockout(circuit, whose, self.now(), by).map_err(book_error)?;
        if lifted == 0 {
            let directives = lock(&self.shared.directives);
            let held = directives.lockouts.iter().find(|lockout| lockout.circuit == ix);
            return Err(held.map_or_else(
                || HandleError::NothingThere(format!("`{circuit}`")),
                |held| HandleError::NotYours { circuit: circuit.to_owned(), by: held.by.clone() },
            ));
        }
        lock(&self.shared.story).decide(self.now(), format!("lockout at {circuit} lifted by {by}"));
        self.reload()
    }

    fn order(&self, words: &str, kind: &str) -> Result<OrderView, HandleError> {
        orders::give(self, words, kind)
    }

    fn lift_order(&self, id: u64) -> Result<(), HandleError> {
        if !self.shared.book.lift_order(id, self.now(), LOCAL).map_err(book_error)? {
            return Err(HandleError::NoOrder(id));
        }
        lock(&self.shared.story).decide(self.now(), format!("order {id} lifted"));
        self.reload()
    }

    fn orders(&self) -> Vec<OrderView> {
        let (site, now) = (self.site(), self.now());
        let directives = lock(&self.shared.directives);
        let open = |order: &&Order| order.until.is_none_or(|until| now < until);
        directives.orders.iter().filter(open).map(|order| orders::view(&site, order)).collect()
    }

    fn preview(&self, words: &str, kind: &str) -> Result<PreviewView, HandleError> {
        let latest = self.latest().ok_or(HandleError::TooEarly)?;
        orders::preview_view(self, &latest, words, kind)
    }

    fn why(&self, name: &str) -> Result<Option<WhyView>, HandleError> {
        let latest = self.latest().ok_or(HandleError::TooEarly)?;
        let site = self.site();
        Ok(find_machine(&site, name)?.map(|ix| orders::why_view(&site, &latest, ix)))
    }

    fn calendar(&self, circuit: Option<&str>, days: u16) -> Result<Vec<CalendarView>, HandleError> {
        let circuit = circuit.map_or(Ok(CircuitIx::ROOT), |id| self.circuit(id))?;
        let directives = lock(&self.shared.directives).clone();
        Ok(orders::calendar_view(&self.site(), &directives, circuit, self.now(), days))
    }

    fn set_authority(&self, hall: &str, control: bool) -> Result<(), HandleError> {
        let ix = self.circuit(hall)?;
        if self.site().circuits.get(ix).kind != CircuitKind::Hall {
            return Err(HandleError::NotAHall(hall.to_owned()));
        }
        self.shared.book.set_authority(hall, control, self.now(), LOCAL).map_err(book_error)?;
        self.shared.reload_authority().map_err(|error| HandleError::Book(format!("{error:#}")))?;
        let word = if control { "control" } else { "observe" };
        lock(&self.shared.story).decide(self.now(), format!("authority in {hall}: {word}"));
        Ok(())
    }
}
