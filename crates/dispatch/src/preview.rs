//! What an order would do before it is given, and what would change a machine's state: for people who decide.
//!
//! Not here: giving orders, and anything that is sent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use offpeak_site::{Action, CircuitIx, MachineIx, Site};
use offpeak_units::{Money, Power};

use crate::controller::Cycle;
use crate::directive::{Directives, Hold, Order};
use crate::envelope::{Envelope, Limit, envelope_with};
use crate::frame::Frame;
use crate::limits;
use crate::load::Loads;
use crate::memory::Memory;
use crate::plan::{Plan, Reason, Setpoint, Target, Unmet, band, plan};
use crate::rank::{self, rank};
use crate::share;
use crate::snapshot::Snapshot;
use crate::sources::begins_down;
use crate::standing::{Standing, p95};

/// What an order would do to the mine as it stands now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// When the way down to it would begin; the order's own beginning, where it asks for none.
    pub begins: Timestamp,
    /// What the circuit draws and what in flight will make of it.
    pub before: Power,
    /// What it would come down to.
    pub after: Power,
    /// Machines that would be stopped, worst first by the planner's order, with what would be sent.
    pub stops: Vec<(MachineIx, Action)>,
    /// Machines that would be started.
    pub starts: Vec<MachineIx>,
    /// Until nineteen in twenty of the slowest kind are down, from the first command on.
    pub takes: SignedDuration,
    /// What an hour of it costs in margin; `None` while a price is not known.
    pub cost_per_hour: Option<Money>,
    /// What would bind at the circuit: the order itself, or what is tighter still.
    pub binds: Option<Limit>,
    /// If it cannot be met: what remains, and whose that is.
    pub unmet: Option<Unmet>,
}

fn planned(
    site: &Site,
    snapshot: &Snapshot,
    memory: &Memory,
    directives: &Directives,
) -> (Plan, Loads, Envelope) {
    let frame = Frame::new(site);
    let envelope = envelope_with(site, directives, Some(&memory.counts), snapshot.at);
    let loads = Loads::new(site, &frame, snapshot, memory);
    let economics = &site.economics;
    let power = economics.power_price_at(&site.time_zone, snapshot.at);
    let power = power.map(|price| economics.marginal(price, &site.time_zone, snapshot.at));
    let hash =
        rank::hash_price(site, &directives.feeds, snapshot.at).map(|price| economics.after_fees(price));
    let mut ranking = rank(site, &memory.machines, power, hash);
    share::put_in_order(site, &memory.served, &mut ranking.order);
    (plan(site, &frame, snapshot, &envelope, &loads, &ranking, memory), loads, envelope)
}

/// What tells one plan from another.
struct Effect {
    stops: Vec<(MachineIx, Action)>,
    starts: Vec<MachineIx>,
    /// What a circuit's machines draw less and more.
    relief: Power,
    added: Power,
    takes: SignedDuration,
}

fn effect(
    site: &Site,
    memory: &Memory,
    loads: &Loads,
    (without, with): (&Plan, &Plan),
    circuit: CircuitIx,
) -> Effect {
    let (mut stops, mut starts) = (Vec::new(), Vec::new());
    let (mut relief, mut added, mut takes) = (Power::ZERO, Power::ZERO, SignedDuration::ZERO);
    for (ix, machine) in site.machines() {
        let (before, after) = (without.setpoints[ix.ix()].target, with.setpoints[ix.ix()].target);
        let model = site.model(machine.model);
        let is_on = matches!(loads.standings[ix.ix()], Standing::Running | Standing::Rising);
        let within = site.circuits.is_within(machine.circuit, circuit);
        let watts = if within { model.normal().power - model.sleep } else { Power::ZERO };
        match (before, after) {
            (Target::Run(_), Target::Off) if is_on => {
                let by_command = model.is_put_to_sleep() && !memory.machines[ix.ix()].disobeys;
                stops.push((ix, if by_command { Action::Sleep } else { Action::Cut }));
                relief += watts;
                takes = takes.max(p95(model.transitions.sleep));
            }
            (Target::Off, Target::Run(_)) => {
                starts.push(ix);
                added += watts;
                takes = takes.max(p95(model.transitions.wake) + p95(model.transitions.ramp_up));
            }
            _ => {}
        }
    }
    Effect { stops, starts, relief, added, takes }
}

/// What an order would do if it held now, with what runs now. Nothing is changed by asking.
#[must_use]
pub fn preview(site: &Site, snapshot: &Snapshot, memory: &Memory, order: &Order) -> Preview {
    let (now, circuit) = (snapshot.at, order.circuit);
    let (without, loads, present) = planned(site, snapshot, memory, &snapshot.directives);
    let mut directives = snapshot.directives.clone();
    directives.orders.push(Order { from: now, until: None, ..order.clone() });
    let (with, _, then) = planned(site, snapshot, memory, &directives);
    let Effect { stops, starts, relief, added, takes } =
        effect(site, memory, &loads, (&without, &with), circuit);
    let load = loads.circuit(circuit);
    let before = load.expected;
    let begins = match present.circuit(circuit).binding {
        Some(present) if order.from > now && order.limit < present.power => {
            begins_down(site, circuit, (present.power, order.limit), order.from).max(now)
        }
        _ => order.from,
    };
    Preview {
        begins,
        before,
        after: (before - relief + added).max(load.floor),
        cost_per_hour: cost_per_hour(site, &snapshot.directives, now, &stops, &starts),
        stops,
        starts,
        takes,
        binds: then.circuit(circuit).binding,
        unmet: with.unmet.into_iter().find(|unmet| unmet.circuit == circuit),
    }
}

/// What holding machines off would do to the mine as it stands now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldPreview {
    /// What the site draws and what in flight will make of it.
    pub before: Power,
    /// What it would come down to, as long as nobody takes their place.
    pub after: Power,
    /// Machines that would be stopped, with what would be sent.
    pub stops: Vec<(MachineIx, Action)>,
    /// Of those named, machines that are to be off as it is, whatever is held.
    pub off_already: Vec<MachineIx>,
    /// Of those named, machines that nothing would be sent to, and why.
    pub left: Vec<(MachineIx, Reason)>,
    /// Machines that wait for room, which some of these would leave them.
    pub waiting: usize,
    /// Until nineteen in twenty of the slowest kind are down.
    pub takes: SignedDuration,
    /// What an hour of it costs in margin; `None` while a price is not known.
    pub cost_per_hour: Option<Money>,
}

/// What holding these machines off would do now. Nothing is changed by asking.
#[must_use]
pub fn preview_hold(
    site: &Site,
    snapshot: &Snapshot,
    memory: &Memory,
    machines: &BTreeSet<MachineIx>,
) -> HoldPreview {
    let now = snapshot.at;
    let (without, loads, _) = planned(site, snapshot, memory, &snapshot.directives);
    let mut holds = BTreeMap::clone(&snapshot.directives.holds);
    for machine in machines {
        let held = || Hold { at: now, until: None, by: String::new(), why: String::new() };
        holds.entry(*machine).or_insert_with(held);
    }
    let directives = Directives { holds: Arc::new(holds), ..snapshot.directives.clone() };
    // The planner reads who is held off the picture itself.
    let held = Snapshot { directives, ..snapshot.clone() };
    let (with, ..) = planned(site, &held, memory, &held.directives);
    let Effect { stops, relief, takes, .. } =
        effect(site, memory, &loads, (&without, &with), CircuitIx::ROOT);
    let load = loads.circuit(CircuitIx::ROOT);
    let before = load.expected;
    let chosen = || machines.iter().map(|ix| (*ix, without.setpoints[ix.ix()], with.setpoints[ix.ix()]));
    let waits = |setpoint: &&Setpoint| matches!(setpoint.reason, Reason::NoRoom(_));
    HoldPreview {
        before,
        after: (before - relief).max(load.floor),
        cost_per_hour: cost_per_hour(site, &snapshot.directives, now, &stops, &[]),
        stops,
        off_already: chosen()
            .filter(|(_, without, _)| without.target == Target::Off)
            .map(|(ix, ..)| ix)
            .collect(),
        left: chosen()
            .filter(|(_, _, with)| with.target == Target::Leave)
            .map(|(ix, _, with)| (ix, with.reason))
            .collect(),
        waiting: with.setpoints.iter().filter(waits).count(),
        takes,
    }
}

/// The margin that an hour of these machines makes less, and that of those started makes more.
fn cost_per_hour(
    site: &Site,
    directives: &Directives,
    at: Timestamp,
    stops: &[(MachineIx, Action)],
    starts: &[MachineIx],
) -> Option<Money> {
    let economics = &site.economics;
    let power = economics.marginal(economics.power_price_at(&site.time_zone, at)?, &site.time_zone, at);
    let hash = economics.after_fees(rank::hash_price(site, &directives.feeds, at)?);
    let hour_ms = 3_600_000;
    let margin = |ix: MachineIx| {
        let model = site.model_of(ix);
        let watts = model.normal().power - model.sleep;
        let revenue = hash.of(model.normal().hash_rate.over_millis(hour_ms));
        revenue.checked_sub(power.of(watts.over_millis(hour_ms))).ok()
    };
    let mut cost = Money::zero(economics.currency);
    for (ix, _) in stops {
        cost = cost.checked_add(margin(*ix)?).ok()?;
    }
    for ix in starts {
        cost = cost.checked_sub(margin(*ix)?).ok()?;
    }
    Some(cost)
}

/// Why a machine is as it is, and what would change that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// Its place among all machines by what they make of a watt, from 1.
    pub rank: usize,
    /// The limit on its way to the grid that leaves least room, with that room; negative above the limit.
    pub tightest: Option<(CircuitIx, Limit, Power)>,
    /// What a start of it needs.
    pub needs: Power,
    /// What would change its state, in words; nothing of money.
    pub changes: Vec<String>,
    /// Of one that does not earn its power: at which prices it would.
    pub earns_again: Option<String>,
}

/// Why a machine is as the cycle has it.
#[must_use]
pub fn why(site: &Site, cycle: &Cycle, memory: &Memory, machine: MachineIx) -> Why {
    let mut order = rank(site, &memory.machines, None, None).order;
    share::put_in_order(site, &memory.served, &mut order);
    let place = order.iter().position(|ix| *ix == machine).unwrap_or(order.len());
    let circuit = site.machine(machine).circuit;
    let room = |ix: CircuitIx| {
        let limit = cycle.envelope.circuit(ix).binding?;
        Some((ix, limit, limit.power - cycle.loads.circuit(ix).upper))
    };
    let tightest = site.circuits.path(circuit).filter_map(room).min_by_key(|(_, _, room)| *room);
    let needs = cycle.loads.need(machine, site.model_of(machine).sleep);
    let waits =
        |ix: &&MachineIx| matches!(cycle.plan.setpoints[ix.ix()].reason, Reason::NoRoom(_) | Reason::Ramp);
    let before = order[..place.min(order.len())].iter().filter(waits).count();
    let changes = changes(site, cycle, memory, machine, (tightest, needs, before));
    let earns = cycle.plan.setpoints[machine.ix()].reason != Reason::Uneconomic;
    let earns_again = if earns { None } else { break_even_words(site, &cycle.envelope, machine) };
    Why { rank: place + 1, tightest, needs, changes, earns_again }
}

fn changes(
    site: &Site,
    cycle: &Cycle,
    memory: &Memory,
    machine: MachineIx,
    (tightest, needs, before): (Option<(CircuitIx, Limit, Power)>, Power, usize),
) -> Vec<String> {
    let name = |ix: CircuitIx| site.circuits.get(ix).id.as_str();
    let until = |limit: &Limit| limit.until.map_or_else(String::new, |until| format!(" (until {until})"));
    let remembered = &memory.machines[machine.ix()];
    let mut words = Vec::new();
    match cycle.plan.setpoints[machine.ix()].reason {
        Reason::Runs | Reason::Returns | Reason::Starts | Reason::Lowers | Reason::Raises => {
            words.extend(tightest.map(|(ix, limit, room)| stops_words(site, ix, &limit, room)));
        }
        Reason::NoRoom(ix) => {
            words.push(starts_words(site, cycle, memory, ix, needs));
            words.push(format!("{before} machine(s) that make more of a watt wait before it"));
        }
        Reason::Blocked(ix, source) => {
            let limit = cycle.envelope.circuit(ix).binding.filter(|limit| limit.source == source);
            let ends = limit.as_ref().map_or_else(String::new, until);
            words.push(format!("starts when this ends: {} at {}{ends}", source.describe(site), name(ix)));
        }
        Reason::ClosesSoon => words.push(format!("next window from {}", cycle.envelope.contract_next.from)),
        Reason::Phases(ix) => {
            words.push(format!("starts when the other phases of {} draw more, or its own less", name(ix)));
        }
        Reason::Swapped => words.push(format!("starts again when {needs} come free beside the better ones")),
        Reason::Shed(ix) => words.push(format!("starts again when {needs} come free at {}", name(ix))),
        Reason::KeptOut => {
            words.push(
                "starts when the plan for the hours ahead lets its model run; `offpeak status` has it"
                    .to_owned(),
            );
        }
        Reason::Rests => words.extend(remembered.wake_retry_at.map(|at| format!("asked again at {at}"))),
        Reason::Cools => {
            let at = remembered.rests_since.map(|at| at + site.rules.timing.least_rest);
            words.extend(at.map(|at| format!("has rested long enough at {at}")));
        }
        Reason::NoMeter => words.push("starts when the revenue meter answers again".to_owned()),
        Reason::ObserveOnly => words.push("`offpeak authority HALL control` lets it be run".to_owned()),
        Reason::Fans(ix) => {
            let (fans, state) = (&site.fans[ix.ix()], &memory.fans[ix.ix()]);
            let at = state.running_since.map(|since| since + fans.lead);
            words.push(at.map_or_else(
                || format!("starts {} s after fans `{}` run", fans.lead.as_secs(), fans.id),
                |at| format!("starts at {at}, when fans `{}` have run long enough", fans.id),
            ));
        }
        Reason::NoAir(ix) => words.push(format!("starts when fans `{}` run again", site.fans[ix.ix()].id)),
        Reason::Ramp | Reason::HeldBack => words.push(format!("starts within {}", minutes(limits::RUN_MIN))),
        Reason::Vetoed(ix) => words.push(format!("starts when the checker has no objection at {}", name(ix))),
        Reason::Pinned => words.push("`pinned` in the site file keeps it off".to_owned()),
        Reason::Held => {
            words.push("may start when somebody releases it, or the hold's time is over".to_owned())
        }
        // Its own field says at which prices it would earn.
        Reason::Uneconomic
        | Reason::Falling
        | Reason::Warmup
        | Reason::NoWord
        | Reason::NotCommandable
        | Reason::Failed => {}
    }
    words
}

/// When a machine that runs would be stopped: what is left below the tightest limit above it, or that nothing is.
fn stops_words(site: &Site, ix: CircuitIx, limit: &Limit, room: Power) -> String {
    let (source, name) = (limit.source.describe(site), &site.circuits.get(ix).id);
    if room > Power::ZERO {
        return format!(
            "stops when {source} at {name} leaves {room} less; those that make less of a watt stop first"
        );
    }
    let over = Power::ZERO - room;
    format!(
        "may stop any moment: {name} may come to draw {over} more than {source} leaves; those that make less of a watt stop first"
    )
}

/// How far the load at a circuit has to fall before a start there is let in. That level lies below the limit by what
/// meters and machines leave unknown, so what is short is more than what is short of the limit.
fn starts_words(site: &Site, cycle: &Cycle, memory: &Memory, ix: CircuitIx, needs: Power) -> String {
    let name = &site.circuits.get(ix).id;
    let limit = cycle.envelope.circuit(ix).binding;
    let band = band(site, &cycle.envelope, memory, ix);
    let Some((limit, (_, starts))) = limit.zip(band) else {
        return format!("starts when {needs} come free at {name}");
    };
    let short = (cycle.loads.circuit(ix).upper + needs).saturating_sub(starts);
    if short.is_zero() {
        return format!("starts when those that are started now at {name} leave it {needs}");
    }
    let margin = limit.power.saturating_sub(starts);
    let why = if margin.is_zero() {
        String::new()
    } else {
        format!("; the last {margin} below the limit stay free for what meters and machines leave unknown")
    };
    format!("starts when the load at {name} falls by {short}: a start needs {needs}{why}")
}

fn minutes(of: SignedDuration) -> String {
    format!("{} min as the ramp allows", of.as_mins())
}

/// At which prices it would earn again.
fn break_even_words(site: &Site, envelope: &Envelope, machine: MachineIx) -> Option<String> {
    use rust_decimal::prelude::ToPrimitive as _;
    let at = envelope.at;
    let economics = &site.economics;
    let price = economics.power_price_at(&site.time_zone, at)?;
    let all_told = economics.marginal(price, &site.time_zone, at).to_per_kilowatt_hour().to_f64()?;
    let own = site.model_of(machine).efficiency()?.to_joules_per_terahash_f64();
    let needs = all_told * own * 0.024;
    Some(format!(
        "earns again once a terahash makes more than {needs:.2} {} a day, power at {all_told:.2} a kWh all told",
        economics.currency
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Controller;
    use crate::envelope::Source;
    use crate::testing::{MACHINE_W, memory, monday, site, snapshot};

    #[test]
    fn a_preview_tells_who_stops_how_fast_and_that_nothing_is_changed() {
        let site = site();
        let snapshot = snapshot(monday(3_600), 30);
        let memory = memory(&site, &snapshot);
        let order = Order::at_most(0, CircuitIx(1), Power::from_watts(30_000), monday(7_200), None);
        let seen = preview(&site, &snapshot, &memory, &order);
        // Twenty machines run in the hall: 60 kW; about half of them stop, the last of the order first.
        assert!((10..=14).contains(&seen.stops.len()), "{}", seen.stops.len());
        assert!(seen.stops.iter().all(|(ix, action)| ix.0 < 20 && *action == Action::Sleep));
        // Without a meter there they count with the catalogue's tolerance.
        assert!((60..64).contains(&(seen.before.to_watts() / 1_000)), "{}", seen.before);
        assert!(seen.after <= order.limit && seen.after > order.limit - Power::from_watts(4 * MACHINE_W));
        assert_eq!(seen.takes, SignedDuration::from_secs(10));
        // From the hall's rating of 100 kW at 2 kW a second.
        assert_eq!(seen.begins, monday(7_200) - limits::CLOSING_TAIL - SignedDuration::from_secs(36));
        assert_eq!(seen.unmet, None);
        assert_eq!(seen.binds.map(|limit| limit.source), Some(Source::Emergency(0)));
        let zero = Order { limit: Power::ZERO, ..order };
        let seen = preview(&site, &snapshot, &memory, &zero);
        let unmet = seen.unmet.unwrap();
        assert!(seen.after >= unmet.floor, "what sleepers draw remains: {}", seen.after);
        assert_eq!((unmet.floor.to_watts(), unmet.behind.sleepers), (20 * 20, 20));
    }

    #[test]
    fn a_preview_of_a_hold_tells_who_goes_and_who_is_not_reached() {
        let site = site();
        let mut snapshot = snapshot(monday(3_600), 20);
        snapshot.machines[2].trouble = Some((offpeak_site::Trouble::Silent, monday(3_000)));
        snapshot.machines[2].reading = None;
        let memory = memory(&site, &snapshot);
        let chosen = [1, 2, 35].map(MachineIx).into();
        let seen = preview_hold(&site, &snapshot, &memory, &chosen);
        assert_eq!(seen.stops, [(MachineIx(1), Action::Sleep)]);
        assert_eq!((seen.before - seen.after).to_watts(), MACHINE_W - crate::testing::SLEEP_W);
        assert_eq!(seen.left, [(MachineIx(2), Reason::NoWord)]);
        assert_eq!(seen.off_already, [MachineIx(35)], "it sleeps and waits for its turn");
        assert_eq!(seen.takes, SignedDuration::from_secs(10));
        assert!(snapshot.directives.holds.is_empty(), "nothing is changed by asking");
    }

    #[test]
    fn every_machine_knows_what_would_change_it() {
        let site = Arc::new(site());
        let snapshot = snapshot(monday(3_600), 33);
        let mut controller = Controller::new(Arc::clone(&site), memory(&site, &snapshot));
        let cycle = controller.cycle(&snapshot);
        let of = |ix| why(&site, &cycle, controller.memory(), MachineIx(ix));
        assert!(of(0).changes[0].starts_with("stops when contract at grid leaves"), "{:?}", of(0).changes);
        let waits = of(39);
        let (words, why) = waits.changes[0].split_once("; ").unwrap();
        assert_eq!(words, "starts when the load at grid falls by 2803 W: a start needs 3250 W");
        assert!(
            why.ends_with("below the limit stay free for what meters and machines leave unknown"),
            "{why}"
        );
        assert_eq!((waits.rank, waits.tightest.unwrap().0), (40, CircuitIx::ROOT));
        assert_eq!(waits.changes[1], "6 machine(s) that make more of a watt wait before it");
    }

    #[test]
    fn what_remains_after_a_stop_is_never_below_the_floor() {
        let site = site();
        let mut snapshot = snapshot(monday(3_600), 30);
        // The meter shows less than the machines are rated for.
        snapshot.meters[0] = snapshot.meters[0]
            .map(|reading| offpeak_site::MeterReading { power: reading.power.scale(0.9), ..reading });
        let memory = memory(&site, &snapshot);
        let order = Order::at_most(0, CircuitIx::ROOT, Power::ZERO, monday(3_600), None);
        let seen = preview(&site, &snapshot, &memory, &order);
        let (_, loads, _) = planned(&site, &snapshot, &memory, &snapshot.directives);
        let floor = loads.circuit(CircuitIx::ROOT).floor;
        assert!(seen.after >= floor && floor > Power::ZERO, "{} of {floor}", seen.after);
        let all = (0..40).map(MachineIx).collect();
        let held = preview_hold(&site, &snapshot, &memory, &all);
        assert!(held.after >= floor, "{} of {floor}", held.after);
    }

    #[test]
    fn how_far_the_load_has_to_fall_is_told_up_to_where_starts_are_let_in() {
        let site = Arc::new(site());
        for running in [31, 32, 33, 34] {
            let snapshot = snapshot(monday(3_600), running);
            let mut controller = Controller::new(Arc::clone(&site), memory(&site, &snapshot));
            let cycle = controller.cycle(&snapshot);
            for ix in 0..40 {
                let changes = why(&site, &cycle, controller.memory(), MachineIx(ix)).changes;
                let waits = matches!(cycle.plan.setpoints[ix as usize].reason, Reason::NoRoom(_));
                assert!(
                    !changes.iter().any(|words| words.contains(" 0 W") || words.contains('-')),
                    "{changes:?}"
                );
                let told =
                    changes.iter().any(|words| words.contains("falls by") || words.contains("started now"));
                assert_eq!(waits, told, "{changes:?}");
            }
        }
    }

    #[test]
    fn a_machine_that_nothing_stops_is_named_behind_the_floor() {
        let site = site();
        let mut snapshot = snapshot(monday(3_600), 20);
        snapshot.directives.orders = vec![Order::at_most(1, CircuitIx(1), Power::ZERO, monday(0), None)];
        let mut memory = memory(&site, &snapshot);
        memory.machines[3].disobeys = true;
        memory.machines[10].disobeys = true;
        let (plan, ..) = planned(&site, &snapshot, &memory, &snapshot.directives);
        let unmet = plan.unmet.iter().find(|unmet| unmet.circuit == CircuitIx(1)).unwrap();
        // The eleventh has an outlet.
        assert_eq!((unmet.behind.stubborn, &*unmet.behind.names), (1, &[MachineIx(3)][..]));
        assert_eq!(unmet.floor.to_watts(), MACHINE_W + 19 * 20);
        let words = unmet.behind.describe(&site, crate::Behind::NAMED);
        assert!(words.ends_with("of machines that offpeak cannot or may not stop: m3"), "{words}");
    }
}
