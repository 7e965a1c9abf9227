//! What is asked of ePIC's firmwares, in which order, and what their answers come to.
//!
//! Not here: the bytes (`reply`).

use bytes::Bytes;
use offpeak_site::{Family, ModeName, Reading, Trouble};
use offpeak_units::Power;
use serde_json::{Value, json};

use super::page;
use super::reply::{Capabilities, Network, Summary, done};
use crate::call::{Call, Order, Pool};
use crate::driver::Identity;
use crate::refusal::ReplyError;
use crate::rest::{Ask, send};

/// As many as it takes.
const POOLS_MAX: usize = 3;

/// One request, one reading.
pub(crate) async fn read(call: &mut Call<'_>) -> Result<Option<Reading>, Trouble> {
    let body = send(call, &Ask::get(page::SUMMARY), call.fast()).await?.told()?;
    let summary = Summary::parse(&body).map_err(|error| error.trouble())?;
    let activity = summary.activity().ok_or(Trouble::Garbled)?;
    let (power, hash_rate, temperature) = (summary.power(), summary.hash_rate(), summary.temperature());
    Ok(Some(Reading { power, hash_rate, temperature, ..call.reading(activity) }))
}

/// Asks for a command to be carried out.
pub(crate) async fn command(call: &mut Call<'_>, order: &Order) -> Result<(), ReplyError> {
    let body = ask(call, page::NETWORK).await?;
    call.link.confirm(Network::parse(&body)?.mac())?;
    match order {
        Order::Sleep => write(call, page::MINER, json!("Stop")).await,
        Order::Wake | Order::SetMode(ModeName::Normal) => write(call, page::MINER, json!("Autostart")).await,
        Order::SetMode(_) => {
            Err(ReplyError::refused("ePIC's firmware has targets instead of modes: limit its power"))
        }
        Order::LimitPower(limit) => limit_power(call, *limit).await,
        // The delay in seconds.
        Order::Reboot => write(call, page::REBOOT, json!(0)).await,
        Order::Locate(on) => write(call, page::IDENTIFY, json!(on)).await,
        Order::SetPools(pools) => set_pools(call, pools).await,
    }
}

async fn ask(call: &Call<'_>, page: &str) -> Result<Bytes, ReplyError> {
    send(call, &Ask::get(page), call.slow()).await?.accepted()
}

async fn write(call: &Call<'_>, page: &str, param: Value) -> Result<(), ReplyError> {
    let body = json!({"param": param, "password": call.login().password});
    done(&send(call, &Ask::post(page, Some(body)), call.slow()).await?.accepted()?)
}

async fn limit_power(call: &Call<'_>, limit: Power) -> Result<(), ReplyError> {
    let body = ask(call, page::CAPABILITIES).await?;
    let target = Capabilities::parse(&body)?.target_below(limit)?;
    write(call, page::TUNE, json!({"algo": target.algorithm, "target": target.value})).await
}

async fn set_pools(call: &Call<'_>, pools: &[Pool]) -> Result<(), ReplyError> {
    if pools.is_empty() || pools.len() > POOLS_MAX {
        return Err(ReplyError::refused(format!("a machine takes one to {POOLS_MAX} pools")));
    }
    let pools: Vec<Value> = pools
        .iter()
        .map(|pool| json!({"pool": pool.url, "login": pool.user, "password": pool.password}))
        .collect();
    write(call, page::COIN, json!({"coin": "BTC", "stratum_configs": pools})).await
}

/// Whether these bytes are how an HTTP server takes a request of the TCP APIs.
pub(crate) fn recognise(reply: &[u8]) -> bool {
    reply.starts_with(b"HTTP/1")
}

/// Who it is; `None` when it is none of ePIC's.
pub(crate) async fn identify(call: &mut Call<'_>) -> Result<Option<Identity>, Trouble> {
    let answer = send(call, &Ask::get(page::CAPABILITIES), call.slow()).await?;
    let Ok(body) = answer.told() else { return Ok(None) };
    let Ok(capabilities) = Capabilities::parse(&body) else { return Ok(None) };
    let (network, summary) = (ask(call, page::NETWORK).await, ask(call, page::SUMMARY).await);
    let firmware = summary.ok().and_then(|body| Some(Summary::parse(&body).ok()?.software()?.to_owned()));
    Ok(Some(Identity {
        model: capabilities.model().map(str::to_owned),
        mac: network.ok().and_then(|body| Network::parse(&body).ok()?.mac()),
        serial: capabilities.serial().map(str::to_owned),
        firmware,
        ..Identity::of(Family::Epic)
    }))
}
