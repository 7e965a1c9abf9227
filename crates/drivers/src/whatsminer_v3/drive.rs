//! What is asked of a WhatsMiner (API version 3), in which order, and what its answers come to.
//!
//! Not here: the bytes (`reply`, `write`, `frame`).

use offpeak_site::{Activity, Family, ModeName, Reading, Trouble};
use tokio::time::Instant;

use super::frame::ask;
use super::reply::{DeviceInfo, Setting, Summary, accepted};
use super::request;
use super::write::Write;
use crate::call::{Call, Order, Question};
use crate::driver::Identity;
use crate::refusal::ReplyError;

/// As many as the machine keeps.
const POOLS_MAX: usize = 3;

/// One request, one reading; `None` when the next request has to tell why it does not hash.
pub(crate) async fn read(call: &mut Call<'_>) -> Result<Option<Reading>, Trouble> {
    match call.link.question {
        Question::Work => summary(call).await,
        Question::Mode => device(call).await,
        Question::Setting => setting(call).await,
    }
}

async fn summary(call: &mut Call<'_>) -> Result<Option<Reading>, Trouble> {
    let within = call.fast();
    ask(call, request::SUMMARY, within).await?;
    let summary = match Summary::parse(call.buffer) {
        Ok(summary) => summary,
        // The API answers, the mining service behind it does not: ask why.
        Err(ReplyError::Refused(_)) => {
            call.link.question = Question::Mode;
            call.link.idle = None;
            return Ok(None);
        }
        Err(error) => return Err(error.trouble()),
    };
    let hash_rate = summary.hash_rate();
    let hashing = hash_rate.is_some_and(|rate| !rate.is_zero());
    let activity = if hashing { Activity::Hashing } else { Activity::Starting };
    let (power, temperature) = (summary.power(), summary.temperature());
    let reading = Reading { power, hash_rate, temperature, ..call.reading(activity) };
    if hashing && !call.link.asks_mode() {
        return Ok(Some(reading));
    }
    if hashing {
        call.link.question = Question::Setting;
        call.link.idle = Some(reading);
        return Ok(None);
    }
    call.link.question = Question::Mode;
    call.link.idle = Some(reading);
    Ok(None)
}

async fn device(call: &mut Call<'_>) -> Result<Option<Reading>, Trouble> {
    let within = call.fast();
    ask(call, request::DEVICE, within).await?;
    let info = DeviceInfo::parse(call.buffer).map_err(|error| error.trouble())?;
    let works = info.miner.working.get().ok_or(Trouble::Garbled)?;
    let (seen, failed) = (info.mac(), !info.errors().is_empty());
    call.link.bind(seen)?;
    call.link.question = if works { Question::Work } else { Question::Mode };
    // Of a machine that is awake the statistics have told more.
    let idle = call.link.idle.take().filter(|_| works);
    let activity = match (works, failed) {
        (false, _) => Activity::Asleep,
        (true, true) => Activity::Failed,
        (true, false) => Activity::Starting,
    };
    let plain = call.reading(activity);
    Ok(Some(idle.map_or(plain, |reading| Reading { activity, ..reading })))
}

/// The mode of a machine that hashes, for what the statistics have just told.
async fn setting(call: &mut Call<'_>) -> Result<Option<Reading>, Trouble> {
    let within = call.fast();
    call.link.question = Question::Work;
    let Some(told) = call.link.idle.take() else { return Ok(None) };
    let asked = ask(call, request::SETTING, within).await;
    // Without an answer the mode is not known, and the rest holds all the same.
    let setting = asked.ok().and_then(|()| Setting::parse(call.buffer).ok());
    Ok(Some(Reading { mode: setting.and_then(|setting| setting.mode()), ..told }))
}

/// Asks for a command to be carried out.
pub(crate) async fn command(call: &mut Call<'_>, order: &Order) -> Result<(), ReplyError> {
    match order {
        Order::Sleep => write(call, &Write::Stop).await,
        Order::Wake => write(call, &Write::Start).await,
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

/// `start` first where it sleeps: setting a mode does not by itself start it.
async fn set_mode(call: &mut Call<'_>, mode: ModeName) -> Result<(), ReplyError> {
    if call.link.activity == Some(Activity::Asleep) {
        write(call, &Write::Start).await?;
    }
    write(call, &Write::SetMode(mode)).await?;
    call.link.mode_ordered = Some(Instant::now());
    Ok(())
}

/// Asks who answers, and sends with the salt that the same answer tells. That a salt is one machine's own nobody says, so
/// a token proves nothing about who takes it.
async fn write(call: &mut Call<'_>, write: &Write) -> Result<(), ReplyError> {
    let salt = check(call).await?;
    let at = call.driver.clock.now().as_second();
    let request = write.request(&call.login().password, &salt, at);
    let within = call.slow();
    ask(call, &request, within).await?;
    accepted(call.buffer)
}

/// Who answers; it is bound to its hardware address. Its salt.
async fn check(call: &mut Call<'_>) -> Result<String, ReplyError> {
    let within = call.slow();
    ask(call, request::DEVICE, within).await?;
    let info = DeviceInfo::parse(call.buffer)?;
    let (seen, salt) = (info.mac(), info.salt.owned());
    call.link.confirm(seen)?;
    salt.ok_or(ReplyError::Broken(Trouble::Garbled))
}

/// Binds a machine that nothing is known of to who answers, for its statistics do not say.
pub(crate) async fn arm(call: &mut Call<'_>) -> Result<(), Trouble> {
    if call.link.mac.is_some() || call.link.serial.is_some() {
        return Ok(());
    }
    check(call).await.map(drop).map_err(|error| error.trouble())
}

/// Who it is; `None` when what answers is no WhatsMiner of this API.
pub(crate) async fn identify(call: &mut Call<'_>) -> Result<Option<Identity>, Trouble> {
    let within = call.slow();
    ask(call, request::DEVICE, within).await?;
    let info = match DeviceInfo::parse(call.buffer) {
        Ok(info) if info.miner.model.get().is_some() => info,
        Ok(_) | Err(ReplyError::Refused(_)) => return Ok(None),
        Err(ReplyError::Broken(trouble)) => return Err(trouble),
    };
    Ok(Some(Identity {
        model: info.miner.model.get().map(|model| model.replace('_', "")),
        mac: info.mac(),
        serial: info.miner.serial.owned(),
        firmware: info.system.firmware.owned(),
        ..Identity::of(Family::WhatsminerV3)
    }))
}
