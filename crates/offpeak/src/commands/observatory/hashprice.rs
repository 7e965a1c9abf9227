//! `offpeak hashprice` and `offpeak breakeven`: what hashing earns, and at which price of power it stops paying.

use anyhow::{Context as _, Result};
use jiff::civil::Date;
use offpeak_index::answers::{Pricing, hash_price_assumptions, hash_price_csv, lives_assumptions, lives_csv};
use offpeak_index::breakeven::{Life, Lives, Terms, lives, worst_paying_j_per_th};
use offpeak_index::hashprice::{HashPriceDay, HashPriceSeries, NetworkVintage, hash_price_series};
use serde_json::{Value, json};

use super::output::{misused, print_csv, short};
use super::{inputs, worth};
use crate::cli::{Breakeven, HashPrice, TermsOf};
use crate::commands::table::table;
use crate::commands::{print, print_json};
use crate::exit::Exit;

/// Days shown without a span.
const DAYS_SHOWN: usize = 14;

pub(super) fn hashprice(args: &HashPrice) -> Result<Exit> {
    let (network, source) = inputs::network(&args.sources)?;
    if let (Some(from), Some(to)) = (args.from, args.to)
        && from > to
    {
        misused(&format!("--from {from} is after --to {to}"));
    }
    let series = hash_price_series(&network, args.mean_days);
    let within = |day: &&HashPriceDay| {
        args.from.is_none_or(|from| day.date >= from) && args.to.is_none_or(|to| day.date <= to)
    };
    let mut rows: Vec<&HashPriceDay> = series.rows.iter().filter(within).collect();
    if rows.is_empty() {
        eprintln!("no day in that span has a hash price{}", span_of(&series.vintage));
    }
    if args.csv {
        print_csv(
            "hash price",
            &hash_price_assumptions(&series, &source),
            &hash_price_csv(rows),
            args.assumptions,
        )?;
    } else if args.json {
        let days: Vec<Value> = rows.iter().map(|day| day_json(day)).collect();
        print_json(
            &json!({ "mean_days": series.mean_days, "days": days, "inputs": vintage_json(&series.vintage, &source) }),
        )?;
    } else if !rows.is_empty() {
        let all = args.from.is_some() || args.to.is_some();
        let skipped = if all { 0 } else { rows.len().saturating_sub(DAYS_SHOWN) };
        print(&text(&rows.split_off(skipped), &series, &source))?;
    }
    Ok(Exit::Done)
}

fn optional(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), short)
}

fn text(rows: &[&HashPriceDay], series: &HashPriceSeries, source: &str) -> String {
    let row = |day: &&HashPriceDay| {
        vec![
            day.date.to_string(),
            optional(day.usd_per_th_day.map(|usd| usd * 1e3)),
            short(day.sat_per_th_day),
            optional(day.fee_share.map(|share| share * 100.0)),
        ]
    };
    let header = ["day", "USD per PH/s a day", "sat per TH/s a day", "% from fees"];
    let rows: Vec<Vec<String>> = rows.iter().map(row).collect();
    let mean = match series.mean_days {
        1 => "each day by itself".to_owned(),
        days => format!("each the mean of {days} days"),
    };
    let inputs = vintage_text(&series.vintage, source);
    format!("What a day's hashing earns, {mean}\n\n{}\n\n{inputs}", table(&header, &rows))
}

fn day_json(day: &HashPriceDay) -> Value {
    json!({
        "date": day.date.to_string(), "usd_per_th_day": day.usd_per_th_day,
        "sat_per_th_day": day.sat_per_th_day, "fee_share": day.fee_share,
    })
}

pub(super) fn vintage_text(vintage: &NetworkVintage, source: &str) -> String {
    let day = |date: Option<Date>| date.map_or_else(|| "none".to_owned(), |date| date.to_string());
    format!(
        "network: {} days to {}, prices to {}, fees to {} ({source}); {}",
        vintage.days,
        day(vintage.span.map(|(_, last)| last)),
        day(vintage.price_to),
        day(vintage.fees_to),
        vintage.fingerprint,
    )
}

pub(super) fn vintage_json(vintage: &NetworkVintage, source: &str) -> Value {
    let text = |date: Option<Date>| date.map(|date| date.to_string());
    json!({
        "source": source, "fingerprint": vintage.fingerprint, "days": vintage.days,
        "first": text(vintage.span.map(|(first, _)| first)), "last": text(vintage.span.map(|(_, last)| last)),
        "price_to": text(vintage.price_to), "fees_to": text(vintage.fees_to),
    })
}

fn span_of(vintage: &NetworkVintage) -> String {
    let span = vintage.span.map(|(first, last)| format!(": the series runs from {first} to {last}"));
    span.unwrap_or_default()
}

impl TermsOf {
    fn terms(&self) -> Terms {
        Terms { overhead: self.overhead, pool_fee: self.pool_fee / 100.0, other_usd_per_kwh: self.other }
    }
}

pub(super) fn breakeven(args: &Breakeven) -> Result<Exit> {
    let terms = args.terms.terms();
    let (network, source) = inputs::network(&args.sources)?;
    let series = hash_price_series(&network, args.mean_days);
    let priced = || series.rows.iter().rev().find_map(|day| Some((day.date, day.usd_per_th_day?)));
    let (from, day, usd) = match args.hash_price {
        Some(usd) => ("given".to_owned(), None, usd),
        None => {
            let (date, usd) = priced().context("the series has no day with a price")?;
            (format!("of {date}, the mean of {} days", series.mean_days), Some(date), usd)
        }
    };
    let of_series = day.map(|_| (&series.vintage, source.as_str(), series.mean_days));
    let pricing = Pricing { usd_per_th_day: usd, series: of_series, day, terms: &terms };
    let asked = worth::Asked { pricing, from };
    if !args.classes.is_empty() {
        return worth::classes(args, &asked);
    }
    if let Some(efficiency) = args.efficiency {
        if args.residual.ths.is_some() {
            return worth::residual(args, efficiency, &network, &source, &terms);
        }
        return worth::one(args, efficiency, &asked);
    }
    let (models, machines) = inputs::catalogue(&args.sources)?;
    let found = lives(&network, &models, args.price, &terms, args.mean_days, args.hold_days);
    if args.csv {
        print_csv(
            "break-even",
            &lives_assumptions(&found, &source, &machines),
            &lives_csv(&found),
            args.assumptions,
        )?;
    } else if args.json {
        print_json(&lives_json(&found, &source, &machines))?;
    } else {
        let worst = worst_paying_j_per_th(args.price, usd, &terms);
        let paying = found.lives.iter().filter(|life| life.pays_now).count();
        let rows: Vec<Vec<String>> = found.lives.iter().map(life_row).collect();
        let header =
            ["model", "released", "J/TH", "first paid", "stopped", "days paid", "shut down at USD/kWh"];
        print(&format!(
            "At {} USD/kWh and {} USD per PH/s a day ({}) machines of up to {} J/TH pay: {paying} of {} models\n\n{}\n\n{}\nmachines: {machines}; {}",
            args.price,
            short(usd * 1e3),
            asked.from,
            short(worst),
            found.lives.len(),
            table(&header, &rows),
            vintage_text(&found.vintage, &source),
            found.catalogue_fingerprint,
        ))?;
    }
    Ok(Exit::Done)
}

fn day(date: Option<Date>, without: &str) -> String {
    date.map_or_else(|| without.to_owned(), |date| date.to_string())
}

fn life_row(life: &Life) -> Vec<String> {
    let stopped = if life.pays_now { "pays" } else { "never paid" };
    vec![
        life.model.clone(),
        life.release.to_string(),
        short(life.efficiency_j_per_th),
        day(life.first_paid, "-"),
        day(life.stopped, stopped),
        format!("{} of {}", life.days_paid, life.days),
        optional(life.shutdown_now_usd_per_kwh),
    ]
}

fn lives_json(found: &Lives, source: &str, machines: &str) -> Value {
    let text = |date: Option<Date>| date.map(|date| date.to_string());
    let life = |life: &Life| {
        json!({
            "model": life.model, "release": life.release.to_string(), "efficiency_j_per_th": life.efficiency_j_per_th,
            "first_paid": text(life.first_paid), "stopped": text(life.stopped), "first_given_up": text(life.first_given_up),
            "days_paid": life.days_paid, "days": life.days, "pays_now": life.pays_now,
            "shutdown_now_usd_per_kwh": life.shutdown_now_usd_per_kwh,
        })
    };
    json!({
        "power_usd_per_kwh": found.power_usd_per_kwh, "mean_days": found.mean_days, "hold_days": found.hold_days,
        "terms": worth::terms_json(&found.terms),
        "models": found.lives.iter().map(life).collect::<Vec<_>>(),
        "inputs": {
            "network": vintage_json(&found.vintage, source),
            "catalogue": { "source": machines, "fingerprint": found.catalogue_fingerprint },
        },
    })
}
