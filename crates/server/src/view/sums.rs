//! Energy budgets and the billing peak as they are shown.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How it stands with a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BudgetStateView {
    /// It limits nothing now.
    Enough,
    /// The way down has begun, or no start is worth it any more.
    Ending,
    /// Nothing below its circuit runs until its period ends.
    Spent,
}

/// An energy budget in its running period.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BudgetView {
    /// Its name.
    pub id: String,
    /// Whose energy.
    pub circuit: String,
    /// `day`, `week` or `month`.
    pub per: String,
    /// When the period began,
    pub from: Timestamp,
    /// and when it ends.
    pub until: Timestamp,
    /// How it stands.
    pub state: BudgetStateView,
    /// So much is allowed in the period.
    pub energy_kwh: f64,
    /// What counts as used, all told.
    pub used_kwh: f64,
    /// How much of that nobody measured: it counts at the most that the circuit may draw.
    pub assumed_kwh: f64,
    /// From when on in the period it was measured; `null`: not at all.
    pub since: Option<Timestamp>,
    /// What is left.
    pub left_kwh: f64,
    /// What of that will go even with everything asleep until the period ends.
    pub reserved_kwh: f64,
}

/// The highest mean of the billing month at the connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BillingPeakView {
    /// When the month began,
    pub from: Timestamp,
    /// and when it ends.
    pub until: Timestamp,
    /// The mean is over so many minutes.
    pub minutes: u8,
    /// The peak so far; `null`: not known.
    pub peak_kw: Option<f64>,
    /// The beginning of its stretch; `null` also where the site file tells the peak.
    pub at: Option<Timestamp>,
    /// From when on in the month it was measured; `null`: not at all.
    pub since: Option<Timestamp>,
    /// How much of the month so far nobody saw as it was; the peak may have been higher then.
    pub unseen_s: f64,
    /// What the plan for the hours ahead has chosen for the month; `null`: no plan is in force.
    pub planned_kw: Option<f64>,
    /// Whether the connection's mean is held to that.
    pub held: bool,
}
