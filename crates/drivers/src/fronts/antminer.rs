//! Antminer's CGMiner API on TCP 4028, from the machine's side.
//!
//! Shapes: the recorded replies in `tests/fixtures/antminer/v2020`; `config` and refusals as in
//! cgminer's API-README. An S19 refuses commands joined by `+`. Asleep, the mining process still
//! answers, with rates of zero; nothing here says that it sleeps. Older firmwares' statistics lack a comma.
//!
//! Not here: the pages (`pages`), the socket (`talk`).

use std::borrow::Cow;

use offpeak_site::MachineIx;
use serde::Deserialize;

use super::State;
use super::card::Card;
use super::splice::{Hundredths, add};
use super::view::View;

/// When the firmware was built, in its own words.
pub(super) const BUILT: &str = "Tue Dec  6 16:12:30 CST 2022";
/// Its version.
pub(super) const VERSION: &str = "49.0.1.3";
/// The chips of an S19 Pro's board.
pub(super) const CHIPS: u32 = 114;
/// As `stats` draws them: an `o` for each chip that answers.
const CHIPS_DRAWN: &str = " ooo ooo ooo ooo ooo ooo ooo ooo ooo ooo ooo ooo ooo ooo ooo ooo ooo ooo ooo ooo ooo ooo ooo ooo ooo ooo ooo ooo ooo ooo ooo ooo ooo ooo ooo ooo ooo ooo";

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow, default)]
    command: Option<Cow<'a, str>>,
}

/// Answers one request.
pub(super) fn answer(state: &mut State, card: &Card, machine: MachineIx, request: &[u8], out: &mut Vec<u8>) {
    let when = state.plant.now().as_second();
    let Ok(request) = serde_json::from_slice::<Request<'_>>(request) else {
        return refuse(out, when, 23, "Invalid JSON");
    };
    let Some(command) = request.command else {
        return refuse(out, when, 24, "Missing JSON 'command'");
    };
    let view = state.view(machine, card);
    match command.as_ref() {
        "stats" => stats(out, card, &view),
        "summary" => summary(out, &view),
        "version" => version(out, card, when),
        "pools" => pools(out, card, &view),
        "devs" => devs(out, &view),
        "config" => config(out, when),
        _ => refuse(out, when, 14, "Invalid command"),
    }
}

fn refuse(out: &mut Vec<u8>, when: i64, code: u32, words: &str) {
    add!(
        out,
        r#"{{"STATUS":[{{"STATUS":"E","When":{when},"Code":{code},"Msg":"{words}","Description":"cgminer 1.0.0"}}],"id":1}}"#
    );
}

fn heading(out: &mut Vec<u8>, when: i64, code: u32, words: &str) {
    add!(
        out,
        r#"{{"STATUS":[{{"STATUS":"S","When":{when},"Code":{code},"Msg":"{words}","Description":"cgminer 1.0.0"}}],"#
    );
}

fn version(out: &mut Vec<u8>, card: &Card, when: i64) {
    heading(out, when, 22, "CGMiner versions");
    add!(
        out,
        r#""VERSION":[{{"BMMiner":"1.0.0","API":"3.1","Miner":"{VERSION}","CompileTime":"{BUILT}","Type":"{}"}}],"id":1}}"#,
        card.model
    );
}

fn config(out: &mut Vec<u8>, when: i64) {
    heading(out, when, 33, "CGMiner config");
    add!(
        out,
        r#""CONFIG":[{{"ASC Count":1,"PGA Count":0,"Pool Count":3,"Strategy":"Failover","Log Interval":5,"Device Code":"SOC ","OS":"Linux","Hotplug":"None"}}],"id":1}}"#
    );
}

fn summary(out: &mut Vec<u8>, view: &View) {
    let (elapsed, rate) = (view.elapsed, Hundredths(view.rate / 10));
    heading(out, view.when, 11, "Summary");
    add!(
        out,
        r#""SUMMARY":[{{"Elapsed":{elapsed},"GHS 5s":{rate},"GHS av":{rate},"GHS 30m":{rate},"Found Blocks":0,"Getwork":{},"Accepted":{},"Rejected":0,"Hardware Errors":0,"Utility":4.82,"Discarded":{},"Stale":0,"Get Failures":0,"Local Work":{},"Remote Failures":0,"Network Blocks":{},"Total MH":{}.0,"Work Utility":{}.00,"Difficulty Accepted":{}.0,"Difficulty Rejected":0.0,"Difficulty Stale":0.0,"Best Share":12904207043,"Device Hardware%":0.0,"Device Rejected%":0.0,"Pool Rejected%":0.0,"Pool Stale%":0.0,"Last getwork":{}}}],"id":1}}"#,
        elapsed / 13,
        elapsed / 12,
        elapsed * 89,
        elapsed * 90,
        elapsed / 600,
        view.rate * elapsed,
        view.rate / 71_582,
        elapsed / 12 * 524_288,
        view.when,
    );
}

/// Whole degrees Celsius, so far below. Sensors show no less than 0, which also stands for none.
fn degrees(chip: i64, below: i64) -> i64 {
    (chip / 100 - below).max(0)
}

fn stats(out: &mut Vec<u8>, card: &Card, view: &View) {
    let (rate, fan) = (Hundredths(view.rate / 10), view.fan);
    heading(out, view.when, 70, "CGMiner stats");
    add!(
        out,
        r#""STATS":[{{"BMMiner":"1.0.0","Miner":"{VERSION}","CompileTime":"{BUILT}","Type":"{}"}}{}{{"STATS":0,"ID":"BTM_SOC0","Elapsed":{},"Calls":0,"Wait":0,"Max":0,"Min":99999999,"GHS 5s":{rate},"GHS av":{rate},"rate_30m":{rate},"Mode":2,"miner_count":3,"frequency":525,"fan_num":4,"fan1":{fan},"fan2":{fan},"fan3":{},"fan4":{},"temp_num":3,"#,
        card.model,
        // Firmwares without a sleep command leave it out.
        if card.sleeps { "," } else { "" },
        view.elapsed,
        fan * 5 / 6,
        fan * 5 / 6,
    );
    for board in 1..=3_i64 {
        add!(
            out,
            r#""temp{board}":{},"temp2_{board}":{},"#,
            degrees(view.chip, 13),
            degrees(view.chip, board - 1)
        );
    }
    for board in 1..=3_i64 {
        let at = |below| degrees(view.chip, board - 1 + below);
        add!(
            out,
            r#""temp_chip{board}":"{}-{}-{}-{}","temp_pcb{board}":"{}-{}-{}-{}","temp_pic{board}":"{}-{}-{}-{}","#,
            at(0),
            at(20),
            at(2),
            at(3),
            at(5),
            at(25),
            at(7),
            at(8),
            at(15),
            at(35),
            at(17),
            at(18),
        );
    }
    add!(
        out,
        r#""temp_chip4":"0-0-0-0","temp_pcb4":"0-0-0-0","temp_pic4":"0-0-0-0","total_rateideal":{},"rate_unit":"GH","total_freqavg":525,"total_acn":{},"total rate":{rate},"temp_max":0,"no_matching_work":0,"#,
        Hundredths(card.rate_factory / 10),
        if view.board_dead { CHIPS * 2 } else { CHIPS * 3 },
    );
    for (place, rate) in view.boards.into_iter().enumerate() {
        let board = place + 1;
        let dead = view.board_dead && rate == 0;
        let (chips, drawn) = if dead { (0, "") } else { (CHIPS, CHIPS_DRAWN) };
        add!(
            out,
            r#""chain_acn{board}":{chips},"chain_acs{board}":"{drawn}","chain_hw{board}":0,"chain_rate{board}":"{}","freq{board}":525,"#,
            Hundredths(rate / 10)
        );
    }
    add!(
        out,
        r#""chain_acn4":0,"chain_acs4":"","chain_hw4":0,"chain_rate4":"","freq4":0,"miner_version":"{VERSION}","miner_id":"8144d5ca79104814"}}],"id":1}}"#
    );
}

fn devs(out: &mut Vec<u8>, view: &View) {
    heading(out, view.when, 9, "1 ASC(s)");
    add!(
        out,
        r#""DEVS":[{{"ASC":0,"Name":"BTM_SOC","ID":0,"Enabled":"Y","Status":"Alive","Tenperature":0.00,"MHS av":{rate}.00,"MHS 5s":{rate}.00,"Accepted":{},"Rejected":0,"Hardware Errors":0,"Device Elapsed":{}}}],"id":1}}"#,
        view.elapsed / 12,
        view.elapsed,
        rate = view.rate,
    );
}

fn pools(out: &mut Vec<u8>, card: &Card, view: &View) {
    heading(out, view.when, 7, "3 Pool(s)");
    add!(out, r#""POOLS":["#);
    for place in 0..3 {
        let (first, accepted) = (place == 0, if place == 0 { view.elapsed / 12 } else { 0 });
        add!(
            out,
            r#"{}{{"POOL":{place},"URL":"stratum+tcp://pool{}.example:3333","Status":"Alive","Priority":{place},"Quota":1,"Long Poll":"N","Getworks":{accepted},"Accepted":{accepted},"Rejected":0,"Discarded":0,"Stale":0,"Get Failures":0,"Remote Failures":0,"User":"{}","Last Share Time":"{}","Diff":"524K","Diff1 Shares":0,"Proxy Type":"","Proxy":"","Difficulty Accepted":{}.0,"Difficulty Rejected":0.0,"Difficulty Stale":0.0,"Last Share Difficulty":524288.0,"Has Stratum":true,"Stratum Active":{first},"Stratum URL":"{}","Has GBT":false,"Best Share":0.0,"Pool Rejected%":0.0,"Pool Stale%%":0.0}}"#,
            if first { "" } else { "," },
            place + 1,
            card.worker,
            if accepted == 0 { "0" } else { "0:00:03" },
            accepted * 524_288,
            if first { "pool1.example" } else { "" },
        );
    }
    add!(out, r#"],"id":1}}"#);
}
