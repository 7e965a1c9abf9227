//! What limits a mine beside ratings and contract: heat, demand limits, energy budgets, the grid's signals; and how its
//! machines are to be treated: how long they run and rest, who goes first.
//!
//! Not here: what follows from it at an instant (`dispatch`).

use std::collections::BTreeMap;

use jiff::SignedDuration;
use offpeak_units::{Power, Temperature};

use crate::budget::EnergyBudget;
use crate::circuit::CircuitIx;
use crate::machine::{MachineIx, OwnerIx};

/// What a circuit may carry at an outdoor temperature: straight lines between points, the first point's
/// power below it and the last one's above it.
///
/// ```
/// use offpeak_site::{CircuitIx, Derating};
/// use offpeak_units::{Power, Temperature};
/// let point = |c, kw| (Temperature::from_celsius(c), Power::from_kilowatts(kw));
/// let derating = Derating { circuit: CircuitIx(1), points: vec![point(30, 24_000), point(40, 20_000)] };
/// assert_eq!(derating.rating_at(Some(Temperature::from_celsius(35))), Power::from_kilowatts(22_000));
/// assert_eq!(derating.rating_at(None), Power::from_kilowatts(20_000), "not known: the hottest point");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Derating {
    /// Which circuit.
    pub circuit: CircuitIx,
    /// Temperatures in rising order, each with what the circuit carries then; at least one.
    pub points: Vec<(Temperature, Power)>,
}

impl Derating {
    /// What it may carry; at the hottest point's word while the temperature is not known.
    #[must_use]
    pub fn rating_at(&self, outdoor: Option<Temperature>) -> Power {
        let Some(outdoor) = outdoor else {
            return self.points.iter().map(|(_, power)| *power).min().unwrap_or(Power::ZERO);
        };
        let above = self.points.iter().position(|(at, _)| *at >= outdoor);
        match above {
            Some(0) => self.points[0].1,
            Some(place) => {
                let ((cool, more), (hot, less)) = (self.points[place - 1], self.points[place]);
                let span = i64::from(hot.to_millicelsius() - cool.to_millicelsius()).max(1);
                let past = i64::from(outdoor.to_millicelsius() - cool.to_millicelsius());
                let fall = (i128::from((less - more).to_milliwatts()) * i128::from(past)) / i128::from(span);
                more + Power::from_milliwatts(i64::try_from(fall).unwrap_or(0))
            }
            None => self.points.last().map_or(Power::ZERO, |(_, power)| *power),
        }
    }
}

/// Over how long a limit is measured: instants, or the mean of each civil stretch of so many minutes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Measure {
    /// No instant above it.
    #[default]
    Instant,
    /// The mean of each stretch of 15, 30 or 60 minutes, counted from the full civil hour.
    Mean(u8),
}

impl Measure {
    /// The stretches that a mean may be taken over, in minutes.
    pub const MINUTES: [u8; 3] = [15, 30, 60];
    /// In words; empty for an instant.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Instant => "",
            Self::Mean(15) => "mean of 15 min",
            Self::Mean(30) => "mean of 30 min",
            Self::Mean(_) => "mean of the hour",
        }
    }
}

/// A limit on the mean of each stretch, such as the 15-minute demand that a bill is made out by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demand {
    /// Which circuit; it has a meter.
    pub circuit: CircuitIx,
    /// Over how long.
    pub measure: Measure,
    /// The highest mean.
    pub limit: Power,
}

/// A channel on which the grid says what may be drawn, and what holds when it says nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    /// Its name.
    pub id: String,
    /// Where it limits.
    pub circuit: CircuitIx,
    /// How long its last word holds.
    pub hold: SignedDuration,
    /// What may be drawn after that, and before it has ever spoken; `None`: it then limits nothing.
    pub fallback: Option<Power>,
    /// What its levels mean, from level 0 on.
    pub levels: Vec<Power>,
}

/// How long machines run and rest at least. It never delays what a rating, an order or the contract asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// A machine that was started is not stopped for money before this.
    pub least_run: SignedDuration,
    /// A machine that was put to sleep is not started before this: heat and cold wear it.
    pub least_rest: SignedDuration,
}

/// What may be done to machines that run, beside stopping them. Other people's machines are not tuned unless the
/// site file says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tuning {
    /// Run machines in the mode that makes most of the power there is.
    pub change_modes: bool,
    /// Stop a worse machine so that a better one can run.
    pub swap_machines: bool,
}

/// Whose machines run first where there is not room for all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SharingRule {
    /// Those that make most of a watt, whoever owns them.
    #[default]
    Efficiency,
    /// Those of the owner who is listed first.
    FirstIn,
    /// Those of the owner with the lowest number.
    Priority,
    /// Each owner gets its share of the month's energy, as far as it has machines for it.
    Proportional,
}

/// An owner's terms for sharing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnerTerms {
    /// Its share beside the others' shares.
    pub share: u32,
    /// Its number; the lowest goes first.
    pub priority: u32,
}

impl Default for OwnerTerms {
    fn default() -> Self {
        Self { share: 1, priority: 100 }
    }
}

/// The phase that a machine hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// The first.
    L1,
    /// The second.
    L2,
    /// The third.
    L3,
}

impl Phase {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::L1, Self::L2, Self::L3];
    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "L1" => Some(Self::L1),
            "L2" => Some(Self::L2),
            "L3" => Some(Self::L3),
            _ => None,
        }
    }
}

/// How far the phases of a circuit may differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balance {
    /// The circuit.
    pub circuit: CircuitIx,
    /// The most by which one may draw more than another.
    pub most: Power,
}

/// All of it. The default has no rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Circuits that carry less when it is hot.
    pub derating: Vec<Derating>,
    /// Limits on means.
    pub demand: Vec<Demand>,
    /// Energy budgets.
    pub budgets: Vec<EnergyBudget>,
    /// The grid's signals.
    pub signals: Vec<Signal>,
    /// How long machines run and rest at least.
    pub timing: Timing,
    /// What may be done to machines that run, beside stopping them.
    pub tuning: Tuning,
    /// Who goes first.
    pub sharing: SharingRule,
    /// One element an owner; what is missing has the default's terms.
    pub terms: Vec<OwnerTerms>,
    /// Machines that the operator wants on (as far as limits allow, and whatever they earn) or off.
    pub pinned: BTreeMap<MachineIx, bool>,
    /// One element a machine, or none at all: the phase it hangs on; `None`: all three, or not known.
    pub phases: Vec<Option<Phase>>,
    /// Circuits whose phases are to be alike.
    pub balance: Vec<Balance>,
    /// The file in which others write what they know, relative to the site file.
    pub feed: Option<String>,
}

impl Rules {
    /// The phase that a machine hangs on.
    #[must_use]
    pub fn phase(&self, machine: MachineIx) -> Option<Phase> {
        self.phases.get(machine.ix()).copied().flatten()
    }
    /// An owner's terms.
    #[must_use]
    pub fn terms_of(&self, owner: OwnerIx) -> OwnerTerms {
        self.terms.get(usize::from(owner.0)).copied().unwrap_or_default()
    }
}
