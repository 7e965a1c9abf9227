//! One immutable picture of the mine for one cycle. Every value carries its age.

use jiff::Timestamp;
use offpeak_site::{MachineIx, MeterReading, Outcome, Reading, Trouble};

use crate::directive::Directives;
use crate::fans::FansSeen;

/// What is known of one machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Its last proper word; `None` if it never answered.
    pub reading: Option<Reading>,
    /// What is wrong now, and since when; `None` while it answers.
    pub trouble: Option<(Trouble, Timestamp)>,
    /// Whether its outlet carries power, and when its switch said so; `None` without an outlet or before
    /// the switch has spoken.
    pub outlet_closed: Option<(bool, Timestamp)>,
}

impl Seen {
    /// Whether this machine has been asked at all.
    #[must_use]
    pub const fn was_asked(&self) -> bool {
        self.reading.is_some() || self.trouble.is_some()
    }
}

/// How the sending of a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Returned {
    /// The machine.
    pub machine: MachineIx,
    /// The command's generation; a result of an older one is ignored.
    pub generation: u64,
    /// What came back.
    pub outcome: Outcome,
}

/// The picture.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The instant of the cycle.
    pub at: Timestamp,
    /// One element a machine.
    pub machines: Vec<Seen>,
    /// One element a meter: its last reading, however old.
    pub meters: Vec<Option<MeterReading>>,
    /// One element a set of fans: what its switch last said, however old.
    pub fans: Vec<Option<FansSeen>>,
    /// Orders in force.
    pub directives: Directives,
    /// What came back of commands since the last cycle.
    pub returned: Vec<Returned>,
}
