//! VNish's API over HTTP, from the machine's side.
//!
//! Shapes: the firmware's OpenAPI description. Quirks: nothing but `info` and `status` without a token; a
//! token ends after ten minutes; a stopped machine's summary has no boards; a preset holds once the mining
//! process is started anew, and each preset here is tuned.
//!
//! Not here: HTTP (`web`), the TCP API (`antminer`, which VNish leaves as it is but for its model's name).

use std::net::{IpAddr, Ipv4Addr};

use offpeak_site::{Action, Activity, MachineIx, Outcome};
use serde_json::{Value, json};

use super::State;
use super::antminer;
use super::card::Card;
use super::rest::{Asked, Told, saved};
use super::view::{Pass, View, gigahashes};
use crate::vnish::ROOT;

/// The firmware's version.
const VERSION: &str = "1.2.7";
/// Seconds that a token lives.
const TOKEN_LIFE: i64 = 600;
/// The password as made.
const PASSWORD: &str = "admin";

/// Its title page, which tells what it is.
pub(super) const ROOT_PAGE: &str = "<!DOCTYPE html><html><head><title>AnthillOS</title></head></html>";

/// Answers one request over HTTP.
pub(super) fn answer(state: &mut State, card: &Card, machine: MachineIx, asked: &Asked<'_>) -> Told {
    let view = state.view(machine, card);
    let Some(name) = asked.path.strip_prefix(ROOT) else { return Told::not_found() };
    match (asked.method, name) {
        ("GET", "info") => return Told::ok(&info(card, &view)),
        ("GET", "status") => return Told::ok(&status(state, machine, &view)),
        ("POST", "unlock") => return unlock(state, machine, asked, view.when),
        _ => {}
    }
    if !is_unlocked(state, machine, asked, view.when) {
        return Told::status(401, &json!({"err": "unauthorized"}));
    }
    match (asked.method, name) {
        ("GET", "summary") => Told::ok(&json!({"miner": miner(state, machine, card, &view)})),
        ("GET", "settings") => Told::ok(&settings(state, card, machine, &view)),
        ("GET", "autotune/presets") => Told::ok(&presets(card)),
        ("POST", "settings") => save(state, card, machine, asked.body),
        ("POST", "mining/stop" | "mining/pause") => told(state.plant.command(machine, Action::Sleep)),
        ("POST", "mining/start" | "mining/resume") => start(state, machine),
        ("POST", "mining/restart") => restart(state, machine),
        ("POST", "find-miner") => {
            let on = saved(asked.body)["on"].as_bool().unwrap_or(!state.units[machine.ix()].blinks);
            state.units[machine.ix()].blinks = on;
            Told::ok(&json!({"on": on}))
        }
        ("POST", "system/reboot") => match restart(state, machine) {
            told if told.is_ok() => Told::ok(&json!({"after": 3})),
            told => told,
        },
        _ => Told::not_found(),
    }
}

/// Answers one request to the TCP API.
pub(super) fn answer_api(
    state: &mut State,
    card: &Card,
    machine: MachineIx,
    request: &[u8],
    out: &mut Vec<u8>,
) {
    // Clients tell it from the stock firmware by a `version` without the maker's name.
    let is_version = saved(request)["command"] == "version";
    let model = if is_version { card.model.trim_start_matches("Antminer ") } else { &card.model };
    let named = Card { model: format!("{model} (Vnish {VERSION})"), ..card.clone() };
    antminer::answer(state, &named, machine, request, out);
}

fn told(outcome: Outcome) -> Told {
    match outcome {
        Outcome::Accepted => Told::ok(&json!({})),
        Outcome::Refused(words) => Told::status(500, &json!({"err": words})),
        Outcome::Unanswered(_) => Told::status(500, &json!({"err": "miner is not responding"})),
    }
}

fn unlock(state: &mut State, machine: MachineIx, asked: &Asked<'_>, when: i64) -> Told {
    if saved(asked.body)["pw"].as_str() != Some(PASSWORD) {
        return Told::status(403, &json!({"unlock_timeout": 0}));
    }
    let unit = &mut state.units[machine.ix()];
    unit.tokens_given += 1;
    let sign = format!("vnish-{}-{}", machine.0, unit.tokens_given);
    unit.tokens.retain(|pass| pass.until > when);
    let client = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    unit.tokens.push(Pass { client, sign: sign.clone(), until: when + TOKEN_LIFE });
    Told::ok(&json!({"token": sign}))
}

fn is_unlocked(state: &State, machine: MachineIx, asked: &Asked<'_>, when: i64) -> bool {
    // Older clients send it without the word before it, and are heard.
    let Some(token) = asked.authorization.map(|header| header.trim_start_matches("Bearer ")) else {
        return false;
    };
    state.units[machine.ix()].tokens.iter().any(|pass| pass.sign == token && pass.until > when)
}

/// The mining process starts, with the preset that was saved meanwhile.
fn start(state: &mut State, machine: MachineIx) -> Told {
    let action = state.units[machine.ix()].mode_next.take().map_or(Action::Wake, Action::SetMode);
    told(state.plant.command(machine, action))
}

fn restart(state: &mut State, machine: MachineIx) -> Told {
    match state.units[machine.ix()].mode_next.take() {
        Some(mode) if state.plant.truth(machine).activity == Some(Activity::Hashing) => {
            told(state.plant.command(machine, Action::SetMode(mode)))
        }
        held => {
            state.units[machine.ix()].mode_next = held;
            told(state.restart(machine))
        }
    }
}

const fn word(activity: Activity) -> &'static str {
    match activity {
        Activity::Hashing => "mining",
        Activity::Starting => "starting",
        Activity::Asleep => "stopped",
        Activity::Failed => "failure",
    }
}

fn status(state: &State, machine: MachineIx, view: &View) -> Value {
    let unit = &state.units[machine.ix()];
    json!({
        "miner_state": word(view.activity), "miner_state_time": view.elapsed, "reboot_required": false,
        "restart_required": unit.mode_next.is_some(), "find_miner": unit.blinks, "unlocked": false,
    })
}

fn miner(state: &State, machine: MachineIx, card: &Card, view: &View) -> Value {
    let rate = gigahashes(view.rate);
    let chip = view.chip / 100;
    let board = |id: usize| {
        let dead = view.board_dead && view.boards[id] == 0;
        json!({
            "id": id + 1, "frequency": 490.0, "voltage": 13_500, "power_consumption": view.watts / 3,
            "hashrate_ideal": gigahashes(card.rate_factory / 3), "hashrate_rt": gigahashes(view.boards[id]),
            "hashrate_percentage": 100.0, "hr_error": 0.0, "hw_errors": 0,
            "pcb_temp": {"min": chip - 35, "max": chip - 15}, "chip_temp": {"min": chip - 20, "max": chip},
            "chip_statuses": {"red": 0, "orange": 0, "grey": 0},
            "status": {"state": if dead { "failure" } else { "mining" }},
        })
    };
    let boards: Vec<Value> =
        if view.activity == Activity::Asleep { Vec::new() } else { (0..3).map(board).collect() };
    let mut status = json!({"miner_state": word(view.activity), "miner_state_time": view.elapsed});
    if view.activity == Activity::Failed {
        status["failure_code"] = json!(1);
        status["description"] = json!("No working hash boards");
    }
    let pools = pools(state, card, machine);
    let pools: Vec<Value> = (0_i64..)
        .zip(pools.as_array().into_iter().flatten())
        .map(|(id, pool)| {
            json!({
                "id": id, "url": pool["url"], "pool_type": "UserPool", "user": pool["user"],
                "status": if id == 0 { "active" } else { "working" }, "asic_boost": true, "diff": "262K",
                "accepted": if id == 0 { view.elapsed / 12 } else { 0 }, "rejected": 0, "stale": 0,
                "ls_diff": 262_144.0, "ls_time": "0:00:02", "diffa": 0.0, "ping": 40,
            })
        })
        .collect();
    json!({
        "miner_type": format!("{} (Vnish {VERSION})", card.model), "miner_status": status,
        "hr_stock": gigahashes(card.rate_factory), "hr_realtime": rate, "hr_nominal": rate, "hr_average": rate,
        "instant_hashrate": rate / 1e3, "average_hashrate": rate / 1e3, "hr_error": 0.0, "hw_errors": 0,
        "hw_errors_percent": 0.0, "power_consumption": view.watts, "power_usage": 29, "power_efficiency": 29.5,
        "pcb_temp": {"min": chip - 35, "max": chip - 15}, "chip_temp": {"min": chip - 20, "max": chip},
        "devfee": 0.0, "devfee_percent": 2.8, "best_share": 12_904_207_043_i64, "found_blocks": 0,
        "cooling": {
            "fan_num": 4, "fan_duty": 70, "settings": {"mode": {"name": "auto"}},
            "fans": (0..4).map(|id| json!({"id": id, "rpm": view.fan, "status": "ok", "max_rpm": 6_000})).collect::<Vec<_>>(),
        },
        "chains": boards, "pools": pools, "psu": {"psu_power_metering": false},
    })
}

fn info(card: &Card, view: &View) -> Value {
    json!({
        "miner": card.model, "model": card.model.trim_start_matches("Antminer ").to_lowercase().replace(' ', ""),
        "fw_name": "Vnish", "fw_version": VERSION, "platform": "aml", "install_type": "nand",
        "build_time": "2025-03-11 12:30:11", "algorithm": "sha256d", "hr_measure": "GH/s", "serial": card.serial,
        "system": {
            "os": "GNU/Linux", "miner_name": "Antminer", "file_system_version": "", "uptime": format!("{}", view.elapsed),
            "mem_total": 227_092, "mem_free": 164_332, "mem_free_percent": 72, "mem_buf": 1_204, "mem_buf_percent": 0,
            "network_status": {
                "mac": card.mac.to_string(), "dhcp": true, "ip": card.ip.to_string(), "netmask": "255.255.255.0",
                "gateway": "", "dns": [], "hostname": "antminer",
            },
        },
    })
}

fn pools(state: &State, card: &Card, machine: MachineIx) -> Value {
    state.units[machine.ix()].pools.as_deref().cloned().unwrap_or_else(|| {
        let pool = |place| {
            json!({"url": format!("stratum+tcp://pool{place}.example:3333"), "user": card.worker, "pass": "x"})
        };
        json!([pool(1), pool(2), pool(3)])
    })
}

fn settings(state: &State, card: &Card, machine: MachineIx, view: &View) -> Value {
    let mode = state.units[machine.ix()].mode_next.unwrap_or(view.mode);
    json!({
        "miner": {
            "overclock": {
                "preset": card.watts(mode).to_string(), "modded_psu": false, "globals": {"volt": 0, "freq": 0},
                "chains": [], "preset_switcher": {"enabled": false},
            },
            "cooling": {"mode": {"name": "auto", "param": 65}}, "misc": {"remain_stopped_on_reboot": false},
            "pools": pools(state, card, machine),
        },
        "ui": {}, "regional": {"timezone": {"current": "GMT"}},
        "network": {"dhcp": true, "hostname": "antminer", "ipaddress": card.ip.to_string(), "netmask": "255.255.255.0", "gateway": "", "dnsservers": []},
    })
}

fn presets(card: &Card) -> Value {
    let tuned = card.modes.iter().map(|(_, watts)| {
        json!({"name": watts.to_string(), "pretty": format!("{watts} watt"), "status": "tuned", "modded_psu_required": false})
    });
    let untuned =
        json!({"name": "900", "pretty": "900 watt", "status": "untuned", "modded_psu_required": false});
    tuned.chain([untuned]).collect()
}

/// What is not sent is kept.
fn save(state: &mut State, card: &Card, machine: MachineIx, body: &[u8]) -> Told {
    let settings = saved(body);
    let mut restart_required = false;
    if let Some(preset) = settings.pointer("/miner/overclock/preset") {
        let named = |watts: i64| preset.as_str().is_some_and(|name| name == watts.to_string());
        let Some((mode, _)) = card.modes.iter().find(|(_, watts)| named(*watts)) else {
            return Told::status(500, &json!({"err": "unknown preset"}));
        };
        restart_required |= *mode != state.plant.truth(machine).mode;
        state.units[machine.ix()].mode_next = restart_required.then_some(*mode);
    }
    if let Some(pools) = settings.pointer("/miner/pools").filter(|pools| pools.is_array()) {
        restart_required = true;
        state.units[machine.ix()].pools = Some(Box::new(pools.clone()));
    }
    Told::ok(&json!({"restart_required": restart_required, "reboot_required": false}))
}
