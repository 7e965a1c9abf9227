//! The audit chain: what is changed afterwards is found, and named.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use offpeak_store::{AuditFault, Book, BookError, Deed, hex, key_from_hex, public_key_path, verify_audit};

use super::{at, folder, open, rusqlite_table};

fn written(folder: &Path) -> std::path::PathBuf {
    let book = open(folder);
    book.stop("grid", at(0), "storm", "anna").unwrap();
    book.resume(None, at(1), "bert").unwrap();
    book.set_authority("hall-1", true, at(2), "anna").unwrap();
    book.sign_checkpoint(at(3)).unwrap();
    book.sign_checkpoint(at(4)).unwrap();
    book.note(at(5), &Deed { who: "carl", what: "note", subject: "x", why: "y" }).unwrap();
    book.path().to_owned()
}

/// Past the triggers that keep an honest program from it.
fn tamper(path: &Path, statement: &str) {
    let triggers =
        "DROP TRIGGER audit_stays; DROP TRIGGER audit_remains; DROP TRIGGER audit_checkpoint_stays;
        DROP TRIGGER audit_checkpoint_remains;";
    rusqlite_table(path, &format!("{triggers} {statement}"));
}

fn fault_after(statement: &str) -> AuditFault {
    let folder = folder();
    let path = written(folder.path());
    tamper(&path, statement);
    verify_audit(&path, None).unwrap().unwrap_err()
}

#[test]
fn deeds_of_a_kind_are_read_page_by_page() {
    let folder = folder();
    let book = Book::open(&written(folder.path())).unwrap();
    let page = |whats: &[&str], before, most| {
        let found = book.deeds(whats, before, most).unwrap();
        found.into_iter().map(|of| (of.seq, of.what)).collect::<Vec<_>>()
    };
    let (stop, resume) = ((1, "stop".to_owned()), (2, "resume".to_owned()));
    assert_eq!(page(&["stop", "resume", "order"], None, 9), [resume.clone(), stop.clone()]);
    assert_eq!(page(&["stop", "resume"], None, 1), [resume]);
    assert_eq!(page(&["stop", "resume"], Some(2), 9), [stop]);
    assert_eq!(page(&["stop", "resume"], Some(1), 9), []);
    assert_eq!(page(&["authority' OR '1' = '1"], None, 9), [], "a name is a value");
    let all = |before, most| {
        let found = book.audit_page(before, most).unwrap();
        found.into_iter().map(|entry| entry.seq).collect::<Vec<_>>()
    };
    assert_eq!((all(None, 3), all(Some(2), 3), all(Some(1), 3)), (vec![4, 3, 2], vec![1], vec![]));
}

#[test]
fn a_chain_holds_and_says_how_far_it_is_signed() {
    let folder = folder();
    let path = written(folder.path());
    let public = std::fs::read_to_string(public_key_path(&path)).unwrap();
    let key = key_from_hex(&public).unwrap();
    let sound = verify_audit(&path, Some(key)).unwrap().unwrap();
    assert_eq!((sound.entries, sound.checkpoints, sound.signed_up_to), (4, 1, 3), "a head is signed once");
    assert_eq!(sound.keys, [key]);
    let other = verify_audit(&path, Some([7; 32])).unwrap().unwrap_err();
    assert_eq!(other, AuditFault::Key(3, hex(&key)));
    let mode = std::fs::metadata(folder.path().join("audit.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn every_mistake_is_named() {
    assert_eq!(fault_after("UPDATE audit SET why = 'calm' WHERE seq = 1"), AuditFault::Entry(1));
    assert_eq!(fault_after("UPDATE audit SET who = 'ann' || 'e' WHERE seq = 3"), AuditFault::Entry(3));
    assert_eq!(fault_after("DELETE FROM audit WHERE seq = 2"), AuditFault::Missing(2));
    assert_eq!(
        fault_after("DELETE FROM audit WHERE seq > 2"),
        AuditFault::Missing(3),
        "a checkpoint knew of it"
    );
    assert_eq!(fault_after("UPDATE audit SET hash = zeroblob(32) WHERE seq = 4"), AuditFault::Entry(4));
    assert_eq!(fault_after("UPDATE audit_checkpoint SET hash = zeroblob(32)"), AuditFault::Checkpoint(3));
    assert!(matches!(
        fault_after("UPDATE audit_checkpoint SET signature = zeroblob(64)"),
        AuditFault::Signature(3, _)
    ));
    assert!(matches!(
        fault_after("UPDATE audit_checkpoint SET at = '2020-01-01T00:00:00Z'"),
        AuditFault::Signature(3, _)
    ));
}

#[test]
fn an_honest_program_cannot_change_an_entry() {
    let folder = folder();
    let path = written(folder.path());
    let connection = rusqlite::Connection::open(&path).unwrap();
    for statement in ["UPDATE audit SET who = 'x'", "DELETE FROM audit", "DELETE FROM audit_checkpoint"] {
        assert!(connection.execute(statement, []).is_err(), "{statement}");
    }
}

#[test]
fn the_key_is_refused_when_others_can_read_it() {
    let folder = folder();
    written(folder.path());
    let key = folder.path().join("audit.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o640)).unwrap();
    let path = folder.path().join("book.sqlite");
    assert!(matches!(Book::open(&path), Err(BookError::OpenKey(_))));
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(&key, "nothing").unwrap();
    assert!(matches!(Book::open(&path), Err(BookError::BadKey(_))));
}

#[test]
fn a_hundred_entries_are_signed_by_themselves() {
    let folder = folder();
    let book = open(folder.path());
    for n in 0..250 {
        book.stop("grid", at(n), "again", "anna").unwrap();
    }
    let sound = book.verify_audit(None).unwrap().unwrap();
    assert_eq!((sound.entries, sound.checkpoints, sound.signed_up_to), (250, 2, 200));
}
