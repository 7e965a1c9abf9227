//! `offpeak chain` itself: hash rate over windows, next retarget, subsidy, expected earnings.

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use offpeak_index::answers::rates_assumptions;
use offpeak_index::chain::{
    Facts, HALVING_BLOCKS, NextRetarget, RETARGET_BLOCKS, RateEstimate, SAT_PER_BTC, Sampling, Window, facts,
    next_halving, next_retarget, subsidy_sat, supply_sat,
};
use offpeak_index::hashprice::expected_sat_per_th_day;
use serde_json::{Value, json};

use super::store::{Headers, Store, read_headers, rules};
use crate::cli::{ChainName, ChainShow};
use crate::commands::observatory::output::{misused, print_csv, short};
use crate::commands::table::table;
use crate::commands::{print, print_json};
use crate::exit::Exit;

/// Windows without a word about them: a day, a week, a period.
const WINDOWS: [u32; 3] = [144, 1_008, 2_016];

/// What is told.
struct Picture {
    source: String,
    facts: Facts,
    headers: Option<Headers>,
    /// Each window's name and estimate.
    rates: Vec<(String, RateEstimate)>,
    retarget: Option<NextRetarget>,
    /// The last known height, its difficulty and the time of its block or period.
    height: u32,
    difficulty: f64,
    time: i64,
}

pub(super) fn show(args: &ChainShow) -> Result<Exit> {
    let picture = picture(args)?;
    if args.csv {
        let told = picture.headers.as_ref().map(|headers| {
            let (first, tip) = (headers.first_height, &headers.tip);
            format!("{first} to {}, block {}", tip.height, tip.hash)
        });
        let confidence = args.confidence / 100.0;
        let list = rates_assumptions(&picture.facts, &picture.source, confidence, told.as_deref());
        print_csv("hash rates", &list, &csv(&picture), args.assumptions)?;
    } else if args.json {
        print_json(&to_json(&picture, args))?;
    } else {
        print(&text(&picture, args))?;
    }
    Ok(Exit::Done)
}

fn picture(args: &ChainShow) -> Result<Picture> {
    let (facts, headers, source) = match (&args.headers, &args.kept.chain) {
        (Some(path), _) => {
            let headers = read_headers(path, args.network_name, args.first_height)?;
            (facts(), Some(headers), path.display().to_string())
        }
        (None, Some(folder)) => {
            let store = Store::new(folder);
            let (facts, main) = store.facts()?;
            let headers = match args.network_name {
                ChainName::Main => main,
                other @ ChainName::Regtest => store.headers(other)?,
            };
            (facts, headers, folder.display().to_string())
        }
        (None, None) => (facts(), None, "built in; see docs/chain.md".to_owned()),
    };
    if headers.is_none() && (args.from.is_some() || args.network_name == ChainName::Regtest) {
        misused("this needs headers: --headers FILE, or --chain FOLDER that `chain sync` filled");
    }
    let rates = rates(args, &facts, headers.as_ref())?;
    let (height, difficulty, time, retarget) = match &headers {
        Some(headers) => {
            let tip = &headers.tip;
            let limit = rules(args.network_name).limit;
            let difficulty = tip.bits.target().context("a verified header has a target")?.difficulty();
            let confidence = args.confidence / 100.0;
            let retarget = match args.network_name {
                ChainName::Main => next_retarget(tip, limit, confidence).context("the tip")?,
                ChainName::Regtest => None,
            };
            (tip.height, difficulty, i64::from(tip.time), retarget)
        }
        None => {
            let last = facts.epochs.last().context("epochs are built in")?;
            (last.first_height(), last.difficulty(), last.start, None)
        }
    };
    Ok(Picture { source, facts, headers, rates, retarget, height, difficulty, time })
}

/// Hash rates from headers over the windows asked for, or else over the last whole epochs.
fn rates(args: &ChainShow, facts: &Facts, headers: Option<&Headers>) -> Result<Vec<(String, RateEstimate)>> {
    let confidence = args.confidence / 100.0;
    let Some(headers) = headers else {
        return Ok(epoch_rates(facts, args, confidence));
    };
    let (first, raw) = (headers.first_height, &headers.raw);
    let mut rates = Vec::new();
    if let (Some(from), Some(to)) = (args.from, args.to) {
        let (from_s, to_s) = (seconds(from)?, seconds(to.tomorrow().context("the last day of all")?)?);
        if from_s >= to_s {
            misused(&format!("--from {from} is after --to {to}"));
        }
        let covered = i64::from(headers.tip.time) >= to_s && header_time(raw, 0) <= from_s;
        anyhow::ensure!(covered, "the headers do not cover {from} to {to}");
        let window = Window::of_time(first, raw, from_s, to_s).context("verified headers")?;
        let rate = window.and_then(|window| window.hash_rate(confidence));
        rates.extend(rate.map(|rate| (format!("{from} to {to}"), rate)));
    }
    let windows = if args.blocks.is_empty() && args.from.is_none() { &WINDOWS[..] } else { &args.blocks[..] };
    for blocks in windows {
        // One more header marks when the first of them was begun.
        let Some(start) = raw.len().checked_sub(*blocks as usize + 1) else { continue };
        let height = first + u32::try_from(start).context("a height")?;
        let window = Window::of_blocks(height, &raw[start..]).context("verified headers")?;
        let rate = window.and_then(|window| window.hash_rate(confidence));
        rates.extend(rate.map(|rate| (format!("last {blocks} blocks"), rate)));
    }
    Ok(rates)
}

fn header_time(raw: &[offpeak_index::chain::RawHeader], place: usize) -> i64 {
    raw.get(place).map_or(i64::MAX, |raw| i64::from(offpeak_index::chain::Header::read(raw).time))
}

/// The last whole periods as windows: 2,016 blocks in the time to the next period's start.
fn epoch_rates(facts: &Facts, args: &ChainShow, confidence: f64) -> Vec<(String, RateEstimate)> {
    if !args.blocks.is_empty() {
        misused("--blocks needs headers: --headers FILE, or --chain FOLDER that `chain sync` filled");
    }
    let pairs: Vec<_> = facts.epochs.windows(2).rev().take(3).collect();
    let window = |pair: &[offpeak_index::chain::Epoch]| {
        let work = pair[0].bits.target().ok()?.work();
        let whole = (0..RETARGET_BLOCKS).fold(offpeak_index::chain::Work::ZERO, |sum, _| sum.plus(work));
        #[expect(clippy::cast_precision_loss, reason = "seconds of a few weeks")]
        let seconds = (pair[1].start - pair[0].start) as f64;
        let window = Window {
            first_height: pair[0].first_height(),
            blocks: RETARGET_BLOCKS,
            seconds,
            work: whole,
            sampling: Sampling::Blocks,
        };
        let marked = if pair[1].from_header { "" } else { ", end reconstructed" };
        Some((format!("from {}{marked}", pair[0].start_date()), window.hash_rate(confidence)?))
    };
    pairs.into_iter().filter_map(window).collect()
}

fn seconds(day: Date) -> Result<i64> {
    Ok(TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).context("a day within reach")?.as_second())
}

fn time_text(seconds: i64) -> String {
    Timestamp::from_second(seconds).map_or_else(|_| "?".to_owned(), |time| time.to_string())
}

/// What a block's fees come to by the last known month.
fn fees_per_block(facts: &Facts) -> Option<(Date, f64)> {
    facts.fees.last().map(|fees| (fees.month, fees.btc_per_day / 144.0))
}

fn retarget_text(retarget: &NextRetarget) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "a time within reach")]
    let time = time_text(retarget.time.round() as i64);
    let between = retarget.change_interval.map_or_else(String::new, |(low, high)| {
        let percent = 100.0 * retarget.confidence;
        format!(", {percent:.0} % between {:+.1} and {:+.1} %", 100.0 * low, 100.0 * high)
    });
    format!(
        "next retarget at height {} in {} blocks, about {time}: difficulty {:+.2} %{between}",
        retarget.height,
        retarget.blocks_left,
        100.0 * retarget.change
    )
}

fn text(picture: &Picture, args: &ChainShow) -> String {
    let eh = |ths: f64| short(ths / 1e6);
    let rows: Vec<Vec<String>> = picture
        .rates
        .iter()
        .map(|(name, rate)| {
            let upper = rate.upper_ths.map_or_else(|| "-".to_owned(), eh);
            vec![
                name.clone(),
                rate.window.blocks.to_string(),
                eh(rate.lower_ths),
                eh(rate.hash_rate_ths),
                upper,
            ]
        })
        .collect();
    let lower = format!("{} % lower", args.confidence);
    let mut lines = vec![match &picture.headers {
        Some(headers) => format!(
            "{} headers verified, {} to {}: block {} of {}{}",
            headers.raw.len(),
            headers.first_height,
            headers.tip.height,
            headers.tip.hash,
            time_text(picture.time),
            if headers.from_genesis { "" } else { "; the first is trusted" }
        ),
        None => format!(
            "no headers: difficulty periods as built in, the last from height {} at {}",
            picture.height,
            time_text(picture.time)
        ),
    }];
    lines.push(format!("difficulty {:.0}", picture.difficulty));
    lines.push(format!("\n{}\n", table(&["hash rate, EH/s", "blocks", &lower, "estimate", "upper"], &rows)));
    lines.extend(picture.retarget.as_ref().map(retarget_text));
    let height = args.height.unwrap_or(picture.height + 1);
    let halving = next_halving(height + 1);
    lines.push(format!(
        "subsidy at height {height}: {} BTC; it halves at {halving}; {} BTC made before",
        btc(subsidy_sat(height)),
        btc(supply_sat(height)),
    ));
    let (bare, with) = expected(picture, height);
    let with = with.map_or_else(
        || "; fees are not known".to_owned(),
        |(month, sat)| format!(", {} with fees as in {}", short(sat), month.strftime("%B %Y")),
    );
    lines.push(format!("a TH/s should earn {} sat a day without fees{with}", short(bare)));
    lines.push(format!("\nfrom: {}", picture.source));
    lines.extend(picture.facts.vintage().map(|vintage| {
        format!(
            "difficulty epochs to {}, from headers to {}; prices to {}, fees to {}",
            vintage.epochs_to,
            vintage.headers_to,
            vintage.price.1,
            vintage.fees.1.strftime("%B %Y")
        )
    }));
    lines.join("\n")
}

fn btc(sat: u64) -> String {
    let whole = format!("{}.{:08}", sat / SAT_PER_BTC, sat % SAT_PER_BTC);
    whole.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Satoshis a terahash a second and day, without and with fees (and their month).
#[expect(clippy::cast_precision_loss, reason = "a block's satoshis are far below 2^53")]
fn expected(picture: &Picture, height: u32) -> (f64, Option<(Date, f64)>) {
    let subsidy = subsidy_sat(height) as f64;
    let of = |reward| expected_sat_per_th_day(picture.difficulty, reward).unwrap_or(0.0);
    let with = fees_per_block(&picture.facts);
    (of(subsidy), with.map(|(month, fees)| (month, of(subsidy + fees * SAT_PER_BTC as f64))))
}

fn csv(picture: &Picture) -> String {
    let mut csv =
        "window,first_height,blocks,seconds,confidence,lower_ths,hash_rate_ths,upper_ths\n".to_owned();
    for (name, rate) in &picture.rates {
        let upper = rate.upper_ths.map_or_else(String::new, |upper| upper.to_string());
        csv.push_str(&format!(
            "\"{name}\",{},{},{},{},{},{},{upper}\n",
            rate.window.first_height,
            rate.window.blocks,
            rate.window.seconds,
            rate.confidence,
            rate.lower_ths,
            rate.hash_rate_ths
        ));
    }
    csv
}

fn to_json(picture: &Picture, args: &ChainShow) -> Value {
    let rate = |(name, rate): &(String, RateEstimate)| {
        json!({
            "window": name, "first_height": rate.window.first_height, "blocks": rate.window.blocks,
            "seconds": rate.window.seconds, "confidence": rate.confidence,
            "lower_ths": rate.lower_ths, "hash_rate_ths": rate.hash_rate_ths, "upper_ths": rate.upper_ths,
        })
    };
    let verified = picture.headers.as_ref().map(|headers| {
        json!({
            "count": headers.raw.len(), "first_height": headers.first_height,
            "height": headers.tip.height, "hash": headers.tip.hash.to_string(),
            "work": headers.tip.work.to_f64(), "first_is_trusted": !headers.from_genesis,
        })
    });
    let retarget = picture.retarget.as_ref().map(|next| {
        json!({
            "height": next.height, "blocks_left": next.blocks_left, "time": next.time,
            "change": next.change, "change_interval": next.change_interval,
            "confidence": next.confidence, "bits": next.bits.to_string(),
        })
    });
    let height = args.height.unwrap_or(picture.height + 1);
    let (bare, with) = expected(picture, height);
    let vintage = picture.facts.vintage();
    json!({
        "chain": args.network_name.name(),
        "height": picture.height,
        "time": time_text(picture.time),
        "difficulty": picture.difficulty,
        "verified": verified,
        "hash_rates": picture.rates.iter().map(rate).collect::<Vec<_>>(),
        "next_retarget": retarget,
        "subsidy": {
            "height": height, "sat": subsidy_sat(height), "halves_at": next_halving(height + 1),
            "period_blocks": HALVING_BLOCKS, "supply_before_sat": supply_sat(height),
        },
        "expected": {
            "sat_per_th_day_without_fees": bare,
            "sat_per_th_day": with.map(|(_, sat)| sat),
            "fees_btc_per_block": fees_per_block(&picture.facts).map(|(_, fees)| fees),
            "fees_month": with.map(|(month, _)| month.to_string()),
        },
        "inputs": {
            "source": picture.source,
            "epochs_to": vintage.map(|vintage| vintage.epochs_to.to_string()),
            "headers_to": vintage.map(|vintage| vintage.headers_to.to_string()),
            "price_to": vintage.map(|vintage| vintage.price.1.to_string()),
            "fees_to": vintage.map(|vintage| vintage.fees.1.to_string()),
        },
    })
}
