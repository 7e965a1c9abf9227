//! What is old goes, what is too much goes, and what there is no room for is answered so.

use jiff::Timestamp;
use offpeak_lake::{Keep, Lake, Options, Room, Table, files};

use super::{at, folder, machine, machines, meter};

/// A lake with a hundred minutes of machines, and seconds and minutes of the meter, in each of some days.
fn days(dir: &std::path::Path, keep: Keep, days: i64) -> Lake {
    let mut lake = Lake::open(dir, Options { publish_rows: 10_000, keep, ..Options::default() }).unwrap();
    for day in 0..days {
        let rows: Vec<_> =
            (0..100).flat_map(|minute| (0..20).map(move |n| machine(n, day * 1_440 + minute))).collect();
        lake.append(&rows).unwrap();
        let seconds: Vec<_> = (0..600).map(|second| meter(day * 86_400 + second, 1)).collect();
        lake.append(&seconds).unwrap();
        lake.append(&[meter(day * 86_400, 60)]).unwrap();
        lake.publish().unwrap();
        lake.settle().unwrap();
    }
    lake
}

fn dates(dir: &std::path::Path, table: Table) -> Vec<String> {
    files(dir, table).unwrap().iter().map(|file| file.date.to_string()).collect()
}

#[test]
fn each_table_is_kept_as_long_as_it_should_be() {
    let folder = folder();
    let keep = Keep { meter_second_days: 2, machine_days: Some(3), free_bytes_min: 0, ..Keep::default() };
    let lake = days(folder.path(), keep, 5);
    for _ in 0..6 {
        lake.tend(at(4 * 86_400 + 7_200));
        lake.settle().unwrap();
    }
    assert_eq!(dates(folder.path(), Table::MeterSecond), ["2022-10-05", "2022-10-06", "2022-10-07"]);
    assert_eq!(dates(folder.path(), Table::Machine).len(), 4);
    assert_eq!(dates(folder.path(), Table::Meter).len(), 5, "minutes of meters are kept for good");
}

#[test]
fn a_clock_that_jumps_ahead_costs_a_day_and_not_the_lake() {
    let folder = folder();
    let lake = days(folder.path(), Keep { free_bytes_min: 0, ..Keep::default() }, 5);
    lake.tend(Timestamp::from_second(4_000_000_000).unwrap());
    lake.settle().unwrap();
    assert_eq!(dates(folder.path(), Table::MeterSecond).len(), 4);
    assert_eq!(dates(folder.path(), Table::Machine).len(), 5);
}

#[test]
fn the_budget_is_obeyed_and_warned_of_before() {
    let folder = folder();
    let probe = days(folder.path(), Keep { free_bytes_min: 0, ..Keep::default() }, 1);
    let day_bytes = probe.status().space.bytes;
    drop(probe);
    let folder = super::folder();
    let keep = Keep { budget_bytes: Some(day_bytes * 4), free_bytes_min: 0, ..Keep::default() };
    let lake = days(folder.path(), keep.clone(), 3);
    assert_eq!(lake.status().space.room, Room::Plenty);
    drop(lake);
    let folder = super::folder();
    let mut rooms = Vec::new();
    {
        let mut lake = Lake::open(
            folder.path(),
            Options { publish_rows: 10_000, keep: keep.clone(), ..Options::default() },
        )
        .unwrap();
        for day in 0..8 {
            let rows: Vec<_> =
                (0..100).flat_map(|minute| (0..20).map(move |n| machine(n, day * 1_440 + minute))).collect();
            lake.append(&rows).unwrap();
            let seconds: Vec<_> = (0..600).map(|second| meter(day * 86_400 + second, 1)).collect();
            lake.append(&seconds).unwrap();
            lake.append(&[meter(day * 86_400, 60)]).unwrap();
            lake.publish().unwrap();
            lake.settle().unwrap();
            let status = lake.status();
            assert!(status.space.bytes <= day_bytes * 4, "day {day}: {} bytes", status.space.bytes);
            rooms.push(status.space.room);
        }
        let removed = lake.status().removed;
        assert!(
            !removed.is_empty() && removed.iter().all(|day| day.for_room && day.table.is_raw()),
            "{removed:?}"
        );
        let mut dates: Vec<_> = removed.iter().map(|day| day.date).collect();
        dates.dedup();
        assert!(dates.is_sorted(), "the oldest go first: {dates:?}");
    }
    assert!(rooms.contains(&Room::Scarce), "it is said before it is full: {rooms:?}");
    assert_eq!(dates(folder.path(), Table::Meter).len(), 8, "the minutes of meters stay");
    assert!(dates(folder.path(), Table::Machine).contains(&"2022-10-10".to_owned()), "the newest day stays");
}

#[test]
fn one_day_beyond_the_budget_is_kept_and_more_raw_data_refused() {
    let folder = folder();
    let keep = Keep { budget_bytes: Some(8_000), free_bytes_min: 0, ..Keep::default() };
    let mut lake = days(folder.path(), keep, 1);
    assert_eq!(lake.status().space.room, Room::Full);
    assert!(lake.append(&[machine(1, 500)]).unwrap_err().is_full());
    assert_eq!(lake.append(&[meter(600, 60)]).unwrap().rows, 1, "what is billed by is taken on");
    assert_eq!(machines(folder.path()).len(), 2_000);
}
