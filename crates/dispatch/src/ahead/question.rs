//! What is to be planned, and the plan: plain numbers that cross a pipe as JSON, units in their names.

use serde::{Deserialize, Serialize};

/// At most so many steps: two days of five minutes are 576.
pub const STEPS_MAX: usize = 600;
/// At most so many classes of machines.
pub const CLASSES_MAX: usize = 2_000;
/// At most so many circuits.
pub const CIRCUITS_MAX: usize = 2_000;
/// At most so many budgets' periods, and billing months.
pub const SUMS_MAX: usize = 1_000;
/// At most so many modes besides sleep.
pub const MODES_MAX: usize = 8;

/// The hours ahead.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// One after another, beginning now.
    pub steps: Vec<Step>,
    /// The tree; a circuit comes after the one above it.
    pub circuits: Vec<Circuit>,
    /// Machines that are alike: one model, on one circuit, on one owner's terms.
    pub classes: Vec<Class>,
    /// How fast the whole may rise.
    #[serde(default)]
    pub ramp_up_kw_per_min: Option<f64>,
    /// How fast it should fall; limits go before it.
    #[serde(default)]
    pub ramp_down_kw_per_min: Option<f64>,
    /// The most energy of circuits over some steps together.
    #[serde(default)]
    pub budgets: Vec<Budget>,
    /// What a kilowatt more on a billing month's peak costs.
    #[serde(default)]
    pub peaks: Vec<Peak>,
    /// What bounds the solver's work: simplex iterations. The same number gives the same plan.
    pub iterations_max: u32,
    /// What bounds its time; `None` in simulations, where a seed has to replay.
    #[serde(default)]
    pub seconds_max: Option<f64>,
}

/// A stretch of time with one price.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// 5 to 60.
    pub minutes: f64,
    /// What a kilowatt-hour costs at the margin, with all that depends on use.
    pub price_per_kwh: f64,
}

/// A circuit and what it may draw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Circuit {
    /// The circuit above, by its place in the list.
    #[serde(default)]
    pub above: Option<usize>,
    /// The probable limit in each step, or one for all; `null` is none.
    pub limits_kw: Vec<Option<f64>>,
}

/// Machines that are alike.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// By its place in the list.
    pub circuit: usize,
    /// How many there are.
    pub machines: u32,
    /// How many of them run now; they may be stopped at once.
    pub running: u32,
    /// What one draws asleep.
    pub asleep_kw: f64,
    /// What one draws and earns in each mode, power rising.
    pub modes: Vec<Mode>,
    /// What a start costs: wear, and the minutes without work.
    #[serde(default)]
    pub start_cost: f64,
    /// Once started, runs at least so long.
    #[serde(default)]
    pub run_min_minutes: f64,
    /// Once stopped, rests at least so long.
    #[serde(default)]
    pub rest_min_minutes: f64,
}

/// One way to run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mode {
    /// What it draws.
    pub power_kw: f64,
    /// What it earns before its power is paid.
    pub earns_per_h: f64,
}

/// The most energy of a circuit's machines over some steps, half-open.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// By its place in the list.
    pub circuit: usize,
    /// The first step.
    pub from: usize,
    /// The one after the last.
    pub until: usize,
    /// So much.
    pub energy_max_kwh: f64,
}

/// A month's billing peak: the highest power of some steps, half-open.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peak {
    /// The first step.
    pub from: usize,
    /// The one after the last.
    pub until: usize,
    /// What a kilowatt more of it costs.
    pub price_per_kw: f64,
    /// It stands there already.
    pub so_far_kw: f64,
}

/// How many machines of each class run in which mode: by step, by class, by mode.
pub type Schedule = Vec<Vec<Vec<u32>>>;

/// Where a plan comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The linear programme.
    Programme,
    /// Acting hour by hour, because the programme's plan is not better.
    HourByHour,
    /// Acting hour by hour, because the solver ended without a plan.
    Unsolved,
}

/// The plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Whose it is.
    pub origin: Origin,
    /// What it makes over all steps: earnings less power, starts and the peak.
    pub margin: f64,
    /// What acting hour by hour would make, with a start's cost ignored or set against the coming hour.
    pub margin_hour_by_hour: f64,
    /// What acting hour by hour would make with a start's cost spread over the number of hours that turns out best.
    pub margin_habit: f64,
    /// What no plan can exceed, if the programme was solved to its end.
    pub margin_bound: Option<f64>,
    /// By step.
    pub power_kw: Vec<f64>,
    /// How many machines run in which mode.
    pub schedule: Schedule,
}

/// What cannot be planned.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum QuestionError {
    /// Too much of something.
    #[error("{count} {what}; at most {most} are planned")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many.
        count: usize,
        /// The limit.
        most: usize,
    },
    /// A number that makes no sense, or a reference into nothing.
    #[error("{whose} {index}: {field} makes no sense")]
    Field {
        /// The list.
        whose: &'static str,
        /// The place in it.
        index: usize,
        /// The field.
        field: &'static str,
    },
    /// A number of the whole that makes no sense.
    #[error("{0} makes no sense")]
    Whole(&'static str),
}

impl Question {
    /// Checks every number.
    ///
    /// # Errors
    /// [`QuestionError`] at the first that makes no sense.
    pub fn check(&self) -> Result<(), QuestionError> {
        for (what, count, most) in [
            ("steps", self.steps.len(), STEPS_MAX),
            ("classes", self.classes.len(), CLASSES_MAX),
            ("circuits", self.circuits.len(), CIRCUITS_MAX),
            ("budgets", self.budgets.len(), SUMS_MAX),
            ("peaks", self.peaks.len(), SUMS_MAX),
        ] {
            if count > most {
                return Err(QuestionError::TooMany { what, count, most });
            }
        }
        let amount = |number: f64| (0.0..1e12).contains(&number);
        let money = |number: f64| number.abs() < 1e12;
        let whole = |fine: bool, what| if fine { Ok(()) } else { Err(QuestionError::Whole(what)) };
        let optional = |number: Option<f64>| number.is_none_or(amount);
        whole(!self.steps.is_empty(), "a plan without steps")?;
        whole(optional(self.ramp_up_kw_per_min) && optional(self.ramp_down_kw_per_min), "a ramp")?;
        whole(optional(self.seconds_max), "seconds_max")?;
        let field = |fine: bool, whose, index, field| {
            if fine { Ok(()) } else { Err(QuestionError::Field { whose, index, field }) }
        };
        let stretch = |from: usize, until: usize| from < until && until <= self.steps.len();
        for (index, budget) in self.budgets.iter().enumerate() {
            field(budget.circuit < self.circuits.len(), "budget", index, "circuit")?;
            field(stretch(budget.from, budget.until), "budget", index, "steps")?;
            field(amount(budget.energy_max_kwh), "budget", index, "energy_max_kwh")?;
        }
        for (index, peak) in self.peaks.iter().enumerate() {
            field(stretch(peak.from, peak.until), "peak", index, "steps")?;
            field(amount(peak.price_per_kw) && amount(peak.so_far_kw), "peak", index, "a number")?;
        }
        for (index, step) in self.steps.iter().enumerate() {
            field((5.0..=60.0).contains(&step.minutes), "step", index, "minutes")?;
            field(money(step.price_per_kwh), "step", index, "price_per_kwh")?;
        }
        for (index, circuit) in self.circuits.iter().enumerate() {
            field(circuit.above.is_none_or(|above| above < index), "circuit", index, "above")?;
            let limits = &circuit.limits_kw;
            let fine = limits.len() == 1 || limits.len() == self.steps.len();
            field(fine && limits.iter().all(|limit| optional(*limit)), "circuit", index, "limits_kw")?;
        }
        for (index, class) in self.classes.iter().enumerate() {
            let field = |fine, name| field(fine, "class", index, name);
            field(class.circuit < self.circuits.len(), "circuit")?;
            field(class.running <= class.machines, "running")?;
            field(amount(class.asleep_kw), "asleep_kw")?;
            field(amount(class.start_cost), "start_cost")?;
            field(amount(class.run_min_minutes) && amount(class.rest_min_minutes), "a shortest time")?;
            let powers = class.modes.iter().map(|mode| mode.power_kw);
            let rising = powers.is_sorted_by(|a, b| a < b);
            let fine = |mode: &Mode| {
                amount(mode.power_kw) && mode.power_kw >= class.asleep_kw && money(mode.earns_per_h)
            };
            let count = (1..=MODES_MAX).contains(&class.modes.len());
            field(count && rising && class.modes.iter().all(fine), "modes")?;
        }
        Ok(())
    }

    /// By step and circuit: the limit, but never below what everything asleep draws, for that cannot be shed.
    #[must_use]
    pub fn limits(&self) -> Vec<Vec<f64>> {
        let floors = self.floors();
        let limit = |step: usize, circuit: usize| {
            let limits = &self.circuits[circuit].limits_kw;
            let limit = if limits.len() == 1 { limits[0] } else { limits[step] };
            limit.map_or(f64::INFINITY, |limit| limit.max(floors[circuit]))
        };
        (0..self.steps.len())
            .map(|step| (0..self.circuits.len()).map(|at| limit(step, at)).collect())
            .collect()
    }

    /// Whether some limit is lower in this step than in the one before.
    #[must_use]
    pub fn falls(&self, step: usize) -> bool {
        let fell = |limits: &Vec<Option<f64>>| {
            let at = |step: usize| limits[step].unwrap_or(f64::INFINITY);
            limits.len() > 1 && step > 0 && at(step) < at(step - 1)
        };
        self.circuits.iter().any(|circuit| fell(&circuit.limits_kw))
    }

    /// By circuit: what everything asleep below it draws.
    #[must_use]
    pub(super) fn floors(&self) -> Vec<f64> {
        let asleep = |class: &Class| class.asleep_kw * f64::from(class.machines);
        self.gathered(self.classes.iter().map(asleep))
    }

    /// How long a stretch of steps lasts.
    pub(super) fn hours(&self, from: usize, until: usize) -> f64 {
        self.steps[from..until].iter().map(|step| step.minutes / 60.0).sum()
    }

    /// The most energy of each budget, but never below what everything asleep draws, for that cannot be shed.
    #[must_use]
    pub fn budgets_kwh(&self) -> Vec<f64> {
        let floors = self.floors();
        let most = |budget: &Budget| {
            let asleep = floors[budget.circuit] * self.hours(budget.from, budget.until);
            budget.energy_max_kwh.max(asleep)
        };
        self.budgets.iter().map(most).collect()
    }

    /// By circuit: the sums of what its classes and the circuits below it have.
    pub(super) fn gathered(&self, of_classes: impl Iterator<Item = f64>) -> Vec<f64> {
        let mut sums = vec![0.0; self.circuits.len()];
        for (class, amount) in self.classes.iter().zip(of_classes) {
            sums[class.circuit] += amount;
        }
        for circuit in (0..sums.len()).rev() {
            if let Some(above) = self.circuits[circuit].above {
                sums[above] += sums[circuit];
            }
        }
        sums
    }

    /// How many steps before this one (and with it) begin within so many minutes of its end.
    #[must_use]
    pub fn window(&self, step: usize, minutes: f64) -> usize {
        let mut past = 0.0;
        let mut steps = 0;
        for earlier in self.steps[..=step].iter().rev() {
            if past >= minutes {
                break;
            }
            past += earlier.minutes;
            steps += 1;
        }
        steps
    }
}
