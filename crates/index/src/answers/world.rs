//! The world by period, flows between two, one country against its grid: choosing, and CSV.

use super::Inputs;
use crate::electricity::{Band, Cambridge, Prepared};
use crate::grid::GridBook;
use crate::world::Whole as WholeOf;
use crate::world::assumption::given_number;
use crate::world::table::csv_line;
use crate::world::{
    Assumption, Contract, CountryCode, CountryLoad, EWASTE_LIFE_YEARS, EmissionFactors, Flow, Flows,
    Generation, GridIntensity, MarketBased, NetworkLoad, Overview, Period, Place, Residual, ShareSeries,
    WaterFactors, country_load, ewaste, location_based, market_based, share_within, water_by_mix,
};

/// A province's part of its country and, by each series of the world that has the country, of the world.
#[derive(Clone, Debug, PartialEq)]
pub struct Province<'a> {
    /// The province.
    pub place: &'a Place,
    /// Percent of the country.
    pub percent: f64,
    /// Percent of the world, by series.
    pub of_world: Vec<(&'a str, f64)>,
}

/// The provinces of a period, the largest first.
#[must_use]
pub fn provinces<'a>(parts: &'a ShareSeries, period: Period, series: &'a [ShareSeries]) -> Vec<Province<'a>> {
    let Some(places) = parts.points.get(&period) else { return Vec::new() };
    let mut list: Vec<Province<'a>> = places
        .iter()
        .map(|(place, point)| {
            let of = |world: &'a ShareSeries| {
                share_within(world, parts, period, place).map(|percent| (world.key.as_str(), percent))
            };
            Province { place, percent: point.percent, of_world: series.iter().filter_map(of).collect() }
        })
        .collect();
    list.sort_by(|a, b| b.percent.total_cmp(&a.percent));
    list
}

/// Waste by the mass of Cambridge's fleet in the middle of the period, kilotonnes a year; none where no weight is known.
#[must_use]
pub fn waste_kt(inputs: &Inputs, period: Period) -> Option<f64> {
    let first = period.first();
    let middle = jiff::civil::Date::new(first.year(), i8::try_from(first.month()).ok()?, 15).ok()?;
    let prepared = Prepared::new(&Cambridge::default(), &inputs.network, &inputs.catalogue);
    Some(ewaste(prepared.installed_mass_kg(middle)?, EWASTE_LIFE_YEARS)?.kt_per_year)
}

/// One table of all series: the columns of a period's table after the series and the period; of provinces alone, theirs.
#[must_use]
pub fn world_csv(
    all: &[Overview],
    parts: &[(&ShareSeries, Period)],
    series: &[ShareSeries],
    load: &NetworkLoad,
) -> String {
    let mut text = String::new();
    for one in all {
        let table = one.to_csv();
        let mut lines = table.lines();
        let header = lines.next().unwrap_or_default();
        if text.is_empty() {
            text.push_str(&format!("series,period,{header}\n"));
        }
        for line in lines {
            text.push_str(&format!("{},{},{line}\n", one.series, one.period));
        }
    }
    if all.is_empty() {
        text.push_str("series,period,province,percent_of_country,world_series,percent_of_world,gw_guess\n");
        for (one, period) in parts {
            provinces_csv(&mut text, one, *period, series, load);
        }
    }
    text
}

fn provinces_csv(
    text: &mut String,
    parts: &ShareSeries,
    period: Period,
    series: &[ShareSeries],
    load: &NetworkLoad,
) {
    let gw = load.over(period).map(|gw| gw.guess);
    let period_text = period.to_string();
    for province in provinces(parts, period, series) {
        let (name, percent) = (province.place.name(), province.percent.to_string());
        if province.of_world.is_empty() {
            text.push_str(&csv_line([parts.key.as_str(), &period_text, name, &percent, "", "", ""]));
        }
        for (world, of_world) in &province.of_world {
            let gw = gw.map(|gw| (gw * of_world / 100.0).to_string()).unwrap_or_default();
            let of_world = of_world.to_string();
            text.push_str(&csv_line([
                parts.key.as_str(),
                &period_text,
                name,
                &percent,
                world,
                &of_world,
                &gw,
            ]));
        }
    }
}

/// What the network as a whole was in two periods, in one unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Whole {
    /// `EH/s` or `GW`.
    pub unit: &'static str,
    /// In the first period.
    pub before: f64,
    /// In the second.
    pub after: f64,
}

/// The network in both periods by hash rate and by power, as far as both are known.
#[must_use]
pub fn wholes(inputs: &Inputs, load: &NetworkLoad, before: Period, after: Period) -> Vec<Whole> {
    let rates = inputs.exahashes(before).zip(inputs.exahashes(after));
    let powers = load.over(before).zip(load.over(after)).map(|(before, after)| (before.guess, after.guess));
    let whole = |unit, pair: Option<(f64, f64)>| pair.map(|(before, after)| Whole { unit, before, after });
    [whole("EH/s", rates), whole("GW", powers)].into_iter().flatten().collect()
}

/// What flows rest on: the shares of both periods, and what the network was.
#[must_use]
pub fn flows_assumptions(
    found: &[(&ShareSeries, Flows)],
    wholes: &[Whole],
    load: &NetworkLoad,
) -> Vec<Assumption> {
    let mut list = Vec::new();
    for (series, flows) in found {
        list.extend(flows.assumptions.iter().cloned());
        for change in &flows.changes {
            for (period, percent) in [(flows.before, change.before), (flows.after, change.after)] {
                let key = format!("share_{}_{}_{period}", series.key, change.place.key());
                list.push(given_number(&key, percent, "%", series.source.clone()));
            }
        }
    }
    for whole in wholes {
        let source = if whole.unit == "GW" {
            format!("{}; {}", load.method, load.vintage)
        } else {
            load.vintage.clone()
        };
        for (when, value) in [("before", whole.before), ("after", whole.after)] {
            list.push(given_number(
                &format!("network_{when}_{}", whole.unit),
                value,
                whole.unit,
                source.clone(),
            ));
        }
    }
    if wholes.iter().any(|whole| whole.unit == "GW") {
        list.extend(load.assumptions.iter().cloned());
    }
    list
}

/// CSV of flows by series and unit.
#[must_use]
pub fn flows_csv(found: &[(&ShareSeries, Flows)], wholes: &[Whole]) -> String {
    let mut text = String::from("series,from_period,to_period,unit,from,to,amount\n");
    for (series, flows) in found {
        let mut push = |unit: &str, list: &[Flow]| {
            for flow in list {
                let (from, to) = (flow.from.key(), flow.to.key());
                text.push_str(&format!(
                    "{},{},{},{unit},{from},{to},{}\n",
                    series.key, flows.before, flows.after, flow.amount
                ));
            }
        };
        push("points", &flows.flows);
        for whole in wholes {
            push(whole.unit, &flows.absolute_flows(whole.before, whole.after));
        }
    }
    text
}

/// A country's load by one series and one method.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded<'a> {
    /// Where the share comes from.
    pub series: &'a ShareSeries,
    /// By which method the network's power.
    pub method: String,
    /// The load.
    pub load: CountryLoad,
}

/// A country's load by each series of the world and each estimate of the network: in a period, or else in the latest that
/// the series reports the country in and that the network's power is known for.
#[must_use]
pub fn country_loads<'a>(
    series: &[&'a ShareSeries],
    networks: &[NetworkLoad],
    country: CountryCode,
    period: Option<Period>,
) -> Vec<Loaded<'a>> {
    let place = Place::Country(country);
    let mut loads = Vec::new();
    for one in series.iter().copied().filter(|one| one.whole == WholeOf::World) {
        let known = |period: &Period| networks.iter().any(|network| network.over(*period).is_some());
        let latest = || one.history(&place).iter().rev().map(|(period, ..)| *period).find(known);
        let Some(period) = period.or_else(latest) else { continue };
        let facts = GridBook::embedded().facts(Generation::embedded(), country, period.first().year());
        for network in networks {
            let load = country_load(one, network, period, &place, &facts);
            loads.extend(load.map(|load| Loaded { series: one, method: network.method.clone(), load }));
        }
    }
    loads
}

/// What a load emits by one reading of its grid.
#[derive(Clone, Debug, PartialEq)]
pub struct MixEmissions {
    /// Which reading.
    pub by: String,
    /// Of it, gCO2e/kWh.
    pub g_per_kwh: f64,
    /// The part of the mix that factors are known for.
    pub covered: f64,
    /// Tonnes CO2e a year.
    pub tonnes: Band,
}

/// By each set of factors, and as published.
#[must_use]
pub fn emissions(country: CountryCode, load: &CountryLoad) -> Vec<MixEmissions> {
    let mwh = load.twh_per_year.times(1e6);
    let one = |(by, grid): (String, GridIntensity)| MixEmissions {
        by,
        g_per_kwh: grid.g_per_kwh,
        covered: grid.covered,
        tonnes: location_based(mwh, &grid).tonnes,
    };
    grids(country, load).into_iter().map(one).collect()
}

/// What a load's best guess emits by declared contracts, beside what it emits by its grid.
#[derive(Clone, Debug, PartialEq)]
pub struct MarketEmissions {
    /// Which reading of the grid: for all of it location-based, for what no contract covers market-based.
    pub by: String,
    /// Location-based, tonnes CO2e a year.
    pub location_tonnes: f64,
    /// Market-based, of a year.
    pub market: MarketBased,
}

/// By each reading of the grid: contracts of a year first, what they do not cover at the grid's mean.
#[must_use]
pub fn market_emissions(
    country: CountryCode,
    load: &CountryLoad,
    contracts: &[Contract],
) -> Vec<MarketEmissions> {
    let mwh = load.twh_per_year.times(1e6);
    let one = |(by, grid): (String, GridIntensity)| {
        let mut residual = Residual::grid_mean(&grid);
        residual.source = format!("{by}: {}", residual.source);
        let mut market = market_based(mwh.guess, contracts, &residual);
        for energy in market.assumptions.iter_mut().filter(|one| one.key == "energy") {
            "the load's best guess over a mean year of 8766 hours".clone_into(&mut energy.source);
        }
        market.assumptions.extend(grid.assumptions.iter().cloned());
        MarketEmissions { by, location_tonnes: location_based(mwh, &grid).tonnes.guess, market }
    };
    grids(country, load).into_iter().map(one).collect()
}

/// Each reading of a country's grid in the year of a load.
fn grids(country: CountryCode, load: &CountryLoad) -> Vec<(String, GridIntensity)> {
    let (generation, year) = (Generation::embedded(), load.period.first().year());
    let mut list = Vec::new();
    let mut push = |by: String, grid: Option<GridIntensity>| list.extend(grid.map(|grid| (by, grid)));
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

/// Litres a kilowatt-hour by the mix of its grid, and gigalitres a year.
#[must_use]
pub fn water_of(country: CountryCode, load: &CountryLoad) -> Option<(f64, Band)> {
    let mix = Generation::embedded().mix(country, load.period.first().year())?;
    let factors = WaterFactors::embedded();
    let water = water_by_mix(load.twh_per_year, &mix, factors.first()?)?;
    Some((water.l_per_kwh, water.gigalitres))
}

/// CSV of loads by series and method.
#[must_use]
pub fn country_csv(loads: &[Loaded<'_>]) -> String {
    let mut text = String::from("series,method,period,what,year,value,lower,guess,upper\n");
    for one in loads {
        for line in one.load.to_csv().lines().skip(1) {
            text.push_str(&format!("{},{},{},{line}\n", one.series.key, one.method, one.load.period));
        }
    }
    text
}

/// CSV of emissions by contracts: a row a load and reading of its grid, tonnes and megawatt-hours of a year.
#[must_use]
pub fn market_csv(found: &[(&Loaded<'_>, Vec<MarketEmissions>)]) -> String {
    let mut text = csv_line([
        "series",
        "method",
        "period",
        "by",
        "location_based_tonnes",
        "market_based_tonnes",
        "contracted_mwh",
        "residual_mwh",
        "unused_mwh",
    ]);
    for (one, all) in found {
        let period = one.load.period.to_string();
        for emissions in all {
            let MarketBased { tonnes, contracted_mwh, residual_mwh, unused_mwh, .. } = emissions.market;
            let numbers = [emissions.location_tonnes, tonnes, contracted_mwh, residual_mwh, unused_mwh];
            let numbers = numbers.map(|number| number.to_string());
            let names = [one.series.key.as_str(), &one.method, &period, &emissions.by];
            text.push_str(&csv_line(names.into_iter().chain(numbers.iter().map(String::as_str))));
        }
    }
    text
}
