//! The alerts of a site: conditions that hold for long enough, who has seen them, and what is to be sent.
//!
//! Bounded: so many alerts at once and so many in the history. Not here: which conditions hold (`judge`), and how a
//! message is sent.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::facts::{Facts, MachineFact};
use crate::judge::{Condition, Seen, hall, is_judged, judge};
use crate::outbox::Outbox;
use crate::rules::{RuleKind, Rules, Severity};

/// Alerts at once; more are one too many for anybody. One more takes the place of the least severe, of these of the oldest,
/// and never of one that matters as much; else it waits until others are over.
const OPEN_MAX: usize = 500;
/// Alerts that are over and still listed.
const HISTORY_MAX: usize = 1_000;
/// An alert about a few machines is news again when this many more are.
const GREW_MIN: usize = 10;
/// How long a condition is away at least before its alert is over: what flickers is one alert.
const OVER_AFTER: SignedDuration = SignedDuration::from_secs(60);

/// How an alert stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It holds, and nobody has seen to it.
    Open,
    /// Somebody has.
    Acknowledged,
    /// It is to be quiet for a while.
    Snoozed,
    /// It holds no more.
    Over,
}

/// One alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// Its number.
    pub id: u64,
    /// What holds, as last judged.
    pub condition: Condition,
    /// Since when it holds.
    pub since: Timestamp,
    /// Who has seen to it, and when.
    pub acknowledged: Option<(String, Timestamp)>,
    /// Quiet until then, by whom.
    pub snoozed: Option<(String, Timestamp)>,
    /// What whoever saw to it or made it quiet said of it last, for those who come after.
    pub note: Option<String>,
    /// When it was over.
    pub over: Option<Timestamp>,
    /// When it was last given to be sent.
    told: Option<Timestamp>,
    first_told: Option<Timestamp>,
    escalated: bool,
    /// How many machines it was about when it was last told or seen to.
    machines_seen: Option<usize>,
    /// The gravest that it was when it was told or seen to, since it began.
    severity_seen: Option<Severity>,
    /// Since when the condition is away.
    away: Option<Timestamp>,
}

impl Alert {
    /// How it stands.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> State {
        if self.over.is_some() {
            State::Over
        } else if self.acknowledged.is_some() {
            State::Acknowledged
        } else if self.is_snoozed(now) {
            State::Snoozed
        } else {
            State::Open
        }
    }
    /// Whether it has grown so much since somebody saw to it, or was told, that it is news again. What goes up and down between
    /// two severities is news once.
    fn is_worse(&self, now: &Condition) -> bool {
        let seen = self.machines_seen.unwrap_or(self.condition.machines);
        now.severity > self.severity_seen.unwrap_or(self.condition.severity)
            || now.machines > seen.saturating_mul(2).max(seen + GREW_MIN)
    }
    /// As if nobody had been told.
    fn begin_anew(&mut self) {
        (self.acknowledged, self.snoozed, self.told, self.first_told) = (None, None, None, None);
        self.note = None;
        (self.escalated, self.machines_seen) = (false, None);
    }
    /// Somebody knows of it as it is now.
    fn be_seen(&mut self) {
        self.machines_seen = Some(self.condition.machines);
        self.severity_seen = self.severity_seen.max(Some(self.condition.severity));
    }
    fn is_snoozed(&self, now: Timestamp) -> bool {
        self.snoozed.as_ref().is_some_and(|(_, until)| now < *until)
    }
}

/// Why something is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    /// It began.
    Raised,
    /// Nobody has acknowledged it in time.
    Escalated,
    /// It still holds.
    Repeated,
    /// It is over.
    Over,
    /// Somebody tries the way out.
    Test,
}

/// To be sent: everything of one moment that goes the same ways is one message.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub event: Event,
    /// The most severe of its alerts.
    pub severity: Severity,
    /// By which ways.
    pub channels: Vec<String>,
    /// The alerts' numbers.
    pub alerts: Vec<u64>,
    /// A line for each.
    pub lines: Vec<String>,
}

/// No such alert is open.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no alert {0} is open")]
pub struct NoAlert(pub u64);

type Key = (RuleKind, String);

/// All of a site's alerts.
#[derive(Clone, Debug, Default)]
pub struct Board {
    /// Conditions that do not hold for long enough yet, since when.
    pending: BTreeMap<Key, Timestamp>,
    open: BTreeMap<Key, Alert>,
    history: VecDeque<Alert>,
    /// Over in quiet hours, to be told after them.
    owed: Vec<Alert>,
    /// Given to be sent, and not gone out yet.
    outbox: Outbox,
    /// When it was last judged, and whether those were quiet hours.
    judged: Option<(Timestamp, bool)>,
    last_id: u64,
    seen: Seen,
    /// Halls whose present firmware, or pools, were acknowledged.
    accepted: BTreeSet<Key>,
    /// Counts changes that are worth keeping.
    changes: u64,
}

/// What is kept of a board while no process has it.
#[derive(Deserialize, Serialize)]
struct Kept {
    open: Vec<Alert>,
    history: VecDeque<Alert>,
    #[serde(default)]
    owed: Vec<Alert>,
    #[serde(default)]
    outbox: Outbox,
    last_id: u64,
    seen: Seen,
}

impl Board {
    /// As a board was kept: what held goes on with its number, and is over when it holds no more.
    ///
    /// # Errors
    /// For what is no kept board.
    pub fn read(text: &str) -> Result<Self, serde_json::Error> {
        let kept: Kept = serde_json::from_str(text)?;
        let open =
            kept.open.into_iter().map(|alert| ((alert.condition.kind, alert.condition.cause.clone()), alert));
        Ok(Self {
            open: open.collect(),
            history: kept.history,
            owed: kept.owed,
            outbox: kept.outbox,
            last_id: kept.last_id,
            seen: kept.seen,
            ..Self::default()
        })
    }

    /// To be kept.
    ///
    /// # Errors
    /// Never, as far as is known: everything in it is plain.
    pub fn write(&self) -> Result<String, serde_json::Error> {
        let (open, history) = (self.open.values().cloned().collect(), self.history.clone());
        let (owed, outbox, seen) = (self.owed.clone(), self.outbox.clone(), self.seen.clone());
        serde_json::to_string(&Kept { open, history, owed, outbox, last_id: self.last_id, seen })
    }

    /// The time it goes by: that of the last judgement, which goes on while the control loop stalls.
    #[must_use]
    pub fn at(&self) -> Option<Timestamp> {
        self.judged.map(|(at, _)| at)
    }

    /// Counts changes that are worth keeping.
    #[must_use]
    pub const fn changes(&self) -> u64 {
        self.changes
    }

    /// Takes in what is known now; says what is news. It waits to be sent until it is [delivered](Self::delivered).
    pub fn update(&mut self, rules: &Rules, zone: &TimeZone, facts: &Facts) -> Vec<Message> {
        let now = facts.at;
        self.accept(facts);
        let known = (self.seen.firmware.len(), self.seen.pools.len(), self.last_id);
        let conditions = judge(rules, facts, &mut self.seen);
        let over = self.take_in(conditions, rules, facts);
        let is_news =
            !over.is_empty() || known != (self.seen.firmware.len(), self.seen.pools.len(), self.last_id);
        self.changes += u64::from(is_news);
        let quiet = rules.quiet.is_some_and(|quiet| quiet.has(zone, now));
        self.judged = Some((now, quiet));
        let messages = self.tell(rules, now, quiet, over);
        let unanswered: BTreeSet<u64> = self
            .open
            .values()
            .filter(|alert| alert.state(now) == State::Open)
            .map(|alert| alert.id)
            .collect();
        let is_tidied =
            self.outbox.tidy(now, |way| rules.channels.contains_key(way), |id| unanswered.contains(&id));
        self.changes += u64::from(!messages.is_empty() || is_tidied);
        messages
    }

    /// Gives to be sent what is to be told now, with what is over.
    fn tell(&mut self, rules: &Rules, now: Timestamp, quiet: bool, mut over: Vec<Alert>) -> Vec<Message> {
        let mut due: BTreeMap<(Event, Vec<String>), Vec<&Alert>> = BTreeMap::new();
        for alert in self.open.values_mut() {
            if let Some((event, channels)) = next_word(alert, rules, now, quiet) {
                due.entry((event, channels)).or_default().push(alert);
            }
        }
        // The end of what was never told is nobody's news.
        over.retain(|alert| alert.told.is_some() && !alert.is_snoozed(now));
        if quiet {
            self.owed.extend(over.extract_if(.., |alert| alert.condition.severity < Severity::Critical));
        } else {
            over.splice(0..0, self.owed.drain(..));
        }
        for alert in &over {
            let mut channels = rules.first.clone();
            channels.extend(rules.then.iter().filter(|_| alert.escalated).cloned());
            due.entry((Event::Over, channels)).or_default().push(alert);
        }
        for ((event, channels), alerts) in &due {
            for (channel, alert) in
                channels.iter().flat_map(|way| alerts.iter().map(move |alert| (way, alert)))
            {
                self.outbox.put(channel, now, *event, alert);
            }
        }
        let told = due.into_iter().filter(|((_, channels), _)| !channels.is_empty());
        told.map(|(to, of)| message(now, to, &of)).collect()
    }

    /// What waits to be sent by a way, after so many tries that failed; nothing before the first judgement.
    #[must_use]
    pub fn waiting(&self, channel: &str, failed: usize) -> Option<Message> {
        let (_, quiet) = self.judged?;
        self.outbox.next(channel, failed, quiet)
    }

    /// A message went out by a way.
    pub fn delivered(&mut self, channel: &str, message: &Message) {
        self.outbox.delivered(channel, message);
        self.changes += 1;
    }

    /// Puts conditions to their alerts; gives those that are over.
    fn take_in(&mut self, conditions: Vec<Condition>, rules: &Rules, facts: &Facts) -> Vec<Alert> {
        let now = facts.at;
        let mut held = BTreeSet::new();
        for condition in conditions {
            let key = (condition.kind, condition.cause.clone());
            held.insert(key.clone());
            if let Some(alert) = self.open.get_mut(&key) {
                if alert.is_worse(&condition) {
                    alert.begin_anew();
                }
                alert.condition = condition;
                alert.away = None;
                continue;
            }
            let since = *self.pending.entry(key.clone()).or_insert(now);
            let long_enough = since.duration_until(now) >= SignedDuration::from_secs(condition.hold_s.into());
            if long_enough && self.has_room_for(condition.severity) {
                self.pending.remove(&key);
                self.last_id += 1;
                self.open.insert(key, opened(self.last_id, condition, since));
            }
        }
        self.pending.retain(|key, _| held.contains(key));
        let mut over = Vec::new();
        for (_, alert) in self.open.iter_mut().filter(|(key, _)| !held.contains(*key)) {
            if !is_judged(rules, facts, &self.seen, &alert.condition) {
                alert.away = None;
                continue;
            }
            let away = *alert.away.get_or_insert(now);
            let hold = SignedDuration::from_secs(alert.condition.hold_s.into()).max(OVER_AFTER);
            if away.duration_until(now) >= hold {
                alert.over = Some(now);
                over.push(alert.clone());
            }
        }
        self.open.retain(|_, alert| alert.over.is_none());
        self.history.extend(over.iter().cloned());
        while self.history.len() > HISTORY_MAX {
            self.history.pop_front();
        }
        over
    }

    /// Whether there is room for one more alert, if need be in the place of one that matters less. That one still holds, so it
    /// waits like any other.
    fn has_room_for(&mut self, severity: Severity) -> bool {
        if self.open.len() < OPEN_MAX {
            return true;
        }
        let rank = |alert: &Alert| (alert.condition.severity, alert.since);
        let least = self.open.iter().min_by_key(|(_, alert)| rank(alert));
        let gives_way = least.filter(|(_, alert)| alert.condition.severity < severity);
        match gives_way.map(|(key, _)| key.clone()) {
            Some(key) => self.open.remove(&key).is_some(),
            None => false,
        }
    }

    /// In halls where somebody has acknowledged it, what is there now is what is compared with.
    fn accept(&mut self, facts: &Facts) {
        for (kind, cause) in std::mem::take(&mut self.accepted) {
            let there = |machine: &&MachineFact| facts.circuits[hall(facts, machine.circuit)].id == cause;
            for machine in facts.machines.iter().filter(there) {
                match kind {
                    RuleKind::PoolWrong => drop(self.seen.pools.remove(&machine.id)),
                    _ => drop(self.seen.firmware.remove(&machine.id)),
                }
            }
        }
    }

    /// What a machine mines for was set by us: what it says next is what it is compared with.
    pub fn forget_pools(&mut self, machine: &str) {
        self.changes += u64::from(self.seen.pools.remove(machine).is_some());
    }

    /// Alerts that hold, the most severe first, then the oldest.
    #[must_use]
    pub fn open(&self) -> Vec<&Alert> {
        let mut open: Vec<_> = self.open.values().collect();
        open.sort_by_key(|alert| (std::cmp::Reverse(alert.condition.severity), alert.since, alert.id));
        open
    }

    /// Alerts that are over, the newest first.
    pub fn history(&self) -> impl Iterator<Item = &Alert> {
        self.history.iter().rev()
    }

    fn find(&mut self, id: u64) -> Result<&mut Alert, NoAlert> {
        self.open.values_mut().find(|alert| alert.id == id).ok_or(NoAlert(id))
    }

    /// Somebody sees to it, and may say something of it: it is not told again before it is over.
    ///
    /// # Errors
    /// If no such alert is open.
    pub fn acknowledge(&mut self, id: u64, who: &str, said: &str, now: Timestamp) -> Result<(), NoAlert> {
        let alert = self.find(id)?;
        alert.note = noted(said);
        alert.acknowledged = Some((who.to_owned(), now));
        alert.be_seen();
        let key = (alert.condition.kind, alert.condition.cause.clone());
        if matches!(key.0, RuleKind::FirmwareChanged | RuleKind::PoolWrong) {
            self.accepted.insert(key);
        }
        self.changes += 1;
        Ok(())
    }

    /// It is to be quiet until then, and is told again after that if it still holds.
    ///
    /// # Errors
    /// If no such alert is open.
    pub fn snooze(&mut self, id: u64, who: &str, said: &str, until: Timestamp) -> Result<(), NoAlert> {
        let alert = self.find(id)?;
        alert.note = noted(said);
        alert.snoozed = Some((who.to_owned(), until));
        // After it, it is news again.
        alert.told = None;
        alert.first_told = None;
        alert.escalated = false;
        self.changes += 1;
        Ok(())
    }
}

fn noted(said: &str) -> Option<String> {
    (!said.is_empty()).then(|| said.to_owned())
}

const fn opened(id: u64, condition: Condition, since: Timestamp) -> Alert {
    Alert {
        id,
        condition,
        since,
        acknowledged: None,
        snoozed: None,
        note: None,
        over: None,
        told: None,
        first_told: None,
        escalated: false,
        machines_seen: None,
        severity_seen: None,
        away: None,
    }
}

/// What is to be told of an open alert now, if anything, and to whom.
fn next_word(alert: &mut Alert, rules: &Rules, now: Timestamp, quiet: bool) -> Option<(Event, Vec<String>)> {
    let severity = alert.condition.severity;
    let waits = quiet && severity < Severity::Critical;
    if alert.acknowledged.is_some() || alert.is_snoozed(now) || alert.away.is_some() || waits {
        return None;
    }
    let Some(first_told) = alert.first_told else {
        (alert.told, alert.first_told) = (Some(now), Some(now));
        alert.be_seen();
        return Some((Event::Raised, rules.first.clone()));
    };
    let unanswered = first_told.duration_until(now) >= rules.escalate_after;
    if unanswered && !alert.escalated && severity > Severity::Notice && !rules.then.is_empty() {
        alert.escalated = true;
        alert.told = Some(now);
        return Some((Event::Escalated, rules.then.clone()));
    }
    let last = alert.told.unwrap_or(first_told);
    if rules.repeat_every.is_some_and(|every| last.duration_until(now) >= every) {
        alert.told = Some(now);
        let mut channels = rules.first.clone();
        channels.extend(rules.then.iter().filter(|_| alert.escalated).cloned());
        return Some((Event::Repeated, channels));
    }
    None
}

fn message(at: Timestamp, (event, channels): (Event, Vec<String>), alerts: &[&Alert]) -> Message {
    Message {
        at,
        event,
        severity: alerts.iter().map(|alert| alert.condition.severity).max().unwrap_or(Severity::Notice),
        channels,
        alerts: alerts.iter().map(|alert| alert.id).collect(),
        lines: alerts.iter().map(|alert| alert.condition.text.clone()).collect(),
    }
}
