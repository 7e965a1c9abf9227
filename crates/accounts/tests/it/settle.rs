use offpeak_accounts::{CircuitPart, Doing, Uptime, rounded, settle};
use offpeak_units::Energy;
use proptest::prelude::*;

const fn kwh(n: i64) -> Energy {
    Energy::from_watt_hours(n * 1_000)
}

const fn part(parent: Option<usize>, metered: Option<Energy>, house: Energy) -> CircuitPart {
    CircuitPart { parent, metered, house }
}

#[test]
fn machines_are_scaled_to_their_meter_and_the_rest_is_lost_on_the_way() {
    let circuits = [
        part(None, Some(kwh(1_000)), kwh(10)),
        part(Some(0), Some(kwh(600)), Energy::ZERO),
        part(Some(0), Some(kwh(380)), Energy::ZERO),
    ];
    // The machines of the first hall say a tenth too much, those of the second too little.
    let machines = [(1, Some(kwh(330))), (1, Some(kwh(330))), (2, Some(kwh(100)))];
    let settled = settle(&circuits, &machines).unwrap();
    assert_eq!(settled.machines, [Some(kwh(300)), Some(kwh(300)), Some(kwh(380))]);
    assert_eq!((settled.house[0], settled.losses[0]), (kwh(10), kwh(10)));
    assert_eq!(settled.sum(), kwh(1_000));
}

#[test]
fn a_silent_machine_counts_as_the_mean_of_those_that_speak_and_is_given_nothing() {
    let circuits = [part(None, Some(kwh(90)), Energy::ZERO)];
    let machines = [(0, Some(kwh(10))), (0, None), (0, Some(kwh(20)))];
    let settled = settle(&circuits, &machines).unwrap();
    assert_eq!(settled.machines, [Some(kwh(20)), None, Some(kwh(40))]);
    assert_eq!(settled.unattributed[0], kwh(30));
}

#[test]
fn where_nobody_speaks_nobody_is_billed() {
    let circuits = [part(None, Some(kwh(90)), kwh(5))];
    let settled = settle(&circuits, &[(0, None), (0, None)]).unwrap();
    assert_eq!((settled.house[0], settled.unattributed[0]), (kwh(5), kwh(85)));
    // All say zero, and the meter does not: it is not theirs.
    let circuits = [part(None, Some(kwh(90)), Energy::ZERO)];
    let settled = settle(&circuits, &[(0, Some(Energy::ZERO))]).unwrap();
    assert_eq!((settled.machines[0], settled.unattributed[0]), (Some(Energy::ZERO), kwh(90)));
}

#[test]
fn without_the_revenue_meter_nothing_is_settled_and_a_hall_without_its_own_goes_by_it() {
    let machines = [(1, Some(kwh(30))), (2, Some(kwh(70)))];
    let circuit = |meters: [Option<Energy>; 3]| {
        [
            part(None, meters[0], Energy::ZERO),
            part(Some(0), meters[1], Energy::ZERO),
            part(Some(0), meters[2], Energy::ZERO),
        ]
    };
    assert_eq!(settle(&circuit([None, Some(kwh(1)), None]), &machines), None);
    let settled = settle(&circuit([Some(kwh(110)), Some(kwh(33)), None]), &machines).unwrap();
    assert_eq!(settled.machines, [Some(kwh(33)), Some(kwh(77))]);
}

#[test]
fn rows_add_up_as_they_are_printed() {
    let parts = [1_400, 1_400, 1_400].map(Energy::from_watt_hours);
    assert_eq!(rounded(&parts, kwh(1)), (4, vec![2, 1, 1]));
    assert_eq!(rounded(&[Energy::from_watt_hours(-600), kwh(2)], kwh(1)), (1, vec![-1, 2]));
    assert_eq!(rounded(&[], kwh(1)), (0, vec![]));
}

#[test]
fn availability_is_of_the_time_it_was_wanted() {
    let mut uptime = Uptime::default();
    uptime.add(Doing::Hashing, 900);
    uptime.add(Doing::Fault, 100);
    uptime.add(Doing::OutsideHours, 5_000);
    assert_eq!((uptime.wanted(), uptime.availability_ppm()), (1_000, Some(900_000)));
    assert_eq!(Uptime::default().availability_ppm(), None);
    assert_eq!(uptime.rounded(3_600).map(|hours| hours.iter().sum()), Some(2));
}

proptest! {
    /// Any tree, any meters, any words: the parts come to the whole, to the joule, and nobody gets less than nothing.
    #[test]
    fn every_level_adds_up(
        tree in prop::collection::vec((any::<prop::sample::Index>(), prop::option::of(0..10_000_000_i64), 0..50_000_i64), 1..20),
        words in prop::collection::vec((any::<prop::sample::Index>(), prop::option::of(0..300_000_i64)), 0..60),
    ) {
        let circuits: Vec<CircuitPart> = tree.iter().enumerate().map(|(place, (above, metered, house))| {
            let parent = (place > 0).then(|| above.index(place));
            let metered = metered.or((place == 0).then_some(5_000_000)).map(Energy::from_joules);
            part(parent, metered, Energy::from_joules(*house))
        }).collect();
        let machines: Vec<(usize, Option<Energy>)> =
            words.iter().map(|(at, word)| (at.index(circuits.len()), word.map(Energy::from_joules))).collect();
        let settled = settle(&circuits, &machines).unwrap();
        prop_assert_eq!(settled.sum(), settled.whole);
        for (given, (_, word)) in settled.machines.iter().zip(&machines) {
            prop_assert_eq!(given.is_some(), word.is_some());
            prop_assert!(given.is_none_or(|given| given >= Energy::ZERO));
        }
        // Every metered circuit adds up by itself: what lies below it comes to what it counted.
        for (place, circuit) in circuits.iter().enumerate() {
            let Some(metered) = circuit.metered else { continue };
            let within = |mut at: usize| loop {
                if at == place { return true; }
                match circuits[at].parent { Some(parent) => at = parent, None => return false }
            };
            let drawn: Energy = machines.iter().zip(&settled.machines).filter(|((at, _), _)| within(*at))
                .filter_map(|(_, given)| *given).sum();
            let rest: Energy = (0..circuits.len()).filter(|at| within(*at))
                .map(|at| settled.house[at] + settled.unattributed[at] + settled.losses[at]).sum();
            prop_assert_eq!(drawn + rest, metered);
        }
    }
}
