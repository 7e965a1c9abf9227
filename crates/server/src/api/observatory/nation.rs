//! A country against its grid, and what if mining there were more or less.

use axum::extract::Path;
use offpeak_index::answers::{
    GridQuestion, GridQuestionError, MarketEmissions, brackets, brackets_csv, country_csv, country_loads,
    emissions, estimates_year, market_emissions, nation_csv,
};
use offpeak_index::electricity::Method;
use offpeak_index::grid::{DemandShape, GridBook, MiningChange, NationYear, WeekHours, nation_year};
use offpeak_index::world::{Contract, CountryCode, Generation, NetworkLoad, Place, ShareSeries, with_header};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::world::period;
use super::{Answer, Format, SHARES, Told, once, series_of, within, worked};
use crate::api::given::Asked;
use crate::problem::Problem;
use crate::view::observatory::{AssumptionView, CountryView, LoadOfCountryView, ShareView, WhatIfView};

/// Megawatts that a question may name: more than any grid has.
const MW_MAX: f64 = 1e6;
/// What the claim says unless another is asked for, percent.
const CLAIM: f64 = 7.0;

fn country_of(text: &str) -> Result<CountryCode, Problem> {
    text.parse().map_err(|error: offpeak_index::world::CountryError| {
        Problem::not_found("no-such-country", error.to_string())
    })
}

/// Which table, for a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Table {
    /// The balance by year, with mining by each estimate.
    #[default]
    Balance,
    /// The load by each source of shares and each method.
    Loads,
}

/// Of which period, against which claim.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CountryParams {
    /// The period of the shares; without it the latest that the network's power is known for
    #[param(example = "2021-08", max_length = 10)]
    period: Option<String>,
    /// A claim: mining takes so many percent of the country's power
    #[param(minimum = 0, maximum = 100, default = 7)]
    claim: Option<f64>,
    /// Contracts that its miners are taken to have, with commas between them: a name, MWh a year and gCO2e/kWh each
    #[param(example = "wind:900000:13", max_length = 1000)]
    contracts: Option<String>,
    /// Which table a file has
    #[param(inline, default = "balance")]
    table: Option<Table>,
    /// As which kind of file
    #[param(inline, default = "json")]
    format: Option<Format>,
}

/// At most so many contracts in one question.
const CONTRACTS_MAX: usize = 20;

fn contracts(text: &str) -> Result<Vec<Contract>, Problem> {
    if text.split(',').count() > CONTRACTS_MAX {
        return Err(Problem::invalid(format!("`contracts` takes at most {CONTRACTS_MAX} contracts")));
    }
    let wrong = |error: String| Problem::invalid(format!("`contracts`: {error}"));
    text.split(',').map(|one| one.trim().parse().map_err(wrong)).collect()
}

/// A country's balance by year, its mining by each estimate side by side, a claim held against them, and its load top-down
#[utoipa::path(get, path = "/api/v1/observatory/countries/{country}", tag = "observatory",
    params(("country" = String, Path, example = "KZ"), CountryParams),
    responses((status = 200, content((CountryView = "application/json"), (String = "text/csv")))))]
pub(in crate::api) async fn country(
    Path(country): Path<String>,
    Asked(params): Asked<CountryParams>,
) -> Answer<CountryView> {
    let country = country_of(&country)?;
    let wanted = params.period.as_deref().map(|text| period("period", text)).transpose()?;
    let contracts = params.contracts.as_deref().map(contracts).transpose()?.unwrap_or_default();
    let claimed = within("claim", params.claim.unwrap_or(CLAIM), 0.0, 100.0)?;
    worked(move || {
        let book = GridBook::embedded();
        let years: Vec<NationYear> = book
            .years(country)
            .into_iter()
            .filter_map(|year| nation_year(book, Generation::embedded(), country, year))
            .collect();
        let focus = estimates_year(book, country);
        let claim = years.iter().find(|one| Some(one.year) == focus).and_then(|one| one.claim(claimed));
        let networks: Vec<NetworkLoad> =
            Method::all().iter().map(|method| NetworkLoad::from_series(&series_of(method))).collect();
        let shares: Vec<&ShareSeries> = SHARES.iter().collect();
        let loads = country_loads(&shares, &networks, country, wanted);
        let market: Vec<Vec<MarketEmissions>> = loads
            .iter()
            .map(|one| match contracts.is_empty() {
                true => Vec::new(),
                false => market_emissions(country, &one.load, &contracts),
            })
            .collect();
        let of_market = market.iter().flatten().flat_map(|one| one.market.assumptions.iter()).cloned();
        let of_years = years.iter().flat_map(|one| one.assumptions.iter()).cloned();
        let of_years = of_years.chain(claim.iter().flat_map(|claim| claim.assumptions.iter().cloned()));
        let of_loads = loads.iter().flat_map(|one| one.load.assumptions.iter().cloned());
        if params.format.unwrap_or_default() == Format::Csv {
            let name = format!("offpeak-{}", country.code().to_lowercase());
            return Ok(match params.table.unwrap_or_default() {
                Table::Balance => Told::csv(name, "grid", &once(of_years), &nation_csv(&years)),
                Table::Loads => {
                    Told::Csv(name + "-loads", with_header("country", &once(of_loads), &country_csv(&loads)))
                }
            });
        }
        Ok(Told::Json(CountryView {
            country: country.to_string(),
            name: country.name().to_owned(),
            years: years.iter().map(Into::into).collect(),
            claim: claim.as_ref().map(Into::into),
            shares: shares.iter().flat_map(|one| history(one, country)).collect(),
            loads: loads
                .iter()
                .zip(&market)
                .map(|(one, market)| LoadOfCountryView::of(one, emissions(country, &one.load), market))
                .collect(),
            assumptions: AssumptionView::list(of_years.chain(of_loads).chain(of_market)),
        }))
    })
    .await
}

fn history(series: &ShareSeries, country: CountryCode) -> Vec<ShareView> {
    let entries = series.history(&Place::Country(country)).into_iter();
    entries
        .map(|(period, share_percent, rank)| ShareView {
            series: series.key.clone(),
            period: period.to_string(),
            share_percent,
            rank: rank.map(|rank| rank as u64),
        })
        .collect()
}

/// How mining changes, and what the grid could do.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct WhatIfParams {
    /// Megawatts more, or below zero less
    #[param(minimum = -1000000, maximum = 1000000, example = -500)]
    mw: f64,
    /// When, in civil hours of the week: `00-08, weekend`
    #[param(default = "always", example = "00-08, weekend", max_length = 500)]
    hours: Option<String>,
    /// The year; without it the last with a published highest load
    #[param(minimum = 1, maximum = 9998, example = 2022)]
    year: Option<i16>,
    /// The most that neighbours can deliver, MW; without it no limit
    #[param(minimum = 0, maximum = 1000000)]
    import_limit: Option<f64>,
    /// What plants at home can give in each month, twelve numbers in MW with commas between them, instead of the two brackets
    #[param(max_length = 500)]
    capacity: Option<String>,
    /// Whom it imports from, for emissions
    #[param(example = "RU", max_length = 60)]
    neighbour: Option<String>,
    /// As which kind of file
    #[param(inline, default = "json")]
    format: Option<Format>,
}

fn capacity(text: &str) -> Result<[f64; 12], Problem> {
    let wrong =
        || Problem::invalid("`capacity` is twelve numbers of zero or more, in MW, with commas between them");
    let months = text
        .split(',')
        .map(|month| month.trim().parse().ok().filter(|mw| (0.0..=MW_MAX).contains(mw)).ok_or_else(wrong));
    let months: Vec<f64> = months.collect::<Result<_, _>>()?;
    months.try_into().map_err(|_| wrong())
}

fn unanswered(error: &GridQuestionError) -> Problem {
    match error {
        GridQuestionError::Balance { .. } => Problem::not_found("no-balance", error.to_string()).hint(
            "Kazakhstan, 2017 to 2024, is built in; `offpeak grid --balance FILE` takes another's tables",
        ),
        GridQuestionError::Year(_, _, source) => Problem::invalid(format!("{error}: {source}")),
        _ => Problem::invalid(error.to_string()),
    }
}

/// What if mining were more or less in some hours of the week: reserve, imports, deficits and emissions of a year
#[utoipa::path(get, path = "/api/v1/observatory/countries/{country}/what-if", tag = "observatory",
    params(("country" = String, Path, example = "KZ"), WhatIfParams),
    responses((status = 200, content((WhatIfView = "application/json"), (String = "text/csv")))))]
pub(in crate::api) async fn what_if(
    Path(country): Path<String>,
    Asked(params): Asked<WhatIfParams>,
) -> Answer<WhatIfView> {
    let country = country_of(&country)?;
    let mw = within("mw", params.mw, -MW_MAX, MW_MAX)?;
    let hours: WeekHours = match &params.hours {
        Some(text) => text.parse().map_err(|error| Problem::invalid(format!("`hours`: {error}")))?,
        None => WeekHours::always(),
    };
    if let Some(year) = params.year {
        within("year", f64::from(year), 1.0, 9_998.0)?;
    }
    let import_limit_mw =
        params.import_limit.map(|limit| within("import_limit", limit, 0.0, MW_MAX)).transpose()?;
    let capacity = params.capacity.as_deref().map(capacity).transpose()?;
    let neighbour = params.neighbour.as_deref().map(|text| {
        text.parse().map_err(|error: offpeak_index::world::CountryError| {
            Problem::invalid(format!("`neighbour`: {error}"))
        })
    });
    let neighbour = neighbour.transpose()?;
    worked(move || {
        let change = MiningChange { mw, hours };
        let shape = DemandShape::kazakhstan();
        let (book, year) = (GridBook::embedded(), params.year);
        let asked =
            GridQuestion { book, country, year, shape: &shape, capacity, import_limit_mw, neighbour, change };
        let (year, found) = brackets(&asked).map_err(|error| unanswered(&error))?;
        if params.format.unwrap_or_default() == Format::Csv {
            let name = format!("offpeak-{}-what-if", country.code().to_lowercase());
            return Ok(Told::Csv(name, brackets_csv(&found, true)));
        }
        let none = || Problem::not_found("no-balance", "there is no bracket");
        WhatIfView::of(country, year, change, &found).map(Told::Json).ok_or_else(none)
    })
    .await
}
