//! The time in which nobody looked: from what was recorded last to the first words after it.
//!
//! Its seconds are `no data`. A short one's energy is estimated from both ends and scaled to the meters, whose registers
//! counted on; of a long one nothing is known of any machine, and what the meters show for it stands in the line of the rest.

use jiff::Timestamp;
use offpeak_rows::{Downtime, Known, MachineRow, MachineState};
use offpeak_units::Energy;

use super::names::Names;
use super::rows;
use crate::MINUTE_S;
use crate::machine::MachineMinute;

/// The rule by which a machine's energy is estimated where nobody looked.
pub const RULE_GAP: &str = "mean of both ends of at most 60 min without a record, scaled to the meters";
/// Minutes of which energies are estimated at most.
const SHORT_MINUTES: i64 = 60;
/// Minutes of a long one that come out at once at most, so that nobody waits for a month of them.
const AT_ONCE_MINUTES: i64 = 60;
/// The lengths in minutes that rows of a long one may have; the last two only at an end, where all must come out.
const LENGTHS: [i64; 4] = [1, 15, 60, 1_440];

/// What was recorded last of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastWord {
    /// The end of its last row.
    pub until: Timestamp,
    /// The energy of a minute there; `None` if it was not known.
    pub energy: Option<Energy>,
}

/// A time in which nobody looked, in minutes since 1970.
#[derive(Clone, Debug)]
pub(super) struct Gap {
    /// From this minute
    pub(super) from: i64,
    /// until before this one.
    pub(super) until: i64,
    /// By machine: the energy of a minute before it. `None`: the machine was not there yet.
    pub(super) before: Vec<Option<Option<Energy>>>,
}

impl Gap {
    pub(super) const fn is_short(&self) -> bool {
        self.until - self.from <= SHORT_MINUTES
    }

    /// Each minute of a short one, with what the machines say after it.
    pub(super) fn minute(&self, after: &[Option<MachineMinute>]) -> Vec<Option<MachineMinute>> {
        let of = |(place, before): (usize, &Option<Option<Energy>>)| {
            let before = (*before)?;
            let after = after.get(place).and_then(Option::as_ref).and_then(a_minute);
            Some(match (before, after) {
                (Some(before), Some(after)) => MachineMinute {
                    known_s: MINUTE_S as u32,
                    energy: Some(Energy::from_joules((before.to_joules() + after.to_joules()) / 2)),
                    known: Known::Estimated,
                    rule: Some(RULE_GAP),
                    ..nothing(1)
                },
                _ => nothing(1),
            })
        };
        self.before.iter().enumerate().map(of).collect()
    }

    /// Takes rows of a long one out: of an hour, or all that are left. Says whether any are left.
    pub(super) fn take(&mut self, all: bool, names: &Names, out: &mut Vec<MachineRow>) -> bool {
        let until = if all { self.until } else { self.until.min(self.from + AT_ONCE_MINUTES) };
        let lengths = if all { &LENGTHS[..] } else { &LENGTHS[..2] };
        while self.from < until {
            let fits = |length: &&i64| self.from % **length == 0 && self.from + **length <= self.until;
            let length = *lengths.iter().rev().find(fits).unwrap_or(&1);
            for place in (0..self.before.len()).filter(|place| self.before[*place].is_some()) {
                let minute = nothing(length as u32);
                out.push(rows::machine(place, self.from, length as u32, &minute, None, names));
            }
            self.from += length;
        }
        self.from < self.until
    }
}

/// A whole minute's energy at the power of the part that is known.
fn a_minute(minute: &MachineMinute) -> Option<Energy> {
    let energy = minute.energy.filter(|_| minute.known_s > 0)?;
    Some(Energy::from_joules(energy.to_joules() * MINUTE_S / i64::from(minute.known_s)))
}

/// So many minutes of which nothing is known.
fn nothing(minutes: u32) -> MachineMinute {
    MachineMinute {
        known_s: 0,
        energy: None,
        known: Known::Missing,
        rule: None,
        hashes: None,
        state: MachineState::Unknown,
        mode: None,
        chip_max: None,
        hashing_s: 0,
        starting_s: 0,
        down: Downtime { no_data_s: minutes * MINUTE_S as u32, ..Downtime::default() },
    }
}
