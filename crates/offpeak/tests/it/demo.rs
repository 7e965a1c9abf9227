//! The demo without a screen, in virtual time: every machine found, a shed and a wake driven and confirmed.

use super::{code, json, run, stderr};

#[test]
fn a_mine_is_found_driven_and_held_to_its_limits() {
    let dir = tempfile::tempdir().unwrap();
    // At this speed the machine's own speed is what paces it.
    let args = ["demo", "--machines", "120", "--speed", "100", "--headless", "--for", "12s", "--json"];
    let output = run(dir.path(), &args);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let report = json(&output);
    let number = |path: &str| {
        report
            .pointer(path)
            .and_then(serde_json::Value::as_u64)
            .unwrap_or_else(|| panic!("{path} in {report}"))
    };
    assert_eq!(number("/found"), 120, "{report}");
    assert!(number("/commands/wakes_confirmed") >= 80, "{report}");
    assert!(number("/drill/sleeps_confirmed") >= 1, "{report}");
    assert_eq!(number("/drill/hashing_after"), 0, "{report}");
    assert_eq!(number("/limit_excess_count"), 0, "{report}");
    assert_eq!(report["transport"], "in-memory streams, virtual time");
    assert!(report["plant_s"].as_f64().unwrap() > 480.0, "{report}");
}
