//! What a full reading asks of LuxOS, and what it makes of the answer: one question tells it all.
//!
//! Not here: the fast reading (`drive`).

use serde_json::Value;

use crate::call::Call;
use crate::full::cgminer::listed;
use crate::full::tree::{Tree, section, tree};
use crate::full::{
    BoardReading, Details, FAULTS_MAX, FanReading, Fault, LIST_MAX, celsius, megahashes, seconds,
};
use crate::refusal::ReplyError;

/// The request.
pub const FULL: &[u8] = b"{\"command\":\"devs+stats+fans+pools+events\"}";

/// Its boards, fans, pools and faults.
pub(crate) async fn read(call: &mut Call<'_>) -> Details {
    let mut details = Details::default();
    if let Some(reply) = details.ask(call, "all", FULL, tree).await {
        details.fill(&reply);
    }
    details
}

impl Details {
    /// Reads a reply to [`FULL`]. A part that it refuses is absent.
    fn fill(&mut self, reply: &Value) {
        let part = |name: &str| &reply[name][0];
        let stats = section(part("stats"), "STATS").ok();
        let stats = stats.and_then(|parts| parts.into_iter().nth(1)).unwrap_or_default();
        self.boards = self.take("boards", boards(part("devs"), &stats));
        self.mining_for = seconds(stats.number("/Elapsed"));
        self.fans = self.take("fans", fans(part("fans")));
        self.pools = self.take("pools", listed(part("pools")));
        self.faults = self.take("faults", faults(part("events")));
    }
}

/// Reads a reply to [`FULL`].
///
/// # Errors
/// That it is no reply.
pub fn parse(bytes: &[u8]) -> Result<Details, ReplyError> {
    let mut details = Details::default();
    details.fill(&tree(bytes)?);
    Ok(details)
}

/// The chips stand in the statistics, where boards count from one.
fn boards(devs: &Value, stats: &Value) -> Result<Vec<BoardReading>, ReplyError> {
    let board = |(listed, board): (u64, &Value)| {
        let place = board.count("/ID").unwrap_or(listed);
        BoardReading {
            place,
            serial: board.text("/SerialNumber"),
            chips: stats.count(&format!("/chain_acn{}", place + 1)),
            hash_rate: megahashes(board.number("/MHS 5s").or(board.number("/MHS av"))),
            temperature: celsius(board.number("/Temperature")),
            temperature_chip: None,
            works: board.text("/Status").map(|word| word == "Alive"),
        }
    };
    let mut boards: Vec<_> = (0..).zip(section(devs, "DEVS")?.iter()).take(LIST_MAX).map(board).collect();
    boards.sort_by_key(|board| board.place);
    Ok(boards)
}

fn fans(reply: &Value) -> Result<Vec<FanReading>, ReplyError> {
    let name = |(listed, fan): (u64, &Value)| fan.text("/ID").unwrap_or_else(|| listed.to_string());
    let fan = |(listed, fan)| FanReading { name: name((listed, fan)), rpm: fan.count("/RPM") };
    Ok((0..).zip(section(reply, "FANS")?.iter()).take(LIST_MAX).map(fan).collect())
}

fn faults(reply: &Value) -> Result<Vec<Fault>, ReplyError> {
    let fault = |event: &Value| Fault {
        code: event.text("/Code"),
        words: event.text("/Description"),
        since: event.text("/CreatedAt"),
    };
    Ok(section(reply, "EVENTS")?.iter().take(FAULTS_MAX).map(fault).collect())
}
