//! The hours ahead: never worse than acting hour by hour, and better where starts cost something.

use offpeak_dispatch::ahead::{Budget, Circuit, Class, Mode, Origin, Peak, Question, Step, judge, story};
use offpeak_dispatch::solve::instance::Dice;
use offpeak_horizon::plan;

#[test]
fn the_storys_prices_with_start_costs_are_worth_planning() {
    let question = story(80, 68);
    let plan = plan(&question).unwrap();
    assert_eq!(plan.origin, Origin::Programme);
    let more = plan.margin / plan.margin_hour_by_hour - 1.0;
    println!(
        "{:.2} % more than hour by hour; {:.2} % more than the best habit",
        more * 100.0,
        (plan.margin / plan.margin_habit - 1.0) * 100.0
    );
    assert!(more >= 0.008, "{more}");
    assert!(plan.margin >= plan.margin_habit);
    let bound = plan.margin_bound.unwrap();
    assert!(
        plan.margin <= bound * (1.0 + 1e-9) && plan.margin >= bound * 0.999,
        "{} of {bound}",
        plan.margin
    );
    assert_eq!(judge(&question, &plan.schedule).unwrap().margin, plan.margin);
}

#[test]
fn the_same_question_has_the_same_plan() {
    let question = story(24, 40);
    assert_eq!(plan(&question).unwrap(), plan(&question).unwrap());
}

#[test]
fn a_solver_without_time_or_work_leaves_the_hour_by_hour_plan() {
    let mut question = story(24, 40);
    question.iterations_max = 1;
    let stopped = plan(&question).unwrap();
    assert_eq!((stopped.origin, stopped.margin_bound), (Origin::Unsolved, None));
    assert_eq!(stopped.margin, stopped.margin_habit);
}

/// A budget of a twelfth of what could be drawn goes to the cheap hours; hour by hour it is spent before they come.
#[test]
fn a_budget_is_kept_for_the_hours_that_are_worth_it() {
    let mut question = story(24, 68);
    // From now on by day: the night comes later.
    question.steps.iter_mut().take(24).for_each(|step| step.price_per_kwh = 40.0);
    question.classes.iter_mut().for_each(|class| class.start_cost = 0.0);
    let hours: f64 = question.steps.iter().map(|step| step.minutes / 60.0).sum();
    let energy_max_kwh = 280_000.0 * hours / 12.0;
    question.budgets.push(Budget { circuit: 0, from: 0, until: 68, energy_max_kwh });
    let plan = plan(&question).unwrap();
    assert_eq!(plan.origin, Origin::Programme);
    let used: f64 =
        plan.power_kw.iter().zip(&question.steps).map(|(kw, step)| kw * step.minutes / 60.0).sum();
    assert!(
        used <= energy_max_kwh * (1.0 + 1e-9) && used > energy_max_kwh * 0.98,
        "{used} of {energy_max_kwh}"
    );
    // What sleepers cost is the same in both.
    let more = plan.margin - plan.margin_hour_by_hour;
    assert!(more > 0.05 * plan.margin_hour_by_hour.abs(), "{more} more than {}", plan.margin_hour_by_hour);
}

/// Where a kilowatt of peak costs more than the hours bring, the peak stays where it is; where it costs less, it rises.
#[test]
fn a_peak_is_raised_only_where_it_pays() {
    let peak_at = |price_per_kw: f64| {
        let mut question = story(24, 40);
        question.peaks.push(Peak { from: 0, until: 40, price_per_kw, so_far_kw: 90_000.0 });
        let plan = plan(&question).unwrap();
        judge(&question, &plan.schedule).unwrap().peaks_kw[0]
    };
    let (free, dear) = (peak_at(0.0), peak_at(1e6));
    assert!(free > 120_000.0 && (dear - 90_000.0).abs() < 1e-6, "{free} and {dear}");
}

/// Prices, limits that fall and rise again, every kind of rule.
fn random(seed: u64) -> Question {
    let mut dice = Dice::new(seed);
    let steps = 6 + dice.roll(20) as usize;
    let mut question = Question { iterations_max: 200_000, ..Question::default() };
    for _ in 0..steps {
        let minutes = [5.0, 15.0, 60.0][dice.roll(3) as usize];
        question.steps.push(Step { minutes, price_per_kwh: dice.between(-5.0, 60.0) });
    }
    for circuit in 0..1 + dice.roll(4) as usize {
        let limit = |dice: &mut Dice| (dice.roll(4) > 0).then(|| dice.between(0.0, 4_000.0));
        let limits_kw = (0..steps).map(|_| limit(&mut dice)).collect();
        question
            .circuits
            .push(Circuit { above: circuit.checked_sub(1).filter(|_| dice.roll(3) > 0), limits_kw });
    }
    for _ in 0..1 + dice.roll(12) {
        let machines = 1 + dice.roll(400) as u32;
        let power = dice.between(1.0, 4.0);
        let mut modes = vec![Mode { power_kw: power, earns_per_h: power * dice.between(10.0, 60.0) }];
        if dice.roll(2) == 0 {
            modes.push(Mode {
                power_kw: power * 1.3,
                earns_per_h: modes[0].earns_per_h * dice.between(1.1, 1.4),
            });
        }
        question.classes.push(Class {
            circuit: dice.roll(question.circuits.len() as u64) as usize,
            machines,
            running: dice.roll(u64::from(machines) + 1) as u32,
            asleep_kw: dice.between(0.0, 0.1),
            modes,
            start_cost: dice.between(0.0, 80.0),
            run_min_minutes: dice.between(0.0, 150.0),
            rest_min_minutes: dice.between(0.0, 90.0),
        });
    }
    if dice.roll(2) == 0 {
        question.ramp_up_kw_per_min = Some(dice.between(20.0, 200.0));
        question.ramp_down_kw_per_min = Some(dice.between(20.0, 200.0));
    }
    let stretch = |dice: &mut Dice| {
        let from = dice.roll(steps as u64) as usize;
        (from, from + 1 + dice.roll((steps - from) as u64) as usize)
    };
    for _ in 0..dice.roll(4).saturating_sub(1) {
        let ((from, until), circuit) =
            (stretch(&mut dice), dice.roll(question.circuits.len() as u64) as usize);
        question.budgets.push(Budget { circuit, from, until, energy_max_kwh: dice.between(0.0, 40_000.0) });
    }
    for _ in 0..dice.roll(3) {
        let (from, until) = stretch(&mut dice);
        let (price_per_kw, so_far_kw) = (dice.between(0.0, 500.0), dice.between(0.0, 2_000.0));
        question.peaks.push(Peak { from, until, price_per_kw, so_far_kw });
    }
    question
}

#[test]
fn never_worse_than_hour_by_hour() {
    let mut better = 0;
    for seed in 0..150 {
        let question = random(seed);
        let plan = plan(&question).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        assert!(plan.margin >= plan.margin_habit, "seed {seed}");
        assert!(plan.margin_habit >= plan.margin_hour_by_hour, "seed {seed}");
        judge(&question, &plan.schedule).unwrap_or_else(|broken| panic!("seed {seed}: {broken}"));
        if let Some(bound) = plan.margin_bound {
            // Where a limit cuts a run short, acting hour by hour may do what the programme may not.
            let falls = question.circuits.iter().any(|circuit| circuit.limits_kw.len() > 1);
            assert!(falls || plan.margin <= bound + bound.abs() * 1e-6 + 1e-3, "seed {seed}");
        }
        better += usize::from(plan.origin == Origin::Programme);
    }
    println!("the programme was better in {better} of 150");
    assert!(better >= 60, "{better}");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let mut fine = story(8, 8);
    fine.budgets.push(Budget { circuit: 0, from: 0, until: 8, energy_max_kwh: 1.0 });
    fine.peaks.push(Peak { from: 0, until: 8, price_per_kw: 1.0, so_far_kw: 0.0 });
    type Break = fn(&mut Question);
    let broken: [(&str, Break); 11] = [
        ("steps", |question| question.steps.clear()),
        ("minutes", |question| question.steps[1].minutes = 4.9),
        ("price", |question| question.steps[1].price_per_kwh = f64::NAN),
        ("above", |question| question.circuits[1].above = Some(1)),
        ("limits", |question| question.circuits[1].limits_kw = vec![None; 3]),
        ("modes", |question| question.classes[2].modes.clear()),
        ("a budget's circuit", |question| question.budgets[0].circuit = 99),
        ("a budget's steps", |question| question.budgets[0].until = 9),
        ("a budget's energy", |question| question.budgets[0].energy_max_kwh = -1.0),
        ("a peak's steps", |question| question.peaks[0].from = 8),
        ("a peak's price", |question| question.peaks[0].price_per_kw = f64::NAN),
    ];
    assert!(fine.check().is_ok());
    for (what, breaks) in broken {
        let mut question = fine.clone();
        breaks(&mut question);
        assert!(plan(&question).is_err(), "{what}");
    }
}
