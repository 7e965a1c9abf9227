//! A disk without space: what is written goes on as far as it can, the oldest raw data goes first, and what was
//! acknowledged and not removed is there.
//!
//! The disk is a tmpfs of some megabytes in a mount namespace of its own, so nothing of it is seen outside.

use std::path::{Path, PathBuf};
use std::process::Command;

use offpeak_lake::{Keep, Lake, LakeError, Options, Table};

use super::{folder, machine, machines, meter};

const DIR: &str = "OFFPEAK_TEST_FULL_DIR";

/// Runs a test of this file again, as a child whose folder is on a disk of that size. `false` where no such disk
/// can be had.
fn on_small_disk(name: &str, megabytes: u32) -> bool {
    let folder = folder();
    for user in [&[][..], &["--map-root-user"][..]] {
        let unshare = |script: &str| {
            let mut command = Command::new("unshare");
            command.args(user).args(["--mount", "sh", "-c", script]).arg(std::env::current_exe().unwrap());
            command.args(["--exact", name, "--nocapture"]).env(DIR, folder.path());
            command
        };
        let mount = format!("mount -t tmpfs -o size={megabytes}m tmpfs \"${DIR}\"");
        if unshare(&mount).output().is_ok_and(|output| output.status.success()) {
            let output = unshare(&format!("{mount} && exec \"$0\" \"$@\"")).output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{said}");
            assert!(said.contains("1 passed"), "the child ran the test: {said}");
            return true;
        }
    }
    println!("skipped: neither root nor a user namespace may mount a tmpfs here");
    false
}

fn small_disk() -> Option<PathBuf> {
    std::env::var_os(DIR).map(PathBuf::from)
}

fn open(dir: &Path, free_bytes_min: u64) -> Lake {
    let keep = Keep { free_bytes_min, ..Keep::default() };
    Lake::open(&dir.join("lake"), Options { publish_rows: 2_000, keep, ..Options::default() }).unwrap()
}

fn hour(day: i64, hour: i64) -> Vec<offpeak_rows::MachineRow> {
    let minutes = hour * 60..hour * 60 + 60;
    minutes.flat_map(|minute| (0..60).map(move |number| machine(number, day * 1_440 + minute))).collect()
}

#[test]
fn the_oldest_raw_days_make_room_for_new_ones() {
    let Some(dir) = small_disk() else {
        on_small_disk("full::the_oldest_raw_days_make_room_for_new_ones", 5);
        return;
    };
    std::fs::write(dir.join("book.sqlite"), vec![7; 100_000]).unwrap();
    let mut lake = open(&dir, 1 << 20);
    let (mut taken, mut refused) = (Vec::new(), 0);
    for day in 0..12 {
        for hour_of_day in 0..24 {
            match lake.append(&hour(day, hour_of_day)).and_then(|_| lake.sync()) {
                Ok(()) => taken.push((day, hour_of_day)),
                // Whoever hands over goes on, and may come again.
                Err(error) => {
                    assert!(error.is_full(), "{error}");
                    refused += 1;
                    lake.settle().unwrap();
                }
            }
        }
        lake.append(&[meter(day * 86_400, 60)]).unwrap();
    }
    lake.publish().unwrap();
    lake.settle().unwrap();
    let removed = lake.status().removed;
    drop(lake);
    let lake = open(&dir, 1 << 20);
    assert!(!removed.is_empty(), "12 days do not fit");
    assert!(removed.iter().all(|day| day.table == Table::Machine && day.for_room), "{removed:?}");
    let found = machines(&dir.join("lake"));
    for (day, hour_of_day) in taken {
        let rows = hour(day, hour_of_day);
        let date = jiff::tz::TimeZone::UTC.to_datetime(rows[0].start).date();
        if lake.status().removed.iter().chain(&removed).any(|gone| gone.date == date) {
            continue;
        }
        for row in rows {
            assert_eq!(
                found[&(row.machine.to_string(), row.start.as_second())],
                row,
                "day {day}, refused {refused}"
            );
        }
    }
    assert_eq!(std::fs::read(dir.join("book.sqlite")).unwrap(), vec![7; 100_000], "the book stays");
}

#[test]
fn a_disk_that_another_fills_is_waited_for() {
    let Some(dir) = small_disk() else {
        on_small_disk("full::a_disk_that_another_fills_is_waited_for", 8);
        return;
    };
    let mut lake = open(&dir, 0);
    lake.append(&hour(0, 0)).unwrap();
    lake.sync().unwrap();
    lake.publish().unwrap();
    lake.settle().unwrap();
    // Somebody else takes all there is.
    let ballast = dir.join("ballast");
    let mut all = std::fs::File::create(&ballast).unwrap();
    while std::io::Write::write(&mut all, &[1; 4_096]).is_ok_and(|written| written > 0) {}
    let mut taken = vec![0];
    let mut refused = Vec::new();
    for hour_of_day in 1..24 {
        match lake.append(&hour(0, hour_of_day)).and_then(|_| lake.sync()) {
            Ok(()) => taken.push(hour_of_day),
            Err(LakeError::Full { .. }) => refused.push(hour_of_day),
            Err(error) => panic!("{error}"),
        }
    }
    assert!(!refused.is_empty(), "there was no room");
    drop(all);
    std::fs::remove_file(&ballast).unwrap();
    lake.tend(super::at(80_000));
    lake.settle().unwrap();
    for hour_of_day in refused {
        lake.append(&hour(0, hour_of_day)).unwrap();
        taken.push(hour_of_day);
    }
    lake.close().unwrap();
    let found = machines(&dir.join("lake"));
    assert_eq!(found.len(), 24 * 3_600);
    assert!(taken.iter().all(|hour_of_day| {
        hour(0, *hour_of_day)
            .iter()
            .all(|row| found[&(row.machine.to_string(), row.start.as_second())] == *row)
    }));
}
