//! Who runs first, and who earns what its power costs.
//!
//! Prices come in as they are all told: a kilowatt-hour with levies, losses and cooling, hashes after fees
//! ([`offpeak_site::Economics::marginal`], [`offpeak_site::Economics::after_fees`]).

use jiff::Timestamp;
use offpeak_site::{CircuitIx, LimitSpan, MachineIx, Model, Site};
use offpeak_units::{HashPrice, Power, Price};
use rust_decimal::Decimal;

use crate::ahead::Outlook;
use crate::directive::Feeds;
use crate::limits;

/// Machines from the one that makes most of a watt to the one that makes least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranking {
    /// Best first; equals in the order of the site file.
    pub order: Vec<MachineIx>,
    /// One element a model: whether it earns more than its power costs. `None` while a price is
    /// not known: then nobody is stopped for money.
    pub earns: Vec<Option<bool>>,
    /// One element a model: whether it would earn by the hour's own prices, and the plan of the hours ahead keeps
    /// it out all the same.
    pub kept_out: Vec<bool>,
}

/// What was last decided of a model, and when that changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Earning {
    /// Whether it earns.
    pub earns: Option<bool>,
    /// Since when.
    pub since: Option<Timestamp>,
}

/// Ranks the machines at these prices. Without a hash price the order is by efficiency, which is
/// the same order for any price.
#[must_use]
pub fn rank(site: &Site, power_price: Option<Price>, hash_price: Option<HashPrice>) -> Ranking {
    let terahashes_per_kilowatt: Vec<f64> = site
        .models
        .iter()
        .map(|model| {
            let mode = model.normal();
            mode.hash_rate.to_terahashes_f64() / mode.power.to_kilowatts_f64().max(f64::MIN_POSITIVE)
        })
        .collect();
    let mut models: Vec<usize> = (0..site.models.len()).collect();
    models.sort_by(|a, b| terahashes_per_kilowatt[*b].total_cmp(&terahashes_per_kilowatt[*a]).then(a.cmp(b)));
    let mut place = vec![0_usize; models.len()];
    for (position, model) in models.iter().enumerate() {
        place[*model] = position;
    }
    let mut order: Vec<MachineIx> = site.machines().map(|(machine, _)| machine).collect();
    order.sort_by_key(|machine| (place[site.machine(*machine).model.ix()], *machine));
    let earns = site.models.iter().map(|model| earns(model, power_price?, hash_price?, None)).collect();
    Ranking { order, earns, kept_out: vec![false; site.models.len()] }
}

/// Whether an hour of this model's normal mode earns more than its energy costs. One that was stopped for
/// money must earn [`limits::EARNS_AGAIN_PERCENT`] more before it is started again.
fn earns(model: &Model, power_price: Price, hash_price: HashPrice, held: Option<bool>) -> Option<bool> {
    let mode = model.normal();
    let hour_ms = 3_600_000;
    let revenue = hash_price.of(mode.hash_rate.over_millis(hour_ms)).amount();
    let cost = power_price.of(mode.power.over_millis(hour_ms)).amount();
    let percent = if held == Some(false) { limits::EARNS_AGAIN_PERCENT } else { 0 };
    let more = Decimal::ONE + Decimal::new(percent, 2);
    Some(revenue > cost.checked_mul(if cost.is_sign_negative() { Decimal::ONE } else { more })?)
}

impl Ranking {
    /// Lets a model stopped for money rest for a while, and begin again only where it earns clearly more, so that
    /// a price at the threshold stops and starts nobody all the time. Remembers what is decided.
    pub(crate) fn steady(
        &mut self,
        site: &Site,
        (power_price, hash_price): (Option<Price>, Option<HashPrice>),
        held: &mut [Earning],
        now: Timestamp,
    ) {
        for ((model, earns_now), held) in site.models.iter().zip(&mut self.earns).zip(held) {
            let rests = held.since.is_some_and(|since| now < since + limits::EARNS_AGAIN_AFTER);
            if held.earns == Some(false)
                && let (Some(power), Some(hash)) = (power_price, hash_price)
            {
                let again = earns(model, power, hash, Some(false)) == Some(true);
                *earns_now = Some(again && !rests);
            }
            if *earns_now != held.earns {
                // Who was not running for money before has not been stopped for it: after a restart nobody rests.
                *held = Earning { earns: *earns_now, since: held.earns.map(|_| now) };
            }
        }
    }
}

impl Ranking {
    /// Goes by the plan of the hours ahead instead of by the hour, where it says something and prices are known.
    pub(crate) fn follow(&mut self, outlook: &Outlook, step: usize) {
        let models = self.earns.iter_mut().zip(&mut self.kept_out).enumerate();
        for (model, (earns, kept_out)) in models.filter(|(_, (earns, _))| earns.is_some()) {
            let says = outlook.says(step, model);
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
        let pays = |ix: &MachineIx| earns(site.model_of(*ix), price, hash_price, None) == Some(true);
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
