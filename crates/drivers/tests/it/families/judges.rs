//! pyasic, an independent client, judges the twin's front ends: it identifies,
//! reads, stops and starts them.

use std::net::{IpAddr, Ipv4Addr};

use jiff::SignedDuration;
use offpeak_drivers::clock::Clock;
use offpeak_drivers::fronts::{Addressing, Fronts, Ports};
use offpeak_site::{Activity, Endpoint, Family, MachineIx, ModelIx};
use serde_json::json;

use crate::fronts::{machine, running, small, start, twin};
use crate::fronts_clients::{Client, at_port_80, near};
use crate::fronts_quirks::with_free_ports;

const MACHINES: [(Family, &str); 6] = [
    (Family::Avalon, "A1246"),
    (Family::LuxOs, "S19j Pro"),
    (Family::WhatsminerV3, "M60S"),
    (Family::Vnish, "S19j Pro"),
    (Family::Epic, "S19j Pro"),
    (Family::Bitaxe, "BM1370"),
];

/// So many of them, the first, are recognised without pages.
const OVER_TCP: usize = 3;

/// One machine of each, at the ports that pyasic knows.
fn stage(machines: &[(Family, &str)], first: u8) -> Fronts {
    let mut site = with_free_ports(small());
    let pattern = site.machine(machine(&site, "M30S")).clone();
    site.machines.clear();
    for (place, (family, name)) in machines.iter().copied().enumerate() {
        let mut model = site.models[pattern.model.ix()].clone();
        (model.family, model.name) = (family, name.to_owned());
        let mut entry = pattern.clone();
        entry.model = ModelIx(site.models.len() as u16);
        entry.endpoint =
            Some(Endpoint::of(family, IpAddr::V4(Ipv4Addr::new(127, 99, 7, first + place as u8))));
        site.models.push(model);
        site.machines.push(entry);
    }
    let addressing = Addressing::ListenerPerMachine(Ports::for_this_user());
    twin(site, &running(), addressing, Clock::starting_at(start()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pyasic_knows_the_families() {
    let fronts = stage(&MACHINES, 11);
    let _listening = fronts.listen().unwrap();
    let here = fronts.clone();
    let judge = move || {
        let mut client = Client::start();
        for place in 0..MACHINES.len() {
            // pyasic asks for pages at port 80 only.
            if place < OVER_TCP || at_port_80() {
                judged(&mut client, &here, place);
            }
        }
    };
    tokio::task::spawn_blocking(judge).await.unwrap();
}

/// pyasic 0.79.0 takes whatever names BOSer or BOSMiner over TCP for its `BOSMiner` and reads that by the pages of LuCI,
/// which these firmwares do not have: they have REST from 25.07 on and GraphQL before. So it recognises them, and its
/// reading is no judge of ours.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pyasic_recognises_braiins_and_reads_it_where_it_has_no_pages() {
    let machines = [(Family::BraiinsOs, "S19j Pro"), (Family::BraiinsOsGraphQl, "S19j Pro")];
    let fronts = stage(&machines, 31);
    let _listening = fronts.listen().unwrap();
    let judge = move || {
        let mut client = Client::start();
        for place in 0..machines.len() {
            let seen = client.ask(&json!({"act": "identify", "ip": format!("127.99.7.{}", 31 + place)}));
            assert_eq!(seen["found"], "BOSMiner", "{seen}");
            let error = seen["error"].as_str().unwrap_or_else(|| panic!("it reads it after all: {seen}"));
            assert!(error.contains("LUCI web command failed"), "{error}");
        }
    };
    tokio::task::spawn_blocking(judge).await.unwrap();
}

fn judged(client: &mut Client, fronts: &Fronts, place: usize) {
    let (ip, ix) = (format!("127.99.7.{}", 11 + place), MachineIx(place as u32));
    let truth = || fronts.with(|plant| plant.truth(ix));
    let later =
        |minutes| fronts.with(|plant| plant.advance(plant.now() + SignedDuration::from_mins(minutes)));
    let seen = client.ask(&json!({"act": "read", "ip": ip}));
    let name = (seen["make"].as_str(), seen["model"].as_str());
    let known = match MACHINES[place].0 {
        Family::Avalon => ("AvalonMiner", "Avalon 1246"),
        Family::LuxOs | Family::Vnish | Family::Epic => ("AntMiner", "S19j Pro"),
        Family::Bitaxe => ("BitAxe", "Gamma"),
        _ => ("WhatsMiner", "M60S VK30"),
    };
    assert_eq!(name, (Some(known.0), Some(known.1)), "{seen}");
    // pyasic 0.79.0 gives up on LuxOS's address before it has read it.
    if MACHINES[place].0 != Family::LuxOs {
        assert_eq!(seen["mac"], format!("02:0F:00:00:00:0{place}"), "{seen}");
    }
    let terahashes = truth().hash_rate.to_terahashes_f64();
    near(&seen["terahashes"], terahashes, 0.01);
    let boards = if MACHINES[place].0 == Family::Bitaxe { 1 } else { 3 };
    assert_eq!(seen["boards"].as_array().unwrap().len(), boards, "{seen}");
    for board in seen["boards"].as_array().unwrap() {
        near(&board["terahashes"], terahashes / boards as f64, 0.01);
    }
    let pools = match MACHINES[place].0 {
        // It looks for version 3's pools in the summary, where they are not, and for none of a Bitaxe.
        Family::WhatsminerV3 | Family::Bitaxe => None,
        // It reads the one in use.
        Family::Epic => Some(1),
        _ => Some(3),
    };
    if let Some(pools) = pools {
        assert_eq!(seen["pools"].as_array().unwrap().len(), pools, "{seen}");
    }
    if MACHINES[place].0 == Family::Avalon {
        // It reads watts of the A15 only, which names them apart, and stops machines at the time of day,
        // which an Avalon's clock does not have.
        return;
    }
    // Of VNish it takes `power_usage` for watts, which that firmware describes as joules a terahash.
    if MACHINES[place].0 != Family::Vnish {
        near(&seen["watts"], truth().power.to_watts_f64(), 0.01);
    }
    if MACHINES[place].0 == Family::Bitaxe {
        // It does not know that firmware 2.14 can be paused.
        return;
    }
    // Of ePIC's answer it looks for `success`, which that firmware calls `result`.
    let done = MACHINES[place].0 != Family::Epic;
    assert_eq!(client.ask(&json!({"act": "command", "ip": ip, "name": "stop_mining"}))["done"], done);
    later(10);
    assert_eq!(truth().activity, Some(Activity::Asleep));
    assert_eq!(client.ask(&json!({"act": "command", "ip": ip, "name": "resume_mining"}))["done"], done);
    later(60);
    assert_eq!(truth().activity, Some(Activity::Hashing));
}
