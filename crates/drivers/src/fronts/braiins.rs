//! Braiins OS's REST API, from the machine's side, and as much of its GraphQL as clients need to recognise it.
//!
//! Shapes: the recorded replies in `tests/fixtures/braiins` and Braiins' OpenAPI description. Quirks: no page
//! without a token, which ends ten minutes after its last use; no password as made, so any is taken; asleep it
//! says so in its details only; a power target is reached by the mode that draws no more.
//!
//! Not here: HTTP (`web`).

use std::net::{IpAddr, Ipv4Addr};

use offpeak_site::{Action, Activity, MachineIx, Outcome};
use serde_json::{Value, json};

use super::State;
use super::card::Card;
use super::rest::{Asked, Told, saved};
use super::splice::add;
use super::view::{Pass, View, celsius, gigahashes};
use crate::braiins::ROOT;

const VERSION: &str = "2025-08-06-0-3881c51d-25.07-plus";
/// Seconds that a token lives after its last use.
const TOKEN_LIFE: i64 = 600;

/// Its title page, which tells what it is.
pub(super) const ROOT_PAGE: &str = "<!DOCTYPE html><html><head><title>Braiins OS</title></head></html>";

/// Answers one request over HTTP.
pub(super) fn answer(state: &mut State, card: &Card, machine: MachineIx, asked: &Asked<'_>) -> Told {
    if asked.path == "/graphql" {
        return graphql(card, asked);
    }
    let view = state.view(machine, card);
    let Some(name) = asked.path.strip_prefix(ROOT) else { return Told::not_found() };
    if (asked.method, name) == ("POST", "auth/login") {
        return login(state, machine, asked, view.when);
    }
    if !is_logged_in(state, machine, asked, view.when) {
        return Told::status(401, &json!({"message": "Unauthorized"}));
    }
    match (asked.method, name) {
        ("GET", "miner/details") => Told::ok(&details(card, &view)),
        ("GET", "miner/stats") => Told::ok(&stats(card, &view)),
        ("GET", "miner/hw/hashboards") => Told::ok(&boards(card, &view)),
        ("GET", "miner/errors") => Told::ok(&json!({"errors": []})),
        ("GET", "cooling/state") => Told::ok(&cooling(&view)),
        ("GET", "network" | "network/") => Told::ok(&network(card)),
        ("GET", "pools" | "pools/") => Told::ok(&pools(state, card, machine, &view)),
        ("GET", "actions/locate") => Told::ok(&json!(state.units[machine.ix()].blinks)),
        ("GET", "configuration/miner") => Told::ok(&json!({"pool_groups": [], "tuner": {
            "enabled": true, "hashrate_target": null, "power_target": {"watt": card.watts(view.mode)}, "tuner_mode": 1,
        }})),
        ("PUT", "actions/pause") => told(state.plant.command(machine, Action::Sleep)),
        ("PUT", "actions/resume") => resume(state, machine),
        ("PUT", "actions/reboot") => match told(state.restart(machine)) {
            told if told.is_ok() => Told::status(204, &Value::Null),
            told => told,
        },
        ("PUT", "actions/locate") => {
            let on = saved(asked.body).as_bool().unwrap_or_default();
            state.units[machine.ix()].blinks = on;
            Told::ok(&json!(on))
        }
        ("PUT", "performance/power-target") => power_target(state, card, machine, &view, asked.body),
        ("PUT", "pools/batch") => {
            let groups = saved(asked.body);
            if !groups.is_array() {
                return Told::status(400, &json!({"message": "Invalid request payload"}));
            }
            state.units[machine.ix()].pools = Some(Box::new(groups[0]["pools"].clone()));
            Told::ok(&groups)
        }
        _ => Told::not_found(),
    }
}

/// Answers one request to the TCP API: who it is, and nothing more.
pub(super) fn answer_api(state: &State, request: &[u8], out: &mut Vec<u8>) {
    let when = state.plant.now().as_second();
    if saved(request)["command"] == "version" {
        add!(
            out,
            r#"{{"STATUS":[{{"STATUS":"S","When":{when},"Code":22,"Msg":"BOSer versions","Description":"BOSer boser-buildroot 0.1.0-3881c51d"}}],"VERSION":[{{"API":"3.7","BOSer":"boser-buildroot 0.1.0-3881c51d"}}],"id":1}}"#
        );
    } else {
        add!(
            out,
            r#"{{"STATUS":[{{"STATUS":"E","When":{when},"Code":14,"Msg":"Invalid command","Description":"BOSer boser-buildroot 0.1.0-3881c51d"}}],"id":1}}"#
        );
    }
}

/// The two questions by which clients recognise a model and a version.
fn graphql(card: &Card, asked: &Asked<'_>) -> Told {
    let query = saved(asked.body)["query"].as_str().unwrap_or_default().to_owned();
    Told::ok(&if query.contains("modelName") {
        json!({"data": {"bosminer": {"info": {"modelName": card.model}}}})
    } else if query.contains("version") {
        json!({"data": {"bos": {"info": {"version": {"full": VERSION}}}}})
    } else {
        json!({"data": null, "errors": [{"message": "use the Public API"}]})
    })
}

fn told(outcome: Outcome) -> Told {
    match outcome {
        Outcome::Accepted => Told::ok(&json!(false)),
        Outcome::Refused(words) => Told::status(500, &json!({"message": words})),
        Outcome::Unanswered(_) => Told::status(500, &json!({"message": "bosminer is not responding"})),
    }
}

fn login(state: &mut State, machine: MachineIx, asked: &Asked<'_>, when: i64) -> Told {
    if saved(asked.body)["username"].as_str() != Some("root") {
        return Told::status(401, &json!({"message": "Invalid username or password"}));
    }
    let unit = &mut state.units[machine.ix()];
    unit.tokens_given += 1;
    let sign = format!("bos{:08x}{:04}", machine.0, unit.tokens_given);
    unit.tokens.retain(|pass| pass.until > when);
    let client = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    unit.tokens.push(Pass { client, sign: sign.clone(), until: when + TOKEN_LIFE });
    Told::ok(&json!({"token": sign, "timeout_s": TOKEN_LIFE}))
}

fn is_logged_in(state: &mut State, machine: MachineIx, asked: &Asked<'_>, when: i64) -> bool {
    let passes = &mut state.units[machine.ix()].tokens;
    let held = passes.iter_mut().find(|pass| asked.authorization == Some(&pass.sign) && pass.until > when);
    held.map(|pass| pass.until = when + TOKEN_LIFE).is_some()
}

fn resume(state: &mut State, machine: MachineIx) -> Told {
    let action = state.units[machine.ix()].mode_next.take().map_or(Action::Wake, Action::SetMode);
    told(state.plant.command(machine, action))
}

fn power_target(state: &mut State, card: &Card, machine: MachineIx, view: &View, body: &[u8]) -> Told {
    let Some(watts) = saved(body)["watt"].as_i64() else {
        return Told::status(400, &json!({"message": "Invalid request payload"}));
    };
    let Some((mode, _)) = card.modes.iter().rev().find(|(_, least)| *least <= watts) else {
        let least = card.modes.first().map_or(0, |(_, watts)| *watts);
        let words = format!("power target {watts} W is below the minimum of {least} W");
        return Told::status(400, &json!({"message": words}));
    };
    if view.activity == Activity::Asleep {
        state.units[machine.ix()].mode_next = Some(*mode);
        return Told::ok(&json!({"watt": watts}));
    }
    match told(state.plant.command(machine, Action::SetMode(*mode))) {
        told if told.is_ok() => Told::ok(&json!({"watt": watts})),
        told => told,
    }
}

fn rates(megahashes: i64) -> Value {
    let rate = json!({"gigahash_per_second": gigahashes(megahashes)});
    let spans = [
        "last_5s",
        "last_15s",
        "last_30s",
        "last_1m",
        "last_5m",
        "last_15m",
        "last_30m",
        "last_1h",
        "last_24h",
        "since_restart",
    ];
    spans.into_iter().map(|span| (span.to_owned(), rate.clone())).collect()
}

fn details(card: &Card, view: &View) -> Value {
    // 3 is paused. What has failed goes on trying.
    let status = if view.activity == Activity::Asleep { 3 } else { 2 };
    json!({
        "uid": "uUTHH0m8zu3DAak8", "miner_identity": {"brand": 1, "model": 0, "name": card.model, "miner_model": card.model},
        "platform": 4, "bos_mode": 4, "bos_version": {"current": VERSION, "major": VERSION, "bos_plus": true},
        "hostname": "Antminer", "mac_address": card.mac.to_string().to_lowercase(), "system_uptime": view.elapsed,
        "sticker_hashrate": {"gigahash_per_second": gigahashes(card.rate_factory)},
        "bosminer_uptime_s": view.elapsed, "system_uptime_s": view.elapsed, "status": status,
        "kernel_version": "4.9.113", "psu_info": null, "control_board_soc_family": 3, "serial_number": card.serial,
    })
}

fn stats(card: &Card, view: &View) -> Value {
    json!({
        "pool_stats": {
            "accepted_shares": view.elapsed / 12, "rejected_shares": 0, "stale_shares": 0, "last_difficulty": 262_144,
            "best_share": 776_342_690, "generated_work": 17_793_548_288_i64, "last_share_time": {"seconds": view.when, "nanos": 0},
        },
        "miner_stats": {
            "real_hashrate": rates(view.rate), "nominal_hashrate": {"gigahash_per_second": gigahashes(card.rate_factory)},
            "error_hashrate": {"megahash_per_second": 0.0}, "best_share": 776_342_690, "found_blocks": 0,
        },
        "power_stats": {
            "approximated_consumption": {"watt": view.watts}, "efficiency": {"joule_per_terahash": 29.5},
        },
    })
}

fn boards(card: &Card, view: &View) -> Value {
    let boards: Vec<Value> = (0..3)
        .map(|id| {
            let temperature = json!({"degree_c": celsius(view.chip)});
            json!({
                "id": (id + 1).to_string(), "enabled": true, "chips_count": 110, "model": "BHB42601", "board_name": "BHB42601",
                "chip_type": "BM1362", "serial_number": format!("{}B{id}", card.serial),
                "current_voltage": {"volt": 12.9}, "current_frequency": {"hertz": 486_704_545.0},
                "highest_chip_temp": {"id": 1, "location": 1, "temperature": temperature}, "board_temp": {"degree_c": celsius(view.chip - 1_500)},
                "lowest_inlet_temp": {"degree_c": celsius(view.air)}, "highest_outlet_temp": {"degree_c": celsius(view.chip - 1_500)},
                "stats": {
                    "real_hashrate": rates(view.boards[id]), "nominal_hashrate": {"gigahash_per_second": gigahashes(card.rate_factory / 3)},
                    "error_hashrate": {"megahash_per_second": 0.0}, "best_share": 776_342_690, "found_blocks": 0,
                },
            })
        })
        .collect();
    json!({"hashboards": boards})
}

fn cooling(view: &View) -> Value {
    let fans: Vec<Value> = (0..4)
        .map(|position| json!({"position": position, "rpm": view.fan, "target_speed_ratio": 1.0}))
        .collect();
    json!({
        "fans": fans,
        "highest_temperature": {"id": null, "location": 1, "temperature": {"degree_c": celsius(view.chip)}},
    })
}

fn network(card: &Card) -> Value {
    json!({
        "name": "eth0", "mac_address": card.mac.to_string().to_lowercase(), "hostname": "Antminer", "protocol": 1,
        "dns_servers": [], "networks": [{"address": card.ip.to_string(), "netmask": "255.255.255.0"}], "default_gateway": "",
    })
}

fn pools(state: &State, card: &Card, machine: MachineIx, view: &View) -> Value {
    let held = state.units[machine.ix()].pools.as_deref().cloned().unwrap_or_else(|| {
        let pool =
            |place| json!({"url": format!("stratum+tcp://pool{place}.example:3333"), "user": card.worker});
        json!([pool(1), pool(2), pool(3)])
    });
    let pools: Vec<Value> = (0_i64..)
        .zip(held.as_array().into_iter().flatten())
        .map(|(place, pool)| {
            json!({
                "uid": format!("pool{place}"), "url": pool["url"], "user": pool["user"], "enabled": true, "alive": true,
                "active": place == 0, "stats": {
                    "accepted_shares": if place == 0 { view.elapsed / 12 } else { 0 }, "rejected_shares": 0, "stale_shares": 0,
                    "last_difficulty": 262_144, "best_share": 776_342_690, "generated_work": 0,
                    "last_share_time": {"seconds": view.when, "nanos": 0},
                },
            })
        })
        .collect();
    json!([{"name": "Default", "uid": "group1", "pools": pools, "strategy": {"quota": {"value": 1}}}])
}
