use std::path::Path;

use offpeak_dispatch::ahead::{better, story};
use offpeak_site::Site;
use offpeak_twin::{Pace, Scenario, Simulation};

use super::*;

pub(in super::super) fn planner(script: &str, limit: Duration) -> Planner {
    Planner { command: vec!["/bin/sh".into(), "-c".into(), script.into()], limit }
}

pub(in super::super) const LONG: Duration = Duration::from_secs(600);

fn good() -> (Question, Plan) {
    let question = story(8, 8);
    let plan = better(&question, None).unwrap();
    (question, plan)
}

fn says(dir: &Path, said: &str) -> Planner {
    let file = dir.join("answer");
    std::fs::write(&file, said).unwrap();
    planner(&format!("cat > /dev/null; cat {}", file.display()), LONG)
}

#[test]
fn what_the_program_says_is_judged() {
    let (question, plan) = good();
    let dir = tempfile::tempdir().unwrap();
    let json = |plan: &Plan| serde_json::to_string(plan).unwrap();
    let mut overfull = plan.clone();
    overfull.schedule[0][0][0] += 1_000_000;
    let mut short = plan.clone();
    short.schedule.pop();
    let whole = json(&plan);
    let cases = [
        (whole.clone(), None),
        (whole[..whole.len() / 2].to_owned(), Some("is no plan")),
        ("garbage".to_owned(), Some("is no plan")),
        (String::new(), Some("is no plan")),
        (json(&overfull), Some("is refused")),
        (json(&short), Some("not for this question")),
    ];
    for (said, trouble) in cases {
        let answer = says(dir.path(), &said).answer(&question);
        match trouble {
            None => assert_eq!(answer.unwrap(), plan),
            Some(trouble) => {
                let told = format!("{:#}", answer.unwrap_err());
                assert!(told.contains(trouble), "{told}");
            }
        }
    }
}

#[test]
fn a_program_that_hangs_is_killed_and_one_that_dies_or_is_not_there_is_told() {
    let (question, _) = good();
    let told = |planner: &Planner| format!("{:#}", planner.answer(&question).unwrap_err());
    let hung = planner("while :; do read line || :; done", Duration::from_millis(1));
    assert!(told(&hung).contains("was killed"));
    assert!(told(&planner("kill -9 $$", LONG)).contains("is no plan"));
    let missing = Planner { command: vec!["/nowhere/offpeak-horizon".into()], limit: LONG };
    assert!(told(&missing).contains("is not installed"));
}

/// The small example site, allowed to run all day, with one dear hour a working day in which no machine earns its
/// power, and with starts that cost more than running through it.
pub(in super::super) fn site() -> Site {
    let mut text =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../sites/small.toml")).unwrap();
    let dear = "from = \"09:00\", to = \"10:00\", price_per_kwh = 46 },\n  { days = \"workdays\", from = \"10:00\", to = \"24:00\", price_per_kwh = 26 }";
    for (old, new) in [
        ("[prices]\n", "[prices]\nstart_cost = 60\n"),
        ("from = \"00:00\"\nto = \"08:00\"\n", "from = \"00:00\"\nto = \"24:00\"\n"),
        ("to = \"08:00\", price_per_kwh = 26", "to = \"09:00\", price_per_kwh = 26"),
        ("from = \"08:00\", to = \"24:00\", price_per_kwh = 46 }", dear),
    ] {
        assert!(text.contains(old), "{old}");
        text = text.replace(old, new);
    }
    offpeak_site::file::load("small.toml", &text, &|_| None).unwrap()
}

/// A Wednesday at the site.
pub(in super::super) fn local(hours: i64, minutes: i64) -> Timestamp {
    let midnight: Timestamp = "2022-10-04T18:00:00Z".parse().unwrap();
    midnight + SignedDuration::from_mins(hours * 60 + minutes)
}

fn simulation(site: &Arc<Site>, pace: Pace) -> Simulation {
    Simulation::new(Arc::clone(site), &Scenario::default(), 1, local(8, 20), pace)
}

/// Every command of some minutes, second by second.
fn commands(simulation: &mut Simulation, seconds: usize) -> Vec<(Timestamp, String)> {
    let mut all = Vec::new();
    for _ in 0..seconds {
        let cycle = simulation.second().cycle.expect("a cycle runs every second");
        all.extend(cycle.commands.iter().map(|command| (cycle.at, format!("{command:?}"))));
    }
    all
}

/// The loop's seconds go on while a program hangs: they are run through with the question open, and are those of a
/// mine without a plan.
#[test]
fn no_second_waits_for_a_program_that_hangs() {
    let site = Arc::new(site());
    let mut plain = simulation(&site, Pace::Step);
    let expected = commands(&mut plain, 1_200);
    assert!(!expected.is_empty());

    let mut held = simulation(&site, Pace::Step);
    let mut got = commands(&mut held, 60);
    let standings = vec![Standing::Asleep; site.machines.len()];
    let put = ask(&site, held.directives(), &Counts::new(&site), &standings, held.plant().now()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // It hangs until somebody opens the other end of the pipe.
    let mut open = planner(&format!("cat {}", pipe.display()), LONG).ask(put.question);
    got.extend(commands(&mut held, 1_140));
    assert!(open.try_recv().is_err(), "it hangs all the while");
    drop(std::fs::File::options().write(true).open(&pipe).unwrap());
    assert!(open.blocking_recv().unwrap().1.is_err());
    assert_eq!(got, expected);
}

/// The last good plan stands while the program fails, and is let go when it is too old.
#[test]
fn the_last_good_plan_stands_until_it_is_too_old() {
    let site = site();
    let now = local(8, 20);
    let mut foresight = Foresight::new(now);
    foresight.look(&vec![Standing::Running; site.machines.len()]);
    let nothing = Directives::default();
    let counts = Counts::new(&site);
    let put = ask(&site, &nothing, &counts, &foresight.standings, now).unwrap();
    let plan = better(&put.question, None).unwrap();
    let dir = tempfile::tempdir().unwrap();
    foresight.planner = says(dir.path(), &serde_json::to_string(&plan).unwrap());
    let first = foresight.plan(&site, &nothing, &counts, now).unwrap().ahead.unwrap();
    assert_eq!(first.made_at, now);
    assert_eq!(foresight.plan(&site, &nothing, &counts, now), None, "not before it is time");

    for script in ["kill -9 $$", "echo garbage"] {
        foresight.planner = planner(script, LONG);
        let later = foresight.next_at;
        assert_eq!(foresight.plan(&site, &nothing, &counts, later).unwrap().ahead.as_ref(), Some(&first));
    }
    assert_eq!((foresight.made, foresight.failed), (1, 2));
    assert!(first.holds_until() <= now + SignedDuration::from_hours(2));
}

/// Without a look ahead everything is stopped for the dear hour and started after it. The plan runs through it; and
/// what has become of it when it is too old is again decided by the hour.
#[test]
fn a_dear_hour_is_run_through_where_starts_cost_more() {
    let site = Arc::new(site());
    let run = |looks_ahead: bool| {
        let mut simulation = simulation(&site, Pace::Leap);
        simulation.run_until(local(8, 50));
        if looks_ahead {
            let standings = vec![Standing::Running; site.machines.len()];
            let put =
                ask(&site, simulation.directives(), &Counts::new(&site), &standings, local(8, 50)).unwrap();
            let outlook = put.outlook(&better(&put.question, None).unwrap());
            let ahead = Some(Arc::new(outlook));
            simulation.set_directives(Directives { ahead, ..simulation.directives().clone() });
        }
        let before = simulation.totals().starts;
        simulation.run_until(local(9, 40));
        let hashing = simulation.plant().hashing();
        simulation.run_until(local(10, 30));
        (hashing, simulation.totals().starts - before)
    };
    let machines = site.machines.len();
    let (hashing, starts) = run(false);
    assert!(hashing == 0 && starts as usize > machines / 2, "{hashing} hash, {starts} starts");
    let (hashing, starts) = run(true);
    assert!(hashing > machines / 2 && starts as usize <= machines / 10, "{hashing} hash, {starts} starts");
}

#[test]
fn where_a_start_costs_nothing_nothing_is_asked() {
    let mut site = site();
    let standings = vec![Standing::Asleep; site.machines.len()];
    let asked = |site: &Site| ask(site, &Directives::default(), &Counts::new(site), &standings, local(8, 20));
    assert!(asked(&site).is_some());
    site.economics.costs.start = None;
    assert_eq!(asked(&site), None);
}
