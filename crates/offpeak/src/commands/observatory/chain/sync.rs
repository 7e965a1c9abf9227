//! `offpeak chain sync`: headers and fees from a node, prices and fees from a file, into a folder.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use offpeak_drivers::bitcoin::{BlockFees, FEES_MAX, HEADERS_MAX, Node, NodeTip, Way};
use offpeak_drivers::connect::Connector;
use offpeak_drivers::http::Credentials;
use offpeak_index::chain::{
    MonthFees, RETARGET_BLOCKS, RawHeader, SAT_PER_BTC, VerifyError, facts, parse_day_values,
};
use serde_json::json;

use super::store::{Headers, Store, now, verified};
use crate::cli::{ChainName, ChainSync};
use crate::commands::{print, print_json, progress};
use crate::exit::{Exit, WrongUsage};

/// How far back headers are read again, in turn, when the node has come to follow another branch.
const BACK: [u32; 3] = [100, 2_016, u32::MAX];
/// A block in so many is asked for its fees.
const FEES_STEP: u32 = 6;
const BLOCKS_A_DAY: u32 = 144;

/// What one sync brought.
#[derive(Default)]
struct Brought {
    headers: Option<(u32, u32, usize)>,
    prices: usize,
    fee_months: usize,
}

pub(super) fn sync(args: &ChainSync) -> Result<Exit> {
    let Some(folder) = args.kept.chain.as_deref() else {
        let hint = "name a folder: --chain ~/.offpeak-chain, or OFFPEAK_CHAIN for all commands";
        return Err(WrongUsage(format!("no folder to keep it in\nhint: {hint}")).into());
    };
    let store = Store::new(folder);
    let mut brought = Brought::default();
    if let Some(path) = &args.csv {
        let hint = "a CSV with the columns date,price_usd and, where known, fees_btc";
        let (prices, fees) = super::super::inputs::read_as(path, hint, parse_day_values)?;
        store.keep_values(&prices, &fees)?;
        (brought.prices, brought.fee_months) = (prices.len(), fees.len());
    }
    if args.node.is_some() {
        let way = way(args)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(from_node(args, &way, &store, &mut brought))?;
    }
    report(args, &store, &brought)
}

fn way(args: &ChainSync) -> Result<Way> {
    if args.rest {
        return Ok(Way::Rest);
    }
    let read = |path: &Path| {
        std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
    };
    if let (Some(user), Some(file)) = (&args.user, &args.password_file) {
        let password = read(file)?.trim_end_matches(['\r', '\n']).to_owned();
        return Ok(Way::Rpc(Credentials { user: user.clone(), password }));
    }
    let Some(cookie) = &args.cookie else {
        let hint =
            "--cookie ~/.bitcoin/.cookie, --user NAME --password-file FILE, or --rest for a node with -rest";
        return Err(WrongUsage(format!("the node's RPC needs a login\nhint: {hint}")).into());
    };
    let text = read(cookie)?;
    let (user, password) =
        text.trim().split_once(':').with_context(|| format!("{} is no cookie file", cookie.display()))?;
    Ok(Way::Rpc(Credentials { user: user.to_owned(), password: password.to_owned() }))
}

async fn from_node(args: &ChainSync, way: &Way, store: &Store, brought: &mut Brought) -> Result<()> {
    let at = args.node.context("a node is named")?;
    let connector = Connector::Tcp;
    let mut node = Node::new(&connector, at, way);
    let told = || format!("{at}\nhint: is the node running, and is this its address and login?");
    let tip = node.tip().await.with_context(told)?;
    if tip.chain != args.network_name.name() {
        bail!("the node follows the chain `{}`, not `{}`", tip.chain, args.network_name.name());
    }
    if tip.catching_up || tip.headers > tip.height {
        eprintln!("the node is still catching up: {} of {} blocks", tip.height, tip.headers);
    }
    let kept = store.headers(args.network_name)?;
    let before = kept.as_ref().map_or(0, |kept| kept.raw.len());
    let headers = fetch(&mut node, args, kept, &tip).await.with_context(|| at.to_string())?;
    store.keep_headers(args.network_name, &headers)?;
    brought.headers =
        Some((headers.first_height, headers.tip.height, headers.raw.len().saturating_sub(before)));
    if let Some(days) = args.fees_days {
        let fees = fees(&mut node, headers.tip.height, days).await.with_context(|| at.to_string())?;
        brought.fee_months += fees.len();
        store.keep_values(&[], &fees)?;
    }
    Ok(())
}

/// Where a first sync begins: the last period whose start is built in from a header; on other chains the first
/// block.
fn beginning(args: &ChainSync) -> u32 {
    let built_in = || {
        facts().epochs.iter().rev().find(|epoch| epoch.from_header).map_or(0, |epoch| epoch.first_height())
    };
    let height = args.from_height.unwrap_or_else(|| match args.network_name {
        ChainName::Main => built_in(),
        ChainName::Regtest => 0,
    });
    height - height % RETARGET_BLOCKS
}

/// Reads what is new and verifies all of it. Where the node has turned to another branch, more is read again.
async fn fetch(
    node: &mut Node<'_>,
    args: &ChainSync,
    kept: Option<Headers>,
    tip: &NodeTip,
) -> Result<Headers> {
    let begins = |kept: &Headers| args.from_height.is_none() || beginning(args) == kept.first_height;
    let kept = kept.filter(begins);
    let first = kept.as_ref().map_or_else(|| beginning(args), |kept| kept.first_height);
    if tip.height < first {
        bail!("the node's last block is {}, before height {first}\nhint: --from-height {}", tip.height, 0);
    }
    for back in BACK {
        let from = kept.as_ref().map_or(first, |kept| kept.tip.height.saturating_sub(back).max(first));
        let mut raw: Vec<RawHeader> =
            kept.as_ref().map_or_else(Vec::new, |kept| kept.raw[..(from - first) as usize].to_vec());
        read_on(node, &mut raw, from, tip.height).await?;
        let found = match verified(args.network_name, first, raw, Some(now()?)) {
            Err(error) if from > first && branches_off(&error, from) => continue,
            found => found?,
        };
        if let Some(kept) = kept.as_ref().filter(|kept| found.tip.work < kept.tip.work) {
            bail!(
                "the node's chain up to height {} holds less work than what is kept up to {}: nothing is changed",
                found.tip.height,
                kept.tip.height
            );
        }
        return Ok(found);
    }
    bail!("the node's headers do not follow those that are kept")
}

fn branches_off(error: &anyhow::Error, from: u32) -> bool {
    let broken = error.chain().find_map(|cause| cause.downcast_ref::<VerifyError>());
    matches!(broken, Some(VerifyError::Link { height, .. }) if *height == from)
}

/// Reads headers up to a height, as many at once as the node gives.
async fn read_on(node: &mut Node<'_>, raw: &mut Vec<RawHeader>, from: u32, last: u32) -> Result<()> {
    let bar = progress(u64::from(last.saturating_sub(from)) + 1);
    let mut next = from;
    while next <= last {
        let count = (last - next + 1).min(HEADERS_MAX);
        let part = node.headers(next, count).await?;
        if part.is_empty() {
            break;
        }
        next += u32::try_from(part.len()).unwrap_or(count);
        bar.set_position(u64::from(next - from));
        raw.extend(part);
    }
    bar.finish_and_clear();
    Ok(())
}

/// Mean fees by month of the last days, from a sample of their blocks.
async fn fees(node: &mut Node<'_>, tip: u32, days: u32) -> Result<Vec<MonthFees>> {
    let from = tip.saturating_sub(days.saturating_mul(BLOCKS_A_DAY)).max(1);
    let heights: Vec<u32> = (from..=tip).step_by(FEES_STEP as usize).collect();
    let mut blocks = Vec::with_capacity(heights.len());
    for part in heights.chunks(FEES_MAX as usize) {
        blocks.extend(node.fees(part).await?);
    }
    Ok(by_month(&blocks))
}

fn by_month(blocks: &[BlockFees]) -> Vec<MonthFees> {
    let date = |seconds: i64| -> Option<Date> {
        Some(TimeZone::UTC.to_datetime(Timestamp::from_second(seconds).ok()?).date())
    };
    let mut months = BTreeMap::<Date, (u64, u32, std::collections::BTreeSet<Date>)>::new();
    for block in blocks {
        let Some(day) = date(block.time) else { continue };
        let month = months.entry(day.first_of_month()).or_default();
        month.0 += block.fees_sat;
        month.1 += 1;
        month.2.insert(day);
    }
    #[expect(clippy::cast_precision_loss, reason = "a month's satoshis are far below 2^53")]
    let mean =
        |(month, (fees, blocks, days)): (Date, (u64, u32, std::collections::BTreeSet<Date>))| MonthFees {
            month,
            btc_per_day: fees as f64 / f64::from(blocks) * f64::from(BLOCKS_A_DAY) / SAT_PER_BTC as f64,
            days: u32::try_from(days.len()).unwrap_or(u32::MAX),
        };
    months.into_iter().map(mean).collect()
}

fn report(args: &ChainSync, store: &Store, brought: &Brought) -> Result<Exit> {
    let folder = store.folder().display().to_string();
    if args.json {
        let headers = brought
            .headers
            .map(|(first, last, new)| json!({ "first_height": first, "height": last, "new": new }));
        print_json(&json!({
            "folder": folder, "chain": args.network_name.name(), "headers": headers,
            "prices": brought.prices, "fee_months": brought.fee_months,
        }))?;
        return Ok(Exit::Done);
    }
    let mut lines = Vec::new();
    if let Some((first, last, new)) = brought.headers {
        lines.push(format!("headers {first} to {last} verified, {new} of them new"));
    }
    if brought.prices + brought.fee_months > 0 {
        lines.push(format!("{} prices and the fees of {} months", brought.prices, brought.fee_months));
    }
    lines.push(format!("kept in {folder}"));
    print(&lines.join("\n"))?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn fees_are_means_by_month() {
        let block = |time: &str, fees_sat| BlockFees {
            height: 1,
            time: time.parse::<Timestamp>().unwrap().as_second(),
            fees_sat,
        };
        let months = by_month(&[
            block("2026-05-31T10:00:00Z", 1_000_000),
            block("2026-05-31T23:00:00Z", 3_000_000),
            block("2026-06-01T00:00:00Z", 4_000_000),
        ]);
        let told: Vec<_> = months.iter().map(|month| (month.month, month.btc_per_day, month.days)).collect();
        assert_eq!(told, [(date(2026, 5, 1), 2.88, 1), (date(2026, 6, 1), 5.76, 1)]);
    }
}
