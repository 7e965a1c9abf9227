//! The planner's small steps towards what is best for the machines that run ([`crate::aim`]): another mode, or sleep
//! for a better one. While a circuit is above its limit, too many machines are on their way, or nothing may start, nobody
//! is tuned.

use offpeak_site::{CircuitIx, MachineIx, ModeName};
use offpeak_units::Power;

use super::{Flaw, Planner, Reason, Setpoint, Target};
use crate::aim::{self, Want};
use crate::frame::Rated;
use crate::limits;
use crate::memory::Release;

impl Planner<'_> {
    /// Counts how many machines may be tuned in this plan, and who is being tuned where.
    pub(super) fn look_at_tuning(&mut self) {
        let now = self.snapshot.at;
        let calm = self.over.iter().all(|over| over.is_zero());
        let metered = self.loads.circuit(CircuitIx::ROOT).measured.is_some();
        if !(self.aims && calm && metered && self.memory.ready) {
            return;
        }
        self.tunable = aim::at_once(self.site).saturating_sub(aim::under_way(self.memory, now));
        for (place, remembered) in self.frame.places().iter().zip(&self.memory.machines) {
            self.tuned[place.circuit.ix()] += u32::from(remembered.mode_under_way(now).is_some());
        }
    }

    /// The mode that a machine runs in or goes to.
    pub(super) fn mode_of(&self, machine: MachineIx) -> ModeName {
        let told = self.memory.machines[machine.ix()].mode_under_way(self.snapshot.at);
        let says = || self.snapshot.machines[machine.ix()].reading.and_then(|reading| reading.mode);
        told.or_else(says).unwrap_or(ModeName::Normal)
    }

    /// Whether a machine that sleeps leaves its room to a better one.
    pub(super) fn gives_way(&self, machine: MachineIx) -> bool {
        let until = self.memory.machines[machine.ix()].swapped_until;
        let rests = until.is_some_and(|until| self.snapshot.at < until);
        rests || (self.aims && self.memory.aim.leaves_room(machine))
    }

    /// A machine that runs goes on as it is, or does what is best for it. Who is to take another mode is marked with its
    /// present one: the starts have room and ramps first.
    pub(super) fn tuned(&mut self, machine: MachineIx, keeps_on: bool) -> Setpoint {
        let mode = self.mode_of(machine);
        let runs = Setpoint { target: Target::Run(mode), reason: Reason::Runs };
        let circuit = self.frame.places()[machine.ix()].circuit;
        let blocked = self.blocks[circuit.ix()].is_some() || self.obliged[circuit.ix()];
        let Some(want) = self.memory.aim.of(machine).filter(|_| self.tunable > 0 && !blocked) else {
            return runs;
        };
        let retry_at = self.memory.machines[machine.ix()].mode_retry_at;
        match want {
            Want::Sleep if keeps_on || self.is_full(circuit) => runs,
            Want::Sleep => {
                self.note_tuned(circuit);
                Setpoint { target: Target::Off, reason: Reason::Swapped }
            }
            Want::Mode(to) if to == mode || retry_at.is_some_and(|at| at > self.snapshot.at) => runs,
            Want::Mode(to) if self.rises(machine, to).is_zero() => {
                Setpoint { reason: Reason::Lowers, ..runs }
            }
            Want::Mode(_) => Setpoint { reason: Reason::Raises, ..runs },
        }
    }

    /// By how much a machine that runs comes to draw more in a mode.
    fn rises(&self, machine: MachineIx, to: ModeName) -> Power {
        let rated = self.rated(machine);
        rated.in_mode(Some(to)).saturating_sub(rated.in_mode(Some(self.mode_of(machine))))
    }

    /// Whether as many machines of a circuit are being tuned as may be at once.
    fn is_full(&self, circuit: CircuitIx) -> bool {
        let machines = self.loads.circuit(circuit).machines();
        let most = (machines * limits::TUNED_OF_CIRCUIT_PERCENT / 100).max(1);
        self.tuned[circuit.ix()] >= most
    }

    fn note_tuned(&mut self, circuit: CircuitIx) {
        self.tunable -= 1;
        self.tuned[circuit.ix()] += 1;
    }

    /// Lets those take another mode that may: who comes to draw less before who comes to draw more, best first. A restart
    /// takes a machine's whole load off and on again, so all of it counts in the ramps. Says whether one waits for a ramp.
    pub(super) fn tune(&mut self, release: &mut [Option<Release>]) -> bool {
        let (ranking, mut ramp_limited) = (self.ranking, false);
        for reason in [Reason::Lowers, Reason::Raises] {
            for ix in &ranking.order {
                if self.setpoints[ix.ix()].reason == reason {
                    ramp_limited |= self.tune_one(*ix, release);
                }
            }
        }
        ramp_limited
    }

    fn tune_one(&mut self, machine: MachineIx, release: &mut [Option<Release>]) -> bool {
        let circuit = self.frame.places()[machine.ix()].circuit;
        let setpoint = self.setpoints[machine.ix()];
        self.setpoints[machine.ix()].reason = Reason::Runs;
        let Some(Want::Mode(to)) = self.memory.aim.of(machine) else { return false };
        if self.tunable == 0 || self.is_full(circuit) {
            return false;
        }
        let more = self.rises(machine, to);
        let need = if more.is_zero() { Power::ZERO } else { Rated::with_tolerance(more) };
        if !more.is_zero() && self.no_room_for(need, circuit).is_some() && !self.flawed(Flaw::Raise) {
            return false;
        }
        let restarts = self.loads.awake[machine.ix()] + more;
        let path = || self.site.circuits.path(circuit);
        if path().any(|ix| release[ix.ix()].is_some_and(|bucket| bucket.tokens < restarts)) {
            return true;
        }
        for ix in path() {
            if let Some(bucket) = &mut release[ix.ix()] {
                bucket.tokens -= restarts;
            }
        }
        self.take_room_for(need, circuit);
        self.note_tuned(circuit);
        self.setpoints[machine.ix()] = Setpoint { target: Target::Run(to), ..setpoint };
        false
    }

    /// Whether each circuit has a machine below it that takes another mode now.
    pub(super) fn tuned_circuits(&self) -> Vec<bool> {
        let mut tuned = vec![false; self.site.circuits.len()];
        for (setpoint, place) in self.setpoints.iter().zip(self.frame.places()) {
            if matches!(setpoint.reason, Reason::Lowers | Reason::Raises) {
                self.site.circuits.path(place.circuit).for_each(|ix| tuned[ix.ix()] = true);
            }
        }
        tuned
    }
}
