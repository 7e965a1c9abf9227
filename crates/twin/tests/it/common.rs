//! Sites built in code for these tests: a connection, halls with ratings, racks with PDUs.

use std::sync::Arc;

use jiff::civil::{Weekday, time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use offpeak_site::*;
use offpeak_twin::{Plant, Scenario};
use offpeak_units::{Currency, HashRate, Power};

/// How large a site is.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    pub(crate) halls: u32,
    pub(crate) racks: u32,
    pub(crate) machines: u32,
}

pub(crate) const SMALL: Size = Size { halls: 2, racks: 2, machines: 15 };

/// Monday 3 October 2022, 00:00 in Ekibastuz's hours (UTC+6), so long after.
pub(crate) fn monday(seconds: i64) -> Timestamp {
    "2022-10-02T18:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(seconds)
}

fn circuit(id: String, kind: CircuitKind, parent: Option<u32>, rating_kw: Option<i64>) -> Circuit {
    Circuit {
        id,
        kind,
        parent: parent.map(CircuitIx),
        rating: rating_kw.map(Power::from_kilowatts),
        base_load: Power::from_watts(150),
        meter: None,
        ramp: None,
        switch: None,
        authority: Authority::Control,
    }
}

fn model(name: &str, family: Family, watts: i64, terahashes: i64, sleeps: bool) -> Model {
    let mode = |name, percent: i64| Mode {
        name,
        power: Power::from_watts(watts * percent / 100),
        hash_rate: HashRate::from_gigahashes(terahashes * 10 * (50 + percent / 2)),
    };
    Model {
        name: name.into(),
        maker: "test".into(),
        family,
        modes: vec![mode(ModeName::Low, 80), mode(ModeName::Normal, 100)],
        sleeps_by_command: sleeps,
        sleep: Power::from_watts(20),
        transitions: Transitions {
            boot: Distribution { p5_ms: 30_000, p95_ms: 90_000 },
            wake: Distribution { p5_ms: 20_000, p95_ms: 120_000 },
            ramp_up: Distribution { p5_ms: 30_000, p95_ms: 180_000 },
            sleep: Distribution { p5_ms: 2_000, p95_ms: 10_000 },
        },
        source: "made up".into(),
    }
}

/// Model 0 is a WhatsMiner, 1 an Antminer, 2 an Antminer without sleep. Every second machine has an
/// outlet on switch 0; hall 1 can be cut as a whole by switch 1.
pub(crate) fn site(size: Size) -> Site {
    let mut circuits = vec![circuit("grid".into(), CircuitKind::Connection, None, None)];
    circuits[0].meter = Some(MeterIx(0));
    let mut machines = Vec::new();
    for hall in 0..size.halls {
        let hall_ix = circuits.len() as u32;
        let id = format!("hall-{}", hall + 1);
        let rating = i64::from(size.racks * size.machines) * 4;
        circuits.push(circuit(id.clone(), CircuitKind::Hall, Some(0), Some(rating)));
        circuits[hall_ix as usize].switch = (hall == 0).then_some(SwitchIx(1));
        for rack in 0..size.racks {
            let rack_ix = circuits.len() as u32;
            let rating = Some(i64::from(size.machines) * 4);
            circuits.push(circuit(format!("{id}/rack-{rack}"), CircuitKind::Rack, Some(hall_ix), rating));
            for place in 0..size.machines {
                let number = machines.len() as u32;
                machines.push(Machine {
                    id: format!("{id}/rack-{rack}/{place}"),
                    model: ModelIx((number % 3) as u16),
                    circuit: CircuitIx(rack_ix),
                    owner: OwnerIx(0),
                    serial: None,
                    mac: None,
                    endpoint: None,
                    outlet: number
                        .is_multiple_of(2)
                        .then_some(Outlet { switch: SwitchIx(0), channel: number as u16 }),
                });
            }
        }
    }
    let open = i64::from(size.halls * size.racks * size.machines) * 4;
    Site {
        id: "test".into(),
        name: "Test".into(),
        secrets: None,
        time_zone: TimeZone::fixed(jiff::tz::offset(6)),
        circuits: CircuitTree::new(circuits).unwrap(),
        machines,
        models: vec![
            model("W", Family::WhatsminerV2, 3_300, 68, true),
            model("A", Family::AntminerStock, 3_250, 95, true),
            model("old", Family::AntminerStock, 1_400, 14, false),
        ],
        owners: vec![Owner { id: "o".into(), name: "O".into() }],
        meters: vec![Meter {
            id: "revenue".into(),
            circuit: CircuitIx::ROOT,
            error_ppm: 5_000,
            modbus: None,
            register_map: "t".into(),
        }],
        switches: ["outlets", "hall-1"].map(|id| Switch { id: id.into(), modbus: None, snmp: None }).into(),
        fans: vec![],
        contract: Contract {
            windows: vec![Window {
                days: vec![Weekday::Monday, Weekday::Tuesday],
                holidays: false,
                from: time(0, 0, 0, 0),
                to: time(8, 0, 0, 0),
                limit: Power::from_kilowatts(open),
            }],
            holidays: vec![],
            house_load: Power::from_kilowatts(open / 40),
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

pub(crate) fn plant(scenario: &Scenario, seed: u64) -> Plant {
    Plant::new(Arc::new(site(SMALL)), scenario, seed, monday(0))
}

/// Advances by so many seconds.
pub(crate) fn pass(plant: &mut Plant, seconds: i64) {
    let to = plant.now() + SignedDuration::from_secs(seconds);
    plant.advance(to);
}

/// Everything that can be seen of a plant.
pub(crate) fn picture(plant: &Plant) -> String {
    use std::fmt::Write as _;
    let mut text = format!("{} {} {}\n", plant.now(), plant.outdoor(), plant.hashing());
    for (machine, _) in plant.site().machines() {
        writeln!(text, "{:?} {:?}", plant.truth(machine), plant.reading(machine)).unwrap();
    }
    for (ix, _) in plant.site().circuits.iter() {
        writeln!(text, "{:?} {:?}", plant.circuit_power(ix), plant.energy(ix)).unwrap();
    }
    writeln!(text, "{:?} {:?}", plant.hashes(), plant.meter(MeterIx(0))).unwrap();
    text
}

/// The machines' powers and the base loads below a circuit, added up here.
pub(crate) fn added_up(plant: &Plant, circuit: CircuitIx) -> Power {
    let tree = &plant.site().circuits;
    let switched_off = |ix: CircuitIx| {
        tree.path(ix).any(|ix| tree.get(ix).switch.is_some_and(|switch| !plant.switch_state(switch, 0)))
    };
    let bases: Power = tree
        .iter()
        .filter(|(ix, _)| tree.is_within(*ix, circuit) && !switched_off(*ix))
        .map(|(_, circuit)| circuit.base_load)
        .sum();
    let machines: Power = plant
        .site()
        .machines()
        .filter(|(_, machine)| tree.is_within(machine.circuit, circuit))
        .map(|(machine, _)| plant.truth(machine).power)
        .sum();
    bases + machines
}
