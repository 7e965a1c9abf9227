//! What is known of the chain without asking anybody: difficulty epochs, price by week, fees by month.
//!
//! For: a daily series of the network with no connection at all, each part with its vintage; bringing the
//! epochs up to date from headers.
//! Not for: a single day's figure. Within an epoch the hash rate is interpolated between the means of its
//! neighbours, and the price between two Mondays; over two weeks both come within some 2 %.
//!
//! Sources: `data/chain/SOURCES`, which [`Facts::sources`] gives as text.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::header::{Header, RawHeader};
use super::subsidy::supply_btc;
use super::target::{CompactTarget, HASHES_PER_DIFFICULTY, RETARGET_BLOCKS};
use crate::network::NetworkDay;

const EPOCHS: &str = include_str!("../../data/chain/epochs.csv");
const PRICES: &str = include_str!("../../data/chain/price.csv");
const FEES: &str = include_str!("../../data/chain/fees.csv");
const SOURCES: &str = include_str!("../../data/chain/SOURCES");

/// The time of the second block, 9 January 2009: between it and the first nobody mined.
const SECOND_BLOCK: i64 = 1_231_469_665;
const DAY_SECONDS: i64 = 86_400;

/// 2,016 blocks of one target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch {
    /// Counted from 0.
    pub index: u32,
    /// The target.
    pub bits: CompactTarget,
    /// The time of its first block, seconds since 1970.
    pub start: i64,
    /// Whether that time is from the block's header; else it was reconstructed from targets.
    pub from_header: bool,
}

impl Epoch {
    /// The height of its first block.
    #[must_use]
    pub const fn first_height(&self) -> u32 {
        self.index * RETARGET_BLOCKS
    }
    /// Its difficulty.
    ///
    /// # Panics
    /// If its bits stand for no target, which no verified header and no built-in epoch has.
    #[must_use]
    pub fn difficulty(&self) -> f64 {
        self.bits.target().expect("an epoch's bits stand for a target").difficulty()
    }
    /// The UTC day on which it began.
    #[must_use]
    pub fn start_date(&self) -> Date {
        date_of(self.start)
    }
}

/// A price at the start of a day (00:00 UTC).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PricePoint {
    /// The day.
    pub date: Date,
    /// US dollars for a bitcoin.
    pub usd: f64,
}

/// The fees of a month.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MonthFees {
    /// The first day of the month.
    pub month: Date,
    /// Bitcoins a day.
    pub btc_per_day: f64,
    /// How many days of the month were looked at.
    pub days: u32,
}

/// How far each kind of fact reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FactsVintage {
    /// The last height whose epoch's start is known.
    pub height: u32,
    /// The day on which that epoch began: the daily series ends before it.
    pub epochs_to: Date,
    /// The last epoch start that is from a header.
    pub headers_to: Date,
    /// The first and last day with a price.
    pub price: (Date, Date),
    /// The first and the last month with fees.
    pub fees: (Date, Date),
}

/// Epochs, prices and fees.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// Oldest first, without a gap.
    pub epochs: Vec<Epoch>,
    /// Oldest first.
    pub prices: Vec<PricePoint>,
    /// Oldest first.
    pub fees: Vec<MonthFees>,
}

/// Why epochs cannot be added.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FactsError {
    /// They neither follow nor overlap those that are known.
    #[error("epoch {first} does not follow the last known one, {last}")]
    Gap {
        /// The first of the new ones.
        first: u32,
        /// The last of the old ones.
        last: u32,
    },
    /// They contradict what is known from headers: another chain.
    #[error("epoch {index} has bits {found} at {found_start}, known are {known} at {known_start}")]
    Differs {
        /// Which.
        index: u32,
        /// Its bits in the new ones.
        found: CompactTarget,
        /// Its start there.
        found_start: i64,
        /// Its bits as known.
        known: CompactTarget,
        /// Its start as known.
        known_start: i64,
    },
}

/// The facts that are built in.
#[must_use]
pub fn facts() -> Facts {
    Facts {
        epochs: rows(EPOCHS).map(|row| epoch(&row)).collect(),
        prices: rows(PRICES).map(|row| PricePoint { date: read(&row, 0), usd: read(&row, 1) }).collect(),
        fees: rows(FEES).map(|row| month_fees(&row)).collect(),
    }
}

/// The daily series of the built-in facts from one day to another, both included; `None` is no limit.
#[must_use]
pub fn daily_network(from: Option<Date>, to: Option<Date>) -> Vec<NetworkDay> {
    facts().daily_network(from, to)
}

/// The epochs that begin within verified headers, the first of them at `first_height`.
#[must_use]
pub fn epochs_of(first_height: u32, headers: &[RawHeader]) -> Vec<Epoch> {
    let skip = (RETARGET_BLOCKS - first_height % RETARGET_BLOCKS) % RETARGET_BLOCKS;
    let first = (first_height + skip) / RETARGET_BLOCKS;
    headers
        .iter()
        .skip(skip as usize)
        .step_by(RETARGET_BLOCKS as usize)
        .zip(first..)
        .map(|(raw, index)| {
            let header = Header::read(raw);
            Epoch { index, bits: header.bits, start: i64::from(header.time), from_header: true }
        })
        .collect()
}

impl Facts {
    /// Where the built-in facts come from, and their limits.
    #[must_use]
    pub const fn sources() -> &'static str {
        SOURCES
    }
    /// How far they reach; `None` where a kind has none at all.
    #[must_use]
    pub fn vintage(&self) -> Option<FactsVintage> {
        let last = self.epochs.last()?;
        let header = self.epochs.iter().rev().find(|epoch| epoch.from_header)?;
        Some(FactsVintage {
            height: last.first_height(),
            epochs_to: last.start_date(),
            headers_to: header.start_date(),
            price: (self.prices.first()?.date, self.prices.last()?.date),
            fees: (self.fees.first()?.month, self.fees.last()?.month),
        })
    }
    /// Takes epochs from headers: they replace reconstructed ones and go on after the last.
    ///
    /// # Errors
    /// A gap, or an epoch that is known from a header and differs.
    pub fn with_epochs(mut self, new: &[Epoch]) -> Result<Self, FactsError> {
        for epoch in new {
            let place = epoch.index as usize;
            match self.epochs.get(place) {
                Some(known)
                    if known.bits != epoch.bits || (known.from_header && known.start != epoch.start) =>
                {
                    return Err(FactsError::Differs {
                        index: epoch.index,
                        found: epoch.bits,
                        found_start: epoch.start,
                        known: known.bits,
                        known_start: known.start,
                    });
                }
                Some(_) => self.epochs[place] = *epoch,
                None if place == self.epochs.len() => self.epochs.push(*epoch),
                None => {
                    let last = u32::try_from(self.epochs.len()).unwrap_or(u32::MAX).saturating_sub(1);
                    return Err(FactsError::Gap { first: epoch.index, last });
                }
            }
        }
        Ok(self)
    }
    /// Takes prices: of the same day they replace what is known.
    #[must_use]
    pub fn with_prices(mut self, new: &[PricePoint]) -> Self {
        for point in new {
            match self.prices.binary_search_by_key(&point.date, |known| known.date) {
                Ok(place) => self.prices[place] = *point,
                Err(place) => self.prices.insert(place, *point),
            }
        }
        self
    }
    /// Takes fees: of the same month they replace what is known.
    #[must_use]
    pub fn with_fees(mut self, new: &[MonthFees]) -> Self {
        for fees in new {
            match self.fees.binary_search_by_key(&fees.month, |known| known.month) {
                Ok(place) => self.fees[place] = *fees,
                Err(place) => self.fees.insert(place, *fees),
            }
        }
        self
    }
    /// The price at the end of a day (UTC), interpolated in its logarithm; `None` outside the known prices. The end,
    /// because that is what the published methods take: Coin Metrics, "PriceUSD", docs.coinmetrics.io: "the price as of the
    /// end of the day in UTC time".
    #[must_use]
    pub fn price_usd(&self, date: Date) -> Option<f64> {
        let next = self.prices.partition_point(|point| point.date <= date);
        let (before, after) = (self.prices.get(next.checked_sub(1)?)?, self.prices.get(next)?);
        let span = days_between(before.date, after.date);
        let part = (days_between(before.date, date) + 1.0) / span;
        Some((before.usd.ln() * (1.0 - part) + after.usd.ln() * part).exp())
    }
    /// Fees in bitcoins a day in the month of a day; `None` outside the known months.
    #[must_use]
    pub fn fees_btc(&self, date: Date) -> Option<f64> {
        let month = date.first_of_month();
        let place = self.fees.binary_search_by_key(&month, |fees| fees.month).ok()?;
        Some(self.fees[place].btc_per_day)
    }
    /// One row a day from the second block to the day before the last epoch began, within `from` and `to`
    /// (both included; `None` is no limit).
    ///
    /// Hash rate: the work of the epochs that the day touches, with 2^32 hashes a difficulty. Within an epoch
    /// the rate runs, in its logarithm, straight from the mean of one epoch at its middle to that of the next,
    /// and is scaled so that the epoch's work is kept. Issuance: blocks come at that pace. Blocks are not known. Prices and fees as by
    /// [`Facts::price_usd`] and [`Facts::fees_btc`].
    #[must_use]
    pub fn daily_network(&self, from: Option<Date>, to: Option<Date>) -> Vec<NetworkDay> {
        let stretches = self.stretches();
        let (Some(first), Some(last)) = (stretches.first(), stretches.last()) else { return Vec::new() };
        let mut day = first.start.div_euclid(DAY_SECONDS);
        let mut place = 0;
        let mut days = Vec::new();
        while (day + 1) * DAY_SECONDS <= last.end {
            let (start, end) = (day * DAY_SECONDS, (day + 1) * DAY_SECONDS);
            day += 1;
            while stretches[place].end <= start {
                place += 1;
            }
            let date = date_of(start);
            if from.is_some_and(|from| date < from) {
                continue;
            }
            if to.is_some_and(|to| to < date) {
                break;
            }
            let touched = stretches[place..].iter().take_while(|stretch| stretch.start < end);
            let hashes: f64 = touched.clone().map(|stretch| stretch.hashes_within(start, end)).sum();
            let issued: f64 = touched.map(|stretch| stretch.issued_within(start, end)).sum();
            #[expect(clippy::cast_precision_loss, reason = "a number of seconds")]
            let hash_rate_ths = hashes / DAY_SECONDS as f64 / 1e12;
            days.push(NetworkDay {
                date,
                blocks: None,
                hash_rate_ths,
                price_usd: self.price_usd(date),
                issuance_btc: issued,
                fees_btc: self.fees_btc(date),
            });
        }
        days
    }
    fn stretches(&self) -> Vec<Stretch> {
        let pairs = self.epochs.iter().zip(self.epochs.iter().skip(1));
        let mut stretches: Vec<Stretch> = pairs
            .map(|(epoch, next)| {
                let (start, height) = match epoch.index {
                    0 => (SECOND_BLOCK, 1),
                    _ => (epoch.start, epoch.first_height()),
                };
                Stretch {
                    start,
                    end: next.start,
                    height: f64::from(height),
                    blocks: f64::from(next.first_height() - height),
                    hashes_per_block: epoch.difficulty() * HASHES_PER_DIFFICULTY,
                    bend: (0.0, 0.0),
                }
            })
            .filter(|stretch| stretch.start < stretch.end)
            .collect();
        for place in 0..stretches.len() {
            let before = place.checked_sub(1).map(|before| &stretches[before]);
            let bend = stretches[place].bend_between(before, stretches.get(place + 1));
            stretches[place].bend = bend;
        }
        stretches
    }
}

/// The blocks of one target and how their pace changed.
struct Stretch {
    start: i64,
    end: i64,
    height: f64,
    blocks: f64,
    hashes_per_block: f64,
    /// The logarithm of the rate at the start and at the end, less that in the middle.
    bend: (f64, f64),
}

impl Stretch {
    #[expect(clippy::cast_precision_loss, reason = "seconds of a few weeks")]
    fn seconds(&self) -> f64 {
        (self.end - self.start) as f64
    }
    fn log_rate(&self) -> f64 {
        (self.blocks * self.hashes_per_block / self.seconds()).ln()
    }
    /// The bend that leads from the mean of the stretch before to that of the one after; none where there is
    /// no neighbour.
    fn bend_between(&self, before: Option<&Self>, after: Option<&Self>) -> (f64, f64) {
        let own = self.log_rate();
        let towards = |other: Option<&Self>| {
            let share = |other: &Self| self.seconds() / (self.seconds() + other.seconds());
            other.map_or(0.0, |other| (other.log_rate() - own) * share(other))
        };
        (towards(before), towards(after))
    }
    /// How much of the stretch's work was done up to a time, from 0 to 1.
    #[expect(clippy::cast_precision_loss, reason = "seconds of a few weeks")]
    fn part(&self, time: i64) -> f64 {
        let at = (time.clamp(self.start, self.end) - self.start) as f64 / self.seconds();
        let (first, second) = (area(self.bend.0, 0.0, 0.5), area(0.0, self.bend.1, 0.5));
        let done = if at <= 0.5 {
            // From the start's rate to that at `at`, which lies on the straight line to the middle.
            area(self.bend.0, self.bend.0 * (1.0 - 2.0 * at), at)
        } else {
            first + area(0.0, self.bend.1 * (2.0 * at - 1.0), at - 0.5)
        };
        done / (first + second)
    }
    fn hashes_within(&self, start: i64, end: i64) -> f64 {
        (self.part(end) - self.part(start)) * self.blocks * self.hashes_per_block
    }
    fn issued_within(&self, start: i64, end: i64) -> f64 {
        let supply = |time| supply_btc(self.height + self.part(time) * self.blocks);
        supply(end) - supply(start)
    }
}

/// The area under a curve whose logarithm runs straight from one value to another over a width.
fn area(from: f64, to: f64, width: f64) -> f64 {
    let rise = to - from;
    if rise.abs() < 1e-9 { width * from.exp() } else { width * (to.exp() - from.exp()) / rise }
}

fn rows(table: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    let lines = table.lines().filter(|line| !line.starts_with('#')).skip(1);
    lines.map(|line| line.split(',').collect())
}

fn read<T: core::str::FromStr>(row: &[&str], column: usize) -> T {
    let parsed = row.get(column).and_then(|cell| cell.parse().ok());
    parsed.expect("a test reads every row of the built-in tables")
}

fn epoch(row: &[&str]) -> Epoch {
    let bits = row.get(1).and_then(|bits| u32::from_str_radix(bits, 16).ok());
    Epoch {
        index: read(row, 0),
        bits: CompactTarget::from_bits(bits.expect("a test reads every row of the built-in tables")),
        start: read(row, 2),
        from_header: row.get(3) == Some(&"h"),
    }
}

fn month_fees(row: &[&str]) -> MonthFees {
    let month = row.first().and_then(|month| format!("{month}-01").parse().ok());
    MonthFees {
        month: month.expect("a test reads every row of the built-in tables"),
        btc_per_day: read(row, 1),
        days: read(row, 2),
    }
}

pub(super) fn date_of(seconds: i64) -> Date {
    let time = Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH);
    TimeZone::UTC.to_datetime(time).date()
}

fn days_between(from: Date, to: Date) -> f64 {
    from.until(to).map_or(f64::NAN, |span| f64::from(span.get_days()))
}
