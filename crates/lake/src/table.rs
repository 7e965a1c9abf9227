//! The tables: their columns, in the order in which journal and files hold them.
//!
//! A column, once released, keeps its place and kind; new ones come at the end and are `NULL` in older files.

use core::fmt;

use offpeak_rows::{Known, MachineMode, MachineState};

/// A table of the lake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Meter intervals of a minute or more; kept for good.
    Meter,
    /// Meter intervals below a minute: the revenue meter's seconds.
    MeterSecond,
    /// Machine intervals.
    Machine,
    /// Changes of commands.
    Command,
    /// Orders, prices and limits as they came in.
    Signal,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A text, one of few.
    Name,
    /// A word of a fixed list.
    Word(&'static [&'static str]),
    /// An instant in milliseconds.
    Time,
    /// A whole number.
    Whole,
    /// Whole seconds, 32 bits.
    Seconds,
    /// Tenths of a degree, 16 bits.
    Tenths,
}

/// A column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// Whether it may be `NULL`.
    pub(crate) nullable: bool,
}

const fn must(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, nullable: false }
}

const fn may(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, nullable: true }
}

const METER: &[Column] = &[
    must("site", Kind::Name),
    must("meter", Kind::Name),
    must("circuit", Kind::Name),
    must("start", Kind::Time),
    must("length_s", Kind::Seconds),
    must("covered_s", Kind::Seconds),
    may("energy_j", Kind::Whole),
    may("register_j", Kind::Whole),
    may("power_mean_mw", Kind::Whole),
    may("power_min_mw", Kind::Whole),
    may("power_max_mw", Kind::Whole),
    must("known", Kind::Word(Known::WORDS)),
    may("rule", Kind::Name),
];

const MACHINE: &[Column] = &[
    must("site", Kind::Name),
    must("machine", Kind::Name),
    may("owner", Kind::Name),
    must("hall", Kind::Name),
    must("model", Kind::Name),
    must("circuit", Kind::Name),
    must("start", Kind::Time),
    must("length_s", Kind::Seconds),
    must("covered_s", Kind::Seconds),
    may("energy_j", Kind::Whole),
    may("billed_j", Kind::Whole),
    may("hashes_gh", Kind::Whole),
    may("mode", Kind::Word(MachineMode::WORDS)),
    must("state", Kind::Word(MachineState::WORDS)),
    must("hashing_s", Kind::Seconds),
    must("starting_s", Kind::Seconds),
    must("outside_hours_s", Kind::Seconds),
    must("ordered_s", Kind::Seconds),
    must("price_s", Kind::Seconds),
    must("fault_s", Kind::Seconds),
    must("unreachable_s", Kind::Seconds),
    must("maintenance_s", Kind::Seconds),
    must("no_data_s", Kind::Seconds),
    may("chip_max_dc", Kind::Tenths),
    may("inlet_dc", Kind::Tenths),
    must("known", Kind::Word(Known::WORDS)),
    may("rule", Kind::Name),
];

const COMMAND: &[Column] = &[
    must("site", Kind::Name),
    must("generation", Kind::Whole),
    must("machine", Kind::Name),
    must("hall", Kind::Name),
    must("action", Kind::Name),
    must("at", Kind::Time),
    must("state", Kind::Name),
    may("detail", Kind::Name),
];

const SIGNAL: &[Column] = &[
    must("site", Kind::Name),
    must("source", Kind::Name),
    must("id", Kind::Name),
    must("at", Kind::Time),
    must("kind", Kind::Name),
    may("circuit", Kind::Name),
    may("limit_mw", Kind::Whole),
    may("from", Kind::Time),
    may("until", Kind::Time),
    may("text", Kind::Name),
];

impl Table {
    /// All.
    pub const ALL: [Self; 5] = [Self::Meter, Self::MeterSecond, Self::Machine, Self::Command, Self::Signal];

    /// Its name: the folder, and the word in SQL.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Meter => "meter",
            Self::MeterSecond => "meter_1s",
            Self::Machine => "machine",
            Self::Command => "command",
            Self::Signal => "signal",
        }
    }

    /// What it holds, in a sentence.
    #[must_use]
    pub const fn about(self) -> &'static str {
        match self {
            Self::Meter => "what each meter counted in each minute",
            Self::MeterSecond => "what the revenue meter counted in each second",
            Self::Machine => "what each machine did in each minute",
            Self::Command => "each command's changes of state",
            Self::Signal => "orders, prices and limits as they came in",
        }
    }

    /// Its number in the journal.
    pub(crate) const fn number(self) -> u8 {
        self as u8
    }

    /// By its number in the journal.
    pub(crate) fn of_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// By its name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|table| table.name() == name)
    }

    /// The name of the column with the row's time.
    #[must_use]
    pub fn time_column(self) -> &'static str {
        self.columns()[self.time()].name
    }

    /// Whether it is raw data, which goes first for want of room.
    #[must_use]
    pub const fn is_raw(self) -> bool {
        matches!(self, Self::MeterSecond | Self::Machine)
    }

    pub(crate) const fn columns(self) -> &'static [Column] {
        match self {
            Self::Meter | Self::MeterSecond => METER,
            Self::Machine => MACHINE,
            Self::Command => COMMAND,
            Self::Signal => SIGNAL,
        }
    }

    /// The columns that a file is sorted by, before the time: places of names.
    pub(crate) const fn sorted_by(self) -> &'static [usize] {
        match self {
            Self::Meter | Self::MeterSecond | Self::Signal => &[1],
            Self::Machine => &[2, 1],
            Self::Command => &[2],
        }
    }

    /// The columns that a row's key is made of.
    pub(crate) const fn key_columns(self) -> &'static [&'static str] {
        match self {
            Self::Meter | Self::MeterSecond => &["site", "meter", "start", "length_s"],
            Self::Machine => &["site", "machine", "start", "length_s"],
            Self::Command => &["site", "generation", "machine", "at", "state"],
            Self::Signal => &["site", "source", "id", "at"],
        }
    }

    /// The column with the row's time.
    pub(crate) const fn time(self) -> usize {
        match self {
            Self::Meter | Self::MeterSecond | Self::Signal => 3,
            Self::Machine => 6,
            Self::Command => 5,
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_point_to_columns_of_the_kind_they_are_meant_for() {
        for table in Table::ALL {
            assert_eq!(Table::of_number(table.number()), Some(table));
            assert_eq!(Table::of_name(table.name()), Some(table));
            assert_eq!(table.columns()[table.time()].kind, Kind::Time, "{table}");
            assert!(!table.columns()[table.time()].nullable, "{table}");
            for place in table.sorted_by() {
                assert_eq!(table.columns()[*place].kind, Kind::Name, "{table}");
            }
        }
    }
}
