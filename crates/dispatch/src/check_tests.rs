//! The judge against a planner with mistakes planted in it, one by one.

use super::*;
use offpeak_site::{ModeName, Phase};

use crate::aim::{Aim, Want};
use crate::directive::{Directives, Hold, Lockout, Stop};
use crate::envelope::envelope;
use crate::load::Loads;
use crate::plan::{Flaw, Planner};
use crate::rank::rank;
use crate::testing::*;

/// A moment, and the planner's mistake that shows in it.
struct Case {
    site: Site,
    snapshot: Snapshot,
    memory: Memory,
    flaw: Flaw,
}

impl Case {
    fn new(flaw: Flaw, at: Timestamp, hashing: usize) -> Self {
        let (site, snapshot) = (site(), snapshot(at, hashing));
        let memory = memory(&site, &snapshot);
        Self { site, snapshot, memory, flaw }
    }
    fn judge(&self, flaw: Option<Flaw>) -> Vec<Veto> {
        let envelope = envelope(&self.site, &self.snapshot.directives, self.snapshot.at);
        let frame = Frame::new(&self.site);
        let loads = Loads::new(&self.site, &frame, &self.snapshot, &self.memory);
        let ranking = rank(&self.site, &[], None, None);
        let mut memory = self.memory.clone();
        memory.aim = memory.aim.under(&envelope);
        let mut planner =
            Planner::new(&self.site, &frame, &self.snapshot, &envelope, &loads, &ranking, &memory);
        planner.flaw = flaw;
        let plan = planner.run();
        check(&self.site, &frame, &self.snapshot, &envelope, &self.memory, &plan)
    }
    /// The sound planner passes, the flawed one is caught for this cause.
    fn assert_caught(&self, cause: VetoCause) {
        assert_eq!(self.judge(None), vec![], "the sound plan passes");
        let vetoes = self.judge(Some(self.flaw));
        assert!(vetoes.iter().any(|veto| veto.cause == cause), "{:?} gave {vetoes:?}", self.flaw);
    }
}

#[test]
fn a_forgotten_connection_limit_is_caught() {
    let mut case = Case::new(Flaw::RootLimit, monday(3_600), 30);
    case.site.circuits = without_ramp(&case.site);
    case.assert_caught(VetoCause::StartAboveLimit);
}

#[test]
fn a_forgotten_rack_rating_is_caught() {
    let mut case = Case::new(Flaw::LeafLimit, monday(3_600), 0);
    case.site.circuits = with_rack_rating(&case.site, Power::from_watts(10_000));
    case.site.circuits = without_ramp(&case.site);
    case.assert_caught(VetoCause::StartAboveLimit);
}

#[test]
fn a_start_under_a_lockout_is_caught() {
    let mut case = Case::new(Flaw::Lockout, monday(3_600), 0);
    case.snapshot.directives = Directives {
        lockouts: vec![Lockout { circuit: CircuitIx(1), at: monday(0), by: "electrician".into() }],
        ..Directives::default()
    };
    case.assert_caught(VetoCause::StartBlocked(Source::Lockout));
}

#[test]
fn machines_left_on_under_a_stop_are_caught() {
    let mut case = Case::new(Flaw::Stop, monday(3_600), 10);
    case.snapshot.directives = Directives {
        stops: vec![Stop { circuit: CircuitIx::ROOT, at: monday(0), reason: "test".into() }],
        ..Directives::default()
    };
    case.assert_caught(VetoCause::NotStopped(Source::Stop));
}

#[test]
fn a_start_outside_the_window_is_caught() {
    // The contract's house load has no room for a machine, so give it some: the block is what
    // must be respected, whatever the room.
    let mut case = Case::new(Flaw::Window, monday(9 * 3_600), 0);
    case.site.contract.house_load = Power::from_watts(50_000);
    case.assert_caught(VetoCause::StartBlocked(Source::ContractClosed));
}

#[test]
fn forgotten_starts_in_flight_are_caught() {
    let mut case = Case::new(Flaw::Pending, monday(3_600), 0);
    case.site.circuits = without_ramp(&case.site);
    for seen in &mut case.snapshot.machines[..30] {
        *seen = says(monday(3_600), Activity::Starting);
    }
    case.assert_caught(VetoCause::StartAboveLimit);
}

#[test]
fn a_silent_meter_read_as_zero_is_caught() {
    let mut case = Case::new(Flaw::SilentMeter, monday(3_600), 0);
    case.snapshot.at += SignedDuration::from_secs(30);
    case.assert_caught(VetoCause::StartUnmetered);
}

#[test]
fn a_start_from_an_unknown_state_is_caught() {
    let mut case = Case::new(Flaw::UnknownState, monday(3_600), 0);
    case.snapshot.machines[0].trouble = Some((offpeak_site::Trouble::Silent, monday(0)));
    case.assert_caught(VetoCause::StartUnknown);
}

#[test]
fn a_forgotten_ramp_is_caught() {
    let case = Case::new(Flaw::Ramp, monday(60), 0);
    let mut case = case;
    case.site.contract.windows[0].limit = Power::from_watts(200_000);
    case.site.circuits = with_ramp(&case.site, Power::from_watts(30_000));
    case.assert_caught(VetoCause::RampExceeded);
}

#[test]
fn a_power_return_beyond_the_ramp_is_caught() {
    let mut case = Case::new(Flaw::Returns, monday(60), 0);
    case.site.contract.windows[0].limit = Power::from_watts(200_000);
    case.site.circuits = with_ramp(&case.site, Power::from_watts(30_000));
    for (seen, remembered) in case.snapshot.machines.iter_mut().zip(&mut case.memory.machines).take(20) {
        *seen = says(monday(60), Activity::Starting);
        remembered.returns = true;
    }
    case.assert_caught(VetoCause::RampExceeded);
}

#[test]
fn half_a_shed_is_caught() {
    Case::new(Flaw::HalfShed, monday(3_600), 40).assert_caught(VetoCause::NotShed);
}

#[test]
fn a_start_without_authority_is_caught() {
    let mut case = Case::new(Flaw::Authority, monday(3_600), 0);
    case.site.circuits = with_authority(&case.site, Authority::Observe);
    case.assert_caught(VetoCause::NoAuthority);
}

#[test]
fn a_start_before_everything_was_asked_is_caught() {
    let mut case = Case::new(Flaw::Warmup, monday(3_600), 0);
    case.memory.ready = false;
    case.assert_caught(VetoCause::StartTooEarly);
}

#[test]
fn an_overlooked_order_is_caught() {
    let mut case = Case::new(Flaw::Orders, monday(3_600), 20);
    case.snapshot.directives.orders =
        vec![crate::Order::at_most(1, CircuitIx(1), Power::from_watts(30_000), monday(0), None)];
    case.assert_caught(VetoCause::NotShed);
    case.snapshot = snapshot(monday(3_600), 0);
    case.snapshot.directives.orders =
        vec![crate::Order::at_most(1, CircuitIx(1), Power::from_watts(4_000), monday(0), None)];
    case.site.circuits = without_ramp(&case.site);
    case.memory = memory(&case.site, &case.snapshot);
    case.assert_caught(VetoCause::StartAboveLimit);
}

#[test]
fn a_forgotten_ramp_of_a_rack_is_caught() {
    let mut case = Case::new(Flaw::Ramp, monday(60), 0);
    case.site.contract.windows[0].limit = Power::from_watts(200_000);
    let ramp = offpeak_site::Ramp { up_per_minute: Some(Power::from_watts(5_000)), down_per_minute: None };
    case.site.circuits = changed(&case.site, |ix, circuit| circuit.ramp = (ix.0 == 3).then_some(ramp));
    case.assert_caught(VetoCause::RampExceeded);
}

#[test]
fn a_higher_mode_without_room_is_caught() {
    let mut case = Case::new(Flaw::Raise, monday(3_600), 34);
    case.site = site_with_modes();
    for place in 0..34 {
        let mode = if place < 4 { ModeName::Low } else { ModeName::Normal };
        case.snapshot.machines[place] = in_mode(monday(3_600), mode);
    }
    let watts = 4 * 2_000 + 30 * MACHINE_W + 6 * SLEEP_W;
    case.snapshot.meters[0].as_mut().unwrap().power = offpeak_units::Power::from_watts(watts);
    case.memory = memory(&case.site, &case.snapshot);
    case.memory.aim = Aim::wanting(monday(3_600), [(MachineIx(0), Want::Mode(ModeName::High))]);
    // 98.1 kW and 1.5 kW more fit below 100 kW.
    assert_eq!(case.judge(Some(Flaw::Raise)), vec![]);
    case.site.contract.windows[0].limit = offpeak_units::Power::from_watts(99_000);
    case.assert_caught(VetoCause::StartAboveLimit);
}

#[test]
fn a_start_on_the_fullest_phase_is_caught() {
    let mut case = Case::new(Flaw::Phases, monday(3_600), 2);
    // Both machines that run hang on the first phase, and so does the next one.
    case.site.rules.phases = (0..40).map(|place| Some(Phase::ALL[place / 14])).collect();
    let most = offpeak_units::Power::from_watts(7_000);
    case.site.rules.balance = vec![offpeak_site::Balance { circuit: CircuitIx(3), most }];
    case.assert_caught(VetoCause::StartUneven);
}

#[test]
fn a_start_of_a_machine_that_has_not_rested_is_caught() {
    let mut case = Case::new(Flaw::Rest, monday(3_600), 0);
    case.site.rules.timing.least_rest = SignedDuration::from_mins(10);
    case.memory.machines[0].rests_since = Some(monday(3_100));
    case.assert_caught(VetoCause::StartUnrested);
}

#[test]
fn a_start_of_a_machine_that_is_held_off_is_caught_and_a_hold_passes() {
    let case = Case::new(Flaw::Rest, monday(3_600), 10);
    let Case { site, mut snapshot, memory, .. } = case;
    let judged = |snapshot: &Snapshot, planned: &Snapshot| {
        let envelope = envelope(&site, &snapshot.directives, snapshot.at);
        let (frame, ranking) = (Frame::new(&site), rank(&site, &[], None, None));
        let loads = Loads::new(&site, &frame, planned, &memory);
        let plan = Planner::new(&site, &frame, planned, &envelope, &loads, &ranking, &memory).run();
        check(&site, &frame, snapshot, &envelope, &memory, &plan)
    };
    let free = snapshot.clone();
    let hold = Hold { at: monday(0), until: None, by: "anna".into(), why: "test".into() };
    let holds = [3, 12].map(|ix| (MachineIx(ix), hold.clone()));
    snapshot.directives.holds = std::sync::Arc::new(holds.into());
    assert_eq!(judged(&snapshot, &snapshot), vec![], "what is held goes to sleep or stays asleep");
    let caught = judged(&snapshot, &free);
    let cause = VetoCause::StartHeld;
    // The one that sleeps would be started; the one that runs is no start.
    assert_eq!(caught, [Veto { circuit: CircuitIx(4), cause, machine: Some(MachineIx(12)) }]);
}

fn changed(site: &Site, change: impl Fn(CircuitIx, &mut offpeak_site::Circuit)) -> offpeak_site::CircuitTree {
    let mut circuits: Vec<_> = site.circuits.iter().map(|(_, circuit)| circuit.clone()).collect();
    for (place, circuit) in circuits.iter_mut().enumerate() {
        change(CircuitIx(place as u32), circuit);
    }
    offpeak_site::CircuitTree::new(circuits).unwrap()
}
fn without_ramp(site: &Site) -> offpeak_site::CircuitTree {
    changed(site, |_, circuit| circuit.ramp = None)
}
fn with_ramp(site: &Site, up: Power) -> offpeak_site::CircuitTree {
    changed(site, |_, circuit| {
        if let Some(ramp) = &mut circuit.ramp {
            ramp.up_per_minute = Some(up);
        }
    })
}
fn with_rack_rating(site: &Site, rating: Power) -> offpeak_site::CircuitTree {
    changed(site, |ix, circuit| {
        if ix.0 >= 3 {
            circuit.rating = Some(rating);
        }
    })
}
fn with_authority(site: &Site, authority: Authority) -> offpeak_site::CircuitTree {
    changed(site, |_, circuit| circuit.authority = authority)
}
