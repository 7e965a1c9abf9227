//! `offpeak simulate`: a site's days in virtual time, and one object that says how they went.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};
use offpeak_site::{CircuitIx, Site};
use offpeak_twin::{Excess, Faults, Pace, Scenario, Simulation};
use offpeak_units::{Money, Power};
use serde::Serialize;

use super::ahead::Foresight;
use super::record::{RecordedRows, SimulationRecord};
use crate::cli;
use crate::commands::{load, print, print_json, progress};
use crate::exit::Exit;

/// What to simulate.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    /// The first civil day at the site, from midnight.
    pub(crate) from: Date,
    /// How many civil days.
    pub(crate) days: u32,
    /// Replays everything.
    pub(crate) seed: u64,
    /// Whether quiet seconds are leapt.
    pub(crate) pace: Pace,
    /// Without plans for the hours ahead.
    pub(crate) hour_by_hour: bool,
}

/// How it went. Energy is at the revenue meter, excess on the noise-free power.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    site: String,
    from: Timestamp,
    to: Timestamp,
    seed: u64,
    machines: usize,
    energy_kwh: f64,
    /// In exahashes.
    hashes: f64,
    hours_running: f64,
    running_share: f64,
    limit_excess_count: u64,
    limit_excess_kw_max: f64,
    /// The worst excess, with the machines that drew against a command.
    limit_excess_worst: Option<ExcessReport>,
    commands: u64,
    commands_confirmed: u64,
    /// Batches of commands, by what the circuit's meter makes of the machines' word.
    batches_meter_agrees: u64,
    batches_meter_disagrees: u64,
    batches_machine_only: u64,
    checker_vetoes: u64,
    cycles: u64,
    seconds_leapt: u64,
    /// `null` where a stretch had no known price.
    cost: Option<f64>,
    revenue: Option<f64>,
    margin: Option<f64>,
    currency: String,
    /// Where a start costs something: how many there were, and the margin without what they cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    starts: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    margin_after_starts: Option<f64>,
    /// Plans for the hours ahead, those that failed, and what they promised more than acting hour by hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    plans_ahead: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plans_failed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plans_promise_percent: Option<f64>,
    wall_ms: u128,
    /// What was recorded, where it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    recorded: Option<RecordedRows>,
}

/// A circuit above its limit, in the worst second.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ExcessReport {
    circuit: String,
    at: Timestamp,
    power_kw: f64,
    limit_kw: f64,
    /// Machines below it that drew power although they were last asked to sleep, and their power.
    machines: Vec<String>,
    machines_kw: f64,
}

fn excess(site: &Site, simulation: &Simulation, worst: &Excess) -> ExcessReport {
    let culprits = &simulation.judge().verdict().culprits;
    ExcessReport {
        circuit: site.circuits.get(worst.circuit).id.clone(),
        at: worst.at,
        power_kw: worst.power.to_kilowatts_f64(),
        limit_kw: worst.limit.to_kilowatts_f64(),
        machines: culprits.iter().map(|culprit| site.machine(culprit.machine).id.clone()).collect(),
        machines_kw: culprits.iter().map(|culprit| culprit.power).sum::<Power>().to_kilowatts_f64(),
    }
}

pub(crate) fn simulate_command(args: cli::Simulate) -> Result<Exit> {
    let Some(site) = load(&args.site)? else { return Ok(Exit::Mistakes) };
    let pace = if args.step { Pace::Step } else { Pace::Leap };
    let faults = Faults { unswitched: args.unswitched, ..Faults::default() };
    let scenario = Scenario { faults, ..Scenario::default() };
    let span =
        Span { from: args.from, days: args.days, seed: args.seed, pace, hour_by_hour: args.hour_by_hour };
    let bar = progress(u64::from(args.days) * 1_440);
    let report = simulate(Arc::new(site), &scenario, &span, args.record.as_deref(), |share| {
        bar.set_position((share * f64::from(args.days) * 1_440.0) as u64);
    })?;
    bar.finish_and_clear();
    if args.json {
        print_json(&report)?
    } else {
        print(&report.to_string())?
    }
    Ok(if report.limit_excess_count == 0 { Exit::Done } else { Exit::LimitExceeded })
}

impl Report {
    /// How long it took.
    pub(crate) fn wall_s(&self) -> f64 {
        self.wall_ms as f64 / 1e3
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let money = |amount: Option<f64>| {
            amount.map_or_else(|| "not known".to_owned(), |amount| format!("{amount:.2} {}", self.currency))
        };
        writeln!(
            f,
            "{}: {} machines, {} to {}, seed {}",
            self.site, self.machines, self.from, self.to, self.seed
        )?;
        writeln!(f, "energy     {:.3} MWh at the revenue meter", self.energy_kwh / 1e3)?;
        writeln!(f, "hashes     {:.3} EH", self.hashes)?;
        writeln!(
            f,
            "running    {:.2} h, {:.2} % of the time",
            self.hours_running,
            self.running_share * 100.0
        )?;
        writeln!(
            f,
            "excess     {} second(s) above a limit, {:.3} kW at worst",
            self.limit_excess_count, self.limit_excess_kw_max
        )?;
        if let Some(worst) = &self.limit_excess_worst {
            let count = worst.machines.len();
            writeln!(
                f,
                "           at {} on {}: {:.3} kW of {:.3} kW; {count} machine(s) drew {:.3} kW against a command",
                worst.circuit, worst.at, worst.power_kw, worst.limit_kw, worst.machines_kw
            )?;
        }
        writeln!(f, "commands   {}, of which {} confirmed", self.commands, self.commands_confirmed)?;
        writeln!(
            f,
            "meter      agrees with {} batches of them, disagrees with {}, cannot tell of {}",
            self.batches_meter_agrees, self.batches_meter_disagrees, self.batches_machine_only
        )?;
        writeln!(f, "checker    {} objection(s)", self.checker_vetoes)?;
        writeln!(f, "cost       {}", money(self.cost))?;
        writeln!(f, "revenue    {}", money(self.revenue))?;
        writeln!(f, "margin     {}", money(self.margin))?;
        if let Some(starts) = self.starts {
            writeln!(f, "starts     {starts}; {} after what they cost", money(self.margin_after_starts))?;
        }
        if let (Some(made), Some(failed)) = (self.plans_ahead, self.plans_failed) {
            let promise = self.plans_promise_percent.unwrap_or(0.0);
            writeln!(
                f,
                "ahead      {made} plans, {failed} failed; on average {promise:.2} % more than hour by hour"
            )?;
        }
        if let Some(recorded) = &self.recorded {
            writeln!(
                f,
                "recorded   {} rows of {} machine-minutes in {} bytes, {:.3} bytes a machine-minute",
                recorded.rows,
                recorded.machine_minutes,
                recorded.bytes,
                recorded.bytes as f64 / recorded.machine_minutes.max(1) as f64
            )?;
        }
        write!(
            f,
            "cycles     {} run, {} seconds leapt, in {:.1} s",
            self.cycles,
            self.seconds_leapt,
            self.wall_s()
        )
    }
}

/// Runs it. `progress` hears the share done, now and then.
pub(crate) fn simulate(
    site: Arc<Site>,
    scenario: &Scenario,
    span: &Span,
    record: Option<&Path>,
    mut progress: impl FnMut(f64),
) -> Result<Report> {
    let began = Instant::now();
    let (from, to) = bounds(&site, span)?;
    let mut simulation = Simulation::new(Arc::clone(&site), scenario, span.seed, from, span.pace);
    let mut record = record.map(|dir| SimulationRecord::begin(&site, dir, &simulation)).transpose()?;
    let length = (to.as_second() - from.as_second()).max(1);
    let mut next_report = from;
    let costs = &site.economics.costs;
    let depend = costs.start.is_some() || !costs.demand_charges.is_empty() || !site.rules.budgets.is_empty();
    let plans = depend && !span.hour_by_hour;
    let mut foresight = plans.then(|| Foresight::new(from));
    while simulation.plant().now() < to {
        if let Some(foresight) = &mut foresight
            && let Some(orders) = foresight.plan(
                &site,
                simulation.directives(),
                &simulation.controller().memory().counts,
                simulation.plant().now(),
            )
        {
            simulation.set_directives(orders);
        }
        let second = simulation.second();
        if let (Some(foresight), Some(cycle)) = (&mut foresight, &second.cycle) {
            foresight.look(&cycle.loads.standings);
        }
        if let Some(record) = &mut record {
            record.second(&simulation, second)?;
        }
        let now = simulation.plant().now();
        if now >= next_report {
            progress((now.as_second() - from.as_second()) as f64 / length as f64);
            next_report = now + 10.minutes();
        }
    }
    simulation.close_books();
    let recorded = record.map(|record| record.end(length.unsigned_abs())).transpose()?;
    let mut report = report(&site, &simulation, span, (from, to), began.elapsed().as_millis());
    report.recorded = recorded;
    report.plans_ahead = foresight.as_ref().map(|foresight| foresight.made);
    report.plans_failed = foresight.as_ref().map(|foresight| foresight.failed);
    report.plans_promise_percent = foresight.as_ref().and_then(Foresight::more_percent);
    Ok(report)
}

/// The civil days as instants.
fn bounds(site: &Site, span: &Span) -> Result<(Timestamp, Timestamp)> {
    let midnight = |date: Date| {
        site.time_zone
            .to_timestamp(date.at(0, 0, 0, 0))
            .with_context(|| format!("{date} has no midnight at the site"))
    };
    let last =
        span.from.checked_add(i64::from(span.days).days()).context("the days run past the calendar")?;
    Ok((midnight(span.from)?, midnight(last)?))
}

fn report(
    site: &Site,
    simulation: &Simulation,
    span: &Span,
    (from, to): (Timestamp, Timestamp),
    wall_ms: u128,
) -> Report {
    let totals = simulation.totals();
    let start = site.economics.costs.start;
    let verdict = simulation.judge().verdict();
    let seconds = (to.as_second() - from.as_second()) as f64;
    let margin = totals.revenue.zip(totals.cost).and_then(|(revenue, cost)| revenue.checked_sub(cost).ok());
    Report {
        site: site.id.clone(),
        from,
        to,
        seed: span.seed,
        machines: site.machines.len(),
        energy_kwh: simulation.plant().energy(CircuitIx::ROOT).to_kilowatt_hours_f64(),
        hashes: simulation.plant().hashes().to_exahashes_f64(),
        hours_running: totals.running_seconds as f64 / 3_600.0,
        running_share: totals.running_seconds as f64 / seconds,
        limit_excess_count: verdict.seconds,
        limit_excess_kw_max: verdict.worst.map_or(0.0, |worst| worst.above().to_kilowatts_f64()),
        limit_excess_worst: verdict.worst.map(|worst| excess(site, simulation, &worst)),
        commands: totals.commands,
        commands_confirmed: totals.confirmed,
        batches_meter_agrees: totals.batches_agreed,
        batches_meter_disagrees: totals.batches_disagreed,
        batches_machine_only: totals.batches_machine_only,
        checker_vetoes: totals.vetoes,
        cycles: totals.cycles,
        seconds_leapt: totals.leapt,
        cost: totals.cost.map(cents),
        revenue: totals.revenue.map(cents),
        margin: margin.map(cents),
        currency: site.economics.currency.to_string(),
        starts: start.map(|_| totals.starts),
        margin_after_starts: start.zip(margin).and_then(|(start, margin)| {
            let spent = start.amount().checked_mul(totals.starts.into())?;
            margin.checked_sub(Money::new(spent, start.currency())).ok().map(cents)
        }),
        plans_ahead: None,
        plans_failed: None,
        plans_promise_percent: None,
        wall_ms,
        recorded: None,
    }
}

fn cents(money: Money) -> f64 {
    money.round_to_cents().amount().try_into().unwrap_or(f64::NAN)
}
