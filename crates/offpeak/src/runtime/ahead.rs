//! The plan for the hours ahead, made by a child process: HiGHS may hang or die, and nobody waits for it. Whoever asks
//! goes on at once; the last good plan stands until a better one is there.
//!
//! Not here: what a plan is (`offpeak_horizon`).

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use offpeak_horizon::{Plan, Question, judge, plan};

use crate::commands::print;
use crate::exit::Exit;

/// More than this is no plan: 600 steps of 2,000 classes with eight modes fit.
const ANSWER_BYTES_MAX: u64 = 64 << 20;

/// The child's side: a question on stdin, a plan on stdout.
pub(crate) fn horizon_command() -> Result<Exit> {
    let mut text = String::new();
    std::io::stdin().lock().take(ANSWER_BYTES_MAX).read_to_string(&mut text).context("stdin cannot be read")?;
    let question: Question = serde_json::from_str(&text).context("not the question that is expected")?;
    print(&serde_json::to_string(&plan(&question)?)?)?;
    Ok(Exit::Done)
}

/// The last good plan, and what went wrong since.
#[derive(Debug, Default)]
struct Standing {
    busy: bool,
    plan: Option<Arc<Plan>>,
    trouble: Option<String>,
}

/// Asks a child for plans, one at a time.
#[derive(Debug)]
pub(crate) struct Planner {
    command: Vec<OsString>,
    limit: Duration,
    standing: Arc<Mutex<Standing>>,
}

impl Planner {
    /// With a child of this binary, which gets so long.
    pub(crate) fn new(limit: Duration) -> Result<Self> {
        Ok(Self::with_command(vec![std::env::current_exe()?.into(), "horizon".into()], limit))
    }

    fn with_command(command: Vec<OsString>, limit: Duration) -> Self {
        Self { command, limit, standing: Arc::default() }
    }

    /// Has a plan made and returns at once; what is returned tells when the child has ended, for those who want to
    /// know. `None` while an earlier question is open.
    pub(crate) fn ask(&self, question: Question) -> Option<Receiver<()>> {
        let mut standing = lock(&self.standing);
        if std::mem::replace(&mut standing.busy, true) {
            return None;
        }
        let (done, ended) = channel();
        let (command, limit, standing) = (self.command.clone(), self.limit, Arc::clone(&self.standing));
        thread::spawn(move || {
            let answer = answer(&command, limit, &question);
            let mut standing = lock(&standing);
            standing.busy = false;
            match answer {
                Ok(plan) => {
                    standing.plan = Some(Arc::new(plan));
                    standing.trouble = None;
                }
                Err(error) => standing.trouble = Some(format!("{error:#}")),
            }
            let _ = done.send(());
        });
        Some(ended)
    }

    /// The last good plan.
    pub(crate) fn last(&self) -> Option<Arc<Plan>> {
        lock(&self.standing).plan.clone()
    }

    /// Why there is no newer one, if something went wrong since.
    pub(crate) fn trouble(&self) -> Option<String> {
        lock(&self.standing).trouble.clone()
    }
}

/// A thread that died left whole fields behind.
fn lock(standing: &Mutex<Standing>) -> std::sync::MutexGuard<'_, Standing> {
    standing.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A child that ends with this, however this ends.
struct Reaped(Child);

impl Drop for Reaped {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits for the child's answer, at most `limit`, and judges it: a plan that breaks a limit is none.
fn answer(command: &[OsString], limit: Duration, question: &Question) -> Result<Plan> {
    let text = serde_json::to_vec(question)?;
    let (program, args) = command.split_first().context("a command has a program")?;
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = Reaped(command.spawn().context("the solver's process cannot be started")?);
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
    let answer = match receiver.recv_timeout(limit) {
        Ok(answer) => answer.context("the solver's answer cannot be read")?,
        Err(RecvTimeoutError::Timeout) => bail!("the solver had no plan after {} s and was killed", limit.as_secs_f64()),
        Err(RecvTimeoutError::Disconnected) => bail!("the solver's answer was lost"),
    };
    let plan: Plan = serde_json::from_slice(&answer).context("the solver's answer is no plan")?;
    ensure!(fits(question, &plan), "the solver's plan is not for this question");
    judge(question, &plan.schedule).map_err(|broken| anyhow::anyhow!("the solver's plan is refused: {broken}"))?;
    Ok(plan)
}

/// Whether the plan has a number for every step, class and mode.
fn fits(question: &Question, plan: &Plan) -> bool {
    let classes = |step: &Vec<Vec<u32>>| {
        step.len() == question.classes.len()
            && step.iter().zip(&question.classes).all(|(counts, class)| counts.len() == class.modes.len())
    };
    plan.schedule.len() == question.steps.len() && plan.schedule.iter().all(classes)
}

#[cfg(test)]
mod tests {
    use offpeak_horizon::story;

    use super::*;

    fn planner(script: &str, limit: Duration) -> Planner {
        Planner::with_command(vec!["/bin/sh".into(), "-c".into(), script.into()], limit)
    }

    fn good() -> (Question, String) {
        let question = story(8, 8);
        let plan = plan(&question).unwrap();
        (question, serde_json::to_string(&plan).unwrap())
    }

    #[test]
    fn a_hung_solver_is_killed_and_nobody_waits() {
        let (question, _) = good();
        let planner = planner("while :; do read line || :; done", Duration::ZERO);
        let ended = planner.ask(question).unwrap();
        assert!(planner.last().is_none());
        ended.recv().unwrap();
        assert!(planner.trouble().unwrap().contains("was killed"));
    }

    #[test]
    fn the_last_good_plan_stands_when_the_solver_fails() {
        let (question, answer) = good();
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("answer");
        std::fs::write(&file, answer).unwrap();
        // What is in the file is what the solver says; without it, it dies.
        let script = format!("cat > /dev/null; cat {} || kill -9 $$", file.display());
        let planner = planner(&script, Duration::from_secs(600));
        planner.ask(question.clone()).unwrap().recv().unwrap();
        assert_eq!(planner.trouble(), None);
        let first = planner.last().unwrap();

        for (said, trouble) in [
            (Some("{\"origin\": \"programme\""), "is no plan"),
            (Some("garbage"), "is no plan"),
            (None, "is no plan"),
        ] {
            match said {
                Some(said) => std::fs::write(&file, said).unwrap(),
                None => std::fs::remove_file(&file).unwrap(),
            }
            planner.ask(question.clone()).unwrap().recv().unwrap();
            assert!(planner.trouble().unwrap().contains(trouble), "{:?}", planner.trouble());
            assert_eq!(planner.last().unwrap(), first);
        }
        let mut overfull = (*first).clone();
        overfull.schedule[0][0][0] += 1_000_000;
        std::fs::write(&file, serde_json::to_string(&overfull).unwrap()).unwrap();
        planner.ask(question.clone()).unwrap().recv().unwrap();
        assert!(planner.trouble().unwrap().contains("is refused"), "{:?}", planner.trouble());
        overfull.schedule.pop();
        std::fs::write(&file, serde_json::to_string(&overfull).unwrap()).unwrap();
        planner.ask(question).unwrap().recv().unwrap();
        assert!(planner.trouble().unwrap().contains("not for this question"), "{:?}", planner.trouble());
        assert_eq!(planner.last().unwrap(), first);
    }

    #[test]
    fn one_question_at_a_time() {
        let (question, _) = good();
        let planner = planner("exec sleep 600", Duration::from_millis(200));
        let ended = planner.ask(question.clone()).unwrap();
        assert!(planner.ask(question.clone()).is_none());
        ended.recv().unwrap();
        assert!(planner.ask(question).is_some());
    }
}
