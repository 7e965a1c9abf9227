//! The planner's starts: who is started now, in which turn, and what holds the others: room, ramps, and what came
//! back by itself. Who may be started at all is [`Planner::classify`]'s.

use offpeak_site::{CircuitIx, MachineIx};
use offpeak_units::Power;

use super::{Flaw, Planner, Reason, Setpoint, Target};
use crate::memory::Release;

impl Planner<'_> {
    /// Starts best first where every circuit on the way has room and the ramp allows.
    pub(super) fn start(&mut self) -> (Vec<Option<Release>>, bool) {
        let full = self.refilled();
        let mut release = full.clone();
        let mut ramp_limited = false;
        let hold = if !self.memory.ready && !self.flawed(Flaw::Warmup) {
            Some(Reason::Warmup)
        } else if self.loads.circuit(CircuitIx::ROOT).measured.is_none() && !self.flawed(Flaw::SilentMeter) {
            Some(Reason::NoMeter)
        } else {
            None
        };
        ramp_limited |= self.release_returned(&mut release);
        for ix in &self.ranking.order {
            if self.setpoints[ix.ix()] != (Setpoint { target: Target::Off, reason: Reason::Starts }) {
                continue;
            }
            let short = self.no_room(*ix).map(Reason::NoRoom);
            let uneven = self.uneven(*ix).filter(|_| !self.flawed(Flaw::Phases)).map(Reason::Phases);
            let waits = hold.or(short).or(uneven).or_else(|| self.await_fans(*ix));
            let reason = match waits {
                Some(reason) => reason,
                None => {
                    let power = self.loads.awake[ix.ix()];
                    let path = || self.site.circuits.path(self.frame.places()[ix.ix()].circuit);
                    let used = |ix: CircuitIx| release[ix.ix()].is_some_and(|bucket| bucket.tokens < power);
                    if path().any(used) && !self.flawed(Flaw::Ramp) {
                        ramp_limited = true;
                        Reason::Ramp
                    } else {
                        for circuit in path() {
                            if let Some(bucket) = &mut release[circuit.ix()] {
                                bucket.tokens -= power;
                            }
                        }
                        self.take_room(*ix);
                        self.take_phase(*ix);
                        Reason::Starts
                    }
                }
            };
            let target = if reason == Reason::Starts { Target::Run(self.mode_of(*ix)) } else { Target::Off };
            self.setpoints[ix.ix()] = Setpoint { target, reason };
        }
        ramp_limited |= self.tune(&mut release);
        let after = release.into_iter().zip(full).zip(&self.memory.release);
        let after = after.map(|((used, full), held)| if used == full { *held } else { used });
        (after.collect(), ramp_limited)
    }

    /// Machines that came back by themselves have their turn before those that sleep: as many as the ramp allows
    /// go on, the others are held. Their load is counted already, so all they need is that there is room at all.
    fn release_returned(&mut self, release: &mut [Option<Release>]) -> bool {
        let (ranking, mut held) = (self.ranking, false);
        for ix in &ranking.order {
            let place = self.frame.places()[ix.ix()];
            if self.setpoints[ix.ix()].reason != Reason::HeldBack {
                continue;
            }
            let power = self.loads.awake[ix.ix()];
            let has_room = self.no_room_for(Power::ZERO, place.circuit).is_none();
            let path = || self.site.circuits.path(place.circuit);
            let used = |ix: CircuitIx| release[ix.ix()].is_some_and(|bucket| bucket.tokens < power);
            if has_room && (!path().any(used) || self.flawed(Flaw::Returns)) {
                for circuit in path() {
                    if let Some(bucket) = &mut release[circuit.ix()] {
                        bucket.tokens -= power;
                    }
                }
                let target = Target::Run(self.mode_of(*ix));
                self.setpoints[ix.ix()] = Setpoint { target, reason: Reason::Returns };
            } else {
                held = true;
            }
        }
        held
    }

    fn need(&self, machine: MachineIx) -> Power {
        self.loads.need(machine, self.rated(machine).sleep)
    }

    /// The first circuit on the way to the grid without room, which is noted in its slack.
    fn no_room(&mut self, machine: MachineIx) -> Option<CircuitIx> {
        self.no_room_for(self.need(machine), self.frame.places()[machine.ix()].circuit)
    }

    pub(super) fn no_room_for(&mut self, need: Power, at: CircuitIx) -> Option<CircuitIx> {
        let short =
            self.site.circuits.path(at).find(|ix| self.room[ix.ix()].is_some_and(|room| room < need))?;
        let room = self.room[short.ix()]?;
        let start_at = self.loads.circuit(short).upper + room - need;
        let slack = &mut self.slack[short.ix()].start_at;
        *slack = Some(slack.map_or(start_at, |held| held.max(start_at)));
        Some(short)
    }

    fn take_room(&mut self, machine: MachineIx) {
        self.take_room_for(self.need(machine), self.frame.places()[machine.ix()].circuit);
    }

    pub(super) fn take_room_for(&mut self, need: Power, at: CircuitIx) {
        for ix in self.site.circuits.path(at) {
            self.started[ix.ix()] += need;
            if let Some(room) = &mut self.room[ix.ix()] {
                *room -= need;
            }
        }
    }

    /// What each circuit may come to draw, where this plan starts or tunes something.
    pub(super) fn admitted(&self) -> Vec<Option<Power>> {
        let circuits = self.started.iter().zip(&self.loads.circuits).zip(&self.memory.admitted);
        let circuits = circuits.zip(self.tuned_circuits());
        circuits
            .map(
                |(((started, load), held), tuned)| {
                    if started.is_zero() && !tuned { *held } else { load.admit(*started) }
                },
            )
            .collect()
    }

    /// The ramps' buckets at this instant: refilled by the second, at most five seconds' worth, and
    /// always enough for the largest machine.
    fn refilled(&self) -> Vec<Option<Release>> {
        let largest = self.site.models.iter().map(|model| model.power_max()).max().unwrap_or(Power::ZERO);
        let now = self.snapshot.at;
        let refill = |(circuit, held): (&offpeak_site::Circuit, &Option<Release>)| {
            let per_minute = circuit.ramp?.up_per_minute?;
            let cap = per_minute.scale(5.0 / 60.0).max(largest);
            let tokens = held.map_or(cap, |held| {
                let millis = held.at.duration_until(now).as_millis().max(0) as i64;
                let gained = per_minute.to_milliwatts().saturating_mul(millis) / 60_000;
                cap.min(held.tokens + Power::from_milliwatts(gained.min(cap.to_milliwatts() * 2)))
            });
            Some(Release { tokens, at: now })
        };
        self.site.circuits.iter().map(|(_, circuit)| circuit).zip(&self.memory.release).map(refill).collect()
    }
}
