//! Energy budgets, judged on the energy that the plant has really drawn.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use offpeak_dispatch::{BudgetStanding, Memory};
use offpeak_site::{CircuitIx, Site};
use offpeak_twin::{Pace, Scenario, Simulation};
use offpeak_units::Energy;

/// The small example, allowed to run all day, with a budget a day at the connection and one at a hall.
fn site(whole_kwh: u32, hall_kwh: u32) -> Arc<Site> {
    let mwh = |kwh: u32| f64::from(kwh) / 1e3;
    let budgets = format!(
        "[[budgets]]\nid = \"whole\"\nper = \"day\"\nenergy_mwh = {}\n\n[[budgets]]\nid = \"hall\"\ncircuit = \"hall-2\"\nper = \"day\"\nenergy_mwh = {}\n\n[contract]\n",
        mwh(whole_kwh),
        mwh(hall_kwh)
    );
    let text = include_str!("../../../../sites/small.toml")
        .replacen("from = \"00:00\"\nto = \"08:00\"\n", "from = \"00:00\"\nto = \"24:00\"\n", 1)
        .replacen("[contract]\n", &budgets, 1)
        .replacen(
            "hours = [\n",
            "hours = [{ days = \"every day\", from = \"00:00\", to = \"24:00\", price_per_kwh = 20 },\n",
            1,
        );
    Arc::new(offpeak_site::file::load("budgets.toml", &text, &|_| None).unwrap())
}

/// Monday 3 October 2022 at the site, so many minutes after midnight.
fn monday(minutes: i64) -> Timestamp {
    "2022-10-02T18:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minutes)
}

fn drawn(simulation: &Simulation, site: &Site) -> [Energy; 2] {
    let hall = site.circuits.find("hall-2").unwrap();
    [CircuitIx::ROOT, hall].map(|circuit| simulation.plant().energy(circuit))
}

/// What the book keeps.
fn kept(site: &Site, simulation: &Simulation) -> Memory {
    let was = simulation.controller().memory();
    let mut memory = Memory::new(site, 1 << 40);
    for (kept, was) in memory.machines.iter_mut().zip(&was.machines) {
        (kept.started_at, kept.cut, kept.disobeys) = (was.started_at, was.cut, was.disobeys);
    }
    for (kept, was) in memory.counts.budgets.iter_mut().zip(&was.counts.budgets) {
        kept.recall(*was.running().unwrap());
    }
    memory
}

/// Two days with a mine's usual troubles, and a controller that is killed on the way; what is drawn above a budget is
/// at most what the meter is off and what machines that ignore everything draw, and a budget is used.
#[test]
fn no_budget_is_overrun_and_each_day_has_its_own() {
    for (seed, whole_kwh, hall_kwh, killed_after) in
        [(1, 900, 500, 200), (2, 1_500, 400, 301), (3, 700, 690, 5), (4, 2_500, 1_200, 700)]
    {
        let site = site(whole_kwh, hall_kwh);
        let scenario = Scenario::default();
        let mut simulation = Simulation::new(Arc::clone(&site), &scenario, seed, monday(0), Pace::Leap);
        simulation.run_until(monday(killed_after));
        let memory = kept(&site, &simulation);
        simulation.restart_controller(&site, memory);
        let mut before = [Energy::ZERO; 2];
        for day in [1, 2] {
            simulation.run_until(monday(day * 1_440 - 1));
            let counts = &simulation.controller().memory().counts;
            let now = simulation.plant().now();
            let spent = counts.budgets.iter().any(|used| used.standing(now) == BudgetStanding::Spent);
            assert!(spent, "seed {seed}: one of them binds on day {day}");
            simulation.run_until(monday(day * 1_440));
            let after = drawn(&simulation, &site);
            let used = [after[0] - before[0], after[1] - before[1]];
            before = after;
            for (used, allowed) in used.into_iter().zip([whole_kwh, hall_kwh]) {
                let allowed = Energy::from_watt_hours(i64::from(allowed) * 1_000);
                let share = used.ratio_to(allowed).unwrap();
                assert!(share <= 1.005, "seed {seed}, day {day}: {used} of {allowed}");
            }
            let best = used[0].ratio_to(Energy::from_watt_hours(i64::from(whole_kwh) * 1_000)).unwrap();
            let hall = used[1].ratio_to(Energy::from_watt_hours(i64::from(hall_kwh) * 1_000)).unwrap();
            assert!(best.max(hall) >= 0.95, "seed {seed}, day {day}: {best:.3} and {hall:.3} are used");
        }
        let verdict = simulation.judge().verdict();
        assert_eq!(verdict.seconds, 0, "seed {seed}: {:?}", verdict.worst);
        assert_eq!(simulation.totals().vetoes, 0, "seed {seed}: the planner and its judge agree");
    }
}
