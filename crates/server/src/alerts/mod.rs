//! Alerts of a running site: judges what is known every other second, and sends what is to be sent.
//!
//! Not here: the rules and who is told when (`offpeak-alerts`), and each way to somebody (`deliver`).

mod deliver;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use offpeak_alerts::{Board, Event, Facts, Message, NoAlert, Rules, Severity};
use tokio::sync::Semaphore;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::handle::SiteHandle;
use deliver::Sender;

/// A loop that has decided nothing for so long is told of.
const STALLED: Duration = Duration::from_secs(30);
/// From one judgement to the next.
const EVERY: Duration = Duration::from_secs(2);
/// Messages under way at once; further ones are lost and counted as failed.
const UNDER_WAY_MAX: usize = 50;
/// A server of the time is asked no more often.
const CLOCK_EVERY_MIN_S: u32 = 1;
/// How long it may take.
const CLOCK_PATIENCE: Duration = Duration::from_secs(3);
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
    /// Where the board is kept between two processes; `None` where it ends with this one.
    file: Option<PathBuf>,
    /// How far the clock is off, as the server of the time says.
    clock_off: Mutex<Option<SignedDuration>>,
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
            file: None,
            clock_off: Mutex::default(),
        })
    }

    /// Kept in a file, from which they go on: what held, what was told, what each machine had. One that is not
    /// understood is moved aside and told of: no site waits for it.
    #[must_use]
    pub fn kept_in(mut self, path: PathBuf) -> Self {
        let read = std::fs::read_to_string(&path).map(|text| Board::read(&text));
        match read {
            Ok(Ok(board)) => self.board = Mutex::new(board),
            Ok(Err(error)) => {
                let aside = path.with_extension("unread");
                let moved = std::fs::rename(&path, &aside).is_ok();
                tracing::warn!(file = %path.display(), %error, moved, "no kept alerts: they begin anew");
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => tracing::warn!(file = %path.display(), %error, "no kept alerts: they begin anew"),
        }
        self.file = Some(path);
        self
    }

    /// Judges for ever.
    pub(crate) async fn run(self: Arc<Self>, handle: Arc<dyn SiteHandle>) {
        if self.running.swap(true, Ordering::Relaxed) {
            return;
        }
        let (beating, of) = (Arc::clone(&self), Arc::clone(&handle));
        tokio::spawn(async move { beating.beat(of.as_ref()).await });
        let watching = Arc::clone(&self);
        tokio::spawn(async move { watching.watch_clock().await });
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let (mut last, mut kept) = (None, self.with_board(|board| board.changes()));
        let mut heard = Instant::now();
        loop {
            ticks.tick().await;
            let Some(mut facts) = handle.facts() else { continue };
            if last.replace(facts.at) != Some(facts.at) {
                heard = Instant::now();
            } else if heard.elapsed() >= STALLED {
                let stalled = SignedDuration::try_from(heard.elapsed()).unwrap_or(SignedDuration::MAX);
                facts.stalled = Some(stalled);
                // Nothing else is known anew; time goes on.
                facts.at = facts.at.saturating_add(stalled).unwrap_or(facts.at);
            } else {
                continue;
            }
            facts.clock_off = *lock(&self.clock_off);
            for message in self.judge(&facts) {
                self.send(message);
            }
            let changes = self.with_board(|board| board.changes());
            if changes != kept && self.keep().await {
                kept = changes;
            }
        }
    }

    /// Writes the board where it is kept; says whether it was.
    async fn keep(&self) -> bool {
        let Some(path) = self.file.clone() else { return true };
        let Ok(text) = self.with_board(|board| board.write()) else { return true };
        let written = tokio::task::spawn_blocking(move || {
            let begun = path.with_extension("new");
            std::fs::write(&begun, text).and_then(|()| std::fs::rename(&begun, &path))
        });
        match written.await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::warn!(%error, "the alerts could not be kept");
                false
            }
            Err(_) => false,
        }
    }

    /// Holds the system's clock against a server of the time.
    async fn watch_clock(&self) {
        let Some(clock) = self.rules.clock.clone() else { return };
        let mut ticks = interval(Duration::from_secs(clock.every_s.max(CLOCK_EVERY_MIN_S).into()));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            let server = clock.ntp.clone();
            let asked = tokio::task::spawn_blocking(move || clock_off(&server)).await;
            let result = asked.unwrap_or_else(|_| Err("asking for the time broke off".to_owned()));
            // An answer that does not come says nothing of the clock.
            *lock(&self.clock_off) = result.as_ref().ok().copied();
            self.note("clock", result.map(drop));
        }
    }

    fn judge(&self, facts: &Facts) -> Vec<Message> {
        lock(&self.board).update(&self.rules, &self.zone, facts)
    }

    /// A sign of life for a watchdog outside, while the loop lives.
    async fn beat(&self, handle: &dyn SiteHandle) {
        let Some(heartbeat) = &self.rules.heartbeat else { return };
        let mut ticks = interval(Duration::from_secs(heartbeat.every_s.max(5).into()));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut before = None;
        loop {
            ticks.tick().await;
            let now = handle.cycle();
            if before.replace(now) == Some(now) {
                self.note(
                    "heartbeat",
                    Err("the control loop stands still: no sign of life is given".to_owned()),
                );
                continue;
            }
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

    pub(crate) fn acknowledge(&self, id: u64, who: &str, said: &str, now: Timestamp) -> Result<(), NoAlert> {
        lock(&self.board).acknowledge(id, who, said, now)
    }

    /// Each way and how it works.
    pub(crate) fn channels(&self) -> Vec<(String, Health)> {
        let health = lock(&self.health);
        let of = |name: &String| (name.clone(), health.get(name).cloned().unwrap_or_default());
        let heartbeat = self.rules.heartbeat.as_ref().map(|_| "heartbeat".to_owned());
        let clock = self.rules.clock.as_ref().map(|_| "clock".to_owned());
        self.rules.channels.keys().chain(&heartbeat).chain(&clock).map(of).collect()
    }
}

/// How far the system's clock is off, by SNTP.
fn clock_off(server: &str) -> Result<SignedDuration, String> {
    let mut client = rsntp::SntpClient::new();
    client.set_timeout(CLOCK_PATIENCE);
    let answer = client.synchronize(server).map_err(|error| format!("{server}: {error}"))?;
    // What is to be added to the clock is what it lacks.
    SignedDuration::try_from_secs_f64(-answer.clock_offset().as_secs_f64()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    /// Answers once as a server of the time whose clock is so many seconds ahead of this one's.
    fn server_of_time(ahead: u64) -> String {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let at = socket.local_addr().unwrap().to_string();
        std::thread::spawn(move || {
            let mut asked = [0; 48];
            let (_, from) = socket.recv_from(&mut asked).unwrap();
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
            // Since 1900 (RFC 5905), seconds and 2⁻³² s.
            let seconds = u32::try_from(now.as_secs() + 2_208_988_800 + ahead).unwrap();
            let fraction = ((u64::from(now.subsec_nanos()) << 32) / 1_000_000_000) as u32;
            let mut answer = [0; 48];
            // No leap second, version 4, a server; stratum 1, a reference clock.
            (answer[0], answer[1]) = (0b00_100_100, 1);
            answer[12..16].copy_from_slice(b"GPS\0");
            answer[24..32].copy_from_slice(&asked[40..48]);
            for place in [16, 32, 40] {
                answer[place..place + 4].copy_from_slice(&seconds.to_be_bytes());
                answer[place + 4..place + 8].copy_from_slice(&fraction.to_be_bytes());
            }
            socket.send_to(&answer, from).unwrap();
        });
        at
    }

    #[test]
    fn a_clock_that_is_behind_is_off_by_less_than_nothing() {
        let off = clock_off(&server_of_time(50)).unwrap().as_secs_f64();
        assert!((-55.0..=-45.0).contains(&off), "{off}");
        let off = clock_off(&server_of_time(0)).unwrap().as_secs_f64();
        assert!(off.abs() < 5.0, "{off}");
    }

    #[test]
    fn alerts_go_on_from_their_file_and_move_another_s_aside() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("alerts.json");
        let fresh = || Alerts::new(Rules::default(), "mine", TimeZone::UTC, &|_| None).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let facts = Facts {
            at: Timestamp::UNIX_EPOCH,
            circuits: vec![],
            machines: vec![],
            disk_free: None,
            clock_off: None,
            signals: vec![],
            stalled: None,
            book_error: Some("full".into()),
        };
        let alerts = fresh().kept_in(path.clone());
        assert_eq!(alerts.judge(&facts).len(), 0, "nobody is named to be told");
        assert!(runtime.block_on(alerts.keep()));
        let again = fresh().kept_in(path.clone());
        assert_eq!(
            again.with_board(|board| board.open()[0].condition.text.clone()),
            "the book cannot be written: full"
        );
        std::fs::write(&path, "something else").unwrap();
        let anew = fresh().kept_in(path.clone());
        assert!(anew.with_board(|board| board.open().is_empty()), "a site does not wait for it");
        assert_eq!(std::fs::read_to_string(path.with_extension("unread")).unwrap(), "something else");
        assert!(!path.exists());
    }
}
