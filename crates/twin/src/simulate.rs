//! The real controller over the plant in virtual time: what `offpeak simulate` runs, and what the
//! demo puts behind its first screen.
//!
//! Machines are polled in turn, each once in [`POLL_INTERVAL`]; a change is seen at the machine's
//! next turn and not before. Meters are read every second. A second in which no machine's word, no
//! order and no reply is new and the meters stay inside the controller's dead band is leapt: the
//! plant moves and the meters are observed, but no cycle runs. Leaping and stepping give the same
//! commands in the same seconds.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use offpeak_dispatch::{
    Command, CommandState, Controller, Cycle, Directives, FansSeen, Memory, MeterSays, Returned, Seen,
    Snapshot, Transition,
};
use offpeak_site::{Action, CircuitIx, MachineIx, MeterReading, Site};
use offpeak_units::{Energy, Hashes, Money};

use crate::judge::Judge;
use crate::plant::Plant;
use crate::scenario::Scenario;

/// How often each machine is asked, in seconds.
pub const POLL_INTERVAL: i64 = 10;

/// Whether quiet seconds are leapt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// Leap over quiet seconds.
    #[default]
    Leap,
    /// Run a cycle every second.
    Step,
}

/// Totals of a run so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Seconds in which a cycle ran.
    pub cycles: u64,
    /// Seconds that were leapt.
    pub leapt: u64,
    /// Seconds in which more than 5 % of the machines hashed.
    pub running_seconds: u64,
    /// Commands sent.
    pub commands: u64,
    /// Of these, starts of machines.
    pub starts: u64,
    /// Commands whose effect was seen.
    pub confirmed: u64,
    /// Batches of commands with whose outcome, by the machines' word, the meter agreed.
    pub batches_agreed: u64,
    /// With which it disagreed.
    pub batches_disagreed: u64,
    /// Of which it could not tell.
    pub batches_machine_only: u64,
    /// Objections of the checker.
    pub vetoes: u64,
    /// What the energy cost; `None` once a stretch had no known price.
    pub cost: Option<Money>,
    /// What the hashes earned; `None` once a stretch had no known price.
    pub revenue: Option<Money>,
}

/// A run in progress.
pub struct Simulation {
    site: Arc<Site>,
    plant: Plant,
    controller: Controller,
    judge: Judge,
    pace: Pace,
    /// The orders in force; may be changed between seconds.
    directives: Directives,
    directives_changed: bool,
    seen: Vec<Seen>,
    meters: Vec<Option<MeterReading>>,
    /// By set of fans: how many of its contactors are closed.
    fans: Vec<u16>,
    /// Machines with news, by the second of their next turn.
    due: BTreeMap<Timestamp, Vec<MachineIx>>,
    is_due: Vec<bool>,
    /// Machines that were asked in the present second and had news.
    polled: Vec<MachineIx>,
    returned: Vec<Returned>,
    totals: Totals,
    priced_energy: Energy,
    priced_hashes: Hashes,
}

/// What happened in one second.
#[derive(Debug)]
pub struct Second {
    /// The cycle, unless the second was leapt.
    pub cycle: Option<Cycle>,
}

impl Simulation {
    /// A plant of this seed under a controller that remembers nothing, at the second before `start`.
    #[must_use]
    pub fn new(site: Arc<Site>, scenario: &Scenario, seed: u64, start: Timestamp, pace: Pace) -> Self {
        let machines = site.machines.len();
        let plant = Plant::new(Arc::clone(&site), scenario, seed, start);
        let mut due: BTreeMap<Timestamp, Vec<MachineIx>> = BTreeMap::new();
        for (machine, _) in site.machines() {
            due.entry(next_turn(machine, start)).or_default().push(machine);
        }
        Self {
            plant,
            controller: Controller::new(Arc::clone(&site), Memory::new(&site, 1)),
            judge: Judge::new(&site, start),
            pace,
            directives: Directives::default(),
            directives_changed: false,
            seen: vec![Seen::default(); machines],
            meters: vec![None; site.meters.len()],
            fans: Vec::new(),
            due,
            is_due: vec![true; machines],
            polled: Vec::new(),
            returned: Vec::new(),
            totals: Totals {
                cycles: 0,
                leapt: 0,
                running_seconds: 0,
                commands: 0,
                starts: 0,
                confirmed: 0,
                batches_agreed: 0,
                batches_disagreed: 0,
                batches_machine_only: 0,
                vetoes: 0,
                cost: Some(Money::zero(site.economics.currency)),
                revenue: Some(Money::zero(site.economics.currency)),
            },
            priced_energy: Energy::ZERO,
            priced_hashes: Hashes::ZERO,
            site,
        }
    }

    /// The plant.
    #[must_use]
    pub const fn plant(&self) -> &Plant {
        &self.plant
    }
    /// The plant, for what befalls it from outside between two seconds.
    pub const fn plant_mut(&mut self) -> &mut Plant {
        &mut self.plant
    }
    /// The controller.
    #[must_use]
    pub const fn controller(&self) -> &Controller {
        &self.controller
    }
    /// The judge of the outcome.
    #[must_use]
    pub const fn judge(&self) -> &Judge {
        &self.judge
    }
    /// The totals so far.
    #[must_use]
    pub const fn totals(&self) -> &Totals {
        &self.totals
    }
    /// What the controller has seen of the machines.
    #[must_use]
    pub fn seen(&self) -> &[Seen] {
        &self.seen
    }
    /// The meters' last readings, however old.
    #[must_use]
    pub fn meters(&self) -> &[Option<MeterReading>] {
        &self.meters
    }
    /// The machines of which the present second brought news.
    #[must_use]
    pub fn polled(&self) -> &[MachineIx] {
        &self.polled
    }
    /// The orders in force.
    #[must_use]
    pub const fn directives(&self) -> &Directives {
        &self.directives
    }
    /// Gives or lifts orders; the next second's cycle takes them in.
    pub fn set_directives(&mut self, directives: Directives) {
        self.directives = directives;
        self.directives_changed = true;
    }
    /// Does something to a machine behind the controller's back.
    pub fn disturb(&mut self, machine: MachineIx, action: Action) {
        let _ = self.plant.command(machine, action);
    }
    /// Kills the controller: the plant goes on without one until then.
    pub fn leave_alone_until(&mut self, until: Timestamp) {
        while self.plant.now() < until {
            self.plant.advance(self.plant.now() + SignedDuration::from_secs(1));
            self.judge.observe(&self.plant);
        }
    }
    /// Starts another controller in place of the one there was. It remembers only what the book keeps
    /// and goes by `site`, whose limits may have been changed meanwhile; the judge goes by the old ones.
    pub fn restart_controller(&mut self, site: &Arc<Site>, memory: Memory) {
        self.controller = Controller::new(Arc::clone(site), memory);
        self.seen.fill(Seen::default());
        self.meters.fill(None);
        self.returned.clear();
        self.due.clear();
        self.is_due.fill(true);
        for (machine, _) in self.site.machines() {
            self.due.entry(next_turn(machine, self.plant.now())).or_default().push(machine);
        }
    }
    /// Hands plant and controller over, as at the present second.
    #[must_use]
    pub fn into_parts(self) -> (Plant, Controller) {
        (self.plant, self.controller)
    }

    /// Runs one second: everything up to and including the instant `now() + 1 s`.
    pub fn second(&mut self) -> Second {
        let at = self.plant.now() + SignedDuration::from_secs(1);
        self.plant.advance(at);
        self.judge.observe(&self.plant);
        self.price(at);
        self.totals.running_seconds += u64::from(self.plant.hashing() * 20 > self.site.machines.len());

        for (ix, reading) in self.meters.iter_mut().enumerate() {
            // A silent meter leaves its last reading standing, which ages.
            *reading = self.plant.meter(offpeak_site::MeterIx(ix as u32)).or(*reading);
        }
        self.controller.observe(&self.meters);
        self.note_changes(at);
        let polled = self.poll(at);
        let fans = self.read_fans();
        let blown = fans != self.fans;
        self.fans = fans;
        let news = polled || blown || self.directives_changed || !self.returned.is_empty();
        if self.pace == Pace::Leap && !news && self.controller.is_quiet(at) {
            self.totals.leapt += 1;
            return Second { cycle: None };
        }
        let cycle = self.run_cycle(at);
        Second { cycle: Some(cycle) }
    }

    /// Runs until an instant.
    pub fn run_until(&mut self, until: Timestamp) {
        while self.plant.now() < until {
            self.second();
        }
    }

    /// Machines that changed get their next turn noted.
    fn note_changes(&mut self, at: Timestamp) {
        for machine in self.plant.take_changed() {
            if !std::mem::replace(&mut self.is_due[machine.ix()], true) {
                self.due.entry(next_turn(machine, at)).or_default().push(machine);
            }
        }
    }

    /// Asks the machines whose turn brings news.
    fn poll(&mut self, at: Timestamp) -> bool {
        self.polled.clear();
        while let Some(entry) = self.due.first_entry().filter(|entry| *entry.key() <= at) {
            for machine in entry.remove() {
                self.polled.push(machine);
                self.is_due[machine.ix()] = false;
                let seen = &mut self.seen[machine.ix()];
                let outlet = self.site.machine(machine).outlet;
                seen.outlet_closed = outlet.map(|o| (self.plant.switch_state(o.switch, o.channel), at));
                match self.plant.reading(machine) {
                    Ok(reading) => (seen.reading, seen.trouble) = (Some(reading), None),
                    Err(trouble) => {
                        let since = seen.trouble.map_or(at, |(_, since)| since);
                        seen.trouble = Some((trouble, since));
                    }
                }
            }
        }
        !self.polled.is_empty()
    }

    /// What the switches say of each set's contactors.
    fn read_fans(&self) -> Vec<u16> {
        let closed = |fans: &offpeak_site::Fans| {
            fans.contactors().filter(|at| self.plant.switch_state(at.switch, at.channel)).count() as u16
        };
        self.site.fans.iter().map(closed).collect()
    }

    fn run_cycle(&mut self, at: Timestamp) -> Cycle {
        self.directives_changed = false;
        // By phase: when machines of that phase had their last turn.
        let turns: [Timestamp; POLL_INTERVAL as usize] =
            std::array::from_fn(|phase| last_turn(MachineIx(phase as u32), at));
        for (place, seen) in self.seen.iter_mut().enumerate() {
            if let (Some(reading), None) = (&mut seen.reading, seen.trouble) {
                reading.at = turns[place % turns.len()];
            }
        }
        let snapshot = Snapshot {
            at,
            machines: std::mem::take(&mut self.seen),
            meters: self.meters.clone(),
            fans: self.fans.iter().map(|closed| Some(FansSeen { closed: *closed, at })).collect(),
            directives: self.directives.clone(),
            returned: std::mem::take(&mut self.returned),
        };
        let cycle = self.controller.cycle(&snapshot);
        self.seen = snapshot.machines;
        for command in &cycle.commands {
            self.returned.push(deliver(&mut self.plant, command));
        }
        for command in &cycle.fan_commands {
            for contactor in self.site.fans[command.fans.ix()].contactors() {
                self.plant.switch(contactor.switch, contactor.channel, command.run);
            }
        }
        self.totals.cycles += 1;
        self.totals.commands += cycle.commands.len() as u64;
        self.totals.starts += cycle.commands.iter().filter(|c| c.action == Action::Wake).count() as u64;
        self.totals.vetoes += cycle.vetoes.len() as u64;
        for batch in &cycle.batches {
            *match batch.says {
                MeterSays::Agrees => &mut self.totals.batches_agreed,
                MeterSays::Disagrees => &mut self.totals.batches_disagreed,
                MeterSays::MachineOnly => &mut self.totals.batches_machine_only,
            } += 1;
        }
        self.totals.confirmed += cycle.transitions.iter().filter(|t| is_confirmed(t)).count() as u64;
        cycle
    }

    /// Prices the energy and the hashes of each quarter hour, within which no price changes.
    fn price(&mut self, at: Timestamp) {
        if at.as_second() % 900 == 0 {
            self.price_until_now(at);
        }
    }

    /// Prices what is not priced yet; for the end of a run within a quarter hour.
    pub fn close_books(&mut self) {
        self.price_until_now(self.plant.now());
    }

    fn price_until_now(&mut self, at: Timestamp) {
        let before = at - SignedDuration::from_secs(1);
        let (economics, zone) = (&self.site.economics, &self.site.time_zone);
        let energy = self.plant.energy(CircuitIx::ROOT) - self.priced_energy;
        let hashes = self.plant.hashes() - self.priced_hashes;
        let add = |total: Option<Money>, part: Option<Money>| total?.checked_add(part?).ok();
        let cost = economics.power_price_at(zone, before).map(|price| price.of(energy));
        let revenue = economics.hash_price_at(zone, before).map(|price| price.of(hashes));
        self.totals.cost = add(self.totals.cost, cost);
        self.totals.revenue = add(self.totals.revenue, revenue);
        self.priced_energy += energy;
        self.priced_hashes += hashes;
    }
}

/// A command reaches its machine within the second it was sent in; the answer is back before the
/// next one.
fn deliver(plant: &mut Plant, command: &Command) -> Returned {
    let outcome = plant.command(command.machine, command.action);
    Returned { machine: command.machine, generation: command.generation, outcome }
}

fn is_confirmed(transition: &Transition) -> bool {
    transition.state == CommandState::Confirmed
}

/// A machine's turn: the seconds that leave its place as the remainder of the interval.
fn last_turn(machine: MachineIx, at: Timestamp) -> Timestamp {
    let phase = i64::from(machine.0) % POLL_INTERVAL;
    at - SignedDuration::from_secs((at.as_second() - phase).rem_euclid(POLL_INTERVAL))
}

fn next_turn(machine: MachineIx, at: Timestamp) -> Timestamp {
    let last = last_turn(machine, at);
    if last == at { at } else { last + SignedDuration::from_secs(POLL_INTERVAL) }
}
