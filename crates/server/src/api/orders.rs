//! What people order: stops, lockouts, limits, authority. Each is in the book when it is answered, except a stop that
//! the book does not take, which is in force all the same.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::given::{Asked, Given, WhyParams, reason, text};
use super::{App, blocking};
use crate::access::{Caller, Permission};
use crate::handle::{By, HandleError, Stopped};
use crate::problem::{Answer, Problem};
use crate::view::{OrderView, PreviewView};

/// That it was done.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Done {
    /// In words.
    done: String,
}

pub(super) fn done(words: String) -> Json<Done> {
    Json(Done { done: words })
}

/// That a stop is in force.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct StopDone {
    /// In words.
    done: String,
    /// Why the book does not have it; `null` where it does. It then ends with offpeak, unless the book takes it later.
    not_in_book: Option<String>,
}

fn named(circuit: Option<&String>) -> String {
    circuit.cloned().unwrap_or_else(|| "the whole site".to_owned())
}

/// A stop.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StopOrder {
    /// The circuit; without it the whole site.
    circuit: Option<String>,
    /// Why, for those who come after.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

/// Stops a circuit, or the whole site: everything below it goes to sleep and stays so. It is in force also where the book
/// does not take it, which the answer then says
#[utoipa::path(post, path = "/api/v1/stops", tag = "orders", request_body = StopOrder,
    responses((status = 200, body = StopDone), (status = 404, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn stop(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Given(order): Given<StopOrder>,
) -> Answer<StopDone> {
    let why = reason("reason", &order.reason)?;
    blocking(move || {
        let stopped = app.handle.stop(order.circuit.as_deref(), By { who: &caller.name, why: &why })?;
        let what = named(order.circuit.as_ref());
        Ok(Json(match stopped {
            Stopped::InBook => StopDone { done: format!("stopped: {what}"), not_in_book: None },
            Stopped::InMemory(why) => StopDone {
                done: format!("stopped: {what}; only in memory, so a new start of offpeak forgets it: {why}"),
                not_in_book: Some(why),
            },
        }))
    })
    .await
}

/// Which stop.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ResumeParams {
    /// The circuit; without it every stop is lifted
    circuit: Option<String>,
    /// Why, for those who come after
    #[param(min_length = 1, max_length = 500)]
    reason: String,
}

/// Lifts the operator's stop of a circuit, or all stops
#[utoipa::path(delete, path = "/api/v1/stops", tag = "orders", params(ResumeParams),
    responses((status = 200, body = Done), (status = 404, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn resume(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Asked(params): Asked<ResumeParams>,
) -> Answer<Done> {
    let why = reason("reason", &params.reason)?;
    blocking(move || {
        let lifted = app.handle.resume(params.circuit.as_deref(), By { who: &caller.name, why: &why })?;
        Ok(done(format!("{lifted} stop(s) lifted at {}", named(params.circuit.as_ref()))))
    })
    .await
}

/// A lockout.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LockoutOrder {
    /// The circuit.
    circuit: String,
    /// Who works there; the caller unless given.
    #[schema(max_length = 500)]
    by: Option<String>,
    /// What for, for those who come after.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

/// Locks a circuit out because somebody works there: nothing below it starts, and what runs goes to sleep
#[utoipa::path(post, path = "/api/v1/lockouts", tag = "orders", request_body = LockoutOrder,
    responses((status = 200, body = Done), (status = 404, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn lockout(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Given(order): Given<LockoutOrder>,
) -> Answer<Done> {
    let worker = order.by.as_ref().map_or_else(|| Ok(caller.name.clone()), |by| reason("by", by))?;
    let why = reason("reason", &order.reason)?;
    blocking(move || {
        app.handle.lockout(&order.circuit, &worker, By { who: &caller.name, why: &why })?;
        Ok(done(format!("locked out for {worker}: {}", order.circuit)))
    })
    .await
}

/// Which lockout.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct LiftParams {
    /// The circuit
    circuit: String,
    /// Who lifts it, by the local socket; over the network it is the caller
    #[param(max_length = 500)]
    by: Option<String>,
    /// Lift anybody's, as a manager
    manager: Option<bool>,
    /// Why, for those who come after
    #[param(min_length = 1, max_length = 500)]
    reason: String,
}

/// Lifts a lockout of one's own, or anybody's as a manager
#[utoipa::path(delete, path = "/api/v1/lockouts", tag = "orders", params(LiftParams),
    responses((status = 200, body = Done), (status = 404, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn lift_lockout(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Asked(params): Asked<LiftParams>,
) -> Answer<Done> {
    // Only the local socket takes somebody's word for who they are: it is behind the system's own login.
    let worker = match &params.by {
        Some(by) if caller.is_local() || *by == caller.name => reason("by", by)?,
        Some(_) => return Err(Problem::invalid("`by` is the caller's own name, or left out")),
        None => caller.name.clone(),
    };
    let manager = params.manager.unwrap_or_default();
    if manager && !caller.may(Permission::LockoutAny) {
        return Err(Problem::from(HandleError::NotYours {
            circuit: params.circuit,
            by: "somebody else".to_owned(),
        }));
    }
    let why = reason("reason", &params.reason)?;
    blocking(move || {
        app.handle.lift_lockout(&params.circuit, &worker, manager, By { who: &caller.name, why: &why })?;
        Ok(done(format!("lockout lifted by {worker}: {}", params.circuit)))
    })
    .await
}

/// Whose order it is, which is its place in the precedence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OrderKind {
    /// An emergency of the grid.
    Emergency,
    /// The grid's dispatch.
    Dispatch,
    /// The operator's wish.
    #[default]
    Wish,
    /// Maintenance: nothing hashes there for so long.
    Maintenance,
}

impl OrderKind {
    const fn name(self) -> &'static str {
        match self {
            Self::Emergency => "emergency",
            Self::Dispatch => "dispatch",
            Self::Wish => "wish",
            Self::Maintenance => "maintenance",
        }
    }
    /// Those that come from the grid.
    const OF_GRID: [Self; 2] = [Self::Emergency, Self::Dispatch];
}

/// Whether the caller may give and lift orders of a kind.
fn orders_of(caller: &Caller, kind: &str) -> Result<(), Problem> {
    let is_grids = OrderKind::OF_GRID.iter().any(|of| of.name() == kind);
    if caller.may(Permission::Order) || (is_grids && caller.may(Permission::GridOrder)) {
        return Ok(());
    }
    let who = format!(
        "{} ({}) gives and lifts emergency and dispatch orders, not {kind}",
        caller.name, caller.role
    );
    Err(Problem::new(StatusCode::FORBIDDEN, "may-not", who).hint("it takes the permission order"))
}

/// An order in words.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GivenOrder {
    /// `CIRCUIT to|hold POWER [over 15|30|60 min] [at TIME] [for DURATION | until TIME]`; a time without a date is the
    /// next one at the site.
    #[schema(min_length = 1, max_length = 500, example = "hall-3 to 4 MW at 18:00 for 2 h")]
    words: String,
    /// Whose it is.
    #[serde(default)]
    kind: OrderKind,
    /// Why, for those who come after.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

/// An order that might be given, in words.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProposedOrder {
    /// As those of an order.
    #[schema(min_length = 1, max_length = 500, example = "hall-3 to 4 MW at 18:00 for 2 h")]
    words: String,
    /// Whose it would be.
    #[serde(default)]
    kind: OrderKind,
    /// As of an order; it is read as strictly.
    #[serde(default)]
    #[schema(max_length = 500)]
    reason: String,
}

/// Orders that are neither lifted nor over
#[utoipa::path(get, path = "/api/v1/orders", tag = "orders", responses((status = 200, body = Vec<OrderView>)))]
pub(super) async fn orders(State(app): State<Arc<App>>) -> Json<Vec<OrderView>> {
    Json(app.handle.orders())
}

/// Gives an order: a limit or a setpoint on a circuit for some time; with `order.grid` alone an emergency or dispatch
#[utoipa::path(post, path = "/api/v1/orders", tag = "orders", request_body = GivenOrder,
    responses((status = 200, body = OrderView), (status = 404, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn order(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Given(order): Given<GivenOrder>,
) -> Answer<OrderView> {
    let (words, why) = (reason("words", &order.words)?, reason("reason", &order.reason)?);
    orders_of(&caller, order.kind.name())?;
    blocking(move || {
        let by = By { who: &caller.name, why: &why };
        Ok(Json(app.handle.order(&words, order.kind.name(), by)?))
    })
    .await
}

/// What an order would do now; changes nothing
#[utoipa::path(post, path = "/api/v1/orders/preview", tag = "orders", request_body = ProposedOrder,
    responses((status = 200, body = PreviewView), (status = 404, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn preview(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Given(order): Given<ProposedOrder>,
) -> Answer<PreviewView> {
    let (words, _) = (reason("words", &order.words)?, text("reason", &order.reason)?);
    blocking(move || {
        let mut view = app.handle.preview(&words, order.kind.name())?;
        if !caller.may(Permission::MoneyRead) {
            view.without_money();
        }
        if !caller.may(Permission::MachinesRead) {
            view.without_machines();
        }
        Ok(Json(view))
    })
    .await
}

/// Lifts an order; with `order.grid` alone an emergency or dispatch
#[utoipa::path(delete, path = "/api/v1/orders/{order}", tag = "orders", params(("order" = u64, Path), WhyParams),
    responses((status = 200, body = Done)))]
pub(super) async fn lift_order(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Asked(params): Asked<WhyParams>,
) -> Answer<Done> {
    let number = id.parse::<u64>().ok().filter(|id| i64::try_from(*id).is_ok());
    let id =
        number.ok_or_else(|| Problem::not_found("no-such-order", format!("`{id}` is no order's number")))?;
    let why = params.why()?;
    blocking(move || {
        if !caller.may(Permission::Order) {
            let order = app.handle.orders().into_iter().find(|order| order.id == id);
            orders_of(&caller, &order.ok_or(HandleError::NoOrder(id))?.kind)?;
        }
        app.handle.lift_order(id, By { who: &caller.name, why: &why })?;
        Ok(done(format!("order {id} lifted")))
    })
    .await
}

/// What offpeak may do in a hall.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Power {
    /// Read and report; send nothing.
    Observe,
    /// Act.
    Control,
}

/// Authority in a hall.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuthorityOrder {
    /// What offpeak may do there.
    authority: Power,
    /// Why, for those who come after.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

/// Gives or takes the authority to act in a hall
#[utoipa::path(put, path = "/api/v1/halls/{hall}/authority", tag = "orders", params(("hall" = String, Path)),
    request_body = AuthorityOrder, responses((status = 200, body = Done)))]
pub(super) async fn authority(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(hall): Path<String>,
    Given(order): Given<AuthorityOrder>,
) -> Answer<Done> {
    let why = reason("reason", &order.reason)?;
    blocking(move || {
        let control = order.authority == Power::Control;
        app.handle.set_authority(&hall, control, By { who: &caller.name, why: &why })?;
        let word = if control { "offpeak acts in" } else { "offpeak only observes" };
        Ok(done(format!("{word} {hall}")))
    })
    .await
}
