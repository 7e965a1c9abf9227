//! Whether the meter agrees with what machines say they did. The commands on a metered circuit that
//! are under way together are one batch; once the last has ended and the meter has settled, its change is held
//! against theirs.
//!
//! Not here: whether a single machine obeyed (`reconcile`), and any consequence: a verdict is a record.

use core::fmt;

use jiff::{SignedDuration, Timestamp};
use offpeak_site::{Action, CircuitIx, MachineIx, Site};
use offpeak_units::Power;

use crate::frame::Frame;
use crate::limits;
use crate::load::{CircuitLoad, Loads};
use crate::memory::{Memory, is_increase};
use crate::reconcile::{CommandState, Settled, Transition, sooner};

/// What machines draw, in parts of the catalogue's watts, where the meter has not shown it yet: the cold of a
/// winter night to an old machine in summer.
const CATALOGUE_RANGE: [f64; 2] = [0.85, 1.05];
/// How far single machines of a model are apart, as a share of their watts; it averages out.
const SPREAD: f64 = 0.10;

/// The commands under way on one metered circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batch {
    since: Timestamp,
    /// The meter when the first was issued.
    before: Power,
    /// What running machines then drew, in parts per million of the catalogue's watts.
    catalogue_ppm: Option<i64>,
    /// By how much the load changes at least and at most, if the machines say the truth.
    least: Power,
    most: Power,
    /// All that moved, up or down.
    moved: Power,
    /// The largest machine of it: one more or less may change by itself meanwhile, unheard.
    largest: Power,
    commands: u32,
    confirmed: u32,
    open: u32,
    settles_at: Timestamp,
}

/// What the meter makes of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MeterSays {
    /// It moved as the machines say.
    Agrees,
    /// It moved otherwise.
    Disagrees,
    /// It cannot tell: the batch is within its noise, it was silent, or too much went on for too long. The
    /// machines' word stands alone.
    MachineOnly,
}

impl fmt::Display for MeterSays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Agrees => "agrees",
            Self::Disagrees => "disagrees",
            Self::MachineOnly => "machine only",
        })
    }
}

/// A batch that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchVerdict {
    /// The metered circuit.
    pub circuit: CircuitIx,
    /// When the first command was issued.
    pub since: Timestamp,
    /// When the meter was asked.
    pub until: Timestamp,
    /// How many commands.
    pub commands: u32,
    /// Of these, confirmed by the machines.
    pub confirmed: u32,
    /// The least change that the machines' words come to; negative for a fall.
    pub least: Power,
    /// The most.
    pub most: Power,
    /// The meter's change; `None` if it is silent.
    pub measured: Option<Power>,
    /// How far the meter may be off that and still agree.
    pub tolerance: Power,
    /// What the meter makes of it.
    pub says: MeterSays,
}

impl Batch {
    fn new(at: Timestamp, before: Power, load: &CircuitLoad) -> Self {
        Self {
            since: at,
            before,
            catalogue_ppm: load.catalogue_ppm(),
            least: Power::ZERO,
            // What was on its way up goes on rising.
            most: load.pending(),
            moved: Power::ZERO,
            largest: Power::ZERO,
            commands: 0,
            confirmed: 0,
            open: 0,
            settles_at: at,
        }
    }

    /// Takes in a command's change of state. `full` is what the machine draws beyond sleep.
    fn take(&mut self, transition: &Transition, full: Power, settles: SignedDuration) {
        if matches!(transition.action, Action::SetMode(_)) {
            return self.take_mode(transition, full, settles);
        }
        let increase = is_increase(transition.action);
        let wait = if increase { settles } else { limits::METER_SETTLES };
        self.settles_at = self.settles_at.max(transition.at + wait);
        // Of a machine that was still ramping nobody knows how much the meter held.
        let certain = if increase || !transition.relief.is_zero() { full } else { Power::ZERO };
        let (certain, possible) = match transition.state {
            CommandState::Issued => {
                self.commands += 1;
                self.open += 1;
                return;
            }
            CommandState::Accepted => return,
            CommandState::Confirmed => (certain, full),
            CommandState::Refused(_) => (Power::ZERO, Power::ZERO),
            // Nobody can say whether it was done.
            CommandState::Unanswered(_) | CommandState::TimedOut | CommandState::Superseded => {
                (Power::ZERO, full)
            }
        };
        self.open = self.open.saturating_sub(1);
        self.confirmed += u32::from(transition.state == CommandState::Confirmed);
        self.moved += certain;
        self.largest = self.largest.max(full);
        let [low, high] = match self.catalogue_ppm {
            Some(ppm) if !increase => [ppm as f64 / 1e6; 2],
            _ => CATALOGUE_RANGE,
        };
        if increase {
            self.least += certain.scale(low);
            self.most += possible.scale(high);
        } else {
            self.least -= possible.scale(high);
            self.most -= certain.scale(low);
        }
    }

    /// One that takes another mode restarts for it, so nothing is said of what the meter makes of it.
    fn take_mode(&mut self, transition: &Transition, full: Power, settles: SignedDuration) {
        self.settles_at = self.settles_at.max(transition.at + settles);
        match transition.state {
            CommandState::Issued => {
                self.commands += 1;
                self.open += 1;
                self.least -= full;
                self.most += full;
            }
            CommandState::Accepted => {}
            _ => {
                self.open = self.open.saturating_sub(1);
                self.confirmed += u32::from(transition.state == CommandState::Confirmed);
            }
        }
    }

    fn judge(&self, circuit: CircuitIx, memory: &Memory, site: &Site, now: Timestamp) -> BatchVerdict {
        let filter = site.circuits.get(circuit).meter.map(|meter| &memory.meters[meter.ix()]);
        let fresh = filter
            .filter(|filter| filter.at().is_some_and(|at| at.duration_until(now) <= limits::METER_STALE));
        let after = fresh.and_then(|filter| filter.power());
        let measured = after.map(|after| after - self.before);
        let noise = fresh.map_or(Power::ZERO, |filter| {
            filter.uncertainty(self.before) + filter.uncertainty(after.unwrap_or(Power::ZERO))
        });
        #[expect(clippy::cast_precision_loss, reason = "minutes")]
        let minutes = self.since.duration_until(now).as_secs().max(0) as f64 / 60.0;
        // What stays on drifts with the weather: about a tenth of a percent in ten minutes.
        let drift = self.before.max(after.unwrap_or(Power::ZERO)).scale(0.001 * (minutes / 10.0).max(1.0));
        let spread = self.moved.scale(SPREAD / f64::from(self.confirmed.max(1)).sqrt());
        let tolerance = spread + self.largest + noise + drift;
        let says = match measured {
            Some(measured) if self.open == 0 && tolerance * 2 < self.moved => {
                let fits = measured >= self.least - tolerance && measured <= self.most + tolerance;
                if fits { MeterSays::Agrees } else { MeterSays::Disagrees }
            }
            _ => MeterSays::MachineOnly,
        };
        BatchVerdict {
            circuit,
            since: self.since,
            until: now,
            commands: self.commands,
            confirmed: self.confirmed,
            least: self.least,
            most: self.most,
            measured,
            tolerance,
            says,
        }
    }
}

/// Takes in this cycle's changes, and judges the batches that have ended. Also when the next one ends.
pub(crate) fn follow(
    site: &Site,
    frame: &Frame,
    now: Timestamp,
    settled: &Settled,
    issued: &[Transition],
    loads: &Loads,
    memory: &mut Memory,
) -> (Vec<BatchVerdict>, Option<Timestamp>) {
    for transition in settled.transitions.iter().chain(issued) {
        let (full, settles) = moves(frame, transition.machine);
        for circuit in metered_path(site, frame, transition.machine) {
            let batch = match &mut memory.batches[circuit.ix()] {
                Some(batch) => batch,
                // The end of a command whose batch was judged while it was open says nothing more.
                None if transition.state != CommandState::Issued => continue,
                none => {
                    let meter = site.circuits.get(circuit).meter.expect("the path is metered");
                    let Some(before) = memory.meters[meter.ix()].power() else { continue };
                    none.insert(Batch::new(now, before, loads.circuit(circuit)))
                }
            };
            batch.take(transition, full, settles);
        }
    }
    for machine in &settled.surprised {
        let (full, _) = moves(frame, *machine);
        for circuit in metered_path(site, frame, *machine) {
            if let Some(batch) = &mut memory.batches[circuit.ix()] {
                batch.least -= full;
                batch.most += full;
            }
        }
    }
    let (mut verdicts, mut next) = (Vec::new(), None);
    for (ix, circuit) in site.circuits.iter() {
        let Some(batch) = memory.batches[ix.ix()].filter(|_| circuit.meter.is_some()) else { continue };
        let too_long = batch.since + limits::BATCH_MAX;
        let ends_at = if batch.open == 0 { batch.settles_at.min(too_long) } else { too_long };
        if now >= ends_at {
            verdicts.push(batch.judge(ix, memory, site, now));
            memory.batches[ix.ix()] = None;
        } else {
            next = sooner(next, Some(ends_at));
        }
    }
    (verdicts, next)
}

/// What a machine draws beyond sleep, and how long after a start until the meter holds it.
fn moves(frame: &Frame, machine: MachineIx) -> (Power, SignedDuration) {
    let rated = frame.rated(frame.places()[machine.ix()].model);
    (rated.normal - rated.sleep, rated.settles_from_start + limits::METER_SETTLES)
}

/// The metered circuits on a machine's way to the grid.
fn metered_path<'a>(
    site: &'a Site,
    frame: &Frame,
    machine: MachineIx,
) -> impl Iterator<Item = CircuitIx> + use<'a> {
    let circuit = frame.places()[machine.ix()].circuit;
    site.circuits.path(circuit).filter(|ix| site.circuits.get(*ix).meter.is_some())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use offpeak_site::{Activity, Outcome};

    use super::*;
    use crate::snapshot::Returned;
    use crate::testing::{MACHINE_W, SLEEP_W, memory, monday, says, site, snapshot};
    use crate::{Controller, Directives, Stop};

    /// Thirty machines are stopped and say that they sleep; the meter falls by this many machines' watts.
    fn stopped(fallen: i64) -> BatchVerdict {
        let site = Arc::new(site());
        let mut snapshot = snapshot(monday(3_600), 30);
        let mut controller = Controller::new(Arc::clone(&site), memory(&site, &snapshot));
        let stop = Stop { circuit: CircuitIx::ROOT, at: snapshot.at, reason: "test".into() };
        snapshot.directives = Directives { stops: vec![stop], ..Directives::default() };
        let before = snapshot.meters[0].unwrap().power;
        for second in 0..120 {
            let cycle = controller.cycle(&snapshot);
            if let Some(verdict) = cycle.batches.first() {
                return *verdict;
            }
            snapshot.at += SignedDuration::from_secs(1);
            let accepted = |command: &crate::Command| Returned {
                machine: command.machine,
                generation: command.generation,
                outcome: Outcome::Accepted,
            };
            snapshot.returned = cycle.commands.iter().map(accepted).collect();
            for seen in &mut snapshot.machines {
                *seen = says(snapshot.at, if second > 5 { Activity::Asleep } else { Activity::Hashing });
            }
            for seen in &mut snapshot.machines[30..] {
                *seen = says(snapshot.at, Activity::Asleep);
            }
            let meter = snapshot.meters[0].as_mut().unwrap();
            meter.at = snapshot.at;
            let fall = Power::from_watts(fallen * (MACHINE_W - SLEEP_W));
            meter.power = before - if second > 5 { fall } else { Power::ZERO };
        }
        panic!("no verdict in two minutes");
    }

    #[test]
    fn the_meter_agrees_with_machines_that_did_as_they_say() {
        let verdict = stopped(30);
        assert_eq!((verdict.says, verdict.commands, verdict.confirmed), (MeterSays::Agrees, 30, 30));
        assert_eq!(verdict.measured, Some(Power::from_watts(-30 * (MACHINE_W - SLEEP_W))));
        assert_eq!((verdict.least, verdict.most), (verdict.measured.unwrap(), verdict.measured.unwrap()));
    }

    #[test]
    fn the_meter_disagrees_with_machines_that_only_say_so() {
        assert_eq!(stopped(24).says, MeterSays::Disagrees);
        assert_eq!(stopped(0).says, MeterSays::Disagrees);
    }

    #[test]
    fn one_machine_among_many_is_within_the_noise() {
        let site = site();
        let mut memory = memory(&site, &snapshot(monday(3_600), 39));
        let mut batch = Batch::new(monday(3_600), Power::from_watts(39 * MACHINE_W), &CircuitLoad::default());
        batch.moved = Power::from_watts(100);
        memory.batches[0] = Some(batch);
        let verdict = batch.judge(CircuitIx::ROOT, &memory, &site, monday(3_601));
        assert_eq!(verdict.says, MeterSays::MachineOnly);
    }
}
