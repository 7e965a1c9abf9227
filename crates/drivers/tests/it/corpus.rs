//! What fuzzing found, and every recording, through every parser: nothing panics.

use std::path::Path;

/// Files below a folder, however deep.
fn files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

#[test]
fn the_corpus_and_the_recordings_are_replayed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for folder in ["../../fuzz/corpus/replies", "tests/fixtures"] {
        let before = found.len();
        files(&root.join(folder), &mut found);
        assert!(found.len() > before, "{folder} holds something");
    }
    for path in found {
        offpeak_drivers::parsers::run_all(&std::fs::read(&path).unwrap());
    }
}
