//! The parsers of full readings.

use std::collections::BTreeMap;

use crate::full::cgminer;
use crate::{
    antminer, avalon, bitaxe, braiins, braiins_graphql, epic, luxos, proto, vnish, whatsminer, whatsminer_v3,
};

/// Runs them all on these bytes and forgets what they say.
pub(super) fn run(bytes: &[u8]) {
    let _ = cgminer::pools(bytes);
    let _ = (whatsminer::full::boards(bytes), whatsminer::full::faults(bytes));
    framed(bytes);
    let _ = antminer::full::stats(bytes)
        .map(|stats| (antminer::full::boards(&stats), antminer::full::fans(&stats)));
    let _ = avalon::full::Statistics::parse(bytes).map(|told| (told.boards(), told.fans(), told.faults()));
    let _ = (luxos::full::parse(bytes), vnish::full::parse(bytes));
    let _ = (epic::full::parse(bytes), bitaxe::full::parse(bytes));
    let _ = (braiins::full::boards(bytes), braiins::full::fans(bytes));
    let _ = (braiins::full::pools(bytes), braiins::full::faults(bytes));
    if let Ok(reply) = braiins_graphql::reply::data(bytes) {
        use braiins_graphql::full::{boards, fans, faults, pools};
        let _ = (boards(&reply), fans(&reply), pools(&reply), faults(&reply));
    }
    let _ = (proto::full::chips(bytes), proto::full::boards(bytes, &BTreeMap::new()));
    let _ = (proto::full::fans(bytes), proto::full::pools(bytes), proto::full::faults(bytes));
}

fn framed(bytes: &[u8]) {
    let Ok(reply) = whatsminer_v3::full::answered(bytes) else { return };
    let device = whatsminer_v3::full::Device::of(&reply);
    let _ = whatsminer_v3::full::boards(&reply, &device.boards);
    let _ = (whatsminer_v3::full::pools(&reply), whatsminer_v3::full::fans(&reply, device.supply_fan));
}
