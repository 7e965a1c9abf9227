//! What fuzzing found, and every recording, through every parser: nothing panics.

use std::path::Path;

use proptest::prelude::*;

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

/// As the fuzzer reads it: a site file, with an inventory, a secrets file and a feed made of the same text.
#[test]
fn what_was_found_in_site_files_is_replayed() {
    let mut found = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/site_file"), &mut found);
    assert!(!found.is_empty());
    let small = include_str!("../../../../sites/small.toml");
    let site = offpeak_site::file::load("small.toml", small, &|_| None).unwrap();
    for path in found {
        let text = std::fs::read_to_string(&path).unwrap();
        let _ = offpeak_site::file::load_with_warnings("fuzz.toml", &text, &|_| Some(text.clone()));
        let _ = offpeak_site::file::feed("feed.toml", &text, &site);
        let _ = offpeak_drivers::secrets::Secrets::parse(&text);
    }
}

/// The journal's is replayed by the lake's tests, the moments' by dispatch's.
#[test]
fn every_corpus_has_a_replay() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let names = |folder: &Path| {
        let entries = std::fs::read_dir(folder).unwrap();
        let stem = |path: std::path::PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
        entries.map(|entry| stem(entry.unwrap().path())).collect::<std::collections::BTreeSet<_>>()
    };
    let replayed = ["journal", "moment", "replies", "site_file"].map(str::to_owned).into();
    assert_eq!(names(&folder.join("corpus")), replayed, "a new corpus needs a replay, and its name here");
    assert_eq!(names(&folder.join("fuzz_targets")), replayed, "a new target needs a corpus");
}

proptest! {
    #[test]
    fn nothing_that_is_said_over_a_wire_panics(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        offpeak_drivers::parsers::run_all(&bytes);
    }

    /// Halves of protocols: heads, lengths, challenges and frames that begin well.
    #[test]
    fn nor_does_what_begins_well(
        start in 0_usize..6, rest in proptest::collection::vec(any::<u8>(), 0..200), length in any::<u32>(),
    ) {
        let starts: [Vec<u8>; 6] = [
            length.to_le_bytes().to_vec(),
            format!("HTTP/1.1 401 X\r\nWWW-Authenticate: Digest {}\r\nContent-Length: {}\r\n\r\n",
                String::from_utf8_lossy(&rest).replace(['\r', '\n'], " "), length % 300).into_bytes(),
            format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n", length).into_bytes(),
            format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n").into_bytes(),
            vec![0, 0, 0, 0, 0, (length % 256) as u8, 1, 4, (length >> 8) as u8],
            b"{\"STATUS\":[{\"STATUS\":\"S\"}],".to_vec(),
        ];
        offpeak_drivers::parsers::run_all(&[starts[start].as_slice(), &rest].concat());
    }
}
