//! Orders given by words, and the calendar of what binds.

use jiff::{SignedDuration, Timestamp};
use offpeak_dispatch::{Behind, CalendarRow, Counts, Directives, Order, OrderKind, calendar, preview, why};
use offpeak_server::view::{CalendarView, OrderView, PreviewView, WhyView};
use offpeak_server::{By, HandleError};
use offpeak_site::{CircuitIx, MachineIx, Measure, Site};
use offpeak_store::{Given, OrderEntry};

use super::answer::{Answers, book_error};
use super::holds;
use super::live::Latest;
use super::views::{amount, block_words, limit_view, state_name, target_name};
use crate::order_words::OrderWords;

/// An order as it is shown.
pub(super) fn view(site: &Site, order: &Order, given: Option<&Given>) -> OrderView {
    let given = given.cloned().map(|given| (given.by, given.why));
    let (by, reason) = given.unzip();
    OrderView {
        by,
        reason,
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

fn no_kind(kind: &str) -> HandleError {
    HandleError::Invalid(format!(
        "`{kind}` is no kind of order\nhint: emergency, dispatch, wish or maintenance"
    ))
}

/// Reads an order that is not numbered yet.
pub(super) fn read(answers: &Answers, words: &str, kind: &str) -> Result<Order, HandleError> {
    let site = answers.site();
    let kind = OrderKind::named(kind).ok_or_else(|| no_kind(kind))?;
    let said = OrderWords::parse(words, &site.time_zone, answers.now())
        .map_err(|error| HandleError::Invalid(error.to_string()))?;
    let circuit = answers.circuit(&said.circuit)?;
    if said.mean_min.is_some() && site.circuits.get(circuit).meter.is_none() {
        let why = format!("`{}` has no meter, so no mean of it is known", said.circuit);
        return Err(HandleError::Invalid(why));
    }
    let measure = said.mean_min.map_or(Measure::Instant, Measure::Mean);
    let OrderWords { limit, holds, from, until, .. } = said;
    Ok(Order { id: 0, kind, circuit, limit, measure, holds, from, until })
}

/// Gives an order: in the book first, then in force.
pub(super) fn give(answers: &Answers, words: &str, kind: &str, by: By<'_>) -> Result<OrderView, HandleError> {
    let order = read(answers, words, kind)?;
    answers.stays(&answers.site().circuits.get(order.circuit).id)?;
    let given = Given { by: by.who.to_owned(), why: by.why.to_owned() };
    let shown = view(&answers.site(), &order, Some(&given));
    let entry = OrderEntry {
        id: 0,
        circuit: shown.circuit.clone(),
        limit: order.limit,
        from: order.from,
        until: order.until,
        kind: shown.kind.clone(),
        mean_min: shown.mean_min,
        holds: order.holds,
        given: None,
    };
    let id = answers.shared.book.order(&entry, answers.now(), by).map_err(book_error)?;
    answers.tell(format!("{} order {id}: {words}", shown.kind), by);
    answers.reload()?;
    Ok(OrderView { id, ..shown })
}

/// What an order would do, by the last cycle's picture.
pub(super) fn preview_view(
    answers: &Answers,
    latest: &Latest,
    words: &str,
    kind: &str,
) -> Result<PreviewView, HandleError> {
    let (order, site) = (read(answers, words, kind)?, answers.site());
    let seen = preview(&site, &latest.snapshot, &latest.memory, &order);
    let name = |ix: MachineIx| site.machine(ix).id.clone();
    let cost_per_h = seen.cost_per_hour.map(amount);
    let hours = order.until.map(|until| order.from.duration_until(until).as_secs_f64() / 3_600.0);
    Ok(PreviewView {
        order: view(&site, &order, None),
        begins: seen.begins,
        before_kw: seen.before.to_kilowatts_f64(),
        after_kw: seen.after.to_kilowatts_f64(),
        stops: seen.stops.iter().map(|(ix, action)| (name(*ix), action.to_string())).collect(),
        starts: seen.starts.into_iter().map(name).collect(),
        takes_s: seen.takes.as_secs_f64(),
        cost_per_h,
        cost: cost_per_h.zip(hours).map(|(cost, hours)| cost * hours),
        currency: site.economics.currency.to_string(),
        binds: seen.binds.map(|limit| limit_view(&site, &limit)),
        unmet: seen
            .unmet
            .map(|unmet| format!("{} remain: {}", unmet.floor, unmet.behind.describe(&site, Behind::NAMED))),
    })
}

/// Why a machine is as it is, by the last cycle.
pub(super) fn why_view(site: &Site, latest: &Latest, ix: MachineIx) -> WhyView {
    let of = why(site, &latest.cycle, &latest.memory, ix);
    let setpoint = latest.cycle.plan.setpoints[ix.ix()];
    WhyView {
        machine: site.machine(ix).id.clone(),
        state: state_name(latest.cycle.loads.standings[ix.ix()]).to_owned(),
        target: target_name(setpoint.target).to_owned(),
        reason: holds::words(site, &latest.snapshot.directives, ix, setpoint.reason, latest.cycle.at),
        rank: of.rank,
        machines: site.machines.len(),
        binds_at: of.tightest.map(|(ix, ..)| site.circuits.get(ix).id.clone()),
        binds: of.tightest.map(|(_, limit, _)| limit_view(site, &limit)),
        room_kw: of.tightest.map(|(.., room)| room.to_kilowatts_f64()),
        needs_kw: of.needs.to_kilowatts_f64(),
        changes: of.changes,
        earns_again: of.earns_again,
    }
}

/// The calendar of the next days.
pub(crate) fn calendar_view(
    site: &Site,
    directives: &Directives,
    counts: Option<&Counts>,
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
    calendar(site, directives, counts, circuit, from, until).into_iter().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use offpeak_server::{Holds as _, SiteHandle as _};

    use super::super::ahead::live_tests::{mine, until};
    use super::super::live::lock;
    use super::*;

    /// Answers are kept for a picture, so whatever an order changes must make another, before any cycle.
    #[tokio::test(start_paused = true)]
    async fn what_is_ordered_is_shown_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let (_shared, answers) = mine(dir.path());
        assert_eq!(answers.picture(), None, "before the first cycle nothing may be kept");
        let by = By { who: "anna", why: "test" };
        let first = answers.site().machine(MachineIx(0)).id.clone();
        answers.hold(std::slice::from_ref(&first), None, by).unwrap();
        assert_eq!((answers.picture(), answers.view(0).held), (None, 1), "nor is it waited for");
        until("the first cycle", || answers.picture().is_some()).await;
        let (before, cycle) = (answers.picture(), answers.cycle());
        answers.order("grid to 1 kW", "wish", by).unwrap();
        assert_eq!(answers.cycle(), cycle, "the loop has not come to it");
        assert_ne!(answers.picture(), before);
        let source = answers.calendar(None, 1).unwrap()[0].binding.clone().unwrap().source;
        assert_eq!(source, "operator's wish, order 1");

        let before = answers.picture();
        let hall = answers.circuits().into_iter().find(|circuit| circuit.kind == "hall").unwrap().id;
        answers.set_authority(&hall, false, by).unwrap();
        assert_eq!(answers.cycle(), cycle);
        assert_ne!(answers.picture(), before);
        let shown = answers.circuits().into_iter().find(|circuit| circuit.id == hall).unwrap();
        assert_eq!(shown.authority, "observe");
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_next_is_what_will_be_allowed_under_what_is_ordered() {
        let dir = tempfile::tempdir().unwrap();
        let (_shared, answers) = mine(dir.path());
        until("the first cycle", || answers.picture().is_some()).await;
        let next = || answers.view(0).next.map(|next| (next.text, next.limit_kw, next.at));
        let (by, plain) = (By { who: "anna", why: "test" }, next());
        let order = answers.order("grid to 20 kW for 30 min", "wish", by).unwrap();
        let shown = || answers.view(0).limit.is_some_and(|limit| limit.source.contains("wish"));
        until("the order binds", shown).await;
        let (text, kw, at) = next().unwrap();
        assert_eq!((text.as_str(), at), ("contract", order.until.unwrap()));
        assert!(kw > 20.0, "{kw}");
        answers.stop(None, by).unwrap();
        until("the stop binds", || answers.view(0).limit.is_some_and(|limit| limit.limit_kw == 0.0)).await;
        assert_eq!(next(), None, "it has no end, so no window opens");
        until("all is off", || {
            let view = answers.view(0);
            view.counts.asleep == view.counts.total && view.power_kw.is_some_and(|kw| kw < 8.0)
        })
        .await;
        assert!(answers.view(0).alarms.is_empty(), "sleepers and fans remain: {:?}", answers.view(0).alarms);
        answers.resume(None, by).unwrap();
        answers.lift_order(order.id, by).unwrap();
        until("all is as before", || next() == plain).await;
    }

    /// Of two who read the book at once, the older reading must not be the one that stays.
    #[tokio::test(start_paused = true)]
    async fn whatever_is_ordered_at_once_is_all_in_force() {
        let dir = tempfile::tempdir().unwrap();
        let (shared, answers) = mine(dir.path());
        until("the first cycle", || answers.picture().is_some()).await;
        let circuits: Vec<_> = answers.circuits().into_iter().map(|circuit| circuit.id).take(12).collect();
        let by = By { who: "anna", why: "test" };
        for round in 0..30 {
            let over = AtomicBool::new(false);
            std::thread::scope(|together| {
                let ordering = circuits.iter().map(|circuit| {
                    together.spawn(|| match round % 2 {
                        0 => drop(answers.stop(Some(circuit), by).unwrap()),
                        _ => drop(answers.resume(Some(circuit), by).unwrap()),
                    })
                });
                let ordering: Vec<_> = ordering.collect();
                // As the loop does, which copies what is in force: it keeps those waiting who have read the book.
                together.spawn(|| {
                    while !over.load(Ordering::Relaxed) {
                        let held = lock(&shared.directives);
                        std::thread::sleep(Duration::from_micros(300));
                        drop(held);
                        std::thread::sleep(Duration::from_micros(100));
                    }
                });
                ordering.into_iter().for_each(|one| one.join().unwrap());
                over.store(true, Ordering::Relaxed);
            });
            let stops = lock(&shared.directives).stops.len();
            assert_eq!(stops, if round % 2 == 0 { circuits.len() } else { 0 }, "in round {round}");
        }
    }
}
