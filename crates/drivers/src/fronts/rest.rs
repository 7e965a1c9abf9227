//! What the REST families' front ends share: a request as they see it, and a reply as they give it.
//!
//! Not here: HTTP (`web`), any family.

use serde_json::Value;

/// A request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    /// The header of that name.
    pub(super) authorization: Option<&'a str>,
    /// The header of that name.
    pub(super) cookie: Option<&'a str>,
    pub(super) body: &'a [u8],
}

/// A reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) status: u16,
    /// JSON, or nothing.
    pub(super) body: String,
    /// A cookie to set.
    pub(super) cookie: Option<String>,
}

impl Told {
    /// A success; `null` is no body.
    pub(super) fn ok(body: &Value) -> Self {
        Self::status(200, body)
    }
    /// Any status; `null` is no body.
    pub(super) fn status(status: u16, body: &Value) -> Self {
        Self { status, body: if body.is_null() { String::new() } else { body.to_string() }, cookie: None }
    }
    /// There is no such page.
    pub(super) fn not_found() -> Self {
        Self { status: 404, body: String::new(), cookie: None }
    }
    /// Whether it is a success.
    pub(super) const fn is_ok(&self) -> bool {
        self.status < 300
    }
}

/// A body as JSON; `null` where it is none.
pub(super) fn saved(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_default()
}
