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

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use offpeak_server::SiteHandle as _;
    use offpeak_site::{Before, CircuitIx, Dated, DemandCharge, Period};
    use offpeak_units::Money;

    use super::super::ahead::live_tests::{mine_of, until};
    use super::super::ahead::tests::{local, site};
    use super::super::live::lock;
    use super::*;

    /// The real loop in virtual time over a budget that ends within minutes.
    #[tokio::test(start_paused = true)]
    async fn a_budget_that_ends_stops_its_circuit_and_everybody_can_read_why() {
        let mut site = site();
        let begins = local(8, 50);
        let kwh = |kwh: i64| Energy::from_watt_hours(kwh * 1_000);
        let (_, midnight) = Period::Day.span(&site.time_zone, begins);
        let rest =
            site.least_draw(CircuitIx::ROOT).over_millis(begins.duration_until(midnight).as_secs() * 1_000);
        site.rules.budgets.push(EnergyBudget {
            id: "day".into(),
            circuit: CircuitIx::ROOT,
            period: Period::Day,
            energy: kwh(1_000) + rest + kwh(60),
            before: Some(Before { until: begins, value: kwh(1_000) }),
        });
        let price_per_kilowatt = Money::new(900.into(), site.economics.currency);
        let value = DemandCharge { price_per_kilowatt, minutes: 15, holds: true };
        site.economics.costs.demand_charges.push(Dated { from: jiff::civil::date(2022, 10, 1), value });
        let (dir, source) = (tempfile::tempdir().unwrap(), "energy budget day is used up");
        let (shared, answers) = mine_of(site, dir.path());
        let is = |standing| {
            lock(&shared.latest).as_ref().is_some_and(|latest| {
                let used = &latest.memory.counts.budgets[0];
                used.running().is_some() && used.standing(latest.cycle.at) == standing
            })
        };
        until("it is counted", || is(BudgetStanding::Enough)).await;
        until("the way down", || is(BudgetStanding::Ending)).await;
        until("it is used up", || is(BudgetStanding::Spent)).await;
        let view = answers.view(0).budgets.into_iter().next().unwrap();
        assert_eq!(view.state, BudgetStateView::Spent);
        assert!(view.left_kwh >= 0.0 && view.left_kwh < view.energy_kwh * 0.11, "{view:?}");
        assert!(view.assumed_kwh < 5.0, "the seconds before the first reading: {view:?}");
        let power = || lock(&shared.latest).as_ref()?.cycle.loads.circuit(CircuitIx::ROOT).measured;
        until("everything is off", || power().is_some_and(|power| power < Power::from_kilowatts(12))).await;

        let now = answers.view(0).at;
        for at in [None, Some(now + SignedDuration::from_hours(2))] {
            let told = answers.explain("grid", at).unwrap();
            assert_eq!(told.binding.map(|limit| limit.source).as_deref(), Some(source), "{at:?}");
        }
        let tomorrow = answers.explain("grid", Some(midnight + SignedDuration::from_secs(1))).unwrap();
        assert_ne!(tomorrow.binding.map(|limit| limit.source).as_deref(), Some(source));
        let rows = answers.calendar(None, 2).unwrap();
        assert_eq!(rows[0].binding.as_ref().map(|limit| limit.source.as_str()), Some(source));
        let preview = answers.preview("grid to 100 kW", "wish").unwrap();
        assert_eq!(preview.binds.map(|limit| limit.source).as_deref(), Some(source));
        // What nobody saw of the month is told, and no peak is made up.
        let peak = answers.view(0).peak.unwrap();
        assert!(peak.unseen_s > 86_400.0 && peak.planned_kw.is_none() && !peak.held, "{peak:?}");
        assert!(peak.peak_kw.is_none_or(|peak_kw| peak_kw > 12.0), "{peak:?}");
    }
}
