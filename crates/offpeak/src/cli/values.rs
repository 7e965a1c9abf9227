//! Values as people write them: durations, instants.

use std::time::Duration;

use anyhow::Result;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::exit::WrongUsage;

/// A duration such as `60s`, `5m` or `1h30m`, above zero.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is not a duration such as 60s, 5m or 1h30m");
    let parsed: SignedDuration = text.parse().map_err(|_| wrong())?;
    Duration::try_from(parsed).ok().filter(|duration| !duration.is_zero()).ok_or_else(wrong)
}

/// An instant: RFC 3339, or civil time at the site.
pub(crate) fn instant(text: &str, zone: &TimeZone) -> Result<Timestamp> {
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Ok(timestamp);
    }
    let wrong = |why: &str| {
        WrongUsage(format!(
            "`{text}` {why}\nhint: 2022-10-03T08:00 is civil time at the site, 2022-10-03T02:00:00Z an instant"
        ))
    };
    let civil: DateTime = text.parse().map_err(|_| wrong("is no time"))?;
    Ok(zone.to_timestamp(civil).map_err(|_| wrong("is no time at the site"))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(duration("60s"), Ok(Duration::from_secs(60)));
        assert_eq!(duration("1h30m"), Ok(Duration::from_secs(5_400)));
        for wrong in ["", "60", "-5s", "0s", "soon"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn civil_time_is_the_site_s() {
        let zone = TimeZone::get("Asia/Almaty").unwrap();
        let by_civil = instant("2022-10-03T08:00", &zone).unwrap();
        assert_eq!(by_civil, instant("2022-10-03T02:00:00Z", &zone).unwrap());
        assert!(instant("eight", &zone).is_err());
    }
}
