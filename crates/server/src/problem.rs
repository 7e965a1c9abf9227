//! Errors as the API tells them: RFC 9457 problem details, with a hint that says what to do.
//!
//! Nothing secret may come in here: a problem is shown to whoever asked, and logged.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::handle::HandleError;

/// What went wrong and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Its kind, for programs: `urn:offpeak:no-such-circuit`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The HTTP status in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong, with what was given.
    pub detail: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Problem {
    /// A problem of this kind.
    #[must_use]
    pub fn new(status: StatusCode, kind: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:offpeak:{kind}"),
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            hint: None,
        }
    }
    /// With what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
    /// A request that makes no sense.
    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail)
            .hint("the document at /api/v1/openapi.json says what is expected")
    }
    /// What was named is not there.
    pub(crate) fn not_found(kind: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, kind, detail)
    }
    /// As [`HandleError`] words it: the hint stands after the first line that begins with `hint: `.
    fn worded(status: StatusCode, kind: &str, words: &str) -> Self {
        let (detail, hint) = words.split_once("\nhint: ").unwrap_or((words, ""));
        let problem = Self::new(status, kind, detail);
        if hint.is_empty() { problem } else { problem.hint(hint) }
    }
}

impl From<HandleError> for Problem {
    fn from(error: HandleError) -> Self {
        let (status, kind) = match &error {
            HandleError::Circuit { .. } => (StatusCode::NOT_FOUND, "no-such-circuit"),
            HandleError::Several { .. } => (StatusCode::CONFLICT, "several-machines"),
            HandleError::NoMachine(_) => (StatusCode::NOT_FOUND, "no-such-machine"),
            HandleError::NothingThere(_) => (StatusCode::CONFLICT, "nothing-in-force"),
            HandleError::NoOrder(_) => (StatusCode::NOT_FOUND, "no-such-order"),
            HandleError::NotYours { .. } => (StatusCode::FORBIDDEN, "not-yours"),
            HandleError::NotAHall(_) => (StatusCode::UNPROCESSABLE_ENTITY, "not-a-hall"),
            HandleError::Invalid(_) => (StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
            HandleError::TooEarly => (StatusCode::SERVICE_UNAVAILABLE, "too-early"),
            HandleError::NotRecorded(_) => (StatusCode::CONFLICT, "not-recorded"),
            HandleError::Conflict(_) => (StatusCode::CONFLICT, "conflict"),
            HandleError::Changed(_) => (StatusCode::PRECONDITION_FAILED, "changed"),
            HandleError::Unreadable(_) => (StatusCode::INTERNAL_SERVER_ERROR, "unreadable"),
            HandleError::Book(_) => (StatusCode::INTERNAL_SERVER_ERROR, "book"),
        };
        Self::worded(status, kind, &error.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let kind = HeaderValue::from_static("application/problem+json");
        (status, [(header::CONTENT_TYPE, kind)], body).into_response()
    }
}

/// What a handler answers with.
pub(crate) type Answer<T> = Result<axum::Json<T>, Problem>;
