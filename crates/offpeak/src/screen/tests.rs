//! Pictures at the usual sizes, none that panics at any size, and keys.

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;
use crate::view::{
    ChangeView, CommandsView, CountsView, DecisionView, HallView, LimitView, MoneyView, PointView,
};

fn at(second: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(1_664_733_600 + second).unwrap()
}

fn sample(power_kw: Option<f64>) -> SiteView {
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
    };
    let trace = (0..200).map(|n| PointView {
        at: at(n * 60 - 12_000),
        power_kw: (!(90..110).contains(&n)).then_some(f64::from(n as i32) * 14.0),
        limit_kw: Some(2_916.0),
    });
    SiteView {
        site: "demo".into(),
        name: "A mine of 1000 machines".into(),
        at: at(600),
        time_zone: "Asia/Almaty".into(),
        speed: 10,
        transport: "sockets".into(),
        power_kw,
        power_age_s: Some(1.0),
        limit: Some(LimitView { limit_kw: 2_916.0, source: "contract".into(), until: Some(at(28_800)) }),
        next: Some(ChangeView { at: at(28_800), limit_kw: 76.0, text: "window closes".into() }),
        block: None,
        hash_rate_ths: 81_234.5,
        efficiency_j_per_th: Some(35.6),
        money: MoneyView {
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
        },
        counts,
        halls: vec![hall(1), hall(2)],
        commands: CommandsView { issued: 1_020, confirmed: 1_010, timed_out: 3, ..CommandsView::default() },
        decisions: vec![DecisionView { at: at(0), text: "wake 38: starts: there is room".into() }],
        alarms: if power_kw.is_none() {
            vec!["the revenue meter is silent: nothing is started".into()]
        } else {
            vec![]
        },
        checker_vetoes: 0,
        trace: trace.collect(),
    }
}

fn picture(view: &SiteView, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw::draw(frame, view, &UiState::default())).unwrap();
    terminal.backend().to_string()
}

#[test]
fn an_open_mine_on_a_small_terminal() {
    insta::assert_snapshot!(picture(&sample(Some(2_800.0)), 80, 24));
}

#[test]
fn an_open_mine_on_a_large_terminal() {
    insta::assert_snapshot!(picture(&sample(Some(2_800.0)), 200, 50));
}

#[test]
fn a_silent_meter_is_said_and_not_zero() {
    let shown = picture(&sample(None), 80, 24);
    assert!(shown.contains("no meter") && shown.contains("! the revenue meter is silent"), "{shown}");
}

#[test]
fn above_the_limit_is_a_word_too() {
    assert!(picture(&sample(Some(3_000.0)), 120, 30).contains("ABOVE"));
}

#[test]
fn no_size_panics() {
    let view = sample(None);
    for width in 1..=60 {
        for height in 1..=30 {
            picture(&view, width, height);
        }
    }
}

#[test]
fn a_stop_takes_two_presses_within_three_seconds() {
    let key = |letter| KeyEvent::new(KeyCode::Char(letter), KeyModifiers::NONE);
    let (mut state, now) = (UiState::default(), Instant::now());
    assert_eq!(state.press(key('s'), 2, now), Wish::Nothing);
    assert_eq!(state.press(key('s'), 2, now + Duration::from_secs(1)), Wish::Stop);
    assert_eq!(state.press(key('s'), 2, now), Wish::Nothing);
    assert_eq!(state.press(key('s'), 2, now + SECOND_PRESS), Wish::Nothing, "too late: it asks again");
    assert_eq!(state.press(key('x'), 2, now + SECOND_PRESS), Wish::Nothing);
    assert_eq!(
        state.press(key('s'), 2, now + SECOND_PRESS),
        Wish::Nothing,
        "another key in between: it asks again"
    );
}
