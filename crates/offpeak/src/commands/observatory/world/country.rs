//! One country: its share in every series, its load against its grid by each method, what that emits.

use anyhow::{Result, bail};
use offpeak_index::electricity::Band;
use offpeak_index::grid::GridBook;
use offpeak_index::world::{
    Assumption, CountryCode, CountryLoad, EmissionFactors, Generation, GridIntensity, NetworkLoad, Period,
    Place, ShareSeries, WaterFactors, Whole, country_load, location_based, water_by_mix,
};
use serde_json::{Value, json};

use super::asked;
use crate::cli::World;
use crate::commands::observatory::inputs::{Inputs, methods};
use crate::commands::observatory::output::{
    assumptions_json, assumptions_text, band_json, cells, print_csv, short,
};
use crate::commands::table::table;
use crate::commands::{print, print_json};
use crate::exit::Exit;

/// A load by one series and one method.
struct Loaded<'a> {
    series: &'a ShareSeries,
    method: String,
    load: CountryLoad,
}

pub(super) fn show(
    args: &World,
    series: &[ShareSeries],
    inputs: &Inputs,
    country: CountryCode,
) -> Result<Exit> {
    let place = Place::Country(country);
    let world: Vec<&ShareSeries> =
        asked(args, series).into_iter().filter(|one| one.whole == Whole::World).collect();
    let networks: Vec<NetworkLoad> = methods(&args.changes)?
        .iter()
        .map(|method| NetworkLoad::from_series(&method.series(&inputs.network, &inputs.catalogue)))
        .collect();
    let mut loads = Vec::new();
    for one in &world {
        // Without a period the latest that reports the country and that the network's power is known for.
        let known = |period: &Period| networks.iter().any(|network| network.over(*period).is_some());
        let latest = || one.history(&place).iter().rev().map(|(period, ..)| *period).find(known);
        let Some(period) = args.month.or_else(latest) else { continue };
        let facts = GridBook::embedded().facts(Generation::embedded(), country, period.first().year());
        for network in &networks {
            let load = country_load(one, network, period, &place, &facts);
            loads.extend(load.map(|load| Loaded { series: one, method: network.method.clone(), load }));
        }
    }
    if loads.is_empty() {
        let period = args.month.map(|month| format!(" for {month}")).unwrap_or_default();
        bail!(
            "no series reports {}{period} in a time for which the network's power is known\nhint: `offpeak world` \
             shows who is reported; --shares FILE gives a fuller table",
            country.name()
        );
    }
    let list: Vec<Assumption> = loads.iter().flat_map(|one| one.load.assumptions.iter().cloned()).collect();
    if args.csv {
        print_csv("country", &list, &csv(&loads), args.assumptions)?;
    } else if args.json {
        print_json(&as_json(country, &world, &loads))?;
    } else {
        let mut text = as_text(country, &world, &loads);
        if args.assumptions {
            text.push_str(&format!("\n\n{}", assumptions_text(&list)));
        }
        print(&text)?;
    }
    Ok(Exit::Done)
}

fn as_text(country: CountryCode, world: &[&ShareSeries], loads: &[Loaded<'_>]) -> String {
    let place = Place::Country(country);
    let mut blocks = vec![format!("{} ({country})", country.name())];
    let history: Vec<Vec<String>> = world
        .iter()
        .flat_map(|one| one.history(&place).into_iter().map(|entry| (one.key.clone(), entry)))
        .map(|(key, (period, percent, rank))| {
            vec![
                period.to_string(),
                key,
                format!("{percent:.1}"),
                rank.map_or_else(|| "-".to_owned(), |r| r.to_string()),
            ]
        })
        .collect();
    blocks.push(table(&["period", "series", "share %", "rank"], &history));
    let rows: Vec<Vec<String>> = loads
        .iter()
        .map(|one| {
            let [lower, guess, upper] = cells(Some(one.load.gw));
            let mut row = vec![
                one.load.period.to_string(),
                one.series.key.clone(),
                one.method.clone(),
                lower,
                guess,
                upper,
            ];
            let against = one.load.against.iter().map(|against| {
                let percent = against
                    .percent
                    .map_or_else(|| "exports".to_owned(), |band| format!("{:.1} %", band.guess));
                format!("{} {percent} ({})", against.what, against.fact.year)
            });
            row.push(against.collect::<Vec<_>>().join(", "));
            row
        })
        .collect();
    let header = ["period", "series", "method", "GW: lower", "guess", "upper", "the guess against"];
    blocks.push(table(&header, &rows));
    let emissions: Vec<Vec<String>> = emissions(country, &loads[0].load)
        .into_iter()
        .map(|(by, grams, covered, tonnes)| {
            let [lower, guess, upper] = cells(Some(tonnes.times(1e-6)));
            vec![by, short(grams), format!("{:.0} %", covered * 100.0), lower, guess, upper]
        })
        .collect();
    if !emissions.is_empty() {
        blocks.push(format!(
            "Emissions, location-based, of {} by {}\n{}",
            loads[0].load.period,
            loads[0].method,
            table(&["by", "g/kWh", "covered", "Mt/a: lower", "guess", "upper"], &emissions)
        ));
    }
    if let Some((litres, gigalitres)) = water(country, &loads[0].load) {
        blocks.push(format!(
            "Water by its mix: {} l/kWh, {} GL a year",
            short(litres),
            short(gigalitres.guess)
        ));
    }
    blocks.push("The band is the network's alone: no source gives an error of the share.".to_owned());
    blocks.join("\n\n")
}

/// By each set of factors and as published: name, g/kWh, covered part, tonnes a year.
fn emissions(country: CountryCode, load: &CountryLoad) -> Vec<(String, f64, f64, Band)> {
    let (generation, year) = (Generation::embedded(), load.period.first().year());
    let mwh = load.twh_per_year.times(1e6);
    let mut list = Vec::new();
    let mut push = |by: String, grid: Option<GridIntensity>| {
        list.extend(grid.map(|grid| (by, grid.g_per_kwh, grid.covered, location_based(mwh, &grid).tonnes)));
    };
    if let Some(mix) = generation.mix(country, year) {
        for factors in EmissionFactors::embedded() {
            push(format!("mix of {}, {}", mix.year, factors.title), GridIntensity::of_mix(&mix, &factors));
        }
    }
    if let Some((of, _)) = generation.intensity(country, year) {
        push(format!("published, {of}"), GridIntensity::published(generation, country, year));
    }
    list
}

fn water(country: CountryCode, load: &CountryLoad) -> Option<(f64, Band)> {
    let mix = Generation::embedded().mix(country, load.period.first().year())?;
    let factors = WaterFactors::embedded();
    let water = water_by_mix(load.twh_per_year, &mix, factors.first()?)?;
    Some((water.l_per_kwh, water.gigalitres))
}

fn as_json(country: CountryCode, world: &[&ShareSeries], loads: &[Loaded<'_>]) -> Value {
    let place = Place::Country(country);
    let history: Vec<Value> = world
        .iter()
        .flat_map(|one| one.history(&place).into_iter().map(|entry| (&one.key, entry)))
        .map(|(key, (period, percent, rank))| {
            json!({ "series": key, "period": period.to_string(), "share_percent": percent, "rank": rank })
        })
        .collect();
    let loads: Vec<Value> = loads
        .iter()
        .map(|one| {
            let against: Vec<Value> = one
                .load
                .against
                .iter()
                .map(|against| {
                    json!({
                        "what": against.what, "value": against.fact.value, "year": against.fact.year,
                        "source": against.fact.source, "percent": against.percent.map(band_json),
                    })
                })
                .collect();
            let emissions: Vec<Value> = emissions(country, &one.load)
                .into_iter()
                .map(|(by, grams, covered, tonnes)| {
                    json!({ "by": by, "g_per_kwh": grams, "covered": covered, "tonnes_per_year": band_json(tonnes) })
                })
                .collect();
            let water = water(country, &one.load);
            json!({
                "series": one.series.key,
                "method": one.method,
                "period": one.load.period.to_string(),
                "share_percent": one.load.share_percent,
                "gw": band_json(one.load.gw),
                "twh_per_year": band_json(one.load.twh_per_year),
                "against": against,
                "emissions_location_based": emissions,
                "water": water.map(|(litres, gigalitres)| json!({ "l_per_kwh": litres, "gigalitres_per_year": band_json(gigalitres) })),
                "assumptions": assumptions_json(&one.load.assumptions),
            })
        })
        .collect();
    json!({ "country": country.to_string(), "name": country.name(), "history": history, "loads": loads })
}

fn csv(loads: &[Loaded<'_>]) -> String {
    let mut text = String::from("series,method,period,what,year,value,lower,guess,upper\n");
    for one in loads {
        for line in one.load.to_csv().lines().skip(1) {
            text.push_str(&format!("{},{},{},{line}\n", one.series.key, one.method, one.load.period));
        }
    }
    text
}
