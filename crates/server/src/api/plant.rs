//! Circuits, what binds on them and what is ordered; and where machines stand.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::{Extension, Json};
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::IntoParams;

use super::App;
use super::given::Asked;
use crate::access::{Caller, Permission};
use crate::handle::Columns;
use crate::problem::{Answer, Problem};
use crate::view::{CalendarView, CircuitView, DirectivesView, Explanation, FloorView, StatesView};

/// How many days a calendar reaches at most.
const DAYS_MAX: u16 = 60;

/// All circuits, parents first
#[utoipa::path(get, path = "/api/v1/circuits", tag = "power", responses((status = 200, body = Vec<CircuitView>)))]
pub(super) async fn circuits(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    asked: HeaderMap,
) -> Result<Response, Problem> {
    app.once_a_picture(&caller, asked, "circuits".to_owned(), |handle| Ok(handle.circuits())).await
}

/// Which moment.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AtParams {
    /// Another moment than now
    at: Option<Timestamp>,
}

/// What binds on a circuit, from whom, and what would bind next
#[utoipa::path(get, path = "/api/v1/circuits/{circuit}/explanation", tag = "power",
    params(("circuit" = String, Path), AtParams), responses((status = 200, body = Explanation)))]
pub(super) async fn explanation(
    State(app): State<Arc<App>>,
    Path(circuit): Path<String>,
    Asked(params): Asked<AtParams>,
) -> Answer<Explanation> {
    Ok(Json(app.handle.explain(&circuit, params.at)?))
}

/// Which days.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CalendarParams {
    /// The circuit; the grid connection unless given
    circuit: Option<String>,
    /// How many days from now
    #[param(minimum = 1, maximum = 60, default = 14)]
    days: Option<u16>,
}

/// What binds on a circuit in the days to come, and what power costs
#[utoipa::path(get, path = "/api/v1/calendar", tag = "power", params(CalendarParams),
    responses((status = 200, body = Vec<CalendarView>), (status = 404, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn calendar(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    asked: HeaderMap,
    Asked(params): Asked<CalendarParams>,
) -> Result<Response, Problem> {
    let days = params.days.unwrap_or(14);
    if !(1..=DAYS_MAX).contains(&days) {
        return Err(Problem::invalid(format!("`days` is {days}; it is 1 to {DAYS_MAX}")));
    }
    let (circuit, money) = (params.circuit, caller.may(Permission::MoneyRead));
    app.once_a_picture(&caller, asked, format!("calendar {circuit:?} {days} {money}"), move |handle| {
        let mut rows = handle.calendar(circuit.as_deref(), days)?;
        if !money {
            rows.iter_mut().for_each(|row| row.power_price = None);
        }
        Ok(rows)
    })
    .await
}

/// Everything ordered and not lifted: stops, lockouts, orders
#[utoipa::path(get, path = "/api/v1/directives", tag = "power", responses((status = 200, body = DirectivesView)))]
pub(super) async fn directives(State(app): State<Arc<App>>) -> Json<DirectivesView> {
    Json(app.handle.directives())
}

/// Where the machines stand, in columns; changes with the site file only
#[utoipa::path(get, path = "/api/v1/floor", tag = "machines", responses((status = 200, body = FloorView)))]
pub(super) async fn floor(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    asked: HeaderMap,
) -> Result<Response, Problem> {
    app.once_a_picture(&caller, asked, "floor".to_owned(), |handle| Ok(handle.floor())).await
}

/// Which columns.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ColumnParams {
    /// Columns beside the states, with commas between them: temperature, power, efficiency, age
    #[param(example = "temperature,age")]
    columns: Option<String>,
}

/// How the machines are, in columns in the order of the floor
#[utoipa::path(get, path = "/api/v1/floor/states", tag = "machines", params(ColumnParams),
    responses((status = 200, body = StatesView)))]
pub(super) async fn states(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    asked: HeaderMap,
    Asked(params): Asked<ColumnParams>,
) -> Result<Response, Problem> {
    let mut columns = Columns::default();
    for name in params.columns.iter().flat_map(|names| names.split(',')) {
        *match name {
            "temperature" => &mut columns.temperature,
            "power" => &mut columns.power,
            "efficiency" => &mut columns.efficiency,
            "age" => &mut columns.age,
            other => {
                let detail = format!("`{other}` is no column; there are temperature, power, efficiency, age");
                return Err(Problem::invalid(detail));
            }
        } = true;
    }
    app.once_a_picture(
        &caller,
        asked,
        format!("states {columns:?}"),
        move |handle| Ok(handle.states(columns)),
    )
    .await
}
