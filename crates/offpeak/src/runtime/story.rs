//! What a running site tells about itself: the last cycle, counts, money of the day, a trace of
//! power against its limit, the latest decisions. Kept in memory, bounded; the book keeps what must last.
//! Not here: how the trace is thinned (`trace`).

use std::collections::{BTreeMap, VecDeque};

use jiff::civil::{Date, Time};
use jiff::{SignedDuration, Timestamp};
use offpeak_dispatch::{BatchVerdict, Command, CommandState, Cycle, MeterSays, Snapshot, Transition, Veto};
use offpeak_site::{Action, Activity, CircuitIx, MachineIx, Site};
use offpeak_units::{Energy, HashRate, Hashes, Money, Power};

use super::trace::{Point, Trace};
use offpeak_server::view::{About, CommandsView};

/// Decisions remembered.
const DECISIONS: usize = 200;
/// Between two cycles; what was drawn over a longer time is not known from its end.
const STRETCH_MAX: SignedDuration = SignedDuration::from_mins(1);

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
    /// The civil time that its sums begin at: midnight, unless nobody looked at it then.
    since: Time,
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
    /// Who is told so.
    pub(crate) about: About,
}

/// Everything told.
#[derive(Clone, Debug)]
pub(crate) struct Story {
    pub(crate) counts: CommandsView,
    pub(crate) today: Today,
    pub(crate) trace: Trace,
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
            trace: Trace::default(),
            decisions: VecDeque::new(),
            vetoes: 0,
            cycles: 0,
            refusals: BTreeMap::new(),
            last: None,
        }
    }

    /// Of a plant whose past is known from this instant on; see [`Story::add_past`].
    pub(crate) fn since(site: &Site, from: Timestamp) -> Self {
        Self { last: Some(from), ..Self::new(site, from) }
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
        for batch in &cycle.batches {
            *match batch.says {
                MeterSays::Agrees => &mut self.counts.meter_agrees,
                MeterSays::Disagrees => &mut self.counts.meter_disagrees,
                MeterSays::MachineOnly => &mut self.counts.meter_cannot_tell,
            } += 1;
        }
        self.add_decisions(site, cycle);
        let measured = cycle.loads.circuit(CircuitIx::ROOT).measured;
        let limit = cycle.envelope.circuit(CircuitIx::ROOT).binding;
        self.add_drawn(site, snapshot, measured);
        let (limit, source) = (limit.map(|limit| limit.power), limit.map(|limit| limit.source));
        self.trace.add(Point { at: cycle.at, measured, limit, source });
    }

    /// Takes in a stretch before the first cycle, of a plant that was simulated so far: its energy at the
    /// revenue meter, its hashes, and the power and limit at its end. No price changes within it.
    pub(crate) fn add_past(&mut self, site: &Site, energy: Energy, hashes: Hashes, end: Point) {
        if let Some(from) = self.last {
            self.today.add(site, from, from.duration_until(end.at), energy, hashes);
        }
        self.trace.add(end);
        self.reach(site, end.at);
    }

    fn add_decisions(&mut self, site: &Site, cycle: &Cycle) {
        let mut groups: BTreeMap<(Action, String), Vec<MachineIx>> = BTreeMap::new();
        for Command { action, reason, machine, .. } in &cycle.commands {
            groups.entry((*action, reason.describe(site))).or_default().push(*machine);
        }
        for ((action, reason), machines) in groups {
            match &machines[..] {
                [one] => {
                    let unnamed = Some(format!("{action} 1 machine: {reason}"));
                    let text = format!("{action} {}: {reason}", site.machine(*one).id);
                    self.decide_about(About::Machines { unnamed }, cycle.at, text);
                }
                more => self.decide(cycle.at, format!("{action} {} machines: {reason}", more.len())),
            }
        }
        for command in &cycle.fan_commands {
            let word = if command.run { "run" } else { "stop" };
            self.decide(cycle.at, format!("fans {}: asked to {word}", site.fans[command.fans.ix()].id));
        }
        let at_odds = cycle.batches.iter().filter(|batch| batch.says == MeterSays::Disagrees);
        for batch in at_odds {
            self.decide(cycle.at, disagreement(site, batch));
        }
        for Veto { circuit, cause, .. } in &cycle.vetoes {
            let text = format!("checker at {}: {cause}", site.circuits.get(*circuit).id);
            self.decide(cycle.at, text);
        }
    }

    /// Notes something worth telling everybody who sees the site.
    pub(crate) fn decide(&mut self, at: Timestamp, text: String) {
        self.decide_about(About::Site, at, text);
    }

    /// Notes something worth telling.
    pub(crate) fn decide_about(&mut self, about: About, at: Timestamp, text: String) {
        self.decisions.push_back(Decision { at, text, about });
        while self.decisions.len() > DECISIONS {
            self.decisions.pop_front();
        }
    }

    /// What was drawn and hashed since the cycle before.
    fn add_drawn(&mut self, site: &Site, snapshot: &Snapshot, measured: Option<Power>) {
        if let Some(from) = self.last {
            let passed = from.duration_until(snapshot.at).max(SignedDuration::ZERO);
            match measured.filter(|_| passed <= STRETCH_MAX) {
                Some(power) => {
                    let millis = i64::try_from(passed.as_millis()).expect("a minute in milliseconds");
                    let (energy, hashes) =
                        (power.over_millis(millis), hash_rate(snapshot).over_millis(millis));
                    self.today.add(site, from, passed, energy, hashes);
                }
                None => self.today.unmetered += passed,
            }
        }
        self.reach(site, snapshot.at);
    }

    /// All is told up to this instant; past midnight another day begins.
    fn reach(&mut self, site: &Site, at: Timestamp) {
        self.last = Some(at);
        if site.time_zone.to_datetime(at).date() != self.today.date {
            let over = std::mem::replace(&mut self.today, Today::new(site, at));
            self.decide_about(About::Money, at, over.closed());
        }
    }
}

/// A meter that moved otherwise than the machines say.
fn disagreement(site: &Site, batch: &BatchVerdict) -> String {
    let BatchVerdict { confirmed, commands, least, most, .. } = batch;
    let moved = batch.measured.map_or_else(|| "is silent".to_owned(), |by| format!("moved by {by}"));
    format!(
        "meter at {}: {moved}; {confirmed} of {commands} commands confirmed come to {least} to {most}",
        site.circuits.get(batch.circuit).id
    )
}

impl Today {
    fn new(site: &Site, at: Timestamp) -> Self {
        let (zero, civil) = (Money::zero(site.economics.currency), site.time_zone.to_datetime(at));
        Self {
            date: civil.date(),
            since: civil.time(),
            energy: Energy::ZERO,
            hashes: Hashes::ZERO,
            cost: zero,
            revenue: zero,
            unmetered: SignedDuration::ZERO,
            unpriced: SignedDuration::ZERO,
        }
    }
    /// Takes a stretch in, at the prices of its start: half-open, it belongs to the hour it begins in.
    fn add(&mut self, site: &Site, from: Timestamp, passed: SignedDuration, energy: Energy, hashes: Hashes) {
        self.energy += energy;
        self.hashes += hashes;
        let power_price = site.economics.power_price_at(&site.time_zone, from);
        let hash_price = site.economics.hash_price_at(&site.time_zone, from);
        let (Some(power_price), Some(hash_price)) = (power_price, hash_price) else {
            self.unpriced += passed;
            return;
        };
        let same = "prices of one site share its currency";
        self.cost = self.cost.checked_add(power_price.of(energy)).expect(same);
        self.revenue = self.revenue.checked_add(hash_price.of(hashes)).expect(same);
    }
    /// The day in a line, for the decisions.
    fn closed(&self) -> String {
        // A cycle a little after midnight began it.
        let since = match self.since {
            since if since.hour() == 0 && since.minute() == 0 => String::new(),
            since => format!(" since {}", since.strftime("%H:%M")),
        };
        let unmetered = match self.unmetered.as_secs() {
            0 => String::new(),
            seconds => format!(", {} min unmetered", (seconds + 59) / 60),
        };
        format!(
            "{}{since} is over: {:.1} MWh, {} earned - {} paid = {}{unmetered}",
            self.date.strftime("%A"),
            self.energy.to_kilowatt_hours_f64() / 1e3,
            self.revenue,
            self.cost,
            self.margin(),
        )
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
