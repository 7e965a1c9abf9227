//! Single machines that somebody holds off, and lets go again.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::ToSchema;

use super::given::{Given, reason};
use super::orders::{Done, done};
use super::{App, blocking};
use crate::access::{Caller, Permission};
use crate::handle::By;
use crate::problem::{Answer, Problem};
use crate::view::{HoldPreviewView, HoldView};

/// Machines of one request at most: their names fit into its body.
const MACHINES_MAX: usize = 500;

/// Machines to be held off.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HoldOrder {
    /// By id, or by address where only one has it.
    #[schema(min_items = 1, max_items = 500)]
    machines: Vec<String>,
    /// Why, for those who come after.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
    /// Until when; until they are released unless given.
    until: Option<Timestamp>,
}

/// Machines that might be held off.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HoldProposal {
    /// By id, or by address where only one has it.
    #[schema(min_items = 1, max_items = 500)]
    machines: Vec<String>,
    /// Until when.
    until: Option<Timestamp>,
}

/// Machines to be let go.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReleaseOrder {
    /// By id, or by address where only one has it.
    #[schema(min_items = 1, max_items = 500)]
    machines: Vec<String>,
    /// Why, for those who come after.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

fn counted(machines: &[String]) -> Result<(), Problem> {
    if !(1..=MACHINES_MAX).contains(&machines.len()) {
        return Err(Problem::invalid(format!("`machines` has 1 to {MACHINES_MAX} elements")));
    }
    machines.iter().try_for_each(|machine| reason("machines", machine).map(drop))
}

/// Machines that somebody holds off
#[utoipa::path(get, path = "/api/v1/holds", tag = "orders", responses((status = 200, body = Vec<HoldView>)))]
pub(super) async fn holds(State(app): State<Arc<App>>) -> Json<Vec<HoldView>> {
    Json(app.handle.holds())
}

/// Holds machines off: they go to sleep, and do not start before they are released or the time is over
#[utoipa::path(post, path = "/api/v1/holds", tag = "orders", request_body = HoldOrder,
    responses((status = 200, body = Done), (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn hold(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Given(order): Given<HoldOrder>,
) -> Answer<Done> {
    counted(&order.machines)?;
    let why = reason("reason", &order.reason)?;
    blocking(move || {
        let by = By { who: &caller.name, why: &why };
        let held = app.handle.hold(&order.machines, order.until, by)?;
        Ok(done(format!("held off: {held} machine(s)")))
    })
    .await
}

/// What holding machines off would do now; changes nothing
#[utoipa::path(post, path = "/api/v1/holds/preview", tag = "orders", request_body = HoldProposal,
    responses((status = 200, body = HoldPreviewView), (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn preview(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Given(proposal): Given<HoldProposal>,
) -> Answer<HoldPreviewView> {
    counted(&proposal.machines)?;
    blocking(move || {
        let mut view = app.handle.preview_hold(&proposal.machines, proposal.until)?;
        if !caller.may(Permission::MoneyRead) {
            (view.cost_per_h, view.cost) = (None, None);
        }
        Ok(Json(view))
    })
    .await
}

/// Lets go of machines, whoever held them; whether they start is the plan's to decide
#[utoipa::path(post, path = "/api/v1/holds/release", tag = "orders", request_body = ReleaseOrder,
    responses((status = 200, body = Done), (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn release(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Given(order): Given<ReleaseOrder>,
) -> Answer<Done> {
    counted(&order.machines)?;
    let why = reason("reason", &order.reason)?;
    blocking(move || {
        let released = app.handle.release(&order.machines, By { who: &caller.name, why: &why })?;
        Ok(done(format!("released: {released} machine(s)")))
    })
    .await
}
