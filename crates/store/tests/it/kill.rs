//! A process that writes and is killed at some moment; an outside witness knows what it acknowledged.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use offpeak_store::Book;

use super::{at, change, folder};

const BOOK: &str = "OFFPEAK_TEST_KILLED_BOOK";
const NAME: &str = "kill::the_writer_that_is_killed";

/// Runs only as the child of the test below: writes for ever and says what is on disk.
#[test]
fn the_writer_that_is_killed() {
    let Some(path) = std::env::var_os(BOOK).map(PathBuf::from) else { return };
    let book = Book::open(&path).unwrap();
    let mut out = std::io::stdout().lock();
    loop {
        let generations = book.reserve_generations(3).unwrap();
        book.record(
            &[change(generations.start, "m1", "issued"), change(generations.start + 1, "m2", "issued")],
            &[],
        )
        .unwrap();
        book.stop(&format!("c{}", generations.start), at(0), "kill test", "test").unwrap();
        writeln!(out, "\nACK {}", generations.start).unwrap();
        out.flush().unwrap();
    }
}

/// SplitMix64 (Steele, Lea and Flood 2014) as a hash.
fn noise(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Kills the writer after so many acknowledgements and a moment more, spent spinning, and looks.
fn kill_after(path: &std::path::Path, acknowledgements: usize, moment: u64) -> Vec<u64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", NAME, "--nocapture"])
        .env(BOOK, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut acknowledged = Vec::new();
    let take = |line: Option<std::io::Result<String>>| {
        line.map(|line| line.unwrap().strip_prefix("ACK ").and_then(|number| number.parse::<u64>().ok()))
    };
    while acknowledged.len() < acknowledgements {
        acknowledged.extend(take(lines.next()).expect("the writer writes until it is killed"));
    }
    // Some microseconds to some milliseconds: a write of the writer takes about as long.
    for turn in 0..moment {
        std::hint::black_box(turn);
        std::hint::spin_loop();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // What it said between our last look and its end counts as well.
    while let Some(number) = take(lines.next()) {
        acknowledged.extend(number);
    }
    acknowledged
}

#[test]
fn nothing_acknowledged_is_lost() {
    let folder = folder();
    let path = folder.path().join("book.sqlite");
    let mut highest = 0;
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let (rounds, seed) = (number("OFFPEAK_KILLS").unwrap_or(30), number("OFFPEAK_SEED").unwrap_or(1));
    println!("{rounds} kills; again with OFFPEAK_SEED={seed} OFFPEAK_KILLS={rounds}");
    for round in 0..rounds {
        let bits = noise(seed << 32 | round);
        let acknowledged = kill_after(&path, 1 + (bits % 40) as usize, (bits >> 8) % 100_000);
        let book = Book::open(&path).unwrap();
        let stops = book.in_force(at(0)).unwrap().stops;
        for generation in &acknowledged {
            assert!(*generation > highest, "generation {generation} was handed out before");
            assert_eq!(book.command_state(*generation).unwrap().as_deref(), Some("issued"));
            assert_eq!(book.command_state(*generation + 1).unwrap().as_deref(), Some("issued"));
            assert!(stops.iter().any(|stop| stop.circuit == format!("c{generation}")));
        }
        highest = acknowledged.into_iter().max().unwrap();
        book.verify_audit(None).unwrap().unwrap_or_else(|fault| panic!("round {round}: {fault:?}"));
        book.resume(None, at(1), "test").unwrap();
    }
}
