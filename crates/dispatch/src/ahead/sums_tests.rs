use std::sync::Arc;

use jiff::tz::TimeZone;
use offpeak_site::{Dated, DemandCharge, EnergyBudget, Measure, MeterReading};
use offpeak_units::{HashPrice, Money, Price};
use proptest::prelude::*;

use super::super::{Origin, Plan, ask};
use super::*;
use crate::directive::{Directives, Order, OrderKind};
use crate::envelope::{Source, envelope};
use crate::standing::Standing;
use crate::testing::{monday, site};

/// The test mine, allowed 100 kW at all hours, where hashes earn twice what power costs, with a demand charge from
/// October on.
fn mine() -> Site {
    let mut site = site();
    let currency = site.economics.currency;
    let (from, day) = (jiff::civil::date(2022, 1, 1), jiff::civil::Weekday::Monday);
    let window = &mut site.contract.windows[0];
    (window.days, window.to) = ((0..7).map(|on| day.wrapping_add(on)).collect(), window.from);
    let price = Price::per_kilowatt_hour("0.05".parse().unwrap(), currency);
    let hours = offpeak_site::Tariff {
        days: window.days.clone(),
        holidays: false,
        from: window.from,
        to: window.from,
        price,
    };
    site.economics.tariffs.push(Dated { from, value: vec![hours] });
    // 20 TH for a kilowatt: 2.4 a TH and day is 0.1 a kWh for 0.05.
    let value = HashPrice::per_terahash_day("0.12".parse().unwrap(), currency);
    site.economics.hash_prices.push(Dated { from, value });
    site
}

fn charge(site: &mut Site, price: i64) {
    let price_per_kilowatt = Money::new(price.into(), site.economics.currency);
    let value = DemandCharge { price_per_kilowatt, minutes: 15, holds: true };
    site.economics.costs.demand_charges.push(Dated { from: jiff::civil::date(2022, 10, 1), value });
}

fn budget(site: &mut Site, period: Period, kilowatt_hours: i64) {
    let energy = Energy::from_watt_hours(kilowatt_hours * 1_000);
    let (id, circuit) = (period.name().to_owned(), CircuitIx::ROOT);
    site.rules.budgets.push(EnergyBudget { id, circuit, period, energy, before: None });
}

/// A mine that was counted from the first instant of its month on and drew so much.
fn counted(site: &Site, now: Timestamp, kilowatts: i64) -> Counts {
    let mut counts = Counts::new(site);
    let (from, _) = Period::Month.span(&site.time_zone, now);
    let reading = |at, kilowatt_hours: f64| MeterReading {
        at,
        power: Power::from_kilowatts(kilowatts),
        energy: Some(Energy::from_watt_hours((kilowatt_hours * 1e3) as i64)),
    };
    let (today, _) = Period::Day.span(&site.time_zone, now);
    for at in [from, today, now] {
        let hours = from.duration_until(at).as_secs_f64() / 3_600.0;
        counts.feed(site, &[Some(reading(at, hours * kilowatts as f64))]);
    }
    counts
}

fn asked(site: &Site, counts: &Counts, now: Timestamp) -> crate::ahead::Asked {
    let standings = vec![Standing::Running; site.machines.len()];
    ask(site, &Directives::default(), counts, &standings, now).unwrap()
}

#[test]
fn without_a_start_cost_hours_depend_on_each_other_by_a_budget_or_a_charge_alone() {
    let standings = vec![Standing::Running; 40];
    let is_asked =
        |site: &Site| ask(site, &Directives::default(), &Counts::new(site), &standings, monday(0)).is_some();
    let (plain, mut with_budget, mut with_charge) = (mine(), mine(), mine());
    budget(&mut with_budget, Period::Day, 100);
    charge(&mut with_charge, 5);
    assert_eq!([&plain, &with_budget, &with_charge].map(is_asked), [false, true, true]);
}

#[test]
fn each_period_has_its_sum_and_the_running_one_what_is_left() {
    let mut site = mine();
    budget(&mut site, Period::Day, 1_000);
    let now = monday(6 * 3_600 + 120);
    let counts = counted(&site, now, 50);
    let question = asked(&site, &counts, now).question;
    let steps: Vec<_> = question.budgets.iter().map(|budget| (budget.from, budget.until)).collect();
    assert_eq!(steps.len(), 3, "the rest of today, tomorrow, and a part of the day after: {steps:?}");
    assert!(steps.windows(2).all(|pair| pair[0].1 == pair[1].0) && steps[2].1 == question.steps.len());
    // 300 kWh are used (register), and sleepers' 0.8 kW are within the sum.
    let energy: Vec<f64> = question.budgets.iter().map(|budget| budget.energy_max_kwh).collect();
    assert!((energy[0] - 698.3).abs() < 2.0, "{energy:?}");
    assert!((energy[1] - 1_000.0).abs() < 1.0, "{energy:?}");
    // Seven of 24 hours of the day after.
    assert!((energy[2] - 1_000.0 * 7.0 / 24.0).abs() < 1.0, "{energy:?}");
    let planned = crate::ahead::better(&question, None).unwrap();
    assert!(planned.margin_hour_by_hour <= planned.margin, "both keep the sums");
}

#[test]
fn what_is_used_up_is_not_planned_with_and_base_load_counts() {
    let mut site = mine();
    let mut root = site.circuits.iter().map(|(_, circuit)| circuit.clone()).collect::<Vec<_>>();
    root[0].base_load = Power::from_kilowatts(10);
    site.circuits = offpeak_site::CircuitTree::new(root).unwrap();
    budget(&mut site, Period::Day, 300);
    let now = monday(12 * 3_600);
    let drawn = counted(&site, now, 50);
    let question = asked(&site, &drawn, now).question;
    // Today is over its budget: sleepers' 0.8 kW for 12 hours, and nothing for machines.
    assert!((question.budgets[0].energy_max_kwh - 9.6).abs() < 0.1, "{:?}", question.budgets);
    // Of tomorrow's 300 kWh the base load takes 240.
    assert!((question.budgets[1].energy_max_kwh - 60.0).abs() < 0.2, "{:?}", question.budgets);
}

#[test]
fn a_month_s_last_hours_have_its_peak_and_the_next_month_its_own() {
    let mut site = mine();
    charge(&mut site, 310);
    let now: Timestamp = "2022-10-31T12:00:00Z".parse().unwrap();
    let counts = counted(&site, now, 70);
    let asked = asked(&site, &counts, now);
    let [october, november] = &asked.question.peaks[..] else { panic!("{:?}", asked.question.peaks) };
    assert!((october.so_far_kw - 70.0).abs() < 0.01 && november.so_far_kw == 0.0);
    assert_eq!(october.until, november.from);
    assert_eq!(october.price_per_kw, 310.0, "all that is left of the month is planned");
    // 36 of November's 720 hours.
    assert!((november.price_per_kw - 310.0 * 36.0 / 720.0).abs() < 0.01, "{november:?}");
    let steps = asked.question.steps.len();
    let mut power_kw = vec![60.0; steps];
    power_kw[steps - 1] = 80.5;
    let asleep = vec![vec![vec![0]; asked.question.classes.len()]; steps];
    let plan = Plan {
        origin: Origin::Programme,
        margin: 1.0,
        margin_hour_by_hour: 1.0,
        margin_habit: 1.0,
        margin_bound: None,
        power_kw,
        schedule: asleep,
    };
    let outlook = asked.outlook(&plan);
    let most = |at: Timestamp| outlook.peak_at(at).map(|peak| (peak.most.to_watts(), peak.holds));
    assert_eq!(most(now), Some((70_000, true)), "it stands there already");
    assert_eq!(outlook.peaks[1].most.to_watts(), 80_500);
    assert_eq!(most(now - SignedDuration::from_secs(1)), None);

    // The envelope holds the mean to it, as long as the plan is in force and the grid asks for no more.
    let mut directives = Directives { ahead: Some(Arc::new(outlook)), ..Directives::default() };
    let binding =
        |directives: &Directives, at| envelope(&site, directives, at).circuit(CircuitIx::ROOT).binding;
    let held = binding(&directives, now).unwrap();
    let expected = (Source::BillingPeak, 70_000, Measure::Mean(15));
    assert_eq!((held.source, held.nominal.to_watts(), held.measure), expected);
    assert_eq!(held.until, directives.ahead.as_ref().map(|plan| plan.holds_until()));
    assert_eq!(binding(&directives, held.until.unwrap()).unwrap().source, Source::Contract);
    let ninety = Order::at_most(1, CircuitIx::ROOT, Power::from_kilowatts(90), now, None);
    directives.orders.push(Order { kind: OrderKind::Dispatch, holds: true, ..ninety });
    assert_eq!(binding(&directives, now).unwrap().source, Source::Dispatch(1));
}

#[test]
fn a_peak_of_which_nothing_is_known_is_neither_nothing_nor_held() {
    let mut site = mine();
    charge(&mut site, 310);
    let now = monday(3_600);
    let asked = asked(&site, &Counts::new(&site), now);
    let plan = crate::ahead::better(&asked.question, None).unwrap();
    let outlook = asked.outlook(&plan);
    assert_eq!(outlook.peak_at(now).map(|peak| peak.holds), Some(false));
}

proptest! {
    /// Whatever the clock does: steps follow each other, a period's steps lie in it, and every step has its sum.
    #[test]
    fn sums_and_steps_fit_together(place in 0_usize..4, minutes in 0_i64..3_000, which in 0_usize..3) {
        let mut site = mine();
        let (name, change) = [
            ("Europe/Berlin", "2023-03-26T01:00:00Z"),
            ("Europe/Berlin", "2023-10-29T01:00:00Z"),
            ("Asia/Almaty", "2022-10-31T18:00:00Z"),
            ("Australia/Lord_Howe", "2023-04-01T15:00:00Z"),
        ][place];
        site.time_zone = TimeZone::get(name).unwrap();
        let period = Period::ALL[which];
        budget(&mut site, period, 100_000);
        charge(&mut site, 100);
        let now = change.parse::<Timestamp>().unwrap() - SignedDuration::from_mins(minutes);
        let counts = counted(&site, now, 40);
        let asked = asked(&site, &counts, now);
        let question = &asked.question;
        let begins = asked.begins();
        prop_assert_eq!(begins.len(), question.steps.len() + 1);
        let stretches = [
            (period, question.budgets.iter().map(|of| (of.from, of.until)).collect::<Vec<_>>()),
            (Period::Month, question.peaks.iter().map(|of| (of.from, of.until)).collect()),
        ];
        for (period, stretches) in stretches {
            prop_assert_eq!((stretches[0].0, stretches[stretches.len() - 1].1), (0, question.steps.len()));
            prop_assert!(stretches.windows(2).all(|pair| pair[0].1 == pair[1].0));
            for (from, until) in stretches {
                let (_, ends) = period.span(&site.time_zone, begins[from + 1] - SignedDuration::from_secs(1));
                prop_assert!(begins[until] <= ends, "{} after {}", begins[until], ends);
            }
        }
        for (budget, (from, until)) in question.budgets.iter().zip(question.budgets.iter().map(|of| (of.from, of.until))) {
            let hours = begins[from].duration_until(begins[until]).as_secs_f64() / 3_600.0;
            prop_assert!(budget.energy_max_kwh >= 0.0 && budget.energy_max_kwh.is_finite() && hours > 0.0);
        }
    }
}
