//! What was said over a machine's connections, kept for a bug report with its secrets taken out.
//!
//! A tape goes between the driver and its connector, so every family is recorded alike and none has to
//! take care. Not here: what the bytes mean.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Connections kept; a full reading takes some ten.
const TALKS_MAX: usize = 200;
/// Bytes kept of each direction.
const BYTES_MAX: usize = 256 * 1024;
/// Values shorter than this are words like `root` that stand everywhere.
const SECRET_MIN: usize = 6;
/// What stands in a secret's place.
const REMOVED: &str = "<removed>";

/// Keys whose values open something, or name an account.
const SECRET_KEYS: [&str; 17] = [
    "password",
    "passwd",
    "pass",
    "pwd",
    "pw",
    "token",
    "session",
    "sessionid",
    "session_id",
    "secret",
    "salt",
    "newsalt",
    "sign",
    "enc",
    "api_key",
    "apikey",
    "private_key",
];
/// Keys that name whose machine it is.
const ACCOUNT_KEYS: [&str; 10] = [
    "user",
    "username",
    "worker",
    "worker_name",
    "login",
    "stratumuser",
    "fallbackstratumuser",
    "wallet",
    "ssid",
    "url",
];
/// Header lines that open something.
const SECRET_HEADERS: [&str; 5] =
    ["authorization:", "cookie:", "set-cookie:", "www-authenticate:", "x-api-key:"];

/// One connection.
#[derive(Clone, Debug)]
struct Talk {
    to: SocketAddr,
    sent: Vec<u8>,
    received: Vec<u8>,
    refused: Option<String>,
}

/// A tape. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Tape(Arc<Mutex<Vec<Talk>>>);

/// One connection's place on a tape.
#[derive(Debug)]
pub struct Track {
    tape: Tape,
    /// `None` when the tape is full.
    place: Option<usize>,
}

impl Tape {
    fn talks(&self) -> MutexGuard<'_, Vec<Talk>> {
        // A talk is only ever added to, so one whose writer panicked is still true.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
    pub(crate) fn begin(&self, to: SocketAddr, refused: Option<String>) -> Track {
        let mut talks = self.talks();
        let place = (talks.len() < TALKS_MAX).then_some(talks.len());
        if place.is_some() {
            talks.push(Talk { to, sent: Vec::new(), received: Vec::new(), refused });
        }
        Track { tape: self.clone(), place }
    }

    /// Everything said, in order, with these secrets and all that look like some taken out.
    #[must_use]
    pub fn report(&self, secrets: &[&str]) -> String {
        let talks = self.talks();
        let mut known: BTreeSet<String> = secrets
            .iter()
            .filter(|secret| secret.len() >= SECRET_MIN)
            .map(|secret| (*secret).to_owned())
            .collect();
        let said: Vec<(String, String)> =
            talks.iter().map(|talk| (readable(&talk.sent), readable(&talk.received))).collect();
        for (sent, received) in &said {
            for text in [sent, received] {
                known
                    .extend(secret_values(text).filter(|value| value.len() >= SECRET_MIN).map(str::to_owned));
            }
        }
        let mut report = String::new();
        for (number, (talk, (sent, received))) in talks.iter().zip(&said).enumerate() {
            let _ = writeln!(report, "--- {} to {}", number + 1, talk.to);
            if let Some(error) = &talk.refused {
                let _ = writeln!(report, "no connection: {error}");
                continue;
            }
            let _ = writeln!(report, "sent\n{}", indented(&without(sent, &known)));
            let _ = writeln!(
                report,
                "received ({} bytes)\n{}",
                talk.received.len(),
                indented(&without(received, &known))
            );
        }
        report
    }
}

impl Track {
    pub(crate) fn sent(&self, bytes: &[u8]) {
        self.add(bytes, |talk| &mut talk.sent);
    }
    pub(crate) fn received(&self, bytes: &[u8]) {
        self.add(bytes, |talk| &mut talk.received);
    }
    fn add(&self, bytes: &[u8], side: impl FnOnce(&mut Talk) -> &mut Vec<u8>) {
        let Some(place) = self.place else { return };
        let mut talks = self.tape.talks();
        let kept = side(&mut talks[place]);
        let room = BYTES_MAX.saturating_sub(kept.len()).min(bytes.len());
        kept.extend_from_slice(&bytes[..room]);
    }
}

/// As text; what is none stands as `\xNN`.
fn readable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\n' | '\t' => text.push(c),
                '\r' => {}
                c if c.is_control() => {
                    let _ = write!(text, "\\x{:02x}", c as u32);
                }
                c => text.push(c),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

/// `"key": "value"` pairs of text that may be JSON, whole or not: the key, and where its value stands.
fn pairs(text: &str) -> impl Iterator<Item = (&str, core::ops::Range<usize>)> {
    let mut from = 0;
    core::iter::from_fn(move || {
        loop {
            let key = quoted(text, from)?;
            from = key.end + 1;
            let Some(rest) = text.get(from..)?.trim_start().strip_prefix(':') else { continue };
            let rest = rest.trim_start();
            let start = text.len() - rest.len();
            if !rest.starts_with('"') {
                continue;
            }
            let value = quoted(text, start)?;
            from = value.end + 1;
            return Some((&text[key], value));
        }
    })
}

/// Where the next quoted text stands, without its quotes; to the end where none closes it.
fn quoted(text: &str, from: usize) -> Option<core::ops::Range<usize>> {
    let start = from + text.get(from..)?.find('"')? + 1;
    let mut escaped = false;
    for (at, c) in text[start..].char_indices() {
        match c {
            '"' if !escaped => return Some(start..start + at),
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    (start < text.len()).then_some(start..text.len()).filter(|range| range.end > range.start)
}

fn is_secret_key(key: &str) -> bool {
    let key = key.trim().to_ascii_lowercase();
    SECRET_KEYS.contains(&key.as_str())
        || ACCOUNT_KEYS.contains(&key.as_str())
        || ["password", "token", "secret"].iter().any(|part| key.contains(part))
}

/// Values under secret keys: wherever they stand, they go.
fn secret_values(text: &str) -> impl Iterator<Item = &str> {
    pairs(text).filter(|(key, _)| is_secret_key(key)).map(|(_, value)| &text[value])
}

fn without(text: &str, secrets: &BTreeSet<String>) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut from = 0;
    for (key, value) in pairs(text) {
        if is_secret_key(key) && !value.is_empty() {
            clean.push_str(&text[from..value.start]);
            clean.push_str(REMOVED);
            from = value.end;
        }
    }
    clean.push_str(&text[from..]);
    // The longest first, so that none leaves a part of another.
    let mut longest: Vec<&String> = secrets.iter().collect();
    longest.sort_by_key(|secret| core::cmp::Reverse(secret.len()));
    for secret in longest {
        clean = clean.replace(secret.as_str(), REMOVED);
    }
    let lines = clean.split('\n').map(|line| {
        let lower = line.to_ascii_lowercase();
        match SECRET_HEADERS.iter().find(|header| lower.starts_with(**header)) {
            Some(header) => format!("{} {REMOVED}", &line[..header.len()]),
            None => line.to_owned(),
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn taped(sent: &[u8], received: &[u8], secrets: &[&str]) -> String {
        let tape = Tape::default();
        let track = tape.begin("127.0.0.1:4028".parse().unwrap(), None);
        track.sent(sent);
        track.received(received);
        tape.report(secrets)
    }

    #[test]
    fn what_opens_a_machine_or_names_its_owner_is_gone_everywhere() {
        let report = taped(
            b"{\"command\":\"curtail\",\"parameter\":\"Zz81kQ0p,sleep\"}",
            b"{\"SESSION\":[{\"SessionID\":\"Zz81kQ0p\"}],\"POOLS\":[{\"User\":\"acme.worker7\",\"Status\":\"Alive\"}]}",
            &[],
        );
        assert!(!report.contains("Zz81kQ0p") && !report.contains("acme"), "{report}");
        assert!(report.contains("\"Status\":\"Alive\"") && report.contains(",sleep"), "{report}");
    }

    #[test]
    fn headers_and_known_secrets_are_gone() {
        let report = taped(
            b"GET /x HTTP/1.1\r\nAuthorization: Digest username=\"root\", response=\"abc\"\r\nHost: a\r\n\r\nhunter22",
            b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\n\r\n{\"password\" : \"x\"",
            &["hunter22"],
        );
        for gone in ["abc", "a=b", "hunter22", "\"x\""] {
            assert!(!report.contains(gone), "{gone}: {report}");
        }
        assert!(report.contains("Host: a") && report.contains("HTTP/1.1 200 OK"));
    }

    #[test]
    fn bytes_that_are_no_text_stand_as_numbers() {
        assert_eq!(readable(b"a\xff\0b"), "a\\xff\\x00b");
    }

    proptest! {
        #[test]
        fn no_bytes_break_the_report(sent in proptest::collection::vec(any::<u8>(), 0..300), received in ".{0,200}") {
            taped(&sent, received.as_bytes(), &["secret"]);
        }

        #[test]
        fn no_password_survives(password in "[a-zA-Z0-9]{6,20}", before in ".{0,40}") {
            let text = format!("{before}\n{{\"password\":\"{password}\",\"again\":\"{password}\"}}");
            let cleaned = taped(text.as_bytes(), b"", &[&password]);
            prop_assert!(!cleaned.contains(&password));
        }
    }
}
