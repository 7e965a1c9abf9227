//! Machines as they are shown.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::HoldView;

/// One machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MachineView {
    /// Its position path, unless an inventory names it.
    pub id: String,
    /// By the catalogue.
    pub model: String,
    /// Its owner's id.
    pub owner: String,
    /// Where it stands.
    pub hall: String,
    /// The circuit that feeds it.
    pub circuit: String,
    /// Its IP address, with the API's port unless that is 4028.
    pub address: Option<String>,
    /// What commands are bound to.
    pub mac: Option<String>,
    /// From the inventory, or by its own word.
    pub serial: Option<String>,
    /// What it last said of its firmware when it was asked who it is.
    pub firmware: Option<String>,
    /// `running`, `rising`, `falling`, `asleep`, `cut`, `failed` or `unknown`.
    pub state: String,
    /// What is asked of it: `run`, `off` or `leave`.
    pub target: String,
    /// Why.
    pub reason: String,
    /// What would be asked of it and why, if offpeak did more than watch its hall.
    pub advice: Option<String>,
    /// What is wrong between us and it.
    pub trouble: Option<String>,
    /// Age of its last word.
    pub age_s: Option<f64>,
    /// By its own word.
    pub power_w: Option<f64>,
    /// By its own word.
    pub hash_rate_ths: Option<f64>,
    /// The hottest it tells of.
    pub temperature_c: Option<f64>,
    /// The command in flight or, failing that, the machine's last refusal.
    pub command: Option<String>,
    /// Whether an outlet can cut it.
    pub has_outlet: bool,
    /// The fans it needs, in words.
    pub fans: Vec<String>,
    /// Who holds it off, if somebody does.
    #[serde(default)]
    pub held: Option<HoldView>,
}

impl MachineView {
    /// As its owner sees it, who is no part of the site: that it is held, not by whom nor in which words.
    #[must_use]
    pub fn for_owner(mut self) -> Self {
        if let Some(held) = &mut self.held {
            if self.reason.starts_with(HELD) {
                self.reason = format!("{HELD} the site");
            }
            (held.by, held.reason) = (None, None);
        }
        self
    }
}

/// What the reason of a machine begins with that somebody holds off.
const HELD: &str = "off: held by";

/// A page of machines.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MachinePage {
    /// Plant time.
    pub at: Timestamp,
    /// How many machines are like that, on all pages.
    pub total: u64,
    /// What names the next page; `null` on the last.
    pub next: Option<String>,
    /// These.
    pub machines: Vec<MachineView>,
}

/// One change of state of a command, as the book has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CommandRecord {
    /// The command's number, which is never used twice.
    pub generation: u64,
    /// What was asked.
    pub action: String,
    /// When the state changed.
    pub at: Timestamp,
    /// `issued`, `accepted`, `confirmed`, `refused`, `unanswered`, `timed out` or `superseded`.
    pub state: String,
    /// The machine's words, where there are any.
    pub detail: Option<String>,
}
