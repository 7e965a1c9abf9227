//! What a full reading asks of an Antminer on stock firmware, and what it makes of the answers.
//!
//! Stock firmware names no faults over this API: they are absent, which is not to say that there are none.
//!
//! Not here: the fast reading (`drive`).

use serde_json::{Map, Value};

use super::mend;
use crate::call::Call;
use crate::full::cgminer::{POOLS, pools};
use crate::full::tree::{Tree, section, tree};
use crate::full::{BoardReading, Details, FanReading, LIST_MAX, gigahashes, hottest, megahashes, seconds};
use crate::refusal::ReplyError;
use offpeak_units::HashRate;

/// Its boards, fans and pools.
pub(crate) async fn read(call: &mut Call<'_>) -> Details {
    let mut details = Details::default();
    let stats = details.ask(call, "boards and fans", b"{\"command\":\"stats\"}", stats).await;
    if let Some(stats) = stats {
        (details.boards, details.fans) = (Some(boards(&stats)), Some(fans(&stats)));
        details.mining_for = seconds(stats.number("/Elapsed"));
    }
    details.pools = details.ask(call, "pools", POOLS, pools).await;
    details
}

/// Reads a reply to `stats`: its elements in one.
///
/// # Errors
/// The machine's refusal, or that it is no such reply.
pub fn stats(bytes: &[u8]) -> Result<Value, ReplyError> {
    let mut bytes = bytes.to_vec();
    mend(&mut bytes);
    let parts = section(&tree(&bytes)?, "STATS")?;
    let members = parts.into_iter().filter_map(|part| match part {
        Value::Object(members) => Some(members),
        _ => None,
    });
    Ok(Value::Object(members.flatten().collect::<Map<_, _>>()))
}

/// All numbers of `78-50-69-70`, or the single one.
fn sensors(stats: &Value, key: &str) -> Vec<Option<f64>> {
    match stats.number(key) {
        Some(single) => vec![Some(single)],
        None => {
            let text = stats.text(key).unwrap_or_default();
            text.split('-')
                .take(LIST_MAX)
                .map(|part| part.trim().parse().ok().filter(|n: &f64| n.is_finite()))
                .collect()
        }
    }
}

/// The boards of the statistics. A slot without a board names no rate and no chip.
#[must_use]
pub fn boards(stats: &Value) -> Vec<BoardReading> {
    let unit = stats.text("/rate_unit").unwrap_or_else(|| "GH".to_owned());
    let rate = |told: Option<f64>| match unit.trim_end_matches("/s").to_ascii_uppercase().as_str() {
        "MH" => megahashes(told),
        "GH" => gigahashes(told),
        "TH" => HashRate::from_terahashes_f64(told?),
        _ => None,
    };
    let hot = |keys: &[&str], place: usize| {
        hottest(keys.iter().flat_map(|key| sensors(stats, &format!("/{key}{place}"))))
    };
    let board = |place: usize| {
        let (chips, told) =
            (stats.count(&format!("/chain_acn{place}")), stats.number(&format!("/chain_rate{place}")));
        if told.is_none() && chips.is_none_or(|chips| chips == 0) {
            return None;
        }
        Some(BoardReading {
            place: place as u64,
            serial: None,
            chips,
            hash_rate: rate(told),
            temperature: hot(&["temp", "temp_pcb", "temp_in_pcb_", "temp_out_pcb_"], place),
            temperature_chip: hot(&["temp2_", "temp_chip", "temp_in_chip_", "temp_out_chip_"], place),
            works: None,
        })
    };
    (1..=LIST_MAX).filter_map(board).collect()
}

/// The fans of the statistics. Older firmwares list eight places whatever is fitted: there a zero says nothing.
#[must_use]
pub fn fans(stats: &Value) -> Vec<FanReading> {
    let told = (1..=LIST_MAX).filter_map(|place| Some((place, stats.count(&format!("/fan{place}"))?)));
    let told: Vec<(usize, u64)> = told.collect();
    let fitted = stats.count("/fan_num").unwrap_or(told.len() as u64);
    let is_plain = told.len() as u64 <= fitted;
    let fans = told.into_iter().filter(|(_, rpm)| is_plain || *rpm > 0);
    fans.map(|(place, rpm)| FanReading { name: place.to_string(), rpm: Some(rpm) }).collect()
}
