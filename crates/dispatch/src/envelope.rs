//! For each circuit and instant the most it may draw, which source says so, and what comes next.
//! A higher source narrows the room, a lower one can never widen it.
//!
//! A pure function of the site, the directives and the instant, so the past and the future can be
//! asked as well as the present.

use core::fmt;

use jiff::Timestamp;
use offpeak_site::{CircuitIx, LimitSpan, Measure, MeterIx, Site};
use offpeak_units::Power;

use crate::counts::Counts;
use crate::directive::Directives;
use crate::limits;
use crate::mean::Means;
use crate::rank;
use crate::sources::Sources;

/// Where a limit comes from, in order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// Somebody works there.
    Lockout,
    /// What the circuit can carry.
    Rating,
    /// What it can carry at the outdoor temperature.
    Derating,
    /// The operator's stop.
    Stop,
    /// An emergency order, by its number in the book.
    Emergency(u64),
    /// The grid's dispatch by order.
    Dispatch(u64),
    /// The grid's word on a signal, by its place in the site's rules.
    Signal(usize),
    /// A signal is silent: its stated fall-back.
    SignalSilent(usize),
    /// A limit on the mean of a stretch.
    Demand,
    /// No window is open: only the house load is allowed.
    ContractClosed,
    /// The window closes soon: the ramp down has begun.
    ContractClosing,
    /// The open window's limit.
    Contract,
    /// The nominated hour.
    Nomination,
    /// Window or nomination with what is imported on top.
    Import,
    /// An energy budget is used up, by its place in the site's rules.
    BudgetSpent(usize),
    /// An energy budget is nearly used up: the way down has begun, or no start is worth it any more.
    BudgetEnding(usize),
    /// More would have to be imported at a price that no machine left earns.
    ImportPrice,
    /// The billing month's peak that the plan of the hours ahead has chosen.
    BillingPeak,
    /// The operator's wish, by its number in the book.
    Wish(u64),
    /// Maintenance.
    Maintenance(u64),
    /// An announced order: the ramp down to it has begun.
    Coming(u64),
}

impl Source {
    /// Whether this is a line on the way down, which the load follows within seconds.
    #[must_use]
    pub const fn is_glide(self) -> bool {
        matches!(self, Self::ContractClosing | Self::BudgetEnding(_) | Self::Coming(_))
    }
    /// In words, with the signal's or the budget's name.
    #[must_use]
    pub fn describe(&self, site: &Site) -> String {
        let name = |place: &usize| site.rules.signals.get(*place).map_or("?", |signal| signal.id.as_str());
        let budget = |place: &usize| site.rules.budgets.get(*place).map_or("?", |budget| budget.id.as_str());
        match self {
            Self::Signal(place) => format!("grid signal {}", name(place)),
            Self::SignalSilent(place) => format!("grid signal {} is silent: its fall-back", name(place)),
            Self::BudgetSpent(place) => format!("energy budget {} is used up", budget(place)),
            Self::BudgetEnding(place) => format!("energy budget {} is nearly used up", budget(place)),
            other => other.to_string(),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lockout => f.write_str("lockout"),
            Self::Rating => f.write_str("rating"),
            Self::Derating => f.write_str("rating at the outdoor temperature"),
            Self::Stop => f.write_str("operator's stop"),
            // An order that is only looked at has no number yet.
            Self::Emergency(0) => f.write_str("this emergency order"),
            Self::Dispatch(0) | Self::Wish(0) | Self::Maintenance(0) => f.write_str("this order"),
            Self::Emergency(id) => write!(f, "emergency order {id}"),
            Self::Dispatch(id) => write!(f, "grid dispatch, order {id}"),
            Self::Signal(_) => f.write_str("grid signal"),
            Self::SignalSilent(_) => f.write_str("grid signal is silent: its fall-back"),
            Self::Demand => f.write_str("demand limit"),
            Self::ContractClosed => f.write_str("contract: outside the window"),
            Self::ContractClosing => f.write_str("contract: window closing"),
            Self::Contract => f.write_str("contract"),
            Self::Nomination => f.write_str("contract: nominated hour"),
            Self::Import => f.write_str("contract with imports"),
            Self::BudgetSpent(_) => f.write_str("energy budget is used up"),
            Self::BudgetEnding(_) => f.write_str("energy budget is nearly used up"),
            Self::BillingPeak => f.write_str("economics: the billing peak that the plan has chosen"),
            Self::ImportPrice => f.write_str("economics: imports cost more than they earn"),
            Self::Wish(id) => write!(f, "operator's wish, order {id}"),
            Self::Maintenance(id) => write!(f, "maintenance, order {id}"),
            Self::Coming(id) => write!(f, "order {id} coming"),
        }
    }
}

/// One limit on a circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The most at this instant; of a limit on a mean, what is left of it.
    pub power: Power,
    /// Who says so.
    pub source: Source,
    /// When this source's word changes; `None` if it holds for good or until it is lifted.
    pub until: Option<Timestamp>,
    /// Over how long it is measured.
    pub measure: Measure,
    /// The limit itself, where `power` is what is left of it.
    pub nominal: Power,
    /// Whether no less is to be drawn either.
    pub holds: bool,
}

impl Limit {
    pub(crate) const fn new(power: Power, source: Source, until: Option<Timestamp>) -> Self {
        Self { power, source, until, measure: Measure::Instant, nominal: power, holds: false }
    }
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
    /// Whether a setpoint of the grid binds here: then nobody below is stopped for money.
    pub obliged: bool,
}

impl CircuitLimit {
    pub(crate) fn add(&mut self, limit: Limit) {
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
                self.obliged = limit.holds;
            }
        }
    }
    pub(crate) fn block(&mut self, block: Block) {
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
    /// The limits on means that may come to bind, with their circuit's meter.
    pub(crate) fn on_means(&self, site: &Site) -> Vec<(MeterIx, Measure, Power)> {
        let of = |(ix, circuit): (CircuitIx, &offpeak_site::Circuit)| {
            let meter = circuit.meter?;
            let limits = self.circuit(ix);
            Some([limits.binding, limits.next].into_iter().flatten().filter_map(move |limit| {
                (limit.measure != Measure::Instant).then_some((meter, limit.measure, limit.nominal))
            }))
        };
        site.circuits.iter().filter_map(of).flatten().collect()
    }
}

/// What the envelope goes by beside the site and the orders.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    /// What each meter has drawn in the present stretches; empty for another time than now.
    pub means: &'a [Means],
    /// The most that is worth drawing at the connection, where imports are open.
    pub worth: Option<Power>,
    /// What was used of budgets, as last judged.
    pub counts: Option<&'a Counts>,
}

/// The envelope at an instant, for any time.
///
/// Asking the time-zone rules is the dearest part; a caller with the contract's spans at hand gives
/// them to [`Envelope::with_spans`] instead.
#[must_use]
pub fn envelope(site: &Site, directives: &Directives, at: Timestamp) -> Envelope {
    envelope_with(site, directives, None, at)
}

/// The same with what was counted of budgets: one that is used up stays so until its period ends.
#[must_use]
pub fn envelope_with(
    site: &Site,
    directives: &Directives,
    counts: Option<&Counts>,
    at: Timestamp,
) -> Envelope {
    let Spans { now: contract, next, .. } = Spans::at(site, at);
    let known = Known { counts, ..known_of(site, directives, &contract, at) };
    Envelope::with_spans(site, directives, at, contract, next, known)
}

/// The contract's word at an instant and its word after that, for those who ask about one instant after another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spans {
    asked: Timestamp,
    /// The word at the instant asked about.
    pub(crate) now: LimitSpan,
    /// The word after that.
    pub(crate) next: LimitSpan,
}

impl Spans {
    pub(crate) fn at(site: &Site, at: Timestamp) -> Self {
        let now = site.contract.limit_at(&site.time_zone, at);
        Self { asked: at, now, next: site.contract.limit_at(&site.time_zone, now.until) }
    }

    /// Whether they hold at another instant too. For a day at most: where no change was seen as far as was looked, one
    /// may have come near since.
    pub(crate) fn hold_at(&self, at: Timestamp) -> bool {
        let fresh = (self.asked..self.asked + limits::SPANS_HOLD).contains(&at);
        fresh && (self.now.from..self.now.until).contains(&at)
    }
}

/// The limits on a path of the tree alone, at an instant: for whoever asks about many instants.
#[derive(Clone, Debug)]
pub(crate) struct Along {
    /// The circuits asked about, with their limits.
    pub(crate) circuits: Vec<(CircuitIx, CircuitLimit)>,
    /// When anything here changes next; while a ramp down is under way, at once.
    pub(crate) changes_at: Timestamp,
}

/// What [`envelope_with`] says of a circuit and those above it, given the contract's present and next span.
#[must_use]
pub(crate) fn along(
    site: &Site,
    directives: &Directives,
    counts: Option<&Counts>,
    circuit: CircuitIx,
    at: Timestamp,
    contract: &Spans,
) -> Along {
    let Spans { now: contract, next, .. } = *contract;
    let known = Known { counts, ..known_of(site, directives, &contract, at) };
    let path = site.circuits.path(circuit).collect();
    let mut sources = Sources::new(site, directives, at, contract, next, known, Some(path));
    sources.collect();
    let Sources { circuits, changes_at, path, .. } = sources;
    Along { circuits: path.into_iter().flatten().zip(circuits).collect(), changes_at }
}

/// What is known of another time than now.
fn known_of(site: &Site, directives: &Directives, span: &LimitSpan, at: Timestamp) -> Known<'static> {
    let hash_price = rank::hash_price(site, &directives.feeds, at);
    Known { worth: rank::worth_of_imports(site, span, hash_price, at), ..Known::default() }
}

/// Every limit in force at an instant on every circuit, ratings included: what [`envelope`] has its bindings from.
#[must_use]
pub fn every_limit(
    site: &Site,
    directives: &Directives,
    counts: Option<&Counts>,
    at: Timestamp,
) -> Vec<(CircuitIx, Limit)> {
    let Spans { now: contract, next, .. } = Spans::at(site, at);
    let known = Known { counts, ..known_of(site, directives, &contract, at) };
    let mut sources = Sources::new(site, directives, at, contract, next, known, None);
    sources.every = Some(Vec::new());
    sources.collect();
    sources.every.unwrap_or_default()
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
        known: Known<'_>,
    ) -> Self {
        let mut sources = Sources::new(site, directives, at, contract, contract_next, known, None);
        sources.collect();
        let Sources { circuits, changes_at, .. } = sources;
        Self { at, circuits, contract, contract_next, changes_at }
    }
}

#[cfg(test)]
#[path = "envelope_tests.rs"]
mod tests;
