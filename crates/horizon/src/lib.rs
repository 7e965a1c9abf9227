//! The hours ahead: a linear programme over classes of machines, solved by HiGHS and compared with acting hour by
//! hour; and HiGHS as the reference that `dispatch`'s solver is measured against. `docs/dispatch.md` tells more.
//!
//! Not here: processes. HiGHS may hang, so whoever needs a plan asks a child of the same binary for it.

mod hourly;
pub mod instance;
mod judge;
mod programme;
mod question;
pub mod reference;
mod story;

pub use judge::{Judged, judge};
pub use question::{
    CIRCUITS_MAX, CLASSES_MAX, Circuit, Class, MODES_MAX, Mode, Origin, Peak, Plan, Question, QuestionError,
    STEPS_MAX, Schedule, Step,
};
pub use story::story;

/// Plans the hours ahead. The plan is never worse than acting hour by hour: both are judged alike, the better stands.
///
/// # Errors
/// [`QuestionError`] for numbers that make no sense.
pub fn plan(question: &Question) -> Result<Plan, QuestionError> {
    question.check()?;
    let habits = hourly::habits(question);
    let solved = programme::solve(question);
    let margin_bound = solved.as_ref().map(|solved| solved.margin);
    let mut origin = if solved.is_some() { Origin::HourByHour } else { Origin::Unsolved };
    let mut schedule = habits.best;
    if let Some(solved) = solved {
        let whole = solved.whole();
        if judge(question, &whole).is_ok_and(|judged| judged.margin > habits.best_margin) {
            (schedule, origin) = (whole, Origin::Programme);
        }
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
