//! A mine of 5,500 machines of all families at once, in virtual time: an order reaches them all, each shows by its own
//! reading that it has obeyed, and the halls' meters show it too. And what the rotation does besides: it watches
//! machines with orders, and notices machines that are not who they were.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use offpeak_drivers::call::{Order, Pool};
use offpeak_drivers::clock::Clock;
use offpeak_drivers::driver::Driver;
use offpeak_drivers::fronts::{Addressing, Fronts};
use offpeak_drivers::modbus::{ModbusMeter, RegisterMap};
use offpeak_drivers::poll::{Fleet, Pace, Poller, Target};
use offpeak_site::{Activity, Family, MachineIx, Outcome, Site, Trouble, family_times};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::fronts::{running, start, twin};

/// By family: a model's name, and the model of the catalogue that it is like.
const MODELS: [(Family, &str, &str); 11] = [
    (Family::WhatsminerV2, "M30S", "M30S"),
    (Family::WhatsminerV3, "M60S", "M30S"),
    (Family::AntminerStock, "S19", "S19"),
    (Family::Avalon, "A1246", "S19"),
    (Family::LuxOs, "S19 Pro", "S19"),
    (Family::BraiinsOs, "S19j Pro", "S19"),
    (Family::Vnish, "S19 XP", "S19"),
    (Family::Epic, "S19k Pro", "S19"),
    (Family::ProtoRig, "Proto Rig", "S19"),
    (Family::Bitaxe, "BM1370", "S19"),
    (Family::BraiinsOsGraphQl, "S17", "S19"),
];
const HALLS: usize = 5;
const PER_PLACE: usize = 50;

/// The plant moves by the second.
const TICK: Duration = Duration::from_secs(1);
/// 4,000 a second are asked of those with orders, which are 5,500, and a rate of zero is settled by a second question.
const NOTICED_WITHIN: Duration = Duration::from_secs(5);

/// What is stated of a family: how long nineteen of twenty machines take to sleep, and the longest.
fn stated(family: Family) -> (Duration, Duration) {
    let times = family_times(family).unwrap();
    let usual = times.transitions.sleep.p95_ms;
    (Duration::from_millis(usual.into()), Duration::from_millis(times.sleep_max_ms.into()))
}

/// 5,500 machines: in each of five halls two boards with fifty of each family.
fn site() -> Site {
    let mut text = r#"
[site]
id = "mixed"
name = "A mine of all families"
time_zone = "Asia/Almaty"
currency = "KZT"
[grid]
rating_kw = 20000
[[circuits]]
id = "hall-[1-5]"
kind = "hall"
parent = "grid"
rating_kw = 4000
base_load_kw = 2
authority = "control"
[[circuits]]
id = "hall-[1-5]/pdu-[1-2]"
kind = "pdu"
rating_kw = 2000
[[meters]]
id = "revenue"
circuit = "grid"
accuracy_class = 0.5
modbus = "127.0.0.1:15020"
register_map = "offpeak-twin"
[[meters]]
id = "meter-hall-[1-5]"
circuit = "hall-[1-5]"
accuracy_class = 1
modbus = "127.0.0.1:[15021-15025]"
register_map = "offpeak-twin"
[[owners]]
id = "house"
name = "The mine itself"
[contract]
house_load_kw = 200
[[contract.windows]]
days = "workdays"
from = "00:00"
to = "24:00"
limit_kw = 20000
[[contract.windows]]
days = "weekend"
from = "00:00"
to = "24:00"
limit_kw = 20000
[prices]
hash_prices = [{ from = 2022-01-01, usd_per_th_day = 0.079 }]
exchange_rates = [{ from = 2022-01-01, per_usd = 470 }]
[[prices.tariffs]]
from = 2021-01-01
hours = [
  { days = "weekend", from = "00:00", to = "24:00", price_per_kwh = 26 },
  { days = "workdays", from = "00:00", to = "24:00", price_per_kwh = 26 },
]
"#
    .to_owned();
    for (place, (family, name, like)) in MODELS.into_iter().enumerate() {
        let (first, last) = (place * PER_PLACE + 1, (place + 1) * PER_PLACE);
        let _ = write!(
            text,
            "[[models]]\nname = \"{name}\"\nlike = \"{like}\"\nfamily = \"{}\"\nsleeps_by_command = true\n\
             [[machines]]\nmodel = \"{name}\"\nat = \"hall-[1-{HALLS}]/pdu-[1-2]\"\nslots = \"{first}-{last}\"\nowner = \"house\"\n",
            family.name()
        );
    }
    match offpeak_site::file::load("mixed.toml", &text, &|_| None) {
        Ok(site) => site,
        Err(mistakes) => panic!("{mistakes:#?}"),
    }
}

/// Its machines, by the addresses that the twin has given them.
fn fleet(fronts: &Fronts) -> Arc<Fleet> {
    let driver = Driver::new(fronts.connector(), fronts.clock());
    let site = fronts.with(|plant| Arc::clone(plant.site()));
    let target = |(machine, _): (MachineIx, _)| Target {
        machine,
        family: site.model_of(machine).family,
        endpoint: fronts.layout().endpoints()[machine.ix()],
        mac: None,
    };
    Arc::new(Fleet::new(driver, site.machines().map(target).collect()))
}

/// How many machines of each family were last read in this state.
fn read_as(fleet: &Fleet, site: &Site, activity: Activity) -> BTreeMap<Family, usize> {
    let mut count = BTreeMap::new();
    fleet.each(|machine, latest| {
        let is =
            latest.trouble.is_none() && latest.reading.is_some_and(|reading| reading.activity == activity);
        *count.entry(site.model_of(machine).family).or_default() += usize::from(is);
    });
    count
}

async fn hall_meters(fronts: &Fronts) -> Vec<f64> {
    let mut watts = Vec::new();
    for at in &fronts.layout().meters()[1..] {
        let map = RegisterMap::named("offpeak-twin").unwrap();
        let patience = Duration::from_secs(2);
        let mut meter = ModbusMeter::new(fronts.connector(), fronts.clock(), at.clone(), map, patience);
        watts.push(meter.read().await.unwrap().power.to_watts_f64());
    }
    watts
}

#[tokio::test(start_paused = true)]
async fn thousands_of_machines_of_all_families_obey_and_show_it() {
    let fronts = twin(site(), &running(), Addressing::InMemory, Clock::starting_at(start()));
    let site = fronts.with(|plant| Arc::clone(plant.site()));
    let fleet = fleet(&fronts);
    assert_eq!((fleet.len(), site.machines.len()), (5_500, 5_500));
    let poller = Poller::new(Arc::clone(&fleet), Pace { every: Duration::from_secs(5), ..Pace::default() });
    let rotation = tokio::spawn(async move { poller.run().await });
    tokio::time::sleep(Duration::from_secs(12)).await;
    let all =
        |count: usize| MODELS.map(|(family, ..)| (family, count)).into_iter().collect::<BTreeMap<_, _>>();
    assert_eq!(read_as(&fleet, &site, Activity::Hashing), all(500));
    let machines: Vec<MachineIx> = site.machines().map(|(ix, _)| ix).collect();
    fleet.keep_armed(&machines).await;
    let before = hall_meters(&fronts).await;

    let ordered = Instant::now();
    let mut orders = JoinSet::new();
    for machine in machines {
        let fleet = Arc::clone(&fleet);
        orders.spawn(async move { fleet.order(machine, &Order::Sleep).await });
    }
    while let Some(outcome) = orders.join_next().await {
        assert_eq!(outcome.unwrap(), Outcome::Accepted);
    }
    // The machines' own delays are part of it, the time this computer takes is not: it is measured by `make bench`.
    assert!(ordered.elapsed() < Duration::from_secs(1), "{:?}", ordered.elapsed());

    // By machine: when it slept, and when it was first read as asleep.
    let count = site.machines.len();
    let (mut slept, mut seen) = (BTreeMap::new(), BTreeMap::new());
    let longest = MODELS.iter().map(|(family, ..)| stated(*family).1).max().unwrap();
    while seen.len() < count {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let since = ordered.elapsed();
        assert!(since < longest + NOTICED_WITHIN, "{} of {count} are read as asleep", seen.len());
        let now: Vec<MachineIx> = fronts.with(|plant| {
            let asleep = |ix: &MachineIx| plant.truth(*ix).activity == Some(Activity::Asleep);
            site.machines().map(|(ix, _)| ix).filter(asleep).collect()
        });
        now.into_iter().for_each(|ix| {
            slept.entry(ix).or_insert(since);
        });
        for (ix, _) in site.machines() {
            let reading = fleet.latest(ix).unwrap().reading;
            if reading.is_some_and(|reading| reading.activity == Activity::Asleep) {
                seen.entry(ix).or_insert(since);
            }
        }
    }
    for (family, name, _) in MODELS {
        let (usual, most) = stated(family);
        let of_family = || site.machines().map(|(ix, _)| ix).filter(|ix| site.model_of(*ix).family == family);
        let times: Vec<Duration> = of_family().map(|ix| slept[&ix]).collect();
        assert_eq!(times.len(), 500);
        // Each machine's own: the last is within what is stated, and nineteen of twenty within the usual. Of 500 fair
        // draws fewer than 455 would be four standard errors off.
        let last = times.iter().max().unwrap();
        assert!(*last <= most + TICK, "{name} took {last:?}, at most {most:?} is stated");
        let within = times.iter().filter(|time| **time <= usual + TICK).count();
        assert!(within >= 455, "{name}: {within} of 500 within {usual:?}");
        for ix in of_family() {
            let (slept, seen) = (slept[&ix], seen[&ix]);
            assert!(seen <= most + NOTICED_WITHIN, "{name}: confirmed after {seen:?}, {most:?} is stated");
            assert!(seen <= slept + NOTICED_WITHIN, "{name}: asleep after {slept:?}, seen after {seen:?}");
            assert!(seen + TICK >= slept, "{name}: seen after {seen:?} and asleep after {slept:?}");
        }
    }

    let after = hall_meters(&fronts).await;
    let spread = 0.02;
    for (hall, (before, after)) in before.into_iter().zip(after).enumerate() {
        assert!(before > 2_500_000.0, "{before} W while all hashed");
        // What is left is what the hall and its sleepers draw. Meters err by their class, which is how far one in three
        // readings is off, and by no more than three times that; sleepers differ from their model's watts by 2 %,
        // independently of each other (docs/twin.md), so their sum by the root of their squares.
        let id = format!("hall-{}", hall + 1);
        let circuit = site.circuits.find(&id).unwrap();
        let below = site.machines().filter(|(_, machine)| site.circuits.is_within(machine.circuit, circuit));
        let watts: Vec<f64> = below.map(|(ix, _)| site.model_of(ix).sleep.to_watts_f64()).collect();
        assert_eq!(watts.len(), count / HALLS);
        let left = 2_000.0 + watts.iter().sum::<f64>();
        let class =
            f64::from(site.meters.iter().find(|meter| meter.circuit == circuit).unwrap().error_ppm) / 1e6;
        let of_machines = spread * watts.iter().map(|watts| watts * watts).sum::<f64>().sqrt();
        let noise = 3.0 * class * left + 3.0 * of_machines;
        assert!((after - left).abs() <= noise, "{id}: {after} W are left, {left} W ± {noise} are expected");
    }
    rotation.abort();
}

#[tokio::test(start_paused = true)]
async fn a_machine_with_an_order_is_asked_more_often() {
    let fronts = twin(site(), &running(), Addressing::InMemory, Clock::starting_at(start()));
    let (fleet, pace) = (fleet(&fronts), Pace { every: Duration::from_secs(60), ..Pace::default() });
    assert_eq!(pace.every_of(5_500), Duration::from_secs(60));
    assert_eq!(pace.every_of(55_040), Duration::from_secs(60));
    let hasty = Pace { every: Duration::from_secs(5), ..Pace::default() };
    assert_eq!(hasty.every_of(55_040), Duration::from_millis(13_760), "4,000 readings a second");
    assert_eq!((hasty.eager_of(1), hasty.eager_of(8_000)), (Duration::from_secs(1), Duration::from_secs(2)));
    let poller = Poller::new(Arc::clone(&fleet), pace);
    let rotation = {
        let poller = poller.clone();
        tokio::spawn(async move { poller.run().await })
    };
    tokio::time::sleep(Duration::from_secs(65)).await;
    let ordered = MachineIx(0);
    assert_eq!(fleet.order(ordered, &Order::Sleep).await, Outcome::Accepted);
    tokio::time::sleep(Duration::from_secs(45)).await;
    let now = fronts.clock().now();
    let last = |machine: MachineIx| fleet.latest(machine).unwrap().reading.unwrap();
    assert_eq!(last(ordered).activity, Activity::Asleep);
    let age = now.duration_since(last(MachineIx(1)).at);
    assert!(age > SignedDuration::from_secs(45), "the others are read each minute: {age:?} ago");
    let polls = poller.polls();
    // It has obeyed, or will be waited for no longer: then it is asked like the others.
    tokio::time::sleep(Duration::from_secs(300)).await;
    assert!(poller.polls() - polls < 5 * 5_500 + 500, "{}", poller.polls() - polls);
    rotation.abort();
}

#[tokio::test(start_paused = true)]
async fn another_machine_at_an_address_is_found_by_asking_who_it_is() {
    let fronts = twin(site(), &running(), Addressing::InMemory, Clock::starting_at(start()));
    // An Antminer's statistics do not say who it is. Two of them change places.
    let site = fronts.with(|plant| Arc::clone(plant.site()));
    let antminers = site.machines().filter(|(ix, _)| site.model_of(*ix).family == Family::AntminerStock);
    let two: Vec<MachineIx> = antminers.map(|(ix, _)| ix).take(2).collect();
    let at = |ix: MachineIx| fronts.layout().endpoints()[ix.ix()];
    let mac = |ix: MachineIx| {
        let [a, b, c, d] = ix.0.to_be_bytes();
        format!("02:0F:{a:02X}:{b:02X}:{c:02X}:{d:02X}").parse().ok()
    };
    let target =
        |machine, endpoint| Target { machine, family: Family::AntminerStock, endpoint, mac: mac(machine) };
    let targets = vec![target(two[0], at(two[1])), target(two[1], at(two[1]))];
    let fleet = Arc::new(Fleet::new(Driver::new(fronts.connector(), fronts.clock()), targets));
    let pace = Pace { survey: Duration::from_secs(20), ..Pace::default() };
    let poller = Poller::new(Arc::clone(&fleet), pace);
    let (readings, surveys) = (poller.clone(), poller);
    let tasks = [
        tokio::spawn(async move { readings.run().await }),
        tokio::spawn(async move { surveys.survey().await }),
    ];
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(fleet.latest(two[0]).unwrap().trouble, None, "its readings do not give it away");
    tokio::time::sleep(Duration::from_secs(25)).await;
    assert_eq!(fleet.latest(two[0]).unwrap().trouble.unwrap().0, Trouble::Impostor);
    let outcome = fleet.order(two[0], &Order::Sleep).await;
    assert_eq!(outcome, Outcome::Unanswered(Trouble::Impostor));
    assert_eq!(fleet.latest(two[1]).unwrap().trouble, None);
    let known = fleet.known(two[1]).unwrap();
    assert_eq!(
        known.details.as_ref().unwrap().boards.as_ref().unwrap().len(),
        3,
        "it is read fully by the way"
    );
    assert_eq!(fleet.known(two[0]).unwrap().details, None, "the other is not");
    assert_eq!((known.identity.mac, known.identity.model.as_deref()), (mac(two[1]), Some("Antminer S19")));
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
}

/// Between an order and the next full reading nothing is known of its pools: neither the old ones nor the new.
#[tokio::test(start_paused = true)]
async fn pools_that_were_set_are_not_known_until_the_machine_tells_of_them() {
    let fronts = twin(site(), &running(), Addressing::InMemory, Clock::starting_at(start()));
    let site = fronts.with(|plant| Arc::clone(plant.site()));
    let found =
        site.machines().map(|(ix, _)| ix).find(|ix| site.model_of(*ix).family == Family::AntminerStock);
    let machine = found.unwrap();
    let endpoint = fronts.layout().endpoints()[machine.ix()];
    let target = Target { machine, family: Family::AntminerStock, endpoint, mac: None };
    let fleet = Arc::new(Fleet::new(Driver::new(fronts.connector(), fronts.clock()), vec![target]));
    let pace = Pace { survey: Duration::from_secs(20), ..Pace::default() };
    let poller = Poller::new(Arc::clone(&fleet), pace);
    let surveys = tokio::spawn(async move { poller.survey().await });
    tokio::time::sleep(Duration::from_secs(30)).await;
    let pools = || fleet.known(machine).unwrap().details.as_ref().unwrap().pools.clone();
    assert!(pools().is_some());
    let (url, user, password) = ("stratum+tcp://mine.example:3333".into(), "a".into(), "b".into());
    let order = Order::SetPools(vec![Pool { url, user, password }]);
    assert_eq!(fleet.order(machine, &order).await, Outcome::Accepted);
    assert_eq!(pools(), None);
    assert!(fleet.known(machine).unwrap().details.as_ref().unwrap().boards.is_some(), "the rest stays");
    tokio::time::sleep(Duration::from_secs(25)).await;
    assert!(pools().is_some(), "it was read again");
    surveys.abort();
}

/// A site that knows a serial number and no hardware address: nobody else at the address gets the order.
#[tokio::test(start_paused = true)]
async fn an_order_is_bound_to_a_serial_number_too() {
    let fronts = twin(site(), &running(), Addressing::InMemory, Clock::starting_at(start()));
    let site = fronts.with(|plant| Arc::clone(plant.site()));
    let of_family = |family| site.machines().map(|(ix, _)| ix).find(|ix| site.model_of(*ix).family == family);
    for family in [Family::AntminerStock, Family::WhatsminerV2, Family::Vnish] {
        let ix = of_family(family).unwrap();
        let target =
            Target { machine: ix, family, endpoint: fronts.layout().endpoints()[ix.ix()], mac: None };
        let bound_to = |serial: &str| {
            let mut fleet = Fleet::new(Driver::new(fronts.connector(), fronts.clock()), vec![target]);
            fleet.set_serial(ix, serial);
            Arc::new(fleet)
        };
        let stranger = bound_to("TWIN99999999");
        for _ in 0..2 {
            let outcome = stranger.order(ix, &Order::Sleep).await;
            assert_eq!(outcome, Outcome::Unanswered(Trouble::Impostor), "{family:?}");
        }
        assert_eq!(fronts.with(|plant| plant.truth(ix)).activity, Some(Activity::Hashing));
        let own = bound_to(&format!("twin{:08}", ix.0));
        assert_eq!(own.order(ix, &Order::Sleep).await, Outcome::Accepted, "{family:?}");
    }
}
