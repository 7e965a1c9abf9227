//! The plan for the hours ahead as it is shown.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How it stands with the plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AheadState {
    /// It decides which models are worth running.
    InForce,
    /// There is one, and it says nothing any more: each hour is decided by its own prices.
    TooOld,
    /// There is none: each hour is decided by its own prices.
    #[default]
    None,
}

/// The plan for the hours ahead, or why there is none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AheadView {
    /// How it stands.
    pub state: AheadState,
    /// Why there is none, or no newer one; `null` while the last was made without trouble.
    pub why: Option<String>,
    /// When the plan's question was put.
    pub made_at: Option<Timestamp>,
    /// How long ago that was.
    pub age_s: Option<f64>,
    /// The end of its last step.
    pub reaches: Option<Timestamp>,
    /// When it is too old, unless a newer one comes.
    pub holds_until: Option<Timestamp>,
    /// What it makes more than acting hour by hour, over all its steps, in the site's currency; `null` also for who
    /// may not see money.
    pub more: Option<f64>,
    /// The same in percent of what acting hour by hour makes.
    pub more_percent: Option<f64>,
    /// Models that it finds not worth running now.
    pub keeps_out: Vec<KeptOutView>,
}

/// A model that the plan keeps out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeptOutView {
    /// By its name in the site file.
    pub model: String,
    /// From when on it does so no more; `null`: all the hours that are planned.
    pub until: Option<Timestamp>,
}
