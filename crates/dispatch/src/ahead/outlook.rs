//! From the site to a question about its hours ahead, and from the plan back to what the second-by-second planner
//! needs: of each model, whether it is worth running in an hour, starts and the hours after it included.
//!
//! The plan says nothing about limits: it only stands in for the question whether a model earns what its power costs.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use offpeak_site::{CircuitIx, ModelIx, OwnerIx, Site};
use offpeak_units::{Currency, HashPrice, Money, Power};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::question::{Circuit, Class, Mode, Plan, Question, Step};
use super::sums::{self, BillingMonth, ChosenPeak};
use crate::counts::Counts;
use crate::directive::Directives;
use crate::envelope::envelope;
use crate::rank;
use crate::standing::Standing;

/// Prices and windows change on the quarter hour at the earliest, so steps do.
const QUARTER_S: i64 = 900;
/// A step is no shorter.
const STEP_LEAST: SignedDuration = SignedDuration::from_mins(5);
/// How far is planned.
const AHEAD: SignedDuration = SignedDuration::from_hours(48);
/// So long in quarters of an hour, after that in hours.
const FINE: SignedDuration = SignedDuration::from_hours(4);
/// A plan that is older than this says nothing any more.
const HOLDS: SignedDuration = SignedDuration::from_hours(2);
/// Bounds the solver's work: some seconds' worth.
const ITERATIONS_MAX: u32 = 200_000;
/// A model is kept out for money only where so many of its machines would have found room.
const ROOM_FOR: f64 = 2.0;

/// A question, and what its numbers stand for.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// For the solver.
    pub question: Question,
    made_at: Timestamp,
    /// When each step begins, and the end of the last.
    begins: Vec<Timestamp>,
    /// By class.
    models: Vec<ModelIx>,
    models_all: usize,
    /// By billing month of the question.
    months: Vec<BillingMonth>,
    currency: Currency,
}

/// Of each model, step by step, whether it is worth running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outlook {
    /// When the question was put: the plan's age counts from then.
    pub made_at: Timestamp,
    /// When each step begins, and the end of the last.
    begins: Vec<Timestamp>,
    /// By step and model; `None` where the plan leaves it to the hour.
    runs: Vec<Vec<Option<bool>>>,
    /// What the plan makes more than acting hour by hour, in parts per million.
    pub more_ppm: i64,
    /// The same as money over all its steps; `None` where it is no number.
    pub more: Option<Money>,
    /// The peak that it has chosen for each billing month; empty where peaks cost nothing.
    pub peaks: Vec<ChosenPeak>,
}

/// What is to be asked at an instant: classes are machines of one model, circuit and owner. `None` where no hour depends
/// on another, since a start costs nothing and there is neither a budget nor a demand charge; or a price is not known
/// for the next hours.
#[must_use]
pub fn ask(
    site: &Site,
    directives: &Directives,
    counts: &Counts,
    standings: &[Standing],
    now: Timestamp,
) -> Option<Asked> {
    let start_cost = site
        .economics
        .costs
        .start_at(directives.feeds.outdoor_at(now))
        .and_then(|cost| cost.amount().to_f64())
        .unwrap_or(0.0);
    if start_cost <= 0.0 && !sums::any(site, now) {
        return None;
    }
    // What the last plan has chosen is no limit of the next.
    let directives = &Directives { ahead: None, ..directives.clone() };
    let mut asked = Asked {
        question: Question { iterations_max: ITERATIONS_MAX, ..Question::default() },
        made_at: now,
        begins: vec![now],
        models: Vec::new(),
        models_all: site.models.len(),
        months: Vec::new(),
        currency: site.economics.currency,
    };
    let hash_price = site.economics.after_fees(rank::hash_price(site, &directives.feeds, now)?);
    let mut limits: Vec<Vec<Option<f64>>> = vec![Vec::new(); site.circuits.len()];
    let mut from = now;
    while from < now + AHEAD {
        // No step but a first of less than five minutes lies in two periods of a budget, or in two months.
        let edge = sums::next_edge(site, from).filter(|edge| *edge >= from + STEP_LEAST);
        let until = edge.map_or(step_end(from, now), |edge| edge.min(step_end(from, now)));
        let Some(price) = site.economics.power_price_at(&site.time_zone, from) else { break };
        let price = site.economics.marginal(price, &site.time_zone, from);
        let minutes = until.duration_since(from).as_secs_f64() / 60.0;
        let price_per_kwh = price.to_per_kilowatt_hour().to_f64()?;
        asked.question.steps.push(Step { minutes, price_per_kwh });
        let most = most(site, directives, from, until);
        limits.iter_mut().zip(most).for_each(|(limits, most)| limits.push(most));
        asked.begins.push(until);
        from = until;
    }
    if asked.question.steps.len() < 2 {
        return None;
    }
    let circuits = site.circuits.iter().zip(limits);
    asked.question.circuits = circuits
        .map(|((_, circuit), limits_kw)| Circuit { above: circuit.parent.map(CircuitIx::ix), limits_kw })
        .collect();
    let ramp = site.circuits.get(CircuitIx::ROOT).ramp;
    asked.question.ramp_up_kw_per_min = ramp.and_then(|ramp| ramp.up_per_minute).map(Power::to_kilowatts_f64);
    add_classes(site, standings, hash_price, start_cost, &mut asked);
    sums::add_budgets(site, counts, now, &asked.begins, &mut asked.question);
    asked.months = sums::add_peaks(site, counts, now, &asked.begins, &mut asked.question);
    (!asked.models.is_empty() && asked.question.check().is_ok()).then_some(asked)
}

/// The first step ends on a quarter hour, at least five minutes on; the fine ones are quarters, the others hours.
fn step_end(from: Timestamp, now: Timestamp) -> Timestamp {
    let seconds = from.as_second();
    let quarter = (seconds.div_euclid(QUARTER_S) + 1) * QUARTER_S;
    let end = match from >= now + FINE {
        true => quarter - QUARTER_S + 3_600,
        false if quarter - seconds < STEP_LEAST.as_secs() => quarter + QUARTER_S,
        false => quarter,
    };
    Timestamp::from_second(end).unwrap_or(Timestamp::MAX)
}

/// By circuit: the most that its machines may draw at some time in a step, without what it draws besides them. Within
/// a step the second-by-second planner keeps the true limit.
fn most(site: &Site, directives: &Directives, from: Timestamp, until: Timestamp) -> Vec<Option<f64>> {
    let mut base = vec![Power::ZERO; site.circuits.len()];
    for (ix, circuit) in site.circuits.iter().rev() {
        base[ix.ix()] += circuit.base_load;
        if let Some(above) = circuit.parent {
            let own = base[ix.ix()];
            base[above.ix()] += own;
        }
    }
    let at = |at: Timestamp| envelope(site, directives, at);
    let ends = [at(from), at(until - SignedDuration::from_secs(1))];
    let kilowatts = |circuit: usize, base: &Power| {
        let of = |envelope: &crate::Envelope| {
            let limits = &envelope.circuits[circuit];
            let stopped = limits.block.is_some_and(|block| block.stops);
            let limit = limits.binding.map(|limit| (limit.power - *base).to_kilowatts_f64().max(0.0));
            if stopped { Some(0.0) } else { limit }
        };
        // No limit at one end is no limit.
        of(&ends[0]).zip(of(&ends[1])).map(|(one, other)| one.max(other))
    };
    base.iter().enumerate().map(|(circuit, base)| kilowatts(circuit, base)).collect()
}

/// Machines that can be run, by model, circuit and owner. One of which nothing is known is left out.
fn add_classes(
    site: &Site,
    standings: &[Standing],
    hash_price: HashPrice,
    start_cost: f64,
    asked: &mut Asked,
) {
    let mut counts: BTreeMap<(ModelIx, CircuitIx, OwnerIx), (u32, u32)> = BTreeMap::new();
    for ((_, machine), standing) in site.machines().zip(standings) {
        let runs = match standing {
            Standing::Running | Standing::Rising => 1,
            Standing::Asleep | Standing::Cut | Standing::Falling => 0,
            Standing::Failed | Standing::Unknown => continue,
        };
        let count = counts.entry((machine.model, machine.circuit, machine.owner)).or_default();
        *count = (count.0 + 1, count.1 + runs);
    }
    let timing = site.rules.timing;
    let minutes = |lasts: SignedDuration| lasts.as_secs_f64() / 60.0;
    for ((model, circuit, _), (machines, running)) in counts {
        let of = site.model(model);
        // Where modes may be changed all of them, least power first.
        let modes =
            if site.rules.tuning.change_modes { &of.modes[..] } else { std::slice::from_ref(of.normal()) };
        let earns = |mode: &offpeak_site::Mode| {
            let hour = hash_price.of(mode.hash_rate.over_millis(3_600_000));
            Some(Mode { power_kw: mode.power.to_kilowatts_f64(), earns_per_h: hour.amount().to_f64()? })
        };
        // What it earns is no number: nothing can be said of it, and nothing is.
        let Some(modes) = modes.iter().map(earns).collect::<Option<Vec<_>>>() else { continue };
        asked.models.push(model);
        asked.question.classes.push(Class {
            circuit: circuit.ix(),
            machines,
            running,
            asleep_kw: of.sleep.to_kilowatts_f64(),
            modes,
            start_cost,
            run_min_minutes: minutes(timing.least_run),
            rest_min_minutes: minutes(timing.least_rest),
        });
    }
}

impl Asked {
    /// When each step begins, and the end of the last.
    #[must_use]
    pub fn begins(&self) -> &[Timestamp] {
        &self.begins
    }

    /// What a plan for this question says of each model. A model runs where at least half of its machines do. It is
    /// kept out where none does although there would have been room for some.
    #[must_use]
    pub fn outlook(&self, plan: &Plan) -> Outlook {
        let question = &self.question;
        let limits = question.limits();
        let mut runs = Vec::with_capacity(plan.schedule.len());
        for (step, counts) in plan.schedule.iter().enumerate() {
            let mut of_models = vec![(0_u32, 0_u32, false); self.models_all];
            let powers = question.classes.iter().zip(counts);
            let loads =
                question.gathered(powers.map(|(class, modes)| super::judge::class_power(class, modes)));
            for ((class, model), modes) in question.classes.iter().zip(&self.models).zip(counts) {
                let of_model = &mut of_models[model.ix()];
                of_model.0 += class.machines;
                of_model.1 += modes.iter().sum::<u32>();
                let rises = class.modes[0].power_kw - class.asleep_kw;
                let mut above = Some(class.circuit);
                let mut room = f64::INFINITY;
                while let Some(circuit) = above {
                    room = room.min(limits[step][circuit] - loads[circuit]);
                    above = question.circuits[circuit].above;
                }
                of_model.2 |= room >= rises * ROOM_FOR;
            }
            let says = |(machines, running, room): (u32, u32, bool)| match running {
                _ if machines == 0 => None,
                0 => room.then_some(false),
                running => (running * 2 >= machines).then_some(true),
            };
            runs.push(of_models.into_iter().map(says).collect());
        }
        let gained = plan.margin - plan.margin_hour_by_hour;
        let more = gained / plan.margin_hour_by_hour.abs().max(1e-9) * 1e6;
        // Shown to people, to the hundredth; half away from zero.
        let money = Decimal::try_from(gained.max(0.0)).ok().map(|amount| {
            let nearest = rust_decimal::RoundingStrategy::MidpointAwayFromZero;
            Money::new(amount.round_dp_with_strategy(2, nearest), self.currency)
        });
        Outlook {
            made_at: self.made_at,
            begins: self.begins.clone(),
            runs,
            more_ppm: more.clamp(0.0, 1e9) as i64,
            more: money,
            peaks: sums::chosen(question, &self.months, &plan.power_kw),
        }
    }
}

impl Outlook {
    /// The step in which an instant lies; `None` before it was made, and once it is too old.
    pub(crate) fn step_at(&self, now: Timestamp) -> Option<usize> {
        if now < self.made_at || now >= self.holds_until() {
            return None;
        }
        let step = self.begins.partition_point(|begins| *begins <= now).checked_sub(1)?;
        (step < self.runs.len()).then_some(step)
    }

    /// Whether a model is worth running in a step.
    pub(crate) fn says(&self, step: usize, model: usize) -> Option<bool> {
        self.runs[step].get(model).copied().flatten()
    }

    /// The peak that it has chosen for the billing month of an instant; `None` where the plan says nothing.
    #[must_use]
    pub fn peak_at(&self, now: Timestamp) -> Option<ChosenPeak> {
        self.step_at(now)?;
        self.peaks.iter().copied().find(|peak| (peak.from..peak.until).contains(&now))
    }

    /// Whether it says anything at an instant.
    #[must_use]
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.step_at(now).is_some()
    }

    /// The end of its last step.
    #[must_use]
    pub fn reaches(&self) -> Timestamp {
        self.begins.last().copied().unwrap_or(self.made_at)
    }

    /// The models that are not worth running at an instant, each with the time from which it is; `None`: not in the
    /// hours that are planned. Empty where the plan says nothing.
    #[must_use]
    pub fn keeps_out(&self, now: Timestamp) -> Vec<(ModelIx, Option<Timestamp>)> {
        let Some(step) = self.step_at(now) else { return Vec::new() };
        let kept = (0..self.runs[step].len()).filter(|model| self.says(step, *model) == Some(false));
        let until = |model: usize| {
            let later = (step..self.runs.len()).find(|step| self.says(*step, model) != Some(false))?;
            self.begins.get(later).copied()
        };
        kept.map(|model| (ModelIx(model as u16), until(model))).collect()
    }

    /// When it is too old: a quarter hour, since decisions on money change on these.
    #[must_use]
    pub fn holds_until(&self) -> Timestamp {
        let quarter = (self.made_at + HOLDS).as_second().div_euclid(QUARTER_S) * QUARTER_S;
        Timestamp::from_second(quarter).unwrap_or(self.made_at)
    }
}

#[cfg(test)]
#[path = "outlook_tests.rs"]
mod tests;
