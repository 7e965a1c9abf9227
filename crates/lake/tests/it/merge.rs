//! Small files become one, sorted; a reader that looks meanwhile sees every row once.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use offpeak_lake::{Asked, Table, files, read, stretches};
use offpeak_rows::{MachineRow, MachineRun};

use super::{at, folder, machine, machines, open};

#[test]
fn a_day_that_is_over_becomes_one_file_sorted_by_owner_machine_and_time() {
    let folder = folder();
    let mut lake = open(folder.path());
    for minute in 0..100 {
        let rows: Vec<_> = (0..17).map(|number| machine(number, minute)).collect();
        lake.append(&rows).unwrap();
        lake.publish().unwrap();
        lake.settle().unwrap();
    }
    let before = machines(folder.path());
    assert_eq!(files(folder.path(), Table::Machine).unwrap().len(), 100);
    for _ in 0..3 {
        lake.tend(at(2 * 86_400));
        lake.settle().unwrap();
    }
    assert_eq!(lake.status().failing, None);
    let found = files(folder.path(), Table::Machine).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].first, found[0].last), (1, 100));
    assert_eq!(machines(folder.path()), before);
    let mut keys = Vec::new();
    read(folder.path(), Table::Machine, at(0), at(86_400), |row: MachineRow| {
        keys.push((row.owner.clone(), row.machine.clone(), row.start));
    })
    .unwrap();
    assert!(keys.is_sorted());
    // A late row is a file of its own, and then goes into the large one.
    assert_eq!(lake.append(&[machine(3, 101), machine(3, 50)]).unwrap().duplicates, 1);
    lake.publish().unwrap();
    lake.settle().unwrap();
    lake.tend(at(2 * 86_400));
    lake.settle().unwrap();
    assert_eq!(files(folder.path(), Table::Machine).unwrap().len(), 1);
    assert_eq!(machines(folder.path()).len(), 1_701);
}

#[test]
fn a_running_day_is_merged_as_it_goes() {
    let folder = folder();
    let mut lake = open(folder.path());
    for minute in 0..100 {
        lake.append(&[machine(1, minute), machine(2, minute)]).unwrap();
        lake.publish().unwrap();
        lake.settle().unwrap();
        lake.tend(at(minute * 60));
        lake.settle().unwrap();
        let count = files(folder.path(), Table::Machine).unwrap().len();
        assert!(count <= 20, "{count} files after minute {minute}");
    }
    assert_eq!(machines(folder.path()).len(), 200);
}

#[test]
fn what_was_being_merged_when_the_writer_died_is_made_anew() {
    let folder = folder();
    let mut lake = open(folder.path());
    for minute in 0..5 {
        lake.append(&[machine(1, minute)]).unwrap();
        lake.publish().unwrap();
    }
    lake.close().unwrap();
    let left = folder.path().join("staging/machine-date=2022-10-03");
    std::fs::create_dir(&left).unwrap();
    std::fs::write(left.join("000000001-000000005.parquet"), b"PAR1half").unwrap();
    let lake = open(folder.path());
    assert!(!left.exists());
    lake.tend(at(2 * 86_400));
    lake.settle().unwrap();
    assert_eq!(files(folder.path(), Table::Machine).unwrap().len(), 1);
    assert_eq!(machines(folder.path()).len(), 5);
}

#[test]
fn who_lists_a_folder_while_it_is_merged_finds_every_row_once() {
    let folder = folder();
    let mut lake = open(folder.path());
    let done = AtomicBool::new(false);
    let dir: PathBuf = folder.path().join("machine/date=2022-10-03");
    lake.append(&[machine(1, 0)]).unwrap();
    lake.publish().unwrap();
    lake.settle().unwrap();
    std::thread::scope(|scope| {
        let looks = scope.spawn(|| {
            let mut least = 1;
            while !done.load(Ordering::Relaxed) {
                // As any reader does: list, then add up what the names stand for.
                let mut segments: Vec<u64> = Vec::new();
                for entry in std::fs::read_dir(&dir).unwrap() {
                    let name = entry.unwrap().file_name().into_string().unwrap();
                    let stem = name.strip_suffix(".parquet").unwrap();
                    let (first, last) = stem.split_once('-').unwrap_or((stem, stem));
                    segments.extend(first.parse::<u64>().unwrap()..=last.parse().unwrap());
                }
                let count = segments.len();
                segments.sort_unstable();
                segments.dedup();
                assert_eq!(segments.len(), count, "a segment is there twice");
                assert!(count >= least, "a segment is gone");
                least = count;
            }
        });
        for minute in 1..150 {
            lake.append(&[machine(1, minute)]).unwrap();
            lake.publish().unwrap();
            lake.settle().unwrap();
            if minute % 13 == 0 {
                lake.tend(at(minute * 60));
            }
        }
        done.store(true, Ordering::Relaxed);
        looks.join().unwrap();
    });
    assert_eq!(lake.status().failing, None);
    assert_eq!(machines(folder.path()).len(), 150);
}

/// Rows that are added up while they are read come to what the rows themselves come to, for any span and step, merged or not.
#[test]
fn runs_come_to_the_rows() {
    const ALL: [Asked; 8] = [
        Asked::Machine,
        Asked::Owner,
        Asked::Hall,
        Asked::Model,
        Asked::Circuit,
        Asked::Energy,
        Asked::Hashes,
        Asked::Seconds,
    ];
    let folder = folder();
    let mut lake = open(folder.path());
    for minute in 0..200 {
        lake.append(&(0..13).map(|number| machine(number, minute)).collect::<Vec<_>>()).unwrap();
    }
    lake.publish().unwrap();
    lake.settle().unwrap();
    let parts = files(folder.path(), Table::Machine).unwrap().len();
    for merged in [false, true] {
        if merged {
            lake.tend(at(3 * 86_400));
            lake.settle().unwrap();
            assert!(files(folder.path(), Table::Machine).unwrap().len() < parts);
        }
        for (from, until, step_s) in
            [(0, 86_400, 900), (1_234, 7_777, 900), (60, 61, 60), (0, 86_400, 86_400)]
        {
            type Sums = BTreeMap<(String, i64), MachineRun>;
            let add = |sums: &mut Sums, run: &MachineRun| {
                let key = (
                    run.machine.clone().unwrap().to_string(),
                    run.start.as_second().div_euclid(step_s.into()),
                );
                let sum = sums.entry(key).or_insert_with(|| MachineRun { start: run.start, ..names_of(run) });
                sum.start = sum.start.min(run.start);
                sum.length_s += run.length_s;
                sum.billed_j += run.billed_j;
                sum.energy_j += run.energy_j;
                sum.measured_s += run.measured_s;
                sum.register_s += run.register_s;
                sum.estimated_s += run.estimated_s;
                sum.unsettled_s += run.unsettled_s;
                sum.hashes_gh += run.hashes_gh;
                for (sum, more) in sum.seconds.iter_mut().zip(run.seconds) {
                    *sum += more;
                }
            };
            let (mut by_rows, mut by_runs, mut count) = (Sums::new(), Sums::new(), 0);
            read(folder.path(), Table::Machine, at(from), at(until), |row: MachineRow| {
                add(&mut by_rows, &MachineRun::from(&row));
            })
            .unwrap();
            for stretch in stretches(folder.path(), at(from), at(until)).unwrap() {
                let runs = |run: &MachineRun| {
                    count += 1;
                    add(&mut by_runs, run);
                };
                stretch.runs(&ALL, at(from), at(until), step_s, runs).unwrap();
            }
            assert!(!by_rows.is_empty());
            assert_eq!(by_rows, by_runs, "{from} to {until} by {step_s} s, merged: {merged}");
            assert!(!merged || count == by_runs.len(), "one run a machine and step in a merged file");
        }
    }
}

fn names_of(run: &MachineRun) -> MachineRun {
    let MachineRun { machine, owner, hall, model, circuit, .. } = run.clone();
    MachineRun { machine, owner, hall, model, circuit, ..MachineRun::default() }
}
