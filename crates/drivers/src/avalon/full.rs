//! What a full reading asks of an Avalon, and what it makes of the answers.
//!
//! Not here: the fast reading (`drive`).

use serde_json::Value;

use super::reply::pairs;
use super::{ESTATS, Module};
use crate::call::Call;
use crate::full::cgminer::{POOLS, pools};
use crate::full::tree::{Tree, section, tree};
use crate::full::{
    BoardReading, Details, FAULTS_MAX, FanReading, Fault, LIST_MAX, celsius, gigahashes, seconds,
};
use crate::refusal::ReplyError;
use offpeak_site::Trouble;

/// Its boards, fans, pools and faults.
pub(crate) async fn read(call: &mut Call<'_>) -> Details {
    let mut details = Details::default();
    let told = details.ask(call, "boards, fans and faults", ESTATS, Statistics::parse).await;
    if let Some(told) = told {
        (details.boards, details.fans, details.faults) = (told.boards(), told.fans(), told.faults());
        details.mining_for = seconds(told.elapsed);
    }
    details.pools = details.ask(call, "pools", POOLS, pools).await;
    details
}

/// A reply to `estats` or `stats`, with what only full readings want.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Statistics {
    /// The module's text, and behind it those of its boards.
    text: String,
    elapsed: Option<f64>,
}

impl Statistics {
    /// Reads a reply.
    ///
    /// # Errors
    /// The machine's refusal, or that it is no such reply.
    pub fn parse(bytes: &[u8]) -> Result<Self, ReplyError> {
        let list = section(&tree(bytes)?, "STATS")?;
        let first = list.first().ok_or(ReplyError::Broken(Trouble::Garbled))?;
        // Whole: a thousand chips are longer than any words.
        let part = |key: &str| first.get(key).and_then(Value::as_str);
        let module = part("MM ID0").or_else(|| part("MM ID0:Summary"));
        let module = module.ok_or(ReplyError::Broken(Trouble::Garbled))?;
        let text = format!("{module} {}", part("HBinfo").unwrap_or_default());
        Ok(Self { text, elapsed: first.number("/Elapsed") })
    }

    /// What stands under a key.
    fn value(&self, key: &str) -> Option<&str> {
        pairs(&self.text).find(|(found, value)| *found == key && !value.is_empty()).map(|(_, value)| value)
    }

    /// Its boards. Their rates are means since its start: while the machine as a whole hashes nothing, so does each.
    #[must_use]
    pub fn boards(&self) -> Option<Vec<BoardReading>> {
        let module = Module::parse(&self.text);
        let stands = module.rate_now == Some(0.0);
        let count = module.rate_boards.len().max(module.temperature_boards.len()).min(LIST_MAX);
        let chips = |place: usize| {
            let told = self.value(&format!("PVT_T{place}"))?;
            Some(told.split_ascii_whitespace().count() as u64)
        };
        let board = |place: usize| BoardReading {
            place: place as u64,
            serial: None,
            chips: chips(place),
            hash_rate: gigahashes(module.rate_boards.get(place).map(|mean| if stands { 0.0 } else { *mean })),
            temperature: None,
            temperature_chip: celsius(module.temperature_boards.get(place).copied()),
            works: module.board_errors.get(place).map(|code| *code == 0.0),
        };
        (count > 0).then(|| (0..count).map(board).collect())
    }

    /// Its fans.
    #[must_use]
    pub fn fans(&self) -> Option<Vec<FanReading>> {
        let told = (1..=LIST_MAX).filter_map(|place| Some((place, self.value(&format!("Fan{place}"))?)));
        let fan = |(place, rpm): (usize, &str)| FanReading { name: place.to_string(), rpm: rpm.parse().ok() };
        let fans: Vec<_> = told.map(fan).collect();
        (!fans.is_empty()).then_some(fans)
    }

    /// What is not 0 of the codes of its boards, controller, fans and supply, named after where they stand.
    #[must_use]
    pub fn faults(&self) -> Option<Vec<Fault>> {
        let known = |key: &str, places: Option<usize>| {
            let told = self.value(key)?;
            let codes = told.split_ascii_whitespace().take(places.unwrap_or(FAULTS_MAX)).enumerate();
            let present = codes.filter(|(_, code)| code.parse::<i64>().is_ok_and(|code| code != 0));
            let fault = |(place, code): (usize, &str)| match places {
                None => {
                    Fault { words: Some(format!("board {place}")), ..Fault::code(format!("{key} {code}")) }
                }
                Some(_) => Fault::code(format!("{key} {code}")),
            };
            Some(present.map(fault).collect::<Vec<_>>())
        };
        // The first of `PS` is the supply's code; the rest are volts and watts.
        let all =
            [known("ECHU", None), known("ECMM", Some(1)), known("FanErr", Some(1)), known("PS", Some(1))];
        let told: Vec<Vec<Fault>> = all.into_iter().flatten().collect();
        (!told.is_empty()).then(|| told.into_iter().flatten().take(FAULTS_MAX).collect())
    }
}
