//! Commands against machines with a memory, made by hand: what is sent, what is refused, and that a
//! command is one request once a token is held.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use digest_auth::{AuthContext, AuthorizationHeader, HttpMethod};
use offpeak_drivers::call::Order;
use offpeak_drivers::clock::Clock;
use offpeak_drivers::driver::{Driver, Link, Question};
use offpeak_drivers::http::Credentials;
use offpeak_drivers::poll::{Fleet, Pace, Poller, Target};
use offpeak_drivers::whatsminer::Secret;
use offpeak_site::{Action, Activity, Family, MachineIx, ModeName, Outcome, Trouble};
use offpeak_units::Power;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use crate::hosts::{Hosts, api, endpoint};
use crate::recorded::recorded;

const MAC: &str = "D4:01:02:03:04:05";

/// A WhatsMiner with a memory.
struct Whatsminer {
    off: bool,
    mode: &'static str,
    limit: Option<String>,
    write_open: bool,
    /// Counts up: a token of before a reboot is not known any more.
    boot: u32,
    requests: Vec<String>,
}

impl Whatsminer {
    fn new() -> Arc<Mutex<Self>> {
        let requests = Vec::new();
        Arc::new(Mutex::new(Self {
            off: false,
            mode: "Normal",
            limit: None,
            write_open: true,
            boot: 1,
            requests,
        }))
    }
    fn secret() -> Secret {
        Secret::derive("admin", "BQ5hoXV9")
    }
    fn sign(&self) -> String {
        Self::secret().sign("4812", &format!("new{}", self.boot))
    }
    fn answer(&mut self, request: &[u8]) -> Vec<u8> {
        let request: Value = serde_json::from_slice(request).unwrap();
        if request["enc"] == 1 {
            let plain = Self::secret().open(request["data"].as_str().unwrap());
            let Some(command) = plain.and_then(|plain| serde_json::from_slice::<Value>(&plain).ok()) else {
                return refusal(135, "check token error");
            };
            let reply = self.write(&command);
            return json!({"enc": Self::secret().seal(&reply)}).to_string().into_bytes();
        }
        let command = request["cmd"].as_str().unwrap().to_owned();
        self.requests.push(command.clone());
        let reply = match command.as_str() {
            "get_token" => json!({"STATUS": "S", "Code": 134, "When": 1, "Description": "",
                "Msg": {"time": "4812", "salt": "BQ5hoXV9", "newsalt": format!("new{}", self.boot)}}),
            "get_miner_info" => json!({"STATUS": "S", "Code": 131, "Msg": {"mac": MAC}}),
            "status" => json!({"STATUS": "S", "Code": 131,
                "Msg": {"mineroff": self.off.to_string(), "power_mode": self.mode.to_lowercase()}}),
            "summary" if self.off => return refusal(14, "invalid cmd"),
            "summary" => json!({"STATUS": [{"STATUS": "S"}],
                "SUMMARY": [{"MHS 5s": 7e7, "Power": 3300, "Power Mode": self.mode, "MAC": MAC}]}),
            _ => return refusal(14, "invalid cmd"),
        };
        reply.to_string().into_bytes()
    }
    fn write(&mut self, command: &Value) -> Vec<u8> {
        let name = command["cmd"].as_str().unwrap().to_owned();
        self.requests.push(name.clone());
        if command["token"] != self.sign() {
            return refusal(135, "check token error");
        }
        if !self.write_open {
            return refusal(45, "can't access write cmd");
        }
        match name.as_str() {
            "power_off" if command["respbefore"] == "true" => self.off = true,
            "power_on" => self.off = false,
            "set_low_power" => self.mode = "Low",
            "set_normal_power" => self.mode = "Normal",
            "set_high_power" => self.mode = "High",
            "adjust_power_limit" => self.limit = command["power_limit"].as_str().map(str::to_owned),
            _ => return refusal(14, "invalid cmd"),
        }
        br#"{"STATUS":"S","When":1,"Code":131,"Msg":"API command OK","Description":""}"#.to_vec()
    }
}

fn refusal(code: u32, words: &str) -> Vec<u8> {
    json!({"STATUS": "E", "When": 1, "Code": code, "Msg": words, "Description": ""}).to_string().into_bytes()
}

fn whatsminer_at(hosts: &Hosts, at: SocketAddr, machine: &Arc<Mutex<Whatsminer>>) {
    let machine = Arc::clone(machine);
    hosts.at(at, move |mut stream: DuplexStream| {
        let machine = Arc::clone(&machine);
        tokio::spawn(async move {
            let mut request = vec![0; 4096];
            let read = stream.read(&mut request).await.unwrap();
            let reply = machine.lock().unwrap().answer(&request[..read]);
            let _ = stream.write_all(&reply).await;
        });
    });
}

fn driver(hosts: &Hosts) -> Driver {
    Driver::new(hosts.connector(), Clock::starting_at("2022-10-03T00:00:00Z".parse().unwrap()))
}

#[tokio::test(start_paused = true)]
async fn a_whatsminer_sleeps_and_wakes_by_one_request_each() {
    let (hosts, machine) = (Hosts::default(), Whatsminer::new());
    whatsminer_at(&hosts, api(0), &machine);
    let driver = driver(&hosts);
    let mut link = Link::to(Some(MAC.parse().unwrap()));
    let (family, at, mut buffer) = (Family::WhatsminerV2, endpoint(0), Vec::new());
    driver.keep_armed(family, at, &mut link).await.unwrap();
    machine.lock().unwrap().requests.clear();

    assert_eq!(driver.command(family, at, &mut link, Action::Sleep).await, Outcome::Accepted);
    // The statistics are refused, the mode is asked, and from then on only the mode.
    assert_eq!(driver.read_fast(family, at, &mut link, &mut buffer).await, Ok(None));
    assert_eq!(link.question, Question::Mode);
    for _ in 0..2 {
        let reading = driver.read_fast(family, at, &mut link, &mut buffer).await.unwrap().unwrap();
        assert_eq!((reading.activity, reading.mode), (Activity::Asleep, Some(ModeName::Normal)));
        assert_eq!((reading.power, reading.hash_rate, reading.temperature), (None, None, None));
    }
    assert_eq!(
        driver.command(family, at, &mut link, Action::SetMode(ModeName::Low)).await,
        Outcome::Accepted
    );
    let starting = driver.read_fast(family, at, &mut link, &mut buffer).await.unwrap().unwrap();
    assert_eq!((starting.activity, starting.mode), (Activity::Starting, Some(ModeName::Low)));
    let hashing = driver.read_fast(family, at, &mut link, &mut buffer).await.unwrap().unwrap();
    assert_eq!((hashing.activity, hashing.mode), (Activity::Hashing, Some(ModeName::Low)));
    assert_eq!(hashing.power, Some(Power::from_watts(3_300)));
    assert_eq!(
        driver.order(family, at, &mut link, &Order::LimitPower(Power::from_watts(3_000))).await,
        Outcome::Accepted
    );
    assert_eq!(machine.lock().unwrap().limit.as_deref(), Some("3000"));
    assert_eq!(
        machine.lock().unwrap().requests,
        [
            "power_off",
            "summary",
            "status",
            "status",
            "power_on",
            "set_low_power",
            "status",
            "summary",
            "adjust_power_limit"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn tokens_are_renewed_before_they_run_out_and_after_a_reboot() {
    let (hosts, machine) = (Hosts::default(), Whatsminer::new());
    whatsminer_at(&hosts, api(0), &machine);
    let driver = driver(&hosts);
    let (family, at, mut link) = (Family::WhatsminerV2, endpoint(0), Link::default());
    let tokens = || machine.lock().unwrap().requests.iter().filter(|name| *name == "get_token").count();
    for (minutes, expected) in [(0, 1), (10, 1), (16, 2), (1, 2)] {
        tokio::time::advance(Duration::from_secs(minutes * 60)).await;
        driver.keep_armed(family, at, &mut link).await.unwrap();
        assert_eq!(tokens(), expected, "after {minutes} more minutes");
    }
    machine.lock().unwrap().boot = 2;
    assert_eq!(driver.command(family, at, &mut link, Action::Sleep).await, Outcome::Accepted);
    assert_eq!(tokens(), 3);
    assert!(machine.lock().unwrap().off);
}

#[tokio::test(start_paused = true)]
async fn refusals_and_impostors_are_named() {
    let (hosts, machine) = (Hosts::default(), Whatsminer::new());
    whatsminer_at(&hosts, api(0), &machine);
    let mut driver = driver(&hosts);
    let (family, at) = (Family::WhatsminerV2, endpoint(0));
    machine.lock().unwrap().write_open = false;
    let refused = Outcome::Refused("can't access write cmd (code 45)".into());
    assert_eq!(driver.command(family, at, &mut Link::default(), Action::Sleep).await, refused);
    machine.lock().unwrap().write_open = true;

    let mut other = Link::to(Some("02:00:00:00:00:01".parse().unwrap()));
    let outcome = driver.command(family, at, &mut other, Action::Sleep).await;
    assert_eq!(outcome, Outcome::Unanswered(Trouble::Impostor));
    assert!(
        !machine.lock().unwrap().requests.contains(&"get_token".to_owned()) || !machine.lock().unwrap().off
    );

    let outcome = driver.command(family, endpoint(9), &mut Link::default(), Action::Sleep).await;
    assert_eq!(outcome, Outcome::Unanswered(Trouble::Unreachable));
    let outcome = driver.command(family, at, &mut Link::default(), Action::Cut).await;
    assert!(matches!(outcome, Outcome::Refused(_)));
    let outcome = driver.command(Family::Other, at, &mut Link::default(), Action::Sleep).await;
    assert!(matches!(outcome, Outcome::Refused(_)));

    let mut access = offpeak_drivers::driver::Access::default();
    access.set(family, Credentials { user: "admin".into(), password: "wrong".into() });
    driver.access = Arc::new(access);
    let refused = Outcome::Refused("check token error (code 135)".into());
    assert_eq!(driver.command(family, at, &mut Link::default(), Action::Sleep).await, refused);
    assert!(!machine.lock().unwrap().off);
}

/// An Antminer with a memory: the TCP API tells zeros asleep, the pages want a digest.
struct Antminer {
    work_mode: String,
    nonce: u32,
    /// The last count seen: a nonce's count must rise.
    count: u32,
    password: &'static str,
    pages: Vec<String>,
}

impl Antminer {
    fn stats(&self) -> Vec<u8> {
        let mut reply: Value = serde_json::from_slice(&recorded!("antminer/v2020/stats.json")).unwrap();
        if self.work_mode == "1" {
            for key in ["GHS 5s", "GHS av", "rate_30m", "total rate"] {
                reply["STATS"][1][key] = json!(0.0);
            }
        }
        [reply.to_string().as_bytes(), b"\0"].concat()
    }
    fn authorized(&mut self, method: &str, header: Option<&str>) -> bool {
        let Some(mut given) = header.and_then(|header| AuthorizationHeader::parse(header).ok()) else {
            return false;
        };
        let (response, uri) = (given.response.clone(), given.uri.clone());
        let method = HttpMethod::from(method.to_owned());
        let context = AuthContext::new_with_method("root", self.password, uri, None::<&[u8]>, method);
        given.digest(&context);
        let fresh = given.nonce == format!("nonce{}", self.nonce) && given.nc > self.count;
        self.count = given.nc;
        fresh && given.response == response
    }
    fn page(&mut self, method: &str, path: &str, header: Option<&str>, body: &[u8]) -> (u16, String) {
        if !self.authorized(method, header) {
            self.pages.push(format!("401 {path}"));
            return (401, String::new());
        }
        self.pages.push(path.to_owned());
        let reply = match path {
            "/cgi-bin/get_system_info.cgi" => {
                json!({"minertype": "Antminer S19 Pro", "macaddr": MAC, "serinum": "SN1"})
            }
            "/cgi-bin/get_miner_conf.cgi" => json!({"pools": [{"url": "u", "user": "w", "pass": "x"}],
                "bitmain-fan-ctrl": false, "bitmain-fan-pwm": "100", "bitmain-work-mode": self.work_mode}),
            "/cgi-bin/set_miner_conf.cgi" => {
                let body: Value = serde_json::from_slice(body).unwrap();
                assert_eq!(body["pools"][0]["user"], "w");
                self.work_mode = body["miner-mode"].as_u64().unwrap().to_string();
                json!({"stats": "success", "code": "M000", "msg": "OK!"})
            }
            _ => return (404, String::new()),
        };
        (200, reply.to_string())
    }
}

/// Reads one HTTP request: its head and its body.
async fn http_request(stream: &mut DuplexStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
            let length = header(&head, "content-length").map_or(0, |value| value.parse().unwrap());
            let body = &bytes[end + 4..];
            if body.len() >= length {
                return Some((head, body.to_vec()));
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then_some(value.trim())
    })
}

fn antminer_at(hosts: &Hosts, n: u32, machine: &Arc<Mutex<Antminer>>) {
    let (rpc, web) = (Arc::clone(machine), Arc::clone(machine));
    hosts.at(api(n), move |mut stream: DuplexStream| {
        let machine = Arc::clone(&rpc);
        tokio::spawn(async move {
            let mut request = vec![0; 512];
            let read = stream.read(&mut request).await.unwrap();
            let request: Value = serde_json::from_slice(&request[..read]).unwrap();
            let reply = match request["command"].as_str() {
                Some("stats") => machine.lock().unwrap().stats(),
                Some("version") => recorded!("antminer/v2020/version.json"),
                _ => refusal(14, "Invalid command"),
            };
            let _ = stream.write_all(&reply).await;
        });
    });
    hosts.at(SocketAddr::new(endpoint(n).ip, 80), move |mut stream: DuplexStream| {
        let machine = Arc::clone(&web);
        tokio::spawn(async move {
            while let Some((head, body)) = http_request(&mut stream).await {
                let mut line = head.split(' ');
                let (method, path) = (line.next().unwrap(), line.next().unwrap());
                let reply = {
                    let mut machine = machine.lock().unwrap();
                    let (status, body) = machine.page(method, path, header(&head, "authorization"), &body);
                    let nonce = machine.nonce;
                    if status == 401 {
                        machine.count = 0;
                    }
                    format!(
                        "HTTP/1.1 {status} X\r\nWWW-Authenticate: Digest realm=\"antMiner Configuration\", \
                         nonce=\"nonce{nonce}\", qop=\"auth\"\r\nContent-Length: {}\r\n\r\n{body}",
                        body.len()
                    )
                };
                if stream.write_all(reply.as_bytes()).await.is_err() {
                    return;
                }
            }
        });
    });
}

fn antminer() -> Arc<Mutex<Antminer>> {
    let (work_mode, pages) = ("0".into(), Vec::new());
    Arc::new(Mutex::new(Antminer { work_mode, nonce: 1, count: 0, password: "root", pages }))
}

#[tokio::test(start_paused = true)]
async fn an_antminer_sleeps_and_wakes() {
    let (hosts, machine) = (Hosts::default(), antminer());
    antminer_at(&hosts, 0, &machine);
    let driver = driver(&hosts);
    let mut link = Link::to(Some(MAC.parse().unwrap()));
    let (family, at, mut buffer) = (Family::AntminerStock, endpoint(0), Vec::new());
    let reading = driver.read_fast(family, at, &mut link, &mut buffer).await.unwrap().unwrap();
    assert_eq!((reading.activity, reading.power), (Activity::Hashing, None));

    assert_eq!(
        driver.command(family, at, &mut link, Action::SetMode(ModeName::Low)).await,
        Outcome::Accepted
    );
    assert_eq!(driver.command(family, at, &mut link, Action::Sleep).await, Outcome::Accepted);
    assert_eq!(machine.lock().unwrap().work_mode, "1");
    assert_eq!(driver.read_fast(family, at, &mut link, &mut buffer).await, Ok(None));
    machine.lock().unwrap().pages.clear();
    for _ in 0..3 {
        let asleep = driver.read_fast(family, at, &mut link, &mut buffer).await.unwrap().unwrap();
        assert_eq!((asleep.activity, asleep.mode), (Activity::Asleep, None));
    }
    // The challenge is kept: one request a reading. When the machine renews its nonce, one more.
    assert_eq!(machine.lock().unwrap().pages, ["/cgi-bin/get_miner_conf.cgi"; 3]);
    machine.lock().unwrap().nonce = 2;
    driver.read_fast(family, at, &mut link, &mut buffer).await.unwrap().unwrap();
    assert_eq!(
        machine.lock().unwrap().pages[3..],
        ["401 /cgi-bin/get_miner_conf.cgi", "/cgi-bin/get_miner_conf.cgi"]
    );

    // It wakes in the mode it last had.
    assert_eq!(driver.command(family, at, &mut link, Action::Wake).await, Outcome::Accepted);
    assert_eq!(machine.lock().unwrap().work_mode, "3");
    let starting = driver.read_fast(family, at, &mut link, &mut buffer).await.unwrap().unwrap();
    assert_eq!((starting.activity, starting.mode), (Activity::Starting, Some(ModeName::Low)));
    // The statistics do not tell the mode, and what was ordered is no reading.
    let hashing = driver.read_fast(family, at, &mut link, &mut buffer).await.unwrap().unwrap();
    assert_eq!((hashing.activity, hashing.mode), (Activity::Hashing, None));
}

#[tokio::test(start_paused = true)]
async fn an_antminer_refuses_a_wrong_password_and_an_impostor_is_not_commanded() {
    let (hosts, machine) = (Hosts::default(), antminer());
    antminer_at(&hosts, 0, &machine);
    let driver = driver(&hosts);
    let (family, at) = (Family::AntminerStock, endpoint(0));
    let mut other = Link::to(Some("02:00:00:00:00:01".parse().unwrap()));
    let outcome = driver.command(family, at, &mut other, Action::Sleep).await;
    assert_eq!(outcome, Outcome::Unanswered(Trouble::Impostor));
    let outcome = driver.command(family, at, &mut Link::default(), Action::SetMode(ModeName::High)).await;
    assert!(matches!(outcome, Outcome::Refused(_)));
    machine.lock().unwrap().password = "changed";
    machine.lock().unwrap().count = 0;
    let outcome = driver.command(family, at, &mut Link::default(), Action::Sleep).await;
    assert_eq!(outcome, Outcome::Unanswered(Trouble::Denied));
    assert_eq!(machine.lock().unwrap().work_mode, "0");
}

#[tokio::test(start_paused = true)]
async fn both_families_are_identified() {
    let hosts = Hosts::default();
    let ours = Whatsminer::new();
    antminer_at(&hosts, 1, &antminer());
    let handler = Arc::clone(&ours);
    hosts.at(api(0), move |mut stream: DuplexStream| {
        let machine = Arc::clone(&handler);
        tokio::spawn(async move {
            let mut request = vec![0; 512];
            let read = stream.read(&mut request).await.unwrap();
            let value: Value = serde_json::from_slice(&request[..read]).unwrap();
            let reply = match value["cmd"].as_str() {
                Some("get_version") => recorded!("whatsminer/v2/get_version.json"),
                Some("get_miner_info") => machine.lock().unwrap().answer(&request[..read]),
                _ => refusal(14, "invalid cmd"),
            };
            let _ = stream.write_all(&reply).await;
        });
    });
    let driver = driver(&hosts);
    let whatsminer = driver.identify(endpoint(0)).await.unwrap().unwrap();
    assert_eq!(whatsminer.family, Family::WhatsminerV2);
    assert_eq!(whatsminer.mac.unwrap().to_string(), MAC);
    assert_eq!((whatsminer.model, whatsminer.firmware.as_deref()), (None, Some("20230803.11.REL")));
    let antminer = driver.identify(endpoint(1)).await.unwrap().unwrap();
    assert_eq!(antminer.family, Family::AntminerStock);
    assert_eq!(antminer.mac.unwrap().to_string(), MAC);
    assert_eq!(
        (antminer.model.as_deref(), antminer.serial.as_deref()),
        (Some("Antminer S19 Pro"), Some("SN1"))
    );
    let full = driver.read_full(Family::AntminerStock, endpoint(1)).await.unwrap();
    assert_eq!(full.reading.unwrap().activity, Activity::Hashing);
}

/// A fleet of one WhatsMiner, armed, that from now on says nothing to whoever asks this.
async fn silent_upon(question: &'static [u8]) -> (Arc<Fleet>, Arc<Mutex<Whatsminer>>) {
    let (hosts, machine) = (Hosts::default(), Whatsminer::new());
    whatsminer_at(&hosts, api(0), &machine);
    let driver = driver(&hosts);
    let target =
        Target { machine: MachineIx(0), family: Family::WhatsminerV2, endpoint: endpoint(0), mac: None };
    let fleet = Arc::new(Fleet::new(driver, vec![target]));
    fleet.keep_armed(&[MachineIx(0)]).await;
    silence(&hosts, &machine, question);
    (fleet, machine)
}

/// From now on it takes connections and says nothing to whoever asks this.
fn silence(hosts: &Hosts, machine: &Arc<Mutex<Whatsminer>>, question: &'static [u8]) {
    let orders = Arc::clone(machine);
    hosts.at(api(0), move |mut stream: DuplexStream| {
        let machine = Arc::clone(&orders);
        tokio::spawn(async move {
            let mut request = vec![0; 4096];
            let Ok(read) = stream.read(&mut request).await else { return };
            if request[..read].starts_with(question) {
                let _ = stream.read(&mut request).await;
                return;
            }
            let reply = machine.lock().unwrap().answer(&request[..read]);
            let _ = stream.write_all(&reply).await;
        });
    });
}

/// Whether an order is accepted at once, without waiting for what is under way to the machine. Paused time: had
/// it waited for that, seconds would have passed.
async fn goes_at_once(fleet: &Fleet, order: &Order) -> bool {
    let before = tokio::time::Instant::now();
    assert_eq!(fleet.order(MachineIx(0), order).await, Outcome::Accepted, "{order:?}");
    before.elapsed() < Duration::from_millis(10)
}

#[tokio::test(start_paused = true)]
async fn a_reduction_closes_the_reading_that_is_under_way() {
    for (reduction, is_one) in [
        (Order::Sleep, true),
        (Order::SetMode(ModeName::Low), true),
        // Its mode is not known: it may have run in a higher one.
        (Order::SetMode(ModeName::Normal), true),
        (Order::SetMode(ModeName::High), false),
        (Order::LimitPower(Power::from_watts(2_000)), true),
        (Order::Wake, false),
    ] {
        let (fleet, machine) = silent_upon(b"{\"cmd\":\"summary").await;
        let poller = Poller::new(Arc::clone(&fleet), Pace::default());
        let reading = tokio::spawn(async move { poller.run().await });
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(goes_at_once(&fleet, &reduction).await, is_one, "{reduction:?}");
        assert_eq!(machine.lock().unwrap().off, reduction == Order::Sleep);
        reading.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_or_mode_that_reduces_nothing_waits_its_turn() {
    for order in [Order::SetMode(ModeName::Normal), Order::LimitPower(Power::from_watts(3_400))] {
        let (hosts, machine) = (Hosts::default(), Whatsminer::new());
        whatsminer_at(&hosts, api(0), &machine);
        let target =
            Target { machine: MachineIx(0), family: Family::WhatsminerV2, endpoint: endpoint(0), mac: None };
        let fleet = Arc::new(Fleet::new(driver(&hosts), vec![target]));
        fleet.keep_armed(&[MachineIx(0)]).await;
        let poller = Poller::new(Arc::clone(&fleet), Pace::default());
        let reading = tokio::spawn(async move { poller.run().await });
        // It was read: 3,300 W in its normal mode. From now on it is silent to readers.
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert!(fleet.latest(MachineIx(0)).unwrap().reading.is_some());
        silence(&hosts, &machine, b"{\"cmd\":\"summary");
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        assert!(!goes_at_once(&fleet, &order).await, "{order:?}");
        reading.abort();
    }
}

/// Tokens are renewed in the background; a shed does not wait for that, nor is it lost.
#[tokio::test(start_paused = true)]
async fn a_reduction_waits_for_no_token() {
    let (fleet, machine) = silent_upon(b"{\"cmd\":\"get_miner_info").await;
    // Old enough to be renewed, young enough to be used.
    tokio::time::advance(Duration::from_secs(26 * 60)).await;
    let arming = {
        let fleet = Arc::clone(&fleet);
        tokio::spawn(async move { fleet.keep_armed(&[MachineIx(0)]).await })
    };
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(goes_at_once(&fleet, &Order::Sleep).await);
    assert!(machine.lock().unwrap().off);
    arming.await.unwrap();
}

/// An Antminer's statistics do not name its mode; where the site has modes changed it is asked all the same.
#[tokio::test(start_paused = true)]
async fn a_mode_that_is_always_to_be_known_is_asked_without_an_order() {
    for always in [false, true] {
        let (hosts, machine) = (Hosts::default(), antminer());
        antminer_at(&hosts, 0, &machine);
        machine.lock().unwrap().work_mode = "3".into();
        let family = Family::AntminerStock;
        let target = Target { machine: MachineIx(0), family, endpoint: endpoint(0), mac: None };
        let mut fleet = Fleet::new(driver(&hosts), vec![target]);
        if always {
            fleet.ask_mode_always(MachineIx(0));
        }
        let fleet = Arc::new(fleet);
        let poller = Poller::new(Arc::clone(&fleet), Pace::default());
        let reading = tokio::spawn(async move { poller.run().await });
        tokio::time::sleep(Duration::from_secs(30)).await;
        let latest = fleet.latest(MachineIx(0)).unwrap().reading.unwrap();
        assert_eq!(latest.mode, always.then_some(ModeName::Low));
        assert_eq!(latest.activity, Activity::Hashing);
        reading.abort();
    }
}
