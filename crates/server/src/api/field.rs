//! Machines from beside the loop: searches of networks, a close look, orders by hand.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::{Extension, Json};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::given::{Asked, Given, NoteParams, note, reason, text};
use super::machines::visible;
use super::orders::{Done, done};
use super::{App, Turns, blocking, in_turn};
use crate::access::Caller;
use crate::beside::{HandOrder, PoolOrder};
use crate::handle::By;
use crate::problem::{Answer, Problem};
use crate::view::{LookView, MinutesView, ScanView};

/// Machines' pasts are read by two at a time,
static PASTS: Turns = Turns::new(2, "others' machines' pasts are being read");
/// and looked at closely by some.
static LOOKS: Turns = Turns::new(8, "other machines are being looked at");
/// Ranges of one search at most.
const RANGES_MAX: usize = 100;
/// Pools that a machine has room for.
const POOLS_MAX: usize = 3;
/// A machine's recorded time at once.
const MINUTES_MAX: SignedDuration = SignedDuration::from_hours(24 * 31);

/// What to search.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScanOrder {
    /// Networks `10.1.0.0/22`, ranges `10.1.0.1-10.1.3.254` or addresses, each with `:PORTS` where they are not the usual.
    #[schema(min_items = 1, max_items = 100)]
    ranges: Vec<String>,
    /// Why, for those who come after.
    #[schema(max_length = 500)]
    reason: Option<String>,
}

/// Begins a search of networks for machines; one runs at a time
#[utoipa::path(post, path = "/api/v1/scans", tag = "field", request_body = ScanOrder,
    responses((status = 200, body = ScanView)))]
pub(super) async fn scan(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Given(order): Given<ScanOrder>,
) -> Answer<ScanView> {
    if !(1..=RANGES_MAX).contains(&order.ranges.len()) {
        return Err(Problem::invalid(format!("`ranges` has 1 to {RANGES_MAX} elements")));
    }
    for range in &order.ranges {
        reason("ranges", range)?;
    }
    let why = note(order.reason.as_ref())?;
    blocking(move || Ok(app.handle.scan(&order.ranges, By { who: &caller.name, why: &why })?)).await.map(Json)
}

/// The last search, as far as it is; none before the first
#[utoipa::path(get, path = "/api/v1/scans", tag = "field", responses((status = 200, body = Vec<ScanView>)))]
pub(super) async fn scans(State(app): State<Arc<App>>) -> Json<Vec<ScanView>> {
    Json(app.handle.last_scan().into_iter().collect())
}

/// Ends the search that runs
#[utoipa::path(delete, path = "/api/v1/scans/last", tag = "field", params(NoteParams), responses((status = 200, body = ScanView)))]
pub(super) async fn end_scan(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Asked(params): Asked<NoteParams>,
) -> Answer<ScanView> {
    let why = params.why()?;
    blocking(move || Ok(app.handle.end_scan(By { who: &caller.name, why: &why })?)).await.map(Json)
}

/// Lets a machine that the last search found blink, so that its place is seen, or stops that
#[utoipa::path(put, path = "/api/v1/scans/last/found/{address}/light", tag = "field", params(("address" = String, Path)),
    request_body = LightOrder, responses((status = 200, body = Done)))]
pub(super) async fn light_of_found(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(address): Path<String>,
    Given(order): Given<LightOrder>,
) -> Answer<Done> {
    let why = note(order.reason.as_ref())?;
    blocking(move || {
        app.handle.blink_found(&address, order.on, By { who: &caller.name, why: &why })?;
        Ok(done(format!("{}: {address}", blinking(order.on))))
    })
    .await
}

const fn blinking(on: bool) -> &'static str {
    if on { "it blinks" } else { "it blinks no more" }
}

/// Which time.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct MinutesParams {
    /// From when; a day before `until` unless given
    from: Option<Timestamp>,
    /// Until before when; now unless given
    until: Option<Timestamp>,
}

/// A machine's recorded time: power, hash rate, how much of it it hashed
#[utoipa::path(get, path = "/api/v1/machines/{machine}/minutes", tag = "machines",
    params(("machine" = String, Path), MinutesParams),
    responses((status = 200, body = MinutesView), (status = 409, body = Problem, content_type = "application/problem+json"),
        (status = 500, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn minutes(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    Asked(params): Asked<MinutesParams>,
) -> Answer<MinutesView> {
    let until = params.until.unwrap_or_else(|| app.handle.now());
    let day_before = || until.checked_sub(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MIN);
    let from = params.from.unwrap_or_else(day_before);
    let length = from.duration_until(until);
    if length <= SignedDuration::ZERO || length > MINUTES_MAX {
        return Err(Problem::invalid("`from` is before `until`, by 31 days at most"));
    }
    let machine = visible(&app, &caller, &name)?;
    let owner = caller.sees()?.map(str::to_owned);
    let read = move || Ok(app.handle.minutes(&machine.id, owner.as_deref(), from, until)?);
    in_turn(&PASTS, read).await.map(Json)
}

/// What a driver understands of a machine, and everything that was said; secrets are taken out
#[utoipa::path(get, path = "/api/v1/machines/{machine}/look", tag = "field", params(("machine" = String, Path)),
    responses((status = 200, body = LookView), (status = 409, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn look(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
) -> Answer<LookView> {
    let machine = visible(&app, &caller, &name)?;
    in_turn(&LOOKS, move || Ok(app.handle.look(&machine.id)?)).await.map(Json)
}

async fn by_hand(
    app: Arc<App>,
    caller: Caller,
    name: &str,
    order: HandOrder,
    why: String,
    words: &'static str,
) -> Answer<Done> {
    let machine = visible(&app, &caller, name)?;
    blocking(move || {
        app.handle.by_hand(&machine.id, &order, By { who: &caller.name, why: &why })?;
        Ok(done(format!("{words}: {}", machine.id)))
    })
    .await
}

/// A light.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LightOrder {
    /// Whether it is to blink.
    on: bool,
    /// Why, for those who come after.
    #[schema(max_length = 500)]
    reason: Option<String>,
}

/// Lets a machine's light blink so that it is found in its rack, or stops that
#[utoipa::path(put, path = "/api/v1/machines/{machine}/light", tag = "field", params(("machine" = String, Path)),
    request_body = LightOrder, responses((status = 200, body = Done)))]
pub(super) async fn light(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    Given(order): Given<LightOrder>,
) -> Answer<Done> {
    let why = note(order.reason.as_ref())?;
    by_hand(app, caller, &name, HandOrder::Locate(order.on), why, blinking(order.on)).await
}

/// Why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RestartOrder {
    /// Why, for those who come after.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

/// Restarts a machine's control board; one that is to be off is not restarted, since it may hash afterwards
#[utoipa::path(post, path = "/api/v1/machines/{machine}/restart", tag = "field", params(("machine" = String, Path)),
    request_body = RestartOrder, responses((status = 200, body = Done)))]
pub(super) async fn restart(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    Given(order): Given<RestartOrder>,
) -> Answer<Done> {
    let why = reason("reason", &order.reason)?;
    by_hand(app, caller, &name, HandOrder::Reboot, why, "it was asked to restart").await
}

/// Pools.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PoolsOrder {
    /// First to last.
    #[schema(min_items = 1, max_items = 3)]
    pools: Vec<PoolOrder>,
    /// Why, for those who come after.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

/// Says for which pools a machine mines
#[utoipa::path(put, path = "/api/v1/machines/{machine}/pools", tag = "field", params(("machine" = String, Path)),
    request_body = PoolsOrder, responses((status = 200, body = Done)))]
pub(super) async fn pools(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    Given(order): Given<PoolsOrder>,
) -> Answer<Done> {
    let why = reason("reason", &order.reason)?;
    if !(1..=POOLS_MAX).contains(&order.pools.len()) {
        return Err(Problem::invalid(format!("`pools` has 1 to {POOLS_MAX} elements")));
    }
    for pool in &order.pools {
        reason("url", &pool.url)?;
        reason("user", &pool.user)?;
        text("password", &pool.password)?;
    }
    let (alerts, id) = (Arc::clone(&app.alerts), visible(&app, &caller, &name)?.id);
    let done = by_hand(app, caller, &name, HandOrder::Pools(order.pools), why, "its pools are set").await?;
    // What was set here is no news.
    alerts.with_board(|board| board.forget_pools(&id));
    Ok(done)
}
