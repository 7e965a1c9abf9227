//! `offpeak dispatch`: one moment through the binary.

use std::io::Write as _;
use std::process::{Output, Stdio};

use serde_json::json;

use super::{code, json, offpeak, run, stderr, stdout};

fn moment() -> serde_json::Value {
    let modes = json!([
        {"name": "sleep", "power_w": 40, "value_per_h": 0.0},
        {"name": "low", "power_w": 2100.5, "value_per_h": 0.22},
        {"name": "normal", "power_w": 3400, "value_per_h": 0.31},
    ]);
    json!({
        "circuits": [
            {"id": "rack-1", "parent": "poi", "limit_w": 5500.5},
            {"id": "rack-2", "parent": "poi", "limit_w": 39},
            {"id": "poi", "parent": null, "limit_w": 150_000_000},
        ],
        "machines": [
            {"id": "m1", "circuit": "rack-1", "modes": modes},
            {"id": "m2", "circuit": "rack-1", "modes": modes},
            {"id": "m3", "circuit": "rack-2", "modes": modes},
        ],
    })
}

fn from_stdin(text: &str, args: &[&str]) -> Output {
    let dir = tempfile::tempdir().unwrap();
    let mut command = offpeak(dir.path());
    command
        .args(["dispatch", "-"])
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn a_moment_is_solved_from_stdin_and_from_a_file() {
    let output = from_stdin(&moment().to_string(), &["--json"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let mut answer = json(&output);
    assert!(answer["elapsed_ms"].as_f64().unwrap() >= 0.0);
    assert_eq!(answer["setpoints"]["m3"], "sleep");
    assert_eq!(answer["infeasible"], json!(["rack-2"]));
    // 2100.5 + 3400 W fill the first rack to the last half watt.
    assert_eq!(answer["objective_per_h"], 0.53);
    assert_eq!(answer["gap"], 0.0);

    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("moment.json"), moment().to_string()).unwrap();
    let mut again = json(&run(dir.path(), &["dispatch", "moment.json", "--json"]));
    answer["elapsed_ms"].take();
    again["elapsed_ms"].take();
    assert_eq!(again, answer);
    let for_people = stdout(&run(dir.path(), &["dispatch", "moment.json"]));
    assert!(for_people.contains("m3       sleep\n"), "{for_people}");
    assert!(for_people.contains("rack-2: its limit is below the least power"), "{for_people}");
}

#[test]
fn what_is_wrong_ends_with_its_exit_code_and_without_output() {
    let mut unknown = moment();
    unknown["circuits"][0]["parent"] = json!("hall");
    let mut circle = moment();
    circle["circuits"][2]["parent"] = json!("rack-1");
    let mut negative = moment();
    negative["machines"][1]["modes"][0]["power_w"] = json!(-40);
    let mut twice = moment();
    twice["machines"][1]["id"] = json!("m1");
    let no_number = moment().to_string().replace("0.31", "NaN");
    for (text, said) in [
        (unknown.to_string(), "circuit `rack-1`: there is no circuit `hall`"),
        (circle.to_string(), "hangs on itself"),
        (negative.to_string(), "machine `m2`: a power of -40 W is not between"),
        (twice.to_string(), "machine `m1` is there twice"),
        (no_number, "expected value at line 1"),
    ] {
        let output = from_stdin(&text, &["--json"]);
        assert_eq!(code(&output), 3, "{}", stderr(&output));
        assert!(stderr(&output).contains(said), "{}", stderr(&output));
        assert_eq!(stdout(&output), "");
    }
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(code(&run(dir.path(), &["dispatch", "nowhere.json"])), 1);
}
