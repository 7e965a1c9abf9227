//! What binds on a circuit in the days to come, stretch by stretch.
//!
//! Not here: loads. A calendar says what is allowed and at what price, not what will be drawn.

use jiff::{SignedDuration, Timestamp};
use offpeak_site::{CircuitIx, Site};
use offpeak_units::Price;

use crate::counts::Counts;
use crate::directive::Directives;
use crate::envelope::{Along, Block, CircuitLimit, Limit, along, spans};

/// One stretch of a calendar: half-open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CalendarRow {
    /// From this instant,
    pub from: Timestamp,
    /// until this one.
    pub until: Timestamp,
    /// The tightest limit at the circuit or above it, as the stretch begins, and where it is.
    pub binding: Option<(CircuitIx, Limit)>,
    /// The next tightest of those.
    pub next: Option<(CircuitIx, Limit)>,
    /// Why nothing may start or hash there, if so.
    pub block: Option<(CircuitIx, Block)>,
    /// What a kilowatt-hour costs.
    pub power_price: Option<Price>,
}

impl CalendarRow {
    fn at(site: &Site, along: &Along, at: Timestamp) -> Self {
        let both =
            |(ix, own): &(CircuitIx, CircuitLimit)| [own.binding, own.next].map(|limit| Some((*ix, limit?)));
        let mut limits: Vec<(CircuitIx, Limit)> = along.circuits.iter().flat_map(both).flatten().collect();
        limits.sort_by_key(|(_, limit)| (limit.power, limit.source));
        let blocks = along.circuits.iter().filter_map(|(ix, own)| Some((*ix, own.block?)));
        Self {
            from: at,
            until: at,
            binding: limits.first().copied(),
            next: limits.get(1).copied(),
            block: blocks.min_by_key(|(_, block)| (!block.stops, block.source)),
            power_price: site.economics.power_price_at(&site.time_zone, at),
        }
    }

    /// Whether the stretch goes on with this one: nothing differs but the power on a way down.
    fn goes_on(&self, later: &Self) -> bool {
        let alike = |a: Option<(CircuitIx, Limit)>, b: Option<(CircuitIx, Limit)>| match (a, b) {
            (Some((_, a)), Some((_, b))) if a.source.is_glide() && a.source == b.source => true,
            (a, b) => a == b,
        };
        let gliding = self.binding.is_some_and(|(_, limit)| limit.source.is_glide());
        alike(self.binding, later.binding)
            && (gliding || alike(self.next, later.next))
            && self.block == later.block
            && self.power_price == later.power_price
    }
}

/// On a way down the limit changes all the time; it is looked at so often.
const GLIDE_STEP: SignedDuration = SignedDuration::from_mins(1);

/// The stretches of a circuit from one instant to another.
#[must_use]
pub fn calendar(
    site: &Site,
    directives: &Directives,
    counts: Option<&Counts>,
    circuit: CircuitIx,
    from: Timestamp,
    until: Timestamp,
) -> Vec<CalendarRow> {
    let mut rows: Vec<CalendarRow> = Vec::new();
    let mut at = from;
    let mut contract = spans(site, at);
    while at < until {
        if at >= contract.0.until {
            contract = spans(site, at);
        }
        let along = along(site, directives, counts, circuit, at, contract);
        let row = CalendarRow::at(site, &along, at);
        // Prices change on the quarter hour at the earliest.
        let quarter = Timestamp::from_second((at.as_second().div_euclid(900) + 1) * 900).unwrap_or(until);
        let changes = if along.changes_at > at { along.changes_at } else { at + GLIDE_STEP };
        at = changes.min(quarter).min(until);
        match rows.last_mut() {
            Some(last) if last.goes_on(&row) => last.until = at,
            _ => rows.push(CalendarRow { until: at, ..row }),
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::Source;
    use crate::testing::{monday, site};

    #[test]
    fn a_day_is_a_window_its_closing_and_the_rest() {
        let site = site();
        let day = monday(24 * 3_600);
        let rows = calendar(&site, &Directives::default(), None, CircuitIx(1), monday(0), day);
        let shown: Vec<_> =
            rows.iter().map(|row| row.binding.map(|(at, limit)| (at, limit.source))).collect();
        let root = CircuitIx::ROOT;
        let expected = [
            (CircuitIx(1), Source::Rating),
            (CircuitIx(1), Source::Rating),
            (root, Source::ContractClosing),
            (root, Source::ContractClosed),
        ];
        assert_eq!(shown, expected.map(Some));
        assert!(rows.windows(2).all(|pair| pair[0].until == pair[1].from), "without gaps");
        assert_eq!((rows[0].from, rows[3].until), (monday(0), day));
        assert!(rows[1].block.is_some_and(|(_, block)| !block.stops), "nothing is started any more");
        assert!(rows[3].block.is_some_and(|(_, block)| block.stops));
    }

    #[test]
    fn a_day_with_a_changed_clock_has_its_own_hours() {
        // Berlin, 26 March 2023: 2:00 becomes 3:00.
        let mut site = site();
        site.time_zone = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
        site.contract.windows[0].days = vec![jiff::civil::Weekday::Sunday];
        let at =
            |hour| site.time_zone.to_timestamp(jiff::civil::date(2023, 3, 26).at(hour, 0, 0, 0)).unwrap();
        let rows = calendar(&site, &Directives::default(), None, CircuitIx::ROOT, at(0), at(23));
        let closed = rows.iter().find(|row| row.binding.unwrap().1.source == Source::ContractClosed).unwrap();
        assert_eq!(closed.from, at(8));
        assert_eq!(at(0).duration_until(closed.from), SignedDuration::from_hours(7));
    }
}
