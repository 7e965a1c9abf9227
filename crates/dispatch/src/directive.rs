//! What people and the grid have ordered: stops, lockouts, limits and setpoints by order, kept in the book,
//! each until it is lifted or ends; and what others tell, each with its age.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use offpeak_site::{CircuitIx, MachineIx, Measure};
use offpeak_units::{HashPrice, Power, Temperature};

use crate::ahead::Outlook;
use crate::limits;

/// An operator's stop: nothing below the circuit may hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// Where.
    pub circuit: CircuitIx,
    /// Since when.
    pub at: Timestamp,
    /// Who gave it, and why.
    pub reason: String,
}

/// Somebody works there: nothing below the circuit may start, and what runs is put to sleep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lockout {
    /// Where.
    pub circuit: CircuitIx,
    /// Since when.
    pub at: Timestamp,
    /// Who works there; only they or a manager lift it.
    pub by: String,
}

/// Somebody holds one machine off: it goes to sleep, and does not start before it is released.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Since when.
    pub at: Timestamp,
    /// Until this instant; `None`: until it is released.
    pub until: Option<Timestamp>,
    /// Who holds it.
    pub by: String,
    /// Why, in their words.
    pub why: String,
}

impl Hold {
    /// Whether it still holds.
    #[must_use]
    pub fn holds_at(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
    /// As a machine's reason.
    #[must_use]
    pub fn describe(&self) -> String {
        format!("off: held by {}: {}", self.by, self.why)
    }
}

/// What kind of order it is: its place in the precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OrderKind {
    /// An emergency of the grid.
    Emergency,
    /// The grid's dispatch: a capacity limit or a setpoint.
    Dispatch,
    /// The operator's wish.
    Wish,
    /// Maintenance: nothing hashes there for so long.
    Maintenance,
}

impl OrderKind {
    /// All of them, highest first.
    pub const ALL: [Self; 4] = [Self::Emergency, Self::Dispatch, Self::Wish, Self::Maintenance];
    /// As in commands and in the book.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Emergency => "emergency",
            Self::Dispatch => "dispatch",
            Self::Wish => "wish",
            Self::Maintenance => "maintenance",
        }
    }
    /// The kind of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A limit or a setpoint by order, for some time.
///
/// ```
/// use offpeak_dispatch::{Order, OrderKind};
/// use offpeak_site::{CircuitIx, Measure};
/// use offpeak_units::Power;
/// let order = Order::at_most(7, CircuitIx::ROOT, Power::ZERO, jiff::Timestamp::UNIX_EPOCH, None);
/// assert_eq!((order.kind, order.measure, order.holds), (OrderKind::Emergency, Measure::Instant, false));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its number in the book.
    pub id: u64,
    /// What kind.
    pub kind: OrderKind,
    /// Where.
    pub circuit: CircuitIx,
    /// The most the circuit may draw. Zero means zero.
    pub limit: Power,
    /// Over how long that is measured.
    pub measure: Measure,
    /// Whether it is a setpoint: also no less is to be drawn, as far as that is possible; then no machine
    /// there is stopped for money.
    pub holds: bool,
    /// From this instant,
    pub from: Timestamp,
    /// until this one; `None` until it is lifted.
    pub until: Option<Timestamp>,
}

impl Order {
    /// An emergency limit on every instant.
    #[must_use]
    pub const fn at_most(
        id: u64,
        circuit: CircuitIx,
        limit: Power,
        from: Timestamp,
        until: Option<Timestamp>,
    ) -> Self {
        let (kind, measure) = (OrderKind::Emergency, Measure::Instant);
        Self { id, kind, circuit, limit, measure, holds: false, from, until }
    }
}

/// The last word on one of the site's signals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignalWord {
    /// When it was said.
    pub at: Timestamp,
    /// The most that may be drawn; `None`: no limit for now.
    pub limit: Option<Power>,
    /// Whether it is a setpoint.
    pub holds: bool,
}

/// What others know and tell, each with its time. What is not here is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Feeds {
    /// The outdoor temperature.
    pub outdoor: Option<(Temperature, Timestamp)>,
    /// What hashes earn.
    pub hash_price: Option<(HashPrice, Timestamp)>,
    /// The grid's signals, by their place in the site's rules.
    pub signals: BTreeMap<usize, SignalWord>,
}

impl Feeds {
    /// The outdoor temperature, while what was told of it is fresh.
    #[must_use]
    pub fn outdoor_at(&self, now: Timestamp) -> Option<Temperature> {
        let (outdoor, _) = self.outdoor.filter(|(_, at)| *at <= now && now < *at + limits::OUTDOOR_HOLD)?;
        Some(outdoor)
    }
}

/// Everything in force or announced.
///
/// ```
/// use offpeak_dispatch::Directives;
/// assert!(Directives::default().stops.is_empty());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directives {
    /// Operator's stops.
    pub stops: Vec<Stop>,
    /// Lockouts.
    pub lockouts: Vec<Lockout>,
    /// Orders.
    pub orders: Vec<Order>,
    /// Machines that somebody holds off, each by the one that holds longest.
    pub holds: Arc<BTreeMap<MachineIx, Hold>>,
    /// What others tell.
    pub feeds: Feeds,
    /// The last good plan of the hours ahead, which ages.
    pub ahead: Option<Arc<Outlook>>,
}

impl Directives {
    /// What holds a machine off now.
    #[must_use]
    pub fn hold_of(&self, machine: MachineIx, now: Timestamp) -> Option<&Hold> {
        self.holds.get(&machine).filter(|hold| hold.holds_at(now))
    }
    /// When the next machine is let go by itself.
    #[must_use]
    pub fn next_release(&self, now: Timestamp) -> Option<Timestamp> {
        self.holds.values().filter_map(|hold| hold.until).filter(|until| *until > now).min()
    }
}
