//! asic-rs identifies the twin's machines, reads them, and puts one to sleep.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use asic_rs::MinerFactory;
use asic_rs::core::data::hashrate::HashRateUnit;
use asic_rs::core::data::miner::MinerData;
use asic_rs::core::traits::miner::Miner;
use jiff::{SignedDuration, Timestamp};
use offpeak_drivers::clock::Clock;
use offpeak_drivers::fronts::{Addressing, Fronts, Layout, Listening, Ports};
use offpeak_drivers_asic_rs::Others;
use offpeak_site::observe::ModbusAddress;
use offpeak_site::{Activity, Endpoint, MachineIx, Site};
use offpeak_twin::{Initial, Plant, Scenario, Truth};

const SMALL: &str = include_str!("../../../../sites/small.toml");
const WHATSMINER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 99, 8, 1));
const ANTMINER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 99, 8, 2));

/// One machine of each family at the standard ports, for asic-rs knows no others.
fn twin() -> (Fronts, Listening) {
    let mut site: Site = offpeak_site::file::load("small.toml", SMALL, &|_| None).unwrap();
    let of =
        |model: &str| site.machines().find(|(ix, _)| site.model_of(*ix).name == model).unwrap().1.clone();
    let mut machines = vec![of("M30S"), of("S19")];
    machines[0].endpoint = Some(Endpoint::standard(WHATSMINER));
    machines[1].endpoint = Some(Endpoint::standard(ANTMINER));
    site.machines = machines;
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

async fn found(ip: IpAddr) -> Box<dyn Miner> {
    let factory = MinerFactory::new().with_nofile_adjustment(false);
    factory.get_miner(ip).await.unwrap().expect("asic-rs identifies the machine")
}

fn terahashes(data: &MinerData) -> f64 {
    data.hashrate.clone().unwrap().as_unit(HashRateUnit::TeraHash).value
}

fn near(value: f64, expected: f64) {
    assert!((value - expected).abs() <= expected * 0.001, "{value} is not near {expected}");
}

fn truth(fronts: &Fronts, machine: u32) -> Truth {
    fronts.with(|plant| plant.truth(MachineIx(machine)))
}

fn later(fronts: &Fronts, minutes: i64) {
    fronts.with(|plant| plant.advance(plant.now() + SignedDuration::from_mins(minutes)));
}

fn boards_share(data: &MinerData, expected: f64) {
    assert_eq!(data.hashboards.len(), 3);
    for board in &data.hashboards {
        near(board.hashrate.clone().unwrap().as_unit(HashRateUnit::TeraHash).value, expected / 3.0);
        assert_eq!(board.active, Some(true));
    }
}

async fn whatsminer(fronts: &Fronts) {
    let miner = found(WHATSMINER).await;
    let info = miner.get_device_info();
    assert_eq!((info.make.as_str(), info.model.as_str()), ("Whatsminer", "M30SVE10"));
    let (data, true_now) = (miner.get_data().await, truth(fronts, 0));
    near(terahashes(&data), true_now.hash_rate.to_terahashes_f64());
    near(data.wattage.unwrap().as_watts(), true_now.power.to_watts_f64());
    boards_share(&data, true_now.hash_rate.to_terahashes_f64());
    assert_eq!(data.mac.unwrap().to_string(), "02:0F:00:00:00:00");
    assert_eq!(data.firmware_version.as_deref(), Some("20230803.11.REL"));
    assert_eq!(data.api_version.as_deref(), Some("2.0.5"));
    assert_eq!(data.pools[0].pools.len(), 3);
    assert!(data.is_mining && data.messages.is_empty());

    assert!(miner.pause(None).await.unwrap());
    later(fronts, 10);
    assert_eq!(truth(fronts, 0).activity, Some(Activity::Asleep));
    let asleep = found(WHATSMINER).await.get_data().await;
    assert!(!asleep.is_mining);
    assert!(terahashes(&asleep).abs() < f64::EPSILON);
    assert!(miner.resume(None).await.unwrap());
    later(fronts, 60);
    assert_eq!(truth(fronts, 0).activity, Some(Activity::Hashing));
}

async fn antminer(fronts: &Fronts) {
    let miner = found(ANTMINER).await;
    let info = miner.get_device_info();
    assert_eq!((info.make.as_str(), info.model.as_str()), ("Antminer", "S19"));
    let (data, true_now) = (miner.get_data().await, truth(fronts, 1));
    near(terahashes(&data), true_now.hash_rate.to_terahashes_f64());
    boards_share(&data, true_now.hash_rate.to_terahashes_f64());
    assert_eq!(data.wattage, None, "stock firmware does not tell its watts");
    assert_eq!(data.mac.unwrap().to_string(), "02:0F:00:00:00:01");
    assert_eq!(data.serial_number.as_deref(), Some("TWIN00000001"));
    assert_eq!(data.fans.len(), 4);
    assert!(data.is_mining && data.messages.is_empty());

    assert!(miner.pause(None).await.unwrap());
    later(fronts, 10);
    assert_eq!(truth(fronts, 1).activity, Some(Activity::Asleep));
    assert!(!miner.get_data().await.is_mining);
    assert!(miner.resume(None).await.unwrap());
    later(fronts, 60);
    assert_eq!(truth(fronts, 1).activity, Some(Activity::Hashing));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asic_rs_knows_what_it_sees() {
    let (fronts, _listening) = twin();
    whatsminer(&fronts).await;
    let others = Others::new(fronts.clock());
    assert_eq!(others.identify(WHATSMINER).await.unwrap().model, "M30SVE10");
    let snapshot = others.snapshot(WHATSMINER).await.unwrap();
    assert_eq!(snapshot.reading.unwrap().activity, Activity::Hashing);
    if crate::at_port_80() {
        antminer(&fronts).await;
    }
}
