//! What a running site shows of itself: the last cycle, its memory and its story as views.
//!
//! Not here: who asks, and requests that change something (`answer`).

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::Ordering;

use jiff::{SignedDuration, Timestamp};
use offpeak_dispatch::{
    Block, CalendarRow, CircuitLimit, Envelope, Limit, Reason, Setpoint, Source, Standing, Target, calendar,
};
use offpeak_site::{Authority, CircuitIx, CircuitKind, Endpoint, Family, MachineIx, MeterReading, Site};
use offpeak_units::{Efficiency, Money, Power};

use super::answer::Answers;
use super::live::{Latest, Search, lock};
use super::story::{self, Decision, Story};
use super::{ahead_view, fan_views, holds, sum_views};
use offpeak_server::HandleError;
use offpeak_server::view::{
    AdviceView, ChangeView, CountsView, DecisionView, Explanation, HallView, LimitView, MachineView,
    MoneyView, PointView, SiteView,
};

/// Decisions shown.
const DECISIONS_SHOWN: usize = 12;

pub(crate) fn limit_view(site: &Site, limit: &Limit) -> LimitView {
    let measure = limit.measure.words();
    let left =
        if limit.nominal == limit.power { String::new() } else { format!(", left of {}", limit.nominal) };
    let setpoint = if limit.holds { ", setpoint" } else { "" };
    let source = limit.source.describe(site);
    let source = match measure {
        "" => format!("{source}{setpoint}"),
        measure => format!("{source}{setpoint} ({measure}{left})"),
    };
    LimitView { limit_kw: limit.power.to_kilowatts_f64(), source, until: limit.until }
}

pub(crate) fn block_words(site: &Site, block: &Block) -> String {
    let what = if block.stops { "hash" } else { "start" };
    format!("{}: nothing may {what}", block.source.describe(site))
}

pub(super) fn block_view(site: &Site, limits: &CircuitLimit) -> Option<String> {
    limits.block.as_ref().map(|block| block_words(site, block))
}

/// The word for a standing, as in filters and tables.
pub(super) const fn state_name(standing: Standing) -> &'static str {
    match standing {
        Standing::Running => "running",
        Standing::Rising => "rising",
        Standing::Falling => "falling",
        Standing::Asleep => "asleep",
        Standing::Cut => "cut",
        Standing::Failed => "failed",
        Standing::Unknown => "unknown",
    }
}

/// The word for what is asked of a machine.
pub(super) const fn target_name(target: Target) -> &'static str {
    match target {
        Target::Leave => "leave",
        Target::Off => "off",
        Target::Run(_) => "run",
    }
}

pub(super) fn count(counts: &mut CountsView, standing: Standing) {
    counts.total += 1;
    *match standing {
        Standing::Running => &mut counts.running,
        Standing::Rising => &mut counts.rising,
        Standing::Falling => &mut counts.falling,
        Standing::Asleep => &mut counts.asleep,
        Standing::Cut => &mut counts.cut,
        Standing::Failed => &mut counts.failed,
        Standing::Unknown => &mut counts.unknown,
    } += 1;
}

/// A machine by id, by address and port, or by an address that is its alone.
pub(super) fn find_machine(site: &Site, name: &str) -> Result<Option<MachineIx>, HandleError> {
    if let Some((ix, _)) = site.machines().find(|(_, machine)| machine.id == name) {
        return Ok(Some(ix));
    }
    let full = |at: &Endpoint| SocketAddr::new(at.ip, at.api_port);
    let (ip, port) = match (name.parse::<SocketAddr>(), name.parse::<IpAddr>()) {
        (Ok(at), _) => (at.ip(), Some(at.port())),
        (_, Ok(ip)) => (ip, None),
        _ => return Ok(None),
    };
    let meant = |at: &Endpoint| at.ip == ip && port.is_none_or(|port| at.api_port == port);
    let found: Vec<_> = site
        .machines()
        .filter_map(|(ix, machine)| Some((ix, machine, machine.endpoint.filter(meant)?)))
        .collect();
    match &found[..] {
        [] => Ok(None),
        [(ix, ..)] => Ok(Some(*ix)),
        several => Err(HandleError::Several {
            address: name.to_owned(),
            machines: several
                .iter()
                .map(|(_, machine, at)| format!("{}  {}", full(at), machine.id))
                .collect(),
        }),
    }
}

/// With its port, unless that is its family's standard.
pub(super) fn address_words(family: Family, at: Endpoint) -> String {
    if at.api_port == Endpoint::of(family, at.ip).api_port {
        at.ip.to_string()
    } else {
        SocketAddr::new(at.ip, at.api_port).to_string()
    }
}

/// What binds on a circuit, without what only a running site knows.
pub(crate) fn explain(site: &Site, envelope: &Envelope, circuit: CircuitIx) -> Explanation {
    let own = envelope.circuit(circuit);
    let above = site.circuits.path(circuit).skip(1).map(|ix| {
        (
            site.circuits.get(ix).id.clone(),
            envelope.circuit(ix).binding.as_ref().map(|limit| limit_view(site, limit)),
        )
    });
    let blocked = site.circuits.path(circuit).find_map(|ix| {
        let at = &site.circuits.get(ix).id;
        block_view(site, envelope.circuit(ix))
            .map(|block| if ix == circuit { block } else { format!("{block} (at {at})") })
    });
    Explanation {
        circuit: site.circuits.get(circuit).id.clone(),
        at: envelope.at,
        binding: own.binding.as_ref().map(|limit| limit_view(site, limit)),
        next: own.next.as_ref().map(|limit| limit_view(site, limit)),
        block: blocked,
        above: above.collect(),
        power_kw: None,
        floor_kw: None,
        fans: Vec::new(),
        changes_at: envelope.changes_at,
        margin_kw: None,
        catalogue_percent: None,
        every: Vec::new(),
    }
}

/// Adds every limit at the circuit and above it, tightest first.
pub(crate) fn explain_all(
    site: &Site,
    every: &[(CircuitIx, Limit)],
    circuit: CircuitIx,
    of: &mut Explanation,
) {
    let mut here: Vec<_> = every.iter().filter(|(ix, _)| site.circuits.is_within(circuit, *ix)).collect();
    here.sort_by_key(|(ix, limit)| (limit.power, limit.source, core::cmp::Reverse(*ix)));
    let named =
        |(ix, limit): &&(CircuitIx, Limit)| (site.circuits.get(*ix).id.clone(), limit_view(site, limit));
    of.every = here.iter().map(named).collect();
}

pub(super) fn site_view(
    answers: &Answers,
    latest: Option<&Latest>,
    story: &Story,
    trace_points: usize,
) -> SiteView {
    let site = answers.site();
    let now = answers.now();
    let root = latest.map(|latest| *latest.cycle.loads.circuit(CircuitIx::ROOT));
    let limits = latest.map(|latest| *latest.cycle.envelope.circuit(CircuitIx::ROOT)).unwrap_or_default();
    let power = root.and_then(|load| load.measured);
    // Of a mine whose machines all say nothing, nothing is known; it is not idle.
    let is_heard = |latest: &&Latest| {
        latest.snapshot.machines.iter().any(|seen| seen.reading.is_some() && seen.trouble.is_none())
    };
    let heard = latest.filter(is_heard).map(|latest| story::hash_rate(&latest.snapshot));
    let hash_rate = heard.unwrap_or_default();
    let age = latest.and_then(|latest| {
        latest.snapshot.meters[site.revenue_meter().ix()]
            .map(|reading: MeterReading| reading.at.duration_until(now).as_secs_f64())
    });
    let shown = story.decisions.len().saturating_sub(DECISIONS_SHOWN);
    SiteView {
        site: site.id.clone(),
        name: site.name.clone(),
        at: now,
        time_zone: site.time_zone.iana_name().unwrap_or("UTC").to_owned(),
        speed: answers.speed,
        transport: answers.transport.clone(),
        connection: site.circuits.get(CircuitIx::ROOT).id.clone(),
        power_kw: power.map(Power::to_kilowatts_f64),
        power_age_s: age,
        limit: limits.binding.as_ref().map(|limit| limit_view(&site, limit)),
        next: latest.and_then(|latest| coming(&site, latest)),
        block: block_view(&site, &limits),
        hash_rate_ths: heard.map(offpeak_units::HashRate::to_terahashes_f64),
        efficiency_j_per_th: power
            .and_then(|power| Efficiency::of(power, hash_rate))
            .map(Efficiency::to_joules_per_terahash_f64),
        money: Some(money_view(&site, now, power, heard, story)),
        counts: latest.map_or_else(|| nothing_known(&site), |latest| counts(latest, |_| true)),
        halls: latest.map(|latest| halls(&site, latest)).unwrap_or_default(),
        fans: latest.map(|latest| fan_views::views(&site, latest)).unwrap_or_default(),
        ahead: ahead_view::view(answers, &site, now),
        budgets: latest.map(|latest| sum_views::budgets(&site, latest)).unwrap_or_default(),
        peak: latest.and_then(|latest| sum_views::peak(&site, latest)),
        held: held(answers, &site, now),
        restart_due: answers.site_file.as_ref().is_some_and(super::site_file::SiteFilePlace::restart_due),
        read_every_s: answers.shared.read_every_ms.load(Ordering::Relaxed) as f64 / 1e3,
        commands: story.counts,
        decisions: story
            .decisions
            .iter()
            .skip(shown)
            .map(|Decision { at, text, about }| DecisionView {
                at: *at,
                text: text.clone(),
                about: about.clone(),
            })
            .collect(),
        alarms: alarms(answers, latest, power, true),
        alarms_unnamed: alarms(answers, latest, power, false),
        checker_vetoes: story.vetoes,
        trace: story
            .trace
            .shown(trace_points)
            .into_iter()
            .map(|point| PointView {
                at: point.at,
                power_kw: point.measured.map(Power::to_kilowatts_f64),
                limit_kw: point.limit.map(Power::to_kilowatts_f64),
                source: point.source.map(|source| source.to_string()),
            })
            .collect(),
    }
}

fn held(answers: &Answers, site: &Site, now: Timestamp) -> u32 {
    let directives = lock(&answers.shared.directives);
    let held = directives.holds.keys().filter(|ix| directives.hold_of(**ix, now).is_some()).count();
    u32::try_from(held.min(site.machines.len())).unwrap_or(u32::MAX)
}

/// How far ahead the next change is looked for.
const CHANGE_AHEAD: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What may be drawn at the connection after what binds there now, once that changes; nothing where no change is known.
fn coming(site: &Site, latest: &Latest) -> Option<ChangeView> {
    let (directives, counts) = (&latest.snapshot.directives, &latest.memory.counts);
    let now = latest.cycle.at;
    let rows = calendar(site, directives, Some(counts), CircuitIx::ROOT, now, now + CHANGE_AHEAD);
    let limit = |row: &CalendarRow| row.binding.map(|(_, limit)| limit);
    let present = rows.first().and_then(limit)?;
    // The line down to a lower limit is no word of its own.
    let is_change = |next: &Limit| {
        !next.source.is_glide() && (next.nominal, next.source) != (present.nominal, present.source)
    };
    let row = rows.iter().skip(1).find(|row| limit(row).as_ref().is_some_and(is_change))?;
    let next = limit(row)?;
    let text = match (present.source, next.source) {
        (_, Source::ContractClosed) => "window closes".to_owned(),
        (Source::ContractClosed, Source::Contract) => "window opens".to_owned(),
        (_, source) => source.describe(site),
    };
    Some(ChangeView { at: row.from, limit_kw: next.nominal.to_kilowatts_f64(), text })
}

pub(super) fn amount(money: Money) -> f64 {
    money.amount().try_into().unwrap_or(f64::NAN)
}

fn money_view(
    site: &Site,
    now: Timestamp,
    power: Option<Power>,
    hash_rate: Option<offpeak_units::HashRate>,
    story: &Story,
) -> MoneyView {
    let hour_ms = 3_600_000;
    let power_price = site.economics.power_price_at(&site.time_zone, now);
    let hash_price = site.economics.hash_price_at(&site.time_zone, now);
    let cost = power_price.zip(power).map(|(price, power)| amount(price.of(power.over_millis(hour_ms))));
    let revenue = hash_price.zip(hash_rate).map(|(price, rate)| amount(price.of(rate.over_millis(hour_ms))));
    let today = &story.today;
    MoneyView {
        currency: site.economics.currency.to_string(),
        cost_per_h: cost,
        revenue_per_h: revenue,
        margin_per_h: revenue.zip(cost).map(|(revenue, cost)| revenue - cost),
        cost_today: amount(today.cost),
        revenue_today: amount(today.revenue),
        margin_today: amount(today.margin()),
        energy_today_kwh: today.energy.to_kilowatt_hours_f64(),
        unmetered_s: today.unmetered.as_secs_f64(),
        unpriced_s: today.unpriced.as_secs_f64(),
    }
}

/// Before the first cycle.
fn nothing_known(site: &Site) -> CountsView {
    let total = u32::try_from(site.machines.len()).unwrap_or(u32::MAX);
    CountsView { unknown: total, total, ..CountsView::default() }
}

fn counts(latest: &Latest, within: impl Fn(MachineIx) -> bool) -> CountsView {
    let mut counts = CountsView::default();
    for (place, standing) in latest.cycle.loads.standings.iter().enumerate() {
        if within(MachineIx(place as u32)) {
            count(&mut counts, *standing);
        }
    }
    counts
}

fn halls(site: &Site, latest: &Latest) -> Vec<HallView> {
    let mut views: Vec<(CircuitIx, HallView)> = site
        .circuits
        .iter()
        .filter(|(_, circuit)| circuit.kind == CircuitKind::Hall)
        .map(|(ix, circuit)| {
            let (load, limits) = (latest.cycle.loads.circuit(ix), latest.cycle.envelope.circuit(ix));
            let view = HallView {
                id: circuit.id.clone(),
                authority: if circuit.authority == Authority::Control { "control" } else { "observe" }
                    .to_owned(),
                power_kw: load.measured.map(Power::to_kilowatts_f64),
                metered: circuit.meter.is_some(),
                limit_kw: limits.binding.map(|limit| limit.power.to_kilowatts_f64()),
                source: limits.binding.map(|limit| limit.source.describe(site)),
                counts: CountsView::default(),
                block: block_view(site, limits),
                advice: latest
                    .cycle
                    .plan
                    .advice
                    .as_ref()
                    .filter(|_| circuit.authority == Authority::Observe)
                    .map(|_| AdviceView::default()),
            };
            (ix, view)
        })
        .collect();
    let place_of: std::collections::BTreeMap<CircuitIx, usize> =
        views.iter().enumerate().map(|(place, (ix, _))| (*ix, place)).collect();
    for (ix, machine) in site.machines() {
        let hall = site.circuits.hall_of(machine.circuit).and_then(|hall| place_of.get(&hall));
        if let Some(place) = hall {
            let view = &mut views[*place].1;
            let standing = latest.cycle.loads.standings[ix.ix()];
            count(&mut view.counts, standing);
            if let Some((sum, of)) = view.advice.as_mut().zip(latest.cycle.plan.advice.as_ref()) {
                add_advice(sum, of[ix.ix()], standing);
            }
        }
    }
    views.into_iter().map(|(_, view)| view).collect()
}

fn add_advice(sum: &mut AdviceView, would: Setpoint, standing: Standing) {
    let off = matches!(standing, Standing::Asleep | Standing::Cut | Standing::Falling);
    match would.target {
        Target::Off if !off => sum.stop += 1,
        Target::Run(_) if would.reason == Reason::Starts => sum.start += 1,
        Target::Off | Target::Run(_) | Target::Leave => {}
    }
}

/// What needs attention, most urgent first, with or without the names of single machines.
fn alarms(answers: &Answers, latest: Option<&Latest>, power: Option<Power>, named: bool) -> Vec<String> {
    let site = answers.site();
    let Some(latest) = latest else {
        return vec![lock(&answers.shared.search).map_or_else(
            || "no cycle has run yet".to_owned(),
            |Search { found, expected }| {
                format!("looking for the machines: {found} of {expected} found so far")
            },
        )];
    };
    let mut alarms = Vec::new();
    if power.is_none() {
        let unused = latest.cycle.envelope.circuit(CircuitIx::ROOT).binding.map_or(Power::ZERO, |limit| {
            limit.power.saturating_sub(latest.cycle.loads.circuit(CircuitIx::ROOT).expected)
        });
        alarms.push(format!(
            "the revenue meter is silent: nothing is started, and {unused} of what is allowed stay unused"
        ));
    }
    for (meter, frozen) in site.meters.iter().zip(&latest.memory.frozen) {
        if frozen.is_stuck(latest.cycle.at) {
            let id = &meter.id;
            alarms.push(format!("{id} shows one value while its machines' load changes: it is not believed"));
        }
    }
    alarms.extend(above_limits(&site, latest, named));
    alarms.extend(sum_views::alarms(&site, latest));
    if !latest.memory.ready {
        alarms.push("not every meter and machine has been asked: nothing is started".to_owned());
    }
    alarms.extend(fan_views::alarms(&site, latest));
    let stubborn =
        |(ix, _): &(MachineIx, _)| latest.memory.machines[ix.ix()].is_disobedient(site.model_of(*ix));
    let (disobey, cut) = site.machines().filter(stubborn).fold((0, 0), |(all, cut), (ix, _)| {
        (all + 1, cut + usize::from(latest.memory.machines[ix.ix()].cut))
    });
    match answers.shared.stops_in_memory() {
        0 => {}
        stops => alarms.push(format!(
            "{stops} stop(s) are in force and not in the book: a new start of offpeak forgets them"
        )),
    }
    if disobey > 0 {
        let them = match cut {
            0 => String::new(),
            cut if cut == disobey => ", and were cut at their outlets".to_owned(),
            cut => format!(", and {cut} of them were cut at their outlets"),
        };
        alarms.push(format!("{disobey} machine(s) do not obey{them}; see `offpeak machines`"));
    }
    if let Some(why) = &*lock(&answers.shared.feed_trouble) {
        alarms.push(format!("the feed cannot be read, its last words age: {why}"));
    }
    if let Some(error) = answers.shared.recorder.error() {
        alarms.push(format!("the book cannot be written: {error}"));
    }
    alarms
}

/// Machines named by an alarm.
const NAMED: usize = 3;
/// What is left under a stop may be measured so much above what the catalogue says of it, in percent.
const LEFT_MORE: i64 = 105;

/// Circuits that draw more than they may, each once.
fn above_limits(site: &Site, latest: &Latest, named: bool) -> Vec<String> {
    let mut found = Vec::new();
    for (ix, circuit) in site.circuits.iter() {
        let (load, limits) = (latest.cycle.loads.circuit(ix), latest.cycle.envelope.circuit(ix));
        let unmet = latest.cycle.plan.unmet.iter().find(|unmet| unmet.circuit == ix);
        let (measured, binding) = (load.measured, limits.binding);
        let source = binding.map(|limit| limit.source);
        if let Some(unmet) = unmet {
            let within = measured.is_some_and(|power| power <= unmet.limit);
            // A stop allows nothing, and sleepers and fans remain: that is as it should be.
            let left = Power::from_milliwatts(unmet.floor.to_milliwatts() / 100 * LEFT_MORE);
            let is_stopped = matches!(source, Some(Source::Stop | Source::Lockout))
                && unmet.behind.stubborn == 0
                && measured.is_some_and(|power| power <= left);
            if !within && !is_stopped {
                let named = if named { NAMED } else { 0 };
                let behind = unmet.behind.describe(site, named);
                let (id, floor) = (&circuit.id, unmet.floor);
                found.push(format!("{id}: the limit is {}, but {floor} remain: {behind}", unmet.limit));
            }
        } else if let (Some(power), Some(limit)) = (measured, binding)
            && power > limit.power
            // While the way down is under way the load follows its line; that is no alarm.
            && !limit.source.is_glide()
        {
            let source = limit.source.describe(site);
            found.push(format!("{}: {power} measured, {} allowed ({source})", circuit.id, limit.power));
        }
    }
    found
}

/// What is wrong between us and a machine. That one without power does not answer is no wonder.
pub(super) fn trouble_words(site: &Site, latest: &Latest, ix: MachineIx) -> Option<String> {
    let remembered = &latest.memory.machines[ix.ix()];
    if remembered.cut {
        let since = remembered.switched_at.map_or_else(String::new, |at| format!(" since {at}"));
        let stubborn = remembered.is_disobedient(site.model_of(ix));
        return stubborn
            .then(|| format!("without power{since}: it did not go to sleep, so its outlet is off"));
    }
    latest.snapshot.machines[ix.ix()].trouble.map(|(trouble, since)| format!("{trouble} since {since}"))
}

pub(super) fn machine_view(answers: &Answers, latest: &Latest, story: &Story, ix: MachineIx) -> MachineView {
    let site = answers.site();
    let machine = site.machine(ix);
    let (seen, remembered) = (&latest.snapshot.machines[ix.ix()], &latest.memory.machines[ix.ix()]);
    let setpoint = latest.cycle.plan.setpoints[ix.ix()];
    let hall = site.circuits.hall_of(machine.circuit).map(|hall| site.circuits.get(hall).id.clone());
    let (reading, model) = (seen.reading, site.model(machine.model));
    // What it said last is not so any more once it has no power.
    let said = reading.filter(|_| latest.cycle.loads.standings[ix.ix()] != Standing::Cut);
    let advice = latest
        .cycle
        .plan
        .advice
        .as_ref()
        .filter(|_| setpoint.reason == Reason::ObserveOnly)
        .map(|advice| advice[ix.ix()].reason.describe(&site));
    let in_flight = remembered.outstanding.map(|held| {
        let word = if held.accepted { "accepted" } else { "sent" };
        format!("{} ({word} {})", held.action, held.issued_at)
    });
    let refused = story.refusals.get(&ix.0).map(|(at, words)| format!("refused {at}: {words}"));
    let directives = &latest.snapshot.directives;
    let known = lock(&answers.shared.fleet).as_ref().and_then(|fleet| fleet.known(ix));
    let known = known.as_deref();
    MachineView {
        id: machine.id.clone(),
        model: model.name.clone(),
        owner: site.owners[usize::from(machine.owner.0)].id.clone(),
        hall: hall.unwrap_or_default(),
        circuit: site.circuits.get(machine.circuit).id.clone(),
        address: machine.endpoint.map(|at| address_words(model.family, at)),
        mac: machine.mac.or(known.and_then(|known| known.identity.mac)).map(|mac| mac.to_string()),
        serial: machine.serial.clone().or(known.and_then(|known| known.identity.serial.clone())),
        firmware: known.and_then(|known| known.identity.firmware.clone()),
        state: state_name(latest.cycle.loads.standings[ix.ix()]).to_owned(),
        target: target_name(setpoint.target).to_owned(),
        reason: holds::words(&site, directives, ix, setpoint.reason, latest.cycle.at),
        advice,
        trouble: trouble_words(&site, latest, ix),
        age_s: reading.map(|reading| reading.at.duration_until(answers.now()).as_secs_f64()),
        power_w: said.and_then(|reading| reading.power).map(Power::to_watts_f64),
        hash_rate_ths: said.and_then(|reading| reading.hash_rate).map(|rate| rate.to_terahashes_f64()),
        temperature_c: said.and_then(|reading| reading.temperature).map(|t| t.to_celsius_f64()),
        command: in_flight.or(refused),
        has_outlet: machine.outlet.is_some(),
        fans: fan_views::words_at(&site, latest, machine.circuit),
        held: holds::view(&site, directives, ix, latest.cycle.at),
    }
}
