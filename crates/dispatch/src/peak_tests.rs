use offpeak_site::{Before, DemandCharge};
use offpeak_units::Money;
use proptest::prelude::*;

use super::*;
use crate::testing::site;

const MOST: Power = Power::from_kilowatts(120);

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn economics() -> Economics {
    let mut economics = site().economics;
    let price_per_kilowatt = Money::new(10.into(), economics.currency);
    let value = DemandCharge { price_per_kilowatt, minutes: 15, holds: false };
    let from = jiff::civil::date(2022, 1, 1);
    economics.costs.demand_charges.push(offpeak_site::Dated { from, value });
    economics
}

fn reading(at: Timestamp, kilowatts: i64, register_kwh: Option<i64>) -> MeterReading {
    let energy = register_kwh.map(|kwh| Energy::from_watt_hours(kwh * 1_000));
    MeterReading { at, power: Power::from_kilowatts(kilowatts), energy }
}

/// Every five seconds, half-open.
fn draw(peak: &mut PeakUse, zone: &TimeZone, from: Timestamp, seconds: i64, kilowatts: i64) -> Timestamp {
    for second in (0..seconds).step_by(5) {
        let reading = reading(from + SignedDuration::from_secs(second), kilowatts, None);
        peak.feed(zone, 15, &reading, MOST);
    }
    from + SignedDuration::from_secs(seconds)
}

fn kw(power: Option<Power>) -> Option<f64> {
    power.map(Power::to_kilowatts_f64)
}

#[test]
fn the_highest_mean_of_whole_stretches_counts() {
    let (zone, economics) = (zone("Asia/Almaty"), economics());
    let mut peak = PeakUse::default();
    // Half a stretch at 100 kW and half at 20 is 60 kW, however high it was for a moment.
    let begins = at("2022-10-03T02:00:00Z");
    let half = draw(&mut peak, &zone, begins, 450, 100);
    let state = peak.state(&economics, &zone, half);
    assert_eq!((state.peak, state.since), (None, Some(begins)), "no stretch is over");
    assert!((kw(state.under_way).unwrap() - 49.4).abs() < 1.0, "{state:?}");
    let whole = draw(&mut peak, &zone, half, 450, 20);
    let next = draw(&mut peak, &zone, whole, 900, 40);
    let last = draw(&mut peak, &zone, next, 10, 40);
    let state = peak.state(&economics, &zone, last);
    let highest = kw(state.peak).unwrap();
    assert!((highest - 60.0).abs() < 0.3, "{highest}");
    assert_eq!(state.at, Some(begins));
}

#[test]
fn what_nobody_saw_is_told_and_never_a_peak_of_nothing() {
    let (zone, mut economics) = (zone("Asia/Almaty"), economics());
    let mut peak = PeakUse::default();
    let begins = at("2022-10-03T02:00:00Z");
    let month = at("2022-09-30T18:00:00Z");
    let before = peak.state(&economics, &zone, begins);
    assert_eq!((before.peak, before.at_least(), before.since), (None, None, None));
    assert_eq!(before.unseen, month.duration_until(begins));
    let hour = draw(&mut peak, &zone, begins, 3_600, 50);
    let state = peak.state(&economics, &zone, hour);
    assert_eq!(state.unseen, month.duration_until(begins), "the month before the first reading");
    // The site file tells of the time before.
    economics.costs.peak_before = Some(Before { until: begins, value: Power::from_kilowatts(90) });
    let state = peak.state(&economics, &zone, hour);
    assert_eq!((kw(state.peak), state.at, state.unseen), (Some(90.0), None, SignedDuration::ZERO));
    // A gap without a register has no mean; a register tells the mean, but not how it was spread.
    let (mut blind, mut bridged) = (peak, peak);
    let back = hour + SignedDuration::from_hours(2);
    blind.feed(&zone, 15, &reading(back, 50, None), MOST);
    let gap = blind.state(&economics, &zone, back).unseen.as_secs();
    assert!((7_200..=7_210).contains(&gap), "{gap}");
    bridged.feed(&zone, 15, &reading(hour, 50, Some(1_000)), MOST);
    bridged.feed(&zone, 15, &reading(back, 50, Some(1_200)), MOST);
    let state = bridged.state(&economics, &zone, back);
    assert!((kw(state.peak).unwrap() - 100.0).abs() < 0.1, "{state:?}");
    assert_eq!(state.unseen.as_secs(), 7_200);
}

#[test]
fn a_new_month_begins_without_a_peak_at_midnight_there() {
    let (zone, economics) = (zone("Asia/Almaty"), economics());
    let mut peak = PeakUse::default();
    let begins = at("2022-10-31T17:00:00Z");
    let midnight = draw(&mut peak, &zone, begins, 3_600, 100);
    assert_eq!(midnight, at("2022-10-31T18:00:00Z"));
    let next = draw(&mut peak, &zone, midnight, 5, 30);
    let state = peak.state(&economics, &zone, next);
    assert_eq!((state.from, state.peak, state.unseen), (midnight, None, SignedDuration::ZERO));
    let later = draw(&mut peak, &zone, next, 1_200, 30);
    let highest = kw(peak.state(&economics, &zone, later).peak).unwrap();
    assert!((30.0..30.5).contains(&highest), "nothing of October's 100 kW: {highest}");
}

#[test]
fn a_restart_within_a_stretch_goes_on_with_it() {
    let (zone, economics) = (zone("Asia/Almaty"), economics());
    let begins = at("2022-10-03T02:00:00Z");
    let mut whole = PeakUse::default();
    whole.feed(&zone, 15, &reading(begins, 80, Some(0)), MOST);
    let mut again = whole;
    again.recall(*whole.month().unwrap());
    let ends = begins + SignedDuration::from_mins(15);
    again.feed(&zone, 15, &reading(ends, 80, Some(20)), MOST);
    assert_eq!(kw(again.state(&economics, &zone, ends).peak), Some(80.0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// With one load all the time the peak is that load, whatever the clock does and wherever a month ends; and all
    /// stretches lie within the month.
    #[test]
    fn an_even_load_is_its_own_peak(
        place in 0_usize..4,
        hours_before in 1_i64..40,
        minutes in 0_usize..3,
        kilowatts in 1_i64..100,
        every in 1_i64..10,
    ) {
        // Two changes of the clock, an ordinary month's end, one of half an hour.
        let (name, change) = [
            ("Europe/Berlin", "2023-03-26T01:00:00Z"),
            ("Europe/Berlin", "2023-10-29T01:00:00Z"),
            ("Asia/Almaty", "2022-10-31T18:00:00Z"),
            ("Australia/Lord_Howe", "2023-04-01T15:00:00Z"),
        ][place];
        let (zone, economics) = (zone(name), economics());
        let minutes = [15, 30, 60][minutes];
        let mut peak = PeakUse::default();
        let begins = at(change) - SignedDuration::from_mins(hours_before * 7);
        for second in (0..7_200 * 4).step_by(every as usize) {
            let now = begins + SignedDuration::from_secs(second);
            peak.feed(&zone, minutes, &reading(now, kilowatts, None), MOST);
            let state = peak.state(&economics, &zone, now);
            for found in [state.peak, state.under_way] {
                prop_assert!(found.is_none_or(|found| found <= Power::from_watts(kilowatts * 1_000 + 1)), "{state:?}");
            }
            prop_assert!(state.at.is_none_or(|at| (state.from..state.until).contains(&at)));
        }
        let end = begins + SignedDuration::from_secs(7_200 * 4);
        let found = peak.state(&economics, &zone, end).peak.unwrap();
        prop_assert!((found - Power::from_kilowatts(kilowatts)).abs() <= Power::from_watts(1), "{found}");
    }
}
