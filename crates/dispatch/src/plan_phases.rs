//! Phases: where a circuit's file says how far they may differ, who is started keeps to it, and who runs beyond it is
//! stopped. Nobody meters single phases, so they are counted by the catalogue.

use offpeak_site::{CircuitIx, MachineIx, Phase, Site};
use offpeak_units::Power;

use super::{Planner, Reason, Setpoint, Target};
use crate::load::may_return;
use crate::standing::Standing;

/// What hangs on the phases of each circuit that has a rule for them.
pub(super) struct Phases {
    /// By circuit: its place in `loads` and how far its phases may differ.
    rules: Vec<Option<(usize, Power)>>,
    /// With everything that is on its way up.
    loads: Vec<[Power; 3]>,
    /// Of these, what has come up.
    settled: Vec<[Power; 3]>,
}

impl Phases {
    pub(super) fn new(site: &Site) -> Self {
        let mut rules = vec![None; site.circuits.len()];
        for (place, rule) in site.rules.balance.iter().enumerate() {
            rules[rule.circuit.ix()] = Some((place, rule.most));
        }
        let nothing = vec![[Power::ZERO; 3]; site.rules.balance.len()];
        Self { rules, loads: nothing.clone(), settled: nothing }
    }

    fn is_empty(&self) -> bool {
        self.loads.is_empty()
    }

    /// The rules on a machine's way to the grid: circuit, place and how far.
    fn on_path<'a>(
        &'a self,
        site: &'a Site,
        at: CircuitIx,
    ) -> impl Iterator<Item = (CircuitIx, usize, Power)> + 'a {
        site.circuits.path(at).filter_map(|ix| self.rules[ix.ix()].map(|(place, most)| (ix, place, most)))
    }

    fn add(&mut self, site: &Site, at: CircuitIx, phase: Phase, power: Power, settled: Power) {
        for circuit in site.circuits.path(at) {
            if let Some((place, _)) = self.rules[circuit.ix()] {
                self.loads[place][phase as usize] += power;
                self.settled[place][phase as usize] += settled;
            }
        }
    }

    /// By how much a phase stands above the least of the three.
    fn ahead(&self, place: usize, phase: usize) -> Power {
        let loads = self.loads[place];
        loads[phase] - loads[0].min(loads[1]).min(loads[2])
    }

    /// The same while what is on its way up on the others has not come up.
    fn ahead_at_most(&self, place: usize, phase: usize) -> Power {
        let settled = self.settled[place];
        self.loads[place][phase] - settled[(phase + 1) % 3].min(settled[(phase + 2) % 3])
    }
}

impl Planner<'_> {
    /// Counts what will hang on each phase with what is stopped so far, and stops, worst first, whoever makes one stand
    /// too far above another.
    pub(super) fn balance(&mut self) {
        if self.phases.is_empty() {
            return;
        }
        for (ix, place) in self.frame.places().iter().enumerate() {
            let machine = MachineIx(ix as u32);
            // One that is silent may draw: it counts where that is the more careful. Of one unheard for long nobody knows,
            // and it counts on no phase.
            let on = match self.loads.standings[ix] {
                Standing::Running | Standing::Rising | Standing::Falling | Standing::Failed => true,
                Standing::Unknown => may_return(&self.snapshot.machines[ix], self.snapshot.at),
                Standing::Asleep | Standing::Cut => false,
            };
            let stays = on && self.setpoints[ix].target != Target::Off;
            if let Some(phase) = self.site.rules.phase(machine).filter(|_| stays) {
                let power = self.loads.awake[ix];
                let settled = if self.loads.standings[ix] == Standing::Running { power } else { Power::ZERO };
                self.phases.add(self.site, place.circuit, phase, power, settled);
            }
        }
        let ranking = self.ranking;
        for ix in ranking.order.iter().rev() {
            let circuit = self.frame.places()[ix.ix()].circuit;
            let runs = matches!(self.setpoints[ix.ix()].target, Target::Run(_));
            let Some(phase) = self.site.rules.phase(*ix).filter(|_| runs) else { continue };
            let uneven = |(_, place, most): &(CircuitIx, usize, Power)| {
                self.phases.ahead(*place, phase as usize) > *most
            };
            let Some((at, ..)) = self.phases.on_path(self.site, circuit).find(uneven) else { continue };
            self.setpoints[ix.ix()] = Setpoint { target: Target::Off, reason: Reason::Phases(at) };
            let power = self.loads.awake[ix.ix()];
            let is_settled = self.loads.standings[ix.ix()] == Standing::Running;
            let settled = if is_settled { power } else { Power::ZERO };
            self.phases.add(self.site, circuit, phase, -power, -settled);
        }
    }

    /// The first circuit whose phases a start would make differ too much.
    pub(super) fn uneven(&self, machine: MachineIx) -> Option<CircuitIx> {
        let phase = self.site.rules.phase(machine)?;
        let need = self.loads.awake[machine.ix()];
        let circuit = self.frame.places()[machine.ix()].circuit;
        let mut rules = self.phases.on_path(self.site, circuit);
        rules
            .find(|(_, place, most)| self.phases.ahead_at_most(*place, phase as usize) + need > *most)
            .map(|it| it.0)
    }

    pub(super) fn take_phase(&mut self, machine: MachineIx) {
        if let Some(phase) = self.site.rules.phase(machine) {
            let circuit = self.frame.places()[machine.ix()].circuit;
            self.phases.add(self.site, circuit, phase, self.loads.awake[machine.ix()], Power::ZERO);
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use offpeak_site::{Activity, Balance};
    use proptest::prelude::*;

    use super::super::plan;
    use crate::envelope::envelope;
    use crate::frame::Frame;
    use crate::load::Loads;
    use crate::rank::rank;
    use crate::testing::{MACHINE_W, memory, monday, says, site, snapshot};
    use crate::{Plan, Snapshot};

    use super::*;

    /// The small mine with its machines in turn on three phases of each hall, which may differ by 7 kW.
    fn phased() -> Site {
        let mut site = site();
        site.rules.phases = (0..40).map(|place| Some(Phase::ALL[place % 3])).collect();
        let most = Power::from_watts(7_000);
        site.rules.balance = [1, 2].map(|hall| Balance { circuit: CircuitIx(hall), most }).into();
        site
    }

    fn planned(site: &Site, snapshot: &Snapshot) -> Plan {
        let (frame, memory) = (Frame::new(site), memory(site, snapshot));
        let envelope = envelope(site, &snapshot.directives, snapshot.at);
        let loads = Loads::new(site, &frame, snapshot, &memory);
        let plan = plan(site, &frame, snapshot, &envelope, &loads, &rank(site, &[], None, None), &memory);
        assert_eq!(crate::check(site, &frame, snapshot, &envelope, &memory, &plan), vec![]);
        plan
    }

    /// How many run on each phase of a hall after a plan.
    fn counts(site: &Site, plan: &Plan, hall: u32) -> [i64; 3] {
        let mut counts = [0; 3];
        for (ix, machine) in site.machines() {
            let within = site.circuits.is_within(machine.circuit, CircuitIx(hall));
            if within && matches!(plan.setpoints[ix.ix()].target, Target::Run(_)) {
                counts[site.rules.phase(ix).unwrap() as usize] += 1;
            }
        }
        counts
    }

    #[test]
    fn a_phase_that_stands_too_high_is_brought_down_worst_first() {
        let site = phased();
        // In the first hall all of the first phase run and nobody else.
        let mut snapshot = snapshot(monday(3_600), 0);
        for place in (0..20).step_by(3) {
            snapshot.machines[place] = says(monday(3_600), Activity::Hashing);
        }
        let plan = planned(&site, &snapshot);
        let [first, second, third] = counts(&site, &plan, 1);
        assert!((first - second.min(third)) * MACHINE_W <= 7_000, "{first} {second} {third}");
        assert!(first >= 2, "no more than that: {first}");
        assert_eq!(plan.setpoints[18].reason, Reason::Phases(CircuitIx(1)));
    }

    #[test]
    fn phases_without_a_rule_and_machines_without_a_phase_are_left_alone() {
        let mut site = phased();
        site.rules.balance.clear();
        let mut snapshot = snapshot(monday(3_600), 0);
        for place in (0..20).step_by(3) {
            snapshot.machines[place] = says(monday(3_600), Activity::Hashing);
        }
        assert!(counts(&site, &planned(&site, &snapshot), 1)[0] == 7);
        let mut site = phased();
        site.rules.phases.clear();
        let runs = planned(&site, &snapshot).setpoints.iter().filter(|it| it.target == Target::Off).count();
        assert!(runs < 40);
    }

    proptest! {
        /// Whoever runs and whatever the limit: after a plan no phase stands too high, and the judge agrees.
        #[test]
        fn after_a_plan_no_phase_stands_too_high(
            on in proptest::collection::vec(any::<bool>(), 40),
            limit_w in 0_i64..150_000,
            second in 600_i64..6 * 3_600,
        ) {
            let mut site = phased();
            site.contract.windows[0].limit = Power::from_watts(limit_w);
            let at = monday(second);
            let mut snapshot = snapshot(at, 0);
            let mut drawn = 0;
            for (seen, on) in snapshot.machines.iter_mut().zip(&on) {
                *seen = says(at, if *on { Activity::Hashing } else { Activity::Asleep });
                drawn += if *on { MACHINE_W } else { 20 };
            }
            let meter = snapshot.meters[0].as_mut().unwrap();
            meter.power = Power::from_watts(drawn);
            meter.at = at - SignedDuration::from_secs(1);
            let plan = planned(&site, &snapshot);
            for hall in [1, 2] {
                let counts = counts(&site, &plan, hall);
                let most = counts.iter().max().unwrap() - counts.iter().min().unwrap();
                prop_assert!(most * MACHINE_W <= 7_000, "hall {}: {:?}", hall, counts);
            }
        }
    }
}
