//! Rows of an electricity estimate, and from which inputs they were computed.

use jiff::civil::Date;

use super::Method;
use crate::fingerprint::Fingerprint;
use crate::hardware::{self, Model};
use crate::network::NetworkDay;

/// Hours of the mean year by which a power becomes an energy a year (365.25 days).
pub(crate) const HOURS_A_YEAR: f64 = 8_766.0;

/// A lower bound, a best guess and an upper bound of the same thing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    /// The lower bound; none where the method has none, which is not the same as zero.
    pub lower: Option<f64>,
    /// The best guess.
    pub guess: f64,
    /// The upper bound.
    pub upper: f64,
}

impl Band {
    /// Nothing at all, from which sums begin.
    pub(crate) const ZERO: Self = Self { lower: Some(0.0), guess: 0.0, upper: 0.0 };

    /// All three times a factor.
    #[must_use]
    #[inline]
    pub fn times(self, factor: f64) -> Self {
        Self {
            lower: self.lower.map(|lower| lower * factor),
            guess: self.guess * factor,
            upper: self.upper * factor,
        }
    }
    /// The sum; it has a lower bound only where both have one.
    #[inline]
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            lower: self.lower.zip(other.lower).map(|(one, other)| one + other),
            guess: self.guess + other.guess,
            upper: self.upper + other.upper,
        }
    }
    /// Those of the three that are known, with their names.
    pub(crate) fn known(self) -> impl Iterator<Item = (&'static str, f64)> {
        let lower = self.lower.map(|lower| ("lower", lower));
        lower.into_iter().chain([("guess", self.guess), ("upper", self.upper)])
    }
    /// Whether lower (where there is one), guess and upper stand in that order.
    #[must_use]
    pub fn is_ordered(&self) -> bool {
        self.lower.is_none_or(|lower| lower <= self.guess) && self.guess <= self.upper
    }
}

/// One day of an estimate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// The day, UTC.
    pub date: Date,
    /// Terawatt-hours a year at this rate.
    pub twh: Band,
    /// Gigawatts.
    pub gw: Band,
    /// How many models of the table pay their power on this day, where the method asks.
    pub profitable: Option<u32>,
    /// The least efficient machine that pays its power, in joules per terahash, where the method asks.
    pub threshold_j_per_th: Option<f64>,
}

impl Row {
    /// A row from its power.
    #[inline]
    pub(crate) fn from_gw(date: Date, gw: Band) -> Self {
        let twh = gw.times(HOURS_A_YEAR / 1e3);
        Self { date, twh, gw, profitable: None, threshold_j_per_th: None }
    }
}

/// From which inputs an estimate was computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vintage {
    /// Days of the network series.
    pub network_days: usize,
    /// Its first and last day, where it has any.
    pub network_span: Option<(Date, Date)>,
    /// The last day with a price.
    pub price_to: Option<Date>,
    /// The last day with known fees; later ones count none.
    pub fees_to: Option<Date>,
    /// Names its numbers.
    pub network_fingerprint: String,
    /// Models of the table of machines.
    pub catalogue_models: usize,
    /// Names its numbers.
    pub catalogue_fingerprint: String,
}

impl Vintage {
    /// How many days the network series has, from when to when, and how far prices and fees are known.
    #[must_use]
    pub fn network_reach(&self) -> String {
        let day = |date: Option<Date>| date.map_or_else(|| "none".to_owned(), |date| date.to_string());
        let span = self.network_span.map_or(String::new(), |(first, last)| format!(", {first} to {last}"));
        let (prices, fees) = (day(self.price_to), day(self.fees_to));
        format!("{} days{span}, prices to {prices}, fees to {fees}", self.network_days)
    }
    /// Of these inputs.
    #[must_use]
    pub fn of(network: &[NetworkDay], catalogue: &[Model]) -> Self {
        let mut print = Fingerprint::new("offpeak network 1");
        for day in network {
            print.text(&day.date.to_string());
            print.number(Some(day.hash_rate_ths));
            print.number(day.price_usd);
            print.number(Some(day.issuance_btc));
            print.number(day.fees_btc);
        }
        let last =
            |known: fn(&NetworkDay) -> bool| network.iter().rev().find(|day| known(day)).map(|day| day.date);
        Self {
            network_days: network.len(),
            network_span: network.first().zip(network.last()).map(|(first, last)| (first.date, last.date)),
            price_to: last(|day| day.price_usd.is_some()),
            fees_to: last(|day| day.fees_btc.is_some()),
            network_fingerprint: print.finish(),
            catalogue_models: catalogue.len(),
            catalogue_fingerprint: hardware::fingerprint(catalogue),
        }
    }
}

/// A whole estimate: by which method with which assumptions, from which inputs, day by day.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// The method with its assumptions as they were.
    pub method: Method,
    /// The inputs.
    pub vintage: Vintage,
    /// One row a day, oldest first.
    pub rows: Vec<Row>,
}

impl Series {
    /// The row of a day.
    #[must_use]
    pub fn on(&self, date: Date) -> Option<&Row> {
        self.rows.binary_search_by_key(&date, |row| row.date).ok().map(|at| &self.rows[at])
    }
    /// Only the rows from one day to another, both included; `None` is no limit.
    #[must_use]
    pub fn between(mut self, from: Option<Date>, to: Option<Date>) -> Self {
        self.rows
            .retain(|row| from.is_none_or(|from| from <= row.date) && to.is_none_or(|to| row.date <= to));
        self
    }
    /// The energy of a calendar month in terawatt-hours, day by day at each day's power, with the number
    /// of days it rests on (Cambridge's monthly figure: the sum of GW x 24 / 1000).
    #[must_use]
    pub fn month_twh(&self, year: i16, month: i8) -> Option<(Band, usize)> {
        let of_month = |row: &&Row| (row.date.year(), row.date.month()) == (year, month);
        let days: Vec<Band> = self.rows.iter().filter(of_month).map(|row| row.gw).collect();
        let sum = days.iter().fold(Band::ZERO, |sum, gw| sum.plus(*gw));
        (!days.is_empty()).then(|| (sum.times(24.0 / 1e3), days.len()))
    }
    /// The mean best guess of a year in terawatt-hours a year, with the number of days it rests on.
    #[must_use]
    pub fn year_guess_twh(&self, year: i16) -> Option<(f64, usize)> {
        let guesses: Vec<f64> =
            self.rows.iter().filter(|row| row.date.year() == year).map(|row| row.twh.guess).collect();
        #[expect(clippy::cast_precision_loss, reason = "at most 366")]
        (!guesses.is_empty()).then(|| (guesses.iter().sum::<f64>() / guesses.len() as f64, guesses.len()))
    }
}

/// A day on which mining earned something that a price can be put on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EarningDay {
    pub(crate) date: Date,
    pub(crate) hash_rate_ths: f64,
    /// Issuance and fees in US dollars; fees that are not known count as none.
    pub(crate) revenue_usd: f64,
}

/// The days with a price and a hash rate; the others say nothing of what mining earns.
pub(crate) fn earning_days(network: &[NetworkDay]) -> Vec<EarningDay> {
    let earning = |day: &NetworkDay| {
        let revenue_usd = (day.issuance_btc + day.fees_btc.unwrap_or(0.0)) * day.price_usd?;
        let sound = day.hash_rate_ths.is_finite() && day.hash_rate_ths > 0.0;
        (sound && revenue_usd.is_finite() && revenue_usd >= 0.0).then_some(EarningDay {
            date: day.date,
            hash_rate_ths: day.hash_rate_ths,
            revenue_usd,
        })
    };
    let mut days: Vec<EarningDay> = Vec::with_capacity(network.len());
    for day in network.iter().filter_map(earning) {
        if days.last().is_none_or(|last| last.date < day.date) {
            days.push(day);
        }
    }
    days
}

/// The mean of the last `rows` values at each place, of fewer at the start.
#[expect(clippy::cast_precision_loss, reason = "a number of rows")]
pub(crate) fn trailing_means(values: &[f64], rows: usize) -> Vec<f64> {
    let mean = |end: usize| {
        let window = &values[(end + 1).saturating_sub(rows.max(1))..=end];
        window.iter().sum::<f64>() / window.len() as f64
    };
    (0..values.len()).map(mean).collect()
}

/// Rows of trailing means of a daily power.
#[expect(clippy::cast_precision_loss, reason = "a number of days")]
pub(crate) fn mean_gw(daily: &[Band], days: usize, end: usize) -> Band {
    let window = &daily[(end + 1).saturating_sub(days.max(1))..=end];
    let sum = window.iter().fold(Band::ZERO, |sum, band| sum.plus(*band));
    sum.times(1.0 / window.len() as f64)
}
