//! The electricity index as a page asks for it while somebody moves the price.
//!
//! For: all that does not depend on the price done once, then an answer for any price in a fraction of a
//! millisecond, in a form that becomes JSON as it is. With it the machines that pay and the inputs it rests on.
//! Not for: other methods (they have no price to slide, or take longer), or drawing.

use jiff::civil::Date;
use serde::Serialize;

use crate::breakeven::{Terms, worst_paying_j_per_th};
use crate::chain::daily_network;
use crate::electricity::{Cambridge, Method, Prepared, Row, Vintage};
use crate::hardware::{Model, machines};
use crate::hashprice::hash_price_series;
use crate::network::NetworkDay;

/// Days over which the hash price of the latest day is averaged.
const MEAN_DAYS: usize = 7;

/// Cambridge's method on given inputs, ready for any price.
#[derive(Clone, Debug)]
pub struct Slider {
    prepared: Prepared,
    machines: Vec<Model>,
    usd_per_th_day: Option<f64>,
    inputs: Inputs,
    assumptions: Vec<Stated>,
}

/// From what an answer was computed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Inputs {
    /// The first and the last day of the network series.
    pub network_span: Option<(Date, Date)>,
    /// Names its numbers.
    pub network_fingerprint: String,
    /// How many models the table of machines has.
    pub machines: usize,
    /// Names its numbers.
    pub machines_fingerprint: String,
}

/// An assumption as it stood.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stated {
    /// By which it can be changed.
    pub key: String,
    /// Its value.
    pub value: String,
    /// Its unit; `1` for none.
    pub unit: String,
    /// Who says so.
    pub source: String,
}

/// The answer for one price: columns of equal length, oldest first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Priced {
    /// The price, US dollars a kilowatt-hour.
    pub price_usd_per_kwh: f64,
    /// Every so many days one is given; the latest always is.
    pub step_days: usize,
    /// The days.
    pub date: Vec<Date>,
    /// Lower bound, terawatt-hours a year.
    pub lower_twh: Vec<Option<f64>>,
    /// Best guess.
    pub guess_twh: Vec<f64>,
    /// Upper bound.
    pub upper_twh: Vec<f64>,
    /// Gigawatts of the best guess on the latest day.
    pub latest_guess_gw: Option<f64>,
    /// The worst machine that pays at the latest hash price, joules a terahash.
    pub worst_paying_j_per_th: Option<f64>,
    /// How many models of the table pay.
    pub models_paying: Option<usize>,
    /// Of how many.
    pub models: usize,
    /// The inputs.
    pub inputs: Inputs,
    /// Every assumption but the price.
    pub assumptions: Vec<Stated>,
}

impl Slider {
    /// On these inputs.
    #[must_use]
    pub fn new(method: &Cambridge, network: &[NetworkDay], machines: Vec<Model>) -> Self {
        let vintage = Vintage::of(network, &machines);
        let stated = |one: crate::electricity::Assumption| Stated {
            key: one.key,
            value: one.value,
            unit: one.unit.to_owned(),
            source: one.source,
        };
        let assumptions = Method::Cambridge(method.clone()).assumptions();
        Self {
            prepared: Prepared::new(method, network, &machines),
            usd_per_th_day: hash_price_series(network, MEAN_DAYS)
                .rows
                .iter()
                .rev()
                .find_map(|day| day.usd_per_th_day),
            inputs: Inputs {
                network_span: vintage.network_span,
                network_fingerprint: vintage.network_fingerprint,
                machines: vintage.catalogue_models,
                machines_fingerprint: vintage.catalogue_fingerprint,
            },
            assumptions: assumptions
                .into_iter()
                .filter(|one| one.key != "price_usd_per_kwh")
                .map(stated)
                .collect(),
            machines,
        }
    }

    /// On what is built in.
    #[must_use]
    pub fn built_in(method: &Cambridge) -> Self {
        Self::new(method, &daily_network(None, None), machines())
    }

    /// The whole series at a price in US dollars a kilowatt-hour, one day in `step_days` (0 counts as 1).
    ///
    /// `None` unless the price is above zero and within reckoning.
    #[must_use]
    pub fn at(&self, price_usd_per_kwh: f64, step_days: usize) -> Option<Priced> {
        if !(1e-6..=10.0).contains(&price_usd_per_kwh) {
            return None;
        }
        let rows = self.prepared.rows_at(price_usd_per_kwh);
        let step = step_days.max(1);
        // Counted from the end, so that the latest day is among them.
        let mut shown: Vec<&Row> = rows.iter().rev().step_by(step).collect();
        shown.reverse();
        let worst =
            self.usd_per_th_day.map(|usd| worst_paying_j_per_th(price_usd_per_kwh, usd, &Terms::default()));
        let paying =
            |worst: f64| self.machines.iter().filter(|model| model.efficiency_j_per_th() < worst).count();
        Some(Priced {
            price_usd_per_kwh,
            step_days: step,
            date: shown.iter().map(|row| row.date).collect(),
            lower_twh: shown.iter().map(|row| row.twh.lower).collect(),
            guess_twh: shown.iter().map(|row| row.twh.guess).collect(),
            upper_twh: shown.iter().map(|row| row.twh.upper).collect(),
            latest_guess_gw: rows.last().map(|row| row.gw.guess),
            worst_paying_j_per_th: worst,
            models_paying: worst.map(paying),
            models: self.machines.len(),
            inputs: self.inputs.clone(),
            assumptions: self.assumptions.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_gives_the_series_that_the_method_gives() {
        let slider = Slider::built_in(&Cambridge::default());
        let priced = slider.at(0.05, 7).unwrap();
        let whole = Method::Cambridge(Cambridge::default()).series(&daily_network(None, None), &machines());
        let last = whole.rows.last().unwrap();
        assert_eq!(priced.date.last(), Some(&last.date));
        assert_eq!(priced.guess_twh.last(), Some(&last.twh.guess));
        assert_eq!(priced.latest_guess_gw, Some(last.gw.guess));
        assert_eq!(priced.date.len(), whole.rows.len().div_ceil(7));
        assert_eq!(priced.inputs.network_fingerprint, whole.vintage.network_fingerprint);
        let dearer = slider.at(0.10, 7).unwrap();
        assert!(dearer.guess_twh.last() < priced.guess_twh.last());
        assert!(dearer.models_paying < priced.models_paying);
        for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(slider.at(wrong, 1), None);
        }
    }

    #[test]
    fn an_answer_is_json_as_it_is() {
        let priced = Slider::built_in(&Cambridge::default()).at(0.06, 100).unwrap();
        let json = serde_json::to_value(&priced).unwrap();
        assert_eq!(json["date"].as_array().unwrap().len(), json["upper_twh"].as_array().unwrap().len());
        assert_eq!(json["price_usd_per_kwh"], 0.06);
        assert!(json["assumptions"].as_array().unwrap().iter().any(|one| one["key"] == "pue_guess"));
    }
}
