//! Finds machines for a table: filters, order and pages over the last picture, without making a view of each.
//!
//! Not here: the views of those that are found (`views`).

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use offpeak_dispatch::Standing;
use offpeak_server::view::MachinePage;
use offpeak_server::{HandleError, MachineQuery, MachineSort};
use offpeak_site::{CircuitIx, CircuitKind, MachineIx, Reading, Site};
use offpeak_units::Efficiency;

use super::answer::Answers;
use super::live::{Latest, lock};
use super::views::{address_words, state_name, trouble_words};

/// What of a site's machines is the same in every picture.
pub(super) struct Index {
    site: Arc<Site>,
    /// What a search looks through, in lower case: id, model, owner, address, MAC, serial.
    text: Vec<Box<str>>,
    hall: Vec<Option<CircuitIx>>,
}

impl Index {
    pub(super) fn new(site: &Arc<Site>) -> Self {
        let text = site.machines().map(|(_, machine)| {
            let model = site.model(machine.model);
            let address = machine.endpoint.map(|at| address_words(model.family, at)).unwrap_or_default();
            let mac = machine.mac.map(|mac| mac.to_string()).unwrap_or_default();
            let serial = machine.serial.as_deref().unwrap_or_default();
            let owner = &site.owners[usize::from(machine.owner.0)].id;
            let words = [machine.id.as_str(), &model.name, owner, &address, &mac, serial];
            words.join("\n").to_lowercase().into_boxed_str()
        });
        let hall = site.machines().map(|(_, machine)| site.circuits.hall_of(machine.circuit));
        Self { text: text.collect(), hall: hall.collect(), site: Arc::clone(site) }
    }
    pub(super) fn is_of(&self, site: &Arc<Site>) -> bool {
        Arc::ptr_eq(&self.site, site)
    }
}

/// A page's machines.
pub(super) struct Found {
    pub(super) page: Vec<MachineIx>,
    pub(super) total: u64,
    pub(super) next: Option<String>,
}

/// Before the first cycle.
pub(super) fn nothing(at: Timestamp) -> MachinePage {
    MachinePage { at, total: 0, next: None, machines: Vec::new() }
}

/// A query with its names looked up.
struct Filter<'a> {
    hall: Option<CircuitIx>,
    /// By circuit, whether it is the one asked for or below it.
    within: Option<Vec<bool>>,
    states: Vec<Standing>,
    /// Places of the owners and models of this name.
    owner: Option<Option<u16>>,
    models: Option<Vec<bool>>,
    trouble: Option<bool>,
    alerted: BTreeSet<&'a str>,
    held: Option<bool>,
    search: Option<String>,
    answers: &'a Answers,
}

const STANDINGS: [Standing; 7] = [
    Standing::Running,
    Standing::Rising,
    Standing::Falling,
    Standing::Asleep,
    Standing::Cut,
    Standing::Failed,
    Standing::Unknown,
];

impl<'a> Filter<'a> {
    fn new(answers: &'a Answers, site: &Site, query: &'a MachineQuery) -> Result<Self, HandleError> {
        let hall = query.hall.as_deref().map(|hall| answers.circuit(hall)).transpose()?;
        if let Some(hall) = hall.filter(|hall| site.circuits.get(*hall).kind != CircuitKind::Hall) {
            return Err(HandleError::NotAHall(site.circuits.get(hall).id.clone()));
        }
        let top = query.circuit.as_deref().map(|circuit| answers.circuit(circuit)).transpose()?;
        let within = top.map(|top| {
            let mut within = vec![false; site.circuits.len()];
            for (ix, circuit) in site.circuits.iter() {
                within[ix.ix()] = ix == top || circuit.parent.is_some_and(|parent| within[parent.ix()]);
            }
            within
        });
        let place_of = |id: &String| site.owners.iter().position(|owner| owner.id == *id);
        let owner = query.owner.as_ref().map(|id| place_of(id).and_then(|place| u16::try_from(place).ok()));
        let models =
            query.model.as_ref().map(|name| site.models.iter().map(|model| model.name == *name).collect());
        let states =
            STANDINGS.into_iter().filter(|standing| query.states.iter().any(|s| s == state_name(*standing)));
        Ok(Self {
            hall,
            within,
            states: states.collect(),
            owner,
            models,
            trouble: query.trouble,
            alerted: query.alerted.iter().map(String::as_str).collect(),
            held: query.held,
            search: query.search.as_ref().map(|search| search.trim().to_lowercase()),
            answers,
        })
    }

    fn takes(&self, site: &Site, index: &Index, latest: &Latest, ix: MachineIx) -> bool {
        let machine = site.machine(ix);
        self.hall.is_none_or(|hall| index.hall[ix.ix()] == Some(hall))
            && self.within.as_ref().is_none_or(|within| within[machine.circuit.ix()])
            && (self.states.is_empty() || self.states.contains(&latest.cycle.loads.standings[ix.ix()]))
            && self.owner.is_none_or(|owner| owner == Some(machine.owner.0))
            && self.models.as_ref().is_none_or(|models| models[machine.model.ix()])
            && self.trouble.is_none_or(|trouble| self.is_in_trouble(site, latest, ix) == trouble)
            && self
                .held
                .is_none_or(|held| latest.snapshot.directives.hold_of(ix, latest.cycle.at).is_some() == held)
            && self.search.as_ref().is_none_or(|search| self.has(search, index, ix))
    }

    /// Something is wrong between us and it, or an alert names it.
    fn is_in_trouble(&self, site: &Site, latest: &Latest, ix: MachineIx) -> bool {
        trouble_words(site, latest, ix).is_some() || self.alerted.contains(site.machine(ix).id.as_str())
    }

    /// By what the site file says, or what the machine said of itself.
    fn has(&self, search: &str, index: &Index, ix: MachineIx) -> bool {
        if index.text[ix.ix()].contains(search) {
            return true;
        }
        let known = lock(&self.answers.shared.fleet).as_ref().and_then(|fleet| fleet.known(ix));
        known.is_some_and(|known| {
            let mac = known.identity.mac.map(|mac| mac.to_string().to_lowercase());
            let serial = known.identity.serial.as_ref().map(|serial| serial.to_lowercase());
            mac.is_some_and(|mac| mac.contains(search))
                || serial.is_some_and(|serial| serial.contains(search))
        })
    }
}

/// What machines are put in order by; `None` comes last either way.
fn key(sort: MachineSort, reading: Option<&Reading>, at: Timestamp) -> Option<i64> {
    let reading = reading?;
    match sort {
        MachineSort::Place => None,
        MachineSort::Power => reading.power.map(offpeak_units::Power::to_milliwatts),
        MachineSort::HashRate => reading.hash_rate.map(|rate| (rate.to_terahashes_f64() * 1e3) as i64),
        MachineSort::Temperature => reading.temperature.map(|t| (t.to_celsius_f64() * 1e3) as i64),
        MachineSort::Age => Some(reading.at.duration_until(at).as_secs()),
        MachineSort::Efficiency => {
            let efficiency = Efficiency::of(reading.power?, reading.hash_rate?)?;
            Some((efficiency.to_joules_per_terahash_f64() * 1e3) as i64)
        }
    }
}

/// A machine's place in the order, which is total: `(no value, value, place)`.
type Rank = (bool, i64, u32);

/// The page that a query asks for.
pub(super) fn find(
    answers: &Answers,
    site: &Site,
    index: &Index,
    latest: &Latest,
    query: &MachineQuery,
) -> Result<Found, HandleError> {
    let after = query.after.as_deref().map(read_cursor).transpose()?;
    let filter = Filter::new(answers, site, query)?;
    let rank = |ix: MachineIx| -> Rank {
        let value = key(query.sort, latest.snapshot.machines[ix.ix()].reading.as_ref(), latest.cycle.at);
        match (value, query.sort, query.descending) {
            (None, MachineSort::Place, true) => (false, -i64::from(ix.0), 0),
            (None, ..) => (true, 0, ix.0),
            (Some(value), _, true) => (false, Reverse(value).0.saturating_neg(), ix.0),
            (Some(value), ..) => (false, value, ix.0),
        }
    };
    let all = site.machines().map(|(ix, _)| ix).filter(|ix| filter.takes(site, index, latest, *ix));
    let mut ranked: Vec<(Rank, MachineIx)> = all.map(|ix| (rank(ix), ix)).collect();
    let total = ranked.len() as u64;
    if let Some(after) = after {
        ranked.retain(|(rank, _)| *rank > after);
    }
    let end = query.skip.saturating_add(query.limit);
    let more = ranked.len() > end;
    if more {
        // Only the page is sorted; the rest is merely behind it.
        ranked.select_nth_unstable(end);
        ranked.truncate(end);
    }
    ranked.sort_unstable();
    ranked.drain(..query.skip.min(ranked.len()));
    let next = ranked.last().filter(|_| more).map(|(rank, _)| write_cursor(rank));
    Ok(Found { page: ranked.into_iter().map(|(_, ix)| ix).collect(), total, next })
}

fn write_cursor((none, value, place): &Rank) -> String {
    format!("{}.{value}.{place}", u8::from(*none))
}

fn read_cursor(text: &str) -> Result<Rank, HandleError> {
    let read = || {
        let (none, rest) = text.split_once('.')?;
        let (value, place) = rest.split_once('.')?;
        let none = matches!(none, "1").then_some(true).or(matches!(none, "0").then_some(false))?;
        Some((none, value.parse().ok()?, place.parse().ok()?))
    };
    read().ok_or_else(|| HandleError::Invalid(format!("`{text}` names no page; `after` is a page's `next`")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_and_garbage_is_refused() {
        for rank in [(false, -5, 0), (true, 0, 7), (false, i64::MIN, u32::MAX)] {
            assert_eq!(read_cursor(&write_cursor(&rank)), Ok(rank));
        }
        for text in ["", "2.0.0", "0.x.1", "0.1", "0.1.-1", "..", "0.99999999999999999999.1"] {
            assert!(read_cursor(text).is_err(), "{text}");
        }
    }
}
