//! What all linear quantities share: order, sums, scaling. Not for quantities with an offset zero
//! (temperature) or a currency (money).

/// Gives an integer newtype addition, subtraction, negation, sums and integer scaling.
macro_rules! linear_quantity {
    ($name:ident, $repr:ty) => {
        impl $name {
            /// Nothing at all.
            pub const ZERO: Self = Self(0);

            /// The larger part above `other`, or zero.
            #[must_use]
            #[inline]
            pub fn saturating_sub(self, other: Self) -> Self {
                if self > other { self - other } else { Self::ZERO }
            }

            /// Whether the value is exactly zero.
            #[must_use]
            #[inline]
            pub const fn is_zero(self) -> bool {
                self.0 == 0
            }

            /// Whether the value is below zero (an export, a fall).
            #[must_use]
            #[inline]
            pub const fn is_negative(self) -> bool {
                self.0 < 0
            }

            /// The magnitude.
            #[must_use]
            #[inline]
            pub const fn abs(self) -> Self {
                Self(self.0.abs())
            }

            /// Scaled by a plain factor, rounded half away from zero. A factor that is not finite
            /// gives no sensible quantity and panics.
            ///
            /// # Panics
            /// If `factor` is NaN or infinite.
            #[must_use]
            #[inline]
            #[expect(
                clippy::cast_precision_loss,
                clippy::cast_possible_truncation,
                reason = "a scaled estimate; exact sums never pass here"
            )]
            pub fn scale(self, factor: f64) -> Self {
                assert!(factor.is_finite(), "scale factor {factor} is not finite");
                Self((self.0 as f64 * factor).round() as $repr)
            }

            /// This over `whole`, or `None` when `whole` is zero.
            #[must_use]
            #[inline]
            #[expect(clippy::cast_precision_loss, reason = "a ratio is an estimate by nature")]
            pub fn ratio_to(self, whole: Self) -> Option<f64> {
                (whole.0 != 0).then(|| self.0 as f64 / whole.0 as f64)
            }
        }

        impl core::ops::Add for $name {
            type Output = Self;
            #[inline]
            fn add(self, other: Self) -> Self {
                Self(self.0.checked_add(other.0).expect(concat!(stringify!($name), " sum within range")))
            }
        }
        impl core::ops::Sub for $name {
            type Output = Self;
            #[inline]
            fn sub(self, other: Self) -> Self {
                Self(
                    self.0
                        .checked_sub(other.0)
                        .expect(concat!(stringify!($name), " difference within range")),
                )
            }
        }
        impl core::ops::AddAssign for $name {
            #[inline]
            fn add_assign(&mut self, other: Self) {
                *self = *self + other;
            }
        }
        impl core::ops::SubAssign for $name {
            #[inline]
            fn sub_assign(&mut self, other: Self) {
                *self = *self - other;
            }
        }
        impl core::ops::Neg for $name {
            type Output = Self;
            #[inline]
            fn neg(self) -> Self {
                Self(-self.0)
            }
        }
        impl core::ops::Mul<i64> for $name {
            type Output = Self;
            #[inline]
            fn mul(self, times: i64) -> Self {
                Self(
                    self.0
                        .checked_mul(times.into())
                        .expect(concat!(stringify!($name), " product within range")),
                )
            }
        }
        impl core::iter::Sum for $name {
            #[inline]
            fn sum<I: Iterator<Item = Self>>(values: I) -> Self {
                values.fold(Self::ZERO, |sum, value| sum + value)
            }
        }
        impl<'a> core::iter::Sum<&'a Self> for $name {
            #[inline]
            fn sum<I: Iterator<Item = &'a Self>>(values: I) -> Self {
                values.copied().sum()
            }
        }
    };
}
pub(crate) use linear_quantity;
