//! What is still to be told by each way: of each alert the newest word, until it went out.
//!
//! Bounded: so many words for each way. Not here: what is news and when (`board`), and how it is sent.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::board::{Alert, Event, Message};
use crate::rules::Severity;

/// Words that wait for one way at most: one for each alert that may be open, and some that are over.
const WAITING_MAX: usize = 600;
/// For how long it is tried to tell that an alert is over.
const OVER_FOR: SignedDuration = SignedDuration::from_hours(24);

/// One alert's word.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
struct Word {
    at: Timestamp,
    event: Event,
    severity: Severity,
    line: String,
}

/// The words that wait, by way and alert.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(transparent)]
pub(crate) struct Outbox(BTreeMap<String, BTreeMap<u64, Word>>);

impl Outbox {
    /// A word of an alert takes the place of the one that still waits. Where there is no room the oldest alert's that is
    /// over gives way.
    pub(crate) fn put(&mut self, channel: &str, at: Timestamp, event: Event, alert: &Alert) {
        let words = self.0.entry(channel.to_owned()).or_default();
        let (severity, line) = (alert.condition.severity, alert.condition.text.clone());
        words.insert(alert.id, Word { at, event, severity, line });
        if words.len() > WAITING_MAX {
            let least = words.iter().min_by_key(|(id, word)| (word.event != Event::Over, **id));
            if let Some(id) = least.map(|(id, _)| *id) {
                words.remove(&id);
            }
        }
    }

    /// Lets go what needs no telling any more: words of alerts that hold no more or that somebody sees to, ends of yesterday, and
    /// what waits for a way that there is no more. Says whether there was such.
    pub(crate) fn tidy(
        &mut self,
        now: Timestamp,
        is_way: impl Fn(&str) -> bool,
        is_unanswered: impl Fn(u64) -> bool,
    ) -> bool {
        let before = self.len();
        for words in self.0.values_mut() {
            words.retain(|id, word| match word.event {
                Event::Over => word.at.duration_until(now) < OVER_FOR,
                _ => is_unanswered(*id),
            });
        }
        self.0.retain(|channel, words| is_way(channel) && !words.is_empty());
        self.len() != before
    }

    fn len(&self) -> usize {
        self.0.values().map(BTreeMap::len).sum()
    }

    /// What is to be sent next by a way: all words of one kind, of kinds in turn by the tries that failed, so that one that
    /// is refused holds up no other; the gravest first, since of many a text names some. In quiet hours only what is critical.
    pub(crate) fn next(&self, channel: &str, failed: usize, quiet: bool) -> Option<Message> {
        let mut kinds: BTreeMap<Event, Vec<(u64, &Word)>> = BTreeMap::new();
        for (id, word) in self.0.get(channel)? {
            if !quiet || word.severity == Severity::Critical {
                kinds.entry(word.event).or_default().push((*id, word));
            }
        }
        let turn = failed.checked_rem(kinds.len())?;
        let (event, mut words) = kinds.into_iter().nth(turn)?;
        words.sort_by_key(|(id, word)| (Reverse(word.severity), *id));
        Some(Message {
            at: words.iter().map(|(_, word)| word.at).max()?,
            event,
            severity: words.iter().map(|(_, word)| word.severity).max()?,
            channels: vec![channel.to_owned()],
            alerts: words.iter().map(|(id, _)| *id).collect(),
            lines: words.iter().map(|(_, word)| word.line.clone()).collect(),
        })
    }

    /// A message went out by a way; what has been said of its alerts meanwhile still waits.
    pub(crate) fn delivered(&mut self, channel: &str, message: &Message) {
        let Some(words) = self.0.get_mut(channel) else { return };
        words.retain(|id, word| {
            !(message.alerts.contains(id) && word.event == message.event && word.at <= message.at)
        });
    }
}
