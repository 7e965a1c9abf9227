//! `offpeak grid`: a nation's balance, what mining takes from it by each estimate, and what if.
//!
//! For: the country's tables, built in or given, and which year is meant. Not here: hours and estimates,
//! which are `offpeak-index`.

mod change;
mod nation;

use anyhow::{Result, bail, ensure};
use offpeak_index::grid::GridBook;

use super::inputs;
use crate::cli::Grid;
use crate::exit::Exit;

pub(super) fn grid(args: &Grid) -> Result<Exit> {
    let book = book(args)?;
    let years = book.years(args.country);
    if years.is_empty() {
        bail!(
            "there is no balance of {}\nhint: Kazakhstan (KZ) is built in; --balance FILE takes code,year,series,generation_twh,demand_twh,source",
            args.country.name()
        );
    }
    if let Some(year) = args.year {
        ensure!(
            years.contains(&year),
            "there is no balance of {} for {year}\nhint: there is one for {}",
            args.country.name(),
            years.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        );
    }
    match args.what_if {
        Some(wanted) => change::show(args, &book, wanted),
        None => nation::show(args, &book, &years),
    }
}

/// What is built in, or the user's own tables in its place.
fn book(args: &Grid) -> Result<GridBook> {
    let Some(balance) = &args.balance else { return Ok(GridBook::embedded().clone()) };
    let table = |path: &Option<std::path::PathBuf>,
                 hint: &str,
                 parse: &dyn Fn(&str) -> Result<GridBook, offpeak_index::world::TableError>| {
        path.as_ref().map(|path| inputs::read_as(path, hint, |text| parse(text))).transpose()
    };
    let mut book =
        inputs::read_as(balance, "columns: code,year,series,generation_twh,demand_twh,source", |text| {
            GridBook::from_csv(text, "", "")
        })?;
    let peaks = table(&args.peaks, "columns: code,date,load_mw,generation_mw,source", &|text| {
        GridBook::from_csv("", text, "")
    })?;
    let estimates = table(
        &args.estimates,
        "columns: code,estimate,title,rule,amount,amount_unit,rate,rate_unit,hours,period,source",
        &|text| GridBook::from_csv("", "", text),
    )?;
    book.peaks = peaks.map(|other| other.peaks).unwrap_or_default();
    book.estimates = estimates.map(|other| other.estimates).unwrap_or_default();
    Ok(book)
}
