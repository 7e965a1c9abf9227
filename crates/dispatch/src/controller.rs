//! One control cycle: the steps in their order, and the little that is kept between cycles to save
//! work. Everything kept is derived; dropping it changes no command.

use std::sync::Arc;

use jiff::Timestamp;
use offpeak_site::{CircuitIx, LimitSpan, Measure, MeterIx, MeterReading, Site, Tuning};
use offpeak_units::{HashPrice, Power, Price};

use crate::aim;
use crate::batch::{self, BatchVerdict};
use crate::check::{self, Veto};
use crate::correction;
use crate::directive::Directives;
use crate::envelope::{Envelope, Known, Spans};
use crate::fans::{self, FanCommand, FanTransition};
use crate::frame::Frame;
use crate::limits;
use crate::load::Loads;
use crate::memory::Memory;
use crate::meter_filter::MeterFilter;
use crate::plan::{Plan, Slack, plan};
use crate::quality;
use crate::rank::{self, Ranking, rank};
use crate::reconcile::{self, Command, CommandState, Transition, sooner};
use crate::share;
use crate::snapshot::Snapshot;

/// What one cycle decided.
#[derive(Clone, Debug)]
pub struct Cycle {
    /// The instant.
    pub at: Timestamp,
    /// What is allowed.
    pub envelope: Envelope,
    /// What is drawn, and how the machines stand.
    pub loads: Loads,
    /// What each machine should do, and why.
    pub plan: Plan,
    /// What the checker objected to; already applied to the plan.
    pub vetoes: Vec<Veto>,
    /// To be sent.
    pub commands: Vec<Command>,
    /// To be sent to fans.
    pub fan_commands: Vec<FanCommand>,
    /// Fan commands that changed state.
    pub fan_transitions: Vec<FanTransition>,
    /// Commands that changed state.
    pub transitions: Vec<Transition>,
    /// Batches of commands that ended, and what the meters make of them.
    pub batches: Vec<BatchVerdict>,
    /// When the passing of time alone will next change something.
    pub wake_at: Timestamp,
}

/// Runs cycles over one site.
#[derive(Clone, Debug)]
pub struct Controller {
    site: Arc<Site>,
    frame: Arc<Frame>,
    memory: Memory,
    /// Circuits with a meter at them or below them, children first.
    metered: Vec<CircuitIx>,
    spans: Option<Spans>,
    ranking: Option<Ranked>,
    last: Option<Quiet>,
}

/// The ranking at some prices.
#[derive(Clone, Debug)]
struct Ranked {
    power_price: Option<Price>,
    hash_price: Option<HashPrice>,
    /// When the contract's span began; imports come and go with it.
    span_from: Timestamp,
    /// The quarter of an hour; who was served what goes into the order, and what each machine reaches.
    quarter: i64,
    /// The plan of the hours ahead that is followed, and its step.
    ahead: Option<(Timestamp, usize)>,
    /// When a model that rests for money is to be looked at again.
    again_at: Option<Timestamp>,
    worth: Option<Power>,
    ranking: Arc<Ranking>,
}

/// What a quiet second is judged by.
#[derive(Clone, Debug)]
struct Quiet {
    wake_at: Timestamp,
    loads: Loads,
    slack: Vec<Slack>,
    /// The limits on means in force.
    on_means: Vec<(MeterIx, Measure, Power)>,
}

impl Controller {
    /// A controller that remembers this.
    #[must_use]
    pub fn new(site: Arc<Site>, memory: Memory) -> Self {
        let mut has_meter = vec![false; site.circuits.len()];
        for (ix, circuit) in site.circuits.iter().rev() {
            has_meter[ix.ix()] |= circuit.meter.is_some();
            if let Some(parent) = circuit.parent.filter(|_| has_meter[ix.ix()]) {
                has_meter[parent.ix()] = true;
            }
        }
        let metered = site.circuits.iter().rev().map(|(ix, _)| ix).filter(|ix| has_meter[ix.ix()]).collect();
        let frame = Arc::new(Frame::new(&site));
        Self { site, frame, memory, metered, spans: None, ranking: None, last: None }
    }

    /// What it remembers.
    #[must_use]
    pub const fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Lets the next commands' generations begin here: the book has handed out a new range.
    pub fn set_generation(&mut self, generation: u64) {
        self.memory.generation = self.memory.generation.max(generation);
    }

    /// Takes in the meters' newest readings; every reading is to pass here once.
    pub fn observe(&mut self, meters: &[Option<MeterReading>]) {
        let Memory { meters: filters, means, frozen, counts, .. } = &mut self.memory;
        counts.feed(&self.site, meters);
        for (((filter, means), frozen), reading) in filters.iter_mut().zip(means).zip(frozen).zip(meters) {
            if let Some(reading) = reading {
                frozen.feed(*reading);
                filter.feed(*reading);
                means.feed(*reading, i64::from(self.site.time_zone.to_offset(reading.at).seconds()));
            }
        }
    }

    /// Whether a cycle now would send nothing and leave the memory as it is, given that no machine,
    /// order or command result has changed since the last cycle and that the meters were observed.
    pub fn is_quiet(&mut self, now: Timestamp) -> bool {
        let Some(last) = self.last.as_mut().filter(|last| now < last.wake_at) else { return false };
        let offset_s = i64::from(self.site.time_zone.to_offset(now).seconds());
        let overdrawn = last.on_means.iter().any(|(meter, measure, nominal)| {
            self.memory.means[meter.ix()].allowance(*nominal, *measure, now, offset_s) < *nominal
        });
        if overdrawn {
            return false;
        }
        let measured: Vec<bool> =
            self.metered.iter().map(|ix| last.loads.circuit(*ix).measured.is_some()).collect();
        last.loads.refresh(&self.site, &self.memory, &self.metered, now);
        self.metered.iter().zip(measured).all(|(ix, was_measured)| {
            let (load, slack) = (last.loads.circuit(*ix), last.slack[ix.ix()]);
            load.measured.is_some() == was_measured
                && slack.shed_above.is_none_or(|level| load.expected <= level)
                && slack.start_at.is_none_or(|level| load.upper > level)
        })
    }

    /// One cycle.
    pub fn cycle(&mut self, snapshot: &Snapshot) -> Cycle {
        let now = snapshot.at;
        let site = Arc::clone(&self.site);
        self.observe(&snapshot.meters);
        let frame = Arc::clone(&self.frame);
        let settled = reconcile::settle(&site, &frame, snapshot, &mut self.memory);
        let mut fan_transitions = fans::settle(&site, snapshot, &mut self.memory);
        self.memory.ready |= self.is_ready(snapshot);

        let Spans { now: span, next, .. } = self.spans(now);
        let ranked = self.ranked(&snapshot.directives, span, now);
        let Ranked { worth, again_at, ref ranking, .. } = ranked;
        self.memory.counts.judge(&site, now);
        let known = Known { means: &self.memory.means, worth, counts: Some(&self.memory.counts) };
        let envelope = Envelope::with_spans(&site, &snapshot.directives, now, span, next, known);
        let loads = Loads::new(&site, &frame, snapshot, &self.memory);
        let learns = self.memory.served.count(&site, &loads, now);
        if learns {
            correction::learn(&site, &loads, &mut self.memory, now);
            quality::note(&site, snapshot, &loads, &mut self.memory);
            self.memory.meters.iter_mut().for_each(MeterFilter::adapt);
        }
        for (meter, frozen) in site.meters.iter().zip(&mut self.memory.frozen) {
            frozen.note(loads.circuit(meter.circuit).settled());
        }
        fans::note_idle(&site, &loads.standings, now, &mut self.memory);
        let mut plan = plan(&site, &frame, snapshot, &envelope, &loads, ranking, &self.memory);
        let vetoes = check::check(&site, &frame, snapshot, &envelope, &self.memory, &plan);
        check::apply(&site, &vetoes, &mut plan);
        self.memory.release.clone_from(&plan.release);
        self.memory.admitted.clone_from(&plan.admitted);

        let (commands, issued) =
            reconcile::issue(&site, &frame, snapshot.at, &plan, &loads, &mut self.memory);
        let (fan_commands, asked) = fans::issue(&site, snapshot, &plan.fans, &mut self.memory);
        fan_transitions.extend(asked);
        self.note_promises(&loads, &issued);
        let aims = commands.is_empty() && self.take_aim(snapshot, &envelope, &loads, &ranked, span.until);
        let (batches, batch_ends_at) =
            batch::follow(&site, &frame, now, &settled, &issued, &loads, &mut self.memory);
        let mut transitions = settled.transitions;
        transitions.extend(issued);
        let changes_at = sooner(settled.changes_at, batch_ends_at);
        let changes_at = sooner(changes_at, self.memory.aim.again_at);
        let changes_at = sooner(changes_at, fans::next_change(&site, &self.memory, now));
        let changes_at = sooner(changes_at, snapshot.directives.next_release(now));
        let next_second = now + jiff::SignedDuration::from_secs(1);
        let busy = plan.ramp_limited || !vetoes.is_empty() || !commands.is_empty() || !self.memory.ready;
        let busy = busy || !fan_commands.is_empty() || learns || aims;
        let wake_at = if busy {
            next_second
        } else {
            sooner(sooner(Some(envelope.changes_at), changes_at), again_at)
                .unwrap_or(next_second)
                .min(next_price_hour(now))
        };
        self.last = Some(Quiet {
            wake_at,
            loads: Loads {
                circuits: loads.circuits.clone(),
                standings: vec![],
                awake: vec![],
                relieves: vec![],
                ..loads
            },
            slack: plan.slack.clone(),
            on_means: envelope.on_means(&site),
        });
        Cycle {
            at: now,
            envelope,
            loads,
            plan,
            vetoes,
            commands,
            fan_commands,
            fan_transitions,
            transitions,
            batches,
            wake_at,
        }
    }

    /// Works out what is best for the machines that run, where they may be tuned and it is time; the next cycle goes by
    /// it, so that no order waits for it. Says whether it did.
    fn take_aim(
        &mut self,
        snapshot: &Snapshot,
        envelope: &Envelope,
        loads: &Loads,
        ranked: &Ranked,
        until: Timestamp,
    ) -> bool {
        let due = self.memory.aim.again_at.is_none_or(|at| at <= snapshot.at);
        if self.site.rules.tuning == Tuning::default() || !due || !self.memory.ready {
            return false;
        }
        let moment = aim::Moment {
            site: &self.site,
            frame: &self.frame,
            snapshot,
            envelope,
            loads,
            ranking: &ranked.ranking,
            memory: &self.memory,
            prices: (ranked.power_price, ranked.hash_price),
            until,
        };
        self.memory.aim = moment.aim();
        true
    }

    /// Remembers what each circuit is to come down to with the reductions just issued.
    fn note_promises(&mut self, loads: &Loads, issued: &[Transition]) {
        let mut ordered = vec![Power::ZERO; self.site.circuits.len()];
        for transition in issued.iter().filter(|transition| transition.state == CommandState::Issued) {
            for circuit in self.site.circuits.path(self.frame.places()[transition.machine.ix()].circuit) {
                ordered[circuit.ix()] += transition.relief;
            }
        }
        let is_new = ordered.iter().any(|ordered| !ordered.is_zero());
        self.memory.relief_ppm = if is_new { Some(loads.relief_ppm) } else { self.memory.relief_ppm };
        let circuits = self.memory.promised.iter_mut().zip(&loads.circuits).zip(ordered);
        for ((promised, load), ordered) in circuits {
            *promised = load.promise(ordered);
        }
    }

    /// Whether the revenue meter speaks and every machine has been asked.
    fn is_ready(&self, snapshot: &Snapshot) -> bool {
        let root = self.site.revenue_meter();
        snapshot.meters[root.ix()].is_some() && snapshot.machines.iter().all(crate::Seen::was_asked)
    }

    /// The contract's present and next span; the time-zone rules are asked only when those no longer hold.
    fn spans(&mut self, now: Timestamp) -> Spans {
        let held = self.spans.filter(|spans| spans.hold_at(now));
        *self.spans.insert(held.unwrap_or_else(|| Spans::at(&self.site, now)))
    }

    /// The ranking at present prices, levies, losses, cooling and fees included.
    fn ranked(&mut self, directives: &Directives, span: LimitSpan, now: Timestamp) -> Ranked {
        let (economics, zone) = (&self.site.economics, &self.site.time_zone);
        let power_price =
            economics.power_price_at(zone, now).map(|price| economics.marginal(price, zone, now));
        let told = rank::hash_price(&self.site, &directives.feeds, now);
        let quarter = share::quarter(now);
        let hash_price = told.map(|price| economics.after_fees(price));
        let outlook = directives.ahead.as_ref().and_then(|outlook| Some((outlook, outlook.step_at(now)?)));
        let ahead = outlook.map(|(outlook, step)| (outlook.made_at, step));
        if let Some(held) = &self.ranking
            && (held.power_price, held.hash_price, held.span_from) == (power_price, hash_price, span.from)
            && held.ahead == ahead
            && held.quarter == quarter
            && held.again_at.is_none_or(|at| now < at)
        {
            return held.clone();
        }
        let mut ranking = rank(&self.site, &self.memory.machines, power_price, hash_price);
        ranking.steady(&self.site, (power_price, hash_price), &mut self.memory.machines, now);
        if let Some((outlook, step)) = outlook {
            ranking.follow(&self.site, outlook, step);
        }
        share::put_in_order(&self.site, &self.memory.served, &mut ranking.order);
        let earnings = self.memory.machines.iter().map(|remembered| &remembered.earning);
        let resting = earnings.filter(|held| held.earns == Some(false));
        let again = resting.filter_map(|held| held.since).map(|since| since + limits::EARNS_AGAIN_AFTER);
        let ranked = Ranked {
            power_price,
            hash_price,
            span_from: span.from,
            quarter,
            ahead,
            again_at: again.filter(|at| *at > now).min(),
            worth: rank::worth_of_imports(&self.site, &span, told, now),
            ranking: Arc::new(ranking),
        };
        self.ranking = Some(ranked.clone());
        ranked
    }
}

/// Tariffs and hash prices change on the quarter hour at the earliest.
fn next_price_hour(now: Timestamp) -> Timestamp {
    let quarter = 900;
    let next = (now.as_second().div_euclid(quarter) + 1) * quarter;
    Timestamp::from_second(next).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
#[path = "controller_tests.rs"]
mod tests;
