//! What each circuit draws and may come to draw: the meter where there is one, and what the meter
//! cannot hold yet; the machines' credible watts where there is none.

use jiff::Timestamp;
use offpeak_site::{Activity, Authority, CircuitIx, MachineIx, MeterIx, Site};
use offpeak_units::Power;

use crate::correction;
use crate::frame::{Frame, Place, Rated};
use crate::limits;
use crate::memory::{MachineMemory, Memory};
use crate::meter_filter::MeterFilter;
use crate::snapshot::{Seen, Snapshot};
use crate::standing::{Standing, standing};

/// One circuit's load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CircuitLoad {
    /// The meter's steady power; `None` without a meter or while it is silent.
    pub measured: Option<Power>,
    /// The mean of the meter's last few readings.
    recent: Option<Power>,
    /// The most it may come to draw with nothing started or stopped: what a start is judged by.
    pub upper: Power,
    /// What it will come down to with the reductions in flight: what a shed is judged by.
    pub expected: Power,
    /// What would remain with everything asleep that can be put to sleep: sleepers, fans and lights, and machines
    /// that are on and that nothing stops.
    pub floor: Power,
    /// What meters have shown its machines to draw, in parts per million of the catalogue's watts.
    pub corrected_ppm: Option<i64>,
    /// Of the machines directly on it.
    direct: Sums,
    /// Of the fans on it; they have no tolerance.
    fans: Fans,
    /// How many those are.
    machines: u32,
    /// Of the whole subtree.
    total: Sums,
    /// What it was known to come to at most when its last starts were let in; see [`Memory::admitted`].
    admitted: Option<Power>,
    /// What it was to come down to when its last reductions were ordered; see [`Memory::promised`].
    promised: Option<Power>,
    /// Its load by the machines and the circuits below, before its own meter is asked.
    upper_below: Power,
    expected_below: Power,
}

/// What fans add.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Fans {
    credible: Power,
    pending: Power,
}

/// What adds up along the tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sums {
    /// What machines on their way up may add to the meter: their full power, since nobody knows how
    /// much of it the meter already holds.
    pending: Power,
    /// What of that the meter cannot hold yet, however fast their ramps are.
    certain: Power,
    /// The largest of the machines of which nothing has been heard for long. One of them may restart at
    /// any time without anybody's knowing why the meter falls, and come back.
    unheard: Power,
    /// What the meter will certainly fall by.
    falling: Power,
    /// The credible watts, and those of machines on their way down.
    credible: Power,
    credible_falling: Power,
    /// What remains when all sleep.
    floor: Power,
    /// What those add that are on and that nothing stops.
    stubborn: Power,
    /// What machines draw that are neither on their way nor unknown.
    settled: Power,
    /// Of that, those that run.
    running: Power,
    /// What those may draw of which nothing is known.
    unknown: Power,
    /// Fans, lights and the like.
    stays: Power,
}

impl CircuitLoad {
    /// Sets the two judged loads from the meter, or from what lies below where it says nothing.
    fn judge(&mut self, meter: Option<&MeterFilter>) {
        self.measured = meter.and_then(MeterFilter::power);
        self.recent = meter.and_then(MeterFilter::recent);
        let (pending, falling) = (self.total.pending, self.total.falling);
        let may_come = pending + self.total.unheard;
        // The meter goes before the sum of words below it.
        self.upper = self
            .measured
            .map_or(self.upper_below, |steady| (steady + may_come).min(self.upper_below).max(steady));
        self.expected = self.measured.map_or(self.expected_below, |steady| {
            let in_flight = (steady - falling).max((self.coming(steady) - falling).min(self.expected_below));
            self.promised.map_or(in_flight, |promised| in_flight.max(promised.min(steady)))
        });
    }
    /// What to remember as promised when reductions of this much more are ordered now.
    pub(crate) fn promise(&self, ordered: Power) -> Option<Power> {
        if ordered.is_zero() { self.promised } else { self.measured.map(|_| self.expected - ordered) }
    }
    /// The most that the present load can grow to. A machine on its way up stands twice in the meter and
    /// the pending sum; what was admitted counts it once. It gives way to the meter where that shows more
    /// than was admitted: then something rises of which no machine tells.
    fn coming(&self, steady: Power) -> Power {
        let pending = steady + self.total.pending;
        let shown = self.recent.unwrap_or(steady) + self.total.certain;
        self.admitted.map_or(pending, |admitted| pending.min(admitted.max(shown)))
    }
    /// What the machines that run draw by the meter, in parts per million of the catalogue's watts: inlet
    /// temperature and age move them all alike. `None` where hardly any run.
    pub(crate) fn catalogue_ppm(&self) -> Option<i64> {
        let by_catalogue = (self.total.credible - self.total.floor).to_watts();
        let by_meter = (self.measured? - self.total.floor).to_watts();
        (by_catalogue > 0 && by_catalogue >= self.total.floor.to_watts())
            .then(|| (by_meter * 1_000_000 / by_catalogue).clamp(800_000, 1_100_000))
    }
    /// What the machines that run draw by the meter, in parts per million of the catalogue's watts, if those of which
    /// nothing is known draw nothing. `None` while hardly any run, or more than a twentieth is on its way or not known.
    pub(crate) fn running_ppm(&self) -> Option<i64> {
        let Sums { pending, falling, running, unknown, settled, stays, floor, .. } = self.total;
        let by_meter = (self.measured? - stays - (settled - running)).to_watts();
        // What is on its way or not known counts as nothing, which makes the others' part larger.
        let is_known = running >= floor && (unknown + pending + falling) * 20 <= running;
        (is_known && running.to_watts() > 0).then(|| by_meter * 1_000_000 / running.to_watts())
    }
    /// How many machines hang directly on it.
    pub(crate) const fn machines(&self) -> u32 {
        self.machines
    }
    /// What the machines below draw by their words, those on their way left out.
    pub(crate) const fn settled(&self) -> Power {
        self.total.settled
    }
    /// What the fans on it may be drawing.
    pub(crate) const fn fans(&self) -> Power {
        self.fans.credible
    }
    /// How much may still come up without any further command.
    pub(crate) const fn pending(&self) -> Power {
        self.total.pending
    }
    /// The bound to remember when this much more is started on it now.
    pub(crate) fn admit(&self, started: Power) -> Option<Power> {
        self.measured.map(|measured| self.coming(measured) + started)
    }
}

/// The loads of all circuits, and how each machine stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loads {
    /// One element a circuit.
    pub circuits: Vec<CircuitLoad>,
    /// One element a machine.
    pub standings: Vec<Standing>,
    /// One element a machine: what it draws awake, or may come to draw.
    pub(crate) awake: Vec<Power>,
    /// One element a machine: what it draws awake at the least, which is what a stop of it is counted on for.
    pub(crate) relieves: Vec<Power>,
    /// What of a machine's catalogue watts a reduction is counted on for, in parts per million.
    pub relief_ppm: i64,
}

/// A cool mine draws less than its catalogue says, so a machine put to sleep relieves it of less; but no
/// meter is to make a reduction seem larger than the catalogue does, nor hardly any.
const RELIEF_PPM: core::ops::RangeInclusive<i64> = 900_000..=1_000_000;

/// The relative error of a sum of catalogue watts: 3 % common to all (inlet temperature) and 6 % a
/// machine, which averages out.
pub(crate) fn tolerance(machines: u32) -> f64 {
    0.03 + 0.06 / f64::from(machines.max(1)).sqrt()
}

/// What a machine draws awake: in the mode that it says while it runs; else what it may come to, by the mode that
/// it says, by the one it was told, and at the least by its normal one.
fn awake(
    rated: &Rated,
    standing: Standing,
    seen: &Seen,
    remembered: &MachineMemory,
    now: Timestamp,
) -> Power {
    let said = rated.in_mode(seen.reading.and_then(|reading| reading.mode));
    match standing {
        Standing::Running | Standing::Falling => said,
        Standing::Unknown => rated.most,
        Standing::Cut | Standing::Asleep | Standing::Rising | Standing::Failed => {
            let told = remembered.mode_under_way(now).map_or(Power::ZERO, |mode| rated.in_mode(Some(mode)));
            said.max(rated.normal).max(told)
        }
    }
}

/// The most a machine may be drawing, as far as we know.
fn credible(rated: &Rated, standing: Standing, awake: Power) -> Power {
    match standing {
        Standing::Cut => Power::ZERO,
        Standing::Asleep => rated.sleep,
        Standing::Running | Standing::Rising | Standing::Falling | Standing::Failed => awake,
        Standing::Unknown => rated.most,
    }
}

impl Loads {
    /// Adds everything up.
    #[must_use]
    pub fn new(site: &Site, frame: &Frame, snapshot: &Snapshot, memory: &Memory) -> Self {
        let now = snapshot.at;
        let stale_before = now - limits::READING_STALE;
        let mut circuits = vec![CircuitLoad::default(); site.circuits.len()];
        let mut standings = Vec::with_capacity(site.machines.len());
        let mut all_awake = Vec::with_capacity(site.machines.len());
        let mut relieves = Vec::with_capacity(site.machines.len());
        let machines = frame.places().iter().zip(&snapshot.machines).zip(&memory.machines);
        for ((place, seen), remembered) in machines {
            let rated = frame.rated(place.model);
            let standing = standing(seen, remembered, now, stale_before);
            standings.push(standing);
            let load = &mut circuits[place.circuit.ix()];
            let awake = awake(rated, standing, seen, remembered, now);
            all_awake.push(awake);
            relieves.push(rated.at_least(seen.reading.and_then(|reading| reading.mode)));
            let credible = credible(rated, standing, awake);
            load.machines += 1;
            load.direct.credible += credible;
            match standing {
                Standing::Rising => {
                    load.direct.pending += credible;
                    load.direct.certain += not_metered(rated, remembered, now);
                }
                Standing::Falling => {
                    load.direct.falling +=
                        remembered.outstanding.map_or(Power::ZERO, |command| command.relief);
                    load.direct.credible_falling += credible;
                }
                Standing::Unknown if may_return(seen, now) => load.direct.pending += credible,
                Standing::Unknown => load.direct.unheard = load.direct.unheard.max(credible),
                _ => {}
            }
            if is_stubborn(place, remembered, standing) {
                load.direct.stubborn += awake - rated.sleep;
            }
            load.direct.settled += match standing {
                Standing::Running | Standing::Falling => awake,
                Standing::Asleep => rated.sleep,
                _ => Power::ZERO,
            };
            load.direct.running += if standing == Standing::Running { awake } else { Power::ZERO };
            load.direct.unknown += if standing == Standing::Unknown { credible } else { Power::ZERO };
            load.direct.floor += if standing == Standing::Cut { Power::ZERO } else { rated.sleep };
        }
        for (ix, fans) in site.fans() {
            let seen = crate::fans::fresh(snapshot, ix);
            let load = crate::fans::load(fans, seen, &memory.fans[ix.ix()], now);
            let direct = &mut circuits[fans.circuit.ix()].fans;
            direct.credible += load.credible;
            direct.pending += load.pending;
        }
        let mut loads =
            Self { circuits, standings, awake: all_awake, relieves, relief_ppm: *RELIEF_PPM.start() };
        loads.add_up(site, memory, now);
        let connection = loads.circuit(CircuitIx::ROOT);
        let fresh = connection.catalogue_ppm().unwrap_or(0).clamp(*RELIEF_PPM.start(), *RELIEF_PPM.end());
        // While something falls the meter and the catalogue are not to be compared.
        let under_way = memory.relief_ppm.filter(|_| !connection.total.falling.is_zero());
        loads.relief_ppm = under_way.unwrap_or(fresh);
        loads
    }

    /// Adds the machines' values up the tree, from the leaves.
    fn add_up(&mut self, site: &Site, memory: &Memory, now: Timestamp) {
        let known = correction::known(site, memory);
        for (load, known) in self.circuits.iter_mut().zip(known) {
            load.total = load.direct;
            load.corrected_ppm = known;
            let with_tolerance = correction::at_most(known, load.machines);
            load.upper_below = load.direct.credible.scale(with_tolerance);
            load.expected_below = (load.direct.credible - load.direct.credible_falling).scale(with_tolerance);
        }
        for (ix, circuit) in site.circuits.iter().rev() {
            let load = &mut self.circuits[ix.ix()];
            // Fans go off long after the machines, so they count like what never does.
            let stays = circuit.base_load + load.fans.credible;
            load.total.credible += stays;
            load.total.stays += stays;
            load.total.pending += load.fans.pending;
            load.upper_below += stays;
            load.expected_below += stays;
            load.total.floor += stays;
            load.floor = load.total.floor + load.total.stubborn;
            load.admitted = memory.admitted[ix.ix()];
            load.promised = memory.promised[ix.ix()].filter(|_| !load.total.falling.is_zero());
            load.judge(circuit.meter.and_then(|meter| fresh(memory, meter, now)));
            let (total, upper, expected) = (load.total, load.upper, load.expected);
            if let Some(parent) = circuit.parent {
                let up = &mut self.circuits[parent.ix()];
                up.total.credible += total.credible;
                up.total.pending += total.pending;
                up.total.certain += total.certain;
                up.total.unheard = up.total.unheard.max(total.unheard);
                up.total.falling += total.falling;
                up.total.floor += total.floor;
                up.total.stubborn += total.stubborn;
                up.total.settled += total.settled;
                up.total.running += total.running;
                up.total.unknown += total.unknown;
                up.total.stays += total.stays;
                up.upper_below += upper;
                up.expected_below += expected;
            }
        }
    }

    /// Takes the meters' present values into account, where nothing else has changed: all that a
    /// quiet second needs. `metered` lists every circuit that has a meter at it or below it,
    /// children before parents.
    pub(crate) fn refresh(&mut self, site: &Site, memory: &Memory, metered: &[CircuitIx], now: Timestamp) {
        for ix in metered {
            let circuit = site.circuits.get(*ix);
            let load = &mut self.circuits[ix.ix()];
            let (upper, expected) = (load.upper, load.expected);
            load.judge(circuit.meter.and_then(|meter| fresh(memory, meter, now)));
            let (upper, expected) = (load.upper - upper, load.expected - expected);
            if let Some(parent) = circuit.parent {
                let up = &mut self.circuits[parent.ix()];
                up.upper_below += upper;
                up.expected_below += expected;
            }
        }
    }

    /// What the meter will certainly fall by when a machine that runs is put to sleep, which then draws this.
    #[must_use]
    pub(crate) fn relief(&self, machine: MachineIx, sleep: Power) -> Power {
        (self.relieves[machine.ix()] - sleep).scale(self.relief_ppm as f64 / 1e6)
    }
    /// What a start of a machine adds at most, with the tolerance of a single one.
    #[must_use]
    pub(crate) fn need(&self, machine: MachineIx, sleep: Power) -> Power {
        Rated::with_tolerance(self.awake[machine.ix()]) - sleep
    }
    /// One circuit's load.
    #[must_use]
    pub fn circuit(&self, circuit: CircuitIx) -> &CircuitLoad {
        &self.circuits[circuit.ix()]
    }
}

/// What is known of a meter, unless it is silent.
fn fresh(memory: &Memory, meter: MeterIx, now: Timestamp) -> Option<&MeterFilter> {
    let filter = &memory.meters[meter.ix()];
    let is_fresh = filter.at().is_some_and(|at| at.duration_until(now) <= limits::METER_STALE);
    (is_fresh && !memory.frozen[meter.ix()].is_stuck(now)).then_some(filter)
}

/// Whether a machine is on and nothing that we can do stops it.
pub(crate) fn is_stubborn(place: &Place, remembered: &MachineMemory, standing: Standing) -> bool {
    let is_on = matches!(standing, Standing::Running | Standing::Rising | Standing::Failed);
    let ours = place.authority == Authority::Control && place.commandable;
    is_on && (!ours || (remembered.disobeys && !place.has_outlet))
}

/// What of a rising machine the meter cannot hold yet, if its ramp is as fast as they come. It only
/// falls as time passes, so that a quiet second may be judged by an older one.
fn not_metered(rated: &Rated, remembered: &MachineMemory, now: Timestamp) -> Power {
    // One that restarts for another mode was in what was admitted before.
    if remembered.mode_under_way(now).is_some() {
        return Power::ZERO;
    }
    let full = rated.most - rated.sleep;
    let Some(since) = remembered.hashing_since else {
        return if remembered.activity == Some(Activity::Hashing) { Power::ZERO } else { full };
    };
    let ramped = (since.duration_until(now) + limits::POLL_SLOW).as_millis() as f64;
    full.scale((1.0 - ramped / rated.ramp_fastest.as_millis().max(1) as f64).max(0.0))
}

/// Whether a machine that fell silent while it was on may come back by itself any moment.
pub(crate) fn may_return(seen: &Seen, now: Timestamp) -> bool {
    let was_on = seen
        .reading
        .is_some_and(|reading| matches!(reading.activity, Activity::Hashing | Activity::Starting));
    let recent = seen.trouble.is_none_or(|(_, since)| since.duration_until(now) <= limits::RETURN_HORIZON);
    was_on && recent
}
