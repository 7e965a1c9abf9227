//! The controller is killed while the twin goes on, and started again: it starts nothing before it has seen
//! everything, what was ordered survives, and what changed meanwhile is kept.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use super::{PORTS, code, json, offpeak, run, site, stderr, stdout};

/// Ends the process whatever happens.
pub(crate) struct Guard(pub(crate) Child);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A twin of the small site at a civil time, ten times real time, on ports of its own.
pub(crate) fn twin(dir: &Path, start: &str) -> Guard {
    let mut child = offpeak(dir)
        .args([
            "twin",
            "small.toml",
            "--speed",
            "10",
            "--healthy",
            "--ports",
            "--for",
            "5m",
            "--start",
            start,
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("\"machines\":64"), "the twin is up: {line}");
    Guard(child)
}

fn controller(dir: &Path) -> Guard {
    let child = offpeak(dir)
        .args(["run", "small.toml", "--twin", "--for", "5m"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    Guard(child)
}

/// Asks the running site until what it says is as wanted; bounded by the number of questions, each of which takes
/// its time.
fn wait_for(dir: &Path, wanted: &str, is: impl Fn(&serde_json::Value) -> bool) -> serde_json::Value {
    let mut last = String::new();
    for _ in 0..4_000 {
        let output = run(dir, &["status", "--json"]);
        if code(&output) == 0 {
            let view = json(&output);
            if is(&view) {
                return view;
            }
            last = stdout(&output);
        }
    }
    panic!("never saw {wanted}; last: {last}");
}

fn running(view: &serde_json::Value) -> u64 {
    view["counts"]["running"].as_u64().unwrap() + view["counts"]["rising"].as_u64().unwrap()
}

const FANS: &str = r#"
[[switches]]
id = "contactors"
modbus = "127.0.0.1:15041"

[[fans]]
id = "fans-hall-2"
circuit = "hall-2"
switch = "contactors"
channels = 2
power_kw = 2
lead_s = 20
run_on_s = 60

[[owners]]"#;

/// The small site with ports that no other test uses, and with fans in its second hall.
pub(crate) fn prepare() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(site("small.toml")).unwrap();
    let text = text.replacen("[[owners]]", FANS, 1).replace("127.0.0.1:", "127.0.3.1:");
    let path = dir.path().join("small.toml");
    std::fs::write(&path, text).unwrap();
    (dir, path)
}

#[test]
fn a_stop_and_a_closing_survive_a_kill() {
    let _ports = PORTS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let (dir, _) = prepare();
    let dir = dir.path();
    let _twin = twin(dir, "2022-10-04T00:10");
    let mut first = controller(dir);
    wait_for(dir, "machines on their way", |view| running(view) >= 20);

    // Machines that share an address are told apart by their ports.
    let shared = run(dir, &["machine", "127.0.0.1"]);
    assert_eq!(code(&shared), 5);
    assert!(stderr(&shared).contains("is the address of 64 machines"), "{}", stderr(&shared));
    let view = json(&run(dir, &["machine", "127.0.0.1:20002", "--json"]));
    assert_eq!((&view["id"], &view["address"]), (&"hall-1/rack-1/pdu-1/2".into(), &"127.0.0.1:20002".into()));
    assert_eq!(code(&run(dir, &["machine", "127.0.0.1:19999"])), 5);

    // The stop is acknowledged, and the controller dies before it can have carried it out.
    let held = "hall-1/rack-1/pdu-1/2";
    let hold = run(dir, &["hold", "127.0.0.1:20002", "--reason", "smells of smoke"]);
    assert_eq!((code(&hold), &*stdout(&hold)), (0, "held off: 1 machine(s)\n"), "{}", stderr(&hold));
    let stop = run(dir, &["stop", "--reason", "test"]);
    assert_eq!(code(&stop), 0);
    first.0.kill().unwrap();
    first.0.wait().unwrap();
    let mut said = String::new();
    first.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(said.contains("control loop begins"), "{said}");

    let second = controller(dir);
    let view = wait_for(dir, "a site at rest", |view| {
        let power = view["power_kw"].as_f64();
        view["counts"]["asleep"] == 64 && power.is_some_and(|power| power < 12.0)
    });
    assert_eq!(view["commands"]["wakes_issued"], 0, "nothing was started against the stop: {view}");
    assert!(view["block"].as_str().unwrap().contains("operator's stop"), "{view}");

    assert_eq!(code(&run(dir, &["lockout", "hall-2", "--by", "anna"])), 0);
    assert_eq!(code(&run(dir, &["resume"])), 0);
    let view = wait_for(dir, "hall 1 alone at work", |view| running(view) >= 10);
    let machine = json(&run(dir, &["machine", held, "--json"]));
    assert_eq!((&machine["state"], &machine["target"]), (&"asleep".into(), &"off".into()), "{machine}");
    let reason = machine["reason"].as_str().unwrap();
    assert!(reason.starts_with("off: held by ") && reason.ends_with(": smells of smoke"), "{reason}");
    assert!(stdout(&run(dir, &["holds"])).contains(held));
    let hall_2 = view["halls"].as_array().unwrap().iter().find(|hall| hall["id"] == "hall-2").unwrap();
    assert_eq!(
        hall_2["counts"]["running"].as_u64().unwrap() + hall_2["counts"]["rising"].as_u64().unwrap(),
        0,
        "{view}"
    );
    assert_eq!(code(&run(dir, &["lockout", "hall-2", "--by", "bert", "--lift"])), 5, "not bert's to lift");
    fans_before_and_after(dir);
    assert_eq!(code(&run(dir, &["resume"])), 5, "nothing to lift");

    // A second controller on the same book is refused.
    let other = run(dir, &["run", "small.toml", "--twin"]);
    assert_eq!(code(&other), 1);
    assert!(stderr(&other).contains("another process"), "{}", stderr(&other));
    drop(second);
    the_killed_time_is_accounted_for(dir);
}

/// Two controllers were killed and a third ends as asked: no second of a machine is missing or there twice, and the meter's
/// register has bridged what nobody saw.
fn the_killed_time_is_accounted_for(dir: &Path) {
    assert_eq!(code(&run(dir, &["run", "small.toml", "--twin", "--for", "15s"])), 0);
    let report = json(&run(dir, &["report", "availability", "--by", "machine", "--json"]));
    let span = {
        let at = |name: &str| report[name].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        at("from").duration_until(at("until")).as_secs()
    };
    let lines = report["lines"].as_array().unwrap();
    assert_eq!(lines.len(), 64);
    for line in lines {
        let total = line["total_s"].as_i64().unwrap();
        assert_eq!(Some(total), lines[0]["total_s"].as_i64(), "{line}");
        // What waits for its meters at an end may be lacking, and no more.
        assert!(total <= span && span - total <= 180, "{total} s of {span} s: {line}");
        assert!(line["no_data_s"].as_i64().unwrap() > 0, "{line}");
    }
    // Nothing but the seconds of the first minute before its first word.
    assert!(report["metered"]["missing_s"].as_i64().unwrap() < 60, "{}", report["metered"]["missing_s"]);
}

/// Nothing has run in the second hall since the kill: its fans stop, and come on again before its machines do.
fn fans_before_and_after(dir: &Path) {
    let closed = |view: &serde_json::Value| view["fans"][0]["closed"].as_u64();
    let view = wait_for(dir, "fans that have run on", |view| closed(view) == Some(0));
    assert_eq!(view["fans"][0]["state"], "off", "{view}");
    let explained = stdout(&run(dir, &["explain", "hall-2"]));
    assert!(explained.contains("fans       fans-hall-2: off"), "{explained}");
    assert_eq!(code(&run(dir, &["lockout", "hall-2", "--by", "anna", "--lift"])), 0);
    let hall_up = |view: &serde_json::Value| {
        let counts = &view["halls"][1]["counts"];
        counts["running"].as_u64().unwrap() + counts["rising"].as_u64().unwrap()
    };
    let view = wait_for(dir, "fans that run again", |view| closed(view) == Some(2));
    assert_eq!(hall_up(&view), 0, "no machine before its fans: {view}");
    let machine = stdout(&run(dir, &["machine", "hall-2/rack-2/pdu-1/1"]));
    assert!(machine.contains("fans-hall-2"), "{machine}");
    let view = wait_for(dir, "hall 2 at work", |view| hall_up(view) > 0);
    assert_eq!(closed(&view), Some(2), "{view}");
}
