//! The judge's part for fans. Shares no code with the planner's: it walks the tree itself, reads what the
//! switches said, and has its own idea of what is stale.

use jiff::SignedDuration;
use offpeak_site::{CircuitIx, Fans, MachineIx, Site};

use crate::check::{Judge, Veto, VetoCause, Word};
use crate::envelope::{Envelope, Source};
use crate::fans::{FanTarget, FansMemory};
use crate::plan::{Plan, Target};

/// A switch's word from before this is none.
const STALE_AFTER: SignedDuration = SignedDuration::from_secs(15);

/// How a set of fans stands by its switch's word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Air {
    /// All run, for so long.
    Blows(SignedDuration),
    /// At least one has stood still, for so long.
    Lacks(SignedDuration),
    Unknown,
}

/// What the judge saw of the machines below a set.
#[derive(Clone, Copy, Default)]
struct Below {
    first_start: Option<MachineIx>,
    /// Left to run though nothing new.
    left_on: Option<MachineIx>,
    /// Not known to be off.
    may_run: Option<MachineIx>,
}

impl Judge<'_> {
    /// Judges what the plan does with fans and with the machines that need them.
    pub(crate) fn judge_fans(&mut self, envelope: &Envelope, plan: &Plan) {
        if self.site.fans.is_empty() {
            return;
        }
        let below = self.below(plan);
        for (place, fans) in self.site.fans.iter().enumerate() {
            let (below, air) = (below[fans.circuit.ix()], self.air(place, fans));
            let remembered = self.memory.fans[place];
            let at = fans.circuit;
            let in_time = matches!(air, Air::Blows(since) if since >= fans.lead);
            if let Some(machine) = below.first_start.filter(|_| !in_time) {
                self.note(at, VetoCause::StartWithoutFans, Some(machine));
            }
            let overdue = matches!(air, Air::Lacks(since) if since >= fans.without);
            if let Some(machine) = below.left_on.filter(|_| overdue) {
                self.note(at, VetoCause::LeftWithoutFans, Some(machine));
            }
            let target = plan.fans[place];
            if target == FanTarget::Stop && (below.may_run.is_some() || !self.has_run_on(fans, &remembered)) {
                self.note(at, VetoCause::FansOffTooEarly, below.may_run);
            }
            if target == FanTarget::Run && !matches!(air, Air::Blows(_)) {
                let stopped = self.site.circuits.path(at).find_map(|ix| {
                    let source = envelope.circuit(ix).block?.source;
                    matches!(source, Source::Lockout | Source::Stop).then_some(source)
                });
                if let Some(source) = stopped {
                    self.note(at, VetoCause::FansOnInSpite(source), None);
                }
            }
        }
    }

    fn note(&mut self, circuit: CircuitIx, cause: VetoCause, machine: Option<MachineIx>) {
        self.vetoes.push(Veto { circuit, cause, machine });
    }

    /// By circuit, of everything below it.
    fn below(&self, plan: &Plan) -> Vec<Below> {
        let mut below = vec![Below::default(); self.site.circuits.len()];
        for (ix, machine) in self.site.machines() {
            let wants_run = matches!(plan.setpoints[ix.ix()].target, Target::Run(_));
            let (word, own) = (self.word(ix), &mut below[machine.circuit.ix()]);
            match word {
                Word::On { .. } if wants_run => own.left_on = own.left_on.or(Some(ix)),
                Word::Off | Word::None if wants_run => own.first_start = own.first_start.or(Some(ix)),
                _ => {}
            }
            if !matches!(word, Word::Off) {
                own.may_run = own.may_run.or(Some(ix));
            }
        }
        for (ix, circuit) in self.site.circuits.iter().rev() {
            let (own, Some(parent)) = (below[ix.ix()], circuit.parent) else { continue };
            let up = &mut below[parent.ix()];
            up.first_start = up.first_start.or(own.first_start);
            up.left_on = up.left_on.or(own.left_on);
            up.may_run = up.may_run.or(own.may_run);
        }
        below
    }

    fn air(&self, place: usize, fans: &Fans) -> Air {
        let now = self.snapshot.at;
        let said = self.snapshot.fans.get(place).copied().flatten();
        let Some(seen) = said.filter(|seen| now.duration_since(seen.at) <= STALE_AFTER) else {
            return Air::Unknown;
        };
        let remembered = &self.memory.fans[place];
        let (since, all) = if seen.closed >= fans.channels {
            (remembered.running_since, true)
        } else {
            (remembered.still_since, false)
        };
        let lasted = since.map_or(SignedDuration::ZERO, |since| now.duration_since(since));
        if all { Air::Blows(lasted) } else { Air::Lacks(lasted) }
    }

    fn has_run_on(&self, fans: &Fans, remembered: &FansMemory) -> bool {
        remembered.idle_since.is_some_and(|since| self.snapshot.at.duration_since(since) >= fans.run_on)
    }
}

/// Holds fans as they are where the judge objected to what was to become of them.
pub(crate) fn hold(site: &Site, veto: &Veto, targets: &mut [FanTarget]) {
    let held = match veto.cause {
        VetoCause::FansOffTooEarly => FanTarget::Stop,
        VetoCause::FansOnInSpite(_) => FanTarget::Run,
        _ => return,
    };
    for (fans, target) in site.fans.iter().zip(targets) {
        if fans.circuit == veto.circuit && *target == held {
            *target = FanTarget::Leave;
        }
    }
}
