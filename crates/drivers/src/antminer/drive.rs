//! What is asked of an Antminer on stock firmware, in which order, and what its answers come to.
//!
//! Not here: the bytes (`reply`, `conf`).

use offpeak_site::{Activity, Family, MacAddress, ModeName, Reading, Trouble};
use tokio::time::Instant;

use super::conf::light_is;
use super::{Conf, Saved, Stats, SystemInfo, Version, WorkMode, is_sleepless, mend, page};
use crate::call::{Call, Link, Order, Question};
use crate::driver::Identity;
use crate::http::{Login, Pages};
use crate::refusal::ReplyError;

/// As many as the pages hold.
const POOLS_MAX: usize = 3;

/// One request, one reading; `None` when the next request has to tell why it does not hash.
pub(crate) async fn read(call: &mut Call<'_>) -> Result<Option<Reading>, Trouble> {
    match call.link.question {
        Question::Work => stats(call).await,
        // Boxed: pages need room that the common case would carry along.
        Question::Mode => Box::pin(conf(call)).await,
        Question::Setting => Box::pin(setting(call)).await,
    }
}

async fn stats(call: &mut Call<'_>) -> Result<Option<Reading>, Trouble> {
    call.ask(b"{\"command\":\"stats\"}", call.fast()).await?;
    mend(call.buffer);
    let stats = Stats::parse(call.buffer).map_err(|error| error.trouble())?;
    let (hash_rate, temperature) = (stats.hash_rate(), stats.temperature());
    let hashing = hash_rate.is_some_and(|rate| !rate.is_zero());
    // One that cannot sleep is awake, and its pages have no more to say.
    if !hashing && !stats.model.get().is_some_and(is_sleepless) {
        call.link.question = Question::Mode;
        return Ok(None);
    }
    let activity = if hashing { Activity::Hashing } else { Activity::Starting };
    let reading = Reading { hash_rate, temperature, ..call.reading(activity) };
    if hashing && call.link.asks_mode() {
        call.link.question = Question::Setting;
        call.link.idle = Some(reading);
        return Ok(None);
    }
    Ok(Some(reading))
}

async fn conf(call: &mut Call<'_>) -> Result<Option<Reading>, Trouble> {
    let body = pages(call, call.fast()).get(page::CONF).await?;
    let conf = Conf::parse(&body).map_err(|error| error.trouble())?;
    if !conf.has_work_mode() {
        call.link.question = Question::Work;
        return Ok(Some(call.reading(Activity::Starting)));
    }
    let work_mode = conf.work_mode().ok_or(Trouble::Garbled)?;
    let asleep = work_mode == WorkMode::Sleep;
    call.link.question = if asleep { Question::Mode } else { Question::Work };
    if !asleep {
        call.link.mode = work_mode.mode();
    }
    let activity = if asleep { Activity::Asleep } else { Activity::Starting };
    Ok(Some(Reading { mode: work_mode.mode(), ..call.reading(activity) }))
}

/// The mode of a machine that hashes, for what the statistics have just told.
async fn setting(call: &mut Call<'_>) -> Result<Option<Reading>, Trouble> {
    call.link.question = Question::Work;
    let Some(told) = call.link.idle.take() else { return Ok(None) };
    let page = pages(call, call.fast()).get(page::CONF).await;
    let conf = page.ok().and_then(|body| Conf::parse(&body).ok());
    // Without an answer the mode is not known, and the rest holds all the same.
    let mode = conf.and_then(|conf| conf.work_mode()).and_then(WorkMode::mode);
    Ok(Some(Reading { mode, ..told }))
}

fn pages<'a>(call: &'a mut Call<'_>, within: std::time::Duration) -> Pages<'a> {
    let to = call.web();
    let own = call.link.login.as_deref();
    let credentials = own.unwrap_or_else(|| call.driver.access.of(call.family));
    let login = Login::Digest(credentials, &mut call.link.challenge);
    Pages::new(&call.driver.connector, to, login, within)
}

/// Asks for a command to be carried out.
pub(crate) async fn command(call: &mut Call<'_>, order: &Order) -> Result<(), ReplyError> {
    match order {
        Order::Sleep => save_mode(call, WorkMode::Sleep).await,
        Order::Wake => {
            let mode = call.link.mode.and_then(WorkMode::of).unwrap_or(WorkMode::Normal);
            save_mode(call, mode).await
        }
        Order::SetMode(mode) => match WorkMode::of(*mode) {
            Some(mode) => {
                save_mode(call, mode).await?;
                call.link.mode_ordered = Some(Instant::now());
                Ok(())
            }
            None => Err(ReplyError::refused("stock firmware has no high mode")),
        },
        Order::LimitPower(_) => Err(ReplyError::refused("stock firmware takes no power limit")),
        Order::Reboot => reboot(call).await,
        Order::Locate(on) => light(call, *on).await,
        Order::SetPools(pools) if pools.is_empty() || pools.len() > POOLS_MAX => {
            let words = format!("this machine takes one to {POOLS_MAX} pools, not {}", pools.len());
            Err(ReplyError::refused(words))
        }
        Order::SetPools(pools) => {
            save(call, "its pools are set at its own page", |conf| conf.with_pools(pools)).await.map(drop)
        }
    }
}

/// Who answers, on this connection; nothing is sent to anybody but the machine that is meant.
async fn check(pages: &mut Pages<'_>, bound: &mut Link) -> Result<Seen, ReplyError> {
    let info = pages.get(page::SYSTEM_INFO).await?;
    let info = SystemInfo::parse(&info)?;
    bound.confirm(info.mac())?;
    Ok(Seen { mac: bound.mac, sleepless: info.model.get().is_some_and(is_sleepless) })
}

/// Whom the machine is held to be, apart from the link, whose challenge the pages hold.
fn bound(call: &Call<'_>) -> Link {
    Link { serial: call.link.serial.clone(), ..Link::to(call.link.mac) }
}

struct Seen {
    mac: Option<MacAddress>,
    sleepless: bool,
}

async fn save_mode(call: &mut Call<'_>, mode: WorkMode) -> Result<(), ReplyError> {
    let words = "this firmware has no sleep command: the machine is stopped at its outlet";
    let before = save(call, words, |conf| conf.with_work_mode(mode)).await?;
    call.link.mode_ordered = None;
    if let Some(running) = mode.mode().or(before) {
        call.link.mode = Some(running);
    }
    Ok(())
}

/// Reads who it is and its configuration and saves it changed, on one connection; the running mode that it
/// had. A firmware without work modes refuses in these words.
async fn save(
    call: &mut Call<'_>,
    sleepless: &str,
    change: impl FnOnce(&Conf) -> Result<Vec<u8>, ReplyError>,
) -> Result<Option<ModeName>, ReplyError> {
    let mut bound = bound(call);
    let mut pages = pages(call, call.slow());
    let seen = check(&mut pages, &mut bound).await?;
    let conf = Conf::parse(&pages.get(page::CONF).await?)?;
    if seen.sleepless || !conf.has_work_mode() {
        return Err(ReplyError::refused(sleepless));
    }
    let body = change(&conf)?;
    let answer = pages.post(page::SET_CONF, body.clone()).await;
    drop(pages);
    call.link.mac = seen.mac;
    let running = conf.work_mode().and_then(WorkMode::mode);
    if running.is_some() {
        call.link.mode = running;
    }
    match answer {
        Ok(answer) => Saved::accepted(&answer).map(|()| running),
        // The page answers once mining has stopped and started again, 21 s to a minute later (256foundation/
        // asic-rs issue 245; asic-rs 0.8.6 waits for two minutes). Meanwhile the configuration tells whether it
        // was saved; a machine that has died tells nothing.
        Err(Trouble::Silent) if is_saved(call, &body).await => Ok(running),
        Err(trouble) => Err(trouble.into()),
    }
}

/// Whether the machine holds this configuration by its own word.
async fn is_saved(call: &mut Call<'_>, body: &[u8]) -> bool {
    let page = pages(call, call.slow()).get(page::CONF).await;
    page.ok().and_then(|page| Conf::parse(&page).ok()).is_some_and(|conf| conf.is_as_saved(body))
}

/// It may be gone before it has answered: then it has closed the connection, as a machine does that restarts. One
/// that says nothing at all may have died.
async fn reboot(call: &mut Call<'_>) -> Result<(), ReplyError> {
    let mut bound = bound(call);
    let mut pages = pages(call, call.slow());
    let seen = check(&mut pages, &mut bound).await?;
    let answer = pages.get(page::REBOOT).await;
    drop(pages);
    call.link.mac = seen.mac;
    match answer {
        Ok(_) | Err(Trouble::Truncated) => Ok(()),
        Err(trouble) => Err(trouble.into()),
    }
}

async fn light(call: &mut Call<'_>, on: bool) -> Result<(), ReplyError> {
    let mut bound = bound(call);
    let mut pages = pages(call, call.slow());
    let seen = check(&mut pages, &mut bound).await?;
    if seen.sleepless {
        return Err(ReplyError::refused("its light is switched at its own page"));
    }
    let body = format!("{{\"blink\":\"{on}\"}}").into_bytes();
    let answer = pages.post(page::BLINK, body).await?;
    light_is(&answer, on)
}

/// Whether this reply to `version` is stock firmware's.
pub(crate) fn recognise(version: &Version<'_>) -> bool {
    // Firmwares before 2018 call their process CGMiner still.
    let process =
        version.bmminer.get().is_some() || (version.cgminer.get().is_some() && version.miner.get().is_some());
    version.model.get().is_some_and(|model| model.starts_with("Antminer")) && process
}

/// Who it is, given its reply to `version`.
pub(crate) async fn identify(
    call: &mut Call<'_>,
    model: Option<String>,
    firmware: Option<String>,
) -> Identity {
    let page = pages(call, call.slow()).get(page::SYSTEM_INFO).await.unwrap_or_default();
    let info = SystemInfo::parse(&page).unwrap_or_default();
    Identity {
        model: info.model.owned().or(model),
        mac: info.mac(),
        serial: info.serial.owned(),
        firmware: info.firmware.owned().or(firmware),
        ..Identity::of(Family::AntminerStock)
    }
}
