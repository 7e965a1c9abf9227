//! What mining draws from a nation, by each estimate, and a claim held against all of them.
//!
//! For: power computed from an estimate's own stated inputs: fee receipts, a share of a year's energy, a
//! share of the network's power. They disagree by a factor of five for Kazakhstan and stay apart.
//! Not for: choosing between them.

use crate::world::assumption::{given_number, given_text};
use crate::world::table::{Row, Table};
use crate::world::{Assumption, CountryCode, Period, TableError};

use super::book::Balance;

/// How an estimate comes to its power.
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    /// Receipts of a fee on each kWh: `receipts / fee / hours`.
    Fee {
        /// Money received in the period.
        receipts: f64,
        /// The fee a kWh in the same currency.
        fee_per_kwh: f64,
        /// The currency's code.
        currency: String,
        /// Hours of the period.
        hours: f64,
    },
    /// A share of a year's energy: `percent x energy / hours`.
    ShareOfEnergy {
        /// The share.
        percent: f64,
        /// TWh in the period.
        energy_twh: f64,
        /// Hours of the period.
        hours: f64,
    },
    /// A share of the network's power: `percent x power`.
    ShareOfPower {
        /// The share.
        percent: f64,
        /// GW of the network.
        power_gw: f64,
    },
}

/// One published way to say what mining draws.
#[derive(Clone, Debug, PartialEq)]
pub struct MiningEstimate {
    /// The country.
    pub country: CountryCode,
    /// A short name.
    pub key: String,
    /// A name for readers.
    pub title: String,
    /// Its rule with its inputs.
    pub rule: Rule,
    /// The period it is of.
    pub period: Period,
    /// Who published the inputs.
    pub source: String,
}

impl MiningEstimate {
    /// Mean gigawatts over its period.
    #[must_use]
    pub fn gw(&self) -> f64 {
        match &self.rule {
            Rule::Fee { receipts, fee_per_kwh, hours, .. } => receipts / fee_per_kwh / hours / 1e6,
            Rule::ShareOfEnergy { percent, energy_twh, hours } => percent / 100.0 * energy_twh * 1e3 / hours,
            Rule::ShareOfPower { percent, power_gw } => percent / 100.0 * power_gw,
        }
    }
    /// Its inputs.
    #[must_use]
    pub fn assumptions(&self) -> Vec<Assumption> {
        let number = |what: &str, value: f64, unit: &'static str| {
            given_number(&format!("{}_{what}", self.key), value, unit, self.source.clone())
        };
        match &self.rule {
            Rule::Fee { receipts, fee_per_kwh, currency, hours } => vec![
                number("receipts", *receipts, "currency units"),
                number("fee", *fee_per_kwh, "currency units/kWh"),
                given_text(&format!("{}_currency", self.key), currency.clone(), self.source.clone()),
                number("hours", *hours, "h"),
            ],
            Rule::ShareOfEnergy { percent, energy_twh, hours } => vec![
                number("share", *percent, "%"),
                number("energy", *energy_twh, "TWh"),
                number("hours", *hours, "h"),
            ],
            Rule::ShareOfPower { percent, power_gw } => {
                vec![number("share", *percent, "%"), number("network_power", *power_gw, "GW")]
            }
        }
    }
}

/// Reads `code,estimate,title,rule,amount,amount_unit,rate,rate_unit,hours,period,source`.
pub(super) fn parse_estimates(text: &str) -> Result<Vec<MiningEstimate>, TableError> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let table = Table::read(text)?;
    let names = ["code", "estimate", "title", "rule", "amount", "amount_unit", "rate", "hours", "period"];
    let mut columns = [0; 9];
    for (column, name) in columns.iter_mut().zip(names) {
        *column = table.need(&[name])?;
    }
    let source = table.need(&["source"])?;
    table.rows().map(|row| estimate(row, columns, source)).collect()
}

fn estimate(row: Row<'_>, columns: [usize; 9], source: usize) -> Result<MiningEstimate, TableError> {
    let [code, key, title, rule, amount, unit, rate, hours, period] = columns;
    let number = |column| row.need_positive(column);
    let rule = match row.text(rule) {
        "fee" => Rule::Fee {
            receipts: number(amount)?,
            fee_per_kwh: number(rate)?,
            currency: row.text(unit).to_owned(),
            hours: number(hours)?,
        },
        "share of energy" => {
            Rule::ShareOfEnergy { percent: number(rate)?, energy_twh: number(amount)?, hours: number(hours)? }
        }
        "share of power" => Rule::ShareOfPower { percent: number(rate)?, power_gw: number(amount)? },
        _ => return Err(row.error(rule, "fee, share of energy or share of power")),
    };
    Ok(MiningEstimate {
        country: row.parse(code, "a country")?,
        key: row.text(key).to_owned(),
        title: row.text(title).to_owned(),
        rule,
        period: row.parse(period, "a period such as 2021-08")?,
        source: row.text(source).to_owned(),
    })
}

/// A claim "mining takes X % of the country's power" against each estimate.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimCheck {
    /// What is claimed, in percent.
    pub claim_percent: f64,
    /// The year whose generation and demand it is held against.
    pub year: i16,
    /// Gigawatts that the claim means for that year's generation.
    pub claim_gw: f64,
    /// One row an estimate.
    pub rows: Vec<ClaimRow>,
    /// From what it was computed.
    pub assumptions: Vec<Assumption>,
}

/// One estimate beside the claim.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimRow {
    /// The estimate's short name.
    pub key: String,
    /// The estimate's name for readers.
    pub title: String,
    /// The period it is of.
    pub period: Period,
    /// Its gigawatts.
    pub gw: f64,
    /// In percent of the year's generation.
    pub percent_of_generation: f64,
    /// In percent of the year's demand.
    pub percent_of_demand: f64,
    /// How often the estimate goes into the claim: above 1, the claim is larger.
    pub claim_over_estimate: f64,
}

/// Holds a claim against estimates and a year's balance.
#[must_use]
pub fn check_claim(claim_percent: f64, balance: &Balance, estimates: &[MiningEstimate]) -> ClaimCheck {
    let hours = f64::from(crate::world::hours_of_year(balance.year));
    let mut assumptions = vec![
        given_number("claim", claim_percent, "%", "argument"),
        given_number("generation", balance.generation_twh, "TWh", balance.source.clone()),
        given_number("demand", balance.demand_twh, "TWh", balance.source.clone()),
        given_number("hours_of_year", hours, "h", "calendar"),
    ];
    let rows = estimates.iter().map(|estimate| {
        let twh = estimate.gw() * hours / 1e3;
        let percent_of_generation = twh / balance.generation_twh * 100.0;
        ClaimRow {
            key: estimate.key.clone(),
            title: estimate.title.clone(),
            period: estimate.period,
            gw: estimate.gw(),
            percent_of_generation,
            percent_of_demand: twh / balance.demand_twh * 100.0,
            claim_over_estimate: claim_percent / percent_of_generation,
        }
    });
    let rows = rows.collect();
    assumptions.extend(estimates.iter().flat_map(MiningEstimate::assumptions));
    let claim_gw = claim_percent / 100.0 * balance.generation_twh * 1e3 / hours;
    ClaimCheck { claim_percent, year: balance.year, claim_gw, rows, assumptions }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::GridBook;

    #[test]
    fn three_estimates_come_out_of_their_stated_inputs() {
        let book = GridBook::embedded();
        let found: Vec<_> =
            book.estimates.iter().map(|one| (one.key.as_str(), format!("{:.2}", one.gw()))).collect();
        let expected = [("declared", "0.30"), ("reported", "0.92"), ("top-down", "1.51")];
        assert_eq!(found, expected.map(|(key, gw)| (key, gw.to_owned())));
    }

    #[test]
    fn seven_percent_agrees_with_one_of_three() {
        let book = GridBook::embedded();
        let balance = book.balance(CountryCode::KAZAKHSTAN, 2021).unwrap();
        let check = check_claim(7.0, balance, &book.estimates);
        let percent: Vec<String> =
            check.rows.iter().map(|row| format!("{:.1}", row.percent_of_generation)).collect();
        assert_eq!(percent, ["2.3", "7.0", "11.5"]);
        let ratio: Vec<String> =
            check.rows.iter().map(|row| format!("{:.2}", row.claim_over_estimate)).collect();
        assert_eq!(ratio, ["3.05", "1.00", "0.61"]);
        assert!((check.claim_gw - 0.9196).abs() < 1e-4);
    }

    #[test]
    fn an_unknown_rule_names_its_line() {
        let text = "code,estimate,title,rule,amount,amount_unit,rate,hours,period,source\nKZ,a,a,guess,1,,1,1,2021,\n";
        let error = parse_estimates(text).unwrap_err().to_string();
        assert!(error.starts_with("line 2, column `rule`: `guess` is not fee"), "{error}");
    }
}
