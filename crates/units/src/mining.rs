//! Hash rate, hashes done and the energy each takes.

use core::fmt;

use crate::electric::Power;
use crate::quantity::linear_quantity;

/// Hash rate, in whole megahashes a second: from a single chip to the whole network.
///
/// ```
/// use offpeak_units::HashRate;
/// let machine = HashRate::from_gigahashes(110_000);
/// assert_eq!(machine.to_string(), "110.0 TH/s");
/// assert_eq!((machine * 1_000).to_string(), "110.000 PH/s");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HashRate(i64);
linear_quantity!(HashRate, i64);

impl HashRate {
    /// From whole megahashes a second.
    #[must_use]
    #[inline]
    pub const fn from_megahashes(megahashes: i64) -> Self {
        Self(megahashes)
    }
    /// From whole gigahashes a second.
    #[must_use]
    #[inline]
    pub const fn from_gigahashes(gigahashes: i64) -> Self {
        Self(gigahashes * 1_000)
    }
    /// From terahashes a second as a datasheet prints them; `None` unless finite, not negative and
    /// below a zettahash.
    #[must_use]
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "range checked")]
    pub fn from_terahashes_f64(terahashes: f64) -> Option<Self> {
        (0.0..1e9).contains(&terahashes).then(|| Self((terahashes * 1e6).round() as i64))
    }
    /// Whole megahashes a second.
    #[must_use]
    #[inline]
    pub const fn to_megahashes(self) -> i64 {
        self.0
    }
    /// Terahashes a second for display and scores.
    #[must_use]
    #[inline]
    #[expect(clippy::cast_precision_loss, reason = "for display and scores")]
    pub fn to_terahashes_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }
    /// The hashes done at this rate in some milliseconds, exact.
    #[must_use]
    #[inline]
    pub const fn over_millis(self, millis: i64) -> Hashes {
        Hashes(self.0 as i128 * millis as i128 * 1_000)
    }
}

impl fmt::Display for HashRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let terahashes = self.to_terahashes_f64();
        match terahashes.abs() {
            t if t >= 1e6 => write!(f, "{:.3} EH/s", terahashes / 1e6),
            t if t >= 1e3 => write!(f, "{:.3} PH/s", terahashes / 1e3),
            _ => write!(f, "{terahashes:.1} TH/s"),
        }
    }
}

/// A number of hashes done.
///
/// ```
/// use offpeak_units::HashRate;
/// let done = HashRate::from_gigahashes(1_000).over_millis(1_000);
/// assert_eq!(done.to_exahashes_f64(), 1e-6);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hashes(i128);
linear_quantity!(Hashes, i128);

impl Hashes {
    /// From a whole number of hashes.
    #[must_use]
    #[inline]
    pub const fn from_count(count: i128) -> Self {
        Self(count)
    }
    /// The whole number of hashes.
    #[must_use]
    #[inline]
    pub const fn to_count(self) -> i128 {
        self.0
    }
    /// Exahashes for display.
    #[must_use]
    #[inline]
    #[expect(clippy::cast_precision_loss, reason = "for display")]
    pub fn to_exahashes_f64(self) -> f64 {
        self.0 as f64 / 1e18
    }
}

/// Energy per work, in whole millijoules per terahash.
///
/// ```
/// use offpeak_units::{Efficiency, HashRate, Power};
/// let m20s = Efficiency::of(Power::from_watts(3_360), HashRate::from_gigahashes(68_000)).unwrap();
/// assert_eq!(m20s.to_string(), "49.4 J/TH");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Efficiency(i64);

impl Efficiency {
    /// From whole millijoules per terahash.
    #[must_use]
    #[inline]
    pub const fn from_millijoules_per_terahash(millijoules: i64) -> Self {
        Self(millijoules)
    }
    /// Power over hash rate, rounded half up; `None` when nothing is hashed.
    #[must_use]
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "a quotient of two bounded values")]
    pub fn of(power: Power, hash_rate: HashRate) -> Option<Self> {
        let (power, rate) = (i128::from(power.to_milliwatts()), i128::from(hash_rate.to_megahashes()));
        (rate > 0).then(|| Self(((power * 1_000_000 + rate / 2) / rate) as i64))
    }
    /// Joules per terahash for display and scores.
    #[must_use]
    #[inline]
    #[expect(clippy::cast_precision_loss, reason = "for display and scores")]
    pub fn to_joules_per_terahash_f64(self) -> f64 {
        self.0 as f64 / 1e3
    }
}

impl fmt::Display for Efficiency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} J/TH", self.to_joules_per_terahash_f64())
    }
}
