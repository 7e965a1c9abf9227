//! Whether a meter is stuck: it answers, with one and the same value, while the machines' load changes.
//!
//! Not here: a meter that does not answer at all; its readings age.

use jiff::Timestamp;
use offpeak_site::MeterReading;
use offpeak_units::Power;

use crate::limits;

/// Since when a meter has shown the same value, and what its machines drew by their settled words then and now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Frozen {
    shown: Option<(Power, Timestamp)>,
    then: Power,
    now: Power,
}

/// By what share of the load the machines must have changed.
const SHARE: f64 = 0.05;
/// And at least by this: a machine or two.
const LEAST: Power = Power::from_watts(5_000);

impl Frozen {
    /// Takes a reading.
    pub fn feed(&mut self, reading: MeterReading) {
        if self.shown.is_none_or(|(power, _)| power != reading.power) {
            self.shown = Some((reading.power, reading.at));
            self.then = self.now;
        }
    }
    /// Takes in what the machines below the meter draw by their words, those on their way left out.
    pub(crate) fn note(&mut self, settled: Power) {
        self.now = settled;
    }
    /// Whether its value is not to be believed.
    #[must_use]
    pub fn is_stuck(&self, at: Timestamp) -> bool {
        let moved = (self.now - self.then).abs();
        let long = self.shown.is_some_and(|(_, since)| since.duration_until(at) >= limits::METER_FROZEN);
        long && moved > LEAST && moved > self.now.max(self.then).scale(SHARE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a small second")
    }
    fn feed(frozen: &mut Frozen, second: i64, watts: i64) {
        frozen.feed(MeterReading { at: at(second), power: Power::from_watts(watts), energy: None });
    }

    #[test]
    fn one_value_alone_is_no_sign() {
        let mut frozen = Frozen::default();
        frozen.note(Power::from_watts(100_000));
        for second in 0..600 {
            feed(&mut frozen, second, 100_000);
        }
        assert!(!frozen.is_stuck(at(600)), "a steady load");
        frozen.note(Power::from_watts(90_000));
        assert!(frozen.is_stuck(at(600)));
        feed(&mut frozen, 601, 90_500);
        assert!(!frozen.is_stuck(at(700)), "it moves again");
    }
}
