//! What the process finds out of the house it runs in: how far the clock is off, and how much of the book's disk is free.
//!
//! Neither is waited for: a disk that hangs and a server of the time that does not answer hold up no judgement.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::SignedDuration;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{Alerts, lock};

/// A server of the time is asked no more often.
const CLOCK_EVERY_MIN_S: u32 = 1;
/// How long it may take.
const CLOCK_PATIENCE: Duration = Duration::from_secs(3);
/// How often the disk is looked at.
const DISK_EVERY: Duration = Duration::from_secs(10);
/// How long that is believed.
const DISK_BELIEVED: Duration = Duration::from_secs(60);

/// What was found out last.
#[derive(Debug, Default)]
pub(super) struct House {
    clock_off: Mutex<Option<SignedDuration>>,
    disk_free: Mutex<Option<(Instant, f64)>>,
}

impl House {
    /// How far the clock is off, as the server of the time says.
    pub(super) fn clock_off(&self) -> Option<SignedDuration> {
        *lock(&self.clock_off)
    }
    /// Free space where the book is, as a share; `None` where nothing fresh is known.
    pub(super) fn disk_free(&self) -> Option<f64> {
        lock(&self.disk_free).filter(|(at, _)| at.elapsed() < DISK_BELIEVED).map(|(_, free)| free)
    }
}

impl Alerts {
    /// Holds the system's clock against a server of the time.
    pub(super) async fn watch_clock(self: Arc<Self>) {
        let Some(clock) = self.rules.clock.clone() else { return };
        let mut ticks = interval(Duration::from_secs(clock.every_s.max(CLOCK_EVERY_MIN_S).into()));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            let server = clock.ntp.clone();
            let asked = tokio::task::spawn_blocking(move || clock_off(&server)).await;
            let result = asked.unwrap_or_else(|_| Err("asking for the time broke off".to_owned()));
            // An answer that does not come says nothing of the clock.
            *lock(&self.house.clock_off) = result.as_ref().ok().copied();
            self.note("clock", result.map(drop));
        }
    }

    /// Looks how much of a disk is free, off the threads that serve.
    pub(super) async fn watch_disk(self: Arc<Self>, free: impl Fn() -> Option<f64> + Clone + Send + 'static) {
        let mut ticks = interval(DISK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            let found = tokio::task::spawn_blocking(free.clone()).await;
            if let Ok(Some(free)) = found {
                *lock(&self.house.disk_free) = Some((Instant::now(), free));
            }
        }
    }
}

/// Of the file system that this is on.
pub(super) fn disk_free(path: &Path) -> Option<f64> {
    let stat = rustix::fs::statvfs(path).ok()?;
    (stat.f_blocks > 0).then(|| stat.f_bavail as f64 / stat.f_blocks as f64)
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
    fn what_is_known_of_the_disk_is_believed_for_a_while() {
        let house = House::default();
        assert_eq!(house.disk_free(), None);
        let free = disk_free(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
        assert!((0.0..=1.0).contains(&free), "{free}");
        *lock(&house.disk_free) = Some((Instant::now(), free));
        assert_eq!(house.disk_free(), Some(free));
        *lock(&house.disk_free) = Instant::now().checked_sub(DISK_BELIEVED).map(|at| (at, free));
        assert_eq!(house.disk_free(), None, "a disk that says no more is not known");
    }
}
