//! A meter's noise taken out without hiding a change. Fed once for every new reading.

use jiff::Timestamp;
use offpeak_site::MeterReading;
use offpeak_units::Power;

/// The steady part of a meter's readings.
///
/// A running mean of up to [`Self::DEPTH`] readings; a reading further from it than
/// [`Self::JUMP_SIGMAS`] standard errors is a change of load and becomes the mean at once.
///
/// ```
/// # use offpeak_dispatch::MeterFilter;
/// # use offpeak_site::MeterReading;
/// # use offpeak_units::Power;
/// # let at = |s| jiff::Timestamp::from_second(s).unwrap();
/// let mut filter = MeterFilter::new(5_000);
/// filter.feed(MeterReading { at: at(0), power: Power::from_watts(1_000), energy: None });
/// filter.feed(MeterReading { at: at(1), power: Power::from_watts(1_004), energy: None });
/// assert_eq!(filter.power(), Some(Power::from_watts(1_002)));
/// filter.feed(MeterReading { at: at(2), power: Power::from_watts(500), energy: None });
/// assert_eq!(filter.power(), Some(Power::from_watts(500)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeterFilter {
    error_ppm: u32,
    mean: Power,
    count: i64,
    at: Option<Timestamp>,
}

impl MeterFilter {
    /// The mean's memory, in readings.
    pub const DEPTH: i64 = 32;
    /// What is no longer noise. Noise is bounded at 3; the mean itself is off by far less than 1.
    pub const JUMP_SIGMAS: i64 = 4;

    /// A filter for a meter of this standard error (parts per million of the reading).
    #[must_use]
    pub const fn new(error_ppm: u32) -> Self {
        Self { error_ppm, mean: Power::ZERO, count: 0, at: None }
    }
    /// Takes a reading; one no newer than the last is ignored.
    pub fn feed(&mut self, reading: MeterReading) {
        if self.at.is_some_and(|last| reading.at <= last) {
            return;
        }
        let off = reading.power - self.mean;
        let band =
            self.mean.abs().to_milliwatts() / 1_000_000 * i64::from(self.error_ppm) * Self::JUMP_SIGMAS;
        if self.count == 0 || off.abs().to_milliwatts() > band {
            self.mean = reading.power;
            self.count = 1;
        } else {
            self.count = (self.count + 1).min(Self::DEPTH);
            self.mean += Power::from_milliwatts(off.to_milliwatts() / self.count);
        }
        self.at = Some(reading.at);
    }
    /// The steady power; `None` before the first reading.
    #[must_use]
    pub fn power(&self) -> Option<Power> {
        self.at.map(|_| self.mean)
    }
    /// When the last reading was taken.
    #[must_use]
    pub const fn at(&self) -> Option<Timestamp> {
        self.at
    }
    /// Three standard errors of a full mean of this power. The mean's variance is that of one
    /// reading over `2 x DEPTH - 1` (exponential smoothing, weight 1 / DEPTH).
    #[must_use]
    pub fn uncertainty(&self, power: Power) -> Power {
        #[expect(clippy::cast_precision_loss, reason = "a small constant")]
        let shrink = ((2 * Self::DEPTH - 1) as f64).sqrt();
        power.abs().scale(3.0 * f64::from(self.error_ppm) / 1e6 / shrink)
    }
}
