//! The sign of life for a watchdog outside: given while the control loop goes on and what is known is judged.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use super::{Alerts, STALLED, lock};

/// It is given no more often.
const EVERY_MIN_S: u32 = 5;
/// How often the first cycle is looked for.
const LOOK: Duration = Duration::from_millis(250);

impl Alerts {
    /// Gives a sign of life for ever: the first after the loop's first cycle since the start.
    pub(super) async fn beat(self: Arc<Self>, cycle: impl Fn() -> u64 + Send) {
        let Some(heartbeat) = &self.rules.heartbeat else { return };
        let every = Duration::from_secs(heartbeat.every_s.max(EVERY_MIN_S).into());
        let mut before = cycle();
        let first = async {
            while self.pulse(before, cycle()).is_err() {
                sleep(LOOK).await;
            }
        };
        let _ = timeout(every, first).await;
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            let now = cycle();
            let result = match self.pulse(before, now) {
                Ok(()) => self.sender.beat(&heartbeat.url).await,
                Err(still) => Err(format!("{still}: no sign of life is given")),
            };
            before = now;
            self.note("heartbeat", result);
        }
    }

    /// Whether the loop has gone on between these cycles, and what is known was judged lately.
    fn pulse(&self, before: u64, now: u64) -> Result<(), &'static str> {
        if now <= before {
            return Err("the control loop stands still");
        }
        let is_late = |judged: Instant| judged.elapsed() >= STALLED;
        match *lock(&self.judged) {
            None => Err("nothing was judged yet"),
            Some(judged) if is_late(judged) => Err("nothing was judged for a while"),
            Some(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use offpeak_alerts::Rules;

    use super::*;

    #[test]
    fn who_judges_nothing_is_not_alive() {
        let alerts = Alerts::new(Rules::default(), "mine", TimeZone::UTC, &|_| None).unwrap();
        assert_eq!(alerts.pulse(7, 8), Err("nothing was judged yet"));
        *lock(&alerts.judged) = Some(Instant::now());
        assert_eq!(alerts.pulse(7, 7), Err("the control loop stands still"));
        assert_eq!(alerts.pulse(7, 8), Ok(()));
        *lock(&alerts.judged) = Instant::now().checked_sub(STALLED);
        assert_eq!(alerts.pulse(7, 8), Err("nothing was judged for a while"));
    }
}
