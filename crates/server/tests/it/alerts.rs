//! What people do with alerts: noted in the audit chain first, then done.

use std::sync::Arc;

use jiff::tz::TimeZone;
use offpeak_alerts::{Board, Facts, Rules};
use offpeak_server::access::{Doors, Permission};
use offpeak_server::alerts::Alerts;
use offpeak_server::api::App;
use offpeak_server::serve_tcp;
use offpeak_store::Book;
use serde_json::{Value, json};

use super::fake::{Fake, at};
use super::served::{block_on, token_in};

/// A board with one alert that holds, as it is kept.
fn one_alert() -> String {
    let facts = Facts {
        at: at(),
        circuits: vec![],
        machines: vec![],
        disk_free: None,
        clock_off: None,
        signals: vec![],
        stalled: None,
        book_error: Some("full".into()),
    };
    let mut board = Board::default();
    board.update(&Rules::default(), &TimeZone::UTC, &facts);
    board.write().unwrap()
}

#[test]
fn what_the_book_does_not_take_is_not_done() {
    let dir = tempfile::tempdir().unwrap();
    let book = Arc::new(Book::open(&dir.path().join("book.sqlite")).unwrap());
    let token = token_in(&book, "anna", "operator", None, &Permission::ALL, 1);
    let kept = dir.path().join("alerts.json");
    std::fs::write(&kept, one_alert()).unwrap();
    let alerts =
        Alerts::new(Rules::default(), "fake", TimeZone::UTC, &|_| None).unwrap().kept_in(kept.clone());
    let app = App::new(Arc::new(Fake::default()), Doors::new(Arc::clone(&book)), alerts, None);
    let serving = serve_tcp(app, "127.0.0.1:0".parse().unwrap(), None).unwrap();
    let base = format!("http://{}/api/v1/alerts", serving.address().unwrap());
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let beside = rusqlite::Connection::open(book.path()).unwrap();
    block_on(async {
        let state = async || {
            let shown = http.get(&base).bearer_auth(&token).send().await.unwrap();
            let shown: Value = shown.json().await.unwrap();
            (shown["alerts"][0]["id"].as_u64().unwrap(), shown["alerts"][0]["state"].clone())
        };
        let (id, open) = state().await;
        assert_eq!(open, "open");
        let acknowledge = async |id: u64| {
            let url = format!("{base}/{id}/acknowledgement?reason=seen");
            http.post(url).bearer_auth(&token).send().await.unwrap().status().as_u16()
        };
        let snooze = async |id: u64| {
            let request = http.post(format!("{base}/{id}/snooze")).bearer_auth(&token);
            request.json(&json!({ "minutes": 5 })).send().await.unwrap().status().as_u16()
        };
        beside
            .execute_batch(
                "CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'full'); END",
            )
            .unwrap();
        assert_eq!((acknowledge(id).await, snooze(id).await), (500, 500));
        assert_eq!(state().await.1, "open", "nothing was done that is not in the book");

        beside.execute_batch("DROP TRIGGER full").unwrap();
        assert_eq!((acknowledge(id + 1).await, snooze(id + 1).await), (404, 404));
        assert_eq!(acknowledge(id).await, 204);
        assert_eq!(state().await.1, "acknowledged");
        assert_eq!(snooze(id).await, 204);
    });
    drop(serving);
    let kept = Board::read(&std::fs::read_to_string(kept).unwrap()).unwrap();
    let seen_by = kept.open()[0].acknowledged.as_ref().map(|(who, _)| who.as_str());
    assert_eq!(seen_by, Some("anna"), "the last moment before the end is kept");
    let whats: Vec<_> = book.audit_entries(2).unwrap().into_iter().map(|entry| entry.what).collect();
    assert_eq!(whats, ["alert snoozed", "alert acknowledged"], "and nothing of alerts that are not there");
    assert_eq!(
        book.audit_entries(100).unwrap().iter().filter(|entry| entry.what.contains("alert")).count(),
        2
    );
}
