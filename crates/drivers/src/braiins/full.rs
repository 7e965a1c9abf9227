//! What a full reading asks of Braiins OS, and what it makes of the answers.
//!
//! Not here: the fast reading (`drive`).

use serde_json::Value;

use super::drive::unlock;
use super::page;
use crate::call::Call;
use crate::full::tree::{Tree, tree};
use crate::full::{
    BoardReading, Details, FAULTS_MAX, FanReading, Fault, LIST_MAX, PoolReading, celsius, gigahashes, seconds,
};
use crate::refusal::ReplyError;

/// Its boards, fans, pools and faults.
pub(crate) async fn read(call: &mut Call<'_>) -> Details {
    let mut details = Details::default();
    details.boards = details.get(call, "boards", page::BOARDS, unlock, boards).await;
    details.fans = details.get(call, "fans", page::COOLING, unlock, fans).await;
    details.pools = details.get(call, "pools", page::POOLS_TOLD, unlock, pools).await;
    details.faults = details.get(call, "faults", page::ERRORS, unlock, faults).await;
    if let Some(told) = details.get(call, "times", page::DETAILS, unlock, tree).await {
        details.uptime = seconds(told.number("/system_uptime_s").or(told.number("/system_uptime")));
        details.mining_for = seconds(told.number("/bosminer_uptime_s"));
    }
    details
}

/// Reads the page of its boards.
///
/// # Errors
/// That it is no such reply.
pub fn boards(bytes: &[u8]) -> Result<Vec<BoardReading>, ReplyError> {
    let board = |(listed, board): (u64, &Value)| {
        let rate = |window: &str| board.number(&format!("/stats/real_hashrate/{window}/gigahash_per_second"));
        BoardReading {
            place: board.count("/id").unwrap_or(listed),
            serial: board.text("/serial_number"),
            chips: board.count("/chips_count"),
            hash_rate: gigahashes(rate("last_5s").or_else(|| rate("last_1m"))),
            temperature: celsius(board.number("/board_temp/degree_c")),
            temperature_chip: celsius(board.number("/highest_chip_temp/temperature/degree_c")),
            // That it is enabled does not say that it works.
            works: None,
        }
    };
    let reply = tree(bytes)?;
    Ok((1..).zip(reply.must("/hashboards")?).take(LIST_MAX).map(board).collect())
}

/// Reads the page of its cooling.
///
/// # Errors
/// That it is no such reply.
pub fn fans(bytes: &[u8]) -> Result<Vec<FanReading>, ReplyError> {
    let fan = |(listed, fan): (u64, &Value)| FanReading {
        name: fan.text("/position").unwrap_or_else(|| listed.to_string()),
        rpm: fan.count("/rpm"),
    };
    let reply = tree(bytes)?;
    Ok((0..).zip(reply.must("/fans")?).take(LIST_MAX).map(fan).collect())
}

/// Reads the page of its pools, which stand in groups.
///
/// # Errors
/// That it is no such reply.
pub fn pools(bytes: &[u8]) -> Result<Vec<PoolReading>, ReplyError> {
    let pool = |pool: &Value| PoolReading {
        url: pool.text("/url"),
        user: pool.text("/user"),
        is_active: pool.flag("/active"),
        is_alive: pool.flag("/alive"),
        accepted: pool.count("/stats/accepted_shares"),
        rejected: pool.count("/stats/rejected_shares"),
        stale: pool.count("/stats/stale_shares"),
    };
    let reply = tree(bytes)?;
    let pools = reply.must("")?.iter().filter_map(|group| group.list("/pools")).flatten();
    Ok(pools.take(LIST_MAX).map(pool).collect())
}

/// Reads the page of its errors: the latest of what it remembers.
///
/// # Errors
/// That it is no such reply.
pub fn faults(bytes: &[u8]) -> Result<Vec<Fault>, ReplyError> {
    let fault = |error: &Value| Fault {
        code: error.text("/error_codes/0/code"),
        words: error.text("/message"),
        since: error.text("/timestamp"),
    };
    let reply = tree(bytes)?;
    let list = reply.must("/errors")?;
    // Oldest first as it writes them.
    Ok(list.iter().skip(list.len().saturating_sub(FAULTS_MAX)).map(fault).collect())
}
