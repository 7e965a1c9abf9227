//! LuxOS's API on TCP 4028, from the machine's side.
//!
//! Shapes: the recorded replies in `tests/fixtures/luxos` and the examples of Luxor's documentation.
//! Quirks: one session at a time, which ends a minute after its last use; commands with parameters are
//! not joined; no power targeting (the model has profiles only); asleep, the supply is off.
//!
//! Not here: the socket (`talk`).

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};

use offpeak_site::{Action, Activity, MachineIx, ModeName, Outcome};
use offpeak_twin::Fault;
use serde::Deserialize;
use serde_json::{Value, json};

use super::State;
use super::card::Card;
use super::splice::{Hundredths, add};
use super::view::{Pass, View, gigahashes};

const VERSION: &str = "2025.4.8.220305-57b389c7";
/// Seconds that a session lasts after its last use (Luxor, "Session management").
const SESSION_LIFE: i64 = 60;
/// The chips of a board.
const CHIPS: u32 = 77;

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    command: Cow<'a, str>,
    #[serde(borrow, default)]
    parameter: Option<Cow<'a, str>>,
}

/// Answers one request.
pub(super) fn answer(state: &mut State, card: &Card, machine: MachineIx, request: &[u8], out: &mut Vec<u8>) {
    let when = state.plant.now().as_second();
    let Ok(request) = serde_json::from_slice::<Request<'_>>(request) else {
        return say(out, when, 'E', 23, "Invalid JSON");
    };
    let parameter = request.parameter.unwrap_or_default();
    let view = state.view(machine, card);
    if !request.command.contains('+') {
        return one(state, card, machine, &view, &request.command, &parameter, out);
    }
    out.push(b'{');
    for part in request.command.split('+') {
        add!(out, "\"{part}\":[");
        one(state, card, machine, &view, part, "", out);
        add!(out, "],");
    }
    add!(out, "\"id\":1}}");
}

fn one(
    state: &mut State,
    card: &Card,
    machine: MachineIx,
    view: &View,
    command: &str,
    parameter: &str,
    out: &mut Vec<u8>,
) {
    let when = view.when;
    match command {
        "summary" => summary(out, view),
        "power" => {
            heading(out, when, 311, "Power usage");
            add!(out, r#""POWER":[{{"PSU":false,"Watts":{}}}],"id":1}}"#, view.watts);
        }
        "temps" => temps(out, view),
        "config" => config(out, card, view, state.units[machine.ix()].blinks),
        "version" => {
            heading(out, when, 22, "LUXminer versions");
            add!(
                out,
                r#""VERSION":[{{"API":"3.7","CompileTime":"Tue Apr  8 22:05:35 UTC 2025","LUXminer":"{VERSION}","Miner":"2025.4.8.220305","Type":"{}"}}],"id":1}}"#,
                card.model
            );
        }
        "session" | "logon" | "logoff" => session(state, machine, when, command, parameter, out),
        "curtail" | "profileset" | "powertargetset" | "ledset" | "rebootdevice" | "resetminer" => {
            in_session(state, card, machine, when, command, parameter, out);
        }
        "addpool" | "removepool" | "switchpool" => {
            change_pools(state, card, machine, when, command, parameter, out)
        }
        _ => match told(state, card, machine, view, command) {
            Some((code, words, name, list)) => {
                heading(out, when, code, words);
                add!(out, "\"{name}\":{list},\"id\":1}}");
            }
            None => say(out, when, 'E', 14, "Invalid command"),
        },
    }
}

fn say(out: &mut Vec<u8>, when: i64, letter: char, code: u32, words: &str) {
    let words = Value::from(words);
    add!(
        out,
        r#"{{"STATUS":[{{"Code":{code},"Description":"LUXminer {VERSION}","Msg":{words},"STATUS":"{letter}","When":{when}}}],"id":1}}"#
    );
}

fn heading(out: &mut Vec<u8>, when: i64, code: u32, words: &str) {
    add!(
        out,
        r#"{{"STATUS":[{{"Code":{code},"Description":"LUXminer {VERSION}","Msg":"{words}","STATUS":"S","When":{when}}}],"#
    );
}

fn summary(out: &mut Vec<u8>, view: &View) {
    let (elapsed, rate) = (view.elapsed, Hundredths(view.rate / 10));
    heading(out, view.when, 11, "Summary");
    add!(
        out,
        r#""SUMMARY":[{{"Accepted":{},"Best Share":32768,"Device Hardware%":0.0,"Device Rejected%":0.0,"Difficulty Accepted":{},"Difficulty Rejected":0,"Difficulty Stale":0,"Discarded":0,"Elapsed":{elapsed},"Found Blocks":0,"GHS 15m":{rate},"GHS 1m":{rate},"GHS 24h":{rate},"GHS 30m":{rate},"GHS 5m":{rate},"GHS 5s":{rate},"GHS av":{rate},"Get Failures":0,"Getworks":{},"Hardware Errors":0,"Last getwork":{},"Local Work":0,"Network Blocks":0,"Pool Rejected%":0.0,"Pool Stale%":0.0,"Rejected":0,"Remote Failures":0,"Stale":0,"Total MH":{}.0,"Utility":26.03,"Work Utility":11.5}}],"id":1}}"#,
        elapsed / 3,
        elapsed / 3 * 32_768,
        elapsed / 5,
        view.when,
        view.rate * elapsed,
    );
}

fn temps(out: &mut Vec<u8>, view: &View) {
    heading(out, view.when, 201, "3 Temp(s)");
    add!(out, r#""TEMPS":["#);
    // Without power the boards' sensors say nothing.
    let hot = if view.activity == Activity::Asleep { 0 } else { view.chip };
    for board in 0..3 {
        let (exhaust, intake) = (Hundredths(hot), Hundredths((hot - 1_300).max(0)));
        add!(
            out,
            r#"{}{{"BottomLeft":{exhaust},"BottomRight":{intake},"ID":{board},"TEMP":{board},"TopLeft":{exhaust},"TopRight":{intake}}}"#,
            if board == 0 { "" } else { "," },
        );
    }
    add!(out, r#"],"id":1}}"#);
}

/// The step of a mode's profile; 0 is the default.
const fn step(mode: ModeName) -> i32 {
    match mode {
        ModeName::Low => -4,
        ModeName::Normal => 0,
        ModeName::High => 4,
    }
}

fn profile(mode: ModeName) -> String {
    format!("{}MHz", 490 + 25 * step(mode))
}

fn config(out: &mut Vec<u8>, card: &Card, view: &View, light: bool) {
    let asleep = view.activity == Activity::Asleep;
    heading(out, view.when, 33, "LUXminer config");
    add!(
        out,
        r#""CONFIG":[{{"ASC Count":3,"ControlBoardType":"cvitek","Cooling":"Air","CurtailMode":"{}","DHCP":true,"GreenLed":"auto","Hostname":"miner","IPAddr":"{}","ImmersionMode":false,"IsAtmEnabled":false,"IsPowerSupplyOn":{},"IsSingleVoltage":true,"IsTuning":{},"Log Interval":0,"MACAddr":"{}","Model":"{}","NameplateTHS":{},"Netmask":"255.255.255.0","OS":"LuxOS","PGA Count":0,"PSULabel":"APW121215e","Pool Count":3,"Profile":"{}","ProfileStep":"{}","RedLed":"{}","SerialNumber":"{}","Strategy":"Failover","SystemStatus":"{}","UpdateTimeout":60}}],"id":1}}"#,
        if asleep { "Sleep" } else { "None" },
        card.ip,
        !asleep,
        view.activity == Activity::Starting,
        card.mac.to_string().to_lowercase(),
        card.model,
        Hundredths(card.rate_factory / 10_000),
        profile(view.mode),
        step(view.mode),
        if light { "blink" } else { "auto" },
        card.serial,
        if view.activity == Activity::Failed { "Error" } else { "Normal" },
    );
}

/// What only full readings ask: code, words, the list's name and the list.
fn told(
    state: &State,
    card: &Card,
    machine: MachineIx,
    view: &View,
    command: &str,
) -> Option<(u32, &'static str, &'static str, Value)> {
    Some(match command {
        "stats" => (70, "LUXminer stats", "STATS", stats(card, view)),
        "devs" => (9, "3 ASC(s)", "DEVS", devs(card, view)),
        "fans" => {
            let fan = |id: u32| json!({"FAN": id, "ID": id, "RPM": view.fan, "Speed": view.fan / 75, "Connector": format!("J{id}")});
            (202, "4 Fan(s)", "FANS", json!([fan(0), fan(1), fan(2), fan(3)]))
        }
        "profiles" => (322, "Profiles", "PROFILES", profiles(card)),
        "pools" => (7, "Pool(s)", "POOLS", pools(state, card, machine, view)),
        "groups" => (203, "1 Group(s)", "GROUPS", json!([{"GROUP": 0, "Name": "default", "Quota": 1}])),
        "events" => (350, "Events", "EVENTS", json!([])),
        _ => return None,
    })
}

fn stats(card: &Card, view: &View) -> Value {
    let rate = gigahashes(view.rate);
    let mut values = json!({
        "Calls": 0, "Elapsed": view.elapsed, "GHS 5s": rate, "GHS av": rate, "ID": "BTM_SOC0", "Max": 0,
        "Min": 99_999_999, "Mode": 2, "STATS": 0, "Wait": 0, "fan_num": 4, "frequency": 490, "miner_count": 3,
        "miner_id": card.mac.to_string().replace(':', "").to_lowercase(), "miner_version": "2025.4.8.220305",
        "no_matching_work": 0, "rate_30m": rate, "rate_unit": "GH", "temp_num": 3, "temp_max": view.chip / 100,
        "total rate": rate, "total_acn": CHIPS * 3, "total_freqavg": 490.0,
        "total_rateideal": gigahashes(card.rate_factory),
    });
    for (place, board) in view.boards.into_iter().enumerate() {
        let (number, hot) = (place + 1, view.chip / 100);
        let dead = view.board_dead && board == 0;
        values[format!("chain_rate{number}")] = json!(format!("{:.2}", gigahashes(board)));
        values[format!("chain_acn{number}")] = json!(if dead { 0 } else { CHIPS });
        values[format!("chain_hw{number}")] = json!(0);
        values[format!("freq{number}")] = json!(490.0);
        values[format!("fan{number}")] = json!(view.fan);
        values[format!("temp{number}")] = json!(hot);
        for kind in ["temp_chip", "temp_pcb", "temp_pic"] {
            values[format!("{kind}{number}")] = json!(format!("{hot}-{0}-{0}-{hot}", hot - 13));
        }
    }
    json!([{"CompileTime": "Tue Apr  8 22:05:35 UTC 2025", "Miner": "2025.4.8.220305", "Type": card.model}, values])
}

fn devs(card: &Card, view: &View) -> Value {
    let dev = |(place, board): (usize, i64)| {
        let rate = gigahashes(board) * 1e3;
        json!({
            "ASC": place, "ID": place, "Board": "BHB56903", "Connector": format!("J{}", place + 7), "Enabled": "Y",
            "Status": if view.board_dead && board == 0 { "Dead" } else { "Alive" }, "IsRamping": false,
            "MHS 5s": rate, "MHS 1m": rate, "MHS 5m": rate, "MHS 15m": rate, "MHS 30m": rate, "MHS av": rate,
            "Nominal MHS": gigahashes(card.rate_factory / 3) * 1e3, "Temperature": view.chip / 100,
            "Profile": profile(view.mode), "SerialNumber": format!("{}B{place}", card.serial), "Accepted": 0,
            "Rejected": 0, "Hardware Errors": 0, "Device Elapsed": view.elapsed,
        })
    };
    view.boards.into_iter().enumerate().map(dev).collect()
}

fn profiles(card: &Card) -> Value {
    let normal = card.watts(ModeName::Normal).max(1);
    let entry = |(mode, watts): &(ModeName, i64)| {
        json!({
            "CanRestore": true, "Frequency": 490 + 25 * step(*mode), "HasOverrides": false, "IsDynamic": true,
            "IsTuned": false, "Hashrate": gigahashes(card.rate_factory * watts / normal) / 1e3,
            "Profile Name": profile(*mode), "Step": step(*mode).to_string(), "Voltage": 13.4, "Watts": watts,
        })
    };
    card.modes.iter().map(entry).collect()
}

/// As many as were written, or three.
fn written(state: &State, card: &Card, machine: MachineIx) -> Vec<Value> {
    let usual =
        |place: u32| json!({"url": format!("stratum+tcp://pool{place}.example:3333"), "user": card.worker});
    match state.units[machine.ix()].pools.as_deref() {
        Some(Value::Array(pools)) => pools.clone(),
        _ => (1..4).map(usual).collect(),
    }
}

fn pools(state: &State, card: &Card, machine: MachineIx, view: &View) -> Value {
    let entry = |(place, pool): (usize, Value)| {
        let accepted = if place == 0 { view.elapsed / 3 } else { 0 };
        json!({
            "POOL": place, "URL": pool["url"], "Stratum URL": pool["url"], "User": pool["user"], "Status": "Alive",
            "Priority": place, "GROUP": 0, "Quota": 1.0, "Accepted": accepted, "Rejected": 0, "Stale": 0,
            "Getworks": accepted, "Get Failures": 0, "Remote Failures": 0, "Stratum Active": place == 0,
            "Last Share Time": "00:00:01",
        })
    };
    written(state, card, machine).into_iter().enumerate().map(entry).collect()
}

/// The session of now, where there is one.
fn held(state: &mut State, machine: MachineIx, when: i64) -> Option<&mut Pass> {
    let tokens = &mut state.units[machine.ix()].tokens;
    tokens.retain(|pass| pass.until > when);
    tokens.first_mut()
}

fn session(
    state: &mut State,
    machine: MachineIx,
    when: i64,
    command: &str,
    parameter: &str,
    out: &mut Vec<u8>,
) {
    let now = held(state, machine, when).map(|pass| pass.sign.clone());
    let (code, words, id) = match (command, now) {
        ("session", now) => (319, "Session information", now.unwrap_or_default()),
        ("logon", None) => {
            let unit = &mut state.units[machine.ix()];
            unit.tokens_given = unit.tokens_given.wrapping_add(1);
            let id = format!("{:04x}{:04x}", machine.0 & 0xFFFF, unit.tokens_given & 0xFFFF);
            let client = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
            unit.tokens.push(Pass { client, sign: id.clone(), until: when + SESSION_LIFE });
            (316, "Session created", id)
        }
        ("logon", Some(_)) => return say(out, when, 'E', 402, "Another session is already active"),
        (_, Some(id)) if id == parameter => {
            state.units[machine.ix()].tokens.clear();
            (318, "Session terminated", String::new())
        }
        (_, _) => return say(out, when, 'E', 403, "Invalid session ID"),
    };
    heading(out, when, code, words);
    add!(out, r#""SESSION":[{{"SessionID":"{id}"}}],"id":1}}"#);
}

fn in_session(
    state: &mut State,
    card: &Card,
    machine: MachineIx,
    when: i64,
    command: &str,
    parameter: &str,
    out: &mut Vec<u8>,
) {
    let (id, value) = parameter.split_once(',').unwrap_or((parameter, ""));
    match held(state, machine, when) {
        Some(pass) if pass.sign == id => pass.until = when + SESSION_LIFE,
        _ => return say(out, when, 'E', 403, "Invalid session ID"),
    }
    if state.plant.truth(machine).fault == Some(Fault::RefusesCommands) {
        return say(out, when, 'E', 499, "Miner is in maintenance mode");
    }
    let (outcome, code, words) = match (command, value) {
        ("curtail", "sleep") => {
            (state.plant.command(machine, Action::Sleep), 335, "Curtailment command sent")
        }
        ("curtail", "wakeup") => {
            (state.plant.command(machine, Action::Wake), 335, "Curtailment command sent")
        }
        ("profileset", name) => {
            let known = |mode: &&(ModeName, i64)| profile(mode.0) == name;
            let mode = if name == "default" {
                Some(ModeName::Normal)
            } else {
                card.modes.iter().find(known).map(|m| m.0)
            };
            let Some(mode) = mode else { return say(out, when, 'E', 421, "Profile not found") };
            (state.plant.command(machine, Action::SetMode(mode)), 321, "Profile Set")
        }
        ("powertargetset", _) => return say(out, when, 'E', 14, "Invalid command"),
        ("ledset", "red,blink" | "red,on" | "red,off" | "red,auto") => {
            state.units[machine.ix()].blinks = value == "red,blink";
            (Outcome::Accepted, 331, "LED set")
        }
        ("rebootdevice" | "resetminer", _) => {
            let asleep = state.plant.truth(machine).activity == Some(Activity::Asleep);
            let outcome =
                if asleep { state.plant.command(machine, Action::Wake) } else { state.restart(machine) };
            (outcome, 304, "Rebooting")
        }
        _ => return say(out, when, 'E', 15, "Invalid parameter"),
    };
    match outcome {
        Outcome::Accepted => say(out, when, 'S', code, words),
        Outcome::Refused(words) => say(out, when, 'E', 420, &words),
        Outcome::Unanswered(_) => say(out, when, 'E', 420, "no answer from the boards"),
    }
}

fn change_pools(
    state: &mut State,
    card: &Card,
    machine: MachineIx,
    when: i64,
    command: &str,
    parameter: &str,
    out: &mut Vec<u8>,
) {
    let mut pools = written(state, card, machine);
    let words = match (command, parameter.split(',').collect::<Vec<_>>().as_slice()) {
        ("addpool", [url, user, _, ..]) => {
            pools.push(json!({"url": url, "user": user}));
            "Added pool"
        }
        ("switchpool" | "removepool", [place]) => {
            let Some(place) = place.parse::<usize>().ok().filter(|place| *place < pools.len()) else {
                return say(out, when, 'E', 8, "Invalid pool id");
            };
            if command == "switchpool" {
                "Switching to pool"
            } else {
                pools.remove(place);
                "Removed pool"
            }
        }
        _ => return say(out, when, 'E', 15, "Invalid parameter"),
    };
    state.units[machine.ix()].pools = Some(Box::new(Value::Array(pools)));
    say(out, when, 'S', 55, words);
}
