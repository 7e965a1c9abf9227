//! What the meters show: the truth with their class's noise, and silence.
//!
//! A meter's noise is a pure function of the seed, the meter and the second, so seconds that nobody
//! reads change nothing.

use offpeak_site::{MeterIx, MeterReading};
use offpeak_units::Power;

use crate::draw::{Draw, ONE_SIGMA, Stream};
use crate::plant::Plant;

/// Noise is cut at this many standard errors.
const SIGMAS_MAX: i64 = 3;

/// A chance gap lasts from two to this many seconds.
const GAP_SECONDS_MAX: u64 = 30;

impl Plant {
    /// A meter's reading in the present second; `None` while it is silent. Its register counts from
    /// the plant's start, without error.
    #[must_use]
    pub fn meter(&self, meter: MeterIx) -> Option<MeterReading> {
        if self.is_silent(meter) {
            return None;
        }
        let circuit = self.site.meters[meter.ix()].circuit;
        let second = (self.start + self.t).cast_unsigned();
        let noise = Draw::new(self.seed, Stream::MeterNoise, meter.0.into(), second);
        let power = self.with_noise(meter, noise.normal(SIGMAS_MAX * ONE_SIGMA));
        Some(MeterReading { at: self.now(), power, energy: Some(self.energy(circuit)) })
    }
    /// The least and the most that noise can make of a meter's present power.
    #[must_use]
    pub fn meter_span(&self, meter: MeterIx) -> (Power, Power) {
        let (a, b) =
            (self.with_noise(meter, -SIGMAS_MAX * ONE_SIGMA), self.with_noise(meter, SIGMAS_MAX * ONE_SIGMA));
        (a.min(b), a.max(b))
    }

    /// The present power with so many 65,536ths of a standard error.
    fn with_noise(&self, meter: MeterIx, noise: i64) -> Power {
        let meter = &self.site.meters[meter.ix()];
        let power = self.circuit_power(meter.circuit).to_milliwatts();
        let scale = 1_000_000 * i128::from(ONE_SIGMA);
        let error = i128::from(power) * i128::from(noise) * i128::from(meter.error_ppm) / scale;
        Power::from_milliwatts(power + i64::try_from(error).expect("a small part of a power"))
    }

    fn is_silent(&self, meter: MeterIx) -> bool {
        let stated = self.gaps.iter().any(|gap| {
            let from = gap.after.as_secs();
            gap.meter == meter && (from..from + gap.length.as_secs()).contains(&self.t)
        });
        stated || self.is_silent_by_chance(meter)
    }

    /// At most one gap begins in each hour, and ends within it.
    fn is_silent_by_chance(&self, meter: MeterIx) -> bool {
        if self.gap_chance <= 0.0 {
            return false;
        }
        let second = self.start + self.t;
        let hour = second.div_euclid(3_600).cast_unsigned();
        let draw = |which| Draw::new(self.seed, Stream::MeterGap, meter.0.into(), hour * 4 + which);
        if draw(0).unit() >= self.gap_chance {
            return false;
        }
        let length = 2 + draw(1).below(GAP_SECONDS_MAX - 1);
        let from = draw(2).below(3_600 - length);
        (from..from + length).contains(&second.rem_euclid(3_600).cast_unsigned())
    }
}
