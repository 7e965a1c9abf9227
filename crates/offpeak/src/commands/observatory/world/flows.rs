//! Who gained what others lost between two periods, in points and in the network's own units.

use anyhow::{Result, bail};
use offpeak_index::answers::{Inputs, Whole, flows_assumptions, flows_csv, wholes};
use offpeak_index::world::{Flow, Flows, Period, Place, ShareSeries, flows};
use serde_json::{Value, json};

use super::{asked, network_load};
use crate::cli::World;
use crate::commands::observatory::output::{assumptions_json, assumptions_text, print_csv, short};
use crate::commands::table::table;
use crate::commands::{print, print_json};
use crate::exit::Exit;

pub(super) fn show(
    args: &World,
    series: &[ShareSeries],
    inputs: &Inputs,
    before: Period,
    after: Period,
) -> Result<Exit> {
    let load = network_load(args, inputs)?;
    let both = |one: &&ShareSeries| one.points.contains_key(&before) && one.points.contains_key(&after);
    let mut found = Vec::new();
    for one in asked(args, series).into_iter().filter(both) {
        found.push((one, flows(one, before, after)?));
    }
    if found.is_empty() {
        bail!(
            "no series reports both {before} and {after}\nhint: `offpeak world --month PERIOD` says what there is; --shares FILE gives a fuller table"
        );
    }
    let wholes = wholes(inputs, &load, before, after);
    let list = flows_assumptions(&found, &wholes, &load);
    if args.csv {
        print_csv("flows", &list, &flows_csv(&found, &wholes), args.assumptions)?;
    } else if args.json {
        let all: Vec<Value> = found.iter().map(|(one, flows)| as_json(one, flows, &wholes)).collect();
        print_json(&json!({ "flows": all, "network": { "method": load.method, "inputs": load.vintage } }))?;
    } else {
        let mut blocks: Vec<String> = found.iter().map(|(one, flows)| as_text(one, flows, &wholes)).collect();
        if args.assumptions {
            blocks.push(assumptions_text(&list));
        }
        print(&blocks.join("\n\n"))?;
    }
    Ok(Exit::Done)
}

fn as_text(series: &ShareSeries, flows: &Flows, wholes: &[Whole]) -> String {
    let mut header =
        vec!["place".to_owned(), flows.before.to_string(), flows.after.to_string(), "points".to_owned()];
    header.extend(wholes.iter().map(|whole| whole.unit.to_owned()));
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let absolute: Vec<_> = wholes.iter().map(|whole| flows.absolute(whole.before, whole.after)).collect();
    let rows: Vec<Vec<String>> = flows
        .changes
        .iter()
        .map(|change| {
            let mut row = vec![
                change.place.name().to_owned(),
                format!("{:.1} %", change.before),
                format!("{:.1} %", change.after),
                format!("{:+.1}", change.points()),
            ];
            row.extend(
                absolute.iter().map(|by| by.get(&change.place).map_or_else(String::new, |v| signed(*v))),
            );
            row
        })
        .collect();
    let mut text = format!(
        "{} to {}, {} ({})\n{}",
        flows.before,
        flows.after,
        series.key,
        series.title,
        table(&header, &rows)
    );
    if !flows.folded.is_empty() {
        let names: Vec<&str> = flows.folded.iter().map(Place::name).collect();
        text.push_str(&format!("\n{} reported once only, and so not reported here", names.join(", ")));
    }
    for whole in wholes {
        text.push_str(&format!("\nnetwork {} to {} {}", short(whole.before), short(whole.after), whole.unit));
    }
    text.push_str("\n\nBy the rule loss x gain / sum of gains: a picture, no measurement\n");
    text.push_str(&flow_table("points", &flows.flows));
    if let Some(whole) = wholes.first() {
        text.push_str(&format!("\n\nThe same in {}, with what was switched off or is new\n", whole.unit));
        text.push_str(&flow_table(whole.unit, &flows.absolute_flows(whole.before, whole.after)));
    }
    text
}

fn signed(value: f64) -> String {
    format!("{}{}", if value > 0.0 { "+" } else { "" }, short(value))
}

fn flow_table(unit: &str, list: &[Flow]) -> String {
    let mut list: Vec<&Flow> = list.iter().collect();
    list.sort_by(|a, b| b.amount.total_cmp(&a.amount));
    let row = |flow: &&Flow| vec![flow.from.name().to_owned(), flow.to.name().to_owned(), short(flow.amount)];
    table(&["from", "to", unit], &list.iter().map(row).collect::<Vec<_>>())
}

fn flows_json(list: &[Flow]) -> Value {
    let one = |flow: &Flow| json!({ "from": flow.from.key(), "to": flow.to.key(), "amount": flow.amount });
    list.iter().map(one).collect()
}

fn as_json(series: &ShareSeries, flows: &Flows, wholes: &[Whole]) -> Value {
    let changes: Vec<Value> = flows
        .changes
        .iter()
        .map(|change| {
            let (place, points) = (&change.place, change.points());
            json!({
                "place": place.key(), "name": place.name(),
                "before_percent": change.before, "after_percent": change.after, "points": points,
            })
        })
        .collect();
    let absolute: Vec<Value> = wholes
        .iter()
        .map(|whole| {
            let changes: serde_json::Map<String, Value> = flows
                .absolute(whole.before, whole.after)
                .into_iter()
                .map(|(place, change)| (place.key().to_owned(), change.into()))
                .collect();
            let moved = flows_json(&flows.absolute_flows(whole.before, whole.after));
            json!({
                "unit": whole.unit, "network_before": whole.before, "network_after": whole.after,
                "changes": changes, "flows": moved,
            })
        })
        .collect();
    json!({
        "series": series.key,
        "from_period": flows.before.to_string(),
        "to_period": flows.after.to_string(),
        "changes": changes,
        "flows_points": flows_json(&flows.flows),
        "reported_once": flows.folded.iter().map(Place::key).collect::<Vec<_>>(),
        "absolute": absolute,
        "assumptions": assumptions_json(&flows.assumptions),
    })
}
