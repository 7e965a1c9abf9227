//! A machine's words become minutes: energy and hashes by its own word, and what the time went by.

use jiff::Timestamp;
use offpeak_rows::{Downtime, Known, MachineMode, MachineState};
use offpeak_units::{Energy, HashRate, Hashes, Power, Temperature};

/// What a machine's time goes by: exactly one at any instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Doing {
    /// It hashes.
    Hashing,
    /// On its way up, not hashing yet.
    Starting,
    /// Off: outside the contract's hours, or no room below a rating.
    OutsideHours,
    /// Off: by an order or an operator's stop.
    Ordered,
    /// Off: its power costs more than it earns.
    Price,
    /// Off, or not hashing, by a fault of its own.
    Fault,
    /// It does not answer.
    Unreachable,
    /// Off: somebody works there.
    Maintenance,
    /// Nobody looked.
    NoData,
}

impl Doing {
    /// Every kind of time, in the order of the columns.
    pub const ALL: [Self; 9] = [
        Self::Hashing,
        Self::Starting,
        Self::OutsideHours,
        Self::Ordered,
        Self::Price,
        Self::Fault,
        Self::Unreachable,
        Self::Maintenance,
        Self::NoData,
    ];
}

/// What is known of a machine from an instant on, until something else is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// What it draws, by its own word or by a rule; `None`: not known, never zero.
    pub power: Option<Power>,
    /// The rule, where the power is not its own word.
    pub rule: Option<&'static str>,
    /// What it hashes by its own word.
    pub hash_rate: Option<HashRate>,
    /// What it does.
    pub state: MachineState,
    /// The mode it runs in.
    pub mode: Option<MachineMode>,
    /// Its hottest chip.
    pub chip: Option<Temperature>,
    /// What its time goes by.
    pub doing: Doing,
}

impl Claim {
    /// Nothing is known.
    pub const NOTHING: Self = Self {
        power: None,
        rule: None,
        hash_rate: None,
        state: MachineState::Unknown,
        mode: None,
        chip: None,
        doing: Doing::NoData,
    };
}

/// A machine's minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MachineMinute {
    /// The seconds of which the energy is known.
    pub known_s: u32,
    /// The energy of these in whole joules; `None` if there are none.
    pub energy: Option<Energy>,
    /// How it is known.
    pub known: Known,
    /// The rule, where some of it is estimated.
    pub rule: Option<&'static str>,
    /// Hashes by its own word; `None` if it said nothing.
    pub hashes: Option<Hashes>,
    /// What it did most of the time.
    pub state: MachineState,
    /// The last mode it named.
    pub mode: Option<MachineMode>,
    /// The hottest chip that it named.
    pub chip_max: Option<Temperature>,
    /// Seconds in which it hashed
    pub hashing_s: u32,
    /// and in which it was on its way.
    pub starting_s: u32,
    /// The rest of the seconds, by reason.
    pub down: Downtime,
}

/// One machine's account: 160 bytes, since there are 55,000 of them.
#[derive(Clone, Copy, Debug)]
pub struct MachineAccount {
    claim: Claim,
    since: Timestamp,
    /// Microjoules of the minute, with what was left below a joule of the minutes before.
    energy: i128,
    hashes: i128,
    known_ms: u32,
    said_hashes: bool,
    estimated: Option<&'static str>,
    /// Milliseconds by [`Doing`]
    doing_ms: [u32; 9],
    /// and by state.
    state_ms: [u32; 6],
    chip_max: Option<Temperature>,
}

impl MachineAccount {
    /// An account from an instant on.
    #[must_use]
    pub const fn new(at: Timestamp) -> Self {
        Self {
            claim: Claim::NOTHING,
            since: at,
            energy: 0,
            hashes: 0,
            known_ms: 0,
            said_hashes: false,
            estimated: None,
            doing_ms: [0; 9],
            state_ms: [0; 6],
            chip_max: None,
        }
    }

    /// What is claimed at present.
    #[must_use]
    pub const fn claim(&self) -> &Claim {
        &self.claim
    }

    /// Takes in what is known from `at` on. An instant before the last one changes the claim and adds no time.
    pub fn set(&mut self, at: Timestamp, claim: Claim) {
        self.settle(at);
        self.claim = claim;
    }

    /// What was claimed held until now.
    fn settle(&mut self, at: Timestamp) {
        let millis = self.since.duration_until(at).as_millis() as i64;
        if millis <= 0 {
            return;
        }
        self.since = at;
        let short = u32::try_from(millis).unwrap_or(u32::MAX);
        let claim = &self.claim;
        self.doing_ms[claim.doing as usize] = self.doing_ms[claim.doing as usize].saturating_add(short);
        let state = usize::from(claim.state.place());
        self.state_ms[state] = self.state_ms[state].saturating_add(short);
        if let Some(power) = claim.power {
            self.energy += power.over_millis(millis).to_microjoules();
            self.known_ms = self.known_ms.saturating_add(short);
            self.estimated = self.estimated.or(claim.rule);
        }
        if let Some(rate) = claim.hash_rate {
            self.hashes += rate.over_millis(millis).to_count();
            self.said_hashes = true;
        }
        self.chip_max = self.chip_max.max(claim.chip);
    }

    /// Ends an interval of `length_s` seconds at `end`, and begins the next. Time before the account began or that
    /// nobody accounted for is time without data, so that the seconds always come to the length.
    pub fn close(&mut self, end: Timestamp, length_s: u32) -> MachineMinute {
        self.settle(end);
        let millis = length_s.saturating_mul(1_000);
        let passed: u32 = self.doing_ms.iter().sum();
        let no_data = Doing::NoData as usize;
        self.doing_ms[no_data] = self.doing_ms[no_data].saturating_add(millis.saturating_sub(passed));
        let seconds = whole_seconds(&self.doing_ms, length_s);
        let whole = Energy::from_microjoules(self.energy);
        let (joules, known) = (whole.to_joules(), self.known_ms > 0);
        let state =
            (0..6_u8).max_by_key(|place| (self.state_ms[usize::from(*place)], 5 - *place)).unwrap_or(5);
        let minute = MachineMinute {
            known_s: (self.known_ms / 1_000).min(length_s),
            energy: known.then(|| Energy::from_joules(joules)),
            known: match (known, self.estimated) {
                (false, _) => Known::Missing,
                (true, Some(_)) => Known::Estimated,
                (true, None) => Known::Measured,
            },
            rule: self.estimated.filter(|_| known),
            hashes: self.said_hashes.then(|| Hashes::from_count(self.hashes)),
            state: if passed == 0 { MachineState::Unknown } else { state_at(state) },
            mode: self.claim.mode,
            chip_max: self.chip_max,
            hashing_s: seconds[0],
            starting_s: seconds[1],
            down: Downtime {
                outside_hours_s: seconds[2],
                ordered_s: seconds[3],
                price_s: seconds[4],
                fault_s: seconds[5],
                unreachable_s: seconds[6],
                maintenance_s: seconds[7],
                no_data_s: seconds[8],
            },
        };
        let left =
            if known { self.energy - Energy::from_joules(joules).to_microjoules() } else { self.energy };
        *self = Self { claim: self.claim, energy: left, ..Self::new(end) };
        minute
    }
}

fn state_at(place: u8) -> MachineState {
    MachineState::at(place).unwrap_or(MachineState::Unknown)
}

/// Milliseconds as whole seconds that come to the length, by the largest remainders; no seconds out of nothing.
fn whole_seconds(millis: &[u32; 9], length_s: u32) -> [u32; 9] {
    let weights = millis.map(u64::from);
    let parts = crate::split(i64::from(length_s), &weights).expect("an interval has a length");
    std::array::from_fn(|place| u32::try_from(parts[place]).expect("a part of the length"))
}
