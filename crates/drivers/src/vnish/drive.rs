//! What is asked of VNish, in which order, and what its answers come to.
//!
//! Not here: the bytes (`reply`), tokens in general (`rest`).

use core::time::Duration;

use bytes::Bytes;
use offpeak_site::{Family, ModeName, Reading, Trouble};
use offpeak_units::Power;
use serde_json::json;
use tokio::time::Instant;

use super::page;
use super::reply::{Info, Presets, Saved, State, Status, Summary, Unlocked, with_preset};
use crate::call::{Bearer, Call, Order, Pool, Question};
use crate::driver::Identity;
use crate::refusal::ReplyError;
use crate::rest::{Ask, keep_armed, send, unlocked};

/// A token older than this is renewed before it is needed; how long one lives the maker does not say.
const RENEW_AFTER: Duration = Duration::from_secs(5 * 60);
/// As many as its page holds.
const POOLS_MAX: usize = 3;

/// One request, one reading.
pub(crate) async fn read(call: &mut Call<'_>) -> Result<Option<Reading>, Trouble> {
    let within = call.fast();
    let asked = if call.link.question == Question::Work { page::SUMMARY } else { page::STATUS };
    let answer = unlocked(call, &Ask::get(asked), within, unlock).await.map_err(|error| error.trouble())?;
    let body = answer.told()?;
    if call.link.question == Question::Mode {
        let state = Status::parse(&body).map_err(|error| error.trouble())?.state().ok_or(Trouble::Garbled)?;
        call.link.question = if state == State::Stopped { Question::Mode } else { Question::Work };
        return Ok(Some(call.reading(state.activity())));
    }
    let summary = Summary::parse(&body).map_err(|error| error.trouble())?;
    let Some(state) = summary.state() else {
        call.link.question = Question::Mode;
        return Ok(None);
    };
    let (power, hash_rate, temperature) = (summary.power(), summary.hash_rate(), summary.temperature());
    Ok(Some(Reading { power, hash_rate, temperature, ..call.reading(state.activity()) }))
}

/// Asks for a command to be carried out.
pub(crate) async fn command(call: &mut Call<'_>, order: &Order) -> Result<(), ReplyError> {
    check(call).await?;
    match order {
        Order::Sleep => post(call, page::STOP, None).await.map(drop),
        Order::Wake | Order::SetMode(ModeName::Normal) => post(call, page::START, None).await.map(drop),
        Order::SetMode(_) => Err(ReplyError::refused("VNish has presets instead of modes: limit its power")),
        Order::LimitPower(limit) => limit_power(call, *limit).await,
        Order::Reboot => post(call, page::REBOOT, None).await.map(drop),
        Order::Locate(on) => post(call, page::FIND, Some(json!({"on": on}))).await.map(drop),
        Order::SetPools(pools) => set_pools(call, pools).await,
    }
}

/// Takes a token before it is needed.
pub(crate) async fn arm(call: &mut Call<'_>) -> Result<(), Trouble> {
    keep_armed(call, RENEW_AFTER, unlock).await
}

pub(super) async fn unlock(call: &mut Call<'_>) -> Result<Bearer, ReplyError> {
    let body = json!({"pw": call.login().password});
    let answer = send(call, &Ask::post(page::UNLOCK, Some(body)), call.slow()).await?;
    let given = Unlocked::parse(&answer.accepted()?)?;
    Ok(Bearer { token: format!("Bearer {}", given.token), since: Instant::now() })
}

/// Who answers; it is bound to its hardware address.
async fn check(call: &mut Call<'_>) -> Result<(), ReplyError> {
    let body = send(call, &Ask::get(page::INFO), call.slow()).await?.told()?;
    let seen = Info::parse(&body)?.mac();
    call.link.confirm(seen)?;
    Ok(())
}

async fn ask(call: &mut Call<'_>, ask: Ask<'_>) -> Result<Bytes, ReplyError> {
    let within = call.slow();
    unlocked(call, &ask, within, unlock).await?.accepted()
}

async fn post(call: &mut Call<'_>, page: &str, body: Option<serde_json::Value>) -> Result<Bytes, ReplyError> {
    ask(call, Ask::post(page, body)).await
}

/// Saves settings, and starts the mining process anew where they ask for it and it is not stopped.
async fn save(call: &mut Call<'_>, settings: serde_json::Value) -> Result<(), ReplyError> {
    let saved = Saved::parse(&post(call, page::SETTINGS, Some(settings)).await?)?;
    if saved.restart_required.get() != Some(true) {
        return Ok(());
    }
    let body = ask(call, Ask::get(page::STATUS)).await?;
    match Status::parse(&body)?.state() {
        Some(State::Mining | State::Starting) => post(call, page::RESTART, None).await.map(drop),
        // They hold from its next start on.
        Some(State::Stopped | State::ShuttingDown | State::Failure) => Ok(()),
        None => Err(ReplyError::Broken(Trouble::Garbled)),
    }
}

/// By the largest tuned preset within the limit.
async fn limit_power(call: &mut Call<'_>, limit: Power) -> Result<(), ReplyError> {
    let presets = ask(call, Ask::get(page::PRESETS)).await?;
    let presets = Presets::parse(&presets)?;
    let Some(name) = presets.within(limit) else {
        return Err(ReplyError::refused(format!(
            "no tuned preset draws as little as {} W",
            limit.to_watts()
        )));
    };
    let settings = ask(call, Ask::get(page::SETTINGS)).await?;
    save(call, with_preset(&settings, name)?).await
}

async fn set_pools(call: &mut Call<'_>, pools: &[Pool]) -> Result<(), ReplyError> {
    if pools.is_empty() || pools.len() > POOLS_MAX {
        return Err(ReplyError::refused(format!("a machine takes one to {POOLS_MAX} pools")));
    }
    let pools: Vec<_> =
        pools.iter().map(|pool| json!({"url": pool.url, "user": pool.user, "pass": pool.password})).collect();
    save(call, json!({"miner": {"pools": pools}})).await
}

/// Who it is; absent where its page does not say.
pub(crate) async fn identify(call: &mut Call<'_>) -> Identity {
    let known = Identity::of(Family::Vnish);
    let Ok(Ok(body)) = send(call, &Ask::get(page::INFO), call.slow()).await.map(|answer| answer.told())
    else {
        return known;
    };
    let Ok(info) = Info::parse(&body) else { return known };
    Identity {
        model: info.miner.owned(),
        mac: info.mac(),
        serial: info.serial.owned(),
        firmware: info.fw_version.owned(),
        ..known
    }
}

/// Whether a reply to `version` over TCP names VNish, wherever it does.
pub(crate) fn recognise(version: &[u8]) -> bool {
    version.windows(5).any(|word| word.eq_ignore_ascii_case(b"vnish"))
}
