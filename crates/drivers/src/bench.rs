//! Measures the poller: readings a second, CPU time a reading, memory. The server belongs in a process of
//! its own, for the CPU time of this whole process is counted.
//!
//! Not here: the server, and what the figures must be.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::clock::Clock;
use crate::connect::Connector;
use crate::driver::Driver;
use crate::poll::{Fleet, Pace, Poller, Target};

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PollFigures {
    /// Readings tried.
    pub polls: u64,
    /// Of these, in trouble.
    pub troubles: u64,
    /// Machines with a reading at the end.
    pub read: usize,
    /// Readings a second.
    pub per_second: f64,
    /// CPU milliseconds of this process a reading; `None` where the system does not tell (not Linux).
    pub cpu_ms: Option<f64>,
    /// The most memory this process had resident, in MB; `None` where the system does not tell.
    pub rss_mb: Option<f64>,
}

/// What a pace costs, and what it gives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlanFigures {
    /// How much of a core this process used; `None` where the system does not tell (not Linux).
    pub cores: Option<f64>,
    /// The oldest reading at the end.
    pub oldest: Duration,
    /// Full readings a second, as the survey took them meanwhile.
    pub full_per_second: f64,
    /// The most memory this process had resident, in MB; `None` where the system does not tell.
    pub rss_mb: Option<f64>,
}

/// Reads these machines at this pace for a while, fast and, by the survey, fully.
///
/// # Errors
/// When no runtime can be had, or a machine has no reading at the end.
pub fn bench_plan(targets: Vec<Target>, pace: Pace, time: Duration) -> std::io::Result<PlanFigures> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let fleet = Arc::new(Fleet::new(Driver::new(Connector::Tcp, Clock::System), targets));
        let poller = Poller::new(Arc::clone(&fleet), pace);
        // The first round goes as fast as it can.
        let _ = tokio::time::timeout(pace.every_of(fleet.len()) * 2, poller.run()).await;
        let (cpu, start) = (cpu_time(), Instant::now());
        let both = async { tokio::join!(poller.run(), poller.survey()) };
        let _ = tokio::time::timeout(time, both).await;
        let cpu = cpu_time().zip(cpu).map(|(after, before)| after.saturating_sub(before));
        let full = fleet.known_count();
        let (now, mut oldest) = (Clock::System.now(), Some(Duration::ZERO));
        fleet.each(|_, latest| {
            let age = latest.reading.and_then(|reading| now.duration_since(reading.at).try_into().ok());
            oldest = oldest.zip(age).map(|(oldest, age)| oldest.max(age));
        });
        Ok(PlanFigures {
            cores: cpu.map(|cpu| cpu.as_secs_f64() / start.elapsed().as_secs_f64()),
            oldest: oldest.ok_or_else(|| std::io::Error::other("a machine was never read"))?,
            #[expect(clippy::cast_precision_loss, reason = "a count of machines")]
            full_per_second: full as f64 / start.elapsed().as_secs_f64(),
            rss_mb: rss_mb(),
        })
    })
}

/// Reads these machines over TCP as fast as they answer, on one thread, for a while.
///
/// # Errors
/// When no runtime can be had.
pub fn bench_poll(targets: Vec<Target>, time: Duration) -> std::io::Result<PollFigures> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let fleet = Arc::new(Fleet::new(Driver::new(Connector::Tcp, Clock::System), targets));
        let pace = Pace { every: Duration::ZERO, per_second: u32::MAX, ..Pace::default() };
        let poller = Poller::new(Arc::clone(&fleet), pace);
        // A first round, uncounted: pages and buffers are in place.
        let _ = tokio::time::timeout(time / 10, poller.run()).await;
        let (polls, troubles) = (poller.polls(), poller.troubles());
        let (cpu, start) = (cpu_time(), Instant::now());
        let _ = tokio::time::timeout(time, poller.run()).await;
        let polls = poller.polls() - polls;
        let cpu = cpu_time().zip(cpu).map(|(after, before)| after.saturating_sub(before));
        #[expect(clippy::cast_precision_loss, reason = "a count of some seconds")]
        let count = polls.max(1) as f64;
        let mut read = 0;
        fleet.each(|_, latest| read += usize::from(latest.reading.is_some()));
        Ok(PollFigures {
            polls,
            troubles: poller.troubles() - troubles,
            read,
            per_second: count / start.elapsed().as_secs_f64(),
            cpu_ms: cpu.map(|cpu| cpu.as_secs_f64() * 1e3 / count),
            rss_mb: rss_mb(),
        })
    })
}

/// The CPU time of all threads, from `/proc`: the first field of each `schedstat`, in nanoseconds.
fn cpu_time() -> Option<Duration> {
    let mut nanos = 0;
    for task in std::fs::read_dir("/proc/self/task").ok()? {
        let text = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        nanos += text.split_whitespace().next()?.parse::<u64>().ok()?;
    }
    Some(Duration::from_nanos(nanos))
}

/// `VmHWM` of `/proc/self/status`.
fn rss_mb() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes / 1024.0)
}
