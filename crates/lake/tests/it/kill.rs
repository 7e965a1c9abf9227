//! A process that writes under load and is killed at some moment; a witness outside knows what it acknowledged.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use jiff::Timestamp;
use offpeak_lake::Lake;

use super::{folder, machine, machines, meter, noise, options};

const LAKE: &str = "OFFPEAK_TEST_KILLED_LAKE";
const FROM: &str = "OFFPEAK_TEST_KILLED_FROM";
const NAME: &str = "kill::the_writer_that_is_killed";
/// Machines of each minute.
const MACHINES: u32 = 40;

/// Runs only as the child of the test below: writes for ever, with tiny segments so that it publishes and merges
/// all the time, and says what is on disk.
#[test]
fn the_writer_that_is_killed() {
    let Some(dir) = std::env::var_os(LAKE).map(PathBuf::from) else { return };
    let from: i64 = std::env::var(FROM).unwrap().parse().unwrap();
    let mut lake = Lake::open(&dir, options(250)).unwrap();
    let mut out = std::io::stdout().lock();
    for minute in from.. {
        let rows: Vec<_> = (0..MACHINES).map(|number| machine(number, minute)).collect();
        assert_eq!(lake.append(&rows).unwrap().rows, u64::from(MACHINES));
        let seconds: Vec<_> = (0..60).map(|second| meter(minute * 60 + second, 1)).collect();
        lake.append(&seconds).unwrap();
        if minute % 3 == 0 {
            lake.sync().unwrap();
            writeln!(out, "\nACK {minute}").unwrap();
            out.flush().unwrap();
        }
        if minute % 20 == 0 {
            lake.tend(Timestamp::from_second(super::START + minute * 60).unwrap());
        }
    }
}

/// Starts the writer at a minute, kills it after a number of acknowledgements and a moment more, and says which
/// minute was the last that it acknowledged.
fn kill_after(dir: &Path, from: i64, acknowledgements: u64, moment: u64) -> i64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", NAME, "--nocapture"])
        .env(LAKE, dir)
        .env(FROM, from.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let minute = |line: &str| line.strip_prefix("ACK ").and_then(|number| number.parse::<i64>().ok());
    let (mut last, mut seen) = (from - 1, 0);
    while seen < acknowledgements {
        let line = lines.next().expect("the writer writes until it is killed").unwrap();
        if let Some(minute) = minute(&line) {
            (last, seen) = (minute, seen + 1);
        }
    }
    // Somewhere within what it does next: spun, since a test does not sleep.
    for _ in 0..moment {
        std::hint::spin_loop();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // What it said between our last look and its end counts as well.
    for line in lines.map_while(Result::ok) {
        last = minute(&line).unwrap_or(last);
    }
    last
}

#[test]
fn nothing_acknowledged_is_lost_and_nothing_is_counted_twice() {
    let kills: u64 = std::env::var("OFFPEAK_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(30);
    let seed: u64 = std::env::var("OFFPEAK_SEED")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| Timestamp::now().as_nanosecond() as u64);
    println!("{kills} kills; again with OFFPEAK_SEED={seed} OFFPEAK_KILLS={kills}");
    let mut random = seed;
    let mut draw = |below: u64| {
        random = random.wrapping_add(1);
        noise(random) % below
    };
    let folder = folder();
    let mut from = 0;
    for kill in 0..kills {
        let last = kill_after(folder.path(), from, 1 + draw(12), draw(3_000_000));
        // The next writer goes on behind everything the dead one may have written.
        drop(Lake::open(folder.path(), options(250)).unwrap());
        let found = machines(folder.path());
        for minute in from..=last {
            for number in 0..MACHINES {
                let key = (format!("m{number:03}"), super::START + minute * 60);
                let row =
                    found.get(&key).unwrap_or_else(|| panic!("kill {kill} of seed {seed}: {key:?} is lost"));
                assert_eq!(*row, machine(number, minute));
            }
        }
        assert_eq!(
            found.len() % MACHINES as usize,
            0,
            "kill {kill} of seed {seed}: a minute is in part there"
        );
        from = (found.len() / MACHINES as usize) as i64;
        assert!(from > last, "kill {kill} of seed {seed}: minutes are missing between");
        if from > 4_000 {
            // Long enough for one lake: the next kills hit a new one.
            std::fs::remove_dir_all(folder.path()).unwrap();
            std::fs::create_dir(folder.path()).unwrap();
            from = 0;
        }
    }
}
