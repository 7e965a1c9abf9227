//! Braiins OS before 25.07, from the machine's side: GraphQL, as firmware 25.05 speaks it.
//!
//! Shapes: the recorded replies in `tests/fixtures/braiins` and the firmware's schema. Quirks: a query that names a field
//! which there is not has no data at all; while no miner runs, nothing of `info` is told; a session lives an hour and is
//! wanted for mutations only; a power target is reached by the mode that draws no more.
//!
//! Not here: HTTP (`web`); the TCP API, which is that of later firmwares (`braiins`).

use std::net::{IpAddr, Ipv4Addr};

use offpeak_site::{Action, Activity, MachineIx, Outcome};
use serde_json::{Map, Value, json};

use super::State;
use super::card::Card;
use super::rest::{Asked, Told, saved};
use super::view::{Pass, View, celsius};
use crate::braiins_graphql::PAGE;

const VERSION: &str = "2025-06-25-0-45f356ea-25.05.1-plus";
/// Seconds that a session lives.
const SESSION_LIFE: i64 = 3_600;
/// No query is deeper.
const DEPTH_MAX: usize = 32;

/// Its title page, which tells what it is.
pub(super) const ROOT_PAGE: &str = "<!DOCTYPE html><html><head><title>Braiins OS</title></head></html>";

/// Answers one request over HTTP.
pub(super) fn answer(state: &mut State, card: &Card, machine: MachineIx, asked: &Asked<'_>) -> Told {
    match (asked.method, asked.path) {
        ("POST", PAGE) => {}
        ("POST", "/cgi-bin/luci") => {
            // Its older pages have sessions of the same kind.
            let when = state.plant.now().as_second();
            let (_, cookie) = log_in(state, machine, &json!({"username": "root"}), when);
            return Told { cookie, ..Told::ok(&Value::Null) };
        }
        ("GET", "/cgi-bin/luci/admin/network/iface_status/lan") => {
            return Told::ok(&json!([{"macaddr": card.mac.to_string()}]));
        }
        _ => return Told::not_found(),
    }
    let body = saved(asked.body);
    let Some(document) = body["query"].as_str() else { return fault("no query") };
    let is_mutation = document.trim_start().starts_with("mutation");
    let Some(fields) = document.find('{').and_then(|start| Selection::parse(&document[start..])) else {
        return fault("the query cannot be parsed");
    };
    let view = state.view(machine, card);
    let (data, cookie) = if is_mutation {
        match mutate(state, card, machine, &view, asked, &fields, &body["variables"]) {
            Ok(done) => done,
            Err(words) => return fault(&words),
        }
    } else {
        (query(state, card, machine, &view), None)
    };
    match fields.of(&data) {
        Ok(data) => Told { cookie, ..Told::ok(&json!({"data": data})) },
        Err(words) => fault(&words),
    }
}

fn fault(words: &str) -> Told {
    Told::ok(&json!({"data": null, "errors": [{"message": words}]}))
}

/// The fields that a document asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Selection {
    /// With what is asked of each; in a fragment, a field need not be there.
    fields: Vec<(String, bool, Selection)>,
}

impl Selection {
    /// Reads a selection from its opening brace on.
    fn parse(text: &str) -> Option<Self> {
        let mut rest = text;
        Self::read(&mut rest, false, 0)
    }

    fn read(rest: &mut &str, in_fragment: bool, depth: usize) -> Option<Self> {
        *rest = rest.trim_start().strip_prefix('{')?;
        let mut selection = Self::default();
        if depth > DEPTH_MAX {
            return None;
        }
        loop {
            *rest = rest.trim_start_matches([' ', '\n', '\t', '\r', ',']);
            if let Some(after) = rest.strip_prefix('}') {
                *rest = after;
                return Some(selection);
            }
            if let Some(fragment) = rest.strip_prefix("...") {
                // `... on Type { fields }`
                *rest = &fragment[fragment.find('{')?..];
                selection.fields.extend(Self::read(rest, true, depth + 1)?.fields);
                continue;
            }
            let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')?;
            let (name, after) = rest.split_at(end);
            if name.is_empty() {
                return None;
            }
            *rest = skip_arguments(after.trim_start())?.trim_start();
            let inner =
                if rest.starts_with('{') { Self::read(rest, false, depth + 1)? } else { Self::default() };
            selection.fields.push((name.to_owned(), in_fragment, inner));
        }
    }

    /// What it asks for, of an object or of each object in a list.
    fn of(&self, data: &Value) -> Result<Value, String> {
        match data {
            Value::Array(list) => list.iter().map(|each| self.of(each)).collect(),
            Value::Object(object) if !self.fields.is_empty() => {
                let mut told = Map::new();
                for (name, optional, inner) in &self.fields {
                    match object.get(name) {
                        Some(value) => {
                            told.insert(name.clone(), inner.of(value)?);
                        }
                        None if *optional => {}
                        None if name == "info" => return Err("BOSminer is not running".to_owned()),
                        None => return Err(format!("Unknown field \"{name}\"")),
                    }
                }
                Ok(Value::Object(told))
            }
            value => Ok(value.clone()),
        }
    }
    /// What is asked of a field, where it is asked for.
    fn get(&self, name: &str) -> Option<&Self> {
        self.fields.iter().find(|(field, ..)| field == name).map(|(.., inner)| inner)
    }
    fn has(&self, path: [&str; 2]) -> bool {
        self.get(path[0]).is_some_and(|inner| inner.get(path[1]).is_some())
    }
}

/// Behind the parentheses, which may nest.
fn skip_arguments(text: &str) -> Option<&str> {
    if !text.starts_with('(') {
        return Some(text);
    }
    let mut open = 0_usize;
    for (place, letter) in text.char_indices() {
        match letter {
            '(' => open += 1,
            ')' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return Some(&text[place + 1..]);
        }
    }
    None
}

/// Everything that can be asked for now.
fn query(state: &State, card: &Card, machine: MachineIx, view: &View) -> Value {
    let unit = &state.units[machine.ix()];
    let mut data = json!({
        "bos": {
            "hostname": "Antminer", "macAddress": card.mac.to_string(), "serialNumber": card.serial, "hwid": card.serial,
            "faultLight": unit.blinks, "uptime": {"durationS": 90_000 + view.elapsed}, "info": {"version": {"full": VERSION, "isPlus": true}},
            "timezone": {"id": "UTC"}, "timezoneList": [{"id": "UTC"}],
        },
        "bosminer": {"config": {
            "autotuning": {"enabled": true, "mode": "POWER_TARGET", "powerTarget": card.watts(view.mode), "hashrateTarget": null},
            "groups": [{"id": "0", "strategy": {"quota": 1}}],
        }},
        "events": {"appeals": []},
    });
    if view.activity != Activity::Asleep {
        data["bosminer"]["info"] = info(state, card, machine, view);
    }
    data
}

fn info(state: &State, card: &Card, machine: MachineIx, view: &View) -> Value {
    let held = state.units[machine.ix()].pools.as_deref().cloned().unwrap_or_else(|| {
        let pool =
            |place| json!({"url": format!("stratum+tcp://pool{place}.example:3333"), "user": card.worker});
        json!([pool(1), pool(2), pool(3)])
    });
    let pools: Vec<Value> = held
        .as_array()
        .into_iter()
        .flatten()
        .enumerate()
        .map(|(place, pool)| {
            json!({
                "url": pool["url"], "user": pool["user"], "status": "ALIVE", "active": place == 0,
                "shares": {"acceptedSolutions": if place == 0 { view.elapsed / 12 } else { 0 }, "rejectedSolutions": 0},
            })
        })
        .collect();
    let boards: Vec<Value> = (0..3)
        .map(|place| {
            json!({
                "name": (place + 1).to_string(), "realHashrate": {"mhs5S": view.boards[place]}, "nominalMhs": card.rate_factory / 3,
                "hwDetails": {"chips": 126, "frequencyMhz": 545.0, "voltageV": 13.4, "hbSerialNumber": format!("{}-{place}", card.serial)},
                "temperatures": [
                    {"name": "MAX_BOARD", "degreesC": celsius(view.chip - 1_500)}, {"name": "MAX_CHIP", "degreesC": celsius(view.chip)},
                ],
            })
        })
        .collect();
    let fans: Vec<Value> =
        (0..4).map(|place| json!({"name": place.to_string(), "rpm": view.fan, "speed": 60})).collect();
    json!({
        "modelName": card.model, "fans": fans, "poolGroups": [{"name": "group", "pools": pools}],
        "summary": {"power": {"approxConsumptionW": view.watts, "limitW": card.watts(view.mode)}},
        "workSolver": {"realHashrate": {"mhs5S": view.rate}, "nominalMhs": card.rate_factory, "childSolvers": boards},
    })
}

type Mutated = Result<(Value, Option<String>), String>;

fn mutate(
    state: &mut State,
    card: &Card,
    machine: MachineIx,
    view: &View,
    asked: &Asked<'_>,
    fields: &Selection,
    variables: &Value,
) -> Mutated {
    if fields.has(["auth", "login"]) {
        return Ok(log_in(state, machine, variables, view.when));
    }
    let held = asked.cookie.and_then(|cookie| cookie.strip_prefix("session_id="));
    let passes = &state.units[machine.ix()].tokens;
    if !passes.iter().any(|pass| held == Some(&pass.sign) && pass.until > view.when) {
        return Err("Unauthorized".to_owned());
    }
    let plain = |value: Value| Ok((value, None));
    if fields.has(["bosminer", "stop"]) {
        return plain(json!({"bosminer": {"stop": told(state.plant.command(machine, Action::Sleep))}}));
    }
    if fields.has(["bosminer", "start"]) {
        let mode = state.units[machine.ix()].mode_next.take();
        let outcome = state.plant.command(machine, mode.map_or(Action::Wake, Action::SetMode));
        return plain(json!({"bosminer": {"start": told(outcome)}}));
    }
    if fields.has(["bosminer", "restart"]) {
        return plain(json!({"bosminer": {"restart": told(state.restart(machine))}}));
    }
    if fields.has(["bos", "reboot"]) {
        return plain(json!({"bos": {"reboot": told(state.restart(machine))}}));
    }
    if fields.has(["bos", "setFaultLight"]) {
        let on = variables["enable"].as_bool().ok_or("enable is missing")?;
        state.units[machine.ix()].blinks = on;
        return plain(json!({"bos": {"setFaultLight": {"enabled": on}}}));
    }
    let config = fields.get("bosminer").and_then(|miner| miner.get("config"));
    if config.is_some_and(|config| config.get("updateAutotuning").is_some()) {
        let watts = variables["limit"].as_i64().ok_or("limit is missing")?;
        let result = power_target(state, card, machine, view, watts);
        return plain(json!({"bosminer": {"config": {"updateAutotuning": result}}}));
    }
    if config.is_some_and(|config| config.get("updateGroups").is_some()) {
        let pools = variables["groups"][0]["pools"].clone();
        if !pools.is_array() {
            return Err("groups is missing".to_owned());
        }
        state.units[machine.ix()].pools = Some(Box::new(pools));
        return plain(json!({"bosminer": {"config": {"updateGroups": {"groups": [{"id": "0"}]}}}}));
    }
    Err("Unknown field".to_owned())
}

/// A result of a union: nothing, or why not.
fn told(outcome: Outcome) -> Value {
    match outcome {
        Outcome::Accepted => json!({"void": null}),
        Outcome::Refused(words) => json!({"message": words}),
        Outcome::Unanswered(_) => json!({"message": "BOSminer does not answer"}),
    }
}

fn log_in(state: &mut State, machine: MachineIx, variables: &Value, when: i64) -> (Value, Option<String>) {
    // No password as made, so any is taken.
    if variables["username"].as_str() != Some("root") {
        return (json!({"auth": {"login": {"message": "Invalid username or password"}}}), None);
    }
    let unit = &mut state.units[machine.ix()];
    unit.tokens_given += 1;
    let sign = format!("bosql{:08x}{:04}", machine.0, unit.tokens_given);
    unit.tokens.retain(|pass| pass.until > when);
    let client = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    unit.tokens.push(Pass { client, sign: sign.clone(), until: when + SESSION_LIFE });
    let cookie = format!("session_id={sign}; Max-Age={SESSION_LIFE}; Path=/; HttpOnly");
    (json!({"auth": {"login": {"void": null}}}), Some(cookie))
}

fn power_target(state: &mut State, card: &Card, machine: MachineIx, view: &View, watts: i64) -> Value {
    let Some((mode, _)) = card.modes.iter().rev().find(|(_, least)| *least <= watts) else {
        let least = card.modes.first().map_or(0, |(_, watts)| *watts);
        return json!({"message": format!("power target {watts} W is below the minimum of {least} W")});
    };
    if view.activity == Activity::Asleep {
        state.units[machine.ix()].mode_next = Some(*mode);
        return json!({"autotuning": {"enabled": true, "powerTarget": watts}});
    }
    match state.plant.command(machine, Action::SetMode(*mode)) {
        Outcome::Accepted => json!({"autotuning": {"enabled": true, "powerTarget": watts}}),
        other => told(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_is_what_was_asked_for() {
        let fields = Selection::parse("{a(x:{y:1},z:(2)){b ... on T{c}} d,e}").unwrap();
        let data = json!({"a": [{"b": 1, "c": 2, "x": 3}, {"b": 4}], "d": {"f": 5}, "e": null, "g": 6});
        assert_eq!(
            fields.of(&data).unwrap(),
            json!({"a": [{"b": 1, "c": 2}, {"b": 4}], "d": {"f": 5}, "e": null})
        );
        assert_eq!(fields.of(&json!({"a": []})), Err("Unknown field \"d\"".to_owned()));
        for broken in ["", "{", "{a", "{a(}", "{a(b}", "{a{b}", "{...on}", "{$}"] {
            assert_eq!(Selection::parse(broken), None, "{broken}");
        }
        assert_eq!(Selection::parse(&"{a".repeat(1_000)), None, "too deep");
    }
}
