//! ePIC's API over HTTP, from the machine's side.
//!
//! Shapes: the recorded replies in `tests/fixtures/epic` and the firmware's OpenAPI description. Quirks: reading is
//! open, each write carries the password; a refusal has the status 200; a target is a hash rate, kept by the mode that
//! hashes no more, and wakes nobody.
//!
//! Not here: HTTP (`web`).

use offpeak_site::{Action, Activity, MachineIx, ModeName, Outcome};
use serde_json::{Value, json};

use super::State;
use super::card::Card;
use super::rest::{Asked, Told, saved};
use super::view::{View, celsius, gigahashes};
use crate::epic::page;

/// The password as made.
const PASSWORD: &str = "letmein";

/// Its title page, which tells what it is.
pub(super) const ROOT_PAGE: &str =
    "<!DOCTYPE html><html><head><title>Miner Web Dashboard</title></head></html>";

/// Answers one request.
pub(super) fn answer(state: &mut State, card: &Card, machine: MachineIx, asked: &Asked<'_>) -> Told {
    let view = state.view(machine, card);
    match (asked.method, asked.path) {
        ("GET", page::SUMMARY) => Told::ok(&summary(state, card, machine, &view)),
        ("GET", page::CAPABILITIES) => Told::ok(&capabilities(card)),
        ("GET", page::NETWORK) => Told::ok(&network(card)),
        ("GET", "/temps") => Told::ok(&temps(&view)),
        ("GET", "/timezone") => Told::ok(&json!("UTC")),
        ("POST", page) => write(state, card, machine, &view, page, &saved(asked.body)),
        _ => Told::not_found(),
    }
}

fn done(outcome: Outcome) -> Told {
    match outcome {
        Outcome::Accepted => Told::ok(&json!({"result": true, "error": null})),
        Outcome::Refused(words) => refused(&words),
        Outcome::Unanswered(_) => refused("MinerNotResponding"),
    }
}

fn refused(words: &str) -> Told {
    Told::ok(&json!({"result": false, "error": words}))
}

fn write(state: &mut State, card: &Card, machine: MachineIx, view: &View, page: &str, body: &Value) -> Told {
    if body["password"].as_str() != Some(PASSWORD) {
        return refused("BadPassword");
    }
    let param = &body["param"];
    match page {
        page::MINER => match param.as_str() {
            Some("Stop") => done(state.plant.command(machine, Action::Sleep)),
            Some("Autostart") => {
                let mode = state.units[machine.ix()].mode_next.take();
                done(state.plant.command(machine, mode.map_or(Action::Wake, Action::SetMode)))
            }
            _ => refused("MissingParam"),
        },
        page::TUNE => tune(state, card, machine, view, param),
        page::REBOOT => done(state.restart(machine)),
        page::IDENTIFY => match param.as_bool() {
            Some(on) => {
                state.units[machine.ix()].blinks = on;
                done(Outcome::Accepted)
            }
            None => refused("MissingParam"),
        },
        page::COIN if param["stratum_configs"].is_array() => {
            state.units[machine.ix()].pools = Some(Box::new(param["stratum_configs"].clone()));
            done(Outcome::Accepted)
        }
        page::COIN => refused("MissingParam"),
        _ => Told::not_found(),
    }
}

fn tune(state: &mut State, card: &Card, machine: MachineIx, view: &View, param: &Value) -> Told {
    let (Some(_), Some(target)) = (param["algo"].as_str(), param["target"].as_i64()) else {
        return refused("MissingParam");
    };
    let Some((mode, _)) = card.modes.iter().rev().find(|(_, watts)| rate(card, *watts) <= target) else {
        return refused("InvalidTarget");
    };
    if view.activity == Activity::Asleep {
        state.units[machine.ix()].mode_next = Some(*mode);
        return done(Outcome::Accepted);
    }
    done(state.plant.command(machine, Action::SetMode(*mode)))
}

/// The terahashes a second that go with a mode's watts.
fn rate(card: &Card, watts: i64) -> i64 {
    card.rate_factory / card.watts(ModeName::Normal).max(1) * watts / 1_000_000
}

fn summary(state: &State, card: &Card, machine: MachineIx, view: &View) -> Value {
    let unit = &state.units[machine.ix()];
    let word = match view.activity {
        Activity::Hashing => "Mining",
        Activity::Starting => "Initializing",
        Activity::Asleep | Activity::Failed => "Idling",
    };
    let is_up = |index: usize| !(view.board_dead && view.boards[index] == 0);
    let boards: Vec<Value> = (0..3)
        .filter(|index| is_up(*index))
        .map(|index| {
            json!({
                "Index": index, "Hashrate": [gigahashes(view.boards[index]) * 1e3, 100.0], "Temperature": celsius(view.chip),
                "Core Clock": [], "Core Clock Avg": 487.5, "Input Current": 0.0, "Input Power": 0.0, "Input Voltage": 12.6,
                "Output Current": 0.0, "Output Power": 0.0, "Output Voltage": 0.0,
            })
        })
        .collect();
    let conditions: Vec<Value> =
        (0..3).map(|index| json!({"Detected": true, "Enabled": is_up(index), "Index": index})).collect();
    let pools = unit.pools.as_deref().cloned().unwrap_or_else(|| {
        let pool = |place| json!({"pool": format!("stratum+tcp://pool{place}.example:3333"), "login": card.worker, "password": "x"});
        json!([pool(1), pool(2), pool(3)])
    });
    json!({
        "Status": {"Last Command": null, "Last Command Result": null, "Last Error": null, "Operating State": word},
        "Hostname": format!("cminer{}", machine.0), "Software": "PowerPlay-BMS v1.5.13", "OS Type": "umcOS",
        "HBs": boards, "HBStatus": conditions,
        "Fans": {"Fan Mode": {"Auto": {"Idle Speed": 20, "Target Temperature": 60}}, "Fans Speed": 60},
        "Fans Rpm": {"Fans Speed 1": view.fan, "Fans Speed 2": view.fan, "Fans Speed 3": view.fan, "Fans Speed 4": view.fan},
        "Mining": {"Algorithm": "SHA-256", "Coin": "BTC"},
        "Misc": {"Critical Temp": 100.0, "Locate Miner State": unit.blinks, "Shutdown Temp": 85.0},
        "PerpetualTune": {"Running": true, "Algorithm": {"VoltageOptimizer": {
            "Min Throttle Target": 50, "Optimized": true, "Target": rate(card, card.watts(view.mode)), "Throttle Step": 5,
            "Throttle Target": null, "Unit": "TH/s",
        }}},
        "Power Supply Stats": {
            "Input Power": view.watts, "Input Voltage": 0.0, "Input Current": 0.0, "Output Power": 0.0,
            "Output Voltage": 12.595, "Output Current": 0.0, "Target Voltage": 12_600,
        },
        "PresetInfo": {"Target Power": card.watts(view.mode)}, "HwConfig": {"Boards Target Clock": []},
        "Session": {
            "Accepted": view.elapsed / 12, "Active HBs": boards.len(), "Average MHs": gigahashes(view.rate) * 1e3,
            "Difficulty": 262_144.0, "Rejected": 0, "Submitted": view.elapsed / 12, "Uptime": view.elapsed,
            "Last Accepted Share Timestamp": view.when,
        },
        "Stratum": {
            "Config Id": 0, "Current Pool": "pool1.example:3333", "Current User": card.worker,
            "IsPoolConnected": view.activity == Activity::Hashing, "Average Latency": 0.04, "Worker Unique Id": false,
        },
        "StratumConfigs": pools, "IdleOnConnectionLost": true, "Overdrive": false,
    })
}

fn capabilities(card: &Card) -> Value {
    let presets: Vec<Value> = card
        .modes
        .iter()
        .map(|(_, watts)| json!({"clk": 400, "hashrate": rate(card, *watts), "power": watts, "voltage": 12_600}))
        .collect();
    json!({
        "Model": card.model, "Model Subtype": "BHB42601", "Board Serial Numbers": [], "Chip Type": "BM1362",
        "Miner Serial Number": card.serial, "Coins": ["BTC"], "Max HBs": 3, "Chips Per Bank": 10,
        "Control Board Version": {"cpuHardware": "STM32 (Device Tree Support)", "cpuSerial": format!("{}-CPU", card.serial)},
        "Default Clock": 485, "Default Hashrate": gigahashes(card.rate_factory) / 1e3, "Default Voltage": 12_900,
        "Performance Estimator": {"Chip Count": 126, "Hashes Per Second Per Chip": 894.0},
        "PerpetualTune": [{"algorithm": "VoltageOptimizer", "name": "Voltage Optimizer", "min": 20, "max": 300}],
        "Tune Presets": presets, "Temp Sensor Info": {"Count": 2, "Type": "Board"},
    })
}

fn network(card: &Card) -> Value {
    json!({"dhcp": {
        "address": card.ip.to_string(), "dns": "", "gateway": "", "mac_address": card.mac.to_string(), "netmask": "255.255.255.0",
    }})
}

fn temps(view: &View) -> Value {
    let hot = celsius(view.chip);
    (0..3).map(|index| json!({"Data": [hot - 8.0, hot], "Index": index, "Total": 0.0})).collect()
}
