//! What can be seen of the plant: the truth, and what a machine's API makes of it.
//!
//! Not here: the meters (`meter`).

use jiff::SignedDuration;
use offpeak_site::{Activity, CircuitIx, MachineIx, ModeName, Reading, Trouble};
use offpeak_units::{Energy, HashRate, Hashes, Power, Temperature};

use crate::machine::Phase;
use crate::plant::Plant;
use crate::scenario::Fault;
use crate::weather;

/// What a machine truly does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truth {
    /// What it draws.
    pub power: Power,
    /// What it hashes.
    pub hash_rate: HashRate,
    /// What it does; `None` without power, while it boots, or dead.
    pub activity: Option<Activity>,
    /// The mode it runs in, or would.
    pub mode: ModeName,
    /// Its hottest chip.
    pub temperature: Temperature,
    /// Whether power reaches it.
    pub powered: bool,
    /// What is wrong with it.
    pub fault: Option<Fault>,
}

/// How a machine's front end has to behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answering {
    /// As the protocol says.
    Properly,
    /// No connection.
    Unreachable,
    /// Accepts connections and says nothing.
    Silent,
    /// Bytes that are no protocol.
    Garbage,
    /// A reply of 100 MB.
    Flood,
    /// Closes in the middle of its reply.
    CloseMidReply,
    /// A NUL inside its reply.
    Nul,
    /// A reply without its end, on a connection that stays open.
    NoTerminator,
}

impl Plant {
    /// Machines that draw, or are about to, although the last request to them was to sleep.
    pub fn defiant(&self) -> impl Iterator<Item = MachineIx> + '_ {
        self.defiant.iter().copied()
    }

    /// What a machine's API says now.
    ///
    /// # Errors
    /// If it gives no proper answer.
    pub fn reading(&self, machine: MachineIx) -> Result<Reading, Trouble> {
        let state = self.state(machine);
        if let Some(trouble) = state.trouble() {
            return Err(trouble);
        }
        let truth = self.truth(machine);
        let family = self.site.model_of(machine).family;
        let error_ppm = match state.fault {
            Some(Fault::LiesAboutPower { error_ppm }) => i64::from(error_ppm),
            _ => 0,
        };
        let watts = truth.power.to_milliwatts() / 1_000 * (1_000_000 + error_ppm) / 1_000_000;
        Ok(Reading {
            at: self.now(),
            activity: truth.activity.ok_or(Trouble::Unreachable)?,
            power: family.tells_watts().then(|| Power::from_watts(watts)),
            hash_rate: Some(truth.hash_rate),
            temperature: Some(truth.temperature),
            mode: family.tells_watts().then_some(truth.mode),
        })
    }
    /// What a machine truly does now.
    #[must_use]
    pub fn truth(&self, machine: MachineIx) -> Truth {
        let (state, t) = (self.state(machine), self.t);
        let activity = match state.phase {
            Phase::Off | Phase::Booting => None,
            Phase::Starting => Some(Activity::Starting),
            Phase::RampingUp | Phase::Hashing => Some(Activity::Hashing),
            Phase::RampingDown if state.is_hashing() => Some(Activity::Hashing),
            Phase::RampingDown => Some(Activity::Starting),
            Phase::Asleep => Some(Activity::Asleep),
        };
        let power = state.power.at(t) + self.warmth * state.warmth.at(t);
        // A chip at full load is 45 °C above the air it breathes in (an estimate).
        let full = state.full_power(self.site.model_of(machine)).max(1);
        let rise = if state.phase == Phase::Off { 0 } else { 45_000 * state.power.at(t) / full };
        let inlet = weather::inlet(self.outdoor).to_millicelsius();
        Truth {
            power: Power::from_milliwatts(power),
            hash_rate: HashRate::from_megahashes(state.hash_rate.at(t)),
            activity,
            mode: state.mode,
            temperature: Temperature::from_millicelsius(inlet + rise as i32),
            powered: state.powered,
            fault: state.fault,
        }
    }
    /// How late its API answers.
    #[must_use]
    pub fn reply_delay(&self, machine: MachineIx) -> SignedDuration {
        match self.state(machine).fault {
            Some(Fault::Slow(delay)) => delay,
            _ => SignedDuration::ZERO,
        }
    }
    /// How its front end has to behave.
    #[must_use]
    pub fn answering(&self, machine: MachineIx) -> Answering {
        let state = self.state(machine);
        match (state.trouble(), state.fault) {
            (None, _) => Answering::Properly,
            (Some(Trouble::Unreachable), _) => Answering::Unreachable,
            (_, Some(Fault::Garbage)) => Answering::Garbage,
            (_, Some(Fault::Flood)) => Answering::Flood,
            (_, Some(Fault::CloseMidReply)) => Answering::CloseMidReply,
            (_, Some(Fault::Nul)) => Answering::Nul,
            (_, Some(Fault::NoTerminator)) => Answering::NoTerminator,
            (Some(_), _) => Answering::Silent,
        }
    }
    /// How many machines hash on a circuit and below it.
    #[must_use]
    pub fn hashing_below(&self, circuit: CircuitIx) -> u32 {
        self.circuits[circuit.ix()].hashing
    }
    /// What a circuit draws now with all below it, noise-free. There are no losses between circuits.
    #[must_use]
    pub fn circuit_power(&self, circuit: CircuitIx) -> Power {
        Power::from_milliwatts(self.circuits[circuit.ix()].power.line().at(self.t))
    }
    /// What a circuit has drawn since the start, exact.
    #[must_use]
    pub fn energy(&self, circuit: CircuitIx) -> Energy {
        Energy::from_microjoules(self.circuits[circuit.ix()].power.total(self.t) * 1_000)
    }
    /// What all machines have hashed since the start, exact.
    #[must_use]
    pub fn hashes(&self) -> Hashes {
        Hashes::from_count(self.hash_rate.total(self.t) * 1_000_000)
    }
    /// How many machines hash now.
    #[must_use]
    pub const fn hashing(&self) -> usize {
        self.hashing
    }
    /// The outdoor temperature.
    #[must_use]
    pub const fn outdoor(&self) -> Temperature {
        self.outdoor
    }
}
