//! What is to be solved: a forest of circuits with limits, and machines with modes.

use offpeak_units::Power;

/// At most so many machines in one problem.
pub const MACHINES_MAX: usize = 1_000_000;
/// At most so many circuits in one problem.
pub const CIRCUITS_MAX: usize = 100_000;
/// A circuit has at most so many above it.
pub const DEPTH_MAX: u32 = 64;
/// At most so many modes in one machine.
pub const MODES_MAX: usize = 64;
/// No mode draws more: a gigawatt in one machine is a slip of the pen, and a million of them still add up exactly.
pub const POWER_MAX: Power = Power::from_kilowatts(1_000_000);
/// No limit is higher; none at all is `None`.
pub const LIMIT_MAX: Power = Power::from_kilowatts(1_000_000_000);
/// No mode is worth more (or costs more) an hour.
pub const VALUE_MAX: f64 = 1e12;

/// The n-th circuit that was added to a [`Problem`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CircuitNo(pub(super) u32);

/// The n-th machine that was added to a [`Problem`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MachineNo(pub(super) u32);

impl CircuitNo {
    /// Its place in the order of adding.
    #[must_use]
    pub const fn ix(self) -> usize {
        self.0 as usize
    }
}

impl MachineNo {
    /// Its place in the order of adding: an index into [`super::Solution::setpoints`].
    #[must_use]
    pub const fn ix(self) -> usize {
        self.0 as usize
    }
}

/// One way to run a machine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mode {
    /// What it draws.
    pub power: Power,
    /// What an hour of it is worth, in any currency; a score, not an account. May be below zero.
    pub value_per_h: f64,
}

/// What a problem cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum ProblemError {
    /// More than [`CIRCUITS_MAX`].
    #[error("more than {CIRCUITS_MAX} circuits")]
    TooManyCircuits,
    /// More than [`MACHINES_MAX`].
    #[error("more than {MACHINES_MAX} machines")]
    TooManyMachines,
    /// A tree deeper than [`DEPTH_MAX`].
    #[error("circuits nested more than {DEPTH_MAX} deep")]
    TooDeep,
    /// A circuit of another problem.
    #[error("there is no circuit number {0}")]
    NoSuchCircuit(u32),
    /// A limit below zero or above [`LIMIT_MAX`].
    #[error("a limit of {} W is not between 0 and {} W", .0.to_watts_f64(), LIMIT_MAX.to_watts())]
    Limit(Power),
    /// A machine that can do nothing at all.
    #[error("a machine without modes")]
    NoModes,
    /// More than [`MODES_MAX`] modes.
    #[error("a machine with {0} modes; at most {MODES_MAX} are allowed")]
    TooManyModes(usize),
    /// A power below zero or above [`POWER_MAX`].
    #[error("a power of {} W is not between 0 and {} W", .0.to_watts_f64(), POWER_MAX.to_watts())]
    PowerOutOfRange(Power),
    /// A value that is no number or beyond [`VALUE_MAX`].
    #[error("a value of {0} an hour is not a number within {VALUE_MAX:e}")]
    Value(f64),
}

/// Circuits and machines. A circuit is added after the one above it, so a problem has no cycles;
/// circuits without one above them are roots, and there may be several.
///
/// ```
/// use offpeak_dispatch::solve::{Mode, Problem, Solver};
/// use offpeak_units::Power;
/// let mut problem = Problem::new();
/// let hall = problem.add_circuit(None, Some(Power::from_watts(3_500)))?;
/// let modes = [(40, 0.0), (3_400, 0.31)].map(|(watts, value_per_h)| Mode { power: Power::from_watts(watts), value_per_h });
/// let first = problem.add_machine(hall, &modes)?;
/// let second = problem.add_machine(hall, &modes)?;
/// let solution = Solver::new(problem).solve();
/// assert_eq!((solution.mode_of(first), solution.mode_of(second)), (1, 0));
/// # Ok::<(), offpeak_dispatch::solve::ProblemError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Problem {
    /// The circuit above; [`NONE`] for a root.
    pub(super) parents: Vec<u32>,
    pub(super) depths: Vec<u32>,
    /// In milliwatts; [`UNLIMITED`] for none.
    pub(super) limits: Vec<i64>,
    /// Each machine's circuit.
    pub(super) places: Vec<u32>,
    /// Where each machine's modes begin, and the end of the last one's.
    pub(super) first_modes: Vec<u32>,
    /// In milliwatts.
    pub(super) powers: Vec<i64>,
    pub(super) values: Vec<f64>,
}

pub(super) const NONE: u32 = u32::MAX;
pub(super) const UNLIMITED: i64 = i64::MAX;

impl Problem {
    /// Nothing in it yet.
    #[must_use]
    pub fn new() -> Self {
        Self { first_modes: vec![0], ..Self::default() }
    }

    /// Adds a circuit below another one, or a root. `limit`: the most that everything below it may draw together;
    /// `None` is no limit, zero means zero.
    ///
    /// # Errors
    /// [`ProblemError`] for an unknown parent, a limit out of range, too many or too deep.
    pub fn add_circuit(
        &mut self,
        parent: Option<CircuitNo>,
        limit: Option<Power>,
    ) -> Result<CircuitNo, ProblemError> {
        if self.parents.len() >= CIRCUITS_MAX {
            return Err(ProblemError::TooManyCircuits);
        }
        let depth = match parent {
            None => 0,
            Some(above) => 1 + self.depths.get(above.ix()).ok_or(ProblemError::NoSuchCircuit(above.0))?,
        };
        if depth >= DEPTH_MAX {
            return Err(ProblemError::TooDeep);
        }
        self.limits.push(raw_limit(limit)?);
        self.parents.push(parent.map_or(NONE, |above| above.0));
        self.depths.push(depth);
        Ok(CircuitNo(self.parents.len() as u32 - 1))
    }

    /// Adds a machine. Its modes keep their order; the first is the one it can always fall back to.
    ///
    /// # Errors
    /// [`ProblemError`] for an unknown circuit, no modes or too many, a power or a value out of range.
    pub fn add_machine(&mut self, circuit: CircuitNo, modes: &[Mode]) -> Result<MachineNo, ProblemError> {
        if self.places.len() >= MACHINES_MAX {
            return Err(ProblemError::TooManyMachines);
        }
        if circuit.ix() >= self.parents.len() {
            return Err(ProblemError::NoSuchCircuit(circuit.0));
        }
        match modes.len() {
            0 => return Err(ProblemError::NoModes),
            1..=MODES_MAX => {}
            more => return Err(ProblemError::TooManyModes(more)),
        }
        for mode in modes {
            if mode.power.is_negative() || mode.power > POWER_MAX {
                return Err(ProblemError::PowerOutOfRange(mode.power));
            }
            if !mode.value_per_h.is_finite() || mode.value_per_h.abs() > VALUE_MAX {
                return Err(ProblemError::Value(mode.value_per_h));
            }
        }
        self.powers.extend(modes.iter().map(|mode| mode.power.to_milliwatts()));
        self.values.extend(modes.iter().map(|mode| mode.value_per_h));
        self.places.push(circuit.0);
        self.first_modes.push(self.powers.len() as u32);
        Ok(MachineNo(self.places.len() as u32 - 1))
    }

    /// The circuit that was added at this place, counted from zero.
    #[must_use]
    pub fn circuit(&self, place: usize) -> Option<CircuitNo> {
        (place < self.parents.len()).then_some(CircuitNo(place as u32))
    }

    /// The machine that was added at this place, counted from zero.
    #[must_use]
    pub fn machine(&self, place: usize) -> Option<MachineNo> {
        (place < self.places.len()).then_some(MachineNo(place as u32))
    }

    /// How many circuits there are.
    #[must_use]
    pub fn circuits(&self) -> usize {
        self.parents.len()
    }

    /// How many machines there are.
    #[must_use]
    pub fn machines(&self) -> usize {
        self.places.len()
    }

    /// A machine's modes, in their order: power in milliwatts and value.
    pub(super) fn modes(&self, machine: u32) -> (&[i64], &[f64]) {
        let range =
            self.first_modes[machine as usize] as usize..self.first_modes[machine as usize + 1] as usize;
        (&self.powers[range.clone()], &self.values[range])
    }

    pub(super) fn power(&self, machine: u32, mode: u16) -> i64 {
        self.powers[self.first_modes[machine as usize] as usize + mode as usize]
    }

    pub(super) fn value(&self, machine: u32, mode: u16) -> f64 {
        self.values[self.first_modes[machine as usize] as usize + mode as usize]
    }
}

/// In milliwatts, checked.
pub(super) fn raw_limit(limit: Option<Power>) -> Result<i64, ProblemError> {
    match limit {
        None => Ok(UNLIMITED),
        Some(power) if power.is_negative() || power > LIMIT_MAX => Err(ProblemError::Limit(power)),
        Some(power) => Ok(power.to_milliwatts()),
    }
}
