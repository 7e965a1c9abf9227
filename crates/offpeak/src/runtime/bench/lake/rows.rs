//! Rows of the twin's simulation.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use offpeak_rows::{Downtime, Known, MachineMode, MachineRow, MachineState, Name};
use offpeak_site::{Activity, MachineIx, ModeName, Site};
use offpeak_twin::{Pace, Scenario, Simulation};

/// Minutes of a day.
pub(super) const MINUTES: usize = 1_440;
/// Machines of one owner: every fifty-fifth.
const OWNERS: usize = 55;

/// The day that is simulated: Monday 3 October 2022, UTC.
pub(super) fn start() -> Timestamp {
    Timestamp::from_second(1_664_755_200).expect("in range")
}

/// The name of an owner.
pub(super) fn owner_of(place: usize) -> String {
    format!("customer-{:02}", place % OWNERS)
}

/// What of a machine does not change within the day.
struct Fixed {
    machine: Name,
    owner: Name,
    hall: Name,
    model: Name,
    circuit: Name,
    /// Tells circuits apart in the noise.
    circuit_seed: u64,
}

/// All machines of a site.
pub(super) struct Fleet {
    site: Name,
    machines: Vec<Fixed>,
}

impl Fleet {
    pub(super) fn of(site: &Site) -> Self {
        let circuits: Vec<Name> =
            site.circuits.iter().map(|(_, circuit)| Name::from(circuit.id.as_str())).collect();
        let models: Vec<Name> = site.models.iter().map(|model| Name::from(model.name.as_str())).collect();
        let owners: Vec<Name> = (0..OWNERS).map(|place| Name::from(owner_of(place))).collect();
        let machines = site.machines().map(|(ix, machine)| {
            let hall = site.circuits.hall_of(machine.circuit).unwrap_or(machine.circuit);
            Fixed {
                machine: Name::from(machine.id.as_str()),
                owner: Name::clone(&owners[ix.ix() % OWNERS]),
                hall: Name::clone(&circuits[hall.ix()]),
                model: Name::clone(&models[machine.model.0 as usize]),
                circuit: Name::clone(&circuits[machine.circuit.ix()]),
                circuit_seed: noise(machine.circuit.ix() as u64),
            }
        });
        Self { site: Name::from(site.id.as_str()), machines: machines.collect() }
    }

    pub(super) fn len(&self) -> usize {
        self.machines.len()
    }
}

/// What a machine said in a minute, as short as it goes.
#[derive(Clone, Copy)]
struct Word {
    watts: u16,
    gigahashes: u32,
    /// Tenths of a degree; `None` for a machine that does not answer.
    chip_dc: Option<i16>,
    inlet_dc: i16,
    activity: Option<Activity>,
}

/// SplitMix64 (Steele, Lea and Flood 2014) as a hash: the noise of a machine-minute.
fn noise(seed: u64) -> u64 {
    let mut z = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A value with up to so many per mille of noise, from 16 of the bits.
fn shaken(value: i64, per_mille: i64, bits: u64) -> i64 {
    value + value * per_mille * ((bits & 0xFFFF) as i64 - 0x8000) / (0x8000 * 1_000)
}

fn row(fleet: &Fleet, place: usize, start: Timestamp, word: Word) -> MachineRow {
    let fixed = &fleet.machines[place];
    let bits = noise(start.as_second() as u64 ^ ((place as u64) << 40));
    let known = if word.activity.is_some() { Known::Measured } else { Known::Missing };
    let hashing = word.activity == Some(Activity::Hashing);
    let energy_j = word.activity.map(|_| shaken(i64::from(word.watts) * 60, 10, bits));
    let (state, mut down) = (state_of(word.activity), Downtime::default());
    match word.activity {
        Some(Activity::Asleep) => down.outside_hours_s = 60,
        Some(Activity::Failed) => down.fault_s = 60,
        None => down.unreachable_s = 60,
        Some(Activity::Hashing | Activity::Starting) => {}
    }
    MachineRow {
        site: Name::clone(&fleet.site),
        machine: Name::clone(&fixed.machine),
        owner: Some(Name::clone(&fixed.owner)),
        hall: Name::clone(&fixed.hall),
        model: Name::clone(&fixed.model),
        circuit: Name::clone(&fixed.circuit),
        start,
        length_s: 60,
        covered_s: if word.activity.is_some() { 60 } else { 0 },
        energy_j,
        // Scaled to the circuit's meter: a factor a circuit and minute, near one.
        billed_j: energy_j.map(|energy| {
            shaken(energy * 1_013 / 1_000, 2, noise(start.as_second() as u64 ^ fixed.circuit_seed))
        }),
        hashes_gh: word.activity.map(|_| shaken(i64::from(word.gigahashes) * 60, 30, bits >> 16)),
        mode: word.activity.map(|_| MachineMode::Normal),
        state,
        hashing_s: if hashing { 60 } else { 0 },
        starting_s: if word.activity == Some(Activity::Starting) { 60 } else { 0 },
        down,
        chip_max_dc: word.chip_dc.map(|chip| chip + ((bits >> 32) % 21) as i16 - 10),
        inlet_dc: word.activity.map(|_| word.inlet_dc + ((bits >> 40) % 5) as i16 - 2),
        known,
        rule: None,
    }
}

const fn state_of(activity: Option<Activity>) -> MachineState {
    match activity {
        Some(Activity::Hashing) => MachineState::Hashing,
        Some(Activity::Starting) => MachineState::Starting,
        Some(Activity::Asleep) => MachineState::Asleep,
        Some(Activity::Failed) => MachineState::Failed,
        None => MachineState::Unknown,
    }
}

/// A simulation that gives a minute's rows at a time.
pub(super) struct Simulated {
    simulation: Simulation,
}

impl Simulated {
    pub(super) fn new(site: &Arc<Site>) -> Self {
        let mut simulation = Simulation::new(
            Arc::clone(site),
            &Scenario::default(),
            1,
            start() - SignedDuration::from_mins(30),
            Pace::Leap,
        );
        simulation.run_until(start());
        Self { simulation }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.simulation.plant().now()
    }

    /// The next minute of all machines; the day keeps what it needs of it.
    pub(super) fn minute(&mut self, fleet: &Fleet, day: &mut Day) -> Vec<MachineRow> {
        let begins = self.now();
        self.simulation.run_until(begins + SignedDuration::from_mins(1));
        let plant = self.simulation.plant();
        let words = (0..fleet.len()).map(|place| word_of(plant, MachineIx(place as u32)));
        let words: Vec<Word> = words.collect();
        day.words.extend_from_slice(&words[..day.machines.min(words.len())]);
        words.into_iter().enumerate().map(|(place, word)| row(fleet, place, begins, word)).collect()
    }
}

fn word_of(plant: &offpeak_twin::Plant, machine: MachineIx) -> Word {
    let outdoor = (plant.outdoor().to_millicelsius() / 100) as i16;
    match plant.reading(machine) {
        Ok(reading) => {
            let truth = plant.truth(machine);
            debug_assert!(matches!(truth.mode, ModeName::Low | ModeName::Normal | ModeName::High));
            Word {
                watts: u16::try_from(reading.power.unwrap_or(truth.power).to_watts()).unwrap_or(u16::MAX),
                gigahashes: u32::try_from(truth.hash_rate.to_megahashes() / 1_000).unwrap_or(u32::MAX),
                chip_dc: reading.temperature.map(|chip| (chip.to_millicelsius() / 100) as i16),
                inlet_dc: outdoor,
                activity: Some(reading.activity),
            }
        }
        Err(_) => Word { watts: 0, gigahashes: 0, chip_dc: None, inlet_dc: outdoor, activity: None },
    }
}

/// A day of the first so many machines.
pub(super) struct Day {
    machines: usize,
    words: Vec<Word>,
}

impl Day {
    pub(super) fn new(machines: usize) -> Self {
        Self { machines, words: Vec::with_capacity(machines * MINUTES) }
    }

    /// A minute of the day as it would stand so many days later, with the noise of that day.
    pub(super) fn rows(&self, fleet: &Fleet, later_days: i64, minute: usize) -> Vec<MachineRow> {
        let at = start() + SignedDuration::from_mins(later_days * MINUTES as i64 + minute as i64);
        let words = &self.words[minute * self.machines..(minute + 1) * self.machines];
        words.iter().enumerate().map(|(place, word)| row(fleet, place, at, *word)).collect()
    }
}
