//! A site file from afar: what is told of a text, what is written, and what is opened for nobody.

use std::sync::Arc;

use offpeak_drivers::clock::Clock;
use offpeak_drivers::fronts::{Addressing, Fronts, Layout};
use offpeak_server::{SiteHandle as _, Stopped};
use offpeak_store::Book;
use offpeak_twin::{Plant, Scenario};

use super::super::live::Shared;
use super::super::plant_io::Wire;
use super::*;

const BY: By<'_> = By { who: "anna", why: "the transformer is smaller" };

/// The small example site with its file in a folder, as if it had been started with it.
fn answers(dir: &Path) -> Answers {
    let text =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../sites/small.toml")).unwrap();
    let path = dir.join("small.toml");
    std::fs::write(&path, &text).unwrap();
    let mut site = offpeak_site::file::load("small.toml", &text, &|_| None).unwrap();
    let layout = Layout::plan(&site, Addressing::InMemory).unwrap();
    layout.apply(&mut site);
    let site = Arc::new(site);
    let at: Timestamp = "2022-10-03T02:00:00Z".parse().unwrap();
    let plant = Plant::new(Arc::clone(&site), &Scenario::healthy(), 1, at);
    let fronts = Fronts::new(plant, layout, Clock::starting_at(at)).unwrap();
    let wire = Wire { connector: fronts.connector(), clock: fronts.clock(), speed: 1, logins: None };
    let book = Arc::new(Book::open(&dir.join("book.sqlite")).unwrap());
    let shared = Shared::new(site, wire, book, None, None).unwrap();
    Answers::new(shared, 1, "test").with_site_file(SiteFilePlace::at(&path).unwrap())
}

fn errors(answers: &Answers, text: &str) -> String {
    let judged = answers.check_site(text).unwrap();
    assert!(!judged.sound);
    let told = |of: FindingView| format!("{:?} {}", of.line, of.text);
    judged.findings.into_iter().filter(|of| of.severity == "error").map(told).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn a_text_is_judged_as_offpeak_check_does_and_says_which_limits_it_changes() {
    let dir = tempfile::tempdir().unwrap();
    let answers = answers(dir.path());
    let text = answers.site_text().unwrap();
    let same = answers.check_site(&text).unwrap();
    assert!(same.sound && same.limits.is_empty(), "{same:?}");
    assert_eq!((same.machines_before, same.machines_after), (64, Some(64)));

    let smaller = text.replacen("rating_kw = 125", "rating_kw = 110", 1);
    let judged = answers.check_site(&smaller).unwrap();
    let change = judged.limits.iter().find(|change| change.source == "rating").unwrap();
    assert_eq!((&*change.before_kw, &*change.after_kw), (&[125.0][..], &[110.0][..]), "{judged:?}");

    let line = 1 + text.lines().position(|line| line.starts_with("rating_kw = 125")).unwrap();
    let told = errors(&answers, &text.replacen("rating_kw = 125", "rating_kw = \"lots\"", 1));
    assert!(told.contains(&format!("Some({line})")) && told.contains("\"lots\""), "{told}");
    assert_eq!(answers.site_text().unwrap(), text, "nothing is changed by asking");
}

#[tokio::test]
async fn what_is_written_is_sound_kept_noted_and_by_nobody_overwritten_unseen() {
    let dir = tempfile::tempdir().unwrap();
    let answers = answers(dir.path());
    let first = answers.site_text().unwrap();
    let second = first.replacen("rating_kw = 125", "rating_kw = 110", 1);
    let written = answers.write_site(&second, &text_tag(&first), BY).unwrap();
    assert_eq!((&*written.kept_as, written.restart_due), ("small.toml.1", true));
    assert!(answers.site_file.as_ref().unwrap().restart_due());
    assert_eq!(answers.site_text().unwrap(), second);
    assert_eq!(std::fs::read_to_string(dir.path().join("small.toml.1")).unwrap(), first);
    let noted = answers.shared.book.audit_entries(1).unwrap().remove(0);
    assert_eq!((&*noted.who, &*noted.what, &*noted.subject), ("anna", "site file", "small.toml"));
    assert!(
        noted.why.ends_with("the text before is small.toml.1: the transformer is smaller"),
        "{}",
        noted.why
    );

    let late = answers.write_site(&first, &text_tag(&first), BY);
    assert!(matches!(late, Err(HandleError::Changed(_))), "{late:?}");
    let broken = answers.write_site("[site]\n", &text_tag(&second), BY);
    assert!(matches!(&broken, Err(HandleError::Invalid(words)) if words.contains("line")), "{broken:?}");
    assert_eq!(answers.site_text().unwrap(), second, "nothing of both was written");
    let back = answers.write_site(&first, &written.tag, BY).unwrap();
    assert_eq!((&*back.kept_as, back.restart_due), ("small.toml.2", false), "as it runs: nothing is due");
    assert!(!dir.path().join(".small.toml.new").exists());
}

#[tokio::test]
async fn a_text_from_afar_is_no_other_site_forgets_no_order_and_opens_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let answers = answers(dir.path());
    let text = answers.site_text().unwrap();
    let id = answers.site().id.clone();
    let told = errors(&answers, &text.replacen(&format!("id = \"{id}\""), "id = \"other\"", 1));
    assert!(told.contains("another id is another site"), "{told}");
    let told = errors(&answers, &text.replacen("[site]", "[site]\nsecrets = \"mine.toml\"", 1));
    assert!(told.contains("site.secrets names another file"), "{told}");

    let mut site = Site::clone(&answers.site());
    let mut circuits: Vec<_> = site.circuits.iter().map(|(_, circuit)| circuit.clone()).collect();
    circuits.iter_mut().find(|circuit| circuit.id == "hall-2").unwrap().id = "hall-two".into();
    site.circuits = offpeak_site::CircuitTree::new(circuits).unwrap();
    let place = answers.site_file.as_ref().unwrap();
    assert_eq!(answers.misfits(place, &site).unwrap(), Vec::<String>::new());
    answers.shared.book.stop("hall-2", answers.now(), "fans", "anna").unwrap();
    let told = answers.misfits(place, &site).unwrap().join(" ");
    assert!(told.contains("hall-2") && told.contains("lift it first"), "{told}");

    // Neither what stands elsewhere nor what is no table is read, and nothing of it is told.
    let secret = "password-of-the-site";
    std::fs::write(dir.path().join("keys.toml"), secret).unwrap();
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("x.csv"), secret).unwrap();
    std::os::unix::fs::symlink(outside.path().join("x.csv"), dir.path().join("link.csv")).unwrap();
    std::fs::write(dir.path().join("list.csv"), "position\n").unwrap();
    assert!(place.is_table_beside("list.csv"));
    let elsewhere = outside.path().join("x.csv").display().to_string();
    for name in ["keys.toml", "../x.csv", "link.csv", "./keys.toml", "none.csv", &elsewhere] {
        assert!(!place.is_table_beside(name), "{name}");
    }
}

/// Between the writing and the next start nothing is ordered that the next start could not read.
#[tokio::test]
async fn nothing_lasting_is_ordered_on_a_circuit_that_the_next_start_has_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let answers = answers(dir.path());
    let by = By { who: "anna", why: "another transformer" };
    let text = answers.site_text().unwrap();
    let next = text.replace("transformer-1", "transformer-2");
    let written = answers.write_site(&next, &text_tag(&text), by).unwrap();
    assert!(written.restart_due);
    for refused in [
        answers.lockout("transformer-1", "berik", by).unwrap_err(),
        answers.order("transformer-1 to 5 kW", "wish", by).map(drop).unwrap_err(),
    ] {
        assert!(
            matches!(&refused, HandleError::Invalid(why) if why.contains("has no `transformer-1`")),
            "{refused}"
        );
    }
    answers.lockout("hall-1", "berik", by).unwrap();

    // A stop is never refused: it ends with this start, and says so.
    let stopped = answers.stop(Some("transformer-1"), by).unwrap();
    assert!(
        matches!(&stopped, Stopped::InMemory(why) if why.contains("has no `transformer-1`")),
        "{stopped:?}"
    );
    assert_eq!(answers.directives().stops.len(), 1);
    let loaded = offpeak_site::file::load("small.toml", &next, &|_| None).unwrap();
    let in_force = answers.shared.book.in_force(answers.now()).unwrap();
    assert_eq!(live::directives(&loaded, in_force).unwrap().lockouts.len(), 1, "the next start reads it");
    assert_eq!(answers.resume(Some("transformer-1"), by).unwrap(), 1);
    assert!(answers.directives().stops.is_empty());

    answers.write_site(&text, &written.tag, by).unwrap();
    answers.lockout("transformer-1", "berik", by).unwrap();
}

/// What the book will get later must be readable by the next start, too; and what is refused leaves no trace.
#[tokio::test]
async fn a_stop_that_waits_for_the_book_keeps_its_circuit_in_the_site_file() {
    let dir = tempfile::tempdir().unwrap();
    let answers = answers(dir.path());
    let text = answers.site_text().unwrap();
    let beside = rusqlite::Connection::open(answers.shared.book.path()).unwrap();
    let full = "CREATE TRIGGER full BEFORE INSERT ON stop BEGIN SELECT RAISE(ABORT, 'disk is full'); END";
    beside.execute_batch(full).unwrap();
    let stopped = answers.stop(Some("transformer-1"), BY).unwrap();
    assert!(matches!(stopped, Stopped::InMemory(_)), "{stopped:?}");
    let next = text.replace("transformer-1", "transformer-2");
    let refused = answers.write_site(&next, &text_tag(&text), BY).unwrap_err();
    assert!(refused.to_string().contains("is still to be written to the book"), "{refused}");
    assert_eq!(answers.site_text().unwrap(), text);
    let entries = answers.shared.book.audit_entries(100).unwrap();
    assert!(!entries.iter().any(|entry| entry.what == "site file"), "nothing is noted as done");

    beside.execute_batch("DROP TRIGGER full").unwrap();
    answers.lockout("transformer-1", "berik", BY).unwrap();
    answers.lift_lockout("transformer-1", "berik", true, BY).unwrap();
    assert_eq!(answers.resume(Some("transformer-1"), BY).unwrap(), 1);
    answers.write_site(&next, &text_tag(&text), BY).unwrap();
}
