//! `[[switches]]`, `[[meters]]` and `[[owners]]`.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::circuits::{Circuits, Found};
use super::diagnostic::{Place, Report};
use super::section::Section;
use super::shape;
use crate::circuit::CircuitIx;
use crate::machine::{Owner, OwnerIx};
use crate::observe::{Meter, MeterIx, ModbusAddress, SnmpAddress, Switch, SwitchIx};

/// The switches, found by name.
pub(crate) struct Switches {
    pub(crate) list: Vec<Switch>,
    by_id: BTreeMap<String, SwitchIx>,
}

impl Switches {
    pub(crate) fn read(file: &Section<'_>, report: &mut Report<'_>) -> Self {
        let mut switches = Self { list: Vec::new(), by_id: BTreeMap::new() };
        let mut devices = BTreeSet::new();
        for entry in file.sections("switches") {
            let mut pdus = pdus(&entry, report).into_iter();
            for (id, modbus) in named_devices(&entry, &mut devices, report) {
                let snmp = pdus.next().flatten();
                let ix = SwitchIx(u32::try_from(switches.list.len()).expect("patterns are bounded"));
                if switches.by_id.insert(id.clone(), ix).is_some() {
                    report.error(
                        &entry.place_of("id"),
                        &format!("`{id}` twice"),
                        "a name that no other switch has",
                    );
                    continue;
                }
                switches.list.push(Switch { id, modbus, snmp });
            }
        }
        switches
    }

    /// The switch of this name; an unknown one is reported.
    pub(crate) fn find(&self, id: &str, place: &Place, report: &mut Report<'_>) -> Option<SwitchIx> {
        let found = self.by_id.get(id).copied();
        if found.is_none() {
            let hint = shape::nearest(id, self.by_id.keys().map(String::as_str));
            let hint = hint.map(|near| format!("did you mean `{near}`?"));
            report.error_with_hint(place, &format!("`{id}`"), "the id of one of the `[[switches]]`", hint);
        }
        found
    }
}

/// Where the PDUs of an entry answer, in the order of its names; empty where they are no PDUs.
fn pdus(entry: &Section<'_>, report: &mut Report<'_>) -> Vec<Option<SnmpAddress>> {
    let (Some(pattern), Some(addresses)) = (entry.names("id"), entry.names("snmp")) else {
        return Vec::new();
    };
    if entry.has("modbus") {
        report.wrong(&entry.place_of("snmp"), "`modbus` or `snmp`, not both");
    }
    let Some(pdu) = entry.text("pdu") else {
        report.wrong(&entry.place_of("snmp"), "`pdu` beside it: what kind of PDU it is");
        return Vec::new();
    };
    match addresses.names_beside(&pattern) {
        Ok(addresses) => addresses
            .into_iter()
            .map(|address| Some(SnmpAddress { address: address.clone(), pdu: pdu.to_owned() }))
            .collect(),
        Err(expected) => {
            report.wrong(&entry.place_of("snmp"), &expected);
            Vec::new()
        }
    }
}

/// A device's names with their Modbus addresses.
fn named_devices(
    entry: &Section<'_>,
    devices: &mut BTreeSet<(String, u8)>,
    report: &mut Report<'_>,
) -> Vec<(String, Option<ModbusAddress>)> {
    let Some(pattern) = entry.names("id") else { return Vec::new() };
    let unit = entry.count("unit").and_then(|unit| u8::try_from(unit).ok()).unwrap_or(1);
    let addresses = match entry.names("modbus").map(|modbus| modbus.names_beside(&pattern)) {
        Some(Ok(addresses)) => Some(addresses),
        Some(Err(expected)) => {
            report.wrong(&entry.place_of("modbus"), &expected);
            None
        }
        None => None,
    };
    let mut told = false;
    let mut named = Vec::new();
    for (place, id) in pattern.names().into_iter().enumerate() {
        let address = addresses.as_ref().map(|addresses| addresses[place].clone());
        if let Some(address) = &address
            && !devices.insert((address.clone(), unit))
            && !std::mem::replace(&mut told, true)
        {
            let found = format!("`{address}` unit {unit}, which another one already has");
            report.error(&entry.place_of("modbus"), &found, "an address and unit for each device");
        }
        named.push((id, address.map(|address| ModbusAddress { address, unit })));
    }
    named
}

/// Reads the meters and puts them on their circuits.
pub(crate) fn read_meters(
    file: &Section<'_>,
    circuits: &mut Circuits,
    report: &mut Report<'_>,
) -> Vec<Meter> {
    let mut meters: Vec<Meter> = Vec::new();
    let (mut names, mut devices) = (BTreeSet::new(), BTreeSet::new());
    for entry in file.sections("meters") {
        let devices = named_devices(&entry, &mut devices, report);
        let (Some(lead), Some(pattern)) = (entry.names("id"), entry.names("circuit")) else { continue };
        let at = match pattern.names_beside(&lead) {
            Ok(at) => at,
            Err(expected) => {
                report.wrong(&entry.place_of("circuit"), &expected);
                continue;
            }
        };
        let class = entry.amount("accuracy_class").unwrap_or(Decimal::ONE);
        if entry.has("modbus") && !entry.has("register_map") {
            report.wrong(
                &entry.place_of("modbus"),
                "`register_map` beside it: how the meter's registers are read",
            );
        }
        for ((id, modbus), circuit) in devices.into_iter().zip(at) {
            if !names.insert(id.clone()) {
                report.error(
                    &entry.place_of("id"),
                    &format!("`{id}` twice"),
                    "a name that no other meter has",
                );
                continue;
            }
            let Some(circuit) = metered(&circuit, &entry, circuits, &meters, report) else { continue };
            let ix = MeterIx(u32::try_from(meters.len()).expect("patterns are bounded"));
            circuits.get_mut(circuit).meter = Some(ix);
            meters.push(Meter {
                id,
                circuit,
                // A class is in percent: 1 % is 10,000 parts per million.
                error_ppm: (class * Decimal::from(10_000)).to_u32().unwrap_or(10_000),
                modbus,
                register_map: entry.text("register_map").unwrap_or_default().to_owned(),
            });
        }
    }
    if circuits.get(CircuitIx::ROOT).meter.is_none() && file.has("grid") && file.has("meters") {
        let root = circuits.get(CircuitIx::ROOT).id.clone();
        report.error(
            &file.place_of("grid"),
            &format!("no meter on `{root}`"),
            &format!(
                "one of the `[[meters]]` with `circuit = \"{root}\"`: without it nobody knows what is drawn"
            ),
        );
    }
    meters
}

/// The circuit that a meter is to stand on.
fn metered(
    id: &str,
    entry: &Section<'_>,
    circuits: &Circuits,
    meters: &[Meter],
    report: &mut Report<'_>,
) -> Option<CircuitIx> {
    let place = entry.place_of("circuit");
    match circuits.find(id) {
        Found::Circuit(circuit) => {
            let Some(other) = circuits.get(circuit).meter else { return Some(circuit) };
            let found = format!("`{id}`, which `{}` already measures", meters[other.ix()].id);
            report.error(&place, &found, "one meter for a circuit");
            None
        }
        Found::Broken => None,
        Found::Unknown => {
            report.error_with_hint(&place, &format!("`{id}`"), "a circuit of this file", circuits.hint(id));
            None
        }
    }
}

/// The owners, found by id.
pub(crate) struct Owners {
    pub(crate) list: Vec<Owner>,
    by_id: BTreeMap<String, OwnerIx>,
}

impl Owners {
    pub(crate) fn read(file: &Section<'_>, report: &mut Report<'_>) -> Self {
        let mut owners = Self { list: Vec::new(), by_id: BTreeMap::new() };
        for entry in file.sections("owners") {
            let Some(id) = entry.text("id") else { continue };
            let Ok(ix) = u16::try_from(owners.list.len()) else {
                report.wrong(&entry.place, "at most 65536 owners");
                break;
            };
            if owners.by_id.contains_key(id) {
                report.error(
                    &entry.place_of("id"),
                    &format!("`{id}` twice"),
                    "an id that no other owner has",
                );
                continue;
            }
            owners.by_id.insert(id.to_owned(), OwnerIx(ix));
            owners.list.push(Owner { id: id.to_owned(), name: entry.text("name").unwrap_or(id).to_owned() });
        }
        owners
    }

    pub(crate) fn find(&self, id: &str) -> Option<OwnerIx> {
        self.by_id.get(id).copied()
    }

    pub(crate) fn hint(&self, wrong: &str) -> Option<String> {
        shape::nearest(wrong, self.by_id.keys().map(String::as_str))
            .map(|near| format!("did you mean `{near}`?"))
    }
}
