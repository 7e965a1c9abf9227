//! What is counted by the month.

use std::sync::Arc;

use offpeak_store::{Counts, Entry, Recorder, ServedEntry};

use super::{folder, open};

fn served(month: &str, owner: &str, watt_hours: i64) -> ServedEntry {
    ServedEntry { month: month.into(), owner: owner.into(), watt_hours }
}

#[test]
fn a_count_goes_in_place_of_the_one_before_and_each_month_is_its_own() {
    let folder = folder();
    {
        let recorder = Recorder::start(Arc::new(open(folder.path())));
        for (month, a, b) in [("2022-09", 7, 9), ("2022-10", 1, 0), ("2022-10", 5, 3)] {
            let counts = Counts { served: vec![served(month, "a", a), served(month, "b", b)] };
            let entry =
                Entry { changes: vec![], verdicts: vec![], summary: None, counts, then: Box::new(|| {}) };
            assert!(recorder.write(entry));
        }
    }
    let book = open(folder.path());
    let found = |month: &str| book.served(month).unwrap().into_iter().collect::<Vec<_>>();
    assert_eq!(found("2022-09"), [("a".to_owned(), 7), ("b".to_owned(), 9)]);
    assert_eq!(found("2022-10"), [("a".to_owned(), 5), ("b".to_owned(), 3)]);
    assert_eq!(found("2022-11"), [], "nothing was counted, and nothing is told");
}
