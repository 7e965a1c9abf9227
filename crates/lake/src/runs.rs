//! Machine rows added up while they are read, column by column: for sums over much of the lake.
//!
//! A file's row groups can be read side by side; each is a [`Stretch`]. Rows of one machine that follow one another
//! come as one [`MachineRun`]: in a merged file, which is sorted by machine and time, a quarter of an hour's or a whole day's.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use offpeak_rows::{Known, MachineRun, Name};

use crate::block::{Block, DAY_MS, NONE, Values};
use crate::error::LakeError;
use crate::files::{Blocks, row_groups};
use crate::layout;
use crate::names::Names;
use crate::table::Table;

/// What is wanted of the rows beside their time. Columns that nobody asks for are not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The machine's name.
    Machine,
    /// The owner's.
    Owner,
    /// The hall's.
    Hall,
    /// The model's.
    Model,
    /// The circuit's.
    Circuit,
    /// Energies, and how they are known.
    Energy,
    /// Hashes.
    Hashes,
    /// Seconds by what the machine did.
    Seconds,
}

impl Asked {
    const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Machine => &["machine"],
            Self::Owner => &["owner"],
            Self::Hall => &["hall"],
            Self::Model => &["model"],
            Self::Circuit => &["circuit"],
            Self::Energy => &["length_s", "covered_s", "energy_j", "billed_j", "known"],
            Self::Hashes => &["hashes_gh"],
            Self::Seconds => &SECONDS,
        }
    }
}

/// In the order of [`MachineRun::seconds`].
const SECONDS: [&str; 9] = [
    "hashing_s",
    "starting_s",
    "outside_hours_s",
    "ordered_s",
    "price_s",
    "fault_s",
    "unreachable_s",
    "maintenance_s",
    "no_data_s",
];
/// The names that tell runs apart.
const NAMES: [&str; 5] = ["machine", "owner", "hall", "model", "circuit"];

/// A part of the table `machine` that can be read alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    path: PathBuf,
    group: usize,
}

/// The parts of the table `machine` that may have something from `from` until before `until`.
///
/// # Errors
/// If a folder or a file's end cannot be read.
pub fn stretches(dir: &Path, from: Timestamp, until: Timestamp) -> Result<Vec<Stretch>, LakeError> {
    found(dir, None, from, until)
}

/// Those of them that may have something of this machine.
///
/// # Errors
/// As [`stretches`].
pub fn stretches_of(
    dir: &Path,
    machine: &str,
    from: Timestamp,
    until: Timestamp,
) -> Result<Vec<Stretch>, LakeError> {
    found(dir, Some(machine), from, until)
}

fn found(
    dir: &Path,
    machine: Option<&str>,
    from: Timestamp,
    until: Timestamp,
) -> Result<Vec<Stretch>, LakeError> {
    let (from, until) = (from.as_millisecond(), until.as_millisecond());
    let mut found = Vec::new();
    for (date, _) in layout::days(dir, Table::Machine)? {
        let begins = layout::day_of(date) * DAY_MS;
        if begins >= until || begins + DAY_MS <= from {
            continue;
        }
        for file in layout::day_files(dir, Table::Machine, date)? {
            let groups = row_groups(&file.path, Table::Machine, &(from..until), machine)?;
            found.extend(groups.into_iter().map(|group| Stretch { path: file.path.clone(), group }));
        }
    }
    Ok(found)
}

impl Stretch {
    /// Hands over the rows from `from` until before `until` as runs of one machine, none across a multiple of `step_s` seconds.
    ///
    /// # Errors
    /// If the file cannot be read, is gone ([`LakeError::is_gone`]: list again) or is not of the lake.
    ///
    /// # Panics
    /// If the step is zero.
    pub fn runs(
        &self,
        asked: &[Asked],
        from: Timestamp,
        until: Timestamp,
        step_s: u32,
        mut each: impl FnMut(&MachineRun),
    ) -> Result<(), LakeError> {
        assert!(step_s > 0, "runs of no time");
        let mut columns = vec!["start"];
        for column in asked.iter().flat_map(|asked| asked.columns()) {
            columns.push(*column);
        }
        let mut names = Names::default();
        let mut blocks = Blocks::open_group(&self.path, Table::Machine, &columns, self.group)?;
        let step_ms = i64::from(step_s) * 1_000;
        let wanted = from.as_millisecond()..until.as_millisecond();
        while let Some(block) = blocks.take(&mut names)? {
            let columns = Columns::of(&block);
            let mut row = 0;
            while row < columns.times.len() {
                let end = columns.end_of_run(row, step_ms, &wanted);
                if wanted.contains(&columns.times[row]) {
                    let run = columns.run(row..end, &names);
                    each(&run.ok_or_else(|| LakeError::Foreign {
                        path: self.path.clone(),
                        what: format!("row {row} of a batch lacks what every row has"),
                    })?);
                }
                row = end;
            }
        }
        Ok(())
    }
}

/// A block's columns by what they are; those that were not read are empty.
struct Columns<'a> {
    times: &'a [i64],
    names: [&'a [u32]; 5],
    lengths: &'a [u32],
    covered: &'a [u32],
    energy: &'a [i64],
    billed: &'a [i64],
    known: &'a [u8],
    hashes: &'a [i64],
    seconds: [&'a [u32]; 9],
}

impl<'a> Columns<'a> {
    fn of(block: &'a Block) -> Self {
        let column = |name: &str| {
            let place = Table::Machine.columns().iter().position(|column| column.name == name);
            &block.columns[place.expect("the table has this column")]
        };
        let longs = |name| match column(name) {
            Values::Longs(values) => values.as_slice(),
            _ => &[],
        };
        let ints = |name| match column(name) {
            Values::Ints(values) => values.as_slice(),
            _ => &[],
        };
        Self {
            times: longs("start"),
            names: NAMES.map(|name| match column(name) {
                Values::Names(values) => values.as_slice(),
                _ => &[],
            }),
            lengths: ints("length_s"),
            covered: ints("covered_s"),
            energy: longs("energy_j"),
            billed: longs("billed_j"),
            known: match column("known") {
                Values::Words(values) => values,
                _ => &[],
            },
            hashes: longs("hashes_gh"),
            seconds: SECONDS.map(ints),
        }
    }

    /// The row after the last that goes with this one. No run has rows both in the wanted time and outside it.
    fn end_of_run(&self, row: usize, step_ms: i64, wanted: &core::ops::Range<i64>) -> usize {
        let first = self.times[row];
        let step_ends = (first.div_euclid(step_ms) + 1) * step_ms;
        let bounds = [wanted.start, wanted.end].into_iter().filter(|bound| first < *bound);
        let ends = bounds.fold(step_ends, i64::min);
        let goes_with = |other: &usize| {
            let at = self.times[*other];
            first <= at && at < ends && self.names.iter().all(|of| of.is_empty() || of[*other] == of[row])
        };
        (row + 1..self.times.len()).find(|other| !goes_with(other)).unwrap_or(self.times.len())
    }

    /// The rows added up; `None` if one of them holds what no row holds.
    fn run(&self, rows: core::ops::Range<usize>, names: &Names) -> Option<MachineRun> {
        let name = |place: usize| -> Option<Name> { names.get(*self.names[place].get(rows.start)?).cloned() };
        let mut run = MachineRun {
            machine: name(0),
            owner: name(1),
            hall: name(2),
            model: name(3),
            circuit: name(4),
            start: Timestamp::from_millisecond(self.times[rows.start]).ok()?,
            ..MachineRun::default()
        };
        let some = |value: i64| (value != NONE).then_some(value);
        if !self.billed.is_empty() {
            for row in rows.clone() {
                run.add_energy(
                    some(self.energy[row]),
                    some(self.billed[row]),
                    Known::at(self.known[row])?,
                    self.covered[row],
                    self.lengths[row],
                );
            }
        }
        if !self.hashes.is_empty() {
            let hashes = self.hashes[rows.clone()].iter().filter_map(|value| some(*value));
            run.hashes_gh = hashes.map(i128::from).sum();
        }
        for (sum, values) in run.seconds.iter_mut().zip(self.seconds) {
            *sum = values.get(rows.clone()).unwrap_or_default().iter().map(|value| u64::from(*value)).sum();
        }
        Some(run)
    }
}
