//! Judges what is known: which conditions hold now, grouped by cause.
//!
//! One tripped breaker is one condition, not two hundred: machines that are lost are told by the highest circuit below
//! which nearly all are. Not here: for how long a condition holds, and who is told.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::facts::{CircuitFact, Facts, MachineFact, MachineState, PoolFact};
use crate::rules::{RuleKind, Rules, Severity};

/// Something that holds now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    /// By which rule.
    pub kind: RuleKind,
    /// Where: a circuit, a machine, a signal. With the kind, what tells it from others.
    pub cause: String,
    /// How much it matters.
    pub severity: Severity,
    /// In a line, with figures.
    pub text: String,
    /// How many machines it is about.
    pub machines: usize,
    /// Which, the first of them by the site file's order, where it is about machines one by one.
    #[serde(default)]
    pub named: Vec<String>,
    /// How long it holds before somebody is told.
    pub hold_s: u32,
}

/// Of a circuit's machines, this share is nearly all.
const NEARLY_ALL: f64 = 0.8;
/// A circuit with fewer machines is no cause of its own.
const CAUSE_MACHINES_MIN: usize = 3;
/// Machines that a text names.
const NAMED: usize = 5;
/// Machines that a condition names.
const NAMED_MAX: usize = 200;

/// What is remembered of each machine between two judgements: what was seen first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub(crate) firmware: BTreeMap<String, String>,
    pub(crate) pools: BTreeMap<String, PoolFact>,
}

/// Everything that holds now. `seen` is what each machine had when it was first seen, or when a change of it was
/// acknowledged; machines that are new to it are added.
pub(crate) fn judge(rules: &Rules, facts: &Facts, seen: &mut Seen) -> Vec<Condition> {
    let mut found = Vec::new();
    let mut add = |kind: RuleKind, cause: &str, text: String, about: About<'_>| {
        if let Some(rule) = rules.rule(kind) {
            let (cause, severity, hold_s) = (cause.to_owned(), rule.severity, rule.hold_s);
            let named = about.named.iter().take(NAMED_MAX).map(|id| (*id).to_owned()).collect();
            found.push(Condition { kind, cause, severity, text, machines: about.machines, named, hold_s });
        }
    };
    power(rules, facts, &mut add);
    let losses = lost(facts);
    for Loss { cause, lost, of } in &losses {
        let are = if lost.len() == 1 { "is" } else { "are" };
        // Of many the circuit says more than five names of them.
        let named = if lost.len() <= NAMED { format!(": {}", lost.join(", ")) } else { String::new() };
        let text = format!("{cause}: {} of {} {are} lost{named}", lost.len(), counted(*of));
        add(RuleKind::MachinesLost, cause, text, About::of(lost));
    }
    halls(rules, facts, &mut add);
    by_hall(
        facts,
        RuleKind::HashLow,
        ("hashes less than it should", "hash less than they should"),
        &mut add,
        |machine| {
            let level = rules.rule(RuleKind::HashLow).map_or(0.0, |rule| rule.level);
            machine.hash_share.is_some_and(|share| share < level)
        },
        |machine| {
            let share =
                machine.hash_share.map_or_else(String::new, |share| format!(" at {:.0} %", share * 100.0));
            format!("{}{share}", machine.id)
        },
    );
    by_hall(
        facts,
        RuleKind::Disobedient,
        ("does not obey", "do not obey"),
        &mut add,
        |machine| machine.disobeys,
        id,
    );
    changed_firmware(facts, &mut seen.firmware, &mut add);
    wrong_pools(rules, facts, &mut seen.pools, &mut add);
    house(rules, facts, &mut add);
    // A hall, or all, that is gone is nothing for the morning, whatever a few machines are.
    for condition in found.iter_mut().filter(|condition| condition.kind == RuleKind::MachinesLost) {
        let is_whole = |circuit: &CircuitFact| {
            circuit.id == condition.cause && (circuit.is_hall || circuit.parent.is_none())
        };
        let of = losses.iter().find(|loss| loss.cause == condition.cause).map_or(0, |loss| loss.of);
        if facts.circuits.iter().any(is_whole) && condition.machines as f64 >= of as f64 * NEARLY_ALL {
            condition.severity = Severity::Critical;
        }
    }
    found
}

/// Whether enough is known now to say of something that held, and holds no more by what is known, that it is over: a meter that
/// falls silent, or machines that were not asked since a restart, end nothing.
pub(crate) fn is_judged(rules: &Rules, facts: &Facts, seen: &Seen, condition: &Condition) -> bool {
    if rules.rule(condition.kind).is_none() {
        return true;
    }
    let named: BTreeSet<&str> = condition.named.iter().map(String::as_str).collect();
    let none_named = |is_unknown: &dyn Fn(&MachineFact) -> bool| {
        !facts.machines.iter().any(|machine| named.contains(machine.id.as_str()) && is_unknown(machine))
    };
    match condition.kind {
        RuleKind::OverLimit | RuleKind::NearLimit => {
            let is_unknown = |circuit: &CircuitFact| {
                circuit.id == condition.cause
                    && circuit.metered
                    && circuit.limit.is_some()
                    && circuit.power_kw.is_none()
            };
            !facts.circuits.iter().any(is_unknown)
        }
        RuleKind::HallHot => {
            let there =
                |machine: &&MachineFact| facts.circuits[hall(facts, machine.circuit)].id == condition.cause;
            let mut machines = facts.machines.iter().filter(there);
            // Who sleeps and tells no temperature is not hot; of who is lost it is not known.
            machines.clone().any(|machine| machine.temperature_c.is_some())
                || !machines.any(|machine| machine.state == MachineState::Lost)
        }
        RuleKind::HashLow => none_named(&|machine| machine.state == MachineState::Lost),
        RuleKind::FirmwareChanged => {
            none_named(&|machine| machine.firmware.is_none() && seen.firmware.contains_key(&machine.id))
        }
        RuleKind::PoolWrong => none_named(&|machine| {
            let is_expected =
                rules.pools.contains_key(&machine.owner) || seen.pools.contains_key(&machine.id);
            machine.pool.is_none() && is_expected
        }),
        RuleKind::DiskLow => facts.disk_free.is_some(),
        RuleKind::ClockOff => facts.clock_off.is_some() || rules.clock.is_none(),
        RuleKind::MeterSilent
        | RuleKind::MachinesLost
        | RuleKind::Disobedient
        | RuleKind::SignalStale
        | RuleKind::LoopStalled
        | RuleKind::BookFails => true,
    }
}

/// Whom a condition is about.
#[derive(Clone, Copy)]
struct About<'a> {
    machines: usize,
    named: &'a [&'a str],
}

impl<'a> About<'a> {
    /// No machine.
    const NONE: Self = Self { machines: 0, named: &[] };

    /// These.
    const fn of(named: &'a [&'a str]) -> Self {
        Self { machines: named.len(), named }
    }
}

type Add<'a> = dyn FnMut(RuleKind, &str, String, About<'_>) + 'a;

fn counted(machines: usize) -> String {
    if machines == 1 { "1 machine".to_owned() } else { format!("{machines} machines") }
}

/// Machines that are lost for one cause, and how many there are at it.
struct Loss<'a> {
    cause: &'a str,
    lost: Vec<&'a str>,
    of: usize,
}

fn power(rules: &Rules, facts: &Facts, add: &mut Add<'_>) {
    let near = rules.rule(RuleKind::NearLimit).map(|rule| rule.level);
    let over = rules.rule(RuleKind::OverLimit).map_or(1.0, |rule| rule.level);
    silent_meters(facts, add);
    for circuit in &facts.circuits {
        let (Some(power), Some((limit, source))) = (circuit.power_kw, &circuit.limit) else { continue };
        let text = format!("{}: {power:.1} kW drawn, {limit:.1} allowed by {source}", circuit.id);
        if power > limit * over {
            add(RuleKind::OverLimit, &circuit.id, text, About::NONE);
        } else if near.is_some_and(|near| *limit > 0.0 && power > limit * near) {
            add(RuleKind::NearLimit, &circuit.id, text, About::NONE);
        }
    }
}

/// Meters that are silent. Where several are asked at one address and none of them answers, that is the cause.
fn silent_meters(facts: &Facts, add: &mut Add<'_>) {
    let mut behind: BTreeMap<&str, (Vec<&str>, usize)> = BTreeMap::new();
    for circuit in facts.circuits.iter().filter(|circuit| circuit.metered) {
        if let Some(gateway) = &circuit.gateway {
            let (silent, all) = behind.entry(gateway).or_default();
            *all += 1;
            silent.extend(circuit.power_kw.is_none().then_some(&*circuit.id));
        }
    }
    behind.retain(|_, (silent, all)| silent.len() > 1 && silent.len() == *all);
    for (gateway, (silent, _)) in &behind {
        let text = format!("the {} meters at {gateway} are silent: {}", silent.len(), silent.join(", "));
        add(RuleKind::MeterSilent, gateway, text, About::NONE);
    }
    for circuit in facts.circuits.iter().filter(|circuit| circuit.metered && circuit.power_kw.is_none()) {
        if circuit.gateway.as_deref().is_none_or(|gateway| !behind.contains_key(gateway)) {
            let text = format!("the meter at {} is silent", circuit.id);
            add(RuleKind::MeterSilent, &circuit.id, text, About::NONE);
        }
    }
}

/// Machines that are lost, by the highest circuit below which nearly all are; the rest by hall.
fn lost(facts: &Facts) -> Vec<Loss<'_>> {
    let mut counts = vec![(0_usize, 0_usize); facts.circuits.len()];
    for machine in &facts.machines {
        for circuit in path(facts, machine.circuit) {
            counts[circuit].1 += 1;
            counts[circuit].0 += usize::from(machine.state == MachineState::Lost);
        }
    }
    let is_cause = |circuit: usize| {
        let (lost, of) = counts[circuit];
        lost >= CAUSE_MACHINES_MIN && lost as f64 >= of as f64 * NEARLY_ALL
    };
    let mut by_cause: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for machine in facts.machines.iter().filter(|machine| machine.state == MachineState::Lost) {
        let highest = path(facts, machine.circuit).filter(|circuit| is_cause(*circuit)).last();
        let cause = highest.unwrap_or_else(|| hall(facts, machine.circuit));
        by_cause.entry(cause).or_default().push(&machine.id);
    }
    by_cause
        .into_iter()
        .map(|(circuit, lost)| Loss { cause: &facts.circuits[circuit].id, lost, of: counts[circuit].1 })
        .collect()
}

fn path(facts: &Facts, circuit: usize) -> impl Iterator<Item = usize> + '_ {
    std::iter::successors(Some(circuit), |circuit| facts.circuits[*circuit].parent)
}

/// The hall that a circuit is in; the connection above the halls.
pub(crate) fn hall(facts: &Facts, circuit: usize) -> usize {
    path(facts, circuit).find(|circuit| facts.circuits[*circuit].is_hall).unwrap_or_default()
}

/// The middle temperature of each hall: one broken sensor makes no hall hot.
fn halls(rules: &Rules, facts: &Facts, add: &mut Add<'_>) {
    let Some(rule) = rules.rule(RuleKind::HallHot) else { return };
    let mut by_hall: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for machine in &facts.machines {
        if let Some(temperature) = machine.temperature_c.filter(|t| t.is_finite()) {
            by_hall.entry(hall(facts, machine.circuit)).or_default().push(temperature);
        }
    }
    for (hall, mut temperatures) in by_hall {
        temperatures.sort_by(f64::total_cmp);
        let middle = temperatures[temperatures.len() / 2];
        if middle > rule.level {
            let id = &facts.circuits[hall].id;
            let text = format!("{id} is hot: half of its machines are at {middle:.0} °C or more");
            add(RuleKind::HallHot, id, text, About { machines: temperatures.len(), named: &[] });
        }
    }
}

/// One condition a hall for machines that have something in common: what one does, and what more do.
fn id(machine: &MachineFact) -> String {
    machine.id.clone()
}

fn by_hall(
    facts: &Facts,
    kind: RuleKind,
    (one, words): (&str, &str),
    add: &mut Add<'_>,
    is: impl Fn(&MachineFact) -> bool,
    shown: impl Fn(&MachineFact) -> String,
) {
    let mut found: BTreeMap<usize, Vec<&MachineFact>> = BTreeMap::new();
    for machine in facts.machines.iter().filter(|machine| is(machine)) {
        found.entry(hall(facts, machine.circuit)).or_default().push(machine);
    }
    for (hall, machines) in found {
        let id = &facts.circuits[hall].id;
        let more = machines.len().saturating_sub(NAMED);
        let named: Vec<_> = machines.iter().take(NAMED).map(|machine| shown(machine)).collect();
        let named = named.join(", ");
        let machines: Vec<&str> = machines.iter().map(|machine| machine.id.as_str()).collect();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let words = if machines.len() == 1 { one } else { words };
        let text = format!("{id}: {} {words}: {named}{more}", counted(machines.len()));
        add(kind, id, text, About::of(&machines));
    }
}

/// Firmware that is another than before.
fn changed_firmware(facts: &Facts, before: &mut BTreeMap<String, String>, add: &mut Add<'_>) {
    for machine in &facts.machines {
        if let Some(now) = &machine.firmware
            && !before.contains_key(&machine.id)
        {
            before.insert(machine.id.clone(), now.clone());
        }
    }
    by_hall(
        facts,
        RuleKind::FirmwareChanged,
        ("has another firmware than before", "have another firmware than before"),
        add,
        |machine| {
            machine
                .firmware
                .as_ref()
                .is_some_and(|now| before.get(&machine.id).is_some_and(|before| before != now))
        },
        id,
    );
}

/// Pools and accounts that are not those of the rule file or, where it names none for an owner, not those of before.
fn wrong_pools(rules: &Rules, facts: &Facts, before: &mut BTreeMap<String, PoolFact>, add: &mut Add<'_>) {
    for machine in &facts.machines {
        if let Some(now) = &machine.pool
            && !before.contains_key(&machine.id)
        {
            before.insert(machine.id.clone(), now.clone());
        }
    }
    by_hall(
        facts,
        RuleKind::PoolWrong,
        ("mines for a wrong pool or account", "mine for a wrong pool or account"),
        add,
        |machine| {
            let Some(now) = &machine.pool else { return false };
            match rules.pools.get(&machine.owner) {
                Some(expected) => !expected.has(&now.url, &now.user),
                None => before.get(&machine.id).is_some_and(|before| before != now),
            }
        },
        id,
    );
}

/// What is not about the plant.
fn house(rules: &Rules, facts: &Facts, add: &mut Add<'_>) {
    let level = |kind| rules.rule(kind).map(|rule| rule.level);
    if let Some((free, level)) = facts.disk_free.zip(level(RuleKind::DiskLow))
        && free < level
    {
        add(
            RuleKind::DiskLow,
            "disk",
            format!("the book's disk has {:.1} % left", free * 100.0),
            About::NONE,
        );
    }
    if let Some((off, level)) = facts.clock_off.zip(level(RuleKind::ClockOff))
        && off.abs().as_secs_f64() > level
    {
        add(
            RuleKind::ClockOff,
            "clock",
            format!("the clock is off by {:.1} s", off.as_secs_f64()),
            About::NONE,
        );
    }
    for (name, age) in &facts.signals {
        let stale =
            age.is_none_or(|age| level(RuleKind::SignalStale).is_some_and(|level| age.as_secs_f64() > level));
        if stale {
            let age =
                age.map_or_else(|| "never came".to_owned(), |age| format!("is {} s old", age.as_secs()));
            add(RuleKind::SignalStale, name, format!("the signal {name} {age}"), About::NONE);
        }
    }
    if let Some((stalled, level)) = facts.stalled.zip(level(RuleKind::LoopStalled))
        && stalled.as_secs_f64() > level
    {
        let text =
            format!("offpeak has decided nothing for {} s: limits are held by nobody", stalled.as_secs());
        add(RuleKind::LoopStalled, "loop", text, About::NONE);
    }
    if let Some(error) = &facts.book_error {
        add(RuleKind::BookFails, "book", format!("the book cannot be written: {error}"), About::NONE);
    }
}
