//! The book from outside: what is acknowledged is there afterwards, whatever happens in between.

#![expect(clippy::unwrap_used, reason = "a test stops where its ground gives way")]

mod audit;
mod backup;
mod counts;
mod kill;
mod people;

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use offpeak_store::{
    Book, BookError, By, Change, Counts, Entry, MachineState, MeterVerdict, OrderEntry, Recorder,
};
use offpeak_units::Power;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_664_733_600 + second).unwrap()
}

fn change(generation: u64, machine: &str, state: &'static str) -> Change {
    Change {
        generation,
        machine: machine.into(),
        action: "wake".into(),
        at: at(0),
        state,
        detail: None,
        now: Some(MachineState { started_at: Some(at(0)), cut: false, disobeys: false }),
    }
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn open(folder: &Path) -> Book {
    Book::open(&folder.join("book.sqlite")).unwrap()
}

#[test]
fn orders_survive_and_are_lifted_by_whom_they_may() {
    let folder = folder();
    {
        let book = open(folder.path());
        book.stop("grid", at(0), "storm", "anna").unwrap();
        book.stop("hall-1", at(1), "fan", "anna").unwrap();
        book.lock_out("hall-2", at(2), "anna", "anna").unwrap();
        let order = OrderEntry {
            id: 0,
            circuit: "grid".into(),
            limit: Power::ZERO,
            from: at(3),
            until: Some(at(100)),
            kind: "dispatch".into(),
            mean_min: Some(15),
            holds: true,
            given: None,
        };
        book.order(&order, at(3), "grid operator").unwrap();
        let told = book.audit_entries(1).unwrap().remove(0).why;
        let (from, until) = (at(3), at(100));
        assert_eq!(told, format!("dispatch, setpoint 0 kW, mean of 15 min from {from} until {until}"));
        book.set_authority("hall-1", true, at(4), "anna").unwrap();
        book.set_authority("hall-1", false, at(5), "anna").unwrap();
    }
    let book = open(folder.path());
    let found = book.in_force(at(50)).unwrap();
    assert_eq!(found.stops.len(), 2);
    assert_eq!(found.orders[0].limit, Power::ZERO, "zero stays zero and does not become none");
    assert_eq!(found.orders[0].until, Some(at(100)));
    let given = offpeak_store::Given { by: "grid operator".into(), why: String::new() };
    assert_eq!(found.orders[0].given, Some(given));
    assert_eq!(
        (&*found.orders[0].kind, found.orders[0].mean_min, found.orders[0].holds),
        ("dispatch", Some(15), true)
    );
    assert!(book.in_force(at(100)).unwrap().orders.is_empty(), "an order ends by itself");
    assert!(!book.authority().unwrap()["hall-1"]);

    assert_eq!(book.lift_lockout("hall-2", Some("bert"), at(6), "bert").unwrap(), 0);
    assert_eq!(book.lift_lockout("hall-2", None, at(6), "manager").unwrap(), 1);
    assert_eq!(book.resume(Some("hall-1"), at(7), "bert").unwrap(), 1);
    assert_eq!(book.resume(None, at(7), "bert").unwrap(), 1);
    let left = book.in_force(at(50)).unwrap();
    assert!(left.stops.is_empty() && left.lockouts.is_empty());
    assert!(book.lift_order(left.orders[0].id, at(8), "anna").unwrap());
    assert!(!book.lift_order(left.orders[0].id, at(8), "anna").unwrap(), "lifted once");
    let then = book.in_force_then(at(2)).unwrap();
    assert_eq!((then.stops.len(), then.lockouts.len(), then.orders.len()), (2, 1, 0), "as it was then");
    assert_eq!(book.in_force_then(at(7)).unwrap().orders.len(), 1);
    assert_eq!(book.in_force_then(at(8)).unwrap(), Default::default());
}

#[test]
fn machines_stay_held_until_they_are_released_or_the_time_is_over() {
    let folder = folder();
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let by = |who, why| By { who, why };
    {
        let book = open(folder.path());
        book.hold(&names(&["m1", "m2"]), None, at(0), by("anna", "boards are swapped")).unwrap();
        book.hold(&names(&["m2", "m3"]), Some(at(50)), at(1), by("bert", "hot")).unwrap();
    }
    let book = open(folder.path());
    let held = |second| {
        let holds = book.in_force(at(second)).unwrap().holds;
        holds
            .into_iter()
            .map(|hold| format!("{} {} {}", hold.machine, hold.by, hold.reason))
            .collect::<Vec<_>>()
    };
    let first = ["m1 anna boards are swapped", "m2 anna boards are swapped"];
    assert_eq!(held(49), [&first[..], &["m2 bert hot", "m3 bert hot"]].concat());
    assert_eq!(held(50), first, "a hold ends by itself");
    assert!(book.release(&names(&["m3", "m9"]), at(60), by("carl", "")).unwrap().is_empty());
    assert_eq!(book.release(&names(&["m2", "m9"]), at(61), by("carl", "done")).unwrap(), ["m2"]);
    assert_eq!(held(62), first[..1]);
    assert_eq!(book.in_force_then(at(30)).unwrap().holds.len(), 4, "as it was then");
    let told: Vec<_> = book.audit_entries(10).unwrap().into_iter().rev().collect();
    let told: Vec<_> =
        told.iter().map(|of| [&*of.who, &*of.what, &*of.subject, &*of.why].join("; ")).collect();
    assert_eq!(
        told,
        [
            "anna; machines held; m1, m2; until released: boards are swapped",
            "bert; machines held; m2, m3; until 2022-10-02T18:00:50Z: hot",
            "carl; machines released; m2; done",
        ]
    );
}

#[test]
fn generations_are_never_handed_out_twice() {
    let folder = folder();
    let first = open(folder.path()).reserve_generations(1_000).unwrap();
    let second = open(folder.path()).reserve_generations(5).unwrap();
    assert_eq!((first.start, first.end), (1, 1_001));
    assert_eq!((second.start, second.end), (1_001, 1_006));
}

#[test]
fn a_second_process_is_told_who_has_it() {
    let folder = folder();
    let _book = open(folder.path());
    let error = Book::open(&folder.path().join("book.sqlite")).unwrap_err();
    assert!(matches!(error, BookError::InUse { pid: Some(pid), .. } if pid == std::process::id()), "{error}");
}

#[test]
fn what_is_not_a_book_is_left_alone() {
    let folder = folder();
    let path = folder.path().join("book.sqlite");
    std::fs::write(&path, vec![7_u8; 5_000]).unwrap();
    assert!(matches!(Book::open(&path), Err(BookError::Damaged { .. })));
    assert_eq!(std::fs::read(&path).unwrap(), vec![7_u8; 5_000]);

    let foreign = folder.path().join("foreign.sqlite");
    rusqlite_table(&foreign, "CREATE TABLE song (title TEXT)");
    assert!(matches!(Book::open(&foreign), Err(BookError::Foreign(_))));

    let newer = folder.path().join("newer.sqlite");
    drop(Book::open(&newer).unwrap());
    rusqlite_table(&newer, "PRAGMA user_version = 99");
    assert!(matches!(Book::open(&newer), Err(BookError::Newer { found: 99, .. })));
}

fn rusqlite_table(path: &Path, statement: &str) {
    rusqlite::Connection::open(path).unwrap().execute_batch(statement).unwrap();
}

#[test]
fn a_start_is_on_disk_before_it_is_sent() {
    let folder = folder();
    let book = Arc::new(open(folder.path()));
    let recorder = Recorder::start(Arc::clone(&book));
    let (sent, seen) = std::sync::mpsc::channel();
    for generation in 1..=50 {
        let (book, sent) = (Arc::clone(&book), sent.clone());
        let then = move || sent.send(book.command_state(generation).unwrap()).unwrap();
        let written = recorder.write(Entry {
            changes: vec![change(generation, "m1", "issued")],
            verdicts: Vec::new(),
            summary: None,
            counts: Counts::default(),
            then: Box::new(then),
        });
        assert!(written);
    }
    drop((recorder, sent));
    let states: Vec<_> = seen.iter().collect();
    assert_eq!(states, vec![Some("issued".to_owned()); 50]);
    assert_eq!(book.machines().unwrap()["m1"].started_at, Some(at(0)));
}

#[test]
fn what_the_meters_say_is_kept_and_an_older_book_comes_to_have_a_place_for_it() {
    let folder = folder();
    let path = folder.path().join("book.sqlite");
    drop(open(folder.path()));
    // As the version before wrote it.
    let since = "DROP TABLE machine_position; DROP TABLE custody; DROP TABLE signal; DROP TABLE plan_summary;
        DROP TABLE contract; DROP TABLE session; DROP TABLE api_token; DROP TABLE setup_link; DROP TABLE person;
        DROP TABLE audit; DROP TABLE audit_checkpoint; DROP INDEX command_at; DROP INDEX command_generation;
        ALTER TABLE stop DROP COLUMN by; ALTER TABLE stop DROP COLUMN lifted_by;
        ALTER TABLE command_order DROP COLUMN lifted_by; ALTER TABLE command_order DROP COLUMN mean_min;
        ALTER TABLE command_order DROP COLUMN holds; ALTER TABLE command_order DROP COLUMN by;
        ALTER TABLE command_order DROP COLUMN reason; DROP TABLE once;
        DROP TABLE owner_served; DROP TABLE machine_hold; DROP TABLE budget_use; DROP TABLE billing_peak;";
    rusqlite_table(&path, since);
    rusqlite_table(&path, "DROP TABLE meter_verdict; PRAGMA user_version = 1");
    let book = open(folder.path());
    let verdict = |measured| MeterVerdict {
        circuit: "grid".into(),
        since: at(1),
        until: at(60),
        commands: 30,
        confirmed: 29,
        least: Power::from_watts(-90_000),
        most: Power::from_watts(-87_000),
        measured,
        tolerance: Power::from_watts(4_000),
        says: "agrees".into(),
    };
    let (first, second) = (verdict(Some(Power::from_watts(-88_000))), verdict(None));
    book.record(&[], std::slice::from_ref(&first)).unwrap();
    book.record(&[], std::slice::from_ref(&second)).unwrap();
    assert_eq!(book.verdicts(10).unwrap(), [second.clone(), first]);
    assert_eq!(book.verdicts(1).unwrap(), [second]);
}
