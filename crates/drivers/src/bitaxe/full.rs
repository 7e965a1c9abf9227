//! What a full reading asks of a Bitaxe, and what it makes of the answer: one page tells it all.
//!
//! Not here: the fast reading (`drive`).

use serde_json::Value;

use super::page;
use crate::call::Call;
use crate::full::tree::{Tree, tree};
use crate::full::{
    BoardReading, Details, FanReading, Fault, PoolReading, celsius, gigahashes, open, seconds,
};
use crate::refusal::ReplyError;

/// Its board, fan and pools.
pub(crate) async fn read(call: &mut Call<'_>) -> Details {
    let mut asked = Details::default();
    match asked.get(call, "all", page::INFO, open, parse).await {
        Some(details) => details,
        None => asked,
    }
}

/// Reads a reply to `system/info`.
///
/// # Errors
/// That it is no such reply.
pub fn parse(bytes: &[u8]) -> Result<Details, ReplyError> {
    let reply = tree(bytes)?;
    let board = BoardReading {
        place: 0,
        serial: None,
        chips: reply.count("/asicCount"),
        hash_rate: gigahashes(reply.number("/hashRate")),
        // That of its voltage regulator.
        temperature: celsius(reply.number("/vrTemp")),
        temperature_chip: celsius(reply.number("/temp")),
        works: None,
    };
    let told = [("1", "/fanrpm"), ("2", "/fan2rpm")].map(|(name, at)| Some((name, reply.count(at)?)));
    let told = told.into_iter().flatten();
    let fans: Vec<_> = told.map(|(name, rpm)| FanReading { name: name.to_owned(), rpm: Some(rpm) }).collect();
    Ok(Details {
        boards: Some(vec![board]),
        fans: (!fans.is_empty()).then_some(fans),
        pools: pools(&reply),
        faults: reply.number("/overheat_mode").map(|mode| {
            let hot = (mode != 0.0)
                .then(|| Fault { words: Some("too hot".to_owned()), ..Fault::code("overheat_mode") });
            hot.into_iter().collect()
        }),
        // One counter for both pools.
        shares_accepted: reply.count("/sharesAccepted"),
        shares_rejected: reply.count("/sharesRejected"),
        uptime: seconds(reply.number("/uptimeSeconds")),
        ..Details::default()
    })
}

/// The pool and the one to fall back to.
fn pools(reply: &Value) -> Option<Vec<PoolReading>> {
    let falls_back = reply.number("/isUsingFallbackStratum").map(|flag| flag != 0.0);
    let pool = |key: &str, is_fallback: bool| {
        let name = |rest: &str| match is_fallback {
            true => format!("/fallbackS{}", &rest[1..]),
            false => format!("/{rest}"),
        };
        let host = reply.text(&name(key))?;
        let port = reply.count(&name("stratumPort"));
        Some(PoolReading {
            url: Some(port.map_or_else(|| host.clone(), |port| format!("{host}:{port}"))),
            user: reply.text(&name("stratumUser")),
            is_active: falls_back.map(|falls_back| falls_back == is_fallback),
            ..PoolReading::default()
        })
    };
    let known = reply.pointer("/stratumURL").is_some();
    known.then(|| [pool("stratumURL", false), pool("stratumURL", true)].into_iter().flatten().collect())
}
