//! What a running site tells about itself: the last cycle, counts, money of the day, a trace of
//! power against its limit, the latest decisions. Kept in memory, bounded; the book keeps what must last.

use std::collections::{BTreeMap, VecDeque};

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use offpeak_dispatch::{Command, CommandState, Cycle, Snapshot, Transition, Veto};
use offpeak_site::{Action, Activity, CircuitIx, Site};
use offpeak_units::{Energy, HashRate, Hashes, Money, Power};

use crate::view::CommandsView;

/// A point of the trace every so often,
const TRACE_EVERY: SignedDuration = SignedDuration::from_secs(10);
/// for a day and a half.
const TRACE_POINTS: usize = 13_000;
/// Decisions remembered.
const DECISIONS: usize = 200;

/// Power against its limit at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    pub(crate) at: Timestamp,
    pub(crate) measured: Option<Power>,
    pub(crate) limit: Option<Power>,
}

/// Takes a command's change of state into the counts.
fn count(counts: &mut CommandsView, transition: &Transition) {
    let wakes = matches!(transition.action, Action::Wake | Action::Restore | Action::SetMode(_));
    match &transition.state {
        CommandState::Issued => {
            counts.issued += 1;
            *(if wakes { &mut counts.wakes_issued } else { &mut counts.sleeps_issued }) += 1;
        }
        CommandState::Confirmed => {
            counts.confirmed += 1;
            *(if wakes { &mut counts.wakes_confirmed } else { &mut counts.sleeps_confirmed }) += 1;
        }
        CommandState::Accepted => {}
        CommandState::Refused(_) => counts.refused += 1,
        CommandState::Unanswered(_) => counts.unanswered += 1,
        CommandState::TimedOut => counts.timed_out += 1,
        CommandState::Superseded => counts.superseded += 1,
    }
}

/// Energy and money since civil midnight.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Today {
    pub(crate) date: Date,
    pub(crate) energy: Energy,
    /// By the machines' own word: the pool is not asked yet.
    pub(crate) hashes: Hashes,
    /// Without the stretches that have no price.
    pub(crate) cost: Money,
    pub(crate) revenue: Money,
    /// Time without a meter, which is in none of the sums.
    pub(crate) unmetered: SignedDuration,
    /// Time with energy but without a price.
    pub(crate) unpriced: SignedDuration,
}

/// A decision worth telling: some commands of one kind for one reason.
#[derive(Clone, Debug)]
pub(crate) struct Decision {
    pub(crate) at: Timestamp,
    pub(crate) text: String,
}

/// Everything told.
#[derive(Clone, Debug)]
pub(crate) struct Story {
    pub(crate) counts: CommandsView,
    pub(crate) today: Today,
    pub(crate) trace: VecDeque<Point>,
    pub(crate) decisions: VecDeque<Decision>,
    pub(crate) vetoes: u64,
    pub(crate) cycles: u64,
    /// The last word of machines that refused or fell out, by machine.
    pub(crate) refusals: BTreeMap<u32, (Timestamp, String)>,
    last: Option<Timestamp>,
}

impl Story {
    pub(crate) fn new(site: &Site, at: Timestamp) -> Self {
        Self {
            counts: CommandsView::default(),
            today: Today::new(site, at),
            trace: VecDeque::new(),
            decisions: VecDeque::new(),
            vetoes: 0,
            cycles: 0,
            refusals: BTreeMap::new(),
            last: None,
        }
    }

    /// Takes in a cycle.
    pub(crate) fn add(&mut self, site: &Site, snapshot: &Snapshot, cycle: &Cycle) {
        self.cycles += 1;
        self.vetoes += cycle.vetoes.len() as u64;
        for transition in &cycle.transitions {
            count(&mut self.counts, transition);
            if let CommandState::Refused(words) = &transition.state {
                self.refusals.insert(transition.machine.0, (transition.at, words.clone()));
            }
        }
        self.add_decisions(site, cycle);
        let root = cycle.loads.circuit(CircuitIx::ROOT);
        let limit = cycle.envelope.circuit(CircuitIx::ROOT).binding.map(|limit| limit.power);
        self.add_money(site, snapshot, root.measured);
        if self.trace.back().is_none_or(|point| point.at.duration_until(cycle.at) >= TRACE_EVERY) {
            self.add_point(Point { at: cycle.at, measured: root.measured, limit });
        }
        self.last = Some(cycle.at);
    }

    pub(crate) fn add_point(&mut self, point: Point) {
        self.trace.push_back(point);
        while self.trace.len() > TRACE_POINTS {
            self.trace.pop_front();
        }
    }

    fn add_decisions(&mut self, site: &Site, cycle: &Cycle) {
        let mut groups: BTreeMap<(Action, String), u32> = BTreeMap::new();
        for Command { action, reason, .. } in &cycle.commands {
            *groups.entry((*action, reason.describe(site))).or_default() += 1;
        }
        for ((action, reason), count) in groups {
            let text = format!("{action} {count}: {reason}");
            self.decide(cycle.at, text);
        }
        for Veto { circuit, cause, .. } in &cycle.vetoes {
            let text = format!("checker at {}: {cause}", site.circuits.get(*circuit).id);
            self.decide(cycle.at, text);
        }
    }

    /// Notes something worth telling.
    pub(crate) fn decide(&mut self, at: Timestamp, text: String) {
        self.decisions.push_back(Decision { at, text });
        while self.decisions.len() > DECISIONS {
            self.decisions.pop_front();
        }
    }

    fn add_money(&mut self, site: &Site, snapshot: &Snapshot, measured: Option<Power>) {
        let at = snapshot.at;
        if site.time_zone.to_datetime(at).date() != self.today.date {
            self.today = Today::new(site, at);
        }
        let Some(last) = self.last else { return };
        let passed = last.duration_until(at);
        let millis = i64::try_from(passed.as_millis()).unwrap_or(0).max(0);
        let Some(power) = measured else {
            self.today.unmetered += passed;
            return;
        };
        let (energy, hashes) = (power.over_millis(millis), hash_rate(snapshot).over_millis(millis));
        self.today.energy += energy;
        self.today.hashes += hashes;
        let power_price = site.economics.power_price_at(&site.time_zone, at);
        let hash_price = site.economics.hash_price_at(&site.time_zone, at);
        let (Some(power_price), Some(hash_price)) = (power_price, hash_price) else {
            self.today.unpriced += passed;
            return;
        };
        let same = "prices of one site share its currency";
        self.today.cost = self.today.cost.checked_add(power_price.of(energy)).expect(same);
        self.today.revenue = self.today.revenue.checked_add(hash_price.of(hashes)).expect(same);
    }
}

impl Today {
    fn new(site: &Site, at: Timestamp) -> Self {
        let zero = Money::zero(site.economics.currency);
        Self {
            date: site.time_zone.to_datetime(at).date(),
            energy: Energy::ZERO,
            hashes: Hashes::ZERO,
            cost: zero,
            revenue: zero,
            unmetered: SignedDuration::ZERO,
            unpriced: SignedDuration::ZERO,
        }
    }
    pub(crate) fn margin(&self) -> Money {
        self.revenue.checked_sub(self.cost).expect("both are in the site's currency")
    }
}

/// What the machines that answer and hash claim together.
pub(crate) fn hash_rate(snapshot: &Snapshot) -> HashRate {
    snapshot
        .machines
        .iter()
        .filter(|seen| seen.trouble.is_none())
        .filter_map(|seen| seen.reading)
        .filter(|reading| reading.activity == Activity::Hashing)
        .filter_map(|reading| reading.hash_rate)
        .sum()
}
