//! The planner's small steps towards what is best for the machines that run ([`crate::aim`]): another mode, or sleep
//! for a better one. While a circuit is above its limit, or too many machines are on their way, nobody is tuned.

use offpeak_site::{CircuitIx, MachineIx, ModeName};
use offpeak_units::Power;

use super::{Flaw, Planner, Reason, Setpoint, Target};
use crate::aim::{self, Want};
use crate::frame::Rated;
use crate::memory::Release;

impl Planner<'_> {
    /// How many machines may be tuned in this plan.
    pub(super) fn tunable(&self) -> usize {
        let calm = self.over.iter().all(|over| over.is_zero());
        if calm { aim::at_once(self.site).saturating_sub(aim::under_way(self.loads)) } else { 0 }
    }

    /// The mode that a machine runs in or goes to.
    pub(super) fn mode_of(&self, machine: MachineIx) -> ModeName {
        let told = self.memory.machines[machine.ix()].mode_under_way(self.snapshot.at);
        let says = || self.snapshot.machines[machine.ix()].reading.and_then(|reading| reading.mode);
        told.or_else(says).unwrap_or(ModeName::Normal)
    }

    /// A machine that runs goes on as it is, or does what is best for it. Who is to draw more is marked
    /// [`Reason::Raises`] with its present mode: the starts have room first.
    pub(super) fn tuned(&mut self, machine: MachineIx) -> Setpoint {
        let mode = self.mode_of(machine);
        let runs = Setpoint { target: Target::Run(mode), reason: Reason::Runs };
        let now = self.snapshot.at;
        let Some(want) = self.memory.aim.of(machine, now).filter(|_| self.tunable > 0) else { return runs };
        let rests = self.memory.machines[machine.ix()].mode_retry_at.is_some_and(|at| at > now);
        let setpoint = match want {
            Want::Sleep => Setpoint { target: Target::Off, reason: Reason::Swapped },
            Want::Mode(to) if rests || to == mode => return runs,
            Want::Mode(to) if self.rises(machine, to).is_zero() => {
                Setpoint { target: Target::Run(to), reason: Reason::Lowers }
            }
            Want::Mode(_) => return Setpoint { reason: Reason::Raises, ..runs },
        };
        self.tunable -= 1;
        setpoint
    }

    /// By how much a machine that runs comes to draw more in a mode.
    fn rises(&self, machine: MachineIx, to: ModeName) -> Power {
        let rated = self.rated(machine);
        rated.in_mode(Some(to)).saturating_sub(rated.in_mode(Some(self.mode_of(machine))))
    }

    /// Raises whom there is room for, best first.
    pub(super) fn raise(&mut self, hold: bool, release: &mut [Option<Release>]) -> bool {
        let (ranking, mut ramp_limited) = (self.ranking, false);
        for ix in &ranking.order {
            let Setpoint { target: Target::Run(mode), reason: Reason::Raises } = self.setpoints[ix.ix()]
            else {
                continue;
            };
            let want = self.memory.aim.of(*ix, self.snapshot.at);
            let Some(Want::Mode(to)) = want.filter(|_| self.tunable > 0 && !hold) else {
                self.setpoints[ix.ix()].reason = Reason::Runs;
                continue;
            };
            let (circuit, more) = (self.frame.places()[ix.ix()].circuit, self.rises(*ix, to));
            let need = Rated::with_tolerance(more);
            let fits = self.no_room_for(need, circuit).is_none() || self.flawed(Flaw::Raise);
            let path = || self.site.circuits.path(circuit);
            let used = |ix: CircuitIx| release[ix.ix()].is_some_and(|bucket| bucket.tokens < more);
            let waits = fits && path().any(used);
            ramp_limited |= waits;
            if !fits || waits {
                self.setpoints[ix.ix()] = Setpoint { target: Target::Run(mode), reason: Reason::Runs };
                continue;
            }
            for circuit in path() {
                if let Some(bucket) = &mut release[circuit.ix()] {
                    bucket.tokens -= more;
                }
            }
            self.take_room_for(need, circuit);
            self.tunable -= 1;
            self.setpoints[ix.ix()] = Setpoint { target: Target::Run(to), reason: Reason::Raises };
        }
        ramp_limited
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
