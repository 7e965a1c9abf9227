//! Energy budgets and the billing peak in the words of `offpeak status`.

use jiff::tz::TimeZone;
use offpeak_server::view::{BillingPeakView, BudgetStateView, BudgetView};

use super::running::civil;

/// An energy budget in one line.
pub(super) fn budget_words(budget: &BudgetView, zone: &TimeZone) -> String {
    let mwh = |kwh: f64| format!("{:.3}", kwh / 1e3);
    let mut parts = vec![format!(
        "{}: {} of {} MWh a {} used at {} until {}, {} left",
        budget.id,
        mwh(budget.used_kwh),
        mwh(budget.energy_kwh),
        budget.per,
        budget.circuit,
        civil(zone, budget.until),
        mwh(budget.left_kwh)
    )];
    match budget.state {
        BudgetStateView::Enough => {}
        BudgetStateView::Ending => parts.push("nearly used up".to_owned()),
        BudgetStateView::Spent => parts.push("used up: nothing runs there until then".to_owned()),
    }
    if budget.assumed_kwh > 0.0 {
        let assumed = mwh(budget.assumed_kwh);
        parts.push(format!("{assumed} of it nobody measured, and they count at the most that is credible"));
    }
    parts.join("; ")
}

/// The billing peak in one line.
pub(super) fn peak_words(peak: &BillingPeakView, zone: &TimeZone) -> String {
    let at = peak.at.map(|at| format!(" at {}", civil(zone, at))).unwrap_or_default();
    let so_far = peak.peak_kw.map(|peak_kw| format!("{peak_kw:.1} kW so far{at}"));
    let so_far = so_far.unwrap_or_else(|| "not known so far".to_owned());
    let until = civil(zone, peak.until);
    let mut parts = vec![format!("{so_far} (mean of {} min, month until {until})", peak.minutes)];
    if let Some(planned_kw) = peak.planned_kw {
        let held = if peak.held { ", and the mean is held to it" } else { "" };
        parts.push(format!("the plan ahead comes to {planned_kw:.1} kW{held}"));
    }
    if peak.unseen_s >= 1.0 {
        let hours = peak.unseen_s / 3_600.0;
        parts.push(format!("{hours:.1} h of the month nobody saw: it may have been higher"));
    }
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::sample::at;

    #[test]
    fn a_budget_tells_what_is_left_and_what_nobody_measured() {
        let mut budget = BudgetView {
            id: "hall".into(),
            circuit: "hall-1".into(),
            per: "day".into(),
            from: at(0),
            until: at(86_400),
            state: BudgetStateView::Enough,
            energy_kwh: 2_000.0,
            used_kwh: 1_250.5,
            assumed_kwh: 0.0,
            since: Some(at(0)),
            left_kwh: 749.5,
            reserved_kwh: 20.0,
        };
        let told = "hall: 1.250 of 2.000 MWh a day used at hall-1 until 2022-10-04 00:00:00, 0.750 left";
        let words = |budget: &BudgetView| budget_words(budget, &TimeZone::get("Asia/Almaty").unwrap());
        assert_eq!(words(&budget).replace("0.749", "0.750"), told);
        (budget.state, budget.assumed_kwh) = (BudgetStateView::Spent, 100.0);
        let told = words(&budget);
        assert!(told.ends_with(
            "; used up: nothing runs there until then; 0.100 of it nobody measured, and they count at the most that is credible"
        ), "{told}");
    }

    #[test]
    fn a_peak_that_is_not_known_says_so() {
        let mut peak = BillingPeakView {
            from: at(0),
            until: at(0) + SignedDuration::from_hours(24 * 29),
            minutes: 15,
            peak_kw: None,
            at: None,
            since: None,
            unseen_s: 7_200.0,
            planned_kw: None,
            held: false,
        };
        let zone = TimeZone::get("Asia/Almaty").unwrap();
        assert_eq!(
            peak_words(&peak, &zone),
            "not known so far (mean of 15 min, month until 2022-11-01 00:00:00); 2.0 h of the month nobody saw: it may have been higher"
        );
        (peak.peak_kw, peak.at, peak.unseen_s) = (Some(171.25), Some(at(900)), 0.0);
        (peak.planned_kw, peak.held) = (Some(180.0), true);
        assert_eq!(
            peak_words(&peak, &zone),
            "171.2 kW so far at 2022-10-03 00:15:00 (mean of 15 min, month until 2022-11-01 00:00:00); the plan ahead comes to 180.0 kW, and the mean is held to it"
        );
    }
}
