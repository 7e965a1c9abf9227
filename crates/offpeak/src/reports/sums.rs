//! What stands in a report's columns, in whole watt-hours, seconds and 10⁹ hashes.

use offpeak_accounts::{Cell, Doing, Report, rounded};
use offpeak_server::ReportAbout;
use offpeak_units::Energy;

use super::sheet::{Column, Sheet};

const WATT_HOUR: Energy = Energy::from_watt_hours(1);

/// The columns of a report about this.
pub(crate) fn sheet(made: &Report, about: ReportAbout) -> Sheet {
    match about {
        ReportAbout::Energy => energy(made),
        ReportAbout::Availability => availability(made),
        ReportAbout::Hash => hashes(made),
    }
}

/// The lines' names, and what stands in each.
fn lines(made: &Report) -> (Vec<Column>, Vec<Cell>) {
    let mut names: Vec<Vec<String>> = vec![Vec::new(); made.by().len()];
    let mut cells = Vec::new();
    for (key, cell) in made.lines() {
        for (column, name) in names.iter_mut().zip(key) {
            column.push(name.to_string());
        }
        cells.push(*cell);
    }
    let columns = made.by().iter().zip(names).map(|(by, values)| Column::Names(by.name(), values));
    (columns.collect(), cells)
}

fn numbers(name: &'static str, cells: &[Cell], value: impl Fn(&Cell) -> i64) -> Column {
    Column::Numbers(name, cells.iter().map(|cell| Some(value(cell))).collect())
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The energy of the lines and of the rest, in watt-hours that come to the total as it is printed.
pub(crate) struct WattHours {
    pub(crate) lines: Vec<i64>,
    pub(crate) rest: i64,
    pub(crate) total: i64,
}

pub(crate) fn watt_hours(made: &Report) -> WattHours {
    let parts: Vec<Energy> =
        made.lines().map(|(_, cell)| cell.machines.energy).chain([made.rest()]).collect();
    let (total, mut lines) = rounded(&parts, WATT_HOUR);
    let rest = lines.pop().unwrap_or(0);
    WattHours { lines, rest, total }
}

/// Where there is no record of any machine, their energy is not known.
pub(crate) fn energies(cells: &[Cell], wh: &WattHours) -> Vec<Option<i64>> {
    cells.iter().zip(&wh.lines).map(|(cell, wh)| (cell.machines.length_s > 0).then_some(*wh)).collect()
}

fn energy(made: &Report) -> Sheet {
    let (mut columns, cells) = lines(made);
    let wh = watt_hours(made);
    columns.push(Column::Numbers("energy_wh", energies(&cells, &wh)));
    if made.is_metered() {
        let counted = made
            .lines()
            .map(|(key, _)| made.metered(key).and_then(|sum| i64::try_from(sum.energy.to_watt_hours()).ok()));
        columns.push(Column::Numbers("metered_wh", counted.collect()));
    }
    columns.push(recorded("said_wh", &cells, |cell| {
        i64::try_from(cell.said.to_watt_hours()).unwrap_or(i64::MAX)
    }));
    columns.push(numbers("measured_s", &cells, |cell| whole(cell.machines.measured_s)));
    columns.push(numbers("estimated_s", &cells, |cell| whole(cell.machines.estimated_s)));
    columns.push(numbers("missing_s", &cells, |cell| whole(cell.machines.missing_s)));
    Sheet { columns }
}

const TIMES: [(Doing, &str); 9] = [
    (Doing::Hashing, "hashing_s"),
    (Doing::Starting, "starting_s"),
    (Doing::OutsideHours, "outside_hours_s"),
    (Doing::Ordered, "ordered_s"),
    (Doing::Price, "price_s"),
    (Doing::Fault, "fault_s"),
    (Doing::Unreachable, "unreachable_s"),
    (Doing::Maintenance, "maintenance_s"),
    (Doing::NoData, "no_data_s"),
];

fn availability(made: &Report) -> Sheet {
    let (mut columns, cells) = lines(made);
    columns.push(numbers("total_s", &cells, |cell| whole(cell.uptime.total())));
    for (doing, name) in TIMES {
        columns.push(numbers(name, &cells, |cell| whole(cell.uptime.of(doing))));
    }
    let ppm = cells.iter().map(|cell| cell.uptime.availability_ppm().map(whole)).collect();
    columns.push(Column::Numbers("availability_ppm", ppm));
    Sheet { columns }
}

/// Where there is no record of any machine, nothing is known of them.
fn recorded(name: &'static str, cells: &[Cell], value: impl Fn(&Cell) -> i64) -> Column {
    let known = |cell: &Cell| (cell.machines.length_s > 0).then(|| value(cell));
    Column::Numbers(name, cells.iter().map(known).collect())
}

fn hashes(made: &Report) -> Sheet {
    let (mut columns, cells) = lines(made);
    let giga = |cell: &Cell| i64::try_from(cell.hashes_gh).unwrap_or(i64::MAX);
    columns.push(recorded("hashes_gh", &cells, giga));
    columns.push(numbers("hashing_s", &cells, |cell| whole(cell.uptime.of(Doing::Hashing))));
    columns.push(recorded("energy_wh", &cells, |cell| {
        i64::try_from(cell.machines.energy.to_watt_hours()).unwrap_or(i64::MAX)
    }));
    Sheet { columns }
}
