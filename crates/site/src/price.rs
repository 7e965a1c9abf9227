//! What power costs and what hashes earn, as dated data in one currency.

use jiff::Timestamp;
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use offpeak_units::{Currency, HashPrice, Price};

/// A value in force from a civil date on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dated<T> {
    /// The first day.
    pub from: Date,
    /// What holds from then until the next entry.
    pub value: T,
}

/// An energy price on some hours of some days; the first tariff that fits an instant holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tariff {
    /// The days of the week.
    pub days: Vec<Weekday>,
    /// Whether it also holds on holidays.
    pub holidays: bool,
    /// When it begins; `from == to` means the whole day.
    pub from: Time,
    /// When it ends, after `from` or midnight.
    pub to: Time,
    /// The price.
    pub price: Price,
}

/// Prices of a site: one currency throughout; foreign prices were converted, at a dated rate, when
/// the site file was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Economics {
    /// The currency of every price and of every report.
    pub currency: Currency,
    /// Tariff sets by date, oldest first.
    pub tariffs: Vec<Dated<Vec<Tariff>>>,
    /// Hash prices by date, oldest first.
    pub hash_prices: Vec<Dated<HashPrice>>,
    /// Holidays, as in the contract.
    pub holidays: Vec<Date>,
}

impl Economics {
    /// The energy price at an instant; `None` where no tariff covers it (unknown, not free).
    #[must_use]
    pub fn power_price_at(&self, zone: &TimeZone, at: Timestamp) -> Option<Price> {
        let civil = zone.to_datetime(at);
        let (day, time) = (civil.date(), civil.time());
        let set = self.tariffs.iter().rev().find(|dated| dated.from <= day)?;
        let fits = |tariff: &&Tariff| {
            let on_day =
                tariff.days.contains(&day.weekday()) || (tariff.holidays && self.holidays.contains(&day));
            let until_midnight = tariff.to == Time::midnight();
            let in_hours =
                tariff.from == tariff.to || (time >= tariff.from && (until_midnight || time < tariff.to));
            on_day && in_hours
        };
        set.value.iter().find(fits).map(|tariff| tariff.price)
    }
    /// The hash price at an instant; `None` before the first entry.
    #[must_use]
    pub fn hash_price_at(&self, zone: &TimeZone, at: Timestamp) -> Option<HashPrice> {
        let day = zone.to_datetime(at).date();
        self.hash_prices.iter().rev().find(|dated| dated.from <= day).map(|dated| dated.value)
    }
}
