//! What a network does to a server: odd hosts, no TLS, large and slow requests, changes sent twice, text with scripts.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use offpeak_server::access::{Doors, Permission};
use offpeak_server::api::App;
use offpeak_server::serve_tcp;
use offpeak_store::Book;
use serde_json::json;

use super::fake::{Fake, no_alerts};
use super::served::{Served, block_on};

#[test]
fn nothing_is_served_to_the_network_without_tls() {
    let dir = tempfile::tempdir().unwrap();
    let book = Arc::new(Book::open(&dir.path().join("book.sqlite")).unwrap());
    let app = App::new(Arc::new(Fake::default()), Doors::new(book), no_alerts(), None);
    let error = serve_tcp(app, "0.0.0.0:0".parse().unwrap(), None).unwrap_err();
    assert!(error.to_string().contains("without TLS"), "{error}");
}

#[test]
fn another_name_that_points_at_loopback_reads_nothing() {
    let served = Served::plain();
    let ask = |host: &str| {
        let mut stream = TcpStream::connect(("127.0.0.1", served.port())).unwrap();
        write!(stream, "GET /api/v1/health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    assert!(ask("127.0.0.1").starts_with("HTTP/1.1 200"));
    assert!(ask("evil.example").starts_with("HTTP/1.1 421"));
}

#[test]
fn plain_text_at_a_tls_door_gets_no_answer_and_others_do() {
    let served = Served::over_tls();
    let mut stream = TcpStream::connect(("127.0.0.1", served.port())).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "no HTTP without TLS");
    let health = block_on(served.ask("GET", "/api/v1/health").send()).unwrap();
    assert_eq!(health.status(), 200);
    let unknown = reqwest::Client::builder().no_proxy().build().unwrap();
    let refused = block_on(unknown.get(format!("{}/api/v1/health", served.base)).send());
    assert!(refused.is_err(), "a certificate that nobody vouches for is not believed");
}

#[test]
fn who_sends_slowly_or_too_much_holds_up_nobody() {
    let served = Served::plain();
    let slow: Vec<_> = (0..50)
        .map(|_| {
            let mut stream = TcpStream::connect(("127.0.0.1", served.port())).unwrap();
            stream.write_all(b"POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nContent-Le").unwrap();
            stream
        })
        .collect();
    let large = block_on(
        served
            .ask("POST", "/api/v1/session")
            .header("content-type", "application/json")
            .body(vec![b'a'; 70_000])
            .send(),
    );
    assert_eq!(large.unwrap().status(), 413);
    assert_eq!(block_on(served.ask("GET", "/api/v1/health").send()).unwrap().status(), 200);
    drop(slow);
}

#[test]
fn one_address_with_many_silent_connections_shuts_nobody_out() {
    let served = Served::plain();
    let connect = || {
        let stream = TcpStream::connect(("127.0.0.1", served.port())).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        stream
    };
    let silent: Vec<_> = (0..128).map(|_| connect()).collect();
    // Closed at once, in either way.
    let refused = connect().read(&mut [0; 1]);
    assert!(
        matches!(&refused, Ok(0)) || refused.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset)
    );
    let other =
        reqwest::Client::builder().no_proxy().local_address(Some([127, 0, 0, 2].into())).build().unwrap();
    let health = format!("{}/api/v1/health", served.base);
    assert_eq!(block_on(other.get(health).send()).unwrap().status(), 200);
    drop(silent);
}

#[test]
fn a_caller_that_asks_without_end_is_told_to_wait() {
    let served = Served::plain();
    let told = block_on(async {
        for _ in 0..200 {
            let response = served.ask("GET", "/api/v1/health").send().await.unwrap();
            if response.status() == 429 {
                return response.text().await.unwrap();
            }
        }
        panic!("200 requests at once were all served")
    });
    assert!(told.contains("too-many-requests"), "{told}");
}

#[test]
fn a_reader_that_has_the_picture_is_told_so_by_every_read() {
    let served = Served::plain();
    let token = served.token("anna", "owner", None, &Permission::ALL, 1);
    block_on(async {
        for path in
            ["/api/v1/site", "/api/v1/machines", "/api/v1/reports/energy?format=csv", "/api/v1/site/file"]
        {
            // As it is: a compressed answer has another length, which nobody knows before it is made.
            let ask =
                |method| served.ask(method, path).bearer_auth(&token).header("accept-encoding", "identity");
            let got = ask("GET").send().await.unwrap();
            assert_eq!(got.status(), 200, "{path}");
            let tag = got.headers()["etag"].clone();
            let length = got.bytes().await.unwrap().len().to_string();
            let head = ask("HEAD").send().await.unwrap();
            assert_eq!((head.status().as_u16(), &head.headers()["etag"]), (200, &tag), "{path}");
            assert_eq!(
                head.headers()["content-length"],
                length.as_str(),
                "as long as what it stands for: {path}"
            );
            assert!(head.bytes().await.unwrap().is_empty(), "{path}");
            for method in ["GET", "HEAD"] {
                let known = ask(method).header("if-none-match", &tag).send().await.unwrap();
                assert_eq!(known.status(), 304, "{method} {path}");
                assert_eq!(known.headers()["etag"], tag, "{method} {path}");
                let other = ask(method).header("if-none-match", "\"another\"").send().await.unwrap();
                assert_eq!(other.status(), 200, "{method} {path}");
            }
        }
    });
}

#[test]
fn a_change_with_a_key_is_carried_out_once() {
    let served = Served::plain();
    let token = served.token("anna", "owner", None, &Permission::ALL, 1);
    block_on(async {
        let order = |key: &'static str, words: &'static str| {
            let body = json!({ "words": words, "reason": "test" });
            let request =
                served.ask("POST", "/api/v1/orders").bearer_auth(&token).header("idempotency-key", key);
            request.json(&body).send()
        };
        let first = order("a", "grid to 5 kW").await.unwrap();
        assert_eq!(first.status(), 200);
        let (first, again) = (first.text().await.unwrap(), order("a", "grid to 5 kW").await.unwrap());
        assert_eq!(again.headers()["idempotency-replayed"], "true");
        assert_eq!(again.text().await.unwrap(), first);
        assert_eq!(
            order("a", "grid to 6 kW").await.unwrap().status(),
            422,
            "another order under the same key"
        );
        assert_eq!(order("b", "grid to 5 kW").await.unwrap().status(), 200);
        assert_eq!(order("c", "nowhere").await.unwrap().status(), 422);
        assert_eq!(order("c", "grid to 1 kW").await.unwrap().status(), 200, "what was refused may be mended");
    });
    let asked = served.fake.asked();
    assert_eq!(
        asked,
        [
            "wish order grid to 5 kW by anna: test",
            "wish order grid to 5 kW by anna: test",
            "wish order grid to 1 kW by anna: test"
        ]
    );
}

#[test]
fn a_stop_goes_ahead_where_no_key_can_be_kept_and_what_changes_nothing_keeps_none() {
    let served = Served::plain();
    let token = served.token("anna", "owner", None, &Permission::ALL, 1);
    let beside = rusqlite::Connection::open(served.book.path()).unwrap();
    let kept = || beside.query_row("SELECT count(*) FROM once", [], |row| row.get::<_, u32>(0)).unwrap();
    block_on(async {
        let ask = async |path: &str, body: serde_json::Value| {
            let request = served.ask("POST", path).bearer_auth(&token).header("idempotency-key", "k");
            request.json(&body).send().await.unwrap().status().as_u16()
        };
        let order = json!({ "words": "grid to 5 kW", "reason": "test" });
        assert_eq!(ask("/api/v1/orders/preview", json!({ "words": "grid to 5 kW" })).await, 200);
        assert_eq!(kept(), 0);
        let full = "CREATE TRIGGER full BEFORE INSERT ON once BEGIN SELECT RAISE(ABORT, 'disk is full'); END";
        beside.execute_batch(full).unwrap();
        assert_eq!(ask("/api/v1/orders", order.clone()).await, 500);
        assert_eq!(ask("/api/v1/stops", json!({ "reason": "smoke" })).await, 200);
        beside.execute_batch("DROP TRIGGER full").unwrap();
        assert_eq!(ask("/api/v1/orders", order).await, 200);
        assert_eq!(kept(), 1);
    });
    assert_eq!(served.fake.asked(), ["stop all by anna: smoke", "wish order grid to 5 kW by anna: test"]);
}

#[test]
fn a_script_in_a_text_comes_back_as_text() {
    let served = Served::plain();
    let token = served.token("anna", "owner", None, &Permission::ALL, 1);
    let script = "<script>alert(1)</script>\"'`${7*7}";
    block_on(async {
        let stop = served.ask("POST", "/api/v1/stops").bearer_auth(&token).json(&json!({ "reason": script }));
        assert_eq!(stop.send().await.unwrap().status(), 200);
        let name =
            served.ask("GET", "/api/v1/machines/%3Cscript%3E").bearer_auth(&token).send().await.unwrap();
        assert_eq!(name.headers()["content-type"], "application/problem+json");
        assert_eq!(name.headers()["x-content-type-options"], "nosniff");
        let body: serde_json::Value = name.json().await.unwrap();
        assert_eq!(body["detail"], "there is no machine `<script>`");
    });
    assert_eq!(served.fake.asked(), [format!("stop all by anna: {script}")]);
}
