//! The story's prices make the story's hours; no price makes anybody stop and start all the time.

use offpeak_site::{Costs, Dated, Import, Levy};
use offpeak_units::{Currency, HashRate};

use super::*;
use crate::testing::{monday, site};

/// The small site, which has the story's tariffs, with one machine of each of 30 to 70 J/TH, of 3,000 W.
fn story() -> Site {
    let mut site =
        offpeak_site::file::load("small.toml", include_str!("../../../sites/small.toml"), &|_| None).unwrap();
    let like = site.models[0].clone();
    site.models = (30..=70)
        .map(|joules| {
            let mut model = like.clone();
            model.modes.truncate(1);
            model.modes[0].power = Power::from_watts(3_000);
            model.modes[0].hash_rate = HashRate::from_gigahashes(3_000_000 / joules);
            model
        })
        .collect();
    let machine = site.machines[0].clone();
    let machines = (0..site.models.len() as u16)
        .map(|model| offpeak_site::Machine { model: offpeak_site::ModelIx(model), ..machine.clone() });
    site.machines = machines.collect();
    site
}

/// Whether a machine of so many joules a terahash earns in the hour of the week from Monday 3 October 2022.
fn earns_in(site: &Site, joules: usize, hour: i64) -> bool {
    let week = site.time_zone.to_timestamp(jiff::civil::date(2022, 10, 3).at(0, 0, 0, 0)).unwrap();
    let at = week + jiff::SignedDuration::from_hours(hour);
    let economics = &site.economics;
    let power = economics.power_price_at(&site.time_zone, at).unwrap();
    let power = economics.marginal(power, &site.time_zone, at);
    let hash = economics.after_fees(hash_price(site, &Feeds::default(), at).unwrap());
    rank(site, &[], Some(power), Some(hash)).earns[joules - 30].unwrap()
}

#[test]
fn the_storys_tariffs_alone_leave_midnight_to_eight_and_weekends() {
    let site = story();
    for hour in 0..7 * 24 {
        let allowed = hour / 24 >= 5 || hour % 24 < 8;
        // 0.079 USD x 470 KZT against 26 and 46 KZT: break-even at 59.5 and 33.6 J/TH.
        for joules in [35, 38, 45, 52, 59] {
            assert_eq!(earns_in(&site, joules, hour), allowed, "{joules} J/TH in hour {hour}");
        }
        assert!(earns_in(&site, 33, hour), "a better one earns by day too");
        assert!(!earns_in(&site, 60, hour), "a worse one never does");
        // What stops the better one by day is the contract.
        let at = site.time_zone.to_timestamp(jiff::civil::date(2022, 10, 3).at(0, 0, 0, 0)).unwrap()
            + jiff::SignedDuration::from_hours(hour);
        let envelope = crate::envelope(&site, &crate::Directives::default(), at);
        assert_eq!(envelope.contract.open, allowed);
    }
    let night = site.time_zone.to_timestamp(jiff::civil::date(2022, 10, 3).at(3, 0, 0, 0)).unwrap();
    assert!((break_even(&site, &Feeds::default(), night).unwrap() - 59.503).abs() < 0.001);
}

#[test]
fn levies_losses_and_fees_are_part_of_the_price() {
    let mut site = story();
    let currency = site.economics.currency;
    let price = |amount: i64| Price::per_kilowatt_hour(amount.into(), currency);
    let from = jiff::civil::date(2022, 1, 1);
    // A levy of 1, and of 25 for power cheaper than 20: the highest that is due.
    let levies = vec![
        Levy { price_below: None, price: price(1) },
        Levy { price_below: Some(price(20)), price: price(25) },
    ];
    site.economics.costs = Costs {
        overhead_ppm: 100_000,
        fees_ppm: 20_000,
        levies: vec![Dated { from, value: levies }],
        ..Costs::default()
    };
    let at = monday(0);
    let of = |amount| {
        site.economics.marginal(price(amount), &site.time_zone, at).to_per_kilowatt_hour().normalize()
    };
    assert_eq!((of(26).to_string(), of(10).to_string()), ("29.7".to_owned(), "38.5".to_owned()));
    // (0.079 x 470 x 0.98) / (27 x 1.1 x 0.024) = 51.05 J/TH by night.
    assert!(earns_in(&site, 51, 0) && !earns_in(&site, 52, 0));
}

#[test]
fn a_price_at_the_threshold_stops_and_starts_nobody_all_the_time() {
    let site = story();
    let currency = site.economics.currency;
    let power = Some(Price::per_kilowatt_hour(26.into(), currency));
    let mut held = vec![MachineMemory::default(); site.machines.len()];
    let (mut changes, mut before) = (0, None);
    // 40 J/TH breaks even at 24.96 KZT a terahash and day; the price sways by 1 % around that each second.
    for second in 0..7_200_i64 {
        let sway = Decimal::new(2_496 + if second % 2 == 0 { 25 } else { -25 }, 2);
        let hash = Some(HashPrice::per_terahash_day(sway, currency));
        let mut ranking = rank(&site, &[], power, hash);
        ranking.steady(&site, (power, hash), &mut held, monday(second));
        changes += i32::from(before.is_some() && before != ranking.earns[10]);
        before = ranking.earns[10];
    }
    assert_eq!((changes, before), (1, Some(false)), "it stops once");
    let hash = Some(HashPrice::per_terahash_day(Decimal::new(2_600, 2), currency));
    let mut ranking = rank(&site, &[], power, hash);
    ranking.steady(&site, (power, hash), &mut held, monday(7_200));
    assert_eq!(ranking.earns[10], Some(true), "and starts again where it earns clearly more");
}

#[test]
fn a_controller_that_begins_before_the_cheap_hours_waits_for_nothing() {
    let site = story();
    let currency = site.economics.currency;
    let hash = Some(HashPrice::per_terahash_day(37.into(), currency));
    let mut held = vec![MachineMemory::default(); site.machines.len()];
    let mut earns_at = |kzt: i64, second| {
        let power = Some(Price::per_kilowatt_hour(kzt.into(), currency));
        let mut ranking = rank(&site, &[], power, hash);
        ranking.steady(&site, (power, hash), &mut held, monday(second));
        ranking.earns[10]
    };
    assert_eq!((earns_at(46, -300), earns_at(26, 0)), (Some(false), Some(true)));
}

#[test]
fn a_told_hash_price_counts_while_it_is_fresh() {
    let site = story();
    let told = HashPrice::per_terahash_day(50.into(), site.economics.currency);
    let feeds = Feeds { hash_price: Some((told, monday(0))), ..Feeds::default() };
    assert_eq!(hash_price(&site, &feeds, monday(60)), Some(told));
    let late = monday(0) + limits::HASH_PRICE_HOLD;
    assert_eq!(hash_price(&site, &feeds, late), site.economics.hash_price_at(&site.time_zone, late));
    assert_eq!(
        hash_price(&site, &feeds, monday(-1)),
        site.economics.hash_price_at(&site.time_zone, monday(-1))
    );
}

#[test]
fn an_import_is_drawn_as_far_as_machines_earn_its_price() {
    let mut site = site();
    let hours = offpeak_site::Window { limit: Power::from_watts(50_000), ..site.contract.windows[0].clone() };
    let price = |cents| Price::per_kilowatt_hour(Decimal::new(cents, 2), Currency::USD);
    site.contract.imports = vec![Import { id: "ru".into(), hours, price: price(5) }];
    let span = site.contract.limit_at(&site.time_zone, monday(0));
    assert_eq!((span.firm.to_watts(), span.limit.to_watts()), (100_000, 150_000));
    // 50 J/TH at 0.05 USD: 0.06 USD a terahash and day.
    let worth = |cents| {
        let hash = HashPrice::per_terahash_day(Decimal::new(cents, 2), Currency::USD);
        worth_of_imports(&site, &span, Some(hash), monday(0)).map(Power::to_watts)
    };
    assert_eq!((worth(5), worth(7)), (Some(100_000), Some(120_000)), "forty machines of 3,000 W and no more");
    assert_eq!(worth_of_imports(&site, &span, None, monday(0)), None);
    let closed = site.contract.limit_at(&site.time_zone, monday(9 * 3_600));
    assert_eq!(worth_of_imports(&site, &closed, None, monday(9 * 3_600)), None);
}
