//! The site as a whole, its live stream, and who asks.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::given::Asked;
use crate::access::{Caller, Means, Peer, Permission, Role};
use crate::problem::Problem;
use crate::stream::Sees;
use crate::view::SiteView;

/// Points of a trace at most.
const TRACE_MAX: usize = 4_096;
/// Points of a trace unless asked for otherwise.
const TRACE_POINTS: usize = 720;

/// That the process answers.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Health {
    /// `up`.
    status: String,
}

/// Says that the process answers, and nothing of the site
#[utoipa::path(get, path = "/api/v1/health", tag = "site", responses((status = 200, body = Health)))]
pub(super) async fn health() -> Json<Health> {
    Json(Health { status: "up".to_owned() })
}

/// Who asks, and what they may do.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Me {
    /// By name.
    name: String,
    /// What they are.
    role: Role,
    /// Whose machines a customer sees.
    owner: Option<String>,
    /// What they may do here.
    permissions: Vec<Permission>,
    /// What a browser's changes carry as the header `x-csrf-token`; `null` for other callers.
    csrf: Option<String>,
    /// The site's id.
    site: String,
    /// The site's full name.
    site_name: String,
    /// The site's time zone.
    time_zone: String,
    /// The plant's time.
    at: Timestamp,
    /// Plant seconds a second on the wall.
    speed: u32,
}

/// Who asks, and what they may do
#[utoipa::path(get, path = "/api/v1/me", tag = "people", responses((status = 200, body = Me)))]
pub(super) async fn me(State(app): State<Arc<App>>, Extension(caller): Extension<Caller>) -> Json<Me> {
    let view = app.handle.view(0);
    Json(Me {
        permissions: Permission::ALL.into_iter().filter(|permission| caller.may(*permission)).collect(),
        csrf: match &caller.means {
            Means::Session { csrf } => Some(csrf.clone()),
            Means::Local | Means::Token { .. } => None,
        },
        name: caller.name,
        role: caller.role,
        owner: caller.owner,
        site: view.site,
        site_name: view.name,
        time_zone: view.time_zone,
        at: view.at,
        speed: view.speed,
    })
}

/// How much of the past.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SiteParams {
    /// Points of the trace of power against its limit, up to two days back
    #[param(minimum = 0, maximum = 4096, default = 720)]
    trace: Option<usize>,
}

/// The site as a whole: power against its limit, machines by state, halls, money, what needs attention
#[utoipa::path(get, path = "/api/v1/site", tag = "site", params(SiteParams), responses((status = 200, body = SiteView)))]
pub(super) async fn site(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    asked: HeaderMap,
    Asked(params): Asked<SiteParams>,
) -> Result<Response, Problem> {
    let points = params.trace.unwrap_or(TRACE_POINTS);
    if points > TRACE_MAX {
        return Err(Problem::invalid(format!("`trace` is {points}; {TRACE_MAX} points are the most")));
    }
    let sees = Sees::of(&caller);
    app.once_a_picture(&caller, asked, format!("site {points} {sees:?}"), move |handle| {
        Ok(sees.narrowed(handle.view(points)))
    })
    .await
}

/// Server-sent events: `site` each second with the site as a whole (without its trace), `machines` with the machines
/// that changed state since the event before, as pairs of place and letter; after `resync` read the states anew. It ends
/// when whoever watches is signed out, disabled or given other rights
#[utoipa::path(get, path = "/api/v1/stream", tag = "site",
    responses((status = 200, content_type = "text/event-stream", body = String)))]
pub(super) async fn stream(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
) -> Response {
    let (of, began) = (Arc::clone(&app), caller.clone());
    // What the book says of a key is remembered for a while, so that this reads it now and then only.
    let still =
        move || peer.is_local() || of.doors.caller(&headers, peer.is_secure()).as_ref() == Some(&began);
    match app.stream.subscribe(&app.handle, &caller, Box::new(still)) {
        Ok(events) => Sse::new(events).keep_alive(KeepAlive::default()).into_response(),
        Err(problem) => problem.into_response(),
    }
}
