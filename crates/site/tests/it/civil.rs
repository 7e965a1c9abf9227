//! Windows in civil time where it is awkward: past midnight, on holidays, where clocks change and
//! where a country moves its zone.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::civil::date;
use offpeak_site::{LimitSpan, Site, file};

use crate::site;

/// A site with these windows in this zone.
fn with_windows(zone: &str, holidays: &str, windows: &str) -> Site {
    let text = crate::text("small").replace("Asia/Almaty", zone);
    let start = text.find("[contract]").unwrap();
    let end = text.find("[prices]").unwrap();
    let contract = format!("[contract]\nhouse_load_kw = 12\nholidays = [{holidays}]\n{windows}\n");
    let text = format!("{}{contract}{}", &text[..start], &text[end..]);
    file::load("x.toml", &text, &|_| None).unwrap_or_else(|mistakes| panic!("{mistakes:?}"))
}

fn window(days: &str, from: &str, to: &str) -> String {
    format!("[[contract.windows]]\ndays = {days}\nfrom = \"{from}\"\nto = \"{to}\"\nlimit_kw = 190\n")
}

fn span(site: &Site, day: Date, hour: i8, minute: i8) -> LimitSpan {
    let zoned = site.time_zone.to_ambiguous_timestamp(day.at(hour, minute, 0, 0)).compatible().unwrap();
    site.contract.limit_at(&site.time_zone, zoned)
}

fn utc(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn almaty_closes_at_eight_by_its_own_clock_before_and_after_march_2024() {
    let site = site("ekibastuz");
    let offset = |year, month, day| {
        let at = site.time_zone.to_timestamp(date(year, month, day).at(12, 0, 0, 0)).unwrap();
        site.time_zone.to_offset(at).seconds()
    };
    assert_eq!(
        (offset(2022, 10, 3), offset(2024, 2, 29), offset(2024, 3, 2)),
        (6 * 3600, 6 * 3600, 5 * 3600)
    );
    assert_eq!(span(&site, date(2022, 10, 3), 7, 59).until, utc("2022-10-03T02:00:00Z"));
    assert_eq!(span(&site, date(2024, 2, 29), 7, 59).until, utc("2024-02-29T02:00:00Z"));
    // On 1 March 2024 at midnight clocks went back to 23:00.
    let friday = span(&site, date(2024, 3, 1), 7, 59);
    assert!(friday.open);
    assert_eq!(friday.until, utc("2024-03-01T03:00:00Z"));
    assert_eq!(span(&site, date(2024, 3, 4), 7, 59).until, utc("2024-03-04T03:00:00Z"));
}

#[test]
fn a_week_has_88_hours() {
    let site = site("ekibastuz");
    let start = site.time_zone.to_timestamp(date(2022, 10, 3).at(0, 0, 0, 0)).unwrap();
    let minutes = (0..7 * 24 * 60).filter(|minute| {
        let at = start + jiff::SignedDuration::from_mins(*minute);
        site.contract.limit_at(&site.time_zone, at).open
    });
    assert_eq!(minutes.count(), 88 * 60);
}

#[test]
fn the_weekend_runs_into_monday_morning_as_one_span() {
    let site = site("ekibastuz");
    let span = span(&site, date(2022, 10, 8), 12, 0);
    assert_eq!((span.from, span.until), (utc("2022-10-07T18:00:00Z"), utc("2022-10-10T02:00:00Z")));
}

#[test]
fn a_holiday_is_open_all_day() {
    let site = site("ekibastuz");
    // Tuesday 25 October 2022, Republic Day, and the Wednesday morning after it.
    let holiday = span(&site, date(2022, 10, 25), 15, 0);
    assert!(holiday.open);
    assert_eq!(holiday.until, utc("2022-10-26T02:00:00Z"));
    assert!(!span(&site, date(2022, 10, 24), 15, 0).open);
}

#[test]
fn clocks_that_change_stretch_and_shrink_a_night() {
    let site = with_windows("Europe/Berlin", "", &window("\"every day\"", "00:00", "08:00"));
    let minutes = |day| {
        let span = span(&site, day, 1, 0);
        span.until.duration_since(span.from).as_mins()
    };
    assert_eq!(minutes(date(2022, 3, 26)), 8 * 60);
    // 27 March 2022: 2:00 became 3:00; 30 October 2022: 3:00 became 2:00.
    assert_eq!(minutes(date(2022, 3, 27)), 7 * 60);
    assert_eq!(minutes(date(2022, 10, 30)), 9 * 60);
}

#[test]
fn an_edge_in_the_hour_that_is_skipped_moves_past_it() {
    let site = with_windows("Europe/Berlin", "", &window("\"sunday\"", "02:30", "08:00"));
    let spring = span(&site, date(2022, 3, 27), 4, 0);
    assert_eq!((spring.from, spring.until), (utc("2022-03-27T01:30:00Z"), utc("2022-03-27T06:00:00Z")));
    // In autumn 2:30 comes twice: the window begins the first time.
    let autumn = span(&site, date(2022, 10, 30), 4, 0);
    assert_eq!(autumn.from, utc("2022-10-30T00:30:00Z"));
}

#[test]
fn a_window_past_midnight_belongs_to_the_day_it_begins_on() {
    let site = with_windows("Asia/Almaty", "", &window("[\"fri\"]", "22:00", "06:00"));
    assert!(span(&site, date(2022, 10, 7), 23, 0).open);
    assert!(span(&site, date(2022, 10, 8), 5, 59).open);
    assert!(!span(&site, date(2022, 10, 8), 6, 0).open);
    assert!(!span(&site, date(2022, 10, 7), 5, 0).open);
    assert!(!span(&site, date(2022, 10, 8), 23, 0).open);
}

#[test]
fn a_holiday_window_alone_opens_on_holidays_only() {
    let windows = "[[contract.windows]]\nholidays = true\nfrom = \"00:00\"\nto = \"24:00\"\nlimit_kw = 190\n";
    let site = with_windows("Asia/Almaty", "2022-12-16", windows);
    assert!(span(&site, date(2022, 12, 16), 12, 0).open);
    assert!(!span(&site, date(2022, 12, 15), 12, 0).open);
    assert!(!span(&site, date(2022, 12, 17), 0, 0).open);
}
