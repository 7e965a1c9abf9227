//! What never changes about a machine: the names it gives itself.
//!
//! The names are such as asic-rs 0.8.6 and pyasic 0.79.0 know them. Machines that the site gives no
//! address or serial get ones that show they were made up: a locally administered MAC address, a
//! serial that starts with `TWIN`.

use std::net::IpAddr;

use offpeak_site::{Family, MacAddress, MachineIx, ModeName, Model, Site};

/// A machine's card.
#[derive(Clone, Debug)]
pub(super) struct Card {
    pub(super) family: Family,
    /// As in `devdetails` or `Type`.
    pub(super) model: String,
    pub(super) mac: MacAddress,
    pub(super) serial: String,
    pub(super) ip: IpAddr,
    /// The account at the pool.
    pub(super) worker: String,
    /// What it hashes in the datasheet's mode, in megahashes a second.
    pub(super) rate_factory: i64,
    /// Whether its firmware has a sleep command.
    pub(super) sleeps: bool,
    /// The modes it has, with their watts, least first.
    pub(super) modes: Vec<(ModeName, i64)>,
}

impl Card {
    pub(super) fn of(site: &Site, machine: MachineIx, ip: IpAddr) -> Self {
        let (entry, model) = (site.machine(machine), site.model_of(machine));
        let [a, b, c, d] = machine.0.to_be_bytes();
        let mut modes: Vec<_> = model.modes.iter().map(|mode| (mode.name, mode.power.to_watts())).collect();
        modes.sort_by_key(|(_, watts)| *watts);
        Self {
            family: model.family,
            model: own_name(model),
            mac: entry.mac.unwrap_or(MacAddress([0x02, 0x0F, a, b, c, d])),
            serial: entry.serial.clone().unwrap_or_else(|| format!("TWIN{:08}", machine.0)),
            ip,
            worker: format!("offpeak.{}", machine.0),
            sleeps: model.sleeps_by_command,
            rate_factory: model.normal().hash_rate.to_megahashes(),
            modes,
        }
    }
    /// The watts of a mode, or of the nearest thing to it.
    pub(super) fn watts(&self, mode: ModeName) -> i64 {
        let found = self.modes.iter().find(|(name, _)| *name == mode).or(self.modes.last());
        found.map_or(0, |(_, watts)| *watts)
    }
}

/// WhatsMiners name the variant of their boards behind the model; sites do not.
const VARIANTS: [(&str, &str); 12] = [
    ("M20S", "M20SV10"),
    ("M21S", "M21SV20"),
    ("M30S", "M30SVE10"),
    ("M30S+", "M30S+VE40"),
    ("M30S++", "M30S++VG40"),
    ("M31S", "M31SV10"),
    ("M31S+", "M31S+V30"),
    ("M32", "M32V10"),
    ("M32S", "M32SV10"),
    ("M50", "M50VG30"),
    ("M50S", "M50SVH30"),
    ("M60S", "M60SVK30"),
];

/// The name that a machine gives its model.
fn own_name(model: &Model) -> String {
    match model.family {
        Family::WhatsminerV2 | Family::WhatsminerV3 => {
            let variant = VARIANTS.iter().find(|(name, _)| *name == model.name);
            variant.map_or_else(|| format!("{}V10", model.name), |(_, variant)| (*variant).to_owned())
        }
        // `A1246` is an `AvalonMiner 1246`.
        Family::Avalon => {
            format!("AvalonMiner {}", model.name.trim_start_matches(|c: char| !c.is_ascii_digit()))
        }
        Family::AntminerStock
        | Family::LuxOs
        | Family::BraiinsOs
        | Family::BraiinsOsGraphQl
        | Family::Vnish
        | Family::Epic
            if !model.name.starts_with("Antminer") =>
        {
            // `T19 88T` is a `T19` of a certain hash rate; the machine does not say which.
            let short = model.name.rsplit_once(' ').filter(|(_, last)| is_rate(last)).map(|(short, _)| short);
            format!("Antminer {}", short.unwrap_or(&model.name))
        }
        _ => model.name.clone(),
    }
}

/// `88T`.
fn is_rate(text: &str) -> bool {
    text.strip_suffix('T')
        .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_no_part_of_a_name() {
        assert!(is_rate("88T"));
        assert!(!is_rate("Pro") && !is_rate("T") && !is_rate("XP"));
    }
}
