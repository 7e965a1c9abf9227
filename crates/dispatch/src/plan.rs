//! For each machine what it should do, and why. Greedy by margin per watt under the tree of limits.
//!
//! Three passes: what must stop; what is shed, worst first, where a circuit is above its limit;
//! what is started, best first, where every circuit on its way to the grid has room. Between the
//! level below which it starts and the one above which it sheds lies a dead band wider than the
//! meters' noise, so that a steady mine stays steady.
//!
//! The third pass stands in `plan_starts.rs`, what fans ask in `plan_fans.rs`, phases in `plan_phases.rs`, modes and swaps in `plan_tuning.rs`,
//! the reasons in `plan_words.rs`.

use jiff::Timestamp;
use offpeak_site::{Activity, Authority, CircuitIx, MachineIx, Site};
use offpeak_units::Power;

use crate::envelope::{Block, Envelope, Source};
use crate::fans::FanTarget;
use crate::frame::{Frame, Rated};
use crate::limits;
use crate::load::{Loads, is_stubborn};
use crate::memory::{Memory, Release};
use crate::rank::{self, Ranking};
use crate::snapshot::Snapshot;
use crate::standing::Standing;

use phases::Phases;
pub use words::{Behind, Reason, Setpoint, Target, Unmet};

/// How far loads may move before this plan would be another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slack {
    /// Above this expected load the circuit sheds.
    pub(crate) shed_above: Option<Power>,
    /// At or below this upper load a start that was refused for room becomes possible.
    pub(crate) start_at: Option<Power>,
}

/// The plan of one cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The instant.
    pub at: Timestamp,
    /// One element a machine.
    pub setpoints: Vec<Setpoint>,
    /// Limits that cannot be met.
    pub unmet: Vec<Unmet>,
    /// One element a circuit: its ramp after this plan's starts.
    pub release: Vec<Option<Release>>,
    /// Where offpeak only watches some hall: what would be done if it might act everywhere. One element a machine.
    pub advice: Option<Vec<Setpoint>>,
    /// One element a set of fans.
    pub fans: Vec<FanTarget>,
    /// What each circuit was admitted to after this plan's starts.
    pub admitted: Vec<Option<Power>>,
    /// Whether starts wait for the ramp alone.
    pub ramp_limited: bool,
    /// One element a circuit.
    pub(crate) slack: Vec<Slack>,
}

impl Plan {
    /// Above which expected load a circuit is shed: its limit less the margin for what is not known.
    #[must_use]
    pub fn sheds_above(&self, circuit: CircuitIx) -> Option<Power> {
        self.slack.get(circuit.ix())?.shed_above
    }
}

/// Makes the plan.
#[must_use]
pub fn plan(
    site: &Site,
    frame: &Frame,
    snapshot: &Snapshot,
    envelope: &Envelope,
    loads: &Loads,
    ranking: &Ranking,
    memory: &Memory,
) -> Plan {
    let planner = || Planner::new(site, frame, snapshot, envelope, loads, ranking, memory);
    let mut plan = planner().run();
    plan.advice = frame.watches().then(|| Planner { acts_everywhere: true, ..planner() }.run().setpoints);
    plan
}

/// Deliberate mistakes, planted by the checker's own test and by nobody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    RootLimit,
    LeafLimit,
    Lockout,
    Stop,
    Window,
    Pending,
    SilentMeter,
    UnknownState,
    Ramp,
    HalfShed,
    Authority,
    Warmup,
    Orders,
    Rest,
    Returns,
    Raise,
    Phases,
    FansNotRun,
    FansOffEarly,
    FansOffUnknown,
    FansGone,
    FansLockedOut,
}

/// The dead band of a circuit: above which load it sheds, and up to which it starts. `None` without a limit.
pub(crate) fn band(
    site: &Site,
    envelope: &Envelope,
    memory: &Memory,
    ix: CircuitIx,
) -> Option<(Power, Power)> {
    let limits = envelope.circuit(ix);
    let limit = limits.binding?;
    let meter = site.circuits.get(ix).meter.map(|meter| &memory.meters[meter.ix()]);
    let band = |limit: Power| {
        let noise = meter.map_or(Power::ZERO, |meter| meter.uncertainty(limit));
        // 0.15 % for what changes within a second without our doing (weather, returns).
        let shed_above = limit - limit.scale(0.0015) - noise;
        (shed_above, shed_above - limit.scale(0.0015) - noise * 2)
    };
    if !limit.holds {
        return Some(band(limit.power));
    }
    // A setpoint lies in the middle of its band; the next limit is still a limit.
    let (above, below) = (limit.power + limit.power.scale(0.004), limit.power);
    let next = limits.next.map(|next| band(next.power));
    Some(next.map_or((above, below), |(shed, start)| (above.min(shed), below.min(start))))
}

pub(crate) struct Planner<'a> {
    site: &'a Site,
    frame: &'a Frame,
    snapshot: &'a Snapshot,
    envelope: &'a Envelope,
    loads: &'a Loads,
    ranking: &'a Ranking,
    memory: &'a Memory,
    /// By circuit: the highest block at it or above it.
    blocks: Vec<Option<(CircuitIx, Block)>>,
    /// By circuit: what may still be started.
    room: Vec<Option<Power>>,
    /// By circuit: what this plan starts.
    started: Vec<Power>,
    /// By circuit: what must still be shed.
    over: Vec<Power>,
    slack: Vec<Slack>,
    /// By set of fans: whether it may come on for machines that need it.
    fans_granted: Vec<bool>,
    setpoints: Vec<Setpoint>,
    /// By circuit: whether a setpoint keeps machines from being stopped for money.
    obliged: Vec<bool>,
    /// What hangs on phases that are to be alike.
    phases: Phases,
    /// How many machines that run may still be tuned, and by circuit how many are.
    tunable: usize,
    tuned: Vec<u32>,
    /// Whether what is best for machines that run is known for these limits.
    aims: bool,
    /// As if no hall were only watched; such a plan is shown and never carried out.
    pub(crate) acts_everywhere: bool,
    /// Always `None` outside tests.
    pub(crate) flaw: Option<Flaw>,
}

impl<'a> Planner<'a> {
    pub(crate) fn new(
        site: &'a Site,
        frame: &'a Frame,
        snapshot: &'a Snapshot,
        envelope: &'a Envelope,
        loads: &'a Loads,
        ranking: &'a Ranking,
        memory: &'a Memory,
    ) -> Self {
        let circuits = site.circuits.len();
        Self {
            site,
            frame,
            snapshot,
            envelope,
            loads,
            ranking,
            memory,
            blocks: vec![None; circuits],
            room: vec![None; circuits],
            started: vec![Power::ZERO; circuits],
            over: vec![Power::ZERO; circuits],
            slack: vec![Slack { shed_above: None, start_at: None }; circuits],
            fans_granted: vec![false; site.fans.len()],
            setpoints: Vec::with_capacity(site.machines.len()),
            obliged: rank::obliged(site, envelope),
            phases: Phases::new(site),
            tunable: 0,
            tuned: vec![0; circuits],
            aims: memory.aim.is_in_force(envelope, snapshot.at),
            acts_everywhere: false,
            flaw: None,
        }
    }

    pub(crate) fn run(mut self) -> Plan {
        self.inherit_blocks();
        self.measure_room();
        self.look_at_tuning();
        self.classify();
        self.shed();
        self.balance();
        self.keep_fans();
        let (release, ramp_limited) = self.start();
        Plan {
            at: self.snapshot.at,
            unmet: self.unmet(),
            admitted: self.admitted(),
            fans: self.fan_targets(),
            setpoints: self.setpoints,
            advice: None,
            release,
            ramp_limited,
            slack: self.slack,
        }
    }

    fn flawed(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    fn overlooks(&self, source: Source) -> bool {
        match source {
            Source::Lockout => self.flawed(Flaw::Lockout),
            Source::Stop => self.flawed(Flaw::Stop),
            Source::ContractClosed => self.flawed(Flaw::Window),
            Source::Emergency(_) | Source::Dispatch(_) => self.flawed(Flaw::Orders),
            _ => false,
        }
    }

    /// A block holds for everything below its circuit; the one that stops goes before the one that
    /// only keeps from starting.
    fn inherit_blocks(&mut self) {
        for (ix, circuit) in self.site.circuits.iter() {
            let own = self
                .envelope
                .circuit(ix)
                .block
                .map(|block| (ix, block))
                .filter(|(_, block)| !self.overlooks(block.source));
            let above = circuit.parent.and_then(|parent| self.blocks[parent.ix()]);
            self.blocks[ix.ix()] = match (own, above) {
                (Some(own), Some(above)) if above.1.stops && !own.1.stops => Some(above),
                (own, above) => own.or(above),
            };
        }
    }

    /// The dead band: where each circuit sheds and up to where it starts.
    fn measure_room(&mut self) {
        for (ix, _) in self.site.circuits.iter() {
            let Some(limit) = self.envelope.circuit(ix).binding else { continue };
            if self.overlooks(limit.source) {
                continue;
            }
            let Some((shed_above, start_below)) = band(self.site, self.envelope, self.memory, ix) else {
                continue;
            };
            let load = self.loads.circuit(ix);
            self.slack[ix.ix()].shed_above = Some(shed_above);
            self.over[ix.ix()] = (load.expected - shed_above).saturating_sub(Power::ZERO);
            let upper = if self.flawed(Flaw::SilentMeter) && load.measured.is_none() {
                Power::ZERO
            } else if self.flawed(Flaw::Pending) {
                load.measured.unwrap_or(load.upper)
            } else {
                load.upper
            };
            let ignored = self.flawed(Flaw::RootLimit) && ix == CircuitIx::ROOT
                || self.flawed(Flaw::LeafLimit) && ix != CircuitIx::ROOT;
            self.room[ix.ix()] = (!ignored).then_some(start_below - upper);
        }
    }

    /// What follows from each machine's own state and the blocks; who may be started is marked
    /// [`Reason::Starts`] with the target still off.
    fn classify(&mut self) {
        for (ix, place) in self.frame.places().iter().enumerate() {
            let ix = MachineIx(ix as u32);
            let remembered = &self.memory.machines[ix.ix()];
            let standing = self.loads.standings[ix.ix()];
            let block = self.blocks[place.circuit.ix()];
            let stop = block.filter(|(_, block)| block.stops);
            let pinned = self.site.rules.pinned.get(&ix).copied();
            let obliged = self.obliged[place.circuit.ix()] || pinned == Some(true);
            let kept_off = match self.snapshot.directives.hold_of(ix, self.snapshot.at) {
                Some(_) => Some(Reason::Held),
                None => (pinned == Some(false)).then_some(Reason::Pinned),
            };
            let earns = obliged || self.ranking.earns[ix.ix()] != Some(false);
            let for_money = if self.ranking.kept_out[ix.ix()] { Reason::KeptOut } else { Reason::Uneconomic };
            let now = self.snapshot.at;
            let timing = self.site.rules.timing;
            let runs_on = remembered.started_at.is_some_and(|at| at + timing.least_run > now);
            let cools = remembered.rests_since.is_some_and(|at| at + timing.least_rest > now);
            let leave = |reason| Setpoint { target: Target::Leave, reason };
            let off = |reason| Setpoint { target: Target::Off, reason };
            let blocked = |(circuit, block): (CircuitIx, Block)| match block.source {
                Source::ContractClosing if !block.stops => Reason::ClosesSoon,
                source => Reason::Blocked(circuit, source),
            };
            let may_act = place.authority == Authority::Control || self.acts_everywhere;
            let setpoint = if !may_act && !self.flawed(Flaw::Authority) {
                leave(Reason::ObserveOnly)
            } else if !place.commandable {
                leave(Reason::NotCommandable)
            } else if let Some(fans) = self.airless(ix, place.circuit, standing) {
                off(Reason::NoAir(fans))
            } else {
                match (standing, stop) {
                    (Standing::Running | Standing::Rising | Standing::Failed, Some(stop)) => {
                        off(blocked(stop))
                    }
                    (Standing::Running | Standing::Rising | Standing::Failed, None)
                        if let Some(reason) = kept_off =>
                    {
                        off(reason)
                    }
                    (Standing::Running | Standing::Rising, None) if !earns && !runs_on => off(for_money),
                    (Standing::Rising, None) if remembered.returns => off(Reason::HeldBack),
                    (Standing::Running, None) => self.tuned(ix, runs_on || obliged),
                    (Standing::Rising, None) => {
                        Setpoint { target: Target::Run(self.mode_of(ix)), reason: Reason::Runs }
                    }
                    (Standing::Failed, None) => leave(Reason::Failed),
                    (Standing::Falling, _) => off(Reason::Falling),
                    (Standing::Unknown, Some(stop)) if self.may_be_on(ix) => off(blocked(stop)),
                    (Standing::Unknown, None) if kept_off == Some(Reason::Held) && self.may_be_on(ix) => {
                        off(Reason::Held)
                    }
                    (Standing::Unknown, None) if self.flawed(Flaw::UnknownState) => off(Reason::Starts),
                    (Standing::Unknown, _) => leave(Reason::NoWord),
                    (Standing::Asleep | Standing::Cut, _) => off(match (block, kept_off) {
                        (Some(block), _) => blocked(block),
                        (None, Some(reason)) => reason,
                        (None, None) if !earns => for_money,
                        (None, None) if remembered.wake_retry_at.is_some_and(|at| at > now) => Reason::Rests,
                        (None, None) if cools && !self.flawed(Flaw::Rest) => Reason::Cools,
                        (None, None) if self.gives_way(ix) => Reason::Swapped,
                        (None, None) => Reason::Starts,
                    }),
                }
            };
            self.setpoints.push(setpoint);
        }
    }

    /// Whether a machine without a fresh word is to be put to sleep all the same: it hashed when last
    /// heard, or we started it, or for a while nobody has been able to know and its outlet can be opened.
    fn may_be_on(&self, machine: MachineIx) -> bool {
        let remembered = &self.memory.machines[machine.ix()];
        let (seen, now) = (&self.snapshot.machines[machine.ix()], self.snapshot.at);
        let last_on = seen.reading.is_some_and(|reading| reading.activity != Activity::Asleep);
        let long_silent = seen.trouble.is_some_and(|(_, since)| since + limits::READING_STALE <= now);
        let can_be_cut = self.frame.places()[machine.ix()].has_outlet;
        last_on || remembered.started_at.is_some() || (long_silent && can_be_cut)
    }

    /// Sheds worst first until no circuit is above its limit.
    fn shed(&mut self) {
        for (ix, place) in self.frame.places().iter().enumerate() {
            let gone = self.setpoints[ix].target == Target::Off;
            if gone && matches!(self.loads.standings[ix], Standing::Running | Standing::Rising) {
                self.relieve(place.circuit, self.relief(MachineIx(ix as u32)));
            }
        }
        if self.over.iter().all(|over| over.is_zero()) {
            return;
        }
        // Those that did not obey and cannot be cut are asked last: their relief is doubtful.
        for stubborn in [false, true] {
            self.shed_those(stubborn);
        }
    }

    fn shed_those(&mut self, stubborn: bool) {
        let every = if self.flawed(Flaw::HalfShed) { 2 } else { 1 };
        let ranking = self.ranking;
        for (nth, ix) in ranking.order.iter().rev().enumerate() {
            let place = self.frame.places()[ix.ix()];
            let runs = matches!(self.setpoints[ix.ix()].target, Target::Run(_));
            let is_stubborn = self.memory.machines[ix.ix()].disobeys && !place.has_outlet;
            if !runs || is_stubborn != stubborn || nth % every != 0 {
                continue;
            }
            let over = |circuit: &CircuitIx| !self.over[circuit.ix()].is_zero();
            let Some(circuit) = self.site.circuits.path(place.circuit).find(over) else { continue };
            self.setpoints[ix.ix()] = Setpoint { target: Target::Off, reason: Reason::Shed(circuit) };
            for _ in 0..every {
                self.relieve(place.circuit, self.relief(*ix));
            }
        }
    }

    fn relief(&self, machine: MachineIx) -> Power {
        self.loads.relief(machine, self.rated(machine).sleep)
    }

    fn rated(&self, machine: MachineIx) -> &Rated {
        self.frame.rated(self.frame.places()[machine.ix()].model)
    }

    fn relieve(&mut self, circuit: CircuitIx, relief: Power) {
        for ix in self.site.circuits.path(circuit) {
            let over = &mut self.over[ix.ix()];
            *over = over.saturating_sub(relief);
        }
    }

    fn unmet(&self) -> Vec<Unmet> {
        self.envelope
            .circuits
            .iter()
            .enumerate()
            .filter_map(|(place, limits)| {
                let circuit = CircuitIx(place as u32);
                let limit = limits.binding?.power;
                let floor = self.loads.circuit(circuit).floor;
                (floor > limit).then(|| Unmet { circuit, limit, floor, behind: self.behind(circuit) })
            })
            .collect()
    }

    /// Whose the floor of a circuit is.
    fn behind(&self, circuit: CircuitIx) -> Behind {
        let mut behind = Behind::default();
        let within = |ix: CircuitIx| self.site.circuits.is_within(ix, circuit);
        behind.base = self
            .site
            .circuits
            .iter()
            .filter(|(ix, _)| within(*ix))
            .map(|(ix, of)| of.base_load + self.loads.circuit(ix).fans())
            .sum();
        let machines = self.frame.places().iter().zip(&self.memory.machines).zip(&self.loads.standings);
        for (ix, ((place, remembered), standing)) in machines.enumerate() {
            if !within(place.circuit) || *standing == Standing::Cut {
                continue;
            }
            let rated = self.frame.rated(place.model);
            if is_stubborn(place, remembered, *standing) {
                behind.stubborn += 1;
                behind.on += self.loads.awake[ix];
                if behind.names.len() < Behind::NAMED {
                    behind.names.push(MachineIx(ix as u32));
                }
            } else {
                behind.sleepers += 1;
                behind.asleep += rated.sleep;
            }
        }
        behind
    }
}

#[path = "plan_fans.rs"]
mod fan_rules;
#[path = "plan_phases.rs"]
mod phases;
#[path = "plan_starts.rs"]
mod starts;
#[path = "plan_tuning.rs"]
mod tuning;
#[path = "plan_words.rs"]
mod words;

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
