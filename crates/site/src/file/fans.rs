//! `[[fans]]`: what must run before machines do.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use offpeak_units::Power;

use super::circuits::{Circuits, Found};
use super::devices::Switches;
use super::diagnostic::Report;
use super::section::Section;
use crate::circuit::CircuitIx;
use crate::fans::Fans;
use crate::machine::{Machine, Outlet};
use crate::observe::SwitchIx;

/// How long machines run without their fans unless the file says: air-cooled machines reach their own
/// temperature limit within minutes (an estimate).
const WITHOUT_S: u32 = 120;

/// Reads the fans. No contactor may be an outlet, a circuit's switch or another fan's.
pub(crate) fn read(
    file: &Section<'_>,
    circuits: &Circuits,
    switches: &Switches,
    machines: &[Machine],
    report: &mut Report<'_>,
) -> Vec<Fans> {
    let mut fans = Vec::new();
    let entries = file.sections("fans");
    if entries.is_empty() {
        return fans;
    }
    let mut names = BTreeSet::new();
    let mut taken: BTreeSet<Outlet> = machines.iter().filter_map(|machine| machine.outlet).collect();
    taken.extend(circuits.switches().map(|switch| Outlet { switch, channel: 0 }));
    for entry in entries {
        for set in read_entry(&entry, circuits, switches, report) {
            if !names.insert(set.id.clone()) {
                let found = format!("`{}` twice", set.id);
                report.error(&entry.place_of("id"), &found, "a name that no other fans have");
                break;
            }
            if let Some(clash) = set.contactors().find(|contactor| !taken.insert(*contactor)) {
                let found = format!(
                    "channel {} of the switch `{}`, which feeds something else",
                    clash.channel,
                    switches.list[clash.switch.ix()].id
                );
                let key = if entry.has("first_channel") { "first_channel" } else { "switch" };
                report.error(&entry.place_of(key), &found, "channels of their own");
                break;
            }
            fans.push(set);
        }
    }
    fans
}

/// The sets of one entry; empty where something needed is missing, which is reported.
fn read_entry(
    entry: &Section<'_>,
    circuits: &Circuits,
    switches: &Switches,
    report: &mut Report<'_>,
) -> Vec<Fans> {
    let Some(lead) = entry.names("id") else { return Vec::new() };
    let mut beside = |key: &str| match entry.names(key)?.names_beside(&lead) {
        Ok(names) => Some(names),
        Err(expected) => {
            report.wrong(&entry.place_of(key), &expected);
            None
        }
    };
    let (Some(at), Some(switched)) = (beside("circuit"), beside("switch")) else { return Vec::new() };
    let seconds = |key, standard| SignedDuration::from_secs(entry.count(key).unwrap_or(standard).into());
    let channels = entry.count("channels").unwrap_or(1);
    let mut next = BTreeMap::<SwitchIx, u32>::new();
    let mut sets = Vec::new();
    for ((id, circuit), switch) in lead.names().into_iter().zip(at).zip(switched) {
        let Some(circuit) = cooled(&circuit, entry, circuits, report) else { break };
        let Some(switch) = switches.find(&switch, &entry.place_of("switch"), report) else { break };
        let first = next.entry(switch).or_insert_with(|| entry.count("first_channel").unwrap_or(0));
        let (Ok(first_channel), true) = (u16::try_from(*first), *first + channels <= 65_536) else {
            report.wrong(&entry.place_of("switch"), "at most 65536 channels on a switch");
            break;
        };
        *first += channels;
        sets.push(Fans {
            id,
            circuit,
            switch,
            first_channel,
            channels: u16::try_from(channels).unwrap_or(1),
            power: entry.kilowatts("power_kw").unwrap_or(Power::ZERO),
            lead: seconds("lead_s", 0),
            run_on: seconds("run_on_s", 0),
            without: seconds("without_s", WITHOUT_S),
        });
    }
    sets
}

/// The circuit that fans cool.
fn cooled(id: &str, entry: &Section<'_>, circuits: &Circuits, report: &mut Report<'_>) -> Option<CircuitIx> {
    let place = entry.place_of("circuit");
    match circuits.find(id) {
        Found::Circuit(circuit) if circuits.is_in_hall(circuit) => Some(circuit),
        Found::Circuit(_) => {
            report.error(
                &place,
                &format!("`{id}`"),
                "a hall or a circuit in one: authority is given hall by hall",
            );
            None
        }
        Found::Broken => None,
        Found::Unknown => {
            report.error_with_hint(&place, &format!("`{id}`"), "a circuit of this file", circuits.hint(id));
            None
        }
    }
}
