//! What a full reading asks of Braiins OS before 25.07, and what it makes of the answers.
//!
//! Not here: the fast reading (`drive`).

use serde_json::{Value, json};

use super::drive::post;
use super::query;
use super::reply::data;
use crate::call::Call;
use crate::full::tree::Tree;
use crate::full::{
    BoardReading, Details, FAULTS_MAX, FanReading, Fault, LIST_MAX, PoolReading, celsius, megahashes, seconds,
};
use crate::refusal::ReplyError;

/// Its boards, fans, pools and faults; only the last while no miner runs.
pub(crate) async fn read(call: &mut Call<'_>) -> Details {
    let mut details = Details::default();
    let mut told = ask(&details, call, query::BOARDS).await;
    if matches!(told, Err(ReplyError::Refused(_))) {
        // Before 24.09 boards name no serial number.
        told = ask(&details, call, query::BOARDS_OLD).await;
    }
    details.boards = details.take("boards", told.and_then(|reply| boards(&reply)));
    let told = ask(&details, call, query::FANS).await.and_then(|reply| fans(&reply));
    details.fans = details.take("fans", told);
    let told = ask(&details, call, query::POOLS).await.and_then(|reply| pools(&reply));
    details.pools = details.take("pools", told);
    let told = ask(&details, call, query::FAULTS).await.and_then(|reply| faults(&reply));
    details.faults = details.take("faults", told);
    let told = ask(&details, call, query::UPTIME).await;
    details.uptime =
        details.take("uptime", told).and_then(|reply| seconds(reply.number("/bos/uptime/durationS")));
    details
}

async fn ask(details: &Details, call: &mut Call<'_>, query: &str) -> Result<Value, ReplyError> {
    details.is_there()?;
    let within = call.slow();
    data(&post(call, query, &json!(null), within).await?.told()?)
}

/// Of a reply to [`query::BOARDS`].
///
/// # Errors
/// That it is no such reply.
pub fn boards(reply: &Value) -> Result<Vec<BoardReading>, ReplyError> {
    let board = |(listed, board): (u64, &Value)| {
        // `Board` and `Chip` until 21.09, `MAX_BOARD` and `MAX_CHIP` since.
        let sensor = |names: [&str; 2]| {
            let sensors = board.list("/temperatures").unwrap_or_default();
            let found =
                sensors.iter().find(|sensor| names.contains(&sensor["name"].as_str().unwrap_or_default()));
            celsius(found?.number("/degreesC"))
        };
        BoardReading {
            place: board.count("/name").unwrap_or(listed),
            serial: board.text("/hwDetails/hbSerialNumber"),
            chips: board.count("/hwDetails/chips"),
            hash_rate: megahashes(board.number("/realHashrate/mhs5S")),
            temperature: sensor(["MAX_BOARD", "Board"]),
            temperature_chip: sensor(["MAX_CHIP", "Chip"]),
            works: None,
        }
    };
    let list = reply.must("/bosminer/info/workSolver/childSolvers")?;
    Ok((0..).zip(list).take(LIST_MAX).map(board).collect())
}

/// Of a reply to [`query::FANS`].
///
/// # Errors
/// That it is no such reply.
pub fn fans(reply: &Value) -> Result<Vec<FanReading>, ReplyError> {
    let fan = |(listed, fan): (u64, &Value)| FanReading {
        name: fan.text("/name").unwrap_or_else(|| listed.to_string()),
        rpm: fan.count("/rpm"),
    };
    Ok((0..).zip(reply.must("/bosminer/info/fans")?).take(LIST_MAX).map(fan).collect())
}

/// Of a reply to [`query::POOLS`].
///
/// # Errors
/// That it is no such reply.
pub fn pools(reply: &Value) -> Result<Vec<PoolReading>, ReplyError> {
    let pool = |pool: &Value| PoolReading {
        url: pool.text("/url"),
        user: pool.text("/user"),
        is_active: pool.flag("/active"),
        is_alive: pool.text("/status").map(|word| word == "ALIVE"),
        accepted: pool.count("/shares/acceptedSolutions"),
        rejected: pool.count("/shares/rejectedSolutions"),
        stale: None,
    };
    let groups = reply.must("/bosminer/info/poolGroups")?;
    let pools = groups.iter().filter_map(|group| group.list("/pools")).flatten();
    Ok(pools.take(LIST_MAX).map(pool).collect())
}

/// Of a reply to [`query::FAULTS`].
///
/// # Errors
/// That it is no such reply.
pub fn faults(reply: &Value) -> Result<Vec<Fault>, ReplyError> {
    let fault = |appeal: &Value| Fault {
        code: appeal.text("/kind"),
        words: appeal.text("/message"),
        since: appeal.text("/timestamp"),
    };
    Ok(reply.must("/events/appeals")?.iter().take(FAULTS_MAX).map(fault).collect())
}
