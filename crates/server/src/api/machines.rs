//! Machines: a page of them, one, and what it was asked.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde::Deserialize;
use utoipa::IntoParams;

use super::App;
use super::given::{Asked, TEXT_MAX};
use crate::access::{Caller, Permission};
use crate::handle::{HandleError, MachineQuery, MachineSort};
use crate::problem::{Answer, Problem};
use crate::view::{CommandRecord, MachinePage, MachineView, WhyView};

/// Machines on a page at most.
const PAGE_MAX: usize = 1_000;
/// Machines on a page unless asked for otherwise.
const PAGE: usize = 100;
/// Machines left out at most: more than the largest site has.
const SKIP_MAX: usize = 1_000_000;
/// Records of a history at most.
const HISTORY_MAX: u32 = 1_000;
/// States, as in filters.
const STATES: [&str; 7] = ["running", "rising", "falling", "asleep", "cut", "failed", "unknown"];

/// Which machines, and how.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct MachineParams {
    /// Only this hall
    hall: Option<String>,
    /// Only on this circuit or below it
    circuit: Option<String>,
    /// Only these states, with commas between them
    #[param(example = "unknown,failed")]
    state: Option<String>,
    /// Only this owner's
    owner: Option<String>,
    /// Only this model
    model: Option<String>,
    /// Only those with something wrong between us and them or that an alert names, or without
    trouble: Option<bool>,
    /// Only those that somebody holds off, or that nobody does
    held: Option<bool>,
    /// Only those whose id, address, MAC, serial, model or owner has this in it
    #[param(max_length = 500)]
    search: Option<String>,
    /// By what
    #[param(inline)]
    sort: Option<MachineSort>,
    /// The last first
    descending: Option<bool>,
    /// The page after this one: `next` of the page before, with the same filters
    after: Option<String>,
    /// How many of the first to leave out: a jump into the middle of a long list, instead of `after`
    #[param(minimum = 0, maximum = 1000000)]
    skip: Option<usize>,
    /// How many on a page
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<usize>,
}

impl MachineParams {
    /// As a query for a caller, who may see one owner's machines only.
    fn query(self, caller: &Caller) -> Result<MachineQuery, Problem> {
        let limit = self.limit.unwrap_or(PAGE);
        if !(1..=PAGE_MAX).contains(&limit) {
            return Err(Problem::invalid(format!("`limit` is {limit}; a page has 1 to {PAGE_MAX} machines")));
        }
        let skip = self.skip.unwrap_or_default();
        if skip > SKIP_MAX || (skip > 0 && self.after.is_some()) {
            let detail = format!("`skip` is {skip}; it is at most {SKIP_MAX}, and stands without `after`");
            return Err(Problem::invalid(detail));
        }
        let states: Vec<String> =
            self.state.iter().flat_map(|states| states.split(',')).map(str::to_owned).collect();
        if let Some(other) = states.iter().find(|state| !STATES.contains(&state.as_str())) {
            return Err(Problem::invalid(format!("`{other}` is no state; there are {}", STATES.join(", "))));
        }
        if self.search.as_ref().is_some_and(|search| search.chars().count() > TEXT_MAX) {
            return Err(Problem::invalid(format!("`search` has more than {TEXT_MAX} characters")));
        }
        let owner = match caller.sees()? {
            None => self.owner,
            Some(own) if self.owner.as_deref().is_none_or(|owner| owner == own) => Some(own.to_owned()),
            Some(_) => return Err(Problem::invalid("`owner` is not the caller's")),
        };
        Ok(MachineQuery {
            hall: self.hall,
            circuit: self.circuit,
            states,
            owner,
            model: self.model,
            trouble: self.trouble,
            alerted: Vec::new(),
            held: self.held,
            search: self.search.filter(|search| !search.trim().is_empty()),
            sort: self.sort.unwrap_or_default(),
            descending: self.descending.unwrap_or_default(),
            after: self.after,
            skip,
            limit,
        })
    }
}

/// A page of machines
#[utoipa::path(get, path = "/api/v1/machines", tag = "machines", params(MachineParams),
    responses((status = 200, body = MachinePage), (status = 404, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn machines(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Asked(params): Asked<MachineParams>,
) -> Answer<MachinePage> {
    let is_owner = caller.sees()?.is_some();
    let mut query = params.query(&caller)?;
    // Owners see no alerts, and nothing of them.
    if query.trouble.is_some() && !is_owner {
        query.alerted = app.alerts.with_board(|board| {
            board.open().into_iter().flat_map(|alert| alert.condition.named.clone()).collect()
        });
    }
    let found = app.handle.machines(&query);
    let mut page = match found {
        // Which circuits there are beside those of their machines is not told to an owner: on one that is not there as on
        // one of others', they have none.
        Err(HandleError::Circuit { .. } | HandleError::NotAHall(_)) if is_owner => {
            MachinePage { at: app.handle.now(), total: 0, next: None, machines: Vec::new() }
        }
        found => found?,
    };
    if is_owner {
        page.machines = page.machines.into_iter().map(MachineView::for_owner).collect();
    }
    Ok(Json(page))
}

/// The machine of this name that the caller may see; another's is told apart from none by nobody.
pub(super) fn visible(app: &App, caller: &Caller, name: &str) -> Result<MachineView, Problem> {
    let sees = caller.sees()?;
    let found = match app.handle.machine(name) {
        // The machines that share an address are perhaps another's.
        Err(_) if sees.is_some() => None,
        found => found?,
    };
    let visible = match sees {
        None => found,
        Some(own) => found.filter(|machine| machine.owner == own).map(MachineView::for_owner),
    };
    visible.ok_or_else(|| {
        Problem::not_found("no-such-machine", format!("there is no machine `{name}`"))
            .hint("machines are listed by id and address at /api/v1/machines")
    })
}

/// One machine by its id (with %2F for each slash), its IP address, or address and port
#[utoipa::path(get, path = "/api/v1/machines/{machine}", tag = "machines",
    params(("machine" = String, Path)),
    responses((status = 200, body = MachineView), (status = 409, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn machine(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
) -> Answer<MachineView> {
    Ok(Json(visible(&app, &caller, &name)?))
}

/// How much of it.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct HistoryParams {
    /// How many records, newest first
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
}

/// What a machine was asked and how that ended, newest first
#[utoipa::path(get, path = "/api/v1/machines/{machine}/history", tag = "machines",
    params(("machine" = String, Path), HistoryParams),
    responses((status = 200, body = Vec<CommandRecord>), (status = 409, body = Problem, content_type = "application/problem+json"),
        (status = 500, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn history(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    Asked(params): Asked<HistoryParams>,
) -> Answer<Vec<CommandRecord>> {
    let most = params.limit.unwrap_or(100);
    if !(1..=HISTORY_MAX).contains(&most) {
        return Err(Problem::invalid(format!("`limit` is {most}; 1 to {HISTORY_MAX} records are told")));
    }
    let machine = visible(&app, &caller, &name)?;
    let owner = caller.sees()?.map(str::to_owned);
    super::blocking(move || Ok(app.handle.history(&machine.id, owner.as_deref(), most)?)).await.map(Json)
}

/// Why a machine is as it is: its rank, what binds on its way to the grid, and what would change its state
#[utoipa::path(get, path = "/api/v1/machines/{machine}/why", tag = "machines", params(("machine" = String, Path)),
    responses((status = 200, body = WhyView), (status = 409, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn why(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
) -> Answer<WhyView> {
    let machine = visible(&app, &caller, &name)?;
    let mut why = app.handle.why(&machine.id)?;
    if !caller.may(Permission::MoneyRead) {
        why.iter_mut().for_each(|why| why.earns_again = None);
    }
    why.map(Json)
        .ok_or_else(|| Problem::not_found("no-such-machine", format!("there is no machine `{name}`")))
}
