//! What a full reading asks of a WhatsMiner (API version 2), and what it makes of the answers.
//!
//! Not here: the fast reading (`drive`).

use core::time::Duration;

use offpeak_site::Trouble;
use serde_json::Value;

use super::{Summary, request};
use crate::call::Call;
use crate::full::cgminer::pools;
use crate::full::tree::{Tree, section, tree};
use crate::full::{
    BoardReading, Details, FAULTS_MAX, FanReading, Fault, LIST_MAX, celsius, megahashes, seconds,
};
use crate::refusal::{Refusal, ReplyError};

/// Its boards, fans, pools and faults.
pub(crate) async fn read(call: &mut Call<'_>) -> Details {
    let mut details = Details::default();
    details.boards = details.ask(call, "boards", &request("devs"), boards).await;
    if details.boards.is_none() {
        // Some firmwares know it by another name only.
        details.boards = details.ask(call, "boards", &request("edevs"), boards).await;
        details.unanswered.retain(|_| details.boards.is_none());
    }
    details.pools = details.ask(call, "pools", &request("pools"), pools).await;
    if let Some(told) = details.ask(call, "fans and times", &request("summary"), Told::parse).await {
        (details.fans, details.faults) = (told.fans, told.faults);
        (details.uptime, details.mining_for) = (told.uptime, told.mining_for);
    }
    // With their times; the statistics name the bare codes.
    if let Some(faults) = details.ask(call, "faults", &request("get_error_code"), faults).await {
        details.faults = Some(faults);
    }
    details
}

/// Reads a reply to `devs` or `edevs`.
///
/// # Errors
/// The machine's refusal, or that it is no such reply.
pub fn boards(bytes: &[u8]) -> Result<Vec<BoardReading>, ReplyError> {
    let board = |(listed, board): (u64, &Value)| BoardReading {
        place: ["/Slot", "/ASC", "/ID"].into_iter().find_map(|at| board.count(at)).unwrap_or(listed),
        serial: board.text("/PCB SN"),
        chips: board.count("/Effective Chips"),
        hash_rate: megahashes(
            ["/MHS 5s", "/HS RT", "/MHS 1m", "/MHS av"].into_iter().find_map(|at| board.number(at)),
        ),
        temperature: celsius(board.number("/Temperature")),
        temperature_chip: celsius(board.number("/Chip Temp Max")),
        works: board.text("/Status").map(|word| word == "Alive"),
    };
    Ok((0..).zip(section(&tree(bytes)?, "DEVS")?.iter()).take(LIST_MAX).map(board).collect())
}

/// What the statistics add.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// Its fans.
    pub fans: Option<Vec<FanReading>>,
    /// Its faults, without their times.
    pub faults: Option<Vec<Fault>>,
    /// Since the start of its system.
    pub uptime: Option<Duration>,
    /// Since the start of btminer.
    pub mining_for: Option<Duration>,
}

impl Told {
    /// Reads a reply to `summary`.
    ///
    /// # Errors
    /// The machine's refusal, or that it is no such reply.
    pub fn parse(bytes: &[u8]) -> Result<Self, ReplyError> {
        let summary = Summary::parse(bytes)?;
        let present = || summary.numbered.present.iter().map(Fault::code).collect();
        Ok(Self {
            fans: fans(&summary),
            faults: summary.error_count.get().map(|_| present()),
            uptime: seconds(summary.uptime.get()),
            mining_for: seconds(summary.elapsed.get()),
        })
    }
}

fn fans(summary: &Summary<'_>) -> Option<Vec<FanReading>> {
    // A machine in oil has none.
    let all = [("in", summary.fan_in), ("out", summary.fan_out), ("supply", summary.power_fan)];
    let told = all.into_iter().filter_map(|(name, rpm)| Some((name, rpm.whole()?)));
    let fans: Vec<_> = told.map(|(name, rpm)| FanReading { name: name.to_owned(), rpm: Some(rpm) }).collect();
    (!fans.is_empty() || summary.liquid_cooling.get() == Some(true)).then_some(fans)
}

/// Reads a reply to `get_error_code`: codes, each with its time.
///
/// # Errors
/// The machine's refusal, or that it is no such reply.
pub fn faults(bytes: &[u8]) -> Result<Vec<Fault>, ReplyError> {
    let reply = tree(bytes)?;
    if reply["STATUS"] != "S" {
        let words = reply.text("/Msg").unwrap_or_else(|| "no reason given".to_owned());
        return Err(ReplyError::Refused(Refusal { code: reply.count("/Code"), words }));
    }
    let list = reply.must("/Msg/error_code")?;
    let entry = |entry: &Value| match entry {
        Value::Object(codes) => {
            let fault =
                |(code, since): (&String, &Value)| Fault { since: since.text(""), ..Fault::code(code) };
            codes.iter().map(fault).collect()
        }
        other => other.text("").map(Fault::code).into_iter().collect::<Vec<_>>(),
    };
    let faults: Vec<Fault> = list.iter().flat_map(entry).take(FAULTS_MAX).collect();
    // A list of something else than codes says nothing.
    if faults.is_empty() && !list.is_empty() { Err(Trouble::Garbled.into()) } else { Ok(faults) }
}
