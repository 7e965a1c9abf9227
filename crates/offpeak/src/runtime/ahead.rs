//! The plan for the hours ahead, made by `offpeak-horizon`, a program of its own: the solver may hang or die, and
//! nobody waits for it. The last good plan stands until a better one is there or it is too old.
//!
//! Not here: what a plan is and how old it may be (`offpeak_dispatch::ahead`).

use std::ffi::OsString;
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use jiff::{SignedDuration, Timestamp};
use offpeak_dispatch::ahead::{Outlook, Plan, Question, ask, judge};
use offpeak_dispatch::{Counts, Directives, Standing};
use offpeak_site::Site;
use tokio::sync::oneshot;
use tracing::{info, warn};

use super::live::{Shared, lock};
use crate::commands::beside;

/// The program that has the solver.
const PROGRAM: &str = "offpeak-horizon";
/// More than this is no plan: 600 steps of 2,000 classes with eight modes fit.
const ANSWER_BYTES_MAX: u64 = 64 << 20;
/// What the program gets for a plan before it is killed.
const LIMIT: Duration = Duration::from_secs(30);
/// In simulations its work is bounded by iterations; a program that hangs all the same ends here.
const LIMIT_SIMULATED: Duration = Duration::from_secs(600);
/// A new plan so often, in plant time.
const EVERY: SignedDuration = SignedDuration::from_mins(5);
const EVERY_SIMULATED: SignedDuration = SignedDuration::from_mins(15);
/// How often one looks whether something has changed, which asks for a new plan at once.
const LOOK: Duration = Duration::from_secs(5);

/// How it stands with the plans.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asking {
    /// Nobody asks for any here.
    Off,
    /// The first one is not there yet.
    NotYet,
    /// There is nothing to ask.
    Needless,
    /// The last question was answered.
    Answered,
    /// There has been no plan since then.
    Failed {
        /// When the first question was put that got none.
        since: Timestamp,
        /// What was wrong the last time.
        why: String,
    },
}

impl Asking {
    /// After one more failure: since when there is no plan stays.
    fn failed(&self, asked_at: Timestamp, why: String) -> Self {
        let since = if let Self::Failed { since, .. } = self { *since } else { asked_at };
        Self::Failed { since, why }
    }
}

/// Asks the program for plans.
#[derive(Clone, Debug)]
pub(crate) struct Planner {
    command: Vec<OsString>,
    limit: Duration,
}

impl Planner {
    fn new(limit: Duration) -> Self {
        Self { command: vec![beside(PROGRAM).into()], limit }
    }

    /// For a site at work; with another program than the one beside this one, where it is named.
    pub(crate) fn of_run(program: Option<PathBuf>) -> Self {
        let own = Self::new(LIMIT);
        Self { command: program.map_or(own.command, |program| vec![program.into()]), ..own }
    }

    /// Waits for the program's answer, at most the limit, and judges it: a plan that breaks a limit is none.
    fn answer(&self, question: &Question) -> Result<Plan> {
        let text = serde_json::to_vec(question)?;
        let (program, args) = self.command.split_first().context("a command has a program")?;
        let mut command = Command::new(program);
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let child = command.spawn().map_err(|error| match error.kind() {
            ErrorKind::NotFound => anyhow::anyhow!("no solver: `{}` is not installed", program.display()),
            _ => anyhow::Error::new(error).context(format!("{} cannot be started", program.display())),
        })?;
        let mut child = Reaped(child);
        let mut stdin = child.0.stdin.take().context("stdin is piped")?;
        let stdout = child.0.stdout.take().context("stdout is piped")?;
        // Both end with the child at the latest, when its pipes break.
        thread::spawn(move || stdin.write_all(&text));
        let (sender, receiver) = channel();
        thread::spawn(move || {
            let mut answer = Vec::new();
            let read = stdout.take(ANSWER_BYTES_MAX).read_to_end(&mut answer).map(|_| answer);
            let _ = sender.send(read);
        });
        let answer = match receiver.recv_timeout(self.limit) {
            Ok(answer) => answer.context("the solver's answer cannot be read")?,
            Err(RecvTimeoutError::Timeout) => {
                bail!("the solver had no plan after {} s and was killed", self.limit.as_secs_f64())
            }
            Err(RecvTimeoutError::Disconnected) => bail!("the solver's answer was lost"),
        };
        let plan: Plan = serde_json::from_slice(&answer).context("the solver's answer is no plan")?;
        ensure!(fits(question, &plan), "the solver's plan is not for this question");
        let judged = judge(question, &plan.schedule);
        judged.map_err(|broken| anyhow::anyhow!("the solver's plan is refused: {broken}"))?;
        Ok(plan)
    }

    /// The same in a thread of its own; what is returned tells.
    fn ask(&self, question: Question) -> oneshot::Receiver<(Question, Result<Plan>)> {
        let (done, ended) = oneshot::channel();
        let planner = self.clone();
        thread::spawn(move || {
            let plan = planner.answer(&question);
            let _ = done.send((question, plan));
        });
        ended
    }
}

/// A child that ends with this, however this ends.
struct Reaped(Child);

impl Drop for Reaped {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether the plan has a number for every step, class and mode.
fn fits(question: &Question, plan: &Plan) -> bool {
    let classes = |step: &Vec<Vec<u32>>| {
        step.len() == question.classes.len()
            && step.iter().zip(&question.classes).all(|(counts, class)| counts.len() == class.modes.len())
    };
    plan.schedule.len() == question.steps.len() && plan.schedule.iter().all(classes)
}

/// Has plans made while a site runs, until the future is dropped; the loop's seconds never wait for it.
pub(crate) async fn follow(shared: Arc<Shared>, planner: Planner) {
    let mut asked: Option<(Timestamp, Directives)> = None;
    *lock(&shared.asking) = Asking::NotYet;
    loop {
        tokio::time::sleep(LOOK).await;
        let Some(latest) = lock(&shared.latest).clone() else { continue };
        let (now, site) = (latest.cycle.at, shared.site());
        let directives = Directives { ahead: None, ..lock(&shared.directives).clone() };
        if asked.as_ref().is_some_and(|(at, of)| now < *at + EVERY && *of == directives) {
            continue;
        }
        let question = {
            let directives = directives.clone();
            tokio::task::spawn_blocking(move || {
                let standings = &latest.cycle.loads.standings;
                ask(&site, &directives, &latest.memory.counts, standings, now)
            })
        };
        asked = Some((now, directives));
        let Ok(question) = question.await else { continue };
        let Some(mut put) = question else {
            *lock(&shared.asking) = Asking::Needless;
            continue;
        };
        put.question.seconds_max = Some(planner.limit.as_secs_f64() / 2.0);
        let Ok((_, answer)) = planner.ask(put.question.clone()).await else { continue };
        let before = lock(&shared.asking).clone();
        let after = match answer {
            Ok(plan) => {
                let outlook = put.outlook(&plan);
                info!(more_ppm = outlook.more_ppm, origin = ?plan.origin, "a plan for the hours ahead");
                lock(&shared.directives).ahead = Some(Arc::new(outlook));
                shared.nudge.notify_one();
                Asking::Answered
            }
            Err(error) => before.failed(now, format!("{error:#}")),
        };
        if let Asking::Failed { why, .. } = &after
            && after != before
        {
            warn!(why, "no new plan for the hours ahead: the last one stands until it is too old");
        }
        *lock(&shared.asking) = after;
    }
}

/// Plans for a simulation, one after another at set times, so that a seed replays.
pub(crate) struct Foresight {
    planner: Planner,
    next_at: Timestamp,
    standings: Vec<Standing>,
    last: Option<Arc<Outlook>>,
    /// So many plans were made, and so many were not.
    pub(crate) made: u64,
    pub(crate) failed: u64,
    more_ppm: i64,
    trouble: Option<String>,
}

impl Foresight {
    pub(crate) fn new(from: Timestamp) -> Self {
        Self {
            planner: Planner::new(LIMIT_SIMULATED),
            next_at: from,
            standings: Vec::new(),
            last: None,
            made: 0,
            failed: 0,
            more_ppm: 0,
            trouble: None,
        }
    }

    /// Takes a look at the machines as they stand.
    pub(crate) fn look(&mut self, standings: &[Standing]) {
        self.standings.clear();
        self.standings.extend_from_slice(standings);
    }

    /// The orders with a new plan, when it is time for one.
    pub(crate) fn plan(
        &mut self,
        site: &Site,
        directives: &Directives,
        counts: &Counts,
        now: Timestamp,
    ) -> Option<Directives> {
        if now < self.next_at || self.standings.is_empty() {
            return None;
        }
        self.next_at = now + EVERY_SIMULATED;
        let put = ask(site, directives, counts, &self.standings, now)?;
        match self.planner.answer(&put.question) {
            Ok(plan) => {
                let outlook = put.outlook(&plan);
                self.made += 1;
                self.more_ppm += outlook.more_ppm;
                self.last = Some(Arc::new(outlook));
            }
            Err(error) => {
                self.failed += 1;
                let why = format!("{error:#}");
                if self.trouble.as_ref() != Some(&why) {
                    warn!(why, "no plan for the hours ahead");
                }
                self.trouble = Some(why);
            }
        }
        Some(Directives { ahead: self.last.clone(), ..directives.clone() })
    }

    /// By how many percent the plans promised more than acting hour by hour, on average.
    pub(crate) fn more_percent(&self) -> Option<f64> {
        (self.made > 0).then(|| self.more_ppm as f64 / self.made as f64 / 1e4)
    }
}

#[cfg(test)]
#[path = "ahead_tests.rs"]
pub(super) mod tests;

#[cfg(test)]
#[path = "ahead_live_tests.rs"]
pub(super) mod live_tests;
