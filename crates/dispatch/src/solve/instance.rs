//! Random moments: trees of circuits with machines, from a seed. For tests, for the comparison with HiGHS and for the
//! benchmarks, so that all three speak of the same moments.

use offpeak_units::Power;

use super::{CircuitNo, Mode, Problem};

/// A moment in plain numbers, from which both the solver's problem and HiGHS' model are made.
#[derive(Clone, Debug, Default)]
pub struct Instance {
    /// The circuit above, and the limit in milliwatts. A circuit comes after the one above it.
    pub circuits: Vec<(Option<usize>, Option<i64>)>,
    /// The circuit, and the modes: milliwatts and value an hour.
    pub machines: Vec<(usize, Vec<(i64, f64)>)>,
}

/// What the machines of an instance are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fleet {
    /// Models with curves as they are measured: each machine a little off its model.
    Measured,
    /// Machines of a few models, exactly alike: many equal values.
    Alike,
    /// Any powers and values: curves that are not concave, values below zero, a first mode that is not the least.
    Wild,
    /// Machines with one mode among others with up to six.
    Mixed,
}

/// How tight the limits are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tightness {
    /// Nearly everything fits.
    Loose,
    /// Every level binds somewhere.
    Tight,
    /// Some limits are just above the least power.
    Starved,
    /// Some limits are zero or below the least power.
    Contradictory,
}

/// A generator of its own, so that a seed replays whatever the libraries do: xorshift64*, Vigna 2016.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// From a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut dice = Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03 | 1);
        dice.roll(2);
        dice.roll(2);
        dice
    }
    /// From zero to `sides - 1`.
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) % sides.max(1)
    }
    /// From zero to below one.
    pub fn share(&mut self) -> f64 {
        self.roll(1 << 40) as f64 / (1_u64 << 40) as f64
    }
    /// Between two numbers.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.share()
    }
}

impl Instance {
    /// A random tree with `machines` machines whose circuits are nested up to `depth` deep.
    #[must_use]
    pub fn random(seed: u64, machines: usize, depth: u64, fleet: Fleet, tightness: Tightness) -> Self {
        let mut dice = Dice::new(seed);
        let mut instance = Self::default();
        let mut depths = vec![1];
        instance.circuits.push((None, None));
        let circuits = if depth == 1 { 1 } else { depth + dice.roll(2 + machines as u64 / 6).min(60) };
        for number in 1..circuits {
            // The first few make the depth sure.
            let above = if number < depth { number as usize - 1 } else { dice.roll(number) as usize };
            let above = if depths[above] >= depth { 0 } else { above };
            instance.circuits.push((Some(above), None));
            depths.push(depths[above] + 1);
        }
        for _ in 0..machines {
            let circuit = dice.roll(circuits) as usize;
            let modes = modes(&mut dice, fleet);
            instance.machines.push((circuit, modes));
        }
        instance.limit(&mut dice, tightness);
        instance
    }

    /// Halls of racks: ten racks a hall, all machines on racks, limits so that about `binding` circuits bind: the
    /// connection and the first racks. With more than there are racks, each has a limit of its own and about half bind.
    #[must_use]
    pub fn halls(seed: u64, machines: usize, circuits: usize, binding: usize) -> Self {
        let mut dice = Dice::new(seed);
        let mut instance = Self::default();
        instance.circuits.push((None, None));
        let halls = circuits.div_ceil(11).max(1);
        let mut racks = Vec::new();
        for _ in 0..halls {
            instance.circuits.push((Some(0), None));
        }
        while instance.circuits.len() < circuits.max(halls + 2) {
            racks.push(instance.circuits.len());
            instance.circuits.push((Some(1 + racks.len() % halls), None));
        }
        for machine in 0..machines {
            let modes = modes(&mut dice, Fleet::Measured);
            instance.machines.push((racks[machine * racks.len() / machines], modes));
        }
        let (least, most) = (instance.sums(true), instance.sums(false));
        let between = |circuit: usize, share: f64| {
            Some(least[circuit] + ((most[circuit] - least[circuit]) as f64 * share) as i64)
        };
        let many = binding > racks.len();
        for (place, &rack) in racks.iter().enumerate() {
            let share = match (many, place + 1 < binding) {
                (true, _) => 0.2 + 0.2 * (place % 11) as f64 / 10.0,
                (false, true) => 0.3,
                (false, false) => 1.0,
            };
            instance.circuits[rack].1 = between(rack, share);
        }
        for hall in 1..=halls {
            instance.circuits[hall].1 = between(hall, 1.0);
        }
        let share = if many { 0.28 } else { 0.55 };
        instance.circuits[0].1 = between(0, if binding == 0 { 1.0 } else { share });
        instance
    }

    /// By circuit: the least or the most that everything below can draw.
    fn sums(&self, least: bool) -> Vec<i64> {
        let mut sums = vec![0; self.circuits.len()];
        for (circuit, modes) in &self.machines {
            let powers = modes.iter().map(|(power, _)| *power);
            sums[*circuit] += if least { powers.min() } else { powers.max() }.unwrap_or(0);
        }
        for circuit in (0..sums.len()).rev() {
            if let Some(above) = self.circuits[circuit].0 {
                sums[above] += sums[circuit];
            }
        }
        sums
    }

    fn limit(&mut self, dice: &mut Dice, tightness: Tightness) {
        let (least, most) = (self.sums(true), self.sums(false));
        for circuit in 0..self.circuits.len() {
            let share = match (tightness, dice.roll(8)) {
                (Tightness::Loose, 0..5) | (_, 0) => None,
                (Tightness::Loose, _) => Some(dice.between(0.8, 1.1)),
                (Tightness::Tight, _) => Some(dice.between(0.1, 0.8)),
                (_, 1..5) => Some(dice.between(0.0, 0.6)),
                (Tightness::Starved, _) => Some(dice.between(0.0, 0.03)),
                (Tightness::Contradictory, 5) => Some(-1.0),
                (Tightness::Contradictory, _) => Some(dice.between(-0.02, 0.3)),
            };
            let spread = (most[circuit] - least[circuit]) as f64;
            self.circuits[circuit].1 = share.map(|share| match share {
                -1.0 => 0,
                share if share < 0.0 => (least[circuit] as f64 * (1.0 + share)) as i64,
                share => least[circuit] + (spread * share) as i64,
            });
        }
    }

    /// For the solver.
    ///
    /// # Panics
    /// Never for an instance made here.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let mut problem = Problem::new();
        let mut numbers: Vec<CircuitNo> = Vec::new();
        for (above, limit) in &self.circuits {
            let limit = limit.map(Power::from_milliwatts);
            let added = problem.add_circuit(above.map(|above| numbers[above]), limit);
            numbers.push(added.expect("parents come first, limits are within range"));
        }
        for (circuit, modes) in &self.machines {
            let mode = |&(power, value_per_h): &(i64, f64)| Mode {
                power: Power::from_milliwatts(power),
                value_per_h,
            };
            let modes: Vec<Mode> = modes.iter().map(mode).collect();
            problem.add_machine(numbers[*circuit], &modes).expect("modes are within range");
        }
        problem
    }

    /// By circuit: what these modes draw.
    #[must_use]
    pub fn loads(&self, setpoints: &[u16]) -> Vec<i64> {
        let mut loads = vec![0; self.circuits.len()];
        for ((circuit, modes), mode) in self.machines.iter().zip(setpoints) {
            loads[*circuit] += modes[usize::from(*mode)].0;
        }
        for circuit in (0..loads.len()).rev() {
            if let Some(above) = self.circuits[circuit].0 {
                loads[above] += loads[circuit];
            }
        }
        loads
    }

    /// The same with everything below a circuit that cannot be kept at its least power, and without that circuit's limit.
    #[must_use]
    pub fn relieved(&self, infeasible: &[usize]) -> Self {
        let mut relieved = self.clone();
        let mut under = vec![false; self.circuits.len()];
        for circuit in 0..self.circuits.len() {
            under[circuit] =
                infeasible.contains(&circuit) || self.circuits[circuit].0.is_some_and(|above| under[above]);
        }
        for circuit in infeasible {
            relieved.circuits[*circuit].1 = None;
        }
        for (circuit, modes) in &mut relieved.machines {
            if under[*circuit] {
                let least = modes.iter().copied().min_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
                modes.clear();
                modes.extend(least);
            }
        }
        relieved
    }
}

fn modes(dice: &mut Dice, fleet: Fleet) -> Vec<(i64, f64)> {
    // Watts and joules a terahash of some models; value by a hash price of 0.05 USD/TH/day and 0.04 USD/kWh.
    const MODELS: [(f64, f64); 6] = [
        (3_400.0, 38.0),
        (3_250.0, 34.0),
        (3_500.0, 30.0),
        (3_050.0, 21.5),
        (1_400.0, 60.0),
        (5_200.0, 25.0),
    ];
    let worth = |watts: f64, joules_per_th: f64| watts / joules_per_th * 0.05 / 24.0 - watts * 0.04 / 1e3;
    match fleet {
        Fleet::Measured | Fleet::Alike => {
            let (watts, joules) = MODELS[dice.roll(6) as usize];
            let off = if fleet == Fleet::Measured { 0.06 } else { 0.0 };
            let (watts, joules) =
                (watts * dice.between(1.0 - off, 1.0 + off), joules * dice.between(1.0 - off, 1.0 + off));
            let mode = |share: f64, joules: f64| {
                let watts = (watts * share).round();
                (watts as i64 * 1_000, worth(watts, joules))
            };
            vec![(40_000, -0.0016), mode(0.62, joules * 0.9), mode(1.0, joules), mode(1.18, joules * 1.07)]
        }
        Fleet::Wild => {
            let count = 1 + dice.roll(6);
            (0..count).map(|_| (dice.roll(4_000) as i64 * 1_000, dice.between(-0.1, 0.4))).collect()
        }
        Fleet::Mixed => {
            let count = if dice.roll(3) == 0 { 1 } else { 2 + dice.roll(5) };
            let efficiency = dice.between(5e-5, 1.2e-4);
            let mut modes = vec![(dice.roll(60) as i64 * 1_000, 0.0)];
            for _ in 1..count {
                let watts = 500 + dice.roll(4_000);
                modes.push((watts as i64 * 1_000, watts as f64 * efficiency * dice.between(0.7, 1.0)));
            }
            modes
        }
    }
}
