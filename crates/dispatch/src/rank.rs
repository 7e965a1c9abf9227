//! Who runs first, and who earns what its power costs.
//!
//! Prices come in as they are all told: a kilowatt-hour with levies, losses and cooling, hashes after fees
//! ([`offpeak_site::Economics::marginal`], [`offpeak_site::Economics::after_fees`]).

use std::collections::BTreeMap;

use jiff::Timestamp;
use offpeak_site::{CircuitIx, LimitSpan, MachineIx, Model, ModelIx, Site};
use offpeak_units::{HashPrice, Power, Price};
use rust_decimal::Decimal;

use crate::ahead::Outlook;
use crate::directive::Feeds;
use crate::limits;
use crate::memory::MachineMemory;

/// Machines from the one that makes most of a watt to the one that makes least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranking {
    /// Best first; equals in the order of the site file.
    pub order: Vec<MachineIx>,
    /// One element a machine: whether it earns more than its power costs. `None` while a price is
    /// not known: then nobody is stopped for money.
    pub earns: Vec<Option<bool>>,
    /// One element a machine: whether it would earn by the hour's own prices, and the plan of the hours ahead keeps
    /// its model out all the same.
    pub kept_out: Vec<bool>,
}

/// What was last decided of a machine, and when that changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Earning {
    /// Whether it earns.
    pub earns: Option<bool>,
    /// Since when.
    pub since: Option<Timestamp>,
}

/// Ranks the machines at these prices, by the catalogue's figures and what each was found to reach of them. Without a
/// hash price the order is by efficiency, which is the same order for any price.
#[must_use]
pub fn rank(
    site: &Site,
    machines: &[MachineMemory],
    power_price: Option<Price>,
    hash_price: Option<HashPrice>,
) -> Ranking {
    let terahashes_per_kilowatt: Vec<f64> = site
        .models
        .iter()
        .map(|model| {
            let mode = model.normal();
            mode.hash_rate.to_terahashes_f64() / mode.power.to_kilowatts_f64().max(f64::MIN_POSITIVE)
        })
        .collect();
    let worth = |ix: MachineIx| {
        terahashes_per_kilowatt[site.machine(ix).model.ix()] * f64::from(percent_of(machines, ix))
    };
    let mut order: Vec<MachineIx> = site.machines().map(|(machine, _)| machine).collect();
    order.sort_by(|a, b| worth(*b).total_cmp(&worth(*a)).then(a.cmp(b)));
    let mut prices = Prices::new(site, power_price, hash_price);
    let earns =
        site.machines().map(|(ix, machine)| prices.earns(machine.model, percent_of(machines, ix), None));
    Ranking { order, earns: earns.collect(), kept_out: vec![false; site.machines.len()] }
}

/// What of its catalogue efficiency a machine is ranked by.
fn percent_of(machines: &[MachineMemory], machine: MachineIx) -> u8 {
    machines.get(machine.ix()).map_or(100, |remembered| remembered.quality.percent())
}

/// Who earns at some prices: there are few models and a hundred qualities, and many machines.
struct Prices<'a> {
    site: &'a Site,
    power: Option<Price>,
    hash: Option<HashPrice>,
    known: BTreeMap<(ModelIx, u8, Option<bool>), Option<bool>>,
}

impl<'a> Prices<'a> {
    const fn new(site: &'a Site, power: Option<Price>, hash: Option<HashPrice>) -> Self {
        Self { site, power, hash, known: BTreeMap::new() }
    }
    fn earns(&mut self, model: ModelIx, percent: u8, held: Option<bool>) -> Option<bool> {
        let Self { site, power, hash, known } = self;
        *known
            .entry((model, percent, held))
            .or_insert_with(|| earns(site.model(model), percent, (*power)?, (*hash)?, held))
    }
}

/// Whether an hour of this model's normal mode earns more than its energy costs, in a machine that reaches so many
/// percent of it. One that was stopped for money must earn [`limits::EARNS_AGAIN_PERCENT`] more before it is started
/// again.
fn earns(
    model: &Model,
    percent: u8,
    power_price: Price,
    hash_price: HashPrice,
    held: Option<bool>,
) -> Option<bool> {
    let mode = model.normal();
    let hour_ms = 3_600_000;
    let reached = Decimal::new(percent.into(), 2);
    let revenue = hash_price.of(mode.hash_rate.over_millis(hour_ms)).amount().checked_mul(reached)?;
    let cost = power_price.of(mode.power.over_millis(hour_ms)).amount();
    let percent = if held == Some(false) { limits::EARNS_AGAIN_PERCENT } else { 0 };
    let more = Decimal::ONE + Decimal::new(percent, 2);
    Some(revenue > cost.checked_mul(if cost.is_sign_negative() { Decimal::ONE } else { more })?)
}

impl Ranking {
    /// Lets a machine stopped for money rest for a while, and begin again only where it earns clearly more, so that
    /// a price at the threshold stops and starts nobody all the time. Remembers what is decided.
    pub(crate) fn steady(
        &mut self,
        site: &Site,
        (power_price, hash_price): (Option<Price>, Option<HashPrice>),
        remembered: &mut [MachineMemory],
        now: Timestamp,
    ) {
        let mut prices = Prices::new(site, power_price, hash_price);
        let prices_known = power_price.is_some() && hash_price.is_some();
        for (((_, machine), earns_now), remembered) in site.machines().zip(&mut self.earns).zip(remembered) {
            let (held, percent) = (&mut remembered.earning, remembered.quality.percent());
            let rests = held.since.is_some_and(|since| now < since + limits::EARNS_AGAIN_AFTER);
            if held.earns == Some(false) && prices_known {
                let again = prices.earns(machine.model, percent, Some(false)) == Some(true);
                *earns_now = Some(again && !rests);
            }
            if *earns_now != held.earns {
                // Who was not running for money before has not been stopped for it: after a restart nobody rests.
                *held = Earning { earns: *earns_now, since: held.earns.map(|_| now) };
            }
        }
    }

    /// Goes by the plan of the hours ahead instead of by the hour, where it says something and prices are known.
    pub(crate) fn follow(&mut self, site: &Site, outlook: &Outlook, step: usize) {
        let machines = site.machines().zip(&mut self.earns).zip(&mut self.kept_out);
        for (((_, machine), earns), kept_out) in machines.filter(|((_, earns), _)| earns.is_some()) {
            let says = outlook.says(step, machine.model.ix());
            *kept_out = *earns == Some(true) && says == Some(false);
            *earns = says.or(*earns);
        }
    }
}

/// The hash price that counts: what is told, while it is fresh; else the site file's. Before fees.
#[must_use]
pub fn hash_price(site: &Site, feeds: &Feeds, at: Timestamp) -> Option<HashPrice> {
    let told = feeds.hash_price.filter(|(_, told)| *told <= at && at < *told + limits::HASH_PRICE_HOLD);
    told.map(|(price, _)| price).or_else(|| site.economics.hash_price_at(&site.time_zone, at))
}

/// The most that is worth drawing at the connection while imports are open: each import, cheapest first, as far as
/// there are machines that earn its price. `None` where none is open or no hash price is known.
#[must_use]
pub fn worth_of_imports(
    site: &Site,
    span: &LimitSpan,
    hash_price: Option<HashPrice>,
    at: Timestamp,
) -> Option<Power> {
    if span.limit == span.firm {
        return None;
    }
    let hash_price = site.economics.after_fees(hash_price?);
    let mut imports: Vec<_> = site.contract.imports_at(&site.time_zone, at).collect();
    imports.sort_by_key(|import| import.price.to_per_kilowatt_hour());
    let asleep: Power = site.machines().map(|(ix, _)| site.model_of(ix).sleep).sum();
    let base: Power = site.circuits.iter().map(|(_, circuit)| circuit.base_load).sum();
    let mut worth = span.firm;
    for import in imports {
        let price = site.economics.marginal(import.price, &site.time_zone, at);
        let awake = |model: &Model| model.normal().power - model.sleep;
        let pays = |ix: &MachineIx| earns(site.model_of(*ix), 100, price, hash_price, None) == Some(true);
        let rises: Power =
            site.machines().map(|(ix, _)| ix).filter(pays).map(|ix| awake(site.model_of(ix))).sum();
        worth = (worth + import.hours.limit).min(worth.max(base + asleep + rises));
    }
    Some(worth)
}

/// Above which efficiency, in joules a terahash, a machine earns less than its power costs; `None` while a price is
/// not known or power costs nothing.
#[must_use]
pub fn break_even(site: &Site, feeds: &Feeds, at: Timestamp) -> Option<f64> {
    use rust_decimal::prelude::ToPrimitive as _;
    let economics = &site.economics;
    let power = economics.marginal(economics.power_price_at(&site.time_zone, at)?, &site.time_zone, at);
    let hash = economics.after_fees(hash_price(site, feeds, at)?);
    // A terahash a second for a day at one joule a terahash is 0.024 kWh.
    let day = power.to_per_kilowatt_hour().checked_mul(Decimal::new(24, 3))?;
    if day <= Decimal::ZERO { None } else { hash.to_per_terahash_day().checked_div(day)?.to_f64() }
}

/// Whether a setpoint binds at each circuit or above it: then nobody there is stopped for money.
pub(crate) fn obliged(site: &Site, envelope: &crate::Envelope) -> Vec<bool> {
    let mut obliged = vec![false; site.circuits.len()];
    for (ix, circuit) in site.circuits.iter() {
        let above = circuit.parent.is_some_and(|parent: CircuitIx| obliged[parent.ix()]);
        obliged[ix.ix()] = above || envelope.circuit(ix).obliged;
    }
    obliged
}

#[cfg(test)]
#[path = "rank_tests.rs"]
mod tests;
