//! The judge of a plan. Shares no code with the planner: it reads the snapshot's raw meters, the
//! envelope and the commands in flight, and does its own sums.
//!
//! It never vetoes a reduction. A start that breaks a rule is held; a circuit that the plan leaves
//! above its limit is shed, that circuit only. It is lenient by the meters' noise, so a veto means
//! that the planner is wrong and not that a meter is.

use core::fmt;

use jiff::{SignedDuration, Timestamp};
use offpeak_site::{Action, Activity, Authority, CircuitIx, MachineIx, Site};
use offpeak_units::Power;

use crate::envelope::{Envelope, Source};
use crate::frame::{Frame, Place, Rated};
use crate::memory::Memory;
use crate::plan::{Plan, Reason, Setpoint, Target};
use crate::snapshot::Snapshot;

/// What is wrong with a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum VetoCause {
    /// A start below a circuit that this source blocks.
    StartBlocked(Source),
    /// A machine left on below a circuit that must stop.
    NotStopped(Source),
    /// A start that would take a circuit above its limit.
    StartAboveLimit,
    /// A circuit above its limit with machines left on.
    NotShed,
    /// A start of a machine of which nothing fresh is known.
    StartUnknown,
    /// A start without the revenue meter.
    StartUnmetered,
    /// A start before meters and machines were all asked.
    StartTooEarly,
    /// Starts beyond a circuit's ramp.
    RampExceeded,
    /// A start on a phase that draws as much more than another as is allowed.
    StartUneven,
    /// A start of a machine that has not rested for as long as it is to.
    StartUnrested,
    /// A start of a machine that somebody holds off.
    StartHeld,
    /// A change in a hall without authority.
    NoAuthority,
    /// A start whose fans have not been seen running long enough.
    StartWithoutFans,
    /// Machines left on without their fans for longer than they may run so.
    LeftWithoutFans,
    /// Fans switched off before everything below has been off for long enough.
    FansOffTooEarly,
    /// Fans switched on where somebody works or a stop holds.
    FansOnInSpite(Source),
}

impl fmt::Display for VetoCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StartBlocked(source) => write!(f, "a start in spite of {source}"),
            Self::NotStopped(source) => write!(f, "a machine left on in spite of {source}"),
            Self::StartAboveLimit => f.write_str("a start beyond the limit"),
            Self::NotShed => f.write_str("above the limit with machines left on"),
            Self::StartUnknown => f.write_str("a start of a machine in an unknown state"),
            Self::StartUnmetered => f.write_str("a start without the revenue meter"),
            Self::StartTooEarly => f.write_str("a start before everything was asked"),
            Self::StartUneven => f.write_str("a start on the fullest phase"),
            Self::StartUnrested => f.write_str("a start of a machine that has not rested"),
            Self::StartHeld => f.write_str("a start of a machine that is held off"),
            Self::RampExceeded => f.write_str("starts beyond the ramp"),
            Self::NoAuthority => f.write_str("a change without authority"),
            Self::StartWithoutFans => f.write_str("a start without fans"),
            Self::LeftWithoutFans => f.write_str("machines left on without fans"),
            Self::FansOffTooEarly => f.write_str("fans off too early"),
            Self::FansOnInSpite(source) => write!(f, "fans on in spite of {source}"),
        }
    }
}

/// One objection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Veto {
    /// The circuit it is about.
    pub circuit: CircuitIx,
    /// Why.
    pub cause: VetoCause,
    /// The first machine that gave cause.
    pub machine: Option<MachineIx>,
}

/// Judges a plan; an empty list lets it pass.
#[must_use]
pub fn check(
    site: &Site,
    frame: &Frame,
    snapshot: &Snapshot,
    envelope: &Envelope,
    memory: &Memory,
    plan: &Plan,
) -> Vec<Veto> {
    let mut judge = Judge {
        site,
        snapshot,
        memory,
        sums: vec![Sums::default(); site.circuits.len()],
        vetoes: Vec::new(),
        stale_before: snapshot.at - SignedDuration::from_secs(60),
        recent_after: snapshot.at - SignedDuration::from_secs(30),
    };
    judge.add_machines(frame, envelope, plan);
    judge.add_circuits();
    judge.judge_circuits(envelope);
    judge.judge_ramps();
    judge.judge_phases(frame, plan);
    judge.judge_fans(envelope, plan);
    judge.vetoes.sort_unstable();
    judge.vetoes.dedup_by_key(|veto| (veto.circuit, veto.cause));
    judge.vetoes
}

/// Makes a plan harmless where it was objected to: starts are held, an unshed circuit is shed.
pub(crate) fn apply(site: &Site, vetoes: &[Veto], plan: &mut Plan) {
    for veto in vetoes {
        let sheds =
            matches!(veto.cause, VetoCause::NotShed | VetoCause::NotStopped(_) | VetoCause::LeftWithoutFans);
        crate::check_fans::hold(site, veto, &mut plan.fans);
        for (ix, machine) in site.machines() {
            let setpoint = &mut plan.setpoints[ix.ix()];
            let concerned = matches!(setpoint.target, Target::Run(_))
                && (sheds || matches!(setpoint.reason, Reason::Starts | Reason::Returns))
                && site.circuits.is_within(machine.circuit, veto.circuit);
            let rises =
                setpoint.reason == Reason::Raises && site.circuits.is_within(machine.circuit, veto.circuit);
            if rises && !sheds {
                // It goes on as it is.
                *setpoint = Setpoint { target: Target::Leave, reason: Reason::Vetoed(veto.circuit) };
            } else if concerned {
                *setpoint = Setpoint { target: Target::Off, reason: Reason::Vetoed(veto.circuit) };
            } else if veto.cause == VetoCause::NoAuthority
                && site.circuits.is_within(machine.circuit, veto.circuit)
            {
                *setpoint = Setpoint { target: Target::Leave, reason: Reason::Vetoed(veto.circuit) };
            }
        }
    }
}

/// Of one circuit and everything below it.
#[derive(Clone, Copy, Default)]
struct Sums {
    /// Machines not known to be off, at their mode's watts, and base loads.
    on: Power,
    /// The least that may be drawn now: the meter less its noise, else the same of what lies below.
    drawn: Power,
    /// Starts in flight whose load the meter may not hold yet.
    rising: Power,
    /// Reductions in flight or planned.
    falling: Power,
    /// Starts and rises of this plan.
    starts: Power,
    /// Starts of the last minute and of this plan.
    ramped: Power,
    first_start: Option<MachineIx>,
    /// Whether a machine that came up by itself is let run on.
    returns: bool,
    /// Machines left on that could be put to sleep.
    left_on: u32,
}

pub(crate) struct Judge<'a> {
    pub(crate) site: &'a Site,
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) memory: &'a Memory,
    sums: Vec<Sums>,
    pub(crate) vetoes: Vec<Veto>,
    /// A machine's word from before this is none.
    stale_before: Timestamp,
    /// A machine that began to hash after this is still on its way up.
    recent_after: Timestamp,
}

/// What the machine says, unless it is too old or contradicted by a command in flight.
pub(crate) enum Word {
    On { rising: bool },
    Off,
    None,
}

impl Judge<'_> {
    pub(crate) fn word(&self, machine: MachineIx) -> Word {
        let (seen, memory) = (&self.snapshot.machines[machine.ix()], &self.memory.machines[machine.ix()]);
        let in_flight = memory.outstanding.map(|held| held.action);
        if matches!(in_flight, Some(Action::Wake | Action::Restore | Action::SetMode(_))) {
            return Word::On { rising: true };
        }
        if memory.cut && in_flight.is_none() {
            return Word::Off;
        }
        let Some(reading) = &seen.reading else { return Word::None };
        if seen.trouble.is_some() || reading.at < self.stale_before {
            return Word::None;
        }
        let restarts = memory.changes_mode.is_some_and(|(_, until)| self.snapshot.at < until);
        if restarts && reading.activity != Activity::Failed && in_flight.is_none() {
            return Word::On { rising: true };
        }
        let recently = |at: Option<Timestamp>| at.is_some_and(|at| at > self.recent_after);
        match reading.activity {
            Activity::Asleep => Word::Off,
            Activity::Starting => Word::On { rising: true },
            Activity::Hashing => Word::On { rising: recently(memory.hashing_since) },
            Activity::Failed => Word::On { rising: false },
        }
    }

    /// What a machine that is on draws at most, and by how much more in the mode that it is told now.
    fn awake(&self, machine: MachineIx, rated: &Rated, rising: bool, target: Target) -> (Power, Power) {
        let memory = &self.memory.machines[machine.ix()];
        let said = self.snapshot.machines[machine.ix()].reading.and_then(|reading| reading.mode);
        let under_way = memory.changes_mode.filter(|(_, until)| self.snapshot.at < *until);
        let told = under_way.map(|(mode, _)| rated.in_mode(Some(mode)));
        let now = rated.in_mode(said).max(if rising { rated.normal } else { Power::ZERO });
        let now = now.max(told.unwrap_or(Power::ZERO));
        let wanted = match target {
            Target::Run(mode) => rated.in_mode(Some(mode)),
            Target::Off | Target::Leave => Power::ZERO,
        };
        (now, wanted.saturating_sub(now))
    }

    fn add_machines(&mut self, frame: &Frame, envelope: &Envelope, plan: &Plan) {
        let minute_ago = self.snapshot.at - SignedDuration::from_secs(60);
        for (place, (entry, setpoint)) in frame.places().iter().zip(&plan.setpoints).enumerate() {
            let ix = MachineIx(place as u32);
            let (rated, word) = (frame.rated(entry.model), self.word(ix));
            let off = matches!(word, Word::Off);
            let rising = !matches!(word, Word::On { rising: false });
            let (watts, more) = self.awake(ix, rated, rising, setpoint.target);
            if setpoint.target != Target::Leave && entry.authority == Authority::Observe {
                let hall = self.site.circuits.hall_of(entry.circuit).unwrap_or(CircuitIx::ROOT);
                self.object(hall, VetoCause::NoAuthority, ix);
            }
            let wants_run = matches!(setpoint.target, Target::Run(_));
            let is_start = wants_run && !matches!(word, Word::On { .. });
            let is_raise = wants_run && !is_start && !more.is_zero();
            if is_start {
                self.judge_start(envelope, ix, entry, matches!(word, Word::None));
            } else if is_raise {
                self.judge_rise(envelope, ix, entry);
            }
            let memory = &self.memory.machines[place];
            let returns = wants_run && !is_start && memory.returns;
            let ramps = is_start || returns || memory.started_at.is_some_and(|at| at > minute_ago);
            let in_flight = memory.outstanding.map(|held| held.action);
            let reducing =
                setpoint.target == Target::Off || matches!(in_flight, Some(Action::Sleep | Action::Cut));
            let may_command = entry.authority == Authority::Control && entry.commandable;
            let leaf = &mut self.sums[entry.circuit.ix()];
            let drawn = if off { rated.sleep } else { watts };
            leaf.ramped += if ramps { watts } else { Power::ZERO };
            leaf.ramped += if is_raise { more } else { Power::ZERO };
            leaf.on += drawn;
            leaf.drawn += drawn;
            if matches!(word, Word::On { rising: true }) && !reducing {
                leaf.rising += watts;
            }
            if !off && reducing {
                leaf.falling += watts;
            }
            leaf.returns |= returns;
            leaf.left_on += u32::from(wants_run && !is_start && may_command);
            if is_start || is_raise {
                leaf.starts += if is_start { watts } else { more };
                leaf.first_start = leaf.first_start.or(Some(ix));
            }
        }
    }

    /// Adds the machines' sums up the tree.
    fn add_circuits(&mut self) {
        for (ix, circuit) in self.site.circuits.iter().rev() {
            let metered = self.raw(ix).map(|(power, noise)| power - noise);
            let own = &mut self.sums[ix.ix()];
            own.on += circuit.base_load;
            own.drawn = metered.unwrap_or(own.drawn + circuit.base_load);
            let below = *own;
            let Some(parent) = circuit.parent else { continue };
            let up = &mut self.sums[parent.ix()];
            up.on += below.on;
            up.drawn += below.drawn;
            up.rising += below.rising;
            up.falling += below.falling;
            up.starts += below.starts;
            up.ramped += below.ramped;
            up.returns |= below.returns;
            up.left_on += below.left_on;
            up.first_start = up.first_start.or(below.first_start);
        }
    }

    fn object(&mut self, circuit: CircuitIx, cause: VetoCause, machine: MachineIx) {
        self.vetoes.push(Veto { circuit, cause, machine: Some(machine) });
    }

    fn judge_start(&mut self, envelope: &Envelope, machine: MachineIx, place: &Place, unknown: bool) {
        let circuit = place.circuit;
        self.judge_rise(envelope, machine, place);
        if unknown {
            self.object(circuit, VetoCause::StartUnknown, machine);
        }
        let rest = self.site.rules.timing.least_rest;
        let slept = self.memory.machines[machine.ix()].rests_since;
        if slept.is_some_and(|since| self.snapshot.at < since + rest) {
            self.object(circuit, VetoCause::StartUnrested, machine);
        }
        let hold = self.snapshot.directives.holds.get(&machine);
        if hold.is_some_and(|hold| hold.until.is_none_or(|until| self.snapshot.at < until)) {
            self.object(circuit, VetoCause::StartHeld, machine);
        }
    }

    /// What holds for a start and for whoever is to draw more.
    fn judge_rise(&mut self, envelope: &Envelope, machine: MachineIx, place: &Place) {
        let mut path = self.site.circuits.path(place.circuit);
        let blocked = path.find_map(|ix| envelope.circuit(ix).block.map(|block| (ix, block.source)));
        if let Some((at, source)) = blocked {
            self.object(at, VetoCause::StartBlocked(source), machine);
        }
        if !self.memory.ready {
            self.object(CircuitIx::ROOT, VetoCause::StartTooEarly, machine);
        }
        if self.raw(CircuitIx::ROOT).is_none() {
            self.object(CircuitIx::ROOT, VetoCause::StartUnmetered, machine);
        }
    }

    /// The meter's last raw reading, while it is fresh, and its noise.
    fn raw(&self, circuit: CircuitIx) -> Option<(Power, Power)> {
        let meter = self.site.circuits.get(circuit).meter?;
        let reading = self.snapshot.meters[meter.ix()]?;
        if self.memory.frozen[meter.ix()].is_stuck(self.snapshot.at) {
            return None;
        }
        let fresh = reading.at.duration_until(self.snapshot.at) <= SignedDuration::from_secs(10);
        let noise = reading.power.abs().scale(3.0 * f64::from(self.site.meters[meter.ix()].error_ppm) / 1e6);
        fresh.then_some((reading.power, noise))
    }

    fn judge_circuits(&mut self, envelope: &Envelope) {
        for (ix, _) in self.site.circuits.iter() {
            let sums = self.sums[ix.ix()];
            let limits = envelope.circuit(ix);
            if let Some(block) = limits.block.filter(|block| block.stops && sums.left_on > 0) {
                self.vetoes.push(Veto {
                    circuit: ix,
                    cause: VetoCause::NotStopped(block.source),
                    machine: None,
                });
            }
            // A setpoint is kept to a percent; what limits beside it is not to be exceeded.
            let most = |limit: crate::envelope::Limit| match limits.next {
                _ if !limit.holds => limit.power,
                Some(next) => limit.power.scale(1.01).min(next.power),
                None => limit.power.scale(1.01),
            };
            let Some(limit) = limits.binding.map(most) else { continue };
            let metered = self.raw(ix).map(|(power, noise)| power - noise);
            let present =
                metered.map_or(sums.on, |metered| (metered + sums.rising).min(sums.on).max(metered));
            if !sums.starts.is_zero() && present + sums.starts > limit {
                let machine = sums.first_start;
                self.vetoes.push(Veto { circuit: ix, cause: VetoCause::StartAboveLimit, machine });
            }
            // On the way down the limit is a line that the load follows within seconds.
            let closing = limits.binding.is_some_and(|limit| limit.source.is_glide());
            let whole =
                limits.next.map_or(envelope.contract.limit, |next| next.power.max(envelope.contract.limit));
            let slack = if closing { whole.scale(0.03) } else { Power::ZERO };
            if sums.drawn - sums.falling > limit + slack && sums.left_on > 0 {
                self.vetoes.push(Veto { circuit: ix, cause: VetoCause::NotShed, machine: None });
            }
        }
    }

    /// Where phases are to be alike: what hangs on each after this plan.
    fn judge_phases(&mut self, frame: &Frame, plan: &Plan) {
        let rules = &self.site.rules.balance;
        if rules.is_empty() {
            return;
        }
        let mut rule_of = vec![None; self.site.circuits.len()];
        for (place, rule) in rules.iter().enumerate() {
            rule_of[rule.circuit.ix()] = Some(place);
        }
        let (mut loads, mut started) = (vec![[Power::ZERO; 3]; rules.len()], vec![[None; 3]; rules.len()]);
        for (ix, machine) in self.site.machines() {
            let Some(phase) = self.site.rules.phase(ix) else { continue };
            let (word, target) = (self.word(ix), plan.setpoints[ix.ix()].target);
            let last_on = self.snapshot.machines[ix.ix()]
                .reading
                .is_some_and(|reading| matches!(reading.activity, Activity::Hashing | Activity::Starting));
            let may_be_on = match word {
                Word::On { .. } => true,
                Word::Off => false,
                Word::None => last_on,
            };
            if target == Target::Off || !(may_be_on || matches!(target, Target::Run(_))) {
                continue;
            }
            let rising = !matches!(word, Word::On { rising: false });
            let (watts, more) = self.awake(ix, frame.rated(machine.model), rising, target);
            for place in self.site.circuits.path(machine.circuit).filter_map(|at| rule_of[at.ix()]) {
                loads[place][phase as usize] += watts + more;
                if !may_be_on {
                    started[place][phase as usize] = Some(ix);
                }
            }
        }
        let judged = rules.iter().zip(loads).zip(started);
        let high = judged.filter_map(|((rule, loads), started)| {
            let least = loads[0].min(loads[1]).min(loads[2]);
            let mut phases = loads.into_iter().zip(started);
            let (_, machine) = phases.find(|(load, ix)| ix.is_some() && *load - least > rule.most)?;
            Some((rule.circuit, machine?))
        });
        for (circuit, machine) in high.collect::<Vec<_>>() {
            self.object(circuit, VetoCause::StartUneven, machine);
        }
    }

    /// A minute's starts: the ramp, five seconds' worth of saved-up room, and one machine.
    fn judge_ramps(&mut self) {
        let largest = self.site.models.iter().map(|model| model.power_max()).max().unwrap_or(Power::ZERO);
        for (circuit, of) in self.site.circuits.iter() {
            let Some(per_minute) = of.ramp.and_then(|ramp| ramp.up_per_minute) else { continue };
            let sums = self.sums[circuit.ix()];
            // Always room for one machine at a time, however slow the ramp.
            let most = per_minute.scale(66.0 / 60.0) + largest;
            if (!sums.starts.is_zero() || sums.returns) && sums.ramped > most {
                let machine = sums.first_start;
                self.vetoes.push(Veto { circuit, cause: VetoCause::RampExceeded, machine });
            }
        }
    }
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
