//! The names that stand in rows, made once.

use std::collections::BTreeMap;

use offpeak_rows::Name;
use offpeak_site::{CircuitIx, Site};

/// A machine's names.
#[derive(Clone, Debug)]
pub(super) struct MachineNames {
    pub(super) machine: Name,
    pub(super) owner: Option<Name>,
    pub(super) hall: Name,
    pub(super) model: Name,
    pub(super) circuit: Name,
}

/// All names of a site.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) site: Name,
    pub(super) machines: Vec<MachineNames>,
    /// A meter's id and its circuit's.
    pub(super) meters: Vec<(Name, Name)>,
    /// Rules by their words.
    pub(super) rules: BTreeMap<&'static str, Name>,
}

impl Names {
    pub(super) fn new(site: &Site) -> Self {
        let circuits: Vec<Name> =
            site.circuits.iter().map(|(_, circuit)| Name::from(circuit.id.as_str())).collect();
        let models: Vec<Name> = site.models.iter().map(|model| Name::from(model.name.as_str())).collect();
        let owners: Vec<Name> = site.owners.iter().map(|owner| Name::from(owner.id.as_str())).collect();
        // What hangs above the halls stands in the connection's name.
        let hall = |at: CircuitIx| site.circuits.hall_of(at).unwrap_or(CircuitIx::ROOT);
        let machines = site.machines.iter().map(|machine| MachineNames {
            machine: Name::from(machine.id.as_str()),
            owner: owners.get(usize::from(machine.owner.0)).cloned(),
            hall: circuits[hall(machine.circuit).ix()].clone(),
            model: models[machine.model.ix()].clone(),
            circuit: circuits[machine.circuit.ix()].clone(),
        });
        let meters = site
            .meters
            .iter()
            .map(|meter| (Name::from(meter.id.as_str()), circuits[meter.circuit.ix()].clone()));
        let rules = ["catalogue", "outlet open", crate::RULE_BOTH_ENDS, super::RULE_GAP];
        Self {
            site: Name::from(site.id.as_str()),
            machines: machines.collect(),
            meters: meters.collect(),
            rules: rules.into_iter().map(|rule| (rule, Name::from(rule))).collect(),
        }
    }
}
