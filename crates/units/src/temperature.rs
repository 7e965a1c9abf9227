//! Temperature. Not a linear quantity: two temperatures are compared, not summed.

use core::fmt;

/// Temperature, in whole millidegrees Celsius.
///
/// ```
/// use offpeak_units::Temperature;
/// assert!(Temperature::from_celsius(-30) < Temperature::from_celsius(35));
/// assert_eq!(Temperature::from_celsius(35).to_string(), "35.0 °C");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Temperature(i32);

impl Temperature {
    /// From whole degrees Celsius.
    #[must_use]
    #[inline]
    pub const fn from_celsius(celsius: i32) -> Self {
        Self(celsius * 1_000)
    }
    /// From whole millidegrees Celsius.
    #[must_use]
    #[inline]
    pub const fn from_millicelsius(millicelsius: i32) -> Self {
        Self(millicelsius)
    }
    /// From degrees Celsius as a device prints them; `None` outside absolute zero to 1,000 °C.
    #[must_use]
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "range checked")]
    pub fn from_celsius_f64(celsius: f64) -> Option<Self> {
        (-273.15..=1_000.0).contains(&celsius).then(|| Self((celsius * 1e3).round() as i32))
    }
    /// Whole millidegrees Celsius.
    #[must_use]
    #[inline]
    pub const fn to_millicelsius(self) -> i32 {
        self.0
    }
    /// Degrees Celsius for display and physics.
    #[must_use]
    #[inline]
    pub fn to_celsius_f64(self) -> f64 {
        f64::from(self.0) / 1e3
    }
}

impl fmt::Display for Temperature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} °C", self.to_celsius_f64())
    }
}
