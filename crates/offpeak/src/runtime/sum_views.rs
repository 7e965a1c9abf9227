//! Energy budgets and the billing peak as a running site shows them.

use offpeak_dispatch::{BudgetStanding, Used};
use offpeak_server::view::{BillingPeakView, BudgetStateView, BudgetView};
use offpeak_site::{EnergyBudget, Site};
use offpeak_units::{Energy, Power};

use super::live::Latest;

fn kwh(energy: Energy) -> f64 {
    energy.to_joules() as f64 / 3.6e6
}

/// Each budget in its running period.
pub(super) fn budgets(site: &Site, latest: &Latest) -> Vec<BudgetView> {
    let now = latest.cycle.at;
    let shown = |(budget, used): (&EnergyBudget, &Used)| {
        let state = used.state(budget, &site.time_zone, now);
        BudgetView {
            id: budget.id.clone(),
            circuit: site.circuits.get(budget.circuit).id.clone(),
            per: budget.period.name().to_owned(),
            from: state.from,
            until: state.until,
            state: match used.standing(now) {
                BudgetStanding::Enough => BudgetStateView::Enough,
                BudgetStanding::Ending => BudgetStateView::Ending,
                BudgetStanding::Spent => BudgetStateView::Spent,
            },
            energy_kwh: kwh(budget.energy),
            used_kwh: kwh(state.used),
            assumed_kwh: kwh(state.assumed),
            since: state.since,
            left_kwh: kwh(state.left),
            reserved_kwh: kwh(state.reserved),
        }
    };
    site.rules.budgets.iter().zip(&latest.memory.counts.budgets).map(shown).collect()
}

/// The billing month; `None` where its peak costs nothing.
pub(super) fn peak(site: &Site, latest: &Latest) -> Option<BillingPeakView> {
    let now = latest.cycle.at;
    let charge = site.economics.demand_charge_at(&site.time_zone, now)?;
    let state = latest.memory.counts.peak.state(&site.economics, &site.time_zone, now);
    let planned = latest.snapshot.directives.ahead.as_ref().and_then(|plan| plan.peak_at(now));
    Some(BillingPeakView {
        from: state.from,
        until: state.until,
        minutes: charge.minutes,
        peak_kw: state.peak.map(Power::to_kilowatts_f64),
        at: state.at,
        since: state.since,
        unseen_s: state.unseen.as_secs_f64(),
        planned_kw: planned.map(|planned| planned.most.to_kilowatts_f64()),
        held: planned.is_some_and(|planned| planned.holds),
    })
}

/// What somebody should see: a budget that is used up only because nobody measured.
pub(super) fn alarms(site: &Site, latest: &Latest) -> Vec<String> {
    let now = latest.cycle.at;
    let spent_unseen = |(budget, used): (&EnergyBudget, &Used)| {
        let state = used.state(budget, &site.time_zone, now);
        let doubtful = used.standing(now) != BudgetStanding::Enough && !state.assumed.is_zero();
        doubtful.then(|| {
            format!(
                "energy budget {} is used up or nearly so, and of what counts as used nobody measured {}: `used_mwh` \
                 and `used_at` in the site file tell what was used before",
                budget.id, state.assumed
            )
        })
    };
    site.rules.budgets.iter().zip(&latest.memory.counts.budgets).filter_map(spent_unseen).collect()
}
