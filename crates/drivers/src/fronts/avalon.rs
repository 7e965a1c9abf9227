//! Avalon's CGMiner API on TCP 4028, from the machine's side: an industrial machine of the A12 and
//! later. It answers text with text and JSON with JSON, and takes joined commands in JSON.
//!
//! Shapes: the recorded replies in `tests/fixtures/avalon` and the examples of Canaan's A10 manual.
//! Quirks: its clock is not the day's time; a time argument far from it is answered with success and
//! not heeded (an assumption that catches whoever sends the day's time); a work mode counts only after
//! a restart; a machine that was switched off is woken by a restart; it closes the connection upon one.
//!
//! Not here: the socket (`talk`).

use std::borrow::Cow;

use offpeak_site::{Action, Activity, MachineIx, ModeName, Outcome};
use offpeak_twin::Fault;
use serde::Deserialize;
use serde_json::Value;

use super::State;
use super::card::Card;
use super::splice::{Hundredths, add};
use super::view::View;

const VERSION: &str = "24041001_08b0955_0196aba";
/// The chips of a board.
const CHIPS: usize = 120;
/// The machine's second 0: its clock starts with it, and the twin's machines start together.
const CLOCK_ORIGIN: i64 = 1_577_836_800;
/// How far ahead a time argument may lie.
const AHEAD_MAX: i64 = 60;

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    command: Cow<'a, str>,
    #[serde(borrow, default)]
    parameter: Option<Cow<'a, str>>,
}

/// Answers one request; `false` when it closes without a word.
pub(super) fn answer(
    state: &mut State,
    card: &Card,
    machine: MachineIx,
    request: &[u8],
    out: &mut Vec<u8>,
) -> bool {
    let when = state.plant.now().as_second() - CLOCK_ORIGIN;
    let json = request.trim_ascii_start().starts_with(b"{");
    let text = String::from_utf8_lossy(request);
    let request = if json {
        match serde_json::from_str::<Request<'_>>(&text) {
            Ok(request) => request,
            Err(_) => {
                say(out, when, 'E', 23, "Invalid JSON");
                return true;
            }
        }
    } else {
        let (command, parameter) = text.split_once('|').unwrap_or((&text, ""));
        Request { command: command.trim().into(), parameter: Some(parameter.trim().into()) }
    };
    let parameter = request.parameter.unwrap_or_default();
    let words =
        if request.command == "ascset" { ascset(state, card, machine, when, &parameter) } else { None };
    match words {
        Some(Said::Nothing) => return false,
        Some(Said::Words(letter, code, words)) => say(out, when, letter, code, &words),
        None => read(state, card, machine, when, &request.command, out),
    }
    if !json {
        *out = as_text(out);
    }
    true
}

fn read(state: &mut State, card: &Card, machine: MachineIx, when: i64, command: &str, out: &mut Vec<u8>) {
    let view = state.view(machine, card);
    let light = state.units[machine.ix()].blinks;
    if !command.contains('+') {
        return one(out, card, &view, when, light, command);
    }
    out.push(b'{');
    for part in command.split('+') {
        add!(out, "\"{part}\":[");
        one(out, card, &view, when, light, part);
        add!(out, "],");
    }
    add!(out, "\"id\":1}}");
}

fn one(out: &mut Vec<u8>, card: &Card, view: &View, when: i64, light: bool, command: &str) {
    match command {
        "estats" => stats(out, card, view, when, light, false),
        "stats" => stats(out, card, view, when, light, true),
        "version" => version(out, card, when),
        "summary" => summary(out, view, when),
        "devs" => devs(out, view, when),
        "pools" => pools(out, card, view, when),
        "devdetails" => {
            heading(out, when, 69, "Device Details");
            add!(
                out,
                r#""DEVDETAILS":[{{"DEVDETAILS":0,"Name":"AVA10","ID":0,"Driver":"avalon10","Kernel":"","Model":"","Device Path":""}}],"id":1}}"#
            );
        }
        "config" => {
            heading(out, when, 33, "CGMiner config");
            add!(
                out,
                r#""CONFIG":[{{"ASC Count":1,"PGA Count":0,"Pool Count":3,"Strategy":"Failover","Log Interval":5,"Device Code":"AVA10 ","OS":"Linux","Hotplug":"None"}}],"id":1}}"#
            );
        }
        _ => say(out, when, 'E', 14, "Invalid command"),
    }
}

fn say(out: &mut Vec<u8>, when: i64, letter: char, code: u32, words: &str) {
    let words = Value::from(words);
    add!(
        out,
        r#"{{"STATUS":[{{"STATUS":"{letter}","When":{when},"Code":{code},"Msg":{words},"Description":"cgminer 4.11.1"}}],"id":1}}"#
    );
}

fn heading(out: &mut Vec<u8>, when: i64, code: u32, words: &str) {
    add!(
        out,
        r#"{{"STATUS":[{{"STATUS":"S","When":{when},"Code":{code},"Msg":"{words}","Description":"cgminer 4.11.1"}}],"#
    );
}

/// A JSON reply as CGMiner's text: `STATUS=S,When=1,...|STATS=0,...|`.
fn as_text(json: &[u8]) -> Vec<u8> {
    let Ok(Value::Object(reply)) = serde_json::from_slice(json) else { return Vec::new() };
    let mut text = Vec::with_capacity(json.len());
    if let Some(status) = reply.get("STATUS").and_then(|list| list.get(0)) {
        let part = |key: &str| plain(&status[key]);
        add!(
            text,
            "STATUS={},When={},Code={},Msg={},Description={}|",
            part("STATUS"),
            part("When"),
            part("Code"),
            part("Msg"),
            part("Description")
        );
    }
    for (name, list) in reply.iter().filter(|(name, _)| *name != "STATUS") {
        for object in list.as_array().into_iter().flatten().filter_map(Value::as_object) {
            // `STATS=0`, but `VERSION,VERSION=...`: only a number is the section's place.
            let place = object.get(name).filter(|place| place.is_number());
            let numbered = place.map(|place| format!("={place}")).unwrap_or_default();
            add!(text, "{name}{numbered}");
            for (key, value) in object.iter().filter(|(key, _)| place.is_none() || *key != name) {
                add!(text, ",{key}={}", plain(value));
            }
            text.push(b'|');
        }
    }
    text
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn version(out: &mut Vec<u8>, card: &Card, when: i64) {
    let (mac, model) = (card.mac.to_string().replace(':', "").to_lowercase(), model(card));
    heading(out, when, 22, "CGMiner versions");
    add!(
        out,
        r#""VERSION":[{{"CGMiner":"4.11.1","API":"3.7","STM8":"20.08.01","PROD":"{}","MODEL":"{model}","HWTYPE":"MM4v1_X3","SWTYPE":"MM317","VERSION":"{VERSION}","LOADER":"d0d779de.00","DNA":"{}","MAC":"{mac}","UPAPI":"2"}}],"id":1}}"#,
        card.model,
        card.serial
    );
}

/// `1246` of `AvalonMiner 1246`.
fn model(card: &Card) -> &str {
    card.model.rsplit(' ').next().unwrap_or(&card.model)
}

fn stats(out: &mut Vec<u8>, card: &Card, view: &View, when: i64, light: bool, with_pools: bool) {
    heading(out, when, 70, "CGMiner stats");
    add!(
        out,
        r#""STATS":[{{"STATS":0,"ID":"AVA100","Elapsed":{elapsed},"Calls":0,"Wait":0.0,"Max":0.0,"Min":99999999.0,"MM ID0":"Ver[{}-{VERSION}] DNA[{}] MEMFREE[1201472.0] NETFAIL[0 0 0 0 0 0 0 0] "#,
        model(card),
        card.serial,
        elapsed = view.elapsed,
    );
    module(out, card, view, light);
    add!(out, r#"","MM Count":1,"Smart Speed":1,"Voltage Level Offset":0,"Nonce Mask":25}}"#);
    for place in 0..if with_pools { 3 } else { 0 } {
        add!(
            out,
            r#",{{"STATS":{},"ID":"POOL{place}","Elapsed":{},"Calls":0,"Wait":0.0,"Max":0.0,"Min":99999999.0,"Pool Calls":0,"Work Diff":262144.0,"Times Sent":3,"Bytes Sent":255}}"#,
            place + 1,
            view.elapsed
        );
    }
    add!(out, r#"],"id":1}}"#);
}

/// The module's values, in the order of the recorded ones.
fn module(out: &mut Vec<u8>, card: &Card, view: &View, light: bool) {
    let asleep = view.activity == Activity::Asleep;
    let work = match view.activity {
        Activity::Hashing => "In Work",
        Activity::Starting => "In Init",
        Activity::Asleep | Activity::Failed => "In Idle",
    };
    let hashing = view.activity == Activity::Hashing;
    let degrees = if hashing { view.chip / 100 } else { 0 };
    // The supply loses about a tenth between the wall and the boards.
    let (boards, volts) = if hashing { (view.watts * 10 / 11, 1_316) } else { (0, 0) };
    let (rate, fan) = (Hundredths(view.rate / 10), view.fan);
    add!(
        out,
        "SYSTEMSTATU[Work: {work}, Hash Board: {} ] Elapsed[{}] BOOTBY[0x08.00000000] LW[24558724] MH[999 697 1039] HW[2735] DH[2.732%] Temp[{}] TMax[{degrees}] TAvg[{}] Fan1[{fan}] Fan2[{fan}] Fan3[{fan}] Fan4[{fan}] FanR[{}%] Vo[329] PS[0 1214 {volts} {} {boards} 1320 {}] ",
        if view.board_dead { 2 } else { 3 },
        view.elapsed,
        view.air / 100,
        (degrees - 12).max(0),
        (fan / 75).min(100),
        if volts == 0 { 0 } else { boards * 100 / volts },
        view.watts,
    );
    let [a, b, c] = view.boards.map(|rate| Hundredths(rate / 10));
    add!(
        out,
        "GHSspd[{rate}] DHspd[2.732%] GHSmm[{}] GHSavg[{rate}] WU[1112790.28] Freq[502.41] Led[{}] MGHS[{a} {b} {c}] MTmax[{degrees} {degrees} {degrees}] MTavg[{m} {m} {m}] TA[{}] Core[A3201] PING[443] POWS[0] HASHS[0 0 {}] POOLS[0] SoftOFF[{}] ECHU[0 0 {}] ECMM[0] SF0[472 492 512 532] SF1[472 492 512 532] SF2[472 492 512 532] ",
        Hundredths(card.rate_factory / 10),
        u8::from(light),
        CHIPS * if view.board_dead { 2 } else { 3 },
        u8::from(view.board_dead),
        if asleep { 5 } else { 0 },
        if view.board_dead { 513 } else { 0 },
        m = (degrees - 12).max(0),
    );
    if hashing {
        chips(out, "PVT_T", degrees - 6);
        chips(out, "PVT_V", 309);
        chips(out, "MW", 640);
    }
    add!(
        out,
        "CRC[0 0 0] POW_I2C[OK] FACOPTS0[] FACOPTS1[] ADJ[1] COP[0 0 0] MPO[{}] MVL[87] WORKMODE[{}]",
        card.watts(view.mode),
        u8::from(view.mode == ModeName::High)
    );
}

/// The same value for every chip of every board.
fn chips(out: &mut Vec<u8>, name: &str, value: i64) {
    let value = format!(" {value}");
    for board in 0..3 {
        add!(out, "{name}{board}[");
        for _ in 0..CHIPS {
            out.extend_from_slice(value.as_bytes());
        }
        add!(out, "] ");
    }
}

fn summary(out: &mut Vec<u8>, view: &View, when: i64) {
    heading(out, when, 11, "Summary");
    add!(
        out,
        r#""SUMMARY":[{{"Elapsed":{elapsed},"MHS av":{rate}.0,"MHS 30s":{rate}.0,"MHS 1m":{rate}.0,"MHS 5m":{rate}.0,"MHS 15m":{rate}.0,"Found Blocks":0,"Getworks":{},"Accepted":{},"Rejected":0,"Hardware Errors":0,"Utility":5.8,"Discarded":0,"Stale":0,"Get Failures":0,"Local Work":{},"Remote Failures":0,"Network Blocks":{},"Total MH":{}.0,"Work Utility":{}.0,"Difficulty Accepted":{}.0,"Difficulty Rejected":0.0,"Difficulty Stale":0.0,"Best Share":19649871,"Device Hardware%":0.0,"Device Rejected%":0.0,"Pool Rejected%":0.0,"Pool Stale%":0.0,"Last getwork":0}}],"id":1}}"#,
        view.elapsed / 30,
        view.elapsed / 10,
        view.elapsed * 20,
        view.elapsed / 600,
        view.rate * view.elapsed,
        view.rate / 71_582,
        view.elapsed / 10 * 262_144,
        elapsed = view.elapsed,
        rate = view.rate,
    );
}

fn devs(out: &mut Vec<u8>, view: &View, when: i64) {
    heading(out, when, 9, "1 ASC(s)");
    add!(
        out,
        r#""DEVS":[{{"ASC":0,"Name":"AVA10","ID":0,"Enabled":"Y","Status":"Alive","Temperature":-273.0,"MHS av":{rate}.0,"MHS 30s":{rate}.0,"MHS 1m":{rate}.0,"MHS 5m":{rate}.0,"MHS 15m":{rate}.0,"Accepted":{},"Rejected":0,"Hardware Errors":0,"Device Elapsed":{}}}],"id":1}}"#,
        view.elapsed / 10,
        view.elapsed,
        rate = view.rate,
    );
}

fn pools(out: &mut Vec<u8>, card: &Card, view: &View, when: i64) {
    heading(out, when, 7, "3 Pool(s)");
    add!(out, r#""POOLS":["#);
    for place in 0..3 {
        let (first, accepted) = (place == 0, if place == 0 { view.elapsed / 10 } else { 0 });
        add!(
            out,
            r#"{}{{"POOL":{place},"URL":"stratum+tcp://pool{}.example:3333","Status":"Alive","Priority":{place},"Quota":1,"Long Poll":"N","Getworks":{accepted},"Accepted":{accepted},"Rejected":0,"Works":{accepted},"Discarded":0,"Stale":0,"Get Failures":0,"Remote Failures":0,"User":"{}","Last Share Time":{},"Stratum Active":{first},"Stratum Difficulty":262144.0,"Pool Rejected%":0.0,"Pool Stale%":0.0}}"#,
            if first { "" } else { "," },
            place + 1,
            card.worker,
            if accepted == 0 { 0 } else { view.elapsed - 3 },
        );
    }
    add!(out, r#"],"id":1}}"#);
}

/// What comes of a write.
enum Said {
    Words(char, u32, String),
    /// The connection closes.
    Nothing,
}

impl Said {
    fn ok() -> Self {
        Self::Words('S', 119, "ASC 0 set OK".to_owned())
    }
    fn info(words: &str) -> Self {
        Self::Words('I', 118, format!("ASC 0 set info: {words}"))
    }
    fn failed(words: &str) -> Self {
        Self::Words('E', 120, format!("ASC 0 set failed: {words}"))
    }
    fn of(outcome: Outcome, done: Self) -> Self {
        match outcome {
            Outcome::Accepted => done,
            Outcome::Refused(words) => Self::failed(&words),
            Outcome::Unanswered(_) => Self::Nothing,
        }
    }
}

fn ascset(state: &mut State, card: &Card, machine: MachineIx, when: i64, parameter: &str) -> Option<Said> {
    if state.plant.truth(machine).fault == Some(Fault::RefusesCommands) {
        return Some(Said::Words('E', 45, "Access denied to 'ascset' command".to_owned()));
    }
    let Some(("0", command)) = parameter.split_once(',') else {
        return Some(Said::Words('E', 107, "Missing ASC id parameter".to_owned()));
    };
    let (name, value) = command.split_once(',').unwrap_or((command, ""));
    let view = state.view(machine, card);
    Some(match (name, value) {
        ("help", _) => Said::info("help|reboot|led|workmode|setpool|hashpower|softoff|"),
        ("softoff", "") => Said::of(state.plant.command(machine, Action::Sleep), Said::ok()),
        ("softoff", at) => match at.strip_prefix("1:").and_then(|at| at.parse::<i64>().ok()) {
            Some(at) if (0..=AHEAD_MAX).contains(&(at - when)) => {
                let done = Said::info(&format!("success softoff:{at}"));
                Said::of(state.plant.command(machine, Action::Sleep), done)
            }
            Some(at) => Said::info(&format!("success softoff:{at}")),
            None => Said::failed("Invalid softoff param"),
        },
        ("hashpower", "0") => {
            Said::of(state.plant.command(machine, Action::Sleep), Said::info("Power off hash now ..."))
        }
        ("hashpower", "") => {
            Said::info(&format!("PS[0 1214 1316 240 {} 1320 {}]", view.watts * 10 / 11, view.watts))
        }
        ("reboot", "0" | "1") => reboot(state, machine),
        ("led", "1-255") => Said::info(&format!("LED[{}]", u8::from(state.units[machine.ix()].blinks))),
        ("led", "1-0" | "1-1") => {
            state.units[machine.ix()].blinks = value == "1-1";
            Said::ok()
        }
        ("workmode", "255") => Said::info(&format!("WORKMODE[{}]", u8::from(view.mode == ModeName::High))),
        ("workmode", "0" | "1") => {
            let mode = if value == "1" { ModeName::High } else { ModeName::Normal };
            if !card.modes.iter().any(|(known, _)| *known == mode) {
                return Some(Said::failed("Invalid work mode"));
            }
            state.units[machine.ix()].mode_next = Some(mode);
            Said::info(&format!("WORKMODE[{value}]"))
        }
        ("setpool", pool) => setpool(pool),
        (other, _) => Said::failed(&format!("Unknown option: {other}")),
    })
}

/// Everything that was set counts from now on, and it hashes, whatever it did before.
fn reboot(state: &mut State, machine: MachineIx) -> Said {
    let mode = state.units[machine.ix()].mode_next.take();
    let asleep = state.plant.truth(machine).activity == Some(Activity::Asleep);
    let outcome = match mode {
        Some(mode) => state.plant.command(machine, Action::SetMode(mode)),
        None if asleep => state.plant.command(machine, Action::Wake),
        None => state.restart(machine),
    };
    Said::of(outcome, Said::Nothing)
}

/// User, password, place, address, worker and its password.
fn setpool(pool: &str) -> Said {
    match pool.split(',').collect::<Vec<_>>().as_slice() {
        ["root", "root", "0" | "1" | "2", url, worker, password] => Said::info(&format!(
            "\npool success set to {url}\nworker is {worker}\nworkerpassword is {password}\nPlease reboot miner to make config work.\n"
        )),
        [_, _, "0" | "1" | "2", ..] => Said::failed("Invalid user or password"),
        _ => Said::failed("Invalid setpool param"),
    }
}
