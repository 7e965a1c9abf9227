//! Rows become a report: energy, hashes and time by owner, hall, model, machine, hour and day.
//!
//! What the revenue meter counted is the whole. Machines have their part of it by settlement; what is left (house load,
//! losses, what could not be attributed) stands in a line of its own, so that the lines come to the whole.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use offpeak_rows::{Known, MachineRun, MeterRow, Name};
use offpeak_units::Energy;

use crate::machine::Doing;
use crate::sum::{Sum, Uptime};

/// What a report's lines are by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    /// The civil day at the site.
    Day,
    /// The civil hour, with its offset: the hour that a clock change repeats stands twice.
    Hour,
    /// The hall.
    Hall,
    /// The circuit that a machine hangs on.
    Circuit,
    /// The owner.
    Owner,
    /// The model.
    Model,
    /// The machine.
    Machine,
}

impl By {
    /// All of them, in the order of the columns.
    pub const ALL: [Self; 7] =
        [Self::Day, Self::Hour, Self::Hall, Self::Circuit, Self::Owner, Self::Model, Self::Machine];

    /// As a column is named.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Hour => "hour",
            Self::Hall => "hall",
            Self::Circuit => "circuit",
            Self::Owner => "owner",
            Self::Model => "model",
            Self::Machine => "machine",
        }
    }
    const fn is_time(self) -> bool {
        matches!(self, Self::Day | Self::Hour)
    }
}

/// The time that a report is about: half-open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// From this instant,
    pub from: Timestamp,
    /// until before this one.
    pub until: Timestamp,
}

/// A line's names, one a [`By`].
pub type Key = Vec<Name>;

/// What stands in a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// Energy of machines by settlement, and how their own words are known.
    pub machines: Sum,
    /// Energy by the machines' own words.
    pub said: Energy,
    /// Machine-seconds whose energy could not be settled: the revenue meter was silent.
    pub unsettled_s: u64,
    /// Hashes by the machines' own words, in units of 10⁹.
    pub hashes_gh: i128,
    /// How the machines' time went by.
    pub uptime: Uptime,
}

impl Cell {
    fn merge(&mut self, other: &Self) {
        self.machines.merge(&other.machines);
        self.said += other.said;
        self.unsettled_s += other.unsettled_s;
        self.hashes_gh += other.hashes_gh;
        self.uptime.merge(&other.uptime);
    }
}

/// Lines of a report at most.
pub const LINES_MAX: usize = 2_000_000;
/// The names of hours and days hold for so many seconds: offsets of time zones are multiples of it.
const STEP_S: u32 = 900;

fn joules(whole: i128) -> Energy {
    Energy::from_microjoules(whole * 1_000_000)
}

/// Why a report cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// A span that ends before it begins.
    #[error("the report would end at {until}, before it begins at {from}")]
    Backwards {
        /// Its beginning.
        from: Timestamp,
        /// Its end.
        until: Timestamp,
    },
    /// More lines than a report may have.
    #[error("the report would have more than {LINES_MAX} lines")]
    TooLong,
}

/// A report in the making.
#[derive(Clone, Debug)]
pub struct Report {
    by: Vec<By>,
    zone: TimeZone,
    span: Span,
    revenue_meter: String,
    cells: BTreeMap<Key, Cell>,
    /// What the revenue meter counted, by the time's names alone.
    whole: BTreeMap<Key, Sum>,
    /// What each metered circuit's own meter counted in all.
    circuits: BTreeMap<Name, Sum>,
    /// Names of hours and days by the quarter of an hour.
    times: BTreeMap<i64, (Name, Name)>,
    unknown: Name,
}

impl Report {
    /// A report over a span, with civil time of this zone and the whole by this meter.
    ///
    /// # Errors
    /// If the span ends before it begins.
    pub fn new(by: &[By], zone: TimeZone, span: Span, revenue_meter: &str) -> Result<Self, ReportError> {
        if span.until < span.from {
            return Err(ReportError::Backwards { from: span.from, until: span.until });
        }
        let mut by = by.to_vec();
        by.sort_unstable();
        by.dedup();
        Ok(Self {
            by,
            zone,
            span,
            revenue_meter: revenue_meter.to_owned(),
            cells: BTreeMap::new(),
            whole: BTreeMap::new(),
            circuits: BTreeMap::new(),
            times: BTreeMap::new(),
            unknown: Name::from("(not named)"),
        })
    }

    /// What the lines are by.
    #[must_use]
    pub fn by(&self) -> &[By] {
        &self.by
    }

    /// The time it is about.
    #[must_use]
    pub const fn span(&self) -> Span {
        self.span
    }

    fn holds(&self, start: Timestamp) -> bool {
        self.span.from <= start && start < self.span.until
    }

    fn time_names(&mut self, at: Timestamp) -> (Name, Name) {
        let zone = &self.zone;
        let names = self.times.entry(at.as_second().div_euclid(STEP_S.into())).or_insert_with(|| {
            let civil = jiff::ZonedDateTime::new(at, zone.clone());
            let text = |format: &str| Name::from(civil.strftime(format).to_string());
            (text("%Y-%m-%d"), text("%Y-%m-%dT%H:00%:z"))
        });
        names.clone()
    }

    /// The seconds within which no line's name changes: rows of a machine within a multiple of it may come as one run.
    #[must_use]
    pub fn step_s(&self) -> u32 {
        if self.by.iter().any(|by| by.is_time()) { STEP_S } else { 86_400 }
    }

    /// Takes rows of one machine in that do not cross a multiple of [`Report::step_s`].
    ///
    /// # Errors
    /// If the report would have more lines than it may.
    pub fn run(&mut self, run: &MachineRun) -> Result<(), ReportError> {
        if !self.holds(run.start) {
            return Ok(());
        }
        let (day, hour) = self.time_names(run.start);
        let name = |name: &Option<Name>| name.clone().unwrap_or_else(|| self.unknown.clone());
        let key = self.by.iter().map(|by| match by {
            By::Day => day.clone(),
            By::Hour => hour.clone(),
            By::Hall => name(&run.hall),
            By::Circuit => name(&run.circuit),
            By::Owner => name(&run.owner),
            By::Model => name(&run.model),
            By::Machine => name(&run.machine),
        });
        let key: Key = key.collect();
        if self.cells.len() >= LINES_MAX && !self.cells.contains_key(&key) {
            return Err(ReportError::TooLong);
        }
        let cell = self.cells.entry(key).or_default();
        cell.machines.merge(&Sum {
            energy: joules(run.billed_j),
            length_s: run.length_s,
            measured_s: run.measured_s,
            register_s: run.register_s,
            estimated_s: run.estimated_s,
            missing_s: run.missing_s(),
        });
        cell.unsettled_s += run.unsettled_s;
        cell.said += joules(run.energy_j);
        cell.hashes_gh += run.hashes_gh;
        for (doing, seconds) in Doing::ALL.into_iter().zip(run.seconds) {
            cell.uptime.add(doing, seconds);
        }
        Ok(())
    }

    /// Takes another report in, of the same lines, span and meter, made of other rows.
    ///
    /// # Errors
    /// If the report would have more lines than it may.
    pub fn merge(&mut self, other: Self) -> Result<(), ReportError> {
        for (key, cell) in other.cells {
            self.cells.entry(key).or_default().merge(&cell);
        }
        for (key, sum) in other.whole {
            self.whole.entry(key).or_default().merge(&sum);
        }
        for (circuit, sum) in other.circuits {
            self.circuits.entry(circuit).or_default().merge(&sum);
        }
        if self.cells.len() > LINES_MAX { Err(ReportError::TooLong) } else { Ok(()) }
    }

    /// Takes a meter's row in; rows below a minute are left out, since their minutes have them.
    pub fn meter(&mut self, row: &MeterRow) {
        if !self.holds(row.start) || row.length_s < 60 {
            return;
        }
        let of_circuit = self.circuits.entry(row.circuit.clone()).or_default();
        of_circuit.add(
            row.energy_j.map(Energy::from_joules),
            row.known,
            row.covered_s.into(),
            row.length_s.into(),
        );
        if *row.meter != *self.revenue_meter {
            return;
        }
        let (day, hour) = self.time_names(row.start);
        let key: Key = self
            .by
            .iter()
            .filter(|by| by.is_time())
            .map(|by| if *by == By::Day { day.clone() } else { hour.clone() })
            .collect();
        let sum = self.whole.entry(key).or_default();
        sum.add(row.energy_j.map(Energy::from_joules), row.known, row.covered_s.into(), row.length_s.into());
    }

    /// Gives hours and days of which only the meter has records a line of their own, in a report by time alone.
    pub fn complete(&mut self) {
        if self.is_by_time() {
            for key in self.whole.keys() {
                self.cells.entry(key.clone()).or_default();
            }
        }
    }

    /// The lines by machine, in their order.
    pub fn lines(&self) -> impl Iterator<Item = (&Key, &Cell)> {
        self.cells.iter()
    }

    /// What a line's own meter counted: the revenue meter in its hours or days, a hall's or circuit's meter in all. `None` where the
    /// line has no meter of its own or that has no records.
    #[must_use]
    pub fn metered(&self, key: &Key) -> Option<&Sum> {
        match (self.by.as_slice(), key.as_slice()) {
            ([By::Hall | By::Circuit], [name]) => self.circuits.get(name),
            _ if self.is_by_time() => self.whole.get(key),
            _ => None,
        }
    }

    /// Whether lines can have a meter of their own.
    #[must_use]
    pub fn is_metered(&self) -> bool {
        self.is_by_time() || matches!(self.by.as_slice(), [By::Hall | By::Circuit])
    }

    /// What the revenue meter counted in all. Time of which there is no row is missing.
    #[must_use]
    pub fn whole(&self) -> Sum {
        let mut sum = Sum::default();
        for part in self.whole.values() {
            sum.merge(part);
        }
        let length = self.span.from.duration_until(self.span.until).max(SignedDuration::ZERO).as_secs();
        let unrecorded = length.unsigned_abs().saturating_sub(sum.length_s);
        sum.add(None, Known::Missing, 0, unrecorded);
        sum
    }

    /// All machines together.
    #[must_use]
    pub fn machines(&self) -> Cell {
        let mut all = Cell::default();
        for cell in self.cells.values() {
            all.merge(cell);
        }
        all
    }

    /// What the revenue meter counted beyond the machines: house load, losses and what could not be attributed.
    #[must_use]
    pub fn rest(&self) -> Energy {
        self.whole().energy - self.machines().machines.energy
    }

    /// Whether the lines are by time alone, so that each has a whole of its own.
    #[must_use]
    pub fn is_by_time(&self) -> bool {
        !self.by.is_empty() && self.by.iter().all(|by| by.is_time())
    }
}
