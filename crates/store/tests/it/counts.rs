//! What is counted by the month.

use std::sync::Arc;

use offpeak_store::{BudgetEntry, Counts, Entry, PeakEntry, Recorder, ServedEntry};
use offpeak_units::{Energy, Power};

use super::{at, folder, open};

fn served(month: &str, owner: &str, watt_hours: i64) -> ServedEntry {
    ServedEntry { month: month.into(), owner: owner.into(), watt_hours }
}

#[test]
fn a_count_goes_in_place_of_the_one_before_and_each_month_is_its_own() {
    let folder = folder();
    {
        let recorder = Recorder::start(Arc::new(open(folder.path())));
        for (month, a, b) in [("2022-09", 7, 9), ("2022-10", 1, 0), ("2022-10", 5, 3)] {
            let served = vec![served(month, "a", a), served(month, "b", b)];
            let counts = Counts { served, ..Counts::default() };
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

#[test]
fn the_last_period_of_a_budget_and_the_last_month_are_found_as_they_were_written() {
    let folder = folder();
    let day = 86_400;
    let used = |budget: &str, from: i64, seen: i64, register: Option<i64>| BudgetEntry {
        budget: budget.into(),
        circuit: "grid".into(),
        from: at(from),
        until: at(from + day),
        since: at(from + 10),
        at: at(from + 100),
        seen: Energy::from_joules(seen),
        assumed: Energy::from_joules(7),
        register: register.map(Energy::from_joules),
    };
    let month = |from: i64, peak: Option<i64>| PeakEntry {
        from: at(from),
        since: at(from + 1),
        at: at(from + 100),
        peak: peak.map(|watts| (Power::from_watts(watts), at(from + 50))),
        unseen_s: 3,
        minutes: 15,
        stretch: peak.map(|_| (at(from + 90), Energy::from_joules(11), 10)),
        register: None,
    };
    {
        let book = open(folder.path());
        assert_eq!((book.budget_uses().unwrap(), book.billing_peak().unwrap()), (vec![], None));
        for counts in [
            Counts {
                budgets: vec![used("a", day, 5, None)],
                peak: Some(month(0, None)),
                ..Counts::default()
            },
            Counts { budgets: vec![used("a", 0, 9, None), used("b", 0, 1, Some(2))], ..Counts::default() },
            Counts {
                budgets: vec![used("a", day, 6, Some(4))],
                peak: Some(month(0, Some(0))),
                ..Counts::default()
            },
        ] {
            book.record_with(&[], &[], None, &counts).unwrap();
        }
    }
    let book = open(folder.path());
    let mut found = book.budget_uses().unwrap();
    found.sort_by(|one, other| one.budget.cmp(&other.budget));
    assert_eq!(found, [used("a", day, 6, Some(4)), used("b", 0, 1, Some(2))]);
    assert_eq!(
        book.billing_peak().unwrap(),
        Some(month(0, Some(0))),
        "a peak of zero is one, and none is none"
    );
    book.record_with(&[], &[], None, &Counts { peak: Some(month(31 * day, None)), ..Counts::default() })
        .unwrap();
    assert_eq!(book.billing_peak().unwrap(), Some(month(31 * day, None)));
}
