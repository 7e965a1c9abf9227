//! What a full reading asks of ePIC's firmwares, and what it makes of the answers.
//!
//! Not here: the fast reading (`drive`).

use serde_json::Value;

use super::page;
use crate::call::Call;
use crate::full::tree::{Tree, tree};
use crate::full::{
    BoardReading, Details, FanReading, Fault, LIST_MAX, PoolReading, celsius, megahashes, open, seconds,
};
use crate::refusal::ReplyError;

/// Its boards, fans, pools and last error.
pub(crate) async fn read(call: &mut Call<'_>) -> Details {
    let mut asked = Details::default();
    match asked.get(call, "all", page::SUMMARY, open, parse).await {
        Some(details) => details,
        None => asked,
    }
}

/// Reads a reply to `summary`.
///
/// # Errors
/// That it is no such reply.
pub fn parse(bytes: &[u8]) -> Result<Details, ReplyError> {
    let reply = tree(bytes)?;
    Ok(Details {
        boards: boards(&reply),
        fans: fans(&reply),
        pools: pools(&reply),
        faults: reply.pointer("/Status/Last Error").map(|last| {
            let words = last.text("").or_else(|| (!last.is_null()).then(|| last.to_string()));
            words.into_iter().map(|words| Fault { words: Some(words), ..Fault::default() }).collect()
        }),
        // One counter for all pools that it ever went to.
        shares_accepted: reply.count("/Session/Accepted"),
        shares_rejected: reply.count("/Session/Rejected"),
        mining_for: seconds(reply.number("/Session/Uptime")),
        ..Details::default()
    })
}

/// Every board that was found; one that is switched off tells no rate.
fn boards(reply: &Value) -> Option<Vec<BoardReading>> {
    let running = reply.list("/HBs")?;
    let find = |place: u64| running.iter().find(|board| board.count("/Index") == Some(place));
    let board = |place: u64, works: Option<bool>| {
        let told = find(place);
        BoardReading {
            place,
            serial: None,
            // It tells how many a board should have, not how many answer.
            chips: None,
            hash_rate: megahashes(told.and_then(|board| board.number("/Hashrate/0"))),
            temperature: celsius(told.and_then(|board| board.number("/Temperature"))),
            temperature_chip: None,
            works,
        }
    };
    let found = reply.list("/HBStatus").unwrap_or_default().iter().take(LIST_MAX);
    let found = found.filter(|status| status.flag("/Detected") == Some(true));
    let mut boards: Vec<_> =
        found.filter_map(|status| Some(board(status.count("/Index")?, status.flag("/Enabled")))).collect();
    for place in running.iter().filter_map(|board| board.count("/Index")).take(LIST_MAX) {
        if !boards.iter().any(|board: &BoardReading| board.place == place) {
            boards.push(board(place, None));
        }
    }
    boards.truncate(LIST_MAX);
    Some(boards)
}

/// Places without a fan are `null`.
fn fans(reply: &Value) -> Option<Vec<FanReading>> {
    let rpms = reply.pointer("/Fans Rpm")?;
    let fan = |place: usize| {
        let rpm = rpms.count(&format!("/Fans Speed {place}"))?;
        Some(FanReading { name: place.to_string(), rpm: Some(rpm) })
    };
    Some((1..=LIST_MAX).filter_map(fan).collect())
}

fn pools(reply: &Value) -> Option<Vec<PoolReading>> {
    let current = reply.count("/Stratum/Config Id");
    let connected = reply.flag("/Stratum/IsPoolConnected");
    let pool = |(place, pool): (u64, &Value)| {
        let active = current.map(|current| current == place);
        PoolReading {
            url: pool.text("/pool"),
            user: pool.text("/login"),
            is_active: active.map(|active| active && connected != Some(false)),
            // Of the others it does not know.
            is_alive: connected.filter(|_| active == Some(true)),
            ..PoolReading::default()
        }
    };
    Some((0..).zip(reply.list("/StratumConfigs")?).take(LIST_MAX).map(pool).collect())
}
