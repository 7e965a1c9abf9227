//! asic-rs identifies and reads the twin's machines, and where its reading or its
//! command differs from ours, the reason stands here.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use asic_rs::MinerFactory;
use asic_rs::core::data::hashrate::HashRateUnit;
use asic_rs::core::data::miner::MinerData;
use asic_rs::core::traits::miner::Miner;
use jiff::{SignedDuration, Timestamp};
use offpeak_drivers::clock::Clock;
use offpeak_drivers::driver::{Driver, Link};
use offpeak_drivers::fronts::{Addressing, Fronts, Layout, Listening, Ports};
use offpeak_site::observe::ModbusAddress;
use offpeak_site::{Activity, Endpoint, Family, MachineIx, ModelIx, Site};
use offpeak_twin::{Initial, Plant, Scenario, Truth};

const SMALL: &str = include_str!("../../../../sites/small.toml");
const MACHINES: [(Family, &str); 9] = [
    (Family::Avalon, "A1246"),
    (Family::LuxOs, "S19j Pro"),
    (Family::WhatsminerV3, "M60S"),
    (Family::Vnish, "S19j Pro"),
    (Family::BraiinsOs, "S19j Pro"),
    (Family::ProtoRig, "Proto Rig"),
    (Family::Epic, "S19j Pro"),
    (Family::Bitaxe, "BM1370"),
    (Family::BraiinsOsGraphQl, "S19j Pro"),
];

fn address(place: usize) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(127, 99, 8, 11 + place as u8))
}

/// One machine of each family at the standard ports, for asic-rs knows no others.
fn twin() -> (Fronts, Listening) {
    let mut site: Site = offpeak_site::file::load("small.toml", SMALL, &|_| None).unwrap();
    let pattern = site.machines[0].clone();
    site.machines.clear();
    for (place, (family, name)) in MACHINES.into_iter().enumerate() {
        let mut model = site.models[pattern.model.ix()].clone();
        (model.family, model.name) = (family, name.to_owned());
        let mut machine = pattern.clone();
        (machine.model, machine.outlet) = (ModelIx(site.models.len() as u16), None);
        machine.endpoint = Some(Endpoint::of(family, address(place)));
        site.models.push(model);
        site.machines.push(machine);
    }
    // Meters and switches are not asked here; they only need ports that nobody has.
    let mut held = Vec::new();
    let mut free = || {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        held.push(listener);
        Some(ModbusAddress { address, unit: 1 })
    };
    site.meters.iter_mut().for_each(|meter| meter.modbus = free());
    site.switches.iter_mut().for_each(|switch| switch.modbus = free());
    drop(held);
    let layout = Layout::plan(&site, Addressing::ListenerPerMachine(Ports::for_this_user())).unwrap();
    layout.apply(&mut site);
    let start: Timestamp = "2022-10-03T00:00:00Z".parse().unwrap();
    let scenario = Scenario { initial: Initial::Running, ..Scenario::healthy() };
    let plant = Plant::new(Arc::new(site), &scenario, 7, start);
    let fronts = Fronts::new(plant, layout, Clock::starting_at(start)).unwrap();
    let listening = fronts.listen().unwrap();
    (fronts, listening)
}

async fn found(place: usize) -> Box<dyn Miner> {
    let factory = MinerFactory::new().with_nofile_adjustment(false);
    factory.get_miner(address(place)).await.unwrap().expect("asic-rs identifies the machine")
}

fn terahashes(data: &MinerData) -> f64 {
    data.hashrate.clone().unwrap().as_unit(HashRateUnit::TeraHash).value
}

fn near(value: f64, expected: f64) {
    assert!((value - expected).abs() <= expected * 0.01, "{value} is not near {expected}");
}

fn truth(fronts: &Fronts, place: usize) -> Truth {
    fronts.with(|plant| plant.truth(MachineIx(place as u32)))
}

fn later(fronts: &Fronts, minutes: i64) {
    fronts.with(|plant| plant.advance(plant.now() + SignedDuration::from_mins(minutes)));
}

/// Our own reading of the same machine.
async fn ours(fronts: &Fronts, place: usize) -> offpeak_site::Reading {
    let driver = Driver::new(offpeak_drivers::connect::Connector::Tcp, fronts.clock());
    let at = fronts.layout().endpoints()[place];
    driver.read_full(MACHINES[place].0, at).await.unwrap().reading.unwrap()
}

async fn read(fronts: &Fronts, place: usize) -> (Box<dyn Miner>, MinerData) {
    let miner = found(place).await;
    let (data, true_now) = (miner.get_data().await, truth(fronts, place));
    near(terahashes(&data), true_now.hash_rate.to_terahashes_f64());
    let family = MACHINES[place].0;
    let (boards, pools) = if family == Family::Bitaxe { (1, 2) } else { (3, 3) };
    assert_eq!((data.hashboards.len(), data.pools[0].pools.len()), (boards, pools));
    for board in &data.hashboards {
        let rate = board.hashrate.clone().unwrap().as_unit(HashRateUnit::TeraHash).value;
        near(rate, true_now.hash_rate.to_terahashes_f64() / boards as f64);
    }
    assert_eq!(data.mac.unwrap().to_string(), format!("02:0F:00:00:00:0{place}"));
    // It asks WhatsMiner's version 3 and Braiins' GraphQL for no serial number, and a Bitaxe has none.
    let serial = !matches!(family, Family::WhatsminerV3 | Family::Bitaxe | Family::BraiinsOsGraphQl);
    assert_eq!(data.serial_number, serial.then(|| format!("TWIN0000000{place}")));
    let own = ours(fronts, place).await;
    near(terahashes(&data), own.hash_rate.unwrap().to_terahashes_f64());
    near(own.power.unwrap().to_watts_f64(), true_now.power.to_watts_f64());
    (miner, data)
}

async fn avalon(fronts: &Fronts) {
    let (miner, data) = read(fronts, 0).await;
    assert_eq!(miner.get_device_info().model, "Avalon1246");
    // It takes what the boards get for what the machine draws; the last number of `PS` is the wall's, as
    // the A15 says by naming it.
    near(data.wattage.unwrap().as_watts(), truth(fronts, 0).power.to_watts_f64() * 10.0 / 11.0);
    // It stops an Avalon at the time of day, which the machine's clock does not have, and takes the answer
    // `I` for a failure.
    assert!(!miner.pause(None).await.unwrap());
    later(fronts, 10);
    assert_eq!(truth(fronts, 0).activity, Some(Activity::Hashing));
    let driver = Driver::new(offpeak_drivers::connect::Connector::Tcp, fronts.clock());
    let at = fronts.layout().endpoints()[0];
    let outcome =
        driver.order(Family::Avalon, at, &mut Link::default(), &offpeak_drivers::call::Order::Sleep).await;
    assert_eq!(outcome, offpeak_site::Outcome::Accepted);
    later(fronts, 10);
    assert_eq!(ours(fronts, 0).await.activity, Activity::Asleep);
    assert!(terahashes(&found(0).await.get_data().await).abs() < f64::EPSILON);
}

async fn stops_and_starts(fronts: &Fronts, place: usize, model: &str) {
    let (miner, data) = read(fronts, place).await;
    assert_eq!(miner.get_device_info().model, model);
    near(data.wattage.unwrap().as_watts(), truth(fronts, place).power.to_watts_f64());
    assert!(miner.pause(None).await.unwrap());
    later(fronts, 10);
    assert_eq!(truth(fronts, place).activity, Some(Activity::Asleep));
    assert_eq!(ours(fronts, place).await.activity, Activity::Asleep);
    assert!(miner.resume(None).await.unwrap());
    later(fronts, 60);
    assert_eq!(truth(fronts, place).activity, Some(Activity::Hashing));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asic_rs_knows_the_families() {
    let (fronts, _listening) = twin();
    avalon(&fronts).await;
    stops_and_starts(&fronts, 1, "S19jPro").await;
    stops_and_starts(&fronts, 2, "M60SVK30").await;
    if !crate::at_port_80() {
        return;
    }
    for (place, model) in
        [(3, "S19jPro"), (4, "S19jPro"), (5, "Rig"), (6, "S19jPro"), (7, "Gamma"), (8, "S19jPro")]
    {
        stops_and_starts(&fronts, place, model).await;
    }
}
