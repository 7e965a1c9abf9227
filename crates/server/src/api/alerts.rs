//! Alerts: what holds, what was, acknowledging, snoozing, trying a way out.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use jiff::{SignedDuration, Timestamp};
use offpeak_alerts::{Alert, NoAlert, Severity, State as Standing};
use offpeak_store::Deed;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::given::{Asked, Given, NoteParams, note as given_note};
use super::{App, blocking};
use crate::access::{Caller, book};
use crate::problem::Problem;

/// How long an alert may be quiet: a week.
const SNOOZE_MIN_MAX: u32 = 7 * 24 * 60;
/// Machines told of an alert that is over: a thousand such are listed at once.
const NAMED_OVER: usize = 20;

/// One alert: everything that one cause explains.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct AlertView {
    /// Its number.
    id: u64,
    /// The rule: `over-limit`, `machines-lost`, ...
    rule: String,
    /// Where: a circuit, a signal.
    cause: String,
    /// `notice`, `warning` or `critical`.
    severity: String,
    /// `open`, `acknowledged`, `snoozed` or `over`.
    state: String,
    /// In a line, with figures.
    text: String,
    /// How many machines it is about.
    machines: u64,
    /// Their ids, where it is about machines one by one: 200 at most, 20 of one that is over.
    named: Vec<String>,
    /// Since when it holds, in plant time.
    since: Timestamp,
    /// Who has seen to it.
    acknowledged_by: Option<String>,
    /// Quiet until then, in plant time.
    snoozed_until: Option<Timestamp>,
    /// What whoever saw to it or made it quiet said of it last.
    note: Option<String>,
    /// When it was over, in plant time.
    over: Option<Timestamp>,
}

/// An alert with the first `named` of its machines.
fn view(alert: &Alert, now: Timestamp, named: usize) -> AlertView {
    AlertView {
        id: alert.id,
        rule: alert.condition.kind.name().to_owned(),
        cause: alert.condition.cause.clone(),
        severity: match alert.condition.severity {
            Severity::Notice => "notice",
            Severity::Warning => "warning",
            Severity::Critical => "critical",
        }
        .to_owned(),
        state: match alert.state(now) {
            Standing::Open => "open",
            Standing::Acknowledged => "acknowledged",
            Standing::Snoozed => "snoozed",
            Standing::Over => "over",
        }
        .to_owned(),
        text: alert.condition.text.clone(),
        machines: alert.condition.machines as u64,
        named: alert.condition.named[..alert.condition.named.len().min(named)].to_vec(),
        since: alert.since,
        acknowledged_by: alert.acknowledged.as_ref().map(|(who, _)| who.clone()),
        snoozed_until: alert.snoozed.as_ref().map(|(_, until)| *until),
        note: alert.note.clone(),
        over: alert.over,
    }
}

/// A way to somebody and how it works.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct ChannelView {
    /// Its name in the rule file.
    name: String,
    /// When something last went out by it.
    sent: Option<Timestamp>,
    /// Why the last try failed; `null` where it did not.
    error: Option<String>,
}

/// What holds now.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct AlertsView {
    /// The most severe first.
    alerts: Vec<AlertView>,
    /// The ways to somebody.
    channels: Vec<ChannelView>,
}

/// Alerts that hold, grouped by cause, the most severe first
#[utoipa::path(get, path = "/api/v1/alerts", tag = "alerts", responses((status = 200, body = AlertsView)))]
pub(super) async fn alerts(State(app): State<Arc<App>>) -> Json<AlertsView> {
    let now = now(&app);
    let alerts = app
        .alerts
        .with_board(|board| board.open().into_iter().map(|alert| view(alert, now, usize::MAX)).collect());
    let channel = |(name, health): (String, crate::alerts::Health)| ChannelView {
        name,
        sent: health.sent,
        error: health.error,
    };
    Json(AlertsView { alerts, channels: app.alerts.channels().into_iter().map(channel).collect() })
}

/// Alerts that are over, the newest first; a thousand are kept
#[utoipa::path(get, path = "/api/v1/alerts/history", tag = "alerts", responses((status = 200, body = Vec<AlertView>)))]
pub(super) async fn history(State(app): State<Arc<App>>) -> Json<Vec<AlertView>> {
    let now = now(&app);
    Json(app.alerts.with_board(|board| board.history().map(|alert| view(alert, now, NAMED_OVER)).collect()))
}

/// The time that alerts go by; the site's before they are judged.
fn now(app: &App) -> Timestamp {
    app.alerts.with_board(|board| board.at()).unwrap_or_else(|| app.handle.now())
}

fn none(error: &NoAlert) -> Problem {
    Problem::not_found("no-such-alert", error.to_string())
        .hint("those that hold are listed at /api/v1/alerts")
}

fn number(id: &str) -> Result<u64, Problem> {
    id.parse().map_err(|_| Problem::not_found("no-such-alert", format!("`{id}` is no alert's number")))
}

/// Whether an alert holds, of which something is about to be noted.
fn holds(app: &App, id: u64) -> Result<(), Problem> {
    let is_open = app.alerts.with_board(|board| board.open().iter().any(|alert| alert.id == id));
    if is_open { Ok(()) } else { Err(none(&NoAlert(id))) }
}

/// Notes in the audit chain what somebody does with an alert, before it is done: what the chain does not have did not
/// happen.
async fn note(
    app: Arc<App>,
    caller: Caller,
    what: &'static str,
    id: u64,
    why: String,
) -> Result<(), Problem> {
    blocking(move || {
        let subject = format!("alert {id}");
        let deed = Deed { who: &caller.name, what, subject: &subject, why: &why };
        app.doors.book().note(Timestamp::now(), &deed).map(drop).map_err(|error| book(&error))
    })
    .await
}

/// Says that somebody sees to it: it is told no more before it is over
#[utoipa::path(post, path = "/api/v1/alerts/{alert}/acknowledgement", tag = "alerts",
    params(("alert" = u64, Path), NoteParams), responses((status = 204)))]
pub(super) async fn acknowledge(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Asked(params): Asked<NoteParams>,
) -> Result<StatusCode, Problem> {
    let (id, why) = (number(&id)?, params.why()?);
    holds(&app, id)?;
    note(Arc::clone(&app), caller.clone(), "alert acknowledged", id, why.clone()).await?;
    app.alerts.acknowledge(id, &caller.name, &why, now(&app)).map_err(|error| none(&error))?;
    Ok(StatusCode::NO_CONTENT)
}

/// For how long.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Snooze {
    /// Minutes of plant time, a week at most.
    #[schema(minimum = 1, maximum = 10080)]
    minutes: u32,
    /// Why, for those who come after.
    #[schema(max_length = 500)]
    reason: Option<String>,
}

/// Lets an alert be quiet for a while; if it still holds then, it is told again
#[utoipa::path(post, path = "/api/v1/alerts/{alert}/snooze", tag = "alerts", params(("alert" = u64, Path)),
    request_body = Snooze, responses((status = 204)))]
pub(super) async fn snooze(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Given(snooze): Given<Snooze>,
) -> Result<StatusCode, Problem> {
    let id = number(&id)?;
    if !(1..=SNOOZE_MIN_MAX).contains(&snooze.minutes) {
        return Err(Problem::invalid(format!(
            "`minutes` is {}; it is 1 to {SNOOZE_MIN_MAX}",
            snooze.minutes
        )));
    }
    let said = given_note(snooze.reason.as_ref())?;
    let until = now(&app) + SignedDuration::from_mins(snooze.minutes.into());
    holds(&app, id)?;
    let told = if said.is_empty() { format!("until {until}") } else { format!("until {until}: {said}") };
    note(Arc::clone(&app), caller.clone(), "alert snoozed", id, told).await?;
    app.alerts
        .with_board(|board| board.snooze(id, &caller.name, &said, until))
        .map_err(|error| none(&error))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sends a test message by one way, and says how that went
#[utoipa::path(post, path = "/api/v1/alerts/channels/{channel}/test", tag = "alerts",
    params(("channel" = String, Path)),
    responses((status = 204), (status = 502, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn test(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(channel): Path<String>,
) -> Result<StatusCode, Problem> {
    match app.alerts.test(&channel, &caller.name).await {
        Some(Ok(())) => Ok(StatusCode::NO_CONTENT),
        Some(Err(error)) => Err(Problem::new(StatusCode::BAD_GATEWAY, "not-delivered", error)
            .hint("see the channel's lines in the rule file, and what its server's log says")),
        None => Err(Problem::not_found("no-such-channel", format!("there is no channel `{channel}`"))
            .hint("channels stand in the rule file that `offpeak run --alerts` names")),
    }
}
