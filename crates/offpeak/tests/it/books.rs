//! The book from the command line: its audit chain, a copy, the way back.

use std::path::Path;

use jiff::Timestamp;
use offpeak_store::Book;

use super::{code, json, run, stderr, stdout};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_664_733_600 + second).unwrap()
}

fn written(dir: &Path) -> Book {
    std::fs::create_dir_all(dir).unwrap();
    let book = Book::open(&dir.join("book.sqlite")).unwrap();
    book.stop("grid", at(0), "storm", "anna").unwrap();
    book.resume(None, at(1), "bert").unwrap();
    book.sign_checkpoint(at(2)).unwrap();
    book
}

#[test]
fn an_audit_chain_is_verified_while_it_is_written_and_a_change_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let site = dir.path().join("offpeak-data/small");
    let book = written(&site);
    let output = run(dir.path(), &["audit", "verify"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(stdout(&output).starts_with("the audit chain holds: 2 entries"), "{}", stdout(&output));
    let verdict = json(&run(dir.path(), &["audit", "verify", "--json"]));
    assert_eq!((&verdict["holds"], &verdict["signed_up_to"]), (&true.into(), &2.into()));
    let shown = json(&run(dir.path(), &["audit", "show", "--json"]));
    assert_eq!((&shown[0]["who"], &shown[0]["why"]), (&"anna".into(), &"storm".into()));

    let other = run(dir.path(), &["audit", "verify", "--key", &"7".repeat(64)]);
    assert_eq!(code(&other), 7);
    assert!(stderr(&other).contains("entry 2 is signed by"), "{}", stderr(&other));

    drop(book);
    let connection = rusqlite::Connection::open(site.join("book.sqlite")).unwrap();
    connection
        .execute_batch("DROP TRIGGER audit_stays; UPDATE audit SET why = 'calm' WHERE seq = 1")
        .unwrap();
    drop(connection);
    let output = run(dir.path(), &["audit", "verify", "--dir", site.to_str().unwrap()]);
    assert_eq!(code(&output), 7);
    assert!(stderr(&output).contains("entry 1 is not what was written"), "{}", stderr(&output));
}

#[test]
fn a_copy_is_made_while_the_book_is_open_and_put_back_when_it_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let site = dir.path().join("site");
    let site_arg = site.to_str().unwrap();
    let book = written(&site);
    let output = run(dir.path(), &["backup", "copies/", "--dir", site_arg]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let copy = std::fs::read_dir(dir.path().join("copies")).unwrap().next().unwrap().unwrap().path();
    let copy_arg = copy.to_str().unwrap();
    assert_eq!(code(&run(dir.path(), &["backup", copy_arg, "--dir", site_arg])), 1, "never written over");
    assert_eq!(code(&run(dir.path(), &["audit", "verify", "--book", copy_arg])), 0);

    book.stop("hall-1", at(5), "after the copy", "anna").unwrap();
    let refused = run(dir.path(), &["restore", copy_arg, "--dir", site_arg]);
    assert_eq!(code(&refused), 5);
    assert!(stderr(&refused).contains("is open in another process"), "{}", stderr(&refused));
    drop(book);
    let output = run(dir.path(), &["restore", copy_arg, "--dir", site_arg, "--by", "anna"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let book = Book::open(&site.join("book.sqlite")).unwrap();
    assert!(book.in_force(at(9)).unwrap().stops.is_empty());
    let last = book.audit_entries(1).unwrap().remove(0);
    assert_eq!((last.who.as_str(), last.what.as_str()), ("anna", "restore"));
    drop(book);

    std::fs::write(&copy, "no book").unwrap();
    assert_eq!(code(&run(dir.path(), &["restore", copy_arg, "--dir", site_arg])), 1);
    assert!(Book::open(&site.join("book.sqlite")).is_ok(), "what stood there stands");
}
