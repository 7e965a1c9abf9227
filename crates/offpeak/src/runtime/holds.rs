//! Single machines that somebody holds off: in the book first, then in force.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use offpeak_dispatch::{Directives, Hold, HoldPreview, Reason, preview_hold};
use offpeak_server::view::{About, HoldPreviewView, HoldView};
use offpeak_server::{By, HandleError, Holds};
use offpeak_site::{MachineIx, Site};
use offpeak_store::HoldEntry;
use tracing::warn;

use super::answer::{Answers, book_error};
use super::live::lock;
use super::views::{amount, find_machine};

/// The book's holds on this site's machines. A machine that the file no longer has is driven by nobody, so its hold
/// waits in the book.
pub(super) fn in_force(site: &Site, entries: Vec<HoldEntry>) -> Arc<BTreeMap<MachineIx, Hold>> {
    let mut held: BTreeMap<MachineIx, Hold> = BTreeMap::new();
    if entries.is_empty() {
        return Arc::default();
    }
    let places = places(site);
    for HoldEntry { machine, at, until, by, reason } in entries {
        let Some(ix) = places.get(machine.as_str()) else {
            warn!(machine, by, "the book holds a machine off that the site file does not have");
            continue;
        };
        // Who holds longest is told; of two that have no end, the first.
        let longer = |held: &Hold| held.until.is_some_and(|end| until.is_none_or(|until| until > end));
        if held.get(ix).is_none_or(longer) {
            held.insert(*ix, Hold { at, until, by, why: reason });
        }
    }
    Arc::new(held)
}

fn places(site: &Site) -> HashMap<&str, MachineIx> {
    site.machines().map(|(ix, machine)| (machine.id.as_str(), ix)).collect()
}

/// What holds a machine off, as it is shown.
pub(super) fn view(site: &Site, directives: &Directives, ix: MachineIx, now: Timestamp) -> Option<HoldView> {
    directives.hold_of(ix, now).map(|hold| shown(site, ix, hold))
}

fn shown(site: &Site, ix: MachineIx, hold: &Hold) -> HoldView {
    HoldView {
        machine: site.machine(ix).id.clone(),
        at: hold.at,
        until: hold.until,
        by: Some(hold.by.clone()),
        reason: Some(hold.why.clone()),
    }
}

/// A machine's reason in words, with who holds it where somebody does.
pub(super) fn words(
    site: &Site,
    directives: &Directives,
    ix: MachineIx,
    reason: Reason,
    at: Timestamp,
) -> String {
    match directives.hold_of(ix, at).filter(|_| reason == Reason::Held) {
        Some(hold) => hold.describe(),
        None => reason.describe(site),
    }
}

impl Answers {
    /// The machines of these names, each once.
    fn named(&self, site: &Site, names: &[String]) -> Result<BTreeSet<MachineIx>, HandleError> {
        let places = places(site);
        let find = |name: &String| match places.get(name.as_str()) {
            Some(ix) => Ok(*ix),
            None => find_machine(site, name)?.ok_or_else(|| HandleError::NoMachine(name.clone())),
        };
        names.iter().map(find).collect()
    }
    /// A hold's end, which lies ahead.
    fn ends(&self, until: Option<Timestamp>) -> Result<(), HandleError> {
        match until.filter(|until| *until <= self.now()) {
            Some(until) => Err(HandleError::Invalid(format!("`until` is {until}, which has passed"))),
            None => Ok(()),
        }
    }
}

/// Which machines are held, and why, is for who sees machines.
const MACHINES: About = About::Machines { unnamed: None };

fn names(site: &Site, machines: impl IntoIterator<Item = MachineIx>) -> Vec<String> {
    machines.into_iter().map(|ix| site.machine(ix).id.clone()).collect()
}

impl Holds for Answers {
    fn holds(&self) -> Vec<HoldView> {
        let (site, now) = (self.site(), self.now());
        let holds = Arc::clone(&lock(&self.shared.directives).holds);
        let held = holds.iter().filter(|(_, hold)| hold.holds_at(now));
        held.map(|(ix, hold)| shown(&site, *ix, hold)).collect()
    }

    fn hold(&self, machines: &[String], until: Option<Timestamp>, by: By<'_>) -> Result<usize, HandleError> {
        let site = self.site();
        self.ends(until)?;
        let held = names(&site, self.named(&site, machines)?);
        self.shared.book.hold(&held, until, self.now(), by).map_err(book_error)?;
        self.tell_about(MACHINES, format!("{} held off", machine_words(&held)), by);
        self.reload()?;
        Ok(held.len())
    }

    fn release(&self, machines: &[String], by: By<'_>) -> Result<usize, HandleError> {
        let site = self.site();
        let asked = names(&site, self.named(&site, machines)?);
        let released = self.shared.book.release(&asked, self.now(), by).map_err(book_error)?;
        if released.is_empty() {
            return Err(HandleError::Conflict(format!(
                "nobody holds {} off\nhint: `offpeak holds` lists what is held",
                machine_words(&asked)
            )));
        }
        self.tell_about(MACHINES, format!("{} released", machine_words(&released)), by);
        self.reload()?;
        Ok(released.len())
    }

    fn preview_hold(
        &self,
        machines: &[String],
        until: Option<Timestamp>,
    ) -> Result<HoldPreviewView, HandleError> {
        let latest = self.latest().ok_or(HandleError::TooEarly)?;
        let site = self.site();
        self.ends(until)?;
        let chosen = self.named(&site, machines)?;
        let seen = preview_hold(&site, &latest.snapshot, &latest.memory, &chosen);
        let hours = until.map(|until| latest.cycle.at.duration_until(until).as_secs_f64() / 3_600.0);
        Ok(preview_view(&site, seen, chosen.len(), hours))
    }
}

fn preview_view(site: &Site, seen: HoldPreview, machines: usize, hours: Option<f64>) -> HoldPreviewView {
    let cost_per_h = seen.cost_per_hour.map(amount);
    let name = |ix: MachineIx| site.machine(ix).id.clone();
    HoldPreviewView {
        machines,
        before_kw: seen.before.to_kilowatts_f64(),
        after_kw: seen.after.to_kilowatts_f64(),
        stops: seen.stops.into_iter().map(|(ix, action)| (name(ix), action.to_string())).collect(),
        off_already: names(site, seen.off_already),
        left: seen.left.into_iter().map(|(ix, reason)| (name(ix), reason.describe(site))).collect(),
        waiting: seen.waiting,
        takes_s: seen.takes.as_secs_f64(),
        cost_per_h,
        cost: cost_per_h.zip(hours).map(|(cost, hours)| cost * hours),
        currency: site.economics.currency.to_string(),
    }
}

fn machine_words(machines: &[String]) -> String {
    match machines {
        [one] => one.clone(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
        [] => "no machine".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use offpeak_server::SiteHandle as _;

    use super::super::ahead::live_tests::{mine, until};
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_sees_no_machines_is_not_told_which_are_held() {
        let dir = tempfile::tempdir().unwrap();
        let (shared, answers) = mine(dir.path());
        until("the first cycle", || answers.picture().is_some()).await;
        let site = shared.site();
        let held = site.machine(MachineIx(0)).id.clone();
        answers.hold(std::slice::from_ref(&held), None, By { who: "anna", why: "unpaid" }).unwrap();
        let asleep =
            || answers.view(0).decisions.iter().any(|decision| decision.text.contains("held by hand"));
        until("the machine is asked to sleep", asleep).await;
        let ids: Vec<_> = site.machines().map(|(_, machine)| machine.id.clone()).collect();
        let told = |view: &offpeak_server::view::SiteView| {
            let texts = view.decisions.iter().map(|decision| &decision.text).chain(&view.alarms);
            let texts: Vec<_> = texts.cloned().collect();
            let named = texts.iter().any(|text| ids.iter().any(|id| text.contains(id.as_str())));
            (named, texts.iter().any(|text| text.contains("unpaid")))
        };
        let mut view = answers.view(0);
        assert_eq!(told(&view), (true, true));
        view.without_machines();
        assert_eq!(told(&view), (false, false), "{:?}", view.decisions);
        let commands = |view: &offpeak_server::view::SiteView| {
            view.decisions.iter().filter(|decision| decision.text.contains("1 machine: ")).count()
        };
        assert!(commands(&view) > 0, "that one was asked to sleep is told: {:?}", view.decisions);
    }
}
