//! A site's accounts: what is seen from second to second becomes the rows of the lake.
//!
//! Meters are read in whenever they speak, machines whenever something of them is new, and each minute once. A minute of
//! machines is settled when every meter's minute is determined; a meter that stays silent is waited for
//! [`WAIT_MINUTES`], then the minute is written without what would be billed. Time never goes back.

mod claim;
mod gap;
mod names;
mod rows;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use offpeak_dispatch::{Envelope, Memory, Plan, Seen, limits};
use offpeak_rows::{MachineRow, MeterRow};
use offpeak_site::{CircuitIx, MachineIx, MeterIx, MeterReading, Site};
use offpeak_units::{Energy, Power};

use crate::MINUTE_S;
use crate::machine::{Claim, Doing, MachineAccount, MachineMinute};
use crate::meter::{Anchor, MeterAccount, MeterCounts, MeterMinute, MeterRules};
use crate::settle::{CircuitPart, settle};
pub use claim::{claim, why_off};
use gap::Gap;
pub use gap::{LastWord, RULE_GAP};
use names::Names;
use rows::{Quarter, Second};

/// Minutes that machines wait for a silent meter.
const WAIT_MINUTES: i64 = 15;
/// A leap of more minutes than this is a time in which nobody looked.
const LEAP_MINUTES: i64 = 60;

/// What a cycle knows of all machines.
#[derive(Clone, Copy, Debug)]
pub struct Picture<'a> {
    /// The instant.
    pub at: Timestamp,
    /// One element a machine.
    pub machines: &'a [Seen],
    /// What is remembered of each.
    pub memory: &'a Memory,
    /// Why each is on or off.
    pub plan: &'a Plan,
    /// What is allowed.
    pub envelope: &'a Envelope,
}

/// Rows that are ready.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Of meters: minutes, and seconds of the revenue meter.
    pub meters: Vec<MeterRow>,
    /// Of machines.
    pub machines: Vec<MachineRow>,
}

/// A minute of machines that waits for its meters.
#[derive(Debug)]
struct Waiting {
    minute: i64,
    /// The minute that was closed when it began to wait.
    since: i64,
    /// `None`: the machine was not there yet. Minutes in which nobody looked are all alike and share them.
    machines: Arc<Vec<Option<MachineMinute>>>,
}

/// A site's accounts.
#[derive(Debug)]
pub struct Ledger {
    site: Arc<Site>,
    names: Names,
    meters: Vec<MeterAccount>,
    machines: Vec<MachineAccount>,
    /// The minute that is being filled, in minutes since 1970.
    minute: i64,
    now: Timestamp,
    waiting: VecDeque<Waiting>,
    /// Meters' minutes that machines still wait for, one element a meter.
    determined: BTreeMap<i64, Vec<Option<MeterMinute>>>,
    second: Second,
    seconds: Vec<MeterRow>,
    /// The time before the first minute in which nobody looked, until the first words after it are known.
    gap: Option<Gap>,
    /// The same where it is long: its rows come out bit by bit.
    long_gaps: VecDeque<Gap>,
    /// Sleepers whose quarter hours are written as one row.
    quarter: Option<Quarter>,
    unbilled_minutes: u64,
}

/// What is known of a meter from the site file.
#[must_use]
pub fn rules_of(site: &Site, meter: MeterIx) -> MeterRules {
    let circuit = site.meters[meter.ix()].circuit;
    let below = |at: CircuitIx| site.circuits.is_within(at, circuit);
    // What the circuit carries for good and half as much again; without a rating, what hangs on it and twice that.
    let rated = site.circuits.get(circuit).rating.map(|rating| rating.scale(1.5));
    let drawn = || {
        let machines: Power = site
            .machines()
            .filter(|(_, m)| below(m.circuit))
            .map(|(ix, _)| site.model_of(ix).power_max())
            .sum();
        let house: Power = site.circuits.iter().filter(|(ix, _)| below(*ix)).map(|(_, c)| c.base_load).sum();
        (machines + house) * 2
    };
    // Registers of so many decimal digits of kWh, and of 32 bits of Wh, are what meters commonly have.
    let digits = (5..=9_u32).map(|digits| Energy::from_watt_hours(10_i64.pow(digits) * 1_000));
    let bits = [Energy::from_watt_hours(1 << 32), Energy::from_watt_hours((1 << 32) * 1_000)];
    MeterRules {
        power_max: rated.unwrap_or_else(drawn),
        // The finest step that a register in watt-hours has; an exact one is drawn to it all the closer.
        step: Energy::ZERO,
        rollovers: digits.chain(bits).collect(),
    }
}

/// Where a meter's account goes on, from its last row.
#[must_use]
pub fn last_anchor(row: &MeterRow) -> Anchor {
    let end = row.start + SignedDuration::from_secs(row.length_s.into());
    Anchor { at: end, register: row.register_j.map(Energy::from_joules) }
}

impl Ledger {
    /// Accounts from an instant on. A meter that was recorded before goes on from its anchor, by the meter's id.
    #[must_use]
    pub fn new(site: Arc<Site>, at: Timestamp, anchors: &BTreeMap<String, Anchor>) -> Self {
        let meters = site.meters.iter().enumerate().map(|(place, meter)| {
            let rules = rules_of(&site, MeterIx(place as u32));
            MeterAccount::new(rules, anchors.get(&meter.id).copied())
        });
        Self {
            meters: meters.collect(),
            machines: vec![MachineAccount::new(at); site.machines.len()],
            minute: at.as_second().div_euclid(MINUTE_S),
            now: at,
            waiting: VecDeque::new(),
            determined: BTreeMap::new(),
            second: Second::default(),
            seconds: Vec::new(),
            gap: None,
            long_gaps: VecDeque::new(),
            quarter: None,
            unbilled_minutes: 0,
            names: Names::new(&site),
            site,
        }
    }

    /// Goes on after what was recorded last of each machine, by its id, and of meters from there on: the time between is
    /// accounted for as one in which nobody looked.
    #[must_use]
    pub fn after(mut self, last: &BTreeMap<String, LastWord>, recorded: &[MeterRow]) -> Self {
        let end = last.values().map(|word| word.until.as_second().div_euclid(MINUTE_S)).max();
        let Some(from) = end.filter(|from| *from < self.minute) else { return self };
        let before = self.site.machines.iter().map(|machine| last.get(&machine.id).map(|word| word.energy));
        let gap = Gap { from, until: self.minute, before: before.collect() };
        if !gap.is_short() {
            self.long_gaps.push_back(gap);
            return self;
        }
        self.gap = Some(gap);
        let count = self.meters.len();
        for row in recorded.iter().filter(|row| i64::from(row.length_s) == MINUTE_S) {
            let number = row.start.as_second().div_euclid(MINUTE_S);
            let place = self.site.meters.iter().position(|meter| *meter.id == *row.meter);
            if let Some(place) = place.filter(|_| number >= from) {
                self.determined.entry(number).or_insert_with(|| vec![None; count])[place] =
                    Some(rows::meter_minute(row));
            }
        }
        self
    }

    /// Lets a machine that sleeps through a quarter of an hour have one row of it instead of fifteen.
    #[must_use]
    pub fn with_quarters(mut self) -> Self {
        self.quarter = Some(Quarter::new(self.machines.len()));
        self
    }

    /// Minutes of machines that were written without what would be billed, since a meter stayed silent.
    #[must_use]
    pub const fn unbilled_minutes(&self) -> u64 {
        self.unbilled_minutes
    }

    /// What happened to each meter, with its id.
    pub fn meter_counts(&self) -> impl Iterator<Item = (&str, &MeterCounts)> {
        self.site
            .meters
            .iter()
            .map(|meter| meter.id.as_str())
            .zip(self.meters.iter().map(MeterAccount::counts))
    }

    /// Takes in the meters' newest readings; one that was taken in already changes nothing.
    pub fn read_meters(&mut self, readings: &[Option<MeterReading>]) {
        let revenue = self.site.revenue_meter().ix();
        for (place, reading) in readings.iter().enumerate() {
            let Some(reading) = reading else { continue };
            let account = &mut self.meters[place];
            if account.known_until() == Some(reading.at) {
                continue;
            }
            account.read(reading.at, reading.power, reading.energy);
            if place == revenue {
                self.seconds.extend(self.second.row(reading, &self.names, place));
            }
        }
    }

    /// Takes in what a cycle knows of every machine.
    pub fn look(&mut self, picture: &Picture<'_>) {
        self.reach(picture.at);
        let site = Arc::clone(&self.site);
        for (machine, _) in site.machines() {
            let new = claim_in(&site, picture, machine, &picture.machines[machine.ix()]);
            self.set(machine, new);
        }
    }

    /// Takes in news of one machine.
    pub fn look_at(&mut self, picture: &Picture<'_>, machine: MachineIx, seen: &Seen) {
        self.reach(picture.at);
        let new = claim_in(&self.site, picture, machine, seen);
        self.set(machine, new);
    }

    fn set(&mut self, machine: MachineIx, claim: Claim) {
        let account = &mut self.machines[machine.ix()];
        if *account.claim() != claim {
            account.set(self.now, claim);
        }
    }

    /// Lets time pass: minutes that are over are closed. An instant that has passed changes nothing.
    pub fn reach(&mut self, at: Timestamp) {
        if at <= self.now {
            return;
        }
        // Words that nobody renewed are not believed on and on.
        let stale = self.now + limits::READING_STALE;
        let minute = at.as_second().div_euclid(MINUTE_S);
        if stale < at {
            self.close_until(stale.as_second().div_euclid(MINUTE_S));
            for account in &mut self.machines {
                account.set(stale, Claim::NOTHING);
            }
        }
        if minute - self.minute > LEAP_MINUTES {
            self.close_until(self.minute + 1);
            self.machines.fill(MachineAccount::new(at));
            let before = vec![Some(None); self.machines.len()];
            self.long_gaps.push_back(Gap { from: self.minute, until: minute, before });
            self.minute = minute;
        }
        self.close_until(minute);
        self.now = at;
    }

    fn close_until(&mut self, minute: i64) {
        while self.minute < minute {
            let end = instant(self.minute + 1);
            let machines =
                self.machines.iter_mut().map(|account| Some(account.close(end, MINUTE_S as u32))).collect();
            let (minute, machines) = (self.minute, Arc::new(machines));
            self.waiting.push_back(Waiting { minute, since: minute, machines });
            self.minute += 1;
            // The first minute may be a second long: the one after it has everybody's word.
            if self.gap.as_ref().is_some_and(|gap| minute > gap.until) {
                self.fill_gap();
            }
        }
    }

    /// The minutes in which nobody looked, before the others that wait.
    fn fill_gap(&mut self) {
        let Some(gap) = self.gap.take() else { return };
        let none = Arc::new(Vec::new());
        let after = self.waiting.back().map_or(&none, |waiting| &waiting.machines);
        let machines = Arc::new(gap.minute(after));
        for minute in (gap.from..gap.until).rev() {
            let machines = Arc::clone(&machines);
            self.waiting.push_front(Waiting { minute, since: self.minute, machines });
        }
    }

    /// Takes out the rows that are ready.
    pub fn take(&mut self) -> Batch {
        let mut batch = Batch { meters: std::mem::take(&mut self.seconds), machines: Vec::new() };
        let count = self.meters.len();
        for (place, account) in self.meters.iter_mut().enumerate() {
            for minute in account.take() {
                batch.meters.push(rows::meter(&minute, &self.names, place));
                let number = minute.start.as_second().div_euclid(MINUTE_S);
                self.determined.entry(number).or_insert_with(|| vec![None; count])[place] = Some(minute);
            }
        }
        if let Some(gap) = self.long_gaps.front_mut()
            && !gap.take(false, &self.names, &mut batch.machines)
        {
            self.long_gaps.pop_front();
        }
        while self.gap.is_none() && self.waiting.front().is_some_and(|waiting| self.is_ready(waiting)) {
            let waiting = self.waiting.pop_front().expect("there is a front");
            let meters = self.determined.remove(&waiting.minute).unwrap_or_else(|| vec![None; count]);
            self.settle(&waiting, &meters, &mut batch.machines);
        }
        // Meters' minutes of a time in which no machine was looked at.
        let next = self.waiting.front().map_or(self.minute, |waiting| waiting.minute);
        let next = self.gap.as_ref().map_or(next, |gap| gap.from);
        self.determined = self.determined.split_off(&next);
        batch
    }

    /// Takes out everything, determined or not: at an end.
    pub fn finish(&mut self) -> Batch {
        self.fill_gap();
        let mut batch = self.take();
        let count = self.meters.len();
        for mut gap in std::mem::take(&mut self.long_gaps) {
            gap.take(true, &self.names, &mut batch.machines);
        }
        while let Some(waiting) = self.waiting.pop_front() {
            let meters = self.determined.remove(&waiting.minute).unwrap_or_else(|| vec![None; count]);
            self.settle(&waiting, &meters, &mut batch.machines);
        }
        if let Some(quarter) = &mut self.quarter {
            quarter.flush(&self.names, &mut batch.machines);
        }
        batch
    }

    fn is_ready(&self, waiting: &Waiting) -> bool {
        let all = |minutes: &Vec<Option<MeterMinute>>| minutes.iter().all(Option::is_some);
        self.determined.get(&waiting.minute).is_some_and(all) || self.minute - waiting.since > WAIT_MINUTES
    }

    fn settle(&mut self, waiting: &Waiting, meters: &[Option<MeterMinute>], out: &mut Vec<MachineRow>) {
        let known = |meter: MeterIx| {
            meters[meter.ix()]
                .filter(|minute| i64::from(minute.known_s) == MINUTE_S)
                .and_then(|minute| minute.energy)
        };
        let circuits: Vec<CircuitPart> = self
            .site
            .circuits
            .iter()
            .map(|(_, circuit)| CircuitPart {
                parent: circuit.parent.map(CircuitIx::ix),
                metered: circuit.meter.and_then(known),
                house: circuit.base_load.over_millis(MINUTE_S * 1_000),
            })
            .collect();
        let words: Vec<(usize, Option<Energy>)> = self
            .site
            .machines
            .iter()
            .zip(waiting.machines.iter())
            .map(|(machine, minute)| (machine.circuit.ix(), minute.and_then(|minute| minute.energy)))
            .collect();
        let settled = settle(&circuits, &words);
        self.unbilled_minutes += u64::from(settled.is_none());
        for (place, minute) in waiting.machines.iter().enumerate() {
            let Some(minute) = minute else { continue };
            let billed = settled.as_ref().and_then(|settled| settled.machines[place]);
            match &mut self.quarter {
                Some(quarter) => quarter.add(place, waiting.minute, minute, billed, &self.names, out),
                None => out.push(rows::machine(place, waiting.minute, 1, minute, billed, &self.names)),
            }
        }
    }
}

fn claim_in(site: &Site, picture: &Picture<'_>, machine: MachineIx, seen: &Seen) -> Claim {
    let off = picture
        .plan
        .setpoints
        .get(machine.ix())
        .map_or(Doing::NoData, |setpoint| why_off(&setpoint.reason, picture.envelope));
    let is_cut = picture.memory.machines[machine.ix()].cut;
    claim(site.model_of(machine), seen, is_cut, off, picture.at)
}

fn instant(minute: i64) -> Timestamp {
    Timestamp::from_second(minute * MINUTE_S).expect("a minute of a valid instant")
}
