//! What needs attention at a site, and who is told of it when: pure rules over what is known, alerts grouped by cause,
//! and when each is sent.
//!
//! A cycle of it: [`Facts`] are judged by [`Rules`] into conditions, the [`Board`] makes alerts of conditions that hold
//! for long enough, and holds what is to be sent until it went out. Not here: any message's way to anybody, and any decision about
//! machines: an alert never starts or stops anything.

mod board;
mod facts;
mod judge;
mod outbox;
mod quiet;
mod rules;

pub use board::{Alert, Board, Event, Message, NoAlert, State};
pub use facts::{CircuitFact, Facts, MachineFact, MachineState, PoolFact};
pub use judge::Condition;
pub use quiet::QuietHours;
pub use rules::{Channel, Clock, Expected, Heartbeat, Rule, RuleKind, Rules, RulesError, Severity};
