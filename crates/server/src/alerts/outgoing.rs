//! Sends what waits for each way, in a task of its own for each: one that does not work holds up no other.
//!
//! Not here: what waits (`offpeak-alerts`), and each way to somebody (`deliver`).

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::{Alerts, EVERY};

/// How long to wait before it is tried again, after one try that failed, after two, ...; then as long as the last.
const TRY_AGAIN: [Duration; 4] =
    [Duration::from_secs(2), Duration::from_secs(15), Duration::from_secs(60), Duration::from_secs(300)];
/// How long one message may take: a mail is several exchanges, each with a patience of its own.
const SEND_PATIENCE: Duration = Duration::from_secs(60);

impl Alerts {
    /// Sends what waits for one way, for ever. News is tried at once, also between two tries.
    pub(super) async fn send_by(self: Arc<Self>, channel: String) {
        let channel = channel.as_str();
        let Some(news) = self.news.get(channel) else { return };
        let mut failed = 0;
        loop {
            let Some(message) = self.with_board(|board| board.waiting(channel, failed)) else {
                failed = 0;
                let _ = timeout(EVERY, news.notified()).await;
                continue;
            };
            let sent = timeout(SEND_PATIENCE, self.sender.send(channel, &self.site, &message)).await;
            let sent =
                sent.unwrap_or_else(|_| Err(format!("it took more than {} s", SEND_PATIENCE.as_secs())));
            let is_sent = sent.is_ok();
            self.note(channel, sent);
            if is_sent {
                self.with_board(|board| board.delivered(channel, &message));
                failed = 0;
            } else {
                let pause = TRY_AGAIN[failed.min(TRY_AGAIN.len() - 1)];
                failed += 1;
                let _ = timeout(pause, news.notified()).await;
            }
        }
    }
}
