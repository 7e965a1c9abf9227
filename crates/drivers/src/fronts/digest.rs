//! The door to Antminer's pages: HTTP digest authentication, MD5 with `qop=auth` (RFC 7616), the
//! realm and login of stock firmware. The first request is always turned away with a nonce; nonces
//! grow old.
//!
//! Not here: what lies behind the door (`pages`).

use jiff::Timestamp;
use md5::{Digest, Md5};

const REALM: &str = "antMiner Configuration";
const USER: &str = "root";
const PASSWORD: &str = "root";
/// lighttpd's life of a nonce, in seconds (mod_auth: ten minutes).
pub(super) const NONCE_LIFE: i64 = 600;

/// Who may pass.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    /// What nonces are made with, so that none need be kept.
    secret: String,
    /// MD5 of user, realm and password.
    login: String,
}

/// What came of a try to pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Passes,
    /// The right answer to a nonce that is too old.
    Stale,
    Denied,
}

fn hex(parts: &[&str]) -> String {
    let mut hash = Md5::new();
    for (place, part) in parts.iter().enumerate() {
        if place > 0 {
            hash.update(b":");
        }
        hash.update(part.as_bytes());
    }
    hash.finalize().iter().fold(String::with_capacity(32), |mut text, byte| {
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from_digit(nibble.into(), 16).expect("a nibble is a digit"));
        }
        text
    })
}

/// A member of a digest header: `name="value"` or `name=value`.
fn member<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = header;
    loop {
        let at = rest.find(name)?;
        let before = rest[..at].chars().next_back();
        let after = &rest[at + name.len()..];
        rest = after;
        if !matches!(before, Some(' ' | ',')) {
            continue;
        }
        let Some(value) = after.strip_prefix('=') else { continue };
        return match value.strip_prefix('"') {
            Some(quoted) => quoted.split('"').next(),
            None => value.split([',', ' ']).next(),
        };
    }
}

impl Gate {
    /// A gate whose nonces nobody guesses who does not know when it was built.
    pub(super) fn new(built: Timestamp) -> Self {
        let secret = hex(&["offpeak-twin", &built.as_nanosecond().to_string()]);
        Self { secret, login: hex(&[USER, REALM, PASSWORD]) }
    }
    fn nonce(&self, second: i64) -> String {
        let second = format!("{second:08x}");
        format!("{second}{}", hex(&[&self.secret, &second]))
    }
    /// What a client has to answer.
    pub(super) fn challenge(&self, now: i64, stale: bool) -> String {
        let stale = if stale { ", stale=true" } else { "" };
        format!("Digest realm=\"{REALM}\", nonce=\"{}\", qop=\"auth\"{stale}", self.nonce(now))
    }
    /// Judges an `Authorization` header.
    pub(super) fn judge(&self, header: &str, method: &str, target: &str, now: i64) -> Verdict {
        let Some(members) = header.strip_prefix("Digest ") else { return Verdict::Denied };
        let members = format!(" {members}");
        let get = |name| member(&members, name);
        let (Some(USER), Some(nonce), Some(uri), Some(response)) =
            (get("username"), get("nonce"), get("uri"), get("response"))
        else {
            return Verdict::Denied;
        };
        let made = nonce.get(..8).and_then(|second| i64::from_str_radix(second, 16).ok());
        let Some(made) = made.filter(|made| self.nonce(*made) == nonce && uri == target) else {
            return Verdict::Denied;
        };
        let asked = hex(&[method, uri]);
        let expected = match (get("qop"), get("nc"), get("cnonce")) {
            (Some(qop @ "auth"), Some(count), Some(cnonce)) => {
                hex(&[&self.login, nonce, count, cnonce, qop, &asked])
            }
            (None, _, _) => hex(&[&self.login, nonce, &asked]),
            _ => return Verdict::Denied,
        };
        match expected == response {
            true if (0..=NONCE_LIFE).contains(&(now - made)) => Verdict::Passes,
            true => Verdict::Stale,
            false => Verdict::Denied,
        }
    }
}

#[cfg(test)]
mod tests {
    use digest_auth::AuthContext;

    use super::*;

    const PAGE: &str = "/cgi-bin/get_miner_conf.cgi";

    fn answer(challenge: &str, password: &str) -> String {
        let mut prompt = digest_auth::parse(challenge).unwrap();
        prompt.respond(&AuthContext::new(USER, password, PAGE)).unwrap().to_string()
    }

    #[test]
    fn an_independent_client_passes_until_the_nonce_is_old() {
        let gate = Gate::new(Timestamp::UNIX_EPOCH);
        let header = answer(&gate.challenge(1_000, false), PASSWORD);
        assert_eq!(gate.judge(&header, "GET", PAGE, 1_000), Verdict::Passes);
        assert_eq!(gate.judge(&header, "GET", PAGE, 1_000 + NONCE_LIFE), Verdict::Passes);
        assert_eq!(gate.judge(&header, "GET", PAGE, 1_001 + NONCE_LIFE), Verdict::Stale);
        assert!(gate.challenge(1_000, true).ends_with("stale=true"));
    }

    #[test]
    fn who_does_not_know_is_turned_away() {
        let gate = Gate::new(Timestamp::UNIX_EPOCH);
        let challenge = gate.challenge(1_000, false);
        let wrong = answer(&challenge, "admin");
        assert_eq!(gate.judge(&wrong, "GET", PAGE, 1_000), Verdict::Denied);
        let right = answer(&challenge, PASSWORD);
        assert_eq!(gate.judge(&right, "POST", PAGE, 1_000), Verdict::Denied);
        assert_eq!(gate.judge(&right, "GET", "/cgi-bin/reboot.cgi", 1_000), Verdict::Denied);
        let other = answer(&Gate::new(Timestamp::MAX).challenge(1_000, false), PASSWORD);
        assert_eq!(gate.judge(&other, "GET", PAGE, 1_000), Verdict::Denied);
        for header in
            ["", "Basic cm9vdDpyb290", "Digest ", "Digest nonce=", "Digest username=\"root\", nonce=\"é\""]
        {
            assert_eq!(gate.judge(header, "GET", PAGE, 1_000), Verdict::Denied);
        }
    }
}
