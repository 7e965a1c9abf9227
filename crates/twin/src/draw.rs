//! Draws that depend on nothing but a seed and a key: the same key gives the same value whenever
//! and in whatever order it is asked. Only integer arithmetic and the four operations of IEEE 754
//! are used, so a seed replays on every platform.
//!
//! Not here: what is drawn, and any state.

/// What a draw is for; keeps the streams apart.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stream {
    Spread = 1,
    Fault,
    FaultDetail,
    Transition,
    Reboot,
    Death,
    Hang,
    Weather,
    MeterNoise,
    MeterGap,
}

/// A key: seed, stream, whose, and which one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draw(u64);

/// The finaliser of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
/// generators", OOPSLA 2014), with its golden-ratio increment.
const fn mix(state: u64) -> u64 {
    let z = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Draw {
    /// The draw number `which` of `whose` in a stream.
    pub(crate) const fn new(seed: u64, stream: Stream, whose: u64, which: u64) -> Self {
        Self(mix(mix(mix(seed ^ ((stream as u64) << 56)) ^ whose) ^ which))
    }
    const fn word(self, place: u64) -> u64 {
        mix(self.0 ^ mix(place))
    }
    /// Below `bound`, all equally likely (to within 2^-32 for bounds below 2^32).
    pub(crate) const fn below(self, bound: u64) -> u64 {
        ((self.word(0) as u128 * bound as u128) >> 64) as u64
    }
    /// In 0 to 1, both excluded.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are kept")]
    pub(crate) fn unit(self) -> f64 {
        ((self.word(0) >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
    }
    /// Standard normal in 65,536ths, within ± `bound` of them: the sum of twelve uniform values
    /// (Irwin-Hall), drawn again when beyond the bound.
    pub(crate) fn normal(self, bound: i64) -> i64 {
        let mut last = 0;
        for attempt in 0..8 {
            let mut sum: i64 = 0;
            for place in 0..3 {
                let word = self.word(1 + attempt * 3 + place);
                sum +=
                    ((word & 0xFFFF) + (word >> 16 & 0xFFFF) + (word >> 32 & 0xFFFF) + (word >> 48)) as i64;
            }
            // Twelve 16-bit values: the mean is 12 x 65,535 / 2, the deviation 65,536.
            last = sum - 393_210;
            if last.abs() <= bound {
                return last;
            }
        }
        last.clamp(-bound, bound)
    }
    /// Standard normal as a float, within ± 3.
    #[expect(clippy::cast_precision_loss, reason = "below 2^18")]
    pub(crate) fn normal_f64(self) -> f64 {
        self.normal(3 * ONE_SIGMA) as f64 / ONE_SIGMA as f64
    }
    /// Log-normal with these 5th and 95th percentiles (both above zero), within three sigma.
    pub(crate) fn log_normal(self, p5: f64, p95: f64) -> f64 {
        let (low, high) = (ln(p5), ln(p95));
        exp(low + (high - low) * (self.normal_f64() + Z95) / (2.0 * Z95))
    }
    /// The gap to the next event of a Poisson process of this mean gap.
    pub(crate) fn exponential(self, mean: f64) -> f64 {
        -ln(self.unit()) * mean
    }
}

/// One standard deviation of [`Draw::normal`].
pub(crate) const ONE_SIGMA: i64 = 65_536;

/// The 95th percentile of the standard normal.
const Z95: f64 = 1.644_853_626_951_472_7;

/// e^x for |x| below 700: Taylor of x/1024, squared ten times. Good to 1e-12.
pub(crate) fn exp(x: f64) -> f64 {
    let small = x / 1_024.0;
    let mut sum = 1.0 + small / 8.0;
    for divisor in [7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0] {
        sum = 1.0 + small / divisor * sum;
    }
    for _ in 0..10 {
        sum *= sum;
    }
    sum
}

/// The natural logarithm of a positive number: the exponent is taken off, the rest by the series of
/// the inverse hyperbolic tangent.
pub(crate) fn ln(x: f64) -> f64 {
    assert!(x > 0.0 && x.is_finite(), "ln of {x}");
    let mut mantissa = x;
    let mut exponent = 0.0;
    while mantissa > 1.5 {
        mantissa /= 2.0;
        exponent += 1.0;
    }
    while mantissa < 0.75 {
        mantissa *= 2.0;
        exponent -= 1.0;
    }
    let ratio = (mantissa - 1.0) / (mantissa + 1.0);
    let square = ratio * ratio;
    let mut sum = 0.0;
    for odd in (0..12).rev() {
        sum = sum * square + 1.0 / (2.0 * f64::from(odd) + 1.0);
    }
    2.0 * ratio * sum + exponent * std::f64::consts::LN_2
}

/// The cosine of a whole turn times `turns`, by its Taylor series.
pub(crate) fn cos_turns(turns: f64) -> f64 {
    let turns = turns - (turns + 0.5).floor();
    let square = (turns * std::f64::consts::TAU) * (turns * std::f64::consts::TAU);
    let mut sum = 1.0;
    for step in (1..=12).rev() {
        let n = 2.0 * f64::from(step);
        sum = 1.0 - square / (n * (n - 1.0)) * sum;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draws(count: u64) -> impl Iterator<Item = Draw> {
        (0..count).map(|which| Draw::new(7, Stream::Spread, 3, which))
    }

    #[test]
    fn series_agree_with_the_standard_library() {
        for x in [-20.0, -1.0, -1e-3, 0.0, 0.5, 1.0, 12.0, 30.0_f64] {
            assert!((exp(x) / x.exp() - 1.0).abs() < 1e-11, "exp {x}");
        }
        for x in [1e-9, 0.3, 0.75, 1.0, 1.4999, 1.5, 2.0, 60_000.0, 1e12_f64] {
            assert!((ln(x) - x.ln()).abs() < 1e-11, "ln {x}");
        }
        for turns in [-3.3, -0.5, 0.0, 0.1, 0.25, 0.5, 0.9, 7.125_f64] {
            assert!((cos_turns(turns) - (turns * std::f64::consts::TAU).cos()).abs() < 1e-9, "cos {turns}");
        }
    }

    #[test]
    fn normal_has_mean_zero_deviation_one_and_a_bound() {
        let values: Vec<f64> = draws(100_000).map(Draw::normal_f64).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|v| v * v).sum::<f64>() / values.len() as f64;
        assert!(mean.abs() < 0.015, "{mean}");
        // Cut at three sigma, a normal's variance is 0.973.
        assert!((variance - 0.973).abs() < 0.03, "{variance}");
        assert!(values.iter().all(|v| v.abs() <= 3.0));
    }

    #[test]
    fn log_normal_meets_its_percentiles() {
        let mut values: Vec<f64> = draws(50_000).map(|draw| draw.log_normal(2_000.0, 10_000.0)).collect();
        values.sort_by(f64::total_cmp);
        assert!((values[2_500] / 2_000.0 - 1.0).abs() < 0.03, "{}", values[2_500]);
        assert!((values[47_500] / 10_000.0 - 1.0).abs() < 0.03, "{}", values[47_500]);
    }

    #[test]
    fn exponential_has_its_mean() {
        let mean = draws(50_000).map(|draw| draw.exponential(40.0)).sum::<f64>() / 50_000.0;
        assert!((mean - 40.0).abs() < 1.0, "{mean}");
    }

    #[test]
    fn keys_do_not_collide() {
        let mut words: Vec<u64> = (0..50)
            .flat_map(|seed| {
                (0..50).map(move |whose| Draw::new(seed, Stream::Fault, whose, 1).below(u64::MAX))
            })
            .collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), 2_500);
    }
}
