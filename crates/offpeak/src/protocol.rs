//! What is said over a running site's local socket: one line of JSON there, one back.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::handle::MachineFilter;
use crate::view::{CalendarView, Explanation, MachineView, OrderView, PreviewView, SiteView, WhyView};

/// The version of what is said; a client of another one is told so.
pub(crate) const VERSION: u32 = 1;
/// A request's longest line.
pub(crate) const REQUEST_MAX: u64 = 64 * 1024;

/// A request with its version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Envelope {
    pub(crate) version: u32,
    pub(crate) request: Request,
}

/// What can be asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Request {
    Status,
    Machines(MachineFilter),
    Machine(String),
    Explain { circuit: String, at: Option<Timestamp> },
    Stop { circuit: Option<String>, reason: String },
    Resume { circuit: Option<String> },
    Lockout { circuit: String, by: String },
    LiftLockout { circuit: String, by: String, manager: bool },
    Authority { hall: String, control: bool },
    Order { words: String, kind: String },
    LiftOrder(u64),
    Orders,
    Plan { words: String, kind: String },
    Why(String),
    Calendar { circuit: Option<String>, days: u16 },
}

/// What comes back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Response {
    Status(Box<SiteView>),
    Machines(Vec<MachineView>),
    Machine(Option<Box<MachineView>>),
    Explain(Box<Explanation>),
    Orders(Vec<OrderView>),
    Calendar(Vec<CalendarView>),
    Plan(Box<PreviewView>),
    Why(Option<Box<WhyView>>),
    /// Done, in words.
    Done(String),
    /// Not done, and why.
    Refused(String),
}
