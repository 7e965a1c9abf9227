//! `/metrics` of a running site, scraped by a real Prometheus that evaluates the rules in `ops/`; and what else `ops/`
//! holds.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::kill::{Guard, prepare, twin};
use super::{PORTS, offpeak, run, stderr};

fn ops() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ops").canonicalize().unwrap()
}

/// Whether Debian's package is there; `ops/dev/setup promtool` installs it. A machine without it is told, not failed.
fn has_prometheus() -> bool {
    let there =
        |name: &str| Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success());
    let all = there("prometheus") && there("promtool");
    if !all {
        eprintln!("prometheus is not installed: not tested against it (ops/dev/setup promtool)");
    }
    all
}

fn promtool(dir: &Path, args: &[&str]) {
    let output = Command::new("promtool").current_dir(dir).args(args).output().unwrap();
    assert!(output.status.success(), "promtool {args:?}: {}{}", super::stdout(&output), stderr(&output));
}

fn get(port: u16, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    Some(text)
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Asks until the answer is as wanted; bounded by the number of questions, between which another process runs and ends:
/// a minute or more, of which a Prometheus that has just started needs some seconds.
fn wait_for(port: u16, path: &str, wanted: &str, is: impl Fn(&str) -> bool) -> String {
    let mut last = None;
    for _ in 0..60_000 {
        last = get(port, path).or(last);
        if let Some(text) = last.as_deref().filter(|text| is(text)) {
            return text.to_owned();
        }
        let _ = Command::new("true").status();
        std::thread::yield_now();
    }
    panic!("never saw {wanted}; last: {last:?}");
}

#[test]
fn the_rules_hold_their_tests() {
    if has_prometheus() {
        let dir = ops().join("prometheus");
        promtool(&dir, &["check", "config", "prometheus.yml"]);
        promtool(&dir, &["check", "rules", "offpeak.rules.yml"]);
        promtool(&dir, &["test", "rules", "offpeak.rules.test.yml"]);
    }
}

/// Every metric that a rule or a dashboard asks for is one that a site exposes.
#[test]
fn rules_and_dashboards_ask_for_what_there_is() {
    let sources = ["mod.rs", "text.rs"].map(|name| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/runtime/metrics").join(name);
        std::fs::read_to_string(path).unwrap()
    });
    let exposed = sources.concat();
    let ops = ops();
    let mut asked = Vec::new();
    for file in ["grafana/site.json", "grafana/health.json", "prometheus/offpeak.rules.yml"] {
        let text = std::fs::read_to_string(ops.join(file)).unwrap();
        if file.ends_with("json") {
            let board: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert!(board["panels"].as_array().unwrap().len() >= 7, "{file}");
        }
        let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        asked.extend(words.filter(|word| word.starts_with("offpeak_")).map(str::to_owned));
    }
    asked.sort();
    asked.dedup();
    assert!(asked.len() > 15, "{asked:?}");
    for name in asked {
        let family = name.trim_end_matches("_total").trim_end_matches("_info");
        assert!(exposed.contains(&format!("\"{family}\"")), "nothing exposes {name}");
    }
}

#[test]
fn a_real_prometheus_scrapes_a_running_site_and_evaluates_the_rules() {
    let _ports = PORTS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let (dir, _) = prepare();
    let dir = dir.path();
    let _twin = twin(dir, "2022-10-04T00:10");
    let port = free_port();
    let address = format!("127.0.0.1:{port}");
    let open = run(dir, &["run", "small.toml", "--twin", "--metrics", "0.0.0.0:9185"]);
    assert_eq!(super::code(&open), 1);
    assert!(stderr(&open).contains("is not of this machine alone"), "{}", stderr(&open));
    let child = offpeak(dir)
        .args(["run", "small.toml", "--twin", "--for", "5m", "--metrics", &address])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _site = Guard(child);
    let text = wait_for(port, "/metrics", "a metered site", |text| text.contains("offpeak_power_watts{"));
    assert!(text.contains("application/openmetrics-text; version=1.0.0"), "{text}");
    assert!(
        text.ends_with("# EOF\n") && text.contains("offpeak_machines{hall=\"hall-1\",state=\"asleep\"}"),
        "{text}"
    );
    assert!(get(port, "/").unwrap().starts_with("HTTP/1.1 404"));
    if !has_prometheus() {
        return;
    }

    let web = free_port();
    std::fs::copy(ops().join("prometheus/offpeak.rules.yml"), dir.join("offpeak.rules.yml")).unwrap();
    let config = std::fs::read_to_string(ops().join("prometheus/prometheus.yml")).unwrap();
    let config = config.replace("15s", "1s").replace("127.0.0.1:9185", &address);
    std::fs::write(dir.join("prometheus.yml"), config).unwrap();
    let prometheus = Command::new("prometheus")
        .current_dir(dir)
        .args(["--config.file=prometheus.yml", "--storage.tsdb.path=tsdb"])
        .arg(format!("--web.listen-address=127.0.0.1:{web}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _prometheus = Guard(prometheus);
    let up = wait_for(web, "/api/v1/query?query=up", "a scrape", |text| {
        text.contains("\"offpeak\"") && text.contains(",\"1\"]")
    });
    assert!(up.contains("\"status\":\"success\""), "{up}");
    for asked in [
        "offpeak_meter_energy_joules_total",
        "offpeak_limit_watts",
        "offpeak_info",
        "offpeak_lake_rows_total",
    ] {
        let path = format!("/api/v1/query?query={asked}");
        wait_for(web, &path, asked, |text| text.contains("\"metric\":{\"__name__\""));
    }
    let rules = wait_for(web, "/api/v1/rules", "evaluated rules", |text| {
        text.contains("OffpeakAboveLimit") && !text.contains("\"health\":\"unknown\"")
    });
    assert!(!rules.contains("\"health\":\"err\""), "{rules}");
    assert!(!rules.contains("\"state\":\"firing\""), "a healthy site pages nobody: {rules}");
}

#[test]
fn the_unit_is_sound() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        eprintln!("systemd-analyze is not here: the unit is not tested");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(ops().join("systemd/offpeak@.service")).unwrap();
    let path = dir.path().join("offpeak@small.service");
    std::fs::write(&path, text.replace("/usr/bin/offpeak", env!("CARGO_BIN_EXE_offpeak"))).unwrap();
    let output = Command::new("systemd-analyze").arg("verify").arg(&path).output().unwrap();
    let said = stderr(&output);
    assert!(output.status.success() && !said.contains("offpeak@small.service:"), "{said}");
}
