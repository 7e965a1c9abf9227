//! Power, apparent power, current and energy. Import is positive.

use core::fmt;

use crate::quantity::linear_quantity;

/// Active power, in whole milliwatts.
///
/// ```
/// use offpeak_units::Power;
/// let machine = Power::from_watts(3_400);
/// assert_eq!((machine * 55_000).to_string(), "187.000 MW");
/// assert_eq!(Power::from_kilowatts(150_000).to_watts(), 150_000_000);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Power(i64);
linear_quantity!(Power, i64);

impl Power {
    /// From whole milliwatts.
    #[must_use]
    #[inline]
    pub const fn from_milliwatts(milliwatts: i64) -> Self {
        Self(milliwatts)
    }
    /// From whole watts.
    #[must_use]
    #[inline]
    pub const fn from_watts(watts: i64) -> Self {
        Self(watts * 1_000)
    }
    /// From whole kilowatts.
    #[must_use]
    #[inline]
    pub const fn from_kilowatts(kilowatts: i64) -> Self {
        Self(kilowatts * 1_000_000)
    }
    /// From watts as read from a file or a device, rounded to the milliwatt; `None` unless finite
    /// and within a terawatt.
    #[must_use]
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "range checked")]
    pub fn from_watts_f64(watts: f64) -> Option<Self> {
        (watts.abs() <= 1e12).then(|| Self((watts * 1e3).round() as i64))
    }
    /// Whole milliwatts.
    #[must_use]
    #[inline]
    pub const fn to_milliwatts(self) -> i64 {
        self.0
    }
    /// Whole watts, rounded towards zero.
    #[must_use]
    #[inline]
    pub const fn to_watts(self) -> i64 {
        self.0 / 1_000
    }
    /// Watts for display and scores.
    #[must_use]
    #[inline]
    #[expect(clippy::cast_precision_loss, reason = "for display and scores")]
    pub fn to_watts_f64(self) -> f64 {
        self.0 as f64 / 1e3
    }
    /// Kilowatts for display and scores.
    #[must_use]
    #[inline]
    pub fn to_kilowatts_f64(self) -> f64 {
        self.to_watts_f64() / 1e3
    }
    /// The energy of this power held for some milliseconds, exact.
    #[must_use]
    #[inline]
    pub const fn over_millis(self, millis: i64) -> Energy {
        Energy(self.0 as i128 * millis as i128)
    }
}

impl fmt::Display for Power {
    /// In W, kW or MW, as a person would write it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let watts = self.to_watts_f64();
        match watts.abs() {
            w if w >= 1e6 => write!(f, "{:.3} MW", watts / 1e6),
            w if w >= 1e4 => write!(f, "{:.1} kW", watts / 1e3),
            _ => write!(f, "{watts:.0} W"),
        }
    }
}

/// Apparent power, in whole millivolt-amperes.
///
/// ```
/// use offpeak_units::ApparentPower;
/// assert_eq!(ApparentPower::from_volt_amperes(2_500_000).to_volt_amperes(), 2_500_000);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApparentPower(i64);
linear_quantity!(ApparentPower, i64);

impl ApparentPower {
    /// From whole volt-amperes.
    #[must_use]
    #[inline]
    pub const fn from_volt_amperes(volt_amperes: i64) -> Self {
        Self(volt_amperes * 1_000)
    }
    /// Whole volt-amperes, rounded towards zero.
    #[must_use]
    #[inline]
    pub const fn to_volt_amperes(self) -> i64 {
        self.0 / 1_000
    }
    /// The active power at a power factor between 0 and 1.
    ///
    /// # Panics
    /// If the factor is outside 0 to 1.
    #[must_use]
    #[inline]
    pub fn at_power_factor(self, factor: f64) -> Power {
        assert!((0.0..=1.0).contains(&factor), "power factor {factor} is outside 0 to 1");
        Power(self.scale(factor).0)
    }
}

/// Current, in whole milliamperes.
///
/// ```
/// use offpeak_units::Current;
/// assert_eq!(Current::from_milliamperes(32_000).to_amperes_f64(), 32.0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Current(i64);
linear_quantity!(Current, i64);

impl Current {
    /// From whole milliamperes.
    #[must_use]
    #[inline]
    pub const fn from_milliamperes(milliamperes: i64) -> Self {
        Self(milliamperes)
    }
    /// Amperes for display.
    #[must_use]
    #[inline]
    #[expect(clippy::cast_precision_loss, reason = "for display")]
    pub fn to_amperes_f64(self) -> f64 {
        self.0 as f64 / 1e3
    }
}

/// Energy, in whole microjoules.
///
/// ```
/// use offpeak_units::Power;
/// let day = Power::from_kilowatts(20_000).over_millis(86_400_000);
/// assert_eq!(day.to_string(), "480.000 MWh");
/// assert_eq!(day.to_watt_hours(), 480_000_000);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Energy(i128);
linear_quantity!(Energy, i128);

impl Energy {
    const MICROJOULES_PER_WATT_HOUR: i128 = 3_600_000_000;

    /// From whole watt-hours.
    #[must_use]
    #[inline]
    pub const fn from_watt_hours(watt_hours: i64) -> Self {
        Self(watt_hours as i128 * Self::MICROJOULES_PER_WATT_HOUR)
    }
    /// From whole joules.
    #[must_use]
    #[inline]
    pub const fn from_joules(joules: i64) -> Self {
        Self(joules as i128 * 1_000_000)
    }
    /// Whole joules, rounded down; a value beyond 9 million million million joules is cut there.
    ///
    /// ```
    /// use offpeak_units::Energy;
    /// assert_eq!(Energy::from_watt_hours(1).to_joules(), 3_600);
    /// assert_eq!(Energy::from_microjoules(-1).to_joules(), -1);
    /// ```
    #[must_use]
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "cut to the range first")]
    pub const fn to_joules(self) -> i64 {
        let joules = self.0.div_euclid(1_000_000);
        if joules > i64::MAX as i128 {
            i64::MAX
        } else if joules < i64::MIN as i128 {
            i64::MIN
        } else {
            joules as i64
        }
    }
    /// From whole microjoules.
    #[must_use]
    #[inline]
    pub const fn from_microjoules(microjoules: i128) -> Self {
        Self(microjoules)
    }
    /// Whole microjoules.
    #[must_use]
    #[inline]
    pub const fn to_microjoules(self) -> i128 {
        self.0
    }
    /// Whole watt-hours, rounded towards zero.
    #[must_use]
    #[inline]
    pub const fn to_watt_hours(self) -> i128 {
        self.0 / Self::MICROJOULES_PER_WATT_HOUR
    }
    /// Kilowatt-hours for display.
    #[must_use]
    #[inline]
    #[expect(clippy::cast_precision_loss, reason = "for display")]
    pub fn to_kilowatt_hours_f64(self) -> f64 {
        self.0 as f64 / Self::MICROJOULES_PER_WATT_HOUR as f64 / 1e3
    }
}

impl fmt::Display for Energy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kwh = self.to_kilowatt_hours_f64();
        if kwh.abs() >= 1e3 { write!(f, "{:.3} MWh", kwh / 1e3) } else { write!(f, "{kwh:.3} kWh") }
    }
}
