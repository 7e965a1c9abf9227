//! 20 MW for 24 h is 480.000 MWh in every report: by hall, machine, owner and hour, across a restart, a meter exchange,
//! a clock change and a register rollover. Two hundred machines of 100 kW, in eight halls, of five owners.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use offpeak_accounts::{Anchor, By, LastWord, Ledger, Picture, RULE_GAP, Report, Span, last_anchor};
use offpeak_dispatch::{Controller, Cycle, Directives, Memory, Seen, Snapshot};
use offpeak_rows::{Known, MachineRow, MachineRun, MeterRow};
use offpeak_site::{Activity, MeterReading, Reading, Site};
use offpeak_units::{Energy, HashRate, Power};

const MACHINES: i64 = 200;
const DAY: i64 = 86_400;

fn site() -> Arc<Site> {
    let mut text = String::from(
        "[site]\nid = \"twenty\"\nname = \"Twenty\"\ntime_zone = \"Europe/Berlin\"\ncurrency = \"EUR\"\n
         [grid]\nrating_kw = 30000\nbase_load_kw = 0\n
         [[circuits]]\nid = \"hall-[1-8]\"\nkind = \"hall\"\nparent = \"grid\"\nrating_kw = 4000\nauthority = \"control\"\n
         [[circuits]]\nid = \"hall-[1-8]/rack-1\"\nkind = \"rack\"\nrating_kw = 4000\n
         [[circuits]]\nid = \"hall-[1-8]/rack-1/pdu-1\"\nkind = \"pdu\"\nrating_kw = 4000\n
         [[meters]]\nid = \"revenue\"\ncircuit = \"grid\"\naccuracy_class = 0.5\n
         [[meters]]\nid = \"meter-[1-8]\"\ncircuit = \"hall-[1-8]\"\naccuracy_class = 1\n
         [[owners]]\nid = \"owner-1\"\nname = \"O\"\n[[owners]]\nid = \"owner-2\"\nname = \"O\"\n[[owners]]\nid = \"owner-3\"\nname = \"O\"\n
         [[owners]]\nid = \"owner-4\"\nname = \"O\"\n[[owners]]\nid = \"owner-5\"\nname = \"O\"\n",
    );
    for hall in 1..=8 {
        let owner = hall % 5 + 1;
        write!(text, "[[machines]]\nmodel = \"M30S\"\nat = \"hall-{hall}/rack-1/pdu-1\"\nslots = 25\nowner = \"owner-{owner}\"\n").unwrap();
    }
    text.push_str(
        "[contract]\nhouse_load_kw = 0\n[[contract.windows]]\ndays = [\"mon\", \"tue\", \"wed\", \"thu\", \"fri\", \"sat\", \"sun\"]\n
         from = \"00:00\"\nto = \"24:00\"\nlimit_kw = 25000\n",
    );
    match offpeak_site::file::load("twenty", &text, &|_| None) {
        Ok(site) => Arc::new(site),
        Err(mistakes) => panic!("{mistakes:?}"),
    }
}

/// What happens on the day.
#[derive(Clone, Copy, Default)]
struct Course {
    /// The recorder is gone between these seconds.
    away: Option<(i64, i64)>,
    /// The revenue meter is another one from this second on, after 30 s without one.
    exchanged: Option<i64>,
    /// The revenue register begins at so many kWh, and again at zero after 10^9 kWh.
    begins_kwh: i64,
    /// Machines say so many per mille of what they draw.
    say_per_mille: i64,
}

struct Recorded {
    site: Arc<Site>,
    meters: Vec<MeterRow>,
    machines: Vec<MachineRow>,
    from: Timestamp,
    long_gap: bool,
}

fn record(from: Timestamp, course: &Course) -> Recorded {
    let site = site();
    let cycle = a_cycle(&site, from);
    let memory = Memory::new(&site, 1);
    let mut ledger = Some(Ledger::new(Arc::clone(&site), from, &BTreeMap::new()));
    let mut recorded =
        Recorded { site: Arc::clone(&site), meters: Vec::new(), machines: Vec::new(), from, long_gap: false };
    let begins = Energy::from_watt_hours(course.begins_kwh * 1_000);
    let end = Energy::from_watt_hours(1_000_000_000_000);
    for second in 0..=DAY {
        let at = from + SignedDuration::from_secs(second);
        if let Some((gone, back)) = course.away {
            if second == gone {
                ledger = None;
            } else if second == back {
                let mut anchors: BTreeMap<String, Anchor> = BTreeMap::new();
                for row in recorded.meters.iter().filter(|row| row.length_s == 60) {
                    anchors.insert(row.meter.to_string(), last_anchor(row));
                }
                let mut last: BTreeMap<String, LastWord> = BTreeMap::new();
                for row in &recorded.machines {
                    let until = row.start + SignedDuration::from_secs(row.length_s.into());
                    let energy = row.energy_j.map(Energy::from_joules);
                    last.insert(row.machine.to_string(), LastWord { until, energy });
                }
                let begun = Ledger::new(Arc::clone(&site), at, &anchors);
                ledger = Some(begun.after(&last, &recorded.meters));
            }
        }
        let Some(ledger) = &mut ledger else { continue };
        let mut readings = Vec::new();
        for place in 0..site.meters.len() {
            let power = Power::from_kilowatts(if place == 0 { 20_000 } else { 2_500 });
            let energy = match course.exchanged.filter(|_| place == 0) {
                Some(then) if second >= then => power.over_millis((second - then) * 1_000),
                _ => begins + power.over_millis(second * 1_000),
            };
            let out = place == 0 && course.exchanged.is_some_and(|then| (then - 30..then).contains(&second));
            let energy = if energy >= end { energy - end } else { energy };
            readings.push((!out).then_some(MeterReading { at, power, energy: Some(energy) }));
        }
        ledger.read_meters(&readings);
        if second % 60 == 0 || course.away.is_some_and(|(_, back)| back == second) {
            let seen = vec![word(at, course.say_per_mille); site.machines.len()];
            let picture = Picture {
                at,
                machines: &seen,
                memory: &memory,
                plan: &cycle.plan,
                envelope: &cycle.envelope,
            };
            ledger.look(&picture);
        }
        let batch = ledger.take();
        recorded.meters.extend(batch.meters);
        recorded.machines.extend(batch.machines);
    }
    if let Some(batch) = ledger.map(|mut ledger| ledger.finish()) {
        recorded.meters.extend(batch.meters);
        recorded.machines.extend(batch.machines);
    }
    recorded
}

fn word(at: Timestamp, per_mille: i64) -> Seen {
    let reading = Reading {
        at,
        activity: Activity::Hashing,
        power: Some(Power::from_watts(100 * per_mille)),
        hash_rate: Some(HashRate::from_gigahashes(90_000)),
        temperature: None,
        mode: None,
    };
    Seen { reading: Some(reading), ..Seen::default() }
}

fn a_cycle(site: &Arc<Site>, at: Timestamp) -> Cycle {
    let mut controller = Controller::new(Arc::clone(site), Memory::new(site, 1));
    controller.cycle(&Snapshot {
        at,
        machines: vec![word(at, 1_000); site.machines.len()],
        meters: vec![None; site.meters.len()],
        fans: vec![None; site.fans.len()],
        directives: Directives::default(),
        returned: Vec::new(),
    })
}

fn check(recorded: &Recorded, until_s: i64) {
    let span = Span { from: recorded.from, until: recorded.from + SignedDuration::from_secs(until_s) };
    for by in By::ALL.map(|by| vec![by]).into_iter().chain([vec![], vec![By::Owner, By::Hour]]) {
        let mut report = Report::new(&by, recorded.site.time_zone.clone(), span, "revenue").unwrap();
        recorded.meters.iter().for_each(|row| report.meter(row));
        recorded.machines.iter().for_each(|row| report.run(&MachineRun::from(row)).unwrap());
        let whole = report.whole();
        assert_eq!(whole.energy.to_string(), "480.000 MWh", "{by:?}");
        assert_eq!(whole.energy, Energy::from_watt_hours(480_000_000));
        assert_eq!(whole.missing_s, 0);
        let lines: Vec<(String, Energy)> =
            report.lines().map(|(key, cell)| (key.join(" "), cell.machines.energy)).collect();
        if by == [By::Hour] {
            assert_eq!(lines.len(), 24);
            for (key, _) in report.lines() {
                assert_eq!(report.metered(key).unwrap().energy.to_string(), "20.000 MWh", "{key:?}");
            }
        }
        if by == [By::Hall] {
            for (key, _) in report.lines() {
                assert_eq!(
                    report.metered(key).unwrap().energy,
                    Energy::from_watt_hours(60_000_000),
                    "{key:?}"
                );
            }
        }
        // Machines have all of it, but for a long time in which nobody looked.
        let machine_s: u64 = report.machines().uptime.total();
        assert_eq!(machine_s, (MACHINES * until_s) as u64, "each second of each machine is accounted for");
        if !recorded.long_gap {
            assert_eq!(report.rest(), Energy::ZERO, "{by:?}");
            for (name, energy) in lines {
                let wh = match (by.as_slice(), name.as_str()) {
                    ([By::Hall | By::Circuit], _) => 60_000_000,
                    ([By::Machine], _) => 2_400_000,
                    ([By::Hour], _) => 20_000_000,
                    // Owners 2 to 4 have machines in two of the eight halls, 5 and 1 in one.
                    ([By::Owner], "owner-5" | "owner-1") => 60_000_000,
                    ([By::Owner], _) => 120_000_000,
                    ([By::Owner, By::Hour] | [By::Hour, By::Owner], name) => {
                        if name.contains("owner-5") || name.contains("owner-1") {
                            2_500_000
                        } else {
                            5_000_000
                        }
                    }
                    _ => continue,
                };
                assert_eq!(energy, Energy::from_watt_hours(wh), "{name}");
            }
        }
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn on_a_quiet_day_with_honest_machines_and_with_liars() {
    for say_per_mille in [1_000, 870, 1_200] {
        check(&record(at("2022-10-03T00:00:00Z"), &Course { say_per_mille, ..Course::default() }), DAY);
    }
}

#[test]
fn across_a_restart() {
    for (gone, back) in [(30_017, 31_111), (30_000, 30_001), (30_059, 30_061), (200, 3_600)] {
        let course = Course { away: Some((gone, back)), say_per_mille: 950, ..Course::default() };
        let recorded = record(at("2022-10-03T00:00:00Z"), &course);
        check(&recorded, DAY);
        let estimated: Vec<_> =
            recorded.machines.iter().filter(|row| row.known == Known::Estimated).collect();
        assert!(
            estimated.iter().all(|row| row.rule.as_deref() == Some(RULE_GAP) && row.down.no_data_s == 60)
        );
        assert!(
            back - gone < 120 || estimated.len() as i64 >= (back - gone - 120) / 60 * MACHINES,
            "{gone} {back}"
        );
    }
}

/// Of a longer time nothing is said of any machine: the meters have its energy, and the machines' time says why.
#[test]
fn across_hours_without_a_recorder() {
    let (gone, back) = (30_017, 60_000);
    let course = Course { away: Some((gone, back)), say_per_mille: 950, ..Course::default() };
    let recorded = Recorded { long_gap: true, ..record(at("2022-10-03T00:00:00Z"), &course) };
    check(&recorded, DAY);
    let away: Vec<_> = recorded.machines.iter().filter(|row| row.known == Known::Missing).collect();
    assert!(away.iter().all(|row| row.energy_j.is_none() && row.down.no_data_s == row.length_s));
    let s: i64 = away.iter().map(|row| i64::from(row.length_s)).sum();
    assert_eq!(s, (back - gone.div_euclid(60) * 60) * MACHINES);
}

#[test]
fn across_a_meter_exchange() {
    let course =
        Course { exchanged: Some(50_000), begins_kwh: 7_000_000, say_per_mille: 1_000, ..Course::default() };
    check(&record(at("2022-10-03T00:00:00Z"), &course), DAY);
}

#[test]
fn across_a_register_rollover() {
    let course = Course { begins_kwh: 999_800_000, say_per_mille: 1_000, ..Course::default() };
    check(&record(at("2022-10-03T00:00:00Z"), &course), DAY);
}

#[test]
fn across_a_clock_change() {
    let course = Course { say_per_mille: 1_000, ..Course::default() };
    // From the civil noon before the clocks go back, and before they go forward.
    for from in ["2022-10-29T10:00:00Z", "2022-03-26T11:00:00Z"] {
        check(&record(at(from), &course), DAY);
    }
    // The civil day of 25 hours has 500 MWh when its hours are all there; of these 24 were recorded.
    let recorded = record(at("2022-10-29T22:00:00Z"), &course);
    let span = Span { from: recorded.from, until: at("2022-10-30T23:00:00Z") };
    let mut report = Report::new(&[By::Day], recorded.site.time_zone.clone(), span, "revenue").unwrap();
    recorded.meters.iter().for_each(|row| report.meter(row));
    let whole = report.whole();
    assert_eq!((whole.length_s, whole.missing_s), (90_000, 3_600), "what is missing is told");
    report.complete();
    assert_eq!(report.lines().count(), 1, "a day of which only the meter has records has its line");
}
