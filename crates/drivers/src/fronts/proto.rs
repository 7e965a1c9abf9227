//! Proto Rig's REST API, from the machine's side.
//!
//! Shapes: the recorded replies in `tests/fixtures/proto`. Quirks: no TCP API; `system` and `network` are told to
//! anybody, the rest needs a token, which ends after ten minutes; a power target is kept by the mode that draws no
//! more.
//!
//! Not here: HTTP (`web`).

use std::net::{IpAddr, Ipv4Addr};

use offpeak_site::{Action, Activity, MachineIx, Outcome};
use serde_json::{Value, json};

use super::State;
use super::card::Card;
use super::rest::{Asked, Told, saved};
use super::view::{Pass, View, celsius, gigahashes};
use crate::proto::ROOT;

const VERSION: &str = "1.8.0";
/// Seconds that a token lives.
const TOKEN_LIFE: i64 = 600;
/// The password as made.
const PASSWORD: &str = "";

/// Its title page, which tells what it is.
pub(super) const ROOT_PAGE: &str = "<!DOCTYPE html><html><head><title>Proto OS</title></head></html>";

/// Answers one request.
pub(super) fn answer(state: &mut State, card: &Card, machine: MachineIx, asked: &Asked<'_>) -> Told {
    let view = state.view(machine, card);
    let Some(name) = asked.path.strip_prefix(ROOT) else { return Told::not_found() };
    match (asked.method, name) {
        ("GET", "system") => return Told::ok(&system(card, &view)),
        ("GET", "network") => return Told::ok(&network(card)),
        ("POST", "auth/login") => return login(state, machine, asked, view.when),
        _ => {}
    }
    if !is_logged_in(state, machine, asked, view.when) {
        return refused(401, "UNAUTHORIZED", "Authentication required");
    }
    match (asked.method, name) {
        ("GET", "mining") => Told::ok(&mining(card, &view)),
        ("GET", "mining/target") => Told::ok(&json!({"power_target_watts": card.watts(view.mode)})),
        ("GET", "hardware") => Told::ok(&hardware(card)),
        ("GET", "telemetry") => Told::ok(&telemetry(card, &view)),
        ("GET", "cooling") => Told::ok(&cooling(&view)),
        ("GET", "errors") => Told::ok(&json!([])),
        ("GET", "pools") => Told::ok(&pools(state, card, machine, &view)),
        ("POST", "mining/stop") => told(state.plant.command(machine, Action::Sleep)),
        ("POST", "mining/start") => {
            let action = state.units[machine.ix()].mode_next.take().map_or(Action::Wake, Action::SetMode);
            told(state.plant.command(machine, action))
        }
        ("PUT", "mining/target") => target(state, card, machine, &view, asked.body),
        ("POST", "pools") => {
            let pools = saved(asked.body);
            if !pools.is_array() {
                return refused(400, "INVALID_REQUEST", "Expected an array of pools");
            }
            state.units[machine.ix()].pools = Some(Box::new(pools.clone()));
            Told::ok(&json!({"pools": pools}))
        }
        ("POST", "system/locate") => {
            state.units[machine.ix()].blinks = true;
            told(Outcome::Accepted)
        }
        ("POST", "system/reboot") => told(state.restart(machine)),
        _ => Told::not_found(),
    }
}

fn refused(status: u16, code: &str, words: &str) -> Told {
    Told::status(status, &json!({"error": {"code": code, "message": words}}))
}

fn told(outcome: Outcome) -> Told {
    match outcome {
        Outcome::Accepted => Told::status(202, &json!({"message": "Accepted"})),
        Outcome::Refused(words) => refused(500, "INTERNAL_ERROR", &words),
        Outcome::Unanswered(_) => refused(500, "INTERNAL_ERROR", "The mining driver does not answer"),
    }
}

fn login(state: &mut State, machine: MachineIx, asked: &Asked<'_>, when: i64) -> Told {
    if saved(asked.body)["password"].as_str() != Some(PASSWORD) {
        return refused(401, "INVALID_CREDENTIALS", "Invalid password");
    }
    let unit = &mut state.units[machine.ix()];
    unit.tokens_given += 1;
    let sign = format!("proto-{}-{}", machine.0, unit.tokens_given);
    unit.tokens.retain(|pass| pass.until > when);
    let client = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    unit.tokens.push(Pass { client, sign: sign.clone(), until: when + TOKEN_LIFE });
    Told::ok(&json!({"access_token": sign, "refresh_token": format!("{sign}-refresh")}))
}

fn is_logged_in(state: &State, machine: MachineIx, asked: &Asked<'_>, when: i64) -> bool {
    let Some(token) = asked.authorization.and_then(|header| header.strip_prefix("Bearer ")) else {
        return false;
    };
    state.units[machine.ix()].tokens.iter().any(|pass| pass.sign == token && pass.until > when)
}

fn target(state: &mut State, card: &Card, machine: MachineIx, view: &View, body: &[u8]) -> Told {
    let Some(watts) = saved(body)["power_target_watts"].as_i64() else {
        return refused(400, "INVALID_REQUEST", "power_target_watts is missing");
    };
    let Some((mode, _)) = card.modes.iter().rev().find(|(_, least)| *least <= watts) else {
        let least = card.modes.first().map_or(0, |(_, watts)| *watts);
        return refused(422, "OUT_OF_RANGE", &format!("power_target_watts must be at least {least}"));
    };
    if view.activity == Activity::Asleep {
        state.units[machine.ix()].mode_next = Some(*mode);
        return Told::ok(&json!({"power_target_watts": watts}));
    }
    match told(state.plant.command(machine, Action::SetMode(*mode))) {
        told if told.is_ok() => Told::ok(&json!({"power_target_watts": watts})),
        told => told,
    }
}

fn mining(card: &Card, view: &View) -> Value {
    let status = match view.activity {
        Activity::Hashing if view.board_dead => "DegradedMining",
        Activity::Hashing => "Mining",
        Activity::Starting => "PoweringOn",
        Activity::Asleep => "Stopped",
        Activity::Failed => "Error",
    };
    let rate = gigahashes(view.rate);
    json!({"mining-status": {
        "status": status, "hashrate_ghs": rate, "average_hashrate_ghs": rate, "ideal_hashrate_ghs": gigahashes(card.rate_factory),
        "power_usage_watts": view.watts, "power_target_watts": card.watts(view.mode), "power_efficiency_jth": 24.3,
        "average_hb_efficiency_jth": 24.3, "average_asic_temp_c": celsius(view.chip), "average_hb_temp_c": celsius(view.chip - 1_600),
        "hashboards_installed": 3, "hashboards_mining": 3 - u8::from(view.board_dead), "hw_errors": 0,
        "mining_uptime_s": view.elapsed, "reboot_uptime_s": view.elapsed,
    }})
}

fn system(card: &Card, view: &View) -> Value {
    json!({"system-info": {
        "manufacturer": "Proto", "product_name": card.model, "model": "Rig", "board": "C3", "soc": "STM32MP157F", "cb_sn": card.serial,
        "os": {"name": "ProtoOS", "version": VERSION, "variant": "release", "git_hash": "abc123def456", "hostname": "proto-miner"},
        "mining_driver_sw": {"name": "mcdd", "version": VERSION}, "web_server": {"name": "miner-api-server", "version": VERSION},
        "web_dashboard": {"name": "miner-web", "version": VERSION}, "pool_interface_sw": {"name": "stratum-client", "version": VERSION},
        "hashboard_firmware": {"name": "hashboard-fw", "version": VERSION}, "uptime_seconds": view.elapsed,
        "sw_update_status": {"status": "current", "current_version": VERSION},
    }})
}

fn network(card: &Card) -> Value {
    json!({"network-info": {
        "dhcp": true, "gateway": "", "hostname": "proto-miner", "ip_address": card.ip.to_string(),
        "mac": card.mac.to_string(), "netmask": "255.255.255.0",
    }})
}

fn hardware(card: &Card) -> Value {
    let boards: Vec<Value> = (0..3)
        .map(|port| {
            json!({
                "slot": port + 1, "port": port, "board": "B4", "chip_id": "BZM", "mining_asic": "BZM", "mining_asic_count": 120,
                "hb_sn": format!("{}-{port}", card.serial),
            })
        })
        .collect();
    json!({"hardware-info": {
        "cb-info": {"board_id": "CB-001", "machine_name": "Rig", "serial_number": card.serial}, "fans-info": [],
        "hashboards-info": boards, "psus-info": [],
    }})
}

fn telemetry(card: &Card, view: &View) -> Value {
    let value = |unit: &str, value: f64| json!({"unit": unit, "value": value});
    let boards: Vec<Value> = (0..3)
        .map(|index| {
            let hot = celsius(view.chip);
            json!({
                "index": index, "serial_number": format!("{}-{index}", card.serial),
                "hashrate": value("TH/s", gigahashes(view.boards[index]) / 1e3),
                "temperature": {"unit": "°C", "average": hot, "inlet": hot - 6.0, "outlet": hot + 6.0},
            })
        })
        .collect();
    #[expect(clippy::cast_precision_loss, reason = "watts of one machine")]
    let watts = view.watts as f64;
    json!({
        "timestamp": view.when, "hashboards": boards, "psus": [],
        "miner": {
            "hashrate": value("TH/s", gigahashes(view.rate) / 1e3), "power": value("W", watts),
            "temperature": value("°C", celsius(view.chip)), "efficiency": value("J/TH", 24.3),
        },
    })
}

fn cooling(view: &View) -> Value {
    let fans: Vec<Value> =
        (1..=4).map(|slot| json!({"slot": slot, "rpm": view.fan, "speed_percentage": 60})).collect();
    json!({"cooling-status": {"fan_mode": "Auto", "fans": fans, "speed_percentage": 60, "target_temperature_c": 50}})
}

fn pools(state: &State, card: &Card, machine: MachineIx, view: &View) -> Value {
    let held = state.units[machine.ix()].pools.as_deref().cloned().unwrap_or_else(|| {
        let pool = |place| json!({"url": format!("stratum+tcp://pool{place}.example:3333"), "username": card.worker});
        json!([pool(1), pool(2), pool(3)])
    });
    let pools: Vec<Value> = (0_i64..)
        .zip(held.as_array().into_iter().flatten())
        .map(|(id, pool)| {
            json!({
                "id": id, "priority": id, "name": format!("Pool {}", id + 1), "url": pool["url"], "user": pool["username"],
                "enabled": true, "status": if id == 0 { "Active" } else { "Idle" }, "connection_status": "Active",
                "difficulty": "1048576", "accepted": if id == 0 { view.elapsed / 12 } else { 0 }, "rejected": 0,
            })
        })
        .collect();
    json!({"pools": pools})
}
