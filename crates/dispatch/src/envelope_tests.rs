//! The sources, their precedence, and when they change.

use jiff::SignedDuration;

use super::*;
use crate::directive::{Lockout, Order, OrderKind, Stop};
use crate::limits;
use crate::testing::{monday, site};

fn root_at(seconds: i64) -> CircuitLimit {
    *envelope(&site(), &Directives::default(), monday(seconds)).circuit(CircuitIx::ROOT)
}

#[test]
fn the_contract_binds_under_the_rating() {
    let root = root_at(3_600);
    assert_eq!(root.binding.unwrap().source, Source::Contract);
    assert_eq!(root.next.unwrap().source, Source::Rating);
    assert_eq!(root.block, None);
}

#[test]
fn the_way_down_ends_before_the_closing() {
    let closes = 8 * 3_600;
    let tail = limits::CLOSING_TAIL.as_secs();
    let at_end = root_at(closes - tail);
    assert_eq!(at_end.binding.unwrap().power, Power::from_watts(2_000));
    assert!(at_end.block.unwrap().stops);
    let before = root_at(closes - tail - 10).binding.unwrap();
    assert_eq!(before.source, Source::ContractClosing);
    assert_eq!(before.power, Power::from_watts(22_000), "ten seconds at 2 kW/s above the house load");
    assert_eq!(root_at(closes).binding.unwrap().source, Source::ContractClosed);
}

#[test]
fn every_change_is_announced() {
    let (site, none) = (site(), Directives::default());
    let mut at = monday(0);
    while at < monday(9 * 3_600) {
        let here = envelope(&site, &none, at);
        let second = jiff::SignedDuration::from_secs(1);
        let mut probe = at + second;
        while probe < here.changes_at {
            let there = envelope(&site, &none, probe);
            assert_eq!(here.circuits, there.circuits, "{at} said nothing changes before {}", here.changes_at);
            probe += second * 97;
        }
        at = here.changes_at.max(at + second);
    }
}

#[test]
fn precedence_names_the_highest_of_equal_limits() {
    let directives = Directives {
        stops: vec![Stop { circuit: CircuitIx(1), at: monday(0), reason: String::new() }],
        lockouts: vec![Lockout { circuit: CircuitIx(1), at: monday(0), by: String::new() }],
        orders: vec![Order::at_most(3, CircuitIx(1), Power::ZERO, monday(0), Some(monday(60)))],
        ..Directives::default()
    };
    let hall = *envelope(&site(), &directives, monday(1)).circuit(CircuitIx(1));
    assert_eq!(hall.binding.unwrap().source, Source::Lockout);
    assert_eq!(hall.next.unwrap().source, Source::Stop);
    assert_eq!(hall.block.unwrap().source, Source::Lockout);
}

fn with(change: impl FnOnce(&mut Directives)) -> Directives {
    let mut directives = Directives::default();
    change(&mut directives);
    directives
}

fn of_kind(kind: OrderKind, id: u64, watts: i64, from: i64, until: i64) -> Order {
    let order = Order::at_most(id, CircuitIx(1), Power::from_watts(watts), monday(from), Some(monday(until)));
    Order { kind, ..order }
}

#[test]
fn orders_rank_by_their_kind_and_hold_for_their_time() {
    let orders =
        OrderKind::ALL.into_iter().zip([1, 2, 3, 4]).map(|(kind, id)| of_kind(kind, id, 0, 3_600, 7_200));
    let directives = with(|of| of.orders = orders.rev().collect());
    let hall = |second| *envelope(&site(), &directives, monday(second)).circuit(CircuitIx(1));
    assert_eq!(hall(3_600).binding.unwrap().source, Source::Emergency(1));
    assert_eq!(hall(3_600).next.unwrap().source, Source::Dispatch(2));
    assert_eq!(hall(3_600).block.unwrap().source, Source::Emergency(1));
    assert_eq!(hall(7_200).binding.unwrap().source, Source::Rating);
    let named = every_limit(&site(), &directives, None, monday(3_600));
    let here = named.iter().filter(|(circuit, _)| *circuit == CircuitIx(1)).map(|(_, limit)| limit.source);
    let kinds = [Source::Maintenance(4), Source::Wish(3), Source::Dispatch(2), Source::Emergency(1)];
    assert_eq!(here.collect::<Vec<_>>(), [&[Source::Rating][..], &kinds].concat());
}

#[test]
fn an_announced_order_is_come_down_to_before_it_holds() {
    let directives = with(|of| of.orders = vec![of_kind(OrderKind::Dispatch, 7, 40_000, 7_200, 9_000)]);
    let hall = |second| envelope(&site(), &directives, monday(second)).circuit(CircuitIx(1)).binding.unwrap();
    // 60 kW at 2 kW a second: thirty seconds.
    let ends = 7_200 - limits::CLOSING_TAIL.as_secs();
    assert_eq!(hall(ends - 31).source, Source::Rating);
    assert_eq!((hall(ends - 10).source, hall(ends - 10).power.to_watts()), (Source::Coming(7), 60_000));
    assert_eq!((hall(ends).source, hall(ends).power.to_watts()), (Source::Coming(7), 40_000));
    assert_eq!(hall(7_200).source, Source::Dispatch(7));
}

#[test]
fn a_silent_signal_holds_and_then_falls_back() {
    let mut site = site();
    let signal = |fallback: Option<i64>| offpeak_site::Signal {
        id: "tso".into(),
        circuit: CircuitIx::ROOT,
        hold: SignedDuration::from_mins(10),
        fallback: fallback.map(Power::from_watts),
        levels: vec![],
    };
    site.rules.signals = vec![signal(Some(20_000)), signal(None)];
    let word = |limit: Option<i64>| crate::SignalWord {
        at: monday(3_600),
        limit: limit.map(Power::from_watts),
        holds: false,
    };
    let directives = with(|of| of.feeds.signals = [(0, word(Some(60_000))), (1, word(Some(70_000)))].into());
    let root = |second| *envelope(&site, &directives, monday(second)).circuit(CircuitIx::ROOT);
    assert_eq!(root(3_599).binding.unwrap().source, Source::SignalSilent(0), "before its first word");
    assert_eq!(root(3_600).binding.unwrap().source, Source::Signal(0));
    assert_eq!(root(3_600).next.unwrap().source, Source::Signal(1));
    assert_eq!(envelope(&site, &directives, monday(3_600)).changes_at, monday(4_200));
    let fallen = root(4_200);
    assert_eq!(fallen.binding.unwrap().source, Source::SignalSilent(0));
    assert_eq!(fallen.binding.unwrap().power, Power::from_watts(20_000));
    assert_eq!(fallen.next.unwrap().source, Source::Contract, "the other's fall-back is no limit");
    assert_eq!(fallen.binding.unwrap().source.describe(&site), "grid signal tso is silent: its fall-back");
    site.rules.signals[0].fallback = Some(Power::ZERO);
    assert!(envelope(&site, &directives, monday(4_200)).circuit(CircuitIx::ROOT).block.unwrap().stops);
}

#[test]
fn heat_takes_from_a_rating_and_an_old_temperature_is_none() {
    let mut site = site();
    let point =
        |celsius, watts| (offpeak_units::Temperature::from_celsius(celsius), Power::from_watts(watts));
    let points = vec![point(20, 100_000), point(40, 60_000)];
    site.rules.derating = vec![offpeak_site::Derating { circuit: CircuitIx(2), points }];
    let outdoor = |celsius| Some((offpeak_units::Temperature::from_celsius(celsius), monday(3_600)));
    let directives = with(|of| of.feeds.outdoor = outdoor(30));
    let hall = |second| envelope(&site, &directives, monday(second)).circuit(CircuitIx(2)).binding.unwrap();
    assert_eq!((hall(3_600).source, hall(3_600).power.to_watts()), (Source::Derating, 80_000));
    assert_eq!(hall(3_599).power.to_watts(), 60_000, "not known yet");
    assert_eq!(hall(3_600 + limits::OUTDOOR_HOLD.as_secs()).power.to_watts(), 60_000, "not known any more");
}

#[test]
fn a_demand_limit_takes_back_what_was_overdrawn() {
    let mut site = site();
    let measure = Measure::Mean(15);
    let limit = Power::from_watts(50_000);
    site.rules.demand = vec![offpeak_site::Demand { circuit: CircuitIx::ROOT, measure, limit }];
    let mut means = Means::default();
    for second in 3_600..3_901 {
        let power = Power::from_watts(80_000);
        means.feed(offpeak_site::MeterReading { at: monday(second), power, energy: None }, 0);
    }
    let (none, at) = (Directives::default(), monday(3_900));
    let span = |at| site.contract.limit_at(&site.time_zone, at);
    let (now, next) = (span(at), span(span(at).until));
    let known = Known { means: &[means], ..Known::default() };
    let bound = Envelope::with_spans(&site, &none, at, now, next, known);
    let binding = bound.circuit(CircuitIx::ROOT).binding.unwrap();
    assert_eq!((binding.source, binding.power.to_watts()), (Source::Demand, 35_000));
    assert_eq!(binding.nominal, limit);
    assert_eq!(bound.on_means(&site), [(offpeak_site::MeterIx(0), measure, limit)]);
    assert_eq!(envelope(&site, &none, at).circuit(CircuitIx::ROOT).binding.unwrap().power, limit);
}

#[test]
fn a_nominated_day_follows_its_hours_and_imports_come_on_top() {
    let mut site = site();
    let mut hours = vec![Power::ZERO; 24];
    hours[9] = Power::from_watts(30_000);
    site.contract.nominations = [(jiff::civil::date(2022, 10, 3), hours)].into();
    let mut import = site.contract.windows[0].clone();
    (import.from, import.to) = (jiff::civil::time(9, 30, 0, 0), jiff::civil::time(11, 0, 0, 0));
    import.limit = Power::from_watts(10_000);
    let price = offpeak_units::Price::per_kilowatt_hour(1.into(), offpeak_units::Currency::USD);
    site.contract.imports = vec![offpeak_site::Import { id: "ru".into(), hours: import, price }];
    let root = |second| *envelope(&site, &Directives::default(), monday(second)).circuit(CircuitIx::ROOT);
    let word = |second| root(second).binding.map(|limit| (limit.source, limit.power.to_watts()));
    assert_eq!(word(3_600), Some((Source::Nomination, 0)), "the window of that day does not count");
    assert!(root(3_600).block.unwrap().stops, "zero means zero");
    assert_eq!(word(9 * 3_600), Some((Source::Nomination, 30_000)));
    assert_eq!(word(9 * 3_600 + 1_800), Some((Source::Import, 40_000)));
    assert_eq!(word(10 * 3_600 + 100), Some((Source::Import, 10_000)));
    let known = Known { worth: Some(Power::from_watts(1_000)), ..Known::default() };
    let at = monday(9 * 3_600 + 1_800);
    let span = site.contract.limit_at(&site.time_zone, at);
    let bound = Envelope::with_spans(&site, &Directives::default(), at, span, span, known);
    let binding = bound.circuit(CircuitIx::ROOT).binding.unwrap();
    assert_eq!((binding.source, binding.power.to_watts()), (Source::ImportPrice, 30_000));
}

/// A budget of 100 kWh a day at the connection, as it stands after so many seconds at 60 kW.
fn counted(seconds: i64) -> (offpeak_site::Site, Counts) {
    let mut site = site();
    site.rules.budgets = vec![offpeak_site::EnergyBudget {
        id: "day".into(),
        circuit: CircuitIx::ROOT,
        period: offpeak_site::Period::Day,
        energy: offpeak_units::Energy::from_watt_hours(100_000),
        before: None,
    }];
    let mut counts = Counts::new(&site);
    for second in 0..=seconds {
        let (at, power) = (monday(second), Power::from_kilowatts(60));
        counts.feed(&site, &[Some(offpeak_site::MeterReading { at, power, energy: None })]);
    }
    counts.judge(&site, monday(seconds));
    (site, counts)
}

#[test]
fn a_budget_that_is_used_up_closes_its_circuit_until_its_period_ends() {
    let directives = Directives::default();
    let root_at = |counted: &(offpeak_site::Site, Counts), at| {
        *envelope_with(&counted.0, &directives, Some(&counted.1), at).circuit(CircuitIx::ROOT)
    };
    let some = counted(2_000);
    let before = root_at(&some, monday(2_000));
    assert_eq!((before.binding.unwrap().source, before.block), (Source::Contract, None));

    let ending = counted(4_700);
    let limit = root_at(&ending, monday(4_700));
    assert_eq!(limit.binding.unwrap().source, Source::BudgetEnding(0));
    assert!(limit.binding.unwrap().power < Power::from_kilowatts(100));
    assert_eq!(limit.block, Some(Block { source: Source::BudgetEnding(0), stops: false }));

    let spent = counted(5_000);
    for second in [5_000, 20_000, 86_399] {
        let limit = root_at(&spent, monday(second));
        let binding = limit.binding.unwrap();
        assert_eq!(
            (binding.source, binding.until),
            (Source::BudgetSpent(0), Some(monday(86_400))),
            "{second}"
        );
        assert_eq!(binding.power, Power::from_watts(800), "what cannot be shed, and not zero");
        // By day the contract, which goes before it, blocks as well.
        let source = if second < 28_800 { Source::BudgetSpent(0) } else { Source::ContractClosed };
        assert_eq!(limit.block, Some(Block { source, stops: true }));
        assert_eq!(binding.source.describe(&spent.0), "energy budget day is used up");
    }
    assert_ne!(root_at(&spent, monday(86_400)).binding.unwrap().source, Source::BudgetSpent(0));
    // The calendar and a preview name it.
    let rows =
        crate::calendar(&spent.0, &directives, Some(&spent.1), CircuitIx(1), monday(5_000), monday(90_000));
    let binds = |row: &crate::CalendarRow| row.binding.map(|(ix, limit)| (ix, limit.source));
    assert_eq!(binds(&rows[0]), Some((CircuitIx::ROOT, Source::BudgetSpent(0))));
    let ends: Vec<_> = rows.iter().filter(|row| binds(row) == binds(&rows[0])).map(|row| row.until).collect();
    assert_eq!(ends.last(), Some(&monday(86_400)));
    let seen = crate::testing::snapshot(monday(5_000), 0);
    let mut memory = crate::testing::memory(&spent.0, &seen);
    memory.counts = spent.1.clone();
    let order = Order::at_most(0, CircuitIx::ROOT, Power::from_watts(30_000), monday(5_000), None);
    let preview = crate::preview(&spent.0, &seen, &memory, &order);
    assert_eq!(preview.binds.map(|limit| limit.source), Some(Source::BudgetSpent(0)));
    // A lockout goes before it, and an order below it is tighter.
    let stop = Stop { circuit: CircuitIx::ROOT, at: monday(0), reason: "x".into() };
    let directives = Directives { stops: vec![stop], ..Directives::default() };
    let limit = *envelope_with(&spent.0, &directives, Some(&spent.1), monday(5_000)).circuit(CircuitIx::ROOT);
    assert_eq!(
        (limit.binding.unwrap().source, limit.next.unwrap().source),
        (Source::Stop, Source::BudgetSpent(0))
    );
    // Looking at another time without what was counted tells nothing of it.
    assert_ne!(
        envelope(&spent.0, &Directives::default(), monday(5_000))
            .circuit(CircuitIx::ROOT)
            .binding
            .unwrap()
            .source,
        Source::BudgetSpent(0)
    );
}

#[test]
fn a_path_alone_has_the_limits_that_the_whole_has() {
    let (site, counts) = counted(8_000);
    let orders = vec![
        Order { circuit: CircuitIx::ROOT, ..of_kind(OrderKind::Dispatch, 1, 40_000, 1_000, 3_000) },
        of_kind(OrderKind::Wish, 2, 30_000, 2_000, 5_000),
        Order { circuit: CircuitIx(2), ..of_kind(OrderKind::Maintenance, 3, 0, 4_000, 9_000) },
    ];
    let stops = vec![Stop { circuit: CircuitIx(1), at: monday(0), reason: String::new() }];
    let directives = Directives { orders, stops, ..Directives::default() };
    for circuit in site.circuits.iter().map(|(ix, _)| ix) {
        for seconds in (0..32_000).step_by(517) {
            let whole = envelope_with(&site, &directives, Some(&counts), monday(seconds));
            let contract = Spans::at(&site, monday(seconds));
            let alone = along(&site, &directives, Some(&counts), circuit, monday(seconds), &contract);
            let path: Vec<_> = site.circuits.path(circuit).map(|ix| (ix, *whole.circuit(ix))).collect();
            assert_eq!(alone.circuits, path, "{circuit:?} at {seconds}");
            assert!(alone.changes_at >= whole.changes_at);
        }
    }
}
