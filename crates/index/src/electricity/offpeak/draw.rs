//! Seeded random numbers for the uncertainty band.
//!
//! For: draws that are the same on every machine for the same seed. Not for: secrets.

/// `SplitMix64` (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014).
pub(super) struct Draw(u64);

impl Draw {
    /// From a seed.
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }
    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
    /// From 0 up to 1, each as likely.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    pub(super) fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
    /// Between `1 - spread` and `1 + spread`, each as likely.
    pub(super) fn around_one(&mut self, spread: f64) -> f64 {
        1.0 + spread * (2.0 * self.uniform() - 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_sequence_for_seed_1234567() {
        let mut draw = Draw::new(1_234_567);
        assert_eq!([draw.next(), draw.next()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }

    #[test]
    fn uniform_numbers_stay_within_their_range() {
        let mut draw = Draw::new(7);
        let numbers: Vec<f64> = (0..10_000).map(|_| draw.around_one(0.2)).collect();
        assert!(numbers.iter().all(|number| (0.8..1.2).contains(number)));
        assert!((numbers.iter().sum::<f64>() / 1e4 - 1.0).abs() < 0.01);
    }
}
