//! The clock is stepped by an hour, forth and back: every row that was acknowledged is there, once.

use super::{folder, machine, machines, open};

#[test]
fn a_clock_stepped_by_an_hour_both_ways_neither_loses_nor_doubles() {
    for step in [60, -60] {
        let folder = folder();
        let mut lake = open(folder.path());
        let (mut clock, mut taken, mut duplicates) = (120, 0, 0);
        for minute in 0..240 {
            // After an hour the clock is stepped, after two it is set right again.
            clock += match minute {
                60 => step,
                120 => -step,
                _ => 0,
            };
            let answer = lake.append(&[machine(1, clock), machine(2, clock)]).unwrap();
            taken += answer.rows;
            duplicates += answer.duplicates;
            lake.sync().unwrap();
            clock += 1;
        }
        lake.close().unwrap();
        assert_eq!(taken + duplicates, 480);
        let found = machines(folder.path());
        assert_eq!(
            found.len() as u64,
            taken,
            "step of {step} minutes: what was acknowledged as new is there once"
        );
        // Stepped forth, the hour behind the step comes twice; stepped back, the hour before it does.
        assert_eq!(duplicates, 2 * 60, "step of {step} minutes: the hour that came twice was answered so");
    }
}

#[test]
fn days_far_apart_are_kept_apart() {
    let folder = folder();
    let mut lake = open(folder.path());
    for day in [0, 400, -300, 0, 400] {
        lake.append(&[machine(1, day * 1_440)]).unwrap();
    }
    lake.close().unwrap();
    assert_eq!(machines(folder.path()).len(), 3);
    assert!(folder.path().join("machine/date=2023-11-07").is_dir());
}
