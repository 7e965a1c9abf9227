//! Alerts on their ways, judged by servers that are not ours: a mail server in Python, an HTTP echo.

use std::io::{BufRead as _, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;

use jiff::tz::TimeZone;
use offpeak_alerts::{Facts, Rules};
use offpeak_server::access::{Doors, Permission, Secret};
use offpeak_server::alerts::Alerts;
use offpeak_server::api::App;
use offpeak_server::{Serving, serve_tcp};
use offpeak_store::Book;
use serde_json::Value;

use super::alerts::full;
use super::fake::Fake;
use super::served::{block_on, token_in};

/// A server in Python that prints its port and then what it is sent; ended with the test.
pub(crate) struct Server {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
    pub(crate) port: u16,
}

impl Server {
    pub(crate) fn start(script: &str) -> Self {
        let python = std::env::var_os("OFFPEAK_PYTHON").expect(
            "OFFPEAK_PYTHON names no Python with the tests' requirements installed: run `make test`, which makes one",
        );
        let mut process = Command::new(python)
            .arg(format!("{}/tests/py/{script}", env!("CARGO_MANIFEST_DIR")))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("OFFPEAK_PYTHON can be started");
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = lines.next().unwrap().unwrap().trim().parse().unwrap();
        Self { process, lines, port }
    }
    /// What it was sent next.
    pub(crate) fn next(&mut self) -> Value {
        serde_json::from_str(&self.lines.next().unwrap().unwrap()).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

const BOT: &str = "123:secret-bot-token";

fn secret(name: &str) -> Option<String> {
    (name == "BOT").then(|| BOT.to_owned())
}

/// A site with these rules, and a token for its owner.
fn site(rules: &str, dir: &tempfile::TempDir) -> (Serving, String) {
    site_of(Fake::default(), rules, dir)
}

fn site_of(fake: Fake, rules: &str, dir: &tempfile::TempDir) -> (Serving, String) {
    let book = Arc::new(Book::open(&dir.path().join("book.sqlite")).unwrap());
    let token = token_in(&book, "anna", "owner", None, &Permission::ALL, 1);
    let alerts = Alerts::new(Rules::parse(rules).unwrap(), "A mine", TimeZone::UTC, &secret).unwrap();
    let app = App::new(Arc::new(fake), Doors::new(book), alerts, None);
    (serve_tcp(app, "127.0.0.1:0".parse().unwrap(), None).unwrap(), token)
}

/// The test button of one way: the status and the answer.
fn press(served: &(Serving, String), channel: &str) -> (u16, String) {
    let url = format!("http://{}/api/v1/alerts/channels/{channel}/test", served.0.address().unwrap());
    block_on(async {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let response = http.post(url).bearer_auth(&served.1).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    })
}

#[test]
fn every_way_arrives() {
    let (mut mail, mut echo) = (Server::start("mail_sink.py"), Server::start("http_echo.py"));
    let dir = tempfile::tempdir().unwrap();
    let (at, port) = (echo.port, mail.port);
    let rules = format!(
        "[channels.mail]\nkind = \"email\"\nserver = \"127.0.0.1:{port}\"\nsecurity = \"plain\"\n\
         from = \"offpeak <mine@example.org>\"\nto = [\"anna@example.org\", \"bert@example.org\"]\n\
         [channels.bot]\nkind = \"telegram\"\nchat = \"-42\"\ntoken_env = \"BOT\"\napi = \"http://127.0.0.1:{at}\"\n\
         [channels.hook]\nkind = \"webhook\"\nurl = \"http://127.0.0.1:{at}/hook\"\ntoken_env = \"BOT\"\n\
         [channels.push]\nkind = \"ntfy\"\nurl = \"http://127.0.0.1:{at}/mine\"\n"
    );
    let served = site(&rules, &dir);
    for channel in ["mail", "bot", "hook", "push"] {
        assert_eq!(press(&served, channel), (204, String::new()), "{channel}");
    }
    let letter = mail.next();
    assert_eq!(letter["to"], serde_json::json!(["anna@example.org", "bert@example.org"]));
    assert_eq!(letter["subject"], "[A mine] test: a test by anna: this way works");
    assert!(letter["text"].as_str().unwrap().contains("a test by anna"), "{letter}");

    let bot = echo.next();
    assert_eq!(bot["path"], format!("/bot{BOT}/sendMessage"));
    let body: Value = serde_json::from_str(bot["body"].as_str().unwrap()).unwrap();
    assert_eq!(body["chat_id"], "-42");
    let hook = echo.next();
    assert_eq!(hook["headers"]["authorization"], format!("Bearer {BOT}"));
    let body: Value = serde_json::from_str(hook["body"].as_str().unwrap()).unwrap();
    assert_eq!((&body["event"], &body["site"]), (&"test".into(), &"A mine".into()));
    let push = echo.next();
    assert_eq!((&push["path"], &push["headers"]["priority"]), (&"/mine".into(), &"default".into()));
    assert!(push["headers"]["title"].as_str().unwrap().starts_with("[A mine] test"), "{push}");
}

#[test]
fn a_letter_says_how_it_is_written() {
    let mut mail = Server::start("mail_sink.py");
    let dir = tempfile::tempdir().unwrap();
    let port = mail.port;
    let rules = format!(
        "[channels.mail]\nkind = \"email\"\nserver = \"127.0.0.1:{port}\"\nsecurity = \"plain\"\n\
         from = \"offpeak <mine@example.org>\"\nto = [\"anna@example.org\"]\n[notify]\nfirst = [\"mail\"]\n"
    );
    let signals = vec![("Экибастуз 80 °C".to_owned(), None)];
    let fake = Fake::default();
    *fake.facts.lock().unwrap() = Some(Facts { signals, book_error: None, ..full() });
    let _served = site_of(fake, &rules, &dir);
    let letter = mail.next();
    assert_eq!((&letter["mime"], &letter["charset"]), (&"1.0".into(), &"utf-8".into()));
    assert_eq!(letter["subject"], "[A mine] warning: the signal Экибастуз 80 °C never came");
    let text = letter["text"].as_str().unwrap();
    assert!(text.starts_with("the signal Экибастуз 80 °C never came"), "{text}");
}

#[test]
fn a_way_that_does_not_work_says_why_without_its_secret() {
    let echo = Server::start("http_echo.py");
    let dir = tempfile::tempdir().unwrap();
    let at = echo.port;
    let rules = format!(
        "[channels.busy]\nkind = \"webhook\"\nurl = \"http://127.0.0.1:{at}/busy\"\n\
         [channels.gone]\nkind = \"telegram\"\nchat = \"1\"\ntoken_env = \"BOT\"\napi = \"http://127.0.0.1:1\"\n"
    );
    let served = site(&rules, &dir);
    let (status, told) = press(&served, "busy");
    assert!(status == 502 && told.contains("503"), "{status} {told}");
    assert_eq!(press(&served, "busy").0, 204, "the second time it works");
    let (status, told) = press(&served, "gone");
    assert!(status == 502 && !told.contains(BOT), "{status} {told}");
    assert_eq!(press(&served, "nobody").0, 404);
    let missing = "[channels.x]\nkind = \"telegram\"\nchat = \"1\"\ntoken_env = \"NOT_THERE\"\n";
    let error = Alerts::new(Rules::parse(missing).unwrap(), "A mine", TimeZone::UTC, &secret);
    assert!(error.is_err_and(|error| error.contains("NOT_THERE")), "a missing secret is told at the start");
    assert_ne!(Secret::fresh(), Secret::fresh());
}
