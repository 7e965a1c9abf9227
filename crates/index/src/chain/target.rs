//! Targets: what a header's hash must not exceed, in their compact and their full form.
//!
//! For: the exact arithmetic of difficulty, work and retargets as the network does it (Bitcoin Core,
//! `arith_uint256` and `pow.cpp`; Nakamoto 2008, section 4). Not for: which target a header must have;
//! the verifier knows that.

use core::fmt;

use super::u256::U256;

/// Blocks between two retargets.
pub const RETARGET_BLOCKS: u32 = 2_016;
/// Seconds that a block should take.
pub const BLOCK_SECONDS: u32 = 600;
/// Seconds that [`RETARGET_BLOCKS`] should take: two weeks. The network measures them over one interval
/// fewer, from the first block of a period to its last: with blocks exactly on time every retarget raises
/// the difficulty by 1/2015, an old slip that is now a rule.
pub const RETARGET_SECONDS: u32 = RETARGET_BLOCKS * BLOCK_SECONDS;
/// Hashes that a block takes on average at difficulty 1, as hash rates are quoted (2^32; exactly it is
/// 2^48 / 0xffff, a part in 65,535 more).
pub const HASHES_PER_DIFFICULTY: f64 = 4_294_967_296.0;

/// Why a compact target stands for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// The sign bit is set.
    #[error("a negative target")]
    Negative,
    /// More than 256 bits.
    #[error("a target of more than 256 bits")]
    Overflow,
    /// No hash would do.
    #[error("a target of zero")]
    Zero,
}

/// A target as a header carries it: an exponent of 256 in the highest byte, a sign bit, 23 bits of mantissa.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CompactTarget(u32);

impl CompactTarget {
    /// From the 32 bits of a header.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }
    /// The 32 bits of a header.
    #[must_use]
    pub const fn to_bits(self) -> u32 {
        self.0
    }
    /// The target that these bits stand for.
    ///
    /// # Errors
    /// Bits that stand for zero, for a negative number or for more than 256 bits.
    pub fn target(self) -> Result<Target, TargetError> {
        let (size, mantissa) = (self.0 >> 24, self.0 & 0x007f_ffff);
        let value = U256::from_u64(u64::from(mantissa));
        let value =
            if size <= 3 { value.shifted_down(8 * (3 - size)) } else { value.shifted_up(8 * (size - 3)) };
        // In this order: what a small exponent shifts away is zero whatever its sign.
        let shown = if size <= 3 { mantissa >> (8 * (3 - size)) } else { mantissa };
        if shown == 0 {
            return Err(TargetError::Zero);
        }
        if self.0 & 0x0080_0000 != 0 {
            return Err(TargetError::Negative);
        }
        let bits = 32 - mantissa.leading_zeros() + 8 * size.saturating_sub(3);
        if size > 3 && bits > 256 { Err(TargetError::Overflow) } else { Ok(Target(value)) }
    }
}

impl fmt::Display for CompactTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

/// The highest number that a block's hash may be; never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target(U256);

impl Target {
    /// The highest target that mainnet allows: 2^224 - 1, in compact form `1d00ffff`.
    #[must_use]
    pub fn mainnet_limit() -> Self {
        Self(U256::MAX.shifted_down(32))
    }
    /// The highest target of the regression test network: 2^255 - 1, in compact form `207fffff`.
    #[must_use]
    pub fn regtest_limit() -> Self {
        Self(U256::MAX.shifted_down(1))
    }
    /// From a number; `None` for zero.
    #[must_use]
    pub fn new(value: U256) -> Option<Self> {
        (value != U256::ZERO).then_some(Self(value))
    }
    /// As a number.
    #[must_use]
    pub const fn to_u256(self) -> U256 {
        self.0
    }
    /// The compact form; digits beyond its 23 bits are cut off.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "at most 24 bits are left")]
    pub fn compact(self) -> CompactTarget {
        let mut size = self.0.bits().div_ceil(8);
        let mut mantissa = match size {
            0..=3 => self.0.low_u64() << (8 * (3 - size)),
            _ => self.0.shifted_down(8 * (size - 3)).low_u64(),
        };
        if mantissa & 0x0080_0000 != 0 {
            // The highest bit is the sign: one byte more of exponent, one fewer of mantissa.
            mantissa >>= 8;
            size += 1;
        }
        CompactTarget(mantissa as u32 | size << 24)
    }
    /// Whether a hash, lowest byte first, is low enough.
    #[must_use]
    #[inline]
    pub fn allows(self, hash: &[u8; 32]) -> bool {
        U256::from_le_bytes(hash) <= self.0
    }
    /// How many hashes it takes on average to find one: 2^256 / (target + 1), rounded down.
    #[must_use]
    pub fn work(self) -> Work {
        let Some(above) = self.0.checked_add(U256::ONE) else { return Work(U256::ONE) };
        // 2^256 / n = (2^256 - n) / n + 1, and 2^256 - n is the target with every bit turned over.
        let quotient = self.0.complement().checked_div(above).expect("one more than a number is not zero");
        Work(quotient.checked_add(U256::ONE).expect("the target is at least 1, so this is at most 2^255"))
    }
    /// The difficulty: 0xffff x 2^208 over this target.
    #[must_use]
    pub fn difficulty(self) -> f64 {
        U256::from_u64(0xffff).shifted_up(208).to_f64() / self.0.to_f64()
    }
    /// The target with this difficulty, within a part in 2^52; `None` unless it fits.
    #[must_use]
    pub fn from_difficulty(difficulty: f64) -> Option<Self> {
        let target = U256::from_u64(0xffff).shifted_up(208).to_f64() / difficulty;
        if !(target >= 1.0 && target < 2f64.powi(256)) {
            return None;
        }
        // A float is 52 bits and an exponent.
        let bits = target.to_bits();
        let exponent = (bits >> 52 & 0x7ff).checked_sub(1_023)?;
        let mantissa = U256::from_u64(bits & ((1 << 52) - 1) | 1 << 52);
        let exponent = u32::try_from(exponent).ok()?;
        Self::new(if exponent >= 52 {
            mantissa.shifted_up(exponent - 52)
        } else {
            mantissa.shifted_down(52 - exponent)
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A number of hashes done on average.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Work(U256);

impl Work {
    /// None.
    pub const ZERO: Self = Self(U256::ZERO);
    /// As a number of hashes.
    #[must_use]
    pub const fn to_u256(self) -> U256 {
        self.0
    }
    /// As a number of hashes, within a part in 2^52.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        self.0.to_f64()
    }
    /// The sum; the most there is where it would overflow (all of Bitcoin's is below 2^100).
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.checked_add(other.0).unwrap_or(U256::MAX))
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The target of a period after one whose first and last block are `seconds` apart: the old one times
/// `seconds` over two weeks, `seconds` held between a quarter and four times of that, never above `limit`.
///
/// # Errors
/// An old target that stands for none.
pub fn retarget(old: CompactTarget, seconds: i64, limit: Target) -> Result<CompactTarget, TargetError> {
    let held = seconds.clamp(i64::from(RETARGET_SECONDS / 4), i64::from(RETARGET_SECONDS) * 4);
    let held = u32::try_from(held).expect("held between two numbers below 2^32");
    let scaled = old.target()?.0.checked_mul(held);
    let new = scaled.and_then(|scaled| scaled.checked_div_small(RETARGET_SECONDS));
    // Too large for 256 bits is above any limit; too small to count cannot be (a quarter of 1 is 0).
    let new = new.map_or(limit, |new| Target(new).min(limit));
    if new.0 == U256::ZERO { Err(TargetError::Zero) } else { Ok(new.compact()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn compact(bits: u32) -> CompactTarget {
        CompactTarget::from_bits(bits)
    }

    /// The network's own edge cases (Bitcoin Core, `arith_uint256_tests.cpp`, bignum_SetCompact).
    #[test]
    fn compact_forms_are_read_as_the_network_reads_them() {
        for zero in [0, 0x0012_3456, 0x0100_3456, 0x0200_0056, 0x0300_0000, 0x0400_0000, 0x0092_3456] {
            assert_eq!(compact(zero).target(), Err(TargetError::Zero), "{zero:08x}");
        }
        assert_eq!(compact(0x0180_3456).target(), Err(TargetError::Zero));
        assert_eq!(compact(0x01fe_dcba).target(), Err(TargetError::Negative));
        assert_eq!(compact(0x0492_3456).target(), Err(TargetError::Negative));
        assert_eq!(compact(0xff12_3456).target(), Err(TargetError::Overflow));
        assert_eq!(compact(0x2200_0100).target(), Err(TargetError::Overflow));
        assert_eq!(compact(0x2200_00ff).target().unwrap().to_u256(), U256::from_u64(0xff).shifted_up(248));
        for (bits, value, back) in [
            (0x0112_3456, 0x12, 0x0112_0000),
            (0x0212_3456, 0x1234, 0x0212_3400),
            (0x0312_3456, 0x0012_3456, 0x0312_3456),
            (0x0412_3456, 0x1234_5600, 0x0412_3456),
            (0x0500_9234, 0x9234_0000, 0x0500_9234),
        ] {
            let target = compact(bits).target().unwrap();
            assert_eq!(target.to_u256(), U256::from_u64(value), "{bits:08x}");
            assert_eq!(target.compact(), compact(back), "{bits:08x}");
        }
        let eighty = Target::new(U256::from_u64(0x80)).unwrap();
        assert_eq!(eighty.compact(), compact(0x0200_8000), "the sign bit is kept clear");
    }

    #[test]
    fn the_highest_target_has_difficulty_one() {
        let limit = compact(0x1d00_ffff).target().unwrap();
        assert_eq!(limit.difficulty(), 1.0);
        assert_eq!(Target::mainnet_limit().compact(), compact(0x1d00_ffff));
        assert!(limit < Target::mainnet_limit(), "the compact form cuts digits off");
        assert_eq!(limit.work().to_u256(), U256::from_u64(0x1_0001_0001), "2^256 / (0xffff x 2^208 + 1)");
        assert_eq!(Target::regtest_limit().compact(), compact(0x207f_ffff));
        assert_eq!(Target::regtest_limit().work().to_u256(), U256::from_u64(2));
        assert_eq!(Target(U256::MAX).work().to_u256(), U256::ONE);
    }

    proptest! {
        #[test]
        fn a_compact_form_read_and_written_is_the_same(bits: u32) {
            let Ok(target) = compact(bits).target() else { return Ok(()) };
            let back = target.compact();
            prop_assert_eq!(back.target().unwrap(), target, "{}", back);
            // Only leading zero bytes of the mantissa may be written differently.
            prop_assert!(back.to_bits() & 0x00ff_8000 != 0 || target.to_u256().bits() < 16);
        }

        #[test]
        fn a_target_made_compact_loses_less_than_a_part_in_32768(limbs: [u8; 32], cut in 0_u32..256) {
            let Some(target) = Target::new(U256::from_le_bytes(&limbs).shifted_down(cut)) else { return Ok(()) };
            let cut_off = target.compact().target().unwrap();
            prop_assert!(cut_off <= target);
            prop_assert!(cut_off.to_u256().to_f64() >= target.to_u256().to_f64() * (1.0 - 1.0 / 32_768.0));
        }

        #[test]
        fn a_difficulty_finds_its_compact_target_again(mantissa in 0x8000_u32..0x80_0000, size in 11_u32..0x1d) {
            let bits = compact(size << 24 | mantissa);
            let target = bits.target().unwrap();
            let near = Target::from_difficulty(target.difficulty()).unwrap();
            let ratio = near.to_u256().to_f64() / target.to_u256().to_f64();
            prop_assert!((ratio - 1.0).abs() < 1e-15);
        }

        #[test]
        fn a_retarget_stays_within_a_factor_of_four(bits in 0x1b00_8000_u32..0x1c7f_ffff, seconds: i64) {
            prop_assume!(compact(bits).target().is_ok());
            let limit = Target::mainnet_limit();
            let new = retarget(compact(bits), seconds, limit).unwrap().target().unwrap();
            let ratio = new.to_u256().to_f64() / compact(bits).target().unwrap().to_u256().to_f64();
            prop_assert!((0.2499..=4.0).contains(&ratio) && new <= limit, "{ratio}");
        }
    }
}
