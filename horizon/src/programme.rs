//! The linear programme over all steps, solved by HiGHS.
//!
//! For each class and step: how many run in each mode, and how many are started. Starts are at least the rise of those
//! that run; a shortest run holds the starts within it below those that run, a shortest rest holds them below those
//! that rested at its beginning (Rajan and Takriti, IBM Research Report RC23628, 2005: with these rows a class' own
//! programme has whole corners). Circuits add their classes' power up to their limits.

use highs::{Col, HighsModelStatus, RowProblem, Sense};
use offpeak_dispatch::ahead::{Circuit, Question, Schedule, Solved, whole_now};

struct Columns {
    /// By step, class and mode.
    counts: Vec<Vec<Vec<Col>>>,
    /// By step and class; none where a start is free and unbound.
    starts: Vec<Vec<Option<Col>>>,
    /// By step and circuit: power.
    loads: Vec<Vec<Col>>,
}

/// Solves it, or `None` if the solver's bounds on time and work come first. Whole machines, never more power than
/// the fractions have.
pub(crate) fn solve(question: &Question) -> Option<Solved> {
    let mut problem = RowProblem::new();
    let columns = add_columns(question, &mut problem);
    add_power(question, &mut problem, &columns);
    add_starts(question, &mut problem, &columns);
    let offset = add_whole(question, &mut problem, &columns);
    let mut model = problem.try_optimise(Sense::Maximise).ok()?;
    model.set_option("threads", 1);
    model.set_option("solver", "simplex");
    model.set_option("simplex_iteration_limit", i32::try_from(question.iterations_max).unwrap_or(i32::MAX));
    model.set_option("time_limit", question.seconds_max.unwrap_or(f64::INFINITY));
    let solved = model.try_solve().ok()?;
    if solved.status() != HighsModelStatus::Optimal {
        return None;
    }
    let solution = solved.get_solution();
    let value = |col: &Col| solution[*col];
    let class = |class: &Vec<Col>| whole(&class.iter().map(value).collect::<Vec<f64>>());
    let schedule: Schedule = columns.counts.iter().map(|step| step.iter().map(class).collect()).collect();
    Some(Solved { schedule, margin_bound: solved.objective_value() + offset })
}

fn add_columns(question: &Question, problem: &mut RowProblem) -> Columns {
    let limits = question.limits();
    let mut columns = Columns { counts: Vec::new(), starts: Vec::new(), loads: Vec::new() };
    for (at, step) in question.steps.iter().enumerate() {
        let hours = step.minutes / 60.0;
        let mut counts = Vec::new();
        let mut starts = Vec::new();
        for class in &question.classes {
            let machines = f64::from(class.machines);
            let earns = class.modes.iter().map(|mode| mode.earns_per_h * hours);
            counts.push(earns.map(|earns| problem.add_column(earns, 0.0..=machines)).collect());
            let matters =
                class.start_cost > 0.0 || class.run_min_minutes > 0.0 || class.rest_min_minutes > 0.0;
            starts.push(matters.then(|| problem.add_column(-class.start_cost, 0.0..=machines)));
        }
        columns.counts.push(counts);
        columns.starts.push(starts);
        let load = |(place, circuit): (usize, &Circuit)| {
            let costs = if circuit.above.is_none() { -hours * step.price_per_kwh } else { 0.0 };
            problem.add_column(costs, 0.0..=limits[at][place])
        };
        columns.loads.push(question.circuits.iter().enumerate().map(load).collect());
    }
    columns
}

/// Each circuit draws what its classes and the circuits below it draw.
fn add_power(question: &Question, problem: &mut RowProblem, columns: &Columns) {
    let mut below: Vec<Vec<usize>> = vec![Vec::new(); question.circuits.len()];
    let mut classes: Vec<Vec<usize>> = vec![Vec::new(); question.circuits.len()];
    for (place, circuit) in question.circuits.iter().enumerate() {
        if let Some(above) = circuit.above {
            below[above].push(place);
        }
    }
    for (place, class) in question.classes.iter().enumerate() {
        classes[class.circuit].push(place);
    }
    for at in 0..question.steps.len() {
        for circuit in 0..question.circuits.len() {
            let mut row = vec![(columns.loads[at][circuit], 1.0)];
            row.extend(below[circuit].iter().map(|below| (columns.loads[at][*below], -1.0)));
            let mut asleep = 0.0;
            for &place in &classes[circuit] {
                let class = &question.classes[place];
                asleep += class.asleep_kw * f64::from(class.machines);
                for (mode, count) in class.modes.iter().zip(&columns.counts[at][place]) {
                    row.push((*count, class.asleep_kw - mode.power_kw));
                }
            }
            problem.add_row(asleep..=asleep, &row);
        }
    }
}

/// Starts, and the shortest runs and rests.
fn add_starts(question: &Question, problem: &mut RowProblem, columns: &Columns) {
    for (place, class) in question.classes.iter().enumerate() {
        let machines = f64::from(class.machines);
        let running = f64::from(class.running);
        for at in 0..question.steps.len() {
            let counts = &columns.counts[at][place];
            if counts.len() > 1 {
                let row: Vec<(Col, f64)> = counts.iter().map(|count| (*count, 1.0)).collect();
                problem.add_row(..=machines, &row);
            }
            let Some(start) = columns.starts[at][place] else { continue };
            let mut rise: Vec<(Col, f64)> = counts.iter().map(|count| (*count, 1.0)).collect();
            rise.push((start, -1.0));
            match at.checked_sub(1) {
                None => {
                    problem.add_row(..=running, &rise);
                }
                Some(before) => {
                    rise.extend(columns.counts[before][place].iter().map(|count| (*count, -1.0)));
                    problem.add_row(..=0.0, &rise);
                }
            }
            let recent = |window: usize| {
                (at + 1 - window..=at)
                    .filter_map(|step| columns.starts[step][place])
                    .map(|start| (start, 1.0))
            };
            let run = question.window(at, class.run_min_minutes);
            if run > 1 {
                let mut row: Vec<(Col, f64)> = recent(run).collect();
                row.extend(counts.iter().map(|count| (*count, -1.0)));
                problem.add_row(..=0.0, &row);
            }
            let rest = question.window(at, class.rest_min_minutes);
            if rest > 1 {
                let mut row: Vec<(Col, f64)> = recent(rest).collect();
                match (at + 1).checked_sub(rest + 1) {
                    None => {
                        problem.add_row(..=machines - running, &row);
                    }
                    Some(before) => {
                        row.extend(columns.counts[before][place].iter().map(|count| (*count, 1.0)));
                        problem.add_row(..=machines, &row);
                    }
                }
            }
        }
    }
}

/// A kilowatt beyond the downward ramp counts as dear as this many kilowatt-hours, so that it is the last thing done.
const BEYOND_RAMP_H: f64 = 100.0;

/// Ramps and peaks of the whole, and budgets. The constant part of the margin.
fn add_whole(question: &Question, problem: &mut RowProblem, columns: &Columns) -> f64 {
    let roots: Vec<usize> =
        (0..question.circuits.len()).filter(|circuit| question.circuits[*circuit].above.is_none()).collect();
    let whole = |at: usize, factor: f64| roots.iter().map(move |root| (columns.loads[at][*root], factor));
    let dear =
        question.steps.iter().map(|step| step.price_per_kwh.abs()).fold(0.01, f64::max) * BEYOND_RAMP_H;
    for (at, step) in question.steps.iter().enumerate() {
        let mut change: Vec<(Col, f64)> = whole(at, 1.0).collect();
        let before = if at == 0 { whole_now(question) } else { 0.0 };
        if at > 0 {
            change.extend(whole(at - 1, -1.0));
        }
        if let Some(ramp) = question.ramp_up_kw_per_min {
            problem.add_row(..=before + ramp * step.minutes, &change);
        }
        if let Some(ramp) = question.ramp_down_kw_per_min
            && !question.falls(at)
        {
            let beyond = problem.add_column(-dear, 0.0..);
            change.push((beyond, 1.0));
            problem.add_row(before - ramp * step.minutes.., &change);
        }
    }
    for (budget, most) in question.budgets.iter().zip(question.budgets_kwh()) {
        let energy = |at: usize| (columns.loads[at][budget.circuit], question.steps[at].minutes / 60.0);
        let row: Vec<(Col, f64)> = (budget.from..budget.until).map(energy).collect();
        problem.add_row(..=most, &row);
    }
    let mut offset = 0.0;
    for billed in &question.peaks {
        let peak = problem.add_column(-billed.price_per_kw, billed.so_far_kw..);
        for at in billed.from..billed.until {
            let mut row: Vec<(Col, f64)> = whole(at, 1.0).collect();
            row.push((peak, -1.0));
            problem.add_row(..=0.0, &row);
        }
        offset += billed.price_per_kw * billed.so_far_kw;
    }
    offset
}

/// Whole machines of a class: what is left of its higher modes runs in its lowest.
fn whole(fractions: &[f64]) -> Vec<u32> {
    let down = |count: f64| (count + 1e-6).floor().max(0.0);
    let mut counts: Vec<f64> = fractions.iter().map(|count| down(*count)).collect();
    let running = down(fractions.iter().sum());
    counts[0] = running - counts[1..].iter().sum::<f64>();
    counts.into_iter().map(|count| count.max(0.0) as u32).collect()
}
