//! Totals over intervals that say how much of them is missing, and how time went by.

use offpeak_rows::Known;
use offpeak_units::Energy;

use crate::machine::Doing;
use crate::split;

/// Energy over some time, and how it is known.
///
/// ```
/// use offpeak_accounts::Sum;
/// use offpeak_rows::Known;
/// use offpeak_units::Energy;
/// let mut day = Sum::default();
/// day.add(Some(Energy::from_watt_hours(5)), Known::Measured, 3_600, 3_600);
/// day.add(None, Known::Missing, 0, 900);
/// assert_eq!((day.energy, day.missing_s), (Energy::from_watt_hours(5), 900));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// The energy that is known.
    pub energy: Energy,
    /// The time it is about, in seconds.
    pub length_s: u64,
    /// Seconds of measured energy,
    pub measured_s: u64,
    /// by the difference of a register,
    pub register_s: u64,
    /// by a stated rule,
    pub estimated_s: u64,
    /// and of which the energy is not known: they are in no sum.
    pub missing_s: u64,
}

impl Sum {
    /// Takes an interval in, of which `known_s` seconds of `length_s` are known.
    pub fn add(&mut self, energy: Option<Energy>, known: Known, known_s: u64, length_s: u64) {
        let known_s = if energy.is_some() { known_s.min(length_s) } else { 0 };
        self.energy += energy.unwrap_or(Energy::ZERO);
        self.length_s += length_s;
        self.missing_s += length_s - known_s;
        match known {
            Known::Measured => self.measured_s += known_s,
            Known::Register => self.register_s += known_s,
            Known::Estimated => self.estimated_s += known_s,
            Known::Missing => self.missing_s += known_s,
        }
    }
    /// Takes another sum in.
    pub fn merge(&mut self, other: &Self) {
        self.energy += other.energy;
        self.length_s += other.length_s;
        self.measured_s += other.measured_s;
        self.register_s += other.register_s;
        self.estimated_s += other.estimated_s;
        self.missing_s += other.missing_s;
    }
}

/// Energies as whole multiples of a unit that add up to their total as it is rounded: each rounded down, and what is
/// left given to the largest remainders. The total is rounded half up.
///
/// # Panics
/// If the unit is not positive.
#[must_use]
pub fn rounded(parts: &[Energy], unit: Energy) -> (i64, Vec<i64>) {
    assert!(unit > Energy::ZERO, "a unit of {} microjoules", unit.to_microjoules());
    let unit = unit.to_microjoules();
    let whole: i128 = parts.iter().map(|part| part.to_microjoules()).sum();
    let total = i64::try_from((whole + unit / 2).div_euclid(unit)).unwrap_or(i64::MAX);
    let mut down: Vec<i64> = parts
        .iter()
        .map(|part| i64::try_from(part.to_microjoules().div_euclid(unit)).unwrap_or(i64::MAX))
        .collect();
    let left = total - down.iter().sum::<i64>();
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|place| std::cmp::Reverse(parts[*place].to_microjoules().rem_euclid(unit)));
    for place in order.into_iter().take(usize::try_from(left).unwrap_or(0)) {
        down[place] += 1;
    }
    (total, down)
}

/// How time went by, in seconds. Disjoint and complete: what is in it comes to the time it is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Uptime {
    seconds: [u64; 9],
}

impl Uptime {
    /// Takes some seconds in.
    pub const fn add(&mut self, doing: Doing, seconds: u64) {
        self.seconds[doing as usize] += seconds;
    }
    /// Takes another in.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.seconds.iter_mut().zip(other.seconds) {
            *mine += theirs;
        }
    }
    /// The seconds of one kind.
    #[must_use]
    pub const fn of(&self, doing: Doing) -> u64 {
        self.seconds[doing as usize]
    }
    /// All of it.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.seconds.iter().sum()
    }
    /// The time in which it was wanted and somebody looked: without the hours outside, orders, price, maintenance and the
    /// time without data.
    #[must_use]
    pub fn wanted(&self) -> u64 {
        [Doing::Hashing, Doing::Starting, Doing::Fault, Doing::Unreachable]
            .map(|doing| self.of(doing))
            .iter()
            .sum()
    }
    /// Of the wanted time the part in which it hashed, in parts per million, rounded down; `None` where it was never
    /// wanted.
    #[must_use]
    pub fn availability_ppm(&self) -> Option<u64> {
        (self.of(Doing::Hashing) * 1_000_000).checked_div(self.wanted())
    }
    /// The seconds by kind as whole multiples of a unit of so many seconds, that add up to their total as it is rounded.
    #[must_use]
    pub fn rounded(&self, unit_s: u64) -> Option<[i64; 9]> {
        let total = i64::try_from((self.total() + unit_s / 2) / unit_s.max(1)).ok()?;
        split(total, &self.seconds)?.try_into().ok()
    }
}
