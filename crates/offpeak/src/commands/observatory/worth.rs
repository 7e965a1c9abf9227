//! `offpeak breakeven --efficiency`, `--classes` and `--ths`: shut-down prices of one machine or of whole classes, and what one machine
//! will still earn under a stated scenario.

use anyhow::{Context as _, Result};
use offpeak_index::answers::{
    Expectation, Pricing, classes_assumptions, classes_csv, pricing_assumptions, residual_csv, scenario,
    scenario_assumptions, shutdown_csv,
};
use offpeak_index::breakeven::{
    ClassShutdown, ResidualValue, Scenario, Terms, class_shutdown, residual_value, shutdown_price_usd_per_kwh,
};
use offpeak_index::hardware::fingerprint;
use offpeak_index::hashprice::NetworkVintage;
use offpeak_index::network::NetworkDay;
use serde_json::{Value, json};

use super::hashprice::{vintage_json, vintage_text};
use super::inputs;
use super::output::{print_csv, short};
use crate::cli::{Breakeven, Residual};
use crate::commands::table::table;
use crate::commands::{print, print_json};
use crate::exit::Exit;

/// The hash price that a shut-down price is asked at, as words and as what a file rests on.
pub(super) struct Asked<'a> {
    /// The hash price and the terms.
    pub(super) pricing: Pricing<'a>,
    /// Of which day, or that it was given.
    pub(super) from: String,
}

impl Asked<'_> {
    /// The series where the hash price is of one, and what it says of itself.
    fn network_json(&self) -> Value {
        self.pricing.series.map_or(Value::Null, |(vintage, source, _)| vintage_json(vintage, source))
    }
    /// The terms and the series, for readers.
    pub(super) fn rests_on(&self) -> String {
        let Terms { overhead, pool_fee, other_usd_per_kwh } = self.pricing.terms;
        let terms = format!(
            "terms: overhead {overhead}, the pool takes {} %, other cost {other_usd_per_kwh} USD/kWh",
            pool_fee * 100.0
        );
        let series = self.pricing.series.map(|(vintage, source, _)| vintage_text(vintage, source));
        series.map_or_else(|| terms.clone(), |series| format!("{terms}\n{series}"))
    }
}

/// Terms as JSON.
pub(super) fn terms_json(terms: &Terms) -> Value {
    let Terms { overhead, pool_fee, other_usd_per_kwh } = terms;
    json!({ "overhead": overhead, "pool_fee": pool_fee, "other_usd_per_kwh": other_usd_per_kwh })
}

/// One efficiency, without a table of machines.
pub(super) fn one(args: &Breakeven, efficiency: f64, asked: &Asked<'_>) -> Result<Exit> {
    let (usd, from) = (asked.pricing.usd_per_th_day, &asked.from);
    let shutdown = shutdown_price_usd_per_kwh(efficiency, usd, asked.pricing.terms);
    let pays = shutdown > args.price;
    if args.csv {
        let csv = shutdown_csv(efficiency, usd, args.price, shutdown);
        print_csv("shut-down price", &pricing_assumptions(&asked.pricing), &csv, args.assumptions)?;
    } else if args.json {
        print_json(&json!({
            "efficiency_j_per_th": efficiency, "usd_per_th_day": usd, "hash_price": from,
            "shutdown_usd_per_kwh": shutdown, "power_usd_per_kwh": args.price, "pays": pays,
            "terms": terms_json(asked.pricing.terms), "inputs": { "network": asked.network_json() },
        }))?;
    } else {
        let verdict = if pays { "pays" } else { "does not pay" };
        print(&format!(
            "{efficiency} J/TH is shut down at {} USD/kWh, at {} USD per PH/s a day ({from}): at {} USD/kWh it {verdict}\n\n{}",
            short(shutdown),
            short(usd * 1e3),
            args.price,
            asked.rests_on()
        ))?;
    }
    Ok(Exit::Done)
}

/// Shut-down prices of classes, cut at these joules a terahash.
pub(super) fn classes(args: &Breakeven, asked: &Asked<'_>) -> Result<Exit> {
    let (models, machines) = inputs::catalogue(&args.sources)?;
    let mut cuts = args.classes.clone();
    cuts.sort_by(f64::total_cmp);
    let (usd, from) = (asked.pricing.usd_per_th_day, &asked.from);
    let classes = class_shutdown(&models, &cuts, usd, asked.pricing.terms);
    if args.csv {
        let list = classes_assumptions(&asked.pricing, &models, &machines);
        print_csv("shut-down prices by class", &list, &classes_csv(&classes), args.assumptions)?;
    } else if args.json {
        let class = |class: &ClassShutdown| {
            json!({
                "from_j_per_th": class.from_j_per_th, "to_j_per_th": class.to_j_per_th, "models": class.models,
                "worst_usd_per_kwh": class.price_usd_per_kwh.map(|(worst, _)| worst),
                "best_usd_per_kwh": class.price_usd_per_kwh.map(|(_, best)| best),
            })
        };
        print_json(&json!({
            "usd_per_th_day": usd, "hash_price": from,
            "classes": classes.iter().map(class).collect::<Vec<_>>(),
            "terms": terms_json(asked.pricing.terms),
            "inputs": {
                "network": asked.network_json(),
                "catalogue": { "source": machines, "fingerprint": fingerprint(&models), "models": models.len() },
            },
        }))?;
    } else {
        let row = |class: &ClassShutdown| {
            let price = |price: Option<f64>| price.map_or_else(|| "-".to_owned(), short);
            vec![
                format!("{} to {}", class.from_j_per_th, class.to_j_per_th),
                class.models.len().to_string(),
                price(class.price_usd_per_kwh.map(|(worst, _)| worst)),
                price(class.price_usd_per_kwh.map(|(_, best)| best)),
            ]
        };
        let rows: Vec<Vec<String>> = classes.iter().map(row).collect();
        let header = ["J/TH", "models", "worst, USD/kWh", "best, USD/kWh"];
        print(&format!(
            "Shut-down prices by class at {} USD per PH/s a day ({from})\n\n{}\n\n{}\nmachines: {machines}; {}",
            short(usd * 1e3),
            table(&header, &rows),
            asked.rests_on(),
            fingerprint(&models)
        ))?;
    }
    Ok(Exit::Done)
}

/// What a machine of a hash rate and an efficiency will still earn.
pub(super) fn residual(
    args: &Breakeven,
    efficiency: f64,
    network: &[NetworkDay],
    source: &str,
    terms: &Terms,
) -> Result<Exit> {
    let ths = args.residual.ths.context("a hash rate is named")?;
    let expected = expected(args, terms);
    let start = scenario(network, &expected).context("the series has no day with a price")?;
    let scenario = &start.1;
    let value = residual_value(ths, efficiency, scenario)?;
    let vintage = NetworkVintage::of(network);
    if args.csv {
        let list = scenario_assumptions(ths, efficiency, &start, &expected, &vintage, source);
        print_csv("residual value", &list, &residual_csv(&value), args.assumptions)?;
        return Ok(Exit::Done);
    }
    if args.json {
        print_json(&to_json(args, efficiency, scenario, &value, &vintage, source))?;
        return Ok(Exit::Done);
    }
    let Residual { difficulty_growth, price_growth, discount, days, .. } = &args.residual;
    let until = value.last_paying_day.map_or_else(
        || "it never pays".to_owned(),
        |day| format!("it pays for the last time after {day} days"),
    );
    print(&format!(
        "{ths} TH/s of {efficiency} J/TH will still earn {:.2} USD, {} a TH/s: income {:.2} less cost {:.2}\nit works on {} of {days} days; {until}\nif difficulty grows {difficulty_growth} % and the price {price_growth} % a year, power costs {} USD/kWh, discounted at {discount} % a year,\nfrom {:.0} USD and {} EH/s at height {} with {} BTC of fees a block\n\n{}",
        value.value_usd,
        short(value.usd_per_th),
        value.income_usd,
        value.cost_usd,
        value.days_on,
        args.price,
        scenario.price_usd,
        short(scenario.hash_rate_ths / 1e6),
        scenario.height,
        short(scenario.fees_btc_per_block),
        vintage_text(&vintage, source)
    ))?;
    Ok(Exit::Done)
}

/// What is expected, as the command line has it.
fn expected(args: &Breakeven, terms: &Terms) -> Expectation {
    let more = &args.residual;
    Expectation {
        power_usd_per_kwh: args.price,
        difficulty_growth: more.difficulty_growth / 100.0,
        price_growth: more.price_growth / 100.0,
        discount: more.discount / 100.0,
        days: more.days,
        scrap_usd: more.scrap,
        fees_btc_per_block: more.fees_per_block,
        height: more.height,
        terms: *terms,
    }
}

fn to_json(
    args: &Breakeven,
    efficiency: f64,
    scenario: &Scenario,
    value: &ResidualValue,
    vintage: &NetworkVintage,
    source: &str,
) -> Value {
    json!({
        "hash_rate_ths": args.residual.ths, "efficiency_j_per_th": efficiency,
        "value_usd": value.value_usd, "usd_per_th": value.usd_per_th, "income_usd": value.income_usd,
        "cost_usd": value.cost_usd, "days_on": value.days_on, "last_paying_day": value.last_paying_day,
        "scenario": {
            "price_usd": scenario.price_usd, "price_growth": args.residual.price_growth / 100.0,
            "hash_rate_ths": scenario.hash_rate_ths, "difficulty_growth": scenario.difficulty_growth,
            "height": scenario.height, "fees_btc_per_block": scenario.fees_btc_per_block,
            "power_usd_per_kwh": scenario.power_usd_per_kwh, "discount": scenario.discount,
            "days": scenario.days, "scrap_usd": scenario.scrap_usd, "stops_at_a_loss": scenario.stops_at_a_loss,
            "overhead": scenario.terms.overhead, "pool_fee": scenario.terms.pool_fee,
            "other_usd_per_kwh": scenario.terms.other_usd_per_kwh,
        },
        "inputs": vintage_json(vintage, source),
    })
}
