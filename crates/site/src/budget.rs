//! Energy budgets, and what the highest mean of a billing month costs: sums over civil periods.
//!
//! Not here: what was used of them (`dispatch`).

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use offpeak_units::{Energy, Money, Power};

use crate::circuit::CircuitIx;
use crate::contract::start_of;
use crate::plant::Site;
use crate::summary;

/// A civil period of the site's time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    /// From midnight to midnight: 23 or 25 hours where the clock changes.
    Day,
    /// From Monday's midnight to the next one's (ISO 8601).
    Week,
    /// From the first's midnight to the next one's.
    Month,
}

impl Period {
    /// All of them, shortest first.
    pub const ALL: [Self; 3] = [Self::Day, Self::Week, Self::Month];

    /// As written in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// The period in which an instant lies: half-open.
    ///
    /// ```
    /// use offpeak_site::Period;
    /// let berlin = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
    /// let (from, until) = Period::Day.span(&berlin, "2023-03-26T12:00:00Z".parse().unwrap());
    /// assert_eq!(from.duration_until(until).as_hours(), 23);
    /// ```
    #[must_use]
    pub fn span(self, zone: &TimeZone, at: Timestamp) -> (Timestamp, Timestamp) {
        let day = zone.to_datetime(at).date();
        let begins = match self {
            Self::Day => day,
            Self::Week => {
                day.checked_sub(i64::from(day.weekday().to_monday_zero_offset()).days()).unwrap_or(day)
            }
            Self::Month => day.first_of_month(),
        };
        let step = match self {
            Self::Day => 1.day(),
            Self::Week => 1.week(),
            Self::Month => 1.month(),
        };
        let instant = |day: Date| start_of(zone, day).unwrap_or(at);
        (instant(begins), instant(begins.checked_add(step).unwrap_or(begins)))
    }
}

/// What was used or drawn before anybody counted, as its site file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Before<T> {
    /// Until this instant, from the beginning of its period.
    pub until: Timestamp,
    /// So much.
    pub value: T,
}

/// So much energy a period at a circuit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnergyBudget {
    /// Its name.
    pub id: String,
    /// Which circuit; it has a meter.
    pub circuit: CircuitIx,
    /// Each of these,
    pub period: Period,
    /// so much.
    pub energy: Energy,
    /// What was used before offpeak counted.
    pub before: Option<Before<Energy>>,
}

/// What the highest mean of a month at the grid connection costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DemandCharge {
    /// For each kilowatt of it.
    pub price_per_kilowatt: Money,
    /// The mean is over so many minutes from the full hour: 15, 30 or 60.
    pub minutes: u8,
    /// Whether the connection's mean is held to the peak that the plan of the hours ahead has chosen.
    pub holds: bool,
}

impl Site {
    /// What a circuit draws with every machine below it asleep or cut, and those that cannot be at full power; fans
    /// included, since they run on.
    #[must_use]
    pub fn least_draw(&self, circuit: CircuitIx) -> Power {
        self.draw(circuit, summary::stopped)
    }

    /// The most that a circuit may credibly draw: everything on, but no more than it may carry.
    #[must_use]
    pub fn most_draw(&self, circuit: CircuitIx) -> Power {
        let all = self.draw(circuit, |site, machine| site.model(machine.model).power_max());
        self.circuits.path(circuit).filter_map(|ix| self.circuits.get(ix).rating).fold(all, Power::min)
    }

    /// What a circuit draws besides machines, without fans: what hangs on it and on all below it for good.
    #[must_use]
    pub fn base_draw(&self, circuit: CircuitIx) -> Power {
        let below = self.circuits.iter().filter(|(ix, _)| self.circuits.is_within(*ix, circuit));
        below.map(|(_, circuit)| circuit.base_load).sum()
    }

    fn draw(&self, circuit: CircuitIx, of: impl Fn(&Self, &crate::machine::Machine) -> Power) -> Power {
        let within = |ix| self.circuits.is_within(ix, circuit);
        let fans = self.fans.iter().filter(|fans| within(fans.circuit)).map(|fans| fans.power);
        let machines = self.machines.iter().filter(|machine| within(machine.circuit));
        self.base_draw(circuit) + fans.sum() + machines.map(|machine| of(self, machine)).sum()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    #[test]
    fn a_week_begins_on_monday_and_a_month_on_the_first() {
        let almaty = zone("Asia/Almaty");
        // Sunday 30 October 2022, 23:59 there.
        let at: Timestamp = "2022-10-30T17:59:00Z".parse().unwrap();
        let local = |period: Period| {
            let (from, until) = period.span(&almaty, at);
            [from, until].map(|at| almaty.to_datetime(at).to_string())
        };
        assert_eq!(local(Period::Day), ["2022-10-30T00:00:00", "2022-10-31T00:00:00"]);
        assert_eq!(local(Period::Week), ["2022-10-24T00:00:00", "2022-10-31T00:00:00"]);
        assert_eq!(local(Period::Month), ["2022-10-01T00:00:00", "2022-11-01T00:00:00"]);
    }

    #[test]
    fn a_month_has_the_hours_that_its_clock_gives_it() {
        let hours = |at: &str, period: Period| {
            let (from, until) = period.span(&zone("Europe/Berlin"), at.parse().unwrap());
            from.duration_until(until).as_hours()
        };
        assert_eq!(hours("2023-03-10T00:00:00Z", Period::Month), 31 * 24 - 1);
        assert_eq!(hours("2023-10-31T22:59:59Z", Period::Month), 31 * 24 + 1);
        assert_eq!(hours("2023-10-29T12:00:00Z", Period::Week), 7 * 24 + 1);
        assert_eq!(hours("2024-02-29T12:00:00Z", Period::Month), 29 * 24);
    }

    proptest! {
        /// Periods lie one after another without gap or overlap, whatever the clock does.
        #[test]
        fn periods_tile_the_time(second in 0_i64..2_000_000_000, which in 0_usize..3, place in 0_usize..4) {
            let zone = zone(["Europe/Berlin", "Asia/Almaty", "America/St_Johns", "Australia/Lord_Howe"][place]);
            let period = Period::ALL[which];
            let at = Timestamp::from_second(second).unwrap();
            let (from, until) = period.span(&zone, at);
            prop_assert!(from <= at && at < until);
            prop_assert_eq!(period.span(&zone, from), (from, until));
            prop_assert_eq!(period.span(&zone, until).0, until);
            prop_assert_eq!(period.span(&zone, from - 1.second()).1, from);
        }
    }
}
