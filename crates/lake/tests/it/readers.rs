//! Somebody else's reader opens the lake while it is written.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{command, folder, machine, meter, open};

const SCRIPT: &str = r#"
import json, sys
import duckdb
lake = sys.argv[1]
con = duckdb.connect()
con.execute("SET TimeZone = 'UTC'")
machine = f"read_parquet('{lake}/machine/*/*.parquet', hive_partitioning = true)"
out = {
    "rows": con.execute(f"select count(*) from {machine}").fetchone()[0],
    "energy": int(con.execute(f"select sum(energy_j) from {machine}").fetchone()[0]),
    "missing": con.execute(f"select count(*) from {machine} where known = 'missing' and energy_j is null").fetchone()[0],
    "owners": [r[0] for r in con.execute(f"select distinct owner from {machine} order by 1 nulls last").fetchall()],
    "dates": [str(r[0]) for r in con.execute(f"select distinct date from {machine} order by 1").fetchall()],
    "first": con.execute(f"select min(start)::text from {machine}").fetchone()[0],
    "types": {r[0]: r[1] for r in con.execute(f"describe select * from {machine}").fetchall()},
    "seconds": con.execute(f"select count(*) from read_parquet('{lake}/meter_1s/*/*.parquet')").fetchone()[0],
    "encodings": [list(r) for r in con.execute(
        f"select distinct path_in_schema, encodings, compression from parquet_metadata('{lake}/machine/*/*.parquet') "
        "where path_in_schema in ('start', 'owner') order by 1").fetchall()],
}
print(json.dumps(out))
"#;

#[test]
fn duckdb_opens_the_lake_while_it_is_written() {
    let python = std::env::var_os("OFFPEAK_PYTHON").expect(
        "OFFPEAK_PYTHON names no Python with the tests' requirements installed: run `make test`, which makes one",
    );
    let folder = folder();
    let mut lake = open(folder.path());
    let (mut energy, mut missing) = (0, 0);
    for minute in 1_400..1_460 {
        let rows: Vec<_> = (0..30).map(|number| machine(number, minute)).collect();
        energy += rows.iter().filter_map(|row| row.energy_j).sum::<i64>();
        missing += rows.iter().filter(|row| row.energy_j.is_none()).count();
        lake.append(&rows).unwrap();
        lake.append(&(0..60).map(|second| meter(minute * 60 + second, 1)).collect::<Vec<_>>()).unwrap();
    }
    lake.publish().unwrap();
    lake.settle().unwrap();
    // Half a file where files are made.
    std::fs::write(folder.path().join("staging/half"), b"PAR1").unwrap();

    // Meanwhile another table is written and published over and over.
    let ended = AtomicBool::new(false);
    let (output, written) = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut number = 0;
            while !ended.load(Ordering::Acquire) {
                let rows: Vec<_> = (0..200).map(|row| command(number * 200 + row, "issued")).collect();
                lake.append(&rows).unwrap();
                lake.publish().unwrap();
                lake.settle().unwrap();
                number += 1;
            }
            number
        });
        let output = Command::new(python).args(["-c", SCRIPT]).arg(folder.path()).output().unwrap();
        ended.store(true, Ordering::Release);
        (output, writer.join().unwrap())
    });
    assert!(written > 5, "it was written while it was read: {written} times");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["rows"], 1_800);
    assert_eq!(found["energy"], energy);
    assert_eq!(found["missing"], missing, "missing is NULL, not zero");
    assert_eq!(found["owners"], serde_json::json!(["owner-0", "owner-1", "owner-2", null]));
    assert_eq!(found["dates"], serde_json::json!(["2022-10-03", "2022-10-04"]));
    assert_eq!(found["first"], "2022-10-03 23:20:00+00");
    assert_eq!(found["seconds"], 3_600);
    for (column, of) in [
        ("machine", "VARCHAR"),
        ("start", "TIMESTAMP WITH TIME ZONE"),
        ("energy_j", "BIGINT"),
        ("fault_s", "INTEGER"),
    ] {
        assert_eq!(found["types"][column], of, "{column}");
    }
    let encodings = found["encodings"].to_string();
    assert!(encodings.contains("DELTA_BINARY_PACKED") && encodings.contains("RLE_DICTIONARY"), "{encodings}");
    assert!(encodings.contains("ZSTD"), "{encodings}");
}
