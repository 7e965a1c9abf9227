//! Antminer's pages, from the machine's side: what each one holds, and what saving one does.
//!
//! Shapes: `get_system_info.cgi` as recorded (`tests/fixtures/antminer/v2020/system_info.json`); the
//! others as public notes on stock firmware and the readers of asic-rs 0.8.6 and pyasic 0.79.0 know
//! them. `get_miner_conf.cgi` names the work mode `bitmain-work-mode` (text), `set_miner_conf.cgi` heeds
//! `miner-mode` and needs the whole configuration.
//!
//! Not here: HTTP (`web`), the login (`digest`).

use offpeak_site::{Action, Activity, MachineIx, ModeName, Outcome};
use serde_json::{Value, json};

use super::State;
use super::antminer::{BUILT, CHIPS, VERSION};
use super::card::Card;
use super::view::{View, gigahashes};

/// A page's content, or `None` where there is no such page.
pub(super) fn page(
    state: &mut State,
    card: &Card,
    machine: MachineIx,
    path: &str,
    body: &[u8],
) -> Option<String> {
    let name = path.strip_prefix("/cgi-bin/")?.strip_suffix(".cgi")?;
    let view = state.view(machine, card);
    let content = match name {
        "get_miner_conf" => conf(state, card, machine, &view),
        "set_miner_conf" => set_conf(state, card, machine, body),
        "get_system_info" => system_info(card),
        "get_network_info" => network_info(card),
        "summary" => summary(card, &view),
        "stats" => stats(card, &view),
        "pools" => pools(card, &view),
        "get_miner_status" => json!({
            "summary": {"elapsed": view.elapsed, "ghs5s": gigahashes(view.rate), "ghsav": gigahashes(view.rate)},
            "pools": [], "devs": []
        }),
        "get_blink_status" => json!({"blink": state.units[machine.ix()].blinks}),
        "blink" => {
            let text = String::from_utf8_lossy(body);
            let on = text.contains("true");
            state.units[machine.ix()].blinks = on;
            json!({"code": if on { "B000" } else { "B100" }})
        }
        "reboot" => {
            state.restart(machine);
            return Some(String::new());
        }
        _ => return None,
    };
    Some(content.to_string())
}

fn conf(state: &State, card: &Card, machine: MachineIx, view: &View) -> Value {
    let unit = &state.units[machine.ix()];
    let mode = match (view.activity, view.mode) {
        (Activity::Asleep, _) => "1",
        (_, ModeName::Low) => "3",
        (_, ModeName::Normal | ModeName::High) => "0",
    };
    let pools = unit.pools.as_deref().cloned().unwrap_or_else(|| {
        let pool = |place| {
            json!({"url": format!("stratum+tcp://pool{place}.example:3333"), "user": card.worker, "pass": "x"})
        };
        json!([pool(1), pool(2), pool(3)])
    });
    let (fan, pwm, level) =
        unit.settings.as_deref().cloned().unwrap_or_else(|| (json!(false), json!("100"), json!("100")));
    let mut conf = json!({
        "pools": pools,
        "api-listen": true,
        "api-network": true,
        "api-groups": "A:stats:pools:devs:summary:version",
        "api-allow": "A:0/0,W:*",
        "bitmain-fan-ctrl": fan,
        "bitmain-fan-pwm": pwm,
        "bitmain-use-vil": true,
        "bitmain-freq": "525",
        "bitmain-voltage": "1360",
        "bitmain-ccdelay": "1",
        "bitmain-pwth": "1",
        "bitmain-work-mode": mode,
        "bitmain-freq-level": level,
    });
    if !card.sleeps
        && let Some(conf) = conf.as_object_mut()
    {
        conf.retain(|key, _| !matches!(key.as_str(), "bitmain-work-mode" | "bitmain-freq-level"));
    }
    conf
}

/// The work mode in a saved configuration: a number, or a number as text.
fn work_mode(conf: &Value) -> Option<u64> {
    let mode = &conf["miner-mode"];
    mode.as_u64().or_else(|| mode.as_str()?.parse().ok())
}

fn set_conf(state: &mut State, card: &Card, machine: MachineIx, body: &[u8]) -> Value {
    let refused = |words: &str| json!({"stats": "error", "code": "M001", "msg": words});
    if !card.sleeps {
        // The older page takes a form.
        return refused("Illegal request!");
    }
    let Ok(conf) = serde_json::from_slice::<Value>(body) else {
        return refused("Illegal request!");
    };
    if !conf["pools"].is_array() {
        return refused("Illegal request!");
    }
    let action = match work_mode(&conf) {
        Some(0) => Some(Action::SetMode(ModeName::Normal)),
        Some(1) => Some(Action::Sleep),
        Some(3) => Some(Action::SetMode(ModeName::Low)),
        Some(_) => return refused("Illegal request!"),
        None => None,
    };
    if let Some(action) = action {
        match state.plant.command(machine, action) {
            Outcome::Accepted => {}
            Outcome::Refused(words) => return refused(&words),
            Outcome::Unanswered(_) => return refused("Illegal request!"),
        }
    }
    let unit = &mut state.units[machine.ix()];
    unit.pools = Some(Box::new(conf["pools"].clone()));
    let kept = |key: &str, usual: Value| conf.get(key).cloned().unwrap_or(usual);
    unit.settings = Some(Box::new((
        kept("bitmain-fan-ctrl", json!(false)),
        kept("bitmain-fan-pwm", json!("100")),
        kept("freq-level", json!("100")),
    )));
    json!({"stats": "success", "code": "M000", "msg": "OK!"})
}

fn system_info(card: &Card) -> Value {
    json!({
        "minertype": card.model,
        "nettype": "DHCP",
        "netdevice": "eth0",
        "macaddr": card.mac.to_string(),
        "hostname": "Antminer",
        "ipaddress": card.ip.to_string(),
        "netmask": "255.255.255.0",
        "gateway": "",
        "dnsservers": "",
        "system_mode": "GNU/Linux",
        "system_kernel_version": "Linux 4.6.0-xilinx-gff8137b-dirty #25 SMP PREEMPT Fri Nov 23 15:30:52 CST 2018",
        "system_filesystem_version": BUILT,
        "firmware_type": "Release",
        "serinum": card.serial,
    })
}

fn network_info(card: &Card) -> Value {
    json!({
        "nettype": "DHCP",
        "netdevice": "eth0",
        "macaddr": card.mac.to_string(),
        "ipaddress": card.ip.to_string(),
        "netmask": "255.255.255.0",
        "conf_nettype": "DHCP",
        "conf_hostname": "Antminer",
        "conf_ipaddress": "",
        "conf_netmask": "",
        "conf_gateway": "",
        "conf_dnsservers": "",
    })
}

/// What heads the pages of the mining process.
fn head(card: &Card, when: i64, what: &str) -> (Value, Value) {
    (
        json!({"STATUS": "S", "when": when, "Msg": what, "api_version": "1.0.0"}),
        json!({"miner_version": VERSION, "CompileTime": BUILT, "type": card.model}),
    )
}

fn summary(card: &Card, view: &View) -> Value {
    let (status, info) = head(card, view.when, "summary");
    let rate = gigahashes(view.rate);
    let sound = |kind: &str| json!({"type": kind, "status": "s", "code": 0, "msg": ""});
    let rates = if view.board_dead {
        json!({"type": "rate", "status": "e", "code": 1, "msg": "J2:1: chain is lost"})
    } else {
        sound("rate")
    };
    json!({"STATUS": status, "INFO": info, "SUMMARY": [{
        "elapsed": view.elapsed, "rate_5s": rate, "rate_30m": rate, "rate_avg": rate,
        "rate_ideal": gigahashes(card.rate_factory), "rate_unit": "GH/s", "hw_all": 0,
        "bestshare": 12_904_207_043_i64,
        "status": [rates, sound("network"), sound("fans"), sound("temp")],
    }]})
}

fn stats(card: &Card, view: &View) -> Value {
    let (status, info) = head(card, view.when, "stats");
    let rate = gigahashes(view.rate);
    let chains: Vec<Value> = view
        .boards
        .iter()
        .enumerate()
        .map(|(index, board)| {
            let dead = view.board_dead && *board == 0;
            let below = |by: i64| if dead { 0 } else { (view.chip / 100 - index as i64 - by).max(0) };
            json!({
                "index": index, "freq_avg": if dead { 0 } else { 525 },
                "rate_ideal": gigahashes(card.rate_factory / 3), "rate_real": gigahashes(*board),
                "asic_num": if dead { 0 } else { CHIPS }, "asic": "",
                "temp_pic": [below(15), below(35), below(17), below(18)],
                "temp_pcb": [below(5), below(25), below(7), below(8)],
                "temp_chip": [below(0), below(20), below(2), below(3)],
                "hw": 0, "eeprom_loaded": true, "sn": format!("{}B{index}", card.serial),
            })
        })
        .collect();
    json!({"STATUS": status, "INFO": info, "STATS": [{
        "elapsed": view.elapsed, "rate_5s": rate, "rate_30m": rate, "rate_avg": rate,
        "rate_ideal": gigahashes(card.rate_factory), "rate_unit": "GH/s",
        "chain_num": 3, "fan_num": 4, "fan": [view.fan, view.fan, view.fan * 5 / 6, view.fan * 5 / 6],
        "hwp_total": 0.0, "miner-mode": 0, "freq-level": 100, "chain": chains,
    }]})
}

fn pools(card: &Card, view: &View) -> Value {
    let (status, info) = head(card, view.when, "pools");
    let pools: Vec<Value> = (0..3)
        .map(|index| {
            let accepted = if index == 0 { view.elapsed / 12 } else { 0 };
            json!({
                "index": index, "url": format!("stratum+tcp://pool{}.example:3333", index + 1),
                "user": card.worker, "status": "Alive", "priority": index, "getworks": accepted,
                "accepted": accepted, "rejected": 0, "discarded": 0, "stale": 0, "diff": "524K",
                "diff1": 0, "diffa": accepted * 524_288, "diffr": 0, "diffs": 0, "lsdiff": 524_288, "lstime": "0:00:03",
            })
        })
        .collect();
    json!({"STATUS": status, "INFO": info, "POOLS": pools})
}
