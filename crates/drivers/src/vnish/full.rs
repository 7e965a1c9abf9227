//! What a full reading asks of VNish, and what it makes of the answer: its summary tells it all, while a mining
//! process runs. After the firmware's OpenAPI description; no recorded reply is published.
//!
//! Not here: the fast reading (`drive`).

use serde_json::Value;

use super::drive::unlock;
use super::page;
use crate::call::Call;
use crate::full::tree::{Tree, tree};
use crate::full::{BoardReading, Details, FanReading, Fault, LIST_MAX, PoolReading, celsius, gigahashes};
use crate::refusal::ReplyError;

/// Its boards, fans, pools and fault.
pub(crate) async fn read(call: &mut Call<'_>) -> Details {
    let mut asked = Details::default();
    match asked.get(call, "all", page::SUMMARY, unlock, parse).await {
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
    // Empty while no mining process runs.
    let Some(miner) = reply.pointer("/miner") else { return Ok(Details::default()) };
    let listed = |at: &str| miner.list(at).map(|list| list.iter().take(LIST_MAX));
    Ok(Details {
        boards: listed("/chains").map(|list| (1..).zip(list).map(board).collect()),
        fans: listed("/cooling/fans").map(|list| (0..).zip(list).map(fan).collect()),
        // The maker's own share of the work goes to a pool of his, which is none of the owner's.
        pools: listed("/pools")
            .map(|list| list.filter(|pool| pool["pool_type"] != "DevFee").map(pool).collect()),
        faults: miner.pointer("/miner_status").map(|status| faults(status, miner)),
        ..Details::default()
    })
}

fn board((listed, board): (u64, &Value)) -> BoardReading {
    BoardReading {
        place: board.count("/id").unwrap_or(listed),
        serial: board.text("/serial"),
        // How many chips answer it does not say, only how many do badly.
        chips: None,
        hash_rate: gigahashes(board.number("/hashrate_rt").or(board.number("/hr_realtime"))),
        temperature: celsius(board.number("/pcb_temp/max")),
        temperature_chip: celsius(board.number("/chip_temp/max")),
        works: board.text("/status/state").map(|word| word != "failure"),
    }
}

fn fan((listed, fan): (u64, &Value)) -> FanReading {
    FanReading { name: fan.text("/id").unwrap_or_else(|| listed.to_string()), rpm: fan.count("/rpm") }
}

fn pool(pool: &Value) -> PoolReading {
    let status = pool.text("/status");
    let alive = status.as_deref().and_then(|word| match word {
        "active" | "working" => Some(true),
        "offline" | "rejecting" => Some(false),
        _ => None,
    });
    PoolReading {
        url: pool.text("/url"),
        user: pool.text("/user"),
        is_active: status.map(|word| word == "active"),
        is_alive: alive,
        accepted: pool.count("/accepted"),
        rejected: pool.count("/rejected"),
        stale: pool.count("/stale"),
    }
}

/// Why it failed, and which boards did.
fn faults(status: &Value, miner: &Value) -> Vec<Fault> {
    let fault = |code: Option<String>, words: Option<String>| {
        (code.is_some() || words.is_some()).then_some(Fault { code, words, since: None })
    };
    let whole = (status["miner_state"] == "failure")
        .then(|| fault(status.text("/failure_code"), status.text("/description")));
    let boards = miner.list("/chains").unwrap_or_default().iter().take(LIST_MAX);
    let failed =
        boards.filter(|board| board.pointer("/status/state").is_some_and(|state| state == "failure"));
    let of_boards = failed.map(|board| {
        let place = board.text("/id").unwrap_or_default();
        let words = board.text("/status/description").unwrap_or_else(|| "failure".to_owned());
        fault(None, Some(format!("board {place}: {words}")))
    });
    whole.into_iter().chain(of_boards).flatten().collect()
}
