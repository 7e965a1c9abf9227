//! The balance by year, the estimates of mining beside it, and the claim held against each.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use offpeak_index::answers::{estimates_year, nation_csv};
use offpeak_index::grid::{ClaimCheck, GridBook, NationYear, nation_year};
use offpeak_index::world::{Assumption, Generation};
use serde_json::{Value, json};

use crate::cli::Grid;
use crate::commands::observatory::output::{assumptions_json, assumptions_text, print_csv, short};
use crate::commands::table::{number, table};
use crate::commands::{print, print_json};
use crate::exit::Exit;

pub(super) fn show(args: &Grid, book: &GridBook, years: &[i16]) -> Result<Exit> {
    let shown: Vec<NationYear> = match args.year {
        Some(year) => vec![year],
        None => years.to_vec(),
    }
    .into_iter()
    .filter_map(|year| nation_year(book, Generation::embedded(), args.country, year))
    .collect();
    let focus = args.year.or_else(|| estimates_year(book, args.country)).or(years.last().copied());
    let focus =
        shown.iter().find(|one| Some(one.year) == focus).context("a year of the book has a balance")?;
    let claim = focus.claim(args.claim).filter(|check| !check.rows.is_empty());
    let mut list: Vec<Assumption> = shown.iter().flat_map(|one| one.assumptions.iter().cloned()).collect();
    list.extend(claim.iter().flat_map(|check| check.assumptions.iter().cloned()));
    if args.csv {
        print_csv("grid", &list, &nation_csv(&shown), args.assumptions)?;
    } else if args.json {
        print_json(&json!({
            "country": args.country.to_string(),
            "name": args.country.name(),
            "years": shown.iter().map(year_json).collect::<Vec<_>>(),
            "claim": claim.as_ref().map(claim_json),
        }))?;
    } else {
        let mut blocks = vec![format!("{} ({})", args.country.name(), args.country), balances(&shown)];
        if args.year.is_some() {
            blocks.push(mix(focus));
        }
        if let Some(claim) = &claim {
            blocks.push(mining(focus));
            blocks.push(claimed(claim));
        }
        let events = events(&shown);
        if !events.is_empty() {
            blocks.push(events);
        }
        if args.assumptions {
            blocks.push(assumptions_text(&list));
        } else {
            blocks.push("--what-if \"+300MW 00-08, weekend\" asks for a change; --assumptions lists all figures with their sources".to_owned());
        }
        blocks.retain(|block| !block.is_empty());
        print(&blocks.join("\n\n"))?;
    }
    Ok(Exit::Done)
}

fn balances(shown: &[NationYear]) -> String {
    let mut rows = Vec::new();
    for one in shown {
        for balance in &one.balances {
            let peak = one.peak.as_ref();
            let load = peak.map_or_else(
                || "-".to_owned(),
                |peak| format!("{:.0}{}", peak.load_mw, if peak.published { "" } else { " *" }),
            );
            rows.push(vec![
                one.year.to_string(),
                balance.series.clone(),
                number(Some(balance.generation_twh), 2),
                number(Some(balance.demand_twh), 2),
                format!("{:+.2}", balance.surplus_twh()),
                load,
                number(peak.map(|peak| peak.generation_mw), 0),
            ]);
        }
    }
    let header = [
        "year",
        "source",
        "generation TWh",
        "demand TWh",
        "surplus TWh",
        "highest load MW",
        "generated then MW",
    ];
    let mut text = table(&header, &rows);
    if shown.iter().any(|one| one.peak.as_ref().is_some_and(|peak| !peak.published)) {
        text.push_str("\n* not published: scaled from the nearest year that has one");
    }
    text
}

fn mix(year: &NationYear) -> String {
    let Some(mix) = &year.mix else { return String::new() };
    let total = mix.total_twh();
    let mut parts: Vec<_> = mix.twh.iter().filter(|(_, twh)| **twh > 0.0).collect();
    parts.sort_by(|a, b| b.1.total_cmp(a.1));
    let parts: Vec<String> =
        parts.iter().map(|(fuel, twh)| format!("{} {:.0} %", fuel.name(), **twh / total * 100.0)).collect();
    let grams =
        year.intensity.as_ref().map_or_else(String::new, |one| format!("; {:.0} gCO2e/kWh", one.g_per_kwh));
    format!("mix of {}: {}{grams}", mix.year, parts.join(", "))
}

fn mining(year: &NationYear) -> String {
    let rows: Vec<Vec<String>> = year
        .mining
        .iter()
        .map(|one| {
            vec![
                one.estimate.title.clone(),
                one.estimate.period.to_string(),
                format!("{:.2}", one.gw),
                format!("{:.1}", one.percent_of_generation),
                format!("{:.1}", one.percent_of_demand),
                number(one.percent_of_peak, 1),
                format!("{:+.2}", one.surplus_without_twh),
            ]
        })
        .collect();
    let header = [
        "mining",
        "of",
        "GW",
        "% of generation",
        "% of demand",
        "% of highest load",
        "surplus without it TWh",
    ];
    format!("What mining drew, by each estimate, against {}\n{}", year.year, table(&header, &rows))
}

fn claimed(check: &ClaimCheck) -> String {
    let rows: Vec<Vec<String>> = check
        .rows
        .iter()
        .map(|row| {
            vec![row.title.clone(), format!("{:.2}", row.gw), format!("{:.2}", row.claim_over_estimate)]
        })
        .collect();
    format!(
        "The claim of {} % of {}'s generation is {:.2} GW; against each estimate it is\n{}",
        short(check.claim_percent).trim_end_matches('0').trim_end_matches('.'),
        check.year,
        check.claim_gw,
        table(&["estimate", "GW", "times"], &rows)
    )
}

fn events(shown: &[NationYear]) -> String {
    let mut told = Vec::new();
    for event in shown.iter().flat_map(|one| &one.events) {
        let line = format!("{} to {}  {} ({})", event.from, event.to, event.what, event.source);
        if !told.contains(&line) {
            told.push(line);
        }
    }
    told.join("\n")
}

fn year_json(year: &NationYear) -> Value {
    let balances: Vec<Value> = year
        .balances
        .iter()
        .map(|one| {
            json!({
                "series": one.series, "generation_twh": one.generation_twh, "demand_twh": one.demand_twh,
                "surplus_twh": one.surplus_twh(), "source": one.source,
            })
        })
        .collect();
    let peak = year.peak.as_ref().map(|peak| {
        json!({
            "load_mw": peak.load_mw, "generation_mw": peak.generation_mw, "published": peak.published,
            "from_year": peak.from_year, "source": peak.source,
        })
    });
    let mix = year.mix.as_ref().map(|mix| {
        let twh: BTreeMap<&str, f64> = mix.twh.iter().map(|(fuel, twh)| (fuel.name(), *twh)).collect();
        json!({ "year": mix.year, "twh": twh, "source": mix.source })
    });
    let mining: Vec<Value> = year
        .mining
        .iter()
        .map(|one| {
            json!({
                "estimate": one.estimate.key, "title": one.estimate.title,
                "period": one.estimate.period.to_string(), "source": one.estimate.source,
                "gw": one.gw, "twh": one.twh, "percent_of_generation": one.percent_of_generation,
                "percent_of_demand": one.percent_of_demand, "percent_of_highest_load": one.percent_of_peak,
                "surplus_without_twh": one.surplus_without_twh,
            })
        })
        .collect();
    let events: Vec<Value> = year
        .events
        .iter()
        .map(|event| {
            json!({
                "from": event.from.to_string(), "to": event.to.to_string(), "mw": event.mw,
                "what": event.what, "source": event.source,
            })
        })
        .collect();
    json!({
        "year": year.year,
        "balances": balances,
        "highest_load": peak,
        "mix": mix,
        "g_per_kwh": year.intensity.as_ref().map(|one| one.g_per_kwh),
        "mining": mining,
        "events": events,
        "assumptions": assumptions_json(&year.assumptions),
    })
}

fn claim_json(check: &ClaimCheck) -> Value {
    let rows: Vec<Value> = check
        .rows
        .iter()
        .map(|row| {
            json!({
                "estimate": row.key, "title": row.title, "period": row.period.to_string(), "gw": row.gw,
                "percent_of_generation": row.percent_of_generation, "percent_of_demand": row.percent_of_demand,
                "claim_over_estimate": row.claim_over_estimate,
            })
        })
        .collect();
    json!({
        "claim_percent": check.claim_percent, "year": check.year, "claim_gw": check.claim_gw,
        "against": rows, "assumptions": assumptions_json(&check.assumptions),
    })
}
