//! The API against its own document, judged by schemathesis: whatever it makes up, the answers are those that the
//! document promises.

use std::path::PathBuf;
use std::process::Command;

use offpeak_server::access::Permission;

use super::served::Served;

/// Requests made up for each route and phase.
const EXAMPLES: &str = "12";

#[test]
fn whatever_is_asked_the_answer_is_in_the_document() {
    let python: PathBuf = std::env::var_os("OFFPEAK_PYTHON")
        .expect("OFFPEAK_PYTHON names no Python with the tests' requirements installed: run `make test`")
        .into();
    let served = Served::unbounded();
    let token = served.token("anna", "owner", None, &Permission::ALL, 1);
    let document = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let dir = tempfile::tempdir().unwrap();
    let judged = Command::new(python.with_file_name("schemathesis"))
        .current_dir(dir.path())
        .arg("run")
        .arg(document)
        .args(["--url", &served.base, "--header", &format!("Authorization: Bearer {token}")])
        .args(["--max-examples", EXAMPLES, "--seed", "1", "--workers", "1", "--request-timeout", "20"])
        // It has no end; `routes` looks at its beginning.
        .args(["--exclude-path", "/api/v1/stream"])
        .args(["--phases", "examples,coverage,fuzzing", "--generation-database", "none", "--no-color"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&judged.stdout);
    assert!(judged.status.success(), "{said}\n{}", String::from_utf8_lossy(&judged.stderr));
}
