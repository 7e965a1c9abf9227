//! Copies while it is written, the way back, and what a disk can do to a book.

use std::fs::{self, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use offpeak_store::{BackupError, Book, BookError, back_up, restore};

use super::{at, change, folder, open};

#[test]
fn a_copy_made_under_load_holds_everything_acknowledged_before_it() {
    let folder = folder();
    let book = Arc::new(open(folder.path()));
    let (done, written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let writer = {
        let (book, done, written) = (Arc::clone(&book), Arc::clone(&done), Arc::clone(&written));
        std::thread::spawn(move || {
            let mut n = 0;
            while !done.load(Ordering::Relaxed) {
                n += 1;
                book.stop(&format!("c{n}"), at(n), "load", "anna").unwrap();
                written.store(n.cast_unsigned(), Ordering::Release);
            }
        })
    };
    for round in 0..5 {
        while written.load(Ordering::Acquire) < round * 20 + 10 {
            std::thread::yield_now();
        }
        let before = written.load(Ordering::Acquire);
        let target = folder.path().join(format!("copy-{round}"));
        let copied = back_up(book.path(), &target).unwrap();
        assert!(copied.audit.entries >= before, "{} of {before}", copied.audit.entries);
        assert!(copied.bytes > 0);
        assert!(matches!(back_up(book.path(), &target), Err(BackupError::Exists(_))));
    }
    done.store(true, Ordering::Relaxed);
    writer.join().unwrap();
    assert!(!fs::read_dir(folder.path()).unwrap().any(|entry| entry.unwrap().path().ends_with(".part")));
}

#[test]
fn a_restore_brings_back_the_copy_and_no_generation_twice() {
    let folder = folder();
    let path = folder.path().join("book.sqlite");
    let copy = folder.path().join("copy");
    let book = open(folder.path());
    book.stop("grid", at(0), "storm", "anna").unwrap();
    let given = book.reserve_generations(10).unwrap();
    back_up(&path, &copy).unwrap();
    // After the copy: lost with the restore, but its generations are not given again.
    book.stop("hall-1", at(1), "later", "anna").unwrap();
    let later = book.reserve_generations(1_000_000).unwrap();
    assert!(matches!(restore(&copy, &path, at(2), "anna"), Err(BackupError::Book(BookError::InUse { .. }))));
    drop(book);
    let restored = restore(&copy, &path, at(2), "anna").unwrap();
    let book = open(folder.path());
    let stops = book.in_force(at(3)).unwrap().stops;
    assert_eq!(stops.iter().map(|stop| stop.circuit.as_str()).collect::<Vec<_>>(), ["grid"]);
    let next = book.reserve_generations(1).unwrap().start;
    assert!(next >= later.end && next > given.end);
    assert!(book.verify_audit(None).unwrap().is_ok());
    assert_eq!(book.audit_entries(1).unwrap()[0].what, "restore");
    drop(book);
    // The book that stood there was moved, whole.
    let aside = Book::open(&restored.aside.unwrap()).unwrap();
    assert_eq!(aside.in_force(at(3)).unwrap().stops.len(), 2);
}

#[test]
fn a_damaged_copy_is_refused_and_the_book_stays() {
    let folder = folder();
    let (path, copy) = (folder.path().join("book.sqlite"), folder.path().join("copy"));
    let book = open(folder.path());
    for n in 0..500 {
        book.stop(&format!("c{n}"), at(n), "storm", "anna").unwrap();
    }
    back_up(&path, &copy).unwrap();
    drop(book);
    let whole = fs::read(&copy).unwrap();
    let mut garbled = whole.clone();
    for byte in garbled.iter_mut().skip(whole.len() / 2).take(3_000) {
        *byte ^= 0x5A;
    }
    let bad = folder.path().join("bad");
    for bytes in
        [&garbled[..], &whole[..whole.len() / 2], b"", b"no database at all, but long enough to be one"]
    {
        fs::write(&bad, bytes).unwrap();
        assert!(restore(&bad, &path, at(600), "anna").is_err(), "{} bytes", bytes.len());
    }
    assert_eq!(open(folder.path()).in_force(at(600)).unwrap().stops.len(), 500);
}

/// What a crash leaves: the book's files as they stood at some moment, without the process that wrote them.
fn crashed(folder: &Path, name: &str) -> PathBuf {
    let into = folder.join(name);
    fs::create_dir(&into).unwrap();
    for file in ["book.sqlite", "book.sqlite-wal", "audit.key", "audit.pub"] {
        fs::copy(folder.join(file), into.join(file)).unwrap();
    }
    fs::set_permissions(into.join("audit.key"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    into
}

/// A write that the disk did not finish: the last page of the log is torn at every kind of place. What was
/// acknowledged before it is there; the torn transaction is wholly gone or wholly there.
#[test]
fn a_torn_last_page_costs_at_most_the_write_that_was_under_way() {
    let folder = folder();
    let book = open(folder.path());
    for n in 0..40 {
        book.stop(&format!("c{n}"), at(n), "storm", "anna").unwrap();
    }
    let acknowledged = fs::metadata(folder.path().join("book.sqlite-wal")).unwrap().len();
    book.stop("last", at(50), "torn", "anna").unwrap();
    let full = fs::metadata(folder.path().join("book.sqlite-wal")).unwrap().len();
    assert!(full > acknowledged);
    let mut cut_whole = 0;
    for (place, tear) in (0..24).enumerate() {
        let into = crashed(folder.path(), &format!("crash-{place}"));
        let at_byte = acknowledged + (full - acknowledged) * tear / 24;
        let wal = OpenOptions::new().write(true).open(into.join("book.sqlite-wal")).unwrap();
        if tear % 2 == 0 {
            wal.set_len(at_byte).unwrap();
        } else {
            // The file has its length, but the end was never written.
            let mut wal = wal;
            wal.seek(SeekFrom::Start(at_byte)).unwrap();
            wal.write_all(&vec![0; usize::try_from(full - at_byte).unwrap()]).unwrap();
        }
        let book = open(&into);
        let stops = book.in_force(at(60)).unwrap().stops;
        assert!(stops.len() == 40 || stops.len() == 41, "{} stops with a tear at {at_byte}", stops.len());
        assert_eq!(book.verify_audit(None).unwrap().unwrap().entries, stops.len() as u64);
        cut_whole += usize::from(stops.len() == 40);
    }
    assert_eq!(cut_whole, 24, "none of them was complete");
}

const FULL: &str = "OFFPEAK_TEST_FULL_DISK";
const NAME: &str = "backup::the_writer_on_a_full_disk";

/// Runs only as the child of the test below: writes until the disk is full, then looks.
#[test]
fn the_writer_on_a_full_disk() {
    let Some(folder) = std::env::var_os(FULL).map(PathBuf::from) else { return };
    let book = open(&folder);
    let mut written = 0;
    let error = loop {
        match book.record(&vec![change(written + 1, "m1", "issued"); 100], &[]) {
            Ok(()) => written += 1,
            Err(error) => break error,
        }
        assert!(written < 100_000, "the disk never filled up");
    };
    assert!(matches!(error, BookError::Statement(_)), "{error}");
    assert!(written > 3, "{written} batches");
    // Nothing acknowledged is lost, the failed batch is wholly gone, and it can still be read.
    assert_eq!(book.command_changes().unwrap(), written * 100);
    assert!(book.verify_audit(None).unwrap().is_ok());
    drop(book);
    let book = open(&folder);
    assert_eq!(book.command_changes().unwrap(), written * 100);
    // Room comes back: it goes on.
    fs::remove_file(folder.join("ballast")).unwrap();
    book.record(&[change(1_000_000, "m1", "issued")], &[]).unwrap();
    assert_eq!(book.command_changes().unwrap(), written * 100 + 1);
}

/// On a file system of 2 MB, mounted in a name space of its own. Where the system lets nobody mount, the test says so
/// and does nothing.
#[test]
fn a_full_disk_loses_nothing_and_goes_on_when_there_is_room() {
    let folder = folder();
    let test = std::env::current_exe().unwrap();
    let test = test.display();
    let fill = format!("head -c 1000000 /dev/zero > \"${FULL}/ballast\"");
    let run = format!("{fill} && exec '{test}' --exact {NAME}");
    let mounted = format!("mount -t tmpfs -o size=2m none \"${FULL}\" && {run}");
    let possible = Command::new("unshare").args(["-rm", "mount", "-t", "tmpfs", "none", "/mnt"]).output();
    let mut command = if possible.is_ok_and(|tried| tried.status.success()) {
        let mut command = Command::new("unshare");
        command.args(["-rm", "sh", "-c", &mounted]);
        command
    } else {
        eprintln!("nothing can be mounted here: not tested on a full file system");
        return;
    };
    let done = command.env(FULL, folder.path()).output().unwrap();
    assert!(
        done.status.success(),
        "{}{}",
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
}
