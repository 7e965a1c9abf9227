//! `offpeak world`: where mining is said to be, by each source.
//!
//! For: choosing series, periods and the network's estimate, then handing them to the views: the world in
//! a period, flows between two, one country against its grid. Not here: outlines of countries.

mod country;
mod flows;
mod overview;

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use offpeak_index::answers::Inputs;
use offpeak_index::world::{
    CountryCode, NetworkLoad, Period, SeriesHeader, ShareSeries, TableError, Whole, embedded_shares,
    parse_shares_csv,
};

use super::inputs;
use super::output::misused;
use crate::cli::World;
use crate::exit::Exit;

pub(super) fn world(args: &World) -> Result<Exit> {
    let series = known(args)?;
    let inputs = inputs::of(&args.sources)?;
    match (args.from_month, args.to_month, args.country) {
        (Some(before), Some(after), _) => flows::show(args, &series, &inputs, before, after),
        (_, _, Some(country)) => country::show(args, &series, &inputs, country),
        _ => overview::show(args, &series, &inputs),
    }
}

/// All series: what is built in, then files.
fn known(args: &World) -> Result<Vec<ShareSeries>> {
    let mut series = embedded_shares();
    for path in &args.shares {
        let mut read = shares(path)?;
        let taken = series
            .iter()
            .filter(|one| one.key.trim_end_matches(|c: char| c.is_ascii_digit()) == read.key)
            .count();
        if taken > 0 {
            read.key = format!("{}{}", read.key, taken + 1);
        }
        series.push(read);
    }
    let keys: Vec<String> = series.iter().map(|one| one.key.clone()).collect();
    if let Some(unknown) = args.series.iter().find(|wanted| !keys.contains(wanted)) {
        misused(&format!("there is no series `{unknown}`: expected {}", keys.join(", ")));
    }
    Ok(series)
}

/// Those of the series that `--series` names; all of them without it.
fn asked<'a>(args: &World, series: &'a [ShareSeries]) -> Vec<&'a ShareSeries> {
    series.iter().filter(|one| args.series.is_empty() || args.series.contains(&one.key)).collect()
}

/// A table of shares: by country of the world, or by province of China, as its header says.
fn shares(path: &Path) -> Result<ShareSeries> {
    const HINT: &str = "a CSV with a column date, period or month, one of country, province or place, and one whose name begins with share (or monthly_hashrate_%)";
    let parse = |text: &str| -> Result<ShareSeries, TableError> {
        let header = text.lines().find(|line| !line.trim_start().starts_with('#')).unwrap_or("");
        let header = header.to_ascii_lowercase();
        let provinces = header.split(',').any(|cell| cell.trim().trim_matches('"') == "province");
        let head =
            if provinces { SeriesHeader::cambridge_provinces() } else { SeriesHeader::cambridge_map() };
        parse_shares_csv(text, head)
    };
    let series = inputs::read_as(path, HINT, parse)?;
    ensure!(!series.points.is_empty(), "{} has no share\nhint: {HINT}", path.display());
    Ok(series)
}

/// The network by one method, month by month.
fn network_load(args: &World, inputs: &Inputs) -> Result<NetworkLoad> {
    let method = inputs::method(args.method, &args.changes)?;
    Ok(NetworkLoad::from_series(&method.series(&inputs.network, &inputs.catalogue)))
}

/// The period asked for, else the latest of the series.
fn period_of(args: &World, series: &ShareSeries) -> Option<Period> {
    args.month.or_else(|| series.points.keys().next_back().copied())
}

/// Series that report something for the period asked for; an error that names what there is otherwise.
fn with_period<'a>(args: &World, series: &'a [ShareSeries]) -> Result<Vec<(&'a ShareSeries, Period)>> {
    let asked = asked(args, series);
    let found: Vec<_> = asked
        .iter()
        .copied()
        .filter_map(|one| period_of(args, one).map(|period| (one, period)))
        .filter(|(one, period)| one.points.contains_key(period))
        .collect();
    let known = || {
        let all: BTreeSet<Period> = asked.iter().flat_map(|one| one.points.keys().copied()).collect();
        let names: Vec<String> = all.iter().map(ToString::to_string).collect();
        match names.as_slice() {
            [first, .., last] if names.len() > 12 => format!("from {first} to {last}"),
            _ => names.join(", "),
        }
    };
    let first = found.first().copied();
    first.with_context(|| {
        let wanted = args.month.map(|month| month.to_string()).unwrap_or_default();
        format!("no series reports {wanted}\nhint: there is {}; --shares FILE gives a fuller table", known())
    })?;
    Ok(found)
}

/// The country that a series is split by, where it is one.
fn country_of(series: &ShareSeries) -> Option<CountryCode> {
    match series.whole {
        Whole::Country(country) => Some(country),
        Whole::World => None,
    }
}
