//! Energy budgets and billing months as sums over the steps that are planned.
//!
//! A budget's period, and a billing month, mostly reach beyond the hours that are planned. Of what is left of a budget
//! they get the share that they have of the energy that the contract allows until its period ends, after what
//! everything asleep will draw until then is set aside. Of the price of a kilowatt of peak they get the share that
//! they have of the rest of the month, since a peak once drawn serves the whole month.
//!
//! What is no machine (base load and fans) counts in both and is taken off here, since the question knows machines only.

use jiff::{SignedDuration, Timestamp};
use offpeak_site::{CircuitIx, Period, Site};
use offpeak_units::{Energy, Power};
use rust_decimal::prelude::ToPrimitive as _;

use super::question::{Budget, Peak, Question};
use crate::counts::Counts;
use crate::used::over;

/// A billing month of the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BillingMonth {
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
    /// What is drawn besides machines.
    pub(super) besides: Power,
    pub(super) minutes: u8,
    /// Whether the mean is to be held to what the plan chooses.
    pub(super) holds: bool,
}

/// The peak that a plan has chosen for a billing month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChosenPeak {
    /// When the month begins,
    pub from: Timestamp,
    /// and when it ends.
    pub until: Timestamp,
    /// The highest mean that the plan comes to, or the one that was drawn already.
    pub most: Power,
    /// The mean is over so many minutes.
    pub minutes: u8,
    /// Whether the connection's mean is held to it.
    pub holds: bool,
}

/// Whether hours depend on each other by a budget or a peak.
pub(super) fn any(site: &Site, now: Timestamp) -> bool {
    !site.rules.budgets.is_empty() || site.economics.demand_charge_at(&site.time_zone, now).is_some()
}

/// The next end of a budget's period or of a billing month after an instant.
pub(super) fn next_edge(site: &Site, at: Timestamp) -> Option<Timestamp> {
    let charged = !site.economics.costs.demand_charges.is_empty();
    let periods = site.rules.budgets.iter().map(|budget| budget.period);
    let ends = periods.chain(charged.then_some(Period::Month));
    ends.map(|period| period.span(&site.time_zone, at).1).min()
}

/// Steps of one period: the period, the first step and the one after the last.
struct Group {
    period: (Timestamp, Timestamp),
    steps: (usize, usize),
}

/// A step is of the period in which its last second lies.
fn groups(site: &Site, period: Period, begins: &[Timestamp]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (step, ends) in begins.iter().skip(1).enumerate() {
        let last = *ends - SignedDuration::from_secs(1);
        match groups.last_mut() {
            Some(group) if last < group.period.1 => group.steps.1 = step + 1,
            _ => {
                let period = period.span(&site.time_zone, last);
                groups.push(Group { period, steps: (step, step + 1) });
            }
        }
    }
    groups
}

/// What is drawn at a circuit besides machines, fans included.
fn besides(site: &Site, circuit: CircuitIx) -> Power {
    let fans = site.fans.iter().filter(|fans| site.circuits.is_within(fans.circuit, circuit));
    site.base_draw(circuit) + fans.map(|fans| fans.power).sum()
}

/// Adds the budgets' sums; `begins` are the steps' begins and the end of the last.
pub(super) fn add_budgets(
    site: &Site,
    counts: &Counts,
    now: Timestamp,
    begins: &[Timestamp],
    question: &mut Question,
) {
    for (budget, used) in site.rules.budgets.iter().zip(&counts.budgets) {
        let least = site.least_draw(budget.circuit);
        let asleep = least - besides(site, budget.circuit);
        for Group { period: (from, until), steps } in groups(site, budget.period, begins) {
            let running = (from..until).contains(&now);
            let (rest_from, spare) = if running {
                let state = used.state(budget, &site.time_zone, now);
                (now, state.left.saturating_sub(state.reserved))
            } else {
                (from, budget.energy.saturating_sub(over(least, from.duration_until(until))))
            };
            let reaches = begins[steps.1];
            let share = share(site, (rest_from, reaches, until));
            let hours = question.hours(steps.0, steps.1);
            let energy_max_kwh = kilowatt_hours(spare) * share + asleep.to_kilowatts_f64() * hours;
            let (from, until) = steps;
            question.budgets.push(Budget { circuit: budget.circuit.ix(), from, until, energy_max_kwh });
        }
    }
}

fn kilowatt_hours(energy: Energy) -> f64 {
    energy.to_joules() as f64 / 3.6e6
}

/// The share that the time until `reaches` has of what the contract allows above everything asleep until `until`.
fn share(site: &Site, (from, reaches, until): (Timestamp, Timestamp, Timestamp)) -> f64 {
    if reaches >= until {
        return 1.0;
    }
    let (usable, all) = (usable(site, from, reaches), usable(site, from, until));
    if all > 0.0 {
        return usable / all;
    }
    let hours = |until: Timestamp| from.duration_until(until).as_secs_f64();
    hours(reaches) / hours(until).max(1.0)
}

/// What the contract allows above everything asleep, in kilowatt-seconds.
fn usable(site: &Site, from: Timestamp, until: Timestamp) -> f64 {
    let least = site.least_draw(CircuitIx::ROOT);
    let (mut at, mut sum) = (from, 0.0);
    while at < until {
        let span = site.contract.limit_at(&site.time_zone, at);
        let ends = span.until.max(at + SignedDuration::from_secs(1)).min(until);
        if span.open {
            let most = span.limit.min(site.most_draw(CircuitIx::ROOT));
            sum += most.saturating_sub(least).to_kilowatts_f64() * at.duration_until(ends).as_secs_f64();
        }
        at = ends;
    }
    sum
}

/// Adds the billing months, and says which they are.
pub(super) fn add_peaks(
    site: &Site,
    counts: &Counts,
    now: Timestamp,
    begins: &[Timestamp],
    question: &mut Question,
) -> Vec<BillingMonth> {
    let mut months = Vec::new();
    let besides = besides(site, CircuitIx::ROOT);
    for Group { period: (from, until), steps } in groups(site, Period::Month, begins) {
        let Some(charge) = site.economics.demand_charge_at(&site.time_zone, from) else { continue };
        let running = (from..until).contains(&now);
        // Nothing was drawn yet in a month to come. In the running one the least that will be billed counts: where
        // nobody measured, a plan that takes the peak to be lower is the careful one.
        let state = running.then(|| counts.peak.state(&site.economics, &site.time_zone, now));
        let so_far = state.and_then(|state| state.at_least());
        let rest = if running { now } else { from }.duration_until(until).as_secs_f64() / 3_600.0;
        let planned = question.hours(steps.0, steps.1);
        let Some(price) = charge.price_per_kilowatt.amount().to_f64() else { continue };
        question.peaks.push(Peak {
            from: steps.0,
            until: steps.1,
            price_per_kw: price * (planned / rest.max(planned)),
            so_far_kw: so_far.map_or(0.0, |peak| peak.saturating_sub(besides).to_kilowatts_f64()),
        });
        let holds = charge.holds && (!running || so_far.is_some());
        months.push(BillingMonth { from, until, besides, minutes: charge.minutes, holds });
    }
    months
}

/// What a plan comes to in each billing month, whole watts, rounded up.
pub(super) fn chosen(question: &Question, months: &[BillingMonth], power_kw: &[f64]) -> Vec<ChosenPeak> {
    let of = |(month, peak): (&BillingMonth, &Peak)| {
        let steps = power_kw.get(peak.from..peak.until).unwrap_or_default();
        let highest = steps.iter().copied().fold(peak.so_far_kw, f64::max);
        let most = month.besides + Power::from_watts((highest * 1e3).ceil() as i64);
        let BillingMonth { from, until, minutes, holds, .. } = *month;
        ChosenPeak { from, until, most, minutes, holds }
    };
    months.iter().zip(&question.peaks).map(of).collect()
}

#[cfg(test)]
#[path = "sums_tests.rs"]
mod tests;
