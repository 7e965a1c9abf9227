//! Alerts of a running site: judges what is known every other second, and sends what is to be sent.
//!
//! Not here: the rules and who is told when (`offpeak-alerts`), and each way to somebody (`deliver`).

mod deliver;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use offpeak_alerts::{Board, Event, Facts, Message, NoAlert, Rules, Severity};
use tokio::sync::Semaphore;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::handle::SiteHandle;
use deliver::Sender;

/// From one judgement to the next.
const EVERY: Duration = Duration::from_secs(2);
/// Messages under way at once; further ones are lost and counted as failed.
const UNDER_WAY_MAX: usize = 50;
/// How long to wait before a message is tried again.
const TRY_AGAIN: [Duration; 3] = [Duration::from_secs(2), Duration::from_secs(15), Duration::from_secs(60)];

/// How a way to somebody works.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Health {
    /// When something last went out.
    pub(crate) sent: Option<Timestamp>,
    /// Why the last try failed, if it did. Without any secret.
    pub(crate) error: Option<String>,
}

/// The alerts of a site.
pub struct Alerts {
    rules: Rules,
    zone: TimeZone,
    site: String,
    board: Mutex<Board>,
    sender: Sender,
    health: Mutex<BTreeMap<String, Health>>,
    places: Arc<Semaphore>,
    running: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Alerts {
    /// By these rules, for a site of this name and these clocks. `secret` reads a variable of the environment.
    ///
    /// # Errors
    /// In words, when a way cannot be prepared: a secret that is not there among that.
    pub fn new(
        rules: Rules,
        site: &str,
        zone: TimeZone,
        secret: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, String> {
        let sender = Sender::new(&rules, secret)?;
        Ok(Self {
            sender,
            rules,
            zone,
            site: site.to_owned(),
            board: Mutex::default(),
            health: Mutex::default(),
            places: Arc::new(Semaphore::new(UNDER_WAY_MAX)),
            running: AtomicBool::new(false),
        })
    }

    /// Judges for ever.
    pub(crate) async fn run(self: Arc<Self>, handle: Arc<dyn SiteHandle>) {
        if self.running.swap(true, Ordering::Relaxed) {
            return;
        }
        let beating = Arc::clone(&self);
        tokio::spawn(async move { beating.beat().await });
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut last = None;
        loop {
            ticks.tick().await;
            let Some(facts) = handle.facts().filter(|facts| last != Some(facts.at)) else { continue };
            last = Some(facts.at);
            for message in self.judge(&facts) {
                self.send(message);
            }
        }
    }

    fn judge(&self, facts: &Facts) -> Vec<Message> {
        lock(&self.board).update(&self.rules, &self.zone, facts)
    }

    /// A sign of life for a watchdog outside.
    async fn beat(&self) {
        let Some(heartbeat) = &self.rules.heartbeat else { return };
        let mut ticks = interval(Duration::from_secs(heartbeat.every_s.max(5).into()));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            let result = self.sender.beat(&heartbeat.url).await;
            self.note("heartbeat", result);
        }
    }

    fn note(&self, channel: &str, result: Result<(), String>) {
        let mut health = lock(&self.health);
        let health = health.entry(channel.to_owned()).or_default();
        match result {
            Ok(()) => *health = Health { sent: Some(Timestamp::now()), error: None },
            Err(error) => {
                tracing::warn!(channel, error, "a message did not go out");
                health.error = Some(error);
            }
        }
    }

    /// Sends by all its ways, each tried again for a while.
    fn send(self: &Arc<Self>, message: Message) {
        let message = Arc::new(message);
        for channel in message.channels.clone() {
            let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
                self.note(&channel, Err(format!("more than {UNDER_WAY_MAX} messages are under way")));
                continue;
            };
            let (alerts, message) = (Arc::clone(self), Arc::clone(&message));
            tokio::spawn(async move {
                let _place = place;
                for pause in TRY_AGAIN.into_iter().map(Some).chain([None]) {
                    let result = alerts.sender.send(&channel, &alerts.site, &message).await;
                    let failed = result.is_err();
                    alerts.note(&channel, result);
                    match pause.filter(|_| failed) {
                        Some(pause) => sleep(pause).await,
                        None => break,
                    }
                }
            });
        }
    }

    /// Sends a test message by one way, once, and says how that went.
    pub(crate) async fn test(&self, channel: &str, who: &str) -> Option<Result<(), String>> {
        self.rules.channels.contains_key(channel).then_some(())?;
        let message = Message {
            at: Timestamp::now(),
            event: Event::Test,
            severity: Severity::Notice,
            channels: vec![channel.to_owned()],
            alerts: Vec::new(),
            lines: vec![format!("a test by {who}: this way works")],
        };
        let result = self.sender.send(channel, &self.site, &message).await;
        self.note(channel, result.clone());
        Some(result)
    }

    pub(crate) fn with_board<T>(&self, look: impl FnOnce(&mut Board) -> T) -> T {
        look(&mut lock(&self.board))
    }

    pub(crate) fn acknowledge(&self, id: u64, who: &str, now: Timestamp) -> Result<(), NoAlert> {
        lock(&self.board).acknowledge(id, who, now)
    }

    /// Each way and how it works.
    pub(crate) fn channels(&self) -> Vec<(String, Health)> {
        let health = lock(&self.health);
        let of = |name: &String| (name.clone(), health.get(name).cloned().unwrap_or_default());
        let heartbeat = self.rules.heartbeat.as_ref().map(|_| "heartbeat".to_owned());
        self.rules.channels.keys().chain(&heartbeat).map(of).collect()
    }
}
