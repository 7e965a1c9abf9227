//! What was recorded: reports, the audit chain, copies of the book, questions in SQL.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::given::{Asked, Given, NoteParams};
use super::{App, Turns, blocking, in_turn};
use crate::access::{Caller, Permission, book};
use crate::beside::{ReportAbout, ReportBy, ReportQuery};
use crate::handle::By;
use crate::problem::{Answer, Problem};
use crate::view::{
    AuditView, BackupView, OrderDeedView, OrderDeedsView, ReportView, RowsView, VerificationView,
};

/// What reads much of the records takes all cores for seconds: one at a time, so that the loop has the machine.
static READING: Turns = Turns::new(1, "others' questions to the records are being answered");
/// Entries of the audit chain at once.
const AUDIT_MAX: u32 = 1_000;
/// A statement's characters at most.
const STATEMENT_MAX: usize = 10_000;
/// Rows of an answer at most.
const ROWS_MAX: usize = 10_000;
/// Rows of an answer unless asked for otherwise.
const ROWS: usize = 1_000;

/// As what a report is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ReportFormat {
    /// As JSON.
    #[default]
    Json,
    /// As CSV, what is not known left empty.
    Csv,
}

/// Which report.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReportParams {
    /// What its lines are by, with commas between them: day, hour, hall, circuit, owner, model, machine; one line for all
    /// unless given
    #[param(example = "hall,day")]
    by: Option<String>,
    /// From this instant, or civil time at the site; from the first record unless given
    #[param(example = "2022-10-03")]
    from: Option<String>,
    /// Until before this one; until the last record unless given
    to: Option<String>,
    /// As what
    #[param(inline)]
    format: Option<ReportFormat>,
}

fn by_of(name: &str) -> Result<ReportBy, Problem> {
    let value = serde_json::Value::from(name.trim());
    serde_json::from_value(value).map_err(|_| {
        let all = "day, hour, hall, circuit, owner, model, machine";
        Problem::invalid(format!("`{name}` is nothing that lines are by; there are {all}"))
    })
}

/// Energy, time or hashes out of what was recorded; a customer gets what is of their machines
#[utoipa::path(get, path = "/api/v1/reports/{about}", tag = "records",
    params(("about" = inline(ReportAbout), Path), ReportParams),
    responses((status = 200, content((ReportView = "application/json"), (String = "text/csv"))),
        (status = 409, body = Problem, content_type = "application/problem+json"),
        (status = 500, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn report(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(about): Path<String>,
    Asked(params): Asked<ReportParams>,
) -> Result<Response, Problem> {
    let about = serde_json::from_value(serde_json::Value::from(about.as_str())).map_err(|_| {
        Problem::not_found("no-such-report", format!("there is no report about `{about}`"))
            .hint("there are energy, availability and hash")
    })?;
    let names = params.by.iter().flat_map(|names| names.split(',')).filter(|name| !name.is_empty());
    let by = names.map(by_of).collect::<Result<Vec<_>, _>>()?;
    // Seeing every machine is not seeing what the site draws: without `records.read` a report is some owner's.
    let owner = match (caller.may(Permission::RecordsRead), &caller.owner) {
        (true, _) => None,
        (false, Some(owner)) => Some(owner.clone()),
        (false, None) => {
            let detail = "reports of the whole site need the permission `records.read`";
            return Err(Problem::new(StatusCode::FORBIDDEN, "may-not", detail)
                .hint("a customer gets those of their machines"));
        }
    };
    // Who sees the site as a whole is not told of each customer.
    let is_of_someone = |by: &ReportBy| matches!(by, ReportBy::Owner | ReportBy::Machine | ReportBy::Model);
    if owner.is_none() && !caller.may(Permission::MachinesRead) && by.iter().any(is_of_someone) {
        let detail = "lines by owner, model or machine need the permission `machines.read`";
        return Err(Problem::new(StatusCode::FORBIDDEN, "not-permitted", detail)
            .hint("by day, hour, hall and circuit they are told"));
    }
    let query = ReportQuery { about, by, from: params.from, until: params.to, owner };
    let made = in_turn(&READING, move || Ok(app.handle.report(&query)?)).await?;
    Ok(match params.format.unwrap_or_default() {
        ReportFormat::Json => Json(made).into_response(),
        ReportFormat::Csv => {
            let name = format!("attachment; filename=\"{}.csv\"", made.about);
            let headers = [
                (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
                (header::CONTENT_DISPOSITION, name),
            ];
            (headers, made.csv()).into_response()
        }
    })
}

/// Recomputes the whole audit chain and its signatures
#[utoipa::path(get, path = "/api/v1/audit/verification", tag = "records",
    responses((status = 200, body = VerificationView), (status = 500, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn verification(State(app): State<Arc<App>>) -> Answer<VerificationView> {
    in_turn(&READING, move || Ok(app.handle.verify_audit()?)).await.map(Json)
}

/// The copies of the book, newest first
#[utoipa::path(get, path = "/api/v1/backups", tag = "records", responses((status = 200, body = Vec<BackupView>)))]
pub(super) async fn backups(State(app): State<Arc<App>>) -> Answer<Vec<BackupView>> {
    blocking(move || Ok(app.handle.backups())).await.map(Json)
}

/// Copies the book, whole and checked, into the site's folder of copies
#[utoipa::path(post, path = "/api/v1/backups", tag = "records", params(NoteParams), responses((status = 200, body = BackupView)))]
pub(super) async fn back_up(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Asked(params): Asked<NoteParams>,
) -> Answer<BackupView> {
    let why = params.why()?;
    in_turn(&READING, move || Ok(app.handle.back_up(By { who: &caller.name, why: &why })?)).await.map(Json)
}

/// A question.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Question {
    /// One SELECT over the tables of lake and book.
    #[schema(min_length = 1, max_length = 10000, example = "SELECT count(*) AS n FROM machine")]
    statement: String,
    /// Rows at most; 1,000 unless given.
    #[schema(minimum = 1, maximum = 10000)]
    limit: Option<usize>,
}

/// Asks lake and book in SQL: reads only, in a process of its own that is ended when it takes too long
#[utoipa::path(post, path = "/api/v1/sql", tag = "records", request_body = Question, responses((status = 200, body = RowsView)))]
pub(super) async fn sql(State(app): State<Arc<App>>, Given(question): Given<Question>) -> Answer<RowsView> {
    let statement = question.statement.trim().to_owned();
    if statement.is_empty() || statement.chars().count() > STATEMENT_MAX {
        return Err(Problem::invalid(format!("`statement` has 1 to {STATEMENT_MAX} characters")));
    }
    let rows = question.limit.unwrap_or(ROWS);
    if !(1..=ROWS_MAX).contains(&rows) {
        return Err(Problem::invalid(format!("`limit` is {rows}; it is 1 to {ROWS_MAX}")));
    }
    in_turn(&READING, move || Ok(app.handle.sql(&statement, rows)?)).await.map(Json)
}

/// How much of it.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditParams {
    /// Only what came before the entry of this number: the last one of the page before
    #[param(minimum = 0, maximum = 9007199254740991_u64)]
    before: Option<u64>,
    /// How many entries, newest first
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
}

/// Who changed what and why, newest first and, page by page, back to the beginning
#[utoipa::path(get, path = "/api/v1/audit", tag = "records", params(AuditParams),
    responses((status = 200, body = Vec<AuditView>)))]
pub(super) async fn audit(
    State(app): State<Arc<App>>,
    Asked(params): Asked<AuditParams>,
) -> Answer<Vec<AuditView>> {
    let most = params.limit.unwrap_or(100);
    if !(1..=AUDIT_MAX).contains(&most) {
        return Err(Problem::invalid(format!("`limit` is {most}; 1 to {AUDIT_MAX} entries are told")));
    }
    before_checked(params.before)?;
    let read = move || app.doors.book().audit_page(params.before, most).map_err(|error| book(&error));
    let entries = blocking(read).await?;
    Ok(Json(entries.into_iter().map(AuditView::from).collect()))
}

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct OrderDeedParams {
    /// Only what came before the deed of this number: `next` of the page before
    #[param(minimum = 0, maximum = 9007199254740991_u64)]
    before: Option<u64>,
    /// How many deeds, newest first
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
}

/// The largest number that every reader of JSON takes whole.
const SEQ_MAX: u64 = (1 << 53) - 1;

fn before_checked(before: Option<u64>) -> Result<(), Problem> {
    match before.filter(|before| *before > SEQ_MAX) {
        Some(_) => Err(Problem::invalid(format!("`before` is at most {SEQ_MAX}"))),
        None => Ok(()),
    }
}

/// Deeds that concern circuits,
const OF_CIRCUITS: [&str; 7] =
    ["order", "order lifted", "stop", "resume", "lockout", "lockout lifted", "authority"];
/// and those that name machines, which not everybody sees.
const OF_MACHINES: [&str; 2] = ["machines held", "machines released"];

/// What was ordered and lifted, by whom and why, newest first and back to the beginning
#[utoipa::path(get, path = "/api/v1/orders/history", tag = "orders", params(OrderDeedParams),
    responses((status = 200, body = OrderDeedsView)))]
pub(super) async fn order_history(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Asked(params): Asked<OrderDeedParams>,
) -> Answer<OrderDeedsView> {
    let most = params.limit.unwrap_or(100);
    if !(1..=AUDIT_MAX).contains(&most) {
        return Err(Problem::invalid(format!("`limit` is {most}; 1 to {AUDIT_MAX} deeds are told")));
    }
    before_checked(params.before)?;
    let mut whats = OF_CIRCUITS.to_vec();
    if caller.may(Permission::MachinesRead) {
        whats.extend(OF_MACHINES);
    }
    let read = move || {
        // One more than the page has tells whether there is another.
        app.doors.book().deeds(&whats, params.before, most + 1).map_err(|error| book(&error))
    };
    let mut entries = blocking(read).await?;
    let has_more = entries.len() > most as usize;
    entries.truncate(most as usize);
    let next = entries.last().filter(|_| has_more).map(|last| last.seq);
    Ok(Json(OrderDeedsView { deeds: entries.into_iter().map(OrderDeedView::from).collect(), next }))
}
