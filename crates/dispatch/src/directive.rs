//! What people and the grid have ordered: stops, lockouts, limits by order. Kept in the book; every
//! entry holds until it is lifted or ends.

use jiff::Timestamp;
use offpeak_site::CircuitIx;
use offpeak_units::Power;

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

/// A limit by order, for some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its number in the book.
    pub id: u64,
    /// Where.
    pub circuit: CircuitIx,
    /// The most the circuit may draw. Zero means zero.
    pub limit: Power,
    /// From this instant,
    pub from: Timestamp,
    /// until this one; `None` until it is lifted.
    pub until: Option<Timestamp>,
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
}
