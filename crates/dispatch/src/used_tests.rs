use offpeak_site::{Before, Period};
use proptest::prelude::*;

use super::*;
use crate::testing::{monday, site};

/// 10 kWh a day at `hall-1`, which may draw 40 kW: the test site's racks, its meter at the connection.
fn day(kilowatt_hours: i64) -> EnergyBudget {
    EnergyBudget {
        id: "day".into(),
        circuit: CircuitIx::ROOT,
        period: Period::Day,
        energy: kwh(kilowatt_hours),
        before: None,
    }
}

fn kwh(kilowatt_hours: i64) -> Energy {
    Energy::from_watt_hours(kilowatt_hours * 1_000)
}

fn reading(second: i64, kilowatts: i64, register_kwh: Option<i64>) -> MeterReading {
    let energy = register_kwh.map(kwh);
    MeterReading { at: monday(second), power: Power::from_kilowatts(kilowatts), energy }
}

struct Case {
    site: Site,
    budget: EnergyBudget,
    used: Used,
}

impl Case {
    /// All that is on at once: 120 kW of 40 machines.
    fn new(budget: EnergyBudget) -> Self {
        let site = site();
        let used = Used::new(&site, &budget);
        assert_eq!((used.least.to_watts(), used.most.to_watts()), (800, 120_000));
        Self { site, budget, used }
    }
    fn feed(&mut self, reading: MeterReading) {
        self.used.feed(&self.budget, &self.site.time_zone, &reading);
    }
    /// Every second, half-open.
    fn draw(&mut self, seconds: std::ops::Range<i64>, kilowatts: i64) {
        for second in seconds {
            self.feed(reading(second, kilowatts, None));
        }
    }
    fn state(&self, second: i64) -> BudgetState {
        self.used.state(&self.budget, &self.site.time_zone, monday(second))
    }
    fn word(&mut self, second: i64) -> Word {
        self.used.judge(&self.budget, &self.site, monday(second));
        self.used.word.unwrap().1
    }
}

#[test]
fn what_was_measured_is_counted_and_a_new_day_begins_at_nothing() {
    let mut case = Case::new(day(1_000));
    case.draw(0..3_601, 60);
    let state = case.state(3_600);
    assert_eq!((state.used, state.assumed, state.left), (kwh(60), Energy::ZERO, kwh(940)));
    assert_eq!((state.from, state.until, state.since), (monday(0), monday(86_400), Some(monday(0))));
    // Half of the hour on either side of midnight.
    let mut case = Case::new(day(1_000));
    case.draw(84_600..88_201, 60);
    assert_eq!((case.state(88_200).used, case.state(88_200).since), (kwh(30), Some(monday(86_400))));
}

#[test]
fn what_nobody_measured_counts_at_the_most_unless_the_site_file_tells_it() {
    let mut case = Case::new(day(3_000));
    assert_eq!(case.state(3_600).used, kwh(120), "nothing was ever measured");
    case.draw(7_200..7_203, 60);
    let state = case.state(7_202);
    assert_eq!((state.assumed, state.since), (kwh(240), Some(monday(7_200))));

    let told = |second: i64| Some(Before { until: monday(second), value: kwh(7) });
    case.budget.before = told(3_600);
    let state = case.state(7_202);
    assert_eq!(state.assumed, kwh(120), "between what is told and what is measured");
    assert!(state.used > kwh(127) && state.used < kwh(128), "{state:?}");
    for of_another_time in [-1, 7_201] {
        case.budget.before = told(of_another_time);
        assert_eq!(case.state(7_202).assumed, kwh(240));
    }
}

#[test]
fn a_silent_meter_counts_at_the_most_and_its_register_puts_it_right() {
    let mut case = Case::new(day(3_000));
    case.feed(reading(0, 60, Some(500)));
    case.feed(reading(10, 60, Some(500)));
    assert_eq!(case.state(10 + 3_600).assumed, kwh(120), "silent for an hour");
    let mut without = Case { site: case.site.clone(), budget: case.budget.clone(), used: case.used };
    case.feed(reading(3_610, 60, Some(560)));
    assert_eq!((case.state(3_610).assumed, case.state(3_610).used.to_watt_hours()), (Energy::ZERO, 60_166));
    // Without a register, and with one that cannot be, it stays.
    without.feed(reading(3_610, 60, None));
    assert_eq!(without.state(3_610).assumed, kwh(120));
    for wrong in [499, 640] {
        let mut case = Case::new(day(3_000));
        case.feed(reading(0, 60, Some(500)));
        case.feed(reading(3_600, 60, Some(wrong)));
        assert_eq!(case.state(3_600).assumed, kwh(120), "{wrong}");
    }
}

#[test]
fn a_gap_over_midnight_is_counted_at_its_most_in_the_new_day() {
    let mut case = Case::new(day(3_000));
    case.feed(reading(86_400 - 3_600, 60, Some(0)));
    case.feed(reading(86_400 + 3_600, 60, Some(100)));
    // All of the 100 kWh may have been drawn after midnight.
    let state = case.state(86_400 + 3_600);
    assert_eq!((state.used, state.assumed), (kwh(100), kwh(50)));
    // The whole day without a word, however much of the day before is known.
    let mut case = Case::new(day(3_000));
    case.draw(0..11, 60);
    assert_eq!(case.state(86_400 + 3_600).used, kwh(120));
}

#[test]
fn a_restart_goes_on_where_it_was() {
    let mut case = Case::new(day(1_000));
    case.feed(reading(0, 60, Some(10)));
    case.feed(reading(5, 60, Some(10)));
    let kept = *case.used.running().unwrap();
    let mut again = Case::new(day(1_000));
    again.used.recall(kept);
    // 20 minutes without a controller, and the register has gone on.
    again.feed(reading(1_205, 60, Some(30)));
    let state = again.state(1_205);
    assert_eq!((state.since, state.assumed), (Some(monday(0)), Energy::ZERO));
    assert_eq!(state.used.to_watt_hours(), 20_083);
    // Without one, the most that is credible.
    let mut blind = Case::new(day(1_000));
    blind.used.recall(Running { register: None, ..kept });
    assert_eq!(blind.state(1_205).assumed, kwh(40));
    blind.feed(reading(1_205, 60, Some(30)));
    assert_eq!(blind.state(1_205).assumed, kwh(40));
}

#[test]
fn the_way_down_begins_in_time_and_what_is_spent_stays_so() {
    // The floor of 800 W takes 19.2 kWh of the day.
    let mut case = Case::new(day(100));
    case.draw(0..2, 60);
    assert!(matches!(case.word(1), Word::Enough(at) if at > monday(1_000)), "{:?}", case.used.word);
    case.draw(2..3_000, 60);
    assert_eq!(case.word(2_999), Word::Enough(monday(2_999) + SignedDuration::from_millis(80_832)));
    case.draw(3_000..3_900, 60);
    let look = monday(3_899) + limits::BUDGET_LOOK;
    assert_eq!(case.word(3_899), Word::Enough(look), "what runs at 60 kW has not use for it all");
    case.draw(3_900..4_060, 60);
    assert_eq!(case.word(4_059), Word::NoStarts);
    case.draw(4_060..4_400, 60);
    let Word::Ending(power, true) = case.word(4_399) else { panic!("{:?}", case.used.word) };
    assert!(power > case.used.least && power < Power::from_kilowatts(120));
    case.draw(4_400..4_950, 60);
    assert_eq!(case.word(4_949), Word::Spent);
    // Everything is off: less than the floor is drawn, so that a little comes back; nobody starts for that.
    case.draw(4_950..40_000, 0);
    assert_eq!(case.word(39_999), Word::Spent);
    assert_eq!(case.used.word_at(monday(86_399)), Some((Word::Spent, monday(86_400))));
    assert_eq!(case.used.word_at(monday(86_400)), None, "the next day is another");
    assert!(matches!(case.word(86_400), Word::Enough(_)));
}

#[test]
fn a_budget_of_nothing_lets_nothing_run() {
    let mut case = Case::new(day(0));
    case.draw(0..2, 0);
    assert_eq!(case.word(1), Word::Spent);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// A load that wants all it can get and follows the limit as late as stragglers do uses no more than the budget,
    /// for whatever budget, begin and most.
    #[test]
    fn a_budget_is_not_overrun(
        kilowatt_hours in 25_i64..2_500,
        begins in 0_i64..86_000,
        wants in 5_i64..120,
        late in 1_usize..60,
    ) {
        let mut case = Case::new(day(kilowatt_hours));
        case.budget.before = Some(Before { until: monday(begins), value: Energy::ZERO });
        let floor = 1;
        let mut limits = std::collections::VecDeque::from(vec![wants; late]);
        for second in begins..86_400 {
            let power = limits.pop_front().unwrap().min(wants).max(floor);
            case.feed(reading(second, power, None));
            let limit = match case.word(second) {
                Word::Enough(_) | Word::NoStarts => wants,
                Word::Ending(power, _) => power.to_watts().div_euclid(1_000),
                Word::Spent => floor,
            };
            limits.push_back(limit);
        }
        let used = case.state(86_399).used;
        // The floor of this load is a little above the site's: that is all it may be over.
        let over = kwh(1) + Power::from_watts(200).over_millis((86_400 - begins) * 1_000);
        prop_assert!(used <= kwh(kilowatt_hours) + over, "{used} of {kilowatt_hours} kWh");
    }
}
