//! The controller over the plant: leaping changes nothing, limits hold, and what cannot be held is named.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use offpeak_dispatch::{Command, Directives, Lockout, Memory, Order, Stop};
use offpeak_site::{Action, Activity, CircuitIx, Site};
use offpeak_twin::{Faults, Pace, Scenario, Simulation};
use offpeak_units::Power;

const SMALL: &str = include_str!("../../../../sites/small.toml");

fn small() -> Arc<Site> {
    Arc::new(offpeak_site::file::load("small.toml", SMALL, &|_| None).unwrap())
}

/// The same with a lower mode, which may be used.
fn tuned() -> Arc<Site> {
    let modes = "
[[models]]
name = \"M30S\"
modes = [{ name = \"low\", power_w = 2_650, hash_rate_ths = 75 }, { name = \"normal\", power_w = 3_268, hash_rate_ths = 86 }]
source = \"test\"

[tuning]
change_modes = true
swap_machines = true
";
    Arc::new(offpeak_site::file::load("tuned.toml", &format!("{SMALL}{modes}"), &|_| None).unwrap())
}

fn almaty(hour: i8, minute: i8) -> Timestamp {
    small().time_zone.to_timestamp(jiff::civil::date(2022, 10, 3).at(hour, minute, 0, 0)).unwrap()
}

const NO_FAULTS: Faults = Faults {
    dead_ppm: 0,
    slow_ppm: 0,
    lying_ppm: 0,
    board_dead_ppm: 0,
    ignoring_ppm: 0,
    refusing_ppm: 0,
    broken_api_ppm: 0,
    unswitched: false,
    reboots_per_day: 0.0,
    deaths_per_day: 0.0,
    hangs_per_day: 0.0,
    meter_gaps_per_day: 0.0,
};

/// More goes wrong than in a usual mine, so that sixty-four machines show it in an hour.
fn troubled() -> Scenario {
    let faults = Faults {
        dead_ppm: 30_000,
        lying_ppm: 50_000,
        ignoring_ppm: 60_000,
        refusing_ppm: 30_000,
        broken_api_ppm: 10_000,
        reboots_per_day: 4.0,
        hangs_per_day: 1.0,
        meter_gaps_per_day: 20.0,
        ..Faults::default()
    };
    Scenario { faults, ..Scenario::default() }
}

fn run(seed: u64, pace: Pace, from: Timestamp, hours: i64) -> (Vec<Command>, Simulation) {
    run_of(small(), seed, pace, from, hours)
}

fn run_of(site: Arc<Site>, seed: u64, pace: Pace, from: Timestamp, hours: i64) -> (Vec<Command>, Simulation) {
    let mut simulation = Simulation::new(site, &troubled(), seed, from, pace);
    let mut commands = Vec::new();
    while simulation.plant().now() < from + SignedDuration::from_hours(hours) {
        commands.extend(simulation.second().cycle.into_iter().flat_map(|cycle| cycle.commands));
    }
    (commands, simulation)
}

#[test]
fn leaping_and_stepping_give_the_same_commands_in_the_same_seconds() {
    for (seed, site) in [(1, small()), (2, small()), (3, tuned()), (4, tuned())] {
        let (leapt, by_leaps) = run_of(Arc::clone(&site), seed, Pace::Leap, almaty(0, 0), 10);
        let tunes = site.rules.tuning.change_modes;
        assert_eq!(leapt.iter().any(|sent| matches!(sent.action, Action::SetMode(_))), tunes, "seed {seed}");
        let (stepped, by_steps) = run_of(site, seed, Pace::Step, almaty(0, 0), 10);
        assert_eq!(leapt.len(), stepped.len(), "seed {seed}");
        for (a, b) in leapt.iter().zip(&stepped) {
            assert_eq!(a, b, "seed {seed}");
        }
        assert_eq!(by_leaps.controller().memory(), by_steps.controller().memory(), "seed {seed}");
        assert_eq!(by_leaps.plant().energy(CircuitIx::ROOT), by_steps.plant().energy(CircuitIx::ROOT));
        let (leaps, steps) = (by_leaps.totals(), by_steps.totals());
        assert!(leaps.leapt > leaps.cycles, "most seconds are quiet: {leaps:?}");
        assert_eq!((steps.leapt, steps.cycles), (0, leaps.leapt + leaps.cycles));
    }
}

#[test]
fn one_seed_replays_and_another_differs() {
    let (first, _) = run(1, Pace::Leap, almaty(0, 0), 2);
    assert_eq!(first, run(1, Pace::Leap, almaty(0, 0), 2).0);
    assert_ne!(first, run(2, Pace::Leap, almaty(0, 0), 2).0);
}

#[test]
fn no_second_is_above_a_limit() {
    for seed in 1..=6 {
        let (_, simulation) = run(seed, Pace::Leap, almaty(0, 0), 33);
        let verdict = simulation.judge().verdict();
        assert_eq!(verdict.seconds, 0, "seed {seed}: {:?}", verdict.worst);
        assert_eq!(verdict.seconds_unseen, 0, "every second was judged");
        assert_eq!(simulation.totals().vetoes, 0, "seed {seed}: the planner and its judge agree");
    }
}

#[test]
fn without_switches_the_excess_is_the_named_machines_watts() {
    let mut shown = 0;
    for seed in 1..=6 {
        let mut scenario = Scenario::healthy();
        scenario.faults = Faults { ignoring_ppm: 100_000, unswitched: true, ..scenario.faults };
        let mut site = Site::clone(&small());
        site.machines.iter_mut().for_each(|machine| machine.outlet = None);
        let site = Arc::new(site);
        let mut simulation = Simulation::new(Arc::clone(&site), &scenario, seed, almaty(7, 0), Pace::Leap);
        simulation.run_until(almaty(9, 0));
        let verdict = simulation.judge().verdict();
        let Some(worst) = verdict.worst else { continue };
        assert!(verdict.culprits.len() >= 2, "seed {seed}: {verdict:?}");
        let culprits: Power = verdict.culprits.iter().map(|culprit| culprit.power).sum();
        // Everything but the named machines: sleepers and base loads.
        let asleep: Power = site
            .machines()
            .filter(|(ix, _)| !verdict.culprits.iter().any(|culprit| culprit.machine == *ix))
            .map(|(ix, _)| simulation.plant().truth(ix).power)
            .sum();
        let base: Power = site.circuits.iter().map(|(_, circuit)| circuit.base_load).sum();
        if worst.at >= almaty(8, 0) {
            shown += 1;
            let unexplained = (worst.power - culprits - asleep - base).abs();
            assert!(unexplained < Power::from_watts(5), "seed {seed}: {unexplained} unexplained");
        }
    }
    assert!(shown >= 3, "{shown} seeds showed an excess after the closing");
}

#[test]
fn a_stop_takes_everything_down_that_obeys() {
    let site = small();
    let mut simulation =
        Simulation::new(Arc::clone(&site), &Scenario::healthy(), 3, almaty(0, 0), Pace::Leap);
    simulation.run_until(almaty(1, 0));
    let before = simulation.plant().circuit_power(CircuitIx::ROOT);
    let stop = Stop { circuit: CircuitIx::ROOT, at: almaty(1, 0), reason: "test".into() };
    simulation.set_directives(Directives { stops: vec![stop], ..Directives::default() });
    simulation.run_until(almaty(1, 1));
    let after = simulation.plant().circuit_power(CircuitIx::ROOT);
    assert!(before > Power::from_kilowatts(150) && after < Power::from_kilowatts(12), "{before} to {after}");
    simulation.run_until(almaty(2, 0));
    assert!(simulation.plant().circuit_power(CircuitIx::ROOT) < Power::from_kilowatts(12), "it stays down");
    simulation.set_directives(Directives::default());
    simulation.run_until(almaty(2, 30));
    assert!(simulation.plant().circuit_power(CircuitIx::ROOT) > Power::from_kilowatts(150), "and comes back");
}

/// What the book keeps of a controller's memory.
fn kept_memory(simulation: &Simulation) -> Memory {
    let mut memory = Memory::new(&small(), 1 << 40);
    for (kept, was) in memory.machines.iter_mut().zip(&simulation.controller().memory().machines) {
        (kept.started_at, kept.cut, kept.disobeys) = (was.started_at, was.cut, was.disobeys);
    }
    memory
}

/// The controller is killed at various moments and comes back with what the book keeps, or nothing is
/// known at all of what it did.
#[test]
fn a_controller_that_is_killed_and_comes_back_exceeds_nothing() {
    for (seed, minutes) in [(1, 2), (2, 5), (3, 60), (4, 466), (5, 472), (6, 476)] {
        let site = small();
        let mut simulation = Simulation::new(Arc::clone(&site), &troubled(), seed, almaty(0, 0), Pace::Leap);
        simulation.run_until(almaty(0, 0) + SignedDuration::from_mins(minutes));
        let memory = kept_memory(&simulation);
        simulation.restart_controller(&site, memory);
        simulation.run_until(almaty(8, 30));
        let verdict = simulation.judge().verdict();
        assert_eq!(verdict.seconds, 0, "seed {seed}, killed after {minutes} min: {:?}", verdict.worst);
        let hashing = site
            .machines()
            .filter(|(ix, _)| simulation.plant().truth(*ix).activity == Some(Activity::Hashing));
        assert!(hashing.count() <= 2, "seed {seed}: the closing was kept");
    }
}

/// A change of the site file or of the orders, where it binds, and what may be drawn there from then on.
type Change = fn(&mut String, &mut Directives) -> (CircuitIx, Power);

const AWAY: SignedDuration = SignedDuration::from_secs(10);

fn hall() -> CircuitIx {
    small().circuits.find("hall-1").unwrap()
}

fn edit(file: &mut String, from: &str, to: &str) {
    assert!(file.contains(from), "{from} is not in the site file");
    *file = file.replace(from, to);
}

const CHANGES: [(&str, Change); 6] = [
    ("the contract's limit", |file, _| {
        edit(file, "limit_kw = 190", "limit_kw = 90");
        (CircuitIx::ROOT, Power::from_kilowatts(90))
    }),
    ("the contract's hours", |file, _| {
        edit(file, "from = \"00:00\"", "from = \"04:00\"");
        (CircuitIx::ROOT, small().contract.house_load)
    }),
    ("the halls' rating", |file, _| {
        edit(file, "rating_kw = 125", "rating_kw = 66");
        (hall(), Power::from_kilowatts(66))
    }),
    ("an order", |_, directives| {
        let limit = Power::from_kilowatts(60);
        let (circuit, from, until) = (CircuitIx::ROOT, almaty(0, 0), None);
        directives.orders.push(Order::at_most(1, circuit, limit, from, until));
        (circuit, limit)
    }),
    ("a lockout", |_, directives| {
        directives.lockouts.push(Lockout { circuit: hall(), at: almaty(1, 0), by: "test".into() });
        (hall(), Power::from_kilowatts(5))
    }),
    ("a stop", |_, directives| {
        let circuit = CircuitIx::ROOT;
        directives.stops.push(Stop { circuit, at: almaty(1, 0), reason: "test".into() });
        (circuit, Power::from_kilowatts(12))
    }),
];

/// The controller is killed, something changes, and it is started again ten seconds later.
#[test]
fn whatever_changed_while_it_was_away_holds_within_half_a_minute() {
    for (name, change) in CHANGES {
        for (seed, minute) in [(1, 20), (2, 45), (3, 50)] {
            let (mut file, mut directives) = (SMALL.to_owned(), Directives::default());
            let mut simulation =
                Simulation::new(small(), &Scenario::healthy(), seed, almaty(0, 0), Pace::Leap);
            simulation.run_until(almaty(1, minute));
            let (circuit, limit) = change(&mut file, &mut directives);
            let site = Arc::new(offpeak_site::file::load("small.toml", &file, &|_| None).unwrap());
            assert!(simulation.plant().circuit_power(circuit) > limit, "{name}: it binds");
            let memory = kept_memory(&simulation);
            simulation.leave_alone_until(almaty(1, minute) + AWAY);
            simulation.set_directives(directives);
            simulation.restart_controller(&site, memory);
            simulation.run_until(almaty(1, minute) + AWAY + SignedDuration::from_secs(30));
            while simulation.plant().now() < almaty(2, minute) {
                let (at, power) = (simulation.plant().now(), simulation.plant().circuit_power(circuit));
                assert!(power <= limit, "{name}, seed {seed}: {power} of {limit} at {at}");
                simulation.second();
            }
        }
    }
}

#[test]
fn an_opening_sheds_nothing_that_it_has_just_started() {
    for seed in 1..=4 {
        let quiet = Scenario { faults: NO_FAULTS, ..Scenario::default() };
        let mut site = (*small()).clone();
        // Room for about nine machines in ten, so that the opening ends at the limit.
        for window in &mut site.contract.windows {
            window.limit = Power::from_watts(160_000);
        }
        let mut simulation = Simulation::new(Arc::new(site), &quiet, seed, almaty(0, 0), Pace::Leap);
        let mut sheds = 0;
        while simulation.plant().now() < almaty(3, 0) {
            let cycle = simulation.second().cycle;
            sheds +=
                cycle.map_or(0, |cycle| cycle.commands.iter().filter(|c| c.action == Action::Sleep).count());
        }
        assert_eq!(sheds, 0, "seed {seed}");
    }
}

#[test]
fn no_phase_draws_much_more_than_another() {
    let text = SMALL
        .replace("slots = 8\n", "slots = 8\nphase = \"in turn\"\n")
        .replace("kind = \"hall\"", "kind = \"hall\"\nphase_imbalance_kw = 8");
    let site = Arc::new(offpeak_site::file::load("phases.toml", &text, &|_| None).unwrap());
    let halls: Vec<_> = site.rules.balance.iter().map(|rule| rule.circuit).collect();
    assert_eq!((halls.len(), site.rules.phases.iter().flatten().count()), (2, 64));
    let (mut most, mut high) = (0.0_f64, 0.0_f64);
    for seed in 1..=3 {
        let mut simulation =
            Simulation::new(Arc::clone(&site), &Scenario::default(), seed, almaty(0, 0), Pace::Leap);
        while simulation.plant().now() < almaty(6, 0) {
            simulation.run_until(simulation.plant().now() + SignedDuration::from_secs(60));
            for hall in &halls {
                let mut loads = [0.0; 3];
                for (ix, machine) in
                    site.machines().filter(|(_, of)| site.circuits.is_within(of.circuit, *hall))
                {
                    let phase = site.rules.phase(ix).unwrap();
                    assert!(machine.circuit != CircuitIx::ROOT);
                    loads[phase as usize] += simulation.plant().truth(ix).power.to_kilowatts_f64();
                }
                high = loads.iter().copied().fold(high, f64::max);
                let apart = loads.map(|load| loads.map(|other| load - other));
                most = apart.as_flattened().iter().copied().fold(most, f64::max);
            }
        }
    }
    // The catalogue is what they are counted by; machines differ from it by a few percent.
    assert!(most < 8.0 * 1.05, "{most:.1} kW apart");
    assert!(high > 30.0, "and they run: {high:.1} kW on one phase");
}
