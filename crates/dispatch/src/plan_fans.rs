//! The planner's part for fans: who waits for them, who is stopped without them, and when they may come on.

use offpeak_site::{CircuitIx, FanIx, MachineIx};

use super::{Flaw, Planner, Reason};
use crate::envelope::Source;
use crate::fans::{self, FanTarget};
use crate::standing::Standing;

impl Planner<'_> {
    /// The fans without which this machine, as it is on or may be, has run for as long as it may.
    pub(super) fn airless(
        &self,
        machine: MachineIx,
        circuit: CircuitIx,
        standing: Standing,
    ) -> Option<FanIx> {
        let missing = self.frame.fans(circuit).iter().copied().find(|ix| {
            let (fans, remembered) = (&self.site.fans[ix.ix()], &self.memory.fans[ix.ix()]);
            fans::is_airless(fans, remembered, self.snapshot.at) && !self.flawed(Flaw::FansGone)
        })?;
        let is_on = match standing {
            Standing::Running | Standing::Rising | Standing::Failed => true,
            Standing::Unknown => self.may_be_on(machine),
            Standing::Asleep | Standing::Cut | Standing::Falling => false,
        };
        is_on.then_some(missing)
    }

    /// Fans under which a machine may run and which stand still are to come on, where that is allowed.
    pub(super) fn keep_fans(&mut self) {
        for (ix, _) in self.site.fans() {
            let remembered = &self.memory.fans[ix.ix()];
            if remembered.idle_since.is_none() && remembered.running_since.is_none() {
                let _ = self.grant(ix);
            }
        }
    }

    /// Why this machine has to wait for its fans, which are asked to run; `None` once they do.
    pub(super) fn await_fans(&mut self, machine: MachineIx) -> Option<Reason> {
        let frame = self.frame;
        let mut waits = None;
        for ix in frame.fans(frame.places()[machine.ix()].circuit) {
            let (fans, remembered) = (&self.site.fans[ix.ix()], &self.memory.fans[ix.ix()]);
            let is_ready =
                fans::is_ready(fans, remembered, self.snapshot.at) || self.flawed(Flaw::FansNotRun);
            // Fans that are about to go off are held for it.
            let refused = self.grant(*ix);
            if !is_ready {
                waits = waits.or(Some(refused.unwrap_or(Reason::Fans(*ix))));
            }
        }
        waits
    }

    /// Lets fans run. They need room like a machine, and never come on below a stop or where somebody works.
    fn grant(&mut self, ix: FanIx) -> Option<Reason> {
        let (fans, remembered) = (&self.site.fans[ix.ix()], &self.memory.fans[ix.ix()]);
        if self.fans_granted[ix.ix()] {
            return None;
        }
        if remembered.running_since.is_none() {
            let works = self.site.circuits.path(fans.circuit).find_map(|at| {
                let block = self.envelope.circuit(at).block?;
                matches!(block.source, Source::Lockout | Source::Stop).then_some((at, block.source))
            });
            if let Some((at, source)) = works.filter(|_| !self.flawed(Flaw::FansLockedOut)) {
                return Some(Reason::Blocked(at, source));
            }
        }
        if !fans::is_on(remembered) && !self.flawed(Flaw::FansLockedOut) {
            if let Some(short) = self.no_room_for(fans.power, fans.circuit) {
                return Some(Reason::NoRoom(short));
            }
            self.take_room_for(fans.power, fans.circuit);
        }
        self.fans_granted[ix.ix()] = true;
        None
    }

    /// What each set should do.
    pub(super) fn fan_targets(&self) -> Vec<FanTarget> {
        let mut targets = fans::targets(self.site, self.memory, self.snapshot.at, &self.fans_granted);
        for ((_, remembered), target) in self.memory.fans.iter().enumerate().zip(&mut targets) {
            let early = self.flawed(Flaw::FansOffEarly) && remembered.idle_since.is_some();
            let unknown = self.flawed(Flaw::FansOffUnknown) && remembered.idle_since.is_none();
            if early || unknown {
                *target = FanTarget::Stop;
            }
        }
        targets
    }
}
