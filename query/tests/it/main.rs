//! Questions to a lake and a book, on disk and in a bucket.

#![expect(clippy::unwrap_used, reason = "a test stops where its ground gives way")]

mod bucket;
mod program;

use std::path::Path;

use jiff::Timestamp;
use offpeak_lake::{Keep, Lake, Options};
use offpeak_query::{Format, Limits, Place, Query, QueryError};
use offpeak_rows::{Downtime, Known, MachineRow, MachineState, MeterRow};

/// Monday 3 October 2022, midnight UTC.
const START: i64 = 1_664_755_200;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(START + second).unwrap()
}

fn machine(number: u32, minute: i64) -> MachineRow {
    MachineRow {
        site: "small".into(),
        machine: format!("m{number:02}").into(),
        owner: (number != 0).then(|| format!("owner-{}", number % 3).into()),
        hall: "hall-1".into(),
        model: "M30S++".into(),
        circuit: "hall-1/rack-01".into(),
        start: at(minute * 60),
        length_s: 60,
        covered_s: 60,
        energy_j: Some(60 * 3_400),
        billed_j: Some(60 * 3_450),
        hashes_gh: Some(6_000_000),
        mode: None,
        state: MachineState::Hashing,
        hashing_s: 60,
        starting_s: 0,
        down: Downtime::default(),
        chip_max_dc: Some(700),
        inlet_dc: None,
        known: Known::Measured,
        rule: None,
    }
}

/// Three days of twelve machines by the quarter hour, and a meter.
fn lake(dir: &Path) -> Lake {
    let mut lake = Lake::open(
        dir,
        Options {
            publish_rows: 500,
            keep: Keep { free_bytes_min: 0, ..Keep::default() },
            ..Options::default()
        },
    )
    .unwrap();
    for quarter in 0..3 * 96 {
        let rows: Vec<_> = (0..12).map(|number| machine(number, quarter * 15)).collect();
        lake.append(&rows).unwrap();
    }
    let meter = MeterRow {
        site: "small".into(),
        meter: "main".into(),
        circuit: "grid".into(),
        start: at(0),
        length_s: 60,
        covered_s: 0,
        energy_j: None,
        register_j: None,
        power_mean_mw: None,
        power_min_mw: None,
        power_max_mw: None,
        known: Known::Missing,
        rule: None,
    };
    lake.append(&[meter]).unwrap();
    lake.publish().unwrap();
    lake.settle().unwrap();
    lake
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn ask(query: &Query, sql: &str) -> Result<String, QueryError> {
    let mut out = Vec::new();
    runtime().block_on(query.run(sql, Format::Csv, &mut out))?;
    Ok(String::from_utf8(out).unwrap())
}

fn open(dir: &Path, book: Option<&Path>) -> Query {
    let store = Place::Folder(dir.to_owned()).store().unwrap();
    Query::open(store, book, Limits::default()).unwrap()
}

#[test]
fn sums_by_owner_and_day_come_out_of_the_lake_while_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let _writer = lake(folder.path());
    let query = open(folder.path(), None);
    let sql = "select owner, date, sum(energy_j) as energy_j, count(*) as rows from machine
               where start >= '2022-10-04' and start < '2022-10-05' group by owner, date order by owner nulls first";
    assert_eq!(
        ask(&query, sql).unwrap(),
        "owner,date,energy_j,rows\n,2022-10-04,19584000,96\nowner-0,2022-10-04,58752000,288\n\
         owner-1,2022-10-04,78336000,384\nowner-2,2022-10-04,78336000,384\n"
    );
    assert_eq!(ask(&query, "select count(*) as n from machine").unwrap(), "n\n3456\n");
    assert_eq!(ask(&query, "select energy_j, known from meter").unwrap(), "energy_j,known\n,missing\n");
    assert_eq!(ask(&query, "select * from signal").unwrap().lines().count(), 1, "a table with no file yet");
    let first = "select machine, start from lake.machine where machine = 'm07' order by start limit 1";
    assert_eq!(ask(&query, first).unwrap(), "machine,start\nm07,2022-10-03T00:00:00Z\n");
}

/// Instants in UTC are cut without looking at a zone a row; the answer keeps its zone.
#[test]
fn instants_are_cut_to_hours_days_and_longer() {
    let folder = tempfile::tempdir().unwrap();
    let _writer = lake(folder.path());
    let query = open(folder.path(), None);
    for (unit, last) in [
        ("minute", "2022-10-05T23:45:00Z"),
        ("hour", "2022-10-05T23:00:00Z"),
        ("day", "2022-10-05T00:00:00Z"),
        ("week", "2022-10-03T00:00:00Z"),
        ("month", "2022-10-01T00:00:00Z"),
        ("year", "2022-01-01T00:00:00Z"),
    ] {
        let sql = format!("select max(date_trunc('{unit}', start)) as last from machine");
        assert_eq!(ask(&query, &sql).unwrap(), format!("last\n{last}\n"), "{unit}");
    }
    let sql = "select date_trunc('hour', start) as hour, count(*) as rows from machine group by 1 order by 1 limit 1";
    assert_eq!(ask(&query, sql).unwrap(), "hour,rows\n2022-10-03T00:00:00Z,48\n");
    assert!(ask(&query, "select date_trunc('fortnight', start) from machine").is_err());
}

#[test]
fn only_the_days_that_are_asked_for_are_opened() {
    let folder = tempfile::tempdir().unwrap();
    let _writer = lake(folder.path());
    let query = open(folder.path(), None);
    let plan = |sql: &str| runtime().block_on(query.plan(sql)).unwrap();
    let all = plan("select sum(energy_j) from machine where owner = 'owner-1'");
    let one = plan("select sum(energy_j) from machine where owner = 'owner-1' and date = '2022-10-04'");
    let hour = plan(
        "select sum(energy_j) from machine where start >= '2022-10-05T01:00:00Z' and start < '2022-10-05T02:00:00Z'",
    );
    let days = |plan: &str| {
        ["2022-10-03", "2022-10-04", "2022-10-05"].map(|day| plan.contains(&format!("date={day}/")))
    };
    assert_eq!(days(&all), [true; 3], "{all}");
    assert_eq!(days(&one), [false, true, false], "{one}");
    assert_eq!(days(&hour), [false, false, true], "{hour}");
}

#[test]
fn nothing_can_be_changed_by_a_question() {
    let folder = tempfile::tempdir().unwrap();
    let _writer = lake(folder.path());
    let query = open(folder.path(), None);
    for sql in [
        "insert into machine select * from machine",
        "create table x as select 1",
        "drop table machine",
        "delete from machine",
        "copy (select 1) to 'out.csv'",
        "create external table x stored as csv location '/etc/passwd'",
        "set datafusion.execution.target_partitions = 1",
        "select * from '/etc/passwd'",
        "selct 1",
    ] {
        let error = ask(&query, sql).unwrap_err();
        assert!(error.statement().is_some_and(|words| !words.is_empty()), "{sql}: {error}");
    }
}

#[test]
fn the_book_stands_beside_the_lake() {
    let folder = tempfile::tempdir().unwrap();
    let _writer = lake(folder.path());
    let path = folder.path().join("book.sqlite");
    let book = rusqlite::Connection::open(&path).unwrap();
    book.execute_batch(
        "PRAGMA journal_mode = WAL;
         CREATE TABLE stop (circuit TEXT NOT NULL, at TEXT NOT NULL, reason TEXT NOT NULL, lifted_at TEXT) STRICT;
         INSERT INTO stop VALUES ('hall-1', '2022-10-03T05:00:00Z', 'fan, \"loud\"', NULL);
         CREATE TABLE machine (machine TEXT PRIMARY KEY, cut INTEGER NOT NULL) STRICT;
         INSERT INTO machine VALUES ('m01', 1), ('m02', 0);
         CREATE TABLE person (name TEXT PRIMARY KEY, password_hash TEXT) STRICT;
         INSERT INTO person VALUES ('anna', '$argon2id$secret');
         CREATE TABLE session (hash BLOB PRIMARY KEY, person TEXT NOT NULL) STRICT;",
    )
    .unwrap();
    // A writer is at work; what it has not committed is not seen.
    book.execute_batch("BEGIN IMMEDIATE; INSERT INTO machine VALUES ('m03', 1);").unwrap();
    let query = open(folder.path(), Some(&path));
    let csv = ask(&query, "select * from book.stop").unwrap();
    assert_eq!(csv, "circuit,at,reason,lifted_at\nhall-1,2022-10-03T05:00:00Z,\"fan, \"\"loud\"\"\",\n");
    let joined =
        "select m.machine, b.cut, count(*) as n from machine m join book.machine b on m.machine = b.machine
                  group by 1, 2 order by 1";
    assert_eq!(ask(&query, joined).unwrap(), "machine,cut,n\nm01,1,288\nm02,0,288\n");
    assert_eq!(ask(&query, "select count(*) as n from book.machine").unwrap(), "n\n2\n");
    // What opens doors is told to nobody.
    assert_eq!(ask(&query, "select * from book.person").unwrap(), "name\nanna\n");
    for secret in ["select password_hash from book.person", "select * from book.session"] {
        assert!(ask(&query, secret).is_err(), "{secret}");
    }
    let names: Vec<&str> = query.tables().iter().map(|table| table.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "lake.meter",
            "lake.meter_1s",
            "lake.machine",
            "lake.command",
            "lake.signal",
            "book.machine",
            "book.person",
            "book.stop"
        ]
    );
    let machine = &query.tables()[2];
    assert!(
        machine
            .columns
            .iter()
            .any(|column| column.name == "energy_j" && column.of == "bigint" && column.nullable)
    );
}

#[test]
fn answers_are_written_in_the_form_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let _writer = lake(folder.path());
    let query = open(folder.path(), None);
    let sql = "select machine, owner, energy_j from machine where date = '2022-10-03' order by machine, start limit 2";
    let write = |format| {
        let mut out = Vec::new();
        assert_eq!(runtime().block_on(query.run(sql, format, &mut out)).unwrap(), 2);
        out
    };
    let json = String::from_utf8(write(Format::Json)).unwrap();
    assert_eq!(
        json,
        "[{\"machine\":\"m00\",\"energy_j\":204000},{\"machine\":\"m00\",\"energy_j\":204000}]\n"
    );
    assert!(String::from_utf8(write(Format::Table)).unwrap().contains("| machine | owner | energy_j |"));
    let parquet = write(Format::Parquet);
    assert!(parquet.starts_with(b"PAR1") && parquet.ends_with(b"PAR1"));
}

#[test]
fn a_question_that_takes_too_much_memory_fails_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let _writer = lake(folder.path());
    let store = Place::Folder(folder.path().to_owned()).store().unwrap();
    let query =
        Query::open(store, None, Limits { memory_bytes: 200_000, threads: 2, ..Limits::default() }).unwrap();
    let sql = "select a.machine, b.start, c.energy_j from machine a cross join machine b cross join machine c
               order by a.energy_j + b.energy_j + c.energy_j";
    let error = ask(&query, sql).unwrap_err();
    assert!(error.statement().is_some_and(|words| words.contains("Resources exhausted")), "{error:?}");
}

#[test]
fn a_folder_without_a_lake_is_said_to_be_none() {
    let missing = Path::new("/nowhere/lake");
    assert!(matches!(Place::Folder(missing.to_owned()).store(), Err(QueryError::NoLake(_))));
    assert!(matches!(Place::parse("ftp://x/y"), Err(QueryError::Place(_))));
    assert!(matches!(Place::parse("s3://bucket/a/b"), Ok(Place::Bucket(_))));
}
