use super::*;
use crate::rank::Ranking;
use crate::testing::monday;

/// Three quarters of an hour for two models.
fn outlook() -> Outlook {
    Outlook {
        made_at: monday(60),
        begins: vec![monday(60), monday(900), monday(1_800), monday(2_700)],
        runs: vec![vec![Some(false), None], vec![Some(false), Some(true)], vec![Some(true), Some(false)]],
        more_ppm: 0,
        more: None,
        peaks: vec![],
    }
}

#[test]
fn whom_a_plan_keeps_out_is_told_with_its_end() {
    let outlook = outlook();
    assert_eq!(outlook.reaches(), monday(2_700));
    let kept = |second| outlook.keeps_out(monday(second));
    assert_eq!(kept(60), [(ModelIx(0), Some(monday(1_800)))]);
    assert_eq!(kept(1_799), [(ModelIx(0), Some(monday(1_800)))]);
    assert_eq!(kept(1_800), [(ModelIx(1), None)], "to its end");
    for second in [0, 59, 2_700] {
        assert_eq!(kept(second), [], "it says nothing at {second}");
        assert!(!outlook.is_in_force(monday(second)));
    }
}

/// Only who would earn by the hour's own prices is kept out by the plan; the others earn too little anyway.
#[test]
fn who_is_kept_out_by_the_plan_is_told_from_who_earns_too_little() {
    let outlook = Outlook { runs: vec![vec![Some(false), Some(false), Some(true), None]], ..outlook() };
    let mut site = crate::testing::site();
    for (model, machine) in site.machines.iter_mut().enumerate() {
        machine.model = ModelIx(model as u16);
    }
    site.machines.truncate(4);
    let (yes, no) = (Some(true), Some(false));
    let mut ranking = Ranking { order: vec![], earns: vec![yes, no, no, yes], kept_out: vec![false; 4] };
    ranking.follow(&site, &outlook, 0);
    assert_eq!(ranking.earns, [no, no, yes, yes]);
    assert_eq!(ranking.kept_out, [true, false, false, false]);
    let mut unknown = Ranking { order: vec![], earns: vec![None; 4], kept_out: vec![false; 4] };
    unknown.follow(&site, &outlook, 0);
    assert_eq!((unknown.earns, unknown.kept_out), (vec![None; 4], vec![false; 4]));
}

/// A plan may run machines in any mode where modes may be changed, and in their normal one elsewhere.
#[test]
fn the_hours_ahead_know_the_modes_that_may_be_changed() {
    let text = include_str!("../../../../sites/small.toml");
    let mut site = offpeak_site::file::load("small.toml", text, &|_| None).unwrap();
    let currency = site.economics.currency;
    site.economics.costs.start = Some(Money::new(10.into(), currency));
    let modes = crate::testing::site_with_modes().models[0].modes.clone();
    site.models.iter_mut().for_each(|model| model.modes.clone_from(&modes));
    let standings = vec![Standing::Running; site.machines.len()];
    for (tuned, expected) in [(false, 1), (true, 3)] {
        site.rules.tuning.change_modes = tuned;
        let counts = Counts::new(&site);
        let asked = ask(&site, &Directives::default(), &counts, &standings, monday(0)).unwrap();
        assert!(asked.question.classes.iter().all(|class| class.modes.len() == expected));
        assert!(asked.question.check().is_ok());
    }
}
