//! The API against its own document, judged by schemathesis: whatever it makes up, the answers are those that the
//! document promises.

use std::path::PathBuf;
use std::process::Command;

use offpeak_server::access::Permission;

use super::served::Served;

/// Requests made up for each route and phase.
const EXAMPLES: &str = "12";
/// Asked apart: where it does not get in with what it makes up, and where it may revoke its own token, so that comes last.
const DOORS: [&str; 3] = ["/api/v1/session", "/api/v1/setup", "/api/v1/tokens/{token}"];
/// It has no end; `routes` looks at its beginning.
const STREAM: &str = "/api/v1/stream";
/// Some rules are about several values together, or about what the site has, which no schema says: what is of the right
/// shape and still makes no sense is answered 422, what is too large in all 413, a change that began from another text 412.
const CONFIG: &str = r#"
[checks]
positive_data_acceptance.expected-statuses = ["2xx", "3xx", "401", "403", "404", "409", "412", "413", "422", "428", "429"]
"#;

#[test]
fn whatever_is_asked_the_answer_is_in_the_document() {
    let served = Served::unbounded();
    let token = served.token("judge", "owner", None, &Permission::ALL, 1);
    let all_but: Vec<_> =
        DOORS.into_iter().chain([STREAM]).flat_map(|path| ["--exclude-path", path]).collect();
    let said = judge(&served.base, &token, &all_but);
    assert!(!said.contains("returned only 401/403"), "it is let in everywhere: {said}");
    DOORS.iter().for_each(|path| drop(judge(&served.base, &token, &["--include-path", path])));
}

/// What schemathesis has to say when it finds nothing wrong.
fn judge(base: &str, token: &str, paths: &[&str]) -> String {
    let python: PathBuf = std::env::var_os("OFFPEAK_PYTHON")
        .expect("OFFPEAK_PYTHON names no Python with the tests' requirements installed: run `make test`")
        .into();
    let document = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("schemathesis.toml"), CONFIG).unwrap();
    let judged = Command::new(python.with_file_name("schemathesis"))
        .current_dir(dir.path())
        .args(["--config-file", "schemathesis.toml", "run"])
        .arg(document)
        .args(["--url", base, "--header", &format!("Authorization: Bearer {token}")])
        .args(["--max-examples", EXAMPLES, "--seed", "1", "--workers", "1", "--request-timeout", "20"])
        .args(["--phases", "examples,coverage,fuzzing", "--generation-database", "none", "--no-color"])
        // Names of machines that a path takes are few of all texts; it says nothing of the answers.
        .arg("--suppress-health-check=filter_too_much")
        .args(paths)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&judged.stdout).into_owned();
    assert!(judged.status.success(), "{said}\n{}", String::from_utf8_lossy(&judged.stderr));
    said
}
