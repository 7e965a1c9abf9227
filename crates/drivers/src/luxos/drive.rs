//! What is asked of LuxOS, in which order, and what its answers come to.
//!
//! Not here: the bytes (`reply`).

use offpeak_site::{Family, ModeName, Reading, Trouble};
use offpeak_units::Power;

use super::reply::{Config, Fast, Pools, Profiles, Session, Version, accepted};
use super::{FAST, request};
use crate::call::{Call, Order, Pool};
use crate::driver::Identity;
use crate::refusal::ReplyError;

/// As many as one group holds.
const POOLS_MAX: usize = 8;

/// One request, one reading.
pub(crate) async fn read(call: &mut Call<'_>) -> Result<Option<Reading>, Trouble> {
    call.ask(FAST, call.fast()).await?;
    let fast = Fast::parse(call.buffer).map_err(|error| error.trouble())?;
    call.link.bind(fast.config.mac())?;
    let activity = fast.activity().ok_or(Trouble::Garbled)?;
    let power = fast.power.as_ref().and_then(super::reply::Power::power);
    let temperature = fast.temperatures.as_ref().and_then(super::reply::Temperatures::hottest);
    let (hash_rate, mode) = (fast.summary.hash_rate(), fast.config.mode());
    Ok(Some(Reading { power, hash_rate, temperature, mode, ..call.reading(activity) }))
}

/// Asks for a command to be carried out.
pub(crate) async fn command(call: &mut Call<'_>, order: &Order) -> Result<(), ReplyError> {
    check(call).await?;
    match order {
        Order::Sleep => in_session(call, Load::Falls, "curtail", "sleep").await,
        Order::Wake => in_session(call, Load::Rises, "curtail", "wakeup").await,
        Order::SetMode(mode) => set_mode(call, *mode).await,
        Order::LimitPower(limit) => limit_power(call, *limit).await,
        Order::Reboot => in_session(call, Load::Rises, "rebootdevice", "").await,
        Order::Locate(true) => in_session(call, Load::Rises, "ledset", "red,blink").await,
        // `auto` is what a machine is delivered with; older versions know only `off`.
        Order::Locate(false) => match in_session(call, Load::Rises, "ledset", "red,auto").await {
            Err(ReplyError::Refused(_)) => in_session(call, Load::Rises, "ledset", "red,off").await,
            outcome => outcome,
        },
        Order::SetPools(pools) => set_pools(call, pools).await,
    }
}

/// Who answers; it is bound to its hardware address. A session says nothing about that.
async fn check(call: &mut Call<'_>) -> Result<(), ReplyError> {
    call.ask(&request("config", ""), call.slow()).await?;
    let seen = Config::parse(call.buffer)?.mac();
    call.link.confirm(seen)?;
    Ok(())
}

async fn say(call: &mut Call<'_>, command: &str, parameter: &str) -> Result<(), ReplyError> {
    call.ask(&request(command, parameter), call.slow()).await?;
    accepted(call.buffer)
}

/// What a command does to the load: one that lowers it goes on in a session that somebody else holds.
#[derive(Clone, Copy)]
enum Load {
    Falls,
    /// Or stays.
    Rises,
    /// Falls, if the machine may draw more than that as it is.
    Limited(Power),
}

/// Takes a session, sends a command in it and gives it back.
async fn in_session(
    call: &mut Call<'_>,
    load: Load,
    command: &str,
    parameter: &str,
) -> Result<(), ReplyError> {
    let (session, own) = take_session(call, load).await?;
    let with = if parameter.is_empty() { session.clone() } else { format!("{session},{parameter}") };
    let outcome = say(call, command, &with).await;
    // A machine that restarts has no session left, and of one that is gone it ends by itself.
    let reached = !matches!(outcome, Err(ReplyError::Broken(_))) && command != "rebootdevice";
    if own
        && reached
        && let Err(error) = say(call, "logoff", &session).await
    {
        tracing::debug!(?error, "a session is left to end by itself");
    }
    outcome
}

/// Whether the machine draws more than that, or is set to; what it does not tell it may.
async fn may_exceed(call: &mut Call<'_>, limit: Power) -> Result<bool, ReplyError> {
    call.ask(FAST, call.slow()).await?;
    let Ok(fast) = Fast::parse(call.buffer) else { return Ok(true) };
    let draws = fast.power.as_ref().and_then(super::reply::Power::power);
    let target = fast.config.power_target.get().and_then(Power::from_watts_f64);
    Ok(draws.is_none_or(|watts| watts > limit) || target.is_some_and(|watts| watts > limit))
}

/// A session, and whether it is our own.
async fn take_session(call: &mut Call<'_>, load: Load) -> Result<(String, bool), ReplyError> {
    call.ask(&request("logon", ""), call.slow()).await?;
    let refused = match Session::parse(call.buffer) {
        Ok(session) => {
            let id = session.id.owned().ok_or(ReplyError::Broken(Trouble::Garbled))?;
            return Ok((id, true));
        }
        Err(error) => error,
    };
    let falls = match (&refused, load) {
        (ReplyError::Broken(_), _) | (_, Load::Rises) => false,
        (_, Load::Falls) => true,
        (_, Load::Limited(limit)) => may_exceed(call, limit).await?,
    };
    if !falls {
        return Err(refused);
    }
    call.ask(&request("session", ""), call.slow()).await?;
    match Session::parse(call.buffer)?.id.owned() {
        Some(id) => Ok((id, false)),
        None => Err(refused),
    }
}

/// It has no modes beside its default profile; what it wakes from is a sleep, not a profile.
async fn set_mode(call: &mut Call<'_>, mode: ModeName) -> Result<(), ReplyError> {
    if mode != ModeName::Normal {
        return Err(ReplyError::refused("LuxOS has profiles instead of modes: limit its power"));
    }
    call.ask(FAST, call.slow()).await?;
    let fast = Fast::parse(call.buffer)?;
    let (sleeps, is_default) = (fast.config.sleeps(), fast.config.mode() == Some(ModeName::Normal));
    if sleeps == Some(true) {
        in_session(call, Load::Rises, "curtail", "wakeup").await?;
    }
    if is_default { Ok(()) } else { in_session(call, Load::Rises, "profileset", "default").await }
}

/// By a power target where the model has one, otherwise by the best profile within the limit.
async fn limit_power(call: &mut Call<'_>, limit: Power) -> Result<(), ReplyError> {
    let target = format!("power={}", limit.to_watts());
    let refused = match in_session(call, Load::Limited(limit), "powertargetset", &target).await {
        Err(ReplyError::Refused(refusal)) => refusal,
        outcome => return outcome,
    };
    call.ask(&request("profiles", ""), call.slow()).await?;
    let profiles = match Profiles::parse(call.buffer) {
        Ok(profiles) => profiles,
        Err(ReplyError::Refused(_)) => return Err(ReplyError::Refused(refused)),
        Err(error) => return Err(error),
    };
    let Some(name) = profiles.within(limit).map(str::to_owned) else {
        return Err(ReplyError::refused(format!("no profile draws as little as {} W", limit.to_watts())));
    };
    in_session(call, Load::Limited(limit), "profileset", &name).await
}

/// The new ones first, so that it is never without; then the old ones go, last to first, for those
/// behind move up.
async fn set_pools(call: &mut Call<'_>, pools: &[Pool]) -> Result<(), ReplyError> {
    if pools.is_empty() || pools.len() > POOLS_MAX {
        return Err(ReplyError::refused(format!("a machine takes one to {POOLS_MAX} pools")));
    }
    let comma = |text: &String| text.contains(',');
    if pools.iter().any(|pool| comma(&pool.url) || comma(&pool.user) || comma(&pool.password)) {
        return Err(ReplyError::refused("a comma in a pool cannot be said over this API"));
    }
    let mut old = places(call).await?;
    for pool in pools {
        say(call, "addpool", &format!("{},{},{}", pool.url, pool.user, pool.password)).await?;
    }
    let now = places(call).await?;
    let first = now.iter().filter(|place| !old.contains(place)).min();
    let first = *first.ok_or(ReplyError::Broken(Trouble::Garbled))?;
    say(call, "switchpool", &first.to_string()).await?;
    old.sort_unstable();
    for place in old.into_iter().rev() {
        say(call, "removepool", &place.to_string()).await?;
    }
    Ok(())
}

async fn places(call: &mut Call<'_>) -> Result<Vec<u64>, ReplyError> {
    call.ask(&request("pools", ""), call.slow()).await?;
    Ok(Pools::parse(call.buffer)?.places())
}

/// Whether this reply to `version` is LuxOS's, and then its model and version.
pub(crate) fn recognise(reply: &[u8]) -> Option<Identity> {
    let version = Version::parse(reply).ok()?;
    version.luxminer.get()?;
    let (model, firmware) = (version.model.owned(), version.luxminer.owned());
    Some(Identity { model, firmware, ..Identity::of(Family::LuxOs) })
}

/// Who it is beyond that; absent where it does not say.
pub(crate) async fn identify(call: &mut Call<'_>, known: Identity) -> Identity {
    let asked = call.ask(&request("config", ""), call.slow()).await;
    let Some(config) = asked.ok().and_then(|()| Config::parse(call.buffer).ok()) else { return known };
    Identity { mac: config.mac(), serial: config.serial.owned(), ..known }
}
