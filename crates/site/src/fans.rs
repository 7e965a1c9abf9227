//! Fans that machines need: contactors which are closed before the first machine below starts, and opened
//! after the last has stopped.
//!
//! Not here: when to switch them (`dispatch`).

use jiff::SignedDuration;
use offpeak_units::Power;

use crate::circuit::CircuitIx;
use crate::machine::Outlet;

/// A set of fans' place in the site's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FanIx(pub u32);

impl FanIx {
    /// As an index.
    #[must_use]
    pub const fn ix(self) -> usize {
        self.0 as usize
    }
}

/// Fans that run together: the machines on a circuit and below it need all of them.
///
/// ```
/// # use jiff::SignedDuration;
/// # use offpeak_site::{CircuitIx, Fans, SwitchIx};
/// # use offpeak_units::Power;
/// let fans = Fans { id: "fans-hall-1".into(), circuit: CircuitIx(1), switch: SwitchIx(0), first_channel: 4,
///     channels: 2, power: Power::from_kilowatts(12), lead: SignedDuration::from_secs(30),
///     run_on: SignedDuration::from_mins(5), without: SignedDuration::from_mins(2) };
/// assert_eq!(fans.contactors().map(|contactor| contactor.channel).collect::<Vec<_>>(), [4, 5]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fans {
    /// Their name.
    pub id: String,
    /// Whose machines need them: this circuit and what hangs below it, in a hall.
    pub circuit: CircuitIx,
    /// The switch with their contactors; a closed channel lets them run.
    pub switch: crate::observe::SwitchIx,
    /// The first of the contactors,
    pub first_channel: u16,
    /// and how many there are, one after another; at least one.
    pub channels: u16,
    /// What they draw while all run, besides the circuit's base load.
    pub power: Power,
    /// How long all must have been seen closed before a machine is started.
    pub lead: SignedDuration,
    /// How long they run on after the last machine was seen asleep or cut.
    pub run_on: SignedDuration,
    /// How long machines may run while one of them is seen open.
    pub without: SignedDuration,
}

impl Fans {
    /// The contactors.
    pub fn contactors(&self) -> impl Iterator<Item = Outlet> + use<> {
        let (switch, first) = (self.switch, self.first_channel);
        (0..self.channels).map(move |place| Outlet { switch, channel: first.saturating_add(place) })
    }
}
