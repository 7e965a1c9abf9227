//! What is asked of a Bitaxe, in which order, and what its answers come to.
//!
//! Not here: the bytes (`reply`).

use offpeak_site::{Family, ModeName, Reading, Trouble};
use serde_json::{Map, Value, json};

use super::page;
use super::reply::Info;
use crate::call::{Call, Order, Pool};
use crate::driver::Identity;
use crate::refusal::ReplyError;
use crate::rest::{Ask, send};

/// One, and one to fall back to.
const POOLS_MAX: usize = 2;
/// Where pools usually listen.
const STRATUM_PORT: u16 = 3333;

/// One request, one reading.
pub(crate) async fn read(call: &mut Call<'_>) -> Result<Option<Reading>, Trouble> {
    let body = send(call, &Ask::get(page::INFO), call.fast()).await?.told()?;
    let info = Info::parse(&body).map_err(|error| error.trouble())?;
    call.link.bind(info.mac())?;
    let (power, hash_rate, temperature) = (info.power(), info.hash_rate(), info.temperature());
    Ok(Some(Reading { power, hash_rate, temperature, ..call.reading(info.activity()) }))
}

/// Asks for a command to be carried out.
pub(crate) async fn command(call: &mut Call<'_>, order: &Order) -> Result<(), ReplyError> {
    let body = send(call, &Ask::get(page::INFO), call.slow()).await?.accepted()?;
    call.link.confirm(Info::parse(&body)?.mac())?;
    match order {
        Order::Sleep => write(call, &Ask::post(page::PAUSE, None)).await,
        Order::Wake | Order::SetMode(ModeName::Normal) => write(call, &Ask::post(page::RESUME, None)).await,
        Order::SetMode(_) => Err(ReplyError::refused("a Bitaxe has no modes")),
        Order::LimitPower(_) => Err(ReplyError::refused("a Bitaxe keeps no power limit")),
        Order::Reboot => write(call, &Ask::post(page::RESTART, None)).await,
        Order::Locate(true) => write(call, &Ask::post(page::IDENTIFY, None)).await,
        Order::Locate(false) => Err(ReplyError::refused("a Bitaxe stops showing itself by itself")),
        Order::SetPools(pools) => {
            write(call, &Ask::patch(page::SYSTEM, Some(Value::from(settings(pools)?)))).await
        }
    }
}

async fn write(call: &Call<'_>, ask: &Ask<'_>) -> Result<(), ReplyError> {
    send(call, ask, call.slow()).await?.accepted().map(drop)
}

/// Its settings name host and port apart.
fn settings(pools: &[Pool]) -> Result<Map<String, Value>, ReplyError> {
    if pools.is_empty() || pools.len() > POOLS_MAX {
        return Err(ReplyError::refused(format!("a machine takes one to {POOLS_MAX} pools")));
    }
    let mut settings = Map::new();
    for (prefix, pool) in ["stratum", "fallbackStratum"].into_iter().zip(pools) {
        let (scheme, place) = pool.url.split_once("://").unwrap_or(("stratum+tcp", &pool.url));
        if scheme != "stratum+tcp" {
            return Err(ReplyError::refused("a Bitaxe is given pools with stratum+tcp only"));
        }
        let (host, port) = match place.split_once(':') {
            None => (place, STRATUM_PORT),
            Some((host, port)) => {
                let port = port.parse().map_err(|_| ReplyError::refused("the pool's port is no number"))?;
                (host, port)
            }
        };
        settings.insert(format!("{prefix}URL"), json!(host));
        settings.insert(format!("{prefix}Port"), json!(port));
        settings.insert(format!("{prefix}User"), json!(pool.user));
        settings.insert(format!("{prefix}Password"), json!(pool.password));
    }
    Ok(settings)
}

/// Who it is; `None` when it is no Bitaxe.
pub(crate) async fn identify(call: &mut Call<'_>) -> Result<Option<Identity>, Trouble> {
    let answer = send(call, &Ask::get(page::INFO), call.slow()).await?;
    let Ok(body) = answer.told() else { return Ok(None) };
    let Ok(info) = Info::parse(&body) else { return Ok(None) };
    Ok(Some(Identity {
        model: info.model().map(str::to_owned),
        mac: info.mac(),
        firmware: info.version().map(str::to_owned),
        ..Identity::of(Family::Bitaxe)
    }))
}
