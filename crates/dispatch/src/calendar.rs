//! What binds on a circuit in the days to come, stretch by stretch.
//!
//! Not here: loads. A calendar says what is allowed and at what price, not what will be drawn.

use jiff::{SignedDuration, Timestamp};
use offpeak_site::{CircuitIx, Site};
use offpeak_units::Price;

use crate::counts::Counts;
use crate::directive::Directives;
use crate::envelope::{Along, Block, CircuitLimit, Limit, Spans, along};

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

    /// Whether the stretch goes on with this one: nothing differs but the power on a way down, and whether the end is
    /// known yet.
    fn goes_on(&self, later: &Self) -> bool {
        let plain = |(ix, limit): (CircuitIx, Limit)| (ix, Limit { until: None, ..limit });
        let alike = |a: Option<(CircuitIx, Limit)>, b: Option<(CircuitIx, Limit)>| match (a, b) {
            (Some((_, a)), Some((_, b))) if a.source.is_glide() && a.source == b.source => true,
            (a, b) => a.map(plain) == b.map(plain),
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
    let mut contract = Spans::at(site, at);
    while at < until {
        if !contract.hold_at(at) {
            contract = Spans::at(site, at);
        }
        let along = along(site, directives, counts, circuit, at, &contract);
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
    fn a_window_without_an_end_has_none_until_one_is_seen() {
        let mut site = site();
        let window = &mut site.contract.windows[0];
        window.days = jiff::civil::Weekday::Monday.cycle_forward().take(7).collect();
        (window.from, window.to) = (jiff::civil::Time::midnight(), jiff::civil::Time::midnight());
        let day = |day: i64| monday(day * 24 * 3_600);
        let always = calendar(&site, &Directives::default(), None, CircuitIx::ROOT, day(0), day(40));
        assert_eq!(always.len(), 1, "{always:?}");
        assert_eq!(always[0].binding.unwrap().1.until, None, "no change is known");

        let closed = site.time_zone.to_datetime(day(20)).date();
        site.contract.nominations.insert(closed, vec![offpeak_units::Power::ZERO; 24]);
        let rows = calendar(&site, &Directives::default(), None, CircuitIx::ROOT, day(0), day(40));
        let sources: Vec<_> = rows.iter().map(|row| row.binding.unwrap().1.source).collect();
        let (open, closing) = (Source::Contract, Source::ContractClosing);
        assert_eq!(sources, [open, open, open, closing, Source::Nomination, open], "{rows:?}");
        assert_eq!((rows[4].from, rows[4].until), (day(20), day(21)));
        let fresh = |at| *crate::envelope(&site, &Directives::default(), at).circuit(CircuitIx::ROOT);
        let second = SignedDuration::from_secs(1);
        assert_eq!(
            fresh(rows[1].from).block.unwrap().source,
            closing,
            "it begins to close as early as it is to"
        );
        assert_eq!(fresh(rows[1].from - second).block, None);
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
