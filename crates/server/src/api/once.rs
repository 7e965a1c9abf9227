//! Changes that are carried out once, however often they are sent: the header `Idempotency-Key`.
//!
//! The first answer is kept in the book for a day and given again. It is carried out and kept whether or not its caller
//! still waits for it. A change whose end is not known, because the process died in it, is told so instead of being done
//! twice.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use offpeak_store::{Book, Keep, Once};
use sha2::{Digest as _, Sha256};

use super::{App, BODY_MAX, blocking};
use crate::access::{Caller, book, changes_nothing};
use crate::problem::Problem;

/// How long an answer is kept,
const KEPT: SignedDuration = SignedDuration::from_hours(24);
/// and how many of one caller.
const KEPT_OF_ONE: u32 = 10_000;
/// A key's characters at most.
const KEY_MAX: usize = 100;
/// A kept answer's bytes at most; of a longer one it is kept that it was given.
const ANSWER_MAX: usize = 16 * 1024;
/// What is said again of a longer one.
const TOO_LONG: &str = r#"{"done":"it was carried out; its answer was too long to be kept"}"#;
/// The header.
const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// What an answer that was given before carries.
const AGAIN: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Routes whose answers hold a secret or much of the records, which is never kept.
const UNKEPT: [&str; 6] =
    ["/api/v1/session", "/api/v1/setup", "/api/v1/tokens", "/api/v1/people", "/api/v1/me", "/api/v1/sql"];

/// The route of stops.
const STOPS: &str = "/api/v1/stops";

/// Carries a change out once.
pub(crate) async fn once(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    // Pools have passwords, too; setting them twice is setting them.
    let is_unkept = UNKEPT.iter().any(|of| path.starts_with(of)) || path.ends_with("/pools");
    let changes = !request.method().is_safe() && !changes_nothing(request.method(), path);
    let key = request.headers().get(KEY).filter(|_| changes && !is_unkept);
    match key.cloned() {
        None => next.run(request).await,
        Some(key) => keyed(app, &key, request, next).await.unwrap_or_else(IntoResponse::into_response),
    }
}

async fn keyed(app: Arc<App>, key: &HeaderValue, request: Request, next: Next) -> Result<Response, Problem> {
    let key = key.to_str().ok().filter(|key| !key.is_empty() && key.len() <= KEY_MAX);
    let key = key
        .ok_or_else(|| Problem::invalid(format!("Idempotency-Key has 1 to {KEY_MAX} visible characters")))?;
    let who = request.extensions().get::<Caller>().map(|caller| caller.name.clone()).unwrap_or_default();
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, BODY_MAX).await.map_err(|_| {
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "the body is larger than 64 KiB")
    })?;
    let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
    let hash = Sha256::new()
        .chain_update(parts.method.as_str().as_bytes())
        .chain_update(b" ")
        .chain_update(path.as_bytes())
        .chain_update(b"\n")
        .chain_update(&bytes)
        .finalize();
    let once = Change {
        book: Arc::clone(app.doors.book()),
        who,
        key: key.to_owned(),
        request: hash.into(),
        goes_ahead: parts.method == Method::POST && parts.uri.path() == STOPS,
    };
    once.finish(next.run(Request::from_parts(parts, Body::from(bytes)))).await
}

/// A change that is to be carried out once.
struct Change {
    book: Arc<Book>,
    who: String,
    key: String,
    /// The hash of all that was asked.
    request: [u8; 32],
    /// Whether it is carried out also where the book keeps no key: a stop given twice is a stop.
    goes_ahead: bool,
}

impl Change {
    /// Carries it out in a task of its own: a caller who goes away, or waits no longer, leaves it neither half done nor
    /// with an end that nobody knows.
    async fn finish(
        self,
        work: impl Future<Output = Response> + Send + 'static,
    ) -> Result<Response, Problem> {
        match tokio::spawn(self.carry_out(work)).await {
            Ok(answer) => answer,
            Err(ended) => match ended.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => {
                    let detail = "offpeak is ending, and the end of this request is not known";
                    Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "ending", detail)
                        .hint("send it again with the same key when the site is up"))
                }
            },
        }
    }

    async fn carry_out(self, work: impl Future<Output = Response> + Send) -> Result<Response, Problem> {
        let Self { book: kept_in, who, key, request, goes_ahead } = self;
        let mine = (Arc::clone(&kept_in), who.clone(), key.clone());
        let begun = blocking(move || {
            let (now, (kept_in, who, key)) = (Timestamp::now(), mine);
            let keep = Keep { from: now - KEPT, most: KEPT_OF_ONE };
            kept_in.begin_once(&who, &key, &request, now, keep).map_err(|error| book(&error))
        });
        match begun.await {
            Ok(Once::New) => {}
            Ok(Once::Done { status, body }) => return Ok(again(status, body)),
            Ok(Once::Another) => return Err(another()),
            Ok(Once::Begun) => return Err(end_unknown()),
            Err(_) if goes_ahead => return Ok(work.await),
            Err(problem) => return Err(problem),
        }
        let (parts, body) = work.await.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.map_err(|_| {
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "answer-lost", "the answer broke off")
        })?;
        let text = match bytes.len() <= ANSWER_MAX {
            true => String::from_utf8_lossy(&bytes).into_owned(),
            false => TOO_LONG.to_owned(),
        };
        let status = parts.status;
        let kept = blocking(move || {
            // What was refused changed nothing, and may be sent again when it fits.
            let kept = status.is_success().then_some((status.as_u16(), text.as_str()));
            kept_in.end_once(&who, &key, kept).map_err(|error| book(&error))
        });
        match kept.await {
            Err(problem) if !goes_ahead => Err(problem),
            _ => Ok(Response::from_parts(parts, Body::from(bytes))),
        }
    }
}

fn another() -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "key-reused", "this key was another request's")
        .hint("take a new Idempotency-Key for each change")
}

fn end_unknown() -> Problem {
    let detail = "this request was begun, and its end is not known";
    Problem::new(StatusCode::CONFLICT, "end-unknown", detail)
        .hint("see what is in force at /api/v1/directives before it is sent with another key")
}

fn again(status: u16, body: String) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let headers = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    let mut response = (status, headers, body).into_response();
    response.headers_mut().insert(AGAIN, HeaderValue::from_static("true"));
    response
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn who_goes_away_leaves_a_change_that_ends() {
        let dir = tempfile::tempdir().unwrap();
        let book = Arc::new(Book::open(&dir.path().join("book.sqlite")).unwrap());
        let ((began, has_begun), (open, gate)) = (oneshot::channel(), oneshot::channel::<()>());
        let work = async move {
            began.send(()).unwrap();
            gate.await.unwrap();
            (StatusCode::OK, "{\"done\":\"it is\"}").into_response()
        };
        let change = Change {
            book: Arc::clone(&book),
            who: "anna".into(),
            key: "k".into(),
            request: [7; 32],
            goes_ahead: false,
        };
        let caller = tokio::spawn(change.finish(work));
        has_begun.await.unwrap();
        caller.abort();
        assert!(caller.await.unwrap_err().is_cancelled(), "nobody waits any more");
        let asked_again = || {
            let now = Timestamp::now();
            book.begin_once("anna", "k", &[7; 32], now, Keep { from: now - KEPT, most: 10 }).unwrap()
        };
        assert_eq!(asked_again(), Once::Begun);
        open.send(()).unwrap();
        let ended = async {
            loop {
                match asked_again() {
                    Once::Begun => tokio::task::yield_now().await,
                    ended => return ended,
                }
            }
        };
        let ended = tokio::time::timeout(std::time::Duration::from_secs(20), ended).await.unwrap();
        assert_eq!(ended, Once::Done { status: 200, body: "{\"done\":\"it is\"}".into() });
    }
}
