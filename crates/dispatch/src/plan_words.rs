//! What a plan says of a machine and why, and of a limit that cannot be met.

use offpeak_site::{CircuitIx, FanIx, MachineIx, ModeName, Site};
use offpeak_units::Power;

use crate::envelope::Source;

/// What a machine should do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// Nothing is asked of it.
    Leave,
    /// Asleep, or cut.
    Off,
    /// Hash in this mode.
    Run(ModeName),
}

/// Why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It runs and there is room.
    Runs,
    /// It is started now.
    Starts,
    /// It runs and takes a mode that leaves power to others who make more of it.
    Lowers,
    /// It runs and takes a mode that draws more, since there is room.
    Raises,
    /// It sleeps so that a better machine can run.
    Swapped,
    /// This source keeps it off, at this circuit.
    Blocked(CircuitIx, Source),
    /// The window closes too soon to start it.
    ClosesSoon,
    /// This circuit has no room for it.
    NoRoom(CircuitIx),
    /// Its phase draws as much more than another of this circuit as is allowed.
    Phases(CircuitIx),
    /// Shed because this circuit is above its limit.
    Shed(CircuitIx),
    /// It started by itself, as after a power return, and there is room for it in the ramp.
    Returns,
    /// It started by itself and is held until its turn in the ramp.
    HeldBack,
    /// The upward ramp of a circuit on its way is used up this second.
    Ramp,
    /// It has not rested for as long as machines are to rest.
    Cools,
    /// It earns less than its power costs.
    Uneconomic,
    /// It earns what its power costs, and the plan of the hours ahead keeps it out all the same.
    KeptOut,
    /// The operator wants it off.
    Pinned,
    /// Somebody holds this machine off.
    Held,
    /// It is on its way to sleep.
    Falling,
    /// It did not follow and is asked again later.
    Rests,
    /// The revenue meter is silent.
    NoMeter,
    /// Not every meter and machine has been asked since the start.
    Warmup,
    /// offpeak has no authority in this hall.
    ObserveOnly,
    /// No driver commands this family.
    NotCommandable,
    /// Nothing fresh is known of it.
    NoWord,
    /// Awake with a fault of its own.
    Failed,
    /// These fans are not seen running long enough to start it.
    Fans(FanIx),
    /// These fans stand still, and machines have run without them for as long as they may.
    NoAir(FanIx),
    /// The checker did not let the plan pass at this circuit.
    Vetoed(CircuitIx),
}

impl Reason {
    /// In words, with the circuit's name.
    #[must_use]
    pub fn describe(&self, site: &Site) -> String {
        let name = |circuit: &CircuitIx| site.circuits.get(*circuit).id.as_str();
        match self {
            Self::Runs => "runs: there is room".to_owned(),
            Self::Starts => "starts: there is room".to_owned(),
            Self::Lowers => "takes a lower mode: others make more of the power".to_owned(),
            Self::Raises => "takes a higher mode: there is room".to_owned(),
            Self::Swapped => "off: leaves its room to a better machine".to_owned(),
            Self::Blocked(circuit, source) => format!("off: {} at {}", source.describe(site), name(circuit)),
            Self::ClosesSoon => "off: the window closes too soon to start".to_owned(),
            Self::NoRoom(circuit) => format!("off: no room at {}", name(circuit)),
            Self::Phases(circuit) => format!("off: its phase is the fullest at {}", name(circuit)),
            Self::Shed(circuit) => format!("shed: {} is above its limit", name(circuit)),
            Self::Returns => "runs: it came back by itself, and there is room".to_owned(),
            Self::HeldBack => "off: it came back by itself; waits for its turn".to_owned(),
            Self::Ramp => "waits: the ramp up is used".to_owned(),
            Self::Cools => "waits: it has not rested long enough".to_owned(),
            Self::Uneconomic => "off: earns less than its power costs".to_owned(),
            Self::KeptOut => "off: the plan for the hours ahead keeps its model out".to_owned(),
            Self::Pinned => "off: pinned by the operator".to_owned(),
            Self::Held => "off: held by hand".to_owned(),
            Self::Falling => "on its way to sleep".to_owned(),
            Self::Rests => "did not follow; asked again later".to_owned(),
            Self::NoMeter => "waits: the revenue meter is silent".to_owned(),
            Self::Warmup => "waits: not every meter and machine has been asked since the start".to_owned(),
            Self::ObserveOnly => "left alone: observe only".to_owned(),
            Self::NotCommandable => "left alone: no driver commands this family".to_owned(),
            Self::NoWord => "left alone: no fresh word from it".to_owned(),
            Self::Failed => "left alone: awake with a fault of its own".to_owned(),
            Self::Fans(fans) => format!("waits: fans `{}` are not seen running", site.fans[fans.ix()].id),
            Self::NoAir(fans) => format!("off: fans `{}` stand still", site.fans[fans.ix()].id),
            Self::Vetoed(circuit) => format!("held by the checker at {}", name(circuit)),
        }
    }
}

/// One machine's part of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setpoint {
    /// What it should do.
    pub target: Target,
    /// Why.
    pub reason: Reason,
}

/// What remains of a circuit with everything asleep that can be put to sleep, and whose it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Behind {
    /// Fans, lights, controllers.
    pub base: Power,
    /// How many machines sleep or can be put to sleep.
    pub sleepers: u32,
    /// What those draw asleep.
    pub asleep: Power,
    /// How many machines are on and nothing stops them.
    pub stubborn: u32,
    /// What those draw.
    pub on: Power,
    /// The first of them.
    pub names: Vec<MachineIx>,
}

impl Behind {
    /// How many machines are named.
    pub const NAMED: usize = 20;
    /// In words, with the names of so many machines at most.
    #[must_use]
    pub fn describe(&self, site: &Site, named: usize) -> String {
        let mut parts = vec![
            format!("{} of fans, lights and the like", self.base),
            format!("{} of {} sleepers", self.asleep, self.sleepers),
        ];
        if self.stubborn > 0 {
            const WHICH: &str = "machines that offpeak cannot or may not stop";
            let names = self.names.iter().take(named).map(|ix| site.machine(*ix).id.as_str());
            let names: Vec<_> = names.collect();
            let (stubborn, on) = (self.stubborn as usize, self.on);
            let which = match (names.len(), stubborn - names.len()) {
                (0, all) => format!("{all} {WHICH}"),
                (_, 0) => format!("{WHICH}: {}", names.join(", ")),
                (_, more) => format!("{WHICH}: {} and {more} more", names.join(", ")),
            };
            parts.push(format!("{on} of {which}"));
        }
        parts.join(", ")
    }
}

/// A circuit whose limit cannot be met: everything that can be put to sleep is, and this remains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmet {
    /// Where.
    pub circuit: CircuitIx,
    /// What was asked.
    pub limit: Power,
    /// What remains.
    pub floor: Power,
    /// Whose that is.
    pub behind: Behind,
}
