//! What hashing earns and when machines stop paying, as files that carry what they rest on.

use std::fmt::Write as _;

use jiff::civil::Date;

use crate::breakeven::{Lives, PricePath, ResidualValue, Scenario, Terms};
use crate::chain::{Epoch, facts};
use crate::hashprice::{HashPriceDay, HashPriceSeries, NetworkVintage};
use crate::network::NetworkDay;
use crate::world::Assumption;
use crate::world::assumption::{given_number, given_text};
use crate::world::table::csv_line;

pub(super) fn network(vintage: &NetworkVintage, source: &str) -> Vec<Assumption> {
    let day = |date: Option<Date>| date.map_or_else(|| "none".to_owned(), |date| date.to_string());
    let last = vintage.span.map(|(_, last)| last);
    let known = format!(
        "{source}; {} days to {}, prices to {}, fees to {}",
        vintage.days,
        day(last),
        day(vintage.price_to),
        day(vintage.fees_to)
    );
    vec![
        given_text("network", vintage.fingerprint.clone(), known),
        given_text("fees_unknown", "none", "days without known fees count as days without fees"),
    ]
}

#[expect(clippy::cast_precision_loss, reason = "a number of days")]
pub(super) fn days(key: &str, value: usize) -> Assumption {
    given_number(key, value as f64, "days", "argument")
}

/// What a series of hash prices takes for granted.
#[must_use]
pub fn hash_price_assumptions(series: &HashPriceSeries, source: &str) -> Vec<Assumption> {
    let mut list = network(&series.vintage, source);
    list.push(days("mean_days", series.mean_days));
    list
}

/// What the lives of machines take for granted.
#[must_use]
pub fn lives_assumptions(lives: &Lives, network_source: &str, catalogue_source: &str) -> Vec<Assumption> {
    let mut list = network(&lives.vintage, network_source);
    let number = |key: &str, value: f64, unit| given_number(key, value, unit, "argument");
    list.extend([
        given_text("catalogue", lives.catalogue_fingerprint.clone(), catalogue_source),
        number("power_price", lives.power_usd_per_kwh, "USD/kWh"),
        number("overhead", lives.terms.overhead, "1"),
        number("pool_fee", lives.terms.pool_fee, "1"),
        number("other_cost", lives.terms.other_usd_per_kwh, "USD/kWh"),
        days("mean_days", lives.mean_days),
        days("hold_days", lives.hold_days),
    ]);
    list
}

/// CSV: `date,usd_per_th_day,sat_per_th_day,fee_share`; what is not known is empty.
#[must_use]
pub fn hash_price_csv<'a>(rows: impl IntoIterator<Item = &'a HashPriceDay>) -> String {
    let mut csv = "date,usd_per_th_day,sat_per_th_day,fee_share\n".to_owned();
    let cell = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    for day in rows {
        let (usd, fees) = (cell(day.usd_per_th_day), cell(day.fee_share));
        let _ = writeln!(csv, "{},{usd},{},{fees}", day.date, day.sat_per_th_day);
    }
    csv
}

/// CSV, one row a model.
#[must_use]
pub fn lives_csv(found: &Lives) -> String {
    let mut csv = csv_line([
        "model",
        "release",
        "efficiency_j_per_th",
        "first_paid",
        "stopped",
        "first_given_up",
        "days_paid",
        "days",
        "pays_now",
        "shutdown_now_usd_per_kwh",
    ]);
    let day = |date: Option<Date>| date.map_or_else(String::new, |date| date.to_string());
    for life in &found.lives {
        let cells = [
            life.model.clone(),
            life.release.to_string(),
            life.efficiency_j_per_th.to_string(),
            day(life.first_paid),
            day(life.stopped),
            day(life.first_given_up),
            life.days_paid.to_string(),
            life.days.to_string(),
            life.pays_now.to_string(),
            life.shutdown_now_usd_per_kwh.map_or_else(String::new, |price| price.to_string()),
        ];
        csv.push_str(&csv_line(cells.iter().map(String::as_str)));
    }
    csv
}

/// What somebody expects of the years ahead; the start is where a series ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Expectation {
    /// The price of power, US dollars a kilowatt-hour.
    pub power_usd_per_kwh: f64,
    /// By what share difficulty grows a year.
    pub difficulty_growth: f64,
    /// By what share the price of a bitcoin grows a year.
    pub price_growth: f64,
    /// The rate of discount a year.
    pub discount: f64,
    /// For how many days the machine works at most.
    pub days: u32,
    /// What is paid for it at the end, US dollars.
    pub scrap_usd: f64,
    /// Fees, bitcoins a block; without them those of the last known month.
    pub fees_btc_per_block: Option<f64>,
    /// The height at the start; without it that of the last known epoch.
    pub height: Option<u32>,
    /// Overhead, pool fee and other cost.
    pub terms: Terms,
}

/// Days of the series over which the hash rate at the start is averaged: a day's own is noisy.
const START_DAYS: usize = 14;

/// The scenario that starts where a series ends, with the last day that has a price; `None` where none has.
#[must_use]
pub fn scenario(network: &[NetworkDay], expected: &Expectation) -> Option<(Date, Scenario)> {
    let last = network.iter().rev().find(|day| day.price_usd.is_some() && day.hash_rate_ths > 0.0)?;
    let rates: Vec<f64> = network
        .iter()
        .rev()
        .map(|day| day.hash_rate_ths)
        .filter(|rate| *rate > 0.0)
        .take(START_DAYS)
        .collect();
    #[expect(clippy::cast_precision_loss, reason = "two weeks of days")]
    let hash_rate_ths = rates.iter().sum::<f64>() / rates.len() as f64;
    let known = facts();
    let fees = known.fees.last().map_or(0.0, |fees| fees.btc_per_day / 144.0);
    let height = expected.height.or_else(|| known.epochs.last().map(Epoch::first_height));
    let scenario = Scenario {
        price_usd: last.price_usd?,
        price_path: PricePath::Growth(expected.price_growth),
        hash_rate_ths,
        difficulty_growth: expected.difficulty_growth,
        height: height.unwrap_or_default(),
        fees_btc_per_block: expected.fees_btc_per_block.unwrap_or(fees),
        power_usd_per_kwh: expected.power_usd_per_kwh,
        terms: expected.terms,
        discount: expected.discount,
        days: expected.days,
        scrap_usd: expected.scrap_usd,
        stops_at_a_loss: true,
    };
    Some((last.date, scenario))
}

/// What a residual value takes for granted: the machine, and all of its scenario.
#[must_use]
pub fn scenario_assumptions(
    hash_rate_ths: f64,
    efficiency_j_per_th: f64,
    (start, scenario): &(Date, Scenario),
    expected: &Expectation,
    vintage: &NetworkVintage,
    source: &str,
) -> Vec<Assumption> {
    let mut list = network(vintage, source);
    let series = format!("the network series, {start}");
    let given = |key: &str, value: f64, unit| given_number(key, value, unit, "argument");
    let or_known =
        |is_given: bool, known: &str| if is_given { "argument".to_owned() } else { known.to_owned() };
    list.extend([
        given("hash_rate", hash_rate_ths, "TH/s"),
        given("efficiency", efficiency_j_per_th, "J/TH"),
        given("power_price", scenario.power_usd_per_kwh, "USD/kWh"),
        given_number("start_price", scenario.price_usd, "USD", series.clone()),
        given_number(
            "start_hash_rate",
            scenario.hash_rate_ths,
            "TH/s",
            format!("{series}, mean of {START_DAYS} days"),
        ),
        given_number(
            "start_height",
            f64::from(scenario.height),
            "blocks",
            or_known(expected.height.is_some(), "the last known epoch"),
        ),
        given_number(
            "fees_per_block",
            scenario.fees_btc_per_block,
            "BTC",
            or_known(expected.fees_btc_per_block.is_some(), "the last known month, over 144 blocks a day"),
        ),
        given("price_growth", expected.price_growth, "1 a year"),
        given("difficulty_growth", scenario.difficulty_growth, "1 a year"),
        given("discount", scenario.discount, "1 a year"),
        given("days", f64::from(scenario.days), "days"),
        given("scrap", scenario.scrap_usd, "USD"),
        given("overhead", scenario.terms.overhead, "1"),
        given("pool_fee", scenario.terms.pool_fee, "1"),
        given("other_cost", scenario.terms.other_usd_per_kwh, "USD/kWh"),
        given_text("stops_at_a_loss", "true", "on days that do not pay it is switched off"),
    ]);
    list
}

/// CSV: `what,unit,value`.
#[must_use]
pub fn residual_csv(value: &ResidualValue) -> String {
    let last = value.last_paying_day.map_or_else(String::new, |day| day.to_string());
    format!(
        "what,unit,value\nvalue,USD,{}\nvalue_per_th,USD,{}\nincome,USD,{}\ncost,USD,{}\ndays_on,days,{}\nlast_paying_day,days,{last}\n",
        value.value_usd, value.usd_per_th, value.income_usd, value.cost_usd, value.days_on,
    )
}
