//! What is best for the machines that run, as the mine stands: another mode, or sleep so that a better one can run.
//! Solved as one moment ([`crate::solve`]) every few minutes where the site file allows it; the plan then takes it in
//! small steps, while nothing else is going on ([`crate::plan`]).
//!
//! The limits are the plan's own, less what cannot be tuned as the meters have it, so the meter is the judge here too.
//! Every change is charged with what it costs: the minutes without work, and a start's wear.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash as _, Hasher as _};

use jiff::{SignedDuration, Timestamp};
use offpeak_site::{Authority, CircuitIx, FanIx, MachineIx, ModeName, Model, SharingRule, Site};
use offpeak_units::{HashPrice, Power, Price};
use rust_decimal::prelude::ToPrimitive as _;

use crate::envelope::Envelope;
use crate::frame::{Frame, Rated};
use crate::limits;
use crate::load::Loads;
use crate::memory::{MachineMemory, Memory};
use crate::plan::band;
use crate::rank::{self, Ranking};
use crate::snapshot::Snapshot;
use crate::solve::{CircuitNo, Mode, Problem, ProblemError, Solver};
use crate::standing::{Standing, p95};

/// What a machine that runs is to do instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// Make room for a better one.
    Sleep,
    /// Run in this mode.
    Mode(ModeName),
}

/// What is best for each machine that runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Aim {
    made_at: Option<Timestamp>,
    /// Who is to do something else than now.
    wants: BTreeMap<MachineIx, Want>,
    /// Who sleeps and is to start, where somebody is to sleep for them.
    starts: BTreeSet<MachineIx>,
    /// The limits that it was made under.
    limits: u64,
    /// When it is to be made again.
    pub(crate) again_at: Option<Timestamp>,
}

impl Aim {
    #[cfg(test)]
    pub(crate) fn wanting(at: Timestamp, wants: impl IntoIterator<Item = (MachineIx, Want)>) -> Self {
        Self { made_at: Some(at), wants: wants.into_iter().collect(), ..Self::default() }
    }
    #[cfg(test)]
    pub(crate) fn under(self, envelope: &Envelope) -> Self {
        Self { limits: print_of(envelope), ..self }
    }

    /// Whether it says anything: while it is fresh and the limits are those that it was made under.
    pub(crate) fn is_in_force(&self, envelope: &Envelope, now: Timestamp) -> bool {
        let is_fresh = self.made_at.is_some_and(|at| now < at + limits::AIM_HOLDS);
        is_fresh && self.limits == print_of(envelope)
    }
    /// What a machine is to do instead.
    #[must_use]
    pub fn of(&self, machine: MachineIx) -> Option<Want> {
        self.wants.get(&machine).copied()
    }
    /// Whether a machine that sleeps is to leave the room that others make to somebody else.
    pub(crate) fn leaves_room(&self, machine: MachineIx) -> bool {
        !self.starts.is_empty() && !self.starts.contains(&machine)
    }
}

/// Tells one set of limits from another.
fn print_of(envelope: &Envelope) -> u64 {
    let mut print = std::hash::DefaultHasher::new();
    for limits in &envelope.circuits {
        let binding = limits.binding.map(|limit| limit.power.to_milliwatts());
        (binding, limits.block.is_some(), limits.obliged).hash(&mut print);
    }
    print.finish()
}

/// How many machines may be on their way at once for the mine to be tuned, those being tuned among them.
pub(crate) fn at_once(site: &Site) -> usize {
    (site.machines.len() * limits::TUNED_AT_ONCE_PERCENT / 100).max(1)
}

/// How many are: with a command in flight, restarting for a mode, or hashing for a short while.
pub(crate) fn under_way(memory: &Memory, now: Timestamp) -> usize {
    let moves = |of: &&MachineMemory| {
        let settles = of.settles_at.is_some_and(|at| now < at);
        of.outstanding.is_some() || of.mode_under_way(now).is_some() || settles
    };
    memory.machines.iter().filter(moves).count()
}

/// What it is made of.
pub(crate) struct Moment<'a> {
    pub(crate) site: &'a Site,
    pub(crate) frame: &'a Frame,
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) envelope: &'a Envelope,
    pub(crate) loads: &'a Loads,
    pub(crate) ranking: &'a Ranking,
    pub(crate) memory: &'a Memory,
    /// A kilowatt-hour and a hash, all told.
    pub(crate) prices: (Option<Price>, Option<HashPrice>),
    /// Until when things stay as they are, as far as is known.
    pub(crate) until: Timestamp,
}

/// The ways to run one machine: what it draws and is worth an hour, and what that asks of it.
struct Ways {
    machine: MachineIx,
    /// What it draws now, by the catalogue.
    now: Power,
    modes: Vec<Mode>,
    wants: Vec<Option<Want>>,
}

impl Moment<'_> {
    /// Makes it, or leaves it for a minute while too much is on its way.
    pub(crate) fn aim(&self) -> Aim {
        let now = self.snapshot.at;
        let nothing = |after| Aim { again_at: Some(now + after), ..Aim::default() };
        if under_way(self.memory, now) > at_once(self.site) {
            return Aim { again_at: Some(now + limits::AIM_RETRY), ..self.memory.aim.clone() };
        }
        let ways = self.ways();
        // What a problem cannot hold (a limit of petawatts) cannot be tuned either.
        let Ok((wants, starts)) = self.solved(&ways) else { return nothing(limits::AIM_EVERY) };
        let print = print_of(self.envelope);
        Aim { made_at: Some(now), wants, starts, limits: print, again_at: Some(now + limits::AIM_EVERY) }
    }

    fn ways(&self) -> Vec<Ways> {
        let obliged = rank::obliged(self.site, self.envelope);
        let blocked = |circuit: CircuitIx| {
            self.site.circuits.path(circuit).any(|ix| self.envelope.circuit(ix).block.is_some())
        };
        let free: Vec<bool> =
            self.site.circuits.iter().map(|(ix, _)| !obliged[ix.ix()] && !blocked(ix)).collect();
        let ours = |ix: &MachineIx| {
            let place = self.frame.places()[ix.ix()];
            let phased = self.site.rules.phase(*ix).is_some() && !self.site.rules.balance.is_empty();
            place.authority == Authority::Control
                && !phased
                && place.commandable
                && free[place.circuit.ix()]
                && !self.memory.machines[ix.ix()].disobeys
                && !self.site.rules.pinned.contains_key(ix)
                && self.snapshot.directives.hold_of(*ix, self.snapshot.at).is_none()
        };
        let machines = self.site.machines().map(|(ix, _)| ix).filter(ours);
        machines.filter_map(|ix| self.ways_of(ix)).collect()
    }

    fn ways_of(&self, machine: MachineIx) -> Option<Ways> {
        let (now, remembered) = (self.snapshot.at, &self.memory.machines[machine.ix()]);
        let (model, rated) = (self.site.model_of(machine), self.rated(machine));
        let said = self.snapshot.machines[machine.ix()].reading.and_then(|reading| reading.mode);
        let mut ways = Ways { machine, now: rated.sleep, modes: vec![], wants: vec![] };
        let sleep = -self.cost(rated.sleep);
        let start = self.start_cost() / self.hours();
        match self.loads.standings[machine.ix()] {
            Standing::Running => {
                ways.now = self.loads.awake[machine.ix()];
                let ran = remembered.started_at.is_none_or(|at| at + self.site.rules.timing.least_run <= now);
                // Of a mode that its model has not nothing is known.
                let present = said.unwrap_or(model.normal().name);
                let worth = self.worth(model, remembered, present)?;
                // Whether it earns at all is not decided here.
                if self.swaps() && ran && worth > sleep {
                    // It will be started again one day.
                    let again = start + self.change_cost(model, remembered)?;
                    ways.add(rated.sleep, sleep - again, Some(Want::Sleep));
                }
                let tunes = self.site.rules.tuning.change_modes
                    && said.is_some_and(|said| model.mode(said).is_some())
                    && remembered.mode_retry_at.is_none_or(|at| at <= now);
                for mode in model.modes.iter().filter(|mode| tunes || mode.name == present) {
                    let worth = self.worth(model, remembered, mode.name)?;
                    let change =
                        if mode.name == present { 0.0 } else { self.change_cost(model, remembered)? };
                    let want = (mode.name != present).then_some(Want::Mode(mode.name));
                    ways.add(rated.in_mode(Some(mode.name)), worth - change, want);
                }
            }
            Standing::Asleep if self.may_start(machine, remembered) => {
                let mode = said.filter(|said| model.mode(*said).is_some()).unwrap_or(model.normal().name);
                ways.add(rated.sleep, sleep, None);
                let need = Rated::with_tolerance(self.loads.awake[machine.ix()]);
                ways.add(need, self.worth(model, remembered, mode)? - start, None);
            }
            _ => return None,
        }
        (!ways.modes.is_empty()).then_some(ways)
    }

    /// Between owners who share by their contracts nobody is swapped: whose turn it is is not the solver's.
    fn swaps(&self) -> bool {
        let rules = &self.site.rules;
        rules.tuning.swap_machines && rules.sharing == SharingRule::Efficiency
    }

    fn may_start(&self, machine: MachineIx, remembered: &MachineMemory) -> bool {
        let (now, timing) = (self.snapshot.at, self.site.rules.timing);
        let blown = |fan: &FanIx| {
            let since = self.memory.fans[fan.ix()].running_since;
            since.is_some_and(|since| since + self.site.fans[fan.ix()].lead <= now)
        };
        self.frame.fans(self.frame.places()[machine.ix()].circuit).iter().all(blown)
            && remembered.swapped_until.is_none_or(|at| at <= now)
            && self.ranking.earns[machine.ix()] != Some(false)
            && remembered.wake_retry_at.is_none_or(|at| at <= now)
            && remembered.rests_since.is_none_or(|at| at + timing.least_rest <= now)
    }

    fn rated(&self, machine: MachineIx) -> &Rated {
        self.frame.rated(self.frame.places()[machine.ix()].model)
    }

    /// What an hour of a mode earns less its power; terahashes where a price is not known.
    fn worth(&self, model: &Model, remembered: &MachineMemory, mode: ModeName) -> Option<f64> {
        let mode = model.mode(mode)?;
        let reached = f64::from(remembered.quality.percent()) / 100.0;
        let (Some(_), Some(hash_price)) = self.prices else {
            return Some(mode.hash_rate.to_terahashes_f64() * reached);
        };
        let revenue = hash_price.of(mode.hash_rate.over_millis(3_600_000)).amount().to_f64()?;
        Some(revenue * reached - self.cost(mode.power))
    }

    /// What an hour of this power costs; nothing where a price is not known.
    fn cost(&self, power: Power) -> f64 {
        let (Some(price), Some(_)) = self.prices else { return 0.0 };
        price.of(power.over_millis(3_600_000)).amount().to_f64().unwrap_or(0.0)
    }

    fn start_cost(&self) -> f64 {
        let known = matches!(self.prices, (Some(_), Some(_)));
        let outdoor = self.snapshot.directives.feeds.outdoor_at(self.snapshot.at);
        let cost = self.site.economics.costs.start_at(outdoor).filter(|_| known);
        cost.and_then(|cost| cost.amount().to_f64()).unwrap_or(0.0)
    }

    /// A change of mode costs the minutes until the machine hashes again, spread over how long it may hold.
    fn change_cost(&self, model: &Model, remembered: &MachineMemory) -> Option<f64> {
        let lost = restarts_for(model) + p95(model.transitions.ramp_up);
        let worth = self.worth(model, remembered, model.normal().name)?.max(0.0);
        Some(worth * lost.as_secs_f64() / 3_600.0 / self.hours())
    }

    /// How long a change holds, as far as is known.
    fn hours(&self) -> f64 {
        let known = self.snapshot.at.duration_until(self.until).min(limits::TUNING_LASTS);
        known.max(limits::AIM_EVERY).as_secs_f64() / 3_600.0
    }

    /// What a circuit has for the machines that can be tuned, and what they draw there now.
    fn budgets(&self, ways: &[Ways]) -> Vec<(Option<Power>, Power)> {
        let mut drawn = vec![Power::ZERO; self.site.circuits.len()];
        for ways in ways {
            for circuit in self.site.circuits.path(self.frame.places()[ways.machine.ix()].circuit) {
                drawn[circuit.ix()] += ways.now;
            }
        }
        let budget = |(ix, drawn): (CircuitIx, Power)| {
            let (_, start_below) = band(self.site, self.envelope, self.memory, ix)?;
            Some(start_below - (self.loads.circuit(ix).upper - drawn))
        };
        let circuits = self.site.circuits.iter().map(|(ix, _)| ix).zip(drawn);
        circuits.map(|(ix, drawn)| (budget((ix, drawn)), drawn)).collect()
    }

    fn solved(
        &self,
        ways: &[Ways],
    ) -> Result<(BTreeMap<MachineIx, Want>, BTreeSet<MachineIx>), ProblemError> {
        let budgets = self.budgets(ways);
        let mut problem = Problem::new();
        let mut numbers: Vec<CircuitNo> = Vec::with_capacity(budgets.len());
        for ((_, circuit), (budget, drawn)) in self.site.circuits.iter().zip(&budgets) {
            let above = circuit.parent.map(|parent| numbers[parent.ix()]);
            // What runs within the dead band goes on: nobody is tuned to make room for nobody.
            numbers.push(problem.add_circuit(above, budget.map(|budget| budget.max(*drawn)))?);
        }
        for ways in ways {
            problem.add_machine(numbers[self.frame.places()[ways.machine.ix()].circuit.ix()], &ways.modes)?;
        }
        let solution = Solver::new(problem).solve();
        let (mut wants, mut starts) = (BTreeMap::new(), BTreeSet::new());
        let mut after = vec![Power::ZERO; budgets.len()];
        for (ways, chosen) in ways.iter().zip(&solution.setpoints) {
            let (circuit, chosen) = (self.frame.places()[ways.machine.ix()].circuit, usize::from(*chosen));
            for ix in self.site.circuits.path(circuit) {
                after[ix.ix()] += ways.modes[chosen].power;
            }
            if let Some(want) = ways.wants[chosen] {
                wants.insert(ways.machine, want);
            } else if ways.modes[chosen].power > ways.now {
                starts.insert(ways.machine);
            }
        }
        // Whoever sleeps for a better one sleeps in vain where that one does not fit by the plan's own count.
        let fits = |ix: CircuitIx| budgets[ix.ix()].0.is_none_or(|budget| after[ix.ix()] <= budget);
        wants.retain(|machine, want| {
            let circuit = self.frame.places()[machine.ix()].circuit;
            *want != Want::Sleep || (!starts.is_empty() && self.site.circuits.path(circuit).all(fits))
        });
        if !wants.values().any(|want| *want == Want::Sleep) {
            starts.clear();
        }
        Ok((wants, starts))
    }
}

impl Ways {
    fn add(&mut self, power: Power, value_per_h: f64, want: Option<Want>) {
        self.modes.push(Mode { power, value_per_h });
        self.wants.push(want);
    }
}

/// How long a machine may be restarting for another mode.
pub(crate) fn restarts_for(model: &Model) -> SignedDuration {
    p95(model.transitions.sleep) + p95(model.transitions.wake)
}

#[cfg(test)]
#[path = "aim_tests.rs"]
mod tests;
