//! The lake from outside: what is acknowledged is there afterwards, once, whatever happens in between.

#![expect(clippy::unwrap_used, reason = "a test stops where its ground gives way")]

mod clock;
mod full;
mod journal;
mod keep;
mod kill;
mod merge;
mod readers;

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use offpeak_lake::{Keep, Lake, LakeError, Options, Table, read};
use offpeak_rows::{CommandRow, Downtime, Known, MachineRow, MachineState, MeterRow, SignalRow};

/// Monday 3 October 2022, midnight UTC.
const START: i64 = 1_664_755_200;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(START + second).unwrap()
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// Small segments, so that a test sees many, and no room kept for a book.
fn options(publish_rows: usize) -> Options {
    Options { publish_rows, keep: Keep { free_bytes_min: 0, ..Keep::default() }, ..Options::default() }
}

fn open(dir: &Path) -> Lake {
    Lake::open(dir, options(100)).unwrap()
}

/// SplitMix64 (Steele, Lea and Flood 2014) as a hash.
fn noise(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A minute of a machine; what it holds follows from its place.
fn machine(number: u32, minute: i64) -> MachineRow {
    let hashing = (i64::from(number) + minute) % 7 != 0;
    let bits = noise(minute.cast_unsigned() << 16 | u64::from(number));
    MachineRow {
        site: "small".into(),
        machine: format!("m{number:03}").into(),
        owner: (!number.is_multiple_of(5)).then(|| format!("owner-{}", number % 3).into()),
        hall: format!("hall-{}", number % 2).into(),
        model: "M30S++".into(),
        circuit: format!("hall-{}/rack-{number:02}", number % 2).into(),
        start: at(minute * 60),
        length_s: 60,
        covered_s: 60,
        energy_j: hashing.then_some(204_000 + (bits & 0xFFF).cast_signed()),
        billed_j: None,
        hashes_gh: hashing.then_some(6_000_000 + (bits >> 12 & 0x3_FFFF).cast_signed()),
        mode: None,
        state: if hashing { MachineState::Hashing } else { MachineState::Unknown },
        hashing_s: if hashing { 60 } else { 0 },
        starting_s: 0,
        down: Downtime { no_data_s: if hashing { 0 } else { 60 }, ..Downtime::default() },
        chip_max_dc: hashing.then_some(715),
        inlet_dc: Some(-105),
        known: if hashing { Known::Measured } else { Known::Missing },
        rule: None,
    }
}

fn meter(second: i64, length_s: u32) -> MeterRow {
    MeterRow {
        site: "small".into(),
        meter: "main".into(),
        circuit: "grid".into(),
        start: at(second),
        length_s,
        covered_s: length_s,
        energy_j: Some(i64::from(length_s) * 20_000_000),
        register_j: Some((second + i64::from(length_s)) * 20_000_000),
        power_mean_mw: Some(20_000_000_000),
        power_min_mw: Some(19_990_000_000),
        power_max_mw: Some(20_010_000_000),
        known: Known::Estimated,
        rule: Some("held".into()),
    }
}

fn command(generation: u64, state: &str) -> CommandRow {
    CommandRow {
        site: "small".into(),
        generation,
        machine: "m001".into(),
        hall: "hall-1".into(),
        action: "sleep".into(),
        at: at(generation as i64),
        state: state.into(),
        detail: Some("hall-1 limit \u{2014} \"18 kW\"".into()),
    }
}

fn signal(id: &str) -> SignalRow {
    SignalRow {
        site: "small".into(),
        source: "grid operator".into(),
        id: id.into(),
        at: at(5),
        kind: "limit".into(),
        circuit: None,
        limit_mw: Some(0),
        from: Some(at(60)),
        until: None,
        text: None,
    }
}

/// Every machine row in the tables, by machine and minute; fails if one is there twice.
fn machines(dir: &Path) -> BTreeMap<(String, i64), MachineRow> {
    let mut found = BTreeMap::new();
    read(dir, Table::Machine, Timestamp::UNIX_EPOCH, Timestamp::MAX, |row: MachineRow| {
        let key = (row.machine.to_string(), row.start.as_second());
        let before = found.insert(key.clone(), row);
        assert!(before.is_none(), "{key:?} is there twice");
    })
    .unwrap();
    found
}

#[test]
fn rows_come_back_as_they_were_handed_over() {
    let folder = folder();
    let minutes: Vec<MachineRow> =
        (0..50).flat_map(|minute| (0..9).map(move |n| machine(n, minute))).collect();
    let meters = [meter(0, 60), meter(60, 60)];
    let seconds: Vec<MeterRow> = (0..120).map(|second| meter(second, 1)).collect();
    let commands = [command(1, "issued"), command(1, "confirmed"), command(2, "issued")];
    {
        let mut lake = open(folder.path());
        assert_eq!(lake.append(&minutes).unwrap().rows, 450);
        assert_eq!(lake.append(&meters).unwrap().rows, 2);
        assert_eq!(lake.append(&seconds).unwrap().rows, 120);
        assert_eq!(lake.append(&commands).unwrap().rows, 3);
        assert_eq!(lake.append(&[signal("a"), signal("b")]).unwrap().rows, 2);
        lake.close().unwrap();
    }
    let found = machines(folder.path());
    assert_eq!(found.len(), 450);
    assert!(minutes.iter().all(|row| found[&(row.machine.to_string(), row.start.as_second())] == *row));
    let all = |table| {
        let mut rows: Vec<MeterRow> = Vec::new();
        read(folder.path(), table, Timestamp::UNIX_EPOCH, Timestamp::MAX, |row| rows.push(row)).unwrap();
        rows
    };
    assert_eq!(all(Table::Meter), meters);
    assert_eq!(all(Table::MeterSecond), seconds, "seconds are apart, so that no sum counts them twice");
    let mut found = Vec::new();
    read(folder.path(), Table::Command, at(0), at(2), |row: CommandRow| found.push(row)).unwrap();
    assert_eq!(found.len(), 2, "the second command came at second 2");
    assert!(found.contains(&commands[0]) && found.contains(&commands[1]));
    let mut signals: Vec<SignalRow> = Vec::new();
    read(folder.path(), Table::Signal, at(0), at(10), |row| signals.push(row)).unwrap();
    assert_eq!(signals, [signal("a"), signal("b")]);
}

#[test]
fn a_second_row_of_the_same_key_is_not_taken() {
    let folder = folder();
    let mut lake = open(folder.path());
    let mut other = machine(1, 0);
    other.energy_j = Some(7);
    assert_eq!(lake.append(&[machine(1, 0), machine(2, 0), other.clone()]).unwrap().duplicates, 1);
    lake.publish().unwrap();
    lake.settle().unwrap();
    assert_eq!(lake.append(&[other.clone()]).unwrap().duplicates, 1, "published meanwhile");
    drop(lake);
    let mut lake = open(folder.path());
    assert_eq!(lake.append(&[other.clone(), machine(1, 1)]).unwrap().duplicates, 1, "known from the files");
    // Late rows of days long gone from memory.
    for day in 1..6 {
        assert_eq!(lake.append(&[machine(1, day * 1_440)]).unwrap().rows, 1);
    }
    assert_eq!(lake.append(&[other, machine(1, 1_440), machine(1, 2)]).unwrap().duplicates, 2);
    lake.close().unwrap();
    let found = machines(folder.path());
    assert_eq!(found.len(), 9);
    assert_eq!(found[&("m001".into(), START)], machine(1, 0), "the first stands");
}

#[test]
fn a_row_that_breaks_a_rule_takes_the_others_of_its_call_with_it() {
    let folder = folder();
    let mut lake = open(folder.path());
    let mut bad = machine(2, 0);
    bad.hashing_s = 61;
    let error = lake.append(&[machine(1, 0), bad]).unwrap_err();
    assert!(matches!(error, LakeError::Row { place: 1, .. }), "{error}");
    assert_eq!(lake.append(&[machine(1, 0)]).unwrap().rows, 1);
}

#[test]
fn a_second_writer_is_told_who_has_it() {
    let folder = folder();
    let _lake = open(folder.path());
    let error = Lake::open(folder.path(), Options::default()).unwrap_err();
    assert!(matches!(error, LakeError::InUse { pid: Some(pid), .. } if pid == std::process::id()), "{error}");
}

#[test]
fn a_newer_lake_is_left_alone() {
    let folder = folder();
    std::fs::write(folder.path().join("format"), "2\n").unwrap();
    assert!(matches!(Lake::open(folder.path(), Options::default()), Err(LakeError::Newer { .. })));
    assert!(!folder.path().join("journal").exists());
}
