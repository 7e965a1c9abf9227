//! `offpeak-horizon`: what `offpeak` starts for a plan of the hours ahead. It may be killed at any time.
//!
//! Not here: the programme (`offpeak_horizon`).

use std::io::{Read as _, Write as _};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use offpeak_dispatch::ahead::{Question, story};
use offpeak_dispatch::solve::instance::Instance;
use offpeak_horizon::{plan, reference};
use serde_json::json;

/// More than this is no question: 600 steps of 2,000 classes and circuits fit.
const QUESTION_BYTES_MAX: u64 = 64 << 20;
/// What HiGHS gets for one moment of the benchmark.
const MOMENT_S: f64 = 120.0;

fn main() -> Result<()> {
    // Whoever asked may be gone before there is a plan; then nobody else would end this.
    let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
    let args: Vec<String> = std::env::args().skip(1).collect();
    let answer = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => {
            let mut text = String::new();
            let read = std::io::stdin().lock().take(QUESTION_BYTES_MAX).read_to_string(&mut text);
            read.context("stdin cannot be read")?;
            let question: Question =
                serde_json::from_str(&text).context("not the question that is expected")?;
            serde_json::to_string(&plan(&question)?)?
        }
        ["bench"] => bench()?,
        _ => bail!("usage: offpeak-horizon < QUESTION, or offpeak-horizon bench"),
    };
    let mut out = std::io::stdout().lock();
    writeln!(out, "{answer}").and_then(|()| out.flush()).context("stdout cannot be written")
}

/// HiGHS on the moments and hours that `offpeak bench` measures.
fn bench() -> Result<String> {
    let mut figures = serde_json::Map::new();
    for (machines, name) in [(10_000, "10k"), (100_000, "100k")] {
        let instance = Instance::halls(1, machines, 201, 20);
        let begun = Instant::now();
        let found = reference::solve(&instance, false, MOMENT_S);
        let ms = begun.elapsed().as_secs_f64() * 1e3;
        // What it did not prove is no figure.
        if found.proven {
            figures.insert(format!("dispatch_{name}_highs_ms"), json!(ms));
        }
    }
    let question = story(320, 68);
    let begun = Instant::now();
    let plan = plan(&question)?;
    figures.insert("plan_48h_s".to_owned(), json!(begun.elapsed().as_secs_f64()));
    let more = (plan.margin / plan.margin_hour_by_hour - 1.0) * 100.0;
    figures.insert("plan_48h_more_percent".to_owned(), json!(more));
    let habit = (plan.margin / plan.margin_habit - 1.0) * 100.0;
    figures.insert("plan_48h_more_than_best_habit_percent".to_owned(), json!(habit));
    Ok(serde_json::to_string(&figures)?)
}
