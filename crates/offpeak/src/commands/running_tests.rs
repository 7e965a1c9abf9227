use jiff::SignedDuration;
use offpeak_server::view::KeptOutView;

use super::*;
use crate::sample::{at, sample};

fn line(ahead: AheadView) -> String {
    let view = SiteView { ahead, ..sample(Some(2_800.0)) };
    let text = status_text(&view);
    text.lines().find(|line| line.starts_with("ahead")).unwrap().to_owned()
}

fn plan() -> AheadView {
    AheadView {
        state: AheadState::InForce,
        made_at: Some(at(0)),
        age_s: Some(600.0),
        reaches: Some(at(0) + SignedDuration::from_hours(48)),
        holds_until: Some(at(7_200)),
        more: Some(1_234.5),
        more_percent: Some(1.25),
        keeps_out: vec![
            KeptOutView { model: "M30S".into(), until: Some(at(3_600)) },
            KeptOutView { model: "S9".into(), until: None },
        ],
        ..AheadView::default()
    }
}

#[test]
fn the_plan_ahead_is_one_line_of_the_status() {
    let made = "ahead      plan of 2022-10-03 00:00:00 (10 min old) until 2022-10-05 00:00:00; ";
    assert_eq!(
        line(plan()),
        format!(
            "{made}1.25 % more than hour by hour (1234.50 KZT); keeps out M30S until 2022-10-03 01:00:00, S9"
        )
    );
    let nobody = AheadView { keeps_out: vec![], more: None, more_percent: None, ..plan() };
    assert_eq!(line(nobody), format!("{made}keeps nobody out"));
    let why = "the solver had no plan after 30 s and was killed";
    let told = |state, plan| line(AheadView { state, why: Some(why.to_owned()), ..plan });
    let old = told(AheadState::TooOld, plan());
    assert_eq!(old, format!("{made}too old: each hour is decided by its own prices; {why}"));
    assert_eq!(told(AheadState::None, AheadView::default()), format!("ahead      no plan: {why}"));
}
