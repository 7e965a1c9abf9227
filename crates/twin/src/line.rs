//! Quantities that are linear in time between events, in integers: a line, and a line whose sum
//! over all seconds so far is kept.
//!
//! Time is counted in whole seconds since the plant's start. A quantity holds through each second
//! `[t, t + 1)` at the line's value at `t`: its sum over some seconds is exact, and does not depend
//! on how many steps it was taken in.

use std::ops::{Add, AddAssign, Neg, Sub};

/// `at_zero + slope x t`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Line {
    at_zero: i64,
    slope: i64,
}

impl Line {
    pub(crate) const ZERO: Self = Self { at_zero: 0, slope: 0 };

    /// The same value always.
    pub(crate) const fn flat(value: i64) -> Self {
        Self { at_zero: value, slope: 0 }
    }
    /// From `from` at `t` towards `to`, short of it by less than `seconds` after so many seconds.
    pub(crate) const fn ramp(t: i64, from: i64, to: i64, seconds: i64) -> Self {
        let slope = (to - from) / seconds;
        Self { at_zero: from - slope * t, slope }
    }
    pub(crate) const fn slope(self) -> i64 {
        self.slope
    }
    pub(crate) const fn at(self, t: i64) -> i64 {
        self.at_zero + self.slope * t
    }
    /// The sum of the values at 0, 1, ... t - 1.
    pub(crate) const fn sum_before(self, t: i64) -> i128 {
        let t = t as i128;
        self.at_zero as i128 * t + self.slope as i128 * (t * (t - 1) / 2)
    }
    pub(crate) const fn times(self, factor: i64) -> Self {
        Self { at_zero: self.at_zero * factor, slope: self.slope * factor }
    }
}

impl Add for Line {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self { at_zero: self.at_zero + other.at_zero, slope: self.slope + other.slope }
    }
}
impl Neg for Line {
    type Output = Self;
    fn neg(self) -> Self {
        Self { at_zero: -self.at_zero, slope: -self.slope }
    }
}
impl Sub for Line {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self + -other
    }
}
impl AddAssign for Line {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

/// A line that changes at events, and its sum over every second since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Account {
    line: Line,
    /// What the sum of the present line, taken from the start, is off by.
    settled: i128,
}

impl Account {
    pub(crate) const fn line(&self) -> Line {
        self.line
    }
    /// Adds a line from `t` on.
    pub(crate) fn add(&mut self, t: i64, delta: Line) {
        self.settled -= delta.sum_before(t);
        self.line += delta;
    }
    /// The sum over the seconds before `t`, which lies at or after the last change.
    pub(crate) const fn total(&self, t: i64) -> i128 {
        self.settled + self.line.sum_before(t)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_ends_short_of_its_goal_by_less_than_its_length() {
        let ramp = Line::ramp(1_000, 20_000, 3_300_017, 61);
        assert_eq!(ramp.at(1_000), 20_000);
        assert!((0..61).contains(&(3_300_017 - ramp.at(1_061))));
    }

    #[test]
    fn an_account_is_the_sum_of_its_seconds() {
        let mut account = Account::default();
        let mut sum = 0;
        for t in 0..200_i64 {
            match t {
                3 => account.add(t, Line::flat(500)),
                40 => account.add(t, Line::ramp(t, 0, -700, 33)),
                73 => account.add(t, -account.line()),
                100 => account.add(t, Line::ramp(t, 9, 1_000_000, 7)),
                _ => {}
            }
            sum += i128::from(account.line().at(t));
            assert_eq!(account.total(t + 1), sum);
        }
    }
}
