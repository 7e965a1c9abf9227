//! Rows of one machine that follow one another, added up: what sums over much of the lake are made of.

use jiff::Timestamp;

use crate::{Known, MachineRow, Name};

/// Rows of one machine, added up. What was not read stands at zero or `None` and means nothing.
///
/// ```
/// use offpeak_rows::{Known, MachineRun};
/// let mut run = MachineRun::default();
/// run.add_energy(Some(204_000), Some(206_000), Known::Measured, 60, 60);
/// run.add_energy(None, None, Known::Missing, 0, 60);
/// assert_eq!((run.billed_j, run.length_s, run.missing_s()), (206_000, 120, 60));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MachineRun {
    /// The machine.
    pub machine: Option<Name>,
    /// Whose it is; `None` also where nobody said so.
    pub owner: Option<Name>,
    /// The hall it stands in.
    pub hall: Option<Name>,
    /// What it is.
    pub model: Option<Name>,
    /// The circuit it hangs on.
    pub circuit: Option<Name>,
    /// The start of the first row.
    pub start: Timestamp,
    /// The time of all rows in seconds.
    pub length_s: u64,
    /// Joules after scaling to the meters, of the rows where they are known.
    pub billed_j: i128,
    /// Joules by the machine's own word, of the rows where they are known.
    pub energy_j: i128,
    /// Covered seconds of billed rows that were measured,
    pub measured_s: u64,
    /// known by a register,
    pub register_s: u64,
    /// or estimated.
    pub estimated_s: u64,
    /// Covered seconds of rows with the machine's word that could not be settled.
    pub unsettled_s: u64,
    /// Hashes by its own word, in units of 10⁹, of the rows where they are known.
    pub hashes_gh: i128,
    /// Seconds by what it did: hashing, starting, then the reasons of [`Downtime`](crate::Downtime) in their order.
    pub seconds: [u64; 9],
}

impl MachineRun {
    /// Takes one row's time and energy in: `covered_s` of `length_s` are known, where anything is.
    pub fn add_energy(
        &mut self,
        energy_j: Option<i64>,
        billed_j: Option<i64>,
        known: Known,
        covered_s: u32,
        length_s: u32,
    ) {
        let covered_s = u64::from(covered_s.min(length_s));
        self.length_s += u64::from(length_s);
        self.energy_j += i128::from(energy_j.unwrap_or(0));
        match (billed_j, known) {
            (Some(_), Known::Measured) => self.measured_s += covered_s,
            (Some(_), Known::Register) => self.register_s += covered_s,
            (Some(_), Known::Estimated) => self.estimated_s += covered_s,
            (Some(_), Known::Missing) => {}
            (None, _) if energy_j.is_some() => self.unsettled_s += covered_s,
            (None, _) => {}
        }
        self.billed_j += i128::from(billed_j.unwrap_or(0));
    }

    /// Seconds of which the billed energy is not known.
    #[must_use]
    pub const fn missing_s(&self) -> u64 {
        self.length_s - self.measured_s - self.register_s - self.estimated_s
    }
}

impl From<&MachineRow> for MachineRun {
    fn from(row: &MachineRow) -> Self {
        let down = row.down;
        let seconds = [
            row.hashing_s,
            row.starting_s,
            down.outside_hours_s,
            down.ordered_s,
            down.price_s,
            down.fault_s,
            down.unreachable_s,
            down.maintenance_s,
            down.no_data_s,
        ];
        let mut run = Self {
            machine: Some(Name::clone(&row.machine)),
            owner: row.owner.clone(),
            hall: Some(Name::clone(&row.hall)),
            model: Some(Name::clone(&row.model)),
            circuit: Some(Name::clone(&row.circuit)),
            start: row.start,
            hashes_gh: i128::from(row.hashes_gh.unwrap_or(0)),
            seconds: seconds.map(u64::from),
            ..Self::default()
        };
        run.add_energy(row.energy_j, row.billed_j, row.known, row.covered_s, row.length_s);
        run
    }
}
