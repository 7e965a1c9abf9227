//! When and how much the contract lets the site draw, in civil time. Resolved to instants here and
//! nowhere else.

use std::collections::BTreeMap;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use offpeak_units::{Power, Price};

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

/// Power bought elsewhere, on top of what the contract allows, in its hours and at its own price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// Its name.
    pub id: String,
    /// When, and how much more may then be drawn at the grid connection.
    pub hours: Window,
    /// What a kilowatt-hour of it costs.
    pub price: Price,
}

/// A stretch of time under one limit: half-open, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitSpan {
    /// From this instant,
    pub from: Timestamp,
    /// until this one (at most the horizon ahead),
    pub until: Timestamp,
    /// when it changes; otherwise that is as far as was looked, and no change is known.
    pub changes: bool,
    /// at most this may be drawn at the grid connection.
    pub limit: Power,
    /// Whether a window or an import is open or power is nominated, or only the house load is allowed.
    pub open: bool,
    /// What of it is no import.
    pub firm: Power,
    /// Whether it follows the day's nominations, and not the windows.
    pub nominated: bool,
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
///     house_load: Power::from_kilowatts(4_000),
///     ..Contract::default()
/// };
/// let at = almaty.to_timestamp(date(2022, 10, 3).at(7, 59, 59, 0)).unwrap();
/// let span = contract.limit_at(&almaty, at);
/// assert!(span.open);
/// assert_eq!(span.until.to_string(), "2022-10-03T02:00:00Z");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contract {
    /// The windows; where several are open the highest limit holds.
    pub windows: Vec<Window>,
    /// Public holidays.
    pub holidays: Vec<Date>,
    /// What may be drawn outside every window: sleepers, fans, lights.
    pub house_load: Power,
    /// Power nominated or won at an auction, hour by hour of a civil day from its midnight: 24 hours, 23 or 25
    /// where the clock changes. Such a day follows them alone; an hour of zero means zero.
    pub nominations: BTreeMap<Date, Vec<Power>>,
    /// Imports, on top of windows or nominations.
    pub imports: Vec<Import>,
}

impl Contract {
    /// The longest stretch looked ahead for a change: a site that is always open has spans this long.
    pub const HORIZON_DAYS: i64 = 15;

    /// The span in force at an instant. `from` is at most a day back; `until` at most
    /// [`Self::HORIZON_DAYS`] ahead.
    #[must_use]
    pub fn limit_at(&self, zone: &TimeZone, at: Timestamp) -> LimitSpan {
        let openings = self.openings(zone, at);
        let now = self.word(&openings, at);
        let mut edges: Vec<Timestamp> =
            openings.iter().flat_map(|opening| [opening.from, opening.until]).collect();
        edges.sort_unstable();
        edges.dedup();
        let horizon = at + (24 * Self::HORIZON_DAYS).hours();
        // Beyond the horizon not every opening is known.
        let mut seen = edges.iter().copied().filter(|edge| *edge > at && *edge <= horizon);
        let change = seen.find(|edge| self.word(&openings, *edge) != now);
        let mut from = at - 24.hours();
        for edge in edges.iter().rev().filter(|edge| **edge <= at) {
            if self.word(&openings, *edge - 1.nanosecond()) != now {
                from = *edge;
                break;
            }
        }
        LimitSpan {
            from,
            until: change.unwrap_or(horizon),
            changes: change.is_some(),
            limit: now.limit,
            open: now.open,
            firm: now.firm,
            nominated: now.nominated,
        }
    }

    /// The imports open at an instant.
    pub fn imports_at<'c>(&'c self, zone: &TimeZone, at: Timestamp) -> impl Iterator<Item = &'c Import> {
        let zone = zone.clone();
        let day = zone.to_datetime(at).date();
        self.imports.iter().filter(move |import| {
            // One that passes midnight belongs to the day before.
            [day.yesterday(), Ok(day)].into_iter().flatten().any(|day| {
                self.opening(&zone, day, &import.hours)
                    .is_some_and(|(from, until)| (from..until).contains(&at))
            })
        })
    }

    /// What is allowed at an instant within the openings.
    fn word(&self, openings: &[Opening], at: Timestamp) -> Word {
        let here = || openings.iter().filter(|opening| (opening.from..opening.until).contains(&at));
        let nominated = here().find(|opening| opening.kind == Kind::Nominated);
        let window = here().filter(|opening| opening.kind == Kind::Window).map(|opening| opening.limit).max();
        let firm = nominated.map_or(window, |hour| Some(hour.limit));
        let imported: Power =
            here().filter(|opening| opening.kind == Kind::Import).map(|opening| opening.limit).sum();
        let open = firm.is_some_and(|limit| nominated.is_none() || !limit.is_zero()) || !imported.is_zero();
        let firm = firm.unwrap_or(self.house_load);
        Word { limit: firm + imported, firm, open, nominated: nominated.is_some() }
    }

    /// Every opening that touches the horizon, as instants.
    fn openings(&self, zone: &TimeZone, at: Timestamp) -> Vec<Opening> {
        let first = zone.to_datetime(at).date();
        let mut openings = Vec::new();
        for offset in -2..=Self::HORIZON_DAYS + 1 {
            let Ok(day) = first.checked_add(offset.days()) else { continue };
            let windows = self.windows.iter().map(|window| (Kind::Window, window));
            let imports = self.imports.iter().map(|import| (Kind::Import, &import.hours));
            for (kind, window) in windows.chain(imports) {
                if let Some((from, until)) = self.opening(zone, day, window) {
                    openings.push(Opening { from, until, kind, limit: window.limit });
                }
            }
            let (Some(hours), Ok(midnight)) = (self.nominations.get(&day), start_of(zone, day)) else {
                continue;
            };
            for (hour, limit) in (0_i64..).zip(hours) {
                let from = midnight + SignedDuration::from_hours(hour);
                let until = from + SignedDuration::from_hours(1);
                openings.push(Opening { from, until, kind: Kind::Nominated, limit: *limit });
            }
        }
        openings
    }

    /// When a window that begins on this day opens and closes, if it does.
    fn opening(&self, zone: &TimeZone, day: Date, window: &Window) -> Option<(Timestamp, Timestamp)> {
        let holiday = window.holidays && self.holidays.contains(&day);
        if !holiday && !window.days.contains(&day.weekday()) {
            return None;
        }
        let last = if window.to <= window.from { day.tomorrow().unwrap_or(day) } else { day };
        let from = zone.to_ambiguous_timestamp(day.to_datetime(window.from)).compatible().ok()?;
        let until = zone.to_ambiguous_timestamp(last.to_datetime(window.to)).compatible().ok()?;
        Some((from, until))
    }
}

/// The first instant of a civil day.
pub(crate) fn start_of(zone: &TimeZone, day: Date) -> Result<Timestamp, jiff::Error> {
    zone.to_ambiguous_timestamp(day.to_datetime(Time::midnight())).compatible()
}

/// How many hours a civil day has: 23 or 25 where the clock changes.
#[must_use]
pub fn hours_of(zone: &TimeZone, day: Date) -> usize {
    let next = day.tomorrow().and_then(|next| start_of(zone, next));
    match (start_of(zone, day), next) {
        (Ok(from), Ok(until)) => usize::try_from(from.duration_until(until).as_hours()).unwrap_or(24),
        _ => 24,
    }
}

/// Something that allows more from one instant to another.
struct Opening {
    from: Timestamp,
    until: Timestamp,
    kind: Kind,
    limit: Power,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Window,
    Nominated,
    Import,
}

/// What all openings together say at an instant.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Word {
    limit: Power,
    firm: Power,
    open: bool,
    nominated: bool,
}
