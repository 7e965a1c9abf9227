//! People, machines' histories, signals, contracts: what is written is read back, and told in the audit chain.

use offpeak_store::{
    ApiToken, Book, ContractEntry, Counts, CustodyEntry, Keep, KeepFrom, Moved, Once, Person, PersonChange,
    PlanSummary, Session, SetupLink, SignalEntry, Standing,
};
use offpeak_units::Power;

use super::{at, change, folder, open};

fn anna() -> Person {
    Person {
        name: "anna".into(),
        role: "manager".into(),
        owner: None,
        password_hash: None,
        disabled: false,
        at: at(0),
    }
}

fn whats(book: &Book) -> Vec<String> {
    let mut entries = book.audit_entries(100).unwrap();
    entries.reverse();
    entries
        .into_iter()
        .map(|entry| format!("{} {} {}: {}", entry.who, entry.what, entry.subject, entry.why))
        .collect()
}

#[test]
fn a_person_signs_in_and_is_signed_out_by_a_new_password() {
    let folder = folder();
    let book = open(folder.path());
    assert!(book.add_person(&anna(), "root").unwrap());
    assert!(!book.add_person(&anna(), "root").unwrap(), "a name is given once");
    let session = Session { person: "anna".into(), at: at(1), expires_at: at(100) };
    book.begin_session(b"hash of a secret", &session).unwrap();
    assert_eq!(book.session(b"hash of a secret", at(99)).unwrap().unwrap().1.role, "manager");
    assert!(book.session(b"hash of a secret", at(100)).unwrap().is_none(), "its time is over");
    assert!(book.session(b"another", at(2)).unwrap().is_none());
    let change = PersonChange { password_hash: Some("$argon2id$..."), ..PersonChange::default() };
    assert!(book.change_person("anna", &change, at(3), "anna").unwrap());
    assert!(book.session(b"hash of a secret", at(4)).unwrap().is_none(), "a new password ends it");
    assert!(!book.change_person("bert", &change, at(3), "anna").unwrap());
    assert!(
        book.begin_session(b"x", &Session { person: "bert".into(), ..session }).is_err(),
        "nobody of that name"
    );
    let told = whats(&book);
    assert_eq!(
        told,
        [
            "root person added anna: role manager",
            "anna signed in anna: ",
            "anna person changed anna: a new password"
        ]
    );
}

#[test]
fn tokens_and_links_end() {
    let folder = folder();
    let book = open(folder.path());
    book.add_person(&anna(), "root").unwrap();
    let token = ApiToken {
        id: 0,
        person: "anna".into(),
        name: "grafana".into(),
        scopes: vec!["read".into(), "orders".into()],
        at: at(0),
        expires_at: Some(at(50)),
        revoked_at: None,
    };
    let id = book.add_token(b"t", &token, "anna").unwrap();
    let (found, person) = book.token(b"t", at(49)).unwrap().unwrap();
    assert_eq!((found.id, found.scopes, person.name), (id, token.scopes, "anna".to_owned()));
    assert!(book.token(b"t", at(50)).unwrap().is_none());
    assert!(book.revoke_token(id, at(5), "anna").unwrap());
    assert!(!book.revoke_token(id, at(5), "anna").unwrap());
    assert!(book.token(b"t", at(6)).unwrap().is_none());
    assert_eq!(book.tokens().unwrap()[0].revoked_at, Some(at(5)));

    let link = SetupLink { person: "bert".into(), role: "operator".into(), owner: None, expires_at: at(60) };
    book.add_setup_link(b"l", &link, at(0), "anna").unwrap();
    assert_eq!(book.use_setup_link(b"l", "hash", at(60)).unwrap(), None, "too late");
    let bert = book.use_setup_link(b"l", "hash", at(59)).unwrap().unwrap();
    assert_eq!((bert.role.as_str(), bert.password_hash.as_deref()), ("operator", Some("hash")));
    assert_eq!(book.use_setup_link(b"l", "other", at(59)).unwrap(), None, "used once");
    let off = PersonChange { disabled: Some(true), ..PersonChange::default() };
    book.change_person("bert", &off, at(61), "anna").unwrap();
    assert_eq!(book.people().unwrap().iter().filter(|person| person.disabled).count(), 1);
}

#[test]
fn only_the_last_link_of_a_person_opens_something() {
    let folder = folder();
    let book = open(folder.path());
    let link = |person: &str| SetupLink {
        person: person.into(),
        role: "operator".into(),
        owner: None,
        expires_at: at(60),
    };
    let opens = |hash: &[u8]| book.setup_link(hash, at(9)).unwrap().is_some();
    book.add_setup_link(b"other's", &link("carl"), at(0), "anna").unwrap();
    book.add_setup_link(b"first", &link("bert"), at(1), "anna").unwrap();
    book.add_setup_link(b"second", &link("bert"), at(2), "anna").unwrap();
    assert!(!opens(b"first") && opens(b"second"), "a newer one takes its place");
    assert_eq!(book.use_setup_link(b"first", "hash", at(3)).unwrap(), None);
    assert!(book.use_setup_link(b"second", "hash", at(3)).unwrap().is_some());

    book.add_setup_link(b"third", &link("bert"), at(4), "anna").unwrap();
    let off = PersonChange { disabled: Some(true), ..PersonChange::default() };
    book.change_person("bert", &off, at(5), "anna").unwrap();
    assert!(!opens(b"third"), "who is disabled has none");
    let on = PersonChange { disabled: Some(false), ..PersonChange::default() };
    book.change_person("bert", &on, at(6), "anna").unwrap();
    assert!(!opens(b"third"), "nor gets it back");

    book.add_setup_link(b"fourth", &link("bert"), at(7), "anna").unwrap();
    let known = PersonChange { password_hash: Some("hash"), ..PersonChange::default() };
    book.change_person("bert", &known, at(8), "bert").unwrap();
    assert!(!opens(b"fourth"), "who set a new password has no use for it");
    assert!(opens(b"other's"), "others' links stand");
}

#[test]
fn a_position_keeps_its_history() {
    let folder = folder();
    let book = open(folder.path());
    let standing = |machine: &str, owner: &str, serial: Option<&str>| Standing {
        machine: machine.into(),
        model: "m30s".into(),
        owner: owner.into(),
        serial: serial.map(str::to_owned),
        mac: None,
    };
    let first = [standing("r1/1", "anna", Some("S1")), standing("r1/2", "bert", None)];
    assert_eq!(book.note_positions(&first, at(0), "site file").unwrap(), Moved { begun: 2, ended: 0 });
    assert_eq!(book.note_positions(&first, at(1), "site file").unwrap(), Moved::default());
    // Not knowing a serial is no news; another owner is, and so is an empty place.
    let later = [standing("r1/1", "carl", None)];
    assert_eq!(book.note_positions(&later, at(2), "site file").unwrap(), Moved { begun: 1, ended: 2 });
    let stays = book.positions(Some("r1/1")).unwrap();
    assert_eq!(stays.len(), 2);
    assert_eq!((stays[0].from, stays[0].until), (at(0), Some(at(2))));
    assert_eq!((stays[1].what.owner.as_str(), stays[1].until), ("carl", None));
    assert_eq!(book.positions(None).unwrap().len(), 3);
    let whose =
        |second| ["anna", "carl"].map(|owner| stays.iter().any(|stay| stay.was_of(owner, at(second))));
    assert_eq!([0, 1, 2, 3].map(whose), [[true, false], [true, false], [false, true], [false, true]]);

    let entry = |event: &str, second| CustodyEntry {
        serial: "S1".into(),
        event: event.into(),
        owner: "anna".into(),
        by: "dock".into(),
        note: "two photos".into(),
        at: at(second),
    };
    let course = [entry("arrived", 0), entry("departed", 9)];
    for entry in &course {
        book.note_custody(entry).unwrap();
    }
    assert_eq!(book.custody("S1").unwrap(), course);
    assert_eq!(book.custody("S2").unwrap(), []);
}

#[test]
fn signals_plans_and_contracts_are_kept_and_commands_forgotten_whole() {
    let folder = folder();
    let book = open(folder.path());
    let signal = SignalEntry {
        at: at(0),
        source: "grid operator".into(),
        kind: "limit".into(),
        circuit: Some("grid".into()),
        body: "{\"kw\":0}".into(),
        outcome: "order 1".into(),
    };
    book.note_signal(&signal).unwrap();
    assert_eq!(book.signals(10).unwrap(), [signal]);

    let summary = |second| PlanSummary {
        at: at(second),
        limit: Some(Power::ZERO),
        source: "contract".into(),
        measured: None,
        expected: Power::from_watts(9),
        running: 1,
        rising: 2,
        falling: 3,
        asleep: 4,
        other: 5,
        commands: 6,
        vetoes: 7,
    };
    for second in [0, 60] {
        book.record_with(&[], &[], Some(&summary(second)), &Counts::default()).unwrap();
    }
    assert_eq!(book.plan_summaries(at(0), 10).unwrap(), [summary(0), summary(60)]);

    let contract = |version| ContractEntry {
        id: "hosting-1".into(),
        version,
        party: "bert".into(),
        from: at(0),
        until: None,
        terms: "price_kwh = \"12\"".into(),
        at: at(0),
        by: "anna".into(),
    };
    assert_eq!(book.add_contract(&contract(0)).unwrap(), 1);
    assert_eq!(book.add_contract(&contract(0)).unwrap(), 2);
    assert_eq!(book.contracts().unwrap(), [contract(1), contract(2)]);

    let dated = |generation, state, second: i64| offpeak_store::Change {
        at: at(second),
        ..change(generation, "m1", state)
    };
    let changes =
        [dated(1, "issued", 0), dated(1, "confirmed", 1), dated(2, "issued", 2), dated(2, "confirmed", 20)];
    book.record(&changes, &[]).unwrap();
    let keep = KeepFrom { commands: Some(at(10)), plans: Some(at(60)), signals: Some(at(60)) };
    // Two changes of command 1, a plan and the signal; command 2 was still young at its end.
    assert_eq!(book.forget(&keep).unwrap(), 4);
    assert_eq!(book.command_state(1).unwrap(), None);
    assert_eq!(book.command_changes().unwrap(), 2);
    assert_eq!(book.plan_summaries(at(0), 10).unwrap(), [summary(60)]);
    assert_eq!(book.forget(&KeepFrom::default()).unwrap(), 0, "nothing is named, nothing goes");
}

#[test]
fn of_each_caller_the_last_requests_are_known_for_a_while() {
    let folder = folder();
    let book = open(folder.path());
    let begin = |who: &str, key: &str, second: i64, from: i64| {
        let keep = Keep { from: at(from), most: 2 };
        book.begin_once(who, key, b"hash", at(second), keep).unwrap()
    };
    let done = Once::Done { status: 200, body: "yes".into() };
    for (second, key) in ["a", "b", "c", "d"].into_iter().enumerate() {
        assert_eq!(begin("anna", key, second as i64, 0), Once::New);
        book.end_once("anna", key, Some((200, "yes"))).unwrap();
    }
    assert_eq!(begin("berik", "a", 4, 0), Once::New, "another's key is another key");
    assert_eq!(begin("anna", "d", 5, 0), done);
    assert_eq!(begin("anna", "c", 5, 0), done);
    assert_eq!(begin("anna", "a", 5, 0), Once::New, "two are known beside the one that begins");
    assert_eq!(begin("berik", "a", 6, 5), Once::New, "it was too old");
}
