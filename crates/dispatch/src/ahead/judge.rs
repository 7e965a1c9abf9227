//! What a schedule makes and whether it may be: one judge for every plan, however it came about.

use super::question::{Class, Question, Schedule};

/// A schedule's worth.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// Earnings less power, starts and the peak.
    pub margin: f64,
    /// By step.
    pub power_kw: Vec<f64>,
    /// The peak of each billing month, what was drawn before included.
    pub peaks_kw: Vec<f64>,
}

/// Rounding of sums of floats: a limit counts as kept up to this share of it, and a watt.
const SHARE: f64 = 1e-9;

/// A class' power in a step.
pub(super) fn class_power(class: &Class, modes: &[u32]) -> f64 {
    let running: u32 = modes.iter().sum();
    let at_work: f64 =
        class.modes.iter().zip(modes).map(|(mode, count)| mode.power_kw * f64::from(*count)).sum();
    at_work + class.asleep_kw * f64::from(class.machines - running)
}

/// Judges a schedule, or names what it breaks. Limits, the rise, the budgets and the shortest times are judged; how
/// fast the whole falls is not: a limit may want it faster.
///
/// # Errors
/// What is broken, and in which step.
pub fn judge(question: &Question, schedule: &Schedule) -> Result<Judged, String> {
    let limits = question.limits();
    let mut before: Vec<u32> = question.classes.iter().map(|class| class.running).collect();
    let mut margin = 0.0;
    let mut energies = vec![0.0; question.budgets.len()];
    let mut peaks: Vec<f64> = question.peaks.iter().map(|peak| peak.so_far_kw).collect();
    let mut power_kw = Vec::new();
    let mut starts: Vec<Vec<u32>> = Vec::new();
    let mut stops: Vec<Vec<u32>> = Vec::new();
    let mut whole_before = whole_now(question);
    let mut loads_before = question.gathered(question.classes.iter().map(now));
    let (floors, budgets_kwh) = (question.floors(), question.budgets_kwh());
    let mut cuts = Vec::new();
    for (at, (step, counts)) in question.steps.iter().zip(schedule).enumerate() {
        let hours = step.minutes / 60.0;
        for (class, modes) in question.classes.iter().zip(counts) {
            let running: u64 = modes.iter().map(|count| u64::from(*count)).sum();
            if running > u64::from(class.machines) {
                return Err(format!("step {at}: {running} of {} machines", class.machines));
            }
        }
        let powers = question.classes.iter().zip(counts).map(|(class, modes)| class_power(class, modes));
        let loads = question.gathered(powers);
        for (circuit, (load, limit)) in loads.iter().zip(&limits[at]).enumerate() {
            if *load > limit * (1.0 + SHARE) + 1e-3 {
                return Err(format!("step {at}: circuit {circuit} draws {load} kW of {limit}"));
            }
        }
        let roots = question.circuits.iter().zip(&loads).filter(|(circuit, _)| circuit.above.is_none());
        let whole: f64 = roots.map(|(_, load)| load).sum();
        let up = question.ramp_up_kw_per_min.map_or(f64::INFINITY, |ramp| ramp * step.minutes);
        if whole - whole_before > up * (1.0 + SHARE) + 1e-3 {
            return Err(format!("step {at}: rises by {} kW, {up} are allowed", whole - whole_before));
        }
        margin -= whole * hours * step.price_per_kwh;
        cuts.push(
            question.falls(at) || is_cut(question, at, &energies, &budgets_kwh, &floors, &loads_before),
        );
        for (energy, budget) in energies.iter_mut().zip(&question.budgets) {
            if (budget.from..budget.until).contains(&at) {
                *energy += loads[budget.circuit] * hours;
            }
        }
        for (highest, peak) in peaks.iter_mut().zip(&question.peaks) {
            if (peak.from..peak.until).contains(&at) {
                *highest = highest.max(whole);
            }
        }
        let (mut started, mut stopped) = (Vec::new(), Vec::new());
        for ((class, modes), before) in question.classes.iter().zip(counts).zip(&mut before) {
            let running: u32 = modes.iter().sum();
            started.push(running.saturating_sub(*before));
            stopped.push(before.saturating_sub(running));
            let earned =
                class.modes.iter().zip(modes).map(|(mode, count)| mode.earns_per_h * f64::from(*count));
            margin +=
                earned.sum::<f64>() * hours - class.start_cost * f64::from(running.saturating_sub(*before));
            *before = running;
        }
        starts.push(started);
        stops.push(stopped);
        shortest_times(question, &cuts, &before, &starts, &stops)?;
        (whole_before, loads_before) = (whole, loads);
        power_kw.push(whole);
    }
    for (place, (energy, most)) in energies.iter().zip(&budgets_kwh).enumerate() {
        if *energy > most * (1.0 + SHARE) + 1e-3 {
            return Err(format!("budget {place}: {energy} kWh of {most}"));
        }
    }
    for (highest, billed) in peaks.iter().zip(&question.peaks) {
        margin -= billed.price_per_kw * (highest - billed.so_far_kw);
    }
    Ok(Judged { margin, power_kw, peaks_kw: peaks })
}

/// What is drawn now: those that run in their highest mode, the others asleep.
#[must_use]
pub fn whole_now(question: &Question) -> f64 {
    question.classes.iter().map(now).sum()
}

fn now(class: &Class) -> f64 {
    let at_work = class.modes.last().map_or(0.0, |mode| mode.power_kw);
    at_work * f64::from(class.running) + class.asleep_kw * f64::from(class.machines - class.running)
}

/// Whether what is left of some budget lets less be drawn in a step than was drawn before it. What everything asleep
/// draws until the budget's end is kept for it.
fn is_cut(
    question: &Question,
    at: usize,
    used_kwh: &[f64],
    budgets_kwh: &[f64],
    floors: &[f64],
    loads_before: &[f64],
) -> bool {
    let budgets = question.budgets.iter().zip(used_kwh).zip(budgets_kwh);
    budgets.filter(|((budget, _), _)| (budget.from..budget.until).contains(&at)).any(
        |((budget, used), most)| {
            let circuit = budget.circuit;
            let spare = most - used - floors[circuit] * question.hours(at + 1, budget.until);
            spare / question.hours(at, at + 1) < loads_before[circuit] * (1.0 - SHARE)
        },
    )
}

/// Whoever was started within the shortest run still runs, and whoever was stopped within the shortest rest rests.
fn shortest_times(
    question: &Question,
    cuts: &[bool],
    running: &[u32],
    starts: &[Vec<u32>],
    stops: &[Vec<u32>],
) -> Result<(), String> {
    let step = cuts.len() - 1;
    for (at, class) in question.classes.iter().enumerate() {
        let within = |events: &[Vec<u32>], minutes: f64| -> u32 {
            let window = question.window(step, minutes);
            events[step + 1 - window..=step].iter().map(|step| step[at]).sum()
        };
        // Limits and budgets go before shortest runs.
        let window = question.window(step, class.run_min_minutes);
        let fell = cuts[step + 1 - window..=step].contains(&true);
        if !fell && within(starts, class.run_min_minutes) > running[at] {
            return Err(format!("step {step}: class {at} is stopped before its shortest run is over"));
        }
        if within(stops, class.rest_min_minutes) > class.machines - running[at] {
            return Err(format!("step {step}: class {at} is started before its shortest rest is over"));
        }
    }
    Ok(())
}
