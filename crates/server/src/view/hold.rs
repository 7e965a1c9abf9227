//! Machines that somebody holds off.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A machine that somebody holds off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HoldView {
    /// Which.
    pub machine: String,
    /// Since when.
    pub at: Timestamp,
    /// Until when; `null` until it is released.
    pub until: Option<Timestamp>,
    /// Who holds it; `null` for who sees one owner's machines only.
    pub by: Option<String>,
    /// Why; `null` as above.
    pub reason: Option<String>,
}

/// What holding machines off would do, before it is done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HoldPreviewView {
    /// How many machines are meant.
    pub machines: usize,
    /// What the site draws now.
    pub before_kw: f64,
    /// What it would come down to, as long as nobody takes their place.
    pub after_kw: f64,
    /// Machines that would be stopped, each with what would be sent.
    pub stops: Vec<(String, String)>,
    /// Of those meant, machines that are to be off as it is.
    pub off_already: Vec<String>,
    /// Of those meant, machines that nothing would be sent to, each with the reason.
    pub left: Vec<(String, String)>,
    /// Machines elsewhere that wait for room and may take some of it.
    pub waiting: usize,
    /// Until nineteen in twenty of the slowest kind have followed.
    pub takes_s: f64,
    /// Lost margin an hour; `null`: a price is not known, or for who may not see money.
    pub cost_per_h: Option<f64>,
    /// Lost margin over the whole time; `null` as above, or where its end is not known.
    pub cost: Option<f64>,
    /// The site's currency.
    pub currency: String,
}
