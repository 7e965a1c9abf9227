//! Days of 10,000 machines with their faults, across an opening and a closing: what the loop must hold whatever
//! happens. A failure names its seed. `OFFPEAK_DAY_SEEDS` says how many seeds are run, 3 unless given.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use offpeak_dispatch::{Directives, Memory, Order, OrderKind, Stop};
use offpeak_site::{Action, CircuitIx, Measure, MeterIx, Site};
use offpeak_twin::{Faults, MeterGap, Pace, Scenario, Simulation};
use offpeak_units::Power;

const LIMIT_KW: i64 = 28_000;

/// 10,000 machines in four halls of 25 racks, each with an outlet; they could draw 33 MW.
fn site() -> Arc<Site> {
    site_with("", &[])
}

/// The same with something at the end of its site file and some of its words replaced.
fn site_with(more: &str, others: &[(&str, &str)]) -> Arc<Site> {
    let small = include_str!("../../../../sites/small.toml");
    let head = &small[..small.find("# The connection to the grid").unwrap()];
    let tail = &small[small.find("[contract]").unwrap()..];
    let tail = tail
        .replace("house_load_kw = 12", "house_load_kw = 1_000")
        .replace("limit_kw = 190", "limit_kw = 28_000");
    let circuits = "[grid]
rating_kw = 40_000
base_load_kw = 20
ramp_up_kw_per_min = 5_000
ramp_down_kw_per_min = 8_000

[[circuits]]
id = \"hall-[1-4]\"
kind = \"hall\"
rating_kw = 9_000
base_load_kw = 30
authority = \"control\"

[[circuits]]
id = \"hall-[1-4]/rack-[01-25]\"
kind = \"rack\"
rating_kw = 350

[[meters]]
id = \"revenue\"
circuit = \"grid\"
accuracy_class = 0.5

[[meters]]
id = \"meter-hall-[1-4]\"
circuit = \"hall-[1-4]\"
accuracy_class = 0.5

[[switches]]
id = \"outlets-hall-[1-4]\"

[[owners]]
id = \"house\"
name = \"The mine itself\"
";
    let halls = [("[1-2]", "M30S"), ("3", "M20S"), ("4", "M31S")];
    let machines = halls.map(|(halls, model)| {
        format!(
            "\n[[machines]]\nmodel = \"{model}\"\nat = \"hall-{halls}/rack-[01-25]\"\nslots = 100\nowner = \"house\"\nswitch = \"outlets-hall-{halls}\"\n"
        )
    });
    let text = format!("{head}{circuits}{}\n{tail}\n{more}", machines.concat());
    let text = others.iter().fold(text, |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    });
    Arc::new(offpeak_site::file::load("day.toml", &text, &|_| None).unwrap())
}

/// Tuesday 4 October 2022 at the site, so many minutes after midnight.
fn tuesday(minutes: i64) -> Timestamp {
    let midnight = "2022-10-03T18:00:00Z".parse::<Timestamp>().unwrap();
    midnight + SignedDuration::from_mins(minutes)
}

/// 3 % dead, 2 % that lie by 20 %, 1 % that ignore commands and stand behind a switch, and all that is usual.
fn troubled() -> Scenario {
    let faults = Faults { dead_ppm: 30_000, lying_ppm: 20_000, ignoring_ppm: 10_000, ..Faults::default() };
    Scenario { faults, ..Scenario::default() }
}

fn begin(site: &Arc<Site>, scenario: &Scenario, seed: u64, minutes: i64) -> Simulation {
    Simulation::new(Arc::clone(site), scenario, seed, tuesday(minutes), Pace::Leap)
}

/// What the book keeps.
fn kept(site: &Site, simulation: &Simulation) -> Memory {
    let mut memory = Memory::new(site, 1 << 40);
    for (kept, was) in memory.machines.iter_mut().zip(&simulation.controller().memory().machines) {
        (kept.started_at, kept.cut, kept.disobeys) = (was.started_at, was.cut, was.disobeys);
    }
    memory
}

/// The mean power at the connection until then.
fn mean_until(simulation: &mut Simulation, until: Timestamp) -> Power {
    let (from, before) = (simulation.plant().now(), simulation.plant().energy(CircuitIx::ROOT));
    simulation.run_until(until);
    let energy = simulation.plant().energy(CircuitIx::ROOT) - before;
    let seconds = i128::from(from.duration_until(until).as_secs());
    Power::from_milliwatts(i64::try_from(energy.to_microjoules() / 1_000 / seconds).unwrap())
}

fn assert_within_limits(simulation: &Simulation, seed: u64) {
    let verdict = simulation.judge().verdict();
    assert_eq!(verdict.seconds, 0, "seed {seed}: {:?}", verdict.worst);
    assert_eq!(verdict.seconds_unseen, 0, "seed {seed}: every second was judged");
    assert_eq!(simulation.totals().vetoes, 0, "seed {seed}: the planner and its judge agree");
}

fn share(power: Power, of: Power) -> f64 {
    power.ratio_to(of).unwrap()
}

#[test]
fn a_day_with_a_kill_in_it_keeps_every_limit_and_uses_its_window() {
    let site = site();
    assert_eq!(site.machines.len(), 10_000);
    let seeds = std::env::var("OFFPEAK_DAY_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(3_u64);
    let limit = Power::from_kilowatts(LIMIT_KW);
    for seed in 1..=seeds {
        let mut simulation = begin(&site, &troubled(), seed, -30);
        // Half an hour to ramp up, and then until the way down begins.
        simulation.run_until(tuesday(45));
        let before = mean_until(&mut simulation, tuesday(130 + seed as i64 * 7));
        let memory = kept(&site, &simulation);
        simulation.restart_controller(&site, memory);
        let after = mean_until(&mut simulation, tuesday(471));
        for (mean, when) in [(before, "before"), (after, "after")] {
            let used = share(mean, limit);
            assert!(used >= 0.985, "seed {seed}: {used:.4} of the window used {when} the kill");
        }
        simulation.run_until(tuesday(23 * 60 + 30));
        assert_within_limits(&simulation, seed);
        let house = simulation.plant().circuit_power(CircuitIx::ROOT);
        assert!(house < site.contract.house_load, "seed {seed}: {house} after the closing");
    }
}

#[test]
fn while_the_site_meter_is_silent_every_limit_holds() {
    let (site, seed) = (site(), 11);
    let gap = |after_min: i64, length_min: i64| MeterGap {
        meter: MeterIx(0),
        after: SignedDuration::from_mins(after_min),
        length: SignedDuration::from_mins(length_min),
    };
    // From 23:30: silent while it ramps up, in the middle of the window, and over the closing.
    let scenario = Scenario { meter_gaps: vec![gap(34, 3), gap(150, 60), gap(500, 30)], ..troubled() };
    let mut simulation = begin(&site, &scenario, seed, -30);
    simulation.run_until(tuesday(120));
    let before = simulation.plant().circuit_power(CircuitIx::ROOT);
    let silent = mean_until(&mut simulation, tuesday(180));
    let used = share(silent, before);
    assert!(
        (0.8..1.005).contains(&used),
        "as far as the other meters prove, and no further: {silent} of {before}"
    );
    simulation.run_until(tuesday(540));
    assert_within_limits(&simulation, seed);
}

#[test]
fn a_setpoint_is_followed_up_and_down() {
    let (site, seed) = (site(), 12);
    let mut simulation = begin(&site, &troubled(), seed, -30);
    simulation.run_until(tuesday(60));
    for (hour, kilowatts) in [(1, 18_000), (2, 23_000), (3, 12_000), (4, 20_000)] {
        let limit = Power::from_kilowatts(kilowatts);
        let from = simulation.plant().now();
        let order = Order {
            kind: OrderKind::Dispatch,
            measure: Measure::Instant,
            holds: true,
            ..Order::at_most(hour, CircuitIx::ROOT, limit, from, None)
        };
        simulation.set_directives(Directives { orders: vec![order], ..Directives::default() });
        simulation.run_until(from + SignedDuration::from_mins(20));
        for stretch in 5..=12 {
            let until = from + SignedDuration::from_mins(stretch * 5);
            let mean = mean_until(&mut simulation, until);
            let off = (share(mean, limit) - 1.0).abs();
            assert!(off < 0.01, "seed {seed}: {mean} of {limit}, {} min on", stretch * 5);
        }
    }
    assert_within_limits(&simulation, seed);
}

#[test]
fn an_emergency_stop_takes_everything_off_that_can_be_switched() {
    for seed in 21..24 {
        let site = site();
        let mut simulation = begin(&site, &troubled(), seed, -30);
        simulation.run_until(tuesday(90));
        let before = simulation.plant().circuit_power(CircuitIx::ROOT);
        let stop = Stop { circuit: CircuitIx::ROOT, at: tuesday(90), reason: "test".into() };
        simulation.set_directives(Directives { stops: vec![stop], ..Directives::default() });
        simulation.run_until(tuesday(90) + SignedDuration::from_secs(10));
        let ten = simulation.plant().circuit_power(CircuitIx::ROOT);
        let left = share(ten, before);
        assert!(left <= 0.1, "seed {seed}: {left:.3} of {before} left after ten seconds");
        simulation.run_until(tuesday(90) + SignedDuration::from_secs(30));
        let on = |(ix, _): &(offpeak_site::MachineIx, &offpeak_site::Machine)| {
            simulation.plant().truth(*ix).power > site.model_of(*ix).sleep.scale(1.5)
        };
        let names: Vec<_> = site.machines().filter(on).map(|(_, machine)| machine.id.as_str()).collect();
        assert!(names.is_empty(), "seed {seed}: {} machines still draw after 30 s: {names:?}", names.len());
    }
}

#[test]
fn a_late_joiner_keeps_the_order_that_holds() {
    let (site, seed) = (site(), 31);
    let mut simulation = begin(&site, &troubled(), seed, -30);
    simulation.run_until(tuesday(60));
    let limit = Power::from_kilowatts(3_000);
    let order = Order::at_most(1, CircuitIx(1), limit, tuesday(60), None);
    simulation.set_directives(Directives { orders: vec![order], ..Directives::default() });
    simulation.run_until(tuesday(62));
    // A hundred machines lose power and start again by themselves, as their firmware does.
    for place in 0..100 {
        let machine = offpeak_site::MachineIx(place);
        simulation.disturb(machine, Action::Cut);
        simulation.disturb(machine, Action::Restore);
    }
    let mut seconds = 0;
    while simulation.plant().now() < tuesday(120) {
        simulation.second();
        seconds += i32::from(simulation.plant().circuit_power(CircuitIx(1)) > limit);
    }
    assert!(seconds == 0, "seed {seed}: {seconds} s above the order");
}

/// Lower and higher modes of the mine's models. Their curves bend as firmwares' do: a lower mode makes more of a watt.
const MODES: &str = "
[[models]]
name = \"M30S\"
modes = [
  { name = \"low\", power_w = 2_650, hash_rate_ths = 75 },
  { name = \"normal\", power_w = 3_268, hash_rate_ths = 86 },
  { name = \"high\", power_w = 3_700, hash_rate_ths = 91 },
]
source = \"test\"

[[models]]
name = \"M20S\"
modes = [{ name = \"low\", power_w = 2_700, hash_rate_ths = 58 }, { name = \"normal\", power_w = 3_360, hash_rate_ths = 68 }]
source = \"test\"
";

/// Exahashes a second and megawatts from five to half past seven of a night, with these permissions, and how many
/// machines run in another mode then.
fn tuned(tuning: &str, hash_price: &str, seed: u64) -> (f64, f64, usize) {
    let text = format!("{MODES}{tuning}");
    let site = site_with(&text, &[("usd_per_th_day = 0.079", hash_price)]);
    let mut simulation = begin(&site, &troubled(), seed, -30);
    simulation.run_until(tuesday(300));
    let before = simulation.plant().hashes();
    let power = mean_until(&mut simulation, tuesday(450));
    let hashes = simulation.plant().hashes() - before;
    let other = |(ix, _): &(offpeak_site::MachineIx, &offpeak_site::Machine)| {
        simulation.plant().truth(*ix).mode != offpeak_site::ModeName::Normal
    };
    let others = site.machines().filter(other).count();
    simulation.run_until(tuesday(540));
    assert_within_limits(&simulation, seed);
    (hashes.to_exahashes_f64() / 9_000.0, power.to_watts_f64() / 1e6, others)
}

#[test]
fn modes_and_swaps_make_more_of_the_same_limit_and_keep_it() {
    let seed = 41;
    let tune = "[tuning]\nchange_modes = true\nswap_machines = true\n";
    // A terahash a day earns 37 KZT, and by night a kilowatt-hour costs 26: some of the power is not worth drawing.
    let margin =
        |(hashes, power, _): (f64, f64, usize)| hashes * 1e6 * 0.079 * 470.0 / 24.0 - power * 1e3 * 26.0;
    let dear = "usd_per_th_day = 0.079";
    let (plain, better) = (tuned("", dear, seed), tuned(tune, dear, seed));
    assert_eq!(plain.2, 0, "nobody is tuned unless the site file says so");
    assert!(better.2 > 1_000, "{} machines run in another mode", better.2);
    let gain = margin(better) / margin(plain);
    assert!(gain > 1.02, "seed {seed}: {gain:.4} of the margin; {plain:?} {better:?}");
    // Where hashes earn three times that, every watt is used, and makes more.
    let rich = "usd_per_th_day = 0.237";
    let (plain, better) = (tuned("", rich, seed), tuned(tune, rich, seed));
    assert!(better.0 > plain.0 * 1.005 && better.1 > 0.985 * plain.1, "seed {seed}: {plain:?} {better:?}");
}
