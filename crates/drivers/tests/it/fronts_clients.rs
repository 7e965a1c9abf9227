//! Independent clients judge the twin's front ends: pyasic identifies, reads and commands its machines,
//! pymodbus reads its meters and switches.

use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::process::{Child, ChildStdin, ChildStdout};

use jiff::SignedDuration;
use offpeak_drivers::clock::Clock;
use offpeak_drivers::fronts::{Addressing, Ports};
use offpeak_site::{Activity, Endpoint, MachineIx};
use serde_json::{Value, json};

use crate::fronts::{machine, running, small, start, twin};
use crate::fronts_quirks::with_free_ports;
use crate::python::script;

/// The Python client in a process of its own, ended with the test.
pub(crate) struct Client {
    process: Child,
    requests: Option<ChildStdin>,
    replies: BufReader<ChildStdout>,
}

impl Client {
    pub(crate) fn start() -> Self {
        let mut process = script("pyasic_client.py").spawn().expect("OFFPEAK_PYTHON can be started");
        let requests = process.stdin.take();
        let replies = BufReader::new(process.stdout.take().unwrap());
        Self { process, requests, replies }
    }
    pub(crate) fn ask(&mut self, request: &Value) -> Value {
        writeln!(self.requests.as_mut().unwrap(), "{request}").unwrap();
        let mut line = String::new();
        self.replies.read_line(&mut line).unwrap();
        serde_json::from_str(&line)
            .unwrap_or_else(|error| panic!("{request}: {error}; are pyasic and pymodbus installed?"))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        drop(self.requests.take());
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Whether pages are served at port 80, the only one where other clients look for them. Not every user may listen
/// there: then what needs it fails, unless `OFFPEAK_WITHOUT_PORT_80` says that it is to be left out.
pub(crate) fn at_port_80() -> bool {
    let here = Ports::for_this_user() == Ports::STANDARD;
    assert!(
        here || std::env::var_os("OFFPEAK_WITHOUT_PORT_80").is_some(),
        "this user may not listen at port 80, where other clients ask for pages: OFFPEAK_WITHOUT_PORT_80=1 leaves that out"
    );
    here
}

pub(crate) fn near(value: &Value, expected: f64, share: f64) {
    let value = value.as_f64().unwrap_or_else(|| panic!("{value} is no number near {expected}"));
    assert!((value - expected).abs() <= expected * share, "{value} is not near {expected}");
}

/// pyasic asks the standard ports of an address; the client has to run beside the twin's runtime.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pyasic_and_pymodbus_know_what_they_see() {
    let mut site = with_free_ports(small());
    let (whatsminer, antminer) = (machine(&site, "M30S"), machine(&site, "S19"));
    site.machines = vec![site.machine(whatsminer).clone(), site.machine(antminer).clone()];
    let ports = Ports::for_this_user();
    for (place, machine) in site.machines.iter_mut().enumerate() {
        machine.endpoint = Some(Endpoint::standard(IpAddr::V4(Ipv4Addr::new(127, 99, 7, 1 + place as u8))));
    }
    let fronts = twin(site, &running(), Addressing::ListenerPerMachine(ports), Clock::starting_at(start()));
    let _listening = fronts.listen().unwrap();
    let fronts_here = fronts.clone();
    let judge = move || {
        let mut client = Client::start();
        whatsminer_judged(&mut client, &fronts_here);
        if at_port_80() {
            antminer_judged(&mut client, &fronts_here);
        }
        modbus_judged(&mut client, &fronts_here);
    };
    tokio::task::spawn_blocking(judge).await.unwrap();
}

fn whatsminer_judged(client: &mut Client, fronts: &offpeak_drivers::fronts::Fronts) {
    let truth = || fronts.with(|plant| plant.truth(MachineIx(0)));
    let seen = client.ask(&json!({"act": "read", "ip": "127.99.7.1"}));
    let terahashes = truth().hash_rate.to_terahashes_f64();
    assert_eq!(
        (seen["make"].as_str(), seen["model"].as_str()),
        (Some("WhatsMiner"), Some("M30S VE10")),
        "{seen}"
    );
    assert_eq!(seen["mac"], "02:0F:00:00:00:00");
    assert_eq!(seen["serial"], "TWIN00000000");
    assert_eq!(seen["firmware"], "20230803.11.REL");
    assert_eq!(seen["mining"], true);
    near(&seen["terahashes"], terahashes, 0.001);
    near(&seen["watts"], truth().power.to_watts_f64(), 0.001);
    assert_eq!(seen["boards"].as_array().unwrap().len(), 3);
    for board in seen["boards"].as_array().unwrap() {
        near(&board["terahashes"], terahashes / 3.0, 0.001);
        assert_eq!(board["missing"], false);
    }
    assert_eq!(seen["pools"].as_array().unwrap().len(), 3);
    assert_eq!(seen["errors"], json!([]));

    let before = truth().power;
    assert_eq!(
        client.ask(&json!({"act": "command", "ip": "127.99.7.1", "name": "stop_mining"}))["done"],
        true
    );
    let later =
        |minutes| fronts.with(|plant| plant.advance(plant.now() + SignedDuration::from_mins(minutes)));
    later(10);
    assert_eq!(truth().activity, Some(Activity::Asleep));
    assert!(truth().power.to_watts() * 10 < before.to_watts());
    let seen = client.ask(&json!({"act": "read", "ip": "127.99.7.1"}));
    assert_eq!(
        (seen["model"].as_str(), seen["mining"].as_bool()),
        (Some("M30S VE10"), Some(false)),
        "{seen}"
    );
    near(&seen["terahashes"], 0.0, 0.0);
    near(&seen["watts"], truth().power.to_watts_f64(), 0.05);
    let resume = json!({"act": "command", "ip": "127.99.7.1", "name": "resume_mining"});
    assert_eq!(client.ask(&resume)["done"], true);
    later(60);
    assert_eq!(truth().activity, Some(Activity::Hashing));
}

fn antminer_judged(client: &mut Client, fronts: &offpeak_drivers::fronts::Fronts) {
    let truth = || fronts.with(|plant| plant.truth(MachineIx(1)));
    let seen = client.ask(&json!({"act": "read", "ip": "127.99.7.2"}));
    let terahashes = truth().hash_rate.to_terahashes_f64();
    assert_eq!((seen["make"].as_str(), seen["model"].as_str()), (Some("AntMiner"), Some("S19")), "{seen}");
    assert_eq!(seen["mac"], "02:0F:00:00:00:01");
    assert_eq!(seen["serial"], "TWIN00000001");
    assert_eq!(seen["mining"], true);
    near(&seen["terahashes"], terahashes, 0.001);
    assert_eq!(seen["watts"], Value::Null, "stock firmware does not tell its watts");
    assert_eq!(seen["boards"].as_array().unwrap().len(), 3);
    for board in seen["boards"].as_array().unwrap() {
        near(&board["terahashes"], terahashes / 3.0, 0.001);
        assert_eq!(board["missing"], false);
    }
    assert_eq!(seen["fans"].as_array().unwrap().len(), 4);
    assert_eq!(seen["errors"], json!([]));
    assert_eq!(
        client.ask(&json!({"act": "command", "ip": "127.99.7.2", "name": "stop_mining"}))["done"],
        true
    );
    fronts.with(|plant| plant.advance(plant.now() + SignedDuration::from_mins(10)));
    assert_eq!(truth().activity, Some(Activity::Asleep));
    let seen = client.ask(&json!({"act": "read", "ip": "127.99.7.2"}));
    assert_eq!(seen["mining"], false, "{seen}");
    near(&seen["terahashes"], 0.0, 0.0);
}

fn modbus_judged(client: &mut Client, fronts: &offpeak_drivers::fronts::Fronts) {
    let port = |address: &str| address.rsplit(':').next().unwrap().parse::<u16>().unwrap();
    let meter = port(&fronts.layout().meters()[0].address);
    let switch = port(&fronts.layout().switches()[0].address);
    let read = json!({"act": "modbus", "port": meter, "unit": 1, "what": "meter"});
    let before = client.ask(&read)["watts"].as_i64().unwrap();
    let truth = fronts.with(|plant| plant.circuit_power(offpeak_site::CircuitIx::ROOT).to_watts());
    assert!((before - truth).abs() <= truth / 50 + 1, "{before} W read, {truth} W drawn");
    let outlet = fronts.with(|plant| plant.site().machine(MachineIx(0)).outlet.unwrap());
    let coils = json!({"act": "modbus", "port": switch, "unit": 1, "what": "read", "address": outlet.channel, "value": 1});
    assert_eq!(client.ask(&coils)["coils"], json!([true]));
    let write = |value: bool| json!({"act": "modbus", "port": switch, "unit": 1, "what": "write", "address": outlet.channel, "value": value});
    assert_eq!(client.ask(&write(false))["error"], false);
    assert_eq!(client.ask(&coils)["coils"], json!([false]));
    let after = client.ask(&read)["watts"].as_i64().unwrap();
    assert!(after + 2_500 < before, "{before} W before the cut, {after} W after");
    let many = json!({"act": "modbus", "port": switch, "unit": 1, "what": "write-many", "address": outlet.channel, "value": [true]});
    assert_eq!(client.ask(&many)["error"], false);
    assert_eq!(client.ask(&coils)["coils"], json!([true]));
    let beyond =
        json!({"act": "modbus", "port": switch, "unit": 1, "what": "read", "address": 900, "value": 1});
    assert_eq!(client.ask(&beyond)["error"], true);
}
