//! What is asked of an Avalon, in which order, and what its answers come to.
//!
//! Not here: the bytes (`reply`, `write`).

use offpeak_site::{Activity, Family, ModeName, Reading, Trouble};

use super::reply::{Stats, Version};
use super::write::{Answer, Write, is_unknown};
use super::{ESTATS, VERSION};
use crate::call::{Call, Order, Pool};
use crate::driver::Identity;
use crate::refusal::ReplyError;

/// A time argument lies this many seconds ahead, as in Canaan's examples: one that has passed is not
/// heeded.
const AHEAD: u64 = 5;
/// As many as the pages hold.
const POOLS_MAX: usize = 3;

/// What a command needs to know of the machine.
struct Who {
    home: bool,
    a10: bool,
    when: Option<u64>,
}

/// One request, one reading.
pub(crate) async fn read(call: &mut Call<'_>) -> Result<Option<Reading>, Trouble> {
    let within = call.fast();
    read_within(call, within).await.map(Some).map_err(|error| error.trouble())
}

async fn read_within(call: &mut Call<'_>, within: std::time::Duration) -> Result<Reading, ReplyError> {
    call.ask(ESTATS, within).await?;
    let stats = Stats::parse(call.buffer)?;
    let module = stats.module();
    let activity = module.activity().ok_or(Trouble::Garbled)?;
    let (power, hash_rate) = (module.power(), module.hash_rate());
    let (temperature, mode) = (module.temperature(), module.mode());
    Ok(Reading { power, hash_rate, temperature, mode, ..call.reading(activity) })
}

/// Asks for a command to be carried out.
pub(crate) async fn command(call: &mut Call<'_>, order: &Order) -> Result<(), ReplyError> {
    if matches!(order, Order::LimitPower(_)) {
        return Err(ReplyError::refused(
            "Canaan documents no power limit in watts; an Avalon has work modes",
        ));
    }
    let who = check(call).await?;
    match order {
        Order::Sleep => sleep(call, &who).await,
        Order::Wake => wake(call, &who).await,
        Order::SetMode(mode) => set_mode(call, &who, *mode).await,
        Order::LimitPower(_) => unreachable!("refused above"),
        Order::Reboot => restart(call, Write::Reboot).await,
        Order::Locate(on) => write(call, &Write::Light(*on)).await,
        Order::SetPools(pools) => set_pools(call, &who, pools).await,
    }
}

/// Who answers; it is bound to its hardware address. The protocol has no token that could do so.
async fn check(call: &mut Call<'_>) -> Result<Who, ReplyError> {
    call.ask(VERSION, call.slow()).await?;
    let version = Version::parse(call.buffer)?;
    let (seen, who) =
        (version.mac(), Who { home: version.is_home(), a10: version.is_a10(), when: version.when });
    call.link.confirm(seen)?;
    Ok(who)
}

async fn write(call: &mut Call<'_>, write: &Write) -> Result<(), ReplyError> {
    call.ask(&write.request(), call.slow()).await?;
    Answer::parse(call.buffer)?.accepted(write)
}

/// A write that ends the API with the machine's restart: the machine, which said who it is a moment ago,
/// may close the connection instead of answering.
async fn restart(call: &mut Call<'_>, last: Write) -> Result<(), ReplyError> {
    match write(call, &last).await {
        Err(ReplyError::Broken(Trouble::Truncated)) if call.buffer.is_empty() => Ok(()),
        outcome => outcome,
    }
}

fn ahead(who: &Who) -> Result<u64, ReplyError> {
    who.when.map(|when| when + AHEAD).ok_or(ReplyError::Broken(Trouble::Garbled))
}

/// Firmwares differ in what they know; the next form is tried only when one is not known.
async fn sleep(call: &mut Call<'_>, who: &Who) -> Result<(), ReplyError> {
    if who.home {
        return write(call, &Write::SoftOffAt(ahead(who)?)).await;
    }
    let timed = who.when.map(|when| Write::SoftOffAt(when + AHEAD));
    let mut outcome = write(call, &Write::SoftOff).await;
    for form in timed.into_iter().chain([Write::PowerOff]) {
        match &outcome {
            Err(ReplyError::Refused(refusal)) if is_unknown(refusal) => outcome = write(call, &form).await,
            _ => break,
        }
    }
    outcome
}

/// Home machines are switched on; industrial ones are restarted, unless they are awake.
async fn wake(call: &mut Call<'_>, who: &Who) -> Result<(), ReplyError> {
    if who.home {
        return restart(call, Write::SoftOnAt(ahead(who)?)).await;
    }
    let within = call.slow();
    match read_within(call, within).await?.activity {
        Activity::Hashing | Activity::Starting => Ok(()),
        Activity::Asleep | Activity::Failed => restart(call, Write::Reboot).await,
    }
}

async fn set_mode(call: &mut Call<'_>, who: &Who, mode: ModeName) -> Result<(), ReplyError> {
    let number = match (who.home, mode) {
        (true, ModeName::Low) | (false, ModeName::Normal) => 0,
        (true, ModeName::Normal) | (false, ModeName::High) => 1,
        (true, ModeName::High) => 2,
        (false, ModeName::Low) => return Err(ReplyError::refused("industrial Avalons have no low mode")),
    };
    let within = call.slow();
    let now = read_within(call, within).await?;
    let awake = matches!(now.activity, Activity::Hashing | Activity::Starting);
    if who.home {
        if now.mode != Some(mode) {
            write(call, &Write::WorkModeHome(number)).await?;
        }
        return if awake { Ok(()) } else { restart(call, Write::SoftOnAt(ahead(who)?)).await };
    }
    if now.mode != Some(mode) {
        write(call, &Write::WorkMode(number)).await?;
    } else if awake {
        return Ok(());
    }
    restart(call, Write::Reboot).await
}

/// All of them, then the restart that makes them count.
async fn set_pools(call: &mut Call<'_>, who: &Who, pools: &[Pool]) -> Result<(), ReplyError> {
    let most = if who.a10 { 1 } else { POOLS_MAX };
    if pools.is_empty() || pools.len() > most {
        return Err(ReplyError::refused(format!(
            "this machine takes one to {most} pools, not {}",
            pools.len()
        )));
    }
    let login = (call.login().user.clone(), call.login().password.clone());
    let writes: Vec<Write> = pools
        .iter()
        .enumerate()
        .map(|(place, pool)| {
            let (login, pool) = (login.clone(), pool.clone());
            if who.a10 { Write::OnlyPool { login, pool } } else { Write::PoolAt { login, place, pool } }
        })
        .collect();
    if !writes.iter().all(Write::is_sayable) {
        return Err(ReplyError::refused("a comma or a bar in a pool or login cannot be said over this API"));
    }
    for one in &writes {
        write(call, one).await?;
    }
    restart(call, Write::Reboot).await
}

/// Who it is, from its reply to `version`; `None` when that is no Avalon's.
pub(crate) fn recognise(reply: &[u8]) -> Option<Identity> {
    let version = Version::parse(reply).ok()?;
    Some(Identity {
        model: version.names.product.owned(),
        mac: version.mac(),
        serial: version.serial().map(str::to_owned),
        firmware: version.names.firmware.owned().or(version.names.firmware_new.owned()),
        ..Identity::of(Family::Avalon)
    })
}
