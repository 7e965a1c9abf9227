//! The best use of every watt at one moment: one mode for each machine, the most value, no circuit above its limit.
//!
//! Powers are exact integers; values are scores. The relaxed optimum is exact and bounds what whole machines can
//! reach; how far they stay below it is known and told. The method and why the bound is exact: `docs/dispatch.md`.
//!
//! Not here: where the limits come from (`envelope`), minimum times, staggering and who may be asked (`plan`).

mod fill;
mod input;
pub mod instance;
mod ladder;
mod problem;
mod refine;
mod relax;
#[cfg(test)]
mod tests;
mod tree;

use offpeak_units::Power;

pub use input::{Input, InputError};
pub use problem::{
    CIRCUITS_MAX, CircuitNo, DEPTH_MAX, LIMIT_MAX, MACHINES_MAX, MODES_MAX, MachineNo, Mode, POWER_MAX,
    Problem, ProblemError, VALUE_MAX,
};

use fill::{Filler, Ground, Whole};
use ladder::Ladders;
use problem::raw_limit;
use relax::Relaxer;
use tree::Tree;

/// A mode for each machine, and how good that is.
#[derive(Clone, Debug, PartialEq)]
pub struct Solution {
    /// What an hour of these setpoints is worth.
    pub objective_per_h: f64,
    /// What no choice of modes can exceed: the optimum if machines could stand between their modes.
    pub bound_per_h: f64,
    /// Circuits whose limit lies below the least power of everything under them, in the order of adding. What is
    /// below them stands at its least power.
    pub infeasible: Vec<CircuitNo>,
    /// By machine, in the order of adding: the index of its mode.
    pub setpoints: Vec<u16>,
}

impl Solution {
    /// A machine's mode, as an index into its modes.
    ///
    /// # Panics
    /// If the machine is of another problem with more machines.
    #[must_use]
    pub fn mode_of(&self, machine: MachineNo) -> usize {
        usize::from(self.setpoints[machine.ix()])
    }

    /// How far the objective is below the bound, as a share of the bound.
    #[must_use]
    pub fn gap(&self) -> f64 {
        let missing = self.bound_per_h - self.objective_per_h;
        // A bound of nothing has no shares; then any shortfall counts as whole.
        if self.bound_per_h == 0.0 { missing.min(1.0) } else { missing / self.bound_per_h.abs() }
    }
}

/// Solves one problem, again and again while its limits change.
///
/// ```
/// use offpeak_dispatch::solve::{Mode, Problem, Solver};
/// use offpeak_units::Power;
/// let mut problem = Problem::new();
/// let rack = problem.add_circuit(None, None)?;
/// let modes = [(40, 0.0), (3_400, 0.31)].map(|(watts, value_per_h)| Mode { power: Power::from_watts(watts), value_per_h });
/// problem.add_machine(rack, &modes)?;
/// let mut solver = Solver::new(problem);
/// assert_eq!(solver.solve().setpoints, [1]);
/// solver.set_limit(rack, Some(Power::from_watts(3_399)))?;
/// assert_eq!(solver.solve().setpoints, [0]);
/// solver.set_limit(rack, Some(Power::from_watts(39)))?;
/// assert_eq!(solver.solve().infeasible, [rack]);
/// # Ok::<(), offpeak_dispatch::solve::ProblemError>(())
/// ```
#[derive(Debug)]
pub struct Solver {
    problem: Problem,
    tree: Tree,
    ladders: Ladders,
    relaxer: Relaxer,
    filler: Filler,
    whole: Whole,
}

impl Solver {
    /// Takes a problem in: hulls, and each circuit's steps in their order. That is the larger part of the work, and
    /// it does not depend on the limits.
    #[must_use]
    pub fn new(problem: Problem) -> Self {
        let tree = Tree::new(&problem);
        let ladders = Ladders::new(&problem, &tree);
        let relaxer = Relaxer::new(&tree, &ladders);
        let whole = Whole::asleep(&ladders, tree.len());
        Self { problem, tree, ladders, relaxer, filler: Filler::default(), whole }
    }

    /// Changes a circuit's limit; `None` is no limit, zero means zero.
    ///
    /// # Errors
    /// [`ProblemError`] for an unknown circuit or a limit out of range.
    pub fn set_limit(&mut self, circuit: CircuitNo, limit: Option<Power>) -> Result<(), ProblemError> {
        let place =
            *self.tree.places.get(circuit.ix()).ok_or(ProblemError::NoSuchCircuit(circuit.0))? as usize;
        let limit = raw_limit(limit)?;
        if std::mem::replace(&mut self.tree.limits[place], limit) != limit {
            self.relaxer.touch(&self.tree, place);
        }
        Ok(())
    }

    /// The best modes under the limits as they are now. What the changes since the last time do not touch is kept
    /// from then, so the work grows with the circuits that bind and lie on the way from a change to its root.
    #[must_use]
    pub fn solve(&mut self) -> Solution {
        self.relaxer.relax(&self.tree, &self.ladders);
        let relaxed = &self.relaxer.relaxed;
        let ground = Ground { problem: &self.problem, tree: &self.tree, ladders: &self.ladders, relaxed };
        self.filler.fill(&ground, &mut self.whole);
        let mut objective_per_h = self.filler.value(&ground);
        let setpoints = if refine::is_affordable(&ground) {
            let mut whole = self.whole.clone();
            refine::refine(&ground, &mut whole, relaxed.objective, relaxed.objective - objective_per_h);
            objective_per_h = whole.value(&self.problem);
            whole.modes
        } else {
            self.whole.modes.clone()
        };
        let mut infeasible: Vec<CircuitNo> =
            self.relaxer.infeasible().map(|place| CircuitNo(self.tree.numbers[place])).collect();
        infeasible.sort_unstable();
        Solution {
            objective_per_h,
            // Sums of floats in two orders: the objective may come out some last digits higher.
            bound_per_h: relaxed.objective.max(objective_per_h),
            infeasible,
            setpoints,
        }
    }
}
