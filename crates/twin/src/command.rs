//! What can be done to a machine: commands through its API, and switches.
//!
//! Not here: what follows from it with time (`plant`).

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::SignedDuration;
use offpeak_site::{Action, CircuitIx, Family, FanIx, MachineIx, ModeName, Outcome, Site, SwitchIx};
use offpeak_units::Power;

use crate::draw::{Draw, Stream};
use crate::line::Line;
use crate::machine::{Phase, Want};
use crate::plant::Plant;
use crate::scenario::{Fault, Faults};

/// One channel of a switch, and what it feeds.
#[derive(Clone, Debug)]
pub(crate) struct Channel {
    is_closed: bool,
    /// It stays as it is, whatever is asked: welded, or its coil is burnt.
    is_jammed: bool,
    machines: Vec<MachineIx>,
    circuits: Vec<CircuitIx>,
    fans: Vec<FanIx>,
}

impl Default for Channel {
    fn default() -> Self {
        Self {
            is_closed: true,
            is_jammed: false,
            machines: Vec::new(),
            circuits: Vec::new(),
            fans: Vec::new(),
        }
    }
}

/// The channel of a switch that cuts a whole circuit.
const CIRCUIT_CHANNEL: u16 = 0;

/// Every channel that feeds something.
pub(crate) fn channels(site: &Site) -> BTreeMap<(SwitchIx, u16), Channel> {
    let mut channels: BTreeMap<(SwitchIx, u16), Channel> = BTreeMap::new();
    for (ix, machine) in site.machines() {
        if let Some(outlet) = machine.outlet {
            channels.entry((outlet.switch, outlet.channel)).or_default().machines.push(ix);
        }
    }
    for (ix, circuit) in site.circuits.iter() {
        if let Some(switch) = circuit.switch {
            channels.entry((switch, CIRCUIT_CHANNEL)).or_default().circuits.push(ix);
        }
    }
    for (ix, fans) in site.fans() {
        for contactor in fans.contactors() {
            channels.entry((contactor.switch, contactor.channel)).or_default().fans.push(ix);
        }
    }
    channels
}

/// The fault that chance gives a machine, if any.
pub(crate) fn draw_fault(faults: &Faults, seed: u64, machine: MachineIx, switched: bool) -> Option<Fault> {
    let detail = Draw::new(seed, Stream::FaultDetail, machine.0.into(), 0);
    let error_ppm = if detail.below(2) == 0 { -200_000 } else { 200_000 };
    let delay = SignedDuration::from_millis(1_000 + detail.below(1_501).cast_signed());
    let obedient = [
        (faults.dead_ppm, Fault::Dead),
        (faults.slow_ppm, Fault::Slow(delay)),
        (faults.lying_ppm, Fault::LiesAboutPower { error_ppm }),
        (faults.board_dead_ppm, Fault::BoardDead),
    ];
    let defiant = [
        (faults.ignoring_ppm, Fault::IgnoresCommands),
        (faults.refusing_ppm, Fault::RefusesCommands),
        (faults.broken_api_ppm, Fault::Garbage),
        (faults.broken_api_ppm, Fault::Flood),
        (faults.broken_api_ppm, Fault::CloseMidReply),
        (faults.broken_api_ppm, Fault::Nul),
        (faults.broken_api_ppm, Fault::NoTerminator),
    ];
    let may_defy = switched || faults.unswitched;
    let mut place = Draw::new(seed, Stream::Fault, machine.0.into(), 0).below(1_000_000) as u32;
    for (share, fault) in obedient.into_iter().chain(defiant.into_iter().filter(|_| may_defy)) {
        if place < share {
            return Some(fault);
        }
        place -= share;
    }
    None
}

impl Plant {
    /// Asks a machine (or its outlet) for something, now.
    pub fn command(&mut self, machine: MachineIx, action: Action) -> Outcome {
        let outcome = match action {
            Action::Cut | Action::Restore => match self.site.machine(machine).outlet {
                Some(outlet) => {
                    self.switch(outlet.switch, outlet.channel, action == Action::Restore);
                    Outcome::Accepted
                }
                None => Outcome::Refused("no outlet".to_owned()),
            },
            Action::Sleep => self.ask(machine, Want::Sleep, None),
            Action::Wake => self.ask(machine, Want::Run, None),
            Action::SetMode(mode) => self.ask(machine, Want::Run, Some(mode)),
        };
        self.drop_void_events();
        outcome
    }

    /// Asks through the machine's API.
    fn ask(&mut self, machine: MachineIx, want: Want, mode: Option<ModeName>) -> Outcome {
        self.state_mut(machine).asked = Some(want);
        self.mark_defiant(machine);
        let (state, model) = (self.state(machine), self.site.model_of(machine));
        if let Some(trouble) = state.trouble() {
            return Outcome::Unanswered(trouble);
        }
        let refusal = if model.family == Family::Other {
            Some("commands are not supported")
        } else if state.fault == Some(Fault::RefusesCommands) {
            Some("permission denied")
        } else if want == Want::Sleep && !model.sleeps_by_command {
            Some("no such mode: sleep")
        } else if mode.is_some_and(|mode| model.mode(mode).is_none()) {
            Some("no such mode")
        } else {
            None
        };
        if let Some(words) = refusal {
            return Outcome::Refused(words.to_owned());
        }
        if state.fault != Some(Fault::IgnoresCommands) {
            self.obey(machine, want, mode);
        }
        Outcome::Accepted
    }

    fn obey(&mut self, machine: MachineIx, want: Want, mode: Option<ModeName>) {
        let state = self.state_mut(machine);
        let other_mode = mode.is_some_and(|mode| mode != state.mode);
        state.wanted = want;
        state.mode = mode.unwrap_or(state.mode);
        match (want, state.phase) {
            (Want::Sleep, Phase::Starting | Phase::RampingUp | Phase::Hashing) => {
                self.enter(machine, Phase::RampingDown);
            }
            (Want::Run, Phase::Asleep) => self.enter(machine, Phase::Starting),
            // Firmwares restart their mining process to change the mode.
            (Want::Run, Phase::Starting) if other_mode => self.enter(machine, Phase::Starting),
            (Want::Run, Phase::RampingUp | Phase::Hashing) if other_mode => {
                self.enter(machine, Phase::RampingDown);
            }
            // On its way down it ends that first; the rest has or gets what is wanted.
            _ => {
                self.mark_changed(machine);
                self.mark_defiant(machine);
            }
        }
    }

    /// Opens or closes a channel; one that feeds nothing is ignored.
    pub fn switch(&mut self, switch: SwitchIx, channel: u16, closed: bool) {
        let Some(entry) = self.channels.get_mut(&(switch, channel)) else { return };
        if entry.is_jammed || std::mem::replace(&mut entry.is_closed, closed) == closed {
            return;
        }
        let (machines, circuits) = (entry.machines.clone(), entry.circuits.clone());
        let fans = entry.fans.clone();
        for ix in fans {
            self.fan_turns(ix, closed);
        }
        for machine in machines {
            self.state_mut(machine).outlet_closed = closed;
            self.follow_power(machine);
        }
        if !circuits.is_empty() {
            self.energise();
        }
        self.drop_void_events();
    }
    /// Whether a channel carries power; one that feeds nothing does not.
    #[must_use]
    pub fn switch_state(&self, switch: SwitchIx, channel: u16) -> bool {
        self.channels.get(&(switch, channel)).is_some_and(|entry| entry.is_closed)
    }

    /// Keeps a channel as it is from now on, whatever is asked of it; or lets it move again.
    pub fn jam(&mut self, switch: SwitchIx, channel: u16, jammed: bool) {
        if let Some(entry) = self.channels.get_mut(&(switch, channel)) {
            entry.is_jammed = jammed;
        }
    }

    /// One of a set of fans starts or stops, where its circuit has power.
    fn fan_turns(&mut self, ix: FanIx, closed: bool) {
        let site = Arc::clone(&self.site);
        let fans = &site.fans[ix.ix()];
        if self.energised[fans.circuit.ix()] {
            let one = Line::flat(fans.power.to_milliwatts() / i64::from(fans.channels.max(1)));
            self.add_up(fans.circuit, if closed { one } else { -one }, Line::ZERO);
        }
    }

    /// How many of a set of fans run: their contactor is closed and their circuit has power.
    #[must_use]
    pub fn fans_running(&self, ix: FanIx) -> u16 {
        let fans = &self.site.fans[ix.ix()];
        let closed = fans.contactors().filter(|at| self.switch_state(at.switch, at.channel)).count();
        if self.energised[fans.circuit.ix()] { closed as u16 } else { 0 }
    }

    /// What the fans on a circuit draw while it has power.
    pub(crate) fn fan_power(&self, circuit: CircuitIx) -> Power {
        let of = |(_, fans): (FanIx, &offpeak_site::Fans)| {
            let one = fans.power.to_milliwatts() / i64::from(fans.channels.max(1));
            let closed = fans.contactors().filter(|at| self.switch_state(at.switch, at.channel)).count();
            Power::from_milliwatts(one * closed as i64)
        };
        self.site.fans().filter(|(_, fans)| fans.circuit == circuit).map(of).sum()
    }

    /// Works out which circuits power reaches, and cuts or restores the rest.
    fn energise(&mut self) {
        let site = Arc::clone(&self.site);
        for (ix, circuit) in site.circuits.iter() {
            let closed = circuit.switch.is_none_or(|switch| self.switch_state(switch, CIRCUIT_CHANNEL));
            let energised = closed && circuit.parent.is_none_or(|parent| self.energised[parent.ix()]);
            if std::mem::replace(&mut self.energised[ix.ix()], energised) != energised {
                let base = Line::flat((circuit.base_load + self.fan_power(ix)).to_milliwatts());
                self.add_up(ix, if energised { base } else { -base }, Line::ZERO);
            }
        }
        for (machine, _) in site.machines() {
            self.follow_power(machine);
        }
    }

    /// Takes a machine down or boots it when power left or reached it.
    fn follow_power(&mut self, machine: MachineIx) {
        let energised = self.energised[self.site.machine(machine).circuit.ix()];
        let state = self.state_mut(machine);
        let powered = state.outlet_closed && energised;
        if std::mem::replace(&mut state.powered, powered) != powered {
            self.power_cycle(machine);
        }
    }
}
