//! One machine's inner state: what it is doing, and what it would draw and hash at full power.
//!
//! Not here: time, events and sums over machines (`plant`).

use offpeak_site::{Mode, ModeName, Model, Trouble};

use crate::draw::{Draw, ONE_SIGMA, Stream};
use crate::line::Line;
use crate::scenario::Fault;

/// What a machine is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Without power, or dead.
    Off,
    /// Powered; nothing answers yet.
    Booting,
    /// Awake, tuning, not hashing yet.
    Starting,
    /// Hashing ever more.
    RampingUp,
    /// At full power.
    Hashing,
    /// Hashing ever less; then asleep, or awake again when something else is wanted by then.
    RampingDown,
    /// Asleep by command.
    Asleep,
}

/// What a machine was last told, in the sense that it took it in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    Run,
    Sleep,
}

/// The state.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) phase: Phase,
    /// Counts the events scheduled for it; an event of an older count is void.
    pub(crate) epoch: u32,
    /// Counts the times drawn for it.
    pub(crate) drawn: u64,
    /// What it took in last.
    pub(crate) wanted: Want,
    /// What it was asked last, taken in or not; `None` before the first request.
    pub(crate) asked: Option<Want>,
    pub(crate) mode: ModeName,
    pub(crate) fault: Option<Fault>,
    /// Whether its outlet is closed.
    pub(crate) outlet_closed: bool,
    /// Whether power reaches it.
    pub(crate) powered: bool,
    /// Its power at 25 °C, in milliwatts.
    pub(crate) power: Line,
    /// What each step of warmth adds, in milliwatts.
    pub(crate) warmth: Line,
    /// Its hash rate, in megahashes a second.
    pub(crate) hash_rate: Line,
    /// Its own power and hash rate over the catalogue's, in parts per million.
    pub(crate) power_ppm: i64,
    pub(crate) hash_ppm: i64,
    /// Whether it is in the list of changes.
    pub(crate) is_listed: bool,
}

/// The standard deviation of a machine's power and hash rate around its catalogue's, in parts per
/// million, cut at three: an estimate from datasheets' tolerances (see `docs/twin.md`).
pub(crate) const SPREAD_PPM: i64 = 20_000;

/// Steps of warmth are thousandths of the power at 25 °C.
pub(crate) const WARMTH_PARTS: i64 = 1_000;

impl State {
    /// A machine as built: its own spread, no fault, without power.
    pub(crate) fn new(seed: u64, machine: u32) -> Self {
        let spread = |which| {
            1_000_000
                + Draw::new(seed, Stream::Spread, machine.into(), which).normal(3 * ONE_SIGMA) * SPREAD_PPM
                    / ONE_SIGMA
        };
        Self {
            phase: Phase::Off,
            epoch: 0,
            drawn: 0,
            wanted: Want::Run,
            asked: None,
            mode: ModeName::Normal,
            fault: None,
            outlet_closed: true,
            powered: true,
            power: Line::ZERO,
            warmth: Line::ZERO,
            hash_rate: Line::ZERO,
            power_ppm: spread(0),
            hash_ppm: spread(1),
            is_listed: false,
        }
    }
    fn mode<'a>(&self, model: &'a Model) -> &'a Mode {
        model.mode(self.mode).unwrap_or_else(|| model.normal())
    }
    /// What of it works, as a fraction.
    const fn boards(&self) -> (i64, i64) {
        if matches!(self.fault, Some(Fault::BoardDead)) { (2, 3) } else { (1, 1) }
    }
    /// What it draws in milliwatts while awake or asleep without hashing.
    pub(crate) const fn idle_power(&self, model: &Model) -> i64 {
        model.sleep.to_milliwatts() * self.power_ppm / 1_000_000
    }
    /// What it draws in milliwatts at 25 °C in its mode.
    pub(crate) fn full_power(&self, model: &Model) -> i64 {
        let (some, all) = self.boards();
        self.mode(model).power.to_milliwatts() * self.power_ppm / 1_000_000 * some / all
    }
    /// What it hashes in its mode, in megahashes a second.
    pub(crate) fn full_hash_rate(&self, model: &Model) -> i64 {
        let (some, all) = self.boards();
        self.mode(model).hash_rate.to_megahashes() * self.hash_ppm / 1_000_000 * some / all
    }
    /// Whether it hashes.
    pub(crate) fn is_hashing(&self) -> bool {
        match self.phase {
            Phase::RampingUp | Phase::Hashing => true,
            Phase::RampingDown => self.hash_rate != Line::ZERO,
            Phase::Off | Phase::Booting | Phase::Starting | Phase::Asleep => false,
        }
    }
    /// Whether it draws, or is about to, although it was last asked to sleep.
    pub(crate) fn is_defiant(&self) -> bool {
        self.asked == Some(Want::Sleep)
            && match self.phase {
                Phase::Starting | Phase::RampingUp | Phase::Hashing => true,
                Phase::RampingDown => self.wanted == Want::Run,
                Phase::Off | Phase::Booting | Phase::Asleep => false,
            }
    }
    /// Why its API gives no proper answer; `None` if it does.
    pub(crate) const fn trouble(&self) -> Option<Trouble> {
        if matches!(self.phase, Phase::Off | Phase::Booting) {
            return Some(Trouble::Unreachable);
        }
        match self.fault {
            Some(Fault::Dead) => Some(Trouble::Unreachable),
            Some(Fault::Hung | Fault::NoTerminator) => Some(Trouble::Silent),
            Some(Fault::Garbage | Fault::Nul) => Some(Trouble::Garbled),
            Some(Fault::Flood) => Some(Trouble::Oversized),
            Some(Fault::CloseMidReply) => Some(Trouble::Truncated),
            None
            | Some(
                Fault::Slow(_)
                | Fault::LiesAboutPower { .. }
                | Fault::IgnoresCommands
                | Fault::RefusesCommands
                | Fault::BoardDead,
            ) => None,
        }
    }
    /// The next draw for the length of a phase.
    pub(crate) fn next_draw(&mut self, seed: u64, machine: u32) -> Draw {
        self.drawn += 1;
        Draw::new(seed, Stream::Transition, machine.into(), self.drawn)
    }
}
