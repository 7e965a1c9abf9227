//! The local socket from both sides.

use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;

use offpeak_server::access::Doors;
use offpeak_server::api::App;
use offpeak_server::{SiteHandle, serve_local, socket_in};
use offpeak_store::Book;

use super::fake::{Fake, no_alerts};

/// The doors of a book beside the folder, which only the socket is to be in.
fn doors(dir: &Path) -> Doors {
    let name = format!("{}.sqlite", dir.file_name().unwrap().to_string_lossy());
    Doors::new(Arc::new(Book::open(&dir.with_file_name(name)).unwrap()))
}

/// Runs client code against a served fake.
fn with_server<R>(client: impl FnOnce(&Path) -> R) -> (R, Arc<Fake>) {
    let above = tempfile::tempdir().unwrap();
    let dir = above.path().join("site");
    fs::create_dir(&dir).unwrap();
    let fake = Arc::new(Fake::default());
    let app = App::new(Arc::clone(&fake) as Arc<dyn SiteHandle>, doors(&dir), no_alerts(), None);
    let served = serve_local(app, &dir).unwrap();
    let result = client(&dir);
    drop(served);
    assert!(!socket_in(&dir).exists(), "the socket goes with its server");
    (result, fake)
}

/// Says bytes and reads what comes back until the server closes.
fn say(dir: &Path, bytes: &[u8]) -> String {
    let mut stream = UnixStream::connect(socket_in(dir)).unwrap();
    // The server may answer and close before everything is written.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn ask(dir: &Path, method: &str, path: &str, body: &str) -> String {
    let kind = if body.is_empty() { "" } else { "Content-Type: application/json\r\n" };
    let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{kind}");
    say(dir, format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes())
}

#[test]
fn a_stop_arrives_and_a_refusal_says_why() {
    let (answers, fake) = with_server(|dir| {
        let stop = ask(dir, "POST", "/api/v1/stops", r#"{"reason":"storm"}"#);
        (stop, ask(dir, "DELETE", "/api/v1/lockouts?circuit=hall-1&by=bert&reason=done", ""))
    });
    assert!(answers.0.contains("stopped: the whole site"), "{}", answers.0);
    assert!(answers.1.starts_with("HTTP/1.1 403") && answers.1.contains("anna"), "{}", answers.1);
    let asked = fake.asked();
    assert!(asked[0].starts_with("stop all by local (uid ") && asked[0].ends_with(": storm"), "{asked:?}");
}

#[test]
fn the_socket_is_its_owner_s_alone() {
    let ((mode, names), _) = with_server(|dir| {
        let names: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        (fs::metadata(socket_in(dir)).unwrap().permissions().mode(), names)
    });
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(names, ["offpeak.sock"], "nothing else is left in the folder");
}

#[test]
fn what_is_no_request_is_refused_and_the_next_is_served() {
    let (answers, fake) = with_server(|dir| {
        let garbage = say(dir, b"\x00\xff{]\n\r\n\r\n");
        let long_head =
            say(dir, format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(100_000)).as_bytes());
        let long_body =
            ask(dir, "POST", "/api/v1/stops", &format!(r#"{{"reason":"{}"}}"#, "x".repeat(70_000)));
        let not_json = ask(dir, "POST", "/api/v1/stops", "{");
        let other = ask(dir, "POST", "/api/v1/stops", r#"{"reason":"x","circus":"y"}"#);
        let list = ask(dir, "POST", "/api/v1/stops", r#"["hall-1", "x"]"#);
        let empty = ask(dir, "POST", "/api/v1/stops", r#"{"reason":" "}"#);
        (
            garbage,
            long_head,
            long_body,
            [not_json, other, list, empty],
            ask(dir, "DELETE", "/api/v1/stops?reason=over", ""),
        )
    });
    assert!(answers.0.is_empty() || answers.0.starts_with("HTTP/1.1 400"), "{}", answers.0);
    assert!(answers.1.is_empty() || answers.1.starts_with("HTTP/1.1 4"), "{}", answers.1);
    assert!(answers.2.starts_with("HTTP/1.1 413") && answers.2.contains("64 KiB"), "{}", answers.2);
    let [not_json, other, list, empty] = &answers.3;
    assert!(not_json.starts_with("HTTP/1.1 400") && not_json.contains("problem+json"), "{not_json}");
    assert!(other.starts_with("HTTP/1.1 422") && other.contains("circus"), "{other}");
    assert!(list.starts_with("HTTP/1.1 422") && list.contains("an object"), "{list}");
    assert!(empty.starts_with("HTTP/1.1 422") && empty.contains("say why"), "{empty}");
    assert!(answers.4.contains("1 stop(s) lifted"), "{}", answers.4);
    assert_eq!(fake.asked().len(), 1, "only the last was carried out");
}

#[test]
fn a_second_server_is_refused_and_a_dead_one_s_socket_is_replaced() {
    let books = tempfile::tempdir().unwrap();
    let app = || App::new(Arc::new(Fake::default()), doors(books.path()), no_alerts(), None);
    let app = app();
    let (second, _) = with_server(|dir| serve_local(Arc::clone(&app), dir).unwrap_err().kind());
    assert_eq!(second, ErrorKind::AddrInUse);

    let dir = tempfile::tempdir().unwrap();
    drop(UnixListener::bind(socket_in(dir.path())).unwrap());
    assert!(serve_local(app, dir.path()).is_ok());
}

#[test]
fn who_connects_and_says_nothing_holds_up_nobody() {
    let (answer, _) = with_server(|dir| {
        let _silent: Vec<_> = (0..100).map(|_| UnixStream::connect(socket_in(dir)).unwrap()).collect();
        ask(dir, "GET", "/api/v1/health", "")
    });
    assert!(answer.contains("\"up\""), "{answer}");
}

#[test]
fn a_reader_that_has_the_picture_is_told_so() {
    let (answers, _) = with_server(|dir| {
        let first = ask(dir, "GET", "/api/v1/directives", "");
        let tag = first.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap().trim().to_owned();
        let head = format!(
            "GET /api/v1/directives HTTP/1.1\r\nHost: x\r\nIf-None-Match: {tag}\r\nConnection: close\r\n\r\n"
        );
        (first, say(dir, head.as_bytes()))
    });
    assert!(answers.0.starts_with("HTTP/1.1 200"), "{}", answers.0);
    assert!(answers.1.starts_with("HTTP/1.1 304"), "{}", answers.1);
    for header in [
        "content-security-policy: default-src 'none'",
        "x-content-type-options: nosniff",
        "x-frame-options: DENY",
    ] {
        assert!(answers.0.contains(header) && answers.1.contains(header), "{header}");
    }
}
