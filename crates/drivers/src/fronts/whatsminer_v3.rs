//! WhatsMiner's TCP API, version 3, from the machine's side: messages without their length.
//!
//! Shapes: the recorded replies in `tests/fixtures/whatsminer/v3` and MicroBT's examples. Quirks: a
//! filter leaves the other sections out; a stopped service still answers with rates of zero, and only the
//! device's information says that it does not work; a write with a wrong token, or while writing is
//! switched off, is refused alike.
//!
//! Not here: the length before a message, the socket (`talk`).

use std::borrow::Cow;

use offpeak_site::{Action, Activity, MachineIx, ModeName, Outcome};
use offpeak_twin::Fault;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::State;
use super::card::Card;
use super::splice::{Hundredths, add};
use super::view::View;
use crate::whatsminer_v3::Key;
use crate::whatsminer_v3::write::ACCOUNT;

pub(super) const VERSION: &str = "20251209.16.Rel2";
/// The password of the account that writes.
const PASSWORD: &str = "super";
/// As recorded. Nobody says that machines have each their own, so here they all share it, which is harder.
const SALT: &str = "uhCiDyVj";

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    cmd: Cow<'a, str>,
    #[serde(default)]
    param: Value,
    #[serde(default)]
    ts: i64,
    #[serde(borrow, default)]
    token: Cow<'a, str>,
    #[serde(borrow, default)]
    account: Cow<'a, str>,
}

/// Answers one request.
pub(super) fn answer(state: &mut State, card: &Card, machine: MachineIx, request: &[u8], out: &mut Vec<u8>) {
    let when = state.plant.now().as_second();
    let Ok(request) = serde_json::from_slice::<Request<'_>>(request) else {
        return say(out, when, "", -3, &json!("invalid json"));
    };
    let command = request.cmd.as_ref();
    if command.starts_with("set.") {
        let (code, words) = write(state, card, machine, &request);
        return say(out, when, command, code, &json!(words));
    }
    let view = state.view(machine, card);
    let filter = request.param.as_str().unwrap_or_default();
    match command {
        // By far the most frequent one: without going through values.
        "get.miner.status" if filter == "summary" => {
            add!(out, r#"{{"code":0,"when":{when},"msg":{{"summary":"#);
            summary(out, card, &view);
            add!(out, r#"}},"desc":"get.miner.status"}}"#);
        }
        "get.miner.status" => {
            let mut parts = Map::new();
            for part in filter.split('+') {
                let value = match part {
                    "pools" => pools(card, &view),
                    "edevs" => boards(card, &view),
                    "summary" => {
                        let mut text = Vec::new();
                        summary(&mut text, card, &view);
                        serde_json::from_slice(&text).expect("the summary is JSON")
                    }
                    _ => continue,
                };
                parts.insert(part.to_owned(), value);
            }
            say(out, when, command, 0, &Value::Object(parts));
        }
        "get.device.info" => {
            let blinks = state.units[machine.ix()].blinks;
            let open = !state.units[machine.ix()].writes_closed;
            say(out, when, command, 0, &device(card, &view, filter, blinks, open));
        }
        "get.miner.setting" => {
            let setting = json!({
                "power-limit": card.watts(view.mode), "upfreq-speed": 0, "power-mode": view.mode.name(),
                "fast-boot": "disable", "target-freq": 0, "fast-mining": "disable",
                "power": card.watts(view.mode), "power-percent": 0,
            });
            say(out, when, command, 0, &setting);
        }
        _ => say(out, when, command, -2, &json!("invalid command")),
    }
}

fn say(out: &mut Vec<u8>, when: i64, command: &str, code: i32, message: &Value) {
    add!(out, r#"{{"code":{code},"when":{when},"msg":{message},"desc":{}}}"#, Value::from(command));
}

/// Megahashes as TH/s with two decimals.
const fn terahashes(megahashes: i64) -> Hundredths {
    Hundredths(megahashes / 10_000)
}

fn summary(out: &mut Vec<u8>, card: &Card, view: &View) {
    let rate = terahashes(view.rate);
    let boards = [0, 30, 10].map(|below| Hundredths((view.chip - 2_100 - below).max(0)));
    add!(
        out,
        r#"{{"elapsed":{elapsed},"bootup-time":{},"freq-avg":625,"target-freq":0,"factory-hash":{},"hash-average":{rate},"hash-1min":{rate},"hash-15min":{rate},"hash-realtime":{rate},"power-rate":{},"power-5min":{watts},"power-realtime":{watts},"environment-temperature":{},"board-temperature":[{},{},{}],"chip-temp-min":{},"chip-temp-avg":{},"chip-temp-max":{},"power-limit":{},"up-freq-finish":1,"fan-speed-in":{fan},"fan-speed-out":{fan}}}"#,
        view.elapsed + 101,
        terahashes(card.rate_factory),
        Hundredths(if view.rate == 0 { 0 } else { view.watts * 100_000_000 / view.rate }),
        Hundredths(view.air),
        boards[0],
        boards[1],
        boards[2],
        Hundredths((view.chip - 2_150).max(0)),
        Hundredths((view.chip - 840).max(0)),
        Hundredths(view.chip),
        card.watts(view.mode),
        elapsed = view.elapsed,
        watts = view.watts,
        fan = view.fan,
    );
}

fn number(hundredths: Hundredths) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "one machine's numbers are far below 2^53")]
    let value = hundredths.0 as f64;
    value / 100.0
}

fn boards(card: &Card, view: &View) -> Value {
    let entry = |(slot, rate): (usize, i64)| {
        let dead = view.board_dead && rate == 0;
        json!({
            "id": slot, "slot": slot, "hash-average": number(terahashes(rate)),
            "hash-realtime": number(terahashes(rate)), "factory-hash": number(terahashes(card.rate_factory / 3)),
            "freq": 625, "effective-chips": if dead { 0 } else { 111 }, "status": if dead { "dead" } else { "alive" },
            "chip-temp-min": number(Hundredths((view.chip - 2_150).max(0))),
            "chip-temp-avg": number(Hundredths((view.chip - 840).max(0))),
            "chip-temp-max": number(Hundredths(view.chip)),
        })
    };
    view.boards.into_iter().enumerate().map(entry).collect()
}

fn pools(card: &Card, view: &View) -> Value {
    let entry = |place: i64| {
        json!({
            "id": place, "url": format!("stratum+tcp://pool{place}.example:3333"), "status": "alive",
            "account": card.worker, "stratum-active": place == 1, "reject-rate": 0,
            "last-share-time": if place == 1 { view.when - 4 } else { 0 },
        })
    };
    (1..4).map(entry).collect()
}

fn device(card: &Card, view: &View, filter: &str, blinks: bool, open: bool) -> Value {
    // `M60SVK40` is told as `M60S_VK40`.
    let model = card
        .model
        .rsplit_once('V')
        .map_or_else(|| card.model.clone(), |(name, kind)| format!("{name}_V{kind}"));
    let works = !matches!(view.activity, Activity::Asleep);
    let all = json!({
        "network": {
            "ip": card.ip.to_string(), "proto": "dhcp", "netmask": "255.255.255.0", "dns": "", "gateway": "",
            "mac": card.mac.to_string(), "hostname": "WhatsMiner",
        },
        "miner": {
            "working": works.to_string(), "type": model, "hash-board": "K40", "board-num": "3",
            "detect-hash-rate": "61434:53890:65727", "pool-strategy": "FAILOVER", "hash-percent": "0",
            "fast-boot": "disable", "miner-sn": card.serial, "pcbsn0": format!("{}B0", card.serial),
            "pcbsn1": format!("{}B1", card.serial), "pcbsn2": format!("{}B2", card.serial),
            "power-limit-set": card.watts(view.mode).to_string(),
        },
        "system": {
            "api": "3.0.2", "platform": "H616", "fwversion": VERSION, "control-board-version": "CB6V10",
            "apiswitch": if open { "1" } else { "0" }, "ledstatus": if blinks { "manual" } else { "auto" },
        },
        "power": {
            "type": "P221B", "mode": "1", "hwversion": "RT0159", "swversion": "230224.220429", "model": "P221B",
            "fanspeed": 6344, "sn": format!("{}P", card.serial), "vendor": "1", "pin": view.watts,
        },
        "salt": SALT,
        "error-code": if view.board_dead { json!([{"542": "2026-01-01 10:30:00", "reason": "Slot2 error."}]) } else { json!([]) },
    });
    if filter.is_empty() {
        return all;
    }
    match all.get(filter) {
        Some(part) => json!({ filter: part }),
        None => json!({}),
    }
}

/// Code and words.
fn write(state: &mut State, card: &Card, machine: MachineIx, request: &Request<'_>) -> (i32, String) {
    let denied = (-4, "no permission".to_owned());
    let refuses = state.plant.truth(machine).fault == Some(Fault::RefusesCommands);
    if refuses || state.units[machine.ix()].writes_closed || request.account != ACCOUNT {
        return denied;
    }
    let key = Key::new(&request.cmd, PASSWORD, SALT, request.ts);
    if request.token != key.token() {
        return denied;
    }
    let text = request.param.as_str();
    let outcome = match (request.cmd.as_ref(), text) {
        ("set.miner.service", Some("stop")) => state.plant.command(machine, Action::Sleep),
        ("set.miner.service", Some("start")) => state.plant.command(machine, Action::Wake),
        ("set.miner.service", Some("restart")) | ("set.system.reboot", _) => state.restart(machine),
        ("set.miner.power_mode", Some(name)) => {
            let modes = [ModeName::Low, ModeName::Normal, ModeName::High];
            match modes.into_iter().find(|mode| mode.name() == name) {
                Some(mode) => keep_asleep(state, machine, mode),
                None => return (-1, "invalid power mode".to_owned()),
            }
        }
        ("set.miner.power_limit", _) => {
            let limit = request.param.as_i64().unwrap_or(0);
            match card.modes.iter().rev().find(|(_, watts)| *watts <= limit) {
                Some((mode, _)) => keep_asleep(state, machine, *mode),
                None => return (-1, "power limit out of range".to_owned()),
            }
        }
        ("set.system.led", _) => {
            state.units[machine.ix()].blinks = request.param.is_array();
            Outcome::Accepted
        }
        ("set.miner.pools", Some(sealed)) => {
            let plain = key.open(sealed).and_then(|plain| serde_json::from_slice::<Value>(&plain).ok());
            match plain.filter(|pools| pools.as_array().is_some_and(|pools| (1..4).contains(&pools.len()))) {
                Some(pools) => {
                    state.units[machine.ix()].pools = Some(Box::new(pools));
                    Outcome::Accepted
                }
                None => return (-1, "invalid param".to_owned()),
            }
        }
        _ => return (-2, "invalid command".to_owned()),
    };
    match outcome {
        Outcome::Accepted => (0, "ok".to_owned()),
        Outcome::Refused(words) => (-1, words),
        Outcome::Unanswered(_) => (-1, "fail".to_owned()),
    }
}

/// Sets a mode; a machine whose service is stopped goes on sleeping.
fn keep_asleep(state: &mut State, machine: MachineIx, mode: ModeName) -> Outcome {
    let asleep = state.plant.truth(machine).activity == Some(Activity::Asleep);
    match state.plant.command(machine, Action::SetMode(mode)) {
        Outcome::Accepted if asleep => state.plant.command(machine, Action::Sleep),
        outcome => outcome,
    }
}
