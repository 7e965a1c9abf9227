//! `offpeak bench`: this machine's figures. Each part runs in a process of its own, so that memory and CPU
//! time are its own; the twin that polls are measured against runs in another.
//!
//! Not here: what the figures should be (`docs/benchmarks.md`).

mod api;
mod fleet;
mod peer;
mod poll;
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
use crate::commands::{load, print, print_json};
use crate::exit::Exit;

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
    tell(in_own_process("simulate_week", &args.site)?)?;
    tell(in_own_process("api", &args.site)?)?;
    for kind in &fleet::KINDS {
        tell(poll::of_kind(kind)?)?;
    }
    tell(poll::of_a_whole_mine()?)?;
    tell(shed::of_all_kinds()?)?;
    if let Some(path) = &args.out {
        std::fs::write(path, serde_json::to_string_pretty(&figures)?)
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(Exit::Done)
}

fn measure(part: &str, site: &Path) -> Result<Figures> {
    match part {
        "simulate_week" => week(site),
        "api" => api::api_here(),
        "poll" => poll::poll_here(site),
        "plan" => poll::plan_here(site),
        "peer" => peer::peer_here(site),
        "shed" => shed::shed_here(site),
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

/// A week of the story's site.
fn week(path: &Path) -> Result<Figures> {
    let site = load(path)?.context("the site file has mistakes")?;
    let span = Span { from: jiff::civil::date(2022, 10, 3), days: 7, seed: 1, pace: Pace::Leap };
    let report = simulate(Arc::new(site), &Scenario::default(), &span, |_| {})?;
    Ok(Figures::from([("simulate_week_s".to_owned(), report.wall_s())]))
}
