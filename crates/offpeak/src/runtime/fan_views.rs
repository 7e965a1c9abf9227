//! What a running site shows of its fans.

use jiff::Timestamp;
use offpeak_dispatch::{FanTransition, FansMemory, limits};
use offpeak_site::{CircuitIx, FanIx, Fans, Site};

use super::live::Latest;
use offpeak_server::view::FansView;

/// Every set, for `status`.
pub(super) fn views(site: &Site, latest: &Latest) -> Vec<FansView> {
    site.fans()
        .map(|(ix, fans)| FansView {
            id: fans.id.clone(),
            circuit: site.circuits.get(fans.circuit).id.clone(),
            closed: latest.snapshot.fans[ix.ix()]
                .filter(|seen| is_fresh(seen.at, latest))
                .map(|seen| seen.closed),
            contactors: fans.channels,
            state: words(fans, &latest.memory.fans[ix.ix()], latest, ix),
        })
        .collect()
}

/// The sets that a machine on this circuit needs, in words.
pub(super) fn words_at(site: &Site, latest: &Latest, circuit: CircuitIx) -> Vec<String> {
    let needed = site.fans().filter(|(_, fans)| site.circuits.is_within(circuit, fans.circuit));
    needed
        .map(|(ix, fans)| format!("{}: {}", fans.id, words(fans, &latest.memory.fans[ix.ix()], latest, ix)))
        .collect()
}

/// What somebody should look at.
pub(super) fn alarms(site: &Site, latest: &Latest) -> Vec<String> {
    let mut alarms = Vec::new();
    for (ix, fans) in site.fans() {
        let remembered = &latest.memory.fans[ix.ix()];
        let told = || words(fans, remembered, latest, ix);
        let at = &site.circuits.get(fans.circuit).id;
        let stopped = remembered.still_since.is_some() && remembered.idle_since.is_none();
        let defies = remembered.tries > 0 || remembered.rests_until.is_some_and(|at| at > latest.cycle.at);
        let silent = latest.memory.ready && fresh(latest, ix).is_none();
        if stopped || defies || silent {
            alarms.push(format!("fans {} at {at}: {}", fans.id, told()));
        }
    }
    alarms
}

/// A command to fans, in the book's words.
pub(super) const fn action(of: &FanTransition) -> &'static str {
    if of.run { "fans run" } else { "fans stop" }
}

fn is_fresh(at: Timestamp, latest: &Latest) -> bool {
    at.duration_until(latest.cycle.at) <= limits::FANS_STALE
}

fn fresh(latest: &Latest, ix: FanIx) -> Option<u16> {
    latest.snapshot.fans[ix.ix()].filter(|seen| is_fresh(seen.at, latest)).map(|seen| seen.closed)
}

fn words(fans: &Fans, remembered: &FansMemory, latest: &Latest, ix: FanIx) -> String {
    let now = latest.cycle.at;
    let left = |until: Timestamp| now.duration_until(until).as_secs().max(0);
    let state = match fresh(latest, ix) {
        None => "their switch is silent: nothing is started".to_owned(),
        Some(0) => "off".to_owned(),
        Some(closed) if closed < fans.channels => format!("{closed} of {} run", fans.channels),
        Some(_) => match (remembered.running_since, remembered.idle_since) {
            (Some(since), _) if left(since + fans.lead) > 0 => {
                format!("run; machines may start in {} s", left(since + fans.lead))
            }
            (_, Some(since)) => format!("run on for {} s", left(since + fans.run_on)),
            _ => "run".to_owned(),
        },
    };
    let lacks = match (remembered.still_since, remembered.idle_since) {
        (Some(since), None) => match left(since + fans.without) {
            0 => ", and the machines below are stopped".to_owned(),
            seconds => format!(", and the machines below are stopped in {seconds} s"),
        },
        _ => String::new(),
    };
    let defies = match (remembered.asked, remembered.tries, remembered.rests_until) {
        (Some(asked), tries, _) if tries > 0 => {
            format!("; did not follow {tries} times when asked to {}", if asked.run { "run" } else { "stop" })
        }
        (_, _, Some(until)) if until > now => {
            format!("; do not follow and are asked again in {} s", left(until))
        }
        _ => String::new(),
    };
    let refused = latest.fan_refusals.get(&ix).map(|words| format!(" ({words})")).unwrap_or_default();
    format!("{state}{lacks}{defies}{refused}")
}
