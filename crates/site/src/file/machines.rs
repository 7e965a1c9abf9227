//! `[[machines]]`: machines by pattern, and what no two machines may share.

use std::net::{IpAddr, Ipv4Addr};

use super::circuits::{Circuits, Found};
use super::devices::{Owners, Switches};
use super::diagnostic::{Diagnostic, Place, Report, Severity};
use super::models::Models;
use super::section::Section;
use crate::circuit::CircuitIx;
use crate::machine::{Endpoint, Machine, Outlet};
use crate::observe::SwitchIx;
use crate::rules::Phase;

/// The most machines a site may have.
const MACHINES_MAX: usize = 1_000_000;

/// Where a machine was written.
pub(crate) enum Origin {
    /// A `[[machines]]` of the site file.
    Section { position: Place, address: Place, outlet: Place },
    /// A row of an inventory; the diagnostic stands in for any complaint about it.
    Row { file: String, line: u32 },
}

/// The machines read so far, each with its origin.
#[derive(Default)]
pub(crate) struct Machines {
    pub(crate) list: Vec<Machine>,
    /// The slot of each on its circuit.
    slots: Vec<u32>,
    /// The origin of each.
    from: Vec<u32>,
    origins: Vec<Origin>,
    /// Those that the operator wants on or off.
    pub(crate) pinned: std::collections::BTreeMap<crate::machine::MachineIx, bool>,
    /// The phase of each.
    pub(crate) phases: Vec<Option<Phase>>,
}

/// What machines refer to.
pub(crate) struct Known<'a> {
    pub(crate) circuits: &'a Circuits,
    pub(crate) switches: &'a Switches,
    pub(crate) owners: &'a Owners,
    pub(crate) models: &'a mut Models,
}

impl Machines {
    /// Notes where the machines pushed from now on were written.
    pub(crate) fn begin(&mut self, origin: Origin) {
        self.origins.push(origin);
    }

    pub(crate) fn push(&mut self, machine: Machine, slot: u32, phase: Option<Phase>) {
        self.list.push(machine);
        self.slots.push(slot);
        self.phases.push(phase);
        self.from
            .push(u32::try_from(self.origins.len() - 1).expect("fewer origins than machines and sections"));
    }

    pub(crate) fn is_full(&self) -> bool {
        self.list.len() >= MACHINES_MAX
    }

    /// Reads every `[[machines]]`.
    pub(crate) fn read(&mut self, file: &Section<'_>, known: &mut Known<'_>, report: &mut Report<'_>) {
        for entry in file.sections("machines") {
            self.begin(Origin::Section {
                position: entry.place_of("at"),
                address: entry.place_of("first_address"),
                outlet: entry.place_of(if entry.has("switch") { "switch" } else { "first_channel" }),
            });
            self.read_entry(&entry, known, report);
        }
    }

    fn read_entry(&mut self, entry: &Section<'_>, known: &mut Known<'_>, report: &mut Report<'_>) {
        let model = entry.text("model").and_then(|name| {
            let found = known.models.find(name);
            if found.is_none() {
                let hint = known.models.hint(name);
                report.error_with_hint(
                    &entry.place_of("model"),
                    &format!("\"{name}\""),
                    "a model of the catalogue or of `[[models]]`",
                    hint,
                );
            }
            found
        });
        let owner = entry.text("owner").and_then(|id| {
            let found = known.owners.find(id);
            if found.is_none() {
                report.error_with_hint(
                    &entry.place_of("owner"),
                    &format!("\"{id}\""),
                    "the id of one of the `[[owners]]`",
                    known.owners.hint(id),
                );
            }
            found
        });
        let circuits = entry_circuits(entry, known, report);
        let outlets = entry_outlets(entry, known, report);
        let (Some(model), Some(owner), Some(slots)) = (model, owner, entry.slots("slots")) else { return };
        if self.list.len() + circuits.len().saturating_mul(slots.len()) > MACHINES_MAX {
            return report.wrong(&entry.place_of("at"), &format!("at most {MACHINES_MAX} machines in all"));
        }
        let mut addresses = Addresses::of(entry, known.models.api_port(Some(model)), report);
        let mut channels = Channels::of(entry);
        for (place, id, circuit) in circuits {
            for (turn, slot) in slots.iter().enumerate() {
                let switch = outlets.as_ref().map(|outlets| outlets[place]);
                let endpoint = addresses.as_mut().and_then(|addresses| addresses.next(place, entry, report));
                let outlet = switch.and_then(|switch| channels.next(switch, entry, report));
                let Some(circuit) = circuit else { continue };
                let machine = Machine {
                    id: format!("{id}/{slot}"),
                    model,
                    circuit,
                    owner,
                    serial: None,
                    mac: None,
                    endpoint,
                    outlet,
                };
                if let Some(pinned) = entry.text("pinned") {
                    let ix = crate::machine::MachineIx(u32::try_from(self.list.len()).unwrap_or(u32::MAX));
                    self.pinned.insert(ix, pinned == "on");
                }
                let phase = match entry.text("phase") {
                    Some("in turn") => Some(Phase::ALL[turn % 3]),
                    named => named.and_then(Phase::named),
                };
                self.push(machine, slot.parse().unwrap_or(0), phase);
            }
        }
    }

    /// Reports what two machines share and must not.
    pub(crate) fn check_unique(&self, switches: &Switches, report: &mut Report<'_>) {
        let machines = || self.list.iter().enumerate();
        let positions = machines().map(|(at, machine)| ((machine.circuit, self.slots[at]), at));
        self.report_shared(
            positions.collect(),
            |_, at| format!("the position `{}`", self.list[at].id),
            report,
            |origin| &origin.0,
        );
        let addresses = machines()
            .filter_map(|(at, machine)| Some(((machine.endpoint?.ip, machine.endpoint?.api_port), at)));
        self.report_shared(
            addresses.collect(),
            |(ip, port), _| format!("the address {ip} port {port}"),
            report,
            |origin| &origin.1,
        );
        let outlets = machines()
            .filter_map(|(at, machine)| machine.outlet.map(|outlet| ((outlet.switch.0, outlet.channel), at)));
        let outlet = |key: &(u32, u16), _| {
            format!("channel {} of the switch `{}`", key.1, switches.list[key.0 as usize].id)
        };
        self.report_shared(outlets.collect(), outlet, report, |origin| &origin.2);
        let macs = machines().filter_map(|(at, machine)| Some((machine.mac?, at)));
        self.report_shared(macs.collect(), |mac, _| format!("the MAC {mac}"), report, |origin| &origin.0);
        let serials = machines().filter_map(|(at, machine)| Some((machine.serial.as_deref()?, at)));
        self.report_shared(
            serials.collect(),
            |serial, _| format!("the serial {serial}"),
            report,
            |origin| &origin.0,
        );
    }

    /// One message for each origin whose machines have a key that an earlier machine has.
    fn report_shared<K: Ord>(
        &self,
        mut keyed: Vec<(K, usize)>,
        name: impl Fn(&K, usize) -> String,
        report: &mut Report<'_>,
        place: impl Fn(&(Place, Place, Place)) -> &Place,
    ) {
        keyed.sort_unstable();
        // By the origin of the later one: the first such machine, and how many there are.
        let mut shared = std::collections::BTreeMap::<u32, (usize, usize, usize)>::new();
        for (index, pair) in keyed.windows(2).enumerate() {
            if pair[0].0 == pair[1].0 {
                let counted = shared.entry(self.from[pair[1].1]).or_insert((index + 1, pair[0].1, 0));
                counted.2 += 1;
            }
        }
        for (origin, (index, earlier, count)) in shared {
            let (key, machine) = &keyed[index];
            let before = match &self.origins[self.from[earlier] as usize] {
                Origin::Section { position, .. } => format!("line {}", report.line(position)),
                Origin::Row { file, line } => format!("{file} line {line}"),
            };
            let more = if count > 1 { format!(" and {} more", count - 1) } else { String::new() };
            let found = format!("{}, already in {before}{more}", name(key, *machine));
            let expected = "each position, address, outlet, MAC and serial once";
            match &self.origins[origin as usize] {
                Origin::Section { position, address, outlet } => {
                    let places = (position.clone(), address.clone(), outlet.clone());
                    report.error(place(&places), &found, expected);
                }
                Origin::Row { file, line } => report.elsewhere(Diagnostic {
                    severity: Severity::Error,
                    file: file.clone(),
                    line: *line,
                    column: 1,
                    path: String::new(),
                    found,
                    expected: expected.to_owned(),
                    hint: None,
                }),
            }
        }
    }
}

/// The circuits of an entry with their place in its pattern; `None` for one already reported.
fn entry_circuits(
    entry: &Section<'_>,
    known: &Known<'_>,
    report: &mut Report<'_>,
) -> Vec<(usize, String, Option<CircuitIx>)> {
    let names = entry.names("at").map(|pattern| pattern.names()).unwrap_or_default();
    let place = entry.place_of("at");
    let (mut unknown, mut outside) = (Vec::new(), None);
    let mut circuits = Vec::with_capacity(names.len());
    for (number, name) in names.into_iter().enumerate() {
        let circuit = match known.circuits.find(&name) {
            Found::Circuit(circuit) => {
                if !known.circuits.is_in_hall(circuit) {
                    outside.get_or_insert_with(|| name.clone());
                }
                Some(circuit)
            }
            Found::Broken => None,
            Found::Unknown => {
                unknown.push(name.clone());
                None
            }
        };
        circuits.push((number, name, circuit));
    }
    if let Some(first) = unknown.first() {
        let more = if unknown.len() > 1 { format!(" and {} more", unknown.len() - 1) } else { String::new() };
        let hint = known.circuits.hint(first);
        report.error_with_hint(&place, &format!("`{first}`{more}"), "circuits of this file", hint);
    }
    if let Some(name) = outside {
        report.error(
            &place,
            &format!("`{name}`, which lies in no hall"),
            "a circuit in a hall: authority is given hall by hall",
        );
    }
    circuits
}

/// The switch of each circuit of an entry.
fn entry_outlets(entry: &Section<'_>, known: &Known<'_>, report: &mut Report<'_>) -> Option<Vec<SwitchIx>> {
    let lead = entry.names("at")?;
    let place = entry.place_of("switch");
    if !entry.has("switch") && entry.has("first_channel") {
        report
            .wrong(&entry.place_of("first_channel"), "`switch` beside it: the switch whose channel this is");
    }
    let names = match entry.names("switch")?.names_beside(&lead) {
        Ok(names) => names,
        Err(expected) => {
            report.wrong(&place, &expected);
            return None;
        }
    };
    let mut found: Vec<SwitchIx> = Vec::with_capacity(names.len());
    for (number, name) in names.iter().enumerate() {
        match found.last() {
            Some(last) if number > 0 && names[number - 1] == *name => found.push(*last),
            _ => found.push(known.switches.find(name, &place, report)?),
        }
    }
    Some(found)
}

/// Addresses that count up from the first of each circuit; circuits with one first address share
/// its row.
struct Addresses {
    first: Vec<IpAddr>,
    next: std::collections::BTreeMap<IpAddr, Option<IpAddr>>,
    api_port: u16,
    http_port: u16,
    told: bool,
}

impl Addresses {
    fn of(entry: &Section<'_>, api_port: u16, report: &mut Report<'_>) -> Option<Self> {
        let port = |key: &str, standard: u16| {
            entry.count(key).and_then(|port| u16::try_from(port).ok()).unwrap_or(standard)
        };
        let names = match entry.names("first_address")?.names_beside(&entry.names("at")?) {
            Ok(names) => names,
            Err(expected) => {
                report.wrong(&entry.place_of("first_address"), &expected);
                return None;
            }
        };
        let first = names.iter().map(|name| name.parse().ok()).collect::<Option<Vec<_>>>()?;
        let next = std::collections::BTreeMap::new();
        Some(Self {
            first,
            next,
            api_port: port("api_port", api_port),
            http_port: port("http_port", 80),
            told: false,
        })
    }

    fn next(&mut self, circuit: usize, entry: &Section<'_>, report: &mut Report<'_>) -> Option<Endpoint> {
        let first = self.first[circuit];
        let next = self.next.entry(first).or_insert(Some(first));
        let Some(ip) = *next else {
            if !std::mem::replace(&mut self.told, true) {
                report.wrong(
                    &entry.place_of("first_address"),
                    "an address with room for all machines after it",
                );
            }
            return None;
        };
        *next = after(ip);
        Some(Endpoint { ip, api_port: self.api_port, http_port: self.http_port })
    }
}

/// The next address that a host may have; in IPv4 none ends in .0 or .255.
pub(crate) fn after(ip: IpAddr) -> Option<IpAddr> {
    match ip {
        IpAddr::V4(ip) => {
            let mut next = ip.to_bits().checked_add(1)?;
            while matches!(next & 0xFF, 0 | 0xFF) {
                next = next.checked_add(1)?;
            }
            Some(IpAddr::V4(Ipv4Addr::from_bits(next)))
        }
        IpAddr::V6(ip) => Some(IpAddr::V6(std::net::Ipv6Addr::from_bits(ip.to_bits().checked_add(1)?))),
    }
}

/// Channels that count up on each switch of an entry.
struct Channels {
    first: u32,
    next: std::collections::BTreeMap<u32, u32>,
    told: bool,
}

impl Channels {
    fn of(entry: &Section<'_>) -> Self {
        let first = entry.count("first_channel").unwrap_or(0);
        Self { first, next: std::collections::BTreeMap::new(), told: false }
    }

    fn next(&mut self, switch: SwitchIx, entry: &Section<'_>, report: &mut Report<'_>) -> Option<Outlet> {
        let next = self.next.entry(switch.0).or_insert(self.first);
        let channel = u16::try_from(*next).ok();
        *next += 1;
        if channel.is_none() && !std::mem::replace(&mut self.told, true) {
            report.wrong(&entry.place_of("switch"), "at most 65536 channels on a switch");
        }
        channel.map(|channel| Outlet { switch, channel })
    }
}
