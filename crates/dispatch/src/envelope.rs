//! For each circuit and instant the most it may draw, which source says so, and what comes next.
//! A higher source narrows the room, a lower one can never widen it.
//!
//! A pure function of the site, the directives and the instant, so the past and the future can be
//! asked as well as the present.

use core::fmt;

use jiff::{SignedDuration, Timestamp};
use offpeak_site::{CircuitIx, LimitSpan, Measure, MeterIx, Site};
use offpeak_units::Power;

use crate::counts::Counts;
use crate::directive::{Directives, Order, OrderKind};
use crate::limits;
use crate::mean::Means;
use crate::rank;
use crate::used::Word;

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
    const fn new(power: Power, source: Source, until: Option<Timestamp>) -> Self {
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
                self.obliged = limit.holds;
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
    let contract = site.contract.limit_at(&site.time_zone, at);
    let next = site.contract.limit_at(&site.time_zone, contract.until);
    let known = Known { counts, ..known_of(site, directives, &contract, at) };
    Envelope::with_spans(site, directives, at, contract, next, known)
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
    let contract = site.contract.limit_at(&site.time_zone, at);
    let next = site.contract.limit_at(&site.time_zone, contract.until);
    let known = Known { counts, ..known_of(site, directives, &contract, at) };
    let mut sources = Sources::new(site, directives, at, contract, next, known);
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
        let mut sources = Sources::new(site, directives, at, contract, contract_next, known);
        sources.collect();
        let Sources { circuits, changes_at, .. } = sources;
        Self { at, circuits, contract, contract_next, changes_at }
    }
}

/// Goes through every source, highest first.
struct Sources<'a> {
    site: &'a Site,
    directives: &'a Directives,
    at: Timestamp,
    span: LimitSpan,
    next: LimitSpan,
    known: Known<'a>,
    circuits: Vec<CircuitLimit>,
    changes_at: Timestamp,
    /// Every limit, if somebody wants to see them all.
    every: Option<Vec<(CircuitIx, Limit)>>,
}

impl<'a> Sources<'a> {
    fn new(
        site: &'a Site,
        directives: &'a Directives,
        at: Timestamp,
        span: LimitSpan,
        next: LimitSpan,
        known: Known<'a>,
    ) -> Self {
        let circuits = vec![CircuitLimit::default(); site.circuits.len()];
        Self { site, directives, at, span, next, known, circuits, changes_at: span.until, every: None }
    }

    fn collect(&mut self) {
        for (ix, circuit) in self.site.circuits.iter() {
            if let Some(power) = circuit.rating {
                self.add(ix, Limit::new(power, Source::Rating, None));
            }
        }
        self.add_derating();
        self.add_halts();
        self.add_orders();
        self.add_signals();
        self.add_demand();
        self.add_contract();
        self.add_budgets();
        self.add_billing_peak();
        self.add_coming();
    }

    fn add(&mut self, circuit: CircuitIx, limit: Limit) {
        self.circuits[circuit.ix()].add(limit);
        if let Some(every) = &mut self.every {
            every.push((circuit, limit));
        }
    }
    fn block(&mut self, circuit: CircuitIx, source: Source, stops: bool) {
        self.circuits[circuit.ix()].block(Block { source, stops });
    }
    /// Something changes then.
    fn note(&mut self, at: Timestamp) {
        if at > self.at {
            self.changes_at = self.changes_at.min(at);
        }
    }

    /// The outdoor temperature is believed for a while; without it the hottest point's rating holds.
    fn add_derating(&mut self) {
        if self.site.rules.derating.is_empty() {
            return;
        }
        let fresh = self.directives.feeds.outdoor_at(self.at);
        if let (Some(_), Some((_, at))) = (fresh, self.directives.feeds.outdoor) {
            self.note(at + limits::OUTDOOR_HOLD);
        }
        for derating in &self.site.rules.derating {
            let power = derating.rating_at(fresh);
            self.add(derating.circuit, Limit::new(power, Source::Derating, None));
        }
    }

    /// Lockouts and stops.
    fn add_halts(&mut self) {
        let lockouts = self.directives.lockouts.iter().map(|of| (of.circuit, Source::Lockout));
        let stops = self.directives.stops.iter().map(|of| (of.circuit, Source::Stop));
        for (circuit, source) in lockouts.chain(stops) {
            self.add(circuit, Limit::new(Power::ZERO, source, None));
            self.block(circuit, source, true);
        }
    }

    fn add_orders(&mut self) {
        for order in &self.directives.orders {
            if self.at < order.from {
                self.note(order.from);
            } else if order.until.is_none_or(|until| self.at < until) {
                let (source, power) = said(order);
                let left = self.left(order.circuit, power, order.measure);
                let (measure, holds) = (order.measure, order.holds);
                let limit = Limit { power: left, source, until: order.until, measure, nominal: power, holds };
                self.add(order.circuit, limit);
                if power.is_zero() {
                    self.block(order.circuit, source, true);
                }
                if let Some(until) = order.until {
                    self.note(until);
                }
            }
        }
    }

    /// A signal's last word holds for a stated time, then its stated fall-back.
    fn add_signals(&mut self) {
        for (place, signal) in self.site.rules.signals.iter().enumerate() {
            let word = self.directives.feeds.signals.get(&place).filter(|word| word.at <= self.at);
            let until = word.map(|word| word.at + signal.hold);
            let limit = match word.filter(|word| self.at < word.at + signal.hold) {
                Some(word) => {
                    let holds = word.holds;
                    word.limit.map(|power| Limit { holds, ..Limit::new(power, Source::Signal(place), until) })
                }
                None => signal.fallback.map(|power| Limit::new(power, Source::SignalSilent(place), None)),
            };
            if let Some(until) = until {
                self.note(until);
            }
            if let Some(limit) = limit {
                self.add(signal.circuit, limit);
                if limit.power.is_zero() {
                    self.block(signal.circuit, limit.source, true);
                }
            }
        }
    }

    fn add_demand(&mut self) {
        for demand in &self.site.rules.demand {
            let power = self.left(demand.circuit, demand.limit, demand.measure);
            let (measure, nominal) = (demand.measure, demand.limit);
            let limit = Limit { measure, nominal, ..Limit::new(power, Source::Demand, None) };
            self.add(demand.circuit, limit);
        }
    }

    /// What is left of a limit on a mean, by the circuit's meter.
    fn left(&self, circuit: CircuitIx, limit: Power, measure: Measure) -> Power {
        let meter = self.site.circuits.get(circuit).meter;
        let means = meter.and_then(|meter| self.known.means.get(meter.ix()));
        let offset_s = i64::from(self.site.time_zone.to_offset(self.at).seconds());
        means.map_or(limit, |means| means.allowance(limit, measure, self.at, offset_s))
    }

    /// The contract at the connection, with the ramp down that must end before a window closes.
    fn add_contract(&mut self) {
        let (root, span, next) = (CircuitIx::ROOT, self.span, self.next);
        let source = match (span.open, span.nominated) {
            _ if span.limit > span.firm => Source::Import,
            (_, true) => Source::Nomination,
            (true, false) => Source::Contract,
            (false, false) => Source::ContractClosed,
        };
        let until = Some(span.until);
        let measure = if span.nominated { Measure::Mean(60) } else { Measure::Instant };
        let left = self.left(root, span.limit, measure);
        self.add(root, Limit { measure, nominal: span.limit, ..Limit::new(left, source, until) });
        if !span.open {
            self.block(root, source, true);
            return;
        }
        if let Some(worth) = self.known.worth.filter(|worth| *worth < span.limit) {
            self.add(root, Limit::new(worth.max(span.firm), Source::ImportPrice, until));
        }
        if next.limit >= span.limit {
            return;
        }
        let glide = Glide::new(self.site, root, (span.limit, next.limit), span.until);
        let last_start = glide.begins - limits::RUN_MIN;
        if self.at >= last_start {
            self.block(root, Source::ContractClosing, !next.open && self.at >= glide.ends);
        }
        if self.at < last_start {
            self.note(last_start);
        } else if self.at < glide.begins {
            self.note(glide.begins);
        } else {
            self.add(root, Limit::new(glide.limit_at(self.at), Source::ContractClosing, until));
            self.changes_at = self.at;
        }
    }

    /// An energy budget that is used up closes its circuit until the period ends, but for what cannot be shed.
    fn add_budgets(&mut self) {
        let Some(counts) = self.known.counts else { return };
        for (place, (budget, used)) in self.site.rules.budgets.iter().zip(&counts.budgets).enumerate() {
            let Some((word, until)) = used.word_at(self.at) else { continue };
            self.note(until);
            match word {
                Word::Enough(again_at) => self.note(again_at),
                Word::NoStarts => {
                    self.block(budget.circuit, Source::BudgetEnding(place), false);
                    self.note(self.at + limits::BUDGET_LOOK);
                }
                Word::Ending(power, no_starts) => {
                    let source = Source::BudgetEnding(place);
                    self.add(budget.circuit, Limit::new(power, source, Some(until)));
                    if no_starts {
                        self.block(budget.circuit, source, false);
                    }
                    self.changes_at = self.at;
                }
                Word::Spent => {
                    let source = Source::BudgetSpent(place);
                    self.add(budget.circuit, Limit::new(used.least, source, Some(until)));
                    self.block(budget.circuit, source, true);
                }
            }
        }
    }

    /// The connection's mean is held to the peak that the plan has chosen, where the site file says so and the plan is
    /// in force; never against a setpoint of the grid.
    fn add_billing_peak(&mut self) {
        let (site, at) = (self.site, self.at);
        let Some(outlook) = &self.directives.ahead else { return };
        let Some(peak) = outlook.peak_at(at).filter(|peak| peak.holds) else { return };
        let until = peak.until.min(outlook.holds_until());
        self.note(until);
        if self.circuits[CircuitIx::ROOT.ix()].obliged {
            return;
        }
        let measure = Measure::Mean(peak.minutes);
        let left = self
            .left(CircuitIx::ROOT, peak.most, measure)
            .max(site.least_draw(CircuitIx::ROOT).min(peak.most));
        let limit =
            Limit { measure, nominal: peak.most, ..Limit::new(left, Source::BillingPeak, Some(until)) };
        self.add(CircuitIx::ROOT, limit);
    }

    /// The way down to announced orders that will bind.
    fn add_coming(&mut self) {
        let (directives, at) = (self.directives, self.at);
        for order in directives.orders.iter().filter(|order| at < order.from) {
            let (_, power) = said(order);
            let Some(present) = self.circuits[order.circuit.ix()].binding else { continue };
            if power >= present.power || order.measure != Measure::Instant {
                continue;
            }
            let glide = Glide::new(self.site, order.circuit, (present.power, power), order.from);
            if self.at < glide.begins {
                self.note(glide.begins);
            } else {
                let limit = Limit::new(glide.limit_at(self.at), Source::Coming(order.id), Some(order.from));
                self.add(order.circuit, limit);
                self.changes_at = self.at;
            }
        }
    }
}

/// Whose word an order is, and what it allows.
const fn said(order: &Order) -> (Source, Power) {
    match order.kind {
        OrderKind::Emergency => (Source::Emergency(order.id), order.limit),
        OrderKind::Dispatch => (Source::Dispatch(order.id), order.limit),
        OrderKind::Wish => (Source::Wish(order.id), order.limit),
        OrderKind::Maintenance => (Source::Maintenance(order.id), Power::ZERO),
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

/// When the way from one power down to another begins that ends before an instant, at a circuit's rate.
pub(crate) fn begins_down(
    site: &Site,
    circuit: CircuitIx,
    powers: (Power, Power),
    by: Timestamp,
) -> Timestamp {
    Glide::new(site, circuit, powers, by).begins
}

impl Glide {
    /// From one power down to another by an instant, at the circuit's rate or what feeds it.
    fn new(site: &Site, circuit: CircuitIx, (from, floor): (Power, Power), by: Timestamp) -> Self {
        let down = |ix| site.circuits.get(ix).ramp.and_then(|ramp| ramp.down_per_minute);
        let rate = site.circuits.path(circuit).find_map(down);
        let ends = by - limits::CLOSING_TAIL;
        let fall = from.saturating_sub(floor);
        let rate = rate.map(|per_minute| (per_minute.to_milliwatts() / 60).max(1));
        let lasts = rate.map_or(0, |rate| fall.to_milliwatts() / rate + 1);
        Self { begins: ends - SignedDuration::from_secs(lasts), ends, floor, milliwatts_per_second: rate }
    }
    fn limit_at(&self, at: Timestamp) -> Power {
        let left = at.duration_until(self.ends).as_secs().max(0);
        self.floor + Power::from_milliwatts(self.milliwatts_per_second.unwrap_or(0) * left)
    }
}

#[cfg(test)]
#[path = "envelope_tests.rs"]
mod tests;
