//! The mistakes that people make: each is told in a line, with what to do and the documented exit code.

use super::{code, offpeak, run, site, stderr};

#[track_caller]
fn told(dir: &std::path::Path, args: &[&str], exit: i32, words: &[&str]) {
    let output = run(dir, args);
    let said = stderr(&output);
    assert_eq!(code(&output), exit, "{args:?}: {said}");
    for word in words {
        assert!(said.contains(word), "{args:?} says `{word}`: {said}");
    }
}

#[test]
fn wrong_words_end_like_any_wrong_command_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = site("small.toml");
    let path = path.to_str().unwrap();
    told(
        dir.path(),
        &["explain", "grid", "--at", "tomorrow", "--site", path],
        2,
        &["`tomorrow` is no time", "hint:"],
    );
    told(dir.path(), &["twin", path, "--start", "later"], 2, &["`later`", "hint:"]);
    told(dir.path(), &["scan", "10.0.0"], 2, &["`10.0.0` is neither", "hint:"]);
    told(dir.path(), &["scan", "10.0.0.0/8"], 2, &["endpoints", "hint:"]);
}

#[test]
fn what_is_not_there_is_named_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let path = site("small.toml");
    let path = path.to_str().unwrap();
    told(dir.path(), &["run", "nofile.toml"], 1, &["nofile.toml cannot be read", "hint: name a site file"]);
    told(dir.path(), &["run", path, "--twin"], 1, &["no twin of `small`", "hint: start `offpeak twin"]);
    told(dir.path(), &["run", path, "--screen"], 1, &["needs a terminal", "hint:"]);
    told(dir.path(), &["demo"], 1, &["needs a terminal", "hint: `offpeak demo --headless"]);
    std::fs::write(dir.path().join("file"), "").unwrap();
    told(dir.path(), &["run", path, "--dir", "file"], 1, &["data folder file cannot be made", "hint: --dir"]);
}

#[test]
fn a_running_site_refuses_what_it_does_not_know_and_another_controller() {
    let dir = tempfile::tempdir().unwrap();
    let path = site("small.toml");
    let path = path.to_str().unwrap();
    let mut running = offpeak(dir.path())
        .args(["run", path, "--for", "2m"])
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    // Each question takes its time.
    let up = (0..4_000).any(|_| code(&run(dir.path(), &["status"])) == 0);
    assert!(up, "it never answered");
    told(dir.path(), &["run", path], 1, &["one controller at a time", "hint: a site runs in"]);
    told(dir.path(), &["machines", "--hall", "hall-9"], 5, &["no circuit `hall-9`", "did you mean `hall-"]);
    told(dir.path(), &["machines", "--hall", "hall-1/rack-1"], 5, &["is not a hall"]);
    told(dir.path(), &["machines", "--state", "running"], 0, &["no machine is like that"]);
    told(dir.path(), &["stop", "Grid"], 5, &["did you mean `grid`?"]);
    told(dir.path(), &["resume"], 5, &["no stop or lockout is in force at the site"]);
    running.kill().unwrap();
    running.wait().unwrap();
}
