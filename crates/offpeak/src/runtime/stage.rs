//! Sets the twin's stage: a plant with its past already behind it, at a moment worth seeing.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use jiff::{SignedDuration, Timestamp};
use offpeak_dispatch::{Controller, Source};
use offpeak_site::{CircuitIx, Site};
use offpeak_twin::{Faults, Pace, Plant, Scenario, Simulation};
use offpeak_units::{Energy, Hashes};

use super::record::SimulationRecord;
use super::story::Story;
use super::trace::Point;

/// Monday, 3 October 2022: a week in which the story's mine had its windows.
const SEASON: &str = "2022-10-03T06:00:00Z";
/// How long before the edge the screen opens.
const BEFORE_EDGE: SignedDuration = SignedDuration::from_mins(5);
/// What is simulated behind it.
const PAST: SignedDuration = SignedDuration::from_hours(24);
/// The past is told by the minute, within which no price changes.
const TOLD_EVERY: i64 = 60;

/// Five minutes before the contract's next opening; before its next change where it never opens.
pub(crate) fn opening(site: &Site) -> Timestamp {
    let mut at: Timestamp = SEASON.parse().expect("a valid instant");
    for _ in 0..8 {
        let span = site.contract.limit_at(&site.time_zone, at);
        let next = site.contract.limit_at(&site.time_zone, span.until);
        at = span.until;
        if !span.open && next.open {
            break;
        }
    }
    at - BEFORE_EDGE
}

/// The faults of a demo: what a mine has on a good day. Nobody is dead or had to be cut the day before,
/// so that every machine is there to be found; slow ones, liars and dead boards remain.
pub(crate) fn demo_scenario() -> Scenario {
    let faults = Faults {
        dead_ppm: 0,
        broken_api_ppm: 0,
        ignoring_ppm: 0,
        refusing_ppm: 0,
        deaths_per_day: 0.0,
        hangs_per_day: 0.0,
        ..Faults::default()
    };
    Scenario { faults, ..Scenario::default() }
}

/// A plant at an instant after a simulated day under the real controller, which is handed on too, and what
/// there is to tell of that day; recorded in a folder without a lake, where one is named.
pub(crate) fn with_past(
    site: &Arc<Site>,
    scenario: &Scenario,
    seed: u64,
    at: Timestamp,
    record_in: Option<&Path>,
) -> Result<(Plant, Controller, Story)> {
    let from = at - PAST;
    let mut simulation = Simulation::new(Arc::clone(site), scenario, seed, from, Pace::Leap);
    let mut record = record_in.map(|dir| SimulationRecord::begin(site, dir, &simulation)).transpose()?;
    let mut story = Story::since(site, from);
    let limit_of = |at| site.contract.limit_at(&site.time_zone, at);
    let (mut span, mut energy, mut hashes) = (limit_of(from), Energy::ZERO, Hashes::ZERO);
    while simulation.plant().now() < at {
        let second = simulation.second();
        if let Some(record) = &mut record {
            record.second(&simulation, second)?;
        }
        let plant = simulation.plant();
        let now = plant.now();
        if now.as_second() % TOLD_EVERY != 0 && now < at {
            continue;
        }
        if now >= span.until {
            span = limit_of(now);
        }
        let measured = Some(plant.circuit_power(CircuitIx::ROOT));
        let (energy_now, hashes_now) = (plant.energy(CircuitIx::ROOT), plant.hashes());
        let source = if span.open { Source::Contract } else { Source::ContractClosed };
        let end = Point { at: now, measured, limit: Some(span.limit), source: Some(source) };
        story.add_past(site, energy_now - energy, hashes_now - hashes, end);
        (energy, hashes) = (energy_now, hashes_now);
    }
    if let Some(record) = record {
        record.end(PAST.as_secs().unsigned_abs())?;
    }
    let (plant, controller) = simulation.into_parts();
    Ok((plant, controller, story))
}

#[cfg(test)]
mod tests {
    use offpeak_units::{Money, Power};

    use super::*;

    /// The demo opens at 23:55: its day began at the midnight before, and the hours from 23:55 to then are
    /// the day's before.
    #[test]
    fn the_simulated_day_is_in_the_sums_and_in_the_trace() {
        let text = super::super::demo_site::SMALL;
        let site = Arc::new(offpeak_site::file::load("small", text, &|_| None).unwrap());
        let at = opening(&site);
        let civil = site.time_zone.to_datetime(at);
        assert_eq!((civil.hour(), civil.minute()), (23, 55));
        let (plant, _, story) = with_past(&site, &demo_scenario(), 1, at, None).unwrap();
        assert_eq!(plant.now(), at);

        // The same plant, looked at with a simulation's own totals from that midnight on.
        let midnight = site.time_zone.to_timestamp(civil.date().at(0, 0, 0, 0)).unwrap();
        let mut again = Simulation::new(Arc::clone(&site), &demo_scenario(), 1, at - PAST, Pace::Leap);
        again.run_until(midnight);
        again.close_books();
        let (energy, before) = (again.plant().energy(CircuitIx::ROOT), again.totals().clone());
        again.run_until(at);
        again.close_books();
        let after = again.totals();
        let today = story.today;
        assert_eq!(today.date, civil.date());
        assert_eq!(today.energy, again.plant().energy(CircuitIx::ROOT) - energy);
        assert!(today.energy.to_kilowatt_hours_f64() > 8.0 * 100.0, "{:?}", today.energy);
        let near = |told: Money, total: Option<Money>, before: Option<Money>| {
            let expected = total.unwrap().checked_sub(before.unwrap()).unwrap();
            let [told, expected]: [f64; 2] = [told, expected].map(|money| money.amount().try_into().unwrap());
            assert!((told - expected).abs() < 1e-3 * expected.abs(), "{told} for {expected}");
        };
        near(today.cost, after.cost, before.cost);
        near(today.revenue, after.revenue, before.revenue);
        assert!(today.unmetered.is_zero() && today.unpriced.is_zero());

        let shown = story.trace.shown(500);
        assert!(shown[0].at.duration_until(at) > SignedDuration::from_hours(23));
        assert_eq!(shown.last().unwrap().at, at);
        assert!(shown.iter().any(|point| point.measured > Some(Power::from_watts(150_000))));
        assert!(shown.iter().any(|point| point.limit < Some(Power::from_watts(50_000))));
    }
}
