//! What power costs and what hashes earn, as dated data in one currency.

use jiff::Timestamp;
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use offpeak_units::{Currency, HashPrice, Money, Power, Price, Temperature};
use rust_decimal::Decimal;

use crate::budget::{Before, DemandCharge, Period};

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

/// A levy on each kilowatt-hour drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Levy {
    /// It is due where the power's own price is below this; `None`: always.
    pub price_below: Option<Price>,
    /// What is due.
    pub price: Price,
}

/// What else depends on use. The default is nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Costs {
    /// Losses and cooling that follow the machines' load, in parts per million of it.
    pub overhead_ppm: u32,
    /// The pool's and others' fees, in parts per million of what hashes earn.
    pub fees_ppm: u32,
    /// Levies by date, oldest first; where several of a date are due, the highest is.
    pub levies: Vec<Dated<Vec<Levy>>>,
    /// What starting a machine costs: wear, and minutes without work. `None` where nobody has said.
    pub start: Option<Money>,
    /// The same at -30 °C and below: a machine that has gone cold in the frost wears more. `None`: as in the warm.
    pub cold_start: Option<Money>,
    /// What the highest mean of a billing month at the connection costs, oldest first; each from the first of a month.
    pub demand_charges: Vec<Dated<DemandCharge>>,
    /// The highest mean of a month before offpeak counted.
    pub peak_before: Option<Before<Power>>,
}

impl Costs {
    /// What a start costs at an outdoor temperature: in the frost on a straight line from 0 °C to -30 °C. Where the
    /// temperature is not known it is taken to be above freezing.
    #[must_use]
    pub fn start_at(&self, outdoor: Option<Temperature>) -> Option<Money> {
        let (warm, cold) = (self.start?, self.cold_start);
        let frost = outdoor.map_or(0, |outdoor| (-outdoor.to_millicelsius()).clamp(0, 30_000));
        let Some(cold) = cold.filter(|_| frost > 0) else { return Some(warm) };
        let share = Decimal::from(frost) / Decimal::from(30_000);
        let more = (cold.amount() - warm.amount()).checked_mul(share)?;
        Some(Money::new(warm.amount() + more, warm.currency()))
    }
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
    /// What else depends on use.
    pub costs: Costs,
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
    /// What a machine's kilowatt-hour costs all told, at this price of power: levies, losses and cooling included.
    #[must_use]
    pub fn marginal(&self, power: Price, zone: &TimeZone, at: Timestamp) -> Price {
        let day = zone.to_datetime(at).date();
        let own = power.to_per_kilowatt_hour();
        let levies = self.costs.levies.iter().rev().find(|dated| dated.from <= day);
        let due = |levy: &&Levy| levy.price_below.is_none_or(|below| own < below.to_per_kilowatt_hour());
        let levy = levies
            .and_then(|dated| {
                dated.value.iter().filter(due).map(|levy| levy.price.to_per_kilowatt_hour()).max()
            })
            .unwrap_or(Decimal::ZERO);
        let overhead = Decimal::ONE + Decimal::new(i64::from(self.costs.overhead_ppm), 6);
        Price::per_kilowatt_hour((own + levy) * overhead, self.currency)
    }
    /// What the highest mean of the billing month costs in which an instant lies; `None` where it costs nothing.
    #[must_use]
    pub fn demand_charge_at(&self, zone: &TimeZone, at: Timestamp) -> Option<DemandCharge> {
        let (begins, _) = Period::Month.span(zone, at);
        let day = zone.to_datetime(begins).date();
        let charge = self.costs.demand_charges.iter().rev().find(|dated| dated.from <= day)?.value;
        (!charge.price_per_kilowatt.amount().is_zero()).then_some(charge)
    }
    /// What is left of a hash price after fees.
    #[must_use]
    pub fn after_fees(&self, hash_price: HashPrice) -> HashPrice {
        let left = Decimal::ONE - Decimal::new(i64::from(self.costs.fees_ppm), 6);
        HashPrice::per_terahash_day(hash_price.to_per_terahash_day() * left, self.currency)
    }
    /// The hash price at an instant; `None` before the first entry.
    #[must_use]
    pub fn hash_price_at(&self, zone: &TimeZone, at: Timestamp) -> Option<HashPrice> {
        let day = zone.to_datetime(at).date();
        self.hash_prices.iter().rev().find(|dated| dated.from <= day).map(|dated| dated.value)
    }
}
