//! Help, messages and exit codes; and simulations, whose numbers are the same for the same seed.

use super::{code, json, offpeak, run, site, stderr, stdout};

const DOCS: &str = include_str!("../../../../docs/cli.md");

#[test]
fn help_teaches_by_example() {
    let dir = tempfile::tempdir().unwrap();
    let commands = [
        "demo",
        "run",
        "twin",
        "simulate",
        "check",
        "status",
        "machines",
        "machine",
        "scan",
        "device",
        "explain",
        "stop",
        "resume",
        "lockout",
        "authority",
        "order",
        "plan",
        "why",
        "orders",
        "calendar",
        "dispatch",
        "report",
        "audit",
        "backup",
        "restore",
        "sql",
        "lake",
        "bench",
        "completions",
    ];
    for command in commands {
        let asked: &[&str] = match command {
            "device" => &["device", "try", "--help"],
            "audit" => &["audit", "verify", "--help"],
            "lake" => &["lake", "upload", "--help"],
            _ => &[command, "--help"],
        };
        let output = run(dir.path(), asked);
        assert!(stdout(&output).contains("Example"), "{command} has an example");
        assert!(DOCS.contains(&format!("`{command}")), "docs/cli.md tells of {command}");
    }
    let help = stdout(&run(dir.path(), &["--help"]));
    let (_, exit_codes) = help.split_once("Exit codes:\n").unwrap();
    for line in exit_codes.lines() {
        let (code, meaning) = line.trim().split_once("  ").unwrap();
        assert!(DOCS.contains(&format!("| {code} | {meaning} |")), "docs/cli.md: {line}");
    }
    insta::assert_snapshot!(help);
}

#[test]
fn completions_for_every_shell() {
    let dir = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(stdout(&run(dir.path(), &["completions", shell])).contains("offpeak"), "{shell}");
    }
}

#[test]
fn a_good_site_is_summed_up() {
    let dir = tempfile::tempdir().unwrap();
    let output = run(dir.path(), &["check", site("ekibastuz.toml").to_str().unwrap()]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(
        stdout(&output).contains("without a controller") || stdout(&output).contains("controller"),
        "{}",
        stdout(&output)
    );
    let schema = run(dir.path(), &["check", "--schema"]);
    assert!(json(&schema)["properties"]["grid"].is_object());
}

#[test]
fn mistakes_are_all_told_with_their_lines() {
    let dir = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(site("small.toml")).unwrap();
    let bad = text
        .replace("rating_kw = 250                # what", "rating_kw = \"lots\" # what")
        .replace("limit_kw = 190", "limit_kv = 190");
    std::fs::write(dir.path().join("bad.toml"), bad).unwrap();
    let output = run(dir.path(), &["check", "bad.toml"]);
    assert_eq!(code(&output), 3);
    let told = stdout(&output);
    assert!(told.contains("bad.toml:15:") && told.contains("lots"), "{told}");
    assert!(told.contains("bad.toml:117:1") && told.contains("bad.toml:124:1"), "{told}");
    for command in [["run", "bad.toml"], ["twin", "bad.toml"]] {
        assert_eq!(code(&run(dir.path(), &command)), 3, "{command:?}");
    }
}

#[test]
fn where_nothing_runs_it_is_said_with_a_hint() {
    let dir = tempfile::tempdir().unwrap();
    for command in [vec!["status"], vec!["stop"], vec!["machines"], vec!["explain", "grid"], vec!["resume"]] {
        let output = run(dir.path(), &command);
        assert_eq!(code(&output), 4, "{command:?}");
        assert!(stderr(&output).contains("hint:"), "{}", stderr(&output));
    }
    let output = offpeak(dir.path()).args(["status", "--dir", "nowhere"]).output().unwrap();
    assert_eq!(code(&output), 4);
    assert_eq!(code(&run(dir.path(), &["status", "--jsno"])), 2);
    assert_eq!(code(&run(dir.path(), &["check", "missing.toml"])), 1);
}

#[test]
fn explain_answers_for_any_time_from_the_file_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = site("ekibastuz.toml");
    let path = path.to_str().unwrap();
    let at =
        |time: &str| json(&run(dir.path(), &["explain", "grid", "--at", time, "--site", path, "--json"]));
    let open = at("2022-10-03T01:00");
    assert_eq!(
        (&open["binding"]["source"], &open["binding"]["limit_kw"]),
        (&"contract".into(), &150_000.0.into())
    );
    assert_eq!(open["next"]["source"], "rating");
    let closed = at("2022-10-03T12:00");
    assert_eq!(closed["binding"]["source"], "contract: outside the window");
    assert_eq!(closed["block"], "contract: outside the window: nothing may hash");
    let weekend = at("2022-10-08T12:00");
    assert_eq!(weekend["binding"]["source"], "contract");

    let told = run(dir.path(), &["explain", "grid", "--at", "2022-10-03T12:00", "--site", path]);
    assert!(stdout(&told).starts_with("grid at 2022-10-03 12:00:00 Asia/Almaty\n"), "{}", stdout(&told));
    assert!(stdout(&told).ends_with("changes    2022-10-04 00:00:00\n"), "in civil time: {}", stdout(&told));
    let nowhere = ["explain", "hall-99", "--at", "2022-10-03T12:00", "--site", path];
    let refused = run(dir.path(), &nowhere);
    assert_eq!(code(&refused), 5);
    assert!(stderr(&refused).contains("did you mean `hall-"), "{}", stderr(&refused));
}

#[test]
fn a_simulated_day_keeps_its_limits_and_replays() {
    let dir = tempfile::tempdir().unwrap();
    let path = site("ekibastuz.toml");
    let day = |seed: &str| {
        let args = [
            "simulate",
            path.to_str().unwrap(),
            "--from",
            "2022-10-03",
            "--days",
            "1",
            "--seed",
            seed,
            "--json",
        ];
        let output = run(dir.path(), &args);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        let mut report = json(&output);
        report.as_object_mut().unwrap().remove("wall_ms").unwrap();
        report
    };
    let first = day("1");
    assert_eq!(first["machines"], 55_040);
    assert_eq!(first["limit_excess_count"], 0);
    assert_eq!(first["checker_vetoes"], 0);
    let share = first["running_share"].as_f64().unwrap();
    assert!(share > 0.31 && share < 8.0 / 24.0, "{share}");
    assert_eq!(first, day("1"));
    assert_ne!(first, day("2"));
}

/// A site file with a secrets file beside it, readable by whom `mode` lets.
fn with_secrets(dir: &std::path::Path, secrets: &str, mode: u32) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let text = std::fs::read_to_string(site("small.toml")).unwrap();
    let path = dir.join("mine.toml");
    let text = text.replacen("currency = \"KZT\"", "currency = \"KZT\"\nsecrets = \"secrets.toml\"", 1);
    std::fs::write(&path, text).unwrap();
    std::fs::write(dir.join("secrets.toml"), secrets).unwrap();
    std::fs::set_permissions(dir.join("secrets.toml"), std::fs::Permissions::from_mode(mode)).unwrap();
    path
}

#[test]
fn a_secrets_file_is_for_its_owner_and_is_never_repeated() {
    let dir = tempfile::tempdir().unwrap();
    let good = "[site]\nwhatsminer-v2 = { password = \"hunter22\" }\n";
    let check = |secrets: &str, mode| {
        let path = with_secrets(dir.path(), secrets, mode);
        run(dir.path(), &["check", path.to_str().unwrap()])
    };
    let output = check(good, 0o600);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(stdout(&output).contains("open with the factory's password"), "the Antminers do");

    let output = check(good, 0o644);
    assert_eq!(code(&output), 3, "{}", stdout(&output));
    assert!(stderr(&output).contains("open to others (mode 644)\nhint: chmod 600"), "{}", stderr(&output));

    let output = check("[site]\nwhatsminer-v2 = \"hunter22\"\n", 0o600);
    assert_eq!(code(&output), 3);
    assert!(stderr(&output).contains("line 2"), "{}", stderr(&output));
    assert!(!stderr(&output).contains("hunter22") && !stdout(&output).contains("hunter22"));

    let output = check("[group.hall-9]\navalon = { password = \"x\" }\n", 0o600);
    assert!(stderr(&output).contains("hall-9"), "{}", stderr(&output));
}
