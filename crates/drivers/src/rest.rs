//! JSON over HTTP, as the REST families share it: a session token kept between requests and renewed when
//! the machine forgets it, and a refusal's words wherever the machine puts them.
//!
//! Not here: HTTP itself (`http`), and what any family says.

use bytes::Bytes;
use hyper::{Method, StatusCode};
use offpeak_site::Trouble;
use serde::Deserialize;
use serde_json::Value;

use crate::call::{Bearer, Call};
use crate::exchange::shape;
use crate::http::{Login, Pages};
use crate::refusal::{Refusal, ReplyError};

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) method: Method,
    pub(crate) page: &'a str,
    pub(crate) body: Option<Value>,
}

impl<'a> Ask<'a> {
    pub(crate) const fn get(page: &'a str) -> Self {
        Self { method: Method::GET, page, body: None }
    }
    pub(crate) const fn post(page: &'a str, body: Option<Value>) -> Self {
        Self { method: Method::POST, page, body }
    }
    pub(crate) const fn put(page: &'a str, body: Option<Value>) -> Self {
        Self { method: Method::PUT, page, body }
    }
    pub(crate) const fn patch(page: &'a str, body: Option<Value>) -> Self {
        Self { method: Method::PATCH, page, body }
    }
}

/// Longer lists are none of a machine's.
const LIST_MAX: usize = 1_024;

/// Reads a reply that is an object.
///
/// # Errors
/// `Truncated` where it is cut, `Garbled` where it is anything else.
pub(crate) fn object<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, ReplyError> {
    // What is derived would take an array for an object.
    if bytes.trim_ascii_start().first().is_some_and(|&first| first != b'{') {
        return Err(ReplyError::Broken(Trouble::Garbled));
    }
    serde_json::from_slice(bytes).map_err(|error| ReplyError::Broken(shape(&error, bytes)))
}

/// Reads a reply that is a list.
///
/// # Errors
/// As [`object`].
pub(crate) fn list<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<Vec<T>, ReplyError> {
    let list: Vec<T> =
        serde_json::from_slice(bytes).map_err(|error| ReplyError::Broken(shape(&error, bytes)))?;
    if list.len() > LIST_MAX { Err(ReplyError::Broken(Trouble::Oversized)) } else { Ok(list) }
}

/// What a machine answers.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
    /// The cookie that the machine sets, as `name=value`.
    pub(crate) cookie: Option<String>,
}

impl Answer {
    /// Whether the token was not taken.
    fn is_locked(&self) -> bool {
        matches!(self.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
    }
    /// The body of a success.
    ///
    /// # Errors
    /// The machine's refusal, in its own words.
    pub(crate) fn accepted(self) -> Result<Bytes, ReplyError> {
        if self.status.is_success() { Ok(self.body) } else { Err(refused(self.status, &self.body)) }
    }
    /// The body of a success that only tells something.
    ///
    /// # Errors
    /// `Denied` without a login, `Garbled` for any other status.
    pub(crate) fn told(self) -> Result<Bytes, Trouble> {
        match self.status {
            status if status.is_success() => Ok(self.body),
            _ if self.is_locked() => Err(Trouble::Denied),
            _ => Err(Trouble::Garbled),
        }
    }
}

/// A refusal: the body's words, or the status's where it has none.
pub(crate) fn refused(status: StatusCode, body: &[u8]) -> ReplyError {
    const WORDS_MAX: usize = 400;
    // Where firmwares say why not.
    const PLACES: [&str; 5] = ["/err", "/error/message", "/error", "/message", "/detail"];
    let body_json: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = PLACES.into_iter().find_map(|place| body_json.pointer(place)?.as_str());
    let plain = core::str::from_utf8(body).ok().map(str::trim);
    let plain = plain.filter(|text| !text.is_empty() && !text.starts_with(['<', '{', '[']));
    let words = text.or(plain).or(status.canonical_reason()).unwrap_or("no reason given");
    let words = words.trim_matches('"').chars().take(WORDS_MAX).collect();
    ReplyError::Refused(Refusal { code: Some(u64::from(status.as_u16())), words })
}

/// Sends a request with the token that is held, if any.
pub(crate) async fn send(
    call: &Call<'_>,
    ask: &Ask<'_>,
    within: core::time::Duration,
) -> Result<Answer, Trouble> {
    let login = call
        .link
        .bearer
        .as_ref()
        .map_or(Login::Open, |bearer| Login::Header("authorization", bearer.token.clone()));
    send_as(call, ask, within, login).await
}

/// Sends a request with this login.
pub(crate) async fn send_as(
    call: &Call<'_>,
    ask: &Ask<'_>,
    within: core::time::Duration,
    login: Login<'_>,
) -> Result<Answer, Trouble> {
    let (kind, body) = match &ask.body {
        Some(body) => ("application/json", Bytes::from(body.to_string())),
        None => ("", Bytes::new()),
    };
    let mut pages = Pages::new(&call.driver.connector, call.web(), login, within);
    let (status, body) = pages.request(&ask.method, ask.page, kind, body).await?;
    Ok(Answer { status, body, cookie: pages.cookie().map(str::to_owned) })
}

/// Sends a request; where the token is not taken, another is got by `unlock` and the request sent once more.
pub(crate) async fn unlocked(
    call: &mut Call<'_>,
    ask: &Ask<'_>,
    within: core::time::Duration,
    unlock: impl AsyncFn(&mut Call<'_>) -> Result<Bearer, ReplyError>,
) -> Result<Answer, ReplyError> {
    let answer = send(call, ask, within).await?;
    if !answer.is_locked() {
        return Ok(answer);
    }
    call.link.bearer = None;
    call.link.bearer = Some(unlock(call).await?);
    Ok(send(call, ask, within).await?)
}

/// Takes a token before it is needed: when there is none, or the one that is held is older than this.
///
/// # Errors
/// What stands between us and the machine.
pub(crate) async fn keep_armed(
    call: &mut Call<'_>,
    renew_after: core::time::Duration,
    unlock: impl AsyncFn(&mut Call<'_>) -> Result<Bearer, ReplyError>,
) -> Result<(), Trouble> {
    if call.link.bearer.as_ref().is_none_or(|bearer| bearer.since.elapsed() >= renew_after) {
        let bearer = unlock(call).await.map_err(|error| error.trouble())?;
        call.link.bearer = Some(bearer);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_keeps_the_machine_s_words() {
        let words = |body: &str| match refused(StatusCode::BAD_REQUEST, body.as_bytes()) {
            ReplyError::Refused(refusal) => refusal.to_string(),
            ReplyError::Broken(trouble) => panic!("{trouble:?}"),
        };
        assert_eq!(words(r#"{"err":"preset is not tuned"}"#), "preset is not tuned (code 400)");
        assert_eq!(words(r#"{"message":"no"}"#), "no (code 400)");
        assert_eq!(words(r#"{"error":{"code":"X","message":"no"}}"#), "no (code 400)");
        assert_eq!(words(r#"{"error":"no"}"#), "no (code 400)");
        assert_eq!(words(r#""out of range""#), "out of range (code 400)");
        assert_eq!(words("<html></html>"), "Bad Request (code 400)");
        assert_eq!(words(""), "Bad Request (code 400)");
        assert_eq!(words(&"x".repeat(9_000)).len(), 411);
    }
}
