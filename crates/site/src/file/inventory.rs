//! `[inventory]`: machines listed one by one in a CSV file.

use std::net::IpAddr;

use super::circuits::Found;
use super::csv::{self, Cell};
use super::diagnostic::{Diagnostic, Report, Severity};
use super::machines::{Known, Machines, Origin};
use super::section::Section;
use super::shape;
use crate::circuit::CircuitIx;
use crate::hardware::ModelIx;
use crate::machine::{Endpoint, MacAddress, Machine, Outlet, OwnerIx};
use crate::rules::Phase;

/// The columns; the first three must be there.
const COLUMNS: [&str; 11] = [
    "position",
    "model",
    "owner",
    "serial",
    "mac",
    "address",
    "api_port",
    "http_port",
    "switch",
    "channel",
    "phase",
];

/// One row of the inventory and where complaints about it go.
struct Row<'a, 'r, 't> {
    file: &'a str,
    columns: &'a [Option<usize>],
    cells: &'a [Cell],
    report: &'r mut Report<'t>,
}

/// Reads the inventory that the file names.
pub(crate) fn read(
    file: &Section<'_>,
    attachments: &dyn Fn(&str) -> Option<String>,
    machines: &mut Machines,
    known: &mut Known<'_>,
    report: &mut Report<'_>,
) {
    let Some(inventory) = file.section("inventory") else { return };
    let Some(name) = inventory.text("csv") else { return };
    let Some(text) = attachments(name) else {
        let place = inventory.place_of("csv");
        return report.error(
            &place,
            &format!("\"{name}\", which cannot be read"),
            "a CSV file beside the site file",
        );
    };
    let (rows, error) = csv::rows(&text);
    if let Some(error) = error {
        report.elsewhere(mistake(
            name,
            (error.line, error.column),
            "",
            "a quote that is never closed",
            "CSV: quotes in pairs",
            None,
        ));
    }
    let Some((heading, rows)) = rows.split_first() else {
        return report.elsewhere(mistake(
            name,
            (1, 1),
            "",
            "nothing",
            "a heading line and a row for each machine",
            None,
        ));
    };
    let columns = read_heading(name, heading, report);
    if columns[..3].contains(&None) {
        return;
    }
    for cells in rows {
        if machines.is_full() {
            return report.wrong(&inventory.place_of("csv"), "at most 1000000 machines in all");
        }
        machines
            .begin(Origin::Row { file: name.to_owned(), line: cells.first().map_or(1, |cell| cell.line) });
        let mut row = Row { file: name, columns: &columns, cells, report };
        let phase = row.phase();
        if let Some((machine, slot)) = row.machine(known) {
            machines.push(machine, slot, phase);
        }
    }
}

/// The place of each of [`COLUMNS`] in the rows.
fn read_heading(file: &str, heading: &[Cell], report: &mut Report<'_>) -> Vec<Option<usize>> {
    let mut columns = vec![None; COLUMNS.len()];
    for (number, cell) in heading.iter().enumerate() {
        let at = (cell.line, cell.column);
        let title = cell.text.to_lowercase();
        match COLUMNS.iter().position(|column| *column == title) {
            Some(column) if columns[column].is_none() => columns[column] = Some(number),
            Some(_) => {
                report.elsewhere(mistake(file, at, &title, "the column twice", "each column once", None))
            }
            None if title.is_empty() => {}
            None => {
                let hint =
                    shape::nearest(&title, COLUMNS.into_iter()).map(|near| format!("did you mean `{near}`?"));
                let found = format!("the unknown column `{}`", cell.text);
                report.elsewhere(mistake(
                    file,
                    at,
                    "",
                    &found,
                    &format!("one of {}", COLUMNS.join(", ")),
                    hint,
                ));
            }
        }
    }
    for (column, place) in COLUMNS.iter().zip(&columns).take(3) {
        if place.is_none() {
            report.elsewhere(mistake(
                file,
                (1, 1),
                column,
                "no such column",
                "a column with this heading",
                None,
            ));
        }
    }
    columns
}

impl Row<'_, '_, '_> {
    fn machine(&mut self, known: &mut Known<'_>) -> Option<(Machine, u32)> {
        if self.cells.len() > self.columns.iter().flatten().max().map_or(0, |last| last + 1) {
            let extra = self.cells.iter().skip(1 + self.columns.iter().flatten().max()?);
            if let Some(cell) = extra.clone().find(|cell| !cell.text.is_empty()) {
                let (at, found) = ((cell.line, cell.column), format!("\"{}\"", cell.text));
                self.report.elsewhere(mistake(
                    self.file,
                    at,
                    "",
                    &found,
                    "no more cells than the heading has",
                    None,
                ));
            }
        }
        // Each is read whether or not another failed, so that one run tells all.
        let (position, model, owner) = (self.position(known), self.model(known), self.owner(known));
        let api_port = known.models.api_port(model);
        let (mac, endpoint, outlet) = (self.mac(), self.endpoint(api_port), self.outlet(known));
        let serial = self.cell(3).map(|cell| cell.text.clone());
        let (id, circuit, slot) = position?;
        let (model, owner) = (model?, owner?);
        Some((Machine { id, model, circuit, owner, serial, mac, endpoint, outlet }, slot))
    }

    /// A cell that is there and not empty.
    fn cell(&self, column: usize) -> Option<&Cell> {
        self.cells.get(self.columns[column]?).filter(|cell| !cell.text.is_empty())
    }

    /// A cell that must be there.
    fn needed(&mut self, column: usize, expected: &str) -> Option<Cell> {
        let cell = self.cell(column).cloned();
        if cell.is_none() {
            let at = self.columns[column].and_then(|place| self.cells.get(place)).or(self.cells.first());
            let at = at.map_or((1, 1), |cell| (cell.line, cell.column));
            self.report.elsewhere(mistake(self.file, at, COLUMNS[column], "nothing", expected, None));
        }
        cell
    }

    fn wrong(&mut self, column: usize, cell: &Cell, expected: &str, hint: Option<String>) {
        let found = format!("\"{}\"", cell.text);
        self.report.elsewhere(mistake(
            self.file,
            (cell.line, cell.column),
            COLUMNS[column],
            &found,
            expected,
            hint,
        ));
    }

    fn position(&mut self, known: &Known<'_>) -> Option<(String, CircuitIx, u32)> {
        const EXPECTED: &str = "a circuit of the site file and a slot, such as `hall-1/rack-01/pdu-1/4`";
        let cell = self.needed(0, EXPECTED)?;
        let split =
            cell.text.rsplit_once('/').and_then(|(path, slot)| Some((path, slot.parse::<u32>().ok()?)));
        let Some((path, slot)) = split else {
            self.wrong(0, &cell, EXPECTED, None);
            return None;
        };
        match known.circuits.find(path) {
            Found::Circuit(circuit) if known.circuits.is_in_hall(circuit) => {
                Some((cell.text.clone(), circuit, slot))
            }
            Found::Circuit(_) => {
                self.wrong(0, &cell, "a circuit in a hall", None);
                None
            }
            Found::Broken => None,
            Found::Unknown => {
                self.wrong(0, &cell, EXPECTED, known.circuits.hint(path));
                None
            }
        }
    }

    fn model(&mut self, known: &mut Known<'_>) -> Option<ModelIx> {
        const EXPECTED: &str = "a model of the catalogue or of `[[models]]`";
        let cell = self.needed(1, EXPECTED)?;
        let model = known.models.find(&cell.text);
        if model.is_none() {
            self.wrong(1, &cell, EXPECTED, known.models.hint(&cell.text));
        }
        model
    }

    fn owner(&mut self, known: &Known<'_>) -> Option<OwnerIx> {
        const EXPECTED: &str = "the id of one of the `[[owners]]`";
        let cell = self.needed(2, EXPECTED)?;
        let owner = known.owners.find(&cell.text);
        if owner.is_none() {
            self.wrong(2, &cell, EXPECTED, known.owners.hint(&cell.text));
        }
        owner
    }

    fn mac(&mut self) -> Option<MacAddress> {
        let cell = self.cell(4)?.clone();
        let mac = cell.text.parse().ok();
        if mac.is_none() {
            self.wrong(4, &cell, "a MAC address such as C8:11:05:00:00:01", None);
        }
        mac
    }

    fn phase(&mut self) -> Option<Phase> {
        let cell = self.cell(10)?.clone();
        let phase = Phase::named(&cell.text);
        if phase.is_none() {
            self.wrong(10, &cell, "L1, L2 or L3", None);
        }
        phase
    }

    fn port(&mut self, column: usize, standard: u16) -> u16 {
        let Some(cell) = self.cell(column).cloned() else { return standard };
        match cell.text.parse() {
            Ok(port) if port > 0 => port,
            _ => {
                self.wrong(column, &cell, "a port from 1 to 65535", None);
                standard
            }
        }
    }

    fn endpoint(&mut self, api_port: u16) -> Option<Endpoint> {
        let (api_port, http_port) = (self.port(6, api_port), self.port(7, 80));
        let cell = self.cell(5)?.clone();
        let ip: Option<IpAddr> = cell.text.parse().ok();
        if ip.is_none() {
            self.wrong(5, &cell, "an IP address such as 10.1.0.1", None);
        }
        ip.map(|ip| Endpoint { ip, api_port, http_port })
    }

    fn outlet(&mut self, known: &Known<'_>) -> Option<Outlet> {
        let cell = self.cell(8)?.clone();
        let switch = known.switches.list.iter().position(|switch| switch.id == cell.text);
        let Some(switch) = switch.and_then(|at| u32::try_from(at).ok()) else {
            self.wrong(8, &cell, "the id of one of the `[[switches]]`", None);
            return None;
        };
        let channel = self.needed(9, "the channel on its switch, from 0 to 65535")?;
        let Ok(number) = channel.text.parse() else {
            self.wrong(9, &channel, "the channel on its switch, from 0 to 65535", None);
            return None;
        };
        Some(Outlet { switch: crate::SwitchIx(switch), channel: number })
    }
}

fn mistake(
    file: &str,
    (line, column): (u32, u32),
    path: &str,
    found: &str,
    expected: &str,
    hint: Option<String>,
) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        file: file.to_owned(),
        line,
        column,
        path: path.to_owned(),
        found: found.to_owned(),
        expected: expected.to_owned(),
        hint,
    }
}
