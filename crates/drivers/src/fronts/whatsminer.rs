//! WhatsMiner's TCP API, version 2, from the machine's side: plain reads, tokens, sealed writes.
//!
//! Shapes: the recorded replies in `tests/fixtures/whatsminer` (`summary` with the fields of v1, which
//! later firmwares kept). Codes, and how many tokens live for how long: MicroBT, "WhatsMiner API
//! V2.0.5" (16 clients, 32 tokens each, 30 minutes). Wording of refusals as clients report it
//! ("can't access write cmd": pyasic 0.79.0). With the boards off by command everything is answered
//! as before, with rates of zero: the document calls it "power off hashboard", and `status` says
//! `mineroff` where version 1, whose mining process ended, said `btmineroff`.
//!
//! Not here: the socket (`talk`), what a command does (the plant).

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::LazyLock;

use offpeak_site::{Action, Activity, Family, MachineIx, ModeName, Outcome};
use serde::Deserialize;
use serde_json::{Value, json};

use super::State;
use super::card::Card;
use super::splice::{Hundredths, add};
use super::view::{Pass, View};
use crate::whatsminer::{Secret, code};

/// The salt that firmwares keep the factory's password with, as seen in the field.
const SALT: &str = "BQ5hoXV9";
/// The factory's password.
const PASSWORD: &str = "admin";
/// Tokens at once, for one address.
const TOKENS_MAX: usize = 32;
/// Addresses that hold tokens at once.
const CLIENTS_MAX: usize = 16;
/// A token's life, in seconds.
const TOKEN_LIFE: i64 = 30 * 60;

/// The same for every machine with the factory's password.
static SECRET: LazyLock<Secret> = LazyLock::new(|| Secret::derive(PASSWORD, SALT));

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow, default)]
    cmd: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    command: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    data: Option<Cow<'a, str>>,
}

/// Answers one request.
pub(super) fn answer(
    state: &mut State,
    card: &Card,
    machine: MachineIx,
    client: IpAddr,
    request: &[u8],
    out: &mut Vec<u8>,
) {
    let when = state.plant.now().as_second();
    let Ok(request) = serde_json::from_slice::<Request<'_>>(request) else {
        return refuse(out, when, code::INVALID_JSON, "invalid json msg");
    };
    if let Some(sealed) = request.data {
        return write(state, card, machine, &sealed, out);
    }
    let Some(command) = request.cmd.or(request.command) else {
        return refuse(out, when, code::INVALID_COMMAND, "invalid cmd");
    };
    let view = state.view(machine, card);
    let written = state.units[machine.ix()].pools.clone();
    match command.as_ref() {
        "get_token" => token(state, machine, client, when, out),
        "status" => status(out, card, &view),
        "get_version" => {
            let firmware = match card.family {
                Family::WhatsminerV3 => super::whatsminer_v3::VERSION,
                _ => "20230803.11.REL",
            };
            let version =
                format!(r#"{{"api_ver":"2.0.5","fw_ver":"{firmware}","platform":"H616","chip":"K10"}}"#);
            message(out, when, &version);
        }
        "get_miner_info" => {
            let led = if state.units[machine.ix()].blinks { "manual" } else { "auto" };
            let body = format!(
                r#"{{"ip":"{}","proto":"dhcp","netmask":"255.255.255.0","gateway":"","dns":"","hostname":"WhatsMiner","mac":"{}","ledstat":"{led}","minersn":"{}","powersn":""}}"#,
                card.ip, card.mac, card.serial
            );
            message(out, when, &body);
        }
        "get_psu" => message(
            out,
            when,
            r#"{"name":"P222B","hw_version":"","sw_version":"230208.220429","model":"P222B","fan_speed":"6000"}"#,
        ),
        "get_error_code" => {
            let list = if view.board_dead { r#"{"542":"2022-09-01 10:30:00"}"# } else { "" };
            message(out, when, &format!(r#"{{"error_code":[{list}]}}"#));
        }
        joined if joined.contains('+') => {
            let parts: Vec<&str> = joined.split('+').collect();
            let mined = parts
                .iter()
                .all(|part| matches!(*part, "summary" | "pools" | "devs" | "edevs" | "devdetails"));
            if !mined {
                return refuse(out, when, code::DENIED, "command join err");
            }
            for (place, part) in parts.iter().enumerate() {
                add!(out, "{}\"{part}\":[", if place == 0 { '{' } else { ',' });
                mined_part(out, part, card, &view, written.as_deref());
                out.push(b']');
            }
            add!(out, ",\"id\":1}}");
        }
        other => {
            if !mined_part(out, other, card, &view, written.as_deref()) {
                refuse(out, when, code::INVALID_COMMAND, "invalid cmd");
            }
        }
    }
}

/// What the mining process answers itself; whether it knows the command.
fn mined_part(out: &mut Vec<u8>, command: &str, card: &Card, view: &View, written: Option<&Value>) -> bool {
    match command {
        "summary" => summary(out, card, view),
        "devs" | "edevs" => devs(out, card, view),
        "pools" => pools(out, card, view, written),
        "devdetails" => devdetails(out, card, view),
        _ => return false,
    }
    true
}

fn refuse(out: &mut Vec<u8>, when: i64, code: u64, words: &str) {
    add!(out, r#"{{"STATUS":"E","When":{when},"Code":{code},"Msg":"{words}","Description":""}}"#);
}

/// An object in `Msg`.
fn message(out: &mut Vec<u8>, when: i64, body: &str) {
    add!(out, r#"{{"STATUS":"S","When":{when},"Code":131,"Msg":{body},"Description":""}}"#);
}

const fn title(mode: ModeName) -> &'static str {
    match mode {
        ModeName::Low => "Low",
        ModeName::Normal => "Normal",
        ModeName::High => "High",
    }
}

fn status(out: &mut Vec<u8>, card: &Card, view: &View) {
    let off = view.activity == Activity::Asleep;
    let body = format!(
        r#"{{"mineroff":"{off}","mineroff_reason":"","mineroff_time":"","FirmwareVersion":"20230803.11.REL","power_mode":"{}","power_limit_set":"{}","hash_percent":"0"}}"#,
        view.mode.name(),
        card.watts(view.mode)
    );
    message(out, view.when, &body);
}

fn heading(out: &mut Vec<u8>, when: i64, code: u32, words: &str) {
    add!(
        out,
        r#"{{"STATUS":[{{"STATUS":"S","When":{when},"Code":{code},"Msg":"{words}","Description":"cgminer 4.9.2"}}],"#
    );
}

/// The fan behind the boards; it stands when the other does.
const fn outlet(fan: i64) -> i64 {
    if fan == 0 { 0 } else { fan + 30 }
}

fn summary(out: &mut Vec<u8>, card: &Card, view: &View) {
    let View { when, elapsed, watts, rate, chip, fan, .. } = *view;
    let (accepted, limit) = (elapsed / 5, card.watts(view.mode));
    heading(out, when, 11, "Summary");
    add!(
        out,
        r#""SUMMARY":[{{"Elapsed":{elapsed},"MHS av":{rate}.00,"MHS 5s":{rate}.00,"MHS 1m":{rate}.00,"MHS 5m":{rate}.00,"MHS 15m":{rate}.00,"HS RT":{rate}.00,"Found Blocks":0,"Getworks":{},"Accepted":{accepted},"Rejected":0,"Hardware Errors":0,"Utility":12.00,"Discarded":{},"Stale":0,"Get Failures":0,"Local Work":{},"Remote Failures":0,"Network Blocks":{},"Total MH":{}.0000,"Work Utility":{}.00,"Difficulty Accepted":{}.00000000,"Difficulty Rejected":0.00000000,"Difficulty Stale":0.00000000,"Best Share":41127493,"#,
        elapsed / 11,
        elapsed * 60,
        elapsed * 7_000,
        elapsed / 600,
        rate * elapsed,
        rate / 71_582,
        accepted * 65_536
    );
    add!(
        out,
        r#""Temperature":{},"freq_avg":600,"Fan Speed In":{fan},"Fan Speed Out":{},"Power":{watts},"Power_RT":{watts},"Device Hardware%":0.0000,"Device Rejected%":0.0000,"Pool Rejected%":0.0000,"Pool Stale%":0.0000,"Last getwork":0,"Uptime":{},"Security Mode":0,"Hash Stable":true,"Hash Stable Cost Seconds":1538,"Hash Deviation%":0.1061,"Target Freq":600,"Target MHS":{},"Env Temp":{},"Power Mode":"{}","Factory GHS":{},"Power Limit":{limit},"Chip Temp Min":{},"Chip Temp Max":{},"Chip Temp Avg":{},"#,
        Hundredths(chip - 2_100),
        outlet(fan),
        elapsed + 638,
        card.rate_factory,
        Hundredths(view.air),
        title(view.mode),
        card.rate_factory / 1_000,
        Hundredths(chip - 2_150),
        Hundredths(chip),
        Hundredths(chip - 840),
    );
    let error = if view.board_dead {
        r#""Error Code Count":1,"Error Code 0":542,"#
    } else {
        r#""Error Code Count":0,"#
    };
    add!(
        out,
        r#"{error}"Factory Error Code Count":0,"Power Current":{},"Power Fanspeed":{},"Voltage":1180,"Chip Data":"HP5A01-19101436   BINV04-192101D","CB Platform":"H616","CB Version":"V10","Firmware Version":"'20230803.11.REL'","Liquid Cooling":false,"MAC":"{}"}}],"id":1}}"#,
        watts * 2 / 26,
        if fan == 0 { 0 } else { 9_060 },
        card.mac
    );
}

fn devs(out: &mut Vec<u8>, card: &Card, view: &View) {
    heading(out, view.when, 9, "3 ASC(s)");
    add!(out, r#""DEVS":["#);
    for (slot, rate) in view.boards.into_iter().enumerate() {
        let dead = view.board_dead && rate == 0;
        let (chips, alive) = if dead { (0, "Dead") } else { (111, "Alive") };
        let chip = if dead { 0 } else { view.chip - 40 * slot as i64 };
        add!(
            out,
            r#"{}{{"ASC":{slot},"Slot":{slot},"Name":"SM","ID":{slot},"Enabled":"Y","Status":"{alive}","Temperature":{},"Chip Frequency":600,"Frequency":600.0,"MHS av":{rate}.00,"MHS 5s":{rate}.00,"MHS 1m":{rate}.00,"MHS 5m":{rate}.00,"MHS 15m":{rate}.00,"HS RT":{rate}.00,"Factory GHS":{},"Accepted":{},"Rejected":0,"Hardware Errors":0,"Utility":4.00,"Last Share Pool":0,"Device Elapsed":{},"Upfreq Complete":1,"Effective Chips":{chips},"PCB SN":"{}B{slot}","Fan Speed In":{},"Fan Speed Out":{},"Chip Temp Min":{},"Chip Temp Max":{},"Chip Temp Avg":{}}}"#,
            if slot == 0 { "" } else { "," },
            Hundredths((chip - 2_100).max(0)),
            card.rate_factory / 3_000,
            view.elapsed / 15,
            view.elapsed,
            card.serial,
            view.fan,
            outlet(view.fan),
            Hundredths((chip - 2_150).max(0)),
            Hundredths(chip),
            Hundredths((chip - 840).max(0)),
        );
    }
    add!(out, r#"],"id":1}}"#);
}

fn pools(out: &mut Vec<u8>, card: &Card, view: &View, written: Option<&Value>) {
    let usual = |place: usize| (format!("stratum+tcp://pool{}.example:3333", place + 1), card.worker.clone());
    let told = |pool: &Value| (plain(&pool["url"]), plain(&pool["user"]));
    let pools: Vec<(String, String)> = match written.and_then(Value::as_array) {
        Some(pools) => pools.iter().map(told).collect(),
        None => (0..3).map(usual).collect(),
    };
    heading(out, view.when, 7, &format!("{} Pool(s)", pools.len()));
    add!(out, r#""POOLS":["#);
    for (place, (url, user)) in pools.iter().enumerate() {
        let (first, accepted) = (place == 0, if place == 0 { view.elapsed / 5 } else { 0 });
        let (url, user) = (Value::from(url.as_str()), Value::from(user.as_str()));
        add!(
            out,
            r#"{}{{"POOL":{},"URL":{url},"Status":"Alive","Priority":{place},"Quota":1,"Getworks":{},"Accepted":{accepted},"Rejected":0,"Works":{},"Discarded":0,"Stale":0,"Get Failures":0,"Remote Failures":0,"User":{user},"Last Share Time":{},"Stratum Active":{first},"Stratum Difficulty":65536.0,"Pool Rejected%":0.0,"Pool Stale%":0.0}}"#,
            if first { "" } else { "," },
            place + 1,
            accepted / 2,
            accepted * 7,
            if accepted == 0 { 0 } else { view.when - 4 },
        );
    }
    add!(out, r#"],"id":1}}"#);
}

fn plain(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn devdetails(out: &mut Vec<u8>, card: &Card, view: &View) {
    heading(out, view.when, 69, "Device Details");
    add!(out, r#""DEVDETAILS":["#);
    for slot in 0..3 {
        add!(
            out,
            r#"{}{{"DEVDETAILS":{slot},"ID":{slot},"Name":"SM","Driver":"bitmicro","Kernel":"","Model":"{}"}}"#,
            if slot == 0 { "" } else { "," },
            card.model
        );
    }
    add!(out, r#"],"id":1}}"#);
}

/// Gives a token. What makes it is made at once, so that a sealed write costs no more than opening it.
fn token(state: &mut State, machine: MachineIx, client: IpAddr, when: i64, out: &mut Vec<u8>) {
    let unit = &mut state.units[machine.ix()];
    unit.tokens.retain(|pass| pass.until > when);
    let held = unit.tokens.iter().filter(|pass| pass.client == client).count();
    let mut clients: Vec<IpAddr> = unit.tokens.iter().map(|pass| pass.client).collect();
    clients.sort_unstable();
    clients.dedup();
    if held >= TOKENS_MAX || (held == 0 && clients.len() >= CLIENTS_MAX) {
        return refuse(out, when, code::TOKENS_EXHAUSTED, "token over max times");
    }
    unit.tokens_given = unit.tokens_given.wrapping_add(1);
    let time = format!("{:04}", when.rem_euclid(10_000));
    let newsalt = format!("{:04x}{:04x}", machine.0 & 0xFFFF, unit.tokens_given & 0xFFFF);
    let sign = SECRET.sign(&time, &newsalt);
    unit.tokens.push(Pass { client, sign, until: when + TOKEN_LIFE });
    add!(
        out,
        r#"{{"STATUS":"S","When":{when},"Code":134,"Msg":{{"time":"{time}","salt":"{SALT}","newsalt":"{newsalt}"}},"Description":""}}"#
    );
}

/// Opens a sealed write, does it and seals the answer.
fn write(state: &mut State, card: &Card, machine: MachineIx, sealed: &str, out: &mut Vec<u8>) {
    let when = state.plant.now().as_second();
    let refuses = state.plant.truth(machine).fault == Some(offpeak_twin::Fault::RefusesCommands);
    if refuses || state.units[machine.ix()].writes_closed {
        return refuse(out, when, code::DENIED, "can't access write cmd");
    }
    let Some(plain) = SECRET.open(sealed) else {
        return refuse(out, when, code::NOT_BASE64, "base64 decode err");
    };
    let Ok(command) = serde_json::from_slice::<Value>(&plain) else {
        return refuse(out, when, code::TOKEN_WRONG, "check token err");
    };
    let unit = &mut state.units[machine.ix()];
    unit.tokens.retain(|pass| pass.until > when);
    let known =
        command["token"].as_str().is_some_and(|sign| unit.tokens.iter().any(|pass| pass.sign == sign));
    if !known {
        return refuse(out, when, code::TOKEN_WRONG, "check token err");
    }
    let mut reply = Vec::with_capacity(128);
    let name = command["cmd"].as_str().or(command["command"].as_str()).unwrap_or_default();
    match carry_out(state, card, machine, name, &command) {
        Some(Outcome::Accepted) => message(&mut reply, when, r#""API command OK""#),
        Some(Outcome::Refused(words)) => {
            refuse(&mut reply, when, code::ERROR, &format!("API command ERROR: {words}"))
        }
        Some(Outcome::Unanswered(_)) => refuse(&mut reply, when, code::ERROR, "API command ERROR"),
        None => refuse(&mut reply, when, code::INVALID_COMMAND, "invalid cmd"),
    }
    add!(out, r#"{{"enc":"{}"}}"#, SECRET.seal(&reply));
}

/// `None` for a command that this firmware does not know.
fn carry_out(
    state: &mut State,
    card: &Card,
    machine: MachineIx,
    name: &str,
    parameters: &Value,
) -> Option<Outcome> {
    let action = match name {
        "power_off" => Action::Sleep,
        "power_on" => Action::Wake,
        "set_low_power" => Action::SetMode(ModeName::Low),
        "set_normal_power" => Action::SetMode(ModeName::Normal),
        "set_high_power" => Action::SetMode(ModeName::High),
        "adjust_power_limit" => {
            let limit = &parameters["power_limit"];
            let limit = limit.as_f64().or_else(|| limit.as_str()?.trim().parse().ok());
            #[expect(clippy::cast_precision_loss, reason = "watts of one machine")]
            let below = |watts: i64| limit.is_some_and(|limit| watts as f64 <= limit);
            match card.modes.iter().rev().find(|(_, watts)| below(*watts)) {
                Some((mode, _)) => Action::SetMode(*mode),
                None => return Some(Outcome::Refused("power limit out of range".to_owned())),
            }
        }
        "restart_btminer" | "reboot" => return Some(state.restart(machine)),
        "set_led" => {
            state.units[machine.ix()].blinks = parameters["param"] != "auto";
            return Some(Outcome::Accepted);
        }
        "update_pools" => {
            let text =
                |name: &str, place: u32| parameters[format!("{name}{place}")].as_str().unwrap_or_default();
            let given = (1..=3).filter(|place| !text("pool", *place).is_empty());
            let pools: Value = given
                .map(|place| json!({"url": text("pool", place), "user": text("worker", place)}))
                .collect();
            state.units[machine.ix()].pools = Some(Box::new(pools));
            return Some(Outcome::Accepted);
        }
        _ => return None,
    };
    Some(state.plant.command(machine, action))
}
