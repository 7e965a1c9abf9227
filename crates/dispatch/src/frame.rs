//! What a cycle needs of the site, in the order of its machines and without the rest: figures that
//! never change, worked out once.

use jiff::SignedDuration;
use offpeak_site::{Authority, CircuitIx, Family, FanIx, ModeName, Model, ModelIx, Site};
use offpeak_units::Power;

use crate::limits;
use crate::load::tolerance;
use crate::standing::p95;

/// A machine's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) circuit: CircuitIx,
    pub(crate) model: ModelIx,
    pub(crate) authority: Authority,
    pub(crate) commandable: bool,
    pub(crate) has_outlet: bool,
}

/// A model's figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rated {
    pub(crate) normal: Power,
    pub(crate) most: Power,
    pub(crate) sleep: Power,
    /// By [`ModeName`]; `None` where the model has no such mode.
    modes: [Option<Power>; 3],
    /// From the first hash to full load, at the fastest.
    pub(crate) ramp_fastest: SignedDuration,
    /// From the first hash until the meter alone is believed.
    pub(crate) settles: SignedDuration,
    /// From the wake command until then.
    pub(crate) settles_from_start: SignedDuration,
}

/// The site's figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    places: Vec<Place>,
    models: Vec<Rated>,
    /// By circuit: the fans that a machine there needs.
    fans: Vec<Vec<FanIx>>,
    watches: bool,
}

impl Frame {
    /// Works them out.
    #[must_use]
    pub fn new(site: &Site) -> Self {
        let place = |machine: &offpeak_site::Machine| Place {
            circuit: machine.circuit,
            model: machine.model,
            authority: site.authority(machine.circuit),
            commandable: site.model(machine.model).family != Family::Other,
            has_outlet: machine.outlet.is_some(),
        };
        let places: Vec<_> = site.machines.iter().map(place).collect();
        Self {
            watches: places.iter().any(|place| place.authority == Authority::Observe),
            places,
            models: site.models.iter().map(Rated::new).collect(),
            fans: crate::fans::by_circuit(site),
        }
    }
    /// The fans that a machine on this circuit needs.
    pub(crate) fn fans(&self, circuit: CircuitIx) -> &[FanIx] {
        &self.fans[circuit.ix()]
    }
    /// Whether offpeak only watches some machine.
    pub(crate) const fn watches(&self) -> bool {
        self.watches
    }
    pub(crate) fn places(&self) -> &[Place] {
        &self.places
    }
    pub(crate) fn rated(&self, model: ModelIx) -> &Rated {
        &self.models[model.ix()]
    }
}

impl Rated {
    /// What a start adds at most in any mode, with the tolerance of a single machine.
    pub(crate) fn need(&self) -> Power {
        Self::with_tolerance(self.most) - self.sleep
    }
    /// What it draws at most in a mode: the most of all where none is told, or one that its model has not.
    pub(crate) fn in_mode(&self, mode: Option<ModeName>) -> Power {
        mode.and_then(|mode| self.modes[mode as usize]).unwrap_or(self.most)
    }
    /// What it draws at the least in a mode.
    pub(crate) fn at_least(&self, mode: Option<ModeName>) -> Power {
        let least = || self.modes.iter().flatten().copied().min().unwrap_or(self.normal);
        mode.and_then(|mode| self.modes[mode as usize]).unwrap_or_else(least)
    }
    /// What a machine adds at most that comes to draw so much more.
    pub(crate) fn with_tolerance(more: Power) -> Power {
        more.scale(1.0 + tolerance(1))
    }
    fn new(model: &Model) -> Self {
        let settles = p95(model.transitions.ramp_up) + limits::SETTLE_GRACE;
        Self {
            normal: model.normal().power,
            most: model.power_max(),
            sleep: model.sleep,
            modes: [ModeName::Low, ModeName::Normal, ModeName::High]
                .map(|name| model.mode(name).map(|mode| mode.power)),
            ramp_fastest: SignedDuration::from_millis(i64::from(model.transitions.ramp_up.p5_ms)),
            settles,
            settles_from_start: p95(model.transitions.wake) + settles,
        }
    }
}
