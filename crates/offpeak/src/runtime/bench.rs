//! `offpeak bench`: this machine's figures. Each part runs in a process of its own, so that memory and CPU
//! time are its own; the twin that polls are measured against runs in another.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use offpeak_drivers::bench::bench_poll;
use offpeak_drivers::fronts::{Addressing, Layout, Ports};
use offpeak_drivers::poll::Target;
use offpeak_twin::{Pace, Scenario};

use super::simulate::{Span, simulate};
use super::{demo_site, files};
use crate::cli;
use crate::commands::{load, print, print_json};
use crate::exit::Exit;

/// Machines polled, and for how long.
const MACHINES: u32 = 5_000;
const POLL_FOR: Duration = Duration::from_secs(8);

type Figures = BTreeMap<String, f64>;

pub(crate) fn bench_command(args: cli::Bench) -> Result<Exit> {
    files::raise_limit();
    if let Some(part) = &args.part {
        print_json(&measure(part, &args.site)?)?;
        return Ok(Exit::Done);
    }
    let mut figures = Figures::new();
    figures.append(&mut in_own_process("simulate_week", &args.site)?);
    for (family, model) in [("whatsminer", "M30S"), ("antminer", "S19")] {
        let mut found = poll(model)?;
        let rate = found.remove("poll_per_s").context("the part gives its rate")?;
        figures.insert(format!("poll_{family}_per_s"), rate);
        for (name, value) in found {
            let worst = figures.entry(name).or_insert(value);
            *worst = worst.max(value);
        }
    }
    for (name, value) in &figures {
        print(&format!("{name:24} {value:>12.3}"))?;
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
        "poll" => poll_here(site),
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

/// Ends the twin whatever happens.
struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Polls a twin of one family, served by a process of its own.
fn poll(model: &str) -> Result<Figures> {
    let folder = std::env::temp_dir().join(format!("offpeak-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let site = folder.join(format!("{model}.toml"));
    std::fs::write(&site, demo_site::site_text_of(MACHINES, &[model]))?;
    let mut twin = Served(
        Command::new(std::env::current_exe()?)
            .args(["twin", "--running", "--healthy", "--for", "5m"])
            .arg(&site)
            .stdout(Stdio::piped())
            .spawn()?,
    );
    let stdout = twin.0.stdout.take().context("the twin's output is piped")?;
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    ensure!(line.starts_with('{'), "the twin did not come up");
    let figures = in_own_process("poll", &site);
    drop(twin);
    let _ = std::fs::remove_dir_all(&folder);
    figures
}

fn poll_here(path: &Path) -> Result<Figures> {
    let mut site = load(path)?.context("the site file has mistakes")?;
    Layout::plan(&site, Addressing::AddressPerMachine(Ports::for_this_user()))?.apply(&mut site);
    let target = |(machine, entry): (_, &offpeak_site::Machine)| {
        let family = site.model(entry.model).family;
        entry.endpoint.map(|endpoint| Target { machine, family, endpoint, mac: None })
    };
    let targets: Vec<Target> = site.machines().filter_map(target).collect();
    let machines = targets.len();
    let found = bench_poll(targets, POLL_FOR)?;
    ensure!(found.read == machines, "{} of {machines} machines were read", found.read);
    ensure!(found.troubles == 0, "{} readings ended in trouble", found.troubles);
    let mut figures = Figures::from([("poll_per_s".to_owned(), found.per_second)]);
    // Not known outside Linux, and then not among the figures.
    figures.extend(found.cpu_ms.map(|cpu| ("poll_cpu_ms".to_owned(), cpu)));
    figures.extend(found.rss_mb.map(|rss| ("poll_rss_mb".to_owned(), rss)));
    Ok(figures)
}
