//! What is not known any more is not over.

use super::*;

const CLOCK: &str = "[clock]\nntp = \"127.0.0.1\"\n";

/// Judges what holds for an hour, acknowledges it, and then what is not known for half a day: it is still the same, and seen to.
/// When `sound`, it is over.
fn stays(rules: &Rules, before: &Facts, holding: &Facts, unknown: &Facts, sound: &Facts) {
    let mut board = Board::default();
    over(&mut board, rules, before, 0..10);
    over(&mut board, rules, holding, 10..3_600);
    assert_eq!(board.open().len(), 1, "{:?}", board.open());
    let id = board.open()[0].id;
    board.acknowledge(id, "anna", "a fitter comes", at(3_600)).unwrap();
    let mut again = Board::read(&board.write().unwrap()).unwrap();
    over(&mut again, rules, unknown, 3_600..46_800);
    let stands = again.open().into_iter().find(|alert| alert.id == id).map(|alert| alert.note.clone());
    assert_eq!(stands, Some(Some("a fitter comes".to_owned())), "{:?}", again.open());
    let sent = over(&mut again, rules, holding, 46_800..46_900);
    assert!(sent.iter().all(|(_, message)| !message.alerts.contains(&id)), "{sent:?}");
    over(&mut again, rules, sound, 46_900..50_600);
    assert!(again.open().is_empty(), "{:?}", again.open());
}

#[test]
fn a_circuit_over_its_limit_whose_meter_falls_silent_is_not_within_it() {
    for power in [1_100.0, 999.0] {
        let (mut holding, mut silent) = (mine(), mine());
        holding.circuits[1].power_kw = Some(power);
        silent.circuits[1].power_kw = None;
        stays(&rules(""), &mine(), &holding, &silent, &mine());
        // Where no limit is watched, none is exceeded.
        silent.circuits[1].limit = None;
        let mut board = Board::default();
        over(&mut board, &rules(""), &holding, 0..400);
        over(&mut board, &rules(""), &silent, 400..4_000);
        let kinds: Vec<_> = board.open().iter().map(|alert| alert.condition.kind).collect();
        assert_eq!(kinds, [RuleKind::MeterSilent]);
    }
}

#[test]
fn a_clock_of_which_nobody_speaks_any_more_is_not_right() {
    let off = |seconds| Facts { clock_off: Some(SignedDuration::from_secs(seconds)), ..mine() };
    stays(&rules(CLOCK), &mine(), &off(9), &mine(), &off(0));
    let mut board = Board::default();
    over(&mut board, &rules(CLOCK), &off(9), 0..100);
    over(&mut board, &rules(""), &mine(), 100..200);
    assert!(board.open().is_empty(), "the rule file names no clock now");
}

#[test]
fn a_disk_that_says_no_more_has_no_room() {
    let free = |disk_free| Facts { disk_free, ..mine() };
    stays(&rules(""), &mine(), &free(Some(0.01)), &free(None), &mine());
}

#[test]
fn machines_that_were_not_asked_since_a_restart_are_as_they_were() {
    let (mut firmware, mut pool, mut fresh) = (mine(), mine(), mine());
    firmware.machines[3].firmware = Some("2".into());
    pool.machines[3].pool = Some(PoolFact { url: "stratum+tcp://thief:1".into(), user: "thief".into() });
    fresh.machines.iter_mut().for_each(|machine| (machine.firmware, machine.pool) = (None, None));
    let only_named = rules("[pools.acme]\naccounts = [\"acme\"]\n");
    stays(&only_named, &mine(), &pool, &fresh, &mine());
    // Where nothing is named, what is acknowledged is what is compared with.
    for (rules, changed) in [(&rules(""), &firmware), (&rules(""), &pool), (&only_named, &pool)] {
        let mut board = Board::default();
        over(&mut board, rules, &mine(), 0..10);
        over(&mut board, rules, changed, 10..20);
        let id = board.open()[0].id;
        let mut again = Board::read(&board.write().unwrap()).unwrap();
        assert_eq!(over(&mut again, rules, &fresh, 20..800), []);
        assert_eq!(over(&mut again, rules, changed, 800..900), [], "the same, told already");
        assert_eq!(again.open().iter().map(|alert| alert.id).collect::<Vec<_>>(), [id]);
        let end = over(&mut again, rules, &mine(), 900..1_000);
        assert_eq!(end.iter().map(|(_, message)| message.event).collect::<Vec<_>>(), [Event::Over]);
    }
    // What was acknowledged is compared with nothing before the machine says what it has.
    let mut board = Board::default();
    over(&mut board, &rules(""), &mine(), 0..10);
    over(&mut board, &rules(""), &firmware, 10..20);
    board.acknowledge(board.open()[0].id, "anna", "", at(20)).unwrap();
    over(&mut board, &rules(""), &fresh, 20..200);
    assert!(board.open().is_empty(), "{:?}", board.open());
}

#[test]
fn who_is_lost_is_neither_cooler_nor_faster() {
    let (mut hot, mut lost, mut slow) = (mine(), mine(), mine());
    hot.machines[..20].iter_mut().for_each(|machine| machine.temperature_c = Some(90.0));
    lose(&mut lost, 0..20);
    for machine in &mut lost.machines[..20] {
        (machine.temperature_c, machine.hash_share) = (None, None);
    }
    slow.machines[3].hash_share = Some(0.5);
    stays(&rules(""), &mine(), &hot, &lost, &mine());
    stays(&rules(""), &mine(), &slow, &lost, &mine());
    let mut asleep = mine();
    for machine in &mut asleep.machines {
        (machine.state, machine.temperature_c) = (MachineState::Other, None);
    }
    let mut board = Board::default();
    over(&mut board, &rules(""), &hot, 0..200);
    over(&mut board, &rules(""), &asleep, 200..400);
    assert!(board.open().is_empty(), "who sleeps and tells no temperature is not hot");
}
