//! The plan for the hours ahead as a running site shows it: its age and reach, what it is worth and whom it keeps out,
//! or why there is none.

use jiff::Timestamp;
use offpeak_dispatch::ahead::Outlook;
use offpeak_server::view::{AheadState, AheadView, KeptOutView};
use offpeak_site::Site;

use super::ahead::Asking;
use super::answer::Answers;
use super::live::lock;
use super::views::amount;

pub(super) fn view(answers: &Answers, site: &Site, now: Timestamp) -> AheadView {
    let plan = lock(&answers.shared.directives).ahead.clone();
    let why = why(&lock(&answers.shared.asking));
    shown(plan.as_deref(), why, site, now)
}

fn shown(plan: Option<&Outlook>, why: Option<String>, site: &Site, now: Timestamp) -> AheadView {
    let Some(plan) = plan else { return AheadView { why, ..AheadView::default() } };
    let kept = |(model, until)| KeptOutView { model: site.model(model).name.clone(), until };
    AheadView {
        state: if plan.is_in_force(now) { AheadState::InForce } else { AheadState::TooOld },
        why,
        made_at: Some(plan.made_at),
        age_s: Some(plan.made_at.duration_until(now).as_secs_f64()),
        reaches: Some(plan.reaches()),
        holds_until: Some(plan.holds_until()),
        more: plan.more.map(amount),
        more_percent: Some(plan.more_ppm as f64 / 1e4),
        keeps_out: plan.keeps_out(now).into_iter().map(kept).collect(),
    }
}

fn why(asking: &Asking) -> Option<String> {
    match asking {
        Asking::Off => Some("here nobody plans the hours ahead; `offpeak run` does".to_owned()),
        Asking::NotYet => Some("the first one is being made".to_owned()),
        Asking::Needless => Some(
            "no hour depends on another: the site file has no `start_cost`, budget or demand charge, or a price or every machine is unknown"
                .to_owned(),
        ),
        Asking::Answered => None,
        Asking::Failed { since, why } => Some(format!("{why} (no new plan since {since})")),
    }
}
