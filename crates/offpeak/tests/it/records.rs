//! A simulation recorded, reported, and held against its own totals.

use super::{code, json, run, site, stderr, stdout};

#[test]
fn a_recorded_day_reports_what_the_simulation_says_to_the_watt_hour() {
    let dir = tempfile::tempdir().unwrap();
    let small = site("small.toml");
    let args = ["simulate", small.to_str().unwrap(), "--from", "2022-10-03", "--days", "1", "--seed", "3"];
    let output = run(dir.path(), &[&args[..], &["--record", "rec", "--json"]].concat());
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let told = json(&output);
    let plain = json(&run(dir.path(), &[&args[..], &["--json"]].concat()));
    assert_eq!(told["energy_kwh"], plain["energy_kwh"], "recording changes nothing");
    assert_eq!(told["recorded"]["machine_minutes"], 92_160);
    let wh = (told["energy_kwh"].as_f64().unwrap() * 1e3).floor() as i64;

    for by in ["", "hall", "owner", "model", "machine", "hour", "day", "hall,hour"] {
        let mut asked = vec!["report", "energy", "--dir", "rec", "--json"];
        if !by.is_empty() {
            asked.extend(["--by", by]);
        }
        let report = json(&run(dir.path(), &asked));
        assert_eq!(report["metered"]["metered_wh"].as_i64(), Some(wh), "{by}");
        assert_eq!(
            (&report["metered"]["missing_s"], &report["from"]),
            (&0.into(), &"2022-10-02T18:00:00Z".into())
        );
        let lines = report["lines"].as_array().unwrap();
        let sum: i64 = lines.iter().map(|line| line["energy_wh"].as_i64().unwrap()).sum();
        let off = sum + report["metered"]["rest_wh"].as_i64().unwrap() - wh;
        // The total is rounded, the plant's is cut.
        assert!((0..=1).contains(&off), "{by}: off by {off} Wh");
    }
    // A hall's own meter has no less than its machines: the rest are its losses.
    let halls = json(&run(dir.path(), &["report", "energy", "--dir", "rec", "--by", "hall", "--json"]));
    for line in halls["lines"].as_array().unwrap() {
        let (metered, machines) = (line["metered_wh"].as_i64().unwrap(), line["energy_wh"].as_i64().unwrap());
        assert!(machines > 0 && metered >= machines && metered < machines + machines / 5, "{line}");
    }
    let text = stdout(&run(dir.path(), &["report", "energy", "--dir", "rec", "--by", "hall"]));
    assert!(text.contains("hall-2") && text.contains("nothing is missing"), "{text}");

    let times =
        json(&run(dir.path(), &["report", "availability", "--dir", "rec", "--by", "machine", "--json"]));
    for line in times["lines"].as_array().unwrap() {
        let seconds: i64 = line
            .as_object()
            .unwrap()
            .iter()
            .filter(|(name, _)| name.ends_with("_s") && *name != "total_s")
            .map(|(_, value)| value.as_i64().unwrap())
            .sum();
        assert_eq!((seconds, line["total_s"].as_i64()), (86_400, Some(86_400)), "{line}");
    }
    let hashes = stdout(&run(dir.path(), &["report", "hash", "--dir", "rec", "--csv", "--by", "owner"]));
    assert!(hashes.starts_with("owner,hashes_gh,hashing_s,energy_wh\n"), "{hashes}");
    let half = [
        "report",
        "energy",
        "--dir",
        "rec",
        "--from",
        "2022-10-03T00:00",
        "--to",
        "2022-10-03T12:00",
        "--json",
    ];
    let halves = json(&run(dir.path(), &half));
    assert!(halves["metered"]["metered_wh"].as_i64().unwrap() < wh);
    assert_eq!(code(&run(dir.path(), &["report", "energy", "--dir", "rec", "--parquet", "x.parquet"])), 0);
    assert!(std::fs::read(dir.path().join("x.parquet")).unwrap().starts_with(b"PAR1"));

    let again = run(dir.path(), &[&args[..], &["--record", "rec"]].concat());
    assert_eq!(code(&again), 1);
    assert!(stderr(&again).contains("has a lake already"), "{}", stderr(&again));
    let backwards = ["report", "energy", "--dir", "rec", "--from", "2022-10-04", "--to", "2022-10-03"];
    assert_ne!(code(&run(dir.path(), &backwards)), 0);
}
