//! The site as a whole.

use jiff::tz::TimeZone;

use crate::circuit::{CircuitIx, CircuitTree};
use crate::contract::Contract;
use crate::fans::{FanIx, Fans};
use crate::hardware::{Model, ModelIx};
use crate::machine::{Machine, MachineIx, Owner};
use crate::observe::{Meter, MeterIx, Switch};
use crate::price::Economics;
use crate::rules::Rules;

/// Whether offpeak may act on a hall.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Authority {
    /// Read and report what would be done; send nothing. Every new hall starts here.
    #[default]
    Observe,
    /// Act.
    Control,
}

/// A validated site: every index holds, every circuit's parent precedes it.
#[derive(Clone, Debug)]
pub struct Site {
    /// A short name, as in file names: `ekibastuz`.
    pub id: String,
    /// The full name.
    pub name: String,
    /// The file that opens its machines, relative to the site file.
    pub secrets: Option<String>,
    /// Where its civil time is resolved.
    pub time_zone: TimeZone,
    /// From the grid connection down.
    pub circuits: CircuitTree,
    /// Every machine.
    pub machines: Vec<Machine>,
    /// The models the machines refer to.
    pub models: Vec<Model>,
    /// The owners the machines refer to.
    pub owners: Vec<Owner>,
    /// Every meter; at least the one at the grid connection (the revenue meter).
    pub meters: Vec<Meter>,
    /// Every switch.
    pub switches: Vec<Switch>,
    /// Fans that machines need.
    pub fans: Vec<Fans>,
    /// When and how much may be drawn at the grid connection.
    pub contract: Contract,
    /// Tariffs and hash prices.
    pub economics: Economics,
    /// What else limits it, and how its machines are to be treated.
    pub rules: Rules,
}

impl Site {
    /// One machine.
    #[must_use]
    pub fn machine(&self, machine: MachineIx) -> &Machine {
        &self.machines[machine.ix()]
    }
    /// All machines with their places.
    pub fn machines(&self) -> impl DoubleEndedIterator<Item = (MachineIx, &Machine)> + ExactSizeIterator {
        self.machines.iter().enumerate().map(|(place, machine)| (MachineIx(place as u32), machine))
    }
    /// The model of this index.
    #[must_use]
    pub fn model(&self, model: ModelIx) -> &Model {
        &self.models[model.ix()]
    }
    /// A machine's model.
    #[must_use]
    pub fn model_of(&self, machine: MachineIx) -> &Model {
        self.model(self.machine(machine).model)
    }
    /// All sets of fans with their places.
    pub fn fans(&self) -> impl DoubleEndedIterator<Item = (FanIx, &Fans)> + ExactSizeIterator {
        self.fans.iter().enumerate().map(|(place, fans)| (FanIx(place as u32), fans))
    }
    /// Whether offpeak may act on what hangs on this circuit.
    #[must_use]
    pub fn authority(&self, circuit: CircuitIx) -> Authority {
        self.circuits.get(circuit).authority
    }
    /// The meter at the grid connection.
    ///
    /// # Panics
    /// If there is none; validation refuses such a site.
    #[must_use]
    pub fn revenue_meter(&self) -> MeterIx {
        self.circuits.get(CircuitIx::ROOT).meter.expect("a validated site has a revenue meter")
    }
}
