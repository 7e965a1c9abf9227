//! Orders given by words, and the calendar of what binds.

use jiff::{SignedDuration, Timestamp};
use offpeak_dispatch::{CalendarRow, Directives, Order, OrderKind, calendar};
use offpeak_site::{CircuitIx, Measure, Site};
use offpeak_store::OrderEntry;

use super::answer::{Answers, book_error};
use super::live::lock;
use super::views::{block_words, limit_view};
use crate::handle::HandleError;
use crate::order_words::OrderWords;
use crate::view::{CalendarView, OrderView};

/// An order as it is shown.
pub(super) fn view(site: &Site, order: &Order) -> OrderView {
    OrderView {
        id: order.id,
        kind: order.kind.name().to_owned(),
        circuit: site.circuits.get(order.circuit).id.clone(),
        limit_kw: order.limit.to_kilowatts_f64(),
        setpoint: order.holds,
        mean_min: match order.measure {
            Measure::Instant => None,
            Measure::Mean(minutes) => Some(minutes),
        },
        from: order.from,
        until: order.until,
    }
}

/// Reads an order that is not numbered yet.
pub(super) fn read(answers: &Answers, words: &str, kind: &str) -> Result<Order, HandleError> {
    let site = answers.site();
    let kind = OrderKind::named(kind).ok_or_else(|| HandleError::OrderKind(kind.to_owned()))?;
    let said = OrderWords::parse(words, &site.time_zone, answers.now())?;
    let circuit = answers.circuit(&said.circuit)?;
    if said.mean_min.is_some() && site.circuits.get(circuit).meter.is_none() {
        return Err(HandleError::NoMeter(said.circuit));
    }
    let measure = said.mean_min.map_or(Measure::Instant, Measure::Mean);
    let OrderWords { limit, holds, from, until, .. } = said;
    Ok(Order { id: 0, kind, circuit, limit, measure, holds, from, until })
}

/// Gives an order: in the book first, then in force.
pub(super) fn give(answers: &Answers, words: &str, kind: &str) -> Result<OrderView, HandleError> {
    let order = read(answers, words, kind)?;
    let shown = view(&answers.site(), &order);
    let entry = OrderEntry {
        id: 0,
        circuit: shown.circuit.clone(),
        limit: order.limit,
        from: order.from,
        until: order.until,
        kind: shown.kind.clone(),
        mean_min: shown.mean_min,
        holds: order.holds,
    };
    let id = answers.shared.book.order(&entry, answers.now()).map_err(book_error)?;
    lock(&answers.shared.story).decide(answers.now(), format!("{} order {id}: {words}", shown.kind));
    answers.reload()?;
    Ok(OrderView { id, ..shown })
}

/// The calendar of the next days.
pub(crate) fn calendar_view(
    site: &Site,
    directives: &Directives,
    circuit: CircuitIx,
    from: Timestamp,
    days: u16,
) -> Vec<CalendarView> {
    let until = from + SignedDuration::from_hours(24 * i64::from(days));
    let shown = |row: CalendarRow| CalendarView {
        from: row.from,
        until: row.until,
        at: row.binding.map(|(ix, _)| site.circuits.get(ix).id.clone()),
        binding: row.binding.map(|(_, limit)| limit_view(site, &limit)),
        next: row.next.map(|(_, limit)| limit_view(site, &limit)),
        block: row.block.map(|(ix, block)| {
            let words = block_words(site, &block);
            if ix == circuit { words } else { format!("{words} (at {})", site.circuits.get(ix).id) }
        }),
        power_price: row.power_price.and_then(|price| price.to_per_kilowatt_hour().try_into().ok()),
    };
    calendar(site, directives, circuit, from, until).into_iter().map(shown).collect()
}
