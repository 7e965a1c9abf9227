//! Derating, demand limits and the grid's signals. Not here: what they come to at an instant.

use jiff::SignedDuration;

use super::circuits::{Circuits, Found};
use super::diagnostic::Report;
use super::section::Section;
use crate::circuit::CircuitIx;
use crate::rules::{
    Balance, Demand, Derating, Measure, OwnerTerms, Rules, SharingRule, Signal, Timing, Tuning,
};

/// Reads what limits circuits beside ratings and contract.
pub(crate) fn read(file: &Section<'_>, circuits: &Circuits, report: &mut Report<'_>) -> Rules {
    let mut rules = Rules {
        feed: file.section("site").and_then(|site| site.text("feed").map(str::to_owned)),
        ..Rules::default()
    };
    if let Some(grid) = file.section("grid") {
        read_circuits(&grid, &[CircuitIx::ROOT], circuits, &mut rules, report);
    }
    for entry in file.sections("circuits") {
        let names = entry.names("id").map(|pattern| pattern.names()).unwrap_or_default();
        let found: Vec<_> = names
            .iter()
            .filter_map(|name| match circuits.find(name) {
                Found::Circuit(circuit) => Some(circuit),
                Found::Broken | Found::Unknown => None,
            })
            .collect();
        read_circuits(&entry, &found, circuits, &mut rules, report);
    }
    rules.budgets = super::budgets::read(file, circuits, report);
    read_signals(file, circuits, &mut rules, report);
    rules.terms = file.sections("owners").iter().map(terms).collect();
    rules.sharing = match file.section("sharing").and_then(|sharing| sharing.text("rule")) {
        Some("first-in") => SharingRule::FirstIn,
        Some("priority") => SharingRule::Priority,
        Some("proportional") => SharingRule::Proportional,
        _ => SharingRule::Efficiency,
    };
    if let Some(timing) = file.section("timing") {
        let minutes = |key: &str| SignedDuration::from_mins(i64::from(timing.count(key).unwrap_or(0)));
        rules.timing = Timing { least_run: minutes("least_run_min"), least_rest: minutes("least_rest_min") };
    }
    if let Some(tuning) = file.section("tuning") {
        let allowed = |key: &str| tuning.flag(key).unwrap_or(false);
        rules.tuning =
            Tuning { change_modes: allowed("change_modes"), swap_machines: allowed("swap_machines") };
    }
    rules
}

fn terms(owner: &Section<'_>) -> OwnerTerms {
    let usual = OwnerTerms::default();
    OwnerTerms {
        share: owner.count("share").unwrap_or(usual.share),
        priority: owner.count("priority").unwrap_or(usual.priority),
    }
}

fn read_circuits(
    entry: &Section<'_>,
    found: &[CircuitIx],
    circuits: &Circuits,
    rules: &mut Rules,
    report: &mut Report<'_>,
) {
    let mut points = Vec::new();
    for point in entry.sections("derating") {
        let (Some(at), Some(rating)) = (point.celsius("outdoor_c"), point.kilowatts("rating_kw")) else {
            continue;
        };
        if points.last().is_some_and(|(before, _)| *before >= at) {
            report.wrong(&point.place_of("outdoor_c"), "a temperature above the one before it");
        }
        points.push((at, rating));
    }
    let measure = match entry.count("demand_min") {
        None => Measure::Mean(15),
        Some(minutes) => match Measure::MINUTES.into_iter().find(|known| u32::from(*known) == minutes) {
            Some(minutes) => Measure::Mean(minutes),
            None => return report.wrong(&entry.place_of("demand_min"), "15, 30 or 60"),
        },
    };
    let demand = entry.kilowatts("demand_kw");
    if demand.is_none() && entry.has("demand_min") {
        report.wrong(&entry.place_of("demand_min"), "`demand_kw` beside it: the highest mean");
    }
    let most = entry.kilowatts("phase_imbalance_kw");
    rules.balance.extend(
        most.iter().flat_map(|most| found.iter().map(|circuit| Balance { circuit: *circuit, most: *most })),
    );
    let mut told = false;
    for circuit in found {
        if !points.is_empty() {
            rules.derating.push(Derating { circuit: *circuit, points: points.clone() });
        }
        let Some(limit) = demand else { continue };
        if circuits.get(*circuit).meter.is_none() && !std::mem::replace(&mut told, true) {
            let found = format!("a demand limit on `{}`, which has no meter", circuits.get(*circuit).id);
            report.error(
                &entry.place_of("demand_kw"),
                &found,
                "a circuit with a meter: its mean is measured",
            );
        }
        rules.demand.push(Demand { circuit: *circuit, measure, limit });
    }
}

fn read_signals(file: &Section<'_>, circuits: &Circuits, rules: &mut Rules, report: &mut Report<'_>) {
    for entry in file.sections("signals") {
        let (Some(id), Some(minutes)) = (entry.text("id"), entry.count("hold_min")) else { continue };
        if rules.signals.iter().any(|signal| signal.id == id) {
            report.error(&entry.place_of("id"), &format!("`{id}` twice"), "a name that no other signal has");
        }
        let circuit = match entry.text("circuit").map(|name| (name, circuits.find(name))) {
            None => CircuitIx::ROOT,
            Some((_, Found::Circuit(circuit))) => circuit,
            Some((_, Found::Broken)) => continue,
            Some((name, Found::Unknown)) => {
                let place = entry.place_of("circuit");
                report.error_with_hint(
                    &place,
                    &format!("`{name}`"),
                    "a circuit of this file",
                    circuits.hint(name),
                );
                continue;
            }
        };
        let fallback = entry.kilowatts("fallback_kw");
        if fallback.is_some() == (entry.flag("no_fallback") == Some(true)) {
            let found = if fallback.is_some() { "both" } else { "neither" };
            let found = format!("{found} of `fallback_kw` and `no_fallback = true`");
            report.error(&entry.place, &found, "one of them: what holds when the signal is silent");
        }
        rules.signals.push(Signal {
            id: id.to_owned(),
            circuit,
            hold: SignedDuration::from_mins(i64::from(minutes)),
            fallback,
            levels: entry.kilowatts_list("levels_kw").unwrap_or_default(),
        });
    }
}
