//! Energy budgets and demand charges. Not here: what was used of them.

use std::collections::BTreeMap;

use offpeak_units::{Currency, Energy, Money};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::circuits::{Circuits, Found};
use super::contract::dated;
use super::diagnostic::Report;
use super::section::Section;
use crate::budget::{Before, DemandCharge, EnergyBudget, Period};
use crate::circuit::CircuitIx;
use crate::price::Dated;
use crate::rules::Measure;

/// More than any site uses in a month: 100 GW.
const MEGAWATT_HOURS_MAX: i64 = 80_000_000;

/// Reads `[[budgets]]`.
pub(crate) fn read(file: &Section<'_>, circuits: &Circuits, report: &mut Report<'_>) -> Vec<EnergyBudget> {
    let mut budgets: Vec<EnergyBudget> = Vec::new();
    for entry in file.sections("budgets") {
        let before = before(
            &entry,
            ["used_mwh", "used_at"],
            |entry, key| energy(entry.amount(key)?.min(Decimal::from(MEGAWATT_HOURS_MAX))),
            report,
        );
        let Some(id) = entry.text("id") else { continue };
        if budgets.iter().any(|budget| budget.id == id) {
            report.error(&entry.place_of("id"), &format!("`{id}` twice"), "a name that no other budget has");
        }
        let circuit = match entry.text("circuit").map(|name| (name, circuits.find(name))) {
            None => CircuitIx::ROOT,
            Some((_, Found::Circuit(circuit))) => circuit,
            Some((_, Found::Broken)) => continue,
            Some((name, Found::Unknown)) => {
                let (place, hint) = (entry.place_of("circuit"), circuits.hint(name));
                report.error_with_hint(&place, &format!("`{name}`"), "a circuit of this file", hint);
                continue;
            }
        };
        if circuits.get(circuit).meter.is_none() {
            let found = format!("an energy budget on `{}`, which has no meter", circuits.get(circuit).id);
            let place = if entry.has("circuit") { entry.place_of("circuit") } else { entry.place.clone() };
            report.error(&place, &found, "a circuit with a meter: its energy is measured");
        }
        let period = Period::ALL.into_iter().find(|period| entry.text("per") == Some(period.name()));
        let (Some(period), Some(amount)) = (period, entry.amount("energy_mwh")) else { continue };
        let Some(energy) = energy(amount) else {
            let expected = format!("at most {MEGAWATT_HOURS_MAX} MWh");
            report.wrong(&entry.place_of("energy_mwh"), &expected);
            continue;
        };
        budgets.push(EnergyBudget { id: id.to_owned(), circuit, period, energy, before });
    }
    budgets
}

/// Megawatt-hours, to the watt-hour.
fn energy(megawatt_hours: Decimal) -> Option<Energy> {
    let fits = megawatt_hours <= Decimal::from(MEGAWATT_HOURS_MAX);
    let watt_hours = fits.then(|| (megawatt_hours * Decimal::from(1_000_000)).round().to_i64()).flatten()?;
    Some(Energy::from_watt_hours(watt_hours))
}

/// What was so until an instant: both of the keys, or neither.
pub(super) fn before<'t, T>(
    entry: &Section<'t>,
    [value, at]: [&str; 2],
    read: impl Fn(&Section<'t>, &str) -> Option<T>,
    report: &mut Report<'_>,
) -> Option<Before<T>> {
    if entry.has(value) != entry.has(at) {
        let (there, missing) = if entry.has(value) { (value, at) } else { (at, value) };
        report.wrong(&entry.place_of(there), &format!("`{missing}` beside it: how much, and until when"));
        return None;
    }
    Some(Before { until: entry.instant(at)?, value: read(entry, value)? })
}

/// Reads `[[prices.demand_charges]]`, oldest first.
pub(super) fn read_demand_charges(
    prices: &Section<'_>,
    currency: Currency,
    report: &mut Report<'_>,
) -> Vec<Dated<DemandCharge>> {
    let mut charges = BTreeMap::new();
    for entry in prices.sections("demand_charges") {
        let Some(from) = dated(&entry, &charges, report) else { continue };
        if from.day() != 1 {
            let expected = "the first of a month: a billing month has one demand charge";
            report.error(&entry.place_of("from"), &from.to_string(), expected);
        }
        let minutes = entry.count("demand_min").unwrap_or(15);
        let Some(minutes) = Measure::MINUTES.into_iter().find(|known| u32::from(*known) == minutes) else {
            report.wrong(&entry.place_of("demand_min"), "15, 30 or 60");
            continue;
        };
        let Some(price) = entry.amount("price_per_kw") else { continue };
        let price_per_kilowatt = Money::new(price, currency);
        let holds = entry.flag("hold_peak") == Some(true);
        charges.insert(from, DemandCharge { price_per_kilowatt, minutes, holds });
    }
    charges.into_iter().map(|(from, value)| Dated { from, value }).collect()
}
