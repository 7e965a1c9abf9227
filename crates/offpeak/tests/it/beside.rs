//! What a site answers beside its loop, asked by the command line at its address and at its socket: reports, the
//! audit chain, copies, searches, and machines by hand.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::{Value, json};

use super::kill::Guard;
use super::{code, offpeak, run, stderr, stdout};

/// A demo at work, and its address.
fn demo(dir: &Path) -> (Guard, String) {
    let mut child = offpeak(dir)
        .args(["demo", "--headless", "--speed", "60", "--for", "5m"])
        .args(["--listen", "127.0.0.1:0"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
    let guard = Guard(child);
    let url = line.trim().strip_prefix("open ").unwrap_or_else(|| panic!("{line}"));
    (guard, url.split("/enter").next().unwrap().to_owned())
}

/// Asks at the local socket.
struct Asker {
    http: reqwest::Client,
    runtime: tokio::runtime::Runtime,
}

impl Asker {
    fn at(dir: &Path) -> Self {
        let socket = dir.join("offpeak-data/demo/offpeak.sock");
        let http = reqwest::Client::builder().unix_socket(socket).build().unwrap();
        Self { http, runtime: tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap() }
    }
    fn ask(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let url = format!("http://localhost/api/v1{path}");
        let mut request = self.http.request(method.parse().unwrap(), url);
        if let Some(body) = body {
            request = request.json(&body);
        }
        self.runtime.block_on(async {
            let response = request.send().await.unwrap();
            let status = response.status().as_u16();
            (status, serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or_default())
        })
    }
    /// The path of a machine.
    fn first_of_hall_1(&self) -> String {
        let page = self.until("/machines?hall=hall-1&limit=1", |page| page["total"].as_u64() > Some(0));
        format!("/machines/{}", page["machines"][0]["id"].as_str().unwrap().replace('/', "%2F"))
    }
    /// Until what it says is as wanted; bounded by the number of questions.
    fn until(&self, path: &str, is: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        for _ in 0..600 {
            let (status, body) = self.ask("GET", path, None);
            if status == 200 && is(&body) {
                return body;
            }
            last = body;
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        panic!("{path} never was as wanted; last: {last}");
    }
}

#[test]
fn what_the_command_line_does_here_it_does_at_an_address() {
    let dir = tempfile::tempdir().unwrap();
    let (_demo, url) = demo(dir.path());
    let socket = Asker::at(dir.path());
    let path = socket.first_of_hall_1();
    socket.until("/site", |site| site["counts"]["running"].as_u64() > Some(30));

    let scopes = "records.read,audit.read,backup,scan,sql";
    assert_eq!(code(&run(dir.path(), &["user", "add", "anna", "--role", "owner"])), 0);
    let made = run(dir.path(), &["token", "create", "far", "--person", "anna", "--scopes", scopes]);
    assert_eq!(code(&made), 0, "{}", stderr(&made));
    let token = stdout(&made).split_whitespace().find(|word| word.len() > 30).map(str::to_owned);
    let token = token.unwrap_or_else(|| panic!("{}", stdout(&made)));
    let far = |args: &[&str]| -> Output {
        let mut command = offpeak(dir.path());
        command.args(args).args(["--site", &url]).env("OFFPEAK_TOKEN", &token).output().unwrap()
    };

    // The same report from the folder and over the network.
    let span = ["--from", "2022-10-03T00:00", "--to", "2022-10-03T20:00"];
    for form in ["--csv", "--json"] {
        let args = [&["report", "energy", "--by", "hall,hour", form][..], &span].concat();
        let (here, there) = (run(dir.path(), &args), far(&args));
        assert_eq!(code(&there), 0, "{}", stderr(&there));
        assert!(stdout(&here).contains("hall-2"), "{}", stdout(&here));
        assert_eq!(stdout(&here), stdout(&there));
    }
    let wrong = far(&["report", "energy", "--from", "soon"]);
    assert_eq!(code(&wrong), 5);
    assert!(stderr(&wrong).contains("`soon` is no time\nhint: 2022-10-03T08:00"), "{}", stderr(&wrong));

    let copied = far(&["backup"]);
    assert_eq!(code(&copied), 0, "{}", stderr(&copied));
    let name = stdout(&copied).split(':').next().unwrap().to_owned();
    let copy = dir.path().join("offpeak-data/demo/copies").join(&name);
    let verified = run(dir.path(), &["audit", "verify", "--book", copy.to_str().unwrap()]);
    assert!(stdout(&verified).contains("the audit chain holds"), "{}", stderr(&verified));

    let verified = far(&["audit", "verify"]);
    assert!(stdout(&verified).contains("the audit chain holds"), "{}", stderr(&verified));
    let shown = stdout(&far(&["audit", "show", "--last", "50"]));
    assert!(shown.contains("backup") && shown.contains(&name), "{shown}");

    let found = far(&["scan", "127.1.0.0/22", "--json"]);
    let found: Value = serde_json::from_slice(&found.stdout).unwrap_or_else(|_| panic!("{}", stderr(&found)));
    let rows = found.as_array().unwrap();
    assert!(rows.len() >= 60, "{} of 64 answer", rows.len());
    assert!(rows.iter().all(|row| row["machine"].is_string()), "each stands in its place: {found}");
    assert_eq!(code(&far(&["scan", "10.0.0.0/2"])), 5, "more than anybody means");

    // A machine's night: it ran.
    let night = "/minutes?from=2022-10-02T18:00:00Z&until=2022-10-03T02:00:00Z";
    let (status, minutes) = socket.ask("GET", &format!("{path}{night}"), None);
    assert_eq!(status, 200, "{minutes}");
    let watts = minutes["power_w"].as_array().unwrap();
    let known: Vec<f64> = watts.iter().filter_map(Value::as_f64).collect();
    assert!(known.len() > 400 && known.iter().any(|watts| *watts > 1_000.0), "{minutes}");
}

#[test]
fn a_machine_is_looked_at_blinks_and_is_not_woken_by_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (_demo, _url) = demo(dir.path());
    let socket = Asker::at(dir.path());
    let path = socket.first_of_hall_1();
    socket.until(&path, |machine| machine["state"] == "running");

    let (status, look) = socket.ask("GET", &format!("{path}/look"), None);
    assert_eq!((status, &look["understood"]["activity"]), (200, &json!("hashing")), "{look}");
    assert!(look["transcript"].as_str().unwrap().contains("sent"), "{look}");
    let (status, done) = socket.ask("PUT", &format!("{path}/light"), Some(json!({"on": true})));
    assert_eq!(status, 200, "{done}");
    let pools =
        json!({"pools": [{"url": "stratum+tcp://pool.example:3333", "user": "acme.1"}], "reason": "moved"});
    let (status, done) = socket.ask("PUT", &format!("{path}/pools"), Some(pools));
    assert_eq!(status, 200, "{done}");

    // Held, it sleeps alone; nothing is changed by asking what that would do; released, the plan wakes it.
    let id = path.trim_start_matches("/machines/").replace("%2F", "/");
    let (status, seen) = socket.ask("POST", "/holds/preview", Some(json!({ "machines": [id] })));
    assert_eq!((status, &seen["stops"]), (200, &json!([[id, "sleep"]])), "{seen}");
    assert!(seen["after_kw"].as_f64() < seen["before_kw"].as_f64(), "{seen}");
    let hold = json!({ "machines": [id], "reason": "boards are swapped", "until": "2022-10-03T00:00:00Z" });
    let (status, said) = socket.ask("POST", "/holds", Some(hold));
    assert_eq!(status, 422, "its end has passed: {said}");
    let (status, said) =
        socket.ask("POST", "/holds", Some(json!({ "machines": ["nowhere"], "reason": "x" })));
    assert_eq!(status, 404, "{said}");
    let hold = json!({ "machines": [id], "reason": "boards are swapped" });
    assert_eq!(socket.ask("POST", "/holds", Some(hold.clone())).0, 200);
    let machine = socket.until(&path, |machine| machine["state"] == "asleep");
    assert_eq!(machine["held"]["reason"], "boards are swapped", "{machine}");
    let (_, page) = socket.ask("GET", "/machines?held=true", None);
    assert_eq!((&page["total"], &page["machines"][0]["id"]), (&json!(1), &json!(id)), "{page}");
    let (_, why) = socket.ask("GET", &format!("{path}/why"), None);
    assert!(why["reason"].as_str().unwrap().ends_with(": boards are swapped"), "{why}");
    assert_eq!(socket.ask("POST", "/holds/release", Some(hold.clone())).0, 200);
    let (status, said) = socket.ask("POST", "/holds/release", Some(hold));
    assert_eq!(status, 409, "nobody holds it any more: {said}");
    socket.until(&path, |machine| machine["state"] == "running");

    let (status, _) = socket.ask("POST", "/stops", Some(json!({"circuit": "hall-1", "reason": "test"})));
    assert_eq!(status, 200);
    socket.until(&path, |machine| machine["state"] == "asleep");
    let (status, said) = socket.ask("POST", &format!("{path}/restart"), Some(json!({"reason": "stuck"})));
    assert_eq!(status, 409, "{said}");
    assert!(said["detail"].as_str().unwrap().contains("a machine that restarts may hash"), "{said}");

    let (_, audit) = socket.ask("GET", "/audit", None);
    let deeds: Vec<&str> =
        audit.as_array().unwrap().iter().filter_map(|deed| deed["what"].as_str()).collect();
    assert!(
        ["blink", "pools", "machines held", "machines released", "stop"]
            .iter()
            .all(|what| deeds.contains(what)),
        "{deeds:?}"
    );
    assert!(!deeds.contains(&"restart"), "what was refused is not noted as done");
}
