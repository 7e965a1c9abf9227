//! Every source of limits gone through, highest first: what an envelope is made of.
//!
//! Not here: what is asked of an envelope, and the words for a source (`envelope`).

use jiff::{SignedDuration, Timestamp};
use offpeak_site::{CircuitIx, LimitSpan, Measure, Site};
use offpeak_units::Power;

use crate::directive::{Directives, Order, OrderKind};
use crate::envelope::{Block, CircuitLimit, Known, Limit, Source};
use crate::limits;
use crate::used::Word;

/// Goes through every source, highest first.
pub(crate) struct Sources<'a> {
    site: &'a Site,
    directives: &'a Directives,
    at: Timestamp,
    span: LimitSpan,
    next: LimitSpan,
    known: Known<'a>,
    /// The circuits that are asked about, a path up to the connection; `None` for all.
    pub(crate) path: Option<Vec<CircuitIx>>,
    /// One element for each of those.
    pub(crate) circuits: Vec<CircuitLimit>,
    pub(crate) changes_at: Timestamp,
    /// Every limit, if somebody wants to see them all.
    pub(crate) every: Option<Vec<(CircuitIx, Limit)>>,
}

impl<'a> Sources<'a> {
    pub(crate) fn new(
        site: &'a Site,
        directives: &'a Directives,
        at: Timestamp,
        span: LimitSpan,
        next: LimitSpan,
        known: Known<'a>,
        path: Option<Vec<CircuitIx>>,
    ) -> Self {
        let len = path.as_ref().map_or(site.circuits.len(), Vec::len);
        let circuits = vec![CircuitLimit::default(); len];
        Self { site, directives, at, span, next, known, path, circuits, changes_at: span.until, every: None }
    }

    /// A circuit's limits so far, if it is asked about.
    fn of(&mut self, circuit: CircuitIx) -> Option<&mut CircuitLimit> {
        let place = match &self.path {
            None => circuit.ix(),
            Some(path) => path.iter().position(|on_path| *on_path == circuit)?,
        };
        self.circuits.get_mut(place)
    }

    pub(crate) fn collect(&mut self) {
        self.add_ratings();
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
        if let Some(limits) = self.of(circuit) {
            limits.add(limit);
        }
        if let Some(every) = &mut self.every {
            every.push((circuit, limit));
        }
    }
    fn block(&mut self, circuit: CircuitIx, source: Source, stops: bool) {
        if let Some(limits) = self.of(circuit) {
            limits.block(Block { source, stops });
        }
    }
    /// Something changes then.
    fn note(&mut self, at: Timestamp) {
        if at > self.at {
            self.changes_at = self.changes_at.min(at);
        }
    }

    fn add_ratings(&mut self) {
        let site = self.site;
        let rated = |ix| Some((ix, Limit::new(site.circuits.get(ix).rating?, Source::Rating, None)));
        match &self.path {
            None => {
                site.circuits.iter().filter_map(|(ix, _)| rated(ix)).for_each(|(ix, of)| self.add(ix, of))
            }
            Some(path) => {
                let found: Vec<_> = path.iter().copied().filter_map(rated).collect();
                found.into_iter().for_each(|(ix, of)| self.add(ix, of));
            }
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
        let until = span.changes.then_some(span.until);
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
        if self.of(CircuitIx::ROOT).is_none_or(|limits| limits.obliged) {
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
            let Some(present) = self.of(order.circuit).and_then(|limits| limits.binding) else { continue };
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
