//! What people do with alerts: noted in the audit chain first, then done.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use offpeak_alerts::{Board, Facts, Rules};
use offpeak_server::access::{Doors, Permission};
use offpeak_server::alerts::Alerts;
use offpeak_server::api::App;
use offpeak_server::{SiteHandle, serve_tcp};
use offpeak_store::Book;
use serde_json::{Value, json};

use super::deliver::Server;
use super::fake::{Fake, at, no_alerts};
use super::served::{block_on, token_in};

/// What is known of a site without machines whose book is full.
pub(crate) fn full() -> Facts {
    Facts {
        at: at(),
        circuits: vec![],
        machines: vec![],
        disk_free: None,
        clock_off: None,
        signals: vec![],
        stalled: None,
        book_error: Some("full".into()),
    }
}

/// A board with one alert that holds, as it is kept.
fn one_alert() -> String {
    let mut board = Board::default();
    board.update(&Rules::default(), &TimeZone::UTC, &full());
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

/// Something is still told while the file of the alerts cannot be written for as long as the disk hangs, and the site ends.
#[test]
fn a_disk_that_hangs_holds_up_no_alert() {
    let dir = tempfile::tempdir().unwrap();
    // A pipe that nobody reads: whoever opens it to write waits for ever.
    let made = std::process::Command::new("mkfifo").arg(dir.path().join("alerts.new")).status().unwrap();
    assert!(made.success());
    let mut hook = Server::start("http_echo.py");
    let rules = format!(
        "[channels.hook]\nkind = \"webhook\"\nurl = \"http://127.0.0.1:{}/hook\"\n[notify]\nfirst = [\"hook\"]\n",
        hook.port
    );
    let alerts = Alerts::new(Rules::parse(&rules).unwrap(), "fake", TimeZone::UTC, &|_| None).unwrap();
    let alerts = alerts.kept_in(dir.path().join("alerts.json"));
    let fake = Arc::new(Fake::default());
    let book = Arc::new(Book::open(&dir.path().join("book.sqlite")).unwrap());
    let app = App::new(Arc::clone(&fake) as Arc<dyn SiteHandle>, Doors::new(book), alerts, None);
    let serving = serve_tcp(app, "127.0.0.1:0".parse().unwrap(), None).unwrap();
    let (told, heard) = mpsc::channel();
    std::thread::spawn(move || while told.send(hook.next()).is_ok() {});
    let told = || {
        let request = heard.recv_timeout(Duration::from_secs(60)).expect("nothing was told in a minute");
        request["body"].as_str().unwrap().to_owned()
    };
    *fake.facts.lock().unwrap() = Some(full());
    assert!(told().contains("the book cannot be written"));
    for signal in ["grid", "prices"] {
        fake.facts.lock().unwrap().as_mut().unwrap().signals.push((signal.to_owned(), None));
        assert!(told().contains(signal));
    }
    drop(serving);
}

/// While the control loop stalls its time stands still, and that of the alerts goes on.
#[test]
fn quiet_is_counted_by_the_time_that_alerts_go_by() {
    let dir = tempfile::tempdir().unwrap();
    let book = Arc::new(Book::open(&dir.path().join("book.sqlite")).unwrap());
    let token = token_in(&book, "anna", "operator", None, &Permission::ALL, 1);
    let fake = Arc::new(Fake::default());
    let later = at() + SignedDuration::from_hours(2);
    *fake.facts.lock().unwrap() = Some(Facts { at: later, ..full() });
    let app = App::new(Arc::clone(&fake) as Arc<dyn SiteHandle>, Doors::new(book), no_alerts(), None);
    let serving = serve_tcp(app, "127.0.0.1:0".parse().unwrap(), None).unwrap();
    let base = format!("http://{}/api/v1/alerts", serving.address().unwrap());
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    block_on(async {
        let shown = async || {
            let shown = http.get(&base).bearer_auth(&token).send().await.unwrap();
            shown.json::<Value>().await.unwrap()["alerts"][0].clone()
        };
        let mut alert = shown().await;
        for _ in 0..200 {
            if alert.is_object() {
                break;
            }
            alert = shown().await;
        }
        let request = http.post(format!("{base}/{}/snooze", alert["id"])).bearer_auth(&token);
        assert_eq!(request.json(&json!({ "minutes": 5 })).send().await.unwrap().status().as_u16(), 204);
        let alert = shown().await;
        let until: Timestamp = alert["snoozed_until"].as_str().unwrap().parse().unwrap();
        assert!(until > later + SignedDuration::from_mins(5), "{alert}");
        assert_eq!(alert["state"], "snoozed");
    });
}
