//! A site as it shows itself, for tests of what is drawn and said.

use jiff::Timestamp;
use offpeak_server::view::{
    About, AheadView, ChangeView, CommandsView, CountsView, DecisionView, HallView, LimitView, MoneyView,
    PointView, SiteView,
};

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_664_733_600 + second).unwrap()
}

/// A mine of a thousand machines in its window, drawing so much.
pub(crate) fn sample(power_kw: Option<f64>) -> SiteView {
    let counts = CountsView {
        running: 940,
        rising: 20,
        asleep: 30,
        unknown: 10,
        total: 1_000,
        ..CountsView::default()
    };
    let hall = |place: u32| HallView {
        id: format!("hall-{place}"),
        authority: "control".into(),
        power_kw: power_kw.map(|power| power / 2.0),
        metered: true,
        limit_kw: Some(2_000.0),
        source: Some("rating".into()),
        counts,
        block: (place == 2).then(|| "lockout: nothing may hash".to_owned()),
        advice: None,
    };
    let trace = (0..200).map(|n| PointView {
        at: at(n * 60 - 12_000),
        power_kw: (!(90..110).contains(&n)).then_some(f64::from(n as i32) * 14.0),
        limit_kw: Some(2_916.0),
        source: Some("contract".into()),
    });
    SiteView {
        site: "demo".into(),
        name: "A mine of 1000 machines".into(),
        at: at(600),
        time_zone: "Asia/Almaty".into(),
        speed: 10,
        transport: "sockets".into(),
        connection: "grid".into(),
        power_kw,
        power_age_s: Some(1.0),
        limit: Some(LimitView { limit_kw: 2_916.0, source: "contract".into(), until: Some(at(28_800)) }),
        next: Some(ChangeView { at: at(28_800), limit_kw: 76.0, text: "window closes".into() }),
        block: None,
        hash_rate_ths: Some(81_234.5),
        efficiency_j_per_th: Some(35.6),
        money: Some(MoneyView {
            currency: "KZT".into(),
            cost_per_h: Some(75_000.0),
            revenue_per_h: Some(125_000.0),
            margin_per_h: Some(50_000.0),
            cost_today: 10_000.0,
            revenue_today: 16_000.0,
            margin_today: 6_000.0,
            energy_today_kwh: 400.0,
            unmetered_s: 0.0,
            unpriced_s: 0.0,
        }),
        counts,
        halls: vec![hall(1), hall(2)],
        fans: vec![],
        ahead: AheadView::default(),
        budgets: vec![],
        peak: None,
        held: 0,
        restart_due: false,
        read_every_s: 5.0,
        commands: CommandsView { issued: 1_020, confirmed: 1_010, timed_out: 3, ..CommandsView::default() },
        decisions: vec![DecisionView {
            at: at(0),
            text: "wake 38 machines: starts: there is room".into(),
            about: About::Site,
        }],
        alarms_unnamed: vec![],
        alarms: if power_kw.is_none() {
            vec!["the revenue meter is silent: nothing is started".into()]
        } else {
            vec![]
        },
        checker_vetoes: 0,
        trace: trace.collect(),
    }
}
