//! Random moments, solved twice. Every failure prints its seed; `Instance::random` replays it.

use offpeak_dispatch::solve::Solver;
use offpeak_dispatch::solve::instance::{Fleet, Instance, Tightness};
use offpeak_horizon::reference::{Found, solve};

const FLEETS: [Fleet; 4] = [Fleet::Measured, Fleet::Alike, Fleet::Wild, Fleet::Mixed];
const TIGHTNESSES: [Tightness; 4] =
    [Tightness::Loose, Tightness::Tight, Tightness::Starved, Tightness::Contradictory];

/// Every kind of fleet and limit at every depth comes up within 96 seeds.
fn instance(seed: u64, machines: usize) -> Instance {
    let fleet = FLEETS[(seed % 4) as usize];
    let tightness = TIGHTNESSES[(seed / 4 % 4) as usize];
    Instance::random(seed, machines, 1 + seed / 16 % 6, fleet, tightness)
}

/// Compares one moment; how far below HiGHS' proven optimum the solver stays, as a share, if HiGHS was asked and
/// proved it.
fn compare(seed: u64, machines: usize, whole_s: Option<f64>) -> Option<f64> {
    let instance = instance(seed, machines);
    let solution = Solver::new(instance.problem()).solve();
    let infeasible: Vec<usize> = solution.infeasible.iter().map(|circuit| circuit.ix()).collect();
    let as_it_is = solve(&instance, false, 60.0);
    assert!(as_it_is.proven, "seed {seed}: HiGHS ran out of time");
    assert_eq!(
        as_it_is.objective.is_some(),
        infeasible.is_empty(),
        "seed {seed}: whether there is a solution"
    );

    let relieved = instance.relieved(&infeasible);
    let loads = instance.loads(&solution.setpoints);
    for (circuit, (load, (_, limit))) in loads.iter().zip(&relieved.circuits).enumerate() {
        assert!(
            limit.is_none_or(|limit| *load <= limit),
            "seed {seed}: circuit {circuit}: {load} of {limit:?} mW"
        );
    }
    let relaxed = solve(&relieved, false, 60.0).objective.unwrap();
    let off = (solution.bound_per_h - relaxed).abs() / relaxed.abs().max(1e-9);
    assert!(off <= 1e-6, "seed {seed}: bound {} but HiGHS {relaxed}", solution.bound_per_h);
    assert!(solution.objective_per_h <= solution.bound_per_h, "seed {seed}");

    let Found { objective: Some(best), proven: true } = solve(&relieved, true, whole_s?) else { return None };
    let below = (best - solution.objective_per_h) / best.abs().max(1e-9);
    assert!(below <= 3e-3, "seed {seed}, {machines} machines: {} but HiGHS {best}", solution.objective_per_h);
    Some(below)
}

fn run(seeds: std::ops::Range<u64>, machines: usize, whole_s: Option<f64>) {
    let below: Vec<f64> = seeds.clone().filter_map(|seed| compare(seed, machines, whole_s)).collect();
    let worst = below.iter().copied().fold(0.0, f64::max);
    println!("{machines} machines: {} of {} proven, at worst {worst:.2e} below", below.len(), seeds.count());
}

#[test]
fn ten_machines() {
    run(0..192, 10, Some(10.0));
}

#[test]
fn fifty_machines() {
    run(1_000..1_096, 50, Some(5.0));
}

#[test]
fn two_hundred_machines() {
    run(2_000..2_048, 200, Some(2.0));
}

#[test]
fn a_thousand_machines() {
    run(3_000..3_008, 1_000, Some(2.0));
}

#[test]
fn two_thousand_machines_bound_only() {
    run(4_000..4_024, 2_000, None);
}
