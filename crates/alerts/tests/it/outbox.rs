//! What waits to be sent by each way until it went out.

use super::*;

/// A mine whose second hall's meter is silent, judged until that is told.
fn told(rules: &Rules) -> (Board, Facts) {
    let (mut board, mut facts) = (Board::default(), mine());
    facts.circuits[4].power_kw = None;
    assert_eq!(over(&mut board, rules, &facts, 0..20).len(), 1);
    (board, facts)
}

/// What waits for a way, in kinds and lines.
fn waiting(board: &Board, channel: &str) -> Option<(Event, Vec<String>)> {
    board.waiting(channel, 0).map(|message| (message.event, message.lines))
}

fn line() -> Vec<String> {
    vec!["the meter at hall-2 is silent".to_owned()]
}

#[test]
fn what_did_not_go_out_waits_over_a_restart_until_it_did() {
    let rules = rules("");
    let (board, facts) = told(&rules);
    let mut again = Board::read(&board.write().unwrap()).unwrap();
    assert_eq!(waiting(&again, "shift"), None, "nothing is said before the site was judged anew");
    assert_eq!(over(&mut again, &rules, &facts, 20..30), [], "it is no news");
    assert_eq!(waiting(&again, "shift"), Some((Event::Raised, line())));
    assert_eq!(waiting(&again, "boss"), None, "each way has its own");

    let message = again.waiting("shift", 0).unwrap();
    let before = again.changes();
    again.delivered("shift", &message);
    assert_eq!(waiting(&again, "shift"), None);
    assert!(again.changes() > before, "that it went out is kept");
    let mut again = Board::read(&again.write().unwrap()).unwrap();
    over(&mut again, &rules, &facts, 30..40);
    assert_eq!(waiting(&again, "shift"), None, "nobody is told twice");
}

#[test]
fn of_each_alert_the_newest_word_waits() {
    let rules = rules("");
    let (mut board, facts) = told(&rules);
    let under_way = board.waiting("shift", 0).unwrap();
    let end = over(&mut board, &rules, &mine(), 20..200);
    assert_eq!(end.len(), 1, "{end:?}");
    assert_eq!(waiting(&board, "shift"), Some((Event::Over, line())), "what is over is not told as new");
    board.delivered("shift", &under_way);
    assert_eq!(waiting(&board, "shift"), Some((Event::Over, line())), "said meanwhile, it still waits");
    over(&mut board, &rules, &mine(), 200..202);
    over(&mut board, &rules, &mine(), 86_500..86_502);
    assert_eq!(waiting(&board, "shift"), None, "yesterday's end is told to nobody");

    let again = self::rules("repeat_every_min = 10\n");
    over(&mut board, &again, &facts, 90_000..94_000);
    assert_eq!(waiting(&board, "shift"), Some((Event::Repeated, line())), "once, however often it was said");
    assert_eq!(waiting(&board, "boss"), Some((Event::Repeated, line())));
}

#[test]
fn what_somebody_sees_to_or_nobody_reads_waits_no_more() {
    let rules = rules("");
    let (mut board, facts) = told(&rules);
    board.acknowledge(board.open()[0].id, "anna", "", at(20)).unwrap();
    over(&mut board, &rules, &facts, 20..21);
    assert_eq!(waiting(&board, "shift"), None);

    let (mut board, facts) = told(&rules);
    board.snooze(board.open()[0].id, "anna", "", at(600)).unwrap();
    over(&mut board, &rules, &facts, 20..599);
    assert_eq!(waiting(&board, "shift"), None);
    over(&mut board, &rules, &facts, 599..602);
    assert_eq!(waiting(&board, "shift"), Some((Event::Raised, line())), "told again after it");

    over(&mut board, &Rules::default(), &facts, 602..603);
    assert_eq!(waiting(&board, "shift"), None, "the rule file has no such way now");
}

#[test]
fn what_waits_is_not_told_in_quiet_hours_unless_it_is_critical() {
    // The mine's second 0 is 12:00.
    let rules = rules("[quiet_hours]\nfrom = \"13:00:00\"\nuntil = \"14:00:00\"\n");
    let (mut board, mut facts) = (Board::default(), mine());
    lose(&mut facts, 0..1);
    over(&mut board, &rules, &facts, 0..200);
    let lost = || Some((Event::Raised, vec!["hall-1: 1 of 20 machines is lost: m0".to_owned()]));
    assert_eq!(waiting(&board, "shift"), lost());
    over(&mut board, &rules, &facts, 3_600..3_700);
    assert_eq!(waiting(&board, "shift"), None);
    facts.circuits[4].power_kw = None;
    over(&mut board, &rules, &facts, 3_700..3_800);
    assert_eq!(waiting(&board, "shift"), Some((Event::Raised, line())));
    let message = board.waiting("shift", 0).unwrap();
    board.delivered("shift", &message);
    over(&mut board, &rules, &facts, 7_200..7_201);
    assert_eq!(waiting(&board, "shift"), lost());
}

#[test]
fn a_message_that_is_refused_holds_up_no_other_kind() {
    let rules = rules("");
    let (mut board, _) = told(&rules);
    over(&mut board, &rules, &mine(), 20..200);
    let facts = Facts { disk_free: Some(0.01), ..mine() };
    over(&mut board, &rules, &facts, 200..300);
    let kinds: Vec<_> = (0..4).map(|failed| board.waiting("shift", failed).unwrap().event).collect();
    assert_eq!(kinds, [Event::Raised, Event::Over, Event::Raised, Event::Over]);
}

#[test]
fn of_what_waits_the_gravest_is_named_first() {
    let rules = rules("");
    let (mut board, mut facts) = (Board::default(), mine());
    facts.disk_free = Some(0.01);
    over(&mut board, &rules, &facts, 0..100);
    facts.circuits[4].power_kw = None;
    over(&mut board, &rules, &facts, 100..200);
    let message = board.waiting("shift", 0).unwrap();
    assert_eq!(message.lines, ["the meter at hall-2 is silent", "the book's disk has 1.0 % left"]);
    assert_eq!(message.alerts, [2, 1]);
}

/// However many alerts come and go while a way does not work, what waits is bounded, and what holds goes before what is over.
#[test]
fn what_waits_is_bounded() {
    let rules = rules("");
    let mut board = Board::default();
    let mut facts = mine();
    for hall in 3..=402 {
        facts.circuits.push(circuit(&format!("hall-{hall}"), Some(0), true));
    }
    let sound = facts.clone();
    for round in 0..4 {
        over(&mut board, &rules, &sound, round * 200..round * 200 + 100);
        facts.circuits.iter_mut().filter(|circuit| circuit.is_hall).for_each(|of| of.power_kw = None);
        over(&mut board, &rules, &facts, round * 200 + 100..round * 200 + 200);
    }
    let raised = board.waiting("shift", 0).unwrap();
    let ends = board.waiting("shift", 1).unwrap();
    assert_eq!((raised.event, raised.alerts.len()), (Event::Raised, 402));
    assert_eq!((ends.event, ends.alerts.len()), (Event::Over, 600 - 402));
    assert_eq!(ends.alerts.last(), Some(&(3 * 402)), "the newest ends");
}
