//! Whatever is taken out of a recorded reply, nothing stands in for it: what was absent stays absent, no zero appears
//! where there was none, and no board, fan, pool or fault is made up. Every member of every object is taken out once,
//! in every family.

use std::collections::BTreeMap;

use offpeak_drivers::full::{BoardReading, Details, FanReading, PoolReading, cgminer};
use offpeak_drivers::refusal::ReplyError;
use offpeak_drivers::{
    antminer, avalon, bitaxe, braiins, braiins_graphql, epic, luxos, proto, whatsminer, whatsminer_v3,
};
use serde_json::Value;

use super::joined;
use crate::recorded::recorded;

type Parse = fn(&[u8]) -> Result<Details, ReplyError>;

fn boards(boards: Vec<BoardReading>) -> Details {
    Details { boards: Some(boards), ..Details::default() }
}

fn fans(fans: Vec<FanReading>) -> Details {
    Details { fans: Some(fans), ..Details::default() }
}

fn pools(pools: Vec<PoolReading>) -> Details {
    Details { pools: Some(pools), ..Details::default() }
}

fn cases() -> Vec<(&'static str, Vec<u8>, Parse)> {
    let luxos_parts = [
        ("devs", recorded!("luxos/v1/devs.json")),
        ("stats", recorded!("luxos/v1/stats.json")),
        ("fans", recorded!("luxos/v1/fans.json")),
        ("pools", recorded!("luxos/v1/pools.json")),
        ("events", recorded!("luxos/v1/events.json")),
    ];
    let antminer: Parse = |bytes| {
        let stats = antminer::full::stats(bytes)?;
        let fans = Some(antminer::full::fans(&stats));
        Ok(Details { boards: Some(antminer::full::boards(&stats)), fans, ..Details::default() })
    };
    let avalon: Parse = |bytes| {
        let told = avalon::full::Statistics::parse(bytes)?;
        Ok(Details { boards: told.boards(), fans: told.fans(), faults: told.faults(), ..Details::default() })
    };
    let framed: Parse = |bytes| {
        let reply = whatsminer_v3::full::answered(bytes)?;
        Ok(boards(whatsminer_v3::full::boards(&reply, &BTreeMap::new())?))
    };
    let graphql: Parse =
        |bytes| Ok(boards(braiins_graphql::full::boards(&braiins_graphql::reply::data(bytes)?)?));
    vec![
        ("whatsminer devs", recorded!("whatsminer/v1/devs.json"), |bytes| {
            Ok(boards(whatsminer::full::boards(bytes)?))
        }),
        ("whatsminer summary", recorded!("whatsminer/v1/summary_with_errors.json"), |bytes| {
            let told = whatsminer::full::Told::parse(bytes)?;
            let whatsminer::full::Told { fans, faults, uptime, mining_for } = told;
            Ok(Details { fans, faults, uptime, mining_for, ..Details::default() })
        }),
        ("whatsminer errors", recorded!("whatsminer/v2/get_error_code_with_errors.json"), |bytes| {
            Ok(Details { faults: Some(whatsminer::full::faults(bytes)?), ..Details::default() })
        }),
        ("pools", recorded!("antminer/v2020/pools.json"), |bytes| Ok(pools(cgminer::pools(bytes)?))),
        ("whatsminer v3 edevs", recorded!("whatsminer/v3/get_miner_status_edevs.json"), framed),
        ("antminer s19", recorded!("antminer/v2020/stats.json"), antminer),
        ("antminer l9", recorded!("antminer/v2023_07/l9_stats.json"), antminer),
        ("avalon a15", recorded!("avalon/a15/stats.json"), avalon),
        ("luxos", joined(&luxos_parts), luxos::full::parse),
        ("braiins boards", recorded!("braiins/v26_04/miner_hw_hashboards.json"), |bytes| {
            Ok(boards(braiins::full::boards(bytes)?))
        }),
        ("braiins fans", recorded!("braiins/v26_04/cooling_state.json"), |bytes| {
            Ok(fans(braiins::full::fans(bytes)?))
        }),
        ("braiins pools", recorded!("braiins/v25_07/pools.json"), |bytes| {
            Ok(pools(braiins::full::pools(bytes)?))
        }),
        ("braiins before", recorded!("braiins/v25_05/gql_boards.json"), graphql),
        ("epic", recorded!("epic/v1/summary.json"), epic::full::parse),
        ("proto boards", recorded!("proto/v1/telemetry.json"), |bytes| {
            Ok(boards(proto::full::boards(bytes, &BTreeMap::new())?))
        }),
        ("proto pools", recorded!("proto/v1/pools.json"), |bytes| Ok(pools(proto::full::pools(bytes)?))),
        ("bitaxe", recorded!("bitaxe/v2_0/system_info.json"), bitaxe::full::parse),
    ]
}

/// Every value with one member of one object taken out.
fn without_each(value: &Value, found: &mut Vec<Vec<String>>, path: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                path.push(key.clone());
                found.push(path.clone());
                without_each(member, found, path);
                path.pop();
            }
        }
        Value::Array(list) => {
            for (place, member) in list.iter().enumerate() {
                path.push(place.to_string());
                without_each(member, found, path);
                path.pop();
            }
        }
        _ => {}
    }
}

fn without(value: &Value, path: &[String]) -> Value {
    let mut cut = value.clone();
    let (last, above) = path.split_last().unwrap();
    let holder = above.iter().fold(&mut cut, |value, key| match value {
        Value::Array(list) => &mut list[key.parse::<usize>().unwrap()],
        value => &mut value[key],
    });
    holder.as_object_mut().unwrap().remove(last);
    cut
}

/// Nothing that was not there, and no zero in the place of something.
fn is_no_more<T: PartialEq>(whole: Option<T>, cut: Option<T>, zero: &T) -> bool {
    match (whole, cut) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(whole), Some(cut)) => cut != *zero || whole == *zero,
    }
}

fn holds(whole: &Details, cut: &Details) -> bool {
    let boards = match (&whole.boards, &cut.boards) {
        (_, None) => true,
        (None, Some(_)) => false,
        // A board that lost its number takes that of its place in the list, so they are matched by either.
        (Some(all), Some(some)) => {
            some.len() <= all.len()
                && some.iter().all(|board| {
                    all.iter().any(|one| {
                        is_no_more(one.chips, board.chips, &0)
                            && is_no_more(one.hash_rate, board.hash_rate, &offpeak_units::HashRate::ZERO)
                            && is_no_more(one.serial.clone(), board.serial.clone(), &String::new())
                            && (one.temperature.is_some() || board.temperature.is_none())
                            && (one.temperature_chip.is_some() || board.temperature_chip.is_none())
                            && (one.works.is_some() || board.works.is_none())
                    })
                })
        }
    };
    let fans = match (&whole.fans, &cut.fans) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(all), Some(some)) => {
            let told = |fan: &FanReading| all.iter().any(|one| one.rpm == fan.rpm) || fan.rpm.is_none();
            some.len() <= all.len() && some.iter().all(told)
        }
    };
    let pools = match (&whole.pools, &cut.pools) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(all), Some(some)) => {
            some.len() <= all.len()
                && some.iter().all(|pool| {
                    all.iter().any(|one| {
                        let shares = |pool: &PoolReading| [pool.accepted, pool.rejected, pool.stale];
                        let kept =
                            shares(one).into_iter().zip(shares(pool)).all(|(a, b)| b.is_none() || a == b);
                        // Where a port stands by itself, the host is still what was told.
                        let url = |pool: &PoolReading| pool.url.clone().unwrap_or_default();
                        kept && url(one).starts_with(&url(pool))
                            && (pool.user.is_none() || pool.user == one.user)
                    })
                })
        }
    };
    let faults = cut
        .faults
        .as_ref()
        .is_none_or(|some| whole.faults.as_ref().is_some_and(|all| some.len() <= all.len()));
    let times = [(whole.uptime, cut.uptime), (whole.mining_for, cut.mining_for)];
    let times = times.into_iter().all(|(whole, cut)| cut.is_none() || whole == cut);
    let shares = [(whole.shares_accepted, cut.shares_accepted), (whole.shares_rejected, cut.shares_rejected)];
    let shares = shares.into_iter().all(|(whole, cut)| cut.is_none() || whole == cut);
    boards && fans && pools && faults && times && shares
}

#[test]
fn nothing_stands_in_for_what_is_taken_out() {
    for (name, reply, parse) in cases() {
        let whole: Value = serde_json::from_slice(&reply).unwrap();
        let full = parse(&reply).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let mut paths = Vec::new();
        without_each(&whole, &mut paths, &mut Vec::new());
        assert!(paths.len() > 5, "{name}");
        for path in paths {
            let cut = without(&whole, &path);
            if let Ok(read) = parse(cut.to_string().as_bytes()) {
                assert!(holds(&full, &read), "{name} without {path:?}:\n{read:?}\nof\n{full:?}");
            }
        }
    }
}
