//! Pictures at the usual sizes, none that panics at any size, and keys.

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;
use crate::sample::{at, sample};
use offpeak_server::view::{
    About, AdviceView, ChangeView, CountsView, DecisionView, HallView, LimitView, PointView,
};

/// A mine of eight halls that sheds: above its new limit, one hall locked out, one only watched.
fn shedding() -> SiteView {
    let mut view = sample(Some(96_400.0));
    view.name = "Ekibastuz, eight hangars on the power the grid can spare".into();
    view.limit = Some(LimitView {
        limit_kw: 3_000.0,
        source: "contract: outside the window".into(),
        until: Some(at(86_400)),
    });
    view.next = Some(ChangeView { at: at(86_400), limit_kw: 150_000.0, text: "window opens".into() });
    view.counts = CountsView {
        running: 21_034,
        rising: 12,
        falling: 31_250,
        asleep: 2_400,
        cut: 17,
        failed: 211,
        unknown: 76,
        total: 55_000,
    };
    let halls = (1..=8).map(|place| HallView {
        id: format!("hangar-{place}"),
        authority: if place == 8 { "observe" } else { "control" }.into(),
        power_kw: (place != 7).then_some(f64::from(place) * 2_500.0),
        metered: place != 3,
        limit_kw: Some(if place == 2 { 4_000.0 } else { 20_000.0 }),
        source: Some("rating".into()),
        counts: CountsView {
            running: 2_629,
            falling: 3_906,
            asleep: 300,
            failed: 40,
            total: 6_875,
            ..view.counts
        },
        block: (place == 5).then(|| "lockout: nothing may hash".to_owned()),
        advice: (place == 8).then_some(AdviceView { stop: 2_629, start: 0 }),
    });
    view.halls = halls.collect();
    view.money.as_mut().unwrap().unmetered_s = 90.0;
    view.alarms = vec!["grid: 96.4 MW measured, 3 MW allowed (contract: outside the window)".into()];
    view.alarms.extend((1..=4).map(|n| format!("{n} machine(s) do not obey; see `offpeak machines`")));
    view.decisions = (0..12)
        .map(|n| DecisionView {
            at: at(n),
            text: format!("sleep {}: off: contract: outside the window at grid", 4_000 + n),
            about: About::Site,
        })
        .collect();
    view.trace = (0..300)
        .map(|n| PointView {
            at: at(n * 60 - 17_400),
            power_kw: Some(if n < 290 { 149_000.0 } else { 149_000.0 - (n - 290) as f64 * 5_500.0 }),
            limit_kw: Some(if n < 290 { 150_000.0 } else { 3_000.0 }),
            source: Some("contract".into()),
        })
        .collect();
    view
}

fn stopped() -> SiteView {
    let mut view = sample(Some(37.0));
    view.block = Some("operator's stop: nothing may hash".into());
    view.limit = Some(LimitView { limit_kw: 76.0, source: "operator's stop".into(), until: None });
    view.hash_rate_ths = Some(0.0);
    view.efficiency_j_per_th = None;
    view.counts = CountsView { asleep: 990, unknown: 10, total: 1_000, ..CountsView::default() };
    view
}

/// As far as it is known before the first cycle.
fn bare() -> SiteView {
    let mut view = sample(None);
    (view.limit, view.next, view.power_age_s) = (None, None, None);
    (view.halls, view.trace, view.decisions) = (vec![], vec![], vec![]);
    view
}

fn picture_in(view: &SiteView, state: &UiState, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw::draw(frame, view, state)).unwrap();
    terminal.backend().to_string()
}

fn picture(view: &SiteView, width: u16, height: u16) -> String {
    picture_in(view, &UiState::default(), width, height)
}

#[test]
fn an_open_mine() {
    insta::assert_snapshot!("open_80x24", picture(&sample(Some(2_800.0)), 80, 24));
    insta::assert_snapshot!("open_200x50", picture(&sample(Some(2_800.0)), 200, 50));
}

#[test]
fn a_mine_that_sheds() {
    insta::assert_snapshot!("shedding_80x24", picture(&shedding(), 80, 24));
    insta::assert_snapshot!("shedding_200x50", picture(&shedding(), 200, 50));
}

#[test]
fn a_silent_meter() {
    insta::assert_snapshot!("silent_80x24", picture(&sample(None), 80, 24));
    insta::assert_snapshot!("silent_200x50", picture(&sample(None), 200, 50));
}

#[test]
fn a_stopped_mine() {
    insta::assert_snapshot!("stopped_80x24", picture(&stopped(), 80, 24));
    insta::assert_snapshot!("stopped_200x50", picture(&stopped(), 200, 50));
}

#[test]
fn a_hall_in_detail() {
    let state = UiState { hall: 4, details: true, ..UiState::default() };
    insta::assert_snapshot!("details_80x24", picture_in(&shedding(), &state, 80, 24));
}

#[test]
fn before_the_first_cycle() {
    insta::assert_snapshot!("bare_80x24", picture(&bare(), 80, 24));
}

#[test]
fn a_silent_meter_is_said_and_not_zero() {
    let shown = picture(&sample(None), 80, 24);
    assert!(shown.contains("no meter") && shown.contains("! the revenue meter is silent"), "{shown}");
}

#[test]
fn above_the_limit_is_a_word_too() {
    assert!(picture(&sample(Some(3_000.0)), 80, 24).contains("3.000 of 2.916 MW ABOVE"));
}

#[test]
fn a_silence_breaks_the_line() {
    let runs = chart::runs(&sample(None).trace, words::Scale::of(2_916.0));
    assert_eq!(runs.iter().map(Vec::len).collect::<Vec<_>>(), [90, 90]);
    assert!((runs[1][0].1 - 110.0 * 14.0 / 1e3).abs() < 1e-9, "in MW, after the silence");
}

#[test]
fn the_chart_s_time_is_chosen() {
    let (mut state, view) = (UiState::default(), sample(Some(2_800.0)));
    let mut shown = || {
        let points = chart::latest(&view.trace, state.span).len();
        state.press(KeyEvent::new(KeyCode::Char('t'), KeyModifiers::NONE), 2, Instant::now());
        points
    };
    assert_eq!(
        [shown(), shown(), shown(), shown()],
        [200, 200, 61, 200],
        "by the minute: all, 6 h, 1 h, all"
    );
    assert!(chart::latest(&[], Span::Hour).is_empty());
}

#[test]
fn the_chosen_hall_stays_in_sight() {
    for hall in 0..8 {
        let shown = picture_in(&shedding(), &UiState { hall, ..UiState::default() }, 80, 24);
        assert!(shown.contains(&format!("> hangar-{} ", hall + 1)), "{shown}");
    }
}

#[test]
fn figures_are_grouped_and_scaled() {
    assert_eq!(words::grouped(-1_711.4), "-1,711");
    assert_eq!(words::grouped(-0.2), "0");
    assert_eq!(words::grouped(1_234_567.0), "1,234,567");
    let text = |largest, value| {
        let scale = words::Scale::of(largest);
        format!("{} {}", scale.text(value), scale.unit())
    };
    assert_eq!(text(150_000.0, 148_912.0), "148.9 MW");
    assert_eq!(text(2_916.0, 76.0), "0.076 MW");
    assert_eq!(text(180.0, 179.94), "179.9 kW");
}

#[test]
fn unknown_money_is_no_zero_and_small_money_has_its_hundredths() {
    let mut view = sample(Some(190.0));
    let money = view.money.as_mut().unwrap();
    money.currency = "USD".into();
    (money.cost_per_h, money.revenue_per_h, money.margin_per_h) = (Some(7.6), None, None);
    assert!(words::earning(&view).ends_with("now ? earned - 7.60 paid = ? USD/h"));
}

#[test]
fn a_cut_line_says_so() {
    let line = |text: &'static str| ratatui::text::Line::raw(text);
    assert_eq!(words::fit(line("then 150.0 MW"), 8).to_string(), "then 15…");
    assert_eq!(words::fit(line("then 3.0"), 8).to_string(), "then 3.0");
    assert_eq!(words::fit(line("then"), 0).to_string(), "…");
}

#[test]
fn no_size_panics() {
    let (silent, shedding, bare) = (sample(None), shedding(), bare());
    for width in 1..=60 {
        for height in 1..=30 {
            for (view, hall, details) in
                [(&silent, 0, false), (&shedding, 7, false), (&shedding, 99, true), (&bare, 0, true)]
            {
                picture_in(view, &UiState { hall, details, ..UiState::default() }, width, height);
            }
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
    assert_eq!(state.press(key('s'), 2, now + SECOND_STOP), Wish::Nothing, "too late: it asks again");
    assert_eq!(state.press(key('x'), 2, now + SECOND_STOP), Wish::Nothing);
    assert_eq!(
        state.press(key('s'), 2, now + SECOND_STOP),
        Wish::Nothing,
        "another key in between: it asks again"
    );
}

#[test]
fn a_held_key_is_no_second_press() {
    let key = |kind| KeyEvent::new_with_kind(KeyCode::Char('s'), KeyModifiers::NONE, kind);
    let (mut state, now) = (UiState::default(), Instant::now());
    assert_eq!(state.press(key(KeyEventKind::Press), 2, now), Wish::Nothing);
    assert_eq!(state.press(key(KeyEventKind::Repeat), 2, now), Wish::Nothing);
    assert_eq!(state.press(key(KeyEventKind::Press), 2, now), Wish::Stop);
}

#[test]
fn keys_choose_open_and_leave() {
    let (mut state, now) = (UiState::default(), Instant::now());
    let mut press = |code, modifiers| {
        let wish = state.press(KeyEvent::new(code, modifiers), 3, now);
        (wish, state.hall, state.details)
    };
    let none = KeyModifiers::NONE;
    assert_eq!(press(KeyCode::Up, none), (Wish::Nothing, 2, false));
    assert_eq!(press(KeyCode::Enter, none), (Wish::Nothing, 2, true));
    assert_eq!(press(KeyCode::Down, none), (Wish::Nothing, 0, true));
    assert_eq!(press(KeyCode::Esc, none), (Wish::Nothing, 0, false));
    assert_eq!(press(KeyCode::Char('r'), none).0, Wish::Resume);
    assert_eq!(press(KeyCode::Char('c'), none).0, Wish::Nothing, "only with control");
    assert_eq!(press(KeyCode::Char('c'), KeyModifiers::CONTROL).0, Wish::Leave);
    assert_eq!(press(KeyCode::Char('q'), none).0, Wish::Leave);
}

#[test]
fn a_controller_asks_before_it_is_left() {
    let key = |letter| KeyEvent::new(KeyCode::Char(letter), KeyModifiers::NONE);
    let control_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    let now = Instant::now();
    let mut state = UiState { leaving: Leaving::Controller, ..UiState::default() };
    assert_eq!(state.press(key('q'), 2, now), Wish::Nothing);
    let shown = picture_in(&bare(), &state, 80, 24);
    assert!(shown.contains("q again to stop the controller, any other key to go on"), "{shown}");
    let held = KeyEvent::new_with_kind(KeyCode::Char('q'), KeyModifiers::NONE, KeyEventKind::Repeat);
    assert_eq!(state.press(held, 2, now), Wish::Nothing, "a held key is no second press");
    assert_eq!(state.press(key('x'), 2, now), Wish::Nothing, "any other key: it goes on");
    assert_eq!(state.press(control_c, 2, now), Wish::Nothing, "control-C asks too");
    assert_eq!(state.press(key('s'), 2, now), Wish::Nothing, "and this asks about the stop");
    assert_eq!(state.press(key('q'), 2, now), Wish::Nothing);
    assert_eq!(state.press(key('q'), 2, now + SECOND_LEAVE), Wish::Nothing, "too late: it asks again");
    assert_eq!(state.press(key('q'), 2, now + SECOND_LEAVE), Wish::Leave);
}

#[test]
fn a_question_and_a_message_do_not_stay() {
    let now = Instant::now();
    let mut state = UiState {
        asked: Some((Question::Stop, now)),
        message: Some(("1 stop(s) lifted".into(), now)),
        ..UiState::default()
    };
    assert!(picture_in(&bare(), &state, 80, 24).contains("Press s again within 3 s"));
    state.forget(now + SECOND_STOP);
    assert!(picture_in(&bare(), &state, 80, 24).contains("1 stop(s) lifted"));
    state.forget(now + MESSAGE_SHOWN);
    assert!(picture_in(&bare(), &state, 80, 24).contains("q quit"));
}
