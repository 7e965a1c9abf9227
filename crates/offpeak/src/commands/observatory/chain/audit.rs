//! `offpeak chain audit`: what a pool paid against what the work was worth.

use anyhow::{Context as _, Result, bail};
use offpeak_index::answers::audit_assumptions;
use offpeak_index::hashprice::{HashPriceDay, NetworkVintage, audit_pool, hash_price_series};
use serde_json::json;

use crate::cli::ChainAudit;
use crate::commands::observatory::hashprice::{vintage_json, vintage_text};
use crate::commands::observatory::inputs;
use crate::commands::observatory::output::{misused, print_csv, short};
use crate::commands::{print, print_json};
use crate::exit::Exit;

pub(super) fn audit(args: &ChainAudit) -> Result<Exit> {
    if args.from > args.to {
        misused(&format!("--from {} is after --to {}", args.from, args.to));
    }
    let (network, source) = inputs::network(&args.sources)?;
    let series = hash_price_series(&network, 1);
    let days: Vec<&HashPriceDay> =
        series.rows.iter().filter(|day| (args.from..=args.to).contains(&day.date)).collect();
    let asked = args.from.until(args.to).map_or(0, |span| usize::try_from(span.get_days()).unwrap_or(0)) + 1;
    if days.len() < asked {
        bail!(
            "only {} of the {asked} days from {} to {} are known\nhint: `offpeak chain sync` brings the chain up to date, --network FILE names a series",
            days.len(),
            args.from,
            args.to
        );
    }
    #[expect(clippy::cast_precision_loss, reason = "a number of days")]
    let count = days.len() as f64;
    let mean = days.iter().map(|day| day.sat_per_th_day).sum::<f64>() / count;
    let without_fees = days.iter().filter(|day| day.fee_share.is_none()).count();
    let audit = audit_pool(args.ths * count, mean, args.pool_fee / 100.0, args.paid_sat)
        .context("the work and what it was worth are above zero")?;
    let vintage = &series.vintage;
    if args.csv {
        let mut csv = "date,sat_per_th_day,worth_sat,fees_known\n".to_owned();
        for day in &days {
            let worth = day.sat_per_th_day * args.ths;
            let fees = u8::from(day.fee_share.is_some());
            csv.push_str(&format!("{},{},{worth},{fees}\n", day.date, day.sat_per_th_day));
        }
        let fee = args.pool_fee / 100.0;
        let list = audit_assumptions(&series, &source, args.ths, fee, args.paid_sat);
        print_csv("pool audit", &list, &csv, args.assumptions)?;
    } else if args.json {
        print_json(&json!({
            "from": args.from.to_string(), "to": args.to.to_string(), "days": days.len(),
            "hash_rate_ths": args.ths, "sat_per_th_day": mean, "worth_sat": audit.worth_sat,
            "stated_fee": args.pool_fee / 100.0, "owed_sat": audit.owed_sat, "paid_sat": audit.paid_sat,
            "fee_in_fact": audit.fee_in_fact, "days_without_known_fees": without_fees,
            "inputs": vintage_json(vintage, &source),
        }))?;
    } else {
        print(&told(args, mean, &audit, without_fees, vintage, &source))?;
    }
    Ok(Exit::Done)
}

fn told(
    args: &ChainAudit,
    mean: f64,
    audit: &offpeak_index::hashprice::PoolAudit,
    without_fees: usize,
    vintage: &NetworkVintage,
    source: &str,
) -> String {
    let caution = match without_fees {
        0 => String::new(),
        days => format!("\nfees of {days} days are not known: the work was worth somewhat more"),
    };
    format!(
        "{} TH/s from {} to {} was worth {:.0} sat, {} a TH/s and day\nat {} % the pool owes {:.0} sat; it paid {:.0}: it kept {:.2} %{caution}\na pool that pays by share owes this; one that pays by blocks found only on average\n\n{}",
        args.ths,
        args.from,
        args.to,
        audit.worth_sat,
        short(mean),
        args.pool_fee,
        audit.owed_sat,
        audit.paid_sat,
        100.0 * audit.fee_in_fact,
        vintage_text(vintage, source)
    )
}
