//! What is asked of a Proto Rig, in which order, and what its answers come to.
//!
//! Not here: the bytes (`reply`), tokens in general (`rest`).

use core::time::Duration;

use bytes::Bytes;
use hyper::StatusCode;
use offpeak_site::{Activity, Family, ModeName, Reading, Trouble};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::page;
use super::reply::{Access, Mining, Network, System};
use crate::call::{Bearer, Call, Order, Pool};
use crate::driver::Identity;
use crate::refusal::ReplyError;
use crate::rest::{Ask, keep_armed, send, unlocked};

/// A token older than this is renewed before it is needed; how long one lives the maker does not say.
const RENEW_AFTER: Duration = Duration::from_secs(5 * 60);
/// More pools than that are none that a rig falls back to.
const POOLS_MAX: usize = 3;

/// One request, one reading.
pub(crate) async fn read(call: &mut Call<'_>) -> Result<Option<Reading>, Trouble> {
    let within = call.fast();
    let answer =
        unlocked(call, &Ask::get(page::MINING), within, unlock).await.map_err(|error| error.trouble())?;
    if answer.status == StatusCode::NO_CONTENT {
        // It is not set up yet, and does what it does when it is.
        return Ok(Some(call.reading(Activity::Starting)));
    }
    let body = answer.told()?;
    let mining = Mining::parse(&body).map_err(|error| error.trouble())?;
    let activity = mining.state().ok_or(Trouble::Garbled)?.activity();
    let (power, hash_rate, temperature) = (mining.power(), mining.hash_rate(), mining.temperature());
    Ok(Some(Reading { power, hash_rate, temperature, ..call.reading(activity) }))
}

/// Asks for a command to be carried out.
pub(crate) async fn command(call: &mut Call<'_>, order: &Order) -> Result<(), ReplyError> {
    let body = ask(call, Ask::get(page::NETWORK)).await?;
    call.link.confirm(Network::parse(&body)?.mac())?;
    match order {
        Order::Sleep => post(call, page::STOP, None).await,
        Order::Wake | Order::SetMode(ModeName::Normal) => post(call, page::START, None).await,
        Order::SetMode(_) => {
            Err(ReplyError::refused("a Proto Rig has a power target instead of modes: limit its power"))
        }
        Order::LimitPower(limit) => {
            let target = json!({"power_target_watts": limit.to_watts()});
            ask(call, Ask::put(page::TARGET, Some(target))).await.map(drop)
        }
        Order::Reboot => post(call, page::REBOOT, None).await,
        Order::Locate(true) => post(call, page::LOCATE, None).await,
        Order::Locate(false) => Err(ReplyError::refused("a Proto Rig's light goes out by itself")),
        Order::SetPools(pools) => set_pools(call, pools).await,
    }
}

/// Takes a token before it is needed.
pub(crate) async fn arm(call: &mut Call<'_>) -> Result<(), Trouble> {
    keep_armed(call, RENEW_AFTER, unlock).await
}

pub(super) async fn unlock(call: &mut Call<'_>) -> Result<Bearer, ReplyError> {
    let body = json!({"password": call.login().password});
    let answer = send(call, &Ask::post(page::LOGIN, Some(body)), call.slow()).await?;
    let given = Access::parse(&answer.accepted()?)?;
    Ok(Bearer { token: format!("Bearer {}", given.access_token), since: Instant::now() })
}

async fn ask(call: &mut Call<'_>, ask: Ask<'_>) -> Result<Bytes, ReplyError> {
    let within = call.slow();
    unlocked(call, &ask, within, unlock).await?.accepted()
}

async fn post(call: &mut Call<'_>, page: &str, body: Option<Value>) -> Result<(), ReplyError> {
    ask(call, Ask::post(page, body)).await.map(drop)
}

async fn set_pools(call: &mut Call<'_>, pools: &[Pool]) -> Result<(), ReplyError> {
    if pools.is_empty() || pools.len() > POOLS_MAX {
        return Err(ReplyError::refused(format!("a machine takes one to {POOLS_MAX} pools")));
    }
    let pools: Vec<Value> = (0..)
        .zip(pools)
        .map(|(priority, pool): (usize, _)| {
            json!({
                "name": format!("Pool {}", priority + 1), "url": pool.url, "username": pool.user,
                "password": pool.password, "priority": priority,
            })
        })
        .collect();
    post(call, page::POOLS, Some(Value::from(pools))).await
}

/// Who it is; `None` when it is no Proto Rig.
pub(crate) async fn identify(call: &mut Call<'_>) -> Result<Option<Identity>, Trouble> {
    let within = call.slow();
    let answer = send(call, &Ask::get(page::SYSTEM), within).await?;
    let Ok(body) = answer.told() else { return Ok(None) };
    let Ok(system) = System::parse(&body) else { return Ok(None) };
    if system.manufacturer() != Some("Proto") {
        return Ok(None);
    }
    let network = send(call, &Ask::get(page::NETWORK), within).await.and_then(|answer| answer.told());
    let mac = network.ok().and_then(|body| Network::parse(&body).ok().and_then(|network| network.mac()));
    Ok(Some(Identity {
        model: system.model().map(str::to_owned),
        mac,
        serial: system.serial().map(str::to_owned),
        firmware: system.firmware().map(str::to_owned),
        ..Identity::of(Family::ProtoRig)
    }))
}
