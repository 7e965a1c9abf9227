//! Minutes become rows.

use jiff::Timestamp;
use offpeak_rows::{Downtime, Known, MachineRow, MachineState, MeterRow, Name};
use offpeak_site::MeterReading;
use offpeak_units::{Energy, Hashes, Power, Temperature};

use super::instant;
use super::names::Names;
use crate::MINUTE_S;
use crate::machine::MachineMinute;
use crate::meter::{MeterMinute, RULE_BOTH_ENDS};

/// Minutes of a quarter of an hour.
const QUARTER: i64 = 15;

pub(super) fn meter(minute: &MeterMinute, names: &Names, place: usize) -> MeterRow {
    let (id, circuit) = &names.meters[place];
    let energy_j = minute.energy.map(Energy::to_joules);
    let mean =
        energy_j.filter(|_| minute.known_s > 0).map(|joules| joules * 1_000 / i64::from(minute.known_s));
    let estimated = minute.known == Known::Estimated;
    MeterRow {
        site: names.site.clone(),
        meter: id.clone(),
        circuit: circuit.clone(),
        start: minute.start,
        length_s: MINUTE_S as u32,
        covered_s: minute.known_s,
        energy_j,
        register_j: minute.register.map(Energy::to_joules),
        power_mean_mw: mean,
        power_min_mw: minute.power_min.map(Power::to_milliwatts),
        power_max_mw: minute.power_max.map(Power::to_milliwatts),
        known: minute.known,
        rule: estimated.then(|| names.rules.get(RULE_BOTH_ENDS).cloned()).flatten(),
    }
}

/// A meter's minute as it was recorded.
pub(super) fn meter_minute(row: &MeterRow) -> MeterMinute {
    MeterMinute {
        start: row.start,
        known_s: row.covered_s,
        energy: row.energy_j.map(Energy::from_joules),
        register: row.register_j.map(Energy::from_joules),
        power_min: row.power_min_mw.map(Power::from_milliwatts),
        power_max: row.power_max_mw.map(Power::from_milliwatts),
        known: row.known,
    }
}

pub(super) fn machine(
    place: usize,
    first: i64,
    minutes: u32,
    minute: &MachineMinute,
    billed: Option<Energy>,
    names: &Names,
) -> MachineRow {
    let known = &names.machines[place];
    let tenths = |t: Temperature| i16::try_from(t.to_millicelsius() / 100).ok();
    let giga = |hashes: Hashes| i64::try_from(hashes.to_count() / 1_000_000_000).ok();
    MachineRow {
        site: names.site.clone(),
        machine: known.machine.clone(),
        owner: known.owner.clone(),
        hall: known.hall.clone(),
        model: known.model.clone(),
        circuit: known.circuit.clone(),
        start: instant(first),
        length_s: minutes * MINUTE_S as u32,
        covered_s: minute.known_s,
        energy_j: minute.energy.map(Energy::to_joules),
        billed_j: billed.map(Energy::to_joules),
        hashes_gh: minute.hashes.and_then(giga),
        mode: minute.mode,
        state: minute.state,
        hashing_s: minute.hashing_s,
        starting_s: minute.starting_s,
        down: minute.down,
        chip_max_dc: minute.chip_max.and_then(tenths),
        inlet_dc: None,
        known: minute.known,
        rule: minute.rule.and_then(|rule| names.rules.get(rule).cloned()),
    }
}

/// The revenue meter's seconds, by its power.
#[derive(Debug, Default)]
pub(super) struct Second {
    last: Option<i64>,
    /// Millijoules below a joule, carried on.
    left: i64,
}

impl Second {
    /// A reading's second, unless there is a row of it already.
    pub(super) fn row(&mut self, reading: &MeterReading, names: &Names, place: usize) -> Option<MeterRow> {
        let second = reading.at.as_second();
        if self.last.is_some_and(|last| second <= last) {
            return None;
        }
        self.last = Some(second);
        let millijoules = reading.power.to_milliwatts() + self.left;
        let joules = millijoules.div_euclid(1_000);
        self.left = millijoules - joules * 1_000;
        let (id, circuit): &(Name, Name) = &names.meters[place];
        let power = Some(reading.power.to_milliwatts());
        Some(MeterRow {
            site: names.site.clone(),
            meter: id.clone(),
            circuit: circuit.clone(),
            start: Timestamp::from_second(second).ok()?,
            length_s: 1,
            covered_s: 1,
            energy_j: Some(joules),
            register_j: reading.energy.map(Energy::to_joules),
            power_mean_mw: power,
            power_min_mw: power,
            power_max_mw: power,
            known: Known::Measured,
            rule: None,
        })
    }
}

/// Sleepers by the quarter of an hour: a machine that did nothing else for fifteen minutes has one row of them.
#[derive(Debug)]
pub(super) struct Quarter {
    runs: Vec<Run>,
}

/// Minutes of one machine that are all alike but for their joules.
#[derive(Debug, Default)]
struct Run {
    start: i64,
    /// The first of them, with the hottest chip of all.
    like: Option<MachineMinute>,
    /// Joules by its own word, and billed.
    joules: Vec<(Option<i64>, Option<i64>)>,
}

impl Quarter {
    pub(super) fn new(machines: usize) -> Self {
        Self { runs: (0..machines).map(|_| Run::default()).collect() }
    }

    pub(super) fn add(
        &mut self,
        place: usize,
        minute: i64,
        new: &MachineMinute,
        billed: Option<Energy>,
        names: &Names,
        out: &mut Vec<MachineRow>,
    ) {
        let run = &mut self.runs[place];
        let follows = run.start + run.joules.len() as i64 == minute
            && run.joules.last().is_some_and(|(_, before)| before.is_some() == billed.is_some())
            && run.like.as_ref().is_some_and(|like| alike(like, new));
        if !follows {
            run.write(place, names, out);
        }
        if !sleeps(new) || (run.like.is_none() && minute % QUARTER != 0) {
            out.push(machine(place, minute, 1, new, billed, names));
            return;
        }
        match &mut run.like {
            Some(like) => like.chip_max = like.chip_max.max(new.chip_max),
            None => (run.start, run.like) = (minute, Some(*new)),
        }
        run.joules.push((new.energy.map(Energy::to_joules), billed.map(Energy::to_joules)));
        if run.joules.len() as i64 == QUARTER {
            run.write(place, names, out);
        }
    }

    pub(super) fn flush(&mut self, names: &Names, out: &mut Vec<MachineRow>) {
        for (place, run) in self.runs.iter_mut().enumerate() {
            run.write(place, names, out);
        }
    }
}

impl Run {
    /// As one row where it is whole, as minutes where it was broken off.
    fn write(&mut self, place: usize, names: &Names, out: &mut Vec<MachineRow>) {
        let Some(like) = self.like.take() else { return };
        let energy = |joules: Option<i64>| joules.map(Energy::from_joules);
        if self.joules.len() as i64 == QUARTER {
            let said = self.joules.iter().map(|(said, _)| *said).sum::<Option<i64>>();
            let billed = self.joules.iter().map(|(_, billed)| *billed).sum::<Option<i64>>();
            let whole = times(&like, QUARTER as u32, energy(said));
            out.push(machine(place, self.start, QUARTER as u32, &whole, energy(billed), names));
        } else {
            for (after, (said, billed)) in self.joules.iter().enumerate() {
                let minute = MachineMinute { energy: energy(*said), ..like };
                out.push(machine(place, self.start + after as i64, 1, &minute, energy(*billed), names));
            }
        }
        self.joules.clear();
    }
}

fn sleeps(minute: &MachineMinute) -> bool {
    matches!(minute.state, MachineState::Asleep | MachineState::Off)
        && i64::from(minute.known_s) == MINUTE_S
        && minute.hashes.is_none()
        && minute.hashing_s == 0
}

fn alike(a: &MachineMinute, b: &MachineMinute) -> bool {
    let look = |m: &MachineMinute| (m.state, m.mode, m.known, m.rule, m.down, m.starting_s);
    look(a) == look(b) && sleeps(b)
}

/// So many minutes like this one, with this energy.
fn times(minute: &MachineMinute, times: u32, energy: Option<Energy>) -> MachineMinute {
    let down = minute.down;
    MachineMinute {
        known_s: minute.known_s * times,
        energy,
        starting_s: minute.starting_s * times,
        down: Downtime {
            outside_hours_s: down.outside_hours_s * times,
            ordered_s: down.ordered_s * times,
            price_s: down.price_s * times,
            fault_s: down.fault_s * times,
            unreachable_s: down.unreachable_s * times,
            maintenance_s: down.maintenance_s * times,
            no_data_s: down.no_data_s * times,
        },
        ..*minute
    }
}
