//! Each machine's upper hull as steps from its least power upwards, and each circuit's steps in the order in which
//! they would be taken: most value a watt first.

use std::ops::Range;

use super::problem::{MODES_MAX, Problem};
use super::tree::Tree;

/// One machine one corner up on its hull.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    /// Value a milliwatt; above zero.
    pub(super) slope: f64,
    pub(super) machine: u32,
    pub(super) from: u16,
    pub(super) to: u16,
}

/// The steps of all machines, apart by the circuit they hang on directly.
#[derive(Clone, Debug, Default)]
pub(super) struct Ladders {
    steps: Vec<Step>,
    /// By circuit: where its steps begin; one more at the end.
    starts: Vec<usize>,
    /// Sums of the steps before each, apart by circuit, with the whole at the end of each.
    power_before: Vec<i64>,
    value_before: Vec<f64>,
    /// Machines by circuit, in their order.
    machines: Vec<u32>,
    machine_starts: Vec<usize>,
    /// By circuit: its own machines at their least power.
    pub(super) base_power: Vec<i64>,
    pub(super) base_value: Vec<f64>,
    /// By machine: its mode of least power.
    pub(super) base_modes: Vec<u16>,
}

impl Ladders {
    pub(super) fn new(problem: &Problem, tree: &Tree) -> Self {
        let mut ladders = Self::default();
        ladders.sort_machines(problem, tree);
        let circuits = tree.len();
        ladders.base_power = vec![0; circuits];
        ladders.base_value = vec![0.0; circuits];
        ladders.base_modes = vec![0; problem.machines()];
        let guess = problem.powers.len().saturating_sub(problem.machines());
        ladders.steps.reserve(guess);
        ladders.power_before.reserve(guess + circuits);
        ladders.value_before.reserve(guess + circuits);
        let (mut raw, mut sorter) = (Vec::new(), Sorter::default());
        for circuit in 0..circuits {
            ladders.starts.push(ladders.steps.len());
            raw.clear();
            for at in ladders.machine_starts[circuit]..ladders.machine_starts[circuit + 1] {
                let machine = ladders.machines[at];
                let base = hull(problem, machine, &mut raw);
                ladders.base_modes[machine as usize] = base;
                ladders.base_power[circuit] += problem.power(machine, base);
                ladders.base_value[circuit] += problem.value(machine, base);
            }
            ladders.append(problem, sorter.sort(&raw));
        }
        ladders.starts.push(ladders.steps.len());
        ladders
    }

    /// Machines grouped by circuit, in their order within each.
    fn sort_machines(&mut self, problem: &Problem, tree: &Tree) {
        let place = |machine: usize| tree.places[problem.places[machine] as usize] as usize;
        let mut starts = vec![0_usize; tree.len() + 1];
        for machine in 0..problem.machines() {
            starts[place(machine) + 1] += 1;
        }
        for circuit in 0..tree.len() {
            starts[circuit + 1] += starts[circuit];
        }
        let mut next = starts.clone();
        self.machines = vec![0; problem.machines()];
        for machine in 0..problem.machines() {
            let free = &mut next[place(machine)];
            self.machines[*free] = machine as u32;
            *free += 1;
        }
        self.machine_starts = starts;
    }

    fn append(&mut self, problem: &Problem, steps: &[Step]) {
        let (mut power, mut value) = (0, 0.0);
        for step in steps {
            self.power_before.push(power);
            self.value_before.push(value);
            power += problem.power(step.machine, step.to) - problem.power(step.machine, step.from);
            value += problem.value(step.machine, step.to) - problem.value(step.machine, step.from);
        }
        self.steps.extend_from_slice(steps);
        self.power_before.push(power);
        self.value_before.push(value);
    }

    /// A circuit's own steps, best first.
    pub(super) fn steps(&self, circuit: usize) -> &[Step] {
        &self.steps[self.starts[circuit]..self.starts[circuit + 1]]
    }

    /// What a circuit's first `taken` steps draw.
    pub(super) fn power(&self, circuit: usize, taken: usize) -> i64 {
        self.power_before[self.starts[circuit] + circuit + taken]
    }

    /// What a circuit's first `taken` steps are worth.
    pub(super) fn value(&self, circuit: usize, taken: usize) -> f64 {
        self.value_before[self.starts[circuit] + circuit + taken]
    }

    /// The machines that hang on a circuit directly.
    pub(super) fn machines(&self, circuit: usize) -> &[u32] {
        &self.machines[self.machine_range(circuit)]
    }

    pub(super) fn machine_range(&self, circuit: usize) -> Range<usize> {
        self.machine_starts[circuit]..self.machine_starts[circuit + 1]
    }
}

/// Appends a machine's steps and returns its mode of least power (the most valuable among equals). A step's slope is
/// above zero and falls from step to step, so a machine's steps stay in their order when sorted.
fn hull(problem: &Problem, machine: u32, steps: &mut Vec<Step>) -> u16 {
    let (powers, values) = problem.modes(machine);
    let mut order = [0_u16; MODES_MAX];
    let order = &mut order[..powers.len()];
    for mode in 0..powers.len() {
        let mut at = mode;
        // By power; among equals the most valuable first, then by number.
        while at > 0 {
            let left = order[at - 1] as usize;
            let stays =
                powers[left] < powers[mode] || (powers[left] == powers[mode] && values[left] >= values[mode]);
            if stays {
                break;
            }
            order[at] = order[at - 1];
            at -= 1;
        }
        order[at] = mode as u16;
    }
    let base = order[0];
    let first = steps.len();
    let mut last = base;
    for &mode in &order[1..] {
        if values[mode as usize] <= values[last as usize] {
            continue;
        }
        // Corners that lie under the line to the new one are none.
        let mut from = last;
        while steps.len() > first {
            let step = steps[steps.len() - 1];
            if slope(powers, values, step.to, mode) < step.slope {
                break;
            }
            from = step.from;
            steps.pop();
        }
        steps.push(Step { slope: slope(powers, values, from, mode), machine, from, to: mode });
        last = mode;
    }
    base
}

fn slope(powers: &[i64], values: &[f64], from: u16, to: u16) -> f64 {
    let (from, to) = (from as usize, to as usize);
    ((values[to] - values[from]) / (powers[to] - powers[from]) as f64).max(f64::MIN_POSITIVE)
}

/// Sorts steps by falling slope, equals by their order; keeps its working space.
#[derive(Debug, Default)]
struct Sorter {
    sorted: Vec<Step>,
    /// By bucket: where its next step goes.
    free: Vec<u32>,
}

impl Sorter {
    /// About as many buckets as steps, evenly over the slopes; what meets in one is compared.
    fn sort(&mut self, raw: &[Step]) -> &[Step] {
        self.sorted.clear();
        self.sorted.extend_from_slice(raw);
        let slopes = || raw.iter().map(|step| step.slope);
        let (least, most) = (slopes().fold(f64::INFINITY, f64::min), slopes().fold(0.0, f64::max));
        let last = raw.len().next_power_of_two() - 1;
        let scale = last as f64 / (most - least);
        // Never falls with a falling slope, however it is rounded; a cast holds what is beyond its range at its ends.
        let bucket = |step: &Step| (((most - step.slope) * scale) as usize).min(last);
        self.free.clear();
        self.free.resize(last + 2, 0);
        for step in raw {
            self.free[bucket(step) + 1] += 1;
        }
        for at in 0..=last {
            self.free[at + 1] += self.free[at];
        }
        for step in raw {
            let slot = &mut self.free[bucket(step)];
            self.sorted[*slot as usize] = *step;
            *slot += 1;
        }
        let mut start = 0;
        for &end in &self.free[..=last] {
            let end = end as usize;
            if end - start > 1 {
                self.sorted[start..end].sort_by(|a, b| b.slope.total_cmp(&a.slope));
            }
            start = end;
        }
        &self.sorted
    }
}
