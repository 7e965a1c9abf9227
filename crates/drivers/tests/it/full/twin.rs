//! Full readings of the twin's machines, of every family, while they hash, sleep, have lost a board and are gone.

use offpeak_drivers::full::{Details, FullReading};
use offpeak_site::{Activity, Family, Trouble};
use offpeak_twin::Fault;

use crate::families::{faulty, later, order, sample, stage};
use crate::fronts::{Seat, running, seat};

async fn read(seat: &Seat) -> FullReading {
    seat.driver.read_full(seat.family, seat.at).await.unwrap()
}

fn families() -> impl Iterator<Item = (Family, &'static str)> {
    Family::ALL.into_iter().filter_map(|family| Some((family, sample(family)?)))
}

/// What no reply of a family carries.
fn tells(family: Family, what: &str) -> bool {
    match what {
        "chips" => !matches!(family, Family::Vnish | Family::Epic),
        "faults" => family != Family::AntminerStock,
        "shares by pool" => !matches!(family, Family::WhatsminerV3 | Family::Epic | Family::Bitaxe),
        "shares" => matches!(family, Family::Epic | Family::Bitaxe),
        "a time" => family != Family::Vnish,
        _ => unreachable!(),
    }
}

#[tokio::test(start_paused = true)]
async fn every_family_tells_its_boards_fans_pools_and_faults() {
    for (family, model) in families() {
        let (fronts, ix) = stage(family, model, &running());
        let full = read(&seat(&fronts, ix)).await;
        assert_eq!(full.identity.unwrap().family, family);
        assert_eq!(full.reading.unwrap().activity, Activity::Hashing, "{family:?}");
        let details = full.details;
        assert_eq!(details.unanswered, [], "{family:?}");
        let truth = fronts.with(|plant| plant.truth(ix));
        let boards = details.boards.unwrap();
        assert_eq!(boards.len(), if family == Family::Bitaxe { 1 } else { 3 }, "{family:?}");
        let rate: i64 = boards.iter().map(|board| board.hash_rate.unwrap().to_megahashes()).sum();
        assert!((rate - truth.hash_rate.to_megahashes()).abs() < 100_000, "{family:?}: {rate} {truth:?}");
        for board in &boards {
            assert_eq!(board.chips.is_some_and(|chips| chips > 0), tells(family, "chips"), "{family:?}");
            let hottest = board.temperature.max(board.temperature_chip).unwrap().to_millicelsius();
            let below = truth.temperature.to_millicelsius() - hottest;
            assert!((-9_000..16_000).contains(&below), "{family:?}: {board:?} {truth:?}");
        }
        let fans = details.fans.unwrap();
        assert!(!fans.is_empty() && fans.iter().all(|fan| fan.rpm.unwrap() > 1_000), "{family:?} {fans:?}");
        let pools = details.pools.unwrap();
        assert_eq!(pools.len(), if family == Family::Bitaxe { 2 } else { 3 }, "{family:?}");
        assert!(pools[0].url.as_ref().unwrap().ends_with("pool1.example:3333"), "{family:?}");
        assert_eq!(pools[0].user, Some(format!("offpeak.{}", ix.0)), "{family:?}");
        let active: Vec<_> = pools.iter().map(|pool| pool.is_active.unwrap()).collect();
        assert_eq!(active, (0..pools.len()).map(|place| place == 0).collect::<Vec<_>>(), "{family:?}");
        assert_eq!(
            pools[0].accepted.is_some_and(|shares| shares > 0),
            tells(family, "shares by pool"),
            "{family:?}"
        );
        assert_eq!(details.shares_accepted.is_some(), tells(family, "shares"), "{family:?}");
        assert_eq!(details.faults, tells(family, "faults").then(Vec::new), "{family:?}");
        let timed = details.uptime.max(details.mining_for);
        assert_eq!(
            timed.is_some_and(|time| time.as_secs() > 3_600),
            tells(family, "a time"),
            "{family:?} {timed:?}"
        );
    }
}

/// What a machine does not say while it sleeps is absent; nothing of before stands in for it, and no rate is made up.
#[tokio::test(start_paused = true)]
async fn a_sleeper_hashes_nothing_on_any_board() {
    for (family, model) in families() {
        let (fronts, ix) = stage(family, model, &running());
        let mut seat = seat(&fronts, ix);
        order(&mut seat, offpeak_drivers::call::Order::Sleep).await;
        later(10).await;
        let full = read(&seat).await;
        assert_eq!(full.reading.unwrap().activity, Activity::Asleep, "{family:?}");
        let rates = full.details.boards.iter().flatten().filter_map(|board| board.hash_rate);
        assert!(rates.clone().all(|rate| rate.is_zero()), "{family:?}: {:?}", rates.collect::<Vec<_>>());
        // The supply is warm and goes on being cooled.
        let mut fans = full.details.fans.iter().flatten().filter(|fan| fan.name != "supply");
        assert!(fans.all(|fan| fan.rpm.is_none_or(|rpm| rpm == 0)), "{family:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_dead_board_shows() {
    for (family, model) in families().filter(|(family, _)| *family != Family::Bitaxe) {
        let (fronts, ix) = faulty(family, model, Fault::BoardDead);
        let boards = read(&seat(&fronts, ix)).await.details.boards.unwrap();
        assert_eq!(boards.len(), 3, "{family:?}: {boards:?}");
        let works =
            |board: &offpeak_drivers::full::BoardReading| board.hash_rate.is_some_and(|rate| !rate.is_zero());
        assert_eq!(boards.iter().filter(|board| works(board)).count(), 2, "{family:?}: {boards:?}");
        let dead = boards.iter().find(|board| !works(board)).unwrap();
        assert_ne!(dead.works, Some(true), "{family:?} {dead:?}");
    }
}

/// Who is gone is asked once and not for every part: each question is named all the same.
#[tokio::test(start_paused = true)]
async fn nothing_is_known_of_a_machine_that_is_gone() {
    for (fault, trouble) in [(Fault::Dead, Trouble::Unreachable), (Fault::Hung, Trouble::Silent)] {
        for (family, model) in families() {
            let (fronts, ix) = faulty(family, model, fault);
            let seat = seat(&fronts, ix);
            let began = tokio::time::Instant::now();
            let details = seat.driver.details(family, seat.at, None).await;
            assert!(began.elapsed() <= seat.driver.patience.slow, "{family:?}: {:?}", began.elapsed());
            let unanswered = details.unanswered.clone();
            let nothing = Details { unanswered: unanswered.clone(), ..Details::default() };
            assert_eq!(details, nothing, "{family:?}");
            assert!(
                !unanswered.is_empty() && unanswered.iter().all(|(_, why)| *why == trouble),
                "{unanswered:?}"
            );
        }
    }
}
