//! For each circuit and instant the most it may draw, which source says so, and what comes next.
//! A higher source narrows the room, a lower one can never widen it.
//!
//! A pure function of the site, the directives and the instant, so the past and the future can be
//! asked as well as the present.

use core::fmt;

use jiff::{SignedDuration, Timestamp};
use offpeak_site::{CircuitIx, LimitSpan, Site};
use offpeak_units::Power;

use crate::directive::Directives;
use crate::limits;

/// Where a limit comes from, in order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// Somebody works there.
    Lockout,
    /// What the circuit can carry.
    Rating,
    /// The operator's stop.
    Stop,
    /// An order, by its number in the book.
    Order(u64),
    /// No window is open: only the house load is allowed.
    ContractClosed,
    /// The window closes soon: the ramp down has begun.
    ContractClosing,
    /// The open window's limit.
    Contract,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lockout => f.write_str("lockout"),
            Self::Rating => f.write_str("rating"),
            Self::Stop => f.write_str("operator's stop"),
            Self::Order(id) => write!(f, "order {id}"),
            Self::ContractClosed => f.write_str("contract: outside the window"),
            Self::ContractClosing => f.write_str("contract: window closing"),
            Self::Contract => f.write_str("contract"),
        }
    }
}

/// One limit on a circuit, measured over its instant power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The most.
    pub power: Power,
    /// Who says so.
    pub source: Source,
    /// When this source's word changes; `None` if it holds for good or until it is lifted.
    pub until: Option<Timestamp>,
}

/// Why machines may not hash, or not be started, below a circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Who says so.
    pub source: Source,
    /// Whether what hashes must stop as well; otherwise only starts are blocked.
    pub stops: bool,
}

/// A circuit's limits at one instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CircuitLimit {
    /// The tightest; `None` where only the circuits above limit it.
    pub binding: Option<Limit>,
    /// The one that would bind if that went away.
    pub next: Option<Limit>,
    /// The highest source that keeps machines from hashing or starting here.
    pub block: Option<Block>,
}

impl CircuitLimit {
    fn add(&mut self, limit: Limit) {
        let key = |limit: &Limit| (limit.power, limit.source);
        match self.binding {
            Some(binding) if key(&binding) <= key(&limit) => {
                if self.next.is_none_or(|next| key(&limit) < key(&next)) {
                    self.next = Some(limit);
                }
            }
            displaced => {
                self.next = displaced;
                self.binding = Some(limit);
            }
        }
    }
    fn block(&mut self, block: Block) {
        let key = |block: &Block| (!block.stops, block.source);
        if self.block.is_none_or(|held| key(&block) < key(&held)) {
            self.block = Some(block);
        }
    }
}

/// The limits of every circuit at one instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The instant.
    pub at: Timestamp,
    /// One element a circuit.
    pub circuits: Vec<CircuitLimit>,
    /// The contract's word at the connection.
    pub contract: LimitSpan,
    /// The contract's word after that.
    pub contract_next: LimitSpan,
    /// When anything here changes next; while a ramp down is under way, at once.
    pub changes_at: Timestamp,
}

impl Envelope {
    /// One circuit's limits.
    #[must_use]
    pub fn circuit(&self, circuit: CircuitIx) -> &CircuitLimit {
        &self.circuits[circuit.ix()]
    }
}

/// The envelope at an instant.
///
/// Asking the time-zone rules is the dearest part; a caller with the contract's spans at hand gives
/// them to [`Envelope::with_spans`] instead.
#[must_use]
pub fn envelope(site: &Site, directives: &Directives, at: Timestamp) -> Envelope {
    let contract = site.contract.limit_at(&site.time_zone, at);
    let next = site.contract.limit_at(&site.time_zone, contract.until);
    Envelope::with_spans(site, directives, at, contract, next)
}

impl Envelope {
    /// The envelope at an instant, given the contract's present and next span.
    #[must_use]
    pub fn with_spans(
        site: &Site,
        directives: &Directives,
        at: Timestamp,
        contract: LimitSpan,
        contract_next: LimitSpan,
    ) -> Self {
        let mut circuits: Vec<CircuitLimit> = site
            .circuits
            .iter()
            .map(|(_, circuit)| {
                let mut limits = CircuitLimit::default();
                if let Some(power) = circuit.rating {
                    limits.add(Limit { power, source: Source::Rating, until: None });
                }
                limits
            })
            .collect();
        let mut changes_at = contract.until;
        add_contract(site, &mut circuits[CircuitIx::ROOT.ix()], at, contract, contract_next, &mut changes_at);
        add_directives(directives, &mut circuits, at, &mut changes_at);
        Self { at, circuits, contract, contract_next, changes_at }
    }
}

/// The contract at the connection, with the ramp down that must end before a window closes.
fn add_contract(
    site: &Site,
    root: &mut CircuitLimit,
    at: Timestamp,
    span: LimitSpan,
    next: LimitSpan,
    changes_at: &mut Timestamp,
) {
    if !span.open {
        root.add(Limit { power: span.limit, source: Source::ContractClosed, until: Some(span.until) });
        root.block(Block { source: Source::ContractClosed, stops: true });
        return;
    }
    root.add(Limit { power: span.limit, source: Source::Contract, until: Some(span.until) });
    if next.limit >= span.limit {
        return;
    }
    let glide = Glide::new(site, span, next);
    let last_start = glide.begins - limits::RUN_MIN;
    if at >= last_start {
        root.block(Block { source: Source::ContractClosing, stops: !next.open && at >= glide.ends });
    }
    if at < last_start {
        *changes_at = (*changes_at).min(last_start);
    } else if at < glide.begins {
        *changes_at = (*changes_at).min(glide.begins);
    } else {
        let power = glide.limit_at(at);
        root.add(Limit { power, source: Source::ContractClosing, until: Some(span.until) });
        *changes_at = at;
    }
}

/// The planned way down before a lower limit: a straight line that ends early enough for
/// stragglers to be asked again and cut.
struct Glide {
    begins: Timestamp,
    ends: Timestamp,
    floor: Power,
    milliwatts_per_second: Option<i64>,
}

impl Glide {
    fn new(site: &Site, span: LimitSpan, next: LimitSpan) -> Self {
        let rate = site.circuits.get(CircuitIx::ROOT).ramp.and_then(|ramp| ramp.down_per_minute);
        let ends = span.until - limits::CLOSING_TAIL;
        let fall = span.limit.saturating_sub(next.limit);
        let rate = rate.map(|per_minute| (per_minute.to_milliwatts() / 60).max(1));
        let lasts = rate.map_or(0, |rate| fall.to_milliwatts() / rate + 1);
        Self {
            begins: ends - SignedDuration::from_secs(lasts),
            ends,
            floor: next.limit,
            milliwatts_per_second: rate,
        }
    }
    fn limit_at(&self, at: Timestamp) -> Power {
        let left = at.duration_until(self.ends).as_secs().max(0);
        self.floor + Power::from_milliwatts(self.milliwatts_per_second.unwrap_or(0) * left)
    }
}

/// Lockouts, stops and orders.
fn add_directives(
    directives: &Directives,
    circuits: &mut [CircuitLimit],
    at: Timestamp,
    changes_at: &mut Timestamp,
) {
    let mut halt = |circuit: CircuitIx, source| {
        let limits = &mut circuits[circuit.ix()];
        limits.add(Limit { power: Power::ZERO, source, until: None });
        limits.block(Block { source, stops: true });
    };
    for lockout in &directives.lockouts {
        halt(lockout.circuit, Source::Lockout);
    }
    for stop in &directives.stops {
        halt(stop.circuit, Source::Stop);
    }
    for order in &directives.orders {
        if at < order.from {
            *changes_at = (*changes_at).min(order.from);
        } else if order.until.is_none_or(|until| at < until) {
            circuits[order.circuit.ix()].add(Limit {
                power: order.limit,
                source: Source::Order(order.id),
                until: order.until,
            });
            if order.limit.is_zero() {
                circuits[order.circuit.ix()].block(Block { source: Source::Order(order.id), stops: true });
            }
            if let Some(until) = order.until {
                *changes_at = (*changes_at).min(until);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directive::{Lockout, Order, Stop};
    use crate::testing::{monday, site};

    fn root_at(seconds: i64) -> CircuitLimit {
        *envelope(&site(), &Directives::default(), monday(seconds)).circuit(CircuitIx::ROOT)
    }

    #[test]
    fn the_contract_binds_under_the_rating() {
        let root = root_at(3_600);
        assert_eq!(root.binding.unwrap().source, Source::Contract);
        assert_eq!(root.next.unwrap().source, Source::Rating);
        assert_eq!(root.block, None);
    }

    #[test]
    fn the_way_down_ends_before_the_closing() {
        let closes = 8 * 3_600;
        let tail = limits::CLOSING_TAIL.as_secs();
        let at_end = root_at(closes - tail);
        assert_eq!(at_end.binding.unwrap().power, Power::from_watts(2_000));
        assert!(at_end.block.unwrap().stops);
        let before = root_at(closes - tail - 10).binding.unwrap();
        assert_eq!(before.source, Source::ContractClosing);
        assert_eq!(before.power, Power::from_watts(22_000), "ten seconds at 2 kW/s above the house load");
        assert_eq!(root_at(closes).binding.unwrap().source, Source::ContractClosed);
    }

    #[test]
    fn every_change_is_announced() {
        let (site, none) = (site(), Directives::default());
        let mut at = monday(0);
        while at < monday(9 * 3_600) {
            let here = envelope(&site, &none, at);
            let second = jiff::SignedDuration::from_secs(1);
            let mut probe = at + second;
            while probe < here.changes_at {
                let there = envelope(&site, &none, probe);
                assert_eq!(
                    here.circuits, there.circuits,
                    "{at} said nothing changes before {}",
                    here.changes_at
                );
                probe += second * 97;
            }
            at = here.changes_at.max(at + second);
        }
    }

    #[test]
    fn precedence_names_the_highest_of_equal_limits() {
        let directives = Directives {
            stops: vec![Stop { circuit: CircuitIx(1), at: monday(0), reason: String::new() }],
            lockouts: vec![Lockout { circuit: CircuitIx(1), at: monday(0), by: String::new() }],
            orders: vec![Order {
                id: 3,
                circuit: CircuitIx(1),
                limit: Power::ZERO,
                from: monday(0),
                until: Some(monday(60)),
            }],
        };
        let hall = *envelope(&site(), &directives, monday(1)).circuit(CircuitIx(1));
        assert_eq!(hall.binding.unwrap().source, Source::Lockout);
        assert_eq!(hall.next.unwrap().source, Source::Stop);
        assert_eq!(hall.block.unwrap().source, Source::Lockout);
    }
}
