//! A machine as its firmware shows it at one moment, in the numbers that replies are made of; and
//! what the firmware remembers between requests.

use std::net::IpAddr;

use offpeak_site::{Action, Activity, MachineIx, ModeName, Outcome};
use offpeak_twin::Fault;
use serde_json::Value;

use super::State;
use super::card::Card;

/// What a machine's firmware remembers.
#[derive(Clone, Debug, Default)]
pub(super) struct Unit {
    /// WhatsMiner's tokens that are still honoured.
    pub(super) tokens: Vec<Pass>,
    /// How many tokens it ever gave.
    pub(super) tokens_given: u32,
    /// Whether the API for writing is switched off.
    pub(super) writes_closed: bool,
    /// Whether the light blinks, to be found.
    pub(super) blinks: bool,
    /// Avalon's mode from its next restart on.
    pub(super) mode_next: Option<ModeName>,
    /// Antminer's pools, once they were written.
    pub(super) pools: Option<Box<Value>>,
    /// Antminer's fan and frequency settings, once they were written.
    pub(super) settings: Option<Box<(Value, Value, Value)>>,
    /// The Unix second since which it was seen hashing.
    hashing_since: Option<i64>,
}

/// A token, as the machine keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pass {
    pub(super) client: IpAddr,
    pub(super) sign: String,
    /// The Unix second at which it ends.
    pub(super) until: i64,
}

/// The numbers that replies are made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    /// The Unix second.
    pub(super) when: i64,
    pub(super) activity: Activity,
    /// Seconds of mining.
    pub(super) elapsed: i64,
    /// The watts it claims.
    pub(super) watts: i64,
    /// Megahashes a second.
    pub(super) rate: i64,
    /// Megahashes a second, by board.
    pub(super) boards: [i64; 3],
    /// The hottest chip, in hundredths of a degree Celsius.
    pub(super) chip: i64,
    /// The air around it, in hundredths of a degree Celsius.
    pub(super) air: i64,
    /// Revolutions a minute.
    pub(super) fan: i64,
    pub(super) mode: ModeName,
    pub(super) board_dead: bool,
}

/// For replies that write rates in gigahashes a second.
pub(super) fn gigahashes(megahashes: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "one machine's rate is far below 2^53")]
    let megahashes = megahashes as f64;
    megahashes / 1e3
}

/// For replies that write temperatures with a point.
pub(super) fn celsius(hundredths: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a temperature")]
    let hundredths = hundredths as f64;
    hundredths / 100.0
}

/// A machine that the twin begins with hashing has done so for about a day.
const HASHING_BEFORE: i64 = 86_400;

impl State {
    /// What the machine shows now. Call it only while the machine answers.
    pub(super) fn view(&mut self, machine: MachineIx, card: &Card) -> View {
        let truth = self.plant.truth(machine);
        let when = self.plant.now().as_second();
        let reading = self.plant.reading(machine).ok();
        let activity = reading.map_or(Activity::Starting, |reading| reading.activity);
        let claimed = reading.and_then(|reading| reading.power).unwrap_or(truth.power);
        let hashing = activity == Activity::Hashing;
        let rate = if hashing { truth.hash_rate.to_megahashes() } else { 0 };
        let full = rate * 10 >= card.rate_factory * 9;
        let unit = &mut self.units[machine.ix()];
        let since = match (hashing, unit.hashing_since) {
            (false, _) => None,
            (true, Some(since)) => Some(since),
            (true, None) if full => Some(when - HASHING_BEFORE - i64::from(machine.0 % 3_600)),
            (true, None) => Some(when),
        };
        unit.hashing_since = since;
        let board_dead = truth.fault == Some(Fault::BoardDead);
        let boards = if board_dead {
            [rate / 2, rate - rate / 2, 0]
        } else {
            [rate / 3, rate / 3, rate - rate / 3 * 2]
        };
        let chip = i64::from(truth.temperature.to_millicelsius()) / 10;
        let fan = if hashing { 3_600 + chip.clamp(0, 10_000) * 3 / 10 } else { 0 };
        View {
            when,
            activity,
            elapsed: since.map_or(0, |since| when - since),
            watts: claimed.to_watts(),
            rate,
            boards,
            chip,
            air: i64::from(self.plant.outdoor().to_millicelsius()) / 10,
            fan,
            mode: truth.mode,
            board_dead,
        }
    }

    /// Stops the mining process and starts it again. One that sleeps goes on sleeping.
    pub(super) fn restart(&mut self, machine: MachineIx) -> Outcome {
        self.units[machine.ix()].tokens.clear();
        if !matches!(self.plant.truth(machine).activity, Some(Activity::Hashing | Activity::Starting)) {
            return Outcome::Accepted;
        }
        match self.plant.command(machine, Action::Sleep) {
            Outcome::Accepted => self.plant.command(machine, Action::Wake),
            other => other,
        }
    }
}
