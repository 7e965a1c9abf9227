//! What hashing earns now, as a quantity that a mine's own decisions may use, with its age.
//!
//! For: a hash price made of difficulty, subsidy, fees and a price of bitcoin, each with the time it is of and
//! where it is from; or from the last days of a network series. The result is an
//! [`offpeak_units::HashPrice`], exact decimals in one currency, and refuses to be used when it is too old.
//! Not for: fetching any of it, or deciding. Whoever wires a site hands a quote on as one of its prices.
//!
//! Fees that are not known are left out, and [`HashPriceQuote::fees_counted`] says so: that understates what
//! hashing earns, so a mine that goes by it stops earlier, never later.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use offpeak_units::{Currency, HashPrice};
use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive as _;

use crate::chain::{SAT_PER_BTC, subsidy_sat};
use crate::hashprice::{HashPriceDay, expected_sat_per_th_day};
use crate::network::NetworkDay;

/// How far a clock elsewhere may run ahead of ours before its figures are refused.
pub const AHEAD_MAX: SignedDuration = SignedDuration::from_mins(5);
/// Decimal places of a quote: a millionth of a millionth of the currency's unit for a terahash a second and
/// day; half to even.
const PLACES: u32 = 12;

/// A value with the time it is of and where it is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamped<T> {
    /// The value.
    pub value: T,
    /// When it was so.
    pub as_of: Timestamp,
    /// Who says so: an address, a file, "built in".
    pub source: String,
}

/// What a hash price is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct QuoteInputs {
    /// The network's difficulty.
    pub difficulty: Stamped<f64>,
    /// The height of the next block, for its subsidy.
    pub height: u32,
    /// Mean fees of a block in satoshis, where known.
    pub fees_sat_per_block: Option<Stamped<u64>>,
    /// The price of one bitcoin.
    pub bitcoin_price: Stamped<Decimal>,
    /// The currency of that price.
    pub currency: Currency,
}

/// A hash price, what it was made of, and how old it is.
#[derive(Clone, Debug, PartialEq)]
pub struct HashPriceQuote {
    /// What a terahash a second earns in a day, before a pool's fee.
    pub hash_price: HashPrice,
    /// The same in satoshis.
    pub sat_per_th_day: f64,
    /// The time of its oldest part: a quote is as old as that.
    pub as_of: Timestamp,
    /// Whether fees are in it.
    pub fees_counted: bool,
    /// Each part in words: name, value, time, source.
    pub parts: Vec<QuotePart>,
}

/// One part of a quote, for its listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotePart {
    /// What it is, with its unit: `difficulty`, `subsidy_sat`.
    pub name: &'static str,
    /// Its value as written.
    pub value: String,
    /// The time it is of; none for what follows from the rules alone.
    pub as_of: Option<Timestamp>,
    /// Where it is from.
    pub source: String,
}

/// Why there is no hash price, or none to go by.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuoteError {
    /// A part that is out of its range.
    #[error("{name} is `{value}`, which is not above zero or beyond reckoning")]
    Range {
        /// Which part.
        name: &'static str,
        /// As given.
        value: String,
    },
    /// A series without a day that has a hash rate and a price.
    #[error("no day of the network series has a hash rate and a price")]
    Empty,
    /// Too old to go by.
    #[error("the hash price is of {as_of}, {age:#} ago; at most {age_max:#} is allowed")]
    Stale {
        /// The time of its oldest part.
        as_of: Timestamp,
        /// How long ago that is.
        age: SignedDuration,
        /// What is allowed.
        age_max: SignedDuration,
    },
    /// From the future: one of two clocks is wrong.
    #[error("the hash price is of {as_of}, which is ahead of this clock")]
    Ahead {
        /// The time of its newest part.
        as_of: Timestamp,
    },
}

impl HashPriceQuote {
    /// Of its parts.
    ///
    /// # Errors
    /// A difficulty or a price that is not above zero, or out of reckoning.
    pub fn of(inputs: &QuoteInputs) -> Result<Self, QuoteError> {
        let subsidy = subsidy_sat(inputs.height);
        let fees = inputs.fees_sat_per_block.as_ref();
        let difficulty = inputs.difficulty.value;
        #[expect(clippy::cast_precision_loss, reason = "a block's satoshis are far below 2^53")]
        let reward = (subsidy + fees.map_or(0, |fees| fees.value)) as f64;
        let range = |name, value: String| QuoteError::Range { name, value };
        let sat = expected_sat_per_th_day(difficulty, reward)
            .ok_or_else(|| range("difficulty", difficulty.to_string()))?;
        let price = inputs.bitcoin_price.value;
        if price <= Decimal::ZERO {
            return Err(range("bitcoin_price", price.to_string()));
        }
        let hash_price = in_currency(sat, price).ok_or_else(|| range("bitcoin_price", price.to_string()))?;
        let stamped = |name, value: String, as_of, source: &str| QuotePart {
            name,
            value,
            as_of: Some(as_of),
            source: source.to_owned(),
        };
        let at = &inputs.difficulty;
        let mut parts = vec![stamped("difficulty", difficulty.to_string(), at.as_of, &at.source)];
        let schedule = format!("the schedule at height {}", inputs.height);
        parts.push(QuotePart {
            name: "subsidy_sat",
            value: subsidy.to_string(),
            as_of: None,
            source: schedule,
        });
        if let Some(fees) = fees {
            parts.push(stamped("fees_sat_per_block", fees.value.to_string(), fees.as_of, &fees.source));
        }
        let at = &inputs.bitcoin_price;
        let name = "bitcoin_price";
        parts.push(stamped(name, format!("{price} {}", inputs.currency), at.as_of, &at.source));
        Ok(Self {
            hash_price: HashPrice::per_terahash_day(hash_price, inputs.currency),
            sat_per_th_day: sat,
            as_of: oldest(&parts).unwrap_or(inputs.bitcoin_price.as_of),
            fees_counted: fees.is_some(),
            parts,
        })
    }

    /// The mean of the last `mean_days` days of a network series that have a hash rate and a price, in US
    /// dollars; as old as the end of the last of them.
    ///
    /// # Errors
    /// A series without such a day.
    pub fn of_series(network: &[NetworkDay], mean_days: usize, source: &str) -> Result<Self, QuoteError> {
        let whole = |day: &NetworkDay| HashPriceDay::of(day).filter(|row| row.usd_per_th_day.is_some());
        let days: Vec<HashPriceDay> = network.iter().rev().filter_map(whole).take(mean_days.max(1)).collect();
        let last = days.first().ok_or(QuoteError::Empty)?.date;
        #[expect(clippy::cast_precision_loss, reason = "a number of days")]
        let count = days.len() as f64;
        let usd = days.iter().filter_map(|day| day.usd_per_th_day).sum::<f64>() / count;
        let sat_per_th_day = days.iter().map(|day| day.sat_per_th_day).sum::<f64>() / count;
        let amount = Decimal::from_f64(usd).filter(|usd| *usd > Decimal::ZERO);
        let amount =
            amount.ok_or_else(|| QuoteError::Range { name: "usd_per_th_day", value: usd.to_string() })?;
        let as_of = end_of(last).ok_or(QuoteError::Empty)?;
        Ok(Self {
            hash_price: HashPrice::per_terahash_day(amount.round_dp(PLACES), Currency::USD),
            sat_per_th_day,
            as_of,
            fees_counted: days.iter().all(|day| day.fee_share.is_some()),
            parts: vec![QuotePart {
                name: "network_days",
                value: format!("the mean of {} days to {last}", days.len()),
                as_of: Some(as_of),
                source: source.to_owned(),
            }],
        })
    }

    /// How old it is; below zero it is ahead of the clock.
    #[must_use]
    pub fn age(&self, now: Timestamp) -> SignedDuration {
        now.duration_since(self.as_of)
    }

    /// The price, if it may still be gone by.
    ///
    /// # Errors
    /// One that is older than `age_max`, or ahead of the clock by more than [`AHEAD_MAX`].
    pub fn usable(&self, now: Timestamp, age_max: SignedDuration) -> Result<HashPrice, QuoteError> {
        let newest = self.parts.iter().filter_map(|part| part.as_of).max().unwrap_or(self.as_of);
        if newest.duration_since(now) > AHEAD_MAX {
            return Err(QuoteError::Ahead { as_of: newest });
        }
        let age = self.age(now);
        if age > age_max {
            return Err(QuoteError::Stale { as_of: self.as_of, age, age_max });
        }
        Ok(self.hash_price)
    }
}

fn in_currency(sat_per_th_day: f64, price: Decimal) -> Option<Decimal> {
    let amount = Decimal::from_f64(sat_per_th_day)?.checked_mul(price)?;
    Some(amount.checked_div(Decimal::from(SAT_PER_BTC))?.round_dp(PLACES))
        .filter(|price| *price > Decimal::ZERO)
}

fn oldest(parts: &[QuotePart]) -> Option<Timestamp> {
    parts.iter().filter_map(|part| part.as_of).min()
}

/// Midnight (UTC) after a day.
fn end_of(day: Date) -> Option<Timestamp> {
    TimeZone::UTC.to_timestamp(day.tomorrow().ok()?.at(0, 0, 0, 0)).ok()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn inputs() -> QuoteInputs {
        let stamped = |as_of: &str| Stamped { value: (), as_of: at(as_of), source: "a node".into() };
        let of = |as_of| stamped(as_of);
        QuoteInputs {
            difficulty: Stamped {
                value: 1e14,
                as_of: of("2026-05-01T00:00:00Z").as_of,
                source: "a node".into(),
            },
            height: 947_000,
            fees_sat_per_block: Some(Stamped {
                value: 2_500_000,
                as_of: at("2026-05-02T00:00:00Z"),
                source: "a node".into(),
            }),
            bitcoin_price: Stamped {
                value: Decimal::from(100_000),
                as_of: at("2026-05-03T00:00:00Z"),
                source: "a feed".into(),
            },
            currency: Currency::USD,
        }
    }

    #[test]
    fn a_quote_is_what_its_parts_come_to_and_as_old_as_the_oldest() {
        let quote = HashPriceQuote::of(&inputs()).unwrap();
        // 86,400e12 / (1e14 x 2^32) blocks a day, of 3.15 bitcoins each at 100,000 dollars.
        let expected = 86_400e12 / (1e14 * 4_294_967_296.0) * 3.15 * 100_000.0;
        let found: f64 = quote.hash_price.to_per_terahash_day().try_into().unwrap();
        assert!((found / expected - 1.0).abs() < 1e-9, "{found} {expected}");
        assert_eq!(quote.as_of, at("2026-05-01T00:00:00Z"));
        assert!(quote.fees_counted);
        assert_eq!(quote.parts.len(), 4);
    }

    #[test]
    fn without_fees_it_is_less_and_says_so() {
        let with = HashPriceQuote::of(&inputs()).unwrap();
        let without = HashPriceQuote::of(&QuoteInputs { fees_sat_per_block: None, ..inputs() }).unwrap();
        assert!(without.hash_price.to_per_terahash_day() < with.hash_price.to_per_terahash_day());
        assert!(!without.fees_counted);
    }

    #[test]
    fn what_is_old_or_ahead_of_the_clock_is_not_gone_by() {
        let quote = HashPriceQuote::of(&inputs()).unwrap();
        let now = at("2026-05-03T00:01:00Z");
        assert_eq!(quote.usable(now, SignedDuration::from_hours(72)), Ok(quote.hash_price));
        let stale = quote.usable(now, SignedDuration::from_hours(24)).unwrap_err();
        assert!(matches!(stale, QuoteError::Stale { .. }), "{stale}");
        let early = at("2026-05-02T12:00:00Z");
        let ahead = quote.usable(early, SignedDuration::from_hours(72)).unwrap_err();
        assert_eq!(ahead, QuoteError::Ahead { as_of: at("2026-05-03T00:00:00Z") });
    }

    #[test]
    fn what_cannot_be_reckoned_with_is_refused() {
        for difficulty in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let mut wrong = inputs();
            wrong.difficulty.value = difficulty;
            assert!(HashPriceQuote::of(&wrong).is_err(), "{difficulty}");
        }
        let mut wrong = inputs();
        wrong.bitcoin_price.value = Decimal::ZERO;
        assert!(HashPriceQuote::of(&wrong).is_err());
        wrong.bitcoin_price.value = Decimal::MAX;
        wrong.difficulty.value = 1e-9;
        assert!(HashPriceQuote::of(&wrong).is_err());
    }

    #[test]
    fn a_series_gives_the_mean_of_its_last_days() {
        let day = |day, price_usd| NetworkDay {
            date: date(2024, 4, day),
            blocks: None,
            hash_rate_ths: 6e8,
            price_usd,
            issuance_btc: 450.0,
            fees_btc: Some(150.0),
        };
        let days = [day(1, Some(50_000.0)), day(2, Some(60_000.0)), day(3, Some(64_000.0)), day(4, None)];
        let quote = HashPriceQuote::of_series(&days, 2, "a file").unwrap();
        assert_eq!(quote.hash_price.to_per_terahash_day(), "0.062".parse().unwrap());
        assert_eq!(quote.as_of, at("2024-04-04T00:00:00Z"));
        assert_eq!(HashPriceQuote::of_series(&days[3..], 2, "a file"), Err(QuoteError::Empty));
    }
}
