//! The solver of `dispatch` against HiGHS, and the plan for the hours ahead against acting hour by hour.

#![expect(clippy::unwrap_used, reason = "a test stops where its ground gives way")]

mod ahead;
mod moment;
