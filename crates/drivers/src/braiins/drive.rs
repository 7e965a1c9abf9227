//! What is asked of Braiins OS, in which order, and what its answers come to.
//!
//! Not here: the bytes (`reply`), tokens in general (`rest`).

use core::time::Duration;

use bytes::Bytes;
use offpeak_site::{Activity, Family, ModeName, Reading, Trouble};
use offpeak_units::HashRate;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::page;
use super::reply::{Details, Stats, Token};
use crate::call::{Bearer, Call, Order, Pool, Question};
use crate::driver::Identity;
use crate::refusal::ReplyError;
use crate::rest::{Ask, keep_armed, send, unlocked};

/// A token that was given longer ago is taken anew before it is needed. Readings keep it alive meanwhile.
const RENEW_AFTER: Duration = Duration::from_secs(30 * 60);
/// More pools than that are none that a group is made of.
const POOLS_MAX: usize = 8;

/// One request, one reading: the statistics of a machine that hashes, the state of one that does not.
pub(crate) async fn read(call: &mut Call<'_>) -> Result<Option<Reading>, Trouble> {
    let within = call.fast();
    let asked = if call.link.question == Question::Work { page::STATS } else { page::DETAILS };
    let answer = unlocked(call, &Ask::get(asked), within, unlock).await.map_err(|error| error.trouble())?;
    let body = answer.told()?;
    if call.link.question == Question::Work {
        let stats = Stats::parse(&body).map_err(|error| error.trouble())?;
        let (power, hash_rate) = (stats.power(), stats.hash_rate());
        if hash_rate.is_some_and(|rate| rate > HashRate::ZERO) {
            return Ok(Some(Reading { power, hash_rate, ..call.reading(Activity::Hashing) }));
        }
        call.link.idle = Some(Reading { power, hash_rate, ..call.reading(Activity::Starting) });
        call.link.question = Question::Mode;
        return Ok(None);
    }
    let details = Details::parse(&body).map_err(|error| error.trouble())?;
    call.link.bind(details.mac())?;
    let activity = details.state().ok_or(Trouble::Garbled)?.activity_without_rate();
    // One that is awake is asked for its rate again; one that sleeps is only asked whether it still does.
    if activity != Activity::Asleep {
        call.link.question = Question::Work;
    }
    // Of one that is awake the statistics have told more, at their time; what they said of a sleeper is past.
    let idle = call.link.idle.take().filter(|_| activity != Activity::Asleep);
    let plain = call.reading(activity);
    Ok(Some(idle.map_or(plain, |told| Reading { activity, ..told })))
}

/// Asks for a command to be carried out.
pub(crate) async fn command(call: &mut Call<'_>, order: &Order) -> Result<(), ReplyError> {
    check(call).await?;
    match order {
        Order::Sleep => put(call, page::PAUSE, None).await.map(drop),
        Order::Wake | Order::SetMode(ModeName::Normal) => put(call, page::RESUME, None).await.map(drop),
        Order::SetMode(_) => {
            Err(ReplyError::refused("Braiins OS has a power target instead of modes: limit its power"))
        }
        Order::LimitPower(limit) => {
            put(call, page::POWER_TARGET, Some(json!({"watt": limit.to_watts()}))).await.map(drop)
        }
        Order::Reboot => put(call, page::REBOOT, None).await.map(drop),
        Order::Locate(on) => put(call, page::LOCATE, Some(json!(on))).await.map(drop),
        Order::SetPools(pools) => set_pools(call, pools).await,
    }
}

/// Takes a token before it is needed.
pub(crate) async fn arm(call: &mut Call<'_>) -> Result<(), Trouble> {
    keep_armed(call, RENEW_AFTER, unlock).await
}

pub(super) async fn unlock(call: &mut Call<'_>) -> Result<Bearer, ReplyError> {
    let body = {
        let login = call.login();
        json!({"username": login.user, "password": login.password})
    };
    let answer = send(call, &Ask::post(page::LOGIN, Some(body)), call.slow()).await?;
    let given = Token::parse(&answer.accepted()?)?;
    Ok(Bearer { token: given.token, since: Instant::now() })
}

async fn ask(call: &mut Call<'_>, ask: Ask<'_>) -> Result<Bytes, ReplyError> {
    let within = call.slow();
    unlocked(call, &ask, within, unlock).await?.accepted()
}

async fn put(call: &mut Call<'_>, page: &str, body: Option<Value>) -> Result<Bytes, ReplyError> {
    ask(call, Ask::put(page, body)).await
}

/// Who answers; it is bound to its hardware address.
async fn check(call: &mut Call<'_>) -> Result<(), ReplyError> {
    let body = ask(call, Ask::get(page::DETAILS)).await?;
    let seen = Details::parse(&body)?.mac();
    call.link.confirm(seen)?;
    Ok(())
}

async fn set_pools(call: &mut Call<'_>, pools: &[Pool]) -> Result<(), ReplyError> {
    if pools.is_empty() || pools.len() > POOLS_MAX {
        return Err(ReplyError::refused(format!("a machine takes one to {POOLS_MAX} pools")));
    }
    let pools: Vec<Value> = pools
        .iter()
        .map(|pool| json!({"url": pool.url, "user": pool.user, "password": pool.password, "enabled": true}))
        .collect();
    let group =
        json!([{"name": "offpeak", "pools": pools, "load_balance_strategy": {"quota": {"value": 1}}}]);
    put(call, page::POOLS, Some(group)).await.map(drop)
}

/// Whether a reply to `version` over TCP is of Braiins OS, of whichever age.
pub(crate) fn recognise(version: &[u8]) -> bool {
    version.windows(5).any(|word| word.eq_ignore_ascii_case(b"boser"))
        || version.windows(8).any(|word| word.eq_ignore_ascii_case(b"bosminer"))
}

/// Who it is; `None` when its REST API does not answer, as with versions before 25.07.
pub(crate) async fn identify(call: &mut Call<'_>) -> Option<Identity> {
    let within = call.slow();
    let answer = unlocked(call, &Ask::get(page::DETAILS), within, unlock).await;
    let body = match answer.map_err(|error| error.trouble()).and_then(|answer| answer.told()) {
        Ok(body) => body,
        // It has one, behind another password.
        Err(Trouble::Denied) => return Some(Identity::of(Family::BraiinsOs)),
        Err(_) => return None,
    };
    let details = Details::parse(&body).ok()?;
    Some(Identity {
        model: details.model().map(str::to_owned),
        mac: details.mac(),
        serial: details.serial_number.owned(),
        firmware: details.firmware().map(str::to_owned),
        ..Identity::of(Family::BraiinsOs)
    })
}
