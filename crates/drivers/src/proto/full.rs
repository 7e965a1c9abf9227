//! What a full reading asks of a Proto Rig, and what it makes of the answers.
//!
//! Not here: the fast reading (`drive`).

use std::collections::BTreeMap;

use offpeak_units::HashRate;
use serde_json::Value;

use super::drive::unlock;
use super::page;
use crate::call::Call;
use crate::full::tree::{Tree, tree};
use crate::full::{
    BoardReading, Details, FAULTS_MAX, FanReading, Fault, LIST_MAX, PoolReading, hottest, seconds,
};
use crate::refusal::ReplyError;

/// Its boards, fans, pools and faults.
pub(crate) async fn read(call: &mut Call<'_>) -> Details {
    let mut details = Details::default();
    let chips = details.get(call, "chips", page::HARDWARE, unlock, chips).await.unwrap_or_default();
    let told = details.get(call, "boards", page::TELEMETRY, unlock, |bytes| boards(bytes, &chips));
    details.boards = told.await;
    details.fans = details.get(call, "fans", page::COOLING, unlock, fans).await;
    details.pools = details.get(call, "pools", page::POOLS, unlock, pools).await;
    details.faults = details.get(call, "faults", page::ERRORS, unlock, faults).await;
    if let Some(mining) = details.get(call, "times", page::MINING, unlock, tree).await {
        details.uptime = seconds(mining.number("/mining-status/reboot_uptime_s"));
        details.mining_for = seconds(mining.number("/mining-status/mining_uptime_s"));
    }
    details
}

/// Reads the page of its hardware: chips by their board's serial number.
///
/// # Errors
/// That it is no such reply.
pub fn chips(bytes: &[u8]) -> Result<BTreeMap<String, u64>, ReplyError> {
    let reply = tree(bytes)?;
    let boards = reply.must("/hardware-info/hashboards-info")?.iter().take(LIST_MAX);
    Ok(boards.filter_map(|board| Some((board.text("/hb_sn")?, board.count("/mining_asic_count")?))).collect())
}

/// Reads the page of its sensors.
///
/// # Errors
/// That it is no such reply.
pub fn boards(bytes: &[u8], chips: &BTreeMap<String, u64>) -> Result<Vec<BoardReading>, ReplyError> {
    let board = |(listed, board): (u64, &Value)| {
        let serial = board.text("/serial_number");
        let rate = board.number("/hashrate/value").filter(|_| board["hashrate"]["unit"] == "TH/s");
        BoardReading {
            place: board.count("/index").unwrap_or(listed),
            chips: serial.as_ref().and_then(|serial| chips.get(serial).copied()),
            serial,
            hash_rate: rate.and_then(HashRate::from_terahashes_f64),
            temperature: hottest([board.number("/temperature/inlet"), board.number("/temperature/outlet")]),
            temperature_chip: None,
            works: None,
        }
    };
    let reply = tree(bytes)?;
    Ok((0..).zip(reply.must("/hashboards")?).take(LIST_MAX).map(board).collect())
}

/// Reads the page of its cooling.
///
/// # Errors
/// That it is no such reply.
pub fn fans(bytes: &[u8]) -> Result<Vec<FanReading>, ReplyError> {
    let fan = |(listed, fan): (u64, &Value)| FanReading {
        name: fan.text("/slot").unwrap_or_else(|| listed.to_string()),
        rpm: fan.count("/rpm"),
    };
    let reply = tree(bytes)?;
    Ok((1..).zip(reply.must("/cooling-status/fans")?).take(LIST_MAX).map(fan).collect())
}

/// Reads the page of its pools.
///
/// # Errors
/// That it is no such reply.
pub fn pools(bytes: &[u8]) -> Result<Vec<PoolReading>, ReplyError> {
    let pool = |pool: &Value| {
        let status = pool.text("/status");
        let alive = status.as_deref().and_then(|word| match word {
            "Active" | "Idle" => Some(true),
            "Dead" => Some(false),
            _ => None,
        });
        PoolReading {
            url: pool.text("/url"),
            user: pool.text("/user"),
            is_active: status.map(|word| word == "Active"),
            is_alive: alive,
            accepted: pool.count("/accepted"),
            rejected: pool.count("/rejected"),
            stale: None,
        }
    };
    let reply = tree(bytes)?;
    Ok(reply.must("/pools")?.iter().take(LIST_MAX).map(pool).collect())
}

/// Reads the page of its errors.
///
/// # Errors
/// That it is no such reply.
pub fn faults(bytes: &[u8]) -> Result<Vec<Fault>, ReplyError> {
    let fault = |error: &Value| Fault {
        code: error.text("/error_code"),
        words: error.text("/message"),
        since: error.text("/timestamp"),
    };
    let reply = tree(bytes)?;
    Ok(reply.must("")?.iter().take(FAULTS_MAX).map(fault).collect())
}
