//! The world in a period: ranks, loads, carbon; provinces; what it all comes to.

use anyhow::Result;
use offpeak_index::answers::{Inputs, provinces, waste_kt, world_csv};
use offpeak_index::world::{
    Assumption, EWASTE_LIFE_YEARS, Generation, NetworkLoad, Overview, Period, ShareSeries, Water,
    network_intensities, overview, water,
};
use serde_json::{Value, json};

use super::{country_of, network_load, with_period};
use crate::cli::World;
use crate::commands::observatory::output::{
    assumptions_json, assumptions_text, band_json, cells, print_csv, short,
};
use crate::commands::table::{number, table};
use crate::commands::{print, print_json};
use crate::exit::Exit;

/// Hours of the mean year (365.25 days).
const HOURS_A_YEAR: f64 = 8_766.0;

pub(super) fn show(args: &World, series: &[ShareSeries], inputs: &Inputs) -> Result<Exit> {
    let load = network_load(args, inputs)?;
    let chosen = with_period(args, series)?;
    let all: Vec<Overview> = chosen
        .iter()
        .filter_map(|(one, period)| overview(one, Some(&load), *period, Generation::embedded()))
        .collect();
    let parts: Vec<_> = chosen.iter().filter(|(one, _)| country_of(one).is_some()).copied().collect();
    if args.csv {
        let list: Vec<Assumption> = all.iter().flat_map(|one| one.assumptions.iter().cloned()).collect();
        print_csv("world", &list, &world_csv(&all, &parts, series, &load), args.assumptions)?;
    } else if args.json {
        let provinces: Vec<Value> =
            parts.iter().map(|(one, period)| provinces_json(one, *period, series, &load)).collect();
        print_json(&json!({
            "series": all.iter().map(|one| overview_json(one, series, inputs)).collect::<Vec<_>>(),
            "provinces": provinces,
            "network": { "method": load.method, "inputs": load.vintage },
        }))?;
    } else {
        let mut blocks: Vec<String> =
            all.iter().map(|one| overview_text(one, series, &load, inputs)).collect();
        blocks.extend(parts.iter().map(|(one, period)| provinces_text(one, *period, series, &load)));
        if args.assumptions {
            blocks.extend(all.iter().map(|one| {
                format!(
                    "Assumptions of {} {}\n{}",
                    one.series,
                    one.period,
                    assumptions_text(&one.assumptions)
                )
            }));
        } else {
            blocks.push(format!("network by {}; --assumptions lists what all of this rests on", load.method));
        }
        print(&blocks.join("\n\n"))?;
    }
    Ok(Exit::Done)
}

fn head(series: &[ShareSeries], key: &str) -> (String, String) {
    let found = series.iter().find(|one| one.key == key);
    found.map_or_else(Default::default, |one| {
        let sample = one.sample.map_or_else(String::new, |sample| {
            format!(", a sample of {} to {} % of the network", sample.low_percent, sample.high_percent)
        });
        (format!("{} ({}{sample})", one.key, one.title), one.error.clone())
    })
}

fn overview_text(all: &Overview, series: &[ShareSeries], load: &NetworkLoad, inputs: &Inputs) -> String {
    let (title, error) = head(series, &all.series);
    let rows: Vec<Vec<String>> = all
        .rows
        .iter()
        .map(|row| {
            let [lower, guess, upper] = cells(row.gw);
            let dated = |value: Option<(f64, i16)>, decimals| {
                value.map_or_else(|| "-".to_owned(), |(value, year)| format!("{value:.decimals$} ({year})"))
            };
            vec![
                row.rank.map_or_else(|| "-".to_owned(), |rank| rank.to_string()),
                format!("{}{}", row.place.name(), if row.marked { " *" } else { "" }),
                number(Some(row.percent), 1),
                lower,
                guess,
                upper,
                dated(row.percent_of_generation, 1),
                dated(row.g_per_kwh, 0),
                number(row.mt_per_year.map(|mt| mt.guess), 2),
            ]
        })
        .collect();
    let header =
        ["rank", "place", "share %", "GW: lower", "guess", "upper", "% of generation", "g/kWh", "Mt CO2e/a"];
    let mut text = format!("{}, {title}\n{}", all.period, table(&header, &rows));
    text.push_str(&format!("\nnot reported   {:.1} %", all.remainder_percent));
    if let Some(grams) = all.g_per_kwh {
        text.push_str(&format!(
            "\ngrids' mean    {grams:.0} gCO2e/kWh, of {:.1} % of the hash rate; published for the network: {}",
            all.covered_percent,
            published()
        ));
    }
    if let Some(gw) = load.over(all.period) {
        let twh = gw.times(HOURS_A_YEAR / 1e3);
        let [lower, guess, upper] = cells(Some(twh));
        let litres: Water = water(twh, None);
        text.push_str(&format!(
            "\nnetwork        {guess} TWh a year ({lower} to {upper}) by {}",
            load.method
        ));
        text.push_str(&format!(
            "\nwater          {} GL a year at {} l/kWh",
            short(litres.gigalitres.guess),
            litres.l_per_kwh
        ));
    }
    if let Some(waste) = waste_kt(inputs, all.period) {
        text.push_str(&format!("\ne-waste        {waste:.1} kt a year: the mass of machines that pay over {EWASTE_LIFE_YEARS} years, an upper figure"));
    }
    text.push_str(&format!("\nerror          {error}"));
    text
}

fn published() -> String {
    let told = |one: Assumption| format!("{} ({})", one.value, one.key.replace('_', " "));
    network_intensities().into_iter().map(told).collect::<Vec<_>>().join(", ")
}

fn overview_json(all: &Overview, series: &[ShareSeries], inputs: &Inputs) -> Value {
    let places: Vec<Value> = all
        .rows
        .iter()
        .map(|row| {
            json!({
                "rank": row.rank,
                "place": row.place.key(),
                "name": row.place.name(),
                "share_percent": row.percent,
                "marked": row.marked,
                "gw": row.gw.map(band_json),
                "percent_of_generation": row.percent_of_generation.map(|(value, _)| value),
                "generation_year": row.percent_of_generation.map(|(_, year)| year),
                "g_per_kwh": row.g_per_kwh.map(|(value, _)| value),
                "intensity_year": row.g_per_kwh.map(|(_, year)| year),
                "mt_per_year": row.mt_per_year.map(band_json),
            })
        })
        .collect();
    let of = series.iter().find(|one| one.key == all.series);
    json!({
        "series": all.series,
        "title": of.map(|one| &one.title),
        "source": of.map(|one| &one.source),
        "url": of.map(|one| &one.url),
        "licence": of.map(|one| &one.licence),
        "sample_percent": of.and_then(|one| one.sample).map(|sample| [sample.low_percent, sample.high_percent]),
        "error": of.map(|one| &one.error),
        "period": all.period.to_string(),
        "places": places,
        "not_reported_percent": all.remainder_percent,
        "g_per_kwh": all.g_per_kwh,
        "g_per_kwh_covers_percent": all.covered_percent,
        "ewaste_kt_per_year": waste_kt(inputs, all.period),
        "published_network_intensities": assumptions_json(&network_intensities()),
        "assumptions": assumptions_json(&all.assumptions),
    })
}

fn provinces_text(parts: &ShareSeries, period: Period, series: &[ShareSeries], load: &NetworkLoad) -> String {
    let list = provinces(parts, period, series);
    let worlds: Vec<&str> =
        list.first().map_or_else(Vec::new, |one| one.of_world.iter().map(|of| of.0).collect());
    let mut header = vec!["province".to_owned(), "% of country".to_owned()];
    for world in &worlds {
        header.extend([format!("% of world, {world}"), "GW".to_owned()]);
    }
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let gw = load.over(period);
    let rows: Vec<Vec<String>> = list
        .iter()
        .map(|one| {
            let mut row = vec![one.place.name().to_owned(), number(Some(one.percent), 1)];
            for (_, percent) in &one.of_world {
                let gw = gw.map_or_else(|| "-".to_owned(), |gw| short(gw.guess * percent / 100.0));
                row.extend([number(Some(*percent), 1), gw]);
            }
            row
        })
        .collect();
    let (title, error) = head(std::slice::from_ref(parts), &parts.key);
    format!("{period}, {title}\n{}\nerror          {error}", table(&header, &rows))
}

fn provinces_json(parts: &ShareSeries, period: Period, series: &[ShareSeries], load: &NetworkLoad) -> Value {
    let gw = load.over(period);
    let list = provinces(parts, period, series);
    let places: Vec<Value> = list
        .iter()
        .map(|one| {
            let world: Vec<Value> = one
                .of_world
                .iter()
                .map(|(key, percent)| {
                    let gw = gw.map(|gw| band_json(gw.times(percent / 100.0)));
                    json!({ "series": key, "percent": percent, "gw": gw })
                })
                .collect();
            json!({ "place": one.place.name(), "percent_of_country": one.percent, "of_world": world })
        })
        .collect();
    json!({
        "series": parts.key,
        "country": country_of(parts).map(|country| country.to_string()),
        "period": period.to_string(),
        "places": places,
        "assumptions": assumptions_json(&parts.assumptions()),
    })
}
