//! A full reading's boards, fans, pools and faults, as lines and as JSON. What no reply carried is absent there
//! too. Pools' addresses and accounts are left out unless they are asked for: reports go to strangers.
//!
//! Not here: asking for them (`device`).

use core::time::Duration;

use offpeak_drivers::full::{BoardReading, Details, FanReading, Fault, PoolReading};
use offpeak_units::{HashRate, Temperature};
use serde_json::{Value, json};

/// Joins what there is.
fn joined(parts: impl IntoIterator<Item = Option<String>>) -> String {
    let told: Vec<String> = parts.into_iter().flatten().collect();
    if told.is_empty() { "nothing told".to_owned() } else { told.join(", ") }
}

fn terahashes(rate: HashRate) -> String {
    format!("{:.3} TH/s", rate.to_terahashes_f64())
}

fn celsius(of: Temperature) -> String {
    format!("{:.1} °C", of.to_celsius_f64())
}

fn board(board: &BoardReading) -> String {
    joined([
        board.hash_rate.map(terahashes),
        board.chips.map(|chips| format!("{chips} chips")),
        board.temperature_chip.map(|of| format!("chips {}", celsius(of))),
        board.temperature.map(|of| format!("board {}", celsius(of))),
        board.works.map(|works| if works { "works" } else { "does not work" }.to_owned()),
        board.serial.clone(),
    ])
}

fn pool(pool: &PoolReading, accounts: bool) -> String {
    let account = |told: &Option<String>| told.clone().filter(|_| accounts);
    let shares = |count: Option<u64>, what: &str| count.map(|count| format!("{count} {what}"));
    joined([
        account(&pool.url),
        account(&pool.user),
        pool.is_active.map(|active| if active { "mined for" } else { "waiting" }.to_owned()),
        pool.is_alive.map(|alive| if alive { "answers" } else { "does not answer" }.to_owned()),
        shares(pool.accepted, "accepted"),
        shares(pool.rejected, "rejected"),
        shares(pool.stale, "stale"),
    ])
}

fn fault(fault: &Fault) -> String {
    joined([
        fault.code.clone(),
        fault.words.clone(),
        fault.since.as_ref().map(|since| format!("since {since}")),
    ])
}

fn for_so_long(time: Duration) -> String {
    let minutes = time.as_secs() / 60;
    format!("{} d {} h {} min", minutes / 1_440, minutes / 60 % 24, minutes % 60)
}

/// One line a board, fan, pool and fault.
pub(crate) fn lines(details: &Details, accounts: bool) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    let mut part = |name: &str, told: Option<Vec<(String, String)>>| match told {
        None => lines.push((format!("{name}s"), "not told".to_owned())),
        Some(told) if told.is_empty() => lines.push((format!("{name}s"), "none".to_owned())),
        Some(told) => lines.extend(told.into_iter().map(|(place, words)| (format!("{name} {place}"), words))),
    };
    let boards =
        |boards: &Vec<BoardReading>| boards.iter().map(|of| (of.place.to_string(), board(of))).collect();
    part("board", details.boards.as_ref().map(boards));
    let rpm = |fan: &FanReading| fan.rpm.map_or("not told".to_owned(), |rpm| format!("{rpm} rpm"));
    let fans = |fans: &Vec<FanReading>| fans.iter().map(|fan| (fan.name.clone(), rpm(fan))).collect();
    part("fan", details.fans.as_ref().map(fans));
    let counted = |words: Vec<String>| {
        (1..).zip(words).map(|(place, words): (u32, _)| (place.to_string(), words)).collect()
    };
    let pools = |pools: &Vec<PoolReading>| counted(pools.iter().map(|of| pool(of, accounts)).collect());
    part("pool", details.pools.as_ref().map(pools));
    let faults = |faults: &Vec<Fault>| counted(faults.iter().map(fault).collect());
    part("fault", details.faults.as_ref().map(faults));
    let shares = [
        details.shares_accepted.map(|n| format!("{n} accepted")),
        details.shares_rejected.map(|n| format!("{n} rejected")),
    ];
    if shares.iter().any(Option::is_some) {
        lines.push(("shares".to_owned(), joined(shares)));
    }
    for (name, time) in [("up for", details.uptime), ("mining for", details.mining_for)] {
        lines.extend(time.map(|time| (name.to_owned(), for_so_long(time))));
    }
    let unanswered =
        |(question, trouble): &(&str, _)| ("not told".to_owned(), format!("{question}: {trouble}"));
    lines.extend(details.unanswered.iter().map(unanswered));
    lines
}

/// The same as JSON: `null` is what no reply carried.
pub(crate) fn value(details: &Details, accounts: bool) -> Value {
    let boards = |boards: &Vec<BoardReading>| -> Value {
        let board = |of: &BoardReading| {
            json!({
                "place": of.place, "serial": of.serial, "chips": of.chips,
                "hash_rate_ths": of.hash_rate.map(HashRate::to_terahashes_f64),
                "temperature_c": of.temperature.map(Temperature::to_celsius_f64),
                "temperature_chip_c": of.temperature_chip.map(Temperature::to_celsius_f64),
                "works": of.works,
            })
        };
        boards.iter().map(board).collect()
    };
    let fans = |fans: &Vec<FanReading>| -> Value {
        fans.iter().map(|fan| json!({"name": fan.name, "rpm": fan.rpm})).collect()
    };
    let pools = |pools: &Vec<PoolReading>| -> Value {
        let pool = |of: &PoolReading| {
            let mut pool = json!({
                "active": of.is_active, "alive": of.is_alive, "accepted": of.accepted, "rejected": of.rejected,
                "stale": of.stale,
            });
            if accounts {
                (pool["url"], pool["user"]) = (json!(of.url), json!(of.user));
            }
            pool
        };
        pools.iter().map(pool).collect()
    };
    let faults = |faults: &Vec<Fault>| -> Value {
        faults.iter().map(|of| json!({"code": of.code, "words": of.words, "since": of.since})).collect()
    };
    let unanswered = |(question, trouble): &(&str, offpeak_site::Trouble)| json!({"question": question, "trouble": trouble.to_string()});
    json!({
        "boards": details.boards.as_ref().map(boards),
        "fans": details.fans.as_ref().map(fans),
        "pools": details.pools.as_ref().map(pools),
        "faults": details.faults.as_ref().map(faults),
        "shares_accepted": details.shares_accepted,
        "shares_rejected": details.shares_rejected,
        "uptime_s": details.uptime.map(|time| time.as_secs()),
        "mining_s": details.mining_for.map(|time| time.as_secs()),
        "unanswered": details.unanswered.iter().map(unanswered).collect::<Value>(),
    })
}

#[cfg(test)]
mod tests {
    use offpeak_site::Trouble;

    use super::*;

    fn details() -> Details {
        Details {
            boards: Some(vec![BoardReading {
                place: 2,
                chips: Some(114),
                hash_rate: HashRate::from_terahashes_f64(35.5),
                temperature_chip: Temperature::from_celsius_f64(71.0),
                ..BoardReading::default()
            }]),
            fans: Some(vec![FanReading { name: "in".into(), rpm: None }]),
            pools: Some(vec![PoolReading {
                url: Some("stratum+tcp://pool.example:3333".into()),
                user: Some("acme.rig7".into()),
                is_active: Some(true),
                accepted: Some(5_412),
                ..PoolReading::default()
            }]),
            faults: Some(vec![]),
            mining_for: Some(Duration::from_secs(100_000)),
            unanswered: vec![("faults", Trouble::Denied)],
            ..Details::default()
        }
    }

    #[test]
    fn what_is_not_told_is_said_so_and_no_account_is_shown() {
        let text = |accounts| {
            let lines = lines(&details(), accounts).into_iter();
            lines.map(|(name, words)| format!("{name}: {words}")).collect::<Vec<_>>()
        };
        let shown = text(false);
        assert_eq!(
            shown[..4],
            [
                "board 2: 35.500 TH/s, 114 chips, chips 71.0 °C",
                "fan in: not told",
                "pool 1: mined for, 5412 accepted",
                "faults: none",
            ]
        );
        assert_eq!(shown[4], "mining for: 1 d 3 h 46 min");
        assert!(shown[5].starts_with("not told: faults: "), "{shown:?}");
        assert!(text(true)[2].starts_with("pool 1: stratum+tcp://pool.example:3333, acme.rig7, "));
        let silent = lines(&Details::default(), true);
        assert!(silent.iter().all(|(_, words)| words == "not told") && silent.len() == 4, "{silent:?}");
    }

    #[test]
    fn json_has_null_for_what_was_not_told() {
        let shown = value(&details(), false);
        assert_eq!(
            (&shown["boards"][0]["chips"], &shown["boards"][0]["serial"]),
            (&json!(114), &Value::Null)
        );
        assert_eq!((&shown["faults"], &shown["uptime_s"]), (&json!([]), &Value::Null));
        assert!(!shown.to_string().contains("acme") && !shown.to_string().contains("pool.example"));
        assert_eq!(value(&details(), true)["pools"][0]["user"], "acme.rig7");
        assert_eq!(value(&Details::default(), false)["boards"], Value::Null);
    }
}
