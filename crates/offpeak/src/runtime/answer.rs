//! Answers what is asked of a running site, and turns orders into entries of the book.
//!
//! Not here: the shapes of what is shown (`views`), and the socket.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use offpeak_dispatch::{Directives, envelope_with, every_limit};
use offpeak_server::view::{
    About, CalendarView, CircuitView, CommandRecord, DirectivesView, Explanation, FloorView, MachinePage,
    MachineView, OrderView, PreviewView, SiteView, StatesView, WhyView,
};
use offpeak_server::{By, Columns, HandleError, MachineQuery, SiteHandle, Stopped};
use offpeak_site::{CircuitIx, CircuitKind, Site};
use offpeak_units::Power;
use tokio::runtime::Handle;

use super::field_answers::Scans;
use super::listing::{self, Index};
use super::live::{self, Latest, Shared, lock};
use super::site_file::SiteFilePlace;
use super::views::{explain, explain_all, find_machine, machine_view, site_view};
use super::{alert_facts, orders, plant_views};

/// A running site's answers.
pub(crate) struct Answers {
    pub(super) shared: Arc<Shared>,
    /// Plant seconds a second of wall time.
    pub(super) speed: u32,
    pub(super) transport: String,
    /// The last view made, its picture and its trace's points: many ask for the same.
    held: Mutex<Option<(u64, usize, SiteView)>>,
    /// What searches look through; remade when the site changes.
    index: Mutex<Option<Arc<Index>>>,
    /// Where copies of the book are.
    copies: PathBuf,
    /// Where the plant's streams are.
    runtime: Handle,
    pub(super) scans: Arc<Mutex<Scans>>,
    /// The site file, where the site has one.
    pub(super) site_file: Option<SiteFilePlace>,
}

impl Answers {
    /// Of a site whose streams are on the runtime that this is called in.
    pub(crate) fn new(shared: Arc<Shared>, speed: u32, transport: &str) -> Self {
        let copies = shared.book.path().with_file_name("copies");
        Self {
            shared,
            speed,
            transport: transport.to_owned(),
            held: Mutex::default(),
            index: Mutex::default(),
            copies,
            runtime: Handle::current(),
            scans: Arc::default(),
            site_file: None,
        }
    }
    /// With another folder for copies of the book.
    pub(crate) fn with_copies(self, copies: Option<PathBuf>) -> Self {
        Self { copies: copies.unwrap_or(self.copies), ..self }
    }
    /// With the file that the site was started with.
    pub(crate) fn with_site_file(self, place: SiteFilePlace) -> Self {
        Self { site_file: Some(place), ..self }
    }
    pub(super) fn copies(&self) -> &Path {
        &self.copies
    }
    pub(super) fn runtime(&self) -> &Handle {
        &self.runtime
    }
    /// The data folder.
    pub(super) fn dir(&self) -> &Path {
        self.shared.book.path().parent().unwrap_or_else(|| Path::new("."))
    }
    pub(super) fn site(&self) -> Arc<Site> {
        self.shared.site()
    }
    pub(super) fn now(&self) -> Timestamp {
        self.shared.now()
    }
    pub(super) fn latest(&self) -> Option<Arc<Latest>> {
        lock(&self.shared.latest).clone()
    }
    pub(super) fn circuit(&self, id: &str) -> Result<CircuitIx, HandleError> {
        let site = self.site();
        site.circuits.find(id).ok_or_else(|| HandleError::no_circuit(&site, id))
    }
    /// What outlasts a start must be on a circuit that the next start has.
    pub(super) fn stays(&self, circuit: &str) -> Result<(), HandleError> {
        if self.site_file.as_ref().is_some_and(|place| place.drops(circuit)) {
            let hint = "order it at what feeds it, or start offpeak with the new file first";
            return Err(HandleError::Invalid(format!(
                "the site file that the next start takes has no `{circuit}`\nhint: {hint}"
            )));
        }
        Ok(())
    }
    fn index(&self, site: &Arc<Site>) -> Arc<Index> {
        let mut held = lock(&self.index);
        match held.as_ref().filter(|index| index.is_of(site)) {
            Some(index) => Arc::clone(index),
            None => Arc::clone(held.insert(Arc::new(Index::new(site)))),
        }
    }
    /// Tells what somebody did.
    pub(super) fn tell(&self, text: String, by: By<'_>) {
        self.tell_about(About::Site, text, by);
    }
    /// Tells it to those whom it is about.
    pub(super) fn tell_about(&self, about: About, text: String, by: By<'_>) {
        let why = if by.why.is_empty() { String::new() } else { format!(": {}", by.why) };
        let text = format!("{text} by {}{why}", by.who);
        lock(&self.shared.story).decide_about(about, self.now(), text);
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
    fn cycle(&self) -> u64 {
        lock(&self.shared.story).cycles
    }

    fn picture(&self) -> Option<u64> {
        let number = self.shared.pictures();
        self.latest().map(|_| number)
    }

    fn now(&self) -> Timestamp {
        Self::now(self)
    }

    fn facts(&self) -> Option<offpeak_alerts::Facts> {
        self.latest().map(|latest| alert_facts::facts(self, &self.site(), &latest))
    }

    fn view(&self, trace_points: usize) -> SiteView {
        let picture = self.picture();
        let latest = self.latest();
        let mut held = lock(&self.held);
        if let Some((of, points, view)) = held.as_ref()
            && (Some(*of), *points) == (picture, trace_points)
        {
            return view.clone();
        }
        let story = lock(&self.shared.story).clone();
        let view = site_view(self, latest.as_deref(), &story, trace_points);
        *held = picture.map(|picture| (picture, trace_points, view.clone()));
        view
    }

    fn machines(&self, query: &MachineQuery) -> Result<MachinePage, HandleError> {
        let site = self.site();
        let Some(latest) = self.latest() else { return Ok(listing::nothing(self.now())) };
        let found = listing::find(self, &site, &self.index(&site), &latest, query)?;
        let story = lock(&self.shared.story);
        let machines = found.page.iter().map(|ix| machine_view(self, &latest, &story, *ix)).collect();
        Ok(MachinePage { at: latest.cycle.at, total: found.total, next: found.next, machines })
    }

    fn machine(&self, name: &str) -> Result<Option<MachineView>, HandleError> {
        let Some(latest) = self.latest() else { return Ok(None) };
        let site = self.site();
        Ok(find_machine(&site, name)?.map(|ix| machine_view(self, &latest, &lock(&self.shared.story), ix)))
    }

    fn history(
        &self,
        machine: &str,
        owner: Option<&str>,
        most: u32,
    ) -> Result<Vec<CommandRecord>, HandleError> {
        let found = self.shared.book.commands_of(machine, most).map_err(book_error)?;
        let stays = self.shared.book.positions(Some(machine)).map_err(book_error)?;
        let theirs = |at| owner.is_none_or(|owner| stays.iter().any(|stay| stay.was_of(owner, at)));
        Ok(found.into_iter().filter(|of| theirs(of.at)).map(plant_views::command).collect())
    }

    fn circuits(&self) -> Vec<CircuitView> {
        plant_views::circuits(&self.site(), self.latest().as_deref())
    }

    fn explain(&self, circuit: &str, at: Option<Timestamp>) -> Result<Explanation, HandleError> {
        let ix = self.circuit(circuit)?;
        let latest = self.latest();
        let site = self.site();
        let when = at.unwrap_or_else(|| self.now());
        let directives = self.directives_at(&site, at)?;
        // Counts of budgets and peaks are of the present: they hold for now and later, and say nothing of the past.
        let counts =
            latest.as_ref().filter(|_| at.is_none_or(|at| at >= self.now())).map(|of| &of.memory.counts);
        // The present cycle knows the meters' means and what imports are worth.
        let present = latest.as_ref().filter(|_| at.is_none());
        let envelope = present.map_or_else(
            || envelope_with(&site, &directives, counts, when),
            |latest| latest.cycle.envelope.clone(),
        );
        let mut explanation = explain(&site, &envelope, ix);
        explain_all(&site, &every_limit(&site, &directives, counts, when), ix, &mut explanation);
        if let (None, Some(latest)) = (at, latest) {
            let load = latest.cycle.loads.circuit(ix);
            explanation.power_kw = load.measured.map(Power::to_kilowatts_f64);
            explanation.floor_kw = Some(load.floor.to_kilowatts_f64());
            let binding = latest.cycle.envelope.circuit(ix).binding;
            let margin =
                binding.zip(latest.cycle.plan.sheds_above(ix)).map(|(limit, above)| limit.power - above);
            explanation.margin_kw = margin.map(Power::to_kilowatts_f64);
            explanation.catalogue_percent = load.corrected_ppm.map(|ppm| ppm as f64 / 1e4);
            explanation.fans = super::fan_views::words_at(&site, &latest, ix);
        }
        Ok(explanation)
    }

    fn calendar(&self, circuit: Option<&str>, days: u16) -> Result<Vec<CalendarView>, HandleError> {
        let circuit = circuit.map_or(Ok(CircuitIx::ROOT), |id| self.circuit(id))?;
        let directives = lock(&self.shared.directives).clone();
        let latest = self.latest();
        let counts = latest.as_ref().map(|latest| &latest.memory.counts);
        Ok(orders::calendar_view(&self.site(), &directives, counts, circuit, self.now(), days))
    }

    fn why(&self, name: &str) -> Result<Option<WhyView>, HandleError> {
        let latest = self.latest().ok_or(HandleError::TooEarly)?;
        let site = self.site();
        Ok(find_machine(&site, name)?.map(|ix| orders::why_view(&site, &latest, ix)))
    }

    fn orders(&self) -> Vec<OrderView> {
        let now = self.now();
        let open = |order: &OrderView| order.until.is_none_or(|until| now < until);
        self.directives().orders.into_iter().filter(open).collect()
    }

    fn floor(&self) -> FloorView {
        plant_views::floor(&self.site())
    }

    fn states(&self, columns: Columns) -> StatesView {
        match self.latest() {
            Some(latest) => plant_views::states(&latest, columns),
            None => plant_views::no_states(self.now(), self.site().machines.len()),
        }
    }

    fn directives(&self) -> DirectivesView {
        let givers = lock(&self.shared.givers).clone();
        plant_views::directives(&self.site(), &lock(&self.shared.directives), &givers)
    }

    fn preview(&self, words: &str, kind: &str) -> Result<PreviewView, HandleError> {
        let latest = self.latest().ok_or(HandleError::TooEarly)?;
        orders::preview_view(self, &latest, words, kind)
    }

    fn stop(&self, circuit: Option<&str>, by: By<'_>) -> Result<Stopped, HandleError> {
        self.stop_circuit(circuit, by)
    }

    fn resume(&self, circuit: Option<&str>, by: By<'_>) -> Result<usize, HandleError> {
        self.lift_stops(circuit, by)
    }

    fn lockout(&self, circuit: &str, worker: &str, by: By<'_>) -> Result<(), HandleError> {
        self.circuit(circuit)?;
        self.stays(circuit)?;
        self.shared.book.lock_out(circuit, self.now(), worker, by).map_err(book_error)?;
        self.tell(format!("lockout at {circuit} for {worker}"), by);
        self.reload()
    }

    fn lift_lockout(
        &self,
        circuit: &str,
        worker: &str,
        manager: bool,
        by: By<'_>,
    ) -> Result<(), HandleError> {
        let ix = self.circuit(circuit)?;
        let whose = (!manager).then_some(worker);
        let lifted = self.shared.book.lift_lockout(circuit, whose, self.now(), by).map_err(book_error)?;
        if lifted == 0 {
            let directives = lock(&self.shared.directives);
            let held = directives.lockouts.iter().find(|lockout| lockout.circuit == ix);
            return Err(held.map_or_else(
                || HandleError::NothingThere(format!("`{circuit}`")),
                |held| HandleError::NotYours { circuit: circuit.to_owned(), by: held.by.clone() },
            ));
        }
        self.tell(format!("lockout at {circuit} lifted for {worker}"), by);
        self.reload()
    }

    fn order(&self, words: &str, kind: &str, by: By<'_>) -> Result<OrderView, HandleError> {
        orders::give(self, words, kind, by)
    }

    fn lift_order(&self, id: u64, by: By<'_>) -> Result<(), HandleError> {
        if !self.shared.book.lift_order(id, self.now(), by).map_err(book_error)? {
            return Err(HandleError::NoOrder(id));
        }
        self.tell(format!("order {id} lifted"), by);
        self.reload()
    }

    fn set_authority(&self, hall: &str, control: bool, by: By<'_>) -> Result<(), HandleError> {
        let ix = self.circuit(hall)?;
        if self.site().circuits.get(ix).kind != CircuitKind::Hall {
            return Err(HandleError::NotAHall(hall.to_owned()));
        }
        self.shared.book.set_authority(hall, control, self.now(), by).map_err(book_error)?;
        self.shared.reload_authority().map_err(|error| HandleError::Book(format!("{error:#}")))?;
        let word = if control { "control" } else { "observe" };
        self.tell(format!("authority in {hall}: {word}"), by);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::super::ahead::live_tests::{mine, until};
    use super::super::entries::places;
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_owner_is_told_what_their_machine_was_asked_since_it_is_theirs() {
        let dir = tempfile::tempdir().unwrap();
        let (shared, answers) = mine(dir.path());
        until("the first cycle", || answers.latest().is_some()).await;
        let mut standing = places(&answers.site());
        standing.truncate(1);
        let id = standing[0].machine.clone();
        shared.book.note_positions(&standing, answers.now() - SignedDuration::from_hours(1), "test").unwrap();
        let by = By { who: "anna", why: "test" };
        answers.stop(None, by).unwrap();
        let asked = |owner| answers.history(&id, owner, 100).unwrap().len();
        until("it was asked to sleep", || asked(None) > 0).await;
        let before = standing[0].owner.clone();
        until("it sleeps", || {
            answers.history(&id, None, 100).unwrap().first().is_some_and(|last| last.state == "confirmed")
        })
        .await;
        assert_eq!(asked(Some(&before)), asked(None));

        standing[0].owner = "the next".to_owned();
        shared.book.note_positions(&standing, answers.now() + SignedDuration::from_secs(1), "test").unwrap();
        assert_eq!((asked(Some("the next")), asked(Some("nobody"))), (0, 0));
        let theirs = asked(Some(&before));
        answers.resume(None, by).unwrap();
        until("it was asked again", || asked(Some("the next")) > 0).await;
        assert_eq!(asked(Some(&before)), theirs, "and the one before is told no more");
    }
}
