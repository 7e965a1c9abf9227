//! The outdoor temperature, and what it does to machines.
//!
//! Not here: humidity, wind, altitude.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use offpeak_units::Temperature;

use crate::draw::{Draw, Stream, cos_turns};
use crate::scenario::Climate;

/// The temperature holds for this many seconds.
pub(crate) const STEP: i64 = 600;

/// One month's normals in °C.
struct Month {
    mean: f64,
    /// The mean daily maximum less the mean daily minimum.
    range: f64,
    /// The standard deviation of daily means around their normal.
    wander: f64,
}

const fn month(high: f64, low: f64, wander: f64) -> Month {
    Month { mean: (high + low) / 2.0, range: high - low, wander }
}

/// Mean daily maximum and minimum by month, of Pavlodar, 120 km to the north-east. Sources, and which
/// of these are estimates, in `docs/twin.md`; the day-to-day deviations all are.
const NORMALS: [Month; 12] = [
    month(-11.1, -20.6, 7.0),
    month(-9.6, -19.9, 6.5),
    month(-2.0, -12.1, 5.5),
    month(12.0, -0.3, 5.0),
    month(20.6, 6.8, 4.5),
    month(26.4, 13.0, 4.0),
    month(28.0, 14.8, 3.5),
    month(25.8, 12.5, 3.5),
    month(19.3, 6.4, 4.0),
    month(10.0, -0.6, 4.5),
    month(-1.6, -9.6, 6.0),
    month(-8.7, -17.7, 7.0),
];

/// Ekibastuz lies at 75.3° E: its mean solar time is 5 h 1 min ahead of UTC whatever the clocks say.
const SOLAR_OFFSET: i64 = 5 * 3_600 + 72;

/// The hour of solar time at which the day is warmest (the usual lag of two to three hours after noon).
const WARMEST_HOUR: f64 = 15.0;

/// The temperature in the step that holds at a Unix second.
pub(crate) fn outdoor(climate: Climate, seed: u64, second: i64) -> Temperature {
    match climate {
        Climate::Constant(temperature) => temperature,
        Climate::Ekibastuz => ekibastuz(seed, second.div_euclid(STEP) * STEP),
    }
}

#[expect(clippy::cast_precision_loss, reason = "seconds of a day and days of a wander")]
fn ekibastuz(seed: u64, second: i64) -> Temperature {
    let solar = second + SOLAR_OFFSET;
    let (day, second_of_day) = (solar.div_euclid(86_400), solar.rem_euclid(86_400));
    let date = Timestamp::from_second(solar).map(|at| TimeZone::UTC.to_datetime(at).date());
    let date = date.expect("a plant's time lies within the calendar");
    // Normals hold in the middle of their month and are joined by straight lines.
    let position = f64::from(date.month()) - 1.0
        + (f64::from(date.day()) - 0.5 + second_of_day as f64 / 86_400.0 - 0.5)
            / f64::from(date.days_in_month());
    let shifted = position + 11.5;
    let (before, share) = (shifted.floor(), shifted - shifted.floor());
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "11 to 23")]
    let (a, b) = (&NORMALS[before as usize % 12], &NORMALS[(before as usize + 1) % 12]);
    let between = |a: f64, b: f64| a + (b - a) * share;
    let hour = second_of_day as f64 / 3_600.0;
    let daily = between(a.range, b.range) / 2.0 * cos_turns((hour - WARMEST_HOUR) / 24.0);
    let wander = between(a.wander, b.wander) * wander(seed, day, second_of_day as f64 / 86_400.0);
    let celsius = between(a.mean, b.mean) + daily + wander;
    Temperature::from_celsius_f64(celsius.clamp(-47.0, 42.0)).expect("clamped to the records")
}

/// The day's deviation in standard deviations: each day's normal draw, mixed with those of the days
/// around it (weather lasts for days) and joined by straight lines.
fn wander(seed: u64, day: i64, share: f64) -> f64 {
    let draw = |day: i64| Draw::new(seed, Stream::Weather, day.cast_unsigned(), 0).normal_f64();
    // Weights 1 : 2 : 1, scaled so that the variance is one.
    let smooth = |day: i64| (draw(day - 1) + 2.0 * draw(day) + draw(day + 1)) * 0.408_248_290_463_863;
    let (today, tomorrow) = (smooth(day), smooth(day + 1));
    today + (tomorrow - today) * share
}

/// What the machines breathe in: the outdoor air, a little warmed by the hall, and in the cold mixed
/// with the machines' own exhaust so that it never falls below 5 °C (the least that makers allow is
/// -5 to 5 °C).
pub(crate) fn inlet(outdoor: Temperature) -> Temperature {
    let warmed = outdoor.to_millicelsius() + 2_000;
    Temperature::from_millicelsius(warmed.max(5_000))
}

/// How many thousandths of their power at 25 °C hashing machines draw more at this inlet: 0.3 % a
/// degree, in whole steps.
pub(crate) fn warmth(inlet: Temperature) -> i64 {
    let millidegrees = i64::from(inlet.to_millicelsius()) - 25_000;
    (millidegrees * POWER_PER_DEGREE_PERMILLE + millidegrees.signum() * 500) / 1_000
}

/// Thousandths of the power at 25 °C for each degree of inlet temperature.
const POWER_PER_DEGREE_PERMILLE: i64 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warmth_is_zero_at_the_catalogues_temperature() {
        let at = |celsius| warmth(Temperature::from_celsius(celsius));
        assert_eq!((at(25), at(35), at(5)), (0, 30, -60));
        assert_eq!(warmth(Temperature::from_millicelsius(25_160)), 0);
        assert_eq!(warmth(Temperature::from_millicelsius(25_180)), 1);
    }

    #[test]
    fn the_inlet_is_never_freezing() {
        assert_eq!(inlet(Temperature::from_celsius(-40)), Temperature::from_celsius(5));
        assert_eq!(inlet(Temperature::from_celsius(30)), Temperature::from_celsius(32));
    }

    #[test]
    fn the_temperature_holds_for_its_step_and_never_jumps() {
        let at = |second| outdoor(Climate::Ekibastuz, 9, second);
        let start = 1_640_995_200;
        assert_eq!(at(start), at(start + STEP - 1));
        for step in 0..365 * 144 {
            let (a, b) = (at(start + step * STEP), at(start + (step + 1) * STEP));
            assert!((a.to_celsius_f64() - b.to_celsius_f64()).abs() < 0.8, "{a} {b}");
        }
    }
}
