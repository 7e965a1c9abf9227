//! Linear programmes with HiGHS: the plan for the hours ahead, and HiGHS as the reference that `dispatch`'s solver of
//! one moment is measured against. `docs/dispatch.md` tells more.
//!
//! Not here: what is asked and how a plan is judged (`offpeak_dispatch::ahead`); who asks, and what becomes of a
//! solver that hangs (`offpeak`).

mod programme;
pub mod reference;

use offpeak_dispatch::ahead::{Plan, Question, QuestionError, better};

/// Plans the hours ahead. The plan is never worse than acting hour by hour.
///
/// # Errors
/// [`QuestionError`] for numbers that make no sense.
pub fn plan(question: &Question) -> Result<Plan, QuestionError> {
    question.check()?;
    better(question, programme::solve(question))
}
