//! A small mine for this crate's tests: one connection, two halls of two racks, ten machines a rack.

use jiff::civil::{Weekday, time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use offpeak_site::*;
use offpeak_units::{Currency, HashRate, Power};

use crate::memory::Memory;
use crate::snapshot::{Seen, Snapshot};

pub(crate) const MACHINE_W: i64 = 3_000;
pub(crate) const SLEEP_W: i64 = 20;

fn circuit(id: &str, kind: CircuitKind, parent: Option<u32>, rating_w: i64) -> Circuit {
    Circuit {
        id: id.into(),
        kind,
        parent: parent.map(CircuitIx),
        rating: Some(Power::from_watts(rating_w)),
        base_load: Power::ZERO,
        meter: parent.is_none().then_some(MeterIx(0)),
        ramp: parent.is_none().then_some(Ramp {
            up_per_minute: Some(Power::from_watts(120_000)),
            down_per_minute: Some(Power::from_watts(120_000)),
        }),
        switch: None,
        authority: Authority::Control,
    }
}

/// Connection `grid`, `hall-1` and `hall-2`, each with racks `a` and `b`.
pub(crate) fn site() -> Site {
    let circuits = CircuitTree::new(vec![
        circuit("grid", CircuitKind::Connection, None, 200_000),
        circuit("hall-1", CircuitKind::Hall, Some(0), 100_000),
        circuit("hall-2", CircuitKind::Hall, Some(0), 100_000),
        circuit("hall-1/a", CircuitKind::Rack, Some(1), 50_000),
        circuit("hall-1/b", CircuitKind::Rack, Some(1), 50_000),
        circuit("hall-2/a", CircuitKind::Rack, Some(2), 50_000),
        circuit("hall-2/b", CircuitKind::Rack, Some(2), 50_000),
    ])
    .unwrap();
    let takes = Distribution { p5_ms: 2_000, p95_ms: 10_000 };
    let machines = (0..40)
        .map(|place| Machine {
            id: format!("m{place}"),
            model: ModelIx(0),
            circuit: CircuitIx(3 + place / 10),
            owner: OwnerIx(0),
            serial: None,
            mac: None,
            endpoint: None,
            outlet: (place % 10 == 0).then_some(Outlet { switch: SwitchIx(0), channel: place as u16 }),
        })
        .collect();
    Site {
        id: "test".into(),
        name: "Test".into(),
        secrets: None,
        time_zone: TimeZone::UTC,
        circuits,
        machines,
        models: vec![Model {
            name: "T".into(),
            maker: "T".into(),
            family: Family::WhatsminerV2,
            modes: vec![Mode {
                name: ModeName::Normal,
                power: Power::from_watts(MACHINE_W),
                hash_rate: HashRate::from_gigahashes(60_000),
            }],
            sleeps_by_command: true,
            sleep: Power::from_watts(SLEEP_W),
            transitions: Transitions { boot: takes, wake: takes, ramp_up: takes, sleep: takes },
            source: String::new(),
        }],
        owners: vec![Owner { id: "o".into(), name: "O".into() }],
        meters: vec![Meter {
            id: "grid".into(),
            circuit: CircuitIx::ROOT,
            error_ppm: 1_000,
            modbus: None,
            register_map: "t".into(),
        }],
        switches: vec![Switch { id: "s".into(), modbus: None, snmp: None }],
        fans: vec![],
        contract: Contract {
            windows: vec![Window {
                days: vec![Weekday::Monday],
                holidays: false,
                from: time(0, 0, 0, 0),
                to: time(8, 0, 0, 0),
                limit: Power::from_watts(100_000),
            }],
            holidays: vec![],
            house_load: Power::from_watts(2_000),
            ..Contract::default()
        },
        economics: Economics {
            currency: Currency::USD,
            tariffs: vec![],
            hash_prices: vec![],
            holidays: vec![],
            costs: Costs::default(),
        },
        rules: Rules::default(),
    }
}

/// The same with fans on `hall-1`: two contactors, 6 kW, 30 s before, 240 s after, 120 s without.
pub(crate) fn site_with_fans() -> Site {
    let mut site = site();
    site.fans.push(Fans {
        id: "fans-1".into(),
        circuit: CircuitIx(1),
        switch: SwitchIx(0),
        first_channel: 100,
        channels: 2,
        power: Power::from_watts(6_000),
        lead: SignedDuration::from_secs(30),
        run_on: SignedDuration::from_secs(240),
        without: SignedDuration::from_secs(120),
    });
    site
}

/// The same with a lower and a higher mode, which may be used: 40, 50 and 53.8 J/TH.
pub(crate) fn site_with_modes() -> Site {
    let mut site = site();
    let mode = |name, watts, terahashes: i64| Mode {
        name,
        power: Power::from_watts(watts),
        hash_rate: HashRate::from_gigahashes(terahashes * 1_000),
    };
    site.models[0].modes = vec![
        mode(ModeName::Low, 2_000, 50),
        mode(ModeName::Normal, MACHINE_W, 60),
        mode(ModeName::High, 3_500, 65),
    ];
    site.rules.tuning = Tuning { change_modes: true, swap_machines: true };
    site
}

/// A machine that hashes in this mode.
pub(crate) fn in_mode(at: Timestamp, mode: ModeName) -> Seen {
    let mut seen = says(at, Activity::Hashing);
    seen.reading.as_mut().unwrap().mode = Some(mode);
    seen
}

/// Monday 3 October 2022, this long after midnight.
pub(crate) fn monday(seconds: i64) -> Timestamp {
    "2022-10-03T00:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(seconds)
}

pub(crate) fn says(at: Timestamp, activity: Activity) -> Seen {
    Seen {
        reading: Some(Reading { at, activity, power: None, hash_rate: None, temperature: None, mode: None }),
        trouble: None,
        outlet_closed: None,
    }
}

/// Machines `0..hashing` hash and have for long, the rest sleep; the meter says what that makes.
pub(crate) fn snapshot(at: Timestamp, hashing: usize) -> Snapshot {
    let machines = (0..40)
        .map(|place| says(at, if place < hashing { Activity::Hashing } else { Activity::Asleep }))
        .collect();
    let power = Power::from_watts(hashing as i64 * MACHINE_W + (40 - hashing as i64) * SLEEP_W);
    Snapshot {
        at,
        machines,
        meters: vec![Some(MeterReading { at, power, energy: None })],
        fans: vec![None; 0],
        directives: crate::Directives::default(),
        returned: vec![],
    }
}

/// A memory that has seen this snapshot's meters and is past its warm-up.
pub(crate) fn memory(site: &Site, snapshot: &Snapshot) -> Memory {
    let mut memory = Memory::new(site, 1);
    memory.ready = true;
    for (filter, reading) in memory.meters.iter_mut().zip(&snapshot.meters) {
        if let Some(reading) = reading {
            filter.feed(*reading);
        }
    }
    memory
}
