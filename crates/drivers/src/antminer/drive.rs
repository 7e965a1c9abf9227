//! What is asked of an Antminer on stock firmware, in which order, and what its answers come to.
//!
//! Not here: the bytes (`reply`, `conf`).

use offpeak_site::{Activity, Family, Reading, Trouble};

use super::{Conf, Saved, Stats, SystemInfo, Version, WorkMode, page};
use crate::call::{Call, Order, Question};
use crate::driver::Identity;
use crate::http::{Login, Pages};
use crate::refusal::ReplyError;

/// One request, one reading; `None` when the next request has to tell why it does not hash.
pub(crate) async fn read(call: &mut Call<'_>) -> Result<Option<Reading>, Trouble> {
    match call.link.question {
        Question::Work => stats(call).await,
        // Boxed: pages need room that the common case would carry along.
        Question::Mode => Box::pin(conf(call)).await,
    }
}

async fn stats(call: &mut Call<'_>) -> Result<Option<Reading>, Trouble> {
    call.ask(b"{\"command\":\"stats\"}", call.fast()).await?;
    let stats = Stats::parse(call.buffer).map_err(|error| error.trouble())?;
    let hash_rate = stats.hash_rate();
    if hash_rate.is_none_or(offpeak_units::HashRate::is_zero) {
        call.link.question = Question::Mode;
        return Ok(None);
    }
    let (temperature, mode) = (stats.temperature(), call.link.mode);
    Ok(Some(Reading { hash_rate, temperature, mode, ..call.reading(Activity::Hashing) }))
}

async fn conf(call: &mut Call<'_>) -> Result<Option<Reading>, Trouble> {
    let body = pages(call, call.fast()).get(page::CONF).await?;
    let conf = Conf::parse(&body).map_err(|error| error.trouble())?;
    let work_mode = conf.work_mode().ok_or(Trouble::Garbled)?;
    let asleep = work_mode == WorkMode::Sleep;
    call.link.question = if asleep { Question::Mode } else { Question::Work };
    if !asleep {
        call.link.mode = work_mode.mode();
    }
    let activity = if asleep { Activity::Asleep } else { Activity::Starting };
    Ok(Some(Reading { mode: work_mode.mode(), ..call.reading(activity) }))
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
            Some(mode) => save_mode(call, mode).await,
            None => Err(ReplyError::refused("stock firmware has no high mode")),
        },
        Order::LimitPower(_) => Err(ReplyError::refused("stock firmware takes no power limit")),
        Order::Reboot | Order::Locate(_) | Order::SetPools(_) => {
            Err(ReplyError::refused("not done over this family's API yet"))
        }
    }
}

/// Reads who it is and its configuration and saves it with another work mode, on one connection.
async fn save_mode(call: &mut Call<'_>, mode: WorkMode) -> Result<(), ReplyError> {
    let bound = call.link.mac;
    let mut pages = pages(call, call.slow());
    let info = pages.get(page::SYSTEM_INFO).await?;
    let seen = SystemInfo::parse(&info)?.mac();
    if bound.is_some() && seen.is_some() && bound != seen {
        return Err(Trouble::Impostor.into());
    }
    let conf = Conf::parse(&pages.get(page::CONF).await?)?;
    let body = conf.with_work_mode(mode)?;
    let answer = pages.post(page::SET_CONF, body).await?;
    drop(pages);
    call.link.mac = bound.or(seen);
    if let Some(running) = conf.work_mode().and_then(WorkMode::mode) {
        call.link.mode = Some(running);
    }
    Saved::accepted(&answer)?;
    if let Some(running) = mode.mode() {
        call.link.mode = Some(running);
    }
    Ok(())
}

/// Whether this reply to `version` is stock firmware's.
pub(crate) fn recognise(version: &Version<'_>) -> bool {
    version.model.get().is_some_and(|model| model.starts_with("Antminer")) && version.bmminer.get().is_some()
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
