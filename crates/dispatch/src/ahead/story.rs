//! The story's hours as a question: its tariffs and machines of its years, in classes. For tests and benchmarks.

use super::question::{Circuit, Class, Mode, Question, Step};
use crate::solve::instance::Dice;

/// Import power by day and by night, KZT/kWh (Khabar 24, 2022), and the network's hash price then, KZT/TH/day: about
/// 0.07 USD at 460 KZT.
const DAY: f64 = 46.0;
const NIGHT: f64 = 26.0;
const HASH_PRICE: f64 = 32.0;

/// Two days from a Thursday's midnight, without the contract's window: economics alone decide. `classes` classes of
/// together 100,000 machines in eight halls, `steps` steps of five minutes to an hour.
#[must_use]
pub fn story(classes: usize, steps: usize) -> Question {
    let mut dice = Dice::new(1);
    let minutes = |at: usize| {
        if at < 12 {
            5.0
        } else if at < 24 {
            15.0
        } else {
            60.0
        }
    };
    let mut clock = 0.0;
    let mut question = Question { iterations_max: 2_000_000, ..Question::default() };
    for at in 0..steps {
        let hour = (clock / 60.0) % 24.0;
        let price_per_kwh = if hour < 8.0 { NIGHT } else { DAY };
        question.steps.push(Step { minutes: minutes(at), price_per_kwh });
        clock += minutes(at);
    }
    question.circuits.push(Circuit { above: None, limits_kw: vec![Some(280_000.0)] });
    for _ in 0..8 {
        question.circuits.push(Circuit { above: Some(0), limits_kw: vec![Some(40_000.0)] });
    }
    question.ramp_up_kw_per_min = Some(20_000.0);
    question.ramp_down_kw_per_min = Some(30_000.0);
    let machines = 100_000 / classes as u32;
    for class in 0..classes {
        // From an S19 to an S15, by J/TH; a start costs 5 to 13 cents of wear and lost minutes.
        let joules = dice.between(29.5, 57.0);
        let watts = dice.between(1_500.0, 3_400.0);
        let earns = |watts: f64, joules: f64| watts / joules * HASH_PRICE / 24.0;
        let mode = |share: f64, joules: f64| Mode {
            power_kw: watts * share / 1e3,
            earns_per_h: earns(watts * share, joules),
        };
        question.classes.push(Class {
            circuit: 1 + class % 8,
            machines,
            running: machines / 2,
            asleep_kw: 0.04,
            modes: vec![mode(0.7, joules * 0.95), mode(1.0, joules)],
            start_cost: dice.between(20.0, 60.0),
            run_min_minutes: 60.0,
            rest_min_minutes: 30.0,
        });
    }
    question
}
