//! The same recorded replies, read by us and by asic-rs: what both tell agrees, and where it does not, the reason stands
//! here. Served over real sockets at the standard ports, for asic-rs knows no others.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use asic_rs::MinerFactory;
use asic_rs::core::data::hashrate::HashRateUnit;
use asic_rs::core::data::miner::MinerData;
use offpeak_drivers::clock::Clock;
use offpeak_drivers::connect::Connector;
use offpeak_drivers::driver::Driver;
use offpeak_drivers::fronts::Ports;
use offpeak_site::{Activity, Endpoint, Family, Reading};
use offpeak_units::{HashRate, Power};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A recorded reply.
fn recorded(path: &str) -> Value {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../drivers/tests/fixtures");
    let text = std::fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap()
}

/// What a machine answers: by command over TCP, by path over HTTP, and to GraphQL.
#[derive(Default)]
struct Machine {
    commands: BTreeMap<String, Value>,
    pages: BTreeMap<String, String>,
    graphql: Option<Value>,
    /// By command and parameter, over TCP with lengths at 4433.
    framed: BTreeMap<(String, String), Value>,
    /// Its pages want HTTP digest, with any answer.
    is_locked: bool,
}

impl Machine {
    fn command(mut self, name: &str, reply: Value) -> Self {
        self.commands.insert(name.to_owned(), reply);
        self
    }
    /// Recorded replies to commands of the same names.
    fn commands(self, folder: &str, names: &[&str]) -> Self {
        names
            .iter()
            .fold(self, |machine, name| machine.command(name, recorded(&format!("{folder}/{name}.json"))))
    }
    fn page(mut self, path: &str, body: impl ToString) -> Self {
        self.pages.insert(path.to_owned(), body.to_string());
        self
    }

    fn framed(mut self, command: &str, parameter: &str, path: &str) -> Self {
        self.framed.insert((command.to_owned(), parameter.to_owned()), recorded(path));
        self
    }

    /// The reply to a request over TCP; several commands are answered as cgminer does.
    fn told(&self, request: &[u8]) -> Value {
        let request: Value = serde_json::from_slice(request).unwrap_or_default();
        let names = request["command"].as_str().or(request["cmd"].as_str()).unwrap_or_default();
        let unknown = json!({"STATUS": [{"STATUS": "E", "Code": 14, "Msg": "Invalid command"}], "id": 1});
        let one = |name: &str| self.commands.get(name).cloned();
        match names.contains('+') {
            false => one(names).unwrap_or(unknown),
            true => names
                .split('+')
                .map(|name| (name.to_owned(), json!([one(name).unwrap_or_default()])))
                .collect(),
        }
    }
    /// The reply to a request over HTTP: a status and a body.
    fn shown(&self, method: &str, path: &str) -> (u16, String) {
        if let (Some(data), "/graphql") = (&self.graphql, path) {
            return (200, json!({"data": data}).to_string());
        }
        match self.pages.get(path).or_else(|| self.pages.get(&format!("{method} {path}"))) {
            Some(body) => (200, body.clone()),
            None => (404, String::new()),
        }
    }
}

async fn read_until(stream: &mut TcpStream, whole: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    while !whole(&bytes) {
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            break;
        }
    }
    bytes
}

fn body_of(bytes: &[u8]) -> Option<(String, usize, usize)> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let length = head
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    Some((head, end, length.unwrap_or(0)))
}

async fn serve_http(machine: Arc<Machine>, mut stream: TcpStream) {
    let is_whole = |bytes: &[u8]| {
        // What is no HTTP is answered as an HTTP server does.
        bytes.starts_with(b"{") || body_of(bytes).is_some_and(|(_, end, length)| bytes.len() >= end + length)
    };
    let request = read_until(&mut stream, is_whole).await;
    let (status, body) = match body_of(&request) {
        Some((head, ..)) => {
            let mut words = head.split_whitespace();
            let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            let path = target.split('?').next().unwrap_or_default();
            let is_open = !machine.is_locked || head.to_ascii_lowercase().contains("\nauthorization:");
            if is_open { machine.shown(method, path) } else { (401, String::new()) }
        }
        None => (400, String::new()),
    };
    let kind = if body.starts_with('<') { "text/html" } else { "application/json" };
    let reply = format!(
        "HTTP/1.1 {status} OK\r\nContent-Type: {kind}\r\nWWW-Authenticate: Digest realm=\"antMiner Configuration\", nonce=\"n\", qop=\"auth\"\r\nSet-Cookie: session_id=x\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let _ = stream.write_all(reply.as_bytes()).await;
    let _ = stream.shutdown().await;
}

async fn serve_tcp(machine: Arc<Machine>, mut stream: TcpStream) {
    let is_whole = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes.trim_ascii_end()).is_ok();
    let request = read_until(&mut stream, is_whole).await;
    let mut reply = machine.told(request.trim_ascii_end()).to_string().into_bytes();
    reply.push(0);
    let _ = stream.write_all(&reply).await;
    let _ = stream.shutdown().await;
}

async fn serve_framed(machine: Arc<Machine>, mut stream: TcpStream) {
    let is_whole = |bytes: &[u8]| {
        let length = bytes.first_chunk().map(|length| u32::from_le_bytes(*length) as usize);
        length.is_some_and(|length| bytes.len() >= 4 + length)
    };
    loop {
        let request = read_until(&mut stream, is_whole).await;
        let Some(request) = request.get(4..) else { return };
        let request: Value = serde_json::from_slice(request).unwrap_or_default();
        let word = |key: &str| request[key].as_str().unwrap_or_default().to_owned();
        let reply = machine.framed.get(&(word("cmd"), word("param"))).cloned();
        let reply = reply.unwrap_or_else(|| json!({"code": -2, "msg": "invalid command"})).to_string();
        let mut bytes = u32::try_from(reply.len()).unwrap().to_le_bytes().to_vec();
        bytes.extend(reply.into_bytes());
        if stream.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

/// A machine at an address: its commands at 4028, its pages at 80, or both at 4028 where it has no commands there.
async fn serve(ip: IpAddr, machine: Machine, api_is_http: bool) -> JoinSet<()> {
    let (machine, mut served) = (Arc::new(machine), JoinSet::new());
    let has_api = api_is_http || !machine.commands.is_empty();
    let mut ports: Vec<u16> = if has_api { vec![4028, 80] } else { vec![80] };
    if !machine.framed.is_empty() {
        ports.push(4433);
    }
    for port in ports {
        let listener = match TcpListener::bind(SocketAddr::new(ip, port)).await {
            Ok(listener) => listener,
            Err(_) if port == 80 && Ports::for_this_user() != Ports::STANDARD => continue,
            Err(error) => panic!("{ip}:{port}: {error}"),
        };
        let (machine, http) = (Arc::clone(&machine), port == 80 || api_is_http);
        served.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let machine = Arc::clone(&machine);
                if port == 4433 {
                    tokio::spawn(serve_framed(machine, stream));
                } else if http {
                    tokio::spawn(serve_http(machine, stream));
                } else {
                    tokio::spawn(serve_tcp(machine, stream));
                }
            }
        });
    }
    served
}

/// Ours and asic-rs's reading of a machine of a family.
async fn both(place: u8, family: Family, machine: Machine) -> (Reading, MinerData) {
    let ip = IpAddr::V4(Ipv4Addr::new(127, 99, 9, place));
    let _served = serve(ip, machine, family.api_is_http()).await;
    let driver = Driver::new(Connector::Tcp, Clock::System);
    let ours = driver.read_state(family, Endpoint::of(family, ip)).await.unwrap().expect("a reading");
    let factory = MinerFactory::new().with_nofile_adjustment(false);
    let miner = factory
        .get_miner(ip)
        .await
        .unwrap()
        .unwrap_or_else(|| panic!("asic-rs does not identify {family:?}"));
    let theirs = miner.get_data().await;
    (ours, theirs)
}

/// Rate, watts and whether it mines are the same.
fn agree(ours: &Reading, theirs: &MinerData) {
    let near = |ours: f64, theirs: f64| {
        assert!((ours - theirs).abs() <= ours.abs() * 1e-3 + 1e-9, "{ours} by us, {theirs} by asic-rs");
    };
    let rate = theirs.hashrate.clone().unwrap_or_else(|| panic!("asic-rs tells no rate: {theirs:?}"));
    let rate = rate.as_unit(HashRateUnit::TeraHash).value;
    near(ours.hash_rate.unwrap().to_terahashes_f64(), rate);
    match (ours.power, &theirs.wattage) {
        (Some(ours), Some(theirs)) => near(ours.to_watts_f64(), theirs.as_watts()),
        (None, None) => {}
        (ours, theirs) => panic!("watts: {ours:?} by us, {theirs:?} by asic-rs"),
    }
    assert_eq!(ours.activity == Activity::Hashing, theirs.is_mining);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_tcp() {
    let whatsminer = Machine::default()
        .commands("whatsminer/v2", &["summary", "status", "get_version", "get_miner_info", "devs", "pools", "get_psu", "get_error_code"])
        .command("devdetails", json!({"STATUS": [{"STATUS": "S"}], "DEVDETAILS": [{"DEVDETAILS": 0, "Name": "SM", "Driver": "bitmicro", "Model": "M50SVH50"}], "id": 1}));
    let (ours, theirs) = both(1, Family::WhatsminerV2, whatsminer).await;
    agree(&ours, &theirs);

    let details = json!({"STATUS": [{"STATUS": "S"}], "DEVDETAILS": [{"DEVDETAILS": 0, "Driver": "bitmicro", "Model": "M60SVK30"}], "id": 1});
    let later = Machine::default()
        .command("devdetails", details)
        .command(
            "get_version",
            json!({"STATUS": "S", "Code": 131, "Msg": {"api_ver": "3.0.0", "fw_ver": "20250214.16.Rel"}}),
        )
        .framed("get.miner.status", "summary", "whatsminer/v3/get_miner_status_summary.json")
        .framed("get.miner.status", "edevs", "whatsminer/v3/get_miner_status_edevs.json")
        .framed("get.miner.status", "pools", "whatsminer/v3/get_miner_status_pools.json")
        .framed("get.device.info", "", "whatsminer/v3/get_device_info.json")
        .framed("get.device.info", "miner", "whatsminer/v3/get_device_info.json");
    let (ours, theirs) = both(5, Family::WhatsminerV3, later).await;
    agree(&ours, &theirs);

    let luxos = Machine::default().commands(
        "luxos/v1",
        &["summary", "power", "temps", "config", "version", "stats", "devs", "fans", "pools", "profiles"],
    );
    let (ours, theirs) = both(2, Family::LuxOs, luxos).await;
    agree(&ours, &theirs);
    assert!(ours.temperature.is_some());

    let avalon = Machine::default()
        .commands("avalon/a15", &["version", "stats"])
        .command("estats", recorded("avalon/a15/stats.json"));
    let (ours, theirs) = both(3, Family::Avalon, avalon).await;
    // Its boards' rates, `MGHS`, are means like `GHSavg`, which goes on while the machine is off; we take the rate of now,
    // `GHSspd`. It takes the watts that the boards get, 3,526, for what the machine draws, which `WALLPOWER` names.
    let boards = theirs.hashboards.iter().filter_map(|board| board.hashrate.clone());
    let rate: f64 = boards.map(|rate| rate.as_unit(HashRateUnit::TeraHash).value).sum();
    assert!((rate - 184.007).abs() < 1e-3, "{rate} by asic-rs");
    assert_eq!(ours.hash_rate, HashRate::from_terahashes_f64(199.241_07));
    assert!((theirs.wattage.unwrap().as_watts() - 3_526.0).abs() < 1e-6);
    assert_eq!(ours.power, Some(Power::from_watts(3_731)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_http() {
    if !crate::at_port_80() {
        return;
    }
    let title = |title: &str| format!("<html><head><title>{title}</title></head></html>");

    let antminer = Machine { is_locked: true, ..Machine::default() }
        .commands("antminer/v2020", &["version", "stats", "summary", "devs", "pools"])
        .page("/cgi-bin/get_system_info.cgi", recorded("antminer/v2020/system_info.json"));
    let (ours, theirs) = both(4, Family::AntminerStock, antminer).await;
    agree(&ours, &theirs);

    let boser = |version: &str| json!({"STATUS": [{"STATUS": "S", "Code": 22, "Msg": "BOSer versions"}], "VERSION": [{"API": "3.7", "BOSer": version}], "id": 1});
    let mut graphql = recorded("braiins/v25_05/gql_system.json")["data"].clone();
    let boards = recorded("braiins/v25_05/gql_boards.json");
    let solver = &mut graphql["bosminer"]["info"]["workSolver"];
    solver["childSolvers"] = boards["data"]["bosminer"]["info"]["workSolver"]["childSolvers"].clone();
    graphql["bosminer"]["info"]["modelName"] = json!("Antminer S21");
    let braiins = Machine { graphql: Some(graphql), ..Machine::default() }
        .command("version", boser("boser-buildroot 0.1.0-45f356ea"))
        .page("/", title("Braiins OS"));
    let (ours, theirs) = both(11, Family::BraiinsOsGraphQl, braiins).await;
    agree(&ours, &theirs);

    let version = json!({"bos": {"info": {"version": {"full": "2026-04-22-0-a6f74d3e-26.04-plus"}}}, "bosminer": {"info": {"modelName": "Antminer S21"}}});
    let braiins = Machine { graphql: Some(version), ..Machine::default() }
        .command("version", boser("boser-buildroot 0.1.0-45f356ea"))
        .page("/", title("Braiins OS"))
        .page("POST /api/v1/auth/login", json!({"token": "x", "timeout_s": 3600}))
        .page("/api/v1/miner/stats", recorded("braiins/v26_04/miner_stats.json"))
        .page("/api/v1/miner/details", recorded("braiins/v26_04/miner_details.json"))
        .page("/api/v1/cooling/state", recorded("braiins/v26_04/cooling_state.json"));
    let (ours, theirs) = both(15, Family::BraiinsOs, braiins).await;
    agree(&ours, &theirs);

    let epic = Machine::default()
        .page("/", title("Miner Web Dashboard"))
        .page("/summary", recorded("epic/v1/summary.json"))
        .page("/capabilities", recorded("epic/v1/capabilities.json"))
        .page("/network", recorded("epic/v1/network.json"));
    let (ours, theirs) = both(12, Family::Epic, epic).await;
    agree(&ours, &theirs);

    let rig = Machine::default()
        .page("/", title("Proto OS"))
        .page("POST /api/v1/auth/login", json!({"access_token": "x", "refresh_token": "y"}))
        .page("/api/v1/mining", recorded("proto/v1/mining.json"))
        .page("/api/v1/system", recorded("proto/v1/system.json"))
        .page("/api/v1/network", recorded("proto/v1/network.json"))
        .page("/api/v1/hardware", recorded("proto/v1/hardware.json"))
        .page("/api/v1/telemetry", recorded("proto/v1/telemetry.json"));
    let (ours, theirs) = both(13, Family::ProtoRig, rig).await;
    // It takes rate and watts from the telemetry, which was recorded at another moment than the page that we ask.
    let rate = theirs.hashrate.unwrap().as_unit(HashRateUnit::TeraHash).value;
    assert!((rate - 135.475_676).abs() < 1e-3, "{rate} by asic-rs");
    assert_eq!(ours.hash_rate, HashRate::from_terahashes_f64(141.147_435));
    assert!((theirs.wattage.unwrap().as_watts() - 3_466.397_3).abs() < 1e-3);
    assert_eq!(ours.power, Power::from_watts_f64(3_447.008_523_267_969));

    let bitaxe = Machine::default()
        .page("/", title("AxeOS"))
        .page("/api/system/info", recorded("bitaxe/v2_0/system_info.json"));
    let (ours, theirs) = both(14, Family::Bitaxe, bitaxe).await;
    agree(&ours, &theirs);
}
