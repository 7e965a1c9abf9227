//! Each family's driver: recorded replies, and the story that every machine must get through against
//! the twin. A family's own quirks stand in its module.

mod antminer;
mod avalon;
mod bitaxe;
mod braiins;
mod braiins_graphql;
mod dying;
mod epic;
mod judges;
mod left_out;
mod luxos;
mod negative;
mod proto;
mod strangers;
mod swapped;
mod table;
mod vnish;
mod whatsminer;
mod whatsminer_v3;

use std::sync::Arc;
use std::time::Duration;

use offpeak_drivers::antminer::is_sleepless;
use offpeak_drivers::call::{Order, Pool};
use offpeak_drivers::clock::Clock;
use offpeak_drivers::driver::Link;
use offpeak_drivers::fronts::{Addressing, Fronts};
use offpeak_site::{Activity, CircuitIx, Family, MachineIx, Mode, ModeName, Outcome, Trouble};
use offpeak_twin::{Fault, Pinned, Scenario};
use offpeak_units::{HashRate, Power};

use crate::fronts::{Seat, machine, running, seat, small, start, twin};

/// The twin with its `M30S` speaking as another family; low, normal and high modes of 2, 3 and 4 kW.
pub(crate) fn stage(family: Family, model: &str, scenario: &Scenario) -> (Fronts, MachineIx) {
    let mut site = small();
    let ix = machine(&site, "M30S");
    let entry = &mut site.models[site.machines[ix.ix()].model.ix()];
    (entry.family, entry.name) = (family, model.to_owned());
    entry.sleeps_by_command = family != Family::AntminerStock || !is_sleepless(model);
    entry.modes = [(ModeName::Low, 2_000), (ModeName::Normal, 3_000), (ModeName::High, 4_000)]
        .map(|(name, watts)| Mode {
            name,
            power: Power::from_watts(watts),
            hash_rate: HashRate::from_terahashes_f64(watts as f64 / 30.0).unwrap(),
        })
        .to_vec();
    site.machines[ix.ix()].endpoint.as_mut().unwrap().api_port = family.api_port();
    (twin(site, scenario, Addressing::InMemory, Clock::starting_at(start())), ix)
}

/// A machine with this fault from the start.
pub(crate) fn faulty(family: Family, model: &str, fault: Fault) -> (Fronts, MachineIx) {
    let ix = machine(&small(), "M30S");
    stage(
        family,
        model,
        &Scenario { pinned: vec![(ix, Pinned::always(fault))].into_iter().collect(), ..running() },
    )
}

pub(crate) async fn order(seat: &mut Seat, order: Order) -> Outcome {
    seat.driver.order(seat.family, seat.at, &mut seat.link, &order).await
}

pub(crate) async fn later(minutes: u64) {
    tokio::time::advance(Duration::from_secs(60 * minutes)).await;
}

fn every_order() -> Vec<Order> {
    let pool =
        Pool { url: "stratum+tcp://pool.example:3333".into(), user: "a.b".into(), password: "x".into() };
    vec![
        Order::Sleep,
        Order::Wake,
        Order::SetMode(ModeName::Normal),
        Order::Reboot,
        Order::Locate(true),
        Order::SetPools(vec![pool]),
    ]
}

/// Who it is, what it does, sleep and wake at the meter.
pub(crate) async fn obeys(family: Family, model: &str, own_name: &str) {
    let (fronts, ix) = stage(family, model, &running());
    let mut seat = seat(&fronts, ix);
    let identity = seat.driver.identify(seat.at).await.unwrap().unwrap();
    assert_eq!((identity.family, identity.model.as_deref()), (family, Some(own_name)));
    let [a, b, c, d] = ix.0.to_be_bytes();
    assert_eq!(identity.mac.unwrap().0, [0x02, 0x0F, a, b, c, d]);
    let serial = (family != Family::Bitaxe).then(|| format!("TWIN{:08}", ix.0));
    assert_eq!(identity.serial, serial, "a Bitaxe names none");
    assert!(identity.firmware.is_some());
    seat.driver.keep_armed(family, seat.at, &mut seat.link).await.unwrap();

    let reading = seat.read().await.unwrap();
    let truth = fronts.with(|plant| plant.truth(ix));
    assert_eq!(reading.activity, Activity::Hashing);
    let rate = reading.hash_rate.unwrap().to_megahashes();
    assert!((rate - truth.hash_rate.to_megahashes()).abs() < 100_000, "{rate} {truth:?}");
    if family.tells_watts() {
        assert!((reading.power.unwrap() - truth.power).to_watts().abs() < 10, "{reading:?} {truth:?}");
    }
    match reading.temperature {
        Some(seen) => assert!((seen.to_millicelsius() - truth.temperature.to_millicelsius()).abs() < 1_500),
        None => assert_eq!(family, Family::BraiinsOs, "all others tell it with the rest"),
    }

    let drawn = || fronts.with(|plant| plant.circuit_power(CircuitIx::ROOT).to_watts());
    let before = drawn();
    assert_eq!(order(&mut seat, Order::Sleep).await, Outcome::Accepted);
    later(10).await;
    assert_eq!(seat.read().await.unwrap().activity, Activity::Asleep);
    assert!((2_000..4_500).contains(&(before - drawn())), "{before} W before, {} W after", drawn());
    assert_eq!(order(&mut seat, Order::Wake).await, Outcome::Accepted);
    tokio::time::advance(Duration::from_secs(5)).await;
    assert_eq!(seat.read().await.unwrap().activity, Activity::Starting);
    later(60).await;
    assert_eq!(seat.read().await.unwrap().activity, Activity::Hashing);
}

/// What must not happen: orders for another machine, success without a machine, refusals without words.
pub(crate) async fn is_never_believed(family: Family, model: &str) {
    let (fronts, ix) = stage(family, model, &running());
    let mut stranger = seat(&fronts, ix);
    stranger.link = Link::to(Some("02:00:00:00:00:99".parse().unwrap()));
    for each in every_order() {
        let outcome = order(&mut stranger, each.clone()).await;
        assert_eq!(outcome, Outcome::Unanswered(Trouble::Impostor), "{each:?}");
    }
    later(10).await;
    assert_eq!(fronts.with(|plant| plant.truth(ix)).activity, Some(Activity::Hashing));

    let (fronts, ix) = faulty(family, model, Fault::RefusesCommands);
    let Outcome::Refused(words) = order(&mut seat(&fronts, ix), Order::Sleep).await else {
        panic!("refused")
    };
    assert!(!words.is_empty());
    for (fault, trouble) in [(Fault::Dead, Trouble::Unreachable), (Fault::Hung, Trouble::Silent)] {
        let (fronts, ix) = faulty(family, model, fault);
        for each in every_order() {
            let outcome = order(&mut seat(&fronts, ix), each.clone()).await;
            assert_eq!(outcome, Outcome::Unanswered(trouble), "{each:?}");
        }
    }
}

/// A power limit shows in the watts, one that is too low is refused in these words, and none wakes a sleeper.
pub(crate) async fn keeps_a_power_limit(family: Family, model: &str, too_low: &str) {
    let (fronts, ix) = stage(family, model, &running());
    let mut seat = seat(&fronts, ix);
    assert_eq!(order(&mut seat, Order::LimitPower(Power::from_watts(2_500))).await, Outcome::Accepted);
    later(60).await;
    let reading = seat.read().await.unwrap();
    assert!(reading.power.unwrap() < Power::from_watts(2_500), "{reading:?}");
    let refused = Outcome::Refused(too_low.to_owned());
    assert_eq!(order(&mut seat, Order::LimitPower(Power::from_watts(1_500))).await, refused);
    assert!(matches!(order(&mut seat, Order::SetMode(ModeName::High)).await, Outcome::Refused(_)));

    assert_eq!(order(&mut seat, Order::Sleep).await, Outcome::Accepted);
    later(10).await;
    assert_eq!(order(&mut seat, Order::LimitPower(Power::from_watts(3_500))).await, Outcome::Accepted);
    later(10).await;
    assert_eq!(seat.read().await.unwrap().activity, Activity::Asleep, "a limit is no order to start");
    assert_eq!(order(&mut seat, Order::Wake).await, Outcome::Accepted);
    later(60).await;
    let mut reading = seat.read().await.unwrap();
    if reading.power.is_none() {
        // It was asked whether it still sleeps; now for its rate.
        assert_eq!(reading.activity, Activity::Starting);
        reading = seat.read().await.unwrap();
    }
    assert!(reading.power.unwrap() > Power::from_watts(2_500), "{reading:?}");
}

/// Each way of answering badly has its name.
pub(crate) async fn misbehaves(family: Family, model: &str, faults: &[(Fault, Trouble)]) {
    for (fault, trouble) in faults {
        let (fronts, ix) = faulty(family, model, *fault);
        assert_eq!(seat(&fronts, ix).read().await, Err(*trouble), "{fault:?}");
    }
}

/// Over a TCP API whose replies end with a NUL or the connection.
pub(crate) const TCP_FAULTS: [(Fault, Trouble); 7] = [
    (Fault::Dead, Trouble::Unreachable),
    (Fault::Hung, Trouble::Silent),
    (Fault::Garbage, Trouble::Garbled),
    (Fault::Flood, Trouble::Oversized),
    (Fault::CloseMidReply, Trouble::Truncated),
    (Fault::Nul, Trouble::Garbled),
    (Fault::NoTerminator, Trouble::Silent),
];

/// Over pages that carry JSON.
pub(crate) const HTTP_FAULTS: [(Fault, Trouble); 7] = [
    (Fault::Dead, Trouble::Unreachable),
    (Fault::Hung, Trouble::Silent),
    (Fault::Garbage, Trouble::Garbled),
    (Fault::Flood, Trouble::Oversized),
    (Fault::CloseMidReply, Trouble::Truncated),
    (Fault::Nul, Trouble::Garbled),
    (Fault::NoTerminator, Trouble::Silent),
];

#[tokio::test(start_paused = true)]
async fn the_stage_is_the_small_site() {
    let (fronts, ix) = stage(Family::WhatsminerV2, "M30S", &running());
    let family = fronts.with(|plant| Arc::clone(plant.site()).model_of(ix).family);
    assert_eq!(family, Family::WhatsminerV2);
}

/// A model of each family; nobody drives the others. Who adds a family says it here, or this does not compile.
pub(crate) const fn sample(family: Family) -> Option<&'static str> {
    Some(match family {
        Family::WhatsminerV2 => "M30S",
        Family::WhatsminerV3 => "M60S",
        Family::AntminerStock => "S19 Pro",
        Family::Avalon => "A1346",
        Family::LuxOs | Family::BraiinsOs | Family::BraiinsOsGraphQl | Family::Vnish | Family::Epic => {
            "S19j Pro"
        }
        Family::ProtoRig => "Proto Rig",
        Family::Bitaxe => "BM1370",
        Family::Other => return None,
    })
}

#[tokio::test(start_paused = true)]
async fn in_no_family_is_an_order_to_a_broken_machine_a_success() {
    let faults = [
        Fault::Dead,
        Fault::Hung,
        Fault::Garbage,
        Fault::Flood,
        Fault::CloseMidReply,
        Fault::Nul,
        Fault::NoTerminator,
        Fault::RefusesCommands,
    ];
    let mut families = 0;
    for (family, model) in Family::ALL.into_iter().filter_map(|family| Some((family, sample(family)?))) {
        families += 1;
        for fault in faults {
            for each in every_order() {
                let (fronts, ix) = faulty(family, model, fault);
                let outcome = order(&mut seat(&fronts, ix), each.clone()).await;
                let success = outcome == Outcome::Accepted;
                // Whether a machine that refuses to sleep also refuses a light or a restart is its own affair, and a
                // reply that stands behind its length needs no end.
                let mild = matches!(fault, Fault::RefusesCommands | Fault::NoTerminator);
                let counts = !mild || each == Order::Sleep;
                assert!(!(success && counts), "{family:?} {fault:?} {each:?}");
                if let Outcome::Refused(words) = outcome {
                    assert!(words.trim().len() > 3, "{family:?} {fault:?} {each:?}: {words:?}");
                }
            }
        }
    }
    assert_eq!(families, offpeak_drivers::devices::devices().len(), "every family with a driver");
}

/// Families that have modes, a model of each, and one of its modes that it is not in.
const WITH_MODES: [(Family, &str, ModeName); 4] = [
    (Family::WhatsminerV2, "M30S", ModeName::Low),
    (Family::WhatsminerV3, "M60S", ModeName::Low),
    (Family::AntminerStock, "S19 Pro", ModeName::Low),
    (Family::Avalon, "A1346", ModeName::High),
];

/// Whether a machine that hashes in this mode was read as such within half an hour of polls.
async fn is_read_in(seat: &mut Seat, mode: ModeName) -> bool {
    for _ in 0..600 {
        tokio::time::advance(Duration::from_secs(3)).await;
        let read = seat.driver.read_fast(seat.family, seat.at, &mut seat.link, &mut Vec::new()).await;
        let reading = read.unwrap();
        if reading.is_some_and(|seen| seen.activity == Activity::Hashing && seen.mode == Some(mode)) {
            return true;
        }
    }
    false
}

/// Taken is not done: what confirms a mode is what the machine says of itself afterwards.
#[tokio::test(start_paused = true)]
async fn a_mode_that_was_accepted_and_ignored_is_never_read() {
    for (family, model, mode) in WITH_MODES {
        let (fronts, ix) = faulty(family, model, Fault::IgnoresCommands);
        let mut deaf = seat(&fronts, ix);
        deaf.read().await.unwrap();
        deaf.driver.keep_armed(family, deaf.at, &mut deaf.link).await.unwrap();
        assert_eq!(order(&mut deaf, Order::SetMode(mode)).await, Outcome::Accepted, "{family:?}");
        assert!(!is_read_in(&mut deaf, mode).await, "{family:?} confirms what was ignored");

        let (fronts, ix) = stage(family, model, &running());
        let mut obedient = seat(&fronts, ix);
        obedient.read().await.unwrap();
        assert_eq!(order(&mut obedient, Order::SetMode(mode)).await, Outcome::Accepted, "{family:?}");
        assert!(is_read_in(&mut obedient, mode).await, "{family:?} does not confirm what was done");
        // Much later it is still said by the machine, or not at all.
        later(120).await;
        fronts.with(|plant| plant.command(ix, offpeak_site::Action::SetMode(ModeName::Normal)));
        assert!(!is_read_in(&mut obedient, mode).await, "{family:?} says what it was once told");
    }
}

/// A model that nobody has heard of is a few lines of the site file, whichever family it speaks.
#[tokio::test(start_paused = true)]
async fn a_new_model_needs_no_code() {
    const SMALL: &str = include_str!("../../../../../sites/small.toml");
    for family in Family::ALL.into_iter().filter(|family| sample(*family).is_some()) {
        let lines = format!(
            "\n[[models]]\nname = \"X30 Pro\"\nlike = \"M30S\"\nfamily = \"{}\"\nsleeps_by_command = true\n\
             modes = [{{ name = \"normal\", power_w = 3_700, hash_rate_ths = 210 }}]\n",
            family.name()
        );
        let text = SMALL.replace("model = \"M30S\"", "model = \"X30 Pro\"") + &lines;
        let site = offpeak_site::file::load("x.toml", &text, &|_| None).unwrap();
        let ix = machine(&site, "X30 Pro");
        let fronts = twin(site, &running(), Addressing::InMemory, Clock::starting_at(start()));
        let mut seat = seat(&fronts, ix);
        assert_eq!(seat.family, family);
        let reading = seat.read().await.unwrap();
        assert_eq!(reading.activity, Activity::Hashing, "{family:?}");
        let rate = reading.hash_rate.unwrap().to_terahashes_f64();
        assert!((195.0..225.0).contains(&rate), "{family:?}: {rate} TH/s");
        assert_eq!(order(&mut seat, Order::Sleep).await, Outcome::Accepted, "{family:?}");
        later(10).await;
        assert_eq!(seat.read().await.unwrap().activity, Activity::Asleep, "{family:?}");
    }
}
