//! What is seen of a machine becomes a claim: what it draws, by which rule, and what its time goes by.

use jiff::Timestamp;
use offpeak_dispatch::{Envelope, Reason, Seen, Source, limits};
use offpeak_rows::{MachineMode, MachineState};
use offpeak_site::{Activity, ModeName, Model, Reading};
use offpeak_units::Power;

use crate::machine::{Claim, Doing};

/// A family that tells no watts draws what the catalogue says of its mode.
const CATALOGUE: &str = "catalogue";
/// Nothing flows through an open outlet.
const OUTLET_OPEN: &str = "outlet open";

/// A machine's claim at an instant. `off` is what its time goes by where it is off or asleep, see [`why_off`].
#[must_use]
pub fn claim(model: &Model, seen: &Seen, is_cut: bool, off: Doing, at: Timestamp) -> Claim {
    if is_cut || seen.outlet_closed.is_some_and(|(closed, _)| !closed) {
        // An outlet is opened where a machine does not obey; but for whose sake it was to sleep, that counts.
        let doing = if off == Doing::Starting { Doing::Fault } else { off };
        let (power, rule) = (Some(Power::ZERO), Some(OUTLET_OPEN));
        return Claim { power, rule, state: MachineState::Off, doing, ..Claim::NOTHING };
    }
    if seen.trouble.is_some() {
        return Claim { doing: Doing::Unreachable, ..Claim::NOTHING };
    }
    let fresh = |reading: &&Reading| reading.at.duration_until(at) <= limits::READING_STALE;
    let Some(reading) = seen.reading.as_ref().filter(fresh) else { return Claim::NOTHING };
    let (state, doing) = match reading.activity {
        Activity::Hashing => (MachineState::Hashing, Doing::Hashing),
        Activity::Starting => (MachineState::Starting, Doing::Starting),
        Activity::Asleep => (MachineState::Asleep, off),
        Activity::Failed => (MachineState::Failed, Doing::Fault),
    };
    let hashes = matches!(reading.activity, Activity::Hashing);
    let (power, rule) = match reading.power {
        Some(power) => (power, None),
        None => (by_catalogue(model, reading), Some(CATALOGUE)),
    };
    Claim {
        power: Some(power),
        rule,
        hash_rate: if hashes { reading.hash_rate } else { None },
        state,
        mode: reading.mode.map(mode),
        chip: reading.temperature,
        doing,
    }
}

fn by_catalogue(model: &Model, reading: &Reading) -> Power {
    match reading.activity {
        Activity::Hashing => {
            let named = reading.mode.and_then(|mode| model.mode(mode));
            named.unwrap_or_else(|| model.normal()).power
        }
        Activity::Starting | Activity::Asleep | Activity::Failed => model.sleep,
    }
}

const fn mode(name: ModeName) -> MachineMode {
    match name {
        ModeName::Low => MachineMode::Low,
        ModeName::Normal => MachineMode::Normal,
        ModeName::High => MachineMode::High,
    }
}

/// What the time of a machine that is off goes by, from the plan's reason for it.
#[must_use]
pub fn why_off(reason: &Reason, envelope: &Envelope) -> Doing {
    match reason {
        Reason::Blocked(_, source) => by_source(*source),
        Reason::NoRoom(circuit) | Reason::Shed(circuit) | Reason::Vetoed(circuit) => {
            envelope.circuit(*circuit).binding.map_or(Doing::OutsideHours, |limit| by_source(limit.source))
        }
        Reason::Swapped
        | Reason::Phases(_)
        | Reason::ClosesSoon
        | Reason::Ramp
        | Reason::HeldBack
        | Reason::Cools
        | Reason::Falling => Doing::OutsideHours,
        Reason::Pinned | Reason::Held => Doing::Ordered,
        Reason::Uneconomic | Reason::KeptOut => Doing::Price,
        // It was asked and is not up yet.
        Reason::Runs | Reason::Returns | Reason::Starts | Reason::Lowers | Reason::Raises => Doing::Starting,
        // Half a minute of waiting for fans is little beside what their failure costs.
        Reason::Rests | Reason::Failed | Reason::Fans(_) | Reason::NoAir(_) => Doing::Fault,
        Reason::NoMeter | Reason::Warmup | Reason::ObserveOnly | Reason::NotCommandable | Reason::NoWord => {
            Doing::NoData
        }
    }
}

const fn by_source(source: Source) -> Doing {
    match source {
        Source::Lockout => Doing::Maintenance,
        Source::Maintenance(_) => Doing::Maintenance,
        Source::Stop
        | Source::Emergency(_)
        | Source::Dispatch(_)
        | Source::Signal(_)
        | Source::SignalSilent(_)
        | Source::Wish(_)
        | Source::Coming(_) => Doing::Ordered,
        Source::Rating
        | Source::Derating
        | Source::Demand
        | Source::ContractClosed
        | Source::ContractClosing
        | Source::Contract
        | Source::Nomination
        | Source::Import
        | Source::BudgetSpent(_)
        | Source::BudgetEnding(_) => Doing::OutsideHours,
        Source::ImportPrice | Source::BillingPeak => Doing::Price,
    }
}
