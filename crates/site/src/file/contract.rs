//! `[contract]` and `[prices]`. Not here: what their hours are as instants (`crate::contract`).

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use offpeak_units::{Currency, HashPrice, Money, Power, Price};
use rust_decimal::Decimal;

use super::diagnostic::Report;
use super::section::Section;
use crate::contract::{Contract, Import, Window, hours_of};
use crate::price::{Costs, Dated, Economics, Levy, Tariff};

/// Reads the contract.
pub(crate) fn read_contract(
    file: &Section<'_>,
    zone: &TimeZone,
    currency: Currency,
    report: &mut Report<'_>,
) -> Contract {
    let Some(section) = file.section("contract") else { return Contract::default() };
    let mut holidays = BTreeSet::new();
    for (day, place) in section.dates("holidays") {
        if !holidays.insert(day) {
            report.error(&place, &format!("{day} twice"), "each holiday once");
        }
    }
    let mut windows: Vec<(Window, Section<'_>)> = Vec::new();
    for entry in section.sections("windows") {
        let hours = hours(&entry, report);
        let limit = entry.kilowatts("limit_kw");
        if let (Some(hours), Some(limit)) = (hours, limit) {
            let window =
                Window { days: hours.days, holidays: hours.holidays, from: hours.from, to: hours.to, limit };
            warn_of_overlap(&window, &entry, &windows, report);
            windows.push((window, entry));
        }
    }
    Contract {
        windows: windows.into_iter().map(|(window, _)| window).collect(),
        holidays: holidays.into_iter().collect(),
        house_load: section.kilowatts("house_load_kw").unwrap_or(Power::ZERO),
        nominations: read_nominations(&section, zone, report),
        imports: read_imports(&section, currency, report),
    }
}

/// The nominated hours of each day, as many as the day has.
fn read_nominations(
    section: &Section<'_>,
    zone: &TimeZone,
    report: &mut Report<'_>,
) -> BTreeMap<Date, Vec<Power>> {
    let mut days = BTreeMap::new();
    for entry in section.sections("nominations") {
        let (Some(day), Some(hours)) = (entry.date("date"), entry.kilowatts_list("hours_kw")) else {
            continue;
        };
        let has = hours_of(zone, day);
        if hours.len() != has {
            let found = format!("{} hours for {day}", hours.len());
            report.error(&entry.place_of("hours_kw"), &found, &format!("{has} hours, as this day has"));
        }
        if days.insert(day, hours).is_some() {
            report.error(&entry.place_of("date"), &format!("{day} twice"), "each date once");
        }
    }
    days
}

fn read_imports(section: &Section<'_>, currency: Currency, report: &mut Report<'_>) -> Vec<Import> {
    let mut imports: Vec<Import> = Vec::new();
    for entry in section.sections("imports") {
        let hours = hours(&entry, report);
        let (Some(id), Some(hours), Some(limit), Some(price)) =
            (entry.text("id"), hours, entry.kilowatts("limit_kw"), entry.amount("price_per_kwh"))
        else {
            continue;
        };
        if imports.iter().any(|import| import.id == id) {
            report.error(&entry.place_of("id"), &format!("`{id}` twice"), "a name that no other import has");
        }
        let hours =
            Window { days: hours.days, holidays: hours.holidays, from: hours.from, to: hours.to, limit };
        imports.push(Import { id: id.to_owned(), hours, price: Price::per_kilowatt_hour(price, currency) });
    }
    imports
}

/// Where two windows are open on one weekday the higher limit holds: fine if meant.
fn warn_of_overlap(
    window: &Window,
    entry: &Section<'_>,
    earlier: &[(Window, Section<'_>)],
    report: &mut Report<'_>,
) {
    for (other, section) in earlier.iter().filter(|(other, _)| other.limit != window.limit) {
        let own = minutes(window);
        if minutes(other).iter().any(|(from, to)| own.iter().any(|(start, end)| start < to && from < end)) {
            let line = report.line(&section.place);
            let found = format!("hours that overlap those of line {line} with another limit");
            let hint = Some("where several windows are open the highest limit holds".to_owned());
            return report.warning(&entry.place, &found, "windows that do not overlap", hint);
        }
    }
}

/// A window's hours in minutes from Monday midnight; one past Sunday midnight is cut in two.
fn minutes(window: &Window) -> Vec<(i32, i32)> {
    const WEEK: i32 = 7 * 1_440;
    let minute = |time: Time| i32::from(time.hour()) * 60 + i32::from(time.minute());
    let mut spans = Vec::new();
    for day in &window.days {
        let start = i32::from(day.to_monday_zero_offset()) * 1_440;
        let mut until = start + minute(window.to);
        if window.to <= window.from {
            until += 1_440;
        }
        spans.push((start + minute(window.from), until.min(WEEK)));
        if until > WEEK {
            spans.push((0, until - WEEK));
        }
    }
    spans
}

struct Hours {
    days: Vec<Weekday>,
    holidays: bool,
    from: Time,
    to: Time,
}

/// The hours of a window or a tariff line. From midnight to midnight is the whole day; any other
/// `from` that is also `to` is more likely a slip than a whole day from then on.
fn hours(entry: &Section<'_>, report: &mut Report<'_>) -> Option<Hours> {
    let days = if entry.has("days") { entry.days("days")? } else { Vec::new() };
    let holidays = if entry.has("holidays") { entry.flag("holidays")? } else { false };
    let (from, to) = (entry.time("from"), entry.time("to"));
    if days.is_empty() && !holidays {
        let place = if entry.has("days") { entry.place_of("days") } else { entry.place.clone() };
        report.error(&place, "no days", "`days`, or `holidays = true`");
        return None;
    }
    let (from, to) = (from?, to?);
    if from == to && from != Time::midnight() {
        let found = format!("{:02}:{:02} as begin and end", from.hour(), from.minute());
        report.error(
            &entry.place_of("to"),
            &found,
            "an end after the begin; a whole day is \"00:00\" to \"24:00\"",
        );
        return None;
    }
    Some(Hours { days, holidays, from, to })
}

/// Reads `[prices]`.
pub(crate) fn read_prices(
    file: &Section<'_>,
    currency: Currency,
    holidays: Vec<Date>,
    report: &mut Report<'_>,
) -> Economics {
    let (tariffs, hash_prices) = (Vec::new(), Vec::new());
    let mut economics = Economics { currency, tariffs, hash_prices, holidays, costs: Costs::default() };
    let Some(section) = file.section("prices") else { return economics };
    let mut tariffs = BTreeMap::new();
    for entry in section.sections("tariffs") {
        let lines =
            entry.sections("hours").iter().filter_map(|line| tariff(line, currency, report)).collect();
        if let Some(from) = dated(&entry, &tariffs, report) {
            tariffs.insert(from, lines);
        }
    }
    economics.tariffs = tariffs.into_iter().map(|(from, value)| Dated { from, value }).collect();
    economics.hash_prices = read_hash_prices(&section, currency, report);
    economics.costs = read_costs(&section, currency, report);
    economics
}

/// Levies, losses, cooling and fees.
fn read_costs(section: &Section<'_>, currency: Currency, report: &mut Report<'_>) -> Costs {
    use rust_decimal::prelude::ToPrimitive as _;
    let mut share = |key: &str| {
        let percent = section.amount(key).unwrap_or(Decimal::ZERO);
        if percent > Decimal::ONE_HUNDRED {
            report.wrong(&section.place_of(key), "a share from 0 to 100 percent");
        }
        (percent * Decimal::from(10_000)).to_u32().unwrap_or(0).min(1_000_000)
    };
    let (overhead_ppm, fees_ppm) = (share("overhead_percent"), share("fees_percent"));
    let mut levies: BTreeMap<Date, Vec<Levy>> = BTreeMap::new();
    let price = |amount| Price::per_kilowatt_hour(amount, currency);
    for entry in section.sections("levies") {
        if let (Some(from), Some(due)) = (entry.date("from"), entry.amount("per_kwh")) {
            let price_below = entry.amount("price_below").map(price);
            levies.entry(from).or_default().push(Levy { price_below, price: price(due) });
        }
    }
    let levies = levies.into_iter().map(|(from, value)| Dated { from, value }).collect();
    let start = section.amount("start_cost").map(|amount| Money::new(amount, currency));
    let cold_start = section.amount("cold_start_cost").map(|amount| Money::new(amount, currency));
    if let Some(cold) = cold_start
        && start.is_none_or(|start| cold.amount() < start.amount())
    {
        report.wrong(&section.place_of("cold_start_cost"), "a `start_cost` beside it that is not more");
    }
    let demand_charges = super::budgets::read_demand_charges(section, currency, report);
    let peak_before = super::budgets::before(section, ["peak_kw", "peak_at"], Section::kilowatts, report);
    Costs { overhead_ppm, fees_ppm, levies, start, cold_start, demand_charges, peak_before }
}

fn tariff(line: &Section<'_>, currency: Currency, report: &mut Report<'_>) -> Option<Tariff> {
    let hours = hours(line, report)?;
    if hours.to < hours.from && hours.to != Time::midnight() {
        report.wrong(
            &line.place_of("to"),
            "an end on the same day, at most \"24:00\"; give the hours after midnight their own line",
        );
        return None;
    }
    let price = Price::per_kilowatt_hour(line.amount("price_per_kwh")?, currency);
    Some(Tariff { days: hours.days, holidays: hours.holidays, from: hours.from, to: hours.to, price })
}

/// Dollars of each date, in the site's currency at the rate in force.
fn read_hash_prices(
    section: &Section<'_>,
    currency: Currency,
    report: &mut Report<'_>,
) -> Vec<Dated<HashPrice>> {
    let mut rates = BTreeMap::new();
    for entry in section.sections("exchange_rates") {
        if let (Some(from), Some(rate)) = (dated(&entry, &rates, report), entry.amount("per_usd")) {
            rates.insert(from, rate);
        }
    }
    if currency == Currency::USD {
        rates = BTreeMap::from([(Date::MIN, Decimal::ONE)]);
    }
    let mut dollars = BTreeMap::new();
    let mut told = false;
    for entry in section.sections("hash_prices") {
        let Some(from) = dated(&entry, &dollars, report) else { continue };
        let Some(price) = entry.amount("usd_per_th_day") else { continue };
        if rates.range(..=from).next().is_none() && !std::mem::replace(&mut told, true) {
            let found = format!("{from}, before which no exchange rate is given");
            let expected = format!("one of the `exchange_rates` from USD to {currency} in force by then");
            report.error(&entry.place_of("from"), &found, &expected);
        }
        dollars.insert(from, price);
    }
    let dates: BTreeSet<Date> = dollars.keys().chain(rates.keys()).copied().collect();
    let in_force = |from: Date| {
        let (_, price) = dollars.range(..=from).next_back()?;
        let (_, rate) = rates.range(..=from).next_back()?;
        let value = HashPrice::per_terahash_day(price.checked_mul(*rate)?, currency);
        Some(Dated { from, value })
    };
    dates.into_iter().filter_map(in_force).collect()
}

/// The date of an entry, unless an earlier one has it.
pub(super) fn dated<T>(
    entry: &Section<'_>,
    earlier: &BTreeMap<Date, T>,
    report: &mut Report<'_>,
) -> Option<Date> {
    let from = entry.date("from")?;
    if earlier.contains_key(&from) {
        report.error(&entry.place_of("from"), &format!("{from} twice"), "each date once");
        return None;
    }
    Some(from)
}
