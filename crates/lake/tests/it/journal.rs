//! A journal that ends in the middle, is cut, or is damaged: what is whole is taken, once.

use std::path::PathBuf;

use proptest::prelude::*;

use super::{folder, machine, machines, open, options};
use offpeak_lake::{Lake, fuzz_frame};

/// A journal of one segment with so many frames of two rows, as a killed writer leaves it.
fn left(frames: i64) -> (tempfile::TempDir, PathBuf) {
    let folder = folder();
    let mut lake = open(folder.path());
    for minute in 0..frames {
        lake.append(&[machine(1, minute), machine(2, minute)]).unwrap();
    }
    lake.sync().unwrap();
    drop(lake);
    let segment = std::fs::read_dir(folder.path().join("journal")).unwrap().next().unwrap().unwrap().path();
    (folder, segment)
}

#[test]
fn what_a_writer_leaves_in_the_journal_is_in_the_tables_when_the_next_one_opens() {
    let (folder, segment) = left(10);
    assert!(machines(folder.path()).is_empty());
    let lake = open(folder.path());
    assert_eq!((lake.recovered().segments, lake.recovered().rows), (1, 20));
    assert!(!segment.exists());
    assert_eq!(machines(folder.path()).len(), 20);
    drop(lake);
    assert_eq!(open(folder.path()).recovered().rows, 0);
    assert_eq!(machines(folder.path()).len(), 20);
}

#[test]
fn a_kill_between_a_table_and_the_end_of_the_segment_counts_nothing_twice() {
    // As if the writer had died after the first day's file and before the second's, then after both.
    for (published, left) in [(1, 2), (2, 2)] {
        let folder = folder();
        let mut lake = open(folder.path());
        lake.append(&[machine(1, 1_439), machine(1, 1_440)]).unwrap();
        lake.sync().unwrap();
        drop(lake);
        let journal = folder.path().join("journal");
        let segment = std::fs::read_dir(&journal).unwrap().next().unwrap().unwrap();
        let copy = (segment.file_name(), std::fs::read(segment.path()).unwrap());
        drop(open(folder.path()));
        // The segment is back, and one of the days may be gone.
        std::fs::write(journal.join(&copy.0), &copy.1).unwrap();
        if published == 1 {
            std::fs::remove_dir_all(folder.path().join("machine/date=2022-10-04")).unwrap();
        }
        drop(open(folder.path()));
        assert_eq!(machines(folder.path()).len(), left, "{published} of the days were published");
    }
}

#[test]
fn a_journal_cut_anywhere_gives_what_was_whole_before_the_cut() {
    let (folder, segment) = left(6);
    let bytes = std::fs::read(&segment).unwrap();
    // Frames of the same shape: they are about equally long.
    let step = (bytes.len() / 40).max(1);
    for cut in (0..bytes.len()).step_by(step) {
        let other = super::folder();
        drop(Lake::open(other.path(), options(100)).unwrap());
        std::fs::write(other.path().join("journal/000000007.jnl"), &bytes[..cut]).unwrap();
        let lake = Lake::open(other.path(), options(100)).unwrap();
        let found = machines(other.path());
        assert_eq!(found.len() % 2, 0, "cut at {cut}: a frame is whole or not there");
        assert_eq!(found.len() as u64, lake.recovered().rows);
        let minutes: Vec<i64> = found.keys().filter(|(name, _)| name == "m001").map(|(_, at)| *at).collect();
        assert!(
            minutes.windows(2).all(|pair| pair[1] - pair[0] == 60),
            "cut at {cut}: none is missing between"
        );
        assert_eq!(lake.recovered().damaged_bytes, 0, "a cut is no damage");
    }
    drop(folder);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_byte_costs_the_frame_it_is_in(place in 0.0..1.0_f64, flip in 1_u8..) {
        let (folder, segment) = left(6);
        let mut bytes = std::fs::read(&segment).unwrap();
        let place = (bytes.len() as f64 * place) as usize;
        bytes[place] ^= flip;
        std::fs::write(&segment, &bytes).unwrap();
        let lake = open(folder.path());
        prop_assert_eq!(machines(folder.path()).len(), 10, "one frame of two rows is lost");
        let recovered = lake.recovered();
        prop_assert!(recovered.damaged_bytes > 0 || recovered.torn_bytes > 0);
    }
}

#[test]
fn what_the_fuzzer_starts_from_is_a_frame_of_ours() {
    let seed = include_bytes!("../../../../fuzz/corpus/journal/two-commands");
    assert_eq!(fuzz_frame(seed), Ok(2));
    for cut in 0..seed.len() {
        assert!(fuzz_frame(&seed[..cut]).is_err(), "cut at {cut}");
    }
}

proptest! {
    #[test]
    fn bytes_that_are_no_frame_are_answered(payload in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = fuzz_frame(&payload);
    }

    #[test]
    fn a_frame_with_any_byte_changed_is_read_or_refused(place in 0.0..1.0_f64, byte in any::<u8>()) {
        let (_folder, segment) = left(1);
        let bytes = std::fs::read(&segment).unwrap();
        let mut payload = bytes[12..].to_vec();
        let place = (payload.len() as f64 * place) as usize;
        payload[place] = byte;
        if let Ok(rows) = fuzz_frame(&payload) {
            prop_assert!(rows > 0);
        }
    }
}
