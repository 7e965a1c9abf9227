//! Hours in which only what is critical is told.

use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use serde::Deserialize;

/// From one civil time to another, past midnight where the second is earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    /// From this time on,
    pub from: Time,
    /// until this one.
    pub until: Time,
}

impl QuietHours {
    /// Whether an instant lies in them, by the site's clocks.
    #[must_use]
    pub fn has(&self, zone: &TimeZone, at: Timestamp) -> bool {
        let time = zone.to_datetime(at).time();
        if self.from <= self.until {
            (self.from..self.until).contains(&time)
        } else {
            time >= self.from || time < self.until
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_night_goes_past_midnight() {
        let night = QuietHours { from: Time::constant(22, 0, 0, 0), until: Time::constant(6, 0, 0, 0) };
        let has = |text: &str| night.has(&TimeZone::UTC, text.parse().unwrap());
        assert!(has("2022-10-03T22:00:00Z") && has("2022-10-04T05:59:59Z") && has("2022-10-04T00:00:00Z"));
        assert!(!has("2022-10-03T21:59:59Z") && !has("2022-10-04T06:00:00Z"));
        let noon = QuietHours { from: Time::constant(12, 0, 0, 0), until: Time::constant(13, 0, 0, 0) };
        assert!(noon.has(&TimeZone::UTC, "2022-10-03T12:30:00Z".parse().unwrap()));
        assert!(!noon.has(&TimeZone::UTC, "2022-10-03T13:00:00Z".parse().unwrap()));
    }
}
