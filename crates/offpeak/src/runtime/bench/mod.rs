//! `offpeak bench`: this machine's figures. Each part runs in a process of its own, so that memory and CPU
//! time are its own; the twin that polls are measured against runs in another.
//!
//! Not here: what the figures should be (`docs/benchmarks.md`).

mod api;
mod dispatch;
mod fleet;
mod lake;
mod observatory;
mod peer;
mod poll;
mod scan;
mod shed;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail, ensure};
use offpeak_twin::{Pace, Scenario};

use super::files;
use super::simulate::{Span, simulate};
use crate::cli;
use crate::commands::{beside, load, print, print_json};
use crate::exit::{Exit, WrongUsage};

/// What can be measured alone with `--only`.
const PARTS: [&str; 10] =
    ["observatory", "dispatch", "ahead", "week", "poll", "mine", "scan", "shed", "lake", "api"];

/// By name, in the order of names.
type Figures = BTreeMap<String, f64>;

pub(crate) fn bench_command(args: cli::Bench) -> Result<Exit> {
    files::raise_limit();
    if let Some(part) = &args.part {
        print_json(&measure(part, &args.site)?)?;
        return Ok(Exit::Done);
    }
    let mut figures = Figures::new();
    let mut tell = |more: Figures| -> Result<()> {
        for (name, value) in &more {
            print(&format!("{name:44} {value:>12.3}"))?;
        }
        figures.extend(more);
        Ok(())
    };
    let asked = |part: &str| args.only.as_deref().is_none_or(|only| only == part);
    if let Some(only) = args.only.as_deref().filter(|only| !PARTS.contains(only)) {
        return Err(WrongUsage(format!("there is no part `{only}`: {}", PARTS.join(", "))).into());
    }
    if asked("observatory") {
        tell(in_own_process("observatory", &args.site)?)?;
    }
    if asked("dispatch") {
        tell(in_own_process("dispatch", &args.site)?)?;
    }
    if asked("ahead") {
        tell(ahead()?)?;
    }
    if asked("week") {
        tell(in_own_process("simulate_week", &args.site)?)?;
    }
    if asked("poll") {
        for kind in &fleet::KINDS {
            tell(poll::of_kind(kind)?)?;
        }
    }
    if asked("mine") {
        tell(poll::of_a_whole_mine()?)?;
    }
    if asked("scan") {
        tell(scan::of_a_range()?)?;
    }
    if asked("shed") {
        tell(shed::of_all_kinds()?)?;
    }
    if asked("lake") {
        tell(in_own_process("lake", &args.site)?)?;
    }
    if asked("api") {
        tell(in_own_process("api", &args.site)?)?;
    }
    if let Some(path) = &args.out {
        std::fs::write(path, serde_json::to_string_pretty(&figures)?)
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(Exit::Done)
}

fn measure(part: &str, site: &Path) -> Result<Figures> {
    match part {
        "simulate_week" => week(site),
        "observatory" => observatory::observatory_here(),
        "dispatch" => dispatch::dispatch_here(),
        "api" => api::api_here(),
        "poll" => poll::poll_here(site),
        "plan" => poll::plan_here(site),
        "peer" => peer::peer_here(site),
        "scan" => scan::scan_here(site),
        "shed" => shed::shed_here(site),
        "lake" => lake::lake_here(site),
        other => bail!("there is no part `{other}`"),
    }
}

fn in_own_process(part: &str, site: &Path) -> Result<Figures> {
    let output = Command::new(std::env::current_exe()?)
        .args(["bench", "--part", part, "--site"])
        .arg(site)
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "the part `{part}` failed");
    serde_json::from_slice(&output.stdout).with_context(|| format!("the part `{part}` gave no figures"))
}

/// HiGHS: the plan for the hours ahead, and what it takes for the moments of the part `dispatch`.
fn ahead() -> Result<Figures> {
    let output = Command::new(beside("offpeak-horizon")).arg("bench").stderr(Stdio::inherit()).output();
    let output = output.context("offpeak-horizon cannot be started\nhint: `make horizon` builds it")?;
    ensure!(output.status.success(), "offpeak-horizon failed");
    serde_json::from_slice(&output.stdout).context("offpeak-horizon gave no figures")
}

/// The middle one of some times.
fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// A week of the story's site.
fn week(path: &Path) -> Result<Figures> {
    let site = load(path)?.context("the site file has mistakes")?;
    let span = Span {
        from: jiff::civil::date(2022, 10, 3),
        days: 7,
        seed: 1,
        pace: Pace::Leap,
        hour_by_hour: false,
    };
    let report = simulate(Arc::new(site), &Scenario::default(), &span, None, |_| {})?;
    Ok(Figures::from([("simulate_week_s".to_owned(), report.wall_s())]))
}
