//! What a full reading asks of a WhatsMiner (API version 3), and what it makes of the answers.
//!
//! Not here: the fast reading (`drive`), the length before a message (`frame`).

use std::collections::BTreeMap;

use offpeak_units::HashRate;
use serde_json::Value;

use super::frame::ask;
use super::request;
use crate::call::Call;
use crate::full::tree::{Tree, tree};
use crate::full::{
    BoardReading, Details, FAULTS_MAX, FanReading, Fault, LIST_MAX, PoolReading, celsius, seconds,
};
use crate::refusal::ReplyError;

const BOARDS: &[u8] = br#"{"cmd":"get.miner.status","param":"edevs"}"#;
const POOLS: &[u8] = br#"{"cmd":"get.miner.status","param":"pools"}"#;

/// Its boards, fans, pools and faults.
pub(crate) async fn read(call: &mut Call<'_>) -> Details {
    let mut details = Details::default();
    let told = told(&details, call, request::DEVICE).await.map(|device| Device::of(&device));
    let device = details.take("faults and serial numbers", told).unwrap_or_default();
    let told = self::told(&details, call, BOARDS).await.and_then(|reply| boards(&reply, &device.boards));
    details.boards = details.take("boards", told);
    let told = self::told(&details, call, POOLS).await.and_then(|reply| pools(&reply));
    details.pools = details.take("pools", told);
    let told = self::told(&details, call, request::SUMMARY).await;
    if let Some(summary) = details.take("fans and times", told) {
        details.fans = fans(&summary, device.supply_fan);
        details.mining_for = seconds(summary.number("/msg/summary/elapsed"));
        details.uptime = seconds(summary.number("/msg/summary/bootup-time"));
    }
    details.faults = device.faults;
    details
}

async fn told(details: &Details, call: &mut Call<'_>, request: &[u8]) -> Result<Value, ReplyError> {
    details.is_there()?;
    let within = call.slow();
    ask(call, request, within).await?;
    answered(call.buffer)
}

/// A reply whose code says that it was done.
///
/// # Errors
/// The machine's refusal, or that it is no such reply.
pub fn answered(bytes: &[u8]) -> Result<Value, ReplyError> {
    super::accepted(bytes)?;
    tree(bytes)
}

/// What the device's information adds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// Serial numbers by the board's number.
    pub boards: BTreeMap<u64, String>,
    /// Revolutions a minute of the supply's fan.
    pub supply_fan: Option<u64>,
    /// What is wrong with it.
    pub faults: Option<Vec<Fault>>,
}

impl Device {
    /// Of a reply to `get.device.info`.
    #[must_use]
    pub fn of(reply: &Value) -> Self {
        let serial = |place: u64| Some((place, reply.text(&format!("/msg/miner/pcbsn{place}"))?));
        // A machine without faults leaves the list out.
        let known = reply.pointer("/msg/miner").is_some();
        let listed = reply
            .list("/msg/error-code")
            .map(|list| list.iter().filter_map(fault).take(FAULTS_MAX).collect());
        Self {
            boards: (0..LIST_MAX as u64).filter_map(serial).collect(),
            supply_fan: reply.count("/msg/power/fanspeed"),
            faults: listed.or(known.then(Vec::new)),
        }
    }
}

/// `{"264": "2026-05-23 09:19:10", "reason": "…"}`.
fn fault(entry: &Value) -> Option<Fault> {
    let (code, since) =
        entry.as_object()?.iter().find(|(key, _)| key.bytes().all(|byte| byte.is_ascii_digit()))?;
    Some(Fault { words: entry.text("/reason"), since: since.text(""), ..Fault::code(code) })
}

/// Of a reply to `get.miner.status` with `edevs`.
///
/// # Errors
/// That it is no such reply.
pub fn boards(reply: &Value, serials: &BTreeMap<u64, String>) -> Result<Vec<BoardReading>, ReplyError> {
    let terahashes = |told: Option<f64>| HashRate::from_terahashes_f64(told?);
    let board = |(listed, board): (u64, &Value)| {
        let place = board.count("/slot").or(board.count("/id")).unwrap_or(listed);
        BoardReading {
            place,
            serial: serials.get(&place).cloned(),
            chips: board.count("/effective-chips"),
            hash_rate: terahashes(board.number("/hash-realtime").or(board.number("/hash-average"))),
            temperature: None,
            temperature_chip: celsius(board.number("/chip-temp-max")),
            works: board.text("/status").map(|word| word.eq_ignore_ascii_case("alive")),
        }
    };
    let list = reply.must("/msg/edevs")?;
    let mut boards: Vec<_> = (0..).zip(list).take(LIST_MAX).map(board).collect();
    // The boards' own sensors stand in the statistics only, where they are not told apart by number.
    boards.sort_by_key(|board| board.place);
    Ok(boards)
}

/// Of a reply to `get.miner.status` with `pools`.
///
/// # Errors
/// That it is no such reply.
pub fn pools(reply: &Value) -> Result<Vec<PoolReading>, ReplyError> {
    let pool = |pool: &Value| PoolReading {
        url: pool.text("/url"),
        user: pool.text("/account"),
        is_active: pool.flag("/stratum-active"),
        is_alive: pool.text("/status").map(|word| word.eq_ignore_ascii_case("alive")),
        accepted: pool.count("/accepted"),
        rejected: pool.count("/rejected"),
        stale: pool.count("/stale"),
    };
    Ok(reply.must("/msg/pools")?.iter().take(LIST_MAX).map(pool).collect())
}

/// Of a reply to `get.miner.status` with `summary`.
#[must_use]
pub fn fans(summary: &Value, supply: Option<u64>) -> Option<Vec<FanReading>> {
    let rpm = |key: &str| summary.count(&format!("/msg/summary/fan-speed-{key}"));
    let all = [("in", rpm("in")), ("out", rpm("out")), ("supply", supply)];
    let told = all.into_iter().filter_map(|(name, rpm)| Some((name, rpm?)));
    let fans: Vec<_> = told.map(|(name, rpm)| FanReading { name: name.to_owned(), rpm: Some(rpm) }).collect();
    (!fans.is_empty()).then_some(fans)
}
