//! What is asked of Braiins OS before 25.07, in which order, and what its answers come to.
//!
//! Not here: the bytes (`reply`).

use core::time::Duration;

use bytes::Bytes;
use offpeak_site::{Activity, Family, ModeName, Reading, Trouble};
use offpeak_units::HashRate;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::reply::{Info, System, done};
use super::{PAGE, mutation, query};
use crate::call::{Bearer, Call, Order, Pool, Question};
use crate::driver::Identity;
use crate::http::Login;
use crate::refusal::ReplyError;
use crate::rest::{Answer, Ask, keep_armed, send_as};

/// A session lives an hour.
const RENEW_AFTER: Duration = Duration::from_secs(30 * 60);
/// A system that is up for longer than that is not booting: a miner that does not run was stopped.
const BOOTED_S: f64 = 600.0;
/// More pools than that are none that a group is made of.
const POOLS_MAX: usize = 8;

/// One request, one reading: the miner's work, or, where no miner runs, for how long the system is up.
pub(crate) async fn read(call: &mut Call<'_>) -> Result<Option<Reading>, Trouble> {
    let within = call.fast();
    if call.link.question == Question::Mode {
        // Whether the miner still does not run is asked next.
        call.link.question = Question::Work;
        let body = post(call, query::UPTIME, &Value::Null, within).await?.told()?;
        let system = System::parse(&body).map_err(|error| error.trouble())?;
        let booted = system.uptime().ok_or(Trouble::Garbled)? >= BOOTED_S;
        let activity = if booted { Activity::Asleep } else { Activity::Starting };
        return Ok(Some(call.reading(activity)));
    }
    let body = post(call, query::WORK, &Value::Null, within).await?.told()?;
    let info = match Info::parse(&body) {
        Ok(info) => info,
        Err(ReplyError::Refused(_)) => {
            call.link.question = Question::Mode;
            return Ok(None);
        }
        Err(ReplyError::Broken(trouble)) => return Err(trouble),
    };
    let (power, hash_rate, temperature) = (info.power(), info.hash_rate(), info.temperature());
    let hashes = hash_rate.is_some_and(|rate| rate > HashRate::ZERO);
    let activity = if hashes { Activity::Hashing } else { Activity::Starting };
    Ok(Some(Reading { power, hash_rate, temperature, ..call.reading(activity) }))
}

/// Asks for a command to be carried out.
pub(crate) async fn command(call: &mut Call<'_>, order: &Order) -> Result<(), ReplyError> {
    check(call).await?;
    match order {
        Order::Sleep => write(call, mutation::STOP, &Value::Null).await,
        Order::Wake | Order::SetMode(ModeName::Normal) => write(call, mutation::START, &Value::Null).await,
        Order::SetMode(_) => {
            Err(ReplyError::refused("Braiins OS has a power target instead of modes: limit its power"))
        }
        Order::LimitPower(limit) => write(call, mutation::POWER, &json!({"limit": limit.to_watts()})).await,
        Order::Reboot => write(call, mutation::REBOOT, &Value::Null).await,
        Order::Locate(on) => write(call, mutation::LIGHT, &json!({"enable": on})).await,
        Order::SetPools(pools) => write(call, mutation::POOLS, &groups(pools)?).await,
    }
}

/// Takes a session before it is needed.
pub(crate) async fn arm(call: &mut Call<'_>) -> Result<(), Trouble> {
    keep_armed(call, RENEW_AFTER, log_in).await
}

/// Who answers; it is bound to its hardware address.
async fn check(call: &mut Call<'_>) -> Result<(), ReplyError> {
    let within = call.slow();
    let body = post(call, query::MAC, &Value::Null, within).await?.accepted()?;
    match System::parse(&body) {
        Ok(system) => Ok(call.link.confirm(system.mac())?),
        // It does not know the question.
        Err(ReplyError::Refused(_)) => Err(ReplyError::refused(
            "Braiins OS before 24.09 does not tell its hardware address, and what may be another machine is not commanded",
        )),
        Err(broken) => Err(broken),
    }
}

pub(super) async fn post(
    call: &Call<'_>,
    query: &str,
    variables: &Value,
    within: Duration,
) -> Result<Answer, Trouble> {
    let mut body = json!({"query": query});
    if !variables.is_null() {
        body["variables"] = variables.clone();
    }
    let session = call.link.bearer.as_ref().map(|bearer| bearer.token.clone());
    let login = session.map_or(Login::Open, |session| Login::Header("cookie", session));
    send_as(call, &Ask::post(PAGE, Some(body)), within, login).await
}

/// A mutation, in a session; where the session has ended, in another one.
async fn write(
    call: &mut Call<'_>,
    (query, place): (&str, &str),
    variables: &Value,
) -> Result<(), ReplyError> {
    let within = call.slow();
    let fresh = call.link.bearer.is_none();
    if fresh {
        call.link.bearer = Some(log_in(call).await?);
    }
    let outcome = judge(&post(call, query, variables, within).await?.accepted(), place);
    if fresh || !matches!(outcome, Err(ReplyError::Refused(_))) {
        return outcome;
    }
    // The words for a session that has ended are not documented.
    call.link.bearer = None;
    call.link.bearer = Some(log_in(call).await?);
    judge(&post(call, query, variables, within).await?.accepted(), place)
}

fn judge(answer: &Result<Bytes, ReplyError>, place: &str) -> Result<(), ReplyError> {
    match answer {
        Ok(body) => done(body, place),
        Err(error) => Err(error.clone()),
    }
}

async fn log_in(call: &mut Call<'_>) -> Result<Bearer, ReplyError> {
    let variables = {
        let login = call.login();
        json!({"username": login.user, "password": login.password})
    };
    let (query, place) = mutation::LOGIN;
    let mut answer = post(call, query, &variables, call.slow()).await?;
    let session = answer.cookie.take();
    done(&answer.accepted()?, place)?;
    let token = session.filter(|session| session.starts_with("session_id="));
    let token = token.ok_or(ReplyError::Broken(Trouble::Garbled))?;
    Ok(Bearer { token, since: Instant::now() })
}

fn groups(pools: &[Pool]) -> Result<Value, ReplyError> {
    if pools.is_empty() || pools.len() > POOLS_MAX {
        return Err(ReplyError::refused(format!("a machine takes one to {POOLS_MAX} pools")));
    }
    let pools: Vec<Value> = pools
        .iter()
        .map(|pool| json!({"url": pool.url, "user": pool.user, "password": pool.password}))
        .collect();
    Ok(json!({"groups": [{"name": "offpeak", "quota": 1, "pools": pools}]}))
}

/// Who it is; `None` when it speaks no GraphQL.
pub(crate) async fn identify(call: &mut Call<'_>) -> Option<Identity> {
    let within = call.slow();
    // Each question on its own: one that a firmware does not know spoils the others.
    let mut answers = Vec::new();
    for query in [query::VERSION, query::MAC, query::SERIAL, query::MODEL] {
        answers.push(post(call, query, &Value::Null, within).await.and_then(Answer::told).ok()?);
    }
    let system = |place: usize| System::parse(&answers[place]).ok();
    let firmware = system(0)?.firmware().map(str::to_owned);
    let serial = system(2).and_then(|system| system.serial().map(str::to_owned));
    let model = Info::parse(&answers[3]).ok().and_then(|info| info.model().map(str::to_owned));
    let mac = system(1).and_then(|system| system.mac());
    Some(Identity { model, mac, serial, firmware, ..Identity::of(Family::BraiinsOsGraphQl) })
}
