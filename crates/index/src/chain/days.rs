//! The network day by day from headers themselves.
//!
//! For: exact blocks, work and issuance of each day that a run of headers covers, laid over the daily series of
//! the built-in facts. Not for: prices and fees, which no header tells.

use jiff::civil::Date;

use super::facts::{Facts, date_of};
use super::header::{Header, RawHeader};
use super::subsidy::{SAT_PER_BTC, subsidy_sat};
use super::target::{CompactTarget, TargetError};
use crate::network::NetworkDay;

/// Seconds of a day.
const DAY_SECONDS: f64 = 86_400.0;

/// A day that headers cover from beginning to end, by their own times (UTC).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeaderDay {
    /// The day.
    pub date: Date,
    /// Blocks found.
    pub blocks: u32,
    /// Their work over the day, terahashes a second.
    pub hash_rate_ths: f64,
    /// What they created, bitcoins.
    pub issuance_btc: f64,
}

/// The days that verified headers cover, the first of them at `first_height`; the first and the last day are
/// left out, because the run may begin or end within them.
///
/// # Errors
/// Bits that stand for no target.
pub fn days_of(first_height: u32, headers: &[RawHeader]) -> Result<Vec<HeaderDay>, TargetError> {
    let mut days = std::collections::BTreeMap::<Date, (u32, f64, u64)>::new();
    let mut known: Option<(CompactTarget, f64)> = None;
    for (height, raw) in (first_height..).zip(headers) {
        let header = Header::read(raw);
        let work = match known {
            Some((same, work)) if same == header.bits => work,
            _ => header.bits.target()?.work().to_f64(),
        };
        known = Some((header.bits, work));
        let day = days.entry(date_of(i64::from(header.time))).or_default();
        *day = (day.0 + 1, day.1 + work, day.2 + subsidy_sat(height));
    }
    days.pop_first();
    days.pop_last();
    #[expect(clippy::cast_precision_loss, reason = "a day's satoshis are far below 2^53")]
    let day = |(date, (blocks, work, issued)): (Date, (u32, f64, u64))| HeaderDay {
        date,
        blocks,
        hash_rate_ths: work / DAY_SECONDS / 1e12,
        issuance_btc: issued as f64 / SAT_PER_BTC as f64,
    };
    Ok(days.into_iter().map(day).collect())
}

impl Facts {
    /// A daily series in which the days of headers stand for themselves; days after the series are added while
    /// each follows the one before. Prices and fees are these facts'.
    #[must_use]
    pub fn laid_over(&self, mut network: Vec<NetworkDay>, days: &[HeaderDay]) -> Vec<NetworkDay> {
        for day in days {
            let row = NetworkDay {
                date: day.date,
                blocks: Some(day.blocks),
                hash_rate_ths: day.hash_rate_ths,
                price_usd: self.price_usd(day.date),
                issuance_btc: day.issuance_btc,
                fees_btc: self.fees_btc(day.date),
            };
            match network.binary_search_by_key(&day.date, |row| row.date) {
                Ok(place) => network[place] = row,
                Err(place) if place == network.len() => {
                    let follows =
                        network.last().is_none_or(|last| last.date.tomorrow().ok() == Some(day.date));
                    if follows {
                        network.push(row);
                    }
                }
                Err(_) => {}
            }
        }
        network
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::chain::{facts, synthetic_chain};

    #[test]
    fn whole_days_are_counted_and_laid_over_the_series() {
        let (_, headers) = synthetic_chain(500);
        let days = days_of(0, &headers).unwrap();
        // One block in ten minutes.
        assert!(days.iter().all(|day| day.blocks == 144 && day.issuance_btc == 7_200.0), "{days:?}");
        assert!((2..=3).contains(&days.len()), "{days:?}");
        let facts = facts();
        let mut made = days[..2].to_vec();
        let base = facts.daily_network(Some(date(2024, 4, 1)), Some(date(2024, 4, 10)));
        made[0].date = date(2024, 4, 10);
        made[1].date = date(2024, 4, 11);
        let laid = facts.laid_over(base.clone(), &made);
        assert_eq!(laid.len(), base.len() + 1);
        assert_eq!((laid[9].blocks, laid[9].price_usd), (Some(144), base[9].price_usd));
        assert_eq!(laid[10].date, date(2024, 4, 11));
        made[1].date = date(2024, 4, 13);
        assert_eq!(facts.laid_over(base.clone(), &made[1..]), base, "a day behind a gap is left out");
    }
}
