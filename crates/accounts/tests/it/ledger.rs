//! A site's day under the real controller, recorded, reported, and held against the plant's own totals.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use offpeak_accounts::{Anchor, Batch, By, Ledger, Picture, Report, Span, last_anchor};
use offpeak_dispatch::Cycle;
use offpeak_rows::{MachineRow, MachineRun, MachineState, MeterRow};
use offpeak_site::{CircuitIx, MachineIx, MeterIx, Site};
use offpeak_twin::{Pace, Scenario, Simulation};
use offpeak_units::Energy;

fn small() -> Arc<Site> {
    let text = include_str!("../../../../sites/small.toml");
    Arc::new(offpeak_site::file::load("small", text, &|_| None).unwrap())
}

struct Recorded {
    meters: Vec<MeterRow>,
    machines: Vec<MachineRow>,
    simulation: Simulation,
}

impl Recorded {
    fn take(&mut self, batch: Batch) {
        self.meters.extend(batch.meters);
        self.machines.extend(batch.machines);
    }
    fn report(&self, site: &Site, by: &[By], from: Timestamp, until: Timestamp) -> Report {
        let span = Span { from, until };
        let mut report = Report::new(by, site.time_zone.clone(), span, "revenue").unwrap();
        self.meters.iter().for_each(|row| report.meter(row));
        self.machines.iter().for_each(|row| report.run(&MachineRun::from(row)).unwrap());
        report
    }
}

/// Records a simulation; `restarts` are the seconds at which the recorder dies and begins again a while later.
fn record(site: &Arc<Site>, seconds: i64, quarters: bool, restarts: &[(i64, i64)]) -> Recorded {
    let from: Timestamp = "2022-10-03T16:00:00Z".parse().unwrap();
    let mut simulation = Simulation::new(Arc::clone(site), &Scenario::default(), 3, from, Pace::Leap);
    let new = |at, anchors: &BTreeMap<String, Anchor>| {
        let ledger = Ledger::new(Arc::clone(site), at, anchors);
        if quarters { ledger.with_quarters() } else { ledger }
    };
    let mut first = new(from, &BTreeMap::new());
    let meters = 0..site.meters.len() as u32;
    first.read_meters(&meters.map(|ix| simulation.plant().meter(MeterIx(ix))).collect::<Vec<_>>());
    let mut ledger = Some(first);
    let mut recorded = Recorded { meters: Vec::new(), machines: Vec::new(), simulation };
    let mut last: Option<Cycle> = None;
    for second in 1..=seconds {
        simulation = recorded.simulation;
        if let Some(cycle) = simulation.second().cycle {
            last = Some(cycle);
        }
        recorded.simulation = simulation;
        let at = recorded.simulation.plant().now();
        if restarts.iter().any(|(dies, _)| *dies == second) {
            ledger = None;
        }
        if restarts.iter().any(|(_, back)| *back == second) {
            let mut anchors = BTreeMap::new();
            for row in recorded.meters.iter().filter(|row| row.length_s == 60) {
                anchors.insert(row.meter.to_string(), last_anchor(row));
            }
            ledger = Some(new(at, &anchors));
        }
        let (Some(ledger), Some(cycle)) = (&mut ledger, &last) else { continue };
        ledger.read_meters(
            &recorded.simulation.meters().iter().map(|r| r.filter(|r| r.at == at)).collect::<Vec<_>>(),
        );
        let picture = Picture {
            at,
            machines: recorded.simulation.seen(),
            memory: recorded.simulation.controller().memory(),
            plan: &cycle.plan,
            envelope: &cycle.envelope,
        };
        if at.as_second() % 60 == 0 {
            for (machine, _) in site.machines() {
                let mut seen = recorded.simulation.seen()[machine.ix()];
                if seen.trouble.is_none() && seen.reading.is_some() {
                    seen.reading = recorded.simulation.plant().reading(machine).ok();
                }
                ledger.look_at(&picture, machine, &seen);
            }
        } else {
            for machine in recorded.simulation.polled() {
                ledger.look_at(&picture, MachineIx(machine.0), &recorded.simulation.seen()[machine.ix()]);
            }
        }
        let batch = ledger.take();
        recorded.meters.extend(batch.meters);
        recorded.machines.extend(batch.machines);
    }
    if let Some(mut ledger) = ledger {
        recorded.take(ledger.finish());
    }
    recorded
}

const DAY: i64 = 86_400;

#[test]
fn every_report_of_a_simulated_day_agrees_with_the_plant_to_the_watt_hour() {
    let site = small();
    let recorded = record(&site, DAY, false, &[]);
    let until = recorded.simulation.plant().now();
    let from = until - SignedDuration::from_secs(DAY);
    let plant = recorded.simulation.plant().energy(CircuitIx::ROOT);
    assert!(plant > Energy::from_watt_hours(500_000), "{plant}");
    for by in
        [vec![], vec![By::Hall], vec![By::Owner], vec![By::Machine], vec![By::Hour], vec![By::Hall, By::Day]]
    {
        let report = recorded.report(&site, &by, from, until);
        let whole = report.whole();
        assert_eq!(whole.energy.to_watt_hours(), plant.to_watt_hours(), "{by:?}");
        assert_eq!((whole.length_s, whole.missing_s), (86_400, 0));
        let lines: Energy = report.lines().map(|(_, cell)| cell.machines.energy).sum();
        assert_eq!(lines + report.rest(), whole.energy);
        assert!(report.rest() > Energy::ZERO && report.rest().ratio_to(whole.energy).unwrap() < 0.2);
        let time = report.machines().uptime.total();
        assert_eq!(time, 86_400 * site.machines.len() as u64, "the reasons add up to the time");
    }
    // A hall's machines and house load are its meter's energy; the machines' part is close to the truth.
    let report = recorded.report(&site, &[By::Hall], from, until);
    for (key, cell) in report.lines() {
        let hall = site.circuits.find(&key[0]).unwrap();
        let share = cell.machines.energy.ratio_to(recorded.simulation.plant().energy(hall)).unwrap();
        assert!((0.85..1.0).contains(&share), "{key:?} {share}");
    }
    let hashes = recorded.report(&site, &[], from, until).machines().hashes_gh;
    let truth = recorded.simulation.plant().hashes().to_count() / 1_000_000_000;
    assert!((hashes - truth).abs() * 50 < truth, "{hashes} GH by their words, {truth} in truth");
    recorded.meters.iter().for_each(|row| row.judge().unwrap());
    recorded.machines.iter().for_each(|row| row.judge().unwrap());
}

#[test]
fn sleepers_by_the_quarter_hour_come_to_the_same() {
    let site = small();
    let (minutes, quarters) = (record(&site, DAY / 2, false, &[]), record(&site, DAY / 2, true, &[]));
    assert!(quarters.machines.len() * 4 < minutes.machines.len() * 3, "{}", quarters.machines.len());
    quarters.machines.iter().for_each(|row| row.judge().unwrap());
    let until = minutes.simulation.plant().now();
    let from = until - SignedDuration::from_secs(DAY / 2);
    for by in [By::Machine, By::Hour] {
        let [a, b] = [&minutes, &quarters].map(|recorded| recorded.report(&site, &[by], from, until));
        assert!(a.lines().eq(b.lines()), "{by:?}");
        assert_eq!(a.whole(), b.whole());
    }
    assert!(quarters.machines.iter().any(|row| row.length_s == 900 && row.state == MachineState::Asleep));
}

#[test]
fn a_restart_loses_no_energy_and_says_what_time_has_no_data() {
    let site = small();
    let recorded = record(&site, 6 * 3_600, false, &[(5_000, 5_030), (12_345, 14_000)]);
    let until = recorded.simulation.plant().now();
    let from = until - SignedDuration::from_secs(6 * 3_600);
    let report = recorded.report(&site, &[], from, until);
    let plant = recorded.simulation.plant().energy(CircuitIx::ROOT);
    assert_eq!(report.whole().energy.to_watt_hours(), plant.to_watt_hours());
    assert_eq!(report.whole().missing_s, 0);
    assert!(report.whole().register_s >= 1_655);
    // No minute of a machine stands twice.
    let mut keys: Vec<_> = recorded.machines.iter().map(|row| (row.machine.clone(), row.start)).collect();
    let all = keys.len();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), all);
    for row in recorded.meters.iter().filter(|row| row.length_s == 60) {
        assert!(row.energy_j.is_some());
    }
}
