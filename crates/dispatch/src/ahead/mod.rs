//! The hours ahead: how many machines of each class run in which mode in each step of the next two days, the question
//! and the answer in plain numbers. The linear programme itself is solved by a program of its own (`horizon/`), since
//! it may hang; here is all that needs no solver: what is asked, how a plan is judged, and what acting hour by hour
//! would make, which stands in where there is no better. `docs/dispatch.md` tells more.
//!
//! Not here: processes, and what the plan is used for (`plan`).

mod hourly;
mod judge;
mod outlook;
mod question;
mod story;
mod sums;

pub use judge::{Judged, judge, whole_now};
pub use outlook::{Asked, Outlook, ask};
pub use question::{
    Budget, CIRCUITS_MAX, CLASSES_MAX, Circuit, Class, MODES_MAX, Mode, Origin, Peak, Plan, Question,
    QuestionError, STEPS_MAX, SUMS_MAX, Schedule, Step,
};
pub use story::story;
pub use sums::ChosenPeak;

/// What a solver came to: whole machines, and what no schedule can exceed.
#[derive(Clone, Debug, PartialEq)]
pub struct Solved {
    /// By step, by class, by mode.
    pub schedule: Schedule,
    /// The worth of the best fractions of machines.
    pub margin_bound: f64,
}

/// The better one of a solver's schedule and of acting hour by hour: both are judged alike. `None`: the solver ended
/// without one.
///
/// # Errors
/// [`QuestionError`] for numbers that make no sense.
pub fn better(question: &Question, solved: Option<Solved>) -> Result<Plan, QuestionError> {
    question.check()?;
    let habits = hourly::habits(question);
    let margin_bound = solved.as_ref().map(|solved| solved.margin_bound);
    let mut origin = if solved.is_some() { Origin::HourByHour } else { Origin::Unsolved };
    let mut schedule = habits.best;
    if let Some(solved) = solved
        && judge(question, &solved.schedule).is_ok_and(|judged| judged.margin > habits.best_margin)
    {
        (schedule, origin) = (solved.schedule, Origin::Programme);
    }
    // Everything asleep breaks nothing, so there is always one that can be judged.
    let judged =
        judge(question, &schedule).map_err(|_| QuestionError::Whole("the energy and the limits together"))?;
    Ok(Plan {
        origin,
        margin: judged.margin,
        margin_hour_by_hour: habits.margin,
        margin_habit: habits.best_margin,
        margin_bound,
        power_kw: judged.power_kw,
        schedule,
    })
}
