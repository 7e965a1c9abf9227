//! What a circuit's meter has drawn in the present stretch of 15, 30 and 60 minutes, and what is left of a
//! limit on its mean.
//!
//! A mean is never caught up: where less was drawn than allowed, the limit stays. Where more was drawn, by
//! whatever cause, the rest of the stretch makes up for it.

use jiff::Timestamp;
use offpeak_site::{Measure, MeterReading};
use offpeak_units::Power;

use crate::limits;

/// One stretch so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Stretch {
    /// When it began, in Unix seconds.
    from: i64,
    /// What has been drawn in it.
    milliwatt_seconds: i128,
    /// Seconds of it that nobody measured, at its beginning.
    unseen: i64,
}

/// The stretches of one meter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Means {
    stretches: [Stretch; Measure::MINUTES.len()],
    last: Option<(Timestamp, Power)>,
}

/// The Unix second at which the stretch of a civil clock begins in which `at` lies.
pub(crate) fn begins(at: Timestamp, minutes: u8, offset_s: i64) -> i64 {
    let length = i64::from(minutes) * 60;
    (at.as_second() + offset_s).div_euclid(length) * length - offset_s
}

impl Means {
    /// Takes a reading; `offset_s` is the site's clock ahead of UTC. One no newer than the last is ignored.
    /// Time without readings counts at the higher of the two around it.
    pub fn feed(&mut self, reading: MeterReading, offset_s: i64) {
        let before = self.last;
        if before.is_some_and(|(at, _)| reading.at <= at) {
            return;
        }
        self.last = Some((reading.at, reading.power));
        let power = before.map_or(reading.power, |(_, power)| power.max(reading.power));
        let since = before.map(|(at, _)| at.as_second());
        for (stretch, minutes) in self.stretches.iter_mut().zip(Measure::MINUTES) {
            let from = begins(reading.at, minutes, offset_s);
            if stretch.from != from {
                *stretch = Stretch { from, milliwatt_seconds: 0, unseen: 0 };
                if since.is_none() {
                    stretch.unseen = reading.at.as_second() - from;
                }
            }
            let counted_from = since.unwrap_or(reading.at.as_second()).max(from);
            let seconds = i128::from(reading.at.as_second() - counted_from);
            stretch.milliwatt_seconds += i128::from(power.to_milliwatts()) * seconds;
        }
    }

    /// What may be drawn from now on so that the mean of the present stretch stays at a limit: never more than
    /// the limit. What nobody measured counts at the limit, or at what was first measured where that is more.
    #[must_use]
    pub fn allowance(&self, limit: Power, measure: Measure, at: Timestamp, offset_s: i64) -> Power {
        let Measure::Mean(minutes) = measure else { return limit };
        let place = Measure::MINUTES.iter().position(|known| *known == minutes);
        let (Some(place), Some((last, power))) = (place, self.last) else { return limit };
        let stretch = self.stretches[place];
        let length = i64::from(minutes) * 60;
        if stretch.from != begins(at, minutes, offset_s) {
            return limit;
        }
        let silent = (at.as_second() - last.as_second()).max(0);
        let unmeasured = i128::from(limit.max(power).to_milliwatts()) * i128::from(stretch.unseen + silent);
        let whole = i128::from(limit.to_milliwatts()) * i128::from(length);
        let left = (stretch.from + length - at.as_second()).max(limits::MEAN_LEFT_LEAST.as_secs());
        let rest = (whole - stretch.milliwatt_seconds - unmeasured) / i128::from(left);
        Power::from_milliwatts(i64::try_from(rest.max(0)).unwrap_or(i64::MAX)).min(limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_664_733_600 + second).expect("a small second")
    }
    fn kw(kilowatts: i64) -> Power {
        Power::from_kilowatts(kilowatts)
    }
    fn fed(seconds: std::ops::Range<i64>, kilowatts: i64) -> Means {
        let mut means = Means::default();
        for second in seconds {
            means.feed(MeterReading { at: at(second), power: kw(kilowatts), energy: None }, 0);
        }
        means
    }

    #[test]
    fn what_was_overdrawn_is_made_up_for() {
        let quarter = Measure::Mean(15);
        let means = fed(0..301, 120);
        // 300 s at 120 of 100 kW: 600 s are left for (900 x 100 - 300 x 120) kWs.
        assert_eq!(means.allowance(kw(100), quarter, at(300), 0), kw(90));
        assert_eq!(means.allowance(kw(100), quarter, at(900), 0), kw(100), "a new stretch");
        assert_eq!(means.allowance(kw(100), Measure::Instant, at(300), 0), kw(100));
    }

    #[test]
    fn what_was_saved_is_not_caught_up() {
        assert_eq!(fed(0..301, 50).allowance(kw(100), Measure::Mean(15), at(300), 0), kw(100));
    }

    #[test]
    fn what_nobody_measured_counts_in_full() {
        // First seen after 300 s at 160 kW, and silent for 60 s after another 60.
        let means = fed(300..361, 160);
        let rest = 900 * 100 - 420 * 160;
        assert_eq!(
            means.allowance(kw(100), Measure::Mean(15), at(420), 0).to_milliwatts(),
            rest * 1_000_000 / 480
        );
    }

    #[test]
    fn a_stretch_follows_the_civil_clock() {
        let half_hour = 1_800;
        assert_eq!(begins(at(2_000), 60, half_hour), at(1_800).as_second());
        assert_eq!(begins(at(2_000), 60, 0), at(0).as_second());
    }
}
