//! The routes under `/api/v1`, and the layers that every request passes.
//!
//! The order, from outside: a panic becomes a problem, headers, the time and size of a request, who calls and whether
//! they may, tags, the handler.

mod alerts;
mod field;
mod file;
mod given;
mod holds;
mod machines;
mod observatory;
mod once;
mod orders;
mod people;
mod plant;
mod records;
mod site;

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Extension, Router};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::timeout::{RequestBodyTimeoutLayer, TimeoutLayer};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{Caller, Doors, Peer, admit};
use crate::alerts::Alerts;
use crate::etag;
use crate::handle::{HandleError, SiteHandle};
use crate::headers::protect;
use crate::kept::{Kept, Ready, Slot};
use crate::problem::Problem;
use crate::stream::Stream;
pub use file::text_tag;
use given::Asked;

/// A request's body at most.
pub const BODY_MAX: usize = 64 * 1024;
/// How long a handler may take.
const HANDLER_PATIENCE: Duration = Duration::from_secs(30);
/// How long a request's body may pause.
const BODY_PATIENCE: Duration = Duration::from_secs(10);

/// A file of the user interface.
#[derive(Clone, Debug)]
pub struct StaticFile {
    /// Its content type.
    pub kind: &'static str,
    /// Its bytes, as they are sent.
    pub bytes: &'static [u8],
    /// `gzip` or `br` where the bytes are compressed so.
    pub encoding: Option<&'static str>,
    /// Whether its name changes with its content, so that it may be kept for good.
    pub is_hashed: bool,
}

/// The user interface's files by their path without a leading slash; the page itself is `index.html`. Given the
/// request's `Accept-Encoding`.
pub type Files = Arc<dyn Fn(&str, &str) -> Option<StaticFile> + Send + Sync>;

/// What handlers work with.
pub struct App {
    pub(crate) handle: Arc<dyn SiteHandle>,
    pub(crate) doors: Doors,
    pub(crate) stream: Stream,
    pub(crate) alerts: Arc<Alerts>,
    kept: Kept,
    files: Option<Files>,
}

impl App {
    /// An application over a site.
    #[must_use]
    pub fn new(handle: Arc<dyn SiteHandle>, doors: Doors, alerts: Alerts, files: Option<Files>) -> Arc<Self> {
        let (stream, kept) = (Stream::default(), Kept::default());
        Arc::new(Self { handle, doors, stream, alerts: Arc::new(alerts), kept, files })
    }

    /// An answer that is the same for everybody who asks by this name until the next picture: made once, off the
    /// threads that serve.
    async fn once_a_picture<T: Serialize>(
        self: Arc<Self>,
        caller: &Caller,
        asked: HeaderMap,
        name: String,
        make: impl FnOnce(&dyn SiteHandle) -> Result<T, HandleError> + Send + 'static,
    ) -> Result<Response, Problem> {
        let slot = self
            .handle
            .picture()
            .map_or_else(Slot::default, |number| self.kept.slot(number, &name, &caller.name));
        if let Some(Ok(ready)) = slot.get()
            && ready.is_at_hand(&asked)
        {
            return Ok(ready.response(&asked));
        }
        blocking(move || {
            let made = slot.get_or_init(|| Ok(Ready::new(&make(self.handle.as_ref())?)));
            if made.is_err() {
                self.kept.forget(&name);
            }
            made.as_ref().map(|ready| ready.response(&asked)).map_err(Clone::clone)
        })
        .await
    }
}

fn open_router() -> OpenApiRouter<Arc<App>> {
    let info = utoipa::openapi::InfoBuilder::new()
        .title("offpeak")
        .version("1")
        .description(Some(
            "A running site: what it shows and takes. Fields name their unit; what is not known is null, never zero. \
             Times are RFC 3339 in UTC. An error is a problem (RFC 9457) with a hint that says what to do.",
        ))
        .build();
    let document = OpenApi::builder().info(info).build();
    OpenApiRouter::with_openapi(document)
        .routes(routes!(site::health))
        .routes(routes!(site::me))
        .routes(routes!(site::site))
        .routes(routes!(file::text, file::write))
        .routes(routes!(file::check))
        .routes(routes!(site::stream))
        .routes(routes!(machines::machines))
        .routes(routes!(machines::machine))
        .routes(routes!(machines::history))
        .routes(routes!(machines::why))
        .routes(routes!(plant::floor))
        .routes(routes!(plant::states))
        .routes(routes!(plant::circuits))
        .routes(routes!(plant::explanation))
        .routes(routes!(plant::calendar))
        .routes(routes!(plant::directives))
        .routes(routes!(orders::stop, orders::resume))
        .routes(routes!(orders::lockout, orders::lift_lockout))
        .routes(routes!(orders::orders, orders::order))
        .routes(routes!(records::order_history))
        .routes(routes!(orders::preview))
        .routes(routes!(orders::lift_order))
        .routes(routes!(holds::holds, holds::hold))
        .routes(routes!(holds::preview))
        .routes(routes!(holds::release))
        .routes(routes!(orders::authority))
        .routes(routes!(people::sign_in, people::sign_out))
        .routes(routes!(people::set_up))
        .routes(routes!(people::change_password))
        .routes(routes!(people::people, people::add_person))
        .routes(routes!(people::change_person))
        .routes(routes!(people::link))
        .routes(routes!(people::tokens, people::add_token))
        .routes(routes!(people::revoke_token))
        .routes(routes!(records::audit))
        .routes(routes!(records::verification))
        .routes(routes!(records::report))
        .routes(routes!(records::backups, records::back_up))
        .routes(routes!(records::sql))
        .routes(routes!(field::scans, field::scan))
        .routes(routes!(field::end_scan))
        .routes(routes!(field::light_of_found))
        .routes(routes!(field::minutes))
        .routes(routes!(field::look))
        .routes(routes!(field::light))
        .routes(routes!(field::restart))
        .routes(routes!(field::pools))
        .routes(routes!(alerts::alerts))
        .routes(routes!(alerts::history))
        .routes(routes!(alerts::acknowledge))
        .routes(routes!(alerts::snooze))
        .routes(routes!(alerts::test))
        .routes(routes!(observatory::index))
        .routes(routes!(observatory::slider))
        .routes(routes!(observatory::hash_price))
        .routes(routes!(observatory::breakeven))
        .routes(routes!(observatory::residual))
        .routes(routes!(observatory::chain))
        .routes(routes!(observatory::world))
        .routes(routes!(observatory::flows))
        .routes(routes!(observatory::country))
        .routes(routes!(observatory::what_if))
}

/// The OpenAPI document of these routes.
#[must_use]
pub fn document() -> OpenApi {
    document::finished(open_router().into_openapi())
}

mod document;

/// The application as a service.
pub(crate) fn router(app: Arc<App>) -> Router {
    let text: Arc<str> = document().to_pretty_json().unwrap_or_default().into();
    let served = move || {
        let text = Arc::clone(&text);
        async move { ([(header::CONTENT_TYPE, "application/json")], text.to_string()) }
    };
    let (routes, _) = open_router().split_for_parts();
    routes
        .route("/api/v1/openapi.json", get(served))
        .layer(from_fn(etag::tag))
        .layer(from_fn_with_state(Arc::clone(&app), once::once))
        .route("/enter", get(enter))
        .fallback(file)
        .layer(from_fn_with_state(Arc::clone(&app), admit))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(RequestBodyTimeoutLayer::new(BODY_PATIENCE))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, HANDLER_PATIENCE))
        .layer(CompressionLayer::new())
        .layer(from_fn(protect))
        .layer(CatchPanicLayer::custom(panicked))
        .with_state(app)
}

/// Runs what may wait for the disk off the threads that serve.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| {
        Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "fault", "this is a fault in offpeak itself"))
    })
}

/// How long a caller waits for a turn.
const TURN_PATIENCE: Duration = Duration::from_secs(20);

/// Work of which so much is done at once, however many ask.
pub(crate) struct Turns {
    places: Semaphore,
    /// Why there is none.
    busy: &'static str,
}

impl Turns {
    pub(crate) const fn new(places: usize, busy: &'static str) -> Self {
        Self { places: Semaphore::const_new(places), busy }
    }
}

/// Does something in its turn, off the threads that serve.
async fn in_turn<T: Send + 'static>(
    turns: &'static Turns,
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let turn = tokio::time::timeout(TURN_PATIENCE, turns.places.acquire()).await;
    let Ok(Ok(turn)) = turn else {
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", turns.busy)
            .hint("ask again in some seconds"));
    };
    // Kept until the work ends, whether or not somebody still waits for it.
    blocking(move || {
        let _turn = turn;
        work()
    })
    .await
}

fn panicked(_: Box<dyn Any + Send>) -> Response {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "fault", "this is a fault in offpeak itself")
        .hint("report it with what the log says; the loop and the book are not touched by it")
        .into_response()
}

/// The link that a demo prints.
#[derive(Deserialize)]
struct Entry {
    key: String,
}

async fn enter(
    State(app): State<Arc<App>>,
    Asked(entry): Asked<Entry>,
    Extension(peer): Extension<Peer>,
) -> Response {
    let begun = blocking(move || app.doors.enter(&entry.key, peer.is_secure())).await;
    let cookie = begun.map(|begun| begun.and_then(|begun| HeaderValue::from_str(&begun.cookie).ok()));
    match cookie {
        Ok(Some(cookie)) => ([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response(),
        Ok(None) => Problem::new(StatusCode::UNAUTHORIZED, "unknown-key", "this link opens nothing")
            .hint("each start of a demo prints its own")
            .into_response(),
        Err(problem) => problem.into_response(),
    }
}

/// A file of the user interface; a path of its own pages is answered with the page itself.
async fn file(State(app): State<Arc<App>>, uri: Uri, request: Request) -> Response {
    let path = uri.path().trim_start_matches('/');
    let is_local = matches!(request.extensions().get::<Peer>(), Some(Peer::Local { .. }));
    if path.starts_with("api/") || is_local || !request.method().is_safe() {
        return Problem::not_found("no-such-route", format!("there is nothing at {}", uri.path()))
            .hint("the routes are in /api/v1/openapi.json")
            .into_response();
    }
    let accepts = request.headers().get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    let accepts = accepts.unwrap_or_default();
    let is_page = !path.rsplit('/').next().unwrap_or_default().contains('.');
    let found = app.files.as_ref().and_then(|files| match files(path, accepts) {
        None if is_page => files("index.html", accepts),
        found => found,
    });
    match found {
        Some(file) => sent(file),
        None if path.is_empty() => (
            [(header::CONTENT_TYPE, "text/plain; charset=utf-8")],
            "offpeak: the API is under /api/v1, its description at /api/v1/openapi.json\n",
        )
            .into_response(),
        None => {
            Problem::not_found("no-such-file", format!("there is nothing at {}", uri.path())).into_response()
        }
    }
}

fn sent(file: StaticFile) -> Response {
    let kept = if file.is_hashed { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut response = (
        [(header::CONTENT_TYPE, file.kind), (header::CACHE_CONTROL, kept), (header::VARY, "accept-encoding")],
        file.bytes,
    )
        .into_response();
    if let Some(encoding) = file.encoding {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}
