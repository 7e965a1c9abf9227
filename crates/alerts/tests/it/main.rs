//! A mine with two halls of two racks of ten machines, and what is told of it.

#![expect(clippy::unwrap_used, reason = "a test stops where its ground gives way")]

mod outbox;
mod unknown;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use offpeak_alerts::{
    Board, CircuitFact, Event, Facts, MachineFact, MachineState, Message, PoolFact, RuleKind, Rules, State,
};
use proptest::prelude::*;

const WAYS: &str = "[channels.shift]\nkind = \"ntfy\"\nurl = \"http://127.0.0.1/a\"\n\
    [channels.boss]\nkind = \"ntfy\"\nurl = \"http://127.0.0.1/b\"\n";

fn rules(more: &str) -> Rules {
    Rules::parse(&format!("{WAYS}[notify]\nfirst = [\"shift\"]\nthen = [\"boss\"]\n{more}")).unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_664_798_400 + second).unwrap()
}

fn circuit(id: &str, parent: Option<usize>, is_hall: bool) -> CircuitFact {
    let limit = Some((1_000.0, "rating".to_owned()));
    CircuitFact {
        id: id.into(),
        parent,
        is_hall,
        metered: is_hall,
        gateway: None,
        power_kw: is_hall.then_some(500.0),
        limit,
    }
}

fn mine() -> Facts {
    let mut circuits = vec![circuit("grid", None, false)];
    for hall in 1..=2 {
        let place = circuits.len();
        circuits.push(circuit(&format!("hall-{hall}"), Some(0), true));
        (1..=2)
            .for_each(|rack| circuits.push(circuit(&format!("hall-{hall}/rack-{rack}"), Some(place), false)));
    }
    let machine = |(place, circuit): (usize, usize)| MachineFact {
        id: format!("m{place}"),
        circuit,
        state: MachineState::Running,
        temperature_c: Some(60.0),
        hash_share: Some(1.0),
        firmware: Some("1".into()),
        owner: "acme".into(),
        pool: Some(PoolFact { url: "stratum+tcp://a:1".into(), user: format!("acme.{place}") }),
        disobeys: false,
    };
    let machines = [2, 3, 5, 6].iter().flat_map(|rack| [*rack; 10]).enumerate().map(machine).collect();
    Facts {
        at: at(0),
        circuits,
        machines,
        disk_free: Some(0.5),
        clock_off: None,
        signals: vec![],
        stalled: None,
        book_error: None,
    }
}

/// Judges a mine that stays as it is, second by second; what was sent with its second.
fn over(
    board: &mut Board,
    rules: &Rules,
    facts: &Facts,
    seconds: std::ops::Range<i64>,
) -> Vec<(i64, Message)> {
    let mut sent = Vec::new();
    for second in seconds {
        let now = Facts { at: at(second), ..facts.clone() };
        sent.extend(board.update(rules, &TimeZone::UTC, &now).into_iter().map(|message| (second, message)));
    }
    sent
}

fn lose(facts: &mut Facts, machines: std::ops::Range<usize>) {
    facts.machines[machines].iter_mut().for_each(|machine| machine.state = MachineState::Lost);
}

#[test]
fn a_sound_mine_says_nothing() {
    let mut board = Board::default();
    assert!(over(&mut board, &rules(""), &mine(), 0..4_000).is_empty());
    assert!(board.open().is_empty());
}

#[test]
fn a_tripped_breaker_is_one_alert() {
    let (mut board, rules, mut facts) = (Board::default(), rules(""), mine());
    lose(&mut facts, 0..10);
    facts.machines[25].state = MachineState::Lost;
    let sent = over(&mut board, &rules, &facts, 0..200);
    assert_eq!(sent.len(), 1, "{sent:?}");
    let (second, message) = &sent[0];
    assert_eq!(
        (*second, message.event, &message.channels[..]),
        (120, Event::Raised, &["shift".to_owned()][..])
    );
    let lines = ["hall-1/rack-1: 10 of 10 machines are lost", "hall-2: 1 of 20 machines is lost: m25"];
    assert_eq!(message.lines, lines);
    let named: Vec<_> = board.open().iter().map(|alert| alert.condition.named.clone()).collect();
    let rack: Vec<_> = (0..10).map(|n| format!("m{n}")).collect();
    assert_eq!(named, [rack, vec!["m25".to_owned()]]);

    lose(&mut facts, 10..20);
    over(&mut board, &rules, &facts, 200..500);
    let causes: Vec<_> = board.open().iter().map(|alert| alert.condition.cause.clone()).collect();
    assert_eq!(causes, ["hall-1", "hall-2"], "the whole hall is the cause now, and goes before the rest");
}

#[test]
fn what_flickers_is_one_alert_and_what_is_over_is_told_once() {
    let (mut board, rules, sound) = (Board::default(), rules(""), mine());
    let mut hot = mine();
    hot.circuits[1].power_kw = Some(1_100.0);
    let mut sent = Vec::new();
    for round in 0..10 {
        sent.extend(over(&mut board, &rules, &hot, round * 20..round * 20 + 10));
        sent.extend(over(&mut board, &rules, &sound, round * 20 + 10..round * 20 + 20));
    }
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert_eq!(sent[0].0, 5);
    assert!(sent[0].1.lines[0].contains("1100.0 kW drawn, 1000.0 allowed by rating"), "{sent:?}");
    let end = over(&mut board, &rules, &sound, 200..400);
    assert_eq!(end.iter().map(|(_, message)| message.event).collect::<Vec<_>>(), [Event::Over]);
    assert_eq!(board.history().count(), 1);
}

#[test]
fn nobody_s_answer_goes_further_and_an_answer_ends_it() {
    let (mut board, rules, mut facts) = (Board::default(), rules(""), mine());
    facts.circuits[4].power_kw = None;
    let sent = over(&mut board, &rules, &facts, 0..2_000);
    let told: Vec<_> = sent.iter().map(|(second, of)| (*second, of.event, of.channels[0].as_str())).collect();
    assert_eq!(told, [(15, Event::Raised, "shift"), (915, Event::Escalated, "boss")]);
    let id = board.open()[0].id;
    board.acknowledge(id, "anna", "", at(2_000)).unwrap();
    assert!(over(&mut board, &rules, &facts, 2_000..9_000).is_empty());
    assert_eq!(board.open()[0].state(at(9_000)), State::Acknowledged);
    assert!(board.acknowledge(99, "anna", "", at(0)).is_err());
}

#[test]
fn a_snoozed_alert_comes_back() {
    let (mut board, rules, mut facts) = (Board::default(), rules(""), mine());
    facts.circuits[4].power_kw = None;
    over(&mut board, &rules, &facts, 0..20);
    board.snooze(board.open()[0].id, "anna", "the fan is ordered", at(500)).unwrap();
    assert_eq!(board.open()[0].note.as_deref(), Some("the fan is ordered"));
    let sent = over(&mut board, &rules, &facts, 20..600);
    assert_eq!(
        sent.iter().map(|(second, of)| (*second, of.event)).collect::<Vec<_>>(),
        [(500, Event::Raised)]
    );
}

#[test]
fn at_night_only_what_is_critical_is_told() {
    // The mine's midnight is at second 0 by UTC noon: 12:00 to 13:00 are its quiet hours here.
    let rules = rules("[quiet_hours]\nfrom = \"12:00:00\"\nuntil = \"13:00:00\"\n");
    let (mut board, mut facts) = (Board::default(), mine());
    lose(&mut facts, 0..10);
    let quiet = over(&mut board, &rules, &facts, 0..3_000);
    assert!(quiet.is_empty(), "{quiet:?}");
    facts.circuits[4].power_kw = None;
    let critical = over(&mut board, &rules, &facts, 3_000..3_100);
    assert_eq!(critical.len(), 1);
    let after = over(&mut board, &rules, &facts, 3_100..3_700);
    assert!(after.iter().any(|(second, of)| *second == 3_600 && of.lines[0].contains("rack-1")), "{after:?}");
}

#[test]
fn what_is_over_at_night_is_told_in_the_morning() {
    let rules = rules("[quiet_hours]\nfrom = \"13:00:00\"\nuntil = \"14:00:00\"\n");
    let (mut board, mut facts) = (Board::default(), mine());
    lose(&mut facts, 0..10);
    facts.circuits[4].power_kw = None;
    let raised = over(&mut board, &rules, &facts, 0..3_500);
    assert!(raised.iter().any(|(_, of)| of.lines[0].contains("rack-1")), "{raised:?}");
    let night = over(&mut board, &rules, &mine(), 3_600..5_000);
    let told = |of: &[(i64, offpeak_alerts::Message)]| -> Vec<_> {
        of.iter().map(|(_, of)| (of.event, of.severity)).collect()
    };
    assert_eq!(told(&night), [(Event::Over, offpeak_alerts::Severity::Critical)]);
    // Whoever takes over meanwhile owes it too.
    let mut again = Board::read(&board.write().unwrap()).unwrap();
    let morning = over(&mut again, &rules, &mine(), 5_000..7_300);
    assert_eq!(morning[0].0, 7_200, "{morning:?}");
    assert_eq!(told(&morning), [(Event::Over, offpeak_alerts::Severity::Warning)]);
}

#[test]
fn firmware_that_changed_is_told_until_somebody_accepts_it() {
    let (mut board, rules, mut facts) = (Board::default(), rules(""), mine());
    over(&mut board, &rules, &facts, 0..10);
    facts.machines[3].firmware = Some("2".into());
    let sent = over(&mut board, &rules, &facts, 10..20);
    assert_eq!(sent.len(), 1);
    assert!(sent[0].1.lines[0].contains("m3"), "{sent:?}");
    board.acknowledge(board.open()[0].id, "anna", "", at(20)).unwrap();
    over(&mut board, &rules, &facts, 20..200);
    assert!(board.open().is_empty(), "{:?}", board.open());
}

#[test]
fn who_hashes_less_than_it_should_is_told_with_how_much() {
    let (mut board, rules, mut facts) = (Board::default(), rules(""), mine());
    facts.machines[3].hash_share = Some(0.617);
    let sent = over(&mut board, &rules, &facts, 0..2_000);
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert_eq!(sent[0].1.lines, ["hall-1: 1 machine hashes less than it should: m3 at 62 %"]);
}

#[test]
fn every_rule_can_speak() {
    let mut facts = mine();
    facts.circuits[0].limit = Some((400.0, "order 1".into()));
    (facts.circuits[0].metered, facts.circuits[0].power_kw) = (true, Some(500.0));
    (facts.circuits[1].power_kw, facts.circuits[4].power_kw) = (None, Some(999.0));
    for machine in &mut facts.machines {
        (machine.temperature_c, machine.hash_share, machine.disobeys) = (Some(90.0), Some(0.5), true);
    }
    lose(&mut facts, 0..3);
    facts.disk_free = Some(0.01);
    facts.clock_off = Some(SignedDuration::from_secs(-9));
    facts.signals = vec![("prices".into(), None), ("grid".into(), Some(SignedDuration::from_secs(5)))];
    facts.book_error = Some("disk full".into());
    facts.stalled = Some(SignedDuration::from_secs(31));
    let mut board = Board::default();
    over(&mut board, &rules(""), &facts, 0..2);
    facts.machines[5].firmware = Some("2".into());
    facts.machines[6].pool = Some(PoolFact { url: "stratum+tcp://b:1".into(), user: "acme.6".into() });
    over(&mut board, &rules(""), &facts, 2..2_000);
    let kinds: Vec<_> = board.open().iter().map(|alert| alert.condition.kind).collect();
    for kind in RuleKind::ALL {
        assert!(kinds.contains(&kind), "{} never spoke: {kinds:?}", kind.name());
    }
}

proptest! {
    /// A rule file is read or refused, whatever it is.
    #[test]
    fn no_rule_file_is_too_odd(text in "\\PC{0,300}") {
        let _ = Rules::parse(&text);
    }

    /// However machines are lost, each is in one alert, and no more alerts than lost machines are told.
    #[test]
    fn every_lost_machine_is_in_one_alert(lost in proptest::collection::vec(any::<bool>(), 40)) {
        let mut facts = mine();
        for (machine, lost) in facts.machines.iter_mut().zip(&lost) {
            machine.state = if *lost { MachineState::Lost } else { MachineState::Running };
        }
        let mut board = Board::default();
        over(&mut board, &rules("[rules.machines-lost]\nhold_s = 0\n"), &facts, 0..1);
        let told: usize = board.open().iter().map(|alert| alert.condition.machines).sum();
        prop_assert_eq!(told, lost.iter().filter(|lost| **lost).count());
        prop_assert!(board.open().len() <= 4);
    }
}

#[test]
fn a_wrong_pool_is_told_and_what_is_acknowledged_stands() {
    let (mut board, rules) = (Board::default(), rules(""));
    let mut facts = mine();
    assert_eq!(over(&mut board, &rules, &facts, 0..3), []);
    facts.machines[1].pool = Some(PoolFact { url: "stratum+tcp://thief:1".into(), user: "thief".into() });
    // A machine that does not say for whom it mines is not accused.
    facts.machines[2].pool = None;
    let sent = over(&mut board, &rules, &facts, 3..6);
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].1.lines, ["hall-1: 1 machine mines for a wrong pool or account: m1"]);
    let id = sent[0].1.alerts[0];
    board.acknowledge(id, "anna", "", at(6)).unwrap();
    over(&mut board, &rules, &facts, 6..80);
    assert!(board.open().is_empty(), "what was acknowledged is what is compared with");

    // Where the rule file says for whom an owner's machines mine, nothing is learned by looking.
    let named = Rules::parse("[pools.acme]\naccounts = [\"acme\"]\n").unwrap();
    let mut board = Board::default();
    board.update(&named, &TimeZone::UTC, &facts);
    assert_eq!(board.open().len(), 1, "the thief's account is not acme's, though it was there first");
}

#[test]
fn a_board_goes_on_where_it_was_kept() {
    let (mut board, rules) = (Board::default(), rules(""));
    let mut facts = mine();
    over(&mut board, &rules, &facts, 0..2);
    let quiet = board.changes();
    over(&mut board, &rules, &facts, 2..10);
    assert_eq!(board.changes(), quiet, "nothing new is nothing to keep");
    facts.machines[0].disobeys = true;
    let sent = over(&mut board, &rules, &facts, 10..12);
    assert_eq!(sent.len(), 1);
    assert!(board.changes() > quiet);
    board.acknowledge(sent[0].1.alerts[0], "anna", "", at(12)).unwrap();

    let mut again = Board::read(&board.write().unwrap()).unwrap();
    assert_eq!(again.open(), board.open());
    assert_eq!(over(&mut again, &rules, &facts, 13..20), [], "it was told, and somebody sees to it");
    facts.machines[3].firmware = Some("2".into());
    let sent = over(&mut again, &rules, &facts, 20..22);
    assert_eq!(
        sent[0].1.lines,
        ["hall-1: 1 machine has another firmware than before: m3"],
        "it knows what was there"
    );
    facts.machines[0].disobeys = false;
    over(&mut again, &rules, &facts, 22..90);
    let over_now: Vec<_> = again.history().map(|alert| alert.id).collect();
    assert_eq!(over_now, [board.open()[0].id]);
    assert!(Board::read("{").is_err());
}

#[test]
fn what_grows_is_news_again_though_somebody_saw_to_it() {
    let (mut board, rules, mut facts) = (Board::default(), rules(""), mine());
    lose(&mut facts, 0..1);
    let sent = over(&mut board, &rules, &facts, 0..130);
    assert_eq!((sent.len(), sent[0].1.severity), (1, offpeak_alerts::Severity::Warning));
    board.acknowledge(sent[0].1.alerts[0], "anna", "", at(130)).unwrap();
    lose(&mut facts, 0..2);
    assert_eq!(over(&mut board, &rules, &facts, 130..260), [], "one more is no news");
    // The hall is gone: another cause than before, or the same grown, it is told, and at night too.
    lose(&mut facts, 0..20);
    let sent = over(&mut board, &rules, &facts, 260..400);
    assert!(
        sent.iter().any(|(_, message)| message.severity == offpeak_alerts::Severity::Critical),
        "{sent:?}"
    );
}

#[test]
fn a_hall_at_the_edge_of_nearly_all_is_news_once() {
    let (mut board, rules, mut facts) = (Board::default(), rules(""), mine());
    let lost = |facts: &mut Facts, of_each_rack: usize| {
        facts.machines.iter_mut().for_each(|machine| machine.state = MachineState::Running);
        lose(facts, 0..of_each_rack);
        lose(facts, 10..10 + of_each_rack);
    };
    lost(&mut facts, 7);
    let mut sent = over(&mut board, &rules, &facts, 0..200);
    for round in 0..100 {
        lost(&mut facts, if round % 2 == 0 { 8 } else { 7 });
        sent.extend(over(&mut board, &rules, &facts, 200 + round * 10..210 + round * 10));
    }
    let told: Vec<_> = sent.iter().map(|(second, of)| (*second, of.event, of.severity)).collect();
    let (warning, critical) = (offpeak_alerts::Severity::Warning, offpeak_alerts::Severity::Critical);
    assert_eq!(
        told,
        [(120, Event::Raised, warning), (200, Event::Raised, critical), (1_100, Event::Escalated, critical)]
    );

    board.acknowledge(board.open()[0].id, "anna", "the breaker", at(1_200)).unwrap();
    for round in 0..10 {
        lost(&mut facts, if round % 2 == 0 { 8 } else { 7 });
        assert_eq!(over(&mut board, &rules, &facts, 1_200 + round * 10..1_210 + round * 10), []);
    }
    assert_eq!(board.open()[0].note.as_deref(), Some("the breaker"), "what was seen to stays seen to");
}

/// However much is wrong, what matters most is listed: a critical alert takes the place of a lesser one, and no lesser one
/// that of a critical.
#[test]
fn a_full_board_gives_the_place_of_the_least_severe() {
    let (rules, mut board) = (rules(""), Board::default());
    let mut facts = mine();
    for hall in 3..=620 {
        let mut close = circuit(&format!("hall-{hall}"), Some(0), true);
        close.power_kw = Some(998.0);
        facts.circuits.push(close);
    }
    over(&mut board, &rules, &facts, 0..900);
    let criticals = |board: &Board| {
        let open = board.open();
        open.iter().filter(|alert| alert.condition.severity == offpeak_alerts::Severity::Critical).count()
    };
    assert_eq!((board.open().len(), criticals(&board)), (500, 0), "full of lesser ones");
    for circuit in facts.circuits.iter_mut().filter(|circuit| circuit.is_hall).take(40) {
        circuit.power_kw = Some(1_500.0);
    }
    over(&mut board, &rules, &facts, 900..1_000);
    assert_eq!((board.open().len(), criticals(&board)), (500, 40), "all that matters most");
    let ids = |board: &Board| board.open().iter().map(|alert| alert.id).collect::<Vec<_>>();
    let before = ids(&board);
    over(&mut board, &rules, &facts, 1_000..1_150);
    assert_eq!(ids(&board), before, "those that wait push nobody out");
}

#[test]
fn meters_behind_one_gateway_that_is_gone_are_one_alert() {
    let subjects = |gateways: [Option<&str>; 2], silent: [bool; 2]| {
        let mut facts = mine();
        for ((hall, gateway), silent) in [1, 4].into_iter().zip(gateways).zip(silent) {
            facts.circuits[hall].gateway = gateway.map(str::to_owned);
            if silent {
                facts.circuits[hall].power_kw = None;
            }
        }
        let rules = rules("");
        let mut board = Board::default();
        over(&mut board, &rules, &facts, 0..120);
        let silent = board.open().into_iter().filter(|alert| alert.condition.kind == RuleKind::MeterSilent);
        silent.map(|alert| (alert.condition.cause.clone(), alert.condition.text.clone())).collect::<Vec<_>>()
    };
    let one = Some("10.0.0.9:502");
    let both = subjects([one, one], [true, true]);
    assert_eq!(
        both,
        [("10.0.0.9:502".into(), "the 2 meters at 10.0.0.9:502 are silent: hall-1, hall-2".into())]
    );
    let alone = |hall: &str| (hall.to_owned(), format!("the meter at {hall} is silent"));
    assert_eq!(subjects([one, one], [true, false]), [alone("hall-1")], "the other one answers");
    assert_eq!(subjects([one, Some("10.0.0.10:502")], [true, true]), [alone("hall-1"), alone("hall-2")]);
    assert_eq!(subjects([None, None], [true, true]), [alone("hall-1"), alone("hall-2")]);
}
