//! The solver against every choice there is, on instances small enough to try them all.

use offpeak_units::Power;

use super::*;

/// A small generator of its own, so that a printed seed replays.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }
    pub(super) fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % sides
    }
}

fn random(seed: u64, machines: u64) -> Problem {
    let mut dice = Dice::new(seed);
    let mut problem = Problem::new();
    let mut circuits =
        vec![problem.add_circuit(None, Some(Power::from_watts(machines as i64 * 1_500))).unwrap()];
    for _ in 0..dice.roll(5) {
        let above = circuits[dice.roll(circuits.len() as u64) as usize];
        let limit = match dice.roll(4) {
            0 => None,
            1 => Some(Power::from_watts(dice.roll(300) as i64)),
            _ => Some(Power::from_watts(dice.roll(9_000) as i64)),
        };
        circuits.push(problem.add_circuit(Some(above), limit).unwrap());
    }
    for _ in 0..machines {
        let circuit = circuits[dice.roll(circuits.len() as u64) as usize];
        let modes: Vec<Mode> = (0..1 + dice.roll(4))
            .map(|_| Mode {
                power: Power::from_watts(dice.roll(4_000) as i64),
                value_per_h: dice.roll(400) as f64 / 1e3 - 0.1,
            })
            .collect();
        problem.add_machine(circuit, &modes).unwrap();
    }
    problem
}

/// Loads by circuit, in the order of adding.
pub(super) fn loads(problem: &Problem, setpoints: &[u16]) -> Vec<i64> {
    let mut loads = vec![0; problem.circuits()];
    for (machine, mode) in (0_u32..).zip(setpoints) {
        let mut at = problem.places[machine as usize];
        while at != problem::NONE {
            loads[at as usize] += problem.power(machine, *mode);
            at = problem.parents[at as usize];
        }
    }
    loads
}

fn best_of_all(problem: &Problem) -> Option<f64> {
    let mut setpoints = vec![0_u16; problem.machines()];
    let mut best = None;
    loop {
        if loads(problem, &setpoints).iter().zip(&problem.limits).all(|(load, limit)| load <= limit) {
            let value: f64 =
                (0_u32..).zip(&setpoints).map(|(machine, mode)| problem.value(machine, *mode)).sum();
            best = Some(best.map_or(value, |most: f64| most.max(value)));
        }
        let mut at = 0;
        loop {
            if at == setpoints.len() {
                return best;
            }
            setpoints[at] += 1;
            if usize::from(setpoints[at]) < problem.modes(at as u32).0.len() {
                break;
            }
            setpoints[at] = 0;
            at += 1;
        }
    }
}

#[test]
fn every_choice_is_tried() {
    let mut worst = 0.0_f64;
    for seed in 0..400 {
        let problem = random(seed, 2 + seed % 7);
        let best = best_of_all(&problem);
        let solution = Solver::new(problem.clone()).solve();
        assert_eq!(best.is_some(), solution.infeasible.is_empty(), "seed {seed}");
        let Some(best) = best else { continue };
        let fits = loads(&problem, &solution.setpoints)
            .iter()
            .zip(&problem.limits)
            .all(|(load, limit)| load <= limit);
        assert!(fits, "seed {seed}: above a limit");
        assert!(best <= solution.bound_per_h + 1e-9, "seed {seed}: {best} above {}", solution.bound_per_h);
        assert!(solution.objective_per_h <= best + 1e-9, "seed {seed}");
        worst = worst.max((best - solution.objective_per_h) / best.abs().max(1e-9));
    }
    println!("worst {worst}");
}

#[test]
fn what_fuzzing_began_with_is_replayed() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/moment");
    let mut solved = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        #[expect(clippy::disallowed_methods, reason = "a test reads its corpus")]
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        if let Ok(input) = Input::parse(&text) {
            let _ = Solver::new(input.problem).solve();
            solved += 1;
        }
    }
    assert!(solved >= 2);
}

proptest::proptest! {
    #[test]
    fn mutilated_input_never_panics(
        edits in proptest::collection::vec((proptest::prelude::any::<proptest::sample::Index>(), 0_usize..9, "[\\PC]{0,5}"), 1..5)
    ) {
        let seed = include_str!("../../../../fuzz/corpus/moment/contradictory");
        let mut letters: Vec<char> = seed.chars().collect();
        for (at, removed, inserted) in edits {
            let at = at.index(letters.len());
            let end = (at + removed).min(letters.len());
            letters.splice(at..end, inserted.chars());
        }
        let text: String = letters.into_iter().collect();
        if let Ok(input) = Input::parse(&text) {
            let limits = input.problem.limits.clone();
            let solution = Solver::new(input.problem.clone()).solve();
            let loads = loads(&input.problem, &solution.setpoints);
            if solution.infeasible.is_empty() {
                proptest::prop_assert!(loads.iter().zip(&limits).all(|(load, limit)| load <= limit));
            }
        }
    }
}
