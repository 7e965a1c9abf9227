//! One country: its share in every series, its load against its grid by each method, what that emits.

use anyhow::{Result, bail};
use offpeak_index::answers::{
    Inputs, Loaded, MarketEmissions, country_csv, country_loads, emissions, market_csv, market_emissions,
    water_of,
};
use offpeak_index::world::{Assumption, Contract, CountryCode, NetworkLoad, Place, ShareSeries, Whole};
use serde_json::{Value, json};

use super::asked;
use crate::cli::World;
use crate::commands::observatory::inputs::methods;
use crate::commands::observatory::output::{
    assumptions_json, assumptions_text, band_json, cells, print_csv, short,
};
use crate::commands::table::table;
use crate::commands::{print, print_json};
use crate::exit::Exit;

pub(super) fn show(
    args: &World,
    series: &[ShareSeries],
    inputs: &Inputs,
    country: CountryCode,
) -> Result<Exit> {
    let world: Vec<&ShareSeries> =
        asked(args, series).into_iter().filter(|one| one.whole == Whole::World).collect();
    let networks: Vec<NetworkLoad> = methods(&args.changes)?
        .iter()
        .map(|method| NetworkLoad::from_series(&method.series(&inputs.network, &inputs.catalogue)))
        .collect();
    let loads = country_loads(&world, &networks, country, args.month);
    if loads.is_empty() {
        let period = args.month.map(|month| format!(" for {month}")).unwrap_or_default();
        bail!(
            "no series reports {}{period} in a time for which the network's power is known\nhint: `offpeak world` \
             shows who is reported; --shares FILE gives a fuller table",
            country.name()
        );
    }
    let mut list: Vec<Assumption> =
        loads.iter().flat_map(|one| one.load.assumptions.iter().cloned()).collect();
    let market = by_contract(country, &loads, &args.contract)?;
    for one in market.iter().flat_map(|(_, all)| all).flat_map(|one| &one.market.assumptions) {
        if !list.contains(one) {
            list.push(one.clone());
        }
    }
    if args.csv && !market.is_empty() {
        print_csv("emissions by contracts", &list, &market_csv(&market), args.assumptions)?;
    } else if args.csv {
        print_csv("country", &list, &country_csv(&loads), args.assumptions)?;
    } else if args.json {
        print_json(&as_json(country, &world, &loads, &args.contract))?;
    } else {
        let mut text = as_text(country, &world, &loads);
        if let Some((of, all)) = market.first() {
            text.push_str(&format!("\n\n{}", market_text(of, all)));
        }
        if args.assumptions {
            text.push_str(&format!("\n\n{}", assumptions_text(&list)));
        }
        print(&text)?;
    }
    Ok(Exit::Done)
}

/// What each load emits by declared contracts; nothing without any.
fn by_contract<'a>(
    country: CountryCode,
    loads: &'a [Loaded<'a>],
    contracts: &[Contract],
) -> Result<Vec<(&'a Loaded<'a>, Vec<MarketEmissions>)>> {
    if contracts.is_empty() {
        return Ok(Vec::new());
    }
    let market: Vec<_> =
        loads.iter().map(|one| (one, market_emissions(country, &one.load, contracts))).collect();
    if market.iter().all(|(_, all)| all.is_empty()) {
        bail!(
            "neither a mix nor an intensity of {}'s grid is known, so what no contract covers has no factor\nhint: \
             leave out --contract",
            country.name()
        );
    }
    Ok(market)
}

fn market_text(of: &Loaded<'_>, all: &[MarketEmissions]) -> String {
    let row = |one: &MarketEmissions| {
        let market = &one.market;
        let tonnes = [one.location_tonnes, market.tonnes].map(|tonnes| short(tonnes / 1e6));
        let energy = [market.contracted_mwh, market.residual_mwh, market.unused_mwh].map(short);
        [vec![one.by.clone()], tonnes.to_vec(), energy.to_vec()].concat()
    };
    let header =
        ["by", "Mt/a: location-based", "market-based", "MWh: contracted", "at the grid's mean", "unused"];
    let rows: Vec<Vec<String>> = all.iter().map(row).collect();
    format!(
        "Emissions of the guess by declared contracts, of {} by {}\n{}\nWhat no contract covers counts at the grid's mean: too low where others have bought the clean power.",
        of.load.period,
        of.method,
        table(&header, &rows)
    )
}

fn market_json(one: &MarketEmissions) -> Value {
    let market = &one.market;
    json!({
        "by": one.by, "location_based_tonnes": one.location_tonnes, "market_based_tonnes": market.tonnes,
        "contracted_mwh": market.contracted_mwh, "residual_mwh": market.residual_mwh,
        "unused_mwh": market.unused_mwh, "assumptions": assumptions_json(&market.assumptions),
    })
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
        .map(|one| {
            let [lower, guess, upper] = cells(Some(one.tonnes.times(1e-6)));
            let covered = format!("{:.0} %", one.covered * 100.0);
            vec![one.by, short(one.g_per_kwh), covered, lower, guess, upper]
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
    if let Some((litres, gigalitres)) = water_of(country, &loads[0].load) {
        blocks.push(format!(
            "Water by its mix: {} l/kWh, {} GL a year",
            short(litres),
            short(gigalitres.guess)
        ));
    }
    blocks.push("The band is the network's alone: no source gives an error of the share.".to_owned());
    blocks.join("\n\n")
}

fn as_json(
    country: CountryCode,
    world: &[&ShareSeries],
    loads: &[Loaded<'_>],
    contracts: &[Contract],
) -> Value {
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
                .map(|by| {
                    json!({
                        "by": by.by, "g_per_kwh": by.g_per_kwh, "covered": by.covered,
                        "tonnes_per_year": band_json(by.tonnes),
                    })
                })
                .collect();
            let water = water_of(country, &one.load);
            let market = market_emissions(country, &one.load, contracts);
            let market = (!contracts.is_empty()).then(|| market.iter().map(market_json).collect::<Vec<_>>());
            json!({
                "series": one.series.key,
                "method": one.method,
                "period": one.load.period.to_string(),
                "share_percent": one.load.share_percent,
                "gw": band_json(one.load.gw),
                "twh_per_year": band_json(one.load.twh_per_year),
                "against": against,
                "emissions_location_based": emissions,
                "emissions_by_contracts": market,
                "water": water.map(|(litres, gigalitres)| json!({ "l_per_kwh": litres, "gigalitres_per_year": band_json(gigalitres) })),
                "assumptions": assumptions_json(&one.load.assumptions),
            })
        })
        .collect();
    json!({ "country": country.to_string(), "name": country.name(), "history": history, "loads": loads })
}
