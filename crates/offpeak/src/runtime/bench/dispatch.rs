//! The best use of every watt at one moment: solved whole, and again after a changed limit. 100,000 machines with four
//! modes in a tree of 200 halls and racks under one connection, where one circuit binds, twenty do, or
//! about a hundred.
//!
//! Moments are `dispatch`'s own random ones, from a seed; tests and the comparison with HiGHS use the same.

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use offpeak_dispatch::solve::Solver;
use offpeak_dispatch::solve::instance::Instance;
use offpeak_units::Power;

use super::{Figures, median};

/// As often as each is measured; the median counts.
const ROUNDS: usize = 31;
/// One connection and 200 halls and racks.
const CIRCUITS: usize = 201;
const SEED: u64 = 1;

pub(super) fn dispatch_here() -> Result<Figures> {
    let mut figures = Figures::new();
    let mut tell = |name: &str, value: f64| figures.insert(format!("dispatch_{name}"), value);
    let (whole_ms, gap) = whole(&Instance::halls(SEED, 10_000, CIRCUITS, 20))?;
    tell("10k_ms", whole_ms);
    tell("10k_gap_ppm", gap);
    for (binding, name) in [(20, ""), (1, "_1_binds"), (CIRCUITS, "_many_bind")] {
        let instance = Instance::halls(SEED, 100_000, CIRCUITS, binding);
        let (whole_ms, gap) = whole(&instance)?;
        tell(&format!("100k{name}_ms"), whole_ms);
        tell(&format!("100k{name}_gap_ppm"), gap);
        let (delta_ms, gap) = changed(&instance)?;
        tell(&format!("delta{name}_ms"), delta_ms);
        tell(&format!("delta{name}_gap_ppm"), gap);
    }
    Ok(figures)
}

/// From the problem in memory to a mode for each machine.
fn whole(instance: &Instance) -> Result<(f64, f64)> {
    let problem = instance.problem();
    let mut times = Vec::with_capacity(ROUNDS);
    let mut gap = 0.0;
    for _ in 0..ROUNDS {
        let given = problem.clone();
        let begun = Instant::now();
        let solution = black_box(Solver::new(given).solve());
        times.push(begun.elapsed().as_secs_f64() * 1e3);
        gap = solution.gap();
    }
    Ok((median(times), gap * 1e6))
}

/// The connection's limit changes by up to a fifth, up and down; the largest gap.
fn changed(instance: &Instance) -> Result<(f64, f64)> {
    let problem = instance.problem();
    let root = problem.circuit(0).context("there is a connection")?;
    let limit = instance.circuits[0].1.context("the connection has a limit")?;
    let mut solver = Solver::new(problem);
    let mut times = Vec::with_capacity(ROUNDS);
    let mut gap = 0.0_f64;
    black_box(solver.solve());
    for round in 0..ROUNDS as i64 {
        let limit = limit / 1_000 * (990 - round * 37 % 200);
        let begun = Instant::now();
        solver.set_limit(root, Some(Power::from_milliwatts(limit)))?;
        let solution = black_box(solver.solve());
        times.push(begun.elapsed().as_secs_f64() * 1e3);
        ensure!(instance.loads(&solution.setpoints)[0] <= limit, "the connection's limit is kept");
        gap = gap.max(solution.gap());
    }
    Ok((median(times), gap * 1e6))
}
