//! How each kind of row becomes columns and comes back from them.

use offpeak_rows::{
    CommandRow, Downtime, Known, MachineMode, MachineRow, MachineState, MeterRow, Name, RowError, SignalRow,
};

use crate::block::{Filler, Taker};
use crate::table::Table;

/// A row's key within its table and day.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Key<'a> {
    /// One row for each length and start.
    Interval { site: &'a Name, of: &'a Name, length_s: u32, start_s: i64 },
    /// One row for each instant of each thing.
    Event { site: &'a Name, of: &'a Name, by: &'a Name, number: u64, at_ms: i64 },
}

/// A row of the lake.
pub trait Record: Sized + Sealed {
    /// The table it goes to.
    #[doc(hidden)]
    fn table(&self) -> Table;
    /// Whether it keeps to the rules.
    #[doc(hidden)]
    fn judge(&self) -> Result<(), RowError>;
    /// Whether rows of this kind stand in a table.
    #[doc(hidden)]
    fn stands_in(table: Table) -> bool;
}

/// What only this crate does with rows.
pub trait Sealed: Sized {
    #[doc(hidden)]
    #[expect(private_interfaces, reason = "the trait is sealed: only this crate calls it")]
    fn key(&self) -> Key<'_>;
    #[doc(hidden)]
    #[expect(private_interfaces, reason = "the trait is sealed: only this crate calls it")]
    fn fill(&self, to: &mut Filler<'_>);
    #[doc(hidden)]
    #[expect(private_interfaces, reason = "the trait is sealed: only this crate calls it")]
    fn take(from: &mut Taker<'_>) -> Option<Self>;
}

impl Record for MeterRow {
    fn table(&self) -> Table {
        if self.length_s < 60 { Table::MeterSecond } else { Table::Meter }
    }
    fn judge(&self) -> Result<(), RowError> {
        self.judge()
    }
    fn stands_in(table: Table) -> bool {
        matches!(table, Table::Meter | Table::MeterSecond)
    }
}

#[expect(private_interfaces, reason = "the trait is sealed: only this crate calls it")]
impl Sealed for MeterRow {
    fn key(&self) -> Key<'_> {
        let start_s = self.start.as_second();
        Key::Interval { site: &self.site, of: &self.meter, length_s: self.length_s, start_s }
    }
    fn fill(&self, to: &mut Filler<'_>) {
        to.name(Some(&self.site));
        to.name(Some(&self.meter));
        to.name(Some(&self.circuit));
        to.time(Some(self.start));
        to.seconds(self.length_s);
        to.seconds(self.covered_s);
        to.long(self.energy_j);
        to.long(self.register_j);
        to.long(self.power_mean_mw);
        to.long(self.power_min_mw);
        to.long(self.power_max_mw);
        to.word(Some(self.known.place()));
        to.name(self.rule.as_ref());
    }
    fn take(from: &mut Taker<'_>) -> Option<Self> {
        Some(Self {
            site: from.name()?,
            meter: from.name()?,
            circuit: from.name()?,
            start: from.time()?,
            length_s: from.seconds()?,
            covered_s: from.seconds()?,
            energy_j: from.long(),
            register_j: from.long(),
            power_mean_mw: from.long(),
            power_min_mw: from.long(),
            power_max_mw: from.long(),
            known: Known::at(from.word()?)?,
            rule: from.name(),
        })
    }
}

impl Record for MachineRow {
    fn table(&self) -> Table {
        Table::Machine
    }
    fn judge(&self) -> Result<(), RowError> {
        self.judge()
    }
    fn stands_in(table: Table) -> bool {
        table == Table::Machine
    }
}

#[expect(private_interfaces, reason = "the trait is sealed: only this crate calls it")]
impl Sealed for MachineRow {
    fn key(&self) -> Key<'_> {
        let start_s = self.start.as_second();
        Key::Interval { site: &self.site, of: &self.machine, length_s: self.length_s, start_s }
    }
    fn fill(&self, to: &mut Filler<'_>) {
        to.name(Some(&self.site));
        to.name(Some(&self.machine));
        to.name(self.owner.as_ref());
        to.name(Some(&self.hall));
        to.name(Some(&self.model));
        to.name(Some(&self.circuit));
        to.time(Some(self.start));
        to.seconds(self.length_s);
        to.seconds(self.covered_s);
        to.long(self.energy_j);
        to.long(self.billed_j);
        to.long(self.hashes_gh);
        to.word(self.mode.map(MachineMode::place));
        to.word(Some(self.state.place()));
        to.seconds(self.hashing_s);
        to.seconds(self.starting_s);
        to.seconds(self.down.outside_hours_s);
        to.seconds(self.down.ordered_s);
        to.seconds(self.down.price_s);
        to.seconds(self.down.fault_s);
        to.seconds(self.down.unreachable_s);
        to.seconds(self.down.maintenance_s);
        to.seconds(self.down.no_data_s);
        to.tenths(self.chip_max_dc);
        to.tenths(self.inlet_dc);
        to.word(Some(self.known.place()));
        to.name(self.rule.as_ref());
    }
    fn take(from: &mut Taker<'_>) -> Option<Self> {
        Some(Self {
            site: from.name()?,
            machine: from.name()?,
            owner: from.name(),
            hall: from.name()?,
            model: from.name()?,
            circuit: from.name()?,
            start: from.time()?,
            length_s: from.seconds()?,
            covered_s: from.seconds()?,
            energy_j: from.long(),
            billed_j: from.long(),
            hashes_gh: from.long(),
            mode: from.word().and_then(MachineMode::at),
            state: MachineState::at(from.word()?)?,
            hashing_s: from.seconds()?,
            starting_s: from.seconds()?,
            down: Downtime {
                outside_hours_s: from.seconds()?,
                ordered_s: from.seconds()?,
                price_s: from.seconds()?,
                fault_s: from.seconds()?,
                unreachable_s: from.seconds()?,
                maintenance_s: from.seconds()?,
                no_data_s: from.seconds()?,
            },
            chip_max_dc: from.tenths(),
            inlet_dc: from.tenths(),
            known: Known::at(from.word()?)?,
            rule: from.name(),
        })
    }
}

impl Record for CommandRow {
    fn table(&self) -> Table {
        Table::Command
    }
    fn judge(&self) -> Result<(), RowError> {
        self.judge()
    }
    fn stands_in(table: Table) -> bool {
        table == Table::Command
    }
}

#[expect(private_interfaces, reason = "the trait is sealed: only this crate calls it")]
impl Sealed for CommandRow {
    fn key(&self) -> Key<'_> {
        let at_ms = self.at.as_millisecond();
        let (of, by) = (&self.state, &self.machine);
        Key::Event { site: &self.site, of, by, number: self.generation, at_ms }
    }
    fn fill(&self, to: &mut Filler<'_>) {
        to.name(Some(&self.site));
        to.long(Some(self.generation.cast_signed()));
        to.name(Some(&self.machine));
        to.name(Some(&self.hall));
        to.name(Some(&self.action));
        to.time(Some(self.at));
        to.name(Some(&self.state));
        to.name(self.detail.as_ref());
    }
    fn take(from: &mut Taker<'_>) -> Option<Self> {
        Some(Self {
            site: from.name()?,
            generation: from.long()?.cast_unsigned(),
            machine: from.name()?,
            hall: from.name()?,
            action: from.name()?,
            at: from.time()?,
            state: from.name()?,
            detail: from.name(),
        })
    }
}

impl Record for SignalRow {
    fn table(&self) -> Table {
        Table::Signal
    }
    fn judge(&self) -> Result<(), RowError> {
        self.judge()
    }
    fn stands_in(table: Table) -> bool {
        table == Table::Signal
    }
}

#[expect(private_interfaces, reason = "the trait is sealed: only this crate calls it")]
impl Sealed for SignalRow {
    fn key(&self) -> Key<'_> {
        let at_ms = self.at.as_millisecond();
        let (of, by) = (&self.id, &self.source);
        Key::Event { site: &self.site, of, by, number: 0, at_ms }
    }
    fn fill(&self, to: &mut Filler<'_>) {
        to.name(Some(&self.site));
        to.name(Some(&self.source));
        to.name(Some(&self.id));
        to.time(Some(self.at));
        to.name(Some(&self.kind));
        to.name(self.circuit.as_ref());
        to.long(self.limit_mw);
        to.time(self.from);
        to.time(self.until);
        to.name(self.text.as_ref());
    }
    fn take(from: &mut Taker<'_>) -> Option<Self> {
        Some(Self {
            site: from.name()?,
            source: from.name()?,
            id: from.name()?,
            at: from.time()?,
            kind: from.name()?,
            circuit: from.name(),
            limit_mw: from.long(),
            from: from.time(),
            until: from.time(),
            text: from.name(),
        })
    }
}
