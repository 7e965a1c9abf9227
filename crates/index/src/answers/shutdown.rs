//! Shut-down prices of a machine or of classes, a pool's audit and hash rates, as files that carry what they rest on.

use std::fmt::Write as _;

use jiff::civil::Date;

use super::chain::epochs_assumptions;
use super::worth::{days, network};
use crate::breakeven::{ClassShutdown, Terms};
use crate::chain::Facts;
use crate::hardware::{Model, fingerprint};
use crate::hashprice::{HashPriceSeries, NetworkVintage};
use crate::world::Assumption;
use crate::world::assumption::{given_number, given_text};

/// At which hash price, on which terms, a shut-down price is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Pricing<'a> {
    /// US dollars that a terahash a second earns in a day.
    pub usd_per_th_day: f64,
    /// The series that it is of, with who says so and over how many days it is averaged; none when it was given.
    pub series: Option<(&'a NetworkVintage, &'a str, usize)>,
    /// The day that it is of.
    pub day: Option<Date>,
    /// Overhead, pool fee and other cost.
    pub terms: &'a Terms,
}

/// What a shut-down price takes for granted.
#[must_use]
pub fn pricing_assumptions(pricing: &Pricing<'_>) -> Vec<Assumption> {
    let mut list = Vec::new();
    if let Some((vintage, source, mean_days)) = pricing.series {
        list.extend(network(vintage, source));
        list.push(days("mean_days", mean_days));
    }
    let of = pricing.day.map_or_else(|| "argument".to_owned(), |day| format!("the network series, {day}"));
    let given = |key: &str, value: f64, unit| given_number(key, value, unit, "argument");
    list.extend([
        given_number("hash_price", pricing.usd_per_th_day, "USD per TH/s a day", of),
        given("overhead", pricing.terms.overhead, "1"),
        given("pool_fee", pricing.terms.pool_fee, "1"),
        given("other_cost", pricing.terms.other_usd_per_kwh, "USD/kWh"),
    ]);
    list
}

/// What shut-down prices of classes take for granted: the table of machines too.
#[must_use]
pub fn classes_assumptions(pricing: &Pricing<'_>, models: &[Model], source: &str) -> Vec<Assumption> {
    let mut list = pricing_assumptions(pricing);
    list.push(given_text("catalogue", fingerprint(models), source));
    list
}

/// CSV, one row a class; a class without a model has no price.
#[must_use]
pub fn classes_csv(classes: &[ClassShutdown]) -> String {
    let mut csv = "from_j_per_th,to_j_per_th,models,worst_usd_per_kwh,best_usd_per_kwh\n".to_owned();
    for class in classes {
        let cell = |price: Option<f64>| price.map_or_else(String::new, |price| price.to_string());
        let (worst, best) = class.price_usd_per_kwh.unzip();
        let (from, to, count) = (class.from_j_per_th, class.to_j_per_th, class.models.len());
        let _ = writeln!(csv, "{from},{to},{count},{},{}", cell(worst), cell(best));
    }
    csv
}

/// CSV of one machine: at which price of power it is shut down, and whether it pays at the one asked for.
#[must_use]
pub fn shutdown_csv(
    efficiency_j_per_th: f64,
    usd_per_th_day: f64,
    power_usd_per_kwh: f64,
    shutdown_usd_per_kwh: f64,
) -> String {
    let pays = shutdown_usd_per_kwh > power_usd_per_kwh;
    format!(
        "efficiency_j_per_th,usd_per_th_day,power_usd_per_kwh,shutdown_usd_per_kwh,pays\n{efficiency_j_per_th},{usd_per_th_day},{power_usd_per_kwh},{shutdown_usd_per_kwh},{pays}\n"
    )
}

/// What a pool's audit takes for granted.
#[must_use]
pub fn audit_assumptions(
    series: &HashPriceSeries,
    source: &str,
    hash_rate_ths: f64,
    pool_fee: f64,
    paid_sat: f64,
) -> Vec<Assumption> {
    let mut list = network(&series.vintage, source);
    list.extend([
        given_number("hash_rate", hash_rate_ths, "TH/s", "argument"),
        given_number("pool_fee", pool_fee, "1", "argument"),
        given_number("paid", paid_sat, "sat", "argument"),
    ]);
    list
}

/// What hash rates over windows of the chain take for granted; `headers` says which were verified, where there are any.
#[must_use]
pub fn rates_assumptions(
    facts: &Facts,
    source: &str,
    confidence: f64,
    headers: Option<&str>,
) -> Vec<Assumption> {
    let mut list = vec![given_text("source", source, "argument or built in")];
    list.extend(headers.map(|told| given_text("headers", told, "every one verified")));
    list.extend(epochs_assumptions(facts).into_iter().filter(|one| one.key != "hash_rate"));
    list.push(given_number("confidence", confidence, "1", "argument"));
    list.push(given_text("hash_rate", "work over time", "Garwood 1936 or the gamma interval; docs/chain.md"));
    list
}
