//! What is asked of a WhatsMiner (API version 2), in which order, and what its answers come to.
//!
//! Not here: the bytes (`reply`, `write`).

use offpeak_site::{Activity, Family, ModeName, Reading, Trouble};
use tokio::time::Instant;

use super::reply::{DeviceDetails, MinerInfo, State, Summary, Version};
use super::write::{POOLS_MAX, TOKEN_LIFE, Token, Write};
use super::{code, request};
use crate::call::{Call, Order, Question};
use crate::driver::Identity;
use crate::refusal::ReplyError;

/// A token is renewed this long before the machine forgets it.
const TOKEN_MARGIN: std::time::Duration = std::time::Duration::from_secs(5 * 60);

/// One request, one reading; `None` when the next request has to tell why it does not hash.
pub(crate) async fn read(call: &mut Call<'_>) -> Result<Option<Reading>, Trouble> {
    match call.link.question {
        Question::Work => summary(call).await,
        Question::Mode | Question::Setting => status(call).await,
    }
}

async fn summary(call: &mut Call<'_>) -> Result<Option<Reading>, Trouble> {
    call.ask(b"{\"cmd\":\"summary\"}", call.fast()).await?;
    let summary = match Summary::parse(call.buffer) {
        Ok(summary) => summary,
        // The API daemon answers, the mining process behind it does not: ask why.
        Err(ReplyError::Refused(refusal)) if refusal.code != Some(code::DENIED) => {
            call.link.question = Question::Mode;
            call.link.idle = None;
            return Ok(None);
        }
        Err(error) => return Err(error.trouble()),
    };
    call.link.bind(summary.mac())?;
    let hash_rate = summary.hash_rate();
    let hashing = hash_rate.is_some_and(|rate| !rate.is_zero());
    let activity = if hashing {
        Activity::Hashing
    } else if summary.numbered.present.is_empty() {
        Activity::Starting
    } else {
        Activity::Failed
    };
    let (power, temperature, mode) = (summary.power(), summary.temperature(), summary.mode());
    let reading = Reading { power, hash_rate, temperature, mode, ..call.reading(activity) };
    if hashing {
        call.link.question = Question::Work;
        return Ok(Some(reading));
    }
    // It may be off by command, which the statistics do not say.
    call.link.question = Question::Mode;
    call.link.idle = Some(reading);
    Ok(None)
}

async fn status(call: &mut Call<'_>) -> Result<Option<Reading>, Trouble> {
    call.ask(b"{\"cmd\":\"status\"}", call.fast()).await?;
    let state = State::parse(call.buffer).map_err(|error| error.trouble())?;
    let off = state.is_off().ok_or(Trouble::Garbled)?;
    let mode = state.mode();
    call.link.question = if off { Question::Mode } else { Question::Work };
    // Of a machine that is awake the statistics have told more.
    let idle = call.link.idle.take().filter(|_| !off);
    let activity = if off { Activity::Asleep } else { Activity::Starting };
    Ok(Some(idle.unwrap_or_else(|| Reading { mode, ..call.reading(activity) })))
}

/// Asks for a command to be carried out.
pub(crate) async fn command(call: &mut Call<'_>, order: &Order) -> Result<(), ReplyError> {
    match order {
        Order::Sleep => write(call, &Write::PowerOff).await,
        Order::Wake => write(call, &Write::PowerOn).await,
        Order::SetMode(mode) => set_mode(call, *mode).await,
        Order::LimitPower(limit) => write(call, &Write::SetPowerLimit(*limit)).await,
        Order::Reboot => write(call, &Write::Reboot).await,
        Order::Locate(on) => write(call, &Write::Light(*on)).await,
        Order::SetPools(pools) if pools.is_empty() || pools.len() > POOLS_MAX => {
            let words = format!("this machine takes one to {POOLS_MAX} pools, not {}", pools.len());
            Err(ReplyError::refused(words))
        }
        Order::SetPools(pools) => write(call, &Write::SetPools(pools.clone())).await,
    }
}

/// `power_on` first where it sleeps: setting a mode does not by itself start it.
async fn set_mode(call: &mut Call<'_>, mode: ModeName) -> Result<(), ReplyError> {
    if call.link.activity == Some(Activity::Asleep) {
        write(call, &Write::PowerOn).await?;
    }
    write(call, &Write::SetMode(mode)).await
}

/// One encrypted request while the token holds; a machine that forgot it is asked for another.
async fn write(call: &mut Call<'_>, write: &Write) -> Result<(), ReplyError> {
    let mut fresh = false;
    loop {
        let token = match &call.link.token {
            Some((token, since)) if since.elapsed() < TOKEN_LIFE => token.clone(),
            _ => {
                fresh = true;
                take_token(call).await?
            }
        };
        call.ask(&token.request(write), call.slow()).await?;
        match token.accepted(call.buffer) {
            Err(ReplyError::Refused(refusal)) if refusal.code == Some(code::TOKEN_WRONG) && !fresh => {
                call.link.token = None;
            }
            outcome => return outcome,
        }
    }
}

/// Checks who answers and takes a token from it: from then on a command is one request, and nobody else
/// can answer it.
async fn take_token(call: &mut Call<'_>) -> Result<Token, ReplyError> {
    call.ask(&request("get_miner_info"), call.slow()).await?;
    let mut seen = match MinerInfo::parse(call.buffer) {
        Ok(info) => info.mac(),
        // Early firmware does not know the command; its summary names the address.
        Err(ReplyError::Refused(_)) => None,
        Err(error) => return Err(error),
    };
    if seen.is_none() {
        call.ask(&request("summary"), call.slow()).await?;
        seen = Summary::parse(call.buffer).ok().and_then(|summary| summary.mac());
    }
    call.link.confirm(seen)?;
    call.ask(&request("get_token"), call.slow()).await?;
    let token = Token::from_reply(call.buffer, &call.login().password)?;
    call.link.token = Some((token.clone(), Instant::now()));
    Ok(token)
}

/// Renews the token before the machine forgets it, so that a command needs one request.
pub(crate) async fn arm(call: &mut Call<'_>) -> Result<(), Trouble> {
    let held = call.link.token.as_ref();
    if held.is_some_and(|(_, since)| since.elapsed() + TOKEN_MARGIN < TOKEN_LIFE) {
        return Ok(());
    }
    take_token(call).await.map(drop).map_err(|error| error.trouble())
}

/// Who it is; `None` when what answers is no WhatsMiner of this API.
pub(crate) async fn identify(call: &mut Call<'_>) -> Result<Option<Identity>, Trouble> {
    let within = call.slow();
    call.ask(&request("get_version"), within).await?;
    let firmware = match Version::parse(call.buffer) {
        Ok(version) if version.api.get().is_some() => version.firmware.owned(),
        Ok(_) | Err(ReplyError::Refused(_)) => return Ok(None),
        Err(ReplyError::Broken(trouble)) => return Err(trouble),
    };
    let mut identity = Identity { firmware, ..Identity::of(Family::WhatsminerV2) };
    // What is said beyond the version is welcome, and absent where the machine refuses it.
    if call.ask(&request("get_miner_info"), within).await.is_ok()
        && let Ok(info) = MinerInfo::parse(call.buffer)
    {
        identity.mac = info.mac();
        identity.serial = info.serial.owned();
    }
    if call.ask(&request("devdetails"), within).await.is_ok()
        && let Ok(details) = DeviceDetails::parse(call.buffer)
    {
        identity.model = details.model.owned();
    }
    if identity.mac.is_none()
        && call.ask(&request("summary"), within).await.is_ok()
        && let Ok(summary) = Summary::parse(call.buffer)
    {
        identity.mac = summary.mac();
    }
    Ok(Some(identity))
}
