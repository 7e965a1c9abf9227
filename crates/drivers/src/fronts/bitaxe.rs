//! A Bitaxe's API over HTTP, from the machine's side: firmware 2.14, which can be paused.
//!
//! Shapes: the recorded reply in `tests/fixtures/bitaxe` and ESP-Miner's OpenAPI description. Quirks: no password; new
//! pools hold from the next restart on; one that can be paused says whether it is.
//!
//! Not here: HTTP (`web`).

use offpeak_site::{Action, Activity, MachineIx, Outcome};
use serde_json::{Value, json};

use super::State;
use super::card::Card;
use super::rest::{Asked, Told, saved};
use super::view::{View, celsius, gigahashes};
use crate::bitaxe::page;

/// Its title page, which tells what it is.
pub(super) const ROOT_PAGE: &str = "<!DOCTYPE html><html><head><title>AxeOS</title></head></html>";

/// Answers one request.
pub(super) fn answer(state: &mut State, card: &Card, machine: MachineIx, asked: &Asked<'_>) -> Told {
    let view = state.view(machine, card);
    match (asked.method, asked.path) {
        ("GET", page::INFO) => Told::ok(&info(state, card, machine, &view)),
        ("GET", "/api/system/asic") => Told::ok(&json!({
            "ASICModel": card.model, "asicCount": 1, "deviceModel": "Gamma", "swarmColor": "blue",
            "defaultFrequency": 490, "frequencyOptions": [400, 490, 525], "defaultVoltage": 1_166, "voltageOptions": [1_166],
        })),
        ("POST", page::PAUSE) => told(state.plant.command(machine, Action::Sleep)),
        ("POST", page::RESUME) => told(state.plant.command(machine, Action::Wake)),
        ("POST", page::RESTART) => told(state.restart(machine)),
        ("POST", page::IDENTIFY) => {
            state.units[machine.ix()].blinks = true;
            told(Outcome::Accepted)
        }
        ("PATCH", page::SYSTEM) => {
            let settings = saved(asked.body);
            if !settings.is_object() {
                return Told::status(400, &json!("Invalid JSON"));
            }
            state.units[machine.ix()].pools = Some(Box::new(settings));
            Told::ok(&Value::Null)
        }
        _ => Told::not_found(),
    }
}

fn told(outcome: Outcome) -> Told {
    match outcome {
        Outcome::Accepted => Told::ok(&json!({"message": "OK"})),
        Outcome::Refused(words) => Told::status(500, &json!({"message": words})),
        Outcome::Unanswered(_) => Told::status(500, &json!({"message": "no answer from the ASIC"})),
    }
}

fn info(state: &State, card: &Card, machine: MachineIx, view: &View) -> Value {
    let saved = state.units[machine.ix()].pools.as_deref();
    let setting = |key: &str, otherwise: Value| {
        saved.and_then(|settings| settings.get(key)).cloned().unwrap_or(otherwise)
    };
    json!({
        "ASICModel": card.model, "asicCount": 1, "boardVersion": "601", "version": "v2.14.0", "axeOSVersion": "v2.14.0",
        "macAddr": card.mac.to_string(), "hostname": "bitaxe", "wifiStatus": "Connected!", "idfVersion": "v5.4",
        "hashRate": gigahashes(view.rate), "expectedHashrate": gigahashes(card.rate_factory), "power": view.watts,
        "voltage": 5_175, "current": view.watts * 200, "temp": celsius(view.chip), "vrTemp": celsius(view.chip) + 8.0,
        "frequency": 490, "coreVoltage": 1_166, "coreVoltageActual": 1_172, "smallCoreCount": 1_276,
        "miningPaused": view.activity == Activity::Asleep, "overheat_mode": i64::from(view.activity == Activity::Failed),
        "fanrpm": view.fan, "fanspeed": 35, "autofanspeed": 1, "uptimeSeconds": view.elapsed, "sharesAccepted": view.elapsed / 12,
        "sharesRejected": 0, "bestDiff": "483k", "bestSessionDiff": "0", "isUsingFallbackStratum": 0,
        "stratumURL": setting("stratumURL", json!("pool1.example")), "stratumPort": setting("stratumPort", json!(3333)),
        "stratumUser": setting("stratumUser", json!(card.worker)),
        "fallbackStratumURL": setting("fallbackStratumURL", json!("pool2.example")),
        "fallbackStratumPort": setting("fallbackStratumPort", json!(3333)),
        "fallbackStratumUser": setting("fallbackStratumUser", json!(card.worker)),
    })
}
