//! Acting hour by hour: in each step whatever makes most in that step, without a look ahead. It is what the plan is
//! measured against, and what stands in where the plan is not better.

use super::judge::{class_power, judge, whole_now};
use super::question::{Class, Question, Schedule};

/// Acting hour by hour, and the best that is known without the programme.
pub(super) struct Habits {
    /// The margin of acting hour by hour: a start's cost ignored or set against the coming hour, and a stop weighed
    /// against the start that would follow or not; whichever is best.
    pub(super) margin: f64,
    /// Also with a start's cost spread over more hours, chosen with hindsight: no worse, often better.
    pub(super) best: Schedule,
    pub(super) best_margin: f64,
}

/// Walks through the steps in every manner.
pub(super) fn habits(question: &Question) -> Habits {
    let asleep = |class: &Class| vec![0; class.modes.len()];
    let nothing: Schedule = vec![question.classes.iter().map(asleep).collect(); question.steps.len()];
    let idle = judge(question, &nothing).map_or(f64::NEG_INFINITY, |judged| judged.margin);
    let mut habits = Habits { margin: idle, best: nothing, best_margin: idle };
    for spread_h in [f64::INFINITY, 1.0, 2.0, 4.0, 8.0, 16.0] {
        for (keeps, below_peak) in [(false, false), (true, false), (false, true), (true, true)] {
            if below_peak && question.peaks.is_empty() {
                continue;
            }
            let schedule = Walk::new(question, Manner { spread_h, keeps, below_peak }).walk();
            let Ok(judged) = judge(question, &schedule) else { continue };
            if spread_h == f64::INFINITY || spread_h <= 1.0 {
                habits.margin = habits.margin.max(judged.margin);
            }
            if judged.margin > habits.best_margin {
                (habits.best, habits.best_margin) = (schedule, judged.margin);
            }
        }
    }
    habits
}

/// A way to act hour by hour.
#[derive(Clone, Copy)]
struct Manner {
    /// Over how many hours a start's cost is spread.
    spread_h: f64,
    /// Whether a stop is weighed against the start that would follow.
    keeps: bool,
    below_peak: bool,
}

struct Walk<'a> {
    question: &'a Question,
    manner: Manner,
    /// By class: the runs that are too short to end, as steps left and machines; rests alike.
    runs: Vec<Vec<(f64, u32)>>,
    rests: Vec<Vec<(f64, u32)>>,
    running: Vec<u32>,
}

/// Some machines of a class from one mode to the next.
struct Rise {
    class: usize,
    mode: usize,
    power: f64,
    slope: f64,
    most: u32,
}

impl<'a> Walk<'a> {
    fn new(question: &'a Question, manner: Manner) -> Self {
        let nothing = vec![Vec::new(); question.classes.len()];
        let running = question.classes.iter().map(|class| class.running).collect();
        Self { question, manner, runs: nothing.clone(), rests: nothing, running }
    }

    fn walk(&mut self) -> Schedule {
        let question = self.question;
        let limits = question.limits();
        let floor: f64 =
            question.classes.iter().map(|class| class.asleep_kw * f64::from(class.machines)).sum();
        let floors = question.floors();
        let mut energy_left = question.budgets_kwh();
        let mut whole = whole_now(question);
        let mut schedule = Schedule::new();
        for (at, step) in question.steps.iter().enumerate() {
            let hours = step.minutes / 60.0;
            let ramp = question.ramp_up_kw_per_min.map_or(f64::INFINITY, |ramp| whole + ramp * step.minutes);
            let mut limits = limits[at].clone();
            let budgets = question.budgets.iter().zip(&energy_left);
            for (budget, left) in budgets.filter(|(budget, _)| (budget.from..budget.until).contains(&at)) {
                // What everything asleep draws until the budget's end is kept for it.
                let asleep = floors[budget.circuit];
                let spare = left - asleep * question.hours(at + 1, budget.until);
                let limit = &mut limits[budget.circuit];
                *limit = limit.min((spare / hours).max(asleep));
            }
            let here = question.peaks.iter().filter(|peak| (peak.from..peak.until).contains(&at));
            let peak = here.filter(|_| self.manner.below_peak).map(|peak| peak.so_far_kw);
            let most = peak.fold(ramp, f64::min).max(floor);
            let counts = self.step(at, &limits, most);
            let powers = question.classes.iter().zip(&counts).map(|(class, modes)| class_power(class, modes));
            let loads = question.gathered(powers);
            let roots = question.circuits.iter().zip(&loads).filter(|(circuit, _)| circuit.above.is_none());
            whole = roots.map(|(_, load)| load).sum();
            for (budget, left) in question.budgets.iter().zip(&mut energy_left) {
                if (budget.from..budget.until).contains(&at) {
                    *left -= loads[budget.circuit] * hours;
                }
            }
            self.remember(&counts, step.minutes);
            schedule.push(counts);
        }
        schedule
    }

    /// Best rises first, wherever there is room; those in a run too short to end come before all.
    fn step(&self, at: usize, limits: &[f64], most: f64) -> Vec<Vec<u32>> {
        let question = self.question;
        let asleep = question.classes.iter().map(|class| class.asleep_kw * f64::from(class.machines));
        let mut rooms = limits.to_vec();
        for (room, load) in rooms.iter_mut().zip(question.gathered(asleep)) {
            *room -= load;
        }
        let floor: f64 =
            question.classes.iter().map(|class| class.asleep_kw * f64::from(class.machines)).sum();
        let mut whole = most - floor;
        let mut counts: Vec<Vec<u32>> =
            question.classes.iter().map(|class| vec![0; class.modes.len()]).collect();
        for rise in self.rises(at) {
            let class = &question.classes[rise.class];
            let mut room = whole;
            let mut above = Some(class.circuit);
            while let Some(circuit) = above {
                room = room.min(rooms[circuit]);
                above = question.circuits[circuit].above;
            }
            let below = match rise.mode.checked_sub(1) {
                Some(lower) => counts[rise.class][lower],
                None => u32::MAX,
            };
            let fit = if rise.power > 0.0 { (room.max(0.0) / rise.power).floor() as u32 } else { u32::MAX };
            let count = fit.min(rise.most).min(below);
            let power = f64::from(count) * rise.power;
            whole -= power;
            let mut above = Some(class.circuit);
            while let Some(circuit) = above {
                rooms[circuit] -= power;
                above = question.circuits[circuit].above;
            }
            if let Some(lower) = rise.mode.checked_sub(1) {
                counts[rise.class][lower] -= count;
            }
            counts[rise.class][rise.mode] += count;
        }
        counts
    }

    /// What may rise in a step and is worth it, best first.
    fn rises(&self, at: usize) -> Vec<Rise> {
        let step = &self.question.steps[at];
        let mut rises = Vec::new();
        for (place, class) in self.question.classes.iter().enumerate() {
            let total = |batches: &[(f64, u32)]| batches.iter().map(|(_, machines)| machines).sum::<u32>();
            let held = total(&self.runs[place]).min(self.running[place]);
            let free = class.machines - total(&self.rests[place]).min(class.machines);
            let (mut power_before, mut earned_before) = (class.asleep_kw, 0.0);
            for (mode, data) in class.modes.iter().enumerate() {
                let power = data.power_kw - power_before;
                let margin = data.earns_per_h - earned_before - power * step.price_per_kwh;
                let mut rise = |margin: f64, most: u32| {
                    if most > 0 && margin > 0.0 {
                        rises.push(Rise { class: place, mode, power, slope: margin / power.max(1e-9), most });
                    }
                };
                if mode == 0 {
                    // Those that may not stop, those that run already, those that would have to be started.
                    let stay = self.running[place].min(free) - held.min(free);
                    let others = free.saturating_sub(self.running[place]);
                    let start = class.start_cost / self.manner.spread_h;
                    rise(f64::MAX / 1e6, held);
                    rise(if self.manner.keeps { margin + start } else { margin }, stay);
                    rise(margin - start, others);
                } else {
                    rise(margin, class.machines);
                }
                (power_before, earned_before) = (data.power_kw, data.earns_per_h);
            }
        }
        rises.sort_by(|a, b| b.slope.total_cmp(&a.slope).then((a.mode, a.class).cmp(&(b.mode, b.class))));
        rises
    }

    fn remember(&mut self, counts: &[Vec<u32>], minutes: f64) {
        for (place, class) in self.question.classes.iter().enumerate() {
            let running: u32 = counts[place].iter().sum();
            for batches in [&mut self.runs[place], &mut self.rests[place]] {
                batches.iter_mut().for_each(|(left, _)| *left -= minutes);
                batches.retain(|(left, _)| *left > 1e-9);
            }
            let before = self.running[place];
            if running > before && class.run_min_minutes > minutes {
                self.runs[place].push((class.run_min_minutes - minutes, running - before));
            }
            if running < before && class.rest_min_minutes > minutes {
                self.rests[place].push((class.rest_min_minutes - minutes, before - running));
            }
            self.running[place] = running;
        }
    }
}
