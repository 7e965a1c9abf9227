//! Modes and swaps, over time: what is aimed at, what is sent, and what becomes of it.

use std::sync::Arc;

use offpeak_site::{Action, Activity, Outcome};

use super::*;
use crate::reconcile::CommandState;
use crate::snapshot::Returned;
use crate::testing::{in_mode, memory, monday, says, site_with_modes, snapshot};
use crate::{Controller, Cycle, Reason};

/// A mine of forty machines whose own doings are as quick as a second, and whose meter is exact.
struct Mine {
    controller: Controller,
    snapshot: Snapshot,
    /// By machine: the mode it runs in, asleep without one.
    modes: Vec<Option<ModeName>>,
    refuses: Option<MachineIx>,
}

impl Mine {
    fn new(site: Site, modes: Vec<Option<ModeName>>) -> Self {
        let mut snapshot = snapshot(monday(3_600), 0);
        Self::look(&mut snapshot, &site, &modes);
        let memory = memory(&site, &snapshot);
        Self { controller: Controller::new(Arc::new(site), memory), snapshot, modes, refuses: None }
    }

    fn look(snapshot: &mut Snapshot, site: &Site, modes: &[Option<ModeName>]) {
        let at = snapshot.at;
        let mut power = Power::ZERO;
        for (seen, mode) in snapshot.machines.iter_mut().zip(modes) {
            *seen = mode.map_or_else(|| says(at, Activity::Asleep), |mode| in_mode(at, mode));
            power += mode.map_or(site.models[0].sleep, |mode| site.models[0].mode(mode).unwrap().power);
        }
        let meter = snapshot.meters[0].as_mut().unwrap();
        (meter.at, meter.power) = (at, power);
    }

    /// So many seconds pass, at the end of each of which machines have done what they were told.
    fn pass(&mut self, site: &Site, seconds: i64) -> Vec<Cycle> {
        let mut cycles = Vec::new();
        for _ in 0..seconds {
            let cycle = self.controller.cycle(&self.snapshot);
            self.snapshot.at += SignedDuration::from_secs(1);
            self.snapshot.returned.clear();
            for command in &cycle.commands {
                let refused = self.refuses == Some(command.machine);
                let outcome = if refused { Outcome::Refused("no".into()) } else { Outcome::Accepted };
                let (machine, generation) = (command.machine, command.generation);
                self.snapshot.returned.push(Returned { machine, generation, outcome });
                let mode = &mut self.modes[machine.ix()];
                match command.action {
                    _ if refused => {}
                    Action::SetMode(to) => *mode = Some(to),
                    Action::Wake => *mode = Some(ModeName::Normal),
                    _ => *mode = None,
                }
            }
            Self::look(&mut self.snapshot, site, &self.modes);
            cycles.push(cycle);
        }
        cycles
    }
}

fn told(cycles: &[Cycle]) -> Vec<(MachineIx, Action, Reason)> {
    let commands = cycles.iter().flat_map(|cycle| &cycle.commands);
    commands.map(|command| (command.machine, command.action, command.reason)).collect()
}

/// What all make together, in terahashes a second.
fn hashed(site: &Site, modes: &[Option<ModeName>]) -> f64 {
    let rate = |mode: &Option<ModeName>| site.models[0].mode((*mode)?).map(|mode| mode.hash_rate);
    modes.iter().filter_map(rate).map(offpeak_units::HashRate::to_terahashes_f64).sum()
}

#[test]
fn under_a_limit_the_mine_goes_over_to_lower_modes_one_after_the_other() {
    let site = site_with_modes();
    let modes = [vec![Some(ModeName::Normal); 32], vec![None; 8]].concat();
    let before = hashed(&site, &modes);
    let mut mine = Mine::new(site.clone(), modes);
    let cycles = mine.pass(&site, 6 * 3_600);
    assert!(cycles.iter().all(|cycle| cycle.vetoes.is_empty()));
    let sent = told(&cycles);
    let count = |reason| sent.iter().filter(|(_, _, why)| *why == reason).count();
    let known = [Reason::Lowers, Reason::Raises, Reason::Starts];
    assert!(sent.iter().all(|(_, _, reason)| known.contains(reason)), "nobody is stopped: {sent:?}");
    assert!(count(Reason::Lowers) >= 20 && count(Reason::Raises) <= 3, "{sent:?}");
    // Forty machines are two in a hundred at once: one.
    let tuned =
        |cycle: &Cycle| told(std::slice::from_ref(cycle)).iter().filter(|it| it.2 != Reason::Starts).count();
    let most = cycles.iter().map(tuned).max();
    assert_eq!(most, Some(1), "one after the other");
    assert!(hashed(&site, &mine.modes) > before * 1.05, "{} of {before}", hashed(&site, &mine.modes));
    assert!(mine.snapshot.meters[0].unwrap().power <= Power::from_watts(100_000));
}

#[test]
fn where_there_is_room_modes_are_raised() {
    let site = site_with_modes();
    let mut mine = Mine::new(site.clone(), vec![Some(ModeName::Low); 40]);
    let cycles = mine.pass(&site, 6 * 3_600);
    let sent = told(&cycles);
    assert!(!sent.is_empty() && sent.iter().all(|(_, _, reason)| *reason == Reason::Raises), "{sent:?}");
    assert!(cycles.iter().all(|cycle| cycle.vetoes.is_empty()));
    let power = mine.snapshot.meters[0].unwrap().power;
    assert!(power > Power::from_watts(96_000) && power <= Power::from_watts(100_000), "{power}");
}

#[test]
fn a_machine_that_takes_no_mode_is_left_alone_for_a_day() {
    let mut site = site_with_modes();
    site.contract.windows[0].limit = Power::from_watts(130_000);
    let mut mine =
        Mine::new(site.clone(), [vec![Some(ModeName::Low)], vec![Some(ModeName::Normal); 39]].concat());
    mine.refuses = Some(MachineIx(0));
    mine.controller = {
        let mut memory = memory(&site, &mine.snapshot);
        let envelope = crate::envelope(&site, &mine.snapshot.directives, mine.snapshot.at);
        memory.aim =
            Aim::wanting(monday(3_600), [(MachineIx(0), Want::Mode(ModeName::Normal))]).under(&envelope);
        memory.aim.again_at = Some(monday(4_200));
        Controller::new(Arc::new(site.clone()), memory)
    };
    let cycles = mine.pass(&site, 30);
    assert_eq!(told(&cycles).iter().filter(|(machine, ..)| machine.0 == 0).count(), 1);
    let ends = cycles.iter().flat_map(|cycle| &cycle.transitions).rfind(|end| end.machine.0 == 0);
    assert_eq!(ends.unwrap().state, CommandState::Refused("no".into()));
    assert_eq!(
        mine.controller.memory().machines[0].mode_retry_at,
        Some(monday(3_601) + limits::MODE_AGAIN_AFTER)
    );
    // It runs on as it was, and a shed is not held up by any of this.
    assert_eq!(mine.modes[0], Some(ModeName::Low));
}

#[test]
fn a_better_machine_that_waits_takes_a_worse_one_s_place() {
    let mut site = site_with_modes();
    site.rules.tuning.change_modes = false;
    site.contract.windows[0].limit = Power::from_watts(99_000);
    let mut better = site.models[0].clone();
    better.modes[1].hash_rate = better.modes[1].hash_rate * 2;
    site.models.push(better);
    site.machines[39].model = offpeak_site::ModelIx(1);
    let modes = [vec![Some(ModeName::Normal); 32], vec![None; 8]].concat();
    let mut mine = Mine::new(site.clone(), modes.clone());
    let cycles = mine.pass(&site, 1_200);
    let sent = told(&cycles);
    assert!(
        sent.iter().any(|(_, action, reason)| (*action, *reason) == (Action::Sleep, Reason::Swapped)),
        "{sent:?}"
    );
    assert_eq!(mine.modes[39], Some(ModeName::Normal), "{sent:?}");
    assert!(sent.len() <= 4, "and nothing else moves: {sent:?}");
    // Where that is not allowed, nobody is stopped.
    site.rules.tuning = offpeak_site::Tuning::default();
    let mut mine = Mine::new(site.clone(), modes);
    let cycles = mine.pass(&site, 1_200);
    assert!(told(&cycles).iter().all(|(_, _, reason)| *reason != Reason::Swapped));
}

#[test]
fn a_change_that_cannot_pay_for_itself_is_not_made() {
    // A restart takes as long as the window has left.
    let mut site = site_with_modes();
    site.models[0].transitions.wake = offpeak_site::Distribution { p5_ms: 1_000_000, p95_ms: 3_600_000 };
    let modes = [vec![Some(ModeName::Normal); 32], vec![None; 8]].concat();
    let mut mine = Mine::new(site.clone(), modes);
    mine.snapshot.at = monday(7 * 3_600);
    Mine::look(&mut mine.snapshot, &site, &mine.modes);
    let cycles = mine.pass(&site, 600);
    assert!(
        told(&cycles).iter().all(|(_, action, _)| !matches!(action, Action::SetMode(_))),
        "{:?}",
        told(&cycles)
    );
}
