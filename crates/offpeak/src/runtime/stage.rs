//! Sets the twin's stage: a plant with its past already behind it, at a moment worth seeing.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use offpeak_dispatch::Controller;
use offpeak_site::{CircuitIx, Site};
use offpeak_twin::{Faults, Pace, Plant, Scenario, Simulation};

use super::story::{Point, Story};

/// Monday, 3 October 2022: a week in which the story's mine had its windows.
const SEASON: &str = "2022-10-03T06:00:00Z";
/// How long before the edge the screen opens.
const BEFORE_EDGE: SignedDuration = SignedDuration::from_mins(5);
/// What is simulated behind it.
const PAST: SignedDuration = SignedDuration::from_hours(24);
/// A point of the past's trace.
const TRACE_EVERY: i64 = 60;

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

/// A plant at an instant after a simulated day under the real controller, which is handed on too.
pub(crate) fn with_past(
    site: &Arc<Site>,
    scenario: &Scenario,
    seed: u64,
    at: Timestamp,
    story: &mut Story,
) -> (Plant, Controller) {
    let mut simulation = Simulation::new(Arc::clone(site), scenario, seed, at - PAST, Pace::Leap);
    let limit_of = |at| site.contract.limit_at(&site.time_zone, at);
    let mut span = limit_of(at - PAST);
    while simulation.plant().now() < at {
        simulation.second();
        let now = simulation.plant().now();
        if now.as_second() % TRACE_EVERY == 0 {
            if now >= span.until {
                span = limit_of(now);
            }
            let measured = Some(simulation.plant().circuit_power(CircuitIx::ROOT));
            story.add_point(Point { at: now, measured, limit: Some(span.limit) });
        }
    }
    simulation.into_parts()
}
