//! The real loop over the twin's machines in virtual time, with a solver that hangs.

use std::collections::BTreeSet;
use std::path::Path;

use offpeak_dispatch::Controller;
use offpeak_dispatch::ahead::better;
use offpeak_drivers::clock::Clock;
use offpeak_drivers::fronts::{Addressing, Fronts, Layout};
use offpeak_server::SiteHandle as _;
use offpeak_server::view::AheadState;
use offpeak_store::Book;
use offpeak_twin::{Initial, Plant, Scenario};
use tokio::time::sleep;

use super::super::answer::Answers;
use super::super::live;
use super::super::plant_io::Wire;
use super::tests::{LONG, local, planner, site};
use super::*;

/// Plant seconds that each wait gets; a mine that does not do in them what is waited for never does.
const PATIENCE: usize = 100_000;

/// The mine at work. Tokio's time is the plant's: it leaps from timer to timer.
pub(in super::super) fn mine(dir: &Path) -> (Arc<Shared>, Answers) {
    mine_of(site(), dir)
}

pub(in super::super) fn mine_of(site: Site, dir: &Path) -> (Arc<Shared>, Answers) {
    mine_with(site, Scenario::healthy(), dir)
}

/// A mine whose machines have their faults.
pub(in super::super) fn mine_with(mut site: Site, scenario: Scenario, dir: &Path) -> (Arc<Shared>, Answers) {
    let layout = Layout::plan(&site, Addressing::InMemory).unwrap();
    layout.apply(&mut site);
    let site = Arc::new(site);
    let scenario = Scenario { initial: Initial::Running, ..scenario };
    let plant = Plant::new(Arc::clone(&site), &scenario, 1, local(8, 50));
    let fronts = Fronts::new(plant, layout, Clock::starting_at(local(8, 50))).unwrap();
    let wire = Wire { connector: fronts.connector(), clock: fronts.clock(), speed: 1, logins: None };
    let book = Arc::new(Book::open(&dir.join("book.sqlite")).unwrap());
    let controller =
        Controller::new(Arc::clone(&site), live::recall(&site, &book, wire.clock.now()).unwrap());
    let shared = Shared::new(site, wire, book, None, None).unwrap();
    tokio::spawn(async move { fronts.run().await });
    tokio::spawn(live::run(Arc::clone(&shared), controller));
    let answers = Answers::new(Arc::clone(&shared), 1, "in-memory streams, virtual time");
    (shared, answers)
}

pub(in super::super) async fn until(what: &str, done: impl Fn() -> bool) {
    for _ in 0..PATIENCE {
        if done() {
            return;
        }
        sleep(Duration::from_secs(1)).await;
    }
    panic!("never: {what}");
}

/// So many seconds of the loop: the plant seconds at which a cycle ran.
async fn seconds(shared: &Shared, count: usize) -> BTreeSet<i64> {
    let mut seen = BTreeSet::new();
    for _ in 0..count {
        sleep(Duration::from_secs(1)).await;
        seen.extend(lock(&shared.latest).as_ref().map(|latest| latest.cycle.at.as_second()));
    }
    seen
}

fn is_alive(pid: &Path) -> bool {
    let pid = std::fs::read_to_string(pid).unwrap();
    Path::new("/proc").join(pid.trim()).exists()
}

#[tokio::test(start_paused = true)]
async fn the_loop_keeps_its_second_while_the_solver_hangs_and_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let (shared, answers) = mine(dir.path());
    assert!(answers.view(0).ahead.why.unwrap().contains("nobody plans"));
    until("a cycle with every machine asked", || {
        lock(&shared.latest).as_ref().is_some_and(|latest| latest.memory.ready)
    })
    .await;

    // The last good plan.
    let latest = lock(&shared.latest).clone().unwrap();
    let standings = &latest.cycle.loads.standings;
    let put = ask(&shared.site(), &Directives::default(), &latest.memory.counts, standings, latest.cycle.at)
        .unwrap();
    let good = Arc::new(put.outlook(&better(&put.question, None).unwrap()));
    lock(&shared.directives).ahead = Some(Arc::clone(&good));

    // A solver that hangs until somebody opens the other end of its pipe, and may hang for long.
    let (pid, pipe) = (dir.path().join("pid"), dir.path().join("pipe"));
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let hangs = format!("echo $$ > {0}.new; mv {0}.new {0}; exec cat {1}", pid.display(), pipe.display());
    let following = tokio::spawn(follow(Arc::clone(&shared), planner(&hangs, LONG)));
    until("the solver is started", || pid.exists()).await;
    let before = answers.cycle();
    let seen = seconds(&shared, 120).await;
    assert!(is_alive(&pid), "it hangs all the while");
    assert!(seen.len() >= 119, "a cycle in every second: {} of 120", seen.len());
    assert!(answers.cycle() - before >= 119, "{} cycles", answers.cycle() - before);
    let shown = answers.view(0).ahead;
    assert_eq!((shown.state, shown.made_at), (AheadState::InForce, Some(good.made_at)));
    following.abort();
    drop(std::fs::File::options().write(true).open(&pipe).unwrap());

    // The same with a limit: it is killed, the status says so, and the last good plan stands.
    std::fs::remove_file(&pid).unwrap();
    let pid_first = format!("echo $$ > {}; while :; do :; done", pid.display());
    let following = tokio::spawn(follow(Arc::clone(&shared), planner(&pid_first, Duration::from_millis(1))));
    until("the status says it", || matches!(*lock(&shared.asking), Asking::Failed { .. })).await;
    let shown = answers.view(0).ahead;
    assert!(shown.why.as_ref().is_some_and(|why| why.contains("was killed")), "{shown:?}");
    assert!(shown.made_at == Some(good.made_at) && shown.state != AheadState::None, "{shown:?}");
    assert!(Arc::ptr_eq(lock(&shared.directives).ahead.as_ref().unwrap(), &good));
    // Killed before it could say which one it was, or gone by now: it is waited for before the failure is told.
    assert!(!pid.exists() || std::fs::read_to_string(&pid).unwrap().is_empty() || !is_alive(&pid));
    let before = answers.cycle();
    seconds(&shared, 60).await;
    assert!(answers.cycle() - before >= 59, "the loop goes on");

    // Once it is too old it says nothing, and the status says that too.
    until("the plan is too old", || answers.view(0).ahead.state == AheadState::TooOld).await;
    let shown = answers.view(0).ahead;
    assert!(shown.keeps_out.is_empty() && shown.why.is_some(), "{shown:?}");
    following.abort();

    // Where no solver is installed, that is what is told.
    let nowhere = Planner::of_run(Some("/nowhere/offpeak-horizon".into()));
    let following = tokio::spawn(follow(Arc::clone(&shared), nowhere));
    until("the status says that it is not installed", || {
        let why = answers.view(0).ahead.why.unwrap_or_default();
        why.contains("`/nowhere/offpeak-horizon` is not installed")
    })
    .await;
    following.abort();
}
