//! Alerts of a running site: judges what is known every other second, and sends what is to be sent.
//!
//! Not here: the rules and who is told when (`offpeak-alerts`), each way to somebody (`deliver`), sending what waits
//! (`outgoing`), the file between two processes (`kept`), clock and disk (`house`), and the sign of life (`beat`).

mod beat;
mod deliver;
mod house;
mod kept;
mod outgoing;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use offpeak_alerts::{Board, Event, Facts, Message, NoAlert, Rules, Severity};
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::handle::SiteHandle;
use deliver::Sender;
use house::House;
use kept::Kept;

/// A loop that has decided nothing for so long is told of.
const STALLED: Duration = Duration::from_secs(30);
/// From one judgement to the next.
const EVERY: Duration = Duration::from_secs(2);

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
    /// Of each way: that there is news for it.
    news: BTreeMap<String, Notify>,
    running: AtomicBool,
    /// Where the board is kept between two processes; `None` where it ends with this one.
    kept: Option<Arc<Kept>>,
    house: House,
    /// When what is known was last judged.
    judged: Mutex<Option<Instant>>,
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
        let news = rules.channels.keys().map(|channel| (channel.clone(), Notify::new())).collect();
        Ok(Self {
            sender,
            rules,
            zone,
            site: site.to_owned(),
            board: Mutex::default(),
            health: Mutex::default(),
            news,
            running: AtomicBool::new(false),
            kept: None,
            house: House::default(),
            judged: Mutex::default(),
        })
    }

    /// Kept in a file, from which they go on: what held, what was told, what is still to be sent, what each machine had.
    #[must_use]
    pub fn kept_in(mut self, path: PathBuf) -> Self {
        let (kept, board) = Kept::open(path);
        (self.kept, self.board) = (Some(Arc::new(kept)), Mutex::new(board));
        self
    }

    /// Judges for ever. `book` is on the disk that is watched.
    pub(crate) async fn run(self: Arc<Self>, handle: Arc<dyn SiteHandle>, book: PathBuf) {
        if self.running.swap(true, Ordering::Relaxed) {
            return;
        }
        let beating = Arc::clone(&handle);
        tokio::spawn(Arc::clone(&self).beat(move || beating.cycle()));
        tokio::spawn(Arc::clone(&self).watch_clock());
        tokio::spawn(Arc::clone(&self).watch_disk(move || house::disk_free(&book)));
        tokio::spawn(Arc::clone(&self).keep());
        for channel in self.rules.channels.keys() {
            tokio::spawn(Arc::clone(&self).send_by(channel.clone()));
        }
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut last = None;
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
            (facts.clock_off, facts.disk_free) = (self.house.clock_off(), self.house.disk_free());
            self.judge(&facts);
        }
    }

    /// Judges what is known now, and wakes the ways that there is news for.
    fn judge(&self, facts: &Facts) {
        let news = lock(&self.board).update(&self.rules, &self.zone, facts);
        for channel in news.iter().flat_map(|message| &message.channels) {
            if let Some(news) = self.news.get(channel) {
                news.notify_one();
            }
        }
        *lock(&self.judged) = Some(Instant::now());
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What is known of a site without machines.
    fn facts(at: i64) -> Facts {
        Facts {
            at: Timestamp::from_second(at).unwrap(),
            circuits: vec![],
            machines: vec![],
            disk_free: None,
            clock_off: None,
            signals: vec![],
            stalled: None,
            book_error: None,
        }
    }

    fn alerts(rules: &str) -> Alerts {
        Alerts::new(Rules::parse(rules).unwrap(), "mine", TimeZone::UTC, &|_| None).unwrap()
    }

    #[test]
    fn alerts_go_on_from_their_file_and_move_another_s_aside() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("alerts.json");
        let fresh = || alerts("").kept_in(path.clone());
        let first = fresh();
        first.judge(&Facts { book_error: Some("full".into()), ..facts(0) });
        first.keep_last();
        let again = fresh();
        assert_eq!(
            again.with_board(|board| board.open()[0].condition.text.clone()),
            "the book cannot be written: full"
        );
        again.acknowledge(1, "anna", "seen", Timestamp::UNIX_EPOCH).unwrap();
        again.keep_last();
        let note = fresh().with_board(|board| board.open()[0].note.clone());
        assert_eq!(note.as_deref(), Some("seen"), "what was done in the last moment is kept");

        std::fs::write(&path, "something else").unwrap();
        let anew = fresh();
        assert!(anew.with_board(|board| board.open().is_empty()), "a site does not wait for it");
        assert_eq!(std::fs::read_to_string(path.with_extension("unread")).unwrap(), "something else");
        assert!(!path.exists());
    }

    /// A server that tells what it is sent, and answers the first, second, ... connection with this; never with nothing.
    async fn server(
        answer: fn(usize) -> &'static str,
    ) -> (String, tokio::sync::mpsc::UnboundedReceiver<String>) {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let (told, heard) = tokio::sync::mpsc::unbounded_channel();
        tokio::spawn(async move {
            for answer in (0..).map(answer) {
                let (mut stream, _) = listener.accept().await.unwrap();
                let told = told.clone();
                tokio::spawn(async move {
                    let (mut said, mut part) = (String::new(), [0; 4096]);
                    while !(said.ends_with('}') || said.starts_with("GET") && said.ends_with("\r\n\r\n")) {
                        let size = stream.read(&mut part).await.unwrap();
                        said += std::str::from_utf8(&part[..size]).unwrap();
                    }
                    stream.write_all(answer.as_bytes()).await.unwrap();
                    told.send(said.split_once("\r\n\r\n").unwrap().1.to_owned()).unwrap();
                    if answer.is_empty() {
                        std::future::pending::<()>().await;
                    }
                });
            }
        });
        (url, heard)
    }

    const TAKEN: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

    const BUSY: &str = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

    #[tokio::test]
    async fn what_fails_is_tried_until_it_goes_out() {
        let (url, mut tried) = server(|tries| if tries < 12 { BUSY } else { TAKEN }).await;
        let alerts = Arc::new(alerts(&format!(
            "[channels.a]\nkind = \"webhook\"\nurl = \"{url}\"\n[notify]\nfirst = [\"a\"]\n"
        )));
        alerts.judge(&Facts { book_error: Some("full".into()), ..facts(0) });
        tokio::spawn(Arc::clone(&alerts).send_by("a".to_owned()));
        for _ in 0..=12 {
            assert!(tried.recv().await.unwrap().contains("full"));
            // Nobody waits for the pauses between tries here.
            alerts.news["a"].notify_one();
        }
        until_nothing_waits(&alerts).await;
        let (_, health) = alerts.channels().remove(0);
        assert!(health.sent.is_some() && health.error.is_none(), "{health:?}");
    }

    async fn until_nothing_waits(alerts: &Alerts) {
        while alerts.with_board(|board| board.waiting("a", 0)).is_some() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_way_that_hangs_holds_up_no_other_and_what_waits_for_it_is_one_message() {
        let (hanging, mut begun) = server(|_| "").await;
        let (working, mut arrived) = server(|_| TAKEN).await;
        let alerts = Arc::new(alerts(&format!(
            "[channels.a]\nkind = \"webhook\"\nurl = \"{hanging}\"\n\
             [channels.b]\nkind = \"webhook\"\nurl = \"{working}\"\n[notify]\nfirst = [\"a\", \"b\"]\n"
        )));
        for channel in ["a", "b"] {
            tokio::spawn(Arc::clone(&alerts).send_by(channel.to_owned()));
        }
        for second in 0..60_u16 {
            let signals = (0..=second).map(|signal| (format!("signal-{signal:02}"), None)).collect();
            alerts.judge(&Facts { signals, ..facts(second.into()) });
            let message: serde_json::Value = serde_json::from_str(&arrived.recv().await.unwrap()).unwrap();
            let line = format!("the signal signal-{second:02} never came");
            assert_eq!(message["lines"], serde_json::json!([line]));
        }
        assert!(begun.recv().await.unwrap().contains("signal-00"));
        let waiting = alerts.with_board(|board| board.waiting("a", 0)).unwrap();
        assert_eq!(waiting.lines.len(), 60, "all of it, in one");
    }

    /// What did not go out before the end is sent after the next start.
    #[tokio::test]
    async fn what_was_under_way_at_the_end_is_sent_after_the_start() {
        let dir = tempfile::tempdir().unwrap();
        let (hanging, mut begun) = server(|_| "").await;
        let (working, mut arrived) = server(|_| TAKEN).await;
        let site = |url: &str| {
            let rules =
                format!("[channels.a]\nkind = \"webhook\"\nurl = \"{url}\"\n[notify]\nfirst = [\"a\"]\n");
            Arc::new(alerts(&rules).kept_in(dir.path().join("alerts.json")))
        };
        let sending = |alerts: &Arc<Alerts>| tokio::spawn(Arc::clone(alerts).send_by("a".to_owned()));
        let full = |second| Facts { book_error: Some("full".into()), ..facts(second) };
        let before = site(&hanging);
        before.judge(&full(0));
        let under_way = sending(&before);
        assert!(begun.recv().await.unwrap().contains("full"));
        under_way.abort();
        before.keep_last();

        let after = site(&working);
        after.judge(&full(10));
        sending(&after);
        assert!(arrived.recv().await.unwrap().contains("full"));
        until_nothing_waits(&after).await;
    }

    #[tokio::test]
    async fn the_first_sign_of_life_is_of_the_first_cycle() {
        let (url, mut beats) = server(|_| TAKEN).await;
        let alerts = Arc::new(alerts(&format!("[heartbeat]\nurl = \"{url}\"\n")));
        alerts.judge(&facts(0));
        let asked = Arc::new(std::sync::atomic::AtomicU64::new(0));
        let asking = Arc::clone(&asked);
        // The loop does nothing yet when it is asked first, and has 7 cycles of before a restart.
        let cycle = move || 7 + u64::from(asking.fetch_add(1, Ordering::SeqCst) >= 3);
        tokio::spawn(Arc::clone(&alerts).beat(cycle));
        beats.recv().await.unwrap();
        assert!(asked.load(Ordering::SeqCst) > 3, "it was given before the first cycle");
    }
}
