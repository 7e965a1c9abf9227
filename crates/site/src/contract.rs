//! When and how much the contract lets the site draw, in civil time. Resolved to instants here and
//! nowhere else.

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use offpeak_units::Power;

/// A window in civil time on some days of the week, in which the full limit is allowed.
/// `from == to` means the whole day; `to` may be midnight (24:00), given as `00:00`; a window that
/// passes midnight belongs to the day it begins on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// The days it begins on.
    pub days: Vec<Weekday>,
    /// Whether it also holds on every holiday of the contract, whatever the weekday.
    pub holidays: bool,
    /// When it begins.
    pub from: Time,
    /// When it ends.
    pub to: Time,
    /// What may be drawn at the grid connection within it.
    pub limit: Power,
}

/// A stretch of time under one limit: half-open, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitSpan {
    /// From this instant,
    pub from: Timestamp,
    /// until this one (at most the horizon ahead),
    pub until: Timestamp,
    /// at most this may be drawn at the grid connection.
    pub limit: Power,
    /// Whether a window is open, or only the house load is allowed.
    pub open: bool,
}

/// What the contract allows at the grid connection.
///
/// ```
/// # use offpeak_site::{Contract, Window};
/// # use offpeak_units::Power;
/// use jiff::civil::{Weekday::*, date, time};
/// let almaty = jiff::tz::TimeZone::get("Asia/Almaty").unwrap();
/// let contract = Contract {
///     windows: vec![Window { days: vec![Monday], holidays: false, from: time(0, 0, 0, 0), to: time(8, 0, 0, 0),
///         limit: Power::from_kilowatts(150_000) }],
///     holidays: vec![],
///     house_load: Power::from_kilowatts(4_000),
/// };
/// let at = almaty.to_timestamp(date(2022, 10, 3).at(7, 59, 59, 0)).unwrap();
/// let span = contract.limit_at(&almaty, at);
/// assert!(span.open);
/// assert_eq!(span.until.to_string(), "2022-10-03T02:00:00Z");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contract {
    /// The windows; where several are open the highest limit holds.
    pub windows: Vec<Window>,
    /// Public holidays.
    pub holidays: Vec<Date>,
    /// What may be drawn outside every window: sleepers, fans, lights.
    pub house_load: Power,
}

impl Contract {
    /// The longest stretch looked ahead for a change: a site that is always open has spans this long.
    pub const HORIZON_DAYS: i64 = 15;

    /// The span in force at an instant. `from` is at most a day back; `until` at most
    /// [`Self::HORIZON_DAYS`] ahead.
    #[must_use]
    pub fn limit_at(&self, zone: &TimeZone, at: Timestamp) -> LimitSpan {
        let openings = self.openings(zone, at);
        let limit_of = |instant: Timestamp| {
            openings
                .iter()
                .filter(|(from, until, _)| (*from..*until).contains(&instant))
                .map(|(_, _, limit)| *limit)
                .max()
        };
        let now = limit_of(at);
        let mut edges: Vec<Timestamp> =
            openings.iter().flat_map(|(from, until, _)| [*from, *until]).collect();
        edges.sort_unstable();
        edges.dedup();
        let horizon = at + (24 * Self::HORIZON_DAYS).hours();
        let until =
            edges.iter().copied().find(|edge| *edge > at && limit_of(*edge) != now).unwrap_or(horizon);
        let mut from = at - 24.hours();
        for edge in edges.iter().rev().filter(|edge| **edge <= at) {
            let before = limit_of(*edge - 1.nanosecond());
            if before != now {
                from = *edge;
                break;
            }
        }
        LimitSpan { from, until, limit: now.unwrap_or(self.house_load), open: now.is_some() }
    }

    /// Every opening that touches the horizon, as instants.
    fn openings(&self, zone: &TimeZone, at: Timestamp) -> Vec<(Timestamp, Timestamp, Power)> {
        let first = zone.to_datetime(at).date();
        let mut openings = Vec::new();
        for offset in -2..=Self::HORIZON_DAYS + 1 {
            let Ok(day) = first.checked_add(offset.days()) else { continue };
            for window in &self.windows {
                let holiday = window.holidays && self.holidays.contains(&day);
                if !holiday && !window.days.contains(&day.weekday()) {
                    continue;
                }
                let last = if window.to <= window.from { day.tomorrow().unwrap_or(day) } else { day };
                let from = zone.to_ambiguous_timestamp(day.to_datetime(window.from)).compatible();
                let until = zone.to_ambiguous_timestamp(last.to_datetime(window.to)).compatible();
                if let (Ok(from), Ok(until)) = (from, until) {
                    openings.push((from, until, window.limit));
                }
            }
        }
        openings
    }
}
