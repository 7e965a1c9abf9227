//! Rows by column, as the lake holds them between a hand-over and a file.

use crate::names::{NO_NAME, Names};
use crate::table::{Kind, Table};

/// Stands for "not known" in a column of whole numbers; no row may hold it as a value.
pub(crate) const NONE: i64 = i64::MIN;
/// The same in a column of words.
pub(crate) const NO_WORD: u8 = u8::MAX;
/// The same in a column of tenths.
pub(crate) const NO_TENTHS: i16 = i16::MIN;

/// One column's values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Values {
    /// Numbers of names.
    Names(Vec<u32>),
    /// Places of words.
    Words(Vec<u8>),
    /// Instants in milliseconds, whole numbers.
    Longs(Vec<i64>),
    /// Seconds.
    Ints(Vec<u32>),
    /// Tenths.
    Shorts(Vec<i16>),
}

/// Does the same to whichever vector there is.
macro_rules! each {
    ($values:expr, $vec:ident => $what:expr) => {
        match $values {
            Values::Names($vec) => $what,
            Values::Words($vec) => $what,
            Values::Longs($vec) => $what,
            Values::Ints($vec) => $what,
            Values::Shorts($vec) => $what,
        }
    };
}

impl Values {
    pub(crate) fn of_kind(kind: Kind) -> Self {
        match kind {
            Kind::Name => Self::Names(Vec::new()),
            Kind::Word(_) => Self::Words(Vec::new()),
            Kind::Time | Kind::Whole => Self::Longs(Vec::new()),
            Kind::Seconds => Self::Ints(Vec::new()),
            Kind::Tenths => Self::Shorts(Vec::new()),
        }
    }
    pub(crate) fn len(&self) -> usize {
        each!(self, vec => vec.len())
    }
    fn truncate(&mut self, rows: usize) {
        each!(self, vec => vec.truncate(rows));
    }
    /// As a whole number; `None` where it is not known.
    pub(crate) fn long(&self, row: usize) -> Option<i64> {
        match self {
            Self::Names(vec) => (vec[row] != NO_NAME).then(|| i64::from(vec[row])),
            Self::Words(vec) => (vec[row] != NO_WORD).then(|| i64::from(vec[row])),
            Self::Longs(vec) => (vec[row] != NONE).then(|| vec[row]),
            Self::Ints(vec) => Some(i64::from(vec[row])),
            Self::Shorts(vec) => (vec[row] != NO_TENTHS).then(|| i64::from(vec[row])),
        }
    }
    /// Adds a whole number, or nothing known. Says whether the column can hold it.
    pub(crate) fn push_long(&mut self, value: Option<i64>) -> bool {
        fn push<T>(vec: &mut Vec<T>, value: Option<T>) -> bool {
            let taken = value.is_some();
            vec.extend(value);
            taken
        }
        match self {
            Self::Names(vec) => push(vec, value.map_or(Some(NO_NAME), |value| u32::try_from(value).ok())),
            Self::Words(vec) => push(vec, value.map_or(Some(NO_WORD), |value| u8::try_from(value).ok())),
            Self::Longs(vec) => push(vec, Some(value.unwrap_or(NONE))),
            Self::Ints(vec) => push(vec, value.and_then(|value| u32::try_from(value).ok())),
            Self::Shorts(vec) => push(vec, value.map_or(Some(NO_TENTHS), |value| i16::try_from(value).ok())),
        }
    }
    /// Adds chosen rows of another column of the same kind.
    fn gather(&mut self, from: &Self, rows: &[u32]) {
        match (self, from) {
            (Self::Names(to), Self::Names(from)) => to.extend(rows.iter().map(|row| from[*row as usize])),
            (Self::Words(to), Self::Words(from)) => to.extend(rows.iter().map(|row| from[*row as usize])),
            (Self::Longs(to), Self::Longs(from)) => to.extend(rows.iter().map(|row| from[*row as usize])),
            (Self::Ints(to), Self::Ints(from)) => to.extend(rows.iter().map(|row| from[*row as usize])),
            (Self::Shorts(to), Self::Shorts(from)) => to.extend(rows.iter().map(|row| from[*row as usize])),
            _ => unreachable!("blocks of one table have columns of the same kinds"),
        }
    }
}

/// Rows of one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) table: Table,
    pub(crate) columns: Vec<Values>,
}

impl Block {
    pub(crate) fn new(table: Table) -> Self {
        let columns = table.columns().iter().map(|column| Values::of_kind(column.kind)).collect();
        Self { table, columns }
    }
    pub(crate) fn len(&self) -> usize {
        self.columns[0].len()
    }
    pub(crate) fn truncate(&mut self, rows: usize) {
        for column in &mut self.columns {
            column.truncate(rows);
        }
    }
    /// A row's time in milliseconds.
    pub(crate) fn time_ms(&self, row: usize) -> i64 {
        match &self.columns[self.table.time()] {
            Values::Longs(times) => times[row],
            _ => unreachable!("the time column holds longs"),
        }
    }
    pub(crate) fn name(&self, column: usize, row: usize) -> u32 {
        match &self.columns[column] {
            Values::Names(names) => names[row],
            _ => unreachable!("a key column holds names"),
        }
    }
    /// Adds chosen rows of another block of the same table and the same names.
    pub(crate) fn gather(&mut self, from: &Self, rows: &[u32]) {
        for (to, from) in self.columns.iter_mut().zip(&from.columns) {
            to.gather(from, rows);
        }
    }
    /// The rows in the order of a file: by day, then by the table's key names, then by time. Stable.
    pub(crate) fn order(&self, ranks: &[u32]) -> Vec<u32> {
        let rank = |number: u32| ranks.get(number as usize).map_or(0, |rank| u64::from(*rank) + 1);
        let keys = self.table.sorted_by();
        let mut order: Vec<(i64, u64, i64, u32)> = (0..self.len())
            .map(|row| {
                let key = keys.iter().fold(0, |key, column| key << 32 | rank(self.name(*column, row)));
                let time = self.time_ms(row);
                (time.div_euclid(DAY_MS), key, time, row as u32)
            })
            .collect();
        order.sort_unstable();
        order.into_iter().map(|(_, _, _, row)| row).collect()
    }
}

/// A day in milliseconds.
pub(crate) const DAY_MS: i64 = 86_400_000;

/// Fills a block row by row, column by column in the table's order.
pub(crate) struct Filler<'a> {
    block: &'a mut Block,
    names: &'a mut Names,
    last: &'a mut Vec<Option<(offpeak_rows::Name, u32)>>,
    column: usize,
}

impl<'a> Filler<'a> {
    /// `last` is what this filler may remember from row to row.
    pub(crate) fn new(
        block: &'a mut Block,
        names: &'a mut Names,
        last: &'a mut Vec<Option<(offpeak_rows::Name, u32)>>,
    ) -> Self {
        last.resize(block.columns.len(), None);
        Self { block, names, last, column: 0 }
    }
    pub(crate) fn begin(&mut self) {
        self.column = 0;
    }
    fn next(&mut self) -> &mut Values {
        self.column += 1;
        &mut self.block.columns[self.column - 1]
    }
    pub(crate) fn name(&mut self, name: Option<&offpeak_rows::Name>) {
        let number = match (name, &self.last[self.column]) {
            (None, _) => NO_NAME,
            // Rows that follow one another are mostly of the same hall, owner and model.
            (Some(name), Some((last, number))) if std::sync::Arc::ptr_eq(name, last) => *number,
            (Some(name), _) => {
                let number = self.names.number(name);
                self.last[self.column] = Some((offpeak_rows::Name::clone(name), number));
                number
            }
        };
        if let Values::Names(vec) = self.next() {
            vec.push(number);
        }
    }
    pub(crate) fn word(&mut self, place: Option<u8>) {
        if let Values::Words(vec) = self.next() {
            vec.push(place.unwrap_or(NO_WORD));
        }
    }
    pub(crate) fn long(&mut self, value: Option<i64>) {
        if let Values::Longs(vec) = self.next() {
            vec.push(value.unwrap_or(NONE));
        }
    }
    pub(crate) fn time(&mut self, at: Option<jiff::Timestamp>) {
        self.long(at.map(jiff::Timestamp::as_millisecond));
    }
    pub(crate) fn seconds(&mut self, seconds: u32) {
        if let Values::Ints(vec) = self.next() {
            vec.push(seconds);
        }
    }
    pub(crate) fn tenths(&mut self, tenths: Option<i16>) {
        if let Values::Shorts(vec) = self.next() {
            vec.push(tenths.unwrap_or(NO_TENTHS));
        }
    }
}

/// Reads one row of a block, column by column in the table's order.
pub(crate) struct Taker<'a> {
    block: &'a Block,
    names: &'a Names,
    row: usize,
    column: usize,
}

impl<'a> Taker<'a> {
    pub(crate) fn new(block: &'a Block, names: &'a Names, row: usize) -> Self {
        Self { block, names, row, column: 0 }
    }
    pub(crate) fn long(&mut self) -> Option<i64> {
        self.column += 1;
        self.block.columns[self.column - 1].long(self.row)
    }
    pub(crate) fn name(&mut self) -> Option<offpeak_rows::Name> {
        self.long().and_then(|number| self.names.get(number as u32)).cloned()
    }
    pub(crate) fn word(&mut self) -> Option<u8> {
        self.long().map(|place| place as u8)
    }
    pub(crate) fn time(&mut self) -> Option<jiff::Timestamp> {
        self.long().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok())
    }
    pub(crate) fn seconds(&mut self) -> Option<u32> {
        self.long().map(|seconds| seconds as u32)
    }
    pub(crate) fn tenths(&mut self) -> Option<i16> {
        self.long().map(|tenths| tenths as i16)
    }
}
