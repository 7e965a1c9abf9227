//! What hashing earns: hash price and hash value, day by day, and what a pool should have paid.
//!
//! For: US dollars and satoshis that a terahash a second earns in a day, from a daily series or from a
//! difficulty; auditing a pool's payment against it, each with the inputs it rests on.
//! Not for: invoices and statements (decimal money, elsewhere), or what will be earned tomorrow.
//!
//! A terahash a second does 86,400e12 hashes a day; a block takes difficulty x 2^32 on average
//! (Nakamoto 2008, section 4; the network quotes difficulty 1 as 2^32 hashes). "Hash price" and "hash
//! value" are the industry's words (Luxor, Hashrate Index): dollars, and bitcoins, for hash rate and time.

use jiff::civil::Date;

use crate::chain::{HASHES_PER_DIFFICULTY, SAT_PER_BTC};
use crate::electricity::Vintage;
use crate::network::NetworkDay;

/// Seconds in a day.
const DAY_SECONDS: f64 = 86_400.0;

/// Hashes that a terahash a second does in a day.
pub const HASHES_PER_TH_DAY: f64 = DAY_SECONDS * 1e12;

/// Satoshis that a terahash a second is expected to earn in a day at a difficulty, for a reward a block
/// (subsidy and fees, in satoshis). `None` unless the difficulty is above zero and both are finite.
///
/// ```
/// use offpeak_index::hashprice::expected_sat_per_th_day;
/// // May 2026: difficulty 1.39e14, 3.125 bitcoins of subsidy, 0.02 of fees.
/// let sat = expected_sat_per_th_day(1.39e14, 314_500_000.0).unwrap();
/// assert_eq!(sat.round(), 46.0);
/// ```
#[must_use]
pub fn expected_sat_per_th_day(difficulty: f64, reward_sat: f64) -> Option<f64> {
    let sound = difficulty.is_finite() && difficulty > 0.0 && reward_sat.is_finite();
    sound.then(|| HASHES_PER_TH_DAY / (difficulty * HASHES_PER_DIFFICULTY) * reward_sat)
}

/// What hashing earned on a day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HashPriceDay {
    /// The day, UTC.
    pub date: Date,
    /// Hash value: satoshis for a terahash a second and day, fees included where they are known.
    pub sat_per_th_day: f64,
    /// Hash price: US dollars for a terahash a second and day, where bitcoin had a price.
    pub usd_per_th_day: Option<f64>,
    /// The share of it that came from fees, where they are known.
    pub fee_share: Option<f64>,
}

impl HashPriceDay {
    /// Of a row of the network series; `None` without a hash rate.
    #[must_use]
    pub fn of(day: &NetworkDay) -> Option<Self> {
        let reward = day.issuance_btc + day.fees_btc.unwrap_or(0.0);
        let sound = day.hash_rate_ths.is_finite() && day.hash_rate_ths > 0.0 && reward.is_finite();
        let btc = sound.then(|| reward / day.hash_rate_ths)?;
        #[expect(clippy::cast_precision_loss, reason = "a hundred million")]
        let sat_per_btc = SAT_PER_BTC as f64;
        Some(Self {
            date: day.date,
            sat_per_th_day: btc * sat_per_btc,
            usd_per_th_day: day.price_usd.map(|price| btc * price),
            fee_share: day.fees_btc.filter(|_| reward > 0.0).map(|fees| fees / reward),
        })
    }
    /// Hash value in bitcoins for a petahash a second and day, as exchanges quote it.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a hundred million")]
    pub fn btc_per_ph_day(&self) -> f64 {
        self.sat_per_th_day * 1e3 / SAT_PER_BTC as f64
    }
}

/// The network series that a result rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkVintage {
    /// Its days.
    pub days: usize,
    /// Its first and last day, where it has any.
    pub span: Option<(Date, Date)>,
    /// The last day with a price.
    pub price_to: Option<Date>,
    /// The last day with known fees.
    pub fees_to: Option<Date>,
    /// Names its numbers, as the electricity estimates name them.
    pub fingerprint: String,
}

impl NetworkVintage {
    /// Of this series.
    #[must_use]
    pub fn of(network: &[NetworkDay]) -> Self {
        let inputs = Vintage::of(network, &[]);
        Self {
            days: inputs.network_days,
            span: inputs.network_span,
            price_to: inputs.price_to,
            fees_to: inputs.fees_to,
            fingerprint: inputs.network_fingerprint,
        }
    }
}

/// Hash price and hash value day by day.
#[derive(Clone, Debug, PartialEq)]
pub struct HashPriceSeries {
    /// The inputs.
    pub vintage: NetworkVintage,
    /// Over how many rows each figure is averaged; 1 is the day itself.
    pub mean_days: usize,
    /// One row a day with a hash rate, oldest first.
    pub rows: Vec<HashPriceDay>,
}

/// Hash price and hash value of a daily series, each the mean of the last `mean_days` rows (fewer at the
/// start; 0 counts as 1). A day's own figure is noisy, because a day's hash rate is.
#[must_use]
pub fn hash_price_series(network: &[NetworkDay], mean_days: usize) -> HashPriceSeries {
    let daily: Vec<HashPriceDay> = network.iter().filter_map(HashPriceDay::of).collect();
    let mean_days = mean_days.max(1);
    let rows = (0..daily.len()).map(|end| mean(&daily[(end + 1).saturating_sub(mean_days)..=end])).collect();
    HashPriceSeries { vintage: NetworkVintage::of(network), mean_days, rows }
}

/// The mean of some days under the date of the last; what one of them lacks the mean lacks too.
#[expect(clippy::cast_precision_loss, reason = "a number of days")]
fn mean(window: &[HashPriceDay]) -> HashPriceDay {
    let count = window.len() as f64;
    let optional = |part: fn(&HashPriceDay) -> Option<f64>| {
        let sum: Option<f64> = window.iter().map(part).sum();
        sum.map(|sum| sum / count)
    };
    HashPriceDay {
        date: window[window.len() - 1].date,
        sat_per_th_day: window.iter().map(|day| day.sat_per_th_day).sum::<f64>() / count,
        usd_per_th_day: optional(|day| day.usd_per_th_day),
        fee_share: optional(|day| day.fee_share),
    }
}

/// A pool's payment held against what the work was worth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PoolAudit {
    /// Work done, in terahashes a second times days.
    pub work_th_days: f64,
    /// What it was worth on average before the pool's fee, in satoshis.
    pub worth_sat: f64,
    /// What the pool owes at its stated fee, in satoshis.
    pub owed_sat: f64,
    /// What it paid, in satoshis.
    pub paid_sat: f64,
    /// The fee that it took in fact, as a share of the worth; below zero it paid more than the work's worth.
    pub fee_in_fact: f64,
}

/// Holds a payment for work against its worth: work in terahashes a second times days, the expected
/// satoshis for one of them ([`expected_sat_per_th_day`]), the pool's stated fee as a share, and what it
/// paid. A pool that pays by share owes this to the satoshi; one that pays by blocks found only on
/// average.
///
/// `None` unless work and expectation are above zero and the fee lies between 0 and 1.
#[must_use]
pub fn audit_pool(
    work_th_days: f64,
    expected_sat_per_th_day: f64,
    stated_fee: f64,
    paid_sat: f64,
) -> Option<PoolAudit> {
    let worth_sat = work_th_days * expected_sat_per_th_day;
    let sound = work_th_days > 0.0 && worth_sat.is_finite() && worth_sat > 0.0 && paid_sat.is_finite();
    (sound && (0.0..=1.0).contains(&stated_fee)).then(|| PoolAudit {
        work_th_days,
        worth_sat,
        owed_sat: worth_sat * (1.0 - stated_fee),
        paid_sat,
        fee_in_fact: 1.0 - paid_sat / worth_sat,
    })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn day(day: i8, price_usd: Option<f64>, fees_btc: Option<f64>) -> NetworkDay {
        NetworkDay {
            date: date(2024, 4, day),
            blocks: Some(144),
            hash_rate_ths: 6e8,
            price_usd,
            issuance_btc: 450.0,
            fees_btc,
        }
    }

    #[test]
    fn a_day_earns_what_it_paid_out_over_its_hash_rate() {
        let row = HashPriceDay::of(&day(20, Some(64_000.0), Some(150.0))).unwrap();
        assert_eq!(row.sat_per_th_day, 100.0);
        assert_eq!(row.btc_per_ph_day(), 0.001);
        assert_eq!((row.usd_per_th_day, row.fee_share), (Some(0.064), Some(0.25)));
        let bare = HashPriceDay::of(&day(21, None, None)).unwrap();
        assert_eq!((bare.sat_per_th_day, bare.usd_per_th_day, bare.fee_share), (75.0, None, None));
        assert_eq!(HashPriceDay::of(&NetworkDay { hash_rate_ths: 0.0, ..day(22, None, None) }), None);
    }

    #[test]
    fn by_difficulty_and_by_hash_rate_it_is_the_same() {
        // 144 blocks a day at this difficulty are this hash rate.
        let difficulty = 6e20 * 600.0 / HASHES_PER_DIFFICULTY;
        let sat = expected_sat_per_th_day(difficulty, 600.0 / 144.0 * 1e8).unwrap();
        assert!((sat - 100.0).abs() < 1e-9, "{sat}");
        assert_eq!(expected_sat_per_th_day(0.0, 1.0), None);
        assert_eq!(expected_sat_per_th_day(f64::NAN, 1.0), None);
    }

    #[test]
    fn a_mean_lacks_what_one_of_its_days_lacks() {
        let days = [
            day(1, Some(60_000.0), Some(150.0)),
            day(2, Some(64_000.0), Some(150.0)),
            day(3, Some(64_000.0), None),
        ];
        let series = hash_price_series(&days, 2);
        let usd: Vec<_> = series.rows.iter().map(|row| row.usd_per_th_day.unwrap()).collect();
        assert_eq!(usd, [0.06, 0.062, 0.056]);
        assert_eq!(
            series.rows.iter().map(|row| row.fee_share).collect::<Vec<_>>(),
            [Some(0.25), Some(0.25), None]
        );
        assert_eq!(series.vintage.fees_to, Some(date(2024, 4, 2)));
        assert_eq!(series.vintage.span, Some((date(2024, 4, 1), date(2024, 4, 3))));
        assert_eq!(hash_price_series(&days, 0).rows, hash_price_series(&days, 1).rows);
        assert!(hash_price_series(&[], 7).rows.is_empty());
    }

    #[test]
    fn a_pool_that_keeps_more_than_it_says_is_seen() {
        let audit = audit_pool(3_000.0, 50.0, 0.02, 144_000.0).unwrap();
        assert_eq!((audit.worth_sat, audit.owed_sat), (150_000.0, 147_000.0));
        assert!((audit.fee_in_fact - 0.04).abs() < 1e-12);
        assert_eq!(audit_pool(0.0, 50.0, 0.02, 0.0), None);
        assert_eq!(audit_pool(1.0, 50.0, 1.5, 0.0), None);
    }
}
