//! The plant: machines, circuits and their sums, moved by events.
//!
//! Everything is constant or linear between events, in integers, so a circuit's power is known at
//! any instant from two numbers and a quiet hour costs nothing. Time is whole seconds; power holds
//! through each second `[t, t + 1)` at its value at `t`, hence energy is exactly the sum of the
//! seconds' powers, however far each advance reaches.
//!
//! Not here: commands and switches (`command`), what is seen of it (`view`, `meter`), what the judge
//! is shown (`trace`).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::Arc;

use jiff::Timestamp;
use offpeak_site::{CircuitIx, Distribution, MachineIx, Model, Site, SwitchIx};
use offpeak_units::{Power, Temperature};

use crate::command::Channel;
use crate::draw::{Draw, Stream};
use crate::line::{Account, Line};
use crate::machine::{Phase, State, WARMTH_PARTS, Want};
pub use crate::scenario::Scenario;
use crate::scenario::{Climate, Fault, Initial, MeterGap, Pinned};
use crate::trace::Trace;
use crate::weather;

/// One circuit's sums over everything below it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sums {
    /// Power, in milliwatts; summed over seconds, in millijoules.
    pub(crate) power: Account,
    /// What each step of warmth adds.
    warmth: Line,
    /// Since when the power's line is what it is.
    pub(crate) since: i64,
    /// How many machines below it hash.
    pub(crate) hashing: u32,
    /// Whether anything limits it, so that its stretches are kept.
    pub(crate) is_limited: bool,
}

/// What an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// The machine's next phase begins, unless it was scheduled before a newer one (by epoch).
    Phase(u32),
    /// A pinned fault begins.
    Pinned,
    Reboot,
    Death,
    Hang,
}

/// An event: when, whose, what; handled in this order.
type Event = Reverse<(i64, u32, Kind)>;

/// The plant.
#[derive(Clone, Debug)]
pub struct Plant {
    pub(crate) site: Arc<Site>,
    pub(crate) seed: u64,
    /// The Unix second it began at.
    pub(crate) start: i64,
    /// Seconds since.
    pub(crate) t: i64,
    pub(crate) machines: Vec<State>,
    pub(crate) circuits: Vec<Sums>,
    /// Whether power reaches each circuit.
    pub(crate) energised: Vec<bool>,
    pub(crate) channels: BTreeMap<(SwitchIx, u16), Channel>,
    pub(crate) hash_rate: Account,
    pub(crate) hashing: usize,
    climate: Climate,
    pub(crate) outdoor: Temperature,
    /// Thousandths by which hashing machines draw more than at 25 °C.
    pub(crate) warmth: i64,
    queue: BinaryHeap<Event>,
    pub(crate) pinned: BTreeMap<MachineIx, Pinned>,
    reboots_per_day: f64,
    hangs_per_day: f64,
    pub(crate) gaps: Vec<MeterGap>,
    pub(crate) gap_chance: f64,
    changed: Vec<MachineIx>,
    pub(crate) defiant: BTreeSet<MachineIx>,
    pub(crate) trace: Trace,
}

impl Plant {
    /// A plant at this instant (its whole second).
    #[must_use]
    pub fn new(site: Arc<Site>, scenario: &Scenario, seed: u64, start: Timestamp) -> Self {
        let start = whole_second(start);
        let outdoor = weather::outdoor(scenario.climate, seed, start);
        let machines = (0..site.machines.len()).map(|place| State::new(seed, place as u32)).collect();
        let mut plant = Self {
            circuits: sums(&site),
            energised: vec![true; site.circuits.len()],
            channels: crate::command::channels(&site),
            machines,
            seed,
            start,
            t: 0,
            hash_rate: Account::default(),
            hashing: 0,
            climate: scenario.climate,
            outdoor,
            warmth: weather::warmth(weather::inlet(outdoor)),
            queue: BinaryHeap::new(),
            pinned: scenario.pinned.clone(),
            reboots_per_day: scenario.faults.reboots_per_day,
            hangs_per_day: scenario.faults.hangs_per_day,
            gaps: scenario.meter_gaps.clone(),
            gap_chance: scenario.faults.meter_gaps_per_day / 24.0,
            changed: Vec::new(),
            defiant: BTreeSet::new(),
            trace: Trace::default(),
            site,
        };
        let base = |(ix, circuit): (CircuitIx, &offpeak_site::Circuit)| {
            (circuit.base_load + plant.fan_power(ix)).to_milliwatts()
        };
        let bases: Vec<i64> = plant.site.circuits.iter().map(base).collect();
        for (place, base) in bases.into_iter().enumerate() {
            plant.add_up(CircuitIx(place as u32), Line::flat(base), Line::ZERO);
        }
        for place in 0..plant.machines.len() as u32 {
            plant.begin(MachineIx(place), scenario);
        }
        plant.changed.clear();
        for state in &mut plant.machines {
            state.is_listed = false;
        }
        plant
    }

    /// Draws a machine's faults and gives it its first state.
    fn begin(&mut self, machine: MachineIx, scenario: &Scenario) {
        let switched = self.site.machine(machine).outlet.is_some();
        if let Some(pinned) = scenario.pinned.get(&machine) {
            let after = pinned.after.as_secs().max(0);
            if after == 0 {
                self.state_mut(machine).fault = Some(pinned.fault);
            } else {
                self.queue.push(Reverse((after, machine.0, Kind::Pinned)));
            }
        } else {
            let fault = crate::command::draw_fault(&scenario.faults, self.seed, machine, switched);
            self.state_mut(machine).fault = fault;
            let faults = &scenario.faults;
            self.schedule_chance(machine, Kind::Reboot, faults.reboots_per_day);
            self.schedule_chance(machine, Kind::Death, faults.deaths_per_day);
            if switched || faults.unswitched {
                self.schedule_chance(machine, Kind::Hang, faults.hangs_per_day);
            }
        }
        let (fault, sleeps) = (self.state(machine).fault, self.site.model_of(machine).sleeps_by_command);
        let runs = scenario.initial == Initial::Running
            || fault.is_some_and(Fault::defies_commands)
            || (!sleeps && !switched);
        if fault == Some(Fault::Dead) {
            self.enter(machine, Phase::Off);
        } else if runs {
            self.enter(machine, Phase::Hashing);
        } else if sleeps {
            self.state_mut(machine).wanted = Want::Sleep;
            self.enter(machine, Phase::Asleep);
        } else if let Some(outlet) = self.site.machine(machine).outlet {
            self.switch(outlet.switch, outlet.channel, false);
        }
    }

    /// The site.
    #[must_use]
    pub const fn site(&self) -> &Arc<Site> {
        &self.site
    }
    /// The present second.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.at(self.t)
    }
    pub(crate) fn at(&self, t: i64) -> Timestamp {
        Timestamp::from_second(self.start + t).expect("a plant's time lies within the calendar")
    }
    /// When the next event comes: until then nothing changes but along straight lines. Meters'
    /// noise and gaps are no events.
    #[must_use]
    pub fn next_event(&self) -> Option<Timestamp> {
        let queued = self.queue.peek().map(|Reverse((t, ..))| *t);
        let weather = (self.climate == Climate::Ekibastuz).then(|| self.next_weather());
        queued.into_iter().chain(weather).min().map(|t| self.at(t))
    }
    const fn next_weather(&self) -> i64 {
        ((self.start + self.t).div_euclid(weather::STEP) + 1) * weather::STEP - self.start
    }

    /// Moves to the second of `to`, through every event up to and at it. An instant that has passed
    /// moves nothing.
    pub fn advance(&mut self, to: Timestamp) {
        let to = whole_second(to) - self.start;
        if to < self.t {
            return;
        }
        self.trace.begin_advance();
        loop {
            let weather = self.next_weather();
            let queued = self.queue.peek().map_or(i64::MAX, |Reverse((t, ..))| *t);
            if weather.min(queued) > to {
                break;
            }
            if weather <= queued {
                self.t = weather;
                self.change_weather();
            } else if let Some(Reverse((t, machine, kind))) = self.queue.pop() {
                self.t = t;
                self.handle(MachineIx(machine), kind);
            }
        }
        self.t = to;
        self.trace.end_advance();
        self.drop_void_events();
    }

    /// Keeps the head of the queue valid, so that [`Self::next_event`] is.
    pub(crate) fn drop_void_events(&mut self) {
        while let Some(Reverse((_, machine, Kind::Phase(epoch)))) = self.queue.peek() {
            if self.machines[*machine as usize].epoch == *epoch {
                break;
            }
            self.queue.pop();
        }
    }

    fn handle(&mut self, machine: MachineIx, kind: Kind) {
        let state = self.state(machine);
        let dead = state.fault == Some(Fault::Dead);
        match kind {
            Kind::Phase(epoch) if epoch == state.epoch => self.next_phase(machine),
            Kind::Phase(_) => {}
            Kind::Pinned => self.befall(machine, self.pinned[&machine].fault),
            Kind::Death => self.befall(machine, Fault::Dead),
            Kind::Hang => {
                if state.fault.is_none() && state.phase != Phase::Off {
                    self.befall(machine, Fault::Hung);
                }
                self.schedule_chance(machine, Kind::Hang, self.hangs_per_day);
            }
            Kind::Reboot => {
                if !dead && state.phase != Phase::Off {
                    self.power_cycle(machine);
                }
                self.schedule_chance(machine, Kind::Reboot, self.reboots_per_day);
            }
        }
    }

    /// A fault begins.
    fn befall(&mut self, machine: MachineIx, fault: Fault) {
        self.state_mut(machine).fault = Some(fault);
        match (fault, self.state(machine).phase) {
            (Fault::Dead, _) => self.enter(machine, Phase::Off),
            (Fault::BoardDead, Phase::Hashing) => self.enter(machine, Phase::Hashing),
            (Fault::BoardDead, Phase::RampingUp) => self.enter(machine, Phase::RampingUp),
            _ => self.mark_changed(machine),
        }
    }

    /// What a loss of power and its return leave of a machine.
    pub(crate) fn power_cycle(&mut self, machine: MachineIx) {
        let state = self.state_mut(machine);
        if state.fault == Some(Fault::Hung) {
            state.fault = None;
        }
        let alive = state.powered && state.fault != Some(Fault::Dead);
        self.enter(machine, if alive { Phase::Booting } else { Phase::Off });
    }

    fn next_phase(&mut self, machine: MachineIx) {
        let state = self.state(machine);
        let next = match (state.phase, state.wanted) {
            (Phase::Booting | Phase::RampingDown, Want::Run) => Phase::Starting,
            (Phase::Booting | Phase::RampingDown, Want::Sleep) => Phase::Asleep,
            (Phase::Starting, _) => Phase::RampingUp,
            (Phase::RampingUp, _) => Phase::Hashing,
            (Phase::Off | Phase::Hashing | Phase::Asleep, _) => return,
        };
        self.enter(machine, next);
    }

    /// Puts a machine into a phase now, and schedules what follows it.
    pub(crate) fn enter(&mut self, machine: MachineIx, phase: Phase) {
        let site = Arc::clone(&self.site);
        let (model, t, seed) = (site.model_of(machine), self.t, self.seed);
        let state = self.state_mut(machine);
        state.epoch += 1;
        let (idle, full, full_rate) =
            (state.idle_power(model), state.full_power(model), state.full_hash_rate(model));
        let length = duration_of(model, phase).map(|distribution| {
            let drawn = state.next_draw(seed, machine.0).log_normal(
                f64::from(distribution.p5_ms.max(1)),
                f64::from(distribution.p95_ms.max(distribution.p5_ms).max(1)),
            );
            (drawn / 1_000.0).ceil().max(1.0) as i64
        });
        let n = length.unwrap_or(1);
        let (power, warmth, rate) = (state.power.at(t), state.warmth.at(t), state.hash_rate.at(t));
        let (power, warmth, rate) = match phase {
            Phase::Off => (Line::ZERO, Line::ZERO, Line::ZERO),
            Phase::Booting | Phase::Starting | Phase::Asleep => (Line::flat(idle), Line::ZERO, Line::ZERO),
            Phase::RampingUp => (
                Line::ramp(t, idle, full, n),
                Line::ramp(t, 0, full / WARMTH_PARTS, n),
                Line::ramp(t, 0, full_rate, n),
            ),
            Phase::Hashing => (Line::flat(full), Line::flat(full / WARMTH_PARTS), Line::flat(full_rate)),
            Phase::RampingDown => {
                (Line::ramp(t, power, idle, n), Line::ramp(t, warmth, 0, n), Line::ramp(t, rate, 0, n))
            }
        };
        let epoch = state.epoch;
        self.set(machine, phase, power, warmth, rate);
        if let Some(length) = length {
            self.queue.push(Reverse((t + length, machine.0, Kind::Phase(epoch))));
        }
    }

    /// Writes a machine's new lines and keeps every sum.
    fn set(&mut self, machine: MachineIx, phase: Phase, power: Line, warmth: Line, hash_rate: Line) {
        let t = self.t;
        let state = &mut self.machines[machine.ix()];
        let hashed = state.is_hashing();
        let more_power = power - state.power;
        let more_warmth = warmth - state.warmth;
        let more_rate = hash_rate - state.hash_rate;
        (state.phase, state.power, state.warmth, state.hash_rate) = (phase, power, warmth, hash_rate);
        let hashes = state.is_hashing();
        self.hashing = self.hashing + usize::from(hashes) - usize::from(hashed);
        if hashes != hashed {
            let site = Arc::clone(&self.site);
            for circuit in site.circuits.path(site.machine(machine).circuit) {
                let count = &mut self.circuits[circuit.ix()].hashing;
                *count = if hashes { *count + 1 } else { *count - 1 };
            }
        }
        self.hash_rate.add(t, more_rate);
        self.add_up(self.site.machine(machine).circuit, more_power, more_warmth);
        self.mark_changed(machine);
        self.mark_defiant(machine);
    }

    /// Adds to the sums of a circuit and all that feed it, from now on.
    pub(crate) fn add_up(&mut self, circuit: CircuitIx, power: Line, warmth: Line) {
        let (t, more) = (self.t, power + warmth.times(self.warmth));
        let site = Arc::clone(&self.site);
        for ix in site.circuits.path(circuit) {
            self.finish_stretch(ix);
            let sums = &mut self.circuits[ix.ix()];
            sums.power.add(t, more);
            sums.warmth += warmth;
        }
    }

    /// Every circuit's power follows the temperature.
    fn change_weather(&mut self) {
        self.outdoor = weather::outdoor(self.climate, self.seed, self.start + self.t);
        let warmth = weather::warmth(weather::inlet(self.outdoor));
        let step = warmth - self.warmth;
        if step == 0 {
            return;
        }
        self.warmth = warmth;
        for place in 0..self.circuits.len() {
            if self.circuits[place].warmth == Line::ZERO {
                continue;
            }
            self.finish_stretch(CircuitIx(place as u32));
            let sums = &mut self.circuits[place];
            let more = sums.warmth.times(step);
            sums.power.add(self.t, more);
        }
    }

    /// The machines to which something happened since the last call, in the order it did. The drift
    /// along a ramp or with the temperature is nothing that happens.
    pub fn take_changed(&mut self) -> Vec<MachineIx> {
        let changed = std::mem::take(&mut self.changed);
        for machine in &changed {
            self.machines[machine.ix()].is_listed = false;
        }
        changed
    }

    pub(crate) fn state(&self, machine: MachineIx) -> &State {
        &self.machines[machine.ix()]
    }
    pub(crate) fn state_mut(&mut self, machine: MachineIx) -> &mut State {
        &mut self.machines[machine.ix()]
    }
    pub(crate) fn mark_changed(&mut self, machine: MachineIx) {
        if !std::mem::replace(&mut self.machines[machine.ix()].is_listed, true) {
            self.changed.push(machine);
        }
    }
    pub(crate) fn mark_defiant(&mut self, machine: MachineIx) {
        if self.machines[machine.ix()].is_defiant() {
            self.defiant.insert(machine);
        } else {
            self.defiant.remove(&machine);
        }
    }
    /// Schedules the next event of a kind that comes by chance.
    fn schedule_chance(&mut self, machine: MachineIx, kind: Kind, per_day: f64) {
        if per_day <= 0.0 {
            return;
        }
        let stream = match kind {
            Kind::Reboot => Stream::Reboot,
            Kind::Death => Stream::Death,
            Kind::Hang | Kind::Phase(_) | Kind::Pinned => Stream::Hang,
        };
        let draw = Draw::new(self.seed, stream, machine.0.into(), self.t.cast_unsigned());
        let gap = draw.exponential(86_400.0 / per_day).ceil().clamp(1.0, 1e10) as i64;
        self.queue.push(Reverse((self.t + gap, machine.0, kind)));
    }
}

/// The Unix second that an instant lies in.
fn whole_second(at: Timestamp) -> i64 {
    at.as_second() - i64::from(at.subsec_nanosecond() < 0)
}

/// Empty sums for each circuit.
fn sums(site: &Site) -> Vec<Sums> {
    let limited = |ix: CircuitIx, rating: Option<Power>| ix == CircuitIx::ROOT || rating.is_some();
    site.circuits
        .iter()
        .map(|(ix, circuit)| Sums { is_limited: limited(ix, circuit.rating), ..Sums::default() })
        .collect()
}

/// How long a phase lasts by itself.
const fn duration_of(model: &Model, phase: Phase) -> Option<Distribution> {
    match phase {
        Phase::Booting => Some(model.transitions.boot),
        Phase::Starting => Some(model.transitions.wake),
        Phase::RampingUp => Some(model.transitions.ramp_up),
        Phase::RampingDown => Some(model.transitions.sleep),
        Phase::Off | Phase::Hashing | Phase::Asleep => None,
    }
}
