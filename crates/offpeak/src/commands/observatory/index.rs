//! `offpeak index`: the network's electricity by each method, and files that can be computed again.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use jiff::civil::Date;
use offpeak_index::answers::Inputs;
use offpeak_index::electricity::{Band, Exported, Row, Series, read_csv, recompute, side_by_side, to_csv};
use serde_json::{Value, json};

use super::inputs;
use super::output::{assumptions_json, assumptions_text, band_json, cells, misused, short, vintage_json};
use crate::cli::{Index, Sources};
use crate::commands::table::table;
use crate::commands::{print, print_json};
use crate::exit::Exit;

/// Years shown below the latest day.
const YEARS: usize = 8;

pub(super) fn index(args: Index) -> Result<Exit> {
    if let Some(path) = &args.recompute {
        return check(path, &args.sources, args.json);
    }
    if let (Some(from), Some(to)) = (args.from, args.to)
        && from > to
    {
        misused(&format!("--from {from} is after --to {to}"));
    }
    let methods = match args.method {
        Some(name) => vec![inputs::method(name, &args.changes)?],
        None => inputs::methods(&args.changes)?,
    };
    let inputs = inputs::of(&args.sources)?;
    let series: Vec<Series> = methods
        .iter()
        .map(|method| method.series(&inputs.network, &inputs.catalogue).between(args.from, args.to))
        .collect();
    let latest = series.iter().filter_map(|series| series.rows.last()).map(|row| row.date).max();
    if latest.is_none() {
        eprintln!("no day in that span has an estimate{}", span_of(&inputs));
    }
    if args.csv {
        print(&to_csv(&series[0], args.assumptions))?;
    } else if args.json {
        print_json(&as_json(&series, latest, &inputs, args.method.is_some()))?;
    } else if let Some(latest) = latest {
        print(&as_text(&series, latest, &inputs, args.assumptions))?;
    }
    Ok(Exit::Done)
}

fn span_of(inputs: &Inputs) -> String {
    let span = inputs.network.first().zip(inputs.network.last());
    span.map(|(first, last)| format!(": the series runs from {} to {}", first.date, last.date))
        .unwrap_or_default()
}

fn as_text(series: &[Series], latest: Date, inputs: &Inputs, assumptions: bool) -> String {
    let side = side_by_side(latest, series);
    let rows: Vec<Vec<String>> = side
        .estimates
        .iter()
        .map(|one| {
            let [lower, guess, upper] = cells(one.row.map(|row| row.twh));
            let [gw_lower, gw_guess, gw_upper] = cells(one.row.map(|row| row.gw));
            vec![one.label.clone(), lower, guess, upper, gw_lower, gw_guess, gw_upper]
        })
        .collect();
    let mut text = format!("Electricity of the Bitcoin network on {latest}\n\n");
    let header = ["method", "TWh/a: lower", "guess", "upper", "GW: lower", "guess", "upper"];
    text.push_str(&table(&header, &rows));
    if let Some((least, most)) = side.guess_span_twh().filter(|_| series.len() > 1) {
        text.push_str(&format!(
            "\n\nBest guesses lie between {} and {} TWh a year. They answer different questions and are not merged.",
            short(least),
            short(most)
        ));
    }
    text.push_str("\n\nMean best guess by year, TWh a year (* not all days)\n\n");
    text.push_str(&years_text(series, latest));
    text.push_str(&format!("\n\n{}", vintage_text(series, inputs)));
    if assumptions {
        for one in series {
            let list = assumptions_text(&one.method.assumptions());
            text.push_str(&format!("\n\nAssumptions of {}\n\n{list}", one.method.label()));
        }
    } else {
        text.push_str(
            "\nassumptions: --assumptions lists them with their sources, --set KEY=VALUE changes one",
        );
    }
    text
}

fn years_text(series: &[Series], latest: Date) -> String {
    let mut header = vec!["year".to_owned()];
    header.extend(series.iter().map(|one| one.method.label()));
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let mut rows = Vec::new();
    let years = (0..).map_while(|back| latest.year().checked_sub(back)).take(YEARS);
    for year in years {
        let means: Vec<Option<(f64, usize)>> = series.iter().map(|one| one.year_guess_twh(year)).collect();
        if means.iter().all(Option::is_none) {
            break;
        }
        let full = usize::try_from(jiff::civil::date(year, 1, 1).days_in_year()).unwrap_or(365);
        let cell = |mean: Option<(f64, usize)>| {
            mean.map_or_else(
                || "-".to_owned(),
                |(twh, days)| format!("{}{}", short(twh), if days < full { " *" } else { "" }),
            )
        };
        rows.push([year.to_string()].into_iter().chain(means.into_iter().map(cell)).collect());
    }
    table(&header, &rows)
}

fn vintage_text(series: &[Series], inputs: &Inputs) -> String {
    let vintage = &series[0].vintage;
    format!(
        "network     {}, fingerprint {}: {}\nmachines    {} models, fingerprint {}: {}",
        vintage.network_reach(),
        vintage.network_fingerprint,
        inputs.network_source,
        vintage.catalogue_models,
        vintage.catalogue_fingerprint,
        inputs.catalogue_source,
    )
}

fn row_json(row: &Row) -> Value {
    json!({
        "date": row.date.to_string(),
        "twh": band_json(row.twh),
        "gw": band_json(row.gw),
        "profitable_models": row.profitable,
        "threshold_j_per_th": row.threshold_j_per_th,
    })
}

fn as_json(series: &[Series], latest: Option<Date>, inputs: &Inputs, daily: bool) -> Value {
    let years = |one: &Series| -> Vec<Value> {
        let (first, last) = match (one.rows.first(), one.rows.last()) {
            (Some(first), Some(last)) => (first.date.year(), last.date.year()),
            _ => return Vec::new(),
        };
        let mean = |year| {
            let (twh, days) = one.year_guess_twh(year)?;
            Some(json!({ "year": year, "guess_twh": twh, "days": days }))
        };
        (first..=last).filter_map(mean).collect()
    };
    let estimates: Vec<Value> = series
        .iter()
        .map(|one| {
            let mut value = json!({
                "method": one.method.name(),
                "label": one.method.label(),
                "assumptions": assumptions_json(&one.method.assumptions()),
                "latest": latest.and_then(|day| one.on(day)).map(row_json),
                "years": years(one),
            });
            if daily {
                value["days"] = one.rows.iter().map(row_json).collect();
            }
            value
        })
        .collect();
    let span = latest.and_then(|day| side_by_side(day, series).guess_span_twh());
    let mut vintage = vintage_json(&series[0].vintage);
    vintage["network"]["source"] = inputs.network_source.clone().into();
    vintage["catalogue"]["source"] = inputs.catalogue_source.clone().into();
    json!({
        "date": latest.map(|day| day.to_string()),
        "estimates": estimates,
        "guess_span_twh": span.map(|(least, most)| json!({ "least": least, "most": most })),
        "inputs": vintage,
    })
}

/// `--recompute`: the file's own header against the file's own rows.
fn check(path: &Path, sources: &Sources, as_json: bool) -> Result<Exit> {
    const HINT: &str = "a file that `offpeak index --method NAME --csv --assumptions` wrote";
    let text = inputs::read(path, HINT)?;
    let at = || format!("{}\nhint: {HINT}", path.display());
    let exported: Exported = read_csv(&text).with_context(at)?;
    if exported.method.is_none() {
        bail!("{} does not say how it was computed\nhint: {HINT}", path.display());
    }
    let inputs = inputs::of(sources)?;
    let again = recompute(&exported, &inputs.network, &inputs.catalogue).with_context(|| {
        format!(
            "{}\nhint: name the inputs it was computed from: --network FILE.csv --catalogue FILE.csv",
            path.display()
        )
    })?;
    let fresh = read_csv(&to_csv(&again, true)).context("what was just written reads back")?;
    let differing: Vec<Date> = differing_days(&exported.rows, &fresh.rows);
    let agrees = differing.is_empty();
    if as_json {
        print_json(&json!({
            "file": path.display().to_string(),
            "method": again.method.label(),
            "days": exported.rows.len(),
            "differing_days": differing.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "agrees": agrees,
            "inputs": vintage_json(&again.vintage),
        }))?;
    } else if agrees {
        print(&format!(
            "{}: all {} days of {} come out again, to the last digit\n{}",
            path.display(),
            exported.rows.len(),
            again.method.label(),
            vintage_text(&[again], &inputs)
        ))?;
    } else {
        print(&format!(
            "{}: {} of {} days differ from what its header says, the first {}",
            path.display(),
            differing.len(),
            exported.rows.len(),
            differing[0]
        ))?;
    }
    Ok(if agrees { Exit::Done } else { Exit::CheckFailed })
}

/// Days whose numbers are not the same, or that one of both does not have.
fn differing_days(file: &[Row], fresh: &[Row]) -> Vec<Date> {
    let of = |rows: &[Row]| -> std::collections::BTreeMap<Date, [Band; 2]> {
        rows.iter().map(|row| (row.date, [row.twh, row.gw])).collect()
    };
    let (file, fresh) = (of(file), of(fresh));
    let mut days: Vec<Date> = file.keys().chain(fresh.keys()).copied().collect();
    days.sort_unstable();
    days.dedup();
    days.retain(|day| file.get(day) != fresh.get(day));
    days
}
