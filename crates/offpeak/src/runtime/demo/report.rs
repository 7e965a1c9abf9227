//! What a headless demo did, as one object or in words.

use std::fmt;
use std::sync::atomic::Ordering;

use jiff::Timestamp;
use serde::Serialize;

use super::discover::Census;
use super::drill::Drill;
use super::{Demo, Stage};
use crate::runtime::answer::Answers;
use crate::runtime::live::lock;
use offpeak_server::SiteHandle as _;
use offpeak_server::view::CommandsView;

/// What a headless demo did.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Report {
    site: String,
    machines: usize,
    found: usize,
    /// Machines that did not answer the scan: none, or behind an open outlet.
    not_found: Vec<String>,
    transport: String,
    speed: u32,
    seed: u64,
    plant_from: Timestamp,
    plant_to: Timestamp,
    plant_s: f64,
    wall_ms: u128,
    ready_ms: u128,
    cycles: u64,
    polls: u64,
    power_kw: Option<f64>,
    limit_kw: Option<f64>,
    commands: CommandsView,
    drill: Option<Drill>,
    /// Judged on the twin's noise-free power.
    pub(super) limit_excess_count: u64,
    checker_vetoes: u64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let commands = self.commands;
        writeln!(
            f,
            "{}: {} of {} machines found over {}",
            self.site, self.found, self.machines, self.transport
        )?;
        writeln!(f, "plant time {} to {}, {} times real time", self.plant_from, self.plant_to, self.speed)?;
        writeln!(f, "wakes      {} sent, {} confirmed", commands.wakes_issued, commands.wakes_confirmed)?;
        writeln!(f, "sleeps     {} sent, {} confirmed", commands.sleeps_issued, commands.sleeps_confirmed)?;
        if let Some(drill) = &self.drill {
            let off = drill
                .all_off_after_s
                .map_or_else(|| "not seen".to_owned(), |after| format!("after {after:.0} s"));
            writeln!(
                f,
                "drill      {} stopped at {}: {} machines, all off {off}",
                drill.circuit, drill.at, drill.hashing_before
            )?;
        }
        write!(f, "excess     {} second(s) above a limit", self.limit_excess_count)
    }
}

/// At its end.
pub(super) fn report(
    demo: &Demo,
    stage: &Stage,
    handle: &Answers,
    census: Census,
    drill: Option<Drill>,
) -> Report {
    let view = handle.view(0);
    Report {
        site: view.site,
        machines: demo.site.machines.len(),
        found: census.found,
        not_found: census.not_found,
        transport: stage.transport.to_owned(),
        speed: demo.speed,
        seed: demo.seed,
        plant_from: stage.plant_from,
        plant_to: view.at,
        plant_s: stage.plant_from.duration_until(view.at).as_secs_f64(),
        wall_ms: stage.began.elapsed().as_millis(),
        ready_ms: stage.ready_ms,
        cycles: lock(&stage.shared.story).cycles,
        polls: stage.shared.polls.load(Ordering::Relaxed),
        power_kw: view.power_kw,
        limit_kw: view.limit.map(|limit| limit.limit_kw),
        commands: view.commands,
        drill,
        limit_excess_count: lock(&stage.judge).verdict().seconds,
        checker_vetoes: view.checker_vetoes,
    }
}
