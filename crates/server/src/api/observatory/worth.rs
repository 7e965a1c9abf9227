//! What hashing earns, when machines stop paying, and what the chain says.

use jiff::civil::Date;
use offpeak_index::answers::{
    Expectation, epochs, epochs_assumptions, epochs_csv, hash_price_assumptions, hash_price_csv,
    lives_assumptions, lives_csv, residual_csv, scenario, scenario_assumptions,
};
use offpeak_index::breakeven::{Terms, class_shutdown, lives, residual_value, worst_paying_j_per_th};
use offpeak_index::chain::{Facts, facts, next_halving, subsidy_sat};
use offpeak_index::hashprice::{HashPriceDay, NetworkVintage, hash_price_series};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Answer, Format, INPUTS, Told, in_order, within, worked};
use crate::api::given::Asked;
use crate::problem::Problem;
use crate::view::observatory::{
    AssumptionView, BreakevenView, ChainView, HashPriceView, NetworkView, ResidualView,
};

/// Days that a mean or a wait takes at most.
const DAYS_MAX: usize = 3_660;
/// Classes at most.
const CLASSES_MAX: usize = 40;
/// Where classes of machines are cut unless asked for otherwise, joules a terahash.
const CLASSES: [f64; 8] = [10.0, 15.0, 20.0, 25.0, 30.0, 40.0, 60.0, 100.0];

fn days(field: &str, value: Option<usize>, default: usize) -> Result<usize, Problem> {
    let value = value.unwrap_or(default);
    if (1..=DAYS_MAX).contains(&value) {
        return Ok(value);
    }
    Err(Problem::invalid(format!("`{field}` is {value}; it is 1 to {DAYS_MAX}")))
}

/// Which days.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct HashPriceParams {
    /// The first day
    from: Option<Date>,
    /// The last day
    to: Option<Date>,
    /// Over how many days each figure is averaged: a day's own is noisy
    #[param(minimum = 1, maximum = 3660, default = 1)]
    mean_days: Option<usize>,
    /// One day in so many, counted back from the latest; a file always has every day
    #[param(minimum = 1, maximum = 366, default = 1)]
    step: Option<u16>,
    /// As which kind of file
    #[param(inline, default = "json")]
    format: Option<Format>,
}

/// What a terahash a second earns in a day, in dollars and satoshis
#[utoipa::path(get, path = "/api/v1/observatory/hashprice", tag = "observatory", params(HashPriceParams),
    responses((status = 200, content((HashPriceView = "application/json"), (String = "text/csv")))))]
pub(in crate::api) async fn hash_price(Asked(params): Asked<HashPriceParams>) -> Answer<HashPriceView> {
    in_order(params.from, params.to)?;
    let mean_days = days("mean_days", params.mean_days, 1)?;
    let step = params.step.unwrap_or(1);
    if !(1..=366).contains(&step) {
        return Err(Problem::invalid(format!("`step` is {step}; it is 1 to 366")));
    }
    worked(move || {
        let series = hash_price_series(&INPUTS.network, mean_days);
        let list = hash_price_assumptions(&series, &INPUTS.network_source);
        let inside = |day: &&HashPriceDay| {
            params.from.is_none_or(|from| day.date >= from) && params.to.is_none_or(|to| day.date <= to)
        };
        if params.format.unwrap_or_default() == Format::Csv {
            let csv = hash_price_csv(series.rows.iter().filter(inside));
            return Ok(Told::csv("offpeak-hashprice", "hash price", &list, &csv));
        }
        let mut rows: Vec<HashPriceDay> =
            series.rows.iter().filter(inside).rev().step_by(usize::from(step)).copied().collect();
        rows.reverse();
        let network = NetworkView::of(&series.vintage, &INPUTS.network_source);
        Ok(Told::Json(HashPriceView::of(&rows, mean_days, AssumptionView::list(list), network)))
    })
    .await
}

/// At which price, on which terms.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct BreakevenParams {
    /// What power costs, USD/kWh
    #[param(minimum = 0.000001, maximum = 10, default = 0.05)]
    price: Option<f64>,
    /// Over how many days the hash price is averaged
    #[param(minimum = 1, maximum = 3660, default = 7)]
    mean_days: Option<usize>,
    /// How many days in a row without pay make an owner give up
    #[param(minimum = 1, maximum = 3660, default = 14)]
    hold_days: Option<usize>,
    /// Power drawn over power of the machines: cooling, losses
    #[param(minimum = 1, maximum = 10, default = 1)]
    overhead: Option<f64>,
    /// What the pool takes, percent
    #[param(minimum = 0, maximum = 100, default = 0)]
    pool_fee: Option<f64>,
    /// Other cost that comes with a kWh of machine power, USD
    #[param(minimum = 0, maximum = 10, default = 0)]
    other: Option<f64>,
    /// Where classes of machines are cut, joules a terahash with commas between them
    #[param(default = "10,15,20,25,30,40,60,100", max_length = 500)]
    classes: Option<String>,
    /// As which kind of file
    #[param(inline, default = "json")]
    format: Option<Format>,
}

/// What a mine takes for granted, checked.
fn terms(overhead: Option<f64>, pool_fee: Option<f64>, other: Option<f64>) -> Result<Terms, Problem> {
    Ok(Terms {
        overhead: within("overhead", overhead.unwrap_or(1.0), 1.0, 10.0)?,
        pool_fee: within("pool_fee", pool_fee.unwrap_or(0.0), 0.0, 100.0)? / 100.0,
        other_usd_per_kwh: within("other", other.unwrap_or(0.0), 0.0, 10.0)?,
    })
}

impl BreakevenParams {
    fn cuts(&self) -> Result<Vec<f64>, Problem> {
        let Some(text) = &self.classes else { return Ok(CLASSES.to_vec()) };
        let cut = |text: &str| {
            let number = text.trim().parse().ok().filter(|cut: &f64| (1e-6..=1e9).contains(cut));
            number.ok_or_else(|| Problem::invalid(format!("`classes`: `{text}` is no efficiency in J/TH")))
        };
        let mut cuts: Vec<f64> = text.split(',').map(cut).collect::<Result<_, _>>()?;
        if cuts.len() > CLASSES_MAX {
            return Err(Problem::invalid(format!("`classes` has more than {CLASSES_MAX} cuts")));
        }
        cuts.sort_by(f64::total_cmp);
        Ok(cuts)
    }
}

/// At which price of power machines stop paying, and on which day in history each model did
#[utoipa::path(get, path = "/api/v1/observatory/breakeven", tag = "observatory", params(BreakevenParams),
    responses((status = 200, content((BreakevenView = "application/json"), (String = "text/csv")))))]
pub(in crate::api) async fn breakeven(Asked(params): Asked<BreakevenParams>) -> Answer<BreakevenView> {
    let price = within("price", params.price.unwrap_or(0.05), 1e-6, 10.0)?;
    let terms = terms(params.overhead, params.pool_fee, params.other)?;
    let cuts = params.cuts()?;
    let mean_days = days("mean_days", params.mean_days, 7)?;
    let hold_days = days("hold_days", params.hold_days, 14)?;
    worked(move || {
        let found = lives(&INPUTS.network, &INPUTS.catalogue, price, &terms, mean_days, hold_days);
        let list = lives_assumptions(&found, &INPUTS.network_source, &INPUTS.catalogue_source);
        if params.format.unwrap_or_default() == Format::Csv {
            return Ok(Told::csv("offpeak-breakeven", "break-even", &list, &lives_csv(&found)));
        }
        let series = hash_price_series(&INPUTS.network, mean_days);
        let now = series.rows.iter().rev().find_map(|day| Some((day.date, day.usd_per_th_day?)));
        let usd = now.map(|(_, usd)| usd);
        let classes =
            usd.map(|usd| class_shutdown(&INPUTS.catalogue, &cuts, usd, &terms)).unwrap_or_default();
        Ok(Told::Json(BreakevenView {
            power_usd_per_kwh: price,
            now: now.map(|(date, _)| date),
            usd_per_th_day: usd,
            worst_paying_j_per_th: usd.map(|usd| worst_paying_j_per_th(price, usd, &terms)),
            models: found.lives.iter().map(Into::into).collect(),
            classes: classes.iter().map(Into::into).collect(),
            assumptions: AssumptionView::list(list),
            network: NetworkView::of(&found.vintage, &INPUTS.network_source),
        }))
    })
    .await
}

/// Which machine, under which scenario.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ResidualParams {
    /// The machine's joules a terahash
    #[param(minimum = 0.000001, maximum = 1000000000, example = 17.5)]
    efficiency: f64,
    /// Its terahashes a second
    #[param(minimum = 0.000001, maximum = 1000000000, example = 200)]
    ths: f64,
    /// What power costs, USD/kWh
    #[param(minimum = 0.000001, maximum = 10, default = 0.05)]
    price: Option<f64>,
    /// Growth of difficulty a year, percent
    #[param(minimum = -99, maximum = 1000, default = 40)]
    difficulty_growth: Option<f64>,
    /// Growth of the price of a bitcoin a year, percent
    #[param(minimum = -99, maximum = 1000, default = 0)]
    price_growth: Option<f64>,
    /// What money costs a year, percent
    #[param(minimum = 0, maximum = 100, default = 10)]
    discount: Option<f64>,
    /// For how many days it works at most
    #[param(minimum = 1, maximum = 18263, default = 1826)]
    days: Option<u32>,
    /// What is paid for it at the end, USD
    #[param(minimum = 0, maximum = 1000000000, default = 0)]
    scrap: Option<f64>,
    /// Power drawn over power of the machine: cooling, losses
    #[param(minimum = 1, maximum = 10, default = 1)]
    overhead: Option<f64>,
    /// What the pool takes, percent
    #[param(minimum = 0, maximum = 100, default = 0)]
    pool_fee: Option<f64>,
    /// Other cost that comes with a kWh of machine power, USD
    #[param(minimum = 0, maximum = 10, default = 0)]
    other: Option<f64>,
    /// As which kind of file
    #[param(inline, default = "json")]
    format: Option<Format>,
}

impl ResidualParams {
    fn expected(&self) -> Result<Expectation, Problem> {
        let percent = |field: &str, value: Option<f64>, default: f64, least: f64, most: f64| {
            within(field, value.unwrap_or(default), least, most).map(|percent| percent / 100.0)
        };
        let days = self.days.unwrap_or(1_826);
        if !(1..=18_263).contains(&days) {
            return Err(Problem::invalid(format!("`days` is {days}; it is 1 to 18263")));
        }
        Ok(Expectation {
            power_usd_per_kwh: within("price", self.price.unwrap_or(0.05), 1e-6, 10.0)?,
            difficulty_growth: percent("difficulty_growth", self.difficulty_growth, 40.0, -99.0, 1_000.0)?,
            price_growth: percent("price_growth", self.price_growth, 0.0, -99.0, 1_000.0)?,
            discount: percent("discount", self.discount, 10.0, 0.0, 100.0)?,
            days,
            scrap_usd: within("scrap", self.scrap.unwrap_or(0.0), 0.0, 1e9)?,
            fees_btc_per_block: None,
            height: None,
            terms: terms(self.overhead, self.pool_fee, self.other)?,
        })
    }
}

/// What a machine will still earn under a stated scenario, which starts where the series ends: no forecast
#[utoipa::path(get, path = "/api/v1/observatory/residual", tag = "observatory", params(ResidualParams),
    responses((status = 200, content((ResidualView = "application/json"), (String = "text/csv")))))]
pub(in crate::api) async fn residual(Asked(params): Asked<ResidualParams>) -> Answer<ResidualView> {
    let efficiency = within("efficiency", params.efficiency, 1e-6, 1e9)?;
    let ths = within("ths", params.ths, 1e-6, 1e9)?;
    let expected = params.expected()?;
    worked(move || {
        let none = || Problem::invalid("the series has no day with a price");
        let start = scenario(&INPUTS.network, &expected).ok_or_else(none)?;
        let value =
            residual_value(ths, efficiency, &start.1).map_err(|error| Problem::invalid(error.to_string()))?;
        let vintage = NetworkVintage::of(&INPUTS.network);
        let list = scenario_assumptions(ths, efficiency, &start, &expected, &vintage, &INPUTS.network_source);
        if params.format.unwrap_or_default() == Format::Csv {
            return Ok(Told::csv("offpeak-residual", "residual value", &list, &residual_csv(&value)));
        }
        Ok(Told::Json(ResidualView {
            value_usd: value.value_usd,
            usd_per_th: value.usd_per_th,
            income_usd: value.income_usd,
            cost_usd: value.cost_usd,
            days_on: value.days_on,
            last_paying_day: value.last_paying_day,
            start: start.0,
            assumptions: AssumptionView::list(list),
        }))
    })
    .await
}

/// As which kind of file.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ChainParams {
    /// As which kind of file
    #[param(inline, default = "json")]
    format: Option<Format>,
}

/// The difficulty epochs that are built in, with the hash rate that each shows, and how far each kind of fact reaches
#[utoipa::path(get, path = "/api/v1/observatory/chain", tag = "observatory", params(ChainParams),
    responses((status = 200, content((ChainView = "application/json"), (String = "text/csv")))))]
pub(in crate::api) async fn chain(Asked(params): Asked<ChainParams>) -> Answer<ChainView> {
    worked(move || {
        let known = facts();
        let (rows, list) = (epochs(&known), epochs_assumptions(&known));
        if params.format.unwrap_or_default() == Format::Csv {
            return Ok(Told::csv("offpeak-epochs", "difficulty epochs", &list, &epochs_csv(&rows)));
        }
        let height = rows.last().map_or(0, |row| row.height);
        let vintage = known.vintage();
        Ok(Told::Json(ChainView {
            subsidy_sat: subsidy_sat(height),
            halves_at: next_halving(height + 1),
            price_from: vintage.map(|vintage| vintage.price.0),
            price_to: vintage.map(|vintage| vintage.price.1),
            fees_to: vintage.map(|vintage| vintage.fees.1),
            sources: Facts::sources().to_owned(),
            assumptions: AssumptionView::list(list),
            ..ChainView::columns(&rows)
        }))
    })
    .await
}
