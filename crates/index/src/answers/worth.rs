//! What hashing earns and when machines stop paying, as files that carry what they rest on.

use std::fmt::Write as _;

use jiff::civil::Date;

use crate::breakeven::Lives;
use crate::hashprice::{HashPriceDay, HashPriceSeries, NetworkVintage};
use crate::world::Assumption;
use crate::world::assumption::{given_number, given_text};
use crate::world::table::csv_line;

fn network(vintage: &NetworkVintage, source: &str) -> Vec<Assumption> {
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
fn days(key: &str, value: usize) -> Assumption {
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
