//! The twin's front ends as our own driver sees them, in virtual time: what is read is the truth, a
//! command changes the meter, tokens and nonces grow old.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use offpeak_drivers::call::Order;
use offpeak_drivers::clock::Clock;
use offpeak_drivers::driver::{Driver, Link, api};
use offpeak_drivers::fronts::{Addressing, Fronts, FrontsError, Layout, Ports};
use offpeak_drivers::http::{Challenge, Login, Pages};
use offpeak_drivers::modbus::{ModbusMeter, ModbusSwitch, RegisterMap};
use offpeak_drivers::whatsminer::{Token, Write};
use offpeak_site::{
    Action, Activity, Endpoint, Family, MachineIx, MeterIx, ModeName, Outcome, Reading, Site, SwitchIx,
    Trouble,
};
use offpeak_twin::{Initial, Judge, MeterGap, Plant, Scenario};
use offpeak_units::Power;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const SMALL: &str = include_str!("../../../../sites/small.toml");

/// The site that newcomers copy.
pub(crate) fn small() -> Site {
    offpeak_site::file::load("small.toml", SMALL, &|_| None).unwrap()
}

pub(crate) fn start() -> Timestamp {
    "2022-10-03T00:00:00Z".parse().unwrap()
}

pub(crate) fn running() -> Scenario {
    Scenario { initial: Initial::Running, ..Scenario::healthy() }
}

pub(crate) fn twin(mut site: Site, scenario: &Scenario, addressing: Addressing, clock: Clock) -> Fronts {
    let layout = Layout::plan(&site, addressing).unwrap();
    layout.apply(&mut site);
    Fronts::new(Plant::new(Arc::new(site), scenario, 7, start()), layout, clock).unwrap()
}

pub(crate) fn in_memory(scenario: &Scenario) -> Fronts {
    twin(small(), scenario, Addressing::InMemory, Clock::starting_at(start()))
}

/// The first machine of a model.
pub(crate) fn machine(site: &Site, model: &str) -> MachineIx {
    site.machines().find(|(ix, _)| site.model_of(*ix).name == model).unwrap().0
}

pub(crate) struct Seat {
    pub(crate) driver: Driver,
    pub(crate) family: Family,
    pub(crate) at: Endpoint,
    pub(crate) link: Link,
}

/// Our driver in front of a machine.
pub(crate) fn seat(fronts: &Fronts, machine: MachineIx) -> Seat {
    let family = fronts.with(|plant| plant.site().model_of(machine).family);
    Seat {
        driver: Driver::new(fronts.connector(), fronts.clock()),
        family,
        at: fronts.layout().endpoints()[machine.ix()],
        link: Link::default(),
    }
}

impl Seat {
    pub(crate) async fn read(&mut self) -> Result<Reading, Trouble> {
        loop {
            let read = self.driver.read_fast(self.family, self.at, &mut self.link, &mut Vec::new()).await?;
            if let Some(reading) = read {
                return Ok(reading);
            }
        }
    }
    async fn command(&mut self, action: Action) -> Outcome {
        self.driver.command(self.family, self.at, &mut self.link, action).await
    }
}

fn meter(fronts: &Fronts, meter: MeterIx) -> ModbusMeter {
    let at = fronts.layout().meters()[meter.ix()].clone();
    let map = RegisterMap::named("offpeak-twin").unwrap();
    ModbusMeter::new(fronts.connector(), fronts.clock(), at, map, Duration::from_secs(2))
}

#[tokio::test(start_paused = true)]
async fn what_is_read_is_the_truth() {
    let fronts = in_memory(&running());
    let site = fronts.with(|plant| Arc::clone(plant.site()));
    for (ix, _) in site.machines() {
        let reading = seat(&fronts, ix).read().await.unwrap();
        let truth = fronts.with(|plant| plant.truth(ix));
        assert_eq!(reading.activity, Activity::Hashing);
        let rate = reading.hash_rate.unwrap().to_megahashes();
        assert!((rate - truth.hash_rate.to_megahashes()).abs() < 100, "{rate} {truth:?}");
        let whatsminer = site.model_of(ix).family == Family::WhatsminerV2;
        let watts = reading.power.map(Power::to_watts);
        assert_eq!(watts, whatsminer.then(|| truth.power.to_watts()));
        let hottest = reading.temperature.unwrap().to_millicelsius();
        assert!((hottest - truth.temperature.to_millicelsius()).abs() < 1_000, "{hottest} {truth:?}");
        assert_eq!(reading.at, start());
    }
}

#[tokio::test(start_paused = true)]
async fn who_answers_says_who_it_is() {
    let fronts = in_memory(&running());
    let site = fronts.with(|plant| Arc::clone(plant.site()));
    for (model, name) in [("M30S", "M30SVE10"), ("M20S", "M20SV10"), ("S19", "Antminer S19")] {
        let ix = machine(&site, model);
        let seat = seat(&fronts, ix);
        let identity = seat.driver.identify(seat.at).await.unwrap().unwrap();
        assert_eq!(identity.family, seat.family);
        assert_eq!(identity.model.as_deref(), Some(name));
        assert_eq!(identity.serial.unwrap(), format!("TWIN{:08}", ix.0));
        let [a, b, c, d] = ix.0.to_be_bytes();
        assert_eq!(identity.mac.unwrap().0, [0x02, 0x0F, a, b, c, d]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_command_shows_in_the_machine_and_at_the_meter() {
    for model in ["M30S", "S19"] {
        let fronts = in_memory(&running());
        let ix = fronts.with(|plant| machine(plant.site(), model));
        let mut seat = seat(&fronts, ix);
        let mut revenue = meter(&fronts, MeterIx(0));
        assert_eq!(seat.read().await.unwrap().activity, Activity::Hashing);
        let full = revenue.read().await.unwrap().power;
        // Everything else is put to sleep behind the protocols, so that one machine stands out.
        fronts.with(|plant| {
            for (other, _) in Arc::clone(plant.site()).machines() {
                if other != ix {
                    plant.command(other, Action::Sleep);
                }
            }
        });
        tokio::time::advance(Duration::from_secs(600)).await;
        let before = revenue.read().await.unwrap();
        assert!(before.power < full);
        assert_eq!(before.at, start() + SignedDuration::from_secs(600));
        assert_eq!(seat.command(Action::Sleep).await, Outcome::Accepted);
        tokio::time::advance(Duration::from_secs(600)).await;
        assert_eq!(seat.read().await.unwrap().activity, Activity::Asleep, "{model}");
        let asleep = revenue.read().await.unwrap();
        let fallen = (before.power - asleep.power).to_watts();
        assert!((3_000..4_000).contains(&fallen), "{model}: {fallen} W");
        assert!(asleep.energy > before.energy);
        assert_eq!(seat.command(Action::Wake).await, Outcome::Accepted);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(seat.read().await.unwrap().activity, Activity::Starting);
        tokio::time::advance(Duration::from_secs(3_600)).await;
        assert_eq!(seat.read().await.unwrap().activity, Activity::Hashing);
    }
}

#[tokio::test(start_paused = true)]
async fn an_outlet_cuts_a_machine_and_its_meter_follows() {
    let fronts = in_memory(&running());
    let outlet = fronts.with(|plant| plant.site().machine(MachineIx(0)).outlet.unwrap());
    assert_eq!(outlet.switch, SwitchIx(0));
    let at = fronts.layout().switches()[0].clone();
    let mut switch = ModbusSwitch::new(fronts.connector(), at, Duration::from_secs(2));
    let mut hall = meter(&fronts, MeterIx(1));
    let before = hall.read().await.unwrap().power;
    assert_eq!(switch.read(0, 32).await.unwrap(), [true; 32]);
    assert!(switch.read(0, 33).await.is_err(), "the switch has 32 channels");
    for channel in 0..32 {
        assert_eq!(switch.cut(channel).await, Outcome::Accepted);
    }
    assert_eq!(switch.read(outlet.channel, 1).await.unwrap(), [false]);
    assert_eq!(seat(&fronts, MachineIx(0)).read().await, Err(Trouble::Unreachable));
    let after = hall.read().await.unwrap().power;
    assert!(after.to_watts() * 10 < before.to_watts(), "{before:?} {after:?}");
    assert_eq!(switch.restore(outlet.channel).await, Outcome::Accepted);
    tokio::time::advance(Duration::from_secs(3_600)).await;
    assert_eq!(seat(&fronts, MachineIx(0)).read().await.unwrap().activity, Activity::Hashing);
}

#[tokio::test(start_paused = true)]
async fn a_meter_in_a_gap_is_silent_and_speaks_again() {
    let (after, length) = (SignedDuration::from_secs(10), SignedDuration::from_secs(20));
    let gap = MeterGap { meter: MeterIx(0), after, length };
    let fronts = in_memory(&Scenario { meter_gaps: vec![gap], ..running() });
    let mut revenue = meter(&fronts, MeterIx(0));
    revenue.read().await.unwrap();
    tokio::time::advance(Duration::from_secs(12)).await;
    assert_eq!(revenue.read().await.unwrap_err().trouble(), Trouble::Silent);
    tokio::time::advance(Duration::from_secs(20)).await;
    revenue.read().await.unwrap();
}

/// One request on a connection of its own; the whole reply.
pub(crate) async fn ask(fronts: &Fronts, machine: MachineIx, request: &[u8]) -> serde_json::Value {
    let at = api(fronts.layout().endpoints()[machine.ix()]);
    let mut stream = fronts.connector().connect(at).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).await.unwrap();
    serde_json::from_slice(reply.strip_suffix(b"\0").unwrap_or(&reply)).unwrap()
}

#[tokio::test(start_paused = true)]
async fn tokens_run_out_and_grow_old() {
    let fronts = in_memory(&running());
    let ix = fronts.with(|plant| machine(plant.site(), "M30S"));
    let get_token = br#"{"cmd":"get_token"}"#;
    let first = ask(&fronts, ix, get_token).await;
    assert_eq!(first["Code"], 134);
    for _ in 1..32 {
        assert_eq!(ask(&fronts, ix, get_token).await["STATUS"], "S");
    }
    let refused = ask(&fronts, ix, get_token).await;
    assert_eq!((refused["STATUS"].as_str(), refused["Code"].as_u64()), (Some("E"), Some(136)));

    let token = Token::from_reply(first.to_string().as_bytes(), "admin").unwrap();
    let write = token.request(&Write::SetMode(ModeName::Normal));
    tokio::time::advance(Duration::from_secs(30 * 60 - 1)).await;
    let sealed = ask(&fronts, ix, &write).await;
    token.accepted(sealed.to_string().as_bytes()).unwrap();
    tokio::time::advance(Duration::from_secs(1)).await;
    let old = ask(&fronts, ix, &write).await;
    assert_eq!((old["Code"].as_u64(), old["Msg"].as_str()), (Some(135), Some("check token err")));
    assert_eq!(ask(&fronts, ix, get_token).await["Code"], 134, "the old ones have made room");

    let wrong = Token::from_reply(first.to_string().as_bytes(), "other").unwrap();
    assert_eq!(ask(&fronts, ix, &wrong.request(&Write::PowerOff)).await["Code"], 135);
    assert_eq!(ask(&fronts, ix, br#"{"enc":1,"data":"no base64!"}"#).await["Code"], 137);
}

#[tokio::test(start_paused = true)]
async fn refusals_come_in_the_machine_s_words() {
    let fronts = in_memory(&running());
    let (whatsminer, antminer) = fronts.with(|p| (machine(p.site(), "M30S"), machine(p.site(), "S19")));
    let mut seat_w = seat(&fronts, whatsminer);
    fronts.open_writes(whatsminer, false);
    let outcome = seat_w.command(Action::Sleep).await;
    assert_eq!(outcome, Outcome::Refused("can't access write cmd (code 45)".into()));
    fronts.open_writes(whatsminer, true);
    assert_eq!(seat_w.command(Action::Sleep).await, Outcome::Accepted);
    tokio::time::advance(Duration::from_secs(600)).await;
    for (command, code) in [("nonsense", 14), ("summary+nonsense", 45)] {
        let refused = ask(&fronts, whatsminer, format!("{{\"cmd\":\"{command}\"}}").as_bytes()).await;
        assert_eq!((&refused["STATUS"], &refused["Code"]), (&"E".into(), &code.into()), "{command}");
    }
    let both = ask(&fronts, whatsminer, br#"{"command":"summary+pools"}"#).await;
    assert_eq!(both["summary"][0]["SUMMARY"][0]["HS RT"], 0.0);
    assert_eq!(both["pools"][0]["POOLS"].as_array().unwrap().len(), 3);
    assert_eq!(ask(&fronts, whatsminer, br#"{"cmd":"status"}"#).await["Msg"]["mineroff"], "true");
    assert_eq!(ask(&fronts, whatsminer, b"hello").await["Code"], 23);

    let joined = ask(&fronts, antminer, br#"{"command":"summary+stats"}"#).await;
    assert_eq!(
        (joined["STATUS"][0]["STATUS"].as_str(), joined["STATUS"][0]["Code"].as_u64()),
        (Some("E"), Some(14))
    );
    assert_eq!(ask(&fronts, antminer, br#"{"cmd":"stats"}"#).await["STATUS"][0]["Code"], 24);
    assert_eq!(ask(&fronts, antminer, b"stats|").await["STATUS"][0]["Code"], 23);
}

#[tokio::test(start_paused = true)]
async fn a_power_limit_picks_the_mode_below_it() {
    let fronts = in_memory(&running());
    let ix = fronts.with(|plant| machine(plant.site(), "M30S"));
    let modes = fronts.with(|plant| plant.site().model_of(ix).modes.clone());
    let mut seat = seat(&fronts, ix);
    for mode in &modes {
        let limit = mode.power + Power::from_watts(1);
        let outcome =
            seat.driver.order(seat.family, seat.at, &mut seat.link, &Order::LimitPower(limit)).await;
        assert_eq!(outcome, Outcome::Accepted);
        assert_eq!(fronts.with(|plant| plant.truth(ix).mode), mode.name);
        let summary = ask(&fronts, ix, br#"{"cmd":"summary"}"#).await;
        assert_eq!(summary["SUMMARY"][0]["Power Limit"], mode.power.to_watts());
    }
    let outcome = seat
        .driver
        .order(seat.family, seat.at, &mut seat.link, &Order::LimitPower(Power::from_watts(1)))
        .await;
    assert!(matches!(outcome, Outcome::Refused(words) if words.contains("out of range")));
}

#[tokio::test(start_paused = true)]
async fn the_login_s_nonce_grows_old_and_pages_are_kept() {
    let fronts = in_memory(&running());
    let ix = fronts.with(|plant| machine(plant.site(), "S19"));
    let at = fronts.layout().endpoints()[ix.ix()];
    let web = std::net::SocketAddr::new(at.ip, at.http_port);
    let (connector, access) = (fronts.connector(), offpeak_drivers::driver::Access::default());
    let mut challenge = Challenge::default();
    let patience = Duration::from_secs(5);
    for seconds in [0, 599, 10_000] {
        tokio::time::advance(Duration::from_secs(seconds)).await;
        let mut pages = Pages::new(
            &connector,
            web,
            Login::Digest(access.of(Family::AntminerStock), &mut challenge),
            patience,
        );
        pages.get("/cgi-bin/get_miner_conf.cgi").await.unwrap();
    }
    let mut pages = Pages::new(
        &connector,
        web,
        Login::Digest(access.of(Family::AntminerStock), &mut challenge),
        patience,
    );
    let pools = r#"[{"url":"stratum+tcp://mine.example:3333","user":"a","pass":"b"}]"#;
    let body = format!(r#"{{"pools":{pools},"bitmain-fan-ctrl":true}}"#).into_bytes();
    let saved = pages.post("/cgi-bin/set_miner_conf.cgi", body).await.unwrap();
    assert!(String::from_utf8_lossy(&saved).contains("M000"));
    let conf = pages.get("/cgi-bin/get_miner_conf.cgi").await.unwrap();
    let conf: serde_json::Value = serde_json::from_slice(&conf).unwrap();
    assert_eq!(
        conf["pools"].to_string(),
        serde_json::from_str::<serde_json::Value>(pools).unwrap().to_string()
    );
    assert_eq!((&conf["bitmain-fan-ctrl"], &conf["bitmain-work-mode"]), (&true.into(), &"0".into()));
    for wrong in [&b"no json"[..], br#"{"miner-mode":1}"#, br#"{"pools":[],"miner-mode":9}"#] {
        let answer = pages.post("/cgi-bin/set_miner_conf.cgi", wrong.to_vec()).await.unwrap();
        assert!(String::from_utf8_lossy(&answer).contains("M001"));
    }
    assert!(pages.get("/cgi-bin/nonsense.cgi").await.is_err());
    let wrong = offpeak_drivers::http::Credentials { user: "root".into(), password: "admin".into() };
    let mut challenge = Challenge::default();
    let mut pages = Pages::new(&connector, web, Login::Digest(&wrong, &mut challenge), patience);
    assert_eq!(pages.get("/cgi-bin/stats.cgi").await, Err(Trouble::Denied));
}

#[test]
fn layouts_keep_what_they_can() {
    let site = small();
    let stated = site.machine(MachineIx(0)).endpoint.unwrap();
    let layout = Layout::plan(&site, Addressing::AddressPerMachine(Ports::RAISED)).unwrap();
    let at = layout.endpoints()[0];
    assert_eq!((at.ip, at.api_port, at.http_port), (stated.ip, 4028, 8080));
    assert_eq!(layout.meters()[0].address, "127.0.0.1:15020");
    let layout = Layout::plan(&site, Addressing::PortPerMachine { first: 20_000 }).unwrap();
    let last = layout.endpoints()[63];
    assert_eq!((last.ip, last.api_port, last.http_port), (IpAddr::V4(Ipv4Addr::LOCALHOST), 20_126, 20_127));
    let error = Layout::plan(&site, Addressing::PortPerMachine { first: 65_500 }).unwrap_err();
    assert!(matches!(error, FrontsError::NoPortsLeft { machines: 64 }), "{error}");

    // Addresses that are not the loopback network's, or missing, are replaced; twins of one address are
    // found.
    let mut site = small();
    site.machines[0].endpoint = Some(Endpoint::standard("10.0.0.1".parse().unwrap()));
    site.machines[1].endpoint = None;
    site.meters[0].modbus = None;
    let layout = Layout::plan(&site, Addressing::AddressPerMachine(Ports::STANDARD)).unwrap();
    assert_eq!(layout.endpoints()[0].ip.to_string(), "127.64.0.1");
    assert_eq!(layout.endpoints()[1].ip.to_string(), "127.64.0.2");
    assert_eq!(layout.meters()[0].address, "127.0.0.1:15020", "the first that nobody else has");
    let in_memory = Layout::plan(&site, Addressing::InMemory).unwrap();
    assert_eq!(in_memory.endpoints()[0].ip.to_string(), "10.0.0.1");
    site.machines[1].endpoint = site.machines[2].endpoint;
    let error = Layout::plan(&site, Addressing::InMemory).unwrap_err();
    assert!(matches!(error, FrontsError::Twice(_)), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_judge_misses_no_step_whoever_causes_it() {
    let fronts = in_memory(&running());
    let site = fronts.with(|plant| Arc::clone(plant.site()));
    let judge = Arc::new(Mutex::new(Judge::new(&site, start())));
    let watching = Arc::clone(&judge);
    fronts.watch(move |plant| watching.lock().unwrap().observe(plant));
    let (own, mut seat) = (fronts.clone(), seat(&fronts, machine(&site, "M30S")));
    let running = tokio::spawn(async move { own.run().await });
    for step in 0..20 {
        let action = if step % 2 == 0 { Action::Sleep } else { Action::Wake };
        assert_eq!(seat.command(action).await, Outcome::Accepted);
        tokio::time::advance(Duration::from_millis(1_300)).await;
        seat.read().await.unwrap();
    }
    running.abort();
    assert_eq!(judge.lock().unwrap().verdict().seconds_unseen, 0);
}
