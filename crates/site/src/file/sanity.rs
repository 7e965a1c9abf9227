//! What is no mistake of a single line, but does not fit together: figures of the whole site against
//! each other. All of these are warnings, since the controller holds every limit anyway.

use std::collections::BTreeMap;

use offpeak_units::Power;

use super::diagnostic::Report;
use super::section::Section;
use crate::budget::Period;
use crate::circuit::CircuitIx;
use crate::plant::{Authority, Site};
use crate::summary;

/// Compares a site that has no errors with itself.
pub(crate) fn check(site: &Site, file: &Section<'_>, report: &mut Report<'_>) {
    if site.machines.is_empty() {
        let hint = Some("`[[machines]]` gives them by pattern, `[inventory]` by a list".to_owned());
        report.warning(&file.place_of("site"), "no machines", "at least one machine", hint);
    }
    check_house_load(site, file, report);
    check_windows(site, file, report);
    check_base_loads(site, file, report);
    check_unstoppable(site, file, report);
    check_budgets(site, file, report);
}

/// A budget that sleepers, fans and lights use up alone lets nothing run. The shortest period counts.
fn check_budgets(site: &Site, file: &Section<'_>, report: &mut Report<'_>) {
    let entries = file.sections("budgets");
    for (budget, entry) in site.rules.budgets.iter().zip(&entries) {
        let days = match budget.period {
            Period::Day => 1,
            Period::Week => 7,
            Period::Month => 28,
        };
        let floor = site.least_draw(budget.circuit).over_millis(days * 86_400_000);
        if floor > budget.energy {
            let found = format!("{}, but with every machine asleep {floor} are drawn", budget.energy);
            let place = entry.place_of("energy_mwh");
            report.warning(&place, &found, "more than sleepers, fans and lights draw", None);
        }
    }
}

fn check_house_load(site: &Site, file: &Section<'_>, report: &mut Report<'_>) {
    let floor = summary::floor(site);
    if floor > site.contract.house_load
        && let Some(contract) = file.section("contract")
    {
        let found =
            format!("{}, but with every machine asleep the site draws {floor}", site.contract.house_load);
        let expected = "at least what sleepers, fans and lights draw";
        let hint = Some("outside the windows this limit cannot be kept".to_owned());
        report.warning(&contract.place_of("house_load_kw"), &found, expected, hint);
    }
}

fn check_windows(site: &Site, file: &Section<'_>, report: &mut Report<'_>) {
    let rating = site.circuits.get(CircuitIx::ROOT).rating;
    let entries = file.section("contract").map(|contract| contract.sections("windows")).unwrap_or_default();
    for (window, entry) in site.contract.windows.iter().zip(&entries) {
        let place = entry.place_of("limit_kw");
        if rating.is_some_and(|rating| window.limit > rating) {
            let found = format!("{} on a connection rated {}", window.limit, rating.unwrap_or(Power::ZERO));
            report.warning(&place, &found, "a limit that the connection can carry", None);
        }
        if window.limit < site.contract.house_load {
            let found = format!("{}, below the house load of {}", window.limit, site.contract.house_load);
            report.warning(&place, &found, "more within a window than outside", None);
        }
    }
}

fn check_base_loads(site: &Site, file: &Section<'_>, report: &mut Report<'_>) {
    let mut below: Vec<Power> = site.circuits.iter().map(|(_, circuit)| circuit.base_load).collect();
    for (ix, circuit) in site.circuits.iter().rev() {
        if let Some(parent) = circuit.parent {
            let own = below[ix.ix()];
            below[parent.ix()] += own;
        }
    }
    let over = site
        .circuits
        .iter()
        .find(|(ix, circuit)| circuit.rating.is_some_and(|rating| below[ix.ix()] > rating));
    if let Some((ix, circuit)) = over {
        let found = format!("{} of fans, lights and the like on `{}`", below[ix.ix()], circuit.id);
        let rating = circuit.rating.unwrap_or(Power::ZERO);
        report.warning(
            &file.place_of("circuits"),
            &found,
            &format!("no more than its rating of {rating}"),
            None,
        );
    }
}

/// Machines that nothing can stop, in halls where offpeak is to act.
fn check_unstoppable(site: &Site, file: &Section<'_>, report: &mut Report<'_>) {
    let mut by_model = BTreeMap::<&str, usize>::new();
    for machine in &site.machines {
        let model = site.model(machine.model);
        if machine.outlet.is_none()
            && !model.is_put_to_sleep()
            && site.authority(machine.circuit) == Authority::Control
        {
            *by_model.entry(&model.name).or_default() += 1;
        }
    }
    for (model, count) in by_model {
        let entries = file.sections("machines");
        let entry = entries.iter().find(|entry| entry.text("model") == Some(model) && !entry.has("switch"));
        let place = entry.map_or_else(|| file.place_of("inventory"), |entry| entry.place_of("model"));
        let found = format!("{count} machines of model {model} without a switched outlet");
        let hint = Some("they run whenever they have power".to_owned());
        report.warning(&place, &found, "an outlet for machines that cannot be put to sleep by command", hint);
    }
}
