//! A meter's noise taken out without hiding a change. Fed once for every new reading.

use jiff::Timestamp;
use offpeak_site::MeterReading;
use offpeak_units::Power;

/// The steady part of a meter's readings.
///
/// A running mean of up to [`Self::DEPTH`] readings. A reading further from it than
/// [`Self::JUMP_SIGMAS`] standard errors is a change of load and becomes the mean at once; so does the
/// mean of the last [`Self::DEPTH_RECENT`] readings when that is as far off by its own, smaller error:
/// a slow ramp is followed within seconds.
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
    recent: Power,
    count: i64,
    at: Option<Timestamp>,
    /// The last reading.
    last: Power,
    /// The readings' variance by how far each lies from the one before it, in parts per million squared: a running
    /// mean. A slow ramp hardly shows in it.
    spread: i64,
    /// The standard error that margins go by.
    margin_ppm: u32,
}

impl MeterFilter {
    /// The mean's memory, in readings.
    pub const DEPTH: i64 = 32;
    /// The memory of the mean that is asked while the load is known to move.
    pub const DEPTH_RECENT: i64 = 8;
    /// What is no longer noise. Noise is bounded at 3; the mean itself is off by far less than 1.
    pub const JUMP_SIGMAS: i64 = 4;

    /// A filter for a meter of this standard error (parts per million of the reading).
    #[must_use]
    pub const fn new(error_ppm: u32) -> Self {
        let spread = error_ppm as i64 * error_ppm as i64;
        let (mean, recent, last) = (Power::ZERO, Power::ZERO, Power::ZERO);
        Self { error_ppm, mean, recent, count: 0, at: None, last, spread, margin_ppm: error_ppm }
    }
    /// The memory of the observed error, in readings: some minutes.
    pub const DEPTH_SPREAD: i64 = 256;
    /// How far the observed error may move the margin from what the class says: to a quarter, or four times.
    pub const MARGIN_RANGE: u32 = 4;

    /// Lets margins go by the error observed since: a quiet meter needs less room than its class says, one that is
    /// worse than its class more. Called each quarter of an hour, so that levels stand still in between.
    pub fn adapt(&mut self) {
        let observed = u32::try_from(self.spread.max(0).isqrt()).unwrap_or(u32::MAX);
        let (least, most) =
            (self.error_ppm / Self::MARGIN_RANGE, self.error_ppm.saturating_mul(Self::MARGIN_RANGE));
        self.margin_ppm = observed.clamp(least, most);
    }
    /// The standard error that margins go by, in parts per million of the reading.
    #[must_use]
    pub const fn margin_ppm(&self) -> u32 {
        self.margin_ppm
    }
    /// Takes a reading; one no newer than the last is ignored.
    pub fn feed(&mut self, reading: MeterReading) {
        if self.at.is_some_and(|last| reading.at <= last) {
            return;
        }
        if self.at.is_some() {
            self.learn(reading.power);
        }
        self.last = reading.power;
        self.at = Some(reading.at);
        let sigma = self.mean.abs().to_milliwatts() / 1_000_000 * i64::from(self.error_ppm);
        let band = sigma * Self::JUMP_SIGMAS;
        let off = |from: Power| (reading.power - from).to_milliwatts();
        if self.count == 0 || off(self.mean).abs() > band {
            self.mean = reading.power;
            self.recent = reading.power;
            self.count = 1;
            return;
        }
        self.count = (self.count + 1).min(Self::DEPTH);
        self.mean += Power::from_milliwatts(off(self.mean) / self.count);
        self.recent += Power::from_milliwatts(off(self.recent) / self.count.min(Self::DEPTH_RECENT));
        // The recent mean's variance is that of one reading over 15: four of its standard errors.
        if (self.recent - self.mean).abs().to_milliwatts() > band * 100 / 387 {
            self.mean = self.recent;
            self.count = Self::DEPTH_RECENT;
        }
    }
    /// Takes a reading's distance from the one before it into the observed error; a step of the load counts as no
    /// more than the worst error that is believed.
    fn learn(&mut self, power: Power) {
        let watts = self.last.abs().to_milliwatts() / 1_000;
        if watts > 0 {
            let most = i64::from(self.error_ppm) * i64::from(Self::MARGIN_RANGE) * 2;
            let apart = (power - self.last).to_milliwatts().saturating_mul(1_000) / watts;
            let apart = apart.clamp(-most, most);
            self.spread += (apart * apart / 2 - self.spread) / Self::DEPTH_SPREAD;
        }
    }
    /// The steady power; `None` before the first reading.
    #[must_use]
    pub fn power(&self) -> Option<Power> {
        self.at.map(|_| self.mean)
    }
    /// The mean of the last few readings: noisier than [`Self::power`], and it follows a slow ramp
    /// within seconds, where the steady mean lags by half a minute of it.
    #[must_use]
    pub fn recent(&self) -> Option<Power> {
        self.at.map(|_| self.recent)
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
        power.abs().scale(3.0 * f64::from(self.margin_ppm) / 1e6 / shrink)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a small second")
    }

    fn feed(filter: &mut MeterFilter, second: i64, watts: i64) {
        filter.feed(MeterReading { at: at(second), power: Power::from_watts(watts), energy: None });
    }

    #[test]
    fn a_slow_ramp_is_followed_within_seconds() {
        // 50 W a second on 100 kW with a meter of 0.5 %: no single reading is beyond its noise.
        let mut filter = MeterFilter::new(5_000);
        for second in 0..60 {
            feed(&mut filter, second, 100_000);
        }
        for second in 60..160 {
            feed(&mut filter, second, 100_000 + (second - 59) * 50);
            let lag = 100_000 + (second - 59) * 50 - filter.power().unwrap().to_watts();
            assert!((0..=900).contains(&lag), "{lag} W behind after {} s", second - 59);
        }
    }

    #[test]
    fn the_margin_follows_the_observed_error() {
        // Up and down in turn by so much: apart by twice that, a standard error of that times the root of two.
        let told = |watts: i64| {
            let mut filter = MeterFilter::new(5_000);
            for second in 0..3_000 {
                feed(&mut filter, second, 1_000_000 + if second % 2 == 0 { watts } else { -watts });
            }
            assert_eq!(filter.margin_ppm(), 5_000, "it stands still in between");
            filter.adapt();
            i64::from(filter.margin_ppm())
        };
        assert!((4_900..5_100).contains(&told(3_535)), "as its class says: {}", told(3_535));
        assert!((1_950..2_050).contains(&told(1_414)), "{}", told(1_414));
        assert_eq!(told(0), 1_250, "never below a quarter of the class");
        assert!((11_800..12_200).contains(&told(8_485)), "{}", told(8_485));
    }

    #[test]
    fn noise_alone_moves_nothing() {
        let mut filter = MeterFilter::new(5_000);
        feed(&mut filter, 0, 100_000);
        for second in 1..600 {
            // Two standard errors up and down in turn.
            feed(&mut filter, second, 100_000 + if second % 2 == 0 { 1_000 } else { -1_000 });
            let off = (filter.power().unwrap().to_watts() - 100_000).abs();
            assert!(off <= 1_000 / second.min(16), "{off} W off after {second} s");
        }
    }
}
