//! Whole numbers of 256 bits, as far as targets and work need them.
//!
//! For: exact comparison, sums, products and quotients of targets. Not for: anything else; there is no
//! subtraction below zero, no formatting but hexadecimal, and every operation that could overflow says so.

use core::cmp::Ordering;
use core::fmt;

/// A whole number below 2^256: four limbs of 64 bits, lowest first.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct U256([u64; 4]);

impl U256 {
    /// Zero.
    pub const ZERO: Self = Self([0; 4]);
    /// One.
    pub const ONE: Self = Self([1, 0, 0, 0]);
    /// 2^256 - 1.
    pub const MAX: Self = Self([u64::MAX; 4]);

    /// From a smaller number.
    #[must_use]
    pub const fn from_u64(value: u64) -> Self {
        Self([value, 0, 0, 0])
    }
    /// From 32 bytes, lowest first (the order of a hash as it is computed).
    #[must_use]
    #[inline]
    pub fn from_le_bytes(bytes: &[u8; 32]) -> Self {
        let (limbs, _) = bytes.as_chunks::<8>();
        Self([0, 1, 2, 3].map(|limb: usize| u64::from_le_bytes(limbs[limb])))
    }
    /// As 32 bytes, lowest first.
    #[must_use]
    pub fn to_le_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (chunk, limb) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(self.0) {
            *chunk = limb.to_le_bytes();
        }
        bytes
    }
    /// How many bits it takes; 0 for zero.
    #[must_use]
    pub const fn bits(self) -> u32 {
        let mut limb = 4;
        while limb > 0 {
            limb -= 1;
            if self.0[limb] != 0 {
                return limb as u32 * 64 + 64 - self.0[limb].leading_zeros();
            }
        }
        0
    }
    /// The lowest 64 bits.
    #[must_use]
    pub const fn low_u64(self) -> u64 {
        self.0[0]
    }
    /// The nearest float below about 1e77, within a part in 2^52.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "that is what a float is")]
    pub fn to_f64(self) -> f64 {
        self.0.iter().rev().fold(0.0, |sum, limb| sum * 2f64.powi(64) + *limb as f64)
    }
    /// The sum, unless it takes more than 256 bits.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        let mut sum = [0; 4];
        let mut carry = false;
        for (limb, (a, b)) in sum.iter_mut().zip(self.0.into_iter().zip(other.0)) {
            let (partial, first) = a.overflowing_add(b);
            let (total, second) = partial.overflowing_add(u64::from(carry));
            (*limb, carry) = (total, first || second);
        }
        (!carry).then_some(Self(sum))
    }
    /// The difference, unless it is below zero.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        // a - b = not(not(a) + b), and the sum overflows exactly when a < b.
        Some(self.complement().checked_add(other)?.complement())
    }
    /// The product with a small number, unless it takes more than 256 bits.
    #[must_use]
    pub fn checked_mul(self, factor: u32) -> Option<Self> {
        let mut product = [0; 4];
        let mut carry = 0;
        for (limb, a) in product.iter_mut().zip(self.0) {
            let wide = u128::from(a) * u128::from(factor) + carry;
            (*limb, carry) = (low_half(wide), wide >> 64);
        }
        (carry == 0).then_some(Self(product))
    }
    /// The quotient by a small number, rounded down; `None` by zero.
    #[must_use]
    pub fn checked_div_small(self, divisor: u32) -> Option<Self> {
        let divisor = (divisor != 0).then_some(u128::from(divisor))?;
        let mut quotient = [0; 4];
        let mut rest = 0;
        for (limb, a) in quotient.iter_mut().zip(self.0).rev() {
            let wide = rest << 64 | u128::from(a);
            (*limb, rest) = (low_half(wide / divisor), wide % divisor);
        }
        Some(Self(quotient))
    }
    /// The quotient, rounded down; `None` by zero. One bit at a time: for the few divisions a change of
    /// target takes, not for one a header.
    #[must_use]
    pub fn checked_div(self, divisor: Self) -> Option<Self> {
        if divisor == Self::ZERO {
            return None;
        }
        let (mut quotient, mut rest) = (Self::ZERO, Self::ZERO);
        for bit in (0..self.bits()).rev() {
            // The rest is below the divisor, so doubling it loses a bit only when the divisor has 256.
            let (lost, doubled) = (rest.0[3] >> 63 != 0, rest.shifted_up(1));
            rest = Self([doubled.0[0] | u64::from(self.bit(bit)), doubled.0[1], doubled.0[2], doubled.0[3]]);
            if lost || rest >= divisor {
                // Where a bit was lost the true rest is 2^256 more: the difference wraps to what is right.
                rest = rest.wrapping_sub(divisor);
                quotient.0[bit as usize / 64] |= 1 << (bit % 64);
            }
        }
        Some(quotient)
    }
    /// Shifted up; bits beyond the 256th are lost, as by 256 and more all are.
    #[must_use]
    pub fn shifted_up(self, by: u32) -> Self {
        let (limbs, bits) = (by as usize / 64, by % 64);
        let at = |limb: usize| if limb < 4 { self.0[limb] } else { 0 };
        Self([0, 1, 2, 3].map(|limb: usize| {
            let Some(from) = limb.checked_sub(limbs) else { return 0 };
            let carried = if bits == 0 || from == 0 { 0 } else { at(from - 1) >> (64 - bits) };
            at(from) << bits | carried
        }))
    }
    /// Shifted down; by 256 and more nothing is left.
    #[must_use]
    pub fn shifted_down(self, by: u32) -> Self {
        let (limbs, bits) = (by as usize / 64, by % 64);
        let at = |limb: usize| if limb < 4 { self.0[limb] } else { 0 };
        Self([0, 1, 2, 3].map(|limb: usize| {
            let from = limb + limbs;
            let carried = if bits == 0 { 0 } else { at(from + 1) << (64 - bits) };
            at(from) >> bits | carried
        }))
    }
    /// Every bit turned over.
    #[must_use]
    pub fn complement(self) -> Self {
        Self(self.0.map(|limb| !limb))
    }
    fn bit(self, bit: u32) -> bool {
        self.0[bit as usize / 64] >> (bit % 64) & 1 == 1
    }
    fn wrapping_sub(self, other: Self) -> Self {
        let mut difference = [0; 4];
        let mut borrow = false;
        for (limb, (a, b)) in difference.iter_mut().zip(self.0.into_iter().zip(other.0)) {
            let (partial, first) = a.overflowing_sub(b);
            let (total, second) = partial.overflowing_sub(u64::from(borrow));
            (*limb, borrow) = (total, first || second);
        }
        Self(difference)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half is what is asked for")]
const fn low_half(wide: u128) -> u64 {
    wide as u64
}

impl Ord for U256 {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.iter().rev().cmp(other.0.iter().rev())
    }
}

impl PartialOrd for U256 {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for U256 {
    /// 64 hexadecimal digits, highest first.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().rev().try_for_each(|limb| write!(f, "{limb:016x}"))
    }
}

impl fmt::Debug for U256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wide(value: u128) -> U256 {
        U256([low_half(value), low_half(value >> 64), 0, 0])
    }

    proptest! {
        #[test]
        fn small_numbers_agree_with_the_machine(a: u128, b: u128, by in 0_u32..128, small in 1_u32..) {
            prop_assert_eq!(wide(a).cmp(&wide(b)), a.cmp(&b));
            prop_assert_eq!(wide(a >> 1).checked_add(wide(b >> 1)), Some(wide((a >> 1) + (b >> 1))));
            prop_assert_eq!(wide(a).checked_sub(wide(b)), a.checked_sub(b).map(wide));
            prop_assert_eq!(wide(a).checked_div(wide(b.max(1))), Some(wide(a / b.max(1))));
            prop_assert_eq!(wide(a).checked_div_small(small), Some(wide(a / u128::from(small))));
            prop_assert_eq!(wide(a >> 32).checked_mul(small), Some(wide((a >> 32) * u128::from(small))));
            prop_assert_eq!(wide(a).shifted_down(by), wide(a >> by));
            prop_assert_eq!(wide(a >> by).shifted_up(by), wide(a >> by << by));
            prop_assert_eq!(wide(a).bits(), 128 - a.leading_zeros());
        }

        #[test]
        fn a_quotient_and_its_rest_make_the_number(limbs: [u64; 4], divisor: [u64; 4], cut in 0_u32..256) {
            let (a, b) = (U256(limbs), U256(divisor).shifted_down(cut));
            prop_assume!(b != U256::ZERO);
            let quotient = a.checked_div(b).unwrap();
            // quotient x b by doubling: it never exceeds a, and one more b would.
            let mut product = U256::ZERO;
            for bit in 0..256 {
                if quotient.bit(bit) {
                    product = product.checked_add(b.shifted_up(bit)).unwrap();
                }
            }
            let rest = a.checked_sub(product).unwrap();
            prop_assert!(rest < b);
            prop_assert_eq!(U256::from_le_bytes(&a.to_le_bytes()), a);
        }
    }

    #[test]
    fn overflow_is_said() {
        assert_eq!(U256::MAX.checked_add(U256::ONE), None);
        assert_eq!(U256::MAX.checked_mul(2), None);
        assert_eq!(U256::ZERO.checked_sub(U256::ONE), None);
        assert_eq!(U256::ONE.checked_div(U256::ZERO), None);
        assert_eq!((U256::ONE.shifted_up(255).bits(), U256::ONE.shifted_up(256)), (256, U256::ZERO));
        assert_eq!(U256::MAX.shifted_down(256), U256::ZERO);
        assert_eq!(U256::from_u64(5).shifted_up(200).to_f64(), 5.0 * 2f64.powi(200));
    }
}
