//! What is counted by the month outlives the process.

use std::sync::Arc;

use offpeak_dispatch::Controller;
use offpeak_site::{Dated, DemandCharge, MeterReading, Owner, Period};
use offpeak_units::{Energy, Money, Power};

use super::super::ahead::live_tests::{mine, until};
use super::super::ahead::tests::{local, site};
use super::super::live::{lock, recall};
use super::*;

fn open(dir: &std::path::Path) -> Book {
    Book::open(&dir.join("book.sqlite")).unwrap()
}

/// The real loop in virtual time, dropped in the middle of a quarter hour as if it had been killed.
#[tokio::test(start_paused = true)]
async fn a_killed_loop_comes_back_with_what_owners_were_served() {
    let dir = tempfile::tempdir().unwrap();
    let (shared, answers) = mine(dir.path());
    let now = || shared.now();
    until("two quarters and some minutes are over", || now() >= local(9, 22)).await;
    let before = lock(&shared.latest).clone().unwrap().memory.served.clone();
    assert!(before.watt_hours.iter().all(|served| *served > 10_000), "both owners' machines ran: {before:?}");
    // What is written is a second's work of a thread of its own; the process is gone with what it remembers.
    let (book, at) = (Arc::clone(&shared.book), now());
    until("it is in the book", || book.served("2022-10").unwrap().len() == 2).await;
    let recalled = recall(&shared.site(), &book, at).unwrap().served;
    drop(answers);
    assert_eq!((recalled.month(), &recalled.watt_hours), (before.month(), &before.watt_hours));
}

#[test]
fn a_month_begins_at_zero_and_owners_come_and_go_by_name() {
    let (mut site, dir) = (site(), tempfile::tempdir().unwrap());
    let mut memory = Memory::new(&site, 1);
    memory.served = Served::recalled(&site, local(0, 0), |owner| Some(owner.len() as i64));
    let mut counted = Counted::default();
    let counts = counted.news(&site, &memory, false);
    counted.is_written(&memory);
    assert!(counted.news(&site, &memory, false).is_empty(), "what the book has is not written again");
    open(dir.path()).record_with(&[], &[], None, &counts).unwrap();

    let book = open(dir.path());
    let served = |site: &Site, at| recall(site, &book, at).unwrap().served;
    assert_eq!(served(&site, local(0, 0)), memory.served);
    let next = served(&site, "2022-10-31T18:00:00Z".parse().unwrap());
    assert_eq!(
        (next.month().unwrap().as_str(), &next.watt_hours[..]),
        ("2022-11", &[0, 0][..]),
        "midnight there"
    );
    let last = served(&site, "2022-10-31T17:59:59Z".parse().unwrap());
    assert_eq!(last, memory.served, "still October there");

    // One goes, one comes, and the other has moved in the file.
    let house = site.owners[0].clone();
    site.owners = vec![Owner { id: "new".into(), name: "New".into() }, house];
    assert_eq!(served(&site, local(0, 0)).watt_hours, [0, 5]);
}

/// With a budget a day at the connection and a demand charge.
fn charged() -> Site {
    let mut site = site();
    let price_per_kilowatt = Money::new(900.into(), site.economics.currency);
    let value = DemandCharge { price_per_kilowatt, minutes: 15, holds: false };
    let from = jiff::civil::date(2022, 10, 1);
    site.economics.costs.demand_charges.push(Dated { from, value });
    site.rules.budgets.push(EnergyBudget {
        id: "day".into(),
        circuit: offpeak_site::CircuitIx::ROOT,
        period: Period::Day,
        energy: Energy::from_watt_hours(2_000_000),
        before: None,
    });
    site
}

/// Every second for so many minutes at 60 kW; the register goes along.
fn draw(controller: &mut Controller, site: &Site, from: Timestamp, minutes: i64) -> Timestamp {
    for second in 0..minutes * 60 {
        let at = from + SignedDuration::from_secs(second);
        let drawn = local(0, 0).duration_until(at).as_secs() * 60_000;
        let power = Power::from_kilowatts(60);
        let reading = MeterReading { at, power, energy: Some(Energy::from_joules(drawn)) };
        let mut meters = vec![None; site.meters.len()];
        meters[site.revenue_meter().ix()] = Some(reading);
        controller.observe(&meters);
    }
    from + SignedDuration::from_mins(minutes)
}

#[test]
fn what_was_used_of_a_budget_and_the_peak_outlive_a_kill() {
    let (site, dir) = (Arc::new(charged()), tempfile::tempdir().unwrap());
    let mut controller = Controller::new(Arc::clone(&site), Memory::new(&site, 1));
    let killed_at = draw(&mut controller, &site, local(0, 0), 47);
    let counts = Counted::default().news(&site, controller.memory(), true);
    assert_eq!((counts.budgets.len(), counts.peak.is_some()), (1, true));
    open(dir.path()).record_with(&[], &[], None, &counts).unwrap();
    drop(controller);

    let book = open(dir.path());
    let state = |site: &Site, memory: &Memory, at| {
        let counts = &memory.counts;
        let used = counts.budgets[0].state(&site.rules.budgets[0], &site.time_zone, at);
        (used, counts.peak.state(&site.economics, &site.time_zone, at))
    };
    // Eleven minutes later another process goes on: the register tells what was drawn meanwhile.
    let later = killed_at + SignedDuration::from_mins(11);
    let recalled = recall(&site, &book, later).unwrap();
    let (used, peak) = state(&site, &recalled, later);
    assert!(
        used.assumed > Energy::from_watt_hours(30_000),
        "until the meter speaks it counts at the most: {used:?}"
    );
    assert_eq!(peak.peak.map(Power::to_watts), Some(60_000));
    let mut controller = Controller::new(Arc::clone(&site), recalled);
    let end = draw(&mut controller, &site, later, 32);
    let (used, peak) = state(&site, controller.memory(), end - SignedDuration::from_secs(1));
    assert_eq!((used.since, used.assumed), (Some(local(0, 0)), Energy::ZERO));
    // 90 minutes at 60 kW, to the last second.
    assert_eq!(used.used.to_watt_hours(), 89_983);
    assert_eq!((peak.peak.map(Power::to_watts), peak.since), (Some(60_000), Some(local(0, 0))));
    let unseen = peak.unseen.as_secs() - local(0, 0).duration_until(peak.from).as_secs().abs();
    assert!((659..=662).contains(&unseen), "{unseen} s were bridged by the register alone");

    // What was counted at another circuit, or over other periods or means, is not taken for it.
    let mut other = charged();
    other.rules.budgets[0].period = Period::Week;
    other.economics.costs.demand_charges[0].value.minutes = 30;
    let (used, peak) = state(&other, &recall(&other, &book, later).unwrap(), later);
    assert_eq!((used.since, peak.peak), (None, None));
    assert!(used.left.is_zero(), "two days and more of which nothing is known, at the most");
    let mut other = charged();
    other.rules.budgets[0].circuit = other.circuits.find("hall-1").unwrap();
    assert_eq!(state(&other, &recall(&other, &book, later).unwrap(), later).0.since, None);
}
