//! HiGHS on one moment: the relaxed and the whole optimum that the solver of `dispatch` is measured against.

use highs::{ColProblem, HighsModelStatus, Sense};
use offpeak_dispatch::solve::instance::Instance;

/// Above so many machines the relaxed question goes to the interior point method, which takes a small part of the time
/// that the simplex method takes there.
const INTERIOR_MIN: usize = 20_000;

/// What HiGHS found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// The best value, or `None` where there is no solution (or none was found in time).
    pub objective: Option<f64>,
    /// Whether HiGHS proved it.
    pub proven: bool,
}

/// Solves a moment: relaxed (`whole == false`) or with one mode for each machine, in at most `seconds`.
#[must_use]
pub fn solve(instance: &Instance, whole: bool, seconds: f64) -> Found {
    let mut model = ColProblem::new();
    let watts = |milliwatts: i64| milliwatts as f64 / 1e3;
    let circuits: Vec<_> = instance
        .circuits
        .iter()
        .map(|(_, limit)| limit.map(|limit| model.add_row(..=watts(limit))))
        .collect();
    for (circuit, modes) in &instance.machines {
        let one = model.add_row(1.0..=1.0);
        for (power, value) in modes {
            let mut entries = vec![(one, 1.0)];
            let mut at = Some(*circuit);
            while let Some(circuit) = at {
                entries.extend(circuits[circuit].map(|row| (row, watts(*power))));
                at = instance.circuits[circuit].0;
            }
            entries.retain(|(_, factor)| *factor != 0.0);
            if whole {
                model.add_integer_column(*value, 0.0..=1.0, &entries);
            } else {
                model.add_column(*value, 0.0..=1.0, &entries);
            }
        }
    }
    let mut model = model.optimise(Sense::Maximise);
    if !whole && instance.machines.len() > INTERIOR_MIN {
        // The optimum's value is all that is asked, no corner.
        model.set_option("solver", "ipm");
        model.set_option("run_crossover", "off");
    }
    model.set_option("time_limit", seconds);
    model.set_option("threads", 1);
    model.set_option("mip_rel_gap", 1e-9);
    model.set_option("mip_abs_gap", 1e-9);
    let solved = model.solve();
    match solved.status() {
        HighsModelStatus::Optimal => Found { objective: Some(solved.objective_value()), proven: true },
        HighsModelStatus::Infeasible => Found { objective: None, proven: true },
        _ => {
            let value = solved.objective_value();
            Found { objective: value.is_finite().then_some(value), proven: false }
        }
    }
}
