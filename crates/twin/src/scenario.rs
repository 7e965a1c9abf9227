//! What a run begins with: which machines misbehave and how, how often things break, where meters
//! fall silent, and the weather.
//!
//! Not here: how a fault shows (`command`, `plant`).

use std::collections::BTreeMap;

use jiff::SignedDuration;
use offpeak_site::{MachineIx, MeterIx};
use offpeak_units::Temperature;

/// What is wrong with a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// It never answers and draws nothing.
    Dead,
    /// Its API accepts a connection and never answers, while it goes on as it was. A power cycle
    /// cures it.
    Hung,
    /// It answers, and obeys, so much later.
    Slow(SignedDuration),
    /// The watts it reports are off by so many parts per million.
    LiesAboutPower {
        /// Parts per million of the true power, either way.
        error_ppm: i32,
    },
    /// It accepts commands and does nothing.
    IgnoresCommands,
    /// It refuses commands, and says so.
    RefusesCommands,
    /// Its replies are no protocol at all.
    Garbage,
    /// Its replies never end (100 MB).
    Flood,
    /// It closes in the middle of each reply.
    CloseMidReply,
    /// It puts a NUL inside its replies.
    Nul,
    /// Its replies lack their end, and the connection stays open.
    NoTerminator,
    /// One of its three hash boards is dead: two thirds of the power and of the hash rate.
    BoardDead,
}

impl Fault {
    /// Whether no command through the API has an effect on such a machine.
    #[must_use]
    pub const fn defies_commands(self) -> bool {
        !matches!(self, Self::Slow(_) | Self::LiesAboutPower { .. } | Self::BoardDead | Self::Dead)
    }
}

/// How many machines misbehave, as shares in parts per million, and how often things happen, in
/// events a machine and day.
///
/// Faults that make a machine deaf to commands while it draws power are drawn only among machines
/// that a switched outlet can cut, unless [`Faults::unswitched`] is set; their shares are of the
/// machines they may fall on. The defaults are estimates, each with its reason in `docs/twin.md`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Faults {
    /// [`Fault::Dead`] from the start.
    pub dead_ppm: u32,
    /// [`Fault::Slow`] by 1 to 2.5 s.
    pub slow_ppm: u32,
    /// [`Fault::LiesAboutPower`] by 20 %, as many above as below.
    pub lying_ppm: u32,
    /// [`Fault::BoardDead`].
    pub board_dead_ppm: u32,
    /// [`Fault::IgnoresCommands`].
    pub ignoring_ppm: u32,
    /// [`Fault::RefusesCommands`].
    pub refusing_ppm: u32,
    /// Each of [`Fault::Garbage`], [`Fault::Flood`], [`Fault::CloseMidReply`], [`Fault::Nul`] and
    /// [`Fault::NoTerminator`].
    pub broken_api_ppm: u32,
    /// Whether machines deaf to commands may stand where no outlet can cut them.
    pub unswitched: bool,
    /// How often a machine starts again by itself.
    pub reboots_per_day: f64,
    /// How often a machine dies.
    pub deaths_per_day: f64,
    /// How often a machine's API hangs.
    pub hangs_per_day: f64,
    /// How often a meter falls silent for 2 to 30 s, a meter and day (at most 24).
    pub meter_gaps_per_day: f64,
}

impl Faults {
    /// Nothing ever goes wrong.
    pub const NONE: Self = Self {
        dead_ppm: 0,
        slow_ppm: 0,
        lying_ppm: 0,
        board_dead_ppm: 0,
        ignoring_ppm: 0,
        refusing_ppm: 0,
        broken_api_ppm: 0,
        unswitched: false,
        reboots_per_day: 0.0,
        deaths_per_day: 0.0,
        hangs_per_day: 0.0,
        meter_gaps_per_day: 0.0,
    };
}

impl Default for Faults {
    /// A plausible mine.
    fn default() -> Self {
        Self {
            dead_ppm: 5_000,
            slow_ppm: 5_000,
            lying_ppm: 10_000,
            board_dead_ppm: 10_000,
            ignoring_ppm: 1_000,
            refusing_ppm: 500,
            broken_api_ppm: 100,
            unswitched: false,
            reboots_per_day: 0.005,
            deaths_per_day: 0.000_14,
            hangs_per_day: 0.001,
            meter_gaps_per_day: 1.0,
        }
    }
}

/// In what state the machines are when the run begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Initial {
    /// Asleep by command. Models that cannot sleep are cut at their outlet, and run where they have
    /// none; machines deaf to commands run.
    #[default]
    Asleep,
    /// Hashing at full power.
    Running,
}

/// A meter that falls silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeterGap {
    /// Which one.
    pub meter: MeterIx,
    /// How long after the start; counts in whole seconds.
    pub after: SignedDuration,
    /// For how long.
    pub length: SignedDuration,
}

/// A fault given to a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pinned {
    /// What befalls it.
    pub fault: Fault,
    /// How long after the start; counts in whole seconds.
    pub after: SignedDuration,
}

impl Pinned {
    /// From the start on.
    #[must_use]
    pub const fn always(fault: Fault) -> Self {
        Self { fault, after: SignedDuration::ZERO }
    }
}

/// The weather.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Climate {
    /// Ekibastuz, by month and hour, with a wander from day to day that depends on the seed.
    #[default]
    Ekibastuz,
    /// The same temperature always.
    Constant(Temperature),
}

/// What a run begins with. The default is a plausible mine, asleep.
///
/// ```
/// use offpeak_site::MachineIx;
/// use offpeak_twin::{Fault, Initial, Pinned, Scenario};
/// let scenario = Scenario {
///     initial: Initial::Running,
///     pinned: [(MachineIx(3), Pinned::always(Fault::IgnoresCommands))].into(),
///     ..Scenario::healthy()
/// };
/// assert_eq!(scenario.faults.dead_ppm, 0);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scenario {
    /// What goes wrong by chance.
    pub faults: Faults,
    /// What goes wrong with a certain machine, whatever chance says; nothing else does.
    pub pinned: BTreeMap<MachineIx, Pinned>,
    /// Meters that fall silent at stated times, besides those by chance.
    pub meter_gaps: Vec<MeterGap>,
    /// The machines' first state.
    pub initial: Initial,
    /// The weather.
    pub climate: Climate,
}

impl Scenario {
    /// Nothing goes wrong; the machines still differ and the meters still have their noise.
    #[must_use]
    pub fn healthy() -> Self {
        Self { faults: Faults::NONE, ..Self::default() }
    }
}
